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

import numpy as np

from placeopt.base.compiled import compiled
from placeopt.location.subgradient import take_step, track_progress


@compiled
def fill_shares(profit, weight, capacity, x):
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
def fill_integer(profit, weight, capacity, x):
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
    return best[capacity]


@compiled
def fill_all(cost, integer_demand, integer_capacity, opening_cost, may_open, u):
    """The cost rho (sites,) of each site at its best fill at multipliers ``u``, and the fills.

    The fills are (sites, customers).
    """
    n, m = cost.shape
    rho, fill = np.full(m, 1e300), np.zeros((m, n))
    for j in range(m):
        if may_open[j]:
            rho[j] = opening_cost[j] - fill_integer(
                u - cost[:, j], integer_demand, integer_capacity[j], fill[j]
            )
    return rho, fill


@compiled
def with_and_without(profit, weight, capacity):
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
def choose_sites(rho, scaled_capacity, scaled_surplus, p, must_open, may_open, y):
    """The least cost of a feasible set of whole sites; ``y`` (sites,) is set to them.

    With any number of sites, the closed ones together hold at most ``scaled_surplus`` (all capacity
    less all demand) and cost as much as possible: a knapsack.
    """
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
    closed = fill_integer(profit, scaled_capacity, scaled_surplus, y)
    for j in range(m):
        y[j] = 1.0 - y[j] if may_open[j] else 0.0
    return total - closed


@compiled
def forced_sites(rho, scaled_capacity, scaled_surplus, p, must_open, may_open):
    """By how much the cost of ``choose_sites`` rises when each site is (opened, closed)."""
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
        with_site, without_site = with_and_without(profit, scaled_capacity, scaled_surplus)
        best = max(with_site.max(), without_site.max())
        for j in range(m):
            if may_open[j] and not must_open[j]:
                opened[j], closed[j] = best - without_site[j], best - with_site[j]
    for j in range(m):
        if not may_open[j]:
            opened[j], closed[j] = np.inf, 0.0
    return opened, closed


@compiled
def ascend(
    cost,
    demand,
    capacity,
    integer_demand,
    integer_capacity,
    scaled_capacity,
    scaled_surplus,
    opening_cost,
    p,
    must_open,
    may_open,
    u,
    target,
    max_rounds,
    is_single_source,
    step,
    patience,
):
    """Raise L(u) by subgradients.

    Args:
        cost: Cost of serving, (customers, sites).
        demand: Demand, (customers,).
        capacity: Capacity, (sites,).
        integer_demand: Demand in whole numbers, (customers,), for single-source problems.
        integer_capacity: Capacity in the same unit, (sites,); every set that fits still fits.
        scaled_capacity: Capacity in whole numbers, (sites,), for ``choose_sites``.
        scaled_surplus: Surplus capacity in the same unit.
        opening_cost: Cost of opening, (sites,).
        p: Number of sites to open; -1 is any number.
        must_open: Sites that must open, (sites,).
        may_open: Sites that may open, (sites,).
        u: Multipliers to begin with, (customers,).
        target: Bound at which to stop.
        max_rounds: Largest number of rounds.
        is_single_source: Whether customers may not be split.
        step: Step length to begin with.
        patience: Rounds without gain after which the step is halved.

    Returns:
        The best bound, its u, rho and y, how often each site was open (a moving average), how often
        each pair was used (a count), and the step.
    """
    n, m = cost.shape
    rho, y, _x = np.empty(m), np.zeros(m), np.zeros(n)
    subgradient, direction, no_ceiling = np.empty(n), np.zeros(n), np.full(n, np.inf)
    fill = np.zeros((m, n))
    best, best_u, best_rho, best_y = -1e300, u.copy(), rho.copy(), y.copy()
    site_shares, pair_shares = np.zeros(m), np.zeros((n, m))
    u = u.copy()
    stale = 0
    for t in range(max_rounds):
        for j in range(m):
            if not may_open[j]:
                rho[j] = 1e300
                continue
            profit = u - cost[:, j]
            if is_single_source:
                rho[j] = opening_cost[j] - fill_integer(
                    profit, integer_demand, integer_capacity[j], fill[j]
                )
            else:
                rho[j] = opening_cost[j] - fill_shares(profit, demand, capacity[j], fill[j])[0]
        value = u.sum()
        value += choose_sites(rho, scaled_capacity, scaled_surplus, p, must_open, may_open, y)
        is_better, stale, goes_back = track_progress(value, best, target, stale, patience)
        if is_better:
            best = value
            best_u[:], best_rho[:], best_y[:] = u, rho, y
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
    return best, best_u, best_rho, best_y, site_shares, pair_shares, step


@compiled
def forced_pairs(cost, demand, capacity, may_open, u, rise_if_opened):
    """By how much the bound for splittable problems rises when j serves all of customer i.

    A share of i at j costs at least that share of (rise - rise_if_opened) more than opening j, so a
    pair is capped by it instead of dropped.

    Args:
        cost: Cost of serving, (customers, sites).
        demand: Demand, (customers,).
        capacity: Capacity, (sites,).
        may_open: Sites that may open, (sites,).
        u: Multipliers, (customers,).
        rise_if_opened: Rise of the bound when a site is opened, (sites,).

    Returns:
        The rise, (customers, sites); inf where a pair is not allowed.
    """
    n, m = cost.shape
    rise, x = np.full((n, m), np.inf), np.zeros(n)
    for j in range(m):
        if not may_open[j]:
            continue
        _, ratio = fill_shares(u - cost[:, j], demand, capacity[j], x)
        for i in range(n):
            if cost[i, j] < 1e290:
                rise[i, j] = rise_if_opened[j] + max(0.0, cost[i, j] - u[i] + demand[i] * ratio)
    return rise
