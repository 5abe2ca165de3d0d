"""The benchmarks start, measure and print; their figures are not judged here."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "benchmarks" / "build_and_transfer.py"


def test_ours_and_pulp_are_measured_in_one_run():
    command = [sys.executable, str(SCRIPT), "--n", "12", "--ways", "ours", "pulp-highs"]
    ran = subprocess.run([*command, "--markdown"], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    rows = [[cell.strip() for cell in line.split("|")] for line in ran.stdout.splitlines()[2:]]
    assert [row[2] for row in rows] == ["ours", "pulp-highs"]
    assert {row[6] for row in rows} == {str(3 * 12 * 12 + 12)}


def test_every_method_except_linopy_transfers_the_same_model():
    spec = importlib.util.spec_from_file_location("build_and_transfer", SCRIPT)
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    ways = [way for way in benchmark.WAYS if way != "linopy"]
    assert {benchmark.measured(way, 10)["nonzeros"] for way in ways} == {310}


def test_a_million_non_zeros_are_built_and_transferred():
    spec = importlib.util.spec_from_file_location("build_and_transfer", SCRIPT)
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    minutes = np.random.default_rng(1).random((600, 600))
    build, transfer = benchmark.ours()
    began = time.process_time()
    assert transfer(build(minutes)) > 1_000_000
    assert time.process_time() - began < 2
