"""Sentences as data: when a sentence may be said, the numbers it says, and its wording.

A ``Sentence`` has a predicate over the facts of an answer, recomputed from its tables, and gives
typed values that its words show through one formatter (``scenario/wording``). ``state`` makes the
statements whose predicates hold. A statement keeps its values as numbers, so that ``summary.json``
and the tests read what was said without parsing it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from placeopt.scenario import wording

Facts = TypeVar("Facts")


@dataclass(frozen=True)
class Amount:
    """A number with the way it is written."""

    value: float
    unit: str  # gbp, share, minutes, tonnes or what is counted
    text: str

    def __str__(self) -> str:
        return self.text


Value = Amount | str | int
Values = Mapping[str, Value]


def gbp(value: float) -> Amount:
    """An amount of money, rounded as a sentence says it."""
    return Amount(float(value), "gbp", wording.pounds_in_words(float(value)))


def share(value: float) -> Amount:
    """A share as per cent."""
    return Amount(float(value), "share", wording.per_cent(float(value)))


def minutes(value: float) -> Amount:
    """Minutes to a tenth."""
    return Amount(float(value), "minutes", wording.minutes_in_words(float(value)))


def counted(value: float, one: str, many: str | None = None) -> Amount:
    """A number of things, with what they are."""
    return Amount(float(value), many or f"{one}s", wording.count(float(value), one, many))


@dataclass(frozen=True)
class Statement:
    """One sentence of an answer: its kind in the registry, its words, and its values; a sentence
    that is a list has a head and its rows besides."""

    kind: str
    text: str
    values: Values = field(default_factory=dict)
    head: str = ""
    rows: tuple[str, ...] = ()

    def plain(self) -> dict[str, object]:
        """The statement as plain values, numbers as numbers."""
        values = {
            name: {"value": value.value, "unit": value.unit} if isinstance(value, Amount) else value
            for name, value in self.values.items()
        }
        return {"kind": self.kind, "text": self.text, "values": values}


@dataclass(frozen=True)
class Sentence(Generic[Facts]):
    """A kind of sentence: what it takes to be true, what it says, and how.

    ``words`` is a text with the names of values in braces, or a function of the values.
    """

    kind: str
    holds: Callable[[Facts], bool]
    words: str | Callable[[Values], str]
    values: Callable[[Facts], Values] = lambda facts: {}

    def said_of(self, facts: Facts) -> Statement | None:
        """The statement, or None where it would not be true."""
        if not self.holds(facts):
            return None
        values = self.values(facts)
        text = self.words(values) if callable(self.words) else self.words.format(**values)
        return Statement(self.kind, text, values)


def state(sentences: Iterable[Sentence[Facts]], facts: Facts) -> list[Statement]:
    """The statements whose predicates hold, in the order of the registry."""
    found = (sentence.said_of(facts) for sentence in sentences)
    return [statement for statement in found if statement is not None]


def one_of(sentences: Iterable[Sentence[Facts]], facts: Facts) -> Statement:
    """The first statement that holds, of sentences of which one always does."""
    return state(sentences, facts)[0]
