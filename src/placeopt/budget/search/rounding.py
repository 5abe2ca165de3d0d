"""A plan near a mixture: programmes mixed from points far apart choose among them.

About every point (or path) that is mixed lies a neighbourhood, grid points between which no curve
turns. Concave curves are mixed there as they are, convex ones replaced by their tangent, so what
the model calls a plan is one. An integer program chooses a neighbourhood for each programme and
year, or for each whole path; then each plan's own neighbourhoods are searched for a better one.
Where none of them meets the standards, the spending that misses them by least is looked for
first, from one neighbourhood to the next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from placeopt.budget.model import formulation
from placeopt.budget.model.convex_combination import ConvexCombination, SpendGrid
from placeopt.budget.problem.arrays import BudgetProblem, Floats, Ints
from placeopt.budget.search.path_pricing import Paths
from placeopt.engine import Model, Result

MAX_IMPROVEMENT_SOLVES = 5  # models solved at most to better a plan
MAX_REPAIR_SOLVES = 8  # models solved at most to reach the standards
MERGE_DISTANCE = 9  # grid points between two mixed ones that are one neighbourhood
NEIGHBOUR_DISTANCES = (0, 1, 2, 4, 8, 16, 32)  # grid points to each side that a plan may use
Solve = Callable[[Model, float, float], Result]  # model, gap, share of the time left
Plan = tuple[Floats | None, Model | None, Result | None]  # spend (T, P), the model, its result


def round_to_plan(
    problem: BudgetProblem,
    mixture: ConvexCombination,
    model: Model,
    result: Result,
    name: str,
    limits: dict[str, float],
    gap: float,
    solve: Solve,
) -> Plan:
    """The best plan found near the mixture that ``result`` is of ``model``; none where none is."""
    grid, mix = mixture.grid, result.value(model.columns["mix"])
    mean = _anchors_near(
        grid, spend_from_result(problem, model, result), mixture
    )  # may miss the standards
    used = np.flatnonzero(mix[: len(mixture.grid_index)] > 1e-7)
    walked = np.flatnonzero(mix[len(mixture.grid_index) :] > 1e-7)
    points = mixture.year[used], mixture.programme[used], mixture.grid_index[used]
    paths = Paths(mixture.paths.programme[walked], mixture.paths.spend[walked])
    anchors = _make_anchors(grid, points, paths).union(mean)

    def solved(about: _Anchors, share: float) -> Plan:
        near = formulation.formulate(
            problem, _neighbourhood_combination(grid, about), name, limits=limits
        )
        answer = solve(near, gap / 4, share)
        spend = spend_from_result(problem, near, answer) if answer.has_plan else None
        return spend, near, answer

    found = solved(anchors, 0.6)
    if found[0] is None:
        found = solved(_repair_standards(problem, grid, mixture, mean, solve), 0.6)
    for _ in range(MAX_IMPROVEMENT_SOLVES):
        if found[0] is None:
            return None, None, None
        again = solved(_anchors_near(grid, found[0], mixture), 0.6)
        if again[0] is None:
            break
        assert found[2] is not None
        assert again[2] is not None
        assert found[2].objective is not None
        assert again[2].objective is not None
        better = found[2].objective - again[2].objective
        if better > 0:
            found = again
        if better <= gap / 20 * abs(again[2].objective):
            break
    return found


def _repair_standards(
    problem: BudgetProblem,
    grid: SpendGrid,
    mixture: ConvexCombination,
    anchors: _Anchors,
    solve: Solve,
) -> _Anchors:
    """Points about which the standards are missed by least, step by step from ``anchors``."""
    short, least = replace(problem, relaxed_rule="B4"), np.inf
    for _ in range(MAX_REPAIR_SOLVES):
        model = formulation.formulate(short, _neighbourhood_combination(grid, anchors), "")
        result = solve(model, 1e-3, 0.3)
        if not result.has_plan or result.objective is None or result.objective >= least * 0.999:
            break
        least = result.objective
        anchors = _anchors_near(grid, spend_from_result(problem, model, result), mixture)
        if least <= 1e-9:
            break
    return anchors


def spend_from_result(problem: BudgetProblem, model: Model, result: Result) -> Floats:
    """(T, P) GBP; a programme that is not bought gets nothing, a bought one its least."""
    money = formulation.scale_of(problem).money_gbp
    spend = result.value(model.columns["spend"]).reshape(problem.upper.shape) * money
    spend = np.clip(spend, 0.0, problem.upper)
    if "on" in model.columns:
        chosen = np.flatnonzero(problem.is_optional)
        on = result.value(model.columns["on"]).reshape(len(spend), -1) > 0.5
        least = np.maximum(spend[:, chosen], problem.min_purchase[chosen])
        past = problem.is_past[:, None]  # whatever was spent then
        spend[:, chosen] = np.where(past, spend[:, chosen], np.where(on, least, 0.0))
    return spend


@dataclass(frozen=True)
class _Anchors:
    """Points about which a plan is looked for: year, programme, grid position; points of one
    ``label`` are chosen together (a path's), or not at all."""

    year: Ints
    programme: Ints
    grid_index: Ints
    label: Ints

    def union(self, other: _Anchors) -> _Anchors:
        label = other.label + self.label.max(initial=-1) + 1
        pairs = zip(
            (self.year, self.programme, self.grid_index, self.label),
            (other.year, other.programme, other.grid_index, label),
            strict=True,
        )
        return _Anchors(*(np.append(*pair) for pair in pairs))


def _make_anchors(grid: SpendGrid, points: tuple[Ints, Ints, Ints], paths: Paths) -> _Anchors:
    """Single points, and the points of paths."""
    years, many = grid.allowed.shape[0], len(points[0])
    programme = np.repeat(paths.programme, years)
    year = np.tile(np.arange(years), len(paths.programme))
    at = _nearest_points(grid, year, programme, paths.spend.ravel())
    label = np.append(np.arange(many), many + np.repeat(np.arange(len(paths.programme)), years))
    single, path = points, (year, programme, at)
    year, programme, at = (np.append(*pair) for pair in zip(single, path, strict=True))
    return _Anchors(year, programme, at, label)


def _anchors_near(grid: SpendGrid, spend: Floats, mixture: ConvexCombination) -> _Anchors:
    """The grid points nearest to ``spend`` (T, P), of the programmes that are mixed."""
    programmes = spend.shape[1]
    block = np.unique(mixture.year * programmes + mixture.programme)
    year, programme = block // programmes, block % programmes
    at = _nearest_points(grid, year, programme, spend[year, programme])
    paced = np.unique(mixture.paths.programme)
    return _make_anchors(grid, (year, programme, at), Paths(paced, spend[:, paced].T))


def _nearest_points(grid: SpendGrid, year: Ints, programme: Ints, spend: Floats) -> Ints:
    away = np.abs(grid.spend[programme] - spend[:, None])
    return np.where(grid.allowed[year, programme], away, np.inf).argmin(axis=1)


def _neighbourhood_combination(grid: SpendGrid, anchors: _Anchors) -> ConvexCombination:
    """Around every one of these points, grid points between which no curve turns.

    Concave curves are mixed as they are, convex ones replaced by the tangent at the point: both
    underestimate, so the plan holds. What is close together shares a neighbourhood.
    """
    programmes, parts = grid.spend.shape[0], []
    for label in _distinct_labels(grid, anchors):
        for n in np.flatnonzero(anchors.label == label):
            t, p, k = (
                int(part[n]) for part in (anchors.year, anchors.programme, anchors.grid_index)
            )
            points = _points_around(grid, t, p, k)
            same = np.ones(len(points), int)
            parts.append(np.stack([t * same, p * same, points, label * same, k * same]))
    years, owners, points, label, anchor = np.concatenate(parts, axis=1)
    order = np.lexsort((points, label, owners, years))
    years, owners, points, label, anchor = (
        part[order] for part in (years, owners, points, label, anchor)
    )
    groups = np.unique(np.stack([years * programmes + owners, label]), axis=1)[0]
    single = np.flatnonzero(np.bincount(groups) == 1)
    alone = np.isin(years * programmes + owners, single)
    none = Paths(np.zeros(0, int), np.zeros((0, grid.allowed.shape[0])))
    return ConvexCombination(grid, years, owners, points, np.where(alone, -1, label), anchor, none)


def _distinct_labels(grid: SpendGrid, anchors: _Anchors) -> list[int]:
    """Labels of which no two lie close together in every year."""
    order = np.lexsort((anchors.year, anchors.label))
    starts = np.flatnonzero(np.diff(anchors.label[order], prepend=-1))
    kept: dict[tuple[int, int], list[tuple[int, Ints]]] = {}
    for own in np.split(order, starts[1:]):
        p, at = int(anchors.programme[own[0]]), anchors.grid_index[own]
        others = kept.setdefault((p, -1 if len(own) > 1 else int(anchors.year[own[0]])), [])
        if not any(_share_a_neighbourhood(grid, p, at, there) for _, there in others):
            others.append((int(anchors.label[own[0]]), at))
    return [label for found in kept.values() for label, _ in found]


def _share_a_neighbourhood(grid: SpendGrid, p: int, one: Ints, other: Ints) -> bool:
    """Whether two paths (or points) are a few grid points apart and no curve turns between."""
    pairs = [(min(a, b), max(a, b)) for a, b in zip(one, other, strict=True)]
    return all(b - a <= MERGE_DISTANCE and _has_same_curvature(grid, p, a, b) for a, b in pairs)


MERGE_DISTANCE = 9  # grid points between two mixed ones that are one neighbourhood
NEIGHBOUR_DISTANCES = (0, 1, 2, 4, 8, 16, 32)  # grid points to each side that a plan may use


def _has_same_curvature(grid: SpendGrid, p: int, a: int, b: int) -> bool:
    """Whether no curve turns between grid points ``a`` and ``b``."""
    return bool(grid.same_curvature[p, a + 1 : b].all())


def _points_around(grid: SpendGrid, t: int, p: int, k: int) -> Ints:
    """Grid points about ``k``, on the side of it where there is room before a curve turns."""
    size = grid.spend.shape[1]
    found = [k]
    up = [k + d for d in NEIGHBOUR_DISTANCES[1:] if k + d < size and grid.allowed[t, p, k + d]]
    up = [b for b in up if _has_same_curvature(grid, p, k, b)]
    down = [k - d for d in NEIGHBOUR_DISTANCES[1:] if k - d >= 0 and grid.allowed[t, p, k - d]]
    down = [a for a in down if _has_same_curvature(grid, p, a, k)]
    turns = 0 < k < size - 1 and not grid.same_curvature[p, k]
    found += up if turns else [*up, *down]
    return np.array(sorted(found))
