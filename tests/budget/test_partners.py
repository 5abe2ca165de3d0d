"""Agencies over years: stand-alone positions and transfers (B9), on the hand-worked place of
``test_rules``."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from placeopt.budget.problem.build import build_problem
from placeopt.budget.tables.years import least_transfers
from placeopt.engine import Status
from placeopt.scenario.rules.budget.money import (
    Capital,
    NobodyWorseOff,
    Outcomes,
    ThroughThePlace,
)
from tests.budget.places import budgets, by_year, changed, place_over_years, scenario_of, solved
from tests.support.places import place_of


def test_agencies_put_a_share_of_their_revenue_through_the_place():
    # a fifth of the council's 250 a year is 50: lights are pooled, homecare is not
    place = changed(place_over_years(), "programmes", "lights", pooled=True)
    rule = ThroughThePlace(rule="through_the_place", share=0.2, first_years=2)
    answer = solved(place, budgets(180, 180, 180), rule)
    assert by_year(answer, "lights") == [50, 50, 0]


def test_nobody_is_worse_off_than_alone():
    place = place_over_years(2)
    streams = place.streams.assign(agency_id=["nhs", "council"])
    place = place.replace(streams=streams)
    # alone the nhs keeps homecare at its floor: 200 - 20 - 50 that its grant pays for the lights
    # today = 130 unspent; the council needs nothing: 50. In the plan the nhs must keep 130 (and
    # the council 50), so 70 of the grant are spent, all on homecare
    answer = solved(
        place, NobodyWorseOff(rule="nobody_worse_off", counterfactual="most_it_could_keep"), years=2
    )
    rows = answer.plan.tables["positions"].set_index(["year", "agency_id"])
    assert rows["alone_gbp"].to_list() == pytest.approx([50, 130, 50, 130])
    assert (rows["plan_gbp"] >= rows["alone_gbp"] - 1e-5).all()
    assert by_year(answer, "homecare") == [70, 70]
    free = solved(place, years=2)
    assert by_year(free, "homecare") == [200, 200]


def test_no_position_alone_where_today_misses_a_standard():
    # the nhs has no stream, and falls are 10 against a standard of 9.5, which only the
    # council's money can reach: alone the nhs cannot, and has no position; the council can, by
    # lights that prevent half a fall
    place = changed(place_over_years(1), "outcomes", "falls", minimum_standard=9.5)
    curves = [*place.curves.to_dict("records"), {"programme_id": "lights", "outcome_id": "falls",
              "form": "points"}]  # fmt: skip
    points = [*place.curve_points.to_dict("records"), {"programme_id": "lights",
              "outcome_id": "falls", "spend_gbp": 200, "effect": 2}]  # fmt: skip
    place = place_over_years(1, place, curves=curves, curve_points=points)
    answer = solved(
        place, NobodyWorseOff(rule="nobody_worse_off", counterfactual="most_it_could_keep"), years=1
    )
    rows = answer.plan.tables["positions"].set_index("agency_id")
    assert np.isnan(rows.loc["nhs", "alone_gbp"])
    assert rows.loc["council", "alone_gbp"] == pytest.approx(0, abs=0.01)


def test_the_capital_of_others_asks_nothing_of_an_agency_alone():
    # the council's lights would need 10 of capital to restart; the nhs decides only on homecare
    place = changed(place_over_years(1), "programmes", "lights", capital_gbp=10)
    place = place.replace(streams=place.streams.assign(agency_id=["nhs", "council"]))
    rules = (
        NobodyWorseOff(rule="nobody_worse_off", counterfactual="most_it_could_keep"),
        Capital(rule="capital"),
    )
    answer = solved(place, *rules, years=1)
    rows = answer.plan.tables["positions"].set_index("agency_id")
    assert rows["alone_gbp"].to_list() == pytest.approx([50, 130])  # as without capital


def test_transfers_pay_those_who_would_be_worse_off():
    # the council's money runs homecare, from which the nhs gains 2 GBP in cash a pound
    place = place_over_years(1)
    benefits = [
        {"benefit_id": "b", "outcome_id": "falls", "agency_id": "nhs", "unit_value_gbp": 200,
         "cashable_share": 1.0}
    ]  # fmt: skip
    rows = {k: t.to_dict("records") for k, t in place.tables.items() if len(t)}
    place = place_of(**rows | {"benefits": benefits})
    answer = solved(
        place, NobodyWorseOff(rule="nobody_worse_off", counterfactual="most_it_could_keep"), years=1
    )
    rows = answer.plan.tables["positions"].set_index("agency_id")
    assert rows.loc["council", "transfers_gbp"] > 0
    assert (rows["plan_gbp"] >= rows["alone_gbp"] - 1e-6).all()
    assert answer.plan.tables["transfers"]["from_agency_id"].to_list() == ["nhs"]
    assert by_year(answer, "homecare") == [200]


def test_no_position_alone_without_meeting_standards():
    # 9.2 falls need 180 for homecare, all there is in one budget: neither agency has it by itself
    place = place_over_years(1)
    place = place.replace(streams=place.streams.assign(agency_id=["nhs", "council"]))
    falls = Outcomes(rule="outcomes", outcome={"falls": {"minimum_standard": 9.2}})
    worse_off = NobodyWorseOff(rule="nobody_worse_off", counterfactual="most_it_could_keep")
    answer = solved(place, budgets(180), falls, worse_off, years=1)
    assert by_year(answer, "homecare") == [180]
    assert answer.plan.tables["positions"]["alone_gbp"].isna().all()
    assert answer.plan.tables["transfers"].empty


def test_standards_that_hold_only_together_do_not_hold_alone():
    # as above, but 9.2 falls are not required alone: the council, which runs only the
    # lights, leaves its 50 unspent, the nhs 200 - 20 - 50 = 130, and the plan, which spends 180 of
    # 250, cannot leave them 180
    place = place_over_years(1)
    place = place.replace(streams=place.streams.assign(agency_id=["nhs", "council"]))
    falls = Outcomes(rule="outcomes", outcome={"falls": {"minimum_standard": 9.2}})
    worse_off = NobodyWorseOff(
        rule="nobody_worse_off", counterfactual="most_it_could_keep", only_together=("falls",)
    )
    answer = solved(place, budgets(180), falls, worse_off, years=1)
    assert answer.result.status is Status.INFEASIBLE
    falls = Outcomes(rule="outcomes", outcome={"falls": {"minimum_standard": 10.3}})
    answer = solved(place, budgets(180), falls, worse_off, years=1)
    assert answer.plan.tables["positions"]["alone_gbp"].to_list() == pytest.approx([50, 130])
    alone = answer.plan.tables["alone_spending"].set_index("agency_id")["alone_gbp"]
    assert alone.to_dict() == pytest.approx({"council": 50, "nhs": 20})


def test_agencies_without_position_pay_from_unspent_money():
    # Lights keep their 100. Alone the council would have to pay 50 of them, and all with them 200,
    # of its share of the budget, 180 x 50 / 200, and others' 150: 195. It has no position alone;
    # the nhs has 200 - 50 - 20 for homecare = 130. Its lamp fund now brings 90, of which 50 are
    # spent as today; the 40 left over let the nhs spend 60 on homecare: 200 - 50 - 60 + 40 = 130
    place = changed(place_over_years(1), "programmes", "lights", statutory_floor_gbp_per_year=100)
    place = place.replace(
        streams=place.streams.assign(agency_id=["nhs", "council"]),
        stream_amounts=place.stream_amounts.assign(amount_gbp=[200.0, 90.0]),
    )
    answer = solved(
        place,
        budgets(180),
        NobodyWorseOff(rule="nobody_worse_off", counterfactual="most_it_could_keep"),
        years=1,
    )
    assert by_year(answer, "homecare") == [60]
    rows = answer.plan.tables["positions"].set_index("agency_id")
    assert np.isnan(rows.loc["council", "alone_gbp"])
    assert rows["transfers_gbp"].to_dict() == pytest.approx({"council": -40, "nhs": 40})
    assert rows.loc["nhs", "plan_gbp"] == pytest.approx(130)


def test_shortfalls_over_the_horizon_are_paid_from_surplus():
    # Discounted 100 %: the first agency is 8 short in 2026 and has 4 (worth 2) over in 2027: 6 in
    # all. The second has 12 over in 2026 (of which it lacks 2 in 2027, worth 1): 11; the third,
    # without a position alone, has 0 and 2 unspent, worth 1. They pay 5.5 and 0.5 of the 6, each in
    # the years in which it has something: the second in 2026, the third 0.5 x 2 in 2027
    problem = build_problem(place_over_years(2), scenario_of(rules=[], years=2))
    agencies = replace(
        problem.agencies,
        stand_alone=np.array([[8.0, 0.0, np.nan], [0.0, 2.0, np.nan]]),
        over_horizon=True,
        counterfactual="most_it_could_keep",
    )
    horizon = replace(problem.horizon, discount=np.array([1.0, 0.5]))
    problem = replace(problem, horizon=horizon, agencies=agencies)
    before = np.array([[0.0, 12.0, 0.0], [4.0, 0.0, 9.0]])
    own = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 2.0]])
    moved = least_transfers(problem, before, own)
    assert moved[0] == pytest.approx(np.array([[0, 0, 0], [5.5, 0, 0], [0, 0, 0]]))
    assert moved[1] == pytest.approx(np.array([[0, 0, 0], [0, 0, 0], [1, 0, 0]]))


def of_three(years: int, carry_over: bool):
    """A problem of three agencies, of which only the first has a stand-alone position, of 10."""
    problem = build_problem(place_over_years(years), scenario_of(rules=[], years=years))
    alone = np.full((years, 3), np.nan)
    alone[:, 0] = 10.0
    total = np.full(years, 100.0)
    return replace(
        problem,
        agencies=replace(problem.agencies, stand_alone=alone),
        money=replace(problem.money, total=total, carry_over=carry_over),
    )


def test_transfers_share_what_the_one_budget_leaves():
    # the first is 30 short; the second has 40 unspent, the third has saved 20: they would pay 20
    # and 10. Of the one budget 10 are left, so that the second pays 10 and the third its 20
    problem = of_three(1, carry_over=False)
    before, own, cash = np.array([[-20.0, 0, 0]]), np.array([[0.0, 40, 20]]), np.array([[0, 0, 20]])
    for left, second in ((100.0, 20.0), (10.0, 10.0)):
        moved = least_transfers(problem, before, own, cash, np.array([left]))
        assert moved[0, :, 0] == pytest.approx([0, second, 30 - second])


@pytest.mark.parametrize("over_horizon", [False, True])
def test_transfers_share_a_reserve_over_the_years(over_horizon):
    # the first is 10 short in each of two years; the second has 10 unspent in each, the third saves
    # 10 in each: they would pay 5 and 5. The reserve holds 10, then 5: of the 20 the second pays
    # at most 5, the third the rest
    problem = of_three(2, carry_over=True)
    problem = replace(
        problem,
        horizon=replace(problem.horizon, discount=np.ones(2)),
        agencies=replace(problem.agencies, over_horizon=over_horizon),
    )
    before, own = np.zeros((2, 3)), np.array([[0.0, 10, 10]] * 2)
    cash = np.array([[0.0, 0, 10]] * 2)
    moved = least_transfers(problem, before, own, cash, np.array([10.0, 5.0]))
    paid = moved[:, :, 0].sum(axis=0)
    assert paid[1] <= 5 + 1e-6
    assert paid.sum() == pytest.approx(20)
    if not over_horizon:
        assert moved[:, :, 0].sum(axis=1) == pytest.approx([10, 10])
