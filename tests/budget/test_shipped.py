"""The shipped questions over years: each is solved, verified, and agrees with its README."""

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


def test_prevention_is_kept_in_the_last_decided_year(data):
    """Effects come a year later, half of the rest each year. Money falls by a ninetieth into the
    last year, and prevention by little more. If only the decided years counted, drug services would
    fall by all that the pace allows, 12 per cent."""
    scenario = read_scenario(data / "marlshire/scenarios/cut_over_three_years.toml")
    place = read_place(scenario.place_path)
    place = place.replace(curves=place.curves.assign(lag_years=1, persistence_share=0.5))
    solver = scenario.solver.model_copy(update={"gap": 1e-3})

    def falls(benefit_years: int | None) -> tuple[float, float]:
        """By how much prevention, and drug services, fall from 2027 to 2028 (shares)."""
        money = scenario.money.model_copy(update={"benefit_years": benefit_years})
        asked = scenario.model_copy(update={"money": money, "solver": solver})
        answer = solve(place, asked)
        assert answer.plan is not None
        assert answer.verification.ok
        rows = answer.plan.tables["spending_by_year"]
        kind = rows["programme_id"].map(place.programmes.set_index("programme_id")["kind"])
        ahead = rows[kind == "preventive"].groupby("year")["plan_gbp"].sum()
        drugs = rows[rows["programme_id"] == "drugs_alcohol"].set_index("year")["plan_gbp"]
        return 1 - ahead[2028] / ahead[2027], 1 - drugs[2028] / drugs[2027]

    prevention, drugs = falls(None)
    assert prevention < 0.025
    assert drugs < 0.02
    prevention, drugs = falls(3)
    assert prevention > 0.08
    assert drugs == pytest.approx(0.12, abs=1e-3)


def test_releasing_six_ring_fences_improves_the_objective(data):
    apart = answered(data, "worklessness/scenarios/six_streams.toml")
    combine_effects = answered(data, "worklessness/scenarios/one_pot.toml")
    assert combine_effects.result.objective < apart.result.bound


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
