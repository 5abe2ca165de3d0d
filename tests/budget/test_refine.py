"""Refinement: bounds are valid, also after a time limit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from placeopt import budget
from placeopt.budget.curves.piecewise import MIN_PIECE_SHARE
from placeopt.budget.problem.build import build_problem
from placeopt.budget.published_cases import s_curve_place
from placeopt.budget.search import refinement
from placeopt.budget.search.approximation import Approximation
from placeopt.budget.search.timed_solver import TimedSolver
from placeopt.engine import Result, Status
from placeopt.scenario.rules.budget.partners import NobodyWorseOff
from tests.budget.places import place_over_years, scenario_of


@pytest.mark.parametrize("seed", range(3))
def test_a_bound_of_curves_below_is_not_a_bound(seed, monkeypatch):
    """The first model's curves lie below the true ones: its optimum bounds only itself."""
    rng = np.random.default_rng(seed)
    slope, kappa = rng.uniform(2, 5, 6), rng.uniform(10, 40, 6)
    place, scenario = s_curve_place(slope, kappa, rng.uniform(60, 150, 6), 60.0)
    problem = build_problem(place, scenario)
    best = refinement.solve_lexicographic(problem, scenario.solver).result.objective
    left = TimedSolver.remaining_seconds
    monkeypatch.setattr(
        TimedSolver,
        "remaining_seconds",
        lambda clock: 0.0 if clock.spent else left(clock),
    )
    early = refinement.solve_lexicographic(problem, scenario.solver).result
    assert early.bound <= best + 1e-9


def s_shaped():
    return s_curve_place(np.array([3.0, 4.0]), np.array([20.0, 30.0]), np.array([90.0, 80.0]), 60.0)


def test_a_bound_above_a_feasible_plan_is_not_reported(monkeypatch):
    """An engine that cuts off the best plans: its answers are not reported as proven."""
    place, scenario = s_shaped()
    problem = build_problem(place, scenario)
    solve = TimedSolver.solve
    rounds = []

    def lie(clock, model, gap=None, share=1.0):
        result = solve(clock, model, gap, share)
        rounds.append(result)
        false = share < 1 and result.objective is not None  # of the curves from above
        return replace(result, bound=0.9 * result.objective) if false else result

    monkeypatch.setattr(TimedSolver, "solve", lie)
    solved = refinement.solve_lexicographic(problem, scenario.solver)
    assert solved.steps[0].bound <= solved.steps[0].value
    assert solved.result.status is not Status.OPTIMAL


def test_pieces_are_wide_enough_for_solvers():
    """A plan slightly above 0 made pieces of 1e-10 GBP, with which HiGHS proved a bound above its
    own plan."""
    place, scenario = s_shaped()
    problem = build_problem(place, scenario)
    approximation = Approximation(problem)
    top = problem.limits.upper.max(axis=0)
    for hair in (1e-13, 1e-11, 1e-10, 1e-8):
        approximation.add(hair * top[None], top[None] * (1 - hair), 0.3 * top[None] * (1 + hair))
    for p, breaks in zip(problem.curves.programme, approximation.breakpoints, strict=True):
        assert np.diff(breaks).min() >= MIN_PIECE_SHARE * top[p] * 0.99


def test_a_limit_that_leaves_no_plan_is_an_answer_with_its_bound(monkeypatch):
    place, scenario = s_shaped()
    best = budget.solve(place, scenario).result.objective
    solve = TimedSolver.solve

    def without_plan(solver, model, gap=None, share=1.0):
        result = solve(solver, model, gap, share)
        return replace(result, status=Status.NO_PLAN, objective=None, values=None, row_duals=None)

    monkeypatch.setattr(TimedSolver, "solve", without_plan)
    answer = budget.solve(place, scenario)
    assert (answer.plan, answer.explanation) == (None, None)
    assert answer.result.status is Status.NO_PLAN
    assert np.isfinite(answer.result.bound)
    assert answer.result.bound <= best + 1e-9


def test_a_stand_alone_plan_not_found_is_an_answer_that_names_the_agency(monkeypatch):
    """Rule B9 needs each agency's best plan by itself."""
    monkeypatch.setattr(TimedSolver, "solve", lambda *_, **__: Result(Status.NO_PLAN))
    rules = [NobodyWorseOff(rule="nobody_worse_off")]
    answer = budget.solve(place_over_years(1), scenario_of(rules=rules, years=1))
    assert (answer.plan, answer.explanation) == (None, None)
    assert "alone (B9) was found" in answer.result.message
