"""Shortest minutes between points over the network of one mode.

minutes[i,j] = access[i] + shortest[node(i), node(j)] + access[j]
where node() is the nearest node at which a journey may start or end and access the straight leg
to it at the mode's access speed. The search is Dijkstra's by scipy, from the side with fewer
nodes (backwards if that is the destinations), in blocks that keep within a memory bound, and
stops at the cut-off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from placeopt.travel.graph import Graph
from placeopt.travel.speeds import metres_per_minute

if TYPE_CHECKING:
    from scipy.sparse import csr_array

BLOCK_BYTES = 128 * 2**20  # most that one block of searches may hold in memory

Search = Callable[["csr_array", NDArray[np.intp], float], NDArray[np.float64]]


@dataclass(frozen=True)
class Snapped:
    """Points on a network: ``node`` (points,) node position, ``metres`` (points,) straight leg,
    ``minutes`` (points,) the leg at the mode's access speed."""

    node: NDArray[np.intp]
    metres: NDArray[np.float64]
    minutes: NDArray[np.float64]


def snap(graph: Graph, xy: NDArray[np.float64]) -> Snapped:
    """The nearest node for each point, shape (points, 2), at which a journey may start or end."""
    metres, nearest = graph.tree.query(xy)
    return Snapped(
        node=np.flatnonzero(graph.stops)[nearest],
        metres=metres,
        minutes=metres / metres_per_minute(graph.access_kmh),
    )


def minutes_between(
    graph: Graph,
    origins: Snapped,
    destinations: Snapped,
    cutoff_minutes: float,
    search: Search | None = None,
) -> NDArray[np.float64]:
    """(origins, destinations) minutes, NaN beyond the cut-off or where there is no way."""
    search = search or dijkstra
    backwards = len(np.unique(destinations.node)) < len(np.unique(origins.node))
    near, far = (destinations, origins) if backwards else (origins, destinations)
    matrix = graph.reversed if backwards else graph.matrix
    limit = max(cutoff_minutes - float(far.minutes.min(initial=np.inf)), 0.0)
    if not np.isfinite(limit):
        limit = np.inf
    result = np.empty((len(near.node), len(far.node)))
    step = max(1, BLOCK_BYTES // (8 * matrix.shape[0]))
    order = np.argsort(near.node, kind="stable")  # points on one node share one search
    for start in range(0, len(order), step):
        chosen = order[start : start + step]
        sources, which = np.unique(near.node[chosen], return_inverse=True)
        shortest = search(matrix, sources, limit)[:, far.node][which]
        result[chosen] = near.minutes[chosen][:, None] + shortest + far.minutes[None, :]
    result[~(result <= cutoff_minutes)] = np.nan
    return result.T if backwards else result


class StreetSearch:
    """Minutes over one mode's network; the network is made when something is to be computed."""

    def __init__(self, network: Callable[[], Graph], search: Search | None = None):
        self._network = network
        self._search = search

    @cached_property
    def graph(self) -> Graph:
        return self._network()

    def __call__(
        self, from_xy: NDArray[np.float64], to_xy: NDArray[np.float64], cutoff_minutes: float
    ) -> tuple[NDArray[np.float64], None]:
        origins, destinations = snap(self.graph, from_xy), snap(self.graph, to_xy)
        minutes = minutes_between(self.graph, origins, destinations, cutoff_minutes, self._search)
        return minutes, None

    def facts(self) -> dict[str, Any]:
        """What the network was: for the provenance."""
        return {
            "nodes": len(self.graph.nodes),
            "access_kmh": self.graph.access_kmh,
            "dropped": [f"{d.count} {d.what}: {d.why}" for d in self.graph.dropped],
        }


def dijkstra(matrix: csr_array, sources: NDArray[np.intp], limit: float) -> NDArray[np.float64]:
    """(sources, nodes) shortest minutes, infinite beyond the limit."""
    from scipy.sparse.csgraph import dijkstra as search

    return search(matrix, directed=True, indices=sources, limit=limit)
