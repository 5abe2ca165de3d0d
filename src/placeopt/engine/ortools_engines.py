"""CP-SAT, SCIP, GLOP and PDLP through OR-Tools' sparse-array interface.

CP-SAT takes integers only, so its model is scaled explicitly: each row by the power of ten that
makes its coefficients integer (a row without one is refused), the costs by a power of ten with
rounding. The bound is lowered by the most that this rounding can matter.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from placeopt.base.errors import EngineError
from placeopt.engine.interrupts import run_until_interrupted
from placeopt.engine.model import Arrays
from placeopt.engine.registry import engine as engine_named
from placeopt.engine.result import Result, Status

if TYPE_CHECKING:
    from placeopt.engine.settings import Settings

_MAX_INTEGER_SUM = 2.0**50  # CP-SAT's sums must stay far below the largest 64-bit integer
_MAX_DECIMALS = 6  # largest number of decimal places by which rows and costs are scaled


def solve(arrays: Arrays, settings: Settings) -> Result:
    """Minimise ``arrays`` with the engine that ``settings`` names."""
    from importlib.metadata import version

    from ortools.linear_solver.python import model_builder_helper as helper

    unfinished = (helper.SolveStatus.FEASIBLE, helper.SolveStatus.NOT_SOLVED)
    started_at = time.perf_counter()
    integer_model = scale_to_integers(arrays) if settings.engine == "cp-sat" else None
    model = _model(integer_model.arrays if integer_model else arrays, settings.warm_start)
    solver = helper.ModelSolverHelper(engine_named(settings.engine).solver_names[0])
    solver.set_time_limit_in_seconds(settings.time_limit_seconds)
    solver.set_solver_specific_parameters(_parameters(settings))
    solver.enable_output(False)
    passed_at = time.perf_counter()
    interrupted = run_until_interrupted(lambda: solver.solve(model), solver.interrupt_solve)
    ended_at = time.perf_counter()
    if not solver.has_response():
        raise EngineError(f"{settings.engine} gave no answer: {solver.status_string()}")
    if settings.engine == "scip":  # it handles Ctrl-C itself and does not report it
        is_early = ended_at - passed_at < 0.95 * settings.time_limit_seconds
        interrupted |= is_early and solver.status() in unfinished
    result = _result(solver, arrays, settings, interrupted)
    if integer_model:
        bound = result.bound / integer_model.cost_scale - integer_model.error
        result = replace(result, bound=bound + arrays.offset)
    return replace(
        result,
        seconds={"transfer": passed_at - started_at, "solve": ended_at - passed_at},
        version=f"ortools {version('ortools')}",
    )


@dataclass(frozen=True)
class IntegerModel:
    """A model scaled to integers.

    The original objective is (scaled objective) / cost_scale + offset, up to ``error``.
    """

    arrays: Arrays
    cost_scale: float
    error: float


def scale_to_integers(arrays: Arrays) -> IntegerModel:
    """``arrays`` with integer coefficients.

    Raises:
        EngineError: If a column is unbounded or a row cannot be scaled.
    """
    if not (np.isfinite(arrays.lower).all() and np.isfinite(arrays.upper).all()):
        raise EngineError("cp-sat needs finite bounds on every column; highs does not")
    matrix = arrays.matrix.copy()
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    digits = np.zeros(matrix.shape[0], int)
    np.maximum.at(digits, rows, _decimal_places(matrix.data))
    if (digits > _MAX_DECIMALS).any():
        row = int(np.argmax(digits))
        raise EngineError(
            f"cp-sat takes whole numbers only and row {row} has coefficients with more than "
            f"{_MAX_DECIMALS} decimal places; round them, or use highs"
        )
    scale = 10.0**digits
    matrix.data = np.round(matrix.data * scale[rows])
    largest_value = np.maximum(np.abs(arrays.lower), np.abs(arrays.upper))
    for largest in (abs(matrix) @ largest_value, np.abs(arrays.cost) @ largest_value):
        if np.max(largest, initial=0.0) > _MAX_INTEGER_SUM:
            raise EngineError("cp-sat's whole numbers overflow on this model; use highs")
    total = float(np.abs(arrays.cost) @ largest_value)
    places = int(np.clip(np.floor(np.log10(_MAX_INTEGER_SUM / max(total, 1.0))), 0, _MAX_DECIMALS))
    cost_scale = 10.0 ** min(places, int(_decimal_places(arrays.cost).max(initial=0)))
    cost = np.round(arrays.cost * cost_scale)
    error = float(np.abs(cost / cost_scale - arrays.cost) @ largest_value)
    scaled = replace(
        arrays,
        cost=cost,
        offset=0.0,
        matrix=matrix,
        lower=np.ceil(arrays.lower - 1e-9),
        upper=np.floor(arrays.upper + 1e-9),
        row_lower=np.ceil(arrays.row_lower * scale - 1e-6),
        row_upper=np.floor(arrays.row_upper * scale + 1e-6),
    )
    return IntegerModel(scaled, cost_scale, error)


def _decimal_places(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Decimal places that each value needs; ``_MAX_DECIMALS`` + 1 if it needs more."""
    digits = np.full(len(values), _MAX_DECIMALS + 1)
    for places in range(_MAX_DECIMALS, -1, -1):
        scaled = values * 10.0**places
        integer_model = np.abs(scaled - np.round(scaled)) <= 1e-9 * np.maximum(1.0, np.abs(scaled))
        digits[integer_model] = places
    return digits


