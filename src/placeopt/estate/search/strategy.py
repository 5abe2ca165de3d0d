"""Choose the search for one decided year by its size and rules; find a plan and bound it.

Objectives are minimised one after another; the value reached, with the slack that the scenario
grants, is a ceiling for the next. The choices:

- No minutes in the question: zones with the same hosts in reach are aggregated. Where even those
are many, all residents are one customer (a relaxation), and the plan is completed zone by zone.
- Residents choose their hosts and pairs are many: ``cutting_plane.py``.
- Standards counted by service given: first the relaxation that counts them by the nearest host.
- Minutes in the question and pairs are many: hosts far away are left out at a relaxed assignment,
whose bound holds for all pairs.

Rounding cuts (``rounding_cuts.py``) and a kernel search (``kernel_search.py``) precede each search
of a whole model. ``completion.py`` then fixes buildings, hosts and tiers and solves for the least
cost and the least minutes.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from placeopt.base.errors import EngineError
from placeopt.engine import Progress, Result, Status, solve
from placeopt.engine.model import Arrays
from placeopt.engine.registry import engine as engine_named
from placeopt.engine.settings import ProgressCallback, Settings
from placeopt.estate.model.formulation import (
    Formulation,
    formulate,
    needs_assignment,
    services_needing_zones,
    without_assignment_rules,
)
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.estate.problem.choice import (
    overflow_allowed,
    residents_choose_hosts,
    without_overflow,
)
from placeopt.estate.problem.customers import count_pairs_by_reach
from placeopt.estate.search.completion import (
    complete_vector,
    complete_with_overflow,
    fix_and_complete,
    read_decision,
)
from placeopt.estate.search.cutting_plane import (
    MAX_PAIRS_WITH_ROWS,
    minimise_by_cutting_planes,
    plans_with_shortfall,
)
from placeopt.estate.search.kernel_search import (
    FIRST_PLAN_GAP,
    improve,
    kernel_plan,
    kernel_plan_of,
)
from placeopt.estate.search.lexicographic import Outcome, Stage, minimise_in_order
from placeopt.estate.search.rounding_cuts import add_count_cuts
from placeopt.estate.solution.decision import Decision, objective_value

MAX_PAIRS_WHOLE = 20_000  # pairs of a zone and a host up to which all of them are in the model
MAX_PAIRS_BY_REACH = 100_000  # the same of a group of zones with the same hosts in reach
QUICK_PLAN_HOSTS = (5, 20, None)  # nearest hosts of a zone among which a first plan is looked for
QUICK_PLAN_GAP = 0.1  # relative, of that plan among those hosts
QUICK_PLAN_SHARE = 0.2  # of the time, at most, for it
LATER_QUICK_PLAN_SHARE = 0.8  # of the time left, where nothing else has found one
NEAREST_HOSTS = 5  # possible hosts of a zone that are always in the model
BOUND_SHARE = 0.6  # of the time, for the model with relaxed assignments, which gives the bound
PLANNER_SHARE = 0.3  # of the time, for the bound where residents may pass full buildings
NEAREST_SHARE = 0.3  # of the time, for standards counted by the nearest host
FIRST_PLAN_SHARE = 0.5  # of the time left, for a plan where the relaxation's hosts do not suffice
HOST_TOLERANCE = 1e-6  # least value of a host in the relaxation to be a candidate for a first plan
COUNT_CUTS_SHARE, KERNEL_SHARE, IMPROVE_SHARE = 0.1, 0.25, 0.3  # of the time, at most


def solve_year(
    problem: EstateProblem, progress: ProgressCallback | None = None
) -> Outcome[Decision]:
    """Return the best plan of one decided year within the scenario's gap and time limit.

    Args:
        problem: the year's arrays.
        progress: called with the best plan's objective and the bound as they improve.

    Returns:
        The stages, one an objective, and the decision; the decision is ``None`` where no plan was
        found.

    Raises:
        EngineError: an engine broke.
    """
    return minimise_in_order(
        problem.scenario,
        lambda name, ceilings, decision, seconds: minimise_objective(
            problem, name, ceilings, decision, seconds, progress
        ),
        lambda decision, stages: fix_and_complete(problem, decision, stages),
        lambda decision, name: objective_value(problem, decision, name),
    )


def minimise_objective(
    problem: EstateProblem,
    name: str,
    ceilings: list[tuple[str, float]],
    decision: Decision | None,
    seconds: float,
    progress: ProgressCallback | None,
) -> tuple[Result, Decision | None]:
    """Minimise one objective under ceilings on the others.

    Args:
        problem: the year's arrays.
        name: the objective.
        ceilings: (objective, at most) of the stages before.
        decision: the plan so far, which the search may start from.
        seconds: time limit.
        progress: called as plan and bound improve.

    Returns:
        The result, with a bound for the whole problem, and the decision where there is a plan.
    """
    began = time.perf_counter()
    objectives = [name, *(other for other, _ in ceilings)]
    stages = [Stage(other, Result(Status.FEASIBLE), ceiling) for other, ceiling in ceilings]
    stages.append(Stage(name, Result(Status.FEASIBLE), np.inf))
    pairs = problem.visits.astype(bool).sum(axis=0) @ problem.hostable.sum(axis=0)
    bound = -np.inf
    aggregated = pairs > MAX_PAIRS_BY_REACH and count_pairs_by_reach(problem) > MAX_PAIRS_BY_REACH
    hosts_imply_assignment = residents_choose_hosts(problem) and not needs_assignment(
        without_assignment_rules(problem), objectives
    )
    if hosts_imply_assignment and pairs > MAX_PAIRS_WITH_ROWS:
        result, plan = _minimise_by_cutting_planes(problem, stages, seconds, progress)
        if plan is not None or result.status is Status.INFEASIBLE or pairs > MAX_PAIRS_WHOLE:
            return result, plan
        seconds = max(seconds - (time.perf_counter() - began), 1.0)
    if not needs_assignment(problem, objectives):
        formulation = formulate(problem, name, ceilings, aggregated=aggregated)
        result, plan = _minimise_whole(formulation, decision, seconds, progress)
        if not aggregated or plan is None:
            return result, plan
        remaining = max(seconds - (time.perf_counter() - began), 1.0)
        return _disaggregate(problem, stages, result, plan, decision, remaining)
    zonal_services = services_needing_zones(problem, objectives)
    if zonal_services is not None:  # zones of other services are aggregated
        pairs = problem.visits[:, zonal_services].astype(bool).sum(axis=0) @ problem.hostable[
            :, zonal_services
        ].sum(axis=0)
        result, decision = _minimise_by_nearest(
            problem, zonal_services, stages, decision, aggregated, seconds, progress
        )
        is_done = decision is not None and result.gap <= problem.scenario.solver.gap
        if is_done or result.status is Status.INFEASIBLE:
            return result, decision
        bound = result.bound
        seconds = max(seconds - (time.perf_counter() - began), 1.0)
    if pairs <= MAX_PAIRS_WHOLE:
        result, plan = _minimise_whole(
            formulate(problem, name, ceilings), decision, seconds, progress
        )
        return _with_bound(problem, result, bound), plan
    if decision is None:  # a plan that shows up to which minutes hosts matter
        quick_plan = _quick_plan(problem, stages, QUICK_PLAN_SHARE * seconds)
        if quick_plan is not None and progress:
            value = objective_value(problem, quick_plan, name)
            progress(Progress(time.perf_counter() - began, value, bound))
        relaxation = formulate(
            without_assignment_rules(problem),
            "cost",
            ceilings,
            by_zone=False,
            aggregated=aggregated,
        )
        result = search(relaxation, None, seconds / 4, None, gap=FIRST_PLAN_GAP)
        is_infeasible = result.status is Status.INFEASIBLE
        if not result.has_plan and quick_plan is None and not is_infeasible:
            remaining = max(seconds - (time.perf_counter() - began), 1.0)
            quick_plan = _quick_plan(problem, stages, LATER_QUICK_PLAN_SHARE * remaining)
        if result.has_plan:
            nearest_plan = fix_and_complete(
                without_assignment_rules(problem), read_decision(relaxation, result), stages
            )
            decision = _try_completion(problem, nearest_plan, stages) or quick_plan
        elif quick_plan is not None and not is_infeasible:
            nearest_plan = decision = quick_plan
        else:
            return result, None
    else:
        nearest_plan = decision = fix_and_complete(problem, decision, stages)
    formulation = formulate(problem, name, ceilings, max_minutes=max_minutes(problem, nearest_plan))
    start = _warm_start(formulation, decision)
    remaining = max(seconds - (time.perf_counter() - began), 1.0)
    result = search(formulation, start, BOUND_SHARE * remaining, progress)
    if not result.has_plan:
        return result, None
    remaining = max(seconds - (time.perf_counter() - began), 1.0)
    plan = _minimise_among_hosts(
        problem, name, stages, read_decision(formulation, result), decision, remaining
    )
    result, plan = _combine(problem, name, result, plan)
    return _with_bound(problem, result, bound), plan


def _quick_plan(problem: EstateProblem, stages: list[Stage], seconds: float) -> Decision | None:
    """Return a plan that is found fast: by kernel search among the nearest few hosts of each zone,
    then among more, then among all; ``None`` where none of these has a plan in time."""
    began, solver = time.perf_counter(), problem.scenario.solver
    if not engine_named(solver.engine).warm_start:
        return None
    ceilings = [(stage.objective, stage.ceiling) for stage in stages[:-1]]
    for hosts in QUICK_PLAN_HOSTS:
        limits = None if hosts is None else nearest_minutes(problem, hosts)
        formulation = formulate(problem, stages[-1].objective, ceilings, max_minutes=limits)
        remaining = seconds - (time.perf_counter() - began)
        if remaining <= 0:
            return None
        arrays, columns = formulation.model.arrays(), (formulation.columns,)
        kernel = kernel_plan_of(arrays, columns, solver, remaining, QUICK_PLAN_GAP)
        if kernel is not None:
            result = Result(Status.FEASIBLE, values=kernel.values)
            plan = _try_completion(problem, read_decision(formulation, result), stages)
            if plan is not None:
                return plan
    return None


def _minimise_by_nearest(
    problem: EstateProblem,
    zonal_services: NDArray[np.bool_],
    stages: list[Stage],
    before: Decision | None,
    aggregated: bool,
    seconds: float,
    progress: ProgressCallback | None,
) -> tuple[Result, Decision | None]:
    """Minimise with standards counted by the nearest host, then repair the plan's hosts so that the
    standards are met by service given. The bound is one of the whole problem; where plan and bound
    meet, no further search is needed."""
    began, name = time.perf_counter(), stages[-1].objective
    ceilings = [(stage.objective, stage.ceiling) for stage in stages[:-1]]
    without_rules = without_assignment_rules(problem)
    relaxation = formulate(without_rules, name, ceilings, by_zone=False, aggregated=aggregated)
    result, nearest_plan = _minimise_whole(relaxation, None, NEAREST_SHARE * seconds, None)
    if nearest_plan is None:
        return result, before
    repaired = _try_completion(problem, nearest_plan, stages)
    if repaired is None:
        remaining = max(seconds - (time.perf_counter() - began), 1.0)
        start = _add_hosts(
            problem, zonal_services, nearest_plan, stages, FIRST_PLAN_SHARE * remaining
        )
        remaining = max(seconds - (time.perf_counter() - began), 1.0)
        hosts = nearest_plan.host | problem.hosted | (False if start is None else start.host)
        restricted = replace(problem, hostable=hosts)
        _, repaired = _minimise_whole(
            formulate(restricted, name, ceilings), start, FIRST_PLAN_SHARE * remaining, None
        )
        repaired = repaired or start
    plans = [candidate for candidate in (before, repaired) if candidate is not None]
    best = min(plans, key=lambda candidate: objective_value(problem, candidate, name), default=None)
    if progress and best is not None:
        seconds = time.perf_counter() - began
        progress(Progress(seconds, objective_value(problem, best, name), result.bound))
    return _combine(problem, name, result, best)


def _add_hosts(
    problem: EstateProblem,
    zonal_services: NDArray[np.bool_],
    nearest_plan: Decision,
    stages: list[Stage],
    seconds: float,
) -> Decision | None:
    """Return the plan by the nearest host with hosts added or moved to where the relaxation has
    any, for the services whose standards are met by service given (``zonal_services``). Everything
    else is fixed. ``None`` where no plan was found."""
    began = time.perf_counter()
    hostable = np.where(zonal_services, problem.hostable, nearest_plan.host)
    formulation, arrays = _fix_other_services(
        problem, zonal_services, nearest_plan, hostable, stages
    )
    relaxed = _solve(problem, arrays.relaxed(), seconds)
    if not relaxed.has_plan:
        return None
    x = formulation.columns
    used = np.flatnonzero(relaxed.value(x.host) > HOST_TOLERANCE)
    hostable = nearest_plan.host | (problem.hosted & zonal_services)
    hostable[x.hosts.building[used], x.hosts.service[used]] = True
    formulation, arrays = _fix_other_services(
        problem, zonal_services, nearest_plan, hostable, stages
    )
    remaining = max(seconds - (time.perf_counter() - began), 1.0)
    result = _solve(problem, arrays, remaining)
    return (
        _try_completion(problem, read_decision(formulation, result), stages)
        if result.has_plan
        else None
    )


def _fix_other_services(
    problem: EstateProblem,
    zonal_services: NDArray[np.bool_],
    nearest_plan: Decision,
    hostable: NDArray[np.bool_],
    stages: list[Stage],
) -> tuple[Formulation, Arrays]:
    """Return the model in which open buildings stay open and hosts of all but ``zonal_services``
    are fixed."""
    ceilings = [(stage.objective, stage.ceiling) for stage in stages[:-1]]
    restricted = replace(problem, hostable=hostable)
    formulation = formulate(restricted, stages[-1].objective, ceilings)
    arrays, x = formulation.model.arrays(), formulation.columns
    lower = arrays.lower.copy()
    lower[x.open.all] = np.maximum(lower[x.open.all], nearest_plan.open)
    lower[x.host.all] = np.where(zonal_services[x.hosts.service], lower[x.host.all], 1.0)
    return formulation, replace(arrays, lower=lower)


def _solve(problem: EstateProblem, arrays: Arrays, seconds: float) -> Result:
    """Minimise ``arrays`` with the scenario's solver settings, at a gap for first plans."""
    solver = problem.scenario.solver
    return solve(
        arrays,
        Settings(
            time_limit_seconds=seconds,
            gap=max(FIRST_PLAN_GAP, solver.gap),
            threads=solver.threads,
            seed=solver.seed,
        ),
    )


