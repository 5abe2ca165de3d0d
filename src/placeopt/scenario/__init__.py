"""Scenarios: typed questions about a place, with rules, checks and reference pages."""

from importlib import import_module
from pkgutil import iter_modules

from placeopt.scenario.check.all_checks import check_scenario
from placeopt.scenario.implied_rules import implied_rules
from placeopt.scenario.objectives import OBJECTIVES
from placeopt.scenario.read import read_scenario
from placeopt.scenario.rules import budget, estate
from placeopt.scenario.rules.rule import RULES, Rule
from placeopt.scenario.scenario import Scenario
from placeopt.scenario.verification import Check, Verification

for _problem in (estate, budget):  # importing a file of rules registers them
    for _file in iter_modules(_problem.__path__, f"{_problem.__name__}."):
        import_module(_file.name)

__all__ = [
    "OBJECTIVES",
    "RULES",
    "Check",
    "Rule",
    "Scenario",
    "Verification",
    "check_scenario",
    "implied_rules",
    "read_scenario",
]
