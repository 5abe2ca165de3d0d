"""All loads of a site worth its while: the columns of a set partitioning, compiled.

A column (j, S) is a site with the customers it serves, sum_{i in S} q[i] <= Q[j]. With prices u
of the customers and L the bound they prove, a plan that holds the column costs at least L + r,

    r(j, S) = base[j] - sum_{i in S} (u[i] - c[i,j])

``base[j]`` being by how much L rises when j is opened and serves nobody. So a plan below L + G
has only columns with r <= G, and these can be listed: depth first, each branch cut off by the
best that the customers still to come could add (a knapsack table from the end).

Source: Baldacci, Hadjiconstantinou, Maniezzo and Mingozzi (2002), "A new method for solving
capacitated location problems based on a set partitioning approach", Computers & OR 29.
"""

# mypy: disable-error-code="assignment"

from __future__ import annotations

import numpy as np

from placeopt.base.compiled import compiled


@compiled
def _tails(worth, weight, hold):
    """best[k, c]: the most that items k, k + 1, ... add within c."""
    count = len(worth)
    best = np.zeros((count + 1, hold + 1))
    for k in range(count - 1, -1, -1):
        w, s = worth[k], weight[k]
        for c in range(hold + 1):
            value = best[k + 1, c]
            if w > 0 and s <= c and best[k + 1, c - s] + w > value:
                value = best[k + 1, c - s] + w
            best[k, c] = value
    return best


@compiled
def loads_of(worth, weight, size, hold, room, least_worth, items, starts, filled, most):
    """List every set of customers that fits and is worth ``least_worth`` or more.

    Sets go into ``items`` from ``starts[filled]`` on; returns (items, starts, sets now listed).
    ``weight`` and ``hold`` are whole and never overstate; ``size`` and ``room`` are the true ones.
    More than ``most`` sets: the count returned is most + 1 and the list is not complete.
    """
    plain = _tails(worth, weight, hold)[0]
    inside = np.zeros(len(worth), np.bool_)
    for i in range(len(worth)):
        if weight[i] <= hold and size[i] <= room + 1e-9:
            inside[i] = worth[i] + plain[hold - weight[i]] >= least_worth
    chosen = np.flatnonzero(inside)
    chosen = chosen[np.argsort(-worth[chosen])]
    count = len(chosen)
    value_of, weight_of = worth[chosen], weight[chosen]
    best = _tails(value_of, weight_of, hold)
    if best[0, hold] < least_worth:
        return items, starts, filled
    path = np.zeros(count + 1, np.int64)
    depth, k = 0, 0
    value, left, free = 0.0, hold, room
    fresh = True
    while True:
        if fresh and value >= least_worth:
            if filled >= most:
                return items, starts, most + 1
            first = starts[filled]
            if first + depth > len(items):
                items = np.concatenate((items, np.empty(len(items) + depth, np.int32)))
            for d in range(depth):
                items[first + d] = chosen[path[d]]
            filled += 1
            starts[filled] = first + depth
        fresh = False
        while k < count and value + best[k, left] >= least_worth:
            s = weight_of[k]
            fits = s <= left and size[chosen[k]] <= free + 1e-9
            if fits and value + value_of[k] + best[k + 1, left - s] >= least_worth:
                fresh = True
                break
            k += 1
        if fresh:
            path[depth] = k
            depth += 1
            value += value_of[k]
            left -= weight_of[k]
            free -= size[chosen[k]]
            k += 1
            continue
        if depth == 0:
            return items, starts, filled
        depth -= 1
        k = path[depth]
        value -= value_of[k]
        left += weight_of[k]
        free += size[chosen[k]]
        k += 1


@compiled
def all_loads(cost, size, weight, room, hold, base, may, u, gap, most):
    """Every column with r(j, S) <= ``gap``: (sites, starts, items, whether that is all).

    ``base[j]``: r(j, {}).
    """
    m = cost.shape[1]
    items = np.empty(max(1000, 4 * most), np.int32)
    starts = np.zeros(most + 2, np.int64)
    site = np.empty(most + 1, np.int32)
    filled = 0
    for j in range(m):
        if not may[j]:
            continue
        before = filled
        items, starts, filled = loads_of(
            u - cost[:, j], weight, size, hold[j], room[j], base[j] - gap, items, starts, before,
            most,
        )  # fmt: skip
        if filled > most:
            return site[:before].copy(), starts[: before + 1].copy(), items, False
        site[before:filled] = j
    return site[:filled].copy(), starts[: filled + 1].copy(), items[: starts[filled]].copy(), True
