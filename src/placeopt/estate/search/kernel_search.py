"""Good first plans by kernel search, improved by a large neighbourhood search of one year.

``kernel_plan`` solves the model restricted to the kernel: the buildings, hosts and tiers in the
support of the linear relaxation. Where that has no plan, columns with a reduced cost near 0 are
added. ``improve`` fixes most of a plan and solves for the rest: around one building, of some
services, or where plan and relaxation differ. Both return plans of the whole model and prove
nothing.

Sources: Angelelli, Mansini and Speranza (2010) for kernel search; Danna, Rothberg and Le Pape
(2005) for the relaxation-induced neighbourhood; Shaw (1998) for large neighbourhood search.
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
from placeopt.engine.settings import Settings
from placeopt.estate.model.formulation import Formulation
from placeopt.estate.model.variables import Columns
from placeopt.scenario.scenario import SolverSettings

Floats = NDArray[np.float64]
FIRST_PLAN_GAP = 0.05
SUPPORT_TOLERANCE = 1e-6  # columns with a smaller value in the relaxation are not in its support
REDUCED_COST_TOLERANCE = 1e-5  # of the relaxation's objective: columns below join the wider kernel
STOP_GAP = 0.02  # relative gap to the relaxation at which the neighbourhood search ends
MAX_FAILURES = 9  # neighbourhoods in a row without a better plan before the search ends
TRY_SHARE = 0.1  # of the time, at most, for one neighbourhood
NEIGHBOURHOOD_SHARE = 0.25  # of the buildings or hosts, free at first


@dataclass(frozen=True)
class KernelPlan:
    """A first plan and the relaxation that its kernel comes from.

    Attributes:
        values: (columns,) a vector that keeps all rows.
        relaxation: the linear relaxation, with its bound and reduced costs.
    """

    values: Floats
    relaxation: Result


def kernel_plan(formulation: Formulation, seconds: float) -> KernelPlan | None:
    """Return a first plan of one year by kernel search; ``None`` where none was found in time, or
    the engine cannot start from one."""
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
    """Return a first plan of a model by kernel search.

    Args:
        arrays: the model.
        columns: the columns of each decided year in it.
        solver: engine settings of the scenario.
        seconds: time limit.
        gap: the kernel is solved to this, or to the scenario's gap if that is larger.

    Returns:
        The plan with its relaxation; ``None`` where none was found in time.
    """
    began = time.perf_counter()
    relaxation = _solve(solver, arrays.relaxed(), seconds, 0.0)
    if relaxation.values is None:
        return None
    unused = (
        structural_mask(columns, len(arrays.cost))
        & (relaxation.values < SUPPORT_TOLERANCE)
        & (arrays.lower <= 0)
    )
    kernels = [unused]
    if relaxation.reduced_costs is not None:
        is_costly = relaxation.reduced_costs > REDUCED_COST_TOLERANCE * max(
            1.0, abs(relaxation.bound)
        )
        left_out_of_wider = unused & is_costly
        for x in columns:
            left_out_of_wider[x.dispose.all] = False  # a closed building may always be disposed of
        kernels.append(left_out_of_wider)
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
    """Return a plan at least as good as ``start``, by a large neighbourhood search.

    Args:
        formulation: the year's model.
        start: the plan to improve, with its relaxation.
        seconds: time limit; the search ends earlier at ``STOP_GAP`` or after ``MAX_FAILURES``.

    Returns:
        (columns,) the best plan's vector.
    """
    arrays = formulation.model.arrays()
    structural = structural_mask((formulation.columns,), len(arrays.cost))
    solver = formulation.problem.scenario.solver
    gap = solver.gap
    rng = np.random.default_rng(solver.seed)
    best, values = arrays.objective(start.values), start.values
    began = time.perf_counter()
    failures, size_factor = 0, 1.0
    while failures < MAX_FAILURES:
        remaining = seconds - (time.perf_counter() - began)
        is_near_bound = best - start.relaxation.bound <= max(STOP_GAP, gap) * abs(best)
        if remaining <= 0 and not is_near_bound:
            record_timeout("the search for better plans")
        if remaining <= 0 or is_near_bound:
            break
        is_free = _neighbourhood(formulation, values, start.relaxation, size_factor, rng)
        restricted = fix_columns(arrays, structural & ~is_free, values)
        result = _solve(solver, restricted, min(remaining, TRY_SHARE * seconds), gap / 10, values)
        size_factor *= 1.25 if result.gap <= gap else 0.8
        failures += 1
        value = np.inf if result.objective is None else result.objective
        if result.values is not None and value < best - 1e-6 * abs(best):
            best, values, failures = value, result.values, 0
    return values


def _neighbourhood(
    formulation: Formulation,
    values: Floats,
    relaxation: Result,
    size_factor: float,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """Return (columns,) which columns are free: around a random building, of random services, or
    where plan and relaxation differ most. ``size_factor`` scales the neighbourhood."""
    x, problem = formulation.columns, formulation.problem
    buildings = len(problem.buildings.ids)
    is_free = np.zeros(len(values), bool)
    kind = rng.integers(3)
    if kind == 0:
        b = problem.buildings
        centre = rng.integers(buildings)
        distance = np.hypot(b.x_m - b.x_m[centre], b.y_m - b.y_m[centre])
        chosen = np.zeros(buildings, bool)
        chosen[
            np.argsort(distance)[: max(2, int(NEIGHBOURHOOD_SHARE * size_factor * buildings))]
        ] = True
        is_free[x.open.all], is_free[x.host.all] = chosen, chosen[x.hosts.building]
        is_free[x.tier.all] = chosen[x.tier_building]
        is_free[x.dispose.all] = chosen[x.dispose_building]
        return is_free
    assert relaxation.values is not None  # ``kernel_plan`` has seen to it
    support = (relaxation.values > SUPPORT_TOLERANCE) | (values > 0.5)
    if kind == 1:
        services = len(problem.services.ids)
        chosen = np.zeros(services, bool)
        chosen[rng.permutation(services)[: max(2, int(size_factor * services / 3))]] = True
        is_free[x.host.all] = chosen[x.hosts.service]
    else:
        differ = np.abs(values - relaxation.values)[x.host.all]
        priority = differ + 0.2 * rng.random(x.host.size)
        is_free[
            x.host.at(np.argsort(-priority)[: int(NEIGHBOURHOOD_SHARE * size_factor * x.host.size)])
        ] = True
    for block in (x.open, x.tier, x.dispose):
        is_free[block.all] = support[block.all]
    return is_free


def structural_mask(columns: Sequence[Columns], size: int) -> NDArray[np.bool_]:
    """Return (columns,) a mask of the structural columns of each year: open, disposed, tier and
    host."""
    mask = np.zeros(size, bool)
    for x in columns:
        for block in (x.open, x.dispose, x.tier, x.host):
            mask[block.all] = True
    return mask


def fix_columns(arrays: Arrays, is_fixed: NDArray[np.bool_], values: Floats) -> Arrays:
    """Return the model with the masked integer columns (columns,) fixed to their rounded
    ``values``. Columns without integrality (a building disposed of in part) stay free: rounding
    them could break rows."""
    is_fixed = is_fixed & arrays.integer.astype(bool)
    lower = np.where(is_fixed, np.round(values), arrays.lower)
    return replace(arrays, lower=lower, upper=np.where(is_fixed, np.round(values), arrays.upper))


def _solve(
    solver: SolverSettings,
    arrays: Arrays,
    seconds: float,
    gap: float,
    start: Floats | None = None,
) -> Result:
    """Minimise ``arrays`` by HiGHS with the scenario's threads and seed."""
    return solve(
        arrays,
        Settings(
            engine="highs",
            time_limit_seconds=seconds,
            gap=gap,
            threads=solver.threads,
            seed=solver.seed,
            warm_start=start,
        ),
    )
