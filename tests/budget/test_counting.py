"""How an outcome counts: up to its saturation, for as long as effects last; and faults."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

from placeopt.base.errors import PlaceError, ScenarioError
from placeopt.budget import solve
from placeopt.budget.problem import checks
from placeopt.budget.verify import verify
from placeopt.report.narrative.budget import describe_budget
from placeopt.scenario.benefit_years import counted_years
from placeopt.scenario.rules.budget.money import OneBudget, Outcomes, Streams
from tests.budget.places import (
    budgets,
    by_year,
    changed,
    one_budget,
    place_over_years,
    random_place,
    scenario_of,
    solved,
    two_programmes,
)
from tests.support.places import place_of

ROOT = Path(__file__).resolve().parents[2]


def two_trades(**hair) -> object:
    """94 places train for hair jobs and 123 for construction, a GBP a place; there are 18 and 274
    jobs. ``hair`` changes the row of that outcome."""
    row = {"outcome_id": "hair", "unit": "people", "direction": "higher", "baseline": 0}
    trades = [("hair", 94), ("build", 123)]
    return place_of(
        agencies=[{"agency_id": "council"}],
        programmes=[{"programme_id": key, "agency_id": "council"} for key, _ in trades],
        streams=[{"stream_id": "grant", "agency_id": "council"}],
        stream_amounts=[{"stream_id": "grant", "year": 2026, "amount_gbp": 217}],
        spending=[
            {"year": 2025, "programme_id": "hair", "stream_id": "grant", "amount_gbp": 0},
            {"year": 2025, "programme_id": "build", "stream_id": "grant", "amount_gbp": 123},
        ],
        outcomes=[
            {**row, "target": 15, "saturates_at": 18, **hair},
            {**row, "outcome_id": "build", "baseline": 123, "target": 274},
        ],
        curves=[{"programme_id": key, "outcome_id": key, "form": "points"} for key, _ in trades],
        curve_points=[
            {"programme_id": key, "outcome_id": key, "spend_gbp": 300, "effect": 300}
            for key, _ in trades
        ],
    )


def test_no_one_is_trained_beyond_the_number_of_jobs():
    """A hair place is worth 1/15 of a range, a construction place 1/151: 18 are filled, and the
    other 199 of 217 go to construction; without saturation all train for hair."""
    answer = solve(two_trades(), scenario_of(rules=[one_budget(217)]))
    assert by_year(answer, "hair") == pytest.approx([18], abs=1e-3)
    assert by_year(answer, "build") == pytest.approx([199], abs=1e-3)
    assert answer.result.objective == pytest.approx(-(18 / 15 + 76 / 151), abs=1e-6)
    answer = solve(
        two_trades(saturates_at=np.nan, beyond="counts"), scenario_of(rules=[one_budget(217)])
    )
    assert by_year(answer, "hair") == pytest.approx([217], abs=1e-3)
    # by default the stretch, else the target: 15
    answer = solve(two_trades(saturates_at=np.nan), scenario_of(rules=[one_budget(217)]))
    assert by_year(answer, "hair") == pytest.approx([15], abs=1e-3)


def test_a_surplus_beyond_saturation_may_be_given_up():
    """94 are trained for 18 jobs today: a fault, unless beyond = saturates is written for it. Then
    217 places fill 18 and 199 jobs, which is 76 useless places of a range of 6 given up."""
    place = two_trades(baseline=94, target=100)
    rows = place.spending
    place = place.replace(spending=rows.assign(amount_gbp=rows["amount_gbp"].replace(0, 94)))
    with pytest.raises(PlaceError, match="write beyond = saturates if today is past what counts"):
        solve(place, scenario_of(rules=[one_budget(217)]))
    place = changed(place, "outcomes", "hair", beyond="saturates")
    answer = solve(place, scenario_of(rules=[one_budget(217)]))
    assert answer.verification.ok
    assert by_year(answer, "hair") == pytest.approx([18], abs=1e-3)
    assert by_year(answer, "build") == pytest.approx([199], abs=1e-3)
    assert answer.result.objective == pytest.approx(76 / 6 - 76 / 151, abs=1e-6)


def test_an_outcome_that_saturates_is_not_the_worst_for_ever():
    """Hair counts up to 10 of its target of 100. With none it is 10 / 100 short, and construction
    with all 217 places (274 - 217) / 151 = 0.377: each hair place would only add to that."""
    place = two_trades(target=100, saturates_at=10)
    answer = solve(place, scenario_of("fairest", rules=[one_budget(217)]))
    assert answer.verification.ok
    assert by_year(answer, "build") == pytest.approx([217], abs=1e-2)
    assert answer.result.objective == pytest.approx(57 / 151, abs=1e-5)


def test_a_plan_that_counts_beyond_saturation_is_refused():
    """The plan of the place without saturation states a wrong objective."""
    question = scenario_of(rules=[one_budget(217)])
    plan = solve(two_trades(saturates_at=np.nan, beyond="counts"), question).plan
    broken = {check.name for check in verify(two_trades(), question, plan).broken}
    assert "objectives in the plan" in broken


def test_a_weight_without_a_target_is_a_fault():
    """A written weight that cannot count is an error; an unwritten one is 0, with a warning."""
    question = scenario_of(rules=[one_budget(150)])
    place = changed(two_programmes(), "outcomes", "safe", target=np.nan, weight=2.0)
    with pytest.raises(ScenarioError, match="weighted_outcomes cannot count safe"):
        solve(place, question)
    assert not [f for f in checks.check(place, scenario_of("least_money", rules=[one_budget(150)]))
                if f.severity == "error"]  # fmt: skip
    for target in (np.nan, 50.0):  # none, or the baseline's own
        place = changed(two_programmes(), "outcomes", "safe", target=target)
        said = checks.check(place, question)
        assert [(f.severity, f.value) for f in said] == [("warning", "safe")]
    place = changed(two_programmes(), "outcomes", "safe", target=np.nan)
    assert by_year(solve(place, question), "homecare") == [150]


def test_the_page_says_what_is_at_its_floor_and_not_counted():
    """Of 150 homecare gets all except what the lights need for the standard of 49.75 points."""
    place = changed(
        two_programmes(), "outcomes", "safe", minimum_standard=49.75, name="Feeling safe"
    )
    place = changed(place, "outcomes", "falls", name="Falls", weight=np.nan)
    answer = solve(place, scenario_of(rules=[one_budget(150)]))
    # a pound less of lights below 150 costs 0.005 points: 50 fewer, down to 50 GBP
    assert by_year(answer, "lights") == pytest.approx([50], abs=1e-3)
    _, sentences, _ = describe_budget(answer)
    assert "Exactly at the minimum standard: Feeling safe." in [one.text for one in sentences]
    place = changed(place, "outcomes", "safe", target=np.nan)
    _, sentences, _ = describe_budget(solve(place, scenario_of(rules=[one_budget(150)])))
    assert "Not counted in the objective: Feeling safe." in [one.text for one in sentences]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"saturates_at": 50.0}, "no better than the baseline of 50"),
        ({"target": 49.0}, "no improvement would count in the objective"),
        ({"saturates_at": 60.0, "beyond": "counts"}, "all improvement counts"),
    ],
)
def test_saturation_that_lets_nothing_count_is_a_fault(row, said):
    place = changed(two_programmes(), "outcomes", "safe", **row)
    with pytest.raises((PlaceError, ScenarioError), match=said):
        solve(place, scenario_of(rules=[one_budget(150)]))


def test_a_ring_fence_that_is_not_negotiable_stays():
    place = changed(two_programmes(), "streams", "lamp_fund", negotiable=False)
    rules = [one_budget(230), Streams(rule="streams", release=("lamp_fund",))]
    with pytest.raises(ScenarioError, match="not negotiable"):
        solve(place, scenario_of(rules=rules))


def test_years_are_counted_for_as_long_as_effects_last():
    """Decided 2, lag 1; with persistence 0.5, 1 - 0.5^5 = 0.97 is the first of at least 0.95: n =
    4. With 0.9 n = 28: 20 are counted, with a warning; a share of 1 is a fault."""
    place = place_over_years(2)
    question = scenario_of(rules=[budgets(180, 180)], years=2)
    for lag, kept, years in ((0, 0.0, 2), (1, 0.0, 3), (1, 0.5, 7), (0, 0.3, 4), (0, 0.9, 22)):
        lasting = place.replace(curves=place.curves.assign(lag_years=lag, persistence_share=kept))
        assert counted_years(lasting, question) == years, (lag, kept)
        said = [f.column for f in checks.check(lasting, question)]
        assert ("benefit_years" in said) is (kept == 0.9)
    stated = scenario_of(rules=[budgets(180, 180)], years=2, money={"benefit_years": 9})
    assert counted_years(place, stated) == 9
    for_ever = place.replace(curves=place.curves.assign(persistence_share=1.0))
    with pytest.raises(PlaceError, match="never ends"):
        solve(for_ever, question)


def test_the_last_year_is_credited_with_later_effects():
    """Homecare works a year later: in 2027 it is bought for 2028, which counts. A pound of it is
    worth 0.01 / 2 in a year, one of lights 0.005 / 2; the sum is divided by the decided years
    only."""
    place = place_over_years(2)
    place = place.replace(curves=place.curves.assign(lag_years=[1, 0]))
    answer = solved(place, budgets(180, 180), years=2)
    assert by_year(answer, "homecare") == [180, 180]
    # 80 more of homecare in both years: felt in 2027 and 2028; 100 less of lights in both
    value = 2 * 0.005 * 80 / 2 - 2 * 0.0025 * 100 / 2
    assert -answer.result.objective == pytest.approx(value, abs=1e-6)
    myopic = solved(place, budgets(180, 180), years=2, money={"benefit_years": 2})
    assert by_year(myopic, "homecare")[1] < 50


def check_saturated(seed: int) -> None:
    """The engine against the reference model, where a third of outcomes saturate early."""
    rng = np.random.default_rng(seed)
    place = random_place(seed)
    rows = place.outcomes
    share = rng.choice([np.nan, 0.2, 0.6], len(rows))
    level = rows["baseline"] + share * (rows["target"] - rows["baseline"])
    beyond = np.where(np.isnan(share) & (rng.random(len(rows)) < 0.5), "counts", "saturates")
    place = place.replace(outcomes=rows.assign(saturates_at=level, beyond=beyond))
    objective = str(rng.choice(["weighted_outcomes", "fairest"]))
    cut = float(rng.choice([-0.1, 0.05]))
    rule = OneBudget(rule="one_budget", reduction_share=cut)
    answer = solve(place, scenario_of(objective, rules=[rule, Outcomes(rule="outcomes")]))
    total = float(place.spending["amount_gbp"].sum()) * (1 - cut)
    model = runpy.run_path(str(ROOT / "models" / "budget.py"))
    expected = model["solve"](dict(place.tables), total=total, objective=objective)
    if expected is None:
        assert answer.plan is None
        return
    near = 2e-3 * max(1.0, abs(expected))
    assert answer.verification.ok
    assert expected - near <= answer.result.objective <= expected + 1e-6 * max(1.0, abs(expected))
    assert answer.result.bound <= expected + 1e-6 * max(1.0, abs(expected))


@pytest.mark.parametrize("seed", [1, 3])
def test_saturated_outcomes_agree_with_the_reference_model(seed):
    check_saturated(seed)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(100, 600))
def test_five_hundred_saturated_budgets_agree(seed):
    check_saturated(seed)
