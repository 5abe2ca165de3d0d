"""Each kind of bad input: one test with the finding it gives."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from placeopt.base.errors import PlaceError, finding_lines
from placeopt.place import check, check_files, read_place
from tests.place.small import change, small_folder, small_place


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return small_folder(tmp_path / "small")


def messages(folder: Path) -> list[str]:
    return [f"{finding.severity}: {finding}" for finding in check_files(folder)]


def test_the_small_place_is_without_fault(folder: Path) -> None:
    assert check(small_place()) == []
    assert messages(folder) == []


# table, row, column, value put there, the whole finding
ONE_CELL = [
    ("buildings", 3, "floor_area_m2", "-40",
     "error: buildings.csv row 3: floor_area_m2 is '-40': this is below 0; "
     "give a number in m2 from 0 to 10,000,000, digits only, for example 1234.5"),
    ("buildings", 2, "floor_area_m2", "1,234",
     "error: buildings.csv row 2: floor_area_m2 is '1,234': there is text in a number column; "
     "give a number in m2 from 0 to 10,000,000, digits only, for example 1234.5"),
    ("zones", 4, "population", "£12",
     "error: zones.csv row 4: population is '£12': there is text in a number column; "
     "give a number in persons from 0 to 1,000,000,000, digits only, for example 1234.5"),
    ("zones", 2, "population", "nan",
     "error: zones.csv row 2: population is 'nan': there is text in a number column; "
     "give a number in persons from 0 to 1,000,000,000, digits only, for example 1234.5"),
    ("zones", 2, "population", "",
     "error: zones.csv row 2: population the cell is empty; "
     "give a number in persons from 0 to 1,000,000,000, digits only, for example 1234.5"),
    ("zones", 2, "without_car_share", "1.2",
     "error: zones.csv row 2: without_car_share is '1.2': this is above 1; "
     "give a number in share from 0 to 1, digits only, for example 0.25"),
    ("buildings", 2, "usable_share", "85",
     "error: buildings.csv row 2: usable_share is '85': this is above 1; "
     "give a number in share from 0 to 1, digits only, for example 0.25; 85 per cent is 0.85"),
    ("buildings", 2, "lease_break_year", "01/04/2028",
     "error: buildings.csv row 2: lease_break_year is '01/04/2028': this is not a whole number; "
     "give a whole number from 1900 to 2200, digits only, for example 2025; of this date only "
     "the year, 2028"),
    ("zones", 2, "deprivation_quintile", "2.5",
     "error: zones.csv row 2: deprivation_quintile is '2.5': this is not a whole number; "
     "give a whole number from 1 to 5, digits only, for example 5"),
    ("buildings", 2, "status", "opne",
     "error: buildings.csv row 2: status is 'opne': this is not one of the choices; "
     "give one of open, vacant, candidate"),
    ("buildings", 2, "listed", "maybe",
     "error: buildings.csv row 2: listed is 'maybe': this is neither yes nor no; "
     "give yes or no"),
    ("zones", 3, "zone_id", "Z1",
     "error: zones.csv row 3: zone_id is 'Z1': the same zone_id stands already in row 2; "
     "give every record its own, or delete one"),
    ("hosting", 3, "building_id", "B22",
     "error: hosting.csv row 3: building_id is 'B22': buildings.csv has no such building_id; "
     "add it there or correct it, did you mean 'B2'?"),
    ("zones", 2, "zone_id", "Z1 ",
     "error: zones.csv row 2: zone_id is 'Z1 ': the id has spaces around it; "
     "give its id without spaces around it"),
    ("hosting", 3, "building_id", "B3",
     "error: hosting.csv row 3: building_id is 'B3': lib is hosted in a closed building "
     "(its status is vacant); set the building's status to open, or delete the hosting row"),
    ("zones", 3, "population", "0",
     "warning: zones.csv row 3: population is '0': the zone has no people; "
     "give its residents, or leave the zone out"),
    ("buildings", 2, "floor_area_m2", "50",
     "warning: buildings.csv row 2: floor_area_m2 is '50': what it hosts today needs 60 m2, "
     "usable are 40; correct the floor area, the usable share or the areas in hosting"),
    ("demand", 2, "service_id", "team",
     "warning: services.csv row 4: service_id is 'team': a back office has visits; "
     "delete its visits, or set back_office to no"),
    ("compatibility", 3, "service_b", "desk",
     "error: compatibility.csv row 3: relation is 'never': lib and desk may never share a roof, "
     "yet must (perhaps through other services); delete one of the relations"),
    ("compatibility", 2, "service_b", "lib",
     "error: compatibility.csv row 2: relation is 'must': lib is paired with itself; "
     "name two services"),
    ("tiers", 2, "max_services", "0",
     "error: tiers.csv row 2: max_services is '0': this is below 1; "
     "give a whole number from 1 to 1,000,000, digits only, for example 3"),
    ("suitability", 2, "building_kind", "libary",
     "warning: suitability.csv row 2: building_kind is 'libary': no building is of this kind; "
     "use the kinds of the buildings table"),
    ("buildings", 2, "lease_break_year", "2030",
     "warning: buildings.csv row 2: lease_break_year is '2030': a freehold has no lease to "
     "break; correct the tenure or leave it empty"),
    ("buildings", 2, "lease_break_every_years", "5",
     "warning: buildings.csv row 2: lease_break_every_years is '5': no first break date is "
     "stated; give lease_break_year or leave it empty"),
    ("buildings", 2, "receipt_clawback_share", "0.99",
     "error: buildings.csv row 2: receipt_clawback_share is '0.99': sale_cost_share and "
     "receipt_clawback_share add up to 1.02; let them add up to at most 1"),
    ("buildings", 3, "lease_break_year", "2019",
     "warning: buildings.csv row 3: lease_break_year is '2019': this date is past, so the lease "
     "is taken to end at no cost in any year; give the next date, or lease_break_every_years (0 "
     "for one date only)"),
    ("buildings", 3, "capital_receipt_gbp", "100000",
     "warning: buildings.csv row 3: capital_receipt_gbp is '100000': only a freehold is sold: "
     "this receipt is not counted; correct the tenure or give 0"),
    ("buildings", 4, "kind", "libary",
     "warning: buildings.csv row 4: kind is 'libary': suitability has no such kind, so nothing "
     "may move in; correct the kind, or add it to suitability, did you mean 'library'?"),
    ("spending", 2, "programme_id", "P2",
     "error: spending.csv row 2: stream_id is 'S1': the ring-fenced stream may not pay for P2; "
     "add the pair to stream_programmes, or correct the spending"),
    ("spending", 3, "amount_gbp", "7000",
     "warning: stream_amounts.csv row 3: amount_gbp is '5000.00': S2 paid 7000.00 in 2025, "
     "2000.00 more than it has; correct the amount or the spending"),
    ("spending", 3, "year", "2024",
     "warning: stream_amounts.csv: year is '2024': S2 paid 4000.10 in 2024, but no amount is "
     "stated; state what it brought in"),
    ("programmes", 2, "statutory_floor_gbp_per_year", "9500",
     "error: programmes.csv row 2: statutory_floor_gbp_per_year is '9500.00': the statutory "
     "floor is above the maximum of 9000.00; correct one of the two"),
    ("outcomes", 2, "target", "50",
     "error: outcomes.csv row 2: target is '50': the target is worse than the standard 55 "
     "(higher is better); correct one of the two, or the direction"),
    ("outcomes", 3, "minimum_standard", "8",
     "warning: outcomes.csv row 3: minimum_standard is '8': today's value 9 already misses the "
     "minimum standard; check the standard and the direction"),
    ("curves", 3, "scale_gbp", "",
     "error: curves.csv row 3: scale_gbp a curve of form hill needs it; give a number"),
    ("curves", 3, "form", "points",
     "error: curves.csv row 3: form is 'points': a curve of points needs at least two; "
     "give them in curve_points"),
    ("curve_points", 3, "outcome_id", "O2",
     "error: curve_points.csv row 3: programme_id is 'P1': curves has no curve of form points "
     "for P1 and O2; add it there, or delete the point"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "row", "column", "value", "finding"), ONE_CELL)
def test_one_bad_cell_is_found(
    folder: Path, table: str, row: int, column: str, value: str, finding: str
) -> None:
    change(folder, table, row, column, value)
    assert finding in messages(folder)


def test_errors_stop_reading_and_warnings_do_not(folder: Path) -> None:
    change(folder, "zones", 3, "population", "0")
    change(folder, "zones", 3, "people_0_4", "0")
    assert len(read_place(folder).zones) == 3
    change(folder, "zones", 2, "population", "many")
    change(folder, "buildings", 2, "status", "gone")
    with pytest.raises(PlaceError) as stop:
        read_place(folder)
    assert [str(finding).split(":")[0] for finding in stop.value.findings] == [
        "buildings.csv row 2",
        "zones.csv row 2",
    ]


def test_degrees_are_refused_with_the_remedy(folder: Path) -> None:
    change(folder, "zones", 2, "x_m", "-0.65")
    change(folder, "zones", 2, "y_m", "52.7")
    assert messages(folder) == [
        "error: zones.csv row 2: x_m is '-0.65, 52.7': this looks like degrees, not metres; "
        "reproject to EPSG:27700 (QGIS: Vector > Reproject layer) and give metres"
    ]


def test_easting_and_northing_swapped_are_seen(folder: Path) -> None:
    change(folder, "buildings", 2, "x_m", "910100")
    change(folder, "buildings", 2, "y_m", "450100")
    found = messages(folder)
    assert found == [
        "error: buildings.csv row 2: x_m is '910100, 450100': easting and northing look swapped; "
        "put easting in x_m, northing in y_m"
    ]


def test_a_place_in_degrees_is_refused(folder: Path) -> None:
    toml = folder / "place.toml"
    toml.write_text(toml.read_text().replace("EPSG:27700", "EPSG:4326"))
    assert messages(folder) == [
        "error: place.toml: crs is 'EPSG:4326': the system measures in degree, not in metres; "
        'give a projected system in metres, for example crs = "EPSG:27700"'
    ]


def test_a_missing_column_and_its_misspelt_name_are_found(folder: Path) -> None:
    path = folder / "zones.csv"
    path.write_text(path.read_text().replace("population", "popualtion", 1))
    assert messages(folder) == [
        "error: zones.csv: popualtion the column is not in the dictionary and is not read; "
        "rename or remove it, did you mean 'population'?",
        "error: zones.csv: population the column is missing; add it: residents of all ages",
    ]


def test_a_misspelt_optional_column_is_an_error(
    folder: Path,
) -> None:
    """Otherwise every outcome would have weight 1, against the file."""
    path = folder / "outcomes.csv"
    path.write_text(path.read_text().replace("weight", "wieght", 1))
    assert messages(folder) == [
        "error: outcomes.csv: wieght the column is not in the dictionary and is not read; "
        "rename or remove it, did you mean 'weight'?",
    ]
    path.write_text(path.read_text().replace("wieght", "colour", 1))
    assert messages(folder) == [
        "warning: outcomes.csv: colour the column is not in the dictionary and is not read; "
        "rename or remove it",
    ]


def test_a_missing_table_and_its_misspelt_file_are_found(folder: Path) -> None:
    (folder / "hosting.csv").rename(folder / "hostings.csv")
    found = messages(folder)
    assert (
        "error: hosting.csv: the estate has no records of this table; "
        "give hosting beside zones, buildings, services"
    ) in found
    assert (
        "warning: hostings.csv: the file is not a table of the dictionary and is not read; "
        "rename or move it, did you mean 'hosting'?"
    ) in found


def test_demand_for_a_service_nobody_hosts_is_a_warning(folder: Path) -> None:
    path = folder / "hosting.csv"
    path.write_text("\n".join(line for line in path.read_text().splitlines() if "lib" not in line))
    assert messages(folder) == [
        "warning: services.csv row 2: service_id is 'lib': the service has visits but no "
        "building hosts it; give its hosts in hosting"
    ]


def test_rates_need_the_people_of_that_age(folder: Path) -> None:
    change(folder, "zones", 2, "people_16_64", "")
    assert messages(folder) == [
        "error: demand_rates.csv row 2: age_band is '16_64': 1 zones do not state people_16_64, "
        "which the rate needs; fill people_16_64 in zones, or give a rate for age_band all"
    ]


def test_a_place_without_people_is_an_error(folder: Path) -> None:
    for row in (2, 3, 4):
        change(folder, "zones", row, "population", "0")
    assert "error: zones.csv: population no zone has any people; give residents" in messages(folder)


def test_missing_travel_times_are_named(folder: Path) -> None:
    (folder / "minutes.csv").write_text(
        "zone_id,building_id,minutes\nZ1,B1,5\nZ2,B1,-4\nZ1,B2,\n007,B9,3\n"
    )
    found = messages(folder)
    assert (
        "warning: minutes.csv: building_id is 'B3': there are no minutes for this one of "
        "buildings; measure again with all of them"
    ) in found
    assert (
        "warning: minutes.csv: building_id is 'B9': buildings has no such building_id; "
        "delete it or correct it, did you mean 'B3'?"
    ) in found or any("'B9'" in line for line in found)
    assert (
        "error: minutes.csv row 3: minutes is '-4': this is no number of minutes; "
        "give 0 or more, or leave it empty where there is no way"
    ) in found


def test_uneven_and_empty_rows_are_named_once(folder: Path) -> None:
    (folder / "districts.csv").write_text("district_id,name\nD1,West,East\n,\nD2\nD3,North\n")
    assert messages(folder) == [
        "error: districts.csv row 2: the row has 3 cells under 2 headings; "
        "give one cell for each heading; put text with commas in double quotes",
        "error: districts.csv row 3: the row is empty; delete the row",
        "error: districts.csv row 4: the row has 1 cells under 2 headings; "
        "give one cell for each heading; put text with commas in double quotes",
    ]


def test_doubled_and_missing_headings_are_named(folder: Path) -> None:
    (folder / "districts.csv").write_text("district_id,name,name,\nD1,West,East,x\n")
    assert messages(folder) == [
        "error: districts.csv row 1: column 4 has no heading; give its name in row 1",
        "error: districts.csv row 1: name the heading stands twice; "
        "name every column once; only the first one is read",
    ]


def test_bytes_that_are_not_utf8_are_named(folder: Path) -> None:
    (folder / "districts.csv").write_bytes("district_id,name\nD1,Caf\u00e9\n".encode("cp1252"))
    assert messages(folder) == [
        "error: districts.csv row 2: line 2 is not UTF-8 (byte 0xe9); save the file as CSV UTF-8"
    ]


def test_a_byte_order_mark_is_no_fault(folder: Path) -> None:
    path = folder / "zones.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert messages(folder) == []
    assert read_place(folder).zones["zone_id"].tolist() == ["Z1", "Z2", "007"]


def test_place_toml_is_checked_line_by_line(folder: Path) -> None:
    (folder / "place.toml").write_text('nmae = "x"\ncrs = "EPSG:27700"\nprice_year = "2025"\n')
    assert messages(folder) == [
        'error: place.toml: name the name is missing; write for example name = "Marlshire"',
        "error: place.toml row 3: price_year is '2025': this is not a whole number; "
        "write for example price_year = 2025",
        "warning: place.toml row 1: nmae the key is not known; remove it, did you mean 'name'?",
    ]
    (folder / "place.toml").write_text("name = \n")
    assert messages(folder)[0].startswith("error: place.toml row 1: this is not TOML")
    (folder / "place.toml").unlink()
    assert messages(folder)[0].startswith("error: place.toml: the file is missing")


def test_a_path_that_is_not_a_place_is_reported(tmp_path: Path) -> None:
    assert "there is nothing here" in str(check_files(tmp_path / "nowhere")[0])
    (tmp_path / "x.txt").write_text("x")
    assert "this is no place" in str(check_files(tmp_path / "x.txt")[0])
    (tmp_path / "x.gpkg").write_text("x")
    assert "is no GeoPackage" in str(check_files(tmp_path / "x.gpkg")[0])
    (tmp_path / "empty").mkdir()
    assert any("neither an estate nor" in str(f) for f in check_files(tmp_path / "empty"))


def test_frames_made_by_a_program_are_checked_too() -> None:
    place = small_place()
    buildings = place.buildings.assign(floor_area_m2=["900", "x", "300"])
    assert [str(finding) for finding in check(place.replace(buildings=buildings))] == [
        "buildings.csv: floor_area_m2 the column is of type str; make it number, as read_place does"
    ] or "of type" in str(check(place.replace(buildings=buildings))[0])
    fewer = place.zones.drop(columns="population")
    assert "population the column is missing" in str(check(place.replace(zones=fewer))[0])


def test_ids_stay_text_and_defaults_are_filled(folder: Path) -> None:
    place = read_place(folder)
    assert place.zones["zone_id"].tolist() == ["Z1", "Z2", "007"]
    assert place.buildings["tenure"].tolist() == ["freehold", "leasehold", "freehold"]
    assert place.services["back_office"].tolist() == [False, False, True]
    assert place.buildings["lease_break_year"].isna().tolist() == [True, False, True]
    assert isinstance(place.zones, pd.DataFrame)


def test_thousands_among_pounds_are_seen(data: Path) -> None:
    place = read_place(data / "families")
    assert not [f for f in check(place) if "thousands" in f.remedy or "a unit" in f.remedy]
    spending = place.spending.copy()
    homes = spending["programme_id"] == "care_homes"
    spending.loc[homes, "amount_gbp"] /= 1000
    found = [
        str(f) for f in check(place.replace(spending=spending)) if "unit_cost" in str(f.column)
    ]
    # 420 children, 10 to a home: 42 homes of 450,000
    assert found == [
        "provision.csv row 2: unit_cost_gbp_per_year is '450000': today's 42 units cost "
        "18900000.00, but care_homes spends 18900.00; correct the cost of a unit, or the spending"
    ]
    amounts = place.stream_amounts.copy()
    amounts.loc[1, "amount_gbp"] /= 1000
    (said,) = [f for f in check(place.replace(stream_amounts=amounts)) if "thousand" in f.remedy]
    assert (said.row, said.value) == (3, "25400")


def test_a_kind_that_is_only_somewhat_like_another_is_no_slip(folder: Path) -> None:
    change(folder, "suitability", 2, "building_kind", "police_station")
    change(folder, "buildings", 4, "kind", "fire_station")
    assert not [line for line in messages(folder) if "buildings.csv" in line]


def test_semicolons_are_one_fault_and_cells_are_still_read(folder: Path) -> None:
    """Otherwise every column of the file would be missing, and every reference to its ids."""
    path = folder / "zones.csv"
    path.write_text(path.read_text().replace("“Street”", "").replace(",", ";"))
    text = "error: zones.csv row 1: the cells are separated by semicolons; save the file with "
    text += "commas between the cells (and points in numbers)"
    assert messages(folder) == [text]


def test_a_fault_in_many_rows_is_counted_after_the_first(folder: Path) -> None:
    """For example coordinates in degrees in all zones; ``--json`` lists them all."""
    path = folder / "zones.csv"
    first, *rest = path.read_text().splitlines()
    more = [rest[0].replace("Z1", f"Y{n}", 1).replace("450000", "-1.05") for n in range(60)]
    more = [line.replace("310000", "52.6") for line in more]
    path.write_text("\n".join([first, *rest, *more]))
    lines = finding_lines(check_files(folder))
    assert len(lines) == 51
    assert lines[-1] == ("error", "zones.csv: x_m: the same 10 more times, last in row 64")
    with pytest.raises(
        PlaceError, match=r"60 faults .*\n(.*\n){50}.* 10 more times, last in row 64$"
    ):
        read_place(folder)


def test_a_missing_key_column_is_a_single_fault(data: Path) -> None:
    """A missing key column is one fault and not a repetition in every row."""
    place = read_place(data / "families")
    curves = place.curves.assign(outcome_id="")
    said = [str(one) for one in check(place.replace(curves=curves))]
    assert not [one for one in said if "stands already" in one]


def test_files_of_a_calibration_give_no_warning(folder: Path) -> None:
    """Files that a calibration writes beside the tables are not taken for misspelt tables."""
    for name in ("calibration-fits.csv", "calibration-residuals.csv"):
        (folder / name).write_text("a\n1\n")
    assert messages(folder) == []


@pytest.mark.parametrize("name", ["Demand.CSV", "demand.CSV", "Boundaries.gpkg"])
def test_a_file_in_capital_letters_is_an_error(name: str, tmp_path: Path) -> None:
    folder = small_folder(tmp_path / "small")
    (folder / name.lower()).unlink(missing_ok=True)
    (folder / name).write_text("zone_id,service_id,visits_per_year\n")
    (told,) = [f for f in check_files(folder) if f.file == name]
    assert (told.severity, told.remedy) == ("error", f"call it {name.lower()}")


@pytest.mark.parametrize("name", ["demand.csv", "boundaries.gpkg"])
def test_a_folder_or_a_link_to_nothing_is_no_table(name: str, tmp_path: Path) -> None:
    folder = small_folder(tmp_path / "small")
    (folder / name).unlink(missing_ok=True)
    (folder / name).mkdir()
    assert f"{name}: this is a folder, not a file" in "\n".join(map(str, check_files(folder)))
    (folder / name).rmdir()
    (folder / name).symlink_to("nowhere")
    assert f"{name}: this is a link to nothing" in "\n".join(map(str, check_files(folder)))
