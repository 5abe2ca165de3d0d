"""Cutting planes for a plan and a bound where residents choose their hosts and pairs are many.

Rule E16 has rows for every zone, service and host; on a county they are too many. Here all
residents of a service are one customer, as under a planner, and the model gains cuts on what each
host must serve (``model/choice_cuts.py``): first at points of the relaxation, then at the hosts of
every plan found. Demand that a host does not serve is its shortfall. Shortfall has a
penalty far above what it could save, so that the search can start from a planner's plan; a plan
without shortfall is one of the place. Every bound is one of the whole problem.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from placeopt.base.deadline import record_timeout
from placeopt.engine import Model, Progress, Result, Status, solve
from placeopt.engine.model import Arrays
from placeopt.engine.settings import ProgressCallback, Settings
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
Bools = NDArray[np.bool_]
Plan = tuple[float, Floats]  # objective and full vector
NEIGHBOURHOODS = 3  # kinds
MAX_PAIRS_WITH_ROWS = 5_000  # pairs of a zone and a host up to which the rule's own rows are used
SHORTFALL_PENALTY = 1e-3  # of the least cost, for each m2 of floor of the shortfall
CUTS_SHARE, COUNT_SHARE, FIRST_PLAN_SHARE = 0.2, 0.1, 0.25  # of the time, at most
IMPROVE_SHARE = 0.7  # of the time left, for neighbourhoods; the rest is for the bound
TRY_SHARE = 0.15  # of that, at most, for one neighbourhood
FIRST_PLAN_GAP = 0.03  # of a first plan, which usually has shortfall
MAX_FAILURES = 12  # neighbourhoods in a row without a better plan before the search ends
SHORTFALL_PRICES = (0.02, 0.08, 0.3, 1.0)  # of ``plans_with_shortfall``, in turn
BUILDINGS_FREE, SERVICES_FREE, HOSTS_FREE = 0.25, 0.3, 0.25  # shares free at first
GROW, SHRINK, MAX_SIZE_FACTOR = 1.25, 0.8, 4.0  # of neighbourhoods
IMPROVEMENT_TOLERANCE = 1e-6  # relative: a smaller improvement does not count
MAX_CUT_ROUNDS = 40  # at the relaxation
MIN_BOUND_RISE = 2e-4  # of the bound: a round of cuts that raises it by less is the last
RELAXATION_TOLERANCE = 1e-4  # of all visits to a service: violation allowed at the relaxation
PLAN_TOLERANCE = 1e-7  # the same, of a plan


def uses_cutting_planes(problems: Sequence[EstateProblem], objectives: Sequence[str]) -> bool:
    """Whether to solve by cutting planes: the hosts imply the assignment in every year for these
    objectives, and there are too many pairs for the rows of the rule."""
    first = problems[0]
    pairs = first.visits.astype(bool).sum(axis=0) @ first.hostable.sum(axis=0)
    is_large = bool(pairs * len(problems) > MAX_PAIRS_WITH_ROWS)
    return is_large and all(
        assignment_implied_by_hosts(problem, objectives) for problem in problems
    )


@dataclass
class CuttingPlaneModel:
    """A model of one year or several that gains demand cuts; rows are never removed.

    Attributes:
        model: all residents of a service as one customer.
        demand_cuts: columns and cuts of each year.
        solver: engine settings of the scenario.
        shortfall_price: factor on the penalty of shortfall.
    """

    model: Model
    demand_cuts: Sequence[DemandCuts]
    solver: SolverSettings
    shortfall_price: float = 1.0

    def arrays(self) -> Arrays:
        """Return the arrays of the model with its present cuts."""
        arrays = self.model.arrays()
        for cuts in self.demand_cuts:
            arrays.cost[cuts.shortfall.all] *= self.shortfall_price
        return arrays

    @property
    def columns(self) -> tuple[Columns, ...]:
        """The columns of each year."""
        return tuple(cuts.columns for cuts in self.demand_cuts)

    def solve(
        self,
        arrays: Arrays,
        seconds: float,
        gap: float,
        *,
        warm_start: Floats | None = None,
        progress: ProgressCallback | None = None,
    ) -> Result:
        """Minimise ``arrays`` with the scenario's solver settings."""
        return solve(
            arrays,
            Settings(
                time_limit_seconds=max(seconds, 0.5),
                gap=gap,
                threads=self.solver.threads,
                seed=self.solver.seed,
                warm_start=warm_start,
                progress=progress,
            ),
        )

    def solve_relaxation(self, seconds: float) -> Result:
        """Return the linear relaxation with its violated cuts added until the bound hardly rises.
        At the time limit the last relaxation solved is returned."""
        began = time.perf_counter()
        best = Result(Status.NO_PLAN)
        for _ in range(MAX_CUT_ROUNDS):
            arrays = self.arrays()
            remaining = seconds - (time.perf_counter() - began)
            relaxation = arrays.relaxed()
            result = self.solve(relaxation, remaining, 0.0)
            if result.values is None:
                return result if result.status is Status.INFEASIBLE else best
            rise, best = result.bound - best.bound, result
            added = self.separate(result.values, RELAXATION_TOLERANCE)
            is_done = not added or rise < MIN_BOUND_RISE * abs(result.bound)
            if remaining < 1.0 and not is_done:
                record_timeout("the rounds of demand cuts")
            if remaining < 1.0 or is_done:
                break
        return best

    def separate(self, values: Floats, tolerance: float) -> int:
        """Add the cuts that ``values`` violate by more than ``tolerance``; return their number."""
        return sum(
            add_violated_cuts(self.model, cuts, values, tolerance) for cuts in self.demand_cuts
        )

    def without_shortfall(self) -> Arrays:
        """Return the arrays with no shortfall allowed: every host serves what the cuts so far
        demand."""
        arrays = self.arrays()
        upper = arrays.upper.copy()
        for cuts in self.demand_cuts:
            upper[cuts.shortfall.all] = 0.0
        return replace(arrays, upper=upper)

    def repaired(self, values: Floats, seconds: float) -> Plan | None:
        """Return objective and vector of the plan with the hosts of ``values``, with all cuts that
        it violates added; ``None`` where it has none in time."""
        is_fixed = np.zeros(len(values), bool)
        for x in self.columns:
            for block in (x.open, x.host, x.tier):
                is_fixed[block.all] = True
        while True:
            arrays = fix_columns(self.arrays(), is_fixed, values)
            result = self.solve(arrays, seconds, 1e-5)
            if result.values is None or result.objective is None:
                return None
            if not self.separate(result.values, PLAN_TOLERANCE):
                return result.objective, result.values

    def hosts_short(self, values: Floats) -> Bools:
        """Return (H,) which hosts have a shortfall in any year."""
        is_short: Bools = np.any(
            [values[cuts.shortfall.all] > 10 * PLAN_TOLERANCE for cuts in self.demand_cuts],
            axis=0,
        )
        return is_short


