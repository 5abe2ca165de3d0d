"""The best Lagrangian multipliers by column generation over loads and covers.

A load is a site with a set of customers that fits it. A cover is a set of sites whose capacities
hold all demand. The restricted master (R1 to R4, ``RestrictedMaster``) holds the loads and covers
found so far and gives multipliers of the customers. At these multipliers the best fill of each
site and the best set of sites are a new load and a new cover, or prove that none is missing.

Multipliers are smoothed towards the best known ones, which saves rounds. All multipliers give a
valid bound, so the search may end at any time. They also stay within a range around the best known
ones: leaving a customer out and serving a customer twice cost as much as the ends of the range.
The range widens where multipliers reach its ends (tbed1, 300 x 300: the best bound in 1.2 CPU
seconds; without the range the bound was 14,300 of 16,491 after 20).

Covers make the relaxation as strong as the Lagrangian bound. With "all capacity holds all demand"
for shares of sites instead, it stops at 4,250 on Diaz-Fernandez p7, below the bound at the initial
multipliers.

Source: Wentges (1997), "Weighted Dantzig-Wolfe decomposition for linear mixed-integer
programming", International Transactions in Operational Research 4 (smoothing); Diaz and
Fernandez (2002), "A branch-and-price algorithm for the single source capacitated plant location
problem", JORS 53; du Merle, Villeneuve, Desrosiers and Hansen (1999), "Stabilized
column generation", Discrete Mathematics 194 (the range).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from placeopt.base.deadline import record_timeout
from placeopt.engine import Model
from placeopt.engine.interrupts import interrupted
from placeopt.engine.linear_program import LinearProgram
from placeopt.engine.result import Status
from placeopt.location.capacitated.arrays import (
    FORBIDDEN_COST,
    Bools,
    CapacitatedArrays,
    Floats,
    Ints,
    LagrangianBound,
    evaluate_bound,
)

SMOOTHING = 0.6  # weight of the best multipliers in the next ones
INITIAL_WIDTH = 0.03  # of the range around the best multipliers, as a share of their mean
CONVERGENCE_TOLERANCE = 1e-6  # relative gap of master and bound at which the master is solved


@dataclass
class LoadPool:
    """The loads and covers found so far.

    Attributes:
        site: Site of each load.
        customers: Customers of each load, ascending.
        covers: Sets of sites whose capacities hold all demand, each (sites,).
        index_of: Index of each known load (site, customers) or cover (-1, sites), by bytes.
    """

    site: list[int] = field(default_factory=list)
    customers: list[Ints] = field(default_factory=list)
    covers: list[Bools] = field(default_factory=list)
    index_of: dict[tuple[int, bytes], int] = field(default_factory=dict)

    def add(self, site: int, customers: Ints) -> int:
        """The index of this load, which is added if it is new."""
        k = self.index_of.setdefault((site, customers.tobytes()), len(self.site))
        if k == len(self.site):
            self.site.append(site)
            self.customers.append(customers)
        return k

    def add_cover(self, cover: Bools) -> int:
        """The index of this set of sites, which is added if it is new."""
        k = self.index_of.setdefault((-1, cover.tobytes()), len(self.covers))
        if k == len(self.covers):
            self.covers.append(cover)
        return k

    def within_cutoff(
        self, arrays: CapacitatedArrays, lagrangian: LagrangianBound, cutoff: float
    ) -> list[int]:
        """Indices of the loads that ``arrays`` allows and a plan below ``cutoff`` may contain."""
        if not self.site:
            return []
        site = np.array(self.site)
        lengths = [len(load) for load in self.customers]
        load, customer = np.repeat(np.arange(len(site)), lengths), np.concatenate(self.customers)
        cost = arrays.cost[customer, site[load]]
        saving = np.bincount(load, lagrangian.multipliers[customer] - cost, minlength=len(site))
        has_forbidden = np.bincount(load[cost >= FORBIDDEN_COST], minlength=len(site)) > 0
        is_below_cutoff = lagrangian.value + lagrangian.rise_if_empty[
            site
        ] - saving <= cutoff + 1e-9 * abs(cutoff)
        chosen: list[int] = np.flatnonzero(
            arrays.may_open[site] & ~has_forbidden & is_below_cutoff
        ).tolist()
        return chosen

    def allowed_covers(self, arrays: CapacitatedArrays) -> list[int]:
        """Indices of the covers that ``arrays`` allows, including the set of all its sites."""
        self.add_cover(arrays.may_open.copy())
        allowed = enumerate(self.covers)
        return [k for k, c in allowed if not (c & ~arrays.may_open | ~c & arrays.must_open).any()]


def solve_master(
    arrays: CapacitatedArrays,
    start: LagrangianBound,
    pool: LoadPool,
    cutoff: float,
    max_rounds: int,
    seconds: float,
) -> tuple[LagrangianBound, dict[int, float]]:
    """The bound at the best multipliers, and the loads that the relaxation uses.

    Ends early once the bound passes ``cutoff``.

    Args:
        arrays: The problem.
        start: Bound to begin with.
        pool: Loads and covers known so far; new ones are added.
        cutoff: Cost below which plans are sought.
        max_rounds: Largest number of rounds.
        seconds: Time limit.

    Returns:
        The best bound, whose ``site_shares`` and ``pair_shares`` are those of the relaxation, and
        the share of each load used, by its index.
    """
    deadline = time.perf_counter() + seconds
    width = INITIAL_WIDTH * float(np.abs(start.multipliers).mean()) + 1e-6
    largest_cost = (
        float(
            np.where(arrays.cost < FORBIDDEN_COST, arrays.cost, 0.0).max()
            + arrays.opening_cost.max()
        )
        + 1.0
    )
    # wide enough for every optimal multiplier, if there is a plan
    max_width = 16.0 * len(arrays.demand) * largest_cost
    restricted_master = RestrictedMaster(arrays, pool, start, cutoff)
    restricted_master.centre_multipliers(start.multipliers, width)
    best, smoothing, is_solved = start, SMOOTHING, False
    for _ in range(max_rounds):
        is_solved = restricted_master.solve()
        is_late = time.perf_counter() > deadline or interrupted()
        if not is_solved or best.value > cutoff or is_late:
            if is_late:
                record_timeout("the prices of capacities")
            break
        has_new = False
        has_converged = restricted_master.value <= best.value + CONVERGENCE_TOLERANCE * max(
            1.0, abs(best.value)
        )
        if not has_converged:
            current, loads, covers = _price_columns(
                arrays, smoothing * best.multipliers + (1.0 - smoothing) * restricted_master.u, pool
            )
            added = restricted_master.add_loads(loads), restricted_master.add_covers(covers)
            has_new = any(added)
            if current.value > best.value:
                best = current
                restricted_master.centre_multipliers(best.multipliers, width)
        if has_new:
            smoothing = SMOOTHING
        elif not has_converged and smoothing > 0.0:
            smoothing = 0.0
        elif restricted_master.is_at_limit and width < max_width:
            width, smoothing = 4.0 * width, SMOOTHING
            restricted_master.centre_multipliers(best.multipliers, width)
        else:
            break
    else:
        is_solved = restricted_master.solve()  # with what the last round added
    if not is_solved:
        return best, {}
    site_shares, pair_shares, load_shares = restricted_master.site_and_pair_shares()
    return replace(best, site_shares=site_shares, pair_shares=pair_shares), load_shares


def _price_columns(
    arrays: CapacitatedArrays, u: Floats, pool: LoadPool
) -> tuple[LagrangianBound, list[int], list[int]]:
    """The bound at multipliers ``u``, and the indices of the loads and the cover that attain it."""
    lagrangian, fill, chosen = evaluate_bound(arrays, u)
    loads = []
    for j in np.flatnonzero(arrays.may_open):
        load = np.flatnonzero(fill[j] > 0.5)
        if arrays.demand[load].sum() <= arrays.capacity[j] + 1e-9:
            loads.append(pool.add(int(j), load))
    return lagrangian, loads, [pool.add_cover(chosen)] if arrays.p < 0 else []


class RestrictedMaster:
    """The linear relaxation over the loads and covers of a pool; columns are added to it.

    minimise sum over (j, S) of (f[j] + sum_{i in S} c[i,j]) load[j,S]
             + sum_i (high[i] lack[i] - low[i] twice[i])
    (R1) sum_{S holds i} load[j,S] + lack[i] - twice[i] = 1   every customer is served once
    (R2) sum_S load[j,S] = sum_{T holds j} cover[T]           each site of the chosen set has one
                                                              load, which may be empty
    (R3) sum_T cover[T] = 1                                   one set of sites
    (R4) sum load[j,S] <= p                                   instead of R3 where p is given,
                                                              with <= 1 for the right of R2

    [low[i], high[i]] is the range of the multiplier of customer i.
    """

    def __init__(
        self, arrays: CapacitatedArrays, pool: LoadPool, lagrangian: LagrangianBound, cutoff: float
    ) -> None:
        n, m = arrays.cost.shape
        self.arrays, self.pool = arrays, pool
        self.loads: dict[int, int] = {}  # column of each load, by its index in the pool
        self.covers: dict[int, int] = {}  # column of each cover
        has_p = arrays.p >= 0
        model = Model("loads")
        missing, repeated = (model.add_columns(name, size=n) for name in ("lack", "twice"))
        terms = [(np.arange(n), missing.all, 1.0), (np.arange(n), repeated.all, -1.0)]
        model.add_rows("served", rule="R1", size=n, lower=1.0, upper=1.0, terms=terms)
        model.add_rows("open", rule="R2", size=m, lower=-np.inf if has_p else 0.0,
                       upper=float(has_p), terms=[])  # fmt: skip
        model.add_rows("one", rule="R4" if has_p else "R3", size=1, upper=max(arrays.p, 1),
                       lower=-np.inf if has_p else 1.0, terms=[])  # fmt: skip
        self.program = LinearProgram(model.arrays())
        no_customers = np.zeros(0, np.int64)
        self.add_loads([pool.add(int(j), no_customers) for j in np.flatnonzero(arrays.may_open)])
        self.add_loads(_price_columns(arrays, lagrangian.multipliers, pool)[1])
        self.add_loads(pool.within_cutoff(arrays, lagrangian, cutoff))
        self.add_covers([] if has_p else pool.allowed_covers(arrays))

    def solve(self) -> bool:
        """Solve the relaxation; return whether it is solved.

        Sets ``value``, the multipliers ``u`` (customers,) and ``column_values``.
        """
        if self.program.solve() is not Status.OPTIMAL:
            return False
        self.u = self.program.row_duals[: len(self.arrays.demand)]
        self.column_values = self.program.values
        self.value = self.program.value
        return True

    @property
    def is_at_limit(self) -> bool:
        """Whether a multiplier would leave its range [low, high] if it could."""
        return bool(self.column_values[: 2 * len(self.arrays.demand)].max(initial=0.0) > 1e-7)

    def centre_multipliers(self, u: Floats, width: float) -> None:
        """Keep the multipliers within ``width`` of ``u``."""
        n = len(u)
        costs = np.concatenate([u + width, width - u])
        self.program.change_costs(np.arange(2 * n), costs)

    def site_and_pair_shares(self) -> tuple[Floats, Floats, dict[int, float]]:
        """Shares of the relaxation by site (sites,), by pair (customers, sites) and by load.

        The shares by load are empty if a customer is left out or served twice.
        """
        pool = self.pool
        site_shares, pair_shares = (
            np.zeros(len(self.arrays.capacity)),
            np.zeros(self.arrays.cost.shape),
        )
        load_shares = {}
        for k, column in self.loads.items():
            share = float(self.column_values[column])
            if share > 1e-7:
                load_shares[k] = share
                site_shares[pool.site[k]] += share
                pair_shares[pool.customers[k], pool.site[k]] += share
        return site_shares, pair_shares, ({} if self.is_at_limit else load_shares)

    def add_loads(self, loads: list[int]) -> bool:
        """Add the loads that the master does not hold yet; return whether there were any."""
        n, m = self.arrays.cost.shape
        new = [k for k in loads if k not in self.loads]
        first_column = self.program.columns
        columns, costs = [], []
        for offset, k in enumerate(new):
            j, load = self.pool.site[k], self.pool.customers[k]
            count_row = [n + m] if self.arrays.p >= 0 else []
            columns.append((np.array([*load, n + j, *count_row], np.int32), 1.0))
            costs.append(self.arrays.opening_cost[j] + self.arrays.cost[load, j].sum())
            self.loads[k] = first_column + offset
        self._add_columns(columns, costs)
        return bool(new)

    def add_covers(self, covers: list[int]) -> bool:
        """Add the covers that the master does not hold yet; return whether there were any."""
        n, m = self.arrays.cost.shape
        new = [k for k in covers if k not in self.covers]
        first_column = self.program.columns
        columns = []
        for offset, k in enumerate(new):
            sites = n + np.flatnonzero(self.pool.covers[k])
            columns.append((np.array([*sites, n + m], np.int32), -1.0))
            self.covers[k] = first_column + offset
        self._add_columns(columns, [0.0] * len(columns))
        return bool(new)

    def _add_columns(
        self, columns: list[tuple[NDArray[np.int32], float]], costs: list[float]
    ) -> None:
        """Add columns (rows, the entry in each row); the entry in the last row is always 1."""
        if not columns:
            return
        last_row = sum(self.arrays.cost.shape)
        index = np.concatenate([rows for rows, _ in columns])
        lengths = [len(rows) for rows, _ in columns]
        entry = np.repeat([entry for _, entry in columns], lengths)
        entry[index == last_row] = 1.0
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        self.program.add_columns(np.array(costs, float), starts, index, entry)
