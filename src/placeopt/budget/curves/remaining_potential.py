"""Programmes that each work on the part of a potential W that the others leave.

    improvement = W (1 - product of (1 - e / W)) = W (1 - exp(-S / W)),
    S = sum of w,  w(s) = -W log(1 - e(s) / W)

with e the effect of a programme alone at yearly spend s. The transform w is a curve of its own
(about e while e is small), the sum S is linear, and the inverse transform W (1 - exp(-S / W)) is
concave in S. Both are approximated from below and above by pieces like any response curve. Where w
changes between convex and concave follows from the sign of e'' (W - e) + e'^2, for every form:

    exponential  concave             power    n >= 1 convex; n < 1 convex from e = (1 - n) W on
    coverage     convex up to e = W - sqrt(W^2 - m^2)
    hill, n > 1  convex up to the root of (n-1) W + (m - 2W) x - (n+1) (W - m) x^2, x = (s/k)^n
    logistic     convex up to L = (V - sqrt(V^2 - c V)) / c, c = m / (1 - L0), V = W + c L0
    points       convex between any two points
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from placeopt.budget.curves.forms import SAME_SPEND_SHARE, Curve

Floats = NDArray[np.float64]
MAX_TRANSFORM_SHARE = 1 - 1e-9  # of the potential: the logarithm is cut off there
MAX_EFFECT_SHARE = 0.9999  # largest share of the potential of one programme, in any draw


def transform(effect: ArrayLike, potential: float) -> Floats:
    """w of an ``effect`` alone, in the outcome's unit, for a ``potential`` W."""
    return -potential * np.log1p(
        -np.minimum(np.asarray(effect, float) / potential, MAX_EFFECT_SHARE)
    )


@dataclass(frozen=True)
class TransformedCurve(Curve):
    """The transform w of a programme's response curve.

    Attributes:
        stand_alone: The programme's curve alone.
        potential: W, in the outcome's unit.
    """

    stand_alone: Curve = field(default_factory=lambda: Curve("power"))
    potential: float = 1.0

    def effect(self, spend: ArrayLike) -> Floats:
        """w at yearly spend in GBP (any shape), in the outcome's unit."""
        share = np.minimum(self.stand_alone.effect(spend) / self.potential, MAX_TRANSFORM_SHARE)
        return -self.potential * np.log1p(-share)

    def slope(self, spend: float) -> float:
        """w of one more GBP at ``spend``."""
        remaining = self.potential - min(
            float(self.stand_alone.effect(spend)), self.potential * MAX_TRANSFORM_SHARE
        )
        return self.stand_alone.slope(spend) * self.potential / remaining

    def curvature_intervals(self, lower: float, upper: float) -> list[tuple[float, float, bool]]:
        """Split the range where w changes between concave and convex: (start, end, concave)."""
        if self.stand_alone.form == "points":
            return self._point_intervals(lower, upper)
        turn, concave_first = self._turn()
        if not turn > lower + SAME_SPEND_SHARE * (upper - lower):
            return [(lower, upper, not concave_first)]
        if not turn < upper - SAME_SPEND_SHARE * (upper - lower):
            return [(lower, upper, concave_first)]
        return [(lower, turn, concave_first), (turn, upper, not concave_first)]

    def _turn(self) -> tuple[float, bool]:
        """The spend at which the curvature changes, and whether w is concave before it."""
        curve, w = self.stand_alone, self.potential
        m, k, n = curve.maximum_effect, curve.scale_gbp, curve.shape
        if curve.form == "exponential" or m == 0 or (curve.form == "hill" and n <= 1):
            return np.inf, True
        if curve.form == "power":
            return (k * ((1 - n) * w / m) ** (1 / n), True) if n < 1 else (np.inf, False)
        if curve.form == "coverage":
            share = (w - np.sqrt(max(0.0, w * w - m * m))) / m
            return (k * float(np.arctanh(share)) if share < 1 else np.inf), False
        if curve.form == "hill":
            a, b, c = (n + 1) * (w - m), 2 * w - m, (n - 1) * w
            x = c / b if a <= 0 else (np.sqrt(b * b + 4 * a * c) - b) / (2 * a)
            return k * float(x) ** (1 / n), False
        start = 1 / (1 + np.exp(n))
        c = m / (1 - start)
        v = w + c * start
        level = (v - np.sqrt(max(0.0, v * v - c * v))) / c
        return (k * (1 + float(np.log(level / (1 - level))) / n) if level < 1 else np.inf), False

    def _point_intervals(self, lower: float, upper: float) -> list[tuple[float, float, bool]]:
        if upper <= lower:
            return [(lower, upper, True)]
        points = self.stand_alone.points_between(lower, upper)
        cuts = np.unique(np.concatenate([[lower], points, [upper]]))
        return [
            (float(a), float(b), bool(np.ptp(self.stand_alone.effect([a, b])) == 0))
            for a, b in itertools.pairwise(cuts)
        ]


def inverse_transform(total: ArrayLike, potential: ArrayLike) -> Floats:
    """The improvement of the outcome at a ``total`` S of transforms, in its unit."""
    return -np.asarray(potential, float) * np.expm1(-np.asarray(total, float) / potential)


@dataclass(frozen=True)
class InverseTransformCurve(Curve):
    """W (1 - exp(-S / W)) as a curve of the sum S; W is ``maximum_effect``."""

    def effect(self, spend: ArrayLike) -> Floats:
        return inverse_transform(spend, self.maximum_effect)

    def slope(self, spend: float) -> float:
        return float(np.exp(-spend / self.maximum_effect))

    def curvature_intervals(self, lower: float, upper: float) -> list[tuple[float, float, bool]]:
        return [(lower, upper, True)]
