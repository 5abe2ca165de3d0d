"""Compile code before it is needed, so that no time limit pays for it.

Methods call ``compile_uncapacitated`` or ``compile_capacitated`` when they are about to leave
what an engine solves quickly; ``placeopt compile`` calls both.
"""

from __future__ import annotations

import numpy as np

from placeopt.base.compiled import ensure_compiled
from placeopt.location.capacitated.arrays import (
    FORBIDDEN_COST,
    ascend_bound,
    capacitated_arrays,
    evaluate_bound,
    initial_multipliers,
)
from placeopt.location.capacitated.diving import offer_dive
from placeopt.location.capacitated.set_partitioning import solve_set_partitioning
from placeopt.location.search_state import SearchState
from placeopt.location.statement import CAPACITATED, CAPACITATED_P_MEDIAN, SINGLE_SOURCE, Problem
from placeopt.location.uncapacitated.branch_and_bound import compile_uncapacitated

PREFIX = "placeopt.location."
MODULES = tuple(
    PREFIX + name
    for name in (
        "capacitated.knapsack_bound",
        "capacitated.exchange_search",
        "capacitated.load_enumeration",
        "subgradient",
    )
)
COMPILE_SECONDS = 40  # roughly, to compile these modules
__all__ = ["compile_capacitated", "compile_uncapacitated"]


def compile_capacitated() -> None:
    """Compile the code of the methods with capacities, unless it is compiled already."""
    ensure_compiled(
        "the methods for capacities", MODULES, _call_compiled_functions, COMPILE_SECONDS
    )


def _call_compiled_functions() -> None:
    """Call every compiled function for capacities, on problems of eight points."""
    from placeopt.location.capacitated import knapsack_bound

    points = np.random.default_rng(1).random((8, 2, 1)) * 100
    distances = np.abs(points - points.transpose(2, 1, 0)).sum(axis=1)
    common = {"distances": distances, "demands": np.arange(1.0, 9.0), "capacities": np.full(8, 15)}
    for kind, fields in (
        (SINGLE_SOURCE, {"fixed_costs": np.full(8, 50.0)}),
        (CAPACITATED_P_MEDIAN, {"p": 3}),
        (CAPACITATED, {"fixed_costs": np.full(8, 50.0)}),
    ):
        problem = Problem(kind, **common, **fields)  # type: ignore[arg-type]
        arrays, state = capacitated_arrays(problem), SearchState(time_limit_seconds=60.0)
        for target in (1e4, np.inf):
            lagrangian = ascend_bound(arrays, initial_multipliers(arrays), target, 5, 1.0)
        lagrangian = evaluate_bound(arrays, lagrangian.multipliers)[0]
        if arrays.is_splittable:
            knapsack_bound.forced_pairs(
                arrays.cost,
                arrays.demand,
                arrays.capacity,
                arrays.may_open,
                lagrangian.multipliers,
                lagrangian.rise_if_opened,
            )
            continue
        offer_dive(arrays, state, lagrangian, 1, rounds=4)
        cost = np.where(arrays.cost < FORBIDDEN_COST, arrays.cost, FORBIDDEN_COST)
        knapsack_bound.with_and_without(
            lagrangian.multipliers - cost[:, 0], arrays.integer_demand, arrays.integer_capacity[0]
        )
        solve_set_partitioning(
            arrays, lagrangian, lagrangian.value + 0.1 * abs(lagrangian.value), 100, 1.0
        )
