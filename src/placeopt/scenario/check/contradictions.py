"""Find contradictions and implausible values in a scenario: settings, rules that clash or have no
effect, and amounts of another order of magnitude than the place's money.

Findings name file, line and key before any solve. What cannot be solved is an error. What may be
intended is a warning, and so is a clash of rules: that no plan meets them is an answer, which a
solve explains.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as Folder
from typing import TYPE_CHECKING, Any

from placeopt.base.errors import Finding
from placeopt.place.running_cost import base_year
from placeopt.scenario.check.budget import budget_contradictions
from placeopt.scenario.check.estate import estate_contradictions
from placeopt.scenario.check.solvable import solvable_findings
from placeopt.scenario.faults import MADE_IN_PYTHON, TomlFile, as_warning, fault, suggest
from placeopt.scenario.positions import Path
from placeopt.scenario.rules.estate.services import Network
from placeopt.scenario.rules.rule import Rule
from placeopt.scenario.scenario import Scenario
from placeopt.scenario.wording import pounds
from placeopt.travel.speeds import ACCESS_KMH, KMH, MODES, TOP_KMH

if TYPE_CHECKING:
    from placeopt.place import Place

RulesWithLocation = list[tuple[Rule, Path, TomlFile]]
MAX_AMOUNT_RATIO = 20.0  # of an amount to all of the place's money, above which its unit is wrong
MIN_AMOUNT_RATIO = 1e-4  # the same below
MAX_YEARS_FROM_PRICES = 30  # from the place's price year to the first decided year
MAX_DISCOUNT_RATE = 0.15  # a higher real rate is implausible
SLOW_SHARE = 0.5  # of the usual speed of a mode, below which a speed is implausible
MAX_SLACK = 0.5  # a larger slack of an objective is implausible


def contradiction_findings(
    place: Place,
    scenario: Scenario,
    sources: list[TomlFile],
    rules_with_location: RulesWithLocation,
) -> Iterator[Finding]:
    """Yield all contradictions and implausible values of a scenario."""
    files = sources or [MADE_IN_PYTHON]
    yield from _travel(place, scenario, files)
    yield from _settings(place, scenario, files)
    yield from _rule_year_findings(scenario, rules_with_location)
    yield from _repeated_or_clashing(rules_with_location)
    yield from _amounts(place, rules_with_location)
    yield from _without_effect(rules_with_location)
    yield from solvable_findings(place, scenario, files, rules_with_location)
    if scenario.problem == "estate":
        yield from estate_contradictions(place, scenario, rules_with_location)
    if scenario.problem == "budget":
        yield from budget_contradictions(place, scenario, rules_with_location, files)


def _travel(place: Place, scenario: Scenario, files: list[TomlFile]) -> Iterator[Finding]:
    """Findings on speeds, modes and files from which no minutes can be computed."""
    if scenario.problem != "estate":
        return
    travel = scenario.travel
    for key, speed in travel.speeds_kmh.items():
        path, label = ("travel", "speeds_kmh", key), f"travel.speeds_kmh.{key}"
        head, _, tail = key.partition(".")
        mode = tail if head == "access" else head
        if mode not in MODES:
            message = f"there is no mode {mode!r}"
            yield fault(files, path, speed, message, suggest(mode, MODES), label)
        elif not speed > 0:
            remedy = "give a speed above 0 km/h"
            yield fault(files, path, speed, "nobody moves at this speed", remedy, label)
        elif speed > TOP_KMH[mode]:
            message = f"faster than anybody goes by {mode} ({TOP_KMH[mode]:g} km/h)"
            yield as_warning(fault(files, path, speed, message, "give kilometres an hour", label))
        elif speed < SLOW_SHARE * (usual := ACCESS_KMH["walk"] if head == "access" else KMH.get(
            mode, ACCESS_KMH["walk"]
        )):  # fmt: skip
            message = f"less than half of the usual {usual:g} km/h: is it in metres a second?"
            yield as_warning(fault(files, path, speed, message, "give kilometres an hour", label))
        elif mode not in travel.modes:
            message = "the scenario does not ask for this mode, so the speed does nothing"
            remedy = f"add {mode} to travel.modes, or take the speed out"
            yield as_warning(fault(files, path, speed, message, remedy, label))
    for i, mode in enumerate(travel.modes):
        if mode in travel.modes[:i]:
            yield fault(files, ("travel", "modes", i), mode, "the mode stands twice",
                        "name each once", "travel.modes")  # fmt: skip
        elif travel.method == "crow_fly" and mode in MODES and mode not in (
            *KMH, *travel.speeds_kmh
        ):  # fmt: skip
            message = f"no speed is known for {mode} in a straight line"
            remedy = f"state speeds_kmh = {{ {mode} = ... }} under [travel]"
            yield fault(files, ("travel", "modes", i), mode, message, remedy, "travel.modes")
    if travel.detour > 3:
        message = "streets are hardly three times as long as the straight line"
        yield as_warning(fault(files, ("travel", "detour"), travel.detour, message,
                          "1.2 to 1.5 is usual", "travel.detour"))  # fmt: skip
    if travel.cutoff_minutes < 5 or travel.cutoff_minutes > 1440:
        message = "journeys beyond the cutoff count as impossible"
        yield as_warning(fault(files, ("travel", "cutoff_minutes"), travel.cutoff_minutes, message,
                          "give minutes; 60 to 240 is usual", "travel.cutoff_minutes"))  # fmt: skip
    yield from _travel_file(place, scenario, files)


def _travel_file(place: Place, scenario: Scenario, files: list[TomlFile]) -> Iterator[Finding]:
    travel, folder = scenario.travel, place.folder
    if folder is not None and not folder.is_dir():
        folder = folder.parent
    default_names = {
        "matrix": ("minutes.parquet", "minutes.csv"),
        "streets": ("streets.gpkg", "streets.osm.pbf"),
    }
    if travel.file is not None and travel.method == "crow_fly":
        message = "a straight line needs no file: this one is not read"
        remedy = 'take it out, or say method = "matrix" or "streets"'
        yield as_warning(
            fault(files, ("travel", "file"), travel.file, message, remedy, "travel.file")
        )
    elif folder is None and travel.file is None and travel.method in default_names:
        message = "the place is in no folder, so nothing lies beside it"
        yield fault(files, ("travel", "method"), travel.method, message,
                    "name the file with file = ..., or use another method",
                    "travel.method")  # fmt: skip
    elif travel.file is not None and not ((folder or Folder()) / travel.file).is_file():
        message = "there is no such file in the place's folder"
        yield fault(files, ("travel", "file"), travel.file, message,
                    "give it relative to the place", "travel.file")  # fmt: skip
    elif folder is not None and travel.file is None and travel.method in default_names:
        names = default_names[travel.method]
        if not any((folder / name).is_file() for name in names):
            message = f"the place has neither {names[0]} nor {names[1]}"
            yield fault(files, ("travel", "method"), travel.method, message,
                        "add one, name it with file = ..., or use another method",
                        "travel.method")  # fmt: skip


def _settings(place: Place, scenario: Scenario, files: list[TomlFile]) -> Iterator[Finding]:
    """Findings on years, rates, slacks and lead figures."""
    if not scenario.question.strip():
        yield fault(files, ("question",), scenario.question, "the question is blank",
                    "write what is asked, as a reader should see it", "question")  # fmt: skip
    year, prices = scenario.year, place.info.price_year
    if year is not None and abs(year - prices) > MAX_YEARS_FROM_PRICES:
        message = f"the place's prices are of {prices}"
        yield as_warning(
            fault(files, ("year",), year, message, "give the first decided year", "year")
        )
    if scenario.money.discount_rate > MAX_DISCOUNT_RATE:
        message = "a real rate so high makes later years count for nothing"
        yield as_warning(
            fault(
                files,
                ("money", "discount_rate"),
                scenario.money.discount_rate,
                message,
                "give a share: 0.035 is 3.5 %",
                "money.discount_rate",
            )
        )
    for i, slack in enumerate(scenario.objective.slack):
        if slack > MAX_SLACK:
            message = "the objective may get worse by more than half"
            yield as_warning(fault(files, ("objective", "slack", i), slack, message,
                              "give a share: 0.02 is 2 %", "objective.slack"))  # fmt: skip
    weights = scenario.objective.weights
    for name, weight in weights.items():
        if weight >= 1e6 * min(weights.values()):
            message = "a millionfold weight leaves nothing to the other objectives"
            path = ("objective", "weights", name)
            yield as_warning(fault(files, path, weight, message, "give GBP for one unit of each",
                              f"objective.weights.{name}"))  # fmt: skip
    lead = scenario.answer.lead
    for i, key in enumerate(lead):
        if key in lead[:i]:
            yield as_warning(fault(files, ("answer", "lead", i), key, "the figure is named twice",
                              "name each once", "answer.lead"))  # fmt: skip
    if scenario.problem == "estate" and scenario.money.works_optimism_bias:
        missing_kinds = sorted(
            set(place.buildings["works_kind"]) - set(place.works_optimism_bias["works_kind"])
        )
        if missing_kinds:
            message = f"works_optimism_bias.csv states no share for {', '.join(missing_kinds)}"
            yield fault(files, ("money", "works_optimism_bias"), True, message,
                        "add a row for each, or take it out",
                        "money.works_optimism_bias")  # fmt: skip
    if scenario.problem == "estate" and scenario.money.carbon_values:
        first = year if year is not None else base_year(place)
        years = range(first, first + scenario.money.appraisal_years)
        if not set(place.carbon_values["year"].tolist()) & set(years):
            message = f"carbon_values.csv has no year from {years[0]} to {years[-1]}"
            yield fault(files, ("money", "carbon_values"), True, message,
                        "add them, or take it out", "money.carbon_values")  # fmt: skip


def _rule_year_findings(
    scenario: Scenario, rules_with_location: RulesWithLocation
) -> Iterator[Finding]:
    """Findings on rules that end before they begin, or lie outside the decided years."""
    first = scenario.year
    last = None if first is None else first + scenario.years - 1
    for rule, path, source in rules_with_location:
        start, end = getattr(rule, "from_year", None), getattr(rule, "to_year", None)
        if start is not None and end is not None and start > end:
            yield fault([source], (*path, "to_year"), end, f"the rule begins in {start}",
                        "give a to_year from then on", f"{rule.name}.to_year")  # fmt: skip
        for key, year in (("from_year", start), ("to_year", end)):
            if year is None or first is None or last is None or first <= year <= last:
                continue
            if rule.problem == "estate" and not (start or first) > last and (
                not (end is not None and end < first)
            ):  # fmt: skip
                message = f"years from {first} to {last} are decided"
                yield as_warning(
                    fault(
                        [source],
                        (*path, key),
                        year,
                        message,
                        "give one of them, or leave it out",
                        f"{rule.name}.{key}",
                    )
                )
            elif rule.problem == "budget":
                finding = fault([source], (*path, key), year, f"years from {first} to {last} are "
                                "decided", "give one of them", f"{rule.name}.{key}")  # fmt: skip
                yield finding if year > last else as_warning(finding)
        if "first_years" in rule.model_fields_set and rule.first_years > scenario.years:  # type: ignore[attr-defined]
            message = f"only {scenario.years} years are decided"
            yield as_warning(fault([source], (*path, "first_years"), rule.first_years, message,  # type: ignore[attr-defined]
                              "give at most so many", f"{rule.name}.first_years"))  # fmt: skip


def _repeated_or_clashing(rules_with_location: RulesWithLocation) -> Iterator[Finding]:
    """Warnings for clashing limits on the same quantity and for repeated names in a list."""
    limits: dict[tuple[Any, ...], tuple[int, str]] = {}
    for rule, path, source in rules_with_location:
        for key, value in rule:
            if isinstance(value, tuple) and all(isinstance(name, str) for name in value):
                for i, name in enumerate(value):
                    if name in value[:i]:
                        yield as_warning(fault([source], (*path, key), name, "it stands twice",
                                          "name each once", f"{rule.name}.{key}"))  # fmt: skip
        if not isinstance(rule, Network):
            continue
        scope = rule.tier, rule.service, rule.district, rule.each_district
        where = f"{source.name} row {source.lines.get(path, '?')}"
        if rule.at_least is not None:
            limits.setdefault((*scope, "least"), (rule.at_least, where))
            upper = limits.get((*scope, "most"))
            if upper and rule.at_least > upper[0] and rule.from_year is None:
                yield as_warning(fault([source], (*path, "at_least"), rule.at_least,
                            f"another rule allows at most {upper[0]} ({upper[1]})",
                            "correct one of the two", "network.at_least"))  # fmt: skip
        if rule.at_most is not None:
            limits.setdefault((*scope, "most"), (rule.at_most, where))
            lower = limits.get((*scope, "least"))
            if lower and rule.at_most < lower[0] and lower[1] != where:
                yield as_warning(fault([source], (*path, "at_most"), rule.at_most,
                            f"another rule asks for at least {lower[0]} ({lower[1]})",
                            "correct one of the two", "network.at_most"))  # fmt: skip


def _amounts(place: Place, rules_with_location: RulesWithLocation) -> Iterator[Finding]:
    """Findings on amounts of another order of magnitude than the place's money."""
    total_money = _annual_spending(place)
    if total_money <= 0:
        return
    for rule, path, source in rules_with_location:
        for key, value in rule:
            if not (key.endswith("_gbp") or "_gbp_" in key):
                continue
            amounts_by_name = dict(value) if isinstance(value, dict) else {None: value}
            for name, amounts in amounts_by_name.items():
                where = (*path, key) if name is None else (*path, key, name)
                label = f"{rule.name}.{key}" + (f".{name}" if name is not None else "")
                for amount in amounts if isinstance(amounts, tuple) else (amounts,):
                    if amount is None:
                        continue
                    if amount < 0:
                        yield fault([source], where, amount, "this is below 0", "give 0 or more",
                                    label)  # fmt: skip
                    elif amount > MAX_AMOUNT_RATIO * total_money:
                        message = f"all the money of the place is {pounds(total_money)}"
                        yield as_warning(fault([source], where, f"{amount:g}", message,
                                          "give pounds", label))  # fmt: skip
                    elif 0 < amount < MIN_AMOUNT_RATIO * total_money and name is None:
                        message = f"all the money of the place is {pounds(total_money)}"
                        yield as_warning(fault([source], where, f"{amount:g}", message,
                                          "give pounds, not thousands or millions",
                                          label))  # fmt: skip


