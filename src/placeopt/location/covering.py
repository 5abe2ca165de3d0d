"""Set covering: the fewest (or cheapest) sites so that every customer has one within the radius.

    (C1) minimise  sum_j f[j] y[j]
    (C2) sum_{j: d[i,j] <= radius} y[j] >= 1                           for every customer i
    (C3) sum_i w[i] v[i] >= share sum_i w[i],  v[i] <= sum_j y[j]      instead of (C2): partial
    (C4) then, of all best plans, the one that covers most weight twice (``backup``):
         maximise sum_i w[i] t[i],  v[i] + t[i] <= sum_j y[j],  t[i] <= v[i],  v[i] = 1 unless (C3)

Before solving, customers with the same sites are merged. A customer whose covering sites include
all of another customer's is dropped, and so is a site that covers no more than another one that
costs no more.

Sources: Toregas et al. (1971); presolve: Beasley (1987), Garcia and Marin (2015); backup: Hogan
and ReVelle (1986), "Concepts and applications of backup coverage", Management Science 32.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from placeopt.engine import Model, Result, Status, solve
from placeopt.engine.settings import Settings
from placeopt.location.objective_values import objective_of
from placeopt.location.search_state import Report
from placeopt.location.solution import Solution
from placeopt.location.statement import Problem

Ints = NDArray[np.int64]
MAX_ROUNDING_ENTRIES = (
    50_000  # entries up to which the relaxation is rounded before an engine is used
)
BACKUP_NOT_PROVEN = (
    "not proven to be the most"  # message where the weight covered twice may not be the most
)
ROUNDING_TRIALS, ROUNDING_NOISE = 20, 0.5  # covers made by rounding
MAX_DOMINANCE_SIZE = 6000  # customers or sites up to which dominated ones are removed


@dataclass(frozen=True)
class Cover:
    """A covering problem after presolve.

    Attributes:
        rows: Which site covers which remaining customer, (customers, sites).
        sites: Position of each remaining site, (sites,).
        cost: Cost of each remaining site, (sites,).
    """

    rows: sparse.csr_array
    sites: Ints
    cost: NDArray[np.float64]


def solve_covering(
    problem: Problem,
    *,
    time_limit_seconds: float,
    gap: float,
    seed: int,
    report: Report | None = None,
) -> Solution:
    """Solve a covering problem; see the module's text."""
    started_at = time.perf_counter()
    pairs = problem.distances.within(_covering_radius(problem))
    incidence = sparse.csr_array(
        (np.ones(len(pairs.indices)), pairs.indices, pairs.indptr), shape=pairs.shape
    )
    if problem.share < 1:
        result, positions = _solve_partial_cover(problem, incidence, time_limit_seconds, gap, seed)
    else:
        result, positions = _solve_full_cover(problem, incidence, time_limit_seconds, gap, seed)
    message = ""
    if problem.backup and result.status is Status.OPTIMAL:
        least_cost = float(problem.fixed_costs[positions].sum())
        seconds_left = max(1.0, time_limit_seconds - (time.perf_counter() - started_at))
        positions, proven = _maximise_backup(
            problem, incidence, positions, least_cost, seconds_left, seed
        )
        message = "" if proven else BACKUP_NOT_PROVEN
    return _solution(problem, result, positions, time.perf_counter() - started_at, message)


def reduce_cover(incidence: sparse.csr_array, cost: NDArray[np.float64], allowed: Ints) -> Cover:
    """Drop customers and sites that cannot matter.

    Args:
        incidence: 1 where a site covers a customer, (customers, sites).
        cost: Cost of each site, (sites,).
        allowed: Positions of the sites that may open.

    Returns:
        The reduced problem.
    """
    matrix = sparse.csr_array(incidence[:, allowed])
    sites = np.asarray(allowed)
    for _ in range(4):
        shape_before = matrix.shape
        matrix = _drop_duplicate_rows(matrix)
        if matrix.shape[0] <= MAX_DOMINANCE_SIZE:
            matrix = matrix[~_is_dominated(matrix, np.zeros(matrix.shape[0]))]
        if matrix.shape[1] <= MAX_DOMINANCE_SIZE:
            transposed = sparse.csr_array(matrix.T)
            fields_used_by = ~_is_dominated(transposed, cost[sites], larger_wins=True)
            matrix, sites = sparse.csr_array(matrix[:, fields_used_by]), sites[fields_used_by]
        if matrix.shape == shape_before:
            break
    return Cover(sparse.csr_array(matrix), sites, cost[sites])


def _drop_duplicate_rows(matrix: sparse.csr_array) -> sparse.csr_array:
    matrix.sort_indices()
    first_row_of: dict[bytes, int] = {}
    for i in range(matrix.shape[0]):
        key = matrix.indices[matrix.indptr[i] : matrix.indptr[i + 1]].tobytes()
        first_row_of.setdefault(key, i)
    return sparse.csr_array(matrix[np.sort(np.fromiter(first_row_of.values(), np.int64))])


