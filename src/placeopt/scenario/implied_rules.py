"""The implied rules, which hold without being written.

A kind of rule is implied if its class says ``implied = True``. ``Scenario`` adds the implied rules,
so that a scenario made in Python has the same rules as one read from a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from placeopt.scenario.rules.rule import RULES, Problem, Rule


def implied_rules(problem: Problem) -> list[type[Rule]]:
    """The kinds of rule that hold in every scenario of ``problem`` unless dropped, in order."""
    kinds = [kind for (of, _), kind in RULES.items() if of == problem and kind.implied]
    return sorted(kinds, key=lambda kind: int(kind.number[1:]))


def missing_implied(problem: Problem, rules: Sequence[Rule], drop: Iterable[str]) -> list[Rule]:
    """The implied rules, with their defaults, that are neither in ``rules`` nor dropped."""
    names = {rule.name for rule in rules} | set(drop)
    return [kind() for kind in implied_rules(problem) if kind.name not in names]