def _with_bound(problem: EstateProblem, result: Result, bound: float) -> Result:
    """Return the result with a bound proven elsewhere, where that is higher."""
    if bound <= result.bound:
        return result
    result = replace(result, bound=bound)
    is_optimal = result.has_plan and result.gap <= problem.scenario.solver.gap
    return replace(result, status=Status.OPTIMAL) if is_optimal else result


def _minimise_whole(
    formulation: Formulation,
    decision: Decision | None,
    seconds: float,
    progress: ProgressCallback | None,
) -> tuple[Result, Decision | None]:
    """Strengthen a model by count cuts, find a first plan by kernel search, then search it to the
    gap."""
    began = time.perf_counter()
    add_count_cuts(formulation, formulation, COUNT_CUTS_SHARE * seconds)
    start, bound = _warm_start(formulation, decision), -np.inf
    if start is None and (kernel := kernel_plan(formulation, KERNEL_SHARE * seconds)):
        start = improve(formulation, kernel, IMPROVE_SHARE * seconds)
        bound = kernel.relaxation.bound
    remaining = max(seconds - (time.perf_counter() - began), 1.0)
    result = search(formulation, start, remaining, progress)
    if result.has_plan and result.bound < bound:  # Ctrl-C ended the search before its own bound
        result = replace(result, bound=bound)
    return result, read_decision(formulation, result) if result.has_plan else None