def _is_dominated(
    matrix: sparse.csr_array, cost: NDArray[np.float64], larger_wins: bool = False
) -> NDArray[np.bool_]:
    """Which rows another row makes redundant.

    A customer's row is redundant if it contains another row. With ``larger_wins`` rows are
    sites: one is redundant if another contains it and costs no more. Of equal rows the first stays.
    """
    size = np.diff(matrix.indptr)
    common = sparse.coo_array(matrix @ matrix.T)
    a, b = common.coords
    data = common.data
    is_contained = (data == size[a]) & (a != b)  # row a lies within row b
    a, b = a[is_contained], b[is_contained]
    has_same_size = size[a] == size[b]
    if larger_wins:
        is_beaten = (cost[b] < cost[a]) | ((cost[b] == cost[a]) & (~has_same_size | (b < a)))
        dominated = a[is_beaten]
    else:
        is_beaten = ~has_same_size | (a < b)
        dominated = b[is_beaten]
    is_dominated = np.zeros(matrix.shape[0], bool)
    is_dominated[dominated] = True
    if larger_wins:
        is_dominated |= size == 0
    return is_dominated


def cover_model(cover: Cover, name: str = "covering") -> Model:
    """(C1) and (C2) over a presolved cover; the first block of columns is the openings."""
    model = Model(name)
    y = model.add_columns("open", size=len(cover.sites), upper=1.0, cost=cover.cost, integer=True)
    rows = np.repeat(np.arange(cover.rows.shape[0]), np.diff(cover.rows.indptr))
    model.add_rows(
        "covered",
        rule="C2",
        size=cover.rows.shape[0],
        terms=[(rows, y.at(cover.rows.indices), 1.0)],
        lower=1.0,
    )
    return model


def _covering_radius(problem: Problem) -> float:
    ceiling = np.inf if problem.ceiling is None else problem.ceiling
    return float(min(problem.radius or 0.0, ceiling))


def _solve_full_cover(problem: Problem, incidence, seconds: float, gap: float, seed: int):
    """(C1), (C2), with earlier decisions removed first."""
    opened = np.array(problem.opened_positions, np.int64)
    covered = np.zeros(problem.customers, bool)
    if len(opened):
        covered = np.asarray(incidence[:, opened].sum(axis=1)).ravel() > 0
    free = np.setdiff1d(problem.free, opened)
    profitable = free[problem.fixed_costs[free] < 0]
    uncovered = sparse.csr_array(incidence[~covered])
    base_cost = float(problem.fixed_costs[opened].sum())
    if uncovered.shape[0] and np.diff(uncovered[:, free].indptr).min(initial=1) == 0:
        return Result(Status.INFEASIBLE, bound=np.inf), opened
    if uncovered.shape[0] == 0 and len(profitable) == 0:
        return Result(Status.OPTIMAL, objective=base_cost, bound=base_cost), opened
    cover = (
        reduce_cover(uncovered, problem.fixed_costs, free)
        if len(profitable) == 0
        else Cover(sparse.csr_array(uncovered[:, free]), free, problem.fixed_costs[free])
    )
    model = cover_model(cover)
    model.offset = base_cost
    result = _round_relaxation(cover, model, seed) if len(profitable) == 0 else None
    if result is None:
        result = solve(model, Settings(time_limit_seconds=seconds, gap=gap, threads=1, seed=seed))
    positions = opened
    if result.has_plan:
        chosen = cover.sites[result.value(model.columns["open"]) > 0.5]
        positions = np.sort(np.concatenate([opened, chosen]))
    return result, positions


def _round_relaxation(cover: Cover, model: Model, seed: int) -> Result | None:
    """The best cover if rounding the relaxation up proves it; else None.

    Covers are built greedily; a site's gain is weighted by its share in the relaxation.
    """
    if cover.rows.nnz > MAX_ROUNDING_ENTRIES:
        return None
    arrays = model.arrays().relaxed()
    relaxation = solve(arrays, Settings(threads=1))
    if relaxation.status is not Status.OPTIMAL or relaxation.values is None:
        return None
    bound = relaxation.bound
    if (cover.cost == np.round(cover.cost)).all():
        bound = arrays.offset + float(np.ceil(bound - arrays.offset - 1e-6))
    covers = np.ascontiguousarray(cover.rows.toarray().T > 0, np.float32)
    rng = np.random.default_rng(seed)
    for _ in range(ROUNDING_TRIALS):
        noise = ROUNDING_NOISE * rng.random(len(cover.cost))
        is_chosen = _weighted_greedy_cover(
            covers, (relaxation.values + noise) / cover.cost.clip(1e-9)
        )
        cost = arrays.offset + float(cover.cost[is_chosen].sum())
        if cost <= bound + 1e-9 * max(1.0, abs(bound)):
            values = is_chosen.astype(float)
            return Result(Status.OPTIMAL, objective=cost, bound=min(bound, cost), values=values)
    return None


