"""A plan, and a bound, where residents go by themselves and zones and hosts are many.

The rule's rows speak of every zone, service and host; on a county they are too many. Here the
model speaks of all residents of a service as one customer, as it does where the planner sends
them, and learns where they go from cuts (``equations/drawn.py``): first at points of the
relaxation, then at the hosts of every plan that is tried. What a host serves less than it draws
has a price far above what it could save, so that a search starts from the planner's plan; a plan
without such a lack is one of the place. Every bound is one of the whole problem.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placeopt.base.deadline import record_timeout
from placeopt.engine import Model, Progress, Result, Status, solve
from placeopt.engine.model import Arrays
from placeopt.estate.model.choice_cuts import (
    DemandCuts,
    add_demand_cuts,
    add_neighbour_cuts,
    add_violated_cuts,
)
from placeopt.estate.model.formulation import Formulation
from placeopt.estate.model.variables import Columns
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.estate.search.completion import assignment_implied_by_hosts
from placeopt.estate.search.kernel_search import (
    SUPPORT_TOLERANCE,
    fix_columns,
    kernel_plan_of,
    structural_mask,
)
from placeopt.estate.search.large_neighbourhood import structural_columns
from placeopt.estate.search.rounding_cuts import add_count_cuts
from placeopt.scenario.scenario import SolverSettings

Floats = NDArray[np.float64]
Watch = Callable[[Progress], None]
Bools = NDArray[np.bool_]
Plan = tuple[float, Floats]  # what it comes to, and a full vector
NEIGHBOURHOODS = 3  # of neighbourhoods
MAX_PAIRS_WITH_ROWS = 5_000  # up to so many pairs of a zone and a host the rule's own rows do
SHORTFALL_PENALTY = 1e-3  # of the least cost, for each m2 of floor that a host lacks
CUTS_SHARE, COUNT_SHARE, FIRST_PLAN_SHARE = 0.2, 0.1, 0.25  # of the time, at most
IMPROVE_SHARE = 0.7  # of the time left, for neighbourhoods; the rest is for the bound
TRY_SHARE = 0.15  # of that, at most, for one neighbourhood
FIRST_PLAN_GAP = 0.03  # of a first plan, which lacks as a rule
MAX_FAILURES = 12  # neighbourhoods in a row without a better plan, then it is left to the search
SHORTFALL_PRICES = (0.02, 0.08, 0.3, 1.0)  # of a lack, one after the other
BUILDINGS_FREE, SERVICES_FREE, HOSTS_FREE = 0.25, 0.3, 0.25  # shares that are free at first
GROW, SHRINK, MAX_SIZE_FACTOR = 1.25, 0.8, 4.0
IMPROVEMENT_TOLERANCE = 1e-6  # relative: a plan no better than this is no better
MAX_CUT_ROUNDS = 40  # of cuts at the relaxation, at most
MIN_BOUND_RISE = 2e-4  # of the bound: cuts at the relaxation that raise it by less are enough
RELAXATION_TOLERANCE = 1e-4  # of all visits to a service, that a point of the relaxation may break
PLAN_TOLERANCE = 1e-7  # the same, of a plan


def uses_cutting_planes(problems: Sequence[EstateProblem], named: Sequence[str]) -> bool:
    """Whether the hosts alone tell who goes where in every year, for the objectives named, and
    zones and hosts are too many for the rule's own rows."""
    one = problems[0]
    pairs = one.visits.astype(bool).sum(axis=0) @ one.hostable.sum(axis=0)
    many = bool(pairs * len(problems) > MAX_PAIRS_WITH_ROWS)
    return many and all(assignment_implied_by_hosts(problem, named) for problem in problems)


