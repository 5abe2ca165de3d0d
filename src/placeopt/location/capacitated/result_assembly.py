"""The answer of a search over capacities: when the search is finished, and what it has proven."""

from __future__ import annotations

from typing import Any

import numpy as np

from placeopt.engine import Status
from placeopt.location.capacitated.arrays import CapacitatedArrays
from placeopt.location.search_state import SearchState
from placeopt.location.solution import Solution
from placeopt.location.statement import Problem


def is_closed(arrays: CapacitatedArrays, state: SearchState) -> bool:
    """Whether no plan below the cutoff is left; if so, ``state`` is marked as proven."""
    if np.isfinite(state.cost) and state.bound > state.cutoff(arrays.is_integral) - 1e-9:
        state.proven = True
    return state.proven


def infeasible_solution(problem: Problem, state: SearchState, reason: str) -> Solution:
    """The answer to a problem that is seen to have no plan before any search."""
    seconds = {"total": state.elapsed_seconds}
    return Solution(problem, Status.INFEASIBLE, bound=np.inf, message=reason, seconds=seconds)


def assemble_solution(
    problem: Problem,
    arrays: CapacitatedArrays,
    state: SearchState,
    *,
    infeasible: bool,
    **details: Any,
) -> Solution:
    """The answer of a search.

    A proven search has excluded every plan below its cutoff and no more. With a gap, the bound
    therefore stays that gap below the plan, unless costs are whole numbers.

    Args:
        problem: The problem solved.
        arrays: Its arrays.
        state: The search.
        infeasible: Whether the problem is proven to have no plan.
        **details: ``method``, ``counts``, and the assignment or flows of the plan.

    Returns:
        The solution with status, objective and bound.
    """
    seconds = {"total": state.elapsed_seconds}
    if state.plan is None:
        status = Status.INFEASIBLE if infeasible else Status.NO_PLAN
        bound = np.inf if infeasible else state.bound
        without_plan = {key: details[key] for key in ("method", "counts")}
        return Solution(problem, status, bound=bound, seconds=seconds, **without_plan)
    seconds |= {"first": state.first_plan_seconds or 0.0, "best": state.best_plan_seconds or 0.0}
    bound = state.bound
    if state.proven:
        bound = (
            state.cost
            if arrays.is_integral
            else max(bound, state.cost - state.gap * abs(state.cost))
        )
    elif arrays.is_integral:
        bound = float(np.ceil(bound - 1e-6))
    proven = state.proven or bound >= state.cost - max(1e-9, state.gap) * abs(state.cost)
    if proven:
        seconds["proof"] = state.elapsed_seconds
    return Solution(
        problem,
        Status.OPTIMAL if proven else Status.FEASIBLE,
        objective=state.cost,
        bound=min(bound, state.cost),
        positions=np.flatnonzero(state.plan),
        seconds=seconds,
        trace=tuple(state.trace),
        **details,
    )
