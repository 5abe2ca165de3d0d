"""Single-source facilities with capacities: branch and bound with proof.

1. The Lagrangian bound with 0-1 knapsacks (``knapsack_bound``), raised to that of a relaxation over
   all loads of a site (``column_generation``), and plans from dives (``diving``), local search
   (``exchange_search``) and the loads found so far (``set_partitioning``).
2. Pairs and sites whose forced bound passes the best plan are dropped.
3. A tree, best bound first: a site is opened or closed, or a customer is served from one half of
   its sites or from the other. Where few loads lie within the gap, an engine chooses among them
   (``load_enumeration``, ``set_partitioning``), which closes the node.

Small problems are given to an engine first.

Sources: Holmberg, Ronnqvist and Yuan (1999), EJOR 113; Baldacci et al. (2002), Computers & OR 29;
the halves: Ceselli and Righini (2005), "A branch-and-price algorithm for the capacitated p-median
problem", Networks 45.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

from placeopt.engine.result import Status
from placeopt.location.capacitated.arrays import (
    FORBIDDEN_COST,
    Bools,
    CapacitatedArrays,
    Floats,
    Ints,
    LagrangianBound,
    ascend_bound,
    capacitated_arrays,
    evaluate_bound,
    initial_multipliers,
    reason_for_no_plan,
)
from placeopt.location.capacitated.column_generation import LoadPool, solve_master
from placeopt.location.capacitated.diving import improve_plan, offer_dive
from placeopt.location.capacitated.result_assembly import (
    assemble_solution,
    infeasible_solution,
    is_closed,
)
from placeopt.location.capacitated.set_partitioning import (
    plan_from_loads,
    plan_from_pool,
    solve_set_partitioning,
)
from placeopt.location.compile_ahead import compile_capacitated
from placeopt.location.formulations.capacitated import solve_compact_model
from placeopt.location.search_state import Report, SearchState
from placeopt.location.solution import Solution
from placeopt.location.statement import Problem

MAX_LOADS_UNDECIDED = 300  # largest set partitioning where sites are undecided
MAX_LOADS_DECIDED = 3_000  # and where all sites are decided
PARTITIONING_SECONDS = 0.2  # time limit of a set partitioning
PARTITIONING_SHARE = 0.3  # share of the time for set partitioning
HEURISTIC_SHARE = 0.1  # share of the time for heuristics


@dataclass(frozen=True)
class TreeNode:
    """The decisions fixed at a node.

    Attributes:
        bound: Lower bound of its plans.
        multipliers: Multipliers to begin with, (customers,).
        must_open: Sites fixed open, (sites,).
        may_open: Sites not fixed closed, (sites,).
        pairs: Allowed pairs of (customers, sites), as packed bits.
    """

    bound: float
    multipliers: Floats
    must_open: Bools
    may_open: Bools
    pairs: np.ndarray


def solve_single_source(
    problem: Problem,
    *,
    time_limit_seconds: float,
    gap: float,
    seed: int,
    report: Report | None = None,
) -> Solution:
    """Solve a problem whose customers may not be split; see the module's text.

    Args:
        problem: A single-source or capacitated p-median problem.
        time_limit_seconds: Time limit.
        gap: Relative gap at which to stop.
        seed: Seed of the random numbers.
        report: Called with (cost, bound) after every improvement.

    Returns:
        The solution with its bound.
    """
    state = SearchState(time_limit_seconds=time_limit_seconds, gap=gap, report=report)
    arrays = capacitated_arrays(problem)
    reason = reason_for_no_plan(arrays)
    if reason:
        return infeasible_solution(problem, state, reason)
    is_small = arrays.cost.size <= MAX_MIP_PAIRS and _solve_by_mip(arrays, state)
    if not is_small:
        with state.clock_paused():
            compile_capacitated()
        lagrangian = _root_bound(arrays, state, seed)
        if not is_closed(arrays, state):
            BranchAndBound(arrays, state, seed).run(lagrangian)
    return assemble_solution(
        problem,
        arrays,
        state,
        infeasible=state.proven,
        method="Lagrangian with knapsacks, loads, tree",
        counts={"nodes": state.nodes},
        assigned=arrays.assignment,
    )


def _root_bound(arrays: CapacitatedArrays, state: SearchState, seed: int) -> LagrangianBound:
    """The bound at the root by subgradients; a plan is offered too."""
    multipliers, step = initial_multipliers(arrays), 1.0
    best: LagrangianBound | None = None
    target = 2.0 * abs(float(multipliers.sum())) + 1.0
    for _ in range(6):
        lagrangian = ascend_bound(arrays, multipliers, min(state.cost, target), 100, step)
        best = lagrangian if best is None or lagrangian.value > best.value else best
        state.raise_bound(best.value)
        multipliers, step = best.multipliers, max(1.5 * lagrangian.step, 0.02)
        target = best.value + 0.02 * abs(best.value) + 1.0
        if is_closed(arrays, state) or state.is_past(0.2):
            break
    assert best is not None
    offer_dive(arrays, state, best, seed, rounds=_search_rounds(arrays))
    is_closed(arrays, state)
    return best


def _search_rounds(arrays: CapacitatedArrays) -> int:
    """How many rounds of local search to make at a time."""
    n, m = arrays.cost.shape
    return int(np.clip(2e6 / (n * (n + m)), 4, 100))


MAX_POOL_LOADS = 5_000  # loads of the pool from which a plan is made
MAX_MIP_PAIRS = 400  # pairs up to which an engine is tried first, so that nothing is compiled
MIP_SECONDS = 2.0  # its time limit


def _solve_by_mip(arrays: CapacitatedArrays, state: SearchState) -> bool:
    """Solve the compact model of a small problem by an engine; return whether that closes it."""
    rows, columns = np.nonzero(arrays.cost < FORBIDDEN_COST)
    result, flows = solve_compact_model(
        arrays, rows, columns, seconds=min(MIP_SECONDS, state.time_limit_seconds)
    )
    if result.has_plan:
        assignment = np.asarray(flows.argmax(axis=1)).ravel()
        is_open = arrays.must_open | (np.asarray(flows.sum(axis=0)).ravel() > 0.5)
        loads = [(int(j), np.flatnonzero(assignment == j)) for j in np.flatnonzero(is_open)]
        _offer(arrays, state, *plan_from_loads(arrays, loads))
    if result.status in (Status.OPTIMAL, Status.INFEASIBLE):
        state.proven, state.bound = True, state.cost
        return True
    if np.isfinite(result.bound):
        state.raise_bound(min(result.bound, state.cost))
    return False


class BranchAndBound:
    """A tree, best bound first, that makes plans on the way.

    Plans come from dives and local search at the current node, and at times from all loads found so
    far.
    """

    def __init__(self, arrays: CapacitatedArrays, state: SearchState, seed: int) -> None:
        self.arrays, self.state, self.seed = arrays, state, seed
        self.pool = LoadPool()
        self.partitioning_seconds, self.heuristic_seconds, self.heuristic_calls = 0.0, 0.0, 0

    def run(self, lagrangian: LagrangianBound) -> None:
        """Search until no plan below the best is left or time is up."""
        arrays, state = self.arrays, self.state
        node_arrays = arrays.replace(
            cost=arrays.cost.copy(),
            must_open=arrays.must_open.copy(),
            may_open=arrays.may_open.copy(),
        )
        heap = [
            (
                lagrangian.value,
                0,
                TreeNode(
                    lagrangian.value,
                    lagrangian.multipliers,
                    node_arrays.must_open,
                    node_arrays.may_open,
                    _packed_pairs(node_arrays),
                ),
            )
        ]
        count = 0
        while heap:
            bound, _, node = heapq.heappop(heap)
            if bound > state.cutoff(arrays.is_integral):
                break
            state.raise_bound(bound)
            if state.is_out_of_time:
                return
            state.nodes += 1
            for child in self._bound_and_branch(node):
                count += 1
                heapq.heappush(heap, (child.bound, count, child))
        state.proven = True

    def _bound_and_branch(self, node: TreeNode) -> list[TreeNode]:
        """Bound a node; return its two halves, or nothing if the node is closed."""
        arrays, state = self.arrays, self.state
        node_arrays = _arrays_at(arrays, node)
        multipliers, lagrangian = node.multipliers, None
        for _ in range(4):
            if not _can_have_plan(node_arrays):
                return []
            start_bound = evaluate_bound(node_arrays, multipliers)[0]
            lagrangian, load_shares = solve_master(
                node_arrays,
                start_bound,
                self.pool,
                state.cutoff(arrays.is_integral),
                MAX_MASTER_ROUNDS,
                state.time_limit_seconds - state.elapsed_seconds,
            )
            if state.nodes == 1:
                state.raise_bound(min(lagrangian.value, state.cutoff(arrays.is_integral)))
            if lagrangian.value > state.cutoff(arrays.is_integral):
                return []
            if load_shares and min(load_shares.values()) > 1 - 1e-6:
                loads = [(self.pool.site[k], self.pool.customers[k]) for k in load_shares]
                _offer(arrays, state, *plan_from_loads(arrays, loads))
            multipliers = lagrangian.multipliers
            self._run_heuristic(node_arrays, lagrangian)
            if not _fix_variables(node_arrays, lagrangian, state.cutoff(arrays.is_integral)):
                break
        assert lagrangian is not None
        bound = max(node.bound, lagrangian.value)
        cutoff = state.cutoff(arrays.is_integral)
        if (
            np.isfinite(cutoff)
            and self.partitioning_seconds <= PARTITIONING_SHARE * state.elapsed_seconds
        ):
            started_at = state.elapsed_seconds
            max_loads = (
                MAX_LOADS_UNDECIDED
                if node_arrays.p < 0 and (node_arrays.may_open & ~node_arrays.must_open).any()
                else MAX_LOADS_DECIDED
            )
            outcome = solve_set_partitioning(
                node_arrays,
                lagrangian,
                cutoff,
                max_loads,
                PARTITIONING_SECONDS,
                only_if_complete=True,
            )
            _offer(arrays, state, outcome.cost, outcome.is_open, outcome.assignment)
            self.partitioning_seconds += state.elapsed_seconds - started_at
            bound = max(bound, outcome.bound)
            if bound > state.cutoff(arrays.is_integral):
                return []
        return _branch(node_arrays, lagrangian, bound)

    def _run_heuristic(self, node_arrays: CapacitatedArrays, lagrangian: LagrangianBound) -> None:
        """Make a plan, unless heuristics have used up their share of the time."""
        arrays, state = self.arrays, self.state
        if (
            np.isfinite(state.cost)
            and self.heuristic_seconds > HEURISTIC_SHARE * state.elapsed_seconds
        ):
            return
        started_at = state.elapsed_seconds
        self.heuristic_calls += 1
        seed = self.seed + self.heuristic_calls
        if self.heuristic_calls % 3:
            offer_dive(
                node_arrays,
                state,
                lagrangian,
                seed,
                rounds=_search_rounds(arrays),
                best_plan_of=arrays,
            )
        elif not state.is_out_of_time:
            self._plan_from_pool(node_arrays, lagrangian, seed)
        self.heuristic_seconds += state.elapsed_seconds - started_at

    def _plan_from_pool(
        self, node_arrays: CapacitatedArrays, lagrangian: LagrangianBound, seed: int
    ) -> None:
        """Offer the best plan made of the loads found so far, improved by local search."""
        arrays, state, pool = self.arrays, self.state, self.pool
        cutoff = state.cutoff(arrays.is_integral)
        loads = [
            (pool.site[k], pool.customers[k])
            for k in pool.within_cutoff(node_arrays, lagrangian, cutoff)
        ]
        if not loads:
            return
        seconds = min(
            0.1 * (state.time_limit_seconds - state.elapsed_seconds),
            max(0.1, HEURISTIC_SHARE * state.elapsed_seconds),
        )
        plan = plan_from_pool(node_arrays, lagrangian, loads, MAX_POOL_LOADS, seconds)
        if plan is not None:
            _offer(arrays, state, *plan)
            _, is_open, assignment = plan
            cost = improve_plan(
                node_arrays, state, assignment, is_open, _search_rounds(arrays), seed
            )
            _offer(arrays, state, cost, is_open, assignment)


MAX_MASTER_ROUNDS = 300


def _offer(
    arrays: CapacitatedArrays, state: SearchState, cost: float, is_open: Bools, assignment: Ints
) -> None:
    """Offer a plan to the search; keep its assignment if it is better."""
    has_right_size = arrays.p < 0 or int(is_open.sum()) == arrays.p
    if np.isfinite(cost) and has_right_size and state.offer(cost, is_open):
        arrays.assignment = assignment.copy()


def _arrays_at(arrays: CapacitatedArrays, node: TreeNode) -> CapacitatedArrays:
    """The arrays of a node."""
    pairs = (
        np.unpackbits(node.pairs, count=arrays.cost.size).reshape(arrays.cost.shape).astype(bool)
    )
    cost = np.where(pairs, arrays.cost, FORBIDDEN_COST)
    closed_capacity = int(arrays.scaled_capacity[arrays.may_open & ~node.may_open].sum())
    return arrays.replace(cost=cost, must_open=node.must_open.copy(), may_open=node.may_open.copy(),
                        scaled_surplus=arrays.scaled_surplus - closed_capacity)  # fmt: skip


def _can_have_plan(node_arrays: CapacitatedArrays) -> bool:
    """Whether a node may hold a plan; sites that are the last of a customer are fixed open."""
    is_allowed = (node_arrays.cost < FORBIDDEN_COST) & node_arrays.may_open[None, :]
    sites_in_reach = is_allowed.sum(axis=1)
    if (sites_in_reach == 0).any():
        return False
    node_arrays.must_open[is_allowed[sites_in_reach == 1].any(axis=0)] = True
    return node_arrays.scaled_surplus >= 0 and not reason_for_no_plan(node_arrays)


def _fix_variables(
    node_arrays: CapacitatedArrays, lagrangian: LagrangianBound, cutoff: float
) -> bool:
    """Drop pairs and fix sites by their forced bounds; return whether that dropped many pairs."""
    from placeopt.location.capacitated import knapsack_bound

    if not np.isfinite(cutoff):
        return False
    gap = cutoff - lagrangian.value + 1e-9 * abs(cutoff)
    pairs_before = int((node_arrays.cost < FORBIDDEN_COST).sum())
    node_arrays.must_open |= node_arrays.may_open & (lagrangian.rise_if_closed > gap)
    closed = node_arrays.may_open & ~node_arrays.must_open & (lagrangian.rise_if_opened > gap)
    node_arrays.may_open &= ~closed
    node_arrays.scaled_surplus -= int(node_arrays.scaled_capacity[closed].sum())
    for j in np.flatnonzero(node_arrays.may_open):
        with_pair, _ = knapsack_bound.with_and_without(
            lagrangian.multipliers - node_arrays.cost[:, j],
            node_arrays.integer_demand,
            node_arrays.integer_capacity[j],
        )
        node_arrays.cost[lagrangian.rise_if_empty[j] - with_pair > gap, j] = FORBIDDEN_COST
    node_arrays.cost[:, ~node_arrays.may_open] = FORBIDDEN_COST
    pairs_after = int((node_arrays.cost < FORBIDDEN_COST).sum())
    return pairs_after < 0.9 * pairs_before


def _packed_pairs(node_arrays: CapacitatedArrays) -> np.ndarray:
    """The allowed pairs as packed bits."""
    return np.packbits(node_arrays.cost < FORBIDDEN_COST)


def _branch(
    node_arrays: CapacitatedArrays, lagrangian: LagrangianBound, bound: float
) -> list[TreeNode]:
    """Two nodes that share the plans of this one."""
    packed = _packed_pairs(node_arrays)
    is_undecided = node_arrays.may_open & ~node_arrays.must_open
    indecision = np.where(
        is_undecided, 1e-3 + np.minimum(lagrangian.site_shares, 1.0 - lagrangian.site_shares), -1.0
    )
    if node_arrays.p < 0 and is_undecided.any():
        j = int(indecision.argmax())
        must_open, may_open = node_arrays.must_open.copy(), node_arrays.may_open.copy()
        must_open[j], may_open[j] = True, False
        return [
            TreeNode(bound, lagrangian.multipliers, must_open, node_arrays.may_open, packed),
            TreeNode(bound, lagrangian.multipliers, node_arrays.must_open, may_open, packed),
        ]
    is_allowed = node_arrays.cost < FORBIDDEN_COST
    pair_shares = np.where(is_allowed, lagrangian.pair_shares, 0.0)
    total_share = pair_shares.sum(axis=1)
    split_share = total_share - pair_shares.max(axis=1)
    split_share = np.where(
        is_allowed.sum(axis=1) > 1, split_share / np.maximum(total_share, 1e-12) + 1e-6, -1.0
    )
    i = int(split_share.argmax())
    if split_share[i] < 0:
        return _branch_on_idle_site(node_arrays, lagrangian, bound, packed)
    order = np.lexsort((node_arrays.cost[i], -pair_shares[i]))
    order = order[is_allowed[i][order]]
    nodes = []
    for dropped in (order[::2], order[1::2]):
        pairs = is_allowed.copy()
        pairs[i, dropped] = False
        nodes.append(
            TreeNode(
                bound,
                lagrangian.multipliers,
                node_arrays.must_open,
                node_arrays.may_open,
                np.packbits(pairs),
            )
        )
    return nodes


def _branch_on_idle_site(
    node_arrays: CapacitatedArrays, lagrangian: LagrangianBound, bound: float, packed
) -> list[TreeNode]:
    """Two nodes where every assignment is fixed: only sites without customers are undecided."""
    undecided = np.flatnonzero(node_arrays.may_open & ~node_arrays.must_open)
    if len(undecided) == 0:
        return []
    j = undecided[0]
    must_open, may_open = node_arrays.must_open.copy(), node_arrays.may_open.copy()
    must_open[j], may_open[j] = True, False
    return [
        TreeNode(bound, lagrangian.multipliers, must_open, node_arrays.may_open, packed),
        TreeNode(bound, lagrangian.multipliers, node_arrays.must_open, may_open, packed),
    ]
