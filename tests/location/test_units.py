"""Each problem with numbers from 1e-12 to 1e12, against enumeration."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from placeopt.engine import Status
from placeopt.location import KINDS, Points, Problem, Solution, locate, verify
from placeopt.location.scaling import Units, choose_units, scale_problem
from placeopt.location.statement import KINDS_USING
from tests.location.conftest import Tuning
from tests.location.tiny import by_enumeration, points, tiny

SIZES = (1e-12, 1e-9, 1e-5, 1e-2, 1e3, 1e7, 1e12)


def resized(problem: Problem, length: float, weight: float = 1.0, demand: float = 1.0) -> Problem:
    """The same problem in other units of distance, weight and demand."""
    lengths = {
        name: value * length
        for name in ("radius", "outer_radius", "ceiling")
        if (value := getattr(problem, name)) is not None
    }
    changes: dict[str, Any] = {"distances": problem.distances.dense() * length, **lengths}
    if problem.kind in KINDS_USING["weights"]:
        changes["weights"] = problem.weights * weight
    if problem.kind in KINDS_USING["fixed_costs"]:
        changes["fixed_costs"] = problem.fixed_costs * length * weight
    if problem.capacities is not None:
        changes["demands"] = problem.demands * demand
        changes["capacities"] = problem.capacities * demand
    return problem.replace(**changes)


def factor(kind: str, length: float, weight: float) -> float:
    """The factor of the objective."""
    if kind in ("p-centre", "p-dispersion"):
        return length
    return weight if kind == "maximal-covering" else length * weight


def agrees(problem: Problem, best: float | None, unit: float) -> None:
    """Solve; the answer is ``best`` units to nine digits, and proven."""
    solution = locate(problem)
    if best is None:
        assert solution.status is Status.INFEASIBLE, f"{problem}: {solution}"
        return
    assert solution.status is Status.OPTIMAL, f"{problem}: {solution}"
    assert solution.objective == pytest.approx(best * unit, rel=1e-7, abs=0), f"{problem}"
    assert solution.bound == pytest.approx(best * unit, rel=1e-6, abs=1e-9 * unit)


def check(kind: str, seed: int, size: float) -> None:
    problem = tiny(kind, seed)
    if kind == "covering" and problem.share < 1:
        problem = problem.replace(share=0.7)
    best = by_enumeration(problem)
    for length, weight, demand in ((size, 1.0, 1.0), (1.0, size, 1.0), (1.0, 1.0, size)):
        asked = resized(problem, length, weight, demand)
        agrees(asked, best, factor(kind, length, weight))


@pytest.mark.parametrize("kind", KINDS)
def test_any_size_of_numbers_is_proven_as_well(kind: str, tuning: Tuning) -> None:
    """Distances, weights and demands times 1e-12 to 1e12, against enumeration."""
    tuning.engine_first(False)
    for seed, size in enumerate(SIZES):
        check(kind, 2000 + seed, size)


@pytest.mark.exhaustive
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_any_size_of_numbers_on_many_problems(kind: str, size: float, tuning: Tuning) -> None:
    """As above, on 30 problems for each kind and size, half of them by an engine."""
    for seed in range(30):
        tuning.engine_first(seed % 2 == 1)
        check(kind, 2100 + seed, size)


@pytest.mark.parametrize("size", [1e-12, 1e-9, 1e-5])
def test_covering_all_is_proven_where_weights_do_not_add_up_exactly(
    size: float, tuning: Tuning
) -> None:
    """All weight is covered, except for rounding of the sum."""
    tuning.engine_first(False)
    check("maximal-covering", 2110, size)


@pytest.mark.parametrize("engine", ["highs", "scip"])
@pytest.mark.parametrize("size", [1e-9, 1e9])
def test_the_compact_models_keep_to_units_too(size: float, engine: str) -> None:
    """Another engine gets the same units."""
    pytest.importorskip({"highs": "highspy", "scip": "pyscipopt"}[engine])
    problem = tiny("p-median", 2001)
    solution = locate(resized(problem, size), engine=engine)
    best = by_enumeration(problem)
    assert solution.objective == (None if best is None else pytest.approx(best * size))


def test_twelve_points_a_millionth_of_a_millimetre_apart() -> None:
    """Points x 1e-9, p = 4: the answer is that of the points themselves, times 1e-9."""
    where = points(12, 21)
    large = locate(Problem("p-median", where, p=4))
    small = locate(Problem("p-median", Points(where.customers * 1e-9, where.sites * 1e-9), p=4))
    assert small.proven
    assert small.facilities == large.facilities
    assert small.objective == pytest.approx(large.objective * 1e-9, rel=1e-9, abs=0)


def test_the_verifier_sees_a_wrong_total_of_any_size() -> None:
    """A total a third too large, or a bound above it, is also wrong in millionths."""
    problem = resized(Problem("p-median", points(12, 22), p=3), 1e-9)
    solution = locate(problem)
    fields = dict(solution.__dict__)
    assert verify(problem, solution).ok
    assert not verify(problem, Solution(**{**fields, "objective": solution.objective * 1.33})).ok
    assert not verify(problem, Solution(**{**fields, "bound": solution.objective * 1.01})).ok


def test_numbers_of_a_good_size_are_left_alone() -> None:
    """Whole numbers stay whole: distances of 1 to 50, or those times 1e12, divided by 1e12."""
    table = np.arange(1.0, 13.0).reshape(4, 3)
    problem = Problem("p-median", table, p=2)
    assert choose_units(problem) == Units()
    assert scale_problem(problem, choose_units(problem)) is problem
    large = Problem("p-median", table * 1e12, p=2)
    assert choose_units(large) == Units(distance=1e12, cost=1e12)
    assert (scale_problem(large, choose_units(large)).distances.dense() == table).all()
    small = Problem("p-median", table * 1e-9, p=2)
    own = scale_problem(small, choose_units(small)).distances.dense()
    assert 256 <= np.median(own) <= 1024
    assert (
        own * choose_units(small).distance == table * 1e-9
    ).all()  # a power of two: no digit lost
