"""The answer of a search over capacities: when the search is finished, and what it has proven."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy import sparse

from placeopt.engine import Result, Status
from placeopt.location.capacitated.arrays import CapacitatedArrays
from placeopt.location.search_state import SearchState
from placeopt.location.solution import Solution
from placeopt.location.statement import Problem


def is_closed(state: SearchState, is_integral: bool) -> bool:
    """Whether no plan below the cutoff is left; if so, ``state`` is marked as proven."""
    if np.isfinite(state.cost) and state.bound > state.cutoff(is_integral) - 1e-9:
        state.proven = True
    return state.proven


def offer_flows(
    arrays: CapacitatedArrays, state: SearchState, result: Result, flows: sparse.csr_array
) -> None:
    """Offer the plan of a result, if it has one.

    Args:
        arrays: The problem.
        state: The search.
        result: The engine's result.
        flows: Share of each customer served from each site, (customers, sites).
    """
    if result.has_plan:
        is_open = arrays.must_open | (np.asarray(flows.sum(axis=0)).ravel() > 1e-9)
        state.offer(float(result.objective or 0.0), is_open, flows=flows)


def conclude(state: SearchState, result: Result, cutoff: float, dual_bound: float) -> bool:
    """Record the proof of a model that holds every plan below ``cutoff``.

    Args:
        state: The search.
        result: The engine's result.
        cutoff: Cost below which plans were sought.
        dual_bound: A bound of every plan.

    Returns:
        Whether there is proven to be no plan at all.
    """
    if result.status in (Status.OPTIMAL, Status.INFEASIBLE):
        state.proven = bool(np.isfinite(state.cost))
        if result.status is Status.OPTIMAL:  # the best plan, or no better than the cutoff
            state.raise_bound(min(float(result.objective or 0.0), cutoff))
        return not state.proven and result.status is Status.INFEASIBLE
    if np.isfinite(result.bound):
        state.raise_bound(max(dual_bound, min(result.bound, cutoff, state.cost)))
    return False


def infeasible_solution(problem: Problem, state: SearchState, reason: str) -> Solution:
    """The answer to a problem that is seen to have no plan before any search."""
    seconds = {"total": state.elapsed_seconds}
    return Solution(problem, Status.INFEASIBLE, bound=np.inf, message=reason, seconds=seconds)


def assemble_solution(
    problem: Problem,
    state: SearchState,
    *,
    is_integral: bool,
    infeasible: bool,
    method: str,
    counts: Mapping[str, float],
) -> Solution:
    """The answer of a search.

    A proven search has excluded every plan below its cutoff and no more. With a gap, the bound
    therefore stays that gap below the plan, unless costs are whole numbers.

    Args:
        problem: The problem solved.
        state: The search.
        is_integral: Whether every plan's cost is a whole number.
        infeasible: Whether the problem is proven to have no plan, if none was found.
        method: The method.
        counts: Nodes, rounds and the like.

    Returns:
        The solution with status, objective and bound.
    """
    seconds = {"total": state.elapsed_seconds, **state.plan_seconds}
    without_plan = Solution(
        problem, Status.NO_PLAN, bound=state.bound, seconds=seconds, method=method, counts=counts
    )
    if state.plan is None:
        if infeasible:
            return replace(without_plan, status=Status.INFEASIBLE, bound=np.inf)
        return without_plan
    bound, gap = state.bound, state.settings.gap
    if state.proven:
        bound = state.cost if is_integral else max(bound, state.cost - gap * abs(state.cost))
    elif is_integral:
        bound = float(np.ceil(bound - 1e-6))
    proven = state.proven or bound >= state.cost - max(1e-9, gap) * abs(state.cost)
    if proven:
        seconds["proof"] = state.elapsed_seconds
    return replace(
        without_plan,
        status=Status.OPTIMAL if proven else Status.FEASIBLE,
        objective=state.cost,
        bound=min(bound, state.cost),
        positions=np.flatnonzero(state.plan),
        assigned=state.assignment,
        flows=state.flows,
        trace=tuple(state.trace),
    )
