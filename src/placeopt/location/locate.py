"""Solve a location problem: one call for every kind, with the method that suits it best."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from placeopt.base.deadline import recording_timeouts
from placeopt.base.errors import VerificationError
from placeopt.engine.interrupts import catching_interrupts
from placeopt.engine.result import Status
from placeopt.location.canonical import from_canonical_order, to_canonical_order
from placeopt.location.infeasibility import add_messages, obvious_infeasibility
from placeopt.location.io import read_problem
from placeopt.location.k_nearest import restrict_to_k_nearest
from placeopt.location.objective_values import split_objective
from placeopt.location.scaling import choose_units, scale_problem, scale_report, unscale_solution
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
    """Solve ``problem`` and verify the plan. Ctrl-C ends the search with what it has found.

    Args:
        problem: The problem.
        engine: ``placeopt`` for the methods of this package, or the name of an engine that solves
            the textbook model (``formulations.textbook``), the baseline of the benchmarks.
        time_limit_seconds: Time limit.
        gap: Relative gap at which to stop; 0 asks for a full proof.
        seed: Seed of the random numbers.
        report: Called with (objective, bound) when either improves.

    Returns:
        The solution, or a status and a message if there is no plan.

    Raises:
        UsageError: If a setting makes no sense.
        VerificationError: If the plan fails its check, so that no wrong plan is ever returned.
    """
    backup = "backup: only the engine placeopt covers twice" if problem.backup else ""
    check_options(engine, time_limit_seconds, gap, only_ours=backup)
    started_at, cpu_started_at = time.perf_counter(), time.process_time()
    restricted = restrict_to_k_nearest(problem)
    ordered, customers, sites = to_canonical_order(restricted)
    units = choose_units(ordered)
    scaled = scale_problem(ordered, units)
    report = scale_report(report, units.objective(ordered.kind))
    settings: dict[str, Any] = {"time_limit_seconds": time_limit_seconds, "gap": gap, "seed": seed}
    with catching_interrupts() as was_interrupted, recording_timeouts() as ended_early:
        solution = _solve(scaled, engine, settings, report)
        if was_interrupted() and not solution.proven:
            message = "; ".join(filter(None, [solution.message, "ended by Ctrl-C"]))
            solution = replace(solution, message=message)
    seconds = dict(solution.seconds)
    seconds["total"] = time.perf_counter() - started_at
    seconds["cpu"] = time.process_time() - cpu_started_at
    solution = replace(solution, seconds=seconds, repeats=not ended_early)
    solution = unscale_solution(ordered, solution, units)
    solution = from_canonical_order(problem, solution, customers, sites)
    if solution.flows is not None and solution.objective is not None:
        total = split_objective(problem, solution.positions, solution.flows)
        solution = replace(solution, objective=total, bound=min(solution.bound, total))
    solution = add_messages(problem, solution)
    verification = verify(problem, solution)
    if not verification.ok:
        broken = "; ".join(f"{check.name}: {check.detail}" for check in verification.broken)
        raise VerificationError(f"{problem.name or problem.kind}: {broken}")
    return solution


def _solve(
    problem: Problem, engine: str, settings: dict[str, Any], report: Report | None
) -> Solution:
    if reason := obvious_infeasibility(problem):
        return Solution(problem, Status.INFEASIBLE, bound=np.inf, message=reason)
    if engine == "placeopt" and not problem.fill_opened:
        return _method(problem)(problem, report=report, **settings)
    from placeopt.location.formulations.textbook import solve_textbook_model

    # Our methods have no bounds for sites that must be full; the textbook model has.
    engine = "highs" if engine == "placeopt" else engine
    solution = solve_textbook_model(problem, engine=engine, **settings)
    if report is not None and solution.objective is not None:
        report(solution.objective, solution.bound)
    return solution


def locate_file(kind: str, path: str | Path, p: int | None = None, **options: Any) -> Solution:
    """Read the file at ``path`` as a problem of ``kind`` and solve it.

    Args:
        kind: Kind of problem.
        path: The file, place or scenario.
        p: Number of sites.
        **options: Options of reading (``radius``, ``metric``, ``capacity``, ``form``, ...) and of
            ``locate`` (``engine``, ``time_limit_seconds``, ``gap``, ``seed``).

    Returns:
        The solution.
    """
    solve_option_names = ("engine", "time_limit_seconds", "gap", "seed", "report")
    solve_options = {name: options.pop(name) for name in solve_option_names if name in options}
    return locate(read_problem(kind, path, p=p, **options), **solve_options)


def _method(problem: Problem) -> Callable[..., Solution]:
    """The function that solves a kind, imported when used."""
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
