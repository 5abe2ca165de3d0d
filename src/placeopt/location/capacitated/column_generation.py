"""The best Lagrangian prices by column generation: the linear relaxation over all loads and covers.

A load is a site with customers that fit it, a cover a set of sites that hold all demand. The
relaxation over those found so far (R1 to R4, ``Relaxation``) gives prices of the customers; the
best fill of each site and the best set of sites at those prices are a new load and a new cover, or
proof that none is missing. Prices are drawn towards the best known ones, which saves rounds. Every
price gives a bound (``loads``), so that the search may end at any time. Prices are also kept near
the best known ones: leaving somebody out and serving somebody twice cost as much as the edges of
the range, which is widened where prices press against it (tbed1, 300 x 300: the best bound in 1.2
CPU seconds; without the range it was 14,300 of 16,491 after 20).

Covers make the relaxation as strong as the bound: with "all capacity holds all demand" for shares
of sites in their stead it stops at 4,250 on Diaz-Fernandez p7, below even the prices it began
with.

Source: Wentges (1997), "Weighted Dantzig-Wolfe decomposition for linear mixed-integer
programming", International Transactions in Operational Research 4 (the drawn prices); Diaz and
Fernandez (2002), "A branch-and-price algorithm for the single source capacitated plant location
problem", JORS 53; du Merle, Villeneuve, Desrosiers and Hansen (1999), "Stabilized
column generation", Discrete Mathematics 194 (the range).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from placeopt.base.deadline import ended_by_clock
from placeopt.engine import Model
from placeopt.engine.interrupts import interrupted
from placeopt.engine.linear_program import LinearProgram
from placeopt.engine.result import Status
from placeopt.location.capacitated.arrays import BIG, Bools, Floats, Ints, Level, Work, level_at

DRAWN = 0.6  # how much of the best prices goes into the next
WIDTH = 0.03  # of the mean price: how far prices may move at first from the best known
CLOSE = 1e-6  # gap between the relaxation and its bound at which it is solved


@dataclass
class Pool:
    """What was found so far: loads (a site and its customers, ascending), and sets of sites that
    hold all demand."""

    site: list[int] = field(default_factory=list)
    customers: list[Ints] = field(default_factory=list)
    covers: list[Bools] = field(default_factory=list)
    known: dict[tuple[int, bytes], int] = field(default_factory=dict)

    def add(self, site: int, customers: Ints) -> int:
        """The number of this load, which is added if it is new."""
        k = self.known.setdefault((site, customers.tobytes()), len(self.site))
        if k == len(self.site):
            self.site.append(site)
            self.customers.append(customers)
        return k

    def add_cover(self, cover: Bools) -> int:
        """The number of this set of sites, which is added if it is new."""
        k = self.known.setdefault((-1, cover.tobytes()), len(self.covers))
        if k == len(self.covers):
            self.covers.append(cover)
        return k

    def within(self, work: Work, level: Level, cutoff: float) -> list[int]:
        """The loads that ``work`` allows and a plan below ``cutoff`` may hold."""
        if not self.site:
            return []
        site = np.array(self.site)
        lengths = [len(load) for load in self.customers]
        load, item = np.repeat(np.arange(len(site)), lengths), np.concatenate(self.customers)
        cost = work.cost[item, site[load]]
        worth = np.bincount(load, level.u[item] - cost, minlength=len(site))
        shut = np.bincount(load[cost >= BIG], minlength=len(site)) > 0
        near = level.value + level.base[site] - worth <= cutoff + 1e-9 * abs(cutoff)
        chosen: list[int] = np.flatnonzero(work.may[site] & ~shut & near).tolist()
        return chosen

    def covers_within(self, work: Work) -> list[int]:
        """The sets of sites that ``work`` allows, that of all its sites among them."""
        self.add_cover(work.may.copy())
        allowed = enumerate(self.covers)
        return [k for k, c in allowed if not (c & ~work.may | ~c & work.must).any()]


def converge(
    work: Work, level: Level, pool: Pool, cutoff: float, rounds: int, seconds: float
) -> tuple[Level, dict[int, float]]:
    """The level at the best prices, and the loads that the relaxation takes with their shares.

    Ends early when the level passes ``cutoff``. ``often`` and ``shares`` of the level are those
    of the relaxation.
    """
    ends = time.perf_counter() + seconds
    width = WIDTH * float(np.abs(level.u).mean()) + 1e-6
    dearest = float(np.where(work.cost < BIG, work.cost, 0.0).max() + work.opening.max()) + 1.0
    widest = 16.0 * len(work.size) * dearest  # no price need lie further off, if there is a plan
    relaxed = Relaxation(work, pool, level, cutoff)
    relaxed.keep_near(level.u, width)
    best, drawn, told = level, DRAWN, False
    for _ in range(rounds):
        told = relaxed.solve()
        late = time.perf_counter() > ends or interrupted()
        if not told or best.value > cutoff or late:
            if late:
                ended_by_clock("the prices of capacities")
            break
        new = False
        close = relaxed.value <= best.value + CLOSE * max(1.0, abs(best.value))
        if not close:
            now, loads, covers = _price(work, drawn * best.u + (1.0 - drawn) * relaxed.u, pool)
            more = relaxed.add_loads(loads), relaxed.add_covers(covers)
            new = any(more)
            if now.value > best.value:
                best = now
                relaxed.keep_near(best.u, width)
        if new:
            drawn = DRAWN
        elif not close and drawn > 0.0:
            drawn = 0.0
        elif relaxed.held and width < widest:
            width, drawn = 4.0 * width, DRAWN
            relaxed.keep_near(best.u, width)
        else:
            break
    else:
        told = relaxed.solve()  # with what the last round added
    if not told:
        return best, {}
    often, shares, taken = relaxed.shares()
    return replace(best, often=often, shares=shares), taken


def _price(work: Work, u: Floats, pool: Pool) -> tuple[Level, list[int], list[int]]:
    """The level at prices ``u``, and the loads and the set of sites that they make best."""
    level, fill, chosen = level_at(work, u)
    loads = []
    for j in np.flatnonzero(work.may):
        load = np.flatnonzero(fill[j] > 0.5)
        if work.size[load].sum() <= work.room[j] + 1e-9:
            loads.append(pool.add(int(j), load))
    return level, loads, [pool.add_cover(chosen)] if work.p < 0 else []


class Relaxation:
    """The linear relaxation over the loads and covers of a pool, in HiGHS, to be added to.

    minimise sum over (j, S) of (f[j] + sum_{i in S} c[i,j]) load[j,S] + fine sum_i lack[i]
    (R1) sum_{S holds i} load[j,S] + lack[i] >= 1         everybody is served
    (R2) sum_S load[j,S] = sum_{T holds j} cover[T]       the sites of the set taken, each
                                                          with a load, be it empty
    (R3) sum_T cover[T] = 1                               one set of sites
    (R4) sum load[j,S] <= p                               instead of R3 where p is given,
                                                          with <= 1 for the right of R2
    """

    def __init__(self, work: Work, pool: Pool, level: Level, cutoff: float) -> None:
        n, m = work.cost.shape
        self.work, self.pool = work, pool
        self.loads: dict[int, int] = {}  # the column of each
        self.covers: dict[int, int] = {}
        counted = work.p >= 0
        model = Model("loads")
        lack, twice = (model.add_columns(name, size=n) for name in ("lack", "twice"))
        terms = [(np.arange(n), lack.all, 1.0), (np.arange(n), twice.all, -1.0)]
        model.add_rows("served", rule="R1", size=n, lower=1.0, upper=1.0, terms=terms)
        model.add_rows("open", rule="R2", size=m, lower=-np.inf if counted else 0.0,
                       upper=float(counted), terms=[])  # fmt: skip
        model.add_rows("one", rule="R4" if counted else "R3", size=1, upper=max(work.p, 1),
                       lower=-np.inf if counted else 1.0, terms=[])  # fmt: skip
        self.program = LinearProgram(model.arrays())
        none = np.zeros(0, np.int64)
        self.add_loads([pool.add(int(j), none) for j in np.flatnonzero(work.may)])
        self.add_loads(_price(work, level.u, pool)[1])
        self.add_loads(pool.within(work, level, cutoff))
        self.add_covers([] if counted else pool.covers_within(work))

    def solve(self) -> bool:
        """Whether the relaxation is solved, which gives ``value``, prices ``u`` and ``taken``."""
        if self.program.solve() is not Status.OPTIMAL:
            return False
        self.u = self.program.row_duals[: len(self.work.size)]
        self.taken = self.program.values
        self.value = self.program.value
        return True

    @property
    def held(self) -> bool:
        """Whether some price would leave [low, high] if it could."""
        return bool(self.taken[: 2 * len(self.work.size)].max(initial=0.0) > 1e-7)

    def keep_near(self, u: Floats, width: float) -> None:
        """Keep the prices within ``width`` of ``u``."""
        n = len(u)
        costs = np.concatenate([u + width, width - u])
        self.program.change_costs(np.arange(2 * n), costs)

    def shares(self) -> tuple[Floats, Floats, dict[int, float]]:
        """How much of each site and of each pair is taken, and of each load: none of them where
        somebody is left out."""
        pool = self.pool
        often, shares = np.zeros(len(self.work.room)), np.zeros(self.work.cost.shape)
        taken = {}
        for k, at in self.loads.items():
            share = float(self.taken[at])
            if share > 1e-7:
                taken[k] = share
                often[pool.site[k]] += share
                shares[pool.customers[k], pool.site[k]] += share
        return often, shares, ({} if self.held else taken)

    def add_loads(self, loads: list[int]) -> bool:
        """Add those that are not there yet; whether there were any."""
        n, m = self.work.cost.shape
        fresh = [k for k in loads if k not in self.loads]
        first = self.program.columns
        columns, costs = [], []
        for at, k in enumerate(fresh):
            j, load = self.pool.site[k], self.pool.customers[k]
            counted = [n + m] if self.work.p >= 0 else []
            columns.append((np.array([*load, n + j, *counted], np.int32), 1.0))
            costs.append(self.work.opening[j] + self.work.cost[load, j].sum())
            self.loads[k] = first + at
        self._add(columns, costs)
        return bool(fresh)

    def add_covers(self, covers: list[int]) -> bool:
        """Add those that are not there yet; whether there were any."""
        n, m = self.work.cost.shape
        fresh = [k for k in covers if k not in self.covers]
        first = self.program.columns
        columns = []
        for at, k in enumerate(fresh):
            sites = n + np.flatnonzero(self.pool.covers[k])
            columns.append((np.array([*sites, n + m], np.int32), -1.0))
            self.covers[k] = first + at
        self._add(columns, [0.0] * len(columns))
        return bool(fresh)

    def _add(self, columns: list[tuple[NDArray[np.int32], float]], costs: list[float]) -> None:
        """Columns (rows, the entry in each; in the last row of all it is 1)."""
        if not columns:
            return
        last = sum(self.work.cost.shape)
        index = np.concatenate([rows for rows, _ in columns])
        lengths = [len(rows) for rows, _ in columns]
        entry = np.repeat([entry for _, entry in columns], lengths)
        entry[index == last] = 1.0
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        self.program.add_columns(np.array(costs, float), starts, index, entry)
