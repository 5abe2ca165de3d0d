"""The verifier on where residents go by themselves (E16), from the tables alone."""

from __future__ import annotations

import math
from collections.abc import Iterable

from placeopt.estate.verify.facts import Facts
from placeopt.scenario.rules.estate.services import Behaviour


def visit_shares(facts: Facts, zone: str, hosts: Iterable[str]) -> dict[str, float]:
    """Building -> share of the zone's visits, of those of ``hosts`` in reach: all at the nearest
    (ties by id), or spread by Huff's rule where the scenario asks for distance decay."""
    near = [(facts.fastest[zone, i], i) for i in hosts if (zone, i) in facts.fastest]
    if not near:
        return {}
    rules = [rule for rule in facts.scenario.of(Behaviour) if rule.residents == "decay"]
    if not rules:
        return {min(near)[1]: 1.0}
    drawn = {i: _pull(rules[0], facts, i, minutes) for minutes, i in near}
    total = sum(drawn.values())
    return {i: one / total for i, one in drawn.items() if one > 0}


def _pull(rule: Behaviour, facts: Facts, i: str, minutes: float) -> float:
    attractiveness = facts.usable_m2(i) if rule.attractiveness == "usable_m2" else 1.0
    if rule.exponent is not None:
        return float(attractiveness / max(minutes, 1.0) ** rule.exponent)
    return float(attractiveness * math.exp(-(rule.decay_per_minute or 0.0) * minutes))
