"""The base class of estate rules, and helpers for numbers and names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from pydantic import Field

from placeopt.scenario.rules.rule import Problem, Rule
from placeopt.scenario.wording import exact_per_cent

FROM_YEAR: Any = Field(
    None,
    description="first calendar year in which the rule holds; by default the first decided year",
)
TO_YEAR: Any = Field(
    None, description="last calendar year in which the rule holds; by default the last decided year"
)


class EstateRule(Rule):
    """A rule of the estate problem; some state the years in which they hold."""

    problem: ClassVar[Problem] = "estate"

    def holds_in(self, year: int) -> bool:
        """Whether the rule holds in a calendar year; always if it states no years."""
        first, last = self._years()
        return (first is None or first <= year) and (last is None or year <= last)

    def in_its_years(self, sentence: str) -> str:
        """The sentence with the years in which the rule holds, if it states any."""
        first, last = self._years()
        if first is not None and first == last:
            return f"{sentence.removesuffix('.')}, in {first}."
        when = ", ".join(
            f"{word} {year}" for word, year in (("from", first), ("to", last)) if year is not None
        )
        return f"{sentence.removesuffix('.')}, {when.replace(', to', ' to')}." if when else sentence

    def _years(self) -> tuple[int | None, int | None]:
        return getattr(self, "from_year", None), getattr(self, "to_year", None)


def format_share(share: float) -> str:
    return exact_per_cent(share)


def display_name(identity: str, names: dict[str, str] | None) -> str:
    return (names or {}).get(identity, identity)


def join_words(words: Iterable[str], last: str) -> str:
    items = list(words)
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"
