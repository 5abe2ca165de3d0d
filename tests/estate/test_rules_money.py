"""Hand-worked rules about money and carbon: each in a town in which it binds, with the rejected
plan in the docstring. Money is for one year of appraisal unless stated."""

from dataclasses import replace

import pytest
from models.estate import solve as solve_reference

from placeopt.base.errors import ScenarioError, UsageError
from placeopt.estate import solve
from placeopt.estate.verify import verify
from placeopt.scenario.rules.estate.services import (
    Capital,
    Carbon,
    FairRents,
    Pinned,
    Revenue,
    Served,
)
from placeopt.scenario.scenario import Money
from tests.estate.places import scenario
from tests.estate.town import building, cost_of, town
from tests.support.places import minutes


def test_capital_pays_from_the_pot_and_recycled_receipts():
    """(E10) Closing B1 (10,000 a year) for candidate B2 (5,000) takes 8,000 of moving; selling B1
    brings 6,000 net at once. With a pot of 5,000 the move needs half the receipt. Rejected
    without it: 5,000 + 8,000 - 6,000 = 7,000."""
    services = [{"service_id": "S", "moving_cost_gbp": 8_000.0}]
    sold = {"capital_receipt_gbp": 7_500.0, "sale_cost_share": 0.2, "sale_lag_years": 0}
    here = town(
        [building("B1", 10_000, **sold), building("B2", 5_000, status="candidate")], services
    )
    assert cost_of(here) == pytest.approx(7_000)
    assert cost_of(here, Capital(pot_gbp=5_000)) == pytest.approx(10_000)
    assert cost_of(here, Capital(pot_gbp=5_000, recycled_share=0.5)) == pytest.approx(7_000)
    assert cost_of(here, Capital(pot_gbp=8_000)) == pytest.approx(7_000)


def test_a_clawback_is_taken_from_the_receipt_first():
    """(E10) The same move, 8,000. Of 7,500 for B1 selling costs take 0.2 and a funder 0.4, and
    3,000 is left: over two years 10,000 + 8,000 - 3,000, where staying costs 20,000. A pot of 5,000
    and the whole rest pay for the move, 4,999 do not. If the funder takes the other 0.8, the move
    still saves money, at 18,000, but the pot must pay all of it."""
    services = [{"service_id": "S", "moving_cost_gbp": 8_000.0}]
    sold = {"capital_receipt_gbp": 7_500.0, "sale_cost_share": 0.2, "sale_lag_years": 0}
    sold["holding_cost_gbp_per_year"] = 100.0
    for clawback, net in ((0.4, 3_000), (0.8, 0)):
        granted = building("B1", 10_000, **sold, receipt_clawback_share=clawback)
        here = town([granted, building("B2", 5_000, status="candidate")], services)
        asked = scenario(years=2, rate=0.0)
        times = minutes(here, drive=[[10.0, 10.0]] * 2)
        answer = solve(here, times, asked)
        assert answer.result.objective == pytest.approx(18_000 - net)
        assert solve_reference(here, times, asked)[1] == pytest.approx(18_000 - net)
        summary = answer.plan.summary
        assert summary["receipts_gross_gbp"] == 7_500
        assert summary["receipts_clawback_gbp"] == pytest.approx(7_500 * clawback)
        assert summary["receipts_net_gbp"] == pytest.approx(net)
        b1 = answer.plan.buildings.set_index("building_id").loc["B1"]
        assert (b1["disposal"], b1["receipt_net_gbp"]) == ("sold", pytest.approx(net))
        recycled = Capital(pot_gbp=5_000, recycled_share=1.0)
        short = Capital(pot_gbp=4_999, recycled_share=1.0)
        least = 18_000 - net if net else 20_000
        assert cost_of(here, recycled, years=2, rate=0.0) == pytest.approx(least)
        assert cost_of(here, short, years=2, rate=0.0) == pytest.approx(20_000)


