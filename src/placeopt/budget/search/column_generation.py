"""Large budgets: a proven bound from each programme's best response, and a plan near it.

The master program mixes a few points of each programme and year (``mixtures``). Its prices say
what a pound and a unit of each effect are worth; at those prices every programme's best point of
a year is found by looking at its whole grid, and

    master's value + sum over t, p of (least reduced cost of any spend of p in t)

bounds what any plan can reach, S-shaped curves and all: it is the Lagrangian bound, which is as
good as the hull of every programme. A programme that may change only so fast is mixed from whole
paths over the years, and its least is that of any path (``paths``): the hull of what its pace
allows, which is less than the pace of the hull. As the master's prices swing, some between them
and those of the best bound are asked too. The best points and paths join the master until value
and bound meet.
With many programmes few of them are mixed from points that are far apart (at most as many as
there are rows that link programmes, Shapley and Folkman); only those become a choice, of the
``neighbourhoods`` of their points, in a small integer program whose plan is then valued exactly.
Source: Aubin and Ekeland, Estimates of the duality gap in nonconvex optimization, Mathematics of
Operations Research 1 (1976); Wentges, Weighted Dantzig-Wolfe decomposition for linear mixed-integer
programming, International Transactions in Operational Research 4 (1997), for prices in between.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from placeopt.budget.model import formulation
from placeopt.budget.model.convex_combination import ConvexCombination, SpendGrid, spend_grid_of
from placeopt.budget.problem.arrays import BudgetProblem, Floats, Ints
from placeopt.budget.search.path_pricing import (
    Paths,
    concave_programmes,
    geometric_grids_of,
    least_cost_paths,
    paths_within_pace,
)
from placeopt.budget.search.rounding import Solve, round_to_plan, spend_from_result
from placeopt.engine import Arrays, Model, Result
from placeopt.engine.duality import dual_bound

MIN_CURVE_YEARS = 250  # curves x years from which a problem is decomposed
MIN_S_CURVE_YEARS = 60  # S-shaped curves x years from which it is, too
MIN_PACED_CURVE_YEARS = (
    36  # the same where a pace links the years, which whole paths hold far more tightly
)
MAX_ROUNDS = 40
SMOOTHING_WEIGHTS = (
    0.3,
    0.6,
)  # shares of the best bound's prices in others that are tried beside the last
NEIGHBOUR_STEPS = (-9, -3, -1, 0, 1, 3, 9)  # grid points that join beside a best one


@dataclass(frozen=True)
class Decomposition:
    """A plan's spend (T, P) or ``None``, the bound in model units, and the last model solved."""

    spend: Floats | None
    bound: float
    model: Model | None = None
    result: Result | None = None


def uses_column_generation(problem: BudgetProblem) -> bool:
    """Whether a problem is decomposed: its size says so, its effects add up, and nobody
    is paid by results."""
    years = len(problem.years)
    adds_up = len(problem.groups) == 0 and not np.isfinite(problem.potential).any()
    if problem.relaxed_rule or not adds_up or len(problem.provider_terms.programme):
        return False
    bends_up = ~concave_programmes(problem)[problem.curve_programme]
    paced = (
        bends_up[np.isin(problem.curve_programme, list(geometric_grids_of(problem)))].sum() * years
    )
    many = bends_up.sum() * years >= MIN_S_CURVE_YEARS or paced >= MIN_PACED_CURVE_YEARS
    return bool(len(problem.curves) * years >= MIN_CURVE_YEARS or many)


def decompose(
    problem: BudgetProblem, name: str, limits: dict[str, float], gap: float, solve: Solve
) -> Decomposition:
    """A plan of one objective and its bound; nothing where the master has no plan."""
    grid = spend_grid_of(problem)
    free = _without_pace(problem, grid)
    inside, paths = _initial_points(problem, grid), _initial_paths(problem, grid)
    bound, centre = -np.inf, np.zeros(0)  # the best bound, and the prices that prove it
    last: tuple[ConvexCombination, Model, Result] | None = None
    linear = False  # whether the mean of a mixture is a plan
    for _ in range(MAX_ROUNDS):
        mixture = ConvexCombination.from_points(grid, inside, paths)
        model = formulation.formulate(free, mixture, name, limits=limits)
        chooses = any(part.any() for part in model._integer)
        linear = not chooses and bool(concave_programmes(problem).all())
        enough = 0.8 * gap if linear else gap / 5  # the rest is left for choosing whole plans
        model, arrays = _without_integers(model)
        result = solve(model, 0.0, 0.5)
        prices = result.row_prices
        if not result.has_plan or prices is None or result.objective is None:
            break
        last = mixture, model, result
        if linear:  # the next points lie near those that are mixed now
            mix = result.value(model.columns["mix"])[: len(mixture.grid_index)]
            inside[mixture.year, mixture.programme, mixture.grid_index] = mix > 1e-7
        known = inside.sum() + len(paths.programme)
        between = [(1 - s) * prices + s * centre for s in SMOOTHING_WEIGHTS if len(centre)]
        for asked in (prices, *between):
            proven, cost, best = _best_responses(problem, grid, mixture, model, arrays, asked)
            if proven > bound:
                bound, centre = proven, asked
            _add_neighbours(inside, grid, cost.argmin(axis=2))
            paths = paths.union(
                _neighbouring_paths(problem, grid, best) if asked is prices else best
            )
        close = result.objective - bound <= enough * abs(result.objective)
        if close or inside.sum() + len(paths.programme) == known:
            break
    if last is None:
        return Decomposition(None, bound)
    mixture, model, result = last
    if linear:
        return Decomposition(spend_from_result(problem, model, result), bound, model, result)
    spend, near, answer = round_to_plan(problem, *last, name, limits, gap, solve)
    return Decomposition(spend, bound, near or model, answer or result)


