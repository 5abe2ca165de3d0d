"""The benchmark of large budgets runs: the plan of every method is feasible and above the bound."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest


def module():
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "budget.py"
    spec = importlib.util.spec_from_file_location("large_budgets", path)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


TASK = {
    "programmes": 6, "outcomes": 3, "years": 2, "pace": True, "gap": 1e-3, "seed": 1,
    "cut": 1e-2, "time_limit": 30.0,
}  # fmt: skip


@pytest.mark.parametrize("way", ["cbc", "highs", "cvxpy"])
def test_every_methods_plan_is_feasible_and_above_our_bound(way, tmp_path):
    if way == "cvxpy":
        pytest.importorskip("cvxpy", reason='the rival is optional: pip install "placeopt[bench]"')
    budget, found = module(), {}
    for name in ("ours", way):
        task = {**TASK, "way": name, "concave": True}
        (tmp_path / "task.json").write_text(json.dumps(task), encoding="utf-8")
        budget.one(tmp_path)
        found[name] = json.loads((tmp_path / "answer.json").read_text(encoding="utf-8"))
        assert found[name]["breach"] < 1e-6
    assert found[way]["value"] >= found["ours"]["bound"] - 1e-6
    assert found[way]["value"] <= found["ours"]["value"] + 0.2
