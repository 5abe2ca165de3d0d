"""Objectives in order: the first is kept within its slack while the next is made small."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from placeopt.engine import Model, Status, solve_in_order
from placeopt.errors import EngineError

RNG = np.random.default_rng(5)
COST, MINUTES = RNG.integers(1, 30, 10) * 1e6, RNG.integers(1, 30, 10) * 1.0


def choose_three() -> Model:
    model = Model("three of ten")
    x = model.add_columns("x", size=10, upper=1, integer=True)
    model.add_rows("three", rule="1", size=1, lower=3, upper=3, terms=[(0, x.all, 1)])
    return model


@pytest.mark.parametrize("slack", [0.0, 0.3, 1.0])
def test_the_second_objective_is_best_within_the_slack_of_the_first(slack: float):
    sets = [list(each) for each in itertools.combinations(range(10), 3)]
    best = min(COST[each].sum() for each in sets)
    within = [each for each in sets if COST[each].sum() <= best * (1 + slack)]
    result, stages = solve_in_order(
        choose_three(), [("cost", COST, 7.0), ("minutes", MINUTES)], [slack], gap=0
    )
    assert result.status is Status.OPTIMAL
    assert stages["cost"].value == pytest.approx(best + 7)
    assert stages["cost"].bound == pytest.approx(best + 7)
    assert stages["cost"].final <= stages["cost"].allowed + 1
    within = [each for each in sets if COST[each].sum() + 7 <= (best + 7) * (1 + slack)]
    assert result.objective == pytest.approx(min(MINUTES[each].sum() for each in within))
    assert stages["minutes"].final == result.objective


@pytest.mark.parametrize("engine", ["cbc", "scip", "highs"])
def test_any_engine_can_take_objectives_in_order(engine: str):
    result, stages = solve_in_order(
        choose_three(), [("minutes", MINUTES), ("cost", COST)], engine=engine, gap=0
    )
    assert result.has_plan
    assert stages["minutes"].final == pytest.approx(stages["minutes"].value)


def test_an_infeasible_model_ends_at_the_first_objective():
    model = choose_three()
    model.add_rows("four", rule="2", size=1, lower=4, terms=[(0, np.arange(10), 1)])
    result, stages = solve_in_order(model, [("cost", COST), ("minutes", MINUTES)])
    assert result.status is Status.INFEASIBLE
    assert not stages


def test_slacks_must_fit_the_objectives():
    with pytest.raises(EngineError, match="2 objectives with 2 slacks"):
        solve_in_order(choose_three(), [("cost", COST), ("minutes", MINUTES)], [0.1, 0.1])
    with pytest.raises(EngineError, match="objective 'cost' has shape"):
        solve_in_order(choose_three(), [("cost", COST[:4])])
