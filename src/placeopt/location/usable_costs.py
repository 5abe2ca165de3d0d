"""Forbid what costs more than a known plan, so that one huge number does not spoil a proof.

Methods and engines compare with tolerances that are relative to the largest numbers they see. A
huge number among ordinary ones (1e9 for "no way") would make these tolerances larger than the
differences between plans. No best plan uses a pair or opens a site that costs more than a known
plan, so such pairs are forbidden and such sites closed before a problem is solved. Where no good
plan is known before, the problem is solved again below its own plan's cost, until its numbers are
of the size of its cost.

Where customers may be split, a pair may be used in part. If demands and capacities are multiples
of a common unit, a best plan exists whose flows are too, so that a customer's share is at least
unit / demand. If they are not, and a cost is huge, the solution is not called proven.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from placeopt.base.arrays import Floats, Ints
from placeopt.base.deadline import Deadline
from placeopt.engine.interrupts import interrupted
from placeopt.engine.result import Status
from placeopt.location.distances import Matrix
from placeopt.location.objective_values import objective_of
from placeopt.location.solution import Solution
from placeopt.location.statement import (
    CAPACITATED,
    CAPACITATED_P_MEDIAN,
    COVERING,
    FACILITY_LOCATION,
    P_MEDIAN,
    SINGLE_SOURCE,
    Problem,
)
from placeopt.location.uncapacitated.candidate_lists import MAX_DENSE_PAIRS

MAX_RATIO = 1e3  # largest cost that a plan could use, as a multiple of a known plan's
SERVING_KINDS = (P_MEDIAN, FACILITY_LOCATION, SINGLE_SOURCE, CAPACITATED_P_MEDIAN)
OPENING_KINDS = (FACILITY_LOCATION, SINGLE_SOURCE, CAPACITATED, COVERING)
MAX_SPLIT_RATIO = 1e8  # the same where pairs cannot be forbidden
MAX_DECIMALS = 6  # decimals of demands and capacities up to which a common unit is looked for
MIN_SECONDS = 0.5  # time for a further solve

Solve = Callable[[Problem, float], Solution]


def solve_usable(problem: Problem, time_limit_seconds: float, solve: Solve) -> Solution:
    """Solve ``problem`` with numbers of the size of its plans only; see the module's text.

    Args:
        problem: The problem.
        time_limit_seconds: Time limit.
        solve: Solves a problem within a time limit.

    Returns:
        The solution. It is not proven if time ended before numbers were of one size.
    """
    costs = _costs(problem)
    if costs is None:
        return solve(problem, time_limit_seconds)
    deadline = Deadline(time_limit_seconds)
    best = _cheap_plan(problem, costs)
    usable = problem
    if best is not None and _is_wide(costs, best):
        usable = _restrict(problem, costs, best)
        costs = costs.up_to(_amount(costs, best))
    while True:
        found = solve(usable, deadline.seconds_left(at_least=MIN_SECONDS))
        found = replace(found, problem=problem)
        if found.objective is None:
            return found if best is None else _unproven(best, costs)
        if found.objective <= costs.least:
            return found
        if not _is_wide(costs, found):
            is_safe = costs.largest_split <= MAX_SPLIT_RATIO * _amount(costs, found)
            return found if is_safe else _unproven(found, costs)
        if deadline.seconds_left() < MIN_SECONDS or interrupted():
            return _unproven(found, costs)
        usable = _restrict(problem, costs, found)
        costs = costs.up_to(_amount(costs, found))
        best = found


@dataclass(frozen=True)
class _Costs:
    """The costs that a plan of a problem adds up.

    Attributes:
        largest: The largest cost of a pair or site that a plan could use.
        least: A cost below which there is no plan.
        gained: The sum of negative opening costs, as a positive number.
        largest_split: The largest cost of a pair of which any share may be used.
    """

    largest: float
    least: float
    gained: float
    largest_split: float

    def up_to(self, most: float) -> _Costs:
        """The costs without those above ``most``."""
        return replace(self, largest=min(self.largest, most))


def _costs(problem: Problem) -> _Costs | None:
    """The costs of a problem; None if huge numbers do no harm or no customer can be served."""
    opens = problem.kind in OPENING_KINDS
    if problem.kind not in (*SERVING_KINDS, *OPENING_KINDS):
        return None
    if problem.customers * problem.sites > MAX_DENSE_PAIRS:
        return None
    largest, least, gained, largest_split = 0.0, 0.0, 0.0, 0.0
    if problem.kind != COVERING:
        distance = _allowed_distances(problem)
        nearest = distance.min(axis=1, initial=np.inf)
        if not np.isfinite(nearest).all():
            return None
        least = float(problem.weights @ nearest)
        farthest = np.where(np.isfinite(distance), distance, 0.0).max(axis=1, initial=0.0)
        share = _least_shares(problem)
        largest = float((problem.weights * farthest * share).max(initial=0.0))
        largest_split = float((problem.weights * farthest)[share == 0].max(initial=0.0))
    if opens:
        opening = problem.fixed_costs[problem.free]
        must_open = np.isin(problem.free, problem.opened_positions)
        gained = float(-opening[opening < 0].sum())
        least += float(opening[(opening < 0) | must_open].sum())
        largest = max(largest, float(opening[~must_open].max(initial=0.0)))
    return _Costs(largest, least, gained, largest_split)


def _least_shares(problem: Problem) -> Floats:
    """The least share of each customer that some best plan serves from a site, (customers,)."""
    shares = np.ones(problem.customers)
    if problem.kind == CAPACITATED:
        capacities = np.asarray(problem.capacities)
        unit = _common_unit(np.concatenate([problem.demands, capacities[np.isfinite(capacities)]]))
        is_demand = problem.demands > 0
        shares[is_demand] = np.minimum(1.0, unit / problem.demands[is_demand])
    return shares


def _common_unit(values: Floats) -> float:
    """The largest number of which all ``values`` are multiples; 0 if there is plainly none."""
    for decimals in range(MAX_DECIMALS + 1):
        scaled = values * 10.0**decimals
        whole = np.round(scaled)
        if scaled.max(initial=0.0) < 2.0**53 and (np.abs(scaled - whole) <= 1e-9 * scaled).all():
            return float(np.gcd.reduce(whole.astype(np.int64))) / 10.0**decimals
    return 0.0


def _allowed_distances(problem: Problem) -> Floats:
    """Distances, (customers, sites); inf where a plan cannot serve."""
    distance = np.array(problem.distances.dense())
    if problem.ceiling is not None:
        distance[distance > problem.ceiling] = np.inf
    distance[:, list(problem.closed_positions)] = np.inf
    return distance


def _amount(costs: _Costs, plan: Solution) -> float:
    """The most that one pair or site of a plan as cheap as ``plan`` can cost."""
    assert plan.objective is not None
    return (float(plan.objective) + costs.gained) * (1.0 + 1e-9)


def _is_wide(costs: _Costs, plan: Solution) -> bool:
    """Whether costs are so far above those of ``plan`` that they would spoil a proof."""
    return costs.largest > MAX_RATIO * _amount(costs, plan)


def _restrict(problem: Problem, costs: _Costs, plan: Solution) -> Problem:
    """``problem`` without the pairs and sites that no plan as cheap as ``plan`` can use."""
    most = _amount(costs, plan)
    changes = {}
    if problem.kind != COVERING:
        distance = _allowed_distances(problem)
        least_weights = problem.weights * _least_shares(problem)
        weighted = np.where(np.isfinite(distance), distance, 0.0) * least_weights[:, None]
        distance[weighted > most] = np.inf
        changes["distances"] = Matrix(distance)
    if problem.kind in OPENING_KINDS:
        is_closed = problem.fixed_costs > most
        is_closed[list(problem.closed_positions)] = True
        is_closed[list(problem.opened_positions)] = False
        changes["closed"] = is_closed.tolist()
    return problem.replace(**changes)


def _unproven(plan: Solution, costs: _Costs) -> Solution:
    """``plan`` with the bound that holds whatever the size of the numbers."""
    assert plan.objective is not None
    bound = min(costs.least, plan.objective)
    status = Status.OPTIMAL if bound == plan.objective else Status.FEASIBLE
    return replace(plan, status=status, bound=bound)


def _cheap_plan(problem: Problem, costs: _Costs) -> Solution | None:
    """A plan of about the right size, if a simple rule makes one and it may be needed."""
    if problem.kind not in (P_MEDIAN, FACILITY_LOCATION):
        return None
    if costs.largest <= MAX_RATIO * (costs.least + costs.gained):
        return None
    opened, free = len(problem.opened_positions), len(problem.free)
    if problem.p is not None and not opened <= problem.p <= free:
        return None
    distance = _allowed_distances(problem)
    cost = np.where(np.isfinite(distance), distance, 0.0) * problem.weights[:, None]
    cost[~np.isfinite(distance)] = np.inf
    choose = _worst_served_first if problem.kind == P_MEDIAN else _cheapest_sites
    sites = choose(problem, cost)
    objective, assigned = objective_of(problem, sites)
    if objective is None:
        return None
    return Solution(
        problem, Status.FEASIBLE, objective, costs.least, positions=sites, assigned=assigned
    )


def _worst_served_first(problem: Problem, cost: Floats) -> Ints:
    """p sites: again and again the cheapest site of the customer who is served worst."""
    sites = list(problem.opened_positions)
    current = cost[:, sites].min(axis=1, initial=np.inf)
    free = np.zeros(problem.sites, bool)
    free[problem.free] = True
    free[sites] = False
    while len(sites) < int(problem.p or 0) and free.any():
        worst = int(np.argmax(current))
        site = int(np.argmin(np.where(free, cost[worst], np.inf)))
        site = site if free[site] else int(np.flatnonzero(free)[0])
        sites.append(site)
        free[site] = False
        current = np.minimum(current, cost[:, site])
    return np.sort(np.array(sites, np.int64))


def _cheapest_sites(problem: Problem, cost: Floats) -> Ints:
    """The best plan of those that open all sites up to some opening cost."""
    opened = np.array(problem.opened_positions, np.int64)
    others = np.setdiff1d(problem.free, opened)
    order = others[np.argsort(problem.fixed_costs[others], kind="stable")]
    current = cost[:, opened].min(axis=1, initial=np.inf)
    opening, best, count = float(problem.fixed_costs[opened].sum()), np.inf, 0
    for position, site in enumerate(order):
        current = np.minimum(current, cost[:, site])
        opening += float(problem.fixed_costs[site])
        total = opening + float(current.sum())
        if total < best:
            best, count = total, position + 1
    return np.sort(np.concatenate([opened, order[:count]]))
