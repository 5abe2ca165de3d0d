"""Local search for customers who go whole to sites of limited room, compiled.

Moves: shift a customer, exchange two, open a site for those it serves cheaper, close one and send
its customers elsewhere, replace one by another; then shake, descend again, and keep what is better
(iterated local search). A plan always keeps within the rooms.

Source: Ahuja, Orlin, Pallottino, Scaparra and Scutella (2004), "A multi-exchange heuristic for
the single-source capacitated facility location problem", Management Science 50 (its single and
pairwise exchanges and its facility moves).
"""

# mypy: disable-error-code="assignment"
# ruff: noqa: NPY002  (compiled code has numpy's old random functions only; the seed is an argument)

from __future__ import annotations

import numpy as np

from placeopt.base.compiled import compiled


@compiled
def price(cost, opening, is_open, to):
    """What the plan costs."""
    total = 0.0
    for j in range(len(opening)):
        if is_open[j]:
            total += opening[j]
    for i in range(len(to)):
        total += cost[i, to[i]]
    return total


@compiled
def _over(left):
    """By how much a site is overfull."""
    return -left if left < 0 else 0.0


@compiled
def _send(cost, size, is_open, to, left, r, new, fine):
    """Send r's customers, the largest first, to open sites other than r (``new`` too).

    ``to`` and ``left`` are changed. Returns the change of cost, overfull room at ``fine`` a unit.
    """
    members = np.flatnonzero(to == r)
    members = members[np.argsort(-size[members])]
    change = 0.0
    for i in members:
        best, where = 1e290, -1
        for j in range(len(left)):
            if (is_open[j] or j == new) and j != r:
                value = cost[i, j] + fine * (_over(left[j] - size[i]) - _over(left[j]))
                if value < best:
                    best, where = value, j
        if where < 0:
            return np.inf
        change += best - cost[i, r] + fine * (_over(left[r] + size[i]) - _over(left[r]))
        to[i] = where
        left[where] -= size[i]
        left[r] += size[i]
    return change


@compiled
def _gather(cost, size, to, left, j, fine):
    """Move to j, within its room, whoever is cheaper there, best saving per size first."""
    n = len(to)
    saving = np.empty(n)
    for i in range(n):
        a = to[i]
        relief = fine * (_over(left[a]) - _over(left[a] + size[i])) if a != j else 0.0
        saving[i] = (cost[i, a] + relief - cost[i, j]) / max(size[i], 1e-9)
    change = 0.0
    for i in np.argsort(-saving):
        if saving[i] <= 1e-12:
            break
        a = to[i]
        if size[i] <= left[j] and a != j:
            step = cost[i, j] - cost[i, a] + fine * (_over(left[a] + size[i]) - _over(left[a]))
            if step < -1e-9:
                change += step
                left[a] += size[i]
                left[j] -= size[i]
                to[i] = j
    return change


@compiled
def _customers(cost, size, is_open, to, left, fine):
    """Shift and exchange customers until nothing saves; the change."""
    n = len(to)
    sites = np.flatnonzero(is_open)
    change = 0.0
    moved = True
    while moved:
        moved = False
        for i in range(n):
            a = to[i]
            freed = fine * (_over(left[a] + size[i]) - _over(left[a])) - cost[i, a]
            least, where = -1e-9, -1
            for b in sites:
                if b != a:
                    step = cost[i, b] + freed + fine * (_over(left[b] - size[i]) - _over(left[b]))
                    if step < least:
                        least, where = step, b
            if where >= 0:
                change += least
                left[a] += size[i]
                left[where] -= size[i]
                to[i] = where
                moved = True
            for k in range(i):
                a, b = to[i], to[k]
                if a == b:
                    continue
                step = cost[i, b] + cost[k, a] - cost[i, a] - cost[k, b]
                more = size[i] - size[k]
                step += fine * (_over(left[a] + more) - _over(left[a]))
                step += fine * (_over(left[b] - more) - _over(left[b]))
                if step < -1e-9:
                    left[a] += more
                    left[b] -= more
                    to[i], to[k] = b, a
                    change += step
                    moved = True
    return change


