"""Swap local search over candidate lists, compiled.

Each customer keeps its cheapest and second cheapest open site (``a1, d1, a2, d2``); ``loss[r]``
is what closing r costs its customers. Opening j and closing r changes the cost by

    f[j] - sum_{i: c[i,j] < d1[i]} (d1[i] - c[i,j])  +  loss[r] - f[r]
         - sum_{i: a1[i] = r, c[i,j] < d2[i]} (d2[i] - max(d1[i], c[i,j]))

so one pass over j's customers gives the best r for a given j. After a move only sites whose
evaluation changed are evaluated again.

Source: Whitaker (1983); Hansen and Mladenovic (1997); Resende and Werneck (2007), "A fast
swap-based local search procedure for location problems", Annals of Operations Research 150.
"""

# mypy: disable-error-code="assignment"
# ruff: noqa: NPY002  (compiled code has numpy's old random functions only; the seed is an argument)

from __future__ import annotations

import numpy as np

from placeopt.base.compiled import compiled

NO_SITE = -1


@compiled
def _find_two_cheapest(i, start, site, cost, outside, is_open, a1, d1, a2, d2):
    """Find the two cheapest open sites of customer i."""
    a1[i], d1[i], a2[i], d2[i] = NO_SITE, outside[i], NO_SITE, outside[i]
    count = 0
    for k in range(start[i], start[i + 1]):
        if cost[k] >= outside[i]:
            break
        if is_open[site[k]]:
            if count == 0:
                a1[i], d1[i] = site[k], cost[k]
                count = 1
            else:
                a2[i], d2[i] = site[k], cost[k]
                break


@compiled
def plan_cost(start, site, cost, outside, opening_cost, is_open):
    """The cost of the open sites: openings and each customer's cheapest open site."""
    total = 0.0
    for j in range(len(opening_cost)):
        if is_open[j]:
            total += opening_cost[j]
    for i in range(len(start) - 1):
        cheapest = outside[i]
        for k in range(start[i], start[i + 1]):
            if cost[k] >= cheapest:
                break
            if is_open[site[k]]:
                cheapest = cost[k]
                break
        total += cheapest
    return total


