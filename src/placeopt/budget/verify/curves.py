"""The verifier's own statement of the response curves, in plain Python.

Each form is written once more as the data dictionary has it, from the tables alone; what the model
makes of a curve is not used. A form that is not listed here is an error.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from placeopt.base.errors import UsageError


def response(row: Any, points: list[tuple[float, float]], spend: float) -> float:
    """The effect that a row of ``curves`` states for a year's spending.

    Args:
        row: A row of the table ``curves``.
        points: Spend and effect of its rows in ``curve_points``.
        spend: GBP a year.
    """
    if row.form == "points":
        return interpolate(points, spend)
    return curve_effect(row.form, row.maximum_effect, row.scale_gbp, row.shape, spend)


def curve_effect(form: str, maximum: float, scale: float, shape: float, spend: float) -> float:
    """The effect of a year's spending by a curve with parameters.

    Args:
        form: The form of the curve.
        maximum: m, in the outcome's unit.
        scale: k, GBP a year.
        shape: n.
        spend: GBP a year.

    Raises:
        UsageError: With the list of known forms where there is none of that name.
    """
    if form not in EFFECTS:
        raise UsageError(f"no curve form {form!r}: choose from points, {', '.join(EFFECTS)}")
    return EFFECTS[form](maximum, scale, shape, spend) if spend > 0 else 0.0


def _power(maximum: float, scale: float, shape: float, spend: float) -> float:
    return maximum * float((spend / scale) ** shape)


def _exponential(maximum: float, scale: float, shape: float, spend: float) -> float:
    return maximum * (1.0 - math.exp(-spend / scale))


def _coverage(maximum: float, scale: float, shape: float, spend: float) -> float:
    return maximum * (2.0 / (1.0 + math.exp(-2.0 * spend / scale)) - 1.0)


def _hill(maximum: float, scale: float, shape: float, spend: float) -> float:
    return maximum / (1.0 + math.exp(shape * (math.log(scale) - math.log(spend))))


def _logistic(maximum: float, scale: float, shape: float, spend: float) -> float:
    start, level = (0.5 * (1 + math.tanh(shape * (s / scale - 1) / 2)) for s in (0.0, spend))
    return maximum * (level - start) / (1.0 - start)


EFFECTS: dict[str, Callable[[float, float, float, float], float]] = {
    "power": _power,
    "exponential": _exponential,
    "coverage": _coverage,
    "hill": _hill,
    "logistic": _logistic,
}


def interpolate(points: list[tuple[float, float]], spend: float) -> float:
    """Linear interpolation from (0, 0) unless a point says otherwise, flat after the last point."""
    line = sorted(points)
    if line[0][0] > 0:
        line = [(0.0, 0.0), *line]
    for (x0, y0), (x1, y1) in pairwise(line):
        if x0 <= spend <= x1:
            return y0 + (y1 - y0) * (spend - x0) / (x1 - x0)
    return line[-1][1]
