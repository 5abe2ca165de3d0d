"""How far every customer is from every site: a table, a list of pairs, or points with a metric.

All three answer the same questions, so that a method never asks which one it holds:

    shape              (customers, sites)
    dense()            (customers, sites) float64, ``inf`` = no way from one to the other
    of_sites(sites)    the columns of ``dense()`` for these sites only
    nearest(count)     for each customer its ``count`` nearest sites, nearest first
    within(radius)     CSR of the pairs at most ``radius`` apart, data = distance

Metrics of points: ``euclidean``; ``manhattan`` (along the axes); ``floor`` (whole part of the
Euclidean distance, as the p-median papers do on TSPLIB points); ``round`` (nearest whole number,
TSPLIB's own EUC_2D); ``great_circle`` (latitude, longitude in degrees; metres on a sphere of
6,378,137 m, as the covering papers do).
Degrees are never fed to the first three by a reader of files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from placeopt.base.errors import UsageError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Metric = Literal["euclidean", "manhattan", "floor", "round", "great_circle"]
METRICS = get_args(Metric)

EARTH_RADIUS_M = 6_378_137.0
BLOCK = 20_000_000  # cells worked on at once


class Distances(Protocol):
    """What every kind of distance can tell; see the module's text."""

    @property
    def shape(self) -> tuple[int, int]: ...
    def dense(self) -> Floats: ...
    def of_sites(self, sites: Ints) -> Floats: ...
    def nearest(self, count: int) -> tuple[Ints, Floats]: ...
    def within(self, radius: float) -> sparse.csr_array: ...


@dataclass(frozen=True)
class Matrix:
    """Distances as a (customers, sites) table. NaN or ``inf``: there is no way."""

    values: Floats

    def __post_init__(self) -> None:
        values = np.array(self.values, dtype=np.float64)
        if values.ndim != 2:
            raise UsageError(f"distances have {values.ndim} dimensions; give customers x sites")
        values[np.isnan(values)] = np.inf
        if (values < 0).any():
            raise UsageError("a distance is negative; give distances of 0 or more")
        values.flags.writeable = False
        object.__setattr__(self, "values", values)

    @property
    def shape(self) -> tuple[int, int]:
        return self.values.shape  # type: ignore[return-value]

    def dense(self) -> Floats:
        return self.values

    def of_sites(self, sites: Ints) -> Floats:
        return self.values[:, sites]

    def nearest(self, count: int) -> tuple[Ints, Floats]:
        order = np.argsort(self.values, axis=1, kind="stable")[:, :count]
        return order, np.take_along_axis(self.values, order, axis=1)

    def within(self, radius: float) -> sparse.csr_array:
        rows, columns = np.nonzero(self.values <= radius)
        return _csr(rows, columns, self.values[rows, columns], self.shape)


@dataclass(frozen=True)
class Pairs:
    """Distances of some pairs only, as CSR (customers, sites); a pair not stored has no way."""

    values: sparse.csr_array

    def __post_init__(self) -> None:
        values = sparse.csr_array(self.values, dtype=np.float64)
        values.sum_duplicates()
        if (values.data < 0).any():
            raise UsageError("a distance is negative; give distances of 0 or more")
        object.__setattr__(self, "values", values)

    @property
    def shape(self) -> tuple[int, int]:
        return self.values.shape

    def dense(self) -> Floats:
        full = np.full(self.shape, np.inf)
        rows = np.repeat(np.arange(self.shape[0]), np.diff(self.values.indptr))
        full[rows, self.values.indices] = np.nan_to_num(self.values.data, nan=np.inf)
        return full

    def of_sites(self, sites: Ints) -> Floats:
        full = np.full((self.shape[0], len(sites)), np.inf)
        rows = np.repeat(np.arange(self.shape[0]), np.diff(self.values.indptr))
        for position, site in enumerate(sites):
            here = self.values.indices == site
            full[rows[here], position] = self.values.data[here]
        return full

    def nearest(self, count: int) -> tuple[Ints, Floats]:
        return Matrix(self.dense()).nearest(count)

    def within(self, radius: float) -> sparse.csr_array:
        rows = np.repeat(np.arange(self.shape[0]), np.diff(self.values.indptr))
        near = self.values.data <= radius
        return _csr(rows[near], self.values.indices[near], self.values.data[near], self.shape)


