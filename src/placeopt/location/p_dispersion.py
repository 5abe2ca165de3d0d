"""p-dispersion: p sites as far from one another as possible.

The best least distance is one of the distances. "Are there p sites all at least r apart?" asks
for p sites of which no two are nearer than r: a packing problem in the graph of near pairs,
strengthened by cliques. Bisection over the distances solves it; a farthest-first plan gives the
lower end.

Sources: Kuby (1987); Erkut (1990), "The discrete p-dispersion problem"; Sayah and Irnich (2017),
"A new compact formulation for the discrete p-dispersion problem", EJOR 256.
"""

from __future__ import annotations

import logging

import numpy as np

from placeopt.base.arrays import Bools, Floats, Ints
from placeopt.engine import Model, Status, solve
from placeopt.engine.settings import Settings
from placeopt.location.bisection import DEFAULT_BISECTION, BisectionParams
from placeopt.location.objective_values import objective_of
from placeopt.location.search_state import SearchState
from placeopt.location.solution import Solution
from placeopt.location.statement import Problem

LOG = logging.getLogger("placeopt.location")


def solve_dispersion(
    problem: Problem, settings: Settings, params: BisectionParams = DEFAULT_BISECTION
) -> Solution:
    """Solve a p-dispersion problem; see the module's text.

    Args:
        problem: The problem.
        settings: The settings of the solve.
        params: The parameters of the method.

    Returns:
        The solution with its bound.
    """
    state = SearchState(settings)
    free, p = problem.free, int(problem.p or 0)
    table = problem.distances.dense()[np.ix_(free, free)]
    table = np.minimum(table, table.T)
    must = np.flatnonzero(np.isin(free, problem.opened_positions))
    if p > len(free) or p < len(must):
        return Solution(problem, Status.INFEASIBLE, bound=-np.inf, message="p does not fit")
    radii = np.unique(table[np.triu_indices(len(free), 1)])
    best = _farthest_first(table, p, must, params.starts, settings.seed)
    least = _min_distance(table, best)
    state.offer(-least, _open_mask(problem, free[best]))
    low = int(np.searchsorted(radii, least)) if len(radii) else 0  # radii[low] is reached
    high = len(radii)  # radii[high] is not
    LOG.info("bisection over %d distances", high - low)
    while high - low > 1 and not state.is_out_of_time and p > 1:
        middle = (low + high) // 2
        has_sites, sites = _find_spread_sites(table < radii[middle], p, must, state, params)
        if has_sites is None:
            break
        if has_sites:
            low = max(middle, int(np.searchsorted(radii, _min_distance(table, sites))))
            state.offer(-_min_distance(table, sites), _open_mask(problem, free[sites]))
        else:
            high = middle
            state.raise_bound(-float(radii[high - 1]))
    return _solution(problem, state, p == 1 or high - low <= 1, radii, high)


def _min_distance(table: Floats, sites: Ints) -> float:
    """The least distance between two of ``sites``; inf if there is one only."""
    between = table[np.ix_(sites, sites)].copy()
    np.fill_diagonal(between, np.inf)
    return float(between.min()) if len(sites) > 1 else np.inf


def _open_mask(problem: Problem, sites: Ints) -> Bools:
    """Which sites are open, (sites,)."""
    plan = np.zeros(problem.sites, bool)
    plan[sites] = True
    return plan


def _farthest_first(table: Floats, p: int, must: Ints, starts: int, seed: int) -> Ints:
    """The best of several plans that add the site farthest from those chosen."""
    rng = np.random.default_rng(seed)
    best, best_least = None, -1.0
    for _ in range(starts):
        sites = must.tolist() or [int(rng.integers(len(table)))]
        distance = table[:, sites].min(axis=1)
        distance[sites] = -1.0
        while len(sites) < p:
            site = int(distance.argmax())
            sites.append(site)
            distance = np.minimum(distance, table[:, site])
            distance[sites] = -1.0
        least = _min_distance(table, np.array(sites))
        if best is None or least > best_least:
            best, best_least = np.array(sites), least
    assert best is not None
    return best


