"""One huge number among ordinary ones: no best plan uses it, and it must not spoil the proof."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from placeopt.engine import Status
from placeopt.location import Problem, locate

CUSTOMERS, SITES = 8, 6
OPTIONS = {
    "p-median": {"p": 3},
    "facility-location": {},
    "single-source": {"demands": 1.0, "capacities": 8.0},
    "capacitated-facility-location": {"demands": 1.0, "capacities": 8.0},
}


def with_huge_pairs(seed: int, huge: float) -> tuple[np.ndarray, np.ndarray]:
    """Distances from 1 to 19, most of them replaced by ``huge``, and opening costs below 6."""
    rng = np.random.default_rng(seed)
    distances = rng.integers(1, 20, (CUSTOMERS, SITES)).astype(float)
    distances[rng.random(distances.shape) < 0.7] = huge
    return distances, rng.integers(1, 60, SITES) / 10.0


def cheapest(kind: str, distances: np.ndarray, opening: np.ndarray) -> float:
    sizes = [3] if kind == "p-median" else range(1, SITES + 1)
    opening = opening * (kind != "p-median")
    return min(
        float(opening[list(sites)].sum() + distances[:, sites].min(axis=1).sum())
        for size in sizes
        for sites in combinations(range(SITES), size)
    )


@pytest.mark.parametrize("huge", [1e9, 1e12, 1e15])
@pytest.mark.parametrize("kind", sorted(OPTIONS))
@pytest.mark.parametrize("seed", [1, 2, 4, 6])
def test_huge_pairs_do_not_spoil_the_proof(kind: str, huge: float, seed: int) -> None:
    distances, opening = with_huge_pairs(seed, huge)
    costs = {} if kind == "p-median" else {"fixed_costs": opening}
    solution = locate(Problem(kind, distances, **OPTIONS[kind], **costs))
    assert solution.status is Status.OPTIMAL
    assert solution.objective == pytest.approx(cheapest(kind, distances, opening), rel=1e-9)
    assert solution.bound == pytest.approx(solution.objective, rel=1e-6)


@pytest.mark.parametrize("kind", ["facility-location", "single-source", "covering"])
def test_huge_opening_costs_do_not_spoil_the_proof(kind: str) -> None:
    for seed in range(4):
        rng = np.random.default_rng(seed)
        distances = rng.integers(1, 20, (CUSTOMERS, SITES)).astype(float)
        opening = rng.integers(1, 60, SITES) / 10.0
        opening[rng.permutation(SITES)[:3]] = 1e12
        options = {"radius": 14.0} if kind == "covering" else {}
        options |= OPTIONS.get(kind, {})
        solution = locate(Problem(kind, distances, fixed_costs=opening, **options))
        if kind == "covering":
            covers = [
                sites
                for size in range(1, SITES + 1)
                for sites in combinations(range(SITES), size)
                if (distances[:, sites].min(axis=1) <= 14).all()
            ]
            best = min(float(opening[list(sites)].sum()) for sites in covers)
        else:
            best = cheapest(kind, distances, opening)
        assert solution.proven
        assert solution.objective == pytest.approx(best, rel=1e-9)


def test_opening_costs_far_below_distances_are_compared() -> None:
    for size in (1e-3, 1e-8, 1e-12):
        problem = Problem(
            "facility-location",
            [[0, 0.5, 0.1, 0.8]],
            fixed_costs=[3 * size, 2.5 * size, size, 3 * size],
        )
        solution = locate(problem)
        assert solution.proven
        assert solution.facilities == (0,)
        assert solution.objective == pytest.approx(3 * size, rel=1e-9)


@pytest.mark.parametrize("kind", ["p-median", "facility-location"])
@pytest.mark.parametrize("small", [1e-3, 1e-5, 1e-9, 0.0])
@pytest.mark.parametrize("huge", [1e6, 1e9, 1e12])
def test_a_huge_distance_that_every_plan_pays_is_no_reason_to_have_no_plan(
    kind: str, small: float, huge: float
) -> None:
    options = {"p": 1} if kind == "p-median" else {"fixed_costs": 1e-8}
    solution = locate(Problem(kind, [[huge], [small], [small], [0.0]], **options))
    assert solution.status is Status.OPTIMAL
    assert solution.objective == pytest.approx(huge, rel=1e-6)


def test_a_split_customer_may_use_a_part_of_a_dear_pair() -> None:
    """Three of a thousand units must go to the second site, which costs a million for all."""
    problem = Problem(
        "capacitated-facility-location",
        [[0.0, 1e6]],
        demands=[1000.0],
        capacities=[997.0, 5.0],
        fixed_costs=[1.0, 1.0],
    )
    solution = locate(problem)
    assert solution.proven
    assert solution.objective == pytest.approx(2 + 3e-3 * 1e6, rel=1e-6)


def test_costs_that_cannot_be_told_apart_are_not_called_proven() -> None:
    """Demands without a common unit: any share of the huge pair might be used."""
    problem = Problem(
        "capacitated-facility-location",
        [[1.0, 1e14], [2.0, 3.0]],
        demands=[np.pi, np.e],
        capacities=[10.0, 10.0],
        fixed_costs=[1.0, 1.0],
    )
    solution = locate(problem)
    assert solution.objective == pytest.approx(4.0, rel=1e-6)
    assert solution.bound <= 4.0
    assert not solution.proven
