"""The parts of running costs, whole life and ten years of cash, worked by hand."""

from dataclasses import replace

import numpy as np
import pytest

from placeopt.estate import solve
from placeopt.estate.verify import verify
from placeopt.scenario.scenario import Money
from tests.estate.places import random_place, scenario, with_money
from tests.estate.town import building, town
from tests.support.places import crow_minutes, minutes


def part(table, column, **where):
    """The sum of a column over the rows that have these values."""
    for name, value in where.items():
        table = table[table[name] == value]
    return table[column].sum()


@pytest.fixture(scope="module")
def answer():
    """S leaves B1 (10,000 a year, staff 4,000) in 2027 for the candidate B2 (1,000, staff 4,000),
    10 m2 of which are fitted out for 1,000 in 2026; B1 is held for 100 a year until its receipt of
    4,000 in 2028. B3 (12,000, staff 4,000) closes at once for 700, its redundancy costs 300 and it
    stays empty for 50 a year. Two years decided, three appraised at 3.5 %."""
    service = {
        "service_id": "S",
        "area_base_m2": 10.0,
        "staffing_cost_gbp_per_point_per_year": 4_000.0,
        "redundancy_gbp_per_point": 300.0,
    }
    sold = {"capital_receipt_gbp": 4_000.0, "sale_lag_years": 1}
    buildings = [
        building("B1", 10_000, **sold, holding_cost_gbp_per_year=100.0),
        building("B2", 1_000, status="candidate", fit_out_gbp_per_m2=100.0),
        building("B3", 12_000, closure_cost_gbp=700.0, holding_cost_gbp_per_year=50.0),
    ]
    here = town(buildings, [service])
    asked = scenario(year=2026, decided=2, years=3)
    return solve(here, minutes(here, drive=[[10.0] * 3] * 2), asked)


def test_running_costs_are_split_into_their_parts(answer):
    """Doing nothing: 22,000 for buildings and 8,000 for staff. In the plan of 2027: B2 1,000, staff
    4,000 and B3 empty for 50; B1 is sold and not held."""
    s = answer.plan.summary
    assert s["buildings_cost_before_gbp_per_year"] == pytest.approx(22_000)
    assert s["buildings_cost_after_gbp_per_year"] == pytest.approx(1_000)
    assert s["staff_cost_saving_gbp_per_year"] == pytest.approx(4_000)
    assert s["held_empty_cost_after_gbp_per_year"] == pytest.approx(50)
    assert s["held_empty_cost_saving_gbp_per_year"] == pytest.approx(-50)
    for when in ("before", "after"):
        column = answer.plan.running_split[f"{when}_gbp_per_year"]
        assert column.sum() == pytest.approx(s[f"running_cost_{when}_gbp_per_year"])


def test_one_off_costs_are_stated_by_kind(answer):
    s = answer.plan.summary
    assert (s["fit_out_gbp"], s["closing_gbp"], s["redundancy_gbp"]) == (1_000, 700, 300)
    assert s["one_off_gbp"] == pytest.approx(2_000)
    assert s["redundancy_counted"] == "yes"


def test_ten_years_of_cash_go_on_as_the_last_decided_year(answer):
    """2026: B1 10,000, its staff 4,000, B3 empty 50, one-off 2,000. 2027: 1,000, 4,000, 50 and 100
    of B1 until 2028, when its receipt comes. From then on 5,050 a year, against 30,000."""
    cash = answer.plan.cash_outlook
    by_year = cash.groupby("year")["plan_gbp"].sum()
    assert by_year.tolist() == pytest.approx([16_050, 5_150, 1_050, *[5_050] * 7])
    assert part(cash, "plan_gbp", year=2026, part="one_off") == pytest.approx(2_000)
    assert part(cash, "plan_gbp", year=2028, part="receipts") == pytest.approx(-4_000)
    assert part(cash, "do_nothing_gbp") == pytest.approx(300_000)
    s = answer.plan.summary
    assert s["ten_year_cash_plan_gbp"] == pytest.approx(16_050 + 5_150 + 1_050 + 7 * 5_050)
    assert s["ten_year_cash_saving_gbp"] == pytest.approx(300_000 - 57_600)
    assert s["payback_year"] == 2026  # 13,950 saved in the first year already


def test_the_parts_of_the_whole_life_are_the_net_present_cost(answer):
    """The plan's buildings: 10,000 + 1,000 (1/1.035 + 1/1.035^2)."""
    worth, s = answer.plan.whole_life, answer.plan.summary
    later = 1 / 1.035 + 1 / 1.035**2
    assert part(worth, "plan_present_gbp", part="buildings") == pytest.approx(
        10_000 + 1_000 * later
    )
    held = 50 + 50 * later + 100 / 1.035
    assert part(worth, "plan_present_gbp", part="held_empty") == pytest.approx(held)
    assert worth["plan_present_gbp"].sum() == pytest.approx(s["net_present_cost_plan_gbp"])
    nothing = worth["do_nothing_present_gbp"].sum()
    assert nothing == pytest.approx(s["net_present_cost_do_nothing_gbp"])
    assert (s["discount_rate_share_per_year"], s["appraisal_years"]) == (0.035, 3)


def test_a_plan_pays_back_when_its_outlay_has_been_saved():
    """Moving from B1 (10,000) to B2 (6,000) costs 9,000 once and saves 4,000 a year: 5,000 behind,
    1,000 behind, 3,000 ahead, so in the third year, 2028."""
    here = town(
        [building("B1", 10_000), building("B2", 6_000, status="candidate")],
        [{"service_id": "S", "moving_cost_gbp": 9_000.0}],
    )
    times = minutes(here, drive=[[10.0] * 2] * 2)
    s = solve(here, times, scenario(year=2026, years=30)).plan.summary
    assert s["payback_year"] == 2028
    assert s["redundancy_counted"] == "no"
    stays = solve(here, times, scenario(year=2026, years=1)).plan.summary
    assert np.isnan(stays["payback_year"])
    assert stays["one_off_gbp"] == 0


@pytest.mark.parametrize("seed", [1, 5, 9])
def test_the_split_ties_to_every_other_table(seed):
    """On random places the cash of the decided years equals the agencies' cash flow, the whole life
    equals the net present cost, and a wrong split is caught."""
    place = with_money(random_place(seed, 3, 4, 2), seed)
    asked = scenario(decided=3, years=12, gap=0.05)
    asked = asked.model_copy(update={"money": Money(appraisal_years=12), "year": 2026})
    answer = solve(place, crow_minutes(place), asked)
    if answer.plan is None:
        pytest.skip("no plan keeps the rules")
    tables, summary = answer.plan.tables, answer.plan.summary
    flow, outlook = tables["cash_flow"], tables["cash_outlook"]
    for year in (2026, 2027, 2028):
        for column in ("do_nothing_gbp", "plan_gbp"):
            of_year = part(flow, column, year=year)
            assert part(outlook, column, year=year) == pytest.approx(of_year, abs=0.01)
    total = tables["whole_life"]["plan_present_gbp"].sum()
    assert total == pytest.approx(summary["net_present_cost_plan_gbp"], abs=0.01)
    lie = replace(answer.plan, summary={**summary, "staff_cost_after_gbp_per_year": 7.0})
    assert not verify(place, answer.times, asked, lie).ok
