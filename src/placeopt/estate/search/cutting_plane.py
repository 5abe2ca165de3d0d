"""Cutting planes for a plan and a bound where residents choose their hosts and pairs are many.

Rule E16 has rows for every zone, service and host; on a county they are too many. Here all
residents of a service are one customer, as under a planner, and the model gains cuts on what each
host must serve (``model/choice_cuts.py``): first at points of the relaxation, then at the hosts of
every plan found. Demand that a host does not serve is its shortfall. Shortfall has a
penalty far above what it could save, so that the search can start from a planner's plan; a plan
without shortfall is one of the place. Every bound is one of the whole problem.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from placeopt.base.arrays import Bools, Floats
from placeopt.base.deadline import Deadline, record_timeout
from placeopt.engine import Model, Progress, Result, Status, solve
from placeopt.engine.large_neighbourhood import (
    LargeNeighbourhoodParameters,
    LargeNeighbourhoodSearch,
    Neighbourhood,
    Plan,
)
from placeopt.engine.model import Arrays
from placeopt.engine.settings import ProgressCallback, Settings
from placeopt.estate.model.choice_cuts import (
    DemandCuts,
    add_demand_cuts,
    add_neighbour_cuts,
    add_violated_cuts,
)
from placeopt.estate.model.formulation import Formulation
from placeopt.estate.model.variables import Columns, structural_columns
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.estate.search.completion import assignment_implied_by_hosts
from placeopt.estate.search.kernel_search import KernelSearchParameters, kernel_plan_of
from placeopt.estate.search.large_neighbourhood import (
    candidate_hosts,
    differing_most,
    nearest_buildings,
)
from placeopt.estate.search.rounding_cuts import add_count_cuts

MAX_PAIRS_WITH_ROWS = 5_000  # pairs of a zone and a host up to which the rule's own rows are used
log = logging.getLogger("placeopt.estate")


@dataclass(frozen=True)
class DemandNeighbourhoodParameters(LargeNeighbourhoodParameters):
    """How a plan with demand cuts is improved.

    Attributes:
        shortfall_patience: Factor on ``max_failures`` while a host has a shortfall.
        buildings_share: Of the buildings, free at first.
        services_share: Of the services, free at first.
        hosts_share: Of the candidate hosts, free at first.
    """

    max_failures: float = 12
    max_size_factor: float = 4.0
    shortfall_patience: float = 3
    buildings_share: float = 0.25
    services_share: float = 0.3
    hosts_share: float = 0.25


@dataclass(frozen=True)
class CuttingPlaneParameters:
    """How a model with demand cuts is solved; the defaults were chosen on the made-up counties.

    Attributes:
        shortfall_penalty: of the least cost, for each m2 of floor of the shortfall.
        shortfall_prices: of ``plans_with_shortfall``, in turn: factors on the penalty.
        cuts_share: of the time, at most, for the relaxation's cuts.
        count_share: the same for count cuts.
        first_plan_share: the same for a first plan.
        improve_share: of the time left, for neighbourhoods; the rest is for the bound.
        least_seconds: of a search that begins late.
        least_solve_seconds: of one solve that begins late.
        max_rounds: rounds of cuts at the relaxation.
        min_rise: of the bound: a round of cuts that raises it by less is the last.
        relaxation_tolerance: of all visits to a service: violation allowed at the relaxation.
        plan_tolerance: the same, of a plan.
        repair_gap: relative gap of a plan with given hosts.
        kernel: of a first plan, which usually has shortfall.
        neighbourhoods: of its improvement.
    """

    shortfall_penalty: float = 1e-3
    shortfall_prices: tuple[float, ...] = (0.02, 0.08, 0.3, 1.0)
    cuts_share: float = 0.2
    count_share: float = 0.1
    first_plan_share: float = 0.25
    improve_share: float = 0.7
    least_seconds: float = 1.0
    least_solve_seconds: float = 0.5
    max_rounds: int = 40
    min_rise: float = 2e-4
    relaxation_tolerance: float = 1e-4
    plan_tolerance: float = 1e-7
    repair_gap: float = 1e-5
    kernel: KernelSearchParameters = field(default_factory=lambda: KernelSearchParameters(gap=0.03))
    neighbourhoods: DemandNeighbourhoodParameters = field(
        default_factory=DemandNeighbourhoodParameters
    )


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
        settings: the scenario's.
        parameters: of the search.
        shortfall_price: factor on the penalty of shortfall.
    """

    model: Model
    demand_cuts: Sequence[DemandCuts]
    settings: Settings
    parameters: CuttingPlaneParameters = field(default_factory=CuttingPlaneParameters)
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

    def solve(self, arrays: Arrays, seconds: float, settings: Settings | None = None) -> Result:
        """Minimise ``arrays`` within ``seconds``, by the scenario's settings or those given."""
        seconds = max(seconds, self.parameters.least_solve_seconds)
        return solve(arrays, replace(settings or self.settings, time_limit_seconds=seconds))

    def solve_relaxation(self, deadline: Deadline) -> Result:
        """Return the linear relaxation with its violated cuts added until the bound hardly rises.
        At the time limit the last relaxation solved is returned."""
        parameters = self.parameters
        best = Result(Status.NO_PLAN)
        for _ in range(parameters.max_rounds):
            seconds = deadline.seconds_left()
            result = self.solve(self.arrays().relaxed(), seconds, replace(self.settings, gap=0.0))
            if result.values is None:
                return result if result.status is Status.INFEASIBLE else best
            rise, best = result.bound - best.bound, result
            added = self.separate(result.values, parameters.relaxation_tolerance)
            is_done = not added or rise < parameters.min_rise * abs(result.bound)
            if seconds < parameters.least_seconds and not is_done:
                record_timeout("the rounds of demand cuts")
            if seconds < parameters.least_seconds or is_done:
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
        """Return the plan with the hosts of ``values``, with all cuts that it violates added;
        ``None`` where it has none in time."""
        is_fixed = np.zeros(len(values), bool)
        for x in self.columns:
            for block in (x.open, x.host, x.tier):
                is_fixed[block.all] = True
        settings = replace(self.settings, gap=self.parameters.repair_gap)
        while True:
            arrays = self.arrays().fix_integers(is_fixed, values)
            result = self.solve(arrays, seconds, settings)
            if result.values is None or result.objective is None:
                return None
            if not self.separate(result.values, self.parameters.plan_tolerance):
                return Plan(result.objective, result.values)

    def hosts_short(self, values: Floats) -> Bools:
        """Return (H,) which hosts have a shortfall in any year."""
        is_short: Bools = np.any(
            [
                values[cuts.shortfall.all] > 10 * self.parameters.plan_tolerance
                for cuts in self.demand_cuts
            ],
            axis=0,
        )
        return is_short


