"""A real county: street minutes against an independent Dijkstra by networkx."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
from scipy.spatial import cKDTree

from placeopt.place import Place
from placeopt.travel import TravelTimes, measure, residents_within
from tests.travel.small import rutland

METRES_A_MINUTE = 80.0  # 4.8 km/h from the point to the street, in every mode


@pytest.fixture(scope="module")
def place(shared: Path) -> Place:
    return rutland(shared)


@pytest.fixture(scope="module")
def times(place: Place, shared: Path) -> TravelTimes:
    file = shared / "places/rutland/rutland.gpkg"
    return measure(place, "streets", ["walk", "drive"], cutoff_minutes=600, file=file)


@pytest.fixture(scope="module")
def independent(place: Place, shared: Path) -> dict[str, np.ndarray]:
    """(zones, buildings) minutes by networkx from the raw layers, independent of placeopt."""
    file = shared / "places/rutland/rutland.gpkg"
    edges = gpd.read_file(file, layer="road_edges")
    nodes = gpd.read_file(file, layer="road_nodes").set_index("node_id")
    minutes = {}
    for mode in ("walk", "drive"):
        graph = nx.DiGraph()
        for edge in edges[edges[mode]].itertuples():
            ahead = mode == "walk" or edge.oneway >= 0
            back = mode == "walk" or edge.oneway <= 0
            for a, b, usable in ((edge.u, edge.v, ahead), (edge.v, edge.u, back)):
                weight = getattr(edge, f"{mode}_min")
                if usable and weight < graph.get_edge_data(a, b, {"w": np.inf})["w"]:
                    graph.add_edge(a, b, w=weight)
        graph = graph.subgraph(max(nx.strongly_connected_components(graph), key=len))
        ids = np.array(graph.nodes)
        points = nodes.loc[ids].geometry
        tree = cKDTree(np.column_stack([points.x, points.y]))
        from_m, from_at = tree.query(place.zones[["x_m", "y_m"]])
        to_m, to_at = tree.query(place.buildings[["x_m", "y_m"]])
        rows = []
        for node, metres in zip(ids[from_at], from_m, strict=True):
            reached = nx.single_source_dijkstra_path_length(graph, node, weight="w")
            path = np.array([reached[other] for other in ids[to_at]])
            rows.append(metres / METRES_A_MINUTE + path + to_m / METRES_A_MINUTE)
        minutes[mode] = np.array(rows)
    return minutes


def test_500_random_pairs_agree_with_networkx(
    times: TravelTimes, independent: dict[str, np.ndarray]
) -> None:
    rng = np.random.default_rng(1)
    pairs = rng.integers(0, times.matrix("walk").shape, (500, 2))
    for mode in ("walk", "drive"):
        ours, theirs = times.matrix(mode), independent[mode]
        assert ours[*pairs.T] == pytest.approx(theirs[*pairs.T], abs=1e-6)


def test_residents_within_20_minutes_agree_with_networkx(
    place: Place, times: TravelTimes, independent: dict[str, np.ndarray]
) -> None:
    """Residents within 20 minutes of a library agree with networkx."""
    library = (place.buildings["kind"] == "library").to_numpy()
    ids = place.buildings.loc[library, "building_id"]
    assert len(ids) > 0
    for mode in ("walk", "drive"):
        ours = residents_within(place, times, ids, minutes=20, modes=[mode])["within"].item()
        near = independent[mode][:, library].min(axis=1) <= 20
        assert ours == place.zones.loc[near, "population"].sum()
        assert 0 < ours <= place.zones["population"].sum()