def test_revenue_forces_a_saving_that_does_not_pay():
    """(E11) Closing B2 (1,000 a year) costs 20,000 of dilapidations: without the rule it stays open
    at 11,000. To save a tenth it closes at 10,000 + 20,000."""
    dear_to_close = building("B2", 1_000, closure_cost_gbp=20_000.0)
    here = town([building("B1", 10_000, pinned="keep"), dear_to_close])
    assert cost_of(here) == pytest.approx(11_000)
    assert cost_of(here, Revenue(share_of_today=0.92)) == pytest.approx(30_000)
    assert cost_of(here, Revenue(ceiling_gbp_per_year=11_000)) == pytest.approx(11_000)
    assert cost_of(here, Revenue(ceiling_gbp_per_year=9_000)) is None


def test_cost_of_capital_is_borne_until_a_building_is_gone():
    """(E11) B1 costs 10,000 and 1,000 of capital a year, B2 9,000 and 3,000, open or empty; the
    candidate B3 would add 900 more capital cost than it saves. If the empty building is held, B1
    closes: 12,000 + 1,000; closing B2 would cost 11,000 + 3,000. If B2's lease can end, its 3,000
    ends too: 11,000. The ceiling counts them: the first plan exceeds 12,999."""
    tied_up = "cost_of_capital_gbp_per_year"
    b1 = building("B1", 10_000, **{tied_up: 1_000.0})
    b3 = building("B3", 8_000, status="candidate", **{tied_up: 4_900.0})
    lease = {"tenure": "leasehold", "lease_break_year": 2020}
    for more, least in (({}, 13_000), (lease, 11_000)):
        here = town([b1, building("B2", 9_000, **{tied_up: 3_000.0}, **more), b3])
        times, asked = minutes(here, drive=[[10.0] * 3] * 2), scenario()
        answer = solve(here, times, asked)
        assert answer.result.objective == pytest.approx(least)
        assert solve_reference(here, times, asked)[1] == pytest.approx(least)
        money = answer.plan.money.set_index("line")
        assert money.at["cost of capital", "before_gbp_per_year"] == 4_000
        assert money.at["cost of capital", "after_gbp_per_year"] == (1_000 if more else 4_000)
        assert money.at["open buildings", "after_gbp_per_year"] == (10_000 if more else 9_000)
        ceiling = Revenue(ceiling_gbp_per_year=12_999)
        assert cost_of(here, ceiling) == (pytest.approx(11_000) if more else None)


def test_redundancy_is_due_unless_a_point_opens():
    """S is in B1 and B2, each 10,000 and 4,000 of staff. Closing one saves 14,000 and costs 9,000
    for the staff: 14,000 + 9,000; for 15,000 both stay, 28,000. The candidate B3 (1,000) takes the
    staff of one: both close for it, 1,000 + 4,000 and 9,000 for the other's; for 40,000 the one
    moves and the other stays, 15,000 + 4,000. A new point of T takes no staff of S."""
    buildings = [building("B1", 10_000), building("B2", 10_000)]
    opens = building("B3", 1_000, status="candidate")
    hosting = [{"building_id": b, "service_id": "S"} for b in ("B1", "B2")]
    t = {"service_id": "T", "redundancy_gbp_per_point": 70_000.0}
    for here, gbp, least in (
        (buildings, 9_000.0, 23_000),
        (buildings, 15_000.0, 28_000),
        ([*buildings, opens], 9_000.0, 14_000),
        ([*buildings, opens], 40_000.0, 19_000),
    ):
        staff = {"staffing_cost_gbp_per_point_per_year": 4_000.0, "redundancy_gbp_per_point": gbp}
        for services in ([{"service_id": "S", **staff}], [{"service_id": "S", **staff}, t]):
            place = town(here, services, hosting)
            assert cost_of(place) == pytest.approx(least)
            times = minutes(place, drive=[[10.0] * len(here)] * 2)
            assert solve_reference(place, times, scenario())[1] == pytest.approx(least)


