"""Good plans within moments: the kernel of the relaxation, then one neighbourhood after another.

``kernel_plan`` solves the model among the buildings, hosts and tiers that the linear relaxation
uses at all; where no plan is among them, also those that it could use at next to no loss.
``improve`` keeps most of a plan and solves the rest again: what lies around one building, or all
that concerns some services, or where plan and relaxation differ. Every answer is a plan of the
whole model; nothing is proven here.

Sources: Angelelli, Mansini and Speranza (2010) for kernel search; Danna, Rothberg and Le Pape
(2005) for the neighbourhood of the relaxation; Shaw (1998) for large neighbourhoods.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from placeopt.base.deadline import record_timeout
from placeopt.engine import Result, solve
from placeopt.engine.model import Arrays
from placeopt.engine.registry import engine as engine_named
from placeopt.estate.model.formulation import Formulation
from placeopt.estate.model.variables import Columns
from placeopt.scenario.scenario import SolverSettings

Floats = NDArray[np.float64]
FIRST_PLAN_GAP = 0.05
SUPPORT_TOLERANCE = 1e-6  # what the relaxation gives less of than this, it does not use
REDUCED_COST_TOLERANCE = (
    1e-5  # of the relaxation's objective: a column that costs it no more might be used
)
STOP_GAP = 0.02  # a plan so near its relaxation is left to the search
MAX_FAILURES = 9  # neighbourhoods in a row without a better plan, then it is left to the search
TRY_SHARE = 0.1  # of the time, at most, for one neighbourhood
NEIGHBOURHOOD_SHARE = 0.25  # share of the buildings that are free around one of them, at first


@dataclass(frozen=True)
class KernelPlan:
    """A full vector that keeps all rows, and what the relaxation says."""

    values: Floats
    relaxation: Result


def kernel_plan(formulation: Formulation, seconds: float) -> KernelPlan | None:
    """A good plan within moments, with the relaxation that it comes from; ``None`` where there is
    none in time, or no use for it."""
    solver = formulation.problem.scenario.solver
    if not engine_named(solver.engine).warm_start:
        return None
    return kernel_plan_of(formulation.model.arrays(), (formulation.columns,), solver, seconds)


def kernel_plan_of(
    arrays: Arrays,
    columns: Sequence[Columns],
    solver: SolverSettings,
    seconds: float,
    gap: float = FIRST_PLAN_GAP / 5,
) -> KernelPlan | None:
    """The same of a model of several years, each with its ``columns``; to ``gap`` at best."""
    began = time.perf_counter()
    relaxation = _solve(
        solver, replace(arrays, integer=np.zeros_like(arrays.integer)), seconds, 0.0
    )
    if relaxation.values is None:
        return None
    unused = (
        structural_mask(columns, len(arrays.cost))
        & (relaxation.values < SUPPORT_TOLERANCE)
        & (arrays.lower <= 0)
    )
    kernels = [unused]
    if relaxation.reduced_costs is not None:
        dear = relaxation.reduced_costs > REDUCED_COST_TOLERANCE * max(1.0, abs(relaxation.bound))
        wider = unused & dear
        for x in columns:
            wider[x.dispose.all] = False  # what closes may be given up
        kernels.append(wider)
    for left_out in kernels:
        kernel = _solve(
            solver,
            replace(arrays, upper=np.where(left_out, 0.0, arrays.upper)),
            max(seconds - (time.perf_counter() - began), 0.5),
            max(solver.gap, gap),
        )
        if kernel.values is not None:
            return KernelPlan(kernel.values, relaxation)
    return None


def improve(formulation: Formulation, start: KernelPlan, seconds: float) -> Floats:
    """A plan at least as good as ``start``, by solving again one part of it after another."""
    arrays = formulation.model.arrays()
    choices = structural_mask((formulation.columns,), len(arrays.cost))
    solver = formulation.problem.scenario.solver
    gap = solver.gap
    rng = np.random.default_rng(solver.seed)
    best, values = arrays.objective(start.values), start.values
    began = time.perf_counter()
    failed, wide = 0, 1.0
    while failed < MAX_FAILURES:
        left = seconds - (time.perf_counter() - began)
        near = best - start.relaxation.bound <= max(STOP_GAP, gap) * abs(best)
        if left <= 0 and not near:
            record_timeout("the search for better plans")
        if left <= 0 or near:
            break
        free = _neighbourhood(formulation, values, start.relaxation, wide, rng)
        part = fix_columns(arrays, choices & ~free, values)
        found = _solve(solver, part, min(left, TRY_SHARE * seconds), gap / 10, values)
        wide *= 1.25 if found.gap <= gap else 0.8
        failed += 1
        value = np.inf if found.objective is None else found.objective
        if found.values is not None and value < best - 1e-6 * abs(best):
            best, values, failed = value, found.values, 0
    return values


def _neighbourhood(
    formulation: Formulation,
    values: Floats,
    relaxation: Result,
    wide: float,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """(columns,) what may change: by turns around a building, of some services, or where plan
    and relaxation differ most. ``wide`` makes it wider than usual."""
    x, problem = formulation.columns, formulation.problem
    buildings = len(problem.buildings.ids)
    free = np.zeros(len(values), bool)
    kind = rng.integers(3)
    if kind == 0:
        b = problem.buildings
        of = rng.integers(buildings)
        far = np.hypot(b.x_m - b.x_m[of], b.y_m - b.y_m[of])
        some = np.zeros(buildings, bool)
        some[np.argsort(far)[: max(2, int(NEIGHBOURHOOD_SHARE * wide * buildings))]] = True
        free[x.open.all], free[x.host.all] = some, some[x.hosts.building]
        free[x.tier.all] = some[x.tier_building]
        free[x.dispose.all] = some[x.dispose_building]
        return free
    assert relaxation.values is not None  # ``kernel_plan`` has seen to it
    used = (relaxation.values > SUPPORT_TOLERANCE) | (values > 0.5)
    if kind == 1:
        services = len(problem.services.ids)
        some = np.zeros(services, bool)
        some[rng.permutation(services)[: max(2, int(wide * services / 3))]] = True
        free[x.host.all] = some[x.hosts.service]
    else:
        differ = np.abs(values - relaxation.values)[x.host.all]
        draw = differ + 0.2 * rng.random(x.host.size)
        free[x.host.at(np.argsort(-draw)[: int(NEIGHBOURHOOD_SHARE * wide * x.host.size)])] = True
    for block in (x.open, x.tier, x.dispose):
        free[block.all] = used[block.all]
    return free


def structural_mask(columns: Sequence[Columns], size: int) -> NDArray[np.bool_]:
    """(columns,) what becomes of buildings in each year: open, disposed of, of a tier, hosts."""
    found = np.zeros(size, bool)
    for x in columns:
        for block in (x.open, x.dispose, x.tier, x.host):
            found[block.all] = True
    return found


def fix_columns(arrays: Arrays, kept: NDArray[np.bool_], values: Floats) -> Arrays:
    """The model with these (columns,) as in ``values``; of them, what may be had in part (a
    building disposed of) stays free: rounded, a plan would not be one."""
    kept = kept & arrays.integer.astype(bool)
    lower = np.where(kept, np.round(values), arrays.lower)
    return replace(arrays, lower=lower, upper=np.where(kept, np.round(values), arrays.upper))


def _solve(
    solver: SolverSettings,
    arrays: Arrays,
    seconds: float,
    gap: float,
    start: Floats | None = None,
) -> Result:
    return solve(
        arrays,
        engine="highs",
        time_limit_seconds=seconds,
        gap=gap,
        threads=solver.threads,
        seed=solver.seed,
        warm_start=start,
    )