@dataclass(frozen=True)
class Points:
    """Customers and sites as points, each (count, 2), with a metric."""

    customers: Floats
    sites: Floats
    metric: Metric = "euclidean"

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise UsageError(f"no metric {self.metric!r}; there are {', '.join(METRICS)}")
        for name in ("customers", "sites"):
            try:
                points = np.asarray(getattr(self, name), dtype=np.float64)
            except (TypeError, ValueError):
                raise UsageError(f"{name} are not all numbers; give (count, 2) numbers") from None
            if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
                raise UsageError(f"{name} must be (count, 2) finite coordinates")
            object.__setattr__(self, name, points)

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.customers), len(self.sites)

    def dense(self) -> Floats:
        return self.between(self.customers, self.sites)

    def of_sites(self, sites: Ints) -> Floats:
        return self.between(self.customers, self.sites[sites])

    def between(self, a: Floats, b: Floats) -> Floats:
        """(len(a), len(b)) distances by this metric."""
        from scipy.spatial.distance import cdist

        if self.metric == "great_circle":
            return _arc(cdist(_sphere(a), _sphere(b)))
        if self.metric == "manhattan":
            return cdist(a, b, "cityblock")
        return self._measure(cdist(a, b))

    def nearest(self, count: int) -> tuple[Ints, Floats]:
        from scipy.spatial import KDTree

        count = min(count, self.shape[1])
        distance, order = KDTree(self._flat(self.sites)).query(
            self._flat(self.customers), k=np.arange(1, count + 1), p=self._norm, workers=1
        )
        return order.astype(np.int64), self._measure(distance)

    def nearest_of(self, sites: Ints) -> tuple[Ints, Floats]:
        """For each customer the nearest of ``sites`` (its number among all sites) and how far."""
        from scipy.spatial import KDTree

        distance, order = KDTree(self._flat(self.sites[sites])).query(
            self._flat(self.customers), p=self._norm
        )
        return np.asarray(sites)[order], self._measure(distance)

    def within(self, radius: float) -> sparse.csr_array:
        """Pairs at most ``radius`` apart, found block by block of customers."""
        rows, columns, data = [], [], []
        step = max(1, BLOCK // max(1, self.shape[1]))
        for start in range(0, self.shape[0], step):
            block = self.between(self.customers[start : start + step], self.sites)
            r, c = np.nonzero(block <= radius)
            rows.append(r + start)
            columns.append(c)
            data.append(block[r, c])
        join = np.concatenate
        return _csr(join(rows), join(columns), join(data), self.shape)

    @property
    def _norm(self) -> float:
        return 1.0 if self.metric == "manhattan" else 2.0

    def _flat(self, points: Floats) -> Floats:
        """Points in a space where straight lines rank as this metric does."""
        return _sphere(points) if self.metric == "great_circle" else points

    def _measure(self, straight: Floats) -> Floats:
        if self.metric == "floor":
            return np.floor(straight + 1e-9)
        if self.metric == "round":
            return np.floor(straight + 0.5)
        return _arc(straight) if self.metric == "great_circle" else straight


def _sphere(degrees: Floats) -> Floats:
    latitude, longitude = np.radians(degrees).T
    flat = np.cos(latitude)
    return EARTH_RADIUS_M * np.column_stack(
        [flat * np.cos(longitude), flat * np.sin(longitude), np.sin(latitude)]
    )


def _arc(chord: Floats) -> Floats:
    return 2 * EARTH_RADIUS_M * np.arcsin(np.clip(chord / (2 * EARTH_RADIUS_M), 0.0, 1.0))


def _csr(rows: Ints, columns: Ints, data: Floats, shape: tuple[int, int]) -> sparse.csr_array:
    """CSR that keeps stored zeros (a site at a customer's door is a pair like any other)."""
    counts = np.bincount(rows, minlength=shape[0])
    order = np.argsort(rows, kind="stable")
    matrix = sparse.csr_array(shape, dtype=np.float64)
    matrix.indptr = np.concatenate([[0], np.cumsum(counts)])
    matrix.indices = np.asarray(columns)[order]
    matrix.data = np.asarray(data, np.float64)[order]
    return matrix