def _disaggregate(
    problem: EstateProblem,
    stages: list[Stage],
    result: Result,
    aggregated_plan: Decision,
    before: Decision | None,
    seconds: float,
) -> tuple[Result, Decision | None]:
    """Turn a plan of the aggregated relaxation into one of the place, with the relaxation's bound.
    Where its hosts cannot serve every zone, today's hosts are added."""
    plan = _try_completion(problem, aggregated_plan, stages)
    if plan is None:
        plan = _minimise_among_hosts(
            problem, stages[-1].objective, stages, aggregated_plan, before, seconds
        )
    return _combine(problem, stages[-1].objective, result, plan)


def _combine(
    problem: EstateProblem, name: str, result: Result, plan: Decision | None
) -> tuple[Result, Decision | None]:
    """Return a relaxation's bound together with the value of a plan of the whole problem."""
    if plan is None:
        return replace(result, status=Status.NO_PLAN, values=None, objective=None), None
    result = replace(result, objective=objective_value(problem, plan, name))
    if result.status is Status.OPTIMAL and result.gap > problem.scenario.solver.gap + 1e-6:
        message = "the bound is a relaxation's: it holds, and the gap to the plan stays open"
        result = replace(result, status=Status.FEASIBLE, message=message)
    return result, plan


def _minimise_by_cutting_planes(
    problem: EstateProblem, stages: list[Stage], seconds: float, progress: ProgressCallback | None
) -> tuple[Result, Decision | None]:
    """Minimise where residents choose their hosts and neither the objective nor a rule needs
    minutes: the hosts imply the assignment. Completing the plan checks it zone by zone."""
    name, ceilings = stages[-1].objective, [(s.objective, s.ceiling) for s in stages[:-1]]
    formulation = formulate(
        without_assignment_rules(problem), name, ceilings, by_zone=False, aggregated=True
    )
    if overflow_allowed(problem):
        return _minimise_with_overflow(problem, stages, formulation, seconds)
    model, x, solver = formulation.model, formulation.columns, problem.scenario.solver
    result = minimise_by_cutting_planes(model, (problem,), (x,), solver, seconds, progress)
    if not result.has_plan:
        return result, None
    return _combine(
        problem, name, result, _try_completion(problem, read_decision(formulation, result), stages)
    )


