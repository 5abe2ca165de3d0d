"""Column generation for large budgets: a proven bound by pricing, and a plan near it.

The master program mixes a few grid points of each programme and year (``convex_combination``). Its
duals are the prices of a pound and of a unit of each effect. At those prices the best point of
every programme and year is found by searching its whole grid, and

    master's value + sum over t, p of (least reduced cost of any spend of p in t)

bounds every plan, S-shaped curves included. It is the Lagrangian bound, which is as good as the
convex hull of every programme. A programme with a pace limit is mixed from whole paths over the
years, and its least reduced cost is that of any path (``path_pricing``). This gives the hull of
what the pace allows, which is smaller than the pace of the hull. Because the duals of the master
oscillate, some between them and those of the best bound are priced too (dual smoothing). The best
points and paths join the master until value and bound meet.

With many programmes, few are mixed from points far apart: at most as many as there are rows that
link programmes (Shapley and Folkman). Only these need a choice, which a small integer program over
the neighbourhoods of their points makes (``rounding``). Its plan is then valued exactly.

Source: Aubin and Ekeland, Estimates of the duality gap in nonconvex optimization, Mathematics of
Operations Research 1 (1976); Wentges, Weighted Dantzig-Wolfe decomposition for linear mixed-integer
programming, International Transactions in Operational Research 4 (1997), for dual smoothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from placeopt.base.arrays import Bools, Floats, Ints
from placeopt.budget.model import formulation
from placeopt.budget.model.convex_combination import ConvexCombination, SpendGrid, spend_grid_of
from placeopt.budget.model.paths import (
    Paths,
    concave_programmes,
    geometric_grids_of,
    paths_within_pace,
)
from placeopt.budget.model.scale import scale_of
from placeopt.budget.problem.arrays import BudgetProblem
from placeopt.budget.search.parameters import DEFAULTS, ColumnGeneration, Parameters
from placeopt.budget.search.path_pricing import least_cost_paths
from placeopt.budget.search.rounding import Solve, round_to_plan, spend_from_result
from placeopt.engine import Arrays, Model, Result
from placeopt.engine.duality import dual_bound


@dataclass(frozen=True)
class Decomposition:
    """The result of column generation for one objective.

    Attributes:
        spend: (T, P) GBP a year, ``None`` without a plan.
        bound: The proven bound, in the model's unit.
        model: The last model solved.
        result: Its result.
    """

    spend: Floats | None
    bound: float
    model: Model | None = None
    result: Result | None = None


def uses_column_generation(problem: BudgetProblem, parameters: ColumnGeneration) -> bool:
    """Whether a problem is solved by column generation.

    It is where the problem is large, its effects add up, and no provider is paid by results.

    Args:
        problem: The budget problem.
        parameters: From which size it is used.
    """
    years = len(problem.horizon.years)
    effects_add_up = (
        len(problem.curves.groups) == 0 and not np.isfinite(problem.outcomes.potential).any()
    )
    if problem.relaxed_rule or not effects_add_up or len(problem.provider_terms.programme):
        return False
    not_concave = ~concave_programmes(problem)[problem.curves.programme]
    paced_curve_years = (
        not_concave[np.isin(problem.curves.programme, list(geometric_grids_of(problem)))].sum()
        * years
    )
    many_s_curves = (
        not_concave.sum() * years >= parameters.min_s_curve_years
        or paced_curve_years >= parameters.min_paced_curve_years
    )
    return bool(len(problem.curves.response) * years >= parameters.min_curve_years or many_s_curves)


def decompose(
    problem: BudgetProblem,
    name: str,
    limits: Mapping[str, float],
    gap: float,
    solve: Solve,
    parameters: Parameters = DEFAULTS,
) -> Decomposition:
    """Solve one objective by column generation.

    Args:
        problem: The budget problem.
        name: The objective.
        limits: Limits of earlier objectives, in their own units.
        gap: The requested relative gap.
        solve: Solves a model with a gap and a share of the remaining time.
        parameters: Of the searches.

    Returns:
        A plan and its bound; no plan where the master program has none.
    """
    chosen, grid = parameters.column_generation, spend_grid_of(problem)
    unpaced = _without_pace(problem, grid)
    points, paths = _initial_points(problem, grid), _initial_paths(problem, grid)
    bound, best_duals = -np.inf, np.zeros(0)  # the best bound, and the duals that prove it
    last: tuple[ConvexCombination, Model, Result] | None = None
    is_linear = False  # whether the mean of a convex combination is a plan
    for _ in range(chosen.max_rounds):
        mixture = ConvexCombination.from_points(grid, points, paths)
        model = formulation.formulate(unpaced, mixture, name, limits=limits)
        is_linear = not model.has_integers and bool(concave_programmes(problem).all())
        allowed_gap = 0.8 * gap if is_linear else gap / 5  # the remainder is for rounding to a plan
        model.relax()
        arrays = model.arrays()
        result = solve(model, 0.0, 0.5)
        master_duals = result.row_duals
        if not result.has_plan or master_duals is None or result.objective is None:
            break
        last = mixture, model, result
        if is_linear:  # the next points lie near those that are mixed now
            mix = result.value(model.columns["mix"])[: len(mixture.grid_index)]
            points[mixture.year, mixture.programme, mixture.grid_index] = mix > 1e-7
        size_before = points.sum() + len(paths.programme)
        smoothed = [
            (1 - s) * master_duals + s * best_duals
            for s in chosen.smoothing_weights
            if len(best_duals)
        ]
        for duals in (master_duals, *smoothed):
            lagrangian_bound, cost, responses = _best_responses(
                problem, grid, mixture, model, arrays, duals
            )
            if lagrangian_bound > bound:
                bound, best_duals = lagrangian_bound, duals
            _add_neighbours(points, grid, cost.argmin(axis=2), chosen.neighbour_steps)
            paths = paths.union(
                _neighbouring_paths(problem, grid, responses, chosen.neighbour_steps)
                if duals is master_duals
                else responses
            )
        is_close = result.objective - bound <= allowed_gap * abs(result.objective)
        if is_close or points.sum() + len(paths.programme) == size_before:
            break
    if last is None:
        return Decomposition(None, bound)
    mixture, model, result = last
    if is_linear:
        return Decomposition(spend_from_result(problem, model, result), bound, model, result)
    spend, near_model, near_result = round_to_plan(
        problem, *last, name, limits, gap, solve, parameters.rounding
    )
    return Decomposition(spend, bound, near_model or model, near_result or result)


def _initial_points(problem: BudgetProblem, grid: SpendGrid) -> Bools:
    """(T, P, K) the points mixed first: both ends, today, and a few between."""
    decided, programmes, size = grid.allowed.shape
    chosen = np.zeros_like(grid.allowed)
    first = grid.allowed.argmax(axis=2)
    last = size - 1 - grid.allowed[:, :, ::-1].argmax(axis=2)
    t, p = np.mgrid[:decided, :programmes]
    for share in np.linspace(0, 1, 9):
        chosen[t, p, (first + share * (last - first)).astype(int)] = True
    rows = zip(grid.spend, problem.programmes.base_spend, strict=True)
    today = np.array([np.searchsorted(row, before) for row, before in rows])
    chosen[t, p, np.clip(today, first, last)] = True
    is_mixed = np.isin(np.arange(programmes), problem.curves.programme)
    is_mixed &= ~np.isin(np.arange(programmes), list(grid.geometric_grids))
    return chosen & grid.allowed & is_mixed[None, :, None]


def _without_pace(problem: BudgetProblem, grid: SpendGrid) -> BudgetProblem:
    """The problem without the pace of programmes that are mixed from paths: each path keeps it."""
    cut, rise = problem.limits.pace_cut.copy(), problem.limits.pace_rise.copy()
    cut[list(grid.geometric_grids)] = rise[list(grid.geometric_grids)] = np.inf
    return replace(problem, limits=replace(problem.limits, pace_cut=cut, pace_rise=rise))


def _initial_paths(problem: BudgetProblem, grid: SpendGrid) -> Paths:
    """Paths that go to a few levels, today's among them, as fast as the pace allows."""
    p = np.array(list(grid.geometric_grids), int)
    low, high = problem.lower[:, p].min(axis=0), problem.limits.upper[:, p].max(axis=0)
    target_levels = [low + share * (high - low) for share in np.linspace(0, 1, 9)] + [
        problem.programmes.base_spend[p]
    ]
    targets = np.concatenate(target_levels)
    return paths_within_pace(
        problem,
        np.tile(p, len(target_levels)),
        np.tile(targets[:, None], len(problem.horizon.years)),
    )


