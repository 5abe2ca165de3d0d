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

import logging
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from placeopt.base.arrays import Bools, Floats, Ints
from placeopt.base.deadline import Deadline
from placeopt.engine import Block, Model, Result, Status, solve
from placeopt.engine.settings import Settings
from placeopt.location.objective_values import objective_of
from placeopt.location.solution import Solution
from placeopt.location.statement import Problem

LOG = logging.getLogger("placeopt.location")
BACKUP_NOT_PROVEN = (
    "not proven to be the most"  # message where the weight covered twice may not be the most
)
MAX_DOMINANCE_SIZE = 6000  # customers or sites up to which dominated ones are removed
MAX_PASSES = 4  # of the removal, each of which may make room for the next


@dataclass(frozen=True)
class RoundingParams:
    """Rounding of the relaxation, before an engine is used.

    Attributes:
        max_entries: Entries of the incidence up to which it is tried.
        trials: Covers made.
        noise: Largest noise on a site's share by which sites are ranked.
    """

    max_entries: int = 50_000
    trials: int = 20
    noise: float = 0.5


DEFAULT_ROUNDING = RoundingParams()


@dataclass(frozen=True)
class ChosenCover:
    """A result with the open sites.

    Attributes:
        result: The result, with objective and bound of the whole problem.
        positions: Open sites, ascending.
    """

    result: Result
    positions: Ints


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
    cost: Floats


def solve_covering(
    problem: Problem, settings: Settings, params: RoundingParams = DEFAULT_ROUNDING
) -> Solution:
    """Solve a covering problem; see the module's text.

    Args:
        problem: The problem.
        settings: The settings of the solve.
        params: The parameters of the rounding.

    Returns:
        The solution with its bound.
    """
    deadline = Deadline(settings.time_limit_seconds)
    pairs = problem.distances.within(_covering_radius(problem))
    incidence = sparse.csr_array(
        (np.ones(len(pairs.indices)), pairs.indices, pairs.indptr), shape=pairs.shape
    )
    if problem.share < 1:
        found = _solve_partial_cover(problem, incidence, settings)
    else:
        found = _solve_full_cover(problem, incidence, settings, params)
    message = ""
    if problem.backup and found.result.status is Status.OPTIMAL:
        seconds_left = deadline.seconds_left(at_least=1.0)
        left = replace(settings, time_limit_seconds=seconds_left, gap=0.0, progress=None)
        found, is_most = _maximise_backup(problem, incidence, found, left)
        message = "" if is_most else BACKUP_NOT_PROVEN
    return _solution(problem, found, deadline.elapsed_seconds, message)


def reduce_cover(incidence: sparse.csr_array, cost: Floats, allowed: Ints) -> Cover:
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
    for _ in range(MAX_PASSES):
        shape_before = matrix.shape
        matrix = _drop_duplicate_rows(matrix)
        if matrix.shape[0] <= MAX_DOMINANCE_SIZE:
            matrix = matrix[~_is_dominated(matrix, np.zeros(matrix.shape[0]))]
        if matrix.shape[1] <= MAX_DOMINANCE_SIZE:
            transposed = sparse.csr_array(matrix.T)
            is_useful = ~_is_dominated(transposed, cost[sites], larger_wins=True)
            matrix, sites = sparse.csr_array(matrix[:, is_useful]), sites[is_useful]
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


def _is_dominated(matrix: sparse.csr_array, cost: Floats, larger_wins: bool = False) -> Bools:
    """Which rows another row makes redundant.

    A customer's row is redundant if it contains another row. With ``larger_wins`` rows are
    sites: one is redundant if another contains it and costs no more. Of equal rows the first stays.
    """
    size = np.diff(matrix.indptr)
    common = sparse.coo_array(matrix @ matrix.T)
    inner, outer = common.coords
    is_contained = (common.data == size[inner]) & (inner != outer)  # row inner lies within outer
    inner, outer = inner[is_contained], outer[is_contained]
    has_same_size = size[inner] == size[outer]
    if larger_wins:
        is_cheaper = cost[outer] < cost[inner]
        is_first = (cost[outer] == cost[inner]) & (~has_same_size | (outer < inner))
        dominated = inner[is_cheaper | is_first]
    else:
        dominated = outer[~has_same_size | (inner < outer)]
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


