"""What a set of opened sites means: who goes where, what it costs, whether it is a plan."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from placeopt.location.distances import Points
from placeopt.location.statement import (
    COVERING,
    FACILITY_LOCATION,
    MAXIMAL_COVERING,
    P_CENTRE,
    P_DISPERSION,
    Problem,
)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def nearest_open(problem: Problem, sites: Ints) -> tuple[Ints, Floats]:
    """For each customer its nearest opened site (-1 = none) and how far that is."""
    sites = np.asarray(sites, np.int64)
    n = problem.customers
    if len(sites) == 0:
        return np.full(n, -1), np.full(n, np.inf)
    distances = problem.distances
    if isinstance(distances, Points) and n * len(sites) > 5_000_000:
        return distances.nearest_of(sites)
    block = distances.of_sites(sites)
    best = block.argmin(axis=1)
    far = block[np.arange(n), best]
    return np.where(np.isfinite(far), sites[best], -1), far


def split_total(problem: Problem, sites: Ints, flows: sparse.csr_array) -> float:
    """What opening ``sites`` and sending the shares ``flows`` costs."""
    shares = flows.tocoo()
    rows, columns = shares.coords
    at = np.searchsorted(np.asarray(sites), columns)
    far = problem.distances.of_sites(np.asarray(sites, np.int64))[rows, at] if len(rows) else 0.0
    return float(
        (shares.data * problem.weights[rows] * far).sum() + problem.fixed_costs[sites].sum()
    )


def objective_of(problem: Problem, sites: Ints) -> tuple[float | None, Ints]:
    """The objective of opening ``sites`` in a problem without capacities, and the assignment.

    The objective is None where these sites are no plan (somebody cannot be reached).
    """
    assignment, far = nearest_open(problem, sites)
    if problem.kind == P_DISPERSION:
        between = np.array(problem.distances.of_sites(np.asarray(sites))[np.asarray(sites)])
        np.fill_diagonal(between, np.inf)
        return float(between.min()) if len(sites) > 1 else float("inf"), assignment
    ceiling = np.inf if problem.ceiling is None else problem.ceiling
    admissible = np.isfinite(far) & (far <= ceiling)
    if problem.kind == MAXIMAL_COVERING:
        share = np.where(admissible, problem.coverage(far), 0.0)
        return float(share @ problem.weights), np.where(share > 0, assignment, -1)
    if problem.kind == COVERING:
        covered = admissible & (far <= float(problem.radius or 0.0))
        weight = problem.weights
        enough = covered.all() or (
            problem.share < 1 and weight[covered].sum() >= (problem.share - 1e-12) * weight.sum()
        )
        cost = float(problem.fixed_costs[sites].sum())
        return (cost if enough else None), np.where(covered, assignment, -1)
    if problem.kind == P_CENTRE:
        counted = problem.weights > 0
        if not admissible[counted].all():
            return None, assignment
        return float(far[counted].max(initial=0.0)), np.where(admissible, assignment, -1)
    if not admissible.all():
        return None, assignment
    opening = problem.fixed_costs[sites].sum() if problem.kind == FACILITY_LOCATION else 0.0
    return float(opening + problem.weights @ far), assignment
