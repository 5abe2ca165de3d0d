"""Local search for single-source problems with capacities, compiled.

Moves: shift a customer, exchange two, open a site for the customers that it serves more cheaply,
close a site and reassign its customers, replace one site by another. Then shake, descend again,
and keep the better plan (iterated local search). The plan returned keeps every capacity.

Source: Ahuja, Orlin, Pallottino, Scaparra and Scutella (2004), "A multi-exchange heuristic for
the single-source capacitated facility location problem", Management Science 50 (its single and
pairwise exchanges and its facility moves).
"""

# mypy: disable-error-code="assignment"
# ruff: noqa: NPY002  (compiled code has numpy's old random functions only; the seed is an argument)

from __future__ import annotations

import numpy as np

from placeopt.base.compiled import compiled


@compiled
def plan_cost(cost, opening_cost, is_open, assignment):
    """The cost of a plan: opening its sites and serving its customers."""
    total = 0.0
    for j in range(len(opening_cost)):
        if is_open[j]:
            total += opening_cost[j]
    for i in range(len(assignment)):
        total += cost[i, assignment[i]]
    return total


@compiled
def _overload(remaining):
    """By how much a site exceeds its capacity."""
    return -remaining if remaining < 0 else 0.0


@compiled
def _reassign_customers(
    cost, demand, is_open, assignment, remaining, closed_site, new_site, penalty
):
    """Move the customers of ``closed_site``, largest first, to open sites or ``new_site``.

    ``assignment`` and ``remaining`` are changed in place. Returns the change of cost, with
    ``penalty`` for each unit of overload; inf if a customer has nowhere to go.
    """
    members = np.flatnonzero(assignment == closed_site)
    members = members[np.argsort(-demand[members])]
    change = 0.0
    for i in members:
        cheapest, cheapest_site = 1e290, -1
        for j in range(len(remaining)):
            if (is_open[j] or j == new_site) and j != closed_site:
                cost_there = cost[i, j] + penalty * (
                    _overload(remaining[j] - demand[i]) - _overload(remaining[j])
                )
                if cost_there < cheapest:
                    cheapest, cheapest_site = cost_there, j
        if cheapest_site < 0:
            return np.inf
        change += (
            cheapest
            - cost[i, closed_site]
            + penalty
            * (_overload(remaining[closed_site] + demand[i]) - _overload(remaining[closed_site]))
        )
        assignment[i] = cheapest_site
        remaining[cheapest_site] -= demand[i]
        remaining[closed_site] += demand[i]
    return change


@compiled
def _attract_customers(cost, demand, assignment, remaining, j, penalty):
    """Move to site j the customers that are cheaper there and fit, largest saving per demand first.

    ``assignment`` and ``remaining`` are changed in place. Returns the change of cost.
    """
    n = len(assignment)
    saving = np.empty(n)
    for i in range(n):
        current = assignment[i]
        relief = (
            penalty * (_overload(remaining[current]) - _overload(remaining[current] + demand[i]))
            if current != j
            else 0.0
        )
        saving[i] = (cost[i, current] + relief - cost[i, j]) / max(demand[i], 1e-9)
    change = 0.0
    for i in np.argsort(-saving):
        if saving[i] <= 1e-12:
            break
        current = assignment[i]
        if demand[i] <= remaining[j] and current != j:
            delta = (
                cost[i, j]
                - cost[i, current]
                + penalty
                * (_overload(remaining[current] + demand[i]) - _overload(remaining[current]))
            )
            if delta < -1e-9:
                change += delta
                remaining[current] += demand[i]
                remaining[j] -= demand[i]
                assignment[i] = j
    return change


