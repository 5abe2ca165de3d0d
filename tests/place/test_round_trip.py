"""A written place is read back unchanged, in both formats."""

from __future__ import annotations

import random
import tempfile
from functools import partial
from pathlib import Path

import geopandas as gpd
import geopandas.testing
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

from placeopt.place import Place, check, check_files, dictionary, read_place, write_place
from placeopt.place.columns import Column
from placeopt.place.files.read import read_leniently
from placeopt.place.files.typed import tables_from_rows
from placeopt.place.tables import PlaceInfo
from tests.place.small import TABLES, change, small_folder, small_place
from tests.support.tiers import sample

LETTERS = st.characters(exclude_categories=("Cs", "Cc"))  # surrogates and controls are no text
TEXTS = st.text(LETTERS, min_size=1, max_size=8)
IDS = TEXTS.filter(lambda text: text == text.strip())


def assert_same(one: Place, other: Place) -> None:
    assert one.info == other.info
    for table in dictionary():
        pd.testing.assert_frame_equal(one.tables[table], other.tables[table], check_exact=True)
    if one.boundaries is None:
        assert other.boundaries is None
    else:
        assert other.boundaries is not None
        gpd.testing.assert_geodataframe_equal(one.boundaries, other.boundaries)


def cells(column: Column) -> st.SearchStrategy[object]:
    """Values the dictionary allows in a column, missing ones too."""
    low, high = column.minimum, column.maximum
    if column.choices:
        values: st.SearchStrategy[object] = st.sampled_from(column.choices)
    elif column.type == "number":
        values = st.floats(low, high, allow_nan=False).map(partial(_held, column))
    elif column.type == "integer":
        values = st.integers(int(low or 0), int(high or 10**9))
    elif column.type == "boolean":
        return st.booleans()
    else:
        values = TEXTS
    return values if column.required else st.one_of(st.none(), values)


def _held(column: Column, value: float) -> float:
    """The number; if it is nearer to 0 than allowed, 0, or the least where 0 is not allowed."""
    nearest = max(0.0, column.minimum or 0.0)
    return value if abs(value) >= (column.smallest or 0.0) else nearest


@st.composite
def places(draw: st.DrawFn) -> Place:
    """The small place with new ids, and other columns at random within the dictionary."""
    tables = {name: pd.DataFrame(rows).astype(object) for name, rows in TABLES.items()}
    for table, key in (("zones", "zone_id"), ("agencies", "agency_id"), ("tiers", "tier_id")):
        old = list(dict.fromkeys(tables[table][key]))
        new = draw(st.lists(IDS, min_size=len(old), max_size=len(old), unique=True))
        for frame in tables.values():
            if key in frame:
                frame[key] = frame[key].replace(dict(zip(old, new, strict=True)))
    free = {
        "zones": ["name", "without_car_share", "deprivation_quintile", "area_type"],
        "buildings": [
            "name",
            "kind",
            "holding_cost_gbp_per_year",
            "listed",
            "pinned",
            "backlog_gbp",
        ],
        "services": ["name", "digital_share", "moving_cost_gbp"],
        "streams": ["name", "negotiable", "purpose"],
        "curves": ["grade", "source"],
        "assumptions": ["rows_filled", "source", "grade"],
    }
    for table, names in free.items():
        for column in dictionary()[table]:
            if column.name in names:
                rows = len(tables[table])
                tables[table][column.name] = draw(
                    st.lists(cells(column), min_size=rows, max_size=rows)
                )
    info = PlaceInfo(
        draw(TEXTS), price_year=draw(st.integers(1990, 2100)),
        sources=tuple(draw(st.lists(TEXTS, max_size=3))), made_up=draw(st.booleans()),
    )  # fmt: skip
    ids = tables["zones"]["zone_id"]
    points = zip(tables["zones"]["x_m"], tables["zones"]["y_m"], strict=True)
    outlines = [box(x - 100 / 3, y - 9, x + 100 / 7, y + 9) for x, y in points]
    boundaries = gpd.GeoDataFrame({"zone_id": ids}, geometry=outlines, crs=info.crs)
    boundaries = boundaries.astype({"zone_id": str})
    return Place(info, tables_from_rows(tables), boundaries if draw(st.booleans()) else None)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(places())
def test_random_valid_places_survive_writing_and_reading(place: Place) -> None:
    assert [finding for finding in check(place) if finding.severity == "error"] == []
    with tempfile.TemporaryDirectory() as name:
        for path in (Path(name) / "place", Path(name) / "place.gpkg"):
            write_place(place, path)
            back = read_place(path)
            assert_same(place, back)
        bare = Place(place.info, place.tables)  # a workbook has no outlines
        assert_same(bare, read_place(write_place(bare, Path(name) / "place.xlsx")))


def test_numbers_keep_every_digit(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    place = small_place()
    hard = (1 + rng.random(3)) * 10.0 ** rng.integers(-2, 9, 3)
    place = place.replace(buildings=place.buildings.assign(backlog_gbp=hard))
    for name in ("folder", "one.gpkg", "one.xlsx"):
        back = read_place(write_place(place, tmp_path / name))
        assert back.buildings["backlog_gbp"].tolist() == hard.tolist()


def test_faults_in_a_geopackage_name_layer_and_row(tmp_path: Path) -> None:
    place = small_place()
    buildings = place.buildings.assign(floor_area_m2=[900.0, -40.0, 300.0])
    path = write_place(place.replace(buildings=buildings), tmp_path / "one.gpkg")
    assert [str(finding) for finding in check_files(path)] == [
        "one.gpkg:buildings row 3: floor_area_m2 is '-40': this is below 0; "
        "give a number in m2 from 0 to 10,000,000, digits only, for example 1234.5"
    ]


SPOIL = {
    "id": ["", " x", "nothing-there"],
    "text": [""],
    "number": ["", "abc", "1,2", "-1e300", "1e999", "0x1f", "1_000", "12 m2"],
    "integer": ["", "1.5", "two", "-99999"],
    "boolean": ["2", "perhaps"],
}


@pytest.mark.parametrize("seed", sample(range(4), 1))
def test_faults_planted_at_random_are_each_found(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    for number in range(50):
        folder = tmp_path / str(number)
        table = rng.choice(list(TABLES))
        while True:
            column = rng.choice(dictionary()[table])
            value = rng.choice(["!?"] if column.choices else SPOIL[column.type])
            harmless = value == "" and not column.required
            free = (column.minimum is None or column.minimum < 0) and value.startswith("-")
            unchecked = value == "nothing-there" and not column.references
            if not (harmless or free or unchecked):
                break
        row = rng.randrange(len(TABLES[table])) + 2
        small_folder(folder)
        change(folder, table, row, column.name, value)
        _, findings = read_leniently(folder)
        assert any(
            finding.severity == "error"
            and (finding.file, finding.row) == (f"{table}.csv", row)
            and finding.column in (column.name, None)  # None: the whole row is now empty
            for finding in findings
        ), (table, row, column.name, value, [str(finding) for finding in findings])
