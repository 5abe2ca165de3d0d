"""Synthetic streets: reproducible, connected and covering the place."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from placeopt.place import synthesise
from placeopt.travel import measure
from placeopt.travel.networks import read_streets
from placeopt.travel.streets.synthetic import write_synthetic_streets


def test_synthetic_streets_join_every_zone_with_every_building(tmp_path: Path) -> None:
    place = synthesise(zones=30, buildings=40, seed=4)
    file = tmp_path / "streets.gpkg"
    count = write_synthetic_streets(place, file)
    first = read_streets(file, place.info.crs)
    assert write_synthetic_streets(place, file) == count
    again = read_streets(file, place.info.crs)
    assert np.array_equal(first.length_m, again.length_m)
    assert set(first.road_class) >= {"primary", "residential"}
    times = measure(place, "streets", ["walk", "drive"], 10_000, file=file)
    assert np.isfinite(times.matrix("drive")).all()
    assert np.isfinite(times.matrix("walk")).all()
