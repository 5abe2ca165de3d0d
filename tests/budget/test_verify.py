"""The verifier is blind to the model, agrees with hand arithmetic, and catches tampered plans."""

from __future__ import annotations

import ast
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import placeopt.budget
from placeopt.budget import solve
from placeopt.budget.curves import Curve
from placeopt.budget.verify import verify
from placeopt.budget.verify.outcomes import between, effect
from tests.budget.places import one_budget, random_place, scenario_of, two_programmes


def solved():
    place, scenario = two_programmes(), scenario_of(rules=[one_budget(180)])
    return place, scenario, solve(place, scenario).plan


def tampered(plan, table: str, row: int, column: str, value):
    rows = plan.tables[table].copy()
    rows.loc[row, column] = value
    return replace(plan, tables={**plan.tables, table: rows})


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
    assert {check.number for check in found.broken} == {"B4"}
    assert "standard of safe in 2026: 0.4 points too far" in found.broken[0].detail


def test_the_verifiers_own_curves_agree_with_the_models_and_with_formulas_by_hand():
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
            assert effect(form, m, k, n, s) == pytest.approx(expected, rel=1e-9)
            assert float(Curve(form, m, k, n).effect(s)) == pytest.approx(expected, rel=1e-9)
    line = [(30.0, 3.0), (10.0, 2.0)]
    assert [between(line, s) for s in (0, 5, 10, 20, 30, 99)] == [0, 1, 2, 2.5, 3, 3]


def test_the_verifier_knows_nothing_of_the_model():
    ours = set()
    files = sorted(Path(placeopt.budget.__file__).parent.glob("verify/*.py"))
    assert len(files) >= 6
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("placeopt"):
                ours |= {f"{node.module}.{name.name}" for name in node.names}
    rooms = ("placeopt.budget.verify", "placeopt.place.", "placeopt.scenario.")
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
                    gain += sign * between(pairs, s)
                else:
                    gain += sign * effect(row.form, row.maximum_effect, row.scale_gbp, row.shape, s)
        outcome = place.outcomes.set_index("outcome_id").loc[key]
        direction = -1 if outcome["direction"] == "lower" else 1
        assert level == pytest.approx(outcome["baseline"] + direction * gain, rel=1e-6)
