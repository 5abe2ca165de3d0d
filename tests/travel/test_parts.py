"""Cached minutes in chunks: stopped, resumed, extended, distributed, and never partly written."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from placeopt.place import Place
from placeopt.travel import Step, measure
from placeopt.travel.cache import CHUNK_ZONES, MinutesCache
from placeopt.travel.engines import ENGINES
from placeopt.travel.fill_missing import cached_minutes, missing_blocks
from placeopt.travel.networks import NetworkFiles, make_searches
from placeopt.travel.origins import read_origins
from tests.support.places import place_of
from tests.travel.small import write_streets


def town(folder: Path, zones: int = 200, buildings: int = 300) -> Place:
    """Points scattered over a grid of streets 3 km wide."""
    side = 13
    nodes = {
        f"{i}.{j}": (4e5 + 250.0 * i, 3e5 + 250.0 * j) for i in range(side) for j in range(side)
    }
    edges = [
        {"u": f"{i}.{j}", "v": f"{i + a}.{j + b}", "highway": "residential", "length_m": 250.0}
        for i in range(side) for j in range(side) for a, b in ((1, 0), (0, 1))
        if i + a < side and j + b < side
    ]  # fmt: skip
    if not (folder / "streets.gpkg").exists():
        write_streets(folder / "streets.gpkg", nodes, edges)
    rng = np.random.default_rng(3)
    from_xy, to_xy = rng.uniform(0, 3000, (zones, 2)), rng.uniform(0, 3000, (buildings, 2))
    return place_of(
        {
            "zone_id": [f"z{i}" for i in range(zones)],
            "x_m": 4e5 + from_xy[:, 0],
            "y_m": 3e5 + from_xy[:, 1],
            "population": [10.0] * zones,
        },
        {
            "building_id": [f"b{i}" for i in range(buildings)],
            "kind": ["hub"] * buildings,
            "x_m": 4e5 + to_xy[:, 0],
            "y_m": 3e5 + to_xy[:, 1],
        },
        folder,
    )


class CtrlC:
    """Stops the measurement after some steps."""

    def __init__(self, after: int):
        self.left = after

    def __call__(self, step: Step) -> None:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def test_a_stopped_measurement_resumes(tmp_path: Path) -> None:
    place = town(tmp_path)
    whole = measure(town(tmp_path), "streets", ["walk"], cutoff_minutes=30)
    for kept in (tmp_path / ".placeopt").glob("*/*"):
        kept.unlink()
    with pytest.raises(KeyboardInterrupt):
        measure(place, "streets", ["walk"], cutoff_minutes=30, progress=CtrlC(after=2))
    steps: list[Step] = []
    rest = measure(place, "streets", ["walk"], cutoff_minutes=30, progress=steps.append)
    # 200 zones are fewer than 300 buildings: pieces of 64 zones x all buildings; two were kept.
    assert steps[0].done == 3 * CHUNK_ZONES * 300
    assert steps[-1].done == steps[-1].total == 200 * 300
    assert np.array_equal(rest.matrix("walk"), whole.matrix("walk"), equal_nan=True)


def test_an_unfinished_chunk_does_not_count(tmp_path: Path) -> None:
    parts = MinutesCache(tmp_path / "kept", 2)
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/one.unfinished").write_bytes(b"PAR1 and no more")
    assert not parts.covered(["b"]).any()
    minutes, worst = parts.load(["b"])
    assert np.isnan(minutes).all()
    assert worst is None


def test_only_what_is_missing_is_computed_after_buildings_change(tmp_path: Path) -> None:
    steps: list[Step] = []
    measure(town(tmp_path, buildings=20), "streets", ["walk"])
    place = town(tmp_path, buildings=20)
    moved = place.buildings.copy()
    moved.loc[3, "x_m"] += 50.0
    changed = place.replace(buildings=moved)
    times = measure(changed, "streets", ["walk"], progress=steps.append)
    assert [step.total - step.done for step in steps] == [0]
    pieces = missing_blocks(MinutesCache(tmp_path / "none", 200), ["a", "b", "a"])
    assert [list(piece.columns) for piece in pieces] == [[0, 1]], "one spot is measured once"
    fresh = measure(town_elsewhere(changed), "streets", ["walk"], file=tmp_path / "streets.gpkg")
    assert np.array_equal(times.matrix("walk"), fresh.matrix("walk"), equal_nan=True)


def town_elsewhere(place: Place) -> Place:
    """The same place without a folder: computed without a cache."""
    from dataclasses import replace

    return replace(place, folder=None)


@pytest.mark.parametrize("engine", [name for name in ENGINES if name != "scipy"])
def test_engines_agree(engine: str, tmp_path: Path) -> None:
    pytest.importorskip(engine, reason=f"needs the optional package {engine}")
    place = town(tmp_path, zones=40, buildings=30)
    for cutoff in (12.0, 120.0):
        ours = measure(place, "streets", ["walk", "drive"], cutoff)
        theirs = measure(place, "streets", ["walk", "drive"], cutoff, engine=engine)
        for mode in ("walk", "drive"):
            assert theirs.matrix(mode) == pytest.approx(ours.matrix(mode), abs=0.002, nan_ok=True)


def test_dask_workers_give_the_same_minutes(tmp_path: Path) -> None:
    """Blocks distributed over Dask workers give the same minutes."""
    distributed = pytest.importorskip(
        "distributed", reason="needs the optional package distributed"
    )
    from placeopt.travel.parallel import on_dask

    place = town(tmp_path)
    alone = measure(town_elsewhere(place), "streets", ["walk"], file=tmp_path / "streets.gpkg")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        shared_out = measure(place, "streets", ["walk"], workers=on_dask(client))
    assert np.array_equal(alone.matrix("walk"), shared_out.matrix("walk"), equal_nan=True)


def test_a_search_can_be_sent_to_another_process(tmp_path: Path) -> None:
    place = town(tmp_path, zones=5, buildings=4)
    search = make_searches(place, ["walk"], None, NetworkFiles(tmp_path / "streets.gpkg"))["walk"]
    a = place.zones[["x_m", "y_m"]].to_numpy(float)
    b = place.buildings[["x_m", "y_m"]].to_numpy(float)
    there = pickle.loads(pickle.dumps(search))
    assert np.array_equal(there(a, b, 60.0)[0], search(a, b, 60.0)[0], equal_nan=True)


def test_sample_points_give_weighted_mean_and_worst_minutes(
    tmp_path: Path,
) -> None:
    """A zone with sample points has their weighted mean and keeps the worst."""
    town(tmp_path)
    # Zone z's points are 0 m and 500 m east of the hub on one street: 0 and 6.25 minutes on foot.
    # Three in four people live at the first: 0.75 x 0 + 0.25 x 6.25 = 1.5625; the worst is 6.25.
    place = place_of(
        {"zone_id": ["z"], "x_m": [4e5], "y_m": [3e5], "population": [40]},
        {"building_id": ["hub"], "kind": ["hub"], "x_m": [4e5], "y_m": [3e5]},
        tmp_path,
    )
    (tmp_path / "zone_points.csv").write_text(
        "zone_id,x_m,y_m,weight\nz,400000,300000,30\nz,400500,300000,10\n"
    )
    times = measure(place, "streets", ["walk"])
    assert times.matrix("walk")[0, 0] == pytest.approx(1.5625)
    assert times.worst["walk"][0, 0] == pytest.approx(6.25)
    (tmp_path / "zone_points.csv").write_text(
        "zone_id,x_m,y_m,weight\nz,400000,300000,30\nz,400500,303000,10\n"
    )
    # The second point is 3,500 m from the hub, 43.75 minutes: beyond 40 the zone is not reached.
    assert np.isnan(measure(place, "streets", ["walk"], 40.0).matrix("walk")[0, 0])


def test_faulty_sample_points_are_listed_all_at_once(tmp_path: Path) -> None:
    from placeopt.base.errors import InputError

    place = town(tmp_path, zones=2)
    file = tmp_path / "points.csv"
    file.write_text("zone_id,x_m,y_m,weight\nz0,400000,300000,0\nelsewhere,400000,300000,5\n")
    with pytest.raises(InputError) as error:
        read_origins(place, file)
    assert [(f.row, f.value) for f in error.value.findings] == [(3, None), (2, None), (None, "z1")]
    file.write_text("zone,x,y\n")
    with pytest.raises(InputError, match="weight is not there"):
        read_origins(place, file)


def test_a_place_without_a_folder_keeps_nothing(tmp_path: Path) -> None:
    place = town(tmp_path, zones=5, buildings=4)
    search = make_searches(place, ["walk"], None, NetworkFiles(tmp_path / "streets.gpkg"))["walk"]
    found = cached_minutes(town_elsewhere(place), read_origins(place), "walk", {}, search, 60.0)
    assert np.isfinite(found.minutes).any()
    assert not (tmp_path / ".placeopt").exists()
