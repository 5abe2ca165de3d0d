"""The verifier on hosts that residents choose (E16), from the tables alone."""

from __future__ import annotations

import math
from collections.abc import Iterable

from placeopt.estate.verify.facts import Facts
from placeopt.scenario.rules.estate.services import Behaviour


def visit_shares(facts: Facts, zone: str, hosts: Iterable[str]) -> dict[str, float]:
    """Return building -> share of the zone's visits, of those of ``hosts`` in reach: all at the
    nearest (ties by id), or by Huff's rule where the scenario asks for distance decay."""
    in_reach = [(facts.fastest[zone, i], i) for i in hosts if (zone, i) in facts.fastest]
    if not in_reach:
        return {}
    rules = [rule for rule in facts.scenario.of(Behaviour) if rule.residents == "decay"]
    if not rules:
        return {min(in_reach)[1]: 1.0}
    pulls = {i: _pull(rules[0], facts, i, minutes) for minutes, i in in_reach}
    total = sum(pulls.values())
    return {i: pull / total for i, pull in pulls.items() if pull > 0}


def _pull(rule: Behaviour, facts: Facts, i: str, minutes: float) -> float:
    """Return the attraction of a building at so many minutes."""
    attractiveness = facts.usable_m2(i) if rule.attractiveness == "usable_m2" else 1.0
    if rule.exponent is not None:
        return float(attractiveness / max(minutes, 1.0) ** rule.exponent)
    return float(attractiveness * math.exp(-(rule.decay_per_minute or 0.0) * minutes))
