"""The state of a table while its rows are built from a source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from placeopt.base.errors import Finding, PlaceError
from placeopt.base.findings import did_you_mean, error
from placeopt.place.importer.mapping import TableRule
from placeopt.place.importer.prices import Deflator
from placeopt.place.importer.report import ImportReport, LeftOut


@dataclass(frozen=True)
class Unmatched:
    """Ids that a joined source lacks.

    Attributes:
        file: The joined source.
        column: Its column of ids.
        known: The ids that it has.
        key_of_row: By row of the source's file, the id that was not found.
        missing_columns: The columns that it would have supplied.
    """

    file: str
    column: str
    known: tuple[str, ...]
    key_of_row: dict[int, str]
    missing_columns: frozenset[str]


@dataclass
class TableBuilder:
    """The state of one table rule.

    Attributes:
        rule: The mapping rule.
        file: The source's file.
        cells: Column name -> cells of the rows kept so far.
        rows: The row number in the source's file of each row kept.
        report: The import report.
        prices: Converts money to the place's price year.
        findings: The findings so far.
        used: The source columns used so far.
        unmatched: The ids that joined sources lacked.
    """

    rule: TableRule
    file: str
    cells: dict[str, list[str]]
    rows: list[int]
    report: ImportReport
    prices: Deflator
    findings: list[Finding] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    unmatched: list[Unmatched] = field(default_factory=list)

    def column(self, name: str) -> list[str]:
        """The cells of a source column; PlaceError suggests the nearest name if there is none."""
        if name not in self.cells:
            remedy = f"name a column of the source{did_you_mean(name, self.cells)}"
            fault = error(self.file, f"the source has no such column, wanted for {self.rule.table}",
                          remedy, column=name)  # fmt: skip
            raise PlaceError([fault], "faults in the mapping")
        self.used.add(name)
        return self.cells[name]

    def fault(
        self, message: str, remedy: str, row: int, column: str | None, value: str | None = None
    ) -> None:
        """Add an error in the source's row ``row``."""
        finding = error(self.file, message, remedy, row=row, column=column, value=value)
        self.findings.append(finding)

    def keep(self, mask: np.ndarray, reason: str) -> None:
        """Leave out the rows where ``mask`` is false; the report counts them under ``reason``."""
        dropped = int((~mask).sum())
        if dropped:
            self.report.left_out.append(LeftOut(self.file, self.rule.table, dropped, reason))
            kept = np.flatnonzero(mask).tolist()
            self.take(kept)

    def take(self, positions: Sequence[int]) -> None:
        """Keep the rows at ``positions``, in that order."""
        self.cells = {name: [cells[i] for i in positions] for name, cells in self.cells.items()}
        self.rows = [self.rows[i] for i in positions]
