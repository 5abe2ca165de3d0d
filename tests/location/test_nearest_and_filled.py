"""Customers restricted to their k nearest sites, and sites used to capacity, against
enumeration."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from placeopt.engine import Status
from placeopt.location import Points, Problem, Solution, locate, verify
from placeopt.location.statement import KINDS_USING, NEEDS_CAPACITY
from tests.location.conftest import Tuning
from tests.location.test_enumeration import agrees
from tests.location.tiny import by_enumeration, points, tiny

SAMPLE, MANY = range(12), pytest.param(range(12, 200), marks=pytest.mark.exhaustive)


def masked(problem: Problem) -> np.ndarray:
    """Distances without connections to sites beyond the k nearest, one by one."""
    table = problem.distances.dense().copy()
    for i, row in enumerate(problem.distances.dense()):
        for j, far in enumerate(row):
            if sum(other < far for other in row) >= problem.k_nearest[i]:
                table[i, j] = np.inf
    return table


@pytest.mark.parametrize("seeds", [SAMPLE, MANY])
@pytest.mark.parametrize("kind", sorted(KINDS_USING["k_nearest"]))
def test_k_nearest_is_the_best_of_all_plans(kind: str, seeds: range, tuning: Tuning) -> None:
    """Against enumeration of the masked table; one k for all, or one for each customer."""
    found = set()
    for seed in seeds:
        tuning.engine_first(seed % 2 == 1)
        problem = tiny(kind, 4000 + seed)
        rng = np.random.default_rng(seed)
        k: Any = int(rng.integers(1, problem.sites + 1))
        if seed % 3:
            k = rng.integers(1, problem.sites + 2, problem.customers)
        asked = problem.replace(k_nearest=k)
        hidden = asked.replace(distances=masked(asked), k_nearest=None)
        solution, best = locate(asked), by_enumeration(hidden)
        agrees(hidden, solution)
        found.add(best is None)
        assert solution.problem is asked
    assert False in found


@pytest.mark.parametrize("engine", ["highs", "scip"])
def test_engines_keep_to_the_nearest_too(engine: str) -> None:
    pytest.importorskip({"highs": "highspy", "scip": "pyscipopt"}[engine])
    for seed in range(8):
        asked = tiny("p-median", 4300 + seed).replace(k_nearest=2)
        agrees(asked.replace(distances=masked(asked), k_nearest=None), locate(asked, engine=engine))


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "floor", "round"])
def test_nearest_points_are_those_of_the_table(metric: Any) -> None:
    """120 points in 20 x 20 units, so that many are equally far, for p large and small."""
    where = np.random.default_rng(7).integers(0, 20, (120, 2)).astype(float)
    here = Points(where, where, metric)
    for p, k in ((60, 3), (40, 30)):
        near = locate(Problem("p-median", here, p=p, k_nearest=k))
        plain = Problem("p-median", here.dense(), p=p, k_nearest=k)
        table = locate(plain.replace(distances=masked(plain), k_nearest=None))
        assert near.proven
        assert near.objective == pytest.approx(table.objective)
        far = here.dense()[np.arange(120), near.assigned]
        assert ((here.dense() < far[:, None] - 1e-9).sum(axis=1) < k).all()


def test_with_all_sites_known_it_is_the_p_median() -> None:
    problem = Problem("p-median", points(40, 5), p=5)
    plain, near = locate(problem), locate(problem.replace(k_nearest=40))
    assert near.objective == pytest.approx(plain.objective)
    assert locate(problem.replace(k_nearest=1)).status is Status.INFEASIBLE


@pytest.mark.parametrize("seeds", [SAMPLE, MANY])
@pytest.mark.parametrize("kind", sorted(NEEDS_CAPACITY))
def test_filled_sites_are_the_best_of_all_plans(kind: str, seeds: range) -> None:
    """Capacities of open sites that some customers fill exactly, or (seldom) none do."""
    found = set()
    for seed in seeds:
        problem = tiny(kind, 4600 + seed)
        rng = np.random.default_rng(seed)
        opened = rng.permutation(problem.sites)[: 1 + seed % 2]
        room = problem.capacities.copy()
        for j in opened:  # of a split customer any part will do
            some = rng.random(problem.customers) < 0.3
            room[j] = problem.demands[some].sum() + (0.5 if rng.random() < 0.2 else 0.0)
        asked = problem.replace(
            capacities=room, opened=opened.tolist(), closed=(), fill_opened=True
        )
        solution, best = locate(asked), by_enumeration(asked)
        found.add(best is None)
        agrees(asked, solution)
        if best is not None:
            assert solution.objective >= by_enumeration(asked.replace(fill_opened=False)) - 1e-9
    assert found == {True, False}


def altered(solution: Solution, **changes: Any) -> Solution:
    return Solution(**{**solution.__dict__, **changes})


def test_the_verifier_sees_a_site_not_filled_and_a_way_too_far() -> None:
    """s is 1 away, t 2: both customers go to s, which uses 2 of its 3, or to t, the second
    nearest."""
    table = np.array([[1.0, 2.0], [1.0, 2.0]])
    problem = Problem("single-source", table, capacities=[3, 3])
    solution = locate(problem)
    assert verify(problem, solution).ok
    strict = problem.replace(opened=[0], fill_opened=True)
    fault = next(check for check in verify(strict, altered(solution)).checks if not check.holds)
    assert fault.detail == "site 0 holds 2 and is to be full at 3"
    beyond = altered(solution, assigned=np.array([1, 1]), positions=np.array([1]), objective=4.0)
    assert verify(problem, beyond).ok
    fault = verify(problem.replace(k_nearest=1), beyond).broken[0]
    assert fault.detail == "customer 0 goes past its nearest sites"


@pytest.mark.parametrize("size", [1.0, 1e-6, 1e-9, 1e-12, 1e12])
@pytest.mark.parametrize("demands", [[3.0, 4.0], [0.0, 4.0], [0.0, 0.0]])
def test_a_site_to_be_full_is_so_however_small_its_capacity(
    size: float, demands: list[float]
) -> None:
    solution = locate(
        Problem(
            "capacitated-p-median",
            [[1.0, 2.0], [2.0, 1.0]],
            p=2,
            demands=np.array(demands) * size,
            capacities=np.array([8.0, 9.0]) * size,
            opened=[0],
            fill_opened=True,
        )
    )
    assert solution.status is Status.INFEASIBLE


def test_a_capacity_far_below_all_demand_is_filled() -> None:
    problem = Problem(
        "capacitated-p-median",
        [[5.0, 2.0], [2.0, 1.0], [3.0, 1.0]],
        p=2,
        demands=[1000.0, 4e-8, 3e-8],
        capacities=[4e-8, 2000.0],
        opened=[0],
        fill_opened=True,
    )
    solution = locate(problem)
    assert solution.assignment == (1, 0, 1)
    assert locate(problem.replace(capacities=[5e-8, 2000.0])).status is Status.INFEASIBLE
