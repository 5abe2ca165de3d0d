"""Where the users of a closed service point go, by hand and against the tables of random places."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from placeopt.estate import solve
from placeopt.estate.verify import verify
from placeopt.scenario.rules.estate.services import Behaviour, Network, Pinned, Served
from tests.estate.places import random_place, scenario
from tests.estate.town import building, town
from tests.support.places import crow_minutes, minutes

BOTH = Network(service="S", at_least=2)
MINUTES = ["minutes_before", "minutes_after", "added_minutes"]


def closing(place, drive, *rules, walk=None, **settings):
    """The answer in which A closes."""
    by_mode = {"drive": drive} | ({"walk": walk} if walk is not None else {})
    pinned = Pinned(close=("A",), keep=("B", "C"))
    answer = solve(place, minutes(place, **by_mode), scenario(pinned, BOTH, *rules, **settings))
    assert answer.verification.ok
    return answer


def rows_of(answer, name):
    return answer.plan.tables[name].to_dict("records")


def three(**tables):
    """A, B and C with one service each; Z1 and Z2 have 1,000 visits each."""
    return town([building("A", 10.0), building("B", 10.0), building("C", 10.0)], **tables)


def test_users_of_a_closed_building_go_to_the_nearest():
    """Both zones use A, 2 and 4 minutes away; Z1 goes on to B (7), Z2 to C (9): 5 more each."""
    drive = [[2.0, 7.0, 20.0], [4.0, 20.0, 9.0]]
    answer = closing(three(), drive, Behaviour(residents="nearest"))
    to_b, to_c = rows_of(answer, "closures")
    assert (to_b["building_id"], to_b["service_id"], to_b["what_closes"]) == ("A", "S", "building")
    assert [to_b[x] for x in ("to_building_id", "visits_per_year")] == ["B", 1000.0]
    assert [to_b[x] for x in MINUTES] == [2.0, 7.0, 5.0]
    assert [to_c[x] for x in ("to_building_id", "visits_per_year", *MINUTES)] == [
        *("C", 1000.0, 4.0, 9.0, 5.0)
    ]


def test_minutes_of_closures_by_group_and_mode():
    """A fifth of Z1 has no car. On foot A is 10 minutes from Z1 and B 40; C is out of reach of Z2
    on foot, so its 1,000 visits on foot are cut off. Without a car: 200 of Z1's visits, 30 minutes
    more. Fastest: Z1 2 to 7, Z2 4 to 9."""
    place = three()
    place = place.replace(zones=place.zones.assign(without_car_share=[0.2, 0.0]))
    drive, far = [[2.0, 7.0, 20.0], [4.0, 20.0, 9.0]], np.nan
    walk = [[10.0, 40.0, far], [20.0, far, far]]
    answer = closing(place, drive, Behaviour(residents="nearest"), walk=walk)
    table = answer.plan.tables["closures_by_group"].set_index(["who", "mode"])
    visits = ["visits_per_year", "visits_compared_per_year", "visits_cut_off_per_year"]
    assert list(table.loc[("all", "fastest"), visits]) == [2000.0, 2000.0, 0.0]
    assert list(table.loc[("all", "fastest"), MINUTES]) == [3.0, 8.0, 5.0]
    assert list(table.loc[("all", "walk"), visits]) == [2000.0, 1000.0, 1000.0]
    assert list(table.loc[("all", "walk"), MINUTES]) == [10.0, 40.0, 30.0]
    assert list(table.loc[("without_car", "fastest"), visits]) == [200.0, 200.0, 0.0]
    assert list(table.loc[("without_car", "fastest"), MINUTES]) == [10.0, 40.0, 30.0]
    assert ("without_car", "drive") not in table.index


def test_a_service_that_leaves_an_open_building_is_a_closure():
    """S leaves A, which stays open for T; no residents use A for S today, because B is nearer."""
    staffed = {"area_base_m2": 10.0, "staffing_cost_gbp_per_point_per_year": 500.0}
    place = town(
        [building("A", 10.0, running_cost_gbp_per_m2_per_year=1.0), building("B", 10.0)],
        services=({"service_id": "S", **staffed}, {"service_id": "T", "moving_cost_gbp": 9000.0}),
        hosting=[
            *({"building_id": "A", "service_id": s} for s in "ST"),
            {"building_id": "B", "service_id": "S"},
        ],
    )
    times = minutes(place, drive=[[9.0, 3.0], [9.0, 3.0]])
    asked = scenario(Behaviour(residents="nearest"), Pinned(keep=("A", "B")))
    answer = solve(place, times, asked)
    assert answer.verification.ok
    (row,) = rows_of(answer, "closures")
    assert (row["building_id"], row["service_id"], row["what_closes"]) == ("A", "S", "service")
    assert (row["to_building_id"], row["visits_per_year"]) == ("", 0.0)
    assert np.isnan(row["minutes_before"])
    assert answer.plan.tables["closures_by_group"].empty


def test_unserved_visits_of_a_closure_go_nowhere():
    """Z2 reaches only A; half of all visits may go unserved."""
    drive = [[2.0, 7.0, np.nan], [4.0, np.nan, np.nan]]
    rules = Served(unserved_share=0.5), Behaviour(residents="nearest")
    to_b, nowhere = rows_of(closing(three(), drive, *rules), "closures")
    assert (to_b["to_building_id"], to_b["visits_per_year"]) == ("B", 1000.0)
    assert (nowhere["to_building_id"], nowhere["visits_per_year"]) == ("", 1000.0)
    assert nowhere["minutes_before"] == 4.0
    assert np.isnan(nowhere["minutes_after"])


def test_spread_users_follow_the_spread_of_those_who_stay():
    """Huff with exponent 1: from each zone A (1 minute), B (2) and C (4) draw 4:2:1 today, so A has
    4/7 of 2,000 visits. With A closed B and C draw 2:1 of A's users: 4/7 x 2/3 and 4/7 x 1/3."""
    drive = [[1.0, 2.0, 4.0]] * 2
    answer = closing(three(), drive, Behaviour(residents="decay", exponent=1.0))
    to_b, to_c = rows_of(answer, "closures")
    assert to_b["visits_per_year"] == pytest.approx(2000 * 4 / 7 * 2 / 3)
    assert to_c["visits_per_year"] == pytest.approx(2000 * 4 / 7 * 1 / 3)
    assert (to_b["added_minutes"], to_c["added_minutes"]) == pytest.approx((1.0, 3.0))
    today = answer.plan.tables["assignment_today"]
    assert list(today["share"]) == pytest.approx([4 / 7, 2 / 7, 1 / 7] * 2)


