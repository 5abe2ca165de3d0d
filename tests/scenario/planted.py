"""Single faults planted in shipped scenarios: one wrong key of one table at a time.

Each fault is a scenario text, the wrong line (``None``: the key is missing) and the key. The
generated ones give every written key a value of another type, and misspell it. The others are
common mistakes, listed by hand.
"""

from __future__ import annotations

import copy
import itertools
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from placeopt.scenario.positions import key_lines

MARLSHIRE = "marlshire/scenarios/"


@dataclass(frozen=True)
class Fault:
    """A scenario with one fault: its text, the line and the key that a finding must name."""

    scenario: str
    what: str
    text: str
    lines: tuple[int, ...]  # the line of the key, or of its table where it is missing
    key: str


def values_of(data: Path, scenario: str) -> dict[str, Any]:
    """The scenario's values, merged over those of the file that it extends."""
    text = (data / scenario).read_text(encoding="utf-8")
    values = tomllib.loads(text)
    base = values.pop("extends", None)
    if base is not None:
        below = values_of(data, str(Path(scenario).parent / base))
        drop = values.pop("drop", [])
        below["rules"] = [rule for rule in below["rules"] if rule["rule"] not in drop]
        values = {**below, **values, "rules": below["rules"] + values.get("rules", [])}
    values["place"] = str(data / Path(scenario).parts[0])
    return values


def planted(data: Path, scenario: str, what: str, path: tuple[Any, ...], value: Any) -> Fault:
    """The scenario with ``value`` at ``path``; missing tables or rules are made."""
    values = copy.deepcopy(values_of(data, scenario))
    at: Any = values
    for part, after in itertools.pairwise(path):
        if isinstance(at, dict):
            at = at.setdefault(part, [] if isinstance(after, int) else {})
        else:
            at = at[part]
    at[path[-1]] = value
    text = tomli_w.dumps(values)
    lines = key_lines(text)
    there = {line for place, line in lines.items() if place[: len(path)] == path}
    key = next(str(part) for part in reversed(path) if isinstance(part, str))
    return Fault(scenario, what, text, tuple(sorted(there)), key)


def with_rule(data: Path, scenario: str, rule: dict[str, Any], key: str) -> Fault:
    """The scenario with one more rule, in which ``key`` is wrong."""
    values = copy.deepcopy(values_of(data, scenario))
    kind = rule["rule"]
    ours = ("sequence", "pinned", "behaviour", "together", "opened", "served", "one_budget", "pace",
            "uncertainty", "streams", "statutory", "outcomes", "commissioning", "capital",
            "reinvestment", "through_the_place", "nobody_worse_off")  # fmt: skip
    if kind in ours:  # rules that may be written only once replace the existing one
        values["rules"] = [r for r in values["rules"] if r["rule"] != kind]
    values["rules"].append(rule)
    text = tomli_w.dumps(values)
    lines = key_lines(text)
    path = ("rules", len(values["rules"]) - 1, *key.split("."))
    there = {line for place, line in lines.items() if place[: len(path)] == path}
    what = f"{kind}.{key} = {_at(rule, key)!r}"
    return Fault(scenario, what, text, tuple(sorted(there)), key.split(".")[-1])


def _at(rule: dict[str, Any], key: str) -> Any:
    value: Any = rule
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def of_type(data: Path, scenario: str) -> Iterator[Fault]:
    """Every key that the scenario writes with a value of another type, and misspelt."""

    def walk(path: tuple[Any, ...], value: Any) -> Iterator[tuple[tuple[Any, ...], Any]]:
        if isinstance(value, dict):
            for key, inner in value.items():
                yield from walk((*path, key), inner)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for i, inner in enumerate(value):
                yield from walk((*path, i), inner)
        else:
            yield path, value

    values = values_of(data, scenario)
    for path, value in walk((), values):
        if path[0] in ("place", "question"):
            continue
        wrong: Any = 17 if isinstance(value, str | list | bool) else "seventeen"
        yield planted(data, scenario, f"{path} = {wrong!r}", path, wrong)
        if len(path) > 1 and isinstance(path[-1], str) and path[-1] != "rule":
            yield planted(data, scenario, f"{path[-1]}s is no key", (*path[:-1], f"{path[-1]}_"), 1)


