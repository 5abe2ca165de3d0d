"""What makes no sense in the evidence of a budget: benefits, unit costs, observations, pairs of
programmes whose joint effect is stated."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from placeopt.errors import Finding
from placeopt.place.faults import error, label, row_of

if TYPE_CHECKING:
    from placeopt.place.tables import Place


def benefit_findings(place: Place) -> Iterator[Finding]:
    """Faults of the tables ``benefits`` and ``combinations``."""
    yield from values_of_benefits(place)
    yield from cash_of_nobody(place)
    yield from pairs_of_programmes(place)


def values_of_benefits(place: Place) -> Iterator[Finding]:
    """A benefit is worth what it states, or what a unit cost does in the place's own prices."""
    file = label(place, "benefits")
    row: Any
    costs = dict(zip(place.unit_costs["code"], place.unit_costs["price_year"], strict=True))
    known = {int(year) for year in place.deflators["year"]}
    for at, row in enumerate(place.benefits.itertuples()):
        stated = not math.isnan(row.unit_value_gbp)
        if stated == bool(row.unit_cost):
            given = f"{row.unit_value_gbp:g} and {row.unit_cost}" if stated else ""
            yield error(file, "a benefit has a value of its own or a unit cost's",
                        "give one of the two", row=row_of(at), column="unit_value_gbp",
                        value=given)  # fmt: skip
        if row.unit_cost and row.unit_cost not in costs:
            yield error(file, "no such code", "give one of unit_costs", row=row_of(at),
                        column="unit_cost", value=row.unit_cost)  # fmt: skip
        elif row.unit_cost:
            years = {int(costs[row.unit_cost]), place.info.price_year}
            for year in sorted(years - known if len(years) > 1 else ()):
                message = f"the price level of {year} is needed to compare {sorted(years)}"
                yield error(file, message, "add the year to deflators", row=row_of(at),
                            column="unit_cost", value=row.unit_cost)  # fmt: skip


def cash_of_nobody(place: Place) -> Iterator[Finding]:
    """Cash needs a budget it can be taken out of, and welfare is not cash."""
    file = label(place, "benefits")
    row: Any
    for at, row in enumerate(place.benefits.itertuples()):
        where: dict[str, Any] = {"row": row_of(at), "column": "cashable_share",
                                 "value": f"{row.cashable_share:g}"}  # fmt: skip
        if row.cashable_share > 0 and not row.agency_id:
            message = "nobody's budget has cash to take out"
            yield error(file, message, "name the agency, or give 0", **where)
        if row.cashable_share > 0 and row.health:
            message = "an effect on health, valued as welfare, is not cash"
            remedy = "give 0 here, and a row of its own to what the agency saves"
            yield error(file, message, remedy, **where)


def pairs_of_programmes(place: Place) -> Iterator[Finding]:
    """A programme stands in one pair of an outcome at most, and moves that outcome."""
    file = label(place, "combinations")
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
            yield error(file, "a programme is not paired with itself", "name another",
                        row=row_of(at), column="programme_b", value=row.programme_b)  # fmt: skip
        for column in ("programme_a", "programme_b"):
            key = (row.outcome_id, getattr(row, column))
            if key not in moved:
                yield error(file, f"it has no curve for {row.outcome_id}", "add the curve",
                            row=row_of(at), column=column, value=key[1])  # fmt: skip
            if times[key] > 1:
                yield error(file, f"it stands in {times[key]} pairs of {row.outcome_id}",
                            "keep one", row=row_of(at), column=column, value=key[1])  # fmt: skip
