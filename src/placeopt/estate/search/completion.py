"""The plan found made whole: buildings, hosts and tiers kept, the rest settled.

A search stops at its gap, so who is served where may still be had for less money or fewer
minutes. ``fix_and_complete`` keeps what is open, hosted and of which tier, and solves what is left open
exactly: first the objective asked for, then money, then minutes. Where zones and hosts make too
many pairs for that, how much each host serves is settled first, and then who goes where.
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
from placeopt.engine.model import Arrays
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
from placeopt.estate.search.lexicographic import OBJECTIVE_TOLERANCE, Stage
from placeopt.estate.search.overflow import assign_with_overflow
from placeopt.estate.solution.decision import Decision, assign_by_choice
from placeopt.estate.solution.standards_met import served_standards_met
from placeopt.scenario.rules.estate.services import Fairness

MAX_PAIRS_WITH_OVERFLOW = (
    10_000  # the same where some pass full buildings: beyond, a plan stays as it was found
)
MAX_PAIRS_BY_ZONE = 100_000  # up to so many pairs of a zone and a host are settled at once


def fix_structure(formulation: Formulation, decision: Decision) -> Arrays:
    """The model with buildings, hosts and tiers as in ``decision``."""
    return fix_structure_of_year(formulation.model.arrays(), formulation.columns, decision)


def fix_structure_of_year(arrays: Arrays, x: Columns, decision: Decision) -> Arrays:
    """The model with the buildings, hosts and tiers of one year's columns as in ``decision``."""
    lower, upper = arrays.lower.copy(), arrays.upper.copy()
    for numbers, values in (
        (x.open.all, decision.open),
        (x.host.all, decision.host[x.hosts.building, x.hosts.service]),
        (x.tier.all, decision.tier[x.tier_building] == x.tier_tier),
    ):
        lower[numbers] = upper[numbers] = values
    return replace(arrays, lower=lower, upper=upper)


def complete_vector(formulation: Formulation, decision: Decision) -> NDArray[np.float64] | None:
    """A full vector for ``formulation`` that agrees with ``decision``; None if there is none."""
    solver = formulation.problem.scenario.solver
    result = solve(
        fix_structure(formulation, decision),
        engine="highs",
        threads=solver.threads,
        seed=solver.seed,
    )
    return result.values


def fix_and_complete(problem: EstateProblem, decision: Decision, stages: list[Stage]) -> Decision:
    """Buildings, hosts and tiers as they are; least money, then least minutes, within what each
    objective has reached. Ctrl-C before it does not keep a plan from being settled."""
    with ignoring_interrupts():
        return _fix_and_complete(problem, decision, stages)


def _fix_and_complete(problem: EstateProblem, decision: Decision, stages: list[Stage]) -> Decision:
    smaller = replace(problem, hostable=decision.host)
    pairs = problem.visits.astype(bool).sum(axis=0) @ decision.host.sum(axis=0)
    named = [stage.objective for stage in stages]
    if assignment_implied_by_hosts(problem, named):
        told = _complete_by_choice(problem, decision, stages)
        if not served_standards_met(problem, told):
            raise EngineError("residents who go by themselves are not served within the minutes")
        return told
    if (
        pairs > MAX_PAIRS_WITH_OVERFLOW
        and overflow_allowed(problem)
        and not needs_assignment(without_assignment_rules(problem), named)
    ):
        return decision
    if pairs > MAX_PAIRS_BY_ZONE and not needs_assignment(problem, named):
        with suppress(EngineError):  # not everybody has the hosts in reach that are cheapest to use
            return assign_with_least_minutes(
                problem, _complete(smaller, decision, stages, zones=False)
            )
    return _complete(smaller, decision, stages, zones=True)


def _complete_by_choice(
    problem: EstateProblem, decision: Decision, stages: list[Stage]
) -> Decision:
    """Everybody where the hosts alone tell; what is sold, and who sits where, with least money."""
    smaller = replace(without_assignment_rules(problem), hostable=decision.host)
    units = assign_by_choice(problem, decision.open, decision.host).units
    return assign_all_by_choice(problem, _complete(smaller, decision, stages, False, units))


def complete_with_overflow(
    problem: EstateProblem, decision: Decision, stages: list[Stage]
) -> Decision | None:
    """The same hosts with residents passing only full buildings; ``None`` where no such way was
    found that keeps every rule."""
    sent = assign_with_overflow(problem, decision)
    if sent is None:
        return None
    smaller = replace(without_assignment_rules(problem), hostable=decision.host)
    try:
        found = _complete(smaller, decision, stages, False, sent.units, desks=True)
    except EngineError:
        return None
    passed = replace(sent, disposed=found.disposed, tier=found.tier)
    return passed if served_standards_met(problem, passed) else None


