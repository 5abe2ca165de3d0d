"""Prove the best plan of a problem in candidate lists: search, bound, fix, branch.

1. Swap local search finds a plan (``swap_search``).
2. The Lagrangian bound is raised and fixes sites (``lagrangian``, ``node``).
3. A tree, best bound first, closes what remains; each node is the same problem, smaller.

Where costs are whole numbers a node is cut off as soon as its bound passes (plan - 1).
"""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

from placeopt.base.compiled import ensure_compiled, is_loaded
from placeopt.engine.settings import Settings
from placeopt.location.search_state import SearchState
from placeopt.location.uncapacitated.candidate_lists import CandidateLists
from placeopt.location.uncapacitated.heuristic_concentration import concentrate

MAX_MIP_ENTRIES = 12_000  # list entries up to which an engine is tried before anything is compiled
MIP_SECONDS = 3.0  # its time limit
LARGE_ENTRIES = 1_000_000  # list entries from which time goes into better plans first
FIRST_SEARCH_DIVISOR = 64  # part of the local search before the first bound


def prove(
    lists: CandidateLists, state: SearchState, *, seed: int = 1, uses_tree: bool = True
) -> None:
    """Solve ``lists``; sets the plan, the bound and whether it is proven in ``state``.

    Args:
        lists: The problem.
        state: The search, with its time limit and gap.
        seed: Seed of the random numbers.
        uses_tree: Whether to branch if the root does not prove the plan.
    """
    if len(lists.site) <= MAX_MIP_ENTRIES and not is_loaded():
        _solve_by_mip(lists, state)
        if state.proven:
            return
    with state.clock_paused():
        compile_uncapacitated()
    from placeopt.location.uncapacitated.transpose import transpose

    arrays = (lists.start, lists.site, lists.cost)
    by_site = transpose(*arrays, lists.sites)
    is_open = _greedy_plan(lists, by_site, seed)
    _local_search(
        lists,
        arrays,
        by_site,
        is_open,
        state,
        rounds=max(1, _search_rounds(lists) // FIRST_SEARCH_DIVISOR),
        seed=seed,
    )
    multipliers = _initial_multipliers(lists, arrays, state)
    multipliers, rho = _root_bound(lists, arrays, by_site, state, multipliers, seed)
    if state.proven or not uses_tree or state.is_out_of_time:
        return
    is_large = len(lists.site) > LARGE_ENTRIES and state.cost > state.bound + 1e-3 * abs(state.cost)
    if is_large:
        from placeopt.location.uncapacitated.core_search import search_core

        end_seconds = state.elapsed_seconds + 0.4 * (
            state.time_limit_seconds - state.elapsed_seconds
        )
        search_core(lists, arrays, by_site, state, rho, seed, end_seconds)
    for step, patience in ROOT_ASCENTS if is_large else ROOT_ASCENTS[:1]:
        fixed, multipliers, bound = _fix_at_root(lists, arrays, state, multipliers, step, patience)
        if state.proven or state.is_out_of_time:
            return
    residual = _residual_problem(lists, arrays, state, fixed, multipliers, bound)
    is_small = len(residual[1]) <= MAX_RESIDUAL_ENTRIES
    if lists.infeasible_cost == np.inf and state.cost > state.bound + 1e-3 * abs(state.cost):
        concentrate(lists, arrays, by_site, state, seed)
    _search_tree(
        lists, arrays, state, fixed.copy(), multipliers, max_nodes=300 if is_small else None
    )
    if is_small and not state.proven and not state.is_out_of_time:
        _close_by_mip(lists, state, fixed, residual, bound)


MODULES = tuple(
    f"placeopt.location.{name}"
    for name in (
        "subgradient",
        *(
            f"uncapacitated.{module}"
            for module in ("transpose", "swap_search", "lagrangian", "node")
        ),
    )
)
COMPILE_SECONDS = 30  # roughly, to compile these modules


def compile_uncapacitated() -> None:
    """Compile the code that ``prove`` may call, unless it is compiled already."""
    ensure_compiled(
        "the methods for candidate lists", MODULES, _call_compiled_functions, COMPILE_SECONDS
    )


def _call_compiled_functions() -> None:
    """Call every function that ``prove`` may call, on a problem of twenty points."""
    from placeopt.location.statement import P_MEDIAN, Problem
    from placeopt.location.uncapacitated.candidate_lists import list_candidates
    from placeopt.location.uncapacitated.core_search import search_core
    from placeopt.location.uncapacitated.transpose import transpose

    points = np.random.default_rng(1).random((20, 2, 1))
    distances = np.abs(points - points.transpose(2, 1, 0)).sum(axis=1)
    lists, state = (
        list_candidates(Problem(P_MEDIAN, distances, p=3)),
        SearchState(time_limit_seconds=60.0),
    )
    arrays = (lists.start, lists.site, lists.cost)
    by_site = transpose(*arrays, lists.sites)
    _local_search(lists, arrays, by_site, _greedy_plan(lists, by_site, 1), state, rounds=1, seed=1)
    multipliers, rho = _root_bound(
        lists, arrays, by_site, state, _initial_multipliers(lists, arrays, state), 1
    )
    search_core(lists, arrays, by_site, state, rho, 1, 0.0)
    fixed, multipliers, _ = _fix_at_root(lists, arrays, state, multipliers, *ROOT_ASCENTS[0])
    _search_tree(lists, arrays, state, fixed, multipliers, max_nodes=1)


def _solve_by_mip(lists: CandidateLists, state: SearchState) -> None:
    """Solve the radius formulation of a small problem by an engine."""
    from placeopt.engine import Status, solve
    from placeopt.location.formulations.radius import radius_model

    is_allowed = np.ones(lists.customers, bool)
    model, y = radius_model(
        lists.start, lists.site, lists.cost, lists.outside, lists.opening_cost, lists.p, is_allowed
    )
    seconds = min(MIP_SECONDS, state.time_limit_seconds - state.elapsed_seconds)
    arrays = model.arrays()
    arrays.lower[y.all] = lists.must_open
    arrays.upper[y.all] = lists.may_open
    result = solve(arrays, Settings(time_limit_seconds=seconds, gap=state.gap, threads=1))
    if not result.has_plan:
        return
    plan = result.value(y) > 0.5
    cost_if_open = np.where(plan[lists.site], lists.cost, np.inf)
    customer = np.repeat(np.arange(lists.customers), np.diff(lists.start))
    service_cost = np.array(lists.outside)
    np.minimum.at(service_cost, customer, cost_if_open)
    state.offer(float(service_cost.sum() + lists.opening_cost[plan].sum()) + lists.constant, plan)
    if result.status is Status.OPTIMAL:
        state.proven = True
        state.bound = (
            state.cost if lists.is_integral or not state.gap else min(result.bound, state.cost)
        )
    else:
        state.raise_bound(min(result.bound, state.cost))


def _greedy_plan(lists: CandidateLists, by_site, seed: int) -> NDArray[np.bool_]:
    from placeopt.location.uncapacitated import swap_search

    is_open = lists.must_open.copy()
    size = lists.p
    if size < 0:
        size = max(1, int(is_open.sum()), round(np.sqrt(lists.sites) / 2))
        size = min(size, int(lists.may_open.sum()))
    swap_search.greedy_fill(
        *by_site, lists.outside, lists.opening_cost, lists.may_open, is_open, size, seed
    )
    return is_open


def _search_rounds(lists: CandidateLists) -> int:
    """How many rounds of local search to make: few where a move is expensive."""
    entries_per_site = len(lists.site) / lists.sites
    customers_share = lists.sites / max(1, lists.p) if lists.p > 0 else 30.0
    work_per_round = 6 * lists.sites + 60 * entries_per_site * min(customers_share, 50.0)
    return int(np.clip(2e8 / work_per_round, 60, 3000))


def _local_search(
    lists: CandidateLists, arrays, by_site, is_open, state: SearchState, rounds: int, seed: int
) -> None:
    from placeopt.location.uncapacitated import swap_search

    cost = swap_search.iterated_local_search(
        arrays,
        by_site,
        lists.outside,
        lists.opening_cost,
        lists.must_open,
        lists.may_open,
        is_open,
        lists.p < 0,
        rounds,
        seed,
        4,
        ACCEPTANCE_SLACK * abs(state.cost) if np.isfinite(state.cost) else 0.0,
    )
    state.offer(cost, is_open)


def _initial_multipliers(lists: CandidateLists, arrays, state: SearchState) -> NDArray[np.float64]:
    from placeopt.location.uncapacitated import swap_search

    _, d1, _, d2, _ = swap_search.initial_state(*arrays, lists.outside, state.plan)
    u = np.minimum(lists.outside, np.where(d2 < lists.infeasible_cost, (d1 + d2) / 2, d1 * 1.5 + 1))
    return u


def _root_bound(lists: CandidateLists, arrays, by_site, state: SearchState, multipliers, seed: int):
    """Raise the bound at the root, at times searching from the sites it opens.

    Returns the multipliers (customers,) and the reduced costs (sites,).
    """
    must_open_sites = np.flatnonzero(lists.must_open)
    is_closed = ~lists.may_open
    step, best, rounds = 0.5, -np.inf, max(1, _search_rounds(lists) // FIRST_SEARCH_DIVISOR)
    min_gain = 0.05 if len(lists.site) > LARGE_ENTRIES else 1e-5  # share of the gap
    for attempt in range(12):
        fixed = np.where(lists.must_open, 1, np.where(is_closed, -1, 0)).astype(np.int8)
        bound, multipliers, rho, is_selected, step, rounds_used = _ascend_bound(
            lists, arrays, state, fixed, multipliers, step
        )
        state.rounds += rounds_used
        state.raise_bound(bound)
        if bound > state.cutoff(lists.is_integral):
            state.proven, state.bound = True, state.cost
            break
        is_open = is_selected.copy()
        is_open[must_open_sites] = True
        if lists.p < 0 or is_open.sum() == lists.p:
            cost_before = state.cost
            _local_search(
                lists, arrays, by_site, is_open, state, rounds=rounds, seed=seed + attempt
            )
            rounds = (
                min(_search_rounds(lists) // 3, 2 * rounds) if state.cost < cost_before else rounds
            )
        if state.is_out_of_time or step < 0.01 or bound < best + min_gain * abs(state.cost - bound):
            break
        best = bound
    return multipliers, rho


def _ascend_bound(
    lists: CandidateLists,
    arrays,
    state: SearchState,
    fixed,
    multipliers,
    step: float,
    max_rounds: int = 150,
):
    from placeopt.location.uncapacitated import lagrangian, node

    s, t, c, o, f, p_left, constant, free = node.reduce_problem(
        *arrays, lists.outside, lists.opening_cost, lists.p, fixed
    )
    started_at, max_rounds = state.elapsed_seconds, state.affordable_rounds(max_rounds)
    best, u, rho, is_selected, _, rounds_used, step = lagrangian.ascend(
        s,
        t,
        c,
        o,
        f,
        p_left,
        np.minimum(multipliers, o),
        state.cutoff(lists.is_integral) + 1e-9,
        constant,
        max_rounds,
        step,
        20,
    )
    state.seconds_per_round = (state.elapsed_seconds - started_at) / rounds_used
    is_open = np.zeros(lists.sites, bool)
    is_open[free[is_selected]] = True
    reduced_costs = np.zeros(lists.sites)
    reduced_costs[free] = rho
    return best, u, reduced_costs, is_open, step, rounds_used


ACCEPTANCE_SLACK = 3e-4  # relative cost above the best at which a plan is accepted
ROOT_ASCENTS = (
    (0.5, 25),
    (0.3, 40),
    (0.2, 40),
    (0.1, 60),
)  # (step, patience) of each ascent at the root
MAX_RESIDUAL_ENTRIES = 40_000  # entries up to which an engine closes the search


def _fix_at_root(
    lists: CandidateLists, arrays, state: SearchState, start_multipliers, step: float, patience: int
):
    """A long ascent that fixes sites at the root: (fixed sites, multipliers, bound)."""
    from placeopt.location.uncapacitated import node

    fixed = np.where(lists.must_open, 1, np.where(lists.may_open, 0, -1)).astype(np.int8)
    cutoff = state.cutoff(lists.is_integral)
    bound, multipliers, _, plan_cost, plan, rounds_used = node.bound_node(
        *arrays,
        lists.outside,
        lists.opening_cost,
        lists.p,
        fixed,
        start_multipliers.copy(),
        cutoff,
        state.affordable_rounds(1500, 0.8),
        step,
        patience,
    )
    state.rounds += rounds_used
    if np.isfinite(plan_cost):
        state.offer(plan_cost, plan == 1)
    if not np.isfinite(bound):
        state.proven, state.bound = True, state.cost
    else:
        state.raise_bound(bound)
    return fixed, multipliers, bound


def _residual_problem(
    lists: CandidateLists, arrays, state: SearchState, fixed, multipliers, bound: float
):
    """The problem left by the root: list entries that a plan below the cutoff could use."""
    from placeopt.location.formulations.radius import is_within_reach
    from placeopt.location.uncapacitated import node

    s, t, c, o, f, p_left, constant, free = node.reduce_problem(
        *arrays, lists.outside, lists.opening_cost, lists.p, fixed
    )
    largest_cost = (
        multipliers + max(0.0, state.cutoff(lists.is_integral) - bound) + 1e-7 * np.abs(multipliers)
    )
    is_kept = is_within_reach(s, c, largest_cost)
    counts = (
        np.add.reduceat(np.append(is_kept, False), s[:-1]) if len(is_kept) else np.zeros(len(s) - 1)
    )
    counts = np.where(np.diff(s) > 0, counts, 0).astype(np.int64)
    start = np.concatenate([[0], np.cumsum(counts)])
    return start, t[is_kept], c[is_kept], o, f, p_left, constant, free, o <= largest_cost


def _close_by_mip(lists: CandidateLists, state: SearchState, fixed, residual, bound: float) -> None:
    """Close what remains by an engine (radius formulation)."""
    from placeopt.engine import Status, solve
    from placeopt.location.formulations.radius import radius_model
    from placeopt.location.uncapacitated import swap_search

    start, site, cost, outside, opening, p_left, constant, free, may_be_unserved = residual
    if (
        (np.diff(start) == 0) & ~may_be_unserved
    ).any():  # a customer cannot be served below the cutoff
        state.proven, state.bound = True, state.cost
        return
    model, y = radius_model(start, site, cost, outside, opening, p_left, may_be_unserved)
    model.offset += constant
    result = solve(
        model,
        Settings(
            time_limit_seconds=max(1.0, state.time_limit_seconds - state.elapsed_seconds),
            gap=0.0,
            threads=1,
        ),
    )
    if result.has_plan:
        plan = fixed == 1
        plan[free[result.value(y) > 0.5]] = True
        state.offer(
            swap_search.plan_cost(
                lists.start, lists.site, lists.cost, lists.outside, lists.opening_cost, plan
            ),
            plan,
        )
    if result.status in (Status.OPTIMAL, Status.INFEASIBLE):
        state.proven, state.bound = True, state.cost
    elif np.isfinite(result.bound):
        state.raise_bound(max(bound, min(result.bound, state.cost)))


def _search_tree(
    lists: CandidateLists, arrays, state: SearchState, fixed, multipliers, max_nodes: int | None
) -> None:
    """Branch, best bound first, until the plan is proven, time is up or ``max_nodes`` are done."""
    from placeopt.location.uncapacitated import node

    pseudo_costs = PseudoCosts(lists.sites)
    count = 0
    heap: list[tuple] = [(state.bound, count, fixed, multipliers, None)]
    while heap:
        bound, _order, fixed, u, origin = heapq.heappop(heap)
        cutoff = state.cutoff(lists.is_integral)
        if bound > cutoff:
            break
        state.raise_bound(bound)
        if state.affordable_rounds(NODE_ROUNDS) < NODE_ROUNDS or (
            max_nodes is not None and state.nodes >= max_nodes
        ):
            return
        new_bound, u, open_frequency, plan_cost, plan, rounds_used = node.bound_node(
            *arrays,
            lists.outside,
            lists.opening_cost,
            lists.p,
            fixed,
            u.copy(),
            cutoff,
            NODE_ROUNDS,
            NODE_STEP,
            NODE_PATIENCE,
        )
        state.nodes += 1
        state.rounds += rounds_used
        if np.isfinite(plan_cost):
            state.offer(plan_cost, plan == 1)
        if origin is not None:
            pseudo_costs.record(origin, min(new_bound, cutoff + 1) - bound)
        if not np.isfinite(new_bound):
            continue
        new_bound = max(new_bound, bound)
        site = pseudo_costs.choose_site(open_frequency)
        for choice in (1, -1):
            child = fixed.copy()
            child[site] = choice
            count += 1
            distance = 1.0 - open_frequency[site] if choice == 1 else open_frequency[site]
            heapq.heappush(heap, (new_bound, count, child, u, (site, choice, distance)))
    state.proven, state.bound = True, state.cost


NODE_ROUNDS, NODE_STEP, NODE_PATIENCE = 60, 0.2, 8


class PseudoCosts:
    """How much the bound rose when a site was fixed, learned as the tree grows.

    Pseudo-costs: Benichou et al. (1971); product score: Achterberg (2007).
    """

    def __init__(self, sites: int):
        self.total_gain = {1: np.zeros(sites), -1: np.zeros(sites)}
        self.observations = {1: np.zeros(sites), -1: np.zeros(sites)}

    def record(self, origin: tuple[int, int, float], gain: float) -> None:
        """Record by how much the bound rose after a branching (site, 1 or -1, distance rounded)."""
        site, choice, distance = origin
        self.total_gain[choice][site] += max(gain, 0.0) / max(distance, 0.02)
        self.observations[choice][site] += 1

    def choose_site(self, open_frequency: NDArray[np.float64]) -> int:
        """The free site whose two branches promise to raise the bound most."""
        free = np.flatnonzero(open_frequency >= 0)
        share = np.clip(open_frequency[free], 0.02, 0.98)
        score = np.ones(len(free))
        for choice, distance in ((1, 1.0 - share), (-1, share)):
            observations, total_gain = self.observations[choice], self.total_gain[choice]
            mean = (total_gain.sum() + 1e-6) / (observations.sum() + 1e-6)
            rate = (total_gain[free] + mean) / (observations[free] + 1)
            score *= np.maximum(rate * distance, 1e-9)
        return int(free[np.argmax(score)])
