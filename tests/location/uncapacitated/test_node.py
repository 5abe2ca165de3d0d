"""A node of the tree against every plan: what is fixed, what is left, and its bound."""

from __future__ import annotations

import numpy as np
import pytest

from placeopt.location.step_rule import StepRule
from placeopt.location.uncapacitated.candidate_lists import CandidateLists
from placeopt.location.uncapacitated.node import CLOSED, FREE, OPEN, bound_node, reduce_problem
from placeopt.location.uncapacitated.swap_search import plan_cost
from tests.location.uncapacitated.lists import all_plans, plain_cost, random_lists

RULE = StepRule(rounds=100, step=0.5, patience=10)
CASES = [(seed, with_p) for seed in range(30) for with_p in (True, False)]


def some_fixed(lists: CandidateLists, seed: int) -> np.ndarray:
    """Each site opened or closed with one chance in five."""
    share = np.random.default_rng(seed).random(lists.sites)
    fixed = np.where(share < 0.2, OPEN, np.where(share > 0.8, CLOSED, FREE)).astype(np.int8)
    if lists.arrays.p >= 0:
        fixed[np.flatnonzero(fixed == OPEN)[lists.arrays.p :]] = FREE
    return fixed


def plans_of(lists: CandidateLists, fixed: np.ndarray) -> list[np.ndarray]:
    return [
        plan
        for plan in all_plans(lists)
        if plan[fixed == OPEN].all() and not plan[fixed == CLOSED].any()
    ]


@pytest.mark.parametrize(("seed", "with_p"), CASES)
def test_a_reduced_problem_costs_as_the_whole(seed: int, with_p: bool) -> None:
    """Every plan of the node costs the same in what is left, with the constant."""
    lists = random_lists(seed, with_p=with_p)
    fixed = some_fixed(lists, seed)
    reduced = reduce_problem(lists.arrays, fixed)
    assert (reduced.free == np.flatnonzero(fixed == FREE)).all()
    if with_p:
        assert reduced.lists.p == lists.arrays.p - (fixed == OPEN).sum()
    for plan in plans_of(lists, fixed):
        cost = plan_cost(reduced.lists, plan[reduced.free]) + reduced.constant
        assert cost == pytest.approx(plain_cost(lists, plan))


@pytest.mark.parametrize(("seed", "with_p"), CASES)
def test_a_node_keeps_every_plan_below_the_cutoff(seed: int, with_p: bool) -> None:
    """The bound holds, and what the node fixes or prunes costs the cutoff or more."""
    lists = random_lists(seed, with_p=with_p)
    fixed = some_fixed(lists, seed)
    costs = {tuple(plan): plain_cost(lists, plan) for plan in plans_of(lists, fixed)}
    best = min((plain_cost(lists, plan) for plan in all_plans(lists)), default=np.inf)
    cutoff = best + 5.0
    now = fixed.copy()
    found = bound_node(lists.arrays, now, lists.arrays.outside.copy(), cutoff, RULE)
    left = {tuple(plan) for plan in plans_of(lists, now)}
    for plan, cost in costs.items():
        if cost < cutoff - 1e-6:
            is_met = found.plan_cost <= cost + 1e-6
            assert is_met or (plan in left and found.bound <= cost + 1e-6)
    if np.isfinite(found.plan_cost):
        assert found.plan_cost == pytest.approx(plain_cost(lists, found.plan == OPEN))
