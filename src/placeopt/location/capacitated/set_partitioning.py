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

from placeopt.base.arrays import Floats, Ints
from placeopt.engine import Block, Model, Status, solve
from placeopt.engine.settings import Settings
from placeopt.location.capacitated.arrays import CapacitatedArrays, open_up_to_p
from placeopt.location.capacitated.lagrangian import LagrangianBound
from placeopt.location.capacitated.load_enumeration import LoadList, LoadPrices, enumerate_loads
from placeopt.location.capacitated.plan import AssignedPlan

Load = tuple[int, Ints]  # a site and the customers that it serves
LEAST_SECONDS = 0.1  # time limit of an engine
POOL_GAP = 1e-5  # relative gap at which the engine stops on known loads, which prove nothing


@dataclass(frozen=True)
class PartitioningResult:
    """The result of a set partitioning.

    Attributes:
        plan: The best plan over the loads; None if there is none.
        bound: Lower bound of every plan; inf if no plan is below the cutoff.
    """

    plan: AssignedPlan | None
    bound: float


def solve_set_partitioning(
    arrays: CapacitatedArrays,
    lagrangian: LagrangianBound,
    cutoff: float,
    max_loads: int,
    seconds: float,
) -> PartitioningResult:
    """The best plan below ``cutoff``, if all loads within the gap can be listed.

    Args:
        arrays: The problem.
        lagrangian: A bound of it.
        cutoff: Cost below which plans are sought.
        max_loads: Largest number of loads.
        seconds: Time limit of the engine.

    Returns:
        The plan, with a bound that holds for every plan of ``arrays``.
    """
    gap = cutoff - lagrangian.value + 1e-9 * abs(lagrangian.value)
    if gap < 0:
        return PartitioningResult(None, np.inf)
    prices = LoadPrices(lagrangian.multipliers, lagrangian.rise_if_empty)
    listed = enumerate_loads(arrays, prices, gap, max_loads)
    if not listed.is_complete:
        return PartitioningResult(None, lagrangian.value)
    if len(listed.site) == 0:
        return PartitioningResult(None, np.inf)
    model, x = partitioning_model(arrays, listed)
    result = solve(model, Settings(max(LEAST_SECONDS, seconds), gap=0.0, threads=1))
    bound = lagrangian.value
    if result.status is Status.INFEASIBLE:
        bound = np.inf
    elif np.isfinite(result.bound):
        bound = max(bound, result.bound)
    if not result.has_plan:
        return PartitioningResult(None, bound)
    start = listed.start
    loads = [
        (int(listed.site[k]), listed.customer[start[k] : start[k + 1]].astype(np.int64))
        for k in np.flatnonzero(result.value(x) > 0.5)
    ]
    return PartitioningResult(plan_from_loads(arrays, loads), bound)


def plan_from_pool(
    arrays: CapacitatedArrays,
    lagrangian: LagrangianBound,
    loads: list[Load],
    max_loads: int,
    seconds: float,
) -> AssignedPlan | None:
    """A plan made of known loads, the ``max_loads`` nearest to the bound; it proves nothing."""
    site = np.array([j for j, _ in loads], np.int64)
    rise = np.array(
        [
            lagrangian.rise_if_empty[j]
            - (lagrangian.multipliers[load] - arrays.cost[load, j]).sum()
            for j, load in loads
        ]
    )
    nearest = np.argsort(rise, kind="stable")[:max_loads]
    customers = [loads[k][1] for k in nearest]
    start = np.concatenate([[0], np.cumsum([len(load) for load in customers])])
    chosen = LoadList(
        site[nearest].astype(np.int32), start, np.concatenate(customers).astype(np.int32), False
    )
    model, x = partitioning_model(arrays, chosen)
    result = solve(model, Settings(max(LEAST_SECONDS, seconds), gap=POOL_GAP, threads=1))
    if not result.has_plan:
        return None
    return plan_from_loads(
        arrays, [loads[nearest[k]] for k in np.flatnonzero(result.value(x) > 0.5)]
    )


def partitioning_model(arrays: CapacitatedArrays, loads: LoadList) -> tuple[Model, Block]:
    """The model (P1) to (P5) over ``loads``, and its columns, one for each load."""
    n, m = arrays.cost.shape
    site, customer = loads.site, loads.customer
    load = np.repeat(np.arange(len(site)), np.diff(loads.start))
    service = np.bincount(load, arrays.cost[customer, site[load]], minlength=len(site))
    cost: Floats = arrays.opening_cost[site] + service
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


def plan_from_loads(arrays: CapacitatedArrays, loads: list[Load]) -> AssignedPlan:
    """The plan made of ``loads``; a customer in two of them is assigned to the cheaper site."""
    n, _ = arrays.cost.shape
    assignment, is_open = np.full(n, -1, np.int64), arrays.must_open.copy()
    for j, customers in loads:
        is_open[j] = True
        is_cheaper = (assignment[customers] < 0) | (
            arrays.cost[customers, j] < arrays.cost[customers, assignment[customers]]
        )
        assignment[customers[is_cheaper]] = j
    is_open = open_up_to_p(arrays, is_open)
    service_cost = arrays.cost[np.arange(n), assignment].sum()
    return AssignedPlan(
        float(service_cost + arrays.opening_cost[is_open].sum()), is_open, assignment
    )
