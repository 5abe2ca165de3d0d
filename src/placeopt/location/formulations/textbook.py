"""The compact model of every problem, as textbooks write it: the baseline of the benchmarks.

With x[i,j] = 1 if site j serves customer i and y[j] = 1 if j is open:

    (L1) sum_j x[i,j] = 1            every customer is served     (<= 1 in maximal covering)
    (L2) x[i,j] <= y[j]              only open sites serve
    (L3) sum_j y[j] = p              (<= p in p-centre and maximal covering)
    (L4) sum_i q[i] x[i,j] <= Q[j] y[j]        (= Q[j] at opened sites that are to be filled)
    (L5) sum_j d[i,j] x[i,j] <= r    for every customer, r minimised            p-centre
    (L6) r <= d[j,k] + M (2 - y[j] - y[k])   for every pair, r maximised    p-dispersion
    (L7) sum_{j: d[i,j] <= radius} y[j] >= v[i]                 covering (v = 1), maximal covering

Sources: ReVelle and Swain (1970); Hakimi (1965); Toregas et al. (1971); Church and ReVelle (1974);
Kuby (1987); Daskin (2013), "Network and Discrete Location", 2nd edition.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from placeopt.base.arrays import Floats
from placeopt.base.deadline import Deadline
from placeopt.engine import Block, Model, Result, Status, solve
from placeopt.engine.settings import Settings
from placeopt.location.objective_values import objective_of
from placeopt.location.solution import Solution
from placeopt.location.statement import (
    CAPACITATED,
    CAPACITATED_P_MEDIAN,
    COVERING,
    MAXIMAL_COVERING,
    NEEDS_CAPACITY,
    P_CENTRE,
    P_DISPERSION,
    P_MEDIAN,
    SINGLE_SOURCE,
    Problem,
)


def textbook_model(problem: Problem) -> Model:
    """The textbook model; its block ``open`` has one column for each site."""
    model = Model(problem.kind)
    lower, upper = np.zeros(problem.sites), np.ones(problem.sites)
    lower[list(problem.opened_positions)] = 1.0
    upper[list(problem.closed_positions)] = 0.0
    has_p = problem.kind in (P_MEDIAN, P_CENTRE, MAXIMAL_COVERING, P_DISPERSION)
    has_no_opening_cost = has_p or problem.kind == CAPACITATED_P_MEDIAN
    y = model.add_columns(
        "open",
        labels={"site_id": np.array(problem.site_ids, dtype=object)},
        lower=lower,
        upper=upper,
        cost=0.0 if has_no_opening_cost else problem.fixed_costs,
        integer=True,
    )
    if problem.kind in (COVERING, MAXIMAL_COVERING):
        _add_covering(model, problem, y)
    elif problem.kind == P_DISPERSION:
        _add_dispersion(model, problem, y)
    else:
        _add_assignment(model, problem, y)
    if has_no_opening_cost:
        exact = problem.kind in (P_MEDIAN, P_DISPERSION, CAPACITATED_P_MEDIAN)
        model.add_rows(
            "count",
            rule="L3",
            size=1,
            terms=[(np.zeros(problem.sites, np.int64), y.all, 1.0)],
            lower=float(problem.p or 0) if exact else -np.inf,
            upper=float(problem.p or 0),
        )
    return model


def _add_assignment(model: Model, problem: Problem, y: Block) -> None:
    """(L1), (L2), and what the kind adds to them."""
    distance = problem.distances.dense()
    ceiling = np.inf if problem.ceiling is None else problem.ceiling
    is_centre = problem.kind == P_CENTRE
    is_counted = problem.weights > 0 if is_centre else np.ones(len(distance), bool)
    rows, columns = np.nonzero(np.isfinite(distance) & (distance <= ceiling) & is_counted[:, None])
    cost = distance[rows, columns] * problem.weights[rows]
    upper = np.ones(len(rows))
    if problem.capacities is not None and problem.kind in (SINGLE_SOURCE, CAPACITATED_P_MEDIAN):
        upper[problem.demands[rows] > problem.capacities[columns] * (1 + 1e-9)] = 0.0
    x = model.add_columns(
        "serve",
        size=len(rows),
        upper=upper,
        cost=0.0 if is_centre else cost,
        integer=problem.kind in NEEDS_CAPACITY and problem.kind != CAPACITATED,
        labels={"customer": rows, "site": columns},
    )
    n, pairs = problem.customers, np.arange(len(rows))
    required = is_counted.astype(float)
    model.add_rows(
        "served", rule="L1", size=n, lower=required, upper=required, terms=[(rows, x.all, 1.0)]
    )
    only_open = [(pairs, x.all, 1.0), (pairs, y.at(columns), -1.0)]
    model.add_rows("only_open", rule="L2", size=len(rows), upper=0.0, terms=only_open)
    _keep_capacities(model, problem, x, y)
    if is_centre:
        _bound_radius(model, x, distance[rows, columns], n)


def _keep_capacities(model: Model, problem: Problem, x: Block, y: Block) -> None:
    """(L4), where the problem has capacities."""
    if problem.capacities is None or problem.kind not in NEEDS_CAPACITY:
        return
    rows, columns = x.labels["customer"], x.labels["site"]
    capacity = np.minimum(problem.capacities, problem.demands.sum())
    least_load = np.full(problem.sites, -np.inf)
    if problem.fill_opened:
        opened = list(problem.opened_positions)
        capacity[opened], least_load[opened] = problem.capacities[opened], 0.0
    unit = _row_units(problem)
    sites = np.arange(problem.sites)
    loads = (columns, x.all, problem.demands[rows] / unit[columns])
    capacities = (sites, y.all, -capacity / unit)
    model.add_rows("capacity", rule="L4", size=problem.sites, lower=least_load, upper=0.0,
                   terms=[loads, capacities])  # fmt: skip


def _row_units(problem: Problem) -> Floats:
    """By what each row of (L4) is divided, so that sites to be full are filled whatever their size.

    An engine keeps a row to within a fixed tolerance, which may be more than a small capacity.
    """
    unit = np.ones(problem.sites)
    if problem.fill_opened and problem.capacities is not None:
        opened = list(problem.opened_positions)
        least_demand = problem.demands[problem.demands > 0].min(initial=np.inf)
        filled = problem.capacities[opened]
        unit[opened] = np.where(filled > 0, filled, min(least_demand, 1.0))
    return unit


def _bound_radius(model: Model, x: Block, distance: Floats, customers: int) -> None:
    """(L5), with the distance of each pair that may serve."""
    radius = model.add_columns("radius", size=1, cost=1.0, upper=float(distance.max(initial=0.0)))
    served = (x.labels["customer"], x.all, distance)
    model.add_rows(
        "radius",
        rule="L5",
        size=customers,
        upper=0.0,
        terms=[served, (np.arange(customers), radius.at(0), -1.0)],
    )


def _add_covering(model: Model, problem: Problem, y: Block) -> None:
    """(L7); gradual coverage takes the best covering site as in (L1), (L2)."""
    n = problem.customers
    max_distance = max(problem.radius or 0.0, problem.outer_radius or 0.0)
    if problem.ceiling is not None:
        max_distance = min(max_distance, problem.ceiling)
    pairs_within = problem.distances.within(float(max_distance))
    rows = np.repeat(np.arange(n), np.diff(pairs_within.indptr))
    if problem.kind == MAXIMAL_COVERING and problem.outer_radius is not None:
        gain = problem.coverage(pairs_within.data) * problem.weights[rows]
        x = model.add_columns("serve", size=len(rows), upper=1.0, cost=-gain)
        pairs = np.arange(len(rows))
        model.add_rows("served", rule="L1", size=n, upper=1.0, terms=[(rows, x.all, 1.0)])
        only_open = [(pairs, x.all, 1.0), (pairs, y.at(pairs_within.indices), -1.0)]
        model.add_rows("only_open", rule="L2", size=len(rows), upper=0.0, terms=only_open)
        return
    is_full = problem.kind == COVERING and problem.share >= 1
    v = model.add_columns(
        "covered",
        size=n,
        lower=1.0 if is_full else 0.0,
        upper=1.0,
        cost=-problem.weights if problem.kind == MAXIMAL_COVERING else 0.0,
    )
    terms = [(rows, y.at(pairs_within.indices), 1.0), (np.arange(n), v.all, -1.0)]
    model.add_rows("covered", rule="L7", size=n, lower=0.0, terms=terms)
    if problem.kind == COVERING and not is_full:
        zeros, needed = np.zeros(n, np.int64), problem.share * problem.weights.sum()
        covered_weight = [(zeros, v.all, problem.weights)]
        model.add_rows("share", rule="L7", size=1, lower=needed, terms=covered_weight)


def _add_dispersion(model: Model, problem: Problem, y: Block) -> None:
    """(L6), with the largest distance for M."""
    distance = problem.distances.dense()
    distance = np.minimum(distance, distance.T)
    j, k = np.triu_indices(problem.sites, 1)
    largest = float(distance[j, k].max(initial=0.0))
    min_distance = model.add_columns("least", size=1, cost=-1.0, upper=largest)
    pairs = np.arange(len(j))
    slack = largest - distance[j, k]
    model.add_rows(
        "apart",
        rule="L6",
        size=len(j),
        upper=distance[j, k] + 2 * slack,
        terms=[
            (pairs, min_distance.at(0), 1.0),
            (pairs, y.at(j), slack),
            (pairs, y.at(k), slack),
        ],
    )


def solve_textbook_model(problem: Problem, settings: Settings) -> Solution:
    """Solve the textbook model with any engine.

    Args:
        problem: The problem.
        settings: The settings of the solve, with the engine's name.

    Returns:
        The solution.
    """
    deadline = Deadline(settings.time_limit_seconds)
    model = textbook_model(problem)
    arrays = model.arrays()
    if settings.engine == "cp-sat" and problem.kind != CAPACITATED:
        arrays.integer[:] = True  # CP-SAT takes integers only; here shares are no better
    result = solve(arrays, settings)
    return _solution_from_result(problem, model, result, settings.engine, deadline.elapsed_seconds)


def _solution_from_result(
    problem: Problem, model: Model, result: Result, engine: str, total: float
) -> Solution:
    seconds = {"total": total, **{name: float(s) for name, s in result.seconds.items()}}
    sign = -1.0 if problem.maximised else 1.0
    bound = sign * result.bound
    method = f"compact model, {engine}"
    if not result.has_plan:
        return Solution(
            problem, result.status, bound=bound, seconds=seconds, engine=engine, method=method,
            message=result.message,
        )  # fmt: skip
    positions = np.flatnonzero(result.value(model.columns["open"]) > 0.5)
    assignment, flows = None, None
    if problem.kind in NEEDS_CAPACITY:
        serve = model.columns["serve"]
        share = result.value(serve)
        is_used = share > 1e-9
        pairs = (serve.labels["customer"][is_used], serve.labels["site"][is_used])
        shape = problem.distances.shape
        flows = sparse.coo_array((share[is_used], pairs), shape=shape).tocsr()
        objective: float | None = result.objective
        if problem.kind != CAPACITATED:
            assignment, flows = np.asarray(flows.argmax(axis=1)).ravel(), None
    else:
        objective, assignment = objective_of(problem, positions)
        if result.status is Status.OPTIMAL and objective is not None:
            is_close = abs(bound - objective) <= 1e-6 * max(1.0, abs(objective))
            bound = objective if is_close else bound
    if result.status is Status.OPTIMAL:
        seconds["proof"] = total
    seconds |= {"first": total, "best": total}
    return Solution(
        problem,
        result.status,
        objective=objective,
        bound=bound,
        positions=positions,
        assigned=assignment,
        flows=flows,
        seconds=seconds,
        trace=((total, objective if objective is not None else np.nan, bound),),
        method=method,
        engine=engine,
        message=result.message,
    )
