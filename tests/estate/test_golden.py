"""The whole model of a four-building place, and of two buildings over two years, as text to review.

It has every block of rows. After a change of the formulation, review the difference and, if it is
intended, write the file again:
``python -m tests.estate.test_golden``.
"""

from pathlib import Path

from placeopt.engine.convert import write_model
from placeopt.estate.model.formulation import formulate
from placeopt.estate.model.multi_year import formulate_years
from placeopt.estate.problem.build import build_problem
from placeopt.estate.problem.horizon import build_years
from placeopt.scenario.rules.estate.services import (
    Access,
    Behaviour,
    Capital,
    Carbon,
    Fairness,
    FairRents,
    Network,
    Pinned,
    Revenue,
    Sequence,
    Served,
    Together,
)
from tests.estate.places import scenario
from tests.estate.town import building, town
from tests.support.places import minutes

GOLDEN = Path(__file__).with_name("four_buildings.lp")
TWO_YEARS = Path(__file__).with_name("two_years.lp")
RULES = (
    Served(unserved_share=0.05),
    Together(max_services=2, never=(("S", "T"),)),
    Access(services=("S",), minutes=20, share=0.5, ceiling_minutes=40, counts="nearest"),
    Access(services=("S",), minutes=20, share=0.4, ceiling_minutes=29),
    Fairness(
        loses_at_most_minutes=15,
        no_group_worse=("area_type",),
        worst_mean_minutes=35,
        equal_minutes=30,
    ),
    Behaviour(residents="nearest"),
    Network(tier="hub", at_most=2, spacing_m=100),
    Capital(pot_gbp=50_000, recycled_share=0.5),
    Revenue(share_of_today=0.9),
    FairRents(),
    Carbon(share_of_today=0.9),
    Pinned(keep=("B1",)),
)


def four_buildings():
    services = [
        {"service_id": "S", "area_base_m2": 20.0, "area_m2_per_1000_visits": 10.0,
         "front_of_house_m2": 5.0, "staffing_cost_gbp_per_point_per_year": 900.0},
        {"service_id": "T", "area_base_m2": 10.0, "moving_cost_gbp": 700.0},
    ]  # fmt: skip
    hosting = [
        {"building_id": "B1", "service_id": "S"},
        {"building_id": "B2", "service_id": "S", "offer": "partial"},
        {"building_id": "B3", "service_id": "T"},
    ]
    sold = {"capital_receipt_gbp": 40_000.0, "holding_cost_gbp_per_year": 300.0}
    here = town(
        [
            building("B1", 10_000, carbon_tco2e_per_year=5.0),
            building("B2", 20_000, carbon_tco2e_per_year=6.0, **sold),
            building(
                "B3",
                15_000,
                tenure="leasehold",
                closure_cost_gbp=2_000.0,
                carbon_tco2e_per_year=0.0,
            ),
            building(
                "B4", 8_000, status="candidate", fit_out_gbp_per_m2=100.0, carbon_tco2e_per_year=0.0
            ),
        ],
        services,
        hosting,
        tiers=[{"tier_id": "hub", "setup_cost_gbp": 5_000.0, "max_services": 2}],
        tier_services=[
            {"tier_id": "hub", "service_id": "S", "relation": "must"},
            {"tier_id": "hub", "service_id": "T"},
        ],
    )
    here.zones["area_type"] = ["urban", "rural"]
    drive = [[10.0, 20.0, 15.0, 30.0], [30.0, 10.0, 25.0, 12.0]]
    return here, minutes(here, drive=drive)


def text_of_the_model(folder):
    here, times = four_buildings()
    problem = build_problem(here, times, scenario(*RULES))
    formulation = formulate(problem, "cost")
    return write_model(formulation.model, folder / "model.lp").read_text(encoding="utf-8")


def test_the_model_of_four_buildings_is_the_one_reviewed(tmp_path):
    assert text_of_the_model(tmp_path) == GOLDEN.read_text(encoding="utf-8")


def two_years():
    """One service may move from an expensive building to a candidate, fitted out the year
    before."""
    services = [
        {"service_id": "S", "area_base_m2": 20.0, "area_m2_per_1000_visits": 10.0,
         "moving_cost_gbp": 700.0, "staffing_cost_gbp_per_point_per_year": 900.0},
    ]  # fmt: skip
    sold = {"capital_receipt_gbp": 40_000.0, "holding_cost_gbp_per_year": 300.0}
    here = town(
        [
            building("B1", 20_000, closure_cost_gbp=2_000.0, backlog_gbp=5_000.0, **sold),
            building("B2", 8_000, status="candidate", fit_out_gbp_per_m2=100.0),
        ],
        services,
        [{"building_id": "B1", "service_id": "S"}],
    )
    return here, minutes(here, drive=[[10.0, 20.0], [10.0, 20.0]])


def text_over_years(folder):
    here, times = two_years()
    rules = (
        Sequence(moves_per_year=1, double_running_years=0.5),
        Capital(pot_gbp=(5_000, 2_000), recycled_share=0.5),
        Revenue(share_of_today=0.9, from_year=2030),
    )
    asked = scenario(*rules, year=2029, decided=2, years=30)
    stated = formulate_years(build_years(here, times, asked), "cost")
    return write_model(stated.model, folder / "model.lp").read_text(encoding="utf-8")


def test_the_model_over_two_years_is_the_one_reviewed(tmp_path):
    assert text_over_years(tmp_path) == TWO_YEARS.read_text(encoding="utf-8")


if __name__ == "__main__":
    GOLDEN.write_text(text_of_the_model(GOLDEN.parent), encoding="utf-8")
    TWO_YEARS.write_text(text_over_years(GOLDEN.parent), encoding="utf-8")
    GOLDEN.with_name("model.lp").unlink()
