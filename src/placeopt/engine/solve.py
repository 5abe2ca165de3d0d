"""Hand a model to an engine and take back a result that has been checked.

Whatever an engine says, objective and feasibility are recomputed from the values it returns; a
claim that the values do not bear out turns the status to ``failed``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from placeopt.engine.model import Arrays, Model
from placeopt.engine.result import Result, Status

TOLERANCE = 1e-5  # largest breach of a row, relative to its scale, that still counts as feasible


@dataclass(frozen=True)
class Progress:
    """One report from a running solve."""

    seconds: float
    incumbent: float | None
    bound: float


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
) -> Result:
    """Minimise ``model`` with ``engine``.

    ``start``: a full vector of column values to start from (checked; ignored never silently: an
    infeasible one raises). Raises ``EngineError`` for what the engine cannot do. Ctrl-C returns
    the best plan so far with status ``interrupted``.
    """
    began = time.perf_counter()
    arrays = model.arrays() if isinstance(model, Model) else model
    built = time.perf_counter()
    from placeopt.engine import highs

    if engine != "highs":
        from placeopt.errors import EngineError

        raise EngineError(f"no engine {engine!r}")
    result = highs.solve(arrays, time_limit_seconds, gap, threads, seed, start, progress)
    result = recheck(arrays, result, gap)
    seconds = {"build": built - began, **result.seconds}
    return replace(result, seconds=seconds, engine=engine, seed=seed)


def recheck(arrays: Arrays, result: Result, gap: float) -> Result:
    """Recompute objective and feasibility from the values; never believe a status alone."""
    if result.values is None:
        return result
    values = np.where(arrays.integer, np.round(result.values), result.values)
    breach = arrays.violation(values)
    if breach > TOLERANCE:
        return replace(
            result,
            status=Status.FAILED,
            values=None,
            objective=None,
            message=f"the engine's values break a row by {breach:g}",
        )
    result = replace(result, values=values, objective=arrays.objective(values))
    if result.status is Status.OPTIMAL and result.gap > gap + 1e-7:
        result = replace(
            result, status=Status.FEASIBLE, message="called optimal, but the bound does not show it"
        )
    return result