def minimise_by_cutting_planes(
    model: Model,
    problems: Sequence[EstateProblem],
    columns: Sequence[Columns],
    solver: SolverSettings,
    seconds: float,
    progress: ProgressCallback | None,
) -> Result:
    """Minimise a model of aggregated residents under the years' rule of choice (E16).

    Args:
        model: all residents of a service as one customer; gains columns and rows.
        problems: each year with the rule.
        columns: the columns of each year.
        solver: engine settings of the scenario.
        seconds: time limit.
        progress: called as plan and bound improve.

    Returns:
        A plan without shortfall and the bound; ``INFEASIBLE`` is proven. Values are of the model's
        columns.
    """
    began = time.perf_counter()

    def remaining() -> float:
        return max(seconds - (time.perf_counter() - began), 1.0)

    cut_model, relaxation, plan = _relax_and_find_plan(
        model, problems, columns, solver, seconds, remaining
    )
    if relaxation.values is None:
        return relaxation
    bound = relaxation.bound
    if plan is not None:
        plan = improve(cut_model, plan, relaxation, IMPROVE_SHARE * remaining(), bound, progress)
    result = _prove(cut_model, plan, bound, remaining, progress)
    solve_seconds = {"solve": time.perf_counter() - began}
    return replace(result, seconds=solve_seconds, engine="highs", seed=solver.seed)