@compiled
def _improve_assignment(cost, demand, is_open, assignment, remaining, penalty):
    """Shift and exchange customers until no move saves; returns the change of cost."""
    n = len(assignment)
    sites = np.flatnonzero(is_open)
    change = 0.0
    has_moved = True
    while has_moved:
        has_moved = False
        for i in range(n):
            a = assignment[i]
            saved_here = (
                penalty * (_overload(remaining[a] + demand[i]) - _overload(remaining[a]))
                - cost[i, a]
            )
            best_delta, best_site = -1e-9, -1
            for b in sites:
                if b != a:
                    delta = (
                        cost[i, b]
                        + saved_here
                        + penalty * (_overload(remaining[b] - demand[i]) - _overload(remaining[b]))
                    )
                    if delta < best_delta:
                        best_delta, best_site = delta, b
            if best_site >= 0:
                change += best_delta
                remaining[a] += demand[i]
                remaining[best_site] -= demand[i]
                assignment[i] = best_site
                has_moved = True
            for k in range(i):
                a, b = assignment[i], assignment[k]
                if a == b:
                    continue
                delta = cost[i, b] + cost[k, a] - cost[i, a] - cost[k, b]
                difference = demand[i] - demand[k]
                delta += penalty * (_overload(remaining[a] + difference) - _overload(remaining[a]))
                delta += penalty * (_overload(remaining[b] - difference) - _overload(remaining[b]))
                if delta < -1e-9:
                    remaining[a] += difference
                    remaining[b] -= difference
                    assignment[i], assignment[k] = b, a
                    change += delta
                    has_moved = True
    return change


@compiled
def _improve_open_sites(
    cost,
    demand,
    opening_cost,
    p,
    must_open,
    may_open,
    is_open,
    assignment,
    remaining,
    neighbours,
    penalty,
):
    """One pass of opening, closing and replacing sites; returns the change of cost."""
    m = len(opening_cost)
    total_change = 0.0
    trial_assignment, trial_remaining = assignment.copy(), remaining.copy()
    for j in np.random.permutation(m):
        if p >= 0 or is_open[j] or not may_open[j]:
            continue
        trial_assignment[:], trial_remaining[:] = assignment, remaining
        change = opening_cost[j] + _attract_customers(
            cost, demand, trial_assignment, trial_remaining, j, penalty
        )
        if change < -1e-9:
            assignment[:], remaining[:] = trial_assignment, trial_remaining
            is_open[j] = True
            total_change += change
    for r in np.random.permutation(m):
        if not is_open[r] or must_open[r]:
            continue
        if p < 0:
            trial_assignment[:], trial_remaining[:] = assignment, remaining
            change = (
                _reassign_customers(
                    cost, demand, is_open, trial_assignment, trial_remaining, r, -1, penalty
                )
                - opening_cost[r]
            )
            if change < -1e-9:
                assignment[:], remaining[:] = trial_assignment, trial_remaining
                is_open[r] = False
                total_change += change
                continue
        members = np.flatnonzero(assignment == r)
        if len(members) == 0:
            continue
        i = members[np.random.randint(len(members))]
        for k in range(neighbours.shape[1]):
            j = neighbours[i, k]
            if is_open[j] or not may_open[j]:
                continue
            trial_assignment[:], trial_remaining[:] = assignment, remaining
            change = _reassign_customers(
                cost, demand, is_open, trial_assignment, trial_remaining, r, j, penalty
            )
            if np.isinf(change):
                continue
            change += (
                opening_cost[j]
                - opening_cost[r]
                + _attract_customers(cost, demand, trial_assignment, trial_remaining, j, penalty)
            )
            if change < -1e-9:
                assignment[:], remaining[:] = trial_assignment, trial_remaining
                is_open[r], is_open[j] = False, True
                total_change += change
                break
    return total_change


