"""The smallest suite runs, resumes where it stopped, and judges the claims of engines."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from placeopt.base.errors import UsageError
from placeopt.bench import SUITES, report, run, suite
from placeopt.bench.case import Case
from placeopt.bench.results.records import read_records
from placeopt.bench.runner.run import check_record, primal_integral
from placeopt.bench.subjects.location import problem_of


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bench")
    return run("smoke", ["placeopt"], out, time_limit=120)


def test_every_case_of_the_smallest_suite_is_proven_and_verified(results: Path) -> None:
    records = read_records(results)
    assert len(records) == 11
    assert {record["kind"] for record in records} >= {"estate", "budget", "p-median"}
    assert all(record["proven"] and record["verified"] for record in records), records


def test_a_finished_run_is_not_run_again(results: Path) -> None:
    before = (results / "results.jsonl").read_text()
    run("smoke", ["placeopt"], results, time_limit=120)
    assert (results / "results.jsonl").read_text() == before


def test_a_line_cut_short_by_a_pulled_plug_is_run_again(results: Path, tmp_path: Path) -> None:
    lines = (results / "results.jsonl").read_text().splitlines()
    tmp_path.joinpath("results.jsonl").write_text("\n".join([*lines[1:], lines[0][:40]]) + "\n")
    told: list[str] = []
    run("smoke", ["placeopt"], tmp_path, time_limit=120, notify=told.append)
    assert len(told) == 1
    assert len(read_records(tmp_path)) == 11


def test_two_runs_at_once_give_the_same_values(results: Path, tmp_path: Path) -> None:
    run("smoke", ["placeopt"], tmp_path, time_limit=120, only="p-median", jobs=2)
    alone = {record["case"]: record["objective"] for record in read_records(results)}
    both = {record["case"]: record["objective"] for record in read_records(tmp_path)}
    assert len(both) == 2
    assert both == {case: alone[case] for case in both}


def test_results_under_other_limits_are_not_mixed(results: Path) -> None:
    with pytest.raises(UsageError, match=r"time_limit 120"):
        run("smoke", ["placeopt"], results, time_limit=60)


def test_the_order_is_shuffled_with_the_seed(results: Path) -> None:
    names = [record["case"] for record in read_records(results)]
    assert names != [case.name for case in suite("smoke")]


def test_every_row_names_its_machine(results: Path) -> None:
    frame = pd.read_parquet(results / "results.parquet")
    assert len(frame) == len(pd.read_csv(results / "results.csv")) == 11
    for column in (
        *("processor", "cores", "threads", "python", "versions", "load", "seed", "tolerance"),
        *("time_limit", "status", "bound", "gap", "primal_integral", "peak_mb", "cpu_seconds"),
    ):
        assert column in frame, column
    assert frame["threads"].eq(1).all()
    assert frame["versions"].str.contains("highspy").all()


def test_the_page_has_a_table_for_every_family(results: Path) -> None:
    page = report(results).read_text()
    assert "| smoke | placeopt | 11 | 11 | 0 | 0 |" in page
    assert "| p-median-12-3-s1 |" in page
    assert "![Share of cases proven" in page
    assert (results / "profile.png").read_bytes()[:4] == b"\x89PNG"
    known = pd.read_csv(results / "best_known.csv")
    assert list(known) == ["family", "case", "value", "bound", "proven", "source"]
    assert known["proven"].eq("yes").all()


def test_known_values_are_compared_with_the_plans(results: Path, tmp_path: Path) -> None:
    known = tmp_path / "known.csv"
    known.write_text(
        "family,case,value,bound,proven,source\nsmoke,p-median-12-3-s1,1000,,no,a dream\n"
    )
    page = report(results, best_known=known, pictures=False).read_text()
    assert "| smoke | p-median-12-3-s1 | 1000 | no | a dream | 1984 | 98.4000% |" in page
    assert "1984 **wrongly called solved**" in page


def test_an_engine_that_is_not_there_is_left_out(tmp_path: Path) -> None:
    told: list[str] = []
    run("smoke", ["copt"], tmp_path, only="p-median-12", time_limit=5, notify=told.append)
    assert told == [line for line in told if "left out" in line]
    assert read_records(tmp_path) == []


def test_engines_skip_cases_without_a_model(tmp_path: Path) -> None:
    run("smoke", ["cp-sat", "spopt", "pulp-cbc"], tmp_path, only="capacitated-facility")
    assert read_records(tmp_path) == []


def test_a_plan_with_a_wrong_cost_scores_nothing(tmp_path: Path) -> None:
    case = suite("smoke")[0]
    record = {
        "status": "optimal", "objective": 1.0, "bound": 1.0, "positions": [0, 1, 2],
        "assignment": [0] * 12, "flows": None, "seconds": {}, "trace": [], "method": "",
        "message": "", "cpu_seconds": 0.1, "wall_seconds": 0.1, "peak_mb": 1.0,
    }  # fmt: skip
    row = check_record(case, record, tmp_path)
    assert not row["verified"]
    assert not row["proven"]


def test_the_primal_integral_adds_the_gap_over_time() -> None:
    record = {"objective": 100.0, "wall_seconds": 3.0, "trace": [[1.0, 200.0, 0], [2.0, 100.0, 0]]}
    assert primal_integral(record, 100.0) == pytest.approx(1.0 + 0.5)


def test_generated_cases_are_the_same_every_time() -> None:
    cases = [case for case in suite("smoke") if case.generator == "points"]
    assert len(cases) == 9
    for case in cases:
        a, b = problem_of(case), problem_of(Case(**json.loads(json.dumps(case.as_dict()))))
        assert (a.distances.dense() == b.distances.dense()).all()


def test_names_of_cases_are_unique() -> None:
    for name in ("smoke", "generated", "spopt", "large", "estate", "budget", "stroke"):
        cases = suite(name)
        assert len({case.name for case in cases}) == len(cases)


def test_a_suite_of_files_asks_for_its_folder() -> None:
    with pytest.raises(UsageError, match="folder"):
        suite("pmed")
    with pytest.raises(UsageError, match="no suite"):
        suite("nothing")
    assert "smoke" in SUITES
