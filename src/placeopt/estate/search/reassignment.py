"""Send visits nearer once buildings, tiers and hosts are found, for a little money.

    minimise    sum over decided years, zones and services of
                visits[z,s,t] minutes[z,b] serve[z,s,b,t]
    subject to  every rule of the question, with open, tier, host and what is sold as found,
                unserved[z,s,t] <= that of the plan found, and
                net present cost <= that of the plan found + allowance

A linear program, for all that is yes or no is as found. Its bound speaks of these buildings, tiers
and hosts alone, not of all plans. Then, among the ways with so few minutes, the least cost. Where
zones and hosts make too many pairs, hosts far away are left out at first: the bound holds for all
hosts, and the minutes are the fewest if nobody would go further than the hosts kept.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from placeopt.engine import Model, Result, Status, solve
from placeopt.engine.interrupts import ignoring_interrupts
from placeopt.engine.model import Arrays
from placeopt.estate.model.formulation import Formulation, expression, formulate
from placeopt.estate.model.multi_year import formulate_years, total_expression
from placeopt.estate.model.objectives import Expression
from placeopt.estate.model.objectives import visit_minutes as minutes_of_visits
from placeopt.estate.model.variables import Columns
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.estate.problem.horizon import Years
from placeopt.estate.search.completion import fix_structure_of_year, read_decision
from placeopt.estate.search.lexicographic import OBJECTIVE_TOLERANCE, Outcome, Reassignment
from placeopt.estate.solution.decision import Decision, visit_minutes
from placeopt.estate.solution.timeline import Timeline, do_nothing, flows_of, present_cost
from placeopt.scenario.reassignment import allowance_gbp

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
MAX_PAIRS_WHOLE = (
    200_000  # up to so many pairs of a zone and a host, of all years, all are in the model
)
NEAREST_HOSTS = 5  # hosts of a zone that are in the model in any case
SHARE_TOLERANCE = 1e-6  # shares of a customer below this are rounding
log = logging.getLogger("placeopt.estate")


@dataclass(frozen=True)
class _ReassignmentModel:
    """The model with two sums over its columns, and each year's part of it."""

    model: Model
    problems: tuple[EstateProblem, ...]
    columns: tuple[Columns, ...]
    cost: Expression
    minutes: Expression


