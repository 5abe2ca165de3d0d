"""A search over candidate lists: the state that its parts share, and its local search."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from placeopt.base.arrays import Bools
from placeopt.location.search_state import SearchState
from placeopt.location.uncapacitated import swap_search
from placeopt.location.uncapacitated.candidate_lists import CandidateLists
from placeopt.location.uncapacitated.params import UncapacitatedParams
from placeopt.location.uncapacitated.swap_search import SwapProblem, SwapRule
from placeopt.location.uncapacitated.transpose import transpose


@dataclass
class ListSearch:
    """One search over candidate lists.

    Attributes:
        lists: The problem.
        state: Its best plan, bound and time.
        params: The parameters of the methods.
        swap_problem: The problem as local search sees it.
    """

    lists: CandidateLists
    state: SearchState
    params: UncapacitatedParams
    swap_problem: SwapProblem = field(init=False)

    def __post_init__(self) -> None:
        lists = self.lists
        self.swap_problem = SwapProblem(
            lists.arrays, transpose(lists.arrays), lists.must_open, lists.may_open
        )

    @property
    def is_large(self) -> bool:
        """Whether time goes into better plans first."""
        return self.lists.entries > self.params.large_entries

    @property
    def has_wide_gap(self) -> bool:
        """Whether plan and bound are so far apart that better plans are worth their time."""
        state = self.state
        return state.cost > state.bound + self.params.large_gap * abs(state.cost)

    @property
    def cutoff(self) -> float:
        """The cost at or above which a plan is no improvement."""
        return self.state.cutoff(self.lists.is_integral)

    @property
    def rounds(self) -> int:
        """How many rounds of local search to make: few where a move is expensive."""
        lists, params = self.lists, self.params.swap_search
        entries_per_site = lists.entries / lists.sites
        sites_per_opened = lists.sites / max(1, lists.arrays.p) if lists.arrays.p > 0 else 30.0
        work_per_round = 6 * lists.sites + 60 * entries_per_site * min(sites_per_opened, 50.0)
        return int(np.clip(params.work / work_per_round, params.min_rounds, params.max_rounds))

    @property
    def first_rounds(self) -> int:
        """How many of them to make before the first bound."""
        return max(1, self.rounds // self.params.swap_search.first_divisor)

    def greedy_plan(self, seed: int) -> Bools:
        """The sites of a greedy plan, (sites,)."""
        lists = self.lists
        is_open, size = lists.must_open.copy(), lists.arrays.p
        if lists.is_size_free:
            size = max(1, int(is_open.sum()), round(np.sqrt(lists.sites) / 2))
            size = min(size, int(lists.may_open.sum()))
        swap_search.greedy_fill(self.swap_problem, is_open, size, seed)
        return is_open

    def improve(self, is_open: Bools, rounds: int, seed: int, slack: float | None = None) -> None:
        """Improve a plan by local search and offer it.

        Args:
            is_open: Open sites, (sites,); changed in place.
            rounds: Rounds of shaking.
            seed: Seed of the random numbers.
            slack: Relative cost above the best at which a plan is accepted; by default that of the
                parameters.
        """
        state, params = self.state, self.params.swap_search
        slack = params.slack if slack is None else slack
        absolute_slack = slack * abs(state.cost) if np.isfinite(state.cost) else 0.0
        rule = SwapRule(rounds, seed, params.max_exchanges, absolute_slack)
        cost = swap_search.iterated_local_search(self.swap_problem, is_open, rule)
        state.offer(cost, is_open)
