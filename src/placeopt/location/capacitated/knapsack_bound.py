"""The Lagrangian bound with capacities, by knapsacks, compiled.

Relaxing "every customer is served once" with multipliers u, each site fills its capacity with the
customers that save most:

    v[j]   = min sum_i (c[i,j] - u[i]) x[i]   subject to   sum_i q[i] x[i] <= Q[j]
    rho[j] = f[j] + v[j]
    L(u)   = sum_i u[i] + min sum_j rho[j] y[j]   subject to  sum_j Q[j] y[j] >= sum_i q[i],
                                                  or, where p is given, sum_j y[j] = p

x is 0 or 1 for a single-source problem (solved by dynamic programming over whole numbers) and a
share otherwise (solved by sorting). y is 0 or 1: a knapsack of the sites that stay closed. With
shares of sites instead, the bound would be that of the linear relaxation (capa at 8,000: 2.2 %
below the optimum, with whole sites 0.1 %).

Source: Holmberg, Ronnqvist and Yuan (1999), "An exact algorithm for the capacitated facility
location problems with single sourcing", EJOR 113; Beasley (1988, 1993).
"""

# mypy: disable-error-code="assignment"

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from placeopt.base.arrays import Floats, Ints
from placeopt.base.compiled import compiled
from placeopt.location.capacitated.arrays import CapacitatedArrays
from placeopt.location.step_rule import StepRule
from placeopt.location.subgradient import take_step, track_progress

NO_SITE_COST = 1e300  # of a site that may not open
MAX_ALLOWED_COST = 1e290  # costs above it are FORBIDDEN_COST


class KnapsackAscent(NamedTuple):
    """The result of an ascent of the bound.

    Attributes:
        bound: The best bound.
        multipliers: Its multipliers u, (customers,).
        site_costs: Its rho, (sites,).
        site_shares: How often each site was open lately, 0 to 1, (sites,).
        pair_shares: How often each site served each customer, a count, (customers, sites).
        step: Step length at the end.
    """

    bound: float
    multipliers: Floats
    site_costs: Floats
    site_shares: Floats
    pair_shares: Floats
    step: float


@compiled
def fill_shares(profit: Floats, weight: Floats, capacity: float, x: Floats) -> tuple[float, float]:
    """Fill ``capacity`` by profit per weight with shares of items (continuous knapsack).

    ``x`` (items,) is set to the shares. Returns (value, critical ratio).
    """
    n = len(profit)
    for i in range(n):
        x[i] = 0.0
    items = np.flatnonzero(profit > 0)
    value, remaining = 0.0, capacity
    for i in items:
        if weight[i] <= 0:
            x[i] = 1.0
            value += profit[i]
    sized = items[weight[items] > 0]
    order = sized[np.argsort(-profit[sized] / weight[sized])]
    for i in order:
        if weight[i] <= remaining:
            x[i] = 1.0
            remaining -= weight[i]
            value += profit[i]
        else:
            x[i] = remaining / weight[i]
            value += profit[i] * x[i]
            return value, profit[i] / weight[i]
    return value, 0.0


@compiled
def fill_integer(profit: Floats, weight: Ints, capacity: int, x: Floats) -> float:
    """The value of the 0-1 knapsack over whole weights, by dynamic programming.

    ``x`` (items,) is set to the items taken.
    """
    n = len(profit)
    for i in range(n):
        x[i] = 0.0
    items = np.flatnonzero((profit > 0) & (weight <= capacity))
    total = 0
    for i in items:
        total += weight[i]
    if total <= capacity:
        value = 0.0
        for i in items:
            x[i] = 1.0
            value += profit[i]
        return value
    best = np.zeros(capacity + 1)
    taken = np.zeros((len(items), capacity + 1), np.bool_)
    for k in range(len(items)):
        item_profit, item_weight = profit[items[k]], weight[items[k]]
        for c in range(capacity, item_weight - 1, -1):
            if best[c - item_weight] + item_profit > best[c]:
                best[c] = best[c - item_weight] + item_profit
                taken[k, c] = True
    c = capacity
    for k in range(len(items) - 1, -1, -1):
        if taken[k, c]:
            x[items[k]] = 1.0
            c -= weight[items[k]]
    return float(best[capacity])


