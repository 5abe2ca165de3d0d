"""A bound from the parts of a model is below its optimum and no weaker than its relaxation."""

import numpy as np
import pytest

from placeopt.base.deadline import Deadline
from placeopt.engine import Model, Settings, solve
from placeopt.engine.lagrangian_decomposition import bound_from_parts, decompose, relaxation_duals


def linked(seed):
    """Three years of eight binary decisions each, two knapsacks a year, one budget for all."""
    rng = np.random.default_rng(seed)
    model, pot = Model("linked"), []
    for year in range(3):
        block = model.add_columns(
            f"take_{year}", size=8, upper=1, integer=True, cost=-rng.integers(5, 20, 8)
        )
        for row in range(2):
            weights = rng.integers(3, 12, 8)
            model.add_rows(
                f"room_{year}_{row}", rule="", size=1, terms=[(0, block.all, weights)], upper=25
            )
        pot.append((0, block.all, rng.integers(1, 9, 8)))
    model.add_rows("pot", rule="", size=1, terms=pot, upper=30)
    return model.arrays()


@pytest.mark.parametrize("seed", range(4))
def test_a_bound_of_parts_lies_between_the_relaxation_and_the_optimum(seed):
    arrays = linked(seed)
    best = solve(arrays).objective
    relaxed = solve(arrays.relaxed()).objective
    settings = Settings(10.0, gap=0.0, threads=1)
    prices = relaxation_duals(arrays, settings)
    parts = decompose(arrays, np.repeat(np.arange(3), 8), prices)
    shares = [0.3, 0.3, 0.4]
    bound, found = bound_from_parts(parts, shares, settings, Deadline(10.0))
    assert relaxed - 1e-4 <= bound <= best + 1e-6
    assert len(found) == 3
    stopped, _ = bound_from_parts(parts, shares, settings, Deadline(10.0), stop=lambda: True)
    assert stopped == -np.inf
