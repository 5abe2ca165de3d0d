"""Response curves: values worked by hand, and approximations that never cross the curve."""

from __future__ import annotations

import math

import numpy as np
import pytest

from placeopt.budget.curves.forms import Curve, breakpoints, error_bound, pieces

FORMS = ["points", "power", "exponential", "coverage", "hill", "logistic"]


@pytest.mark.parametrize(
    ("curve", "spend", "effect"),
    [
        (Curve("points", spend=(10.0, 30.0), effect_at=(2.0, 3.0)), 5, 1.0),
        (Curve("points", spend=(10.0, 30.0), effect_at=(2.0, 3.0)), 20, 2.5),
        (Curve("points", spend=(10.0, 30.0), effect_at=(2.0, 3.0)), 99, 3.0),
        (Curve("points", spend=(0.0, 10.0), effect_at=(1.0, 2.0)), 5, 1.5),
        (Curve("power", 4.0, 100.0, 0.5), 25, 2.0),
        (Curve("exponential", 4.0, 10.0), 10 * math.log(2), 2.0),
        (Curve("coverage", 4.0, 10.0), 10, 3.0463766),  # 8 / (1 + e^-2) - 4
        (Curve("hill", 4.0, 10.0, 3.0), 10, 2.0),
        (Curve("hill", 4.0, 10.0, 2.0), 20, 3.2),  # 4 * 4 / (1 + 4)
        (Curve("logistic", 4.0, 10.0, 2.0), 0, 0.0),
        # L(10) = 1/2, L(0) = 1 / (1 + e^2) = 0.1192029; 4 * 0.3807971 / 0.8807971
        (Curve("logistic", 4.0, 10.0, 2.0), 10, 1.7293294),
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
    curve = Curve("exponential", 10.0, 50.0)
    breaks = breakpoints(curve, 0.0, 200.0, 0.001, max_breaks=200)
    assert error_bound(curve, breaks) <= 0.001
    assert len(breaks) < 200
    assert error_bound(curve, breakpoints(curve, 0.0, 200.0, 0.001, max_breaks=5)) > 0.001


def test_concave_and_s_shaped_curves_are_told_apart():
    assert Curve("power", 1.0, 10.0, 0.5).is_concave(0, 100)
    assert not Curve("power", 1.0, 10.0, 2.0).is_concave(0, 100)
    assert Curve("hill", 1.0, 10.0, 1.0).is_concave(0, 100)
    assert not Curve("hill", 1.0, 10.0, 3.0).is_concave(0, 100)
    # m s^3 / (k^3 + s^3) turns at k (2/4)^(1/3) = 7.94: above it the curve is concave
    assert Curve("hill", 1.0, 10.0, 3.0).is_concave(8, 100)
    assert not Curve("logistic", 1.0, 10.0, 3.0).is_concave(0, 100)
    assert Curve("logistic", 1.0, 10.0, 3.0).is_concave(10, 100)
    assert Curve("points", spend=(10.0, 30.0), effect_at=(2.0, 3.0)).is_concave(0, 100)
    assert not Curve("points", spend=(10.0, 30.0), effect_at=(1.0, 9.0)).is_concave(0, 100)


def test_a_slope_is_what_a_small_step_changes():
    rng = np.random.default_rng(7)
    for form in FORMS[1:]:
        for _ in range(20):
            curve = _random(rng, form)
            spend = float(rng.uniform(1, 99))
            step = curve.effect([spend - 1e-4, spend + 1e-4])
            assert curve.slope(spend) == pytest.approx((step[1] - step[0]) / 2e-4, 1e-3, 1e-7)


def _random(rng, form: str) -> Curve:
    if form == "points":
        spend = tuple(np.sort(rng.uniform(0, 100, 4)))
        return Curve("points", spend=spend, effect_at=tuple(rng.uniform(0, 10, 4)))
    return Curve(form, rng.uniform(0.1, 10), rng.uniform(5, 60), rng.uniform(0.2, 5))


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
    curve = Curve(form, 5.0, at, 2.0)
    if form == "points":
        curve = Curve("points", spend=(at, 3 * at), effect_at=(0.1, 0.17))
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
