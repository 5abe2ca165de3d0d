"""Solve one case in this process: ``python -m placeopt.bench.runner.worker FOLDER``.

Reads ``task.json`` from the folder and writes ``ready`` once code is loaded, the case made and the
engine warmed on a tiny case of the same kind, so that loading is not timed for any of them; then
``answer.json``. CPU seconds and memory are those of the process and of what it started.
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
        record = work(task, Path(folder))
    except EngineMissing as error:
        record = {"status": "not installed", "message": str(error)}
    (Path(folder) / "answer.json").write_text(json.dumps(record), encoding="utf-8")


def _end_with_parent(parent: int) -> None:
    """End this process and what it started once the one that started it is gone."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os.killpg(0, signal.SIGKILL)


def work(task: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Solve the task's case with its engine: a plain record, with the plan for the check."""
    from placeopt.bench.case import Case
    from placeopt.bench.subjects.registry import subject_of
    from placeopt.bench.subjects.subject import Run

    case = Case(**task["case"])
    subject = subject_of(case)
    how = Run(task["engine"], float(task["time_limit"]), task["gap"], int(task["seed"]), folder)
    instance = subject.make(case)
    if case.family != "smoke":  # where nobody reads the seconds
        for tiny in subject.tiny(case):
            subject.solve(subject.make(tiny), Run(how.engine, 5.0, 0.0, 1, folder))
    (folder / "ready").touch()
    began, cpu = time.perf_counter(), cpu_seconds()
    record = subject.solve(instance, how)
    record["wall_seconds"] = time.perf_counter() - began
    record["cpu_seconds"] = cpu_seconds() - cpu
    record["peak_mb"] = peak_mb()
    return record


def cpu_seconds() -> float:
    """Of this process and of those that it started and that have ended."""
    return time.process_time() + sum(
        getattr(resource.getrusage(resource.RUSAGE_CHILDREN), part)
        for part in ("ru_utime", "ru_stime")
    )


def peak_mb() -> float:
    """The most memory that this process or the largest that it started has held."""
    unit = 1024 if os.uname().sysname != "Darwin" else 1024**2
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(who).ru_maxrss for who in whose) / unit


if __name__ == "__main__":
    main(sys.argv[1])
