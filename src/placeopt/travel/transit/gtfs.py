"""Read a public transport feed (GTFS) for one date into arrays.

Trips are those of the date and, for journeys after midnight, those of earlier days that run past
midnight; minutes count from midnight of the date. A pattern consists of trips that call at the same
stops in the same order, with the same boarding rules and without overtaking.
Source: GTFS Schedule reference (gtfs.org).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date as Date
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from placeopt.base.errors import Finding, InputError
from placeopt.base.findings import error, warning
from placeopt.travel import crs as systems
from placeopt.travel.streets.arrays import Dropped
from placeopt.travel.transit.gtfs_checks import check_feed, parse_minutes
from placeopt.travel.transit.gtfs_tables import WEEKDAYS, Feed, feed_names, read_tables

if TYPE_CHECKING:
    import pandas as pd

DAY_MINUTES = 1440.0


@dataclass(frozen=True)
class Timetable:
    """The trips of one date as flat arrays.

    Attributes:
        stop_ids: (stops,) ids.
        xy: (stops, 2) metres.
        first_call: (patterns + 1,) pattern p calls at ``calls[first_call[p]:first_call[p+1]]``.
        calls: (calls,) stop positions.
        board: (calls,) whether boarding is allowed.
        alight: (calls,) whether alighting is allowed.
        trips: (patterns,) number of trips.
        first_time: (patterns,) the times of trip t at call k are at
            ``first_time[p] + t * calls_of_p + k``, with trips in the order in which they run.
        departs: (times,) departures in minutes.
        arrives: (times,) arrivals in minutes.
        changes: The feed's own transfers (from, to, minutes; infinite if impossible).
        dropped: What was left out.
        findings: Warnings about data that was left out or corrected.
        source: Kind, file and date.
    """

    stop_ids: NDArray[np.object_]
    xy: NDArray[np.float64]
    first_call: NDArray[np.int64]
    calls: NDArray[np.int64]
    board: NDArray[np.bool_]
    alight: NDArray[np.bool_]
    trips: NDArray[np.int64]
    first_time: NDArray[np.int64]
    departs: NDArray[np.float64]
    arrives: NDArray[np.float64]
    changes: tuple[tuple[int, int, float], ...] = ()
    dropped: tuple[Dropped, ...] = ()
    findings: tuple[Finding, ...] = ()
    source: Mapping[str, Any] = field(default_factory=dict)


def read_gtfs(files: Path | Sequence[Path], date: Date, crs: str) -> Timetable:
    """Read the timetable of ``date`` from one feed or several.

    Ids belong to their feed: the same ``stop_id`` in two feeds is two stops. Changes between feeds
    are walks, as between any two stops.

    Args:
        files: The zip of a feed, or those of several.
        date: The day of travel.
        crs: The coordinate system of the place, in metres.

    Raises:
        InputError: With every fault of all feeds, or if nothing runs on the date, or if a feed does
            not cover it (the message states the dates that it covers).
    """
    feed_files = [files] if isinstance(files, Path) else list(files)
    errors: list[Finding] = []
    timetables: list[Timetable] = []
    for file, name in zip(feed_files, feed_names(feed_files), strict=True):
        try:
            timetables.append(_read_feed(file, name, date, crs, is_only_feed=len(feed_files) == 1))
        except InputError as fault:
            errors += fault.findings
    if errors:
        raise InputError(errors)
    if not any(len(table.trips) for table in timetables):
        raise InputError([_no_usable_trip(table, date) for table in timetables])
    return timetables[0] if len(timetables) == 1 else _combine(timetables, date)


def _read_feed(file: Path, name: str, date: Date, crs: str, *, is_only_feed: bool) -> Timetable:
    """The timetable of one feed; without trips if it covers the date but nothing runs."""
    feed = read_tables(file, name)
    check_feed(feed)
    if feed.errors:
        raise InputError(feed.errors)
    tables, frequencies = feed.tables, feed.tables.get("frequencies.txt")
    stops = _stops(tables["stops.txt"], crs)
    stop_times = _stop_times(tables)
    trips_today = _trips_on(tables, date)
    if not trips_today:
        _report_no_trips(feed, date, is_only_feed)
    rows = [_expand_headways(stop_times[stop_times["trip_id"].isin(trips_today)], frequencies)]
    for days_before in range(1, _midnights_passed(stop_times, frequencies) + 1):
        earlier_trips = _trips_on(tables, date - timedelta(days=days_before))
        earlier_calls = _expand_headways(
            stop_times[stop_times["trip_id"].isin(earlier_trips)], frequencies
        )
        runs_past_midnight = (
            earlier_calls.groupby("trip_id")["arrive"].transform("max") >= days_before * DAY_MINUTES
        )
        rows.append(
            _shift(
                earlier_calls[runs_past_midnight],
                -days_before * DAY_MINUTES,
                f"{days_before} days before",
            )
        )
    calls, dropped = _usable_calls(_pandas().concat(rows), stops["stop_id"])
    return Timetable(
        stop_ids=stops["stop_id"].to_numpy(object),
        xy=stops[["x", "y"]].to_numpy(float),
        changes=_changes(tables.get("transfers.txt"), stops["stop_id"]),
        dropped=dropped,
        source={"kind": "GTFS", "file": name, "date": date.isoformat()},
        findings=feed.warnings,
        **_patterns(calls),
    )


def _midnights_passed(stop_times: pd.DataFrame, frequencies: pd.DataFrame | None) -> int:
    """The number of midnights that the longest trip passes."""
    latest = stop_times["arrive"].max()
    if frequencies is not None and len(frequencies):
        latest += parse_minutes(frequencies["end_time"]).max()
    return int(latest // DAY_MINUTES) if latest >= DAY_MINUTES else 0


def _no_usable_trip(table: Timetable, date: Date) -> Finding:
    """The error for a feed without a usable trip on the date."""
    for finding in table.findings:
        if finding.column == "date":
            return replace(finding, severity="error")
    why = "; ".join(f"{d.count} {d.what} {d.why}" for d in table.dropped)
    return error(
        table.source["file"],
        f"no trip of this date can be used ({why or 'none calls at two stops'})",
        "see the warnings of placeopt travel about an earlier day, or ask who made the feed",
        column="date",
        value=date.isoformat(),
    )


def _combine(feeds: Sequence[Timetable], date: Date) -> Timetable:
    """Combine several timetables; stop ids are prefixed by their feed."""
    stops = np.cumsum([0, *(len(table.xy) for table in feeds)])
    times = np.cumsum([0, *(len(table.departs) for table in feeds)])
    calls = np.cumsum([0, *(len(table.calls) for table in feeds)])
    names = [table.source["file"] for table in feeds]
    joined = {
        column: np.concatenate([getattr(table, column) for table in feeds])
        for column in ("xy", "board", "alight", "trips", "departs", "arrives")
    }
    numbered_feeds = list(enumerate(feeds))
    ids = [f"{names[k]}: {stop}" for k, table in numbered_feeds for stop in table.stop_ids]
    return Timetable(
        stop_ids=np.array(ids, object),
        first_call=np.concatenate([[0], *(t.first_call[1:] + calls[k] for k, t in numbered_feeds)]),
        calls=np.concatenate([t.calls + stops[k] for k, t in numbered_feeds]),
        first_time=np.concatenate([t.first_time + times[k] for k, t in numbered_feeds]),
        changes=tuple(
            (int(a + stops[k]), int(b + stops[k]), m)
            for k, t in numbered_feeds
            for a, b, m in t.changes
        ),
        dropped=tuple(
            replace(d, why=f"{d.why} ({names[k]})") for k, t in numbered_feeds for d in t.dropped
        ),
        source={"kind": "GTFS", "file": ", ".join(names), "date": date.isoformat()},
        findings=tuple(finding for table in feeds for finding in table.findings),
        **joined,
    )


def _pandas() -> Any:
    import pandas

    return pandas


def _stops(stops: pd.DataFrame, crs: str) -> pd.DataFrame:
    """Stops and platforms with x and y in metres."""
    lon, lat = (stops[c].to_numpy(float) for c in ("stop_lon", "stop_lat"))
    x, y = systems.project_points(lon, lat, crs)
    return stops.assign(x=x, y=y).reset_index(drop=True)


def _stop_times(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """trip_id, stop_id, sequence, arrive, depart, on, off; times between timing points filled."""
    raw = tables["stop_times.txt"]
    raw = raw[raw["trip_id"].isin(tables["trips.txt"]["trip_id"])]
    table = _pandas().DataFrame({"trip_id": raw["trip_id"], "stop_id": raw["stop_id"]})
    table["sequence"] = raw["stop_sequence"].to_numpy(float)
    for name, column in (("arrive", "arrival_time"), ("depart", "departure_time")):
        table[name] = parse_minutes(raw[column])
    table["arrive"] = table["arrive"].fillna(table["depart"])
    table["depart"] = table["depart"].fillna(table["arrive"])
    for name, column in (("on", "pickup_type"), ("off", "drop_off_type")):
        table[name] = raw[column] != "1" if column in raw else True
    table = table.sort_values(["trip_id", "sequence"], kind="stable").reset_index(drop=True)
    return _interpolate_times(table)


def _interpolate_times(table: pd.DataFrame) -> pd.DataFrame:
    """Interpolate missing times between timing points."""
    if table["arrive"].notna().all():
        return table
    by_trip = table.groupby("trip_id")["arrive"]
    filled = by_trip.transform(lambda times: times.interpolate(limit_area="inside"))
    return table.assign(arrive=filled, depart=table["depart"].fillna(filled))


def _trips_on(tables: Mapping[str, pd.DataFrame], date: Date) -> set[str]:
    """Ids of the trips that run on a date."""
    day, services = date.strftime("%Y%m%d"), set[str]()
    if "calendar.txt" in tables:
        calendar = tables["calendar.txt"]
        runs = (calendar["start_date"] <= day) & (calendar["end_date"] >= day)
        services |= set(
            calendar.loc[runs & (calendar[WEEKDAYS[date.weekday()]] == "1"), "service_id"]
        )
    if "calendar_dates.txt" in tables:
        exceptions = tables["calendar_dates.txt"]
        of_day = exceptions[exceptions["date"] == day]
        services |= set(of_day.loc[of_day["exception_type"] == "1", "service_id"])
        services -= set(of_day.loc[of_day["exception_type"] == "2", "service_id"])
    trips = tables["trips.txt"]
    return set(trips.loc[trips["service_id"].isin(services), "trip_id"])


def _report_no_trips(feed: Feed, date: Date, is_only_feed: bool) -> None:
    """Report that the feed has no trip on the date.

    This is an error if the feed is the only one or does not cover the date, else a warning.
    """
    dates: list[str] = []
    for file, columns in (
        ("calendar.txt", ("start_date", "end_date")),
        ("calendar_dates.txt", ("date",)),
    ):
        for column in columns if file in feed.tables else ():
            dates += list(feed.tables[file][column])
    span = f"from {_iso(min(dates))} to {_iso(max(dates))}" if dates else "no date at all"
    covers_date = bool(dates) and min(dates) <= date.strftime("%Y%m%d") <= max(dates)
    make = warning if covers_date and not is_only_feed else error
    finding = make(
        feed.name,
        "nothing runs on this date",
        f"the feed speaks {span}; choose an ordinary weekday in it",
        column="date",
        value=date.isoformat(),
    )
    if finding.severity == "error":
        raise InputError([finding])
    feed.findings.append(finding)


def _iso(day: str) -> str:
    return f"{day[:4]}-{day[4:6]}-{day[6:]}"


def _shift(table: pd.DataFrame, minutes: float, suffix: str) -> pd.DataFrame:
    return table.assign(
        trip_id=table["trip_id"] + f" ({suffix})",
        arrive=table["arrive"] + minutes,
        depart=table["depart"] + minutes,
    )


def _usable_calls(
    calls: pd.DataFrame, stop_ids: pd.Series[Any]
) -> tuple[pd.DataFrame, tuple[Dropped, ...]]:
    """The calls with a stop and a time, without trips whose times run backwards."""
    position = _pandas().Index(stop_ids).get_indexer(calls["stop_id"])
    timed = calls["arrive"].notna() & calls["depart"].notna()
    usable = timed & (position >= 0)
    calls = calls.assign(stop=position)[usable.to_numpy()].reset_index(drop=True)
    before = calls.groupby("trip_id")["depart"].shift()
    runs_backwards = (calls["arrive"] < before) | (calls["depart"] < calls["arrive"])
    backwards = set(calls.loc[runs_backwards, "trip_id"])
    has_one_call = calls.groupby("trip_id")["stop"].transform("size") < 2
    dropped = (
        Dropped("calls", int((~usable).sum()), "without a known stop or a time"),
        Dropped("trips", len(backwards), "run backwards in time"),
    )
    kept = calls[~calls["trip_id"].isin(backwards) & ~has_one_call]
    return kept, tuple(d for d in dropped if d.count)


def _expand_headways(calls: pd.DataFrame, frequencies: pd.DataFrame | None) -> pd.DataFrame:
    """Expand trips that run at a headway into single trips."""
    if frequencies is None or not len(frequencies):
        return calls
    calls_of = dict(list(calls[calls["trip_id"].isin(frequencies["trip_id"])].groupby("trip_id")))
    expanded = [calls[~calls["trip_id"].isin(frequencies["trip_id"])]]
    starts, ends = parse_minutes(frequencies["start_time"]), parse_minutes(frequencies["end_time"])
    headways = frequencies["headway_secs"].to_numpy(float) / 60
    for trip, start, end, headway in zip(
        frequencies["trip_id"], starts, ends, headways, strict=True
    ):
        if trip in calls_of:
            template = calls_of[trip]
            first_departure = template["depart"].min()
            expanded += [
                _shift(template, t - first_departure, f"{t:g}")
                for t in np.arange(start, end, headway)
            ]
    by_headway: pd.DataFrame = _pandas().concat(expanded)
    return by_headway


def _patterns(calls: pd.DataFrame) -> dict[str, Any]:
    """Group trips into patterns; the arrays of ``Timetable``."""
    runs_of_pattern: dict[Any, list[tuple[NDArray[Any], NDArray[Any]]]] = {}
    columns = [calls[c].to_numpy() for c in ("stop", "on", "off", "arrive", "depart")]
    trip = calls["trip_id"].to_numpy(object)
    cuts = np.flatnonzero(trip[1:] != trip[:-1]) + 1
    for inside in np.split(np.arange(len(trip)), cuts):
        stop, on, off, arrive, depart = (column[inside] for column in columns)
        if len(stop):
            key = (tuple(stop), tuple(on), tuple(off))
            runs_of_pattern.setdefault(key, []).append((arrive.astype(float), depart.astype(float)))
    arrays: dict[str, list[Any]] = {n: [] for n in ("calls", "board", "alight", "trips", "times")}
    for (stops, on, off), runs in runs_of_pattern.items():
        for group in _without_overtaking(runs):
            arrays["calls"].append(stops)
            arrays["board"].append(on)
            arrays["alight"].append(off)
            arrays["trips"].append(len(group))
            arrays["times"].append(np.array(group))  # (trips, 2, calls)
    sizes = np.array([len(stops) for stops in arrays["calls"]], np.int64)
    cells = sizes * np.array(arrays["trips"], np.int64)
    flat = [np.concatenate([t[:, k].ravel() for t in arrays["times"]] or [[]]) for k in (0, 1)]
    return {
        "first_call": np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        "calls": np.concatenate(arrays["calls"] or [[]]).astype(np.int64),
        "board": np.concatenate(arrays["board"] or [[]]).astype(bool),
        "alight": np.concatenate(arrays["alight"] or [[]]).astype(bool),
        "trips": np.array(arrays["trips"], np.int64),
        "first_time": np.concatenate([[0], np.cumsum(cells)])[:-1].astype(np.int64),
        "arrives": flat[0].astype(float),
        "departs": flat[1].astype(float),
    }


def _without_overtaking(runs: Sequence[Any]) -> list[list[Any]]:
    """Split runs into groups without overtaking."""
    groups: list[list[Any]] = []
    for run in sorted(runs, key=lambda run: (run[1][0], run[0][-1])):
        for group in groups:
            last = group[-1]
            if (run[0] >= last[0]).all() and (run[1] >= last[1]).all():
                group.append(run)
                break
        else:
            groups.append([run])
    return groups


def _changes(
    transfers: pd.DataFrame | None, stop_ids: pd.Series[Any]
) -> tuple[tuple[int, int, float], ...]:
    """The feed's transfers between two stops."""
    if transfers is None or not len(transfers):
        return ()
    for column in ("from_route_id", "to_route_id", "from_trip_id", "to_trip_id"):
        if column in transfers:  # for certain routes or trips only
            transfers = transfers[transfers[column] == ""]
    if "transfer_type" in transfers:  # 4 and 5 are about staying on board
        transfers = transfers[~transfers["transfer_type"].isin(["4", "5"])]
    index = _pandas().Index(stop_ids)
    a = index.get_indexer(transfers["from_stop_id"])
    b = index.get_indexer(transfers["to_stop_id"])
    kind = transfers.get("transfer_type", _pandas().Series("0", index=transfers.index))
    seconds = _pandas().to_numeric(
        transfers.get("min_transfer_time", _pandas().Series("0", index=transfers.index)),
        errors="coerce",
    )
    minutes = np.where(kind == "3", np.inf, seconds.fillna(0).to_numpy(float) / 60)
    known = (a >= 0) & (b >= 0)
    return tuple(
        (int(i), int(j), float(m))
        for i, j, m in zip(a[known], b[known], minutes[known], strict=True)
    )
