"""Files as councils export them: read where one reading is possible, else a finding."""

from __future__ import annotations

from pathlib import Path

import pytest
import xlsxwriter

from placeopt.base.errors import PlaceError
from placeopt.place import Place, check_files, import_place, read_place
from placeopt.place.files.cells import (
    damaged_id,
    parse_year,
    plain_number,
    restore_id,
    share_of_percent,
)
from tests.place.small import change, small_folder

HEAD = "UPRN,Name,East,North,Area,Cost,Break\n"
ROW = "100012345678,Town Hall,450100,310100,900,45000,2030\n"
MAPPING = """
[place]
name = "Messyshire"
[source.zones]
file = "zones.csv"
[source.assets]
file = "FILE"
OPTIONS
[[table]]
table = "zones"
source = "zones"
columns = { zone_id = "code", x_m = "x", y_m = "y", population = "people" }
[[table]]
table = "buildings"
source = "assets"
[table.columns]
building_id = "UPRN"
name = "Name"
kind = { value = "hall" }
x_m = "East"
y_m = "North"
floor_area_m2 = "Area"
running_cost_fixed_gbp_per_year = "Cost"
lease_break_year = "Break"
tenure = { value = "leasehold" }
[[table]]
table = "services"
rows = [{ service_id = "advice" }]
assumption = { rule = "one service" }
[[table]]
table = "hosting"
source = "assets"
columns = { building_id = "UPRN", service_id = { value = "advice" } }
[[table]]
table = "demand_rates"
rows = [{ service_id = "advice", age_band = "all", visits_per_person_per_year = 1 }]
assumption = { rule = "one visit" }
"""


def brought_in(
    folder: Path, content: bytes | str, file: str = "assets.csv", options: str = "", **change: str
) -> tuple[Place, str]:
    """The place imported from a file of assets with this content, and its warnings as one text."""
    if content:
        data = content if isinstance(content, bytes) else content.encode()
        (folder / file).write_bytes(data)
    (folder / "zones.csv").write_text("code,x,y,people\nZ1,450000,310000,900\n")
    mapping = MAPPING.replace("FILE", file).replace("OPTIONS", options)
    for old, new in change.items():
        mapping = mapping.replace(f'"{old}"', f'"{new}"')
    (folder / "mapping.toml").write_text(mapping)
    report = import_place(folder / "mapping.toml", folder / "out")
    return read_place(folder / "out"), "\n".join(map(str, report.findings))


def refusal(folder: Path, content: str, **options: str) -> str:
    with pytest.raises(PlaceError) as stop:
        brought_in(folder, content, **options)
    assert not (folder / "out").exists()
    return str(stop.value)


def test_windows_1252_is_read_and_reported(tmp_path: Path) -> None:
    content = (HEAD + ROW.replace("Town Hall", "Café – Hall")).encode("cp1252")
    place, said = brought_in(tmp_path, content)
    assert place.buildings["name"].tolist() == ["Café – Hall"]
    assert "assets.csv: the file is not UTF-8 (line 2, byte 0xe9) and was read as Windows" in said


def test_bytes_of_no_encoding_are_refused(tmp_path: Path) -> None:
    (tmp_path / "assets.csv").write_bytes((HEAD + ROW).encode() + b"\x81\x8d,\xff\n")
    assert "neither UTF-8 nor Windows-1252 (line 3, byte 0x81)" in refusal(tmp_path, "")


def test_utf_16_is_read_and_reported(tmp_path: Path) -> None:
    place, said = brought_in(tmp_path, (HEAD + ROW).encode("utf-16"))
    assert len(place.buildings) == 1
    assert "assets.csv: the file is in UTF-16 and was read as such" in said


def test_non_breaking_spaces_become_spaces(tmp_path: Path) -> None:
    content = (HEAD + ROW.replace("Town Hall", "\u00a0Town\u00a0Hall\u200b")).encode(
        "cp1252", "ignore"
    )
    place, said = brought_in(tmp_path, content)
    assert place.buildings["name"].tolist() == ["Town Hall"]
    assert "assets.csv row 2: 1 cells have non-breaking or zero-width spaces" in said


def test_line_ends_inside_cells_become_one_line(tmp_path: Path) -> None:
    rows = ROW.replace("Town Hall", '"Town Hall,\r\nHigh Street\n\n"') + ROW.replace("678", "999")
    place, said = brought_in(tmp_path, HEAD + rows)
    assert place.buildings["name"].tolist() == ["Town Hall, High Street", "Town Hall"]
    assert "assets.csv row 2: 1 cells have line ends inside, read as one line" in said


