"""Choose the search for one decided year by its size and rules; find a plan and bound it.

Objectives are minimised one after another; the value reached, with the slack that the scenario
grants, is a ceiling for the next. The choices, in the order of ``minimise_objective``:

- Residents choose their hosts and pairs are many: ``cutting_plane.py``.
- No minutes in the question: zones with the same hosts in reach are aggregated. Where even those
  are many, all residents are one customer (a relaxation), and the plan is completed zone by zone.
- Standards counted by service given: first the relaxation that counts them by the nearest host.
- Minutes in the question and pairs are few: the whole model.
- Minutes in the question and pairs are many: hosts far away are left out at a relaxed assignment,
  whose bound holds for all pairs.

Rounding cuts (``rounding_cuts.py``) and a kernel search (``kernel_search.py``) precede each search
of a whole model. ``completion.py`` then fixes buildings, hosts and tiers and solves for the least
cost and the least minutes.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from placeopt.base.arrays import Bools
from placeopt.base.deadline import Deadline
from placeopt.base.errors import EngineError
from placeopt.engine import Progress, Result, Status, solve
from placeopt.engine.large_neighbourhood import Plan
from placeopt.engine.lexicographic import Stage
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
    KernelSearchParameters,
    kernel_plan,
    kernel_plan_of,
)
from placeopt.estate.search.large_neighbourhood import YearNeighbourhoods
from placeopt.estate.search.outcome import Ceilings, Outcome, ceilings_of, minimise_objectives
from placeopt.estate.search.rounding_cuts import add_count_cuts
from placeopt.estate.solution.decision import Decision, objective_value

MAX_PAIRS_WHOLE = 20_000  # pairs of a zone and a host up to which all of them are in the model
MAX_PAIRS_BY_REACH = 100_000  # the same of a group of zones with the same hosts in reach
NEAREST_HOSTS = 5  # possible hosts of a zone that are always in the model
log = logging.getLogger("placeopt.estate")


@dataclass(frozen=True)
class StrategyParameters:
    """Shares of the time and tolerances; the defaults were chosen on the made-up counties.

    Attributes:
        least_seconds: of a search that begins late.
        count_cuts_share: of the time, at most, for count cuts.
        kernel_share: the same for a first plan by kernel search.
        improve_share: the same for its improvement.
        bound_share: for the model with relaxed assignments, which gives the bound.
        planner_share: for the bound where residents may pass full buildings.
        nearest_share: for standards counted by the nearest host.
        first_plan_share: of the time left, for a plan where the relaxation's hosts do not suffice.
        reach_share: for the plan that shows up to which minutes hosts matter.
        quick_plan_hosts: nearest hosts of a zone among which a first plan is looked for, in turn.
        quick_plan_gap: relative gap of that plan among those hosts.
        quick_plan_share: of the time, at most, for it.
        later_quick_plan_share: of the time left, where nothing else has found one.
        first_plan_gap: relative gap of first plans.
        host_tolerance: least value of a host in the relaxation to be a candidate for a first plan.
    """

    least_seconds: float = 1.0
    count_cuts_share: float = 0.1
    kernel_share: float = 0.25
    improve_share: float = 0.3
    bound_share: float = 0.6
    planner_share: float = 0.3
    nearest_share: float = 0.3
    first_plan_share: float = 0.5
    reach_share: float = 0.25
    quick_plan_hosts: tuple[int | None, ...] = (5, 20, None)
    quick_plan_gap: float = 0.1
    quick_plan_share: float = 0.2
    later_quick_plan_share: float = 0.8
    first_plan_gap: float = 0.05
    host_tolerance: float = 1e-6


@dataclass(frozen=True)
class ObjectiveSearch:
    """One objective of one year, to be minimised under ceilings on those before it.

    Attributes:
        problem: the year's arrays.
        stages: the objectives before it, with their ceilings, and last the objective.
        deadline: when the search ends.
        progress: called as plan and bound improve.
        parameters: how the time is shared.
    """

    problem: EstateProblem
    stages: tuple[Stage, ...]
    deadline: Deadline
    progress: ProgressCallback | None = None
    parameters: StrategyParameters = field(default_factory=StrategyParameters)

    @property
    def objective(self) -> str:
        """Name of the objective."""
        return self.stages[-1].objective

    @property
    def ceilings(self) -> Ceilings:
        """The objectives before it with the most that each may come to."""
        return ceilings_of(self.stages[:-1])

    @property
    def settings(self) -> Settings:
        """The scenario's settings, within the time left."""
        seconds = self.deadline.seconds_left(at_least=self.parameters.least_seconds)
        settings = Settings.of(self.problem.scenario.solver)
        return replace(settings, time_limit_seconds=seconds)

    def part(self, share: float = 1.0) -> ObjectiveSearch:
        """The same search within a share of the time left."""
        least = self.parameters.least_seconds
        return replace(self, deadline=self.deadline.part(share, at_least=least))

    def quiet(self) -> ObjectiveSearch:
        """The same search without reports of progress."""
        return replace(self, progress=None)

    def value(self, decision: Decision) -> float:
        """The objective's value."""
        return objective_value(self.problem, decision, self.objective)

    def completed(self, decision: Decision) -> Decision | None:
        """The plan completed under all rules; ``None`` where it cannot keep them."""
        try:
            return fix_and_complete(self.problem, decision, self.stages)
        except EngineError:
            return None


