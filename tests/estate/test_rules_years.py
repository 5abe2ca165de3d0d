"""Hand-worked rules over years: each in a town in which it binds, with the rejected plan in the
docstring. Without discounting, and with the decided years as appraisal, unless stated."""

import pytest
from models.estate import solve as solve_reference

from placeopt.estate import solve
from placeopt.scenario.rules.estate.services import Capital, Carbon, Revenue, Sequence
from tests.estate.places import scenario
from tests.estate.town import building, cost_of, town
from tests.support.places import minutes, table

AT_ONCE = Sequence(fit_out_years=0)
PLAIN = {"decided": 2, "rate": 0.0}
THREE = {"decided": 3, "rate": 0.0}


def test_sequence_does_not_apply_to_one_year():
    """(E12) It does not apply to one year: B1 (10,000) closes for B2 (7,000) at once."""
    here = town([building("B1", 10_000), building("B2", 7_000)])
    for rule in (Sequence(), Sequence(moves_per_year=0, double_running_years=1)):
        assert cost_of(here, rule) == pytest.approx(7_000)


def test_a_service_moves_only_when_its_new_home_is_fitted_out():
    """(E12) S leaves B1 (10,000 a year) for the candidate B2 (5,000), 10 m2 of which are fitted out
    for 1,000. Two years: B1 and the works in the first, B2 in the second, 16,000. Moving in the
    year of the works would cost 11,000 and is rejected; staying costs 20,000."""
    target = building("B2", 5_000, status="candidate", fit_out_gbp_per_m2=100.0)
    here = town([building("B1", 10_000), target], [{"service_id": "S", "area_base_m2": 10.0}])
    assert cost_of(here, **PLAIN) == pytest.approx(16_000)
    assert cost_of(here, AT_ONCE, **PLAIN) == pytest.approx(11_000)
    assert cost_of(here, drop=("sequence",), **PLAIN) == pytest.approx(11_000)


def test_moves_in_a_year_are_limited():
    """(E12) S in B1 and T in B2 (10,000 each) both move to B3 (1,000). At once they cost 2,000 in
    two years; one a year, 1,000 + 10,000 and then 1,000, 12,000; none, 40,000."""
    services = [{"service_id": "S"}, {"service_id": "T"}]
    hosting = [
        {"building_id": "B1", "service_id": "S"},
        {"building_id": "B2", "service_id": "T"},
    ]
    buildings = [building("B1", 10_000), building("B2", 10_000)]
    here = town([*buildings, building("B3", 1_000, status="candidate")], services, hosting)
    for most, least in ((None, 2_000), (2, 2_000), (1, 12_000), (0, 40_000)):
        rule = Sequence(moves_per_year=most, fit_out_years=0)
        assert cost_of(here, rule, **PLAIN) == pytest.approx(least)


def test_staff_of_a_closing_point_are_paid_double_running():
    """(E12) B1 (10,000) closes and B2 (1,000) stays, each with 4,000 of staff: 5,000 a year for
    two years, and half a year of B1's staff, 12,000. Without double running it is 10,000."""
    services = [{"service_id": "S", "staffing_cost_gbp_per_point_per_year": 4_000.0}]
    here = town([building("B1", 10_000), building("B2", 1_000)], services)
    twice = Sequence(double_running_years=0.5)
    assert cost_of(here, twice, **PLAIN) == pytest.approx(12_000)
    assert cost_of(here, **PLAIN) == pytest.approx(10_000)


