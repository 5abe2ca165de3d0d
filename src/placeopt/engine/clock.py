"""Which searches the clock ended: what is found after one may be otherwise in another run.

A search that ends because it is done (proven, nothing better found in so many tries) is the same
in every run. One that ends because its time is up is not: how far it comes depends on the machine
and on what else runs there. Whoever answers a question opens ``watching_the_clock`` and says in
the answer whether it repeats.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from placeopt.errors import Finding

_ended: ContextVar[list[str] | None] = ContextVar("ended_by_clock", default=None)


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
