"""Round a convex combination of grid points to a plan.

Where a programme is mixed from points far apart, one of them must be chosen. Around every mixed
point (or path) lies a neighbourhood: grid points between which no curve changes curvature. Concave
curves are mixed there as they are; convex ones are replaced by their tangent, so the model never
overestimates a plan. An integer program chooses one neighbourhood for each programme and year, or
for each whole path. The neighbourhoods of that plan are then searched for a better one. If no
choice meets the standards, the spending that misses them by least is found first, moving from one
neighbourhood to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from placeopt.base.arrays import Floats, Ints
from placeopt.budget.model import formulation
from placeopt.budget.model.convex_combination import ConvexCombination, SpendGrid
from placeopt.budget.model.paths import Paths
from placeopt.budget.model.scale import scale_of
from placeopt.budget.problem.arrays import BudgetProblem
from placeopt.budget.search.parameters import Rounding
from placeopt.engine import Model, Result

Solve = Callable[[Model, float, float], Result]  # model, gap, share of the remaining time
Plan = tuple[Floats | None, Model | None, Result | None]  # spend (T, P), the model, its result


def round_to_plan(
    problem: BudgetProblem,
    mixture: ConvexCombination,
    model: Model,
    result: Result,
    name: str,
    limits: Mapping[str, float],
    gap: float,
    solve: Solve,
    parameters: Rounding,
) -> Plan:
    """Return the best plan found near a convex combination; ``None`` values where none was found.

    Args:
        problem: The budget problem.
        mixture: The points and paths that ``model`` may mix.
        model: The relaxed model that was solved.
        result: Its result.
        name: The objective.
        limits: Limits of earlier objectives, in their own units.
        gap: The requested relative gap.
        solve: Solves a model with a gap and a share of the remaining time.
        parameters: Of the rounding.

    Returns:
        Spend (T, P) in GBP a year, the model it comes from, and that model's result.
    """
    grid, mix = mixture.grid, result.value(model.columns["mix"])
    # may miss the standards
    mean_anchors = _anchors_near(grid, spend_from_result(problem, model, result), mixture)
    used_points = np.flatnonzero(mix[: len(mixture.grid_index)] > 1e-7)
    used_paths = np.flatnonzero(mix[len(mixture.grid_index) :] > 1e-7)
    points = (
        mixture.year[used_points],
        mixture.programme[used_points],
        mixture.grid_index[used_points],
    )
    paths = Paths(mixture.paths.programme[used_paths], mixture.paths.spend[used_paths])
    anchors = _make_anchors(grid, points, paths).union(mean_anchors)

    def solve_around(around: _Anchors, share: float) -> Plan:
        near_model = formulation.formulate(
            problem, _neighbourhood_combination(grid, around, parameters), name, limits=limits
        )
        near_result = solve(near_model, gap / 4, share)
        spend = (
            spend_from_result(problem, near_model, near_result) if near_result.has_plan else None
        )
        return spend, near_model, near_result

    best = solve_around(anchors, 0.6)
    if best[0] is None:
        repaired = _repair_standards(problem, grid, mixture, mean_anchors, solve, parameters)
        best = solve_around(repaired, 0.6)
    for _ in range(parameters.max_improvement_solves):
        if best[0] is None:
            return None, None, None
        candidate = solve_around(_anchors_near(grid, best[0], mixture), 0.6)
        if candidate[0] is None:
            break
        assert best[2] is not None
        assert candidate[2] is not None
        assert best[2].objective is not None
        assert candidate[2].objective is not None
        improvement = best[2].objective - candidate[2].objective
        if improvement > 0:
            best = candidate
        if improvement <= gap / 20 * abs(candidate[2].objective):
            break
    return best


def _repair_standards(
    problem: BudgetProblem,
    grid: SpendGrid,
    mixture: ConvexCombination,
    anchors: _Anchors,
    solve: Solve,
    parameters: Rounding,
) -> _Anchors:
    """Return anchors around which the standards are missed by least, moving step by step."""
    relaxed, least_breach = replace(problem, relaxed_rule="B4"), np.inf
    for _ in range(parameters.max_repair_solves):
        model = formulation.formulate(
            relaxed, _neighbourhood_combination(grid, anchors, parameters), ""
        )
        result = solve(model, 1e-3, 0.3)
        if (
            not result.has_plan
            or result.objective is None
            or result.objective >= least_breach * 0.999
        ):
            break
        least_breach = result.objective
        anchors = _anchors_near(grid, spend_from_result(problem, model, result), mixture)
        if least_breach <= 1e-9:
            break
    return anchors


def spend_from_result(problem: BudgetProblem, model: Model, result: Result) -> Floats:
    """Return the spending of a model's plan.

    Returns:
        (T, P) GBP a year. An optional programme that is not bought gets 0, one that
        is bought at least its minimum purchase.
    """
    money = scale_of(problem).money_gbp
    spend = result.value(model.columns["spend"]).reshape(problem.limits.upper.shape) * money
    spend = np.clip(spend, 0.0, problem.limits.upper)
    if "on" in model.columns:
        optional = np.flatnonzero(problem.purchases.is_optional)
        is_bought = result.value(model.columns["on"]).reshape(len(spend), -1) > 0.5
        min_spend = np.maximum(spend[:, optional], problem.purchases.min_spend[optional])
        is_past = problem.horizon.is_past[:, None]  # past years keep what was spent
        spend[:, optional] = np.where(
            is_past, spend[:, optional], np.where(is_bought, min_spend, 0.0)
        )
    return spend


@dataclass(frozen=True)
class _Anchors:
    """Grid points around which a plan is searched for.

    Points with the same ``label`` are chosen together, as those of a path, or not at all.
    """

    year: Ints
    programme: Ints
    grid_index: Ints
    label: Ints

    def union(self, other: _Anchors) -> _Anchors:
        """These anchors followed by the other ones, with separate labels."""
        label = other.label + self.label.max(initial=-1) + 1
        pairs = zip(
            (self.year, self.programme, self.grid_index, self.label),
            (other.year, other.programme, other.grid_index, label),
            strict=True,
        )
        return _Anchors(*(np.append(*pair) for pair in pairs))


def _make_anchors(grid: SpendGrid, points: tuple[Ints, Ints, Ints], paths: Paths) -> _Anchors:
    """Anchors of single points and of whole paths."""
    years, count = grid.allowed.shape[0], len(points[0])
    programme = np.repeat(paths.programme, years)
    year = np.tile(np.arange(years), len(paths.programme))
    grid_index = _nearest_points(grid, year, programme, paths.spend.ravel())
    label = np.append(np.arange(count), count + np.repeat(np.arange(len(paths.programme)), years))
    single, path = points, (year, programme, grid_index)
    year, programme, grid_index = (np.append(*pair) for pair in zip(single, path, strict=True))
    return _Anchors(year, programme, grid_index, label)


def _anchors_near(grid: SpendGrid, spend: Floats, mixture: ConvexCombination) -> _Anchors:
    """The grid points nearest to ``spend`` (T, P), for the programmes that are mixed."""
    programmes = spend.shape[1]
    blocks = np.unique(mixture.year * programmes + mixture.programme)
    year, programme = blocks // programmes, blocks % programmes
    grid_index = _nearest_points(grid, year, programme, spend[year, programme])
    paced_programmes = np.unique(mixture.paths.programme)
    return _make_anchors(
        grid, (year, programme, grid_index), Paths(paced_programmes, spend[:, paced_programmes].T)
    )


def _nearest_points(grid: SpendGrid, year: Ints, programme: Ints, spend: Floats) -> Ints:
    """The position of the allowed grid point nearest to each spend."""
    distance = np.abs(grid.spend[programme] - spend[:, None])
    nearest: Ints = np.where(grid.allowed[year, programme], distance, np.inf).argmin(axis=1)
    return nearest


def _neighbourhood_combination(
    grid: SpendGrid, anchors: _Anchors, parameters: Rounding
) -> ConvexCombination:
    """Grid points around every anchor between which no curve changes curvature.

    Concave curves are mixed as they are, convex ones are replaced by the tangent at the anchor.
    Both underestimate, so the plan holds. Anchors close together share a neighbourhood.
    """
    programmes, parts = grid.spend.shape[0], []
    for label in _distinct_labels(grid, anchors, parameters.merge_distance):
        for n in np.flatnonzero(anchors.label == label):
            t, p, k = (
                int(part[n]) for part in (anchors.year, anchors.programme, anchors.grid_index)
            )
            points = _points_around(grid, t, p, k, parameters.neighbour_distances)
            ones = np.ones(len(points), int)
            parts.append(np.stack([t * ones, p * ones, points, label * ones, k * ones]))
    years, programmes_of, points, label, anchor = np.concatenate(parts, axis=1)
    order = np.lexsort((points, label, programmes_of, years))
    years, programmes_of, points, label, anchor = (
        part[order] for part in (years, programmes_of, points, label, anchor)
    )
    groups = np.unique(np.stack([years * programmes + programmes_of, label]), axis=1)[0]
    single = np.flatnonzero(np.bincount(groups) == 1)
    is_single = np.isin(years * programmes + programmes_of, single)
    no_paths = Paths(np.zeros(0, int), np.zeros((0, grid.allowed.shape[0])))
    return ConvexCombination(
        grid, years, programmes_of, points, np.where(is_single, -1, label), anchor, no_paths
    )


def _distinct_labels(grid: SpendGrid, anchors: _Anchors, merge_distance: int) -> list[int]:
    """Labels of anchors no two of which lie close together in every year."""
    order = np.lexsort((anchors.year, anchors.label))
    starts = np.flatnonzero(np.diff(anchors.label[order], prepend=-1))
    kept_anchors: dict[tuple[int, int], list[tuple[int, Ints]]] = {}
    for members in np.split(order, starts[1:]):
        p, grid_index = int(anchors.programme[members[0]]), anchors.grid_index[members]
        others = kept_anchors.setdefault(
            (p, -1 if len(members) > 1 else int(anchors.year[members[0]])), []
        )
        if not any(
            _share_a_neighbourhood(grid, p, grid_index, other_index, merge_distance)
            for _, other_index in others
        ):
            others.append((int(anchors.label[members[0]]), grid_index))
    return [label for entries in kept_anchors.values() for label, _ in entries]


def _share_a_neighbourhood(
    grid: SpendGrid, p: int, first: Ints, second: Ints, merge_distance: int
) -> bool:
    """Whether two paths (or points) are a few grid points apart with one curvature between them."""
    pairs = [(min(a, b), max(a, b)) for a, b in zip(first, second, strict=True)]
    return all(b - a <= merge_distance and _has_same_curvature(grid, p, a, b) for a, b in pairs)


def _has_same_curvature(grid: SpendGrid, p: int, a: int, b: int) -> bool:
    """Whether no curve changes curvature between grid points ``a`` and ``b``."""
    return bool(grid.same_curvature[p, a + 1 : b].all())


def _points_around(grid: SpendGrid, t: int, p: int, k: int, distances: tuple[int, ...]) -> Ints:
    """Grid points around ``k`` up to where a curve changes curvature."""
    size = grid.spend.shape[1]
    points = [k]
    above = [k + d for d in distances[1:] if k + d < size and grid.allowed[t, p, k + d]]
    above = [b for b in above if _has_same_curvature(grid, p, k, b)]
    below = [k - d for d in distances[1:] if k - d >= 0 and grid.allowed[t, p, k - d]]
    below = [a for a in below if _has_same_curvature(grid, p, a, k)]
    is_turning_point = 0 < k < size - 1 and not grid.same_curvature[p, k]
    points += above if is_turning_point else [*above, *below]
    return np.array(sorted(points))