def _model(arrays: Arrays, warm_start: NDArray[np.float64] | None) -> Any:
    from ortools.linear_solver.python import model_builder_helper as helper

    model: Any = helper.ModelBuilderHelper()
    model.fill_model_from_sparse_data(
        arrays.lower,
        arrays.upper,
        arrays.cost,
        arrays.row_lower,
        arrays.row_upper,
        sparse.csr_matrix(arrays.matrix),
    )
    model.set_objective_offset(arrays.offset)
    for column in np.flatnonzero(arrays.integer).tolist():
        model.set_var_integrality(column, True)
    if warm_start is not None:
        for column, value in enumerate(warm_start.tolist()):
            model.add_hint(column, value)
    return model


def _parameters(settings: Settings) -> str:
    """Gap, threads and seed in the engine's own format."""
    gap, threads, seed = settings.gap, settings.threads, settings.seed
    if settings.engine == "cp-sat":
        text = f"relative_gap_limit: {gap} num_workers: {threads} random_seed: {seed}"
        text += " catch_sigint_signal: false"  # we handle Ctrl-C, so that the plan is kept
        # With few workers the default portfolio has none that proves a bound.
        return text + (' subsolvers: ["max_lp"]' if threads <= 2 else "")
    if settings.engine == "scip":
        return f"limits/gap = {gap:.12f}\nrandomization/randomseedshift = {seed}"
    if settings.engine == "glop":
        return f"random_seed: {seed}"
    return (
        f"num_threads: {threads} termination_criteria {{ simple_optimality_criteria "
        "{ eps_optimal_absolute: 1e-7 eps_optimal_relative: 1e-7 } }"
    )


def _result(solver: Any, arrays: Arrays, settings: Settings, interrupted: bool) -> Result:
    from ortools.linear_solver.python.model_builder_helper import SolveStatus

    values = np.array(solver.variable_values(), float) if solver.has_solution() else None
    status = {
        SolveStatus.OPTIMAL: Status.OPTIMAL,
        SolveStatus.FEASIBLE: Status.FEASIBLE,
        SolveStatus.INFEASIBLE: Status.INFEASIBLE,
        SolveStatus.UNBOUNDED: Status.UNBOUNDED,
        SolveStatus.NOT_SOLVED: Status.NO_PLAN,
        SolveStatus.UNKNOWN_STATUS: Status.NO_PLAN,
        SolveStatus.CANCELLED_BY_USER: Status.INTERRUPTED,
    }.get(solver.status(), Status.FAILED)
    if interrupted:
        status = Status.INTERRUPTED
    elif values is None and status in (Status.OPTIMAL, Status.FEASIBLE):
        status = Status.NO_PLAN
    is_lp = settings.engine in ("glop", "pdlp")
    bound, duals = -np.inf, None
    if is_lp and status is Status.OPTIMAL:
        bound = solver.objective_value()
        duals = np.array(solver.dual_values(), float)
    elif not is_lp and values is not None:
        bound = solver.best_objective_bound()
    return Result(
        status=status,
        bound=float(bound),
        values=values,
        row_duals=duals,
        reduced_costs=None,
        message="" if status is not Status.FAILED else solver.status_string(),
    )
