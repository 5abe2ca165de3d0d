"""How a search over capacities ends: when it is closed, and what it may claim."""

from __future__ import annotations

from typing import Any

import numpy as np

from placeopt.engine import Status
from placeopt.location.capacitated.arrays import Work
from placeopt.location.search_state import Run
from placeopt.location.solution import Solution
from placeopt.location.statement import Problem


def closed(work: Work, run: Run) -> bool:
    """Whether no plan below the cut-off is left; ``run`` is marked as proven if so."""
    if np.isfinite(run.cost) and run.bound > run.cutoff(work.whole) - 1e-9:
        run.proven = True
    return run.proven


def nothing_fits(problem: Problem, run: Run, reason: str) -> Solution:
    """The answer to a problem that has no plan, for a reason seen before any search."""
    seconds = {"total": run.seconds}
    return Solution(problem, Status.INFEASIBLE, bound=np.inf, message=reason, seconds=seconds)


def solution_of(
    problem: Problem, work: Work, run: Run, *, infeasible: bool, **said: Any
) -> Solution:
    """The answer of a search; ``said``: method, counts, and the plan's assignment or flows.

    A search that is proven has shut out every plan below its cut-off and no more: within a gap
    the bound stays that gap below the plan, unless costs are whole numbers.
    """
    seconds = {"total": run.seconds}
    if run.plan is None:
        status = Status.INFEASIBLE if infeasible else Status.NO_PLAN
        bound = np.inf if infeasible else run.bound
        told = {key: said[key] for key in ("method", "counts")}
        return Solution(problem, status, bound=bound, seconds=seconds, **told)
    seconds |= {"first": run.first or 0.0, "best": run.best_at or 0.0}
    bound = run.bound
    if run.proven:
        bound = run.cost if work.whole else max(bound, run.cost - run.gap * abs(run.cost))
    elif work.whole:
        bound = float(np.ceil(bound - 1e-6))
    proven = run.proven or bound >= run.cost - max(1e-9, run.gap) * abs(run.cost)
    if proven:
        seconds["proof"] = run.seconds
    return Solution(
        problem,
        Status.OPTIMAL if proven else Status.FEASIBLE,
        objective=run.cost,
        bound=min(bound, run.cost),
        positions=np.flatnonzero(run.plan),
        seconds=seconds,
        trace=tuple(run.trace),
        **said,
    )
