"""Facilities with capacities: customers split or whole, with or without p, with proof.

1. The Lagrangian bound with knapsacks (``knapsack``) and a plan from the sites it takes.
2. Every pair (i, j) whose forced bound passes the plan is dropped; what is left is small.
3. Kernel search: the integer-programming engine solves the most promising pairs, then more of
   them, and at last all that are left, which proves the plan. Each plan found drops more pairs.

    (F1) minimise sum_j f[j] y[j] + sum_ij c[i,j] x[i,j]
    (F2) sum_j x[i,j] = 1                     everybody is served
    (F3) sum_i q[i] x[i,j] <= Q[j] y[j]       nobody holds more than it can
    (F4) x[i,j] <= y[j]                       only open sites serve
    (F5) sum_j y[j] = p                       capacitated p-median only

Sources: Holmberg et al. (1999); Diaz and Fernandez (2002); Guastaroba and Speranza (2014), "A
heuristic for BILP problems: the single source capacitated facility location problem" (kernel
search), EJOR 238; Fischetti and Lodi (2003), "Local branching".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from placeopt.engine import Model, Result, Status, solve
from placeopt.location.problems import CAPACITATED, CAPACITATED_P_MEDIAN, Problem
from placeopt.location.solution import Solution
from placeopt.location.tree import Report, Run

Floats = NDArray[np.float64]
BIG = 1e300
KERNELS = (0.15, 0.4, 1.0)  # shares of the gap that a pair's forced bound may take up
LARGEST_KERNEL = 12_000  # pairs in any but the last kernel


@dataclass
class Work:
    """A capacitated problem as arrays, and the best plan's assignment or flows."""

    cost: Floats
    size: Floats
    room: Floats
    opening: Floats
    p: int
    must: NDArray[np.bool_]
    may: NDArray[np.bool_]
    split: bool
    whole: bool
    to: NDArray[np.int64] | None = None
    flows: sparse.csr_array | None = None


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
    work = _work(problem)
    reason = _no_plan(work)
    if reason:
        seconds = {"total": run.seconds}
        return Solution(problem, Status.INFEASIBLE, bound=np.inf, message=reason, seconds=seconds)
    u, rho = _dual(work, run, seed)
    infeasible = False
    if not _closed(work, run):
        infeasible = _kernels(work, run, u, rho, seed)
    return _solution(problem, work, run, infeasible)


def _work(problem: Problem) -> Work:
    distance = problem.distances.dense()
    ceiling = np.inf if problem.ceiling is None else problem.ceiling
    allowed = np.isfinite(distance) & (distance <= ceiling)
    weighted = np.where(allowed, distance, 0.0) * problem.weights[:, None]
    cost = np.ascontiguousarray(np.where(allowed, weighted, BIG))
    may = np.ones(problem.sites, bool)
    may[list(problem.closed)] = False
    must = np.zeros(problem.sites, bool)
    must[list(problem.opened)] = True
    counted = problem.kind == CAPACITATED_P_MEDIAN
    opening = np.zeros(problem.sites) if counted else np.array(problem.fixed_costs)
    assert problem.capacities is not None
    room = np.minimum(problem.capacities, problem.demands.sum())
    split = problem.kind == CAPACITATED
    values = np.concatenate([weighted[allowed], opening])
    whole = not split and bool((values == np.round(values)).all())
    p = int(problem.p or 0) if counted else -1
    return Work(cost, np.array(problem.demands), room, opening, p, must, may, split, whole)


def _no_plan(work: Work) -> str:
    """Why there is plainly no plan; "" if there may be one."""
    room = np.sort(work.room[work.may])[::-1]
    total = room[: work.p].sum() if work.p >= 0 else room.sum()
    if work.p >= 0 and not work.must.sum() <= work.p <= work.may.sum():
        return "p does not fit the sites"
    if total < work.size.sum() - 1e-9:
        return "all capacity together is below the demand"
    if (work.cost[:, work.may] >= BIG).all(axis=1).any():
        return "somebody has no site within reach"
    return ""


def _dual(work: Work, run: Run, seed: int) -> tuple[Floats, Floats]:
    """Raise the bound, now and then making a plan of the sites it takes."""
    from placeopt.location import knapsack

    whole_sizes = bool((work.size == np.round(work.size)).all()) and work.room.max() <= 20_000
    exact = not work.split and whole_sizes
    reachable = np.where(work.cost < BIG, work.cost, np.nan)[:, work.may]
    u = np.nanmin(reachable, axis=1) + 0.3 * (np.nanmean(reachable, axis=1))
    best, best_u, best_rho = -np.inf, u, np.zeros(len(work.opening))
    step, common = 0.6, (work.cost, work.size, work.room, work.opening, work.p)
    for turn in range(10):
        target = run.cost if np.isfinite(run.cost) else _guess(work)
        value, u, rho, y, frequency = knapsack.ascend(
            *common, work.must, work.may, u, target, 60 if turn < 3 else 150, exact, step, 12
        )
        if value > best:
            gained = value - best
            best, best_u, best_rho = value, u, rho
        else:
            gained = 0.0
        run.raise_bound(best)
        _plans(work, run, u, rho, np.maximum(y, frequency), seed + turn)
        gap = run.cost - best
        step = max(0.5 * step, 0.05) if turn > 2 else step
        if _closed(work, run) or run.seconds > 0.3 * run.limit:
            break
        if turn > 2 and gained < 1e-4 * gap:
            break
    return best_u, best_rho


