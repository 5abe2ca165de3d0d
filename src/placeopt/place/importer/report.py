"""The report of an import: what was taken, renamed, assumed and left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from placeopt.base.errors import Finding


@dataclass(frozen=True)
class Taken:
    """A column of a source that became a column of a place.

    Attributes:
        source: The source's file.
        column: Its column.
        table: The table of the place.
        target: The column of the table.
        how: Unit factor, value map or formula, if any.
    """

    source: str
    column: str
    table: str
    target: str
    how: str = ""

    @property
    def renamed(self) -> bool:
        return self.column != self.target


@dataclass(frozen=True)
class Assumed:
    """A column, or a part of one, that no source states."""

    table: str
    column: str
    rows: int
    rule: str
    source: str
    grade: str


@dataclass(frozen=True)
class LeftOut:
    """Rows of a source that are not in the place, and why."""

    source: str
    table: str
    rows: int
    reason: str


@dataclass(frozen=True)
class Repriced:
    """Amounts that were converted from one price year to the place's."""

    source: str
    table: str
    column: str
    rows: int
    year: int
    price_year: int
    factor: float


@dataclass(frozen=True)
class FinanceLine:
    """One column of a finance file that became a line of spending, in pounds."""

    source: str
    column: str
    line: str
    cells: int
    unit_gbp: float
    gbp: float  # over all its rows


@dataclass
class ImportReport:
    """The report of an import; ``to_markdown`` formats it for people.

    Attributes:
        place: The name of the place.
        rows: Table -> number of records written.
        taken: Columns taken from sources.
        lines: Lines of finance files.
        assumed: Values that no source states.
        repriced: Conversions to the place's price year.
        left_out: Rows of sources that are not in the place.
        ignored: Source file -> columns not used.
        findings: Warnings; errors are raised.
    """

    place: str
    rows: dict[str, int] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)
    lines: list[FinanceLine] = field(default_factory=list)
    assumed: list[Assumed] = field(default_factory=list)
    repriced: list[Repriced] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    ignored: Mapping[str, list[str]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def renamed(self) -> list[Taken]:
        return [taken for taken in self.taken if taken.renamed]

    def to_markdown(self) -> str:
        """The report as Markdown: one table each for records, taken, assumed, left out, not
        used."""
        parts = [f"# How {self.place} was made", ""]
        parts += _table("Records", ("table", "records"), list(self.rows.items()))
        parts += _table(
            "Taken from the sources",
            ("source", "column", "became", "how"),
            [
                (t.source, t.column, f"{t.table}.{t.target}", t.how or _describe_unchanged(t))
                for t in self.taken
            ],
        )
        if self.lines:
            parts += _table(
                "Lines of finance files",
                ("source", "column", "line", "cells", "a cell counts GBP", "sum in GBP"),
                [
                    (x.source, x.column, x.line, x.cells, f"{x.unit_gbp:,.0f}", f"{x.gbp:,.0f}")
                    for x in self.lines
                ],
            )
        parts += _table(
            "Assumed: no source states it",
            ("table", "column", "rows", "rule", "source of the assumption", "grade"),
            [(a.table, a.column, a.rows, a.rule, a.source, a.grade) for a in self.assumed],
        )
        if self.repriced:
            parts += _table(
                "Brought to the place's price year by the table deflators",
                ("source", "column", "rows", "in prices of", "now of", "multiplied by"),
                [
                    (r.source, f"{r.table}.{r.column}", r.rows, r.year, r.price_year,
                     f"{r.factor:.6g}")
                    for r in self.repriced
                ],
            )  # fmt: skip
        parts += _table(
            "Rows left out",
            ("source", "table", "rows", "reason"),
            [(x.source, x.table, x.rows, x.reason) for x in self.left_out],
        )
        parts += _table(
            "Columns of the sources not used",
            ("source", "columns"),
            [(name, ", ".join(columns)) for name, columns in self.ignored.items() if columns],
        )
        parts += _table("Warnings", ("finding",), [(str(f),) for f in self.findings])
        return "\n".join(parts)


def _describe_unchanged(taken: Taken) -> str:
    return "renamed" if taken.renamed else "as it is"


def _table(title: str, heading: tuple[str, ...], rows: list[tuple[object, ...]]) -> list[str]:
    if not rows:
        return [f"## {title}", "", "None.", ""]
    cells = [[str(cell).replace("|", "\\|") for cell in row] for row in rows]
    lines = [" | ".join(row) for row in [list(heading), ["---"] * len(heading), *cells]]
    return [f"## {title}", "", *(f"| {line} |" for line in lines), ""]
