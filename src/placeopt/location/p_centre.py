"""p-centre on vertices: bisection over the distances, each step a covering question.

The best radius is one of the distances. "Do p sites cover everybody within r?" is a covering
problem; a greedy plan or local exchange says yes, the linear relaxation (rounded up) or the
integer-programming engine says no. A plan found lowers the upper end to its own radius.

Sources: Minieka (1970); Elloumi, Labbe and Pochet (2004), "A new formulation and resolution
method for the p-center problem", INFORMS Journal on Computing 16; Calik and Tansel (2013).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from placeopt.engine import Status, solve
from placeopt.location.covering import Cover, cover_model, reduce_cover
from placeopt.location.objective_values import objective_of
from placeopt.location.search_state import Report, SearchState
from placeopt.location.solution import Solution
from placeopt.location.statement import Problem

Ints = NDArray[np.int64]


def solve_centre(
    problem: Problem,
    *,
    time_limit_seconds: float,
    gap: float,
    seed: int,
    report: Report | None = None,
) -> Solution:
    """Solve a p-centre problem; see the module's text."""
    state = SearchState(time_limit_seconds=time_limit_seconds, gap=gap, report=report)
    p = int(problem.p or 0)
    table = problem.distances.dense()[problem.weights > 0][:, problem.free]
    must = np.flatnonzero(np.isin(problem.free, problem.opened_positions))
    if p < len(must):
        return Solution(problem, Status.INFEASIBLE, bound=np.inf, message="p is below the opened")
    ceiling = np.inf if problem.ceiling is None else problem.ceiling
    table = np.where(table <= ceiling, table, np.inf)
    if table.shape[0] == 0:
        table = np.zeros((1, table.shape[1]))
    radii = np.unique(table[np.isfinite(table)])
    low, high = _lowest(table, radii, p, must), len(radii)  # radii[low - 1] is too small
    _offer(state, table, _farthest_first(table, p, must, seed), problem)
    if np.isfinite(state.cost):
        high = int(np.searchsorted(radii, state.cost))
    if low < len(radii):
        state.raise_bound(float(radii[low]))
    while low < high and not state.is_out_of_time:
        middle = (low + high) // 2
        answer, sites = _covers(table <= radii[middle], p, must, state, seed)
        if answer is None:
            break
        if answer:
            _offer(state, table, sites, problem)
            high = min(middle, int(np.searchsorted(radii, state.cost)))
        else:
            low = middle + 1
            if low < len(radii):
                state.raise_bound(float(radii[low]))
    return _solution(problem, state, low, high, len(radii))


def _lowest(table, radii, p: int, must) -> int:
    """No radius below everybody's nearest site can do."""
    nearest = table.min(axis=1)
    if not np.isfinite(nearest).all():
        return len(radii)
    return int(np.searchsorted(radii, nearest.max()))


def _farthest_first(table, p: int, must: Ints, seed: int) -> Ints:
    """Serve the worst-off customer by its nearest site, again and again, from a few starts."""
    rng = np.random.default_rng(seed)
    best, best_cost = np.zeros(0, np.int64), np.inf
    for _ in range(20):
        sites = must.tolist() or [int(rng.integers(table.shape[1]))]
        far = table[:, sites].min(axis=1)
        while len(sites) < min(p, table.shape[1]):
            worst = int(far.argmax())
            reach = table[worst] <= max(far.max() / 2, table[worst].min())
            covered = (table[:, reach] <= max(far.max() / 2, table[worst].min())).sum(axis=0)
            site = int(np.flatnonzero(reach)[covered.argmax()])
            if site in sites:
                break
            sites.append(site)
            far = np.minimum(far, table[:, site])
        if far.max() < best_cost:
            best, best_cost = np.array(sites), float(far.max())
    return best


def _offer(state: SearchState, table, sites: Ints, problem: Problem) -> None:
    if len(sites) == 0:
        return
    cost = float(table[:, sites].min(axis=1).max())
    if np.isfinite(cost):
        plan = np.zeros(problem.sites, bool)
        plan[problem.free[sites]] = True
        state.offer(cost, plan)


def _covers(inside, p: int, must: Ints, state: SearchState, seed: int) -> tuple[bool | None, Ints]:
    """Whether p sites cover everybody: (yes, sites), (no, nothing), or (not known in time, )."""
    none = np.zeros(0, np.int64)
    covered = inside[:, must].any(axis=1)
    rest = inside[~covered]
    if rest.shape[0] == 0:
        return True, must
    left = p - len(must)
    if left <= 0 or not rest.any(axis=1).all():
        return False, none
    cover = reduce_cover(
        sparse.csr_array(rest.astype(float)), np.ones(rest.shape[1]), np.arange(rest.shape[1])
    )
    greedy = _greedy(cover)
    if len(greedy) <= left:
        return True, np.concatenate([must, cover.sites[greedy]])
    model = cover_model(cover)
    y = model.columns["open"]
    arrays = model.arrays()
    arrays.integer[:] = False
    relaxed = solve(arrays, time_limit_seconds=_left(state), threads=1, seed=seed)
    state.nodes += 1
    if relaxed.status is Status.OPTIMAL and relaxed.bound > left + 1e-6:
        return False, none
    zeros = np.zeros(y.size, np.int64)
    model.add_rows("count", rule="C5", size=1, terms=[(zeros, y.all, 1.0)], upper=left)
    whole = model.arrays()
    whole.cost[:] = 0.0  # any plan will do
    result = solve(whole, time_limit_seconds=_left(state), gap=1e9, threads=1, seed=seed)
    if result.has_plan:
        return True, np.concatenate([must, cover.sites[result.value(y) > 0.5]])
    return (False if result.status is Status.INFEASIBLE else None), none


def _left(state: SearchState) -> float:
    return max(0.5, state.time_limit_seconds - state.elapsed_seconds)


def _greedy(cover: Cover) -> Ints:
    matrix = cover.rows.toarray() > 0
    chosen = []
    while matrix.shape[0]:
        site = int(matrix.sum(axis=0).argmax())
        chosen.append(site)
        matrix = matrix[~matrix[:, site]]
    return np.array(chosen, np.int64)


def _solution(problem: Problem, state: SearchState, low: int, high: int, count: int) -> Solution:
    seconds = {"total": state.elapsed_seconds}
    counts = {"covers": state.nodes}
    if state.plan is None:
        no = low >= count
        status = Status.INFEASIBLE if no else Status.NO_PLAN
        bound = np.inf if no else state.bound
        return Solution(problem, status, bound=bound, seconds=seconds, method="bisection")
    seconds |= {"first": state.first_plan_seconds or 0.0, "best": state.best_plan_seconds or 0.0}
    proven = low >= high
    if proven:
        seconds["proof"] = state.elapsed_seconds
    positions = np.flatnonzero(state.plan)
    objective, assignment = objective_of(problem, positions)
    return Solution(
        problem,
        Status.OPTIMAL if proven else Status.FEASIBLE,
        objective=objective,
        bound=state.cost if proven else state.bound,
        positions=positions,
        assigned=assignment,
        seconds=seconds,
        trace=tuple(state.trace),
        method="bisection over radii, covering subproblems",
        counts=counts,
    )
