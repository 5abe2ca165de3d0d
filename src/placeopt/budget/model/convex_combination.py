"""Response curves as convex combinations of grid points, as used for large budgets.

Every programme has a grid of spends. For each year and programme a model mixes some of its points.
All curves of the programme share the same weights, so the linear program has the convex hull of the
whole programme, not of each curve by itself:

(--)  one_mix      sum over points k of mix[t,p,k] = 1
(--)  mixed_spend  spend[t,p] = sum over k of grid[p,k] mix[t,p,k]
(--)  mixed        effect[t,c] <= sum over k of curve(grid[p,k]) mix[t,p,k]
(--)  one_of_mixes sum over the points of cluster j in a year of mix = chosen[j], chosen binary

A programme with a pace limit is mixed from whole paths instead (``path_pricing``), with one set of
weights for all years: the program then has the hull of all that its pace allows.

Between neighbouring points a concave curve rises above its chord by at most

    (a - m) (m - b) h / (a - b),   a, m, b the chords' slopes before, here and after, h the step

which makes the bound of ``column_generation`` hold for the curves themselves.

Source: Dantzig and Wolfe, Decomposition principle for linear programs, Operations Research 8
(1960).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from placeopt.base.arrays import Bools, Floats, Ints
from placeopt.budget.curves.base import SAME_SPEND_SHARE, CurvatureInterval
from placeopt.budget.model.paths import GeometricGrid, Paths, geometric_grids_of
from placeopt.budget.problem.arrays import BudgetProblem
from placeopt.engine import Model
from placeopt.engine.model import Terms

GRID_STEPS = 480  # of a programme's grid


@dataclass(frozen=True)
class SpendGrid:
    """Grid points of every programme with curves, and the effect of each curve there.

    Attributes:
        spend: (P, K) rising, padded with its last value; GBP a year.
        effect: (C, K) in outcome units.
        chord_error: (C, K - 1) the largest height of a curve above its chord.
        same_curvature: (P, K - 1) whether no curve of the programme changes curvature between a
            step and the one before.
        allowed: (T, P, K) points within the year's limits.
        geometric_grids: Grids of programmes with a pace, whose spends are among their points.
    """

    spend: Floats
    effect: Floats
    chord_error: Floats
    same_curvature: Bools
    allowed: Bools
    geometric_grids: dict[int, GeometricGrid]


def spend_grid_of(problem: BudgetProblem) -> SpendGrid:
    """The grid of all programmes between the least and the most they may get in any year."""
    lower, upper = problem.lower, problem.limits.upper
    low, high = lower.min(axis=0), upper.max(axis=0)
    programmes, curves = len(low), len(problem.curves.response)
    breakpoints: list[list[float]] = [[] for _ in range(programmes)]
    curvature = []
    for p, curve in zip(problem.curves.programme, problem.curves.response, strict=True):
        intervals = curve.curvature_intervals(float(low[p]), float(high[p]))
        curvature.append(intervals)
        breakpoints[p] += [end for _, end, _ in intervals[:-1]]
        breakpoints[p] += list(curve.kinks(float(low[p]), float(high[p])))
    spread = np.linspace(0, 1, GRID_STEPS + 1) ** 1.5  # closer where curves start
    rows, geometric_grids = [], geometric_grids_of(problem)
    for p in range(programmes):
        required = np.concatenate(
            [lower[:, p], upper[:, p], [problem.programmes.base_spend[p]], breakpoints[p]]
        )
        points = low[p] + (high[p] - low[p]) * spread
        points = np.append(required, geometric_grids[p].spends if p in geometric_grids else points)
        rows.append(_without_duplicates(points[(points >= low[p]) & (points <= high[p])]))
    size = max(len(row) for row in rows)
    spend = np.stack([np.pad(row, (0, size - len(row)), mode="edge") for row in rows])
    effect, chord_error = np.zeros((curves, size)), np.zeros((curves, size - 1))
    same_curvature = np.ones((programmes, size - 1), bool)
    for c, (p, curve) in enumerate(
        zip(problem.curves.programme, problem.curves.response, strict=True)
    ):
        effect[c] = curve.effect(spend[p])
        is_concave = _is_concave_step(spend[p], curvature[c])
        chord_error[c] = (
            0.0 if curve.is_piecewise_linear else _chord_errors(spend[p], effect[c], is_concave)
        )
        is_same = np.diff(np.searchsorted([end for _, end, _ in curvature[c]], spend[p][1:])) == 0
        same_curvature[p] &= np.concatenate([[False], is_same])
    tolerance = 1e-9 * np.maximum(1.0, high)
    at = spend[None, :, :]
    allowed = (at >= lower[:, :, None] - tolerance[:, None]) & (
        at <= upper[:, :, None] + tolerance[:, None]
    )
    allowed[:, :, 1:] &= np.diff(spend, axis=1)[None] > 0
    return SpendGrid(spend, effect, chord_error, same_curvature, allowed, geometric_grids)


def _without_duplicates(points: Floats) -> Floats:
    """The points rising, without those that differ only by rounding."""
    distinct = np.unique(points)
    return distinct[np.diff(distinct, prepend=-np.inf) > SAME_SPEND_SHARE * np.ptp(distinct)]


def _is_concave_step(spend: Floats, curvature_intervals: list[CurvatureInterval]) -> Bools:
    """(K - 1,) whether a step lies in a concave interval."""
    ends = np.array([end for _, end, _ in curvature_intervals[:-1]])
    kind = np.array([concave for _, _, concave in curvature_intervals])
    middle = (spend[1:] + spend[:-1]) / 2
    return kind[np.searchsorted(ends, middle)]


def _chord_errors(spend: Floats, effect: Floats, concave: Bools) -> Floats:
    """(K - 1,) the largest height of a curve above its chord over each step."""
    step = np.diff(spend)
    slope = np.diff(effect) / np.where(step > 0, step, 1.0)
    is_concave = concave & (step > 0)
    previous_slope = np.where(np.append(False, is_concave[:-1]), np.append(0.0, slope[:-1]), np.inf)
    next_slope = np.where(np.append(is_concave[1:], False), np.append(slope[1:], 0.0), 0.0)
    rise, fall = np.maximum(previous_slope - slope, 0.0), np.maximum(slope - next_slope, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.where(
            np.isinf(rise), fall * step, rise * fall * step / np.maximum(rise + fall, 1e-300)
        )
    return np.where(is_concave, error, 0.0)


@dataclass(frozen=True)
class ConvexCombination:
    """The points and paths that a model may mix; points are sorted.

    Attributes:
        grid: The grid of the points.
        year: (n,) position of the year of each point.
        programme: (n,) its programme.
        grid_index: (n,) its position in the programme's grid.
        cluster: (n,) the group of each point, of which one is chosen by a binary; -1 where the
            points of a programme and year are one group.
        anchor: (n,) grid position of the point whose tangents limit a point, -1 where the curve
            itself counts. Around an anchor a convex curve is replaced by its tangent, so that a
            combination never overestimates.
        paths: Paths of the programmes that have no points.
    """

    grid: SpendGrid
    year: Ints
    programme: Ints
    grid_index: Ints
    cluster: Ints
    anchor: Ints
    paths: Paths

    @classmethod
    def from_points(cls, grid: SpendGrid, points: Bools, paths: Paths) -> ConvexCombination:
        """The points (T, P, K), one group for each programme and year, and the paths."""
        year, programme, at = np.nonzero(points)
        no_group = np.full(len(at), -1)
        return cls(grid, year, programme, at, no_group, no_group, paths)

    @property
    def spend(self) -> Floats:
        return self.grid.spend[self.programme, self.grid_index]

    def effects(self, problem: BudgetProblem) -> tuple[Ints, Ints, Floats]:
        """For each point and curve of its programme: the point, the curve, the effect there."""
        point, c = curves_of_points(problem, self.programme)
        effect = self.grid.effect[c, self.grid_index[point]]
        anchored = np.flatnonzero(self.anchor[point] >= 0)
        keys, which = np.unique(
            np.stack([c[anchored], self.anchor[point[anchored]]]), axis=1, return_inverse=True
        )
        if len(anchored) == 0:
            return point, c, effect
        programme = problem.curves.programme[keys[0]]
        anchor_spend = self.grid.spend[programme, keys[1]]
        pairs = zip(keys[0], anchor_spend, strict=True)
        slope = np.array([problem.curves.response[k].slope(float(s)) for k, s in pairs])
        with np.errstate(invalid="ignore"):
            distance = self.spend[point[anchored]] - anchor_spend[which.ravel()]
            tangent = self.grid.effect[c[anchored], self.anchor[point[anchored]]]
            tangent = tangent + np.where(distance == 0, 0.0, slope[which.ravel()] * distance)
        effect[anchored] = np.fmin(effect[anchored], tangent)
        return point, c, effect


def effects_are_mixed(
    model: Model, problem: BudgetProblem, mixture: ConvexCombination, scale: Any
) -> None:
    """Spending and effects of a year are the same combination of a programme's points or paths."""
    programmes, decided = len(problem.programmes.ids), len(problem.horizon.years)
    spend, effect, paths = model.columns["spend"], model.columns["effect"], mixture.paths
    points, path_count = len(mixture.grid_index), len(paths.programme)
    mix = model.add_columns("mix", size=points + path_count)
    block, row = np.unique(mixture.year * programmes + mixture.programme, return_inverse=True)
    owners, path_block = np.unique(paths.programme, return_inverse=True)
    one_terms = [
        (row, mix.at(np.arange(points)), 1.0),
        (len(block) + path_block, mix.at(points + np.arange(path_count)), 1.0),
    ]
    model.add_rows(
        "one_mix", rule="", size=len(block) + len(owners), terms=one_terms, lower=1.0, upper=1.0
    )
    years = np.arange(decided)
    block = np.append(block, (years[:, None] * programmes + owners).ravel())  # of mixed_spend
    at = (len(block) - decided * len(owners) + years[:, None] * len(owners) + path_block).ravel()
    path = mix.at(np.tile(points + np.arange(path_count), decided))
    terms: list[Terms] = [
        (row, mix.at(np.arange(points)), mixture.spend / scale.money_gbp),
        (at, path, paths.spend.T.ravel() / scale.money_gbp),
        (np.arange(len(block)), spend.at(block), -1.0),
    ]
    model.add_rows("mixed_spend", rule="", size=len(block), terms=terms, lower=0.0, upper=0.0)
    which, year, c, effect_value = _effects(problem, mixture)
    effect_value = effect_value / scale.outcome[problem.curves.outcome[c]]
    at = year * len(problem.curves.response) + c
    terms = [(np.arange(effect.size), effect.all, 1.0), (at, mix.at(which), -effect_value)]
    model.add_rows("mixed", rule="", size=effect.size, terms=terms, upper=0.0)
    chosen_points = np.flatnonzero(mixture.cluster >= 0)
    if len(chosen_points) == 0:
        return
    clusters, path_block = np.unique(mixture.cluster[chosen_points], return_inverse=True)
    # each cluster in each of its years
    pairs, row = np.unique(path_block * decided + mixture.year[chosen_points], return_inverse=True)
    chosen = model.add_columns("chosen", size=len(clusters), upper=1.0, integer=True)
    terms = [
        (row, mix.at(chosen_points), 1.0),
        (np.arange(len(pairs)), chosen.at(pairs // decided), -1.0),
    ]
    model.add_rows("one_of_mixes", rule="", size=len(pairs), terms=terms, lower=0.0, upper=0.0)


def _effects(problem: BudgetProblem, mixture: ConvexCombination) -> tuple[Ints, Ints, Ints, Floats]:
    """For points, then paths: the column of ``mix``, year, curve, and the effect there."""
    point, c, effect = mixture.effects(problem)
    found = [(point, mixture.year[point], c, effect)]
    paths, decided = mixture.paths, len(problem.horizon.years)
    for own_c, p in enumerate(problem.curves.programme):
        own = np.flatnonzero(paths.programme == p)
        year = np.repeat(np.arange(decided), len(own))
        effect = problem.curves.response[own_c].effect(paths.spend[own].T.ravel())
        column = np.tile(len(mixture.grid_index) + own, decided)
        found.append((column, year, np.full(len(column), own_c), effect))
    column, year, c, effect = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return column, year, c, effect


def curves_of_points(problem: BudgetProblem, programme: Ints) -> tuple[Ints, Ints]:
    """For each point (by its ``programme``) and curve of it: the point's position, the curve."""
    order = np.argsort(problem.curves.programme, kind="stable")
    start = np.searchsorted(problem.curves.programme[order], programme)
    curve_count = np.searchsorted(problem.curves.programme[order], programme, side="right") - start
    point = np.repeat(np.arange(len(programme)), curve_count)
    offset = np.arange(len(point)) - np.repeat(np.cumsum(curve_count) - curve_count, curve_count)
    return point, order[np.repeat(start, curve_count) + offset]
