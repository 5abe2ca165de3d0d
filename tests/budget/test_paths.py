"""Path pricing: no allowed path costs less than its bound, and plans of paths are proven."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from placeopt.budget import solve
from placeopt.budget.model.convex_combination import spend_grid_of
from placeopt.budget.model.paths import (
    UNLIMITED,
    _choose_step,
    geometric_grids_of,
    paths_within_pace,
)
from placeopt.budget.problem import objective_values
from placeopt.budget.problem.build import build_problem
from placeopt.budget.search import column_generation
from placeopt.budget.search.parameters import DEFAULTS
from placeopt.budget.search.path_pricing import least_cost_paths
from placeopt.budget.search.refinement import solve_lexicographic
from placeopt.engine import Result, Status
from placeopt.engine import solve as solve_model
from placeopt.engine.settings import Settings
from placeopt.scenario.rules.budget.money import OneBudget, Pace
from tests.budget.places import (
    assert_each_bound_holds_for_the_other,
    every_problem_counts_as_large,
    place_over_years,
    random_place,
    scenario_of,
)

YEARS = 3


def question(cut: float | None, rise: float | None, gap: float = 1e-2):
    pace = Pace(rule="pace", largest_cut_share=cut, largest_rise_share=rise)
    budget = OneBudget(rule="one_budget", reduction_share=0.1, carry_over=True)
    return scenario_of(rules=[budget, pace], drop=("outcomes",), years=YEARS, solver={"gap": gap})


def a_problem(seed: int, cut: float | None = 0.3, rise: float | None = 0.5):
    place = place_over_years(YEARS, random_place(seed, programmes=4, concave=False))
    return build_problem(place, question(cut, rise))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("cut", "rise"), [(0.3, 0.5), (0.2, None), (None, 0.4), (0.0, 0.3)])
def test_no_allowed_path_costs_less_than_stated(seed, cut, rise):
    problem = a_problem(seed, cut, rise)
    grid, rng = spend_grid_of(problem), np.random.default_rng(seed)
    assert grid.geometric_grids, "a place all of whose curves are concave tests nothing"
    owned = np.array(list(grid.geometric_grids))
    pound = rng.uniform(0.0, 2.0, (YEARS, len(owned)))
    worth = rng.uniform(0.0, 4.0, (YEARS, len(problem.curves.response)))
    cost = pound[:, :, None] * grid.spend[owned]
    slip = np.zeros((YEARS, len(owned), grid.spend.shape[1] - 1))
    for c, p in enumerate(problem.curves.programme):
        if p in grid.geometric_grids:
            q = int(np.flatnonzero(owned == p)[0])
            cost[:, q] -= worth[:, c, None] * grid.effect[c]
            slip[:, q] += worth[:, c, None] * grid.chord_error[c]
    allowed = grid.allowed[:, owned]
    cost = np.where(allowed, cost, np.inf)
    step = np.minimum(cost[:, :, 1:], cost[:, :, :-1]) - slip
    step = np.where(allowed[:, :, 1:] & allowed[:, :, :-1], step, np.inf)
    least, path = least_cost_paths(grid.geometric_grids, grid.spend[owned], cost, step)
    found = paths_within_pace(problem, owned, path)
    for q, p in enumerate(owned):
        best = _enumerated(problem, int(p), pound[:, q], worth)
        spread = max(1.0, float(np.ptp(cost[:, q][allowed[:, q]])))
        assert least[q] <= best + 1e-9
        assert least[q] >= best - 0.03 * spread  # the enumeration's own step is coarse
        assert _cost(problem, int(p), found.spend[q], pound[:, q], worth) <= best + 0.03 * spread


def _cost(problem, p, spend, pound, worth) -> float:
    own = np.flatnonzero(problem.curves.programme == p)
    effects = sum(worth[:, c] * problem.curves.response[c].effect(spend) for c in own)
    return float((pound * spend - effects).sum())


def _enumerated(problem, p, pound, worth) -> float:
    """The least cost of paths with fifteen steps a year within the pace."""
    best = np.inf
    for shares in itertools.product(np.linspace(0, 1, 15), repeat=YEARS):
        last, spend = problem.programmes.base_spend[p], np.zeros(YEARS)
        for t, share in enumerate(shares):
            low = (1 - min(problem.limits.pace_cut[p], 1.0)) * last
            low = max(low, problem.lower[t, p])
            high = min((1 + problem.limits.pace_rise[p]) * last, problem.limits.upper[t, p])
            last = spend[t] = low + share * (high - low)
        best = min(best, _cost(problem, p, spend, pound, worth))
    return best


@pytest.mark.parametrize("seed", range(20))
def test_a_geometric_grid_allows_every_move_of_its_pace(seed):
    rng = np.random.default_rng(seed)
    fall, rise = rng.uniform(0.0, 0.6, 2)
    step, down, up = _choose_step(fall, rise, 0.005)
    assert step <= 0.0051
    for move, steps in ((fall, down), (rise, up)):
        assert move <= steps * step + 1e-9
        assert steps * step <= move + 1e-3
    assert _choose_step(np.inf, rise, 0.005)[1] == UNLIMITED


@pytest.mark.parametrize("seed", range(5))
def test_paths_within_the_pace_are_within_it(seed):
    problem = a_problem(seed)
    p = np.arange(len(problem.programmes.base_spend))
    wanted = (
        np.random.default_rng(seed).uniform(0, 3, (len(p), YEARS))
        * problem.programmes.base_spend[:, None]
    )
    spend = np.column_stack(
        [problem.programmes.base_spend, paths_within_pace(problem, p, wanted).spend]
    )
    assert (spend[:, 1:] >= 0.7 * spend[:, :-1] - 1e-9).all()
    assert (spend[:, 1:] <= 1.5 * spend[:, :-1] + 1e-9).all()


@pytest.mark.parametrize("seed", [0, 1, 3, 5])
@pytest.mark.parametrize(("cut", "rise"), [(0.3, 0.5), (0.1, None)])
def test_paced_plans_agree_with_refined_ones(seed, cut, rise, monkeypatch):
    """No bound passes a plan."""
    place = place_over_years(YEARS, random_place(seed, programmes=4, concave=False))
    asked = question(cut, rise)
    refined = solve(place, asked).result
    every_problem_counts_as_large(monkeypatch)
    decomposed = solve(place, asked).result
    assert_each_bound_holds_for_the_other(refined, decomposed)


def test_a_few_programmes_under_a_pace_are_solved_by_whole_paths():
    """Eight programmes over three years: 27 seconds by integer programs over piecewise curves,
    whose relaxation ignores the pace between years, and well under one second by whole paths."""
    place = place_over_years(YEARS, random_place(5, programmes=8, concave=False))
    asked = question(0.3, 0.5, gap=1e-3)
    problem = build_problem(place, asked)
    assert column_generation.uses_column_generation(problem, DEFAULTS.column_generation)
    solved = solve_lexicographic(problem, asked.solver)
    assert solved.result.status is Status.OPTIMAL
    assert solved.steps[0].gap <= 1e-3
    # proven by curves in pieces: no plan is worth more than 1.32866
    assert -1.32866 <= solved.result.objective <= -1.32800
    free = build_problem(place, scenario_of(years=YEARS, drop=("outcomes",)))
    assert not column_generation.uses_column_generation(free, DEFAULTS.column_generation)


def test_a_programme_with_an_actual_year_has_no_grid():
    """Its past spending may not have kept the pace."""
    problem = a_problem(1)
    actual = problem.limits.actual_spend.copy()
    p = next(iter(geometric_grids_of(problem)))
    actual[0, p] = 5 * problem.programmes.base_spend[p]
    assert p not in geometric_grids_of(
        replace(problem, limits=replace(problem.limits, actual_spend=actual))
    )


def _large(monkeypatch):
    """A problem of S-curves under a pace, decomposed, and its best value by refinement."""
    problem = a_problem(1)
    assert geometric_grids_of(problem)
    value = solve_lexicographic(problem, question(0.3, 0.5).solver).result.objective
    every_problem_counts_as_large(monkeypatch)
    return problem, value


def test_a_master_that_runs_out_of_time_still_returns_a_plan(monkeypatch):
    problem, value = _large(monkeypatch)
    asked = []

    def solve_once(model, gap, share):
        asked.append(model)
        if len(asked) == 2:
            return Result(Status.NO_PLAN)
        return solve_model(model, Settings(gap=gap, threads=1))

    found = column_generation.decompose(problem, "weighted_outcomes", {}, 1e-3, solve_once)
    assert found.spend is not None
    assert found.bound <= value + 1e-7
    reached = objective_values.objective_value(
        problem, "weighted_outcomes", found.spend, first=True
    )
    assert reached >= found.bound - 1e-7


def test_a_plan_is_found_by_repairing_standards(monkeypatch):
    """No neighbourhood of the mixed points holds a plan here."""
    problem, value = _large(monkeypatch)
    refused = []

    def refuse_the_first(model, gap, share):
        if "cluster" not in refused and any(part.any() for part in model._integer):
            refused.append("cluster")
            return Result(Status.NO_PLAN)
        return solve_model(model, Settings(gap=gap, threads=1))

    few_repairs = replace(DEFAULTS, rounding=replace(DEFAULTS.rounding, max_repair_solves=3))
    found = column_generation.decompose(
        problem, "weighted_outcomes", {}, 1e-3, refuse_the_first, few_repairs
    )
    assert found.spend is not None
    assert found.bound <= value + 1e-7
