"""The question asked of a place."""

from importlib import import_module

from placeopt.scenario.check import check_scenario
from placeopt.scenario.checks import Check, Verification
from placeopt.scenario.implied import implied_rules
from placeopt.scenario.objectives import OBJECTIVES
from placeopt.scenario.read import read_scenario
from placeopt.scenario.rules import RULES, Rule
from placeopt.scenario.scenario import Scenario

for _rules in ("estate_rules", "budget_rules"):  # importing them registers their rules
    import_module(f"placeopt.scenario.{_rules}")

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