def _relax_and_find_plan(
    model: Model,
    problems: Sequence[EstateProblem],
    columns: Sequence[Columns],
    solver: SolverSettings,
    seconds: float,
    remaining: Callable[[], float],
) -> tuple[CuttingPlaneModel, Result, Plan | None]:
    """Return the model with its cuts, its relaxation and a first plan, which may have shortfall."""
    relaxed = model.arrays().relaxed()
    relaxation = solve(
        relaxed, Settings(time_limit_seconds=seconds / 4, gap=0.0, threads=solver.threads)
    )
    if relaxation.values is None:
        return CuttingPlaneModel(model, (), solver), relaxation, None
    gbp_per_m2 = SHORTFALL_PENALTY * max(abs(relaxation.bound), 1.0)
    demand_cuts = []
    for problem, x in zip(problems, columns, strict=True):
        model.suffix = f"_{problem.year}"
        demand_cuts.append(add_demand_cuts(model, problem, x, gbp_per_m2))
    model.suffix = ""
    cut_model = CuttingPlaneModel(model, demand_cuts, solver)
    relaxation = cut_model.solve_relaxation(CUTS_SHARE * seconds)
    for problem, x in zip(problems, columns, strict=True):
        model.suffix = f"_{problem.year}"
        formulation = Formulation(problem, model, x)
        share = COUNT_SHARE * seconds / len(problems)
        add_count_cuts(formulation, formulation, share, cut_model.without_shortfall())
    model.suffix = ""
    kernel = kernel_plan_of(
        model.arrays(), columns, solver, FIRST_PLAN_SHARE * seconds, FIRST_PLAN_GAP
    )
    if kernel is None:
        return cut_model, relaxation, None
    bound = max(kernel.relaxation.bound, relaxation.bound)
    relaxation = replace(kernel.relaxation, bound=bound)
    plan = cut_model.repaired(kernel.values, remaining() / 2)
    if plan is not None:
        candidates = candidate_hosts(columns, plan[1], relaxation)
        for cuts in demand_cuts:
            add_neighbour_cuts(model, cuts, plan[1], candidates)
    return cut_model, relaxation, plan


def plans_with_shortfall(
    problem: EstateProblem, formulation: Formulation, seconds: float
) -> Iterator[Floats]:
    """Yield plans of one year at rising prices of shortfall.

    The first have hosts that serve less than residents demand, so that some residents must pass a
    full building where that is allowed; the last have no shortfall, if there is such a plan.
    """
    began, solver = time.perf_counter(), problem.scenario.solver

    def remaining() -> float:
        return max(seconds - (time.perf_counter() - began), 1.0)

    model, x = formulation.model, formulation.columns
    cut_model, relaxation, plan = _relax_and_find_plan(
        model, (problem,), (x,), solver, seconds, remaining
    )
    for position, price in enumerate(SHORTFALL_PRICES):
        if plan is None:
            return
        cut_model.shortfall_price = price
        plan = cut_model.arrays().objective(plan[1]), plan[1]
        share = remaining() / (len(SHORTFALL_PRICES) - position)
        plan = improve(cut_model, plan, relaxation, share, -np.inf)
        yield plan[1]


def improve(
    cut_model: CuttingPlaneModel,
    plan: Plan,
    relaxation: Result,
    seconds: float,
    bound: float,
    watch: ProgressCallback | None = None,
) -> Plan:
    """Return a plan no worse, by large neighbourhood search; hosts with a shortfall come first."""
    gap = cut_model.solver.gap
    rng = np.random.default_rng(cut_model.solver.seed)
    structural = structural_mask(cut_model.columns, len(plan[1]))
    began = time.perf_counter()
    size_factors, failures = np.ones(NEIGHBOURHOODS), 0
    for attempts in itertools.count():
        remaining = seconds - (time.perf_counter() - began)
        has_shortfall = cut_model.hosts_short(plan[1]).any()
        is_near_bound = plan[0] - bound <= gap * abs(plan[0])
        is_done = is_near_bound or failures >= (3 * MAX_FAILURES if has_shortfall else MAX_FAILURES)
        if remaining <= 0 and not is_done:
            record_timeout("the search for better plans")
        if remaining <= 0 or is_done:
            break
        kind = attempts % NEIGHBOURHOODS
        is_free = _neighbourhood(cut_model, plan[1], relaxation, kind, size_factors[kind], rng)
        restricted = fix_columns(cut_model.arrays(), structural & ~is_free, plan[1])
        limit = min(remaining, TRY_SHARE * seconds)
        result = cut_model.solve(restricted, limit, gap / 10, warm_start=plan[1])
        is_done = result.status is Status.OPTIMAL
        size_factors[kind] = (
            min(GROW * size_factors[kind], MAX_SIZE_FACTOR)
            if is_done
            else SHRINK * size_factors[kind]
        )
        failures += 1
        if result.status is Status.INTERRUPTED:
            break
        if result.values is None or result.objective is None:
            continue
        if result.objective < plan[0] - IMPROVEMENT_TOLERANCE * abs(plan[0]):
            better = cut_model.repaired(result.values, remaining)
            if better is not None and better[0] < plan[0] - IMPROVEMENT_TOLERANCE * abs(plan[0]):
                plan, failures = better, 0
                if watch and not cut_model.hosts_short(plan[1]).any():
                    watch(Progress(time.perf_counter() - began, plan[0], bound))
    return plan


