"""Estates of synthetic counties: our search compared with the plain compact model in PuLP.

  python benchmarks/estate.py                                   # the sizes below, one after another
  python benchmarks/estate.py --sizes 60x24x5 --seconds 60      # one size
  python benchmarks/estate.py --sizes 150x110x10 --years 5 --gap 0.01 --seconds 300 --plain ""

A size is zones x buildings x services of ``placeopt.place.synthesise`` (the first of each
if the generator has more); the question is that of the bench room: least net present cost, 90 % of
residents within 30 minutes of every service (over years from the second on: nothing new opens in
the first), GBP 20,000 of works for each zone. Every run is a separate process on one thread;
seconds are those of ``solve`` with building the model and verifying the plan; the gap is
(objective - bound) / objective. PuLP returns no bound: its gap, in brackets, is against the best
bound of any run. The rows are Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SIZES = {  # relative gap, seconds for our search
    "60x24x5": (0.001, 60),
    "120x40x6": (0.001, 120),
    "150x110x10": (0.001, 120),
    "760x1400x10": (0.01, 600),
}
HEADINGS = ("size", "years", "method", "status", "objective", "gap", "s", "CPU s", "MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--sizes", default=" ".join(SIZES), help="zones x buildings x services")
    parser.add_argument("--years", type=int, default=1)
    parser.add_argument("--seconds", type=float, help="for our search; by default each size's own")
    parser.add_argument("--gap", type=float, help="relative; by default each size's own")
    parser.add_argument("--plain-seconds", type=float, default=60.0)
    parser.add_argument("--plain", default="pulp-highs pulp-cbc", help="compact models to run")
    parser.add_argument("--run", help=argparse.SUPPRESS)  # one run, in the child
    given = parser.parse_args()
    if given.run:
        print(json.dumps(run(json.loads(given.run))))
        return
    print(f"{os.cpu_count()} processors, {platform.processor() or platform.machine()}, "
          f"load {os.getloadavg()[0]:.1f} at the start, {time.strftime('%Y-%m-%d')}\n")  # fmt: skip
    print(f"| {' | '.join(HEADINGS)} |\n|{' --- |' * len(HEADINGS)}")
    for size in given.sizes.split():
        gap, seconds = SIZES.get(size, (0.001, 120))
        asked = {"size": size, "years": given.years, "gap": given.gap or gap}
        runs = [{**asked, "engine": "placeopt", "seconds": given.seconds or seconds}]
        if given.years == 1:
            plain = {**asked, "seconds": given.plain_seconds}
            runs += [{**plain, "engine": engine} for engine in given.plain.split()]
        best = None
        for how in runs:
            best = report(how, child(how), best)


def report(how: dict[str, Any], found: dict[str, Any], best: float | None) -> float | None:
    """Print one row; the best bound so far."""
    bound, objective = found.get("bound"), found.get("objective")
    known = max((b for b in (bound, best) if b is not None), default=None)
    gap = "-"
    if objective is not None and known is not None:
        gap = f"{100 * (objective - known) / abs(objective):.2f} %"
        gap = gap if bound is not None else f"({gap})"
    row = (how["size"], how["years"], how["engine"], found["status"],
           "-" if objective is None else f"{objective:,.0f}", gap, f"{found['seconds']:.0f}",
           f"{found['cpu']:.0f}", f"{found['mb']:.0f}")  # fmt: skip
    print(f"| {' | '.join(str(cell) for cell in row)} |", flush=True)
    return known


def child(how: dict[str, Any]) -> dict[str, Any]:
    """One run in a process of its own, ended long after its limit."""
    command = [sys.executable, str(Path(__file__)), "--run", json.dumps(how)]
    began = time.perf_counter()
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT,
                              timeout=5 * how["seconds"] + 300)  # fmt: skip
    except subprocess.TimeoutExpired:
        return _nothing("did not stop", time.perf_counter() - began)
    if done.returncode:
        why = done.stderr.strip().splitlines()[-1:] or ["?"]
        return _nothing(f"failed: {why[0]}", time.perf_counter() - began)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _nothing(status: str, seconds: float) -> dict[str, Any]:
    return {"status": status, "seconds": seconds, "cpu": float("nan"), "mb": float("nan")}


def run(how: dict[str, Any]) -> dict[str, Any]:
    """Make the county, ask, solve and verify."""
    sys.path.insert(0, str(ROOT))
    from placeopt.bench.subjects.estate import EstateCases
    from placeopt.bench.subjects.subject import SolveSettings

    zones, buildings, services = (int(part) for part in how["size"].split("x"))
    cases, instance = EstateCases(), county(zones, buildings, services, how["years"])
    began, cpu = time.perf_counter(), _cpu_seconds()
    with tempfile.TemporaryDirectory() as folder:
        asked = SolveSettings(how["engine"], how["seconds"], how["gap"], 1, Path(folder))
        record = cases.solve(instance, asked)
        seconds, cpu = time.perf_counter() - began, _cpu_seconds() - cpu
        if record["objective"] is not None:
            check_record = cases.check(instance, record, Path(folder))
            if not check_record["verified"]:
                record["status"] = f"not verified: {check_record['fault']}"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    kept = {key: record[key] for key in ("status", "objective", "bound")}
    return {**kept, "seconds": seconds, "cpu": cpu, "mb": peak}


def _cpu_seconds() -> float:
    """Of this process and of the solvers it ran as processes of their own."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    others = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def county(zones: int, buildings: int, services: int, years: int) -> Any:
    """The bench room's question of a county with the first so many buildings and services."""
    from placeopt.bench.case import Case
    from placeopt.bench.subjects.estate import EstateCases
    from placeopt.travel import measure

    options = {"zones": zones, "buildings": max(buildings, 30), "seed": 1}
    made = EstateCases().make_instance(Case("county", "estate", "estate", "synth", options=options))
    place = made.place
    kept = {
        "building_id": set(place.buildings["building_id"].iloc[:buildings]),
        "service_id": set(place.services["service_id"].iloc[:services]),
    }
    kept["service_a"] = kept["service_b"] = kept["service_id"]
    tables = dict(place.tables)
    for name, table in tables.items():
        for column, ids in kept.items():
            if column in table:
                table = table[table[column].isin(ids)].reset_index(drop=True)
        tables[name] = table
    place = replace(place, tables=tables)
    rules = tuple(
        rule.model_copy(update={"from_year": 2027}) if years > 1 and rule.name == "access" else rule
        for rule in made.scenario.rules
    )
    scenario = made.scenario.model_copy(update={"years": years, "year": 2026, "rules": rules})
    return replace(
        made,
        place=place,
        scenario=scenario,
        times=measure(place, **scenario.travel.model_dump()),
    )


if __name__ == "__main__":
    main()
