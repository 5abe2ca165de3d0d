"""Local search with capacities: plans keep them, cost what they state, and are best if small."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from placeopt.location.capacitated.arrays import CapacitatedArrays
from placeopt.location.capacitated.exchange_search import ExchangeRule, improve, plan_cost
from tests.location.capacitated.plain import plain_cost, random_arrays

KINDS = ("single-source", "capacitated-p-median")


def fits(arrays: CapacitatedArrays, assignment: np.ndarray) -> bool:
    load = np.bincount(assignment, arrays.demand, minlength=len(arrays.capacity))
    return bool((load <= arrays.capacity + 1e-9).all())


def best_cost(arrays: CapacitatedArrays) -> float:
    """The least cost over every assignment; with p, of those that use p sites at most."""
    n, m = arrays.cost.shape
    best = np.inf
    for chosen in product(range(m), repeat=n):
        assignment = np.array(chosen)
        used = np.isin(np.arange(m), assignment)
        if fits(arrays, assignment) and (not arrays.has_fixed_size or used.sum() <= arrays.p):
            best = min(best, plain_cost(arrays, used, assignment))
    return best


def start(arrays: CapacitatedArrays, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Open sites and an assignment to them, perhaps over a capacity."""
    n, m = arrays.cost.shape
    rng = np.random.default_rng(seed)
    sites = rng.permutation(m)[: arrays.p if arrays.has_fixed_size else m]
    return np.isin(np.arange(m), sites), rng.choice(sites, n).astype(np.int64)


def test_the_cost_of_a_plan() -> None:
    for seed in range(10):
        arrays = random_arrays(seed)
        is_open, assignment = start(arrays, seed)
        cost = plan_cost(arrays, is_open, assignment)
        assert cost == pytest.approx(plain_cost(arrays, is_open, assignment))


@pytest.mark.parametrize("kind", KINDS)
def test_a_small_problem_is_solved_and_keeps_its_capacities(kind: str) -> None:
    for seed in range(3):
        arrays = random_arrays(seed, kind, most_customers=5)
        is_open, assignment = start(arrays, seed)
        neighbours = np.ascontiguousarray(np.argsort(arrays.cost, axis=1))
        cost = improve(arrays, is_open, assignment, neighbours, ExchangeRule(100, 1, 0.01))
        assert fits(arrays, assignment)
        assert is_open[assignment].all()
        assert cost == pytest.approx(plain_cost(arrays, is_open, assignment))
        assert not arrays.has_fixed_size or is_open.sum() == arrays.p
        assert cost == pytest.approx(best_cost(arrays))
