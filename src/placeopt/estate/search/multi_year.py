"""Find a plan over years and prove how good it is.

A model of a few hundred decisions goes to the engine whole. A larger one is taken apart:

- the state to end in, decided and improved for the last year by itself, then the best way there;
- then one part of the plan after another solved again, in all years at once
  (``large_neighbourhood``);
- beside it, a bound from the years by themselves, priced by the relaxation of all of them
  (``engine.lagrangian_decomposition``).

Who is served where is settled last, year by year: least minutes for what each host serves.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
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
from placeopt.estate.search.kernel_search import kernel_plan
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
Watch = Callable[[Progress], None]
MAX_DECISIONS_WHOLE = 700  # up to so many yes-or-no decisions the engine is given the whole model
FIRST_PLAN_GAP = 0.002  # of the order of a first plan
LAST_YEAR_SHARE = 0.6  # of the time for the bound, for the last year: most of the money is in it
STRENGTHEN_SHARE = 0.1  # of the time, at most
FIRST_PLAN_SHARE = 0.6  # of the time, at most, for a first plan; it is there sooner as a rule
END_STATE_SHARE = 0.35  # of that, at most, for a state to end in
IMPROVE_SHARE = 0.25  # of that, at most, to improve the state before the way there is sought
BOUND_SHARE = 0.6  # of the time left on one thread, for the bound


def solve_years(years: Years, progress: Watch | None = None) -> Outcome[Timeline]:
    """The best plan within the scenario's gap and time limit; one year is ``scale.find``'s.

    Where the scenario leaves ``minimise`` out, visits are then sent nearer (``reassignment.py``).
    """
    began = time.perf_counter()
    outcome = _minimise_objectives(years, progress)
    if outcome.solution is None or not uses_reassignment(years.scenario):
        return outcome
    limit = years.scenario.solver.time_limit_seconds
    seconds = max(limit - (time.perf_counter() - began), REASSIGNMENT_SHARE * limit)
    return reassign_visits(years, outcome, seconds)


def _minimise_objectives(years: Years, progress: Watch | None) -> Outcome[Timeline]:
    """The scenario's objectives one after another."""
    if len(years.problems) == 1:
        alone = solve_year(years.first, progress)
        return Outcome(
            alone.stages, None if alone.solution is None else Timeline((alone.solution,))
        )

    def one(
        name: str, ceilings: list[tuple[str, float]], timeline: Timeline | None, seconds: float
    ) -> tuple[Result, Timeline | None]:
        began = time.perf_counter()
        named = [name, *(other for other, _ in ceilings)]
        if uses_cutting_planes(years.problems, named):
            alone = tuple(without_assignment_rules(problem) for problem in years.problems)
            stated = formulate_years(replace(years, problems=alone), name, ceilings, relaxed=True)
            model, x, solver = stated.model, stated.columns, years.scenario.solver
            result = minimise_by_cutting_planes(model, years.problems, x, solver, seconds, progress)
            found = read_timeline(stated, result) if result.has_plan else None
            if found is None or _served_standards_met(years, complete_years(years, found, named)):
                return result, found
            seconds = max(seconds - (time.perf_counter() - began), 1.0)
        stated = formulate_years(years, name, ceilings)
        result = minimise(stated, timeline, seconds, progress)
        return result, read_timeline(stated, result) if result.has_plan else None

    return minimise_in_order(
        years.scenario,
        one,
        lambda timeline, stages: complete_years(
            years, timeline, [stage.objective for stage in stages]
        ),
        lambda timeline, name: objective_value(years, timeline, name),
    )


def _served_standards_met(years: Years, timeline: Timeline) -> bool:
    """Whether every standard that is met by service given is met in every year."""
    pairs = zip(years.problems, timeline.decisions, strict=True)
    return all(served_standards_met(problem, decision) for problem, decision in pairs)


def minimise(
    stated: YearsFormulation, timeline: Timeline | None, seconds: float, progress: Watch | None
) -> Result:
    """The model over years to the scenario's gap, within ``seconds``."""
    began = time.perf_counter()
    large = _is_large(stated)
    able = engine_named(stated.years.scenario.solver.engine).warm_start
    least = add_count_cuts_by_year(stated, STRENGTHEN_SHARE * seconds) if large else []
    arrays = stated.model.arrays()
    start = _warm_start(stated, arrays, timeline) if timeline is not None and able else None
    seconds -= time.perf_counter() - began
    if not able or not large:
        return _search(stated, arrays, start, seconds, stated.years.scenario.solver.gap, progress)
    return _solve_decomposed(stated, arrays, start, least, seconds, progress)


def _is_large(stated: YearsFormulation) -> bool:
    return (
        sum(x.open.size + x.host.size + x.tier.size for x in stated.columns) > MAX_DECISIONS_WHOLE
    )


