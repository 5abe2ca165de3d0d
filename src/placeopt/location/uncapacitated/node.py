"""One node of the tree over a problem in candidate lists, compiled.

A node has decided some sites open (1) and some closed (-1). Closed sites leave the lists. A site
that is open gives each customer a price it need never exceed, ``outside = min(outside, c[i,j])``,
so it leaves the lists too, and with it everything that is dearer. What remains is the same kind
of problem, smaller, and its Lagrangian bound fixes more sites, until nothing moves.

Source: Christofides and Beasley (1982), "A tree search algorithm for the p-median problem",
European Journal of Operational Research 10; Beasley (1985).
"""

from __future__ import annotations

import numpy as np

from placeopt.base.compiled import compiled
from placeopt.location.uncapacitated.lagrangian import ascend, take


@compiled
def shrink(start, site, cost, outside, opening, p, decided):
    """The problem that is left: (lists, outside, opening, p, constant, free sites)."""
    n, m = len(start) - 1, len(opening)
    free = np.flatnonzero(decided == 0)
    number = np.full(m, -1, np.int32)
    for k in range(len(free)):
        number[free[k]] = k
    constant = 0.0
    left = p
    for j in range(m):
        if decided[j] == 1:
            constant += opening[j]
            left -= 1
    if p < 0:
        left = -1
    new_start = np.zeros(n + 1, np.int64)
    new_site = np.empty(len(site), np.int32)
    new_cost = np.empty(len(site), np.float64)
    new_outside = outside.copy()
    fill = 0
    for i in range(n):
        for k in range(start[i], start[i + 1]):
            if cost[k] >= new_outside[i]:
                break
            state = decided[site[k]]
            if state == 1:
                new_outside[i] = cost[k]
                break
            if state == 0:
                new_site[fill] = number[site[k]]
                new_cost[fill] = cost[k]
                fill += 1
        new_start[i + 1] = fill
    return (
        new_start,
        new_site[:fill].copy(),
        new_cost[:fill].copy(),
        new_outside,
        opening[free],
        left,
        constant,
        free,
    )


@compiled
def fix(best, rho, taken, p, cutoff, free, decided):
    """Decide sites that no plan below ``cutoff`` can have otherwise; returns how many."""
    count = 0
    spare = np.zeros(len(rho), np.bool_)
    _total, edge, nearest = take(rho, p, spare)
    for k in range(len(rho)):
        if taken[k]:
            if best - rho[k] + nearest > cutoff:
                decided[free[k]] = 1
                count += 1
        elif best + rho[k] - edge > cutoff:
            decided[free[k]] = -1
            count += 1
    return count


@compiled
def cheapest_of(start, site, cost, outside, opening, decided):
    """The cost of the plan that opens every site decided open."""
    total = 0.0
    for j in range(len(opening)):
        if decided[j] == 1:
            total += opening[j]
    for i in range(len(start) - 1):
        best = outside[i]
        for k in range(start[i], start[i + 1]):
            if cost[k] >= best:
                break
            if decided[site[k]] == 1:
                best = cost[k]
                break
        total += best
    return total


@compiled
def node(start, site, cost, outside, opening, p, decided, u, cutoff, most, step, patience):
    """Bound one node. ``decided`` is changed in place.

    Returns (bound, prices, averaged openings, cost of a plan or inf, its sites, rounds); the
    averages are of the sites still free, -1 for all others. The bound is ``inf`` where the node
    has no plan below ``cutoff``.
    """
    m = len(opening)
    plan_cost, plan = np.inf, decided.copy()
    bound, rounds = -1e300, 0
    shares = np.full(m, -1.0)
    while True:
        s, t, c, o, f, left, constant, free = shrink(
            start, site, cost, outside, opening, p, decided
        )
        if p >= 0 and (left < 0 or len(free) < left):
            return np.inf, u, shares, plan_cost, plan, rounds
        if left == 0 or len(free) == 0 or (p >= 0 and len(free) == left):
            for k in range(len(free)):
                decided[free[k]] = 1 if (p >= 0 and len(free) == left) else -1
            value = cheapest_of(start, site, cost, outside, opening, decided)
            if value < plan_cost:
                plan_cost, plan = value, decided.copy()
            return np.inf, u, shares, plan_cost, plan, rounds
        for i in range(len(u)):
            if u[i] > o[i]:
                u[i] = o[i]
        best, u, rho, taken, average, used, step_left = ascend(
            s, t, c, o, f, left, u, cutoff + 1e-9, constant, most, step, patience
        )
        rounds += used
        if best > bound:
            bound = best
        if bound > cutoff:
            return np.inf, u, shares, plan_cost, plan, rounds
        trial = decided.copy()
        for k in range(len(free)):
            trial[free[k]] = 1 if taken[k] else -1
        value = cheapest_of(start, site, cost, outside, opening, trial)
        if value < plan_cost:
            plan_cost, plan = value, trial
        count = fix(best, rho, taken, left, cutoff, free, decided)
        if count < 1 + len(free) // 10:
            left_free = 0
            for k in range(len(free)):
                if decided[free[k]] == 0:
                    shares[free[k]] = average[k]
                    left_free += 1
            if left_free > 0:
                break
        step = max(step_left, 0.05)
    return bound, u, shares, plan_cost, plan, rounds
