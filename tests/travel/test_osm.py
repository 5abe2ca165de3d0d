"""OpenStreetMap extracts written here, with every minute worked by hand.

The tests' corner of EPSG:27700 lies near its central meridian, so a metre there is a metre on the
map to 1 part in 10,000; minutes are compared to a hundredth.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from placeopt.base.errors import InputError
from placeopt.travel import measure
from placeopt.travel.speeds import CLASS_SPEED_DELAY
from placeopt.travel.streets.osm import read_osm
from placeopt.travel.streets.osm_tags import directions, speed_limit_kmh
from tests.support.places import place_of
from tests.travel.feeds import EAST, NORTH, write_pbf

ROAD = {"highway": "residential"}
SQUARE = {"a": (0, 0), "b": (120, 0), "c": (120, 120), "d": (0, 120)}


def minutes(
    folder: Path, mode: str, start: tuple[float, float], end: tuple[float, float], **speeds: float
) -> float:
    """Minutes between two points over the extract in the folder."""
    place = place_of(
        {"zone_id": ["z"], "x_m": [EAST + start[0]], "y_m": [NORTH + start[1]], "population": [1]},
        {
            "building_id": ["b"],
            "kind": ["library"],
            "x_m": [EAST + end[0]],
            "y_m": [NORTH + end[1]],
        },
        folder,
    )
    times = measure(place, "streets", [mode], speeds_kmh=speeds)
    return float(times.matrix(mode)[0, 0])


def test_walking_goes_both_ways_and_driving_round_the_one_way(tmp_path: Path) -> None:
    # a-b one-way towards b; b-c, c-d, d-a both ways; each side 120 m.
    ways = [("a b", {**ROAD, "oneway": "yes"}), ("b c d a", ROAD)]
    write_pbf(tmp_path / "streets.osm.pbf", SQUARE, ways)
    a, b = SQUARE["a"], SQUARE["b"]
    assert minutes(tmp_path, "walk", b, a) == pytest.approx(1.5, abs=0.01)  # 120 m at 80 m/min
    # Driving at 36 km/h = 600 m a minute: a to b 120 m = 0.2; b to a round by c and d 360 m = 0.6.
    assert minutes(tmp_path, "drive", a, b, drive=36) == pytest.approx(0.2, abs=0.01)
    assert minutes(tmp_path, "drive", b, a, drive=36) == pytest.approx(0.6, abs=0.01)
    # Cycling keeps to the one-way at 18 km/h = 300 m a minute: 360 m = 1.2.
    assert minutes(tmp_path, "cycle", b, a, cycle=18) == pytest.approx(1.2, abs=0.01)


def test_oneway_bicycle_no_lets_cyclists_ride_both_ways(tmp_path: Path) -> None:
    freed = {**ROAD, "oneway": "yes", "oneway:bicycle": "no"}
    write_pbf(tmp_path / "streets.osm.pbf", SQUARE, [("a b", freed), ("b c d a", ROAD)])
    back = minutes(tmp_path, "cycle", SQUARE["b"], SQUARE["a"], cycle=18)
    assert back == pytest.approx(0.4, abs=0.01)  # 120 m at 300 m/min


def test_limits_and_classes_set_driving_speed(tmp_path: Path) -> None:
    # 30 mph = 48.28 km/h = 804.7 m a minute: 120 m = 0.149 min; residential 32 km/h: 0.225 min;
    # both longer by DELAY, for turns and waiting.
    limited = {**ROAD, "maxspeed": "30 mph"}
    write_pbf(tmp_path / "streets.osm.pbf", SQUARE, [("a b", limited), ("b c", ROAD)])
    assert minutes(tmp_path, "drive", SQUARE["a"], SQUARE["b"]) == pytest.approx(
        120 / 804.672 * CLASS_SPEED_DELAY, abs=0.001
    )
    assert minutes(tmp_path, "drive", SQUARE["b"], SQUARE["c"]) == pytest.approx(
        120 / (32_000 / 60) * CLASS_SPEED_DELAY, abs=0.001
    )


def test_a_footpath_is_walked_and_not_driven(tmp_path: Path) -> None:
    ways = [("a b c", ROAD), ("c d", {"highway": "footway"}), ("d a", {"highway": "steps"})]
    write_pbf(tmp_path / "streets.osm.pbf", SQUARE, ways)
    a, c, d = SQUARE["a"], SQUARE["c"], SQUARE["d"]
    assert minutes(tmp_path, "walk", a, d) == pytest.approx(1.5, abs=0.01)
    # The nearest node for a car to d is a or c (120 m away): 1.5 min on foot to or from there.
    assert minutes(tmp_path, "drive", c, d, drive=36) == pytest.approx(1.5, abs=0.01)


def test_a_bollard_stops_cars_only(tmp_path: Path) -> None:
    # a - x - b with a bollard at x; round by d and c it is 360 m.
    nodes = {**SQUARE, "x": (60.0, 0.0)}
    ways = [("a x b", ROAD), ("b c d a", ROAD)]
    write_pbf(tmp_path / "streets.osm.pbf", nodes, ways, {"x": {"barrier": "bollard"}})
    a, b = SQUARE["a"], SQUARE["b"]
    assert minutes(tmp_path, "walk", a, b) == pytest.approx(1.5, abs=0.01)
    assert minutes(tmp_path, "drive", a, b, drive=36) == pytest.approx(0.6, abs=0.01)
    write_pbf(
        tmp_path / "streets.osm.pbf", nodes, ways,
        {"x": {"barrier": "bollard", "motor_vehicle": "yes"}},
    )  # fmt: skip
    assert minutes(tmp_path, "drive", a, b, drive=36) == pytest.approx(0.2, abs=0.01)


def test_ways_that_cross_without_a_shared_node_do_not_meet(tmp_path: Path) -> None:
    # A bridge: a-c passes over b-d; the only junction is at d by the road c-d.
    ways = [("a c", {**ROAD, "bridge": "yes"}), ("b d", ROAD), ("c d", ROAD)]
    write_pbf(tmp_path / "streets.osm.pbf", SQUARE, ways)
    # a to b on foot: a-c 169.7 m, c-d 120 m, d-b 169.7 m = 459.4 m = 5.74 min
    walked = minutes(tmp_path, "walk", SQUARE["a"], SQUARE["b"])
    assert walked == pytest.approx((2 * 120 * 2**0.5 + 120) / 80, abs=0.01)


def test_long_ways_are_split_at_their_vertices(tmp_path: Path) -> None:
    """Long ways are split at their vertices so that points find a node."""
    nodes = {f"n{i}": (i * 50.0, 0.0) for i in range(21)}  # 1 km, a vertex every 50 m
    write_pbf(tmp_path / "streets.osm.pbf", nodes, [(" ".join(nodes), ROAD)])
    streets = read_osm(tmp_path / "streets.osm.pbf", "EPSG:27700")
    assert len(streets.tail) == 7  # one cut in every 150 m
    assert streets.length_m.sum() == pytest.approx(1000, abs=0.5)
    assert streets.length_m.max() < 2 * 150


def test_dropped_edges_are_counted(tmp_path: Path) -> None:
    ways = [
        ("a b c", ROAD),
        ("c d", {"highway": "proposed"}),
        ("d a", {"highway": "service", "access": "private"}),
    ]
    write_pbf(tmp_path / "streets.osm.pbf", SQUARE, ways)
    dropped = read_osm(tmp_path / "streets.osm.pbf", "EPSG:27700").dropped
    assert {(d.count, d.why) for d in dropped} == {
        (1, "of a class that is no street"),
        (1, "closed to every mode"),
    }


@pytest.mark.parametrize(
    ("tags", "walk", "cycle", "drive"),
    [
        ({"highway": "residential"}, 3, 3, 3),
        ({"highway": "motorway"}, 0, 0, 1),
        ({"highway": "motorway", "foot": "yes"}, 0, 0, 1),
        ({"highway": "trunk", "motorroad": "yes"}, 0, 0, 3),
        ({"highway": "trunk", "foot": "no", "bicycle": "no"}, 0, 0, 3),
        ({"highway": "footway"}, 3, 0, 0),
        ({"highway": "footway", "access": "yes"}, 3, 0, 0),
        ({"highway": "footway", "bicycle": "yes"}, 3, 3, 0),
        ({"highway": "bridleway"}, 3, 3, 0),
        ({"highway": "track"}, 3, 3, 0),
        ({"highway": "track", "motor_vehicle": "yes"}, 3, 3, 3),
        ({"highway": "service", "access": "private"}, 0, 0, 0),
        ({"highway": "service", "access": "private", "foot": "yes"}, 3, 0, 0),
        ({"highway": "residential", "motor_vehicle": "no"}, 3, 3, 0),
        ({"highway": "unclassified", "vehicle": "no", "bicycle": "yes"}, 3, 3, 0),
        ({"highway": "residential", "access": "destination"}, 3, 3, 3),
        ({"highway": "residential", "oneway": "-1"}, 3, 2, 2),
        ({"highway": "residential", "junction": "roundabout"}, 3, 1, 1),
        ({"highway": "residential", "oneway": "yes", "cycleway": "opposite_lane"}, 3, 3, 1),
        ({"highway": "residential", "oneway": "reversible"}, 3, 0, 0),
        ({"highway": "busway"}, 0, 0, 0),
    ],
)
def test_tags_say_who_may_go_where(tags: dict[str, str], walk: int, cycle: int, drive: int) -> None:
    from placeopt.travel.streets.osm_tags import TAGS

    way = {name: np.array([tags.get(name, "")], object) for name in TAGS}
    found = {mode: int(direction[0]) for mode, direction in directions(way).items()}
    assert found == {"walk": walk, "cycle": cycle, "drive": drive}


def test_limits_are_read_in_miles_kilometres_and_words() -> None:
    texts = np.array(["30 mph", "50", "80 km/h", "GB:nsl_single", "", "signals", "0"], object)
    expected = [48.28032, 50, 80, 96.56064, np.nan, np.nan, np.nan]
    assert speed_limit_kmh(texts) == pytest.approx(expected, nan_ok=True)


def test_a_truncated_extract_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "streets.osm.pbf"
    write_pbf(file, SQUARE, [("a b c d a", ROAD)])
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    with pytest.raises(InputError, match=r"streets.osm.pbf: is cut short: block 3 .* download it"):
        read_osm(file, "EPSG:27700")
    file.write_bytes(b"<html>not found</html>" * 10)
    with pytest.raises(InputError, match=r"is no .osm.pbf extract"):
        read_osm(file, "EPSG:27700")
    file.write_bytes(b"")
    with pytest.raises(InputError, match="holds no data"):
        read_osm(file, "EPSG:27700")
    with pytest.raises(InputError, match="is not there"):
        read_osm(tmp_path / "other.osm.pbf", "EPSG:27700")


def test_an_extract_without_streets_or_elsewhere_is_refused(
    tmp_path: Path,
) -> None:
    """An extract without streets, or of the other side of the world, is refused."""
    file = tmp_path / "streets.osm.pbf"
    write_pbf(file, SQUARE, [("a b", {"waterway": "river"})])
    with pytest.raises(InputError, match="holds no streets"):
        read_osm(file, "EPSG:27700")
    write_pbf(file, SQUARE, [("a b", ROAD)])  # in England, near 52.6 N 2.0 W
    with pytest.raises(InputError, match=r"outside the area of EPSG:32760, at 52\.\d+ N -2"):
        read_osm(file, "EPSG:32760")
