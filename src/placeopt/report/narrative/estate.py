"""An estate plan in words: what closes, what it saves, and whose journeys change."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from placeopt.report.narrative.estate_access import ACCESS_SENTENCES
from placeopt.report.narrative.estate_facts import EstateFacts
from placeopt.report.narrative.figures import Figure, count_true, known_values
from placeopt.report.narrative.minutes import as_if_driving
from placeopt.report.narrative.reassignment import describe_reassignment
from placeopt.report.narrative.sentences import (
    Sentence,
    Statement,
    Values,
    first_true,
    gbp,
    quantity,
    share,
    true_statements,
)
from placeopt.scenario.wording import listed

if TYPE_CHECKING:
    from placeopt.engine import Answer

NOTICEABLE_GBP = 0.5
SAVING_PARTS = {  # part of running costs in the summary -> in words
    "buildings": "of buildings in use",
    "staff": "of staff of service points",
    "held_empty": "of buildings held empty",
}
REDUNDANCY_WORDS = {  # what the summary states of redundancy -> what the sentence adds
    "no": ", and no redundancy: the place states no such cost",
    "partly": ", and redundancy of some services only: the place states no cost of the others",
}
NOTHING = "if nothing changes"
WITHOUT_CAR_FIGURES = {
    "without_car_minutes_to_nearest": "Mean minutes to the nearest service without a car, of "
    "visits in reach",
    "without_car_minutes_as_sent": "Mean minutes where visits are sent without a car, of visits in "
    "reach",
}


def describe_estate(answer: Answer) -> tuple[Statement, list[Statement], list[Figure]]:
    """Return the headline, the sentences and the key figures of an estate plan."""
    facts = EstateFacts(answer)
    sentences = [*true_statements(SENTENCES, facts), *describe_reassignment(answer)]
    return first_true(HEADLINES, facts), sentences, _figures(facts)


def _headline_values(f: EstateFacts) -> Values:
    today = f.costs["before_gbp_per_year"]
    return {
        "saving": gbp(abs(f.saving)),
        "share": share(abs(f.saving / today) if today else math.nan),
        "year": f.in_last_year,
        "as_today": "today" if f.years is None else "if nothing changes",
        "of_what": "of what the estate costs to run today"
        if f.years is None
        else "of what the estate costs to run then if nothing changes",
        "closes": quantity(f.counts["close"], "building"),
    }


def _headline(template: str, with_share: bool = True) -> Any:
    def words(v: Values) -> str:
        note = f" ({v['share']} {v['of_what']})" if with_share else ""
        closes = v["closes"]
        buildings = str(closes) if getattr(closes, "value", 0) else "no building"
        return f"The plan {template.format(**v)}{note} and closes {buildings}."

    return words


HEADLINES: tuple[Sentence[EstateFacts], ...] = (
    Sentence(
        "saves",
        lambda f: f.saving >= NOTICEABLE_GBP and f.costs["before_gbp_per_year"] > 0,
        _headline("saves {saving} a year{year}"),
        _headline_values,
    ),
    Sentence(
        "costs_more",
        lambda f: f.saving <= -NOTICEABLE_GBP and f.costs["before_gbp_per_year"] > 0,
        _headline("costs a further {saving} a year{year}"),
        _headline_values,
    ),
    Sentence(
        "costs_more_than_nothing",
        lambda f: f.saving <= -NOTICEABLE_GBP,
        _headline("costs {saving} a year{year}", with_share=False),
        _headline_values,
    ),
    Sentence(
        "costs_the_same",
        lambda f: True,
        _headline("costs as much to run{year} as {as_today}", with_share=False),
        _headline_values,
    ),
)


def _change_words(v: Values) -> str:
    """Describe what happens to the buildings open today; kinds with no building are left out."""
    verbs = {
        "close": ("closes", "close"),
        "take_in": ("takes in a service", "take in a service"),
        "lose": ("stays open without a service it has today",
                 "stay open without a service they have today"),
        "tier_only": ("gets a tier and keeps its services", "get a tier and keep their services"),
        "same": ("stays open as it is", "stay open as they are"),
    }  # fmt: skip
    parts = [f"{v[key]:,} {singular if v[key] == 1 else plural}"
             for key, (singular, plural) in verbs.items()
             if v[key]]  # fmt: skip
    return f"Of the {v['was_open']}, {listed(parts)}."


def _tier_words(v: Values) -> str:
    return f"Buildings by tier: {'; '.join(f'{number:,} {name}' for name, number in v.items())}."


SENTENCES: tuple[Sentence[EstateFacts], ...] = (
    Sentence(
        "changes",
        lambda f: f.counts["was_open"] > 0,
        _change_words,
        lambda f: {
            "was_open": quantity(
                f.counts["was_open"], "building open today", "buildings open today"
            ),
            **{key: f.counts[key] for key in ("close", "take_in", "lose", "tier_only", "same")},
        },
    ),
    Sentence("tiers", lambda f: bool(f.by_tier), _tier_words, lambda f: f.by_tier),
    Sentence(
        "new_sites",
        lambda f: f.counts["open"] > 0,
        "The plan opens {sites}.",
        lambda f: {
            "sites": quantity(
                f.counts["open"],
                "building that is not open today",
                "buildings that are not open today",
            )
        },
    ),
    Sentence(
        "given_up",
        lambda f: f.counts["given_up"] > 0,
        "It gives up {empty}.",
        lambda f: {
            "empty": quantity(
                f.counts["given_up"],
                "building that stands empty today",
                "buildings that stand empty today",
            )
        },
    ),
    Sentence(
        "held_empty",
        lambda f: f.held_empty[0] > 0,
        lambda v: (
            f"Of those that close, {v['held']} {v['stand']} empty and {v['cost']} "
            f"{v['gbp']} a year."
        ),
        lambda f: {
            "held": f.held_empty[0],
            "stand": "stands" if f.held_empty[0] == 1 else "stand",
            "cost": "costs" if f.held_empty[0] == 1 else "cost",
            "gbp": gbp(f.held_empty[1]),
        },
    ),
    Sentence(
        "running_falls",
        lambda f: f.saving >= NOTICEABLE_GBP,
        lambda v: _running_words("fall", v),
        lambda f: _running_costs(f),
    ),
    Sentence(
        "running_rises",
        lambda f: f.saving <= -NOTICEABLE_GBP,
        lambda v: _running_words("rise", v),
        lambda f: _running_costs(f),
    ),
    Sentence(
        "saving_parts",
        lambda f: abs(f.saving) >= NOTICEABLE_GBP and len(_saving_parts(f)) > 1,
        lambda v: _saving_part_words(v),
        lambda f: _saving_parts(f),
    ),
    Sentence(
        "in_one_year",
        lambda f: f.years is None and f.counts["close"] > 0 and f.saving >= NOTICEABLE_GBP,
        "The question decides {year} alone: {closures} and a full year of savings are counted in "
        "it{redundancy}.",
        lambda f: {
            "year": int(f.summary["year"]),
            "closures": quantity(f.counts["close"], "closure"),
            "redundancy": REDUNDANCY_WORDS.get(str(f.summary.get("redundancy_counted")), ""),
        },
    ),
    Sentence(
        "works",
        lambda f: f.costs["works_gbp"] >= NOTICEABLE_GBP,
        lambda v: works_words(v),
        lambda f: works_values(f),
    ),
    Sentence(
        "receipts",
        lambda f: f.costs["receipts_net_gbp"] >= NOTICEABLE_GBP,
        "Sales bring in {net} after their cost.",
        lambda f: {"net": gbp(f.costs["receipts_net_gbp"])},
    ),
    Sentence(
        "maintenance",
        lambda f: bool(f.costs["maintenance_before_gbp"]),
        "Maintenance of {due} is due on the buildings that are open or empty today; in the plan "
        "{kept} has to be paid, on those that it keeps, holds empty or opens.",
        lambda f: {
            "due": gbp(f.costs["maintenance_before_gbp"]),
            "kept": gbp(f.costs["maintenance_after_gbp"] or 0.0),
        },
    ),
    Sentence(
        "closes_by_year",
        lambda f: f.years is not None and bool(_closures_by_year(f)),
        lambda v: (
            f"The plan decides {v['first']} to {v['last']}; buildings close: "
            + listed(f"{number} in {year}" for year, number in v.items() if year.isdigit())
            + "."
        ),
        lambda f: {"first": f.years[0], "last": f.years[1], **_closures_by_year(f)},  # type: ignore[index]
    ),
    Sentence(
        "closes_in_no_year",
        lambda f: f.years is not None and not _closures_by_year(f),
        "The plan decides {first} to {last}; no building closes.",
        lambda f: {"first": f.years[0], "last": f.years[1]},  # type: ignore[index]
    ),
    Sentence(
        "receipts_gross",
        lambda f: f.years is not None and bool(f.summary.get("receipts_gross_gbp")),
        "Sales bring in {gross} gross, {net} net.",
        lambda f: {
            "gross": gbp(f.summary["receipts_gross_gbp"]),
            "net": gbp(f.summary["receipts_net_gbp"]),
        },
    ),
    Sentence(
        "clawback",
        lambda f: f.years is not None and bool(f.summary.get("receipts_clawback_gbp")),
        "{back} goes back to those who paid for the buildings.",
        lambda f: {"back": gbp(f.summary["receipts_clawback_gbp"])},
    ),
    Sentence(
        "present_saving",
        lambda f: (
            f.present_saving is not None
            and f.present_saving >= NOTICEABLE_GBP
            and "appraisal_years" in f.summary
        ),
        "Over {years} years, discounted, the plan saves {saving} against doing nothing.",
        lambda f: {"years": f.summary["appraisal_years"], "saving": gbp(f.present_saving or 0.0)},
    ),
    Sentence(
        "present_cost",
        lambda f: (
            f.present_saving is not None
            and f.present_saving <= -NOTICEABLE_GBP
            and "appraisal_years" in f.summary
        ),
        "Over {years} years, discounted, the plan costs {more} more than doing nothing.",
        lambda f: {"years": f.summary["appraisal_years"], "more": gbp(-(f.present_saving or 0.0))},
    ),
    Sentence(
        "carbon",
        lambda f: "carbon_present_saving_gbp" in f.summary,
        "Open buildings emit {after} of CO2e a year at the end, against {before} if nothing "
        "changes.",
        lambda f: {
            "before": quantity(f.carbon[0], "tonne"),
            "after": quantity(f.carbon[1], "tonne"),
        },
    ),
    Sentence(
        "carbon_saved",
        lambda f: f.summary.get("carbon_present_saving_gbp", 0.0) >= NOTICEABLE_GBP,
        "Against doing nothing the carbon saved is worth {worth}, at the value of a tonne in each "
        "of {years} years, discounted; that is counted in the saving over the years, not beside "
        "it.",
        lambda f: _carbon_worth(f),
    ),
    Sentence(
        "carbon_added",
        lambda f: f.summary.get("carbon_present_saving_gbp", 0.0) <= -NOTICEABLE_GBP,
        "Against doing nothing the carbon added costs {worth}, at the value of a tonne in each of "
        "{years} years, discounted; that is counted in the saving over the years, not beside it.",
        lambda f: _carbon_worth(f),
    ),
    Sentence(
        "rents",
        lambda f: bool(_desk_rents(f)),
        lambda v: _desk_rent_words(v),
        lambda f: _desk_rents(f),
    ),
    *ACCESS_SENTENCES,
)


def _desk_rents(f: EstateFacts) -> Values:
    """Return the rents (GBP a year) of agencies with back offices: in all, desks, and elsewhere.

    A rent goes to the agency of the service that takes the floor, wherever that is. Elsewhere are
    the buildings that another agency holds today.
    """
    if "rents" not in f.tables or "agencies" not in f.tables:
        return {}
    services = f.answer.place.tables["services"].set_index("service_id")
    owner = f.answer.place.tables["buildings"].set_index("building_id")["agency_id"]
    rent = f.tables["rents"].set_index("building_id")["rent_gbp_per_m2_per_year"]
    points = f.tables["services"]
    points = points[points["building_id"].isin(rent.index)]
    rows = points.assign(
        agency=points["service_id"].map(services["agency_id"]),
        is_desk=points["service_id"].map(services["back_office"]).astype(bool),
        is_elsewhere=points["building_id"].map(owner)
        != points["service_id"].map(services["agency_id"]),
        gbp=points["area_m2"] * points["building_id"].map(rent),
    )
    names = f.answer.place.tables["agencies"].set_index("agency_id")["name"]
    values: dict[str, Any] = {}
    for agency, of_agency in rows.groupby("agency", sort=False):
        desks = of_agency[of_agency["is_desk"]]
        if desks["gbp"].sum() < NOTICEABLE_GBP:
            continue
        n = len(values) // 4
        elsewhere = float(desks.loc[desks["is_elsewhere"], "gbp"].sum())
        values |= {
            f"agency_{n}": str(names.get(agency) or agency),
            f"all_{n}": gbp(of_agency["gbp"].sum()),
            f"desks_{n}": gbp(desks["gbp"].sum()),
            f"elsewhere_{n}": gbp(elsewhere) if elsewhere >= NOTICEABLE_GBP else "",
        }
    return values


def _desk_rent_words(v: Values) -> str:
    parts = []
    for n in range(len(v) // 4):
        agency, desks, paid = (v[f"{key}_{n}"] for key in ("agency", "desks", "all"))
        text = f"{agency} pays {desks} of its {paid} for back-office desks"
        if v[f"elsewhere_{n}"]:
            text += f", {v[f'elsewhere_{n}']} of it in buildings that other agencies hold today"
        parts.append(text)
    return f"Rents go by the floor that services take: {'; '.join(parts)}."


def _running_costs(f: EstateFacts) -> Values:
    costs = {when: gbp(f.costs[f"{when}_gbp_per_year"]) for when in ("before", "after")}
    return {**costs, "year": f.in_last_year}


def _running_words(verb: str, v: Values) -> str:
    if v["year"]:
        return (
            f"Running costs{v['year']} {verb} from {v['before']}, if nothing changes, to "
            f"{v['after']} a year."
        )
    return f"Running costs {verb} from {v['before']} to {v['after']} a year."


def works_values(f: EstateFacts) -> Values:
    """Return the one-off cost of works, and that of staff paid twice over a move where it is."""
    twice = float(f.summary.get("double_running_gbp") or 0.0)
    values = {"works": gbp(f.costs["works_gbp"])}
    if twice >= NOTICEABLE_GBP:
        values |= {"twice": gbp(twice), "all": gbp(f.costs["works_gbp"] + twice)}
    return values


def works_words(v: Values) -> str:
    """Return what works cost, with staff paid twice over a move."""
    text = f"Works, moves and closing cost {v['works']} once"
    if "twice" in v:
        text += f", and staff paid twice over a move {v['twice']}: {v['all']} in all"
    return f"{text}."


def _saving_parts(f: EstateFacts) -> Values:
    """Return the parts of the saving (GBP a year) that are not 0."""
    parts = {key: f.summary.get(f"{key}_cost_saving_gbp_per_year") for key in SAVING_PARTS}
    return {key: gbp(x) for key, x in parts.items() if x is not None and abs(x) >= NOTICEABLE_GBP}


def _saving_part_words(v: Values) -> str:
    saved: list[str] = []
    added: list[str] = []
    for key, value in v.items():
        number = getattr(value, "value", 0.0)
        words = f"{gbp(abs(number))} {SAVING_PARTS[key]}"
        (saved if number > 0 else added).append(words)
    texts = [f"saved are {listed(saved)}"] if saved else []
    texts += [f"added are {listed(added)}"] if added else []
    text = ", ".join(texts)
    return f"Of running costs a year {text}."


def _carbon_worth(f: EstateFacts) -> Values:
    return {
        "years": f.summary["carbon_priced_years"],
        "worth": gbp(abs(f.summary["carbon_present_saving_gbp"])),
    }


def _closures_by_year(f: EstateFacts) -> dict[str, int]:
    """Return year -> number of buildings that close in it."""
    if "closes_year" not in f.tables["buildings"]:
        return {}
    years = f.tables["buildings"]["closes_year"].dropna().astype(int).value_counts().sort_index()
    return {str(year): int(number) for year, number in years.items()}


def _figures(f: EstateFacts) -> list[Figure]:
    """Return the key figures of the plan beside today."""
    costs, travel, points = f.costs, f.travel, f.tables["services"]
    running = (costs["before_gbp_per_year"], costs["after_gbp_per_year"])
    due = (costs["maintenance_before_gbp"], costs["maintenance_after_gbp"])
    open_buildings = (float(f.counts["was_open"]), float(f.counts["open_after"]))
    service_points = (float(count_true(points["before"])), float(count_true(points["after"])))
    nearest = (travel["minutes_before"], travel["minutes_after"])
    driving, year = as_if_driving(f.answer), f.today_words
    label_nearest = f"Mean minutes to the nearest service{driving}"
    figures = [
        Figure("running_cost_gbp_per_year", "Running cost a year", *running, "gbp", today_is=year),
        Figure("works_gbp", "One-off works and moves", None, costs["works_gbp"], "gbp"),
        Figure("maintenance_due_gbp", "Maintenance already due", *due, "gbp"),
        Figure("receipts_net_gbp", "Receipts, net", None, costs["receipts_net_gbp"], "gbp", ""),
        Figure("buildings_open", "Open buildings", *open_buildings, "count", ""),
        Figure("service_points", "Service points", *service_points, "count", ""),
        Figure("minutes_to_nearest", label_nearest, *nearest, "minutes", today_is=year),
    ]
    if "carbon_present_saving_gbp" in f.summary:
        was, now = (f.summary[f"carbon_present_{when}_gbp"] for when in ("before", "after"))
        figures.append(
            Figure("carbon_present_gbp", "Carbon, priced", was, now, "gbp", today_is=NOTHING)
        )
    if math.isfinite(travel["sent_after"]):
        assigned = (travel["sent_before"], travel["sent_after"])
        label = f"Mean minutes where visits are sent{driving}"
        figures.append(Figure("minutes_as_sent", label, *assigned, "minutes", today_is=year))
    if "residents_without_car" in f.summary:
        for key, words in WITHOUT_CAR_FIGURES.items():
            before, after = (float(f.summary[f"{key}_{when}"]) for when in ("before", "after"))
            figures.append(Figure(key, words, before, after, "minutes", today_is=year))
    return known_values(figures)
