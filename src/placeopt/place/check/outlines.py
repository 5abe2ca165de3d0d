"""Check the outlines of zones: valid polygons, each near its zone's point.

Nothing is repaired here; findings say what to change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from placeopt.base.errors import Finding
from placeopt.base.findings import error, row_number, warning
from placeopt.place.tables import Place

if TYPE_CHECKING:
    import geopandas as gpd

FAR_M = 10_000.0  # an outline further than this from its zone's point is wrong
REACH_M = 1_000_000.0  # nor has any zone an outline that reaches further than this
OUTSIDE_SHARE = 0.5  # of the side of a square of the zone's area: how far off its point may lie
_REPAIR_ADVICE = (
    "redraw it, or mend it (QGIS: Vector geometry > Fix geometries; Python: shapely.make_valid) "
    "and look at what came out"
)


def outlines_label(place: Place) -> str:
    """How findings name the layer of outlines."""
    package = place.extras.get("geopackage")
    return f"{package}:boundaries" if package else "boundaries.gpkg:zones"


def outline_findings(place: Place) -> Iterator[Finding]:
    """Findings on outlines: coordinate system, geometry, unknown or repeated zones, distance."""
    outlines, file = place.boundaries, outlines_label(place)
    if outlines is None:
        return
    for column in ("zone_id", "geometry"):
        if column not in outlines:
            remedy = "give polygons with the column zone_id"
            yield error(file, "the column is missing", remedy, column=column)
            return
    other_system = outlines.crs is None or outlines.crs != place.info.crs
    if other_system:
        message = (
            f"the boundaries are in {outlines.crs.to_string() if outlines.crs else 'no system'}"
        )
        remedy = f"reproject them to the place's {place.info.crs} (QGIS: Vector > Reproject layer)"
        yield error(file, message, remedy)
    yield from shape_findings(outlines.geometry.to_numpy(), file, "zone")
    yield from _zones(place, outlines, file)
    yield from _without_outline(place, outlines, file)
    if not other_system:
        yield from _far_away(place, outlines, file)
        yield from _confused(place, outlines, file)


def shape_findings(
    shapes: NDArray[Any], file: str, thing: str, rows: Iterable[int] | None = None
) -> Iterator[Finding]:
    """Yield the faults of each shape by itself.

    Args:
        shapes: (outlines,) the shapes.
        file: How findings name their file.
        thing: What the outlines are of, ``zone`` or ``district``.
        rows: Positions of the shapes to look at; by default all.
    """
    import shapely

    remedy = f"give the {thing}'s outline, or leave the {thing} out of the outlines"
    for i in range(len(shapes)) if rows is None else rows:
        shape = shapes[i]
        fault: tuple[str, str] | None = None
        value: str | None = None
        if shape is None:
            fault = "there is no outline", remedy
        elif shape.geom_type not in ("Polygon", "MultiPolygon"):
            fault, value = ("this is no polygon", f"give the {thing}'s outline"), shape.geom_type
        elif shape.is_empty:
            fault, value = ("the outline is empty", remedy), shape.geom_type
        elif not np.isfinite(shapely.get_coordinates(shape)).all():
            fault = "the outline has points without finite coordinates", remedy
        elif not shape.is_valid:
            fault, value = (
                ("the outline is not valid", _REPAIR_ADVICE),
                shapely.is_valid_reason(shape),
            )
        elif not shape.area > 0:
            fault = "the outline has no area", remedy
        if fault is not None:
            yield error(file, *fault, row=row_number(i), column="geometry", value=value)


def _zones(place: Place, outlines: gpd.GeoDataFrame, file: str) -> Iterator[Finding]:
    """Errors for outlines of unknown zones and for repeated outlines."""
    ids = outlines["zone_id"]
    unknown, repeated = ~ids.isin(place.zones["zone_id"]), ids.duplicated()
    for i, (zone, is_unknown, is_repeated) in enumerate(zip(ids, unknown, repeated, strict=True)):
        if is_unknown or is_repeated:
            message = (
                "the outline's zone is not in zones" if is_unknown else "the outline stands twice"
            )
            yield error(file, message, "correct or delete it",
                        row=row_number(i), column="zone_id", value=zone)  # fmt: skip


def _without_outline(place: Place, outlines: gpd.GeoDataFrame, file: str) -> Iterator[Finding]:
    """A warning that names the zones without an outline."""
    ids = place.zones["zone_id"]
    missing = ids[~ids.isin(outlines["zone_id"])].astype(str).tolist()
    if missing:
        shown = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
        message = f"{len(missing)} of {len(ids)} zones have no outline ({shown})"
        yield warning(file, message, "add them; the maps do not show these zones",
                      column="zone_id", ids=missing)  # fmt: skip


def _own_points(place: Place, outlines: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """(outlines, 2) the point of each outline's zone, NaN where the zone is not known."""
    points = place.zones.drop_duplicates("zone_id").set_index("zone_id")[["x_m", "y_m"]]
    return points.reindex(outlines["zone_id"]).to_numpy(dtype=float)


