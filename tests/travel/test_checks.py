"""Warnings about minutes, each with a count and names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from placeopt.place import Place
from placeopt.travel import TravelTimes, measure
from placeopt.travel.checks import edge_table, faster_than_straight_line
from placeopt.travel.networks import read_streets
from placeopt.travel.streets.graph import make_graph, metres_graph
from placeopt.travel.streets.paths import minutes_between, network_area, snap
from tests.support.places import place_of
from tests.travel.small import line_place, rutland, write_streets

GRID = {
    f"{i}.{j}": (400_000.0 + i * 500.0, 300_000.0 + j * 500.0) for i in range(9) for j in range(9)
}
STREETS = [
    {"u": f"{i}.{j}", "v": f"{i + a}.{j + b}", "highway": "residential", "length_m": 500.0}
    for i in range(9)
    for j in range(9)
    for a, b in ((1, 0), (0, 1))
    if i + a < 9 and j + b < 9
]


def measured(folder: Path, zone: tuple[float, float], building: tuple[float, float]) -> TravelTimes:
    """A zone and a library on a grid of streets, 4 km x 4 km from the corner."""
    if not (folder / "streets.gpkg").exists():
        write_streets(folder / "streets.gpkg", GRID, STREETS)
    place = place_of(
        {"zone_id": ["z"], "x_m": [4e5 + zone[0]], "y_m": [3e5 + zone[1]], "population": [70]},
        {
            "building_id": ["b"],
            "kind": ["library"],
            "x_m": [4e5 + building[0]],
            "y_m": [3e5 + building[1]],
        },
        folder,
    )
    return measure(place, "streets", ["walk"])


def said(times: TravelTimes) -> str:
    return "\n".join(map(str, times.findings))


def test_points_in_the_middle_give_no_warning(tmp_path: Path) -> None:
    assert said(measured(tmp_path, (2000, 2000), (2000, 2500))) == ""


def test_points_far_from_streets_are_named_with_distance(tmp_path: Path) -> None:
    """Points far from any street are named with their distance."""
    times = measured(tmp_path, (2000, -800), (2000, 0))
    assert "minutes by walk: zone_id is 'z (800 m)': 1 of zones lie further than 500 m" in said(
        times
    )
    again = measured(tmp_path, (2000, -800), (2000, 0))
    assert said(again) == said(times), "also when nothing was computed anew"


def test_people_near_the_edge_are_warned_of_and_counted(tmp_path: Path) -> None:
    # The zone is 500 m from the edge (6.25 min), its library 3,000 m away (37.5 min).
    times = measured(tmp_path, (500, 2000), (3500, 2000))
    assert (
        "zone_id is 'z': 70 people in 1 zones live nearer to the edge of the streets than to the "
        "nearest building of some kind, so that a nearer one may lie outside (zones by kind: "
        "library 1)"
    ) in said(times)


def test_minutes_faster_than_the_straight_line_are_found() -> None:
    place = line_place()  # z1 to b2 is 1,200 m: no walk takes less than 9 minutes
    minutes = np.array([[0.0, 8.9, np.nan], [20.0, 9.0, np.nan]])
    times = TravelTimes(("z1", "z2"), ("b1", "b2", "far"), {"walk": minutes})
    (finding,) = faster_than_straight_line(place, times, "walk")
    assert "z1 to b2" in str(finding)
    assert "1 pairs are" in str(finding)


def test_unreachable_zones_and_buildings_are_counted(tmp_path: Path) -> None:
    write_streets(tmp_path / "streets.gpkg", GRID, STREETS)
    place = place_of(
        {"zone_id": ["z"], "x_m": [402_000.0], "y_m": [302_000.0], "population": [70]},
        {
            "building_id": ["b", "far"],
            "kind": ["library", "library"],
            "x_m": [402_000.0, 450_000.0],
            "y_m": [302_000.0] * 2,
        },
        tmp_path,
    )
    text = said(measure(place, "streets", ["walk"], cutoff_minutes=60))
    assert "building_id is 'far': 1 buildings are reached by no zone within 60 minutes" in text
    assert "zones reach no building" not in text


def test_walking_along_a_motorway_is_warned_of(tmp_path: Path) -> None:
    edges = [{**edge, "walk": True} for edge in STREETS]
    edges[0] = {**edges[0], "highway": "motorway"}
    write_streets(tmp_path / "streets.gpkg", GRID, edges)
    times = measured(tmp_path, (2000, 2000), (2000, 2500))
    assert "1 motorway edges (0.5 km) are open to walking" in said(times)


def test_the_clipped_county_names_the_zones_concerned(shared: Path) -> None:
    from shapely import box

    place = rutland(shared)
    file = shared / "places/rutland/rutland.gpkg"
    times = measure(place, "streets", ["drive"], file=file)
    (warning,) = (f for f in times.findings if "may lie outside" in f.message)
    assert warning.value
    assert warning.value.startswith("E0")
    table = edge_table(place, times, "drive", from_wkt_of(place, file))
    surgeries = table[table["kind"] == "gp_surgery"]
    assert f"gp_surgery {len(surgeries)}" in warning.message
    assert 0 < len(surgeries) < len(place.zones)
    assert surgeries["zone_id"].is_unique
    # With the county's surroundings no residents are near the edge.
    wide = box(300_000, 200_000, 700_000, 500_000)
    assert len(edge_table(place, times, "drive", wide)) == 0


def from_wkt_of(place: Place, file: Path) -> Any:
    """The area that the county's streets cover."""
    graph = make_graph(read_streets(file, place.info.crs), "drive")
    return network_area(graph.xy)


def test_road_distances_follow_the_official_indicator(shared: Path) -> None:
    """Road distance to the nearest surgery follows the official indicator."""
    import pandas as pd

    place = rutland(shared)
    graph = metres_graph(
        read_streets(shared / "places/rutland/rutland.gpkg", "EPSG:27700"), "drive"
    )
    surgeries = place.buildings[place.buildings["kind"] == "gp_surgery"]
    a, b = (snap(graph, t[["x_m", "y_m"]].to_numpy(float)) for t in (place.zones, surgeries))
    metres = minutes_between(graph, a, b, np.inf)  # the network's weights are metres here
    metres -= a.minutes[:, None] + b.minutes[None, :]  # no access legs: road distance
    official = pd.read_csv(shared / "places/rutland/lsoa.csv")["IMD19_road_km_gp"]
    correlation = np.corrcoef(np.nanmin(metres, axis=1), official)[0, 1]
    assert correlation == pytest.approx(0.88, abs=0.03)
