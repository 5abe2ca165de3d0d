"""What the map draws: zones by change in minutes, districts, streets, buildings by decision.

Coordinates stay in the place's own metres (Leaflet's simple coordinate system), rounded to whole
metres from a corner of the place; there is no background map to line up with, so nothing has to
be converted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from placeopt.engine import Answer

MOST_POINTS = 200_000  # polygon corners in all; beyond, outlines are simplified
MOST_STREETS = 20_000


def map_data(answer: Answer) -> dict[str, Any] | None:
    """The layers as plain lists; ``None`` where the plan has nothing to draw."""
    if answer.plan is None or "buildings" not in answer.plan.tables:
        return None
    buildings, zones = answer.plan.buildings, answer.plan.zones
    x = np.concatenate([buildings["x_m"], zones["x_m"]])
    y = np.concatenate([buildings["y_m"], zones["y_m"]])
    origin = (float(np.floor(x.min())), float(np.floor(y.min())))
    return {
        "zones": _zones(answer, origin),
        "districts": _districts(answer, origin),
        "streets": _streets(answer.place.folder, origin),
        "buildings": _buildings(answer, origin),
    }


def _buildings(answer: Answer, origin: tuple[float, float]) -> list[dict[str, Any]]:
    assert answer.plan is not None
    services = answer.plan.services
    names = dict(
        zip(answer.place.services["service_id"], answer.place.services["name"], strict=True)
    )
    after = services[services["after"]].groupby("building_id")["service_id"].agg(list).to_dict()
    before = services[services["before"]].groupby("building_id")["service_id"].agg(list).to_dict()
    found = []
    for row in answer.plan.buildings.to_dict("records"):
        found.append(
            {
                "id": row["building_id"],
                "name": row["name"] or row["building_id"],
                "kind": str(row["kind"]).replace("_", " "),
                "decision": row["decision"],
                "was": row["status_before"],
                "at": [round(row["y_m"] - origin[1]), round(row["x_m"] - origin[0])],
                "before": [names.get(s) or s for s in before.get(row["building_id"], [])],
                "after": [names.get(s) or s for s in after.get(row["building_id"], [])],
                "why": row["why"],
            }
        )
    return found


def _zones(answer: Answer, origin: tuple[float, float]) -> list[dict[str, Any]]:
    import shapely

    layer = answer.layer("zones")
    shapes = layer.geometry
    if answer.place.boundaries is not None:
        corners = int(shapely.get_num_coordinates(shapes.to_numpy()).sum())
        if corners > MOST_POINTS:
            extent = max(np.ptp(layer["x_m"]), np.ptp(layer["y_m"]))
            shapes = shapes.simplify(extent / 2000)
    found = []
    for row, shape in zip(layer.to_dict("records"), shapes, strict=True):
        found.append(
            {
                "name": row["name"] or row["zone_id"],
                "population": int(row["population"]),
                "change": _minutes(row["change_minutes"]),
                "before": _minutes(row["minutes_before"]),
                "after": _minutes(row["minutes_after"]),
                "at": [round(row["y_m"] - origin[1]), round(row["x_m"] - origin[0])],
                "rings": _rings(shape, origin),
            }
        )
    return found


def _minutes(value: float) -> float | None:
    return None if value != value else round(float(value), 1)


def _rings(shape: Any, origin: tuple[float, float]) -> list[list[list[int]]]:
    """Outer rings of a polygon or multipolygon as [northing, easting] pairs; none for a point."""
    if shape is None or shape.geom_type == "Point":
        return []
    parts = getattr(shape, "geoms", [shape])
    return [
        [[round(y - origin[1]), round(x - origin[0])] for x, y, *_ in part.exterior.coords]
        for part in parts
    ]


def _districts(answer: Answer, origin: tuple[float, float]) -> list[list[list[int]]]:
    boundaries, zones = answer.place.boundaries, answer.place.zones
    if boundaries is None or not zones["district_id"].ne("").any():
        return []
    joined = boundaries.merge(zones[["zone_id", "district_id"]], on="zone_id")
    return [
        ring for shape in joined.dissolve("district_id").geometry for ring in _rings(shape, origin)
    ]


def _streets(folder: Path | None, origin: tuple[float, float]) -> list[list[list[int]]]:
    """The place's own streets, thinned to the longest where there are very many."""
    import pyogrio

    file = folder / "streets.gpkg" if folder is not None else None
    if file is None or not file.is_file():
        return []
    layers = [name for name, kind in pyogrio.list_layers(file) if kind and "Line" in kind]
    if not layers:
        return []
    shapes = pyogrio.read_dataframe(file, layer=layers[0], columns=[]).geometry
    if len(shapes) > MOST_STREETS:
        shapes = shapes[shapes.length.rank(ascending=False) <= MOST_STREETS]
    lines = (line for shape in shapes.simplify(10) for line in getattr(shape, "geoms", [shape]))
    return [
        [[round(y - origin[1]), round(x - origin[0])] for x, y, *_ in line.coords] for line in lines
    ]
