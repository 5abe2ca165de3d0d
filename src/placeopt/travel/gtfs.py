"""Read a public transport feed (GTFS, a zip of tables) for one date into arrays.

Trips of the date and, for journeys before dawn, those of the day before that run past midnight;
minutes are counted from midnight of the date. Trips that call at the same stops, in the same
order, with the same rules for getting on and off and without overtaking form a pattern.
Source: GTFS Schedule reference (gtfs.org).
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date as Date
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from placeopt.base.reading import require_unpackable
from placeopt.errors import Finding, InputError
from placeopt.travel import crs as systems
from placeopt.travel.streets import Dropped

if TYPE_CHECKING:
    import pandas as pd

DAY = 1440.0  # minutes
NEEDED = ("stops.txt", "trips.txt", "stop_times.txt")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True)
class Timetable:
    """The trips of one date as flat arrays.

    ``stop_ids`` (stops,), ``xy`` (stops, 2) metres. Pattern p calls at
    ``calls[first_call[p]:first_call[p+1]]`` (stop positions), with ``board`` and ``alight``
    (calls,) whether one may get on or off there; its trips, in the order in which they run, are
    rows of ``departs`` and ``arrives`` (minutes): trip t at call k is at
    ``first_time[p] + t * calls_of_p + k``; ``trips[p]`` is their number. ``changes`` are the
    feed's own transfers: (from, to, minutes; infinite = not possible).
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
    source: Mapping[str, Any] = field(default_factory=dict)


def read_gtfs(file: Path, date: Date, crs: str) -> Timetable:
    """The timetable of ``date``.

    Raises ``InputError`` for a file that is no feed, a table or column that is not there, a time
    that is none, stops without coordinates, and a date on which nothing runs (the message says
    from when to when the feed speaks).
    """
    tables = _tables(file)
    stops = _stops(tables["stops.txt"], crs, file.name)
    stop_times = _stop_times(tables, file.name)
    today = _trips_on(tables, date, file.name)
    rows = [stop_times[stop_times["trip_id"].isin(today)]]
    before = _trips_on(tables, date - timedelta(days=1), file.name, must=False)
    late = stop_times[stop_times["trip_id"].isin(before)]
    past_midnight = late.groupby("trip_id")["arrive"].transform("max") >= DAY
    rows.append(_shifted(late[past_midnight], -DAY, "the day before"))
    calls, dropped = _callable_at(_pd().concat(rows), stops["stop_id"])
    calls = _by_headway(calls, tables.get("frequencies.txt"))
    patterns = _patterns(calls)
    source = {"kind": "GTFS", "file": file.name, "date": date.isoformat()}
    return Timetable(
        stop_ids=stops["stop_id"].to_numpy(object),
        xy=stops[["x", "y"]].to_numpy(float),
        changes=_changes(tables.get("transfers.txt"), stops["stop_id"]),
        dropped=dropped,
        source=source,
        **patterns,
    )


def _pd() -> Any:
    import pandas

    return pandas


def _tables(file: Path) -> dict[str, pd.DataFrame]:
    """The feed's tables, every cell as text."""
    wanted = (*NEEDED, "calendar.txt", "calendar_dates.txt", "frequencies.txt", "transfers.txt")
    if not file.exists():
        raise _fault(file.name, None, None, "is not there", "name the feed's zip file")
    try:
        with zipfile.ZipFile(file) as archive:
            require_unpackable(file, archive)
            there = {Path(name).name: name for name in archive.namelist()}
            tables = {}
            for name in wanted:
                if name in there:
                    with archive.open(there[name]) as stream:
                        tables[name] = _pd().read_csv(
                            stream, dtype=str, keep_default_na=False, encoding="utf-8-sig",
                            skipinitialspace=True,
                        )  # fmt: skip
    except zipfile.BadZipFile:
        remedy = "download it again"
        raise _fault(file.name, None, None, "is no zip file or is cut short", remedy) from None
    missing = [name for name in NEEDED if name not in tables]
    if "calendar.txt" not in tables and "calendar_dates.txt" not in tables:
        missing.append("calendar.txt or calendar_dates.txt")
    if missing:
        raise InputError(
            [
                Finding("error", file.name, None, None, name, "is not in the feed", "add it")
                for name in missing
            ]
        )
    return tables


