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
from placeopt.location.search_state import Report, Run
from placeopt.location.solution import Solution
from placeopt.location.statement import MAXIMAL_COVERING, P_MEDIAN, Problem
from placeopt.location.uncapacitated.branch_and_bound import prove
from placeopt.location.uncapacitated.candidate_lists import DENSE_CELLS, Lists, lists_of

LISTED = 8.0  # sites listed, for each that shares one opened site, where p is large


def solve_median(
    problem: Problem,
    *,
    time_limit_seconds: float,
    gap: float,
    seed: int,
    report: Report | None = None,
) -> Solution:
    """Solve ``problem``; see the module's text. ``gap``: stop when proven within it."""
    run = Run(limit=time_limit_seconds, gap=gap, report=report)
    if not _fits(problem):
        return Solution(
            problem, Status.INFEASIBLE, message="p does not fit the sites", bound=np.inf
        )
    near = _near(problem)
    while True:
        lists = lists_of(problem, near)
        run.proven = False
        if run.plan is not None:
            run.cost = np.inf
        prove(lists, run, seed=seed)
        objective, _ = objective_of(problem, _positions(run))
        full = _minimised(problem, objective, lists)
        short = full > run.cost + _rounding(problem, lists, run)
        if not short or near is None or near >= problem.sites or run.out_of_time:
            break
        if problem.customers * problem.sites > DENSE_CELLS and not lists.complete:
            break
        near = min(problem.sites, 2 * near)
    return _solution(problem, lists, run, objective, full)


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


def _positions(run: Run) -> np.ndarray:
    return np.flatnonzero(run.plan) if run.plan is not None else np.zeros(0, np.int64)


def _minimised(problem: Problem, objective: float | None, lists: Lists) -> float:
    """The objective as the lists count it: uncovered weight where coverage is maximised."""
    if objective is None:
        return np.inf
    if problem.kind == MAXIMAL_COVERING:
        return float(lists.outside.sum()) - objective
    return objective


def _rounding(problem: Problem, lists: Lists, run: Run) -> float:
    """By how much the plan's cost in full may differ from its cost in the lists by rounding.

    Uncovered weight is what is left of all weight, and may be none.
    """
    total = float(lists.outside.sum()) if problem.kind == MAXIMAL_COVERING else 0.0
    return 1e-9 * abs(run.cost) + 1e-12 * total


def _solution(
    problem: Problem, lists: Lists, run: Run, objective: float | None, full: float
) -> Solution:
    whole = lists.whole
    bound = min(run.bound, full)
    proven = run.proven and full <= run.cost + _rounding(problem, lists, run)
    if whole and not proven and np.isfinite(bound):
        bound = min(float(np.ceil(bound - 1e-6)), full)
        proven = bound >= full - 1e-6
    seconds = {"total": run.seconds}
    if run.first is not None:
        seconds |= {"first": run.first, "best": run.best_at or run.first}
    counts = {"nodes": run.nodes, "rounds": run.rounds, "entries": len(lists.site)}
    common: dict[str, Any] = {
        "seconds": seconds,
        "counts": counts,
        "method": "swap search, Lagrangian, tree",
    }
    if full >= lists.fine or objective is None:
        impossible = run.proven or run.bound >= lists.fine - 1
        status = Status.INFEASIBLE if impossible else Status.NO_PLAN
        return Solution(problem, status, bound=np.inf if impossible else run.bound, **common)
    if problem.kind == MAXIMAL_COVERING:
        bound = float(lists.outside.sum()) - bound
    if run.gap and not proven:
        proven = abs(objective - bound) <= run.gap * max(1e-9, abs(objective))
    elif run.proven and run.gap:
        slack = run.gap * abs(run.cost)
        bound = bound - slack if problem.kind != MAXIMAL_COVERING else bound + slack
    if proven:
        seconds["proof"] = run.seconds
    positions = _positions(run)
    _, assignment = objective_of(problem, positions)
    return Solution(
        problem,
        Status.OPTIMAL if proven else Status.FEASIBLE,
        objective=objective,
        bound=bound,
        positions=positions,
        assigned=assignment,
        trace=_trace(problem, lists, run),
        **common,
    )


def _trace(problem: Problem, lists: Lists, run: Run) -> tuple[tuple[float, float, float], ...]:
    if problem.kind != MAXIMAL_COVERING:
        return tuple(run.trace)
    total = float(lists.outside.sum())
    return tuple((t, total - cost, total - bound) for t, cost, bound in run.trace)