def test_redundancy_is_due_in_the_year_of_closing():
    """B1 and B2 (10,000 each, 4,000 of staff) close for the candidate B3 (1,000), fitted out in
    2026, in 2027: two points fewer and one more, 9,000. 28,000 + 1,000 + 5,000 + 9,000; closing one
    of them in 2026 and moving the other in 2027 costs 14,000 less and is taken: 9,000 in 2026.
    At 60,000 there is no redundancy: B2 moves, B1 stays, 28,000 + 1,000 + 14,000 + 5,000."""
    staff = {"staffing_cost_gbp_per_point_per_year": 4_000.0, "agency_id": "A2"}
    target = building("B3", 1_000, status="candidate", fit_out_gbp_per_m2=100.0)
    for gbp, least, year in ((9_000.0, 29_000, 2026), (60_000.0, 48_000, None)):
        service = {"service_id": "S", "area_base_m2": 10.0, "redundancy_gbp_per_point": gbp}
        here = town([building("B1", 10_000), building("B2", 10_000), target], [service | staff])
        asked = scenario(year=2026, **PLAIN)
        answer = solve(here, minutes(here, drive=[[10.0] * 3] * 2), asked)
        assert answer.result.objective == pytest.approx(least)
        cash = answer.plan.cash_flow
        paid = cash[cash["line"] == "redundancy"]
        assert paid["year"].tolist() == ([year] if year else [])
        assert set(paid["agency_id"]) == ({"A2"} if year else set())
        assert answer.plan.summary["redundancy_gbp"] == (gbp if year else 0)


def test_a_building_that_closes_stays_closed():
    """(E12) 1,200 visits grow by half to 1,800, of which B1's 100 m2 (10,000) serve 1,667. B2
    (7,000) is needed in the second year only; closing it in the first and opening it again would
    cost 27,000 and is rejected: 34,000."""
    services = [{"service_id": "S", "area_m2_per_1000_visits": 60.0}]
    rate = {
        "service_id": "S",
        "age_band": "all",
        "visits_per_person_per_year": 6.0,
        "growth_share_per_year": 0.5,
    }
    here = town(
        [building("B1", 10_000), building("B2", 7_000)], services, demand=[], demand_rates=[rate]
    )
    assert cost_of(here, decided=1) == pytest.approx(7_000)
    assert cost_of(here, **PLAIN) == pytest.approx(34_000)
    assert cost_of(here, drop=("sequence",), **PLAIN) == pytest.approx(34_000)


def test_a_receipt_is_spent_only_when_it_has_come():
    """(E10, E12) Selling the vacant B1 brings 5,000 a year later; S's move from B2 (10,000) to B3
    (1,000) costs 5,000 and has no other money. It moves in the second of three years: 10,000 +
    1,000 + 1,000. Moving in the first (3,000) is rejected; with nothing recycled S stays and the
    receipt is left, 25,000."""
    services = [{"service_id": "S", "moving_cost_gbp": 5_000.0}]
    vacant = building(
        "B1", 0, status="vacant", kind="shed", capital_receipt_gbp=5_000.0, sale_lag_years=1
    )
    buildings = [vacant, building("B2", 10_000), building("B3", 1_000, status="candidate")]
    here = town(buildings, services, suitability=[{"building_kind": "library", "service_id": "S"}])
    recycled = Capital(pot_gbp=0, recycled_share=1.0)
    assert cost_of(here, recycled, AT_ONCE, **THREE) == pytest.approx(12_000)
    assert cost_of(here, Capital(pot_gbp=5_000), AT_ONCE, **THREE) == pytest.approx(3_000)
    assert cost_of(here, Capital(pot_gbp=0), AT_ONCE, **THREE) == pytest.approx(25_000)


def test_capital_of_a_year_is_carried_over_and_not_borrowed():
    """(E10) 8,000 for S's move from B1 (10,000) to B2 (5,000), half in the first year and half in
    the second: it moves in the second, 10,000 + 5,000 + 5,000 + 8,000. Moving in the first year
    (23,000) would borrow."""
    services = [{"service_id": "S", "moving_cost_gbp": 8_000.0}]
    here = town([building("B1", 10_000), building("B2", 5_000, status="candidate")], services)
    halves = Capital(pot_gbp=(4_000.0, 4_000.0))
    assert cost_of(here, halves, AT_ONCE, **THREE) == pytest.approx(28_000)
    assert cost_of(here, Capital(pot_gbp=8_000), AT_ONCE, **THREE) == pytest.approx(23_000)
    late = Capital(pot_gbp=(0.0, 0.0, 7_999.0))
    assert cost_of(here, late, AT_ONCE, **THREE) == pytest.approx(30_000)


