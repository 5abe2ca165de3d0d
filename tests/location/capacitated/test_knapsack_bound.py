"""Knapsacks and the bound that they give, against enumeration."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

from placeopt.location.capacitated.knapsack_bound import (
    ascend,
    choose_sites,
    fill_all,
    fill_integer,
    fill_shares,
    forced_pairs,
    forced_sites,
    with_and_without,
)
from placeopt.location.capacitated.lagrangian import ascend_bound, initial_multipliers
from placeopt.location.step_rule import StepRule
from tests.location.capacitated.plain import random_arrays, subsets

KINDS = ("single-source", "capacitated-p-median")
RULE = StepRule(rounds=100, step=0.5, patience=10)


def items(seed: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Profits (some below 0), whole weights and a capacity."""
    rng = np.random.default_rng(seed)
    return rng.integers(-5, 20, 7).astype(float), rng.integers(0, 6, 7), int(rng.integers(0, 16))


def best_fill(profit: np.ndarray, weight: np.ndarray, capacity: int, **fixed: int) -> float:
    """The most profit of a set that fits, with or without one item; -inf if none fits."""
    values = [
        profit[s].sum()
        for s in subsets(len(profit))
        if weight[s].sum() <= capacity
        and ("taken" not in fixed or fixed["taken"] in s)
        and ("left" not in fixed or fixed["left"] not in s)
    ]
    return float(max(values, default=-np.inf))


def test_a_whole_fill_is_the_best_of_all_sets() -> None:
    for seed in range(40):
        profit, weight, capacity = items(seed)
        taken = np.zeros(7)
        value = fill_integer(profit, weight, capacity, taken)
        assert value == pytest.approx(best_fill(profit, weight, capacity))
        assert profit @ taken == pytest.approx(value)
        assert weight @ taken <= capacity


def test_a_fill_by_shares_is_the_linear_program() -> None:
    for seed in range(40):
        profit, weight, capacity = items(seed)
        shares = np.zeros(7)
        value, ratio = fill_shares(profit, weight.astype(float), float(capacity), shares)
        best = linprog(-profit, weight[None, :], [capacity], bounds=(0, 1))
        assert value == pytest.approx(-best.fun)
        assert profit @ shares == pytest.approx(value)
        assert ratio >= 0


def test_the_best_fill_with_and_without_each_item() -> None:
    for seed in range(40):
        profit, weight, capacity = items(seed)
        with_item, without_item = with_and_without(profit, weight, capacity)
        for i in range(7):
            if weight[i] <= capacity:
                best = best_fill(profit, weight, capacity, taken=i)
                assert with_item[i] == pytest.approx(best)
            else:
                assert with_item[i] < -1e200
            best = best_fill(profit, weight, capacity, left=i)
            assert without_item[i] == pytest.approx(best)


def cheapest_sites(seed: int, kind: str, **fixed: int) -> float:
    """The least cost of a set of sites that holds all demand (or of p sites); inf if none does."""
    arrays, rho = random_arrays(seed, kind), site_costs(seed)
    rho = rho[: len(arrays.capacity)]
    values = [
        rho[s].sum()
        for s in subsets(len(rho))
        if (len(s) == arrays.p if arrays.has_fixed_size else True)
        and (arrays.has_fixed_size or arrays.capacity[s].sum() >= arrays.demand.sum())
        and ("opened" not in fixed or fixed["opened"] in s)
        and ("closed" not in fixed or fixed["closed"] not in s)
    ]
    return float(min(values, default=np.inf))


def site_costs(seed: int) -> np.ndarray:
    return np.random.default_rng(seed + 500).integers(-30, 30, 5).astype(float)


@pytest.mark.parametrize("kind", KINDS)
def test_the_cheapest_set_of_sites_and_what_forcing_one_costs(kind: str) -> None:
    for seed in range(20):
        arrays = random_arrays(seed, kind)
        rho, chosen = site_costs(seed)[: len(arrays.capacity)], np.zeros(len(arrays.capacity))
        best = cheapest_sites(seed, kind)
        assert choose_sites(rho, arrays, chosen) == pytest.approx(best)
        assert rho @ chosen == pytest.approx(best)
        opened, closed = forced_sites(rho, arrays)
        for j in range(len(rho)):
            assert best + opened[j] == pytest.approx(cheapest_sites(seed, kind, opened=j))
            least = cheapest_sites(seed, kind, closed=j)
            assert best + closed[j] == pytest.approx(least) or (closed[j] > 1e200) == (
                least > 1e200
            )


@pytest.mark.parametrize("kind", KINDS)
def test_an_ascent_gives_the_bound_of_its_multipliers(kind: str) -> None:
    for seed in range(10):
        arrays = random_arrays(seed, kind)
        found = ascend(arrays, initial_multipliers(arrays), 1e4, RULE)
        u = found.multipliers
        rho, fill = fill_all(arrays, u)
        assert found.site_costs == pytest.approx(rho)
        for j in range(len(rho)):
            profit = u - arrays.cost[:, j]
            best = best_fill(profit, arrays.integer_demand, int(arrays.integer_capacity[j]))
            assert rho[j] == pytest.approx(arrays.opening_cost[j] - best)
            assert profit @ fill[j] == pytest.approx(best)
        chosen = np.zeros(len(rho))
        assert found.bound == pytest.approx(u.sum() + choose_sites(rho, arrays, chosen))


def test_a_pair_costs_at_least_its_forced_bound() -> None:
    """Of all shares with a whole customer at a site none costs less than bound and rise."""
    for seed in range(6):
        arrays = random_arrays(seed, "capacitated-facility-location")
        found = ascend_bound(arrays, initial_multipliers(arrays), 1e4, RULE)
        rise = forced_pairs(arrays, found.multipliers, found.rise_if_opened)
        n, m = arrays.cost.shape
        served = np.kron(np.eye(n), np.ones(m))
        for i, j in [(0, 0), (1, 2), (n - 1, m - 1)]:
            best = np.inf
            for sites in subsets(m):
                if j not in sites:
                    continue
                is_open = np.isin(np.arange(m), sites)
                held = np.kron(arrays.demand[None, :], np.eye(m))
                bounds = np.column_stack([np.zeros(n * m), np.tile(is_open, n).astype(float)])
                bounds[i * m + j, 0] = 1.0
                done = linprog(
                    arrays.cost.ravel(), held, arrays.capacity * is_open, served, np.ones(n), bounds
                )
                if done.status == 0:
                    best = min(best, done.fun + arrays.opening_cost[is_open].sum())
            assert found.value + rise[i, j] <= best + 1e-6
