"""The Lagrangian bound with capacities, and a plan for a set of sites, compiled.

With prices u on "everybody is served" each site fills its capacity with what pays best:

    v[j]   = min sum_i (c[i,j] - u[i]) x[i]   subject to   sum_i q[i] x[i] <= Q[j]
    rho[j] = f[j] + v[j]
    L(u)   = sum_i u[i] + min sum_j rho[j] y[j]   subject to  sum_j Q[j] y[j] >= sum_i q[i],
                                                  or, where p is given, sum_j y[j] = p

x is 0 or 1 where a customer goes whole to one site (solved by dynamic programming over whole
numbers), a share otherwise (solved by sorting). y is 0 or 1: a knapsack of what is left shut. With
shares of sites instead the bound would be that of the linear relaxation (capa at 8,000: 2.2 %
below the optimum, with whole sites 0.1 %).

Source: Holmberg, Ronnqvist and Yuan (1999), "An exact algorithm for the capacitated facility
location problems with single sourcing", EJOR 113; Beasley (1988, 1993).
"""

# mypy: disable-error-code="assignment"

from __future__ import annotations

import numpy as np

from placeopt.base.compiled import compiled
from placeopt.location.subgradient import advance, tally


@compiled
def fill_shares(worth, size, room, x):
    """Fill ``room`` by worth per size, in shares: (value, critical ratio)."""
    n = len(worth)
    for i in range(n):
        x[i] = 0.0
    items = np.flatnonzero(worth > 0)
    value, left = 0.0, room
    for i in items:
        if size[i] <= 0:
            x[i] = 1.0
            value += worth[i]
    real = items[size[items] > 0]
    order = real[np.argsort(-worth[real] / size[real])]
    for i in order:
        if size[i] <= left:
            x[i] = 1.0
            left -= size[i]
            value += worth[i]
        else:
            x[i] = left / size[i]
            value += worth[i] * x[i]
            return value, worth[i] / size[i]
    return value, 0.0


@compiled
def fill_whole(worth, weight, hold, x):
    """The 0-1 knapsack over whole weights by dynamic programming; its value."""
    n = len(worth)
    for i in range(n):
        x[i] = 0.0
    items = np.flatnonzero((worth > 0) & (weight <= hold))
    total = 0
    for i in items:
        total += weight[i]
    if total <= hold:
        value = 0.0
        for i in items:
            x[i] = 1.0
            value += worth[i]
        return value
    best = np.zeros(hold + 1)
    take = np.zeros((len(items), hold + 1), np.bool_)
    for k in range(len(items)):
        w, s = worth[items[k]], weight[items[k]]
        for c in range(hold, s - 1, -1):
            if best[c - s] + w > best[c]:
                best[c] = best[c - s] + w
                take[k, c] = True
    c = hold
    for k in range(len(items) - 1, -1, -1):
        if take[k, c]:
            x[items[k]] = 1.0
            c -= weight[items[k]]
    return best[hold]


@compiled
def fill_all(cost, weight, hold, opening, may, u):
    """(rho, what each site takes) at prices ``u``."""
    n, m = cost.shape
    rho, fill = np.full(m, 1e300), np.zeros((m, n))
    for j in range(m):
        if may[j]:
            rho[j] = opening[j] - fill_whole(u - cost[:, j], weight, hold[j], fill[j])
    return rho, fill


@compiled
def with_and_without(worth, weight, hold):
    """For each item the value of the best fill that holds it (-1e300: it does not fit) and of the
    best that does not."""
    n = len(worth)
    items = np.flatnonzero((worth > 0) & (weight <= hold))
    count = len(items)
    ahead = np.zeros((count + 1, hold + 1))
    behind = np.zeros((count + 1, hold + 1))
    for k in range(count):
        w, s = worth[items[k]], weight[items[k]]
        for c in range(hold + 1):
            value = ahead[k, c]
            if s <= c and ahead[k, c - s] + w > value:
                value = ahead[k, c - s] + w
            ahead[k + 1, c] = value
    for k in range(count - 1, -1, -1):
        w, s = worth[items[k]], weight[items[k]]
        for c in range(hold + 1):
            value = behind[k + 1, c]
            if s <= c and behind[k + 1, c - s] + w > value:
                value = behind[k + 1, c - s] + w
            behind[k, c] = value
    held, lacked = np.full(n, -1e300), np.full(n, behind[0, hold])
    for i in range(n):
        if worth[i] <= 0 and weight[i] <= hold:
            held[i] = worth[i] + behind[0, hold - weight[i]]
    for k in range(count):
        i = items[k]
        with_it, without = 0.0, 0.0
        left = hold - weight[i]
        for c in range(hold + 1):
            without = max(without, ahead[k, c] + behind[k + 1, hold - c])
            if c <= left:
                with_it = max(with_it, ahead[k, c] + behind[k + 1, left - c])
        held[i], lacked[i] = worth[i] + with_it, without
    return held, lacked


