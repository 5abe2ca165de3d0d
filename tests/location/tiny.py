"""Tiny random location problems of every kind, and their answers by enumeration."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from placeopt.location import KINDS, Matrix, Points, Problem
from placeopt.location.objective_values import objective_of
from placeopt.location.statement import NEEDS_CAPACITY, NEEDS_P


def tiny(kind: str, seed: int) -> Problem:
    """A problem of ``kind`` with up to 9 customers and 6 sites, ties, zeros and gaps in it."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    m = int(rng.integers(2, 7))
    n = m if kind == "p-dispersion" else int(rng.integers(2, 10))
    if kind in NEEDS_CAPACITY:
        n = min(n, 6)
    top = int(rng.choice([3, 10, 50]))
    table = rng.integers(0, top, size=(n, m)).astype(float)
    if kind == "p-dispersion":
        table = np.minimum(table, table.T)
        np.fill_diagonal(table, 0)
    elif rng.random() < 0.3:
        table[rng.random(table.shape) < 0.2] = np.inf
    if rng.random() < 0.3 and kind != "p-dispersion":
        table = table + rng.random(table.shape)
    options: dict = {}
    if kind in NEEDS_P:
        options["p"] = (
            int(rng.integers(1, m + 2)) if rng.random() < 0.2 else int(rng.integers(1, m + 1))
        )
    if kind in ("covering", "maximal-covering"):
        options["radius"] = float(rng.integers(0, top))
    if kind == "covering":
        options["fixed_costs"] = rng.integers(1, 5, m).astype(float)
        options["share"] = float(rng.choice([1.0, 1.0, 0.7]))
    if kind == "maximal-covering" and rng.random() < 0.4:
        options["outer_radius"] = options["radius"] + float(rng.integers(1, top))
    if kind in ("facility-location", "capacitated-facility-location", "single-source"):
        options["fixed_costs"] = rng.integers(0, 3 * top, m).astype(float)
    if kind in NEEDS_CAPACITY:
        options["demands"] = rng.integers(0 if rng.random() < 0.2 else 1, 6, n).astype(float)
        options["capacities"] = rng.integers(3, 14, m).astype(float)
    if rng.random() < 0.5:
        weights = rng.integers(0, 4, n).astype(float)
        if kind != "p-dispersion":
            options["weights"] = weights
    decided = rng.permutation(m)
    if rng.random() < 0.25:
        options["opened"] = (int(decided[0]),)
    if rng.random() < 0.25:
        options["closed"] = (int(decided[-1]),)
    if rng.random() < 0.2 and kind not in ("p-dispersion",):
        options["ceiling"] = float(rng.integers(1, top + 1))
    return Problem(kind, Matrix(table), name=f"tiny {kind} {seed}", **options)


def by_enumeration(problem: Problem) -> float | None:
    """The best objective over all sets of sites; None = no plan."""
    best = None
    exact = problem.kind in ("p-median", "p-dispersion", "capacitated-p-median")
    for size in range(problem.sites + 1):
        if problem.p is not None and (size != problem.p if exact else size > problem.p):
            continue
        for sites in combinations(range(problem.sites), size):
            if set(problem.opened) - set(sites) or set(problem.closed) & set(sites):
                continue
            value = _value(problem, np.array(sites, np.int64))
            if value is None:
                continue
            better = best is None or (value > best if problem.maximised else value < best)
            best = value if better else best
    return best


def _value(problem: Problem, sites: np.ndarray) -> float | None:
    if problem.kind == "capacitated-facility-location":
        return _transport(problem, sites)
    if problem.kind in NEEDS_CAPACITY:
        return _send_whole(problem, sites)
    return objective_of(problem, sites)[0]


def _allowed(problem: Problem) -> np.ndarray:
    table = problem.distances.dense()
    ceiling = np.inf if problem.ceiling is None else problem.ceiling
    return np.where(table <= ceiling, table, np.inf)


def _send_whole(problem: Problem, sites: np.ndarray) -> float | None:
    """Try every assignment, one customer after another."""
    cost, room = (
        _allowed(problem),
        dict(zip(sites.tolist(), problem.capacities[sites], strict=True)),
    )
    best = [np.inf]

    def send(i: int, so_far: float) -> None:
        if so_far >= best[0]:
            return
        if i == problem.customers:
            full = all(room[j] <= 1e-12 for j in problem.opened) or not problem.fill_opened
            best[0] = so_far if full else best[0]
            return
        for j in sites.tolist():
            if np.isfinite(cost[i, j]) and room[j] >= problem.demands[i] - 1e-12:
                room[j] -= problem.demands[i]
                send(i + 1, so_far + problem.weights[i] * cost[i, j])
                room[j] += problem.demands[i]

    opening = 0.0 if problem.kind == "capacitated-p-median" else problem.fixed_costs[sites].sum()
    send(0, float(opening))
    return best[0] if np.isfinite(best[0]) else None


def _transport(problem: Problem, sites: np.ndarray) -> float | None:
    """The best shares for these sites, by scipy's linear programming."""
    from scipy.optimize import linprog

    if len(sites) == 0:
        return None
    cost = _allowed(problem)[:, sites]
    n, k = cost.shape
    price = (np.where(np.isfinite(cost), cost, 0) * problem.weights[:, None]).ravel()
    served = np.kron(np.eye(n), np.ones(k))
    held = np.kron(problem.demands[None, :], np.eye(k))
    bounds = [(0, 1 if ok else 0) for ok in np.isfinite(cost).ravel()]
    full = np.isin(sites, problem.opened) if problem.fill_opened else np.zeros(k, bool)
    equal = np.vstack([served, held[full]])
    sides = np.concatenate([np.ones(n), problem.capacities[sites][full]])
    answer = linprog(price, held, problem.capacities[sites], equal, sides, bounds)
    if answer.status != 0:
        return None
    return float(answer.fun + problem.fixed_costs[sites].sum())


def points(n: int, seed: int) -> Points:
    rng = np.random.default_rng(seed)
    place = rng.random((n, 2)) * 1000
    return Points(place, place)
