"""A model of like parts (years) that few rows link: a bound from its parts, each by itself.

Linking rows are priced into the costs, A linking rows with sides l <= A x <= u, prices y:

    bound(y) = y+ l - y- u + sum over parts p of min { (c - A'y)_p x_p : x_p in part p, integer }

is below every plan's objective for any prices y. With the prices of the relaxation it is the
relaxation's bound, and what integrality adds in each part comes on top. Source: Geoffrion (1974),
Lagrangean relaxation for integer programming.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from placeopt.engine.model import Arrays
from placeopt.engine.result import Result
from placeopt.engine.solve import solve

Floats = NDArray[np.float64]


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


def relaxation_prices(arrays: Arrays, seconds: float, threads: int = 1) -> Floats | None:
    """(rows,) prices near those of the linear relaxation, by an interior point method that stops
    before it has a vertex. Every price proves a bound; ``None`` where the time was too short."""
    import highspy

    from placeopt.engine.highs import load

    highs = load(replace(arrays, integer=np.zeros_like(arrays.integer)))
    for option, value in (
        ("solver", "ipm"),
        ("run_crossover", "off"),
        ("time_limit", float(seconds)),
        ("threads", int(threads)),
    ):
        highs.setOptionValue(option, value)
    highs.run()
    highs.resetGlobalScheduler(False)
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
    fixed += float(np.where(cost[alone] == 0, 0.0, cost[alone] * ends).sum())
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
    return Split(tuple(parts), fixed)


def bound_of_parts(
    whole: Split, seconds: Sequence[float], gap: float, threads: int, seed: int
) -> tuple[float, list[Result]]:
    """The bound, and what was found for each part within its seconds."""
    results = []
    for part, most in zip(whole.parts, seconds, strict=True):
        began = time.perf_counter()
        result = solve(part.arrays, time_limit_seconds=most, gap=gap, threads=threads, seed=seed)
        results.append(replace(result, seconds={"solve": time.perf_counter() - began}))
    return whole.fixed + sum(result.bound for result in results), results
