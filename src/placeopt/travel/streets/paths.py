"""Shortest paths between points over the network of one mode, in minutes.

minutes[i,j] = access[i] + shortest[node(i), node(j)] + access[j]
where node() is the nearest node at which a journey may start or end, and access the straight leg
to it at the mode's access speed. The search is Dijkstra's algorithm by scipy, from the side with
fewer nodes (backwards if these are the destinations), in blocks of bounded memory, up to the
cut-off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from placeopt.travel.checks import MAX_SNAP_M, coordinate_key
from placeopt.travel.engines import make_search
from placeopt.travel.speeds import metres_per_minute
from placeopt.travel.streets.graph import Graph

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry


BLOCK_BYTES = 128 * 2**20  # memory of one block of searches


@dataclass(frozen=True)
class Snapped:
    """Points on a network.

    Attributes:
        node: (points,) node position.
        metres: (points,) length of the straight leg to the node.
        minutes: (points,) the leg at the mode's access speed.
    """

    node: NDArray[np.intp]
    metres: NDArray[np.float64]
    minutes: NDArray[np.float64]


def snap(graph: Graph, xy: NDArray[np.float64]) -> Snapped:
    """Snap (points, 2) points to the nearest node at which a journey may start or end."""
    metres, position = graph.tree.query(xy)
    return Snapped(
        node=np.flatnonzero(graph.stops)[position],
        metres=metres,
        minutes=metres / metres_per_minute(graph.access_kmh),
    )


def minutes_between(
    graph: Graph,
    origins: Snapped,
    destinations: Snapped,
    cutoff_minutes: float,
    engine: str = "scipy",
) -> NDArray[np.float64]:
    """Minutes between snapped points.

    Args:
        graph: The network.
        origins: The origins.
        destinations: The destinations.
        cutoff_minutes: Longer journeys are NaN.
        engine: The engine (see ``engines``).

    Returns:
        (origins, destinations) minutes, NaN beyond the cut-off or without a path.
    """
    backwards = len(np.unique(destinations.node)) < len(np.unique(origins.node))
    sources, targets = (destinations, origins) if backwards else (origins, destinations)
    limit = max(cutoff_minutes - float(targets.minutes.min(initial=np.inf)), 0.0)
    if not np.isfinite(limit):
        limit = np.inf
    search = make_search(engine, graph, backwards)
    result = np.empty((len(sources.node), len(targets.node)))
    step = max(1, BLOCK_BYTES // (8 * len(graph.nodes)))
    order = np.argsort(sources.node, kind="stable")  # points on one node share one search
    for start in range(0, len(order), step):
        chosen = order[start : start + step]
        nodes, row_of = np.unique(sources.node[chosen], return_inverse=True)
        shortest = search(nodes, targets.node, limit)[row_of]
        result[chosen] = sources.minutes[chosen][:, None] + shortest + targets.minutes[None, :]
    result[~(result <= cutoff_minutes)] = np.nan
    return result.T if backwards else result


class StreetSearch:
    """A search over the network of one mode, which is made when first needed."""

    from_zones = False

    def __init__(self, network: Callable[[], Graph], engine: str = "scipy"):
        from placeopt.travel.engines import require_engine

        require_engine(engine)
        self._network: Callable[[], Graph] | None = network
        self._engine = engine

    @cached_property
    def graph(self) -> Graph:
        assert self._network is not None
        return self._network()

    def __getstate__(self) -> dict[str, Any]:
        """The state sent to another process: the network, not the function that makes it."""
        return {"graph": self.graph, "_network": None, "_engine": self._engine}

    def __call__(
        self, from_xy: NDArray[np.float64], to_xy: NDArray[np.float64], cutoff_minutes: float
    ) -> tuple[NDArray[np.float64], None]:
        origins, destinations = snap(self.graph, from_xy), snap(self.graph, to_xy)
        return minutes_between(
            self.graph, origins, destinations, cutoff_minutes, self._engine
        ), None

    def facts(self) -> dict[str, Any]:
        """Facts about the network, for the provenance."""
        return {
            "nodes": len(self.graph.nodes),
            "access_kmh": self.graph.access_kmh,
            "dropped": [f"{d.count} {d.what}: {d.why}" for d in self.graph.dropped],
        }

    def notes(
        self, origins_xy: NDArray[np.float64], buildings_xy: NDArray[np.float64]
    ) -> dict[str, Any]:
        """Notes for later checks: far points, the network's edge and its peculiarities."""

        return {
            **network_notes(self.graph, origins_xy, buildings_xy),
            "said": list(self.graph.warnings),
        }


def network_notes(
    graph: Any, origins_xy: NDArray[np.float64], buildings_xy: NDArray[np.float64]
) -> dict[str, Any]:
    """Notes for later checks: points far from the network, and its edge."""
    from placeopt.travel.streets.paths import snap

    notes: dict[str, Any] = {"edge": network_area(graph.xy).wkt}
    for table, xy in (("zones", origins_xy), ("buildings", buildings_xy)):
        metres = snap(graph, xy).metres
        notes[f"far_{table}"] = {
            coordinate_key(*xy[i]): float(metres[i]) for i in np.flatnonzero(metres > MAX_SNAP_M)
        }
    return notes


def network_area(xy: NDArray[np.float64]) -> BaseGeometry:
    """The area that a network covers: a concave hull, to 100 m."""
    from shapely import MultiPoint, concave_hull

    coarse = np.unique(np.round(xy / 100.0) * 100.0, axis=0)
    return concave_hull(MultiPoint(coarse), ratio=0.1).buffer(0).simplify(50.0)
