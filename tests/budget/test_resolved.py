"""Prices by solving again, where integer decisions make dual prices those of the last step only."""

from __future__ import annotations

import numpy as np
import pytest

from placeopt.base.errors import UsageError
from placeopt.budget.explain.resolved_prices import resolved_prices
from placeopt.scenario.rules.budget.money import Commissioning, Outcomes, Statutory
from tests.budget.places import one_budget, scenario_of, two_programmes


def test_a_step_that_buys_a_programme_has_a_price():
    # 220 in all, homecare full at 200; the lights are bought from 60 on or not at all. One pound
    # more has no effect. 20 more: 60 of lights and 180 of homecare,
    # -(0.005 x 80 - 0.0025 x 40) = -0.3 instead of -(0.5 - 0.25) = -0.25: -0.0025 a pound
    """The next pound alone has none."""
    place = two_programmes()
    programmes = place.programmes.assign(minimum_scale_gbp_per_year=[0.0, 60.0])
    place = place.replace(programmes=programmes)
    scenario = scenario_of(rules=[one_budget(220), Commissioning(rule="commissioning")])
    found = resolved_prices(place, scenario, rules=("one_budget",), step_share=20 / 220)
    row = found.iloc[0]
    assert (row["rule"], row["id"], row["per"]) == ("B1", "2026", "GBP")
    assert row["step"] == pytest.approx(20)
    assert row["change_in_objective"] == pytest.approx(-0.05 / 20, abs=1e-6)
    assert row["lowest"] <= row["change_in_objective"] <= row["highest"]
    one_pound = resolved_prices(place, scenario, rules=("one_budget",), step_share=1 / 220)
    assert one_pound["change_in_objective"].iloc[0] == pytest.approx(0, abs=1e-5)


def test_streams_floors_and_standards_are_priced():
    # 180 in all; the lights' floor of 60 binds: a pound more there costs 0.005 - 0.0025 ranges
    """Limits that are too strict leave no plan."""
    held = Outcomes(rule="outcomes", outcome={"falls": {"minimum_standard": 10.05}})
    rules = [one_budget(180), Statutory(rule="statutory", floors_gbp={"lights": 60}), held]
    found = resolved_prices(two_programmes(), scenario_of(rules=rules), step_share=0.1)
    price = found.set_index(["rule", "id"])["change_in_objective"]
    assert price["B3", "lights"] == pytest.approx(0.0025, abs=1e-6)
    assert price["B2", "grant"] == pytest.approx(0, abs=1e-6)
    assert price["B4", "falls"] == pytest.approx(0, abs=1e-6)  # homecare has 120: 9.8
    strict = Outcomes(rule="outcomes", outcome={"falls": {"minimum_standard": 9.8}})
    rules = [one_budget(180), rules[1], strict]
    found = resolved_prices(
        two_programmes(), scenario_of(rules=rules), rules=("outcomes",), step_share=0.1
    )
    assert found["change_in_objective"].to_list() == [np.inf]


def test_without_a_plan_there_is_nothing_to_price():
    floors = Statutory(rule="statutory", floors_gbp={"lights": 200})
    with pytest.raises(UsageError, match="no plan"):
        resolved_prices(two_programmes(), scenario_of(rules=[one_budget(180), floors]))
