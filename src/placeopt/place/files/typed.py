"""Convert tables of text to typed tables; every cell that cannot be converted is a finding.

Such a cell is missing in the data frame; nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from placeopt.base.aliases import renamed
from placeopt.base.errors import Finding, PlaceError
from placeopt.base.findings import did_you_mean, error, row_number, warning
from placeopt.place.columns import Column, dictionary, number_in_words
from placeopt.place.files.cells import damaged_id, spreadsheet_error
from placeopt.place.files.raw import RawTable, texts_of

if TYPE_CHECKING:
    import pandas as pd

# A table as records (column -> value) or as columns of values.
Rows: TypeAlias = Sequence[Mapping[str, object]] | Mapping[str, Sequence[object]]

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NUMBER_LETTERS = re.compile(r"[0-9eE+.\n-]*")
_YES = {"yes": True, "true": True, "no": False, "false": False}
_LARGEST_INTEGER = 2.0**53  # beyond it floats cannot represent every integer


def typed_table(table: str, raw: RawTable) -> tuple[pd.DataFrame, list[Finding]]:
    """Return a table with the dictionary's columns, order and types, and its faults."""
    import pandas as pd

    columns = dictionary()[table]
    raw, renamed_columns = _with_new_names(table, raw)
    findings = [*raw.findings, *renamed_columns, *_heading_findings(raw, columns)]
    series: dict[str, pd.Series] = {}
    for column in columns:
        cells = raw.cells.get(column.name)
        if cells is None:
            cells = [""] * len(raw)
            series[column.name], _ = typed_column(column, cells, raw.file)
            continue
        series[column.name], faults = typed_column(column, cells, raw.file, raw.spoilt)
        findings += faults
    return pd.DataFrame(series, index=pd.RangeIndex(len(raw))), findings


def _with_new_names(table: str, raw: RawTable) -> tuple[RawTable, list[Finding]]:
    """Rename columns that have an earlier name, with a warning for each."""
    old = renamed(f"tables.{table}", raw.cells)
    if not old:
        return raw, []
    cells = {
        old[name].new if name in old else name: column_cells
        for name, column_cells in raw.cells.items()
    }
    findings = [
        warning(raw.file, alias.sentence(), f"call the column {alias.new}", column=name)
        for name, alias in old.items()
    ]
    return replace(raw, cells=cells), findings


def typed_column(
    column: Column, cells: Sequence[str], file: str, spoilt: frozenset[int] = frozenset()
) -> tuple[pd.Series, list[Finding]]:
    """Return a column of text as a typed series with defaults filled in, and its faults.

    Args:
        column: The column of the dictionary.
        cells: (records,) texts.
        file: The file as findings name it.
        spoilt: Positions of malformed records, which get no findings.
    """
    values, bad = _READERS[column.type](column, cells)
    findings = [
        error(
            file,
            _type_message(column, cells[i]),
            f"{expected_value(column)}{_date_remedy(column, cells[i])}",
            row=row_number(i),
            column=column.name,
            value=cells[i],
        )
        for i in bad
        if i not in spoilt
    ]
    if column.type == "id":
        findings += [
            error(file, message, "take the id from its own system, formatted as text",
                  row=row_number(i), column=column.name, value=cell)
            for i, cell in enumerate(cells) if (message := damaged_id(cell)) and i not in spoilt
        ]  # fmt: skip
    elif column.type == "text":
        findings += [
            error(file, message, "type the text, or leave it empty",
                  row=row_number(i), column=column.name, value=cell)
            for i, cell in enumerate(cells)
            if cell[:1] == "#" and (message := spreadsheet_error(cell)) and i not in spoilt
        ]  # fmt: skip
    if column.required:
        findings += [
            error(
                file,
                "the cell is empty",
                expected_value(column),
                row=row_number(i),
                column=column.name,
            )
            for i, cell in enumerate(cells)
            if cell == "" and i not in spoilt
        ]
    return values, findings


@cache
def _empty_table(table: str) -> pd.DataFrame:
    frame, _ = typed_table(table, RawTable(table, {c.name: [] for c in dictionary()[table]}))
    return frame


def empty_table(table: str) -> pd.DataFrame:
    """A table without records, with the dictionary's columns and types."""
    return _empty_table(table).copy()


def tables_from_rows(tables: Mapping[str, pd.DataFrame | Rows]) -> dict[str, pd.DataFrame]:
    """Convert tables made by a program to those of a place, with the dictionary's defaults.

    Args:
        tables: Table -> a data frame, a list of records, or columns of values. Tables and columns
            that the dictionary does not require may be missing; ids may be whole numbers.

    Returns:
        Every table of the dictionary, complete and typed.

    Raises:
        PlaceError: With every unknown table or column, missing column, empty cell that is required,
            and value that is not of its column's type.
    """
    import pandas as pd

    findings = [
        error(f"{name}.csv", "there is no such table",
              f"rename or remove it{did_you_mean(name, dictionary())}")
        for name in tables if name not in dictionary()
    ]  # fmt: skip
    result = {}
    for table in dictionary():
        given = tables.get(table, ())
        frame = given if isinstance(given, pd.DataFrame) else pd.DataFrame(given)
        if frame.columns.empty:
            result[table] = empty_table(table)
            continue
        cells = {str(name): texts_of(frame[name]) for name in frame.columns}
        result[table], faults = typed_table(table, RawTable(f"{table}.csv", cells))
        findings += faults
    if findings:
        raise PlaceError(findings, "faults in the tables")
    return result


def _texts(column: Column, cells: Sequence[str]) -> tuple[pd.Series, list[int]]:
    import pandas as pd

    default = column.default
    filled = [cell or default for cell in cells] if default else list(cells)
    bad: list[int] = []
    if column.type == "id":
        bad = [i for i, cell in enumerate(cells) if cell and cell != cell.strip()]
    return pd.Series(filled, dtype=str), bad


