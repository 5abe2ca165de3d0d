"""Feeds as published: what the reference allows is read, and every fault is a finding.

The stops, the street and the usual feed are those of ``test_transit``: a bus from A 07:10 to D
07:20, Tuesday 9 June 2026.
"""

from __future__ import annotations

import zipfile
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from placeopt.base.errors import Finding, InputError
from placeopt.travel.transit import gtfs_checks
from placeopt.travel.transit.gtfs import Timetable, read_gtfs
from tests.travel.feeds import write_gtfs
from tests.travel.test_transit import STOPS, minutes, street, travel

DAY = date(2026, 6, 9)
TRIPS = {"t": "A 07:10, D 07:20"}


def read(*files: Path, day: date = DAY) -> Timetable:
    return read_gtfs(list(files), day, "EPSG:27700")


def faults(*files: Path, day: date = DAY) -> list[Finding]:
    """The findings of feeds that are refused."""
    with pytest.raises(InputError) as error:
        read(*files, day=day)
    return error.value.findings


def tables_of(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_tables(file: Path, tables: dict[str, bytes]) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in tables.items():
            archive.writestr(name, content)


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    """A feed with every table that is read."""
    write_gtfs(
        tmp_path / "feed.zip",
        STOPS,
        {**TRIPS, "h": "A 00:00, B 00:05, D 00:10"},
        calendar_dates="service_id,date,exception_type\nweek,20260613,1\n",
        frequencies="trip_id,start_time,end_time,headway_secs\nh,08:00:00,08:30:00,900\n",
        transfers="from_stop_id,to_stop_id,transfer_type,min_transfer_time\nB,B,2,60\n",
    )
    return tmp_path / "feed.zip"


def change(feed: Path, table: str, old: str, new: str) -> None:
    tables = tables_of(feed)
    assert old.encode() in tables[table]
    write_tables(feed, {**tables, table: tables[table].replace(old.encode(), new.encode())})


# --- what has one reading -----------------------------------------------------------------------


def test_a_byte_order_mark_is_read(feed: Path) -> None:
    tables = tables_of(feed)
    write_tables(feed, {name: b"\xef\xbb\xbf" + content for name, content in tables.items()})
    assert read(feed).trips.sum() == 3
    assert not read(feed).findings


def test_blanks_around_headings_and_values_are_a_warning(feed: Path) -> None:
    change(feed, "stop_times.txt", "stop_id,", "stop_id ,")
    change(feed, "stop_times.txt", "t,A,1", "t ,A\t,1")
    table = read(feed)
    assert table.trips.sum() == 3
    heading, trip, stop = table.findings
    assert (heading.row, heading.value) == (1, "stop_id ")
    assert (trip.file, trip.row, trip.column, trip.value) == (
        "feed.zip stop_times.txt", 2, "trip_id", "t ",
    )  # fmt: skip
    assert (stop.row, stop.column, stop.value) == (2, "stop_id", "A\t")


def test_windows_1252_feeds_are_read_with_a_warning(feed: Path) -> None:
    tables = {name: text.replace(b"A,", b"Caf\xe9,") for name, text in tables_of(feed).items()}
    write_tables(feed, tables)
    table = read(feed)
    assert "Café" in table.stop_ids
    assert table.trips.sum() == 3
    said = {(f.file, f.row): f for f in table.findings}
    assert said["feed.zip stops.txt", 2].message.endswith("the file is read as Windows-1252")
    assert str(said["feed.zip stops.txt", 2].value).startswith("Café,")
    assert ("feed.zip stop_times.txt", 2) in said


def test_a_feed_in_a_folder_of_the_zip_is_read_with_a_warning(feed: Path) -> None:
    tables = tables_of(feed)
    junk = {"__MACOSX/latest/._stops.txt": b"\0\5\x16"}
    write_tables(feed, {**{f"latest/{name}": t for name, t in tables.items()}, **junk})
    table = read(feed)
    assert table.trips.sum() == 3
    assert [f.message for f in table.findings] == [
        "the tables stand in a folder (latest), which is read"
    ]
    two = {f"{folder}/{name}": t for folder in ("bus", "rail") for name, t in tables.items()}
    write_tables(feed, two)
    assert "several folders (bus, rail)" in str(faults(feed)[0])


def test_the_same_row_twice_counts_once(feed: Path) -> None:
    tables = tables_of(feed)
    for name in ("stops.txt", "trips.txt", "stop_times.txt", "calendar.txt", "calendar_dates.txt"):
        heading, *rows = tables[name].splitlines(keepends=True)
        tables[name] = heading + b"".join(rows) + b"".join(rows)
    write_tables(feed, tables)
    table = read(feed)
    assert table.trips.sum() == 3
    assert len(table.stop_ids) == len(STOPS)
    first = table.findings[0]
    assert (first.file, first.row, first.column, first.value) == (
        "feed.zip stops.txt", 6, "stop_id", "A",
    )  # fmt: skip
    assert first.message.startswith("is in row 2 already, with the same values")


def test_optional_faulty_rows_are_left_out_with_a_warning(feed: Path) -> None:
    tables = tables_of(feed)
    tables["stops.txt"] += b"nowhere,Nowhere,,\nstation,Station,52.6,-2.0\n"
    tables["trips.txt"] += b"r,week,bare\nr,never,x\n"
    tables["stop_times.txt"] += b"t,nowhere,3,07:25:00,07:25:00\nghost,A,1,07:00:00,07:00:00\n"
    tables["stop_times.txt"] += b"x,A,1,07:00:00,07:00:00\nx,D,2,07:10:00,07:10:00\n"
    tables["frequencies.txt"] += b"nobody,08:00:00,08:30:00,900\n"
    write_tables(feed, tables)
    table = read(feed)
    assert table.trips.sum() == 3
    assert "nowhere" not in table.stop_ids
    said = [(f.file.split()[-1], f.row, f.column, f.value) for f in table.findings]
    assert said == [
        ("stops.txt", 6, "stop_lat, stop_lon", "nowhere"),
        ("trips.txt", 5, "service_id", "never"),
        ("trips.txt", 4, "trip_id", "bare"),
        ("stop_times.txt", 8, "trip_id", "ghost"),
        ("stop_times.txt", 7, "stop_id", "nowhere"),
        ("frequencies.txt", 3, "trip_id", "nobody"),
    ]
    assert all(f.severity == "warning" for f in table.findings)


def test_trips_by_headway_run_past_midnight(tmp_path: Path) -> None:
    # Monday's trips leave A at 23:50, 24:20: the second is Tuesday's 00:20, at D 00:30.
    # Leaving at 00:15 that is 15 minutes.
    frequencies = "trip_id,start_time,end_time,headway_secs\nt,23:50:00,24:25:00,1800\n"
    write_gtfs(tmp_path / "feed.zip", STOPS, {"t": "A 06:00, D 06:10"}, frequencies=frequencies)
    assert minutes(tmp_path, depart=("00:15", "00:16")) == pytest.approx(15, abs=0.02)


def test_a_trip_of_two_days_before_still_runs(tmp_path: Path) -> None:
    # 48:30 of Monday's service is Wednesday's 00:30; on Tuesday it is still on its way.
    write_gtfs(tmp_path / "feed.zip", STOPS, {"long": "B 23:00, A 48:30, D 48:40"})
    wednesday = minutes(tmp_path, depart=("00:20", "00:21"), date="2026-06-10")
    assert wednesday == pytest.approx(20, abs=0.02)
    tuesday = minutes(tmp_path, depart=("00:20", "00:21"), date="2026-06-09")
    assert tuesday == pytest.approx(75, abs=0.02)


def test_transfers_of_one_route_bind_no_other(tmp_path: Path) -> None:
    trips = {"t1": "A 07:10, B 07:16", "t3": "B 07:20, D 07:28"}
    never = "from_stop_id,to_stop_id,transfer_type,from_route_id\nB,B,3,night\n"
    write_gtfs(tmp_path / "feed.zip", STOPS, trips, transfers=never)
    assert minutes(tmp_path, depart=("07:00", "07:01")) == pytest.approx(28, abs=0.02)
    aboard = "transfer_type,from_trip_id,to_trip_id\n4,t1,t3\n"
    write_gtfs(tmp_path / "feed.zip", STOPS, trips, transfers=aboard)
    assert minutes(tmp_path, depart=("07:00", "07:01")) == pytest.approx(28, abs=0.02)


# --- refusals -----------------------------------------------------------------------------------

FAULTS = [
    # table, original text, replacement, row, column, value
    ("stops.txt", "B,B,", "A,B,", 3, "stop_id", "A"),
    ("trips.txt", "r,week,h", "r,other,t", 3, "trip_id", "t"),
    ("stop_times.txt", "t,D,2", "t,D,1", 3, "trip_id, stop_sequence", "t, 1"),
    ("stop_times.txt", "t,D,2", "t,D,last", 3, "stop_sequence", "last"),
    ("stop_times.txt", "07:20:00\n", "7.20\n", 3, "departure_time", "7.20"),
    ("stop_times.txt", "07:20:00\n", "07:61:00\n", 3, "departure_time", "07:61:00"),
    ("stop_times.txt", "arrival_time", "arrive", None, "arrival_time", None),
    ("calendar.txt", "20260601", "2026-06-01", 2, "start_date", "2026-06-01"),
    ("calendar.txt", "20260630", "20260631", 2, "end_date", "20260631"),
    ("calendar.txt", "week,1,1,1", "week,1,yes,1", 2, "tuesday", "yes"),
    ("calendar.txt", "tuesday,", "tuesday,tuesday,", None, "tuesday", None),
    ("calendar_dates.txt", "0613,1", "0613,add", 2, "exception_type", "add"),
    ("frequencies.txt", ",900", ",0", 2, "headway_secs", "0"),
    ("frequencies.txt", ",900", ",-60", 2, "headway_secs", "-60"),
    ("frequencies.txt", ",900", ",often", 2, "headway_secs", "often"),
    ("frequencies.txt", ",900", ",", 2, "headway_secs", ""),
    ("frequencies.txt", ",900", ",1e-9", 2, "headway_secs", "1e-9"),
    ("frequencies.txt", "08:30:00", "07:30:00", 2, "end_time", "07:30:00"),
    ("frequencies.txt", "08:30:00", "", 2, "end_time", ""),
    ("frequencies.txt", "headway_secs", "headway", None, "headway_secs", None),
    ("transfers.txt", "2,60", "2,soon", 2, "min_transfer_time", "soon"),
    ("transfers.txt", "2,60", "9,60", 2, "transfer_type", "9"),
    ("transfers.txt", "to_stop_id", "to_stop", None, "to_stop_id", None),
    ("stop_times.txt", "t,D,2", "t,D,2,9", 3, None, "6 cells"),
    ("stop_times.txt", "t,D,2", 't,"D,2', 3, None, '"'),
]  # fmt: skip


@pytest.mark.parametrize(("table", "old", "new", "row", "column", "value"), FAULTS)
def test_each_fault_names_file_row_column_and_value(
    feed: Path, table: str, old: str, new: str, row: int, column: str, value: str
) -> None:
    change(feed, table, old, new)
    found = [f for f in faults(feed) if f.severity == "error"]
    assert (found[0].file, found[0].row, found[0].column, found[0].value) == (
        f"feed.zip {table}", row, column, value,
    )  # fmt: skip
    assert found[0].remedy


def test_all_faults_of_all_feeds_are_reported_at_once(feed: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.zip"
    other.write_bytes(feed.read_bytes())
    change(feed, "stops.txt", "stop_lat", "latitude")
    change(feed, "trips.txt", "service_id", "service")
    change(other, "frequencies.txt", ",900", ",0")
    change(other, "stop_times.txt", "07:20:00\n", "x\n")
    assert [(f.file, f.column) for f in faults(feed, other)] == [
        ("feed.zip stops.txt", "stop_lat"),
        ("feed.zip trips.txt", "service_id"),
        ("other.zip stop_times.txt", "departure_time"),
        ("other.zip frequencies.txt", "headway_secs"),
    ]


def test_files_that_are_no_feed_are_refused(feed: Path, tmp_path: Path) -> None:
    assert "is a folder" in str(faults(tmp_path)[0])
    street(tmp_path)
    (tmp_path / "unpacked").mkdir()
    with pytest.raises(InputError, match=r"is a folder; name a file"):
        travel(tmp_path, gtfs="unpacked")
    tables = tables_of(feed)
    for content, message in (
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"stop_lat,stop_lon\n", "stop_id is not there"),
        ("stop_id,stop_lat\n".encode("utf-16"), "is no text in UTF-8"),
        (b"stop_id,stop_lat,stop_lon\nA\x81\xff,1,2\n", "is no text in UTF-8"),
    ):
        write_tables(feed, {**tables, "stops.txt": content})
        assert message in str(faults(feed)[0])
    write_tables(feed, {**{k: t for k, t in tables.items() if k != "stops.txt"}, "Stops.txt": b""})
    assert "rename 'Stops.txt'" in str(faults(feed)[0])
    with zipfile.ZipFile(feed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in tables.items():
            archive.writestr(name, content)
    packed = bytearray(feed.read_bytes())
    at = packed.index(b"stops.txt") + len(b"stops.txt")
    packed[at : at + 8] = b"\xff" * 8
    feed.write_bytes(packed)
    assert "is no zip file or is cut short" in str(faults(feed)[0])


def test_a_day_full_of_trips_by_headway_is_refused(
    feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gtfs_checks, "MAX_HEADWAY_CALLS", 5)  # two trips of three calls are six
    assert "make 6 calls; at most 5 are read" in str(faults(feed)[0])


DAMAGE = [b"", b" ", b"-1", b"0", b"1e400", b"nan", b"A", b"99:99:99", b"999999999999", b'"', b",",
          b"\xe9", b"\n", b"\0", b"20260609", b"20269999", b"'; --", b"\xff\xfe"]  # fmt: skip


def damaged(rng: np.random.Generator, content: bytes) -> bytes:
    """One cell, one heading or one row of a table replaced, left out or given twice."""
    lines = content.split(b"\n")
    row = int(rng.integers(0, max(1, len(lines) - 1)))
    cells = lines[row].split(b",")
    cell = int(rng.integers(0, len(cells)))
    kind = rng.integers(0, 4)
    if kind == 0:
        del lines[row]
    elif kind == 1:
        lines.insert(row, lines[row])
    else:
        cells[cell] = DAMAGE[rng.integers(0, len(DAMAGE))]
        lines[row] = b",".join(cells)
    return b"\n".join(lines)


@pytest.mark.parametrize(
    "seeds", [range(25), pytest.param(range(25, 1500), marks=pytest.mark.exhaustive)]
)
def test_no_damage_ends_in_anything_but_findings(feed: Path, seeds: range) -> None:
    whole = tables_of(feed)
    refused = 0
    for seed in seeds:
        rng = np.random.default_rng(seed)
        tables = dict(whole)
        for _ in range(rng.integers(1, 4)):
            name = str(rng.choice(list(tables)))
            tables[name] = damaged(rng, tables[name])
        write_tables(feed, tables)
        try:
            table: Timetable | InputError = read(feed)
        except InputError as error:
            table = error
        if isinstance(table, InputError):
            refused += 1
            assert table.findings, seed
            assert all(f.file.startswith("feed.zip") and f.remedy for f in table.findings), seed
        else:
            assert np.isfinite(table.departs).all(), seed
            assert np.isfinite(table.xy).all(), seed
    assert 0.2 * len(seeds) < refused < len(seeds)


# --- several feeds ------------------------------------------------------------------------------


def test_several_feeds_are_travelled_together(tmp_path: Path) -> None:
    # The bus reaches B at 07:16, the train leaves from the same spot at 07:20 and is at D 07:28:
    # 28 minutes after 07:00. Either feed alone leaves the 75 minutes' walk.
    write_gtfs(tmp_path / "bus.zip", STOPS, {"t": "A 07:10, B 07:16"})
    write_gtfs(tmp_path / "rail.zip", STOPS, {"t": "B 07:20, D 07:28"})
    both = {"gtfs": ["bus.zip", "rail.zip"], "depart": ("07:00", "07:01")}
    times = travel(tmp_path, **both)
    assert times.matrix("transit")[0, 0] == pytest.approx(28, abs=0.02)
    assert times.provenance["transit"]["gtfs"] == ["bus.zip", "rail.zip"]
    assert len(times.provenance["transit"]["gtfs_sha256"]) == 2
    assert times.provenance["transit"]["stops"] == 2 * len(STOPS)
    for one in both["gtfs"]:
        alone = travel(tmp_path, gtfs=one, depart=("07:00", "07:01"))
        assert alone.matrix("transit")[0, 0] == pytest.approx(75, abs=0.02)


def test_one_id_in_two_feeds_is_two_stops(tmp_path: Path) -> None:
    # "B" of the second feed is at 5,200 m: 40 minutes' walk from the first feed's B.
    write_gtfs(tmp_path / "bus.zip", STOPS, {"t": "A 07:10, B 07:16"})
    moved = {**STOPS, "B": (5200.0, 0.0)}
    write_gtfs(tmp_path / "rail.zip", moved, {"t": "B 07:20, D 07:28"})
    both = {"gtfs": ["bus.zip", "rail.zip"], "depart": ("07:00", "07:01")}
    assert travel(tmp_path, **both).matrix("transit")[0, 0] == pytest.approx(75, abs=0.02)
    table = read(tmp_path / "bus.zip", tmp_path / "rail.zip")
    assert list(table.stop_ids[[1, 5]]) == ["bus.zip: B", "rail.zip: B"]


def test_feeds_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for folder in ("bus", "rail"):
        (tmp_path / folder).mkdir()
        write_gtfs(tmp_path / folder / "gtfs.zip", STOPS, TRIPS)
    change(tmp_path / "rail" / "gtfs.zip", "calendar.txt", "week,1", "week,2")
    found = faults(*(tmp_path / folder / "gtfs.zip" for folder in ("bus", "rail")))
    assert [f.file for f in found] == ["rail/gtfs.zip calendar.txt"]


def test_a_feed_without_service_on_the_day_is_refused(tmp_path: Path) -> None:
    write_gtfs(tmp_path / "bus.zip", STOPS, TRIPS)
    old = "service_id,date,exception_type\nweek,20240109,1\n"
    write_gtfs(tmp_path / "old.zip", STOPS, TRIPS, calendar="", calendar_dates=old)
    (found,) = faults(tmp_path / "bus.zip", tmp_path / "old.zip")
    assert (found.file, found.column, found.value) == ("old.zip", "date", "2026-06-09")
    rare = "service_id,date,exception_type\nweek,20260606,1\nweek,20260613,1\n"
    write_gtfs(tmp_path / "ferry.zip", STOPS, TRIPS, calendar="", calendar_dates=rare)
    table = read(tmp_path / "bus.zip", tmp_path / "ferry.zip")
    assert [(f.severity, f.file) for f in table.findings] == [("warning", "ferry.zip")]
    assert table.trips.sum() == 1
    sunday = faults(tmp_path / "bus.zip", tmp_path / "ferry.zip", day=date(2026, 6, 7))
    assert {f.file for f in sunday} == {"bus.zip", "ferry.zip"}


def test_warnings_of_a_feed_stay_with_kept_minutes(feed: Path, tmp_path: Path) -> None:
    change(feed, "stop_times.txt", "t,A,1", "t ,A,1")
    for _ in range(2):  # measured, then read from the cache
        times = travel(tmp_path, depart=("07:00", "07:01"))
        assert times.matrix("transit")[0, 0] == pytest.approx(20, abs=0.02)
        assert [f.value for f in times.findings if f.file.startswith("feed.zip")] == ["t "]


def test_a_feed_that_cannot_be_read_is_not_called_cut_short(
    feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(zipfile.ZipFile, "read", refused)
    (found,) = faults(feed)
    assert found.message == "cannot be read: Permission denied"
    assert "download" not in found.remedy
