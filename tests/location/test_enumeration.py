"""Every kind of problem against looking at every plan, with our methods and the compact models."""

from __future__ import annotations

import numpy as np
import pytest

from placeopt.engine import Status
from placeopt.location import KINDS, Problem, Solution, locate
from tests.location.tiny import by_enumeration, tiny

OURS, THEIRS = 200, 20


def agrees(problem: Problem, solution: Solution) -> None:
    best = by_enumeration(problem)
    if best is None:
        assert solution.status is Status.INFEASIBLE, f"{problem}: {solution}"
        return
    assert solution.status is Status.OPTIMAL, f"{problem}: {solution}"
    assert solution.objective == pytest.approx(best, abs=1e-6), f"{problem}: {solution}"
    assert solution.bound == pytest.approx(best, abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_our_methods_find_what_enumeration_finds(kind: str) -> None:
    for seed in range(OURS):
        problem = tiny(kind, seed)
        agrees(problem, locate(problem))


@pytest.mark.parametrize("kind", KINDS)
def test_the_compact_models_find_what_enumeration_finds(kind: str) -> None:
    for seed in range(THEIRS):
        problem = tiny(kind, seed)
        agrees(problem, locate(problem, engine="highs"))


@pytest.mark.parametrize("kind", KINDS)
def test_answers_do_not_depend_on_the_order_of_customers_and_sites(kind: str) -> None:
    for seed in range(300, 310):
        problem = tiny(kind, seed)
        rng = np.random.default_rng(seed)
        rows, columns = rng.permutation(problem.customers), rng.permutation(problem.sites)
        if kind == "p-dispersion":
            rows = columns
        back = np.argsort(columns)
        shuffled = problem.replace(
            distances=problem.distances.dense()[np.ix_(rows, columns)],
            weights=problem.weights[rows],
            demands=problem.demands[rows],
            fixed_costs=problem.fixed_costs[columns],
            capacities=None if problem.capacities is None else problem.capacities[columns],
            opened=tuple(back[list(problem.opened)]),
            closed=tuple(back[list(problem.closed)]),
            site_ids=(),
            customer_ids=(),
        )
        first, second = locate(problem), locate(shuffled)
        assert first.status == second.status
        if first.objective is not None:
            assert second.objective == pytest.approx(first.objective, abs=1e-6)