def _neighbouring_paths(
    problem: BudgetProblem, grid: SpendGrid, best: Paths, neighbour_steps: tuple[int, ...]
) -> Paths:
    """The best paths, and some a few grid steps above and below them."""
    step = np.array([grid.geometric_grids[int(p)].step for p in best.programme])
    targets = [best.spend * np.exp(steps * step)[:, None] for steps in neighbour_steps]
    return paths_within_pace(
        problem, np.tile(best.programme, len(neighbour_steps)), np.concatenate(targets)
    )


def _best_responses(
    problem: BudgetProblem,
    grid: SpendGrid,
    mixture: ConvexCombination,
    model: Model,
    arrays: Arrays,
    prices: Floats,
) -> tuple[float, Floats, Paths]:
    """Price every grid point and path at the given duals.

    Returns:
        The bound that the duals prove, the reduced cost of every point (T, P, K), and the paths of
        least reduced cost.
    """
    scale = scale_of(problem)
    decided, programmes = len(problem.horizon.years), len(problem.programmes.ids)
    blocks = np.unique(mixture.year * programmes + mixture.programme)
    paced = np.unique(mixture.paths.programme)
    spend_dual = np.zeros(decided * programmes)
    mixed_blocks = np.append(blocks, (np.arange(decided)[:, None] * programmes + paced).ravel())
    spend_dual[mixed_blocks] = prices[model.rows["mixed_spend"].all] / scale.money_gbp
    effect_dual = prices[model.rows["mixed"].all].reshape(decided, -1)
    # at least 0: value of one unit
    effect_dual = -effect_dual / scale.outcome[problem.curves.outcome]
    # reduced cost of a point: -spend_dual x spend - value of its effects
    cost = -(spend_dual.reshape(decided, programmes)[:, :, None] * grid.spend[None])
    chord_error = np.zeros((decided, programmes, grid.spend.shape[1] - 1))
    for c, p in enumerate(problem.curves.programme):
        effect_value = np.maximum(0.0, effect_dual[:, c])[:, None]
        cost[:, p] -= effect_value * grid.effect[c]
        chord_error[:, p] += effect_value * grid.chord_error[c]
    cost = np.where(grid.allowed, cost, np.inf)
    step_cost = np.minimum(cost[:, :, 1:], cost[:, :, :-1]) - chord_error
    allowed_steps = grid.allowed[:, :, 1:] & grid.allowed[:, :, :-1]
    step_cost = np.where(allowed_steps, step_cost, np.inf)
    min_cost, paths = (
        np.minimum(step_cost.min(axis=2), cost.min(axis=2)).ravel()[blocks],
        mixture.paths,
    )
    if len(paced):
        geometric_grids = {int(p): grid.geometric_grids[int(p)] for p in paced}
        path_cost, best = least_cost_paths(
            geometric_grids, grid.spend[paced], cost[:, paced], step_cost[:, paced]
        )
        min_cost, paths = np.append(min_cost, path_cost), paths_within_pace(problem, paced, best)
    bound_duals = prices.copy()
    bound_duals[model.rows["one_mix"].all] = min_cost  # no combination of any spends costs less
    return dual_bound(arrays, bound_duals), cost, paths


def _add_neighbours(
    points: Bools, grid: SpendGrid, best: Ints, neighbour_steps: tuple[int, ...]
) -> None:
    """Add the best points and their neighbours to those that may be mixed, in place."""
    decided, programmes, size = points.shape
    t, p = np.mgrid[:decided, :programmes]
    is_mixed = points.any(axis=2)
    for step in neighbour_steps:
        index = np.clip(best + step, 0, size - 1)
        points[t, p, index] |= grid.allowed[t, p, index] & is_mixed
