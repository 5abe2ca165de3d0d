"""Every kind of problem against enumeration, with our methods and the compact models."""

from __future__ import annotations

import numpy as np
import pytest

from placeopt.base.errors import EngineMissing
from placeopt.engine import Status
from placeopt.location import KINDS, Problem, Solution, locate
from placeopt.location.uncapacitated import solve
from tests.location.conftest import Tuning
from tests.location.tiny import by_enumeration, tiny

OURS, THEIRS = 200, 20
WITH_SHARES = ("p-median", "p-centre", "capacitated-facility-location")  # CP-SAT takes none


def agrees(problem: Problem, solution: Solution) -> None:
    best = by_enumeration(problem)
    if best is None:
        assert solution.status is Status.INFEASIBLE, f"{problem}: {solution}"
        return
    assert solution.status is Status.OPTIMAL, f"{problem}: {solution}"
    assert solution.objective == pytest.approx(best, abs=1e-6), f"{problem}: {solution}"
    assert solution.bound == pytest.approx(best, abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_our_methods_find_what_enumeration_finds(kind: str, tuning: Tuning) -> None:
    tuning.engine_first(False)
    for seed in range(OURS):
        problem = tiny(kind, seed)
        agrees(problem, locate(problem))


@pytest.mark.parametrize("kind", KINDS)
def test_small_problems_find_what_enumeration_finds(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        solve, "is_ready", lambda name: False
    )  # as in a process that has just begun
    for seed in range(OURS, OURS + 40):
        problem = tiny(kind, seed)
        agrees(problem, locate(problem))


@pytest.mark.parametrize("kind", ["p-median", "facility-location", "maximal-covering"])
def test_the_method_for_large_problems_agrees_with_enumeration(kind: str, tuning: Tuning) -> None:
    tuning.lists(max_mip_entries=0, large_entries=0)
    for seed in range(40):
        problem = tiny(kind, seed)
        agrees(problem, locate(problem))


@pytest.mark.parametrize(
    ("kind", "engine"),
    [
        (kind, engine)
        for kind in KINDS
        for engine in ("highs", "scip", "cp-sat", "cbc")
        if engine != "cp-sat" or kind not in WITH_SHARES
    ],
)
def test_the_compact_models_find_what_enumeration_finds(kind: str, engine: str) -> None:
    for seed in range(THEIRS):
        problem = tiny(kind, seed)
        try:
            solution = locate(problem, engine=engine)
        except EngineMissing as error:
            pytest.skip(str(error))
        agrees(problem, solution)


@pytest.mark.parametrize("kind", KINDS)
def test_a_gap_that_is_allowed_never_lifts_the_bound_past_the_optimum(kind: str) -> None:
    for seed in range(40):
        problem = tiny(kind, seed)
        best, solution = by_enumeration(problem), locate(problem, gap=0.3)
        if best is None:
            assert solution.status is Status.INFEASIBLE, f"{problem}: {solution}"
            continue
        rounding = 1e-6 * max(1.0, abs(best)) if np.isfinite(best) else 0.0  # one site: infinite
        if problem.maximised:
            assert solution.bound >= best - rounding, f"{problem}: {solution}"
        else:
            assert solution.bound <= best + rounding, f"{problem}: {solution}"


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
