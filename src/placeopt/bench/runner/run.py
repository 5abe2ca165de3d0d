"""Run a suite: every case with every engine, each in a process of its own, re-checked here.

Records go to ``results.jsonl`` as they come, so that a run that was stopped goes on where it was;
``results.parquet`` and ``results.csv`` are written at the end. The order is shuffled with a seed.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np

from placeopt.base.errors import UsageError
from placeopt.base.files import atomic_file, exclusive_folder
from placeopt.bench.case import Case
from placeopt.bench.results.records import add_record, load, machine, read_records, write_tables
from placeopt.bench.runner.process import run_worker
from placeopt.bench.subjects.registry import subject_of
from placeopt.bench.subjects.subject import ENGINES
from placeopt.bench.suites import suite

Tell = Callable[[str], None]


def run(
    name: str,
    engines: Sequence[str],
    out: str | Path,
    *,
    folder: str | Path | None = None,
    only: str = "",
    time_limit: float = 60.0,
    repeats: int = 1,
    memory_mb: int = 8000,
    gap: float = 0.0,
    seed: int = 1,
    jobs: int = 1,
    tell: Tell | None = None,
) -> Path:
    """Run suite ``name`` with ``engines`` and return the folder of results.

    ``only``: cases whose name holds these letters. ``jobs``: runs under way at once, at most one a
    core if seconds are to be cited. ``tell`` is called with a line for each run. An
    engine that a case has no use for is passed over; one that is not installed is said and left
    out. Raises ``UsageError`` for an unknown engine, and for a folder that holds results of other
    settings; ``OutputError`` where another process measures into the folder.
    """
    with exclusive_folder(Path(out)):
        return _run(name, engines, Path(out), folder, only, time_limit, repeats, memory_mb, gap,
                    seed, jobs, tell)  # fmt: skip


def _run(
    name: str,
    engines: Sequence[str],
    out: Path,
    folder: str | Path | None,
    only: str,
    time_limit: float,
    repeats: int,
    memory_mb: int,
    gap: float,
    seed: int,
    jobs: int,
    tell: Tell | None,
) -> Path:
    unknown = [engine for engine in engines if engine not in ENGINES]
    if unknown:
        raise UsageError(f"no engine {', '.join(unknown)}; there are {', '.join(ENGINES)}")
    say = tell if tell is not None else _quiet
    out.mkdir(parents=True, exist_ok=True)
    _same_settings(out, {"time_limit": time_limit, "memory_mb": memory_mb, "gap": gap})
    cases = [case for case in suite(name, folder) if only in case.name]
    if not cases:
        raise UsageError(f"suite {name} has no case with {only!r} in its name")
    tasks = [
        (case, engine, repeat)
        for case in cases
        for engine in engines
        if engine in subject_of(case).engines(case)
        for repeat in range(repeats)
    ]
    order = np.random.default_rng(seed).permutation(len(tasks))
    done = {_key(record) for record in read_records(out)}
    waiting = [
        (number, *tasks[index])
        for number, index in enumerate(order, 1)
        if (name, tasks[index][0].name, tasks[index][0].family, *tasks[index][1:]) not in done
    ]
    here, missing = machine(), set()

    def one(item: tuple[int, Case, str, int]) -> dict[str, Any]:
        _, case, engine, repeat = item
        if engine in missing:
            return {"status": "not installed"}
        task = {
            "case": case.as_dict(),
            "engine": engine,
            "time_limit": time_limit,
            "gap": max(gap, subject_of(case).least_gap),
            "seed": seed + repeat,
            "memory_mb": memory_mb,
        }
        return _run_one(case, task)

    for (number, case, engine, repeat), record in _in_turn(one, waiting, jobs):
        if record["status"] == "not installed":
            if engine not in missing:
                missing.add(engine)
                say(f"{engine} is left out: {record['message']}")
            continue
        add_record(out, {"suite": name, "repeat": repeat, **record, **here})
        say(f"{number}/{len(tasks)} {case.name} {engine}: {line_of(record)}")
    write_tables(out)
    return out


def _in_turn(
    one: Callable[[Any], dict[str, Any]], items: Sequence[Any], jobs: int
) -> Iterator[tuple[Any, dict[str, Any]]]:
    """(item, its record) as they end, ``jobs`` at once; those not begun are dropped at Ctrl-C."""
    if jobs < 1:
        raise UsageError(f"jobs is {jobs}; give 1 or more")
    with ThreadPoolExecutor(jobs) as pool:
        runs = {pool.submit(one, item): item for item in items}
        try:
            for run_ in as_completed(runs):
                yield runs[run_], run_.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _quiet(line: str) -> None:
    pass


def _same_settings(out: Path, settings: dict[str, Any]) -> None:
    """Results under other limits cannot be compared: they go to another folder."""
    path = out / "settings.json"
    if path.is_file():
        before = json.loads(path.read_text(encoding="utf-8"))
        other = [f"{key} {before.get(key)}" for key in settings if before.get(key) != settings[key]]
        if other:
            raise UsageError(
                f"{out} holds results with {', '.join(other)}; go on with that, or name another "
                "folder"
            )
    with atomic_file(path) as made:
        made.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def _run_one(case: Case, task: dict[str, Any]) -> dict[str, Any]:
    """One case with one engine in its own process, its plan checked in this one."""
    base = {
        "case": case.name,
        "family": case.family,
        "kind": case.kind,
        "engine": task["engine"],
        "time_limit": task["time_limit"],
        "tolerance": task["gap"],
        "seed": task["seed"],
        "best_known": case.best_known,
        "load": load(),
    }
    with tempfile.TemporaryDirectory(prefix="placeopt-bench-") as scratch:
        record, fault = run_worker(task, Path(scratch))
        if record is None:
            return {**base, "status": "failed", "message": fault, "verified": False}
        if record["status"] == "not installed":
            return {**base, **record}
        return {**base, **checked(case, record, Path(scratch))}


def checked(case: Case, record: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The record without its plan, with whether the plan passed the check.

    ``proven``: checked, and the engine shows or claims a proof. A claim without a bound is the
    solver's word; ``judge`` holds it against what others found.
    """
    found: dict[str, Any] = {"verified": record["status"] == "infeasible", "fault": ""}
    if record["objective"] is not None:
        subject = subject_of(case)
        found |= subject.check(subject.make(case), record, folder)
    objective, bound = record["objective"], record["bound"]
    gap = None
    if objective is not None and bound is not None:
        gap = abs(objective - bound) / max(1e-9, abs(objective))
    seconds = record["seconds"]
    return {
        "status": record["status"],
        "claimed": record.get("claimed", record["status"] == "optimal"),
        "objective": objective,
        "second": found.get("second"),
        "bound": bound,
        "gap": gap,
        "verified": found["verified"],
        "proven": found["verified"] and record["status"] in ("optimal", "infeasible"),
        "cpu_seconds": record["cpu_seconds"],
        "wall_seconds": record["wall_seconds"],
        "first_seconds": seconds.get("first"),
        "best_seconds": seconds.get("best"),
        "proof_seconds": seconds.get("proof"),
        "primal_integral": primal_integral(record, case.best_known),
        "peak_mb": record["peak_mb"],
        "method": record["method"],
        "message": found["fault"] or record["message"],
        "trace": record["trace"],
    }


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


def line_of(record: dict[str, Any]) -> str:
    """One line for a person who watches."""
    if record.get("objective") is None:
        return f"{record['status']} {record.get('message', '')}".strip()
    gap = record["gap"]
    closeness = "no bound" if gap is None else f"gap {gap:.4%}"
    check = "" if record["verified"] else ", FAILS THE CHECK"
    return (
        f"{record['objective']:.10g} {record['status']}, {closeness}, "
        f"{record['cpu_seconds']:.2f} CPU s{check}"
    )
