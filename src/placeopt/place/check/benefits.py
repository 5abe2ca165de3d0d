"""Check the evidence of a budget: benefits, unit costs, appraisals, combined programmes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from placeopt.base.errors import Finding
from placeopt.base.findings import error, row_number
from placeopt.place.tables import table_label

if TYPE_CHECKING:
    from placeopt.place.tables import Place


def benefit_findings(place: Place) -> Iterator[Finding]:
    """Findings on benefits, the tables of an appraisal and the pairs in ``combinations``."""
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
    """Errors for benefits without exactly one value, or whose price level is not known."""
    file = table_label(place, table)
    costs = dict(zip(place.unit_costs["code"], place.unit_costs["price_year"], strict=True))
    row: Any
    for i, row in enumerate(place.tables[table].itertuples()):
        stated = not math.isnan(row.unit_value_gbp)
        if stated == bool(row.unit_cost):
            given = f"{row.unit_value_gbp:g} and {row.unit_cost}" if stated else ""
            yield error(file, "a benefit has a value of its own or a unit cost's",
                        "give one of the two", row=row_number(i), column="unit_value_gbp",
                        value=given)  # fmt: skip
        if row.unit_cost and row.unit_cost not in costs:
            yield error(file, "no such code", "give one of unit_costs", row=row_number(i),
                        column="unit_cost", value=row.unit_cost)  # fmt: skip
        elif row.unit_cost:
            yield from _missing_levels(place, {int(costs[row.unit_cost])}, file, i, "unit_cost")
        price_year = getattr(row, "price_year", float("nan"))
        if stated and _is_given(price_year):
            yield from _missing_levels(place, {int(price_year)}, file, i, "price_year")


def missing_price_levels(place: Place) -> Iterator[Finding]:
    """Errors for years of an appraisal's costs without a price level in ``deflators``."""
    file = table_label(place, "appraisal_costs")
    row: Any
    for i, row in enumerate(place.appraisal_costs.itertuples()):
        if row.nominal:
            last = row.last_year if _is_given(row.last_year) else row.first_year
            years = set(range(int(row.first_year), int(last) + 1))
            yield from _missing_levels(place, years, file, i, "nominal")
        elif _is_given(row.price_year):
            yield from _missing_levels(place, {int(row.price_year)}, file, i, "price_year")


def _missing_levels(
    place: Place, years: set[int], file: str, i: int, column: str
) -> Iterator[Finding]:
    known = {int(year) for year in place.deflators["year"]}
    years_needed = years | {place.info.price_year}
    for year in sorted(years_needed - known if len(years_needed) > 1 else ()):
        message = f"the price level of {year} is needed to compare {_year_range(years_needed)}"
        yield error(file, message, "add the year to deflators", row=row_number(i), column=column)


def _year_range(years: set[int]) -> str:
    return f"the years {min(years)} to {max(years)}"


def _is_given(value: Any) -> bool:
    import pandas as pd

    return not pd.isna(value)


def cashable_without_agency(place: Place, table: str) -> Iterator[Finding]:
    """Errors for cashable benefits without an agency, and for health benefits that are cashable."""
    file = table_label(place, table)
    row: Any
    for i, row in enumerate(place.tables[table].itertuples()):
        location: dict[str, Any] = {"row": row_number(i), "column": "cashable_share",
                                 "value": f"{row.cashable_share:g}"}  # fmt: skip
        if row.cashable_share > 0 and not row.agency_id:
            message = "nobody's budget has cash to take out"
            yield error(file, message, "name the agency, or give 0", **location)
        if row.cashable_share > 0 and row.health:
            message = "an effect on health, valued as welfare, is not cash"
            remedy = "give 0 here, and a row of its own to what the agency saves"
            yield error(file, message, remedy, **location)


def last_year_before_first(place: Place, table: str) -> Iterator[Finding]:
    """Errors for a last year before the first year."""
    row: Any
    for i, row in enumerate(place.tables[table].itertuples()):
        if _is_given(row.last_year) and row.last_year < row.first_year:
            yield error(table_label(place, table), f"it is before the first year {row.first_year}",
                        "correct one of the two", row=row_number(i), column="last_year",
                        value=row.last_year)  # fmt: skip


