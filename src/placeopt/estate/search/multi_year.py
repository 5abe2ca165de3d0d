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

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placeopt.base.deadline import record_timeout
from placeopt.engine import Progress, Result, Status, solve
from placeopt.engine.duality import dual_bound
from placeopt.engine.interrupts import interrupted
from placeopt.engine.lagrangian_decomposition import bound_from_parts, decompose, relaxation_duals
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
from placeopt.estate.search.kernel_search import kernel_plan, kernel_plan_of
from placeopt.estate.search.large_neighbourhood import improve_years
from placeopt.estate.search.lexicographic import REASSIGNMENT_SHARE, Outcome, minimise_in_order
from placeopt.estate.search.reassignment import reassign_visits
from placeopt.estate.search.rounding_cuts import add_count_cuts, add_count_rows
from placeopt.estate.search.strategy import solve_year
from placeopt.estate.solution.decision import Decision
from placeopt.estate.solution.standards_met import served_standards_met
from placeopt.estate.solution.timeline import Timeline, objective_value
from placeopt.scenario.reassignment import uses_reassignment
from placeopt.scenario.rules.estate.services import Capital

Floats = NDArray[np.float64]
MAX_DECISIONS_WHOLE = 700  # binary columns up to which the engine is given the whole model
FIRST_PLAN_GAP = 0.002  # relative, of a first plan
QUICK_PLAN_GAP = 0.1  # relative, of a plan that is there before anything else
QUICK_PLAN_SHARE = 0.2  # of the time, at most, for it
LAST_YEAR_SHARE = 0.6  # of the time for the bound, for the last year: most of the cost is in it
STRENGTHEN_SHARE = 0.1  # of the time, at most, for count cuts
FIRST_PLAN_SHARE = 0.6  # of the time, at most, for a first plan
END_STATE_SHARE = 0.35  # of that, at most, for the end state
IMPROVE_SHARE = 0.25  # of that, at most, to improve the end state
BOUND_SHARE = 0.6  # of the time left on one thread, for the bound


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
    began = time.perf_counter()
    outcome = _minimise_objectives(years, progress)
    if outcome.solution is None or not uses_reassignment(years.scenario):
        return outcome
    limit = years.scenario.solver.time_limit_seconds
    seconds = max(limit - (time.perf_counter() - began), REASSIGNMENT_SHARE * limit)
    return reassign_visits(years, outcome, seconds)


def _minimise_objectives(years: Years, progress: ProgressCallback | None) -> Outcome[Timeline]:
    """Minimise the scenario's objectives one after another."""
    if len(years.problems) == 1:
        single_year = solve_year(years.first, progress)
        return Outcome(
            single_year.stages,
            None if single_year.solution is None else Timeline((single_year.solution,)),
        )

    def minimise_one(
        name: str, ceilings: list[tuple[str, float]], timeline: Timeline | None, seconds: float
    ) -> tuple[Result, Timeline | None]:
        began = time.perf_counter()
        objectives = [name, *(other for other, _ in ceilings)]
        if uses_cutting_planes(years.problems, objectives):
            without_rules = tuple(without_assignment_rules(problem) for problem in years.problems)
            formulation = formulate_years(
                replace(years, problems=without_rules), name, ceilings, aggregated=True
            )
            model, x, solver = formulation.model, formulation.columns, years.scenario.solver
            result = minimise_by_cutting_planes(model, years.problems, x, solver, seconds, progress)
            timeline_found = read_timeline(formulation, result) if result.has_plan else None
            if timeline_found is None or _served_standards_met(
                years, complete_years(years, timeline_found, objectives)
            ):
                return result, timeline_found
            seconds = max(seconds - (time.perf_counter() - began), 1.0)
        formulation = formulate_years(years, name, ceilings)
        result = minimise(formulation, timeline, seconds, progress)
        return result, read_timeline(formulation, result) if result.has_plan else None

    return minimise_in_order(
        years.scenario,
        minimise_one,
        lambda timeline, stages: complete_years(
            years, timeline, [stage.objective for stage in stages]
        ),
        lambda timeline, name: objective_value(years, timeline, name),
    )


def _served_standards_met(years: Years, timeline: Timeline) -> bool:
    """Whether every standard counted by service given is met in every year."""
    pairs = zip(years.problems, timeline.decisions, strict=True)
    return all(served_standards_met(problem, decision) for problem, decision in pairs)


