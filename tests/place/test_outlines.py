"""Outlines that a map cannot show are findings with row and remedy."""

from __future__ import annotations

import math
import sqlite3
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pytest
from shapely import LineString, MultiPolygon, Point, Polygon, box

from placeopt.base.errors import PlaceError
from placeopt.place import Place, check, check_files, read_place
from tests.place.small import small_folder, small_place

GOOD = [box(x - 500, y - 500, x + 500, y + 500)
        for x, y in ((450000, 310000), (455000, 312000), (451000, 311000))]  # fmt: skip
BOW_TIE = Polygon([(454500, 311500), (455500, 312500), (455500, 311500), (454500, 312500)])
ENDLESS = Polygon([(454500, 311500), (math.inf, 312500), (455500, 311500)])
NOWHERE = Polygon([(454500, 311500), (math.nan, math.nan), (455500, 311500), (455000, 311800)])
LINE = LineString([(455000, 312000), (455100, 312000)])
FLAT = Polygon([(454500, 311500), (455500, 311500), (454500, 311500)])
FAULTS: list[tuple[object, str]] = [
    (Polygon(), "is 'Polygon': the outline is empty; give the zone's outline"),
    (MultiPolygon(), "is 'MultiPolygon': the outline is empty; give the zone's outline"),
    (None, "there is no outline; give the zone's outline"),
    (Point(455000, 312000), "is 'Point': this is no polygon; give the zone's outline"),
    (LINE, "is 'LineString': this is no polygon; give the zone's outline"),
    (ENDLESS, "the outline has points without finite coordinates; give the zone's outline"),
    (NOWHERE, "the outline has points without finite coordinates; give the zone's outline"),
    (BOW_TIE, "the outline is not valid; redraw it, or mend it (QGIS: Vector geometry > Fix "
              "geometries; Python: shapely.make_valid) and look at what came out"),
    (FLAT, "shapely.make_valid"),
    (box(55000, 12000, 56000, 13000), "the outline lies at least 499 km from its zone's point"),
    (box(455, 312, 456, 313), "the outline lies at least 551 km from its zone's point"),
]  # fmt: skip
NAMES = [
    "empty", "empty-multi", "none", "point", "line", "endless", "nowhere", "bow-tie", "flat",
    "far", "kilometres",
]  # fmt: skip


def outlined(*shapes: object, crs: str | None = "EPSG:27700") -> Place:
    frame = gpd.GeoDataFrame({"zone_id": ["Z1", "Z2", "007"]}, geometry=list(shapes), crs=crs)
    return replace(small_place(), boundaries=frame.astype({"zone_id": str}))


def test_good_outlines_have_no_fault() -> None:
    assert check(outlined(*GOOD)) == []
    assert check(outlined(MultiPolygon([GOOD[0]]), *GOOD[1:])) == []


@pytest.mark.parametrize(("shape", "told"), FAULTS, ids=NAMES)
def test_a_faulty_outline_is_named_with_its_row(shape: object, told: str) -> None:
    (found,) = check(outlined(GOOD[0], shape, GOOD[2]))
    assert (found.severity, found.row, found.column) == ("error", 3, "geometry")
    assert found.file == "boundaries.gpkg:zones"
    assert told in str(found)


@pytest.mark.parametrize(("shape", "told"), FAULTS, ids=NAMES)
def test_a_faulty_outline_in_a_file_stops_before_the_solve(
    shape: object, told: str, tmp_path: Path
) -> None:
    folder = small_folder(tmp_path / "small")
    frame = outlined(GOOD[0], shape, GOOD[2]).boundaries
    assert frame is not None
    frame.to_file(folder / "boundaries.gpkg", layer="zones", driver="GPKG", engine="pyogrio")
    found = [f for f in check_files(folder) if f.file == "boundaries.gpkg:zones"]
    assert [(f.severity, f.row, f.column) for f in found] == [("error", 3, "geometry")]
    with pytest.raises(PlaceError):
        read_place(folder)


def test_outlines_of_another_system_are_reported_once() -> None:
    """Not once for each as far away: they are right in their own system."""
    for crs, told in (("EPSG:3857", "in EPSG:3857"), (None, "in no system")):
        (found,) = check(outlined(*GOOD, crs=crs))
        assert told in found.message
        assert "reproject them to the place's EPSG:27700" in found.remedy


def test_an_outline_that_crosses_itself_says_where() -> None:
    (found,) = check(outlined(GOOD[0], BOW_TIE, GOOD[2]))
    assert found.value == "Self-intersection[455000 312000]"


def test_outlines_without_their_columns_are_reported() -> None:
    place = outlined(*GOOD)
    assert place.boundaries is not None
    other = place.boundaries.rename(columns={"zone_id": "zone"})
    (found,) = check(replace(place, boundaries=other))
    assert (found.column, found.message) == ("zone_id", "the column is missing")


def test_zones_without_an_outline_are_named() -> None:
    place = outlined(*GOOD)
    assert place.boundaries is not None
    for kept, missing in ((2, ("007",)), (0, ("Z1", "Z2", "007"))):
        (found,) = check(replace(place, boundaries=place.boundaries.iloc[:kept]))
        assert (found.severity, found.column, found.ids) == ("warning", "zone_id", missing)
        assert f"{len(missing)} of 3 zones have no outline ({', '.join(missing)})" in found.message


def test_an_outline_that_reaches_beyond_any_country_is_an_error() -> None:
    (found,) = check(outlined(box(-1e9, -1e9, 1e9, 1e9), *GOOD[1:]))
    assert (found.severity, found.row, found.value) == ("error", 2, "Z1")
    assert "reaches 1,000,450 km from its zone's point" in found.message


def test_outlines_of_other_zones_are_warned_of() -> None:
    found = check(outlined(GOOD[2], GOOD[1], GOOD[0]))
    assert [(f.severity, f.row, f.value) for f in found] == [
        ("warning", 2, "Z1"),
        ("warning", 4, "007"),
    ]
    assert all("is it another zone's?" in f.message for f in found)
    (same,) = check(outlined(GOOD[0], GOOD[1], GOOD[1]))
    assert (same.severity, same.row) == ("warning", 4)
    assert "the same as that of Z2" in same.message


def test_a_layer_without_rows_names_every_zone(tmp_path: Path) -> None:
    frame = outlined(*GOOD).boundaries
    assert frame is not None
    folder = small_folder(tmp_path / "small")
    frame.iloc[:0].to_file(folder / "boundaries.gpkg", layer="zones", driver="GPKG")
    (found,) = check_files(folder)
    assert (found.severity, found.ids) == ("warning", ("Z1", "Z2", "007"))
    assert "3 of 3 zones have no outline" in found.message


def test_what_the_reader_of_outlines_says_is_a_finding(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    folder = small_folder(tmp_path / "small")
    frame = outlined(GOOD[0], ENDLESS, GOOD[2]).boundaries
    assert frame is not None
    path = folder / "boundaries.gpkg"
    frame.to_file(path, layer="zones", driver="GPKG", engine="pyogrio")
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA application_id = 0")
    database.close()
    recwarn.clear()
    found = check_files(folder)
    assert [str(one.message) for one in recwarn] == []
    assert {one.severity for one in found if "the reader says" in one.message} == {"warning"}
    assert any("without finite coordinates" in one.message for one in found)
