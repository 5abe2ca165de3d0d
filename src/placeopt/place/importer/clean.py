"""Clean the rows of a messy sheet into a table.

Values with only one possible reading are read, with a warning that gives the first row as an
example. Values that need a guess are errors. Records keep the row numbers of the file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from placeopt.base.errors import Finding, PlaceError
from placeopt.base.findings import error, warning
from placeopt.base.reading import csv_rows, read_limited
from placeopt.place.files.cells import SPACES, is_total, plain_number
from placeopt.place.files.raw import RawTable

NO_ACTION = "nothing to do, unless that is wrong"
_TOTAL_TOLERANCE = 0.51  # by how much a stated total may miss the sum of rounded rows


@dataclass
class SheetRows:
    """Rows of text while they are cleaned.

    Attributes:
        file: The file as findings name it.
        rows: The cells of each row.
        numbers: The row number in the file of each row.
        findings: The findings so far.
    """

    file: str
    rows: list[list[str]]
    numbers: list[int]
    findings: list[Finding] = field(default_factory=list)

    def note(
        self,
        message: str,
        row: int | None = None,
        column: str | None = None,
        rows: Iterable[int] = (),
    ) -> None:
        """Add a warning; ``rows`` are all the rows that it counts."""
        ids = map(str, dict.fromkeys(rows))
        self.findings.append(
            warning(self.file, message, NO_ACTION, row=row, column=column, ids=ids)
        )

    def fault(
        self, message: str, remedy: str, row: int | None = None, column: str | None = None
    ) -> None:
        self.findings.append(error(self.file, message, remedy, row=row, column=column))

    def keep(self, positions: list[int]) -> None:
        self.rows = [self.rows[i] for i in positions]
        self.numbers = [self.numbers[i] for i in positions]


def read_messy_csv(
    path: Path, delimiter: str = ",", heading_row: int = 1, heading_rows: int = 1
) -> RawTable:
    """Read a CSV file in UTF-8, UTF-16 or Windows-1252, as councils publish them.

    Args:
        path: The file.
        delimiter: What separates cells.
        heading_row: The row in which the heading begins, from 1.
        heading_rows: How many rows the heading has.
    """
    findings: list[Finding] = []
    text = decode_text(path, findings)
    rows = csv_rows(text, path.name, delimiter)
    return clean_table(path.name, rows, findings, heading_row, heading_rows)


def decode_text(path: Path, findings: list[Finding]) -> str:
    """Decode a file as UTF-8, UTF-16 or Windows-1252; PlaceError if it is none of them."""
    raw, file = read_limited(path), path.name
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        findings.append(warning(file, "the file is in UTF-16 and was read as such", NO_ACTION))
        return raw.decode("utf-16")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = raw.count(b"\n", 0, fault.start) + 1
        byte = f"line {line}, byte 0x{raw[fault.start]:02x}"
        try:
            text = raw.decode("cp1252")
        except UnicodeDecodeError:
            message = f"the file is neither UTF-8 nor Windows-1252 ({byte})"
            raise PlaceError([error(file, message, "save it as CSV UTF-8")]) from None
        findings.append(
            warning(file, f"the file is not UTF-8 ({byte}) and was read as Windows-1252", NO_ACTION)
        )
    else:
        if raw.startswith(b"\xef\xbb\xbf"):
            message = "the byte-order mark at the start was taken off the first heading"
            findings.append(warning(file, message, NO_ACTION))
    return text


def clean_table(
    file: str,
    rows: list[list[str]],
    findings: list[Finding],
    heading_row: int = 1,
    heading_rows: int = 1,
    merged: list[tuple[tuple[int, int], tuple[int, int]]] | None = None,
) -> RawTable:
    """Clean the rows of a file into a table of text.

    Args:
        file: The file as findings name it.
        rows: The cells of every row of the file.
        findings: Receives the findings.
        heading_row: The row in which the heading begins, from 1.
        heading_rows: How many rows the heading has at least.
        merged: Merged cells as ((top, left), (bottom, right)), from 0. Those in the heading extend
            it to all the rows that they span.
    """
    sheet = SheetRows(file, [list(row) for row in rows], list(range(1, len(rows) + 1)), findings)
    sheet.keep(list(range(heading_row - 1, len(rows))))
    _clean_cells(sheet)
    heading_rows = max(heading_rows, _merged_heading_rows(sheet, heading_row, merged or []))
    names = _heading(sheet, heading_rows, merged or [])
    sheet.keep(list(range(heading_rows, len(sheet.rows))))
    if not any(names):
        sheet.fault("the file has no heading", "give heading_row in the mapping", row=heading_row)
        return RawTable(file, {}, sheet.findings)
    _drop_empty(sheet)
    _pad_rows(sheet, len(names))
    _drop_notes(sheet)
    _drop_totals(sheet, names)
    return RawTable(file, _columns(sheet, names), sheet.findings, numbers=tuple(sheet.numbers))


def _clean_cells(sheet: SheetRows) -> None:
    """Replace unusual spaces and line ends within cells by spaces, and strip cells."""
    unusual: list[int] = []
    broken: list[int] = []
    for number, row in zip(sheet.numbers, sheet.rows, strict=True):
        for j, cell in enumerate(row):
            if cell.isascii() and cell.isprintable() and cell[:1] != " " and cell[-1:] != " ":
                continue
            text = cell.translate(SPACES)
            unusual += [number] if text != cell else []
            if "\n" in text or "\r" in text:
                broken.append(number)
                text = " ".join(part.strip() for part in text.splitlines() if part.strip())
            row[j] = text.strip()
    if unusual:
        sheet.note(
            f"{len(unusual)} cells have non-breaking or zero-width spaces, read as spaces",
            unusual[0],
            rows=unusual,
        )
    if broken:
        message = f"{len(broken)} cells have line ends inside, read as one line"
        sheet.note(message, broken[0], rows=broken)


def _merged_heading_rows(
    sheet: SheetRows, heading_row: int, merged: list[tuple[tuple[int, int], tuple[int, int]]]
) -> int:
    """The number of rows that the heading's merged cells span."""
    top = heading_row - 1
    ranges = [(start, end) for start, end in merged if start[0] == top]
    if not ranges:
        return 1
    height = max(end[0] for _, end in ranges) - top + 1
    spans_columns = any(end[1] > start[1] for start, end in ranges)
    return min(max(height, 2 if spans_columns else 1), len(sheet.rows))


