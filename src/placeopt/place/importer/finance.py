"""Revenue outturn and budget lines, as published: a column a line becomes a row a line.

Read are (1) files with a service in each column under its published heading ("Education
services"), (2) files with columns <FORM>_<line>_<measure> ("RS_asc_net_exp"), of which the mapping
names form and measure. Headings known by themselves are in ``finance_lines.csv``; the mapping may
name others. Amounts are in thousands of pounds unless the mapping says otherwise. A financial year
is written 2017-18, 2017/18 or 201803 (its last month) and becomes 2017, the year in which it
starts; 2017 alone is taken to be that.

The table that comes out has the columns

    kind        "line", or "stream": the sum of a stream's lines of a year
    year, line, line_name, stream, amount_gbp, measure, source_column, and the columns kept

An empty cell makes no row (it is not known, which is not nothing). A cell that is no amount, a
year that is none, a line stated whole and in parts, lines that do not add up to the file's own
total: each is a finding with file, row, column and value.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from placeopt.base.errors import Finding, PlaceError
from placeopt.base.number_format import pounds, with_sign
from placeopt.place.faults import did_you_mean, error, warning
from placeopt.place.files.cells import parse_year, plain_number
from placeopt.place.files.raw import RawTable, number_text
from placeopt.place.importer.mapping import FinanceFile

CODED_HEADING = re.compile(
    r"(?P<form>[A-Z]+[0-9]*)_(?P<line>[A-Za-z0-9]+)_"
    r"(?P<measure>empl|run_exp|tot_exp|sfc|oth_inc|tot_inc|net_cur_exp|net_exp|mss)"
)
_LAST_MONTH = re.compile(r"((?:19|20)[0-9]{2})03")
_PARTS_OF = {"sc": ("csc", "asc")}  # a line stated whole, and the lines it is the sum of
COLUMNS = ("kind", "year", "line", "line_name", "stream", "amount_gbp", "measure", "source_column")


@dataclass(frozen=True)
class Line:
    """One column of the file that is a line: its id, what people call it, its level."""

    column: str
    line: str
    name: str
    level: str  # service, part or total


@dataclass
class _Work:
    file: str
    spec: FinanceFile
    cells: dict[str, list[str]] = field(default_factory=dict)
    numbers: list[int] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    unread: str = ""  # columns of numbers that are no line, in words


def read_finance(table: RawTable, spec: FinanceFile, missing: tuple[str, ...]) -> RawTable:
    """The file's lines as rows, in pounds; PlaceError lists every cell not understood."""
    for column in (spec.year, *spec.only, *spec.keep):
        if column not in table.cells:
            remedy = f"name a column of the file{did_you_mean(column, table.cells)}"
            raise PlaceError([error(table.file, "the file has no such column", remedy,
                                    column=column)], "faults in the mapping")  # fmt: skip
    lines = _lines(table, spec)
    work = _Work(table.file, spec, {name: [] for name in (*COLUMNS, *spec.keep)})
    chosen = [
        at for at in range(len(table))
        if all(table.cells[column][at].strip() == value for column, value in spec.only.items())
    ]  # fmt: skip
    if not chosen:
        said = ", ".join(f"{column} = {value}" for column, value in spec.only.items())
        work.findings.append(error(table.file, f"no row has {said}", "look at the file's own ids"))
    work.unread = _not_read(table, spec, lines, chosen)
    if work.unread:
        remedy = "name those that are lines under finance.lines"
        message = f"columns of numbers are not read: {work.unread}"
        work.findings.append(warning(table.file, message, remedy))
    for at in chosen:
        _row(work, table, at, lines, set(missing))
    if any(finding.severity == "error" for finding in work.findings):
        raise PlaceError(work.findings, "faults in the finance file")
    found = [*table.findings, *work.findings]
    return RawTable(table.file, work.cells, found, numbers=tuple(work.numbers))


def financial_year_start(cell: str) -> str | None:
    """The calendar year in which a financial year starts, from 2017-18, 2017/18, 201803 or 2017."""
    text = cell.strip()
    ends = _LAST_MONTH.fullmatch(text)
    if ends:
        return str(int(ends[1]) - 1)
    return text if re.fullmatch(r"(?:19|20)[0-9]{2}", text) else parse_year(text, financial=True)


