"""Check the cells of a feed: every fault at once, with file, row, column and value.

Faults that leave two readings are errors; what a timetable can do without (a stop that nobody can
find, a trip without calls, a call at an unknown stop) is left out and said in a warning.
Source: GTFS Schedule reference (gtfs.org), "Field definitions".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from placeopt.travel.transit.gtfs_tables import WEEKDAYS, Feed

if TYPE_CHECKING:
    import pandas as pd

MAX_HEADWAY_CALLS = 20_000_000  # calls of trips by headway in one day
TIME = r"^(\d{1,3}):([0-5]\d):([0-5]\d)$"  # hours go past 24 for trips that run past midnight


def check_feed(feed: Feed) -> None:
    """Add the findings of every table to ``feed.findings`` and leave rows without use out."""
    _check_stops(feed)
    _once(feed, "trips.txt", ["trip_id"], ["service_id"])
    _check_calls(feed)
    _check_calendars(feed)
    if "frequencies.txt" in feed.tables:
        _check_headways(feed)
    if "transfers.txt" in feed.tables:
        _check_transfers(feed)
    if not feed.errors:
        _check_links(feed)


def minutes_of(texts: pd.Series[Any]) -> NDArray[np.float64]:
    """ "25:10:00" as minutes after midnight; NaN where it is no time."""
    parts = texts.str.extract(TIME)
    h, m, s = (_numbers(parts[c]) for c in range(3))
    return h * 60 + m + s / 60


def _numbers(texts: Any) -> NDArray[np.float64]:
    import pandas as pd

    return np.asarray(pd.to_numeric(texts, errors="coerce"), float)


def _fault(
    feed: Feed, file: str, column: str, wrong: Any, message: str, remedy: str, *, error: bool = True
) -> None:
    """One finding for each row of a table that is wrong in a column."""
    chosen = feed.tables[file].loc[np.asarray(wrong, bool), column]
    if len(chosen):
        severity: Any = "error" if error else "warning"
        feed.find(severity, file, column, message, remedy, list(chosen.index), list(chosen))


def _once(feed: Feed, file: str, keys: list[str], values: list[str]) -> None:
    """Rows of the same key: the same row twice counts once, two different ones are an error."""
    table = feed.tables[file]
    again = table.duplicated(keys)
    if not again.any():
        return
    same = table.duplicated([*keys, *(c for c in values if c in table)])
    rows = table.index.to_series().groupby([table[key] for key in keys]).transform("first")
    ids = table.loc[again, keys].agg(", ".join, axis=1)
    for row, key, before, equal in zip(ids.index, ids, rows[again], same[again], strict=True):
        earlier = f"is in row {before} already"
        if equal:
            feed.find("warning", file, ", ".join(keys), f"{earlier}, with the same values; taken "
                      "once", "leave the row out", [row], [key])  # fmt: skip
        else:
            feed.find("error", file, ", ".join(keys), f"{earlier}, with other values",
                      "give each its own id, or leave one row out", [row], [key])  # fmt: skip
    feed.tables[file] = table[~again]


def _check_stops(feed: Feed) -> None:
    """Coordinates of places where one may board; stops without any are left out."""
    file = "stops.txt"
    _once(feed, file, ["stop_id"], ["stop_lat", "stop_lon", "location_type"])
    stops = feed.tables[file]
    if "location_type" in stops:  # stations, entrances, nodes: no places to board
        stops = stops[stops["location_type"].isin(["", "0"])]
    feed.tables[file] = stops
    bare = (stops["stop_lat"] == "") & (stops["stop_lon"] == "")
    feed_values = stops["stop_lat"] + ", " + stops["stop_lon"]
    if bare.any():
        feed.find("warning", file, "stop_lat, stop_lon", "the stop has no coordinates and is left "
                  "out", "give degrees (WGS 84)",
                  list(stops.index[bare]), list(stops["stop_id"][bare]))  # fmt: skip
    lon, lat = _numbers(stops["stop_lon"]), _numbers(stops["stop_lat"])
    wrong = ~((np.abs(lon) <= 180) & (np.abs(lat) <= 90)) & ~bare
    if wrong.any():
        feed.find("error", file, "stop_lat, stop_lon", "is no place on earth",
                  "give degrees (WGS 84), as GTFS asks",
                  list(stops.index[wrong]), list(feed_values[wrong]))  # fmt: skip
    feed.tables[file] = stops[~bare]


def _check_calls(feed: Feed) -> None:
    file = "stop_times.txt"
    table = feed.tables[file]
    for column in ("arrival_time", "departure_time"):
        wrong = np.isnan(minutes_of(table[column])) & (table[column] != "")
        _fault(feed, file, column, wrong, "is no time", "write hours:minutes:seconds; hours go on "
               "past 24 for a trip past midnight")  # fmt: skip
    order = _numbers(table["stop_sequence"])
    wrong = ~(order >= 0) | (order != np.floor(order))
    _fault(feed, file, "stop_sequence", wrong, "is no position", "number the calls of a trip")
    values = ["stop_id", "arrival_time", "departure_time", "pickup_type", "drop_off_type"]
    _once(feed, file, ["trip_id", "stop_sequence"], values)


def _check_calendars(feed: Feed) -> None:
    """Dates like 20260609, days 0 or 1, exceptions 1 or 2."""
    import pandas as pd

    dates = [("calendar.txt", "start_date"), ("calendar.txt", "end_date")]
    for file, column in [*dates, ("calendar_dates.txt", "date")]:
        if file in feed.tables:
            texts = feed.tables[file][column]
            plain = texts.str.fullmatch(r"\d{8}")
            wrong = ~plain | pd.to_datetime(texts, format="%Y%m%d", errors="coerce").isna()
            _fault(feed, file, column, wrong, "is no date", "write it like 20260609")
    allowed = [("calendar.txt", day, ["0", "1"]) for day in WEEKDAYS]
    for file, column, values in [*allowed, ("calendar_dates.txt", "exception_type", ["1", "2"])]:
        if file in feed.tables:
            wrong = ~feed.tables[file][column].isin(values)
            _fault(feed, file, column, wrong, "is not known", f"write {' or '.join(values)}")
    days = [*WEEKDAYS, "start_date", "end_date"]
    for file, keys, values in (
        ("calendar.txt", ["service_id"], days),
        ("calendar_dates.txt", ["service_id", "date"], ["exception_type"]),
    ):
        if file in feed.tables:
            _once(feed, file, keys, values)


def _check_headways(feed: Feed) -> None:
    """Times from and to, and a headway above 0 that does not fill the day with trips."""
    file = "frequencies.txt"
    table = feed.tables[file]
    for column in ("start_time", "end_time"):
        wrong = np.isnan(minutes_of(table[column]))
        _fault(feed, file, column, wrong, "is no time", "write hours:minutes:seconds")
    span = (minutes_of(table["end_time"]) - minutes_of(table["start_time"])) * 60
    _fault(feed, file, "end_time", span <= 0, "is not after start_time", "give a later time")
    seconds = _numbers(table["headway_secs"])
    wrong = ~((seconds > 0) & np.isfinite(seconds))
    _fault(feed, file, "headway_secs", wrong, "is no time between two trips",
           "give seconds above 0, or each trip in stop_times.txt")  # fmt: skip
    if wrong.any() or np.isnan(span).any():
        return
    calls = feed.tables["stop_times.txt"]["trip_id"].value_counts()
    written = table["trip_id"].map(calls).fillna(0).to_numpy() * np.ceil(span / seconds)
    if written.sum() > MAX_HEADWAY_CALLS:
        row = int(np.argmax(written))
        feed.find("error", file, "headway_secs", f"its trips make {written.sum():,.0f} calls; at "
                  f"most {MAX_HEADWAY_CALLS:,} are read", "give seconds between two trips",
                  [table.index[row]], [table["headway_secs"].iloc[row]])  # fmt: skip


def _check_transfers(feed: Feed) -> None:
    """Types 0 to 3 between two stops; a transfer of type 2 states its seconds."""
    file = "transfers.txt"
    table = feed.tables[file]
    missing = [column for column in ("from_stop_id", "to_stop_id") if column not in table]
    if missing and "transfer_type" in table and table["transfer_type"].isin(["4", "5"]).all():
        del feed.tables[file]  # of trips only
        return
    for column in missing:
        feed.find("error", file, column, "is not there", "add the column")
    if "min_transfer_time" in table:
        seconds = _numbers(table["min_transfer_time"])
        wrong = (table["min_transfer_time"] != "") & ~((seconds >= 0) & np.isfinite(seconds))
        _fault(feed, file, "min_transfer_time", wrong, "is no time", "give seconds of 0 or more")
    if "transfer_type" in table:
        known = table["transfer_type"].isin(["", "0", "1", "2", "3", "4", "5"])
        _fault(feed, file, "transfer_type", ~known, "is not known", "give 0, 1, 2, 3, 4 or 5")


def _check_links(feed: Feed) -> None:
    """Ids that no other table knows; what depends on them is left out."""
    tables = feed.tables
    trips, calls = tables["trips.txt"], tables["stop_times.txt"]
    services: set[str] = set()
    for file in ("calendar.txt", "calendar_dates.txt"):
        if file in tables:
            services |= set(tables[file]["service_id"])
    flexible = calls["stop_id"] == ""  # on demand within an area: not known here
    for file, column, lost, message, remedy in (
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
        _counted(feed, file, column, lost, message, remedy)
    if "frequencies.txt" in tables:
        lost = ~tables["frequencies.txt"]["trip_id"].isin(trips["trip_id"])
        _counted(feed, "frequencies.txt", "trip_id", lost,
                 "is not in trips.txt; the row is left out", "add the trip")  # fmt: skip


def _counted(feed: Feed, file: str, column: str, lost: Any, message: str, remedy: str) -> None:
    """One warning for all rows of a fault: it names the first row and the ids, and counts."""
    chosen = feed.tables[file].loc[np.asarray(lost, bool), column]
    if len(chosen):
        ids = list(dict.fromkeys(chosen))
        some = ", ".join(ids[:5]) + (", ..." if len(ids) > 5 else "")
        rows = f" ({len(chosen)} rows)" if len(chosen) > 1 else ""
        feed.find("warning", file, column, message + rows, remedy, [chosen.index[0]], [some],
                  ids if len(chosen) > 1 else ())  # fmt: skip
