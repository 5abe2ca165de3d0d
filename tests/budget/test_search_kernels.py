"""The kernels of the searches against plain statements of what they do."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from placeopt.budget.model.convex_combination import _chord_errors
from placeopt.budget.model.paths import UNLIMITED, GeometricGrid, Paths
from placeopt.budget.search.path_pricing import _least_reachable_cost, least_cost_paths

STEPS = [(1, 1), (2, 0), (0, 3), (UNLIMITED, 1), (2, UNLIMITED), (UNLIMITED, UNLIMITED)]


@pytest.mark.parametrize(("down", "up"), STEPS)
def test_the_least_cost_to_go_is_over_the_states_within_the_steps(down, up):
    rng = np.random.default_rng(3)
    cost = rng.uniform(0, 10, (2, 15))
    found = _least_reachable_cost(cost, np.full(2, down), np.full(2, up))
    for q, s in itertools.product(range(2), range(15)):
        low = 0 if down == UNLIMITED else max(0, s - 2 * down)
        high = 15 if up == UNLIMITED else s + 2 * up + 1
        assert found[q, s] == cost[q, low:high].min()


def test_grids_with_different_steps_are_priced_each_by_its_own():
    cost = np.array([[5.0, 1.0, 7.0, 0.0, 9.0]] * 2)
    found = _least_reachable_cost(cost, np.array([1, 0]), np.array([0, 1]))
    assert found.tolist() == [[5.0, 1.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0, 9.0]]


@pytest.mark.parametrize("seed", range(6))
def test_no_path_on_the_grid_costs_less_than_the_least_cost_path(seed):
    """Every path over the points of a small grid that keeps the steps, one by one."""
    rng = np.random.default_rng(seed)
    years, points = 3, 6
    down, up = int(rng.integers(1, 3)), int(rng.integers(1, 3))
    spends = 10.0 * np.exp(0.1 * np.arange(-2, points - 2))
    grid = GeometricGrid(0, 10.0, 0.1, -2, spends, down, up)
    cost = rng.uniform(0, 10, (years, 1, points))
    between = np.full((years, 1, points - 1), np.inf)
    least, path = least_cost_paths({0: grid}, spends[None], cost, between)
    allowed = [
        states
        for states in itertools.product(range(points), repeat=years)
        if all(-down <= b - a <= up for a, b in itertools.pairwise(states))
    ]
    best = min(sum(cost[t, 0, s] for t, s in enumerate(states)) for states in allowed)
    assert least[0] == pytest.approx(best)
    taken = [int(np.abs(spends - spend).argmin()) for spend in path[0]]
    assert sum(cost[t, 0, s] for t, s in enumerate(taken)) == pytest.approx(best)


def test_paths_that_differ_by_less_than_a_millionth_of_a_pound_are_one():
    one = Paths(np.array([0, 1]), np.array([[1.0, 2.0], [1.0, 2.0]]))
    other = Paths(np.array([0, 0]), np.array([[1.0, 2.0 + 1e-8], [1.0, 3.0]]))
    both = one.union(other)
    assert both.programme.tolist() == [0, 0, 1]
    assert both.spend.round(3).tolist() == [[1, 2], [1, 3], [1, 2]]


def test_a_concave_curve_rises_above_its_chords_by_no_more_than_their_errors():
    spend = np.sort(np.random.default_rng(5).uniform(0, 100, 12))
    effect = np.sqrt(spend)
    errors = _chord_errors(spend, effect, np.ones(11, bool))
    for k, (a, b) in enumerate(itertools.pairwise(range(12))):
        within = np.linspace(spend[a], spend[b], 201)
        chord = np.interp(within, spend[[a, b]], effect[[a, b]])
        assert (np.sqrt(within) - chord).max() <= errors[k] + 1e-12
    assert not _chord_errors(spend, effect, np.zeros(11, bool)).any()