@compiled
def _sites(cost, size, opening, p, must, may, is_open, to, left, near, fine):
    """One pass of opening, closing and replacing sites; the change."""
    m = len(opening)
    total = 0.0
    trial, spare = to.copy(), left.copy()
    for j in np.random.permutation(m):
        if p >= 0 or is_open[j] or not may[j]:
            continue
        trial[:], spare[:] = to, left
        change = opening[j] + _gather(cost, size, trial, spare, j, fine)
        if change < -1e-9:
            to[:], left[:] = trial, spare
            is_open[j] = True
            total += change
    for r in np.random.permutation(m):
        if not is_open[r] or must[r]:
            continue
        if p < 0:
            trial[:], spare[:] = to, left
            change = _send(cost, size, is_open, trial, spare, r, -1, fine) - opening[r]
            if change < -1e-9:
                to[:], left[:] = trial, spare
                is_open[r] = False
                total += change
                continue
        members = np.flatnonzero(to == r)
        if len(members) == 0:
            continue
        i = members[np.random.randint(len(members))]
        for k in range(near.shape[1]):
            j = near[i, k]
            if is_open[j] or not may[j]:
                continue
            trial[:], spare[:] = to, left
            change = _send(cost, size, is_open, trial, spare, r, j, fine)
            if np.isinf(change):
                continue
            change += opening[j] - opening[r] + _gather(cost, size, trial, spare, j, fine)
            if change < -1e-9:
                to[:], left[:] = trial, spare
                is_open[r], is_open[j] = False, True
                total += change
                break
    return total


@compiled
def _shake(cost, size, p, must, may, is_open, to, left, near, fine):
    """Replace a site by one nearby (of any size: or open one, or close one); whether it went."""
    i = np.random.randint(len(to))
    j = near[i, np.random.randint(near.shape[1])]
    r = to[i]
    kind = np.random.randint(3) if p < 0 else 0
    if kind == 1:
        if is_open[j] or not may[j]:
            return False
        is_open[j] = True
        _gather(cost, size, to, left, j, fine)
        return True
    if must[r]:
        return False
    new = -1
    if kind == 0:
        if is_open[j] or not may[j]:
            return False
        new = j
    old_to, old_left = to.copy(), left.copy()
    if np.isinf(_send(cost, size, is_open, to, left, r, new, fine)):
        to[:], left[:] = old_to, old_left
        return False
    is_open[r] = False
    if new >= 0:
        is_open[new] = True
    return True


@compiled
def better(cost, size, room, opening, p, must, may, is_open, to, near, rounds, seed, slack):
    """Better a plan (``is_open`` and ``to`` in place) in ``rounds`` of shaking; its cost.

    The search may pass through overfull sites, whose fine rises while plans break a room and falls
    while they keep it; only plans that keep every room count. inf: none was found. ``near[i]``:
    sites to look at for customer i. A plan dearer than the best by more than ``slack`` of it is
    dropped for the best again.
    """
    np.random.seed(seed)
    m = len(opening)
    left = room.copy()
    for i in range(len(to)):
        left[to[i]] -= size[i]
    fine = np.abs(opening).mean() + 1.0
    for i in range(len(to)):
        far = cost[i, near[i, near.shape[1] - 1]]
        fine += (far if far < 1e290 else cost[i, to[i]]) / len(to)
    fine /= max(size.mean(), 1e-9)
    best, best_open, best_to = np.inf, is_open.copy(), to.copy()
    now, now_over = np.inf, 0.0
    now_open, now_to, now_left = is_open.copy(), to.copy(), left.copy()
    for t in range(rounds + 1):
        if t > 0:
            for _again in range(1 + np.random.randint(3)):
                if not _shake(cost, size, p, must, may, is_open, to, left, near, fine):
                    break
        for _pass in range(20):
            change = _customers(cost, size, is_open, to, left, fine)
            change += _sites(cost, size, opening, p, must, may, is_open, to, left, near, fine)
            if change > -1e-9:
                break
        over = 0.0
        for j in range(m):
            over += _over(left[j])
        value = price(cost, opening, is_open, to)
        if over <= 1e-9:
            if value < best - 1e-9:
                best = value
                best_open[:], best_to[:] = is_open, to
            fine *= 0.95
        else:
            fine *= 1.2
        limit = (now + fine * now_over) * (1.0 + slack * (1.0 - t / (rounds + 1)))
        if value + fine * over < limit:
            now, now_over = value, over
            now_open[:], now_to[:], now_left[:] = is_open, to, left
        else:
            is_open[:], to[:], left[:] = now_open, now_to, now_left
    is_open[:], to[:] = best_open, best_to
    return best
