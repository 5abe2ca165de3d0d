"""Coordinates that are no fault by themselves and cannot be meant: kilometres, a digit short, far.

Zones and buildings stand in one place, so they are compared with one another: the middle of one
table with that of the other, axis by axis; the people that would live on a square kilometre; and
each point with its nearest neighbour.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from placeopt.base.errors import Finding
from placeopt.place.check.plausible import IsNoted, note_hint
from placeopt.place.check.quantities import Floats
from placeopt.place.faults import row_number, table_label, warning
from placeopt.place.files.raw import number_text
from placeopt.place.tables import Place

AXES = ("x_m", "y_m")
FEWEST_POINTS = 8  # below it nothing is said of which point is far
FAR_SHARE = 0.35  # of the extent of all other points: as far as this from the nearest one
FAR_M = 3000.0  # and at least so far (m)
CROWDED = 60_000.0  # residents a km2 over all of a place; the densest districts have 30,000
SHAPES = {  # how one table's middle compares with the other's -> what the smaller or larger is
    1e-3: "kilometres, not metres",
    1e-1: "a digit short",
    1e-2: "two digits short",
    10.0: "a digit too many",
    1000.0: "metres times 1,000",
    3.28084: "feet, not metres",
    1 / 3.28084: "feet turned into metres twice",
    1 / 1609.344: "miles, not metres",
}
NEAR_FACTOR = 0.35  # logarithm: what two tables of one place may differ by beside the factor


def far_findings(place: Place, noted: IsNoted) -> Iterator[Finding]:
    """Warnings of tables in another unit of length and of points far from all others."""
    zones, buildings = _points(place, "zones"), _points(place, "buildings")
    if _stands_apart(zones, buildings):
        found = list(_in_another_unit(place, zones, buildings, noted))
        if found:
            yield from found
            return
    yield from _too_crowded(place, zones, noted)
    yield from _far_points(place, zones, buildings, noted)


def _points(place: Place, table: str) -> Floats:
    return np.asarray(place.tables[table][list(AXES)].to_numpy(dtype=float), float)


def _extent(points: Floats) -> Floats:
    """(2,) from the 5th to the 95th percentile on each axis (m)."""
    low, high = np.nanquantile(points, (0.05, 0.95), axis=0)
    return np.asarray(high - low, float)


def _stands_apart(zones: Floats, buildings: Floats) -> bool:
    """Whether the middle of the buildings lies far outside the zones and the other way round."""
    zones, buildings = _stated(zones), _stated(buildings)
    if not len(zones) or not len(buildings):
        return False
    gap = np.abs(np.median(zones, axis=0) - np.median(buildings, axis=0))
    reach = np.maximum(_extent(zones), _extent(buildings)).max() + FAR_M
    return bool((gap > 2 * reach).any())


def _stated(points: Floats) -> Floats:
    return points[np.isfinite(points).all(axis=1)]


def _in_another_unit(
    place: Place, zones: Floats, buildings: Floats, noted: IsNoted
) -> Iterator[Finding]:
    """A table whose middle is a round multiple of the other's, on either axis."""
    tables = {"zones": _stated(zones), "buildings": _stated(buildings)}
    middle = {table: np.median(points, axis=0) for table, points in tables.items()}
    for axis, column in enumerate(AXES):
        own, other = middle["zones"][axis], middle["buildings"][axis]
        if own <= 0 or other <= 0:
            continue
        ratio = math.log(own / other)
        factor = min(SHAPES, key=lambda f: abs(abs(ratio) - abs(math.log(f))))
        if abs(abs(ratio) - abs(math.log(factor))) > NEAR_FACTOR:
            continue
        small, large = ("zones", "buildings") if ratio < 0 else ("buildings", "zones")
        table, shape = small, SHAPES[min(factor, 1 / factor, key=lambda f: (f not in SHAPES, f))]
        if _outside(place, middle[large]) and not _outside(place, middle[small]):
            table, shape = large, SHAPES.get(max(factor, 1 / factor), shape)
        if not noted(table, column, None):
            here, there = middle[table][axis], middle[small if table == large else large][axis]
            message = (
                f"the column looks like {shape}: its middle is {here:,.0f}, that of the other "
                f"points of the place {there:,.0f}"
            )
            yield warning(
                table_label(place, table), message,
                f"give metres; {note_hint(f'{table}.{column}', None)}",
                column=column, value=number_text(float(here)),
            )  # fmt: skip


