"""Find coordinates that are valid but implausible: in kilometres, a digit short, or far away.

Zones and buildings belong to one place, so they are compared with each other: the median of one
table with that of the other, axis by axis; the residents per square kilometre; and each point with
its nearest neighbour.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from placeopt.base.arrays import Floats
from placeopt.base.errors import Finding
from placeopt.base.findings import row_number, warning
from placeopt.place.check.plausible import IsNoted, note_hint
from placeopt.place.files.raw import number_text
from placeopt.place.tables import Place, table_label

AXES = ("x_m", "y_m")
MIN_POINTS = 8  # with fewer points none is called far
FAR_SHARE = 0.35  # a point is far if its nearest neighbour is this share of the extent away
FAR_M = 3000.0  # and at least this far (m)
MAX_RESIDENTS_PER_KM2 = 60_000.0  # over a whole place; the densest districts have 30,000
FACTOR_MEANINGS = {  # ratio of the tables' medians -> what is wrong with one of them
    1e-3: "kilometres, not metres",
    1e-1: "a digit short",
    1e-2: "two digits short",
    10.0: "a digit too many",
    1000.0: "metres times 1,000",
    3.28084: "feet, not metres",
    1 / 3.28084: "feet turned into metres twice",
    1 / 1609.344: "miles, not metres",
}
LOG_TOLERANCE = 0.35  # natural logarithm by which the ratio may differ from such a factor


def far_findings(place: Place, is_noted: IsNoted) -> Iterator[Finding]:
    """Warnings for tables in another unit of length and for points far from all others."""
    zones, buildings = _points(place, "zones"), _points(place, "buildings")
    if _are_apart(zones, buildings):
        found = list(_unit_findings(place, zones, buildings, is_noted))
        if found:
            yield from found
            return
    yield from _density_findings(place, zones, is_noted)
    yield from _far_point_findings(place, zones, buildings, is_noted)


def _points(place: Place, table: str) -> Floats:
    return np.asarray(place.tables[table][list(AXES)].to_numpy(dtype=float), float)


def _extent(points: Floats) -> Floats:
    """(2,) distance from the 5th to the 95th percentile on each axis (m)."""
    low, high = np.nanquantile(points, (0.05, 0.95), axis=0)
    return np.asarray(high - low, float)


def _are_apart(zones: Floats, buildings: Floats) -> bool:
    """Whether the median of the buildings lies far outside the zones or the reverse."""
    zones, buildings = _known_points(zones), _known_points(buildings)
    if not len(zones) or not len(buildings):
        return False
    gap = np.abs(np.median(zones, axis=0) - np.median(buildings, axis=0))
    reach = np.maximum(_extent(zones), _extent(buildings)).max() + FAR_M
    return bool((gap > 2 * reach).any())


def _known_points(points: Floats) -> Floats:
    return points[np.isfinite(points).all(axis=1)]


def _unit_findings(
    place: Place, zones: Floats, buildings: Floats, is_noted: IsNoted
) -> Iterator[Finding]:
    """Warnings for a table whose median is a known multiple of the other's, on either axis."""
    tables = {"zones": _known_points(zones), "buildings": _known_points(buildings)}
    medians = {table: np.median(points, axis=0) for table, points in tables.items()}
    for axis, column in enumerate(AXES):
        own, other = medians["zones"][axis], medians["buildings"][axis]
        if own <= 0 or other <= 0:
            continue
        ratio = math.log(own / other)
        factor = min(FACTOR_MEANINGS, key=lambda f: abs(abs(ratio) - abs(math.log(f))))
        if abs(abs(ratio) - abs(math.log(factor))) > LOG_TOLERANCE:
            continue
        small, large = ("zones", "buildings") if ratio < 0 else ("buildings", "zones")
        table, meaning = (
            small,
            FACTOR_MEANINGS[min(factor, 1 / factor, key=lambda f: (f not in FACTOR_MEANINGS, f))],
        )
        if _is_outside_area(place, medians[large]) and not _is_outside_area(place, medians[small]):
            table, meaning = large, FACTOR_MEANINGS.get(max(factor, 1 / factor), meaning)
        if not is_noted(table, column, None):
            reference = small if table == large else large
            own_median, other_median = medians[table][axis], medians[reference][axis]
            message = (
                f"the column looks like {meaning}: its middle is {own_median:,.0f}, that of the "
                f"other points of the place {other_median:,.0f}"
            )
            yield warning(
                table_label(place, table), message,
                f"give metres; {note_hint(f'{table}.{column}', None)}",
                column=column, value=number_text(float(own_median)),
            )  # fmt: skip


