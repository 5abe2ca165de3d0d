"""Swap local search over candidate lists, compiled.

Each customer keeps its cheapest and second cheapest open site, a1 and a2, and what they cost it, d1
and d2 (``SwapPlan``); ``loss[r]`` is what closing r costs its customers. Opening j and closing r
changes the cost by

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

from typing import NamedTuple

import numpy as np

from placeopt.base.arrays import Bools, Floats, Ints, ShortInts
from placeopt.base.compiled import compiled
from placeopt.location.uncapacitated.candidate_lists import CandidateArrays
from placeopt.location.uncapacitated.transpose import SiteLists

NO_SITE = -1
NO_LIMIT = 1_000_000_000  # moves that no search makes


class SwapProblem(NamedTuple):
    """A problem as local search sees it.

    Attributes:
        lists: The lists by customer.
        by_site: The same by site.
        must_open: Sites that stay open, (sites,).
        may_open: Sites that may open, (sites,).
    """

    lists: CandidateArrays
    by_site: SiteLists
    must_open: Bools
    may_open: Bools


class SwapRule(NamedTuple):
    """The length of a local search and its acceptance of worse plans.

    Attributes:
        rounds: Rounds of shaking.
        seed: Seed of the random numbers.
        max_exchanges: Largest number of swaps in a shake.
        slack: Cost above the best at which the search returns to the best plan; falls to 0.
    """

    rounds: int
    seed: int
    max_exchanges: int
    slack: float


class SwapPlan(NamedTuple):
    """A plan with what its moves are evaluated by; all arrays are changed in place.

    Attributes:
        is_open: Open sites, (sites,).
        nearest: Cheapest open site of each customer, NO_SITE if there is none, (customers,).
        nearest_cost: Cost of the customer there, (customers,).
        second: Second cheapest open site, (customers,).
        second_cost: Cost of the customer there, (customers,).
        loss: What closing each open site adds to the cost of service, (sites,).
        is_stale: Sites to evaluate (again), (sites,).
    """

    is_open: Bools
    nearest: ShortInts
    nearest_cost: Floats
    second: ShortInts
    second_cost: Floats
    loss: Floats
    is_stale: Bools


@compiled
def iterated_local_search(problem: SwapProblem, is_open: Bools, rule: SwapRule) -> float:
    """Descend, then shake and descend again and again, keeping the best plan.

    Args:
        problem: The problem.
        is_open: Open sites, (sites,); changed in place to the best plan found.
        rule: How long to go on.

    Returns:
        The cost of the plan.
    """
    np.random.seed(rule.seed)
    plan = evaluate_plan(problem.lists, is_open)
    descend(problem, plan, NO_LIMIT)
    best_open = is_open.copy()
    current_cost = plan_cost(problem.lists, is_open)
    best_cost = current_cost
    for t in range(rule.rounds):
        exchanges = 1 + np.random.randint(rule.max_exchanges)
        current_cost += shake(problem, plan, exchanges)
        current_cost -= descend(problem, plan, NO_LIMIT)
        if current_cost < best_cost - 1e-9 * abs(best_cost):
            best_cost = current_cost
            for j in range(len(is_open)):
                best_open[j] = is_open[j]
        elif current_cost > best_cost + rule.slack * (1.0 - t / rule.rounds):
            _return_to(best_open, problem, plan)
            current_cost = best_cost
    is_open[:] = best_open
    return plan_cost(problem.lists, is_open)


@compiled
def descend(problem: SwapProblem, plan: SwapPlan, max_moves: int) -> float:
    """Make moves until none improves the plan, or ``max_moves``; return the saving.

    Where p is free, sites may also be opened or closed by themselves (facility location).
    """
    opening_cost, is_size_free = problem.lists.opening_cost, problem.lists.p < 0
    must_open, may_open = problem.must_open, problem.may_open
    is_open, loss, is_stale = plan.is_open, plan.loss, plan.is_stale
    m = len(opening_cost)
    loss_avoided = np.zeros(m)
    affected = np.empty(m, np.int64)
    saved, moves, sites_without_move, j = 0.0, 0, 0, 0
    closure, closure_price = _cheapest_closure(problem, plan)
    while sites_without_move < m and moves < max_moves:
        j = j + 1 if j + 1 < m else 0
        sites_without_move += 1
        if not is_stale[j]:
            continue
        is_stale[j] = False
        if is_open[j]:
            if is_size_free and not must_open[j] and loss[j] - opening_cost[j] < -1e-7:
                saved -= loss[j] - opening_cost[j]
                _apply_move(NO_SITE, j, problem, plan)
                closure, closure_price = _cheapest_closure(problem, plan)
                moves += 1
                sites_without_move = 0
            continue
        if not may_open[j]:
            continue
        delta, gain, best_closing = _best_move(
            j, closure, closure_price, problem, plan, loss_avoided, affected
        )
        if delta < -1e-7 * max(1.0, abs(gain) * 1e-3):
            _apply_move(j, best_closing, problem, plan)
            closure, closure_price = _cheapest_closure(problem, plan)
            saved -= delta
            moves += 1
            sites_without_move = 0
    return saved


@compiled
def _best_move(
    j: int,
    closure: int,
    closure_price: float,
    problem: SwapProblem,
    plan: SwapPlan,
    loss_avoided: Floats,
    affected: Ints,
) -> tuple[float, float, int]:
    """The best move that opens site j.

    Args:
        j: The site.
        closure: The open site that is cheapest to close, were j not opened.
        closure_price: What that costs.
        problem: The problem.
        plan: The plan.
        loss_avoided: Zeros, (sites,), and zeros again afterwards.
        affected: Space for sites, (sites,).

    Returns:
        (change of cost, what opening j alone saves, site to close or NO_SITE).
    """
    lists, by_site, must_open, _may_open = problem
    opening_cost, is_size_free, loss = lists.opening_cost, lists.p < 0, plan.loss
    site_start, customer, site_cost = by_site
    nearest, nearest_cost, second_cost = plan.nearest, plan.nearest_cost, plan.second_cost
    gain = -opening_cost[j]
    count = 0
    for k in range(site_start[j], site_start[j + 1]):
        i = customer[k]
        cost_here = site_cost[k]
        if cost_here < second_cost[i]:
            closing = nearest[i]
            avoided = second_cost[i] - nearest_cost[i]
            if cost_here < nearest_cost[i]:
                gain += nearest_cost[i] - cost_here
            else:
                avoided = second_cost[i] - cost_here
            if closing >= 0:
                if loss_avoided[closing] == 0.0:
                    affected[count] = closing
                    count += 1
                loss_avoided[closing] += avoided + 1e-300
    best_closing, price = closure, closure_price
    for t in range(count):
        closing = affected[t]
        price_of_closing = loss[closing] - loss_avoided[closing] - opening_cost[closing]
        if price_of_closing < price and not must_open[closing]:
            best_closing, price = closing, price_of_closing
        loss_avoided[closing] = 0.0
    delta = price - gain if best_closing >= 0 else 1e300
    if is_size_free and -gain < delta:
        delta, best_closing = -gain, NO_SITE
    return delta, gain, best_closing


@compiled
def shake(problem: SwapProblem, plan: SwapPlan, exchanges: int) -> float:
    """Swap up to ``exchanges`` open sites near one another for random sites nearby.

    Returns the change of cost.
    """
    start, site, cost = problem.lists.start, problem.lists.site, problem.lists.cost
    site_start, customer = problem.by_site.start, problem.by_site.customer
    nearest, second_cost = plan.nearest, plan.second_cost
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
        closing = nearest[i]
        if closing < 0 or problem.must_open[closing]:
            i = np.random.randint(n)
            continue
        last = start[i]
        while last < start[i + 1] and cost[last] < second_cost[i]:
            last += 1
        window = max(20, 2 * (last - start[i]))
        j = site[start[i] + np.random.randint(min(window, length))]
        if plan.is_open[j] or not problem.may_open[j]:
            i = np.random.randint(n) if t == 0 else i
            continue
        total_change += swap_change(j, closing, problem, plan)
        _apply_move(j, closing, problem, plan)
        entry = site_start[j] + np.random.randint(max(1, site_start[j + 1] - site_start[j]))
        i = customer[entry]
    return total_change


@compiled
def swap_change(opening: int, closing: int, problem: SwapProblem, plan: SwapPlan) -> float:
    """By how much the cost changes when ``closing`` is replaced by ``opening``."""
    opening_cost = problem.lists.opening_cost
    site_start, customer, site_cost = problem.by_site
    nearest, nearest_cost, second_cost = plan.nearest, plan.nearest_cost, plan.second_cost
    site_change = plan.loss[closing] - opening_cost[closing] + opening_cost[opening]
    customer_change = 0.0
    for k in range(site_start[opening], site_start[opening + 1]):
        i = customer[k]
        if site_cost[k] < second_cost[i]:
            if site_cost[k] < nearest_cost[i]:
                customer_change -= nearest_cost[i] - site_cost[k]
            if nearest[i] == closing:
                customer_change -= second_cost[i] - max(nearest_cost[i], site_cost[k])
    return float(site_change + customer_change)


@compiled
def greedy_fill(problem: SwapProblem, is_open: Bools, size: int, seed: int) -> None:
    """Open sites one at a time, each the best of a random sample, until ``size`` are open.

    Args:
        problem: The problem.
        is_open: Open sites, (sites,); changed in place.
        size: Number of sites to open.
        seed: Seed of the random numbers.
    """
    np.random.seed(seed)
    opening_cost = problem.lists.opening_cost
    site_start, customer, site_cost = problem.by_site
    cheapest = problem.lists.outside.copy()
    opened = 0
    for j in range(len(opening_cost)):
        if is_open[j]:
            opened += 1
            for k in range(site_start[j], site_start[j + 1]):
                cheapest[customer[k]] = min(cheapest[customer[k]], site_cost[k])
    allowed = np.flatnonzero(problem.may_open)
    samples = max(20, min(len(allowed), 3 * len(allowed) // max(1, size)))
    while opened < size:
        chosen, best_gain = NO_SITE, -1e300
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
def plan_cost(lists: CandidateArrays, is_open: Bools) -> float:
    """The cost of the open sites: openings and each customer's cheapest open site."""
    start, site, cost = lists.start, lists.site, lists.cost
    total = 0.0
    for j in range(len(lists.opening_cost)):
        if is_open[j]:
            total += lists.opening_cost[j]
    for i in range(len(start) - 1):
        cheapest = lists.outside[i]
        for k in range(start[i], start[i + 1]):
            if cost[k] >= cheapest:
                break
            if is_open[site[k]]:
                cheapest = cost[k]
                break
        total += cheapest
    return total


