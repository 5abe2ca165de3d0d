"""Rules over years, binding and relaxed, on the hand-worked place of ``test_rules``: a pound of
homecare is worth 0.005 ranges, one of lights 0.0025, streams of 200 and 50."""

from __future__ import annotations

import numpy as np
import pytest

from placeopt.budget import solve
from placeopt.budget.verify import verify
from placeopt.engine import Status
from placeopt.scenario.rules.budget.money import (
    Capital,
    Commissioning,
    OneBudget,
    Outcomes,
    Pace,
    Prevention,
    Reinvestment,
    Statutory,
    Streams,
)
from tests.budget.places import (
    budgets,
    by_year,
    changed,
    place_over_years,
    random_place,
    scenario_of,
    solved,
)
from tests.support.places import place_of


def test_yearly_totals_bind_and_the_objective_is_a_mean():
    answer = solved(place_over_years(), budgets(180, 170, 160))
    assert by_year(answer, "homecare") == [180, 170, 160]
    # homecare + 0.4, 0.35, 0.3 ranges; lights - 0.25 in each year
    assert answer.result.objective == pytest.approx(-(0.15 + 0.10 + 0.05) / 3)


def test_shortfall_prices_are_discounted_like_money():
    # 60 ranges' worth of pounds a range: a pound of homecare saves 0.3, of the lights 0.15, so
    # nothing is bought but homecare's floor of 20; all targets are missed: (1.4 + 1.25) x 60 a year
    rule = Outcomes(
        rule="outcomes",
        outcome={key: {"targets": "priced", "shortfall_price": 60} for key in ("falls", "safe")},
    )
    scenario = scenario_of("least_money", rules=[rule, budgets(250, 250)], years=2)
    answer = solve(place_over_years(2), scenario)
    assert by_year(answer, "homecare") == pytest.approx([20, 20], abs=0.02)
    a_year = 20 + 60 * (1.4 + 1.25)
    assert answer.result.objective == pytest.approx(a_year * (1 + 1 / 1.035), abs=0.05)


def test_a_reserve_moves_money_and_is_full_at_the_end():
    # a standard of 9.2 falls from 2027 on (homecare at 180) that 170 of 2027 cannot pay: 10 of
    # 2026's 190 are kept; without carry_over there is no plan
    falls = Outcomes(rule="outcomes", from_year=2027, outcome={"falls": {"minimum_standard": 9.2}})
    answer = solved(place_over_years(2), budgets(190, 170, carry_over=True), falls, years=2)
    assert by_year(answer, "homecare") == [180, 180]
    assert answer.plan.tables["reserves"]["closing_gbp"].to_list() == pytest.approx([10, 0])
    alone = solved(place_over_years(2), budgets(190, 170), falls, years=2)
    assert alone.result.status is Status.INFEASIBLE
    # an opening reserve of 10 pays in 2026 only if 2027 gives it back
    opening = budgets(170, 190, carry_over=True, opening_reserve_gbp=10)
    falls = Outcomes(rule="outcomes", outcome={"falls": {"minimum_standard": 9.2}})
    answer = solved(place_over_years(2), opening, falls, years=2)
    assert by_year(answer, "homecare") == [180, 180]
    assert answer.plan.tables["reserves"]["closing_gbp"].to_list() == pytest.approx([0, 10])


def test_money_that_streams_carry_is_spent_a_year_later():
    # totals of 100 and 300: the grant's 100 that 2026 does not spend pays for homecare in 2027
    for unspent, second in (("carried", 300), ("returned", 200)):
        rule = Streams(rule="streams", unspent=unspent)
        answer = solved(place_over_years(2), budgets(100, 300), rule, years=2)
        assert by_year(answer, "homecare") == [100, second]


def test_the_pace_is_kept_from_year_to_year():
    # lights may lose a tenth a year: 90, 81, 72.9; homecare gets the rest
    pace = Pace(rule="pace", largest_cut_share=0.1)
    answer = solved(place_over_years(), budgets(180, 180, 180), pace)
    assert by_year(answer, "lights") == [90, 81, 72.9]
    rise = Pace(rule="pace", largest_rise_share=0.2)  # homecare 120, 144, 172.8
    answer = solved(place_over_years(), budgets(200, 200, 200), rise)
    assert by_year(answer, "homecare") == [120, 144, 172.8]


