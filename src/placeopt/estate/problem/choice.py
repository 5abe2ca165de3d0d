"""Where residents go by themselves: all to the nearest host, or spread by Huff's rule.

(E16) share[z,b] = pull[z,b] / sum over hosts b' in reach of pull[z,b'],
      pull[z,b] = attractiveness[b] x exp(-decay_per_minute x minutes[z,b]),
                  or attractiveness[b] x max(minutes[z,b], 1)^-exponent

Under the planner's assignment today's residents go to the nearest host.
Source: Huff (1964), Journal of Marketing 28, 34-38.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placeopt.base.errors import UsageError
from placeopt.place.running_cost import nearest_hosts
from placeopt.scenario.check.solvable import MAX_DECAY_EXPONENT
from placeopt.scenario.rules.estate.services import Behaviour, Served

if TYPE_CHECKING:
    from placeopt.estate.problem.arrays import EstateProblem

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def uses_distance_decay(problem: EstateProblem) -> bool:
    """Whether residents are spread by distance decay."""
    return any(rule.residents == "decay" for rule in problem.scenario.of(Behaviour))


def residents_choose_hosts(problem: EstateProblem) -> bool:
    """Whether residents go where they would, and not where the planner sends them."""
    return any(rule.residents != "planner" for rule in problem.scenario.of(Behaviour))


def choice_implied_by_hosts(problem: EstateProblem) -> bool:
    """Whether the hosts alone tell who goes where: residents go by themselves, past no full
    building, and all of them are served."""
    allowed = [rule.unserved_share for rule in problem.scenario.of(Served)]
    alone = residents_choose_hosts(problem) and not overflow_allowed(problem)
    return alone and bool(allowed) and min(allowed) == 0


def overflow_allowed(problem: EstateProblem) -> bool:
    """Whether residents may pass a host whose building is full."""
    return any(rule.overflow for rule in problem.scenario.of(Behaviour))


def without_overflow(problem: EstateProblem) -> EstateProblem:
    """The problem in which no host may be passed: each of its plans is one of ``problem``."""
    rules = tuple(
        rule.model_copy(update={"overflow": False}) if isinstance(rule, Behaviour) else rule
        for rule in problem.scenario.rules
    )
    return replace(problem, scenario=problem.scenario.with_rules(rules))


def pull(problem: EstateProblem) -> Floats:
    """(Z, B) what a building draws from a zone if it hosts; 0 out of reach. Needs decay."""
    rule = next(r for r in problem.scenario.of(Behaviour) if r.residents == "decay")
    reach = np.isfinite(problem.minutes)
    minutes = np.where(reach, problem.minutes, 1.0)
    if rule.exponent is not None:
        steep = rule.exponent * np.log(np.maximum(minutes, 1.0))
    else:
        steep = (rule.decay_per_minute or 0.0) * minutes
    if steep.max(initial=0.0) > MAX_DECAY_EXPONENT:
        raise UsageError(
            "distance decay is so steep that no number tells near from far; ask for a smaller "
            'decay_per_minute or exponent, or for residents = "nearest"'
        )
    nearness = np.exp(-steep)
    if rule.attractiveness == "usable_m2":
        nearness = nearness * problem.buildings.usable_m2[None, :]
    return np.where(reach, nearness, 0.0)


def visit_shares(problem: EstateProblem, hosts: Ints) -> Floats:
    """(Z, B) share of a zone's visits at each of ``hosts``; a zone without one in reach has 0."""
    found = np.zeros(problem.minutes.shape)
    if not len(hosts):
        return found
    if uses_distance_decay(problem):
        drawn = pull(problem)[:, hosts]
        total = drawn.sum(axis=1, keepdims=True)
        found[:, hosts] = np.divide(drawn, total, out=np.zeros_like(drawn), where=total > 0)
        return found
    zone, host = nearest_hosts(problem.minutes[:, hosts], problem.buildings.ids, hosts)
    found[zone, host] = 1.0
    return found
