"""The rest of a problem after the root: smaller, and closed by an engine (radius formulation)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from placeopt.base.arrays import Bools
from placeopt.engine import Status, solve
from placeopt.engine.settings import Settings
from placeopt.location.formulations.radius import is_within_reach, radius_model
from placeopt.location.uncapacitated.list_search import ListSearch
from placeopt.location.uncapacitated.node import OPEN, ReducedProblem, reduce_problem
from placeopt.location.uncapacitated.root import Root
from placeopt.location.uncapacitated.swap_search import plan_cost


class Residual(NamedTuple):
    """The problem left by the root, without list entries that no plan below the cutoff uses.

    Attributes:
        reduced: The problem over the free sites.
        may_be_unserved: Customers that a plan below the cutoff may leave unserved, (customers,).
    """

    reduced: ReducedProblem
    may_be_unserved: Bools


def residual_problem(search: ListSearch, root: Root) -> Residual:
    """The problem left by the root."""
    reduced = reduce_problem(search.lists.arrays, root.fixed)
    start, site, cost, outside = reduced.lists[:4]
    slack = max(0.0, search.cutoff - root.bound)
    largest_cost = root.multipliers + slack + 1e-7 * np.abs(root.multipliers)
    is_kept = is_within_reach(start, cost, largest_cost)
    kept_before = np.concatenate([[0], np.cumsum(is_kept)])
    lists = reduced.lists._replace(start=kept_before[start], site=site[is_kept], cost=cost[is_kept])
    return Residual(reduced._replace(lists=lists), outside <= largest_cost)


def close_by_mip(search: ListSearch, root: Root, residual: Residual) -> None:
    """Close the search by giving what the root leaves to an engine."""
    state, (reduced, may_be_unserved) = search.state, residual
    has_no_site = np.diff(reduced.lists.start) == 0
    if (has_no_site & ~may_be_unserved).any():  # a customer cannot be served below the cutoff
        state.close()
        return
    model, y = radius_model(reduced.lists, may_be_unserved)
    model.offset += reduced.constant
    result = solve(model, Settings(state.seconds_left(at_least=1.0), gap=0.0, threads=1))
    if result.has_plan:
        plan = root.fixed == OPEN
        plan[reduced.free[result.value(y) > 0.5]] = True
        state.offer(plan_cost(search.lists.arrays, plan), plan)
    if result.status in (Status.OPTIMAL, Status.INFEASIBLE):
        state.close()
    elif np.isfinite(result.bound):
        state.raise_bound(max(root.bound, min(result.bound, state.cost)))