def test_notice_keeps_a_programme_for_its_years():
    place = changed(place_over_years(), "programmes", "lights", notice_years=2)
    answer = solved(place, budgets(180, 180, 180), Pace(rule="pace", notice=True))
    assert by_year(answer, "lights") == [100, 100, 0]
    answer = solved(place, budgets(180, 180, 180), Pace(rule="pace", notice=False))
    assert by_year(answer, "lights") == [0, 0, 0]


def test_a_lag_and_persistence_bring_an_effect_in_slowly():
    # homecare's effect comes a year late, half of what is left in each year: 0, 1/2, 3/4
    place = place_over_years()
    curves = place.curves.assign(lag_years=[1, 0], persistence_share=[0.5, 0.0])
    decided = {"benefit_years": 3}
    answer = solved(place.replace(curves=curves), budgets(180, 180, 180), money=decided)
    falls = answer.plan.tables["outcomes_by_year"].query("outcome_id == 'falls'")["plan"]
    # 2026's pound of homecare is worth 0.005 x (1/2 + 1/4), 2027's 0.005 x 1/2, as much as one of
    # lights; 2028's nothing: homecare at its floor of 20 then, lights at 150 and no further
    assert by_year(answer, "homecare")[0] == 180
    assert by_year(answer, "homecare")[2] < 50
    spent = np.array(by_year(answer, "homecare")) - 100
    effect = 0.01 * np.array([0, spent[0] / 2, spent[0] / 4 + spent[1] / 2])
    assert falls.to_list() == pytest.approx(10 - effect)


def test_benefit_years_credit_what_the_last_year_buys():
    # with a lag of one year nothing is bought for falls in a single year, unless two count
    place = place_over_years(1)
    curves = place.curves.assign(lag_years=[1, 0])
    place = place.replace(curves=curves)
    answer = solved(place, budgets(180), years=1, money={"benefit_years": 1})
    assert by_year(answer, "homecare")[0] < 50
    answer = solved(place, budgets(180), years=1)  # by default: one decided, one of lag
    assert by_year(answer, "homecare") == [180]


def test_do_nothing_drifts_and_standards_are_measured_against_it():
    # falls grow by a tenth a year: 11, 12.1; a standard of 10.5 asks homecare for 50 more, then 160
    place = changed(place_over_years(2), "outcomes", "falls", growth_share_per_year=0.1)
    rule = Outcomes(rule="outcomes", outcome={"falls": {"minimum_standard": 10.5}})
    least = ("least_money",)
    answer = solved(place, rule, Streams(rule="streams"), objective=least, years=2)
    assert answer.result.status is Status.INFEASIBLE  # the grant has 200
    rule = Outcomes(rule="outcomes", outcome={"falls": {"minimum_standard": 11.2}})
    answer = solved(place, rule, objective=least, years=2)
    assert by_year(answer, "homecare") == [80, 190]
    rows = answer.plan.tables["outcomes_by_year"].query("outcome_id == 'falls'")
    assert rows["do_nothing"].to_list() == pytest.approx([11, 12.1])
    # discounted to the first year
    assert answer.result.objective == pytest.approx(80 + 190 / 1.035)


def wards(**provision):
    """Bed days (40 today, two wards of 20, 50 GBP each, out of 100) fall with homecare: 0.1 a
    pound, so 20 GBP more close a ward."""
    place = place_over_years()
    outcomes = place.outcomes.to_dict("records")
    outcomes.append({"outcome_id": "beds", "unit": "days", "direction": "lower", "baseline": 40})
    programmes = place.programmes.to_dict("records")
    programmes.append({"programme_id": "hospital", "agency_id": "nhs", "kind": "reactive"})
    spending = place.spending.to_dict("records")
    spending.append(
        {"year": 2025, "programme_id": "hospital", "stream_id": "grant", "amount_gbp": 100}
    )
    amounts = place.stream_amounts.to_dict("records")
    for row in amounts:
        row["amount_gbp"] += 100 if row["stream_id"] == "grant" else 0
    return place_of(
        **{k: t.to_dict("records") for k, t in place.tables.items() if len(t)}
        | {
            "outcomes": outcomes,
            "programmes": programmes,
            "spending": spending,
            "stream_amounts": amounts,
            "curves": [
                *place.curves.to_dict("records"),
                {"programme_id": "homecare", "outcome_id": "beds", "form": "points"},
            ],
            "curve_points": [
                *place.curve_points.to_dict("records"),
                {"programme_id": "homecare", "outcome_id": "beds", "spend_gbp": 400, "effect": 40},
            ],
            "provision": [
                {
                    "programme_id": "hospital",
                    "outcome_id": "beds",
                    "unit": "ward",
                    "unit_capacity": 20,
                    "unit_cost_gbp_per_year": 50,
                    **provision,
                }
            ],
        }
    )


