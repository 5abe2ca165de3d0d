"""Reassignment: send visits nearer, with buildings, tiers and hosts fixed, at a limited extra cost.

    minimise    sum over decided years, zones and services of
                visits[z,s,t] minutes[z,b] serve[z,s,b,t]
    subject to  every rule of the question, with open, tier, host and disposals as in the plan,
                unserved[z,s,t] <= that of the plan, and
                net present cost <= that of the plan + allowance

A linear program, because every binary column is fixed. Its bound holds for these buildings, tiers
and hosts, not for all plans. Then the least cost among the assignments with so few minutes. Where
zones and hosts make too many pairs, hosts far away are first left out at a relaxed assignment: the
bound holds for all hosts, and the minutes are proven if no visit is left unassigned.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from placeopt.base.arrays import Floats
from placeopt.base.deadline import Deadline
from placeopt.engine import Model, Result, Status, solve
from placeopt.engine.interrupts import ignoring_interrupts
from placeopt.engine.model import Arrays
from placeopt.engine.settings import Settings
from placeopt.estate.model.formulation import Formulation, expression, formulate
from placeopt.estate.model.multi_year import formulate_years, total_expression
from placeopt.estate.model.objectives import Expression
from placeopt.estate.model.objectives import visit_minutes as minutes_of_visits
from placeopt.estate.model.variables import Columns
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.estate.problem.horizon import Years
from placeopt.estate.search.completion import fix_structure_of_year, read_decision
from placeopt.estate.search.outcome import OBJECTIVE_TOLERANCE, Outcome, Reassignment
from placeopt.estate.solution.decision import Decision, visit_minutes
from placeopt.estate.solution.timeline import Timeline, do_nothing, flows_of, present_cost
from placeopt.scenario.reassignment import allowance_gbp

MAX_PAIRS_WHOLE = 200_000  # pairs of a zone and a host, of all years, up to which all are kept
NEAREST_HOSTS = 5  # hosts of a zone that are always in the model
LEAST_SECONDS = 1.0  # of a solve that begins late
SHARE_TOLERANCE = 1e-6  # shares of a customer below this are rounding
log = logging.getLogger("placeopt.estate")


@dataclass(frozen=True)
class _ReassignmentModel:
    """The model of all years, each year's part, and two sums over its columns."""

    model: Model
    problems: tuple[EstateProblem, ...]
    columns: tuple[Columns, ...]
    cost: Expression
    minutes: Expression


def reassign_visits(
    years: Years, outcome: Outcome[Timeline], deadline: Deadline
) -> Outcome[Timeline]:
    """Return the outcome with its visits sent nearer, and a record of minutes and cost.

    Args:
        years: the problem of every decided year.
        outcome: a plan and its stages; the stages do not change.
        deadline: when it ends. Ctrl-C before the call does not end it.

    Returns:
        The outcome with the new timeline and ``reassignment`` set. Where the time was too short the
        timeline is the old one, and the record states this.
    """
    timeline = outcome.solution
    assert timeline is not None
    flows_before = flows_of(years, timeline)
    cost = present_cost(years, flows_before)
    today = do_nothing(years)
    allowance = allowance_gbp(cost, present_cost(years, flows_of(years, today)))
    ceiling = cost + allowance
    minutes = _total_minutes(years, timeline)
    with ignoring_interrupts():
        status, bound, shorter = _minimise_minutes(years, timeline, ceiling, deadline)
    if shorter is not None and _total_minutes(years, shorter) >= minutes * (1 - 1e-9):
        shorter = None  # nothing gained: the plan is kept
    timeline_after = timeline if shorter is None else shorter
    flows_after = flows_of(years, timeline_after)
    running_costs = (
        float(flows.costs[-1].running_gbp_per_year.sum()) for flows in (flows_before, flows_after)
    )
    running_before, running_after = running_costs
    record = Reassignment(
        status=status,
        minutes_before=minutes,
        minutes_after=_total_minutes(years, timeline_after),
        bound=min(bound, _total_minutes(years, timeline_after)),
        cost_before=cost,
        cost_after=present_cost(years, flows_after),
        ceiling=ceiling,
        running_before=running_before,
        running_after=running_after,
    )
    log.info(
        "visits sent nearer: %.0f minutes to %.0f (%s), GBP %.0f more of GBP %.0f",
        record.minutes_before,
        record.minutes_after,
        status,
        record.cost_after - cost,
        allowance,
    )
    return replace(outcome, solution=timeline_after, reassignment=record)