def reassign_visits(years: Years, outcome: Outcome[Timeline], seconds: float) -> Outcome[Timeline]:
    """Return the outcome with its visits sent nearer, and a record of what that came to.

    Args:
        years: the problem of every decided year.
        outcome: a plan found; its stages stay as they are.
        seconds: time to do it in. Ctrl-C before it does not keep it from being done.

    Returns:
        The outcome as it was, with the course after and ``reassignment`` set. Where the time was
        too short the course is the one found, and the record says so.
    """
    timeline = outcome.solution
    assert timeline is not None
    found = flows_of(years, timeline)
    cost = present_cost(years, found)
    nothing = do_nothing(years)
    allowance = allowance_gbp(cost, present_cost(years, flows_of(years, nothing)))
    ceiling = cost + allowance
    minutes = _total_minutes(years, timeline)
    with ignoring_interrupts():
        status, bound, sent = _minimise_minutes(years, timeline, ceiling, seconds)
    if sent is not None and _total_minutes(years, sent) >= minutes * (1 - 1e-9):
        sent = None  # nothing gained: the plan found stays as it is
    after = timeline if sent is None else sent
    flows = flows_of(years, after)
    of_last = (float(each.costs[-1].running_gbp_per_year.sum()) for each in (found, flows))
    running_before, running_after = of_last
    record = Reassignment(
        status=status,
        minutes_before=minutes,
        minutes_after=_total_minutes(years, after),
        bound=min(bound, _total_minutes(years, after)),
        cost_before=cost,
        cost_after=present_cost(years, flows),
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
    return replace(outcome, solution=after, reassignment=record)


def _total_minutes(years: Years, timeline: Timeline) -> float:
    pairs = zip(years.problems, timeline.decisions, strict=True)
    return sum(visit_minutes(problem, decision) for problem, decision in pairs)


def _minimise_minutes(
    years: Years, timeline: Timeline, ceiling: float, seconds: float
) -> tuple[Status, float, Timeline | None]:
    """How it ended, what is proven of the minutes, and a course where there is a better one."""
    began = time.perf_counter()
    keep = _max_minutes(years, timeline)
    stated = _build_model(years, timeline, keep)
    arrays = _fix_decisions(stated, timeline)
    size = len(arrays.cost)
    minutes, cost = _coefficients(stated.minutes, size), _coefficients(stated.cost, size)
    room = ceiling + abs(ceiling) * OBJECTIVE_TOLERANCE - stated.cost.constant
    bounded = _add_row(replace(arrays, cost=minutes, offset=stated.minutes.constant), cost, room)

    def solved(of: Arrays) -> Result:
        left = max(seconds - (time.perf_counter() - began), 1.0)
        solver = years.scenario.solver
        return solve(of, gap=0.0, threads=solver.threads, seed=solver.seed, time_limit_seconds=left)

    first = solved(bounded)
    bound = first.bound
    exact = True
    if keep is not None:
        beyond = np.concatenate([x.relaxed_assignment.all for x in stated.columns])
        exact = first.has_plan and bool((first.values[beyond] <= SHARE_TOLERANCE).all())  # type: ignore[index]
        upper = bounded.upper.copy()
        upper[beyond] = 0.0
        bounded = replace(bounded, upper=upper)
        if not exact:
            first = solved(bounded)
    if first.objective is None:
        return Status.NO_PLAN, bound, None
    status = Status.OPTIMAL if exact and first.status is Status.OPTIMAL else Status.FEASIBLE
    most = first.objective * (1 + OBJECTIVE_TOLERANCE) - stated.minutes.constant
    cheapest = solved(_add_row(replace(bounded, cost=cost, offset=0.0), minutes, most))
    result = cheapest if cheapest.has_plan else first
    decisions = tuple(
        replace(
            read_decision(Formulation(problem, stated.model, x), result), disposed=decision.disposed
        )
        for problem, x, decision in zip(
            stated.problems, stated.columns, timeline.decisions, strict=True
        )
    )
    return status, bound, Timeline(decisions)


def _build_model(years: Years, timeline: Timeline, keep: list[Floats] | None) -> _ReassignmentModel:
    """Every rule of the question, for the hosts found and zone by zone."""
    decisions = timeline.decisions
    if len(years.problems) == 1:
        problem = replace(years.first, hostable=decisions[0].host)
        alone = formulate(problem, zones=True, keep=None if keep is None else keep[0])
        model = alone.model
        columns: tuple[Columns, ...] = (alone.columns,)
        problems: tuple[EstateProblem, ...] = (problem,)
        cost = expression(model, problem, alone.columns, "cost")
    else:
        hosts = np.any([decision.host for decision in decisions], axis=0) | years.first.hosted
        problems = tuple(replace(problem, hostable=hosts) for problem in years.problems)
        smaller = replace(years, problems=problems)
        serving = [decision.host for decision in decisions]
        stated = formulate_years(smaller, zones=True, keep=keep, serving=serving)
        model, columns = stated.model, stated.columns
        cost = total_expression(stated, "cost")
    minutes = Expression()
    for problem, x in zip(problems, columns, strict=True):
        minutes.terms += minutes_of_visits(problem, x).terms
    return _ReassignmentModel(model, problems, columns, cost, minutes)


def _fix_decisions(stated: _ReassignmentModel, timeline: Timeline) -> Arrays:
    """The model with what is yes or no as in ``timeline``, and nobody unserved who was not."""
    arrays = stated.model.arrays()
    for x, decision in zip(stated.columns, timeline.decisions, strict=True):
        arrays = fix_structure_of_year(arrays, x, decision)
        lower, upper = arrays.lower.copy(), arrays.upper.copy()
        sold = decision.disposed[x.dispose_building]
        lower[x.dispose.all] = upper[x.dispose.all] = sold
        upper[x.unserved.all] = np.minimum(upper[x.unserved.all], _unserved_shares(x, decision))
        arrays = replace(arrays, lower=lower, upper=upper)
    return arrays


def _unserved_shares(x: Columns, decision: Decision) -> Floats:
    """(C,) the share of each customer that the plan found leaves unserved."""
    c = x.customers
    served = np.zeros((int(max(c.zone.max(initial=-1), 0)) + 1, decision.host.shape[1]))
    inside = decision.zone < len(served)
    np.add.at(served, (decision.zone[inside], decision.service[inside]), decision.share[inside])
    desks = decision.units.sum(axis=0)[c.service] / np.maximum(c.units, 1e-9)
    share = np.where(c.zone >= 0, served[np.maximum(c.zone, 0), c.service], desks)
    left: Floats = np.where(share < 1 - 10 * SHARE_TOLERANCE, 1 - share + SHARE_TOLERANCE, 0.0)
    return left


def _max_minutes(years: Years, timeline: Timeline) -> list[Floats] | None:
    """For each year (Z, S) minutes up to which hosts are in the model: those of the furthest host
    that a zone uses, and at least those of its nearest few. None: all hosts are."""
    pairs = sum(
        int(problem.visits.astype(bool).sum(axis=0) @ decision.host.sum(axis=0))
        for problem, decision in zip(years.problems, timeline.decisions, strict=True)
    )
    if pairs <= MAX_PAIRS_WHOLE:
        return None
    found = []
    for problem, decision in zip(years.problems, timeline.decisions, strict=True):
        keep = np.zeros_like(problem.visits)
        at = (decision.zone, decision.service)
        np.maximum.at(keep, at, problem.minutes[decision.zone, decision.building])
        for s in np.flatnonzero(~problem.services.back_office & decision.host.any(axis=0)):
            minutes = problem.minutes[:, decision.host[:, s]]
            few = min(NEAREST_HOSTS, minutes.shape[1]) - 1
            reach = np.where(np.isfinite(minutes), minutes, np.inf)
            keep[:, s] = np.maximum(keep[:, s], np.partition(reach, few, axis=1)[:, few])
        found.append(keep)
    return found


def _coefficients(total: Expression, size: int) -> Floats:
    """(columns,) the coefficients of a sum over columns."""
    found = np.zeros(size)
    for columns, values in total.terms:
        at, by = np.broadcast_arrays(np.asarray(columns, np.int64), np.asarray(values, float))
        np.add.at(found, at.ravel(), by.ravel())
    return found


def _add_row(arrays: Arrays, row: Floats, most: float) -> Arrays:
    """The model with one row more: ``row`` x columns <= ``most``."""
    from scipy import sparse

    sides: Sequence[Floats] = (
        np.append(arrays.row_lower, -np.inf),
        np.append(arrays.row_upper, most),
    )
    matrix = sparse.vstack([arrays.matrix, sparse.csr_array(row[None, :])], format="csr")
    return replace(arrays, matrix=matrix, row_lower=sides[0], row_upper=sides[1])