@cache
def known_lines() -> dict[str, dict[str, str]]:
    """Heading or code, in small letters -> the row of ``finance_lines.csv``."""
    text = (files("placeopt.place.importer") / "finance_lines.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return {row["heading"].casefold(): row for row in rows}


def _lines(table: RawTable, spec: FinanceFile) -> list[Line]:
    """The columns that are lines of the form and measure wanted."""
    found = []
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
            found.append(Line(column, line, known["name"] if known else line, "service"))
        elif known:
            found.append(Line(column, known["line"], known["name"], known["level"]))
    lost = [key for key in spec.lines if not any(key in (l.column, _code(l.column)) for l in found)]
    faults = [
        error(
            table.file,
            "the file has no such line",
            f"name one{did_you_mean(key, table.columns)}",
            column=key,
        )
        for key in lost
    ]
    if not any(line.level != "total" for line in found) and not faults:
        wanted = f" of form {spec.form} and measure {spec.measure}" if spec.form else ""
        message = f"none of its {len(table.columns)} columns is a line{wanted} that is known"
        faults = [error(table.file, message, "name the columns under finance.lines")]
    if faults:
        raise PlaceError(faults, "faults in the mapping")
    return found


def _not_read(table: RawTable, spec: FinanceFile, lines: list[Line], chosen: list[int]) -> str:
    """Columns of numbers that are no line that is known, in words, so that none is lost unseen."""
    taken = {*(line.column for line in lines), spec.year, *spec.only, *spec.keep}
    left = [
        column for column in table.columns
        if column not in taken
        and any(plain_number(table.cells[column][at]) is not None for at in chosen)
    ]  # fmt: skip
    some = ", ".join(left[:5]) + (f" and {len(left) - 5} more" if len(left) > 5 else "")
    return some


def _code(column: str) -> str:
    found = CODED_HEADING.fullmatch(column)
    return found["line"] if found else column


def _row(work: _Work, table: RawTable, at: int, lines: list[Line], missing: set[str]) -> None:
    """One authority's year: its lines, its streams' sums, and whether they add up."""
    spec, row = work.spec, table.row(at)
    cell = table.cells[spec.year][at]
    year = financial_year_start(cell)
    if year is None:
        work.findings.append(error(work.file, "this is no financial year",
                                   "write 2017-18, 2017/18 or 201803", row=row, column=spec.year,
                                   value=cell))  # fmt: skip
        return
    amounts: dict[str, float] = {}
    total: float | None = None
    faults = len(work.findings)
    streams: dict[str, float] = defaultdict(float)
    for line in lines:
        amount = _amount(work, table, at, line, missing)
        if amount is None:
            continue
        if line.level == "total":
            total = amount
            continue
        if line.line in amounts:
            message = f"the line {line.line} stands in two columns"
            work.findings.append(error(work.file, message, "name one of them under finance.lines",
                                       row=row, column=line.column))  # fmt: skip
            continue
        amounts[line.line] = amount
        stream = spec.streams.get(line.line, spec.stream)
        if amount < 0 and spec.negative == "leave_out":
            message = "income is more than spending: left out, as the mapping says"
            of: dict[str, Any] = {"row": row, "column": line.column, "value": number_text(amount)}
            work.findings.append(warning(work.file, message, "see that this is meant", **of))
            continue
        if amount < 0:
            message = "income is more than spending on this line"
            remedy = 'give its gross spending, or say negative = "leave_out" in the mapping'
            work.findings.append(error(work.file, message, remedy, row=row, column=line.column,
                                       value=table.cells[line.column][at]))  # fmt: skip
            continue
        streams[stream] += amount
        _add(work, table, at, "line", year, line, stream, amount)
    for stream, amount in streams.items():
        _add(work, table, at, "stream", year, Line("", "", "", ""), stream, amount)
    if any(finding.severity == "error" for finding in work.findings[faults:]):
        return  # what is not understood cannot add up: that is said once
    double = _whole_and_parts(work.file, row, amounts)
    column = next((line.column for line in lines if line.level == "total"), "total")
    work.findings += double or _ties(work, row, year, amounts, (column, total))


def _amount(work: _Work, table: RawTable, at: int, line: Line, missing: set[str]) -> float | None:
    """GBP of one cell, or None where nothing stands in it."""
    cell = table.cells[line.column][at].strip()
    if cell == "" or cell in missing:
        return None
    number = plain_number(cell)
    if number is None:
        remedy = "give a number in digits, or name the cell under missing if it means not known"
        work.findings.append(error(work.file, "this is no amount", remedy, row=table.row(at),
                                   column=line.column, value=cell))  # fmt: skip
        return None
    return float(number) * work.spec.unit_gbp


def _add(
    work: _Work, table: RawTable, at: int, kind: str, year: str, line: Line, stream: str,
    amount: float,
) -> None:  # fmt: skip
    values = (kind, year, line.line, line.name, stream, number_text(amount), work.spec.measure)
    for name, value in zip(COLUMNS, (*values, line.column), strict=True):
        work.cells[name].append(value)
    for name in work.spec.keep:
        work.cells[name].append(table.cells[name][at])
    work.numbers.append(table.row(at))


def _whole_and_parts(file: str, row: int, amounts: dict[str, float]) -> list[Finding]:
    """A line that is stated whole and in parts would be counted twice."""
    return [
        error(file, f"{whole} is stated whole and in its parts {', '.join(parts)}",
              "empty one of them, or it is counted twice", row=row)
        for whole, parts in _PARTS_OF.items()
        if whole in amounts and any(part in amounts for part in parts)
    ]  # fmt: skip


def _ties(
    work: _Work, row: int, year: str, amounts: dict[str, float], stated: tuple[str, float | None]
) -> list[Finding]:
    """Whether the lines add up to the file's own total (its column, GBP), to a unit a line."""
    column, total = stated
    if total is None:
        message = f"{year} has no total of its own, so its {len(amounts)} lines cannot be added up"
        return [warning(work.file, message, "compare them with another source", row=row)]
    gap = sum(amounts.values()) - total
    if abs(gap) <= work.spec.unit_gbp * max(1, len(amounts)) / 2 + 1e-6:
        return []
    off = with_sign(pounds(gap), gap)
    message = f"the lines of {year} add up to {pounds(sum(amounts.values()))}, {off} off"
    remedy = "look for a line that is missing, or stated twice"
    if work.unread:
        remedy += f"; columns of numbers not read: {work.unread}"
    return [error(work.file, message, remedy, row=row, column=column, value=f"{total:.0f}")]
