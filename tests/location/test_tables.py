"""Matrices in files: dense, sparse and long tables give the same answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from placeopt.errors import UsageError
from placeopt.location import locate_file

TABLE = np.array([[1.0, 9.0, 9.0], [9.0, 1.0, 9.0], [9.0, 2.0, 3.0]])  # sites 1 and 2: 1 + 1 + 2


def test_dense_sparse_and_long_matrices_give_the_same_plan(tmp_path: Path) -> None:
    np.save(tmp_path / "dense.npy", TABLE)
    sparse.save_npz(tmp_path / "sparse.npz", sparse.csr_array(np.where(TABLE < 9, TABLE, 0.0)))
    i, j = np.nonzero(TABLE < 9)
    pairs = pd.DataFrame({"customer_id": i, "site_id": j, "minutes": TABLE[i, j]})
    pairs.to_csv(tmp_path / "long.csv", index=False)
    pd.DataFrame(TABLE, columns=["a", "b", "c"]).to_csv(tmp_path / "wide.csv", index=False)
    for name in ("dense.npy", "sparse.npz", "long.csv", "wide.csv"):
        solution = locate_file("p-median", tmp_path / name, p=2)
        assert (solution.objective, list(solution.positions)) == (4.0, [0, 1]), name


def test_a_file_that_is_no_matrix_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "broken.npz").write_bytes(b"no matrix")
    with pytest.raises(UsageError, match=r"broken\.npz does not read"):
        locate_file("p-median", tmp_path / "broken.npz", p=2)