Found = tuple[Result, Decision | None]  # plan and bound, and the decision where there is a plan


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
    """

    def minimise(
        name: str, stages: Sequence[Stage], decision: Decision | None, deadline: Deadline
    ) -> Found:
        stage = Stage(name, Result(Status.FEASIBLE), np.inf)
        search = ObjectiveSearch(problem, (*stages, stage), deadline, progress)
        return minimise_objective(search, decision)

    return minimise_objectives(
        problem.scenario,
        minimise,
        lambda decision, stages: fix_and_complete(problem, decision, stages),
        lambda decision, name: objective_value(problem, decision, name),
    )


def minimise_objective(search: ObjectiveSearch, decision: Decision | None) -> Found:
    """Minimise one objective under ceilings on the others.

    Args:
        search: the objective.
        decision: the plan so far, which the search may start from.

    Returns:
        The result, with a bound for the whole problem, and the decision where there is a plan.
    """
    problem = search.problem
    objectives = [search.objective, *(name for name, _ in search.ceilings)]
    pairs = problem.visits.astype(bool).sum(axis=0) @ problem.hostable.sum(axis=0)
    hosts_imply_assignment = residents_choose_hosts(problem) and not needs_assignment(
        without_assignment_rules(problem), objectives
    )
    if hosts_imply_assignment and pairs > MAX_PAIRS_WITH_ROWS:
        log.info("%s: residents choose among %d pairs: cutting planes", search.objective, pairs)
        result, plan = _minimise_by_cutting_planes(search)
        if plan is not None or result.status is Status.INFEASIBLE or pairs > MAX_PAIRS_WHOLE:
            return result, plan
        search = search.part()
    is_many = pairs > MAX_PAIRS_BY_REACH and count_pairs_by_reach(problem) > MAX_PAIRS_BY_REACH
    if not needs_assignment(problem, objectives):
        return _minimise_by_reach(search, decision, is_many)
    bound = -np.inf
    zonal_services = services_needing_zones(problem, objectives)
    if zonal_services is not None:  # zones of other services are aggregated
        log.info("%s: standards by service given: the nearest host first", search.objective)
        visited = problem.visits[:, zonal_services].astype(bool).sum(axis=0)
        pairs = visited @ problem.hostable[:, zonal_services].sum(axis=0)
        result, decision = _minimise_by_nearest(search, zonal_services, decision, is_many)
        is_done = decision is not None and result.gap <= problem.scenario.solver.gap
        if is_done or result.status is Status.INFEASIBLE:
            return result, decision
        bound, search = result.bound, search.part()
    if pairs <= MAX_PAIRS_WHOLE:
        log.info("%s: the whole model of %d pairs", search.objective, pairs)
        formulation = formulate(problem, search.objective, search.ceilings)
        result, plan = _minimise_whole(search, formulation, decision)
    else:
        log.info("%s: %d pairs: far hosts at a relaxed assignment", search.objective, pairs)
        result, plan = _minimise_with_relaxed_assignment(search, decision, is_many)
    return _with_bound(problem, result, bound), plan


def _minimise_by_reach(search: ObjectiveSearch, decision: Decision | None, is_many: bool) -> Found:
    """Minimise where no minutes are in the question, with zones aggregated by the hosts in their
    reach; where that leaves many, with all residents of a service as one customer."""
    kind = "all residents of a service" if is_many else "zones with the same hosts in reach"
    log.info("%s: %s are one customer", search.objective, kind)
    formulation = formulate(search.problem, search.objective, search.ceilings, aggregated=is_many)
    result, plan = _minimise_whole(search, formulation, decision)
    if not is_many or plan is None:
        return result, plan
    # the hosts may not serve every zone: then today's are added
    completed = search.completed(plan) or _minimise_among_hosts(search, plan, decision)
    return _combine(search, result, completed)


def _minimise_with_relaxed_assignment(
    search: ObjectiveSearch, decision: Decision | None, is_many: bool
) -> Found:
    """Minimise with hosts far away left out, at the minutes of the nearest of them: the bound holds
    for all pairs. The plan is then the best among the hosts found."""
    problem = search.problem
    if decision is None:
        result, nearest_plan, decision = _plan_that_shows_minutes(search, is_many)
        if nearest_plan is None:
            return result, None
    else:
        nearest_plan = decision = fix_and_complete(problem, decision, search.stages)
    limits = max_minutes(problem, nearest_plan)
    formulation = formulate(problem, search.objective, search.ceilings, max_minutes=limits)
    start = _warm_start(formulation, decision)
    part = search.part(search.parameters.bound_share)
    result = _minimise_model(part, formulation, start)
    if not result.has_plan:
        return result, None
    plan = _minimise_among_hosts(search, read_decision(formulation, result), decision)
    return _combine(search, result, plan)


def _plan_that_shows_minutes(
    search: ObjectiveSearch, is_many: bool
) -> tuple[Result, Decision | None, Decision | None]:
    """Return the result of the problem without rules on assignment, its plan, which shows up to
    which minutes hosts matter, and a plan under all rules. A quick plan stands in for either."""
    problem, parameters = search.problem, search.parameters
    seconds = search.deadline.limit_seconds
    quick_plan = _quick_plan(search, Deadline(parameters.quick_plan_share * seconds))
    if quick_plan is not None and search.progress:
        elapsed = search.deadline.elapsed_seconds
        search.progress(Progress(elapsed, search.value(quick_plan), -np.inf))
    without_rules = without_assignment_rules(problem)
    relaxation = formulate(
        without_rules, "cost", search.ceilings, by_zone=False, aggregated=is_many
    )
    limit, gap = parameters.reach_share * seconds, parameters.first_plan_gap
    result = solve(relaxation.model, replace(search.settings, time_limit_seconds=limit, gap=gap))
    if result.has_plan:
        plan = read_decision(relaxation, result)
        nearest_plan = fix_and_complete(without_rules, plan, search.stages)
        return result, nearest_plan, search.completed(nearest_plan) or quick_plan
    if result.status is Status.INFEASIBLE:
        return result, None, None
    if quick_plan is None:
        quick_plan = _quick_plan(search, search.part(parameters.later_quick_plan_share).deadline)
    return result, quick_plan, quick_plan


def _quick_plan(search: ObjectiveSearch, deadline: Deadline) -> Decision | None:
    """Return a plan that is found fast: by kernel search among the nearest few hosts of each zone,
    then among more, then among all; ``None`` where none of these has a plan in time."""
    problem, settings = search.problem, Settings.of(search.problem.scenario.solver)
    if not engine_named(settings.engine).warm_start:
        return None
    rough = KernelSearchParameters(gap=search.parameters.quick_plan_gap)
    for hosts in search.parameters.quick_plan_hosts:
        limits = None if hosts is None else nearest_minutes(problem, hosts)
        formulation = formulate(problem, search.objective, search.ceilings, max_minutes=limits)
        if deadline.has_passed:
            return None
        arrays, columns = formulation.model.arrays(), (formulation.columns,)
        kernel = kernel_plan_of(arrays, columns, settings, deadline.part(), rough)
        if kernel is not None:
            result = Result(Status.FEASIBLE, values=kernel.values)
            plan = search.completed(read_decision(formulation, result))
            if plan is not None:
                log.info("a quick plan among the %s nearest hosts", hosts or "")
                return plan
    return None


def _minimise_by_nearest(
    search: ObjectiveSearch, zonal_services: Bools, before: Decision | None, is_many: bool
) -> Found:
    """Minimise with standards counted by the nearest host, then repair the plan's hosts so that the
    standards are met by service given. The bound is one of the whole problem; where plan and bound
    meet, no further search is needed."""
    parameters, problem = search.parameters, search.problem
    relaxation = formulate(
        without_assignment_rules(problem),
        search.objective,
        search.ceilings,
        by_zone=False,
        aggregated=is_many,
    )
    part = search.part(parameters.nearest_share).quiet()
    result, nearest_plan = _minimise_whole(part, relaxation, None)
    if nearest_plan is None:
        return result, before
    repaired = search.completed(nearest_plan)
    if repaired is None:
        part = search.part(parameters.first_plan_share).quiet()
        start = _add_hosts(part, zonal_services, nearest_plan)
        hosts = nearest_plan.host | problem.hosted | (False if start is None else start.host)
        restricted = formulate(replace(problem, hostable=hosts), search.objective, search.ceilings)
        part = search.part(parameters.first_plan_share).quiet()
        _, repaired = _minimise_whole(part, restricted, start)
        repaired = repaired or start
    plans = [candidate for candidate in (before, repaired) if candidate is not None]
    best = min(plans, key=search.value, default=None)
    if search.progress and best is not None:
        seconds = search.deadline.elapsed_seconds
        search.progress(Progress(seconds, search.value(best), result.bound))
    return _combine(search, result, best)


def _add_hosts(
    search: ObjectiveSearch, zonal_services: Bools, nearest_plan: Decision
) -> Decision | None:
    """Return the plan by the nearest host with hosts added or moved to where the relaxation has
    any, for the services whose standards are met by service given (``zonal_services``). Everything
    else is fixed. ``None`` where no plan was found."""
    gap = max(search.parameters.first_plan_gap, search.problem.scenario.solver.gap)
    hostable = np.where(zonal_services, search.problem.hostable, nearest_plan.host)
    formulation, arrays = _fix_other_services(search, zonal_services, nearest_plan, hostable)
    relaxed = solve(arrays.relaxed(), replace(search.settings, engine="highs", gap=gap))
    if not relaxed.has_plan:
        return None
    x = formulation.columns
    used = np.flatnonzero(relaxed.value(x.host) > search.parameters.host_tolerance)
    hostable = nearest_plan.host | (search.problem.hosted & zonal_services)
    hostable[x.hosts.building[used], x.hosts.service[used]] = True
    formulation, arrays = _fix_other_services(search, zonal_services, nearest_plan, hostable)
    result = solve(arrays, replace(search.settings, engine="highs", gap=gap))
    return search.completed(read_decision(formulation, result)) if result.has_plan else None


def _fix_other_services(
    search: ObjectiveSearch, zonal_services: Bools, nearest_plan: Decision, hostable: Bools
) -> tuple[Formulation, Arrays]:
    """Return the model in which open buildings stay open and hosts of all but ``zonal_services``
    are fixed."""
    restricted = replace(search.problem, hostable=hostable)
    formulation = formulate(restricted, search.objective, search.ceilings)
    arrays, x = formulation.model.arrays(), formulation.columns
    lower = arrays.lower.copy()
    lower[x.open.all] = np.maximum(lower[x.open.all], nearest_plan.open)
    lower[x.host.all] = np.where(zonal_services[x.hosts.service], lower[x.host.all], 1.0)
    return formulation, replace(arrays, lower=lower)


def _with_bound(problem: EstateProblem, result: Result, bound: float) -> Result:
    """Return the result with a bound proven elsewhere, where that is higher."""
    if bound <= result.bound:
        return result
    result = replace(result, bound=bound)
    is_optimal = result.has_plan and result.gap <= problem.scenario.solver.gap
    return replace(result, status=Status.OPTIMAL) if is_optimal else result


def _minimise_whole(
    search: ObjectiveSearch, formulation: Formulation, decision: Decision | None
) -> Found:
    """Strengthen a model by count cuts, find a first plan by kernel search, then search it to the
    gap."""
    parameters, seconds = search.parameters, search.deadline.limit_seconds
    add_count_cuts(formulation, formulation, Deadline(parameters.count_cuts_share * seconds))
    start, bound = _warm_start(formulation, decision), -np.inf
    if start is None:
        kernel = kernel_plan(formulation, Deadline(parameters.kernel_share * seconds))
        if kernel is not None:
            settings, bound = Settings.of(search.problem.scenario.solver), kernel.relaxation.bound
            plan = Plan(formulation.model.arrays().objective(kernel.values), kernel.values)
            neighbourhoods = YearNeighbourhoods(formulation, kernel.relaxation, settings)
            part = Deadline(parameters.improve_share * seconds)
            start = neighbourhoods.improve(plan, part).values
    result = _minimise_model(search, formulation, start)
    if result.has_plan and result.bound < bound:  # Ctrl-C ended the search before its own bound
        result = replace(result, bound=bound)
    return result, read_decision(formulation, result) if result.has_plan else None


def _combine(search: ObjectiveSearch, result: Result, plan: Decision | None) -> Found:
    """Return a relaxation's bound together with the value of a plan of the whole problem."""
    if plan is None:
        return replace(result, status=Status.NO_PLAN, values=None, objective=None), None
    result = replace(result, objective=search.value(plan))
    if result.status is Status.OPTIMAL and result.gap > search.problem.scenario.solver.gap + 1e-6:
        message = "the bound is a relaxation's: it holds, and the gap to the plan stays open"
        result = replace(result, status=Status.FEASIBLE, message=message)
    return result, plan


