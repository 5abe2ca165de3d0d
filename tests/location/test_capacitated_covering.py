"""Capacitated set covering, as facility location without assignment costs, against enumeration.

The oracle uses no model: for every set of sites a maximum flow (scipy, integers) determines whether
the demand within the radius fits into their capacities. For single source, assignments are tried
one by one.
"""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow

from placeopt.engine import Status
from placeopt.location import Problem, locate


def instance(seed: int) -> dict[str, np.ndarray]:
    """Seven customers and six sites, some too small and some too far."""
    rng = np.random.default_rng(seed)
    there = rng.uniform(0, 10, (7, 2)), rng.uniform(0, 10, (6, 2))
    return {
        "distances": np.linalg.norm(there[0][:, None] - there[1][None], axis=2),
        "demands": rng.integers(1, 6, 7),
        "capacities": rng.integers(4, 16, 6),
        "costs": rng.integers(1, 5, 6) if seed % 2 else np.ones(6, int),
    }


def fits(chosen: tuple[int, ...], data: dict[str, np.ndarray], radius: float) -> bool:
    """Whether all demand can flow to the chosen sites within the radius."""
    customers, sites = data["distances"].shape
    graph = np.zeros((customers + sites + 2,) * 2, np.int32)
    graph[0, 1 : customers + 1] = data["demands"]
    near = data["distances"] <= radius
    for j in chosen:
        graph[1 : customers + 1, customers + 1 + j] = np.where(near[:, j], data["demands"], 0)
        graph[customers + 1 + j, -1] = data["capacities"][j]
    flow = maximum_flow(csr_array(graph), 0, customers + sites + 1).flow_value
    return bool(flow == data["demands"].sum())


def fits_whole(chosen: tuple[int, ...], data: dict[str, np.ndarray], radius: float) -> bool:
    """The same where a customer goes to one site."""
    near = [[j for j in chosen if far[j] <= radius] for far in data["distances"]]
    for way in product(*near):
        used = np.bincount(way, data["demands"], data["distances"].shape[1])
        if (used <= data["capacities"]).all():
            return True
    return False


def least(fit, data: dict[str, np.ndarray], radius: float) -> float:  # type: ignore[no-untyped-def]
    sites = range(data["distances"].shape[1])
    sets = (s for size in range(1, 7) for s in combinations(sites, size))
    return min((float(data["costs"][list(s)].sum()) for s in sets if fit(s, data, radius)),
               default=np.inf)  # fmt: skip


@pytest.mark.parametrize(
    "seeds", [range(8), pytest.param(range(8, 200), marks=pytest.mark.exhaustive)]
)
@pytest.mark.parametrize(
    ("kind", "fit"), [("capacitated-facility-location", fits), ("single-source", fits_whole)]
)
def test_the_cheapest_sites_with_enough_capacity_are_found(kind, fit, seeds) -> None:  # type: ignore[no-untyped-def]
    found = set()
    for seed in seeds:
        data, radius = instance(seed), 5.0 + seed % 3
        problem = Problem(
            kind,
            data["distances"],
            weights=0,
            demands=data["demands"],
            capacities=data["capacities"],
            fixed_costs=data["costs"],
            ceiling=radius,
        )
        solution, best = locate(problem, time_limit_seconds=60), least(fit, data, radius)
        found.add(np.isfinite(best))
        if np.isfinite(best):
            assert solution.status is Status.OPTIMAL, seed
            assert solution.objective == pytest.approx(best), seed
        else:
            assert solution.status is Status.INFEASIBLE, seed
    assert found == {True, False}  # both kinds of answer were met
