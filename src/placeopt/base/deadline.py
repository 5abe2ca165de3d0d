"""The deadline of an answer, and which searches the clock ended.

An answer is found in many solves: objectives, completion, explanations. ``limited`` gives all of
them one deadline, which ``engine.solve`` keeps whatever limit a solve is given itself; what works
between solves asks ``seconds_left``.

What is found after a search that the clock ended may be otherwise in another run.

A search that ends because it is done (proven, nothing better found in so many tries) is the same
in every run. One that ends because its time is up is not: how far it comes depends on the machine
and on what else runs there. Whoever answers a question opens ``watching_the_clock`` and says in
the answer whether it repeats.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from placeopt.base.errors import Finding

LATE_SHARE, LATE_SECONDS = 0.1, 2.0  # of its limit, and at least: by how much an answer may be late
SEARCHING = 0.5  # of what an answer may be late, for solves; the rest for tables and verification
LEAST_SECONDS = 0.1  # of a solve that begins after the deadline: small ones end in it
_deadline: ContextVar[float] = ContextVar("deadline", default=float("inf"))
_clock: ContextVar[Callable[[], float]] = ContextVar("clock", default=time.perf_counter)
_ended: ContextVar[list[str] | None] = ContextVar("ended_by_clock", default=None)


@contextmanager
def limited(limit_seconds: float, clock: Callable[[], float] | None = None) -> Iterator[None]:
    """All solves of the block end by one deadline: the limit and a share of what may be late.

    One block inside another keeps the earlier deadline.

    Args:
        limit_seconds: What the scenario gives.
        clock: Seconds that go up, for tests; by default those of ``time.perf_counter``.
    """
    late = max(LATE_SHARE * limit_seconds, LATE_SECONDS)
    token = _clock.set(clock or _clock.get())
    try:
        with ending_in(limit_seconds + SEARCHING * late):
            yield
    finally:
        _clock.reset(token)


@contextmanager
def ending_in(seconds: float) -> Iterator[None]:
    """The deadline of the block is in so many seconds, or that of the block around it."""
    token = _deadline.set(min(_deadline.get(), _clock.get()() + seconds))
    try:
        yield
    finally:
        _deadline.reset(token)


@contextmanager
def past_deadline() -> Iterator[None]:
    """Solves of the block run although the deadline has passed: those without which a plan that
    was found is none. They are linear programs, or nearly, and small beside the search."""
    token = _deadline.set(float("inf"))
    try:
        yield
    finally:
        _deadline.reset(token)


def seconds_left() -> float:
    """Seconds until the deadline of the block of ``limited`` around this; infinite outside one,
    0 or less when it has passed."""
    return _deadline.get() - _clock.get()()


def within_deadline(seconds: float) -> float:
    """``seconds``, or what is left until the deadline where that is less."""
    return min(seconds, max(seconds_left(), LEAST_SECONDS))


@contextmanager
def watching_the_clock() -> Iterator[list[str]]:
    """A list that fills with the searches that the clock ends within; one inside another reports
    to both."""
    outer = _ended.get()
    mine: list[str] = []
    token = _ended.set(mine)
    try:
        yield mine
    finally:
        _ended.reset(token)
        if outer is not None:
            outer += mine


def ended_by_clock(search: str) -> None:
    """Note that ``search`` ended because its time was up, or raced with another."""
    ended = _ended.get()
    if ended is not None:
        ended.append(search)


def may_differ(ended: list[str]) -> tuple[Finding, ...]:
    """The warning that an answer carries where the clock ended a search; none otherwise."""
    if not ended:
        return ()
    what = ", ".join(dict.fromkeys(ended))
    return (
        Finding(
            "warning",
            "the scenario",
            None,
            "solver.time_limit_seconds",
            None,
            f"time ended part of the search ({what}), so that another run may give another plan "
            "within the gap that is stated",
            "for an answer that repeats give more time or a wider gap, and keep to this plan",
        ),
    )
