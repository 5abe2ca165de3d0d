"""Try every combination of the integers of a tiny model: slow, and simple enough to trust.

Tests use it as the oracle. Rows of integers alone are checked for whole blocks of combinations
at once. Where continuous columns remain, each remaining combination is a linear program.
"""

from __future__ import annotations

import itertools
import time

import numpy as np

from placeopt.base.arrays import Floats
from placeopt.base.errors import EngineError
from placeopt.engine.model import Arrays, Model
from placeopt.engine.result import Result, Status

_CHUNK = 1 << 14
_FEASIBLE = 1e-9


def solve_by_enumeration(model: Model | Arrays, *, max_combinations: int = 1 << 20) -> Result:
    """The proven best plan of a tiny model, or proof that there is none.

    Args:
        model: The model.
        max_combinations: Largest number of combinations of integers.

    Returns:
        The result.

    Raises:
        EngineError: If there are more combinations, or an integer is unbounded.
    """
    started_at = time.perf_counter()
    arrays = model.arrays() if isinstance(model, Model) else model
    integers = np.flatnonzero(arrays.integer)
    low, high = np.ceil(arrays.lower[integers]), np.floor(arrays.upper[integers])
    if not np.isfinite(low).all() or not np.isfinite(high).all():
        raise EngineError("enumeration needs finite bounds on every integer")
    count = np.prod(np.maximum(0.0, high - low + 1)) if len(integers) else 1.0
    if count > max_combinations:
        raise EngineError(f"{count:.3g} combinations are more than {max_combinations}")
    best: Floats | None = None
    value = np.inf
    choices = itertools.product(
        *(np.arange(a, b + 1).tolist() for a, b in zip(low, high, strict=True))
    )
    find_best = _best_integer_plan if arrays.integer.all() else _best_plan_by_lp
    while chunk := list(itertools.islice(choices, _CHUNK)):
        block = np.array(chunk, float).reshape(len(chunk), len(integers))
        block = block[_satisfies_integer_rows(arrays, integers, block)]
        candidate = find_best(arrays, integers, block, value)
        if candidate is not None:
            best, value = candidate, arrays.objective(candidate)
    seconds = {"solve": time.perf_counter() - started_at}
    if best is None:
        return Result(Status.INFEASIBLE, engine="enumeration", seconds=seconds)
    if not np.isfinite(value):
        return Result(Status.UNBOUNDED, engine="enumeration", seconds=seconds)
    return Result(
        Status.OPTIMAL, value, value, best, engine="enumeration", seconds=seconds, version="1"
    )


def _satisfies_integer_rows(arrays: Arrays, integers: np.ndarray, block: Floats) -> np.ndarray:
    """Which combinations satisfy every row that has no continuous column."""
    matrix = arrays.matrix
    with_continuous = abs(matrix) @ (~arrays.integer).astype(float) > 0
    integer_rows = np.flatnonzero(~with_continuous)
    activity = block @ matrix[integer_rows][:, integers].toarray().T
    tolerance = _FEASIBLE * np.maximum(1.0, np.abs(activity))
    low, high = arrays.row_lower[integer_rows], arrays.row_upper[integer_rows]
    is_feasible: np.ndarray = ((activity >= low - tolerance) & (activity <= high + tolerance)).all(
        axis=1
    )
    return is_feasible


def _best_integer_plan(
    arrays: Arrays, integers: np.ndarray, block: Floats, value: float
) -> Floats | None:
    if not len(block):
        return None
    objectives = block @ arrays.cost + arrays.offset
    first = int(np.argmin(objectives))
    return block[first] if objectives[first] < value else None


def _best_plan_by_lp(
    arrays: Arrays, integers: np.ndarray, block: Floats, value: float
) -> Floats | None:
    """The best plan of all combinations, from one HiGHS model with the integers fixed in turn."""

    import highspy

    from placeopt.engine import highs

    engine = highs.load(arrays.relaxed())
    integer_columns = integers.astype(np.int32)
    best = None
    for combination in block:
        engine.changeColsBounds(len(integer_columns), integer_columns, combination, combination)
        engine.run()
        status = engine.getModelStatus()
        if status in (
            highspy.HighsModelStatus.kUnbounded,
            highspy.HighsModelStatus.kUnboundedOrInfeasible,
        ):
            raise EngineError("a combination is unbounded (or may be): not for enumeration")
        if status != highspy.HighsModelStatus.kOptimal:
            continue
        values = np.array(engine.getSolution().col_value)
        values[integers] = combination
        objective = arrays.objective(values)
        if objective < value:
            best, value = values, objective
    return best
