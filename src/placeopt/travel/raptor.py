"""Earliest arrivals by public transport for every departure in a window (range RAPTOR).

Round k knows the earliest arrival at each stop with at most k rides:
  arrive[k,s] = min over patterns through s of the arrival of the earliest trip that can be caught
                at an earlier call u of the pattern with  departs >= ready[k-1,u]
  ready[k,s]  = min(arrive[k,s] + change, min over u of arrive[k,u] + walk[u,s] + change)
Departures are worked from the last to the first, so that what a later departure reaches bounds
every earlier one; the arrivals are exact for each departure. A walk follows a ride or starts or
ends the journey, never another walk. Compiled by numba, once, and kept.
Source: Delling, Pajor, Werneck (2015), "Round-Based Public Transit Routing", Transportation
Science 49(3), sections 3 and 4.
"""

from __future__ import annotations

import numpy as np
from numba import njit

IN_TIME = 0.01  # minutes late that still catch a trip: coordinates are no finer than that


@njit(cache=True, nogil=True)
def journeys(
    first_call,
    calls,
    board,
    alight,
    trips,
    first_time,
    departs,
    arrives,
    stop_first,
    stop_pattern,
    stop_position,
    walk_first,
    walk_to,
    walk_minutes,
    access_stop,
    access_minutes,
    egress_first,
    egress_stop,
    egress_minutes,
    direct,
    starts,
    rides,
    change,
    cutoff,
):  # type: ignore[no-untyped-def]
    """(starts, destinations) door-to-door minutes from one origin, infinite beyond the cut-off.

    ``starts``: departures in descending order, minutes. ``stop_*``: for each stop the patterns
    that call there and at which call (rows ``stop_first[s]:stop_first[s+1]``); ``walk_*`` the
    same for walks between stops, ``egress_*`` for stops near each destination. ``access_*``:
    stops near the origin. ``direct`` (destinations,): minutes on foot all the way. ``rides``:
    most rides; ``change``: minutes needed at least between two rides.
    """
    stops = len(stop_first) - 1
    patterns = len(trips)
    arrive = np.full((rides + 1, stops), np.inf)
    ready = np.full((rides + 1, stops), np.inf)
    best = np.full(stops, np.inf)
    first_marked = np.full(patterns, -1, np.int64)
    queue = np.empty(patterns, np.int64)
    marked = np.zeros(stops, np.bool_)
    improved = np.zeros(stops, np.bool_)
    result = np.empty((len(starts), len(direct)))
    for i in range(len(starts)):
        start = starts[i]
        limit = start + cutoff
        marked[:] = False
        for a in range(len(access_stop)):
            stop = access_stop[a]
            if start + access_minutes[a] < ready[0, stop]:
                ready[0, stop] = start + access_minutes[a]
                marked[stop] = True
        for k in range(1, rides + 1):
            for stop in range(stops):
                if arrive[k - 1, stop] < arrive[k, stop]:
                    arrive[k, stop] = arrive[k - 1, stop]
                if ready[k - 1, stop] < ready[k, stop]:
                    ready[k, stop] = ready[k - 1, stop]
            queued = 0
            for stop in range(stops):
                if not marked[stop]:
                    continue
                for row in range(stop_first[stop], stop_first[stop + 1]):
                    p, position = stop_pattern[row], stop_position[row]
                    if first_marked[p] < 0:
                        first_marked[p] = position
                        queue[queued] = p
                        queued += 1
                    elif position < first_marked[p]:
                        first_marked[p] = position
            improved[:] = False
            for q in range(queued):
                p = queue[q]
                size = first_call[p + 1] - first_call[p]
                trip = trips[p]  # none caught yet
                for position in range(first_marked[p], size):
                    call = first_call[p] + position
                    stop = calls[call]
                    if trip < trips[p] and alight[call]:
                        time = arrives[first_time[p] + trip * size + position]
                        if time < arrive[k, stop] and time <= limit:
                            arrive[k, stop] = time
                            improved[stop] = True
                    if board[call] and ready[k - 1, stop] <= limit:
                        low, high = 0, trip  # the earliest trip that leaves late enough
                        while low < high:
                            middle = (low + high) // 2
                            leaves = departs[first_time[p] + middle * size + position]
                            if leaves >= ready[k - 1, stop] - IN_TIME:
                                high = middle
                            else:
                                low = middle + 1
                        trip = low
                first_marked[p] = -1
            marked[:] = False
            for stop in range(stops):
                if not improved[stop]:
                    continue
                if arrive[k, stop] < best[stop]:
                    best[stop] = arrive[k, stop]
                for row in range(walk_first[stop], walk_first[stop + 1]):
                    other = walk_to[row]
                    time = arrive[k, stop] + walk_minutes[row] + change
                    if time < ready[k, other]:
                        ready[k, other] = time
                        marked[other] = True
        for b in range(len(direct)):
            fastest = direct[b]
            for row in range(egress_first[b], egress_first[b + 1]):
                time = best[egress_stop[row]] + egress_minutes[row] - start
                if time < fastest:
                    fastest = time
            result[i, b] = fastest if fastest <= cutoff else np.inf
    return result