@compiled
def fill_all(arrays: CapacitatedArrays, u: Floats) -> tuple[Floats, Floats]:
    """The cost rho (sites,) of each site at its best fill at multipliers ``u``, and the fills.

    The fills are (sites, customers).
    """
    n, m = arrays.cost.shape
    rho, fill = np.full(m, NO_SITE_COST), np.zeros((m, n))
    for j in range(m):
        if arrays.may_open[j]:
            rho[j] = arrays.opening_cost[j] - fill_integer(
                u - arrays.cost[:, j], arrays.integer_demand, arrays.integer_capacity[j], fill[j]
            )
    return rho, fill


@compiled
def with_and_without(profit: Floats, weight: Ints, capacity: int) -> tuple[Floats, Floats]:
    """For each item the value of the best fill with it and of the best fill without it.

    Each is (items,); -1e300 where an item does not fit.
    """
    n = len(profit)
    items = np.flatnonzero((profit > 0) & (weight <= capacity))
    count = len(items)
    forward = np.zeros((count + 1, capacity + 1))
    backward = np.zeros((count + 1, capacity + 1))
    for k in range(count):
        item_profit, item_weight = profit[items[k]], weight[items[k]]
        for c in range(capacity + 1):
            value = forward[k, c]
            if item_weight <= c and forward[k, c - item_weight] + item_profit > value:
                value = forward[k, c - item_weight] + item_profit
            forward[k + 1, c] = value
    for k in range(count - 1, -1, -1):
        item_profit, item_weight = profit[items[k]], weight[items[k]]
        for c in range(capacity + 1):
            value = backward[k + 1, c]
            if item_weight <= c and backward[k + 1, c - item_weight] + item_profit > value:
                value = backward[k + 1, c - item_weight] + item_profit
            backward[k, c] = value
    with_item, without_item = np.full(n, -1e300), np.full(n, backward[0, capacity])
    for i in range(n):
        if profit[i] <= 0 and weight[i] <= capacity:
            with_item[i] = profit[i] + backward[0, capacity - weight[i]]
    for k in range(count):
        i = items[k]
        best_with, best_without = 0.0, 0.0
        remaining = capacity - weight[i]
        for c in range(capacity + 1):
            best_without = max(best_without, forward[k, c] + backward[k + 1, capacity - c])
            if c <= remaining:
                best_with = max(best_with, forward[k, c] + backward[k + 1, remaining - c])
        with_item[i], without_item[i] = profit[i] + best_with, best_without
    return with_item, without_item


@compiled
def choose_sites(rho: Floats, arrays: CapacitatedArrays, y: Floats) -> float:
    """The least cost of a feasible set of whole sites; ``y`` (sites,) is set to them.

    With any number of sites, the closed ones together hold at most ``scaled_surplus`` (all capacity
    less all demand) and cost as much as possible: a knapsack.
    """
    p, must_open, may_open = arrays.p, arrays.must_open, arrays.may_open
    m = len(rho)
    if p >= 0:
        total = 0.0
        for j in range(m):
            y[j] = 1.0 if must_open[j] else 0.0
            total += rho[j] * y[j]
        remaining = p - must_open.sum()
        for j in np.argsort(rho):
            if remaining > 0 and may_open[j] and not must_open[j]:
                y[j] = 1.0
                total += rho[j]
                remaining -= 1
        return total
    profit, total = np.zeros(m), 0.0
    for j in range(m):
        if may_open[j]:
            total += rho[j]
            if not must_open[j]:
                profit[j] = rho[j]
    closed = fill_integer(profit, arrays.scaled_capacity, arrays.scaled_surplus, y)
    for j in range(m):
        y[j] = 1.0 - y[j] if may_open[j] else 0.0
    return total - closed


