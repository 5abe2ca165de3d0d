"""Read the cells of a sheet without losing those that have no value.

The library that reads workbooks gives an error (``#DIV/0!``) and a formula without a stored result
as an empty cell, which would silently become a default. Here they keep a text that no column of
numbers accepts.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from placeopt.base.reading import CHUNK, column_number, refusal

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

NO_RESULT = "#NO RESULT!"  # before the formula of a cell whose result is not stored
_ROW = re.compile(rb"<(?:\w+:)?row\b([^>]*?)(?:/>|>(.*?)</(?:\w+:)?row>)", re.DOTALL)
_CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>)", re.DOTALL)
_TYPE = re.compile(rb"\bt=[\"'](\w+)[\"']")
_REFERENCE = re.compile(rb"\br=[\"']([A-Z]*)(\d+)[\"']")
_FORMULA = re.compile(rb"<(?:\w+:)?f\b[^>]*?(?:/>|>(.*?)</(?:\w+:)?f>)", re.DOTALL)
_RESULT = re.compile(rb"<(?:\w+:)?v\b[^>]*>([^<]+)</")
_MAY_HAVE = re.compile(rb"\bt=[\"']e[\"']|<(?:\w+:)?f\b")
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_ODS_ERROR = re.compile(rb"<table:table-cell[^>]*calcext:value-type=\"error\"[^>]*>(.*?)</", re.S)


def sheet_cells(path: Path, workbook: CalamineWorkbook, name: str) -> list[list[object]]:
    """The cells of a sheet from A1 on, with the text of errors and of formulas without a result.

    Args:
        path: The workbook's file.
        workbook: The workbook, opened by ``open_workbook``.
        name: The sheet.

    Raises:
        InputError: The sheet is damaged, or an OpenDocument sheet holds errors.
    """
    from python_calamine import CalamineError

    try:
        cells = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except CalamineError as fault:
        message = f"the sheet cannot be read: {fault}"
        raise refusal(f"{path.name}:{name}", message, "save it again in a spreadsheet") from None
    rows: list[list[object]] = [list(row) for row in cells]
    kind = path.suffix.lower()
    if kind in (".xlsx", ".xlsm"):
        for row, column, text in _without_value(path, name):
            rows += [[] for _ in range(row + 1 - len(rows))]
            rows[row] += [""] * (column + 1 - len(rows[row]))
            rows[row][column] = text
        width = max(map(len, rows), default=0)
        rows = [row + [""] * (width - len(row)) for row in rows]
    elif kind == ".ods":
        _require_no_errors(path, name)
    return rows


def _without_value(path: Path, name: str) -> Iterator[tuple[int, int, str]]:
    """Row and column (from 0) and text of each cell that is an error or has no stored result."""
    with zipfile.ZipFile(path) as archive:
        part = _part_of(archive, name)
        if part is None:
            return
        row = -1
        for text in _whole_rows(archive, part):
            for match in _ROW.finditer(text):
                row = _position(match[1], row)
                if _MAY_HAVE.search(match[2] or b""):
                    yield from ((row, *cell) for cell in _cells_without_value(match[2]))


def _cells_without_value(row: bytes) -> Iterator[tuple[int, str]]:
    column = -1
    for match in _CELL.finditer(row):
        reference, body = _REFERENCE.search(match[1]), match[2] or b""
        column = column_number(reference[1]) - 1 if reference else column + 1
        stated, result = _TYPE.search(match[1]), _RESULT.search(body)
        kind = stated[1] if stated else b"n"
        formula = _FORMULA.search(body)
        if kind == b"e":
            yield column, unescape((result[1] if result else b"#VALUE!").decode("utf-8", "replace"))
        elif formula and result is None and kind != b"str":
            text = unescape((formula[1] or b"").decode("utf-8", "replace"))
            yield column, f"{NO_RESULT} ={text}"


def _position(attributes: bytes, before: int) -> int:
    """The row (from 0) that a tag states, or the next one."""
    stated = _REFERENCE.search(attributes)
    return int(stated[2]) - 1 if stated else before + 1


def _whole_rows(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """The text of a sheet in pieces that end with a row."""
    with archive.open(part) as stream:
        rest = b""
        while chunk := stream.read(CHUNK):
            rest += chunk
            end = max(rest.rfind(b"</row>"), rest.rfind(b":row>"))
            if end >= 0:
                end = rest.index(b">", end) + 1
                yield rest[:end]
                rest = rest[end:]
        yield rest


def _part_of(archive: zipfile.ZipFile, name: str) -> str | None:
    """The file in the archive that holds a sheet."""
    try:
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
        relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    except (KeyError, ElementTree.ParseError):
        return None
    key = next((e.get(_RELATION) for e in book.iter() if e.get("name") == name), None)
    target = next((e.get("Target") for e in relations if e.get("Id") == key), None)
    if target is None:
        return None
    part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return part if part in archive.namelist() else None


def _require_no_errors(path: Path, name: str) -> None:
    """Refuse an OpenDocument sheet with errors, which the library reads as empty or as 0."""
    with zipfile.ZipFile(path) as archive:
        content = archive.read("content.xml")
    for table in re.split(rb"(?=<table:table\s)", content):
        stated = re.search(rb"table:name=\"([^\"]*)\"", table[: table.find(b">") + 1])
        errors = _ODS_ERROR.findall(table)
        if errors and stated and unescape(stated[1].decode("utf-8", "replace")) == name:
            first = re.sub(rb"<[^>]*>", b"", errors[0]).decode("utf-8", "replace")
            raise refusal(
                f"{path.name}:{name}",
                f"{len(errors)} cells are a spreadsheet's error ({first}), not a value",
                "correct the cells, or save the file as .xlsx, where they are told one by one",
            )
