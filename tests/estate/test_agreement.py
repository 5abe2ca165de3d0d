"""The engine, the reference model in PuLP and enumeration agree on small random places."""

import numpy as np
import pytest
from models.estate import solve as solve_reference

from placeopt.engine import Status
from placeopt.estate import solve
from placeopt.scenario.counted import total_residents_counted
from placeopt.scenario.rules.estate.services import Access
from placeopt.scenario.scenario import Objective
from tests.estate.enumeration import best_by_enumeration
from tests.estate.places import (
    BEHAVIOURS,
    random_place,
    random_rules,
    scenario,
    with_least_visits,
    with_money,
    without_some_visits,
)
from tests.support.places import crow_minutes
from tests.support.tiers import sample

OBJECTIVES = ("cost", "cost", "visit_minutes", "buildings", "carbon", "worst_off")


def question(seed, place):
    return scenario(
        *random_rules(seed, place),
        minimise=(OBJECTIVES[seed % len(OBJECTIVES)],),
        years=(1, 30)[seed % 2],
    )


def found(place, times, asked):
    answer = solve(place, times, asked)
    if answer.result.status is Status.INFEASIBLE:
        return None
    assert answer.result.status is Status.OPTIMAL, answer.result
    assert answer.verification.ok
    return answer.result.objective


def agree(one, other):
    if one is None or other is None:
        return one is other
    return one == pytest.approx(other, rel=1e-5, abs=0.5)


@pytest.mark.parametrize("block", range(5))
def test_engine_and_enumeration_agree_on_tiny_places(block, monkeypatch):
    monkeypatch.setattr("placeopt.estate.explain.conflicts.explain", lambda *_: None)
    for seed in range(10 * block, 10 * block + 10):
        place = random_place(seed)
        times, asked = crow_minutes(place), question(seed, place)
        ours, oracle = found(place, times, asked), best_by_enumeration(place, times, asked)
        assert agree(ours, oracle), f"seed {seed}: engine {ours}, enumeration {oracle}"


@pytest.mark.parametrize("choice", range(len(BEHAVIOURS)))
def test_engine_and_enumeration_agree_on_residents_choice(choice, monkeypatch):
    """Engine and enumeration agree where residents choose their hosts."""
    monkeypatch.setattr("placeopt.estate.explain.conflicts.explain", lambda *_: None)
    for seed in range(4000, 4008):
        place = random_place(seed)
        rules = [r for r in random_rules(seed, place) if r.name != "behaviour"]
        times, asked = crow_minutes(place), scenario(*rules, BEHAVIOURS[choice], years=5)
        ours, oracle = found(place, times, asked), best_by_enumeration(place, times, asked)
        assert agree(ours, oracle), f"seed {seed}: engine {ours}, enumeration {oracle}"


@pytest.mark.parametrize("block", range(10))
def test_engine_and_reference_model_agree_on_small_places(block, monkeypatch):
    monkeypatch.setattr("placeopt.estate.explain.conflicts.explain", lambda *_: None)
    for seed in range(1000 + 20 * block, 1020 + 20 * block):
        rng = np.random.default_rng(seed)
        place = random_place(seed, *(int(n) for n in rng.integers((3, 3, 2), (8, 7, 5))))
        times, asked = crow_minutes(place), question(seed, place)
        ours, textbook = found(place, times, asked), solve_reference(place, times, asked)[1]
        assert agree(ours, textbook), f"seed {seed}: engine {ours}, reference model {textbook}"


@pytest.mark.parametrize(
    ("decided", "seeds"), sample([(1, (7000, 7010)), (2, (7000, 7003)), (2, (7003, 7010))], 2)
)
def test_all_three_agree_on_money_that_few_places_state(decided, seeds, monkeypatch):
    """Over several years the reference model is left out: it decides one year."""
    monkeypatch.setattr("placeopt.estate.explain.conflicts.explain", lambda *_: None)
    for seed in range(*seeds):
        place = with_money(random_place(seed, buildings=4 - decided), seed)
        rules = random_rules(seed, place)[:2]
        times = crow_minutes(place)
        asked = scenario(*rules, decided=decided, year=2029, years=(3, 30)[seed % 2])
        ours = found(place, times, asked)
        assert agree(ours, best_by_enumeration(place, times, asked)), f"seed {seed}"
        if decided == 1:
            assert agree(ours, solve_reference(place, times, asked)[1]), f"seed {seed}"


@pytest.mark.parametrize("dropped", ["floor", "capacity", "together", "pinned", "served"])
def test_all_three_agree_with_an_implied_rule_dropped(dropped, monkeypatch):
    """All three agree where an implied rule is dropped and others hold later."""
    monkeypatch.setattr("placeopt.estate.explain.conflicts.explain", lambda *_: None)
    for seed in range(8000, 8005):
        place = random_place(seed)
        rules = [rule for rule in random_rules(seed, place) if rule.name != dropped]
        rules = [
            rule.model_copy(update={"from_year": 2029 + n % 2})
            if "from_year" in type(rule).model_fields
            else rule
            for n, rule in enumerate(rules)
        ]
        times, asked = crow_minutes(place), scenario(*rules, drop=(dropped,), years=5, year=2029)
        ours = found(place, times, asked)
        assert agree(ours, best_by_enumeration(place, times, asked)), f"seed {seed}"
        assert agree(ours, solve_reference(place, times, asked)[1]), f"seed {seed}"