class DemandNeighbourhoods(LargeNeighbourhoodSearch):
    """The search from a plan of a model with demand cuts; hosts with a shortfall come first."""

    def __init__(
        self,
        cut_model: CuttingPlaneModel,
        relaxation: Result,
        bound: float,
        progress: ProgressCallback | None = None,
    ) -> None:
        self.shares = cut_model.parameters.neighbourhoods
        super().__init__(cut_model.settings, self.shares)
        assert relaxation.values is not None  # ``minimise_by_cutting_planes`` checks it
        self._model, self._bound, self._progress = cut_model, bound, progress
        self._guides = [relaxation.values[x.host.all] for x in cut_model.columns]

    def arrays(self) -> Arrays:
        """The model with its present cuts."""
        return self._model.arrays()

    def is_good_enough(self, plan: Plan) -> bool:
        """Whether the bound proves the plan."""
        return plan.objective - self._bound <= self.settings.gap * abs(plan.objective)

    def max_failures(self, plan: Plan) -> float:
        """More while a host has a shortfall."""
        has_shortfall = self._model.hosts_short(plan.values).any()
        return self.shares.max_failures * (self.shares.shortfall_patience if has_shortfall else 1)

    def repaired(self, plan: Plan, seconds: float) -> Plan | None:
        """The plan with the cuts that it violates."""
        return self._model.repaired(plan.values, seconds)

    def report(self, plan: Plan, seconds: float) -> None:
        """Report a plan of the place: one without shortfall."""
        if self._progress and not self._model.hosts_short(plan.values).any():
            self._progress(Progress(seconds, plan.objective, self._bound))

    def neighbourhood(
        self, plan: Plan, kind: int, size_factor: float, rng: np.random.Generator
    ) -> Neighbourhood:
        """The columns, in all years, around a building, with all hosts of the service that falls
        short there; of some services; or where plan and relaxation differ. Buildings and services
        with a shortfall come first."""
        columns, problem = self._model.columns, self._model.demand_cuts[0].problem
        x, count, services = columns[0], len(problem.buildings.ids), len(problem.services.ids)
        short_hosts = np.flatnonzero(self._model.hosts_short(plan.values))
        candidates = candidate_hosts(columns, plan.values, self._guides)
        if kind == 0:
            most = max(2, round(self.shares.buildings_share * size_factor * count))
            if len(short_hosts):
                centre = int(rng.choice(short_hosts))
                near = nearest_buildings(problem, int(x.hosts.building[centre]), most)
                host = near[x.hosts.building] | (x.hosts.service == x.hosts.service[centre])
            else:
                near = nearest_buildings(problem, int(rng.integers(count)), most)
                host = near[x.hosts.building]
        elif kind == 1:
            order = rng.permutation(services)
            order = order[np.argsort(~np.isin(order, x.hosts.service[short_hosts]), kind="stable")]
            most = max(2, round(self.shares.services_share * size_factor * services))
            host = np.isin(x.hosts.service, order[:most])
        else:
            in_plan = np.max([plan.values[of_year.host.all] for of_year in columns], axis=0)
            most = max(2, round(self.shares.hosts_share * size_factor * candidates.sum()))
            host = differing_most(in_plan, np.max(self._guides, axis=0), most, rng)
        host &= candidates
        building = np.zeros(count, bool)
        building[x.hosts.building[host]] = True
        size = len(plan.values)
        free = structural_columns(columns, size, host, building)
        return Neighbourhood(structural_columns(columns, size) & ~free)


