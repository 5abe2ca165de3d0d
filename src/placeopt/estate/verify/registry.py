"""Which function checks which rule: ``@checks(Rule)`` above it; every file here is looked through.

A new rule is checked by a function in a file of this folder. A rule that speaks of all decided
years together is checked by one under ``@checks_all_years(Rule)``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TypeVar

from placeopt.estate.verify.years import Schedule, Year
from placeopt.scenario.rules.estate.services import EstateRule

RuleResult = tuple[bool, str]  # whether the rule holds, and what is known
SomeRule = TypeVar("SomeRule", bound=EstateRule)
ChecksYear = Callable[[SomeRule, Year], RuleResult]
ChecksAllYears = Callable[[SomeRule, Schedule], RuleResult]
Check = Callable[[EstateRule, Schedule], RuleResult]
_checks: dict[type[EstateRule], Check] = {}


def checks(kind: type[SomeRule]) -> Callable[[ChecksYear[SomeRule]], ChecksYear[SomeRule]]:
    """Register the function that checks a kind of rule in a year, for each year in which it holds.

    Args:
        kind: the rule's class.

    Returns:
        The decorator of a function that is called with (rule, year).
    """

    def register(function: ChecksYear[SomeRule]) -> ChecksYear[SomeRule]:
        def check(rule: EstateRule, schedule: Schedule) -> RuleResult:
            assert isinstance(rule, kind)  # it is found by its class
            holds, detail = True, "speaks of no decided year"
            for year in schedule.years:
                if rule.holds_in(year.facts.year):
                    holds, detail = function(rule, year)
                    if year.facts.over_years:
                        detail = f"{year.facts.year}: {detail}" if detail else ""
                    if not holds:
                        break
            return holds, detail

        _checks[kind] = check
        return function

    return register


def checks_all_years(
    kind: type[SomeRule],
) -> Callable[[ChecksAllYears[SomeRule]], ChecksAllYears[SomeRule]]:
    """Register the function that checks a kind of rule over all decided years.

    Args:
        kind: the rule's class.

    Returns:
        The decorator of a function that is called with (rule, schedule).
    """

    def register(function: ChecksAllYears[SomeRule]) -> ChecksAllYears[SomeRule]:
        def check(rule: EstateRule, schedule: Schedule) -> RuleResult:
            assert isinstance(rule, kind)  # it is found by its class
            return function(rule, schedule)

        _checks[kind] = check
        return function

    return register


def check_of(rule: EstateRule) -> Check:
    """Return the check of a rule.

    Raises:
        KeyError: the verifier has none.
    """
    look_through()
    return _checks[type(rule)]


@cache
def look_through() -> None:
    """Import every file of this folder, so that its checks are registered."""
    for module in iter_modules([str(Path(__file__).parent)], f"{__package__}."):
        import_module(module.name)