def _is_outside_area(place: Place, point: Floats) -> bool:
    from placeopt.place.check.points import area_of_use, crs_faults

    area = None if crs_faults(place.info.crs) else area_of_use(place.info.crs)
    if area is None:
        return False
    left, bottom, right, top = area
    return not (left <= point[0] <= right and bottom <= point[1] <= top)


def _density_findings(place: Place, zones: Floats, is_noted: IsNoted) -> Iterator[Finding]:
    """A warning if the density is implausible: both tables are probably in kilometres."""
    zones, people = _known_points(zones), float(place.zones["population"].sum())
    if len(zones) < MIN_POINTS:
        return
    extent = _extent(zones)
    if extent.min() <= 0:
        return
    density = 0.81 * people / (extent.prod() / 1e6)  # the percentiles span 0.9 of each axis
    if density > MAX_RESIDENTS_PER_KM2 and not is_noted("zones", "x_m", None):
        message = (
            f"the points look like kilometres, not metres, or a digit short: {density:,.0f} "
            "residents a square kilometre"
        )
        yield warning(table_label(place, "zones"), message,
                      f"give metres; {note_hint('zones.x_m', None)}",
                      column="x_m", value=number_text(float(zones[0, 0])))  # fmt: skip


def _far_point_findings(
    place: Place, zones: Floats, buildings: Floats, is_noted: IsNoted
) -> Iterator[Finding]:
    """Warnings for points far from their nearest neighbour, relative to the place's extent."""
    points = np.vstack([zones, buildings])
    is_known = np.isfinite(points).all(axis=1)
    if is_known.sum() < MIN_POINTS:
        return
    extent = float(np.hypot(*_extent(points[is_known])))
    nearest = np.full(len(points), np.nan)
    nearest[is_known] = _nearest_distance(points[is_known])
    is_far = nearest > max(FAR_SHARE * extent, FAR_M)
    low, high = np.nanquantile(points, (0.05, 0.95), axis=0)
    for k in np.flatnonzero(is_far).tolist():
        table, row = ("zones", k) if k < len(zones) else ("buildings", k - len(zones))
        frame = place.tables[table]
        key = str(frame.iloc[row, 0])
        is_outside = [np.clip(points[k], low, high)[i] != points[k][i] for i in (0, 1)]
        axis = int(np.argmax(np.abs(points[k] - np.median(points[is_known], axis=0))))
        x, y = points[k]
        in_degrees = abs(x) <= 180 and abs(y) <= 90
        if in_degrees or _is_outside_area(place, points[k]) or is_noted(table, AXES[axis], key):
            continue  # reported elsewhere, or noted as right
        is_swapped = (np.array([y, x]) >= low - extent).all() and (
            np.array([y, x]) <= high + extent
        ).all()
        description = "easting and northing look swapped" if is_swapped and any(is_outside) else (
            "a digit is wrong, missing or too many"
        )  # fmt: skip
        message = (
            f"the point is {nearest[k] / 1000:,.0f} km from its nearest neighbour in a place of "
            f"{extent / 1000:,.0f} km: {description}"
        )
        hint = note_hint(f"{table}.{AXES[axis]}", key)
        yield warning(
            table_label(place, table),
            message,
            f"correct it; {hint}",
            row=row_number(row),
            column=AXES[axis],
            value=number_text(float(points[k][axis])),
        )


def _nearest_distance(points: Floats) -> Floats:
    """(points,) distance to the nearest point at another location (m)."""
    from scipy.spatial import cKDTree

    locations, location_of = np.unique(points, axis=0, return_inverse=True)
    if len(locations) < 2:
        return np.zeros(len(points))
    distances, _ = cKDTree(locations).query(locations, k=2)
    return np.asarray(distances[:, 1][location_of.ravel()], float)
