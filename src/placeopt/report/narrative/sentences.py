"""Sentences as data: when a sentence may be stated, its numbers, and its wording.

A ``Sentence`` has a predicate over the facts of an answer, recomputed from its tables, and typed
values that its words show through one formatter (``scenario/wording``). ``true_statements`` returns
the statements whose predicates hold. A statement keeps its values as numbers, so that
``summary.json`` and the tests read them without parsing text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from placeopt.scenario import wording

Facts = TypeVar("Facts")


@dataclass(frozen=True)
class Amount:
    """A number and how it is written.

    Attributes:
        value: The number.
        unit: ``gbp``, ``share``, ``minutes``, ``tonnes``, or what is counted.
        text: The number in words.
    """

    value: float
    unit: str
    text: str

    def __str__(self) -> str:
        return self.text


Value = Amount | str | int
Values = Mapping[str, Value]


def gbp(value: float) -> Amount:
    """Return an amount of money, rounded as sentences state it."""
    return Amount(float(value), "gbp", wording.pounds_in_words(float(value)))


def share(value: float) -> Amount:
    """Return a share as per cent."""
    return Amount(float(value), "share", wording.per_cent(float(value)))


def minutes(value: float) -> Amount:
    """Return minutes to one decimal."""
    return Amount(float(value), "minutes", wording.minutes_in_words(float(value)))


def quantity(value: float, singular: str, plural: str | None = None) -> Amount:
    """Return a number of things with their noun; ``plural`` is by default singular + s."""
    return Amount(
        float(value), plural or f"{singular}s", wording.count(float(value), singular, plural)
    )


@dataclass(frozen=True)
class Statement:
    """One sentence of an answer.

    Attributes:
        kind: Its kind in the registry.
        text: The sentence.
        values: The numbers and names in it.
        head: Where the sentence is a list, what the list is of.
        rows: The entries of the list.
    """

    kind: str
    text: str
    values: Values = field(default_factory=dict)
    head: str = ""
    rows: tuple[str, ...] = ()

    def plain(self) -> dict[str, object]:
        """Return the statement as plain values, numbers as numbers."""
        values = {
            name: {"value": value.value, "unit": value.unit} if isinstance(value, Amount) else value
            for name, value in self.values.items()
        }
        return {"kind": self.kind, "text": self.text, "values": values}


@dataclass(frozen=True)
class Sentence(Generic[Facts]):
    """A kind of sentence: when it is true, its wording and its values.

    Attributes:
        kind: Name of the sentence in ``summary.json``.
        holds: Whether the sentence is true, by the facts of an answer.
        words: A text with the names of values in braces, or a function of the values.
        values: The values, by the facts of an answer.
    """

    kind: str
    holds: Callable[[Facts], bool]
    words: str | Callable[[Values], str]
    values: Callable[[Facts], Values] = lambda facts: {}

    def statement_of(self, facts: Facts) -> Statement | None:
        """Return the statement, or None where it would not be true."""
        if not self.holds(facts):
            return None
        values = self.values(facts)
        text = self.words(values) if callable(self.words) else self.words.format(**values)
        return Statement(self.kind, text, values)


def true_statements(sentences: Iterable[Sentence[Facts]], facts: Facts) -> list[Statement]:
    """Return the statements whose predicates hold, in the order of ``sentences``."""
    statements = (sentence.statement_of(facts) for sentence in sentences)
    return [statement for statement in statements if statement is not None]


def first_true(sentences: Iterable[Sentence[Facts]], facts: Facts) -> Statement:
    """Return the first statement that holds; one of ``sentences`` must always hold."""
    return true_statements(sentences, facts)[0]
