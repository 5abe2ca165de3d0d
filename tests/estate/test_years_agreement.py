"""Over years the engine and enumeration of all schedules agree on tiny places."""

import numpy as np
import pytest

from placeopt.engine import Status
from placeopt.estate import solve
from placeopt.scenario.rules.estate.services import Fairness, Sequence
from tests.estate.enumeration import best_by_enumeration
from tests.estate.places import BEHAVIOURS, random_place, random_rules, scenario
from tests.support.places import crow_minutes, table

SHAPES = ((3, 2, 2, 2), (3, 3, 1, 2), (3, 2, 1, 3))  # zones, buildings, services, years
# Seeds whose schedules are tried in a few seconds each.
WITH_A_PLAN = (1, 2, 4, 5, 13, 17, 18, 19, 23, 24, 25, 26, 32, 37, 38, 39, 43, 44, 49)
WITH_NONE = (3, 8, 9, 22, 28, 42)
ABOUT_PEOPLE = {"fairness", "behaviour"}  # tested separately
FAIR = (
    Fairness(loses_at_most_minutes=3.0),
    Fairness(no_group_worse=("area_type",), from_year=2030),
    Fairness(worst_mean_minutes=18.0, worst_share=0.3),
    Fairness(equal_minutes=12.0),
)


ABOUT = (  # seeds whose plan the rule changes or makes impossible, of E8, and some of E16
    *((25, rule) for rule in (FAIR[0], FAIR[1], FAIR[3])),
    *((24, FAIR[0]), (24, FAIR[1]), (26, FAIR[2]), (2, FAIR[2]), (1, FAIR[3]), (13, FAIR[3])),
    *((23, BEHAVIOURS[1]), (13, BEHAVIOURS[3]), (25, BEHAVIOURS[3])),
    *((4, BEHAVIOURS[0]), (18, BEHAVIOURS[2]), (2, BEHAVIOURS[2])),
)


def tiny(seed, *people, minimise="cost"):
    """A place whose visits change from year to year, and its question: one random rule, and those
    about ``people``."""
    rng = np.random.default_rng(20_000 + seed)
    zones, buildings, services, years = SHAPES[seed % len(SHAPES)]
    place = random_place(seed, zones, buildings, services)
    shares = [
        {"service_id": "S0", "who": who, "year": 2030, "digital_share": float(rng.random() / 2)}
        for who in ("rural", "urban")
    ]
    rates = [
        {
            "service_id": "S0",
            "age_band": "all",
            "visits_per_person_per_year": float(rng.integers(1, 4)),
            "growth_share_per_year": float(rng.choice([-0.2, 0.3])),
        }
    ]
    demand = place.demand[place.demand["service_id"] != "S0"].reset_index(drop=True)
    place = place.replace(
        demand=demand,
        demand_rates=table("demand_rates", rates),
        digital_shares=table("digital_shares", shares),
    )
    sequence = Sequence(
        moves_per_year=int(rng.integers(0, 3)) if rng.random() < 0.4 else None,
        fit_out_years=int(rng.integers(0, 2)),
        double_running_years=float(rng.choice([0.0, 0.5])),
    )
    rules = [rule for rule in random_rules(seed, place) if rule.name not in ABOUT_PEOPLE]
    rng.shuffle(rules)
    asked = scenario(
        *rules[:1],
        *people,
        sequence,
        minimise=(minimise,),
        year=2029,
        decided=years,
        years=int(rng.choice([3, 30])),
    )
    return place, crow_minutes(place), asked


@pytest.mark.parametrize("seed", WITH_A_PLAN)
def test_engine_and_enumeration_agree_over_years(seed):
    place, times, asked = tiny(seed)
    answer = solve(place, times, asked)
    assert answer.result.status is Status.OPTIMAL
    assert answer.verification.ok
    oracle = best_by_enumeration(place, times, asked)
    assert oracle == pytest.approx(answer.result.objective, rel=1e-5, abs=0.5)


@pytest.mark.parametrize("seed", WITH_NONE)
def test_engine_and_enumeration_agree_that_no_plan_exists(seed, monkeypatch):
    """Engine and enumeration agree that no plan exists over years."""
    monkeypatch.setattr("placeopt.estate.explain.conflicts.explain", lambda *_: None)
    place, times, asked = tiny(seed)
    assert solve(place, times, asked).result.status is Status.INFEASIBLE
    assert best_by_enumeration(place, times, asked) is None


@pytest.mark.parametrize("at", range(len(ABOUT)))
def test_engine_and_enumeration_agree_on_fairness_and_choice(at, monkeypatch):
    """With one rule of E8 or E16 in every decided year, or from its year on."""
    monkeypatch.setattr("placeopt.estate.explain.conflicts.explain", lambda *_: None)
    place, times, asked = tiny(*ABOUT[at])
    answer = solve(place, times, asked)
    oracle = best_by_enumeration(place, times, asked)
    if answer.result.status is Status.INFEASIBLE:
        assert oracle is None
        return
    assert answer.result.status is Status.OPTIMAL
    assert answer.verification.ok
    assert oracle == pytest.approx(answer.result.objective, rel=1e-5, abs=0.5)


@pytest.mark.parametrize(
    ("seed", "rule"), [(23, BEHAVIOURS[1]), (13, BEHAVIOURS[3]), (4, BEHAVIOURS[0])]
)
def test_cutting_planes_agree_with_enumeration(seed, rule, monkeypatch):
    """As on a large place: without a row for every zone and host."""
    monkeypatch.setattr("placeopt.estate.explain.conflicts.explain", lambda *_: None)
    monkeypatch.setattr("placeopt.estate.search.cutting_plane.MAX_PAIRS_WITH_ROWS", 0)
    test_engine_and_enumeration_agree_on_fairness_and_choice(ABOUT.index((seed, rule)), monkeypatch)
