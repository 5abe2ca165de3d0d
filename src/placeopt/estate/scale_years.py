"""Find a plan over years and prove how good it is.

A model of a few hundred decisions goes to the engine whole. A larger one is taken apart:

- the state to end in, decided for the last year by itself, then the order of the way there: a
  first plan within moments;
- a bound from the years by themselves, priced by the relaxation of all of them (``engine.split``);
- kernel search over years: only buildings, hosts and tiers that today, the plan so far or one of
  the years by itself makes use of (Angelelli, Mansini and Speranza 2010).

Who is served where is settled last, year by year: least minutes for what each host serves.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from placeopt.engine import Progress, Result, Status, solve
from placeopt.engine.model import Arrays
from placeopt.engine.registry import engine as engine_named
from placeopt.engine.split import bound_of_parts, relaxation_prices, split
from placeopt.estate.assign import with_least_minutes
from placeopt.estate.columns import Columns
from placeopt.estate.course import Course, value
from placeopt.estate.decision import Decision
from placeopt.estate.formulate import WHO_GOES_WHERE, formulate
from placeopt.estate.formulate_years import YearsFormulation, formulate_years
from placeopt.estate.kernel import first_plan
from placeopt.estate.problem import EstateProblem
from placeopt.estate.scale import find
from placeopt.estate.settle import read
from placeopt.estate.stages import Outcome, in_order
from placeopt.estate.strengthen import count_at_least
from placeopt.estate.years import Years
from placeopt.scenario.estate_rules import Capital

Watch = Callable[[Progress], None]
WHOLE = 700  # up to so many yes-or-no decisions the engine is given the whole model
FIRST_GAP = 0.002  # of the order of a first plan
LAST_SHARE = 0.5  # of the time for the bound, for the last year: most of the money is in it
STRENGTHEN_SHARE = 0.1  # of the time, at most
FIRST_SHARE = 0.6  # of the time, at most, for a first plan; it is there sooner as a rule
BOUND_SHARE = 0.6  # of the time left, for the bound


def find_years(years: Years, progress: Watch | None = None) -> Outcome[Course]:
    """The best plan within the scenario's gap and time limit; one year is ``scale.find``'s."""
    if len(years.problems) == 1:
        alone = find(years.first, progress)
        return Outcome(alone.stages, None if alone.found is None else Course((alone.found,)))

    def one(
        name: str, ceilings: list[tuple[str, float]], course: Course | None, seconds: float
    ) -> tuple[Result, Course | None]:
        stated = formulate_years(years, name, ceilings)
        result = minimise(stated, course, seconds, progress)
        return result, read_course(stated, result) if result.has_plan else None

    return in_order(
        years.scenario,
        one,
        lambda course, _: settled(years, course),
        lambda course, name: value(years, course, name),
    )


def minimise(
    stated: YearsFormulation, course: Course | None, seconds: float, progress: Watch | None
) -> Result:
    """The model over years to the scenario's gap, within ``seconds``."""
    began = time.perf_counter()
    if _large(stated):
        strengthen(stated, STRENGTHEN_SHARE * seconds)
    arrays = stated.model.arrays()
    seconds -= time.perf_counter() - began
    able = engine_named(stated.years.scenario.solver.engine).start
    start = _lifted(stated, arrays, course) if course is not None and able else None
    if not able or not _large(stated):
        return _search(stated, arrays, start, seconds, stated.years.scenario.solver.gap, progress)
    return _apart(stated, arrays, start, seconds, progress)


def _large(stated: YearsFormulation) -> bool:
    return sum(x.open.size + x.host.size + x.tier.size for x in stated.columns) > WHOLE


def strengthen(stated: YearsFormulation, seconds: float) -> None:
    """In each year the least number of hosts and buildings, as one year's search has it."""
    each = seconds / len(stated.columns)
    for t, problem in enumerate(stated.years.problems):
        stated.model.suffix = f"_{problem.year}"
        count_at_least(stated.year(t), formulate(problem), each)
    stated.model.suffix = ""