def _annual_spending(place: Place) -> float:
    """The place's annual spending on programmes, or on buildings and staff if larger (GBP)."""
    spending, buildings = place.spending, place.buildings
    spent = float(spending.loc[spending["year"] == spending["year"].max(), "amount_gbp"].sum())
    area = buildings["floor_area_m2"] * buildings["running_cost_gbp_per_m2_per_year"]
    running = float((buildings["running_cost_fixed_gbp_per_year"] + area).sum())
    staff = place.services.set_index("service_id")["staffing_cost_gbp_per_point_per_year"]
    running += float(place.hosting["service_id"].map(staff).astype(float).fillna(0).sum())
    return max(spent, running)


NEUTRAL_VALUES = {  # parameter of a rule -> value without effect
    ("access", "share"): 0.0,
    ("reinvestment", "share"): 0.0,
    ("through_the_place", "share"): 0.0,
}
REQUIRED_WITH = {  # parameter of a rule -> the parameter without which it has no effect
    ("fairness", "worst_share"): "worst_mean_minutes",
    ("fairness", "aversion"): "equal_minutes",
    ("access", "share"): "minutes",
    ("capital", "recycled_share"): "",
}


def _without_effect(rules_with_location: RulesWithLocation) -> Iterator[Finding]:
    """Warnings for parameters without effect, in general or without another parameter."""
    for rule, path, source in rules_with_location:
        given = rule.model_fields_set
        for key in sorted(given):
            value, label = getattr(rule, key), f"{rule.name}.{key}"
            if (rule.name, key) in NEUTRAL_VALUES and value == NEUTRAL_VALUES[rule.name, key]:
                yield as_warning(fault([source], (*path, key), value, "so the rule asks nothing",
                                  "give more, or take the rule out", label))  # fmt: skip
            required = REQUIRED_WITH.get((rule.name, key))
            if required and getattr(rule, required) is None:
                yield as_warning(
                    fault(
                        [source],
                        (*path, key),
                        value,
                        f"it does nothing without {required}",
                        f"give {required}, or take it out",
                        label,
                    )
                )
        if isinstance(rule, Network) and not rule.at_least and rule.at_most is None and (
            rule.spacing_m is None
        ):  # fmt: skip
            yield as_warning(fault([source], (*path, "at_least"), 0, "so the rule asks nothing",
                              "give more, or take the rule out", "network.at_least"))  # fmt: skip
