"""No bound is above a plan found by a grid: for every solution method, and for outcomes that
saturate or not, of either direction, with lag, persistence or drift.
"""

from __future__ import annotations

import numpy as np
import pytest

from placeopt.budget import solve
from placeopt.budget.problem.build import build_problem
from placeopt.budget.search.refinement import solve_lexicographic
from placeopt.engine import Status
from placeopt.scenario.rules.budget.money import (
    NobodyWorseOff,
    OneBudget,
    Outcomes,
    Pace,
    Uncertainty,
)
from tests.budget.grids import Question, Tables, random_saturating_place
from tests.budget.places import (
    by_year,
    every_problem_counts_as_large,
    one_budget,
    scenario_of,
    two_programmes,
)
from tests.support.places import place_of

GAP = 2e-3
WAYS = {  # how a budget is solved -> what of a random place leads there
    "linear": {"concave": True},
    "pieces": {},
    "paths": {"years": 2, "pace": True, "large": True},
    "decomposed": {"years": 2, "large": True},
    "decomposed_one_year": {"programmes": 3, "large": True},
    "years": {"years": 2, "lasting": True},
    "rest": {"combination": "remaining"},
    "levels": {"combination": "remaining", "years": 2, "lasting": True},
    "best_of": {"combination": "best_of", "lasting": True, "years": 2},
    "pair": {"combination": "pair"},
    "draws": {"combination": "add", "uncertain": True},
    "draws_of_rest": {"combination": "remaining", "uncertain": True},
    "draws_of_best": {"combination": "best_of", "uncertain": True},
    "standards": {"standards": True, "years": 2, "lasting": True},
}
OBJECTIVES = ("weighted_outcomes", "fairest", "weighted", "least_money")


def check_bound(way: str, seed: int, monkeypatch) -> None:
    rng = np.random.default_rng([seed, sorted(WAYS).index(way)])
    how = dict(WAYS[way])
    pace, large = how.pop("pace", False), how.pop("large", False)
    uncertain = how.pop("uncertain", False)
    years = how.get("years", 1)
    objective = str(rng.choice(OBJECTIVES, p=[0.55, 0.2, 0.15, 0.1]))
    how["standards"] = how.get("standards", False) or uncertain or objective == "least_money"
    place = random_saturating_place(rng, more=1.5, **how)
    before = float(place.spending["amount_gbp"].sum())
    totals = tuple(before * float(x) for x in rng.uniform(0.8, 1.5, years))
    weights = (("weighted_outcomes", float(rng.uniform(20, 200))), ("least_money", 1.0))
    rules = [OneBudget(rule="one_budget", total_gbp=totals, carry_over=bool(rng.random() < 0.5))]
    given = {"weights": dict(weights)} if objective == "weighted" else {}
    drop = () if how["standards"] else ("outcomes",)
    cut = rise = None
    if how["standards"]:
        rules.append(Outcomes(rule="outcomes"))
    if pace:
        cut, rise = float(rng.uniform(0.1, 0.5)), float(rng.uniform(0.1, 0.6))
        rules.append(Pace(rule="pace", largest_cut_share=cut, largest_rise_share=rise))
    drawn = None
    if uncertain:
        drawn = Uncertainty(
            rule="uncertainty", spread_by_grade={"1": 0.1, "2": 0.2, "3": 0.4}, scenarios=6,
            seed=seed, holds=str(rng.choice(["every", "tail"])), tail_share=0.4,
        )  # fmt: skip
        rules.append(drawn)
    counted = years + int(rng.integers(0, 3))
    asked = Question(
        totals, (objective,), weights, cut, rise, rules[0].carry_over, how["standards"],
        None if drawn is None else np.array(drawn.factors(place.curves["grade"].astype(str))),
        drawn.tail_share if drawn is not None and drawn.holds == "tail" else 0.0, counted,
    )  # fmt: skip
    if large:
        every_problem_counts_as_large(monkeypatch)
    scenario = scenario_of(
        objective, rules=rules, drop=drop, years=years, solver={"gap": GAP},
        money={"benefit_years": counted}, **given,
    )  # fmt: skip
    points = {(1, 2): 201, (1, 3): 41, (2, 2): 21}[years, len(place.programmes)]
    best, _ = Tables(place, asked).best(objective, rng, points)
    solved = solve_lexicographic(build_problem(place, scenario), scenario.solver)
    if solved.spend is None:
        assert np.isinf(best), "a plan of the grid is allowed, and none was found"
        return
    step = solved.steps[0]
    slip = 1e-6 * max(1.0, abs(best) if np.isfinite(best) else 1.0)
    assert np.isfinite(step.bound), "a bound was found false by the engine's own plan"
    assert step.bound <= best + slip  # not the clipped one of the result
    assert step.bound <= step.value + slip
    own = Tables(place, asked).objective(objective, solved.spend[:, :, None])[0]
    assert own == pytest.approx(solved.result.objective, rel=1e-6, abs=1e-6)
    if solved.result.status is Status.OPTIMAL:
        assert step.value <= best + GAP * abs(best) + 1e-6


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seed", [0])
def test_no_bound_lies_above_a_plan_of_a_grid(way, seed, monkeypatch):
    check_bound(way, seed, monkeypatch)


