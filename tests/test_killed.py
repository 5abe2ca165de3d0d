"""Commands killed at random moments: no partial file is read as complete, no finished work is lost.

Each case starts a command, sends it a signal after a part of the time of a whole run, inspects the
files, and lets the same command finish the work. The moments and signals follow from the seed; the
command's progress by then depends on the machine.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from placeopt.base.errors import OutputError
from placeopt.base.files import atomic_file
from placeopt.bench import run as run_suite
from placeopt.bench.results.records import read_records
from placeopt.place import import_place, read_place, write_place
from placeopt.run import solve_file
from placeopt.travel.command import measure_place
from placeopt.travel.matrix import read_matrix
from tests.place.test_importer import sources
from tests.travel.test_parts import town

HOW = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
DATA = Path(__file__).parent.parent / "data"
LOADING_SECONDS = 4.0  # of a command, more or less
FEW = [0]
MANY = range(1, 25)


@dataclass
class Command:
    """A command line, its folder, and the duration of a whole run."""

    arguments: list[str]
    folder: Path
    work: Callable[[], object]  # the same in this process, which has its code loaded
    seconds: float = 10.0

    def start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "placeopt", *self.arguments],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    def finish(self) -> None:
        """Run to the end."""
        began = time.monotonic()
        self.work()
        self.seconds = LOADING_SECONDS + time.monotonic() - began

    def end_somewhere(self, seed: int) -> int:
        """Run, and end it after a random part of a whole run; the exit status."""
        rng = random.Random(seed)
        running = self.start()
        try:
            running.wait(rng.uniform(0.1, 1.0) * self.seconds)
        except subprocess.TimeoutExpired:
            running.send_signal(rng.choice(HOW))
        try:
            return running.wait(120)
        finally:
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGKILL)
                running.wait()


def content(folder: Path) -> dict[str, str]:
    """The content of a folder: each file's hash."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def seeds(test: Callable[..., None]) -> Callable[..., None]:
    """One seed by default, many in an exhaustive run."""
    marked = [*FEW, *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in MANY)]
    return pytest.mark.parametrize("seed", marked)(test)


@seeds
def test_an_ended_solve_leaves_the_earlier_answer_or_the_new_one(seed: int, tmp_path: Path) -> None:
    shutil.copytree(DATA / "worklessness", tmp_path / "place")
    questions = tmp_path / "place" / "scenarios"
    out = tmp_path / "out"
    before, after = (
        Command(
            ["solve", str(file), "--out", "out"], tmp_path, lambda file=file: solve_file(file, out)
        )
        for file in (questions / "one_pot.toml", questions / "six_streams.toml")
    )
    after.finish()
    new = set(content(out))
    before.finish()
    earlier, after.seconds = content(out), max(after.seconds, before.seconds)
    after.end_somewhere(seed)
    found = content(out)
    if found != earlier:
        assert set(found) == new
        summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
        assert summary["question"].startswith("Six funding streams")
        assert not set(found.items()) & {
            item for item in earlier.items() if item[0] in ("page.html", "summary.json")
        }
    before.finish()
    assert set(content(out)) == set(earlier)
    assert {path.name for path in tmp_path.iterdir()} == {"place", "out"}


