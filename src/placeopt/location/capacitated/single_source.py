"""Facilities with capacities whose customers go whole to one site: branch and bound with proof.

1. The Lagrangian bound with whole knapsacks (``knapsack``), which is that of a relaxation over all
   loads of a site (``master``), and plans from dives (``dive``), local search (``shifts``) and the
   loads found so far (``partition``).
2. Pairs and sites whose forced bound passes the best plan are dropped.
3. A tree, best bound first: a site open or closed, or a customer served by one half of its sites or
   by the other. Where few loads lie within the gap, an engine picks among them (``columns``,
   ``partition``), which settles the node.

Small problems are given to an engine first.

Sources: Holmberg, Ronnqvist and Yuan (1999), EJOR 113; Baldacci et al. (2002), Computers & OR 29;
the halves: Ceselli and Righini (2005), "A branch-and-price algorithm for the capacitated p-median
problem", Networks 45.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

from placeopt.engine.result import Status
from placeopt.location.capacitated.arrays import (
    BIG,
    Bools,
    Floats,
    Ints,
    Level,
    Work,
    first_prices,
    level_at,
    no_plan,
    raise_level,
    work_of,
)
from placeopt.location.capacitated.column_generation import Pool, converge
from placeopt.location.capacitated.diving import bettered, plan_from
from placeopt.location.capacitated.result_assembly import closed, nothing_fits, solution_of
from placeopt.location.capacitated.set_partitioning import best_loads, best_of_pool, plan_of
from placeopt.location.compile_ahead import for_loads
from placeopt.location.formulations.capacitated import compact
from placeopt.location.search_state import Report, Run
from placeopt.location.solution import Solution
from placeopt.location.statement import Problem

FEW = 300  # loads that settle a node with sites left to decide
MANY = 3_000  # and one where all are decided
SETTLE = 0.2  # seconds for that
SETTLING = 0.3  # share of the time that may go into it
PLANNING = 0.1  # share of the time that plans may take


@dataclass(frozen=True)
class Node:
    """What a node has decided: sites, and which pairs may be used (packed bits)."""

    bound: float
    u: Floats
    must: Bools
    may: Bools
    pairs: np.ndarray


def solve_whole(
    problem: Problem,
    *,
    time_limit_seconds: float,
    gap: float,
    seed: int,
    report: Report | None = None,
) -> Solution:
    """Solve a problem whose customers go whole; see the module's text."""
    run = Run(limit=time_limit_seconds, gap=gap, report=report)
    work = work_of(problem)
    reason = no_plan(work)
    if reason:
        return nothing_fits(problem, run, reason)
    small = work.cost.size <= SMALL and _engine_closes(work, run)
    if not small:
        with run.uncounted():
            for_loads()
        level = _root(work, run, seed)
        if not closed(work, run):
            Search(work, run, seed).go(level)
    return solution_of(
        problem,
        work,
        run,
        infeasible=run.proven,
        method="Lagrangian with knapsacks, loads, tree",
        counts={"nodes": run.nodes},
        assigned=work.to,
    )


def _root(work: Work, run: Run, seed: int) -> Level:
    """The bound at the root by subgradients, and a plan."""
    u, step = first_prices(work), 1.0
    best: Level | None = None
    target = 2.0 * abs(float(u.sum())) + 1.0
    for _ in range(6):
        level = raise_level(work, u, min(run.cost, target), 100, step)
        best = level if best is None or level.value > best.value else best
        run.raise_bound(best.value)
        u, step = best.u, max(1.5 * level.step, 0.02)
        target = best.value + 0.02 * abs(best.value) + 1.0
        if closed(work, run) or run.past(0.2):
            break
    assert best is not None
    plan_from(work, run, best, seed, rounds=_rounds(work))
    closed(work, run)
    return best


def _rounds(work: Work) -> int:
    """How many rounds of local search to make at a time."""
    n, m = work.cost.shape
    return int(np.clip(2e6 / (n * (n + m)), 4, 100))


POOLED = 5_000  # loads of the pool that plans are made of
SMALL = 400  # pairs up to which an engine is asked first: nothing need be compiled
SMALL_SECONDS = 2.0  # what it may take