def _solve_full_cover(
    problem: Problem, incidence: sparse.csr_array, settings: Settings, params: RoundingParams
) -> ChosenCover:
    """(C1), (C2), with earlier decisions removed first."""
    opened = np.array(problem.opened_positions, np.int64)
    covered = np.zeros(problem.customers, bool)
    if len(opened):
        covered = np.asarray(incidence[:, opened].sum(axis=1)).ravel() > 0
    free = np.setdiff1d(problem.free, opened)
    has_profit = bool((problem.fixed_costs[free] < 0).any())
    uncovered = sparse.csr_array(incidence[~covered])
    base_cost = float(problem.fixed_costs[opened].sum())
    if uncovered.shape[0] and np.diff(uncovered[:, free].indptr).min(initial=1) == 0:
        return ChosenCover(Result(Status.INFEASIBLE, bound=np.inf), opened)
    if uncovered.shape[0] == 0 and not has_profit:
        done = Result(Status.OPTIMAL, objective=base_cost, bound=base_cost)
        return ChosenCover(done, opened)
    if has_profit:
        cover = Cover(sparse.csr_array(uncovered[:, free]), free, problem.fixed_costs[free])
    else:
        cover = reduce_cover(uncovered, problem.fixed_costs, free)
    LOG.info("presolve: %d customers and %d sites are left", *cover.rows.shape)
    model = cover_model(cover)
    model.offset = base_cost
    result = None if has_profit else _round_relaxation(cover, model, settings.seed, params)
    if result is None:
        LOG.info("the engine solves the covering: rounding does not prove one")
        result = solve(model, settings)
    if not result.has_plan:
        return ChosenCover(result, opened)
    chosen = cover.sites[result.value(model.columns["open"]) > 0.5]
    return ChosenCover(result, np.sort(np.concatenate([opened, chosen])))


def _round_relaxation(
    cover: Cover, model: Model, seed: int, params: RoundingParams
) -> Result | None:
    """The best cover if rounding the relaxation up proves it; else None.

    Covers are built greedily; a site's gain is weighted by its share in the relaxation.
    """
    if cover.rows.nnz > params.max_entries:
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
    for _ in range(params.trials):
        noise = params.noise * rng.random(len(cover.cost))
        weight = (relaxation.values + noise) / cover.cost.clip(1e-9)
        is_chosen = _weighted_greedy_cover(covers, weight)
        cost = arrays.offset + float(cover.cost[is_chosen].sum())
        if cost <= bound + 1e-9 * max(1.0, abs(bound)):
            values = is_chosen.astype(float)
            return Result(Status.OPTIMAL, objective=cost, bound=min(bound, cost), values=values)
    return None


def _weighted_greedy_cover(covers: NDArray[np.float32], weight: Floats) -> Bools:
    """Add sites by weight times newly covered customers, then drop redundant ones.

    Args:
        covers: 1 where a site covers a customer, (sites, customers).
        weight: Weight of each site, (sites,).
    """
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


def _solve_partial_cover(
    problem: Problem, incidence: sparse.csr_array, settings: Settings
) -> ChosenCover:
    """(C1), (C3)."""
    model = Model("partial covering")
    lower, upper = _opening_bounds(problem)
    y = model.add_columns("open", size=problem.sites, upper=upper, lower=lower,
                          cost=problem.fixed_costs, integer=True)  # fmt: skip
    v = model.add_columns("covered", size=problem.customers, upper=1.0)
    each, within = _within(incidence, y)
    model.add_rows(
        "reached", rule="C3", size=problem.customers, upper=0.0,
        terms=[(each, v.all, 1.0), (within[0], within[1], -1.0)],
    )  # fmt: skip
    _require_covered_share(model, problem, v)
    result = solve(model, settings)
    if not result.has_plan:
        return ChosenCover(result, np.array(problem.opened_positions, np.int64))
    return ChosenCover(result, np.flatnonzero(result.value(y) > 0.5))


