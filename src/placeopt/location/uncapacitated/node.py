"""One node of the tree over a problem in candidate lists, compiled.

A node has fixed some sites open (1) and some closed (-1). Closed sites leave the lists. An open
site caps what each customer pays, ``outside = min(outside, c[i,j])``, so it leaves the lists too,
with every entry that costs more. What remains is the same kind of problem, smaller. Its
Lagrangian bound fixes more sites, until nothing changes.

Source: Christofides and Beasley (1982), "A tree search algorithm for the p-median problem",
European Journal of Operational Research 10; Beasley (1985).
"""

from __future__ import annotations

import numpy as np

from placeopt.base.compiled import compiled
from placeopt.location.uncapacitated.lagrangian import ascend, select_sites


@compiled
def reduce_problem(start, site, cost, outside, opening_cost, p, fixed):
    """The problem that remains after fixing sites.

    Args:
        start: First entry of each customer, (customers + 1,).
        site: Site of each entry.
        cost: Cost of each entry.
        outside: Cost of an unserved customer, (customers,).
        opening_cost: Cost of opening, (sites,).
        p: Number of sites to open; -1 is any number.
        fixed: 1 for sites fixed open, -1 for closed, 0 for free, (sites,).

    Returns:
        (start, site, cost, outside, opening_cost, p, constant, free sites).
    """
    n, m = len(start) - 1, len(opening_cost)
    free = np.flatnonzero(fixed == 0)
    new_index = np.full(m, -1, np.int32)
    for k in range(len(free)):
        new_index[free[k]] = k
    constant = 0.0
    p_left = p
    for j in range(m):
        if fixed[j] == 1:
            constant += opening_cost[j]
            p_left -= 1
    if p < 0:
        p_left = -1
    new_start = np.zeros(n + 1, np.int64)
    new_site = np.empty(len(site), np.int32)
    new_cost = np.empty(len(site), np.float64)
    new_outside = outside.copy()
    length = 0
    for i in range(n):
        for k in range(start[i], start[i + 1]):
            if cost[k] >= new_outside[i]:
                break
            status = fixed[site[k]]
            if status == 1:
                new_outside[i] = cost[k]
                break
            if status == 0:
                new_site[length] = new_index[site[k]]
                new_cost[length] = cost[k]
                length += 1
        new_start[i + 1] = length
    return (
        new_start,
        new_site[:length].copy(),
        new_cost[:length].copy(),
        new_outside,
        opening_cost[free],
        p_left,
        constant,
        free,
    )


@compiled
def fix_sites(bound, rho, is_selected, p, cutoff, free, fixed):
    """Fix sites that every plan below ``cutoff`` opens or leaves closed; returns how many."""
    count = 0
    is_selected_again = np.zeros(len(rho), np.bool_)
    _total, last_selected, first_unselected = select_sites(rho, p, is_selected_again)
    for k in range(len(rho)):
        if is_selected[k]:
            if bound - rho[k] + first_unselected > cutoff:
                fixed[free[k]] = 1
                count += 1
        elif bound + rho[k] - last_selected > cutoff:
            fixed[free[k]] = -1
            count += 1
    return count


@compiled
def cost_if_open(start, site, cost, outside, opening_cost, fixed):
    """The cost of the plan that opens every site fixed open."""
    total = 0.0
    for j in range(len(opening_cost)):
        if fixed[j] == 1:
            total += opening_cost[j]
    for i in range(len(start) - 1):
        cheapest = outside[i]
        for k in range(start[i], start[i + 1]):
            if cost[k] >= cheapest:
                break
            if fixed[site[k]] == 1:
                cheapest = cost[k]
                break
        total += cheapest
    return total


@compiled
def bound_node(
    start, site, cost, outside, opening_cost, p, fixed, u, cutoff, max_rounds, step, patience
):
    """Bound one node; ``fixed`` (sites,) and ``u`` (customers,) are changed in place.

    Returns:
        (bound, multipliers, how often each free site was selected, cost of a plan or inf, its
        sites, rounds). The frequencies are -1 for sites that are not free. The bound is inf if the
        node has no plan below ``cutoff``.
    """
    m = len(opening_cost)
    plan_cost, plan = np.inf, fixed.copy()
    bound, rounds = -1e300, 0
    open_frequency = np.full(m, -1.0)
    while True:
        start_left, site_left, cost_left, outside_left, opening_left, p_left, constant, free = (
            reduce_problem(start, site, cost, outside, opening_cost, p, fixed)
        )
        if p >= 0 and (p_left < 0 or len(free) < p_left):
            return np.inf, u, open_frequency, plan_cost, plan, rounds
        if p_left == 0 or len(free) == 0 or (p >= 0 and len(free) == p_left):
            for k in range(len(free)):
                fixed[free[k]] = 1 if (p >= 0 and len(free) == p_left) else -1
            value = cost_if_open(start, site, cost, outside, opening_cost, fixed)
            if value < plan_cost:
                plan_cost, plan = value, fixed.copy()
            return np.inf, u, open_frequency, plan_cost, plan, rounds
        for i in range(len(u)):
            if u[i] > outside_left[i]:
                u[i] = outside_left[i]
        new_bound, u, rho, is_selected, frequency, rounds_used, new_step = ascend(
            start_left,
            site_left,
            cost_left,
            outside_left,
            opening_left,
            p_left,
            u,
            cutoff + 1e-9,
            constant,
            max_rounds,
            step,
            patience,
        )
        rounds += rounds_used
        if new_bound > bound:
            bound = new_bound
        if bound > cutoff:
            return np.inf, u, open_frequency, plan_cost, plan, rounds
        selected = fixed.copy()
        for k in range(len(free)):
            selected[free[k]] = 1 if is_selected[k] else -1
        value = cost_if_open(start, site, cost, outside, opening_cost, selected)
        if value < plan_cost:
            plan_cost, plan = value, selected
        fixed_now = fix_sites(new_bound, rho, is_selected, p_left, cutoff, free, fixed)
        if fixed_now < 1 + len(free) // 10:
            free_left = 0
            for k in range(len(free)):
                if fixed[free[k]] == 0:
                    open_frequency[free[k]] = frequency[k]
                    free_left += 1
            if free_left > 0:
                break
        step = max(new_step, 0.05)
    return bound, u, open_frequency, plan_cost, plan, rounds
