"""What yearly and later pounds of an estate are worth in the year decided for.

The schedule of discount rates is ``scenario/discount.py``'s.
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
    """(B,) what estimates of works are multiplied by: 1, or 1 + the upper bound of the building's
    kind of works. Raises ``UsageError`` where the scenario asks and the place states no share.

    Source: Mott MacDonald (2002), Review of Large Public Procurement in the UK; HM Treasury,
    Green Book supplementary guidance: optimism bias (2013).
    """
    kinds = place.buildings["works_kind"].to_numpy(str)
    if not scenario.money.works_optimism_bias:
        return np.ones(len(kinds))
    table = place.works_optimism_bias
    share = dict(zip(table["works_kind"], table["upper_bound_share"], strict=True))
    lacking = sorted(set(kinds) - set(share))
    if lacking:
        raise UsageError(
            f"works_optimism_bias states no share for {', '.join(lacking)}; add a row for each, "
            "or take works_optimism_bias out of the scenario's [money]"
        )
    return np.array([1 + share[kind] for kind in kinds], float)


def carbon_present_value(
    place: Place, scenario: Scenario, year: int
) -> tuple[NDArray[np.float64], int]:
    """(T,) worth in ``year`` of one tCO2e a year in each decided year, the last one's going on to
    the end of the appraisal, in the years that the place values; and how many those are. Zeros
    where the scenario does not ask.

    Raises ``UsageError`` where the place values none of the years.
    """
    money = scenario.money
    worth = np.zeros(scenario.years)
    if not money.carbon_values:
        return worth, 0
    table = place.carbon_values
    value = dict(zip(table["year"].astype(int), table["gbp_per_tco2e"], strict=True))
    factors = discount_factors(money.appraisal_years, money.discount_rate)
    known = [t for t in range(money.appraisal_years) if year + t in value]
    if not known:
        raise UsageError(
            f"carbon_values has no year from {year} to {year + money.appraisal_years - 1}; add "
            "them, or take carbon_values out of the scenario's [money]"
        )
    for t in known:
        worth[min(t, scenario.years - 1)] += factors[t] * value[year + t]
    return worth, len(known)
