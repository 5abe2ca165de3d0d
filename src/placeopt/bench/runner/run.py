"""Run a suite: every case with every engine, each in its own process, checked again here.

Records are appended to ``results.jsonl`` as they come, so that a stopped run can continue;
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
from placeopt.bench.results.records import (
    add_record,
    machine,
    read_records,
    system_load,
    write_tables,
)
from placeopt.bench.runner.process import run_worker
from placeopt.bench.subjects.registry import subject_of
from placeopt.bench.subjects.subject import ENGINES
from placeopt.bench.suites import suite

Notify = Callable[[str], None]


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
    notify: Notify | None = None,
) -> Path:
    """Run a suite and return the folder of results.

    Engines that do not suit a case are skipped; an engine that is not installed is reported and
    left out.

    Args:
        name: Name of the suite.
        engines: Names of the engines.
        out: Folder of results.
        folder: Folder of the standard files.
        only: Only cases whose name contains this text.
        time_limit: Time limit of a run, in seconds.
        repeats: Runs of each case and engine.
        memory_mb: Memory limit of a run.
        gap: Relative gap at which to stop.
        seed: Seed of the order and of the engines.
        jobs: Runs at the same time; at most one a core if seconds are to be cited.
        notify: Called with a line for each run.

    Returns:
        The folder of results.

    Raises:
        UsageError: If an engine is unknown, or the folder holds results of other settings.
        OutputError: If another process measures into the folder.
    """
    with exclusive_folder(Path(out)):
        return _run(name, engines, Path(out), folder, only, time_limit, repeats, memory_mb, gap,
                    seed, jobs, notify)  # fmt: skip


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
    notify: Notify | None,
) -> Path:
    unknown_engines = [engine for engine in engines if engine not in ENGINES]
    if unknown_engines:
        raise UsageError(f"no engine {', '.join(unknown_engines)}; there are {', '.join(ENGINES)}")
    notify_line = notify if notify is not None else _ignore_line
    out.mkdir(parents=True, exist_ok=True)
    _require_same_settings(out, {"time_limit": time_limit, "memory_mb": memory_mb, "gap": gap})
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
    finished = {_key(record) for record in read_records(out)}
    tasks_left = [
        (number, *tasks[index])
        for number, index in enumerate(order, 1)
        if (name, tasks[index][0].name, tasks[index][0].family, *tasks[index][1:]) not in finished
    ]
    machine_facts, missing = machine(), set()

    def run_task(item: tuple[int, Case, str, int]) -> dict[str, Any]:
        _, case, engine, repeat = item
        if engine in missing:
            return {"status": "not installed"}
        task = {
            "case": case.as_dict(),
            "engine": engine,
            "time_limit": time_limit,
            "gap": max(gap, subject_of(case).min_gap),
            "seed": seed + repeat,
            "memory_mb": memory_mb,
        }
        return _run_case(case, task)

    for (number, case, engine, repeat), record in _run_concurrently(run_task, tasks_left, jobs):
        if record["status"] == "not installed":
            if engine not in missing:
                missing.add(engine)
                notify_line(f"{engine} is left out: {record['message']}")
            continue
        add_record(out, {"suite": name, "repeat": repeat, **record, **machine_facts})
        notify_line(f"{number}/{len(tasks)} {case.name} {engine}: {progress_line(record)}")
    write_tables(out)
    return out


def _run_concurrently(
    run_task: Callable[[Any], dict[str, Any]], items: Sequence[Any], jobs: int
) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield (item, its record) as they end, ``jobs`` at once; Ctrl-C drops those not begun."""
    if jobs < 1:
        raise UsageError(f"jobs is {jobs}; give 1 or more")
    with ThreadPoolExecutor(jobs) as pool:
        futures = {pool.submit(run_task, item): item for item in items}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _ignore_line(line: str) -> None:
    pass


