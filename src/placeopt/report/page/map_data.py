"""Data of the page's map: shapes small enough for one file, in longitude and latitude.

The size is limited whatever the place: borders are simplified together, so that neighbours still
meet; many zones are drawn as squares of weighted means; only main streets are kept where there are
many. Notes on the page state what was left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from placeopt.base.reading import require_layers
from placeopt.report.tables.as_sent import drawn_as, minutes_column, unvisited_services
from placeopt.report.tables.formats import in_words
from placeopt.report.tables.sheet import Sheet, names_by_id

if TYPE_CHECKING:
    import geopandas as gpd

    from placeopt.engine import Answer

MAX_ZONES = 6_000  # more are drawn as squares
MAX_POINTS = 60_000  # corners of all zone shapes together
MAX_STREET_POINTS = 40_000
MAX_BUILDINGS = 4_000
SQUARES_PER_SIDE = 60
POLYGON_TYPES = (3, 6)  # Polygon and MultiPolygon, as shapely numbers types
MAIN_ROADS = ("motorway", "trunk", "primary", "secondary", "tertiary")


@dataclass(frozen=True)
class MapData:
    """Data of the map, ready for JSON.

    Attributes:
        zones: Shape, name, residents and minutes of each zone.
        districts: Outline and name of each district.
        streets: Lines.
        buildings: Position, state, services and costs of each building.
        notes: Sentences on what was left out.
    """

    zones: list[dict[str, Any]]
    districts: list[dict[str, Any]]
    streets: list[Any]
    buildings: list[dict[str, Any]]
    notes: list[str]


def build_map_data(answer: Answer, sheets: dict[str, Sheet]) -> MapData:
    """Return the data of the map of an estate plan."""
    from placeopt.report.geopackage.layers import district_outlines, plan_layers
    from placeopt.travel.crs import to_lonlat

    notes: list[str] = []
    layer = plan_layers(answer)["zones"]
    has_polygons = answer.place.has_outlines
    districts: list[dict[str, Any]] = []
    if has_polygons:
        layer = simplify_zones(layer)
        if missing := int(layer.geometry.isna().sum()):
            notes.append(f"{missing:,} zones have no outline and are not drawn.")
        outlines = district_outlines(answer, layer)
        if outlines is not None:
            shown = to_lonlat(outlines)
            districts = [
                {"g": _shape(shape), "n": str(name)}
                for shape, name in zip(shown.geometry, shown["name"], strict=True)
                if shape is not None
            ]
    if len(layer) > MAX_ZONES:
        count = len(layer)
        layer = aggregate_to_squares(layer)
        notes.append(f"{count:,} zones are drawn as {len(layer):,} squares of their means.")
    return MapData(
        zones=_zones(to_lonlat(layer)),
        districts=districts,
        streets=_streets(answer, notes),
        buildings=_buildings(answer, sheets, notes),
        notes=notes,
    )


def aggregate_to_squares(zones: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Aggregate zones to squares of a grid: residents, and mean minutes weighted by residents."""
    import geopandas as gpd
    import pandas as pd
    import shapely

    x, y = zones["x_m"].to_numpy(float), zones["y_m"].to_numpy(float)
    side = max(np.ptp(x), np.ptp(y), 1.0) / SQUARES_PER_SIDE
    column, row = np.floor(x / side).astype(int), np.floor(y / side).astype(int)
    people = zones["population"].fillna(0).to_numpy(float)
    frame = pd.DataFrame({"column": column, "row": row, "population": people})
    measures = [m for m in ("sent_minutes", "minutes") if f"{m}_before" in zones]
    columns = [f"{measure}_{when}" for measure in measures for when in ("before", "after")]
    for column in columns:
        minutes = zones[column].to_numpy(float)
        is_known = np.isfinite(minutes)
        frame[f"weight_{column}"] = np.where(is_known, people, 0.0)
        frame[column] = np.where(is_known, people * np.nan_to_num(minutes), 0.0)
    cells = frame.groupby(["column", "row"], as_index=False).sum()
    for column in columns:
        weight = cells[f"weight_{column}"].where(cells[f"weight_{column}"] > 0)
        cells[column] = cells[column] / weight
    for measure in measures:
        change = cells[f"{measure}_after"] - cells[f"{measure}_before"]
        cells[measure.replace("minutes", "change_minutes")] = change
    west, south = cells["column"] * side, cells["row"] * side
    cells["x_m"], cells["y_m"] = west + side / 2, south + side / 2
    cells["zone_id"], cells["name"] = "", "Square of zones"
    shapes = shapely.box(west, south, west + side, south + side)
    return gpd.GeoDataFrame(cells, geometry=shapes, crs=zones.crs)


