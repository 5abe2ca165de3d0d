"""The only place that formats money: pounds in words, in tables and in workbooks."""

from __future__ import annotations

import math
import re

EXCEL_GBP = "[$£-809]#,##0;[Red]-[$£-809]#,##0;[$£-809]0"


_SAID = re.compile(r"\bGBP (-?)([\d,]*\.?\d+)|(-?)(?<![\w.,])([\d,]*\.?\d+) GBP\b(?!/)")


def in_pounds(text: str) -> str:
    """Amounts in sentences of other rooms as this room writes them: GBP 1,200 as £1,200."""
    return _SAID.sub(lambda m: f"{m[1] or m[3] or ''}£{m[2] or m[4]}", text)


def pounds(amount: float) -> str:
    """An amount as a table shows it: ``-£1,234,567``; empty where it is missing."""
    if not math.isfinite(amount):
        return ""
    whole = round(amount)
    return f"{'-' if whole < 0 else ''}£{abs(whole):,}"


def pounds_in_words(amount: float) -> str:
    """An amount as a sentence says it: ``£1.2 million``, ``£950,000``, ``£720``."""
    if not math.isfinite(amount):
        return "an unknown amount"
    sign, size = ("-" if amount < 0 else ""), abs(amount)
    if size >= 999_500_000:
        return f"{sign}£{size / 1e9:,.2f} billion"
    if size >= 99_950_000:
        return f"{sign}£{size / 1e6:,.0f} million"
    if size >= 999_500:
        return f"{sign}£{size / 1e6:,.1f} million"
    if size >= 9_950:
        return f"{sign}£{round(size, -3):,.0f}"
    return f"{sign}£{size:,.0f}"
