"""The deadline of an answer, and which searches the time limit ended.

An answer takes many solves: objectives, completion, explanations. ``answer_deadline`` gives all of
them one deadline, which ``engine.solve`` keeps whatever limit a single solve has. Code that works
between solves asks ``seconds_left``.

A search that ends because it is finished (proven, or nothing better found in so many attempts) is
the same in every run. A search that ends because its time is up is not: how far it comes depends
on the machine and on what else runs there. Code that answers a question opens
``recording_timeouts`` and states in the answer whether it repeats.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from placeopt.base.errors import Finding

LATE_SHARE, LATE_SECONDS = 0.1, 2.0  # an answer may be late by this share, or these seconds
SEARCH_SHARE = 0.5  # of that lateness for solves; the rest is for tables and verification
LEAST_SECONDS = 0.1  # of a solve that begins after the deadline; small ones finish in it
_deadline: ContextVar[float] = ContextVar("deadline", default=float("inf"))
_clock: ContextVar[Callable[[], float]] = ContextVar("clock", default=time.perf_counter)
_timeouts: ContextVar[list[str] | None] = ContextVar("timeouts", default=None)


@contextmanager
def answer_deadline(
    limit_seconds: float, clock: Callable[[], float] | None = None
) -> Iterator[None]:
    """Give all solves of this context one deadline: the limit and part of the permitted lateness.

    Nested contexts keep the earlier deadline.

    Args:
        limit_seconds: The time limit of the scenario.
        clock: Increasing seconds, for tests; ``time.perf_counter`` by default.
    """
    late = max(LATE_SHARE * limit_seconds, LATE_SECONDS)
    token = _clock.set(clock or _clock.get())
    try:
        with deadline_in(limit_seconds + SEARCH_SHARE * late):
            yield
    finally:
        _clock.reset(token)


@contextmanager
def deadline_in(seconds: float) -> Iterator[None]:
    """End this context in so many seconds, or at the enclosing deadline if that is earlier."""
    token = _deadline.set(min(_deadline.get(), _clock.get()() + seconds))
    try:
        yield
    finally:
        _deadline.reset(token)


@contextmanager
def without_deadline() -> Iterator[None]:
    """Run the solves of this context although the deadline has passed.

    Use it for solves that a found plan cannot do without. They are nearly linear programs, and
    small beside the search.
    """
    token = _deadline.set(float("inf"))
    try:
        yield
    finally:
        _deadline.reset(token)


def seconds_left() -> float:
    """Seconds until the enclosing deadline: infinite without one, 0 or less once it has passed."""
    return _deadline.get() - _clock.get()()


def limit_to_deadline(seconds: float) -> float:
    """``seconds``, or the seconds left until the deadline if they are fewer."""
    return min(seconds, max(seconds_left(), LEAST_SECONDS))


@contextmanager
def recording_timeouts() -> Iterator[list[str]]:
    """Yield a list of the searches that time ends here; nested contexts report to both."""
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
    """The warning of an answer in which time ended a search; nothing otherwise."""
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
            f"time ended part of the search ({searches}), so that another run may give another "
            "plan within the gap that is stated",
            "for an answer that repeats give more time or a wider gap, and keep to this plan",
        ),
    )