def _weighted_greedy_cover(covers, weight) -> NDArray[np.bool_]:
    """Add sites by weight times newly covered customers, then drop redundant ones."""
    is_uncovered = np.ones(covers.shape[1], np.float32)
    times_covered = np.zeros_like(is_uncovered)
    order = []
    while is_uncovered.any():
        site = int(np.argmax(weight * (covers @ is_uncovered)))
        order.append(site)
        times_covered += covers[site]
        is_uncovered[covers[site] > 0] = 0.0
    is_chosen = np.zeros(len(weight), bool)
    for site in order:
        if (times_covered - covers[site]).min() >= 1:
            times_covered -= covers[site]
        else:
            is_chosen[site] = True
    return is_chosen


def _solve_partial_cover(problem: Problem, incidence, seconds: float, gap: float, seed: int):
    """(C1), (C3)."""
    model = Model("partial covering")
    n, m = incidence.shape
    y = model.add_columns(
        "open",
        size=m,
        upper=_upper_bounds(problem),
        lower=_lower_bounds(problem),
        cost=problem.fixed_costs,
        integer=True,
    )
    v = model.add_columns("covered", size=n, upper=1.0)
    rows = np.repeat(np.arange(n), np.diff(incidence.indptr))
    model.add_rows(
        "reached", rule="C3", size=n, upper=0.0,
        terms=[(np.arange(n), v.all, 1.0), (rows, y.at(incidence.indices), -1.0)],
    )  # fmt: skip
    _require_covered_share(model, problem, v)
    result = solve(model, Settings(time_limit_seconds=seconds, gap=gap, threads=1, seed=seed))
    opened = np.array(problem.opened_positions, np.int64)
    return result, np.flatnonzero(result.value(y) > 0.5) if result.has_plan else opened


def _require_covered_share(model: Model, problem: Problem, covered) -> None:
    """(C3) Cover the required share of the weight."""
    needed = problem.share * problem.weights.sum()
    zeros = np.zeros(problem.customers, np.int64)
    model.add_rows("share", rule="C3", size=1, lower=needed,
                   terms=[(zeros, covered.all, problem.weights)])  # fmt: skip


def _maximise_backup(
    problem: Problem, incidence, first_positions: Ints, least_cost: float, seconds: float, seed: int
):
    """(C4): of the plans that cost ``least_cost``, the one that covers most weight twice.

    With (C3), t is integer: a customer covered once must not count as half covered, half twice.
    """
    model = Model("backup covering")
    n, m = incidence.shape
    y = model.add_columns(
        "open", size=m, upper=_upper_bounds(problem), lower=_lower_bounds(problem), integer=True
    )
    is_partial = problem.share < 1
    v = model.add_columns("covered", size=n, lower=0.0 if is_partial else 1.0, upper=1.0)
    t = model.add_columns("twice", size=n, upper=1.0, cost=-problem.weights, integer=is_partial)
    rows, each = np.repeat(np.arange(n), np.diff(incidence.indptr)), np.arange(n)
    sites_within = (rows, y.at(incidence.indices), 1.0)
    covered_and_twice = [(each, v.all, -1.0), (each, t.all, -1.0)]
    model.add_rows(
        "covered", rule="C4", size=n, terms=[sites_within, *covered_and_twice], lower=0.0
    )
    if is_partial:
        model.add_rows("once", rule="C4", size=n, upper=0.0,
                       terms=[(each, t.all, 1.0), (each, v.all, -1.0)])  # fmt: skip
        _require_covered_share(model, problem, v)
    zeros = np.zeros(m, np.int64)
    slack = 1e-9 * max(1.0, abs(least_cost))
    model.add_rows("cost", rule="C4", size=1, terms=[(zeros, y.all, problem.fixed_costs)],
                   upper=least_cost + slack)  # fmt: skip
    result = solve(model, Settings(time_limit_seconds=seconds, gap=0.0, threads=1, seed=seed))
    positions = np.flatnonzero(result.value(y) > 0.5) if result.has_plan else first_positions
    return positions, result.status is Status.OPTIMAL


def _upper_bounds(problem: Problem):
    upper = np.ones(problem.sites)
    upper[list(problem.closed_positions)] = 0.0
    return upper


def _lower_bounds(problem: Problem):
    lower = np.zeros(problem.sites)
    lower[list(problem.opened_positions)] = 1.0
    return lower


def _solution(
    problem: Problem, result: Result, positions: Ints, seconds: float, message: str
) -> Solution:
    common: dict[str, Any] = {
        "seconds": {"total": seconds},
        "method": "presolve, HiGHS",
        "message": message,
    }
    if result.status is Status.INFEASIBLE:
        return Solution(problem, result.status, bound=np.inf, **common)
    if not result.has_plan and result.objective is None:
        return Solution(problem, Status.NO_PLAN, bound=result.bound, **common)
    objective, assignment = objective_of(problem, positions)
    assert objective is not None
    if result.status is Status.OPTIMAL:
        common["seconds"] = {"total": seconds, "first": seconds, "best": seconds, "proof": seconds}
    return Solution(
        problem,
        result.status,
        objective=objective,
        bound=min(objective, result.bound),
        positions=positions,
        assigned=assignment,
        trace=((seconds, objective, min(objective, result.bound)),),
        **common,
    )
