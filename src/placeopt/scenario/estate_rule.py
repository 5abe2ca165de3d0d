"""What the rules of the estate share: their base class, and numbers and ids in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from placeopt.scenario.rules import Problem, Rule


class EstateRule(Rule):
    """A rule of the estate problem."""

    problem: ClassVar[Problem] = "estate"


def percent(share: float) -> str:
    return f"{100 * share:.4g} %"


def named(identity: str, names: dict[str, str] | None) -> str:
    return (names or {}).get(identity, identity)


def listed(words: Iterable[str], last: str) -> str:
    items = list(words)
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"