@seeds
def test_an_ended_import_leaves_the_earlier_place_or_the_new_one(seed: int, tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    mapping = sources(files)
    command = Command(
        ["place", "import", str(mapping), "--out", "out"],
        tmp_path,
        lambda: import_place(mapping, tmp_path / "out"),
    )
    command.finish()
    earlier = content(tmp_path / "out")
    register = files / "assets.csv"
    register.write_text(register.read_text().replace("Library", "New Library"), encoding="utf-8")
    command.end_somewhere(seed)
    found = content(tmp_path / "out")
    assert set(found) == set(earlier)
    changed = {name for name in found if found[name] != earlier[name]}
    assert changed <= {"buildings.csv", "import-report.md"}
    names = set(read_place(tmp_path / "out").buildings["name"])
    assert ("New Library" in names) == bool(changed)
    command.finish()
    assert "New Library" in set(read_place(tmp_path / "out").buildings["name"])


@seeds
def test_an_ended_measurement_keeps_its_parts_and_no_half_matrix(seed: int, tmp_path: Path) -> None:
    place = tmp_path / "place"
    write_place(with_hosting(town(tmp_path)), place)
    shutil.copy(tmp_path / "streets.gpkg", place / "streets.gpkg")
    command = Command(
        ["travel", "place", "--modes", "walk", "--cutoff", "40"],
        tmp_path,
        lambda: measure_place(place, modes=["walk"], cutoff_minutes=40),
    )
    command.finish()
    whole = read_matrix(read_place(place), place / "minutes.parquet", ["walk"], 40).matrix("walk")
    earlier = (place / "minutes.parquet").read_bytes()
    shutil.rmtree(place / ".placeopt")
    command.end_somewhere(seed)
    kept = {path: path.read_bytes() for path in (place / ".placeopt").glob("*/*.parquet")}
    here = read_matrix(read_place(place), place / "minutes.parquet", ["walk"], 40)
    assert np.array_equal(here.matrix("walk"), whole, equal_nan=True)
    (place / "minutes.parquet").write_bytes(earlier)
    command.finish()
    for path, parts in kept.items():
        assert path.read_bytes() == parts
    again = read_matrix(read_place(place), place / "minutes.parquet", ["walk"], 40).matrix("walk")
    assert np.array_equal(again, whole, equal_nan=True)


def with_hosting(place):  # type: ignore[no-untyped-def]
    """The place with one service in its first building, so that it passes the check."""
    from tests.support.places import table

    host = {"building_id": ["b0"], "service_id": ["library"]}
    buildings = place.buildings.assign(floor_area_m2=100.0, running_cost_fixed_gbp_per_year=1.0)
    return place.replace(
        zones=place.zones.assign(name=place.zones["zone_id"]),
        buildings=buildings,
        services=table("services", {"service_id": ["library"]}),
        hosting=table("hosting", host),
    )


@seeds
def test_an_ended_benchmark_keeps_every_run_that_ended(seed: int, tmp_path: Path) -> None:
    words = ["bench", "run", "smoke", "--engines", "placeopt", "--only", "p-", "--out", "out"]
    command = Command(words, tmp_path, lambda: None)
    command.end_somewhere(seed)
    out = tmp_path / "out"
    lines = (
        (out / "results.jsonl").read_text().splitlines()
        if out.exists() and (out / "results.jsonl").exists()
        else []
    )
    kept = read_records(out)
    assert len(kept) >= len(lines) - 1
    told: list[str] = []
    run_suite("smoke", ["placeopt"], out, only="p-", notify=told.append)
    records = read_records(out)
    assert records[: len(kept)] == kept
    assert len(told) == len(records) - len(kept)
    names = [record["case"] for record in records]
    assert len(set(names)) == len(names)
    assert all(record["verified"] for record in records)


def test_a_second_benchmark_of_one_folder_is_refused(tmp_path: Path) -> None:
    """The second is refused at once: a run may take hours."""
    from placeopt.base.files import exclusive_folder

    with exclusive_folder(tmp_path / "out"):
        ask = "from placeopt.bench import run; import sys; run('smoke', ['placeopt'], sys.argv[1])"
        second = subprocess.run(
            [sys.executable, "-c", ask, str(tmp_path / "out")], capture_output=True, text=True
        )
    assert second.returncode == 1
    assert "another process is at work in" in second.stderr
    with (
        pytest.raises(OutputError, match="at work"),
        exclusive_folder(tmp_path),
        exclusive_folder(tmp_path),
    ):
        pass
    with (
        exclusive_folder(tmp_path),
        atomic_file(tmp_path / "a.txt") as made,
    ):  # writing is another matter
        made.write_text("a", encoding="utf-8")
