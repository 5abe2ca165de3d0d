"""A candidate that is an existing building under another use: hand-worked, against the reference
model and enumeration, and in the check of a place."""

from dataclasses import replace

import pytest
from models.estate import solve as solve_reference

from placeopt.engine import Status
from placeopt.estate import solve
from placeopt.estate.verify import verify
from placeopt.place.check.estate import duplicate_candidates
from placeopt.scenario.rules.estate.services import Sequence
from tests.estate.enumeration import best_by_enumeration
from tests.estate.places import random_place, scenario
from tests.estate.town import building, cost_of, town
from tests.support.places import crow_minutes, minutes

SOLD = {"capital_receipt_gbp": 50_000.0, "sale_lag_years": 0, "holding_cost_gbp_per_year": 500.0}
HANDED_OVER = {"status": "candidate", "replaces_building_id": "B1"}
SAMPLE = tuple(range(12))


def library(**candidate):
    """B1 costs 10,000 and its sale brings 50,000; as B2, run by the community, it costs 2,000."""
    return town([building("B1", 10_000, **SOLD), building("B2", 2_000, **candidate)])


def test_a_building_handed_over_is_not_sold_as_well():
    """As another building, B2 for 2,000 and the sale of B1: -48,000. As the same one, B2 is open,
    B1 neither sold nor paid for as an empty building: 2,000."""
    another = library(status="candidate", another_building=True)
    assert cost_of(another, years=1) == pytest.approx(-48_000)
    assert cost_of(library(**HANDED_OVER), years=1) == pytest.approx(2_000)


@pytest.mark.parametrize("decided", [1, 2])
def test_a_replaced_building_is_marked_and_costs_nothing(decided):
    """Over two years: the move is made in the second, 10,000 + 2,000; at once, 2 x 2,000."""
    here = library(**HANDED_OVER)
    times = minutes(here, drive=[[10.0] * 2] * 2)
    at_once = Sequence(fit_out_years=0)
    asked = scenario(at_once, decided=decided, rate=0.0, year=2026)
    answer = solve(here, times, asked)
    assert answer.verification.ok
    assert answer.result.objective == pytest.approx(2_000 * decided)
    b1 = answer.plan.buildings.set_index("building_id").loc["B1"]
    assert (b1["decision"], b1["disposal"]) == ("close", "replaced")
    assert b1["running_cost_after_gbp_per_year"] == 0
    assert answer.plan.summary["held_empty_cost_after_gbp_per_year"] == 0


def test_two_uses_of_a_building_are_not_open_together():
    """Visits need 120 m2; B1 and each of its candidates have 100, so B3 (30,000) is kept too."""
    service = {"service_id": "S", "area_m2_per_1000_visits": 60.0}
    uses = [building(b, 2_000, **HANDED_OVER) for b in ("B2", "B4")]
    here = town([building("B1", 10_000), *uses, building("B3", 30_000)], [service])
    assert cost_of(here, years=1) == pytest.approx(32_000)


def test_a_plan_that_sells_what_it_opens_is_not_verified():
    another = library(status="candidate", another_building=True)
    times = minutes(another, drive=[[10.0] * 2] * 2)
    answer = solve(another, times, scenario(years=1))
    assert answer.verification.ok
    found = verify(library(**HANDED_OVER), times, answer.scenario, replace(answer.plan))
    assert "B2 replaces B1, which is" in " ".join(check.detail for check in found.broken)


def drawn(seed, decided):
    """A random place in which a candidate is the first building under another use."""
    place = random_place(seed, 2, 3 if decided == 1 else 2, 1)
    buildings = place.buildings.copy()
    last = len(buildings) - 1
    buildings.loc[last, ["status", "replaces_building_id"]] = "candidate", "B0"
    buildings.loc[last, "pinned"] = "no"
    buildings.loc[0, ["status", "pinned"]] = "open", "no"
    buildings.loc[[0, last], "floor_area_m2"] = buildings.loc[0, "floor_area_m2"]
    buildings["cost_of_capital_gbp_per_year"] = 1_000.0 * (seed % 3)
    hosting = place.hosting[place.hosting["building_id"] != f"B{last}"].reset_index(drop=True)
    place = place.replace(buildings=buildings, hosting=hosting)
    rule = Sequence(fit_out_years=0)
    return place, crow_minutes(place), scenario(rule, year=2030, decided=decided, years=decided)


def agrees(seed, decided=1):
    """Whether engine, reference model (of one year) and enumeration find the same cost."""
    place, times, asked = drawn(seed, decided)
    answer = solve(place, times, asked)
    others = [best_by_enumeration(place, times, asked)]
    if decided == 1:
        others.append(solve_reference(place, times, asked)[1])
    if answer.result.status is Status.INFEASIBLE:
        return all(other is None for other in others)
    found = pytest.approx(answer.result.objective, rel=1e-6, abs=1.0)
    return answer.verification.ok and all(other == found for other in others)


@pytest.mark.parametrize("seed", SAMPLE)
def test_engine_reference_and_enumeration_agree(seed):
    assert agrees(seed)


def test_they_agree_over_two_years():
    assert [seed for seed in SAMPLE[:4] if not agrees(seed, decided=2)] == []


@pytest.mark.exhaustive
def test_they_agree_on_five_hundred_places():
    assert [seed for seed in range(500) if not agrees(seed, 1 + seed % 2)] == []


def found_of(*buildings):
    """The faults of the check: (row, value, message) of each."""
    here = town(list(buildings), hosting=[])
    return [(f.row, f.value, f.message) for f in duplicate_candidates(here)]


def test_a_candidate_in_the_walls_of_a_building_is_a_fault():
    """B2 is 6 m from B1, which may be sold: a fault. 12 m away, or with a statement, it is none."""
    old = building("B1", 10_000, **SOLD)
    near = {"status": "candidate", "x_m": 6.0}
    assert found_of(old, building("B2", 1, **near)) == [
        (3, "", "the candidate B2 stands within 10 m of B1")
    ]
    assert found_of(old, building("B2", 1, status="candidate", x_m=12.0)) == []
    assert found_of(old, building("B2", 1, **near, another_building=True)) == []
    assert found_of(old, building("B2", 1, **near, replaces_building_id="B1")) == []
    kept = building("B1", 10_000, **SOLD, pinned="never_sell")
    assert found_of(kept, building("B2", 1, **near)) == []


def test_a_candidate_with_the_uprn_of_another_row_is_a_fault():
    old = building("B1", 10_000, uprn="100")
    far = {"status": "candidate", "x_m": 900.0}
    assert found_of(old, building("B2", 1, **far, uprn="100"))[0][2] == (
        "the candidate B2 has the UPRN of B1"
    )
    assert found_of(old, building("B2", 1, **far, uprn="101")) == []


def test_only_a_candidate_replaces_an_existing_building():
    """Only a candidate may replace a building, and the building must exist."""
    old = building("B1", 10_000)
    assert "only a candidate" in found_of(old, building("B2", 1, replaces_building_id="B1"))[0][2]
    candidate = {"status": "candidate", "x_m": 500.0}
    itself = found_of(old, building("B2", 1, **candidate, replaces_building_id="B2"))
    assert "is a candidate itself" in itself[0][2]
    both = {"replaces_building_id": "B1", "another_building": True}
    assert "cannot both" in found_of(old, building("B2", 1, **candidate, **both))[0][2]
