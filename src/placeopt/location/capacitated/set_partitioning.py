"""Which loads to take: a set partitioning over the columns of ``columns``.

    (P1) minimise sum over (j, S) of (f[j] + sum_{i in S} c[i,j]) load[j,S]
    (P2) sum_{S holds i} load[j,S] >= 1              everybody is served (twice is never cheaper)
    (P3) sum_S load[j,S] <= 1, = 1 where opened      a site takes one load
    (P4) sum Q[j] load[j,S] >= sum_i q[i]            all capacity holds all demand
    (P5) sum load[j,S] = p                           capacitated p-median only

A plan below L + G has only columns with r(j, S) <= G. So the best over those is the best plan if
it costs no more than L + G, and otherwise no plan costs less than L + G.

Source: Baldacci, Hadjiconstantinou, Maniezzo and Mingozzi (2002), Computers & OR 29.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placeopt.engine import Block, Model, Status, solve
from placeopt.location.capacitated.arrays import Level, Work

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Outcome:
    """A plan (``to``: the site of each customer, ``is_open``) or none at cost inf.

    No plan is cheaper than ``bound`` (inf: none is below the cut-off). ``columns``: how many loads
    were looked at.
    """

    cost: float
    to: Ints
    is_open: NDArray[np.bool_]
    bound: float
    columns: int


def best_loads(
    work: Work, level: Level, cutoff: float, most: int, seconds: float, settle: bool = False
) -> Outcome:
    """The best plan below ``cutoff`` made of at most ``most`` columns, those nearest to the bound.

    ``bound`` of the outcome holds for every plan of ``work`` (inf: none is below ``cutoff``).
    ``settle``: look only where all of the gap can be looked at.
    """
    from placeopt.location.capacitated import load_enumeration

    none = Outcome(np.inf, np.zeros(0, np.int64), np.zeros(0, bool), level.value, 0)
    gap = cutoff - level.value + 1e-9 * abs(level.value)
    if gap < 0:
        return Outcome(np.inf, none.to, none.is_open, np.inf, 0)
    complete = True
    while True:
        site, start, item, fits = load_enumeration.all_loads(
            work.cost, work.size, work.weight, work.room, work.hold, level.base, work.may, level.u,
            gap, most,
        )  # fmt: skip
        if fits:
            break
        complete, gap = False, gap * 0.7
        if settle or gap < 1e-6 * abs(level.value):
            return none
    top = cutoff if complete else level.value + gap
    if len(site) == 0:
        return Outcome(np.inf, none.to, none.is_open, np.inf if complete else top, 0)
    load = np.repeat(np.arange(len(site)), np.diff(start))
    cost = work.opening[site] + np.bincount(load, work.cost[item, site[load]], minlength=len(site))
    model, x = partition_model(work, site, load, item, cost)
    result = solve(model, time_limit_seconds=max(0.1, seconds), gap=0.0, threads=1)
    bound = level.value
    if result.status is Status.INFEASIBLE:
        bound = np.inf if complete else top
    elif np.isfinite(result.bound):
        bound = max(bound, min(result.bound, np.inf if complete else top))
    if not result.has_plan:
        return Outcome(np.inf, none.to, none.is_open, bound, len(site))
    chosen = np.flatnonzero(result.value(x) > 0.5)
    loads = [(int(site[k]), item[start[k] : start[k + 1]]) for k in chosen]
    value, is_open, to = plan_of(work, loads)
    return Outcome(value, to, is_open, bound, len(site))


def best_of_pool(
    work: Work, level: Level, loads: list[tuple[int, Ints]], most: int, seconds: float
) -> tuple[float, NDArray[np.bool_], Ints] | None:
    """A plan made of loads at hand, the ``most`` nearest to the bound; proves nothing."""
    site = np.array([j for j, _ in loads], np.int64)
    above = np.array([level.base[j] - (level.u[s] - work.cost[s, j]).sum() for j, s in loads])
    chosen = np.argsort(above, kind="stable")[:most]
    site, parts = site[chosen], [loads[k][1] for k in chosen]
    load = np.repeat(np.arange(len(chosen)), [len(part) for part in parts])
    item = np.concatenate(parts)
    cost = work.opening[site] + np.bincount(load, work.cost[item, site[load]], minlength=len(site))
    model, x = partition_model(work, site, load, item, cost)
    result = solve(model, time_limit_seconds=max(0.1, seconds), gap=1e-5, threads=1)
    if not result.has_plan:
        return None
    return plan_of(work, [(int(site[k]), parts[k]) for k in np.flatnonzero(result.value(x) > 0.5)])


def partition_model(
    work: Work, site: Ints, load: Ints, item: Ints, cost: Floats
) -> tuple[Model, Block]:
    """(P1) to (P5) over loads: ``item[k]`` is a customer of load ``load[k]``, at ``site``."""
    n, m = work.cost.shape
    model = Model("partition")
    x = model.add_columns("load", size=len(site), upper=1.0, cost=cost, integer=True)
    zeros = np.zeros(len(site), np.int64)
    model.add_rows("served", rule="P2", size=n, lower=1.0, terms=[(item, x.at(load), 1.0)])
    model.add_rows("once", rule="P3", size=m, lower=work.must.astype(float), upper=1.0,
                   terms=[(site, x.all, 1.0)])  # fmt: skip
    model.add_rows("enough", rule="P4", size=1, lower=work.size.sum(),
                   terms=[(zeros, x.all, work.room[site])])  # fmt: skip
    if work.p >= 0:
        model.add_rows("count", rule="P5", size=1, lower=work.p, upper=work.p,
                       terms=[(zeros, x.all, 1.0)])  # fmt: skip
    return model, x


def plan_of(work: Work, loads: list[tuple[int, Ints]]) -> tuple[float, NDArray[np.bool_], Ints]:
    """(cost, open sites, who goes where); somebody in two loads goes where it is cheaper."""
    n, _ = work.cost.shape
    to, is_open = np.full(n, -1, np.int64), work.must.copy()
    for j, customers in loads:
        is_open[j] = True
        nearer = (to[customers] < 0) | (
            work.cost[customers, j] < work.cost[customers, to[customers]]
        )
        to[customers[nearer]] = j
    if work.p >= 0:
        spare = np.flatnonzero(work.may & ~is_open)
        is_open[spare[: max(0, work.p - int(is_open.sum()))]] = True
    value = float(work.cost[np.arange(n), to].sum() + work.opening[is_open].sum())
    return value, is_open, to
