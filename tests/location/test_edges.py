"""Corner cases: p = n, p = 1, p too small, unreachable customers, zero weights, ties,
duplicates."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from placeopt.base.errors import UsageError, VerificationError
from placeopt.engine import Status
from placeopt.location import KINDS, Matrix, Pairs, Points, Problem, Solution, locate, verify
from tests.location.tiny import by_enumeration, points, tiny


def test_with_as_many_sites_as_customers_the_distance_is_zero() -> None:
    solution = locate(Problem("p-median", points(20, 1), p=20))
    assert solution.objective == 0
    assert solution.proven
    assert len(solution.facilities) == 20


def test_with_one_site_the_median_is_the_best_column() -> None:
    where = points(40, 2)
    solution = locate(Problem("p-median", where, p=1))
    assert solution.objective == pytest.approx(where.dense().sum(axis=0).min())


def test_a_p_too_small_to_reach_all_customers_is_infeasible() -> None:
    apart = np.array([[0.0, np.nan], [np.nan, 0.0]])
    for kind in ("p-median", "p-centre"):
        assert locate(Problem(kind, apart, p=1)).status is Status.INFEASIBLE
        assert locate(Problem(kind, apart, p=2)).objective == 0


def test_more_sites_than_there_are_is_infeasible() -> None:
    assert locate(Problem("p-median", points(5, 1), p=6)).status is Status.INFEASIBLE


def test_an_impossible_ceiling_is_infeasible() -> None:
    for kind in ("p-median", "p-centre"):
        problem = Problem(kind, points(30, 3), p=2, ceiling=10.0)
        assert locate(problem).status is Status.INFEASIBLE


def test_a_ceiling_is_kept_and_costs_something() -> None:
    free = locate(Problem("p-median", points(40, 4), p=4))
    far = points(40, 4).dense()[np.arange(40), free.assigned].max()
    held = locate(Problem("p-median", points(40, 4), p=4, ceiling=far * 0.9))
    assert held.proven
    assert free.proven
    assert held.objective is None or held.objective >= free.objective


def test_customers_without_weight_do_not_count() -> None:
    where = points(30, 5)
    weights = np.ones(30)
    weights[10:] = 0
    solution = locate(Problem("p-median", where, p=10, weights=weights))
    assert solution.objective == 0
    assert solution.proven


def test_coincident_points_are_ties() -> None:
    place = np.repeat(points(10, 6).customers, 5, axis=0)
    for kind in ("p-median", "p-centre"):
        solution = locate(Problem(kind, Points(place, place), p=10))
        assert solution.objective == 0
        assert solution.proven


def test_fixed_sites_are_kept() -> None:
    solution = locate(Problem("p-median", points(40, 7), p=5, opened=(3, 17), closed=(0, 1)))
    assert {3, 17} <= set(solution.positions.tolist())
    assert not {0, 1} & set(solution.positions.tolist())


def test_lists_of_pairs_and_tables_give_the_same_answer() -> None:
    table = points(30, 8).dense()
    table[table > 400] = np.inf
    rows, columns = np.nonzero(np.isfinite(table))
    pairs = sparse.csr_array((table[rows, columns] + 1, (rows, columns)), shape=table.shape)
    a = locate(Problem("p-median", Matrix(table + 1), p=6))
    b = locate(Problem("p-median", Pairs(pairs), p=6))
    assert a.objective == pytest.approx(b.objective)


def test_near_lists_prove_the_full_problem() -> None:
    problem = Problem("p-median", points(400, 9), p=60)
    ours = locate(problem)
    full = locate(problem.replace(distances=Matrix(problem.distances.dense())))
    assert ours.proven
    assert full.proven
    assert ours.objective == pytest.approx(full.objective)
    assert ours.counts["entries"] < 400 * 400 / 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_stopped_search_never_claims_more_than_its_bound_proves(kind: str) -> None:
    for seed in range(500, 515):
        problem = tiny(kind, seed)
        best = by_enumeration(problem)
        solution = locate(problem, gap=0.1, time_limit_seconds=0.5)
        if best is None or solution.objective is None or np.isinf(best):
            continue
        low, high = sorted((solution.bound, solution.objective))
        assert low - 1e-6 * max(1, abs(low)) <= best <= high + 1e-6 * max(1, abs(high))


def test_the_verifier_sees_a_wrong_total_a_closed_site_and_an_overfull_one() -> None:
    problem = tiny("single-source", 4).replace(ceiling=None)
    for seed in range(4, 60):
        problem = tiny("single-source", seed)
        solution = locate(problem)
        if solution.objective is not None and problem.customers > 2:
            break
    fields = {**solution.__dict__}
    assert not verify(problem, Solution(**{**fields, "objective": solution.objective + 1})).ok
    wrong = solution.assigned.copy()
    shut = next((j for j in range(problem.sites) if j not in solution.positions), None)
    if shut is not None:
        wrong[0] = shut
        assert not verify(problem, Solution(**{**fields, "assigned": wrong})).ok
    assert not verify(problem, Solution(**{**fields, "bound": solution.objective + 5})).ok
    assert issubclass(VerificationError, Exception)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"p": 0}, "p is 0"),
        ({"weights": -1.0}, "weights"),
        ({"opened": (99,)}, "opened"),
        ({"opened": (1,), "closed": (1,)}, "both"),
        ({"kind": "p-medain"}, "no problem"),
    ],
)
def test_an_invalid_problem_is_refused_in_plain_words(change: dict, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        Problem(**{"kind": "p-median", "distances": points(5, 1), "p": 2, **change})


def test_backup_coverage_takes_the_plan_that_covers_most_twice() -> None:
    problem = Problem("covering", points(40, 10), radius=300.0)
    plain, backup = locate(problem), locate(problem.replace(backup=True))
    assert backup.objective == plain.objective
    counts = (points(40, 10).dense()[:, backup.positions] <= 300).sum(axis=1)
    others = (points(40, 10).dense()[:, plain.positions] <= 300).sum(axis=1)
    assert (counts >= 2).sum() >= (others >= 2).sum()


def test_gradual_coverage_lies_between_the_two_radii() -> None:
    problem = Problem("maximal-covering", points(60, 11), p=3, radius=100.0)
    near = locate(problem).objective
    gradual = locate(problem.replace(outer_radius=300.0)).objective
    far = locate(problem.replace(radius=300.0)).objective
    assert near <= gradual <= far