def _find_spread_sites(
    is_near: Bools, p: int, must: Ints, state: SearchState, params: BisectionParams
) -> tuple[bool | None, Ints]:
    """Whether p sites exist of which no two are near, and the sites; None if not known."""
    no_sites = np.zeros(0, np.int64)
    is_near = is_near.copy()
    np.fill_diagonal(is_near, False)
    if is_near[np.ix_(must, must)].any():
        return False, no_sites
    is_blocked = np.isin(np.arange(len(is_near)), np.nonzero(is_near[must])[1])
    model = Model("apart")
    upper = np.where(is_blocked, 0.0, 1.0)
    lower = np.zeros(len(is_near))
    lower[must] = 1.0
    y = model.add_columns("open", size=len(is_near), lower=lower, upper=upper, integer=True)
    cliques = _cliques(is_near & ~is_blocked[:, None] & ~is_blocked[None, :])
    rows = np.repeat(np.arange(len(cliques)), [len(clique) for clique in cliques])
    if len(cliques):
        members = np.concatenate(cliques)
        model.add_rows("apart", rule="D2", size=len(cliques),
                       terms=[(rows, y.at(members), 1.0)], upper=1.0)  # fmt: skip
    zeros = np.zeros(len(is_near), np.int64)
    model.add_rows("count", rule="D3", size=1, terms=[(zeros, y.all, 1.0)], lower=p)
    result = solve(model, state.engine_settings(params.least_seconds, gap=params.any_plan_gap))
    state.nodes += 1
    if result.has_plan:
        return True, _keep_p_sites(np.flatnonzero(result.value(y) > 0.5), p, must)
    return (False if result.status is Status.INFEASIBLE else None), no_sites


def _keep_p_sites(sites: Ints, p: int, must: Ints) -> Ints:
    """p of the sites, including those that must be open."""
    others = np.setdiff1d(sites, must)
    return np.sort(np.concatenate([must, others[: p - len(must)]]))


def _cliques(is_near: Bools) -> list[Ints]:
    """Cliques of near sites that together contain every near pair."""
    uncovered = np.triu(is_near, 1)
    cliques = []
    degree = is_near.sum(axis=0)
    for i in np.argsort(-degree):
        while True:
            partners = np.flatnonzero(uncovered[i] | uncovered[:, i])
            if len(partners) == 0:
                break
            clique = [int(i), int(partners[0])]
            candidates = is_near[i] & is_near[partners[0]]
            for j in partners[1:]:
                if candidates[j]:
                    clique.append(int(j))
                    candidates &= is_near[j]
            for j in np.flatnonzero(candidates):
                if candidates[j]:
                    clique.append(int(j))
                    candidates &= is_near[j]
            members = np.array(clique)
            uncovered[np.ix_(members, members)] = False
            cliques.append(members)
    return cliques


def _solution(
    problem: Problem, state: SearchState, proven: bool, radii: Floats, high: int
) -> Solution:
    seconds = {"total": state.elapsed_seconds, **state.plan_seconds}
    if proven:
        seconds["proof"] = state.elapsed_seconds
    positions = np.flatnonzero(state.plan) if state.plan is not None else np.zeros(0, np.int64)
    objective, assignment = objective_of(problem, positions)
    bound = objective if proven else float(radii[high - 1])
    trace = tuple((t, -cost, -bound) for t, cost, bound in state.trace)
    return Solution(
        problem,
        Status.OPTIMAL if proven else Status.FEASIBLE,
        objective=objective,
        bound=float(bound if bound is not None else np.inf),
        positions=positions,
        assigned=assignment,
        seconds=seconds,
        trace=trace,
        method="bisection over distances, packing subproblems",
        counts={"packings": state.nodes},
    )