def _stops(stops: pd.DataFrame, crs: str, file: str) -> pd.DataFrame:
    """Stops and platforms with x and y in metres; stations and entrances are no places to board."""
    kind = stops.get("location_type", "")
    stops = stops[_pd().Series(kind, index=stops.index).isin(["", "0"])].reset_index(drop=True)
    lon, lat = (
        _pd().to_numeric(stops[c], errors="coerce").to_numpy(float)
        for c in ("stop_lon", "stop_lat")
    )
    wrong = ~((np.abs(lon) <= 180) & (np.abs(lat) <= 90))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise _fault(
            f"{file} stops.txt", "stop_lat, stop_lon", f"{lat[row]}, {lon[row]}",
            f"is no place on earth ({int(wrong.sum())} stops)",
            "give degrees (WGS 84), as GTFS asks",
        )  # fmt: skip
    x, y = systems.points_into(lon, lat, crs)
    return stops.assign(x=x, y=y)


def _minutes(texts: pd.Series[Any]) -> NDArray[np.float64]:
    """ "25:10:00" as minutes after midnight; NaN where empty."""
    parts = texts.str.strip().str.extract(r"^(\d+):(\d\d):(\d\d)$")
    h, m, s = (_pd().to_numeric(parts[c], errors="coerce").to_numpy(float) for c in range(3))
    return h * 60 + m + s / 60


def _stop_times(tables: Mapping[str, pd.DataFrame], file: str) -> pd.DataFrame:
    """trip_id, stop_id, sequence, arrive, depart, on, off; times between timing points filled."""
    raw = tables["stop_times.txt"]
    sequence = _pd().to_numeric(raw["stop_sequence"], errors="coerce").to_numpy(float)
    table = _pd().DataFrame({"trip_id": raw["trip_id"], "stop_id": raw["stop_id"]})
    table["sequence"] = sequence
    for name, column in (("arrive", "arrival_time"), ("depart", "departure_time")):
        table[name] = _minutes(raw[column])
        wrong = np.isnan(table[name]) & (raw[column].str.strip() != "")
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise _fault(
                f"{file} stop_times.txt", column, raw[column].iloc[row], "is no time",
                "write hours:minutes:seconds", row + 2,
            )  # fmt: skip
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


def _trips_on(
    tables: Mapping[str, pd.DataFrame], date: Date, file: str, must: bool = True
) -> set[str]:
    """The trips that run on a date."""
    day, services = date.strftime("%Y%m%d"), set[str]()
    spans: list[str] = []
    if "calendar.txt" in tables:
        calendar = tables["calendar.txt"]
        spans += [*calendar["start_date"], *calendar["end_date"]]
        runs = (calendar["start_date"] <= day) & (calendar["end_date"] >= day)
        services |= set(
            calendar.loc[runs & (calendar[WEEKDAYS[date.weekday()]] == "1"), "service_id"]
        )
    if "calendar_dates.txt" in tables:
        exceptions = tables["calendar_dates.txt"]
        spans += list(exceptions["date"])
        of_day = exceptions[exceptions["date"] == day]
        services |= set(of_day.loc[of_day["exception_type"] == "1", "service_id"])
        services -= set(of_day.loc[of_day["exception_type"] == "2", "service_id"])
    trips = tables["trips.txt"]
    running = set(trips.loc[trips["service_id"].isin(services), "trip_id"])
    if must and not running:
        span = f"from {_iso(min(spans))} to {_iso(max(spans))}" if spans else "no date at all"
        raise _fault(
            file, "date", date.isoformat(), "nothing runs on this date",
            f"the feed speaks {span}; choose an ordinary weekday in it",
        )  # fmt: skip
    return running


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
    plain = calls[~calls["trip_id"].isin(frequencies["trip_id"])]
    out = [plain]
    starts, ends = _minutes(frequencies["start_time"]), _minutes(frequencies["end_time"])
    headways = _pd().to_numeric(frequencies["headway_secs"]).to_numpy(float) / 60
    for trip, start, end, headway in zip(
        frequencies["trip_id"], starts, ends, headways, strict=True
    ):
        model = calls[calls["trip_id"] == trip]
        if len(model):
            leaves = model["depart"].iloc[0]
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


def _fault(
    file: str,
    column: str | None,
    value: str | None,
    fault: str,
    remedy: str,
    row: int | None = None,
) -> InputError:
    return InputError([Finding("error", file, row, column, value, fault, remedy)])
