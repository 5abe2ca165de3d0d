"""Claims of engines are compared with one another and with known values."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from placeopt.base.errors import UsageError
from placeopt.bench.results.judge import best_found, judge, read_best_known
from placeopt.bench.results.pictures import profile
from placeopt.bench.results.tables import family_table, ratio_table, shifted_mean, summary_table


def runs(*rows: dict) -> pd.DataFrame:
    """Records of one case, changed by the given rows."""
    usual = {
        "family": "f", "case": "c", "kind": "p-median", "repeat": 0, "status": "optimal",
        "objective": 100.0, "second": None, "bound": None, "gap": None, "verified": True,
        "proven": True, "best_known": None, "cpu_seconds": 1.0, "wall_seconds": 1.0,
        "time_limit": 20.0, "peak_mb": 100.0, "trace": [],
    }  # fmt: skip
    return pd.DataFrame([{**usual, **row} for row in rows])


def of(judged: pd.DataFrame, column: str) -> dict:
    return dict(zip(judged["engine"], judged[column], strict=True))


def test_an_optimum_worse_than_another_plan_is_a_wrong_claim() -> None:
    """An optimum worse than another engine's plan is a wrong claim."""
    judged = judge(runs({"engine": "a"}, {"engine": "b", "objective": 101.0}))
    assert of(judged, "wrong") == {"a": False, "b": True}
    assert of(judged, "solved") == {"a": True, "b": False}


def test_larger_is_better_for_a_maximised_problem() -> None:
    rows = ({"engine": "a"}, {"engine": "b", "objective": 101.0})
    judged = judge(runs(*({**row, "kind": "p-dispersion"} for row in rows)))
    assert of(judged, "wrong") == {"a": True, "b": False}


def test_a_tools_claim_is_judged_even_without_a_solver_proof() -> None:
    told = {"engine": "spopt", "status": "feasible at limit", "claimed": True, "proven": False}
    judged = judge(runs({"engine": "a", "claimed": True}, {**told, "objective": 350.0}))
    assert of(judged, "wrong") == {"a": False, "spopt": True}
    assert of(judge(runs({"engine": "a"}, told)), "wrong") == {"a": False, "spopt": False}


def test_runs_to_a_gap_are_not_wrong_within_their_own_bound() -> None:
    judged = judge(runs({"engine": "a"}, {"engine": "b", "objective": 100.05, "bound": 99.98}))
    assert of(judged, "wrong") == {"a": False, "b": False}


def test_a_claim_is_held_to_the_gap_that_was_asked_for() -> None:
    near = {"engine": "b", "objective": 100.05}
    assert of(judge(runs({"engine": "a"}, {**near, "tolerance": 1e-3})), "wrong")["b"] is False
    assert of(judge(runs({"engine": "a"}, {**near, "tolerance": 0.0})), "wrong")["b"] is True


def test_a_bound_that_another_plan_breaks_proves_nothing() -> None:
    judged = judge(runs({"engine": "a"}, {"engine": "b", "objective": 103.0, "bound": 102.0}))
    assert of(judged, "beaten") == {"a": False, "b": True}
    assert of(judged, "solved") == {"a": True, "b": False}


def test_a_plan_that_fails_its_check_proves_no_claim_wrong() -> None:
    cheat = {"engine": "b", "objective": 1.0, "verified": False, "proven": False}
    assert of(judge(runs({"engine": "a"}, cheat)), "wrong") == {"a": False, "b": False}


def test_infeasible_is_a_wrong_claim_where_a_plan_exists() -> None:
    """Infeasible is a wrong claim if another engine has a plan."""
    nothing = {"engine": "b", "status": "infeasible", "objective": None}
    judged = judge(runs({"engine": "a"}, nothing))
    assert of(judged, "wrong") == {"a": False, "b": True}
    assert "**wrongly called infeasible**" in family_table(judged)
    assert not judge(runs(nothing))["wrong"].any()