def test_a_lease_ends_in_its_break_year_and_is_held_till_then():
    """(E12) B2 (30,000) closes in 2026 and costs 5,000 to hold empty; its lease ends in 2027 at the
    earliest: 15,000 and then 10,000. Ending it at once (20,000) is rejected."""
    lease = {"tenure": "leasehold", "holding_cost_gbp_per_year": 5_000.0}
    early = building("B2", 30_000, **lease, lease_break_year=2026)
    late = building("B2", 30_000, **lease, lease_break_year=2027)
    for leased, least in ((early, 20_000), (late, 25_000)):
        here = town([building("B1", 10_000), leased])
        assert cost_of(here, year=2026, **PLAIN) == pytest.approx(least)


def test_a_lease_that_ends_at_break_dates_waits_for_the_next():
    """(E12) B1 costs 10,000 in each of 2026 to 2028. B2 (30,000) closes at once and costs 5,000 a
    year to hold; its first break was in 2024. With one every 3 years it ends in 2027 and is held
    for a year, every 4 years for two; with no other it is held for three; a lease that breaks in
    any year ends at once. For 7,000 it may end between: more than a year of holding, less than
    two."""
    lease = {"tenure": "leasehold", "holding_cost_gbp_per_year": 5_000.0, "lease_break_year": 2024}
    between = {"lease_break_penalty_gbp": 7_000.0}
    for every, least, paid in (
        (None, 30_000, 30_000),
        (1, 30_000, 30_000),
        (3, 35_000, 35_000),
        (4, 40_000, 37_000),
        (0, 45_000, 37_000),
    ):
        stated = {} if every is None else {"lease_break_every_years": every}
        for more, cost in (({}, least), (between, paid)):
            here = town([building("B1", 10_000), building("B2", 30_000, **lease, **stated, **more)])
            assert cost_of(here, year=2026, **THREE) == pytest.approx(cost), (every, more)


def test_a_lease_ends_at_its_break_or_for_the_penalty():
    """(E12) B2, closed for B1 (10,000), breaks in 2024 and every 3 years: in 2027 it is free. In
    2028 it is held for 5,000, or left for a stated penalty of 2,000."""
    lease = {"tenure": "leasehold", "holding_cost_gbp_per_year": 5_000.0}
    lease |= {"lease_break_year": 2024, "lease_break_every_years": 3}
    for year, more, least in (
        (2023, {}, 15_000),
        (2024, {}, 10_000),
        (2027, {}, 10_000),
        (2028, {}, 15_000),
        (2028, {"lease_break_penalty_gbp": 2_000.0}, 12_000),
    ):
        here = town([building("B1", 10_000), building("B2", 30_000, **lease, **more)])
        assert cost_of(here, year=year) == pytest.approx(least)
        asked, times = scenario(year=year), minutes(here, drive=[[10.0, 10.0]] * 2)
        assert solve_reference(here, times, asked)[1] == pytest.approx(least)


