"""Earliest arrivals by public transport for every departure in a window (range RAPTOR).

Round k computes the earliest arrival at each stop with at most k rides:
  arrive[k,s] = min over patterns through s of the arrival of the earliest trip that can be caught
                at an earlier call u of the pattern with  departs >= ready[k-1,u]
  ready[k,s]  = min over stops u (s among them) of arrive[k,u] + walk[u,s] + change
Departures are processed from the last to the first, so that the arrivals of a later departure bound
those of earlier ones; arrivals are exact for each departure. A walk follows a ride, or starts or
ends the journey; it never follows another walk. The code is compiled by numba once and cached.
Source: Delling, Pajor, Werneck (2015), "Round-Based Public Transit Routing", Transportation
Science 49(3), sections 3 and 4.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placeopt.base.compiled import compiled, ensure_compiled

# minutes late that still catch a trip: coordinates are no finer than that
BOARDING_TOLERANCE = 0.01


class TimetableArrays(NamedTuple):
    """The arrays of a timetable; see ``gtfs.Timetable``."""

    first_call: NDArray[np.int64]
    calls: NDArray[np.int64]
    board: NDArray[np.bool_]
    alight: NDArray[np.bool_]
    trips: NDArray[np.int64]
    first_time: NDArray[np.int64]
    departs: NDArray[np.float64]
    arrives: NDArray[np.float64]


class RaggedRows(NamedTuple):
    """Rows of different length: row i is at ``first[i]:first[i+1]``."""

    first: NDArray[np.int64]
    item: NDArray[np.int64]
    minutes: NDArray[np.float64]


class Labels(NamedTuple):
    """Labels of the search.

    Attributes:
        arrive: (rounds, stops) earliest arrival.
        ready: (rounds, stops) earliest time to board.
        best: (stops,) earliest arrival over all rounds.
    """

    arrive: NDArray[np.float64]
    ready: NDArray[np.float64]
    best: NDArray[np.float64]


def earliest_arrivals(
    lines: TimetableArrays,
    patterns_of_stop: RaggedRows,
    walks: RaggedRows,
    access: tuple[NDArray[np.int64], NDArray[np.float64]],
    egress: RaggedRows,
    direct: NDArray[np.float64],
    starts: NDArray[np.float64],
    rides: int,
    change: float,
    cutoff: float,
) -> NDArray[np.float64]:
    """Door-to-door minutes from one origin.

    Args:
        lines: The timetable.
        patterns_of_stop: For each stop the patterns that call there and, as minutes, the number of
            the call.
        walks: Walks between stops, including from each to itself.
        access: (stops near the origin,) stops, and minutes to them.
        egress: For each destination the stops near it.
        direct: (destinations,) minutes on foot all the way.
        starts: (starts,) departures in descending order.
        rides: The most rides.
        change: The least minutes between two rides.
        cutoff: Longer journeys are infinite.

    Returns:
        (starts, destinations) minutes, infinite beyond the cut-off.
    """
    minutes: NDArray[np.float64] = _journeys(
        lines,
        patterns_of_stop,
        walks,
        access[0],
        access[1],
        egress,
        direct,
        starts,
        rides,
        change,
        cutoff,
    )
    return minutes


@partial(compiled, nogil=True)
def _journeys(
    lines: Any,
    patterns_of_stop: Any,
    walks: Any,
    access_stop: Any,
    access_minutes: Any,
    egress: Any,
    direct: Any,
    starts: Any,
    rides: Any,
    change: Any,
    cutoff: Any,
) -> Any:
    stops, patterns = len(patterns_of_stop.first) - 1, len(lines.trips)
    labels = Labels(
        np.full((rides + 1, stops), np.inf),
        np.full((rides + 1, stops), np.inf),
        np.full(stops, np.inf),
    )
    first_marked = np.full(patterns, -1, np.int64)
    queue = np.empty(patterns, np.int64)
    marked, improved = np.zeros(stops, np.bool_), np.zeros(stops, np.bool_)
    result = np.empty((len(starts), len(direct)))
    for i in range(len(starts)):
        marked[:] = False
        for a in range(len(access_stop)):
            stop, time = access_stop[a], starts[i] + access_minutes[a]
            if time < labels.ready[0, stop]:
                labels.ready[0, stop] = time
                marked[stop] = True
        for k in range(1, rides + 1):
            for stop in range(stops):
                labels.arrive[k, stop] = min(labels.arrive[k, stop], labels.arrive[k - 1, stop])
                labels.ready[k, stop] = min(labels.ready[k, stop], labels.ready[k - 1, stop])
            queued = _patterns_through(marked, patterns_of_stop, first_marked, queue)
            improved[:] = False
            for q in range(queued):
                _ride(lines, queue[q], first_marked, labels, k, starts[i] + cutoff, improved)
            marked[:] = False
            _walk(walks, labels, k, change, improved, marked)
        _arrive(egress, labels.best, direct, starts[i], cutoff, result[i])
    return result


@partial(compiled, nogil=True)
def _patterns_through(marked: Any, patterns_of_stop: Any, first_marked: Any, queue: Any) -> Any:
    """Queue the patterns that call at a marked stop, with their first such call."""
    queued = 0
    for stop in range(len(marked)):
        if not marked[stop]:
            continue
        for row in range(patterns_of_stop.first[stop], patterns_of_stop.first[stop + 1]):
            p, position = patterns_of_stop.item[row], int(patterns_of_stop.minutes[row])
            if first_marked[p] < 0:
                queue[queued] = p
                queued += 1
                first_marked[p] = position
            elif position < first_marked[p]:
                first_marked[p] = position
    return queued


@partial(compiled, nogil=True)
def _ride(
    lines: Any, p: Any, first_marked: Any, labels: Any, k: Any, limit: Any, improved: Any
) -> None:
    """Follow pattern p: alight wherever that improves, board an earlier trip where possible."""
    size = lines.first_call[p + 1] - lines.first_call[p]
    trip = lines.trips[p]  # none boarded yet
    for position in range(first_marked[p], size):
        call = lines.first_call[p] + position
        stop = lines.calls[call]
        if trip < lines.trips[p] and lines.alight[call]:
            time = lines.arrives[lines.first_time[p] + trip * size + position]
            if time < labels.arrive[k, stop] and time <= limit:
                labels.arrive[k, stop] = time
                improved[stop] = True
        ready = labels.ready[k - 1, stop] - BOARDING_TOLERANCE
        if lines.board[call] and ready <= limit:
            low, high = 0, trip  # the earliest trip that leaves late enough
            while low < high:
                middle = (low + high) // 2
                if lines.departs[lines.first_time[p] + middle * size + position] >= ready:
                    high = middle
                else:
                    low = middle + 1
            trip = low
    first_marked[p] = -1


@partial(compiled, nogil=True)
def _walk(walks: Any, labels: Any, k: Any, change: Any, improved: Any, marked: Any) -> None:
    """Walk from the improved stops to those around them and mark these for the next round."""
    for stop in range(len(improved)):
        if not improved[stop]:
            continue
        arrived = labels.arrive[k, stop]
        labels.best[stop] = min(labels.best[stop], arrived)
        for row in range(walks.first[stop], walks.first[stop + 1]):
            other, time = walks.item[row], arrived + walks.minutes[row] + change
            if time < labels.ready[k, other]:
                labels.ready[k, other] = time
                marked[other] = True


@partial(compiled, nogil=True)
def _arrive(egress: Any, best: Any, direct: Any, start: Any, cutoff: Any, out: Any) -> None:
    """Minutes to each destination, by the best stop near it or on foot."""
    for b in range(len(direct)):
        fastest = direct[b]
        for row in range(egress.first[b], egress.first[b + 1]):
            fastest = min(fastest, best[egress.item[row]] + egress.minutes[row] - start)
        out[b] = fastest if fastest <= cutoff else np.inf


def compile_raptor() -> None:
    """Compile ``earliest_arrivals`` or load it from the cache."""
    ensure_compiled("public transport", ("placeopt.travel.transit.raptor",), _run_example, 15)


def _run_example() -> None:
    """Run a minimal example: one trip from one stop to another."""
    pair, ride = np.arange(2), np.array([0.0, 5.0])
    on = np.ones(2, bool)
    one = np.array([1], np.int64)
    lines = TimetableArrays(2 * pair, pair, on, on, one, pair, ride, ride)
    each = RaggedRows(np.arange(3), pair, np.zeros(2))
    patterns_of_stop = RaggedRows(np.arange(3), np.zeros(2, np.int64), np.arange(2.0))
    egress = RaggedRows(pair, one, np.zeros(1))
    access = (np.zeros(1, np.int64), np.zeros(1))
    earliest_arrivals(
        lines, patterns_of_stop, each, access, egress, np.full(1, 9.0), np.zeros(1), 1, 1.0, 60.0
    )