def _minimise_by_cutting_planes(search: ObjectiveSearch) -> Found:
    """Minimise where residents choose their hosts and neither the objective nor a rule needs
    minutes: the hosts imply the assignment. Completing the plan checks it zone by zone."""
    if overflow_allowed(search.problem):
        return _minimise_with_overflow(search)
    formulation = _without_zones(search)
    result = minimise_by_cutting_planes(
        formulation.model,
        (search.problem,),
        (formulation.columns,),
        replace(search.settings, progress=search.progress),
        search.deadline,
    )
    if not result.has_plan:
        return result, None
    return _combine(search, result, search.completed(read_decision(formulation, result)))


def _without_zones(search: ObjectiveSearch) -> Formulation:
    """Return the relaxation without rules on assignment, all residents of a service as one."""
    problem = without_assignment_rules(search.problem)
    return formulate(problem, search.objective, search.ceilings, by_zone=False, aggregated=True)


def _minimise_with_overflow(search: ObjectiveSearch) -> Found:
    """Minimise where residents may pass full buildings: the bound is that of the planner's
    relaxation; the plan is one whose hosts fall short of demand only by residents who do pass a
    full building."""
    problem, part = search.problem, search.part(search.parameters.planner_share).quiet()
    bound, _ = _minimise_whole(part, _without_zones(search), None)
    if bound.status is Status.INFEASIBLE:
        return bound, None
    formulation = _without_zones(search)
    for values in plans_with_shortfall(
        without_overflow(problem), formulation, search.part().deadline
    ):
        plan = read_decision(formulation, Result(Status.FEASIBLE, values=values))
        decision = complete_with_overflow(problem, plan, search.stages)
        if decision is not None:
            result = replace(bound, values=values, objective=search.value(decision))
            is_optimal = result.gap <= problem.scenario.solver.gap
            status = Status.OPTIMAL if is_optimal else Status.FEASIBLE
            return replace(result, status=status), decision
    return Result(Status.NO_PLAN, bound=bound.bound), None


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
            reach = np.where(np.isfinite(minutes), minutes, np.inf)
            limits[:, s] = np.sort(reach, axis=1)[:, position]
    return limits