def test_a_closure_is_listed_in_the_year_in_which_it_closes():
    """A closes in 2027, the second of three years, with that year's visits: 10 % a year more.
    Redundancy and closing cost more the earlier they are."""
    shut = building("A", 0.0, closure_cost_gbp=100.0)
    place = town(
        [shut, building("B", 10.0), building("C", 10.0)],
        services=({"service_id": "S", "moving_cost_gbp": 50.0, "redundancy_gbp_per_point": 20.0},),
        demand=[],
        demand_rates=[
            {
                "service_id": "S",
                "age_band": "all",
                "visits_per_person_per_year": 10.0,
                "growth_share_per_year": 0.1,
            }
        ],
    )
    drive = [[2.0, 7.0, 20.0], [4.0, 20.0, 9.0]]
    fewer = Network(at_most=2, from_year=2027)
    rules = Pinned(keep=("B", "C")), BOTH, fewer, Behaviour(residents="nearest")
    asked = scenario(*rules, decided=3, years=30, year=2026)
    answer = solve(place, minutes(place, drive=drive), asked)
    assert answer.verification.ok
    rows = rows_of(answer, "closures")
    assert [(r["year"], r["to_building_id"]) for r in rows] == [(2027, "B"), (2027, "C")]
    assert [r["visits_per_year"] for r in rows] == pytest.approx([1100.0, 1100.0])
    last = answer.plan.tables["assignment_today"]
    assert list(last["visits_per_year"]) == pytest.approx([1210.0, 1210.0])


def test_a_wrong_closure_is_caught():
    drive = [[2.0, 7.0, 20.0], [4.0, 20.0, 9.0]]
    place = three()
    place = place.replace(zones=place.zones.assign(without_car_share=[0.2, 0.0]))
    answer = closing(place, drive, Behaviour(residents="nearest"), walk=[[9.0, 99.0, 99.0]] * 2)
    for name, column, lie in (
        ("closures", "to_building_id", "C"),
        ("closures", "to_building_id", ""),
        ("closures", "what_closes", "service"),
        ("closures", "visits_per_year", 998.0),
        ("closures", "added_minutes", 4.9),
        ("closures_by_group", "minutes_after", 6.0),
        ("closures_by_group", "who", "quintile_1"),
        ("closures_by_group", "mode", "cycle"),
        ("assignment_today", "building_id", "B"),
    ):
        table = answer.plan.tables[name].copy()
        table.loc[0, column] = lie
        plan = replace(answer.plan, tables={**answer.plan.tables, name: table})
        assert not verify(answer.place, answer.times, answer.scenario, plan).ok, (name, column)
    for name in ("closures", "closures_by_group"):
        table = answer.plan.tables[name]
        for wrong in (table.iloc[1:], pd.concat([table, table.iloc[:1]])):
            plan = replace(answer.plan, tables={**answer.plan.tables, name: wrong})
            assert not verify(answer.place, answer.times, answer.scenario, plan).ok, name


def _flows_add_up(seed):
    """Every closed point's flows are the visits that doing nothing serves there."""
    place = random_place(seed, 4, 5, 3)
    behaviour = {"residents": ("planner", "nearest", "decay")[seed % 3]}
    if behaviour["residents"] == "decay":
        behaviour["decay_per_minute"] = 0.1
    asked = scenario(
        Behaviour(**behaviour), Served(unserved_share=0.5), decided=1 + seed % 2, seconds=20.0
    )
    answer = solve(place, crow_minutes(place), asked)
    if answer.plan is None:
        return 0
    assert answer.verification.ok, [c for c in answer.verification.checks if not c.holds]
    t = answer.plan.tables
    users = t["closures"].groupby(["year", "building_id", "service_id"])["visits_per_year"].sum()
    by_group = t["closures_by_group"].query("who == 'all' and mode == 'fastest'")
    by_group = by_group.set_index(["year", "building_id", "service_id"])["visits_per_year"]
    assert np.allclose(by_group, users[users > 0].reindex(by_group.index))
    if asked.years == 1:
        before = t["services"].set_index(["building_id", "service_id"])["visits_before_per_year"]
        for (_, i, s), visits in users.items():
            assert visits == pytest.approx(before[i, s])
    return len(users)


def test_flows_add_up_to_the_users_of_each_closed_point():
    assert sum(_flows_add_up(seed) for seed in range(300, 312)) > 5


@pytest.mark.exhaustive
def test_flows_add_up_in_many_places():
    assert sum(_flows_add_up(seed) for seed in range(1000, 1500)) > 200