def _guess(work: Work) -> float:
    service = np.where(work.cost < BIG, work.cost, 0.0)[:, work.may]
    return float(service.mean(axis=1).sum() + np.abs(work.opening[work.may]).sum() / 2 + 1)


def _closed(work: Work, run: Run) -> bool:
    if run.bound > run.cutoff(work.whole) - 1e-9 and np.isfinite(run.cost):
        run.proven = True
    return run.proven


def _plans(work: Work, run: Run, u, rho, taken, seed: int) -> None:
    """Make a plan of the sites most taken."""
    from placeopt.location import knapsack

    is_open = _enough(work, taken, rho)
    if work.split:
        _split_plan(work, run, is_open)
        return
    regret = np.sort(np.where(work.may & is_open, work.cost, np.inf), axis=1)
    spare = regret[:, min(1, regret.shape[1] - 1)] - regret[:, 0]
    spare = np.where(np.isfinite(spare), spare, 1e12)
    orders = np.stack([np.argsort(-work.size), np.argsort(-spare), np.argsort(-work.size * spare)])
    tries = int(np.clip(2e8 / work.cost.size / 10, 30, 1000))
    cost, to = knapsack.better_sites(
        work.cost, work.size, work.room, work.opening, work.p, work.must, work.may, is_open, u,
        orders, tries, seed,
    )  # fmt: skip
    if np.isfinite(cost) and cost < BIG / 2 and run.offer(cost, is_open):
        work.to = to.copy()


def _enough(work: Work, taken: Floats, rho: Floats):
    """The sites most taken, as many as p asks or as hold all demand with a little to spare."""
    order = np.lexsort((rho, -taken))
    order = order[work.may[order]]
    is_open = work.must.copy()
    need = work.size.sum() * (1.0 if work.split else 1.02)
    for j in order:
        if work.p >= 0:
            if is_open.sum() >= work.p:
                break
        elif taken[j] < 0.5 and work.room[is_open].sum() >= need:
            break
        is_open[j] = True
    return is_open


def _split_plan(work: Work, run: Run, is_open) -> None:
    """The cheapest shares for these sites: a transport problem."""
    sites = np.flatnonzero(is_open)
    rows, columns = np.nonzero(work.cost[:, sites] < BIG)
    result, flows = _engine(work, rows, sites[columns], fixed=is_open, seconds=30.0)
    if result.has_plan and run.offer(float(result.objective or 0.0), is_open):
        work.flows = flows


def _kernels(work: Work, run: Run, u, rho, seed: int) -> bool:
    """Kernel search; returns whether there is proven to be no plan at all."""
    from placeopt.location import knapsack

    dual_bound = run.bound
    for position, share in enumerate(KERNELS):
        last = position == len(KERNELS) - 1
        pairs, opened, closing = knapsack.least_forced(
            work.cost, work.size, work.room, work.opening, work.p, work.must, work.may, u,
            dual_bound, rho, work.split,
        )  # fmt: skip
        cutoff = run.cutoff(work.whole) if np.isfinite(run.cost) else np.inf
        has_plan = np.isfinite(cutoff)
        limit = cutoff if last or not has_plan else dual_bound + share * (cutoff - dual_bound)
        limit += 1e-7 * abs(limit)
        kept = pairs <= limit if has_plan else pairs < BIG
        caps = np.ones_like(pairs)
        if work.split and last and has_plan:
            kept = np.isfinite(pairs) & (opened <= limit)[None, :]
            caps = _caps(pairs, opened, limit)
        rows, columns = np.nonzero(kept)
        if not last and has_plan and len(rows) > LARGEST_KERNEL:
            near = np.argsort(pairs[rows, columns], kind="stable")[:LARGEST_KERNEL]
            rows, columns = rows[np.sort(near)], columns[np.sort(near)]
        left = run.limit - run.seconds
        if left <= 0.5:
            return False
        fixed = closing > cutoff if last and has_plan else np.zeros(len(work.may), bool)
        result, flows = _engine(
            work, rows, columns, must=work.must | fixed, caps=caps[rows, columns],
            seconds=left if last else 0.3 * left,
        )  # fmt: skip
        run.nodes += 1
        if result.has_plan:
            _take(work, run, result, flows)
        if last or not has_plan:
            return _judge(work, run, result, cutoff, dual_bound)
        if _closed(work, run):
            break
    return False


