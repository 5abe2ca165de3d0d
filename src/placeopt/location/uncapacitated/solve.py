"""p-median, uncapacitated facility location and maximal covering, with proof.

All three are one problem in candidate lists (``candidate_lists``): local search, Lagrangian bound,
fixing, tree (``branch_and_bound``). Where only the nearest sites are listed the bound still holds
for the full problem; if the best plan costs more in full than in the lists, the lists grow.

Sources: in ``swap_search``, ``lagrangian``, ``node`` and ``formulations.radius``; covering as a
p-median: Church and ReVelle (1976), "Theoretical and computational links between the p-median,
location set-covering and the maximal covering location problem".
"""

from __future__ import annotations

from typing import Any

import numpy as np

from placeopt.engine.result import Status
from placeopt.location.distances import Points
from placeopt.location.objective_values import objective_of
from placeopt.location.search_state import Report, SearchState
from placeopt.location.solution import Solution
from placeopt.location.statement import MAXIMAL_COVERING, P_MEDIAN, Problem
from placeopt.location.uncapacitated.branch_and_bound import prove
from placeopt.location.uncapacitated.candidate_lists import (
    MAX_DENSE_PAIRS,
    CandidateLists,
    list_candidates,
)

SITES_LISTED_PER_SHARE = 8.0  # length of a list, as a multiple of sites for each opened site


def solve_uncapacitated(
    problem: Problem,
    *,
    time_limit_seconds: float,
    gap: float,
    seed: int,
    report: Report | None = None,
) -> Solution:
    """Solve a p-median, facility location or maximal covering problem; see the module's text.

    Args:
        problem: The problem.
        time_limit_seconds: Time limit.
        gap: Relative gap at which to stop.
        seed: Seed of the random numbers.
        report: Called with (cost, bound) after every improvement.

    Returns:
        The solution with its bound.
    """
    state = SearchState(time_limit_seconds=time_limit_seconds, gap=gap, report=report)
    if not _has_feasible_p(problem):
        return Solution(
            problem, Status.INFEASIBLE, message="p does not fit the sites", bound=np.inf
        )
    nearest_count = _initial_nearest_count(problem)
    while True:
        lists = list_candidates(problem, nearest_count)
        state.proven = False
        if state.plan is not None:
            state.cost = np.inf
        prove(lists, state, seed=seed)
        objective, _ = objective_of(problem, _positions(state))
        full_cost = _as_minimised(problem, objective, lists)
        is_underestimated = full_cost > state.cost + _rounding_tolerance(problem, lists, state)
        if (
            not is_underestimated
            or nearest_count is None
            or nearest_count >= problem.sites
            or state.is_out_of_time
        ):
            break
        if problem.customers * problem.sites > MAX_DENSE_PAIRS and not lists.is_complete:
            break
        nearest_count = min(problem.sites, 2 * nearest_count)
    return _solution(problem, lists, state, objective, full_cost)


def _has_feasible_p(problem: Problem) -> bool:
    """Whether p sites can include the opened ones, and exist where exactly p are required."""
    if problem.p is None:
        return True
    sites_exist = problem.kind == MAXIMAL_COVERING or problem.p <= len(problem.free)
    return sites_exist and len(problem.opened_positions) <= problem.p


def _initial_nearest_count(problem: Problem) -> int | None:
    if problem.kind != P_MEDIAN or problem.ceiling is not None or problem.closed_positions:
        return None
    n, m = problem.distances.shape
    if isinstance(problem.distances, Points) and n * m > MAX_DENSE_PAIRS:
        return None
    nearest_count = int(max(50, SITES_LISTED_PER_SHARE * m / max(1, problem.p or 1)))
    return nearest_count if nearest_count < 0.7 * m else None


def _positions(state: SearchState) -> np.ndarray:
    return np.flatnonzero(state.plan) if state.plan is not None else np.zeros(0, np.int64)


def _as_minimised(problem: Problem, objective: float | None, lists: CandidateLists) -> float:
    """The objective as the lists count it: uncovered weight where coverage is maximised."""
    if objective is None:
        return np.inf
    if problem.kind == MAXIMAL_COVERING:
        return float(lists.outside.sum()) - objective
    return objective


def _rounding_tolerance(problem: Problem, lists: CandidateLists, state: SearchState) -> float:
    """By how much the plan's cost in full may differ from its cost in the lists by rounding.

    Uncovered weight is a difference of large sums and may be 0.
    """
    total = float(lists.outside.sum()) if problem.kind == MAXIMAL_COVERING else 0.0
    return 1e-9 * abs(state.cost) + 1e-12 * total


def _solution(
    problem: Problem,
    lists: CandidateLists,
    state: SearchState,
    objective: float | None,
    full_cost: float,
) -> Solution:
    is_integral = lists.is_integral
    bound = min(state.bound, full_cost)
    proven = state.proven and full_cost <= state.cost + _rounding_tolerance(problem, lists, state)
    if is_integral and not proven and np.isfinite(bound):
        bound = min(float(np.ceil(bound - 1e-6)), full_cost)
        proven = bound >= full_cost - 1e-6
    seconds = {"total": state.elapsed_seconds}
    if state.first_plan_seconds is not None:
        seconds |= {
            "first": state.first_plan_seconds,
            "best": state.best_plan_seconds or state.first_plan_seconds,
        }
    counts = {"nodes": state.nodes, "rounds": state.rounds, "entries": len(lists.site)}
    common: dict[str, Any] = {
        "seconds": seconds,
        "counts": counts,
        "method": "swap search, Lagrangian, tree",
    }
    if full_cost >= lists.infeasible_cost or objective is None:
        is_infeasible = state.proven or state.bound >= lists.infeasible_cost - 1
        status = Status.INFEASIBLE if is_infeasible else Status.NO_PLAN
        return Solution(problem, status, bound=np.inf if is_infeasible else state.bound, **common)
    if problem.kind == MAXIMAL_COVERING:
        bound = float(lists.outside.sum()) - bound
    if state.gap and not proven:
        proven = abs(objective - bound) <= state.gap * max(1e-9, abs(objective))
    elif state.proven and state.gap:
        slack = state.gap * abs(state.cost)
        bound = bound - slack if problem.kind != MAXIMAL_COVERING else bound + slack
    if proven:
        seconds["proof"] = state.elapsed_seconds
    positions = _positions(state)
    _, assignment = objective_of(problem, positions)
    return Solution(
        problem,
        Status.OPTIMAL if proven else Status.FEASIBLE,
        objective=objective,
        bound=bound,
        positions=positions,
        assigned=assignment,
        trace=_trace(problem, lists, state),
        **common,
    )


def _trace(
    problem: Problem, lists: CandidateLists, state: SearchState
) -> tuple[tuple[float, float, float], ...]:
    if problem.kind != MAXIMAL_COVERING:
        return tuple(state.trace)
    total = float(lists.outside.sum())
    return tuple((t, total - cost, total - bound) for t, cost, bound in state.trace)