def _numbers(column: Column, cells: Sequence[str]) -> tuple[pd.Series, list[int]]:
    import pandas as pd

    values, bad = parse_floats(cells)
    default = column.default_value()
    if default is not None:
        values[[i for i, cell in enumerate(cells) if cell == ""]] = default
    return pd.Series(values, dtype="float64"), bad


def _integers(column: Column, cells: Sequence[str]) -> tuple[pd.Series, list[int]]:
    import pandas as pd

    values, bad = parse_floats(cells)
    with np.errstate(invalid="ignore"):
        wrong = (values != np.round(values)) | (np.abs(values) > _LARGEST_INTEGER)
    wrong &= ~np.isnan(values)
    values[wrong] = np.nan
    bad = sorted({*bad, *np.flatnonzero(wrong).tolist()})
    default = column.default_value()
    if default is not None:
        values[[i for i, cell in enumerate(cells) if cell == ""]] = default
    whole = pd.Series(values, dtype="float64").astype("Int64")
    never_missing = column.required or default is not None
    return (whole.astype("int64") if never_missing and not whole.hasnans else whole), bad


def _booleans(column: Column, cells: Sequence[str]) -> tuple[pd.Series, list[int]]:
    import pandas as pd

    default = bool(column.default_value())
    bad = [i for i, cell in enumerate(cells) if cell and cell.lower() not in _YES]
    return pd.Series([_YES.get(cell.lower(), default) for cell in cells], dtype=bool), bad


def parse_floats(cells: Sequence[str]) -> tuple[np.ndarray[Any, np.dtype[np.float64]], list[int]]:
    """(records,) exact floats, NaN where a cell is empty or bad; and the bad positions."""
    bad: list[int] = []
    if not _NUMBER_LETTERS.fullmatch("\n".join(cells)):
        bad = [i for i, cell in enumerate(cells) if cell and not _NUMBER.fullmatch(cell)]
    bad_positions = set(bad)
    try:
        values = _to_floats(
            [cell if i not in bad_positions else "" for i, cell in enumerate(cells)]
        )
    except ValueError:  # characters of numbers, but not a number: "1-2", "e", "1.2.3"
        bad = [i for i, cell in enumerate(cells) if cell and not _NUMBER.fullmatch(cell)]
        bad_positions = set(bad)
        values = _to_floats(
            [cell if i not in bad_positions else "" for i, cell in enumerate(cells)]
        )
    infinite = np.flatnonzero(np.isinf(values)).tolist()  # 1e999
    values[infinite] = np.nan
    return values, sorted({*bad, *infinite})


def _to_floats(cells: list[str]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([cell or "nan" for cell in cells], dtype=object).astype(np.float64)


def _heading_findings(raw: RawTable, columns: Sequence[Column]) -> list[Finding]:
    if not raw.cells:
        return []
    names = [column.name for column in columns]
    findings = [
        error(raw.file, "the column is missing", f"add it: {column.meaning}", column=column.name)
        for column in columns if column.required and column.name not in raw.cells
    ]  # fmt: skip
    for name in raw.columns:
        if name not in names:
            message = "the column is not in the dictionary and is not read"
            remedy = f"rename or remove it{did_you_mean(name, names)}"
            absent = [own for own in names if own not in raw.cells]
            misspelt = get_close_matches(name.strip().lower(), absent, n=1, cutoff=0.8)
            # a default would silently replace a misspelt column
            kind = error if misspelt else warning
            findings.append(kind(raw.file, message, remedy, column=name))
    return findings


def expected_value(column: Column) -> str:
    """The remedy for a wrong cell of this column."""
    if column.choices:
        return f"give one of {', '.join(column.choices)}"
    if column.type == "id":
        return "give its id without spaces around it"
    if column.type == "boolean":
        return "give yes or no"
    if column.type == "text":
        return f"give a text: {column.meaning}"
    whole = "whole " if column.type == "integer" else ""
    unit = f" in {column.unit}" if column.unit and column.unit != "year" else ""
    limits = f"from {column.range_in_words}"
    return f"give a {whole}number{unit} {limits}, digits only, for example {_example(column)}"


def _type_message(column: Column, cell: str) -> str:
    """The message for a cell that is not of its column's type."""
    if message := spreadsheet_error(cell):
        return message
    if column.type in ("number", "integer") and _NUMBER.fullmatch(cell):
        value = float(cell)
        if abs(value) > _LARGEST_INTEGER and column.maximum is not None:
            above = number_in_words(column.maximum)
            below = number_in_words(column.minimum or 0.0)
            return f"this is above {above}" if value > 0 else f"this is below {below}"
    return _TYPE_MESSAGES[column.type]


def _date_remedy(column: Column, cell: str) -> str:
    """The additional remedy for a date in a column of years."""
    years = re.findall(r"(?<![0-9])(?:19|20|21)[0-9]{2}(?![0-9])", cell)
    return f"; of this date only the year, {years[0]}" if column.unit == "year" and years else ""


def _example(column: Column) -> str:
    if column.unit == "year":
        return "2025"
    if column.unit == "share":
        return "0.25"
    high = column.maximum or 0.0
    if high <= 100:
        return f"{high:g}"
    return "3" if column.type == "integer" else "1234.5"


_READERS = {
    "id": _texts,
    "text": _texts,
    "number": _numbers,
    "integer": _integers,
    "boolean": _booleans,
}
_TYPE_MESSAGES = {
    "id": "the id has spaces around it",
    "text": "the cell is no text",
    "number": "there is text in a number column",
    "integer": "this is not a whole number",
    "boolean": "this is neither yes nor no",
}
