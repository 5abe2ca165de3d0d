"""Scenarios: typed questions about a place, with rules, checks and reference pages."""

from importlib import import_module

from placeopt.scenario.check.all_checks import check_scenario
from placeopt.scenario.implied_rules import implied_rules
from placeopt.scenario.objectives import OBJECTIVES
from placeopt.scenario.read import read_scenario
from placeopt.scenario.rules.rule import RULES, Rule
from placeopt.scenario.scenario import Scenario
from placeopt.scenario.verification import Check, Verification

for _rules in ("estate.services", "budget.money"):  # importing them registers their rules
    import_module(f"placeopt.scenario.rules.{_rules}")

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
