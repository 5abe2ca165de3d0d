"""The MPS files of a suite mean the same to independent solvers."""

from __future__ import annotations

import csv
import re
import subprocess
from pathlib import Path

import pytest

from placeopt.bench import export, suite
from placeopt.bench.subjects.registry import subject_of
from placeopt.bench.subjects.subject import SolveSettings

CASES = {case.name: case for case in suite("smoke")}
QUICK = [name for name, case in CASES.items() if case.kind != "estate"]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export("smoke", tmp_path_factory.mktemp("mps")).parent


@pytest.fixture(scope="module")
def optima(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """Optima that HiGHS finds for the same cases without a file, as minimised."""
    best_found = {}
    folder = tmp_path_factory.mktemp("plans")
    for name in QUICK:
        subject = subject_of(CASES[name])
        instance = subject.make_instance(CASES[name])
        record = subject.solve(instance, SolveSettings("highs", 30.0, 0.0, 1, folder))
        sign = -1.0 if getattr(instance, "maximised", False) else 1.0
        best_found[name] = sign * record["objective"]
    return best_found


@pytest.mark.parametrize("name", QUICK)
def test_scip_reads_the_file_and_finds_the_same_optimum(name, files, optima) -> None:
    from ortools.linear_solver.python import model_builder

    model = model_builder.Model()
    assert model.import_from_mps_file(str(files / f"{name}.mps"))
    solver = model_builder.Solver("scip")
    assert solver.solve(model) == model_builder.SolveStatus.OPTIMAL
    # the budget's file has its curves cut into straight lines, its record is on the true curves
    assert solver.objective_value == pytest.approx(optima[name], rel=1e-3, abs=1e-6)
    if CASES[name].kind != "budget":
        assert solver.objective_value == pytest.approx(optima[name], rel=1e-6)


@pytest.mark.parametrize("name", [name for name in QUICK if CASES[name].kind != "budget"])
def test_cbc_reads_the_file_and_finds_the_same_optimum(name, files, optima) -> None:
    import pulp

    with pytest.warns(DeprecationWarning, match="PULP_CBC_CMD"):
        cbc = pulp.PULP_CBC_CMD(msg=False)
    if not cbc.available():
        pytest.skip("CBC does not come with this PuLP")
    command = [cbc.path, str(files / f"{name}.mps"), "-solve", "-quit"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    values = re.findall(r"Objective value:\s+(\S+)|Optimal objective (\S+)", told)
    assert values, told
    value = next(part for part in values[-1] if part)
    assert float(value) == pytest.approx(optima[name], rel=1e-6)


def test_the_index_lists_every_case_with_its_size(files: Path) -> None:
    with (files / "index.csv").open() as file:
        rows = {row["case"]: row for row in csv.DictReader(file)}
    assert set(rows) == set(CASES)
    assert (rows["p-median-12-3-s1"]["columns"], rows["p-median-12-3-s1"]["rows"]) == ("156", "157")
    assert "negative" in rows["maximal-covering-12-3-s1"]["note"]
    assert all((files / row["file"]).is_file() for row in rows.values())


def test_very_large_cases_are_listed_and_not_written(tmp_path: Path) -> None:
    index = export("smoke", tmp_path, only="p-centre", max_pairs=100)
    assert "144 pairs of customers and sites: not written" in index.read_text()
    assert not list(tmp_path.glob("*.mps"))
