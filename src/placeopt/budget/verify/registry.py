"""The checks of rules by name: a check registers itself for its kind of rule."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from placeopt.budget.verify.timeline import Breach, RuleKind, Timeline, rule_of
from placeopt.place import Place
from placeopt.scenario import Scenario

RuleCheck = Callable[[Place, Scenario, RuleKind, Timeline], list[Breach]]
CHECKS: dict[str, Callable[[Place, Scenario, Timeline], list[Breach]]] = {}


def checks(kind: type[RuleKind]) -> Callable[[RuleCheck[RuleKind]], RuleCheck[RuleKind]]:
    """Register a function as the check of a kind of rule.

    It gets the place, the scenario, its rule and a timeline, and returns breaches; it is not called
    where the rule is not in force.
    """

    def register(check: RuleCheck[RuleKind]) -> RuleCheck[RuleKind]:
        @wraps(check)
        def of_scenario(place: Place, scenario: Scenario, timeline: Timeline) -> list[Breach]:
            rule = rule_of(scenario, kind)
            return [] if rule is None else check(place, scenario, rule, timeline)

        CHECKS[kind.name] = of_scenario
        return check

    return register
