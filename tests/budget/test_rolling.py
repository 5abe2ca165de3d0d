"""A plan rolled forward: contracts stay, past years keep actual spending, settlements roll."""

from __future__ import annotations

from dataclasses import replace

import pytest

from placeopt.base.errors import UsageError
from placeopt.budget import solve
from placeopt.budget.tables.roll_forward import roll_forward
from placeopt.budget.verify import verify
from placeopt.engine import Status
from placeopt.scenario.rules.budget.money import (
    Commissioning,
    Continuity,
    Pace,
    Prevention,
)
from tests.budget.places import budgets, by_year, changed, place_over_years, scenario_of, solved


def test_contracts_stay_and_past_years_keep_actual_spending():
    commitments = [
        {"programme_id": "lights", "year": 2026, "amount_gbp": 80, "kind": "actual"},
        {"programme_id": "homecare", "year": 2026, "amount_gbp": 90, "kind": "actual"},
        {"programme_id": "lights", "year": 2027, "amount_gbp": 40, "kind": "contracted"},
    ]
    place = place_over_years(3, commitments=commitments)
    answer = solved(place, budgets(180, 180, 180), Continuity(rule="continuity"))
    assert by_year(answer, "lights") == [80, 40, 0]
    assert by_year(answer, "homecare") == [90, 140, 180]


def test_actual_spending_stays_and_the_rest_is_redecided():
    # the plan spends all on homecare: 180, 170, 160. In 2026 homecare in fact took 150 and the
    # lights 40, 10 more than the total: what is past breaks no rule. Homecare is now contracted for
    # 170 and 160, and the settlement rolls on to 2029, at the last year's total.
    place, pace = place_over_years(4), Pace(rule="pace", largest_rise_share=0.5)
    rules = (budgets(180, 170, 160), pace, Continuity(rule="continuity"))
    question = scenario_of(rules=rules, years=3)
    answer = solve(place, question)
    assert by_year(answer, "homecare") == pytest.approx([150, 170, 160])
    lights = {"lights": 40.0, "homecare": 150.0}
    next_place, next_question = roll_forward(
        place, question, answer.plan, actual_gbp=lights, contracted=["homecare"], rolls=True
    )
    assert '"year":2026' in next_question.model_dump_json()  # provenance takes its hash
    kept = next_place.commitments
    assert kept[kept["kind"] == "actual"]["amount_gbp"].to_list() == [150, 40]
    assert kept[kept["kind"] == "contracted"]["amount_gbp"].to_list() == pytest.approx([170, 160])
    again = solve(next_place, next_question)
    assert again.verification.ok
    assert by_year(again, "homecare") == pytest.approx([150, 170, 160, 160])
    assert by_year(again, "lights") == pytest.approx([40, 0, 0, 0])
    less = next_question.model_copy(  # 10 less in 2027 than is contracted for
        update={"rules": (budgets(180, 160, 160, 160), pace, Continuity(rule="continuity"))}
    )
    assert solve(next_place, less).result.status is Status.INFEASIBLE
    third_place, third_question = roll_forward(next_place, next_question, again.plan)
    assert by_year(solve(third_place, third_question), "homecare")[2:] == pytest.approx([160, 160])


def test_overspending_reduces_later_years_by_the_reserve():
    # 20 in reserve, 180 a year; 2026 actually took 230: 30 overdrawn, with no rule on the
    # past; 2027 and 2028 must fill it to 20 again: 310 for the two of them
    place = place_over_years(3)
    rule = budgets(180, 180, 180, carry_over=True, opening_reserve_gbp=20)
    question = scenario_of(rules=(rule, Continuity(rule="continuity")), years=3)
    first = solve(place, question)
    actual = {"homecare": 200.0, "lights": 30.0}
    place, question = roll_forward(place, question, first.plan, actual_gbp=actual)
    answer = solve(place, question)
    assert answer.verification.ok
    closing = answer.plan.tables["reserves"]["closing_gbp"].to_list()
    assert closing[0] == pytest.approx(-30)
    assert closing[2] == pytest.approx(20)
    spent = answer.plan.tables["spending_by_year"].groupby("year")["plan_gbp"].sum()
    assert spent.to_list()[0] == pytest.approx(230)
    assert spent[2027] + spent[2028] == pytest.approx(310)


@pytest.mark.parametrize(
    ("homecare", "lights", "programme", "group"),
    [
        (150, 30, {"minimum_scale_gbp_per_year": 60}, ()),  # half its efficient scale
        (230, 30, {}, ()),  # the grant has 200
        (150, 0, {}, (("homecare", "lights"),)),  # one of a group without the other
        (150, 30, {"maximum_gbp_per_year": 20}, ()),  # more than can usefully be spent
    ],
)
def test_past_years_break_no_rules(homecare, lights, programme, group):
    """Neither those of streams nor those of purchase."""
    place = changed(place_over_years(2), "programmes", "lights", **programme)
    rules = (Continuity(rule="continuity"), Commissioning(rule="commissioning", coherent=group))
    question = scenario_of(rules=(budgets(180, 180), *rules), years=2)
    spent = {"homecare": float(homecare), "lights": float(lights)}
    place, question = roll_forward(place, question, solve(place, question).plan, actual_gbp=spent)
    answer = solve(place, question)
    assert answer.verification.ok
    assert by_year(answer, "homecare")[0] == homecare
    assert by_year(answer, "lights")[0] == lights


def test_past_units_follow_demand_though_less_was_spent():
    # 10 falls, 5 a unit: 2 units, 50 each. In 2026 homecare took 90: 10.1 falls, which 3 units
    # served, though money for not even 2 was spent; the 180 of 2027 pay for 3 as well
    unit = {"programme_id": "homecare", "outcome_id": "falls", "unit_capacity": 5,
            "unit_cost_gbp_per_year": 50}  # fmt: skip
    place = place_over_years(2, provision=[unit])
    rules = (budgets(180, 180), Continuity(rule="continuity"), Prevention(rule="prevention"))
    question = scenario_of(rules=rules, years=2)
    spent = {"homecare": 90.0, "lights": 50.0}
    place, question = roll_forward(place, question, solve(place, question).plan, actual_gbp=spent)
    answer = solve(place, question)
    assert answer.verification.ok
    assert by_year(answer, "homecare") == [90, 180]
    assert by_year(answer, "homecare", "units") == [3, 3]
    rows = answer.plan.tables["spending_by_year"]
    changed_units = rows.assign(units=rows["units"].where(rows["year"] != 2026, 2.0))
    tables = {**answer.plan.tables, "spending_by_year": changed_units}
    assert not verify(place, question, replace(answer.plan, tables=tables)).ok


def test_unknown_ids_or_no_year_left_are_refused():
    place = place_over_years(1)
    question = scenario_of(rules=(budgets(180), Continuity(rule="continuity")), years=1)
    plan = solve(place, question).plan
    for wrong, words in (
        ({"actual_gbp": {"buses": 1.0}}, "no programme 'buses'"),
        ({"actual_gbp": {"lights": -1.0}}, "at least 0"),
        ({}, "no year would be left"),
    ):
        with pytest.raises(UsageError, match=words):
            roll_forward(place, question, plan, **wrong)


def test_a_question_without_continuity_is_refused():
    place = place_over_years(2)
    question = scenario_of(rules=(budgets(180, 180),), years=2)
    plan = solve(place, question).plan
    with pytest.raises(UsageError, match="continuity"):
        roll_forward(place, question, plan)
