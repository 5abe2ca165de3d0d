"""No returns (E12): the engine and enumeration agree on places whose demand falls and rises again,
and no plan with a return passes verification."""

from dataclasses import replace

import numpy as np
import pytest

from placeopt.engine import Status
from placeopt.estate import solve
from placeopt.estate.verify import verify
from placeopt.scenario.rules.estate.services import Sequence
from tests.estate.enumeration import best_by_enumeration
from tests.estate.places import random_place, scenario
from tests.estate.town import building, town
from tests.support.places import crow_minutes, minutes, table

SAMPLE = (3, 7, 11, 20)
LARGE = 25  # one place in so many has a second service, which takes long to enumerate


def drawn(seed):
    """Three years in which the middle one is nearly all digital; some scenarios allow a return.

    In most places one building is too small for all visits of the first and last year but not of
    the middle one, and a point or a building saves more in a year than a return costs: the rule
    binds. The others are fully random.
    """
    rng = np.random.default_rng(50_000 + seed)
    place = random_place(seed, 2, 2, 1 + (seed % LARGE == LARGE - 1))
    middle = int(rng.choice([2030, 2031]))
    if rng.random() < 0.75:
        place, middle = _too_small_for_all(place, rng), 2031
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
    return place, crow_minutes(place), _asked(rng)


def _too_small_for_all(place, rng):
    """Both buildings open with every service, each with the floor for 55 to 90 % of the visits."""
    everywhere = [
        {"building_id": b, "service_id": s}
        for b in place.buildings["building_id"]
        for s in place.services["service_id"]
    ]
    demand = [
        {"zone_id": z, "service_id": s, "visits_per_year": 1000.0 * rng.integers(1, 5)}
        for z in place.zones["zone_id"]
        for s in place.services["service_id"]
    ]
    services = place.services.assign(
        area_m2_per_1000_visits=float(rng.choice([20, 40])),
        area_base_m2=float(rng.choice([0, 5])),
        digital_share=0.0,
        staffing_cost_gbp_per_point_per_year=float(rng.integers(3, 40) * 1000),
    )
    needed = sum(row["visits_per_year"] for row in demand) / 1000
    needed *= services["area_m2_per_1000_visits"].iloc[0]
    spare = services["area_base_m2"].sum() + services["front_of_house_m2"].max()
    buildings = place.buildings.assign(
        status="open",
        usable_share=1.0,
        floor_area_m2=spare + needed * rng.uniform(0.55, 0.9, 2),
        closure_cost_gbp=float(rng.choice([0, 1000])),
        holding_cost_gbp_per_year=float(rng.choice([0, 2000])),
        capital_receipt_gbp=0.0,
        pinned=rng.choice(["no", "no", "keep"], 2),
        running_cost_fixed_gbp_per_year=1000.0 * rng.integers(2, 40, 2),
    )
    return place.replace(
        buildings=buildings,
        services=services,
        hosting=table("hosting", everywhere),
        demand=table("demand", demand),
    )


def _asked(rng):
    sequence = Sequence(
        fit_out_years=0,
        services_may_return=bool(rng.random() < 0.3),
        buildings_may_refill=bool(rng.random() < 0.3),
    )
    drop = ("sequence",) if rng.random() < 0.1 else ()
    rules = () if drop else (sequence,)
    return scenario(*rules, drop=drop, year=2030, decided=3, years=3)


def binds(seed):
    """Whether the scenario's rule makes the best plan more expensive than a plan with returns."""
    place, times, asked = drawn(seed)
    free = Sequence(fit_out_years=0, services_may_return=True, buildings_may_refill=True)
    others = tuple(rule for rule in asked.rules if rule.name != "sequence")
    best, without = (
        solve(place, times, one).result.objective
        for one in (asked, asked.model_copy(update={"rules": (*others, free)}))
    )
    return best is not None and without is not None and best > without + 1


def agrees(seed):
    """Whether engine and enumeration find the same cost, the plan verified."""
    place, times, asked = drawn(seed)
    answer, best = solve(place, times, asked), best_by_enumeration(place, times, asked)
    if best is None:
        return answer.result.status is Status.INFEASIBLE
    close = answer.result.objective == pytest.approx(best, rel=1e-6, abs=1.0)
    return close and answer.verification.ok


@pytest.mark.parametrize("seed", SAMPLE)
def test_engine_and_enumeration_agree_on_returns(seed):
    assert agrees(seed)


def test_the_rule_binds_in_most_of_the_sample():
    """In three of these four places the best plan would return if allowed."""
    assert [seed for seed in SAMPLE if binds(seed)] == [3, 7, 20]


@pytest.mark.exhaustive
def test_they_agree_on_five_hundred_places():
    assert [seed for seed in range(500) if not agrees(seed)] == []


def test_a_plan_with_a_return_fails_verification():
    """The plan of a scenario that allows returns, checked against one that does not."""
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
