"""Read the tables of a place as text, exactly as in the file.

Nothing is typed, filled or dropped here, so that findings can name rows of the file and ids never
become numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from placeopt.base.errors import Finding, InputError
from placeopt.base.findings import error, row_number, warning
from placeopt.base.reading import csv_rows, read_limited

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class RawTable:
    """A table as text.

    Attributes:
        file: The file as findings name it.
        cells: Column name -> its cells, one for each record.
        findings: The findings so far.
        spoilt: Positions of malformed records (an empty row, too many cells), which get no further
            findings.
        numbers: Row numbers of the records in the file, if they do not run from 2.
    """

    file: str
    cells: dict[str, list[str]]
    findings: list[Finding] = field(default_factory=list)
    spoilt: frozenset[int] = frozenset()
    numbers: tuple[int, ...] = ()

    def row(self, position: int) -> int:
        """The row number in the file of the record at ``position`` (from 0)."""
        return self.numbers[position] if self.numbers else row_number(position)

    @property
    def columns(self) -> list[str]:
        return list(self.cells)

    def __len__(self) -> int:
        return len(next(iter(self.cells.values()), []))


def read_csv(path: Path, delimiter: str = ",") -> RawTable:
    """Read a CSV file in UTF-8, with or without byte-order mark, as text.

    Other separators are a fault, but the file is read with them to find its other faults too.
    """
    try:
        text, findings = _decode(path)
        return _table_of_text(path, text, delimiter, findings)
    except InputError as refused:
        return RawTable(path.name, {}, list(refused.findings))


def _table_of_text(path: Path, text: str, delimiter: str, findings: list[Finding]) -> RawTable:
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
    """Make a table of rows of text, the heading first; uneven rows and bad headings are
    findings."""
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
    """Read a layer of a GeoPackage as text, without its geometry."""
    import pyogrio

    frame = pyogrio.read_dataframe(path, layer=layer, read_geometry=False, use_arrow=True)
    cells = {str(name): texts_of(frame[name]) for name in frame.columns if name != "geometry"}
    return RawTable(f"{path.name}:{layer}", cells)


def texts_of(values: pd.Series) -> list[str]:
    """Format typed values as people write them: missing is "", 5.0 is "5", True is "yes"."""
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
    """Format one value of a workbook or a mapping as people write it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number_text(value) if isinstance(value, float) else str(value)


def number_text(value: float) -> str:
    """Format a number with as many digits as it needs: 5.0 is "5"."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _decode(path: Path) -> tuple[str, list[Finding]]:
    """Decode a file as UTF-8; other bytes are a finding and become U+FFFD."""
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
