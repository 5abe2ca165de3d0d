"""The shipped questions over years: each is answered, verified, and says what its page says."""

from __future__ import annotations

import pytest

from placeopt.budget import solve
from placeopt.place import read_place
from placeopt.scenario import read_scenario


def answered(data, path: str, gap: float = 0.01):
    scenario = read_scenario(data / path)
    solver = scenario.solver.model_copy(update={"gap": gap})
    scenario = scenario.model_copy(update={"solver": solver})
    answer = solve(read_place(scenario.place_path), scenario)
    assert answer.plan is not None
    assert answer.verification.ok
    return answer


def test_marlshire_takes_ten_per_cent_out_over_three_years(data):
    answer = answered(data, "marlshire/scenarios/cut_over_three_years.toml", gap=1e-3)
    rows = answer.plan.tables["spending_by_year"].groupby("year")["plan_gbp"].sum()
    before = answer.plan.summary["spent_before_gbp"]
    assert rows.iloc[-1] <= 0.9 * before + 1
    assert answer.plan.tables["reserves"]["closing_gbp"].iloc[-1] == pytest.approx(4e6, abs=1)
    assert set(answer.plan.tables["outcomes_by_year"]["standard_met"]) == {"yes"}


def test_releasing_six_ring_fences_is_worth_something(data):
    apart = answered(data, "worklessness/scenarios/six_streams.toml")
    together = answered(data, "worklessness/scenarios/one_pot.toml")
    assert together.result.objective < apart.result.bound


def test_five_services_are_each_bought_at_one_tier(data):
    answer = answered(data, "tiers/scenarios/tiers.toml", gap=0.05)
    rows = answer.plan.tables["spending_by_year"]
    bought = rows[rows["plan_gbp"] > 0]
    service = bought["programme_id"].str.rsplit("_", n=1).str[0]
    assert (bought.groupby(["year", service])["plan_gbp"].count() == 1).all()


def test_wards_close_one_by_one_as_care_comes_home(data):
    answer = answered(data, "whole-person/scenarios/whole_person.toml", gap=0.05)
    rows = answer.plan.tables["spending_by_year"]
    wards = rows.loc[rows["programme_id"] == "emergency_beds", "units"].to_list()
    assert wards[0] == 12  # a year of double running
    assert wards == sorted(wards, reverse=True)
    assert wards[-1] <= 11
