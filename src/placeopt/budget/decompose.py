"""Large budgets: a proven bound from each programme's best response, and a plan near it.

The master program mixes a few points of each programme and year (``mixtures``). Its prices say
what a pound and a unit of each effect are worth; at those prices every programme's best point of
a year is found by looking at its whole grid, and

    master's value + sum over t, p of (least reduced cost of any spend of p in t)

bounds what any plan can reach, S-shaped curves and all: it is the Lagrangian bound, which is as
good as the hull of every programme. The best points join the master until value and bound meet.
With many programmes few of them are mixed from points that are far apart (at most as many as
there are rows that link programmes, Shapley and Folkman); only those become a choice, of the
neighbourhoods of their points, in a small integer program whose plan is then valued exactly.
Source: Aubin and Ekeland, Estimates of the duality gap in nonconvex optimization, Mathematics of
Operations Research 1 (1976).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from placeopt.budget import formulate as equations
from placeopt.budget.arrays import BudgetProblem, Floats, Ints
from placeopt.budget.mixtures import Grid, Mixture, grid_of
from placeopt.engine import Model, Result

LARGE = 250  # curves x years from which a problem is decomposed
ROUNDS = 40
NEIGHBOURS = (-9, -3, -1, 0, 1, 3, 9)  # grid points that join beside a best one


@dataclass(frozen=True)
class Found:
    """A plan's spend (T, P) or ``None``, the bound in model units, and the last model solved."""

    spend: Floats | None
    bound: float
    model: Model | None = None
    result: Result | None = None


Solve = Callable[[Model, float, float], Result]  # model, gap, share of the time left


def is_large(problem: BudgetProblem) -> bool:
    """Whether a problem is decomposed: its size says so and its effects add up."""
    large = len(problem.curves) * len(problem.years) >= LARGE
    adds_up = len(problem.groups) == 0 and not np.isfinite(problem.whole).any()
    return large and not problem.relax and adds_up


def decompose(
    problem: BudgetProblem, name: str, limits: dict[str, float], gap: float, solve: Solve
) -> Found:
    """A plan of one objective and its bound; nothing where the master has no plan."""
    grid = grid_of(problem)
    inside = _first_points(problem, grid)
    bound, mix = -np.inf, np.zeros(0)
    mixture = _mixture(grid, inside)
    result, model, chooses = None, None, False
    for _ in range(ROUNDS):
        mixture = _mixture(grid, inside)
        model = equations.formulate(problem, mixture, name, limits=limits)
        chooses = any(part.any() for part in model._integer)
        model = _without_integers(model)
        result = solve(model, 0.0, 1.0)
        if not result.has_plan or result.row_prices is None or result.objective is None:
            return Found(None, bound)
        worth, cost = _best_responses(problem, grid, mixture, model, result)
        bound = max(bound, result.objective + worth)
        mix = result.value(model.columns["mix"])
        if result.objective - bound <= gap / 4 * abs(result.objective):
            break
        known = inside.sum()
        _join(inside, grid, cost.argmin(axis=2))
        if inside.sum() == known:
            break
    assert model is not None
    assert result is not None
    mean = spend_of(problem, model, result)
    if not chooses and all(_is_concave(problem, p) for p in range(len(problem.programme_ids))):
        return Found(mean, bound, model, result)
    spend, last, answer = _plan(problem, grid, mixture, mix, mean, name, limits, gap, solve)
    if last is None:
        last, answer = model, result
    return Found(spend, bound, last, answer)


def _is_concave(problem: BudgetProblem, p: int) -> bool:
    """Whether all curves of a programme are, over all that it may get."""
    low, high = float(problem.lower[:, p].min()), float(problem.upper[:, p].max())
    own = np.flatnonzero(problem.curve_programme == p)
    return all(problem.curves[c].is_concave(low, high) for c in own)


