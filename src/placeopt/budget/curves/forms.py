"""The forms of response curves: the effect of a year's spending on a programme on an outcome.

    points       straight lines between (spend, effect) points, from (0, 0) unless a point says
                 otherwise, flat beyond the last one (no evidence, no further effect)
    power        m (s/k)^n
    exponential  m (1 - exp(-s/k))
    coverage     m tanh(s/k), people covered at a unit cost until nearly all that can be are
    hill         m s^n / (k^n + s^n)
    logistic     m (L(s) - L(0)) / (1 - L(0)),   L(s) = 1 / (1 + exp(-n (s/k - 1)))

with s the yearly spend in GBP, m ``maximum_effect`` in the outcome's unit, k ``scale_gbp`` and
n ``shape``. The form ``coverage`` is Optima HIV's cost-coverage curve, 2 m / (1 + exp(-2 s/k)) - m
(Kerr and others, Optima, JAIDS 69, 2015).

Each class also says where its transform on a remaining potential W (``remaining_potential``)
changes between convex and concave. It follows from the sign of e'' (W - e) + e'^2:

    exponential  concave             power    n >= 1 convex; n < 1 convex from e = (1 - n) W on
    coverage     convex up to e = W - sqrt(W^2 - m^2)
    hill, n > 1  convex up to the root of (n-1) W + (m - 2W) x - (n+1) (W - m) x^2, x = (s/k)^n
    logistic     convex up to L = (V - sqrt(V^2 - c V)) / c, c = m / (1 - L0), V = W + c L0
    points       convex between any two points

A new form is one class here, its name among the choices of ``form`` in ``place/columns.csv``, and
its effect once more in ``verify/curves.py``, which may not see this file.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from placeopt.base.arrays import Floats
from placeopt.budget.curves.base import (
    SAME_SPEND_SHARE,
    CurvatureInterval,
    Curve,
    Form,
    form_named,
    register,
)


def response_curve(form: str, maximum_effect: float, scale_gbp: float, shape: float = 1.0) -> Form:
    """A curve of a form that has parameters.

    Args:
        form: The form's name.
        maximum_effect: m, in the outcome's unit.
        scale_gbp: k, GBP a year.
        shape: n.

    Raises:
        UsageError: With the list of known forms where there is none of that name.
    """
    return form_named(form)(maximum_effect, scale_gbp, shape)


@register
@dataclass(frozen=True)
class Points(Form):
    """Straight lines between points, flat beyond the last one; it has no parameters.

    Attributes:
        spend: Spends of the points, GBP a year.
        effect_at: Effects at these spends, in the outcome's unit.
    """

    name = "points"

    spend: tuple[float, ...] = ()
    effect_at: tuple[float, ...] = ()

    def effect(self, spend: ArrayLike) -> Floats:
        return np.interp(_spends(spend), *self._points())

    def slope(self, spend: float) -> float:
        xs, ys = self._points()
        at = int(np.searchsorted(xs, max(float(spend), 0.0), side="right")) - 1
        return float((ys[at + 1] - ys[at]) / (xs[at + 1] - xs[at])) if at + 1 < len(xs) else 0.0

    def curvature_intervals(self, lower: float, upper: float) -> list[CurvatureInterval]:
        """Runs of falling slopes are concave; every other piece is a separate interval."""
        if upper <= lower:
            return [CurvatureInterval(lower, upper, True)]
        cuts = self._cuts(lower, upper)
        slopes = slopes_between(self, cuts)
        tolerance = 1e-12 * max(1e-300, float(np.abs(slopes).max()))
        runs: list[CurvatureInterval] = []
        for start, end, rises in zip(
            cuts[:-1], cuts[1:], np.diff(slopes, prepend=np.inf) > tolerance, strict=True
        ):
            if runs and not rises:
                runs[-1] = CurvatureInterval(runs[-1].start, float(end), True)
            else:
                runs.append(CurvatureInterval(float(start), float(end), True))
        return runs

    def transform_turn(self, potential: float) -> tuple[float, bool]:
        raise NotImplementedError("a curve of points has a turn at each of them")

    def transform_intervals(
        self, potential: float, lower: float, upper: float
    ) -> list[CurvatureInterval]:
        """Every piece is convex, or flat."""
        if upper <= lower:
            return [CurvatureInterval(lower, upper, True)]
        return [
            CurvatureInterval(float(a), float(b), bool(np.ptp(self.effect([a, b])) == 0))
            for a, b in itertools.pairwise(self._cuts(lower, upper))
        ]

    @property
    def is_piecewise_linear(self) -> bool:
        return True

    def kinks(self, lower: float, upper: float) -> Floats:
        xs, _ = self._points()
        same = SAME_SPEND_SHARE * (upper - lower)
        return xs[(xs > lower + same) & (xs < upper - same)]

    def _cuts(self, lower: float, upper: float) -> Floats:
        return np.unique(np.concatenate([[lower], self.kinks(lower, upper), [upper]]))

    def _points(self) -> tuple[Floats, Floats]:
        """Spends, rising, and effects, with (0, 0) where no point says otherwise."""
        xs, ys = np.array(self.spend, float), np.array(self.effect_at, float)
        order = np.argsort(xs, kind="stable")
        xs, ys = xs[order], ys[order]
        if len(xs) == 0 or xs[0] > 0:
            xs, ys = np.concatenate([[0.0], xs]), np.concatenate([[0.0], ys])
        return xs, ys


@register
@dataclass(frozen=True)
class Power(Form):
    """m (s/k)^n, concave for n up to 1, else convex."""

    name = "power"
    fitted = ("maximum_effect", "shape")  # k only scales m

    def effect(self, spend: ArrayLike) -> Floats:
        m, k, n = self.maximum_effect, self.scale_gbp, self.shape
        return m * (_spends(spend) / k) ** n

    def slope(self, spend: float) -> float:
        s, m, k, n = max(float(spend), 0.0), self.maximum_effect, self.scale_gbp, self.shape
        return _slope_at_zero(m, n) if s == 0 and n != 1 else m * n / k * (s / k) ** (n - 1)

    def turn(self, lower: float, upper: float) -> float:
        return lower if self.shape <= 1 else upper

    def transform_turn(self, potential: float) -> tuple[float, bool]:
        m, k, n = self.maximum_effect, self.scale_gbp, self.shape
        return (k * ((1 - n) * potential / m) ** (1 / n), True) if n < 1 else (np.inf, False)


@register
@dataclass(frozen=True)
class Exponential(Form):
    """m (1 - exp(-s/k)), concave."""

    name = "exponential"
    fitted = ("maximum_effect", "scale_gbp")

    def effect(self, spend: ArrayLike) -> Floats:
        return -self.maximum_effect * np.expm1(-_spends(spend) / self.scale_gbp)

    def slope(self, spend: float) -> float:
        s, m, k = max(float(spend), 0.0), self.maximum_effect, self.scale_gbp
        return m / k * float(np.exp(-s / k))

    def transform_turn(self, potential: float) -> tuple[float, bool]:
        return np.inf, True


@register
@dataclass(frozen=True)
class Coverage(Form):
    """m tanh(s/k), concave."""

    name = "coverage"
    fitted = ("maximum_effect", "scale_gbp")

    def effect(self, spend: ArrayLike) -> Floats:
        return self.maximum_effect * np.tanh(_spends(spend) / self.scale_gbp)

    def slope(self, spend: float) -> float:
        s, m, k = max(float(spend), 0.0), self.maximum_effect, self.scale_gbp
        return m / k * (1 - float(np.tanh(s / k)) ** 2)

    def transform_turn(self, potential: float) -> tuple[float, bool]:
        m, w = self.maximum_effect, potential
        share = (w - np.sqrt(max(0.0, w * w - m * m))) / m
        return (self.scale_gbp * float(np.arctanh(share)) if share < 1 else np.inf), False


@register
@dataclass(frozen=True)
class Hill(Form):
    """m s^n / (k^n + s^n), concave for n up to 1, else S-shaped."""

    name = "hill"
    fitted = ("maximum_effect", "scale_gbp", "shape")

    def effect(self, spend: ArrayLike) -> Floats:
        m, k, n = self.maximum_effect, self.scale_gbp, self.shape
        with np.errstate(divide="ignore"):
            return m / (1 + (k / _spends(spend)) ** n)

    def slope(self, spend: float) -> float:
        s, m, k, n = max(float(spend), 0.0), self.maximum_effect, self.scale_gbp, self.shape
        if s == 0 and n != 1:
            return _slope_at_zero(m, n)
        ratio = (s / k) ** n
        return float(m * n / k * (s / k) ** (n - 1) / (1 + ratio) ** 2)

    def turn(self, lower: float, upper: float) -> float:
        n = self.shape
        return self.scale_gbp * ((n - 1) / (n + 1)) ** (1 / n) if n > 1 else lower

    def transform_turn(self, potential: float) -> tuple[float, bool]:
        m, w, n = self.maximum_effect, potential, self.shape
        if n <= 1:
            return np.inf, True
        a, b, c = (n + 1) * (w - m), 2 * w - m, (n - 1) * w
        x = c / b if a <= 0 else (np.sqrt(b * b + 4 * a * c) - b) / (2 * a)
        return self.scale_gbp * float(x) ** (1 / n), False


@register
@dataclass(frozen=True)
class Logistic(Form):
    """m (L(s) - L(0)) / (1 - L(0)), S-shaped around k."""

    name = "logistic"
    fitted = ("maximum_effect", "scale_gbp", "shape")

    def effect(self, spend: ArrayLike) -> Floats:
        m, k, n = self.maximum_effect, self.scale_gbp, self.shape
        at_zero = _logistic(np.array(-n))
        return m * (_logistic(n * (_spends(spend) / k - 1)) - at_zero) / (1 - at_zero)

    def slope(self, spend: float) -> float:
        s, m, k, n = max(float(spend), 0.0), self.maximum_effect, self.scale_gbp, self.shape
        level = float(_logistic(np.array(n * (s / k - 1))))
        return m * n / k * level * (1 - level) / (1 - float(_logistic(np.array(-n))))

    def turn(self, lower: float, upper: float) -> float:
        return self.scale_gbp

    def transform_turn(self, potential: float) -> tuple[float, bool]:
        m, w, n = self.maximum_effect, potential, self.shape
        start = 1 / (1 + np.exp(n))
        c = m / (1 - start)
        v = w + c * start
        level = (v - np.sqrt(max(0.0, v * v - c * v))) / c
        if level >= 1:
            return np.inf, False
        return self.scale_gbp * (1 + float(np.log(level / (1 - level))) / n), False


def slopes_between(curve: Curve, cuts: Floats) -> Floats:
    """Slopes of straight lines between points, however close two breakpoints are."""
    return np.array([curve.slope((a + b) / 2) for a, b in itertools.pairwise(cuts)])


def _spends(spend: ArrayLike) -> Floats:
    spends: Floats = np.maximum(np.asarray(spend, float), 0.0)
    return spends


def _slope_at_zero(m: float, n: float) -> float:
    """The slope at no spending of m (s/k)^n and of what begins like it, for n other than 1."""
    return np.inf if n < 1 and m > 0 else 0.0


def _logistic(x: ArrayLike) -> Floats:
    """1 / (1 + exp(-x)) without overflow."""
    at: Floats = np.asarray(x, float)
    small: Floats = np.exp(-np.abs(at))
    return np.where(at >= 0, 1 / (1 + small), small / (1 + small))
