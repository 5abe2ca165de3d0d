"""Write the cases of a suite as MPS files for other people's solvers."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from placeopt.base.files import atomic_file
from placeopt.bench.case import Case
from placeopt.bench.subjects.registry import subject_of
from placeopt.bench.suites import suite

MAX_PAIRS = 1_000_000  # pairs of customers and sites; larger files take hundreds of megabytes
COLUMNS = ("case", "family", "kind", "file", "columns", "rows", "non_zeros", "integers", "note")


def export(
    name: str,
    out: str | Path,
    *,
    folder: str | Path | None = None,
    only: str = "",
    max_pairs: int = MAX_PAIRS,
    notify: Callable[[str], None] | None = None,
) -> Path:
    """Write every case of suite ``name`` to ``out`` in free-format MPS.

    All models are minimised: for a maximisation problem the optimum is the negative of the reported
    value. The index has a row for each case, including those that were not written and why.

    Args:
        name: Name of the suite.
        out: Folder to write to.
        folder: Folder of the standard files.
        only: Only cases whose name contains this text.
        max_pairs: Largest number of pairs of customers and sites to write.
        notify: Called with a line for each case.

    Returns:
        The path of ``index.csv``.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for case in suite(name, folder):
        if only in case.name:
            row = _write(case, out, max_pairs)
            rows.append(row)
            if notify is not None:
                notify(f"{row['case']}: {row['file'] or row['note']}")
    index = out / "index.csv"
    with atomic_file(index) as made, made.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return index


def _write(case: Case, out: Path, max_pairs: int) -> dict[str, Any]:
    from placeopt.engine.convert import write_model

    subject = subject_of(case)
    instance = subject.make_instance(case)
    row: dict[str, Any] = {"case": case.name, "family": case.family, "kind": case.kind, "file": ""}
    pairs = int(np.prod(instance.distances.shape)) if hasattr(instance, "distances") else 0
    if pairs > max_pairs:
        return row | {"note": f"{pairs:,} pairs of customers and sites: not written"}
    model = subject.model(instance)
    arrays = model.arrays()
    path = write_model(model, out / f"{case.name}.mps")
    return row | {
        "file": path.name,
        "columns": len(arrays.cost),
        "rows": len(arrays.row_lower),
        "non_zeros": arrays.matrix.nnz,
        "integers": int(arrays.integer.sum()),
        "note": _note(instance),
    }


def _note(instance: Any) -> str:
    if getattr(instance, "backup", False):
        return "the fewest sites only; then most customers twice"
    if getattr(instance, "maximised", False):
        return "minimised: the optimum is the negative of the value reported"
    if hasattr(instance, "total_gbp"):
        return "curves as straight lines under them, of the first round"
    return ""