def minimise_by_cutting_planes(
    model: Model,
    problems: Sequence[EstateProblem],
    columns: Sequence[Columns],
    settings: Settings,
    deadline: Deadline,
) -> Result:
    """Minimise a model of aggregated residents under the years' rule of choice (E16).

    Args:
        model: all residents of a service as one customer; gains columns and rows.
        problems: each year with the rule.
        columns: the columns of each year.
        settings: the scenario's; its progress is called as plan and bound improve.
        deadline: when the search ends.

    Returns:
        A plan without shortfall and the bound; ``INFEASIBLE`` is proven. Values are of the model's
        columns.
    """
    settings = replace(settings, engine="highs")
    cut_model, relaxation, plan = _relax_and_find_plan(
        model, problems, columns, replace(settings, progress=None), deadline
    )
    if relaxation.values is None:
        return relaxation
    bound, parameters = relaxation.bound, cut_model.parameters
    if plan is not None:
        search = DemandNeighbourhoods(cut_model, relaxation, bound, settings.progress)
        part = deadline.part(parameters.improve_share, at_least=parameters.least_seconds)
        plan = search.improve(plan, part)
    result = _prove(cut_model, plan, bound, deadline, settings.progress)
    seconds = {"solve": deadline.elapsed_seconds}
    return replace(result, seconds=seconds, engine="highs", seed=settings.seed)


