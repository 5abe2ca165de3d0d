"""Single-source facilities with capacities, with proof: by an engine if small, else by a tree.

The tree is in ``branch_and_price``, with its sources.
"""

from __future__ import annotations

import logging

import numpy as np

from placeopt.engine import Status
from placeopt.engine.settings import Settings
from placeopt.location.capacitated.arrays import (
    CapacitatedArrays,
    capacitated_arrays,
    open_up_to_p,
    reason_for_no_plan,
)
from placeopt.location.capacitated.params import DEFAULT_SINGLE_SOURCE, SingleSourceParams
from placeopt.location.capacitated.plan import AssignedPlan, offer
from placeopt.location.capacitated.result_assembly import assemble_solution, infeasible_solution
from placeopt.location.compile_ahead import compile_capacitated
from placeopt.location.formulations.capacitated import solve_compact_model
from placeopt.location.search_state import SearchState
from placeopt.location.solution import Solution
from placeopt.location.statement import Problem

LOG = logging.getLogger("placeopt.location")


def solve_single_source(
    problem: Problem, settings: Settings, params: SingleSourceParams = DEFAULT_SINGLE_SOURCE
) -> Solution:
    """Solve a problem whose customers may not be split; see the module's text.

    Args:
        problem: A single-source or capacitated p-median problem.
        settings: The settings of the solve.
        params: The parameters of the method.

    Returns:
        The solution with its bound.
    """
    state = SearchState(settings)
    arrays = capacitated_arrays(problem)
    reason = reason_for_no_plan(arrays)
    if reason:
        return infeasible_solution(problem, state, reason)
    if arrays.cost.size <= params.max_mip_pairs:
        LOG.info("an engine first: the problem is small")
        _solve_by_mip(arrays, state, min(params.mip_seconds, settings.time_limit_seconds))
    if not state.proven:
        with state.deadline.paused():
            compile_capacitated()
        from placeopt.location.capacitated.branch_and_price import prove

        LOG.info("branch and price over %d pairs", arrays.cost.size)
        prove(arrays, state, params)
    return assemble_solution(
        problem,
        state,
        is_integral=arrays.is_integral,
        infeasible=state.proven,
        method="Lagrangian with knapsacks, loads, tree",
        counts={"nodes": state.nodes},
    )


def _solve_by_mip(arrays: CapacitatedArrays, state: SearchState, seconds: float) -> None:
    """Solve the compact model of a small problem by an engine."""
    rows, columns = np.nonzero(arrays.is_allowed)
    result, flows = solve_compact_model(arrays, rows, columns, seconds=seconds)
    if result.has_plan:
        assignment = np.asarray(flows.argmax(axis=1)).ravel().astype(np.int64)
        used = arrays.must_open | (np.asarray(flows.sum(axis=0)).ravel() > 0.5)
        is_open = open_up_to_p(arrays, used)
        service_cost = arrays.cost[np.arange(len(assignment)), assignment].sum()
        cost = float(service_cost + arrays.opening_cost[is_open].sum())
        offer(arrays, state, AssignedPlan(cost, is_open, assignment))
    if result.status in (Status.OPTIMAL, Status.INFEASIBLE):
        state.close()
    elif np.isfinite(result.bound):
        state.raise_bound(min(result.bound, state.cost))
