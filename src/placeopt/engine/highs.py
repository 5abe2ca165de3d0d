"""HiGHS through highspy: the default engine. Sparse arrays go in one call."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placeopt.engine.model import Arrays
from placeopt.engine.result import Result, Status

if TYPE_CHECKING:
    from placeopt.engine.solve import Progress


def solve(
    arrays: Arrays,
    time_limit_seconds: float,
    gap: float,
    threads: int,
    seed: int,
    start: NDArray[np.float64] | None,
    progress: Callable[[Progress], None] | None,
) -> Result:
    import highspy

    began = time.perf_counter()
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("time_limit", float(time_limit_seconds))
    highs.setOptionValue("mip_rel_gap", float(gap))
    highs.setOptionValue("threads", int(threads))
    highs.setOptionValue("random_seed", int(seed))
    highs.passModel(_lp(arrays))
    if start is not None:
        solution = highspy.HighsSolution()
        solution.col_value = list(start)
        highs.setSolution(solution)
    passed = time.perf_counter()
    highs.run()
    ended = time.perf_counter()

    info = highs.getInfo()
    is_mip = bool(arrays.integer.any())
    has_values = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    values = np.array(highs.getSolution().col_value) if has_values else None
    status = _status(highs, has_values)
    bound = info.mip_dual_bound if is_mip else -np.inf
    row_prices = reduced_costs = None
    if not is_mip and status is Status.OPTIMAL:
        bound = info.objective_function_value
        solution = highs.getSolution()
        row_prices, reduced_costs = np.array(solution.row_dual), np.array(solution.col_dual)
    return Result(
        status=status,
        bound=float(bound),
        values=values,
        row_prices=row_prices,
        reduced_costs=reduced_costs,
        seconds={"transfer": passed - began, "solve": ended - passed},
        version=highs.version(),
    )


def _lp(arrays: Arrays):
    import highspy

    inf = highspy.kHighsInf
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(arrays.cost), len(arrays.row_lower)
    lp.col_cost_ = arrays.cost
    lp.col_lower_ = np.nan_to_num(arrays.lower, posinf=inf, neginf=-inf)
    lp.col_upper_ = np.nan_to_num(arrays.upper, posinf=inf, neginf=-inf)
    lp.row_lower_ = np.nan_to_num(arrays.row_lower, posinf=inf, neginf=-inf)
    lp.row_upper_ = np.nan_to_num(arrays.row_upper, posinf=inf, neginf=-inf)
    lp.offset_ = arrays.offset
    if arrays.integer.any():
        kinds = [highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger]
        lp.integrality_ = [kinds[i] for i in arrays.integer.astype(int)]
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = arrays.matrix.indptr
    lp.a_matrix_.index_ = arrays.matrix.indices
    lp.a_matrix_.value_ = arrays.matrix.data
    return lp


def _status(highs, has_values: bool) -> Status:
    import highspy

    model = highspy.HighsModelStatus
    status = highs.getModelStatus()
    if status in (model.kOptimal, model.kModelEmpty):
        return Status.OPTIMAL
    if status == model.kInfeasible:
        return Status.INFEASIBLE
    if status in (model.kUnbounded, model.kUnboundedOrInfeasible):
        return Status.UNBOUNDED if status == model.kUnbounded else Status.INFEASIBLE
    if status == model.kInterrupt:
        return Status.INTERRUPTED
    if status in (model.kTimeLimit, model.kIterationLimit, model.kSolutionLimit):
        return Status.FEASIBLE if has_values else Status.NO_PLAN
    return Status.FAILED