def _first_points(problem: BudgetProblem, grid: Grid):
    """(T, P, K) both ends, today, and a few points between."""
    decided, programmes, size = grid.allowed.shape
    chosen = np.zeros_like(grid.allowed)
    first = grid.allowed.argmax(axis=2)
    last = size - 1 - grid.allowed[:, :, ::-1].argmax(axis=2)
    t, p = np.mgrid[:decided, :programmes]
    for share in np.linspace(0, 1, 9):
        chosen[t, p, (first + share * (last - first)).astype(int)] = True
    pairs = zip(grid.spend, problem.before, strict=True)
    today = np.array([np.searchsorted(row, before) for row, before in pairs])
    chosen[t, p, np.clip(today, first, last)] = True
    has = np.isin(np.arange(programmes), problem.curve_programme)
    return chosen & grid.allowed & has[None, :, None]


def _mixture(grid: Grid, inside) -> Mixture:
    year, programme, at = np.nonzero(inside)
    free = np.full(len(at), -1)
    return Mixture(grid, year, programme, at, free, free)


def _best_responses(
    problem: BudgetProblem, grid: Grid, mixture: Mixture, model: Model, result: Result
) -> tuple[float, Floats]:
    """The sum of least reduced costs (at most 0), and every point's reduced cost (T, P, K)."""
    assert result.row_prices is not None
    scale = equations.scale_of(problem)
    prices = result.row_prices
    decided, programmes = len(problem.years), len(problem.programme_ids)
    block = np.unique(mixture.year * programmes + mixture.programme)
    pound, one = np.zeros(decided * programmes), np.zeros(decided * programmes)
    pound[block] = prices[model.rows["mixed_spend"].all] / scale.money_gbp
    one[block] = prices[model.rows["one_mix"].all]
    unit = prices[model.rows["mixed"].all].reshape(decided, -1)
    unit = -unit / scale.outcome[problem.curve_outcome]  # at least 0: worth of one unit
    # reduced cost of a point: -(pound x spend + one) - worth of its effects
    cost = -(pound.reshape(decided, programmes)[:, :, None] * grid.spend[None])
    cost -= one.reshape(decided, programmes)[:, :, None]
    slip = np.zeros((decided, programmes, grid.spend.shape[1] - 1))
    for c, p in enumerate(problem.curve_programme):
        worth = np.maximum(0.0, unit[:, c])[:, None]
        cost[:, p] -= worth * grid.effect[c]
        slip[:, p] += worth * grid.above[c]
    cost = np.where(grid.allowed, cost, np.inf)
    step = np.minimum(cost[:, :, 1:], cost[:, :, :-1]) - slip
    both = grid.allowed[:, :, 1:] & grid.allowed[:, :, :-1]
    step = np.where(both, step, np.inf)
    least = np.minimum(step.min(axis=2), cost.min(axis=2))
    owned = np.zeros(decided * programmes, bool)
    owned[block] = True
    least = np.where(owned.reshape(decided, programmes), least, 0.0)
    return float(np.minimum(least, 0.0).sum()), cost


def _join(inside, grid: Grid, best: Ints) -> None:
    """The best points and their neighbours may be mixed from now on."""
    decided, programmes, size = inside.shape
    t, p = np.mgrid[:decided, :programmes]
    used = inside.any(axis=2)
    for step in NEIGHBOURS:
        at = np.clip(best + step, 0, size - 1)
        inside[t, p, at] |= grid.allowed[t, p, at] & used


def _without_integers(model: Model) -> Model:
    model._integer = [np.zeros_like(part) for part in model._integer]
    return model


def _plan(
    problem: BudgetProblem,
    grid: Grid,
    mixture: Mixture,
    mix: Floats,
    mean_spend: Floats,
    name: str,
    limits: dict[str, float],
    gap: float,
    solve: Solve,
) -> tuple[Floats | None, Model | None, Result | None]:
    """A plan near the mixture: programmes mixed from points far apart choose among them; then
    each plan's own neighbourhood is searched for a better one."""
    used = np.flatnonzero(mix > 1e-7)
    mixed = mixture.year[used], mixture.programme[used], mixture.at[used]
    mean = _nearest(grid, mean_spend, mixture)  # it keeps every rule but, maybe, the standards
    points = tuple(np.append(*pair) for pair in zip(mixed, mean, strict=True))
    found: tuple[Floats | None, Model | None, Result | None] = None, None, None
    value = np.inf
    for _ in range(POLISHED):
        chosen = _neighbourhoods(grid, *points)
        model = equations.formulate(problem, chosen, name, limits=limits)
        result = solve(model, gap / 4, 0.6)
        if not result.has_plan or result.objective is None:
            break
        better = value - result.objective
        if better > 0:
            value, found = result.objective, (spend_of(problem, model, result), model, result)
        if better <= gap / 20 * abs(value) or found[0] is None:
            break
        points = _nearest(grid, found[0], mixture)
    return found


