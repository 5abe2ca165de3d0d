"""Candidate lists: for each customer the sites worth considering, cheapest first.

    minimise  sum_{j in S} f[j] + sum_i min(outside[i], min_{j in S} cost[i,j])

over sets S with |S| = p (or of any size, ``p = -1``). ``outside[i]`` is what customer i costs
when no site of its list is open. One record states five problems:

    p-median, facility location   the list holds every admissible site and ``outside`` is more
                                  than the cost of any plan: a best plan that pays it means that
                                  there is no plan
    the same, nearest sites only  ``outside`` is the cost of the farthest listed site: a relaxation,
                                  whose bound holds for the full problem
    maximal covering              cost = uncovered weight, ``outside`` = the whole weight; gradual
                                  coverage the same
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from placeopt.base.arrays import Bools, Floats, Ints, ShortInts
from placeopt.location.distances import Pairs, Points
from placeopt.location.statement import MAXIMAL_COVERING, NEEDS_P, Problem

MAX_DENSE_PAIRS = 30_000_000  # pairs up to which all are listed
MAX_LISTED_PAIRS = 60_000_000
MAX_EXACT_COST = 1e9  # total cost up to which 1 more is far above rounding


class CandidateArrays(NamedTuple):
    """The candidate sites by customer, as compiled code takes them.

    The list of customer i is the entries from ``start[i]`` to ``start[i + 1]``.

    Attributes:
        start: First entry of each customer, (customers + 1,).
        site: Site of each entry, (entries,).
        cost: Cost of each entry, (entries,), ascending for each customer.
        outside: Cost of a customer served by no listed site, (customers,).
        opening_cost: Cost of opening a site, (sites,).
        p: Number of sites to open; -1 is any number.
    """

    start: Ints
    site: ShortInts
    cost: Floats
    outside: Floats
    opening_cost: Floats
    p: int


@dataclass(frozen=True)
class CandidateLists:
    """A problem in candidate lists.

    Attributes:
        arrays: The lists and costs.
        must_open: Sites that every plan opens, (sites,).
        may_open: Sites that a plan may open, (sites,).
        is_complete: Whether every admissible pair is listed.
        is_integral: Whether every cost is a whole number.
        infeasible_cost: The value of ``outside`` that means "no plan"; inf if there is none.
    """

    arrays: CandidateArrays
    must_open: Bools
    may_open: Bools
    is_complete: bool
    is_integral: bool
    infeasible_cost: float

    @property
    def customers(self) -> int:
        """Number of customers."""
        return len(self.arrays.start) - 1

    @property
    def sites(self) -> int:
        """Number of sites."""
        return len(self.arrays.opening_cost)

    @property
    def entries(self) -> int:
        """Number of listed pairs."""
        return len(self.arrays.site)

    @property
    def is_size_free(self) -> bool:
        """Whether a plan may open any number of sites."""
        return self.arrays.p < 0


def list_candidates(problem: Problem, nearest_count: int | None = None) -> CandidateLists:
    """The candidate lists of a problem that serves customers at least cost.

    Customers with the same coverage (maximal covering) are merged into one.

    Args:
        problem: A p-median, facility location or maximal covering problem.
        nearest_count: Number of nearest sites to list for each customer; by default all if there
            are at most MAX_DENSE_PAIRS pairs, else a number that suits p.

    Returns:
        The lists.
    """
    may_open = np.ones(problem.sites, bool)
    may_open[list(problem.closed_positions)] = False
    must_open = np.zeros(problem.sites, bool)
    must_open[list(problem.opened_positions)] = True
    p = int(problem.p or 0) if problem.kind in NEEDS_P else -1
    if problem.kind == MAXIMAL_COVERING:
        p = min(p, len(problem.free))  # at most p: one more never hurts
    if problem.kind == MAXIMAL_COVERING:
        start, site, cost, outside = _coverage_lists(problem, may_open)
        infeasible_cost, is_complete = np.inf, True
    else:
        start, site, cost, outside, infeasible_cost, is_complete = _service_lists(
            problem, may_open, nearest_count
        )
    opening_cost = np.array(problem.fixed_costs) if p < 0 else np.zeros(problem.sites)
    values = (cost, outside, opening_cost)
    return CandidateLists(
        CandidateArrays(start, site, cost, outside, opening_cost, p),
        must_open,
        may_open & ~must_open | must_open,
        is_complete,
        is_integral=all(bool((x == np.round(x)).all()) for x in values),
        infeasible_cost=infeasible_cost,
    )


def _service_lists(
    problem: Problem, may_open: Bools, nearest_count: int | None
) -> tuple[Ints, ShortInts, Floats, Floats, float, bool]:
    """Lists of serving costs; where all sites are listed, a prohibitive cost for being unserved."""
    n, m = problem.distances.shape
    count = nearest_count or m
    if nearest_count is None and n * m > MAX_DENSE_PAIRS and isinstance(problem.distances, Points):
        count = _suitable_list_length(problem)
    order, distance = _nearest_sites(problem, min(count, m))
    is_reached = np.isfinite(distance)
    cost = np.where(
        is_reached, np.where(is_reached, distance, 0.0) * problem.weights[:, None], np.inf
    )
    ceiling = np.inf if problem.ceiling is None else problem.ceiling
    is_listed = np.isfinite(distance) & (distance <= ceiling) & may_open[order]
    is_complete = count >= m
    largest_cost = np.where(is_listed, cost, 0.0).max(axis=1, initial=0.0)
    opening_total = float(np.abs(problem.fixed_costs[may_open]).sum())
    infeasible_cost = _above(float(largest_cost.sum()) + opening_total)
    outside = np.full(n, infeasible_cost)
    if not is_complete:
        has_unlisted = is_reached[:, -1] & (
            distance[:, -1] <= ceiling
        )  # customers who may have unlisted sites
        outside = np.where(has_unlisted, cost[:, -1], infeasible_cost)
        is_complete = not has_unlisted.any()
    start = np.concatenate([[0], np.cumsum(is_listed.sum(axis=1))])
    return (
        start,
        order[is_listed].astype(np.int32),
        cost[is_listed],
        outside,
        infeasible_cost,
        is_complete,
    )


def _above(cost: float) -> float:
    """A whole number above ``cost``, by more than rounding where that is large."""
    return float(np.floor(cost + max(1.0, 1e-3 * cost if cost > MAX_EXACT_COST else 1.0)))


def _nearest_sites(problem: Problem, count: int) -> tuple[Ints, Floats]:
    distances = problem.distances
    if isinstance(distances, Points) and count < problem.sites:
        return distances.nearest(count)
    dense = distances.dense()
    order = np.argsort(dense, axis=1, kind="stable")[:, :count]
    return order, np.take_along_axis(dense, order, axis=1)


def _suitable_list_length(problem: Problem) -> int:
    """How many nearest sites to list: about five times the sites for each opened one."""
    n, m = problem.distances.shape
    sites_per_opened = m / max(1, problem.p or 20)
    return int(min(m, max(30, 5 * sites_per_opened), max(30, MAX_LISTED_PAIRS // n)))


def _coverage_lists(problem: Problem, may_open: Bools) -> tuple[Ints, ShortInts, Floats, Floats]:
    """Lists of uncovered weight by site; customers with the same coverage are merged."""
    radius = max(problem.radius or 0.0, problem.outer_radius or 0.0)
    pairs = problem.distances.within(radius)
    if problem.ceiling is not None:
        pairs = Pairs(pairs).within(problem.ceiling)
    share = problem.coverage(pairs.data)
    rows = np.repeat(np.arange(problem.customers), np.diff(pairs.indptr))
    is_useful = may_open[pairs.indices] & (share > 0) & (problem.weights[rows] > 0)
    rows, site, share = rows[is_useful], pairs.indices[is_useful], share[is_useful]
    pattern, rows, site, share = _merge_identical_customers(problem.customers, rows, site, share)
    is_coverable = pattern >= 0
    weight: Floats = np.bincount(pattern[is_coverable], problem.weights[is_coverable]).astype(float)
    if len(weight) == 0:
        weight = np.zeros(1)
    order = np.lexsort((site, -share, rows))
    rows, site, share = rows[order], site[order], share[order]
    start = np.searchsorted(rows, np.arange(len(weight) + 1))
    cost = weight[rows] * (1.0 - share) if len(rows) else np.zeros(0)
    return start, site.astype(np.int32), cost, weight


def _merge_identical_customers(
    n: int, rows: Ints, site: Ints, share: Floats
) -> tuple[Ints, Ints, Ints, Floats]:
    """Give customers with equal (site, share) lists one group; -1 is covered by no site."""
    by_row = np.lexsort((site, rows))
    rows, site, share = rows[by_row], site[by_row], share[by_row]
    rng = np.random.default_rng(0)
    keys = rng.integers(1, 2**62, size=(2, int(site.max(initial=0)) + 1), dtype=np.uint64)
    salt = share.view(np.uint64) | np.uint64(1)
    hashes = np.zeros((2, n), np.uint64)
    for k in range(2):
        np.add.at(hashes[k], rows, keys[k][site] * salt)
    is_covered = np.zeros(n, bool)
    is_covered[rows] = True
    signatures = np.rec.fromarrays([hashes[0], hashes[1]])
    _, first, group = np.unique(signatures, return_index=True, return_inverse=True)
    group = np.where(is_covered, group, -1)
    used_groups, compact_group = np.unique(group[is_covered], return_inverse=True)
    pattern = np.full(n, -1)
    pattern[is_covered] = compact_group
    is_representative = np.zeros(n, bool)
    is_representative[first[used_groups]] = True
    is_kept = is_representative[rows]
    return pattern, pattern[rows[is_kept]], site[is_kept], share[is_kept]
