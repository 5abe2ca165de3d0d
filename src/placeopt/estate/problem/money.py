"""Factors on money: optimism bias of works, and the present value of carbon.

The schedule of discount rates is in ``scenario/discount.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placeopt.base.errors import UsageError
from placeopt.scenario.discount import discount_factors
from placeopt.scenario.scenario import Scenario

if TYPE_CHECKING:
    from placeopt.place import Place


def works_factor(place: Place, scenario: Scenario) -> NDArray[np.float64]:
    """Return (B,) the factor on estimates of works: 1, or 1 + the upper bound of the building's
    kind.

    Raises:
        UsageError: the scenario asks for it and the place states no share for a kind.

    Source: Mott MacDonald (2002), Review of Large Public Procurement in the UK; HM Treasury, Green
    Book supplementary guidance: optimism bias (2013).
    """
    kinds = place.buildings["works_kind"].to_numpy(str)
    if not scenario.money.works_optimism_bias:
        return np.ones(len(kinds))
    table = place.works_optimism_bias
    share = dict(zip(table["works_kind"], table["upper_bound_share"], strict=True))
    missing = sorted(set(kinds) - set(share))
    if missing:
        raise UsageError(
            f"works_optimism_bias states no share for {', '.join(missing)}; add a row for each, "
            "or take works_optimism_bias out of the scenario's [money]"
        )
    return np.array([1 + share[kind] for kind in kinds], float)


def carbon_present_value(
    place: Place, scenario: Scenario, year: int
) -> tuple[NDArray[np.float64], int]:
    """Return the present value of carbon by decided year, and the number of priced years.

    Args:
        place: with the table of carbon values.
        scenario: zeros where it does not ask for them.
        year: the first decided year.

    Returns:
        (T,) GBP in ``year`` of one tCO2e a year; the last year's continues to the end of the
        appraisal. Then the number of years of the appraisal that the place values.

    Raises:
        UsageError: the place values none of the years.
    """
    money = scenario.money
    present_value = np.zeros(scenario.years)
    if not money.carbon_values:
        return present_value, 0
    table = place.carbon_values
    value = dict(zip(table["year"].astype(int), table["gbp_per_tco2e"], strict=True))
    factors = discount_factors(money.appraisal_years, money.discount_rate)
    priced = [t for t in range(money.appraisal_years) if year + t in value]
    if not priced:
        raise UsageError(
            f"carbon_values has no year from {year} to {year + money.appraisal_years - 1}; add "
            "them, or take carbon_values out of the scenario's [money]"
        )
    for t in priced:
        present_value[min(t, scenario.years - 1)] += factors[t] * value[year + t]
    return present_value, len(priced)
