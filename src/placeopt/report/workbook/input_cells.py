"""Where each input stands in the workbook, so that formulas can point at it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


NAME = "Inputs"


Cell = tuple[str, str, str]  # table, key of the row, column


@dataclass
class Inputs:
    """Where each input cell stands in the sheet, and what it holds."""

    at: dict[Cell, tuple[int, int]] = field(default_factory=dict)  # -> row, column from 0
    rows: int = 0

    def address(self, table: str, key: str, column: str) -> str:
        """The cell as a formula of another sheet names it; "" where there is no such cell."""
        from xlsxwriter.utility import xl_rowcol_to_cell

        place = self.at.get((table, key, column))
        return f"{NAME}!{xl_rowcol_to_cell(*place, True, True)}" if place else ""
