"""Key figures of an answer: today beside the plan."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One key figure of an answer.

    Attributes:
        key: Name in ``summary.json``.
        label: Name on the page and in the workbook.
        today: Value today; None where it has no meaning.
        plan: Value in the plan; None where it has no meaning.
        format: A key of ``tables.formats.EXCEL_FORMATS``.
        better: Which direction is better: ``lower``, ``higher``, or "" where neither is.
        today_is: What ``today`` is: today, or doing nothing over the same years.
    """

    key: str
    label: str
    today: float | None
    plan: float | None
    format: str
    better: str = "lower"
    today_is: str = "today"


def known_values(figures: Iterable[Figure]) -> list[Figure]:
    """Return the figures with None for each value that is no number, as a mean of no visits is."""

    def known(value: float | None) -> float | None:
        return value if value is not None and math.isfinite(value) else None

    return [replace(one, today=known(one.today), plan=known(one.plan)) for one in figures]


def count_true(values: Any) -> int:
    """Return how many cells of a plan's table mean yes."""
    return sum(is_true(value) for value in values)


def is_true(value: Any) -> bool:
    """Whether a cell of a plan's table means yes, as a boolean, a number or a word."""
    return bool(value in (True, "yes") or value == 1)
