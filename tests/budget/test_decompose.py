"""Column generation: the bound lies below every plan and agrees with refinement."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from placeopt.budget import solve
from placeopt.budget.model.convex_combination import spend_grid_of
from placeopt.budget.problem import objective_values
from placeopt.budget.problem.build import build_problem
from placeopt.engine import Status
from placeopt.scenario.rules.budget.money import OneBudget
from tests.budget.places import (
    assert_each_bound_holds_for_the_other,
    every_problem_counts_as_large,
    place_over_years,
    random_place,
    scenario_of,
)


@pytest.fixture
def every_problem_is_large(monkeypatch):
    every_problem_counts_as_large(monkeypatch)


def question(years: int, gap: float = 1e-2):
    rules = [OneBudget(rule="one_budget", reduction_share=0.1, carry_over=years > 1)]
    return scenario_of(rules=rules, drop=("outcomes",), years=years, solver={"gap": gap})


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("concave", [True, False])
@pytest.mark.parametrize("scale", [0.0, 25.0])
def test_decomposed_and_refined_plans_agree(seed, concave, scale, monkeypatch):
    place = random_place(seed, programmes=4, concave=concave)
    rows = place.programmes.assign(minimum_scale_gbp_per_year=[scale, 0.0, scale, 0.0])
    place = place_over_years(2, place.replace(programmes=rows))
    scenario = question(2)
    refined = solve(place, scenario).result
    every_problem_counts_as_large(monkeypatch)
    decomposed = solve(place, scenario).result
    assert_each_bound_holds_for_the_other(refined, decomposed)


@pytest.mark.parametrize("seed", range(4))
def test_the_bound_lies_below_every_plan_of_a_fine_grid(seed, every_problem_is_large):
    place = random_place(20 + seed, concave=False)
    answer = solve(place, question(1))
    problem = build_problem(place, question(1))
    if answer.plan is None:
        assert answer.result.status is not Status.OPTIMAL
        return
    ends = zip(problem.lower[0], problem.limits.upper[0], strict=True)
    levels = [np.linspace(low, high, 25) for low, high in ends]
    best = np.inf
    for spend in itertools.product(*levels):
        paid = np.array(spend)[None]
        if paid.sum() <= problem.money.total[0] and _payable(problem, paid[0]):
            best = min(
                best,
                objective_values.objective_value(problem, "weighted_outcomes", paid, first=True),
            )
    assert answer.result.bound <= best + 1e-7
    assert answer.result.objective <= best + 1e-2 * abs(best)


def _payable(problem, spend) -> bool:
    """Hall's condition: the streams that may pay for any set hold enough for the set."""
    programmes = range(len(spend))
    for size in range(1, len(spend) + 1):
        for group in itertools.combinations(programmes, size):
            payers = np.unique(problem.pairs.stream[np.isin(problem.pairs.programme, group)])
            if spend[list(group)].sum() > problem.streams.limit[0][payers].sum() + 1e-9:
                return False
    return True


@pytest.mark.parametrize("seed", range(6))
def test_chord_errors_bound_curves_between_grid_points(seed):
    problem = build_problem(random_place(seed, concave=seed % 2 == 0), question(1))
    grid = spend_grid_of(problem)
    for c, (p, curve) in enumerate(
        zip(problem.curves.programme, problem.curves.response, strict=True)
    ):
        a, b = grid.spend[p, :-1], grid.spend[p, 1:]
        for share in (0.1, 0.3, 0.5, 0.8):
            chord = grid.effect[c, :-1] * (1 - share) + grid.effect[c, 1:] * share
            over = curve.effect(a * (1 - share) + b * share) - chord
            assert (over <= grid.chord_error[c] + 1e-9).all()
