"""The Lagrangian bound of a problem in candidate lists, compiled.

Relaxing "every customer is served once" with multipliers u separates the sites:

    rho[j] = f[j] + sum_i min(0, c[i,j] - u[i])
    L(u)   = sum_i u[i] + the p least rho (or, of any size, all that are negative),  u <= outside

L(u) is a lower bound for every u. Let ``last`` be the largest rho selected and ``first`` the least
left out. A site left out cannot be in a plan cheaper than ``L + rho[j] - last``, and a selected
site cannot be missing from a plan cheaper than ``L - rho[j] + first``: so sites are fixed.

Source: Cornuejols, Fisher and Nemhauser (1977); Christofides and Beasley (1982).
"""

# mypy: disable-error-code="assignment"

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from placeopt.base.arrays import Bools, Floats
from placeopt.base.compiled import compiled
from placeopt.location.step_rule import StepRule
from placeopt.location.subgradient import take_step, track_progress
from placeopt.location.uncapacitated.candidate_lists import CandidateArrays
from placeopt.location.uncapacitated.transpose import transpose


class Ascent(NamedTuple):
    """The result of an ascent of the bound.

    Attributes:
        bound: The best bound.
        multipliers: Its multipliers u, (customers,).
        reduced_costs: Its rho, (sites,).
        is_selected: The sites that it opens, (sites,).
        open_frequency: How often each site was opened lately, 0 to 1, (sites,).
        rounds: Rounds made.
        step: Step length at the end.
    """

    bound: float
    multipliers: Floats
    reduced_costs: Floats
    is_selected: Bools
    open_frequency: Floats
    rounds: int
    step: float


@compiled
def reduced_costs(lists: CandidateArrays, u: Floats, rho: Floats) -> None:
    """Set ``rho`` (sites,) to the reduced costs at multipliers ``u`` (customers,)."""
    start, site, cost, opening_cost = lists.start, lists.site, lists.cost, lists.opening_cost
    for j in range(len(opening_cost)):
        rho[j] = opening_cost[j]
    for i in range(len(start) - 1):
        multiplier = u[i]
        for k in range(start[i], start[i + 1]):
            if cost[k] >= multiplier:
                break
            rho[site[k]] += cost[k] - multiplier


@compiled
def select_sites(rho: Floats, p: int, is_selected: Bools) -> tuple[float, float, float]:
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
    lists: CandidateArrays, u: Floats, target: float, constant: float, rule: StepRule
) -> Ascent:
    """Raise the bound by averaged subgradients.

    Args:
        lists: The problem.
        u: Multipliers to begin with, (customers,).
        target: Bound at which to stop.
        constant: Cost that every plan has.
        rule: How far to go.

    Returns:
        The best bound, with its multipliers and sites.
    """
    outside = lists.outside
    n, m = len(lists.start) - 1, len(lists.opening_cost)
    site_start, customer, site_cost = transpose(lists)
    rho = np.empty(m)
    is_selected = np.zeros(m, np.bool_)
    subgradient = np.empty(n)
    direction = np.zeros(n)
    open_frequency = np.zeros(m)
    best, step = -1e300, rule.step
    best_u, best_rho, best_selected = u.copy(), rho.copy(), is_selected.copy()
    u = u.copy()
    rounds_without_gain, rounds = 0, 0
    while rounds < rule.rounds:
        rounds += 1
        reduced_costs(lists, u, rho)
        value, _last_selected, _first_unselected = select_sites(rho, lists.p, is_selected)
        value += constant
        for i in range(n):
            value += u[i]
        is_better, rounds_without_gain, goes_back = track_progress(
            value, best, target, rounds_without_gain, rule.patience
        )
        if is_better:
            best = value
            best_u[:] = u
            best_rho[:] = rho
            best_selected[:] = is_selected
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
    return Ascent(best, best_u, best_rho, best_selected, open_frequency, rounds, step)
