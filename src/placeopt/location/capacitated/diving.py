"""A plan out of the prices of a Lagrangian bound: send for good whom the bound is sure about.

Round by round the bound is raised a little over the customers still without a site; those it
sends to one site nearly always are sent there for good, and take up its room. Local search
(``shifts``) betters what comes out.

Source: Joncour, Michel, Sadykov, Sverdlov and Vanderbeck (2010), "Column generation based primal
heuristics", Electronic Notes in Discrete Mathematics 36.
"""

from __future__ import annotations

import numpy as np

from placeopt.location.capacitated.arrays import BIG, Bools, Floats, Ints, Level, Work, raise_level
from placeopt.location.search_state import Run

SURE = 0.85  # how often the bound must send a customer to one site to send it for good
SLACK = 0.002  # how much dearer than the best a plan may be to search on from it
PARTS = 4  # in which the rounds of local search are made, time being looked at between
NEAR = 10  # sites looked at for each customer by the local search


def plan_from(
    work: Work, run: Run, level: Level, seed: int, rounds: int = 0, record: Work | None = None
) -> None:
    """Offer the run the plan that a dive from ``level`` finds (``record`` keeps who goes where)."""
    plan = None if run.out_of_time else dive(work, level, seed, run)
    if plan is None:
        return
    to, is_open = plan
    cost = bettered(work, run, to, is_open, rounds, seed)
    if run.offer(cost, is_open):
        (record or work).to = to.copy()


def bettered(work: Work, run: Run, to: Ints, is_open: Bools, rounds: int, seed: int) -> float:
    """Local search from a plan, in place, until time is up; its cost (inf: it broke a room)."""
    from placeopt.location.capacitated import exchange_search

    count = min(NEAR, work.cost.shape[1])
    near = np.argsort(np.where(work.may, work.cost, BIG), axis=1, kind="stable")[:, :count]
    found, best = np.inf, (to.copy(), is_open.copy())
    for part in range(PARTS):
        cost = exchange_search.better(
            work.cost, work.size, work.room, work.opening, work.p, work.must, work.may, is_open, to,
            np.ascontiguousarray(near), rounds // PARTS, seed + part, SLACK,
        )  # fmt: skip
        if cost < found:
            found, best = float(cost), (to.copy(), is_open.copy())
        to[:], is_open[:] = best
        if run.out_of_time:
            break
    return found


def dive(work: Work, level: Level, seed: int, run: Run) -> tuple[Ints, Bools] | None:
    """(the site of each customer, which sites are open), or None where the dive gets stuck."""
    n, _ = work.cost.shape
    noise = np.random.default_rng(seed)
    room, opening = work.room.copy(), work.opening.copy()
    hold, must = work.hold.copy(), work.must.copy()
    to = np.full(n, -1, np.int64)
    u, left, paid = level.u.copy(), np.arange(n), 0.0
    target = abs(level.value) * 1.01 + 1.0
    while len(left):
        if run.out_of_time:
            return None
        cost = np.where(work.size[left][:, None] <= room[None, :], work.cost[left], BIG)
        part = work.replace(
            cost=np.ascontiguousarray(cost), size=work.size[left], weight=work.weight[left],
            room=room, hold=hold, opening=opening, must=must,
        )  # fmt: skip
        if (cost[:, work.may] >= BIG).all(axis=1).any():
            return None
        now = raise_level(part, u[left], max(target - paid, 1.0), 20, 0.3, 8)
        u[left] = now.u
        sent = _surest(part, now.shares * (1 + 0.3 * noise.random(now.shares.shape)), n)
        if not sent:
            return None
        for i, j in sent:
            customer = left[i]
            to[customer] = j
            paid += work.cost[customer, j] + opening[j]
            opening[j], must[j] = 0.0, True
            room[j] -= work.size[customer]
            hold[j] -= work.weight[customer]
        left = np.delete(left, [i for i, _ in sent])
    return to, _filled(work, must)


def _surest(part: Work, shares: Floats, n: int) -> list[tuple[int, int]]:
    """Whom to send for good now, and where: some customers at least, if anybody fits."""
    total = shares.sum(axis=1)
    best = shares.argmax(axis=1)
    sure = shares[np.arange(len(total)), best] / np.maximum(total, 1e-12)
    room, must = part.room.copy(), part.must.copy()
    most = max(1, int(0.05 * n), int((sure >= SURE).sum()))
    sent: list[tuple[int, int]] = []
    for i in np.argsort(-sure)[:most]:
        j = int(best[i])
        if sure[i] > 0 and part.cost[i, j] < BIG and _fits(part, room, must, i, j):
            sent.append((int(i), j))
            room[j] -= part.size[i]
            must[j] = True
    if sent:
        return sent
    i = int(part.size.argmax())
    price = np.where(part.cost[i] < BIG, part.cost[i] + np.where(must, 0, part.opening), np.inf)
    for j in np.argsort(price):
        if np.isfinite(price[j]) and _fits(part, room, must, i, int(j)):
            return [(i, int(j))]
    return []


def _fits(part: Work, room: Floats, must: Bools, i: int, j: int) -> bool:
    if not part.may[j] or room[j] < part.size[i]:
        return False
    return bool(must[j] or part.p < 0 or must.sum() < part.p)


def _filled(work: Work, is_open: Bools) -> Bools:
    """Open as many sites as p asks, though they serve nobody."""
    is_open = is_open.copy()
    if work.p >= 0:
        spare = np.flatnonzero(work.may & ~is_open)
        is_open[spare[: max(0, work.p - int(is_open.sum()))]] = True
    return is_open
