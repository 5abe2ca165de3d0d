"""Solve a location problem: one call for every kind, with the method measured best for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from placeopt.base.deadline import watching_the_clock
from placeopt.base.errors import VerificationError
from placeopt.engine.interrupts import noted
from placeopt.engine.result import Status
from placeopt.location.canonical import as_given, in_canonical_order
from placeopt.location.infeasibility import in_words, plainly_infeasible
from placeopt.location.io import read_problem
from placeopt.location.k_nearest import among_nearest
from placeopt.location.objective_values import split_total
from placeopt.location.scaling import as_asked, in_units, reporter, units_of
from placeopt.location.solution import Solution
from placeopt.location.solve_options import check_options
from placeopt.location.statement import (
    CAPACITATED,
    CAPACITATED_P_MEDIAN,
    COVERING,
    P_CENTRE,
    P_DISPERSION,
    SINGLE_SOURCE,
    Problem,
)
from placeopt.location.verify import verify

Report = Callable[[float, float], None]


def locate(
    problem: Problem,
    *,
    engine: str = "placeopt",
    time_limit_seconds: float = 60.0,
    gap: float = 0.0,
    seed: int = 1,
    report: Report | None = None,
) -> Solution:
    """Solve ``problem`` and verify the plan.

    ``engine``: ``placeopt`` for the methods of this room, or the name of an engine that solves
    the compact model (``models``): the baseline of the benchmarks. ``gap`` is relative; 0 asks
    for a full proof. ``report(objective, bound)`` is called when either improves. Ctrl-C ends the
    search with what it has found. Raises ``UsageError`` where a setting makes no sense and
    ``VerificationError`` if the plan fails its check, so that no wrong plan is ever returned.
    """
    backup = "backup: only the engine placeopt covers twice" if problem.backup else ""
    check_options(engine, time_limit_seconds, gap, only_ours=backup)
    began, cpu = time.perf_counter(), time.process_time()
    near = among_nearest(problem)
    asked, customers, sites = in_canonical_order(near)
    units = units_of(asked)
    own = in_units(asked, units)
    report = reporter(report, units.objective(asked.kind))
    settings: dict[str, Any] = {"time_limit_seconds": time_limit_seconds, "gap": gap, "seed": seed}
    with noted() as ctrl_c_came, watching_the_clock() as ended:
        solution = _solve(own, engine, settings, report)
        if ctrl_c_came() and not solution.proven:
            said = "; ".join(filter(None, [solution.message, "ended by Ctrl-C"]))
            solution = replace(solution, message=said)
    seconds = dict(solution.seconds)
    seconds["total"] = time.perf_counter() - began
    seconds["cpu"] = time.process_time() - cpu
    solution = replace(solution, seconds=seconds, repeats=not ended)
    solution = as_asked(asked, solution, units)
    solution = as_given(problem, solution, customers, sites)
    if solution.flows is not None and solution.objective is not None:
        total = split_total(problem, solution.positions, solution.flows)
        solution = replace(solution, objective=total, bound=min(solution.bound, total))
    solution = in_words(problem, solution)
    verification = verify(problem, solution)
    if not verification.ok:
        broken = "; ".join(f"{check.name}: {check.detail}" for check in verification.broken)
        raise VerificationError(f"{problem.name or problem.kind}: {broken}")
    return solution


def _solve(
    problem: Problem, engine: str, settings: dict[str, Any], report: Report | None
) -> Solution:
    if nothing := plainly_infeasible(problem):
        return Solution(problem, Status.INFEASIBLE, bound=np.inf, message=nothing)
    if engine == "placeopt" and not problem.fill_opened:
        return _method(problem)(problem, report=report, **settings)
    from placeopt.location.formulations.textbook import solve_compact

    # The bounds of our methods know no site that must be full: the compact model does.
    engine = "highs" if engine == "placeopt" else engine
    solution = solve_compact(problem, engine=engine, **settings)
    if report is not None and solution.objective is not None:
        report(solution.objective, solution.bound)
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
        from placeopt.location.p_centre import solve_centre

        return solve_centre
    if problem.kind == COVERING:
        from placeopt.location.covering import solve_covering

        return solve_covering
    if problem.kind == P_DISPERSION:
        from placeopt.location.p_dispersion import solve_dispersion

        return solve_dispersion
    if problem.kind in (SINGLE_SOURCE, CAPACITATED_P_MEDIAN):
        from placeopt.location.capacitated.single_source import solve_single_source

        return solve_single_source
    if problem.kind == CAPACITATED:
        from placeopt.location.capacitated.splittable import solve_splittable

        return solve_splittable
    from placeopt.location.uncapacitated.solve import solve_uncapacitated

    return solve_uncapacitated
