"""Solve one case in this process: ``python -m placeopt.bench.runner.worker FOLDER``.

Reads ``task.json`` from the folder. Writes ``ready`` once code is loaded, the case made and the
engine warmed on a tiny case of the same kind, so that loading is not timed for any engine. Then
writes ``answer.json``. CPU seconds and memory are those of the process and its children.
"""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from placeopt.base.errors import EngineMissing


def main(folder: str) -> None:
    faulthandler.register(signal.SIGUSR1)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    task = json.loads((Path(folder) / "task.json").read_text(encoding="utf-8"))
    limit = int(task["memory_mb"]) * 2**20
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    try:
        record = solve_task(task, Path(folder))
    except EngineMissing as error:
        record = {"status": "not installed", "message": str(error)}
    (Path(folder) / "answer.json").write_text(json.dumps(record), encoding="utf-8")


def _end_with_parent(parent: int) -> None:
    """End this process and its children once its parent has ended."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os.killpg(0, signal.SIGKILL)


def solve_task(task: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Solve the task's case with its engine: a plain record, with the plan for the check."""
    from placeopt.bench.case import Case
    from placeopt.bench.subjects.registry import subject_of
    from placeopt.bench.subjects.subject import SolveSettings

    case = Case(**task["case"])
    subject = subject_of(case)
    settings = SolveSettings(
        task["engine"], float(task["time_limit"]), task["gap"], int(task["seed"]), folder
    )
    instance = subject.make_instance(case)
    if case.family != "smoke":  # whose seconds are not used
        for warm_up_cases in subject.warm_up_cases(case):
            subject.solve(
                subject.make_instance(warm_up_cases),
                SolveSettings(settings.engine, 5.0, 0.0, 1, folder),
            )
    (folder / "ready").touch()
    started_at, cpu_started_at = time.perf_counter(), cpu_seconds()
    record = subject.solve(instance, settings)
    record["wall_seconds"] = time.perf_counter() - started_at
    record["cpu_seconds"] = cpu_seconds() - cpu_started_at
    record["peak_mb"] = peak_mb()
    return record


def cpu_seconds() -> float:
    """CPU seconds of this process and of its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def peak_mb() -> float:
    """The most memory that this process or its largest child has held."""
    unit = 1024 if os.uname().sysname != "Darwin" else 1024**2
    targets = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(target).ru_maxrss for target in targets) / unit


if __name__ == "__main__":
    main(sys.argv[1])
