"""Synthetic streets for a synthetic place, for experiments only.

Junctions are scattered around every zone's point, denser where zones are close, and joined by a
Gabriel graph: two are joined if no third lies in the circle between them. The shortest paths
between the largest zones become main roads; some short streets are footpaths or one-way. Streets
are 1.05 to 1.3 times as long as the straight line.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placeopt.base.arrays import Floats
from placeopt.place import Place
from placeopt.travel.fill_missing import coordinates_of

if TYPE_CHECKING:
    from scipy.sparse import csr_array

JUNCTIONS_PER_ZONE = 14  # round each zone's point
TOWNS = 12  # the number of largest zones joined by main roads
MAX_SHORT_STREET_M = 350.0


def write_synthetic_streets(place: Place, file: Path, seed: int = 1) -> int:
    """Write streets for a place to ``file`` (GeoPackage, layers edges and nodes).

    Returns:
        The number of edges.
    """
    import geopandas as gpd
    import shapely

    rng = np.random.default_rng(seed)
    xy = _junctions(place, rng)
    tail, head = _gabriel(xy)
    length = np.hypot(*(xy[tail] - xy[head]).T)
    is_main = _main_roads(place, xy, tail, head, length)
    is_short = (length < MAX_SHORT_STREET_M) & ~is_main & (_degrees(tail, head)[tail] > 2)
    uniform = rng.random(len(tail))
    road_class = np.where(length > 1500, "unclassified", "residential").astype(object)
    road_class[is_main] = "primary"
    road_class[is_short & (uniform < 0.06)] = "footway"
    edges = gpd.GeoDataFrame(
        {
            "u": tail,
            "v": head,
            "highway": road_class,
            "oneway": np.where(is_short & (uniform > 0.96), "yes", "no"),
            "length_m": np.round(length * rng.uniform(1.05, 1.3, len(tail)), 1),
        },
        geometry=shapely.linestrings(np.stack([xy[tail], xy[head]], axis=1)),
        crs=place.info.crs,
    )
    nodes = gpd.GeoDataFrame(
        {"node_id": np.arange(len(xy))}, geometry=shapely.points(xy), crs=place.info.crs
    )
    file.unlink(missing_ok=True)
    nodes.to_file(file, layer="nodes")
    edges.to_file(file, layer="edges")
    return len(edges)


def _junctions(place: Place, rng: np.random.Generator) -> Floats:
    """(junctions, 2) metres, at least 40 m apart."""
    from scipy.spatial import cKDTree

    zones = coordinates_of(place, "zones")
    spacing = cKDTree(zones).query(zones, k=min(3, len(zones)))[0][:, -1]
    offsets = (
        rng.normal(size=(len(zones), JUNCTIONS_PER_ZONE, 2))
        * np.maximum(spacing, 100.0)[:, None, None]
    )
    candidates = np.vstack([zones, (zones[:, None] + 0.5 * offsets).reshape(-1, 2)])
    pairs = cKDTree(candidates).query_pairs(40.0, output_type="ndarray")
    return np.round(np.delete(candidates, np.unique(pairs.max(axis=1)) if len(pairs) else [], 0), 1)


def _gabriel(xy: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(edges,) tails and heads of the Gabriel graph."""
    from scipy.spatial import Delaunay, cKDTree

    corners = Delaunay(xy).simplices
    pairs = np.sort(np.vstack([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [0, 2]]]), axis=1)
    pairs = np.unique(pairs, axis=0)
    middle = (xy[pairs[:, 0]] + xy[pairs[:, 1]]) / 2
    radius = np.hypot(*(xy[pairs[:, 0]] - xy[pairs[:, 1]]).T) / 2
    nearest = cKDTree(xy).query(middle)[0]
    kept = pairs[nearest >= radius - 1e-6]
    return kept[:, 0], kept[:, 1]


def _main_roads(
    place: Place, xy: Floats, tail: NDArray[np.intp], head: NDArray[np.intp], length: Floats
) -> NDArray[np.bool_]:
    """(edges,) whether an edge lies on a shortest path between two of the largest zones."""
    from scipy.sparse.csgraph import dijkstra
    from scipy.spatial import cKDTree

    largest = np.argsort(-place.zones["population"].to_numpy(float))[:TOWNS]
    towns = cKDTree(xy).query(coordinates_of(place, "zones")[largest])[1]
    predecessors = dijkstra(
        _network(len(xy), tail, head, length), directed=False, indices=towns,
        return_predecessors=True,
    )[1]  # fmt: skip
    used = set[tuple[int, int]]()
    for row in predecessors:
        for town in towns:
            node = int(town)
            while row[node] >= 0:
                used.add((min(node, int(row[node])), max(node, int(row[node]))))
                node = int(row[node])
    return np.array([(a, b) in used for a, b in zip(tail.tolist(), head.tolist(), strict=True)])


def _network(
    nodes: int, tail: NDArray[np.intp], head: NDArray[np.intp], length: Floats
) -> csr_array:
    from scipy.sparse import csr_array

    # A power below 1 makes one long edge cheaper than several short ones: main roads bypass
    # junctions.
    return csr_array((length**0.9, (tail, head)), shape=(nodes, nodes))


def _degrees(tail: NDArray[np.intp], head: NDArray[np.intp]) -> NDArray[np.intp]:
    return np.bincount(np.concatenate([tail, head]))
