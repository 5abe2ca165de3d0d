"""Facilities with capacities whose customers may be split, with proof.

Where serving has a cost, by the Lagrangian bound and kernel search (``kernel_search``). Where it
has none (a covering with capacities) multipliers have nothing to work with, and the engine is given
all pairs at once. Single-source problems: ``single_source``.
"""

from __future__ import annotations

import logging

import numpy as np

from placeopt.engine.settings import Settings
from placeopt.location.capacitated.arrays import (
    CapacitatedArrays,
    capacitated_arrays,
    reason_for_no_plan,
)
from placeopt.location.capacitated.params import DEFAULT_SPLITTABLE, SplittableParams
from placeopt.location.capacitated.result_assembly import (
    assemble_solution,
    conclude,
    infeasible_solution,
    offer_flows,
)
from placeopt.location.compile_ahead import compile_capacitated
from placeopt.location.formulations.capacitated import solve_compact_model
from placeopt.location.search_state import SearchState
from placeopt.location.solution import Solution
from placeopt.location.statement import Problem

LOG = logging.getLogger("placeopt.location")


def solve_splittable(
    problem: Problem, settings: Settings, params: SplittableParams = DEFAULT_SPLITTABLE
) -> Solution:
    """Solve a problem with capacities whose customers may be split; see the module's text.

    Args:
        problem: A capacitated facility location problem.
        settings: The settings of the solve; the method has no random numbers.
        params: The parameters of the method.

    Returns:
        The solution with its bound.
    """
    state = SearchState(settings)
    arrays = capacitated_arrays(problem)
    reason = reason_for_no_plan(arrays)
    if reason:
        return infeasible_solution(problem, state, reason)
    if arrays.cost[arrays.is_allowed].any():
        with state.deadline.paused():
            compile_capacitated()
        from placeopt.location.capacitated.kernel_search import prove

        LOG.info("Lagrangian bound and kernel search over %d pairs", arrays.cost.size)
        infeasible = prove(arrays, state, params)
    else:
        LOG.info("the engine gets all pairs: serving costs nothing")
        infeasible = _solve_all_pairs(arrays, state)
    return assemble_solution(
        problem,
        state,
        is_integral=arrays.is_integral,
        infeasible=infeasible,
        method="Lagrangian with knapsacks, kernel search",
        counts={"kernels": state.nodes},
    )


def _solve_all_pairs(arrays: CapacitatedArrays, state: SearchState) -> bool:
    """Solve the model over all pairs; return whether there is proven to be no plan at all."""
    rows, columns = np.nonzero(arrays.is_allowed)
    seconds = state.seconds_left(at_least=0.5)
    result, flows = solve_compact_model(arrays, rows, columns, seconds=seconds)
    state.nodes += 1
    offer_flows(arrays, state, result, flows)
    return conclude(state, result, np.inf, -np.inf)
