"""Candidate lists: for each customer the sites worth looking at, cheapest first.

    minimise  constant + sum_{j in S} f[j] + sum_i min(outside[i], min_{j in S} cost[i,j])

over sets S with |S| = p (or of any size, ``p = -1``). ``outside[i]`` is what customer i costs
when no site of its list is open. One record states five problems:

    p-median, facility location   the list holds every admissible site and ``outside`` is a fine
                                  beyond the cost of any plan: a best plan that pays it means that
                                  there is no plan
    the same over near sites only ``outside`` is the cost of the farthest listed site: a relaxation,
                                  whose bound holds for the full problem
    maximal covering              cost = uncovered weight, ``outside`` = the whole weight; gradual
                                  coverage the same
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placeopt.location.distances import Pairs, Points
from placeopt.location.statement import MAXIMAL_COVERING, NEEDS_P, Problem

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DENSE_CELLS = 30_000_000  # up to this many pairs all are listed
MOST_LISTED = 60_000_000


@dataclass(frozen=True)
class Lists:
    """Candidates by customer: ``site``, ``cost`` from ``start[i]`` to ``start[i + 1]``, cheapest
    first. ``complete``: nothing admissible was left out. ``whole``: every cost is an integer.
    ``fine``: what ``outside`` charges where that means "no plan" (inf where it does not)."""

    start: Ints
    site: NDArray[Any]
    cost: Floats
    outside: Floats
    opening: Floats
    p: int
    must: NDArray[np.bool_]
    may: NDArray[np.bool_]
    complete: bool
    whole: bool
    fine: float
    constant: float = 0.0

    @property
    def customers(self) -> int:
        return len(self.start) - 1

    @property
    def sites(self) -> int:
        return len(self.opening)


def lists_of(problem: Problem, near: int | None = None) -> Lists:
    """The candidate lists of a problem that serves customers at least cost.

    ``near``: how many nearest sites to list for each customer; None = all where there are at
    most DENSE_CELLS pairs, else a number that suits p. Customers alike in coverage (maximal
    covering) are joined into one.
    """
    may = np.ones(problem.sites, bool)
    may[list(problem.closed_positions)] = False
    must = np.zeros(problem.sites, bool)
    must[list(problem.opened_positions)] = True
    p = int(problem.p or 0) if problem.kind in NEEDS_P else -1
    if problem.kind == MAXIMAL_COVERING:
        p = min(p, len(problem.free))  # at most p: one more never hurts
    if problem.kind == MAXIMAL_COVERING:
        start, site, cost, outside = _coverage(problem, may)
        fine, complete = np.inf, True
    else:
        start, site, cost, outside, fine, complete = _service(problem, may, near)
    opening = np.array(problem.fixed_costs) if p < 0 else np.zeros(problem.sites)
    values = (cost, outside, opening)
    whole = all(bool((x == np.round(x)).all()) for x in values)
    return Lists(
        start, site, cost, outside, opening, p, must, may & ~must | must, complete, whole, fine
    )


def _service(problem: Problem, may: NDArray[np.bool_], near: int | None):
    """Costs of serving, with a fine for nobody where all sites are listed."""
    n, m = problem.distances.shape
    count = near or m
    if near is None and n * m > DENSE_CELLS and isinstance(problem.distances, Points):
        count = _suitable(problem)
    order, distance = _nearest(problem, min(count, m))
    reached = np.isfinite(distance)
    cost = np.where(reached, np.where(reached, distance, 0.0) * problem.weights[:, None], np.inf)
    ceiling = np.inf if problem.ceiling is None else problem.ceiling
    keep = np.isfinite(distance) & (distance <= ceiling) & may[order]
    complete = count >= m
    worst = np.where(keep, cost, 0.0).max(axis=1, initial=0.0)
    openings = float(np.abs(problem.fixed_costs).sum())
    fine = np.floor(worst.sum() + openings) + 1.0
    outside = np.full(n, fine)
    if not complete:
        more = reached[:, -1] & (
            distance[:, -1] <= ceiling
        )  # who may have sites that are not listed
        outside = np.where(more, cost[:, -1], fine)
        complete = not more.any()
    start = np.concatenate([[0], np.cumsum(keep.sum(axis=1))])
    return start, order[keep].astype(np.int32), cost[keep], outside, fine, complete


def _nearest(problem: Problem, count: int) -> tuple[Ints, Floats]:
    distances = problem.distances
    if isinstance(distances, Points) and count < problem.sites:
        return distances.nearest(count)
    dense = distances.dense()
    order = np.argsort(dense, axis=1, kind="stable")[:, :count]
    return order, np.take_along_axis(dense, order, axis=1)


def _suitable(problem: Problem) -> int:
    """How many nearest sites to list: about five times as many as share one opened site."""
    n, m = problem.distances.shape
    share = m / max(1, problem.p or 20)
    return int(min(m, max(30, 5 * share), max(30, MOST_LISTED // n)))


def _coverage(
    problem: Problem, may: NDArray[np.bool_]
) -> tuple[Ints, NDArray[Any], Floats, Floats]:
    """Uncovered weight by site, customers that are covered alike joined."""
    radius = max(problem.radius or 0.0, problem.outer_radius or 0.0)
    pairs = problem.distances.within(radius)
    if problem.ceiling is not None:
        pairs = Pairs(pairs).within(problem.ceiling)
    share = problem.coverage(pairs.data)
    rows = np.repeat(np.arange(problem.customers), np.diff(pairs.indptr))
    keep = may[pairs.indices] & (share > 0) & (problem.weights[rows] > 0)
    rows, site, share = rows[keep], pairs.indices[keep], share[keep]
    pattern, rows, site, share = _patterns(problem.customers, rows, site, share)
    known = pattern >= 0
    weight: Floats = np.bincount(pattern[known], problem.weights[known]).astype(float)
    if len(weight) == 0:
        weight = np.zeros(1)
    dearest_last = np.lexsort((site, -share, rows))
    rows, site, share = rows[dearest_last], site[dearest_last], share[dearest_last]
    start = np.searchsorted(rows, np.arange(len(weight) + 1))
    cost = weight[rows] * (1.0 - share) if len(rows) else np.zeros(0)
    return start, site.astype(np.int32), cost, weight


def _patterns(n: int, rows: Ints, site: Ints, share: Floats) -> tuple[Ints, Ints, Ints, Floats]:
    """Give customers with equal (site, share) lists one number; -1 = covered by no site."""
    by_row = np.lexsort((site, rows))
    rows, site, share = rows[by_row], site[by_row], share[by_row]
    rng = np.random.default_rng(0)
    keys = rng.integers(1, 2**62, size=(2, int(site.max(initial=0)) + 1), dtype=np.uint64)
    salt = share.view(np.uint64) | np.uint64(1)
    sums = np.zeros((2, n), np.uint64)
    for k in range(2):
        np.add.at(sums[k], rows, keys[k][site] * salt)
    covered = np.zeros(n, bool)
    covered[rows] = True
    names = np.rec.fromarrays([sums[0], sums[1]])
    _, first, number = np.unique(names, return_index=True, return_inverse=True)
    number = np.where(covered, number, -1)
    used, compact = np.unique(number[covered], return_inverse=True)
    pattern = np.full(n, -1)
    pattern[covered] = compact
    leader = np.zeros(n, bool)
    leader[first[used]] = True
    chosen = leader[rows]
    return pattern, pattern[rows[chosen]], site[chosen], share[chosen]