def test_separate_streams_pay_only_for_their_own_kind_of_work():
    """(E10) The move costs 8,000 and the fit-out 2,000. One pot of 10,000 pays for both; a stream
    of 10,000 for fit-out only and one of 5,000 for moves do not."""
    services = [{"service_id": "S", "moving_cost_gbp": 8_000.0, "area_base_m2": 10.0}]
    target = building("B2", 5_000, status="candidate", fit_out_gbp_per_m2=200.0)
    here = town([building("B1", 20_000), target], services)
    assert cost_of(here, Capital(pot_gbp=10_000)) == pytest.approx(15_000)
    streams = (
        Capital(pot_gbp=10_000, pays_for=("fit_out", "set_up", "closing")),
        Capital(pot_gbp=5_000, pays_for=("moves",)),
    )
    assert cost_of(here, *streams) == pytest.approx(20_000)
    more = Capital(pot_gbp=8_000, pays_for=("moves",))
    assert cost_of(here, streams[0], more) == pytest.approx(15_000)


def test_carbon_closes_the_cheap_building_that_emits_most():
    """(E14) B1 costs 10,000 and emits 50 t, B2 30,000 and 20 t. Under 40 t only B2 may stay."""
    here = town(
        [
            building("B1", 10_000, carbon_tco2e_per_year=50.0),
            building("B2", 30_000, carbon_tco2e_per_year=20.0),
        ]
    )
    assert cost_of(here) == pytest.approx(10_000)
    assert cost_of(here, Carbon(ceiling_tco2e_per_year=40)) == pytest.approx(30_000)
    assert cost_of(here, Carbon(share_of_today=0.5)) == pytest.approx(30_000)
    assert cost_of(here, Carbon(share_of_today=0.8)) == pytest.approx(10_000)


def trust(here, *rules):
    times = minutes(here, drive=[[10.0] * len(here.buildings)] * 2)
    answer = solve(here, times, scenario(*rules))
    return answer.plan.agencies.set_index("agency_id"), answer.plan.rents


def two_agencies(cost_a, cost_b, area_b=50.0):
    """Agency A holds B1 and provides S (50 m2); agency B holds B2 and provides T."""
    services = [
        {"service_id": "S", "agency_id": "A", "area_base_m2": 50.0},
        {"service_id": "T", "agency_id": "B", "area_base_m2": area_b},
    ]
    hosting = [
        {"building_id": "B1", "service_id": "S"},
        {"building_id": "B2", "service_id": "T"},
    ]
    buildings = [building("B1", cost_a, agency_id="A"), building("B2", cost_b, agency_id="B")]
    return town(buildings, services, hosting)


def test_fair_rents_cover_the_trust_and_raise_no_agencys_cost():
    """(E15) B moves in with A: the trust's cost is B1's 10,000, half of it for each by area. A
    paid 10,000 and B 30,000 before: 5,000 each is fair without transfers."""
    agencies, rents = trust(two_agencies(10_000, 30_000), FairRents())
    assert rents["rent_gbp_per_m2_per_year"].tolist() == pytest.approx([100.0])
    assert agencies["net_after_gbp_per_year"].tolist() == pytest.approx([5_000, 5_000])
    assert agencies["transfer_gbp_per_year"].abs().sum() == pytest.approx(0, abs=0.01)


def test_transfers_keep_an_agency_from_paying_more():
    """(E15) B paid 2,000 for B2, which must close; half of B1's 10,000 is 5,000: A, which paid
    10,000, transfers 3,000."""
    here = two_agencies(10_000, 2_000)
    agencies, _ = trust(here, FairRents(), Pinned(close=("B2",)))
    assert agencies.loc["B", "transfer_gbp_per_year"] == pytest.approx(-3_000)
    assert agencies.loc["A", "net_after_gbp_per_year"] == pytest.approx(8_000)


def test_no_rents_are_fair_where_buildings_cost_more():
    """(E15) B1 must close; the candidate B2 costs 12,000, 2,000 more than today."""
    here = town([building("B1", 10_000), building("B2", 12_000, status="candidate")])
    close = Pinned(close=("B1",))
    assert cost_of(here, close) == pytest.approx(12_000)
    assert cost_of(here, close, FairRents()) is None


