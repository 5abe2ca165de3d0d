"""The network of one mode: a sparse matrix of minutes over the nodes that one can use and reach.

Cleaning: of several edges between the same two nodes the fastest counts; of the network only the
largest part counts in which every node reaches every other (for drivers: strongly connected), so
that a point never snaps to an island or to a one-way trap. What was left out is counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from placeopt.base.errors import Finding, InputError, UsageError
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

MIN_EDGE_MINUTES = 1e-6  # an edge without length still joins its ends; a stored 0 would vanish


@dataclass(frozen=True)
class Graph:
    """The cleaned network of one mode.

    ``matrix`` (nodes, nodes) minutes from row to column; ``nodes`` (nodes,) positions in the
    streets; ``xy`` (nodes, 2) metres; ``stops`` (nodes,) whether a journey may start or end
    there; ``access_kmh`` speed from a point to its node; ``dropped`` what was left out.
    """

    mode: str
    matrix: csr_array
    nodes: NDArray[np.intp]
    xy: NDArray[np.float64]
    stops: NDArray[np.bool_]
    access_kmh: float
    dropped: tuple[Dropped, ...]
    said: tuple[tuple[str, str], ...] = ()  # what is odd about it, and what to do
    kept: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)  # by engines

    def __getstate__(self) -> dict[str, Any]:
        """What goes to another process: the network without what engines keep with it."""
        return {**self.__dict__, "kept": {}}

    @cached_property
    def reversed(self) -> csr_array:
        """The matrix of the way back, for searches from the destinations."""
        return self.matrix.T.tocsr()

    @cached_property
    def tree(self) -> Any:
        """Finds the nearest of the nodes where a journey may start or end."""
        from scipy.spatial import cKDTree

        return cKDTree(self.xy[self.stops])


def graph_of(streets: Streets, mode: str, speeds_kmh: Mapping[str, float] | None = None) -> Graph:
    """The network of ``mode``; ``UsageError`` where the streets know nothing of the mode."""
    if mode not in streets.direction:
        raise UsageError(
            f"the streets have no edges for mode {mode!r}; they have {', '.join(streets.modes)}"
        )
    return _cleaned(streets, mode, edge_minutes(streets, mode, speeds_kmh), speeds_kmh)


def metres_graph(streets: Streets, mode: str) -> Graph:
    """The network of ``mode`` with metres in place of minutes: for road distances."""
    return _cleaned(streets, mode, streets.length_m, None)


def edge_minutes(
    streets: Streets, mode: str, speeds_kmh: Mapping[str, float] | None = None
) -> NDArray[np.float64]:
    """(edges,) minutes by ``mode``.

    First that speaks: the user's speed for the class, the user's speed for the mode, minutes in
    the source, speed in the source (driving), the class's speed, the mode's speed. Driving times
    from stated limits and classes are multiplied by ``CLASS_SPEED_DELAY``.
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
    """(fault, remedy) where the source lets people walk along motorways; [] where it does not."""
    fast = np.isin(streets.road_class.astype(str), CLASSES_WITHOUT_STOPS)
    walked = fast & (streets.direction.get("walk", np.zeros(len(fast), np.int8)) > 0)
    if not walked.any():
        return []
    km = streets.length_m[walked].sum() / 1000
    return [
        (
            f"{int(walked.sum())} motorway edges ({km:,.1f} km) are open to walking",
            "close them in the street file's walk column",
        )
    ]


def _said(streets: Streets, mode: str) -> tuple[tuple[str, str], ...]:
    """What a person should know of a network: (fault, remedy)."""
    said = motorway_walking(streets) if mode == "walk" else []
    if streets.source.get("kind") == openroads.KIND:
        said.append((openroads.LIMITATIONS, "use an OpenStreetMap extract where they matter"))
    return tuple(said)


def _cleaned(
    streets: Streets,
    mode: str,
    weights: NDArray[np.float64],
    speeds_kmh: Mapping[str, float] | None,
) -> Graph:
    from scipy.sparse.csgraph import connected_components

    direction = streets.direction[mode]
    ahead, back = (direction & FORWARD) > 0, (direction & BACKWARD) > 0
    tail = np.concatenate([streets.tail[ahead], streets.head[back]])
    head = np.concatenate([streets.head[ahead], streets.tail[back]])
    minutes = np.maximum(np.concatenate([weights[ahead], weights[back]]), MIN_EDGE_MINUTES)
    if not len(tail):
        raise InputError([_no_edges(streets, mode)])
    n = len(streets.xy)
    matrix, parallel = _fastest_of_parallel(tail, head, minutes, n)
    _, part = connected_components(matrix, directed=True, connection="strong")
    used = np.zeros(n, bool)
    used[tail] = used[head] = True
    largest = np.bincount(part[used], minlength=part.max() + 1).argmax()
    nodes = np.flatnonzero(used & (part == largest))
    left_out = int(used.sum()) - len(nodes)
    stopping = np.zeros(n, bool)
    for ends, open_edges in ((streets.tail, direction > 0), (streets.head, direction > 0)):
        here = open_edges & ~np.isin(streets.road_class.astype(str), CLASSES_WITHOUT_STOPS)
        stopping[ends[here]] = True
    dropped = (
        Dropped("edges", parallel, "run beside a faster edge between the same nodes", mode),
        Dropped("nodes", left_out, "not in the largest part where all reach all", mode),
    )
    return Graph(
        mode=mode,
        matrix=matrix[nodes][:, nodes].tocsr(),
        nodes=nodes,
        xy=streets.xy[nodes],
        stops=stopping[nodes],
        access_kmh=access_speed(mode, speeds_kmh),
        dropped=tuple(d for d in (*streets.dropped, *dropped) if d.count),
        said=_said(streets, mode),
    )


def _fastest_of_parallel(
    tail: NDArray[np.int32], head: NDArray[np.int32], minutes: NDArray[np.float64], n: int
) -> tuple[csr_array, int]:
    """The matrix with, between two nodes, the fastest edge; and how many others there were."""
    from scipy.sparse import csr_array

    order = np.lexsort((minutes, head, tail))
    tail, head, minutes = tail[order], head[order], minutes[order]
    first = np.ones(len(tail), bool)
    first[1:] = (tail[1:] != tail[:-1]) | (head[1:] != head[:-1])
    matrix = csr_array((minutes[first], (tail[first], head[first])), shape=(n, n))
    return matrix, int((~first).sum())


def _no_edges(streets: Streets, mode: str) -> Finding:
    file = str(streets.source.get("file", "streets"))
    return Finding(
        "error", file, None, mode, None, "no edge is open to this mode", "ask for other modes"
    )
