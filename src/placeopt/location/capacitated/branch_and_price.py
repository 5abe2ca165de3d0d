"""Branch and price for single-source facilities with capacities.

1. The Lagrangian bound with 0-1 knapsacks (``knapsack_bound``), raised to that of a relaxation over
   all loads of a site (``column_generation``), and plans from dives (``diving``), local search
   (``exchange_search``) and the loads found so far (``set_partitioning``).
2. Pairs and sites whose forced bound passes the best plan are dropped.
3. A tree, best bound first: a site is opened or closed, or a customer is served from one half of
   its sites or from the other. Where few loads lie within the gap, an engine chooses among them
   (``load_enumeration``, ``set_partitioning``), which closes the node.

Sources: Holmberg, Ronnqvist and Yuan (1999), EJOR 113; Baldacci et al. (2002), Computers & OR 29;
the halves: Ceselli and Righini (2005), "A branch-and-price algorithm for the capacitated p-median
problem", Networks 45.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placeopt.base.arrays import Bools, Floats
from placeopt.location.best_first_tree import search_tree
from placeopt.location.capacitated.arrays import (
    FORBIDDEN_COST,
    CapacitatedArrays,
    reason_for_no_plan,
)
from placeopt.location.capacitated.column_generation import LoadPool, solve_master
from placeopt.location.capacitated.diving import improve_plan, offer_dive
from placeopt.location.capacitated.knapsack_bound import with_and_without
from placeopt.location.capacitated.lagrangian import (
    LagrangianBound,
    ascend_bound,
    evaluate_bound,
    initial_multipliers,
)
from placeopt.location.capacitated.params import SingleSourceParams
from placeopt.location.capacitated.plan import offer
from placeopt.location.capacitated.result_assembly import is_closed
from placeopt.location.capacitated.set_partitioning import (
    plan_from_loads,
    plan_from_pool,
    solve_set_partitioning,
)
from placeopt.location.search_state import SearchState

LOG = logging.getLogger("placeopt.location")


def prove(arrays: CapacitatedArrays, state: SearchState, params: SingleSourceParams) -> None:
    """Solve a problem; sets the plan, the bound and whether it is proven in ``state``.

    Args:
        arrays: The problem.
        state: The search.
        params: The parameters of the method.
    """
    lagrangian = _root_bound(arrays, state, params)
    LOG.info("root: bound %g, plan %g", state.bound, state.cost)
    if is_closed(state, arrays.is_integral):
        return
    branching = LoadBranching(arrays, state, params)
    state.proven = search_tree(branching.first_node(lagrangian), branching, state)


def _root_bound(
    arrays: CapacitatedArrays, state: SearchState, params: SingleSourceParams
) -> LagrangianBound:
    """The bound at the root by subgradients; a plan is offered too."""
    root = params.root
    multipliers, step = initial_multipliers(arrays), root.rule.step
    best: LagrangianBound | None = None
    target = 2.0 * abs(float(multipliers.sum())) + 1.0
    for _ in range(root.ascents):
        rule = root.rule._replace(step=step)
        lagrangian = ascend_bound(arrays, multipliers, min(state.cost, target), rule)
        best = lagrangian if best is None or lagrangian.value > best.value else best
        state.raise_bound(best.value)
        multipliers = best.multipliers
        step = max(root.lengthening * lagrangian.step, root.least_step)
        target = best.value + root.target_share * abs(best.value) + 1.0
        if is_closed(state, arrays.is_integral) or state.is_past(root.time_share):
            break
    assert best is not None
    rounds, seed = _search_rounds(arrays, params), state.settings.seed
    offer_dive(arrays, state, best, params.diving, seed, rounds)
    return best


def _search_rounds(arrays: CapacitatedArrays, params: SingleSourceParams) -> int:
    """How many rounds of local search to make at a time."""
    n, m = arrays.cost.shape
    rounds = params.search_work / (n * (n + m))
    return int(np.clip(rounds, params.min_search_rounds, params.max_search_rounds))


@dataclass(frozen=True)
class LoadNode:
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
    pairs: NDArray[np.uint8]


class BoundedNode(NamedTuple):
    """A node after its bound is found.

    Attributes:
        arrays: The problem of the node, with the pairs and sites that the bound has fixed.
        lagrangian: The bound and its multipliers.
        bound: Lower bound of its plans.
    """

    arrays: CapacitatedArrays
    lagrangian: LagrangianBound
    bound: float


class LoadBranching:
    """Branching on sites and on halves of a customer's sites; see ``best_first_tree.Branching``.

    Plans come from dives and local search at the current node, and at times from all loads found so
    far.
    """

    def __init__(
        self, arrays: CapacitatedArrays, state: SearchState, params: SingleSourceParams
    ) -> None:
        """Branch for the problem ``arrays``, offering plans to ``state``."""
        self.arrays, self.state, self.params = arrays, state, params
        self.pool = LoadPool()
        self.partitioning_seconds, self.heuristic_seconds, self.heuristic_calls = 0.0, 0.0, 0

    def first_node(self, lagrangian: LagrangianBound) -> LoadNode:
        """The node at the root."""
        arrays = self.arrays
        return LoadNode(
            lagrangian.value,
            lagrangian.multipliers,
            arrays.must_open.copy(),
            arrays.may_open.copy(),
            np.packbits(arrays.is_allowed),
        )

    def cutoff(self) -> float:
        """The cost at or above which a plan is no improvement."""
        return self.state.cutoff(self.arrays.is_integral)

    def may_go_on(self) -> bool:
        """Whether there is time for another node."""
        return not self.state.is_out_of_time

    def children(self, node: LoadNode) -> Iterable[LoadNode]:
        """Bound a node; its two halves, or nothing if the node is closed."""
        bounded = self._bound(node)
        if bounded is not None:
            bounded = self._choose_among_loads(bounded)
        return [] if bounded is None else split_node(bounded)

    def _bound(self, node: LoadNode) -> BoundedNode | None:
        """The bound of a node, found again while it drops many pairs; None if it is closed."""
        state, params = self.state, self.params
        node_arrays = _arrays_at(self.arrays, node)
        multipliers, lagrangian = node.multipliers, None
        for _ in range(params.max_reductions):
            with_last_open = _with_last_sites_open(node_arrays)
            if with_last_open is None:
                return None
            node_arrays = with_last_open
            start = evaluate_bound(node_arrays, multipliers)[0]
            found = solve_master(
                node_arrays,
                start,
                self.pool,
                self.cutoff(),
                state.deadline,
                params.column_generation,
            )
            lagrangian = found.bound
            if state.nodes == 1:
                state.raise_bound(min(lagrangian.value, self.cutoff()))
            if lagrangian.value > self.cutoff():
                return None
            if found.load_shares and min(found.load_shares.values()) > 1 - 1e-6:
                loads = [self.pool.load(k) for k in found.load_shares]
                offer(self.arrays, state, plan_from_loads(self.arrays, loads))
            multipliers = lagrangian.multipliers
            self._run_heuristic(node_arrays, lagrangian)
            pairs_before = int(node_arrays.is_allowed.sum())
            node_arrays = _fix_variables(node_arrays, lagrangian, self.cutoff())
            if node_arrays.is_allowed.sum() >= params.reduction * pairs_before:
                break
        assert lagrangian is not None
        return BoundedNode(node_arrays, lagrangian, max(node.bound, lagrangian.value))

    def _choose_among_loads(self, node: BoundedNode) -> BoundedNode | None:
        """Solve a node whose loads are few by an engine, if time allows; None if that closes it."""
        state, params = self.state, self.params.partitioning
        cutoff = self.cutoff()
        share_used = self.partitioning_seconds > params.time_share * state.elapsed_seconds
        if not np.isfinite(cutoff) or share_used:
            return node
        started_at = state.elapsed_seconds
        is_undecided = node.arrays.may_open & ~node.arrays.must_open
        has_undecided = not node.arrays.has_fixed_size and bool(is_undecided.any())
        max_loads = params.max_loads_undecided if has_undecided else params.max_loads_decided
        found = solve_set_partitioning(
            node.arrays, node.lagrangian, cutoff, max_loads, params.seconds
        )
        if found.plan is not None:
            offer(self.arrays, state, found.plan)
        self.partitioning_seconds += state.elapsed_seconds - started_at
        bound = max(node.bound, found.bound)
        return None if bound > self.cutoff() else node._replace(bound=bound)

    def _run_heuristic(self, node_arrays: CapacitatedArrays, lagrangian: LagrangianBound) -> None:
        """Make a plan, unless heuristics have used up their share of the time."""
        state, params = self.state, self.params
        share_used = self.heuristic_seconds > params.heuristic_share * state.elapsed_seconds
        if np.isfinite(state.cost) and share_used:
            return
        started_at = state.elapsed_seconds
        self.heuristic_calls += 1
        rounds = _search_rounds(self.arrays, params)
        seed = state.settings.seed + self.heuristic_calls
        if self.heuristic_calls % params.pool_every:
            offer_dive(node_arrays, state, lagrangian, params.diving, seed, rounds)
        elif not state.is_out_of_time:
            self._plan_from_pool(node_arrays, lagrangian, seed, rounds)
        self.heuristic_seconds += state.elapsed_seconds - started_at

    def _plan_from_pool(
        self, node_arrays: CapacitatedArrays, lagrangian: LagrangianBound, seed: int, rounds: int
    ) -> None:
        """Offer the best plan made of the loads found so far, improved by local search."""
        state, params = self.state, self.params
        known = self.pool.within_cutoff(node_arrays, lagrangian, self.cutoff())
        if not known:
            return
        seconds = min(
            params.heuristic_share * state.seconds_left(),
            max(0.1, params.heuristic_share * state.elapsed_seconds),
        )
        loads = [self.pool.load(k) for k in known]
        max_loads = params.partitioning.max_pool_loads
        plan = plan_from_pool(node_arrays, lagrangian, loads, max_loads, seconds)
        if plan is not None:
            offer(self.arrays, state, plan)
            improved = improve_plan(
                node_arrays, state, plan.assignment, plan.is_open, params.diving, rounds, seed
            )
            offer(self.arrays, state, improved)


def _arrays_at(arrays: CapacitatedArrays, node: LoadNode) -> CapacitatedArrays:
    """The problem of a node."""
    bits = np.unpackbits(node.pairs, count=arrays.cost.size)
    pairs = bits.reshape(arrays.cost.shape).astype(bool)
    closed_capacity = int(arrays.scaled_capacity[arrays.may_open & ~node.may_open].sum())
    return arrays._replace(
        cost=np.where(pairs, arrays.cost, FORBIDDEN_COST),
        must_open=node.must_open.copy(),
        may_open=node.may_open.copy(),
        scaled_surplus=arrays.scaled_surplus - closed_capacity,
    )


def _with_last_sites_open(node_arrays: CapacitatedArrays) -> CapacitatedArrays | None:
    """The problem with sites fixed open that are the last of a customer; None if it has no plan."""
    is_allowed = node_arrays.is_allowed & node_arrays.may_open[None, :]
    sites_in_reach = is_allowed.sum(axis=1)
    if (sites_in_reach == 0).any():
        return None
    is_last = is_allowed[sites_in_reach == 1].any(axis=0)
    node_arrays = node_arrays._replace(must_open=node_arrays.must_open | is_last)
    has_room = node_arrays.scaled_surplus >= 0 and not reason_for_no_plan(node_arrays)
    return node_arrays if has_room else None


def _fix_variables(
    node_arrays: CapacitatedArrays, lagrangian: LagrangianBound, cutoff: float
) -> CapacitatedArrays:
    """The problem without pairs, and with sites fixed, whose forced bound passes the cutoff."""
    if not np.isfinite(cutoff):
        return node_arrays
    gap = cutoff - lagrangian.value + 1e-9 * abs(cutoff)
    must_open = node_arrays.must_open | node_arrays.may_open & (lagrangian.rise_if_closed > gap)
    is_closed_now = node_arrays.may_open & ~must_open & (lagrangian.rise_if_opened > gap)
    may_open = node_arrays.may_open & ~is_closed_now
    cost = node_arrays.cost.copy()
    for j in np.flatnonzero(may_open):
        with_pair, _ = with_and_without(
            lagrangian.multipliers - cost[:, j],
            node_arrays.integer_demand,
            node_arrays.integer_capacity[j],
        )
        cost[lagrangian.rise_if_empty[j] - with_pair > gap, j] = FORBIDDEN_COST
    cost[:, ~may_open] = FORBIDDEN_COST
    closed_capacity = int(node_arrays.scaled_capacity[is_closed_now].sum())
    return node_arrays._replace(
        cost=cost,
        must_open=must_open,
        may_open=may_open,
        scaled_surplus=node_arrays.scaled_surplus - closed_capacity,
    )


def split_node(node: BoundedNode) -> list[LoadNode]:
    """Two nodes that share the plans of this one; none if everything is decided.

    The site that the relaxation is least sure of is opened or closed, where any number may open;
    else the customer whose service is split most is served from one half of its sites or the other.
    """
    node_arrays, lagrangian, _ = node
    is_undecided = node_arrays.may_open & ~node_arrays.must_open
    if not node_arrays.has_fixed_size and is_undecided.any():
        shares = lagrangian.site_shares
        indecision = np.where(is_undecided, 1e-3 + np.minimum(shares, 1.0 - shares), -1.0)
        return _branch_on_site(node, int(indecision.argmax()))
    is_allowed = node_arrays.is_allowed
    pair_shares = np.where(is_allowed, lagrangian.pair_shares, 0.0)
    total_share = pair_shares.sum(axis=1)
    split_share = total_share - pair_shares.max(axis=1)
    split_share = np.where(
        is_allowed.sum(axis=1) > 1, split_share / np.maximum(total_share, 1e-12) + 1e-6, -1.0
    )
    i = int(split_share.argmax())
    if split_share[i] < 0:  # every assignment is fixed: only sites without customers are undecided
        undecided = np.flatnonzero(is_undecided)
        return _branch_on_site(node, int(undecided[0])) if len(undecided) else []
    order = np.lexsort((node_arrays.cost[i], -pair_shares[i]))
    order = order[is_allowed[i][order]]
    nodes = []
    for dropped in (order[::2], order[1::2]):
        pairs = is_allowed.copy()
        pairs[i, dropped] = False
        nodes.append(
            LoadNode(
                node.bound,
                lagrangian.multipliers,
                node_arrays.must_open,
                node_arrays.may_open,
                np.packbits(pairs),
            )
        )
    return nodes


def _branch_on_site(node: BoundedNode, j: int) -> list[LoadNode]:
    """A node with site ``j`` opened and one with it closed."""
    node_arrays, lagrangian, bound = node
    must_open, may_open = node_arrays.must_open.copy(), node_arrays.may_open.copy()
    must_open[j], may_open[j] = True, False
    pairs = np.packbits(node_arrays.is_allowed)
    return [
        LoadNode(bound, lagrangian.multipliers, must_open, node_arrays.may_open, pairs),
        LoadNode(bound, lagrangian.multipliers, node_arrays.must_open, may_open, pairs),
    ]
