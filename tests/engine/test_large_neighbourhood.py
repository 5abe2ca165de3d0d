"""Large neighbourhood search on a knapsack whose best plan enumeration knows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from placeopt.base.deadline import Deadline, reading_clock, recording_timeouts
from placeopt.engine import Model, Settings, solve_by_enumeration
from placeopt.engine.large_neighbourhood import (
    LargeNeighbourhoodParameters,
    LargeNeighbourhoodSearch,
    Neighbourhood,
    Plan,
)
from placeopt.engine.model import Arrays

ITEMS = 12


def knapsack(seed: int) -> Arrays:
    """A dozen items, of which about half fit."""
    rng = np.random.default_rng(seed)
    model = Model("knapsack")
    take = model.add_columns(
        "take", size=ITEMS, upper=1, integer=True, cost=-rng.integers(5, 50, ITEMS)
    )
    weights = rng.integers(3, 30, ITEMS)
    model.add_rows("room", rule="", size=1, terms=[(0, take.all, weights)], upper=weights.sum() / 2)
    return model.arrays()


class Pairs(LargeNeighbourhoodSearch):
    """Frees a few items at random, more while that is solved in time."""

    def __init__(self, arrays: Arrays, target: float = -np.inf, failures: float = 40) -> None:
        super().__init__(Settings(gap=0.0), LargeNeighbourhoodParameters(max_failures=failures))
        self._arrays, self._target, self.sizes = arrays, target, []

    def arrays(self) -> Arrays:
        return self._arrays

    def is_good_enough(self, plan: Plan) -> bool:
        return plan.objective <= self._target

    def neighbourhood(
        self, plan: Plan, kind: int, size_factor: float, rng: np.random.Generator
    ) -> Neighbourhood:
        count = min(ITEMS, round(3 * size_factor))
        self.sizes.append(count)
        is_fixed = np.ones(ITEMS, bool)
        is_fixed[rng.permutation(ITEMS)[:count]] = False
        return Neighbourhood(is_fixed, is_whole=count == ITEMS)


NOTHING = Plan(0.0, np.zeros(ITEMS))


@pytest.mark.parametrize("seed", range(3))
def test_a_search_until_all_is_free_ends_at_the_best_plan(seed: int) -> None:
    arrays = knapsack(seed)
    search = Pairs(arrays)
    plan = search.improve(NOTHING, Deadline(60.0))
    best = solve_by_enumeration(arrays)
    assert plan.objective == pytest.approx(best.objective)
    assert arrays.violation(plan.values) < 1e-9
    assert search.sizes[-1] == ITEMS  # the last neighbourhood was all of it
    assert len(search.sizes) < 40


def test_a_plan_that_is_good_enough_is_kept() -> None:
    search = Pairs(knapsack(0), target=0.0)
    assert search.improve(NOTHING, Deadline(60.0)) is NOTHING
    assert not search.sizes


def test_failures_in_a_row_end_a_search() -> None:
    arrays = replace(knapsack(0), cost=np.zeros(ITEMS))
    search = Pairs(arrays, failures=4)
    assert search.improve(NOTHING, Deadline(60.0)) is NOTHING
    assert len(search.sizes) == 4


def test_time_that_ends_a_search_is_recorded() -> None:
    with reading_clock(lambda: 100.0), recording_timeouts() as ended:
        search = Pairs(knapsack(0))
        assert search.improve(NOTHING, Deadline(0.0)) is NOTHING
    assert ended == ["the search for better plans"]


def test_a_plan_that_cannot_be_repaired_is_not_taken() -> None:
    class Broken(Pairs):
        def repaired(self, plan: Plan, seconds: float) -> Plan | None:
            return None

    assert Broken(knapsack(0), failures=5).improve(NOTHING, Deadline(60.0)) is NOTHING
