"""Discounting in real terms: what a pound of a later year is worth in the year decided for.

    factor[0] = 1;  factor[t] = factor[t-1] / (1 + rate[t])

The rate declines with the years as in ``discount_rates.csv``. A scenario's own rate for the
first years scales the whole schedule, as the Green Book's reduced schedule does (3.0 %, 2.57 %,
2.14 %, ... for 3.5 %, 3.0 %, 2.5 %, ...). Effects on health and life, where they are not money,
have a lower schedule of their own (1.5 %, 1.29 %, 1.07 %).
Source: HM Treasury, The Green Book (2022), annex 6.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placeopt.scenario.scenario import Money

if TYPE_CHECKING:
    pass


GREEN_BOOK_RATE = 0.035  # the Green Book's rate of the first thirty years


@cache
def discount_schedule() -> tuple[tuple[int, int, float, float], ...]:
    """(first year, last year, rate, rate for effects on health) of each step of the schedule."""
    text = (files("placeopt.scenario") / "discount_rates.csv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return tuple(
        (
            int(row["first_year"]),
            int(row["last_year"]),
            float(row["rate"]),
            float(row["health_rate"]),
        )
        for row in csv.DictReader(lines)
    )


def discount_factors(
    years: int, rate: float = GREEN_BOOK_RATE, *, health: bool = False
) -> NDArray[np.float64]:
    """(years,) worth today of one pound in year 0, 1, ..., ``rate`` being that of the first.

    With ``health`` the lower schedule for effects on health and life, scaled alike.
    """
    steps = discount_schedule()
    year = np.arange(1, max(years, 1))
    rates = np.zeros(len(year))
    for first, last, step, health_step in steps:
        rates[(year >= first) & (year <= last)] = health_step if health else step
    rates *= rate / steps[0][2]
    return np.concatenate([[1.0], np.cumprod(1 / (1 + rates))])[:years]


def annuity(money: Money, years: int | None = None) -> float:
    """Worth today of one pound in each of the first ``years`` years (default: all appraised)."""
    years = money.appraisal_years if years is None else min(years, money.appraisal_years)
    return float(discount_factors(years, money.discount_rate).sum())


def discount_factors_at(money: Money, years_ahead: NDArray[np.int64]) -> NDArray[np.float64]:
    """Worth today of one pound each at ``years_ahead``, the years appraised or later ones."""
    factors = discount_factors(int(max(years_ahead, default=0)) + 1, money.discount_rate)
    return factors[years_ahead]