def _apart(
    stated: YearsFormulation,
    arrays: Arrays,
    start: NDArray[np.float64] | None,
    seconds: float,
    progress: Watch | None,
) -> Result:
    """A first plan, a bound from the years by themselves, then kernel search."""
    solver = stated.years.scenario.solver
    began = time.perf_counter()

    def left() -> float:
        return max(seconds - (time.perf_counter() - began), 1.0)

    def report(bound: float) -> None:
        if progress:
            known = None if start is None else arrays.objective(start)
            progress(Progress(time.perf_counter() - began, known, bound))

    if start is None:
        start = _sequenced(stated, arrays, FIRST_SHARE * left())
        report(-np.inf)
    bound, used = _bound_by_years(stated, arrays, BOUND_SHARE * left())
    report(bound)
    if start is not None:
        used.append(start)
    if start is None or arrays.objective(start) - bound > solver.gap * abs(arrays.objective(start)):
        kernel = _kernel(stated, arrays, used)
        result = _search(stated, kernel, start, left(), solver.gap / 3)
        if result.values is None and start is None:
            return _search(stated, arrays, None, left(), solver.gap)
        start = start if result.values is None else result.values
        report(bound)
    assert start is not None
    objective = arrays.objective(start)
    bound = min(bound, objective)
    plan = Result(Status.FEASIBLE, objective=objective, bound=bound, values=start)
    status = Status.OPTIMAL if plan.gap <= solver.gap else Status.FEASIBLE
    spent = {"solve": time.perf_counter() - began}
    return replace(plan, status=status, seconds=spent, engine=solver.engine, seed=solver.seed)


def _bound_by_years(
    stated: YearsFormulation, arrays: Arrays, seconds: float
) -> tuple[float, list[NDArray[np.float64]]]:
    """A bound from each year by itself, and the plans found of each, in the whole's columns."""
    solver = stated.years.scenario.solver
    began = time.perf_counter()
    prices = relaxation_prices(arrays, 0.75 * seconds, solver.threads)
    if prices is None:  # the years without what links them: a bound, if a weak one
        prices = np.zeros(len(arrays.row_lower))
    parts = split(arrays, _year_of_columns(stated, len(arrays.cost)), prices)
    left = max(seconds - (time.perf_counter() - began), 0.2 * seconds)
    others = len(parts.parts) - 1
    each = [*[(1 - LAST_SHARE) * left / others] * others, LAST_SHARE * left]
    bound, results = bound_of_parts(parts, each, solver.gap / 3, solver.threads, solver.seed)
    found = []
    for part, result in zip(parts.parts, results, strict=True):
        if result.values is not None:
            values = np.zeros(len(arrays.cost))
            values[part.columns] = result.values
            found.append(values)
    return bound, found


def _year_of_columns(stated: YearsFormulation, size: int) -> NDArray[np.int64]:
    """(columns,) the year that each belongs to; -1 for those that link years."""
    links = stated.links
    part = np.full(size, -1)
    for t, problem in enumerate(stated.years.problems):
        for name, block in stated.model.columns.items():
            if name.endswith(f"_{problem.year}"):
                part[block.all] = t
        for of_link in (links.enters, links.leaves, links.takes, links.opens, links.fitted):
            part[of_link[t].all] = -1
    return part


def _kernel(stated: YearsFormulation, arrays: Arrays, plans: list[NDArray[np.float64]]) -> Arrays:
    """Only hosts that today or one of the plans has in some year, and their tiers."""
    x = stated.columns[0]
    host = ~x.new
    tier = np.zeros(x.tier.size, bool)
    for values in plans:
        for of_year in stated.columns:
            host = host | (values[of_year.host.all] > 0.5)
            tier = tier | (values[of_year.tier.all] > 0.5)
    return _restricted(stated, arrays, host, tier)


def _restricted(
    stated: YearsFormulation, arrays: Arrays, host: NDArray[np.bool_], tier: NDArray[np.bool_]
) -> Arrays:
    """The model with the hosts (H,) and tiers (K,) of the year's columns that may be used."""
    upper = arrays.upper.copy()
    for x in stated.columns:
        upper[x.host.all] = np.minimum(upper[x.host.all], host)
        upper[x.tier.all] = np.minimum(upper[x.tier.all], tier)
    return replace(arrays, upper=upper)


