"""A run is a separate process: its limit begins when it is ready, and it leaves no process
behind."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from placeopt.bench.case import Case
from placeopt.bench.runner.process import run_worker

BEGIN = """
import faulthandler, json, signal, subprocess, sys, time, pathlib
faulthandler.register(signal.SIGUSR1)
folder = pathlib.Path(sys.argv[1])
"""


def worker(text: str) -> tuple[str, ...]:
    return (sys.executable, "-c", BEGIN + text)


def test_loading_does_not_count_against_the_limit(tmp_path: Path) -> None:
    """What looked like spopt hanging was seven CPU seconds of loading on a machine with much
    other work, counted against the limit."""
    slow = worker(
        "time.sleep(1.2); (folder / 'ready').touch(); (folder / 'answer.json').write_text('{}')"
    )
    record, fault = run_worker({"time_limit": 0.4}, tmp_path, slow, grace_seconds=0.1)
    assert (record, fault) == ({}, "")


def test_a_run_beyond_its_limit_is_killed_with_its_position(tmp_path: Path) -> None:
    stuck = worker("def endless():\n    time.sleep(60)\n(folder / 'ready').touch()\nendless()")
    record, fault = run_worker({"time_limit": 0.2}, tmp_path, stuck, grace_seconds=0.2)
    assert record is None
    assert "after it was ready" in fault
    assert "in endless" in fault


def test_children_of_a_run_are_killed_with_it(tmp_path: Path) -> None:
    """CBC runs in a separate process and would otherwise use the next runs' time."""
    stuck = worker(
        "child = subprocess.Popen(['sleep', '60'])\n"
        "(folder / 'child').write_text(str(child.pid))\n"
        "(folder / 'ready').touch()\n"
        "time.sleep(60)"
    )
    run_worker({"time_limit": 0.2}, tmp_path, stuck, grace_seconds=0.2)
    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        if not _alive(child):
            return
        time.sleep(0.02)
    raise AssertionError("the child goes on")


def test_a_run_that_writes_much_is_not_held_up_by_a_full_pipe(tmp_path: Path) -> None:
    loud = worker(
        "(folder / 'ready').touch(); print('x' * 10**6); print('y' * 10**6, file=sys.stderr);"
        "(folder / 'answer.json').write_text('{}')"
    )
    assert run_worker({"time_limit": 5.0}, tmp_path, loud)[0] == {}


def test_a_failed_run_reports_its_last_output(tmp_path: Path) -> None:
    record, fault = run_worker({"time_limit": 5.0}, tmp_path, worker("raise ValueError('no')"))
    assert record is None
    assert fault == "ValueError: no"


def test_cpu_seconds_count_what_a_run_started() -> None:
    import subprocess

    from placeopt.bench.runner.worker import cpu_seconds

    before = cpu_seconds()
    busy = "import time; t = time.process_time()\nwhile time.process_time() < t + 0.3: pass"
    subprocess.run([sys.executable, "-c", busy], check=True)
    assert cpu_seconds() - before > 0.29


def _alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    if status.exists():
        return status.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return not Path("/proc").exists()


def test_a_run_above_its_memory_limit_fails_and_is_reported(tmp_path: Path) -> None:
    options = {"n": 4000, "p": 5, "seed": 1}
    case = Case("wide", "smoke", "p-median", "points", options=options)
    task = {"case": case.as_dict(), "engine": "highs", "time_limit": 60.0, "gap": 0.0, "seed": 1}
    record, fault = run_worker({**task, "memory_mb": 500}, tmp_path)
    assert record is None
    assert "allocate" in fault or "Memory" in fault or "exit status" in fault, fault


def test_a_run_ends_when_the_suite_is_killed(tmp_path: Path) -> None:
    """A worker has its own session, so that a signal to the suite does not reach it."""
    import subprocess

    suite = (
        "import os, subprocess, sys, time\n"
        "worker = 'import os, signal, threading, time; "
        "from placeopt.bench.runner.worker import _end_with_parent as e; "
        "threading.Thread(target=e, args=(os.getppid(),), daemon=True).start(); "
        "print(os.getpid(), flush=True); time.sleep(60)'\n"
        "p = subprocess.Popen([sys.executable, '-c', worker], start_new_session=True)\n"
        "time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", suite], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    assert _alive(worker)
    parent.kill()
    parent.wait()
    for _ in range(300):
        if not _alive(worker):
            return
        time.sleep(0.05)
    raise AssertionError("the worker goes on without its suite")
