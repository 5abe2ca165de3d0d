"""(B12) binding and relaxed, on the hand-worked place of ``test_rules``."""

from __future__ import annotations

import numpy as np
import pytest

from placeopt.base.errors import ScenarioError
from placeopt.budget import solve
from placeopt.budget.verify import verify
from placeopt.engine import Status
from placeopt.scenario.rules.budget.money import Uncertainty
from tests.budget.places import one_budget, random_place, scenario_of
from tests.budget.test_rules import after, with_outcome


def uncertainty(spread: float, **given) -> Uncertainty:
    return Uncertainty(rule="uncertainty", spread_by_grade={"": spread}, **given)


def lights_factors(rule: Uncertainty) -> np.ndarray:
    """The draws for the lights' curve, the second of the place's two; highest first."""
    return np.sort(np.array(rule.factors(["", ""]))[:, 1])[::-1]


def place_of_standard():
    """Feeling safe at 49.8: with the evidence as stated the lights need 60 of today's 100."""
    return with_outcome("safe", minimum_standard=49.8)


def test_weak_evidence_needs_more_money_for_standards():
    # a cut of x loses 0.005 x f points in a draw with factor f: 0.005 x f <= 0.2 in the worst
    rule = uncertainty(0.3, scenarios=20, seed=3)
    answer = solve(place_of_standard(), scenario_of(rules=[one_budget(180), rule]))
    lights = 100 - 40 / lights_factors(rule)[0]
    assert lights > 62
    assert after(answer) == pytest.approx({"homecare": 180 - lights, "lights": lights}, abs=1e-3)


def test_the_mean_of_the_worst_tail_is_looser_than_every_draw():
    # the worst quarter of 20 draws is five: 0.005 x mean of the five largest factors <= 0.2
    rule = uncertainty(0.3, scenarios=20, seed=3, holds="tail", tail_share=0.25)
    answer = solve(place_of_standard(), scenario_of(rules=[one_budget(180), rule]))
    lights = 100 - 40 / lights_factors(rule)[:5].mean()
    assert after(answer) == pytest.approx({"homecare": 180 - lights, "lights": lights}, abs=1e-3)
    # a tail of 0.12 of 20 is 2.4 draws: two whole ones and 0.4 of the third
    rule = uncertainty(0.3, scenarios=20, seed=3, holds="tail", tail_share=0.12)
    answer = solve(place_of_standard(), scenario_of(rules=[one_budget(180), rule]))
    factors = lights_factors(rule)
    lights = 100 - 40 / ((factors[0] + factors[1] + 0.4 * factors[2]) / 2.4)
    assert after(answer)["lights"] == pytest.approx(lights, abs=1e-3)


def test_certain_evidence_changes_nothing():
    rule = uncertainty(0.0)
    answer = solve(place_of_standard(), scenario_of(rules=[one_budget(180), rule]))
    assert after(answer) == pytest.approx({"homecare": 120, "lights": 60})


def test_a_plan_that_needs_good_evidence_is_caught():
    place, rule = place_of_standard(), uncertainty(0.3, scenarios=20, seed=3)
    plan = solve(place, scenario_of(rules=[one_budget(180)])).plan
    found = verify(place, scenario_of(rules=[one_budget(180), rule]), plan)
    names = ["uncertainty", "cells of outcomes"]  # it says nothing of levels in bad evidence
    assert [check.name for check in found.broken] == names
    # 85 in all: 20 for homecare's floor leaves 65 for the lights, too little in bad evidence
    answer = solve(place, scenario_of(rules=[one_budget(85), rule]))
    assert answer.result.status is Status.INFEASIBLE
    gives = {clash.name: clash.what_gives for clash in answer.explanation.clashes}
    assert "safe would miss its standard by" in gives["uncertainty"]


def test_every_grade_of_the_places_curves_needs_a_spread():
    rule = Uncertainty(rule="uncertainty", spread_by_grade={"1": 0.1})
    with pytest.raises(ScenarioError, match="no spread"):
        solve(place_of_standard(), scenario_of(rules=[one_budget(180), rule]))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("holds", ["every", "tail"])
def test_on_random_places_the_plan_is_verified_and_costs_no_less(seed, holds):
    place = random_place(seed)
    rule = uncertainty(0.2, scenarios=15, holds=holds)
    plain = solve(place, scenario_of("least_money"))
    sure = solve(place, scenario_of("least_money", rules=[rule]))
    if sure.plan is None or plain.plan is None:
        assert sure.result.status is Status.INFEASIBLE
        return
    assert sure.verification.ok
    assert sure.result.objective >= plain.result.objective * (1 - 1e-6)
