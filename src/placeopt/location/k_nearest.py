"""Keep only the k nearest sites of each customer.

All sites that are as near as a customer's k-th nearest are kept, so that a solution does not
depend on the order of the sites. Every method and engine then solves the problem as usual.

Source: Church (2018), "Tobler's Law and spatial optimization: why Bakersfield?", International
Regional Science Review 41, whose near-far model lists the same k nearest sites.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from placeopt.location.distances import Distances, Matrix, Pairs
from placeopt.location.statement import Problem
from placeopt.location.uncapacitated.candidate_lists import MAX_DENSE_PAIRS


def restrict_to_k_nearest(problem: Problem) -> Problem:
    """``problem`` without pairs whose site is not among a customer's k nearest."""
    if problem.k_nearest is None:
        return problem
    count = np.broadcast_to(problem.k_nearest, problem.customers).astype(np.int64)
    count = np.minimum(count, problem.sites)
    return problem.replace(distances=keep_nearest(problem.distances, count), k_nearest=None)


def keep_nearest(distances: Distances, count: np.ndarray) -> Distances:
    """The distances to each customer's ``count`` (customers,) nearest sites only."""
    n, m = distances.shape
    listed = int(count.max())
    while True:
        listed = min(2 * listed, m)
        order, far = distances.nearest(listed)
        limit = far[np.arange(n), count - 1][:, None]
        if listed == m or (far[:, -1:] > limit).all():
            break
    keep = np.isfinite(far) & (far <= limit)
    rows = np.nonzero(keep)[0]
    if n * m <= MAX_DENSE_PAIRS:
        table = np.full((n, m), np.inf)
        table[rows, order[keep]] = far[keep]
        return Matrix(table)
    start = np.concatenate([[0], np.cumsum(keep.sum(axis=1))])
    return Pairs(sparse.csr_array((far[keep], order[keep], start), shape=(n, m)))
