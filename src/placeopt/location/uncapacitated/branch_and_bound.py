"""Prove the best plan of a problem in candidate lists: search, bound, fix, branch.

1. Swap local search finds a plan (``swap_search``).
2. The Lagrangian bound is raised and fixes sites (``root``, ``lagrangian``, ``node``).
3. A tree, best bound first, closes what remains; each node is the same problem, smaller. A site is
   opened in one branch and closed in the other.

Where costs are whole numbers a node is cut off as soon as its bound passes (plan - 1).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from placeopt.base.arrays import Floats, Signs
from placeopt.location.best_first_tree import search_tree
from placeopt.location.uncapacitated.core_search import search_core
from placeopt.location.uncapacitated.heuristic_concentration import concentrate
from placeopt.location.uncapacitated.list_search import ListSearch
from placeopt.location.uncapacitated.node import CLOSED, OPEN, bound_node
from placeopt.location.uncapacitated.residual import close_by_mip, residual_problem
from placeopt.location.uncapacitated.root import (
    Root,
    fix_at_root,
    initial_multipliers,
    raise_root_bound,
)

LOG = logging.getLogger("placeopt.location")


def prove(search: ListSearch) -> None:
    """Solve the problem of ``search``; sets the plan, the bound and whether it is proven."""
    state = search.state
    search.improve(
        search.greedy_plan(state.settings.seed), search.first_rounds, state.settings.seed
    )
    multipliers, rho = raise_root_bound(search, initial_multipliers(search))
    if state.proven or state.is_out_of_time:
        return
    root = _fix_sites(search, multipliers, rho)
    if state.proven or state.is_out_of_time:
        return
    tree = search.params.tree
    residual = residual_problem(search, root)
    is_small = len(residual.reduced.lists.site) <= tree.max_residual_entries
    if search.lists.infeasible_cost == np.inf and search.has_wide_gap:
        LOG.info("heuristic concentration: the gap is wide")
        concentrate(search)
    branching = SiteBranching(search, max_nodes=tree.max_nodes if is_small else None)
    if search_tree(branching.first_node(root), branching, state):
        state.close()
    elif is_small and not state.is_out_of_time:
        LOG.info("the engine closes what %d nodes left", state.nodes)
        close_by_mip(search, root, residual)


def _fix_sites(search: ListSearch, multipliers: Floats, rho: Floats) -> Root:
    """Fix sites by long ascents; where a large problem has a wide gap, after better plans."""
    state, params = search.state, search.params
    is_hard = search.is_large and search.has_wide_gap
    if is_hard:
        LOG.info("core search: the problem is large and the gap is wide")
        share = params.core.time_share
        search_core(search, rho, state.elapsed_seconds + share * state.seconds_left())
    rules = params.root.fixing_rules
    root = fix_at_root(search, multipliers, rules[0])
    for rule in rules[1:] if is_hard else ():
        if state.proven or state.is_out_of_time:
            break
        root = fix_at_root(search, root.multipliers, rule)
    return root


class Origin(NamedTuple):
    """The branching that made a node.

    Attributes:
        site: The site that was fixed.
        choice: OPEN or CLOSED.
        distance: How far the site's share in the relaxation was from that.
    """

    site: int
    choice: int
    distance: float


@dataclass(frozen=True)
class SiteNode:
    """The decisions fixed at a node.

    Attributes:
        bound: Lower bound of its plans.
        fixed: OPEN, CLOSED or FREE for each site, (sites,).
        multipliers: Multipliers to begin with, (customers,).
        origin: The branching that made it; None at the root.
    """

    bound: float
    fixed: Signs
    multipliers: Floats
    origin: Origin | None = None


class SiteBranching:
    """Branching on sites, chosen by pseudo-costs; see ``best_first_tree.Branching``."""

    def __init__(self, search: ListSearch, max_nodes: int | None = None) -> None:
        """Branch for ``search``, over at most ``max_nodes`` nodes."""
        self.search, self.max_nodes = search, max_nodes
        self.rule = search.params.tree.rule
        self.pseudo_costs = PseudoCosts(search.lists.sites, search.params.tree.least_distance)

    def first_node(self, root: Root) -> SiteNode:
        """The node at the root."""
        return SiteNode(self.search.state.bound, root.fixed.copy(), root.multipliers)

    def cutoff(self) -> float:
        """The cost at or above which a plan is no improvement."""
        return self.search.cutoff

    def may_go_on(self) -> bool:
        """Whether time suffices for a node and not too many are done."""
        state = self.search.state
        has_time = state.affordable_rounds(self.rule.rounds) >= self.rule.rounds
        return has_time and (self.max_nodes is None or state.nodes < self.max_nodes)

    def children(self, node: SiteNode) -> Iterable[SiteNode]:
        """Bound a node and split it by a site, if it may hold a better plan."""
        state, cutoff, fixed = self.search.state, self.search.cutoff, node.fixed
        found = bound_node(self.search.lists.arrays, fixed, node.multipliers, cutoff, self.rule)
        state.rounds += found.rounds
        if np.isfinite(found.plan_cost):
            state.offer(found.plan_cost, found.plan == OPEN)
        if node.origin is not None:
            self.pseudo_costs.record(node.origin, min(found.bound, cutoff + 1) - node.bound)
        if not np.isfinite(found.bound):
            return []
        bound = max(found.bound, node.bound)
        site = self.pseudo_costs.choose_site(found.open_frequency)
        share = float(found.open_frequency[site])
        nodes = []
        for choice, distance in ((OPEN, 1.0 - share), (CLOSED, share)):
            child = fixed.copy()
            child[site] = choice
            origin = Origin(site, choice, distance)
            nodes.append(SiteNode(bound, child, found.multipliers, origin))
        return nodes


class PseudoCosts:
    """How much the bound rose when a site was fixed, learned as the tree grows.

    Pseudo-costs: Benichou et al. (1971); product score: Achterberg (2007).
    """

    def __init__(self, sites: int, least_distance: float) -> None:
        """Begin without observations.

        Args:
            sites: Number of sites.
            least_distance: Least distance from OPEN and CLOSED that a site's share counts as.
        """
        self.least_distance = least_distance
        self.total_gain = {OPEN: np.zeros(sites), CLOSED: np.zeros(sites)}
        self.observations = {OPEN: np.zeros(sites), CLOSED: np.zeros(sites)}

    def record(self, origin: Origin, gain: float) -> None:
        """Record by how much the bound rose after a branching."""
        rate = max(gain, 0.0) / max(origin.distance, self.least_distance)
        self.total_gain[origin.choice][origin.site] += rate
        self.observations[origin.choice][origin.site] += 1

    def choose_site(self, open_frequency: Floats) -> int:
        """The free site whose two branches promise to raise the bound most."""
        free = np.flatnonzero(open_frequency >= 0)
        share = np.clip(open_frequency[free], self.least_distance, 1.0 - self.least_distance)
        score = np.ones(len(free))
        for choice, distance in ((OPEN, 1.0 - share), (CLOSED, share)):
            observations, total_gain = self.observations[choice], self.total_gain[choice]
            mean = (total_gain.sum() + 1e-6) / (observations.sum() + 1e-6)
            rate = (total_gain[free] + mean) / (observations[free] + 1)
            score *= np.maximum(rate * distance, 1e-9)
        return int(free[np.argmax(score)])
