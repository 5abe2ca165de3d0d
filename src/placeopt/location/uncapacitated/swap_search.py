"""Swap local search over candidate lists, compiled.

Each customer keeps its cheapest and second cheapest open site (``a1, d1, a2, d2``); ``loss[r]``
is what closing r costs its customers. Opening j and closing r changes the cost by

    f[j] - sum_{i: c[i,j] < d1[i]} (d1[i] - c[i,j])  +  loss[r] - f[r]
         - sum_{i: a1[i] = r, c[i,j] < d2[i]} (d2[i] - max(d1[i], c[i,j]))

so that the best r for a given j comes out of one pass over j's customers. After a move only sites
whose evaluation changed are looked at again.

Source: Whitaker (1983); Hansen and Mladenovic (1997); Resende and Werneck (2007), "A fast
swap-based local search procedure for location problems", Annals of Operations Research 150.
"""

# mypy: disable-error-code="assignment"
# ruff: noqa: NPY002  (compiled code has numpy's old random functions only; the seed is an argument)

from __future__ import annotations

import numpy as np

from placeopt.base.compiled import compiled

OUTSIDE = -1


@compiled
def _two(i, start, site, cost, outside, is_open, a1, d1, a2, d2):
    """Find customer i's two cheapest open sites anew."""
    a1[i], d1[i], a2[i], d2[i] = OUTSIDE, outside[i], OUTSIDE, outside[i]
    found = 0
    for k in range(start[i], start[i + 1]):
        if cost[k] >= outside[i]:
            break
        if is_open[site[k]]:
            if found == 0:
                a1[i], d1[i] = site[k], cost[k]
                found = 1
            else:
                a2[i], d2[i] = site[k], cost[k]
                break


@compiled
def value_of(start, site, cost, outside, opening, is_open):
    """The cost of the open set: openings and each customer's cheapest open site."""
    total = 0.0
    for j in range(len(opening)):
        if is_open[j]:
            total += opening[j]
    for i in range(len(start) - 1):
        best = outside[i]
        for k in range(start[i], start[i + 1]):
            if cost[k] >= best:
                break
            if is_open[site[k]]:
                best = cost[k]
                break
        total += best
    return total


