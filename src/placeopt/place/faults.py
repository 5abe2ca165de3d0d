"""Make findings: one function for each severity, so that a fault reads as a sentence."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, SupportsInt

from placeopt.base.errors import Finding

if TYPE_CHECKING:
    from placeopt.place.tables import Place

HEADING_ROWS = 1  # the heading is row 1, so the first record (position 0) is row 2


def error(
    file: str,
    message: str,
    remedy: str,
    *,
    row: int | None = None,
    column: str | None = None,
    value: object = None,
    ids: Iterable[str] = (),
) -> Finding:
    """A fault that stops a solve."""
    text = None if value is None else str(value)
    return Finding("error", file, row, column, text, message, remedy, tuple(ids))


def warning(
    file: str,
    message: str,
    remedy: str,
    *,
    row: int | None = None,
    column: str | None = None,
    value: object = None,
    ids: Iterable[str] = (),
) -> Finding:
    """Something to look at that does not stop a solve."""
    text = None if value is None else str(value)
    return Finding("warning", file, row, column, text, message, remedy, tuple(ids))


def row_number(position: SupportsInt) -> int:
    """The row as a person counts it, of the record at ``position`` (from 0)."""
    return int(position) + HEADING_ROWS + 1


def did_you_mean(word: str, words: Iterable[str], alike: float = 0.6) -> str:
    """``, did you mean X?`` for the nearest of ``words``, or nothing where none is as alike."""
    lower = {candidate.lower(): candidate for candidate in words}
    close = get_close_matches(word.strip().lower(), list(lower), n=1, cutoff=alike)
    return f", did you mean {lower[close[0]]!r}?" if close else ""


def sort_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Errors before warnings, then by file, row and column; one finding for each fault, and no
    warning of a cell that has an error."""
    unique = dict.fromkeys(findings)
    wrong = {(f.file, f.row, f.column) for f in unique if f.severity == "error" and f.row}
    unique = {f: None for f in unique
              if f.severity == "error" or (f.file, f.row, f.column) not in wrong}  # fmt: skip
    return sorted(
        unique, key=lambda f: (f.severity != "error", f.file, f.row or 0, f.column or "", f.message)
    )


def table_label(place: Place, table: str) -> str:
    """How findings name the file of a table: ``zones.csv``, or ``place.gpkg:zones``."""
    geopackage = place.extras.get("geopackage")
    return f"{geopackage}:{table}" if geopackage else f"{table}.csv"