def _within(incidence: sparse.csr_array, y: Block) -> tuple[Ints, tuple[Ints, Ints]]:
    """All customers, and (customer, column of the site) of every pair within the radius."""
    each = np.arange(incidence.shape[0])
    return each, (np.repeat(each, np.diff(incidence.indptr)), y.at(incidence.indices))


def _require_covered_share(model: Model, problem: Problem, covered: Block) -> None:
    """(C3) Cover the required share of the weight."""
    needed = problem.share * problem.weights.sum()
    zeros = np.zeros(problem.customers, np.int64)
    model.add_rows("share", rule="C3", size=1, lower=needed,
                   terms=[(zeros, covered.all, problem.weights)])  # fmt: skip


def _maximise_backup(
    problem: Problem, incidence: sparse.csr_array, first: ChosenCover, settings: Settings
) -> tuple[ChosenCover, bool]:
    """(C4): of the plans that cost as much as ``first``, the one that covers most weight twice.

    With (C3), t is integer: a customer covered once must not count as half covered, half twice.

    Args:
        problem: The problem.
        incidence: 1 where a site covers a customer, (customers, sites).
        first: A plan of least cost.
        settings: The settings of this solve.

    Returns:
        The plan, and whether it is proven to cover the most.
    """
    LOG.info("of all best coverings the one that covers most weight twice")
    model = Model("backup covering")
    n = problem.customers
    lower, upper = _opening_bounds(problem)
    y = model.add_columns("open", size=problem.sites, upper=upper, lower=lower, integer=True)
    is_partial = problem.share < 1
    v = model.add_columns("covered", size=n, lower=0.0 if is_partial else 1.0, upper=1.0)
    t = model.add_columns("twice", size=n, upper=1.0, cost=-problem.weights, integer=is_partial)
    each, within = _within(incidence, y)
    terms = [(*within, 1.0), (each, v.all, -1.0), (each, t.all, -1.0)]
    model.add_rows("covered", rule="C4", size=n, terms=terms, lower=0.0)
    if is_partial:
        model.add_rows("once", rule="C4", size=n, upper=0.0,
                       terms=[(each, t.all, 1.0), (each, v.all, -1.0)])  # fmt: skip
        _require_covered_share(model, problem, v)
    least_cost = float(problem.fixed_costs[first.positions].sum())
    slack = 1e-9 * max(1.0, abs(least_cost))
    zeros = np.zeros(problem.sites, np.int64)
    model.add_rows("cost", rule="C4", size=1, terms=[(zeros, y.all, problem.fixed_costs)],
                   upper=least_cost + slack)  # fmt: skip
    result = solve(model, settings)
    if not result.has_plan:
        return first, result.status is Status.OPTIMAL
    positions = np.flatnonzero(result.value(y) > 0.5)
    return replace(first, positions=positions), result.status is Status.OPTIMAL


def _opening_bounds(problem: Problem) -> tuple[Floats, Floats]:
    """The (lower, upper) bounds of the openings, each (sites,): earlier decisions are kept."""
    lower, upper = np.zeros(problem.sites), np.ones(problem.sites)
    lower[list(problem.opened_positions)] = 1.0
    upper[list(problem.closed_positions)] = 0.0
    return lower, upper


def _solution(problem: Problem, found: ChosenCover, seconds: float, message: str) -> Solution:
    result, positions = found.result, found.positions
    without_plan = Solution(
        problem,
        Status.NO_PLAN,
        bound=result.bound,
        seconds={"total": seconds},
        method="presolve, HiGHS",
        message=message,
    )
    if result.status is Status.INFEASIBLE:
        return replace(without_plan, status=result.status, bound=np.inf)
    if result.objective is None:
        return without_plan
    objective, assignment = objective_of(problem, positions)
    assert objective is not None
    moments = ("total", "first", "best", "proof") if result.status is Status.OPTIMAL else ("total",)
    return replace(
        without_plan,
        status=result.status,
        objective=objective,
        bound=min(objective, result.bound),
        positions=positions,
        assigned=assignment,
        seconds=dict.fromkeys(moments, seconds),
        trace=((seconds, objective, min(objective, result.bound)),),
    )
