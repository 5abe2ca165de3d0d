"""Corner cases of each of the nine problems, against enumeration."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from placeopt.engine import Status
from placeopt.location import KINDS, Problem, locate
from placeopt.location.statement import NEEDS_CAPACITY, NEEDS_P
from tests.location.test_enumeration import agrees
from tests.location.tiny import points, tiny


def plain(kind: str, seed: int) -> Problem:
    """A tiny problem without fixed sites or a ceiling, and with all customers in reach."""
    problem = tiny(kind, seed)
    table = np.where(np.isfinite(problem.distances.dense()), problem.distances.dense(), 7.0)
    changes: dict = {"distances": table, "opened": (), "closed": (), "ceiling": None}
    if kind in NEEDS_P:
        changes["p"] = min(problem.p or 1, problem.sites)
    return problem.replace(**changes)


def each(kind: str, count: int = 6):
    return [plain(kind, seed) for seed in range(700, 700 + count)]


@pytest.mark.parametrize("kind", sorted(NEEDS_P))
def test_p_of_one_and_p_of_all_sites(kind: str) -> None:
    for problem in each(kind):
        for p in (1, problem.sites):
            asked = problem.replace(p=p)
            agrees(asked, locate(asked))


@pytest.mark.parametrize("kind", sorted(NEEDS_P))
def test_more_sites_than_there_are(kind: str) -> None:
    for problem in each(kind):
        asked = problem.replace(p=problem.sites + 1)
        solution = locate(asked)
        agrees(asked, solution)
        if kind in ("p-median", "p-dispersion", "capacitated-p-median"):
            assert solution.status is Status.INFEASIBLE


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "p-dispersion"])
def test_a_customer_out_of_reach_of_all_sites(kind: str) -> None:
    for problem in each(kind):
        table = problem.distances.dense().copy()
        table[0] = np.inf
        asked = problem.replace(distances=table)
        agrees(asked, locate(asked))


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "p-dispersion"])
def test_customers_without_any_weight_or_demand(kind: str) -> None:
    for problem in each(kind):
        changes = {"weights": np.zeros(problem.customers)}
        if kind in NEEDS_CAPACITY:
            changes["demands"] = np.zeros(problem.customers)
        asked = problem.replace(**changes)
        agrees(asked, locate(asked))


@pytest.mark.parametrize("kind", KINDS)
def test_all_distances_alike_and_points_on_one_another(kind: str) -> None:
    for problem in each(kind):
        alike = problem.replace(distances=np.full((problem.customers, problem.sites), 3.0))
        agrees(alike, locate(alike))
        table = problem.distances.dense().copy()
        table[:, -1] = table[:, 0]
        if kind == "p-dispersion":
            table[-1, :] = table[0, :]
        else:
            table[-1] = table[0]
        twice = problem.replace(distances=table)
        agrees(twice, locate(twice))


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "p-dispersion"])
def test_sites_decided_before_and_a_ceiling_together(kind: str) -> None:
    for problem in each(kind, 10):
        top = float(np.median(problem.distances.dense())) + 1.0
        asked = problem.replace(opened=(0,), closed=(problem.sites - 1,), ceiling=top)
        agrees(asked, locate(asked))


@pytest.mark.parametrize("share", [1.0, 0.8, 0.5])
def test_backup_coverage_is_the_most_of_all_best_plans(share: float) -> None:
    """Of the plans with the fewest sites that cover the share, by trying every set."""
    for seed in range(40):
        where = points(9, 900 + seed).dense()
        radius = float(np.quantile(where, 0.35))
        weights = np.random.default_rng(seed).integers(1, 9, 9).astype(float)
        problem = Problem(
            "covering", where, radius=radius, weights=weights, backup=True, share=share
        )
        inside = where <= radius
        best: tuple[float, float] | None = None
        for size in range(1, 10):
            for sites in combinations(range(9), size):
                counts = inside[:, list(sites)].sum(axis=1)
                if weights[counts > 0].sum() >= share * weights.sum() - 1e-9:
                    twice = float(weights[counts >= 2].sum())
                    best = max(best or (-np.inf, 0.0), (-float(size), twice))
            if best is not None:
                break
        assert best is not None
        solution = locate(problem)
        counts = inside[:, solution.positions].sum(axis=1)
        assert (-solution.objective, weights[counts >= 2].sum()) == pytest.approx(best)


@pytest.mark.parametrize("kind", KINDS)
def test_a_proof_says_when_it_was_made(kind: str) -> None:
    for problem in each(kind):
        solution = locate(problem)
        if solution.proven:
            times = [solution.seconds[word] for word in ("first", "best", "proof", "total")]
            assert times == sorted(times), solution.seconds
            assert "proof after" in solution.summary()
