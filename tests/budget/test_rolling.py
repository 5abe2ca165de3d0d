"""A plan remade: contracts stay, past years are as they were, settlements roll."""

from __future__ import annotations

import pytest

from placeopt.budget import solve
from placeopt.budget.rolling import a_year_on
from placeopt.engine import Status
from placeopt.errors import UsageError
from placeopt.scenario.budget_rules import (
    Continuity,
    Pace,
)
from tests.budget.places import (
    budgets,
    by_year,
    place_over_years,
    scenario_of,
    solved,
)


def test_what_is_contracted_stays_and_past_years_are_as_they_were():
    commitments = [
        {"programme_id": "lights", "year": 2026, "amount_gbp": 80, "kind": "actual"},
        {"programme_id": "homecare", "year": 2026, "amount_gbp": 90, "kind": "actual"},
        {"programme_id": "lights", "year": 2027, "amount_gbp": 40, "kind": "contracted"},
    ]
    place = place_over_years(3, commitments=commitments)
    answer = solved(place, budgets(180, 180, 180), Continuity(rule="continuity"))
    assert by_year(answer, "lights") == [80, 40, 0]
    assert by_year(answer, "homecare") == [90, 140, 180]


def test_a_year_on_what_was_spent_stands_and_the_rest_is_decided_anew():
    # the plan spends all on homecare: 180, 170, 160. In 2026 homecare in fact took 150 and the
    # lights 40, 10 more than the total: what is past breaks no rule. Homecare is now contracted for
    # 170 and 160, and the settlement rolls on to 2029, at the last year's total.
    place, pace = place_over_years(4), Pace(rule="pace", largest_rise_share=0.5)
    rules = (budgets(180, 170, 160), pace, Continuity(rule="continuity"))
    question = scenario_of(rules=rules, years=3)
    answer = solve(place, question)
    assert by_year(answer, "homecare") == pytest.approx([150, 170, 160])
    lights = {"lights": 40.0, "homecare": 150.0}
    next_place, next_question = a_year_on(
        place, question, answer.plan, actual_gbp=lights, contracted=["homecare"], rolls=True
    )
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
    third_place, third_question = a_year_on(next_place, next_question, again.plan)
    assert by_year(solve(third_place, third_question), "homecare")[2:] == pytest.approx([160, 160])


def test_what_was_overspent_comes_out_of_the_years_ahead_where_the_reserve_says_so():
    # 20 in reserve, 180 a year; 2026 in fact took 230: 30 overdrawn, no rule being asked of the
    # past; 2027 and 2028 must fill it to 20 again: 310 for the two of them
    place = place_over_years(3)
    rule = budgets(180, 180, 180, carry_over=True, opening_reserve_gbp=20)
    question = scenario_of(rules=(rule, Continuity(rule="continuity")), years=3)
    first = solve(place, question)
    actual = {"homecare": 200.0, "lights": 30.0}
    place, question = a_year_on(place, question, first.plan, actual_gbp=actual)
    answer = solve(place, question)
    assert answer.verification.ok
    closing = answer.plan.tables["reserves"]["closing_gbp"].to_list()
    assert closing[0] == pytest.approx(-30)
    assert closing[2] == pytest.approx(20)
    spent = answer.plan.tables["spending_by_year"].groupby("year")["plan_gbp"].sum()
    assert spent.to_list()[0] == pytest.approx(230)
    assert spent[2027] + spent[2028] == pytest.approx(310)


def test_what_is_not_the_places_or_leaves_no_year_is_refused():
    place = place_over_years(1)
    question = scenario_of(rules=(budgets(180),), years=1)
    plan = solve(place, question).plan
    for wrong, words in (
        ({"actual_gbp": {"buses": 1.0}}, "no programme 'buses'"),
        ({"actual_gbp": {"lights": -1.0}}, "at least 0"),
        ({}, "no year would be left"),
    ):
        with pytest.raises(UsageError, match=words):
            a_year_on(place, question, plan, **wrong)
