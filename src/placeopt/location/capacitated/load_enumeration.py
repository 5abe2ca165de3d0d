"""All loads of a site that a good plan may use: the columns of a set partitioning, compiled.

A load (j, S) is a site with the customers it serves, sum_{i in S} q[i] <= Q[j]. With multipliers
u of the customers and L the bound they prove, a plan with this load costs at least L + r,

    r(j, S) = rise_if_empty[j] - sum_{i in S} (u[i] - c[i,j])

where ``rise_if_empty[j]`` is by how much L rises when j is opened and serves no customer. So a
plan below L + G has only loads with r <= G, and these can be listed: depth first, each branch cut
off by the most that the remaining customers could add (a knapsack table from the end).

Source: Baldacci, Hadjiconstantinou, Maniezzo and Mingozzi (2002), "A new method for solving
capacitated location problems based on a set partitioning approach", Computers & OR 29.
"""

# mypy: disable-error-code="assignment"

from __future__ import annotations

import numpy as np

from placeopt.base.compiled import compiled


@compiled
def _best_tails(profit, weight, capacity):
    """best[k, c]: the most profit of items k, k + 1, ... within capacity c."""
    count = len(profit)
    best = np.zeros((count + 1, capacity + 1))
    for k in range(count - 1, -1, -1):
        item_profit, item_weight = profit[k], weight[k]
        for c in range(capacity + 1):
            value = best[k + 1, c]
            if (
                item_profit > 0
                and item_weight <= c
                and best[k + 1, c - item_weight] + item_profit > value
            ):
                value = best[k + 1, c - item_weight] + item_profit
            best[k, c] = value
    return best


@compiled
def site_loads(
    profit,
    integer_demand,
    demand,
    integer_capacity,
    capacity,
    min_profit,
    items,
    starts,
    count_listed,
    max_loads,
):
    """List every set of customers that fits a site and has a profit of ``min_profit`` or more.

    Sets are written into ``items`` from ``starts[count_listed]`` on. Whole-number demands and
    capacities never exclude a set that fits; ``demand`` and ``capacity`` are the true ones.

    Returns:
        (items, starts, number of sets listed). With more than ``max_loads`` sets that number is
        ``max_loads + 1`` and the list is incomplete.
    """
    best_any_order = _best_tails(profit, integer_demand, integer_capacity)[0]
    is_useful = np.zeros(len(profit), np.bool_)
    for i in range(len(profit)):
        if integer_demand[i] <= integer_capacity and demand[i] <= capacity + 1e-9:
            is_useful[i] = (
                profit[i] + best_any_order[integer_capacity - integer_demand[i]] >= min_profit
            )
    chosen = np.flatnonzero(is_useful)
    chosen = chosen[np.argsort(-profit[chosen])]
    count = len(chosen)
    profit_of, demand_of = profit[chosen], integer_demand[chosen]
    best = _best_tails(profit_of, demand_of, integer_capacity)
    if best[0, integer_capacity] < min_profit:
        return items, starts, count_listed
    stack = np.zeros(count + 1, np.int64)
    depth, k = 0, 0
    value, integer_remaining, remaining = 0.0, integer_capacity, capacity
    is_new = True
    while True:
        if is_new and value >= min_profit:
            if count_listed >= max_loads:
                return items, starts, max_loads + 1
            first = starts[count_listed]
            if first + depth > len(items):
                items = np.concatenate((items, np.empty(len(items) + depth, np.int32)))
            for d in range(depth):
                items[first + d] = chosen[stack[d]]
            count_listed += 1
            starts[count_listed] = first + depth
        is_new = False
        while k < count and value + best[k, integer_remaining] >= min_profit:
            item_weight = demand_of[k]
            fits = item_weight <= integer_remaining and demand[chosen[k]] <= remaining + 1e-9
            if (
                fits
                and value + profit_of[k] + best[k + 1, integer_remaining - item_weight]
                >= min_profit
            ):
                is_new = True
                break
            k += 1
        if is_new:
            stack[depth] = k
            depth += 1
            value += profit_of[k]
            integer_remaining -= demand_of[k]
            remaining -= demand[chosen[k]]
            k += 1
            continue
        if depth == 0:
            return items, starts, count_listed
        depth -= 1
        k = stack[depth]
        value -= profit_of[k]
        integer_remaining += demand_of[k]
        remaining += demand[chosen[k]]
        k += 1


@compiled
def enumerate_loads(
    cost,
    demand,
    integer_demand,
    capacity,
    integer_capacity,
    rise_if_empty,
    may_open,
    u,
    gap,
    max_loads,
):
    """List every load with r(j, S) <= ``gap``.

    Args:
        cost: Cost of serving, (customers, sites).
        demand: Demand, (customers,).
        integer_demand: Demand in whole numbers, (customers,).
        capacity: Capacity, (sites,).
        integer_capacity: Capacity in the unit of ``integer_demand``, (sites,).
        rise_if_empty: r(j, {}), (sites,).
        may_open: Sites that may open, (sites,).
        u: Multipliers, (customers,).
        gap: Largest r.
        max_loads: Largest number of loads to list.

    Returns:
        (site of each load, start of its customers, customers, whether the list is complete).
    """
    m = cost.shape[1]
    items = np.empty(max(1000, 4 * max_loads), np.int32)
    starts = np.zeros(max_loads + 2, np.int64)
    site = np.empty(max_loads + 1, np.int32)
    count_listed = 0
    for j in range(m):
        if not may_open[j]:
            continue
        count_before = count_listed
        items, starts, count_listed = site_loads(
            u - cost[:, j],
            integer_demand,
            demand,
            integer_capacity[j],
            capacity[j],
            rise_if_empty[j] - gap,
            items,
            starts,
            count_before,
            max_loads,
        )
        if count_listed > max_loads:
            return site[:count_before].copy(), starts[: count_before + 1].copy(), items, False
        site[count_before:count_listed] = j
    return (
        site[:count_listed].copy(),
        starts[: count_listed + 1].copy(),
        items[: starts[count_listed]].copy(),
        True,
    )
