"""The question asked of a place."""

from placeopt.scenario.checks import Check, Verification
from placeopt.scenario.rules import RULES, Rule
from placeopt.scenario.scenario import Scenario

__all__ = ["RULES", "Check", "Rule", "Scenario", "Verification"]