def _minimise_among_hosts(
    search: ObjectiveSearch, relaxed_plan: Decision, before: Decision | None
) -> Decision | None:
    """Return the best plan without relaxed assignments, among the hosts of a plan that may have
    some and of the plan so far, which has none; without one, among today's as well."""
    before_hosts = search.problem.hosted if before is None else before.host
    restricted = replace(search.problem, hostable=relaxed_plan.host | before_hosts)
    formulation = formulate(restricted, search.objective, search.ceilings, by_zone=True)
    result = _minimise_model(search.quiet(), formulation, _warm_start(formulation, before))
    plans = [] if before is None else [before]
    if result.has_plan:
        plans.append(read_decision(formulation, result))
    return min(plans, key=search.value, default=None)


def _warm_start(formulation: Formulation, decision: Decision | None) -> NDArray[np.float64] | None:
    """Return a full vector for ``formulation`` that agrees with ``decision``, if the engine takes
    one."""
    solver = formulation.problem.scenario.solver
    if decision is None or not engine_named(solver.engine).warm_start:
        return None
    return complete_vector(formulation, decision)


def _minimise_model(
    search: ObjectiveSearch, formulation: Formulation, start: NDArray[np.float64] | None
) -> Result:
    """Minimise one model with the scenario's engine, to its gap, in the time left."""
    settings = replace(search.settings, warm_start=start, progress=search.progress)
    return solve(formulation.model, settings)