def _minimise_with_overflow(
    problem: EstateProblem, stages: list[Stage], formulation: Formulation, seconds: float
) -> tuple[Result, Decision | None]:
    """Minimise where residents may pass full buildings: the bound is that of the planner's
    relaxation; the plan is one whose hosts fall short of demand only by residents who do pass a
    full building."""
    began, name = time.perf_counter(), stages[-1].objective
    bound, _ = _minimise_whole(formulation, None, PLANNER_SHARE * seconds, None)
    if bound.status is Status.INFEASIBLE:
        return bound, None
    ceilings = [(stage.objective, stage.ceiling) for stage in stages[:-1]]
    formulation = formulate(
        without_assignment_rules(problem), name, ceilings, by_zone=False, aggregated=True
    )
    remaining = max(seconds - (time.perf_counter() - began), 1.0)
    for values in plans_with_shortfall(without_overflow(problem), formulation, remaining):
        plan = read_decision(formulation, Result(Status.FEASIBLE, values=values))
        decision = complete_with_overflow(problem, plan, stages)
        if decision is not None:
            cost = objective_value(problem, decision, name)
            result = replace(bound, values=values, objective=cost)
            is_optimal = result.gap <= problem.scenario.solver.gap
            return replace(
                result, status=Status.OPTIMAL if is_optimal else Status.FEASIBLE
            ), decision
    return Result(Status.NO_PLAN, bound=bound.bound), None


