"""Make findings: one function for each severity, and what all of them share."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from functools import partial
from typing import SupportsInt

from placeopt.base.errors import Finding, Severity

HEADING_ROWS = 1  # the heading is row 1, so the first record (position 0) is row 2


def finding(
    severity: Severity,
    file: str,
    message: str,
    remedy: str,
    *,
    row: SupportsInt | None = None,
    column: str | None = None,
    value: object = None,
    ids: Iterable[object] = (),
) -> Finding:
    """Return a finding; ``error`` and ``warning`` make one of a known severity.

    Args:
        severity: Whether it stops a solve.
        file: The file, or what stands for one.
        message: What is wrong.
        remedy: What would be right.
        row: The row, or line, of the file as a person counts it.
        column: The column or key.
        value: What is there.
        ids: All ids that a finding about several rows concerns.
    """
    line = None if row is None else int(row)
    text = None if value is None else str(value)
    return Finding(severity, file, line, column, text, message, remedy, tuple(map(str, ids)))


error = partial(finding, "error")  # stops a solve
warning = partial(finding, "warning")  # does not


def row_number(position: SupportsInt) -> int:
    """The row number in the file (heading = 1) of the record at ``position`` (from 0)."""
    return int(position) + HEADING_ROWS + 1


def did_you_mean(word: str, words: Iterable[str], similarity: float = 0.6) -> str:
    """``, did you mean 'X'?`` for the most similar of ``words``; "" if none is similar enough.

    Args:
        word: The unknown word.
        words: The known words.
        similarity: The least similarity, from 0 to 1.
    """
    lower = {candidate.lower(): candidate for candidate in words}
    close = get_close_matches(word.strip().lower(), list(lower), n=1, cutoff=similarity)
    return f", did you mean {lower[close[0]]!r}?" if close else ""


def sort_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Sort findings: errors first, then by file, row and column.

    Repeated findings and warnings on cells with an error are dropped.
    """
    unique = dict.fromkeys(findings)
    cells_with_errors = {
        (f.file, f.row, f.column) for f in unique if f.severity == "error" and f.row
    }
    unique = {
        f: None
        for f in unique
        if f.severity == "error" or (f.file, f.row, f.column) not in cells_with_errors
    }
    return sorted(
        unique, key=lambda f: (f.severity != "error", f.file, f.row or 0, f.column or "", f.message)
    )
