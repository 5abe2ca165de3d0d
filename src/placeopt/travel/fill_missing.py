"""Compute what is missing of the minutes kept beside a place, piece by piece.

A piece is some zones x some buildings, small enough to be written every few seconds: Ctrl-C
loses the pieces under way and nothing else, and memory holds a piece, not the matrix.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from placeopt.base.files import WAIT_SECONDS, exclusive_folder
from placeopt.place import Place
from placeopt.travel.cache import CHUNK_ZONES, MinutesCache, cache_folder, coordinate_keys
from placeopt.travel.origins import Origins

BLOCK_BUILDINGS = 128  # buildings in one piece where zones outnumber buildings
Floats = NDArray[np.float64]
MinutesAndWorst = tuple[
    Floats, Floats | None
]  # (zones, buildings) minutes, and at their worst if known


@dataclass(frozen=True)
class Step:
    """One report from a measurement: ``done`` of ``total`` pairs of a mode after ``seconds``."""

    mode: str
    done: int
    total: int
    seconds: float


ProgressCallback = Callable[[Step], None]


class Search(Protocol):
    """Anything that finds minutes between points, and can say how."""

    from_zones: bool  # searches start at the zones, so that pieces are best cut by zones

    def __call__(
        self, from_xy: Floats, to_xy: Floats, cutoff_minutes: float
    ) -> MinutesAndWorst: ...

    def facts(self) -> dict[str, Any]: ...

    def notes(self, origins_xy: Floats, buildings_xy: Floats) -> dict[str, Any]: ...


Job = tuple[Floats, Floats]  # points of some zones, points of some buildings
Workers = Callable[[Search, Sequence[Job], float], Iterable[tuple[int, MinutesAndWorst]]]


@dataclass(frozen=True)
class ModeMinutes:
    """All minutes of one mode, where they come from and what later checks need to know."""

    minutes: Floats
    worst: Floats | None
    provenance: dict[str, Any]
    notes: dict[str, Any]


@dataclass(frozen=True)
class Block:
    """Zones ``first`` to ``stop`` by the buildings at ``columns``."""

    first: int
    stop: int
    columns: NDArray[np.intp]


def cached_minutes(
    place: Place,
    origins: Origins,
    mode: str,
    facts: Mapping[str, Any],
    search: Search,
    cutoff_minutes: float,
    progress: ProgressCallback | None = None,
    workers: Workers | None = None,
) -> ModeMinutes:
    """The (zones, buildings) minutes of one mode.

    ``facts`` states everything but coordinates that the minutes depend on. What is kept beside
    the place is used; what is missing is computed and kept. A place without a folder is
    computed afresh.
    """
    with tempfile.TemporaryDirectory() as thrown_away:
        home, said = Path(thrown_away), list[tuple[str, str]]()
        if place.folder is not None and os.access(place.folder, os.W_OK):
            home = place.folder
        elif place.folder is not None:
            text = f"{place.folder} may not be written to, so minutes are not kept beside the place"
            said.append((text, "copy the place to a folder of your own"))
        parts = minutes_cache(place, origins, home, mode, facts)
        fill_missing(parts, place, origins, mode, facts, search, cutoff_minutes, progress, workers)
        minutes, worst = parts.load(coordinate_keys(coordinates_of(place, "buildings")))
        notes = parts.notes()
        notes["said"] = [*notes.get("said", []), *said]
        return ModeMinutes(minutes, worst, parts.provenance(), notes)


def minutes_cache(
    place: Place, origins: Origins, home: Path, mode: str, facts: Mapping[str, Any]
) -> MinutesCache:
    """The parts that hold minutes made from ``facts`` for the zones of a place."""
    inputs = {**facts, "zones": origins.fingerprint(), "crs": place.info.crs}
    return MinutesCache(cache_folder(home, mode, inputs), origins.zones)


def fill_missing(
    parts: MinutesCache,
    place: Place,
    origins: Origins,
    mode: str,
    facts: Mapping[str, Any],
    search: Search,
    cutoff_minutes: float,
    progress: ProgressCallback | None = None,
    workers: Workers | None = None,
) -> None:
    """Compute and keep every pair that no part covers yet; ``workers`` share the pieces.

    One process computes in a folder of parts: a second one waits for it, and finds what it kept.

    Raises:
        OutputError: Another process computes there for longer than ``WAIT_SECONDS``.
    """
    keys = coordinate_keys(coordinates_of(place, "buildings"))
    if not missing_blocks(parts, keys, search.from_zones) and parts.stated():
        return
    with exclusive_folder(parts.folder, WAIT_SECONDS):
        parts.clear()
        _complete(parts, place, origins, mode, facts, search, cutoff_minutes, progress, workers)


def _complete(
    parts: MinutesCache,
    place: Place,
    origins: Origins,
    mode: str,
    facts: Mapping[str, Any],
    search: Search,
    cutoff_minutes: float,
    progress: ProgressCallback | None,
    workers: Workers | None,
) -> None:
    buildings = coordinates_of(place, "buildings")
    keys = coordinate_keys(buildings)
    missing = missing_blocks(parts, keys, search.from_zones)
    total = origins.zones * len(set(keys))
    done = total - sum((p.stop - p.first) * len(p.columns) for p in missing)
    began = time.perf_counter()
    jobs = [(origins.xy[origins.points(p.first, p.stop)], buildings[p.columns]) for p in missing]
    for which, found in (workers or run_serially)(search, jobs, cutoff_minutes):
        piece = missing[which]
        minutes, worst = origins.combine(piece.first, piece.stop, *found)
        parts.add(piece.first, [keys[b] for b in piece.columns], minutes, worst)
        done += minutes.size
        if progress is not None:
            progress(Step(mode, done, total, time.perf_counter() - began))
    if missing or not parts.stated():
        parts.state({**facts, **search.facts(), "date": today()})
        parts.note(search.notes(origins.xy, buildings))


def run_serially(
    search: Search, jobs: Sequence[Job], cutoff_minutes: float
) -> Iterator[tuple[int, MinutesAndWorst]]:
    """Do the jobs one after the other in this process."""
    for which, (from_xy, to_xy) in enumerate(jobs):
        yield which, search(from_xy, to_xy, cutoff_minutes)


def missing_blocks(
    parts: MinutesCache, keys: Sequence[str], from_zones: bool = False
) -> list[Block]:
    """What is still to be computed, in pieces; buildings on the same spot count once."""
    _, first_seen = np.unique(np.array(keys, str), return_index=True)
    missing = ~parts.covered(keys)
    alike: dict[bytes, list[int]] = {}
    for b in sorted(first_seen):
        if missing[:, b].any():
            alike.setdefault(missing[:, b].tobytes(), []).append(int(b))
    return [
        piece
        for columns in alike.values()
        for first, stop in _runs(missing[:, columns[0]], parts.zones)
        for piece in _cut(first, stop, np.array(columns), from_zones)
    ]


def coordinates_of(place: Place, table: str) -> Floats:
    """(rows, 2) metres of a place's zones or buildings."""
    return place.tables[table][["x_m", "y_m"]].to_numpy(float)


def today() -> str:
    """The date as it goes into a provenance."""
    return datetime.now(UTC).date().isoformat()


def _cut(first: int, stop: int, columns: NDArray[np.intp], from_zones: bool) -> Iterable[Block]:
    """Pieces of the side that is searched from: the smaller one, if the search has no other."""
    if from_zones or stop - first < len(columns):
        return (
            Block(a, min(a + CHUNK_ZONES, stop), columns) for a in range(first, stop, CHUNK_ZONES)
        )
    steps = range(0, len(columns), BLOCK_BUILDINGS)
    return (Block(first, stop, columns[start : start + BLOCK_BUILDINGS]) for start in steps)


def _runs(chunks: NDArray[np.bool_], zones: int) -> list[tuple[int, int]]:
    """Runs of missing chunks as (first zone, zone after the last)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], chunks.astype(np.int8), [0]])))
    return [
        (int(a) * CHUNK_ZONES, min(int(b) * CHUNK_ZONES, zones))
        for a, b in zip(edges[::2], edges[1::2], strict=True)
    ]
