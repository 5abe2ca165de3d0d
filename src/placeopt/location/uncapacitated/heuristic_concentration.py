"""Better plans from the sites that several good plans open.

Local search is started several times. The sites that any of its plans opens are few, and the best
plan among them is found by the engine (radius formulation). That plan becomes the start of the
next pool.

Source: Rosing and ReVelle (1997), "Heuristic concentration: two stage solution construction",
European Journal of Operational Research 97.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from placeopt.base.deadline import record_timeout
from placeopt.engine.settings import Settings
from placeopt.location.uncapacitated.candidate_lists import CandidateLists

if TYPE_CHECKING:
    from placeopt.location.search_state import SearchState

PLANS_PER_POOL = 8
ACCEPTANCE_SLACKS = (1e-4, 3e-4, 1e-3, 3e-3)


def concentrate(
    lists: CandidateLists, arrays, by_site, state: SearchState, seed: int, share: float = 0.6
) -> None:
    """Improve the best plan until three pools in a row give no improvement or time is up.

    Args:
        lists: The problem.
        arrays: Its (start, site, cost).
        by_site: The same by site, from ``transpose``.
        state: The search; its plan is improved.
        seed: Seed of the random numbers.
        share: Share of the time left that may be used.
    """
    from placeopt.location.uncapacitated import swap_search

    end_seconds = state.elapsed_seconds + share * max(
        0.0, state.time_limit_seconds - state.elapsed_seconds
    )
    rng = np.random.default_rng(seed)
    searches_without_gain = 0
    while (
        searches_without_gain < 3 and state.elapsed_seconds < end_seconds and state.plan is not None
    ):
        cost_before, is_in_union = state.cost, state.plan.copy()
        for t in range(PLANS_PER_POOL):
            is_open = lists.must_open.copy()
            if t % 2:
                is_open[np.flatnonzero(state.plan)] = True
                removable = rng.permutation(np.flatnonzero(is_open & ~lists.must_open))
                is_open[removable[: len(removable) // 4]] = False
            size = lists.p if lists.p >= 0 else int(state.plan.sum())
            draw_seed = int(rng.integers(2**31))
            swap_search.greedy_fill(
                *by_site,
                lists.outside,
                lists.opening_cost,
                lists.may_open,
                is_open,
                size,
                draw_seed,
            )
            slack = float(rng.choice(ACCEPTANCE_SLACKS)) * abs(state.cost)
            cost = swap_search.iterated_local_search(
                arrays,
                by_site,
                lists.outside,
                lists.opening_cost,
                lists.must_open,
                lists.may_open,
                is_open,
                lists.p < 0,
                3000,
                draw_seed,
                4,
                slack,
            )
            state.offer(cost, is_open)
            is_in_union |= is_open
            if state.elapsed_seconds > end_seconds:
                record_timeout("the search for sites")
                break
        _solve_over_union(
            lists,
            arrays,
            state,
            is_in_union,
            min(10.0, max(1.0, end_seconds - state.elapsed_seconds)),
        )
        searches_without_gain = 0 if state.cost < cost_before else searches_without_gain + 1


def _solve_over_union(
    lists: CandidateLists, arrays, state: SearchState, is_in_union, seconds: float
) -> None:
    """Offer the best plan over the sites in ``is_in_union``, improved by local search."""
    from placeopt.engine import solve
    from placeopt.location.formulations.radius import radius_model
    from placeopt.location.uncapacitated import node, swap_search
    from placeopt.location.uncapacitated.transpose import transpose

    fixed = np.where(lists.must_open, 1, np.where(is_in_union & lists.may_open, 0, -1)).astype(
        np.int8
    )
    start, site, cost, outside, opening_cost, p_left, _, free = node.reduce_problem(
        *arrays, lists.outside, lists.opening_cost, lists.p, fixed
    )
    if len(cost) > 300_000:
        return
    model, y = radius_model(
        start, site, cost, outside, opening_cost, p_left, np.ones(len(outside), bool)
    )
    assert state.plan is not None
    result = solve(model, Settings(time_limit_seconds=seconds, gap=1e-6, threads=1))
    if not result.has_plan:
        return
    plan = fixed == 1
    plan[free[result.value(y) > 0.5]] = True

    plan_cost = swap_search.iterated_local_search(
        arrays, transpose(*arrays, lists.sites), lists.outside, lists.opening_cost, lists.must_open,
        lists.may_open, plan, lists.p < 0, 500, 1, 4, 0.0,
    )  # fmt: skip
    state.offer(plan_cost, plan)
