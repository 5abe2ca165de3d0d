"""Refinement: what is called a bound is one, also where time ends early."""

from __future__ import annotations

import numpy as np
import pytest

from placeopt.budget import refine
from placeopt.budget.cases import s_curve_place
from placeopt.budget.problem import state


@pytest.mark.parametrize("seed", range(3))
def test_where_time_ends_after_one_model_its_bound_is_not_taken_for_the_curves(seed, monkeypatch):
    """The first model's curves lie below the true ones: its optimum bounds only itself."""
    rng = np.random.default_rng(seed)
    slope, kappa = rng.uniform(2, 5, 6), rng.uniform(10, 40, 6)
    place, scenario = s_curve_place(slope, kappa, rng.uniform(60, 150, 6), 60.0)
    problem = state(place, scenario)
    best = refine.solve_all(problem, scenario.solver).result.objective
    left = refine._Clock.left
    monkeypatch.setattr(refine._Clock, "left", lambda clock: 0.0 if clock.spent else left(clock))
    early = refine.solve_all(problem, scenario.solver).result
    assert early.bound <= best + 1e-9
