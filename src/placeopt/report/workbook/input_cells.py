"""Positions of the input cells in the workbook, so that formulas can point at them."""

from __future__ import annotations

from dataclasses import dataclass, field

SHEET_NAME = "Inputs"


Cell = tuple[str, str, str]  # table, key of the row, column


@dataclass
class Inputs:
    """Positions of the input cells of a workbook.

    Attributes:
        positions: Input cell -> row and column on the sheet, from 0.
        rows: Number of rows of input tables.
    """

    positions: dict[Cell, tuple[int, int]] = field(default_factory=dict)
    rows: int = 0

    def address(self, table: str, key: str, column: str) -> str:
        """Return the cell as formulas of other sheets name it; "" where there is no such cell."""
        from xlsxwriter.utility import xl_rowcol_to_cell

        position = self.positions.get((table, key, column))
        return f"{SHEET_NAME}!{xl_rowcol_to_cell(*position, True, True)}" if position else ""
