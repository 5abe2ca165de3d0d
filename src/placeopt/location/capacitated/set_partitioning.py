"""Which loads to take: a set partitioning over the loads of ``load_enumeration``.

    (P1) minimise sum over (j, S) of (f[j] + sum_{i in S} c[i,j]) load[j,S]
    (P2) sum_{S holds i} load[j,S] >= 1              every customer is served (twice never saves)
    (P3) sum_S load[j,S] <= 1, = 1 where opened      a site takes one load
    (P4) sum Q[j] load[j,S] >= sum_i q[i]            all capacity holds all demand
    (P5) sum load[j,S] = p                           capacitated p-median only

A plan below L + G has only loads with r(j, S) <= G. So the best plan over those is the best plan
of all if it costs no more than L + G; otherwise no plan costs less than L + G.

Source: Baldacci, Hadjiconstantinou, Maniezzo and Mingozzi (2002), Computers & OR 29.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placeopt.engine import Block, Model, Status, solve
from placeopt.engine.settings import Settings
from placeopt.location.capacitated.arrays import CapacitatedArrays, LagrangianBound

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class PartitioningResult:
    """The plan of a set partitioning, if any, and what it proves.

    Attributes:
        cost: Cost of the plan; inf if there is none.
        assignment: Site of each customer, (customers,).
        is_open: Open sites, (sites,).
        bound: Lower bound of every plan; inf if no plan is below the cutoff.
        loads_considered: Number of loads in the model.
    """

    cost: float
    assignment: Ints
    is_open: NDArray[np.bool_]
    bound: float
    loads_considered: int


def solve_set_partitioning(
    arrays: CapacitatedArrays,
    lagrangian: LagrangianBound,
    cutoff: float,
    max_loads: int,
    seconds: float,
    only_if_complete: bool = False,
) -> PartitioningResult:
    """The best plan below ``cutoff`` over at most ``max_loads`` loads, those nearest to the bound.

    Args:
        arrays: The problem.
        lagrangian: A bound of it.
        cutoff: Cost below which plans are sought.
        max_loads: Largest number of loads.
        seconds: Time limit of the engine.
        only_if_complete: Solve only if all loads within the gap can be listed.

    Returns:
        The plan, with a bound that holds for every plan of ``arrays``.
    """
    from placeopt.location.capacitated import load_enumeration

    no_plan = PartitioningResult(
        np.inf, np.zeros(0, np.int64), np.zeros(0, bool), lagrangian.value, 0
    )
    gap = cutoff - lagrangian.value + 1e-9 * abs(lagrangian.value)
    if gap < 0:
        return PartitioningResult(np.inf, no_plan.assignment, no_plan.is_open, np.inf, 0)
    is_complete = True
    while True:
        site, start, customer, is_listed = load_enumeration.enumerate_loads(
            arrays.cost,
            arrays.demand,
            arrays.integer_demand,
            arrays.capacity,
            arrays.integer_capacity,
            lagrangian.rise_if_empty,
            arrays.may_open,
            lagrangian.multipliers,
            gap,
            max_loads,
        )
        if is_listed:
            break
        is_complete, gap = False, gap * 0.7
        if only_if_complete or gap < 1e-6 * abs(lagrangian.value):
            return no_plan
    highest_bound = cutoff if is_complete else lagrangian.value + gap
    if len(site) == 0:
        return PartitioningResult(
            np.inf, no_plan.assignment, no_plan.is_open, np.inf if is_complete else highest_bound, 0
        )
    load = np.repeat(np.arange(len(site)), np.diff(start))
    cost = arrays.opening_cost[site] + np.bincount(
        load, arrays.cost[customer, site[load]], minlength=len(site)
    )
    model, x = partitioning_model(arrays, site, load, customer, cost)
    result = solve(model, Settings(time_limit_seconds=max(0.1, seconds), gap=0.0, threads=1))
    bound = lagrangian.value
    if result.status is Status.INFEASIBLE:
        bound = np.inf if is_complete else highest_bound
    elif np.isfinite(result.bound):
        bound = max(bound, min(result.bound, np.inf if is_complete else highest_bound))
    if not result.has_plan:
        return PartitioningResult(np.inf, no_plan.assignment, no_plan.is_open, bound, len(site))
    chosen = np.flatnonzero(result.value(x) > 0.5)
    loads = [(int(site[k]), customer[start[k] : start[k + 1]]) for k in chosen]
    value, is_open, assignment = plan_from_loads(arrays, loads)
    return PartitioningResult(value, assignment, is_open, bound, len(site))


def plan_from_pool(
    arrays: CapacitatedArrays,
    lagrangian: LagrangianBound,
    loads: list[tuple[int, Ints]],
    max_loads: int,
    seconds: float,
) -> tuple[float, NDArray[np.bool_], Ints] | None:
    """A plan made of known loads, the ``max_loads`` nearest to the bound; it proves nothing."""
    site = np.array([j for j, _ in loads], np.int64)
    rise = np.array(
        [
            lagrangian.rise_if_empty[j]
            - (lagrangian.multipliers[load] - arrays.cost[load, j]).sum()
            for j, load in loads
        ]
    )
    chosen = np.argsort(rise, kind="stable")[:max_loads]
    site, load_customers = site[chosen], [loads[k][1] for k in chosen]
    load = np.repeat(np.arange(len(chosen)), [len(each) for each in load_customers])
    customer = np.concatenate(load_customers)
    cost = arrays.opening_cost[site] + np.bincount(
        load, arrays.cost[customer, site[load]], minlength=len(site)
    )
    model, x = partitioning_model(arrays, site, load, customer, cost)
    result = solve(model, Settings(time_limit_seconds=max(0.1, seconds), gap=1e-5, threads=1))
    if not result.has_plan:
        return None
    return plan_from_loads(
        arrays, [(int(site[k]), load_customers[k]) for k in np.flatnonzero(result.value(x) > 0.5)]
    )


def partitioning_model(
    arrays: CapacitatedArrays, site: Ints, load: Ints, customer: Ints, cost: Floats
) -> tuple[Model, Block]:
    """The model (P1) to (P5) over loads.

    Args:
        arrays: The problem.
        site: Site of each load, (loads,).
        load: Load of each entry, (entries,).
        customer: Customer of each entry, (entries,).
        cost: Cost of each load, (loads,).

    Returns:
        The model and its columns, one for each load.
    """
    n, m = arrays.cost.shape
    model = Model("partition")
    x = model.add_columns("load", size=len(site), upper=1.0, cost=cost, integer=True)
    zeros = np.zeros(len(site), np.int64)
    model.add_rows("served", rule="P2", size=n, lower=1.0, terms=[(customer, x.at(load), 1.0)])
    model.add_rows("once", rule="P3", size=m, lower=arrays.must_open.astype(float), upper=1.0,
                   terms=[(site, x.all, 1.0)])  # fmt: skip
    model.add_rows("enough", rule="P4", size=1, lower=arrays.demand.sum(),
                   terms=[(zeros, x.all, arrays.capacity[site])])  # fmt: skip
    if arrays.p >= 0:
        model.add_rows("count", rule="P5", size=1, lower=arrays.p, upper=arrays.p,
                       terms=[(zeros, x.all, 1.0)])  # fmt: skip
    return model, x


def plan_from_loads(
    arrays: CapacitatedArrays, loads: list[tuple[int, Ints]]
) -> tuple[float, NDArray[np.bool_], Ints]:
    """The cost, open sites and assignment of a plan made of loads.

    A customer in two loads is assigned to the cheaper site.
    """
    n, _ = arrays.cost.shape
    assignment, is_open = np.full(n, -1, np.int64), arrays.must_open.copy()
    for j, customers in loads:
        is_open[j] = True
        is_cheaper = (assignment[customers] < 0) | (
            arrays.cost[customers, j] < arrays.cost[customers, assignment[customers]]
        )
        assignment[customers[is_cheaper]] = j
    if arrays.p >= 0:
        unopened = np.flatnonzero(arrays.may_open & ~is_open)
        is_open[unopened[: max(0, arrays.p - int(is_open.sum()))]] = True
    cost = float(arrays.cost[np.arange(n), assignment].sum() + arrays.opening_cost[is_open].sum())
    return cost, is_open, assignment
