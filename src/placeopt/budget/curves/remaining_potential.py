"""Programmes that each work on the part of a potential W that the others leave.

    improvement = W (1 - product of (1 - e / W)) = W (1 - exp(-S / W)),
    S = sum of w,  w(s) = -W log(1 - e(s) / W)

with e the effect of a programme alone at yearly spend s. The transform w is a curve of its own
(about e while e is small), the sum S is linear, and the inverse transform W (1 - exp(-S / W)) is
concave in S. Both are approximated from below and above by pieces like any response curve. Where w
changes between convex and concave each form knows (``forms``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from placeopt.base.arrays import Floats
from placeopt.budget.curves.base import CurvatureInterval, Curve, Form

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

    stand_alone: Form
    potential: float

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

    def curvature_intervals(self, lower: float, upper: float) -> list[CurvatureInterval]:
        """Split the range where w changes between concave and convex."""
        return self.stand_alone.transform_intervals(self.potential, lower, upper)


def inverse_transform(total: ArrayLike, potential: ArrayLike) -> Floats:
    """The improvement of the outcome at a ``total`` S of transforms, in its unit."""
    return -np.asarray(potential, float) * np.expm1(-np.asarray(total, float) / potential)


@dataclass(frozen=True)
class InverseTransformCurve(Curve):
    """W (1 - exp(-S / W)) as a curve of the sum S.

    Attributes:
        potential: W, in the outcome's unit.
    """

    potential: float

    def effect(self, spend: ArrayLike) -> Floats:
        """The improvement at a sum S (any shape)."""
        return inverse_transform(spend, self.potential)

    def slope(self, spend: float) -> float:
        """The improvement of one more unit of S."""
        return float(np.exp(-spend / self.potential))

    def curvature_intervals(self, lower: float, upper: float) -> list[CurvatureInterval]:
        """One interval: it is concave."""
        return [CurvatureInterval(lower, upper, True)]


@dataclass(frozen=True)
class LevelTransformCurve(Curve):
    """-W log(1 - level / W) as a curve of the level of cumulative effects.

    Attributes:
        potential: W, in the outcome's unit.
    """

    potential: float

    def effect(self, spend: ArrayLike) -> Floats:
        """The transform of a level (any shape)."""
        return transform(spend, self.potential)

    def slope(self, spend: float) -> float:
        """The transform of one more unit of the level."""
        return 1 / (1 - min(float(spend) / self.potential, MAX_EFFECT_SHARE))

    def curvature_intervals(self, lower: float, upper: float) -> list[CurvatureInterval]:
        """One interval: it is convex."""
        return [CurvatureInterval(lower, upper, False)]
