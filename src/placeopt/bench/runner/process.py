"""One run in a process of its own, which can be ended together with what it started.

The worker says when it has loaded its code, made the case and warmed its engine; only then does
the limit begin. Loading alone takes spopt seven CPU seconds, a minute on a machine with much other
work: counted from the start of the process, a limit ends runs that have not begun. Output goes to
files, as a pipe that nobody reads stops whoever writes to it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

LOADING_SECONDS = 600.0  # for loading, making the case and warming the engine
GRACE_SECONDS = 30.0  # beyond the time limit, for what engines do after it
TICK_SECONDS = 0.02
ONE_THREAD = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
WORKER = (sys.executable, "-m", "placeopt.bench.runner.worker")


def run_worker(
    task: dict[str, Any],
    scratch: Path,
    command: tuple[str, ...] = WORKER,
    loading_seconds: float = LOADING_SECONDS,
    grace_seconds: float = GRACE_SECONDS,
    times: float = 1.5,
) -> tuple[dict[str, Any] | None, str]:
    """The worker's record, or None and a sentence that says how it ended.

    ``scratch``: an empty folder of this run's. The worker is ended when it has not answered
    within ``times`` the task's time limit and ``grace_seconds`` of being ready.
    """
    (scratch / "task.json").write_text(json.dumps(task), encoding="utf-8")
    with (scratch / "output").open("wb") as output, (scratch / "faults").open("wb") as faults:
        worker = subprocess.Popen(
            [*command, str(scratch)], stdin=subprocess.DEVNULL, stdout=output, stderr=faults,
            env={**os.environ, **ONE_THREAD}, start_new_session=True,
        )  # fmt: skip
        try:
            ready = _wait(worker, loading_seconds, scratch / "ready")
            limit = float(task["time_limit"]) * times + grace_seconds
            if ready and _wait(worker, limit):
                ended = ""
            else:
                told = f"{limit:.0f} s after it was ready" if ready else "before it was ready"
                ended = f"ended {told}, {_where(worker, scratch / 'faults')}"
        finally:
            _end(worker)
    answer = scratch / "answer.json"
    if not ended and answer.is_file():
        return json.loads(answer.read_text(encoding="utf-8")), ""
    text = (scratch / "faults").read_text(errors="replace").strip()
    return None, ended or (text.splitlines() or [f"exit status {worker.returncode}"])[-1][:300]


def _wait(worker: subprocess.Popen[bytes], seconds: float, sign: Path | None = None) -> bool:
    """Whether the worker ended, or ``sign`` appeared, within so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if worker.poll() is not None or (sign is not None and sign.exists()):
            return True
        time.sleep(TICK_SECONDS)
    return False


def _where(worker: subprocess.Popen[bytes], faults: Path) -> str:
    """Where its Python code stands: the worker writes its stack when it is sent SIGUSR1."""
    before = faults.stat().st_size
    worker.send_signal(signal.SIGUSR1)
    for _ in range(50):
        time.sleep(TICK_SECONDS)
        lines = faults.read_bytes()[before:].decode(errors="replace").splitlines()
        frames = [line.strip() for line in lines if line.strip().startswith("File ")]
        if frames:
            return "in " + "; ".join(_short(frame) for frame in frames[:3])
    return "silent"


def _short(frame: str) -> str:
    """``File "/a/b/c.py", line 3 in run`` without the folders."""
    head, _, rest = frame.removeprefix('File "').partition('"')
    return f"{Path(head).parent.name}/{Path(head).name}{rest}"


def _end(worker: subprocess.Popen[bytes]) -> None:
    """End the worker and every process that it started (CBC runs in one of its own)."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()
