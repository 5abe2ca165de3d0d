"""Choose the search for several decided years by their size; find a plan and bound it.

A model of a few hundred binary columns is given to the engine whole. A larger one is decomposed:

- a quick plan: the last year alone, solved roughly, then the best schedule to it. The search
  continues from it if it finds no better first plan in its time;
- an end state: the last year alone, solved and improved, then the best schedule to it;
- large neighbourhood search in all years at once (``large_neighbourhood.py``);
- beside it, a Lagrangian bound: each year alone, with the rows that link the years priced by the
duals of their relaxation (``engine.lagrangian_decomposition``).

The assignment is completed last, year by year: the least minutes for the visits of each host.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from placeopt.base.arrays import Floats
from placeopt.base.deadline import Deadline, record_timeout
from placeopt.engine import Progress, Result, Status, solve
from placeopt.engine.duality import dual_bound
from placeopt.engine.interrupts import interrupted
from placeopt.engine.lagrangian_decomposition import bound_from_parts, decompose, relaxation_duals
from placeopt.engine.large_neighbourhood import Plan
from placeopt.engine.lexicographic import Stage
from placeopt.engine.linear_program import Basis
from placeopt.engine.model import Arrays
from placeopt.engine.registry import engine as engine_named
from placeopt.engine.settings import ProgressCallback, Settings
from placeopt.estate.model.formulation import (
    formulate,
    has_assignment_rules,
    objective_parts,
    services_needing_zones,
    without_assignment_rules,
)
from placeopt.estate.model.multi_year import YearsFormulation, formulate_years
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.estate.problem.horizon import Years
from placeopt.estate.search.assignment import assign_with_least_minutes
from placeopt.estate.search.completion import (
    assign_all_by_choice,
    assignment_implied_by_hosts,
    fix_structure_of_year,
    read_decision,
)
from placeopt.estate.search.cutting_plane import minimise_by_cutting_planes, uses_cutting_planes
from placeopt.estate.search.kernel_search import (
    KernelSearchParameters,
    kernel_plan,
    kernel_plan_of,
)
from placeopt.estate.search.large_neighbourhood import TimelineNeighbourhoods
from placeopt.estate.search.outcome import (
    Outcome,
    ceilings_of,
    minimise_objectives,
)
from placeopt.estate.search.reassignment import reassign_visits
from placeopt.estate.search.rounding_cuts import add_count_cuts, add_count_rows
from placeopt.estate.search.strategy import solve_year
from placeopt.estate.solution.decision import Decision
from placeopt.estate.solution.standards_met import served_standards_met
from placeopt.estate.solution.timeline import Timeline, objective_value
from placeopt.scenario.reassignment import TIME_SHARE, uses_reassignment
from placeopt.scenario.rules.estate.services import Capital

MAX_DECISIONS_WHOLE = 700  # binary columns up to which the engine is given the whole model
log = logging.getLogger("placeopt.estate")


@dataclass(frozen=True)
class MultiYearParameters:
    """Shares of the time; the defaults were chosen on the made-up counties.

    Attributes:
        quick_plan_gap: relative gap of a plan that is there before anything else.
        quick_plan_share: of the time, at most, for it.
        first_plan_gap: relative gap of a first plan.
        strengthen_share: of the time, at most, for count cuts.
        first_plan_share: the same for a first plan.
        end_state_share: of that, at most, for the end state.
        improve_share: of that, at most, to improve the end state.
        bound_share: of the time left on one thread, for the bound.
        duals_share: of the time for the bound, at most, for the duals of the relaxation.
        years_share: of the time for the bound, at least, for the years by themselves.
        last_year_share: of that, for the last year: most of the cost is in it.
        least_seconds: of a search that begins late.
    """

    quick_plan_gap: float = 0.1
    quick_plan_share: float = 0.2
    first_plan_gap: float = 0.002
    strengthen_share: float = 0.1
    first_plan_share: float = 0.6
    end_state_share: float = 0.35
    improve_share: float = 0.25
    bound_share: float = 0.6
    duals_share: float = 0.75
    years_share: float = 0.2
    last_year_share: float = 0.6
    least_seconds: float = 1.0


PARAMETERS = MultiYearParameters()


def solve_years(years: Years, progress: ProgressCallback | None = None) -> Outcome[Timeline]:
    """Return the best plan of one decided year or several, within the scenario's gap and time
    limit.

    Where the scenario states no ``minimise``, visits are then sent nearer (``reassignment.py``).

    Args:
        years: the problem of every decided year.
        progress: called with the best plan's objective and the bound as they improve.

    Returns:
        The stages, one an objective, and the timeline; ``None`` where no plan was found.
    """
    deadline = Deadline(years.scenario.solver.time_limit_seconds)
    outcome = _minimise_objectives(years, progress)
    if outcome.solution is None or not uses_reassignment(years.scenario):
        return outcome
    at_least = TIME_SHARE * deadline.limit_seconds
    return reassign_visits(years, outcome, deadline.part(at_least=at_least))


def _minimise_objectives(years: Years, progress: ProgressCallback | None) -> Outcome[Timeline]:
    """Minimise the scenario's objectives one after another."""
    if len(years.problems) == 1:
        single_year = solve_year(years.first, progress)
        return Outcome(
            single_year.stages,
            None if single_year.solution is None else Timeline((single_year.solution,)),
        )

    def minimise_one(
        name: str, stages: Sequence[Stage], timeline: Timeline | None, deadline: Deadline
    ) -> tuple[Result, Timeline | None]:
        objectives = [name, *(stage.objective for stage in stages)]
        if uses_cutting_planes(years.problems, objectives):
            log.info("%s: residents choose among many hosts: cutting planes", name)
            result, found = _minimise_by_cutting_planes(years, name, stages, deadline, progress)
            if found is None or _served_standards_met(
                years, complete_years(years, found, objectives)
            ):
                return result, found
            deadline = deadline.part(at_least=PARAMETERS.least_seconds)
        formulation = formulate_years(years, name, ceilings_of(stages))
        result = minimise(formulation, timeline, deadline, progress)
        return result, read_timeline(formulation, result) if result.has_plan else None

    return minimise_objectives(
        years.scenario,
        minimise_one,
        lambda timeline, stages: complete_years(
            years, timeline, [stage.objective for stage in stages]
        ),
        lambda timeline, name: objective_value(years, timeline, name),
    )