@compiled
def greedy_fill(begin, customer, by_site, outside, opening, may, is_open, p, seed):
    """Open sites one by one, each the best of a few drawn at random, until p are open."""
    np.random.seed(seed)
    m = len(opening)
    best = outside.copy()
    opened = 0
    for j in range(m):
        if is_open[j]:
            opened += 1
            for k in range(begin[j], begin[j + 1]):
                best[customer[k]] = min(best[customer[k]], by_site[k])
    allowed = np.flatnonzero(may)
    tries = max(20, min(len(allowed), 3 * len(allowed) // max(1, p)))
    while opened < p:
        chosen, gain_best = -1, -1e300
        for _t in range(tries):
            j = allowed[np.random.randint(len(allowed))]
            if is_open[j]:
                continue
            gain = -opening[j]
            for k in range(begin[j], begin[j + 1]):
                if by_site[k] < best[customer[k]]:
                    gain += best[customer[k]] - by_site[k]
            if gain > gain_best:
                chosen, gain_best = j, gain
        if chosen < 0:
            for j in allowed:
                if not is_open[j]:
                    chosen = j
                    break
        if chosen < 0:
            break
        is_open[chosen] = True
        opened += 1
        for k in range(begin[chosen], begin[chosen + 1]):
            best[customer[k]] = min(best[customer[k]], by_site[k])


@compiled
def _restate(i, start, site, cost, outside, is_open, a1, d1, a2, d2, loss, dirty):
    """Give customer i its two sites anew and mark the sites whose evaluation that changes."""
    old = d2[i]
    if a1[i] >= 0:
        loss[a1[i]] -= d2[i] - d1[i]
    _two(i, start, site, cost, outside, is_open, a1, d1, a2, d2)
    if a1[i] >= 0:
        loss[a1[i]] += d2[i] - d1[i]
    reach = max(old, d2[i])
    for k in range(start[i], start[i + 1]):
        if cost[k] >= reach:
            break
        dirty[site[k]] = True


@compiled
def _move(j, r, lists, by, outside, is_open, a1, d1, a2, d2, loss, dirty):
    """Open j (unless -1) and close r (unless -1)."""
    start, site, cost = lists
    begin, customer, by_site = by
    if j >= 0:
        is_open[j] = True
    if r >= 0:
        is_open[r] = False
        for k in range(begin[r], begin[r + 1]):
            i = customer[k]
            if a1[i] == r or a2[i] == r:
                _restate(i, start, site, cost, outside, is_open, a1, d1, a2, d2, loss, dirty)
        dirty[r] = True
    if j >= 0:
        for k in range(begin[j], begin[j + 1]):
            i = customer[k]
            if by_site[k] < d2[i] and a1[i] != j and a2[i] != j:
                _restate(i, start, site, cost, outside, is_open, a1, d1, a2, d2, loss, dirty)


@compiled
def _cheapest_close(loss, opening, is_open, must):
    """The open site that is cheapest to close, and its price (loss - opening cost)."""
    site, price = -1, 1e300
    for j in range(len(loss)):
        if is_open[j] and not must[j] and loss[j] - opening[j] < price:
            site, price = j, loss[j] - opening[j]
    return site, price


@compiled
def descend(lists, by, outside, opening, must, may, is_open, free_size, state, dirty, most):
    """Move until no move betters the plan (or ``most`` moves); returns what was saved.

    ``free_size``: sites may also be opened or closed alone (facility location). ``state`` holds
    a1, d1, a2, d2, loss and is kept true; ``dirty`` names the sites to look at.
    """
    a1, d1, a2, d2, loss = state
    begin, customer, by_site = by
    m = len(opening)
    extra = np.zeros(m)
    touched = np.empty(m, np.int64)
    saved, moves, quiet, j = 0.0, 0, 0, 0
    cheap, cheap_price = _cheapest_close(loss, opening, is_open, must)
    while quiet < m and moves < most:
        j = j + 1 if j + 1 < m else 0
        quiet += 1
        if not dirty[j]:
            continue
        dirty[j] = False
        if is_open[j]:
            if free_size and not must[j] and loss[j] - opening[j] < -1e-7:
                saved -= loss[j] - opening[j]
                _move(-1, j, lists, by, outside, is_open, a1, d1, a2, d2, loss, dirty)
                cheap, cheap_price = _cheapest_close(loss, opening, is_open, must)
                moves += 1
                quiet = 0
            continue
        if not may[j]:
            continue
        gain = -opening[j]
        count = 0
        for k in range(begin[j], begin[j + 1]):
            i = customer[k]
            c = by_site[k]
            if c < d2[i]:
                r = a1[i]
                back = d2[i] - d1[i]
                if c < d1[i]:
                    gain += d1[i] - c
                else:
                    back = d2[i] - c
                if r >= 0:
                    if extra[r] == 0.0:
                        touched[count] = r
                        count += 1
                    extra[r] += back + 1e-300
        best_r, price = cheap, cheap_price
        for t in range(count):
            r = touched[t]
            here = loss[r] - extra[r] - opening[r]
            if here < price and not must[r]:
                best_r, price = r, here
            extra[r] = 0.0
        delta = price - gain if best_r >= 0 else 1e300
        if free_size and -gain < delta:
            delta, best_r = -gain, -1
        if delta < -1e-7 * max(1.0, abs(gain) * 1e-3):
            _move(j, best_r, lists, by, outside, is_open, a1, d1, a2, d2, loss, dirty)
            cheap, cheap_price = _cheapest_close(loss, opening, is_open, must)
            saved -= delta
            moves += 1
            quiet = 0
    return saved


@compiled
def fresh_state(start, site, cost, outside, is_open):
    """Each customer's two cheapest open sites and the loss of closing each site."""
    n = len(start) - 1
    a1 = np.full(n, OUTSIDE, np.int32)
    a2 = np.full(n, OUTSIDE, np.int32)
    d1 = np.empty(n)
    d2 = np.empty(n)
    loss = np.zeros(len(is_open))
    for i in range(n):
        _two(i, start, site, cost, outside, is_open, a1, d1, a2, d2)
        if a1[i] >= 0:
            loss[a1[i]] += d2[i] - d1[i]
    return a1, d1, a2, d2, loss


@compiled
def shake(lists, by, outside, opening, must, may, is_open, free_size, state, dirty, size):
    """Exchange ``size`` open sites near one another for sites nearby, drawn at random."""
    a1, d1, a2, d2, loss = state
    start, site, cost = lists
    begin, customer, by_site = by
    n = len(start) - 1
    changed = 0.0
    i = np.random.randint(n)
    for t in range(size):
        for _again in range(20):
            length = start[i + 1] - start[i]
            if length > 0:
                break
            i = np.random.randint(n)
        if length == 0:
            return changed
        r = a1[i]
        if r < 0 or must[r]:
            i = np.random.randint(n)
            continue
        reach = start[i]
        while reach < start[i + 1] and cost[reach] < d2[i]:
            reach += 1
        span = max(20, 2 * (reach - start[i]))
        j = site[start[i] + np.random.randint(min(span, length))]
        if is_open[j] or not may[j]:
            i = np.random.randint(n) if t == 0 else i
            continue
        before = loss[r] - opening[r] + opening[j]
        old = 0.0
        for k in range(begin[j], begin[j + 1]):
            c = customer[k]
            if by_site[k] < d2[c]:
                if by_site[k] < d1[c]:
                    old -= d1[c] - by_site[k]
                if a1[c] == r:
                    old -= d2[c] - max(d1[c], by_site[k])
        changed += before + old
        _move(j, r, lists, by, outside, is_open, a1, d1, a2, d2, loss, dirty)
        near = begin[j] + np.random.randint(max(1, begin[j + 1] - begin[j]))
        i = customer[near]
    return changed


@compiled
def search(
    lists, by, outside, opening, must, may, is_open, free_size, rounds, seed, strength, slack
):
    """Iterated local search: descend, then shake and descend ``rounds`` times, keeping the best.

    ``is_open`` is changed in place to the best plan found; returns its cost. A plan that costs
    more than the best by ``slack`` (which falls to 0 over the rounds) is moved back to the best.
    """
    np.random.seed(seed)
    start, site, cost = lists
    m = len(opening)
    state = fresh_state(start, site, cost, outside, is_open)
    a1, d1, a2, d2, loss = state
    dirty = np.ones(m, np.bool_)
    big = 1000000000
    descend(lists, by, outside, opening, must, may, is_open, free_size, state, dirty, big)
    best = is_open.copy()
    value = value_of(start, site, cost, outside, opening, is_open)
    least = value
    for t in range(rounds):
        size = 1 + np.random.randint(strength)
        value += shake(
            lists, by, outside, opening, must, may, is_open, free_size, state, dirty, size
        )
        value -= descend(
            lists, by, outside, opening, must, may, is_open, free_size, state, dirty, big
        )
        if value < least - 1e-9 * abs(least):
            least = value
            for j in range(m):
                best[j] = is_open[j]
        elif value > least + slack * (1.0 - t / rounds):
            for j in range(m):
                if best[j] and not is_open[j]:
                    _move(j, -1, lists, by, outside, is_open, a1, d1, a2, d2, loss, dirty)
            for j in range(m):
                if is_open[j] and not best[j]:
                    _move(-1, j, lists, by, outside, is_open, a1, d1, a2, d2, loss, dirty)
            dirty[:] = False
            value = least
    is_open[:] = best
    return value_of(start, site, cost, outside, opening, is_open)
