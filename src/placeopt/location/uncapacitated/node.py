"""One node of the tree over a problem in candidate lists, compiled.

A node has fixed some sites open (1) and some closed (-1). Closed sites leave the lists. An open
site caps what each customer pays, ``outside = min(outside, c[i,j])``, so it leaves the lists too,
with every entry that costs more. What remains is the same kind of problem, smaller. Its
Lagrangian bound fixes more sites, until nothing changes.

Source: Christofides and Beasley (1982), "A tree search algorithm for the p-median problem",
European Journal of Operational Research 10; Beasley (1985).
"""

# mypy: disable-error-code="assignment"

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from placeopt.base.arrays import Bools, Floats, Ints, Signs
from placeopt.base.compiled import compiled
from placeopt.location.step_rule import StepRule
from placeopt.location.uncapacitated.candidate_lists import CandidateArrays
from placeopt.location.uncapacitated.lagrangian import ascend, select_sites
from placeopt.location.uncapacitated.swap_search import plan_cost

OPEN, CLOSED, FREE = 1, -1, 0  # the states of a site in a node


class ReducedProblem(NamedTuple):
    """The rest of a problem where some sites are fixed.

    Attributes:
        lists: The lists over the free sites.
        constant: Opening cost of the sites fixed open.
        free: Position of each free site in the whole problem, ascending.
    """

    lists: CandidateArrays
    constant: float
    free: Ints


class NodeBound(NamedTuple):
    """The result of bounding a node.

    Attributes:
        bound: The bound; inf if the node has no plan below the cutoff.
        multipliers: Its multipliers, (customers,).
        open_frequency: How often each free site was opened, (sites,); -1 if it is not free.
        plan_cost: Cost of the best plan met on the way; inf if there is none.
        plan: OPEN for each of its sites, (sites,).
        rounds: Subgradient rounds made.
    """

    bound: float
    multipliers: Floats
    open_frequency: Floats
    plan_cost: float
    plan: Signs
    rounds: int


@compiled
def reduce_problem(lists: CandidateArrays, fixed: Signs) -> ReducedProblem:
    """The problem that remains after fixing sites.

    Args:
        lists: The problem.
        fixed: OPEN, CLOSED or FREE for each site, (sites,).
    """
    start, site, cost, opening_cost = lists.start, lists.site, lists.cost, lists.opening_cost
    n, m = len(start) - 1, len(opening_cost)
    free = np.flatnonzero(fixed == FREE)
    new_index = np.full(m, -1, np.int32)
    for k in range(len(free)):
        new_index[free[k]] = k
    constant = 0.0
    p_left = lists.p
    for j in range(m):
        if fixed[j] == OPEN:
            constant += opening_cost[j]
            p_left -= 1
    if lists.p < 0:
        p_left = -1
    new_start = np.zeros(n + 1, np.int64)
    new_site = np.empty(len(site), np.int32)
    new_cost = np.empty(len(site), np.float64)
    new_outside = lists.outside.copy()
    length = 0
    for i in range(n):
        for k in range(start[i], start[i + 1]):
            if cost[k] >= new_outside[i]:
                break
            status = fixed[site[k]]
            if status == OPEN:
                new_outside[i] = cost[k]
                break
            if status == FREE:
                new_site[length] = new_index[site[k]]
                new_cost[length] = cost[k]
                length += 1
        new_start[i + 1] = length
    reduced = CandidateArrays(
        new_start,
        new_site[:length].copy(),
        new_cost[:length].copy(),
        new_outside,
        opening_cost[free],
        p_left,
    )
    return ReducedProblem(reduced, constant, free)


@compiled
def fix_sites(
    bound: float, rho: Floats, is_selected: Bools, p: int, cutoff: float, free: Ints, fixed: Signs
) -> int:
    """Fix sites that every plan below ``cutoff`` opens or leaves closed; return how many.

    Args:
        bound: The bound.
        rho: Its reduced costs, (free sites,).
        is_selected: The sites that it opens, (free sites,).
        p: Number of free sites to open; -1 is any number.
        cutoff: Cost below which plans are sought.
        free: Position of each free site.
        fixed: OPEN, CLOSED or FREE for each site, (sites,); changed in place.
    """
    count = 0
    is_selected_again = np.zeros(len(rho), np.bool_)
    _total, last_selected, first_unselected = select_sites(rho, p, is_selected_again)
    for k in range(len(rho)):
        if is_selected[k]:
            if bound - rho[k] + first_unselected > cutoff:
                fixed[free[k]] = OPEN
                count += 1
        elif bound + rho[k] - last_selected > cutoff:
            fixed[free[k]] = CLOSED
            count += 1
    return count


@compiled
def bound_node(
    lists: CandidateArrays, fixed: Signs, u: Floats, cutoff: float, rule: StepRule
) -> NodeBound:
    """Bound one node.

    Args:
        lists: The whole problem.
        fixed: OPEN, CLOSED or FREE for each site, (sites,); changed in place.
        u: Multipliers to begin with, (customers,); changed in place.
        cutoff: Cost below which plans are sought.
        rule: How far each ascent of the bound goes.

    Returns:
        The bound, with its multipliers and the best plan met.
    """
    m, p = len(lists.opening_cost), lists.p
    best_cost, best_plan = np.inf, fixed.copy()
    bound, rounds, step = -1e300, 0, rule.step
    open_frequency = np.full(m, -1.0)
    while True:
        reduced = reduce_problem(lists, fixed)
        free, p_left = reduced.free, reduced.lists.p
        if p >= 0 and (p_left < 0 or len(free) < p_left):
            return NodeBound(np.inf, u, open_frequency, best_cost, best_plan, rounds)
        if p_left == 0 or len(free) == 0 or (p >= 0 and len(free) == p_left):
            for k in range(len(free)):
                fixed[free[k]] = OPEN if (p >= 0 and len(free) == p_left) else CLOSED
            value = plan_cost(lists, fixed == OPEN)
            if value < best_cost:
                best_cost, best_plan = value, fixed.copy()
            return NodeBound(np.inf, u, open_frequency, best_cost, best_plan, rounds)
        u = np.minimum(u, reduced.lists.outside)
        ascent = ascend(
            reduced.lists, u, cutoff + 1e-9, reduced.constant,
            StepRule(rule.rounds, step, rule.patience),
        )  # fmt: skip
        u = ascent.multipliers
        rounds += ascent.rounds
        if ascent.bound > bound:
            bound = ascent.bound
        if bound > cutoff:
            return NodeBound(np.inf, u, open_frequency, best_cost, best_plan, rounds)
        selected = fixed.copy()
        for k in range(len(free)):
            selected[free[k]] = OPEN if ascent.is_selected[k] else CLOSED
        value = plan_cost(lists, selected == OPEN)
        if value < best_cost:
            best_cost, best_plan = value, selected
        newly_fixed = fix_sites(
            ascent.bound, ascent.reduced_costs, ascent.is_selected, p_left, cutoff, free, fixed
        )
        if newly_fixed < 1 + len(free) // 10:
            free_left = 0
            for k in range(len(free)):
                if fixed[free[k]] == FREE:
                    open_frequency[free[k]] = ascent.open_frequency[k]
                    free_left += 1
            if free_left > 0:
                break
        step = max(ascent.step, 0.05)
    return NodeBound(bound, u, open_frequency, best_cost, best_plan, rounds)
