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

from typing import NamedTuple

import numpy as np

from placeopt.base.arrays import Bools, Floats, Ints
from placeopt.base.compiled import compiled
from placeopt.location.capacitated.arrays import CapacitatedArrays

MAX_ALLOWED_COST = 1e290  # costs above it are FORBIDDEN_COST
MAX_PASSES = 20  # of a descent


class ExchangeRule(NamedTuple):
    """The length of a local search and its acceptance of worse plans.

    Attributes:
        rounds: Rounds of shaking.
        seed: Seed of the random numbers.
        slack: Relative cost above the best at which a plan is still accepted; falls to 0.
    """

    rounds: int
    seed: int
    slack: float


class ExchangePlan(NamedTuple):
    """A plan whose arrays are changed in place.

    Attributes:
        is_open: Open sites, (sites,).
        assignment: Site of each customer, (customers,).
        remaining: Capacity left at each site, (sites,); below 0 where it is exceeded.
    """

    is_open: Bools
    assignment: Ints
    remaining: Floats


@compiled
def improve(
    arrays: CapacitatedArrays,
    is_open: Bools,
    assignment: Ints,
    neighbours: Ints,
    rule: ExchangeRule,
) -> float:
    """Improve a plan by iterated local search.

    The search may pass through plans that exceed a capacity. Their penalty rises while plans do so
    and falls while they do not. Only plans that keep every capacity count.

    Args:
        arrays: The problem.
        is_open: Open sites, (sites,); changed in place.
        assignment: Site of each customer, (customers,); changed in place.
        neighbours: Sites to try for each customer, (customers, k).
        rule: How long to go on.

    Returns:
        The cost of the plan; inf if none was found.
    """
    np.random.seed(rule.seed)
    remaining = arrays.capacity.copy()
    for i in range(len(assignment)):
        remaining[assignment[i]] -= arrays.demand[i]
    plan = ExchangePlan(is_open, assignment, remaining)
    penalty = _initial_penalty(arrays, assignment, neighbours)
    best, best_plan = np.inf, _copy(plan)
    current, current_overload, current_plan = np.inf, 0.0, _copy(plan)
    for t in range(rule.rounds + 1):
        if t > 0:
            for _again in range(1 + np.random.randint(3)):
                if not _shake(arrays, plan, neighbours, penalty):
                    break
        _descend(arrays, plan, neighbours, penalty)
        overload = 0.0
        for j in range(len(remaining)):
            overload += _overload(remaining[j])
        value = plan_cost(arrays, is_open, assignment)
        if overload <= 1e-9:
            if value < best - 1e-9:
                best = value
                _overwrite(best_plan, plan)
            penalty *= 0.95
        else:
            penalty *= 1.2
        accept_below = (current + penalty * current_overload) * (
            1.0 + rule.slack * (1.0 - t / (rule.rounds + 1))
        )
        if value + penalty * overload < accept_below:
            current, current_overload = value, overload
            _overwrite(current_plan, plan)
        else:
            _overwrite(plan, current_plan)
    is_open[:], assignment[:] = best_plan.is_open, best_plan.assignment
    return best


@compiled
def plan_cost(arrays: CapacitatedArrays, is_open: Bools, assignment: Ints) -> float:
    """The cost of a plan: opening its sites and serving its customers."""
    total = 0.0
    for j in range(len(arrays.opening_cost)):
        if is_open[j]:
            total += arrays.opening_cost[j]
    for i in range(len(assignment)):
        total += arrays.cost[i, assignment[i]]
    return total


@compiled
def _initial_penalty(arrays: CapacitatedArrays, assignment: Ints, neighbours: Ints) -> float:
    """The penalty of a unit of overload to begin with: about a site and a customer for each."""
    cost = arrays.cost
    penalty = np.abs(arrays.opening_cost).mean() + 1.0
    for i in range(len(assignment)):
        farthest = cost[i, neighbours[i, neighbours.shape[1] - 1]]
        is_allowed = farthest < MAX_ALLOWED_COST
        penalty += (farthest if is_allowed else cost[i, assignment[i]]) / len(assignment)
    return float(penalty / max(arrays.demand.mean(), 1e-9))


@compiled
def _copy(plan: ExchangePlan) -> ExchangePlan:
    """A copy of a plan."""
    return ExchangePlan(plan.is_open.copy(), plan.assignment.copy(), plan.remaining.copy())


@compiled
def _overwrite(plan: ExchangePlan, other: ExchangePlan) -> None:
    """Make ``plan`` equal to ``other``."""
    plan.is_open[:] = other.is_open
    plan.assignment[:] = other.assignment
    plan.remaining[:] = other.remaining


@compiled
def _overload(remaining: float) -> float:
    """By how much a site exceeds its capacity."""
    return -remaining if remaining < 0 else 0.0


