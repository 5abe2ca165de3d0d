"""Check coordinates: metres in the stated system, not degrees, not swapped.

Only the bounds of the system's area of use are transformed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np

from placeopt.base.errors import Finding
from placeopt.base.findings import error, row_number, warning
from placeopt.place.files.raw import number_text
from placeopt.place.tables import Place, table_label

_MARGIN_M = 10_000  # a building further than this beyond the zones' extent is implausible
_REPROJECT = "reproject to {crs} (QGIS: Vector > Reproject layer) and give metres"


def point_findings(place: Place) -> Iterator[Finding]:
    """Findings on points in degrees, at the origin, swapped, or outside the system's area."""
    faults = crs_faults(place.info.crs)
    yield from faults
    area = None if faults else area_of_use(place.info.crs)
    for table in ("zones", "buildings"):
        yield from _table_points(place, table, area)
    if area is not None:
        yield from swapped_far_from_zones(place, area)


def swapped_far_from_zones(
    place: Place, area: tuple[float, float, float, float]
) -> Iterator[Finding]:
    """Errors for buildings far from all zones that would be among them if swapped.

    Swapped coordinates can lie within the system's area of use, so the zones are compared.
    """
    zones, buildings = place.zones[["x_m", "y_m"]].dropna(), place.buildings
    if zones.empty or buildings.empty:
        return
    (left, bottom), (right, top) = zones.min(), zones.max()
    margin = max(right - left, top - bottom) + _MARGIN_M
    around_zones = (left - margin, bottom - margin, right + margin, top + margin)
    x, y = buildings["x_m"].to_numpy(dtype=float), buildings["y_m"].to_numpy(dtype=float)
    for i in np.flatnonzero(
        _is_inside(x, y, area) & ~_is_inside(x, y, around_zones) & _is_inside(y, x, around_zones)
    ):
        message = "easting and northing look swapped: far from every zone, among them if swapped"
        yield error(table_label(place, "buildings"), message, "put easting in x_m, northing in y_m",
                    row=row_number(i), column="x_m",
                    value=f"{number_text(x[i])}, {number_text(y[i])}")  # fmt: skip


@cache
def crs_faults(crs: str) -> tuple[Finding, ...]:
    """Errors if the coordinate system is unknown or does not measure in metres."""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        stated = CRS.from_user_input(crs)
    except CRSError:
        fault = "no such coordinate system is known"
    else:
        axes = stated.axis_info[:2]
        if stated.is_projected and all(axis.unit_name == "metre" for axis in axes):
            return ()
        unit = axes[0].unit_name if axes else "no unit"
        fault = f"the system measures in {unit}, not in metres"
    remedy = 'give a projected system in metres, for example crs = "EPSG:27700"'
    return (error("place.toml", fault, remedy, column="crs", value=crs),)


@cache
def area_of_use(crs: str) -> tuple[float, float, float, float] | None:
    """(left, bottom, right, top) in metres of the system's area of use, or None if not known."""
    from pyproj import CRS, Transformer

    area = CRS.from_user_input(crs).area_of_use
    if area is None:
        return None
    transformer = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    left, bottom, right, top = transformer.transform_bounds(*area.bounds)
    return (left, bottom, right, top) if np.isfinite([left, bottom, right, top]).all() else None


def _table_points(
    place: Place, table: str, area: tuple[float, float, float, float] | None
) -> Iterator[Finding]:
    frame, file = place.tables[table], table_label(place, table)
    x, y = frame["x_m"].to_numpy(dtype=float), frame["y_m"].to_numpy(dtype=float)
    in_degrees = (np.abs(x) <= 180) & (np.abs(y) <= 90)
    remedy = _REPROJECT.format(crs=place.info.crs)
    for i in np.flatnonzero(in_degrees):
        at_origin = x[i] == 0 and y[i] == 0
        message = (
            "the point is at the origin" if at_origin else "this looks like degrees, not metres"
        )
        advice = "give the true coordinates in metres" if at_origin else remedy
        yield error(file, message, advice, row=row_number(i), column="x_m",
                    value=f"{number_text(x[i])}, {number_text(y[i])}")  # fmt: skip
    if area is None:
        return
    outside = ~_is_inside(x, y, area) & ~in_degrees & np.isfinite(x) & np.isfinite(y)
    swapped = outside & _is_inside(y, x, area)
    for i in np.flatnonzero(outside):
        value = f"{number_text(x[i])}, {number_text(y[i])}"
        if swapped[i]:
            yield error(file, "easting and northing look swapped", "put easting in x_m, northing"
                        " in y_m", row=row_number(i), column="x_m", value=value)  # fmt: skip
        else:
            yield warning(file, f"the point lies outside the area of {place.info.crs}",
                          "check the coordinates and the system in place.toml",
                          row=row_number(i), column="x_m", value=value)  # fmt: skip


def _is_inside(x: np.ndarray, y: np.ndarray, area: tuple[float, float, float, float]) -> np.ndarray:
    left, bottom, right, top = area
    return (x >= left) & (x <= right) & (y >= bottom) & (y <= top)
