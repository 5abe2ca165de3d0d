"""UflLib's simple format and the single-source files of Holmberg, Diaz-Fernandez and tbed1.

UflLib         ``FILE: name``, ``n m 0`` (sites, customers), then for each site its number, what
               opening it costs and what each customer costs from it.
single source  ``m n`` (sites, customers), capacities, fixed costs, demands, then cost rows by
               customer (Holmberg) or by site: which one is seen from the lengths of the lines.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from placeopt.location.distances import Matrix
from placeopt.location.io.orlib import take_numbers
from placeopt.location.statement import FACILITY_LOCATION, SINGLE_SOURCE, Problem


def read_ufllib(path: Path) -> Problem:
    """An uncapacitated facility location problem."""
    lines = path.read_text().split("\n", 2)
    sites, customers = (int(x) for x in lines[1].split()[:2])
    numbers = np.array(lines[2].split(), dtype=float)
    rows = take_numbers(numbers, 0, sites * (customers + 2), f"the costs of {sites} sites")
    rows = rows.reshape(sites, customers + 2)
    name = lines[0].split(":", 1)[1].strip().removesuffix(".txt")
    return Problem(FACILITY_LOCATION, Matrix(rows[:, 2:].T), fixed_costs=rows[:, 1], name=name)


def read_single_source(path: Path) -> Problem:
    """A facility location problem in which one site serves all of a customer."""
    lines = [line.split() for line in path.read_text().splitlines() if line.strip()]
    sites, customers = int(lines[0][0]), int(lines[0][1])
    numbers = np.array([x for line in lines[1:] for x in line], dtype=float)
    capacities = take_numbers(numbers, 0, sites, "the capacities of the sites")
    fixed_costs = take_numbers(numbers, sites, sites, "the opening costs of the sites")
    demands = take_numbers(numbers, 2 * sites, customers, "the demands of the customers")
    rest = take_numbers(
        numbers, 2 * sites + customers, sites * customers, "the costs of the customers"
    )
    by_site = len(lines) >= 4 + sites and len(lines[4]) == customers and sites != customers
    costs = rest.reshape(sites, customers).T if by_site else rest.reshape(customers, sites)
    return Problem(
        SINGLE_SOURCE,
        Matrix(costs),
        demands=demands,
        capacities=capacities,
        fixed_costs=fixed_costs,
        name=f"{path.parent.name}-{path.stem}",
    )
