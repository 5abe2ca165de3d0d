"""Places made of tables in memory."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from placeopt import solve
from placeopt.base.errors import PlaceError, UsageError
from placeopt.place import Place, check, dictionary
from tests.place.small import small_place

ZONE = {"zone_id": 7, "x_m": 450_000, "y_m": 310_000.5, "population": 1500}


def test_records_columns_and_frames_make_the_same_table() -> None:
    columns = {name: [value] for name, value in ZONE.items()}
    places = [Place.from_frames({"zones": z}) for z in ([ZONE], columns, pd.DataFrame([ZONE]))]
    for place in places:
        pd.testing.assert_frame_equal(place.zones, places[0].zones)
    assert places[0].zones.loc[0, "zone_id"] == "7"
    assert places[0].zones.loc[0, "y_m"] == 310_000.5


def test_defaults_and_empty_tables_are_the_dictionarys() -> None:
    """Cells that are not stated, None and NaN take the default; other tables are empty."""
    rows = [{"service_id": "a", "back_office": True}, {"service_id": "b", "name": None}]
    place = Place.from_frames({"services": rows})
    for column in dictionary()["services"]:
        if column.default and column.name != "back_office":
            assert place.services[column.name].tolist() == [column.default_value()] * 2
    assert place.services["back_office"].tolist() == [True, False]
    assert place.services["name"].tolist() == ["", ""]
    assert [*place.tables] == [*dictionary()]
    assert place.zones.empty
    place.zones["zone_id"] = []  # a place's empty table is its own
    assert len(Place.from_frames({}).zones.columns) == len(dictionary()["zones"])


def test_every_fault_of_tables_in_memory_is_in_one_message() -> None:
    tables = {
        "zones": [{**ZONE, "population": "many"}, {**ZONE, "zone_id": None, "x_m": np.nan}],
        "building": [{"building_id": 1}],
        "services": [{"service_id": "a", "back_ofice": True}],
        "hosting": [{"building_id": 1}],
    }
    with pytest.raises(PlaceError) as refused:
        Place.from_frames(tables)
    found = {(f.file, f.row, f.column) for f in refused.value.findings}
    assert found == {
        ("building.csv", None, None),
        ("zones.csv", 2, "population"),
        ("zones.csv", 3, "zone_id"),
        ("zones.csv", 3, "x_m"),
        ("services.csv", None, "back_ofice"),
        ("hosting.csv", None, "service_id"),
    }
    assert "did you mean 'buildings'?" in str(refused.value)


@pytest.mark.parametrize("labels", [[9, 9, 3], [2, 0, 1], ["b", "a", "c"]])
def test_rows_go_by_position_whatever_the_index(labels: list[object]) -> None:
    place = small_place()
    for table in ("buildings", "zones", "services"):
        frame = place.tables[table]
        labelled = place.replace(**{table: frame.set_axis(labels)})
        assert labelled.tables[table].equals(frame)
        assert check(labelled) == check(place)
    assert (
        place.replace(buildings=place.buildings.set_index("building_id", drop=False))
        .tables["buildings"]
        .equals(place.buildings)
    )


def test_a_column_of_another_type_or_twice_is_named() -> None:
    place = small_place()
    buildings = place.buildings
    cost = "running_cost_fixed_gbp_per_year"
    for faulty, told in (
        (
            buildings.assign(building_id=[1, 2, 3]),
            "building_id is '1': this is no text; make it text",
        ),
        (buildings.assign(sale_lag_years=1.5), "sale_lag_years the column is of type float64"),
        (buildings.assign(**{cost: "5"}), f"{cost} the column is of type str; make it number"),
        (buildings.assign(**{cost: 1j}), f"{cost} the column is of type complex128"),
        (buildings[[*buildings.columns, "x_m"]], "x_m the column stands twice"),
    ):
        found = check(place.replace(buildings=faulty))
        assert told in str(found[0])
        assert {(one.severity, one.file) for one in found} == {("error", "buildings.csv")}


def test_what_is_no_place_is_refused_by_type() -> None:
    place = small_place()
    with pytest.raises(UsageError, match="the table zones is of type dict"):
        place.replace(zones={"zone_id": ["a"]})  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="of type str and no place; use read_place"):
        check("folder")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="of type NoneType and no scenario; use read_scenario"):
        solve(place, None)  # type: ignore[arg-type]
