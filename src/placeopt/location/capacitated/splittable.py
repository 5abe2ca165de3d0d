"""Facilities with capacities whose customers may be split, with proof.

1. The Lagrangian bound with knapsacks filled in shares (``knapsack``), and a plan from the sites
   it takes: a transport problem.
2. Every site whose forced bound passes the plan is decided, every pair is capped at the share that
   a plan within the gap could send along it; what is left is small.
3. Kernel search: the integer-programming engine solves the most promising pairs (``compact``), then
   more of them, and at last all that are left, which proves the plan.

Where serving costs nothing, the engine is given all pairs at once.

Sources: Beasley (1988, 1993), "Lagrangean heuristics for location problems", EJOR 65; Guastaroba
and Speranza (2012), "Kernel search for the capacitated facility location problem", Journal of
Heuristics 18. Customers who go whole to one site: ``whole``.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from placeopt.engine import Result, Status
from placeopt.location.capacitated.arrays import (
    BIG,
    Bools,
    Floats,
    Level,
    Work,
    first_prices,
    no_plan,
    raise_level,
    work_of,
)
from placeopt.location.capacitated.result_assembly import closed, nothing_fits, solution_of
from placeopt.location.compile_ahead import for_loads
from placeopt.location.formulations.capacitated import compact
from placeopt.location.search_state import Report, Run
from placeopt.location.solution import Solution
from placeopt.location.statement import Problem

TURNS = 20  # of raising the bound
KERNELS = (0.15, 0.4, 1.0)  # shares of the gap that a pair's forced bound may take up
LARGEST_KERNEL = 12_000  # pairs in any but the last kernel


def solve_capacitated(
    problem: Problem,
    *,
    time_limit_seconds: float,
    gap: float,
    seed: int,
    report: Report | None = None,
) -> Solution:
    """Solve a problem with capacities; see the module's text."""
    run = Run(limit=time_limit_seconds, gap=gap, report=report)
    work = work_of(problem)
    reason = no_plan(work)
    if reason:
        return nothing_fits(problem, run, reason)
    infeasible = False
    if not work.cost[work.cost < BIG].any():  # a covering: no cost that prices could tell of
        infeasible = _whole(work, run)
    else:
        with run.uncounted():
            for_loads()
        level = _dual(work, run)
        if not closed(work, run):
            infeasible = _kernels(work, run, level)
    return solution_of(
        problem,
        work,
        run,
        infeasible=infeasible,
        method="Lagrangian with knapsacks, kernel search",
        counts={"kernels": run.nodes},
        flows=work.flows,
    )


def _dual(work: Work, run: Run) -> Level:
    """Raise the bound, now and then making a plan of the sites it takes."""
    step = 0.6
    level = now = raise_level(work, first_prices(work), _guess(work), 60, step, 12)
    for turn in range(TURNS):
        run.raise_bound(level.value)
        _plan(work, run, _enough(work, now))
        if closed(work, run) or run.past(0.3):
            break
        target = run.cost if np.isfinite(run.cost) else _guess(work)
        now = raise_level(work, level.u, target, 60 if turn < 2 else 150, step, 12)
        gained = now.value - level.value
        level = now if gained > 0 else level
        step = max(0.5 * step, 0.05) if turn > 1 else step
        if turn > 1 and gained < 1e-3 * (run.cost - level.value):
            break
    run.raise_bound(level.value)
    return level


def _guess(work: Work) -> float:
    service = np.where(work.cost < BIG, work.cost, 0.0)[:, work.may]
    return float(service.mean(axis=1).sum() + np.abs(work.opening[work.may]).sum() / 2 + 1)


def _enough(work: Work, level: Level) -> Bools:
    """The sites most taken, as many as hold all demand."""
    order = np.lexsort((level.opened, -level.often))
    is_open = work.must.copy()
    for j in order[work.may[order]]:
        if level.often[j] < 0.5 and work.room[is_open].sum() >= work.size.sum():
            break
        is_open[j] = True
    return is_open