def test_no_agency_pays_rent_if_no_floor_is_let():
    """(E15) S uses no floor area, so no rent covers the 10,000 of its building; with 50 m2 the rent
    is 200 a m2."""
    for area, cost in ((0.0, None), (50.0, 10_000)):
        here = town([building("B1", 10_000)], [{"service_id": "S", "area_base_m2": area}])
        assert cost_of(here, FairRents()) == (cost and pytest.approx(cost))


def test_later_money_is_discounted_and_leases_end_at_a_break():
    """Two years at 3.5 %: 10,000 x (1 + 1/1.035). B2's lease can be ended for 2,000 before its
    break in 2030, which is cheaper than holding it empty for 5,000 a year."""
    lease = {
        "tenure": "leasehold",
        "lease_break_year": 2030,
        "lease_break_penalty_gbp": 2_000.0,
        "holding_cost_gbp_per_year": 5_000.0,
    }
    here = town([building("B1", 10_000), building("B2", 30_000, **lease)])
    two_years = 10_000 * (1 + 1 / 1.035)
    assert cost_of(here, years=2) == pytest.approx(two_years + 2_000)
    assert cost_of(here, years=2, year=2030) == pytest.approx(two_years)
    stuck = town(
        [
            building("B1", 10_000),
            building("B2", 30_000, **{**lease, "lease_break_penalty_gbp": float("nan")}),
        ]
    )
    assert cost_of(stuck) == pytest.approx(15_000)


def test_objectives_in_order_spend_the_slack_on_minutes():
    """B1 (10,000) is 30 minutes away from Z2, B2 (10,500) is 10 from both. With 5 % of slack on
    the cost the 20,000 visit-minutes of B2 win over the 40,000 of B1."""
    here = town([building("B1", 10_000), building("B2", 10_500)])
    drive = [[10.0, 10.0], [30.0, 10.0]]
    ordered = {"minimise": ("cost", "visit_minutes"), "drive": drive}
    assert cost_of(here, slack=(0.0,), **ordered) == pytest.approx(40_000)
    assert cost_of(here, slack=(0.05,), **ordered) == pytest.approx(20_000)


def test_a_weighted_sum_values_minutes_by_their_weight():
    """The same town: B2 costs 500 more and saves 20,000 minutes. At 2p a minute B1 costs 10,000 and
    800 for minutes; at 3p B2 costs 10,500 and 600. Rejected: B1 at 3p, 11,200."""
    here = town([building("B1", 10_000), building("B2", 10_500)])
    drive = [[10.0, 10.0], [30.0, 10.0]]
    for pence, least in ((2, 10_800), (3, 11_100)):
        weights = {"cost": 1.0, "visit_minutes": pence / 100}
        found = cost_of(here, minimise=("weighted",), weights=weights, drive=drive)
        assert found == pytest.approx(least)


def test_each_objective_is_reported_beside_the_weighted_sum():
    here = town([building("B1", 10_000), building("B2", 10_500)])
    asked = scenario(minimise=("weighted",), weights={"cost": 1.0, "buildings": 50.0})
    answer = solve(here, minutes(here, drive=[[10.0, 10.0], [30.0, 10.0]]), asked)
    table = answer.plan.objectives.set_index("objective")
    assert table.loc[["cost", "buildings", "weighted"], "plan"].tolist() == [10_000, 1, 10_050]
    assert table.loc["visit_minutes", "plan"] == 40_000
    assert table.at["weighted", "do_nothing"] == 20_500 + 100
    wrong = answer.plan.objectives.assign(weight_gbp_per_unit=2.0)
    plan = replace(answer.plan, tables={**answer.plan.tables, "objectives": wrong})
    assert "weighs 2.0" in verify(here, answer.times, asked, plan).checks[-1].detail


