"""Residents within t minutes, by group and band."""

from __future__ import annotations

import numpy as np
import pytest

from placeopt.base.errors import UsageError
from placeopt.travel import TravelTimes, bands, nearest, opportunities, residents_within
from tests.travel.small import line_place

NAN = float("nan")
TIMES = TravelTimes(
    ("z1", "z2"),
    ("b1", "b2", "far"),
    {
        "walk": np.array([[10.0, 25.0, NAN], [30.0, 12.0, NAN]]),
        "drive": np.array([[2.0, 5.0, 90.0], [6.0, 3.0, NAN]]),
    },
)


def test_residents_within_counts_each_group() -> None:
    table = residents_within(line_place(), TIMES, ["b1", "far"], minutes=20).iloc[0]
    assert (table["residents"], table["within"]) == (150, 100)
    by_car = residents_within(line_place(), TIMES, ["b1"], minutes=20, by="car").set_index("group")
    # z1: 100 residents, half without a car; z2: 50, a tenth without
    assert by_car.loc["without_car", "within"] == 50
    assert by_car.loc["without_car", "residents"] == 55
    ages = residents_within(line_place(), TIMES, ["b2"], minutes=20, by="age").set_index("group")
    assert list(ages.index) == ["65_84"], "only ages that the place gives"
    assert ages.loc["65_84", "share"] == pytest.approx(20 / 30)
    fifths = residents_within(line_place(), TIMES, ["b2"], minutes=20, by="deprivation")
    assert list(fifths["share"]) == [0.0, 1.0]


def test_the_fastest_of_the_modes_counts() -> None:
    within = residents_within(line_place(), TIMES, ["b1"], minutes=6, modes=["walk", "drive"])
    assert within["within"].item() == 150


def test_a_band_includes_its_upper_edge_and_keeps_all_residents() -> None:
    table = bands(line_place(), TIMES, ["b1"], edges=[10, 20])
    assert dict(zip(table["band"], table["residents"], strict=True)) == {
        "0 to 10": 100,
        "10 to 20": 0,
        "over 20": 50,
        "not reached": 0,
    }
    far = bands(line_place(), TIMES, ["far"], edges=[10])
    assert list(far["residents"]) == [0, 0, 150]


def test_nearest_is_empty_where_no_building_is_reached() -> None:
    """The nearest building is named; the id is empty where none is reached."""
    minutes, ids = nearest(TIMES, modes=["walk"])
    assert list(minutes) == [10, 12]
    assert list(ids) == ["b1", "b2"]
    minutes, ids = nearest(TIMES, ["far"])
    assert np.isnan(minutes).all()
    assert list(ids) == ["", ""]
    minutes, ids = nearest(TIMES, [])
    assert np.isnan(minutes).all()


def test_opportunities_add_up_weights_within_reach() -> None:
    assert list(opportunities(TIMES, minutes=26)) == [2, 1]
    assert list(opportunities(TIMES, {"b1": 3.0, "b2": 0.5}, minutes=26)) == [3.5, 0.5]


def test_wrong_requests_are_refused() -> None:
    with pytest.raises(UsageError, match="no minutes to building 'x'"):
        nearest(TIMES, ["x"])
    with pytest.raises(UsageError, match="must rise"):
        bands(line_place(), TIMES, edges=[10, 5])
    with pytest.raises(UsageError, match="no groups by 'hair'"):
        residents_within(line_place(), TIMES, by="hair")
