"""Run one case in its own process, which can be ended together with what it started.

The worker reports when it has loaded its code, made the case and warmed its engine; only then does
the limit begin. Loading alone takes spopt seven CPU seconds, or a minute on a busy machine:
counted from the start of the process, a limit would end runs that have not begun. Output goes to
files, as an unread pipe blocks the process that writes to it.
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
    limit_factor: float = 1.5,
) -> tuple[dict[str, Any] | None, str]:
    """Run a task in a worker process.

    The worker is ended if it has not answered within ``limit_factor`` times the task's time limit
    plus ``grace_seconds`` of being ready.

    Args:
        task: The task, as plain values.
        scratch: An empty folder for this run.
        command: Command of the worker.
        loading_seconds: Time limit until the worker is ready.
        grace_seconds: Seconds beyond the time limit.
        limit_factor: Multiple of the time limit.

    Returns:
        The worker's record, or None and a sentence that says how it ended.
    """
    (scratch / "task.json").write_text(json.dumps(task), encoding="utf-8")
    with (scratch / "output").open("wb") as output, (scratch / "faults").open("wb") as error_log:
        worker = subprocess.Popen(
            [*command, str(scratch)], stdin=subprocess.DEVNULL, stdout=output, stderr=error_log,
            env={**os.environ, **ONE_THREAD}, start_new_session=True,
        )  # fmt: skip
        try:
            is_ready = _wait_for(worker, loading_seconds, scratch / "ready")
            limit = float(task["time_limit"]) * limit_factor + grace_seconds
            if is_ready and _wait_for(worker, limit):
                end_message = ""
            else:
                how_it_ended = (
                    f"{limit:.0f} s after it was ready" if is_ready else "before it was ready"
                )
                end_message = f"ended {how_it_ended}, {_stack_position(worker, scratch / 'faults')}"
        finally:
            _kill_worker(worker)
    answer = scratch / "answer.json"
    if not end_message and answer.is_file():
        return json.loads(answer.read_text(encoding="utf-8")), ""
    text = (scratch / "faults").read_text(errors="replace").strip()
    return None, end_message or (text.splitlines() or [f"exit status {worker.returncode}"])[-1][
        :300
    ]


def _wait_for(worker: subprocess.Popen[bytes], seconds: float, sign: Path | None = None) -> bool:
    """Whether the worker ended, or ``sign`` appeared, within a number of seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if worker.poll() is not None or (sign is not None and sign.exists()):
            return True
        time.sleep(TICK_SECONDS)
    return False


def _stack_position(worker: subprocess.Popen[bytes], error_log: Path) -> str:
    """Where the worker's Python code is: it writes its stack when it receives SIGUSR1."""
    before = error_log.stat().st_size
    worker.send_signal(signal.SIGUSR1)
    for _ in range(50):
        time.sleep(TICK_SECONDS)
        lines = error_log.read_bytes()[before:].decode(errors="replace").splitlines()
        frames = [line.strip() for line in lines if line.strip().startswith("File ")]
        if frames:
            return "in " + "; ".join(_short_frame(frame) for frame in frames[:3])
    return "silent"


def _short_frame(frame: str) -> str:
    """``File "/a/b/c.py", line 3 in run`` without the folders."""
    head, _, rest = frame.removeprefix('File "').partition('"')
    return f"{Path(head).parent.name}/{Path(head).name}{rest}"


def _kill_worker(worker: subprocess.Popen[bytes]) -> None:
    """End the worker and every process that it started (CBC runs in its own process)."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()