@compiled
def evaluate_plan(lists: CandidateArrays, is_open: Bools) -> SwapPlan:
    """Each customer's two cheapest open sites and the loss of closing each site."""
    n, m = len(lists.start) - 1, len(is_open)
    plan = SwapPlan(
        is_open,
        np.full(n, NO_SITE, np.int32),
        np.empty(n),
        np.full(n, NO_SITE, np.int32),
        np.empty(n),
        np.zeros(m),
        np.ones(m, np.bool_),
    )
    for i in range(n):
        _find_two_cheapest(i, lists, plan)
        if plan.nearest[i] >= 0:
            plan.loss[plan.nearest[i]] += plan.second_cost[i] - plan.nearest_cost[i]
    return plan


@compiled
def _find_two_cheapest(i: int, lists: CandidateArrays, plan: SwapPlan) -> None:
    """Find the two cheapest open sites of customer i."""
    site, cost, limit = lists.site, lists.cost, lists.outside[i]
    is_open = plan.is_open
    first_site, first_cost, second_site, second_cost = NO_SITE, limit, NO_SITE, limit
    for k in range(lists.start[i], lists.start[i + 1]):
        if cost[k] >= limit:
            break
        if is_open[site[k]]:
            if first_site < 0:
                first_site, first_cost = site[k], cost[k]
            else:
                second_site, second_cost = site[k], cost[k]
                break
    plan.nearest[i], plan.nearest_cost[i] = first_site, first_cost
    plan.second[i], plan.second_cost[i] = second_site, second_cost


