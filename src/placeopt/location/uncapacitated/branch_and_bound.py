"""Prove the best plan of a problem in candidate lists: search, bound, fix, branch.

1. Swap local search finds a plan (``swap``).
2. The Lagrangian bound is raised and fixes sites (``dual``, ``branch``).
3. A tree, best bound first, closes what is left; each node is the same problem, smaller.

Where costs are whole numbers a node is cut off as soon as its bound passes (plan - 1).
"""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

from placeopt.base.compiled import have_at_hand, loaded
from placeopt.location.search_state import SearchState
from placeopt.location.uncapacitated.candidate_lists import Lists
from placeopt.location.uncapacitated.heuristic_concentration import concentrate

SMALL = 12_000  # list entries up to which an engine is asked first where nothing is compiled yet
SMALL_SECONDS = 3.0  # what it may take
LARGE = 1_000_000  # list entries from which a tree closes little: the time goes into better plans
FIRST = 64  # the share of local search that goes before the first bound; the rest only if needed


def prove(lists: Lists, state: SearchState, *, seed: int = 1, tree: bool = True) -> None:
    """Solve ``lists`` within ``state``: fills the run's plan, bound and whether it is proven."""
    if len(lists.site) <= SMALL and not loaded():
        _ask(lists, state)
        if state.proven:
            return
    with state.clock_paused():
        for_lists()
    from placeopt.location.uncapacitated.transpose import turn

    arrays = (lists.start, lists.site, lists.cost)
    by = turn(*arrays, lists.sites)
    is_open = _first_plan(lists, by, seed)
    _search(lists, arrays, by, is_open, state, rounds=max(1, _rounds(lists) // FIRST), seed=seed)
    prices = _first_prices(lists, arrays, state)
    prices, rho = _root(lists, arrays, by, state, prices, seed)
    if state.proven or not tree or state.is_out_of_time:
        return
    large = len(lists.site) > LARGE and state.cost > state.bound + 1e-3 * abs(state.cost)
    if large:
        from placeopt.location.uncapacitated.core_search import search_core

        until = state.elapsed_seconds + 0.4 * (state.time_limit_seconds - state.elapsed_seconds)
        search_core(lists, arrays, by, state, rho, seed, until)
    for step, patience in STEPS if large else STEPS[:1]:
        decided, prices, bound = _dig(lists, arrays, state, prices, step, patience)
        if state.proven or state.is_out_of_time:
            return
    rest = _rest(lists, arrays, state, decided, prices, bound)
    small = len(rest[1]) <= SMALL_REST
    if lists.fine == np.inf and state.cost > state.bound + 1e-3 * abs(state.cost):
        concentrate(lists, arrays, by, state, seed)
    _tree(lists, arrays, state, decided.copy(), prices, most=300 if small else None)
    if small and not state.proven and not state.is_out_of_time:
        _finish(lists, state, decided, rest, bound)


MODULES = tuple(
    f"placeopt.location.{name}"
    for name in (
        "subgradient",
        *(f"uncapacitated.{one}" for one in ("transpose", "swap_search", "lagrangian", "node")),
    )
)
SECONDS = 30  # that compiling them takes, about


def for_lists() -> None:
    """Have the compiled code that ``prove`` may call at hand."""
    have_at_hand("the methods for candidate lists", MODULES, _make, SECONDS)


def _make() -> None:
    """Call every function that ``prove`` may call, on a problem of twenty points."""
    from placeopt.location.statement import P_MEDIAN, Problem
    from placeopt.location.uncapacitated.candidate_lists import lists_of
    from placeopt.location.uncapacitated.core_search import search_core
    from placeopt.location.uncapacitated.transpose import turn

    points = np.random.default_rng(1).random((20, 2, 1))
    distances = np.abs(points - points.transpose(2, 1, 0)).sum(axis=1)
    lists, state = lists_of(Problem(P_MEDIAN, distances, p=3)), SearchState(time_limit_seconds=60.0)
    arrays = (lists.start, lists.site, lists.cost)
    by = turn(*arrays, lists.sites)
    _search(lists, arrays, by, _first_plan(lists, by, 1), state, rounds=1, seed=1)
    prices, rho = _root(lists, arrays, by, state, _first_prices(lists, arrays, state), 1)
    search_core(lists, arrays, by, state, rho, 1, 0.0)
    decided, prices, _ = _dig(lists, arrays, state, prices, *STEPS[0])
    _tree(lists, arrays, state, decided, prices, most=1)


def _ask(lists: Lists, state: SearchState) -> None:
    """Let an engine solve the radius formulation of a small problem."""
    from placeopt.engine import Status, solve
    from placeopt.location.formulations.radius import radius_model

    whole = np.ones(lists.customers, bool)
    model, y = radius_model(
        lists.start, lists.site, lists.cost, lists.outside, lists.opening, lists.p, whole
    )
    seconds = min(SMALL_SECONDS, state.time_limit_seconds - state.elapsed_seconds)
    part = model.arrays()
    part.lower[y.all] = lists.must
    part.upper[y.all] = lists.may
    result = solve(part, time_limit_seconds=seconds, gap=state.gap, threads=1)
    if not result.has_plan:
        return
    plan = result.value(y) > 0.5
    open_costs = np.where(plan[lists.site], lists.cost, np.inf)
    customer = np.repeat(np.arange(lists.customers), np.diff(lists.start))
    service = np.array(lists.outside)
    np.minimum.at(service, customer, open_costs)
    state.offer(float(service.sum() + lists.opening[plan].sum()) + lists.constant, plan)
    if result.status is Status.OPTIMAL:
        state.proven = True
        state.bound = state.cost if lists.whole or not state.gap else min(result.bound, state.cost)
    else:
        state.raise_bound(min(result.bound, state.cost))


def _first_plan(lists: Lists, by, seed: int) -> NDArray[np.bool_]:
    from placeopt.location.uncapacitated import swap_search

    is_open = lists.must.copy()
    size = lists.p
    if size < 0:
        size = max(1, int(is_open.sum()), round(np.sqrt(lists.sites) / 2))
        size = min(size, int(lists.may.sum()))
    swap_search.greedy_fill(*by, lists.outside, lists.opening, lists.may, is_open, size, seed)
    return is_open


def _rounds(lists: Lists) -> int:
    """How many rounds of local search to afford: few where a move is dear."""
    by_site = len(lists.site) / lists.sites
    share = lists.sites / max(1, lists.p) if lists.p > 0 else 30.0
    work = 6 * lists.sites + 60 * by_site * min(share, 50.0)
    return int(np.clip(2e8 / work, 60, 3000))


def _search(lists: Lists, arrays, by, is_open, state: SearchState, rounds: int, seed: int) -> None:
    from placeopt.location.uncapacitated import swap_search

    cost = swap_search.search(
        arrays, by, lists.outside, lists.opening, lists.must, lists.may, is_open,
        lists.p < 0, rounds, seed, 4, SLACK * abs(state.cost) if np.isfinite(state.cost) else 0.0,
    )  # fmt: skip
    state.offer(cost, is_open)


def _first_prices(lists: Lists, arrays, state: SearchState) -> NDArray[np.float64]:
    from placeopt.location.uncapacitated import swap_search

    _, d1, _, d2, _ = swap_search.fresh_state(*arrays, lists.outside, state.plan)
    u = np.minimum(lists.outside, np.where(d2 < lists.fine, (d1 + d2) / 2, d1 * 1.5 + 1))
    return u


def _root(lists: Lists, arrays, by, state: SearchState, prices, seed: int):
    """Raise the bound at the root, now and then searching from the sites it takes."""
    must = np.flatnonzero(lists.must)
    shut = ~lists.may
    step, best, rounds = 0.5, -np.inf, max(1, _rounds(lists) // FIRST)
    least = 0.05 if len(lists.site) > LARGE else 1e-5  # of the gap, to be gained by a turn
    for turn in range(12):
        decided = np.where(lists.must, 1, np.where(shut, -1, 0)).astype(np.int8)
        bound, prices, rho, taken, step, used = _ascend(lists, arrays, state, decided, prices, step)
        state.rounds += used
        state.raise_bound(bound)
        if bound > state.cutoff(lists.whole):
            state.proven, state.bound = True, state.cost
            break
        is_open = taken.copy()
        is_open[must] = True
        if lists.p < 0 or is_open.sum() == lists.p:
            before = state.cost
            _search(lists, arrays, by, is_open, state, rounds=rounds, seed=seed + turn)
            rounds = min(_rounds(lists) // 3, 2 * rounds) if state.cost < before else rounds
        if state.is_out_of_time or step < 0.01 or bound < best + least * abs(state.cost - bound):
            break
        best = bound
    return prices, rho


def _ascend(
    lists: Lists, arrays, state: SearchState, decided, prices, step: float, most: int = 150
):
    from placeopt.location.uncapacitated import lagrangian, node

    s, t, c, o, f, left, constant, free = node.shrink(
        *arrays, lists.outside, lists.opening, lists.p, decided
    )
    began, most = state.elapsed_seconds, state.affordable_rounds(most)
    best, u, rho, taken, _, used, step = lagrangian.ascend(
        s, t, c, o, f, left, np.minimum(prices, o), state.cutoff(lists.whole) + 1e-9, constant,
        most, step, 20,
    )  # fmt: skip
    state.seconds_per_round = (state.elapsed_seconds - began) / used
    full = np.zeros(lists.sites, bool)
    full[free[taken]] = True
    reduced = np.zeros(lists.sites)
    reduced[free] = rho
    return best, u, reduced, full, step, used


SLACK = 3e-4  # how much worse than the best a plan may be to search on from it
STEPS = ((0.5, 25), (0.3, 40), (0.2, 40), (0.1, 60))  # of ascents at the root, with patience
SMALL_REST = 40_000  # entries up to which an integer-programming engine takes over


def _dig(lists: Lists, arrays, state: SearchState, prices, step: float, patience: int):
    """A long ascent with fixing at the root: (what is decided, prices, bound)."""
    from placeopt.location.uncapacitated import node

    decided = np.where(lists.must, 1, np.where(lists.may, 0, -1)).astype(np.int8)
    cutoff = state.cutoff(lists.whole)
    bound, u, _, value, plan, used = node.node(
        *arrays,
        lists.outside,
        lists.opening,
        lists.p,
        decided,
        prices.copy(),
        cutoff,
        state.affordable_rounds(1500, 0.8),
        step,
        patience,
    )
    state.rounds += used
    if np.isfinite(value):
        state.offer(value, plan == 1)
    if not np.isfinite(bound):
        state.proven, state.bound = True, state.cost
    else:
        state.raise_bound(bound)
    return decided, u, bound


def _rest(lists: Lists, arrays, state: SearchState, decided, prices, bound: float):
    """What the root leaves: entries that a plan below the cut-off could use."""
    from placeopt.location.formulations.radius import within_reach
    from placeopt.location.uncapacitated import node

    s, t, c, o, f, left, constant, free = node.shrink(
        *arrays, lists.outside, lists.opening, lists.p, decided
    )
    reach = prices + max(0.0, state.cutoff(lists.whole) - bound) + 1e-7 * np.abs(prices)
    keep = within_reach(s, c, reach)
    counts = np.add.reduceat(np.append(keep, False), s[:-1]) if len(keep) else np.zeros(len(s) - 1)
    counts = np.where(np.diff(s) > 0, counts, 0).astype(np.int64)
    start = np.concatenate([[0], np.cumsum(counts)])
    return start, t[keep], c[keep], o, f, left, constant, free, o <= reach


def _finish(lists: Lists, state: SearchState, decided, rest, bound: float) -> None:
    """Let the integer-programming engine close what is left (radius formulation)."""
    from placeopt.engine import Status, solve
    from placeopt.location.formulations.radius import radius_model
    from placeopt.location.uncapacitated import swap_search

    start, site, cost, outside, opening, left, constant, free, allowed = rest
    if ((np.diff(start) == 0) & ~allowed).any():  # somebody cannot be served below the cut-off
        state.proven, state.bound = True, state.cost
        return
    model, y = radius_model(start, site, cost, outside, opening, left, allowed)
    model.offset += constant
    result = solve(
        model,
        time_limit_seconds=max(1.0, state.time_limit_seconds - state.elapsed_seconds),
        gap=0.0,
        threads=1,
    )
    if result.has_plan:
        plan = decided == 1
        plan[free[result.value(y) > 0.5]] = True
        state.offer(
            swap_search.value_of(
                lists.start, lists.site, lists.cost, lists.outside, lists.opening, plan
            ),
            plan,
        )
    if result.status in (Status.OPTIMAL, Status.INFEASIBLE):
        state.proven, state.bound = True, state.cost
    elif np.isfinite(result.bound):
        state.raise_bound(max(bound, min(result.bound, state.cost)))


def _tree(lists: Lists, arrays, state: SearchState, decided, prices, most: int | None) -> None:
    """Best bound first, until nothing below the plan is left, time is up or ``most`` nodes."""
    from placeopt.location.uncapacitated import node

    gains = Gains(lists.sites)
    count = 0
    heap: list[tuple] = [(state.bound, count, decided, prices, None)]
    while heap:
        bound, _order, decided, u, origin = heapq.heappop(heap)
        cutoff = state.cutoff(lists.whole)
        if bound > cutoff:
            break
        state.raise_bound(bound)
        if state.affordable_rounds(MOST) < MOST or (most is not None and state.nodes >= most):
            return
        new, u, shares, value, plan, used = node.node(
            *arrays, lists.outside, lists.opening, lists.p, decided, u.copy(), cutoff, MOST, STEP,
            PATIENCE,
        )  # fmt: skip
        state.nodes += 1
        state.rounds += used
        if np.isfinite(value):
            state.offer(value, plan == 1)
        if origin is not None:
            gains.learn(origin, min(new, cutoff + 1) - bound)
        if not np.isfinite(new):
            continue
        new = max(new, bound)
        site = gains.choose(shares)
        for choice in (1, -1):
            child = decided.copy()
            child[site] = choice
            count += 1
            away = 1.0 - shares[site] if choice == 1 else shares[site]
            heapq.heappush(heap, (new, count, child, u, (site, choice, away)))
    state.proven, state.bound = True, state.cost


MOST, STEP, PATIENCE = 60, 0.2, 8


class Gains:
    """How much the bound rose when a site was decided, learned as the tree grows.

    Pseudo-costs: Benichou et al. (1971); product score: Achterberg (2007).
    """

    def __init__(self, sites: int):
        self.total = {1: np.zeros(sites), -1: np.zeros(sites)}
        self.seen = {1: np.zeros(sites), -1: np.zeros(sites)}

    def learn(self, origin: tuple[int, int, float], gain: float) -> None:
        site, choice, away = origin
        self.total[choice][site] += max(gain, 0.0) / max(away, 0.02)
        self.seen[choice][site] += 1

    def choose(self, shares: NDArray[np.float64]) -> int:
        """The free site whose two decisions promise to raise the bound most."""
        free = np.flatnonzero(shares >= 0)
        share = np.clip(shares[free], 0.02, 0.98)
        score = np.ones(len(free))
        for choice, away in ((1, 1.0 - share), (-1, share)):
            seen, total = self.seen[choice], self.total[choice]
            mean = (total.sum() + 1e-6) / (seen.sum() + 1e-6)
            rate = (total[free] + mean) / (seen[free] + 1)
            score *= np.maximum(rate * away, 1e-9)
        return int(free[np.argmax(score)])
