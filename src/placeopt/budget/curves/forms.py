"""Response curves: the effect of a year's spending on a programme on an outcome.

    points       straight lines between (spend, effect) points, from (0, 0) unless a point says
                 otherwise, flat beyond the last one (no evidence, no further effect)
    power        m (s/k)^n
    exponential  m (1 - exp(-s/k))
    coverage     m tanh(s/k), people covered at a unit cost until nearly all that can be are
    hill         m s^n / (k^n + s^n)
    logistic     m (L(s) - L(0)) / (1 - L(0)),   L(s) = 1 / (1 + exp(-n (s/k - 1)))

with s the yearly spend in GBP, m ``maximum_effect`` in the outcome's unit, k ``scale_gbp`` and
n ``shape``. A curve is split where it changes between concave and convex. On a concave interval
chords lie below it and tangents above it, so the largest distance between the two, found where
neighbouring tangents meet, is a proven bound on the error of either. On a convex interval it is
the other way round, and each piece needs a binary variable.

The form ``coverage`` is Optima HIV's cost-coverage curve, 2 m / (1 + exp(-2 s/k)) - m (Kerr and
others, Optima, JAIDS 69, 2015).
Source of the bound: Rote, The convergence rate of the sandwich algorithm for approximating convex
functions, Computing 48 (1992).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from heapq import heapify, heappush, heapreplace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Side = Literal["under", "over"]
MIN_PIECE_SHARE = 1e-6  # of a range: solvers give false proofs on narrower pieces
SAME_SPEND_SHARE = 1e-9  # of a range: spends closer together count as one


@dataclass(frozen=True)
class Curve:
    """One response curve.

    Attributes:
        form: One of the forms above.
        maximum_effect: m, in the outcome's unit.
        scale_gbp: k, GBP a year.
        shape: n.
        spend: Spends of the form ``points``, GBP a year.
        effect_at: Effects at these spends.
    """

    form: str
    maximum_effect: float = 0.0
    scale_gbp: float = 1.0
    shape: float = 1.0
    spend: tuple[float, ...] = ()
    effect_at: tuple[float, ...] = ()

    def effect(self, spend: ArrayLike) -> Floats:
        """The improvement of the outcome, in its own unit, at yearly spend in GBP (any shape)."""
        s = np.maximum(np.asarray(spend, float), 0.0)
        m, k, n = self.maximum_effect, self.scale_gbp, self.shape
        if self.form == "points":
            return np.interp(s, *self._points())
        if self.form == "power":
            return m * (s / k) ** n
        if self.form == "exponential":
            return -m * np.expm1(-s / k)
        if self.form == "coverage":
            return m * np.tanh(s / k)
        if self.form == "hill":
            with np.errstate(divide="ignore"):
                return m / (1 + (k / s) ** n)
        if self.form == "logistic":
            at_zero = _logistic(np.array(-n))
            return m * (_logistic(n * (s / k - 1)) - at_zero) / (1 - at_zero)
        raise ValueError(f"no curve form {self.form!r}")

    def slope(self, spend: float) -> float:
        """Effect of one more GBP at ``spend`` (``inf`` where the curve starts vertically)."""
        s, m, k, n = max(float(spend), 0.0), self.maximum_effect, self.scale_gbp, self.shape
        if self.form == "points":
            xs, ys = self._points()
            at = int(np.searchsorted(xs, s, side="right")) - 1
            return float((ys[at + 1] - ys[at]) / (xs[at + 1] - xs[at])) if at + 1 < len(xs) else 0.0
        if self.form == "exponential":
            return m / k * float(np.exp(-s / k))
        if self.form == "coverage":
            return m / k * (1 - float(np.tanh(s / k)) ** 2)
        if self.form == "logistic":
            level = float(_logistic(np.array(n * (s / k - 1))))
            return m * n / k * level * (1 - level) / (1 - float(_logistic(np.array(-n))))
        if s == 0 and n != 1:
            return np.inf if n < 1 and m > 0 else 0.0
        if self.form == "power":
            return m * n / k * (s / k) ** (n - 1)
        ratio = (s / k) ** n
        return m * n / k * (s / k) ** (n - 1) / (1 + ratio) ** 2

    def curvature_intervals(self, lower: float, upper: float) -> list[tuple[float, float, bool]]:
        """Split ``lower..upper`` where the curvature changes: (start, end, concave)."""
        if self.form == "points":
            return self._point_intervals(lower, upper)
        n = self.shape
        if self.form == "power":
            turn = lower if n <= 1 else upper
        elif self.form == "hill":
            turn = self.scale_gbp * ((n - 1) / (n + 1)) ** (1 / n) if n > 1 else lower
        else:
            turn = self.scale_gbp if self.form == "logistic" else lower
        if not turn > lower + SAME_SPEND_SHARE * (upper - lower):
            return [(lower, upper, True)]
        if not turn < upper - SAME_SPEND_SHARE * (upper - lower):
            return [(lower, upper, False)]
        return [(lower, turn, False), (turn, upper, True)]

    def is_concave(self, lower: float, upper: float) -> bool:
        """Whether the curve is concave between these two spends."""
        curvature_intervals = self.curvature_intervals(lower, upper)
        return len(curvature_intervals) == 1 and curvature_intervals[0][2]

    def _points(self) -> tuple[Floats, Floats]:
        xs, ys = np.array(self.spend, float), np.array(self.effect_at, float)
        order = np.argsort(xs, kind="stable")
        xs, ys = xs[order], ys[order]
        if len(xs) == 0 or xs[0] > 0:
            xs, ys = np.concatenate([[0.0], xs]), np.concatenate([[0.0], ys])
        return xs, ys

    def points_between(self, lower: float, upper: float) -> Floats:
        """Spends of the points strictly between these two."""
        xs, _ = self._points()
        same = SAME_SPEND_SHARE * (upper - lower)
        return xs[(xs > lower + same) & (xs < upper - same)]

    def _point_intervals(self, lower: float, upper: float) -> list[tuple[float, float, bool]]:
        """Runs of falling slopes are concave; every other piece is a separate interval."""
        if upper <= lower:
            return [(lower, upper, True)]
        cuts = np.unique(np.concatenate([[lower], self.points_between(lower, upper), [upper]]))
        slopes = _slopes_between(self, cuts)
        tolerance = 1e-12 * max(1e-300, float(np.abs(slopes).max()))
        runs: list[tuple[float, float, bool]] = []
        for start, end, rises in zip(
            cuts[:-1], cuts[1:], np.diff(slopes, prepend=np.inf) > tolerance, strict=True
        ):
            if runs and not rises:
                runs[-1] = (runs[-1][0], float(end), True)
            else:
                runs.append((float(start), float(end), True))
        return runs


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
    if curve.form == "points":
        candidates += list(curve.points_between(lower, upper))
    breaks = np.unique(np.array([lower, upper, *candidates], float))
    for spend in required_spends[(required_spends >= lower) & (required_spends <= upper)]:
        if np.abs(breaks - spend).min() > SAME_SPEND_SHARE * (upper - lower):
            breaks = np.unique(np.append(breaks, spend))
    if curve.form == "points":
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
    if curve.form == "points":
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
    if curve.form == "points":
        return _line_piece(curve, cuts[0], cuts[-1], cuts[:-1], _slopes_between(curve, cuts))
    if side == "under":
        slopes = np.diff(curve.effect(cuts)) / np.diff(cuts)
        return _line_piece(curve, cuts[0], cuts[-1], cuts[:-1], slopes)
    slopes = np.array([curve.slope(s) for s in cuts])
    is_vertical = ~np.isfinite(slopes)
    return _line_piece(curve, cuts[0], cuts[-1], cuts[~is_vertical], slopes[~is_vertical])


def _slopes_between(curve: Curve, cuts: Floats) -> Floats:
    """Slopes of straight lines between points, however close two breakpoints are."""
    return np.array([curve.slope((a + b) / 2) for a, b in itertools.pairwise(cuts)])


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


def _logistic(x: ArrayLike) -> Floats:
    """1 / (1 + exp(-x)) without overflow."""
    x = np.asarray(x, float)
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small))
