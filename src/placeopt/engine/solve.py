"""Pass a model to an engine and return a result that has been checked.

Objective and feasibility are always recomputed from the values that the engine returns. A claim
that the values do not support turns the status to ``failed``.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from placeopt.base.deadline import LEAST_SECONDS, Deadline, record_timeout
from placeopt.base.errors import EngineError
from placeopt.engine.duality import dual_bound
from placeopt.engine.interrupts import interrupted
from placeopt.engine.model import Arrays, Model
from placeopt.engine.registry import engine as engine_named
from placeopt.engine.registry import require_supported, run
from placeopt.engine.result import Result, Status
from placeopt.engine.settings import Progress, Settings

FEASIBILITY_TOLERANCE = 1e-5  # largest relative violation of a row that counts as feasible
TIMEOUT_SHARE = 0.95  # share of its time limit after which an engine counts as ended by it
EQUALITY_TOLERANCE = 1e-6  # relative difference (above 1) at which objective and bound are equal


def solve(model: Model | Arrays, settings: Settings | None = None) -> Result:
    """Minimise ``model`` with the engine that ``settings`` names.

    Ctrl-C returns the best plan so far with status ``interrupted``; within ``until_interrupted``
    later solves return their warm start. No solve runs past the deadline that the context enforces
    (``base.deadline``).

    Args:
        model: The model.
        settings: Engine, limits and warm start; the defaults of ``Settings`` if not given. An
            infeasible warm start raises. Duals are returned in any case if the engine has them.

    Returns:
        The checked result.

    Raises:
        EngineError: If the engine does not support the request.
    """
    started_at = time.perf_counter()
    settings = settings or Settings()
    arrays = model.arrays() if isinstance(model, Model) else model
    built_at = time.perf_counter()
    chosen_engine = engine_named(settings.engine)
    seconds_left = Deadline.enclosing().seconds_left(at_least=LEAST_SECONDS)
    settings = replace(settings, time_limit_seconds=min(settings.time_limit_seconds, seconds_left))
    require_supported(chosen_engine, arrays, settings)
    if settings.warm_start is not None:
        settings = replace(settings, warm_start=_checked_warm_start(arrays, settings.warm_start))
    if interrupted():
        result = Result(Status.INTERRUPTED, values=settings.warm_start)
        return recheck(arrays, result, settings.gap)
    result = recheck(arrays, run(chosen_engine, arrays, settings), settings.gap)
    is_late = time.perf_counter() - built_at >= TIMEOUT_SHARE * settings.time_limit_seconds
    if is_late and result.status in (Status.FEASIBLE, Status.NO_PLAN):
        record_timeout(settings.engine)
    if settings.progress:
        seconds = time.perf_counter() - built_at
        settings.progress(Progress(seconds, result.objective, result.bound))
    if settings.duals and result.status is Status.OPTIMAL and result.row_duals is None:
        raise EngineError(f"{settings.engine}'s duals do not prove its optimum; try another engine")
    return replace(
        result,
        seconds={"build": built_at - started_at, **result.seconds},
        engine=settings.engine,
        seed=settings.seed if chosen_engine.seed else None,
    )


def recheck(arrays: Arrays, result: Result, gap: float) -> Result:
    """Recompute objective, feasibility and, from duals, the bound; a status is never trusted."""
    if result.values is None:
        return result
    values = np.where(arrays.integer, np.round(result.values), result.values)
    breach = arrays.violation(values)
    if breach > FEASIBILITY_TOLERANCE and not arrays.integer.all():
        values = _solve_continuous_part(arrays, values)
        breach = arrays.violation(values)
    if breach > FEASIBILITY_TOLERANCE:
        return replace(
            result,
            status=Status.FAILED,
            values=None,
            objective=None,
            message=f"the engine's values break a row by {breach:g}",
        )
    objective = arrays.objective(values)
    result = replace(result, values=values, objective=objective)
    return _recheck_bound(arrays, result, objective, gap)


def _recheck_bound(arrays: Arrays, result: Result, objective: float, gap: float) -> Result:
    tolerance = EQUALITY_TOLERANCE * max(1.0, abs(objective))
    if result.row_duals is not None:
        bound = dual_bound(arrays, result.row_duals)
        if abs(objective - bound) <= 10 * tolerance:  # strong duality holds
            reduced_costs = arrays.cost - arrays.matrix.T @ result.row_duals
            result = replace(result, bound=min(bound, objective), reduced_costs=reduced_costs)
        else:
            result = replace(result, row_duals=None, reduced_costs=None)
    if result.bound > objective + tolerance:
        message = f"the engine's bound {result.bound:g} lies above its plan and is discarded"
        result = replace(result, bound=-np.inf, message=message)
    result = replace(result, bound=min(result.bound, objective))
    is_open = objective - result.bound > gap * abs(objective) + tolerance
    if result.status is Status.OPTIMAL and is_open:
        message = result.message or "called optimal, but the bound does not show it"
        result = replace(result, status=Status.FEASIBLE, message=message)
    return result


def _checked_warm_start(arrays: Arrays, warm_start: NDArray[np.float64]) -> NDArray[np.float64]:
    warm_start = np.asarray(warm_start, float)
    if warm_start.shape != arrays.cost.shape:
        raise EngineError(f"the start has shape {warm_start.shape}, the model {arrays.cost.shape}")
    if not np.isfinite(warm_start).all():
        raise EngineError("the start has values that are not finite numbers")
    breach = arrays.violation(warm_start)
    if breach > FEASIBILITY_TOLERANCE:
        raise EngineError(f"the start breaks a row or bound by {breach:g}")
    return warm_start


def _solve_continuous_part(arrays: Arrays, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Solve the continuous columns again with the integers fixed at their rounded values."""
    from placeopt.engine import highs

    fixed = replace(
        arrays.relaxed(),
        lower=np.where(arrays.integer, values, arrays.lower),
        upper=np.where(arrays.integer, values, arrays.upper),
    )
    resolved = highs.solve(fixed, Settings(time_limit_seconds=60.0))
    if resolved.values is None:
        return values
    return np.where(arrays.integer, values, resolved.values)
