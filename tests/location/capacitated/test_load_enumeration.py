"""The loads listed are those of an enumeration of every set of customers."""

from __future__ import annotations

import numpy as np
import pytest

from placeopt.location.capacitated.lagrangian import ascend_bound, initial_multipliers
from placeopt.location.capacitated.load_enumeration import LoadPrices, enumerate_loads
from placeopt.location.step_rule import StepRule
from tests.location.capacitated.plain import random_arrays, subsets

RULE = StepRule(rounds=100, step=0.5, patience=10)


@pytest.mark.parametrize("gap", [0.0, 5.0, 40.0])
def test_every_load_within_the_gap_is_listed_once(gap: float) -> None:
    for seed in range(10):
        arrays = random_arrays(seed)
        found = ascend_bound(arrays, initial_multipliers(arrays), 1e4, RULE)
        u, empty = found.multipliers, found.rise_if_empty
        listed = enumerate_loads(arrays, LoadPrices(u, empty), gap, 100_000)
        assert listed.is_complete
        loads = [
            (int(listed.site[k]), frozenset(listed.customer[first:last].tolist()))
            for k, (first, last) in enumerate(zip(listed.start[:-1], listed.start[1:], strict=True))
        ]
        n, m = arrays.cost.shape
        expected = {
            (j, frozenset(s))
            for j in range(m)
            for s in subsets(n)
            if arrays.demand[s].sum() <= arrays.capacity[j]
            and empty[j] - (u[s] - arrays.cost[s, j]).sum() <= gap
        }
        assert len(loads) == len(set(loads))
        near = {  # on the edge of the gap rounding decides
            (j, s)
            for j, s in expected ^ set(loads)
            if abs(empty[j] - (u[list(s)] - arrays.cost[list(s), j]).sum() - gap) > 1e-9
        }
        assert near == set()


def test_a_list_that_is_too_long_is_marked_as_incomplete() -> None:
    arrays = random_arrays(1)
    prices = LoadPrices(np.full(len(arrays.demand), 50.0), np.zeros(len(arrays.capacity)))
    assert not enumerate_loads(arrays, prices, 1e6, 3).is_complete
    assert enumerate_loads(arrays, prices, 1e6, 100_000).is_complete