def _engine_closes(work: Work, run: Run) -> bool:
    """Let an engine solve the compact model of a small problem; whether that settles it."""
    rows, columns = np.nonzero(work.cost < BIG)
    result, flows = compact(work, rows, columns, seconds=min(SMALL_SECONDS, run.limit))
    if result.has_plan:
        to = np.asarray(flows.argmax(axis=1)).ravel()
        is_open = work.must | (np.asarray(flows.sum(axis=0)).ravel() > 0.5)
        loads = [(int(j), np.flatnonzero(to == j)) for j in np.flatnonzero(is_open)]
        _take(work, run, *plan_of(work, loads))
    if result.status in (Status.OPTIMAL, Status.INFEASIBLE):
        run.proven, run.bound = True, run.cost
        return True
    if np.isfinite(result.bound):
        run.raise_bound(min(result.bound, run.cost))
    return False


class Search:
    """The best bound of the root, then a tree, best bound first; plans are made on the way.

    Plans are dives and local search from the node at hand, and every now and then the best that can
    be made of all loads found so far.
    """

    def __init__(self, work: Work, run: Run, seed: int) -> None:
        self.work, self.run, self.seed = work, run, seed
        self.pool = Pool()
        self.settling, self.planned, self.plans = 0.0, 0.0, 0

    def go(self, level: Level) -> None:
        """Until nothing below the plan is left or time is up."""
        work, run = self.work, self.run
        here = work.replace(cost=work.cost.copy(), must=work.must.copy(), may=work.may.copy())
        heap = [(level.value, 0, Node(level.value, level.u, here.must, here.may, _packed(here)))]
        count = 0
        while heap:
            bound, _, node = heapq.heappop(heap)
            if bound > run.cutoff(work.whole):
                break
            run.raise_bound(bound)
            if run.out_of_time:
                return
            run.nodes += 1
            for child in self._visit(node):
                count += 1
                heapq.heappush(heap, (child.bound, count, child))
        run.proven = True

    def _visit(self, node: Node) -> list[Node]:
        """Bound a node: nothing where it is settled, else its two halves."""
        work, run = self.work, self.run
        here = _at(work, node)
        u, level = node.u, None
        for _ in range(4):
            if not _possible(here):
                return []
            start = level_at(here, u)[0]
            level, taken = converge(
                here, start, self.pool, run.cutoff(work.whole), ROUNDS, run.limit - run.seconds
            )
            if run.nodes == 1:
                run.raise_bound(min(level.value, run.cutoff(work.whole)))
            if level.value > run.cutoff(work.whole):
                return []
            if taken and min(taken.values()) > 1 - 1e-6:
                loads = [(self.pool.site[k], self.pool.customers[k]) for k in taken]
                _take(work, run, *plan_of(work, loads))
            u = level.u
            self._plan(here, level)
            if not _fix(here, level, run.cutoff(work.whole)):
                break
        assert level is not None
        bound = max(node.bound, level.value)
        cutoff = run.cutoff(work.whole)
        if np.isfinite(cutoff) and self.settling <= SETTLING * run.seconds:
            began = run.seconds
            most = FEW if here.p < 0 and (here.may & ~here.must).any() else MANY
            outcome = best_loads(here, level, cutoff, most, SETTLE, settle=True)
            _take(work, run, outcome.cost, outcome.is_open, outcome.to)
            self.settling += run.seconds - began
            bound = max(bound, outcome.bound)
            if bound > run.cutoff(work.whole):
                return []
        return _halves(here, level, bound)

    def _plan(self, here: Work, level: Level) -> None:
        """Make a plan, if it is time for one."""
        work, run = self.work, self.run
        if np.isfinite(run.cost) and self.planned > PLANNING * run.seconds:
            return
        began = run.seconds
        self.plans += 1
        seed = self.seed + self.plans
        if self.plans % 3:
            plan_from(here, run, level, seed, rounds=_rounds(work), record=work)
        elif not run.out_of_time:
            self._plan_of_pool(here, level, seed)
        self.planned += run.seconds - began

    def _plan_of_pool(self, here: Work, level: Level, seed: int) -> None:
        work, run, pool = self.work, self.run, self.pool
        cutoff = run.cutoff(work.whole)
        loads = [(pool.site[k], pool.customers[k]) for k in pool.within(here, level, cutoff)]
        if not loads:
            return
        seconds = min(0.1 * (run.limit - run.seconds), max(0.1, PLANNING * run.seconds))
        plan = best_of_pool(here, level, loads, POOLED, seconds)
        if plan is not None:
            _take(work, run, *plan)
            _, is_open, to = plan
            cost = bettered(here, run, to, is_open, _rounds(work), seed)
            _take(work, run, cost, is_open, to)


