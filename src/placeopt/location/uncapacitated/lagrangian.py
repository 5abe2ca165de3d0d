"""The Lagrangian bound of a problem in candidate lists, compiled.

Relaxing "every customer is served once" with prices u leaves each site to itself:

    rho[j] = f[j] + sum_i min(0, c[i,j] - u[i])
    L(u)   = sum_i u[i] + the p least rho (or, of any size, all that are negative),  u <= outside

L(u) is a lower bound for every u. With (first, next) the dearest rho taken and the cheapest left
out, a site left out cannot be in a plan cheaper than ``L + rho[j] - first``, and a site taken
cannot be missing from a plan cheaper than ``L - rho[j] + next``: so sites are fixed.

Source: Cornuejols, Fisher and Nemhauser (1977); Christofides and Beasley (1982).
"""

from __future__ import annotations

import numpy as np

from placeopt.base.compiled import compiled
from placeopt.location.subgradient import take_step, track_progress
from placeopt.location.uncapacitated.transpose import turn


@compiled
def reduced_costs(start, site, cost, opening, u, rho):
    """Fill ``rho`` for the prices ``u``."""
    for j in range(len(opening)):
        rho[j] = opening[j]
    for i in range(len(start) - 1):
        price = u[i]
        for k in range(start[i], start[i + 1]):
            if cost[k] >= price:
                break
            rho[site[k]] += cost[k] - price


@compiled
def take(rho, p, taken):
    """Mark the sites that the relaxation opens; returns (their sum, dearest taken, cheapest left).

    p = -1: all with a negative rho. Of any size the two thresholds are 0.
    """
    m = len(rho)
    total = 0.0
    if p < 0:
        for j in range(m):
            taken[j] = rho[j] < 0.0
            if taken[j]:
                total += rho[j]
        return total, 0.0, 0.0
    if p >= m:
        for j in range(m):
            taken[j] = True
            total += rho[j]
        return total, (rho.max() if m else 0.0), np.inf
    if p == 0:
        taken[:] = False
        return 0.0, -np.inf, (rho.min() if m else np.inf)
    parted = np.partition(rho, p - 1)
    edge = parted[p - 1]
    left = p
    for j in range(m):
        taken[j] = rho[j] < edge
        if taken[j]:
            left -= 1
            total += rho[j]
    for j in range(m):
        if left > 0 and not taken[j] and rho[j] == edge:
            taken[j] = True
            left -= 1
            total += rho[j]
    nearest = np.inf
    for j in range(m):
        if not taken[j] and rho[j] < nearest:
            nearest = rho[j]
    return total, edge, nearest


@compiled
def ascend(start, site, cost, outside, opening, p, u, target, constant, most, step, patience):
    """Raise the bound by averaged subgradients; stops at ``target`` or after ``most`` rounds.

    Returns (best bound, its prices, its rho, its taken sites, averaged openings, rounds, step).
    """
    n, m = len(start) - 1, len(opening)
    begin, customer, by_site = turn(start, site, cost, m)
    rho = np.empty(m)
    taken = np.zeros(m, np.bool_)
    served = np.empty(n)
    direction = np.zeros(n)
    average = np.zeros(m)
    best = -1e300
    best_u, best_rho, best_taken = u.copy(), rho.copy(), taken.copy()
    u = u.copy()
    stale, rounds = 0, 0
    while rounds < most:
        rounds += 1
        reduced_costs(start, site, cost, opening, u, rho)
        value, _edge, _nearest = take(rho, p, taken)
        value += constant
        for i in range(n):
            value += u[i]
        better, stale, back = track_progress(value, best, target, stale, patience)
        if better:
            best = value
            best_u[:] = u
            best_rho[:] = rho
            best_taken[:] = taken
        if best >= target:
            break
        if back:
            step *= 0.5
            u[:] = best_u
            if step < 1e-4:
                break
        for j in range(m):
            average[j] = 0.92 * average[j] + (0.08 if taken[j] else 0.0)
        served[:] = 1.0
        for j in range(m):
            if taken[j]:
                for k in range(begin[j], begin[j + 1]):
                    if by_site[k] < u[customer[k]]:
                        served[customer[k]] -= 1.0
        for i in range(n):
            if u[i] >= outside[i] and served[i] > 0:
                served[i] = 0.0
        if not take_step(u, direction, served, rounds == 1, step, target, value, outside):
            break
    return best, best_u, best_rho, best_taken, average, rounds, step