@dataclass
class CuttingPlaneModel:
    """A model of one year or several that learns where residents go; it only ever gains rows."""

    model: Model
    demand_cuts: Sequence[DemandCuts]  # of each year
    solver: SolverSettings
    shortfall_price: float = 1.0  # of a lack, in parts of what it is in the model

    def arrays(self) -> Arrays:
        """The model as it stands."""
        arrays = self.model.arrays()
        for drawing in self.demand_cuts:
            arrays.cost[drawing.shortfall.all] *= self.shortfall_price
        return arrays

    @property
    def columns(self) -> tuple[Columns, ...]:
        """Of each year."""
        return tuple(drawing.columns for drawing in self.demand_cuts)

    def solve(self, arrays: Arrays, seconds: float, gap: float, **more: Any) -> Result:
        """Minimise ``arrays`` as the scenario's solver settings ask."""
        return solve(
            arrays,
            time_limit_seconds=max(seconds, 0.5),
            gap=gap,
            threads=self.solver.threads,
            seed=self.solver.seed,
            **more,
        )

    def solve_relaxation(self, seconds: float) -> Result:
        """The linear relaxation with the cuts that it asks for; what stands counts at the limit."""
        began = time.perf_counter()
        last = Result(Status.NO_PLAN)
        for _ in range(MAX_CUT_ROUNDS):
            arrays = self.arrays()
            left = seconds - (time.perf_counter() - began)
            free = replace(arrays, integer=np.zeros_like(arrays.integer))
            result = self.solve(free, left, 0.0)
            if result.values is None:
                return result if result.status is Status.INFEASIBLE else last
            rise, last = result.bound - last.bound, result
            learnt = self.separate(result.values, RELAXATION_TOLERANCE)
            done = not learnt or rise < MIN_BOUND_RISE * abs(result.bound)
            if left < 1.0 and not done:
                record_timeout("the learning of where residents go")
            if left < 1.0 or done:
                break
        return last

    def separate(self, values: Floats, breach: float) -> int:
        """Add the cuts that ``values`` break; how many."""
        return sum(
            add_violated_cuts(self.model, drawing, values, breach) for drawing in self.demand_cuts
        )

    def without_shortfall(self) -> Arrays:
        """The model in which every host serves what it draws, as far as is known by now."""
        arrays = self.arrays()
        upper = arrays.upper.copy()
        for drawing in self.demand_cuts:
            upper[drawing.shortfall.all] = 0.0
        return replace(arrays, upper=upper)

    def repaired(self, values: Floats, seconds: float) -> Plan | None:
        """What the plan with these hosts comes to, its residents where they go, and its values."""
        kept = np.zeros(len(values), bool)
        for x in self.columns:
            for block in (x.open, x.host, x.tier):
                kept[block.all] = True
        while True:
            arrays = fix_columns(self.arrays(), kept, values)
            result = self.solve(arrays, seconds, 1e-5)
            if result.values is None or result.objective is None:
                return None
            if not self.separate(result.values, PLAN_TOLERANCE):
                return result.objective, result.values

    def hosts_short(self, values: Floats) -> Bools:
        """(H,) hosts that serve less than they draw, in any year."""
        found: Bools = np.any(
            [values[drawing.shortfall.all] > 10 * PLAN_TOLERANCE for drawing in self.demand_cuts],
            axis=0,
        )
        return found


def minimise_by_cutting_planes(
    model: Model,
    problems: Sequence[EstateProblem],
    columns: Sequence[Columns],
    solver: SolverSettings,
    seconds: float,
    progress: Watch | None,
) -> Result:
    """Minimise a model of all residents at large under ``problems``' rule of where they go.

    ``problems`` and ``columns`` are of each year. A result with a plan is one where residents do
    go so; ``INFEASIBLE`` is proven. The values are of the model's columns, and the model has
    gained columns and rows.
    """
    began = time.perf_counter()

    def left() -> float:
        return max(seconds - (time.perf_counter() - began), 1.0)

    learning, relaxation, plan = _relax_and_find_plan(
        model, problems, columns, solver, seconds, left
    )
    if relaxation.values is None:
        return relaxation
    bound = relaxation.bound
    if plan is not None:
        plan = improve(learning, plan, relaxation, IMPROVE_SHARE * left(), bound, progress)
    result = _prove(learning, plan, bound, left, progress)
    spent = {"solve": time.perf_counter() - began}
    return replace(result, seconds=spent, engine="highs", seed=solver.seed)