@compiled
def forced_sites(rho: Floats, arrays: CapacitatedArrays) -> tuple[Floats, Floats]:
    """By how much the cost of ``choose_sites`` rises when each site is (opened, closed)."""
    p, must_open, may_open = arrays.p, arrays.must_open, arrays.may_open
    m = len(rho)
    opened, closed = np.zeros(m), np.full(m, np.inf)
    if p >= 0:
        sorted_free = rho[may_open & ~must_open]
        sorted_free.sort()
        remaining = p - must_open.sum()
        last_taken = sorted_free[remaining - 1] if remaining > 0 else -np.inf
        first_left = sorted_free[remaining] if remaining < len(sorted_free) else np.inf
        for j in range(m):
            if may_open[j] and not must_open[j]:
                opened[j] = max(0.0, rho[j] - last_taken)
                closed[j] = max(0.0, first_left - rho[j])
    else:
        profit = np.where(may_open & ~must_open, rho, 0.0)
        with_site, without_site = with_and_without(
            profit, arrays.scaled_capacity, arrays.scaled_surplus
        )
        best = max(with_site.max(), without_site.max())
        for j in range(m):
            if may_open[j] and not must_open[j]:
                opened[j], closed[j] = best - without_site[j], best - with_site[j]
    for j in range(m):
        if not may_open[j]:
            opened[j], closed[j] = np.inf, 0.0
    return opened, closed


@compiled
def ascend(arrays: CapacitatedArrays, u: Floats, target: float, rule: StepRule) -> KnapsackAscent:
    """Raise L(u) by subgradients.

    Args:
        arrays: The problem.
        u: Multipliers to begin with, (customers,).
        target: Bound at which to stop.
        rule: How far to go.

    Returns:
        The best bound, with its multipliers and sites.
    """
    cost, may_open, opening_cost = arrays.cost, arrays.may_open, arrays.opening_cost
    demand, capacity = arrays.demand, arrays.capacity
    integer_demand, integer_capacity = arrays.integer_demand, arrays.integer_capacity
    n, m = cost.shape
    rho, y = np.empty(m), np.zeros(m)
    subgradient, direction, no_ceiling = np.empty(n), np.zeros(n), np.full(n, np.inf)
    fill = np.zeros((m, n))
    best, best_u, best_rho, step = -1e300, u.copy(), rho.copy(), rule.step
    site_shares, pair_shares = np.zeros(m), np.zeros((n, m))
    u = u.copy()
    rounds_without_gain = 0
    for t in range(rule.rounds):
        for j in range(m):
            if not may_open[j]:
                rho[j] = NO_SITE_COST
                continue
            profit = u - cost[:, j]
            if arrays.is_splittable:
                rho[j] = opening_cost[j] - fill_shares(profit, demand, capacity[j], fill[j])[0]
            else:
                rho[j] = opening_cost[j] - fill_integer(
                    profit, integer_demand, integer_capacity[j], fill[j]
                )
        value = u.sum()
        value += choose_sites(rho, arrays, y)
        is_better, rounds_without_gain, goes_back = track_progress(
            value, best, target, rounds_without_gain, rule.patience
        )
        if is_better:
            best = value
            best_u[:], best_rho[:] = u, rho
        if best >= target:
            break
        if goes_back:
            step *= 0.5
            u[:] = best_u
            if step < 2e-3:
                break
        subgradient[:] = 1.0
        for j in range(m):
            site_shares[j] = 0.95 * site_shares[j] + 0.05 * y[j]
            if y[j] > 0:
                for i in range(n):
                    if fill[j, i] > 0:
                        subgradient[i] -= y[j] * fill[j, i]
                        pair_shares[i, j] += y[j] * fill[j, i]
        if not take_step(u, direction, subgradient, t == 0, step, target, value, no_ceiling):
            break
    return KnapsackAscent(best, best_u, best_rho, site_shares, pair_shares, step)


@compiled
def forced_pairs(arrays: CapacitatedArrays, u: Floats, rise_if_opened: Floats) -> Floats:
    """By how much the bound for splittable problems rises when j serves all of customer i.

    A share of i at j costs at least that share of (rise - rise_if_opened) more than opening j, so a
    pair is capped by it instead of dropped.

    Args:
        arrays: The problem.
        u: Multipliers, (customers,).
        rise_if_opened: Rise of the bound when a site is opened, (sites,).

    Returns:
        The rise, (customers, sites); inf where a pair is not allowed.
    """
    cost, demand = arrays.cost, arrays.demand
    n, m = cost.shape
    rise, x = np.full((n, m), np.inf), np.zeros(n)
    for j in range(m):
        if not arrays.may_open[j]:
            continue
        _, ratio = fill_shares(u - cost[:, j], demand, arrays.capacity[j], x)
        for i in range(n):
            if cost[i, j] < MAX_ALLOWED_COST:
                rise[i, j] = rise_if_opened[j] + max(0.0, cost[i, j] - u[i] + demand[i] * ratio)
    return rise
