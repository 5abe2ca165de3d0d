"""OR-Library (J. E. Beasley): pmed, cap and pmedcap files.

pmed     ``n edges p``, then ``a b length`` lines. Distances are shortest paths; where an edge is
         listed twice the last length wins (the least gives 5718 on pmed1, whose optimum is 5819).
cap      ``m n``, then ``capacity fixed_cost`` a site, then for each customer its demand and the
         cost of serving all of it from each site. In capa, capb and capc the first number is the
         word ``capacity``: give the number.
pmedcap  ``id optimum``, ``n p Q``, then ``i x y demand``; whole part of the Euclidean distance.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import shortest_path

from placeopt.base.errors import UsageError
from placeopt.location.distances import Matrix, Points
from placeopt.location.statement import CAPACITATED, CAPACITATED_P_MEDIAN, P_MEDIAN, Problem

MAX_VERTICES = 30_000  # vertices of a graph, between which all distances are held


def take_numbers(numbers: np.ndarray, start: int, count: int, what: str) -> np.ndarray:
    """``count`` of the numbers from ``start``.

    Args:
        numbers: All numbers of the file.
        start: Position of the first.
        count: How many to take.
        what: What they are, for the message.

    Raises:
        ValueError: If the file ends before.
    """
    found = numbers[start : start + count] if count >= 0 else numbers[:0]
    if len(found) != count:
        raise ValueError(f"it ends before {what}: {len(found)} numbers where there must be {count}")
    return found


def read_pmed(path: Path, p: int | None = None) -> Problem:
    """A p-median problem on the vertices of a graph."""
    numbers = np.array(path.read_text().split(), dtype=np.int64)
    n, edges, p_of_file = (int(x) for x in take_numbers(numbers, 0, 3, "n, edges and p"))
    if n > MAX_VERTICES:
        raise ValueError(f"line 1 says {n} vertices; distances of at most {MAX_VERTICES:,} fit")
    table = take_numbers(numbers, 3, 3 * edges, f"{edges} edges of three numbers").reshape(-1, 3)
    if n < 1 or edges < 1:
        raise ValueError(f"it says {n} vertices and {edges} edges")
    if left := len(numbers) - 3 - 3 * edges:
        raise ValueError(f"line 1 says {edges} edges, and {left} numbers follow them")
    outside = np.flatnonzero(((table[:, :2] < 1) | (table[:, :2] > n)).any(axis=1))
    if len(outside):
        edge = table[outside[0]].tolist()
        raise ValueError(f"edge {outside[0] + 1}, {edge}, names no vertex from 1 to {n}")
    below = np.flatnonzero(table[:, 2] < 0)
    if len(below):
        edge = table[below[0]].tolist()
        raise ValueError(f"edge {below[0] + 1}, {edge}, has a negative length")
    lengths = {(min(a, b) - 1, max(a, b) - 1): c for a, b, c in table.tolist()}  # the last one wins
    ends = np.array(list(lengths), dtype=np.int64)
    graph = sparse.csr_array(
        (np.array(list(lengths.values()), float), (ends[:, 0], ends[:, 1])), shape=(n, n)
    )
    distances = shortest_path(graph, method="D", directed=False)
    return Problem(P_MEDIAN, Matrix(distances), p=p or p_of_file, name=path.stem)


def read_cap(path: Path, capacity: float | None = None) -> Problem:
    """A capacitated problem; ``capacity`` replaces the word in capa, capb and capc."""
    words = path.read_text().split()
    if "capacity" in words[2:5] and capacity is None:
        raise UsageError(f"{path.name} leaves the capacity open; give capacity (8000, say)")
    numbers = np.array([capacity if w == "capacity" else w for w in words], dtype=float)
    m, n = (int(x) for x in take_numbers(numbers, 0, 2, "the numbers of sites and customers"))
    sites = take_numbers(numbers, 2, 2 * m, f"capacity and cost of {m} sites").reshape(m, 2)
    rest = take_numbers(numbers, 2 + 2 * m, n * (m + 1), f"demand and costs of {n} customers")
    rest = rest.reshape(n, m + 1)
    return Problem(
        CAPACITATED,
        Matrix(rest[:, 1:]),
        demands=rest[:, 0],
        capacities=sites[:, 0],
        fixed_costs=sites[:, 1],
        name=path.stem if capacity is None else f"{path.stem}-{capacity:g}",
    )


def read_pmedcap(path: Path, p: int | None = None) -> Problem:
    """A capacitated p-median problem on points."""
    numbers = np.array(path.read_text().split(), dtype=float)
    optimum, n, p_of_file, capacity = numbers[1], int(numbers[2]), int(numbers[3]), numbers[4]
    rows = take_numbers(numbers, 5, 4 * n, f"{n} customers of four numbers").reshape(n, 4)
    points = rows[:, 1:3]
    return Problem(
        CAPACITATED_P_MEDIAN,
        Points(points, points, "floor"),
        p=p or p_of_file,
        demands=rows[:, 3],
        capacities=np.full(n, capacity),
        name=path.stem,
        best_known=float(optimum),
    )
