"""Local search among the sites that the reduced costs of the bound rank as promising.

On dense points most sites are near copies of better ones. The Lagrangian's reduced costs rank
them. Local search over the best tenth or fifth makes several times as many moves in the same
time. Between two searches the plan is improved over all sites.

Source: the core concept of Balas and Zemel (1980); for p-median Hansen, Brimberg, Urosevic and
Mladenovic (2009), "Solving large p-median clustering problems by primal-dual variable neighborhood
search", Data Mining and Knowledge Discovery 19.
"""

from __future__ import annotations

import numpy as np

from placeopt.base.arrays import Bools, Floats
from placeopt.location.uncapacitated import swap_search
from placeopt.location.uncapacitated.list_search import ListSearch
from placeopt.location.uncapacitated.node import CLOSED, FREE, reduce_problem
from placeopt.location.uncapacitated.swap_search import SwapProblem, SwapRule
from placeopt.location.uncapacitated.transpose import transpose


def search_core(search: ListSearch, rho: Floats, end_seconds: float) -> None:
    """Improve the best plan until no move helps or time is up.

    Args:
        search: The search; its plan is improved.
        rho: Reduced costs, (sites,); the least are the most promising.
        end_seconds: Seconds of the search at which to stop.
    """
    lists, state, core = search.lists, search.state, search.params.core
    seed = state.settings.seed
    order = np.argsort(np.where(lists.may_open, rho, np.inf))
    searches_without_gain, rounds = 0, core.first_rounds
    while (
        searches_without_gain < core.max_searches_without_gain
        and state.elapsed_seconds < end_seconds
    ):
        assert state.plan is not None
        started_at, cost_before = state.elapsed_seconds, state.cost
        is_core = state.plan | lists.must_open
        is_core[order[: core.sites_per_open_site * int(state.plan.sum())]] = True
        is_core &= lists.may_open
        plan = _search_within_core(search, is_core, rounds, seed + searches_without_gain)
        search.improve(plan, rounds=0, seed=seed)
        searches_without_gain = 0 if state.cost < cost_before else searches_without_gain + 1
        if state.elapsed_seconds < started_at + core.chunk_seconds:
            rounds *= 2
            searches_without_gain = 0 if rounds <= core.settled_rounds else searches_without_gain


def _search_within_core(search: ListSearch, is_core: Bools, rounds: int, seed: int) -> Bools:
    """The plan that local search over core sites finds from the best plan."""
    lists, state, local_params = search.lists, search.state, search.params.swap_search
    assert state.plan is not None
    fixed = np.where(is_core, FREE, CLOSED).astype(np.int8)
    core = reduce_problem(lists.arrays, fixed)
    problem = SwapProblem(
        core.lists,
        transpose(core.lists),
        lists.must_open[core.free],
        np.ones(len(core.free), bool),
    )
    rule = SwapRule(rounds, seed, local_params.max_exchanges, local_params.slack * abs(state.cost))
    is_open = state.plan[core.free].copy()
    swap_search.iterated_local_search(problem, is_open, rule)
    plan = np.zeros(lists.sites, bool)
    plan[core.free[is_open]] = True
    return plan