@compiled
def greedy_fill(site_start, customer, site_cost, outside, opening_cost, may_open, is_open, p, seed):
    """Open sites one at a time, each the best of a random sample, until p are open.

    Args:
        site_start: First entry of each site, (sites + 1,).
        customer: Customer of each entry.
        site_cost: Cost of each entry.
        outside: Cost of an unserved customer, (customers,).
        opening_cost: Cost of opening, (sites,).
        may_open: Sites that may open, (sites,).
        is_open: Open sites, (sites,); changed in place.
        p: Number of sites to open.
        seed: Seed of the random numbers.
    """
    np.random.seed(seed)
    m = len(opening_cost)
    cheapest = outside.copy()
    opened = 0
    for j in range(m):
        if is_open[j]:
            opened += 1
            for k in range(site_start[j], site_start[j + 1]):
                cheapest[customer[k]] = min(cheapest[customer[k]], site_cost[k])
    allowed = np.flatnonzero(may_open)
    samples = max(20, min(len(allowed), 3 * len(allowed) // max(1, p)))
    while opened < p:
        chosen, best_gain = -1, -1e300
        for _t in range(samples):
            j = allowed[np.random.randint(len(allowed))]
            if is_open[j]:
                continue
            gain = -opening_cost[j]
            for k in range(site_start[j], site_start[j + 1]):
                if site_cost[k] < cheapest[customer[k]]:
                    gain += cheapest[customer[k]] - site_cost[k]
            if gain > best_gain:
                chosen, best_gain = j, gain
        if chosen < 0:
            for j in allowed:
                if not is_open[j]:
                    chosen = j
                    break
        if chosen < 0:
            break
        is_open[chosen] = True
        opened += 1
        for k in range(site_start[chosen], site_start[chosen + 1]):
            cheapest[customer[k]] = min(cheapest[customer[k]], site_cost[k])


@compiled
def _update_customer(i, start, site, cost, outside, is_open, a1, d1, a2, d2, loss, is_dirty):
    """Find the two sites of customer i again and mark the sites whose evaluation that changes."""
    old_d2 = d2[i]
    if a1[i] >= 0:
        loss[a1[i]] -= d2[i] - d1[i]
    _find_two_cheapest(i, start, site, cost, outside, is_open, a1, d1, a2, d2)
    if a1[i] >= 0:
        loss[a1[i]] += d2[i] - d1[i]
    largest_cost = max(old_d2, d2[i])
    for k in range(start[i], start[i + 1]):
        if cost[k] >= largest_cost:
            break
        is_dirty[site[k]] = True


@compiled
def _apply_move(j, r, lists, by_site, outside, is_open, a1, d1, a2, d2, loss, is_dirty):
    """Open j (unless -1) and close r (unless -1)."""
    start, site, cost = lists
    site_start, customer, site_cost = by_site
    if j >= 0:
        is_open[j] = True
    if r >= 0:
        is_open[r] = False
        for k in range(site_start[r], site_start[r + 1]):
            i = customer[k]
            if a1[i] == r or a2[i] == r:
                _update_customer(
                    i, start, site, cost, outside, is_open, a1, d1, a2, d2, loss, is_dirty
                )
        is_dirty[r] = True
    if j >= 0:
        for k in range(site_start[j], site_start[j + 1]):
            i = customer[k]
            if site_cost[k] < d2[i] and a1[i] != j and a2[i] != j:
                _update_customer(
                    i, start, site, cost, outside, is_open, a1, d1, a2, d2, loss, is_dirty
                )


@compiled
def _cheapest_closure(loss, opening_cost, is_open, must_open):
    """The open site that is cheapest to close, and what closing it costs (loss - opening cost)."""
    site, price = -1, 1e300
    for j in range(len(loss)):
        if is_open[j] and not must_open[j] and loss[j] - opening_cost[j] < price:
            site, price = j, loss[j] - opening_cost[j]
    return site, price


@compiled
def descend(
    lists,
    by_site,
    outside,
    opening_cost,
    must_open,
    may_open,
    is_open,
    is_size_free,
    state,
    is_dirty,
    max_moves,
):
    """Make moves until none improves the plan, or ``max_moves``; returns the saving.

    ``is_size_free``: sites may also be opened or closed by themselves (facility location).
    ``state`` holds a1, d1, a2, d2, loss and is updated; ``is_dirty`` marks the sites to evaluate.
    """
    a1, d1, a2, d2, loss = state
    site_start, customer, site_cost = by_site
    m = len(opening_cost)
    loss_avoided = np.zeros(m)
    affected = np.empty(m, np.int64)
    saved, moves, sites_without_move, j = 0.0, 0, 0, 0
    closure, closure_price = _cheapest_closure(loss, opening_cost, is_open, must_open)
    while sites_without_move < m and moves < max_moves:
        j = j + 1 if j + 1 < m else 0
        sites_without_move += 1
        if not is_dirty[j]:
            continue
        is_dirty[j] = False
        if is_open[j]:
            if is_size_free and not must_open[j] and loss[j] - opening_cost[j] < -1e-7:
                saved -= loss[j] - opening_cost[j]
                _apply_move(-1, j, lists, by_site, outside, is_open, a1, d1, a2, d2, loss, is_dirty)
                closure, closure_price = _cheapest_closure(loss, opening_cost, is_open, must_open)
                moves += 1
                sites_without_move = 0
            continue
        if not may_open[j]:
            continue
        gain = -opening_cost[j]
        count = 0
        for k in range(site_start[j], site_start[j + 1]):
            i = customer[k]
            c = site_cost[k]
            if c < d2[i]:
                r = a1[i]
                avoided = d2[i] - d1[i]
                if c < d1[i]:
                    gain += d1[i] - c
                else:
                    avoided = d2[i] - c
                if r >= 0:
                    if loss_avoided[r] == 0.0:
                        affected[count] = r
                        count += 1
                    loss_avoided[r] += avoided + 1e-300
        best_r, price = closure, closure_price
        for t in range(count):
            r = affected[t]
            price_of_r = loss[r] - loss_avoided[r] - opening_cost[r]
            if price_of_r < price and not must_open[r]:
                best_r, price = r, price_of_r
            loss_avoided[r] = 0.0
        delta = price - gain if best_r >= 0 else 1e300
        if is_size_free and -gain < delta:
            delta, best_r = -gain, -1
        if delta < -1e-7 * max(1.0, abs(gain) * 1e-3):
            _apply_move(j, best_r, lists, by_site, outside, is_open, a1, d1, a2, d2, loss, is_dirty)
            closure, closure_price = _cheapest_closure(loss, opening_cost, is_open, must_open)
            saved -= delta
            moves += 1
            sites_without_move = 0
    return saved


@compiled
def initial_state(start, site, cost, outside, is_open):
    """Each customer's two cheapest open sites and the loss of closing each site."""
    n = len(start) - 1
    a1 = np.full(n, NO_SITE, np.int32)
    a2 = np.full(n, NO_SITE, np.int32)
    d1 = np.empty(n)
    d2 = np.empty(n)
    loss = np.zeros(len(is_open))
    for i in range(n):
        _find_two_cheapest(i, start, site, cost, outside, is_open, a1, d1, a2, d2)
        if a1[i] >= 0:
            loss[a1[i]] += d2[i] - d1[i]
    return a1, d1, a2, d2, loss


@compiled
def shake(
    lists,
    by_site,
    outside,
    opening_cost,
    must_open,
    may_open,
    is_open,
    is_size_free,
    state,
    is_dirty,
    exchanges,
):
    """Swap up to ``exchanges`` open sites near one another for random sites nearby.

    Returns the change of cost.
    """
    a1, d1, a2, d2, loss = state
    start, site, cost = lists
    site_start, customer, site_cost = by_site
    n = len(start) - 1
    total_change = 0.0
    i = np.random.randint(n)
    for t in range(exchanges):
        for _again in range(20):
            length = start[i + 1] - start[i]
            if length > 0:
                break
            i = np.random.randint(n)
        if length == 0:
            return total_change
        r = a1[i]
        if r < 0 or must_open[r]:
            i = np.random.randint(n)
            continue
        last = start[i]
        while last < start[i + 1] and cost[last] < d2[i]:
            last += 1
        window = max(20, 2 * (last - start[i]))
        j = site[start[i] + np.random.randint(min(window, length))]
        if is_open[j] or not may_open[j]:
            i = np.random.randint(n) if t == 0 else i
            continue
        site_change = loss[r] - opening_cost[r] + opening_cost[j]
        customer_change = 0.0
        for k in range(site_start[j], site_start[j + 1]):
            other = customer[k]
            if site_cost[k] < d2[other]:
                if site_cost[k] < d1[other]:
                    customer_change -= d1[other] - site_cost[k]
                if a1[other] == r:
                    customer_change -= d2[other] - max(d1[other], site_cost[k])
        total_change += site_change + customer_change
        _apply_move(j, r, lists, by_site, outside, is_open, a1, d1, a2, d2, loss, is_dirty)
        entry = site_start[j] + np.random.randint(max(1, site_start[j + 1] - site_start[j]))
        i = customer[entry]
    return total_change


@compiled
def iterated_local_search(
    lists,
    by_site,
    outside,
    opening_cost,
    must_open,
    may_open,
    is_open,
    is_size_free,
    rounds,
    seed,
    max_exchanges,
    slack,
):
    """Descend, then shake and descend ``rounds`` times, keeping the best plan.

    Args:
        lists: (start, site, cost) of the candidate lists.
        by_site: The same by site, from ``transpose``.
        outside: Cost of an unserved customer, (customers,).
        opening_cost: Cost of opening, (sites,).
        must_open: Sites that stay open, (sites,).
        may_open: Sites that may open, (sites,).
        is_open: Open sites, (sites,); changed in place to the best plan found.
        is_size_free: Whether the number of open sites may change.
        rounds: Rounds of shaking.
        seed: Seed of the random numbers.
        max_exchanges: Largest number of swaps in a shake.
        slack: Cost above the best at which the search returns to the best plan; falls to 0.

    Returns:
        The cost of the plan.
    """
    np.random.seed(seed)
    start, site, cost = lists
    m = len(opening_cost)
    state = initial_state(start, site, cost, outside, is_open)
    a1, d1, a2, d2, loss = state
    is_dirty = np.ones(m, np.bool_)
    no_limit = 1000000000
    descend(
        lists,
        by_site,
        outside,
        opening_cost,
        must_open,
        may_open,
        is_open,
        is_size_free,
        state,
        is_dirty,
        no_limit,
    )
    best_open = is_open.copy()
    current_cost = plan_cost(start, site, cost, outside, opening_cost, is_open)
    best_cost = current_cost
    for t in range(rounds):
        exchanges = 1 + np.random.randint(max_exchanges)
        current_cost += shake(
            lists,
            by_site,
            outside,
            opening_cost,
            must_open,
            may_open,
            is_open,
            is_size_free,
            state,
            is_dirty,
            exchanges,
        )
        current_cost -= descend(
            lists,
            by_site,
            outside,
            opening_cost,
            must_open,
            may_open,
            is_open,
            is_size_free,
            state,
            is_dirty,
            no_limit,
        )
        if current_cost < best_cost - 1e-9 * abs(best_cost):
            best_cost = current_cost
            for j in range(m):
                best_open[j] = is_open[j]
        elif current_cost > best_cost + slack * (1.0 - t / rounds):
            for j in range(m):
                if best_open[j] and not is_open[j]:
                    _apply_move(
                        j, -1, lists, by_site, outside, is_open, a1, d1, a2, d2, loss, is_dirty
                    )
            for j in range(m):
                if is_open[j] and not best_open[j]:
                    _apply_move(
                        -1, j, lists, by_site, outside, is_open, a1, d1, a2, d2, loss, is_dirty
                    )
            is_dirty[:] = False
            current_cost = best_cost
    is_open[:] = best_open
    return plan_cost(start, site, cost, outside, opening_cost, is_open)