def _try_completion(
    problem: EstateProblem, decision: Decision, stages: list[Stage]
) -> Decision | None:
    """Return the plan completed under all rules; ``None`` where it cannot keep them."""
    try:
        return fix_and_complete(problem, decision, stages)
    except EngineError:
        return None


def max_minutes(problem: EstateProblem, decision: Decision) -> NDArray[np.float64]:
    """Return (Z, S) the minutes up to which hosts stay in the model: those to the furthest host
    that a zone uses in ``decision``, and at least those to its nearest few possible hosts."""
    limits = np.zeros_like(problem.visits)
    np.maximum.at(
        limits,
        (decision.zone, decision.service),
        problem.minutes[decision.zone, decision.building],
    )
    return np.maximum(limits, nearest_minutes(problem, NEAREST_HOSTS))


def nearest_minutes(problem: EstateProblem, hosts: int) -> NDArray[np.float64]:
    """Return (Z, S) the minutes to the last of so many nearest possible hosts; ``inf`` where fewer
    are in reach, 0 for services of back offices."""
    limits = np.zeros_like(problem.visits)
    for s in np.flatnonzero(~problem.services.back_office):
        minutes = problem.minutes[:, problem.hostable[:, s]]
        if minutes.shape[1]:
            position = min(hosts, minutes.shape[1]) - 1
            limits[:, s] = np.sort(np.where(np.isfinite(minutes), minutes, np.inf), axis=1)[
                :, position
            ]
    return limits


