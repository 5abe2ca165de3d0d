"""Check that a plan's tables are complete: all there, every row once, of known ids and years.

This comes before every other check, because duplicate, missing or unknown rows would make other
figures meaningless. An empty agency id stands for no agency.
"""

from __future__ import annotations

from itertools import product
from numbers import Real
from typing import Any

import pandas as pd

from placeopt.budget.verify.timeline import Tables, decided_years, rule_of
from placeopt.place import Place
from placeopt.scenario import Check, Rule, Scenario
from placeopt.scenario.benefit_years import counted_years
from placeopt.scenario.rules.budget.money import NobodyWorseOff, OneBudget

KEYS = {
    "spending": ("programme_id",),
    "payments": ("year", "programme_id", "stream_id"),
    "streams": ("stream_id",),
    "outcomes": ("outcome_id",),
    "agencies": ("agency_id",),
    "objectives": ("objective",),
    "curves": ("programme_id", "outcome_id"),
    "spending_by_year": ("year", "programme_id"),
    "outcomes_by_year": ("year", "outcome_id"),
    "cash_flow": ("year", "agency_id", "line"),
    "reserves": ("year",),
    "result_payments": ("year", "outcome_id"),
    "provider_results": ("year", "programme_id", "outcome_id"),
    "positions": ("year", "agency_id"),
    "transfers": ("year", "from_agency_id", "to_agency_id"),
    "alone_spending": ("agency_id", "year", "programme_id"),
    "alone_payments": ("agency_id", "year", "programme_id", "stream_id"),
    "alone_objectives": ("agency_id", "objective"),
    "benefits_chain": ("year", "benefit_id"),
}
ALWAYS = tuple(KEYS)[:10]
OF_RULES: dict[type[Rule], tuple[str, ...]] = {
    OneBudget: ("reserves",),
    NobodyWorseOff: (
        *("positions", "transfers", "alone_spending", "alone_payments", "alone_objectives"),
    ),
}


def check_completeness(place: Place, scenario: Scenario, plan: Tables) -> Check:
    """Check that no table is missing, and no row is duplicate or of an unknown id or year."""
    required = [*ALWAYS]
    for kind, names in OF_RULES.items():
        required += names if rule_of(scenario, kind) is not None else ()
    required += ["benefits_chain"] if len(place.benefits) else []
    faults = [f"{name}: no such table" for name in required if name not in plan.tables]
    years = decided_years(place, scenario)
    counted = counted_years(place, scenario)
    ids = _ids(place)
    for name, keys in KEYS.items():
        if name not in plan.tables:
            continue
        rows = plan.tables[name]
        if missing_columns := [key for key in keys if key not in rows]:
            faults.append(f"{name}: no column {', '.join(missing_columns)}")
            continue
        faults += [f"{name}: a row stands twice"] * bool(rows.duplicated([*keys]).any())
        for column in (column for column in rows if column in ids):
            unknown = [value for value in rows[column] if _id(value) not in ids[column]]
            faults += [f"{name}: no such {column} {value!r}" for value in unknown]
        if "year" in keys:
            last = years[0] + counted if name == "benefits_chain" else years[-1] + 1
            other_years = [
                year for year in rows["year"] if not _is_year_within(year, years[0], last)
            ]
            faults += [f"{name}: {year} is not decided" for year in other_years]
    if not faults:
        faults = _left_out(place, plan, years)
    sentence = "Every table of the plan is there, and its rows stand once, of known ids and years."
    return Check("", "rows", sentence, not faults, "; ".join(faults[:5]))


def _left_out(place: Place, plan: Tables, years: tuple[int, ...]) -> list[str]:
    """Rows that are missing from the tables by year."""
    faults = []
    for name, table, key in (
        ("spending_by_year", place.programmes, "programme_id"),
        ("outcomes_by_year", place.outcomes, "outcome_id"),
    ):
        rows = plan.tables[name]
        reported = set(zip(rows["year"], rows[key], strict=True))
        missing = set(product(years, table[key])) - reported
        faults += [
            f"{name}: no row of {key_value} in {year}" for year, key_value in sorted(missing)
        ]
    return faults


def _ids(place: Place) -> dict[str, set[Any]]:
    agencies = set(place.agencies["agency_id"])
    return {
        "programme_id": set(place.programmes["programme_id"]),
        "stream_id": set(place.streams["stream_id"]),
        "outcome_id": set(place.outcomes["outcome_id"]),
        "benefit_id": set(place.benefits["benefit_id"]),
        "agency_id": agencies | {""},
        "from_agency_id": agencies,
        "to_agency_id": agencies,
    }


def _id(cell: Any) -> Any:
    return "" if pd.isna(cell) else cell


def _is_year_within(year: Any, first: int, end: int) -> bool:
    return isinstance(year, Real) and first <= float(year) < end and float(year).is_integer()