def simplify_zones(
    zones: gpd.GeoDataFrame, *, max_points: int = MAX_POINTS, resolution: float = 1500
) -> gpd.GeoDataFrame:
    """Return the zones with fewer corners; shared borders stay shared.

    Args:
        zones: Zones with polygons; those without an outline stay as they are.
        max_points: Corners of all shapes together.
        resolution: Details smaller than the extent divided by this are dropped.
    """
    import shapely

    shapes = zones.geometry.to_numpy()
    has_outline = np.isin(shapely.get_type_id(shapes), POLYGON_TYPES)
    if not has_outline.any():
        return zones
    west, south, east, north = zones.total_bounds
    only_districts = len(zones) > MAX_ZONES  # then only outlines of districts are drawn
    tolerance = max(east - west, north - south) / (200 if only_districts else resolution)
    for _ in range(6):
        simple = shapely.coverage_simplify(shapes[has_outline], tolerance)
        if only_districts or shapely.get_num_coordinates(simple).sum() <= max_points:
            break
        tolerance *= 2
    shapes = shapes.copy()
    shapes[has_outline] = simple
    return zones.set_geometry(list(shapes), crs=zones.crs)


def _zones(layer: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    rows = zip(
        layer.geometry,
        layer["zone_id"],
        layer["name"].where(layer["name"] != "", layer["zone_id"]),
        layer["population"],
        *(layer[minutes_column(layer, when)] for when in ("before", "after")),
        layer["minutes_before"],
        layer["minutes_after"],
        strict=True,
    )
    return [
        {
            "g": _shape(shape),
            "i": str(identity),
            "n": str(name),
            "p": _number(people, 0),
            "b": _number(before, 1),
            "a": _number(after, 1),
            "nb": _number(nearest_before, 1),
            "na": _number(nearest_after, 1),
        }
        for shape, identity, name, people, before, after, nearest_before, nearest_after in rows
        if shape is not None and not shape.is_empty
    ]


def _buildings(answer: Answer, sheets: dict[str, Sheet], notes: list[str]) -> list[dict[str, Any]]:
    """Return the buildings, those that change last so that they are drawn on top."""
    import geopandas as gpd

    from placeopt.travel.crs import make_points, to_lonlat

    assert answer.plan is not None
    raw, in_text = answer.plan.buildings, sheets["buildings"].frame
    symbol = drawn_as(answer.plan.tables)
    unvisited, names = unvisited_services(answer.plan.tables), names_by_id(answer.place, "services")
    rank = raw["decision"].map({"not_used": 0, "stay_vacant": 1, "keep": 2}).fillna(3)
    order = rank[raw["x_m"].notna() & raw["y_m"].notna()].sort_values(kind="stable").index
    if len(order) < len(raw):
        notes.append(f"{len(raw) - len(order):,} buildings have no coordinates and are not drawn.")
    if len(order) > MAX_BUILDINGS:
        notes.append(
            f"{MAX_BUILDINGS:,} of {len(order):,} buildings are drawn, those that change first."
        )
        order = order[-MAX_BUILDINGS:]
    rows, texts = raw.loc[order], in_text.loc[order]
    points = make_points(rows["x_m"], rows["y_m"], answer.place.info.crs)
    shown = to_lonlat(gpd.GeoDataFrame(geometry=points)).geometry
    return [
        {
            "id": str(row["building_id"]),
            "y": round(y, 5),
            "x": round(x, 5),
            "n": str(row["name"] or row["building_id"]),
            "k": in_words(row["kind"]),
            "d": word,
            "l": text["decision"],
            "s": row["status_before"],
            "t": text.get("tier_name", ""),
            "was": str(text["services_before"]),
            "now": _visited_services(
                str(row["services_after"]), unvisited.get(str(row["building_id"])), names
            ),
            "idle": "; ".join(names.get(s, s) for s in unvisited.get(str(row["building_id"]), ())),
            "rb": _number(row["running_cost_before_gbp_per_year"], 0),
            "ra": _number(row["running_cost_after_gbp_per_year"], 0),
            "w": text["why"],
        }
        for x, y, row, text, word in zip(
            shown.x,
            shown.y,
            rows.to_dict("records"),
            texts.to_dict("records"),
            symbol.loc[order],
            strict=True,
        )
    ]


def _visited_services(services: str, unvisited: list[str] | None, names: dict[str, str]) -> str:
    """Return the names of the services of a building that residents are sent to."""
    ids = [part for part in services.split("; ") if part and part not in (unvisited or ())]
    return "; ".join(names.get(one, one) for one in ids)


def _streets(answer: Answer, notes: list[str]) -> list[Any]:
    """Return lines of the place's own streets, the main ones where there are many."""
    from placeopt.travel.crs import to_lonlat

    lines = _read_streets(answer)
    if lines is None:
        return []
    shown = to_lonlat(lines)
    return [
        [[round(y, 5), round(x, 5)] for x, y in line.coords]
        for shape in shown.geometry
        for line in getattr(shape, "geoms", [shape])
    ]


def _read_streets(answer: Answer) -> gpd.GeoDataFrame | None:
    import pyogrio

    path = _street_file(answer)
    if path is None:
        return None
    require_layers(path)
    names = [str(name) for name, kind in pyogrio.list_layers(path) if kind and "Line" in str(kind)]
    if not names:
        return None
    lines = pyogrio.read_dataframe(path, layer=names[0])
    lines = lines[lines.geometry.notna()]
    if lines.crs is None or lines.empty:
        return None
    kind = next((c for c in ("highway", "road_class", "class") if c in lines.columns), None)
    west, south, east, north = lines.total_bounds
    lines = lines.set_geometry(lines.simplify(max(east - west, north - south) / 2500))
    for classes in (len(MAIN_ROADS), 4, 3, 2, 1):
        if lines.get_coordinates().shape[0] <= MAX_STREET_POINTS:
            return lines[["geometry"]]
        if kind is None:
            return None
        lines = lines[lines[kind].astype(str).str.removesuffix("_link").isin(MAIN_ROADS[:classes])]
    return None


def _street_file(answer: Answer) -> Path | None:
    folder = answer.place.folder
    if folder is None or not Path(folder).is_dir():
        return None
    stated_file = answer.scenario.travel.file
    for name in (stated_file, "streets.gpkg"):
        if name and (Path(folder) / name).suffix == ".gpkg" and (Path(folder) / name).is_file():
            return Path(folder) / name
    return None


def _shape(shape: Any) -> list[Any]:
    """Return a point as [lat, lon]; polygons as [[ring, hole, ...], ...] of [lat, lon]."""
    if shape.geom_type == "Point":
        return [round(shape.y, 5), round(shape.x, 5)]
    parts = getattr(shape, "geoms", [shape])
    return [
        [_ring(ring) for ring in (part.exterior, *part.interiors)]
        for part in parts
        if part.geom_type == "Polygon" and not part.is_empty
    ]


def _ring(ring: Any) -> list[list[float]]:
    corners = np.round(np.asarray(ring.coords)[:-1, 1::-1], 5)
    return [[float(lat), float(lon)] for lat, lon in corners]


def _number(value: Any, digits: int) -> float | None:
    number = float(value)
    return round(number, digits) if np.isfinite(number) else None
