"""Try every combination of whole numbers of a tiny model: slow, and right by its plainness.

Tests use it as the oracle. Rows of integers alone are checked for whole blocks of combinations
at once; where continuous columns remain, each combination that is left is a linear program.
"""

from __future__ import annotations

import itertools
import time

import numpy as np

from placeopt.base.errors import EngineError
from placeopt.engine.model import Arrays, Floats, Model
from placeopt.engine.result import Result, Status

_CHUNK = 1 << 14
_FEASIBLE = 1e-9


def solve_by_enumeration(model: Model | Arrays, *, most: int = 1 << 20) -> Result:
    """The proven best plan of a tiny model, or proof that there is none.

    ``most``: with more combinations than this (or unbounded integers) ``EngineError`` is raised.
    """
    began = time.perf_counter()
    arrays = model.arrays() if isinstance(model, Model) else model
    whole = np.flatnonzero(arrays.integer)
    low, high = np.ceil(arrays.lower[whole]), np.floor(arrays.upper[whole])
    if not np.isfinite(low).all() or not np.isfinite(high).all():
        raise EngineError("enumeration needs finite bounds on every integer")
    count = np.prod(np.maximum(0.0, high - low + 1)) if len(whole) else 1.0
    if count > most:
        raise EngineError(f"{count:.3g} combinations are more than {most}")
    best: Floats | None = None
    value = np.inf
    choices = itertools.product(
        *(np.arange(a, b + 1).tolist() for a, b in zip(low, high, strict=True))
    )
    solve_rest = _whole_plans if arrays.integer.all() else _plans_by_lp
    while chunk := list(itertools.islice(choices, _CHUNK)):
        block = np.array(chunk, float).reshape(len(chunk), len(whole))
        block = block[_possible(arrays, whole, block)]
        found = solve_rest(arrays, whole, block, value)
        if found is not None:
            best, value = found, arrays.objective(found)
    seconds = {"solve": time.perf_counter() - began}
    if best is None:
        return Result(Status.INFEASIBLE, engine="enumeration", seconds=seconds)
    if not np.isfinite(value):
        return Result(Status.UNBOUNDED, engine="enumeration", seconds=seconds)
    return Result(
        Status.OPTIMAL, value, value, best, engine="enumeration", seconds=seconds, version="1"
    )


def _possible(arrays: Arrays, whole: np.ndarray, block: Floats) -> np.ndarray:
    """Which combinations keep every row that has no continuous column."""
    matrix = arrays.matrix
    with_continuous = abs(matrix) @ (~arrays.integer).astype(float) > 0
    only = np.flatnonzero(~with_continuous)
    activity = block @ matrix[only][:, whole].toarray().T
    room = _FEASIBLE * np.maximum(1.0, np.abs(activity))
    low, high = arrays.row_lower[only], arrays.row_upper[only]
    keeps: np.ndarray = ((activity >= low - room) & (activity <= high + room)).all(axis=1)
    return keeps


def _whole_plans(arrays: Arrays, whole: np.ndarray, block: Floats, value: float) -> Floats | None:
    if not len(block):
        return None
    objectives = block @ arrays.cost + arrays.offset
    first = int(np.argmin(objectives))
    return block[first] if objectives[first] < value else None


def _plans_by_lp(arrays: Arrays, whole: np.ndarray, block: Floats, value: float) -> Floats | None:
    """The best plan of all combinations: one HiGHS, its integer columns fixed anew each time."""
    from dataclasses import replace

    import highspy

    from placeopt.engine import highs

    engine = highs.load(replace(arrays, integer=np.zeros_like(arrays.integer)))
    numbers = whole.astype(np.int32)
    best = None
    for choice in block:
        engine.changeColsBounds(len(numbers), numbers, choice, choice)
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
        values[whole] = choice
        objective = arrays.objective(values)
        if objective < value:
            best, value = values, objective
    return best