def _confused(place: Place, outlines: gpd.GeoDataFrame, file: str) -> Iterator[Finding]:
    """Warnings for outlines that may be another zone's: far off their point, or given twice."""
    import shapely

    own, shapes = _own_points(place, outlines), outlines.geometry.to_numpy()
    with np.errstate(invalid="ignore"):  # areas of outlines that are not finite
        has_area = shapely.is_valid(shapes) & (shapely.area(shapes) > 0)
    usable = np.isfinite(own).all(axis=1) & has_area
    positions = np.flatnonzero(usable)
    distance = shapely.distance(shapely.points(own[positions]), shapes[positions])
    side = np.sqrt(shapely.area(shapes[positions]))
    first: dict[bytes, str] = {}
    texts = shapely.to_wkb(shapely.normalize(shapes[positions]))
    for i, gap, length, text in zip(positions.tolist(), distance, side, texts, strict=True):
        zone = str(outlines["zone_id"].iloc[i])
        message = ""
        if text in first:
            message = f"the outline is the same as that of {first[text]}"
        elif OUTSIDE_SHARE * length < gap <= FAR_M:
            message = f"the outline lies {gap:,.0f} m from its zone's point: is it another zone's?"
        first.setdefault(text, zone)
        if message:
            yield warning(file, message, "correct the zone_id, the outline or the coordinates",
                          row=row_number(i), column="zone_id", value=zone)  # fmt: skip


def _far_away(place: Place, outlines: gpd.GeoDataFrame, file: str) -> Iterator[Finding]:
    """Errors for outlines far from the point of their zone."""
    import shapely

    own = _own_points(place, outlines)
    shapes = outlines.geometry.to_numpy()
    bounds = shapely.bounds(shapes)
    known = np.isfinite(own).all(axis=1) & np.isfinite(bounds).all(axis=1)
    # The bounding box is at least as near as the outline.
    left, bottom, right, top = bounds.T
    dx = np.maximum(np.maximum(left - own[:, 0], own[:, 0] - right), 0.0)
    dy = np.maximum(np.maximum(bottom - own[:, 1], own[:, 1] - top), 0.0)
    for i in np.flatnonzero(known & (np.hypot(dx, dy) > FAR_M)):
        km = np.hypot(dx[i], dy[i]) / 1000
        message = f"the outline lies at least {km:,.0f} km from its zone's point"
        yield error(file, message, "correct the zone_id, the outline or the zone's coordinates",
                    row=row_number(i), column="geometry",
                    value=str(outlines["zone_id"].iloc[i]))  # fmt: skip
    across = np.maximum(np.abs(bounds[:, :2] - own), np.abs(bounds[:, 2:] - own)).max(axis=1)
    for i in np.flatnonzero(known & (across > REACH_M) & (np.hypot(dx, dy) <= FAR_M)):
        message = f"the outline reaches {across[i] / 1000:,.0f} km from its zone's point"
        remedy = f"give the zone's own outline, within {REACH_M / 1000:,.0f} km"
        yield error(file, message, remedy, row=row_number(i), column="geometry",
                    value=str(outlines["zone_id"].iloc[i]))  # fmt: skip