def _minimise_by_cutting_planes(
    years: Years,
    name: str,
    stages: Sequence[Stage],
    deadline: Deadline,
    progress: ProgressCallback | None,
) -> tuple[Result, Timeline | None]:
    """Minimise where residents choose their hosts and pairs are many."""
    without_rules = tuple(without_assignment_rules(problem) for problem in years.problems)
    formulation = formulate_years(
        replace(years, problems=without_rules), name, ceilings_of(stages), aggregated=True
    )
    settings = replace(Settings.of(years.scenario.solver), progress=progress)
    result = minimise_by_cutting_planes(
        formulation.model, years.problems, formulation.columns, settings, deadline
    )
    return result, read_timeline(formulation, result) if result.has_plan else None


def _served_standards_met(years: Years, timeline: Timeline) -> bool:
    """Whether every standard counted by service given is met in every year."""
    pairs = zip(years.problems, timeline.decisions, strict=True)
    return all(served_standards_met(problem, decision) for problem, decision in pairs)


def minimise(
    formulation: YearsFormulation,
    timeline: Timeline | None,
    deadline: Deadline,
    progress: ProgressCallback | None,
) -> Result:
    """Minimise a model over years to the scenario's gap, before the deadline."""
    settings = Settings.of(formulation.years.scenario.solver)
    if engine_named(settings.engine).warm_start and _is_large(formulation):
        return _solve_decomposed(formulation, timeline, deadline, progress)
    log.info("the whole model of all years")
    arrays = formulation.model.arrays()
    start = None
    if timeline is not None and engine_named(settings.engine).warm_start:
        start = _warm_start(formulation, arrays, timeline)
    seconds = deadline.seconds_left()
    settings = replace(settings, time_limit_seconds=seconds, warm_start=start, progress=progress)
    return solve(arrays, settings)


def _is_large(formulation: YearsFormulation) -> bool:
    return (
        sum(x.open.size + x.host.size + x.tier.size for x in formulation.columns)
        > MAX_DECISIONS_WHOLE
    )


def add_count_cuts_by_year(formulation: YearsFormulation, deadline: Deadline) -> list[float]:
    """Add count cuts to each year, as the search of one year does.

    The last year comes first, because most of the cost is in it, and the other years start from its
    bases. Returns its right-hand sides.
    """
    bases: list[Basis] = []
    by_year: list[list[float]] = []
    for t in reversed(range(len(formulation.years.problems))):
        problem = formulation.years.problems[t]
        formulation.model.suffix = f"_{problem.year}"
        by_year.append(
            add_count_cuts(formulation.year(t), formulate(problem), deadline.part(), bases=bases)
        )
    formulation.model.suffix = ""
    return by_year[0]


