"""Hand a model to an engine and take back a result that has been checked.

Whatever an engine says, objective and feasibility are recomputed from the values it returns; a
claim that the values do not bear out turns the status to ``failed``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from placeopt.base.deadline import ended_by_clock, within_deadline
from placeopt.base.errors import EngineError
from placeopt.engine.duality import dual_bound
from placeopt.engine.interrupts import interrupted
from placeopt.engine.model import Arrays, Model
from placeopt.engine.registry import engine as engine_named
from placeopt.engine.registry import require_able
from placeopt.engine.result import Result, Status
from placeopt.engine.settings import Progress, Settings

TOLERANCE = 1e-5  # largest breach of a row, relative to its scale, that still counts as feasible
ALMOST = 0.95  # share of its time after which an engine counts as ended by it
CLOSED = 1e-6  # objective and bound this near one another (relative beyond 1) are the same


def solve(
    model: Model | Arrays,
    *,
    engine: str = "highs",
    time_limit_seconds: float = 300.0,
    gap: float = 1e-4,
    threads: int = 2,
    seed: int = 1,
    start: NDArray[np.float64] | None = None,
    progress: Callable[[Progress], None] | None = None,
    prices: bool = False,
) -> Result:
    """Minimise ``model`` with ``engine``.

    ``start``: a full vector of column values to start from (checked; ignored never silently: an
    infeasible one raises). ``prices``: insist on row prices (linear programs only); they come
    unasked where the engine has them. Raises ``EngineError`` for what the engine cannot do.
    Ctrl-C returns the best plan so far with status ``interrupted``; within ``until_interrupted``
    the solves after it return what they start from.
    Within ``clock.limited`` no solve runs past the deadline of the whole answer.
    """
    began = time.perf_counter()
    arrays = model.arrays() if isinstance(model, Model) else model
    built = time.perf_counter()
    chosen = engine_named(engine)
    time_limit_seconds = within_deadline(time_limit_seconds)
    settings = Settings(
        time_limit_seconds, gap, threads, seed, start, progress, prices, engine=engine
    )
    require_able(chosen, arrays, settings)
    if start is not None:
        settings = replace(settings, start=_checked_start(arrays, start))
    if interrupted():
        return recheck(arrays, Result(Status.INTERRUPTED, values=settings.start), gap)
    result = recheck(arrays, chosen.run(arrays, settings), gap)
    late = time.perf_counter() - built >= ALMOST * time_limit_seconds
    if late and result.status in (Status.FEASIBLE, Status.NO_PLAN):
        ended_by_clock(engine)
    if progress:
        progress(Progress(time.perf_counter() - built, result.objective, result.bound))
    if prices and result.status is Status.OPTIMAL and result.row_prices is None:
        raise EngineError(f"{engine}'s prices do not bear out its optimum; try another engine")
    seconds = {"build": built - began, **result.seconds}
    return replace(result, seconds=seconds, engine=engine, seed=seed if chosen.seed else None)


def recheck(arrays: Arrays, result: Result, gap: float) -> Result:
    """Recompute objective, feasibility and, from prices, the bound; never believe a status."""
    if result.values is None:
        return result
    values = np.where(arrays.integer, np.round(result.values), result.values)
    breach = arrays.violation(values)
    if breach > TOLERANCE and not arrays.integer.all():
        values = _continuous_part_again(arrays, values)
        breach = arrays.violation(values)
    if breach > TOLERANCE:
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
    same = CLOSED * max(1.0, abs(objective))
    if result.row_prices is not None:
        bound = dual_bound(arrays, result.row_prices)
        if abs(objective - bound) <= 10 * same:  # strong duality holds
            costs = arrays.cost - arrays.matrix.T @ result.row_prices
            result = replace(result, bound=min(bound, objective), reduced_costs=costs)
        else:
            result = replace(result, row_prices=None, reduced_costs=None)
    if result.bound > objective + same:
        message = f"the engine's bound {result.bound:g} lies above its plan and is not believed"
        result = replace(result, bound=-np.inf, message=message)
    result = replace(result, bound=min(result.bound, objective))
    open_ = objective - result.bound > gap * abs(objective) + same
    if result.status is Status.OPTIMAL and open_:
        message = result.message or "called optimal, but the bound does not show it"
        result = replace(result, status=Status.FEASIBLE, message=message)
    return result


def _checked_start(arrays: Arrays, start: NDArray[np.float64]) -> NDArray[np.float64]:
    start = np.asarray(start, float)
    if start.shape != arrays.cost.shape:
        raise EngineError(f"the start has shape {start.shape}, the model {arrays.cost.shape}")
    if not np.isfinite(start).all():
        raise EngineError("the start has values that are not finite numbers")
    breach = arrays.violation(start)
    if breach > TOLERANCE:
        raise EngineError(f"the start breaks a row or bound by {breach:g}")
    return start


def _continuous_part_again(arrays: Arrays, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The continuous columns solved again beside integers fixed at their rounded values."""
    from placeopt.engine import highs

    fixed = replace(
        arrays,
        lower=np.where(arrays.integer, values, arrays.lower),
        upper=np.where(arrays.integer, values, arrays.upper),
        integer=np.zeros_like(arrays.integer),
    )
    again = highs.solve(fixed, Settings(time_limit_seconds=60.0))
    if again.values is None:
        return values
    return np.where(arrays.integer, values, again.values)
