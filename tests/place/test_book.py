"""The template workbook: made from the dictionary, read back unchanged, faults named."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner

from placeopt.base.errors import PlaceError
from placeopt.cli import app
from placeopt.place import check_files, dictionary, read_place, write_place, write_template
from tests.place.small import small_place


def test_the_template_has_every_column_with_its_validation(tmp_path: Path) -> None:
    """The template has every column with drop downs units and examples."""
    book = openpyxl.load_workbook(write_template(tmp_path / "fill.xlsx"))
    assert book.sheetnames == ["Notes", "place", *dictionary(), "Columns"]
    for table, columns in dictionary().items():
        assert [cell.value for cell in book[table][1]] == [column.name for column in columns]
    lists = {str(v.sqref): v for v in book["buildings"].data_validations.dataValidation}
    names = [column.name for column in dictionary()["buildings"]]
    letter = openpyxl.utils.get_column_letter
    status, agency = letter(names.index("status") + 1), letter(names.index("agency_id") + 1)
    assert lists[f"{status}2:{status}5001"].formula1 == '"open,vacant,candidate"'
    assert lists[f"{agency}2:{agency}5001"].formula1 == "'agencies'!$A$2:$A$5001"
    area = lists[f"{letter(names.index('floor_area_m2') + 1)}2:I5001"]
    assert "gross internal area [m2]. Example: 850" in area.prompt
    assert book["buildings"].column_dimensions["A"].number_format == "@"
    rows = list(book["Columns"].iter_rows(min_row=2, values_only=True))
    assert len(rows) == sum(map(len, dictionary().values()))
    assert all(row[7] and row[8] for row in rows)  # an example and a meaning each


def test_an_empty_template_lists_the_required_tables(tmp_path: Path) -> None:
    with pytest.raises(PlaceError, match="the place has neither an estate nor a budget"):
        read_place(write_template(tmp_path / "fill.xlsx"))


def test_text_ids_stay_text_and_faults_name_sheet_row_and_column(tmp_path: Path) -> None:
    path = write_place(small_place(), tmp_path / "one.xlsx")
    book = openpyxl.load_workbook(path)
    assert book["zones"]["A4"].value == "007"
    assert book["zones"]["A4"].number_format == "@"
    book["buildings"]["I3"] = -40
    book["buildings"]["E2"] = "A9"
    book["zones"]["D2"] = "£12"
    book.save(path)
    text = "\n".join(map(str, check_files(path)))
    assert "one.xlsx:buildings row 3: floor_area_m2 is '-40': this is below 0" in text
    assert "one.xlsx:buildings row 2: agency_id is 'A9': one.xlsx:agencies has no such" in text
    assert "one.xlsx:zones row 2: x_m is '£12': there is text in a number column" in text


def test_the_commands_write_and_read_it(tmp_path: Path) -> None:
    write_place(small_place(), tmp_path / "small")
    fill, out = str(tmp_path / "fill.xlsx"), str(tmp_path / "again")
    run = CliRunner().invoke
    done = run(app, ["place", "template", fill, "--place", str(tmp_path / "small")])
    assert done.exit_code == 0
    done = run(app, ["place", "read", fill, "--out", out])
    assert "Smallshire: 3 zones, 3 buildings" in done.output
    for file in (tmp_path / "small").iterdir():
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes()


def test_a_file_that_is_not_a_workbook_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "fill.xlsx").write_text("no workbook")
    assert "fill.xlsx: it cannot be read" in str(check_files(tmp_path / "fill.xlsx")[0])
