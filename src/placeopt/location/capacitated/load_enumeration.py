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

from typing import NamedTuple

import numpy as np

from placeopt.base.arrays import Floats, Ints, ShortInts
from placeopt.base.compiled import compiled
from placeopt.location.capacitated.arrays import CapacitatedArrays


class LoadPrices(NamedTuple):
    """The prices from which r(j, S) follows.

    Attributes:
        multipliers: Multipliers u, (customers,).
        rise_if_empty: r(j, {}), (sites,).
    """

    multipliers: Floats
    rise_if_empty: Floats


class SiteKnapsack(NamedTuple):
    """The sets of customers that fit one site.

    Attributes:
        profit: What serving a customer saves, (customers,).
        demand: Demand, (customers,).
        capacity: Capacity of the site.
        integer_demand: Demand in whole numbers that exclude no set that fits, (customers,).
        integer_capacity: The capacity in the same unit.
    """

    profit: Floats
    demand: Floats
    capacity: float
    integer_demand: Ints
    integer_capacity: int


class LoadList(NamedTuple):
    """Loads, one after another: load k serves ``customer[start[k]:start[k + 1]]``.

    Attributes:
        site: Site of each load, (loads,).
        start: First entry of each load, (loads + 1,).
        customer: Customer of each entry.
        is_complete: Whether these are all.
    """

    site: ShortInts
    start: Ints
    customer: ShortInts
    is_complete: bool


@compiled
def enumerate_loads(
    arrays: CapacitatedArrays, prices: LoadPrices, gap: float, max_loads: int
) -> LoadList:
    """List every load with r(j, S) <= ``gap``.

    Args:
        arrays: The problem.
        prices: The prices of customers and sites.
        gap: Largest r.
        max_loads: Largest number of loads to list.
    """
    items = np.empty(max(1000, 4 * max_loads), np.int32)
    starts = np.zeros(max_loads + 2, np.int64)
    site = np.empty(max_loads + 1, np.int32)
    listed = 0
    for j in range(arrays.cost.shape[1]):
        if not arrays.may_open[j]:
            continue
        listed_before = listed
        fills = SiteKnapsack(
            prices.multipliers - arrays.cost[:, j],
            arrays.demand,
            arrays.capacity[j],
            arrays.integer_demand,
            arrays.integer_capacity[j],
        )
        items, listed = list_fills(
            fills, prices.rise_if_empty[j] - gap, items, starts, listed_before, max_loads
        )
        if listed > max_loads:
            return LoadList(
                site[:listed_before].copy(), starts[: listed_before + 1].copy(), items, False
            )
        site[listed_before:listed] = j
    return LoadList(
        site[:listed].copy(), starts[: listed + 1].copy(), items[: starts[listed]].copy(), True
    )


@compiled
def list_fills(
    fills: SiteKnapsack,
    min_profit: float,
    items: ShortInts,
    starts: Ints,
    listed: int,
    max_loads: int,
) -> tuple[ShortInts, int]:
    """List every set of customers that fits a site and has a profit of ``min_profit`` or more.

    Args:
        fills: The site and its customers.
        min_profit: Least profit.
        items: Customers of the sets listed so far; new sets are written behind them, into a longer
            array where they need one.
        starts: First entry of each set in ``items``; changed in place.
        listed: Number of sets listed so far.
        max_loads: Largest number of sets.

    Returns:
        (items, number of sets listed); the number is ``max_loads + 1`` if there are more than
        ``max_loads``, and the list is then incomplete.
    """
    demand, capacity = fills.demand, fills.integer_capacity
    chosen = _useful_customers(fills, min_profit)
    count = len(chosen)
    profit_of, demand_of = fills.profit[chosen], fills.integer_demand[chosen]
    best = _best_tails(profit_of, demand_of, capacity)
    if best[0, capacity] < min_profit:
        return items, listed
    stack = np.zeros(count + 1, np.int64)
    depth, k = 0, 0
    value, integer_remaining, remaining = 0.0, capacity, fills.capacity
    is_new = True
    while True:
        if is_new and value >= min_profit:
            if listed >= max_loads:
                return items, max_loads + 1
            first = starts[listed]
            if first + depth > len(items):
                items = np.concatenate((items, np.empty(len(items) + depth, np.int32)))
            for d in range(depth):
                items[first + d] = chosen[stack[d]]
            listed += 1
            starts[listed] = first + depth
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
            return items, listed
        depth -= 1
        k = stack[depth]
        value -= profit_of[k]
        integer_remaining += demand_of[k]
        remaining += demand[chosen[k]]
        k += 1


@compiled
def _useful_customers(fills: SiteKnapsack, min_profit: float) -> Ints:
    """The customers in any set of ``min_profit`` or more, those with most profit first."""
    profit, demand, capacity = fills.profit, fills.integer_demand, fills.integer_capacity
    best_of_all = _best_tails(profit, demand, capacity)[0]
    is_useful = np.zeros(len(profit), np.bool_)
    for i in range(len(profit)):
        if demand[i] <= capacity and fills.demand[i] <= fills.capacity + 1e-9:
            is_useful[i] = profit[i] + best_of_all[capacity - demand[i]] >= min_profit
    chosen = np.flatnonzero(is_useful)
    return chosen[np.argsort(-profit[chosen])]


@compiled
def _best_tails(profit: Floats, weight: Ints, capacity: int) -> Floats:
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