def _solve_decomposed(
    formulation: YearsFormulation,
    timeline: Timeline | None,
    deadline: Deadline,
    progress: ProgressCallback | None,
) -> Result:
    """Return a plan and a bound: one after the other on one thread, side by side on more. Where
    there is no plan to start from, the better one of a first plan and a quick one is it."""
    settings, least = Settings.of(formulation.years.scenario.solver), PARAMETERS.least_seconds
    seconds, quick_plan = deadline.limit_seconds, None
    if timeline is None:
        part = Deadline(PARAMETERS.quick_plan_share * seconds)
        quick_plan = _quick_plan(formulation, part)
        if quick_plan is not None and progress:
            progress(Progress(deadline.elapsed_seconds, quick_plan[0], -np.inf))
    part = Deadline(PARAMETERS.strengthen_share * seconds)
    end_state_counts = add_count_cuts_by_year(formulation, part)
    arrays = formulation.model.arrays()
    log.info("%d columns over years: end state, neighbourhoods and bound", len(arrays.cost))
    proof = BoundProof(formulation, arrays, deadline, progress)

    def is_good_enough(objective: float) -> bool:
        proof.report(objective)
        return objective - proof.bound <= settings.gap * abs(objective)

    given = quick_plan[1] if quick_plan is not None else timeline
    start = None if given is None else _warm_start(formulation, arrays, given)
    guides: list[Floats] = []
    if start is not None:
        proof.report(arrays.objective(start))
    with proof.in_background(deadline.part(at_least=least) if settings.threads > 1 else None):
        if timeline is None or start is None:
            part = deadline.part(PARAMETERS.first_plan_share, at_least=least)
            first, guides = _first_plan(formulation, arrays, end_state_counts, part)
            plans = [plan for plan in (first, start) if plan is not None]
            start = min(plans, key=arrays.objective, default=None)
        if settings.threads == 1:
            proof.prove(deadline.part(PARAMETERS.bound_share, at_least=least))
        if start is None:
            seconds = deadline.seconds_left(at_least=least)
            result = solve(arrays, replace(settings, time_limit_seconds=seconds))
            proof.stop()
            return result
        guides += [values[formulation.columns[-1].host.all] for values in proof.year_plans]
        years, last = formulation.columns, formulation.years.last
        search = TimelineNeighbourhoods(years, last, arrays, guides, settings, is_good_enough)
        plan = Plan(arrays.objective(start), start)
        plan = search.improve(plan, deadline.part(at_least=least))
    result = Result(
        Status.FEASIBLE,
        objective=plan.objective,
        bound=min(proof.bound, plan.objective),
        values=plan.values,
    )
    return replace(
        result,
        status=Status.OPTIMAL if result.gap <= settings.gap else Status.FEASIBLE,
        seconds={"solve": deadline.elapsed_seconds},
        engine=settings.engine,
        seed=settings.seed,
    )


class BoundProof:
    """The Lagrangian bound of each year alone, with the linking rows priced by their relaxation.

    Attributes:
        bound: the best one so far.
        year_plans: plans of single years, as vectors of the whole model.
    """

    def __init__(
        self,
        formulation: YearsFormulation,
        arrays: Arrays,
        deadline: Deadline,
        progress: ProgressCallback | None,
    ) -> None:
        self.bound = -np.inf
        self.year_plans: list[Floats] = []
        self._stated, self._arrays = formulation, arrays
        self._deadline, self._progress = deadline, progress
        self._objective: float | None = None
        self._stop = threading.Event()

    def report(self, objective: float) -> None:
        """Report a plan's objective and the bound so far to the caller's progress function."""
        self._objective = objective
        if self._progress:
            seconds = self._deadline.elapsed_seconds
            self._progress(Progress(seconds, self._objective, self.bound))

    @contextmanager
    def in_background(self, deadline: Deadline | None) -> Iterator[None]:
        """Prove on a second thread during the ``with`` block; ``None``: do not."""
        if deadline is None:
            yield
            return
        record_timeout("the proof beside the search, on a thread of its own")
        with ThreadPoolExecutor(1, "placeopt-bound") as pool:
            proof = pool.submit(copy_context().run, self.prove, deadline)
            try:
                yield
                if interrupted():
                    self.stop()
                proof.result()
            except BaseException:
                self.stop()
                raise

    def stop(self) -> None:
        """End the proof; the bound so far stays."""
        self._stop.set()

    def prove(self, deadline: Deadline) -> None:
        """Compute the relaxation's duals and the bound they prove, then solve each year alone."""
        settings = replace(
            Settings.of(self._stated.years.scenario.solver), engine="highs", threads=1
        )
        stop, limit = self._stop.is_set, deadline.limit_seconds
        seconds = PARAMETERS.duals_share * limit
        prices = relaxation_duals(self._arrays, replace(settings, time_limit_seconds=seconds), stop)
        if prices is None:  # prices of 0: the bound without the linking rows
            prices = np.zeros(len(self._arrays.row_lower))
        self.bound = dual_bound(self._arrays, prices)
        parts = decompose(
            self._arrays, _year_of_columns(self._stated, len(self._arrays.cost)), prices
        )
        log.info("bound of the relaxation %.6g, then of %d years", self.bound, len(parts.parts))
        others, share = len(parts.parts) - 1, PARAMETERS.last_year_share
        part = deadline.part(at_least=PARAMETERS.years_share * limit)
        proven = bound_from_parts(
            parts,
            [*[(1 - share) / others] * others, share],
            replace(settings, gap=settings.gap / 3),
            part,
            stop,
        )
        self.year_plans += proven.plans
        self.bound = max(self.bound, proven.bound)