def _require_same_settings(out: Path, settings: dict[str, Any]) -> None:
    """Refuse other limits than those of the results in the folder, as they cannot be compared."""
    path = out / "settings.json"
    if path.is_file():
        earlier_settings = json.loads(path.read_text(encoding="utf-8"))
        differences = [
            f"{key} {earlier_settings.get(key)}"
            for key in settings
            if earlier_settings.get(key) != settings[key]
        ]
        if differences:
            raise UsageError(
                f"{out} holds results with {', '.join(differences)}; go on with that, or name "
                "another folder"
            )
    with atomic_file(path) as made:
        made.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def _run_case(case: Case, task: dict[str, Any]) -> dict[str, Any]:
    """Run one case with one engine in its own process; check its plan in this one."""
    common = {
        "case": case.name,
        "family": case.family,
        "kind": case.kind,
        "engine": task["engine"],
        "time_limit": task["time_limit"],
        "tolerance": task["gap"],
        "seed": task["seed"],
        "best_known": case.best_known,
        "load": system_load(),
    }
    with tempfile.TemporaryDirectory(prefix="placeopt-bench-") as scratch:
        record, fault = run_worker(task, Path(scratch))
        if record is None:
            return {**common, "status": "failed", "message": fault, "verified": False}
        if record["status"] == "not installed":
            return {**common, **record}
        return {**common, **check_record(case, record, Path(scratch))}


def check_record(case: Case, record: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The record without its plan, but with the result of the check.

    ``proven``: the plan passed the check and the engine shows or claims a proof. A claim without a
    bound is not tested here; ``judge`` compares it with what others found.

    Args:
        case: The case.
        record: The worker's record.
        folder: The folder that holds its plan.

    Returns:
        The record for ``results.jsonl``.
    """
    check: dict[str, Any] = {"verified": record["status"] == "infeasible", "fault": ""}
    if record["objective"] is not None:
        subject = subject_of(case)
        check |= subject.check(subject.make_instance(case), record, folder)
    objective, bound = record["objective"], record["bound"]
    gap = None
    if objective is not None and bound is not None:
        gap = abs(objective - bound) / max(1e-9, abs(objective))
    seconds = record["seconds"]
    return {
        "status": record["status"],
        "claimed": record.get("claimed", record["status"] == "optimal"),
        "objective": objective,
        "second": check.get("second"),
        "bound": bound,
        "gap": gap,
        "verified": check["verified"],
        "proven": check["verified"] and record["status"] in ("optimal", "infeasible"),
        "cpu_seconds": record["cpu_seconds"],
        "wall_seconds": record["wall_seconds"],
        "first_seconds": seconds.get("first"),
        "best_seconds": seconds.get("best"),
        "proof_seconds": seconds.get("proof"),
        "primal_integral": primal_integral(record, case.best_known),
        "peak_mb": record["peak_mb"],
        "method": record["method"],
        "message": check["fault"] or record["message"],
        "trace": record["trace"],
    }


def primal_integral(record: dict[str, Any], best_value: float | None) -> float | None:
    """The primal gap to the best value known, integrated over the run's seconds (Berthold 2013)."""
    best_value = best_value if best_value is not None else record["objective"]
    if best_value is None:
        return None
    total, last_second, gap = 0.0, 0.0, 1.0
    for second, objective, _ in record["trace"]:
        total += gap * (second - last_second)
        last_second = second
        if objective is not None:
            gap = min(1.0, abs(objective - best_value) / max(1e-9, abs(objective), abs(best_value)))
    return float(total + gap * max(0.0, record["wall_seconds"] - last_second))


def _key(record: dict[str, Any]) -> tuple[object, ...]:
    return tuple(record[name] for name in ("suite", "case", "family", "engine", "repeat"))


def progress_line(record: dict[str, Any]) -> str:
    """One line to print while a suite runs."""
    if record.get("objective") is None:
        return f"{record['status']} {record.get('message', '')}".strip()
    gap = record["gap"]
    closeness = "no bound" if gap is None else f"gap {gap:.4%}"
    check = "" if record["verified"] else ", FAILS THE CHECK"
    return (
        f"{record['objective']:.10g} {record['status']}, {closeness}, "
        f"{record['cpu_seconds']:.2f} CPU s{check}"
    )