ESTATE_SETTINGS: tuple[tuple[tuple[Any, ...], Any], ...] = (
    (("question",), "   "),
    (("travel", "speeds_kmh", "transit"), 0),
    (("travel", "speeds_kmh", "transit"), -12.0),
    (("travel", "speeds_kmh", "transit"), 12000.0),
    (("travel", "speeds_kmh", "drive"), 0.04),
    (("travel", "speeds_kmh", "walk"), 1.33),
    (("travel", "speeds_kmh", "hover"), 30.0),
    (("travel", "speeds_kmh", "cycle"), 16.0),
    (("travel", "modes"), ["walk", "bus"]),
    (("travel", "modes"), []),
    (("travel", "modes"), ["walk", "walk"]),
    (("travel", "method"), "crowfly"),
    (("travel", "method"), "matrix"),
    (("travel", "method"), "streets"),
    (("travel", "file"), "nowhere.csv"),
    (("travel", "detour"), 0.9),
    (("travel", "detour"), 13.0),
    (("travel", "cutoff_minutes"), 0),
    (("travel", "cutoff_minutes"), 2.0),
    (("solver", "gap"), -0.1),
    (("solver", "gap"), 1.5),
    (("solver", "time_limit_seconds"), 0),
    (("solver", "threads"), 0),
    (("solver", "engine"), "higs"),
    (("year",), 1066),
    (("year",), 2150),
    (("years",), 0),
    (("years",), 60),
    (("problem",), "estates"),
    (("drop",), ["flor"]),
    (("answer", "lead"), ["saving_gbp"]),
    (("answer", "lead"), ["works_gbp", "works_gbp"]),
    (("objective", "minimise"), []),
    (("objective", "minimise"), ["cost", "cost"]),
    (("objective", "minimise"), ["weighted"]),
    (("objective", "minimise"), ["least_money"]),
    (("objective", "slack"), [0.02]),
    (("money", "discount_rate"), 3.5),
    (("money", "discount_rate"), 0.35),
    (("money", "appraisal_years"), 0),
    (("money", "benefit_years"), 99),
)
ESTATE_RULES: tuple[tuple[dict[str, Any], str], ...] = (
    ({"rule": "access", "services": ["libary"], "minutes": 30}, "services"),
    ({"rule": "access", "services": [], "minutes": 30}, "services"),
    ({"rule": "access", "services": ["office_desks"], "minutes": 30}, "services"),
    ({"rule": "access", "services": ["library", "library"], "minutes": 30}, "services"),
    ({"rule": "access", "services": "all", "minutes": -30}, "minutes"),
    ({"rule": "access", "services": "all", "minutes": 0.5}, "minutes"),
    ({"rule": "access", "services": "all", "minutes": 600}, "minutes"),
    ({"rule": "access", "services": "all", "minutes": 30, "share": 93}, "share"),
    ({"rule": "access", "services": "all", "minutes": 30, "share": 0}, "share"),
    ({"rule": "access", "services": "all", "ceiling_minutes": 30, "share": 0.9}, "share"),
    (
        {"rule": "access", "services": "all", "minutes": 30, "ceiling_minutes": 20},
        "ceiling_minutes",
    ),
    ({"rule": "access", "services": "all", "minutes": 30, "mode": "cycle"}, "mode"),
    ({"rule": "access", "services": "all", "minutes": 30, "modes": ["bus"]}, "modes"),
    ({"rule": "access", "services": "all", "minutes": 30, "who": "elderly"}, "who"),
    ({"rule": "access", "services": "all", "minutes": 30, "quintiles": [0]}, "quintiles"),
    ({"rule": "access", "services": "all", "minutes": 30, "quintiles": [1, 1]}, "quintiles"),
    ({"rule": "access", "services": "all", "minutes": 30, "district": "D99"}, "district"),
    ({"rule": "access", "services": "all", "minutes": 30, "offer": "half"}, "offer"),
    ({"rule": "access", "services": "all", "minutes": 30, "from_year": 2062}, "from_year"),
    ({"rule": "access", "services": "all", "minutes": 30, "from_year": 1999}, "from_year"),
    ({"rule": "fairness", "services": ["nothing"], "loses_at_most_minutes": 5}, "services"),
    ({"rule": "fairness", "loses_at_most_minutes": -5}, "loses_at_most_minutes"),
    ({"rule": "fairness", "no_group_worse": ["colour"]}, "no_group_worse"),
    ({"rule": "fairness", "worst_mean_minutes": 900}, "worst_mean_minutes"),
    ({"rule": "fairness", "loses_at_most_minutes": 5, "worst_share": 0.2}, "worst_share"),
    ({"rule": "fairness", "loses_at_most_minutes": 5, "aversion": 2.0}, "aversion"),
    ({"rule": "fairness", "worst_mean_minutes": 40, "worst_share": 10}, "worst_share"),
    ({"rule": "network", "service": "libary", "at_least": 1}, "service"),
    ({"rule": "network", "tier": "hub", "at_least": 1}, "tier"),
    ({"rule": "network", "district": "North", "at_least": 1}, "district"),
    ({"rule": "network", "at_least": 9, "at_most": 3}, "at_least"),
    ({"rule": "network", "at_least": 1000}, "at_least"),
    ({"rule": "network", "service": "library", "at_least": 109}, "at_least"),
    ({"rule": "network", "tier": "primary_hub", "each_district": True, "at_least": 60}, "at_least"),
    ({"rule": "network", "tier": "primary_hub", "each_district": True, "at_most": 0}, "at_most"),
    ({"rule": "network", "at_most": 0}, "at_most"),
    ({"rule": "network", "at_least": -1}, "at_least"),
    ({"rule": "network", "at_least": 0}, "at_least"),
    ({"rule": "network", "spacing_m": -5}, "spacing_m"),
    ({"rule": "network", "spacing_m": 5000000}, "spacing_m"),
    ({"rule": "network", "at_least": 1, "from_year": 2099}, "from_year"),
    ({"rule": "pinned", "keep": ["B9999"]}, "keep"),
    ({"rule": "pinned", "close": ["Town Hall"]}, "close"),
    ({"rule": "pinned", "keep": ["B002"], "close": ["B002"]}, "close"),
    ({"rule": "pinned", "close": ["B002", "B002"]}, "close"),
    ({"rule": "pinned", "keep": ["B102"]}, "keep"),
    ({"rule": "pinned", "never_sell": ["B1"]}, "never_sell"),
    ({"rule": "together", "max_services": 0}, "max_services"),
    ({"rule": "together", "max_services": 1}, "max_services"),
    ({"rule": "together", "must": [["library", "library"]]}, "must"),
    ({"rule": "together", "must": [["library", "libary"]]}, "must"),
    ({"rule": "together", "never": [["family_support", "health_visiting"]]}, "never"),
    ({"rule": "opened", "only_in": {"libary": ["library"]}}, "only_in"),
    ({"rule": "opened", "only_in": {"library": ["shed"]}}, "only_in"),
    ({"rule": "opened", "only_in": {"library": []}}, "only_in.library"),
    ({"rule": "served", "unserved_share": 5}, "unserved_share"),
    ({"rule": "served", "unserved_share": 1}, "unserved_share"),
    ({"rule": "capital", "pot_gbp": -1}, "pot_gbp"),
    ({"rule": "capital", "pot_gbp": 1e12}, "pot_gbp"),
    ({"rule": "capital", "pot_gbp": 300}, "pot_gbp"),
    ({"rule": "capital", "pot_gbp": [1000000, 1000000, 1000000]}, "pot_gbp"),
    ({"rule": "capital", "pot_gbp": 3000000, "recycled_share": 50}, "recycled_share"),
    ({"rule": "capital", "pot_gbp": 3000000, "pays_for": ["paint"]}, "pays_for"),
    ({"rule": "capital", "pot_gbp": 3000000, "pays_for": []}, "pays_for"),
    ({"rule": "revenue", "ceiling_gbp_per_year": 1e12}, "ceiling_gbp_per_year"),
    ({"rule": "revenue", "ceiling_gbp_per_year": 10}, "ceiling_gbp_per_year"),
    ({"rule": "revenue", "share_of_today": 90}, "share_of_today"),
    ({"rule": "revenue", "share_of_today": 4.9}, "share_of_today"),
    ({"rule": "revenue", "share_of_today": 0}, "share_of_today"),
    ({"rule": "carbon", "share_of_today": 0}, "share_of_today"),
    ({"rule": "access", "services": "all", "minutes": 30, "who": []}, "who"),
    ({"rule": "revenue", "share_of_today": 0.9, "from_year": 2026, "to_year": 2020}, "to_year"),
    ({"rule": "carbon", "share_of_today": 50}, "share_of_today"),
    ({"rule": "carbon", "ceiling_tco2e_per_year": -1}, "ceiling_tco2e_per_year"),
    ({"rule": "sequence", "moves_per_year": -1}, "moves_per_year"),
    ({"rule": "sequence", "fit_out_years": 3}, "fit_out_years"),
    ({"rule": "sequence", "double_running_years": 12}, "double_running_years"),
    ({"rule": "behaviour", "residents": "random"}, "residents"),
    ({"rule": "behaviour", "residents": "planner", "overflow": True}, "overflow"),
    ({"rule": "behaviour", "residents": "decay", "exponent": -2}, "exponent"),
    ({"rule": "behaviour", "residents": "planner", "exponent": 2}, "exponent"),
    ({"rule": "statutory"}, "rule"),
    ({"rule": "acces", "services": "all", "minutes": 30}, "rule"),
)
BUDGET_SETTINGS: tuple[tuple[tuple[Any, ...], Any], ...] = (
    (("year",), 2020),
    (("year",), 2040),
    (("years",), 9),
    (("objective", "minimise"), ["cost"]),
    (("objective", "weights"), {"least_money": 1.0}),
    (("money", "benefit_years"), 0),
    (("answer", "lead"), ["works_gbp"]),
    (("drop",), ["one_budget"]),
)
BUDGET_RULES: tuple[tuple[dict[str, Any], str], ...] = (
    ({"rule": "one_budget", "total_gbp": -5}, "total_gbp"),
    ({"rule": "one_budget", "total_gbp": 1e12}, "total_gbp"),
    ({"rule": "one_budget", "total_gbp": 250000}, "total_gbp"),
    ({"rule": "one_budget", "total_gbp": [250000000, 250000000]}, "total_gbp"),
    ({"rule": "one_budget", "total_gbp": 400000000}, "total_gbp"),
    ({"rule": "one_budget", "reduction_share": 8}, "reduction_share"),
    ({"rule": "one_budget", "reduction_share": 0.8}, "reduction_share"),
    ({"rule": "one_budget", "reduction_share": -0.9}, "reduction_share"),
    ({"rule": "one_budget", "reduction_share": 0.08, "total_gbp": 250000000}, "total_gbp"),
    ({"rule": "one_budget", "reduction_share": 0.08, "opening_reserve_gbp": 4000000},
     "opening_reserve_gbp"),
    ({"rule": "one_budget", "reduction_share": 0.08, "opening_reserve_gbp": 1e12,
      "carry_over": True}, "opening_reserve_gbp"),
    ({"rule": "streams", "release": ["no_stream"]}, "release"),
    ({"rule": "streams", "release": ["county_general"]}, "release"),
    ({"rule": "streams", "unspent": "kept"}, "unspent"),
    ({"rule": "statutory", "floors_gbp": {"nothing": 1000000}}, "floors_gbp"),
    ({"rule": "statutory", "floors_gbp": {"reablement": 1e12}}, "floors_gbp.reablement"),
    ({"rule": "statutory", "floors_gbp": {"reablement": -1}}, "floors_gbp.reablement"),
    ({"rule": "outcomes", "targets": "hope"}, "targets"),
    ({"rule": "outcomes", "shortfall_price": -1}, "shortfall_price"),
    ({"rule": "outcomes", "shortfall_price": 5.0}, "shortfall_price"),
    ({"rule": "outcomes", "from_year": 2050}, "from_year"),
    ({"rule": "outcomes", "from_year": 2001}, "from_year"),
    ({"rule": "outcomes", "deferred_share": 20}, "deferred_share"),
    ({"rule": "outcomes", "deferred_share": 0.2}, "deferred_share"),
    ({"rule": "outcomes", "outcome": {"nothing": {"target": 3}}}, "outcome"),
    ({"rule": "outcomes", "outcome": {"school_ready": {"target": 7000}}},
     "outcome.school_ready.target"),
    ({"rule": "outcomes", "outcome": {"school_ready": {"minimum_standard": -66}}},
     "outcome.school_ready.minimum_standard"),
    ({"rule": "pace", "largest_cut_share": 12}, "largest_cut_share"),
    ({"rule": "pace", "largest_rise_share": 30}, "largest_rise_share"),
    ({"rule": "pace", "largest_rise_share": 0.3, "exempt": ["nothing"]}, "exempt"),
    ({"rule": "pace", "largest_cut_share": 0.1, "double_running_years": 11},
     "double_running_years"),
    ({"rule": "reinvestment", "share": 5}, "share"),
    ({"rule": "reinvestment", "share": 0}, "share"),
    ({"rule": "through_the_place", "share": 50}, "share"),
    ({"rule": "through_the_place", "first_years": 9}, "first_years"),
    ({"rule": "nobody_worse_off", "when": "sometimes"}, "when"),
    ({"rule": "nobody_worse_off", "only_together": ["nothing"]}, "only_together"),
    ({"rule": "commissioning", "coherent": [["reablement"]]}, "coherent"),
    ({"rule": "commissioning", "coherent": [["reablement", "nothing"]]}, "coherent"),
    ({"rule": "capital", "pots": "two"}, "pots"),
    ({"rule": "capital", "receipts_gbp": 1e12}, "receipts_gbp"),
    ({"rule": "capital", "receipts_gbp": [1000000, 1000000]}, "receipts_gbp"),
    ({"rule": "uncertainty", "spread_by_grade": {"2": 0.1}}, "spread_by_grade"),
    ({"rule": "uncertainty", "spread_by_grade": {"2": 0.1, "3": 0.2, "4": 0.3, "5": -0.4, "": 0.1}},
     "spread_by_grade.5"),
    ({"rule": "uncertainty", "spread_by_grade": {"2": 0.1, "3": 0.2, "4": 30.0, "5": 0.4}},
     "spread_by_grade.4"),
    ({"rule": "uncertainty", "spread_by_grade": {"2": 0.1, "3": 0.2, "4": 0.3, "5": 0.4,
                                                 "9": 0.1}}, "spread_by_grade.9"),
    ({"rule": "network", "at_least": 1}, "rule"),
)  # fmt: skip


def by_hand(data: Path) -> list[Fault]:
    """The faults listed above, in the estate's and the budget's shipped question."""
    estate, budget = MARLSHIRE + "estate.toml", MARLSHIRE + "budget.toml"
    faults = []
    for scenario, settings, rules in (
        (estate, ESTATE_SETTINGS, ESTATE_RULES),
        (budget, BUDGET_SETTINGS, BUDGET_RULES),
    ):
        faults += [planted(data, scenario, f"{p} = {v!r}", p, v) for p, v in settings]
        faults += [with_rule(data, scenario, rule, key) for rule, key in rules]
    return faults
