"""The state of a search: its best plan, its bound and its time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import sparse

from placeopt.base.arrays import Bools, Ints
from placeopt.base.deadline import Deadline, record_timeout
from placeopt.engine.interrupts import interrupted
from placeopt.engine.settings import Progress, Settings
from placeopt.location.solution import Solution
from placeopt.location.statement import Problem

Method = Callable[[Problem, Settings], Solution]  # how every method of this room is called
SEARCH = "the search for sites"  # its name where time ends it


@dataclass
class SearchState:
    """The state of a search: the best plan so far, the bound, and when each was found.

    Attributes:
        settings: The settings of the solve.
        deadline: When the search ends; it begins when the state is made.
        cost: Cost of the best plan; inf before there is one.
        plan: Which sites the best plan opens, (sites,).
        assignment: Site of each customer in the best plan, (customers,), if it is not the cheapest
            open one.
        flows: Share of each customer served from each site in the best plan, (customers, sites),
            if customers may be split.
        bound: The best lower bound.
        trace: (seconds, cost, bound) after every improvement.
        first_plan_seconds: When the first plan was found.
        best_plan_seconds: When the best plan was found.
        nodes: Nodes of the tree, or models solved, so far.
        rounds: Subgradient rounds so far.
        seconds_per_round: Seconds that a subgradient round took last.
        proven: Whether no plan below the cutoff is left.
    """

    settings: Settings
    deadline: Deadline = field(init=False)
    cost: float = np.inf
    plan: Bools | None = None
    assignment: Ints | None = None
    flows: sparse.csr_array | None = None
    bound: float = -np.inf
    trace: list[tuple[float, float, float]] = field(default_factory=list)
    first_plan_seconds: float | None = None
    best_plan_seconds: float | None = None
    nodes: int = 0
    rounds: int = 0
    seconds_per_round: float = 0.0
    proven: bool = False

    def __post_init__(self) -> None:
        self.deadline = Deadline(self.settings.time_limit_seconds)

    @property
    def elapsed_seconds(self) -> float:
        """Seconds since the search began. After Ctrl-C the deadline counts as passed."""
        seconds = self.deadline.elapsed_seconds
        if interrupted():
            self.deadline.limit_seconds = min(self.deadline.limit_seconds, seconds)
        return seconds

    def seconds_left(self, at_least: float = 0.0) -> float:
        """Seconds until the deadline, but no fewer than ``at_least``."""
        seconds = self.elapsed_seconds
        return max(self.deadline.limit_seconds - seconds, at_least)

    def engine_settings(self, least_seconds: float, gap: float = 1e-4) -> Settings:
        """The settings of an engine that may use the time left, or at least ``least_seconds``."""
        seconds = self.seconds_left(at_least=least_seconds)
        return replace(self.settings, time_limit_seconds=seconds, gap=gap, progress=None)

    @property
    def is_out_of_time(self) -> bool:
        """Whether the time limit is reached."""
        return self.is_past(1.0)

    def is_past(self, share: float) -> bool:
        """Whether more than a share of the time limit is used.

        If so, the clock influences the result, and this is recorded.
        """
        seconds = self.elapsed_seconds
        return self._note_if_late(seconds >= share * self.deadline.limit_seconds)

    def affordable_rounds(self, rounds: int, share: float = 1.0) -> int:
        """``rounds``, or the number of rounds that fit into a share of the time left."""
        if self.seconds_per_round <= 0.0:
            return rounds
        affordable = share * self.seconds_left() / self.seconds_per_round
        self._note_if_late(affordable < rounds)
        return int(np.clip(affordable, 1, rounds))

    @staticmethod
    def _note_if_late(is_late: bool) -> bool:
        if is_late:
            record_timeout(SEARCH)
        return is_late

    def offer(
        self,
        cost: float,
        plan: Bools,
        *,
        assignment: Ints | None = None,
        flows: sparse.csr_array | None = None,
    ) -> bool:
        """Keep a plan if it is better than the best one; return whether it was.

        Args:
            cost: Cost of the plan.
            plan: Open sites, (sites,).
            assignment: Site of each customer, (customers,), where that is a decision of its own.
            flows: Share of each customer served from each site, where customers may be split.
        """
        if cost >= self.cost - 1e-9 * abs(cost):
            return False
        self.cost, self.plan = float(cost), np.array(plan, bool)
        self.assignment = None if assignment is None else assignment.copy()
        self.flows = flows
        self.best_plan_seconds = self.elapsed_seconds
        if self.first_plan_seconds is None:
            self.first_plan_seconds = self.best_plan_seconds
        self._record()
        return True

    def raise_bound(self, bound: float) -> None:
        """Keep a bound if it is better than the best one."""
        if bound > self.bound + 1e-9 * abs(bound):
            self.bound = float(min(bound, self.cost))
            self._record()

    def close(self) -> None:
        """Record that no plan is better than the best one: the bound is its cost."""
        self.proven, self.bound = True, self.cost

    def cutoff(self, is_integral: bool) -> float:
        """The cost at or above which a plan is no improvement.

        Args:
            is_integral: Whether every plan's cost is a whole number.
        """
        if is_integral:
            return self.cost - 1.0 + 1e-6
        return self.cost - max(1e-9 * abs(self.cost), self.settings.gap * abs(self.cost), 1e-12)

    @property
    def plan_seconds(self) -> dict[str, float]:
        """When the first and the best plan were found, in seconds; nothing without a plan."""
        if self.first_plan_seconds is None or self.best_plan_seconds is None:
            return {}
        return {"first": self.first_plan_seconds, "best": self.best_plan_seconds}

    def _record(self) -> None:
        seconds = self.elapsed_seconds
        self.trace.append((seconds, self.cost, self.bound))
        if self.settings.progress is not None:
            has_plan = np.isfinite(self.cost)
            self.settings.progress(Progress(seconds, self.cost if has_plan else None, self.bound))