def _year_of_columns(formulation: YearsFormulation, size: int) -> NDArray[np.int64]:
    """Return (columns,) the position of each column's year; -1 for columns that link years."""
    links = formulation.links
    year_of = np.full(size, -1)
    for t, problem in enumerate(formulation.years.problems):
        for name, block in formulation.model.columns.items():
            if name.endswith(f"_{problem.year}"):
                year_of[block.all] = t
        for blocks in links.blocks:
            year_of[blocks[t].all] = -1
    return year_of


def _restrict_hosts(
    formulation: YearsFormulation, arrays: Arrays, host: NDArray[np.bool_], tier: NDArray[np.bool_]
) -> Arrays:
    """Return the model in which only these hosts (H,) and tiers (T,) of a year's columns may be
    used."""
    upper = arrays.upper.copy()
    for x in formulation.columns:
        upper[x.host.all] = np.minimum(upper[x.host.all], host)
        upper[x.tier.all] = np.minimum(upper[x.tier.all], tier)
    return replace(arrays, upper=upper)


def _quick_plan(formulation: YearsFormulation, deadline: Deadline) -> tuple[float, Timeline] | None:
    """Return a plan of all years that is found fast, the schedule to a rough end state, and its
    value.

    The model has no count cuts yet, which a rough plan does not need.
    """
    settings = Settings.of(formulation.years.scenario.solver)
    end_state = formulate(_last_year_problem(formulation.years), "cost")
    rough = KernelSearchParameters(gap=PARAMETERS.quick_plan_gap)
    kernel = kernel_plan_of(
        end_state.model.arrays(), (end_state.columns,), settings, deadline, rough
    )
    if kernel is None:
        return None
    decision = read_decision(end_state, Result(Status.FEASIBLE, values=kernel.values))
    arrays = formulation.model.arrays()
    part = deadline.part(at_least=PARAMETERS.least_seconds)
    values = _schedule_to(formulation, arrays, decision, part, PARAMETERS.quick_plan_gap)
    if values is None:
        return None
    result = Result(Status.FEASIBLE, values=values)
    return arrays.objective(values), read_timeline(formulation, result)


def _first_plan(
    formulation: YearsFormulation,
    arrays: Arrays,
    end_state_counts: list[float],
    deadline: Deadline,
) -> tuple[Floats | None, list[Floats]]:
    """Return a plan of all years and guides for its improvement.

    An end state is found for the last year alone, then the best schedule to it; ``None`` if there
    is none in time. The guide is the relaxation of the last year: (H,) values of its hosts.
    """
    settings = replace(Settings.of(formulation.years.scenario.solver), engine="highs")
    decision, guides = _end_state(formulation.years, end_state_counts, settings, deadline)
    if decision is None:
        return None, guides
    gap = max(settings.gap / 2, PARAMETERS.first_plan_gap)
    return _schedule_to(formulation, arrays, decision, deadline, gap), guides


