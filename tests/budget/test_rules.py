"""Each rule binding and relaxed, on a hand-worked place.

``two_programmes``: homecare and lights have 100 each today. One pound of homecare prevents 0.01
falls (range 10 to 8: 0.005 ranges a pound); one pound of lights gives 0.005 points of feeling
safe (range 50 to 52: 0.0025 ranges a pound) up to 150. An open grant of 200, fenced money of 50
for the lights. So homecare has priority, and the lights get the fenced money.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from placeopt.base.errors import PlaceError, ScenarioError
from placeopt.budget import solve
from placeopt.budget.model.formulation import formulate
from placeopt.budget.problem.build import build_problem
from placeopt.budget.search.approximation import Approximation
from placeopt.budget.verify import verify
from placeopt.engine import Status
from placeopt.scenario.rules.budget.money import OneBudget, Outcomes, Pace, Statutory, Streams
from tests.budget.places import one_budget, scenario_of, two_programmes

MONEY = ("least_money", "least_disruption")


def after(answer) -> dict[str, float]:
    rows = answer.plan.spending
    return dict(zip(rows["programme_id"], rows["after_gbp"], strict=True))


def with_outcome(outcome_id: str, **changes):
    place = two_programmes()
    rows = place.outcomes.copy()
    for column, value in changes.items():
        rows.loc[rows["outcome_id"] == outcome_id, column] = value
    return place.replace(outcomes=rows)


def price(answer, rule: str, key: str = "") -> float:
    rows = answer.plan.prices
    found = rows[(rows["rule"] == rule) & (rows["id"] == key)]
    return float(found["change_in_objective"].iloc[0])


def test_the_one_budget_binds_and_has_a_price():
    """Its price is the value of the next pound of homecare."""
    answer = solve(two_programmes(), scenario_of(rules=[one_budget(180)]))
    assert after(answer) == {"homecare": 180, "lights": 0}
    # 80 more on homecare: 0.8 falls fewer = 0.4 ranges; 100 less on lights: 0.5 points = 0.25
    assert answer.result.objective == pytest.approx(-0.4 + 0.25)
    assert answer.result.status is Status.OPTIMAL
    assert price(answer, "B1") == pytest.approx(-0.005)


def test_a_looser_budget_leaves_the_streams_to_bind():
    answer = solve(two_programmes(), scenario_of(rules=[one_budget(1000)]))
    # the grant of 200 to homecare, the fenced 50 to the lights
    assert after(answer) == {"homecare": 200, "lights": 50}
    assert price(answer, "B1") == 0
    assert price(answer, "B2", "grant") == pytest.approx(-0.005)
    assert price(answer, "B2", "lamp_fund") == pytest.approx(-0.0025)


def test_a_reduction_share_is_taken_from_the_base_years_spending():
    rule = OneBudget(rule="one_budget", reduction_share=0.1)
    answer = solve(two_programmes(), scenario_of(rules=[rule]))
    assert answer.plan.summary["total_gbp"] == pytest.approx(180)
    assert after(answer) == {"homecare": 180, "lights": 0}


def test_a_ring_fence_holds_and_returns_unspent_money():
    answer = solve(two_programmes(), scenario_of(rules=[one_budget(230)]))
    assert after(answer) == {"homecare": 200, "lights": 30}
    streams = answer.plan.streams.set_index("stream_id")
    assert streams.loc["lamp_fund", "returned_gbp"] == pytest.approx(20)
    assert streams.loc["grant", "returned_gbp"] == 0


def test_a_released_ring_fence_pays_for_homecare():
    rules = [one_budget(230), Streams(rule="streams", release=("lamp_fund",))]
    assert after(solve(two_programmes(), scenario_of(rules=rules))) == {
        "homecare": 230,
        "lights": 0,
    }


def test_without_streams_only_the_total_limits_money():
    scenario = scenario_of(rules=[one_budget(300)], drop=("streams",))
    assert after(solve(two_programmes(), scenario)) == {"homecare": 300, "lights": 0}


def test_capital_money_pays_only_for_what_it_is_named_for():
    place = two_programmes()
    streams = place.streams.assign(ring_fenced=False, purpose=["revenue", "capital"])
    answer = solve(place.replace(streams=streams), scenario_of(rules=[one_budget(1000)]))
    assert after(answer) == {"homecare": 200, "lights": 50}


def test_a_statutory_floor_binds_and_has_a_price():
    # lights kept at 60 of 180: homecare has 120; a pound more on the floor costs 0.0025 ranges
    rule = Statutory(rule="statutory", floors_gbp={"lights": 60})
    answer = solve(two_programmes(), scenario_of(rules=[one_budget(180), rule]))
    assert after(answer) == {"homecare": 120, "lights": 60}
    assert price(answer, "B3", "lights") == pytest.approx(0.005 - 0.0025)
    assert (
        "at the floor that this question states, £60"
        in answer.plan.spending.set_index("programme_id").loc["lights", "why"]
    )


def test_a_floor_below_what_the_plan_gives_changes_nothing():
    rule = Statutory(rule="statutory", floors_gbp={"homecare": 90})
    answer = solve(two_programmes(), scenario_of(rules=[one_budget(180), rule]))
    assert after(answer) == {"homecare": 180, "lights": 0}


def test_a_pace_binds_on_cuts_and_on_rises():
    # lights may lose 30 % (to 70): homecare has 110 of 180; or homecare may gain 25 % (to 125)
    cut = Pace(rule="pace", largest_cut_share=0.3)
    answer = solve(two_programmes(), scenario_of(rules=[one_budget(180), cut]))
    assert after(answer) == {"homecare": 110, "lights": 70}
    assert price(answer, "B5", "lights") == pytest.approx(0.005 - 0.0025)
    why = answer.plan.spending.set_index("programme_id")["why"]
    assert why["lights"] == "cut as fast as the pace allows"
    rise = Pace(rule="pace", largest_rise_share=0.25)
    answer = solve(two_programmes(), scenario_of(rules=[one_budget(180), rise]))
    assert after(answer) == {"homecare": 125, "lights": 55}


def test_a_slack_or_exempt_pace_changes_nothing():
    for rule in (
        Pace(rule="pace", largest_cut_share=1.0, largest_rise_share=2.0),
        Pace(rule="pace", largest_cut_share=0.3, exempt=("lights",)),
    ):
        answer = solve(two_programmes(), scenario_of(rules=[one_budget(180), rule]))
        assert after(answer) == {"homecare": 180, "lights": 0}


def test_an_impossible_pace_is_explained():
    """A broken one is caught."""
    rule = Pace(rule="pace", largest_cut_share=0.1)  # both at 90 or more: 180, ten too many
    answer = solve(two_programmes(), scenario_of(rules=[one_budget(170), rule]))
    gives = {clash.name: clash.what_gives for clash in answer.explanation.clashes}
    assert set(gives) == {"one_budget", "pace"}
    assert gives["pace"].endswith("would fall £10 further than its pace")
    plan = solve(two_programmes(), scenario_of(rules=[one_budget(170)])).plan
    found = verify(two_programmes(), scenario_of(rules=[one_budget(170), rule]), plan)
    assert [check.number for check in found.broken] == ["B5"]
    assert rule.sentence() == "No programme loses more than 10.0% of its spending in the year."


def test_a_minimum_standard_binds_and_has_a_price():
    # feeling safe at 49.8 needs lights at 60 (0.005 * 40 = 0.2 below today's 50)
    place = with_outcome("safe", minimum_standard=49.8)
    answer = solve(place, scenario_of(rules=[one_budget(180)]))
    assert after(answer) == {"homecare": 120, "lights": 60}
    # one point stricter needs 200 GBP of lights, each worth 0.005 - 0.0025 ranges elsewhere
    assert price(answer, "B4", "safe") == pytest.approx(200 * 0.0025)
    row = answer.plan.outcomes.set_index("outcome_id").loc["safe"]
    assert row["after"] == pytest.approx(49.8)
    assert row["standard_met"] == "yes"


def test_dropping_the_rule_for_outcomes_frees_the_money():
    place = with_outcome("safe", minimum_standard=49.8)
    answer = solve(place, scenario_of(rules=[one_budget(180)], drop=("outcomes",)))
    assert after(answer) == {"homecare": 180, "lights": 0}
    assert answer.plan.outcomes.set_index("outcome_id").loc["safe", "standard_met"] == "no"


def test_a_scenario_may_set_its_own_standard_and_require_a_target():
    # a target of 9.2 falls required: homecare at 180; without it fairness would share
    rule = Outcomes(rule="outcomes", outcome={"safe": {"minimum_standard": 49.8}})
    answer = solve(two_programmes(), scenario_of(rules=[one_budget(180), rule]))
    assert after(answer) == {"homecare": 120, "lights": 60}
    rule = Outcomes(rule="outcomes", outcome={"falls": {"targets": "hold", "target": 9.2}})
    answer = solve(two_programmes(), scenario_of("least_money", rules=[rule]))
    assert after(answer) == {"homecare": 180, "lights": 0}


def test_a_priced_target_is_bought_when_the_price_is_worth_it():
    # lights: 0.0025 of a range a pound; at 500 GBP a range that is 1.25 a pound: worth it, up to
    # the corner at 150; homecare at 0.005 a range: 2.5 a pound, up to all the grant
    for shortfall_price, expected in ((500, {"homecare": 200, "lights": 50}), (100, None)):
        rule = Outcomes(rule="outcomes", targets="priced", shortfall_price=shortfall_price)
        answer = solve(two_programmes(), scenario_of("least_money", rules=[rule]))
        assert after(answer) == (expected or {"homecare": 20, "lights": 0})
        if expected:
            # 250 GBP, homecare 1 fall better of 2: half a range short; lights 0.25 worse of 2
            assert answer.result.objective == pytest.approx(250 + 500 * (0.5 + 1.125))


def test_least_money_keeps_the_standards_and_the_floor():
    place = with_outcome("falls", minimum_standard=10.5)
    answer = solve(place, scenario_of("least_money"))
    # 0.5 falls more than today allows 50 GBP less; lights have no standard
    assert after(answer) == {"homecare": 50, "lights": 0}
    assert answer.result.objective == pytest.approx(50)


def test_the_fairest_plan_raises_the_worst_outcome():
    # ranges short of target: falls 1 - 0.005 (h - 100), safe 1 - 0.0025 (l - 100), h + l = 200
    # equal where 0.005 (h - 100) = 0.0025 (100 - h): at h = 100
    answer = solve(two_programmes(), scenario_of("fairest", rules=[one_budget(200)]))
    assert after(answer) == pytest.approx({"homecare": 100, "lights": 100})
    assert answer.result.objective == pytest.approx(1.0)


def test_least_disruption_moves_only_what_the_cut_takes():
    answer = solve(two_programmes(), scenario_of("least_disruption", rules=[one_budget(180)]))
    assert answer.result.objective == pytest.approx(20)
    assert answer.plan.summary["spent_after_gbp"] == pytest.approx(180)


def test_objectives_are_taken_in_order_with_slack():
    # worst outcome may slip 10 % of 1.0: homecare up x, lights down x, 0.0025 x = 0.1: x = 40
    scenario = scenario_of("fairest", "weighted_outcomes", rules=[one_budget(200)], slack=(0.1,))
    answer = solve(two_programmes(), scenario)
    assert after(answer) == pytest.approx({"homecare": 140, "lights": 60}, abs=0.02)


@pytest.mark.parametrize(
    ("gbp_a_range", "homecare", "value"),
    [
        # a pound of homecare is worth 1.50, of the lights 0.75: all of the grant goes to homecare;
        # 300 (-0.5 + 0.25) + 200 (keeping today's 100 and 100: 200)
        (300, 200, 125),
        # 0.50 and 0.25: nothing but homecare's floor; 100 (0.4 + 0.25) + 20
        (100, 20, 85),
    ],
)
def test_a_weighted_sum_spends_while_it_pays(gbp_a_range, homecare, value):
    weights = {"weighted_outcomes": gbp_a_range, "least_money": 1}
    scenario = scenario_of("weighted", weights=weights, rules=[one_budget(250)])
    answer = solve(two_programmes(), scenario)
    assert after(answer) == pytest.approx({"homecare": homecare, "lights": 0}, abs=0.02)
    assert answer.result.objective == pytest.approx(value, abs=0.02)
    told = answer.plan.objectives.set_index("objective")["plan"]
    assert told["weighted"] == pytest.approx(value, abs=0.02)
    assert told["least_money"] == pytest.approx(homecare, abs=0.02)
    assert set(told.index) == {"weighted", "weighted_outcomes", "fairest", *MONEY}


def test_a_weight_is_of_an_objective_of_the_budget():
    with pytest.raises(ScenarioError, match="no budget objective to weigh 'cost'"):
        scenario_of("weighted", weights={"cost": 1.0})


def test_ties_are_broken_by_least_disruption():
    """Payments stay as they are."""
    answer = solve(two_programmes(), scenario_of("least_disruption", rules=[one_budget(1000)]))
    payments = answer.plan.payments
    assert (payments["before_gbp"] == payments["after_gbp"]).all()
    assert answer.result.objective == 0


def test_infeasible_is_an_answer_with_an_explanation():
    place = with_outcome("safe", minimum_standard=49.8)
    rule = Statutory(rule="statutory", floors_gbp={"homecare": 150})
    answer = solve(place, scenario_of(rules=[one_budget(180), rule]))
    assert answer.plan is None
    assert answer.result.status is Status.INFEASIBLE
    gives = {clash.name: clash.what_gives for clash in answer.explanation.clashes}
    # homecare's floor of 150 and the standard's 60 for the lights make 210, 30 too many
    assert set(gives) == {"one_budget", "statutory", "outcomes"}
    assert gives["one_budget"] == "the total would have to be £30 higher"
    assert gives["statutory"] == "homecare would fall £30 below its floor"
    assert gives["outcomes"] == "safe would be 49.65 against its minimum standard of 49.8"


def test_small_weights_are_scaled_for_the_solver():
    # a pound a range, in a place of two million: a solver, whose tolerances are absolute, sees
    # costs of about one, where a place of thousands of pounds would be worth a ten thousandth
    place = two_programmes()
    million = place.spending.assign(amount_gbp=place.spending["amount_gbp"] * 1e4)
    question = scenario_of("weighted", weights={"weighted_outcomes": 1.0}, rules=[one_budget(2e6)])
    problem = build_problem(place.replace(spending=million), question)
    model = formulate(problem, Approximation(problem).pieces("under"), "weighted")
    assert 0.1 < np.abs(model.arrays().cost).max() < 10


def test_an_overspent_stream_is_explained():
    rule = Statutory(rule="statutory", floors_gbp={"homecare": 220})
    answer = solve(two_programmes(), scenario_of(rules=[rule]))
    gives = {clash.name: clash.what_gives for clash in answer.explanation.clashes}
    assert set(gives) == {"streams", "statutory"}
    assert "£20" in gives["streams"]


def test_a_standard_broken_today_is_reported():
    place = with_outcome("falls", minimum_standard=9.5)
    answer = solve(place, scenario_of(rules=[one_budget(200)]))
    assert [check.number for check in answer.verification.broken_today] == ["B4"]
    assert answer.verification.ok


def test_sentences_are_readable():
    assert one_budget(180e6).sentence() == "All programmes together spend at most £180,000,000."
    cut = OneBudget(rule="one_budget", reduction_share=0.1)
    assert (
        cut.sentence() == "All programmes together spend at least 10.0% less than in the base year."
    )
    release = Streams(rule="streams", release=("f",))
    assert "released for Better Care" in release.sentence({"f": "Better Care"})


def test_a_total_or_a_share_is_asked_for():
    for given in ({}, {"total_gbp": 5, "reduction_share": 0.1}):
        with pytest.raises(ScenarioError, match="one of the two"):
            OneBudget(rule="one_budget", **given)


def test_faults_are_all_found_at_once():
    place = two_programmes()
    amounts = place.stream_amounts[place.stream_amounts["stream_id"] == "grant"]
    curves = pd.concat(
        [place.curves, place.curves.iloc[:1].assign(form="hill", outcome_id="safe")],
        ignore_index=True,
    )
    with pytest.raises(PlaceError) as error:
        solve(place.replace(stream_amounts=amounts, curves=curves), scenario_of())
    text = str(error.value)
    assert "no amount for the decided year 2026" in text
    assert "curves.csv row 4: maximum_effect" in text
    assert "curves.csv row 4: scale_gbp" in text


def test_unknown_ids_and_objectives_in_a_scenario_are_found():
    rules = [
        Streams(rule="streams", release=("nowhere",)),
        Statutory(rule="statutory", floors_gbp={"nothing": 1}),
        Outcomes(rule="outcomes", outcome={"nobody": {}}),
    ]
    with pytest.raises(ScenarioError, match="cost"):  # when it is made, as from a file
        scenario_of("cost", rules=rules)
    with pytest.raises(ScenarioError) as error:
        solve(two_programmes(), scenario_of(rules=rules))
    assert {finding.value for finding in error.value.findings} == {"nowhere", "nothing", "nobody"}


def test_a_programme_without_a_curve_is_warned_about():
    place = two_programmes()
    curves = place.curves[place.curves["programme_id"] == "homecare"].reset_index(drop=True)
    answer = solve(place.replace(curves=curves), scenario_of(rules=[one_budget(180)]))
    assert [finding.value for finding in answer.warnings] == ["lights"]
