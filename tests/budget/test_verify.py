"""The verifier does not use the model, agrees with hand arithmetic, and catches tampered plans."""

from __future__ import annotations

import ast
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import placeopt.budget
from placeopt.budget import solve
from placeopt.budget.curves.forms import response_curve
from placeopt.budget.verify import _check, verify
from placeopt.budget.verify.curves import curve_effect, interpolate
from placeopt.scenario.rules.budget.money import Statutory, Streams
from tests.budget.places import one_budget, random_place, scenario_of, two_programmes


def solved():
    place, scenario = two_programmes(), scenario_of(rules=[one_budget(180)])
    return place, scenario, solve(place, scenario).plan


def tampered(plan, table: str, row: int, column: str, value):
    rows = plan.tables[table].copy()
    rows.loc[row, column] = value
    return replace(plan, tables={**plan.tables, table: rows})


CELLS = [
    *(("spending", name) for name in ("name", "agency_id", "kind", "before_gbp", "change_gbp")),
    *(("spending", name) for name in ("change_share", "statutory_floor_gbp")),
    ("spending", "place_floor_gbp"),
    *(("payments", name) for name in ("before_gbp", "year", "programme_id", "stream_id")),
    *(("streams", name) for name in ("amount_gbp", "spent_before_gbp", "returned_gbp", "left_gbp")),
    *(("streams", name) for name in ("name", "ring_fenced", "agency_id")),
    *(("agencies", name) for name in ("agency_id", "name", "before_gbp", "change_gbp")),
    *(("outcomes", name) for name in ("name", "unit", "direction", "baseline", "change")),
    *(("outcomes", name) for name in ("minimum_standard", "target", "after_bad_evidence")),
    *(("outcomes", name) for name in ("standard_met", "target_met")),
    *(("curves", name) for name in ("form", "programme_id", "outcome_id")),
    ("objectives", "objective"),
]


@pytest.mark.parametrize(("table", "column"), CELLS)
def test_no_cell_of_a_plan_can_be_changed_unseen(table, column):
    place, scenario, plan = solved()
    rows = plan.tables[table].astype({column: object})
    for row, value in enumerate(rows[column]):
        other: object = 12345.0 if pd.isna(value) else f"{value}x"
        if isinstance(value, bool | np.bool_):
            other = not value
        elif not isinstance(value, str) and not pd.isna(value):
            other = value + 7
        broken = tampered(
            replace(plan, tables={**plan.tables, table: rows}), table, row, column, other
        )
        assert not verify(place, scenario, broken).ok


SUMMARY = (
    *("base_year", "decided_year", "decided_years_count", "total_gbp", "spent_before_gbp"),
    *("spent_after_gbp", "one_off_gbp", "change_gbp", "moved_gbp", "returned_gbp"),
    *("programmes_cut_count", "programmes_raised_count", "standards_count", "standards_met_count"),
    *("targets_count", "targets_met_count", "objective_name", "objective_unit"),
    *("objective_do_nothing", "objective_plan", "curves_count", "curves_not_concave_count"),
)


@pytest.mark.parametrize("name", SUMMARY)
def test_no_figure_of_the_summary_is_another_than_the_tables(name):
    place, scenario, plan = solved()
    value = plan.summary[name]
    other = f"{value}x" if isinstance(value, str) else value + 7
    broken = replace(plan, summary={**plan.summary, name: other})
    assert [check.name for check in verify(place, scenario, broken).broken] == ["summary"]


def test_rounding_and_empty_cells_are_no_slips():
    place, scenario, plan = solved()
    tables = {name: rows.copy() for name, rows in plan.tables.items()}
    tables["spending"]["change_gbp"] += 0.4  # money is right to a pound
    tables["streams"]["left_gbp"] -= 0.4
    tables["outcomes"]["change"] *= 1 + 1e-9
    tables["spending"]["name"] = np.nan  # what has no name in the place has none in the plan
    place = place.replace(programmes=place.programmes.assign(name=""))
    assert verify(place, scenario, replace(plan, tables=tables)).broken == ()


def test_an_honest_plan_is_verified_with_its_totals():
    place, scenario, plan = solved()
    found = verify(place, scenario, plan)
    assert found.ok
    assert found.totals["least_money"] == pytest.approx(180)
    assert found.totals["weighted_outcomes"] == pytest.approx(-0.15)
    assert found.do_nothing["least_money"] == pytest.approx(200)
    assert [check.number for check in found.broken_today] == ["B1"]


@pytest.mark.parametrize(
    ("table", "row", "column", "value", "broken"),
    [
        ("payments", 0, "after_gbp", 190.0, "B1"),
        ("spending_by_year", 0, "plan_gbp", 10.0, "B3"),
        ("payments", 0, "after_gbp", -5.0, ""),
        ("payments", 2, "programme_id", "homecare", "B2"),
        ("spending", 0, "after_gbp", 185.0, ""),
        ("streams", 0, "spent_after_gbp", 5.0, ""),
        ("agencies", 0, "after_gbp", 5.0, ""),
        ("outcomes", 0, "after", 8.0, ""),
        ("objectives", 0, "plan", -9.0, ""),
    ],
)
def test_a_tampered_plan_is_caught(table, row, column, value, broken):
    place, scenario, plan = solved()
    plan = tampered(plan, "payments", 2, "after_gbp", 0.0)
    if column == "programme_id":
        plan = tampered(plan, "payments", 2, "after_gbp", 30.0)
    found = verify(place, scenario, tampered(plan, table, row, column, value))
    assert not found.ok
    assert broken in {check.number for check in found.broken}


