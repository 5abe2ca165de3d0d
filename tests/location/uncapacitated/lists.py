"""Random problems in candidate lists, and their costs in plain numpy."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from placeopt.location import Matrix, Problem
from placeopt.location.uncapacitated.candidate_lists import CandidateLists, list_candidates

UNREACHED = np.inf


def random_lists(seed: int, *, with_p: bool) -> CandidateLists:
    """Up to 9 customers and 6 sites, some pairs out of reach: a p-median or facility location."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(3, 10)), int(rng.integers(3, 7))
    table = rng.integers(1, 30, (n, m)).astype(float)
    table[rng.random((n, m)) < 0.2] = UNREACHED
    table[:, 0] = rng.integers(1, 60, n)  # every customer reaches site 0
    if with_p:
        return list_candidates(Problem("p-median", Matrix(table), p=int(rng.integers(1, m))))
    costs = rng.integers(0, 40, m).astype(float)
    return list_candidates(Problem("facility-location", Matrix(table), fixed_costs=costs))


def dense_costs(lists: CandidateLists) -> np.ndarray:
    """The cost of each listed pair, (customers, sites); inf where none is listed."""
    dense = np.full((lists.customers, lists.sites), UNREACHED)
    start, site, cost = lists.arrays[:3]
    for i in range(lists.customers):
        entries = slice(start[i], start[i + 1])
        dense[i, site[entries]] = cost[entries]
    return dense


def plain_cost(lists: CandidateLists, is_open: np.ndarray) -> float:
    """The cost of a plan: openings, and the cheapest open site or ``outside`` for each customer."""
    service = np.where(is_open[None, :], dense_costs(lists), UNREACHED).min(axis=1)
    service = np.minimum(service, lists.arrays.outside)
    return float(lists.arrays.opening_cost[is_open].sum() + service.sum())


def all_plans(lists: CandidateLists) -> list[np.ndarray]:
    """Every set of sites of the right size, as masks (sites,)."""
    p, m = lists.arrays.p, lists.sites
    plans = []
    for size in [p] if p >= 0 else range(m + 1):
        for sites in combinations(range(m), size):
            plans.append(np.isin(np.arange(m), sites))
    return plans
