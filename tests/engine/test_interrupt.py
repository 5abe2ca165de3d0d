"""Ctrl-C, progress and limits on a longer solve."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from small_models import p_median

from placeopt.engine import Model, Progress, Status, TerminalProgress, solve
from placeopt.engine.interrupts import ignoring_interrupts, run_until_interrupted, until_interrupted
from placeopt.engine.progress import progress_line
from placeopt.engine.settings import Settings

HARD = """
import sys
sys.path.insert(0, {folder!r})
from test_interrupt import hard
from placeopt.engine import Settings, solve
def progress(report):
    if report.incumbent is not None:
        print("plan", flush=True)
import highspy, ortools.sat.python.cp_model  # loaded before the wait begins
print("ready", flush=True)
result = solve(hard(), Settings(60, gap=0, progress=progress, engine={engine!r}))
print(result.status, result.has_plan, result.gap < 10, flush=True)
"""


def hard() -> Model:
    """A market-split model: plans are found at once, a proof hardly ever."""
    rng = np.random.default_rng(3)
    model = Model("market split")
    weights = rng.integers(0, 100, (5, 50))
    x = model.add_columns("x", size=50, upper=1, integer=True)
    slack = model.add_columns("slack", size=10, upper=5000, cost=1, integer=True)
    r, c = np.divmod(np.arange(250), 50)
    rows = np.arange(5)
    half = weights.sum(axis=1) // 2
    terms = [
        (r, x.at(c), weights.ravel()),
        (rows, slack.at(rows), 1),
        (rows, slack.at(rows + 5), -1),
    ]
    model.add_rows("split", rule="1", size=5, lower=half, upper=half, terms=terms)
    return model


@pytest.mark.parametrize("engine", ["highs", "scip", "cp-sat"])
def test_ctrl_c_returns_the_best_plan_so_far(engine: str):
    code = HARD.format(folder=str(Path(__file__).parent), engine=engine)
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "ready\n"
        if engine == "highs":
            assert process.stdout.readline() == "plan\n"
        else:
            time.sleep(5)
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=90)
    assert out.splitlines()[-1] == "interrupted True True", err


def test_after_ctrl_c_later_solves_return_their_warm_start():
    stop = threading.Event()

    def call() -> None:
        time.sleep(0.5)  # the caller waits by now
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.wait(60)

    model = p_median()
    best = solve(model, Settings(gap=0))
    with until_interrupted() as interrupted:
        assert solve(model, Settings(gap=0)).status is Status.OPTIMAL
        assert run_until_interrupted(call, stop.set)
        assert interrupted()
        follows = solve(model, Settings(gap=0, warm_start=best.values))
        assert follows.status is Status.INTERRUPTED
        assert follows.objective == best.objective
        assert not solve(model, Settings(gap=0)).has_plan
        with ignoring_interrupts():
            assert solve(model, Settings(gap=0)).status is Status.OPTIMAL
    assert solve(model, Settings(gap=0)).status is Status.OPTIMAL


def test_a_limit_leaves_a_plan_that_is_not_called_optimal():
    reports: list[Progress] = []
    result = solve(hard(), Settings(gap=0, time_limit_seconds=1.0, progress=reports.append))
    assert result.status is Status.FEASIBLE
    assert result.gap > 0
    assert result.bound >= 0
    assert len(reports) >= 2
    assert reports[-1].incumbent == result.objective
    assert all(report.bound <= result.objective + 1e-6 for report in reports)


@pytest.mark.parametrize("engine", ["cbc", "scip", "cp-sat"])
def test_at_a_limit_every_engine_states_a_valid_bound(engine: str):
    result = solve(hard(), Settings(engine=engine, gap=0, time_limit_seconds=2.0))
    assert result.status in (Status.FEASIBLE, Status.NO_PLAN)
    assert result.bound <= 10


def test_an_error_in_a_progress_callback_reaches_the_caller():
    def shy(report: Progress) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        solve(hard(), Settings(gap=0, time_limit_seconds=2.0, progress=shy))


def test_a_solve_runs_in_any_thread():
    results = []
    thread = threading.Thread(target=lambda: results.append(solve(p_median(), Settings(gap=0))))
    thread.start()
    thread.join()
    assert results[0].status is Status.OPTIMAL


def test_the_terminal_line_says_seconds_plan_bound_and_gap():
    assert progress_line(Progress(12.3, 1234.0, 1200.0), "GBP") == (
        "12 s   best plan 1,234 GBP   bound 1,200 GBP   gap 2.76%"
    )
    assert progress_line(Progress(3.0, None, -np.inf)).endswith("bound none yet   gap open")


def test_progress_waits_two_seconds_and_writes_plain_lines_to_a_file():
    stream = io.StringIO()
    with TerminalProgress(stream) as progress:
        progress(Progress(1.0, 5.0, 1.0))
        progress(Progress(2.5, 5.0, 1.0))
        progress(Progress(3.5, 5.0, 1.0))
    assert stream.getvalue().count("\n") == 1


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    def shown(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.getvalue())


def test_progress_redraws_one_line_on_a_terminal():
    stream = Terminal()
    with TerminalProgress(stream, after=0.0) as progress:
        progress(Progress(2.5, 5.0, 1.0))
        progress(Progress(3.5, 5.0, 4.0))
        time.sleep(1.1)
    assert "best plan 5   bound 4" in stream.shown()


def test_a_terminal_shows_progress_before_an_engine_reports():
    stream = Terminal()
    with TerminalProgress(stream, after=0.5):
        time.sleep(1.6)
    assert "1 s   no plan yet" in stream.shown()
    with TerminalProgress(stream := Terminal()):
        pass
    assert not stream.shown().strip(), "what is over in two seconds says nothing"
