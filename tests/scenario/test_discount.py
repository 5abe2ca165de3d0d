"""Discounting by the declining schedules, checked by hand and against published factors."""

import json

import pytest

from placeopt.scenario.discount import discount_factors


def test_later_years_are_discounted_at_three_and_a_half_per_cent():
    """Year 0 counts in full, later years at three and a half per cent."""
    assert discount_factors(3) == pytest.approx([1, 1 / 1.035, 1 / 1.035**2])


def test_the_rate_falls_after_thirty_and_seventy_five_years():
    factors = discount_factors(126)
    assert factors[30] == pytest.approx(1.035**-30)
    assert factors[31] / factors[30] == pytest.approx(1 / 1.03)
    assert factors[75] / factors[74] == pytest.approx(1 / 1.03)
    assert factors[76] / factors[75] == pytest.approx(1 / 1.025)


def test_a_lower_initial_rate_scales_the_schedule():
    """The Green Book's reduced schedule is 3.00, 2.57, 2.14 %: 3/3.5 of the standard one."""
    factors = discount_factors(80, rate=0.03)
    assert factors[40] / factors[39] == pytest.approx(1 / 1.0257, abs=5e-5)
    assert factors[79] / factors[78] == pytest.approx(1 / 1.0214, abs=5e-5)


def test_effects_on_health_are_discounted_at_the_lower_schedule():
    factors = discount_factors(80, health=True)
    assert factors[1] == pytest.approx(1 / 1.015)
    assert factors[31] / factors[30] == pytest.approx(1 / 1.0129)
    assert factors[76] / factors[75] == pytest.approx(1 / 1.0107)


def test_published_factors_are_met_to_six_places(shared):
    """Years 75 and 76 show that the third step begins after year 75."""
    known = json.loads((shared / "cases/greenbook/known_answers.json").read_text())
    factors = discount_factors(126)
    for year, factor in known["discount_factor"].items():
        assert factors[int(year)] == pytest.approx(factor, abs=5e-7), year