@pytest.mark.parametrize(
    "wrong",
    [
        {"minimise": ("weighted",)},
        {"weights": {"cost": 1.0}},
        {"minimise": ("weighted",), "weights": {"cots": 1.0}},
        {"minimise": ("weighted",), "weights": {"cost": 0.0}},
    ],
)
def test_weights_without_effect_are_refused(wrong):
    with pytest.raises(ScenarioError):
        scenario(**wrong)


def worth(place, money, *rules):
    answer = solve(place, minutes(place, drive=[[10.0, 10.0]] * 2), asked(money, *rules))
    assert answer.verification.ok
    return answer.result.objective


def asked(money, *rules):
    question = scenario(*rules, years=money.appraisal_years)
    return question.model_copy(update={"money": money, "year": 2026})


def test_priced_carbon_keeps_the_costlier_building_that_emits_less():
    """B1 costs 10,000 and emits 50 t, B2 20,000 and 20 t. At 400 a tonne B1 comes to 30,000 and
    B2 to 28,000; at 300, to 25,000 and 26,000. A year without a value is not priced."""
    here = town(
        [
            building("B1", 10_000, carbon_tco2e_per_year=50.0),
            building("B2", 20_000, carbon_tco2e_per_year=20.0),
        ]
    )
    for value, least in ((400.0, 28_000), (300.0, 25_000)):
        here.tables["carbon_values"].loc[0] = [2026, value, "the test"]
        priced = Money(appraisal_years=1, carbon_values=True)
        assert worth(here, priced) == pytest.approx(least)
        times = minutes(here, drive=[[10.0, 10.0]] * 2)
        assert solve_reference(here, times, asked(priced))[1] == pytest.approx(least)
        two = Money(appraisal_years=2, discount_rate=0.0, carbon_values=True)
        both_years = min(20_000 + 50 * value, 40_000 + 20 * value)
        assert worth(here, two) == pytest.approx(both_years)
        assert worth(here, Money(appraisal_years=1)) == pytest.approx(10_000)
    here.tables["carbon_values"].loc[0] = [2020, 400.0, "the test"]
    with pytest.raises(UsageError, match="no year from 2026 to 2026"):
        worth(here, Money(appraisal_years=1, carbon_values=True))


def test_carbon_is_priced_to_the_end_of_the_appraisal():
    """B1 emits 50 t and costs 10,000 a year, B2 20 t and 19,000. At 100, 500 and 400 a tonne in
    2026, 2027 and 2028 B1 comes to 15,000, 35,000 and 30,000, B2 to 21,000, 29,000 and 27,000.
    Two years decided of three appraised: B1 alone costs 80,000, B2 77,000, and both for a year and
    then B2 more than that, because a closed building stays closed."""
    here = town(
        [
            building("B1", 10_000, carbon_tco2e_per_year=50.0),
            building("B2", 19_000, carbon_tco2e_per_year=20.0),
        ]
    )
    for n, value in enumerate((100.0, 500.0, 400.0)):
        here.tables["carbon_values"].loc[n] = [2026 + n, value, "the test"]
    money = Money(appraisal_years=3, discount_rate=0.0, carbon_values=True)
    question = asked(money).model_copy(update={"years": 2})
    answer = solve(here, minutes(here, drive=[[10.0, 10.0]] * 2), question)
    assert answer.verification.ok
    assert answer.result.objective == pytest.approx(77_000)
    assert answer.plan.summary["carbon_present_after_gbp"] == pytest.approx(20_000)
    assert answer.plan.summary["carbon_present_before_gbp"] == pytest.approx(70_000)


