"""Key figures of an answer: today beside the plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One key figure; ``today`` or ``plan`` is None where it has no meaning."""

    key: str
    label: str
    today: float | None
    plan: float | None
    format: str
    good: str = "lower"  # which way is better: lower, higher, or "" where neither is


def count_true(values: Any) -> int:
    return sum(is_true(value) for value in values)


def is_true(value: Any) -> bool:
    """Whether a cell of a plan's table says yes, as a boolean, a number or a word."""
    return bool(value in (True, "yes") or value == 1)
