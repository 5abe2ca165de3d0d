"""The Lagrangian bound of a problem in candidate lists, compiled.

Relaxing "every customer is served once" with multipliers u separates the sites:

    rho[j] = f[j] + sum_i min(0, c[i,j] - u[i])
    L(u)   = sum_i u[i] + the p least rho (or, of any size, all that are negative),  u <= outside

L(u) is a lower bound for every u. Let ``last`` be the largest rho selected and ``first`` the least
left out. A site left out cannot be in a plan cheaper than ``L + rho[j] - last``, and a selected
site cannot be missing from a plan cheaper than ``L - rho[j] + first``: so sites are fixed.

Source: Cornuejols, Fisher and Nemhauser (1977); Christofides and Beasley (1982).
"""

from __future__ import annotations

import numpy as np

from placeopt.base.compiled import compiled
from placeopt.location.subgradient import take_step, track_progress
from placeopt.location.uncapacitated.transpose import transpose


@compiled
def reduced_costs(start, site, cost, opening_cost, u, rho):
    """Set ``rho`` (sites,) to the reduced costs at multipliers ``u`` (customers,)."""
    for j in range(len(opening_cost)):
        rho[j] = opening_cost[j]
    for i in range(len(start) - 1):
        multiplier = u[i]
        for k in range(start[i], start[i + 1]):
            if cost[k] >= multiplier:
                break
            rho[site[k]] += cost[k] - multiplier


@compiled
def select_sites(rho, p, is_selected):
    """Select the sites that the relaxation opens.

    Args:
        rho: Reduced costs, (sites,).
        p: Number of sites; -1 selects all with a negative rho.
        is_selected: Set to the selected sites, (sites,).

    Returns:
        (sum of the selected rho, largest rho selected, least rho left out). With p = -1 the last
        two are 0.
    """
    m = len(rho)
    total = 0.0
    if p < 0:
        for j in range(m):
            is_selected[j] = rho[j] < 0.0
            if is_selected[j]:
                total += rho[j]
        return total, 0.0, 0.0
    if p >= m:
        for j in range(m):
            is_selected[j] = True
            total += rho[j]
        return total, (rho.max() if m else 0.0), np.inf
    if p == 0:
        is_selected[:] = False
        return 0.0, -np.inf, (rho.min() if m else np.inf)
    partitioned = np.partition(rho, p - 1)
    last_selected = partitioned[p - 1]
    remaining = p
    for j in range(m):
        is_selected[j] = rho[j] < last_selected
        if is_selected[j]:
            remaining -= 1
            total += rho[j]
    for j in range(m):
        if remaining > 0 and not is_selected[j] and rho[j] == last_selected:
            is_selected[j] = True
            remaining -= 1
            total += rho[j]
    first_unselected = np.inf
    for j in range(m):
        if not is_selected[j] and rho[j] < first_unselected:
            first_unselected = rho[j]
    return total, last_selected, first_unselected


@compiled
def ascend(
    start, site, cost, outside, opening_cost, p, u, target, constant, max_rounds, step, patience
):
    """Raise the bound by averaged subgradients.

    Args:
        start: First entry of each customer, (customers + 1,).
        site: Site of each entry.
        cost: Cost of each entry.
        outside: Cost of an unserved customer, (customers,).
        opening_cost: Cost of opening, (sites,).
        p: Number of sites to open; -1 is any number.
        u: Multipliers to begin with, (customers,).
        target: Bound at which to stop.
        constant: Cost that every plan has.
        max_rounds: Largest number of rounds.
        step: Step length to begin with.
        patience: Rounds without gain after which the step is halved.

    Returns:
        (best bound, its multipliers, its rho, its selected sites, how often each site was selected,
        rounds, step).
    """
    n, m = len(start) - 1, len(opening_cost)
    site_start, customer, site_cost = transpose(start, site, cost, m)
    rho = np.empty(m)
    is_selected = np.zeros(m, np.bool_)
    subgradient = np.empty(n)
    direction = np.zeros(n)
    open_frequency = np.zeros(m)
    best = -1e300
    best_u, best_rho, best_taken = u.copy(), rho.copy(), is_selected.copy()
    u = u.copy()
    rounds_without_gain, rounds = 0, 0
    while rounds < max_rounds:
        rounds += 1
        reduced_costs(start, site, cost, opening_cost, u, rho)
        value, _edge, _nearest = select_sites(rho, p, is_selected)
        value += constant
        for i in range(n):
            value += u[i]
        is_better, rounds_without_gain, goes_back = track_progress(
            value, best, target, rounds_without_gain, patience
        )
        if is_better:
            best = value
            best_u[:] = u
            best_rho[:] = rho
            best_taken[:] = is_selected
        if best >= target:
            break
        if goes_back:
            step *= 0.5
            u[:] = best_u
            if step < 1e-4:
                break
        for j in range(m):
            open_frequency[j] = 0.92 * open_frequency[j] + (0.08 if is_selected[j] else 0.0)
        subgradient[:] = 1.0
        for j in range(m):
            if is_selected[j]:
                for k in range(site_start[j], site_start[j + 1]):
                    if site_cost[k] < u[customer[k]]:
                        subgradient[customer[k]] -= 1.0
        for i in range(n):
            if u[i] >= outside[i] and subgradient[i] > 0:
                subgradient[i] = 0.0
        if not take_step(u, direction, subgradient, rounds == 1, step, target, value, outside):
            break
    return best, best_u, best_rho, best_taken, open_frequency, rounds, step
