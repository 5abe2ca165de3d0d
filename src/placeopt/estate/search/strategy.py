"""Find a plan and prove how good it is.

Objectives are minimised one after another; each that is done becomes a ceiling (with the slack
the scenario grants) for the next. Where no minutes count, zones with the same hosts in reach are
one customer, so that the model stays small; where even those are many, all residents are, and the
plan is checked zone by zone. Rows that cut off fractions only (``rounding_cuts.py``)
and a good first plan (``kernel_search.py``) come before the search. A last step
(``completion.py``) keeps the buildings, hosts and tiers found and settles what was left open:
first money, then who is served where, with least minutes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from placeopt.base.errors import EngineError
from placeopt.engine import Progress, Result, Status, solve
from placeopt.engine.model import Arrays
from placeopt.engine.registry import engine as engine_named
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
from placeopt.estate.search.kernel_search import FIRST_PLAN_GAP, improve, kernel_plan
from placeopt.estate.search.lexicographic import Outcome, Stage, minimise_in_order
from placeopt.estate.search.rounding_cuts import add_count_cuts
from placeopt.estate.solution.decision import Decision, objective_value

Watch = Callable[[Progress], None]
MAX_PAIRS_WHOLE = 20_000  # up to so many pairs of a zone and a host, all of them stand in the model
MAX_PAIRS_BY_REACH = (
    100_000  # up to so many of a group of zones with the same reach and a host, too
)
NEAREST_HOSTS = 5  # possible hosts of a zone that stand in the model in any case
BOUND_SHARE = 0.6  # of the time, for the model that may send people beyond: it gives the bound
PLANNER_SHARE = 0.3  # of the time, for the bound where residents may pass a full building
NEAREST_SHARE = 0.3  # of the time, for standards counted by the nearest host
FIRST_PLAN_SHARE = 0.5  # of the time left, for a first plan where the planner's hosts do not do
HOST_TOLERANCE = 1e-6  # of a host in the relaxation, to stand in the search for a first plan
COUNT_CUTS_SHARE, KERNEL_SHARE, IMPROVE_SHARE = 0.1, 0.25, 0.3  # of the time, at most


def solve_year(problem: EstateProblem, progress: Watch | None = None) -> Outcome[Decision]:
    """The best plan within the scenario's gap and time limit."""
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
    progress: Watch | None,
) -> tuple[Result, Decision | None]:
    """Minimise one objective; the result and, where there is a plan, its decision."""
    began = time.perf_counter()
    named = [name, *(other for other, _ in ceilings)]
    within = [Stage(other, Result(Status.FEASIBLE), most) for other, most in ceilings]
    within.append(Stage(name, Result(Status.FEASIBLE), np.inf))
    pairs = problem.visits.astype(bool).sum(axis=0) @ problem.hostable.sum(axis=0)
    bound = -np.inf
    relaxed = pairs > MAX_PAIRS_BY_REACH and count_pairs_by_reach(problem) > MAX_PAIRS_BY_REACH
    alone = residents_choose_hosts(problem) and not needs_assignment(
        without_assignment_rules(problem), named
    )
    if alone and pairs > MAX_PAIRS_WITH_ROWS:
        result, found = _minimise_by_cutting_planes(problem, within, seconds, progress)
        if found is not None or result.status is Status.INFEASIBLE or pairs > MAX_PAIRS_WHOLE:
            return result, found
        seconds = max(seconds - (time.perf_counter() - began), 1.0)
    if not needs_assignment(problem, named):
        formulation = formulate(problem, name, ceilings, relaxed=relaxed)
        result, found = _minimise_whole(formulation, decision, seconds, progress)
        if not relaxed or found is None:
            return result, found
        left = max(seconds - (time.perf_counter() - began), 1.0)
        return _disaggregate(problem, within, result, found, decision, left)
    only = services_needing_zones(problem, named)
    if only is not None:  # the others' zones are one customer where they reach the same hosts
        pairs = problem.visits[:, only].astype(bool).sum(axis=0) @ problem.hostable[:, only].sum(
            axis=0
        )
        result, decision = _minimise_by_nearest(
            problem, only, within, decision, relaxed, seconds, progress
        )
        done = decision is not None and result.gap <= problem.scenario.solver.gap
        if done or result.status is Status.INFEASIBLE:
            return result, decision
        bound = result.bound
        seconds = max(seconds - (time.perf_counter() - began), 1.0)
    if pairs <= MAX_PAIRS_WHOLE:
        result, found = _minimise_whole(
            formulate(problem, name, ceilings), decision, seconds, progress
        )
        return _with_bound(problem, result, bound), found
    if decision is None:  # a plan that shows which hosts are near enough to matter
        plain = formulate(
            without_assignment_rules(problem), "cost", ceilings, zones=False, relaxed=relaxed
        )
        result = search(plain, None, seconds / 4, None, gap=FIRST_PLAN_GAP)
        if not result.has_plan:
            return result, None
        near = fix_and_complete(
            without_assignment_rules(problem), read_decision(plain, result), within
        )
        decision = _try_completion(problem, near, within)
    else:
        near = decision = fix_and_complete(problem, decision, within)
    formulation = formulate(problem, name, ceilings, keep=max_minutes(problem, near))
    start = _warm_start(formulation, decision)
    left = max(seconds - (time.perf_counter() - began), 1.0)
    result = search(formulation, start, BOUND_SHARE * left, progress)
    if not result.has_plan:
        return result, None
    left = max(seconds - (time.perf_counter() - began), 1.0)
    found = _minimise_among_hosts(
        problem, name, within, read_decision(formulation, result), decision, left
    )
    result, found = _combine(problem, name, result, found)
    return _with_bound(problem, result, bound), found


