"""OS Open Roads: links and nodes as the national agency publishes them."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pytest
from shapely import LineString, Point

from placeopt.travel import measure
from placeopt.travel.networks import read_streets
from placeopt.travel.speeds import CLASS_SPEED_DELAY
from tests.support.places import place_of


def write_open_roads(file: Path, layers: tuple[str, str] = ("road_link", "road_node")) -> None:
    """a -- b a local road, b -- c a motorway, c -- d a slip road of an A road; 600 m each."""
    at = {name: (4e5 + i * 600.0, 3e5) for i, name in enumerate("abcd")}
    links = [
        ("1", "a", "b", "Local Road", "Single Carriageway"),
        ("2", "b", "c", "Motorway", "Dual Carriageway"),
        ("3", "c", "d", "A Road", "Slip Road"),
    ]
    gpd.GeoDataFrame(
        [
            {"id": i, "start_node": a, "end_node": b, "road_function": f, "form_of_way": w,
             "length": 600}
            for i, a, b, f, w in links
        ],
        geometry=[LineString([at[a], at[b]]) for _, a, b, _, _ in links], crs=27700,
    ).to_file(file, layer=layers[0])  # fmt: skip
    gpd.GeoDataFrame(
        {"node_id": [1, 2, 3, 4], "id": list(at)},
        geometry=[Point(xy) for xy in at.values()],
        crs=27700,
    ).to_file(file, layer=layers[1])


def test_links_and_nodes_get_openstreetmap_classes(tmp_path: Path) -> None:
    """Links and nodes are read with the classes of openstreetmap."""
    write_open_roads(tmp_path / "open.gpkg")
    streets = read_streets(tmp_path / "open.gpkg", "EPSG:27700")
    assert list(streets.road_class) == ["residential", "motorway", "primary_link"]
    assert streets.source["kind"] == "OS Open Roads"
    assert list(streets.direction["walk"]) == [3, 0, 3]


def test_motorways_are_for_driving_without_stops(tmp_path: Path) -> None:
    """Motorways are open to driving only, and no journey starts or ends on them."""
    write_open_roads(tmp_path / "open.gpkg")
    place = place_of(
        {"zone_id": ["z"], "x_m": [4e5], "y_m": [3e5], "population": [1]},
        {
            "building_id": ["b", "d"],
            "kind": ["hub"] * 2,
            "x_m": [400_600.0, 401_800.0],
            "y_m": [3e5] * 2,
        },
        tmp_path,
    )
    times = measure(place, "streets", ["walk", "drive"], file="open.gpkg")
    # On foot the network falls apart at the motorway; the part a-b is kept (as long as c-d, first),
    # so d is entered from b: 600 m of street and 1,200 m straight.
    assert times.matrix("walk")[0, 0] == pytest.approx(7.5)
    # By car: 600 m at 32, 600 m at 104 and 600 m at 48 km/h, and the delay of turns and lights.
    driven = (0.6 / 32 + 0.6 / 104 + 0.6 / 48) * 60 * CLASS_SPEED_DELAY
    assert times.matrix("drive")[0, 1] == pytest.approx(driven)
    assert any("no footpaths, one-ways or speed limits" in f.message for f in times.findings)


def test_older_releases_write_layer_names_otherwise(tmp_path: Path) -> None:
    write_open_roads(tmp_path / "open.gpkg", ("RoadLink", "RoadNode"))
    assert len(read_streets(tmp_path / "open.gpkg", "EPSG:27700").tail) == 3