@compiled
def _shake(
    cost, demand, p, must_open, may_open, is_open, assignment, remaining, neighbours, penalty
):
    """Replace a random site by one nearby; where p is free, perhaps only open or close one.

    Returns whether the move was made.
    """
    i = np.random.randint(len(assignment))
    j = neighbours[i, np.random.randint(neighbours.shape[1])]
    r = assignment[i]
    move = np.random.randint(3) if p < 0 else 0
    if move == 1:
        if is_open[j] or not may_open[j]:
            return False
        is_open[j] = True
        _attract_customers(cost, demand, assignment, remaining, j, penalty)
        return True
    if must_open[r]:
        return False
    new_site = -1
    if move == 0:
        if is_open[j] or not may_open[j]:
            return False
        new_site = j
    old_assignment, old_remaining = assignment.copy(), remaining.copy()
    if np.isinf(
        _reassign_customers(cost, demand, is_open, assignment, remaining, r, new_site, penalty)
    ):
        assignment[:], remaining[:] = old_assignment, old_remaining
        return False
    is_open[r] = False
    if new_site >= 0:
        is_open[new_site] = True
    return True


@compiled
def improve(
    cost,
    demand,
    capacity,
    opening_cost,
    p,
    must_open,
    may_open,
    is_open,
    assignment,
    neighbours,
    rounds,
    seed,
    slack,
):
    """Improve a plan by iterated local search.

    The search may pass through plans that exceed a capacity. Their penalty rises while plans do so
    and falls while they do not. Only plans that keep every capacity count.

    Args:
        cost: Cost of serving, (customers, sites).
        demand: Demand, (customers,).
        capacity: Capacity, (sites,).
        opening_cost: Cost of opening, (sites,).
        p: Number of sites to open; -1 is any number.
        must_open: Sites that stay open, (sites,).
        may_open: Sites that may open, (sites,).
        is_open: Open sites, (sites,); changed in place.
        assignment: Site of each customer, (customers,); changed in place.
        neighbours: Sites to try for each customer, (customers, k).
        rounds: Rounds of shaking.
        seed: Seed of the random numbers.
        slack: Relative cost above the best at which a plan is still accepted; falls to 0.

    Returns:
        The cost of the plan; inf if none was found.
    """
    np.random.seed(seed)
    m = len(opening_cost)
    remaining = capacity.copy()
    for i in range(len(assignment)):
        remaining[assignment[i]] -= demand[i]
    penalty = np.abs(opening_cost).mean() + 1.0
    for i in range(len(assignment)):
        farthest = cost[i, neighbours[i, neighbours.shape[1] - 1]]
        penalty += (farthest if farthest < 1e290 else cost[i, assignment[i]]) / len(assignment)
    penalty /= max(demand.mean(), 1e-9)
    best, best_open, best_assignment = np.inf, is_open.copy(), assignment.copy()
    current, current_overload = np.inf, 0.0
    current_open, current_assignment, current_remaining = (
        is_open.copy(),
        assignment.copy(),
        remaining.copy(),
    )
    for t in range(rounds + 1):
        if t > 0:
            for _again in range(1 + np.random.randint(3)):
                if not _shake(
                    cost,
                    demand,
                    p,
                    must_open,
                    may_open,
                    is_open,
                    assignment,
                    remaining,
                    neighbours,
                    penalty,
                ):
                    break
        for _pass in range(20):
            change = _improve_assignment(cost, demand, is_open, assignment, remaining, penalty)
            change += _improve_open_sites(
                cost,
                demand,
                opening_cost,
                p,
                must_open,
                may_open,
                is_open,
                assignment,
                remaining,
                neighbours,
                penalty,
            )
            if change > -1e-9:
                break
        overload = 0.0
        for j in range(m):
            overload += _overload(remaining[j])
        value = plan_cost(cost, opening_cost, is_open, assignment)
        if overload <= 1e-9:
            if value < best - 1e-9:
                best = value
                best_open[:], best_assignment[:] = is_open, assignment
            penalty *= 0.95
        else:
            penalty *= 1.2
        accept_below = (current + penalty * current_overload) * (
            1.0 + slack * (1.0 - t / (rounds + 1))
        )
        if value + penalty * overload < accept_below:
            current, current_overload = value, overload
            current_open[:], current_assignment[:], current_remaining[:] = (
                is_open,
                assignment,
                remaining,
            )
        else:
            is_open[:], assignment[:], remaining[:] = (
                current_open,
                current_assignment,
                current_remaining,
            )
    is_open[:], assignment[:] = best_open, best_assignment
    return best