def _minimise_by_nearest(
    problem: EstateProblem,
    only: NDArray[np.bool_],
    within: list[Stage],
    before: Decision | None,
    relaxed: bool,
    seconds: float,
    progress: Watch | None,
) -> tuple[Result, Decision | None]:
    """Standards counted by the nearest host, and the plan's hosts made to keep them as served: the
    bound is one of the whole problem, and where the two meet nothing is left to search."""
    began, name = time.perf_counter(), within[-1].objective
    ceilings = [(stage.objective, stage.ceiling) for stage in within[:-1]]
    alone = without_assignment_rules(problem)
    plain = formulate(alone, name, ceilings, zones=False, relaxed=relaxed)
    result, near = _minimise_whole(plain, None, NEAREST_SHARE * seconds, None)
    if near is None:
        return result, before
    found = _try_completion(problem, near, within)
    if found is None:
        left = max(seconds - (time.perf_counter() - began), 1.0)
        start = _add_hosts(problem, only, near, within, FIRST_PLAN_SHARE * left)
        left = max(seconds - (time.perf_counter() - began), 1.0)
        hosts = near.host | problem.hosted | (False if start is None else start.host)
        both = replace(problem, hostable=hosts)
        _, found = _minimise_whole(
            formulate(both, name, ceilings), start, FIRST_PLAN_SHARE * left, None
        )
        found = found or start
    plans = [plan for plan in (before, found) if plan is not None]
    best = min(plans, key=lambda plan: objective_value(problem, plan, name), default=None)
    if progress and best is not None:
        seconds = time.perf_counter() - began
        progress(Progress(seconds, objective_value(problem, best, name), result.bound))
    return _combine(problem, name, result, best)


def _add_hosts(
    problem: EstateProblem,
    only: NDArray[np.bool_],
    near: Decision,
    within: list[Stage],
    seconds: float,
) -> Decision | None:
    """The plan by the nearest with hosts added, or moved, of the services whose standards are met
    by service given (``only``), to where the relaxation has any; all else stands as it is.
    ``None`` where none was found."""
    began = time.perf_counter()
    hostable = np.where(only, problem.hostable, near.host)
    formulation, arrays = _fix_other_services(problem, only, near, hostable, within)
    relaxed = _solve(problem, replace(arrays, integer=np.zeros_like(arrays.integer)), seconds)
    if not relaxed.has_plan:
        return None
    x = formulation.columns
    some = np.flatnonzero(relaxed.value(x.host) > HOST_TOLERANCE)
    hostable = near.host | (problem.hosted & only)
    hostable[x.hosts.building[some], x.hosts.service[some]] = True
    formulation, arrays = _fix_other_services(problem, only, near, hostable, within)
    left = max(seconds - (time.perf_counter() - began), 1.0)
    result = _solve(problem, arrays, left)
    return (
        _try_completion(problem, read_decision(formulation, result), within)
        if result.has_plan
        else None
    )


