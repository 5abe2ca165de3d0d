"""Solve a location problem: one call for every kind, with the method that suits it best."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from placeopt.base.deadline import recording_timeouts
from placeopt.base.errors import VerificationError
from placeopt.engine.interrupts import catching_interrupts
from placeopt.engine.result import Status
from placeopt.engine.settings import ProgressCallback, Settings
from placeopt.location.canonical import from_canonical_order, to_canonical_order
from placeopt.location.capacitated.single_source import solve_single_source
from placeopt.location.capacitated.splittable import solve_splittable
from placeopt.location.covering import solve_covering
from placeopt.location.formulations.textbook import solve_textbook_model
from placeopt.location.infeasibility import add_messages, obvious_infeasibility
from placeopt.location.io import read_problem
from placeopt.location.k_nearest import restrict_to_k_nearest
from placeopt.location.objective_values import split_objective
from placeopt.location.p_centre import solve_centre
from placeopt.location.p_dispersion import solve_dispersion
from placeopt.location.scaling import choose_units, scale_problem, scale_progress, unscale_solution
from placeopt.location.search_state import Method
from placeopt.location.settings_check import PLACEOPT, check_settings
from placeopt.location.solution import Solution
from placeopt.location.statement import (
    CAPACITATED,
    CAPACITATED_P_MEDIAN,
    COVERING,
    FACILITY_LOCATION,
    MAXIMAL_COVERING,
    P_CENTRE,
    P_DISPERSION,
    P_MEDIAN,
    SINGLE_SOURCE,
    Problem,
)
from placeopt.location.uncapacitated.solve import solve_uncapacitated
from placeopt.location.usable_costs import solve_usable
from placeopt.location.verify import verify

LOG = logging.getLogger("placeopt.location")
HIGHS = "highs"  # the engine that our methods use for parts of a problem
METHODS: dict[str, Method] = {  # for each kind the method that suits it best
    P_MEDIAN: solve_uncapacitated,
    FACILITY_LOCATION: solve_uncapacitated,
    MAXIMAL_COVERING: solve_uncapacitated,
    P_CENTRE: solve_centre,
    COVERING: solve_covering,
    P_DISPERSION: solve_dispersion,
    SINGLE_SOURCE: solve_single_source,
    CAPACITATED_P_MEDIAN: solve_single_source,
    CAPACITATED: solve_splittable,
}


def locate(
    problem: Problem,
    *,
    engine: str = PLACEOPT,
    time_limit_seconds: float = 60.0,
    gap: float = 0.0,
    seed: int = 1,
    progress: ProgressCallback | None = None,
) -> Solution:
    """Solve ``problem`` and verify the plan. Ctrl-C ends the search with what it has found.

    Args:
        problem: The problem.
        engine: ``placeopt`` for the methods of this package, or the name of an engine that solves
            the textbook model (``formulations.textbook``), the baseline of the benchmarks.
        time_limit_seconds: Time limit.
        gap: Relative gap at which to stop; 0 asks for a full proof.
        seed: Seed of the random numbers.
        progress: Called with a report when plan or bound improves; what is maximised is reported
            as minimised.

    Returns:
        The solution, or a status and a message if there is no plan.

    Raises:
        UsageError: If a setting makes no sense.
        VerificationError: If the plan fails its check, so that no wrong plan is ever returned.
    """
    started_at, cpu_started_at = time.perf_counter(), time.process_time()
    settings = Settings(
        time_limit_seconds, gap, threads=1, seed=seed, progress=progress, engine=engine
    )
    backup = "backup: only the engine placeopt covers twice" if problem.backup else ""
    check_settings(settings, only_ours=backup)
    restricted = restrict_to_k_nearest(problem)
    ordered, customers, sites = to_canonical_order(restricted)

    def solve(usable: Problem, seconds: float) -> Solution:
        return _solve_scaled(usable, replace(settings, time_limit_seconds=seconds))

    with catching_interrupts() as was_interrupted, recording_timeouts() as ended_early:
        solution = solve_usable(ordered, time_limit_seconds, solve)
        if was_interrupted() and not solution.proven:
            message = "; ".join(filter(None, [solution.message, "ended by Ctrl-C"]))
            solution = replace(solution, message=message)
    seconds = {
        **solution.seconds,
        "total": time.perf_counter() - started_at,
        "cpu": time.process_time() - cpu_started_at,
    }
    solution = replace(solution, seconds=seconds, repeats=not ended_early)
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


def _solve_scaled(problem: Problem, settings: Settings) -> Solution:
    """Solve in units of a suitable size."""
    units = choose_units(problem)
    progress = scale_progress(settings.progress, units.objective(problem.kind))
    solution = _solve(scale_problem(problem, units), replace(settings, progress=progress))
    return unscale_solution(problem, solution, units)


def _solve(problem: Problem, settings: Settings) -> Solution:
    """Solve by the method of the problem's kind, or by the engine asked for."""
    if reason := obvious_infeasibility(problem):
        return Solution(problem, Status.INFEASIBLE, bound=np.inf, message=reason)
    if settings.engine == PLACEOPT and not problem.fill_opened:
        method = METHODS[problem.kind]
        LOG.info("%s: %s", problem.kind, method.__module__)
        return method(problem, replace(settings, engine=HIGHS))
    # Our methods have no bounds for sites that must be full; the textbook model has.
    engine = HIGHS if settings.engine == PLACEOPT else settings.engine
    LOG.info("%s: the textbook model by %s", problem.kind, engine)
    return solve_textbook_model(problem, replace(settings, engine=engine))


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
    solve_option_names = ("engine", "time_limit_seconds", "gap", "seed", "progress")
    solve_options = {name: options.pop(name) for name in solve_option_names if name in options}
    return locate(read_problem(kind, path, p=p, **options), **solve_options)
