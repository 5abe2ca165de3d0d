"""A table while its rows are made from a source: its cells, faults and what was done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from placeopt.base.errors import Finding, PlaceError
from placeopt.place.faults import did_you_mean, error
from placeopt.place.importer.mapping import TableRule
from placeopt.place.importer.prices import Deflator
from placeopt.place.importer.report import ImportReport, LeftOut


@dataclass(frozen=True)
class Unmatched:
    """Ids that a joined source does not have.

    Attributes:
        file: The joined source.
        column: Its column of ids.
        known: The ids that it has.
        key_of_row: By row of the source's file, the id that was looked for.
        gives: The columns that it was to give.
    """

    file: str
    column: str
    known: tuple[str, ...]
    key_of_row: dict[int, str]
    gives: frozenset[str]


@dataclass
class TableBuilder:
    """The work on one rule: cells of the source at the rows kept, and where each came from."""

    rule: TableRule
    file: str
    cells: dict[str, list[str]]
    rows: list[int]  # row in the source's file of each row kept
    report: ImportReport
    prices: Deflator
    findings: list[Finding] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    unmatched: list[Unmatched] = field(default_factory=list)

    def column(self, name: str) -> list[str]:
        """The source's column; if it has none, PlaceError names the nearest."""
        if name not in self.cells:
            remedy = f"name a column of the source{did_you_mean(name, self.cells)}"
            fault = error(self.file, f"the source has no such column, wanted for {self.rule.table}",
                          remedy, column=name)  # fmt: skip
            raise PlaceError([fault], "faults in the mapping")
        self.used.add(name)
        return self.cells[name]

    def fault(
        self, message: str, remedy: str, at: int, column: str | None, value: str | None = None
    ) -> None:
        """Note an error in the source's row ``at``."""
        found = error(self.file, message, remedy, row=at, column=column, value=value)
        self.findings.append(found)

    def keep(self, mask: np.ndarray, reason: str) -> None:
        """Leave out the rows where ``mask`` is false, counted under the reason."""
        out = int((~mask).sum())
        if out:
            self.report.left_out.append(LeftOut(self.file, self.rule.table, out, reason))
            kept = np.flatnonzero(mask).tolist()
            self.take(kept)

    def take(self, positions: Sequence[int]) -> None:
        self.cells = {name: [cells[at] for at in positions] for name, cells in self.cells.items()}
        self.rows = [self.rows[at] for at in positions]
