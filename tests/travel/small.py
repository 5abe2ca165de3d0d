"""Small places and streets for this room's tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
from shapely import LineString, Point

from placeopt.place import Place
from tests.support.places import place_of


def line_place(folder: Path | None = None) -> Place:
    """Zones at 0 and 900 m and buildings at 0, 1,200 and 100,000 m along one line."""
    return place_of(
        {
            "zone_id": ["z1", "z2"],
            "x_m": [400_000.0, 400_900.0],
            "y_m": [300_000.0] * 2,
            "population": [100.0, 50.0],
            "people_65_84": [10.0, 20.0],
            "deprivation_quintile": [1, 5],
            "without_car_share": [0.5, 0.1],
        },
        {
            "building_id": ["b1", "b2", "far"],
            "kind": ["library"] * 3,
            "x_m": [400_000.0, 401_200.0, 500_000.0],
            "y_m": [300_000.0] * 3,
        },
        folder,
    )


def write_streets(
    file: Path,
    nodes: dict[str, tuple[float, float]],
    edges: list[dict[str, Any]],
    crs: str | None = "EPSG:27700",
) -> None:
    """A street file with layers edges and nodes; straight edges between named nodes."""
    points = gpd.GeoDataFrame(
        {"node_id": list(nodes)}, geometry=[Point(xy) for xy in nodes.values()], crs=crs
    )
    lines = gpd.GeoDataFrame(
        edges,
        geometry=[
            LineString([nodes.get(e["u"], (0, 0)), nodes.get(e["v"], (1, 1))]) for e in edges
        ],
        crs=crs,
    )
    points.to_file(file, layer="nodes")
    lines.to_file(file, layer="edges")


def rutland(shared: Path, folder: Path | None = None) -> Place:
    """The real place's zones and assets, from its CSV files."""
    home = shared / "places/rutland"
    lsoa, assets = pd.read_csv(home / "lsoa.csv"), pd.read_csv(home / "assets.csv", dtype=str)
    return place_of(
        {
            "zone_id": lsoa["LSOA21CD"],
            "name": lsoa["LSOA21NM"],
            "x_m": lsoa["PWC_E"],
            "y_m": lsoa["PWC_N"],
            "population": lsoa["pop_mid2022"],
        },
        {
            "building_id": assets["asset_id"],
            "name": assets["name"].fillna(""),
            "kind": assets["service"],
            "x_m": assets["GeoX"].astype(float),
            "y_m": assets["GeoY"].astype(float),
        },
        folder,
    )