def _heading(
    sheet: SheetRows, heading_rows: int, merged: list[tuple[tuple[int, int], tuple[int, int]]]
) -> list[str]:
    """The column names; a name above several columns prefixes each of theirs."""
    heading = [list(row) for row in sheet.rows[:heading_rows]]
    if not heading:
        return []
    width = max(len(row) for row in heading)
    heading = [row + [""] * (width - len(row)) for row in heading]
    if heading_rows == 1:
        return heading[0]
    for level, row in enumerate(heading[:-1]):
        spans = {
            j: start[1]
            for start, end in merged if start[0] == sheet.numbers[level] - 1
            for j in range(start[1], end[1] + 1)
        }  # fmt: skip
        for j in range(1, width):
            has_name_below = any(head[j] for head in heading[level + 1 :])
            continues = (
                spans[j] < j if j in spans else not merged and has_name_below and row[j - 1] != ""
            )
            if row[j] == "" and continues:
                row[j] = row[j - 1]
    names = []
    for parts in zip(*heading, strict=True):
        names.append(" ".join(dict.fromkeys(part for part in parts if part)))
    shown = ", ".join(repr(name) for name in names if name)
    sheet.note(f"the heading has {heading_rows} rows with merged cells, read as {shown}",
               sheet.numbers[0])  # fmt: skip
    return names


