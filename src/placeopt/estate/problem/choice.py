"""Hosts that residents choose themselves: the nearest, or all in reach by Huff's rule.

(E16) share[z,b] = pull[z,b] / sum over hosts b' in reach of pull[z,b'],
      pull[z,b] = attractiveness[b] x exp(-decay_per_minute x minutes[z,b]),
                  or attractiveness[b] x max(minutes[z,b], 1)^-exponent

Under the planner's assignment, today's residents are at the nearest host.

Source: Huff (1964), Journal of Marketing 28, 34-38.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from placeopt.base.arrays import Floats, Ints
from placeopt.base.errors import UsageError
from placeopt.place.running_cost import nearest_hosts
from placeopt.scenario.check.solvable import MAX_DECAY_EXPONENT
from placeopt.scenario.rules.estate.services import Behaviour, Served

if TYPE_CHECKING:
    from placeopt.estate.problem.arrays import EstateProblem


def uses_distance_decay(problem: EstateProblem) -> bool:
    """Whether residents are spread over hosts by distance decay."""
    return any(rule.residents == "decay" for rule in problem.scenario.of(Behaviour))


def residents_choose_hosts(problem: EstateProblem) -> bool:
    """Whether residents choose their hosts, and no planner assigns them."""
    return any(rule.residents != "planner" for rule in problem.scenario.of(Behaviour))


def choice_implied_by_hosts(problem: EstateProblem) -> bool:
    """Whether the hosts alone imply the assignment: residents choose, pass no full building, and
    are all served."""
    unserved_shares = [rule.unserved_share for rule in problem.scenario.of(Served)]
    is_implied = residents_choose_hosts(problem) and not overflow_allowed(problem)
    return is_implied and bool(unserved_shares) and min(unserved_shares) == 0


def overflow_allowed(problem: EstateProblem) -> bool:
    """Whether residents may pass a host whose building is full."""
    return any(rule.overflow for rule in problem.scenario.of(Behaviour))


def without_overflow(problem: EstateProblem) -> EstateProblem:
    """Return the problem in which no host may be passed: each of its plans is one of
    ``problem``."""
    rules = tuple(
        rule.model_copy(update={"overflow": False}) if isinstance(rule, Behaviour) else rule
        for rule in problem.scenario.rules
    )
    return replace(problem, scenario=problem.scenario.with_rules(rules))


def pull(problem: EstateProblem) -> Floats:
    """Return (Z, B) the attraction of a building for a zone if it hosts; 0 out of reach.

    Args:
        problem: with a rule of distance decay.

    Raises:
        UsageError: the decay is too steep for floating point.
    """
    rule = next(r for r in problem.scenario.of(Behaviour) if r.residents == "decay")
    reach = np.isfinite(problem.minutes)
    minutes = np.where(reach, problem.minutes, 1.0)
    if rule.exponent is not None:
        decay = rule.exponent * np.log(np.maximum(minutes, 1.0))
    else:
        decay = (rule.decay_per_minute or 0.0) * minutes
    if decay.max(initial=0.0) > MAX_DECAY_EXPONENT:
        raise UsageError(
            "distance decay is so steep that no number tells near from far; ask for a smaller "
            'decay_per_minute or exponent, or for residents = "nearest"'
        )
    attraction = np.exp(-decay)
    if rule.attractiveness == "usable_m2":
        attraction = attraction * problem.buildings.usable_m2[None, :]
    return np.where(reach, attraction, 0.0)


def visit_shares(problem: EstateProblem, hosts: Ints) -> Floats:
    """Return (Z, B) the share of a zone's visits at each of ``hosts``; 0 for a zone with none in
    reach."""
    shares = np.zeros(problem.minutes.shape)
    if not len(hosts):
        return shares
    if uses_distance_decay(problem):
        attraction = pull(problem)[:, hosts]
        total = attraction.sum(axis=1, keepdims=True)
        shares[:, hosts] = np.divide(
            attraction, total, out=np.zeros_like(attraction), where=total > 0
        )
        return shares
    zone, host = nearest_hosts(problem.minutes[:, hosts], problem.buildings.ids, hosts)
    shares[zone, host] = 1.0
    return shares
