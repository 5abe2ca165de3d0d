"""Read a public transport feed (GTFS, a zip of tables) for one date into arrays.

Trips of the date and, for journeys before dawn, those of days before that run past midnight;
minutes are counted from midnight of the date. Trips that call at the same stops, in the same
order, with the same rules for getting on and off and without overtaking form a pattern.
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
from placeopt.travel import crs as systems
from placeopt.travel.streets.arrays import Dropped
from placeopt.travel.transit.gtfs_checks import check_feed, minutes_of
from placeopt.travel.transit.gtfs_tables import WEEKDAYS, Feed, feed_names, read_tables

if TYPE_CHECKING:
    import pandas as pd

DAY = 1440.0  # minutes


@dataclass(frozen=True)
class Timetable:
    """The trips of one date as flat arrays.

    ``stop_ids`` (stops,), ``xy`` (stops, 2) metres. Pattern p calls at
    ``calls[first_call[p]:first_call[p+1]]`` (stop positions), with ``board`` and ``alight``
    (calls,) whether one may get on or off there; its trips, in the order in which they run, are
    rows of ``departs`` and ``arrives`` (minutes): trip t at call k is at
    ``first_time[p] + t * calls_of_p + k``; ``trips[p]`` is their number. ``changes`` are the
    feed's own transfers: (from, to, minutes; infinite = not possible). ``findings``: warnings
    of what was read otherwise than it is written, or left out.
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
    """The timetable of ``date`` of one feed or of several at once.

    Ids belong to their feed: the same ``stop_id`` in two feeds is two stops, which are as far
    apart as their coordinates; one changes between feeds on foot, as between any two stops.

    Args:
        files: The zip of a feed, or those of several.
        date: The day of travel.
        crs: The coordinate system of the place, in metres.

    Raises:
        InputError: With every fault of all feeds, each with feed, file, row, column and value;
            a date on which nothing runs, or that one of the feeds does not speak of (the message
            says from when to when it speaks). Warnings are in ``Timetable.findings``.
    """
    several = [files] if isinstance(files, Path) else list(files)
    errors: list[Finding] = []
    read: list[Timetable] = []
    for file, name in zip(several, feed_names(several), strict=True):
        try:
            read.append(_one_feed(file, name, date, crs, alone=len(several) == 1))
        except InputError as fault:
            errors += fault.findings
    if errors:
        raise InputError(errors)
    if not any(len(table.trips) for table in read):
        raise InputError([_none_left(table, date) for table in read])
    return read[0] if len(read) == 1 else _together(read, date)


def _one_feed(file: Path, name: str, date: Date, crs: str, *, alone: bool) -> Timetable:
    """The timetable of one feed; without trips where it speaks of the date and nothing runs."""
    feed = read_tables(file, name)
    check_feed(feed)
    if feed.errors:
        raise InputError(feed.errors)
    tables, frequencies = feed.tables, feed.tables.get("frequencies.txt")
    stops = _stops(tables["stops.txt"], crs)
    stop_times = _stop_times(tables)
    today = _trips_on(tables, date)
    if not today:
        _nothing_runs(feed, date, alone)
    rows = [_by_headway(stop_times[stop_times["trip_id"].isin(today)], frequencies)]
    for back in range(1, _midnights(stop_times, frequencies) + 1):
        before = _trips_on(tables, date - timedelta(days=back))
        late = _by_headway(stop_times[stop_times["trip_id"].isin(before)], frequencies)
        past_midnight = late.groupby("trip_id")["arrive"].transform("max") >= back * DAY
        rows.append(_shifted(late[past_midnight], -back * DAY, f"{back} days before"))
    calls, dropped = _callable_at(_pd().concat(rows), stops["stop_id"])
    return Timetable(
        stop_ids=stops["stop_id"].to_numpy(object),
        xy=stops[["x", "y"]].to_numpy(float),
        changes=_changes(tables.get("transfers.txt"), stops["stop_id"]),
        dropped=dropped,
        source={"kind": "GTFS", "file": name, "date": date.isoformat()},
        findings=feed.warnings,
        **_patterns(calls),
    )


