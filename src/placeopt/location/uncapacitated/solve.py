"""p-median, uncapacitated facility location and maximal covering, with proof.

All three are one problem in candidate lists (``candidate_lists``): local search, Lagrangian bound,
fixing, tree (``branch_and_bound``). Where only the nearest sites are listed the bound still holds
for the full problem; if the best plan costs more in full than in the lists, the lists grow.

Sources: in ``swap_search``, ``lagrangian``, ``node`` and ``formulations.radius``; covering as a
p-median: Church and ReVelle (1976), "Theoretical and computational links between the p-median,
location set-covering and the maximal covering location problem".
"""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np

from placeopt.base.arrays import Bools, Ints
from placeopt.base.compiled import is_ready
from placeopt.engine import Status, solve
from placeopt.engine.settings import Settings
from placeopt.location.compile_ahead import CANDIDATE_LISTS, compile_uncapacitated
from placeopt.location.distances import Points
from placeopt.location.formulations.radius import radius_model
from placeopt.location.objective_values import objective_of
from placeopt.location.search_state import SearchState
from placeopt.location.solution import Solution
from placeopt.location.statement import MAXIMAL_COVERING, P_MEDIAN, Problem
from placeopt.location.uncapacitated.candidate_lists import (
    MAX_DENSE_PAIRS,
    CandidateArrays,
    CandidateLists,
    list_candidates,
)
from placeopt.location.uncapacitated.params import DEFAULT_PARAMS, UncapacitatedParams

LOG = logging.getLogger("placeopt.location")
METHOD = "swap search, Lagrangian, tree"


def solve_uncapacitated(
    problem: Problem, settings: Settings, params: UncapacitatedParams = DEFAULT_PARAMS
) -> Solution:
    """Solve a p-median, facility location or maximal covering problem; see the module's text.

    Args:
        problem: The problem.
        settings: The settings of the solve.
        params: The parameters of the method.

    Returns:
        The solution with its bound.
    """
    state = SearchState(settings)
    if not _has_feasible_p(problem):
        return Solution(
            problem, Status.INFEASIBLE, message="p does not fit the sites", bound=np.inf
        )
    nearest_count = _initial_nearest_count(problem, params.sites_listed_per_share)
    while True:
        lists = list_candidates(problem, nearest_count)
        state.proven = False
        if state.plan is not None:
            state.cost = np.inf
        _prove(lists, state, params)
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
        LOG.info("lists grow to %d sites: the plan costs more than in the lists", nearest_count)
    return _solution(problem, lists, state, objective, full_cost)


def _prove(lists: CandidateLists, state: SearchState, params: UncapacitatedParams) -> None:
    """Solve the problem in lists; a small one by an engine where code is not compiled yet."""
    if lists.entries <= params.max_mip_entries and not is_ready(CANDIDATE_LISTS):
        LOG.info("an engine first: the problem is small and no code is compiled yet")
        _solve_by_mip(lists, state, min(params.mip_seconds, state.seconds_left()))
        if state.proven:
            return
    with state.deadline.paused():
        compile_uncapacitated()
    from placeopt.location.uncapacitated.branch_and_bound import prove
    from placeopt.location.uncapacitated.list_search import ListSearch

    LOG.info("branch and bound over %d list entries", lists.entries)
    prove(ListSearch(lists, state, params))


def _solve_by_mip(lists: CandidateLists, state: SearchState, seconds: float) -> None:
    """Solve the radius formulation of a small problem by an engine."""
    model, y = radius_model(lists.arrays, np.ones(lists.customers, bool))
    arrays = model.arrays()
    arrays.lower[y.all] = lists.must_open
    arrays.upper[y.all] = lists.may_open
    gap = state.settings.gap
    result = solve(arrays, Settings(seconds, gap=gap, threads=1))
    if not result.has_plan:
        return
    plan = result.value(y) > 0.5
    state.offer(_plan_cost(lists.arrays, plan), plan)
    if result.status is Status.OPTIMAL:
        state.proven = True
        state.bound = state.cost if lists.is_integral or not gap else min(result.bound, state.cost)
    else:
        state.raise_bound(min(result.bound, state.cost))


