"""A real county from its own files to a verified plan, with access checked independently."""

from __future__ import annotations

from html import escape
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
from scipy.spatial import cKDTree

from placeopt.engine import Answer
from placeopt.place import check_files, import_place
from placeopt.run import solve_file

METRES_A_MINUTE = 80.0  # the leg between a point and the street is walked at 4.8 km/h
QUESTION = """
question = "Which public buildings can Rutland do without if libraries and surgeries stay near?"
place = "rutland"
problem = "estate"

[travel]
method = "streets"
modes = ["drive"]

[solver]
gap = 0.01
time_limit_seconds = 60

[[rules]]
rule = "access"
services = ["library", "gp"]
mode = "drive"
minutes = 20
share = 0.85
counts = "nearest"
"""


@pytest.fixture(scope="module")
def home(shared: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rutland")
    mapping = data / "mappings" / "rutland.toml"
    import_place(mapping, folder / "rutland", shared / "places" / "rutland")
    (folder / "question.toml").write_text(QUESTION, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def answer(home: Path) -> Answer:
    return solve_file(home / "question.toml", home / "out")


def test_rutland_checks_clean(home: Path) -> None:
    assert [f for f in check_files(home / "rutland") if f.severity == "error"] == []


def test_rutland_is_solved_and_every_check_holds(answer: Answer) -> None:
    assert answer.plan is not None
    assert answer.verification is not None
    assert answer.verification.ok
    assert answer.result.status == "optimal"
    assert answer.result.gap <= 0.01


@pytest.mark.parametrize("name", ["one-stop", "streams", "trust"])
def test_the_shipped_questions_of_rutland_are_answered(home: Path, data: Path, name: str) -> None:
    for file in (data / "mappings" / "questions").glob("rutland-*.toml"):
        (home / file.name).write_bytes(file.read_bytes())
    answer = solve_file(home / f"rutland-{name}.toml", home / f"out-{name}")
    assert answer.plan is not None
    assert answer.verification is not None
    assert answer.verification.ok


def test_the_page_repeats_every_assumption(answer: Answer, home: Path) -> None:
    page = (home / "out" / "index.html").read_text(encoding="utf-8")
    assert len(answer.place.assumptions) >= 30
    for rule in answer.place.assumptions["rule"]:
        assert escape(rule) in page or rule in page


def test_people_within_20_minutes_of_a_planned_library_agree_with_networkx(
    answer: Answer, shared: Path
) -> None:
    assert answer.plan is not None
    hosts = answer.plan.services.query("service_id == 'library' and after")["building_id"]
    assert len(hosts) > 0
    place, file = answer.place, shared / "places" / "rutland" / "rutland.gpkg"
    edges = gpd.read_file(file, layer="road_edges")
    nodes = gpd.read_file(file, layer="road_nodes").set_index("node_id").geometry
    graph = nx.DiGraph()
    for row in edges[edges["drive"]].itertuples():
        for a, b, usable in ((row.u, row.v, row.oneway >= 0), (row.v, row.u, row.oneway <= 0)):
            if usable and row.drive_min < graph.get_edge_data(a, b, {"w": np.inf})["w"]:
                graph.add_edge(a, b, w=row.drive_min)
    graph = graph.subgraph(max(nx.strongly_connected_components(graph), key=len))
    ids = np.array(graph.nodes)
    points = nodes.loc[ids]
    tree = cKDTree(np.column_stack([points.x, points.y]))
    nearest = np.full(len(place.zones), np.inf)
    zone_m, zone_at = tree.query(place.zones[["x_m", "y_m"]])
    libraries = place.buildings[place.buildings["building_id"].isin(hosts)]
    for x, y in zip(libraries["x_m"], libraries["y_m"], strict=True):
        metres, at = tree.query([x, y])
        reached = nx.single_source_dijkstra_path_length(graph.reverse(), ids[at], weight="w")
        path = np.array([reached[node] for node in ids[zone_at]])
        nearest = np.minimum(nearest, (zone_m + metres) / METRES_A_MINUTE + path)
    people = place.zones["population"].to_numpy()
    expected = people[nearest <= 20].sum()

    access = answer.plan.access.query("service_id == 'library'").set_index("zone_id")
    minutes = access["minutes_after"].reindex(place.zones["zone_id"]).to_numpy()
    assert people[minutes <= 20].sum() == expected
    assert minutes == pytest.approx(nearest, abs=1e-6)
    assert 0 < expected <= people.sum()