def _initial_points(problem: BudgetProblem, grid: SpendGrid):
    """(T, P, K) both ends, today, and a few points between."""
    decided, programmes, size = grid.allowed.shape
    chosen = np.zeros_like(grid.allowed)
    first = grid.allowed.argmax(axis=2)
    last = size - 1 - grid.allowed[:, :, ::-1].argmax(axis=2)
    t, p = np.mgrid[:decided, :programmes]
    for share in np.linspace(0, 1, 9):
        chosen[t, p, (first + share * (last - first)).astype(int)] = True
    pairs = zip(grid.spend, problem.base_spend, strict=True)
    today = np.array([np.searchsorted(row, before) for row, before in pairs])
    chosen[t, p, np.clip(today, first, last)] = True
    has = np.isin(np.arange(programmes), problem.curve_programme)
    has &= ~np.isin(np.arange(programmes), list(grid.geometric_grids))
    return chosen & grid.allowed & has[None, :, None]


def _without_pace(problem: BudgetProblem, grid: SpendGrid) -> BudgetProblem:
    """The problem without the pace of those whose paths are mixed: each path keeps it."""
    cut, rise = problem.pace_cut.copy(), problem.pace_rise.copy()
    cut[list(grid.geometric_grids)] = rise[list(grid.geometric_grids)] = np.inf
    return replace(problem, pace_cut=cut, pace_rise=rise)


def _initial_paths(problem: BudgetProblem, grid: SpendGrid) -> Paths:
    """As fast as the pace lets them go to a few levels, today's among them."""
    p = np.array(list(grid.geometric_grids), int)
    low, high = problem.lower[:, p].min(axis=0), problem.upper[:, p].max(axis=0)
    levels = [low + share * (high - low) for share in np.linspace(0, 1, 9)] + [
        problem.base_spend[p]
    ]
    wanted = np.concatenate(levels)
    return paths_within_pace(
        problem, np.tile(p, len(levels)), np.tile(wanted[:, None], len(problem.years))
    )


def _neighbouring_paths(problem: BudgetProblem, grid: SpendGrid, best: Paths) -> Paths:
    """The best paths, and some a few rungs above and below them."""
    step = np.array([grid.geometric_grids[int(p)].step for p in best.programme])
    wanted = [best.spend * np.exp(rungs * step)[:, None] for rungs in NEIGHBOUR_STEPS]
    return paths_within_pace(
        problem, np.tile(best.programme, len(NEIGHBOUR_STEPS)), np.concatenate(wanted)
    )


def _best_responses(
    problem: BudgetProblem,
    grid: SpendGrid,
    mixture: ConvexCombination,
    model: Model,
    arrays: Arrays,
    prices: Floats,
) -> tuple[float, Floats, Paths]:
    """What these prices prove, every point's reduced cost (T, P, K), and the paths of least
    reduced cost."""
    scale = formulation.scale_of(problem)
    decided, programmes = len(problem.years), len(problem.programme_ids)
    block = np.unique(mixture.year * programmes + mixture.programme)
    paced = np.unique(mixture.paths.programme)
    pound = np.zeros(decided * programmes)
    mixed = np.append(block, (np.arange(decided)[:, None] * programmes + paced).ravel())
    pound[mixed] = prices[model.rows["mixed_spend"].all] / scale.money_gbp
    unit = prices[model.rows["mixed"].all].reshape(decided, -1)
    unit = -unit / scale.outcome[problem.curve_outcome]  # at least 0: worth of one unit
    # reduced cost of a point: -pound x spend - worth of its effects
    cost = -(pound.reshape(decided, programmes)[:, :, None] * grid.spend[None])
    slip = np.zeros((decided, programmes, grid.spend.shape[1] - 1))
    for c, p in enumerate(problem.curve_programme):
        worth = np.maximum(0.0, unit[:, c])[:, None]
        cost[:, p] -= worth * grid.effect[c]
        slip[:, p] += worth * grid.chord_error[c]
    cost = np.where(grid.allowed, cost, np.inf)
    step = np.minimum(cost[:, :, 1:], cost[:, :, :-1]) - slip
    both = grid.allowed[:, :, 1:] & grid.allowed[:, :, :-1]
    step = np.where(both, step, np.inf)
    least, paths = np.minimum(step.min(axis=2), cost.min(axis=2)).ravel()[block], mixture.paths
    if len(paced):
        geometric_grids = {int(p): grid.geometric_grids[int(p)] for p in paced}
        of_paths, best = least_cost_paths(
            geometric_grids, grid.spend[paced], cost[:, paced], step[:, paced]
        )
        least, paths = np.append(least, of_paths), paths_within_pace(problem, paced, best)
    proving = prices.copy()
    proving[model.rows["one_mix"].all] = least  # no mixture, of whatever spends, costs less
    return dual_bound(arrays, proving), cost, paths


def _add_neighbours(inside, grid: SpendGrid, best: Ints) -> None:
    """The best points and their neighbours may be mixed from now on."""
    decided, programmes, size = inside.shape
    t, p = np.mgrid[:decided, :programmes]
    used = inside.any(axis=2)
    for step in NEIGHBOUR_STEPS:
        at = np.clip(best + step, 0, size - 1)
        inside[t, p, at] |= grid.allowed[t, p, at] & used


def _without_integers(model: Model) -> tuple[Model, Arrays]:
    model._integer = [np.zeros_like(part) for part in model._integer]
    return model, model.arrays()
