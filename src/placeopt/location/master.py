"""The best Lagrangian prices by column generation: the linear relaxation over all loads.

The relaxation of (P1) to (P5) (``partition``) over the loads found so far gives prices; the best
fill of each site at those prices is a new load or proof that none is missing. Prices are drawn
towards the best known ones, which saves rounds. Every price gives a bound (``loads``), so that the
search may end at any time.

Subgradients stop short here: on Diaz-Fernandez p7 at 4,262 after 3,000 rounds where this bound is
4,366, the optimum.

Source: Wentges (1997), "Weighted Dantzig-Wolfe decomposition for linear mixed-integer
programming", International Transactions in Operational Research 4 (the drawn prices); Diaz and
Fernandez (2002), "A branch-and-price algorithm for the single source capacitated plant location
problem", JORS 53.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from placeopt.location.loads import BIG, Floats, Ints, Level, Work, level_at

DRAWN = 0.6  # how much of the best prices goes into the next
CLOSE = 1e-6  # gap between the relaxation and its bound at which it is solved


@dataclass
class Pool:
    """Every load found so far: its site and its customers, ascending."""

    site: list[int] = field(default_factory=list)
    customers: list[Ints] = field(default_factory=list)
    known: set[tuple[int, bytes]] = field(default_factory=set)

    def add(self, site: int, customers: Ints) -> bool:
        key = (site, customers.tobytes())
        if key in self.known:
            return False
        self.known.add(key)
        self.site.append(site)
        self.customers.append(customers)
        return True

    def within(self, work: Work) -> list[int]:
        """The loads that ``work`` allows."""
        return [
            k
            for k, (j, load) in enumerate(zip(self.site, self.customers, strict=True))
            if work.may[j] and (work.cost[load, j] < BIG).all()
        ]


@dataclass(frozen=True)
class Relaxed:
    """The relaxation's answer: value, prices of customers, of the other rows, and shares."""

    value: float
    u: Floats
    other: Floats
    taken: Floats
    lacks: bool


def converge(
    work: Work, level: Level, pool: Pool, cutoff: float, rounds: int, seconds: float
) -> tuple[Level, dict[int, float]]:
    """The level at the best prices, and the loads that the relaxation takes with their shares.

    Ends early when the level passes ``cutoff``. ``often`` and ``shares`` of the level are those
    of the relaxation.
    """
    import time

    ends = time.perf_counter() + seconds
    fine = 2.0 * float(np.where(work.cost < BIG, work.cost, 0.0).max()) + work.opening.max() + 1.0
    _price(work, level.u, pool)
    used = pool.within(work)
    highs = _loaded(work, pool, used, fine)
    best, drawn, answer = level, DRAWN, None
    for _ in range(rounds):
        answer = _solved(highs, work)
        close = CLOSE * max(1.0, abs(best.value))
        if answer is None or best.value > cutoff or answer.value <= best.value + close:
            break
        if time.perf_counter() > ends:
            break
        u = drawn * best.u + (1.0 - drawn) * answer.u
        now, fresh = _price(work, u, pool)
        fresh = [
            k for k in fresh if _reduced(work, pool, k, answer) < -1e-9 * (1 + abs(answer.value))
        ]
        if now.value > best.value:
            best = now
        if not fresh:
            if drawn == 0.0:
                break
            drawn = 0.0
            continue
        drawn = DRAWN
        used += fresh
        _add(highs, work, pool, fresh)
    if answer is None:
        return best, {}
    return _with_shares(work, pool, best, used, answer)


def _with_shares(work: Work, pool: Pool, best: Level, used, answer: Relaxed):
    often, shares = np.zeros(len(work.room)), np.zeros(work.cost.shape)
    taken = {}
    for k, share in zip(used, answer.taken, strict=False):
        if share > 1e-7:
            taken[k] = float(share)
            often[pool.site[k]] += share
            shares[pool.customers[k], pool.site[k]] += share
    return replace(best, often=often, shares=shares), ({} if answer.lacks else taken)


def _price(work: Work, u: Floats, pool: Pool) -> tuple[Level, list[int]]:
    """The level at prices ``u`` and the loads new to the pool that they make best."""
    level, fill = level_at(work, u)
    fresh = []
    for j in np.flatnonzero(work.may):
        load = np.flatnonzero(fill[j] > 0.5)
        if work.size[load].sum() <= work.room[j] + 1e-9 and pool.add(int(j), load):
            fresh.append(len(pool.site) - 1)
    return level, fresh


def _reduced(work: Work, pool: Pool, k: int, answer: Relaxed) -> float:
    j, load, m = pool.site[k], pool.customers[k], len(work.room)
    cost = work.opening[j] + (work.cost[load, j] - answer.u[load]).sum()
    cost -= answer.other[j] + answer.other[m] * work.room[j]
    return float(cost - (answer.other[m + 1] if work.p >= 0 else 0.0))


def _loaded(work: Work, pool: Pool, used: list[int], fine: float):
    """The relaxation over the loads ``used``, in HiGHS, to which loads can be added."""
    from placeopt.engine.highs import load as load_into_highs
    from placeopt.location.partition import partition_model

    site = np.array([pool.site[k] for k in used], np.int64)
    lengths = [len(pool.customers[k]) for k in used]
    load = np.repeat(np.arange(len(used)), lengths)
    item = np.concatenate([pool.customers[k] for k in used]) if used else np.zeros(0, np.int64)
    model, _ = partition_model(work, site, load, item, _costs(work, pool, used), relaxed=fine)
    return load_into_highs(model.arrays())


def _costs(work: Work, pool: Pool, loads: list[int]) -> Floats:
    return np.array(
        [
            work.opening[j] + work.cost[pool.customers[k], j].sum()
            for k in loads
            for j in [pool.site[k]]
        ]
    )


def _solved(highs, work: Work) -> Relaxed | None:
    import highspy

    highs.run()
    if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    n = len(work.size)
    solution = highs.getSolution()
    duals, values = np.array(solution.row_dual), np.array(solution.col_value)
    return Relaxed(
        float(highs.getInfo().objective_function_value), duals[:n], duals[n:], values[n:],
        bool(values[:n].max(initial=0.0) > 1e-7),
    )  # fmt: skip


def _add(highs, work: Work, pool: Pool, fresh: list[int]) -> None:
    n, m = work.cost.shape
    index: list[NDArray] = []
    value: list[NDArray] = []
    starts, count = [], 0
    for k in fresh:
        j, load = pool.site[k], pool.customers[k]
        rows, values = [*load, n + j, n + m], [*np.ones(len(load)), 1.0, work.room[j]]
        if work.p >= 0:
            rows, values = [*rows, n + m + 1], [*values, 1.0]
        index.append(np.array(rows, np.int32))
        value.append(np.array(values, float))
        starts.append(count)
        count += len(rows)
    size = len(fresh)
    highs.addCols(
        size, _costs(work, pool, fresh), np.zeros(size), np.full(size, np.inf), count,
        np.array(starts, np.int32), np.concatenate(index), np.concatenate(value),
    )  # fmt: skip