def test_a_ward_closes_only_when_a_whole_ward_is_no_longer_needed():
    units = Prevention(rule="prevention")
    # 270 in a year: homecare needs 200 more (20 days fewer) to close a ward: 300 + 50 is too much
    answer = solved(wards(), budgets(270, 270, 270), units)
    assert by_year(answer, "hospital", "units") == [2, 2, 2]
    assert by_year(answer, "homecare") == [170, 170, 170]
    # 350: homecare 300, one ward of 50 and no lights; with all of 350 to spend that is best:
    # homecare + 1.0 range against 250 + 100
    answer = solved(wards(), budgets(350, 350, 350), units, Streams(rule="streams"))
    # the grant of 300 is short of 350
    assert by_year(answer, "hospital", "units") == [2, 2, 2]
    free = scenario_of(rules=[budgets(350, 350, 350), units], drop=("streams",), years=3)
    answer = solve(wards(), free)
    assert by_year(answer, "hospital", "units") == [1, 1, 1]
    assert by_year(answer, "homecare") == [300, 300, 300]


def test_double_running_keeps_a_ward_and_closing_costs():
    rules = [Prevention(rule="prevention"), Pace(rule="pace", double_running_years=1)]
    place = wards(closing_cost_gbp=7)
    scenario = scenario_of(rules=[budgets(400, 400, 400), *rules], drop=("streams",), years=3)
    answer = solve(place, scenario)
    assert by_year(answer, "hospital", "units") == [2, 1, 1]
    assert by_year(answer, "hospital", "one_off_gbp") == [0, 7, 0]


def test_without_the_rule_the_hospitals_money_is_freed_at_once():
    scenario = scenario_of(rules=[budgets(270, 270, 270)], drop=("streams",), years=3)
    assert by_year(solve(wards(), scenario), "hospital") == [0, 0, 0]


def test_a_share_of_savings_goes_into_prevention():
    # lights are preventive; homecare saves: least money would cut both; at a share of a half the
    # lights get what they have today and half of what homecare saves (80 of 100): 140
    place = changed(place_over_years(), "programmes", "lights", kind="preventive")
    rule = Reinvestment(rule="reinvestment", share=0.5)
    answer = solved(place, rule, objective=("least_money",))
    assert by_year(answer, "lights") == [140, 140, 140]
    assert by_year(answer, "homecare") == [20, 20, 20]
    answer = solved(place, Reinvestment(rule="reinvestment", share=0.0), objective=("least_money",))
    assert by_year(answer, "lights") == [100, 100, 100]


def test_a_contract_that_is_begun_runs_its_length():
    # Lamps are worth 0.0125 / 2 ranges a pound, more than homecare, from 30 GBP up to 40. 2027 has
    # only homecare's floor of 20: bought for one year they run in 2026, for three years never,
    # unless 2027 and 2028 have 60 each.
    def lamps(years: int):
        rows = {k: t.to_dict("records") for k, t in place_over_years().tables.items() if len(t)}
        rows["programmes"] += [
            {"programme_id": "lamps", "agency_id": "council", "contract_years": years,
             "minimum_scale_gbp_per_year": 30, "maximum_gbp_per_year": 40}
        ]  # fmt: skip
        rows["curves"] += [{"programme_id": "lamps", "outcome_id": "safe", "form": "points"}]
        rows["curve_points"] += [
            {"programme_id": "lamps", "outcome_id": "safe", "spend_gbp": s, "effect": s / 80}
            for s in (0, 40)
        ]
        return place_of(**rows)

    for years, later, bought in (
        (1, 20, [40, 0, 0]),
        (3, 20, [0, 0, 0]),
        (3, 60, [40, 40, 40]),
    ):
        answer = solved(lamps(years), budgets(180, later, later))
        assert by_year(answer, "lamps") == pytest.approx(bought), (years, later)
    one, three = (lamps(years) for years in (1, 3))
    question = scenario_of(rules=[budgets(180, 20, 20)], years=3)
    plan = solve(one, question).plan
    assert [c.number for c in verify(three, question, plan).broken] == ["B10"]


