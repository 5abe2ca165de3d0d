"""Compute the minutes that the cache beside a place lacks, block by block.

A block is some zones x some buildings, small enough to be written every few seconds. Ctrl-C loses
only the blocks in progress, and memory holds one block instead of the whole matrix.
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

from placeopt.base.arrays import Floats
from placeopt.base.files import WAIT_SECONDS, exclusive_folder
from placeopt.place import Place
from placeopt.travel.cache import CHUNK_ZONES, MinutesCache, cache_folder, coordinate_keys
from placeopt.travel.origins import Origins

BLOCK_BUILDINGS = 128  # buildings in a block if zones outnumber buildings
MinutesAndWorst = tuple[
    Floats, Floats | None
]  # (zones, buildings) minutes, and at their worst if known


@dataclass(frozen=True)
class Step:
    """Progress of a measurement: ``done`` of ``total`` pairs of a mode after ``seconds``."""

    mode: str
    done: int
    total: int
    seconds: float


ProgressCallback = Callable[[Step], None]


class Search(Protocol):
    """Finds minutes between points, and states facts and notes about them."""

    from_zones: bool  # searches start at the zones, so blocks are best split by zones

    def __call__(
        self, from_xy: Floats, to_xy: Floats, cutoff_minutes: float
    ) -> MinutesAndWorst: ...

    def facts(self) -> dict[str, Any]: ...

    def notes(self, origins_xy: Floats, buildings_xy: Floats) -> dict[str, Any]: ...


Job = tuple[Floats, Floats]  # points of some zones, points of some buildings
Workers = Callable[[Search, Sequence[Job], float], Iterable[tuple[int, MinutesAndWorst]]]


@dataclass(frozen=True)
class ModeMinutes:
    """All minutes of one mode.

    Attributes:
        minutes: (zones, buildings) minutes.
        worst: The same at their worst, if known.
        provenance: Where they come from.
        notes: What later checks need.
    """

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
    """Return the minutes of one mode from the cache, computing what it lacks.

    Args:
        place: The place; without a folder everything is computed afresh.
        origins: The points from which residents of each zone set out.
        mode: The mode.
        facts: Everything except coordinates that the minutes depend on.
        search: Computes minutes.
        cutoff_minutes: Longer journeys are left out.
        progress: Called after each block.
        workers: Runs the blocks; by default one after another in this process.
    """
    with tempfile.TemporaryDirectory() as scratch:
        home, warnings = Path(scratch), list[tuple[str, str]]()
        if place.folder is not None and os.access(place.folder, os.W_OK):
            home = place.folder
        elif place.folder is not None:
            text = f"{place.folder} may not be written to, so minutes are not kept beside the place"
            warnings.append((text, "copy the place to a folder of your own"))
        cache = minutes_cache(place, origins, home, mode, facts)
        fill_missing(cache, place, origins, mode, facts, search, cutoff_minutes, progress, workers)
        minutes, worst = cache.load(coordinate_keys(coordinates_of(place, "buildings")))
        notes = cache.notes()
        notes["said"] = [*notes.get("said", []), *warnings]
        return ModeMinutes(minutes, worst, cache.provenance(), notes)


def minutes_cache(
    place: Place, origins: Origins, home: Path, mode: str, facts: Mapping[str, Any]
) -> MinutesCache:
    """The cache of minutes that depend on ``facts`` for the zones of a place."""
    inputs = {**facts, "zones": origins.fingerprint(), "crs": place.info.crs}
    return MinutesCache(cache_folder(home, mode, inputs), origins.zones)


def fill_missing(
    cache: MinutesCache,
    place: Place,
    origins: Origins,
    mode: str,
    facts: Mapping[str, Any],
    search: Search,
    cutoff_minutes: float,
    progress: ProgressCallback | None = None,
    workers: Workers | None = None,
) -> None:
    """Compute and store every pair that the cache lacks; ``workers`` run the blocks.

    Only one process computes for a cache; others wait and then use its results.

    Raises:
        OutputError: Another process computes there for longer than ``WAIT_SECONDS``.
    """
    keys = coordinate_keys(coordinates_of(place, "buildings"))
    if not missing_blocks(cache, keys, search.from_zones) and cache.is_complete():
        return
    with exclusive_folder(cache.folder, WAIT_SECONDS):
        cache.remove_unfinished()
        _fill_missing(cache, place, origins, mode, facts, search, cutoff_minutes, progress, workers)


def _fill_missing(
    cache: MinutesCache,
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
    missing = missing_blocks(cache, keys, search.from_zones)
    total = origins.zones * len(set(keys))
    done = total - sum((p.stop - p.first) * len(p.columns) for p in missing)
    started = time.perf_counter()
    jobs = [(origins.xy[origins.points(p.first, p.stop)], buildings[p.columns]) for p in missing]
    for number, minutes_found in (workers or run_serially)(search, jobs, cutoff_minutes):
        block = missing[number]
        minutes, worst = origins.combine(block.first, block.stop, *minutes_found)
        cache.write_chunk(block.first, [keys[b] for b in block.columns], minutes, worst)
        done += minutes.size
        if progress is not None:
            progress(Step(mode, done, total, time.perf_counter() - started))
    if missing or not cache.is_complete():
        cache.write_provenance({**facts, **search.facts(), "date": today()})
        cache.write_notes(search.notes(origins.xy, buildings))


def run_serially(
    search: Search, jobs: Sequence[Job], cutoff_minutes: float
) -> Iterator[tuple[int, MinutesAndWorst]]:
    """Run the jobs one after another in this process."""
    for number, (from_xy, to_xy) in enumerate(jobs):
        yield number, search(from_xy, to_xy, cutoff_minutes)


def missing_blocks(
    cache: MinutesCache, keys: Sequence[str], from_zones: bool = False
) -> list[Block]:
    """The blocks still to be computed; buildings with the same coordinates count once."""
    _, first_seen = np.unique(np.array(keys, str), return_index=True)
    missing = ~cache.covered(keys)
    columns_by_chunks: dict[bytes, list[int]] = {}
    for b in sorted(first_seen):
        if missing[:, b].any():
            columns_by_chunks.setdefault(missing[:, b].tobytes(), []).append(int(b))
    return [
        block
        for columns in columns_by_chunks.values()
        for first, stop in _missing_ranges(missing[:, columns[0]], cache.zones)
        for block in _split(first, stop, np.array(columns), from_zones)
    ]


def coordinates_of(place: Place, table: str) -> Floats:
    """(rows, 2) coordinates in metres of a place's zones or buildings."""
    return place.tables[table][["x_m", "y_m"]].to_numpy(float)


def today() -> str:
    """Today's date as provenances state it."""
    return datetime.now(UTC).date().isoformat()


def _split(first: int, stop: int, columns: NDArray[np.intp], from_zones: bool) -> Iterable[Block]:
    """Split into blocks by the side where searches start: the smaller one, unless zones."""
    if from_zones or stop - first < len(columns):
        return (
            Block(a, min(a + CHUNK_ZONES, stop), columns) for a in range(first, stop, CHUNK_ZONES)
        )
    steps = range(0, len(columns), BLOCK_BUILDINGS)
    return (Block(first, stop, columns[start : start + BLOCK_BUILDINGS]) for start in steps)


def _missing_ranges(chunks: NDArray[np.bool_], zones: int) -> list[tuple[int, int]]:
    """Consecutive missing chunks as (first zone, zone after the last)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], chunks.astype(np.int8), [0]])))
    return [
        (int(a) * CHUNK_ZONES, min(int(b) * CHUNK_ZONES, zones))
        for a, b in zip(edges[::2], edges[1::2], strict=True)
    ]
