"""Completion of a plan: buildings, hosts and tiers fixed, the rest solved exactly.

A search stops at its gap, so that its assignment may not be the cheapest or nearest.
``fix_and_complete`` minimises the requested objective, then cost, then minutes. Where zones and
hosts make too many pairs, the visits of each host are solved for first and the assignment second.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from placeopt.base.deadline import without_deadline
from placeopt.base.errors import EngineError
from placeopt.engine import Result, solve
from placeopt.engine.interrupts import ignoring_interrupts
from placeopt.engine.lexicographic import Stage
from placeopt.engine.model import Arrays
from placeopt.engine.settings import Settings
from placeopt.estate.model.formulation import (
    Formulation,
    formulate,
    needs_assignment,
    without_assignment_rules,
)
from placeopt.estate.model.variables import Columns
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.estate.problem.choice import choice_implied_by_hosts, overflow_allowed
from placeopt.estate.search.assignment import assign_with_least_minutes
from placeopt.estate.search.outcome import OBJECTIVE_TOLERANCE
from placeopt.estate.search.overflow import assign_with_overflow
from placeopt.estate.solution.decision import Decision, assign_by_choice
from placeopt.estate.solution.standards_met import served_standards_met
from placeopt.scenario.rules.estate.services import Fairness

MAX_PAIRS_BY_ZONE = 100_000  # pairs of a zone and a host up to which zones are completed at once
MAX_PAIRS_WITH_OVERFLOW = 10_000  # the same with overflow; above it a plan is kept as found


def fix_structure(formulation: Formulation, decision: Decision) -> Arrays:
    """Return the model with buildings, hosts and tiers fixed as in ``decision``."""
    return fix_structure_of_year(formulation.model.arrays(), formulation.columns, decision)


def fix_structure_of_year(arrays: Arrays, x: Columns, decision: Decision) -> Arrays:
    """Return the model with buildings, hosts and tiers of one year's columns fixed as in
    ``decision``."""
    lower, upper = arrays.lower.copy(), arrays.upper.copy()
    for positions, values in (
        (x.open.all, decision.open),
        (x.host.all, decision.host[x.hosts.building, x.hosts.service]),
        (x.tier.all, decision.tier[x.tier_building] == x.tier_tier),
    ):
        lower[positions] = upper[positions] = values
    return replace(arrays, lower=lower, upper=upper)


def complete_vector(formulation: Formulation, decision: Decision) -> NDArray[np.float64] | None:
    """Return a full vector for ``formulation`` that agrees with ``decision``; ``None`` if there is
    none."""
    solver = formulation.problem.scenario.solver
    result = solve(
        fix_structure(formulation, decision),
        Settings(engine="highs", threads=solver.threads, seed=solver.seed),
    )
    return result.values


def fix_and_complete(
    problem: EstateProblem, decision: Decision, stages: Sequence[Stage]
) -> Decision:
    """Fix buildings, hosts and tiers and solve for the least cost, then the least minutes.

    Args:
        problem: the year's arrays, with all its rules.
        decision: the plan that a search found.
        stages: the objectives reached; each is a ceiling. Ctrl-C before the call does not end it.

    Returns:
        The decision with its assignment, desks and disposals.

    Raises:
        EngineError: the plan cannot keep every rule.
    """
    with ignoring_interrupts():
        return _fix_and_complete(problem, decision, stages)


def _fix_and_complete(
    problem: EstateProblem, decision: Decision, stages: Sequence[Stage]
) -> Decision:
    smaller = replace(problem, hostable=decision.host)
    pairs = problem.visits.astype(bool).sum(axis=0) @ decision.host.sum(axis=0)
    objectives = [stage.objective for stage in stages]
    if assignment_implied_by_hosts(problem, objectives):
        completed = _complete_by_choice(problem, decision, stages)
        if not served_standards_met(problem, completed):
            raise EngineError("residents who choose their hosts are not served within the minutes")
        return completed
    if (
        pairs > MAX_PAIRS_WITH_OVERFLOW
        and overflow_allowed(problem)
        and not needs_assignment(without_assignment_rules(problem), objectives)
    ):
        return decision
    if pairs > MAX_PAIRS_BY_ZONE and not needs_assignment(problem, objectives):
        with suppress(EngineError):  # the cheapest hosts may be out of some zones' reach
            return assign_with_least_minutes(
                problem, _complete(smaller, decision, stages, by_zone=False)
            )
    return _complete(smaller, decision, stages, by_zone=True)


def _complete_by_choice(
    problem: EstateProblem, decision: Decision, stages: Sequence[Stage]
) -> Decision:
    """Return the decision with residents at the hosts they choose; disposals and desks at least
    cost."""
    smaller = replace(without_assignment_rules(problem), hostable=decision.host)
    units = assign_by_choice(problem, decision.open, decision.host).units
    return assign_all_by_choice(problem, _complete(smaller, decision, stages, False, units))


def complete_with_overflow(
    problem: EstateProblem, decision: Decision, stages: Sequence[Stage]
) -> Decision | None:
    """Return the same hosts with residents passing only full buildings; ``None`` where no
    assignment was found that keeps every rule."""
    assigned = assign_with_overflow(problem, decision)
    if assigned is None:
        return None
    smaller = replace(without_assignment_rules(problem), hostable=decision.host)
    try:
        completed = _complete(smaller, decision, stages, False, assigned.units, desks=True)
    except EngineError:
        return None
    result = replace(assigned, disposed=completed.disposed, tier=completed.tier)
    return result if served_standards_met(problem, result) else None


def assignment_implied_by_hosts(problem: EstateProblem, objectives: Sequence[str]) -> bool:
    """Whether the hosts alone imply the assignment, and neither a rule nor an objective bounds
    minutes otherwise."""
    has_fairness = bool(problem.scenario.of(Fairness))
    return (
        choice_implied_by_hosts(problem)
        and not has_fairness
        and not needs_assignment(without_assignment_rules(problem), objectives)
    )


def assign_all_by_choice(problem: EstateProblem, decision: Decision) -> Decision:
    """Return the decision with all residents at the hosts they choose."""
    chosen = assign_by_choice(problem, decision.open, decision.host)
    is_office = problem.services.back_office[None, :]
    units = np.where(is_office, decision.units, chosen.units)
    return replace(chosen, disposed=decision.disposed, tier=decision.tier, units=units)


def _complete(
    smaller: EstateProblem,
    decision: Decision,
    stages: Sequence[Stage],
    by_zone: bool,
    units: NDArray[np.float64] | None = None,
    desks: bool = False,
) -> Decision:
    """Minimise the objectives in turn with the structure fixed.

    Args:
        smaller: the problem with the plan's hosts only.
        decision: the plan.
        stages: the objectives reached.
        by_zone: zones are customers; otherwise all residents of a service are one.
        units: (B, S) visits that hosts serve, if given.
        desks: whether ``units`` gives desks as well.
    """
    solver = smaller.scenario.solver
    minutes = ("visit_minutes", "worst_off") if by_zone else ()
    names = ("cost", "weighted", *minutes)
    ceilings = {stage.objective: stage.ceiling for stage in stages[:-1]}
    has_solution = False
    for name in dict.fromkeys((stages[-1].objective, "cost", "visit_minutes")):
        if name not in names:
            continue
        bounds = [(other, ceiling) for other, ceiling in ceilings.items() if other in names]
        formulation = formulate(smaller, name, bounds, by_zone=by_zone, aggregated=not by_zone)
        arrays = fix_structure(formulation, decision)
        with nullcontext() if has_solution and by_zone else without_deadline():
            result = solve(
                arrays if units is None else _fix_units(formulation, arrays, units, desks),
                Settings(engine="highs", gap=0.0, threads=solver.threads, seed=solver.seed),
            )
        if not result.has_plan or result.objective is None:
            if has_solution and by_zone:
                return decision  # the requested objective is done
            raise EngineError(f"completing a plan for {name} failed: {result.message}")
        ceilings[name] = result.objective + abs(result.objective) * OBJECTIVE_TOLERANCE
        decision, has_solution = read_decision(formulation, result), True
    return decision


def _fix_units(
    formulation: Formulation, arrays: Arrays, units: NDArray[np.float64], fix_desks: bool
) -> Arrays:
    """Return the aggregated model with the visits, and the desks if ``fix_desks``, of each host
    fixed."""
    x, c = formulation.columns, formulation.columns.customers
    is_office = formulation.problem.services.back_office[x.hosts.service[c.pair_host]]
    is_fixed = ~is_office | fix_desks
    host = c.pair_host[is_fixed]
    share = (
        units[x.hosts.building[host], x.hosts.service[host]] / c.units[c.pair_customer[is_fixed]]
    )
    lower, upper = arrays.lower.copy(), arrays.upper.copy()
    lower[x.serve.at(np.flatnonzero(is_fixed))] = upper[x.serve.at(np.flatnonzero(is_fixed))] = (
        share
    )
    return replace(arrays, lower=lower, upper=upper)


def read_decision(formulation: Formulation, result: Result) -> Decision:
    """Return the decision that a result's values encode.

    Args:
        formulation: the model of one year.
        result: with values.

    Returns:
        The decision. A building disposed of in part, for as much of its receipt as the capital
        needs, counts as disposed of: that saves its holding cost and breaks no rule.
    """
    problem, x = formulation.problem, formulation.columns
    shape = problem.hosted.shape
    open_mask, tiers, hosts = (result.value(block) > 0.5 for block in (x.open, x.tier, x.host))
    dispose_mask = (result.value(x.dispose) > 1e-6) & ~open_mask[x.dispose_building]
    host = np.zeros(shape, bool)
    host[x.hosts.building[hosts], x.hosts.service[hosts]] = True
    disposed = np.zeros(shape[0], bool)
    disposed[x.dispose_building[dispose_mask]] = True
    tier = np.full(shape[0], -1)
    tier[x.tier_building[tiers]] = x.tier_tier[tiers]
    c = x.customers
    share = clean_shares(result.value(x.serve), result.value(x.unserved), c.pair_customer, c.units)
    building, service = x.hosts.building[c.pair_host], x.hosts.service[c.pair_host]
    units = np.zeros(shape)
    np.add.at(units, (building, service), share * c.units[c.pair_customer])
    zone = c.zone[c.pair_customer]
    listed = (zone >= 0) & (share > 0)
    return Decision(
        open=open_mask,
        disposed=disposed,
        tier=tier,
        host=host,
        units=units,
        zone=zone[listed],
        service=service[listed],
        building=building[listed],
        share=share[listed],
    )


def clean_shares(
    serve: NDArray[np.float64],
    unserved: NDArray[np.float64],
    customer: NDArray[np.int64],
    units: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return (N,) shares without rounding, scaled to what is served. Shares below a millionth of a
    customer, or below half a visit, are 0."""
    tolerance = np.minimum(1e-6, 0.5 / np.maximum(units, 1.0))
    share = np.where(serve > tolerance[customer], serve, 0.0)
    total = np.bincount(customer, share, len(unserved))
    served = 1 - np.where(unserved > 1e-6, unserved, 0.0)
    factor = np.divide(served, total, out=np.ones_like(served), where=total > 0)
    scaled: NDArray[np.float64] = share * factor[customer]
    return scaled
