"""p-centre on vertices: bisection over the distances, each step a covering question.

The best radius is one of the distances. "Can p sites cover every customer within r?" is a covering
problem. A greedy plan may answer yes; the linear relaxation (rounded up) or the engine may answer
no. A plan found lowers the upper end to its own radius.

Sources: Minieka (1970); Elloumi, Labbe and Pochet (2004), "A new formulation and resolution
method for the p-center problem", INFORMS Journal on Computing 16; Calik and Tansel (2013).
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy import sparse

from placeopt.base.arrays import Bools, Floats, Ints
from placeopt.engine import Status, solve
from placeopt.engine.settings import Settings
from placeopt.location.bisection import DEFAULT_BISECTION, BisectionParams
from placeopt.location.covering import Cover, cover_model, reduce_cover
from placeopt.location.objective_values import objective_of
from placeopt.location.search_state import SearchState
from placeopt.location.solution import Solution
from placeopt.location.statement import Problem

LOG = logging.getLogger("placeopt.location")


class CentreQuestion(NamedTuple):
    """ "Can p sites cover every customer?", as asked for one radius after another.

    Attributes:
        table: Distances between customers with weight and sites that may open, inf where the site
            may not serve, (customers, sites).
        p: Number of sites.
        must: Columns of the sites that must open.
    """

    table: Floats
    p: int
    must: Ints


def solve_centre(
    problem: Problem, settings: Settings, params: BisectionParams = DEFAULT_BISECTION
) -> Solution:
    """Solve a p-centre problem; see the module's text.

    Args:
        problem: The problem.
        settings: The settings of the solve.
        params: The parameters of the method.

    Returns:
        The solution with its bound.
    """
    state = SearchState(settings)
    p = int(problem.p or 0)
    table = problem.distances.dense()[problem.weights > 0][:, problem.free]
    must = np.flatnonzero(np.isin(problem.free, problem.opened_positions))
    if p < len(must):
        return Solution(problem, Status.INFEASIBLE, bound=np.inf, message="p is below the opened")
    ceiling = np.inf if problem.ceiling is None else problem.ceiling
    table = np.where(table <= ceiling, table, np.inf)
    if table.shape[0] == 0:
        table = np.zeros((1, table.shape[1]))
    question = CentreQuestion(table, p, must)
    radii = np.unique(table[np.isfinite(table)])
    # radii[low - 1] is too small, radii[high] is reached
    low, high = _first_possible_radius(table, radii), len(radii)
    _offer(state, table, _farthest_first(question, params.starts, settings.seed), problem)
    if np.isfinite(state.cost):
        high = int(np.searchsorted(radii, state.cost))
    if low < len(radii):
        state.raise_bound(float(radii[low]))
    LOG.info("bisection over %d radii", high - low)
    while low < high and not state.is_out_of_time:
        middle = (low + high) // 2
        is_coverable, sites = _cover_within_radius(question, table <= radii[middle], state, params)
        if is_coverable is None:
            break
        if is_coverable:
            _offer(state, table, sites, problem)
            high = min(middle, int(np.searchsorted(radii, state.cost)))
        else:
            low = middle + 1
            if low < len(radii):
                state.raise_bound(float(radii[low]))
    return _solution(problem, state, proven=low >= high, infeasible=low >= len(radii))


def _first_possible_radius(table: Floats, radii: Floats) -> int:
    """Index of the least radius within which every customer has a site."""
    nearest = table.min(axis=1)
    if not np.isfinite(nearest).all():
        return len(radii)
    return int(np.searchsorted(radii, nearest.max()))


def _farthest_first(question: CentreQuestion, starts: int, seed: int) -> Ints:
    """The best of several plans that serve the worst-off customer again and again."""
    table, p, must = question
    rng = np.random.default_rng(seed)
    best, best_cost = np.zeros(0, np.int64), np.inf
    for _ in range(starts):
        sites = must.tolist() or [int(rng.integers(table.shape[1]))]
        distance = table[:, sites].min(axis=1)
        while len(sites) < min(p, table.shape[1]):
            worst = int(distance.argmax())
            radius = max(distance.max() / 2, table[worst].min())
            is_near = table[worst] <= radius
            covered = (table[:, is_near] <= radius).sum(axis=0)
            site = int(np.flatnonzero(is_near)[covered.argmax()])
            if site in sites:
                break
            sites.append(site)
            distance = np.minimum(distance, table[:, site])
        if distance.max() < best_cost:
            best, best_cost = np.array(sites), float(distance.max())
    return best


def _offer(state: SearchState, table: Floats, sites: Ints, problem: Problem) -> None:
    if len(sites) == 0:
        return
    cost = float(table[:, sites].min(axis=1).max())
    if np.isfinite(cost):
        plan = np.zeros(problem.sites, bool)
        plan[problem.free[sites]] = True
        state.offer(cost, plan)


def _cover_within_radius(
    question: CentreQuestion, is_within: Bools, state: SearchState, params: BisectionParams
) -> tuple[bool | None, Ints]:
    """Whether p sites cover every customer, and the sites; None if that is not known."""
    _, p, must = question
    no_sites = np.zeros(0, np.int64)
    covered = is_within[:, must].any(axis=1)
    uncovered = is_within[~covered]
    if uncovered.shape[0] == 0:
        return True, must
    remaining = p - len(must)
    if remaining <= 0 or not uncovered.any(axis=1).all():
        return False, no_sites
    sites = uncovered.shape[1]
    cover = reduce_cover(
        sparse.csr_array(uncovered.astype(float)), np.ones(sites), np.arange(sites)
    )
    greedy = _greedy_cover(cover)
    if len(greedy) <= remaining:
        return True, np.concatenate([must, cover.sites[greedy]])
    is_coverable, chosen = _cover_by_engine(cover, remaining, state, params)
    return is_coverable, np.concatenate([must, chosen]) if is_coverable else no_sites


def _cover_by_engine(
    cover: Cover, max_sites: int, state: SearchState, params: BisectionParams
) -> tuple[bool | None, Ints]:
    """The same by the relaxation, rounded up, and then by the engine."""
    no_sites = np.zeros(0, np.int64)
    model = cover_model(cover)
    y = model.columns["open"]
    relaxation = solve(model.arrays().relaxed(), state.engine_settings(params.least_seconds))
    state.nodes += 1
    if relaxation.status is Status.OPTIMAL and relaxation.bound > max_sites + 1e-6:
        return False, no_sites
    zeros = np.zeros(y.size, np.int64)
    model.add_rows("count", rule="C5", size=1, terms=[(zeros, y.all, 1.0)], upper=max_sites)
    feasibility = model.arrays()
    feasibility.cost[:] = 0.0  # any feasible plan will do
    result = solve(
        feasibility, state.engine_settings(params.least_seconds, gap=params.any_plan_gap)
    )
    if result.has_plan:
        return True, cover.sites[result.value(y) > 0.5]
    return (False if result.status is Status.INFEASIBLE else None), no_sites


def _greedy_cover(cover: Cover) -> Ints:
    """Sites of the cover, each the one that covers most customers not covered yet."""
    is_covered_by = cover.rows.toarray() > 0
    chosen = []
    while is_covered_by.shape[0]:
        site = int(is_covered_by.sum(axis=0).argmax())
        chosen.append(site)
        is_covered_by = is_covered_by[~is_covered_by[:, site]]
    return np.array(chosen, np.int64)


def _solution(problem: Problem, state: SearchState, *, proven: bool, infeasible: bool) -> Solution:
    seconds = {"total": state.elapsed_seconds, **state.plan_seconds}
    without_plan = Solution(
        problem, Status.NO_PLAN, bound=state.bound, seconds=seconds, method="bisection"
    )
    if state.plan is None:
        if infeasible:
            return replace(without_plan, status=Status.INFEASIBLE, bound=np.inf)
        return without_plan
    if proven:
        seconds["proof"] = state.elapsed_seconds
    positions = np.flatnonzero(state.plan)
    objective, assignment = objective_of(problem, positions)
    return replace(
        without_plan,
        status=Status.OPTIMAL if proven else Status.FEASIBLE,
        objective=objective,
        bound=state.cost if proven else state.bound,
        positions=positions,
        assigned=assignment,
        trace=tuple(state.trace),
        method="bisection over radii, covering subproblems",
        counts={"covers": state.nodes},
    )