def test_works_are_raised_by_the_upper_bound_of_their_kind():
    """Moving to B2 takes 10 m2 at 200: 2,000, with 24 % added 2,480, with 51 % 3,020; B2's
    maintenance of 1,000 rises in the same way. Staying costs 20,000, B2 16,000 a year."""
    services = [{"service_id": "S", "area_base_m2": 10.0}]
    for kind, raised in (("standard_building", 1.24), ("non_standard_building", 1.51)):
        more = {"fit_out_gbp_per_m2": 200.0, "backlog_gbp": 1_000.0, "works_kind": kind}
        target = building("B2", 16_000, status="candidate", **more)
        rows = [{"works_kind": kind, "upper_bound_share": raised - 1}]
        stays = building("B1", 20_000, works_kind=kind)
        here = town([stays, target], services, works_optimism_bias=rows)
        biased = Money(appraisal_years=1, works_optimism_bias=True)
        assert worth(here, Money(appraisal_years=1)) == pytest.approx(19_000)
        least = min(16_000 + 3_000 * raised, 20_000)
        assert worth(here, biased) == pytest.approx(least)
        times = minutes(here, drive=[[10.0, 10.0]] * 2)
        assert solve_reference(here, times, asked(biased))[1] == pytest.approx(least)
        pot = Capital(pot_gbp=2_200)
        assert worth(here, biased, pot) == pytest.approx(20_000)
    bare = town([stays, target], services)
    with pytest.raises(UsageError, match="states no share for non_standard_building"):
        worth(bare, biased)


@pytest.mark.parametrize("decided", [1, 2])
def test_setting_up_a_tier_is_works_that_the_bias_raises(decided):
    """S moves to the hub B2, at 16,000 a year instead of 20,000 in B1, after a set-up of 1,000:
    with 24 % added, 1,240. A pot of 1,100 pays for the estimate but not for the raised cost."""
    rows = [{"works_kind": "standard_building", "upper_bound_share": 0.24}]
    here = town(
        [building("B1", 20_000), building("B2", 16_000, status="candidate")],
        tiers=[{"tier_id": "hub", "setup_cost_gbp": 1_000.0, "max_services": 2}],
        tier_services=[{"tier_id": "hub", "service_id": "S", "relation": "may"}],
        works_optimism_bias=rows,
    )
    times = minutes(here, drive=[[10.0, 10.0]] * 2)
    for raised in (1.0, 1.24):
        money = Money(appraisal_years=decided, discount_rate=0.0, works_optimism_bias=raised > 1)
        stays, moved = decided * 20_000, decided * 16_000
        for rules, cost in (
            ((), moved + 1_000 * raised),
            ((Capital(pot_gbp=1_100),), stays if raised > 1 else moved + 1_000),
        ):
            question = asked(money, *rules).model_copy(update={"years": decided})
            answer = solve(here, times, question)
            assert answer.verification.ok
            assert answer.result.objective == pytest.approx(cost)
            if decided == 1:
                assert solve_reference(here, times, question)[1] == pytest.approx(cost)


def test_staff_grow_with_the_visits_that_are_made():
    """(E11) 2,000 visits at 3,000 GBP a thousand are 6,000 in any building. B1 (10,000) and
    B2 (7,000) with 1,000 of staff a point: today 17,000 + 2,000 + 6,000 = 25,000; B2 alone costs
    7,000 + 1,000 + 6,000 = 14,000. A ceiling of 13,999 fits only where visits may go unserved:
    with half of them B2 costs 11,000."""
    staff = {"staffing_cost_gbp_per_point_per_year": 1_000.0, "staff_gbp_per_1000_visits": 3_000.0}
    here = town([building("B1", 10_000), building("B2", 7_000)], [{"service_id": "S", **staff}])
    times = minutes(here, drive=[[10.0, 10.0]] * 2)
    answer = solve(here, times, scenario())
    assert answer.result.objective == pytest.approx(14_000)
    summary = answer.plan.summary
    assert summary["staff_cost_before_gbp_per_year"] == pytest.approx(8_000)
    assert summary["staff_cost_after_gbp_per_year"] == pytest.approx(7_000)
    assert solve_reference(here, times, scenario())[1] == pytest.approx(14_000)
    ceiling = Revenue(ceiling_gbp_per_year=13_999)
    assert cost_of(here, ceiling) is None
    assert cost_of(here, ceiling, Served(unserved_share=0.5)) == pytest.approx(11_000)
    assert cost_of(here, decided=2, rate=0.0) == pytest.approx(28_000)