def add_count_cuts_by_year(stated: YearsFormulation, seconds: float) -> list[float]:
    """In each year the least number of hosts and buildings, as one year's search has it; returns
    the last year's, which comes first: most of the money is in it, and the others start from it."""
    began = time.perf_counter()
    bases: list[Any] = []
    by_year: list[list[float]] = []
    for t in reversed(range(len(stated.years.problems))):
        problem = stated.years.problems[t]
        stated.model.suffix = f"_{problem.year}"
        left = seconds - (time.perf_counter() - began)
        by_year.append(add_count_cuts(stated.year(t), formulate(problem), left, bases=bases))
    stated.model.suffix = ""
    return by_year[0]


def _solve_decomposed(
    stated: YearsFormulation,
    arrays: Arrays,
    start: Floats | None,
    least: list[float],
    seconds: float,
    progress: Watch | None,
) -> Result:
    """A plan and a bound, one after the other on one thread, side by side on more."""
    solver = stated.years.scenario.solver
    began = time.perf_counter()
    proof = BoundProof(stated, arrays, began, progress)

    def left() -> float:
        return max(seconds - (time.perf_counter() - began), 1.0)

    def enough(objective: float) -> bool:
        proof.report(objective)
        return objective - proof.bound <= solver.gap * abs(objective)

    guides: list[Floats] = []
    if start is not None:
        proof.report(arrays.objective(start))
    with proof.in_background(left() if solver.threads > 1 else None):
        if start is None:
            start, guides = _first_plan(stated, arrays, least, FIRST_PLAN_SHARE * left())
        if solver.threads == 1:
            proof.prove(BOUND_SHARE * left())
        if start is None:
            alone = _search(stated, arrays, None, left(), solver.gap)
            proof.stop()
            return alone
        guides += [values[stated.columns[-1].host.all] for values in proof.year_plans]
        years, last = stated.columns, stated.years.last
        start = improve_years(years, last, arrays, start, guides, left(), enough)
    objective = arrays.objective(start)
    bound = min(proof.bound, objective)
    plan = Result(Status.FEASIBLE, objective=objective, bound=bound, values=start)
    status = Status.OPTIMAL if plan.gap <= solver.gap else Status.FEASIBLE
    spent = {"solve": time.perf_counter() - began}
    return replace(plan, status=status, seconds=spent, engine=solver.engine, seed=solver.seed)


class BoundProof:
    """The bound from each year by itself, priced by the relaxation of all of them."""

    def __init__(
        self, stated: YearsFormulation, arrays: Arrays, began: float, progress: Watch | None
    ) -> None:
        self.bound = -np.inf
        self.year_plans: list[Floats] = []  # of single years, in the whole's columns
        self._stated, self._arrays, self._began, self._watch = stated, arrays, began, progress
        self._objective: float | None = None
        self._stop = threading.Event()

    def report(self, objective: float) -> None:
        """A plan costs so much; whoever watches is told of it and of the bound so far."""
        self._objective = objective
        if self._watch:
            seconds = time.perf_counter() - self._began
            self._watch(Progress(seconds, self._objective, self.bound))

    @contextmanager
    def in_background(self, seconds: float | None) -> Iterator[None]:
        """Prove beside what is done meanwhile; ``None``: not beside it."""
        if seconds is None:
            yield
            return
        record_timeout("the proof beside the search, on a thread of its own")
        with ThreadPoolExecutor(1, "placeopt-bound") as pool:
            proved = pool.submit(copy_context().run, self.prove, seconds)
            try:
                yield
                if interrupted():
                    self.stop()
                proved.result()
            except BaseException:
                self.stop()
                raise

    def stop(self) -> None:
        """End what runs beside with what is proven by now."""
        self._stop.set()

    def prove(self, seconds: float) -> None:
        """Prices of the relaxation and what they prove, then each year by itself."""
        solver = self._stated.years.scenario.solver
        stop = self._stop.is_set
        began = time.perf_counter()
        prices = relaxation_duals(self._arrays, 0.75 * seconds, 1, stop)
        if prices is None:  # the years without what links them: a bound, if a weak one
            prices = np.zeros(len(self._arrays.row_lower))
        self.bound = dual_bound(self._arrays, prices)
        parts = decompose(
            self._arrays, _year_of_columns(self._stated, len(self._arrays.cost)), prices
        )
        left = max(seconds - (time.perf_counter() - began), 0.2 * seconds)
        others = len(parts.parts) - 1
        shares = [*[(1 - LAST_YEAR_SHARE) / others] * others, LAST_YEAR_SHARE]
        bound, found = bound_from_parts(parts, left, shares, solver.gap / 3, 1, solver.seed, stop)
        self.year_plans += found
        self.bound = max(self.bound, bound)


def _year_of_columns(stated: YearsFormulation, size: int) -> NDArray[np.int64]:
    """(columns,) the year that each belongs to; -1 for those that link years."""
    links = stated.links
    part = np.full(size, -1)
    for t, problem in enumerate(stated.years.problems):
        for name, block in stated.model.columns.items():
            if name.endswith(f"_{problem.year}"):
                part[block.all] = t
        for of_link in links.blocks:
            part[of_link[t].all] = -1
    return part


