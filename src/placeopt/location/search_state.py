"""What a search knows so far: its best plan, its bound and its time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from placeopt.base.deadline import ended_by_clock
from placeopt.engine.interrupts import interrupted

Report = Callable[[float, float], None]


@dataclass
class Run:
    """A search under way: the best plan so far, the bound, and when each was found."""

    limit: float
    gap: float = 0.0
    report: Report | None = None
    began: float = field(default_factory=time.perf_counter)
    cost: float = np.inf
    plan: NDArray[np.bool_] | None = None
    bound: float = -np.inf
    trace: list[tuple[float, float, float]] = field(default_factory=list)
    first: float | None = None
    best_at: float | None = None
    nodes: int = 0
    rounds: int = 0
    pace: float = 0.0  # seconds that a round of the bound took last
    proven: bool = False

    @property
    def seconds(self) -> float:
        """Seconds since the search began; once Ctrl-C came, its limit is reached."""
        seconds = time.perf_counter() - self.began
        if interrupted():
            self.limit = min(self.limit, seconds)
        return seconds

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        """What is done within takes none of the limit."""
        began = time.perf_counter()
        yield
        self.began += time.perf_counter() - began

    @property
    def out_of_time(self) -> bool:
        return self.past(1.0)

    def past(self, share: float) -> bool:
        """Whether more than a share of the limit is gone; noted, for the clock then decides."""
        return self._noted(self.seconds >= share * self.limit)

    def affordable(self, rounds: int, share: float = 1.0) -> int:
        """So many rounds of the bound, or what fits into a share of the time left."""
        if self.pace <= 0.0:
            return rounds
        fit = share * (self.limit - self.seconds) / self.pace
        self._noted(fit < rounds)
        return int(np.clip(fit, 1, rounds))

    @staticmethod
    def _noted(late: bool) -> bool:
        if late:
            ended_by_clock("the search for sites")
        return late

    def offer(self, cost: float, plan: NDArray[np.bool_]) -> bool:
        """Keep a plan if it is better; returns whether it was."""
        if cost >= self.cost - 1e-9 * abs(cost):
            return False
        self.cost, self.plan = float(cost), np.array(plan, bool)
        self.best_at = self.seconds
        self.first = self.best_at if self.first is None else self.first
        self._note()
        return True

    def raise_bound(self, bound: float) -> None:
        if bound > self.bound + 1e-9 * abs(bound):
            self.bound = float(min(bound, self.cost))
            self._note()

    def cutoff(self, whole: bool) -> float:
        """Plans at or above this cost are of no interest."""
        if whole:
            return self.cost - 1.0 + 1e-6
        return self.cost - max(1e-9 * abs(self.cost), self.gap * abs(self.cost), 1e-12)

    def _note(self) -> None:
        self.trace.append((self.seconds, self.cost, self.bound))
        if self.report is not None:
            self.report(self.cost, self.bound)
