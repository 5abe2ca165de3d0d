"""Response curves: values worked by hand, and approximations that never cross the curve."""

from __future__ import annotations

import math

import numpy as np
import pytest

from placeopt.base.errors import PlaceError, UsageError
from placeopt.budget.curves.base import FORMS as FORM_CLASSES
from placeopt.budget.curves.base import Form, form_named
from placeopt.budget.curves.forms import Points, response_curve
from placeopt.budget.curves.piecewise import breakpoints, error_bound, pieces
from placeopt.budget.problem.checks import require
from placeopt.budget.problem.response_curves import stated_curves
from placeopt.budget.verify.curves import EFFECTS, curve_effect
from placeopt.place import dictionary
from tests.budget.places import one_budget, scenario_of, two_programmes

FORMS = list(FORM_CLASSES)


@pytest.mark.parametrize(
    ("curve", "spend", "effect"),
    [
        (Points(spend=(10.0, 30.0), effect_at=(2.0, 3.0)), 5, 1.0),
        (Points(spend=(10.0, 30.0), effect_at=(2.0, 3.0)), 20, 2.5),
        (Points(spend=(10.0, 30.0), effect_at=(2.0, 3.0)), 99, 3.0),
        (Points(spend=(0.0, 10.0), effect_at=(1.0, 2.0)), 5, 1.5),
        (response_curve("power", 4.0, 100.0, 0.5), 25, 2.0),
        (response_curve("exponential", 4.0, 10.0), 10 * math.log(2), 2.0),
        (response_curve("coverage", 4.0, 10.0), 10, 3.0463766),  # 8 / (1 + e^-2) - 4
        (response_curve("hill", 4.0, 10.0, 3.0), 10, 2.0),
        (response_curve("hill", 4.0, 10.0, 2.0), 20, 3.2),  # 4 * 4 / (1 + 4)
        (response_curve("logistic", 4.0, 10.0, 2.0), 0, 0.0),
        # L(10) = 1/2, L(0) = 1 / (1 + e^2) = 0.1192029; 4 * 0.3807971 / 0.8807971
        (response_curve("logistic", 4.0, 10.0, 2.0), 10, 1.7293294),
    ],
)
def test_a_curve_has_the_value_worked_by_hand(curve, spend, effect):
    assert float(curve.effect(spend)) == pytest.approx(effect, rel=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_approximations_bracket_the_curve_within_the_error(form):
    rng = np.random.default_rng(5)
    for _ in range(60):
        curve = _random(rng, form)
        lower = float(rng.choice([0.0, 20.0]))
        upper = lower + float(rng.uniform(1, 100))
        today = float(rng.uniform(lower, upper))
        breaks = breakpoints(curve, lower, upper, 0.01, today)
        stated = error_bound(curve, breaks)
        spends = np.unique(np.concatenate([np.linspace(lower, upper, 201), breaks]))
        exact = curve.effect(spends)
        under = _highest(pieces(curve, breaks, "under", today), spends)
        over = _highest(pieces(curve, breaks, "over", today), spends)
        assert (under <= exact + 1e-9).all()
        assert (over >= exact - 1e-9).all()
        assert max((exact - under).max(), (over - exact).max()) <= stated + 1e-9
        assert under[spends == today] == pytest.approx(exact[spends == today])


def test_the_error_asked_for_is_reached():
    curve = response_curve("exponential", 10.0, 50.0)
    breaks = breakpoints(curve, 0.0, 200.0, 0.001, max_breaks=200)
    assert error_bound(curve, breaks) <= 0.001
    assert len(breaks) < 200
    assert error_bound(curve, breakpoints(curve, 0.0, 200.0, 0.001, max_breaks=5)) > 0.001


def test_concave_and_s_shaped_curves_are_told_apart():
    assert response_curve("power", 1.0, 10.0, 0.5).is_concave(0, 100)
    assert not response_curve("power", 1.0, 10.0, 2.0).is_concave(0, 100)
    assert response_curve("hill", 1.0, 10.0, 1.0).is_concave(0, 100)
    assert not response_curve("hill", 1.0, 10.0, 3.0).is_concave(0, 100)
    # m s^3 / (k^3 + s^3) turns at k (2/4)^(1/3) = 7.94: above it the curve is concave
    assert response_curve("hill", 1.0, 10.0, 3.0).is_concave(8, 100)
    assert not response_curve("logistic", 1.0, 10.0, 3.0).is_concave(0, 100)
    assert response_curve("logistic", 1.0, 10.0, 3.0).is_concave(10, 100)
    assert Points(spend=(10.0, 30.0), effect_at=(2.0, 3.0)).is_concave(0, 100)
    assert not Points(spend=(10.0, 30.0), effect_at=(1.0, 9.0)).is_concave(0, 100)


def test_a_slope_is_what_a_small_step_changes():
    rng = np.random.default_rng(7)
    for form in FORMS[1:]:
        for _ in range(20):
            curve = _random(rng, form)
            spend = float(rng.uniform(1, 99))
            step = curve.effect([spend - 1e-4, spend + 1e-4])
            assert curve.slope(spend) == pytest.approx((step[1] - step[0]) / 2e-4, 1e-3, 1e-7)


def test_the_data_dictionary_the_model_and_the_verifier_know_the_same_forms():
    choices = next(c.choices for c in dictionary()["curves"] if c.name == "form")
    assert set(FORMS) == set(choices) == {"points", *EFFECTS}


def test_an_unknown_form_is_refused_everywhere_with_the_list_of_forms():
    place = two_programmes()
    place = place.replace(curves=place.curves.assign(form="gompertz"))
    for ask in (
        lambda: form_named("gompertz"),
        lambda: response_curve("gompertz", 1.0, 1.0),
        lambda: curve_effect("gompertz", 1.0, 1.0, 1.0, 1.0),
        lambda: stated_curves(place),
    ):
        with pytest.raises(UsageError, match=r"no curve form 'gompertz': choose .*hill"):
            ask()
    with pytest.raises(PlaceError, match="no such form of curve") as refused:
        require(place, scenario_of(rules=(one_budget(100),)))
    assert "choose from points, " in str(refused.value)


@pytest.mark.parametrize("form", FORMS[1:])
def test_a_turn_is_where_the_second_difference_changes_its_sign(form):
    rng = np.random.default_rng(11)
    for _ in range(20):
        curve = _random(rng, form)
        for start, end, is_concave in curve.curvature_intervals(0.5, 100.0):
            spends = np.linspace(start, end, 41)
            bends = np.diff(curve.effect(spends), 2)
            assert ((bends if is_concave else -bends) <= 1e-9).all()


def _random(rng, form: str) -> Form:
    if form == "points":
        spend = tuple(np.sort(rng.uniform(0, 100, 4)))
        return Points(spend=spend, effect_at=tuple(rng.uniform(0, 10, 4)))
    return response_curve(form, rng.uniform(0.1, 10), rng.uniform(5, 60), rng.uniform(0.2, 5))


def _highest(parts, spends):
    near = 1e-9
    return np.array(
        [max(p.value(s) for p in parts if p.start - near <= s <= p.end + near) for s in spends]
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("towards", [0.0, np.inf])
@pytest.mark.parametrize("at", [0.3, 1_234_567.3])
def test_a_spend_that_is_a_point_but_for_rounding_makes_no_line(form, towards, at):
    """Payments within rounding of a point of a curve gave a slope of rounding errors, a line far
    below the curve, and a false proof."""
    curve = response_curve(form, 5.0, at, 2.0)
    if form == "points":
        curve = Points(spend=(at, 3 * at), effect_at=(0.1, 0.17))
    near = np.nextafter(at, towards)
    for low, high in ((0.0, 3 * at), (near, 3 * at), (0.0, near)):
        breaks = breakpoints(curve, low, high, 1e-3, [near, low, high])
        for side in ("over", "under"):
            for piece in pieces(curve, breaks, side, [near]):
                spend = np.linspace(piece.start, piece.end, 101)
                line = (np.outer(spend, piece.slope) + piece.intercept).min(axis=1)
                above = line - curve.effect(spend)
                assert (above if side == "over" else -above).min() >= -1e-9
                assert np.abs(above).max() <= 0.5
