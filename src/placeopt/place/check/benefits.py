"""What makes no sense in the evidence of a budget: benefits, unit costs, observations, pairs of
programmes whose joint effect is stated."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from placeopt.base.errors import Finding
from placeopt.place.faults import error, row_number, table_label

if TYPE_CHECKING:
    from placeopt.place.tables import Place


def benefit_findings(place: Place) -> Iterator[Finding]:
    """Faults of benefits, of an appraisal's tables and of the pairs in ``combinations``."""
    for table in ("benefits", "appraisal_benefits"):
        yield from inconsistent_benefit_values(place, table)
        yield from cashable_without_agency(place, table)
    yield from missing_price_levels(place)
    for table in ("appraisal_benefits", "appraisal_costs"):
        yield from last_year_before_first(place, table)
    yield from inconsistent_phasing(place)
    yield from grades_without_correction(place)
    yield from inconsistent_programme_pairs(place)


def inconsistent_benefit_values(place: Place, table: str) -> Iterator[Finding]:
    """A benefit is worth what it states, or what a unit cost does in the place's own prices."""
    file = table_label(place, table)
    costs = dict(zip(place.unit_costs["code"], place.unit_costs["price_year"], strict=True))
    row: Any
    for at, row in enumerate(place.tables[table].itertuples()):
        stated = not math.isnan(row.unit_value_gbp)
        if stated == bool(row.unit_cost):
            given = f"{row.unit_value_gbp:g} and {row.unit_cost}" if stated else ""
            yield error(file, "a benefit has a value of its own or a unit cost's",
                        "give one of the two", row=row_number(at), column="unit_value_gbp",
                        value=given)  # fmt: skip
        if row.unit_cost and row.unit_cost not in costs:
            yield error(file, "no such code", "give one of unit_costs", row=row_number(at),
                        column="unit_cost", value=row.unit_cost)  # fmt: skip
        elif row.unit_cost:
            yield from _levels(place, {int(costs[row.unit_cost])}, file, at, "unit_cost")
        own = getattr(row, "price_year", float("nan"))
        if stated and _given(own):
            yield from _levels(place, {int(own)}, file, at, "price_year")


def missing_price_levels(place: Place) -> Iterator[Finding]:
    """The price levels that bring an appraisal's costs to the place's own prices."""
    file = table_label(place, "appraisal_costs")
    row: Any
    for at, row in enumerate(place.appraisal_costs.itertuples()):
        if row.nominal:
            last = row.last_year if _given(row.last_year) else row.first_year
            years = set(range(int(row.first_year), int(last) + 1))
            yield from _levels(place, years, file, at, "nominal")
        elif _given(row.price_year):
            yield from _levels(place, {int(row.price_year)}, file, at, "price_year")


def _levels(place: Place, years: set[int], file: str, at: int, column: str) -> Iterator[Finding]:
    known = {int(year) for year in place.deflators["year"]}
    wanted = years | {place.info.price_year}
    for year in sorted(wanted - known if len(wanted) > 1 else ()):
        message = f"the price level of {year} is needed to compare {_span(wanted)}"
        yield error(file, message, "add the year to deflators", row=row_number(at), column=column)


def _span(years: set[int]) -> str:
    return f"the years {min(years)} to {max(years)}"


def _given(value: Any) -> bool:
    import pandas as pd

    return not pd.isna(value)


def cashable_without_agency(place: Place, table: str) -> Iterator[Finding]:
    """Cash needs a budget it can be taken out of, and welfare is not cash."""
    file = table_label(place, table)
    row: Any
    for at, row in enumerate(place.tables[table].itertuples()):
        where: dict[str, Any] = {"row": row_number(at), "column": "cashable_share",
                                 "value": f"{row.cashable_share:g}"}  # fmt: skip
        if row.cashable_share > 0 and not row.agency_id:
            message = "nobody's budget has cash to take out"
            yield error(file, message, "name the agency, or give 0", **where)
        if row.cashable_share > 0 and row.health:
            message = "an effect on health, valued as welfare, is not cash"
            remedy = "give 0 here, and a row of its own to what the agency saves"
            yield error(file, message, remedy, **where)


