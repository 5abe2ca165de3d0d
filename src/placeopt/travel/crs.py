"""The only module that touches coordinate systems: distances are measured in metres or not at all.

A place states one projected coordinate system; everything that is measured against it (streets,
stops, boundaries) is brought into that system here. Degrees are refused, never guessed at: one
degree of longitude is 69 km in Rutland and 111 km at the equator.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from placeopt.base.errors import Finding, InputError

if TYPE_CHECKING:
    import geopandas as gpd

WGS84 = "EPSG:4326"
PROJECT_ADVICE = (
    "project it first, in Great Britain to EPSG:27700 (in QGIS: Export > Save Features As > "
    "CRS; in GeoPandas: layer.to_crs(27700))"
)


def require_metres(crs: Any, file: str) -> str:
    """The coordinate system in short ("EPSG:27700"); ``InputError`` unless it counts in metres.

    ``file`` names what carries the system, for the message.
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
    """``InputError`` where coordinates that should be metres all look like degrees."""
    across, up = np.asarray(x, float), np.asarray(y, float)
    known = np.isfinite(across) & np.isfinite(up)
    if known.any() and (np.abs(across[known]) <= 180).all() and (np.abs(up[known]) <= 90).all():
        example = f"{across[known][0]:g}, {up[known][0]:g}"
        raise _refused(file, example, "looks like degrees, not metres", PROJECT_ADVICE, "x_m, y_m")


def to_crs(layer: gpd.GeoDataFrame, crs: str, file: str) -> gpd.GeoDataFrame:
    """The layer in the coordinate system ``crs``; ``InputError`` where it states none of its own.

    A layer in degrees is welcome here: it is transformed, not measured.
    """
    if layer.crs is None:
        raise _refused(file, None, "states no coordinate system", "set the one it was drawn in")
    return layer.to_crs(crs)


def outside_area_of_use(longitude: ArrayLike, latitude: ArrayLike, crs: str) -> NDArray[np.bool_]:
    """Which points (degrees) lie well outside the area that ``crs`` is made for."""
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
    """The layer in degrees of longitude and latitude (WGS 84): for display, never for measuring."""
    return to_crs(layer, WGS84, "the layer to be shown")


def make_points(x_m: ArrayLike, y_m: ArrayLike, crs: str) -> gpd.GeoSeries:
    """Points that state the projected coordinate system their metres are in."""
    import geopandas as gpd

    return gpd.GeoSeries(gpd.points_from_xy(x_m, y_m), crs=crs)


def project_points(
    longitude: ArrayLike, latitude: ArrayLike, crs: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Degrees (WGS 84) as metres in ``crs``; points outside its area come back infinite."""
    x, y = _transformer(WGS84, crs).transform(longitude, latitude)
    return np.asarray(x, float), np.asarray(y, float)


def unproject_points(
    x: ArrayLike, y: ArrayLike, crs: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(longitude, latitude) in degrees (WGS 84) of metres in ``crs``."""
    lon, lat = _transformer(crs, WGS84).transform(x, y)
    return np.asarray(lon, float), np.asarray(lat, float)


@cache
def _transformer(source: str, target: str) -> Any:
    from pyproj import Transformer

    return Transformer.from_crs(source, target, always_xy=True)


def _refused(
    file: str, value: str | None, fault: str, remedy: str, column: str = "coordinate system"
) -> InputError:
    return InputError([Finding("error", file, None, column, value, fault, remedy)])
