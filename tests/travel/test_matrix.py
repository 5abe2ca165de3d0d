"""The user's own minutes: long, wide, and every fault at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from placeopt.base.errors import InputError
from placeopt.travel import measure
from placeopt.travel.matrix import read_matrix, write_matrix
from tests.travel.small import line_place

LONG = """zone_id,building_id,mode,minutes
z1,b1,walk,0
z1,b2,walk,15.5
z2,b1,walk,12
z2,b2,walk,
z2,far,walk,90
"""


def test_missing_pairs_of_a_long_matrix_are_unreachable(tmp_path: Path) -> None:
    """A long matrix is read and a pair left out is unreachable."""
    (tmp_path / "minutes.csv").write_text(LONG)
    times = measure(line_place(tmp_path), "matrix", ["walk"], cutoff_minutes=60)
    expected = np.array([[0, 15.5, np.nan], [12, np.nan, np.nan]])
    assert np.array_equal(times.matrix("walk"), expected, equal_nan=True)
    assert times.provenance["walk"] == {"method": "matrix", "source": "minutes.csv"}


def test_a_wide_matrix_is_read(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("zone_id,b1,b2,far\nz2,12,4,\nz1,0,15,90\n")
    times = measure(line_place(tmp_path), "matrix", ["walk"], file="own.csv")
    expected = np.array([[0, 15, 90], [12, 4, np.nan]])
    assert np.array_equal(times.matrix("walk"), expected, equal_nan=True)


def test_parquet_keeps_minutes_worst_and_provenance(tmp_path: Path) -> None:
    place = line_place(tmp_path)
    times = measure(place, modes=["walk", "drive"])
    worst = {"walk": times.matrix("walk") + 1}
    write_matrix(
        type(times)(
            times.zone_ids, times.building_ids, times.minutes, 120, times.provenance, worst
        ),
        tmp_path / "minutes.parquet",
    )
    again = measure(place, "matrix", ["walk", "drive"])
    for mode in ("walk", "drive"):
        assert np.array_equal(again.matrix(mode), times.matrix(mode), equal_nan=True)
    assert np.array_equal(again.worst["walk"], worst["walk"], equal_nan=True)
    assert "drive" not in again.worst
    assert again.provenance["walk"]["detour"] == 1.3


def test_a_long_parquet_with_number_ids_is_matched_as_text(tmp_path: Path) -> None:
    place = line_place(tmp_path)
    place = place.replace(
        zones=place.zones.assign(zone_id=["1", "2"]),
        buildings=place.buildings.assign(building_id=["10", "20", "30"]),
    )
    frame = pd.DataFrame(
        {"zone_id": [1, 1, 2], "building_id": [10, 20, 30], "minutes": [5.0, 6.0, 7.0]}
    )
    frame.to_parquet(tmp_path / "minutes.parquet")
    times = measure(place, "matrix", ["walk"])
    assert np.nansum(times.matrix("walk")) == 18


def test_every_fault_of_a_matrix_is_found_at_once(tmp_path: Path) -> None:
    (tmp_path / "minutes.csv").write_text(
        "zone_id,building_id,mode,minutes\nz1,b1,walk,-3\nz1,b2,walk,soon\nz1,b1,walk,4\n"
    )
    with pytest.raises(InputError) as error:
        measure(line_place(tmp_path), "matrix", ["walk"])
    text = str(error.value)
    assert "minutes.csv row 2: minutes is '-3': is not a time" in text
    assert "minutes.csv row 3: minutes is 'soon': is no number" in text
    assert "row 4: zone_id, building_id, mode is 'z1, b1, walk': is given twice" in text
    assert "zone_id is 'z2': is in the place and not in the file" in text
    assert "building_id is 'far': is in the place and not in the file" in text


def test_rows_of_other_places_are_left_out_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / "minutes.csv").write_text(LONG + "elsewhere,b1,walk,3\nz1,b1,drive,1\n")
    times = read_matrix(line_place(tmp_path), tmp_path / "minutes.csv", ["walk"])
    assert [(f.severity, f.value, f.row) for f in times.findings] == [
        ("warning", "elsewhere", 7),
        ("warning", "drive", 8),
    ]


def test_a_matrix_without_modes_is_refused_for_two_modes(tmp_path: Path) -> None:
    """A matrix without modes is refused when two are requested."""
    (tmp_path / "minutes.csv").write_text("zone_id,b1,b2,far\nz1,0,1,2\nz2,0,1,2\n")
    with pytest.raises(InputError, match="add a column mode with walk or drive"):
        measure(line_place(tmp_path), "matrix", ["walk", "drive"])
    with pytest.raises(InputError, match=r"nowhere\.csv: is not there"):
        measure(line_place(tmp_path), "matrix", ["walk"], file="nowhere.csv")


def test_points_moved_since_the_measurement_are_warned_of(tmp_path: Path) -> None:
    """Points that have moved since the measurement are warned of."""
    place = line_place(tmp_path)
    write_matrix(measure(place, modes=["walk"]), tmp_path / "minutes.parquet", place)
    file = tmp_path / "minutes.parquet"
    assert read_matrix(place, file, ["walk"]).findings == ()
    moved = place.buildings.assign(x_m=place.buildings["x_m"] + [0.0, 300.0, 0.0])
    (finding,) = read_matrix(place.replace(buildings=moved), file, ["walk"]).findings
    assert (finding.severity, finding.value) == ("warning", "b2")


def test_minutes_in_the_wrong_unit_are_noticed(tmp_path: Path) -> None:
    (tmp_path / "hours.csv").write_text("zone_id,b1,b2,far\nz1,0,0.25,5\nz2,0.2,0.07,5\n")
    times = measure(line_place(tmp_path), "matrix", ["walk"], file="hours.csv")
    (finding,) = times.findings
    assert "5 pairs are; check ids, coordinates and units" in str(finding)
