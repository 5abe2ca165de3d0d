"""What yearly and later pounds of an estate are worth in the year decided for.

The schedule of discount rates is ``scenario/discount.py``'s.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from placeopt.scenario.discount import discount_factors
from placeopt.scenario.scenario import Money

__all__ = ["annuity", "discount_factors", "worth_today"]


def annuity(money: Money, years: int | None = None) -> float:
    """Worth today of one pound in each of the first ``years`` years (default: all appraised)."""
    years = money.appraisal_years if years is None else min(years, money.appraisal_years)
    return float(discount_factors(years, money.discount_rate).sum())


def worth_today(money: Money, years_ahead: NDArray[np.int64]) -> NDArray[np.float64]:
    """Worth today of one pound each at ``years_ahead``, the years appraised or later ones."""
    factors = discount_factors(int(max(years_ahead, default=0)) + 1, money.discount_rate)
    return factors[years_ahead]
