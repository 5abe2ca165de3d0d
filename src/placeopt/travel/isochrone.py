"""Areas within t minutes of a set of buildings, as polygons for maps.

Where one can be after t minutes on the way to (or from) the nearest building: the streets reached
and a strip beside them as wide as the minutes left allow at the access speed, at most
``MAX_STRIP_M``. Areas of later bands contain those of earlier ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from placeopt.travel.reach import band_names
from placeopt.travel.speeds import metres_per_minute
from placeopt.travel.streets.arrays import Streets
from placeopt.travel.streets.graph import Graph, graph_of
from placeopt.travel.streets.paths import snap

if TYPE_CHECKING:
    import geopandas as gpd

MAX_STRIP_M = 200.0
MIN_STRIP_M = 40.0
SMOOTHING_M = 30.0  # corners rounded and slits closed up to this


def isochrones(
    streets: Streets,
    buildings_xy: NDArray[np.float64],
    crs: str,
    *,
    mode: str = "walk",
    edges: Sequence[float] = (10.0, 20.0, 30.0),
    speeds_kmh: Mapping[str, float] | None = None,
) -> gpd.GeoDataFrame:
    """One polygon for each number of minutes: columns mode, minutes, area_km2, geometry.

    ``buildings_xy`` (buildings, 2) metres in ``crs``; travel is towards the buildings.
    """
    import geopandas as gpd

    band_names(edges)  # they must rise
    graph = graph_of(streets, mode, speeds_kmh)
    left = minutes_to_nearest(graph, buildings_xy, max(edges))
    shapes = [_area(graph, left, minutes) for minutes in edges]
    return gpd.GeoDataFrame(
        {
            "mode": mode,
            "minutes": list(edges),
            "area_km2": [shape.area / 1e6 for shape in shapes],
        },
        geometry=shapes,
        crs=crs,
    )


def minutes_to_nearest(
    graph: Graph, buildings_xy: NDArray[np.float64], cutoff_minutes: float
) -> NDArray[np.float64]:
    """(nodes,) minutes from each node to the nearest building; infinite beyond the cut-off.

    One search for all buildings: they hang on the reversed network by their access legs.
    """
    from scipy.sparse import csr_array, hstack, vstack
    from scipy.sparse.csgraph import dijkstra

    at = snap(graph, buildings_xy)
    nodes = len(graph.nodes)
    count = len(at.node)
    least = np.maximum(at.minutes, 1e-9)
    legs = csr_array((least, (np.arange(count), at.node)), shape=(count, nodes))
    top = hstack([graph.reversed, csr_array((nodes, count))])
    whole = vstack([top, hstack([legs, csr_array((count, count))])]).tocsr()
    sources = nodes + np.arange(count)
    found = dijkstra(whole, indices=sources, limit=cutoff_minutes, min_only=True)
    return found[:nodes]


def _area(graph: Graph, minutes_there: NDArray[np.float64], minutes: float) -> Any:
    """The streets reached within ``minutes`` with their strips."""
    import shapely

    rest = minutes - minutes_there
    reached = np.flatnonzero(rest >= 0)
    pace = metres_per_minute(graph.access_kmh)
    width = np.clip(np.clip(rest[reached], 0, None) * pace, MIN_STRIP_M, MAX_STRIP_M)
    rounds = shapely.buffer(shapely.points(graph.xy[reached]), width, quad_segs=4)
    arcs = graph.matrix.tocoo()
    tail, head = arcs.coords
    inside = (rest[tail] >= 0) & (rest[head] >= 0) & (tail < head)
    ends = np.stack([graph.xy[tail[inside]], graph.xy[head[inside]]], axis=1)
    strips = np.clip(np.minimum(rest[tail], rest[head])[inside] * pace, MIN_STRIP_M, MAX_STRIP_M)
    lines = shapely.buffer(shapely.linestrings(ends), strips, quad_segs=4)
    whole = shapely.union_all(np.concatenate([rounds, lines]))
    return shapely.buffer(shapely.buffer(whole, SMOOTHING_M), -SMOOTHING_M).simplify(5.0)
