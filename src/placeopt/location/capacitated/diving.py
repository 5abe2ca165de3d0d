"""A plan from a Lagrangian bound by diving: fix the assignments that the bound makes most often.

In each round the bound is raised a little over the customers still unassigned. Customers that it
nearly always serves from one site are assigned there permanently and use its capacity. Local
search (``exchange_search``) improves the plan that results.

Source: Joncour, Michel, Sadykov, Sverdlov and Vanderbeck (2010), "Column generation based primal
heuristics", Electronic Notes in Discrete Mathematics 36.
"""

from __future__ import annotations

import numpy as np

from placeopt.location.capacitated.arrays import (
    FORBIDDEN_COST,
    Bools,
    CapacitatedArrays,
    Floats,
    Ints,
    LagrangianBound,
    ascend_bound,
)
from placeopt.location.search_state import SearchState

CERTAIN_SHARE = 0.85  # share of rounds with one site that fixes a customer's assignment
ACCEPTANCE_SLACK = 0.002  # relative cost above the best at which a plan is still accepted
SEARCH_PARTS = 4  # parts of the rounds of local search; the time is checked between them
NEIGHBOUR_SITES = 10  # cheapest sites of each customer that local search tries


def offer_dive(
    arrays: CapacitatedArrays,
    state: SearchState,
    lagrangian: LagrangianBound,
    seed: int,
    rounds: int = 0,
    best_plan_of: CapacitatedArrays | None = None,
) -> None:
    """Offer the search the plan that a dive finds.

    Args:
        arrays: The problem of the node.
        state: The search.
        lagrangian: The bound from which to dive.
        seed: Seed of the random numbers.
        rounds: Rounds of local search.
        best_plan_of: The arrays that keep the assignment of a best plan; ``arrays`` by default.
    """
    dive_result = None if state.is_out_of_time else dive(arrays, lagrangian, seed, state)
    if dive_result is None:
        return
    assignment, is_open = dive_result
    cost = improve_plan(arrays, state, assignment, is_open, rounds, seed)
    if state.offer(cost, is_open):
        (best_plan_of or arrays).assignment = assignment.copy()


def improve_plan(
    arrays: CapacitatedArrays,
    state: SearchState,
    assignment: Ints,
    is_open: Bools,
    rounds: int,
    seed: int,
) -> float:
    """Improve a plan in place by local search until time is up.

    Args:
        arrays: The problem.
        state: The search, which limits the time.
        assignment: Site of each customer, (customers,); changed in place.
        is_open: Open sites, (sites,); changed in place.
        rounds: Rounds of local search.
        seed: Seed of the random numbers.

    Returns:
        The cost of the plan; inf if it exceeds a capacity.
    """
    from placeopt.location.capacitated import exchange_search

    neighbour_count = min(NEIGHBOUR_SITES, arrays.cost.shape[1])
    neighbours = np.argsort(
        np.where(arrays.may_open, arrays.cost, FORBIDDEN_COST), axis=1, kind="stable"
    )[:, :neighbour_count]
    best_cost, best_plan = np.inf, (assignment.copy(), is_open.copy())
    for part in range(SEARCH_PARTS):
        cost = exchange_search.improve(
            arrays.cost,
            arrays.demand,
            arrays.capacity,
            arrays.opening_cost,
            arrays.p,
            arrays.must_open,
            arrays.may_open,
            is_open,
            assignment,
            np.ascontiguousarray(neighbours),
            rounds // SEARCH_PARTS,
            seed + part,
            ACCEPTANCE_SLACK,
        )
        if cost < best_cost:
            best_cost, best_plan = float(cost), (assignment.copy(), is_open.copy())
        assignment[:], is_open[:] = best_plan
        if state.is_out_of_time:
            break
    return best_cost


