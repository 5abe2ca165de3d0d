"""Facts that an answer may lead with: a plain value and the sentence that states it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from placeopt.report.narrative.sentences import Amount, Statement, Values

Fact = tuple[Any, Statement]  # plain value, and its sentence
Rows = list[dict[str, Any]]
MAX_ROWS = 8  # of a list in one sentence


def fact(kind: str, value: Any, words: str, **values: Any) -> Fact:
    """Return a value with the statement ``words`` formatted by ``values``.

    Args:
        kind: Kind of the statement, without ``lead_``.
        value: The plain value for ``summary.json``.
        words: The sentence, with names of values in braces.
        **values: The values.

    Returns:
        The plain value and its statement.
    """
    return value, Statement(f"lead_{kind}", words.format(**values), values)


def compare(
    kind: str, words: str, before: float, after: float, unit: Callable[[float], Amount]
) -> Fact | None:
    """Return a figure today and in the plan.

    Args:
        kind: Kind of the statement, without ``lead_``.
        words: The sentence, with ``{before}`` and ``{after}``.
        before: The figure today.
        after: The figure in the plan.
        unit: Writes a figure.

    Returns:
        Both figures and their statement; None where one of them is unknown.
    """
    if not (math.isfinite(before) and math.isfinite(after)):
        return None
    value = {"today": before, "plan": after}
    return fact(kind, value, words, before=unit(before), after=unit(after))


def list_fact(
    kind: str, rows: Rows, head: str, words: Callable[[dict[str, Any]], str]
) -> Fact | None:
    """Return rows as one sentence.

    Args:
        kind: Kind of the statement, without ``lead_``.
        rows: The rows, the most important first.
        head: What the list is of.
        words: Describes a row.

    Returns:
        The rows and their statement; None where there is no row.
    """
    if not rows:
        return None
    parts = [words(row) for row in rows[:MAX_ROWS]]
    if len(rows) > MAX_ROWS:
        parts.append(f"{len(rows) - MAX_ROWS} more in the tables")
    values: Values = {f"{key}_{n}": value for n, row in enumerate(rows[:MAX_ROWS])
                      for key, value in row.items()}  # fmt: skip
    text = f"{head}: {'; '.join(parts)}."
    return rows, Statement(f"lead_{kind}", text, values, head, tuple(parts))
