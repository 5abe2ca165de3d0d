"""Door-to-door minutes by public transport: walk, wait, ride, change, ride, walk.

For each departure in the window the earliest arrival counts, including walking all the way. The
minutes are the median over departures; the worst minutes are their 90th percentile. Walks to,
between and from stops use the walking network.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date as Date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from placeopt.base.arrays import Floats
from placeopt.base.errors import Finding, InputError, UsageError
from placeopt.base.findings import error
from placeopt.travel.streets.graph import Graph
from placeopt.travel.streets.paths import Snapped, minutes_between, snap
from placeopt.travel.transit.gtfs import Timetable

if TYPE_CHECKING:
    from placeopt.travel.transit.raptor import RaggedRows, TimetableArrays

BLOCK_STOPS = 512


@dataclass(frozen=True)
class Transit:
    """Settings for public transport.

    Attributes:
        gtfs: The feed's zip, or several, relative to the place.
        date: The day of travel.
        depart: The window of departures (from, before), "HH:MM".
        every_minutes: Minutes between departures.
        walk_minutes: The longest walk to the first stop or from the last.
        change_walk_minutes: The longest walk between two stops.
        change_minutes: The least time between two rides in addition to the walk.
        changes: The most changes.
        stop_snap_m: Stops further than this from a street are left out.
    """

    gtfs: str | Path | Sequence[str | Path]
    date: Date | str
    depart: tuple[str, str] = ("07:00", "10:00")
    every_minutes: float = 1.0
    walk_minutes: float = 20.0
    change_walk_minutes: float = 10.0
    change_minutes: float = 1.0
    changes: int = 3
    stop_snap_m: float = 250.0

    def __post_init__(self) -> None:
        """Raise ``UsageError`` for changes that are no whole number of 0 or more."""
        if isinstance(self.changes, bool) or self.changes != int(self.changes) or self.changes < 0:
            raise UsageError(f"changes is {self.changes!r}; give a whole number of 0 or more")

    @property
    def feeds(self) -> tuple[Path, ...]:
        """The feeds; ``UsageError`` if there are none or one is repeated."""
        given = [self.gtfs] if isinstance(self.gtfs, str | Path) else list(self.gtfs)
        feeds = tuple(Path(feed) for feed in given)
        if not feeds:
            raise UsageError("gtfs names no feed; give the feed's zip file")
        repeated = [feed for feed in feeds if feeds.count(feed) > 1]
        if repeated:
            raise UsageError(f"the feed {repeated[0]} is named twice; name each feed once")
        return feeds

    @property
    def day(self) -> Date:
        """The date; ``UsageError`` unless it is written like 2026-06-09."""
        if isinstance(self.date, Date):
            return self.date
        try:
            return Date.fromisoformat(self.date)
        except ValueError:
            raise UsageError(f"date is {self.date!r}; write it like 2026-06-09") from None

    @property
    def starts(self) -> Floats:
        """Departures in minutes after midnight, in descending order; ``UsageError`` if none."""
        first, before = (_clock(text) for text in self.depart)
        if not (first < before and self.every_minutes > 0):
            raise UsageError(f"depart is {'-'.join(self.depart)}; write it like 07:00-10:00")
        return np.arange(first, before, self.every_minutes)[::-1].copy()

    def facts(self) -> dict[str, Any]:
        """Everything that minutes depend on except the feed's content, for hash and provenance."""
        self.starts  # noqa: B018  raises for a wrong window before anything is computed
        return {
            "gtfs": names[0] if len(names := [f.name for f in self.feeds]) == 1 else names,
            "date_travelled": self.day.isoformat(),
            "depart": "-".join(self.depart),
            "every_minutes": self.every_minutes,
            "walk_minutes": self.walk_minutes,
            "change_walk_minutes": self.change_walk_minutes,
            "change_minutes": self.change_minutes,
            "changes": self.changes,
            "stop_snap_m": self.stop_snap_m,
        }


def _clock(text: str) -> float:
    match = re.fullmatch(r"(\d{1,2}):(\d\d)", text.strip())
    if match is None:
        raise UsageError(f"{text!r} is no time; write it like 07:00")
    return int(match[1]) * 60.0 + int(match[2])


