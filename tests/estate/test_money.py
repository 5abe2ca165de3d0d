"""Yearly and later pounds of an estate, checked by hand."""

import numpy as np
import pytest

from placeopt.scenario.discount import annuity, discount_factors_at
from placeopt.scenario.scenario import Money


def test_an_annuity_counts_this_year_in_full():
    """An annuity counts this year in full and the next at three and a half per cent."""
    assert annuity(Money(appraisal_years=2)) == pytest.approx(1 + 1 / 1.035)


def test_nothing_is_discounted_at_a_rate_of_nought():
    assert annuity(Money(appraisal_years=60, discount_rate=0)) == pytest.approx(60)


def test_a_receipt_is_worth_less_the_later_it_comes():
    money = Money()
    assert discount_factors_at(money, np.array([0, 1, 3])) == pytest.approx(
        [1, 1 / 1.035, 1.035**-3]
    )
