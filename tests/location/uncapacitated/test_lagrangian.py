"""The Lagrangian bound against its equation in plain numpy and against every plan."""

from __future__ import annotations

import numpy as np
import pytest

from placeopt.location.step_rule import StepRule
from placeopt.location.uncapacitated.candidate_lists import CandidateLists
from placeopt.location.uncapacitated.lagrangian import ascend, reduced_costs, select_sites
from tests.location.uncapacitated.lists import all_plans, dense_costs, plain_cost, random_lists


def plain_reduced_costs(lists: CandidateLists, u: np.ndarray) -> np.ndarray:
    """rho[j] = f[j] + sum_i min(0, c[i,j] - u[i])."""
    saving = np.minimum(0.0, dense_costs(lists) - u[:, None])
    return np.asarray(lists.arrays.opening_cost + saving.sum(axis=0))


def random_multipliers(lists: CandidateLists, seed: int) -> np.ndarray:
    u = np.random.default_rng(seed).random(lists.customers) * 40
    return np.minimum(u, lists.arrays.outside)


def test_reduced_costs_are_those_of_the_equation() -> None:
    for seed in range(30):
        lists = random_lists(seed, with_p=bool(seed % 2))
        u, rho = random_multipliers(lists, seed), np.empty(lists.sites)
        reduced_costs(lists.arrays, u, rho)
        assert rho == pytest.approx(plain_reduced_costs(lists, u))


@pytest.mark.parametrize("p", [-1, 0, 1, 3, 6])
def test_the_relaxation_opens_the_least_reduced_costs(p: int) -> None:
    for seed in range(20):
        rho = np.random.default_rng(seed).integers(-5, 5, 6).astype(float)
        is_selected = np.zeros(6, bool)
        total, last, first = select_sites(rho, p, is_selected)
        if p < 0:
            assert total == rho[rho < 0].sum()
            assert (is_selected == (rho < 0)).all()
            continue
        ordered = np.sort(rho)
        assert total == pytest.approx(ordered[:p].sum())
        assert is_selected.sum() == p
        assert last == (ordered[p - 1] if p else -np.inf)
        assert first == (ordered[p] if p < 6 else np.inf)


@pytest.mark.parametrize("with_p", [True, False])
def test_an_ascent_gives_a_bound_of_every_plan(with_p: bool) -> None:
    """The bound is that of its multipliers, and no plan costs less."""
    rule = StepRule(rounds=200, step=0.5, patience=20)
    for seed in range(30):
        lists = random_lists(seed, with_p=with_p)
        best = min(plain_cost(lists, plan) for plan in all_plans(lists))
        found = ascend(lists.arrays, random_multipliers(lists, seed), best, 3.0, rule)
        rho = plain_reduced_costs(lists, found.multipliers)
        p = lists.arrays.p
        chosen = np.sort(rho)[:p] if with_p else rho[rho < 0]
        assert found.bound == pytest.approx(found.multipliers.sum() + chosen.sum() + 3.0)
        assert found.reduced_costs == pytest.approx(rho)
        assert found.bound <= best + 3.0 + 1e-6
        assert found.rounds <= rule.rounds
