"""Check the cells of a feed and report every fault at once with file, row, column and value.

Ambiguous faults are errors. Data that a timetable can do without (a stop without coordinates, a
trip
without calls, a call at an unknown stop) is left out with a warning.
Source: GTFS Schedule reference (gtfs.org), "Field definitions".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from placeopt.travel.transit.gtfs_tables import WEEKDAYS, Feed

if TYPE_CHECKING:
    import pandas as pd

MAX_HEADWAY_CALLS = 20_000_000  # calls of expanded headway trips in one day
TIME = r"^(\d{1,3}):([0-5]\d):([0-5]\d)$"  # hours go past 24 for trips that run past midnight


def check_feed(feed: Feed) -> None:
    """Add the findings of every table to ``feed.findings`` and drop unusable rows."""
    _check_stops(feed)
    _drop_repeats(feed, "trips.txt", ["trip_id"], ["service_id"])
    _check_calls(feed)
    _check_calendars(feed)
    if "frequencies.txt" in feed.tables:
        _check_headways(feed)
    if "transfers.txt" in feed.tables:
        _check_transfers(feed)
    if not feed.errors:
        _check_links(feed)


def parse_minutes(texts: pd.Series[Any]) -> NDArray[np.float64]:
    """Convert times such as "25:10:00" to minutes after midnight; NaN if not a time."""
    parts = texts.str.extract(TIME)
    h, m, s = (_numbers(parts[c]) for c in range(3))
    return h * 60 + m + s / 60


def _numbers(texts: Any) -> NDArray[np.float64]:
    import pandas as pd

    return np.asarray(pd.to_numeric(texts, errors="coerce"), float)


def _add_fault(
    feed: Feed,
    file: str,
    column: str,
    is_wrong: Any,
    message: str,
    remedy: str,
    *,
    error: bool = True,
) -> None:
    """Add a finding for each row of a table that is wrong in a column."""
    chosen = feed.tables[file].loc[np.asarray(is_wrong, bool), column]
    if len(chosen):
        severity: Any = "error" if error else "warning"
        feed.add_finding(severity, file, column, message, remedy, list(chosen.index), list(chosen))


def _drop_repeats(feed: Feed, file: str, keys: list[str], values: list[str]) -> None:
    """Drop repeated rows with a warning; different rows with the same key are an error."""
    table = feed.tables[file]
    is_repeated = table.duplicated(keys)
    if not is_repeated.any():
        return
    is_same = table.duplicated([*keys, *(c for c in values if c in table)])
    rows = table.index.to_series().groupby([table[key] for key in keys]).transform("first")
    ids = table.loc[is_repeated, keys].agg(", ".join, axis=1)
    for row, key, first_row, equal in zip(
        ids.index, ids, rows[is_repeated], is_same[is_repeated], strict=True
    ):
        earlier = f"is in row {first_row} already"
        if equal:
            feed.add_finding(
                "warning",
                file,
                ", ".join(keys),
                f"{earlier}, with the same values; taken once",
                "leave the row out",
                [row],
                [key],
            )
        else:
            feed.add_finding("error", file, ", ".join(keys), f"{earlier}, with other values",
                      "give each its own id, or leave one row out", [row], [key])  # fmt: skip
    feed.tables[file] = table[~is_repeated]


def _check_stops(feed: Feed) -> None:
    """Check coordinates of stops and platforms; those without any are dropped."""
    file = "stops.txt"
    _drop_repeats(feed, file, ["stop_id"], ["stop_lat", "stop_lon", "location_type"])
    stops = feed.tables[file]
    if "location_type" in stops:  # keep boarding places: no stations, entrances or nodes
        stops = stops[stops["location_type"].isin(["", "0"])]
    feed.tables[file] = stops
    has_no_coordinates = (stops["stop_lat"] == "") & (stops["stop_lon"] == "")
    feed_values = stops["stop_lat"] + ", " + stops["stop_lon"]
    if has_no_coordinates.any():
        feed.add_finding(
            "warning",
            file,
            "stop_lat, stop_lon",
            "the stop has no coordinates and is left out",
            "give degrees (WGS 84)",
            list(stops.index[has_no_coordinates]),
            list(stops["stop_id"][has_no_coordinates]),
        )
    lon, lat = _numbers(stops["stop_lon"]), _numbers(stops["stop_lat"])
    is_wrong = ~((np.abs(lon) <= 180) & (np.abs(lat) <= 90)) & ~has_no_coordinates
    if is_wrong.any():
        feed.add_finding("error", file, "stop_lat, stop_lon", "is no place on earth",
                  "give degrees (WGS 84), as GTFS asks",
                  list(stops.index[is_wrong]), list(feed_values[is_wrong]))  # fmt: skip
    feed.tables[file] = stops[~has_no_coordinates]


def _check_calls(feed: Feed) -> None:
    file = "stop_times.txt"
    table = feed.tables[file]
    for column in ("arrival_time", "departure_time"):
        is_wrong = np.isnan(parse_minutes(table[column])) & (table[column] != "")
        _add_fault(
            feed,
            file,
            column,
            is_wrong,
            "is no time",
            "write hours:minutes:seconds; hours go on past 24 for a trip past midnight",
        )
    sequence = _numbers(table["stop_sequence"])
    is_wrong = ~(sequence >= 0) | (sequence != np.floor(sequence))
    _add_fault(
        feed, file, "stop_sequence", is_wrong, "is no position", "number the calls of a trip"
    )
    values = ["stop_id", "arrival_time", "departure_time", "pickup_type", "drop_off_type"]
    _drop_repeats(feed, file, ["trip_id", "stop_sequence"], values)


def _check_calendars(feed: Feed) -> None:
    """Check dates (like 20260609), weekdays (0 or 1) and exceptions (1 or 2)."""
    import pandas as pd

    dates = [("calendar.txt", "start_date"), ("calendar.txt", "end_date")]
    for file, column in [*dates, ("calendar_dates.txt", "date")]:
        if file in feed.tables:
            texts = feed.tables[file][column]
            plain = texts.str.fullmatch(r"\d{8}")
            is_wrong = ~plain | pd.to_datetime(texts, format="%Y%m%d", errors="coerce").isna()
            _add_fault(feed, file, column, is_wrong, "is no date", "write it like 20260609")
    allowed = [("calendar.txt", day, ["0", "1"]) for day in WEEKDAYS]
    for file, column, values in [*allowed, ("calendar_dates.txt", "exception_type", ["1", "2"])]:
        if file in feed.tables:
            is_wrong = ~feed.tables[file][column].isin(values)
            _add_fault(feed, file, column, is_wrong, "is not known", f"write {' or '.join(values)}")
    days = [*WEEKDAYS, "start_date", "end_date"]
    for file, keys, values in (
        ("calendar.txt", ["service_id"], days),
        ("calendar_dates.txt", ["service_id", "date"], ["exception_type"]),
    ):
        if file in feed.tables:
            _drop_repeats(feed, file, keys, values)


def _check_headways(feed: Feed) -> None:
    """Check times and headways, and that they do not make too many trips."""
    file = "frequencies.txt"
    table = feed.tables[file]
    for column in ("start_time", "end_time"):
        is_wrong = np.isnan(parse_minutes(table[column]))
        _add_fault(feed, file, column, is_wrong, "is no time", "write hours:minutes:seconds")
    span = (parse_minutes(table["end_time"]) - parse_minutes(table["start_time"])) * 60
    _add_fault(feed, file, "end_time", span <= 0, "is not after start_time", "give a later time")
    seconds = _numbers(table["headway_secs"])
    is_wrong = ~((seconds > 0) & np.isfinite(seconds))
    _add_fault(feed, file, "headway_secs", is_wrong, "is no time between two trips",
           "give seconds above 0, or each trip in stop_times.txt")  # fmt: skip
    if is_wrong.any() or np.isnan(span).any():
        return
    calls = feed.tables["stop_times.txt"]["trip_id"].value_counts()
    call_counts = table["trip_id"].map(calls).fillna(0).to_numpy() * np.ceil(span / seconds)
    if call_counts.sum() > MAX_HEADWAY_CALLS:
        row = int(np.argmax(call_counts))
        feed.add_finding(
            "error",
            file,
            "headway_secs",
            f"its trips make {call_counts.sum():,.0f} calls; at "
            f"most {MAX_HEADWAY_CALLS:,} are read",
            "give seconds between two trips",
            [table.index[row]],
            [table["headway_secs"].iloc[row]],
        )


def _check_transfers(feed: Feed) -> None:
    """Check the types and times of transfers."""
    file = "transfers.txt"
    table = feed.tables[file]
    missing = [column for column in ("from_stop_id", "to_stop_id") if column not in table]
    if missing and "transfer_type" in table and table["transfer_type"].isin(["4", "5"]).all():
        del feed.tables[file]  # transfers between trips only
        return
    for column in missing:
        feed.add_finding("error", file, column, "is not there", "add the column")
    if "min_transfer_time" in table:
        seconds = _numbers(table["min_transfer_time"])
        is_wrong = (table["min_transfer_time"] != "") & ~((seconds >= 0) & np.isfinite(seconds))
        _add_fault(
            feed, file, "min_transfer_time", is_wrong, "is no time", "give seconds of 0 or more"
        )
    if "transfer_type" in table:
        known = table["transfer_type"].isin(["", "0", "1", "2", "3", "4", "5"])
        _add_fault(feed, file, "transfer_type", ~known, "is not known", "give 0, 1, 2, 3, 4 or 5")


def _check_links(feed: Feed) -> None:
    """Warn of ids that other tables lack; rows that depend on them are left out."""
    tables = feed.tables
    trips, calls = tables["trips.txt"], tables["stop_times.txt"]
    services: set[str] = set()
    for file in ("calendar.txt", "calendar_dates.txt"):
        if file in tables:
            services |= set(tables[file]["service_id"])
    flexible = calls["stop_id"] == ""  # demand-responsive services, which are not supported
    for file, column, is_unmatched, message, remedy in (
        ("trips.txt", "service_id", ~trips["service_id"].isin(services),
         "is in no calendar; the trip never runs", "add the service to calendar.txt"),
        ("trips.txt", "trip_id", ~trips["trip_id"].isin(calls["trip_id"]),
         "has no calls in stop_times.txt; the trip is left out", "add its calls"),
        ("stop_times.txt", "trip_id", ~calls["trip_id"].isin(trips["trip_id"]),
         "is not in trips.txt; the call is left out", "add the trip"),
        ("stop_times.txt", "stop_id", ~calls["stop_id"].isin(tables["stops.txt"]["stop_id"])
         & ~flexible, "is no stop with coordinates in stops.txt where one may get on; the call is "
         "left out", "add the stop"),
    ):  # fmt: skip
        _add_counted_warning(feed, file, column, is_unmatched, message, remedy)
    if "frequencies.txt" in tables:
        is_unmatched = ~tables["frequencies.txt"]["trip_id"].isin(trips["trip_id"])
        _add_counted_warning(feed, "frequencies.txt", "trip_id", is_unmatched,
                 "is not in trips.txt; the row is left out", "add the trip")  # fmt: skip


def _add_counted_warning(
    feed: Feed, file: str, column: str, is_unmatched: Any, message: str, remedy: str
) -> None:
    """Add one warning for all rows of a fault, with the first row, the ids and a count."""
    chosen = feed.tables[file].loc[np.asarray(is_unmatched, bool), column]
    if len(chosen):
        ids = list(dict.fromkeys(chosen))
        examples = ", ".join(ids[:5]) + (", ..." if len(ids) > 5 else "")
        rows = f" ({len(chosen)} rows)" if len(chosen) > 1 else ""
        feed.add_finding(
            "warning",
            file,
            column,
            message + rows,
            remedy,
            [chosen.index[0]],
            [examples],
            ids if len(chosen) > 1 else (),
        )