def _schedule_to(
    formulation: YearsFormulation,
    arrays: Arrays,
    end_state: Decision,
    deadline: Deadline,
    gap: float,
) -> Floats | None:
    """Return the best plan of all years that ends as decided or, where there is no schedule to
    that, among its hosts; ``None`` where there is none in time."""
    settings = replace(Settings.of(formulation.years.scenario.solver), engine="highs", gap=gap)
    x = formulation.columns[-1]
    host = end_state.host[x.hosts.building, x.hosts.service]
    tier = end_state.tier[x.tier_building] == x.tier_tier
    among_hosts = _restrict_hosts(formulation, arrays, host | ~x.is_new, tier)
    end_state_fixed = fix_structure_of_year(among_hosts, x, end_state)
    for model in (
        _keep_hosts(formulation, end_state_fixed, host & ~x.is_new),
        end_state_fixed,
        among_hosts,
    ):
        seconds = deadline.seconds_left(at_least=PARAMETERS.least_seconds)
        result = solve(model, replace(settings, time_limit_seconds=seconds))
        if result.values is not None:
            return result.values
    return None


def _end_state(
    years: Years, counts: list[float], settings: Settings, deadline: Deadline
) -> tuple[Decision | None, list[Floats]]:
    """Return a good plan of the last year alone, and its relaxation as a guide."""
    end_state = formulate(_last_year_problem(years), "cost")
    add_count_rows(end_state, counts)
    limit = deadline.limit_seconds
    kernel = kernel_plan(end_state, Deadline(PARAMETERS.end_state_share * limit))
    if kernel is None:
        return None, []
    assert kernel.relaxation.values is not None  # ``kernel_plan`` has seen to it
    guides = [kernel.relaxation.values[end_state.columns.host.all]]
    target, arrays = (1 + settings.gap / 3) * kernel.relaxation.bound, end_state.model.arrays()
    search = TimelineNeighbourhoods(
        (end_state.columns,),
        end_state.problem,
        arrays,
        guides,
        settings,
        lambda objective: objective <= target,
    )
    plan = Plan(arrays.objective(kernel.values), kernel.values)
    plan = search.improve(plan, Deadline(PARAMETERS.improve_share * limit))
    return read_decision(end_state, Result(Status.FEASIBLE, values=plan.values)), guides


def _keep_hosts(
    formulation: YearsFormulation, arrays: Arrays, is_kept: NDArray[np.bool_]
) -> Arrays:
    """Return the model in which hosts of today that the end state has are hosts in every year."""
    lower = arrays.lower.copy()
    for x in formulation.columns:
        lower[x.host.all] = np.maximum(lower[x.host.all], is_kept)
    return replace(arrays, lower=lower)


def _last_year_problem(years: Years) -> EstateProblem:
    """Return the last year as a single decided year, with the capital of all years."""
    pots = [
        rule.model_copy(update={"pot_gbp": float(sum(rule.pots()))})
        for rule in years.scenario.of(Capital)
    ]
    scenario = years.last.scenario
    with_pots = scenario.with_rules((*scenario.rules, *pots))
    return replace(years.last, scenario=with_pots)


def _warm_start(formulation: YearsFormulation, arrays: Arrays, timeline: Timeline) -> Floats | None:
    """Return a full vector that agrees with ``timeline``; ``None`` where there is none."""
    for x, decision in zip(formulation.columns, timeline.decisions, strict=True):
        arrays = fix_structure_of_year(arrays, x, decision)
    solver = formulation.years.scenario.solver
    gap = PARAMETERS.first_plan_gap
    return solve(arrays, Settings(gap=gap, threads=solver.threads, seed=solver.seed)).values


def read_timeline(formulation: YearsFormulation, result: Result) -> Timeline:
    """Return the decisions that a result's values encode."""
    return Timeline(
        tuple(read_decision(formulation.year(t), result) for t in range(len(formulation.columns)))
    )


def complete_years(years: Years, timeline: Timeline, objectives: Sequence[str]) -> Timeline:
    """Return the same buildings, hosts and units, with visits assigned to the least minutes. Where
    a rule or an objective of the last year decides the assignment, it is kept."""
    pairs = zip(years.problems, timeline.decisions, strict=True)
    return Timeline(
        tuple(
            _complete_year(problem, decision, objectives if problem is years.last else ())
            for problem, decision in pairs
        )
    )


def _complete_year(
    problem: EstateProblem, decision: Decision, objectives: Sequence[str]
) -> Decision:
    """Return one year's decision as ``complete_years`` has it."""
    if assignment_implied_by_hosts(problem, objectives):
        return assign_all_by_choice(problem, decision)
    worst_off = "worst_off" in objective_parts(problem, objectives)
    if not has_assignment_rules(problem) and not worst_off:
        return assign_with_least_minutes(problem, decision)
    zonal_services = services_needing_zones(problem, objectives)
    return (
        decision
        if zonal_services is None
        else assign_with_least_minutes(problem, decision, ~zonal_services)
    )
