"""A cache of travel times beside a place, in chunks, so that a run can stop, resume and grow.

One folder holds the minutes of one mode; its name is a hash of everything they depend on except the
buildings. Each chunk is a Parquet file with the pairs within the cut-off for some zones and some
buildings, which its header lists. Pairs that no chunk covers are still to be computed: after Ctrl-C
the chunks written so far are used, and a new building needs only its own column. A building is
identified by its coordinates, a zone by its position in the place.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placeopt.base.files import atomic_file

FORMAT = 1  # increased when minutes of older versions must not be reused
CHUNK_ZONES = 64  # coverage is recorded for this many zones at a time


@dataclass(frozen=True)
class MinutesCache:
    """A folder of chunks, created when the first one is written.

    Attributes:
        folder: The folder.
        zones: The number of zones.
    """

    folder: Path
    zones: int

    def provenance(self) -> dict[str, Any]:
        """The provenance stated when the minutes were first computed; {} before that."""
        file = self.folder / "provenance.json"
        return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}

    def write_provenance(self, provenance: Mapping[str, Any]) -> None:
        """Write the provenance of the minutes, unless there is one."""
        file = self.folder / "provenance.json"
        if not file.exists():
            with atomic_file(file) as made:
                made.write_text(json.dumps(provenance, indent=1), encoding="utf-8")

    def notes(self) -> dict[str, Any]:
        """The notes for later checks; {} if there are none."""
        file = self.folder / "notes.json"
        return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}

    def write_notes(self, notes: Mapping[str, Any]) -> None:
        """Write notes for later checks: dictionaries are merged, other values replaced."""
        before = self.notes()
        grown = {
            key: {**before.get(key, {}), **value} if isinstance(value, dict) else value
            for key, value in notes.items()
        }
        with atomic_file(self.folder / "notes.json") as made:
            made.write_text(json.dumps(grown), encoding="utf-8")

    def is_complete(self) -> bool:
        """Whether provenance and notes have been written."""
        return all((self.folder / name).exists() for name in ("provenance.json", "notes.json"))

    def remove_unfinished(self) -> None:
        """Remove unfinished files of ended processes; the caller must have the folder to itself."""
        for file in self.folder.glob("*.unfinished"):
            file.unlink()

    def covered(self, buildings: Sequence[str]) -> NDArray[np.bool_]:
        """(chunks of zones, buildings) whether the pairs have been computed."""
        position = {key: b for b, key in enumerate(buildings)}
        done = np.zeros((-(-self.zones // CHUNK_ZONES), len(buildings)), bool)
        for _, header in self._headers():
            columns = [position[key] for key in header["buildings"] if key in position]
            done[header["first"] // CHUNK_ZONES : -(-header["stop"] // CHUNK_ZONES), columns] = True
        return done

    def write_chunk(
        self,
        first: int,
        buildings: Sequence[str],
        minutes: NDArray[np.float64],
        worst: NDArray[np.float64] | None = None,
    ) -> None:
        """Write a chunk, atomically.

        Args:
            first: The first zone.
            buildings: Keys of the buildings.
            minutes: (zones, buildings) minutes; NaN is left out.
            worst: The same at their worst, if known.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        b, z = np.nonzero(np.isfinite(minutes.T))  # sorted by building, then zone
        columns = {
            "zone": pa.array((z + first).astype(np.int32)),
            "building": pa.array(b.astype(np.int32)),
            "minutes": pa.array(minutes[z, b]),
        }
        if worst is not None:
            columns["worst"] = pa.array(worst[z, b], from_pandas=True)
        header = {"first": first, "stop": first + len(minutes), "buildings": list(buildings)}
        table = pa.table(columns).replace_schema_metadata({"placeopt": json.dumps(header)})
        self.folder.mkdir(parents=True, exist_ok=True)
        name = uuid.uuid4().hex
        unfinished = self.folder / f"{name}.unfinished"
        pq.write_table(table, unfinished, compression="zstd")
        unfinished.rename(self.folder / f"{name}.parquet")

    def load(
        self, buildings: Sequence[str]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """Read all chunks: (zones, buildings) minutes, and the same at their worst or None."""
        import pyarrow.parquet as pq

        columns_of: dict[str, list[int]] = {}
        for b, key in enumerate(buildings):
            columns_of.setdefault(key, []).append(b)
        minutes = np.full((self.zones, len(buildings)), np.nan)
        worst: NDArray[np.float64] | None = None
        for file, header in self._headers():
            columns_of_chunk = [columns_of.get(key, []) for key in header["buildings"]]
            if not any(columns_of_chunk):
                continue
            table = pq.read_table(file)
            rows, building = (table.column(c).to_numpy() for c in ("zone", "building"))
            if "worst" in table.column_names and worst is None:
                worst = np.full_like(minutes, np.nan)
            bounds = np.searchsorted(building, np.arange(len(columns_of_chunk) + 1))
            for target, name in ((minutes, "minutes"), (worst, "worst")):
                if name not in table.column_names or target is None:
                    continue
                values = table.column(name).to_numpy()
                for k, columns in enumerate(columns_of_chunk):
                    inside = slice(bounds[k], bounds[k + 1])
                    for b in columns:
                        target[rows[inside], b] = values[inside]
        return minutes, worst

    def _headers(self) -> list[tuple[Path, dict[str, Any]]]:
        import pyarrow.parquet as pq

        files = sorted(self.folder.glob("*.parquet")) if self.folder.is_dir() else []
        return [(f, json.loads(pq.read_schema(f).metadata[b"placeopt"])) for f in files]


def cache_folder(place_folder: Path, mode: str, inputs: Mapping[str, Any]) -> Path:
    """The folder for minutes by ``mode`` that depend on ``inputs``."""
    text = json.dumps({"format": FORMAT, "mode": mode, **inputs}, sort_keys=True, default=str)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    home = place_folder if place_folder.is_dir() else place_folder.parent
    return home / ".placeopt" / f"minutes-{mode}-{digest}"


def hash_of_file(file: Path) -> str:
    """SHA-256 of a file's content."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def hash_of_array(array: NDArray[Any]) -> str:
    """SHA-256 of an array's numbers."""
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def coordinate_keys(xy: NDArray[np.float64]) -> list[str]:
    """The keys of buildings in the cache: coordinates to the millimetre."""
    return [f"{x:.3f} {y:.3f}" for x, y in xy]