def _outside(place: Place, point: Floats) -> bool:
    from placeopt.place.check.points import area_of_use, crs_faults

    area = None if crs_faults(place.info.crs) else area_of_use(place.info.crs)
    if area is None:
        return False
    left, bottom, right, top = area
    return not (left <= point[0] <= right and bottom <= point[1] <= top)


def _too_crowded(place: Place, zones: Floats, noted: IsNoted) -> Iterator[Finding]:
    """More residents on a square kilometre than anywhere: both tables are in kilometres."""
    zones, people = _stated(zones), float(place.zones["population"].sum())
    if len(zones) < FEWEST_POINTS:
        return
    extent = _extent(zones)
    if extent.min() <= 0:
        return
    density = 0.81 * people / (extent.prod() / 1e6)  # the percentiles hold 0.9 of each axis
    if density > CROWDED and not noted("zones", "x_m", None):
        message = (
            f"the points look like kilometres, not metres, or a digit short: {density:,.0f} "
            "residents a square kilometre"
        )
        yield warning(table_label(place, "zones"), message,
                      f"give metres; {note_hint('zones.x_m', None)}",
                      column="x_m", value=number_text(float(zones[0, 0])))  # fmt: skip


def _far_points(
    place: Place, zones: Floats, buildings: Floats, noted: IsNoted
) -> Iterator[Finding]:
    """Single points far from their nearest neighbour, by the extent of the place."""
    points = np.vstack([zones, buildings])
    stated = np.isfinite(points).all(axis=1)
    if stated.sum() < FEWEST_POINTS:
        return
    extent = float(np.hypot(*_extent(points[stated])))
    nearest = np.full(len(points), np.nan)
    nearest[stated] = _to_nearest(points[stated])
    far = nearest > max(FAR_SHARE * extent, FAR_M)
    low, high = np.nanquantile(points, (0.05, 0.95), axis=0)
    for at in np.flatnonzero(far).tolist():
        table, row = ("zones", at) if at < len(zones) else ("buildings", at - len(zones))
        frame = place.tables[table]
        key = str(frame.iloc[row, 0])
        off = [np.clip(points[at], low, high)[i] != points[at][i] for i in (0, 1)]
        axis = int(np.argmax(np.abs(points[at] - np.median(points[stated], axis=0))))
        x, y = points[at]
        in_degrees = abs(x) <= 180 and abs(y) <= 90
        if in_degrees or _outside(place, points[at]) or noted(table, AXES[axis], key):
            continue  # said already, or right
        swapped = (np.array([y, x]) >= low - extent).all() and (
            np.array([y, x]) <= high + extent
        ).all()
        what = "easting and northing look swapped" if swapped and any(off) else (
            "a digit is wrong, missing or too many"
        )  # fmt: skip
        message = (
            f"the point is {nearest[at] / 1000:,.0f} km from its nearest neighbour in a place of "
            f"{extent / 1000:,.0f} km: {what}"
        )
        hint = note_hint(f"{table}.{AXES[axis]}", key)
        yield warning(
            table_label(place, table),
            message,
            f"correct it; {hint}",
            row=row_number(row),
            column=AXES[axis],
            value=number_text(float(points[at][axis])),
        )


def _to_nearest(points: Floats) -> Floats:
    """(points,) distance to the nearest other point that is not the very same one (m)."""
    from scipy.spatial import cKDTree

    places, of = np.unique(points, axis=0, return_inverse=True)
    if len(places) < 2:
        return np.zeros(len(points))
    distances, _ = cKDTree(places).query(places, k=2)
    return np.asarray(distances[:, 1][of.ravel()], float)
