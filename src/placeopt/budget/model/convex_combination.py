"""Response curves as mixtures of points: the form in which large budgets are solved.

Every programme has a grid of spends. A model mixes, for each year and programme, some of its
points; all curves of the programme are mixed alike, so the linear program holds the hull of the
whole programme and not of each curve by itself:

(--)  one_mix      sum over points k of mix[t,p,k] = 1
(--)  mixed_spend  spend[t,p] = sum over k of grid[p,k] mix[t,p,k]
(--)  mixed        effect[t,c] <= sum over k of curve(grid[p,k]) mix[t,p,k]
(--)  one_of_mixes sum over the points of cluster j in a year of mix = chosen[j], chosen binary

A programme that may change only so fast is mixed from whole ``paths`` instead, one mixture for
all years: then the program holds the hull of all that its pace allows.

Between neighbouring points a concave curve rises above its chord by at most

    (a - m) (m - b) h / (a - b),   a, m, b the chords' slopes before, here and after, h the step

which makes the bound of ``decompose`` hold for the curves themselves.
Source: Dantzig and Wolfe, Decomposition principle for linear programs, Operations Research 8
(1960).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from placeopt.budget.curves.forms import SAME_SPEND_SHARE
from placeopt.budget.problem.arrays import Bools, BudgetProblem, Floats, Ints
from placeopt.budget.search.path_pricing import GeometricGrid, Paths, geometric_grids_of
from placeopt.engine import Model

GRID_STEPS = 480  # of a programme's grid


@dataclass(frozen=True)
class SpendGrid:
    """Points of every programme with curves, and what each curve is worth there.

    ``spend`` (P, K) rising, padded with its last value; ``effect`` (C, K); ``above`` (C, K - 1)
    the most by which a curve lies above its chord; ``same_curvature`` (P, K - 1) whether no curve of
    the programme turns between a step and the one before.
    """

    spend: Floats
    effect: Floats
    chord_error: Floats
    same_curvature: Bools
    allowed: Bools  # (T, P, K) points within the year's limits
    geometric_grids: dict[
        int, GeometricGrid
    ]  # of programmes with a pace, whose rungs are among their points


def spend_grid_of(problem: BudgetProblem) -> SpendGrid:
    """The grid of all programmes between the least and the most they may get in any year."""
    lower, upper = problem.lower, problem.upper
    low, high = lower.min(axis=0), upper.max(axis=0)
    programmes, curves = len(low), len(problem.curves)
    kinks: list[list[float]] = [[] for _ in range(programmes)]
    curvature_intervals = []
    for p, curve in zip(problem.curve_programme, problem.curves, strict=True):
        own = curve.curvature_intervals(float(low[p]), float(high[p]))
        curvature_intervals.append(own)
        kinks[p] += [end for _, end, _ in own[:-1]]
        if curve.form == "points":
            kinks[p] += list(curve.points_between(float(low[p]), float(high[p])))
    spread = np.linspace(0, 1, GRID_STEPS + 1) ** 1.5  # closer where curves start
    rows, geometric_grids = [], geometric_grids_of(problem)
    for p in range(programmes):
        named = np.concatenate([lower[:, p], upper[:, p], [problem.base_spend[p]], kinks[p]])
        points = low[p] + (high[p] - low[p]) * spread
        points = np.append(named, geometric_grids[p].spends if p in geometric_grids else points)
        rows.append(_without_duplicates(points[(points >= low[p]) & (points <= high[p])]))
    size = max(len(row) for row in rows)
    spend = np.stack([np.pad(row, (0, size - len(row)), mode="edge") for row in rows])
    effect, above = np.zeros((curves, size)), np.zeros((curves, size - 1))
    same_curvature = np.ones((programmes, size - 1), bool)
    for c, (p, curve) in enumerate(zip(problem.curve_programme, problem.curves, strict=True)):
        effect[c] = curve.effect(spend[p])
        concave_programmes = _is_concave_step(spend[p], curvature_intervals[c])
        above[c] = (
            0.0
            if curve.form == "points"
            else _chord_errors(spend[p], effect[c], concave_programmes)
        )
        same = (
            np.diff(np.searchsorted([end for _, end, _ in curvature_intervals[c]], spend[p][1:]))
            == 0
        )
        same_curvature[p] &= np.concatenate([[False], same])
    near = 1e-9 * np.maximum(1.0, high)
    at = spend[None, :, :]
    allowed = (at >= lower[:, :, None] - near[:, None]) & (at <= upper[:, :, None] + near[:, None])
    allowed[:, :, 1:] &= np.diff(spend, axis=1)[None] > 0
    return SpendGrid(spend, effect, above, same_curvature, allowed, geometric_grids)


def _without_duplicates(points: Floats) -> Floats:
    """Rising, the first of those that are the same but for rounding."""
    found = np.unique(points)
    return found[np.diff(found, prepend=-np.inf) > SAME_SPEND_SHARE * np.ptp(found)]


def _is_concave_step(spend: Floats, curvature_intervals: list[tuple[float, float, bool]]) -> Bools:
    """(K - 1,) whether a step lies in a concave stretch."""
    ends = np.array([end for _, end, _ in curvature_intervals[:-1]])
    kind = np.array([concave for _, _, concave in curvature_intervals])
    middle = (spend[1:] + spend[:-1]) / 2
    return kind[np.searchsorted(ends, middle)]


def _chord_errors(spend: Floats, effect: Floats, concave: Bools) -> Floats:
    """(K - 1,) the most by which a curve lies above its chord over each step."""
    step = np.diff(spend)
    slope = np.diff(effect) / np.where(step > 0, step, 1.0)
    known = concave & (step > 0)
    before = np.where(np.append(False, known[:-1]), np.append(0.0, slope[:-1]), np.inf)
    after = np.where(np.append(known[1:], False), np.append(slope[1:], 0.0), 0.0)
    up, down = np.maximum(before - slope, 0.0), np.maximum(slope - after, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        most = np.where(np.isinf(up), down * step, up * down * step / np.maximum(up + down, 1e-300))
    return np.where(known, most, 0.0)


@dataclass(frozen=True)
class ConvexCombination:
    """The points that a model may mix: year, programme and grid position of each, sorted.

    ``cluster`` numbers the group of each point, of which one is chosen (an integer), -1 where a
    programme's points of a year are one group. ``anchor`` is the grid position of the point of
    whose tangents a point may not lie above, -1 where it counts as it is: around an anchor a
    convex curve is replaced by its tangent, so that a mixture never overestimates. ``paths`` are
    mixed for the programmes that have no points.
    """

    grid: SpendGrid
    year: Ints
    programme: Ints
    grid_index: Ints
    cluster: Ints
    anchor: Ints
    paths: Paths

    @classmethod
    def from_points(cls, grid: SpendGrid, inside: Bools, paths: Paths) -> ConvexCombination:
        """Of the points ``inside`` (T, P, K), each programme's of a year one group, and paths."""
        year, programme, at = np.nonzero(inside)
        free = np.full(len(at), -1)
        return cls(grid, year, programme, at, free, free, paths)

    @property
    def spend(self) -> Floats:
        return self.grid.spend[self.programme, self.grid_index]

    def effects(self, problem: BudgetProblem) -> tuple[Ints, Ints, Floats]:
        """For each point and curve of its programme: the point, the curve, the effect there."""
        point, c = curves_of_points(problem, self.programme)
        worth = self.grid.effect[c, self.grid_index[point]]
        held = np.flatnonzero(self.anchor[point] >= 0)
        keys, which = np.unique(
            np.stack([c[held], self.anchor[point[held]]]), axis=1, return_inverse=True
        )
        if len(held) == 0:
            return point, c, worth
        own = problem.curve_programme[keys[0]]
        there = self.grid.spend[own, keys[1]]
        pairs = zip(keys[0], there, strict=True)
        slope = np.array([problem.curves[k].slope(float(s)) for k, s in pairs])
        with np.errstate(invalid="ignore"):
            away = self.spend[point[held]] - there[which.ravel()]
            line = self.grid.effect[c[held], self.anchor[point[held]]]
            line = line + np.where(away == 0, 0.0, slope[which.ravel()] * away)
        worth[held] = np.fmin(worth[held], line)
        return point, c, worth


