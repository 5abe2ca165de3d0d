"""Hand-worked public transport: a line of stops and small timetables.

One street runs east for 6 km; walking is 80 m a minute. Its stops are at A 0 m, B 2,000 m, C 4,000
m and D 6,000 m; the zone is at A and the building at D unless a test sets others.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from placeopt.base.errors import InputError, UsageError
from placeopt.travel import Step, Transit, TravelTimes, measure
from placeopt.travel.transit.gtfs import read_gtfs
from tests.support.places import place_of
from tests.travel.feeds import EAST, NORTH, write_gtfs
from tests.travel.small import write_streets

STOPS = {"A": (0.0, 0.0), "B": (2000.0, 0.0), "C": (4000.0, 0.0), "D": (6000.0, 0.0)}
TUESDAY = "2026-06-09"


def street(folder: Path) -> None:
    """6 km of street with a node every 80 m (a minute on foot)."""
    nodes = {f"n{i}": (EAST + i * 80.0, NORTH) for i in range(76)}
    edges = [
        {"u": f"n{i}", "v": f"n{i + 1}", "highway": "residential", "length_m": 80.0}
        for i in range(75)
    ]
    write_streets(folder / "streets.gpkg", nodes, edges)


def travel(
    folder: Path, start: float = 0.0, end: float = 6000.0, cutoff: float = 120.0, **settings: Any
) -> TravelTimes:
    """Minutes from a zone to a building, metres along the street."""
    if not (folder / "streets.gpkg").exists():
        street(folder)
    place = place_of(
        {"zone_id": ["z"], "x_m": [EAST + start], "y_m": [NORTH], "population": [10]},
        {"building_id": ["b"], "kind": ["library"], "x_m": [EAST + end], "y_m": [NORTH]},
        folder,
    )
    transit = Transit(**{"gtfs": "feed.zip", "date": TUESDAY, **settings})
    return measure(place, "streets", ["transit"], cutoff, transit=transit)


def minutes(folder: Path, **settings: Any) -> float:
    return float(travel(folder, **settings).matrix("transit")[0, 0])


def test_one_ride_is_walk_wait_ride_walk(tmp_path: Path) -> None:
    # Leaving at 07:00 from 160 m: 2 min on foot to A (07:02), bus 07:10 to C 07:22, then 160 m on
    # foot (2 min): 07:24, so 24 minutes.
    write_gtfs(tmp_path / "feed.zip", STOPS, {"t1": "A 07:10, B 07:16, C 07:22"})
    found = minutes(tmp_path, start=160, end=4160, depart=("07:00", "07:01"))
    assert found == pytest.approx(24, abs=0.02)


def test_median_and_worst_tenth_over_the_window(tmp_path: Path) -> None:
    # Buses from A at 07:10, 07:20, reach C (4,000 m) 12 minutes later; the zone is at A.
    # Leaving at 07:00, 07:01, ..., 07:19 takes (10 + 12) = 22, 21, ..., 13 | 07:10 leaves at once:
    # 12, then 07:11 waits 9: 21, 20, ..., 13. Together 22, 12 once each and 21 to 13 twice each.
    # Sorted: 12, 13, 13, 14, 14, ..., 21, 21, 22: the middle two (10th, 11th) are 17, 17;
    # nine in ten of 20 are 18: the 18th is 21.
    trips = {"t1": "A 07:10, C 07:22", "t2": "A 07:20, C 07:32"}
    write_gtfs(tmp_path / "feed.zip", STOPS, trips)
    times = travel(tmp_path, end=4000, depart=("07:00", "07:20"))
    assert times.matrix("transit")[0, 0] == pytest.approx(17, abs=0.02)
    assert times.worst["transit"][0, 0] == pytest.approx(21, abs=0.02)


def test_a_change_needs_the_stated_minutes(tmp_path: Path) -> None:
    """A change needs the stated minutes; after a missed connection one waits."""
    # t1 reaches B at 07:16. t2 leaves B at 07:16, t3 at 07:17, t4 at 07:40; each rides 8 to D.
    # With 1 minute to change the 07:17 is caught: D 07:25 = 25 minutes after 07:00.
    # With 2 minutes it is missed and the 07:40 taken: D 07:48 = 48.
    # With 0 the 07:16 is caught: 24.
    trips = {
        "t1": "A 07:10, B 07:16",
        "t2": "B 07:16, D 07:24",
        "t3": "B 07:17, D 07:25",
        "t4": "B 07:40, D 07:48",
    }
    write_gtfs(tmp_path / "feed.zip", STOPS, trips)
    window = ("07:00", "07:01")
    assert minutes(tmp_path, depart=window) == pytest.approx(25, abs=0.02)
    assert minutes(tmp_path, depart=window, change_minutes=2) == pytest.approx(48, abs=0.02)
    assert minutes(tmp_path, depart=window, change_minutes=0) == pytest.approx(24, abs=0.02)


def test_a_change_may_be_walked_within_its_limit(tmp_path: Path) -> None:
    # t1 ends at B (2,000 m) at 07:16; t2 leaves from b2 (2,400 m; 5 minutes' walk) at 07:23.
    # 07:16 + 5 + 1 = 07:22: caught; D at 07:30 = 30 minutes. With walks of at most 4 minutes
    # between stops it is not; on foot from B it is 4,000 m, beyond the 20 minutes' limit of a
    # last walk; all the way on foot is 6,000 m = 75 minutes.
    stops = {**STOPS, "b2": (2400.0, 0.0)}
    trips = {"t1": "A 07:10, B 07:16", "t2": "b2 07:23, D 07:30"}
    write_gtfs(tmp_path / "feed.zip", stops, trips)
    window = ("07:00", "07:01")
    assert minutes(tmp_path, depart=window) == pytest.approx(30, abs=0.02)
    limited = minutes(tmp_path, depart=window, change_walk_minutes=4)
    assert limited == pytest.approx(75, abs=0.02)


def test_the_number_of_changes_is_limited(tmp_path: Path) -> None:
    trips = {"t1": "A 07:05, B 07:10", "t2": "B 07:12, C 07:17", "t3": "C 07:19, D 07:24"}
    write_gtfs(tmp_path / "feed.zip", STOPS, trips)
    window = ("07:00", "07:01")
    assert minutes(tmp_path, depart=window, changes=2) == pytest.approx(24, abs=0.02)
    # With one change the best is C at 07:17 and 2,000 m on foot (25 min): beyond the limit of 20
    # minutes for a last walk, so 75 minutes on foot; with walks of 30 minutes 17 + 25 = 42.
    assert minutes(tmp_path, depart=window, changes=1) == pytest.approx(75, abs=0.02)
    longer = minutes(tmp_path, depart=window, changes=1, walk_minutes=30)
    assert longer == pytest.approx(42, abs=0.02)


def test_walking_all_the_way_counts_where_it_is_faster(tmp_path: Path) -> None:
    write_gtfs(tmp_path / "feed.zip", STOPS, {"t1": "A 08:00, D 08:10"})
    # 800 m = 10 minutes on foot, the bus leaves in an hour
    assert minutes(tmp_path, end=800, depart=("07:00", "07:01")) == pytest.approx(10, abs=0.02)


def test_nothing_within_the_cutoff_is_missing_not_zero(tmp_path: Path) -> None:
    write_gtfs(tmp_path / "feed.zip", STOPS, {"t1": "A 07:40, D 07:50"})
    times = travel(tmp_path, cutoff=40, depart=("07:00", "07:01"))
    assert np.isnan(times.matrix("transit")[0, 0])
    assert any("zones reach no building within 40 minutes" in f.message for f in times.findings)


def test_a_slow_early_bus_is_overtaken_by_the_express(tmp_path: Path) -> None:
    # The stopping bus leaves 07:05 and arrives 07:35, the express leaves 07:10, arrives 07:20.
    trips = {"slow": "A 07:05, D 07:35", "express": "A 07:10, D 07:20"}
    write_gtfs(tmp_path / "feed.zip", STOPS, trips)
    assert minutes(tmp_path, depart=("07:00", "07:01")) == pytest.approx(20, abs=0.02)


def test_trips_after_midnight_belong_to_the_day_before_too(tmp_path: Path) -> None:
    # 24:30 on Monday's service is 00:30 on Tuesday: leaving at 00:20, D at 00:40 = 20 minutes.
    write_gtfs(tmp_path / "feed.zip", STOPS, {"night": "A 24:30, D 24:40"})
    assert minutes(tmp_path, depart=("00:20", "00:21")) == pytest.approx(20, abs=0.02)
    # On Monday nothing ran the day before (Sunday): the walk of 75 minutes is all there is.
    monday = minutes(tmp_path, depart=("00:20", "00:21"), date="2026-06-08")
    assert monday == pytest.approx(75, abs=0.02)


def test_headways_are_written_out(tmp_path: Path) -> None:
    # The model trip takes 10 minutes; from 07:00 every 15: leaving at 07:01 the 07:15 is caught.
    frequencies = "trip_id,start_time,end_time,headway_secs\nt,07:00:00,08:00:00,900\n"
    write_gtfs(tmp_path / "feed.zip", STOPS, {"t": "A 00:00, D 00:10"}, frequencies=frequencies)
    assert minutes(tmp_path, depart=("07:01", "07:02")) == pytest.approx(24, abs=0.02)


def test_calls_without_times_lie_evenly_between_timing_points(tmp_path: Path) -> None:
    write_gtfs(tmp_path / "feed.zip", STOPS, {"t": "A 07:00, B, C, D 07:15"})
    # A 07:00, B 07:05, C 07:10
    assert minutes(tmp_path, end=4000, depart=("07:00", "07:01")) == pytest.approx(10, abs=0.02)


def test_one_may_not_get_on_where_the_feed_forbids_it(tmp_path: Path) -> None:
    write_gtfs(
        tmp_path / "feed.zip", STOPS, {"t": "A 07:05, D 07:15"},
        stop_times="trip_id,stop_id,stop_sequence,arrival_time,departure_time,pickup_type\n"
        "t,A,1,07:05:00,07:05:00,1\nt,D,2,07:15:00,07:15:00,0\n",
    )  # fmt: skip
    assert minutes(tmp_path, depart=("07:00", "07:01")) == pytest.approx(75, abs=0.02)


def test_the_feed_may_ask_for_longer_changes_or_forbid_them(tmp_path: Path) -> None:
    trips = {"t1": "A 07:10, B 07:16", "t3": "B 07:20, D 07:28", "t4": "B 07:40, D 07:48"}
    longer = "from_stop_id,to_stop_id,transfer_type,min_transfer_time\nB,B,2,600\n"
    write_gtfs(tmp_path / "feed.zip", STOPS, trips, transfers=longer)
    # Ten minutes to change at B: 07:26, so the 07:40: D 07:48
    assert minutes(tmp_path, depart=("07:00", "07:01")) == pytest.approx(48, abs=0.02)
    never = "from_stop_id,to_stop_id,transfer_type,min_transfer_time\nB,B,3,\n"
    write_gtfs(tmp_path / "feed.zip", STOPS, trips, transfers=never)
    assert minutes(tmp_path, depart=("07:00", "07:01")) == pytest.approx(75, abs=0.02)


def test_exceptions_add_and_take_away_services(tmp_path: Path) -> None:
    trips = {"t": "A 07:05, D 07:15"}
    off = f"service_id,date,exception_type\nweek,{TUESDAY.replace('-', '')},2\n"
    write_gtfs(tmp_path / "feed.zip", STOPS, trips, calendar_dates=off)
    with pytest.raises(InputError, match="nothing runs on this date"):
        minutes(tmp_path)
    only = "service_id,date,exception_type\nweek,20260613,1\n"  # a Saturday
    write_gtfs(tmp_path / "feed.zip", STOPS, trips, calendar="", calendar_dates=only)
    assert read_gtfs(tmp_path / "feed.zip", date(2026, 6, 13), "EPSG:27700").trips.sum() == 1


def test_a_feed_without_the_date_names_its_dates(tmp_path: Path) -> None:
    write_gtfs(tmp_path / "feed.zip", STOPS, {"t": "A 07:05, D 07:15"})
    message = "nothing runs on this date; the feed speaks from 2026-06-01 to 2026-06-30"
    with pytest.raises(InputError, match=message):
        travel(tmp_path, date="2027-01-05")
    with pytest.raises(InputError, match="nothing runs"):
        travel(tmp_path, date="2026-06-07")  # a Sunday


def test_faulty_feeds_are_refused_plainly(tmp_path: Path) -> None:
    feed = tmp_path / "feed.zip"
    street(tmp_path)
    with pytest.raises(InputError, match=r"feed\.zip: is not there"):
        travel(tmp_path)
    write_gtfs(feed, STOPS, {"t": "A 07:05, D 07:15"}, stop_times="", calendar="")
    with pytest.raises(InputError) as error:
        travel(tmp_path)
    assert [f.value for f in error.value.findings] == [
        "stop_times.txt",
        "calendar.txt or calendar_dates.txt",
    ]
    write_gtfs(feed, STOPS, {"t": "A 07:05, D 07h15"})
    with pytest.raises(InputError, match="row 3: arrival_time is '07h15:00': is no time"):
        travel(tmp_path)
    write_gtfs(feed, STOPS, {"t": "A 07:05, D 07:15"})
    feed.write_bytes(feed.read_bytes()[:-40])
    with pytest.raises(InputError, match="is no zip file or is cut short"):
        travel(tmp_path)
    metres = "stop_id,stop_name,stop_lat,stop_lon\nA,A,300000,400000\n"
    write_gtfs(feed, STOPS, {"t": "A 07:05, D 07:15"}, stops=metres)
    with pytest.raises(InputError, match=r"is no place on earth; give degrees"):
        travel(tmp_path)


def test_stops_outside_the_network_are_left_out_and_counted(tmp_path: Path) -> None:
    stops = {**STOPS, "far": (2000.0, 5000.0)}
    write_gtfs(tmp_path / "feed.zip", stops, {"t": "A 07:05, far 07:09, D 07:15"})
    times = travel(tmp_path, depart=("07:00", "07:01"))
    assert times.matrix("transit")[0, 0] == pytest.approx(15, abs=0.02)
    assert any("1 of 5 stops (far) are left out" in f.message for f in times.findings)
    elsewhere = {name: (x + 50_000, y) for name, (x, y) in STOPS.items()}
    write_gtfs(tmp_path / "feed.zip", elsewhere, {"t": "A 07:05, D 07:15"})
    with pytest.raises(InputError, match=r"no stop stands near a street; the nearest is 44\.0 km"):
        travel(tmp_path)


def test_transit_needs_a_feed_and_a_valid_window(tmp_path: Path) -> None:
    """Transit without a feed or with a wrong window is refused."""
    street(tmp_path)
    write_gtfs(tmp_path / "feed.zip", STOPS, {"t": "A 07:05, D 07:15"})
    place = place_of(
        {"zone_id": ["z"], "x_m": [EAST], "y_m": [NORTH], "population": [1]},
        {"building_id": ["b"], "kind": ["hub"], "x_m": [EAST], "y_m": [NORTH]},
        tmp_path,
    )
    with pytest.raises(UsageError, match="needs a timetable"):
        measure(place, "streets", ["transit"])
    with pytest.raises(UsageError, match="write it like 07:00-10:00"):
        travel(tmp_path, depart=("10:00", "07:00"))
    with pytest.raises(UsageError, match="write it like 2026-06-09"):
        travel(tmp_path, date="9 June")
    with pytest.raises(UsageError, match="write it like 07:00"):
        travel(tmp_path, depart=("7", "8"))


def test_transit_is_cached_by_window(tmp_path: Path) -> None:
    """Transit minutes are cached beside the place and computed again for another window."""
    write_gtfs(tmp_path / "feed.zip", STOPS, {"t": "A 07:10, D 07:20"})
    first = travel(tmp_path, depart=("07:00", "07:01"))
    kept = sorted((tmp_path / ".placeopt").glob("minutes-transit-*"))
    assert travel(tmp_path, depart=("07:00", "07:01")).provenance == first.provenance
    assert sorted((tmp_path / ".placeopt").glob("minutes-transit-*")) == kept
    assert travel(tmp_path, depart=("07:05", "07:06")).matrix("transit")[0, 0] < 20
    assert len(list((tmp_path / ".placeopt").glob("minutes-transit-*"))) == 2
    assert first.provenance["transit"]["engine"].startswith("RAPTOR")
    assert isinstance(Step("transit", 1, 1, 0.0), Step)


def test_a_transit_search_can_be_sent_to_another_process(tmp_path: Path) -> None:
    import pickle

    from placeopt.travel.networks import NetworkFiles, make_searches

    street(tmp_path)
    write_gtfs(tmp_path / "feed.zip", STOPS, {"t": "A 07:10, D 07:20"})
    question = Transit("feed.zip", TUESDAY, ("07:00", "07:01"))
    files = NetworkFiles(tmp_path / "streets.gpkg", gtfs=(tmp_path / "feed.zip",), transit=question)
    place = place_of(
        {"zone_id": ["z"], "x_m": [EAST], "y_m": [NORTH], "population": [1]},
        {"building_id": ["b"], "kind": ["hub"], "x_m": [EAST], "y_m": [NORTH]},
    )
    search = make_searches(place, ["transit"], None, files)["transit"]
    there = pickle.loads(pickle.dumps(search))
    a, b = np.array([[EAST, NORTH]]), np.array([[EAST + 6000, NORTH]])
    assert there(a, b, 60.0)[0][0, 0] == pytest.approx(20, abs=0.02)