def test_duplicate_headings_are_numbered(tmp_path: Path) -> None:
    content = HEAD.replace("Break", "Cost") + ROW
    text = refusal(tmp_path, content, Break="Cost")
    assert "Cost the source has no such column" in text
    assert "did you mean 'Cost (" in text
    place, said = brought_in(tmp_path, content, Cost="Cost (1)", Break="Cost (2)")
    assert place.buildings["lease_break_year"].tolist() == [2030]
    assert (
        "assets.csv row 1: Cost the heading stands 2 times; this one is called 'Cost (2)'" in said
    )


def test_repeated_headings_with_equal_cells_are_read_once(tmp_path: Path) -> None:
    """Repeated headings with the same cells are read once."""
    content = HEAD.strip() + ",Cost\n" + ROW.strip() + ",45000\n"
    _, said = brought_in(tmp_path, content)
    assert "Cost the heading stands 2 times with the same cells, read once" in said


def test_a_byte_order_mark_is_no_part_of_the_first_heading(tmp_path: Path) -> None:
    place, said = brought_in(tmp_path, (HEAD + ROW).encode("utf-8-sig"))
    assert place.buildings["building_id"].tolist() == ["100012345678"]
    assert "the byte-order mark at the start was taken off the first heading" in said


def test_pound_signs_and_thousands_separators_are_read(tmp_path: Path) -> None:
    row = '1,Hall,"450,100",310100,"1,900.5","£45,000.25",2030\n'
    place, said = brought_in(tmp_path, HEAD + row)
    building = place.buildings.iloc[0]
    assert (building["floor_area_m2"], building["x_m"]) == (1900.5, 450100)
    assert building["running_cost_fixed_gbp_per_year"] == 45000.25
    assert "row 2: Cost is '£45,000.25': 1 cells were read as plain values, this one" in said


@pytest.mark.parametrize("cell", ["45.000,00", "£45k", "about 45000", "45 000", "-", "n/a", "(1"])
def test_amounts_that_need_a_guess_are_findings(tmp_path: Path, cell: str) -> None:
    text = refusal(tmp_path, HEAD + ROW + f'2,Hut,450100,310100,90,"{cell}",\n')
    assert f"assets.csv row 3: Cost is '{cell}': there is text where a number is needed" in text


def test_a_spreadsheets_errors_are_findings(tmp_path: Path) -> None:
    text = refusal(tmp_path, HEAD + ROW.replace("45000", "#REF!"))
    assert "assets.csv row 2: Cost is '#REF!': this is a spreadsheet's error, not a value" in text


def test_words_the_mapping_calls_missing_are_empty(tmp_path: Path) -> None:
    content = HEAD + ROW.replace("2030", "n/a")
    place, said = brought_in(tmp_path, content, options='missing = ["n/a"]')
    assert place.buildings["lease_break_year"].isna().all()
    assert "1 cells that the mapping calls missing were read as empty" in said


@pytest.mark.parametrize("cell", ["31/03/2030", "2030-03-31T00:00:00", "31 March 2030"])
def test_the_year_of_a_date_is_read(tmp_path: Path, cell: str) -> None:
    place, said = brought_in(tmp_path, HEAD + ROW.replace("2030", cell))
    assert place.buildings["lease_break_year"].tolist() == [2030]
    assert f"Break is '{cell}': 1 cells were read as plain values, this one as 2030" in said


def test_identifiers_a_spreadsheet_shortened_are_findings(tmp_path: Path) -> None:
    text = refusal(tmp_path, HEAD + ROW + ROW.replace("100012345678", "1.00012E+11"))
    assert ("row 3: UPRN is '1.00012E+11': a spreadsheet has shortened this number and its "
            "last digits are lost; take the id from the source") in text  # fmt: skip


def test_identifiers_made_dates_are_findings(tmp_path: Path) -> None:
    text = refusal(tmp_path, HEAD + ROW.replace("100012345678", "03-Mar"))
    assert "UPRN is '03-Mar': a spreadsheet has made a date of this id" in text


def test_identifiers_that_kept_their_digits_are_read(tmp_path: Path) -> None:
    place, said = brought_in(tmp_path, HEAD + ROW.replace("100012345678", "1.00012345678E+11"))
    assert place.buildings["building_id"].tolist() == ["100012345678"]
    assert "UPRN is '1.00012345678E+11': 1 cells were read as plain values" in said


def test_degrees_are_findings(tmp_path: Path) -> None:
    text = refusal(tmp_path, HEAD + ROW.replace("450100,310100", "-1.25,52.68"))
    assert "x_m is '-1.25, 52.68': this looks like degrees, not metres; reproject to" in text


