"""Random problems with capacities, and the sets of customers that fit a site, by enumeration."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from placeopt.location import Matrix, Problem
from placeopt.location.capacitated.arrays import CapacitatedArrays, capacitated_arrays


def random_arrays(
    seed: int, kind: str = "single-source", most_customers: int = 7
) -> CapacitatedArrays:
    """From five customers and three to five sites; p = 2 for a capacitated p-median."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(5, most_customers + 1)), int(rng.integers(3, 6))
    table = rng.integers(1, 40, (n, m)).astype(float)
    has_p = kind == "capacitated-p-median"
    return capacitated_arrays(
        Problem(
            kind,
            Matrix(table),
            p=2 if has_p else None,
            demands=rng.integers(1, 6, n),
            capacities=rng.integers(14, 25, m).astype(float),
            fixed_costs=None if has_p else rng.integers(5, 60, m).astype(float),
        )
    )


def subsets(count: int) -> list[list[int]]:
    """Every subset of ``range(count)``."""
    return [list(s) for size in range(count + 1) for s in combinations(range(count), size)]


def plain_cost(arrays: CapacitatedArrays, is_open: np.ndarray, assignment: np.ndarray) -> float:
    """The cost of a plan: openings and service."""
    service = arrays.cost[np.arange(len(assignment)), assignment].sum()
    return float(service + arrays.opening_cost[is_open].sum())
