"""The one place that formats money."""

from __future__ import annotations

import math

MINUS = "\N{MINUS SIGN}\N{WORD JOINER}"  # never left alone at the end of a line


def gbp(amount: float | None) -> str:
    """An amount as a person reads it: £1,234, £12.3 million; minus signs stand before the pound."""
    if amount is None or not math.isfinite(amount):
        return "not known"
    sign, size = (MINUS if amount < 0 else ""), abs(amount)
    if size >= 999_500_000:
        return f"{sign}£{size / 1e9:.2f} billion"
    if size >= 999_500:
        return f"{sign}£{size / 1e6:.1f} million"
    return f"{sign}£{size:,.0f}" if size >= 0.5 else "£0"


def gbp_exact(amount: float | None) -> str:
    """An amount to the pound: £1,234,567."""
    if amount is None or not math.isfinite(amount):
        return "–"
    rounded = round(amount)
    return f"{MINUS if rounded < 0 else ''}£{abs(rounded):,}"
