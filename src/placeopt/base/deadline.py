"""Deadlines of an answer and of its searches, and a record of the searches that timed out.

An answer takes many solves: objectives, completion, explanations. ``Deadline.of_answer`` gives all
of them one deadline, which ``engine.solve`` keeps whatever limit a single solve has. A search has
its own ``Deadline``, which it passes on to its parts.

A search that ends because it is finished (proven, or nothing better found in so many attempts) is
the same in every run. A search that times out is not: its progress depends on the machine and its
other work. Code that answers a question opens
``recording_timeouts`` and states in the answer whether it repeats.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from placeopt.base.errors import Finding

LATE_SHARE, LATE_SECONDS = 0.1, 2.0  # an answer may be late by this share, or these seconds
SEARCH_SHARE = 0.5  # of that lateness for solves; the rest is for tables and verification
LEAST_SECONDS = 0.1  # of a solve that begins after the deadline; small ones finish in it
_clock: ContextVar[Callable[[], float]] = ContextVar("clock", default=time.perf_counter)
_enclosing: ContextVar[Deadline | None] = ContextVar("deadline", default=None)
_timeouts: ContextVar[list[str] | None] = ContextVar("timeouts", default=None)


def _now() -> float:
    return _clock.get()()


@dataclass
class Deadline:
    """A deadline: a number of seconds after the start.

    Attributes:
        limit_seconds: Seconds from the start to the end.
        started_at: Start, on a clock with an arbitrary zero.
    """

    limit_seconds: float
    started_at: float = field(default_factory=_now)

    @classmethod
    def of_answer(cls, limit_seconds: float) -> Deadline:
        """The deadline of all solves of an answer.

        Args:
            limit_seconds: The time limit of the scenario; part of the permitted lateness is added.
        """
        late_seconds = max(LATE_SHARE * limit_seconds, LATE_SECONDS)
        return cls(limit_seconds + SEARCH_SHARE * late_seconds)

    @classmethod
    def enclosing(cls) -> Deadline:
        """The deadline that this context enforces; one that never comes where there is none."""
        return _enclosing.get() or cls(float("inf"))

    @property
    def elapsed_seconds(self) -> float:
        """Seconds since the start."""
        return _now() - self.started_at

    @property
    def has_passed(self) -> bool:
        """Whether the time is up."""
        return self.elapsed_seconds >= self.limit_seconds

    def seconds_left(self, at_least: float = 0.0) -> float:
        """Seconds until the end, but no fewer than ``at_least``."""
        return max(self.limit_seconds - self.elapsed_seconds, at_least)

    def part(self, share: float = 1.0, at_least: float = 0.0) -> Deadline:
        """The deadline of a part that begins now and may take a share of the seconds left.

        Args:
            share: The share.
            at_least: Seconds that count as left in any case.
        """
        return Deadline(share * self.seconds_left(at_least))

    def ends(self, search: str) -> bool:
        """Whether the time is up; if so, it is recorded that time ended ``search``."""
        if self.has_passed:
            record_timeout(search)
        return self.has_passed

    @contextmanager
    def enforced(self) -> Iterator[None]:
        """Let no solve of this context run past the deadline, or past an earlier enclosing one."""
        end, enclosing = self.limit_seconds + self.started_at, Deadline.enclosing()
        is_earlier = end < enclosing.limit_seconds + enclosing.started_at
        token = _enclosing.set(self if is_earlier else enclosing)
        try:
            yield
        finally:
            _enclosing.reset(token)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Keep the time spent in this context out of the limit."""
        paused_at = _now()
        yield
        self.started_at += _now() - paused_at


@contextmanager
def without_deadline() -> Iterator[None]:
    """Run the solves of this context although the deadline has passed.

    Use it for solves that a found plan cannot do without. They are nearly linear programs, and
    small beside the search.
    """
    token = _enclosing.set(None)
    try:
        yield
    finally:
        _enclosing.reset(token)


@contextmanager
def reading_clock(clock: Callable[[], float]) -> Iterator[None]:
    """Measure every deadline of this context by ``clock`` (increasing seconds), for tests."""
    token = _clock.set(clock)
    try:
        yield
    finally:
        _clock.reset(token)


@contextmanager
def recording_timeouts() -> Iterator[list[str]]:
    """Yield a list of the searches that time out here; nested contexts report to both."""
    outer = _timeouts.get()
    timeouts: list[str] = []
    token = _timeouts.set(timeouts)
    try:
        yield timeouts
    finally:
        _timeouts.reset(token)
        if outer is not None:
            outer += timeouts


def record_timeout(search: str) -> None:
    """Record that ``search`` ended because its time was up, or because it raced with another."""
    timeouts = _timeouts.get()
    if timeouts is not None:
        timeouts.append(search)


def repeatability_warnings(timeouts: list[str]) -> tuple[Finding, ...]:
    """The warning of an answer in which a search timed out; empty otherwise."""
    if not timeouts:
        return ()
    searches = ", ".join(dict.fromkeys(timeouts))
    return (
        Finding(
            "warning",
            "the scenario",
            None,
            "solver.time_limit_seconds",
            None,
            "the time limit ended part of the search, so another run may give another plan within "
            f"the gap that is stated (parts of the search: {searches})",
            "for an answer that repeats give more time or a wider gap, and keep to this plan",
        ),
    )