def _relax_and_find_plan(
    model: Model,
    problems: Sequence[EstateProblem],
    columns: Sequence[Columns],
    solver: SolverSettings,
    seconds: float,
    left: Callable[[], float],
) -> tuple[CuttingPlaneModel, Result, Plan | None]:
    """The relaxation with its cuts, and a first plan, which may lack."""
    plain = model.arrays()
    plain = replace(plain, integer=np.zeros_like(plain.integer))
    relaxation = solve(plain, time_limit_seconds=seconds / 4, gap=0.0, threads=solver.threads)
    if relaxation.values is None:
        return CuttingPlaneModel(model, (), solver), relaxation, None
    dear = SHORTFALL_PENALTY * max(abs(relaxation.bound), 1.0)
    drawings = []
    for problem, x in zip(problems, columns, strict=True):
        model.suffix = f"_{problem.year}"
        drawings.append(add_demand_cuts(model, problem, x, dear))
    model.suffix = ""
    learning = CuttingPlaneModel(model, drawings, solver)
    relaxation = learning.solve_relaxation(CUTS_SHARE * seconds)
    for problem, x in zip(problems, columns, strict=True):
        model.suffix = f"_{problem.year}"
        one = Formulation(problem, model, x)
        each = COUNT_SHARE * seconds / len(problems)
        add_count_cuts(one, one, each, learning.without_shortfall())
    model.suffix = ""
    found = kernel_plan_of(
        model.arrays(), columns, solver, FIRST_PLAN_SHARE * seconds, FIRST_PLAN_GAP
    )
    if found is None:
        return learning, relaxation, None
    best = max(found.relaxation.bound, relaxation.bound)
    relaxation = replace(found.relaxation, bound=best)
    plan = learning.repaired(found.values, left() / 2)
    if plan is not None:
        worth = candidate_hosts(columns, plan[1], relaxation)
        for drawing in drawings:
            add_neighbour_cuts(model, drawing, plan[1], worth)
    return learning, relaxation, plan


def plans_with_shortfall(
    problem: EstateProblem, formulation: Formulation, seconds: float
) -> Iterator[Floats]:
    """Plans of one year in which hosts serve less than they draw, ever less: those who come too
    many go past, where that is allowed. The last ones lack nothing, if there is such a plan."""
    began, solver = time.perf_counter(), problem.scenario.solver

    def left() -> float:
        return max(seconds - (time.perf_counter() - began), 1.0)

    model, x = formulation.model, formulation.columns
    learning, relaxation, plan = _relax_and_find_plan(
        model, (problem,), (x,), solver, seconds, left
    )
    for number, price in enumerate(SHORTFALL_PRICES):
        if plan is None:
            return
        learning.shortfall_price = price
        plan = learning.arrays().objective(plan[1]), plan[1]
        each = left() / (len(SHORTFALL_PRICES) - number)
        plan = improve(learning, plan, relaxation, each, -np.inf)
        yield plan[1]


def improve(
    learning: CuttingPlaneModel,
    plan: Plan,
    relaxation: Result,
    seconds: float,
    bound: float,
    watch: Watch | None = None,
) -> Plan:
    """A plan no worse, one part of it after another solved again; first where hosts lack."""
    gap = learning.solver.gap
    rng = np.random.default_rng(learning.solver.seed)
    choices = structural_mask(learning.columns, len(plan[1]))
    began = time.perf_counter()
    wide, failed = np.ones(NEIGHBOURHOODS), 0
    for tries in itertools.count():
        left = seconds - (time.perf_counter() - began)
        lacks = learning.hosts_short(plan[1]).any()
        near = plan[0] - bound <= gap * abs(plan[0])
        done = near or failed >= (3 * MAX_FAILURES if lacks else MAX_FAILURES)
        if left <= 0 and not done:
            record_timeout("the search for better plans")
        if left <= 0 or done:
            break
        kind = tries % NEIGHBOURHOODS
        free = _neighbourhood(learning, plan[1], relaxation, kind, wide[kind], rng)
        part = fix_columns(learning.arrays(), choices & ~free, plan[1])
        each = min(left, TRY_SHARE * seconds)
        found = learning.solve(part, each, gap / 10, start=plan[1])
        done = found.status is Status.OPTIMAL
        wide[kind] = min(GROW * wide[kind], MAX_SIZE_FACTOR) if done else SHRINK * wide[kind]
        failed += 1
        if found.status is Status.INTERRUPTED:
            break
        if found.values is None or found.objective is None:
            continue
        if found.objective < plan[0] - IMPROVEMENT_TOLERANCE * abs(plan[0]):
            better = learning.repaired(found.values, left)
            if better is not None and better[0] < plan[0] - IMPROVEMENT_TOLERANCE * abs(plan[0]):
                plan, failed = better, 0
                if watch and not learning.hosts_short(plan[1]).any():
                    watch(Progress(time.perf_counter() - began, plan[0], bound))
    return plan


