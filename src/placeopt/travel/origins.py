"""The points where residents of each zone start: one point, or several sample points.

With several points, a zone's minutes are the mean over its points, weighted by residents, and its
worst minutes are those of the slowest point:
  minutes[z,b] = sum of weight[p] x minutes[p,b] over points p of z / sum of weight[p]
  worst[z,b]   = max of minutes[p,b] over points p of z
If one of a zone's points cannot reach a building, the zone cannot: a mean over the others would be
too short.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placeopt.base.arrays import Floats
from placeopt.base.errors import InputError
from placeopt.base.findings import error, row_number
from placeopt.place import Place
from placeopt.travel.cache import hash_of_array
from placeopt.travel.crs import require_not_degrees

POINTS_FILE = "zone_points.csv"  # beside the place: zone_id, x_m, y_m, weight


@dataclass(frozen=True)
class Origins:
    """Starting points sorted by zone.

    Attributes:
        xy: (points, 2) metres.
        weight: (points,) residents.
        first: (zones + 1,) the first point of each zone.
    """

    xy: Floats
    weight: Floats
    first: NDArray[np.intp]

    @property
    def zones(self) -> int:
        return len(self.first) - 1

    @property
    def has_single_points(self) -> bool:
        """Whether every zone has one point."""
        return len(self.xy) == self.zones

    def points(self, first: int, stop: int) -> slice:
        """The points of the zones from ``first`` to before ``stop``."""
        return slice(int(self.first[first]), int(self.first[stop]))

    def combine(
        self, first: int, stop: int, minutes: Floats, worst: Floats | None
    ) -> tuple[Floats, Floats | None]:
        """Combine minutes of points to minutes of the zones from ``first`` to before ``stop``.

        Args:
            first: The first zone.
            stop: The zone after the last.
            minutes: (points, buildings) minutes.
            worst: The same at their worst, if known.

        Returns:
            (zones, buildings) mean minutes, and the minutes of the slowest point.
        """
        if self.has_single_points:
            return minutes, worst
        inside = self.points(first, stop)
        starts = self.first[first:stop] - self.first[first]
        weight = self.weight[inside][:, None]
        people = np.add.reduceat(weight, starts, axis=0)
        mean = np.add.reduceat(minutes * weight, starts, axis=0) / people  # NaN stays NaN
        slowest = np.maximum.reduceat(minutes if worst is None else worst, starts, axis=0)
        return mean, slowest

    def fingerprint(self) -> str:
        """A hash of the points."""
        if self.has_single_points:
            return hash_of_array(self.xy)
        return hash_of_array(np.concatenate([self.xy.ravel(), self.weight, self.first]))


def read_origins(place: Place, file: Path | None = None) -> Origins:
    """Return the zones' own points, or the sample points of a CSV file.

    Args:
        place: The place.
        file: A file with columns zone_id, x_m, y_m, weight (residents at the point, above 0).

    Raises:
        InputError: With every zone without a point, unknown zone and invalid number.
    """
    if file is None:
        xy = place.zones[["x_m", "y_m"]].to_numpy(float)
        return Origins(xy, np.ones(len(xy)), np.arange(len(xy) + 1))
    import pandas as pd

    table = pd.read_csv(file, dtype={"zone_id": str})
    missing = [c for c in ("zone_id", "x_m", "y_m", "weight") if c not in table]
    if missing:
        remedy = "give columns zone_id, x_m, y_m, weight"
        raise InputError([error(file.name, "is not there", remedy, column=c) for c in missing])
    zone = pd.Index(place.zones["zone_id"]).get_indexer(pd.Index(table["zone_id"]))
    numbers = table[["x_m", "y_m", "weight"]].apply(pd.to_numeric, errors="coerce").to_numpy(float)
    _check(place, file.name, zone, numbers)
    require_not_degrees(numbers[:, 0], numbers[:, 1], file.name)
    order = np.argsort(zone, kind="stable")
    first = np.searchsorted(zone[order], np.arange(len(place.zones) + 1))
    return Origins(numbers[order, :2], numbers[order, 2], first)


def _check(place: Place, file: str, zone: NDArray[np.intp], numbers: Floats) -> None:
    findings = [
        error(file, "is no zone of the place", "use the ids of zones.csv",
              row=row_number(row), column="zone_id")
        for row in np.flatnonzero(zone < 0)
    ]  # fmt: skip
    wrong = ~np.isfinite(numbers).all(axis=1) | ~(numbers[:, 2] > 0)
    findings += [
        error(file, "is no point with people", "give metres and a weight above 0",
              row=row_number(row), column="x_m, y_m, weight")
        for row in np.flatnonzero(wrong)
    ]  # fmt: skip
    findings += [
        error(file, "has no sample point", "give every zone at least one",
              column="zone_id", value=place.zones["zone_id"].iloc[z])
        for z in np.setdiff1d(np.arange(len(place.zones)), zone)
    ]  # fmt: skip
    if findings:
        raise InputError(findings, "faults in the sample points")
