"""The template workbook of a place: one sheet for each table, with drop-downs and examples.

Records begin in row 2 under the column names. Ids and texts are cells of text. A place that is
written and read back is the same to the last digit, except for the outlines of zones, which do not
fit in a workbook; they go beside it as boundaries.gpkg.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from placeopt.base.errors import Finding, InputError
from placeopt.base.files import atomic_file
from placeopt.base.findings import did_you_mean, error, warning
from placeopt.base.reading import open_workbook
from placeopt.base.sheets import sheet_cells
from placeopt.place.columns import Column, dictionary
from placeopt.place.files.raw import RawTable, table_of_rows, texts_of, value_text
from placeopt.place.files.toml import parse_info
from placeopt.place.tables import Place, PlaceInfo

if TYPE_CHECKING:
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

NOTES, COLUMNS, INFO = "Notes", "Columns", "place"
ROWS_TO_FILL = 5000  # rows with drop-downs and text format; more may be filled
_TOML_KEYS = tuple(key for key in asdict(PlaceInfo("")) if key != "plausible")
_NOTE_PREFIX = "plausible."  # before the name of a note
_NOTES = (
    "A place to fill in for placeopt",
    "One sheet is one table, one row is one record, row 1 holds the column names: keep them.",
    "Dark headings must be filled; light ones may stay empty and then take their default or are "
    "missing. Select a cell to see its meaning, unit and an example; sheet Columns lists them all.",
    "Ids are text: 007 stays 007 and a UPRN keeps its digits. Paste as values into the cells as "
    "they are formatted.",
    "Numbers are digits only, money in pounds, areas in square metres, shares from 0 to 1, "
    "coordinates in metres of the system in sheet place.",
    "Leave a sheet without records where you have none. An estate needs zones, buildings, "
    "services and hosting; a budget needs streams, stream_amounts, programmes and spending.",
    "Whatever you fill by rule instead of from a source belongs into sheet assumptions: table, "
    "column, rule, source and grade.",
    "Then: placeopt place read THIS.xlsx --out FOLDER. Every fault is listed with sheet, row and "
    "column; nothing is repaired silently.",
)


def write_template_workbook(path: Path, place: Place | None = None) -> Path:
    """Write an empty workbook to fill, or one that holds ``place``."""
    with atomic_file(path) as made:
        _fill(made, place)
    return path


def _fill(path: Path, place: Place | None) -> None:
    import xlsxwriter

    options = {
        "strings_to_numbers": False, "strings_to_formulas": False, "strings_to_urls": False,
    }  # fmt: skip
    with xlsxwriter.Workbook(str(path), options) as workbook:
        styles = {
            "text": workbook.add_format({"num_format": "@"}),
            "number": workbook.add_format({"num_format": "General"}),
            "must": workbook.add_format(
                {"bold": True, "bg_color": "#1f3a4d", "font_color": "white"}
            ),
            "may": workbook.add_format({"bold": True, "bg_color": "#d6e3ec"}),
            "title": workbook.add_format({"bold": True, "font_size": 14}),
            "wrap": workbook.add_format({"text_wrap": True, "valign": "top"}),
        }
        _notes(workbook, styles)
        _info(workbook, styles, place.info if place is not None else None)
        for table, columns in dictionary().items():
            _table(workbook, styles, table, columns, place)
        _columns_sheet(workbook, styles)


def read_template_workbook(path: Path) -> tuple[PlaceInfo, dict[str, RawTable], list[Finding]]:
    """Read a workbook: what it states about the place, its tables as text, and its faults."""
    try:
        workbook = open_workbook(path)
        sheets = {
            name: [[value_text(cell) for cell in row] for row in sheet_cells(path, workbook, name)]
            for name in workbook.sheet_names
            if name in (*dictionary(), INFO)
        }
    except InputError as refused:
        return PlaceInfo(path.stem), {}, list(refused.findings)
    info, findings = _read_info(path, sheets.get(INFO))
    tables: dict[str, RawTable] = {}
    for name in workbook.sheet_names:
        if name in dictionary():
            rows = sheets[name]
            while len(rows) > 1 and not any(rows[-1]):
                rows.pop()
            if len(rows) > 1:
                tables[name] = table_of_rows(f"{path.name}:{name}", rows, [])
        elif name not in (NOTES, COLUMNS, INFO):
            message = "the sheet is not a table of the dictionary and is not read"
            remedy = f"rename or remove it{did_you_mean(name, dictionary())}"
            findings.append(warning(f"{path.name}:{name}", message, remedy))
    return info, tables, findings


def _read_info(path: Path, rows: list[list[str]] | None) -> tuple[PlaceInfo, list[Finding]]:
    import json

    file = f"{path.name}:{INFO}"
    if rows is None:
        return PlaceInfo(path.stem), [error(file, "the sheet is missing", "keep the template's")]
    lines, sources, notes, findings = [], [], [], []
    for number, row in enumerate(rows[1:], start=2):
        key, value = (*row, "", "")[:2]
        if key == "sources" and value:
            sources.append(value)
        elif key.startswith(_NOTE_PREFIX):
            notes.append(f"{_quoted(key.removeprefix(_NOTE_PREFIX))} = {_quoted(value)}")
        elif key not in ("", "sources", *_TOML_KEYS):
            remedy = f"remove it{did_you_mean(key, _TOML_KEYS)}"
            findings.append(warning(file, "the key is not known", remedy, row=number, column=key))
        elif value and key in ("price_year", "made_up"):
            words = {"yes": "true", "no": "false"}
            lines.append(
                f"{key} = {words.get(value, value) if _is_plain(value) else json.dumps(value)}"
            )
        elif value and key:
            lines.append(f"{key} = {_quoted(value)}")
    if sources:
        lines.append(f"sources = [{', '.join(map(_quoted, sources))}]")
    if notes:
        lines += ["[plausible]", *notes]
    info, faults = parse_info("\n".join(lines), file)
    return info, findings + faults


def _is_plain(value: str) -> bool:
    return value.isdigit() or value in ("yes", "no", "true", "false")


def _quoted(value: str) -> str:
    import json

    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _notes(workbook: Workbook, styles: dict[str, Any]) -> None:
    sheet = workbook.add_worksheet(NOTES)
    sheet.set_column(0, 0, 110)
    sheet.write_string(0, 0, _NOTES[0], styles["title"])
    for row, note in enumerate(_NOTES[1:], start=2):
        sheet.write_string(row, 0, note, styles["wrap"])


def _info(workbook: Workbook, styles: dict[str, Any], info: PlaceInfo | None) -> None:
    sheet = workbook.add_worksheet(INFO)
    sheet.set_column(0, 0, 14, styles["text"])
    sheet.set_column(1, 1, 60, styles["text"])
    sheet.set_column(2, 2, 70)
    for j, head in enumerate(("key", "value", "meaning")):
        sheet.write_string(0, j, head, styles["must"])
    meanings = {
        "name": "name of the place",
        "crs": "projected coordinate system in metres of every coordinate",
        "price_year": "year of the prices",
        "sources": "one source a row; repeat the key for more",
        "licence": "licence of the data",
        "made_up": "yes if the place is fictional",
    }
    given = asdict(info) if info is not None else {**asdict(PlaceInfo("")), "sources": ("", "")}
    row = 1
    for key in _TOML_KEYS:
        values = given[key] if key == "sources" else (given[key],)
        for value in values or ("",):
            sheet.write_string(row, 0, key)
            sheet.write_string(row, 1, value_text(value), styles["text"])
            sheet.write_string(row, 2, meanings[key])
            if key == "made_up":
                sheet.data_validation(row, 1, row, 1, {"validate": "list", "source": ["yes", "no"]})
            row += 1
    for name, reason in (info.plausible if info is not None else {}).items():
        sheet.write_string(row, 0, _NOTE_PREFIX + name)
        sheet.write_string(row, 1, reason, styles["text"])
        sheet.write_string(row, 2, "why a number that looks like a slip is right")
        row += 1


def _table(
    workbook: Workbook, styles: dict[str, Any], table: str, columns: tuple[Column, ...],
    place: Place | None,
) -> None:  # fmt: skip
    sheet = workbook.add_worksheet(table)
    sheet.freeze_panes(1, 1)
    last = ROWS_TO_FILL
    for j, column in enumerate(columns):
        text = column.type in ("id", "text", "boolean")
        sheet.set_column(j, j, max(12, len(column.name) + 2), styles["text" if text else "number"])
        sheet.write_string(0, j, column.name, styles["must" if column.required else "may"])
        sheet.write_comment(0, j, _description(column), {"x_scale": 2})
        sheet.data_validation(1, j, last, j, _validation(column))
    if place is not None:
        frame = place.tables[table]
        for j, column in enumerate(columns):
            number = column.type in ("number", "integer")
            for i, cell in enumerate(texts_of(frame[column.name]), start=1):
                _write(sheet, i, j, cell, number, styles)


def _write(
    sheet: Worksheet, i: int, j: int, cell: str, number: bool, styles: dict[str, Any]
) -> None:
    """Write one cell; a number whose 17th digit matters is written as text to keep it."""
    if cell == "":
        return
    if number and float(f"{float(cell):.16G}") == float(cell):
        sheet.write_number(i, j, float(cell), styles["number"])
    else:
        sheet.write_string(i, j, cell, styles["text"])


def _validation(column: Column) -> dict[str, Any]:
    """The validation of a column: drop-downs and limits, with a message when a cell is selected."""
    shown = {"input_title": column.name[:32], "input_message": _description(column)[:255]}
    if column.choices:
        return {"validate": "list", "source": list(column.choices), **shown}
    if column.type == "boolean":
        return {"validate": "list", "source": ["yes", "no"], **shown}
    if column.references:
        other, key = column.references
        position = [c.name for c in dictionary()[other]].index(key)
        letter = chr(ord("A") + position)
        source = f"='{other}'!${letter}$2:${letter}${ROWS_TO_FILL + 1}"
        return {"validate": "list", "source": source, "error_type": "warning",
                "error_message": f"{other} has no such {key}", **shown}  # fmt: skip
    if column.type in ("number", "integer"):
        kind = "decimal" if column.type == "number" else "integer"
        return {"validate": kind, "criteria": "between",
                "minimum": column.minimum, "maximum": column.maximum,
                "error_message": f"give a {kind} from {column.range_in_words}",
                **shown}  # fmt: skip
    return {"validate": "any", **shown}


def _description(column: Column) -> str:
    """The meaning, unit and an example of a column."""
    unit = f" [{column.unit}]" if column.unit else ""
    need = "Must be filled." if column.required else ""
    if column.default:
        need = f"Empty means {column.default}."
    return f"{column.meaning}{unit}. Example: {example_value(column)}. {need}".strip()


def example_value(column: Column) -> str:
    """An example of a value of the column."""
    if column.name in _EXAMPLES:
        return _EXAMPLES[column.name]
    if column.choices:
        return column.choices[0]
    if column.type == "boolean":
        return "no"
    if column.type == "id":
        return column.name.removesuffix("_id") + "-01"
    if column.type == "text":
        return "any text"
    if column.unit == "year":
        return "2025"
    if column.unit == "share":
        return "0.25"
    high = column.maximum or 0.0
    return f"{high if high <= 100 else 120:g}"


_EXAMPLES = {
    "zone_id": "E01006074", "building_id": "100012345678", "service_id": "library",
    "x_m": "376675", "y_m": "387859", "population": "1660", "kind": "library",
    "floor_area_m2": "850", "running_cost_fixed_gbp_per_year": "45000",
    "amount_gbp": "125000", "outcome_id": "school_ready", "name": "Central Library",
    "unit": "% of children school-ready", "building_kind": "library",
}  # fmt: skip


def _columns_sheet(workbook: Workbook, styles: dict[str, Any]) -> None:
    sheet = workbook.add_worksheet(COLUMNS)
    heads = ("table", "column", "type", "unit", "required", "default", "allowed", "example",
             "meaning")  # fmt: skip
    for j, (head, width) in enumerate(zip(heads, (16, 34, 9, 14, 9, 12, 34, 16, 90), strict=True)):
        sheet.set_column(j, j, width)
        sheet.write_string(0, j, head, styles["must"])
    sheet.freeze_panes(1, 2)
    row = 1
    for table, columns in dictionary().items():
        for column in columns:
            allowed = ", ".join(column.choices)
            if column.references:
                allowed = f"an id of {column.references[0]}"
            allowed = allowed or column.range_in_words
            cells = (
                table,
                column.name,
                column.type,
                column.unit,
                "yes" if column.required else "",
                column.default,
                allowed,
                example_value(column),
                column.meaning,
            )
            for j, cell in enumerate(cells):
                sheet.write_string(row, j, cell)
            row += 1
    sheet.autofilter(0, 0, row - 1, len(heads) - 1)