def _fix_other_services(
    problem: EstateProblem,
    only: NDArray[np.bool_],
    near: Decision,
    hostable: NDArray[np.bool_],
    within: list[Stage],
) -> tuple[Formulation, Arrays]:
    """The model in which what is open stays so, and hosts of other services than ``only`` stay."""
    ceilings = [(stage.objective, stage.ceiling) for stage in within[:-1]]
    free = replace(problem, hostable=hostable)
    formulation = formulate(free, within[-1].objective, ceilings)
    arrays, x = formulation.model.arrays(), formulation.columns
    lower = arrays.lower.copy()
    lower[x.open.all] = np.maximum(lower[x.open.all], near.open)
    lower[x.host.all] = np.where(only[x.hosts.service], lower[x.host.all], 1.0)
    return formulation, replace(arrays, lower=lower)


def _solve(problem: EstateProblem, arrays: Arrays, seconds: float) -> Result:
    solver = problem.scenario.solver
    return solve(
        arrays,
        time_limit_seconds=seconds,
        gap=max(FIRST_PLAN_GAP, solver.gap),
        threads=solver.threads,
        seed=solver.seed,
    )


def _with_bound(problem: EstateProblem, result: Result, bound: float) -> Result:
    """The result with a bound proven elsewhere, where that is the better one."""
    if bound <= result.bound:
        return result
    result = replace(result, bound=bound)
    near = result.has_plan and result.gap <= problem.scenario.solver.gap
    return replace(result, status=Status.OPTIMAL) if near else result


def _minimise_whole(
    formulation: Formulation,
    decision: Decision | None,
    seconds: float,
    progress: Watch | None,
) -> tuple[Result, Decision | None]:
    """Strengthen the model, find a first plan and search."""
    began = time.perf_counter()
    add_count_cuts(formulation, formulation, COUNT_CUTS_SHARE * seconds)
    start, bound = _warm_start(formulation, decision), -np.inf
    if start is None and (kernel := kernel_plan(formulation, KERNEL_SHARE * seconds)):
        start = improve(formulation, kernel, IMPROVE_SHARE * seconds)
        bound = kernel.relaxation.bound
    left = max(seconds - (time.perf_counter() - began), 1.0)
    result = search(formulation, start, left, progress)
    if result.has_plan and result.bound < bound:  # as when Ctrl-C came before the search
        result = replace(result, bound=bound)
    return result, read_decision(formulation, result) if result.has_plan else None


def _disaggregate(
    problem: EstateProblem,
    within: list[Stage],
    result: Result,
    found: Decision,
    before: Decision | None,
    seconds: float,
) -> tuple[Result, Decision | None]:
    """A plan of the relaxation made one of the place, with the relaxation's bound; its hosts and
    today's together serve everybody where its own do not."""
    plan = _try_completion(problem, found, within)
    if plan is None:
        plan = _minimise_among_hosts(problem, within[-1].objective, within, found, before, seconds)
    return _combine(problem, within[-1].objective, result, plan)


def _combine(
    problem: EstateProblem, name: str, result: Result, found: Decision | None
) -> tuple[Result, Decision | None]:
    """What a relaxation proves beside what a plan of the whole problem comes to."""
    if found is None:
        return replace(result, status=Status.NO_PLAN, values=None, objective=None), None
    result = replace(result, objective=objective_value(problem, found, name))
    if result.status is Status.OPTIMAL and result.gap > problem.scenario.solver.gap + 1e-6:
        message = "what was left out could still matter: the bound holds, the gap stays open"
        result = replace(result, status=Status.FEASIBLE, message=message)
    return result, found


def _minimise_by_cutting_planes(
    problem: EstateProblem, within: list[Stage], seconds: float, progress: Watch | None
) -> tuple[Result, Decision | None]:
    """Residents go by themselves, and nothing but money, buildings or carbon is asked for: the
    hosts tell the rest. The plan is settled, and so checked, zone by zone."""
    name, ceilings = within[-1].objective, [(s.objective, s.ceiling) for s in within[:-1]]
    formulation = formulate(
        without_assignment_rules(problem), name, ceilings, zones=False, relaxed=True
    )
    if overflow_allowed(problem):
        return _minimise_with_overflow(problem, within, formulation, seconds)
    model, x, solver = formulation.model, formulation.columns, problem.scenario.solver
    result = minimise_by_cutting_planes(model, (problem,), (x,), solver, seconds, progress)
    if not result.has_plan:
        return result, None
    return _combine(
        problem, name, result, _try_completion(problem, read_decision(formulation, result), within)
    )


