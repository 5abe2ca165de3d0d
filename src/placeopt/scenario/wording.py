"""Format numbers for British readers: money, shares, counts, minutes and plain figures.

All sentences use these functions, so that an amount reads the same in rules, reasons, checks, pages
and on the terminal. A missing number is "not stated"; negative numbers have a minus sign, and
nothing is written as "-0" or "1e+04".
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from placeopt.base.number_format import (
    MINUS,
    NOT_STATED,
    pounds,
    pounds_and_pence,
    pounds_in_words,
    signed,
    with_sign,
)

__all__ = [
    "MINUS",
    "NOT_STATED",
    "count",
    "figure",
    "listed",
    "minutes_in_words",
    "per_cent",
    "pounds",
    "pounds_and_pence",
    "pounds_in_words",
    "signed",
    "with_sign",
]

SIGNIFICANT = 4  # digits of a plain figure


def per_cent(share: float) -> str:
    """A share, never rounded to nothing: ``28%``, ``4.2%``, ``0.53%``."""
    if not math.isfinite(share):
        return NOT_STATED
    size = abs(100 * share)
    if size >= 9.95:
        text = f"{size:.0f}%"
    elif size >= 0.995:
        text = f"{size:.1f}%"
    elif size >= 0.005 or size == 0:
        text = f"{size:.2f}%" if size else "0%"
    else:
        return "less than 0.01%" if share > 0 else "less than 0.01% below 0"
    return signed(text, share < 0)


def exact_per_cent(share: float) -> str:
    """A share as it was stated: ``12.5%``, ``30%``."""
    if not math.isfinite(share):
        return NOT_STATED
    return signed(f"{figure(abs(100 * share))}%", share < 0)


def count(number: float, one: str, many: str | None = None) -> str:
    """A number of things: ``1 building``, ``2,000 buildings``."""
    if not math.isfinite(number):
        return f"{NOT_STATED} {many or one + 's'}"
    text = signed(f"{abs(number):,.0f}", number < 0)
    return f"{text} {one if text == '1' else many or one + 's'}"


def minutes_in_words(number: float) -> str:
    """Minutes to a tenth: ``12.4 minutes``, ``1.0 minutes``."""
    if not math.isfinite(number):
        return NOT_STATED
    return f"{signed(f'{abs(number):,.1f}', number < 0)} minutes"


def figure(number: float, significant: int = SIGNIFICANT) -> str:
    """A plain figure of four significant digits, never in powers of ten: ``10,100``, ``0.0525``."""
    if not math.isfinite(number):
        return NOT_STATED
    size = abs(number)
    if size == 0:
        return "0"
    places = significant - 1 - math.floor(math.log10(size))
    if places <= 0:
        return signed(f"{size:,.0f}", number < 0)
    text = f"{size:,.{min(places, 12)}f}".rstrip("0").rstrip(".")
    return signed(text or "0", number < 0)


def in_unit(number: float, unit: str) -> str:
    """A number with its unit; money (``GBP``) as pounds, with pence below a thousand pounds."""
    if unit != "GBP":
        return f"{figure(number)} {unit}"
    whole = abs(number) >= 1000 or abs(number - round(number)) < 0.005
    return pounds(number) if whole else pounds_and_pence(number)


def listed(parts: Iterable[str], last: str = "and") -> str:
    """``a, b and c``."""
    parts = list(parts)
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}"
