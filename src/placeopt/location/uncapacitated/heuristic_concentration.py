"""Better plans from the sites that several good plans open.

Local search is started several times. The sites that any of its plans opens are few, and the best
plan among them is found by the engine (radius formulation). That plan becomes the start of the
next pool.

Source: Rosing and ReVelle (1997), "Heuristic concentration: two stage solution construction",
European Journal of Operational Research 97.
"""

from __future__ import annotations

import numpy as np

from placeopt.base.arrays import Bools
from placeopt.base.deadline import record_timeout
from placeopt.engine import solve
from placeopt.engine.settings import Settings
from placeopt.location.formulations.radius import radius_model
from placeopt.location.search_state import SEARCH
from placeopt.location.uncapacitated import swap_search
from placeopt.location.uncapacitated.list_search import ListSearch
from placeopt.location.uncapacitated.node import CLOSED, FREE, OPEN, reduce_problem


def concentrate(search: ListSearch) -> None:
    """Improve the best plan until several pools in a row give no improvement or time is up."""
    state, params = search.state, search.params.concentration
    end_seconds = state.elapsed_seconds + params.time_share * state.seconds_left()
    rng = np.random.default_rng(state.settings.seed)
    pools_without_gain = 0
    while (
        pools_without_gain < params.max_pools_without_gain
        and state.elapsed_seconds < end_seconds
        and state.plan is not None
    ):
        cost_before = state.cost
        is_in_union = _pool_sites(search, rng, end_seconds)
        seconds = min(params.union_seconds, max(1.0, end_seconds - state.elapsed_seconds))
        _solve_over_union(search, is_in_union, seconds)
        pools_without_gain = 0 if state.cost < cost_before else pools_without_gain + 1


def _pool_sites(search: ListSearch, rng: np.random.Generator, end_seconds: float) -> Bools:
    """The sites that the plans of a pool open, (sites,); the plans are offered."""
    lists, state, params = search.lists, search.state, search.params.concentration
    assert state.plan is not None
    is_in_union = state.plan.copy()
    for position in range(params.plans_per_pool):
        is_open = lists.must_open.copy()
        if position % 2:
            is_open[np.flatnonzero(state.plan)] = True
            removable = rng.permutation(np.flatnonzero(is_open & ~lists.must_open))
            is_open[removable[: int(len(removable) * params.closed_share)]] = False
        size = int(state.plan.sum()) if lists.is_size_free else lists.arrays.p
        seed = int(rng.integers(2**31))
        swap_search.greedy_fill(search.swap_problem, is_open, size, seed)
        slack = float(rng.choice(params.slacks))
        search.improve(is_open, params.rounds, seed, slack)
        is_in_union |= is_open
        if state.elapsed_seconds > end_seconds:
            record_timeout(SEARCH)
            break
    return is_in_union


def _solve_over_union(search: ListSearch, is_in_union: Bools, seconds: float) -> None:
    """Offer the best plan over the sites in ``is_in_union``, improved by local search."""
    lists, params = search.lists, search.params.concentration
    may_use = is_in_union & lists.may_open
    fixed = np.where(lists.must_open, OPEN, np.where(may_use, FREE, CLOSED)).astype(np.int8)
    reduced = reduce_problem(lists.arrays, fixed)
    if len(reduced.lists.cost) > params.max_union_entries:
        return
    model, y = radius_model(reduced.lists, np.ones(lists.customers, bool))
    result = solve(model, Settings(seconds, gap=params.union_gap, threads=1))
    if not result.has_plan:
        return
    plan = fixed == OPEN
    plan[reduced.free[result.value(y) > 0.5]] = True
    search.improve(plan, params.union_rounds, seed=1, slack=0.0)