def _restrict_hosts(
    stated: YearsFormulation, arrays: Arrays, host: NDArray[np.bool_], tier: NDArray[np.bool_]
) -> Arrays:
    """The model with the hosts (H,) and tiers (K,) of the year's columns that may be used."""
    upper = arrays.upper.copy()
    for x in stated.columns:
        upper[x.host.all] = np.minimum(upper[x.host.all], host)
        upper[x.tier.all] = np.minimum(upper[x.tier.all], tier)
    return replace(arrays, upper=upper)


def _first_plan(
    stated: YearsFormulation, arrays: Arrays, least: list[float], seconds: float
) -> tuple[Floats | None, list[Floats]]:
    """A good state for the last year, then the best way there; should there be no way, the best
    plan among what that state makes use of. ``None`` where there is none within the time. With
    the hosts that the relaxation of the last year makes use of."""
    began = time.perf_counter()
    solver = stated.years.scenario.solver
    goal = formulate(_last_year_problem(stated.years), "cost")
    add_count_rows(goal, least)
    found = kernel_plan(goal, END_STATE_SHARE * seconds)
    if found is None:
        return None, []
    assert found.relaxation.values is not None  # ``kernel_plan`` has seen to it
    guides = [found.relaxation.values[goal.columns.host.all]]
    near = (1 + solver.gap / 3) * found.relaxation.bound
    values = improve_years(
        (goal.columns,),
        goal.problem,
        goal.model.arrays(),
        found.values,
        guides,
        IMPROVE_SHARE * seconds,
        lambda objective: objective <= near,
    )
    wanted = read_decision(goal, Result(Status.FEASIBLE, values=values))
    x = stated.columns[-1]
    host = wanted.host[x.hosts.building, x.hosts.service]
    tier = wanted.tier[x.tier_building] == x.tier_tier
    smaller = _restrict_hosts(stated, arrays, host | ~x.is_new, tier)
    straight = fix_structure_of_year(smaller, x, wanted)
    for tried in (_keep_hosts(stated, straight, host & ~x.is_new), straight, smaller):
        result = solve(
            tried,
            time_limit_seconds=max(seconds - (time.perf_counter() - began), 1.0),
            gap=max(solver.gap / 2, FIRST_PLAN_GAP),
            threads=solver.threads,
            seed=solver.seed,
        )
        if result.values is not None:
            return result.values, guides
    return None, guides


def _keep_hosts(stated: YearsFormulation, arrays: Arrays, stays: NDArray[np.bool_]) -> Arrays:
    """The model with services that are somewhere today and in the end there all the time."""
    lower = arrays.lower.copy()
    for x in stated.columns:
        lower[x.host.all] = np.maximum(lower[x.host.all], stays)
    return replace(arrays, lower=lower)


def _last_year_problem(years: Years) -> EstateProblem:
    """The last year as if it alone were decided, with the capital of all years."""
    pots = [
        rule.model_copy(update={"pot_gbp": float(sum(rule.pots()))})
        for rule in years.scenario.of(Capital)
    ]
    scenario = years.last.scenario
    alone = scenario.with_rules((*scenario.rules, *pots))
    return replace(years.last, scenario=alone)


def _warm_start(stated: YearsFormulation, arrays: Arrays, timeline: Timeline) -> Floats | None:
    """A full vector that agrees with ``timeline``; None where there is none."""
    for x, decision in zip(stated.columns, timeline.decisions, strict=True):
        arrays = fix_structure_of_year(arrays, x, decision)
    solver = stated.years.scenario.solver
    return solve(arrays, threads=solver.threads, seed=solver.seed, gap=FIRST_PLAN_GAP).values


def _search(
    stated: YearsFormulation,
    arrays: Arrays,
    start: Floats | None,
    seconds: float,
    gap: float,
    progress: Watch | None = None,
) -> Result:
    solver = stated.years.scenario.solver
    return solve(
        arrays,
        engine=solver.engine,
        time_limit_seconds=seconds,
        gap=gap,
        threads=solver.threads,
        seed=solver.seed,
        warm_start=start,
        progress=progress,
    )


def read_timeline(stated: YearsFormulation, result: Result) -> Timeline:
    """The decisions that a result's values speak of."""
    return Timeline(
        tuple(read_decision(stated.year(t), result) for t in range(len(stated.columns)))
    )


def complete_years(years: Years, timeline: Timeline, objectives: Sequence[str]) -> Timeline:
    """The same buildings, hosts and floor, everybody as near as that lets them be. Where a rule
    says who goes where, or an objective in the last year, the model has said it."""
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
    """One year's decision of ``complete_years``."""
    if assignment_implied_by_hosts(problem, objectives):
        return assign_all_by_choice(problem, decision)
    worst_off = "worst_off" in objective_parts(problem, objectives)
    if not has_assignment_rules(problem) and not worst_off:
        return assign_with_least_minutes(problem, decision)
    said = services_needing_zones(problem, objectives)
    return decision if said is None else assign_with_least_minutes(problem, decision, ~said)
