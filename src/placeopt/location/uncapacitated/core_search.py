"""Local search among the sites that the reduced costs of the bound rank as promising.

On dense points most sites are near copies of better ones. The Lagrangian's reduced costs rank
them. Local search over the best tenth or fifth makes several times as many moves in the same
time. Between two searches the plan is improved over all sites.

Source: the core concept of Balas and Zemel (1980); for p-median Hansen, Brimberg, Urosevic and
Mladenovic (2009), "Solving large p-median clustering problems by primal-dual variable neighborhood
search", Data Mining and Knowledge Discovery 19.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from placeopt.location.uncapacitated import node, swap_search
from placeopt.location.uncapacitated.candidate_lists import CandidateLists
from placeopt.location.uncapacitated.transpose import transpose

if TYPE_CHECKING:
    from placeopt.location.search_state import SearchState

CORE_SITES_PER_OPEN_SITE = 20  # size of the core
ACCEPTANCE_SLACK = 3e-4  # relative cost above the best at which a plan is accepted
CHUNK_SECONDS = 4.0  # of one search over the core
MAX_SEARCHES_WITHOUT_GAIN = 3  # after which the search stops


def search_core(
    lists: CandidateLists, arrays, by_site, state: SearchState, rho, seed: int, end_seconds: float
) -> None:
    """Improve the best plan until no move helps or time is up.

    Args:
        lists: The problem.
        arrays: Its (start, site, cost).
        by_site: The same by site, from ``transpose``.
        state: The search; its plan is improved.
        rho: Reduced costs, (sites,); the least are the most promising.
        seed: Seed of the random numbers.
        end_seconds: Seconds of the search at which to stop.
    """
    order = np.argsort(np.where(lists.may_open, rho, np.inf))
    searches_without_gain, rounds = 0, 50
    while searches_without_gain < MAX_SEARCHES_WITHOUT_GAIN and state.elapsed_seconds < end_seconds:
        assert state.plan is not None
        started_at, cost_before = state.elapsed_seconds, state.cost
        is_core = state.plan | lists.must_open
        is_core[order[: CORE_SITES_PER_OPEN_SITE * int(state.plan.sum())]] = True
        is_core &= lists.may_open
        plan = _search_within_core(
            lists, arrays, state, is_core, rounds, seed + searches_without_gain
        )
        cost = swap_search.iterated_local_search(
            arrays,
            by_site,
            lists.outside,
            lists.opening_cost,
            lists.must_open,
            lists.may_open,
            plan,
            lists.p < 0,
            0,
            seed,
            1,
            0.0,
        )
        state.offer(cost, plan)
        searches_without_gain = 0 if state.cost < cost_before else searches_without_gain + 1
        if state.elapsed_seconds < started_at + CHUNK_SECONDS:
            rounds *= 2
            searches_without_gain = 0 if rounds <= 1000 else searches_without_gain


def _search_within_core(
    lists: CandidateLists, arrays, state: SearchState, is_core, rounds: int, seed: int
):
    """The plan that local search over core sites finds from the best plan."""
    assert state.plan is not None
    fixed = np.where(is_core, 0, -1).astype(np.int8)
    start, site, cost, outside, opening, _, _, free = node.reduce_problem(
        *arrays, lists.outside, lists.opening_cost, lists.p, fixed
    )
    is_open = state.plan[free].copy()
    swap_search.iterated_local_search(
        (start, site, cost), transpose(start, site, cost, len(free)), outside, opening,
        lists.must_open[free], np.ones(len(free), bool), is_open, lists.p < 0, rounds, seed, 4,
        ACCEPTANCE_SLACK * abs(state.cost),
    )  # fmt: skip
    plan = np.zeros(lists.sites, bool)
    plan[free[is_open]] = True
    return plan
