"""Range RAPTOR against an exhaustive search on small random timetables.

The oracle uses no patterns, no marking and no reuse between departures: for every departure and
every number of rides it tries every trip from every call.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from placeopt.travel.transit.raptor import BOARDING_TOLERANCE
from tests.travel.feeds import write_gtfs
from tests.travel.test_transit import street, travel

PACE = 80.0  # metres a minute
WALK, CHANGE_WALK, CHANGE = 12.5, 6.5, 1.0  # half minutes: no walk is exactly at its limit
Trip = list[tuple[str, int]]  # (stop, minute of arrival and departure)


def random_timetable(seed: int) -> tuple[dict[str, tuple[float, float]], dict[str, Trip]]:
    """Seven stops on the street and twelve trips through some of them, some of them overtaking."""
    rng = np.random.default_rng(seed)
    stops = {f"s{i}": (80.0 * x, 0.0) for i, x in enumerate(rng.choice(76, 7, replace=False))}
    trips: dict[str, Trip] = {}
    for t in range(12):
        called = rng.permutation(list(stops))[: rng.integers(2, 6)]
        minutes = 420 + int(rng.integers(0, 40)) + np.cumsum(rng.integers(1, 9, len(called)))
        trips[f"t{t}"] = list(zip(called.tolist(), minutes.tolist(), strict=True))
    return stops, trips


def exhaustive(
    stops: dict[str, tuple[float, float]], trips: dict[str, Trip], start: float, end: float,
    leave: float, changes: int,
) -> float:  # fmt: skip
    """Door-to-door minutes along the street, leaving at one minute."""

    def walk(a: float, b: float) -> float:
        return abs(a - b) / PACE

    best = leave + walk(start, end)
    ready = {s: leave + walk(start, x) for s, (x, _) in stops.items() if walk(start, x) <= WALK}
    for _ in range(changes + 1):
        arrive: dict[str, float] = {}
        for trip in trips.values():
            for i, (on, leaves) in enumerate(trip):
                if ready.get(on, np.inf) <= leaves + BOARDING_TOLERANCE:
                    for off, at in trip[i + 1 :]:
                        arrive[off] = min(arrive.get(off, np.inf), at)
        for off, at in arrive.items():
            if walk(stops[off][0], end) <= WALK:
                best = min(best, at + walk(stops[off][0], end))
        for off, at in arrive.items():
            for other, (x, _) in stops.items():
                if off == other or walk(stops[off][0], x) <= CHANGE_WALK:
                    reach = at + walk(stops[off][0], x) + CHANGE
                    ready[other] = min(ready.get(other, np.inf), reach)
    return best - leave


@pytest.mark.parametrize("seed", range(20))
def test_random_timetables_agree_with_trying_everything(seed: int, tmp_path: Path) -> None:
    stops, trips = random_timetable(seed)
    text = {
        name: ", ".join(f"{s} {m // 60:02d}:{m % 60:02d}" for s, m in trip)
        for name, trip in trips.items()
    }
    write_gtfs(tmp_path / "feed.zip", stops, text)
    street(tmp_path)
    rng = np.random.default_rng(seed)
    start, end = (80.0 * rng.integers(0, 76, 2)).tolist()
    changes = seed % 3
    times = travel(
        tmp_path, start, end, depart=("07:00", "07:40"), changes=changes, walk_minutes=WALK,
        change_walk_minutes=CHANGE_WALK, change_minutes=CHANGE,
    )  # fmt: skip
    expected = sorted(
        exhaustive(stops, trips, start, end, leave, changes) for leave in range(420, 460)
    )
    median = (expected[19] + expected[20]) / 2
    assert times.matrix("transit")[0, 0] == pytest.approx(median, abs=0.05)
    assert times.worst["transit"][0, 0] == pytest.approx(expected[35], abs=0.05)
