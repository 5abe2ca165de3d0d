"""A problem with capacities as arrays, and its Lagrangian bound as prices that can be read.

``Work`` is what the methods for capacities share. ``raise_level`` gives a bound with the prices
that prove it (``knapsack``), and by how much it rises when a site is opened or shut.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from placeopt.location.statement import CAPACITATED, CAPACITATED_P_MEDIAN, Problem

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
BIG = 1e300
FINEST = 20_000  # whole numbers up to which rooms are filled exactly
COARSE = 2_000  # steps into which rooms are cut where sizes are no whole numbers
SPARE = 20_000  # whole numbers up to which the room to spare is counted exactly


@dataclass
class Work:
    """A capacitated problem as arrays, and the best plan's assignment or flows.

    Shapes: ``cost`` (customers, sites), BIG = no way; ``size``, ``weight`` (customers,); ``room``,
    ``hold``, ``bulk``, ``opening``, ``must``, ``may`` (sites,). ``weight`` and ``hold`` are sizes
    and rooms in whole numbers that never overstate a customer against a site; ``bulk`` and
    ``spare`` rooms and what they all hold beyond the demand, in whole numbers of their own that
    never overstate a room against what may be spared. ``p = -1``: any number.
    """

    cost: Floats
    size: Floats
    room: Floats
    opening: Floats
    p: int
    must: Bools
    may: Bools
    split: bool
    whole: bool
    weight: Ints
    hold: Ints
    bulk: Ints
    spare: int
    to: Ints | None = None
    flows: sparse.csr_array | None = None

    def replace(self, **changes) -> Work:
        return replace(self, **changes)


@dataclass(frozen=True)
class Level:
    """A bound and the prices that prove it. ``opened[j]``, ``shut[j]``: by how much it rises when
    j is opened or shut; ``base[j]``: when j is opened and serves nobody (above the best it does).
    ``often``, ``shares``: how often each site, each pair was taken on the way."""

    value: float
    u: Floats
    opened: Floats
    shut: Floats
    base: Floats
    often: Floats
    shares: Floats
    step: float


def work_of(problem: Problem) -> Work:
    """The arrays of a problem with capacities."""
    distance = problem.distances.dense()
    ceiling = np.inf if problem.ceiling is None else problem.ceiling
    allowed = np.isfinite(distance) & (distance <= ceiling)
    weighted = np.where(allowed, distance, 0.0) * problem.weights[:, None]
    may = np.ones(problem.sites, bool)
    may[list(problem.closed_positions)] = False
    must = np.zeros(problem.sites, bool)
    must[list(problem.opened_positions)] = True
    counted = problem.kind == CAPACITATED_P_MEDIAN
    opening = np.zeros(problem.sites) if counted else np.array(problem.fixed_costs)
    assert problem.capacities is not None
    must |= may & (opening < 0)  # opening them pays, whoever goes there
    room = np.minimum(problem.capacities, problem.demands.sum())
    split = problem.kind == CAPACITATED
    if not split:
        allowed &= problem.demands[:, None] <= room[None, :]
    cost = np.ascontiguousarray(np.where(allowed, weighted, BIG))
    values = np.concatenate([weighted[allowed], opening])
    whole = not split and bool((values == np.round(values)).all())
    p = int(problem.p or 0) if counted else -1
    size = np.array(problem.demands)
    numbers = (*_whole_numbers(size, room), *_spare_room(size, room, may))
    return Work(cost, size, room, opening, p, must, may, split, whole, *numbers)


def _whole_numbers(size: Floats, room: Floats) -> tuple[Ints, Ints]:
    """Sizes and rooms as whole numbers, exact where they are, else rounded down."""
    scale = 1.0
    if (size != np.round(size)).any():
        scale = COARSE / max(float(room.max()), 1e-9)
    elif room.max() > FINEST:
        scale = FINEST / float(room.max())
    weight = np.floor(size * scale + 1e-9).astype(np.int64)
    return weight, np.floor(room * scale + 1e-9).astype(np.int64)


def _spare_room(size: Floats, room: Floats, may: Bools) -> tuple[Ints, int]:
    """Rooms, and what they hold beyond the demand, in the largest unit that tells rooms apart."""
    spare = float(room[may].sum() - size.sum())
    scale = SPARE / max(spare, float(room.max()), 1e-9)
    if (room == np.round(room)).all():
        unit = np.gcd.reduce(room.astype(np.int64))
        scale = min(1.0 / max(int(unit), 1), max(scale, 0.0))
    return np.floor(room * scale + 1e-9).astype(np.int64), int(np.floor(spare * scale + 1e-9))


def no_plan(work: Work) -> str:
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


def first_prices(work: Work) -> Floats:
    reachable = np.where(work.cost < BIG, work.cost, np.nan)[:, work.may]
    prices: Floats = np.nanmin(reachable, axis=1) + 0.3 * np.nanmean(reachable, axis=1)
    return prices


def raise_level(
    work: Work, u: Floats, target: float, most: int, step: float, patience: int = 10
) -> Level:
    """Raise the bound from prices ``u``, towards ``target``, in at most ``most`` rounds."""
    from placeopt.location.capacitated import knapsack_bound

    _, u, rho, _, often, shares, step = knapsack_bound.ascend(
        work.cost, work.size, work.room, work.weight, work.hold, work.bulk, work.spare,
        work.opening, work.p, work.must, work.may, u, target, most, not work.split, step, patience,
    )  # fmt: skip
    return _level(work, u, rho, often, shares, step)[0]


def level_at(work: Work, u: Floats) -> tuple[Level, Floats, Bools]:
    """The level at prices ``u``, and what they make best where customers go whole: the fill of
    each site, (sites, customers), and the sites."""
    from placeopt.location.capacitated import knapsack_bound

    rho, fill = knapsack_bound.fill_all(
        work.cost, work.weight, work.hold, work.opening, work.may, np.ascontiguousarray(u)
    )
    n, m = work.cost.shape
    level, chosen = _level(work, u, rho, np.zeros(m), np.zeros((n, m)), 0.0)
    return level, fill, chosen


def _level(work: Work, u, rho, often, shares, step: float) -> tuple[Level, Bools]:
    from placeopt.location.capacitated import knapsack_bound

    common = (rho, work.bulk, work.spare, work.p, work.must, work.may)
    chosen = np.zeros(len(rho))
    value = float(u.sum() + knapsack_bound.choose(*common, chosen))
    opened, shut = knapsack_bound.forced_sites(*common)
    base = np.where(work.may, opened + work.opening - np.where(work.may, rho, 0.0), np.inf)
    return Level(value, u, opened, shut, base, often, shares, step), chosen > 0.5