def test_a_contract_runs_to_its_last_year():
    place = changed(place_over_years(), "programmes", "lights", contract_until_year=2027)
    assert by_year(solved(place, budgets(180, 180, 180)), "lights") == [100, 100, 0]


def test_start_and_stop_costs_fall_in_the_year_of_the_change():
    place = changed(
        place_over_years(),
        *("programmes", "lights"),
        stop_cost_gbp=5.0,
        minimum_scale_gbp_per_year=50.0,
    )
    answer = solved(place, budgets(180, 180, 180))
    assert by_year(answer, "lights", "one_off_gbp") == [5, 0, 0]
    assert by_year(answer, "homecare") == [175, 180, 180]


def test_a_coherent_group_is_bought_together_or_not_at_all():
    group = Commissioning(rule="commissioning", coherent=(("homecare", "lights"),))
    answer = solved(place_over_years(1), budgets(180), group, years=1)
    spent = by_year(answer, "lights")[0]
    assert 0 < spent < 1  # a thousandth of today keeps the lights on
    place = changed(place_over_years(1), "programmes", "lights", minimum_scale_gbp_per_year=60)
    assert by_year(solved(place, budgets(180), group, years=1), "lights") == [60]


def test_capital_starts_a_programme_only_where_a_pot_holds_it():
    place = place_over_years(2)
    programmes = place.programmes.to_dict("records")
    programmes.append({"programme_id": "new", "agency_id": "nhs", "capital_gbp": 30})
    rows = {k: t.to_dict("records") for k, t in place.tables.items() if len(t)}
    rows["programmes"] = programmes
    rows["curves"].append({"programme_id": "new", "outcome_id": "falls", "form": "points"})
    rows["curve_points"].append(
        {"programme_id": "new", "outcome_id": "falls", "spend_gbp": 100, "effect": 5}
    )
    rows["streams"].append({"stream_id": "cap", "agency_id": "nhs", "purpose": "capital"})
    rows["stream_amounts"] += [
        {"stream_id": "cap", "year": 2026 + t, "amount_gbp": 20} for t in range(2)
    ]
    rows["outcomes"] = [{**row, "beyond": "counts"} for row in rows["outcomes"]]
    place = place_of(**rows)
    # 20 of capital a year: too little; with receipts of 10 in 2027 it starts then
    answer = solved(place, budgets(180, 180), Capital(rule="capital"), years=2)
    assert by_year(answer, "new") == [0, 0]
    rule = Capital(rule="capital", receipts_gbp=(0, 10))
    answer = solved(place, budgets(180, 180), rule, years=2)
    assert by_year(answer, "new") == [0, 100]
    assert by_year(answer, "new", "capital_gbp") == [0, 30]
    # many streams: the capital stream names nothing it may pay for
    rule = Capital(rule="capital", receipts_gbp=(0, 10), pots="streams")
    assert by_year(solved(place, budgets(180, 180), rule, years=2), "new") == [0, 0]


def test_a_stretch_earns_its_reward_a_year_later():
    # falls below the target of 9.5 (homecare 150) earn 20 GBP a fall up to 9: homecare at 180
    # earns 6 in 2026 for 2027, and 186 x ... earns more for 2028
    place = changed(
        place_over_years(), "outcomes", "falls", target=9.5, stretch=9.0, reward_gbp_per_unit=20.0
    )
    answer = solved(place, budgets(180, 180, 180))
    assert by_year(answer, "homecare") == pytest.approx([180, 186, 187.2])
    late = Outcomes(rule="outcomes", deferred_share=0.5)
    answer = solved(place, budgets(180, 180, 180), late)
    # 3 of 2026's 6 come in 2027, 3 in 2028 with half of 20 x (1.83 - ... - 0.5 x ...) = 3.3
    assert by_year(answer, "homecare") == pytest.approx([180, 183, 186.3])


