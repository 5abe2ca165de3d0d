"""``plan.gpkg``: the plan as map layers that QGIS shows in colour on opening.

    buildings   points, one per building, coloured and shaped by decision
    zones       polygons where the place has boundaries, else points; shaded by change of minutes
    districts   outlines, where the place has boundaries
    flows       lines from each closed building to those that take its users, one per service; as
                wide as the visits
    services    rows without geometry: every service point before and after
    access      rows: minutes from each zone as sent and to the nearest host, before and after

The table ``layer_styles``, which QGIS reads, holds a QML style for each layer.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

from placeopt.report.geopackage.styles import building_style, flow_style, outline_style, zone_style
from placeopt.report.tables.as_sent import drawn_as, minutes_column
from placeopt.report.tables.closures import flow_lines, has_closures
from placeopt.report.tables.sheet import Sheet

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from placeopt.engine import Answer

MAX_ROWS = 100_000  # of a table without shapes; the CSV has all rows

LAYER_STYLES = """
CREATE TABLE layer_styles (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256),
  f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
  useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30),
  update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')))"""


def write_geopackage(answer: Answer, sheets: dict[str, Sheet], path: Path) -> Path:
    """Write the layers of an estate plan, with codes as they are and names beside ids."""
    import pyogrio

    assert answer.plan is not None
    path.unlink(missing_ok=True)
    layers = plan_layers(answer)
    if answer.place.has_outlines:
        districts = district_outlines(answer, layers["zones"])
        if districts is not None:
            layers["districts"] = districts
    if has_closures(answer):
        lines = flow_lines(answer)
        if lines is not None:
            layers["flows"] = lines
    for name, layer in layers.items():
        pyogrio.write_dataframe(layer, path, layer=name, driver="GPKG")
    for name in ("services", "access"):
        table = _objects_as_text(sheets[name].frame).head(MAX_ROWS)
        if len(table):
            pyogrio.write_dataframe(table, path, layer=name, driver="GPKG")
    _write_styles(answer, path)
    return path


def plan_layers(answer: Answer) -> dict[str, gpd.GeoDataFrame]:
    """Return zones and buildings of the plan in the place's coordinate system.

    Returns:
        ``zones`` and ``buildings``, in the order of the plan's tables.
    """
    import geopandas as gpd

    from placeopt.travel.crs import make_points

    assert answer.plan is not None
    crs, boundaries = answer.place.info.crs, answer.place.boundaries
    buildings, zones = (_copy(answer.plan.tables[name]) for name in ("buildings", "zones"))
    buildings["drawn_as"] = drawn_as(answer.plan.tables).to_numpy()
    layers = {}
    if boundaries is not None and answer.place.has_outlines:
        shapes = boundaries.set_index("zone_id")["geometry"].reindex(zones["zone_id"]).array
        layers["zones"] = gpd.GeoDataFrame(zones, geometry=shapes, crs=boundaries.crs or crs)
    else:
        layers["zones"] = gpd.GeoDataFrame(
            zones, geometry=make_points(zones["x_m"], zones["y_m"], crs)
        )
    layers["buildings"] = gpd.GeoDataFrame(
        buildings, geometry=make_points(buildings["x_m"], buildings["y_m"], crs)
    )
    return layers


def district_outlines(answer: Answer, zones: gpd.GeoDataFrame) -> gpd.GeoDataFrame | None:
    """Return outlines of the districts, dissolved from the zones; None where zones name none."""
    table = answer.place.zones
    district = zones["zone_id"].map(dict(zip(table["zone_id"], table["district_id"], strict=True)))
    if not (district.fillna("") != "").any():
        return None
    names = answer.place.districts.set_index("district_id")["name"]
    joined = zones[["geometry"]].assign(district_id=district).dissolve("district_id").reset_index()
    joined = joined[~(joined.geometry.isna() | joined.geometry.is_empty)]
    return joined.assign(name=joined["district_id"].map(names).fillna(joined["district_id"]))


def _copy(table: pd.DataFrame) -> pd.DataFrame:
    return table.reset_index(drop=True).copy()


def _objects_as_text(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype({c: str for c in frame.columns if frame[c].dtype == object})


def _write_styles(answer: Answer, path: Path) -> None:
    """Write the table of styles that QGIS reads, registered as the GeoPackage standard requires."""
    has_polygons = answer.place.has_outlines
    assert answer.plan is not None
    change = minutes_column(answer.plan.tables["zones"], "change")
    styles = {
        "zones": zone_style(has_polygons, change),
        "buildings": building_style(),
    }
    if has_polygons:
        styles["districts"] = outline_style()
    styles["flows"] = flow_style()
    with sqlite3.connect(path) as database:
        database.execute(LAYER_STYLES)
        database.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES (?, ?, ?)",
            ("layer_styles", "attributes", "layer_styles"),
        )
        layers = {row[0] for row in database.execute("SELECT table_name FROM gpkg_contents")}
        rows: list[tuple[Any, ...]] = [
            ("", "", name, "geom", f"placeopt {name}", qml, "", 1, "by placeopt", "", "")
            for name, qml in styles.items()
            if name in layers
        ]
        database.executemany(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name,"
            " f_geometry_column, styleName, styleQML, styleSLD, useAsDefault, description,"
            " owner, ui) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
    database.close()