def minimise(
    formulation: YearsFormulation,
    timeline: Timeline | None,
    seconds: float,
    progress: ProgressCallback | None,
) -> Result:
    """Minimise a model over years to the scenario's gap, within ``seconds``."""
    began = time.perf_counter()
    is_large = _is_large(formulation)
    takes_warm_start = engine_named(formulation.years.scenario.solver.engine).warm_start
    quick_plan = None
    if is_large and takes_warm_start and timeline is None:
        quick_plan = _quick_plan(formulation, QUICK_PLAN_SHARE * seconds)
        if quick_plan is not None and progress:
            progress(Progress(time.perf_counter() - began, quick_plan[0], -np.inf))
    end_state_counts = (
        add_count_cuts_by_year(formulation, STRENGTHEN_SHARE * seconds) if is_large else []
    )
    arrays = formulation.model.arrays()
    start = (
        _warm_start(formulation, arrays, timeline)
        if timeline is not None and takes_warm_start
        else None
    )
    quick = None if quick_plan is None else _warm_start(formulation, arrays, quick_plan[1])
    if not takes_warm_start or not is_large:
        remaining = seconds - (time.perf_counter() - began)
        return _search(
            formulation, arrays, start, remaining, formulation.years.scenario.solver.gap, progress
        )
    return _solve_decomposed(
        formulation, arrays, start, quick, end_state_counts, began, seconds, progress
    )


def _is_large(formulation: YearsFormulation) -> bool:
    return (
        sum(x.open.size + x.host.size + x.tier.size for x in formulation.columns)
        > MAX_DECISIONS_WHOLE
    )


def add_count_cuts_by_year(formulation: YearsFormulation, seconds: float) -> list[float]:
    """Add count cuts to each year, as the search of one year does.

    The last year comes first, because most of the cost is in it, and the other years start from its
    bases. Returns its right-hand sides.
    """
    began = time.perf_counter()
    bases: list[Any] = []
    by_year: list[list[float]] = []
    for t in reversed(range(len(formulation.years.problems))):
        problem = formulation.years.problems[t]
        formulation.model.suffix = f"_{problem.year}"
        remaining = seconds - (time.perf_counter() - began)
        by_year.append(
            add_count_cuts(formulation.year(t), formulate(problem), remaining, bases=bases)
        )
    formulation.model.suffix = ""
    return by_year[0]


def _solve_decomposed(
    formulation: YearsFormulation,
    arrays: Arrays,
    start: Floats | None,
    quick: Floats | None,
    end_state_counts: list[float],
    began: float,
    seconds: float,
    progress: ProgressCallback | None,
) -> Result:
    """Return a plan and a bound: one after the other on one thread, side by side on more. Where
    there is no plan to start from, the better one of a first plan and the ``quick`` one is it. The
    time began at ``began``."""
    solver = formulation.years.scenario.solver
    proof = BoundProof(formulation, arrays, began, progress)

    def remaining() -> float:
        return max(seconds - (time.perf_counter() - began), 1.0)

    def is_good_enough(objective: float) -> bool:
        proof.report(objective)
        return objective - proof.bound <= solver.gap * abs(objective)

    guides: list[Floats] = []
    given = quick if start is None else start
    if given is not None:
        proof.report(arrays.objective(given))
    with proof.in_background(remaining() if solver.threads > 1 else None):
        if start is None:
            start, guides = _first_plan(
                formulation, arrays, end_state_counts, FIRST_PLAN_SHARE * remaining()
            )
            plans = [plan for plan in (start, quick) if plan is not None]
            start = min(plans, key=arrays.objective, default=None)
        if solver.threads == 1:
            proof.prove(BOUND_SHARE * remaining())
        if start is None:
            result = _search(formulation, arrays, None, remaining(), solver.gap)
            proof.stop()
            return result
        guides += [values[formulation.columns[-1].host.all] for values in proof.year_plans]
        years, last = formulation.columns, formulation.years.last
        start = improve_years(years, last, arrays, start, guides, remaining(), is_good_enough)
    objective = arrays.objective(start)
    bound = min(proof.bound, objective)
    plan = Result(Status.FEASIBLE, objective=objective, bound=bound, values=start)
    status = Status.OPTIMAL if plan.gap <= solver.gap else Status.FEASIBLE
    solve_seconds = {"solve": time.perf_counter() - began}
    return replace(
        plan, status=status, seconds=solve_seconds, engine=solver.engine, seed=solver.seed
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
        began: float,
        progress: ProgressCallback | None,
    ) -> None:
        self.bound = -np.inf
        self.year_plans: list[Floats] = []
        self._stated, self._arrays, self._began, self._watch = formulation, arrays, began, progress
        self._objective: float | None = None
        self._stop = threading.Event()

    def report(self, objective: float) -> None:
        """Report a plan's objective and the bound so far to the caller's progress function."""
        self._objective = objective
        if self._watch:
            seconds = time.perf_counter() - self._began
            self._watch(Progress(seconds, self._objective, self.bound))

    @contextmanager
    def in_background(self, seconds: float | None) -> Iterator[None]:
        """Prove on a second thread during the ``with`` block; ``None``: do not."""
        if seconds is None:
            yield
            return
        record_timeout("the proof beside the search, on a thread of its own")
        with ThreadPoolExecutor(1, "placeopt-bound") as pool:
            proof = pool.submit(copy_context().run, self.prove, seconds)
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

    def prove(self, seconds: float) -> None:
        """Compute the relaxation's duals and the bound they prove, then solve each year alone."""
        solver = self._stated.years.scenario.solver
        stop = self._stop.is_set
        began = time.perf_counter()
        prices = relaxation_duals(self._arrays, 0.75 * seconds, 1, stop)
        if prices is None:  # prices of 0: the bound without the linking rows
            prices = np.zeros(len(self._arrays.row_lower))
        self.bound = dual_bound(self._arrays, prices)
        parts = decompose(
            self._arrays, _year_of_columns(self._stated, len(self._arrays.cost)), prices
        )
        remaining = max(seconds - (time.perf_counter() - began), 0.2 * seconds)
        others = len(parts.parts) - 1
        shares = [*[(1 - LAST_YEAR_SHARE) / others] * others, LAST_YEAR_SHARE]
        bound, year_plans = bound_from_parts(
            parts, remaining, shares, solver.gap / 3, 1, solver.seed, stop
        )
        self.year_plans += year_plans
        self.bound = max(self.bound, bound)


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


