"""The smallest suite runs, goes on where it stopped, and judges what engines claim."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from placeopt.bench import SUITES, report, run, suite
from placeopt.bench.report import judge
from placeopt.bench.run import _checked, primal_integral, read_records
from placeopt.bench.suites import Case, problem_of
from placeopt.errors import UsageError


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bench")
    return run("smoke", ["placeopt"], out, time_limit=120)


def test_every_case_of_the_smallest_suite_is_proven_and_verified(results: Path) -> None:
    records = read_records(results)
    assert len(records) == 9
    assert all(record["proven"] and record["verified"] for record in records)


def test_a_finished_run_is_not_run_again(results: Path) -> None:
    before = (results / "results.jsonl").read_text()
    run("smoke", ["placeopt"], results, time_limit=120)
    assert (results / "results.jsonl").read_text() == before


def test_tables_and_page_are_written(results: Path) -> None:
    frame = pd.read_parquet(results / "results.parquet")
    assert len(frame) == len(pd.read_csv(results / "results.csv")) == 9
    page = report(results, pictures=False).read_text()
    assert "| smoke | placeopt | 9 | 9 | 0 | 0 |" in page
    assert json.loads((results / "machine.json").read_text())["cores"] >= 1


def test_a_plan_that_does_not_cost_what_it_says_scores_nothing() -> None:
    case = suite("smoke")[0]
    record = {
        "status": "optimal", "objective": 1.0, "bound": 1.0, "positions": [0, 1, 2],
        "assignment": [0] * 12, "flows": None, "seconds": {}, "trace": [], "method": "",
        "message": "", "cpu_seconds": 0.1, "wall_seconds": 0.1, "peak_mb": 1.0,
    }  # fmt: skip
    checked = _checked(case, record)
    assert not checked["verified"]
    assert not checked["proven"]


def test_an_optimum_worse_than_another_engines_plan_is_a_wrong_claim() -> None:
    rows = [
        {"family": "f", "case": "c", "kind": "p-median", "engine": e, "status": "optimal",
         "objective": v, "verified": True, "proven": True, "best_known": None}
        for e, v in (("a", 100.0), ("b", 101.0))
    ]  # fmt: skip
    judged = judge(pd.DataFrame(rows)).set_index("engine")
    assert not judged.loc["a", "wrong"]
    assert judged.loc["b", "wrong"]


def test_the_primal_integral_adds_the_gap_over_time() -> None:
    record = {"objective": 100.0, "wall_seconds": 3.0, "trace": [[1.0, 200.0, 0], [2.0, 100.0, 0]]}
    assert primal_integral(record, 100.0) == pytest.approx(1.0 + 0.5)


def test_generated_cases_are_the_same_every_time() -> None:
    for case in suite("smoke"):
        a, b = problem_of(case), problem_of(Case(**case.as_dict()))
        assert (a.distances.dense() == b.distances.dense()).all()


def test_a_suite_of_files_asks_for_its_folder() -> None:
    with pytest.raises(UsageError, match="folder"):
        suite("pmed")
    with pytest.raises(UsageError, match="no suite"):
        suite("nothing")
    assert "smoke" in SUITES
