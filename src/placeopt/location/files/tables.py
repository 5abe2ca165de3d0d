"""A cost or minute table: CSV or Parquet, one row a customer, one column a site.

The first column holds customer ids where it is not numeric or is named like an id; columns named
``weight``, ``demand`` (in any case) are taken out as such. An empty cell means: there is no way.
A long table with the columns customer, site, distance (or minutes, cost) gives pairs; the first two
may end in ``_id``. NumPy's ``.npy`` holds a dense matrix, ``.npz`` (``scipy.sparse.save_npz``) a
sparse one, of which what is not stored has no way.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from placeopt.base.reading import require_parquet
from placeopt.errors import UsageError
from placeopt.location.distances import Distances, Matrix, Pairs
from placeopt.location.problems import Problem

LENGTHS = ("distance", "minutes", "cost")


def read_table(path: Path, kind: str, **options: Any) -> Problem:
    """A problem of ``kind`` over the table at ``path``; ``options`` are fields of ``Problem``."""
    import pandas as pd

    if path.suffix in (".npy", ".npz"):
        return _numpy(path, kind, options)
    if path.suffix == ".parquet":
        require_parquet(path)
    frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    names = {str(name).lower(): name for name in frame.columns}
    for word in ("customer", "site"):
        if word not in names and f"{word}_id" in names:
            names |= {word: names[f"{word}_id"]}
    if {"customer", "site"} <= set(names):
        return _long(frame, names, kind, path, options)
    for word, field in (("weight", "weights"), ("demand", "demands")):
        if word in names:
            options.setdefault(field, frame.pop(names[word]).to_numpy(float))
    first = frame.columns[0]
    is_id = not pd.api.types.is_numeric_dtype(frame[first]) or str(first).lower().endswith("id")
    if is_id:
        options.setdefault("customer_ids", tuple(frame.pop(first).astype(str)))
    words = [str(c) for c in frame.columns if not pd.api.types.is_numeric_dtype(frame[c])]
    if words:
        raise UsageError(f"{path.name}: columns {words} are not numbers; give minutes or costs")
    options.setdefault("site_ids", tuple(str(column) for column in frame.columns))
    return Problem(kind, Matrix(frame.to_numpy(float)), name=path.stem, **options)


def _numpy(path: Path, kind: str, options: dict) -> Problem:
    try:
        if path.suffix == ".npy":
            distances: Distances = Matrix(np.load(path, allow_pickle=False))
        else:
            distances = Pairs(sparse.csr_array(sparse.load_npz(path)))
    except (ValueError, KeyError, OSError) as error:
        told = "a dense matrix (numpy.save)" if path.suffix == ".npy" else "scipy.sparse.save_npz"
        raise UsageError(f"{path.name} does not read as written by {told}: {error}") from error
    return Problem(kind, distances, name=path.stem, **options)


def _long(frame: Any, names: dict[str, str], kind: str, path: Path, options: dict) -> Problem:
    length = next((names[word] for word in LENGTHS if word in names), None)
    if length is None:
        raise UsageError(f"{path.name}: no column of lengths; name it one of {', '.join(LENGTHS)}")
    customers, rows = np.unique(frame[names["customer"]].astype(str), return_inverse=True)
    sites, columns = np.unique(frame[names["site"]].astype(str), return_inverse=True)
    if len(frame) > len(set(zip(rows.tolist(), columns.tolist(), strict=True))):
        raise UsageError(f"{path.name}: a pair of customer and site is listed twice")
    options.setdefault("customer_ids", tuple(customers.tolist()))
    options.setdefault("site_ids", tuple(sites.tolist()))
    values = sparse.coo_array(
        (frame[length].to_numpy(float), (rows, columns)), shape=(len(customers), len(sites))
    )
    distances: Distances = Pairs(values.tocsr())
    return Problem(kind, distances, name=path.stem, **options)
