"""An evaluator of a workbook's formulas, so that tests need no spreadsheet program."""

from __future__ import annotations

import re
from typing import Any

ONE = r"\$?[A-Z]{1,3}\$?\d+"
REFERENCE = rf"(?:(?P<quoted>'[^']+')!|(?P<plain>[A-Za-z]+)!)?(?P<cell>{ONE}(?::{ONE})?)"
PIECES = re.compile(rf'(?P<text>"[^"]*")|{REFERENCE}|(?P<power>\^)|(?P<same>(?<![<>=])=(?!=))')


class Workbook:
    """An openpyxl workbook with evaluated formulas, each cell once until one is changed:
    + - * / ^, comparisons, IF, ISNUMBER, SUM, and VLOOKUP of an exact value."""

    def __init__(self, book: Any) -> None:
        self.book = book
        self.known: dict[tuple[str, str], Any] = {}

    def change(self, sheet: str, cell: str, value: Any) -> None:
        """Put a value into a cell."""
        self.book[sheet][cell].value = value
        self.known.clear()

    def value(self, sheet: str, cell: str) -> Any:
        """The value of a cell."""
        key = (sheet, cell)
        if key not in self.known:
            held = self.book[sheet][cell].value
            formula = isinstance(held, str) and held.startswith("=")
            self.known[key] = self._worked_out(sheet, held[1:]) if formula else held
        return self.known[key]

    def number(self, sheet: str, cell: str) -> float:
        return float(self.value(sheet, cell) or 0)

    def _worked_out(self, sheet: str, formula: str) -> Any:
        def replaced(found: re.Match[str]) -> str:
            if found["text"]:
                return found["text"]
            if found["power"] or found["same"]:
                return "**" if found["power"] else "=="
            other = (found["quoted"] or found["plain"] or sheet).strip("'")
            return f"at({other!r}, {found['cell'].replace('$', '')!r})"

        def at(other: str, which: str) -> Any:
            if ":" in which:
                return [list(row) for row in self.book[other][which]]
            return self.value(other, which)

        def shown(cell: Any) -> Any:
            return self.value(cell.parent.title, cell.coordinate)

        def lookup(wanted: Any, rows: Any, column: int, _: bool) -> Any:
            for first, *others in rows:
                if shown(first) == wanted:
                    return shown([first, *others][column - 1])
            return None

        def total(*parts: Any) -> float:
            found = 0.0
            for part in parts:
                cells = (
                    [shown(c) for row in part for c in row] if isinstance(part, list) else [part]
                )
                found += sum(x for x in cells if isinstance(x, int | float))
            return found

        functions = {
            "at": at,
            "IF": lambda test, yes, no: yes if test else no,
            "ISNUMBER": lambda number: isinstance(number, int | float),
            "VLOOKUP": lookup,
            "SUM": total,
            "SUBTOTAL": lambda _, *parts: total(*parts),
        }
        text = PIECES.sub(replaced, formula).replace("FALSE", "False")
        return eval(text, functions)


def worked_out(book: Any, sheet: str, cell: str) -> float:
    """The number that a cell of an openpyxl workbook shows."""
    return Workbook(book).number(sheet, cell)