def _drop_empty(sheet: SheetRows) -> None:
    filled = [i for i, row in enumerate(sheet.rows) if any(row)]
    dropped = len(sheet.rows) - len(filled)
    if filled and filled[-1] + 1 < len(sheet.rows):
        # empty lines at the end of the file do not count
        dropped -= len(sheet.rows) - filled[-1] - 1
    if dropped:
        empty = [n for n, row in zip(sheet.numbers, sheet.rows, strict=True) if not any(row)][
            :dropped
        ]
        sheet.note(f"{dropped} empty rows were passed over", empty[0], rows=empty)
    sheet.keep(filled)


def _pad_rows(sheet: SheetRows, width: int) -> None:
    """Pad or cut every row to the width of the heading; only empty cells may be cut."""
    for number, row in zip(sheet.numbers, sheet.rows, strict=True):
        if any(row[width:]):
            message = f"the row has {len(row)} cells under {width} headings"
            sheet.fault(message, "put text with commas in double quotes", number)
        row[:] = (row + [""] * width)[:width]


def _drop_notes(sheet: SheetRows) -> None:
    """Drop lines of text below the records ("Source: ...")."""
    while len(sheet.rows) > 1 and len(sheet.rows[-1]) > 2:
        filled = [cell for cell in sheet.rows[-1] if cell]
        if len(filled) > 1 or filled[0] != sheet.rows[-1][0] or is_total(filled[0]):
            return
        if " " not in filled[0] or plain_number(filled[0]) is not None:
            return
        sheet.note(f"the last row is a note and no record: {filled[0]!r}", sheet.numbers[-1])
        sheet.keep(list(range(len(sheet.rows) - 1)))


def _drop_totals(sheet: SheetRows, names: list[str]) -> None:
    """Drop a row of totals at the bottom if it is the sum of the rows above."""
    while sheet.rows and any(is_total(cell) for cell in sheet.rows[-1]):
        number, last = sheet.numbers[-1], sheet.rows[-1]
        sheet.keep(list(range(len(sheet.rows) - 1)))
        mismatches = []
        for j, cell in enumerate(last):
            stated = plain_number(cell)
            if stated is None:
                continue
            above = [plain_number(row[j]) for row in sheet.rows]
            total = sum(float(value) for value in above if value is not None)
            if abs(total - float(stated)) > _TOTAL_TOLERANCE:
                mismatches.append(f"{names[j]} {cell}, the rows above sum to {total:.10g}")
        if mismatches:
            message = f"the row calls itself a total but is not: {'; '.join(mismatches)}"
            sheet.fault(message, "correct it, or delete the row", number)
        else:
            sheet.note("the row of totals at the bottom is no record and was left out", number)


def _columns(sheet: SheetRows, names: list[str]) -> dict[str, list[str]]:
    """Cells by heading; repeated headings get a number unless their cells agree."""
    columns = list(zip(*sheet.rows, strict=True)) if sheet.rows else [()] * len(names)
    heading_at = min(sheet.numbers, default=2) - 1
    cells: dict[str, list[str]] = {}
    for number, (name, column) in enumerate(zip(names, columns, strict=True), start=1):
        if name == "":
            if any(column):
                remedy = "give its name in the heading; for a heading of two rows (merged cells) "
                remedy += "give heading_rows = 2 in the mapping"
                sheet.fault(f"column {number} has values but no heading", remedy, heading_at)
            continue
        positions = [k for k, other in enumerate(names) if other == name]
        if len(positions) == 1:
            cells[name] = list(column)
        elif all(columns[k] == columns[positions[0]] for k in positions):
            if number - 1 == positions[0]:
                cells[name] = list(column)
                sheet.note(
                    f"the heading stands {len(positions)} times with the same cells, read once",
                    heading_at,
                    name,
                )
        else:
            numbered = f"{name} ({positions.index(number - 1) + 1})"
            cells[numbered] = list(column)
            sheet.note(
                f"the heading stands {len(positions)} times; this one is called {numbered!r}",
                heading_at,
                name,
            )
    return cells