def candidate_hosts(columns: Sequence[Columns], values: Floats, relaxation: Result) -> Bools:
    """Return (H,) hosts of today, of the plan, or in the support of the relaxation, in any year."""
    assert relaxation.values is not None  # ``minimise_by_cutting_planes`` checks it
    candidates = ~columns[0].is_new
    for x in columns:
        candidates = (
            candidates
            | (values[x.host.all] > 0.5)
            | (relaxation.values[x.host.all] > SUPPORT_TOLERANCE)
        )
    return candidates


def _neighbourhood(
    cut_model: CuttingPlaneModel,
    values: Floats,
    relaxation: Result,
    kind: int,
    size_factor: float,
    rng: np.random.Generator,
) -> Bools:
    """Return (columns,) which columns are free, in all years.

    By kind: around a building, with all hosts of the service that falls short there; of some
    services; or where plan and relaxation differ. Buildings and services with a shortfall come
    first. Only ``candidate_hosts`` are free.
    """
    columns, problem = cut_model.columns, cut_model.demand_cuts[0].problem
    assert relaxation.values is not None  # ``minimise_by_cutting_planes`` checks it
    x, b, services = columns[0], problem.buildings, len(problem.services.ids)
    short_hosts = np.flatnonzero(cut_model.hosts_short(values))
    plan = np.max([values[centre.host.all] for centre in columns], axis=0)
    guide = np.max([relaxation.values[centre.host.all] for centre in columns], axis=0)
    candidates = candidate_hosts(columns, values, relaxation)
    if kind == 0:
        short_host = rng.choice(short_hosts) if len(short_hosts) else -1
        centre = x.hosts.building[short_host] if len(short_hosts) else rng.integers(len(b.ids))
        distance = np.hypot(b.x_m - b.x_m[centre], b.y_m - b.y_m[centre])
        is_near = np.zeros(len(b.ids), bool)
        is_near[
            np.argsort(distance)[: max(2, round(BUILDINGS_FREE * size_factor * len(b.ids)))]
        ] = True
        free_hosts = is_near[x.hosts.building]
        if len(short_hosts):
            free_hosts |= x.hosts.service == x.hosts.service[short_host]
    elif kind == 1:
        order = rng.permutation(services)
        order = order[np.argsort(~np.isin(order, x.hosts.service[short_hosts]), kind="stable")]
        free_hosts = np.isin(
            x.hosts.service, order[: max(2, round(SERVICES_FREE * size_factor * services))]
        )
    else:
        priority = np.abs(plan - guide) + 0.2 * rng.random(len(plan))
        free_hosts = np.zeros(len(plan), bool)
        free_hosts[
            np.argsort(-priority)[: max(2, round(HOSTS_FREE * size_factor * candidates.sum()))]
        ] = True
    free_hosts &= candidates
    free_buildings = np.zeros(len(b.ids), bool)
    free_buildings[x.hosts.building[free_hosts]] = True
    return structural_columns(columns, free_hosts, free_buildings, len(values))


def _prove(
    cut_model: CuttingPlaneModel,
    plan: Plan | None,
    bound: float,
    remaining: Callable[[], float],
    progress: ProgressCallback | None,
) -> Result:
    """Search the whole model while time is left. Each plan is repaired, which adds its cuts."""
    gap = cut_model.solver.gap
    if plan is not None and cut_model.hosts_short(plan[1]).any():
        plan = None
    while plan is None or plan[0] - bound > gap * abs(plan[0]):
        start = None if plan is None else plan[1]
        arrays = cut_model.without_shortfall()
        result = cut_model.solve(arrays, remaining(), gap, warm_start=start, progress=progress)
        bound = max(bound, result.bound)
        if result.status is Status.INFEASIBLE and plan is None:
            return result
        if result.values is None:
            break
        better = cut_model.repaired(result.values, remaining())
        if better is not None and not cut_model.hosts_short(better[1]).any():
            plan = better if plan is None or better[0] < plan[0] else plan
        if result.status is not Status.OPTIMAL or remaining() <= 1.0:
            break
    if plan is None:
        return Result(Status.NO_PLAN, bound=bound)
    result = Result(Status.FEASIBLE, objective=plan[0], bound=min(bound, plan[0]), values=plan[1])
    return replace(result, status=Status.OPTIMAL) if result.gap <= gap else result
