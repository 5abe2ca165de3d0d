"""Which function states which rule: ``@states(Rule)`` above it; every file here is looked through.

A new rule is a function in a file of this folder. Its rows follow those of the rules before it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import NamedTuple, TypeVar

from placeopt.engine import Model
from placeopt.estate.model.variables import Columns
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.scenario.rules.rule import Rule

SomeRule = TypeVar("SomeRule", bound=Rule)
StatesRules = Callable[[Model, EstateProblem, Columns, list[SomeRule]], None]
ROW_ORDER = (  # of the rules' rows in a model; other rules come after them, by number
    "E1", "E2", "E3", "E4", "E6", "E7", "E8", "E16", "E9", "E10", "E11", "E14", "E15", "E13",
)  # fmt: skip


class Equation(NamedTuple):
    """A kind of rule and what states all rules of the kind in a year's model."""

    kind: type[Rule]
    module: str
    state: Callable[[Model, EstateProblem, Columns], None]


_equations: list[Equation] = []


def states(kind: type[SomeRule]) -> Callable[[StatesRules[SomeRule]], StatesRules[SomeRule]]:
    """Register the function that states the rows of a kind of rule.

    Args:
        kind: the rule's class.

    Returns:
        The decorator of a function that is called with (model, problem, columns, rules).
    """

    def register(function: StatesRules[SomeRule]) -> StatesRules[SomeRule]:
        def state(model: Model, problem: EstateProblem, x: Columns) -> None:
            rules = problem.scenario.of(kind)
            if rules:
                function(model, problem, x, rules)

        _equations.append(Equation(kind, function.__module__, state))
        return function

    return register


@cache
def all_equations() -> tuple[Equation, ...]:
    """Return the equations of all files of this folder, in the order of their rows."""
    for module in iter_modules([str(Path(__file__).parent)], f"{__package__}."):
        import_module(module.name)

    def order(equation: Equation) -> tuple[int, int, str]:
        number = equation.kind.number
        known = ROW_ORDER.index(number) if number in ROW_ORDER else len(ROW_ORDER)
        return known, int(number.removeprefix("E")), equation.module

    return tuple(sorted(_equations, key=order))