ROUNDS = 300


def _take(work: Work, run: Run, cost: float, is_open: Bools, to: Ints) -> None:
    counts = work.p < 0 or int(is_open.sum()) == work.p
    if np.isfinite(cost) and counts and run.offer(cost, is_open):
        work.to = to.copy()


def _at(work: Work, node: Node) -> Work:
    pairs = np.unpackbits(node.pairs, count=work.cost.size).reshape(work.cost.shape).astype(bool)
    cost = np.where(pairs, work.cost, BIG)
    shut = int(work.bulk[work.may & ~node.may].sum())
    return work.replace(cost=cost, must=node.must.copy(), may=node.may.copy(),
                        spare=work.spare - shut)  # fmt: skip


def _possible(here: Work) -> bool:
    """Whether the node may hold a plan; opens sites that are somebody's last."""
    reach = (here.cost < BIG) & here.may[None, :]
    ways = reach.sum(axis=1)
    if (ways == 0).any():
        return False
    here.must[reach[ways == 1].any(axis=0)] = True
    return here.spare >= 0 and not no_plan(here)


def _fix(here: Work, level: Level, cutoff: float) -> bool:
    """Drop pairs and decide sites that no plan below ``cutoff`` needs; whether it was worth it."""
    from placeopt.location.capacitated import knapsack_bound

    if not np.isfinite(cutoff):
        return False
    gap = cutoff - level.value + 1e-9 * abs(cutoff)
    before = int((here.cost < BIG).sum())
    here.must |= here.may & (level.shut > gap)
    shut = here.may & ~here.must & (level.opened > gap)
    here.may &= ~shut
    here.spare -= int(here.bulk[shut].sum())
    for j in np.flatnonzero(here.may):
        held, _ = knapsack_bound.with_and_without(
            level.u - here.cost[:, j], here.weight, here.hold[j]
        )
        here.cost[level.base[j] - held > gap, j] = BIG
    here.cost[:, ~here.may] = BIG
    after = int((here.cost < BIG).sum())
    return after < 0.9 * before


def _packed(here: Work) -> np.ndarray:
    return np.packbits(here.cost < BIG)


def _halves(here: Work, level: Level, bound: float) -> list[Node]:
    """Two nodes that share the plans of this one."""
    packed = _packed(here)
    open_to = here.may & ~here.must
    doubt = np.where(open_to, 1e-3 + np.minimum(level.often, 1.0 - level.often), -1.0)
    if here.p < 0 and open_to.any():
        j = int(doubt.argmax())
        must, may = here.must.copy(), here.may.copy()
        must[j], may[j] = True, False
        return [
            Node(bound, level.u, must, here.may, packed),
            Node(bound, level.u, here.must, may, packed),
        ]
    reach = here.cost < BIG
    shares = np.where(reach, level.shares, 0.0)
    total = shares.sum(axis=1)
    rest = total - shares.max(axis=1)
    rest = np.where(reach.sum(axis=1) > 1, rest / np.maximum(total, 1e-12) + 1e-6, -1.0)
    i = int(rest.argmax())
    if rest[i] < 0:
        return _last(here, level, bound, packed)
    order = np.lexsort((here.cost[i], -shares[i]))
    order = order[reach[i][order]]
    nodes = []
    for half in (order[::2], order[1::2]):
        pairs = reach.copy()
        pairs[i, half] = False
        nodes.append(Node(bound, level.u, here.must, here.may, np.packbits(pairs)))
    return nodes


def _last(here: Work, level: Level, bound: float, packed) -> list[Node]:
    """Everybody's site is decided: only sites that stand open for nobody are left to choose."""
    open_to = np.flatnonzero(here.may & ~here.must)
    if len(open_to) == 0:
        return []
    j = open_to[0]
    must, may = here.must.copy(), here.may.copy()
    must[j], may[j] = True, False
    return [
        Node(bound, level.u, must, here.may, packed),
        Node(bound, level.u, here.must, may, packed),
    ]
