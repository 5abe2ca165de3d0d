"""p-centre on vertices: bisection over the distances, each step a covering question.

The best radius is one of the distances. "Can p sites cover every customer within r?" is a covering
problem. A greedy plan may answer yes; the linear relaxation (rounded up) or the engine may answer
no. A plan found lowers the upper end to its own radius.

Sources: Minieka (1970); Elloumi, Labbe and Pochet (2004), "A new formulation and resolution
method for the p-center problem", INFORMS Journal on Computing 16; Calik and Tansel (2013).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from placeopt.engine import Status, solve
from placeopt.engine.settings import Settings
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
    low, high = (
        _first_possible_radius(table, radii, p, must),
        len(radii),
    )  # radii[low - 1] is too small
    _offer(state, table, _farthest_first(table, p, must, seed), problem)
    if np.isfinite(state.cost):
        high = int(np.searchsorted(radii, state.cost))
    if low < len(radii):
        state.raise_bound(float(radii[low]))
    while low < high and not state.is_out_of_time:
        middle = (low + high) // 2
        answer, sites = _cover_within_radius(table <= radii[middle], p, must, state, seed)
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


def _first_possible_radius(table, radii, p: int, must) -> int:
    """Index of the least radius within which every customer has a site."""
    nearest = table.min(axis=1)
    if not np.isfinite(nearest).all():
        return len(radii)
    return int(np.searchsorted(radii, nearest.max()))


def _farthest_first(table, p: int, must: Ints, seed: int) -> Ints:
    """The best of several plans that serve the worst-off customer again and again."""
    rng = np.random.default_rng(seed)
    best, best_cost = np.zeros(0, np.int64), np.inf
    for _ in range(20):
        sites = must.tolist() or [int(rng.integers(table.shape[1]))]
        distance = table[:, sites].min(axis=1)
        while len(sites) < min(p, table.shape[1]):
            worst = int(distance.argmax())
            is_near = table[worst] <= max(distance.max() / 2, table[worst].min())
            covered = (table[:, is_near] <= max(distance.max() / 2, table[worst].min())).sum(axis=0)
            site = int(np.flatnonzero(is_near)[covered.argmax()])
            if site in sites:
                break
            sites.append(site)
            distance = np.minimum(distance, table[:, site])
        if distance.max() < best_cost:
            best, best_cost = np.array(sites), float(distance.max())
    return best


def _offer(state: SearchState, table, sites: Ints, problem: Problem) -> None:
    if len(sites) == 0:
        return
    cost = float(table[:, sites].min(axis=1).max())
    if np.isfinite(cost):
        plan = np.zeros(problem.sites, bool)
        plan[problem.free[sites]] = True
        state.offer(cost, plan)


def _cover_within_radius(
    is_within, p: int, must: Ints, state: SearchState, seed: int
) -> tuple[bool | None, Ints]:
    """Whether p sites cover every customer, and the sites; None if that is not known."""
    no_sites = np.zeros(0, np.int64)
    covered = is_within[:, must].any(axis=1)
    uncovered = is_within[~covered]
    if uncovered.shape[0] == 0:
        return True, must
    remaining = p - len(must)
    if remaining <= 0 or not uncovered.any(axis=1).all():
        return False, no_sites
    cover = reduce_cover(
        sparse.csr_array(uncovered.astype(float)),
        np.ones(uncovered.shape[1]),
        np.arange(uncovered.shape[1]),
    )
    greedy = _greedy_cover(cover)
    if len(greedy) <= remaining:
        return True, np.concatenate([must, cover.sites[greedy]])
    model = cover_model(cover)
    y = model.columns["open"]
    relaxation = solve(
        model.arrays().relaxed(),
        Settings(time_limit_seconds=_seconds_left(state), threads=1, seed=seed),
    )
    state.nodes += 1
    if relaxation.status is Status.OPTIMAL and relaxation.bound > remaining + 1e-6:
        return False, no_sites
    zeros = np.zeros(y.size, np.int64)
    model.add_rows("count", rule="C5", size=1, terms=[(zeros, y.all, 1.0)], upper=remaining)
    feasibility = model.arrays()
    feasibility.cost[:] = 0.0  # any feasible plan will do
    result = solve(
        feasibility,
        Settings(time_limit_seconds=_seconds_left(state), gap=1e9, threads=1, seed=seed),
    )
    if result.has_plan:
        return True, np.concatenate([must, cover.sites[result.value(y) > 0.5]])
    return (False if result.status is Status.INFEASIBLE else None), no_sites


def _seconds_left(state: SearchState) -> float:
    return max(0.5, state.time_limit_seconds - state.elapsed_seconds)


def _greedy_cover(cover: Cover) -> Ints:
    is_covered_by = cover.rows.toarray() > 0
    chosen = []
    while is_covered_by.shape[0]:
        site = int(is_covered_by.sum(axis=0).argmax())
        chosen.append(site)
        is_covered_by = is_covered_by[~is_covered_by[:, site]]
    return np.array(chosen, np.int64)


def _solution(problem: Problem, state: SearchState, low: int, high: int, count: int) -> Solution:
    seconds = {"total": state.elapsed_seconds}
    counts = {"covers": state.nodes}
    if state.plan is None:
        is_infeasible = low >= count
        status = Status.INFEASIBLE if is_infeasible else Status.NO_PLAN
        bound = np.inf if is_infeasible else state.bound
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