class TransitSearch:
    """A search by public transport; feed and walking network are read when first needed."""

    from_zones = True

    def __init__(
        self, settings: Transit, network: Callable[[], Graph], timetable: Callable[[], Timetable]
    ):
        self.settings = settings
        self._network = network
        self._timetable = timetable

    def __getstate__(self) -> dict[str, Any]:
        """The state sent to another process: network and timetable, not the functions that make
        them."""
        state = {"walking": self.walking, "stops": self.stops, "timetable": self.timetable}
        return {"settings": self.settings, "_network": None, "_timetable": None, **state}

    @cached_property
    def walking(self) -> Graph:
        return self._network()

    @cached_property
    def timetable(self) -> Timetable:
        """The timetable, without boarding and alighting at stops far from any street."""
        table = self._timetable()
        is_near = self.stops.metres <= self.settings.stop_snap_m
        if not is_near.any():
            raise InputError([_no_street_near(table, self.stops)])
        is_usable = is_near[table.calls]
        return replace(table, board=table.board & is_usable, alight=table.alight & is_usable)

    @cached_property
    def stops(self) -> Snapped:
        return snap(self.walking, self._timetable().xy)

    def far_stops(self) -> list[str]:
        """Ids of the stops that are left out because they are far from any street."""
        far = self.stops.metres > self.settings.stop_snap_m
        return [str(stop) for stop in self._timetable().stop_ids[far]]

    def __call__(
        self, from_xy: Floats, to_xy: Floats, cutoff_minutes: float
    ) -> tuple[Floats, Floats]:
        from placeopt.travel.transit.raptor import compile_raptor, earliest_arrivals

        compile_raptor()
        origins, destinations = snap(self.walking, from_xy), snap(self.walking, to_xy)
        limit = min(self.settings.walk_minutes, cutoff_minutes)
        access = _stops_within(self.walking, origins, self.stops, limit)
        egress = _stops_within(self.walking, destinations, self.stops, limit)
        direct = minutes_between(self.walking, origins, destinations, cutoff_minutes)
        direct[np.isnan(direct)] = np.inf
        lines, patterns_of_stop, walks = self._arrays, self._patterns_of_stop, self._walks
        starts, rides = self.settings.starts, self.settings.changes + 1
        change = float(self.settings.change_minutes)

        def search_origin(i: int) -> tuple[Floats, Floats]:
            near = slice(access.first[i], access.first[i + 1])
            access_walks = (access.item[near], access.minutes[near])
            minutes = earliest_arrivals(
                lines,
                patterns_of_stop,
                walks,
                access_walks,
                egress,
                direct[i],
                starts,
                rides,
                change,
                float(cutoff_minutes),
            )
            return median_and_worst_tenth(minutes)

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            found = list(pool.map(search_origin, range(len(from_xy))))
        shape = (len(from_xy), len(to_xy))
        return tuple(np.array([f[k] for f in found]).reshape(shape) for k in (0, 1))  # type: ignore[return-value]

    def facts(self) -> dict[str, Any]:
        """Facts about the timetable, for the provenance."""
        return {
            "engine": "RAPTOR over arrays (Delling, Pajor, Werneck 2015)",
            "stops": len(self.timetable.stop_ids),
            "stops_left_out": len(self.far_stops()),
            "trips": int(self.timetable.trips.sum()),
            "patterns": len(self.timetable.trips),
            "dropped": [f"{d.count} {d.what}: {d.why}" for d in self.timetable.dropped],
        }

    def notes(self, origins_xy: Floats, buildings_xy: Floats) -> dict[str, Any]:
        """Notes for later checks: far points and stops, and the network's edge."""
        from placeopt.travel.streets.paths import network_notes

        notes, far = network_notes(self.walking, origins_xy, buildings_xy), self.far_stops()
        notes["found"] = [finding.as_dict() for finding in self.timetable.findings]
        if far:
            examples = ", ".join(far[:5]) + (", ..." if len(far) > 5 else "")
            warning = (
                f"{len(far)} of {len(self.stops.node)} stops ({examples}) are left out: no street "
                f"within {self.settings.stop_snap_m:g} m"
            )
            notes["said"] = [(warning, "check that streets and feed cover the same area")]
        return notes

    @cached_property
    def _arrays(self) -> TimetableArrays:
        from placeopt.travel.transit.raptor import TimetableArrays

        return TimetableArrays(*(getattr(self.timetable, name) for name in TimetableArrays._fields))

    @cached_property
    def _patterns_of_stop(self) -> RaggedRows:
        """For each stop the patterns that call there and, as minutes, the number of the call."""
        table = self.timetable
        sizes = np.diff(table.first_call)
        pattern = np.repeat(np.arange(len(sizes)), sizes)
        position = np.arange(len(table.calls)) - np.repeat(table.first_call[:-1], sizes)
        return _ragged_rows(table.calls, pattern, position.astype(float), len(table.stop_ids))

    @cached_property
    def _walks(self) -> RaggedRows:
        """Walks between stops within the limit, including to itself, and the feed's transfers."""
        count = len(self.stops.node)
        a, b, minutes = [np.arange(count)], [np.arange(count)], [np.zeros(count)]
        for start in range(0, count, BLOCK_STOPS):
            some_stops = _subset(self.stops, slice(start, start + BLOCK_STOPS))
            block = minutes_between(
                self.walking, some_stops, self.stops, self.settings.change_walk_minutes
            )
            i, j = np.nonzero(np.isfinite(block))
            other = i + start != j
            a.append(i[other] + start)
            b.append(j[other])
            minutes.append(block[i, j][other])
        ends = zip(np.concatenate(a).tolist(), np.concatenate(b).tolist(), strict=True)
        pairs = dict(zip(ends, np.concatenate(minutes).tolist(), strict=True))
        slack = self.settings.change_minutes
        for start, end, minimum in self.timetable.changes:  # the feed may require more, or forbid
            pairs[start, end] = max(pairs.get((start, end), 0.0), minimum - slack)
        keys = np.array([key for key, m in pairs.items() if np.isfinite(m)], np.int64).reshape(
            -1, 2
        )
        values = np.array([m for m in pairs.values() if np.isfinite(m)])
        return _ragged_rows(keys[:, 0], keys[:, 1], values, count)