def assignment_implied_by_hosts(problem: EstateProblem, objectives: Sequence[str]) -> bool:
    """Whether nothing but the hosts tells, or asks, who goes where."""
    fair = bool(problem.scenario.of(Fairness))
    return (
        choice_implied_by_hosts(problem)
        and not fair
        and not needs_assignment(without_assignment_rules(problem), objectives)
    )


def assign_all_by_choice(problem: EstateProblem, decision: Decision) -> Decision:
    """The decision with all residents where the hosts alone tell."""
    going = assign_by_choice(problem, decision.open, decision.host)
    office = problem.services.back_office[None, :]
    units = np.where(office, decision.units, going.units)
    return replace(going, disposed=decision.disposed, tier=decision.tier, units=units)


def _complete(
    smaller: EstateProblem,
    decision: Decision,
    stages: list[Stage],
    zones: bool,
    units: NDArray[np.float64] | None = None,
    desks: bool = False,
) -> Decision:
    """One objective after another; without ``zones`` all residents are one customer, and hosts
    serve ``units`` (B, S) of visits, and of ``desks``, where these are given."""
    solver = smaller.scenario.solver
    minutes = ("visit_minutes", "worst_off") if zones else ()
    names = ("cost", "weighted", *minutes)
    ceilings = {stage.objective: stage.ceiling for stage in stages[:-1]}
    settled = False
    for name in dict.fromkeys((stages[-1].objective, "cost", "visit_minutes")):
        if name not in names:
            continue
        bounds = [(other, most) for other, most in ceilings.items() if other in names]
        formulation = formulate(smaller, name, bounds, zones=zones, relaxed=not zones)
        arrays = fix_structure(formulation, decision)
        with nullcontext() if settled and zones else without_deadline():
            result = solve(
                arrays if units is None else _fix_units(formulation, arrays, units, desks),
                engine="highs",
                gap=0.0,
                threads=solver.threads,
                seed=solver.seed,
            )
        if not result.has_plan or result.objective is None:
            if settled and zones:
                return decision  # what was asked for is settled; only less may be had of the rest
            raise EngineError(f"settling {name} of a plan found failed: {result.message}")
        ceilings[name] = result.objective + abs(result.objective) * OBJECTIVE_TOLERANCE
        decision, settled = read_decision(formulation, result), True
    return decision


def _fix_units(
    formulation: Formulation, arrays: Arrays, units: NDArray[np.float64], desks: bool
) -> Arrays:
    """The model of all residents at large with the visits, and ``desks``, that each host serves."""
    x, c = formulation.columns, formulation.columns.customers
    office = formulation.problem.services.back_office[x.hosts.service[c.pair_host]]
    told = ~office | desks
    host = c.pair_host[told]
    share = units[x.hosts.building[host], x.hosts.service[host]] / c.units[c.pair_customer[told]]
    lower, upper = arrays.lower.copy(), arrays.upper.copy()
    lower[x.serve.at(np.flatnonzero(told))] = upper[x.serve.at(np.flatnonzero(told))] = share
    return replace(arrays, lower=lower, upper=upper)


def read_decision(formulation: Formulation, result: Result) -> Decision:
    """The decision that a result's values speak of.

    A building disposed of in part, for as much of its receipt as the capital needs, is disposed
    of: that saves its holding cost, brings the rest of the receipt and harms nothing.
    """
    problem, x = formulation.problem, formulation.columns
    shape = problem.hosted.shape
    opened, tiers, hosts = (result.value(block) > 0.5 for block in (x.open, x.tier, x.host))
    dispose = (result.value(x.dispose) > 1e-6) & ~opened[x.dispose_building]
    host = np.zeros(shape, bool)
    host[x.hosts.building[hosts], x.hosts.service[hosts]] = True
    disposed = np.zeros(shape[0], bool)
    disposed[x.dispose_building[dispose]] = True
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
        open=opened,
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
    """Shares without the solver's dust, adding up to what is served: less than a millionth of a
    customer, and less than half of one of its visits."""
    dust = np.minimum(1e-6, 0.5 / np.maximum(units, 1.0))
    share = np.where(serve > dust[customer], serve, 0.0)
    total = np.bincount(customer, share, len(unserved))
    served = 1 - np.where(unserved > 1e-6, unserved, 0.0)
    factor = np.divide(served, total, out=np.ones_like(served), where=total > 0)
    return share * factor[customer]