@pytest.mark.exhaustive
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seed", range(100, 140))
def test_no_bound_of_hundreds_lies_above_a_plan_of_a_grid(way, seed, monkeypatch):
    check_bound(way, seed, monkeypatch)


def check_in_order(seed: int) -> None:
    """The bound of a second objective holds for every plan within the slack of the first."""
    rng = np.random.default_rng([seed, 7])
    place = random_saturating_place(rng)
    before = float(place.spending["amount_gbp"].sum())
    first, second = (
        ("fairest", "least_money"),
        ("weighted_outcomes", "fairest"),
        ("fairest", "weighted_outcomes"),
        ("weighted_outcomes", "least_disruption"),
    )[seed % 4]
    slack = float(rng.uniform(0.01, 0.2))
    rules = [OneBudget(rule="one_budget", total_gbp=before * float(rng.uniform(0.8, 1.0)))]
    scenario = scenario_of(
        first, second, slack=(slack,), rules=rules, drop=("outcomes",), solver={"gap": GAP},
        money={"benefit_years": 1},
    )  # fmt: skip
    solved = solve_lexicographic(build_problem(place, scenario), scenario.solver)
    one, two = solved.steps
    tables = Tables(place, Question((rules[0].total_gbp,), (first, second)))
    limit = one.value + slack * abs(one.value)
    best, _ = tables.best(second, rng, 201, lambda spend: tables.objective(first, spend) <= limit)
    slip = 1e-5 * max(1.0, abs(best) if np.isfinite(best) else 1.0)
    assert np.isfinite(two.bound)
    assert two.bound <= best + slip
    assert two.bound <= two.value + slip


@pytest.mark.parametrize("seed", range(3))
def test_no_second_bound_lies_above_a_plan_of_a_grid(seed):
    check_in_order(seed)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(100, 160))
def test_no_second_bound_of_many_lies_above_a_plan_of_a_grid(seed):
    check_in_order(seed)


def test_payments_that_round_past_a_point_prove_nothing_false():
    """Homecare is paid 100.40 + 0.70, which in binary is slightly above the curve's point at
    101.10. Of 250 it gets all: 1.011 + 0.989 x 148.9 / 198.9 = 1.75138 fewer falls, of 1.011 today,
    of a range of 2; the lights lose 0.0989 points of 2. The engine once called -0.025 optimal."""
    point = {"programme_id": "homecare", "outcome_id": "falls"}
    homecare, lights = ({"year": 2025, "programme_id": p} for p in ("homecare", "lights"))
    place = two_programmes(
        stream_amounts=[
            {"stream_id": "grant", "year": 2026, "amount_gbp": 400},
            {"stream_id": "lamp_fund", "year": 2026, "amount_gbp": 50},
        ],
        stream_programmes=[
            {"stream_id": "lamp_fund", "programme_id": p} for p in ("lights", "homecare")
        ],
        spending=[
            {**homecare, "stream_id": "grant", "amount_gbp": 100.4},
            {**homecare, "stream_id": "lamp_fund", "amount_gbp": 0.7},
            {**lights, "stream_id": "grant", "amount_gbp": 98.9},
        ],
        curve_points=[
            {**point, "spend_gbp": 101.1, "effect": 1.011},
            {**point, "spend_gbp": 300, "effect": 2.0},
            {"programme_id": "lights", "outcome_id": "safe", "spend_gbp": 300, "effect": 0.3},
        ],
    )
    assert 100.4 + 0.7 > 101.1
    answer = solve(place, scenario_of(rules=[one_budget(250)]))
    falls = 0.989 * 148.9 / 198.9
    assert answer.result.objective == pytest.approx(-(falls - 0.0989) / 2, abs=1e-6)
    assert by_year(answer, "homecare") == pytest.approx([250], abs=0.01)