def _minimise_among_hosts(
    problem: EstateProblem,
    name: str,
    stages: list[Stage],
    relaxed_plan: Decision,
    before: Decision | None,
    seconds: float,
) -> Decision | None:
    """Return the best plan without relaxed assignments, among the hosts of a plan that may have
    some and of the plan so far, which has none."""
    hosts = relaxed_plan.host if before is None else relaxed_plan.host | before.host
    restricted = replace(problem, hostable=hosts | problem.hosted if before is None else hosts)
    ceilings = [(stage.objective, stage.ceiling) for stage in stages[:-1]]
    formulation = formulate(restricted, name, ceilings, by_zone=True)
    result = search(formulation, _warm_start(formulation, before), seconds, None)
    plans = [] if before is None else [before]
    if result.has_plan:
        plans.append(read_decision(formulation, result))
    return min(plans, key=lambda plan: objective_value(problem, plan, name), default=None)


def _warm_start(formulation: Formulation, decision: Decision | None) -> NDArray[np.float64] | None:
    """Return a full vector for ``formulation`` that agrees with ``decision``, if the engine takes
    one."""
    solver = formulation.problem.scenario.solver
    if decision is None or not engine_named(solver.engine).warm_start:
        return None
    return complete_vector(formulation, decision)


def search(
    formulation: Formulation,
    start: NDArray[np.float64] | None,
    seconds: float,
    progress: ProgressCallback | None,
    gap: float | None = None,
) -> Result:
    """Minimise one model within ``seconds``, to ``gap`` or else to the scenario's gap."""
    solver = formulation.problem.scenario.solver
    return solve(
        formulation.model,
        Settings(
            engine=solver.engine,
            time_limit_seconds=seconds,
            gap=solver.gap if gap is None else gap,
            threads=solver.threads,
            seed=solver.seed,
            warm_start=start,
            progress=progress,
        ),
    )
