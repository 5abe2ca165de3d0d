"""Relaxing a rule never costs more: every registered rule of the estate, on small random places.

``LOOSER`` has for every rule a binding and a looser case: (rules, place) for both.
"""

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from placeopt.engine import Status
from placeopt.estate import solve
from placeopt.place import Place
from placeopt.scenario import RULES, Rule
from placeopt.scenario.rules.estate.services import (
    Access,
    Behaviour,
    Capacity,
    Capital,
    Carbon,
    Fairness,
    FairRents,
    Floor,
    Network,
    Pinned,
    Revenue,
    Sequence,
    Served,
    Together,
)
from tests.estate.places import random_place, random_rules, scenario
from tests.support.places import crow_minutes, table

SEEDS = (2, 5, 7, 9)
Side = tuple[list[Rule], Place, dict[str, Any]]  # rules, place, settings of the scenario


def by_rule(strict: Rule | None, loose: Rule | None, **settings: Any) -> Callable:
    """Both cases on the same place; None leaves out a rule, or drops it if it is implied."""

    def sides(place: Place) -> tuple[Side, Side]:
        kind = type(strict or loose)

        def side(rule: Rule | None) -> Side:
            drop = (kind.name,) if rule is None and kind.implied else ()
            return [rule] if rule else [], place, {"drop": drop, **settings}

        return side(strict), side(loose)

    return sides


def hosted_everywhere(place: Place) -> tuple[Side, Side]:
    """Looser: every open building already hosts every service, so all may be served anywhere."""
    rows = [
        {"building_id": b, "service_id": s}
        for b, status in zip(place.buildings["building_id"], place.buildings["status"], strict=True)
        for s in place.services["service_id"]
        if status == "open"
    ]
    return ([], place, {}), ([], place.replace(hosting=table("hosting", rows)), {})


def suitable_for_all(place: Place) -> tuple[Side, Side]:
    """Looser: every kind of building may host every service."""
    return ([], place, {}), ([], place.replace(suitability=table("suitability", [])), {})


LOOSER: dict[str, Callable[[Place], tuple[Side, Side]]] = {
    "served": by_rule(Served(), Served(unserved_share=0.4)),
    "hosted": hosted_everywhere,
    "opened": suitable_for_all,
    "floor": by_rule(Floor(), None),
    "capacity": by_rule(Capacity(), None),
    "together": by_rule(Together(max_services=1), Together(max_services=2)),
    "access": by_rule(
        Access(services="all", minutes=8, share=0.6), Access(services="all", minutes=15, share=0.5)
    ),
    "fairness": by_rule(Fairness(loses_at_most_minutes=0), Fairness(loses_at_most_minutes=9)),
    "network": by_rule(Network(at_least=3), Network(at_least=2)),
    "capital": by_rule(Capital(pot_gbp=0), Capital(pot_gbp=30_000, recycled_share=0.5)),
    "revenue": by_rule(Revenue(share_of_today=0.35), Revenue(share_of_today=0.9)),
    "sequence": by_rule(
        Sequence(moves_per_year=0, double_running_years=0.5), Sequence(), decided=2
    ),
    "pinned": by_rule(Pinned(keep=("B0", "B1")), None),
    "carbon": by_rule(Carbon(share_of_today=0.4), Carbon(share_of_today=0.8)),
    "fair_rents": by_rule(FairRents(), None),
    "behaviour": by_rule(Behaviour(residents="nearest"), Behaviour()),
}


def least(side: Side, others: list[Rule]) -> float:
    rules, place, settings = side
    asked = scenario(*rules, *others, years=10, **settings)
    answer = solve(place, crow_minutes(place), asked)
    if answer.result.status is Status.INFEASIBLE:
        return float("inf")
    assert answer.verification.ok
    return answer.result.objective


@pytest.mark.parametrize("name", LOOSER)
def test_relaxing_a_rule_never_costs_more(name, monkeypatch):
    monkeypatch.setattr("placeopt.estate.explain.conflicts.explain", lambda *_: None)
    binds = 0
    for seed in SEEDS:
        place = random_place(seed, 4, 4, 2)
        told = {name, "fairness", "revenue", "carbon"}  # against today, which two sides change
        others = [rule for rule in random_rules(seed, place) if rule.name not in told]
        strict, loose = (least(side, others) for side in LOOSER[name](place))
        assert loose <= strict * (1 + 1e-6) + 0.5, f"seed {seed}: {loose} against {strict}"
        binds += strict > loose + 1
    assert binds


def estate_rules() -> dict[str, type[Rule]]:
    return {name: rule for (problem, name), rule in RULES.items() if problem == "estate"}


def test_every_registered_rule_is_relaxed_here():
    assert set(LOOSER) == set(estate_rules())


def test_every_rule_has_a_test_worked_by_hand():
    """Docstrings of the hand-worked tests name the rule's number and the cost of a plan."""
    worked = []
    for file in Path(__file__).parent.glob("test_rules_*.py"):
        for test in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(test, ast.FunctionDef) and test.name.startswith("test_"):
                worked.append(ast.get_docstring(test) or "")
    for name, rule in estate_rules().items():
        mine = [text for text in worked if rule.number in text.partition(")")[0]]
        mine = [text for text in mine if text.startswith("(")]
        assert any(",000" in text for text in mine), f"{name} ({rule.number}) is not worked by hand"
