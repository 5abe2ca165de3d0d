"""The Lagrangian bound with capacities, and a plan for a set of sites, compiled.

With prices u on "everybody is served" each site fills its capacity with what pays best:

    v[j]   = min sum_i (c[i,j] - u[i]) x[i]   subject to   sum_i q[i] x[i] <= Q[j]
    rho[j] = f[j] + v[j]
    L(u)   = sum_i u[i] + min sum_j rho[j] y[j]   subject to  sum_j Q[j] y[j] >= sum_i q[i]
                                                  and, where p is given, sum_j y[j] = p

x is 0 or 1 where a customer goes whole to one site (solved by dynamic programming over whole
numbers), a share otherwise (solved by sorting). The choice of y is relaxed to shares.

Source: Holmberg, Ronnqvist and Yuan (1999), "An exact algorithm for the capacitated facility
location problems with single sourcing", EJOR 113; Beasley (1988, 1993).
"""

# mypy: disable-error-code="assignment"
# ruff: noqa: NPY002  (compiled code has numpy's old random functions only; the seed is an argument)

from __future__ import annotations

import numpy as np

from placeopt.location.compiled import compiled
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
def fill_whole(worth, size, room, x):
    """The 0-1 knapsack over whole sizes by dynamic programming; its value."""
    n = len(worth)
    for i in range(n):
        x[i] = 0.0
    items = np.flatnonzero((worth > 0) & (size <= room))
    total = 0.0
    for i in items:
        total += size[i]
    if total <= room:
        value = 0.0
        for i in items:
            x[i] = 1.0
            value += worth[i]
        return value
    capacity = int(room)
    best = np.zeros(capacity + 1)
    take = np.zeros((len(items), capacity + 1), np.bool_)
    for k in range(len(items)):
        w, s = worth[items[k]], int(size[items[k]])
        for c in range(capacity, s - 1, -1):
            if best[c - s] + w > best[c]:
                best[c] = best[c - s] + w
                take[k, c] = True
    c = capacity
    for k in range(len(items) - 1, -1, -1):
        if take[k, c]:
            x[items[k]] = 1.0
            c -= int(size[items[k]])
    return best[capacity]


@compiled
def choose(rho, room, demand, p, must, may, y):
    """Shares of sites at least cost: (value, price of capacity, price of the count)."""
    m = len(rho)
    for j in range(m):
        y[j] = 0.0
    if p >= 0:
        value, count = 0.0, 0
        for j in range(m):
            if must[j]:
                y[j] = 1.0
                value += rho[j]
                count += 1
        order = np.argsort(rho)
        edge = -1e300
        for j in order:
            if count >= p:
                break
            if may[j] and not must[j]:
                y[j] = 1.0
                value += rho[j]
                edge = rho[j]
                count += 1
        return value, 0.0, edge
    value, have = 0.0, 0.0
    for j in range(m):
        if must[j] or (may[j] and rho[j] < 0):
            y[j] = 1.0
            value += rho[j]
            have += room[j]
    price = 0.0
    if have < demand:
        ratio = np.where(may & (y < 0.5) & (room > 0), rho / np.maximum(room, 1e-12), 1e300)
        for j in np.argsort(ratio):
            if ratio[j] >= 1e299 or have >= demand:
                break
            share = min(1.0, (demand - have) / room[j])
            y[j] = share
            value += share * rho[j]
            have += share * room[j]
            price = ratio[j]
    return value, price, 0.0


@compiled
def ascend(cost, size, room, opening, p, must, may, u, target, most, whole, step, patience):
    """Raise L(u): (best bound, its u, rho, shares of sites y, how often each site was taken)."""
    n, m = cost.shape
    rho, y, _x = np.empty(m), np.zeros(m), np.zeros(n)
    served, direction, free = np.empty(n), np.zeros(n), np.full(n, np.inf)
    fill = np.zeros((m, n))
    best, best_u, best_rho, best_y = -1e300, u.copy(), rho.copy(), y.copy()
    frequency = np.zeros(m)
    demand = size.sum()
    u = u.copy()
    stale = 0
    for t in range(most):
        for j in range(m):
            if not may[j]:
                rho[j] = 1e300
                continue
            worth = u - cost[:, j]
            if whole:
                rho[j] = opening[j] - fill_whole(worth, size, room[j], fill[j])
            else:
                rho[j] = opening[j] - fill_shares(worth, size, room[j], fill[j])[0]
        value = choose(rho, room, demand, p, must, may, y)[0] + u.sum()
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
                    served[i] -= y[j] * fill[j, i]
        if not advance(u, direction, served, t == 0, step, target, value, free):
            break
    return best, best_u, best_rho, best_y, frequency


