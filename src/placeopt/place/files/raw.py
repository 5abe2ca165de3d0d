"""Read the tables of a place as text, exactly as they stand in the file.

Nothing is typed, filled or dropped here: every cell stays the text it is, in its own row, so
that a finding can name the row as a person counts it and an id never becomes a number.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from placeopt.base.errors import Finding, InputError
from placeopt.base.reading import csv_rows, read_limited
from placeopt.place.faults import error, row_number, warning

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class RawTable:
    """A table as text: ``cells[column]`` lists its cells from the first record on.

    ``spoilt`` holds the positions of records whose very shape is at fault (an empty row, too
    many cells): what is said of them is said once.
    """

    file: str
    cells: dict[str, list[str]]
    findings: list[Finding] = field(default_factory=list)
    spoilt: frozenset[int] = frozenset()
    numbers: tuple[int, ...] = ()  # rows of the records in the file, where they do not run from 2

    def row(self, position: int) -> int:
        """The row as a person counts it, of the record at ``position`` (from 0)."""
        return self.numbers[position] if self.numbers else row_number(position)

    @property
    def columns(self) -> list[str]:
        return list(self.cells)

    def __len__(self) -> int:
        return len(next(iter(self.cells.values()), []))


def read_csv(path: Path, delimiter: str = ",") -> RawTable:
    """A CSV file in UTF-8 (with or without byte-order mark) as text. One with other separators is
    a fault; it is read with them, so that its other faults are told too."""
    try:
        text, findings = _decoded(path)
        return _rows(path, text, delimiter, findings)
    except InputError as refused:
        return RawTable(path.name, {}, list(refused.findings))


def _rows(path: Path, text: str, delimiter: str, findings: list[Finding]) -> RawTable:
    heading = text.split("\n", 1)[0]
    for other, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if delimiter == "," and other in heading and "," not in heading:
            message = f"the cells are separated by {name}"
            remedy = "save the file with commas between the cells (and points in numbers)"
            findings.append(error(path.name, message, remedy, row=1))
            delimiter = other
    rows = csv_rows(text, path.name, delimiter)
    while rows and not rows[-1]:  # line ends after the last record are no records
        rows.pop()
    return table_of_rows(path.name, rows, findings)


def table_of_rows(file: str, rows: list[list[str]], findings: list[Finding]) -> RawTable:
    """Rows of text, the heading first, as a table; uneven rows and bad headings are findings."""
    if not rows or not any(rows[0]):
        findings.append(error(file, "the file has no heading", "give the column names in row 1"))
        return RawTable(file, {}, findings)
    heading, records = rows[0], rows[1:]
    width = len(heading)
    spoilt: set[int] = set()
    for position, record in enumerate(records):
        if not any(record):
            findings.append(
                error(file, "the row is empty", "delete the row", row=row_number(position))
            )
        elif len(record) != width:
            message = f"the row has {len(record)} cells under {width} headings"
            remedy = "give one cell for each heading; put text with commas in double quotes"
            findings.append(error(file, message, remedy, row=row_number(position)))
        else:
            continue
        spoilt.add(position)
        records[position] = (record + [""] * width)[:width]
    columns = list(zip(*records, strict=True)) if records else [()] * width
    cells: dict[str, list[str]] = {}
    for number, (name, column) in enumerate(zip(heading, columns, strict=True), start=1):
        finding = _heading_fault(file, name, number, column, cells)
        if finding is None:
            cells[name] = list(column)
        else:
            findings.append(finding)
    return RawTable(file, cells, findings, frozenset(spoilt))


def read_layer(path: Path, layer: str) -> RawTable:
    """A layer of a GeoPackage as text, its geometry left aside."""
    import pyogrio

    frame = pyogrio.read_dataframe(path, layer=layer, read_geometry=False, use_arrow=True)
    cells = {str(name): texts_of(frame[name]) for name in frame.columns if name != "geometry"}
    return RawTable(f"{path.name}:{layer}", cells)


def texts_of(values: pd.Series) -> list[str]:
    """Typed values as the text a person would write: missing is "", 5.0 is "5", True is "yes"."""
    import pandas as pd

    missing = values.isna().to_numpy()
    if pd.api.types.is_bool_dtype(values.dtype):
        texts = ["yes" if value is True or value == 1 else "no" for value in values]
    elif pd.api.types.is_float_dtype(values.dtype):
        texts = [
            number_text(value) for value in values.to_numpy(dtype=float, na_value=float("nan"))
        ]
    elif pd.api.types.is_datetime64_any_dtype(values.dtype):
        texts = [str(value.isoformat()) for value in values]
    else:
        texts = [value_text(value) for value in values]
    if missing.any():
        texts = ["" if gap else text for text, gap in zip(texts, missing, strict=True)]
    return texts


def value_text(value: object) -> str:
    """One value of a workbook or a mapping as the text a person would write."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number_text(value) if isinstance(value, float) else str(value)


def number_text(value: float) -> str:
    """A number with as many digits as it needs: 5.0 is "5"."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _decoded(path: Path) -> tuple[str, list[Finding]]:
    """The file's text; bytes that are not UTF-8 are a finding each, and shown as U+FFFD."""
    raw = read_limited(path)
    try:
        return raw.decode("utf-8-sig"), []
    except UnicodeDecodeError as fault:
        line = raw.count(b"\n", 0, fault.start) + 1
        message = f"line {line} is not UTF-8 (byte 0x{raw[fault.start]:02x})"
        remedy = "save the file as CSV UTF-8"
        return raw.decode("utf-8-sig", "replace"), [error(path.name, message, remedy, row=line)]


def _heading_fault(
    file: str, name: str, number: int, column: tuple[str, ...], seen: dict[str, list[str]]
) -> Finding | None:
    if name in seen:
        remedy = "name every column once; only the first one is read"
        return error(file, "the heading stands twice", remedy, row=1, column=name)
    if name == "" and any(column):
        return error(file, f"column {number} has no heading", "give its name in row 1", row=1)
    if name == "":
        remedy = "delete it; it is not read"
        return warning(file, f"column {number} has no heading and no values", remedy, row=1)
    return None