def _quick_plan(formulation: YearsFormulation, seconds: float) -> tuple[float, Timeline] | None:
    """Return a plan of all years that is found fast, the way to a rough end state, and its value.

    The model has no count cuts yet, which a rough plan does not need.
    """
    began = time.perf_counter()
    solver = formulation.years.scenario.solver
    end_state = formulate(_last_year_problem(formulation.years), "cost")
    kernel = kernel_plan_of(
        end_state.model.arrays(), (end_state.columns,), solver, seconds, QUICK_PLAN_GAP
    )
    if kernel is None:
        return None
    decision = read_decision(end_state, Result(Status.FEASIBLE, values=kernel.values))
    remaining = max(seconds - (time.perf_counter() - began), 1.0)
    arrays = formulation.model.arrays()
    values = _way_to(formulation, arrays, decision, remaining, QUICK_PLAN_GAP)
    if values is None:
        return None
    result = Result(Status.FEASIBLE, values=values)
    return arrays.objective(values), read_timeline(formulation, result)


def _first_plan(
    formulation: YearsFormulation, arrays: Arrays, end_state_counts: list[float], seconds: float
) -> tuple[Floats | None, list[Floats]]:
    """Return a plan of all years and guides for its improvement.

    An end state is found for the last year alone, then the best schedule to it; ``None`` if there
    is none in time. The guide is the relaxation of the last year: (H,) values of its hosts.
    """
    began = time.perf_counter()
    solver = formulation.years.scenario.solver
    end_state = formulate(_last_year_problem(formulation.years), "cost")
    add_count_rows(end_state, end_state_counts)
    kernel = kernel_plan(end_state, END_STATE_SHARE * seconds)
    if kernel is None:
        return None, []
    assert kernel.relaxation.values is not None  # ``kernel_plan`` has seen to it
    guides = [kernel.relaxation.values[end_state.columns.host.all]]
    target = (1 + solver.gap / 3) * kernel.relaxation.bound
    values = improve_years(
        (end_state.columns,),
        end_state.problem,
        end_state.model.arrays(),
        kernel.values,
        guides,
        IMPROVE_SHARE * seconds,
        lambda objective: objective <= target,
    )
    end_decision = read_decision(end_state, Result(Status.FEASIBLE, values=values))
    remaining = seconds - (time.perf_counter() - began)
    gap = max(solver.gap / 2, FIRST_PLAN_GAP)
    return _way_to(formulation, arrays, end_decision, remaining, gap), guides


def _way_to(
    formulation: YearsFormulation,
    arrays: Arrays,
    end_decision: Decision,
    seconds: float,
    gap: float,
) -> Floats | None:
    """Return the best plan of all years that ends as decided or, where there is no way to that,
    among its hosts; ``None`` where there is none in time."""
    began = time.perf_counter()
    solver = formulation.years.scenario.solver
    x = formulation.columns[-1]
    host = end_decision.host[x.hosts.building, x.hosts.service]
    tier = end_decision.tier[x.tier_building] == x.tier_tier
    among_hosts = _restrict_hosts(formulation, arrays, host | ~x.is_new, tier)
    end_state_fixed = fix_structure_of_year(among_hosts, x, end_decision)
    for model in (
        _keep_hosts(formulation, end_state_fixed, host & ~x.is_new),
        end_state_fixed,
        among_hosts,
    ):
        result = solve(
            model,
            Settings(
                time_limit_seconds=max(seconds - (time.perf_counter() - began), 1.0),
                gap=gap,
                threads=solver.threads,
                seed=solver.seed,
            ),
        )
        if result.values is not None:
            return result.values
    return None


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
    return solve(
        arrays, Settings(threads=solver.threads, seed=solver.seed, gap=FIRST_PLAN_GAP)
    ).values


def _search(
    formulation: YearsFormulation,
    arrays: Arrays,
    start: Floats | None,
    seconds: float,
    gap: float,
    progress: ProgressCallback | None = None,
) -> Result:
    """Minimise ``arrays`` with the scenario's engine."""
    solver = formulation.years.scenario.solver
    return solve(
        arrays,
        Settings(
            engine=solver.engine,
            time_limit_seconds=seconds,
            gap=gap,
            threads=solver.threads,
            seed=solver.seed,
            warm_start=start,
            progress=progress,
        ),
    )


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
