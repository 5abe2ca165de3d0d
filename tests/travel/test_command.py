"""``placeopt travel``: it reads files, writes minutes beside the place and prints warnings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from placeopt.base.errors import InputError, UsageError
from placeopt.place import write_place
from placeopt.travel import measure
from placeopt.travel.command import measure_place
from tests.support.places import place_of, table
from tests.travel.feeds import EAST, NORTH, write_gtfs, write_pbf


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with a place, an extract of one street of 6 km and a feed with a bus along it."""
    place = place_of(
        {"zone_id": ["z"], "name": ["Home"], "x_m": [EAST], "y_m": [NORTH], "population": [10]},
        {
            "building_id": ["hub"],
            "kind": ["library"],
            "x_m": [EAST + 6000],
            "y_m": [NORTH],
            "floor_area_m2": [100.0],
            "running_cost_fixed_gbp_per_year": [1.0],
        },
    )
    host = {"building_id": ["hub"], "service_id": ["library"]}
    place = place.replace(
        services=table("services", {"service_id": ["library"]}), hosting=table("hosting", host)
    )
    write_place(place, tmp_path / "place")
    nodes = {f"n{i}": (i * 200.0, 0.0) for i in range(31)}
    road = {"highway": "residential", "maxspeed": "30 mph"}
    write_pbf(tmp_path / "county.osm.pbf", nodes, [(" ".join(nodes), road)])
    stops = {"A": (0.0, 0.0), "D": (6000.0, 0.0)}
    write_gtfs(tmp_path / "feed.zip", stops, {"t": "A 07:10, D 07:20", "u": "A 09:00, D 09:10"})
    return tmp_path


def test_every_mode_is_measured_and_written_beside_the_place(files: Path) -> None:
    done = measure_place(
        files / "place",
        modes=["walk", "drive", "transit"],
        streets=files / "county.osm.pbf",
        gtfs=files / "feed.zip",
        date="2026-06-09",
        depart="07:00-07:01",
    )
    assert done.file == files / "place" / "minutes.parquet"
    assert "transit: 1 of 1 pairs within 120 minutes (100%); median 20.0 minutes" in str(done)
    assert done.times.matrix("walk")[0, 0] == pytest.approx(75, abs=0.1)
    from placeopt.place import read_place

    again = measure(read_place(files / "place"), "matrix", ["walk", "drive", "transit"])
    for mode in again.modes:
        assert np.array_equal(again.matrix(mode), done.times.matrix(mode), equal_nan=True)
    assert again.provenance["transit"]["gtfs"] == "feed.zip"
    assert again.provenance["drive"]["access_kmh"] == 4.8


def test_wrong_requests_say_what_is_missing(files: Path) -> None:
    with pytest.raises(UsageError, match="needs a feed and a date"):
        measure_place(files / "place", modes=["transit"], streets=files / "county.osm.pbf")
    with pytest.raises(InputError, match=r"nowhere\.osm\.pbf: is not there"):
        measure_place(files / "place", streets=files / "nowhere.osm.pbf")
    with pytest.raises(UsageError, match="no street engine 'magic'; there are scipy"):
        measure_place(files / "place", streets=files / "county.osm.pbf", engine="magic")


def test_progress_is_drawn_on_standard_error_only(capsys: pytest.CaptureFixture[str]) -> None:
    from placeopt.travel import Step
    from placeopt.travel.progress import progress_bar

    with progress_bar() as watch:
        watch(Step("walk", 50, 100, 1.0))
        watch(Step("walk", 100, 100, 2.0))
        watch(Step("drive", 10, 100, 0.5))
    assert capsys.readouterr().out == ""


def test_a_mode_that_the_streets_do_not_know_is_refused(files: Path) -> None:
    from tests.travel.small import write_streets

    nodes = {"a": (EAST, NORTH), "b": (EAST + 100, NORTH)}
    write_streets(files / "own.gpkg", nodes, [{"u": "a", "v": "b", "walk": 1, "drive": 0}])
    with pytest.raises(UsageError, match="no edges for mode 'cycle'; they have walk, drive"):
        measure_place(files / "place", modes=["cycle"], streets=files / "own.gpkg")
    with pytest.raises(InputError, match="no edge is open to this mode"):
        measure_place(files / "place", modes=["drive"], streets=files / "own.gpkg")


def run_cli(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "placeopt", "travel", *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_command_line_measures_three_modes(files: Path) -> None:
    done = run_cli(
        *[str(files / "place"), "--modes", "walk,drive,transit"],
        *["--streets", str(files / "county.osm.pbf"), "--gtfs", str(files / "feed.zip")],
        *["--date", "2026-06-09", "--depart", "07:00-10:00"],
    )
    assert done.returncode == 0, done.stderr
    assert (files / "place" / "minutes.parquet").is_file()
    assert "transit: 1 of 1 pairs" in done.stdout


def test_the_command_line_explains_faulty_files(files: Path) -> None:
    """The command line explains the faults of the files in plain words."""
    extract = files / "county.osm.pbf"
    late = run_cli(
        *[str(files / "place"), "--modes", "transit", "--streets", str(extract)],
        *["--gtfs", str(files / "feed.zip"), "--date", "2031-01-01"],
    )
    assert late.returncode == 1
    assert "feed.zip" in late.stderr
    extract.write_bytes(extract.read_bytes()[:60])
    short = run_cli(str(files / "place"), "--modes", "walk", "--streets", str(extract))
    assert short.returncode == 1
    assert "county.osm.pbf" in short.stderr
    for done in (late, short):
        assert "Traceback" not in done.stderr
