"""Discounting by the declining schedule, checked by hand."""

import numpy as np
import pytest

from placeopt.estate.money import annuity, discount_factors, worth_today
from placeopt.scenario.scenario import Money


def test_year_nought_counts_in_full_and_later_years_at_three_and_a_half_per_cent():
    assert discount_factors(3) == pytest.approx([1, 1 / 1.035, 1 / 1.035**2])
    assert annuity(Money(appraisal_years=2)) == pytest.approx(1 + 1 / 1.035)


def test_the_rate_falls_after_thirty_and_seventy_five_years():
    factors = discount_factors(126)
    assert factors[30] == pytest.approx(1.035**-30)
    assert factors[31] / factors[30] == pytest.approx(1 / 1.03)
    assert factors[75] / factors[74] == pytest.approx(1 / 1.03)
    assert factors[76] / factors[75] == pytest.approx(1 / 1.025)


def test_a_lower_first_rate_scales_the_schedule_as_the_green_book_does():
    """The Green Book's reduced schedule is 3.00, 2.57, 2.14 %: 3/3.5 of the standard one."""
    factors = discount_factors(80, rate=0.03)
    assert factors[40] / factors[39] == pytest.approx(1 / 1.0257, abs=5e-5)
    assert factors[79] / factors[78] == pytest.approx(1 / 1.0214, abs=5e-5)


def test_nothing_is_discounted_at_a_rate_of_nought():
    assert annuity(Money(appraisal_years=60, discount_rate=0)) == pytest.approx(60)


def test_a_receipt_is_worth_less_the_later_it_comes():
    money = Money()
    assert worth_today(money, np.array([0, 1, 3])) == pytest.approx([1, 1 / 1.035, 1.035**-3])
