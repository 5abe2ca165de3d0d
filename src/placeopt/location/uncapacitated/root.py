"""The root of the tree: raise the bound and fix sites.

The bound is raised in ascents; between them local search starts from the sites that the bound
opens. Then longer ascents fix every site that a better plan must open or leave closed.
"""

from __future__ import annotations

import logging
from typing import NamedTuple

import numpy as np

from placeopt.base.arrays import Floats, Signs
from placeopt.location.step_rule import StepRule
from placeopt.location.uncapacitated.lagrangian import Ascent, ascend
from placeopt.location.uncapacitated.list_search import ListSearch
from placeopt.location.uncapacitated.node import (
    CLOSED,
    FREE,
    OPEN,
    ReducedProblem,
    bound_node,
    reduce_problem,
)
from placeopt.location.uncapacitated.swap_search import evaluate_plan

LOG = logging.getLogger("placeopt.location")


class Root(NamedTuple):
    """The state of the root.

    Attributes:
        fixed: OPEN, CLOSED or FREE for each site, (sites,).
        multipliers: Multipliers of the bound, (customers,).
        bound: The bound; inf if no plan is below the cutoff.
    """

    fixed: Signs
    multipliers: Floats
    bound: float


def initial_multipliers(search: ListSearch) -> Floats:
    """Multipliers (customers,) to begin with: between the two cheapest sites of the best plan."""
    lists, plan = search.lists, search.state.plan
    assert plan is not None
    outside = lists.arrays.outside
    found = evaluate_plan(lists.arrays, plan.copy())
    nearest, second = found.nearest_cost, found.second_cost
    between = np.where(second < lists.infeasible_cost, (nearest + second) / 2, nearest * 1.5 + 1)
    return np.minimum(outside, between)


def decided_before(search: ListSearch) -> Signs:
    """The sites that are fixed from the beginning, (sites,)."""
    lists = search.lists
    fixed = np.where(lists.must_open, OPEN, np.where(lists.may_open, FREE, CLOSED))
    return fixed.astype(np.int8)


def raise_root_bound(search: ListSearch, multipliers: Floats) -> tuple[Floats, Floats]:
    """Raise the bound at the root, at times searching from the sites it opens.

    Args:
        search: The search; its plan and bound are improved.
        multipliers: Multipliers to begin with, (customers,).

    Returns:
        The multipliers (customers,) and the reduced costs (sites,).
    """
    lists, state, root = search.lists, search.state, search.params.root
    seed, rounds, step, best = state.settings.seed, search.first_rounds, root.rule.step, -np.inf
    least_gain = root.least_gain_large if search.is_large else root.least_gain
    reduced = reduce_problem(lists.arrays, decided_before(search))
    rho = np.zeros(lists.sites)
    for attempt in range(root.attempts):
        ascent = _ascend(search, reduced, multipliers, root.rule._replace(step=step))
        step, multipliers = ascent.step, ascent.multipliers
        rho[reduced.free] = ascent.reduced_costs
        state.raise_bound(ascent.bound)
        if ascent.bound > search.cutoff:
            state.close()
            break
        is_open = lists.must_open.copy()
        is_open[reduced.free[ascent.is_selected]] = True
        if lists.is_size_free or is_open.sum() == lists.arrays.p:
            cost_before = state.cost
            search.improve(is_open, rounds, seed + attempt)
            if state.cost < cost_before:
                rounds = min(search.rounds // 3, 2 * rounds)
        gain_sought = least_gain * abs(state.cost - ascent.bound)
        if state.is_out_of_time or step < root.least_step or ascent.bound < best + gain_sought:
            break
        best = ascent.bound
    return multipliers, rho


def _ascend(
    search: ListSearch, reduced: ReducedProblem, multipliers: Floats, rule: StepRule
) -> Ascent:
    """An ascent of the bound that time allows; how long its rounds take is remembered."""
    state = search.state
    started_at = state.elapsed_seconds
    rule = rule._replace(rounds=state.affordable_rounds(rule.rounds))
    multipliers = np.minimum(multipliers, reduced.lists.outside)
    target = search.cutoff + 1e-9
    ascent = ascend(reduced.lists, multipliers, target, reduced.constant, rule)
    state.seconds_per_round = (state.elapsed_seconds - started_at) / ascent.rounds
    state.rounds += ascent.rounds
    return ascent


def fix_at_root(search: ListSearch, multipliers: Floats, rule: StepRule) -> Root:
    """Fix sites by a long ascent from ``multipliers`` (customers,)."""
    state = search.state
    fixed = decided_before(search)
    rounds = state.affordable_rounds(rule.rounds, search.params.root.fixing_share)
    found = bound_node(
        search.lists.arrays, fixed, multipliers, search.cutoff, rule._replace(rounds=rounds)
    )
    state.rounds += found.rounds
    if np.isfinite(found.plan_cost):
        state.offer(found.plan_cost, found.plan == OPEN)
    if np.isfinite(found.bound):
        state.raise_bound(found.bound)
    else:
        state.close()
    LOG.info(
        "root: %d of %d sites fixed, bound %g, plan %g",
        int((fixed != FREE).sum()), len(fixed), state.bound, state.cost,
    )  # fmt: skip
    return Root(fixed, found.multipliers, found.bound)