def test_clawback_is_paid_a_year_later():
    # The target of falls is 9.5 (homecare 150), 20 GBP go back for each fall above it: of 180 in
    # all, homecare at 120 means 9.8 falls and 6 GBP back. Lights are held at 40 by contract, so
    # homecare gets at most 140: 9.6 falls, 2 GBP back, paid in 2027.
    # 2027: homecare h = 140 - 2 = 138, 9.62 falls, 2.4 GBP back in 2028.
    # 2028: h = 140 - 2.4 - back(h), back(h) = 20 (0.01 x (150 - h)): h (1 - 0.2) = 137.6 - 30
    """In the last year it is paid at once."""
    place = changed(place_over_years(), "outcomes", "falls", target=9.5, clawback_gbp_per_unit=20.0)
    lights = Statutory(rule="statutory", floors_gbp={"lights": 40})
    answer = solved(place, budgets(180, 180, 180), lights)
    assert by_year(answer, "homecare") == pytest.approx([140, 138, 134.5])
    rows = answer.plan.tables["result_payments"]
    assert rows["clawback_gbp"].to_list() == pytest.approx([2.0, 2.4, 3.1])
    back = answer.plan.tables["reserves"]["clawback_gbp"].to_list()
    assert back == pytest.approx([0.0, 2.0, 2.4 + 3.1])
    # relaxed: nothing was paid in advance
    answer = solved(place_over_years(), budgets(180, 180, 180), lights)
    assert by_year(answer, "homecare") == [140, 140, 140]
    assert "result_payments" not in answer.plan.tables


def test_no_more_goes_back_than_was_paid_in_advance():
    # As above with 1,000 GBP a fall down to 9.52 (homecare 148): 20 GBP go back in all, for 140
    # and for less, so that 2027 has 160, homecare 120, and 2028 has 180 - 20 - 20: homecare 100.
    # Without the limit 2028 could not pay back the 1,000 x 0.1 of 2027 beside the lights.
    place = changed(
        place_over_years(),
        *("outcomes", "falls"),
        target=9.5,
        clawback_gbp_per_unit=1000.0,
        clawback_until=9.52,
    )
    lights = Statutory(rule="statutory", floors_gbp={"lights": 40})
    answer = solved(place, budgets(180, 180, 180), lights)
    assert by_year(answer, "homecare") == pytest.approx([140, 120, 100])
    assert answer.plan.tables["result_payments"]["clawback_gbp"].to_list() == pytest.approx(
        [20] * 3
    )
    everything = place.replace(outcomes=place.outcomes.assign(clawback_until=np.nan))
    answer = solve(
        everything,
        scenario_of(rules=[budgets(180, 180, 180), lights], years=3),
    )
    assert answer.result.status is Status.INFEASIBLE


@pytest.mark.parametrize("seed", range(6))
def test_random_plans_over_years_are_verified(seed):
    """A year solved separately is worth no less than the same year with a pace."""
    place = place_over_years(3, random_place(seed))
    rules = [
        OneBudget(rule="one_budget", reduction_share=(0.05, 0.1, 0.1), carry_over=True),
        Pace(rule="pace", largest_cut_share=0.4, largest_rise_share=0.5),
    ]
    answer = solved(place, *rules, drop=("outcomes",))
    free = solved(place, rules[0], drop=("outcomes",))
    if answer.plan is not None:
        assert free.result.objective <= answer.result.objective + 1e-6


def test_lists_must_have_a_number_for_each_decided_year():
    from placeopt.base.errors import ScenarioError

    with pytest.raises(ScenarioError, match="2 numbers for 3 decided years"):
        solved(place_over_years(), budgets(180, 170))
    with pytest.raises(ScenarioError, match="fewer than the 3 decided years"):
        solved(place_over_years(), budgets(180, 170, 160), money={"benefit_years": 2})