def weights_of(seed):
    """Weights of some objectives, money among them."""
    rng = np.random.default_rng(seed)
    worth = {"visit_minutes": 0.2, "buildings": 5_000.0, "carbon": 300.0, "worst_off": 1_000.0}
    some = [name for name in worth if rng.random() < 0.6]
    return {"cost": 1.0, **{name: float(rng.integers(1, 5)) * worth[name] for name in some}}


@pytest.mark.parametrize(
    ("decided", "seeds"), sample([(1, (6000, 6012)), (2, (6000, 6004)), (2, (6004, 6012))], 2)
)
def test_all_three_agree_on_a_weighted_sum(decided, seeds, monkeypatch):
    """Over several years the reference model is left out: it decides one year."""
    monkeypatch.setattr("placeopt.estate.explain.conflicts.explain", lambda *_: None)
    for seed in range(*seeds):
        place = random_place(seed, buildings=4 - decided)
        rules = random_rules(seed, place)
        times, weights = crow_minutes(place), weights_of(seed)
        more = {"minimise": ("weighted",), "weights": weights, "decided": decided, "year": 2029}
        asked = scenario(*rules, years=5, **more)
        ours = found(place, times, asked)
        assert agree(ours, best_by_enumeration(place, times, asked)), f"seed {seed}"
        if decided == 1:
            assert agree(ours, solve_reference(place, times, asked)[1]), f"seed {seed}"


def service_given_agrees(seeds, monkeypatch):
    """Over several years the reference model is left out: it decides one year. Some zones have no
    visits to a service, some visits may go unserved, some points have a partial offer."""
    monkeypatch.setattr("placeopt.estate.explain.conflicts.explain", lambda *_: None)
    for seed in seeds:
        rng = np.random.default_rng(40_000 + seed)
        decided = 1 + seed % 4 // 3
        place = without_some_visits(random_place(seed, buildings=4 - decided), seed)
        rules = [rule for rule in random_rules(seed, place) if rule.name != "access"]
        given = Access(
            services=("all", ("S0",))[seed % 2],
            minutes=float(rng.integers(5, 25)),
            share=float(rng.choice([0.2, 0.5, 0.8])),
            who=str(rng.choice(["all", "without_car", "urban"])),
            modes=[("walk",), ("walk", "drive")][seed // 2 % 2],
            each_district=bool(rng.random() < 0.3),
            offer=str(rng.choice(["full", "any"])),
            ceiling_minutes=float(rng.choice([25.0, 45.0])) if rng.random() < 0.3 else None,
            from_year=2030 if decided > 1 and rng.random() < 0.5 else None,
        )
        if total_residents_counted(place, given) <= 0:
            given = given.model_copy(update={"who": "all"})
        times = crow_minutes(place)
        minimise = (OBJECTIVES[seed % 6],)
        asked = scenario(*rules, given, minimise=minimise, decided=decided, year=2029, years=5)
        ours = found(place, times, asked)
        assert agree(ours, best_by_enumeration(place, times, asked)), f"seed {seed}"
        if decided == 1:
            assert agree(ours, solve_reference(place, times, asked)[1]), f"seed {seed}"
        if ours is not None and minimise == ("cost",):  # and visits sent nearer keep it as well
            nearer = asked.model_copy(update={"objective": Objective()})
            assert solve(place, times, nearer).verification.ok


def test_all_three_agree_on_service_given(monkeypatch):
    """Engine, enumeration and reference model agree on standards as served."""
    service_given_agrees(range(9500, 9508), monkeypatch)


@pytest.mark.exhaustive
@pytest.mark.parametrize("block", range(10))
def test_all_three_agree_on_service_given_of_500(block, monkeypatch):
    """The same of 500 random places."""
    service_given_agrees(range(9500 + 50 * block, 9550 + 50 * block), monkeypatch)


def least_visits_agree(seeds, monkeypatch):
    """Over several years the reference model is left out: it decides one year."""
    monkeypatch.setattr("placeopt.estate.explain.conflicts.explain", lambda *_: None)
    for seed in seeds:
        decided = 1 + seed % 4 // 3
        place = with_least_visits(random_place(seed, buildings=4 - decided), seed)
        rules = random_rules(seed, place)
        minimise = (OBJECTIVES[seed % 5],)
        times = crow_minutes(place)
        asked = scenario(*rules, minimise=minimise, decided=decided, year=2029, years=5)
        ours = found(place, times, asked)
        assert agree(ours, best_by_enumeration(place, times, asked)), f"seed {seed}"
        if decided == 1:
            assert agree(ours, solve_reference(place, times, asked)[1]), f"seed {seed}"


def test_all_three_agree_on_least_visits(monkeypatch):
    """Engine, enumeration and reference model agree where points need a least number of visits."""
    least_visits_agree(range(9000, 9008), monkeypatch)


@pytest.mark.exhaustive
@pytest.mark.parametrize("block", range(10))
def test_all_three_agree_on_least_visits_of_500(block, monkeypatch):
    """The same of 500 random places."""
    least_visits_agree(range(9000 + 50 * block, 9050 + 50 * block), monkeypatch)