def check_nobody_worse_off(seed: int, kept: str) -> None:
    """Two agencies with a stream and a programme each. The flow f from a to b is d, the payments of
    a's stream for b's programme less the reverse, plus transfers, which come from unspent money or
    savings."""
    rng = np.random.default_rng([seed, len(kept)])
    place = random_saturating_place(rng)
    value = {(o, g): float(rng.uniform(0, 8)) for o in ("o0", "o1") for g in "ab"}
    place = place_of(**{
        **{key: rows.to_dict("records") for key, rows in place.tables.items() if len(rows)},
        "benefits": [
            {"benefit_id": f"{o}{g}", "outcome_id": o, "agency_id": g, "unit_value_gbp": gbp,
             "cashable_share": 0.5} for (o, g), gbp in value.items()
        ],
    })  # fmt: skip
    before = float(place.spending["amount_gbp"].sum())
    objective = str(rng.choice(["weighted_outcomes", "fairest"]))
    rules = [
        OneBudget(rule="one_budget", total_gbp=before),
        NobodyWorseOff(rule="nobody_worse_off", counterfactual=kept),
    ]
    scenario = scenario_of(
        objective, rules=rules, drop=("outcomes",), solver={"gap": GAP}, money={"benefit_years": 1}
    )
    problem = build_problem(place, scenario)
    asked = Question((before,), (objective,))
    tables = Tables(place, asked)
    own = tables.today  # each stream is as much as its programme gets today

    def holds(spend):
        levels = tables.levels(spend)
        saved = [
            sum(0.5 * value[row.outcome_id, g] * gain[0] for row, _, gain, _ in levels)
            for g in "ab"
        ]
        left = own[:, None] - spend[0]
        least, most = np.maximum(-spend[0, 0], -left[1]), np.minimum(spend[0, 1], left[0])
        fits = least <= most + 1e-9
        need = [problem.agencies.stand_alone[0, g] - saved[g] - 1e-7 for g in range(2)]
        if kept == "most_it_could_keep":
            return fits & (need[0] + need[1] <= left.sum(axis=0))
        lowest = np.minimum(least, -(left[1] + saved[1]))
        highest = np.maximum(most, left[0] + saved[0])
        return fits & (np.maximum(need[1], lowest) <= np.minimum(-need[0], highest))

    best, _ = tables.best(objective, rng, 201, holds)
    solved = solve_lexicographic(problem, scenario.solver)
    if solved.spend is None:
        assert np.isinf(best), "a plan of the grid is allowed, and none was found"
        return
    step, slip = solved.steps[0], 1e-5 * max(1.0, abs(best) if np.isfinite(best) else 1.0)
    assert np.isfinite(step.bound)
    assert step.bound <= best + slip
    assert step.bound <= step.value + slip
    if solved.result.status is Status.OPTIMAL:
        assert step.value <= best + GAP * abs(best) + slip


COUNTERFACTUALS = ("today", "alone_for_outcomes", "most_it_could_keep")


@pytest.mark.parametrize("kept", COUNTERFACTUALS)
@pytest.mark.parametrize("seed", [2])
def test_no_bound_lies_above_a_plan_that_leaves_nobody_worse_off(seed, kept):
    check_nobody_worse_off(seed, kept)


@pytest.mark.exhaustive
@pytest.mark.parametrize("kept", COUNTERFACTUALS)
@pytest.mark.parametrize("seed", range(100, 140))
def test_no_bound_lies_above_a_plan_under_rule_b9(seed, kept):
    check_nobody_worse_off(seed, kept)
