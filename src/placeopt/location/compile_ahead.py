"""Compile code before it is needed, so that no time limit pays for it.

Methods call ``compile_uncapacitated`` or ``compile_capacitated`` when they are about to leave
what an engine solves quickly; ``placeopt compile`` calls both.
"""

from __future__ import annotations

import numpy as np

from placeopt.base.compiled import ensure_compiled
from placeopt.engine.settings import Settings
from placeopt.location.distances import Points
from placeopt.location.search_state import SearchState
from placeopt.location.statement import (
    CAPACITATED,
    CAPACITATED_P_MEDIAN,
    P_MEDIAN,
    SINGLE_SOURCE,
    Problem,
)

CANDIDATE_LISTS = "the methods for candidate lists"
CAPACITIES = "the methods for capacities"
SUBGRADIENT = "placeopt.location.subgradient"
UNCAPACITATED_MODULES = (
    SUBGRADIENT,
    *(
        f"placeopt.location.uncapacitated.{name}"
        for name in ("transpose", "swap_search", "lagrangian", "node")
    ),
)
CAPACITATED_MODULES = (
    *(
        f"placeopt.location.capacitated.{name}"
        for name in ("knapsack_bound", "exchange_search", "load_enumeration")
    ),
    SUBGRADIENT,
)
UNCAPACITATED_SECONDS, CAPACITATED_SECONDS = 30, 40  # roughly, to compile these modules


def compile_uncapacitated() -> None:
    """Compile the code of the methods for candidate lists, unless it is compiled already."""
    ensure_compiled(CANDIDATE_LISTS, UNCAPACITATED_MODULES, _call_for_lists, UNCAPACITATED_SECONDS)


def compile_capacitated() -> None:
    """Compile the code of the methods with capacities, unless it is compiled already."""
    ensure_compiled(CAPACITIES, CAPACITATED_MODULES, _call_for_capacities, CAPACITATED_SECONDS)


def _distances(count: int) -> Points:
    """Distances between ``count`` random points."""
    points = np.random.default_rng(1).random((count, 2)) * 100
    return Points(points, points, "manhattan")


def _call_for_lists() -> None:
    """Call every compiled function for candidate lists, on a problem of twenty points."""
    from placeopt.location.best_first_tree import search_tree
    from placeopt.location.uncapacitated.branch_and_bound import SiteBranching
    from placeopt.location.uncapacitated.candidate_lists import list_candidates
    from placeopt.location.uncapacitated.list_search import ListSearch
    from placeopt.location.uncapacitated.params import DEFAULT_PARAMS
    from placeopt.location.uncapacitated.root import (
        fix_at_root,
        initial_multipliers,
        raise_root_bound,
    )

    lists = list_candidates(Problem(P_MEDIAN, _distances(20), p=3))
    state = SearchState(Settings(time_limit_seconds=60.0))
    search = ListSearch(lists, state, DEFAULT_PARAMS)
    search.improve(search.greedy_plan(seed=1), rounds=1, seed=1)
    multipliers, _ = raise_root_bound(search, initial_multipliers(search))
    root = fix_at_root(search, multipliers, DEFAULT_PARAMS.root.fixing_rules[0])
    branching = SiteBranching(search, max_nodes=1)
    search_tree(branching.first_node(root), branching, state)


def _call_for_capacities() -> None:
    """Call every compiled function for capacities, on problems of eight points."""
    from placeopt.location.capacitated import knapsack_bound
    from placeopt.location.capacitated.arrays import FORBIDDEN_COST, capacitated_arrays
    from placeopt.location.capacitated.diving import offer_dive
    from placeopt.location.capacitated.lagrangian import (
        ascend_bound,
        evaluate_bound,
        initial_multipliers,
    )
    from placeopt.location.capacitated.params import DEFAULT_SINGLE_SOURCE
    from placeopt.location.capacitated.set_partitioning import solve_set_partitioning
    from placeopt.location.step_rule import StepRule

    distances, demands, capacities = _distances(8), np.arange(1.0, 9.0), np.full(8, 15.0)
    opening, rule = np.full(8, 50.0), StepRule(rounds=5, step=1.0, patience=10)
    for problem in (
        Problem(
            SINGLE_SOURCE, distances, demands=demands, capacities=capacities, fixed_costs=opening
        ),
        Problem(CAPACITATED_P_MEDIAN, distances, p=3, demands=demands, capacities=capacities),
        Problem(
            CAPACITATED, distances, demands=demands, capacities=capacities, fixed_costs=opening
        ),
    ):
        arrays, state = capacitated_arrays(problem), SearchState(Settings(time_limit_seconds=60.0))
        lagrangian = ascend_bound(arrays, initial_multipliers(arrays), 1e4, rule)
        lagrangian = evaluate_bound(arrays, lagrangian.multipliers)[0]
        if arrays.is_splittable:
            knapsack_bound.forced_pairs(arrays, lagrangian.multipliers, lagrangian.rise_if_opened)
            continue
        offer_dive(arrays, state, lagrangian, DEFAULT_SINGLE_SOURCE.diving, seed=1, rounds=4)
        cost = np.where(arrays.cost < FORBIDDEN_COST, arrays.cost, FORBIDDEN_COST)
        knapsack_bound.with_and_without(
            lagrangian.multipliers - cost[:, 0], arrays.integer_demand, arrays.integer_capacity[0]
        )
        cutoff = lagrangian.value + 0.1 * abs(lagrangian.value)
        solve_set_partitioning(arrays, lagrangian, cutoff, max_loads=100, seconds=1.0)
