"""Solve a location problem: one call for every kind, with the method measured best for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from placeopt.errors import VerificationError
from placeopt.location.canonical import as_given, in_canonical_order
from placeopt.location.files import read_problem
from placeopt.location.problems import (
    CAPACITATED,
    CAPACITATED_P_MEDIAN,
    COVERING,
    P_CENTRE,
    P_DISPERSION,
    SINGLE_SOURCE,
    Problem,
)
from placeopt.location.solution import Solution
from placeopt.location.verify import verify


def locate(
    problem: Problem,
    *,
    engine: str = "placeopt",
    time_limit_seconds: float = 60.0,
    gap: float = 0.0,
    seed: int = 1,
    report: Callable[[float, float], None] | None = None,
) -> Solution:
    """Solve ``problem`` and verify the plan.

    ``engine``: ``placeopt`` for the methods of this room, or the name of an engine that solves
    the compact model (``models``): the baseline of the benchmarks. ``gap`` is relative; 0 asks
    for a full proof. ``report(objective, bound)`` is called when either improves. Raises
    ``VerificationError`` if the plan fails its check, so that no wrong plan is ever returned.
    """
    began, cpu = time.perf_counter(), time.process_time()
    asked, customers, sites = in_canonical_order(problem)
    if engine == "placeopt":
        method = _method(asked)
        solution = method(
            asked, time_limit_seconds=time_limit_seconds, gap=gap, seed=seed, report=report
        )
    else:
        from placeopt.location.models import solve_compact

        solution = solve_compact(
            asked, engine=engine, time_limit_seconds=time_limit_seconds, gap=gap, seed=seed
        )
    seconds = dict(solution.seconds)
    seconds["total"] = time.perf_counter() - began
    seconds["cpu"] = time.process_time() - cpu
    solution = as_given(problem, replace(solution, seconds=seconds), customers, sites)
    verification = verify(problem, solution)
    if not verification.ok:
        broken = "; ".join(f"{check.name}: {check.detail}" for check in verification.broken)
        raise VerificationError(f"{problem.name or problem.kind}: {broken}")
    return solution


def locate_file(kind: str, path: str | Path, p: int | None = None, **options: Any) -> Solution:
    """Read the file at ``path`` as a problem of ``kind`` and solve it.

    ``options`` of reading (``radius``, ``metric``, ``capacity``, ``form``, ...) and of ``locate``
    (``engine``, ``time_limit_seconds``, ``gap``, ``seed``) may be mixed.
    """
    names = ("engine", "time_limit_seconds", "gap", "seed", "report")
    solving = {name: options.pop(name) for name in names if name in options}
    return locate(read_problem(kind, path, p=p, **options), **solving)


def _method(problem: Problem) -> Callable[..., Solution]:
    """The method for a kind, imported when used."""
    if problem.kind == P_CENTRE:
        from placeopt.location.centre import solve_centre

        return solve_centre
    if problem.kind == COVERING:
        from placeopt.location.covering import solve_covering

        return solve_covering
    if problem.kind == P_DISPERSION:
        from placeopt.location.dispersion import solve_dispersion

        return solve_dispersion
    if problem.kind in (SINGLE_SOURCE, CAPACITATED_P_MEDIAN):
        from placeopt.location.whole import solve_whole

        return solve_whole
    if problem.kind == CAPACITATED:
        from placeopt.location.capacitated import solve_capacitated

        return solve_capacitated
    from placeopt.location.median import solve_median

    return solve_median
