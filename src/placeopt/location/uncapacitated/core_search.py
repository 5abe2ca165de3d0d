"""Local search among the sites that the prices of the bound leave promising.

On dense points most sites are near copies of better ones. The Lagrangian's reduced costs rank
them; local search over the best tenth or fifth makes several times as many moves in the same
time. Between two searches the plan is bettered over all sites.

Source: the core concept of Balas and Zemel (1980); for p-median Hansen, Brimberg, Urosevic and
Mladenovic (2009), "Solving large p-median clustering problems by primal-dual variable neighborhood
search", Data Mining and Knowledge Discovery 19.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from placeopt.location.uncapacitated import node, swap_search
from placeopt.location.uncapacitated.candidate_lists import Lists
from placeopt.location.uncapacitated.transpose import turn

if TYPE_CHECKING:
    from placeopt.location.search_state import SearchState

CORE = 20  # sites for each that is open
SLACK = 3e-4  # how much worse than the best a plan may be to search on from it
CHUNK_SECONDS = 4.0  # of one search, between two looks at all sites
BARREN = 3  # such searches without a better plan, then it is over


def search_core(lists: Lists, arrays, by, state: SearchState, rho, seed: int, until: float) -> None:
    """Better the run's plan until nothing helps, or until so many seconds of the run.

    ``rho`` (sites,): reduced costs, the least are the most promising.
    """
    order = np.argsort(np.where(lists.may, rho, np.inf))
    barren, rounds = 0, 50
    while barren < BARREN and state.elapsed_seconds < until:
        assert state.plan is not None
        began, before = state.elapsed_seconds, state.cost
        core = state.plan | lists.must
        core[order[: CORE * int(state.plan.sum())]] = True
        core &= lists.may
        plan = _within(lists, arrays, state, core, rounds, seed + barren)
        cost = swap_search.search(
            arrays, by, lists.outside, lists.opening, lists.must, lists.may, plan, lists.p < 0,
            0, seed, 1, 0.0,
        )  # fmt: skip
        state.offer(cost, plan)
        barren = 0 if state.cost < before else barren + 1
        if state.elapsed_seconds < began + CHUNK_SECONDS:
            rounds *= 2
            barren = 0 if rounds <= 1000 else barren


def _within(lists: Lists, arrays, state: SearchState, core, rounds: int, seed: int):
    """Local search from the run's plan over core sites only: the plan found."""
    assert state.plan is not None
    decided = np.where(core, 0, -1).astype(np.int8)
    start, site, cost, outside, opening, _, _, free = node.shrink(
        *arrays, lists.outside, lists.opening, lists.p, decided
    )
    is_open = state.plan[free].copy()
    swap_search.search(
        (start, site, cost), turn(start, site, cost, len(free)), outside, opening,
        lists.must[free], np.ones(len(free), bool), is_open, lists.p < 0, rounds, seed, 4,
        SLACK * abs(state.cost),
    )  # fmt: skip
    plan = np.zeros(lists.sites, bool)
    plan[free[is_open]] = True
    return plan
