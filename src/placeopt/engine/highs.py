"""HiGHS through highspy: the default engine. Sparse arrays are passed in one call."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placeopt.engine.interrupts import run_until_interrupted
from placeopt.engine.model import Arrays
from placeopt.engine.result import Result, Status

if TYPE_CHECKING:
    from highspy import Highs
    from highspy.highs import HighsCallbackEvent

    from placeopt.engine.settings import Settings

# The integers behind highspy.MatrixFormat.kRowwise, HessianFormat.kTriangular, ObjSense.kMinimize.
_ROWWISE, _TRIANGULAR, _MINIMISE = 2, 1, 1


def solve(arrays: Arrays, settings: Settings) -> Result:
    """Minimise ``arrays``; the caller checks the result again."""
    from highspy import HighsModelStatus

    started_at = time.perf_counter()
    highs = load(arrays)
    for option, value in (
        ("time_limit", float(settings.time_limit_seconds)),
        ("mip_rel_gap", float(settings.gap)),
        ("threads", int(settings.threads)),
        ("random_seed", int(settings.seed)),
    ):
        highs.setOptionValue(option, value)
    if settings.warm_start is not None:
        _set_warm_start(highs, settings.warm_start)
    passed_at = time.perf_counter()
    interrupted = _run_until_interrupted(highs, settings)
    ended_at = time.perf_counter()
    result = _result(highs, arrays, interrupted)
    if highs.getModelStatus() == HighsModelStatus.kUnboundedOrInfeasible:
        result = replace(result, status=_infeasible_or_unbounded(highs, settings))
    seconds_late = ended_at - passed_at - settings.time_limit_seconds
    if seconds_late > max(1.0, 0.1 * settings.time_limit_seconds):
        result = replace(result, message=f"HiGHS stopped {seconds_late:.1f} s after its time limit")
    return replace(
        result,
        seconds={"transfer": passed_at - started_at, "solve": time.perf_counter() - passed_at},
        version=highs.version(),
    )


def load(arrays: Arrays) -> Highs:
    """A silent ``highspy.Highs`` that holds the model; every array is passed whole."""
    import highspy

    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    matrix = arrays.matrix
    no_entries = np.zeros(0, np.int32)
    status = highs.passModel(
        len(arrays.cost),
        len(arrays.row_lower),
        matrix.nnz,
        0,
        _ROWWISE,
        _TRIANGULAR,
        _MINIMISE,
        float(arrays.offset),
        *(arrays.cost, arrays.lower, arrays.upper, arrays.row_lower, arrays.row_upper),
        matrix.indptr.astype(np.int32, copy=False),
        matrix.indices.astype(np.int32, copy=False),
        matrix.data,
        *(no_entries, no_entries, np.zeros(0)),
        arrays.integer.astype(np.int32),
    )
    if status == highspy.HighsStatus.kError:
        from placeopt.base.errors import EngineError

        raise EngineError("HiGHS refused the model (nan, or a lower bound of +inf?)")
    return highs


def _set_warm_start(highs: Highs, warm_start: NDArray[np.float64]) -> None:
    import highspy

    solution = highspy.HighsSolution()
    solution.col_value = list(warm_start)
    highs.setSolution(solution)


def _run_until_interrupted(highs: Highs, settings: Settings) -> bool:
    """Run; return whether Ctrl-C stopped it."""
    from placeopt.engine.settings import Progress

    stop_event = threading.Event()
    last_report_at = [0.0]

    def on_log(event: HighsCallbackEvent) -> None:
        out, now = event.data_out, time.perf_counter()
        if settings.progress and (now - last_report_at[0] > 0.2):
            last_report_at[0] = now
            incumbent = out.mip_primal_bound
            incumbent_or_none = float(incumbent) if abs(incumbent) < 1e29 else None
            settings.progress(
                Progress(out.running_time, incumbent_or_none, _finite(out.mip_dual_bound))
            )

    stop_when(highs, stop_event.is_set)
    if settings.progress:
        highs.cbMipInterrupt += on_log

    def call() -> None:
        try:
            highs.run()
        finally:
            highs.resetGlobalScheduler(False)  # or the next solve could not change its threads

    return run_until_interrupted(call, stop_event.set)


def stop_when(highs: Highs, stop: Callable[[], bool]) -> None:
    """End a run of HiGHS, with what it has, once ``stop`` returns True."""

    def on_event(event: HighsCallbackEvent) -> None:
        if stop():
            event.data_in.user_interrupt = True

    highs.cbMipInterrupt += on_event
    highs.cbSimplexInterrupt += on_event
    highs.cbIpmInterrupt += on_event


def _result(highs: Highs, arrays: Arrays, interrupted: bool) -> Result:
    import highspy

    info = highs.getInfo()
    is_mip = bool(arrays.integer.any())
    has_values = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    solution = highs.getSolution()
    values = np.array(solution.col_value) if has_values else None
    status = Status.INTERRUPTED if interrupted else _status(highs, has_values)
    row_duals = reduced_costs = None
    if not is_mip and status is Status.OPTIMAL:
        row_duals, reduced_costs = np.array(solution.row_dual), np.array(solution.col_dual)
    bound = -np.inf
    if is_mip:
        bound = _finite(info.mip_dual_bound)
    elif status is Status.OPTIMAL:
        bound = info.objective_function_value
    if len(arrays.cost) == 0:
        values, bound = np.zeros(0), arrays.offset
    return Result(
        status=status,
        bound=bound,
        values=values,
        row_duals=row_duals,
        reduced_costs=reduced_costs,
    )


def _finite(bound: float) -> float:
    return float(bound) if abs(bound) < 1e29 else -np.inf


def _status(highs: Highs, has_values: bool) -> Status:
    from highspy import HighsModelStatus

    status = highs.getModelStatus()
    if status in (HighsModelStatus.kOptimal, HighsModelStatus.kModelEmpty):
        return Status.OPTIMAL
    if status in (HighsModelStatus.kInfeasible, HighsModelStatus.kUnboundedOrInfeasible):
        return Status.INFEASIBLE
    if status == HighsModelStatus.kUnbounded:
        return Status.UNBOUNDED
    if status == HighsModelStatus.kInterrupt:
        return Status.INTERRUPTED
    if status in (
        HighsModelStatus.kTimeLimit,
        HighsModelStatus.kIterationLimit,
        HighsModelStatus.kSolutionLimit,
    ):
        return Status.FEASIBLE if has_values else Status.NO_PLAN
    return Status.FAILED


def _infeasible_or_unbounded(highs: Highs, settings: Settings) -> Status:
    """Which of the two: without an objective the model cannot be unbounded."""
    from highspy import HighsModelStatus

    n = highs.getNumCol()
    highs.changeColsCost(n, np.arange(n, dtype=np.int32), np.zeros(n))
    if _run_until_interrupted(highs, replace(settings, progress=None)):
        return Status.INTERRUPTED
    status = highs.getModelStatus()
    if status == HighsModelStatus.kOptimal:
        return Status.UNBOUNDED
    return Status.INFEASIBLE if status == HighsModelStatus.kInfeasible else Status.FAILED
