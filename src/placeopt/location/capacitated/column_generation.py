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

from dataclasses import dataclass, field, replace

import numpy as np

from placeopt.base.arrays import Bools, Floats, Ints, ShortInts
from placeopt.base.deadline import Deadline, record_timeout
from placeopt.engine import Model
from placeopt.engine.interrupts import interrupted
from placeopt.engine.linear_program import LinearProgram
from placeopt.engine.result import Status
from placeopt.location.capacitated.arrays import CapacitatedArrays
from placeopt.location.capacitated.lagrangian import LagrangianBound, evaluate_bound
from placeopt.location.capacitated.params import ColumnGenerationParams
from placeopt.location.capacitated.set_partitioning import Load

LEAST_SHARE = 1e-7  # shares of loads below it are 0


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

    def load(self, index: int) -> Load:
        """The load at an index."""
        return self.site[index], self.customers[index]

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
        is_forbidden = ~arrays.is_allowed[customer, site[load]]
        has_forbidden = np.bincount(load[is_forbidden], minlength=len(site)) > 0
        least_cost = lagrangian.value + lagrangian.rise_if_empty[site] - saving
        is_below_cutoff = least_cost <= cutoff + 1e-9 * abs(cutoff)
        chosen: list[int] = np.flatnonzero(
            arrays.may_open[site] & ~has_forbidden & is_below_cutoff
        ).tolist()
        return chosen

    def allowed_covers(self, arrays: CapacitatedArrays) -> list[int]:
        """Indices of the covers that ``arrays`` allows, including the set of all its sites."""
        self.add_cover(arrays.may_open.copy())
        allowed = enumerate(self.covers)
        return [
            k
            for k, cover in allowed
            if not (cover & ~arrays.may_open | ~cover & arrays.must_open).any()
        ]


@dataclass(frozen=True)
class MasterSolution:
    """The result of column generation.

    Attributes:
        bound: The best bound, whose ``site_shares`` and ``pair_shares`` are those of the
            relaxation if it was solved.
        load_shares: The share of each load that the relaxation uses, by its index in the pool;
            empty if it leaves a customer out, serves one twice or was not solved.
    """

    bound: LagrangianBound
    load_shares: dict[int, float]


def solve_master(
    arrays: CapacitatedArrays,
    start: LagrangianBound,
    pool: LoadPool,
    cutoff: float,
    deadline: Deadline,
    params: ColumnGenerationParams,
) -> MasterSolution:
    """The bound at the best multipliers, and the loads that the relaxation uses.

    Ends early once the bound passes ``cutoff``.

    Args:
        arrays: The problem.
        start: Bound to begin with.
        pool: Loads and covers known so far; new ones are added.
        cutoff: Cost below which plans are sought.
        deadline: When to end.
        params: The parameters of the method.
    """
    width = params.initial_width * float(np.abs(start.multipliers).mean()) + 1e-6
    max_width = _widest_range(arrays)
    restricted_master = RestrictedMaster(arrays, pool, start, cutoff)
    restricted_master.centre_multipliers(start.multipliers, width)
    best, smoothing, is_solved = start, params.smoothing, False
    for _ in range(params.max_rounds):
        is_solved = restricted_master.solve()
        is_late = deadline.has_passed or interrupted()
        if not is_solved or best.value > cutoff or is_late:
            if is_late:
                record_timeout("the prices of capacities")
            break
        has_new = False
        slack = params.tolerance * max(1.0, abs(best.value))
        has_converged = restricted_master.value <= best.value + slack
        if not has_converged:
            multipliers = (
                smoothing * best.multipliers + (1.0 - smoothing) * restricted_master.multipliers
            )
            current, loads, covers = _price_columns(arrays, multipliers, pool)
            added = restricted_master.add_loads(loads), restricted_master.add_covers(covers)
            has_new = any(added)
            if current.value > best.value:
                best = current
                restricted_master.centre_multipliers(best.multipliers, width)
        if has_new:
            smoothing = params.smoothing
        elif not has_converged and smoothing > 0.0:
            smoothing = 0.0
        elif restricted_master.is_at_limit and width < max_width:
            width, smoothing = params.widening * width, params.smoothing
            restricted_master.centre_multipliers(best.multipliers, width)
        else:
            break
    else:
        is_solved = restricted_master.solve()  # with what the last round added
    if not is_solved:
        return MasterSolution(best, {})
    site_shares, pair_shares, load_shares = restricted_master.site_and_pair_shares()
    bound = replace(best, site_shares=site_shares, pair_shares=pair_shares)
    return MasterSolution(bound, load_shares)