def test_a_missed_standard_is_caught():
    place, scenario, plan = solved()
    rows = place.outcomes.copy()
    rows.loc[1, "minimum_standard"] = 49.9
    found = verify(place.replace(outcomes=rows), scenario, plan)
    names = ["outcomes", "cells of outcomes"]  # the plan knows of no such standard
    assert [check.name for check in found.broken] == names
    assert found.broken[0].number == "B4"
    assert "standard of safe in 2026: 0.4 points too far" in found.broken[0].detail


def test_a_broken_rule_names_the_largest_amounts_first():
    """39 million too far of 139 million stands before 4 million of 10, by name."""
    rule, names = Streams(rule="streams"), {}
    broken = [
        (4_039_000.0, 9.8, "Employment support in 2028", "GBP"),
        (39_279_000.0, 139.4, "Council tax in 2028", "GBP"),
        (-5.0, 1.0, "Fire precept in 2028", "GBP"),
    ]
    check = _check(rule, broken, names)
    assert not check.holds
    assert check.detail == (
        "Council tax in 2028: £39,279,000 too far; Employment support in 2028: £4,039,000 too far"
    )
    many = [(1000.0 * n, 1.0, f"Stream {n}", "GBP") for n in range(1, 9)]
    assert _check(rule, many, names).detail.endswith("Stream 4: £4,000 too far; and 3 more")


def test_rules_and_where_they_are_tightest_are_in_names():
    place, scenario, plan = solved()
    named = place.programmes.assign(name=["Care at home", "Safer streets"])
    place = place.replace(programmes=named)
    floors = Statutory(rule="statutory", floors_gbp={place.programmes["programme_id"][0]: 1.0})
    rules = (*(rule for rule in scenario.rules if rule.name != "statutory"), floors)
    found = verify(place, scenario.model_copy(update={"rules": rules}), plan)
    (check,) = [one for one in found.checks if one.name == "statutory"]
    name = "Care at home"
    assert f"this question states in its stead: {name} £1." in check.sentence
    assert check.detail.startswith(f"{name} in ")


def test_the_verifiers_curves_agree_with_the_models():
    """They also agree with formulas written by hand."""
    rng = np.random.default_rng(3)
    for form in ("power", "exponential", "hill", "logistic"):
        for _ in range(50):
            m, k, n, s = (
                rng.uniform(0.1, 9),
                rng.uniform(1, 90),
                rng.uniform(0.3, 5),
                70 * rng.random(),
            )
            expected = {
                "power": m * (s / k) ** n,
                "exponential": m - m * math.exp(-s / k),
                "hill": m * s**n / (k**n + s**n),
                "logistic": m
                * (1 / (1 + math.exp(n - n * s / k)) - 1 / (1 + math.exp(n)))
                / (1 - 1 / (1 + math.exp(n))),
            }[form]
            assert curve_effect(form, m, k, n, s) == pytest.approx(expected, rel=1e-9)
            assert float(response_curve(form, m, k, n).effect(s)) == pytest.approx(
                expected, rel=1e-9
            )
    line = [(30.0, 3.0), (10.0, 2.0)]
    assert [interpolate(line, s) for s in (0, 5, 10, 20, 30, 99)] == [0, 1, 2, 2.5, 3, 3]


def test_the_verifier_knows_nothing_of_the_model():
    ours = set()
    files = sorted(Path(placeopt.budget.__file__).parent.glob("verify/*.py"))
    assert len(files) >= 6
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("placeopt"):
                ours |= {f"{node.module}.{name.name}" for name in node.names}
    rooms = ("placeopt.budget.verify", "placeopt.base.", "placeopt.place.", "placeopt.scenario.")
    assert not [name for name in ours if not name.startswith(rooms)]


@pytest.mark.parametrize("seed", range(10))
def test_every_outcome_is_recomputed_by_its_true_curve(seed):
    place = random_place(100 + seed, concave=False)
    answer = solve(place, scenario_of(drop=("outcomes",), solver={"gap": 1e-3}))
    assert answer.verification.ok
    said = answer.plan.outcomes.set_index("outcome_id")["after"]
    spend = answer.plan.spending.set_index("programme_id")
    for key, level in said.items():
        own = place.curves[place.curves["outcome_id"] == key]
        gain = 0.0
        for row in own.itertuples():
            points = place.curve_points
            points = points[
                (points["programme_id"] == row.programme_id) & (points["outcome_id"] == key)
            ]
            for column, sign in (("after_gbp", 1), ("before_gbp", -1)):
                s = spend.loc[row.programme_id, column]
                if row.form == "points":
                    pairs = list(zip(points["spend_gbp"], points["effect"], strict=True))
                    gain += sign * interpolate(pairs, s)
                else:
                    gain += sign * curve_effect(
                        row.form, row.maximum_effect, row.scale_gbp, row.shape, s
                    )
        outcome = place.outcomes.set_index("outcome_id").loc[key]
        direction = -1 if outcome["direction"] == "lower" else 1
        assert level == pytest.approx(outcome["baseline"] + direction * gain, rel=1e-6)