def last_year_before_first(place: Place, table: str) -> Iterator[Finding]:
    """A last year before the first."""
    row: Any
    for at, row in enumerate(place.tables[table].itertuples()):
        if _given(row.last_year) and row.last_year < row.first_year:
            yield error(table_label(place, table), f"it is before the first year {row.first_year}",
                        "correct one of the two", row=row_number(at), column="last_year",
                        value=row.last_year)  # fmt: skip


def inconsistent_phasing(place: Place) -> Iterator[Finding]:
    """Phasing of an unknown item, outside its years, or with a year left out."""
    file = table_label(place, "appraisal_phasing")
    years: dict[str, range] = {}
    row: Any
    for table, key in (("appraisal_costs", "cost_id"), ("appraisal_benefits", "benefit_id")):
        for row in place.tables[table].itertuples():
            last = row.last_year if _given(row.last_year) else row.first_year
            if getattr(row, key) in years:
                yield error(table_label(place, table), "a cost and a benefit have the same id",
                            "rename one", row=row.Index + 2, column=key)  # fmt: skip
            years[getattr(row, key)] = range(int(row.first_year), int(last) + 1)
    stated: dict[str, set[int]] = {}
    for at, row in enumerate(place.appraisal_phasing.itertuples()):
        stated.setdefault(row.item_id, set()).add(int(row.year))
        if row.item_id not in years:
            yield error(file, "no cost or benefit has this id", "give one that has",
                        row=row_number(at), column="item_id", value=row.item_id)  # fmt: skip
        elif row.year not in years[row.item_id]:
            yield error(file, f"{row.item_id} runs from {years[row.item_id][0]} to "
                        f"{years[row.item_id][-1]}", "correct the year, or those of the item",
                        row=row_number(at), column="year", value=row.year)  # fmt: skip
    for item, given in stated.items():
        for year in sorted(set(years.get(item, ())) - given):
            yield error(file, f"{item} has shares for some years, but none for {year}",
                        "add the year, with 0 if nothing happens in it",
                        column="year")  # fmt: skip


def grades_without_correction(place: Place) -> Iterator[Finding]:
    """Grades that the place's own corrections for optimism leave out."""
    own, file = place.optimism_bias, table_label(place, "optimism_bias")
    for kind, tables in (
        ("benefit", ("benefits", "appraisal_benefits")),
        ("cost", ("appraisal_costs",)),
    ):
        known = set(own.loc[own["kind"] == kind, "grade"].dropna())
        for table in tables if known else ():
            frame = place.tables[table]
            needed = frame["correction_share"].isna() & frame["grade"].notna()
            for at in np.flatnonzero(needed & ~frame["grade"].isin(known)):
                message = f"{file} has corrections for a {kind} and none of this grade"
                yield error(
                    table_label(place, table),
                    message,
                    "add the grade there, or correct it",
                    row=row_number(at),
                    column="grade",
                    value=int(frame["grade"].iloc[at]),
                )


def inconsistent_programme_pairs(place: Place) -> Iterator[Finding]:
    """A programme stands in one pair of an outcome at most, and moves that outcome."""
    file = table_label(place, "combinations")
    moved = set(zip(place.curves["outcome_id"], place.curves["programme_id"], strict=True))
    pairs: Any = place.combinations.itertuples()
    times = Counter(
        (row.outcome_id, programme)
        for row in pairs
        for programme in {row.programme_a, row.programme_b}
    )
    row: Any
    for at, row in enumerate(place.combinations.itertuples()):
        if row.programme_a == row.programme_b:
            yield error(
                file,
                "a programme is not paired with itself",
                "name another",
                row=row_number(at),
                column="programme_b",
                value=row.programme_b,
            )
        for column in ("programme_a", "programme_b"):
            key = (row.outcome_id, getattr(row, column))
            if key not in moved:
                yield error(file, f"it has no curve for {row.outcome_id}", "add the curve",
                            row=row_number(at), column=column, value=key[1])  # fmt: skip
            if times[key] > 1:
                yield error(
                    file,
                    f"it stands in {times[key]} pairs of {row.outcome_id}",
                    "keep one",
                    row=row_number(at),
                    column=column,
                    value=key[1],
                )