@compiled
def least_forced(cost, size, room, opening, p, must, may, u, bound, rho_used, split):
    """Bounds on plans that are forced to something: (send all of i to j, open j, close j).

    Sorting bounds stand in for the exact ones, so that they hold for shares as well. Where
    customers may be split, a share of i at j costs at least that share of (pair - open) more
    than opening j: a pair is then capped, not dropped.
    """
    n, m = cost.shape
    pairs = np.full((n, m), np.inf)
    closing = np.full(m, -np.inf)
    opened = np.full(m, np.inf)
    y = np.zeros(m)
    demand = size.sum()
    _, price, edge = choose(rho_used, room, demand, p, must, may, y)
    x = np.zeros(n)
    for j in range(m):
        if not may[j]:
            continue
        value, ratio = fill_shares(u - cost[:, j], size, room[j], x)
        lost = rho_used[j] - (opening[j] - value)  # what sorting gives away against the exact one
        reduced = rho_used[j] - price * room[j] - (edge if p >= 0 else 0.0)
        if must[j]:
            reduced = 0.0
        base = bound + max(0.0, reduced) - max(0.0, lost)
        opened[j] = base
        if p >= 0:
            closing[j] = bound if reduced >= 0 else bound - reduced
        else:
            closing[j] = bound - min(0.0, reduced)
        for i in range(n):
            if cost[i, j] < 1e290 and (split or size[i] <= room[j]):
                pairs[i, j] = base + max(0.0, cost[i, j] - u[i] + size[i] * ratio)
    return pairs, opened, closing


@compiled
def assign(cost, size, room, is_open, u, order, to):
    """Send each customer whole to an open site; returns the cost of service, inf if none fits.

    Customers in ``order``, each to the site where cost less price is least and room is left; then
    shifts and exchanges of two while they save.
    """
    n, _m = cost.shape
    left = np.where(is_open, room, -1.0)
    sites = np.flatnonzero(is_open)
    total = 0.0
    for i in order:
        best, where = 1e290, -1
        for j in sites:
            if left[j] >= size[i] and cost[i, j] < best:
                best, where = cost[i, j], j
        if where < 0:
            return np.inf
        to[i] = where
        left[where] -= size[i]
        total += best
    moved = True
    while moved:
        moved = False
        for i in range(n):
            a = to[i]
            for b in sites:
                if b != a and left[b] >= size[i] and cost[i, b] < cost[i, a] - 1e-9:
                    total += cost[i, b] - cost[i, a]
                    left[a] += size[i]
                    left[b] -= size[i]
                    to[i] = b
                    a = b
                    moved = True
            for k in range(i):
                b = to[k]
                if a == b:
                    continue
                if left[a] + size[i] < size[k] or left[b] + size[k] < size[i]:
                    continue
                change = cost[i, b] + cost[k, a] - cost[i, a] - cost[k, b]
                if change < -1e-9:
                    left[a] += size[i] - size[k]
                    left[b] += size[k] - size[i]
                    to[i], to[k] = b, a
                    a = b
                    total += change
                    moved = True
    return total


@compiled
def better_sites(cost, size, room, opening, p, must, may, is_open, u, orders, tries, seed):
    """Exchange, open and close sites while the plan gets cheaper; returns (cost, assignment)."""
    np.random.seed(seed)
    n, m = cost.shape
    to = np.full(n, -1, np.int64)
    best_to = to.copy()
    demand = size.sum()
    best = np.inf
    for order in orders:
        value = assign(cost, size, room, is_open, u, order, to)
        if value < best:
            best = value
            best_to[:] = to
    best += opening[is_open].sum()
    trial = is_open.copy()
    for _t in range(tries):
        trial[:] = is_open
        kind = np.random.randint(3) if p < 0 else 0
        inside = np.flatnonzero(trial & ~must)
        outside = np.flatnonzero(~trial & may)
        if kind <= 1:
            if len(outside) == 0:
                continue
            trial[outside[np.random.randint(len(outside))]] = True
        if kind != 1:
            if len(inside) == 0:
                continue
            trial[inside[np.random.randint(len(inside))]] = False
        if room[trial].sum() < demand:
            continue
        order = orders[np.random.randint(len(orders))]
        value = assign(cost, size, room, trial, u, order, to)
        if not np.isfinite(value):
            continue
        if p < 0:
            used = np.zeros(m, np.bool_)
            for i in range(n):
                used[to[i]] = True
            for j in range(m):
                if trial[j] and not used[j] and not must[j] and opening[j] >= 0:
                    trial[j] = False
        value += opening[trial].sum()
        if value < best - 1e-9:
            best = value
            is_open[:] = trial
            best_to[:] = to
    return best, best_to