def test_of_equally_cheap_plans_more_backup_is_better() -> None:
    judged = judge(runs({"engine": "a", "second": 80.0}, {"engine": "b", "second": 70.0}))
    assert of(judged, "wrong") == {"a": False, "b": True}


def test_a_value_known_before_makes_a_worse_claim_wrong(tmp_path: Path) -> None:
    path = tmp_path / "known.csv"
    path.write_text("family,case,value,bound,proven,source\nf,c,99,99,yes,Somebody (1985)\n")
    judged = judge(runs({"engine": "a"}), read_best_known(path))
    assert judged["wrong"].all()
    assert judged["known_source"].eq("Somebody (1985)").all()


def test_faults_of_a_file_of_known_values_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "known.csv"
    path.write_text("family,case,value\nf,c,99\n")
    with pytest.raises(UsageError, match="no column bound, proven, source"):
        read_best_known(path)
    path.write_text("family,case,value,bound,proven,source\nf,c,99,,perhaps,x\n")
    with pytest.raises(UsageError, match="proven is yes or no"):
        read_best_known(path)
    path.write_text("family,case,value,bound,proven,source\nf,c,many,,no,x\n")
    with pytest.raises(UsageError, match="column value"):
        read_best_known(path)


def test_the_best_plan_and_bound_are_the_known_values() -> None:
    """The best plan and bound found make a file of known values."""
    rows = runs(
        {"engine": "a", "bound": 100.0},
        {"engine": "b", "objective": 120.0, "bound": 90.0, "proven": False, "status": "x"},
    )
    best = best_found(judge(rows)).iloc[0]
    assert (best["value"], best["bound"], best["proven"]) == (100.0, 100.0, "yes")
    best = best_found(judge(rows[1:])).iloc[0]
    assert (best["value"], best["bound"], best["proven"]) == (120.0, 90.0, "no")


def test_the_shifted_geometric_mean_of_0_and_3_seconds_is_1() -> None:
    assert shifted_mean([0.0, 3.0]) == pytest.approx(1.0)  # sqrt((0 + 1)(3 + 1)) - 1


def test_an_unproven_run_counts_with_its_limit() -> None:
    judged = judge(runs({"engine": "a", "proven": False, "status": "feasible at limit"}))
    assert "| f | a | 1 | 0 | 0 | 0 | 20.00 | 100 |" in summary_table(judged)


def test_ratios_are_lower_bounds_for_stopped_runs() -> None:
    rows = [
        {"engine": "placeopt", "cpu_seconds": 0.1},
        {"engine": "slow", "cpu_seconds": 3.0},
        {"engine": "stopped", "proven": False, "status": "feasible at limit", "cpu_seconds": 15.0},
    ]
    assert "| c | 0.100 | 30 | >= 150 |" in ratio_table(judge(runs(*rows)))


def test_repeated_runs_are_listed_with_their_median_seconds() -> None:
    rows = [{"engine": "a", "repeat": i, "cpu_seconds": s} for i, s in enumerate((1.0, 9.0, 2.0))]
    assert "| c | 100 2.00 s |" in family_table(judge(runs(*rows)))


def test_the_profile_counts_cases_near_the_fastest() -> None:
    """Case c: a 1 s, b 4 s; case d: b 2 s, a not proven. So a: 1 of 2 at once, never more; b: one
    at once, both within 4."""
    rows = [
        {"engine": "a", "cpu_seconds": 1.0}, {"engine": "b", "cpu_seconds": 4.0},
        {"engine": "a", "case": "d", "proven": False, "status": "feasible at limit"},
        {"engine": "b", "case": "d", "cpu_seconds": 2.0},
    ]  # fmt: skip
    ratios = profile(judge(runs(*rows)), ["a", "b"])
    assert ratios["a"].tolist() == [1.0]
    assert ratios["b"].tolist() == [1.0, 4.0]