def _midnights(stop_times: pd.DataFrame, frequencies: pd.DataFrame | None) -> int:
    """How many midnights the longest trip runs past."""
    latest = stop_times["arrive"].max()
    if frequencies is not None and len(frequencies):
        latest += minutes_of(frequencies["end_time"]).max()
    return int(latest // DAY) if latest >= DAY else 0


def _none_left(table: Timetable, date: Date) -> Finding:
    """Why a feed has no trip of the date that can be used."""
    for finding in table.findings:
        if finding.column == "date":
            return replace(finding, severity="error")
    why = "; ".join(f"{d.count} {d.what} {d.why}" for d in table.dropped)
    return Finding(
        "error", table.source["file"], None, "date", date.isoformat(),
        f"no trip of this date can be used ({why or 'none calls at two stops'})",
        "see the warnings of placeopt travel about an earlier day, or ask who made the feed",
    )  # fmt: skip


def _together(feeds: Sequence[Timetable], date: Date) -> Timetable:
    """Several timetables as one; a stop's id says of which feed it is."""
    stops = np.cumsum([0, *(len(table.xy) for table in feeds)])
    times = np.cumsum([0, *(len(table.departs) for table in feeds)])
    calls = np.cumsum([0, *(len(table.calls) for table in feeds)])
    names = [table.source["file"] for table in feeds]
    joined = {
        column: np.concatenate([getattr(table, column) for table in feeds])
        for column in ("xy", "board", "alight", "trips", "departs", "arrives")
    }
    each = list(enumerate(feeds))
    ids = [f"{names[k]}: {stop}" for k, table in each for stop in table.stop_ids]
    return Timetable(
        stop_ids=np.array(ids, object),
        first_call=np.concatenate([[0], *(t.first_call[1:] + calls[k] for k, t in each)]),
        calls=np.concatenate([t.calls + stops[k] for k, t in each]),
        first_time=np.concatenate([t.first_time + times[k] for k, t in each]),
        changes=tuple(
            (int(a + stops[k]), int(b + stops[k]), m) for k, t in each for a, b, m in t.changes
        ),
        dropped=tuple(replace(d, why=f"{d.why} ({names[k]})") for k, t in each for d in t.dropped),
        source={"kind": "GTFS", "file": ", ".join(names), "date": date.isoformat()},
        findings=tuple(finding for table in feeds for finding in table.findings),
        **joined,
    )


def _pd() -> Any:
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
    table = _pd().DataFrame({"trip_id": raw["trip_id"], "stop_id": raw["stop_id"]})
    table["sequence"] = raw["stop_sequence"].to_numpy(float)
    for name, column in (("arrive", "arrival_time"), ("depart", "departure_time")):
        table[name] = minutes_of(raw[column])
    table["arrive"] = table["arrive"].fillna(table["depart"])
    table["depart"] = table["depart"].fillna(table["arrive"])
    for name, column in (("on", "pickup_type"), ("off", "drop_off_type")):
        table[name] = raw[column] != "1" if column in raw else True
    table = table.sort_values(["trip_id", "sequence"], kind="stable").reset_index(drop=True)
    return _between_timing_points(table)


def _between_timing_points(table: pd.DataFrame) -> pd.DataFrame:
    """Fill times that the feed leaves out evenly between the timing points around them."""
    if table["arrive"].notna().all():
        return table
    by_trip = table.groupby("trip_id")["arrive"]
    filled = by_trip.transform(lambda times: times.interpolate(limit_area="inside"))
    return table.assign(arrive=filled, depart=table["depart"].fillna(filled))


def _trips_on(tables: Mapping[str, pd.DataFrame], date: Date) -> set[str]:
    """The trips that run on a date."""
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


def _nothing_runs(feed: Feed, date: Date, alone: bool) -> None:
    """Say that the feed has no trip on the date.

    An error where the feed is the only one or does not speak of the date; beside other feeds, a
    feed that runs on other days only is a warning.
    """
    dates: list[str] = []
    for file, columns in (
        ("calendar.txt", ("start_date", "end_date")),
        ("calendar_dates.txt", ("date",)),
    ):
        for column in columns if file in feed.tables else ():
            dates += list(feed.tables[file][column])
    span = f"from {_iso(min(dates))} to {_iso(max(dates))}" if dates else "no date at all"
    within = bool(dates) and min(dates) <= date.strftime("%Y%m%d") <= max(dates)
    finding = Finding(
        "warning" if within and not alone else "error", feed.name, None, "date", date.isoformat(),
        "nothing runs on this date",
        f"the feed speaks {span}; choose an ordinary weekday in it",
    )  # fmt: skip
    if finding.severity == "error":
        raise InputError([finding])
    feed.findings.append(finding)


def _iso(day: str) -> str:
    return f"{day[:4]}-{day[4:6]}-{day[6:]}"


def _shifted(table: pd.DataFrame, minutes: float, mark: str) -> pd.DataFrame:
    return table.assign(
        trip_id=table["trip_id"] + f" ({mark})",
        arrive=table["arrive"] + minutes,
        depart=table["depart"] + minutes,
    )


def _callable_at(
    calls: pd.DataFrame, stop_ids: pd.Series[Any]
) -> tuple[pd.DataFrame, tuple[Dropped, ...]]:
    """Calls with a stop and a time; trips whose times run backwards are left out and counted."""
    position = _pd().Index(stop_ids).get_indexer(calls["stop_id"])
    timed = calls["arrive"].notna() & calls["depart"].notna()
    usable = timed & (position >= 0)
    calls = calls.assign(stop=position)[usable.to_numpy()].reset_index(drop=True)
    before = calls.groupby("trip_id")["depart"].shift()
    wrong = (calls["arrive"] < before) | (calls["depart"] < calls["arrive"])
    backwards = set(calls.loc[wrong, "trip_id"])
    single = calls.groupby("trip_id")["stop"].transform("size") < 2
    dropped = (
        Dropped("calls", int((~usable).sum()), "without a known stop or a time"),
        Dropped("trips", len(backwards), "run backwards in time"),
    )
    kept = calls[~calls["trip_id"].isin(backwards) & ~single]
    return kept, tuple(d for d in dropped if d.count)


def _by_headway(calls: pd.DataFrame, frequencies: pd.DataFrame | None) -> pd.DataFrame:
    """Trips that run every so many seconds, written out one by one."""
    if frequencies is None or not len(frequencies):
        return calls
    calls_of = dict(list(calls[calls["trip_id"].isin(frequencies["trip_id"])].groupby("trip_id")))
    out = [calls[~calls["trip_id"].isin(frequencies["trip_id"])]]
    starts, ends = minutes_of(frequencies["start_time"]), minutes_of(frequencies["end_time"])
    headways = frequencies["headway_secs"].to_numpy(float) / 60
    for trip, start, end, headway in zip(
        frequencies["trip_id"], starts, ends, headways, strict=True
    ):
        if trip in calls_of:
            model = calls_of[trip]
            leaves = model["depart"].min()
            out += [_shifted(model, t - leaves, f"{t:g}") for t in np.arange(start, end, headway)]
    return _pd().concat(out)


def _patterns(calls: pd.DataFrame) -> dict[str, Any]:
    """Group trips into patterns that keep their order; the arrays of ``Timetable``."""
    alike: dict[Any, list[tuple[NDArray[Any], NDArray[Any]]]] = {}
    columns = [calls[c].to_numpy() for c in ("stop", "on", "off", "arrive", "depart")]
    trip = calls["trip_id"].to_numpy(object)
    cuts = np.flatnonzero(trip[1:] != trip[:-1]) + 1
    for inside in np.split(np.arange(len(trip)), cuts):
        stop, on, off, arrive, depart = (column[inside] for column in columns)
        if len(stop):
            key = (tuple(stop), tuple(on), tuple(off))
            alike.setdefault(key, []).append((arrive.astype(float), depart.astype(float)))
    out: dict[str, list[Any]] = {n: [] for n in ("calls", "board", "alight", "trips", "times")}
    for (stops, on, off), runs in alike.items():
        for group in _without_overtaking(runs):
            out["calls"].append(stops)
            out["board"].append(on)
            out["alight"].append(off)
            out["trips"].append(len(group))
            out["times"].append(np.array(group))  # (trips, 2, calls)
    sizes = np.array([len(stops) for stops in out["calls"]], np.int64)
    cells = sizes * np.array(out["trips"], np.int64)
    flat = [np.concatenate([t[:, k].ravel() for t in out["times"]] or [[]]) for k in (0, 1)]
    return {
        "first_call": np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        "calls": np.concatenate(out["calls"] or [[]]).astype(np.int64),
        "board": np.concatenate(out["board"] or [[]]).astype(bool),
        "alight": np.concatenate(out["alight"] or [[]]).astype(bool),
        "trips": np.array(out["trips"], np.int64),
        "first_time": np.concatenate([[0], np.cumsum(cells)])[:-1].astype(np.int64),
        "arrives": flat[0].astype(float),
        "departs": flat[1].astype(float),
    }


def _without_overtaking(runs: Sequence[Any]) -> list[list[Any]]:
    """Split runs into groups in each of which a later trip is nowhere earlier."""
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
    """The feed's own statements about changing between two stops."""
    if transfers is None or not len(transfers):
        return ()
    for column in ("from_route_id", "to_route_id", "from_trip_id", "to_trip_id"):
        if column in transfers:  # of one route or trip only: not what holds between the stops
            transfers = transfers[transfers[column] == ""]
    if "transfer_type" in transfers:  # 4 and 5 speak of staying on board
        transfers = transfers[~transfers["transfer_type"].isin(["4", "5"])]
    index = _pd().Index(stop_ids)
    a = index.get_indexer(transfers["from_stop_id"])
    b = index.get_indexer(transfers["to_stop_id"])
    kind = transfers.get("transfer_type", _pd().Series("0", index=transfers.index))
    seconds = _pd().to_numeric(
        transfers.get("min_transfer_time", _pd().Series("0", index=transfers.index)),
        errors="coerce",
    )
    minutes = np.where(kind == "3", np.inf, seconds.fillna(0).to_numpy(float) / 60)
    known = (a >= 0) & (b >= 0)
    return tuple(
        (int(i), int(j), float(m))
        for i, j, m in zip(a[known], b[known], minutes[known], strict=True)
    )
