"""A count and a plan have the same running cost of today, to the penny and part by part."""

from __future__ import annotations

from pathlib import Path

import pytest

from placeopt.estate import solve
from placeopt.place import read_place
from placeopt.place.count import count_place
from placeopt.scenario import read_scenario
from placeopt.study.answer import load_today
from tests.estate.places import random_place, scenario, with_money
from tests.estate.town import building, town
from tests.support.places import crow_minutes, minutes

LINES = {
    "open buildings": "open_buildings_gbp_per_year",
    "floor area in use": "floor_area_gbp_per_year",
    "empty buildings": "holding_cost_gbp_per_year",
    "cost of capital": "cost_of_capital_gbp_per_year",
    "staff of service points": "staff_gbp_per_year",
}
PENNY = 0.005


def assert_one_cost(tables, answer):
    """The plan's cost of today equals that of the count, in total, by building, and by agency and
    line."""
    summary, counted = answer.plan.summary, tables["buildings"]
    total = counted["running_cost_gbp_per_year"]
    assert total.sum() == pytest.approx(summary["running_cost_before_gbp_per_year"], abs=PENNY)
    of_plan = answer.plan.tables["buildings"]["running_cost_before_gbp_per_year"]
    assert total.to_numpy() == pytest.approx(of_plan.to_numpy(float), abs=PENNY)
    assert counted["staff_gbp_per_year"].sum() == pytest.approx(
        summary["staff_cost_before_gbp_per_year"], abs=PENNY
    )
    money = answer.plan.tables["money"].replace({"agency_id": {"": "not stated"}})
    money = money.set_index(["agency_id", "line"])["before_gbp_per_year"]
    borne = tables["running_cost_by_agency"].set_index("agency_id")
    for agency in borne.index:
        for line, column in LINES.items():
            stated = money.get((agency, line), 0.0)
            assert borne.loc[agency, column] == pytest.approx(stated, abs=PENNY), (agency, line)
    assert borne["running_cost_gbp_per_year"].sum() == pytest.approx(money.sum(), abs=PENNY)
    assert tables["reconciliation"]["ties"].all()


def test_the_parts_of_today_worked_by_hand():
    """Two zones of 1,000 visits, one 1 km nearer to each of two open buildings, one empty.

    B1 fixed 10,000, 5 a m2, capital 700; B2 fixed 4,000, 2 a m2; B3 empty, held 300, capital 50.
    A point takes 20 m2 and 30 for each 1,000 visits, and front of house 8 m2: 58 m2 in each.
    Staff are 9,000 a point and 400 for each 1,000 visits: 9,400 in each.
    In use 10,000 + 4,000 + 58 x 5 + 58 x 2 = 14,406; capital 750; empty 300; staff 18,800.
    """
    service = {
        "service_id": "S",
        "area_base_m2": 20.0,
        "area_m2_per_1000_visits": 30.0,
        "front_of_house_m2": 8.0,
        "staffing_cost_gbp_per_point_per_year": 9_000.0,
        "staff_gbp_per_1000_visits": 400.0,
    }
    per_m2 = "running_cost_gbp_per_m2_per_year"
    capital = "cost_of_capital_gbp_per_year"
    buildings = [
        building("B1", 10_000, x_m=0.0, **{per_m2: 5.0, capital: 700.0}),
        building("B2", 4_000, x_m=5_000.0, **{per_m2: 2.0}),
        building("B3", 7_000, status="vacant", holding_cost_gbp_per_year=300.0, **{capital: 50.0}),
    ]
    here = town(buildings, [service])
    zones = here.zones.assign(x_m=[1_000.0, 4_000.0])
    here = here.replace(zones=zones)
    tables = count_place(here)
    sums = tables["buildings"][list(LINES.values())].sum()
    assert sums["open_buildings_gbp_per_year"] == 14_000
    assert sums["floor_area_gbp_per_year"] == 58 * 5 + 58 * 2
    assert sums["cost_of_capital_gbp_per_year"] == 750
    assert sums["holding_cost_gbp_per_year"] == 300
    assert sums["staff_gbp_per_year"] == 18_800
    answer = solve(here, minutes(here, drive=[[2.0, 8.0, 2.0], [8.0, 2.0, 8.0]]), scenario())
    assert_one_cost(tables, answer)


@pytest.mark.parametrize("seed", [1, 4, 6, 11])
def test_count_and_plan_agree_on_random_places(seed):
    """Places with staff by visits, capital, partial offers and services out of reach."""
    from placeopt.estate.problem.build import build_problem
    from placeopt.estate.solution.decision import decision_today

    here = with_money(random_place(seed, 4, 4, 3), seed)
    times, asked = crow_minutes(here), scenario(seconds=20.0)
    answer = solve(here, times, asked)
    if answer.plan is None:
        pytest.skip("nothing fits")
    assert_one_cost(
        count_place(here, load=decision_today(build_problem(here, times, asked)).units), answer
    )


def test_marlshire_counts_what_its_plan_starts_from(data: Path):
    """The count without a scenario, with one, and the problem of the shipped question."""
    from placeopt.estate.problem.build import build_problem
    from placeopt.estate.solution.decision import costs_of, decision_today
    from placeopt.travel import measure

    place = read_place(data / "marlshire")
    file = data / "marlshire" / "scenarios" / "estate.toml"
    asked = read_scenario(file)
    problem = build_problem(place, measure(place, **asked.travel.model_dump()), asked)
    before = costs_of(problem, decision_today(problem)).running_gbp_per_year
    for tables in (count_place(place), count_place(place, load=load_today(place, file))):
        cost = tables["buildings"]["running_cost_gbp_per_year"].to_numpy()
        assert cost == pytest.approx(before, abs=PENNY)
        assert cost.sum() == pytest.approx(before.sum(), abs=PENNY)
        assert tables["reconciliation"]["ties"].all()
