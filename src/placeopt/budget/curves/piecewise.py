"""Response curves as straight lines: breakpoints, pieces under and over a curve, proven errors.

A curve is split where it changes between concave and convex. On a concave interval chords lie
below it and tangents above it, so the largest distance between the two, found where neighbouring
tangents meet, is a proven bound on the error of either. On a convex interval it is the other way
round, and each piece needs a binary variable.

Source of the bound: Rote, The convergence rate of the sandwich algorithm for approximating convex
functions, Computing 48 (1992).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from heapq import heapify, heappush, heapreplace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from placeopt.base.arrays import Floats
from placeopt.budget.curves.base import SAME_SPEND_SHARE, Curve
from placeopt.budget.curves.forms import slopes_between

Side = Literal["under", "over"]
MIN_PIECE_SHARE = 1e-6  # of a range: solvers give false proofs on narrower pieces


@dataclass(frozen=True)
class Piece:
    """One interval of spend on which the effect is at most each of some straight lines.

    ``effect <= slope[i] * spend + intercept[i]`` for all i, for spend in ``start..end``.

    Attributes:
        start: GBP a year.
        end: GBP a year.
        slope: (I,) outcome units per GBP.
        intercept: (I,) outcome units.
    """

    start: float
    end: float
    slope: Floats
    intercept: Floats

    def value(self, spend: float) -> float:
        """The largest effect that the lines allow at ``spend``."""
        return float(np.min(self.slope * spend + self.intercept))


def breakpoints(
    curve: Curve,
    lower: float,
    upper: float,
    error: float,
    required: ArrayLike = (),
    max_breaks: int = 40,
) -> Floats:
    """Return spends at which to split the curve so that chords and tangents are within ``error``.

    Args:
        curve: The curve.
        lower: The least spend, GBP a year.
        upper: The largest spend, GBP a year.
        error: The largest distance aimed at, in the outcome's unit.
        required: Spends that must be among the breakpoints (today's), up to rounding.
        max_breaks: How many breakpoints may be added; ``error_bound`` gives what was reached.
    """
    required_spends = np.atleast_1d(np.asarray(required, float))
    candidates = [
        spend for start, end, _ in curve.curvature_intervals(lower, upper) for spend in (start, end)
    ]
    candidates += list(curve.kinks(lower, upper))
    breaks = np.unique(np.array([lower, upper, *candidates], float))
    for spend in required_spends[(required_spends >= lower) & (required_spends <= upper)]:
        if np.abs(breaks - spend).min() > SAME_SPEND_SHARE * (upper - lower):
            breaks = np.unique(np.append(breaks, spend))
    if curve.is_piecewise_linear:
        return breaks
    intervals = [_interval_error(curve, a, b) for a, b in itertools.pairwise(breaks)]
    heapify(intervals)
    points = list(breaks)
    for _ in range(max_breaks):
        if not intervals or -intervals[0][0] <= error:
            break
        _, _a, split, b = heapreplace(
            intervals, _interval_error(curve, intervals[0][1], intervals[0][2])
        )
        heappush(intervals, _interval_error(curve, split, b))
        points.append(split)
    return np.unique(points)


def error_bound(curve: Curve, breaks: Floats) -> float:
    """The proven largest distance between the two approximations, in the outcome's unit."""
    if curve.is_piecewise_linear:
        return 0.0
    pairs = itertools.pairwise(breaks)
    return max((-_interval_error(curve, a, b)[0] for a, b in pairs), default=0.0)


def pieces(curve: Curve, breaks: Floats, side: Side, exact_at: ArrayLike = ()) -> list[Piece]:
    """Approximate the curve by pieces that lie wholly under it, or wholly over it.

    A concave curve gives one piece, which fits into a linear program. An S-shaped one gives a
    piece for each interval of its convex part and one for its concave part.

    Args:
        curve: The curve.
        breaks: Breakpoints, rising.
        side: ``under`` or ``over``.
        exact_at: Spends at which pieces under the curve have no error (today's, and a known
            plan's); in concave parts they must be among the ``breaks``.
    """
    exact = np.atleast_1d(np.asarray(exact_at, float))
    result: list[Piece] = []
    for start, end, concave in curve.curvature_intervals(float(breaks[0]), float(breaks[-1])):
        cuts = breaks[(breaks >= start) & (breaks <= end)]
        if len(cuts) < 2:
            result.append(_line_piece(curve, start, start, np.array([start]), np.zeros(1)))
        elif concave:
            result.append(_concave_piece(curve, cuts, side))
        else:
            pairs = list(itertools.pairwise(cuts))
            result += [_convex_piece(curve, a, b, side) for a, b in pairs]
            if side == "under":
                points = exact[(exact >= start) & (exact <= end)]
                result += [_line_piece(curve, s, s, np.array([s]), np.zeros(1)) for s in points]
    return result


def _concave_piece(curve: Curve, cuts: Floats, side: Side) -> Piece:
    """The piece of a concave interval: chords lie under the curve and tangents over it."""
    if curve.is_piecewise_linear:
        return _line_piece(curve, cuts[0], cuts[-1], cuts[:-1], slopes_between(curve, cuts))
    if side == "under":
        slopes = np.diff(curve.effect(cuts)) / np.diff(cuts)
        return _line_piece(curve, cuts[0], cuts[-1], cuts[:-1], slopes)
    slopes = np.array([curve.slope(s) for s in cuts])
    is_vertical = ~np.isfinite(slopes)
    return _line_piece(curve, cuts[0], cuts[-1], cuts[~is_vertical], slopes[~is_vertical])


def _convex_piece(curve: Curve, a: float, b: float, side: Side) -> Piece:
    """The piece of a convex interval: a chord lies over the curve and a tangent under it."""
    if side == "over":
        slope = float(np.diff(curve.effect([a, b]))[0] / (b - a))
        return _line_piece(curve, a, b, np.array([a]), np.array([slope]))
    middle = (a + b) / 2
    return _line_piece(curve, a, b, np.array([middle]), np.array([curve.slope(middle)]))


def _line_piece(curve: Curve, start: float, end: float, touch: Floats, slopes: Floats) -> Piece:
    return Piece(start, end, slopes, curve.effect(touch) - slopes * touch)


def _interval_error(curve: Curve, a: float, b: float) -> tuple[float, float, float, float]:
    """Between two breakpoints: (-largest distance of chord and tangents, a, where to split, b)."""
    middle = (a + b) / 2
    f_a, f_b = (float(value) for value in curve.effect([a, b]))
    d_a, d_b = curve.slope(a), curve.slope(b)
    if not np.isfinite(d_a):  # a vertical start: only the tangent at b bounds it
        return -abs(f_b - d_b * (b - a) - f_a), a, a + (b - a) / 16, b
    if b - a <= 1e-9 * max(1.0, b):
        return 0.0, a, middle, b
    if not curve.is_concave(a, b):
        slope = curve.slope(middle)
        touch = float(curve.effect(middle))
        under_a, under_b = touch + slope * (a - middle), touch + slope * (b - middle)
        return -max(f_a - under_a, f_b - under_b), a, middle, b
    if abs(d_a - d_b) <= 1e-15 * max(abs(d_a), abs(d_b), 1e-300):
        return 0.0, a, middle, b
    intersection = float(np.clip((f_b - f_a - d_b * b + d_a * a) / (d_a - d_b), a, b))
    chord = f_a + (f_b - f_a) * (intersection - a) / (b - a)
    split = intersection if min(intersection - a, b - intersection) > 0.01 * (b - a) else middle
    return -abs(f_a + d_a * (intersection - a) - chord), a, split, b
