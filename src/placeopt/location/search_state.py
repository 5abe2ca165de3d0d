"""The state of a search: its best plan, its bound and its time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from placeopt.base.deadline import record_timeout
from placeopt.engine.interrupts import interrupted

Report = Callable[[float, float], None]


@dataclass
class SearchState:
    """The state of a search: the best plan so far, the bound, and when each was found.

    Attributes:
        time_limit_seconds: Seconds after which the search ends.
        gap: Relative gap at which a plan counts as proven.
        report: Called with (cost, bound) after every improvement.
        started_at: When the search began, by ``time.perf_counter``.
        cost: Cost of the best plan; inf before there is one.
        plan: Which sites the best plan opens, (sites,).
        bound: The best lower bound.
        trace: (seconds, cost, bound) after every improvement.
        first_plan_seconds: When the first plan was found.
        best_plan_seconds: When the best plan was found.
        nodes: Nodes of the tree, or models solved, so far.
        rounds: Subgradient rounds so far.
        seconds_per_round: Seconds that a subgradient round took last.
        proven: Whether no plan below the cutoff is left.
    """

    time_limit_seconds: float
    gap: float = 0.0
    report: Report | None = None
    started_at: float = field(default_factory=time.perf_counter)
    cost: float = np.inf
    plan: NDArray[np.bool_] | None = None
    bound: float = -np.inf
    trace: list[tuple[float, float, float]] = field(default_factory=list)
    first_plan_seconds: float | None = None
    best_plan_seconds: float | None = None
    nodes: int = 0
    rounds: int = 0
    seconds_per_round: float = 0.0
    proven: bool = False

    @property
    def elapsed_seconds(self) -> float:
        """Seconds since the search began. After Ctrl-C the time limit counts as reached."""
        seconds = time.perf_counter() - self.started_at
        if interrupted():
            self.time_limit_seconds = min(self.time_limit_seconds, seconds)
        return seconds

    @contextmanager
    def clock_paused(self) -> Iterator[None]:
        """Keep the time spent in this context out of the time limit."""
        paused_at = time.perf_counter()
        yield
        self.started_at += time.perf_counter() - paused_at

    @property
    def is_out_of_time(self) -> bool:
        """Whether the time limit is reached."""
        return self.is_past(1.0)

    def is_past(self, share: float) -> bool:
        """Whether more than a share of the time limit is used.

        If so, the clock influences the result, and this is recorded.
        """
        return self._note_if_late(self.elapsed_seconds >= share * self.time_limit_seconds)

    def affordable_rounds(self, rounds: int, share: float = 1.0) -> int:
        """``rounds``, or the number of rounds that fit into a share of the time left."""
        if self.seconds_per_round <= 0.0:
            return rounds
        affordable = (
            share * (self.time_limit_seconds - self.elapsed_seconds) / self.seconds_per_round
        )
        self._note_if_late(affordable < rounds)
        return int(np.clip(affordable, 1, rounds))

    @staticmethod
    def _note_if_late(is_late: bool) -> bool:
        if is_late:
            record_timeout("the search for sites")
        return is_late

    def offer(self, cost: float, plan: NDArray[np.bool_]) -> bool:
        """Keep a plan if it is better than the best one; return whether it was."""
        if cost >= self.cost - 1e-9 * abs(cost):
            return False
        self.cost, self.plan = float(cost), np.array(plan, bool)
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

    def cutoff(self, is_integral: bool) -> float:
        """The cost at or above which a plan is no improvement.

        Args:
            is_integral: Whether every plan's cost is a whole number.
        """
        if is_integral:
            return self.cost - 1.0 + 1e-6
        return self.cost - max(1e-9 * abs(self.cost), self.gap * abs(self.cost), 1e-12)

    def _record(self) -> None:
        self.trace.append((self.elapsed_seconds, self.cost, self.bound))
        if self.report is not None:
            self.report(self.cost, self.bound)
