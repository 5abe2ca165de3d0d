"""Outlines of zones: shapes that a map can show, each near the zone that it is of.

Nothing is mended here. What would be right is said, so that whoever made the outlines decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from placeopt.base.errors import Finding
from placeopt.place.faults import error, row_number
from placeopt.place.tables import Place

if TYPE_CHECKING:
    import geopandas as gpd

FAR_M = 10_000.0  # an outline further from its zone's point is of another zone or system
_MEND = (
    "redraw it, or mend it (QGIS: Vector geometry > Fix geometries; Python: shapely.make_valid) "
    "and look at what came out"
)


def outlines_label(place: Place) -> str:
    """How findings name the layer of outlines."""
    package = place.extras.get("geopackage")
    return f"{package}:boundaries" if package else "boundaries.gpkg:zones"


def outline_findings(place: Place) -> Iterator[Finding]:
    """Outlines in another system, of another type, empty, endless, far away, crossing themselves;
    of zones that the place does not have, or twice."""
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
    if not other_system:
        yield from _far_away(place, outlines, file)


def shape_findings(
    shapes: NDArray[Any], file: str, of: str, rows: Iterable[int] | None = None
) -> Iterator[Finding]:
    """What is wrong with each shape by itself.

    Args:
        shapes: (outlines,) the shapes.
        file: How findings name their file.
        of: What the outlines are of, ``zone`` or ``district``.
        rows: Positions of the shapes to look at; by default all.
    """
    import shapely

    give = f"give the {of}'s outline, or leave the {of} out of the outlines"
    for at in range(len(shapes)) if rows is None else rows:
        shape = shapes[at]
        fault: tuple[str, str] | None = None
        value: str | None = None
        if shape is None:
            fault = "there is no outline", give
        elif shape.geom_type not in ("Polygon", "MultiPolygon"):
            fault, value = ("this is no polygon", f"give the {of}'s outline"), shape.geom_type
        elif shape.is_empty:
            fault, value = ("the outline is empty", give), shape.geom_type
        elif not np.isfinite(shapely.get_coordinates(shape)).all():
            fault = "the outline has points without finite coordinates", give
        elif not shape.is_valid:
            fault, value = ("the outline is not valid", _MEND), shapely.is_valid_reason(shape)
        elif not shape.area > 0:
            fault = "the outline has no area", give
        if fault is not None:
            yield error(file, *fault, row=row_number(at), column="geometry", value=value)


def _zones(place: Place, outlines: gpd.GeoDataFrame, file: str) -> Iterator[Finding]:
    """Outlines of zones that the place does not have, or has twice."""
    ids = outlines["zone_id"]
    unknown, twice = ~ids.isin(place.zones["zone_id"]), ids.duplicated()
    for at, (zone, lost, again) in enumerate(zip(ids, unknown, twice, strict=True)):
        if lost or again:
            message = "the outline's zone is not in zones" if lost else "the outline stands twice"
            yield error(file, message, "correct or delete it",
                        row=row_number(at), column="zone_id", value=zone)  # fmt: skip


def _far_away(place: Place, outlines: gpd.GeoDataFrame, file: str) -> Iterator[Finding]:
    """Outlines far from the point of the zone that they are of."""
    import shapely

    points = place.zones.drop_duplicates("zone_id").set_index("zone_id")[["x_m", "y_m"]]
    own = points.reindex(outlines["zone_id"]).to_numpy(dtype=float)
    shapes = outlines.geometry.to_numpy()
    bounds = shapely.bounds(shapes)
    known = np.isfinite(own).all(axis=1) & np.isfinite(bounds).all(axis=1)
    # The box is no further than the outline itself: what it clears needs no closer look.
    left, bottom, right, top = bounds.T
    beside = np.maximum(np.maximum(left - own[:, 0], own[:, 0] - right), 0.0)
    above = np.maximum(np.maximum(bottom - own[:, 1], own[:, 1] - top), 0.0)
    for at in np.flatnonzero(known & (np.hypot(beside, above) > FAR_M)):
        km = np.hypot(beside[at], above[at]) / 1000
        message = f"the outline lies at least {km:,.0f} km from its zone's point"
        yield error(file, message, "correct the zone_id, the outline or the zone's coordinates",
                    row=row_number(at), column="geometry",
                    value=str(outlines["zone_id"].iloc[at]))  # fmt: skip