def _plan_cost(lists: CandidateArrays, plan: Bools) -> float:
    """The cost of a plan, as ``swap_search.plan_cost``, without compiled code."""
    cost_if_open = np.where(plan[lists.site], lists.cost, np.inf)
    customer = np.repeat(np.arange(len(lists.outside)), np.diff(lists.start))
    service_cost = np.array(lists.outside)
    np.minimum.at(service_cost, customer, cost_if_open)
    return float(service_cost.sum() + lists.opening_cost[plan].sum())


def _has_feasible_p(problem: Problem) -> bool:
    """Whether p sites can include the opened ones, and exist where exactly p are required."""
    if problem.p is None:
        return True
    sites_exist = problem.kind == MAXIMAL_COVERING or problem.p <= len(problem.free)
    return sites_exist and len(problem.opened_positions) <= problem.p


def _initial_nearest_count(problem: Problem, listed_per_share: float) -> int | None:
    """How many nearest sites the first lists of a p-median hold; None for all."""
    if problem.kind != P_MEDIAN or problem.ceiling is not None or problem.closed_positions:
        return None
    n, m = problem.distances.shape
    if isinstance(problem.distances, Points) and n * m > MAX_DENSE_PAIRS:
        return None
    nearest_count = int(max(50, listed_per_share * m / max(1, problem.p or 1)))
    return nearest_count if nearest_count < 0.7 * m else None


def _positions(state: SearchState) -> Ints:
    return np.flatnonzero(state.plan) if state.plan is not None else np.zeros(0, np.int64)


def _as_minimised(problem: Problem, objective: float | None, lists: CandidateLists) -> float:
    """The objective as the lists count it: uncovered weight where coverage is maximised."""
    if objective is None:
        return np.inf
    if problem.kind == MAXIMAL_COVERING:
        return float(lists.arrays.outside.sum()) - objective
    return objective


def _rounding_tolerance(problem: Problem, lists: CandidateLists, state: SearchState) -> float:
    """By how much the plan's cost in full may differ from its cost in the lists by rounding.

    Uncovered weight is a difference of large sums and may be 0.
    """
    total = float(lists.arrays.outside.sum()) if problem.kind == MAXIMAL_COVERING else 0.0
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
    seconds = {"total": state.elapsed_seconds, **state.plan_seconds}
    counts = {"nodes": state.nodes, "rounds": state.rounds, "entries": lists.entries}
    without_plan = Solution(
        problem, Status.NO_PLAN, bound=state.bound, seconds=seconds, counts=counts, method=METHOD
    )
    if full_cost >= lists.infeasible_cost or objective is None:
        if state.proven or state.bound >= lists.infeasible_cost - 1:
            return replace(without_plan, status=Status.INFEASIBLE, bound=np.inf)
        return without_plan
    if problem.kind == MAXIMAL_COVERING:
        bound = float(lists.arrays.outside.sum()) - bound
    if state.settings.gap and not proven:
        proven = abs(objective - bound) <= state.settings.gap * max(1e-9, abs(objective))
    elif state.proven and state.settings.gap:
        slack = state.settings.gap * abs(state.cost)
        bound = bound - slack if problem.kind != MAXIMAL_COVERING else bound + slack
    if proven:
        seconds["proof"] = state.elapsed_seconds
    positions = _positions(state)
    _, assignment = objective_of(problem, positions)
    return replace(
        without_plan,
        status=Status.OPTIMAL if proven else Status.FEASIBLE,
        objective=objective,
        bound=bound,
        positions=positions,
        assigned=assignment,
        trace=_trace(problem, lists, state),
    )


def _trace(
    problem: Problem, lists: CandidateLists, state: SearchState
) -> tuple[tuple[float, float, float], ...]:
    if problem.kind != MAXIMAL_COVERING:
        return tuple(state.trace)
    total = float(lists.arrays.outside.sum())
    return tuple((t, total - cost, total - bound) for t, cost, bound in state.trace)
