"""Distances between customers and sites: a table, a list of pairs, or points with a metric.

All three have the same methods, so that callers need not know which one they have:

    shape              (customers, sites)
    dense()            (customers, sites) float64, ``inf`` = the site cannot serve the customer
    of_sites(sites)    the columns of ``dense()`` for these sites only
    nearest(count)     for each customer its ``count`` nearest sites, nearest first
    within(radius)     CSR of the pairs at most ``radius`` apart, data = distance

Metrics of points: ``euclidean``; ``manhattan`` (along the axes); ``floor`` (whole part of the
Euclidean distance, as the p-median papers do on TSPLIB points); ``round`` (nearest whole number,
TSPLIB's own EUC_2D); ``great_circle`` (latitude, longitude in degrees; metres on a sphere of
6,378,137 m, as the covering papers do). Readers of files never use the others for degrees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args

import numpy as np
from scipy import sparse

from placeopt.base.arrays import Floats, Ints
from placeopt.base.errors import UsageError
from placeopt.location.labels import as_numbers, is_default_index, pandas_labels

Metric = Literal["euclidean", "manhattan", "floor", "round", "great_circle"]
METRICS = get_args(Metric)

COORDINATE_COLUMNS = (  # names of two columns that hold coordinates, east first
    ("x", "y"), ("x_m", "y_m"), ("easting", "northing"), ("easting_m", "northing_m"),
    ("eastings", "northings"), ("longitude", "latitude"), ("lon", "lat"), ("lng", "lat"),
    ("long", "lat"),
)  # fmt: skip
EARTH_RADIUS_M = 6_378_137.0
MAX_BLOCK_CELLS = 20_000_000  # distances computed at once


class Distances(Protocol):
    """The interface of distances; see the module's text."""

    @property
    def shape(self) -> tuple[int, int]: ...
    def dense(self) -> Floats: ...
    def of_sites(self, sites: Ints) -> Floats: ...
    def nearest(self, count: int) -> tuple[Ints, Floats]: ...
    def within(self, radius: float) -> sparse.csr_array: ...


@dataclass(frozen=True)
class Matrix:
    """Distances as a (customers, sites) table; NaN or ``inf`` where a site cannot serve."""

    values: Floats

    def __post_init__(self) -> None:
        try:
            values = np.array(as_numbers(self.values))
        except (TypeError, ValueError):
            raise UsageError("distances are no table of numbers; give customers x sites") from None
        if values.ndim != 2:
            raise UsageError(f"distances have {values.ndim} dimensions; give customers x sites")
        values[np.isnan(values)] = np.inf
        if (values < 0).any():
            raise UsageError("a distance is negative; give distances of 0 or more")
        values.flags.writeable = False
        object.__setattr__(self, "values", values)

    @property
    def shape(self) -> tuple[int, int]:
        """(customers, sites)."""
        customers, sites = self.values.shape
        return customers, sites

    def dense(self) -> Floats:
        """(customers, sites) distances; inf where the site cannot serve the customer."""
        return self.values

    def of_sites(self, sites: Ints) -> Floats:
        """The columns of ``dense()`` for these sites only."""
        return self.values[:, sites]

    def nearest(self, count: int) -> tuple[Ints, Floats]:
        """For each customer its ``count`` nearest sites, nearest first, and their distances."""
        order = np.argsort(self.values, axis=1, kind="stable")[:, :count]
        return order, np.take_along_axis(self.values, order, axis=1)

    def within(self, radius: float) -> sparse.csr_array:
        """CSR of the pairs at most ``radius`` apart, data = distance."""
        rows, columns = np.nonzero(self.values <= radius)
        return _csr(rows, columns, self.values[rows, columns], self.shape)