@compiled
def _descend(
    arrays: CapacitatedArrays, plan: ExchangePlan, neighbours: Ints, penalty: float
) -> None:
    """Improve assignment and open sites in turn until neither saves."""
    for _pass in range(MAX_PASSES):
        change = _improve_assignment(arrays, plan, penalty)
        change += _improve_open_sites(arrays, plan, neighbours, penalty)
        if change > -1e-9:
            break


@compiled
def _improve_assignment(arrays: CapacitatedArrays, plan: ExchangePlan, penalty: float) -> float:
    """Shift and exchange customers until no move saves; returns the change of cost."""
    cost, demand = arrays.cost, arrays.demand
    is_open, assignment, remaining = plan
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
    arrays: CapacitatedArrays, plan: ExchangePlan, neighbours: Ints, penalty: float
) -> float:
    """One pass of opening, closing and replacing sites; returns the change of cost."""
    opening_cost, must_open, may_open = arrays.opening_cost, arrays.must_open, arrays.may_open
    is_open, assignment = plan.is_open, plan.assignment
    is_size_free = arrays.p < 0
    m = len(opening_cost)
    total_change = 0.0
    trial = _copy(plan)
    for j in np.random.permutation(m):
        if not is_size_free or is_open[j] or not may_open[j]:
            continue
        _overwrite(trial, plan)
        change = opening_cost[j] + _attract_customers(arrays, trial, j, penalty)
        if change < -1e-9:
            _overwrite(plan, trial)
            is_open[j] = True
            total_change += change
    for closing in np.random.permutation(m):
        if not is_open[closing] or must_open[closing]:
            continue
        if is_size_free:
            _overwrite(trial, plan)
            change = (
                _reassign_customers(arrays, trial, closing, -1, penalty) - opening_cost[closing]
            )
            if change < -1e-9:
                _overwrite(plan, trial)
                is_open[closing] = False
                total_change += change
                continue
        members = np.flatnonzero(assignment == closing)
        if len(members) == 0:
            continue
        i = members[np.random.randint(len(members))]
        for k in range(neighbours.shape[1]):
            j = neighbours[i, k]
            if is_open[j] or not may_open[j]:
                continue
            _overwrite(trial, plan)
            change = _reassign_customers(arrays, trial, closing, j, penalty)
            if np.isinf(change):
                continue
            change += (
                opening_cost[j]
                - opening_cost[closing]
                + _attract_customers(arrays, trial, j, penalty)
            )
            if change < -1e-9:
                _overwrite(plan, trial)
                is_open[closing], is_open[j] = False, True
                total_change += change
                break
    return total_change


@compiled
def _reassign_customers(
    arrays: CapacitatedArrays, plan: ExchangePlan, closed_site: int, new_site: int, penalty: float
) -> float:
    """Move the customers of ``closed_site``, largest first, to open sites or ``new_site``.

    The plan's assignment and remaining capacities are changed in place, its open sites are not.
    Returns the change of cost, with ``penalty`` for each unit of overload; inf if a customer has
    nowhere to go.
    """
    cost, demand = arrays.cost, arrays.demand
    is_open, assignment, remaining = plan
    members = np.flatnonzero(assignment == closed_site)
    members = members[np.argsort(-demand[members])]
    change = 0.0
    for i in members:
        cheapest, cheapest_site = MAX_ALLOWED_COST, -1
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
def _attract_customers(
    arrays: CapacitatedArrays, plan: ExchangePlan, j: int, penalty: float
) -> float:
    """Move to site j the customers that are cheaper there and fit, largest saving per demand first.

    The plan's assignment and remaining capacities are changed in place. Returns the change of cost.
    """
    cost, demand = arrays.cost, arrays.demand
    _is_open, assignment, remaining = plan
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
def _shake(arrays: CapacitatedArrays, plan: ExchangePlan, neighbours: Ints, penalty: float) -> bool:
    """Replace a random site by one nearby; where p is free, perhaps only open or close one.

    Returns whether the move was made.
    """
    is_open, assignment, remaining = plan
    i = np.random.randint(len(assignment))
    j = neighbours[i, np.random.randint(neighbours.shape[1])]
    closing = assignment[i]
    move = np.random.randint(3) if arrays.p < 0 else 0
    may_open_j = arrays.may_open[j] and not is_open[j]
    if move == 1:
        if not may_open_j:
            return False
        is_open[j] = True
        _attract_customers(arrays, plan, j, penalty)
        return True
    if arrays.must_open[closing] or (move == 0 and not may_open_j):
        return False
    new_site = j if move == 0 else -1
    old_assignment, old_remaining = assignment.copy(), remaining.copy()
    if np.isinf(_reassign_customers(arrays, plan, closing, new_site, penalty)):
        assignment[:], remaining[:] = old_assignment, old_remaining
        return False
    is_open[closing] = False
    if new_site >= 0:
        is_open[new_site] = True
    return True
