"""The classical reference models against the engine and enumeration."""

from __future__ import annotations

import importlib.util
import itertools
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pulp
import pytest

from placeopt.engine import Status, from_pulp, solve, solve_by_enumeration
from placeopt.engine.settings import Settings
from placeopt.location import locate_stations
from tests.location.test_flow_refuelling import by_driving, instance, tables

ROOT = Path(__file__).resolve().parents[2]


def reference(name: str) -> ModuleType:
    """One of the files in ``models/``, which is no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "models" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


P_MEDIAN = reference("p_median").p_median
K_NEAREST = reference("p_median").k_nearest
MAXIMAL = reference("maximal_covering").maximal_covering
COVERING = reference("set_covering").set_covering
BACKUP = reference("set_covering").backup_covering
REFUELLING = reference("flow_refuelling").flow_refuelling


def small_place(seed: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Weights, minutes with gaps, and p of a tiny random place."""
    rng = np.random.default_rng(seed)
    zones, buildings = rng.integers(1, 8), rng.integers(2, 7)
    minutes = np.round(rng.random((zones, buildings)) * 60, 1)
    minutes[rng.random(minutes.shape) < 0.15] = np.nan
    return rng.integers(0, 50, zones).astype(float), minutes, int(rng.integers(1, buildings + 1))


def best_median(weight: np.ndarray, minutes: np.ndarray, p: int) -> float | None:
    """By trying every choice of p buildings; ``None`` if some zone always reaches none."""
    values = []
    for kept in itertools.combinations(range(minutes.shape[1]), p):
        nearest = np.fmin.reduce(minutes[:, kept], axis=1)
        if not np.isnan(nearest).any():
            values.append(weight @ nearest)
    return min(values, default=None)


def best_covered(weight: np.ndarray, near: np.ndarray, p: int) -> float:
    choices = itertools.combinations(range(near.shape[1]), p)
    return min(-weight @ near[:, kept].any(axis=1) for kept in choices)


def fewest_covering(near: np.ndarray) -> float | None:
    for p in range(near.shape[1] + 1):
        for kept in itertools.combinations(range(near.shape[1]), p):
            if near[:, kept].any(axis=1).all():
                return float(p)
    return None


def agree(model: pulp.LpProblem, best: float | None, *, own_solver: bool) -> None:
    """The engine, enumeration of the compiled model and sometimes PuLP's own solve."""
    arrays = from_pulp(model)
    for result in (solve(arrays, Settings(gap=0)), solve_by_enumeration(arrays)):
        assert result.status is (Status.INFEASIBLE if best is None else Status.OPTIMAL)
        assert result.objective == (None if best is None else pytest.approx(best, abs=1e-6))
    if own_solver:
        model.solve(pulp.HiGHS(msg=False))
        if best is None:
            assert model.status != pulp.LpStatusOptimal
        else:
            assert pulp.value(model.objective) == pytest.approx(best, abs=1e-6)


@pytest.mark.parametrize("seed", range(100))
def test_p_medians_agree(seed: int):
    weight, minutes, p = small_place(seed)
    model = P_MEDIAN(weight, minutes, p)
    agree(model, best_median(weight, minutes, p), own_solver=seed % 5 == 0)


@pytest.mark.parametrize("seed", range(30))
def test_p_medians_of_the_nearest_agree(seed: int):
    weight, minutes, p = small_place(seed)
    k = 1 + seed % minutes.shape[1]
    known = minutes.copy()
    for row in known:  # one by one: a building with k or more that are nearer is not known
        nearer = [(row < far).sum() for far in row]
        row[np.array(nearer) >= k] = np.nan
    agree(P_MEDIAN(weight, K_NEAREST(minutes, k), p), best_median(weight, known, p),
          own_solver=seed % 10 == 0)  # fmt: skip


@pytest.mark.parametrize("seed", range(100))
def test_maximal_coverings_agree(seed: int):
    weight, minutes, p = small_place(seed)
    near = minutes <= 25
    agree(MAXIMAL(weight, near, p), best_covered(weight, near, p), own_solver=seed % 5 == 0)


@pytest.mark.parametrize("seed", range(100))
def test_set_coverings_agree(seed: int):
    _, minutes, _ = small_place(seed)
    near = minutes <= 40
    agree(COVERING(near), fewest_covering(near), own_solver=seed % 5 == 0)


@pytest.mark.parametrize("seed", range(40))
def test_backup_of_a_share_agrees(seed: int):
    """The fewest buildings for a share of residents, then most residents near two of them."""
    weight, minutes, _ = small_place(seed)
    near, share = minutes <= 40, (1.0, 0.8, 0.5)[seed % 3]
    best: tuple[float, float] | None = None
    for p in range(near.shape[1] + 1):
        for kept in itertools.combinations(range(near.shape[1]), p):
            times = near[:, kept].sum(axis=1)
            reached = (times > 0).all() if share == 1 else (
                weight @ (times > 0) >= share * weight.sum() - 1e-9
            )  # fmt: skip
            if reached:
                best = max(best or (-np.inf, 0.0), (-float(p), float(weight @ (times > 1))))
        if best is not None:
            break
    fewest = None if best is None else -best[0]
    agree(COVERING(near, weight, share), fewest, own_solver=False)
    if best is not None:
        agree(BACKUP(near, weight, int(-best[0]), share), -best[1], own_solver=False)


@pytest.mark.parametrize("seed", range(40))
def test_flow_refuellings_agree(seed: int):
    """Every second one with capacities; against simulation of every trip, and against the
    package."""
    problem = instance(seed, by_distance=False, opened=(), closed=())
    room = None
    if seed % 2:
        room = np.random.default_rng(seed).choice([4.0, 10.0, 40.0], problem.nodes)
        problem = instance(seed, by_distance=False, opened=(), closed=(), capacities=room)
    paths = [
        (problem.paths.node[a:b].tolist(), problem.paths.distance_along[a:b])
        for a, b in itertools.pairwise(problem.paths.start)
    ]
    model = REFUELLING(problem.nodes, problem.volume, paths, problem.vehicle_range, problem.p, room)
    best = by_driving(problem)
    result = solve(from_pulp(model), Settings(gap=0))
    assert -result.objective == pytest.approx(best, abs=1e-6)
    assert locate_stations(problem).objective == pytest.approx(best, abs=1e-6)


def test_flow_refuelling_runs_alone_on_two_tables(tmp_path: Path):
    roads, flows, _ = tables(tmp_path)
    command = [sys.executable, str(ROOT / "models" / "flow_refuelling.py"), roads, flows]
    ran = subprocess.run([*command, "--p", "2", "--range", "10", "--room", "13"],
                         capture_output=True, text=True, timeout=120)  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[0] == "6.5 of 13 vehicles get there and back"
    assert "  open c" in ran.stdout.splitlines()


@pytest.mark.parametrize(
    ("name", "says"),
    [("p_median", "mean resident"), ("maximal_covering", "% of residents"), ("set_covering", "e")],
)
def test_each_model_runs_alone_on_the_shipped_place(name: str, says: str, data: Path):
    command = [sys.executable, str(ROOT / "models" / f"{name}.py"), str(data / "marlshire")]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert says in ran.stdout.splitlines()[0]
    assert "keep" in ran.stdout