def _total_minutes(years: Years, timeline: Timeline) -> float:
    """Return the visit minutes of all decided years."""
    pairs = zip(years.problems, timeline.decisions, strict=True)
    return sum(visit_minutes(problem, decision) for problem, decision in pairs)


def _minimise_minutes(
    years: Years, timeline: Timeline, ceiling: float, deadline: Deadline
) -> tuple[Status, float, Timeline | None]:
    """Return the status, a bound on the minutes, and a timeline where one has fewer minutes."""
    limits = _max_minutes(years, timeline)
    model = _build_model(years, timeline, limits)
    arrays = _fix_decisions(model, timeline)
    size = len(arrays.cost)
    minutes, cost = _coefficients(model.minutes, size), _coefficients(model.cost, size)
    cost_limit = ceiling + abs(ceiling) * OBJECTIVE_TOLERANCE - model.cost.constant
    with_budget = _add_row(
        replace(arrays, cost=minutes, offset=model.minutes.constant), cost, cost_limit
    )

    def solved(model_arrays: Arrays) -> Result:
        seconds = deadline.seconds_left(at_least=LEAST_SECONDS)
        settings = Settings.of(years.scenario.solver)
        settings = replace(settings, engine="highs", gap=0.0, time_limit_seconds=seconds)
        return solve(model_arrays, settings)

    fewest = solved(with_budget)
    bound = fewest.bound
    is_exact = True
    if limits is not None:
        relaxed = np.concatenate([x.relaxed_assignment.all for x in model.columns])
        is_exact = fewest.has_plan and bool((fewest.values[relaxed] <= SHARE_TOLERANCE).all())  # type: ignore[index]
        upper = with_budget.upper.copy()
        upper[relaxed] = 0.0
        with_budget = replace(with_budget, upper=upper)
        if not is_exact:
            fewest = solved(with_budget)
    if fewest.objective is None:
        return Status.NO_PLAN, bound, None
    status = Status.OPTIMAL if is_exact and fewest.status is Status.OPTIMAL else Status.FEASIBLE
    minutes_limit = fewest.objective * (1 + OBJECTIVE_TOLERANCE) - model.minutes.constant
    cheapest = solved(_add_row(replace(with_budget, cost=cost, offset=0.0), minutes, minutes_limit))
    result = cheapest if cheapest.has_plan else fewest
    decisions = tuple(
        replace(
            read_decision(Formulation(problem, model.model, x), result), disposed=decision.disposed
        )
        for problem, x, decision in zip(
            model.problems, model.columns, timeline.decisions, strict=True
        )
    )
    return status, bound, Timeline(decisions)


def _build_model(
    years: Years, timeline: Timeline, limits: list[Floats] | None
) -> _ReassignmentModel:
    """State every rule of the question for the plan's hosts, zone by zone."""
    decisions = timeline.decisions
    if len(years.problems) == 1:
        problem = replace(years.first, hostable=decisions[0].host)
        formulation = formulate(
            problem, by_zone=True, max_minutes=None if limits is None else limits[0]
        )
        model = formulation.model
        columns: tuple[Columns, ...] = (formulation.columns,)
        problems: tuple[EstateProblem, ...] = (problem,)
        cost = expression(model, problem, formulation.columns, "cost")
    else:
        hosts = np.any([decision.host for decision in decisions], axis=0) | years.first.hosted
        problems = tuple(replace(problem, hostable=hosts) for problem in years.problems)
        restricted = replace(years, problems=problems)
        hosts_by_year = [decision.host for decision in decisions]
        over_years = formulate_years(
            restricted, by_zone=True, max_minutes=limits, serving_hosts=hosts_by_year
        )
        model, columns = over_years.model, over_years.columns
        cost = total_expression(over_years, "cost")
    minutes = Expression()
    for problem, x in zip(problems, columns, strict=True):
        minutes.terms += minutes_of_visits(problem, x).terms
    return _ReassignmentModel(model, problems, columns, cost, minutes)


