"""Read published revenue outturn and budget files: one column per line becomes one row per line.

Two layouts are supported: (1) a service in each column under its published heading ("Education
services"); (2) columns <FORM>_<line>_<measure> ("RS_asc_net_exp"), with form and measure named by
the mapping. Known headings are in ``finance_lines.csv``; the mapping may name others. Amounts are
in thousands of pounds unless the mapping says otherwise. A financial year is written 2017-18,
2017/18, 201803 (its last month) or 2017, and becomes 2017, the year in which it starts.

The resulting table has the columns

    kind        "line", or "stream": the sum of a stream's lines of a year
    year, line, line_name, stream, amount_gbp, measure, source_column, and the columns kept

An empty cell makes no row: unknown is not zero. A cell that is not an amount, a year that is not a
year, a line stated both whole and in parts, and lines that do not add up to the file's own total
are findings with file, row, column and value.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from placeopt.base.errors import Finding, PlaceError, errors_among
from placeopt.base.findings import did_you_mean, error, warning
from placeopt.base.number_format import pounds, with_sign
from placeopt.place.files.cells import parse_year, plain_number
from placeopt.place.files.raw import RawTable, number_text
from placeopt.place.importer.mapping import FinanceFile

CODED_HEADING = re.compile(
    r"(?P<form>[A-Z]+[0-9]*)_(?P<line>[A-Za-z0-9]+)_"
    r"(?P<measure>empl|run_exp|tot_exp|sfc|oth_inc|tot_inc|net_cur_exp|net_exp|mss)"
)
_LAST_MONTH = re.compile(r"((?:19|20)[0-9]{2})03")
_PARTS_OF = {"sc": ("csc", "asc")}  # a line -> the lines it is the sum of
COLUMNS = ("kind", "year", "line", "line_name", "stream", "amount_gbp", "measure", "source_column")


@dataclass(frozen=True)
class Line:
    """A column of the file that is a finance line.

    Attributes:
        column: Its heading.
        line: Its id.
        name: Its name for people.
        level: ``service``, ``part`` or ``total``.
    """

    column: str
    line: str
    name: str
    level: str


@dataclass
class _Reader:
    file: str
    spec: FinanceFile
    cells: dict[str, list[str]] = field(default_factory=dict)
    numbers: list[int] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    unread: str = ""  # the columns of numbers that are not lines, as text


def read_finance(table: RawTable, spec: FinanceFile, missing: tuple[str, ...]) -> RawTable:
    """Read the lines of a finance file as rows.

    Args:
        table: The file as text.
        spec: How the mapping says to read it.
        missing: Cells that mean "not known".

    Returns:
        The table described at the top, with amounts in GBP.

    Raises:
        PlaceError: With every cell that cannot be read.
    """
    for column in (spec.year, *spec.only, *spec.keep):
        if column not in table.cells:
            remedy = f"name a column of the file{did_you_mean(column, table.cells)}"
            raise PlaceError([error(table.file, "the file has no such column", remedy,
                                    column=column)], "faults in the mapping")  # fmt: skip
    lines = _lines(table, spec)
    reader = _Reader(table.file, spec, {name: [] for name in (*COLUMNS, *spec.keep)})
    selected = [
        i for i in range(len(table))
        if all(table.cells[column][i].strip() == value for column, value in spec.only.items())
    ]  # fmt: skip
    if not selected:
        condition = ", ".join(f"{column} = {value}" for column, value in spec.only.items())
        reader.findings.append(
            error(table.file, f"no row has {condition}", "look at the file's own ids")
        )
    reader.unread = _unread_columns(table, spec, lines, selected)
    if reader.unread:
        remedy = "name those that are lines under finance.lines"
        message = f"columns of numbers are not read: {reader.unread}"
        reader.findings.append(warning(table.file, message, remedy))
    for i in selected:
        _read_row(reader, table, i, lines, set(missing))
    if errors_among(reader.findings):
        raise PlaceError(reader.findings, "faults in the finance file")
    findings = [*table.findings, *reader.findings]
    return RawTable(table.file, reader.cells, findings, numbers=tuple(reader.numbers))


def financial_year_start(cell: str) -> str | None:
    """The calendar year in which a financial year starts: 2017 from 2017-18, 201803 or 2017."""
    text = cell.strip()
    match = _LAST_MONTH.fullmatch(text)
    if match:
        return str(int(match[1]) - 1)
    return text if re.fullmatch(r"(?:19|20)[0-9]{2}", text) else parse_year(text, financial=True)


@cache
def known_lines() -> dict[str, dict[str, str]]:
    """Heading or code in lower case -> the row of ``finance_lines.csv``."""
    text = (files("placeopt.place.importer") / "finance_lines.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return {row["heading"].casefold(): row for row in rows}


def _lines(table: RawTable, spec: FinanceFile) -> list[Line]:
    """The columns that are lines of the requested form and measure."""
    lines = []
    for column in table.columns:
        code = CODED_HEADING.fullmatch(column)
        key = column
        if spec.form:
            if not code or (code["form"], code["measure"]) != (spec.form, spec.measure):
                continue
            key = code["line"]
        known = known_lines().get(key.casefold())
        if column in spec.lines or key in spec.lines:
            line = spec.lines.get(column, spec.lines.get(key, ""))
            lines.append(Line(column, line, known["name"] if known else line, "service"))
        elif known:
            lines.append(Line(column, known["line"], known["name"], known["level"]))
    unknown_lines = [
        key for key in spec.lines if not any(key in (l.column, _line_code(l.column)) for l in lines)
    ]
    faults = [
        error(
            table.file,
            "the file has no such line",
            f"name one{did_you_mean(key, table.columns)}",
            column=key,
        )
        for key in unknown_lines
    ]
    if not any(line.level != "total" for line in lines) and not faults:
        wanted = f" of form {spec.form} and measure {spec.measure}" if spec.form else ""
        message = f"none of its {len(table.columns)} columns is a line{wanted} that is known"
        faults = [error(table.file, message, "name the columns under finance.lines")]
    if faults:
        raise PlaceError(faults, "faults in the mapping")
    return lines


def _unread_columns(
    table: RawTable, spec: FinanceFile, lines: list[Line], selected: list[int]
) -> str:
    """List the columns of numbers that are not known lines, so that none is dropped silently."""
    taken = {*(line.column for line in lines), spec.year, *spec.only, *spec.keep}
    unread = [
        column for column in table.columns
        if column not in taken
        and any(plain_number(table.cells[column][i]) is not None for i in selected)
    ]  # fmt: skip
    return ", ".join(unread[:5]) + (f" and {len(unread) - 5} more" if len(unread) > 5 else "")


def _line_code(column: str) -> str:
    match = CODED_HEADING.fullmatch(column)
    return match["line"] if match else column


def _read_row(
    reader: _Reader, table: RawTable, i: int, lines: list[Line], missing: set[str]
) -> None:
    """Read one authority's year: its lines, the sums of its streams, and the check of its total."""
    spec, row = reader.spec, table.row(i)
    cell = table.cells[spec.year][i]
    year = financial_year_start(cell)
    if year is None:
        reader.findings.append(error(reader.file, "this is no financial year",
                                   "write 2017-18, 2017/18 or 201803", row=row, column=spec.year,
                                   value=cell))  # fmt: skip
        return
    amounts: dict[str, float] = {}
    total: float | None = None
    faults = len(reader.findings)
    streams: dict[str, float] = defaultdict(float)
    for line in lines:
        amount = _amount(reader, table, i, line, missing)
        if amount is None:
            continue
        if line.level == "total":
            total = amount
            continue
        if line.line in amounts:
            message = f"the line {line.line} stands in two columns"
            reader.findings.append(
                error(
                    reader.file,
                    message,
                    "name one of them under finance.lines",
                    row=row,
                    column=line.column,
                )
            )
            continue
        amounts[line.line] = amount
        stream = spec.streams.get(line.line, spec.stream)
        if amount < 0 and spec.negative == "leave_out":
            message = "income is more than spending: left out, as the mapping says"
            where: dict[str, Any] = {
                "row": row,
                "column": line.column,
                "value": number_text(amount),
            }
            reader.findings.append(warning(reader.file, message, "see that this is meant", **where))
            continue
        if amount < 0:
            message = "income is more than spending on this line"
            remedy = 'give its gross spending, or say negative = "leave_out" in the mapping'
            reader.findings.append(error(reader.file, message, remedy, row=row, column=line.column,
                                       value=table.cells[line.column][i]))  # fmt: skip
            continue
        streams[stream] += amount
        _append(reader, table, i, "line", year, line, stream, amount)
    for stream, amount in streams.items():
        _append(reader, table, i, "stream", year, Line("", "", "", ""), stream, amount)
    if errors_among(reader.findings[faults:]):
        return  # lines that cannot be read do not add up either: one finding is enough
    double_counted = _check_double_counting(reader.file, row, amounts)
    column = next((line.column for line in lines if line.level == "total"), "total")
    reader.findings += double_counted or _check_total(reader, row, year, amounts, (column, total))


