"""Coordinate systems; the only module that converts coordinates.

A place states one projected coordinate system in metres, and streets, stops and boundaries are
projected to it here. Coordinates in degrees are refused: one degree of longitude is 69 km in
Rutland and 111 km at the equator.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from placeopt.base.errors import InputError
from placeopt.base.findings import error

if TYPE_CHECKING:
    import geopandas as gpd

WGS84 = "EPSG:4326"
PROJECT_ADVICE = (
    "project it first, in Great Britain to EPSG:27700 (in QGIS: Export > Save Features As > "
    "CRS; in GeoPandas: layer.to_crs(27700))"
)


def require_metres(crs: Any, file: str) -> str:
    """Return the short name of a coordinate system ("EPSG:27700").

    Args:
        crs: The coordinate system, in any form that pyproj reads.
        file: The file that states it, for messages.

    Raises:
        InputError: The system is missing, unknown or not in metres.
    """
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    if crs is None:
        raise _refused(file, None, "states no coordinate system", PROJECT_ADVICE)
    try:
        system = CRS.from_user_input(crs)
    except CRSError:
        raise _refused(
            file, str(crs), "is no known coordinate system", 'give for example "EPSG:27700"'
        ) from None
    name = system.to_string() if system.to_epsg() is None else f"EPSG:{system.to_epsg()}"
    if not system.is_projected:
        raise _refused(file, name, "counts in degrees, not metres", PROJECT_ADVICE)
    units = {axis.unit_name for axis in system.axis_info[:2]}
    if units != {"metre"}:
        raise _refused(
            file, name, f"counts in {' and '.join(sorted(units))}, not metres", PROJECT_ADVICE
        )
    return name


def require_not_degrees(x: ArrayLike, y: ArrayLike, file: str) -> None:
    """Raise ``InputError`` if all coordinates look like degrees instead of metres."""
    easting, northing = np.asarray(x, float), np.asarray(y, float)
    known = np.isfinite(easting) & np.isfinite(northing)
    if (
        known.any()
        and (np.abs(easting[known]) <= 180).all()
        and (np.abs(northing[known]) <= 90).all()
    ):
        example = f"{easting[known][0]:g}, {northing[known][0]:g}"
        raise _refused(file, example, "looks like degrees, not metres", PROJECT_ADVICE, "x_m, y_m")


def project_layer(layer: gpd.GeoDataFrame, crs: str, file: str) -> gpd.GeoDataFrame:
    """Project a layer to ``crs``; ``InputError`` if it states no system of its own.

    The layer may be in degrees.
    """
    if layer.crs is None:
        raise _refused(file, None, "states no coordinate system", "set the one it was drawn in")
    return layer.to_crs(crs)


def outside_area_of_use(longitude: ArrayLike, latitude: ArrayLike, crs: str) -> NDArray[np.bool_]:
    """(points,) whether points (degrees) lie well outside the area of use of ``crs``."""
    from pyproj import CRS

    lon, lat = np.asarray(longitude, float), np.asarray(latitude, float)
    area = CRS.from_user_input(crs).area_of_use
    if area is None:
        return np.zeros(lon.shape, bool)
    west, south, east, north = area.bounds
    margin = 2.0  # degrees
    inside = (lon >= west - margin) & (lon <= east + margin)
    return ~(inside & (lat >= south - margin) & (lat <= north + margin))


def to_lonlat(layer: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Convert a layer to longitude and latitude (WGS 84), for display only."""
    return project_layer(layer, WGS84, "the layer to be shown")


def make_points(x_m: ArrayLike, y_m: ArrayLike, crs: str) -> gpd.GeoSeries:
    """Make points from metres in the projected system ``crs``."""
    import geopandas as gpd

    return gpd.GeoSeries(gpd.points_from_xy(x_m, y_m), crs=crs)


def project_points(
    longitude: ArrayLike, latitude: ArrayLike, crs: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Convert degrees (WGS 84) to metres in ``crs``; points outside its area become infinite."""
    x, y = _transformer(WGS84, crs).transform(longitude, latitude)
    return np.asarray(x, float), np.asarray(y, float)


def unproject_points(
    x: ArrayLike, y: ArrayLike, crs: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Convert metres in ``crs`` to (longitude, latitude) in degrees (WGS 84)."""
    lon, lat = _transformer(crs, WGS84).transform(x, y)
    return np.asarray(lon, float), np.asarray(lat, float)


@cache
def _transformer(source: str, target: str) -> Any:
    from pyproj import Transformer

    return Transformer.from_crs(source, target, always_xy=True)


def _refused(
    file: str, value: str | None, fault: str, remedy: str, column: str = "coordinate system"
) -> InputError:
    return InputError([error(file, fault, remedy, column=column, value=value)])
