"""Every building has a reason, over years with the year and the rule or saving."""

import pytest

from placeopt.estate import solve
from placeopt.scenario.rules.estate.services import (
    Access,
    Carbon,
    Network,
    Pinned,
    Revenue,
    Sequence,
)
from tests.estate.places import scenario
from tests.estate.town import building, town
from tests.support.places import minutes

THREE = {"year": 2026, "decided": 3, "years": 3}


def why(place, *rules, drive=None, **settings):
    """building -> why, of the best plan."""
    drive = drive or [[10.0] * len(place.buildings)] * 2
    answer = solve(place, minutes(place, drive=drive), scenario(*rules, **{**THREE, **settings}))
    assert answer.verification.ok
    return dict(
        zip(answer.plan.buildings["building_id"], answer.plan.buildings["why"], strict=True)
    )


def two_hosts(**more):
    """S in B1 (cheap, 50 t) and B2 (expensive, 20 t), each with floor area for all."""
    cheap = building("B1", 1_000, carbon_tco2e_per_year=50.0)
    return town([cheap, building("B2", 3_000, carbon_tco2e_per_year=20.0, **more)])


def test_a_ceiling_that_closes_a_building_names_its_year():
    """30 t at most from 2028: B2 has to stay, because a closed building does not reopen, so B1
    closes at once. Rejected: B1 alone, cheaper by 2,000 a year, for 50 t."""
    said = why(two_hosts(), Carbon(ceiling_tco2e_per_year=30, from_year=2028))
    assert "Closing in 2026 saves £1,000 a year" in said["B1"]
    assert "With it open carbon would pass its ceiling of 30 t (E14) in 2028." in said["B1"]


@pytest.mark.parametrize(("second", "named"), [(50.0, False), (5.0, True)])
def test_a_ceiling_any_closed_building_would_pass_names_none(second, named):
    """B2 with 20 t stays, under a ceiling of 30 t. With 50 t each neither B1 nor B3 has room, and
    the ceiling tells nothing of one of them; with 5 t in B3 it tells of B1 alone."""
    here = town(
        [
            building("B1", 1_000, carbon_tco2e_per_year=50.0),
            building("B2", 500, carbon_tco2e_per_year=20.0),
            building("B3", 1_000, carbon_tco2e_per_year=second),
        ]
    )
    said = why(here, Carbon(ceiling_tco2e_per_year=30), Pinned(keep=("B2",)))
    assert ("would pass its ceiling of 30 t" in said["B1"]) == named
    assert "would pass its ceiling" not in said["B3"]


def test_a_buildings_need_is_named_with_its_years():
    """B1 is 10 minutes from Z1 and B2 from Z2. The standards need all within 15 minutes of S, one
    of them from the second year on. Until then B1 alone would suffice, but a closed B2 stays
    closed."""
    here = town([building("B1", 1_000), building("B2", 3_000)])
    drive = [[10.0, 40.0], [40.0, 10.0]]
    near = Access(services=("S",), minutes=15, share=1.0, from_year=2027)
    said = why(here, near, drive=drive)
    assert said["B1"] == ("Without it this would fail: S near by (E7) in 2027 to 2028.")
    once = why(
        here, Access(services=("S",), minutes=15, share=1.0), drive=drive, decided=1, years=1
    )
    assert once["B2"] == "Without it this would fail: S near by (E7)."


def test_a_candidate_states_year_services_and_capital():
    """B2 is fitted out in 2026 (10 m2 at 100) and takes S in 2027: 1,000 a year for 10,000."""
    services = [{"service_id": "S", "name": "Advice", "area_base_m2": 10.0}]
    new = building("B2", 1_000, status="candidate", fit_out_gbp_per_m2=100.0, name="The hub")
    here = town([building("B1", 10_000), new], services)
    said = why(here)
    assert said["B2"].startswith("Opens in 2027. Takes in Advice in 2027 for £1,000 of capital.")
    assert said["B1"].startswith("Closing in 2027 saves £10,000 a year before rehousing")
    assert "new places in The hub are fitted out in 2026 and used from 2027 on (E12)" in said["B1"]


def test_the_moves_of_a_year_and_the_end_of_a_lease_are_named():
    """Two services move from B1, one a year; its lease can end from 2028. Both are in B2 by 2028:
    B1 closes then. Rejected: both in 2027, one move too many."""
    services = [{"service_id": s, "area_base_m2": 10.0} for s in ("S", "T")]
    leased = building("B1", 10_000, tenure="leasehold", lease_break_year=2028,
                      holding_cost_gbp_per_year=100.0)  # fmt: skip
    here = town([leased, building("B2", 1_000, status="candidate")], services)
    said = why(here, Sequence(moves_per_year=1))["B1"]
    assert "Closing in 2028" in said
    assert "In 2027 as many services moved as may in a year, 1 (E12)." in said
    assert "Its lease can end from 2028 on. Its lease is ended in 2028." in said


def test_a_lease_with_break_dates_names_the_one_it_ends_at():
    """B1's lease breaks in 2027 only, when its service's new place in B2 is fitted out as well."""
    leased = building("B1", 10_000, tenure="leasehold", lease_break_year=2024,
                      lease_break_every_years=3, holding_cost_gbp_per_year=100.0)  # fmt: skip
    target = building("B2", 1_000, status="candidate")
    said = why(town([leased, target], [{"service_id": "S", "area_base_m2": 10.0}]))["B1"]
    assert "Its lease can end in 2027. Its lease is ended in 2027." in said


def test_ceilings_and_numbers_of_buildings_are_named():
    """One year: B1 costs 1,000 and B2 3,000; at least one open building, at most 3,500 a year."""
    here = two_hosts()
    rules = (Revenue(ceiling_gbp_per_year=3_500), Network(at_least=1, at_most=1))
    said = why(here, *rules, decided=1, years=1)
    assert "the least number of open buildings, 1 (E9)" in said["B1"]
    assert (
        "With it open running costs would pass their ceiling (E11, £3,500) and the most "
        "open buildings, 1, would be passed (E9)."
    ) in said["B2"]


@pytest.mark.parametrize("lag", [0, 2])
def test_a_sale_says_when_it_is_paid(lag):
    sold = {"capital_receipt_gbp": 10_000.0, "sale_lag_years": lag}
    here = town([building("B1", 5_000, **sold), building("B2", 4_000)])
    said = why(here)["B1"]
    paid = ", paid in 2028" if lag else ""
    assert said.endswith(f"Sold in 2026 for £10,000 net{paid}.")