def median_and_worst_tenth(minutes: Floats) -> tuple[Floats, Floats]:
    """The median and the 90th percentile over departures.

    Args:
        minutes: (departures, destinations) minutes, infinite if unreachable.

    Returns:
        Two arrays (destinations,), NaN where infinite.
    """
    ordered = np.sort(minutes, axis=0)
    count = len(ordered)
    median = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    worst = ordered[int(np.ceil(0.9 * count)) - 1]
    return np.where(np.isfinite(median), median, np.nan), np.where(
        np.isfinite(worst), worst, np.nan
    )


def _stops_within(walking: Graph, points: Snapped, stops: Snapped, limit: float) -> RaggedRows:
    """For each point the stops within walking distance."""
    minutes = minutes_between(walking, points, stops, limit)
    i, j = np.nonzero(np.isfinite(minutes))
    return _ragged_rows(i, j, minutes[i, j], len(points.node))


def _ragged_rows(row: NDArray[Any], item: NDArray[Any], minutes: Floats, count: int) -> RaggedRows:
    from placeopt.travel.transit.raptor import RaggedRows

    order = np.argsort(row, kind="stable")
    first = np.searchsorted(row[order], np.arange(count + 1)).astype(np.int64)
    return RaggedRows(first, item[order].astype(np.int64), minutes[order].astype(float))


def _subset(points: Snapped, which: slice) -> Snapped:
    return Snapped(points.node[which], points.metres[which], points.minutes[which])


def _no_street_near(table: Timetable, stops: Snapped) -> Finding:
    return error(
        str(table.source.get("file", "feed")),
        f"no stop stands near a street; the nearest is {stops.metres.min() / 1000:,.1f} km away",
        "use a feed and streets of the same area",
        column="stops.txt",
    )
