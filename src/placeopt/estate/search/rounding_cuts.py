"""Rows that cut off fractions but no plan: the least number of hosts and of open buildings.

For a set J of columns that are 0 or 1 in every plan, let m be the least of sum_J x over the linear
relaxation. Every plan is a point of the relaxation, so its sum is at least m; the sum is whole, so

    sum_J x >= ceil(m).

That is Chvatal's rounding with all the model's rows at once. Each J is the possible hosts of one
service, or all buildings; a row found stands when the next is sought. An access standard that 3.9
hosts would meet in shares asks for four, and four salaries.
The sum is a column of its own, a whole number, so that a search may also branch on how many.
Source: Chvatal (1973), Discrete Mathematics 4, 305-337.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placeopt.base.deadline import record_timeout
from placeopt.engine.linear_program import LinearProgram
from placeopt.engine.model import Arrays
from placeopt.engine.result import Status
from placeopt.estate.model.formulation import Formulation

ROUNDING_TOLERANCE = (
    1e-4  # taken off before a least number is rounded up: far above HiGHS's tolerance
)


def add_count_cuts(
    formulation: Formulation,
    relaxed: Formulation,
    seconds: float,
    arrays: Arrays | None = None,
    bases: list[Any] | None = None,
) -> list[float]:
    """Add the rows to ``formulation``; returns the right-hand sides.

    ``relaxed`` has the same hosts and buildings and no row that ``formulation`` does not imply:
    itself, or the smaller model without the rules that speak of who goes where; ``arrays``: its
    own unless given. What is not done within ``seconds`` is left out. ``bases``: those of a like
    model, another year's say, to start from; they are replaced by this model's.
    """
    x = relaxed.columns
    of_services = [x.hosts.of_service(s) for s in range(len(relaxed.problem.services.ids))]
    sets = [x.open.all, *(x.host.at(hosts) for hosts in of_services)]
    arrays = relaxed.model.arrays() if arrays is None else arrays
    threads = relaxed.problem.scenario.solver.threads
    least = least_counts(arrays, sets, seconds, threads, [] if bases is None else bases)
    add_count_rows(formulation, least)
    return least


def add_count_rows(formulation: Formulation, least: list[float]) -> None:
    """Add the rows with these right-hand sides: of all buildings, then of each service's hosts."""
    y = formulation.columns
    names = ["buildings", *formulation.problem.services.ids]
    of_services = [y.hosts.of_service(s) for s in range(len(names) - 1)]
    same = [y.open.all, *(y.host.at(hosts) for hosts in of_services)]
    rows = np.repeat(np.arange(len(same)), [len(columns) for columns in same])
    labels = {"of": np.array(names, str)}
    count = formulation.model.add_columns(
        "count", labels=labels, lower=least, upper=[len(columns) for columns in same], integer=True
    )
    formulation.model.add_rows(
        "count",
        rule="",
        labels=labels,
        terms=[(rows, np.concatenate(same), 1), (np.arange(len(same)), count.all, -1)],
        lower=0,
        upper=0,
    )


def least_counts(
    arrays: Arrays,
    sets: list[NDArray[np.int64]],
    seconds: float,
    threads: int,
    bases: list[Any],
) -> list[float]:
    """The least whole number that each sum of columns can be; 0 where that was not found out."""
    began = time.perf_counter()
    known = bases.copy()
    bases.clear()
    n = len(arrays.cost)
    program = LinearProgram(
        replace(arrays, cost=np.zeros(n), offset=0.0, integer=np.zeros_like(arrays.integer)),
        threads,
    )
    least = [0.0] * len(sets)
    try:
        for number, columns in enumerate(sets):
            left = seconds - (time.perf_counter() - began)
            if left <= 0:
                record_timeout("the least numbers of hosts")
                break
            cost = np.zeros(n)
            cost[columns] = 1
            program.change_costs(np.arange(n), cost)
            program.start_from(known[number] if number < len(known) else None)
            status = program.solve(left)
            if status is not Status.OPTIMAL:
                if status is Status.NO_PLAN:
                    record_timeout("the least numbers of hosts")
                break
            bases.append(program.basis)
            least[number] = float(max(np.ceil(program.value - ROUNDING_TOLERANCE), 0.0))
            program.add_row(least[number], columns)
    finally:
        program.close()
    return least
