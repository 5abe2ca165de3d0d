"""Over years the engine and plain enumeration of all courses agree on tiny places."""

import numpy as np
import pytest

from placeopt.engine import Status
from placeopt.estate import solve
from placeopt.scenario.estate_rules import Sequence
from tests.estate.enumeration import best_by_enumeration
from tests.estate.places import crow_minutes, random_place, random_rules, scenario, table

SHAPES = ((3, 2, 2, 2), (3, 3, 1, 2), (3, 2, 1, 3))  # zones, buildings, services, years
# Seeds whose courses are tried in a few seconds each.
WITH_A_PLAN = (1, 2, 4, 5, 13, 17, 18, 19, 23, 24, 25, 26, 28, 32, 37, 38, 39, 43, 44, 49)
WITH_NONE = (3, 8, 9, 22, 42)
UNKNOWN = {"fairness", "behaviour"}  # to the oracle


def tiny(seed):
    """A place whose visits change from year to year, and what is asked of it."""
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
    rules = [rule for rule in random_rules(seed, place) if rule.name not in UNKNOWN]
    rng.shuffle(rules)
    asked = scenario(*rules[:1], sequence, year=2029, decided=years, years=int(rng.choice([3, 30])))
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
def test_engine_and_enumeration_agree_that_nothing_fits_over_years(seed, monkeypatch):
    monkeypatch.setattr("placeopt.estate.explain.explain", lambda *_: None)
    place, times, asked = tiny(seed)
    assert solve(place, times, asked).result.status is Status.INFEASIBLE
    assert best_by_enumeration(place, times, asked) is None
