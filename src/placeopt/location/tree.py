"""Prove the best plan of a problem in candidate lists: search, bound, fix, branch.

1. Swap local search finds a plan (``swap``).
2. The Lagrangian bound is raised and fixes sites (``dual``, ``branch``).
3. A tree, best bound first, closes what is left; each node is the same problem, smaller.

Where costs are whole numbers a node is cut off as soon as its bound passes (plan - 1).
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from placeopt.location.lists import Lists

Report = Callable[[float, float], None]


@dataclass
class Run:
    """A search under way: the best plan so far, the bound, and when each was found."""

    limit: float
    gap: float = 0.0
    report: Report | None = None
    began: float = field(default_factory=time.perf_counter)
    cost: float = np.inf
    plan: NDArray[np.bool_] | None = None
    bound: float = -np.inf
    trace: list[tuple[float, float, float]] = field(default_factory=list)
    first: float | None = None
    best_at: float | None = None
    nodes: int = 0
    rounds: int = 0
    proven: bool = False

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.began

    @property
    def out_of_time(self) -> bool:
        return self.seconds >= self.limit

    def offer(self, cost: float, plan: NDArray[np.bool_]) -> bool:
        """Keep a plan if it is better; returns whether it was."""
        if cost >= self.cost - 1e-9 * abs(cost):
            return False
        self.cost, self.plan = float(cost), np.array(plan, bool)
        self.best_at = self.seconds
        self.first = self.best_at if self.first is None else self.first
        self._note()
        return True

    def raise_bound(self, bound: float) -> None:
        if bound > self.bound + 1e-9 * abs(bound):
            self.bound = float(min(bound, self.cost))
            self._note()

    def cutoff(self, whole: bool) -> float:
        """Plans at or above this cost are of no interest."""
        if whole:
            return self.cost - 1.0 + 1e-6
        return self.cost - max(1e-9 * abs(self.cost), self.gap * abs(self.cost), 1e-12)

    def _note(self) -> None:
        self.trace.append((self.seconds, self.cost, self.bound))
        if self.report is not None:
            self.report(self.cost, self.bound)


def prove(lists: Lists, run: Run, *, seed: int = 1, tree: bool = True) -> None:
    """Solve ``lists`` within ``run``: fills the run's plan, bound and whether it is proven."""
    from placeopt.location import swap

    arrays = (lists.start, lists.site, lists.cost)
    by = swap.turn(*arrays, lists.sites)
    is_open = _first_plan(lists, by, seed)
    _search(lists, arrays, by, is_open, run, rounds=_rounds(lists), seed=seed)
    prices = _first_prices(lists, arrays, run)
    prices = _root(lists, arrays, by, run, prices, seed)
    if run.proven or not tree:
        return
    _tree(lists, arrays, run, prices)


def _first_plan(lists: Lists, by, seed: int) -> NDArray[np.bool_]:
    from placeopt.location import swap

    is_open = lists.must.copy()
    size = lists.p
    if size < 0:
        size = max(1, int(is_open.sum()), int(round(np.sqrt(lists.sites) / 2)))
        size = min(size, int(lists.may.sum()))
    swap.greedy_fill(*by, lists.outside, lists.opening, lists.may, is_open, size, seed)
    return is_open


def _rounds(lists: Lists) -> int:
    return int(np.clip(30_000_000 // max(1, len(lists.site)), 20, 300))


def _search(lists: Lists, arrays, by, is_open, run: Run, rounds: int, seed: int) -> None:
    from placeopt.location import swap

    cost = swap.search(
        arrays, by, lists.outside, lists.opening, lists.must, lists.may, is_open,
        lists.p < 0, rounds, seed, 4,
    )  # fmt: skip
    run.offer(cost, is_open)


def _first_prices(lists: Lists, arrays, run: Run) -> NDArray[np.float64]:
    from placeopt.location import swap

    _, d1, _, d2, _ = swap.fresh_state(*arrays, lists.outside, run.plan)
    u = np.minimum(lists.outside, np.where(d2 < lists.fine, (d1 + d2) / 2, d1 * 1.5 + 1))
    return u


def _root(lists: Lists, arrays, by, run: Run, prices, seed: int):
    """Raise the bound at the root, now and then searching from the sites it takes."""
    from placeopt.location import dual

    must = np.flatnonzero(lists.must)
    shut = ~lists.may
    step, best = 0.5, -np.inf
    for turn in range(12):
        decided = np.where(lists.must, 1, np.where(shut, -1, 0)).astype(np.int8)
        bound, prices, taken, step, used = _ascend(lists, arrays, run, decided, prices, step)
        run.rounds += used
        run.raise_bound(bound)
        if bound > run.cutoff(lists.whole):
            run.proven, run.bound = True, run.cost
            return prices
        is_open = taken.copy()
        is_open[must] = True
        if lists.p < 0 or is_open.sum() == lists.p:
            _search(lists, arrays, by, is_open, run, rounds=_rounds(lists) // 3, seed=seed + turn)
        if run.out_of_time or step < 0.01 or bound < best + 1e-5 * abs(run.cost - bound):
            break
        best = bound
    del dual
    return prices


def _ascend(lists: Lists, arrays, run: Run, decided, prices, step: float, most: int = 150):
    from placeopt.location import branch, dual

    s, t, c, o, f, left, constant, free = branch.shrink(
        *arrays, lists.outside, lists.opening, lists.p, decided
    )
    best, u, rho, taken, _, used, step = dual.ascend(
        s, t, c, o, f, left, np.minimum(prices, o), run.cutoff(lists.whole) + 1e-9, constant,
        most, step, 20,
    )  # fmt: skip
    full = np.zeros(lists.sites, bool)
    full[free[taken]] = True
    return best, u, full, step, used


def _tree(lists: Lists, arrays, run: Run, prices) -> None:
    """Best bound first, until nothing below the plan is left or time is up."""
    from placeopt.location import branch

    decided = np.where(lists.must, 1, np.where(lists.may, 0, -1)).astype(np.int8)
    count = 0
    heap = [(run.bound, count, decided, prices)]
    while heap:
        bound, _, decided, u = heapq.heappop(heap)
        cutoff = run.cutoff(lists.whole)
        if bound > cutoff:
            break
        run.raise_bound(bound)
        if run.out_of_time:
            heapq.heappush(heap, (bound, count, decided, u))
            return
        most, step = (400, 0.3) if run.nodes == 0 else (60, 0.2)
        new, u, site, value, plan, used = branch.node(
            *arrays, lists.outside, lists.opening, lists.p, decided, u.copy(), cutoff, most, step, 8
        )
        run.nodes += 1
        run.rounds += used
        if np.isfinite(value):
            run.offer(value, plan == 1)
        if not np.isfinite(new) or site < 0:
            continue
        new = max(new, bound)
        for choice in (1, -1):
            child = decided.copy()
            child[site] = choice
            count += 1
            heapq.heappush(heap, (new, count, child, u))
    run.proven, run.bound = True, run.cost