POLISHED = 5  # models solved at most to better a plan


def spend_of(problem: BudgetProblem, model: Model, result: Result) -> Floats:
    """(T, P) GBP; a programme that is not bought gets nothing, a bought one its least."""
    money = equations.scale_of(problem).money_gbp
    spend = result.value(model.columns["spend"]).reshape(problem.upper.shape) * money
    spend = np.clip(spend, 0.0, problem.upper)
    if "on" in model.columns:
        chosen = np.flatnonzero(problem.must_choose)
        on = result.value(model.columns["on"]).reshape(len(spend), -1) > 0.5
        least = np.maximum(spend[:, chosen], problem.least[chosen])
        spend[:, chosen] = np.where(on, least, 0.0)
    return spend


def _neighbourhoods(grid: Grid, year: Ints, programme: Ints, at: Ints) -> Mixture:
    """Around every one of these points, grid points between which no curve turns.

    Concave curves are mixed as they are, convex ones replaced by the tangent at the point: both
    underestimate, so the plan holds. Points of a programme that are close together share one.
    """
    programmes = grid.spend.shape[0]
    order = np.lexsort((at, programme, year))
    year, programme, at = year[order], programme[order], at[order]
    block = year * programmes + programme
    parts = []
    for n in range(len(order)):
        t, p, k = int(year[n]), int(programme[n]), int(at[n])
        again = n > 0 and block[n] == block[n - 1] and at[n] - at[n - 1] <= TOUCHING
        if again and _one_stretch(grid, p, int(at[n - 1]), k):
            continue  # the neighbourhood of the point before holds this one
        points = _around(grid, t, p, k)
        same = np.ones(len(points), int)
        parts.append(np.stack([t * same, p * same, points, n * same, k * same]))
    years, owners, points, label, anchor = np.concatenate(parts, axis=1)
    groups = np.unique(np.stack([years * programmes + owners, label]), axis=1)[0]
    single = np.flatnonzero(np.bincount(groups) == 1)
    alone = np.isin(years * programmes + owners, single)
    return Mixture(grid, years, owners, points, np.where(alone, -1, label), anchor)


def _nearest(grid: Grid, spend: Floats, mixture: Mixture) -> tuple[Ints, Ints, Ints]:
    """The grid points nearest to ``spend`` (T, P), of the programmes that are mixed."""
    programmes = spend.shape[1]
    block = np.unique(mixture.year * programmes + mixture.programme)
    year, programme = block // programmes, block % programmes
    away = np.abs(grid.spend[programme] - spend[year, programme][:, None])
    away = np.where(grid.allowed[year, programme], away, np.inf)
    return year, programme, away.argmin(axis=1)


TOUCHING = 9  # grid points between two mixed ones that are one neighbourhood
AROUND = (0, 1, 2, 4, 8, 16, 32)  # grid points to each side that a plan may use


def _one_stretch(grid: Grid, p: int, a: int, b: int) -> bool:
    """Whether no curve turns between grid points ``a`` and ``b``."""
    return bool(grid.joined[p, a + 1 : b].all())


def _around(grid: Grid, t: int, p: int, k: int) -> Ints:
    """Grid points about ``k``, on the side of it where there is room before a curve turns."""
    size = grid.spend.shape[1]
    found = [k]
    up = [k + d for d in AROUND[1:] if k + d < size and grid.allowed[t, p, k + d]]
    up = [b for b in up if _one_stretch(grid, p, k, b)]
    down = [k - d for d in AROUND[1:] if k - d >= 0 and grid.allowed[t, p, k - d]]
    down = [a for a in down if _one_stretch(grid, p, a, k)]
    turns = 0 < k < size - 1 and not grid.joined[p, k]
    found += up if turns else [*up, *down]
    return np.array(sorted(found))
