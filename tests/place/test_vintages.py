"""Small areas of one census are never silently mixed with an index of another."""

from __future__ import annotations

from pathlib import Path

import pytest

from placeopt.base.errors import PlaceError
from placeopt.place import check, import_place
from placeopt.place.importer.vintages import census_year, index_year
from tests.place.small import small_place
from tests.place.test_messy_files import MAPPING


def brought_in(folder: Path, area: str, index: str, code: str, extra: str = "") -> str:
    """The findings of importing one zone with this code, and this index under these headings."""
    (folder / "assets.csv").write_text(
        "UPRN,Name,East,North,Area,Cost,Break\n1,Hall,450100,310100,900,45000,2030\n"
    )
    (folder / "zones.csv").write_text(f"{area},x,y,people,{index}\n{code},450000,310000,9,4\n")
    rule = f"deprivation_quintile = {{ formula = 'ceil(`{index}` / 2)'{extra} }}"
    mapping = MAPPING.replace("FILE", "assets.csv").replace("OPTIONS", "")
    mapping = mapping.replace(
        'columns = { zone_id = "code", x_m = "x", y_m = "y", population = "people" }',
        f'[table.columns]\nzone_id = "{area}"\nx_m = "x"\ny_m = "y"\npopulation = "people"\n{rule}',
    )
    (folder / "mapping.toml").write_text(mapping)
    return "\n".join(map(str, import_place(folder / "mapping.toml", folder / "out").findings))


@pytest.mark.parametrize(
    ("area", "index", "code"),
    [
        ("LSOA11CD", "IMD19_decile", "E01006074"),
        ("LSOA21CD", "IMD25_decile", "E01034000"),
        ("LSOA code (2011)", "Index of Multiple Deprivation (IMD) Decile 2019", "E01006074"),
        ("LSOA11CD", "WIMD 2019 decile", "W01001909"),
        ("DataZone2011", "SIMD2020 decile", "S01006506"),
    ],
)
def test_an_index_on_its_own_areas_is_taken(
    tmp_path: Path, area: str, index: str, code: str
) -> None:
    assert "published" not in brought_in(tmp_path, area, index, code)


@pytest.mark.parametrize(
    ("area", "index", "code", "message"),
    [
        ("LSOA21CD", "IMD19_decile", "E01006074",
         "IMD19_decile IMD 2019 is published for areas of 2011, the zones are areas of 2021"),
        ("LSOA11CD", "IMD25_decile", "E01006074",
         "IMD25_decile IMD 2025 is published for areas of 2021, the zones are areas of 2011"),
        ("LSOA21CD", "WIMD2019_decile", "W01001000", "WIMD 2019 is published for areas of 2011"),
        ("code", "IMD19_decile", "E01034000", "the zones are areas of 2021"),
        ("LSOA11CD", "IMD19_decile", "E01034000",
         "LSOA11CD is 'E01034000': 1 codes under a heading of 2011 are of later areas"),
    ],
)  # fmt: skip
def test_an_index_on_other_areas_is_refused(
    tmp_path: Path, area: str, index: str, code: str, message: str
) -> None:
    with pytest.raises(PlaceError) as stop:
        brought_in(tmp_path, area, index, code)
    assert message in str(stop.value)


def test_mixed_true_makes_a_warning(tmp_path: Path) -> None:
    said = brought_in(tmp_path, "LSOA21CD", "IMD19_decile", "E01006074", ", mixed = true")
    assert "warning" not in said
    assert "IMD 2019 is published for areas of 2011, the zones are areas of 2021" in said


def test_areas_of_unknown_census_are_a_warning(tmp_path: Path) -> None:
    said = brought_in(tmp_path, "code", "IMD19_decile", "E01006074")
    assert "does not say of which census the zones are; check that they are of 2011" in said


def test_headings_tell_their_year() -> None:
    assert [census_year(h) for h in ("LSOA21CD", "lsoa11", "MSOA 2011", "OA21CD", "name")] == [
        2021, 2011, 2011, 2021, None,
    ]  # fmt: skip
    assert [index_year(h) for h in ("IMD25_decile", "wimd_2019", "IMD", "population 2019")] == [
        ("IMD", 2025), ("WIMD", 2019), None, None,
    ]  # fmt: skip


def test_fifths_of_two_nations_are_not_compared() -> None:
    place = small_place()
    ids = {"Z1": "E01006074", "Z2": "W01000001", "007": "S01006506"}
    zones = place.zones.assign(deprivation_quintile=[1, 2, None])
    zones["zone_id"] = zones["zone_id"].map(ids)
    zones["deprivation_quintile"] = zones["deprivation_quintile"].astype("Int64")
    said = "\n".join(map(str, check(place.replace(zones=zones))))
    assert "fifths of England and Wales rank each nation's own areas" in said