def _fix_decisions(model: _ReassignmentModel, timeline: Timeline) -> Arrays:
    """Return the model with binary columns as in ``timeline`` and no customer less served."""
    arrays = model.model.arrays()
    for x, decision in zip(model.columns, timeline.decisions, strict=True):
        arrays = fix_structure_of_year(arrays, x, decision)
        lower, upper = arrays.lower.copy(), arrays.upper.copy()
        is_sold = decision.disposed[x.dispose_building]
        lower[x.dispose.all] = upper[x.dispose.all] = is_sold
        upper[x.unserved.all] = np.minimum(upper[x.unserved.all], _unserved_shares(x, decision))
        arrays = replace(arrays, lower=lower, upper=upper)
    return arrays


def _unserved_shares(x: Columns, decision: Decision) -> Floats:
    """Return (C,) the share of each customer that the plan leaves unserved."""
    c = x.customers
    served = np.zeros((int(max(c.zone.max(initial=-1), 0)) + 1, decision.host.shape[1]))
    known = decision.zone < len(served)
    np.add.at(served, (decision.zone[known], decision.service[known]), decision.share[known])
    desks = decision.units.sum(axis=0)[c.service] / np.maximum(c.units, 1e-9)
    share = np.where(c.zone >= 0, served[np.maximum(c.zone, 0), c.service], desks)
    unserved: Floats = np.where(share < 1 - 10 * SHARE_TOLERANCE, 1 - share + SHARE_TOLERANCE, 0.0)
    return unserved


def _max_minutes(years: Years, timeline: Timeline) -> list[Floats] | None:
    """Return for each year (Z, S) the minutes up to which hosts stay in the model: those of the
    furthest host that a zone uses, and at least those of its nearest few. ``None``: all hosts stay.
    """
    pairs = sum(
        int(problem.visits.astype(bool).sum(axis=0) @ decision.host.sum(axis=0))
        for problem, decision in zip(years.problems, timeline.decisions, strict=True)
    )
    if pairs <= MAX_PAIRS_WHOLE:
        return None
    limits_by_year = []
    for problem, decision in zip(years.problems, timeline.decisions, strict=True):
        limits = np.zeros_like(problem.visits)
        customers = (decision.zone, decision.service)
        np.maximum.at(limits, customers, problem.minutes[decision.zone, decision.building])
        for s in np.flatnonzero(~problem.services.back_office & decision.host.any(axis=0)):
            minutes = problem.minutes[:, decision.host[:, s]]
            position = min(NEAREST_HOSTS, minutes.shape[1]) - 1
            reach = np.where(np.isfinite(minutes), minutes, np.inf)
            limits[:, s] = np.maximum(
                limits[:, s], np.partition(reach, position, axis=1)[:, position]
            )
        limits_by_year.append(limits)
    return limits_by_year


def _coefficients(total: Expression, size: int) -> Floats:
    """Return (columns,) the coefficients of a sum over columns."""
    vector = np.zeros(size)
    for columns, values in total.terms:
        positions, factors = np.broadcast_arrays(
            np.asarray(columns, np.int64), np.asarray(values, float)
        )
        np.add.at(vector, positions.ravel(), factors.ravel())
    return vector


def _add_row(arrays: Arrays, row: Floats, limit: float) -> Arrays:
    """Return the model with one more row: ``row`` x columns <= ``limit``."""
    from scipy import sparse

    sides: Sequence[Floats] = (
        np.append(arrays.row_lower, -np.inf),
        np.append(arrays.row_upper, limit),
    )
    matrix = sparse.vstack([arrays.matrix, sparse.csr_array(row[None, :])], format="csr")
    return replace(arrays, matrix=matrix, row_lower=sides[0], row_upper=sides[1])
