"""What leaves does not come back (E12): the engine and enumeration agree on places whose demand
falls and rises again, and no plan that comes back passes its verification."""

from dataclasses import replace

import numpy as np
import pytest

from placeopt.engine import Status
from placeopt.estate import solve
from placeopt.estate.verify import verify
from placeopt.scenario.estate_rules import Sequence
from tests.estate.enumeration import best_by_enumeration
from tests.estate.places import crow_minutes, minutes, random_place, scenario, table
from tests.estate.town import building, town

SAMPLE = (3, 7, 11, 20, 31, 42, 58, 64)
LARGE = 25  # one place in so many has a second service, which takes long to enumerate


def drawn(seed):
    """Three years in which the middle one is nearly all digital, so that leaving and coming back
    is tempting; some scenarios allow it."""
    rng = np.random.default_rng(50_000 + seed)
    place = random_place(seed, 2, 2, 1 + (seed % LARGE == LARGE - 1))
    middle = int(rng.choice([2030, 2031]))
    shares = [
        {"service_id": s, "who": "all", "year": year, "digital_share": share}
        for s in place.services["service_id"]
        for year, share in ((2030, 0.1), (2031, 0.1), (2032, 0.0), (middle, 0.95))
    ]
    shares = list({(row["service_id"], row["year"]): row for row in shares}.values())
    services = place.services.copy()
    services["moving_cost_gbp"] = float(rng.choice([0, 500]))
    services["staffing_cost_gbp_per_point_per_year"] *= float(rng.choice([1, 4]))
    buildings = place.buildings.copy()
    buildings["fit_out_gbp_per_m2"] = float(rng.choice([0, 5]))
    place = place.replace(
        services=services, buildings=buildings, digital_shares=table("digital_shares", shares)
    )
    sequence = Sequence(
        fit_out_years=0,
        services_may_return=bool(rng.random() < 0.3),
        buildings_may_refill=bool(rng.random() < 0.3),
    )
    drop = ("sequence",) if rng.random() < 0.1 else ()
    rules = () if drop else (sequence,)
    asked = scenario(*rules, drop=drop, year=2030, decided=3, years=3)
    return place, crow_minutes(place), asked


def agrees(seed):
    """Whether engine and enumeration find the same cost, the plan verified."""
    place, times, asked = drawn(seed)
    answer, best = solve(place, times, asked), best_by_enumeration(place, times, asked)
    if best is None:
        return answer.result.status is Status.INFEASIBLE
    close = answer.result.objective == pytest.approx(best, rel=1e-6, abs=1.0)
    return close and answer.verification.ok


@pytest.mark.parametrize("seed", SAMPLE)
def test_engine_and_enumeration_agree_on_what_stays_away(seed):
    assert agrees(seed)


@pytest.mark.exhaustive
def test_they_agree_on_five_hundred_places():
    assert [seed for seed in range(500) if not agrees(seed)] == []


def test_a_plan_that_comes_back_is_not_verified():
    """The plan of a scenario that allows it, checked against one that does not."""
    service = {"service_id": "S", "area_m2_per_1000_visits": 60.0}
    service |= {"staffing_cost_gbp_per_point_per_year": 7_000.0}
    shares = [
        {"service_id": "S", "who": "all", "year": year, "digital_share": share}
        for year, share in ((2026, 0.0), (2027, 0.2), (2028, 0.0))
    ]
    kept = [building("B1", 10_000, pinned="keep"), building("B2", 2_000, pinned="keep")]
    here = town(kept, [service], digital_shares=shares)
    times = minutes(here, drive=[[10.0] * 2] * 2)
    allowed = Sequence(fit_out_years=0, services_may_return=True, buildings_may_refill=True)
    asked = scenario(allowed, year=2026, decided=3, rate=0.0)
    answer = solve(here, times, asked)
    assert answer.verification.ok
    assert best_by_enumeration(here, times, asked) == pytest.approx(answer.result.objective)
    kept_there = scenario(Sequence(fit_out_years=0), year=2026, decided=3, rate=0.0)
    dearer = best_by_enumeration(here, times, kept_there)
    assert dearer == pytest.approx(answer.result.objective + 7_000)
    assert dearer == pytest.approx(solve(here, times, kept_there).result.objective)
    for refused, words in (
        ({"services_may_return": False}, "comes back to B"),
        ({"buildings_may_refill": False}, "is filled again in 2028"),
    ):
        rule = allowed.model_copy(update=refused)
        others = tuple(r for r in asked.rules if r.name != "sequence")
        stricter = asked.model_copy(update={"rules": (*others, rule)})
        found = verify(here, times, stricter, replace(answer.plan))
        assert [check.name for check in found.broken] == ["sequence"]
        assert words in found.broken[0].detail
