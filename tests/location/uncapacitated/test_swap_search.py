"""Swap local search against plain numpy: costs, evaluations of moves, and local optima."""

from __future__ import annotations

import numpy as np
import pytest

from placeopt.location.uncapacitated.candidate_lists import CandidateLists
from placeopt.location.uncapacitated.swap_search import (
    SwapProblem,
    SwapRule,
    descend,
    evaluate_plan,
    greedy_fill,
    iterated_local_search,
    plan_cost,
    swap_change,
)
from placeopt.location.uncapacitated.transpose import transpose
from tests.location.uncapacitated.lists import all_plans, dense_costs, plain_cost, random_lists

SEEDS = range(30)


def swap_problem(lists: CandidateLists) -> SwapProblem:
    return SwapProblem(lists.arrays, transpose(lists.arrays), lists.must_open, lists.may_open)


def first_plan(lists: CandidateLists, seed: int) -> np.ndarray:
    """A random plan of the right size that leaves a site closed and opens one."""
    plans = [plan for plan in all_plans(lists) if plan.any() and not plan.all()]
    return plans[np.random.default_rng(seed).integers(len(plans))]


@pytest.mark.parametrize("with_p", [True, False])
def test_the_cost_of_a_plan(with_p: bool) -> None:
    for seed in SEEDS:
        lists = random_lists(seed, with_p=with_p)
        for plan in all_plans(lists):
            assert plan_cost(lists.arrays, plan) == pytest.approx(plain_cost(lists, plan))


def test_the_loss_of_closing_a_site_and_the_two_cheapest() -> None:
    for seed in SEEDS:
        lists = random_lists(seed, with_p=False)
        plan = first_plan(lists, seed)
        found = evaluate_plan(lists.arrays, plan.copy())
        open_costs = np.where(plan[None, :], dense_costs(lists), np.inf)
        two = np.sort(np.column_stack([open_costs, lists.arrays.outside, lists.arrays.outside]))
        assert found.nearest_cost == pytest.approx(np.minimum(two[:, 0], lists.arrays.outside))
        assert found.second_cost == pytest.approx(np.minimum(two[:, 1], lists.arrays.outside))
        for j in np.flatnonzero(plan):
            without = plan & (np.arange(len(plan)) != j)
            rise = plain_cost(lists, without) - plain_cost(lists, plan)
            assert found.loss[j] - lists.arrays.opening_cost[j] == pytest.approx(rise)


def test_a_swap_changes_the_cost_by_what_it_says() -> None:
    for seed in SEEDS:
        lists = random_lists(seed, with_p=True)
        plan = first_plan(lists, seed)
        state, problem = evaluate_plan(lists.arrays, plan.copy()), swap_problem(lists)
        for opening in np.flatnonzero(~plan):
            for closing in np.flatnonzero(plan):
                swapped = plan.copy()
                swapped[opening], swapped[closing] = True, False
                change = plain_cost(lists, swapped) - plain_cost(lists, plan)
                assert swap_change(opening, closing, problem, state) == pytest.approx(change)


@pytest.mark.parametrize("with_p", [True, False])
def test_a_descent_ends_where_no_move_saves(with_p: bool) -> None:
    """The saving is that of the costs; no swap (nor opening or closing, if free) saves more."""
    for seed in SEEDS:
        lists = random_lists(seed, with_p=with_p)
        plan = first_plan(lists, seed)
        before, is_open = plain_cost(lists, plan), plan.copy()
        saved = descend(swap_problem(lists), evaluate_plan(lists.arrays, is_open), 1000)
        after = plain_cost(lists, is_open)
        assert before - after == pytest.approx(saved)
        for other in all_plans(lists):
            opened, closed = (other & ~is_open).sum(), (is_open & ~other).sum()
            if opened <= 1 and closed <= 1 and other.any():
                assert plain_cost(lists, other) >= after - 1e-6


@pytest.mark.parametrize("with_p", [True, False])
def test_iterated_local_search_finds_the_best_small_plan(with_p: bool) -> None:
    for seed in SEEDS:
        lists = random_lists(seed, with_p=with_p)
        is_open = first_plan(lists, seed).copy()
        rule = SwapRule(rounds=200, seed=1, max_exchanges=4, slack=0.0)
        cost = iterated_local_search(swap_problem(lists), is_open, rule)
        best = min(plain_cost(lists, plan) for plan in all_plans(lists) if plan.any())
        assert cost == pytest.approx(plain_cost(lists, is_open))
        assert cost == pytest.approx(best)


def test_greedy_opens_as_many_sites_as_asked() -> None:
    for seed in SEEDS:
        lists = random_lists(seed, with_p=True)
        is_open = np.zeros(lists.sites, bool)
        greedy_fill(swap_problem(lists), is_open, lists.arrays.p, seed)
        assert is_open.sum() == lists.arrays.p