def _sequenced(
    stated: YearsFormulation, arrays: Arrays, seconds: float
) -> NDArray[np.float64] | None:
    """A good state for the last year, then the best way there; should there be no way, the best
    plan among what that state makes use of. ``None`` where there is none within the time."""
    began = time.perf_counter()
    solver = stated.years.scenario.solver
    goal = formulate(_last_alone(stated.years), "cost")
    values = first_plan(goal, 0.5 * seconds)
    if values is None:
        return None
    wanted = read(goal, Result(Status.FEASIBLE, values=values))
    x = stated.columns[-1]
    host = wanted.host[x.hosts.building, x.hosts.service]
    tier = wanted.tier[x.tier_building] == x.tier_tier
    smaller = _restricted(stated, arrays, host | ~x.new, tier)
    straight = _in_state(smaller, x, wanted)
    for tried in (_what_stays_is_there(stated, straight, host & ~x.new), straight, smaller):
        result = solve(
            tried,
            time_limit_seconds=max(seconds - (time.perf_counter() - began), 1.0),
            gap=max(solver.gap / 2, FIRST_GAP),
            threads=solver.threads,
            seed=solver.seed,
        )
        if result.values is not None:
            return result.values
    return None


def _what_stays_is_there(
    stated: YearsFormulation, arrays: Arrays, stays: NDArray[np.bool_]
) -> Arrays:
    """The model with services that are somewhere today and in the end there all the time."""
    lower = arrays.lower.copy()
    for x in stated.columns:
        lower[x.host.all] = np.maximum(lower[x.host.all], stays)
    return replace(arrays, lower=lower)


def _last_alone(years: Years) -> EstateProblem:
    """The last year as if it alone were decided, with the capital of all years."""
    pots = [
        rule.model_copy(update={"pot_gbp": float(sum(rule.pots()))})
        for rule in years.scenario.of(Capital)
    ]
    scenario = years.last.scenario
    alone = scenario.model_copy(update={"rules": (*scenario.rules, *pots)})
    return replace(years.last, scenario=alone)


def _in_state(arrays: Arrays, x: Columns, decision: Decision) -> Arrays:
    """The model with one year's buildings, hosts and tiers as in ``decision``."""
    lower, upper = arrays.lower.copy(), arrays.upper.copy()
    for numbers, state in (
        (x.open.all, decision.open),
        (x.host.all, decision.host[x.hosts.building, x.hosts.service]),
        (x.tier.all, decision.tier[x.tier_building] == x.tier_tier),
    ):
        lower[numbers] = upper[numbers] = state
    return replace(arrays, lower=lower, upper=upper)


def _lifted(stated: YearsFormulation, arrays: Arrays, course: Course) -> NDArray[np.float64] | None:
    """A full vector that agrees with ``course``; None where there is none."""
    for x, decision in zip(stated.columns, course.decisions, strict=True):
        arrays = _in_state(arrays, x, decision)
    solver = stated.years.scenario.solver
    return solve(arrays, threads=solver.threads, seed=solver.seed, gap=FIRST_GAP).values


def _search(
    stated: YearsFormulation,
    arrays: Arrays,
    start: NDArray[np.float64] | None,
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
        start=start,
        progress=progress,
    )


def read_course(stated: YearsFormulation, result: Result) -> Course:
    """The decisions that a result's values speak of."""
    return Course(tuple(read(stated.year(t), result) for t in range(len(stated.columns))))


def settled(years: Years, course: Course) -> Course:
    """The same buildings, hosts and floor, everybody as near as that lets them be. Where a rule
    says who goes where, the model has said it."""
    return Course(
        tuple(
            decision
            if any(isinstance(rule, WHO_GOES_WHERE) for rule in problem.scenario.rules)
            else with_least_minutes(problem, decision)
            for problem, decision in zip(years.problems, course.decisions, strict=True)
        )
    )
