"""Rounding cuts: rows on the least number of hosts and of open buildings.

For a set J of binary columns let m be the minimum of sum_J x over the linear relaxation. Every plan
is in the relaxation, so its sum is at least m; and it is an integer, so that

    sum_J x >= ceil(m)

cuts off fractional points and no plan. This is Chvatal's rounding with all rows of the model at
once. The sets are the possible hosts of each service, and all buildings; each cut is in the model
when the next minimum is computed. If shares of 3.9 hosts meet an access standard, the cut asks for
four hosts and the staff of four. Each sum is an integer column of its own, so that the engine can
branch on it.

Source: Chvatal (1973), Discrete Mathematics 4, 305-337.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from placeopt.base.deadline import Deadline, record_timeout
from placeopt.engine.linear_program import Basis, LinearProgram
from placeopt.engine.model import Arrays
from placeopt.engine.result import Status
from placeopt.estate.model.formulation import Formulation

ROUNDING_TOLERANCE = 1e-4  # taken off before a least number is rounded up: far above HiGHS's own


def add_count_cuts(
    formulation: Formulation,
    relaxed: Formulation,
    deadline: Deadline,
    arrays: Arrays | None = None,
    bases: list[Basis] | None = None,
) -> list[float]:
    """Add the cuts to ``formulation`` and return their right-hand sides.

    Args:
        formulation: the model that gains the rows.
        relaxed: a model with the same hosts and buildings and no row that ``formulation`` does not
            imply: itself, or a smaller one without assignment rules.
        deadline: when it ends; sets not reached in time get the right-hand side 0.
        arrays: what is minimised over, if not the arrays of ``relaxed``.
        bases: bases of a like model to start from, such as another year's; replaced by this
            model's.

    Returns:
        The least number of open buildings, then of hosts of each service.
    """
    x = relaxed.columns
    hosts_by_service = [x.hosts.of_service(s) for s in range(len(relaxed.problem.services.ids))]
    sets = [x.open.all, *(x.host.at(hosts) for hosts in hosts_by_service)]
    arrays = relaxed.model.arrays() if arrays is None else arrays
    threads = relaxed.problem.scenario.solver.threads
    counts = least_counts(arrays, sets, deadline, threads, [] if bases is None else bases)
    add_count_rows(formulation, counts)
    return counts


def add_count_rows(formulation: Formulation, counts: list[float]) -> None:
    """Add the rows with these right-hand sides: of all buildings, then of each service's hosts."""
    y = formulation.columns
    names = ["buildings", *formulation.problem.services.ids]
    hosts_by_service = [y.hosts.of_service(s) for s in range(len(names) - 1)]
    sets = [y.open.all, *(y.host.at(hosts) for hosts in hosts_by_service)]
    rows = np.repeat(np.arange(len(sets)), [len(columns) for columns in sets])
    labels = {"of": np.array(names, str)}
    count = formulation.model.add_columns(
        "count", labels=labels, lower=counts, upper=[len(columns) for columns in sets], integer=True
    )
    formulation.model.add_rows(
        "count",
        rule="",
        labels=labels,
        terms=[(rows, np.concatenate(sets), 1), (np.arange(len(sets)), count.all, -1)],
        lower=0,
        upper=0,
    )


def least_counts(
    arrays: Arrays,
    sets: list[NDArray[np.int64]],
    deadline: Deadline,
    threads: int,
    bases: list[Basis],
) -> list[float]:
    """Return the least integer that each sum of columns can take; 0 where time ran out first."""
    start_bases = bases.copy()
    bases.clear()
    n = len(arrays.cost)
    program = LinearProgram(
        replace(arrays.relaxed(), cost=np.zeros(n), offset=0.0),
        threads,
    )
    counts = [0.0] * len(sets)
    try:
        for number, columns in enumerate(sets):
            if deadline.ends("the least numbers of hosts"):
                break
            cost = np.zeros(n)
            cost[columns] = 1
            program.change_costs(np.arange(n), cost)
            program.start_from(start_bases[number] if number < len(start_bases) else None)
            status = program.solve(deadline.seconds_left())
            if status is not Status.OPTIMAL:
                if status is Status.NO_PLAN:
                    record_timeout("the least numbers of hosts")
                break
            bases.append(program.basis)
            counts[number] = float(max(np.ceil(program.value - ROUNDING_TOLERANCE), 0.0))
            program.add_row(counts[number], columns)
    finally:
        program.close()
    return counts