def inconsistent_phasing(place: Place) -> Iterator[Finding]:
    """Errors for phasing of an unknown item, outside its years, or with a year missing."""
    file = table_label(place, "appraisal_phasing")
    years: dict[str, range] = {}
    row: Any
    for table, key in (("appraisal_costs", "cost_id"), ("appraisal_benefits", "benefit_id")):
        for row in place.tables[table].itertuples():
            last = row.last_year if _is_given(row.last_year) else row.first_year
            if getattr(row, key) in years:
                yield error(table_label(place, table), "a cost and a benefit have the same id",
                            "rename one", row=row.Index + 2, column=key)  # fmt: skip
            years[getattr(row, key)] = range(int(row.first_year), int(last) + 1)
    stated: dict[str, set[int]] = {}
    for i, row in enumerate(place.appraisal_phasing.itertuples()):
        stated.setdefault(row.item_id, set()).add(int(row.year))
        if row.item_id not in years:
            yield error(file, "no cost or benefit has this id", "give one that has",
                        row=row_number(i), column="item_id", value=row.item_id)  # fmt: skip
        elif row.year not in years[row.item_id]:
            yield error(file, f"{row.item_id} runs from {years[row.item_id][0]} to "
                        f"{years[row.item_id][-1]}", "correct the year, or those of the item",
                        row=row_number(i), column="year", value=row.year)  # fmt: skip
    for item, years_given in stated.items():
        for year in sorted(set(years.get(item, ())) - years_given):
            yield error(file, f"{item} has shares for some years, but none for {year}",
                        "add the year, with 0 if nothing happens in it",
                        column="year")  # fmt: skip


def grades_without_correction(place: Place) -> Iterator[Finding]:
    """Errors for evidence grades that the place's own optimism corrections leave out."""
    price_year, file = place.optimism_bias, table_label(place, "optimism_bias")
    for kind, tables in (
        ("benefit", ("benefits", "appraisal_benefits")),
        ("cost", ("appraisal_costs",)),
    ):
        known = set(price_year.loc[price_year["kind"] == kind, "grade"].dropna())
        for table in tables if known else ():
            frame = place.tables[table]
            needs_correction = frame["correction_share"].isna() & frame["grade"].notna()
            for i in np.flatnonzero(needs_correction & ~frame["grade"].isin(known)):
                message = f"{file} has corrections for a {kind} and none of this grade"
                yield error(
                    table_label(place, table),
                    message,
                    "add the grade there, or correct it",
                    row=row_number(i),
                    column="grade",
                    value=int(frame["grade"].iloc[i]),
                )


def inconsistent_programme_pairs(place: Place) -> Iterator[Finding]:
    """Errors for programmes in more than one pair of an outcome, or without a curve for it."""
    file = table_label(place, "combinations")
    moved = set(zip(place.curves["outcome_id"], place.curves["programme_id"], strict=True))
    pairs: Any = place.combinations.itertuples()
    count_of_pair = Counter(
        (row.outcome_id, programme)
        for row in pairs
        for programme in {row.programme_a, row.programme_b}
    )
    row: Any
    for i, row in enumerate(place.combinations.itertuples()):
        if row.programme_a == row.programme_b:
            yield error(
                file,
                "a programme is not paired with itself",
                "name another",
                row=row_number(i),
                column="programme_b",
                value=row.programme_b,
            )
        for column in ("programme_a", "programme_b"):
            key = (row.outcome_id, getattr(row, column))
            if key not in moved:
                yield error(file, f"it has no curve for {row.outcome_id}", "add the curve",
                            row=row_number(i), column=column, value=key[1])  # fmt: skip
            if count_of_pair[key] > 1:
                yield error(
                    file,
                    f"it stands in {count_of_pair[key]} pairs of {row.outcome_id}",
                    "keep one",
                    row=row_number(i),
                    column=column,
                    value=key[1],
                )
