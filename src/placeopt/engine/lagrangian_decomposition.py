"""A model of like parts (years) that few rows link: a bound from its parts, each by itself.

Linking rows are priced into the costs, A linking rows with sides l <= A x <= u, prices y:

    bound(y) = y+ l - y- u + sum over parts p of min { (c - A'y)_p x_p : x_p in part p, integer }

is below every plan's objective for any prices y. With the prices of the relaxation it is the
relaxation's bound, and what integrality adds in each part comes on top. Source: Geoffrion (1974),
Lagrangean relaxation for integer programming.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placeopt.base.deadline import ended_by_clock
from placeopt.engine.model import Arrays

Floats = NDArray[np.float64]
UNBOUNDED = 1e29  # what HiGHS gives for a bound it has not


@dataclass(frozen=True)
class Part:
    """One part of a model: its own arrays, and the numbers of its columns in the whole."""

    arrays: Arrays
    columns: NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """The parts at some prices, and the bound that what is not in a part gives."""

    parts: tuple[Part, ...]
    fixed: float
    size: int  # columns of the whole


def relaxation_prices(
    arrays: Arrays, seconds: float, threads: int = 1, stop: Callable[[], bool] = lambda: False
) -> Floats | None:
    """(rows,) prices near those of the linear relaxation, by an interior point method that stops
    before it has a vertex. Every price proves a bound; ``None`` where the time was too short."""
    import highspy

    relaxed = replace(arrays, integer=np.zeros_like(arrays.integer))
    highs = _run(relaxed, seconds, threads, stop, {"solver": "ipm", "run_crossover": "off"})
    prices = np.array(highs.getSolution().row_dual)
    done = highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return prices if done and np.isfinite(prices).all() else None


def split(arrays: Arrays, part_of_column: NDArray[np.int64], prices: Floats) -> Split:
    """``part_of_column`` (columns,): the part's number, -1 for columns that link parts."""
    matrix = arrays.matrix
    part_of_entry = part_of_column[matrix.indices]
    filled = np.diff(matrix.indptr) > 0
    starts = matrix.indptr[:-1][filled]
    row_part = np.full(matrix.shape[0], -1)
    lowest = np.minimum.reduceat(part_of_entry, starts)
    same = lowest == np.maximum.reduceat(part_of_entry, starts)
    row_part[filled] = np.where(same, lowest, -1)
    linking = np.where(row_part < 0, prices, 0.0)
    side = np.where(linking > 0, arrays.row_lower, arrays.row_upper)
    linking = np.where(np.isfinite(side), linking, 0.0)  # a price against no side proves nothing
    cost = arrays.cost - matrix.T @ linking
    fixed = arrays.offset + float(linking @ np.where(np.isfinite(side), side, 0.0))
    alone = part_of_column < 0
    ends = np.where(cost > 0, arrays.lower, arrays.upper)[alone]
    fixed += float((cost[alone] * np.where(cost[alone] == 0, 0.0, ends)).sum())
    parts = []
    for number in range(int(part_of_column.max(initial=-1)) + 1):
        columns, rows = (np.flatnonzero(of == number) for of in (part_of_column, row_part))
        parts.append(
            Part(
                Arrays(
                    cost=cost[columns],
                    lower=arrays.lower[columns],
                    upper=arrays.upper[columns],
                    integer=arrays.integer[columns],
                    matrix=matrix[rows][:, columns],
                    row_lower=arrays.row_lower[rows],
                    row_upper=arrays.row_upper[rows],
                    offset=0.0,
                ),
                columns,
            )
        )
    return Split(tuple(parts), fixed, len(arrays.cost))


def bound_of_parts(
    whole: Split,
    seconds: float,
    shares: Sequence[float],
    gap: float,
    threads: int,
    seed: int,
    stop: Callable[[], bool] = lambda: False,
) -> tuple[float, list[Floats]]:
    """The bound, and values (columns,) in the whole's columns of each part that has some.

    ``shares``: of the time for each part; what one leaves goes to those after it. All the time
    goes to the bound, none to heuristics. Once ``stop`` says so the rest is left
    out; without a bound for every part there is none (-inf).
    """
    import highspy

    options = {"mip_rel_gap": gap, "random_seed": seed, "mip_heuristic_effort": 0.0}
    bound = whole.fixed
    found: list[Floats] = []
    began = time.perf_counter()
    for number, part in enumerate(whole.parts):
        if stop():
            return -np.inf, found
        left = seconds - (time.perf_counter() - began)
        most = max(left * shares[number] / sum(shares[number:]), 0.5)
        highs = _run(part.arrays, most, threads, stop, options)
        if highs.getModelStatus() == highspy.HighsModelStatus.kTimeLimit:
            ended_by_clock("the proof of a part")
        info = highs.getInfo()
        least = info.mip_dual_bound
        if not part.arrays.integer.any():
            done = highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
            least = info.objective_function_value if done else -np.inf
        bound += least if abs(least) < UNBOUNDED else -np.inf
        if info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible:
            values = np.zeros(whole.size)
            values[part.columns] = highs.getSolution().col_value
            found.append(values)
    return bound, found


def _run(
    arrays: Arrays, seconds: float, threads: int, stop: Callable[[], bool], options: dict[str, Any]
) -> Any:
    """HiGHS after a run of at most ``seconds``, or until ``stop`` says so."""
    from placeopt.engine.highs import end_when, load

    highs = load(arrays)
    timed = {"time_limit": float(seconds), "threads": int(threads)}
    for option, value in (options | timed).items():
        highs.setOptionValue(option, value)
    end_when(highs, stop)
    highs.run()
    highs.resetGlobalScheduler(False)
    return highs