def _caps(pairs: Floats, opened: Floats, limit: float) -> Floats:
    """The largest share of each customer that a plan within ``limit`` can send to each site."""
    finite = np.isfinite(pairs)
    rise = np.where(
        finite, np.where(finite, pairs, 0.0) - np.where(np.isfinite(opened), opened, 0.0), np.inf
    )
    spare = np.where(np.isfinite(opened), np.maximum(0.0, limit - opened), 0.0)[None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        caps = np.where(rise > 0, spare / rise, 1.0)
    return np.where(np.isfinite(caps), np.clip(caps, 0.0, 1.0), 0.0)


def _take(work: Work, run: Run, result: Result, flows: sparse.csr_array) -> None:
    is_open = work.must | (np.asarray(flows.sum(axis=0)).ravel() > 1e-9)
    if work.p >= 0:
        for j in np.flatnonzero(work.may & ~is_open)[: max(0, work.p - int(is_open.sum()))]:
            is_open[j] = True
    if work.split:
        if run.offer(float(result.objective or 0.0), is_open):
            work.flows = flows
        return
    to = np.asarray(flows.argmax(axis=1)).ravel()
    cost = float(work.cost[np.arange(len(to)), to].sum() + work.opening[is_open].sum())
    if run.offer(cost, is_open):
        work.to = to


def _judge(work: Work, run: Run, result: Result, cutoff: float, dual_bound: float) -> bool:
    """What the last kernel proves: all plans below the cut-off lie within it."""
    if result.status in (Status.OPTIMAL, Status.INFEASIBLE):
        run.proven = np.isfinite(run.cost)
        if run.proven:
            run.bound = run.cost
        return not run.proven and result.status is Status.INFEASIBLE
    if np.isfinite(result.bound):
        run.raise_bound(max(dual_bound, min(result.bound, cutoff, run.cost)))
    return False


def _engine(
    work: Work, rows, columns, *, fixed=None, must=None, caps=1.0, seconds: float
) -> tuple[Result, sparse.csr_array]:
    """Solve (F1) to (F5) over the pairs (rows, columns): (result, shares)."""
    n, m = work.cost.shape
    model = Model("capacitated")
    lower = (work.must if must is None else must).astype(float)
    upper = work.may.astype(float)
    if fixed is not None:
        lower, upper = fixed.astype(float), fixed.astype(float)
    y = model.add_columns("open", size=m, lower=lower, upper=upper, cost=work.opening,
                          integer=fixed is None)  # fmt: skip
    x = model.add_columns("serve", size=len(rows), upper=caps, cost=work.cost[rows, columns],
                          integer=not work.split)  # fmt: skip
    pairs = np.arange(len(rows))
    model.add_rows("served", rule="F2", size=n, lower=1.0, upper=1.0, terms=[(rows, x.all, 1.0)])
    holds = (columns, x.all, work.size[rows])
    offers = (np.arange(m), y.all, -work.room)
    model.add_rows("capacity", rule="F3", size=m, upper=0.0, terms=[holds, offers])
    if fixed is None:
        only: list[tuple] = [(pairs, x.all, 1.0), (pairs, y.at(columns), -np.asarray(caps))]
        model.add_rows("only_open", rule="F4", size=len(rows), upper=0.0, terms=only)
        zeros = np.zeros(m, np.int64)
        model.add_rows("enough", rule="F3", size=1, lower=work.size.sum(),
                       terms=[(zeros, y.all, work.room)])  # fmt: skip
        if work.p >= 0:
            model.add_rows("count", rule="F5", size=1, lower=work.p, upper=work.p,
                           terms=[(zeros, y.all, 1.0)])  # fmt: skip
    result = solve(model, time_limit_seconds=seconds, gap=0.0, threads=1)
    shares = result.value(x) if result.has_plan else np.zeros(len(rows))
    used = shares > 1e-9
    flows = sparse.coo_array((shares[used], (rows[used], columns[used])), shape=(n, m)).tocsr()
    return result, flows


def _solution(problem: Problem, work: Work, run: Run, infeasible: bool) -> Solution:
    seconds = {"total": run.seconds}
    method = "Lagrangian with knapsacks, kernel search"
    if run.plan is None:
        status = Status.INFEASIBLE if infeasible else Status.NO_PLAN
        bound = np.inf if infeasible else run.bound
        return Solution(problem, status, bound=bound, seconds=seconds, method=method)
    seconds |= {"first": run.first or 0.0, "best": run.best_at or 0.0}
    bound = run.bound
    if work.whole and not run.proven:
        bound = min(float(np.ceil(bound - 1e-6)), run.cost)
    proven = run.proven or bound >= run.cost - max(1e-9, run.gap) * abs(run.cost)
    if proven:
        seconds["proof"] = run.seconds
        bound = run.cost if work.whole else bound
    return Solution(
        problem,
        Status.OPTIMAL if proven else Status.FEASIBLE,
        objective=run.cost,
        bound=min(bound, run.cost),
        positions=np.flatnonzero(run.plan),
        assignment=None if work.split else work.to,
        flows=work.flows if work.split else None,
        seconds=seconds,
        trace=tuple(run.trace),
        method=method,
        counts={"kernels": run.nodes},
    )