def effects_are_mixed(
    model: Model, problem: BudgetProblem, mixture: ConvexCombination, scale: Any
) -> None:
    """Spending and effects of a year are the same mixture of a programme's points, or paths."""
    programmes, decided = len(problem.programme_ids), len(problem.years)
    spend, effect, paths = model.columns["spend"], model.columns["effect"], mixture.paths
    points, many = len(mixture.grid_index), len(paths.programme)
    mix = model.add_columns("mix", size=points + many)
    block, row = np.unique(mixture.year * programmes + mixture.programme, return_inverse=True)
    owners, own = np.unique(paths.programme, return_inverse=True)
    ones = [
        (row, mix.at(np.arange(points)), 1.0),
        (len(block) + own, mix.at(points + np.arange(many)), 1.0),
    ]
    model.add_rows(
        "one_mix", rule="", size=len(block) + len(owners), terms=ones, lower=1.0, upper=1.0
    )
    years = np.arange(decided)
    block = np.append(block, (years[:, None] * programmes + owners).ravel())  # of mixed_spend
    at = (len(block) - decided * len(owners) + years[:, None] * len(owners) + own).ravel()
    path = mix.at(np.tile(points + np.arange(many), decided))
    terms: list[Any] = [
        (row, mix.at(np.arange(points)), mixture.spend / scale.money_gbp),
        (at, path, paths.spend.T.ravel() / scale.money_gbp),
        (np.arange(len(block)), spend.at(block), -1.0),
    ]
    model.add_rows("mixed_spend", rule="", size=len(block), terms=terms, lower=0.0, upper=0.0)
    which, year, c, worth = _effects(problem, mixture)
    worth = worth / scale.outcome[problem.curve_outcome[c]]
    at = year * len(problem.curves) + c
    terms = [(np.arange(effect.size), effect.all, 1.0), (at, mix.at(which), -worth)]
    model.add_rows("mixed", rule="", size=effect.size, terms=terms, upper=0.0)
    chosen_points = np.flatnonzero(mixture.cluster >= 0)
    if len(chosen_points) == 0:
        return
    clusters, own = np.unique(mixture.cluster[chosen_points], return_inverse=True)
    pairs, row = np.unique(
        own * decided + mixture.year[chosen_points], return_inverse=True
    )  # a cluster and a year of it
    chosen = model.add_columns("chosen", size=len(clusters), upper=1.0, integer=True)
    terms = [
        (row, mix.at(chosen_points), 1.0),
        (np.arange(len(pairs)), chosen.at(pairs // decided), -1.0),
    ]
    model.add_rows("one_of_mixes", rule="", size=len(pairs), terms=terms, lower=0.0, upper=0.0)


def _effects(problem: BudgetProblem, mixture: ConvexCombination) -> tuple[Ints, Ints, Ints, Floats]:
    """Of the points, then of the paths: column of ``mix``, year, curve, and the effect there."""
    point, c, worth = mixture.effects(problem)
    found = [(point, mixture.year[point], c, worth)]
    paths, decided = mixture.paths, len(problem.years)
    for own_c, p in enumerate(problem.curve_programme):
        own = np.flatnonzero(paths.programme == p)
        year = np.repeat(np.arange(decided), len(own))
        worth = problem.curves[own_c].effect(paths.spend[own].T.ravel())
        which = np.tile(len(mixture.grid_index) + own, decided)
        found.append((which, year, np.full(len(which), own_c), worth))
    which, year, c, worth = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return which, year, c, worth


def curves_of_points(problem: BudgetProblem, programme: Ints) -> tuple[Ints, Ints]:
    """For each point (by its ``programme``) and curve of it: the point's position, the curve."""
    order = np.argsort(problem.curve_programme, kind="stable")
    start = np.searchsorted(problem.curve_programme[order], programme)
    many = np.searchsorted(problem.curve_programme[order], programme, side="right") - start
    point = np.repeat(np.arange(len(programme)), many)
    within = np.arange(len(point)) - np.repeat(np.cumsum(many) - many, many)
    return point, order[np.repeat(start, many) + within]
