"""A deadline by a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from placeopt.base.deadline import Deadline, reading_clock, recording_timeouts


class Clock:
    """Seconds that pass only when ``now`` is moved."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Iterator[Clock]:
    clock = Clock()
    with reading_clock(clock):
        yield clock


def test_a_part_takes_a_share_of_what_is_left(clock: Clock) -> None:
    deadline = Deadline(10.0)
    clock.now += 6.0
    assert deadline.seconds_left() == 4.0
    part = deadline.part(0.5)
    clock.now += 1.0
    assert (part.elapsed_seconds, part.seconds_left(), deadline.seconds_left()) == (1.0, 1.0, 3.0)
    clock.now += 9.0
    assert (deadline.seconds_left(), deadline.seconds_left(at_least=1.0)) == (0.0, 1.0)
    assert deadline.part(0.5, at_least=1.0).limit_seconds == 0.5


def test_only_a_search_that_time_ends_is_recorded(clock: Clock) -> None:
    deadline = Deadline(10.0)
    with recording_timeouts() as ended:
        assert not deadline.ends("the search")
        clock.now += 10.0
        assert deadline.ends("the search")
    assert ended == ["the search"]


def test_a_pause_moves_the_end(clock: Clock) -> None:
    deadline = Deadline(10.0)
    with deadline.paused():
        clock.now += 100.0
    assert deadline.seconds_left() == 10.0
