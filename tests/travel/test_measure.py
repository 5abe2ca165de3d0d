"""Straight-line minutes, hand-worked streets, the cache, and refusals."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from placeopt.base.errors import InputError, UsageError
from placeopt.place import Place
from placeopt.travel import Step, Transit, measure
from tests.support.places import place_of
from tests.travel.small import line_place, write_streets

SQUARE = {
    "a": (400_000.0, 300_000.0),
    "b": (401_000.0, 300_000.0),
    "c": (401_000.0, 301_000.0),
    "d": (400_000.0, 301_000.0),
}
# a -> b one-way road, b - c road, c - d footpath, d - a road; all 1,000 m.
ROADS = [
    {"u": "a", "v": "b", "highway": "residential", "oneway": "yes"},
    {"u": "b", "v": "c", "highway": "residential", "oneway": "no"},
    {"u": "c", "v": "d", "highway": "footway", "oneway": "no"},
    {"u": "d", "v": "a", "highway": "residential", "oneway": "no"},
    {"u": "c", "v": "a", "highway": "residential", "oneway": "yes", "length_m": 3000.0},
]


def square_place(folder: Path) -> Place:
    """A zone 80 m west of node a; a library at b and a surgery 40 m north of d."""
    return place_of(
        {"zone_id": ["z"], "x_m": [399_920.0], "y_m": [300_000.0], "population": [10.0]},
        {
            "building_id": ["at_b", "at_d"],
            "kind": ["library", "surgery"],
            "x_m": [401_000.0, 400_000.0],
            "y_m": [300_000.0, 301_040.0],
        },
        folder,
    )


def write_square(folder: Path) -> Path:
    edges = [{"length_m": 1000.0, **edge} for edge in ROADS]
    write_streets(folder / "streets.gpkg", SQUARE, edges)
    return folder / "streets.gpkg"


def test_straight_line_minutes_follow_the_formula() -> None:
    times = measure(line_place(), modes=["walk"], detour=1.25, speeds_kmh={"walk": 6})
    # 900 m x 1.25 / (100 m a minute) = 11.25; 300 m -> 3.75; 1,200 m -> 15
    assert times.matrix("walk")[:, :2] == pytest.approx(np.array([[0, 15], [11.25, 3.75]]))


def test_pairs_beyond_the_cutoff_are_missing_and_never_zero() -> None:
    times = measure(line_place(), cutoff_minutes=60)
    assert np.isnan(times.matrix("walk")[:, 2]).all()
    assert np.isnan(times.matrix("drive")[:, 2]).all()


def test_provenance_states_method_speed_detour_and_date() -> None:
    facts = measure(line_place(), modes=["walk"]).provenance["walk"]
    assert facts["method"] == "crow_fly"
    assert facts["speed_kmh"] == 4.8
    assert facts["detour"] == 1.3
    assert facts["date"]


def test_degrees_are_refused_with_the_remedy() -> None:
    zones = {"zone_id": ["z"], "x_m": [-0.7], "y_m": [52.6], "population": [1.0]}
    buildings = {"building_id": ["b"], "kind": ["library"], "x_m": [-0.6], "y_m": [52.6]}
    with pytest.raises(InputError, match="looks like degrees, not metres; project it first"):
        measure(place_of(zones, buildings))
    with pytest.raises(InputError, match=r"EPSG:4326.*counts in degrees.*project it"):
        measure(place_of(zones, buildings, crs="EPSG:4326"))


def test_feet_and_unknown_systems_are_refused() -> None:
    zones = {"zone_id": ["z"], "x_m": [1000.0], "y_m": [1000.0], "population": [1.0]}
    buildings = {"building_id": ["b"], "kind": ["library"], "x_m": [0.0], "y_m": [500.0]}
    with pytest.raises(InputError, match="not metres"):
        measure(place_of(zones, buildings, crs="EPSG:2263"))
    with pytest.raises(InputError, match="no known coordinate system"):
        measure(place_of(zones, buildings, crs="nonsense"))


def test_a_point_without_coordinates_is_named() -> None:
    zones = {"zone_id": ["z"], "x_m": [4e5], "y_m": [3e5], "population": [1.0]}
    buildings = {"building_id": ["b"], "kind": ["library"], "x_m": [4e5], "y_m": [3e5]}
    place = place_of(zones, buildings)
    without = place.replace(zones=place.zones.assign(x_m=np.nan))
    with pytest.raises(InputError, match=r"zones row 2.*z has no coordinates"):
        measure(without)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "teleport"}, "no travel method 'teleport'"),
        ({"modes": ["swim"]}, "no mode 'swim'"),
        ({"speeds_kmh": {"walk": 0.0}}, "give a speed above 0"),
        ({"speeds_kmh": {"swim": 1.0}}, "no key 'swim'"),
        ({"detour": 0.5}, "detour is 0.5"),
    ],
)
def test_invalid_settings_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        measure(line_place(), **settings)  # type: ignore[arg-type]


def test_walking_ignores_one_ways_and_takes_footpaths(tmp_path: Path) -> None:
    write_square(tmp_path)
    times = measure(square_place(tmp_path), "streets", ["walk"])
    # 4.8 km/h = 80 m a minute. To b: 80 m access + 1,000 m = 13.5 min.
    # To d: 80 m + 1,000 m + 40 m access = 14 min.
    assert times.matrix("walk")[0] == pytest.approx([13.5, 14.0])


def test_driving_honours_one_ways_and_car_free_edges(tmp_path: Path) -> None:
    write_square(tmp_path)
    times = measure(square_place(tmp_path), "streets", ["drive"], speeds_kmh={"drive": 60})
    # 60 km/h = 1,000 m a minute; the access leg on foot: 80 m = 1 min, 40 m = 0.5 min.
    # To b: 1 + 1 = 2. To d: a-d is open both ways: 1 + 1 + 0.5 = 2.5.
    assert times.matrix("drive")[0] == pytest.approx([2.0, 2.5])
    back = measure(
        place_of(
            {"zone_id": ["z"], "x_m": [401_000.0], "y_m": [300_000.0], "population": [1.0]},
            {"building_id": ["at_a"], "kind": ["library"], "x_m": [400_000.0], "y_m": [300_000.0]},
            tmp_path,
        ),
        "streets",
        ["drive"],
        speeds_kmh={"drive": 60},
    )
    # From b to a: the road a -> b is one-way and c - d is a footpath, so b - c - a: 1 + 3 = 4.
    assert back.matrix("drive")[0] == pytest.approx([4.0])


def test_minutes_stated_by_the_street_file_are_used(tmp_path: Path) -> None:
    edges = [{"length_m": 1000.0, "walk_min": 7.0, **edge} for edge in ROADS]
    write_streets(tmp_path / "streets.gpkg", SQUARE, edges)
    times = measure(square_place(tmp_path), "streets", ["walk"])
    assert times.matrix("walk")[0] == pytest.approx([1 + 7, 1 + 7 + 0.5])


def test_a_class_speed_replaces_the_mode_speed(tmp_path: Path) -> None:
    write_square(tmp_path)
    times = measure(
        square_place(tmp_path),
        "streets",
        ["drive"],
        speeds_kmh={"drive": 60, "drive.residential": 30},
    )
    assert times.matrix("drive")[0] == pytest.approx([1 + 2, 1 + 2 + 0.5])


def test_streets_are_cached_until_anything_changes(tmp_path: Path) -> None:
    """Streets are computed once, and again when anything changes."""
    file = write_square(tmp_path)
    place, steps = square_place(tmp_path), list[Step]()
    first = measure(place, "streets", ["walk"], progress=steps.append)
    assert [step.done for step in steps] == [2]
    again = measure(place, "streets", ["walk"], progress=steps.append)
    assert len(steps) == 1, "nothing was left to compute"
    assert np.array_equal(first.matrix("walk"), again.matrix("walk"))
    assert first.provenance == again.provenance
    measure(place, "streets", ["walk"], speeds_kmh={"access.walk": 3}, progress=steps.append)
    assert len(steps) == 2, "another speed is another measurement"
    file.unlink()
    write_streets(file, SQUARE, [{"length_m": 500.0, **edge} for edge in ROADS])
    changed = measure(place, "streets", ["walk"], progress=steps.append)
    assert len(steps) == 3, "another street file is another measurement"
    assert changed.matrix("walk")[0, 0] == pytest.approx(1 + 6.25)


def test_a_building_that_is_added_extends_what_was_computed(tmp_path: Path) -> None:
    write_square(tmp_path)
    place, steps = square_place(tmp_path), list[Step]()
    measure(place, "streets", ["walk"])
    more = place_of(
        {"zone_id": ["z"], "x_m": [399_920.0], "y_m": [300_000.0], "population": [10.0]},
        {
            "building_id": ["new", "at_d", "at_b"],
            "kind": ["hub"] * 3,
            "x_m": [401_000.0, 400_000.0, 401_000.0],
            "y_m": [301_000.0, 301_040.0, 300_000.0],
        },
        tmp_path,
    )
    times = measure(more, "streets", ["walk"], progress=steps.append)
    assert [(step.done, step.total) for step in steps] == [(3, 3)], "one new pair"
    # new is at c: 80 m + 2,000 m = 26 min
    assert times.matrix("walk")[0] == pytest.approx([26.0, 14.0, 13.5])


def test_an_island_is_left_out_and_counted(tmp_path: Path) -> None:
    nodes = {**SQUARE, "i": (399_900.0, 300_000.0), "j": (399_910.0, 300_000.0)}
    island = {"u": "i", "v": "j", "highway": "residential", "oneway": "no"}
    write_streets(
        tmp_path / "streets.gpkg", nodes, [{"length_m": 1000.0, **e} for e in [*ROADS, island]]
    )
    times = measure(square_place(tmp_path), "streets", ["walk"])
    assert times.matrix("walk")[0, 0] == pytest.approx(13.5), "snapped to a, not to the island"
    assert any("2 nodes: not in the largest part" in d for d in times.provenance["walk"]["dropped"])


def test_a_missing_street_file_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"streets\.gpkg: is not there"):
        measure(square_place(tmp_path), "streets", ["walk"])


def test_streets_without_a_needed_column_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "streets.gpkg"
    write_streets(file, SQUARE, [{"length_m": 1000.0, **edge} for edge in ROADS])
    with pytest.raises(
        InputError, match=r"edges: from has no start; name the column.*node_id|from"
    ):
        measure(square_place(tmp_path), "streets", ["walk"], columns={"from": "start"})


def test_a_street_file_without_the_layers_lists_those_it_has(tmp_path: Path) -> None:
    import geopandas as gpd
    from shapely import Point

    frame = gpd.GeoDataFrame({"a": [1]}, geometry=[Point(0, 0)], crs=27700)
    frame.to_file(tmp_path / "streets.gpkg", layer="trees")
    with pytest.raises(InputError, match="name one of trees as edges_layer") as error:
        measure(square_place(tmp_path), "streets", ["walk"])
    assert len(error.value.findings) == 2


def test_streets_without_a_coordinate_system_are_refused() -> None:
    import geopandas as gpd
    from shapely import LineString, Point

    from placeopt.travel.streets.layers import from_frames

    nodes = gpd.GeoDataFrame({"node_id": ["a", "b"]}, geometry=[Point(0, 0), Point(1, 1)])
    edges = gpd.GeoDataFrame({"u": ["a"], "v": ["b"]}, geometry=[LineString([(0, 0), (1, 1)])])
    with pytest.raises(InputError, match="states no coordinate system"):
        from_frames(edges, nodes, "EPSG:27700")
    with pytest.raises(InputError, match="states no coordinate system"):
        from_frames(edges, nodes.set_crs(27700), "EPSG:27700")


@pytest.mark.parametrize("cutoff", [0.0, -5.0, math.nan, math.inf])
def test_a_cutoff_that_measures_nothing_is_refused(tmp_path: Path, cutoff: float) -> None:
    with pytest.raises(UsageError, match=r"cutoff is .* minutes; give a number above 0"):
        measure(square_place(tmp_path), "crow_fly", ("walk",), cutoff)


@pytest.mark.parametrize("changes", [1.5, -1])
def test_changes_are_a_whole_number(changes: float) -> None:
    with pytest.raises(UsageError, match=r"changes is .*; give a whole number of 0 or more"):
        Transit("feed.zip", "2026-06-09", changes=changes)  # type: ignore[arg-type]