def test_easting_and_northing_swapped_are_seen_beside_the_zones(tmp_path: Path) -> None:
    text = refusal(tmp_path, HEAD + ROW.replace("450100,310100", "310100,450100"))
    assert "x_m is '310100, 450100': easting and northing look swapped: far from every zone" in text


def test_a_row_of_totals_is_left_out_when_it_is_one(tmp_path: Path) -> None:
    rows = ROW + ROW.replace("678", "999") + ',Grand total:,,,"1,800","£90,000",\n\n'
    rows += "Source: property system extract of 1 April,,,,,,\n"
    place, said = brought_in(tmp_path, HEAD + rows)
    assert len(place.buildings) == 2
    assert "row 4: the row of totals at the bottom is no record and was left out" in said
    assert "row 6: the last row is a note and no record: 'Source: property system" in said
    assert "1 empty rows were passed over" in said


def test_a_total_that_does_not_add_up_is_a_finding(tmp_path: Path) -> None:
    text = refusal(tmp_path, HEAD + ROW + ",Total,,,900,95000,\n")
    assert ("assets.csv row 3: the row calls itself a total but is not: Cost 95000, the rows above "
            "sum to 45000") in text  # fmt: skip


def test_merged_heading_cells_of_a_workbook_are_read(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "assets.xlsx"))
    sheet = book.add_worksheet()
    sheet.write("A1", "Land and buildings of the council")
    for column, name in enumerate(["UPRN", "Name"]):
        sheet.merge_range(1, column, 2, column, name)
    sheet.merge_range("C2:D2", "Map reference")
    sheet.merge_range("E2:G2", "Building")
    sheet.write_row("C3", ["East", "North", "Area", "Cost", "Break"])
    sheet.write_row("A4", ["100012345678", "Town Hall", 450100, 310100, 900, 45000, 2030])
    book.close()
    named = {"East": "Map reference East", "North": "Map reference North",
             "Area": "Building Area", "Cost": "Building Cost",
             "Break": "Building Break"}  # fmt: skip
    place, said = brought_in(tmp_path, "", "assets.xlsx", "heading_row = 2", **named)
    assert place.buildings["floor_area_m2"].tolist() == [900]
    assert "row 2: the heading has 2 rows with merged cells, read as 'UPRN', 'Name', 'Map" in said


def test_merged_heading_cells_of_a_text_file_are_asked_for(tmp_path: Path) -> None:
    content = "UPRN,Name,Map,,Building,,\n,,East,North,Area,Cost,Break\n" + ROW
    text = refusal(tmp_path, content)
    assert "assets.csv row 1: column 4 has values but no heading" in text
    assert "give heading_rows = 2 in the mapping" in text
    named = {"East": "Map East", "North": "Map North", "Area": "Building Area",
             "Cost": "Building Cost", "Break": "Building Break"}  # fmt: skip
    place, _ = brought_in(tmp_path, content, options="heading_rows = 2", **named)
    assert place.buildings["x_m"].tolist() == [450100]


def test_findings_name_the_row_of_the_file_below_a_title(tmp_path: Path) -> None:
    content = f"Our assets,,,,,,\n,,,,,,\n{HEAD}{ROW}\n" + ROW.replace("45000", "x")
    text = refusal(tmp_path, content, options="heading_row = 3")
    assert "assets.csv row 6: Cost is 'x'" in text


def test_values_damaged_by_a_spreadsheet_are_refused(tmp_path: Path) -> None:
    """A place's own files are not reread as those of an import are."""
    folder = small_folder(tmp_path / "place")
    change(folder, "zones", 2, "zone_id", "1.00012E+11")
    text = "\n".join(map(str, check_files(folder)))
    assert "zones.csv row 2: zone_id is '1.00012E+11': a spreadsheet has shortened" in text


def test_cells_are_read_in_one_way_or_not_at_all() -> None:
    good = {"£1,234.50": "1234.50", "(1,000)": "-1000", "-£5": "-5", "£-5": "-5", "12": "12"}
    assert {cell: plain_number(cell) for cell in good} == good
    for cell in ("1,23", "1,2345", "1.234,5", "(-5)", "£", "5)", "1e5", "١"):
        assert plain_number(cell) is None
    assert share_of_percent("12.5 %") == "0.125"
    assert [parse_year("2025/26", financial=True), parse_year("2025/26")] == ["2025", None]
    assert parse_year("2025/27", financial=True) is None
    assert [restore_id("1007.0"), restore_id("1E5"), restore_id("12.50")] == ["1007", None, None]
    assert [damaged_id("1E5"), damaged_id("03/04")] == [None, None]  # may well be ids
