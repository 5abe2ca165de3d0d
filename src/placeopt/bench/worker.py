"""Solve one case in this process and write what came of it: ``python -m placeopt.bench.worker``.

Reads one JSON object from standard input, writes one to the file that it names. The engine is
warmed on a tiny case of the same kind first, so that loading code is not timed for any of them.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    task = json.load(sys.stdin)
    limit = int(task["memory_mb"]) * 2**20
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    record = work(task)
    Path(task["answer"]).write_text(json.dumps(record), encoding="utf-8")


def work(task: dict[str, Any]) -> dict[str, Any]:
    """Solve the task's case with its engine: a plain record, with the plan for the check."""
    from placeopt.bench.suites import Case, problem_of

    case = Case(**task["case"])
    problem = problem_of(case)
    engine, seconds, seed = task["engine"], float(task["time_limit"]), int(task["seed"])
    if case.family != "smoke":  # where nobody reads the seconds
        _warm(case, engine)
    began, cpu = time.perf_counter(), time.process_time()
    if engine == "spopt":
        from placeopt.bench.spopt_rival import solve_with_spopt

        record = solve_with_spopt(problem, seconds)
    else:
        from placeopt.location import locate

        solution = locate(
            problem, engine=engine, time_limit_seconds=seconds, gap=task["gap"], seed=seed
        )
        record = _plain(solution)
    record["wall_seconds"] = time.perf_counter() - began
    record["cpu_seconds"] = time.process_time() - cpu
    record["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return record


def _warm(case: Any, engine: str) -> None:
    """Load what the engine needs, on tiny cases, so that no engine is timed while it loads."""
    from placeopt.bench.suites import Case, problem_of
    from placeopt.location import locate

    for p in (2, 4):
        tiny = Case("warm", "warm", case.kind, "points", options={"n": 12, "p": p, "seed": 1})
        if engine == "spopt":
            from placeopt.bench.spopt_rival import solve_with_spopt

            solve_with_spopt(problem_of(tiny), 5.0)
        else:
            locate(problem_of(tiny), engine=engine, time_limit_seconds=5)


def _plain(solution: Any) -> dict[str, Any]:
    record = solution.as_dict()
    flows = solution.flows
    return {
        "status": record["status"],
        "objective": record["objective"],
        "bound": record["bound"],
        "positions": [int(j) for j in solution.positions],
        "assignment": None
        if solution.assignment is None
        else [int(j) for j in solution.assignment],
        "flows": None
        if flows is None
        else [[int(i), int(j), float(x)] for i, j, x in zip(*_pairs(flows), strict=True)],
        "seconds": record["seconds"],
        "trace": [[t, _number(a), _number(b)] for t, a, b in solution.trace],
        "method": record["method"],
        "message": record["message"],
    }


def _pairs(flows: Any) -> tuple:
    pairs = flows.tocoo()
    return pairs.coords[0], pairs.coords[1], pairs.data


def _number(value: float) -> float | None:
    return float(value) if value == value and abs(value) != float("inf") else None


if __name__ == "__main__":
    main()