def _relax_and_find_plan(
    model: Model,
    problems: Sequence[EstateProblem],
    columns: Sequence[Columns],
    settings: Settings,
    deadline: Deadline,
) -> tuple[CuttingPlaneModel, Result, Plan | None]:
    """Return the model with its cuts, its relaxation and a first plan, which may have shortfall."""
    parameters, seconds = CuttingPlaneParameters(), deadline.limit_seconds
    first_settings = Settings(seconds / 4, gap=0.0, threads=settings.threads)
    relaxation = solve(model.arrays().relaxed(), first_settings)
    if relaxation.values is None:
        return CuttingPlaneModel(model, (), settings), relaxation, None
    gbp_per_m2 = parameters.shortfall_penalty * max(abs(relaxation.bound), 1.0)
    demand_cuts = []
    for problem, x in zip(problems, columns, strict=True):
        model.suffix = f"_{problem.year}"
        demand_cuts.append(add_demand_cuts(model, problem, x, gbp_per_m2))
    model.suffix = ""
    cut_model = CuttingPlaneModel(model, demand_cuts, settings, parameters)
    relaxation = cut_model.solve_relaxation(Deadline(parameters.cuts_share * seconds))
    for problem, x in zip(problems, columns, strict=True):
        model.suffix = f"_{problem.year}"
        formulation = Formulation(problem, model, x)
        part = Deadline(parameters.count_share * seconds / len(problems))
        add_count_cuts(formulation, formulation, part, cut_model.without_shortfall())
    model.suffix = ""
    part = Deadline(parameters.first_plan_share * seconds)
    kernel = kernel_plan_of(model.arrays(), columns, settings, part, parameters.kernel)
    if kernel is None:
        return cut_model, relaxation, None
    bound = max(kernel.relaxation.bound, relaxation.bound)
    relaxation = replace(kernel.relaxation, bound=bound)
    seconds_left = deadline.seconds_left(at_least=parameters.least_seconds)
    plan = cut_model.repaired(kernel.values, seconds_left / 2)
    if plan is not None:
        assert relaxation.values is not None  # ``kernel_plan_of`` has seen to it
        guides = [relaxation.values[x.host.all] for x in columns]
        candidates = candidate_hosts(columns, plan.values, guides)
        for cuts in demand_cuts:
            add_neighbour_cuts(model, cuts, plan.values, candidates)
    return cut_model, relaxation, plan


def plans_with_shortfall(
    problem: EstateProblem, formulation: Formulation, deadline: Deadline
) -> Iterator[Floats]:
    """Yield plans of one year at rising prices of shortfall.

    The first have hosts that serve less than residents demand, so that some residents must pass a
    full building where that is allowed; the last have no shortfall, if there is such a plan.
    """
    settings = replace(Settings.of(problem.scenario.solver), engine="highs")
    cut_model, relaxation, plan = _relax_and_find_plan(
        formulation.model, (problem,), (formulation.columns,), settings, deadline
    )
    prices, least = cut_model.parameters.shortfall_prices, cut_model.parameters.least_seconds
    for position, price in enumerate(prices):
        if plan is None:
            return
        cut_model.shortfall_price = price
        plan = Plan(cut_model.arrays().objective(plan.values), plan.values)
        part = Deadline(deadline.seconds_left(at_least=least) / (len(prices) - position))
        plan = DemandNeighbourhoods(cut_model, relaxation, -np.inf).improve(plan, part)
        yield plan.values


def _prove(
    cut_model: CuttingPlaneModel,
    plan: Plan | None,
    bound: float,
    deadline: Deadline,
    progress: ProgressCallback | None,
) -> Result:
    """Search the whole model while time is left. Each plan is repaired, which adds its cuts."""
    gap, least = cut_model.settings.gap, cut_model.parameters.least_seconds
    if plan is not None and cut_model.hosts_short(plan.values).any():
        plan = None
    while plan is None or plan.objective - bound > gap * abs(plan.objective):
        start = None if plan is None else plan.values
        settings = replace(cut_model.settings, warm_start=start, progress=progress)
        seconds = deadline.seconds_left(at_least=least)
        result = cut_model.solve(cut_model.without_shortfall(), seconds, settings)
        bound = max(bound, result.bound)
        if result.status is Status.INFEASIBLE and plan is None:
            return result
        if result.values is None:
            break
        better = cut_model.repaired(result.values, deadline.seconds_left(at_least=least))
        if better is not None and not cut_model.hosts_short(better.values).any():
            plan = better if plan is None or better.objective < plan.objective else plan
        if result.status is not Status.OPTIMAL or deadline.seconds_left() <= least:
            break
    if plan is None:
        return Result(Status.NO_PLAN, bound=bound)
    result = Result(
        Status.FEASIBLE,
        objective=plan.objective,
        bound=min(bound, plan.objective),
        values=plan.values,
    )
    return replace(result, status=Status.OPTIMAL) if result.gap <= gap else result
