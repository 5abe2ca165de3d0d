"""How far the budget can fall, worked by hand on the place of ``test_rules``."""

from __future__ import annotations

import pytest

from placeopt.base.errors import UsageError
from placeopt.budget import solve
from placeopt.budget.explain.minimum_budget import order_of_breaking, path_of_cuts
from placeopt.engine import Status
from placeopt.place import read_place
from tests.budget.places import (
    one_budget,
    place_over_years,
    random_place,
    scenario_of,
    two_programmes,
)


def with_both_standards():
    """At most 10.5 falls (homecare at 50), feeling safe at 49.8 (lights at 60): 110 in all."""
    place = two_programmes()
    return place.replace(outcomes=place.outcomes.assign(minimum_standard=[10.5, 49.8]))


def test_standards_break_in_order_of_least_harm():
    """The standard that missing pounds harm least breaks first."""
    rows = order_of_breaking(with_both_standards(), scenario_of())
    # a pound short is 0.0025 ranges of feeling safe and 0.005 of falls: safe breaks first, and
    # 50 is left for homecare; then falls, and only homecare's floor of 20 is left
    assert list(rows["outcome_id"]) == ["safe", "falls", ""]
    assert list(rows["least_gbp"]) == pytest.approx([110, 50, 20])
    assert list(rows["bound_gbp"]) == pytest.approx([110, 50, 20])
    assert list(rows["cut_share"]) == pytest.approx([0.45, 0.75, 0.9])


def test_over_years_the_order_is_that_of_all_years_together():
    place = place_over_years(2, with_both_standards())
    rows = order_of_breaking(place, scenario_of(years=2, money={"discount_rate": 0.0}))
    assert list(rows["outcome_id"]) == ["safe", "falls", ""]
    assert list(rows["least_gbp"]) == pytest.approx([220, 100, 40])  # as in one year, twice
    # a thousandth less, 0.11 a year, is 0.000275 ranges of feeling safe; of 50, 0.05 is 0.00025
    # ranges of falls
    assert list(rows["missed_ranges"]) == pytest.approx([0.000275, 0.00025, 0], abs=1e-6)
    assert rows["proven_first"].all()


def test_equal_standards_have_no_proven_first():
    points = [
        {"programme_id": "homecare", "outcome_id": "falls", "spend_gbp": 300, "effect": 3},
        {"programme_id": "lights", "outcome_id": "safe", "spend_gbp": 300, "effect": 3},
    ]
    place = two_programmes(curve_points=points)
    place = place.replace(outcomes=place.outcomes.assign(minimum_standard=[10.5, 49.5]))
    rows = order_of_breaking(place, scenario_of())
    assert not rows["proven_first"].iloc[0]
    assert rows["proven_first"].iloc[1]


@pytest.mark.parametrize("seed", [1, 5])
def test_a_standard_that_breaks_is_found_despite_a_wide_gap(seed):
    """The search is just below the bound; just below the plan a standard might still hold."""
    place = random_place(seed, concave=False)
    near = order_of_breaking(place, scenario_of(solver={"gap": 1e-4}))
    wide = order_of_breaking(place, scenario_of(solver={"gap": 3e-2}))
    assert len(wide) == len(near)
    assert (wide["bound_gbp"].iloc[0] <= near["least_gbp"].iloc[0] + 1e-6).all()


def test_the_path_of_cuts_is_exact_for_linear_curves():
    rows = path_of_cuts(with_both_standards(), scenario_of())
    # lights stay at 60 for their standard, homecare takes the rest: straight from 110 to 200
    assert rows["total_gbp"].iloc[0] == pytest.approx(110, rel=1e-5)
    assert rows["total_gbp"].iloc[-1] == pytest.approx(200)
    assert rows["objective"].iloc[-1] == pytest.approx(-0.005 * 40 + 0.0025 * 40)
    assert rows["objective"].iloc[0] == pytest.approx(0.005 * 50 + 0.0025 * 40, rel=1e-4)
    assert rows["change_per_gbp"].iloc[-1] == pytest.approx(-0.005)
    assert "safe" in rows["standards"].iloc[-1]


@pytest.mark.parametrize("seed", [2, 9, 16])
def test_every_point_of_the_path_is_what_solving_that_total_gives(seed):
    place = random_place(seed)
    rows = path_of_cuts(place, scenario_of(), tolerance=1e-4)
    spread = rows["objective"].iloc[0] - rows["objective"].iloc[-1]
    for position in (1, len(rows) // 2, len(rows) - 1):
        total = float(rows["total_gbp"].iloc[position])
        answer = solve(place, scenario_of(rules=[one_budget(total)]))
        near = 2e-3 * max(spread, 1e-6)
        assert rows["objective"].iloc[position] == pytest.approx(answer.result.objective, abs=near)
    assert rows["objective"].is_monotonic_decreasing


def test_the_path_starts_at_the_least_yearly_total():
    # Homecare alone has a standard, falls at most 10.5. Half of a year's effect of 0.01 a pound
    # shows in the year, a quarter in the next: s1 >= 0 in the first, s1 + 2 s2 >= 100 in the
    # second, and a floor of 20. Least money: 20 and 40. Alike in both years: 100 / 3.
    place = two_programmes()
    place = place.replace(
        outcomes=place.outcomes.assign(minimum_standard=[10.5, float("nan")]),
        curves=place.curves.assign(persistence_share=[0.5, 0.0]),
    )
    place = place_over_years(2, place)
    rows = path_of_cuts(place, scenario_of(years=2, money={"benefit_years": 2}))
    assert rows["total_gbp"].iloc[0] == pytest.approx(100 / 3, rel=1e-5)
    assert order_of_breaking(place, scenario_of(years=2))["least_gbp"].iloc[0] < 60.001
    # all of it is homecare's: effects -2/3 in both years, shown as -1/3 and -1/2, of a range of
    # 2; lights lose 0.5 points of a range of 2 in both years
    assert rows["objective"].iloc[0] == pytest.approx((1 / 6 + 1 / 4) / 2 + 0.25, rel=1e-4)


@pytest.mark.parametrize("seed", [1, 5, 8])
def test_the_least_money_of_an_integer_plan_is_proven(seed):
    place = random_place(seed, concave=False)
    scenario = scenario_of(solver={"gap": 1e-3})
    first = order_of_breaking(place, scenario).iloc[0]
    assert first["bound_gbp"] <= first["least_gbp"] <= first["bound_gbp"] * 1.001 + 1e-6
    for total, status in ((1.001, Status.OPTIMAL), (0.99, Status.INFEASIBLE)):
        limit = (first["least_gbp"] if total > 1 else first["bound_gbp"]) * total
        answer = solve(place, scenario_of(rules=[one_budget(limit)], solver={"gap": 1e-2}))
        assert answer.result.status is status


def test_a_path_of_cuts_is_refused_for_integer_problems():
    with pytest.raises(UsageError, match="concave curves"):
        path_of_cuts(random_place(1, concave=False), scenario_of())


def test_marlshires_standards_break_one_after_another(data):
    rows = order_of_breaking(read_place(data / "marlshire"), scenario_of())
    assert rows["least_gbp"].is_monotonic_decreasing
    assert rows["outcome_id"].iloc[-1] == ""
    assert (rows["bound_gbp"] <= rows["least_gbp"] + 1).all()