def candidate_hosts(columns: Sequence[Columns], values: Floats, relaxation: Result) -> Bools:
    """(H,) hosts of today, of the plan or of use to the relaxation, in any year."""
    assert relaxation.values is not None  # ``minimise_by_cutting_planes`` has seen to it
    found = ~columns[0].is_new
    for x in columns:
        found = (
            found | (values[x.host.all] > 0.5) | (relaxation.values[x.host.all] > SUPPORT_TOLERANCE)
        )
    return found


def _neighbourhood(
    learning: CuttingPlaneModel,
    values: Floats,
    relaxation: Result,
    kind: int,
    wide: float,
    rng: np.random.Generator,
) -> Bools:
    """(columns,) what may change, in all years: around a building, and its services' hosts; or
    some services; or where plan and relaxation differ. A building, or services, that lack come
    first. Of hosts only those of today, of the plan, or of use to the relaxation."""
    columns, problem = learning.columns, learning.demand_cuts[0].problem
    assert relaxation.values is not None  # ``minimise_by_cutting_planes`` has seen to it
    x, b, services = columns[0], problem.buildings, len(problem.services.ids)
    lacks = np.flatnonzero(learning.hosts_short(values))
    plan = np.max([values[of.host.all] for of in columns], axis=0)
    guide = np.max([relaxation.values[of.host.all] for of in columns], axis=0)
    worth = candidate_hosts(columns, values, relaxation)
    if kind == 0:
        one = rng.choice(lacks) if len(lacks) else -1
        of = x.hosts.building[one] if len(lacks) else rng.integers(len(b.ids))
        far = np.hypot(b.x_m - b.x_m[of], b.y_m - b.y_m[of])
        near = np.zeros(len(b.ids), bool)
        near[np.argsort(far)[: max(2, round(BUILDINGS_FREE * wide * len(b.ids)))]] = True
        host = near[x.hosts.building]
        if len(lacks):
            host |= x.hosts.service == x.hosts.service[one]
    elif kind == 1:
        order = rng.permutation(services)
        order = order[np.argsort(~np.isin(order, x.hosts.service[lacks]), kind="stable")]
        host = np.isin(x.hosts.service, order[: max(2, round(SERVICES_FREE * wide * services))])
    else:
        draw = np.abs(plan - guide) + 0.2 * rng.random(len(plan))
        host = np.zeros(len(plan), bool)
        host[np.argsort(-draw)[: max(2, round(HOSTS_FREE * wide * worth.sum()))]] = True
    host &= worth
    touched = np.zeros(len(b.ids), bool)
    touched[x.hosts.building[host]] = True
    return structural_columns(columns, host, touched, len(values))


def _prove(
    learning: CuttingPlaneModel,
    plan: Plan | None,
    bound: float,
    left: Callable[[], float],
    progress: Watch | None,
) -> Result:
    """The whole model searched while time is left: what it finds is borne out, or learnt from."""
    gap = learning.solver.gap
    if plan is not None and learning.hosts_short(plan[1]).any():
        plan = None
    while plan is None or plan[0] - bound > gap * abs(plan[0]):
        start = None if plan is None else plan[1]
        arrays = learning.without_shortfall()
        found = learning.solve(arrays, left(), gap, start=start, progress=progress)
        bound = max(bound, found.bound)
        if found.status is Status.INFEASIBLE and plan is None:
            return found
        if found.values is None:
            break
        better = learning.repaired(found.values, left())
        if better is not None and not learning.hosts_short(better[1]).any():
            plan = better if plan is None or better[0] < plan[0] else plan
        if found.status is not Status.OPTIMAL or left() <= 1.0:
            break
    if plan is None:
        return Result(Status.NO_PLAN, bound=bound)
    result = Result(Status.FEASIBLE, objective=plan[0], bound=min(bound, plan[0]), values=plan[1])
    return replace(result, status=Status.OPTIMAL) if result.gap <= gap else result