def dive(
    arrays: CapacitatedArrays, lagrangian: LagrangianBound, seed: int, state: SearchState
) -> tuple[Ints, Bools] | None:
    """The site of each customer and the open sites, or None if the dive gets stuck."""
    n, _ = arrays.cost.shape
    rng = np.random.default_rng(seed)
    capacity, opening_cost = arrays.capacity.copy(), arrays.opening_cost.copy()
    integer_capacity, must_open = arrays.integer_capacity.copy(), arrays.must_open.copy()
    assignment = np.full(n, -1, np.int64)
    multipliers, unassigned, fixed_cost = lagrangian.multipliers.copy(), np.arange(n), 0.0
    target = abs(lagrangian.value) * 1.01 + 1.0
    while len(unassigned):
        if state.is_out_of_time:
            return None
        cost = np.where(
            arrays.demand[unassigned][:, None] <= capacity[None, :],
            arrays.cost[unassigned],
            FORBIDDEN_COST,
        )
        residual = arrays.replace(
            cost=np.ascontiguousarray(cost),
            demand=arrays.demand[unassigned],
            integer_demand=arrays.integer_demand[unassigned],
            capacity=capacity,
            integer_capacity=integer_capacity,
            opening_cost=opening_cost,
            must_open=must_open,
        )
        if (cost[:, arrays.may_open] >= FORBIDDEN_COST).all(axis=1).any():
            return None
        current = ascend_bound(
            residual, multipliers[unassigned], max(target - fixed_cost, 1.0), 20, 0.3, 8
        )
        multipliers[unassigned] = current.multipliers
        fixed = _most_certain_pairs(
            residual,
            current.pair_shares * (1 + 0.3 * rng.random(current.pair_shares.shape)),
            n,
        )
        if not fixed:
            return None
        for i, j in fixed:
            customer = unassigned[i]
            assignment[customer] = j
            fixed_cost += arrays.cost[customer, j] + opening_cost[j]
            opening_cost[j], must_open[j] = 0.0, True
            capacity[j] -= arrays.demand[customer]
            integer_capacity[j] -= arrays.integer_demand[customer]
        unassigned = np.delete(unassigned, [i for i, _ in fixed])
    return assignment, _open_up_to_p(arrays, must_open)


def _most_certain_pairs(
    residual: CapacitatedArrays, shares: Floats, n: int
) -> list[tuple[int, int]]:
    """The (customer, site) pairs to fix now; empty only if no customer fits anywhere."""
    total_share = shares.sum(axis=1)
    best_site = shares.argmax(axis=1)
    certainty = shares[np.arange(len(total_share)), best_site] / np.maximum(total_share, 1e-12)
    capacity, must_open = residual.capacity.copy(), residual.must_open.copy()
    max_pairs = max(1, int(0.05 * n), int((certainty >= CERTAIN_SHARE).sum()))
    fixed: list[tuple[int, int]] = []
    for i in np.argsort(-certainty)[:max_pairs]:
        j = int(best_site[i])
        if (
            certainty[i] > 0
            and residual.cost[i, j] < FORBIDDEN_COST
            and _does_fit(residual, capacity, must_open, i, j)
        ):
            fixed.append((int(i), j))
            capacity[j] -= residual.demand[i]
            must_open[j] = True
    if fixed:
        return fixed
    i = int(residual.demand.argmax())
    cost_with_opening = np.where(
        residual.cost[i] < FORBIDDEN_COST,
        residual.cost[i] + np.where(must_open, 0, residual.opening_cost),
        np.inf,
    )
    for j in np.argsort(cost_with_opening):
        if np.isfinite(cost_with_opening[j]) and _does_fit(
            residual, capacity, must_open, i, int(j)
        ):
            return [(i, int(j))]
    return []


def _does_fit(
    residual: CapacitatedArrays, capacity: Floats, must_open: Bools, i: int, j: int
) -> bool:
    """Whether customer ``i`` fits site ``j``, opening it if need be."""
    if not residual.may_open[j] or capacity[j] < residual.demand[i]:
        return False
    return bool(must_open[j] or residual.p < 0 or must_open.sum() < residual.p)


def _open_up_to_p(arrays: CapacitatedArrays, is_open: Bools) -> Bools:
    """Open further sites, without customers, until p are open."""
    is_open = is_open.copy()
    if arrays.p >= 0:
        unopened = np.flatnonzero(arrays.may_open & ~is_open)
        is_open[unopened[: max(0, arrays.p - int(is_open.sum()))]] = True
    return is_open
