"""Minutes kept beside a place in parts, so that a run can stop, go on and grow.

One folder holds the minutes of one mode made in one way (its name is a hash of everything they
depend on but the buildings). Each part is a Parquet file with the pairs within the cut-off of
some zones and some buildings, and says in its header which. What no part covers is still to be
computed: after Ctrl-C the parts written so far count, and a building that is added needs its own
column only. A building is known by its coordinates, a zone by its position in the place.
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

FORMAT = 1  # raised whenever minutes made by an older version must not be used again
CHUNK_ZONES = 64  # zones; coverage is kept by whole chunks


@dataclass(frozen=True)
class MinutesCache:
    """The folder of parts for ``zones`` zones; made when the first part is written."""

    folder: Path
    zones: int

    def provenance(self) -> dict[str, Any]:
        """What was stated of these minutes when they were first computed; {} before that."""
        file = self.folder / "provenance.json"
        return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}

    def state(self, provenance: Mapping[str, Any]) -> None:
        """State where the minutes come from; the first statement stays."""
        file = self.folder / "provenance.json"
        if not file.exists():
            with atomic_file(file) as made:
                made.write_text(json.dumps(provenance, indent=1), encoding="utf-8")

    def notes(self) -> dict[str, Any]:
        """What was noted for later checks; {} before that."""
        file = self.folder / "notes.json"
        return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}

    def note(self, notes: Mapping[str, Any]) -> None:
        """Note something for later checks: tables of far points grow, the rest is replaced."""
        before = self.notes()
        grown = {
            key: {**before.get(key, {}), **value} if isinstance(value, dict) else value
            for key, value in notes.items()
        }
        with atomic_file(self.folder / "notes.json") as made:
            made.write_text(json.dumps(grown), encoding="utf-8")

    def stated(self) -> bool:
        """Whether provenance and notes have been written."""
        return all((self.folder / name).exists() for name in ("provenance.json", "notes.json"))

    def clear(self) -> None:
        """Remove what an ended process left unfinished; the caller is alone in the folder."""
        for left in self.folder.glob("*.unfinished"):
            left.unlink()

    def covered(self, buildings: Sequence[str]) -> NDArray[np.bool_]:
        """(chunks of zones, buildings) which pairs have been computed."""
        position = {key: b for b, key in enumerate(buildings)}
        done = np.zeros((-(-self.zones // CHUNK_ZONES), len(buildings)), bool)
        for _, header in self._headers():
            columns = [position[key] for key in header["buildings"] if key in position]
            done[header["first"] // CHUNK_ZONES : -(-header["stop"] // CHUNK_ZONES), columns] = True
        return done

    def add(
        self,
        first: int,
        buildings: Sequence[str],
        minutes: NDArray[np.float64],
        worst: NDArray[np.float64] | None = None,
    ) -> None:
        """Keep minutes (zones from ``first``, buildings), NaN left out; all of the file or none."""
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
        """((zones, buildings) minutes, the same at their worst or None) from all parts."""
        import pyarrow.parquet as pq

        columns_of: dict[str, list[int]] = {}
        for b, key in enumerate(buildings):
            columns_of.setdefault(key, []).append(b)
        minutes = np.full((self.zones, len(buildings)), np.nan)
        worst: NDArray[np.float64] | None = None
        for file, header in self._headers():
            where = [columns_of.get(key, []) for key in header["buildings"]]
            if not any(where):
                continue
            table = pq.read_table(file)
            rows, part = (table.column(c).to_numpy() for c in ("zone", "building"))
            if "worst" in table.column_names and worst is None:
                worst = np.full_like(minutes, np.nan)
            bounds = np.searchsorted(part, np.arange(len(where) + 1))
            for target, name in ((minutes, "minutes"), (worst, "worst")):
                if name not in table.column_names or target is None:
                    continue
                values = table.column(name).to_numpy()
                for k, columns in enumerate(where):
                    inside = slice(bounds[k], bounds[k + 1])
                    for b in columns:
                        target[rows[inside], b] = values[inside]
        return minutes, worst

    def _headers(self) -> list[tuple[Path, dict[str, Any]]]:
        import pyarrow.parquet as pq

        files = sorted(self.folder.glob("*.parquet")) if self.folder.is_dir() else []
        return [(f, json.loads(pq.read_schema(f).metadata[b"placeopt"])) for f in files]


def cache_folder(place_folder: Path, mode: str, inputs: Mapping[str, Any]) -> Path:
    """Where minutes by ``mode`` made from ``inputs`` are kept beside a place."""
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
    """What a building is known by in the parts: its coordinates to the millimetre."""
    return [f"{x:.3f} {y:.3f}" for x, y in xy]