def test_a_ceiling_of_later_years_leaves_the_first_alone():
    """(E14, E11) B1 (10,000) emits 50 t, the candidate B2 (30,000) 20 t. Under 40 t from 2027, B1
    serves in 2026 and B2 after: 40,000. In force from the first year, 60,000; never, 20,000."""
    here = town(
        [
            building("B1", 10_000, carbon_tco2e_per_year=50.0),
            building("B2", 30_000, status="candidate", carbon_tco2e_per_year=20.0),
        ]
    )
    asked = {"year": 2026, **PLAIN}
    ceiling = {"ceiling_tco2e_per_year": 40.0}
    assert cost_of(here, AT_ONCE, Carbon(**ceiling, from_year=2027), **asked) == 40_000
    assert cost_of(here, AT_ONCE, Carbon(**ceiling), **asked) == pytest.approx(60_000)
    assert cost_of(here, AT_ONCE, Carbon(**ceiling, from_year=2030), **asked) == 20_000
    dear = Revenue(ceiling_gbp_per_year=29_000, to_year=2026)
    later = Carbon(**ceiling, from_year=2027)
    assert cost_of(here, AT_ONCE, dear, later, **asked) == pytest.approx(40_000)
    assert cost_of(here, AT_ONCE, dear, Carbon(**ceiling), **asked) is None


def test_visits_go_digital_by_group_and_year():
    """(E5) Z1 is of the most deprived fifth, Z2 of the least; 1,000 visits each at 60 m2 a thousand
    are more than B1's 100 m2 (10,000) serve. From 2027 half of Z2's are digital: 90 m2, and B2
    (30,000) closes: 40,000 + 10,000. Were none digital, 80,000."""
    services = [{"service_id": "S", "area_m2_per_1000_visits": 60.0}]
    here = town([building("B1", 10_000), building("B2", 30_000)], services)
    here.zones["deprivation_quintile"] = [1, 5]
    stays = [{"service_id": "S", "who": "quintile_1", "year": 2027, "digital_share": 0.0}]
    goes = [{"service_id": "S", "who": "quintile_5", "year": 2027, "digital_share": 0.5}]
    asked = {"year": 2026, **PLAIN}
    assert cost_of(here, **asked) == pytest.approx(80_000)
    digital = here.replace(digital_shares=table("digital_shares", [*stays, *goes]))
    assert cost_of(digital, **asked) == pytest.approx(50_000)


def test_the_last_year_goes_on_to_the_end_of_the_appraisal():
    """Two years decided, four appraised at 3.5 %: B1 (10,000) first, B2 (5,000) in the second and
    on: 10,000 + 5,000 (1/1.035 + 1/1.035^2 + 1/1.035^3), and 1,000 of works in the first year."""
    target = building("B2", 5_000, status="candidate", fit_out_gbp_per_m2=100.0)
    here = town([building("B1", 10_000), target], [{"service_id": "S", "area_base_m2": 10.0}])
    later = sum(1.035**-t for t in (1, 2, 3))
    assert cost_of(here, decided=2, years=4) == pytest.approx(11_000 + 5_000 * later)


@pytest.mark.parametrize("dropped", ["floor", "capacity"])
def test_without_the_floor_rule_fit_out_is_not_limited(dropped):
    """(E4) 2,000 visits take 120 m2, the candidate B1 (10,000) has 100: without the rule all move
    there for 10,000 a year, and B2 (30,000) closes; with both rules some stay, for 60,000."""
    services = [{"service_id": "S", "area_m2_per_1000_visits": 60.0}]
    large = building("B2", 30_000, floor_area_m2=300.0)
    here = town([building("B1", 10_000, status="candidate"), large], services)
    assert cost_of(here, AT_ONCE, drop=(dropped,), **PLAIN) == pytest.approx(20_000)
    assert cost_of(here, AT_ONCE, **PLAIN) == pytest.approx(60_000)


def needed_twice():
    """S needs two buildings in 2026 and 2028 and one in 2027, when a fifth of it is digital."""
    service = {"service_id": "S", "staffing_cost_gbp_per_point_per_year": 7_000.0}
    service |= {"area_m2_per_1000_visits": 60.0}
    shares = [
        {"service_id": "S", "who": "all", "year": year, "digital_share": share}
        for year, share in ((2026, 0.0), (2027, 0.2), (2028, 0.0))
    ]
    keeps = building("B2", 2_000, pinned="keep")
    other = {"service_id": "T"}
    hosting = [
        *({"building_id": b, "service_id": "S"} for b in ("B1", "B2")),
        {"building_id": "B2", "service_id": "T"},
    ]
    return town(
        [building("B1", 10_000, pinned="keep"), keeps], [service, other], hosting,
        digital_shares=shares,
    )  # fmt: skip


