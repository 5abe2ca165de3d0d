"""The base class of budget rules, and helpers for numbers by year and for names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from placeopt.scenario.rules.rule import Problem, Rule


class BudgetRule(Rule):
    """A rule of the place budget."""

    problem: ClassVar[Problem] = "budget"


def value_in_year(stated: float | Sequence[float], position: int) -> float:
    """A number for the decided year at ``position``, stated once for all years or as a list."""
    if isinstance(stated, Sequence):
        return float(stated[position])
    return float(stated)


def display_name(key: str, names: dict[str, str] | None) -> str:
    return (names or {}).get(key) or key


def join_names(keys: Sequence[str], names: dict[str, str] | None) -> str:
    return ", ".join(display_name(key, names) for key in keys)
