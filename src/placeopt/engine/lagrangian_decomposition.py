"""A bound for a model of similar parts (years) that few rows link, solving each part separately.

Linking rows are priced into the costs. For linking rows A with sides l <= A x <= u and duals y:

    bound(y) = y+ l - y- u + sum over parts p of min { (c - A'y)_p x_p : x_p in part p, integer }

is below every plan's objective for all y. With the duals of the relaxation it is at least the
relaxation's bound, plus what integrality adds in each part. Source: Geoffrion (1974),
Lagrangean relaxation for integer programming.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placeopt.base.arrays import Floats
from placeopt.base.deadline import Deadline, record_timeout
from placeopt.engine.model import Arrays
from placeopt.engine.settings import Settings

if TYPE_CHECKING:
    from highspy import Highs

NO_BOUND = 1e29  # HiGHS's value for a missing bound
LEAST_SECONDS = 0.5  # of a part that begins late


@dataclass(frozen=True)
class Part:
    """One part of a model.

    Attributes:
        arrays: The part as a model.
        columns: Columns of the part in the whole model, (part columns,).
    """

    arrays: Arrays
    columns: NDArray[np.int64]


@dataclass(frozen=True)
class Decomposition:
    """The parts of a model at given duals.

    Attributes:
        parts: The parts.
        fixed: The bound of everything outside the parts.
        size: Number of columns of the whole model.
    """

    parts: tuple[Part, ...]
    fixed: float
    size: int


class BoundFromParts(NamedTuple):
    """What the parts prove together.

    Attributes:
        bound: The bound; -inf unless every part has one.
        plans: A plan (columns,) of each part for which one was found, with 0 outside the part.
    """

    bound: float
    plans: list[Floats]


def relaxation_duals(
    arrays: Arrays, settings: Settings, stop: Callable[[], bool] = lambda: False
) -> Floats | None:
    """Row duals (rows,) near those of the linear relaxation; None if the time was too short.

    An interior point method gives them without a vertex. All duals prove a bound.

    Args:
        arrays: The model.
        settings: Time limit and threads.
        stop: Returns True when the run is to end.
    """
    import highspy

    highs = _run_highs(arrays.relaxed(), settings, stop, {"solver": "ipm", "run_crossover": "off"})
    duals = np.array(highs.getSolution().row_dual)
    is_optimal = highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return duals if is_optimal and np.isfinite(duals).all() else None


def decompose(arrays: Arrays, part_of_column: NDArray[np.int64], duals: Floats) -> Decomposition:
    """The parts of a model at given duals.

    Args:
        arrays: The model.
        part_of_column: Part of each column, (columns,); -1 for columns that link parts.
        duals: Row duals, (rows,).

    Returns:
        The parts, and the bound of what lies outside them.
    """
    matrix = arrays.matrix
    part_of_entry = part_of_column[matrix.indices]
    is_filled = np.diff(matrix.indptr) > 0
    starts = matrix.indptr[:-1][is_filled]
    row_part = np.full(matrix.shape[0], -1)
    part_of_row_start = np.minimum.reduceat(part_of_entry, starts)
    is_in_one_part = part_of_row_start == np.maximum.reduceat(part_of_entry, starts)
    row_part[is_filled] = np.where(is_in_one_part, part_of_row_start, -1)
    linking_duals = np.where(row_part < 0, duals, 0.0)
    side = np.where(linking_duals > 0, arrays.row_lower, arrays.row_upper)
    linking_duals = np.where(
        np.isfinite(side), linking_duals, 0.0
    )  # a dual against an infinite side proves nothing
    cost = arrays.cost - matrix.T @ linking_duals
    fixed = arrays.offset + float(linking_duals @ np.where(np.isfinite(side), side, 0.0))
    is_linking = part_of_column < 0
    best_bound_side = np.where(cost > 0, arrays.lower, arrays.upper)[is_linking]
    fixed += float((cost[is_linking] * np.where(cost[is_linking] == 0, 0.0, best_bound_side)).sum())
    parts = []
    for index in range(int(part_of_column.max(initial=-1)) + 1):
        columns, rows = (np.flatnonzero(part_of == index) for part_of in (part_of_column, row_part))
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
    return Decomposition(tuple(parts), fixed, len(arrays.cost))


def bound_from_parts(
    decomposition: Decomposition,
    shares: Sequence[float],
    settings: Settings,
    deadline: Deadline,
    stop: Callable[[], bool] = lambda: False,
) -> BoundFromParts:
    """Solve each part for its bound. All time is spent on bounds, none on heuristics.

    Args:
        decomposition: The parts.
        shares: Share of the time for each part; unused time goes to later ones.
        settings: Gap at which a part ends, threads and seed.
        deadline: When the last part ends.
        stop: Returns True when the run is to end.
    """
    import highspy

    options = {
        "mip_rel_gap": settings.gap,
        "random_seed": settings.seed,
        "mip_heuristic_effort": 0.0,
    }
    bound = decomposition.fixed
    plans: list[Floats] = []
    for index, part in enumerate(decomposition.parts):
        if stop():
            return BoundFromParts(-np.inf, plans)
        seconds = deadline.seconds_left() * shares[index] / sum(shares[index:])
        limited = replace(settings, time_limit_seconds=max(seconds, LEAST_SECONDS))
        highs = _run_highs(part.arrays, limited, stop, options)
        if highs.getModelStatus() == highspy.HighsModelStatus.kTimeLimit:
            record_timeout("the proof of a part")
        info = highs.getInfo()
        part_bound = info.mip_dual_bound
        if not part.arrays.integer.any():
            is_optimal = highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
            part_bound = info.objective_function_value if is_optimal else -np.inf
        bound += part_bound if abs(part_bound) < NO_BOUND else -np.inf
        if info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible:
            values = np.zeros(decomposition.size)
            values[part.columns] = highs.getSolution().col_value
            plans.append(values)
    return BoundFromParts(bound, plans)


def _run_highs(
    arrays: Arrays,
    settings: Settings,
    stop: Callable[[], bool],
    options: Mapping[str, str | float],
) -> Highs:
    """HiGHS after a run within the settings, or until ``stop`` returns True."""
    from placeopt.engine.highs import load, stop_when

    highs = load(arrays)
    for option, value in options.items():
        highs.setOptionValue(option, value)
    highs.setOptionValue("time_limit", float(settings.time_limit_seconds))
    highs.setOptionValue("threads", int(settings.threads))
    stop_when(highs, stop)
    highs.run()
    highs.resetGlobalScheduler(False)
    return highs