def test_a_service_does_not_return_to_a_building_that_it_left():
    """(E12) 2,000 visits at 60 m2 a thousand take 120 m2 in 2026, 96 in 2027, when a fifth is
    digital, and 120 again in 2028; B1 and B2 have 100 each and both stay open (12,000 a year). S's
    point costs 7,000: 36,000 + 6 x 7,000 = 78,000. Leaving B2 in 2027 and returning in 2028 would
    save 7,000 and is rejected unless the scenario allows it."""
    here, asked = needed_twice(), {"year": 2026, **THREE}
    back = AT_ONCE.model_copy(update={"services_may_return": True})
    refills = AT_ONCE.model_copy(update={"buildings_may_refill": True})
    assert cost_of(here, AT_ONCE, **asked) == pytest.approx(78_000)
    assert cost_of(here, back, **asked) == pytest.approx(71_000)  # B2 keeps T: it is not emptied
    assert cost_of(here, refills, **asked) == pytest.approx(78_000)
    assert cost_of(here, drop=("sequence",), **asked) == pytest.approx(71_000)


def test_a_building_that_was_emptied_is_not_filled_again():
    """(E12) As above, but B2 hosts only S: leaving it in 2027 empties it, and returning refills it,
    so both have to be allowed."""
    here = needed_twice()
    here = here.replace(
        services=here.services.iloc[:1], hosting=here.hosting.iloc[:2],
        demand=here.demand[here.demand["service_id"] == "S"].reset_index(drop=True),
    )  # fmt: skip
    asked, both = {"year": 2026, **THREE}, {"services_may_return", "buildings_may_refill"}
    for allowed, least in ((set(), 78_000), *(({one}, 78_000) for one in both), (both, 71_000)):
        rule = Sequence(fit_out_years=0, **dict.fromkeys(allowed, True))
        assert cost_of(here, rule, **asked) == pytest.approx(least)


def test_a_vacant_building_is_not_filled_and_then_sold():
    """(E12) 2,000 visits take 120 m2 in 2026 and 96 from 2027 on; B1 has 100 (10,000), the vacant
    B2 100 (1,000) and, sold, it brings 50,000. B2 is needed in 2026, so it is not sold: 11,000 and
    10,000, and held for nothing; filled and sold in 2027 it would bring 50,000 more."""
    service = {"service_id": "S", "area_m2_per_1000_visits": 60.0}
    shares = [
        {"service_id": "S", "who": "all", "year": year, "digital_share": share}
        for year, share in ((2026, 0.0), (2027, 0.2))
    ]
    vacant = building("B2", 1_000, status="vacant", capital_receipt_gbp=50_000.0)
    here = town([building("B1", 10_000, pinned="keep"), vacant], [service], digital_shares=shares)
    asked = {"year": 2026, **PLAIN}
    assert cost_of(here, AT_ONCE, **asked) == pytest.approx(21_000)
    refills = AT_ONCE.model_copy(update={"buildings_may_refill": True})
    assert cost_of(here, refills, **asked) == pytest.approx(21_000 - 50_000)


def test_a_needed_return_is_explained():
    """Every service leaves B2 in 2027, the only year without S there, and S is needed there
    again."""
    here = needed_twice()
    asked = scenario(
        AT_ONCE, Revenue(ceiling_gbp_per_year=19_000, from_year=2027, to_year=2027),
        year=2026, **THREE,
    )  # fmt: skip
    answer = solve(here, minutes(here, drive=[[10.0] * 2] * 2), asked)
    assert answer.plan is None
    gives = {clash.name: clash.what_gives for clash in answer.explanation.clashes}
    assert "come back to a building that it left" in gives["sequence"]
