"""Leaving out far hosts loses nothing that is not said: the bound holds, the plan verifies."""

import pytest

from placeopt.engine import Status
from placeopt.estate import scale, solve
from placeopt.place.synth import synthesise
from tests.estate.places import crow_minutes, random_place, random_rules, scenario


def question(seed, place, **settings):
    return scenario(*random_rules(seed, place), minimise=("visit_minutes",), **settings)


def test_the_bound_holds_and_the_plan_verifies_when_far_hosts_are_left_out(monkeypatch):
    monkeypatch.setattr("placeopt.estate.explain.explain", lambda *_: None)
    exact = 0
    for seed in range(2000, 2025):
        place = random_place(seed, 5, 5, 2)
        times, asked = crow_minutes(place), question(seed, place, seconds=20)
        full = solve(place, times, asked).result
        with monkeypatch.context() as patch:
            patch.setattr(scale, "ALL_PAIRS", 0)
            patch.setattr(scale, "NEAREST", 1)
            cut = solve(place, times, asked)
        if full.status is Status.INFEASIBLE:
            assert cut.result.status is Status.INFEASIBLE
            continue
        assert cut.verification.ok
        assert cut.result.bound <= full.objective * (1 + 1e-6) + 1e-3
        assert cut.result.objective >= full.objective * (1 - 1e-6) - 1e-3
        exact += cut.result.objective == pytest.approx(full.objective, rel=1e-6)
    assert exact > 0


def test_objectives_in_order_never_lose_more_than_the_slack():
    place = synthesise(zones=14, buildings=30, seed=5)
    times = crow_minutes(place, cutoff=120)
    ordered = scenario(
        minimise=("cost", "visit_minutes"), slack=(0.02,), gap=0.03, seconds=15, years=30
    )
    plan = solve(place, times, ordered).plan
    assert plan.summary["net_present_cost_plan_gbp"] <= plan.summary["cost_best_found"] * 1.02001
