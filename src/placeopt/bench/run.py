"""Run a suite: every case with every engine, each in a process of its own, re-checked here.

Records go to ``results.jsonl`` as they come, so that a run that was stopped goes on where it was;
``results.parquet`` and ``results.csv`` are written at the end. The order is shuffled with a seed.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from placeopt.bench.suites import Case, problem_of, suite
from placeopt.errors import UsageError

ENGINES = ("placeopt", "highs", "cbc", "scip", "cp-sat", "gurobi", "cplex", "copt", "spopt")
GRACE_SECONDS = 30.0  # beyond the time limit, for reading, warming and writing, before it is ended


def run(
    name: str,
    engines: Sequence[str],
    out: str | Path,
    *,
    folder: str | Path | None = None,
    time_limit: float = 60.0,
    repeats: int = 1,
    memory_mb: int = 8000,
    gap: float = 0.0,
    seed: int = 1,
    tell: Callable[[str], None] | None = None,
) -> Path:
    """Run suite ``name`` with ``engines`` and return the folder of results.

    ``tell`` is called with a line for each run. Raises ``UsageError`` for an unknown engine.
    """
    unknown = [engine for engine in engines if engine not in ENGINES]
    if unknown:
        raise UsageError(f"no engine {', '.join(unknown)}; there are {', '.join(ENGINES)}")
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    log = out / "results.jsonl"
    done = {_key(record) for record in read_records(out)}
    cases = suite(name, folder)
    tasks = [(c, e, r) for c in cases for e in engines for r in range(repeats)]
    order = np.random.default_rng(seed).permutation(len(tasks))
    (out / "machine.json").write_text(json.dumps(machine(), indent=2), encoding="utf-8")
    for number, index in enumerate(order, 1):
        case, engine, repeat = tasks[index]
        if (name, case.name, case.family, engine, repeat) in done:
            continue
        task = {
            "case": case.as_dict(),
            "engine": engine,
            "time_limit": time_limit,
            "gap": gap,
            "seed": seed + repeat,
            "memory_mb": memory_mb,
        }
        record = {"suite": name, "repeat": repeat, **_run_one(case, task)}
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        if tell is not None:
            tell(f"{number}/{len(tasks)} {case.name} {engine}: {_line(record)}")
    write_tables(out)
    return out


def read_records(out: Path) -> list[dict[str, Any]]:
    """The records of a folder of results, in the order in which they came."""
    log = out / "results.jsonl"
    if not log.is_file():
        return []
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line]


def write_tables(out: Path) -> None:
    """``results.parquet`` and ``results.csv`` of a folder's records."""
    import pandas as pd

    frame = pd.DataFrame(
        [{k: v for k, v in record.items() if k != "trace"} for record in read_records(out)]
    )
    frame.to_parquet(out / "results.parquet", index=False)
    frame.to_csv(out / "results.csv", index=False)


def machine() -> dict[str, Any]:
    """What this was measured on."""
    names = ("placeopt", "numpy", "scipy", "numba", "highspy", "ortools", "pyscipopt", "pulp",
             "spopt")  # fmt: skip
    versions = {}
    for name in names:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": versions,
        "threads": 1,
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()


def _run_one(case: Case, task: dict[str, Any]) -> dict[str, Any]:
    """One case with one engine in its own process, its plan checked in this one."""
    with tempfile.TemporaryDirectory() as scratch:
        answer = Path(scratch) / "answer.json"
        text = json.dumps({**task, "answer": str(answer)})
        limit = float(task["time_limit"]) * 1.5 + GRACE_SECONDS
        one = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
        try:
            done = subprocess.run(
                [sys.executable, "-m", "placeopt.bench.worker"],
                input=text, text=True, capture_output=True, timeout=limit,
                env={**os.environ, **one},
            )  # fmt: skip
            fault = done.stderr.strip().splitlines()[-1:] or [f"exit {done.returncode}"]
        except subprocess.TimeoutExpired:
            fault = [f"ended after {limit:.0f} s"]
        record = json.loads(answer.read_text()) if answer.is_file() else None
    base = {
        "case": case.name,
        "family": case.family,
        "kind": case.kind,
        "engine": task["engine"],
        "time_limit": task["time_limit"],
        "tolerance": task["gap"],
        "seed": task["seed"],
        "best_known": case.best_known,
    }
    if record is None:
        return {**base, "status": "failed", "message": fault[0][:300], "verified": False}
    return {**base, **_checked(case, record)}


def _checked(case: Case, record: dict[str, Any]) -> dict[str, Any]:
    """The record without its plan, with whether the plan passed the check."""
    verified = False
    fault = ""
    if record["objective"] is not None:
        verified, fault = _verify(case, record)
    elif record["status"] == "infeasible":
        verified = True
    objective, bound = record["objective"], record["bound"]
    gap = None
    if objective is not None and bound is not None:
        gap = abs(objective - bound) / max(1e-9, abs(objective))
    return {
        "status": record["status"],
        "objective": objective,
        "bound": bound,
        "gap": gap,
        "verified": verified,
        "proven": verified and record["status"] == "optimal",
        "cpu_seconds": record["cpu_seconds"],
        "wall_seconds": record["wall_seconds"],
        "first_seconds": record["seconds"].get("first"),
        "best_seconds": record["seconds"].get("best"),
        "proof_seconds": record["seconds"].get("proof"),
        "primal_integral": primal_integral(record, case.best_known),
        "peak_mb": record["peak_mb"],
        "method": record["method"],
        "message": fault or record["message"],
        "trace": record["trace"],
    }


def _verify(case: Case, record: dict[str, Any]) -> tuple[bool, str]:
    from scipy import sparse

    from placeopt.engine import Status
    from placeopt.location import Solution, verify

    problem = problem_of(case)
    flows = None
    if record["flows"] is not None:
        i, j, x = zip(*record["flows"], strict=True)
        flows = sparse.csr_array((x, (i, j)), shape=problem.distances.shape)
    assignment = record["assignment"]
    solution = Solution(
        problem,
        Status(record["status"]),
        objective=record["objective"],
        bound=record["bound"] if record["bound"] is not None else -np.inf,
        positions=np.array(record["positions"], np.int64),
        assignment=None if assignment is None else np.array(assignment, np.int64),
        flows=flows,
    )
    found = verify(problem, solution)
    return found.ok, "; ".join(f"{check.name}: {check.detail}" for check in found.broken)


def primal_integral(record: dict[str, Any], best: float | None) -> float | None:
    """The primal gap to the best value known, integrated over the run's seconds (Berthold 2013)."""
    best = best if best is not None else record["objective"]
    if best is None:
        return None
    total, last, gap = 0.0, 0.0, 1.0
    for second, objective, _ in record["trace"]:
        total += gap * (second - last)
        last = second
        if objective is not None:
            gap = min(1.0, abs(objective - best) / max(1e-9, abs(objective), abs(best)))
    return total + gap * max(0.0, record["wall_seconds"] - last)


def _key(record: dict[str, Any]) -> tuple:
    return tuple(record[name] for name in ("suite", "case", "family", "engine", "repeat"))


def _line(record: dict[str, Any]) -> str:
    if record.get("objective") is None:
        return f"{record['status']} {record.get('message', '')}"
    gap = record["gap"]
    closeness = "no bound" if gap is None else f"gap {gap:.4%}"
    return (
        f"{record['objective']:.10g} {record['status']}, {closeness}, {record['cpu_seconds']:.2f} s"
    )
