"""p-median, uncapacitated facility location and maximal covering, with proof.

All three are one problem in candidate lists (``lists``): local search, Lagrangian bound, fixing,
tree (``tree``). Where only near sites are listed the bound holds for the full problem all the
same; if the best plan of the lists costs more in full than in the lists, the lists grow.

Sources: in ``swap``, ``dual``, ``branch`` and ``radius``; covering as a p-median: Church and
ReVelle (1976), "Theoretical and computational links between the p-median, location set-covering
and the maximal covering location problem".
"""

from __future__ import annotations

from typing import Any

import numpy as np

from placeopt.engine.result import Status
from placeopt.location.distances import Points
from placeopt.location.objective_values import objective_of
from placeopt.location.search_state import Report, SearchState
from placeopt.location.solution import Solution
from placeopt.location.statement import MAXIMAL_COVERING, P_MEDIAN, Problem
from placeopt.location.uncapacitated.branch_and_bound import prove
from placeopt.location.uncapacitated.candidate_lists import DENSE_CELLS, Lists, lists_of

LISTED = 8.0  # sites listed, for each that shares one opened site, where p is large


def solve_uncapacitated(
    problem: Problem,
    *,
    time_limit_seconds: float,
    gap: float,
    seed: int,
    report: Report | None = None,
) -> Solution:
    """Solve ``problem``; see the module's text. ``gap``: stop when proven within it."""
    state = SearchState(time_limit_seconds=time_limit_seconds, gap=gap, report=report)
    if not _fits(problem):
        return Solution(
            problem, Status.INFEASIBLE, message="p does not fit the sites", bound=np.inf
        )
    near = _near(problem)
    while True:
        lists = lists_of(problem, near)
        state.proven = False
        if state.plan is not None:
            state.cost = np.inf
        prove(lists, state, seed=seed)
        objective, _ = objective_of(problem, _positions(state))
        full = _minimised(problem, objective, lists)
        short = full > state.cost + _rounding(problem, lists, state)
        if not short or near is None or near >= problem.sites or state.is_out_of_time:
            break
        if problem.customers * problem.sites > DENSE_CELLS and not lists.complete:
            break
        near = min(problem.sites, 2 * near)
    return _solution(problem, lists, state, objective, full)


def _fits(problem: Problem) -> bool:
    """Whether p sites can hold the opened ones, and exist where exactly p are asked for."""
    if problem.p is None:
        return True
    exist = problem.kind == MAXIMAL_COVERING or problem.p <= len(problem.free)
    return exist and len(problem.opened_positions) <= problem.p


def _near(problem: Problem) -> int | None:
    if problem.kind != P_MEDIAN or problem.ceiling is not None or problem.closed_positions:
        return None
    n, m = problem.distances.shape
    if isinstance(problem.distances, Points) and n * m > DENSE_CELLS:
        return None
    near = int(max(50, LISTED * m / max(1, problem.p or 1)))
    return near if near < 0.7 * m else None


def _positions(state: SearchState) -> np.ndarray:
    return np.flatnonzero(state.plan) if state.plan is not None else np.zeros(0, np.int64)


def _minimised(problem: Problem, objective: float | None, lists: Lists) -> float:
    """The objective as the lists count it: uncovered weight where coverage is maximised."""
    if objective is None:
        return np.inf
    if problem.kind == MAXIMAL_COVERING:
        return float(lists.outside.sum()) - objective
    return objective


def _rounding(problem: Problem, lists: Lists, state: SearchState) -> float:
    """By how much the plan's cost in full may differ from its cost in the lists by rounding.

    Uncovered weight is what is left of all weight, and may be none.
    """
    total = float(lists.outside.sum()) if problem.kind == MAXIMAL_COVERING else 0.0
    return 1e-9 * abs(state.cost) + 1e-12 * total


def _solution(
    problem: Problem, lists: Lists, state: SearchState, objective: float | None, full: float
) -> Solution:
    whole = lists.whole
    bound = min(state.bound, full)
    proven = state.proven and full <= state.cost + _rounding(problem, lists, state)
    if whole and not proven and np.isfinite(bound):
        bound = min(float(np.ceil(bound - 1e-6)), full)
        proven = bound >= full - 1e-6
    seconds = {"total": state.elapsed_seconds}
    if state.first_plan_seconds is not None:
        seconds |= {
            "first": state.first_plan_seconds,
            "best": state.best_plan_seconds or state.first_plan_seconds,
        }
    counts = {"nodes": state.nodes, "rounds": state.rounds, "entries": len(lists.site)}
    common: dict[str, Any] = {
        "seconds": seconds,
        "counts": counts,
        "method": "swap search, Lagrangian, tree",
    }
    if full >= lists.fine or objective is None:
        impossible = state.proven or state.bound >= lists.fine - 1
        status = Status.INFEASIBLE if impossible else Status.NO_PLAN
        return Solution(problem, status, bound=np.inf if impossible else state.bound, **common)
    if problem.kind == MAXIMAL_COVERING:
        bound = float(lists.outside.sum()) - bound
    if state.gap and not proven:
        proven = abs(objective - bound) <= state.gap * max(1e-9, abs(objective))
    elif state.proven and state.gap:
        slack = state.gap * abs(state.cost)
        bound = bound - slack if problem.kind != MAXIMAL_COVERING else bound + slack
    if proven:
        seconds["proof"] = state.elapsed_seconds
    positions = _positions(state)
    _, assignment = objective_of(problem, positions)
    return Solution(
        problem,
        Status.OPTIMAL if proven else Status.FEASIBLE,
        objective=objective,
        bound=bound,
        positions=positions,
        assigned=assignment,
        trace=_trace(problem, lists, state),
        **common,
    )


def _trace(
    problem: Problem, lists: Lists, state: SearchState
) -> tuple[tuple[float, float, float], ...]:
    if problem.kind != MAXIMAL_COVERING:
        return tuple(state.trace)
    total = float(lists.outside.sum())
    return tuple((t, total - cost, total - bound) for t, cost, bound in state.trace)
