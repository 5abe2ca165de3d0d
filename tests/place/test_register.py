"""Registers of land and property, as published and as exported, become buildings row by row."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from placeopt.base.errors import PlaceError
from placeopt.place import Place, check_files, import_place, read_place
from placeopt.place.importer.clean import read_messy_csv
from placeopt.place.importer.mapping import RegisterFile
from placeopt.place.importer.register import Register, read_register

FILES = Path(__file__).parent / "files"
MAPPINGS = Path(__file__).parents[2] / "data" / "mappings"
POINT = "450100,310100"


def imported(folder: Path, groups: str = "show", postcodes: bool = True) -> Place:
    """The synthetic messy register, imported with the shipped mapping."""
    text = (MAPPINGS / "register.toml").read_text(encoding="utf-8")
    text = text.replace("heading_row = 1", "heading_row = 3")
    text = text.replace('groups = "show"', f'groups = "{groups}"')
    text = text.replace("register/categories.csv", "categories.csv")
    if postcodes:
        text = text.replace("# postcodes =", "postcodes =")
    for file in (*FILES.glob("*.csv"), MAPPINGS / "register" / "categories.csv"):
        shutil.copy(file, folder)
    (folder / "register.toml").write_text(text)
    import_place(folder / "register.toml", folder / "place")
    return read_place(folder / "place")


def fates(folder: Path) -> dict[str, str]:
    with (folder / "place" / "assets-rows.csv").open(encoding="utf-8-sig") as file:
        return {row["id"]: row["became"] for row in csv.DictReader(file)}


def register(folder: Path, text: str, **options: object) -> Register:
    (folder / "register.csv").write_text(text)
    spec = RegisterFile(**options)  # type: ignore[arg-type]
    return read_register(read_messy_csv(folder / "register.csv"), spec, folder, folder)


def test_every_row_of_the_messy_register_has_an_outcome(tmp_path: Path) -> None:
    place = imported(tmp_path)
    fate = fates(tmp_path)
    assert len(fate) == 19
    assert sum(value == "a building" for value in fate.values()) == len(place.buildings) == 14
    assert fate["TB012"] == "left out: no coordinates are published, and no full postcode"
    assert fate["TB015"] == "left out: land without a building"
    assert [f for f in check_files(tmp_path / "place") if f.severity == "error"] == []


def test_rows_of_one_building_are_merged_only_when_accepted(tmp_path: Path) -> None:
    """Rows of one building are listed, and merged only when accepted."""
    place = imported(tmp_path)
    shown = (tmp_path / "place" / "assets-groups.csv").read_text(encoding="utf-8-sig")
    assert "G1,no,4,TB001,100099000101" in shown
    assert "the same address, at most 11 m apart" in shown
    page = (tmp_path / "place" / "import-report.md").read_text(encoding="utf-8")
    assert "4 rows look like 2 buildings and were not merged" in page
    merged = imported(tmp_path, "accept")
    assert len(merged.buildings) == len(place.buildings) - 2
    hall = merged.buildings.set_index("building_id").loc["TB001"]
    assert (hall["floor_area_m2"], hall["running_cost_fixed_gbp_per_year"]) == (3970, 376500)
    assert fates(tmp_path)["TB001A"] == "merged into TB001"
    rules = merged.assumptions["rule"]
    assert rules.str.contains("4 rows of the register are 2 buildings").any()


def test_an_edited_file_of_groups_is_followed(tmp_path: Path) -> None:
    imported(tmp_path)
    shown = (tmp_path / "place" / "assets-groups.csv").read_text(encoding="utf-8-sig")
    (tmp_path / "groups.csv").write_text(shown.replace("G2,no", "G2,yes"))
    place = imported(tmp_path, "groups.csv")
    assert {"TB001", "TB001A", "TB006"} <= set(place.buildings["building_id"])
    assert fates(tmp_path)["TB007"] == "merged into TB006"
    (tmp_path / "groups.csv").write_text(shown.replace("G2,no,10", "G2,yes,10"))
    with pytest.raises(PlaceError, match="group G2 is neither all yes nor all no"):
        imported(tmp_path, "groups.csv")
    (tmp_path / "groups.csv").write_text(shown.replace("G2,no,10,TB006", "G2,no,10,TB999"))
    with pytest.raises(PlaceError, match="the register has no such building in that row"):
        imported(tmp_path, "groups.csv")


def test_withheld_coordinates_come_from_the_postcode(tmp_path: Path) -> None:
    """Withheld coordinates come from the postcode or are listed."""
    place = imported(tmp_path)
    hub = place.buildings.set_index("building_id").loc["TB013"]
    assert (hub["x_m"], hub["y_m"]) == (452450, 313150)
    assert place.assumptions["rule"].str.contains("centre of its postcode").sum() == 2
    place = imported(tmp_path, postcodes=False)
    assert "TB013" not in set(place.buildings["building_id"])
    assert fates(tmp_path)["TB013"].endswith("and the table of postcodes lacks it")
    page = (tmp_path / "place" / "import-report.md").read_text(encoding="utf-8")
    assert "register.csv row 17: place is 'TB2 4RR': no coordinates are published" in page


def test_tenure_detail_becomes_lease_terms_and_vacancy(tmp_path: Path) -> None:
    buildings = imported(tmp_path).buildings.set_index("building_id")
    assert buildings["lease_break_year"].dropna().astype(int).to_dict() == {
        "TB004": 2031, "TB005": 2035, "TB011": 2028,
    }  # fmt: skip
    assert buildings.loc["TB014", "status"] == "vacant"
    assert buildings.loc["TB009", "tenure"] == "freehold"


def test_the_headings_of_2023_are_found(tmp_path: Path) -> None:
    text = (
        "Organisation,Organisation Label,UPRN,AssetCode,Site Address,GeoX,GeoY,TenureType,"
        "Tenure Detail,Holding Type\n"
        f'o,l,100012345678,A1,"Town Hall, 1 The Square, Thornbeck TB1 1AA",{POINT},Freehold,'
        "Occupied,Offices\n"
        'o,l,,A2,"Hut, 2 The Square, Thornbeck TB1 1AB",,,Leasehold,Licence,Youth Centres\n'
    )
    (tmp_path / "postcodes.csv").write_text("pcds,oseast1m,osnrth1m\nTB1 1AB,450200,310200\n")
    shutil.copy(MAPPINGS / "register" / "categories.csv", tmp_path)
    found = register(tmp_path, text, postcodes="postcodes.csv", categories="categories.csv")
    cells = found.table.cells
    assert cells["register_name"] == ["Town Hall", "Hut"]
    assert cells["register_kind"] == ["council_office", "youth_centre"]
    assert cells["register_tenure"] == ["freehold", "licence"]
    assert cells["register_postcode"] == ["TB1 1AA", "TB1 1AB"]
    assert cells["register_located"] == ["register", "postcode"]


def test_an_export_of_a_property_system_is_read(tmp_path: Path) -> None:
    text = (
        "Property Ref,Property Description,Address Line 1,Town,Post Code,Easting,Northing,Tenure,"
        "Property Type,GIA m2,Lease Expiry Date,Break Date,Revenue Costs,Backlog\n"
        f'P/001,Depot,Quarry Road,Thornbeck,TB1 1AA,{POINT},Leasehold,Depot,"1,250",'
        '31/03/2040,31/03/2030,"£45,000",tbc\n'
    )
    found = register(tmp_path, text)
    cells = found.table.cells
    assert cells["register_id"] == ["P/001"]
    assert cells["register_lease_break_year"] == ["2030"]
    assert cells["register_floor_area_m2"] == ["1250"]
    assert cells["register_running_cost_gbp_per_year"] == ["45000"]
    assert any("Backlog is 'tbc': this is no number" in str(f) for f in found.table.findings)


def test_parcels_are_grouped_by_address_and_distance(tmp_path: Path) -> None:
    """A county register of parcels groups by address and distance."""
    rows = ["Parcel ID,Name,Address,Postcode,Easting,Northing,Tenure,Asset Type"]
    for k, (name, x, kind) in enumerate(
        [("School", 450000, "School"), ("School field", 450020, "School"),
         ("School caretaker", 450500, "School"), ("Verge", 450010, "Land")]
    ):  # fmt: skip
        rows.append(f"C{k},{name},1 School Lane,TB1 1AA,{x},310000,Freehold,{kind}")
    found = register(tmp_path, "\n".join(rows), metres=50, groups="accept")
    assert [[row.id for row in group.rows] for group in found.groups] == [["C0", "C1"]]
    assert found.table.cells["register_id"] == ["C0", "C2"]
    assert [row.outcome for row in found.rows][3] == "left out: land without a building"


def test_missing_columns_of_a_register_are_reported(tmp_path: Path) -> None:
    with pytest.raises(PlaceError, match="no heading of the register is an id of the asset"):
        register(tmp_path, "Name,GeoX,GeoY\nHall,450100,310100\n")
    with pytest.raises(PlaceError, match="has no easting and northing"):
        register(tmp_path, "UPRN,Name\n1,Hall\n")
    (tmp_path / "kinds.csv").write_text("category,kind\nLibraries,library\n")
    with pytest.raises(PlaceError, match=r"kinds.csv has no such category; add .*'libraries'"):
        register(tmp_path, f"UPRN,Name,GeoX,GeoY,Holding Type\n1,Hall,{POINT},Librarys\n",
                 categories="kinds.csv")  # fmt: skip
    found = register(tmp_path, f"UPRN,Name,GeoX,GeoY\n,Hall,{POINT}\n")
    assert found.rows[0].outcome == "left out: the row has neither an asset number nor a UPRN"


def test_a_tenure_that_is_not_stated_stays_empty(tmp_path: Path) -> None:
    found = register(tmp_path, f"UPRN,Name,GeoX,GeoY,TenureType\n1,Hall,{POINT},\n")
    assert found.table.cells["register_tenure"] == [""]
    assert any("the tenure of 1 rows is not stated" in str(f) for f in found.table.findings)


def test_uprns_with_and_without_leading_zeros_are_one(tmp_path: Path) -> None:
    text = "AssetCode,UPRN,PropertyName,GeoX,GeoY\n"
    text += "A,000010012345,Hall,450100,310100\nB,10012345,The Hall,450400,310100\n"
    text += "C,110012345,Annex,450900,310100\n"
    found = register(tmp_path, text)
    (group,) = found.groups
    assert [row.id for row in group.rows] == ["A", "B"]
    assert group.why == "the same UPRN 000010012345"