@dataclass(frozen=True)
class Pairs:
    """Distances of some pairs only, as CSR (customers, sites); other pairs are not allowed."""

    values: sparse.csr_array

    def __post_init__(self) -> None:
        values = sparse.csr_array(self.values, dtype=np.float64)
        values.sum_duplicates()
        if (values.data < 0).any():
            raise UsageError("a distance is negative; give distances of 0 or more")
        object.__setattr__(self, "values", values)

    @property
    def shape(self) -> tuple[int, int]:
        """(customers, sites)."""
        customers, sites = self.values.shape
        return int(customers), int(sites)

    def dense(self) -> Floats:
        """(customers, sites) distances; inf where the site cannot serve the customer."""
        full = np.full(self.shape, np.inf)
        rows = np.repeat(np.arange(self.shape[0]), np.diff(self.values.indptr))
        full[rows, self.values.indices] = np.nan_to_num(self.values.data, nan=np.inf)
        return full

    def of_sites(self, sites: Ints) -> Floats:
        """The columns of ``dense()`` for these sites only."""
        full = np.full((self.shape[0], len(sites)), np.inf)
        rows = np.repeat(np.arange(self.shape[0]), np.diff(self.values.indptr))
        for position, site in enumerate(sites):
            is_site = self.values.indices == site
            full[rows[is_site], position] = self.values.data[is_site]
        return full

    def nearest(self, count: int) -> tuple[Ints, Floats]:
        """For each customer its ``count`` nearest sites, nearest first, and their distances."""
        return Matrix(self.dense()).nearest(count)

    def within(self, radius: float) -> sparse.csr_array:
        """CSR of the pairs at most ``radius`` apart, data = distance."""
        rows = np.repeat(np.arange(self.shape[0]), np.diff(self.values.indptr))
        is_near = self.values.data <= radius
        return _csr(
            rows[is_near], self.values.indices[is_near], self.values.data[is_near], self.shape
        )


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
            given = getattr(self, name)
            given = (
                given if pandas_labels(given) is None else _coordinates(given, name, self.metric)
            )
            try:
                points = as_numbers(given)
            except (TypeError, ValueError):
                raise UsageError(f"{name} are not all numbers; give (count, 2) numbers") from None
            if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
                raise UsageError(f"{name} must be (count, 2) finite coordinates")
            if self.metric == "great_circle":
                _check_degrees(points, name)
            object.__setattr__(self, name, points)

    @property
    def shape(self) -> tuple[int, int]:
        """(customers, sites)."""
        return len(self.customers), len(self.sites)

    def dense(self) -> Floats:
        """(customers, sites) distances; inf where the site cannot serve the customer."""
        return self.between(self.customers, self.sites)

    def of_sites(self, sites: Ints) -> Floats:
        """The columns of ``dense()`` for these sites only."""
        return self.between(self.customers, self.sites[sites])

    def between(self, a: Floats, b: Floats) -> Floats:
        """(len(a), len(b)) distances by this metric."""
        from scipy.spatial.distance import cdist

        if self.metric == "great_circle":
            return _arc_length(cdist(_to_sphere(a), _to_sphere(b)))
        if self.metric == "manhattan":
            return np.asarray(cdist(a, b, "cityblock"), np.float64)
        return self._measure(cdist(a, b))

    def nearest(self, count: int) -> tuple[Ints, Floats]:
        """For each customer its ``count`` nearest sites, nearest first, and their distances."""
        from scipy.spatial import KDTree

        count = min(count, self.shape[1])
        distance, order = KDTree(self._embed(self.sites)).query(
            self._embed(self.customers), k=np.arange(1, count + 1), p=self._norm, workers=1
        )
        return order.astype(np.int64), self._measure(distance)

    def nearest_of(self, sites: Ints) -> tuple[Ints, Floats]:
        """For each customer the nearest of ``sites`` (its position) and the distance."""
        from scipy.spatial import KDTree

        distance, order = KDTree(self._embed(self.sites[sites])).query(
            self._embed(self.customers), p=self._norm
        )
        return np.asarray(sites)[order], self._measure(distance)

    def within(self, radius: float) -> sparse.csr_array:
        """Pairs at most ``radius`` apart, found in blocks of customers."""
        rows, columns, data = [], [], []
        step = max(1, MAX_BLOCK_CELLS // max(1, self.shape[1]))
        for start in range(0, self.shape[0], step):
            block = self.between(self.customers[start : start + step], self.sites)
            r, c = np.nonzero(block <= radius)
            rows.append(r + start)
            columns.append(c)
            data.append(block[r, c])
        concatenate = np.concatenate
        return _csr(concatenate(rows), concatenate(columns), concatenate(data), self.shape)

    @property
    def _norm(self) -> float:
        return 1.0 if self.metric == "manhattan" else 2.0

    def _embed(self, points: Floats) -> Floats:
        """Points in a space where straight distances rank as this metric does."""
        return _to_sphere(points) if self.metric == "great_circle" else points

    def _measure(self, embedded: Floats) -> Floats:
        if self.metric == "floor":
            return np.floor(embedded + 1e-9)
        if self.metric == "round":
            return np.floor(embedded + 0.5)
        return _arc_length(embedded) if self.metric == "great_circle" else embedded


def _coordinates(frame: Any, name: str, metric: str) -> Any:
    """The two columns of a data frame that hold coordinates, by name: x, y or latitude, longitude.

    Columns are taken by position only where pandas numbered them.
    """
    labels = pandas_labels(frame, "columns")
    if labels is None or (is_default_index(labels) and len(labels) == 2):
        return frame
    column_of = {str(label).strip().lower(): label for label in labels}
    pair = next((pair for pair in COORDINATE_COLUMNS if set(pair) <= set(column_of)), None)
    listed = ", ".join(repr(str(label)) for label in labels)
    if pair is None or len(labels) != 2:
        raise UsageError(
            f"{name}: columns {listed}; give two columns named x and y, or longitude and latitude, "
            "or a plain array in that order (latitude first for great_circle)"
        )
    if is_degrees(pair) != (metric == "great_circle"):
        raise UsageError(
            f"{name}: columns {listed} do not suit the metric {metric}; longitude and latitude are "
            "measured by great_circle, x and y by the others"
        )
    pair = pair[::-1] if is_degrees(pair) else pair
    return frame[[column_of[pair[0]], column_of[pair[1]]]]


def _check_degrees(points: Floats, name: str) -> None:
    wrong = np.flatnonzero((np.abs(points) > (90.0, 180.0)).any(axis=1))
    if len(wrong):
        latitude, longitude = points[wrong[0]]
        raise UsageError(
            f"{name}: number {wrong[0]} is latitude {latitude:g}, longitude {longitude:g}, which "
            "is no place; latitude comes first, from -90 to 90"
        )


def is_degrees(pair: tuple[str, str]) -> bool:
    """Whether a pair of ``COORDINATE_COLUMNS`` is in degrees."""
    return pair[1].startswith("lat")


def _to_sphere(degrees: Floats) -> Floats:
    latitude, longitude = np.radians(degrees).T
    radius_share = np.cos(latitude)
    return EARTH_RADIUS_M * np.column_stack(
        [radius_share * np.cos(longitude), radius_share * np.sin(longitude), np.sin(latitude)]
    )


def _arc_length(chord: Floats) -> Floats:
    return 2 * EARTH_RADIUS_M * np.arcsin(np.clip(chord / (2 * EARTH_RADIUS_M), 0.0, 1.0))


def _csr(rows: Ints, columns: Ints, data: Floats, shape: tuple[int, int]) -> sparse.csr_array:
    """CSR that keeps stored zeros: a site at a customer's door is a valid pair."""
    counts = np.bincount(rows, minlength=shape[0])
    order = np.argsort(rows, kind="stable")
    matrix = sparse.csr_array(shape, dtype=np.float64)
    matrix.indptr = np.concatenate([[0], np.cumsum(counts)])
    matrix.indices = np.asarray(columns)[order]
    matrix.data = np.asarray(data, np.float64)[order]
    return matrix
