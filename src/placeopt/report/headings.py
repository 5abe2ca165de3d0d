"""Headings, formats and meanings of every column of a plan's tables, from ``columns.csv``."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

Format = Literal[
    "text", "wide", "gbp", "count", "m2", "metres", "minutes", "share", "number", "small", "yesno",
    "year",
]  # fmt: skip

TITLES = {  # a plan's table -> the title of its sheet and section
    "estate": {
        "buildings": "Buildings",
        "services": "Services",
        "zones": "Zones",
        "access": "Access",
        "bands": "Residents by minutes",
        "money": "Money by agency",
        "assignment": "Where visits go",
        "objectives": "Objectives",
    },
    "budget": {
        "spending": "Spending",
        "payments": "Payments by stream",
        "streams": "Streams",
        "outcomes": "Outcomes",
        "agencies": "Agencies",
        "prices": "Prices",
        "curves": "Curves",
        "objectives": "Objectives",
    },
}


@dataclass(frozen=True)
class Heading:
    """How one column of a plan's table is shown."""

    column: str
    text: str
    format: Format
    total: bool
    meaning: str


@cache
def headings(problem: str) -> Mapping[str, Mapping[str, Heading]]:
    """Table -> column -> heading, for one problem."""
    text = (files("placeopt.report") / "columns.csv").read_text(encoding="utf-8")
    found: dict[str, dict[str, Heading]] = {}
    for row in csv.DictReader(text.splitlines()):
        if row["problem"] == problem:
            found.setdefault(row["table"], {})[row["column"]] = Heading(
                row["column"],
                row["heading"],
                row["format"],  # type: ignore[arg-type]
                row["total"] == "yes",
                row["meaning"],
            )
    return found


def heading_of(problem: str, table: str, column: str) -> Heading:
    """A column's heading; one that is not in the list is shown under its own name."""
    known = headings(problem).get(table, {}).get(column)
    if known is not None:
        return known
    form: Format = "number"
    if "_gbp" in column:
        form = "gbp"
    elif column.endswith("_id") or column in {"name", "why", "line", "kind"}:
        form = "text"
    return Heading(column, column.replace("_", " "), form, False, "")