def _widest_range(arrays: CapacitatedArrays) -> float:
    """A range wide enough for every optimal multiplier, if there is a plan."""
    service_cost = np.where(arrays.is_allowed, arrays.cost, 0.0).max()
    return 16.0 * len(arrays.demand) * (float(service_cost + arrays.opening_cost.max()) + 1.0)


def _price_columns(
    arrays: CapacitatedArrays, multipliers: Floats, pool: LoadPool
) -> tuple[LagrangianBound, list[int], list[int]]:
    """The bound at ``multipliers``, and the indices of the loads and the cover that attain it."""
    lagrangian, fill, chosen = evaluate_bound(arrays, multipliers)
    loads = []
    for j in np.flatnonzero(arrays.may_open):
        load = np.flatnonzero(fill[j] > 0.5)
        if arrays.demand[load].sum() <= arrays.capacity[j] + 1e-9:
            loads.append(pool.add(int(j), load))
    return lagrangian, loads, [] if arrays.has_fixed_size else [pool.add_cover(chosen)]


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

    Attributes:
        value: Objective of the last solve.
        multipliers: Duals of (R1) in the last solve, (customers,).
        column_values: Values of the columns in the last solve.
    """

    def __init__(
        self, arrays: CapacitatedArrays, pool: LoadPool, lagrangian: LagrangianBound, cutoff: float
    ) -> None:
        """The relaxation over the loads of ``pool`` that a plan below ``cutoff`` may contain."""
        n, m = arrays.cost.shape
        self.arrays, self.pool = arrays, pool
        self.value, self.multipliers, self.column_values = np.nan, np.zeros(n), np.zeros(0)
        self.loads: dict[int, int] = {}  # column of each load, by its index in the pool
        self.covers: dict[int, int] = {}  # column of each cover
        has_p = arrays.has_fixed_size
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
        """Solve the relaxation; return whether it is solved."""
        if self.program.solve() is not Status.OPTIMAL:
            return False
        self.multipliers = self.program.row_duals[: len(self.arrays.demand)]
        self.column_values = self.program.values
        self.value = self.program.value
        return True

    @property
    def is_at_limit(self) -> bool:
        """Whether a multiplier would leave its range [low, high] if it could."""
        return bool(
            self.column_values[: 2 * len(self.arrays.demand)].max(initial=0.0) > LEAST_SHARE
        )

    def centre_multipliers(self, centre: Floats, width: float) -> None:
        """Keep the multipliers within ``width`` of ``centre`` (customers,)."""
        n = len(centre)
        costs = np.concatenate([centre + width, width - centre])
        self.program.change_costs(np.arange(2 * n), costs)

    def site_and_pair_shares(self) -> tuple[Floats, Floats, dict[int, float]]:
        """Shares of the relaxation by site (sites,), by pair (customers, sites) and by load.

        The shares by load are empty if a customer is left out or served twice.
        """
        pool = self.pool
        site_shares = np.zeros(len(self.arrays.capacity))
        pair_shares = np.zeros(self.arrays.cost.shape)
        load_shares = {}
        for k, column in self.loads.items():
            share = float(self.column_values[column])
            if share > LEAST_SHARE:
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
            count_row = [n + m] if self.arrays.has_fixed_size else []
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

    def _add_columns(self, columns: list[tuple[ShortInts, float]], costs: list[float]) -> None:
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
