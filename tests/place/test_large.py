"""The benchmark of large places runs, at a size for tests."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from benchmarks.place import make_files

from placeopt.base.errors import UsageError
from placeopt.place import import_place, read_place, running_cost
from placeopt.place.synth import synthesise
from placeopt.travel import measure


def test_a_large_register_is_brought_in_with_progress(tmp_path: Path) -> None:
    make_files(tmp_path, zones=400, rows=600, seed=1)
    steps: list[str] = []
    report = import_place(tmp_path / "large.toml", tmp_path / "place", progress=steps.append)
    place = read_place(tmp_path / "place")
    assert (len(place.zones), len(place.buildings)) == (400, 450)
    assert steps[0] == "reading register.csv"
    assert steps[-2:] == ["checking the place", f"writing {tmp_path / 'place'}"]
    assert "making buildings (4 of 7)" in steps
    assert len(report.findings) < 30  # thousands of rows do not bury what matters
    rows = (tmp_path / "place" / "assets-rows.csv").read_text(encoding="utf-8-sig")
    assert len(rows.splitlines()) == 601


def test_visits_to_the_nearest_are_the_same_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    place = synthesise(zones=40, buildings=40, seed=3)
    hosted = running_cost.hosted_today(place)
    whole = running_cost.load_by_distance(place, hosted)
    monkeypatch.setattr(
        running_cost, "MAX_PAIRS_IN_MEMORY", 50
    )  # fewer than zones x hosts: several blocks
    assert np.array_equal(running_cost.load_by_distance(place, hosted), whole)
    assert whole.sum() > 0


def test_more_pairs_than_memory_holds_are_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    place = synthesise(zones=12, buildings=30)
    monkeypatch.setattr(import_module("placeopt.travel.measure"), "MAX_STORED_MINUTES", 719)
    with pytest.raises(UsageError, match="12 zones x 30 buildings x 2 modes are 720 minutes"):
        measure(place)
    assert measure(place, modes=["walk"]).matrix("walk").shape == (12, 30)
