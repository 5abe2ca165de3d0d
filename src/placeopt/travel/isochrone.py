"""Isochrones: the areas within t minutes of a set of buildings, as polygons for maps.

An isochrone consists of the streets reached within t minutes and a strip beside them, as wide as
the remaining minutes allow at the access speed, at most ``MAX_STRIP_M``. Larger isochrones contain
smaller ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from placeopt.travel.reach import band_names
from placeopt.travel.speeds import metres_per_minute
from placeopt.travel.streets.arrays import Streets
from placeopt.travel.streets.graph import Graph, make_graph
from placeopt.travel.streets.paths import snap

if TYPE_CHECKING:
    import geopandas as gpd

MAX_STRIP_M = 200.0
MIN_STRIP_M = 40.0
SMOOTHING_M = 30.0  # corners are rounded and slits closed up to this width


def isochrones(
    streets: Streets,
    buildings_xy: NDArray[np.float64],
    crs: str,
    *,
    mode: str = "walk",
    edges: Sequence[float] = (10.0, 20.0, 30.0),
    speeds_kmh: Mapping[str, float] | None = None,
) -> gpd.GeoDataFrame:
    """Return one polygon for each number of minutes; travel is towards the buildings.

    Args:
        streets: The street network.
        buildings_xy: (buildings, 2) metres in ``crs``.
        crs: The coordinate system.
        mode: The mode of travel.
        edges: Rising numbers of minutes.
        speeds_kmh: Speeds that replace the defaults (see ``speeds``).

    Returns:
        Columns mode, minutes, area_km2, geometry.
    """
    import geopandas as gpd

    band_names(edges)  # they must rise
    graph = make_graph(streets, mode, speeds_kmh)
    minutes_to_building = minutes_to_nearest(graph, buildings_xy, max(edges))
    shapes = [_area(graph, minutes_to_building, minutes) for minutes in edges]
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

    One search covers all buildings: their access legs are added to the reversed network.
    """
    from scipy.sparse import csr_array, hstack, vstack
    from scipy.sparse.csgraph import dijkstra

    snapped = snap(graph, buildings_xy)
    nodes = len(graph.nodes)
    count = len(snapped.node)
    leg_minutes = np.maximum(snapped.minutes, 1e-9)
    legs = csr_array((leg_minutes, (np.arange(count), snapped.node)), shape=(count, nodes))
    network_rows = hstack([graph.reversed, csr_array((nodes, count))])
    extended = vstack([network_rows, hstack([legs, csr_array((count, count))])]).tocsr()
    sources = nodes + np.arange(count)
    found: NDArray[np.float64] = dijkstra(
        extended, indices=sources, limit=cutoff_minutes, min_only=True
    )
    return found[:nodes]


def _area(graph: Graph, minutes_there: NDArray[np.float64], minutes: float) -> Any:
    """The polygon of the streets reached within ``minutes`` with their strips."""
    import shapely

    remaining = minutes - minutes_there
    reached = np.flatnonzero(remaining >= 0)
    metres_per_minute_access = metres_per_minute(graph.access_kmh)
    width = np.clip(
        np.clip(remaining[reached], 0, None) * metres_per_minute_access, MIN_STRIP_M, MAX_STRIP_M
    )
    circles = shapely.buffer(shapely.points(graph.xy[reached]), width, quad_segs=4)
    arcs = graph.matrix.tocoo()
    tail, head = arcs.coords
    inside = (remaining[tail] >= 0) & (remaining[head] >= 0) & (tail < head)
    ends = np.stack([graph.xy[tail[inside]], graph.xy[head[inside]]], axis=1)
    strips = np.clip(
        np.minimum(remaining[tail], remaining[head])[inside] * metres_per_minute_access,
        MIN_STRIP_M,
        MAX_STRIP_M,
    )
    lines = shapely.buffer(shapely.linestrings(ends), strips, quad_segs=4)
    area = shapely.union_all(np.concatenate([circles, lines]))
    return shapely.buffer(shapely.buffer(area, SMOOTHING_M), -SMOOTHING_M).simplify(5.0)
