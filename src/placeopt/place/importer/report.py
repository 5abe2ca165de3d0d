"""What an import took, renamed, assumed and left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from placeopt.base.errors import Finding


@dataclass(frozen=True)
class Taken:
    """One column of a source that became one column of a place."""

    source: str
    column: str
    table: str
    became: str
    how: str = ""  # unit factor, value map or formula, if any

    @property
    def renamed(self) -> bool:
        return self.column != self.became


@dataclass(frozen=True)
class Assumed:
    """One column, or part of one, that no source states."""

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
    """Amounts of one price year that were brought to the place's."""

    source: str
    table: str
    column: str
    rows: int
    year: int
    price_year: int
    times: float


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
    """The story of an import; ``to_markdown`` tells it to a person."""

    place: str
    rows: dict[str, int] = field(default_factory=dict)  # table -> records written
    taken: list[Taken] = field(default_factory=list)
    lines: list[FinanceLine] = field(default_factory=list)
    assumed: list[Assumed] = field(default_factory=list)
    repriced: list[Repriced] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    ignored: Mapping[str, list[str]] = field(default_factory=dict)  # source -> columns
    findings: list[Finding] = field(default_factory=list)  # warnings; errors are raised

    @property
    def renamed(self) -> list[Taken]:
        return [taken for taken in self.taken if taken.renamed]

    def to_markdown(self) -> str:
        """The report as a page: tables of rows, taken, assumed, left out; columns not used."""
        parts = [f"# How {self.place} was made", ""]
        parts += _table("Records", ("table", "records"), list(self.rows.items()))
        parts += _table(
            "Taken from the sources",
            ("source", "column", "became", "how"),
            [(t.source, t.column, f"{t.table}.{t.became}", t.how or _same(t)) for t in self.taken],
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
            ("table", "column", "rows", "rule", "who says so", "grade"),
            [(a.table, a.column, a.rows, a.rule, a.source, a.grade) for a in self.assumed],
        )
        if self.repriced:
            parts += _table(
                "Brought to the place's price year by the table deflators",
                ("source", "column", "rows", "in prices of", "now of", "multiplied by"),
                [
                    (r.source, f"{r.table}.{r.column}", r.rows, r.year, r.price_year,
                     f"{r.times:.6g}")
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


def _same(taken: Taken) -> str:
    return "renamed" if taken.renamed else "as it is"


def _table(title: str, heading: tuple[str, ...], rows: list[tuple[object, ...]]) -> list[str]:
    if not rows:
        return [f"## {title}", "", "None.", ""]
    cells = [[str(cell).replace("|", "\\|") for cell in row] for row in rows]
    lines = [" | ".join(row) for row in [list(heading), ["---"] * len(heading), *cells]]
    return [f"## {title}", "", *(f"| {line} |" for line in lines), ""]