def _amount(
    reader: _Reader, table: RawTable, i: int, line: Line, missing: set[str]
) -> float | None:
    """GBP of one cell, or None if it is empty or missing."""
    cell = table.cells[line.column][i].strip()
    if cell == "" or cell in missing:
        return None
    number = plain_number(cell)
    if number is None:
        remedy = "give a number in digits, or name the cell under missing if it means not known"
        reader.findings.append(error(reader.file, "this is no amount", remedy, row=table.row(i),
                                   column=line.column, value=cell))  # fmt: skip
        return None
    return float(number) * reader.spec.unit_gbp


def _append(
    reader: _Reader, table: RawTable, i: int, kind: str, year: str, line: Line, stream: str,
    amount: float,
) -> None:  # fmt: skip
    values = (kind, year, line.line, line.name, stream, number_text(amount), reader.spec.measure)
    for name, value in zip(COLUMNS, (*values, line.column), strict=True):
        reader.cells[name].append(value)
    for name in reader.spec.keep:
        reader.cells[name].append(table.cells[name][i])
    reader.numbers.append(table.row(i))


def _check_double_counting(file: str, row: int, amounts: dict[str, float]) -> list[Finding]:
    """Errors for lines stated both whole and in parts, which would count twice."""
    return [
        error(file, f"{whole} is stated whole and in its parts {', '.join(parts)}",
              "empty one of them, or it is counted twice", row=row)
        for whole, parts in _PARTS_OF.items()
        if whole in amounts and any(part in amounts for part in parts)
    ]  # fmt: skip


def _check_total(
    reader: _Reader,
    row: int,
    year: str,
    amounts: dict[str, float],
    stated: tuple[str, float | None],
) -> list[Finding]:
    """Check that the lines add up to the file's own total, to within rounding of each line.

    ``stated`` is the column of the total and its amount (GBP), None if the file has none.
    """
    column, total = stated
    if total is None:
        message = f"{year} has no total of its own, so its {len(amounts)} lines cannot be added up"
        return [warning(reader.file, message, "compare them with another source", row=row)]
    gap = sum(amounts.values()) - total
    if abs(gap) <= reader.spec.unit_gbp * max(1, len(amounts)) / 2 + 1e-6:
        return []
    difference = with_sign(pounds(gap), gap)
    message = f"the lines of {year} add up to {pounds(sum(amounts.values()))}, {difference} off"
    remedy = "look for a line that is missing, or stated twice"
    if reader.unread:
        remedy += f"; columns of numbers not read: {reader.unread}"
    return [error(reader.file, message, remedy, row=row, column=column, value=f"{total:.0f}")]
