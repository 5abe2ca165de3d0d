"""Money and signs in British style.

``scenario.wording`` has these with the words for shares, counts, minutes and plain figures.
"""

from __future__ import annotations

import math

MINUS = "\N{MINUS SIGN}"
NOT_STATED = "not stated"


def signed(text: str, negative: bool) -> str:
    """Text of a size with its sign; text that reads as zero is never negative."""
    return MINUS + text if negative and any(digit in text for digit in "123456789") else text


def pounds(amount: float) -> str:
    """An amount to the pound: ``£1,234,567``, ``−£40``."""
    if not math.isfinite(amount):
        return NOT_STATED
    return signed(f"£{abs(amount):,.0f}", amount < 0)


def pounds_and_pence(amount: float) -> str:
    """An amount to the penny: ``£0.25``."""
    if not math.isfinite(amount):
        return NOT_STATED
    return signed(f"£{abs(amount):,.2f}", amount < 0)


def pounds_in_words(amount: float) -> str:
    """A rounded amount for a sentence: ``£1.2 million``, ``£950,000``, ``£720``."""
    if not math.isfinite(amount):
        return NOT_STATED
    size = abs(amount)
    if size >= 999_500_000:
        text = f"£{size / 1e9:,.2f} billion"
    elif size >= 99_950_000:
        text = f"£{size / 1e6:,.0f} million"
    elif size >= 999_500:
        text = f"£{size / 1e6:,.1f} million"
    elif size >= 9_950:
        text = f"£{round(size, -3):,.0f}"
    else:
        text = f"£{size:,.0f}"
    return signed(text, amount < 0)


def with_sign(text: str, number: float) -> str:
    """A change as text, with a plus if it is above zero."""
    return f"+{text}" if number > 0 and any(digit in text for digit in "123456789") else text
