"""The benchmark of large places runs, at a size for tests."""

from __future__ import annotations

from pathlib import Path

from benchmarks.place import make_files

from placeopt.place import import_place, read_place


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
