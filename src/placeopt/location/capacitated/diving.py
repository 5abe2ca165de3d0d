"""A plan from a Lagrangian bound by diving: fix the assignments that the bound makes most often.

In each round the bound is raised a little over the customers still unassigned. Customers that it
nearly always serves from one site are assigned there permanently and use its capacity. Local
search (``exchange_search``) improves the plan that results.

Source: Joncour, Michel, Sadykov, Sverdlov and Vanderbeck (2010), "Column generation based primal
heuristics", Electronic Notes in Discrete Mathematics 36.
"""

from __future__ import annotations

import numpy as np

from placeopt.base.arrays import Bools, Floats, Ints
from placeopt.location.capacitated.arrays import FORBIDDEN_COST, CapacitatedArrays, open_up_to_p
from placeopt.location.capacitated.exchange_search import ExchangeRule, improve
from placeopt.location.capacitated.lagrangian import LagrangianBound, ascend_bound
from placeopt.location.capacitated.params import DivingParams
from placeopt.location.capacitated.plan import AssignedPlan, offer
from placeopt.location.search_state import SearchState


def offer_dive(
    arrays: CapacitatedArrays,
    state: SearchState,
    lagrangian: LagrangianBound,
    params: DivingParams,
    seed: int,
    rounds: int,
) -> None:
    """Offer the search the plan that a dive finds, improved by local search.

    Args:
        arrays: The problem of the node.
        state: The search.
        lagrangian: The bound from which to dive.
        params: The parameters of the method.
        seed: Seed of the random numbers.
        rounds: Rounds of local search.
    """
    found = None if state.is_out_of_time else dive(arrays, lagrangian, state, params, seed)
    if found is None:
        return
    offer(arrays, state, improve_plan(arrays, state, *found, params, rounds, seed))


def improve_plan(
    arrays: CapacitatedArrays,
    state: SearchState,
    assignment: Ints,
    is_open: Bools,
    params: DivingParams,
    rounds: int,
    seed: int,
) -> AssignedPlan:
    """Improve a plan by local search until time is up.

    Args:
        arrays: The problem.
        state: The search, which limits the time.
        assignment: Site of each customer, (customers,); changed in place.
        is_open: Open sites, (sites,); changed in place.
        params: The parameters of the method.
        rounds: Rounds of local search.
        seed: Seed of the random numbers.

    Returns:
        The best plan; its cost is inf if it exceeds a capacity.
    """
    neighbour_count = min(params.neighbour_sites, arrays.cost.shape[1])
    cost_if_open = np.where(arrays.may_open, arrays.cost, FORBIDDEN_COST)
    order = np.argsort(cost_if_open, axis=1, kind="stable")
    neighbours = np.ascontiguousarray(order[:, :neighbour_count])
    best = AssignedPlan(np.inf, is_open.copy(), assignment.copy())
    for part in range(params.search_parts):
        rule = ExchangeRule(rounds // params.search_parts, seed + part, params.slack)
        cost = improve(arrays, is_open, assignment, neighbours, rule)
        if cost < best.cost:
            best = AssignedPlan(float(cost), is_open.copy(), assignment.copy())
        assignment[:], is_open[:] = best.assignment, best.is_open
        if state.is_out_of_time:
            break
    return best


def dive(
    arrays: CapacitatedArrays,
    lagrangian: LagrangianBound,
    state: SearchState,
    params: DivingParams,
    seed: int,
) -> tuple[Ints, Bools] | None:
    """The site of each customer and the open sites, or None if the dive gets stuck."""
    n, _ = arrays.cost.shape
    rng = np.random.default_rng(seed)
    capacity, opening_cost = arrays.capacity.copy(), arrays.opening_cost.copy()
    integer_capacity, must_open = arrays.integer_capacity.copy(), arrays.must_open.copy()
    assignment = np.full(n, -1, np.int64)
    multipliers, unassigned, fixed_cost = lagrangian.multipliers.copy(), np.arange(n), 0.0
    target = abs(lagrangian.value) * (1.0 + params.target_share) + 1.0
    while len(unassigned):
        if state.is_out_of_time:
            return None
        demand = arrays.demand[unassigned]
        has_room = demand[:, None] <= capacity[None, :]
        residual = arrays._replace(
            cost=np.ascontiguousarray(np.where(has_room, arrays.cost[unassigned], FORBIDDEN_COST)),
            demand=demand,
            integer_demand=arrays.integer_demand[unassigned],
            capacity=capacity,
            integer_capacity=integer_capacity,
            opening_cost=opening_cost,
            must_open=must_open,
        )
        if not residual.is_allowed[:, arrays.may_open].any(axis=1).all():
            return None
        current = ascend_bound(
            residual, multipliers[unassigned], max(target - fixed_cost, 1.0), params.rule
        )
        multipliers[unassigned] = current.multipliers
        noise = 1 + params.noise * rng.random(current.pair_shares.shape)
        fixed = _most_certain_pairs(residual, current.pair_shares * noise, n, params)
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
    return assignment, open_up_to_p(arrays, must_open)


def _most_certain_pairs(
    residual: CapacitatedArrays, shares: Floats, customers: int, params: DivingParams
) -> list[tuple[int, int]]:
    """The (customer, site) pairs to fix now; empty only if no customer fits anywhere.

    Args:
        residual: The problem over the customers still unassigned.
        shares: How often the bound served each of them from each site, with noise.
        customers: Number of all customers.
        params: The parameters of the method.
    """
    total_share = shares.sum(axis=1)
    best_site = shares.argmax(axis=1)
    certainty = shares[np.arange(len(total_share)), best_site] / np.maximum(total_share, 1e-12)
    capacity, must_open = residual.capacity.copy(), residual.must_open.copy()
    max_pairs = max(
        1, int(params.fixed_share * customers), int((certainty >= params.certain_share).sum())
    )
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
    return bool(must_open[j] or not residual.has_fixed_size or must_open.sum() < residual.p)
