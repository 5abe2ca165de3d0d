"""Bounds with capacities, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from placeopt.base.deadline import Deadline
from placeopt.location import Matrix, Points, Problem, locate
from placeopt.location.capacitated.arrays import CapacitatedArrays, capacitated_arrays
from placeopt.location.capacitated.column_generation import LoadPool, solve_master
from placeopt.location.capacitated.lagrangian import (
    ascend_bound,
    evaluate_bound,
    initial_multipliers,
)
from placeopt.location.capacitated.params import ColumnGenerationParams
from placeopt.location.step_rule import StepRule
from tests.location.conftest import Tuning

TWO_OF_THREE = 2 * 100 + 12 * 1


def three_sites(kind: str) -> CapacitatedArrays:
    """Twelve customers of demand 1, at cost 1 each; sites of capacity 10 that cost 100 to open."""
    return capacitated_arrays(
        Problem(
            kind,
            Matrix(np.ones((12, 3))),
            demands=np.ones(12),
            capacities=np.full(3, 10.0),
            fixed_costs=np.full(3, 100.0),
        )
    )


@pytest.mark.parametrize("kind", ["capacitated-facility-location", "single-source"])
def test_the_bound_opens_whole_sites_not_shares_of_them(kind: str) -> None:
    arrays = three_sites(kind)
    rule = StepRule(rounds=500, step=1.0, patience=10)
    lagrangian = ascend_bound(arrays, initial_multipliers(arrays), TWO_OF_THREE + 1.0, rule)
    assert 12 / 10 * 100 + 12 < lagrangian.value <= TWO_OF_THREE + 1e-6


def test_capacities_are_counted_in_their_largest_common_unit() -> None:
    arrays = three_sites("single-source")
    assert arrays.scaled_capacity.tolist() == [1, 1, 1]
    assert arrays.scaled_surplus == 1  # 30 - 12 = 18: one site of 10 may stay shut, not two


def test_column_generation_ends_at_the_best_bound() -> None:
    arrays = three_sites("single-source")
    pool = LoadPool()
    start = evaluate_bound(arrays, np.zeros(12))[0]
    params = ColumnGenerationParams(max_rounds=500)
    found = solve_master(arrays, start, pool, np.inf, Deadline(60.0), params)
    taken = found.load_shares
    assert found.bound.value == pytest.approx(TWO_OF_THREE, abs=0.01)
    assert sum(taken.values()) == pytest.approx(2.0, abs=0.01)
    assert all(len(pool.customers[k]) <= 10 for k in taken)


def test_a_load_found_twice_is_kept_once() -> None:
    pool = LoadPool()
    assert pool.add(0, np.array([1, 2])) == pool.add(0, np.array([1, 2])) == 0
    assert pool.add(1, np.array([1, 2])) == 1
    assert len(pool.site) == 2


@pytest.mark.parametrize("rounds", [1, 3])
@pytest.mark.parametrize("kind", ["single-source", "capacitated-p-median"])
def test_a_search_with_few_rounds_finds_the_same_optimum(
    rounds: int, kind: str, tuning: Tuning
) -> None:
    """The relaxation may end in a round that added columns; its shares are those of all columns.

    For any number of rounds the proven plan costs the same.
    """
    for seed in range(3):
        rng = np.random.default_rng(seed)
        homes, sites = rng.uniform(0, 100, (24, 2)), rng.uniform(0, 100, (8, 2))
        problem = Problem(
            kind, Points(homes, sites), p=4 if kind == "capacitated-p-median" else None,
            demands=rng.integers(1, 9, 24), capacities=np.full(8, 40.0),
            fixed_costs=rng.uniform(50, 150, 8) if kind == "single-source" else None,
        )  # fmt: skip
        tuning.single_source(max_mip_pairs=0)
        full = locate(problem)
        tuning.single_source(
            max_mip_pairs=0, column_generation=ColumnGenerationParams(max_rounds=rounds)
        )
        short = locate(problem)
        assert short.proven
        assert full.proven
        assert short.objective == pytest.approx(full.objective)
