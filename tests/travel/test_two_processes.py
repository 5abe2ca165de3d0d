"""Two measurements of one place at once: one computes, the other waits and uses its cache."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from placeopt.base.errors import OutputError
from placeopt.base.files import exclusive_folder
from placeopt.place import Place
from placeopt.travel import fill_missing as completion
from placeopt.travel.cache import MinutesCache
from placeopt.travel.fill_missing import fill_missing, minutes_cache
from placeopt.travel.origins import Origins, read_origins
from tests.travel.test_parts import town


class Slow:
    """A search that finishes when the test says so, and counts its calls."""

    from_zones = True

    def __init__(self) -> None:
        self.asked, self.begun, self.go_on = 0, threading.Event(), threading.Event()

    def __call__(self, from_xy: Any, to_xy: Any, cutoff_minutes: float) -> Any:
        self.asked += 1
        self.begun.set()
        assert self.go_on.wait(60)
        return np.ones((len(from_xy), len(to_xy))), None

    def facts(self) -> dict[str, Any]:
        return {"search": "slow"}

    def notes(self, origins_xy: Any, buildings_xy: Any) -> dict[str, Any]:
        return {"edge": ""}


def measured(place: Place, search: Slow) -> MinutesCache:
    """The result of ``fill_missing`` for a place, by a slow search."""
    origins: Origins = read_origins(place)
    assert place.folder is not None
    parts = minutes_cache(place, origins, place.folder, "walk", {"by": "slow"})
    fill_missing(parts, place, origins, "walk", {"by": "slow"}, search, 30.0)
    return parts


def test_the_second_waits_and_computes_nothing_again(tmp_path: Path) -> None:
    place = town(tmp_path, zones=3, buildings=2)
    first, second = Slow(), Slow()
    threads = [threading.Thread(target=measured, args=(place, first))]
    threads[0].start()
    assert first.begun.wait(60)
    threads.append(threading.Thread(target=measured, args=(place, second)))
    threads[1].start()
    second.go_on.set()  # it would go on at once if it were let in
    threads[1].join(0.3)
    assert threads[1].is_alive()
    first.go_on.set()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert (first.asked, second.asked) == (1, 0)
    third = Slow()
    minutes, _ = measured(place, third).load(["none"])
    assert minutes.shape == (3, 1)
    assert third.asked == 0


def test_one_that_has_waited_long_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = town(tmp_path, zones=3, buildings=2)
    monkeypatch.setattr(completion, "WAIT_SECONDS", 0.05)
    folder = minutes_cache(place, read_origins(place), tmp_path, "walk", {"by": "slow"}).folder
    with (
        exclusive_folder(folder),
        pytest.raises(OutputError, match="another process is at work in"),
    ):
        measured(place, Slow())


def test_unfinished_chunks_of_an_ended_process_are_removed(tmp_path: Path) -> None:
    place = town(tmp_path, zones=3, buildings=2)
    folder = minutes_cache(place, read_origins(place), tmp_path, "walk", {"by": "slow"}).folder
    folder.mkdir(parents=True)
    (folder / "half.unfinished").write_bytes(b"PAR1")
    search = Slow()
    search.go_on.set()
    measured(place, search)
    assert sorted(path.suffix for path in folder.iterdir()) == [".json", ".json", ".parquet"]
