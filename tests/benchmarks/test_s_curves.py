"""The benchmark of S-shaped budgets runs, and our plans are never worse than the others."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np


def test_the_benchmark_of_s_shaped_budgets_runs():
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "s_curves.py"
    spec = importlib.util.spec_from_file_location("s_curves", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    row = module.measured(np.random.default_rng([1, 3]), 4)
    assert row["ours"]["value"] >= row["dp"]["value"] * (1 - 2e-4)
    assert row["ours"]["value"] >= row["slsqp-20"]["value"] * (1 - 2e-4)
    assert 0 <= row["ours"]["gap"] < 1e-3
