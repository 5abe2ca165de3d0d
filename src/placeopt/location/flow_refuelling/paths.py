"""Roads and trips as arrays: each trip's path over the network and the nodes along it.

Trips without a given path take a shortest one; among equally short paths the choice is the same in
every run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from placeopt.base.arrays import Floats, Ints
from placeopt.location.labels import pandas_labels

NO_PREDECESSOR = -9999  # given by scipy where there is no predecessor


class InvalidNetwork(ValueError):
    """Invalid roads or trips; the text names them and the remedy."""


@dataclass(frozen=True)
class Paths:
    """The paths of all trips, one after another.

    Attributes:
        start: First entry of each path, (trips + 1,); path q is ``node[start[q]:start[q + 1]]``.
        node: Node of each entry.
        distance_along: Distance of each entry from the start of its path.
    """

    start: Ints
    node: Ints
    distance_along: Floats

    @property
    def lengths(self) -> Floats:
        """Length of each path, one way, (trips,)."""
        return self.distance_along[self.start[1:] - 1]

    @property
    def trip(self) -> Ints:
        """The trip of each entry."""
        return np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))


def read_network(roads: Any) -> tuple[tuple[Any, ...], sparse.csr_array]:
    """Node ids and the symmetric (nodes, nodes) lengths of roads between neighbours.

    Args:
        roads: A data frame with the columns from, to, length, or rows of the three; or a square
            matrix, dense or sparse, in which 0, NaN and missing entries are no roads.

    Raises:
        InvalidNetwork: If the roads make no sense.
    """
    if sparse.issparse(roads) or isinstance(roads, np.ndarray):
        table = sparse.coo_array(roads)
        if table.ndim != 2 or table.shape[0] != table.shape[1]:
            raise InvalidNetwork("roads: the matrix is not square; give one row and column a node")
        ids: tuple[Any, ...] = tuple(range(table.shape[0]))
        is_road = np.isfinite(table.data) & (table.data != 0)
        (a, b), length = (axis[is_road] for axis in table.coords), table.data[is_road]
    else:
        a_ids, b_ids, length = _columns(roads, ("from", "to", "length"), "roads")
        ids = tuple(dict.fromkeys([*a_ids, *b_ids]))
        position_of = {each: position for position, each in enumerate(ids)}
        a, b = (np.array([position_of[each] for each in ends], np.int64) for ends in (a_ids, b_ids))
        length = _numbers(length, "roads: length")
    if (wrong := ~(np.isfinite(length) & (length > 0))).any():
        first = int(np.flatnonzero(wrong)[0])
        raise InvalidNetwork(
            f"roads: {ids[a[first]]!r} to {ids[b[first]]!r} has the length {length[first]:g}; "
            "give lengths above 0"
        )
    size = len(ids)
    low, high = np.minimum(a, b).astype(np.int64), np.maximum(a, b).astype(np.int64)
    order = np.lexsort((length, high, low))  # of several roads between two nodes the shortest
    low, high, length = low[order], high[order], np.asarray(length, float)[order]
    shortest_rows = np.flatnonzero(np.r_[True, (np.diff(low) != 0) | (np.diff(high) != 0)])
    shortest_rows = (
        shortest_rows[low[shortest_rows] != high[shortest_rows]] if len(low) else shortest_rows[:0]
    )
    low, high, length = low[shortest_rows], high[shortest_rows], length[shortest_rows]
    ends = (np.r_[low, high], np.r_[high, low])
    return ids, sparse.coo_array((np.r_[length, length], ends), shape=(size, size)).tocsr()


def read_trips(flows: Any, ids: Sequence[Any]) -> tuple[Ints, Ints, Floats, list[Any]]:
    """Origins and destinations by position, volumes, and the given paths (or None).

    Args:
        flows: A data frame with the columns origin, destination, volume and optionally path (a list
            of ids), rows of the three or four, or {(origin, destination): volume}.
        ids: Ids of the nodes.

    Raises:
        InvalidNetwork: If the trips make no sense.
    """
    if isinstance(flows, Mapping):
        flows = [(*pair, volume) for pair, volume in flows.items()]
    names = ("origin", "destination", "volume", "path")
    columns = _columns(flows, names, "flows", optional=1)
    if not columns[0]:
        raise InvalidNetwork("flows: there is no trip; give one at least")
    position_of = {each: position for position, each in enumerate(ids)}
    known = [[position_of.get(each, -1) for each in column] for column in columns[:2]]
    origin, destination = (np.array(column, np.int64) for column in known)
    for name, column, positions in zip(names, columns, (origin, destination), strict=False):
        if (positions < 0).any():
            unknown = column[int(np.flatnonzero(positions < 0)[0])]
            raise InvalidNetwork(
                f"flows: {name} {unknown!r} is on no road; give ids of the roads' ends"
            )
    if (is_same := origin == destination).any():
        raise InvalidNetwork(
            f"flows: {columns[0][int(np.flatnonzero(is_same)[0])]!r} to itself is no trip"
        )
    volume = _numbers(columns[2], "flows: volume")
    if not (np.isfinite(volume) & (volume >= 0)).all():
        raise InvalidNetwork("flows: volume must be finite and 0 or more")
    given_paths: list[Any] = [None] * len(origin)
    if len(columns) > 3:
        given_paths = [_parse_path(path, position_of) for path in columns[3]]
    for q, path in enumerate(given_paths):
        if path is not None and (path[0] != origin[q] or path[-1] != destination[q]):
            ends = f"{columns[0][q]!r} to {columns[1][q]!r}"
            raise InvalidNetwork(f"flows: the path of {ends} does not begin and end there")
    return origin, destination, volume, given_paths


def find_paths(
    roads: sparse.csr_array, origin: Ints, destination: Ints, given_paths: Sequence[Any], ids: Any
) -> Paths:
    """The path of each trip: the given one, else a shortest one.

    Raises:
        InvalidNetwork: If a path leaves the roads or there is none.
    """
    paths: list[Any] = list(given_paths)
    without_path = np.array([q for q, path in enumerate(paths) if path is None], np.int64)
    if len(without_path):
        shortest = _shortest_paths(roads, origin[without_path], destination[without_path], ids)
        for q, path in zip(without_path, shortest, strict=True):
            paths[q] = path
    start = np.r_[0, np.cumsum([len(path) for path in paths])].astype(np.int64)
    node = np.concatenate([np.asarray(path, np.int64) for path in paths])
    step = np.zeros(len(node))
    inner = np.setdiff1d(np.arange(len(node)), start[:-1])
    step[inner] = np.asarray(roads[node[inner - 1], node[inner]]).ravel()
    if (missing := inner[step[inner] <= 0]).size:
        ends = f"{ids[node[missing[0] - 1]]!r} and {ids[node[missing[0]]]!r}"
        raise InvalidNetwork(f"flows: a path goes between {ends}, where there is no road")
    total = np.cumsum(step)
    at = total - np.repeat(total[start[:-1]], np.diff(start))
    return Paths(start, node, at)


def _shortest_paths(
    roads: sparse.csr_array, origin: Ints, destination: Ints, ids: Any
) -> list[Ints]:
    """Shortest paths, traced back from all destinations at once."""
    from scipy.sparse.csgraph import dijkstra

    sources, row = np.unique(origin, return_inverse=True)
    distance, predecessor = dijkstra(roads, indices=sources, return_predecessors=True)
    if (unknown := ~np.isfinite(distance[row, destination])).any():
        q = int(np.flatnonzero(unknown)[0])
        raise InvalidNetwork(
            f"flows: no road leads from {ids[origin[q]]!r} to {ids[destination[q]]!r}"
        )
    current, visited = destination.copy(), [destination]
    while (is_moving := current != origin).any():
        current = np.where(is_moving, predecessor[row, current], current)
        visited.append(current)
    backwards = np.stack(visited, axis=1)
    count = (backwards != origin[:, None]).sum(axis=1) + 1
    return [path[:size][::-1] for path, size in zip(backwards, count, strict=True)]


def _parse_path(path: Any, position_of: Mapping[Any, int]) -> list[int] | None:
    """A path's nodes by position; in text the nodes are separated by >."""
    if path is None or (isinstance(path, float) and np.isnan(path)) or path == "":
        return None
    names = [each.strip() for each in path.split(">")] if isinstance(path, str) else list(path)
    if unknown := [each for each in names if each not in position_of]:
        raise InvalidNetwork(
            f"flows: {unknown[0]!r} of a path is on no road; give ids of the roads' ends"
        )
    positions = [position_of[each] for each in names]
    if len(set(positions)) < len(positions):
        raise InvalidNetwork(
            f"flows: the path {names} comes twice to a node; give paths that do not"
        )
    return positions


def _columns(table: Any, names: tuple[str, ...], what: str, optional: int = 0) -> list[list[Any]]:
    """The columns of a data frame by their names, or of rows by their order."""
    needed = len(names) - optional
    if pandas_labels(table, "columns") is not None:
        if missing := [name for name in names[:needed] if name not in table.columns]:
            raise InvalidNetwork(
                f"{what}: there is no column {missing[0]}; give {', '.join(names)}"
            )
        return [table[name].tolist() for name in names if name in table.columns]
    rows = [tuple(row) for row in table]
    widths = {len(row) for row in rows}
    if len(widths) != 1 or not needed <= min(widths) <= len(names):
        raise InvalidNetwork(f"{what}: give rows of {', '.join(names)}")
    return [list(column) for column in zip(*rows, strict=True)]


def _numbers(values: Any, what: str) -> Floats:
    try:
        return np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise InvalidNetwork(f"{what} is not all numbers; give numbers") from None
