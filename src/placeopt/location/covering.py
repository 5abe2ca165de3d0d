"""Set covering: the fewest (or cheapest) sites so that everybody has one within the radius.

    (C1) minimise  sum_j f[j] y[j]
    (C2) sum_{j: d[i,j] <= radius} y[j] >= 1                           for every customer i
    (C3) sum_i w[i] v[i] >= share sum_i w[i],  v[i] <= sum_j y[j]      instead of (C2): partial
    (C4) then, of all best plans, the one that covers most weight twice (``backup``):
         maximise sum_i w[i] t[i],  v[i] + t[i] <= sum_j y[j],  t[i] <= v[i],  v[i] = 1 unless (C3)

Before solving, customers alike are joined, a customer whose covering sites include all of another
customer's is dropped, and so is a site that covers no more than another one that costs no more.

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
from placeopt.location.objective_values import objective_of
from placeopt.location.search_state import Report
from placeopt.location.solution import Solution
from placeopt.location.statement import Problem

Ints = NDArray[np.int64]
SMALL_COVER = 50_000  # entries up to which a relaxation is asked before the engine's tree
NOT_THE_MOST = "not proven to be the most"  # that is covered twice
TRIALS, NOISE = 20, 0.5  # covers drawn from it
LARGEST_PRODUCT = 6000  # customers or sites up to which dominance is looked for


@dataclass(frozen=True)
class Cover:
    """A covering problem after presolve: rows to cover, columns left (``sites``), their costs."""

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
    began = time.perf_counter()
    inside = problem.distances.within(_radius(problem))
    incidence = sparse.csr_array(
        (np.ones(len(inside.indices)), inside.indices, inside.indptr), shape=inside.shape
    )
    if problem.share < 1:
        result, positions = _partial(problem, incidence, time_limit_seconds, gap, seed)
    else:
        result, positions = _full(problem, incidence, time_limit_seconds, gap, seed)
    message = ""
    if problem.backup and result.status is Status.OPTIMAL:
        best = float(problem.fixed_costs[positions].sum())
        left = max(1.0, time_limit_seconds - (time.perf_counter() - began))
        positions, proven = _backup(problem, incidence, positions, best, left, seed)
        message = "" if proven else NOT_THE_MOST
    return _solution(problem, result, positions, time.perf_counter() - began, message)


def reduce_cover(incidence: sparse.csr_array, cost: NDArray[np.float64], keep: Ints) -> Cover:
    """Drop rows and columns that cannot matter. ``keep``: the columns allowed."""
    matrix = sparse.csr_array(incidence[:, keep])
    sites = np.asarray(keep)
    for _ in range(4):
        before = matrix.shape
        matrix = _distinct_rows(matrix)
        if matrix.shape[0] <= LARGEST_PRODUCT:
            matrix = matrix[~_dominated(matrix, np.zeros(matrix.shape[0]))]
        if matrix.shape[1] <= LARGEST_PRODUCT:
            turned = sparse.csr_array(matrix.T)
            useful = ~_dominated(turned, cost[sites], larger_wins=True)
            matrix, sites = sparse.csr_array(matrix[:, useful]), sites[useful]
        if matrix.shape == before:
            break
    return Cover(sparse.csr_array(matrix), sites, cost[sites])


def _distinct_rows(matrix: sparse.csr_array) -> sparse.csr_array:
    matrix.sort_indices()
    seen: dict[bytes, int] = {}
    for i in range(matrix.shape[0]):
        key = matrix.indices[matrix.indptr[i] : matrix.indptr[i + 1]].tobytes()
        seen.setdefault(key, i)
    return sparse.csr_array(matrix[np.sort(np.fromiter(seen.values(), np.int64))])


def _dominated(
    matrix: sparse.csr_array, cost: NDArray[np.float64], larger_wins: bool = False
) -> NDArray[np.bool_]:
    """Rows that another row makes needless.

    A row to cover is needless when it contains another row. With ``larger_wins`` rows are sites:
    one is needless when another contains it and costs no more. Of equals the first stays.
    """
    size = np.diff(matrix.indptr)
    common = sparse.coo_array(matrix @ matrix.T)
    a, b = common.coords
    data = common.data
    contained = (data == size[a]) & (a != b)  # row a lies within row b
    a, b = a[contained], b[contained]
    equal = size[a] == size[b]
    if larger_wins:
        beats = (cost[b] < cost[a]) | ((cost[b] == cost[a]) & (~equal | (b < a)))
        out = a[beats]
    else:
        beats = ~equal | (a < b)
        out = b[beats]
    gone = np.zeros(matrix.shape[0], bool)
    gone[out] = True
    if larger_wins:
        gone |= size == 0
    return gone


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


def _radius(problem: Problem) -> float:
    ceiling = np.inf if problem.ceiling is None else problem.ceiling
    return float(min(problem.radius or 0.0, ceiling))


def _full(problem: Problem, incidence, seconds: float, gap: float, seed: int):
    """(C1), (C2) with earlier decisions taken out first."""
    opened = np.array(problem.opened_positions, np.int64)
    covered = np.zeros(problem.customers, bool)
    if len(opened):
        covered = np.asarray(incidence[:, opened].sum(axis=1)).ravel() > 0
    free = np.setdiff1d(problem.free, opened)
    bonus = free[problem.fixed_costs[free] < 0]
    rest = sparse.csr_array(incidence[~covered])
    base = float(problem.fixed_costs[opened].sum())
    if rest.shape[0] and np.diff(rest[:, free].indptr).min(initial=1) == 0:
        return Result(Status.INFEASIBLE, bound=np.inf), opened
    if rest.shape[0] == 0 and len(bonus) == 0:
        return Result(Status.OPTIMAL, objective=base, bound=base), opened
    cover = (
        reduce_cover(rest, problem.fixed_costs, free)
        if len(bonus) == 0
        else Cover(sparse.csr_array(rest[:, free]), free, problem.fixed_costs[free])
    )
    model = cover_model(cover)
    model.offset = base
    result = _relaxed_and_rounded(cover, model, seed) if len(bonus) == 0 else None
    if result is None:
        result = solve(model, time_limit_seconds=seconds, gap=gap, threads=1, seed=seed)
    positions = opened
    if result.has_plan:
        chosen = cover.sites[result.value(model.columns["open"]) > 0.5]
        positions = np.sort(np.concatenate([opened, chosen]))
    return result, positions


def _relaxed_and_rounded(cover: Cover, model: Model, seed: int) -> Result | None:
    """The best cover where the relaxation, rounded up, proves it at once; else None.

    Covers are drawn greedily, a site's gain weighed by its share in the relaxation.
    """
    if cover.rows.nnz > SMALL_COVER:
        return None
    arrays = model.arrays()
    arrays.integer[:] = False
    relaxed = solve(arrays, threads=1)
    if relaxed.status is not Status.OPTIMAL or relaxed.values is None:
        return None
    bound = relaxed.bound
    if (cover.cost == np.round(cover.cost)).all():
        bound = arrays.offset + float(np.ceil(bound - arrays.offset - 1e-6))
    inside = np.ascontiguousarray(cover.rows.toarray().T > 0, np.float32)
    rng = np.random.default_rng(seed)
    for _ in range(TRIALS):
        noise = NOISE * rng.random(len(cover.cost))
        taken = _drawn(inside, (relaxed.values + noise) / cover.cost.clip(1e-9))
        value = arrays.offset + float(cover.cost[taken].sum())
        if value <= bound + 1e-9 * max(1.0, abs(bound)):
            values = taken.astype(float)
            return Result(Status.OPTIMAL, objective=value, bound=min(bound, value), values=values)
    return None


def _drawn(inside, weight) -> NDArray[np.bool_]:
    """Sites by weight times what they newly cover, until all is covered; less the needless."""
    left = np.ones(inside.shape[1], np.float32)
    times = np.zeros_like(left)
    order = []
    while left.any():
        site = int(np.argmax(weight * (inside @ left)))
        order.append(site)
        times += inside[site]
        left[inside[site] > 0] = 0.0
    taken = np.zeros(len(weight), bool)
    for site in order:
        if (times - inside[site]).min() >= 1:
            times -= inside[site]
        else:
            taken[site] = True
    return taken


def _partial(problem: Problem, incidence, seconds: float, gap: float, seed: int):
    """(C1), (C3)."""
    model = Model("partial covering")
    n, m = incidence.shape
    y = model.add_columns("open", size=m, upper=_upper(problem), lower=_lower(problem),
                          cost=problem.fixed_costs, integer=True)  # fmt: skip
    v = model.add_columns("covered", size=n, upper=1.0)
    rows = np.repeat(np.arange(n), np.diff(incidence.indptr))
    model.add_rows(
        "reached", rule="C3", size=n, upper=0.0,
        terms=[(np.arange(n), v.all, 1.0), (rows, y.at(incidence.indices), -1.0)],
    )  # fmt: skip
    _enough_weight(model, problem, v)
    result = solve(model, time_limit_seconds=seconds, gap=gap, threads=1, seed=seed)
    opened = np.array(problem.opened_positions, np.int64)
    return result, np.flatnonzero(result.value(y) > 0.5) if result.has_plan else opened


def _enough_weight(model: Model, problem: Problem, covered) -> None:
    """(C3) The share of the weight that is asked for is covered."""
    needed = problem.share * problem.weights.sum()
    zeros = np.zeros(problem.customers, np.int64)
    model.add_rows("share", rule="C3", size=1, lower=needed,
                   terms=[(zeros, covered.all, problem.weights)])  # fmt: skip


def _backup(problem: Problem, incidence, first: Ints, best: float, seconds: float, seed: int):
    """(C4): of the plans that cost ``best``, the one that covers most weight twice.

    With (C3), t is whole: a customer covered once must not count as covered half, twice half.
    """
    model = Model("backup covering")
    n, m = incidence.shape
    y = model.add_columns("open", size=m, upper=_upper(problem), lower=_lower(problem),
                          integer=True)  # fmt: skip
    partial = problem.share < 1
    v = model.add_columns("covered", size=n, lower=0.0 if partial else 1.0, upper=1.0)
    t = model.add_columns("twice", size=n, upper=1.0, cost=-problem.weights, integer=partial)
    rows, each = np.repeat(np.arange(n), np.diff(incidence.indptr)), np.arange(n)
    cover = (rows, y.at(incidence.indices), 1.0)
    less = [(each, v.all, -1.0), (each, t.all, -1.0)]
    model.add_rows("covered", rule="C4", size=n, terms=[cover, *less], lower=0.0)
    if partial:
        model.add_rows("once", rule="C4", size=n, upper=0.0,
                       terms=[(each, t.all, 1.0), (each, v.all, -1.0)])  # fmt: skip
        _enough_weight(model, problem, v)
    zeros = np.zeros(m, np.int64)
    slack = 1e-9 * max(1.0, abs(best))
    model.add_rows("cost", rule="C4", size=1, terms=[(zeros, y.all, problem.fixed_costs)],
                   upper=best + slack)  # fmt: skip
    result = solve(model, time_limit_seconds=seconds, gap=0.0, threads=1, seed=seed)
    positions = np.flatnonzero(result.value(y) > 0.5) if result.has_plan else first
    return positions, result.status is Status.OPTIMAL


def _upper(problem: Problem):
    upper = np.ones(problem.sites)
    upper[list(problem.closed_positions)] = 0.0
    return upper


def _lower(problem: Problem):
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