def _minimise_with_overflow(
    problem: EstateProblem, within: list[Stage], formulation: Formulation, seconds: float
) -> tuple[Result, Decision | None]:
    """Residents may pass full buildings: the planner's bound, and a plan whose hosts serve less
    than they draw only where those who come too many do pass a full building."""
    began, name = time.perf_counter(), within[-1].objective
    bound, _ = _minimise_whole(formulation, None, PLANNER_SHARE * seconds, None)
    if bound.status is Status.INFEASIBLE:
        return bound, None
    ceilings = [(stage.objective, stage.ceiling) for stage in within[:-1]]
    formulation = formulate(
        without_assignment_rules(problem), name, ceilings, zones=False, relaxed=True
    )
    left = max(seconds - (time.perf_counter() - began), 1.0)
    for values in plans_with_shortfall(without_overflow(problem), formulation, left):
        found = read_decision(formulation, Result(Status.FEASIBLE, values=values))
        decision = complete_with_overflow(problem, found, within)
        if decision is not None:
            cost = objective_value(problem, decision, name)
            result = replace(bound, values=values, objective=cost)
            near = result.gap <= problem.scenario.solver.gap
            return replace(result, status=Status.OPTIMAL if near else Status.FEASIBLE), decision
    return Result(Status.NO_PLAN, bound=bound.bound), None


def _try_completion(
    problem: EstateProblem, decision: Decision, within: list[Stage]
) -> Decision | None:
    """The plan settled under all the rules; None where it cannot keep them."""
    try:
        return fix_and_complete(problem, decision, within)
    except EngineError:
        return None


def max_minutes(problem: EstateProblem, decision: Decision) -> NDArray[np.float64]:
    """(Z, S) minutes to keep: to the furthest host a zone uses in a plan, and at least to its
    nearest few possible ones."""
    keep = np.zeros_like(problem.visits)
    np.maximum.at(
        keep,
        (decision.zone, decision.service),
        problem.minutes[decision.zone, decision.building],
    )
    for s in np.flatnonzero(~problem.services.back_office):
        minutes = problem.minutes[:, problem.hostable[:, s]]
        if minutes.shape[1]:
            few = min(NEAREST_HOSTS, minutes.shape[1]) - 1
            nearest = np.sort(np.where(np.isfinite(minutes), minutes, np.inf), axis=1)[:, few]
            keep[:, s] = np.maximum(keep[:, s], nearest)
    return keep


def _minimise_among_hosts(
    problem: EstateProblem,
    name: str,
    within: list[Stage],
    found: Decision,
    before: Decision | None,
    seconds: float,
) -> Decision | None:
    """The best plan with everyone at a real host, among the hosts of the plan found, which may
    send some beyond, and of the one before, which does not."""
    hosts = found.host if before is None else found.host | before.host
    both = replace(problem, hostable=hosts | problem.hosted if before is None else hosts)
    ceilings = [(stage.objective, stage.ceiling) for stage in within[:-1]]
    formulation = formulate(both, name, ceilings, zones=True)
    result = search(formulation, _warm_start(formulation, before), seconds, None)
    plans = [] if before is None else [before]
    if result.has_plan:
        plans.append(read_decision(formulation, result))
    return min(plans, key=lambda plan: objective_value(problem, plan, name), default=None)


def _warm_start(formulation: Formulation, decision: Decision | None) -> NDArray[np.float64] | None:
    solver = formulation.problem.scenario.solver
    if decision is None or not engine_named(solver.engine).warm_start:
        return None
    return complete_vector(formulation, decision)


def search(
    formulation: Formulation,
    start: NDArray[np.float64] | None,
    seconds: float,
    progress: Watch | None,
    gap: float | None = None,
) -> Result:
    """Minimise one model within ``seconds``, to the scenario's gap unless told."""
    solver = formulation.problem.scenario.solver
    return solve(
        formulation.model,
        engine=solver.engine,
        time_limit_seconds=seconds,
        gap=solver.gap if gap is None else gap,
        threads=solver.threads,
        seed=solver.seed,
        warm_start=start,
        progress=progress,
    )