def _plan(work: Work, run: Run, is_open: Bools) -> None:
    """The cheapest shares for these sites: a transport problem."""
    sites = np.flatnonzero(is_open)
    rows, columns = np.nonzero(work.cost[:, sites] < BIG)
    result, flows = compact(work, rows, sites[columns], fixed=is_open, seconds=30.0)
    if result.has_plan and run.offer(float(result.objective or 0.0), is_open):
        work.flows = flows


def _kernels(work: Work, run: Run, level: Level) -> bool:
    """Kernel search; returns whether there is proven to be no plan at all."""
    from placeopt.location.capacitated import knapsack_bound

    pairs = knapsack_bound.forced_pairs(
        work.cost, work.size, work.room, work.may, level.u, level.opened
    )
    for position, share in enumerate(KERNELS):
        last = position == len(KERNELS) - 1
        cutoff = run.cutoff(work.whole)
        has_plan = np.isfinite(cutoff)
        gap = (cutoff - level.value) * share if has_plan else np.inf
        gap += 1e-7 * abs(level.value)
        kept = np.isfinite(pairs) & (pairs <= gap)
        caps = np.ones_like(pairs)
        if last and has_plan:
            kept = np.isfinite(pairs) & (level.opened <= gap)[None, :]
            caps = _caps(pairs, level.opened, gap)
            kept &= caps > 0
        rows, columns = np.nonzero(kept)
        if not last and has_plan and len(rows) > LARGEST_KERNEL:
            near = np.argsort(pairs[rows, columns], kind="stable")[:LARGEST_KERNEL]
            rows, columns = rows[np.sort(near)], columns[np.sort(near)]
        left = run.limit - run.seconds
        if left <= 0.5:
            return False
        fixed = level.shut > gap if last and has_plan else np.zeros(len(work.may), bool)
        result, flows = compact(
            work, rows, columns, must=work.must | fixed, caps=caps[rows, columns],
            seconds=left if last else 0.3 * left,
        )  # fmt: skip
        run.nodes += 1
        if result.has_plan:
            _take(work, run, result, flows)
        if last or not has_plan:
            return _judge(work, run, result, cutoff, level.value)
        if closed(work, run):
            break
    return False


def _whole(work: Work, run: Run) -> bool:
    """All pairs at once; returns whether there is proven to be no plan at all."""
    rows, columns = np.nonzero(work.cost < BIG)
    result, flows = compact(work, rows, columns, seconds=max(run.limit - run.seconds, 0.5))
    run.nodes += 1
    if result.has_plan:
        _take(work, run, result, flows)
    return _judge(work, run, result, np.inf, -np.inf)


def _caps(pairs: Floats, opened: Floats, gap: float) -> Floats:
    """The largest share of each customer that a plan within ``gap`` can send to each site."""
    reach = np.isfinite(pairs) & np.isfinite(opened)[None, :]
    rise = np.where(reach, pairs, 0.0) - np.where(np.isfinite(opened), opened, 0.0)[None, :]
    spare = np.maximum(0.0, gap - np.where(np.isfinite(opened), opened, np.inf))[None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        caps = np.where(rise > 0, spare / rise, 1.0)
    return np.where(reach, np.clip(caps, 0.0, 1.0), 0.0)


def _take(work: Work, run: Run, result: Result, flows: sparse.csr_array) -> None:
    is_open = work.must | (np.asarray(flows.sum(axis=0)).ravel() > 1e-9)
    if run.offer(float(result.objective or 0.0), is_open):
        work.flows = flows


def _judge(work: Work, run: Run, result: Result, cutoff: float, dual_bound: float) -> bool:
    """What the last kernel proves: all plans below the cut-off lie within it."""
    if result.status in (Status.OPTIMAL, Status.INFEASIBLE):
        run.proven = np.isfinite(run.cost)
        if result.status is Status.OPTIMAL:  # the best of them, or no better than what was cut off
            run.raise_bound(min(float(result.objective or 0.0), cutoff))
        return not run.proven and result.status is Status.INFEASIBLE
    if np.isfinite(result.bound):
        run.raise_bound(max(dual_bound, min(result.bound, cutoff, run.cost)))
    return False