@compiled
def choose(rho, bulk, spare, p, must, may, y):
    """Sites at least cost, each whole: their cost.

    Of any number, those left shut hold at most ``spare`` (all capacity less all demand) and cost as
    much as possible: a knapsack.
    """
    m = len(rho)
    if p >= 0:
        total = 0.0
        for j in range(m):
            y[j] = 1.0 if must[j] else 0.0
            total += rho[j] * y[j]
        left = p - must.sum()
        for j in np.argsort(rho):
            if left > 0 and may[j] and not must[j]:
                y[j] = 1.0
                total += rho[j]
                left -= 1
        return total
    worth, total = np.zeros(m), 0.0
    for j in range(m):
        if may[j]:
            total += rho[j]
            if not must[j]:
                worth[j] = rho[j]
    shut = fill_whole(worth, bulk, spare, y)
    for j in range(m):
        y[j] = 1.0 - y[j] if may[j] else 0.0
    return total - shut


@compiled
def forced_sites(rho, bulk, spare, p, must, may):
    """By how much the cost of ``choose`` rises when a site is (opened, shut)."""
    m = len(rho)
    opened, shut = np.zeros(m), np.full(m, np.inf)
    if p >= 0:
        free = rho[may & ~must]
        free.sort()
        left = p - must.sum()
        edge = free[left - 1] if left > 0 else -np.inf
        following = free[left] if left < len(free) else np.inf
        for j in range(m):
            if may[j] and not must[j]:
                opened[j] = max(0.0, rho[j] - edge)
                shut[j] = max(0.0, following - rho[j])
    else:
        worth = np.where(may & ~must, rho, 0.0)
        held, lacked = with_and_without(worth, bulk, spare)
        best = max(held.max(), lacked.max())
        for j in range(m):
            if may[j] and not must[j]:
                opened[j], shut[j] = best - lacked[j], best - held[j]
    for j in range(m):
        if not may[j]:
            opened[j], shut[j] = np.inf, 0.0
    return opened, shut


@compiled
def ascend(
    cost,
    size,
    room,
    weight,
    hold,
    bulk,
    spare,
    opening,
    p,
    must,
    may,
    u,
    target,
    most,
    whole,
    step,
    patience,
):
    """Raise L(u): (best bound, its u, rho, shares of sites y, how often each site was taken, how
    often each pair, step).

    ``weight`` and ``hold`` stand for sizes and rooms where customers go whole: whole numbers that
    never overstate a customer against a site.
    """
    n, m = cost.shape
    rho, y, _x = np.empty(m), np.zeros(m), np.zeros(n)
    served, direction, free = np.empty(n), np.zeros(n), np.full(n, np.inf)
    fill = np.zeros((m, n))
    best, best_u, best_rho, best_y = -1e300, u.copy(), rho.copy(), y.copy()
    frequency, shares = np.zeros(m), np.zeros((n, m))
    u = u.copy()
    stale = 0
    for t in range(most):
        for j in range(m):
            if not may[j]:
                rho[j] = 1e300
                continue
            worth = u - cost[:, j]
            if whole:
                rho[j] = opening[j] - fill_whole(worth, weight, hold[j], fill[j])
            else:
                rho[j] = opening[j] - fill_shares(worth, size, room[j], fill[j])[0]
        value = u.sum()
        value += choose(rho, bulk, spare, p, must, may, y)
        better, stale, back = tally(value, best, target, stale, patience)
        if better:
            best = value
            best_u[:], best_rho[:], best_y[:] = u, rho, y
        if best >= target:
            break
        if back:
            step *= 0.5
            u[:] = best_u
            if step < 2e-3:
                break
        served[:] = 1.0
        for j in range(m):
            frequency[j] = 0.95 * frequency[j] + 0.05 * y[j]
            if y[j] > 0:
                for i in range(n):
                    if fill[j, i] > 0:
                        served[i] -= y[j] * fill[j, i]
                        shares[i, j] += y[j] * fill[j, i]
        if not advance(u, direction, served, t == 0, step, target, value, free):
            break
    return best, best_u, best_rho, best_y, frequency, shares, step


@compiled
def forced_pairs(cost, size, room, may, u, opened):
    """By how much the bound on plans in shares rises when i is sent to j, all of it: (customers,
    sites). ``opened[j]``: when j is opened.

    A share of i at j costs at least that share of (pair - opened) more than opening j: a pair is
    capped by it, not dropped.
    """
    n, m = cost.shape
    pairs, x = np.full((n, m), np.inf), np.zeros(n)
    for j in range(m):
        if not may[j]:
            continue
        _, ratio = fill_shares(u - cost[:, j], size, room[j], x)
        for i in range(n):
            if cost[i, j] < 1e290:
                pairs[i, j] = opened[j] + max(0.0, cost[i, j] - u[i] + size[i] * ratio)
    return pairs