@compiled
def _update_customer(i: int, lists: CandidateArrays, plan: SwapPlan) -> None:
    """Find the two sites of customer i again and mark the sites whose evaluation that changes."""
    nearest, nearest_cost, second_cost = plan.nearest, plan.nearest_cost, plan.second_cost
    old_second_cost = second_cost[i]
    if nearest[i] >= 0:
        plan.loss[nearest[i]] -= second_cost[i] - nearest_cost[i]
    _find_two_cheapest(i, lists, plan)
    if nearest[i] >= 0:
        plan.loss[nearest[i]] += second_cost[i] - nearest_cost[i]
    largest_cost = max(old_second_cost, second_cost[i])
    site, cost, is_stale = lists.site, lists.cost, plan.is_stale
    for k in range(lists.start[i], lists.start[i + 1]):
        if cost[k] >= largest_cost:
            break
        is_stale[site[k]] = True


@compiled
def _apply_move(opening: int, closing: int, problem: SwapProblem, plan: SwapPlan) -> None:
    """Open ``opening`` and close ``closing``; either may be NO_SITE."""
    lists = problem.lists
    site_start, customer, site_cost = problem.by_site
    nearest, second, second_cost = plan.nearest, plan.second, plan.second_cost
    if opening >= 0:
        plan.is_open[opening] = True
    if closing >= 0:
        plan.is_open[closing] = False
        for k in range(site_start[closing], site_start[closing + 1]):
            i = customer[k]
            if nearest[i] == closing or second[i] == closing:
                _update_customer(i, lists, plan)
        plan.is_stale[closing] = True
    if opening >= 0:
        for k in range(site_start[opening], site_start[opening + 1]):
            i = customer[k]
            if site_cost[k] < second_cost[i] and nearest[i] != opening and second[i] != opening:
                _update_customer(i, lists, plan)


@compiled
def _return_to(best_open: Bools, problem: SwapProblem, plan: SwapPlan) -> None:
    """Make the plan ``best_open`` again, one site at a time."""
    for j in range(len(best_open)):
        if best_open[j] and not plan.is_open[j]:
            _apply_move(j, NO_SITE, problem, plan)
    for j in range(len(best_open)):
        if plan.is_open[j] and not best_open[j]:
            _apply_move(NO_SITE, j, problem, plan)
    plan.is_stale[:] = False


@compiled
def _cheapest_closure(problem: SwapProblem, plan: SwapPlan) -> tuple[int, float]:
    """The open site that is cheapest to close, and what closing it costs (loss - opening cost)."""
    loss, opening_cost = plan.loss, problem.lists.opening_cost
    site, price = NO_SITE, 1e300
    for j in range(len(loss)):
        is_closable = plan.is_open[j] and not problem.must_open[j]
        if is_closable and loss[j] - opening_cost[j] < price:
            site, price = j, loss[j] - opening_cost[j]
    return site, price
