"""Roads and trips as arrays: the way of each trip over the network, and where it passes what.

Trips without a way of their own take the shortest; where several are as short, one of them, the
same at each run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from placeopt.location.labels import labels_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FROM_HERE_ON = -9999  # what scipy gives where there is no predecessor


class NoPath(ValueError):
    """Roads or trips that make no sense; the text says which and what would be right."""


@dataclass(frozen=True)
class Paths:
    """All trips' paths in one row: path q is ``node[start[q]:start[q + 1]]``, and ``at`` is how
    far along it each node lies."""

    start: Ints
    node: Ints
    at: Floats

    @property
    def lengths(self) -> Floats:
        """(trips,) from end to end, one way."""
        return self.at[self.start[1:] - 1]

    @property
    def trip(self) -> Ints:
        """Of each entry the trip whose path it is on."""
        return np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))


def network(roads: Any) -> tuple[tuple[Any, ...], sparse.csr_array]:
    """Node ids and the symmetric (nodes, nodes) lengths of roads between neighbours.

    ``roads``: a data frame with the columns from, to, length, or rows of the three; or a square
    matrix, dense or sparse, of which 0, NaN and what is not stored are no roads.
    """
    if sparse.issparse(roads) or isinstance(roads, np.ndarray):
        table = sparse.coo_array(roads)
        if table.ndim != 2 or table.shape[0] != table.shape[1]:
            raise NoPath("roads: the matrix is not square; give one row and column a node")
        ids: tuple[Any, ...] = tuple(range(table.shape[0]))
        kept = np.isfinite(table.data) & (table.data != 0)
        (a, b), length = (axis[kept] for axis in table.coords), table.data[kept]
    else:
        a_ids, b_ids, length = _columns(roads, ("from", "to", "length"), "roads")
        ids = tuple(dict.fromkeys([*a_ids, *b_ids]))
        number = {one: position for position, one in enumerate(ids)}
        a, b = (np.array([number[one] for one in ends], np.int64) for ends in (a_ids, b_ids))
        length = _numbers(length, "roads: length")
    if (wrong := ~(np.isfinite(length) & (length > 0))).any():
        first = int(np.flatnonzero(wrong)[0])
        raise NoPath(
            f"roads: {ids[a[first]]!r} to {ids[b[first]]!r} has the length {length[first]:g}; "
            "give lengths above 0"
        )
    size = len(ids)
    low, high = np.minimum(a, b).astype(np.int64), np.maximum(a, b).astype(np.int64)
    order = np.lexsort((length, high, low))  # of several roads between two nodes the shortest
    low, high, length = low[order], high[order], np.asarray(length, float)[order]
    first_of = np.flatnonzero(np.r_[True, (np.diff(low) != 0) | (np.diff(high) != 0)])
    first_of = first_of[low[first_of] != high[first_of]] if len(low) else first_of[:0]
    low, high, length = low[first_of], high[first_of], length[first_of]
    ends = (np.r_[low, high], np.r_[high, low])
    return ids, sparse.coo_array((np.r_[length, length], ends), shape=(size, size)).tocsr()


def trips(flows: Any, ids: Sequence[Any]) -> tuple[Ints, Ints, Floats, list[Any]]:
    """Origins and destinations by position, volumes, and the ways that are given (or None).

    ``flows``: a data frame with the columns origin, destination, volume and, if wished, path
    (a list of ids), rows of the three or four, or {(origin, destination): volume}.
    """
    if isinstance(flows, Mapping):
        flows = [(*pair, volume) for pair, volume in flows.items()]
    names = ("origin", "destination", "volume", "path")
    columns = _columns(flows, names, "flows", optional=1)
    if not columns[0]:
        raise NoPath("flows: there is no trip; give one at least")
    number = {one: position for position, one in enumerate(ids)}
    known = [[number.get(one, -1) for one in column] for column in columns[:2]]
    origin, destination = (np.array(column, np.int64) for column in known)
    for name, column, positions in zip(names, columns, (origin, destination), strict=False):
        if (positions < 0).any():
            lost = column[int(np.flatnonzero(positions < 0)[0])]
            raise NoPath(f"flows: {name} {lost!r} is on no road; give ids of the roads' ends")
    if (same := origin == destination).any():
        raise NoPath(f"flows: {columns[0][int(np.flatnonzero(same)[0])]!r} to itself is no trip")
    volume = _numbers(columns[2], "flows: volume")
    if not (np.isfinite(volume) & (volume >= 0)).all():
        raise NoPath("flows: volume must be finite and 0 or more")
    given: list[Any] = [None] * len(origin)
    if len(columns) > 3:
        given = [_way(path, number) for path in columns[3]]
    for q, way in enumerate(given):
        if way is not None and (way[0] != origin[q] or way[-1] != destination[q]):
            ends = f"{columns[0][q]!r} to {columns[1][q]!r}"
            raise NoPath(f"flows: the path of {ends} does not begin and end there")
    return origin, destination, volume, given


def paths_of(
    roads: sparse.csr_array, origin: Ints, destination: Ints, given: Sequence[Any], ids: Any
) -> Paths:
    """The path of each trip: the given one, else the shortest."""
    ways: list[Any] = list(given)
    open_ = np.array([q for q, way in enumerate(ways) if way is None], np.int64)
    if len(open_):
        for q, way in zip(open_, _shortest(roads, origin[open_], destination[open_], ids),
                          strict=True):  # fmt: skip
            ways[q] = way
    start = np.r_[0, np.cumsum([len(way) for way in ways])].astype(np.int64)
    node = np.concatenate([np.asarray(way, np.int64) for way in ways])
    step = np.zeros(len(node))
    inner = np.setdiff1d(np.arange(len(node)), start[:-1])
    step[inner] = np.asarray(roads[node[inner - 1], node[inner]]).ravel()
    if (missing := inner[step[inner] <= 0]).size:
        ends = f"{ids[node[missing[0] - 1]]!r} and {ids[node[missing[0]]]!r}"
        raise NoPath(f"flows: a path goes between {ends}, where there is no road")
    total = np.cumsum(step)
    at = total - np.repeat(total[start[:-1]], np.diff(start))
    return Paths(start, node, at)


def _shortest(roads: sparse.csr_array, origin: Ints, destination: Ints, ids: Any) -> list[Ints]:
    """Walks back from all destinations at once."""
    from scipy.sparse.csgraph import dijkstra

    sources, row = np.unique(origin, return_inverse=True)
    far, before = dijkstra(roads, indices=sources, return_predecessors=True)
    if (lost := ~np.isfinite(far[row, destination])).any():
        q = int(np.flatnonzero(lost)[0])
        raise NoPath(f"flows: no road leads from {ids[origin[q]]!r} to {ids[destination[q]]!r}")
    here, steps = destination.copy(), [destination]
    while (going := here != origin).any():
        here = np.where(going, before[row, here], here)
        steps.append(here)
    backwards = np.stack(steps, axis=1)
    count = (backwards != origin[:, None]).sum(axis=1) + 1
    return [way[:size][::-1] for way, size in zip(backwards, count, strict=True)]


def _way(path: Any, number: Mapping[Any, int]) -> list[int] | None:
    """A path's nodes by position; text names them with > between."""
    if path is None or (isinstance(path, float) and np.isnan(path)) or path == "":
        return None
    named = [one.strip() for one in path.split(">")] if isinstance(path, str) else list(path)
    if lost := [one for one in named if one not in number]:
        raise NoPath(f"flows: {lost[0]!r} of a path is on no road; give ids of the roads' ends")
    way = [number[one] for one in named]
    if len(set(way)) < len(way):
        raise NoPath(f"flows: the path {named} comes twice to a node; give paths that do not")
    return way


def _columns(table: Any, names: tuple[str, ...], what: str, optional: int = 0) -> list[list[Any]]:
    """The columns of a data frame by their names, or of rows by their order."""
    needed = len(names) - optional
    if labels_of(table, "columns") is not None:
        if missing := [name for name in names[:needed] if name not in table.columns]:
            raise NoPath(f"{what}: there is no column {missing[0]}; give {', '.join(names)}")
        return [table[name].tolist() for name in names if name in table.columns]
    rows = [tuple(row) for row in table]
    widths = {len(row) for row in rows}
    if len(widths) != 1 or not needed <= min(widths) <= len(names):
        raise NoPath(f"{what}: give rows of {', '.join(names)}")
    return [list(column) for column in zip(*rows, strict=True)]


def _numbers(values: Any, what: str) -> Floats:
    try:
        return np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise NoPath(f"{what} is not all numbers; give numbers") from None
