"""Cells without a value keep a text: never an empty cell, never a default."""

from __future__ import annotations

import zipfile
from pathlib import Path

import openpyxl
import pytest

from placeopt.base.errors import InputError
from placeopt.base.reading import CHUNK, open_workbook
from placeopt.base.sheets import NO_RESULT, sheet_cells
from placeopt.place import check_files, write_place
from placeopt.place.importer.mapping import SourceFile
from placeopt.place.importer.sources import read_source
from tests.place.small import small_place

HEAD = (
    '<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:calcext='
    '"urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0">'
    "<office:body><office:spreadsheet>"
)


def workbook(path: Path, values: dict[str, object]) -> Path:
    book = openpyxl.Workbook()
    for reference, value in values.items():
        book.active[reference] = value
    book.save(path)
    return path


def edited(path: Path, old: str, new: str) -> Path:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    assert old.encode() in parts[sheet]
    parts[sheet] = parts[sheet].replace(old.encode(), new.encode())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def cells(path: Path) -> list[list[object]]:
    book = open_workbook(path)
    return sheet_cells(path, book, book.sheet_names[0])


@pytest.mark.parametrize("error", ["#DIV/0!", "#N/A", "#REF!", "#VALUE!", "#NAME?", "#NUM!"])
def test_an_error_keeps_its_text(error: str, tmp_path: Path) -> None:
    path = workbook(tmp_path / "b.xlsx", {"A1": "id", "B1": "n", "A2": "b1", "B2": error, "C3": 7})
    assert cells(path) == [["id", "n", ""], ["b1", error, ""], ["", "", 7.0]]


def test_a_formula_without_a_result_keeps_its_formula(tmp_path: Path) -> None:
    path = workbook(tmp_path / "b.xlsx", {"A1": "n", "A2": "=1<2", "D4": '=HYPERLINK("x","y")'})
    read = cells(path)
    assert read[1] == [f"{NO_RESULT} =1<2", "", "", ""]
    assert read[3][3] == f'{NO_RESULT} =HYPERLINK("x","y")'


@pytest.mark.parametrize(
    ("stored", "value"),
    [("<v>5</v>", 5.0), ('t="str"><f>1</f><v></v>', ""), ("<v>0</v>", 0.0)],
    ids=["number", "empty text", "nought"],
)
def test_a_formula_with_a_result_is_read(stored: str, value: object, tmp_path: Path) -> None:
    path = workbook(tmp_path / "b.xlsx", {"A1": "=1", "B1": 3})
    if stored.startswith("t="):
        edited(path, "><f>1</f><v />", f" {stored}")
    else:
        edited(path, "<v />", stored)
    assert cells(path) == [[value, 3.0]]


def test_cells_far_down_and_without_references_are_found(tmp_path: Path) -> None:
    """Rows are counted where they state no number, over several pieces of the file."""
    path = workbook(tmp_path / "b.xlsx", {"A1": 1, "A2": 2})
    rows = "<row><c><v>1</v></c></row>" + " " * CHUNK
    rows += '<row><c><v>1</v></c><c t="e"><v>#N/A</v></c></row>'
    edited(path, "<sheetData>", f"<sheetData>{rows}<!--")
    edited(path, "</sheetData>", "--></sheetData>")
    assert cells(path) == [[1.0, ""], [1.0, "#N/A"]]


def test_an_opendocument_sheet_with_errors_is_refused(tmp_path: Path) -> None:
    """Its reader gives an error as empty, or as 0."""
    path = tmp_path / "b.ods"
    cell = '<table:table-cell office:value-type="{}" office:value="0"{}><text:p>{}</text:p>'
    cell += "</table:table-cell>"
    plain = cell.format("float", "", "0")
    bad = cell.format("float", ' calcext:value-type="error"', "#N/A")
    sheet = '<table:table table:name="{}"><table:table-row>{}</table:table-row></table:table>'
    body = sheet.format("good", plain) + sheet.format("bad &amp; new", bad)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        text = f"{HEAD}{body}</office:spreadsheet></office:body></office:document>"
        archive.writestr("content.xml", text)
        archive.writestr("META-INF/manifest.xml", "<m/>")
    book = open_workbook(path)
    assert sheet_cells(path, book, "good") == [[0.0]]
    with pytest.raises(InputError) as refused:
        sheet_cells(path, book, "bad & new")
    assert "b.ods:bad & new: 1 cells are a spreadsheet's error (#N/A)" in str(refused.value)


@pytest.mark.parametrize("reference", ["A0", "ZZZZZZ99999999999", "A1048576999", ""])
def test_a_cell_at_an_impossible_place_is_refused(reference: str, tmp_path: Path) -> None:
    path = workbook(tmp_path / "b.xlsx", {"A1": 1})
    edited(path, 'r="A1"', f'r="{reference}"')
    with pytest.raises(InputError, match=f"has a cell '{reference}', which no sheet has"):
        open_workbook(path)


def test_a_sheet_cut_short_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "b.xlsx", {"A1": 1, "A2": 2})
    edited(path, "</sheetData>", "<row r=")
    with pytest.raises(InputError, match=r"b\.xlsx:Sheet: the sheet cannot be read"):
        read_source(SourceFile(file="b.xlsx"), tmp_path, tmp_path)


def test_a_workbook_of_a_place_tells_them(tmp_path: Path) -> None:
    path = write_place(small_place(), tmp_path / "one.xlsx")
    book = openpyxl.load_workbook(path)
    heading = [cell.value for cell in book["buildings"][1]]
    column = {name: number for number, name in enumerate(heading, start=1)}
    book["buildings"].cell(2, column["capital_receipt_gbp"], "#DIV/0!")
    book["buildings"].cell(3, column["capital_receipt_gbp"], "=1000*500")
    book["buildings"].cell(2, column["name"], '=HYPERLINK("x","y")')
    book.save(path)
    text = "\n".join(map(str, check_files(path)))
    where = "one.xlsx:buildings row"
    assert f"{where} 2: capital_receipt_gbp is '#DIV/0!': this is a spreadsheet's error" in text
    assert f"{where} 3: capital_receipt_gbp is '#NO RESULT! =1000*500': the file holds this" in text
    assert f"{where} 2: name is '#NO RESULT! =HYPERLINK" in text
