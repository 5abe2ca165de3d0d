"""Discounting in real terms to the first decided year.

    factor[0] = 1;  factor[t] = factor[t-1] / (1 + rate[t])

The rate declines over the years as in ``discount_rates.csv``. A scenario's own initial rate scales
the whole schedule, like the Green Book's reduced schedule (3.0 %, 2.57 %, 2.14 %, ... for 3.5 %,
3.0 %, 2.5 %, ...). Effects on health and life that are not money have a lower schedule (1.5 %,
1.29 %, 1.07 %).
Source: HM Treasury, The Green Book (2022), annex 6.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from placeopt.scenario.scenario import Money

GREEN_BOOK_RATE = 0.035  # for the first thirty years


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
    """Present value of one pound in each year.

    Args:
        years: The number of years.
        rate: The initial rate, which scales the schedule.
        health: Whether to use the schedule for effects on health and life, scaled likewise.

    Returns:
        (years,) factors for years 0, 1, ....
    """
    steps = discount_schedule()
    year = np.arange(1, max(years, 1))
    rates = np.zeros(len(year))
    for first, last, step, health_step in steps:
        rates[(year >= first) & (year <= last)] = health_step if health else step
    rates *= rate / steps[0][2]
    return np.concatenate([[1.0], np.cumprod(1 / (1 + rates))])[:years]


def annuity(money: Money, years: int | None = None) -> float:
    """Present value of one pound in each of the first ``years`` years (default: all appraised)."""
    years = money.appraisal_years if years is None else min(years, money.appraisal_years)
    return float(discount_factors(years, money.discount_rate).sum())


def discount_factors_at(money: Money, years_ahead: NDArray[np.int64]) -> NDArray[np.float64]:
    """Present value of one pound in each of ``years_ahead``, which may be after the appraisal."""
    factors = discount_factors(int(max(years_ahead, default=0)) + 1, money.discount_rate)
    return factors[years_ahead]
