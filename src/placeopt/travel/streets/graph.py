"""The network of one mode: a sparse matrix of minutes over its connected nodes.

Cleaning: of parallel edges the fastest is kept, and of the network the largest strongly connected
component, so that no point snaps to an island or a one-way trap. What is left out is counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from placeopt.base.errors import Finding, InputError, UsageError
from placeopt.base.findings import error
from placeopt.travel.speeds import (
    CLASS_SPEED_DELAY,
    CLASSES_WITHOUT_STOPS,
    DRIVE_KMH,
    KMH,
    access_speed,
    metres_per_minute,
)
from placeopt.travel.streets import openroads
from placeopt.travel.streets.arrays import BACKWARD, FORWARD, Dropped, Streets

if TYPE_CHECKING:
    from scipy.sparse import csr_array

MIN_EDGE_MINUTES = 1e-6  # for edges of length 0, which a sparse matrix would drop


@dataclass(frozen=True)
class Graph:
    """The cleaned network of one mode.

    Attributes:
        mode: The mode.
        matrix: (nodes, nodes) minutes from row to column.
        nodes: (nodes,) positions in the streets.
        xy: (nodes, 2) metres.
        stops: (nodes,) whether a journey may start or end there.
        access_kmh: Speed from a point to its node.
        dropped: What was left out.
        warnings: (fault, remedy) of peculiarities of the network.
        engine_cache: What engines store with it.
    """

    mode: str
    matrix: csr_array
    nodes: NDArray[np.intp]
    xy: NDArray[np.float64]
    stops: NDArray[np.bool_]
    access_kmh: float
    dropped: tuple[Dropped, ...]
    warnings: tuple[tuple[str, str], ...] = ()
    engine_cache: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """The state sent to another process, without ``engine_cache``."""
        return {**self.__dict__, "engine_cache": {}}

    @cached_property
    def reversed(self) -> csr_array:
        """The transposed matrix, for searches from the destinations."""
        return self.matrix.T.tocsr()

    @cached_property
    def tree(self) -> Any:
        """A k-d tree of the nodes where a journey may start or end."""
        from scipy.spatial import cKDTree

        return cKDTree(self.xy[self.stops])


def make_graph(streets: Streets, mode: str, speeds_kmh: Mapping[str, float] | None = None) -> Graph:
    """Return the network of ``mode``; ``UsageError`` if the streets have no edges for it."""
    if mode not in streets.direction:
        raise UsageError(
            f"the streets have no edges for mode {mode!r}; they have {', '.join(streets.modes)}"
        )
    return _clean(streets, mode, edge_minutes(streets, mode, speeds_kmh), speeds_kmh)


def metres_graph(streets: Streets, mode: str) -> Graph:
    """Return the network of ``mode`` with metres instead of minutes, for road distances."""
    return _clean(streets, mode, streets.length_m, None)


def edge_minutes(
    streets: Streets, mode: str, speeds_kmh: Mapping[str, float] | None = None
) -> NDArray[np.float64]:
    """(edges,) minutes by ``mode``.

    The first of these that is known is used: the user's speed for the class, the user's speed for
    the mode, the source's minutes, the source's speed (driving), the class's speed, the mode's
    speed. Driving times from limits and classes are multiplied by ``CLASS_SPEED_DELAY``.
    """
    given = speeds_kmh or {}
    metres_per_km = 60.0 / 1000.0
    if mode == "drive":
        classes = np.array([DRIVE_KMH.get(name, DRIVE_KMH[""]) for name in streets.road_class])
        stated = np.where(streets.speed_kmh > 0, streets.speed_kmh, classes)
        minutes = streets.length_m * metres_per_km / stated * CLASS_SPEED_DELAY
    else:
        minutes = streets.length_m * metres_per_km / KMH[mode]
    if mode in streets.minutes:
        minutes = np.where(np.isfinite(streets.minutes[mode]), streets.minutes[mode], minutes)
    if mode in given:
        minutes = streets.length_m / metres_per_minute(given[mode])
    for key, kmh in given.items():
        head, _, road_class = key.partition(".")
        if head == mode and road_class:
            of_class = streets.road_class == road_class
            minutes = np.where(of_class, streets.length_m / metres_per_minute(kmh), minutes)
    return minutes


def motorway_walking(streets: Streets) -> list[tuple[str, str]]:
    """(fault, remedy) if the source allows walking along motorways, else []."""
    on_motorway = np.isin(streets.road_class.astype(str), CLASSES_WITHOUT_STOPS)
    walkable = on_motorway & (
        streets.direction.get("walk", np.zeros(len(on_motorway), np.int8)) > 0
    )
    if not walkable.any():
        return []
    km = streets.length_m[walkable].sum() / 1000
    return [
        (
            f"{int(walkable.sum())} motorway edges ({km:,.1f} km) are open to walking",
            "close them in the street file's walk column",
        )
    ]


def _network_warnings(streets: Streets, mode: str) -> tuple[tuple[str, str], ...]:
    """(fault, remedy) of peculiarities of a network."""
    warnings = motorway_walking(streets) if mode == "walk" else []
    if streets.source.get("kind") == openroads.KIND:
        warnings.append((openroads.LIMITATIONS, "use an OpenStreetMap extract where they matter"))
    return tuple(warnings)


def _clean(
    streets: Streets,
    mode: str,
    weights: NDArray[np.float64],
    speeds_kmh: Mapping[str, float] | None,
) -> Graph:
    from scipy.sparse.csgraph import connected_components

    direction = streets.direction[mode]
    forward, backward = (direction & FORWARD) > 0, (direction & BACKWARD) > 0
    tail = np.concatenate([streets.tail[forward], streets.head[backward]])
    head = np.concatenate([streets.head[forward], streets.tail[backward]])
    minutes = np.maximum(np.concatenate([weights[forward], weights[backward]]), MIN_EDGE_MINUTES)
    if not len(tail):
        raise InputError([_no_edges(streets, mode)])
    n = len(streets.xy)
    matrix, parallel_count = _fastest_of_parallel(tail, head, minutes, n)
    _, part = connected_components(matrix, directed=True, connection="strong")
    used = np.zeros(n, bool)
    used[tail] = used[head] = True
    largest = np.bincount(part[used], minlength=part.max() + 1).argmax()
    nodes = np.flatnonzero(used & (part == largest))
    dropped_nodes = int(used.sum()) - len(nodes)
    stopping = np.zeros(n, bool)
    for ends, open_edges in ((streets.tail, direction > 0), (streets.head, direction > 0)):
        allows_stop = open_edges & ~np.isin(streets.road_class.astype(str), CLASSES_WITHOUT_STOPS)
        stopping[ends[allows_stop]] = True
    dropped = (
        Dropped("edges", parallel_count, "run beside a faster edge between the same nodes", mode),
        Dropped("nodes", dropped_nodes, "not in the largest part where all reach all", mode),
    )
    return Graph(
        mode=mode,
        matrix=matrix[nodes][:, nodes].tocsr(),
        nodes=nodes,
        xy=streets.xy[nodes],
        stops=stopping[nodes],
        access_kmh=access_speed(mode, speeds_kmh),
        dropped=tuple(d for d in (*streets.dropped, *dropped) if d.count),
        warnings=_network_warnings(streets, mode),
    )


def _fastest_of_parallel(
    tail: NDArray[np.int32], head: NDArray[np.int32], minutes: NDArray[np.float64], n: int
) -> tuple[csr_array, int]:
    """The matrix of the fastest edge between any two nodes, and the number of edges dropped."""
    from scipy.sparse import csr_array

    order = np.lexsort((minutes, head, tail))
    tail, head, minutes = tail[order], head[order], minutes[order]
    first = np.ones(len(tail), bool)
    first[1:] = (tail[1:] != tail[:-1]) | (head[1:] != head[:-1])
    matrix = csr_array((minutes[first], (tail[first], head[first])), shape=(n, n))
    return matrix, int((~first).sum())


def _no_edges(streets: Streets, mode: str) -> Finding:
    file = str(streets.source.get("file", "streets"))
    return error(file, "no edge is open to this mode", "ask for other modes", column=mode)
