"""The consequences of a set of open sites: the assignment, its objective, and feasibility."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from placeopt.base.arrays import Floats, Ints
from placeopt.location.distances import Points
from placeopt.location.statement import (
    COVERING,
    FACILITY_LOCATION,
    MAXIMAL_COVERING,
    P_CENTRE,
    P_DISPERSION,
    Problem,
)


def nearest_open(problem: Problem, sites: Ints) -> tuple[Ints, Floats]:
    """For each customer its nearest open site (-1 = none) and the distance, each (customers,)."""
    sites = np.asarray(sites, np.int64)
    n = problem.customers
    if len(sites) == 0:
        return np.full(n, -1), np.full(n, np.inf)
    distances = problem.distances
    if isinstance(distances, Points) and n * len(sites) > 5_000_000:
        return distances.nearest_of(sites)
    block = distances.of_sites(sites)
    best = block.argmin(axis=1)
    distance = block[np.arange(n), best]
    return np.where(np.isfinite(distance), sites[best], -1), distance


def split_objective(problem: Problem, sites: Ints, flows: sparse.csr_array) -> float:
    """The cost of opening ``sites`` and serving the shares ``flows`` (customers, sites)."""
    shares = flows.tocoo()
    rows, columns = shares.coords
    column = np.searchsorted(np.asarray(sites), columns)
    distance = (
        problem.distances.of_sites(np.asarray(sites, np.int64))[rows, column] if len(rows) else 0.0
    )
    return float(
        (shares.data * problem.weights[rows] * distance).sum() + problem.fixed_costs[sites].sum()
    )


def objective_of(problem: Problem, sites: Ints) -> tuple[float | None, Ints]:
    """The objective of opening ``sites`` in a problem without capacities, and the assignment.

    The objective is None if a customer cannot be served, so that these sites are no plan.
    """
    assignment, distance = nearest_open(problem, sites)
    if problem.kind == P_DISPERSION:
        distance_between = np.array(
            problem.distances.of_sites(np.asarray(sites))[np.asarray(sites)]
        )
        np.fill_diagonal(distance_between, np.inf)
        return float(distance_between.min()) if len(sites) > 1 else float("inf"), assignment
    ceiling = np.inf if problem.ceiling is None else problem.ceiling
    admissible = np.isfinite(distance) & (distance <= ceiling)
    if problem.kind == MAXIMAL_COVERING:
        share = np.where(admissible, problem.coverage(distance), 0.0)
        return float(share @ problem.weights), np.where(share > 0, assignment, -1)
    if problem.kind == COVERING:
        covered = admissible & (distance <= float(problem.radius or 0.0))
        weight = problem.weights
        is_enough = covered.all() or (
            problem.share < 1 and weight[covered].sum() >= (problem.share - 1e-12) * weight.sum()
        )
        cost = float(problem.fixed_costs[sites].sum())
        return (cost if is_enough else None), np.where(covered, assignment, -1)
    if problem.kind == P_CENTRE:
        is_counted = problem.weights > 0
        if not admissible[is_counted].all():
            return None, assignment
        return float(distance[is_counted].max(initial=0.0)), np.where(admissible, assignment, -1)
    if not admissible.all():
        return None, assignment
    opening = problem.fixed_costs[sites].sum() if problem.kind == FACILITY_LOCATION else 0.0
    return float(opening + problem.weights @ distance), assignment
