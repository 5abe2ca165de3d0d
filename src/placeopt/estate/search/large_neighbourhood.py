"""Large neighbourhood search of a plan of one year, or of all decided years at once.

By turns the columns around a building, of some services, or where the plan differs from guides are
free; the loop is ``engine.large_neighbourhood``. In one year the guide is the linear relaxation,
and buildings and tiers in its support are free (Danna, Rothberg and Le Pape 2005). Over years the
guides are the relaxation of the last year and plans of single years; the same hosts are free in
all years, and those that neither the plan, nor today, nor a guide uses are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from placeopt.base.arrays import Bools, Floats
from placeopt.engine import Result
from placeopt.engine.large_neighbourhood import (
    LargeNeighbourhoodParameters,
    LargeNeighbourhoodSearch,
    Neighbourhood,
    Plan,
)
from placeopt.engine.model import Arrays
from placeopt.engine.settings import Settings
from placeopt.estate.model.formulation import Formulation
from placeopt.estate.model.variables import Columns, structural_columns
from placeopt.estate.problem.arrays import EstateProblem

SUPPORT_TOLERANCE = 1e-6  # columns with a smaller value in the relaxation are not in its support
RANDOM_PRIORITY = 0.2  # of the difference of a host from its guide: how much chance adds to it


@dataclass(frozen=True)
class YearParameters(LargeNeighbourhoodParameters):
    """How a plan of one year is improved.

    Attributes:
        stop_gap: Relative gap to the relaxation at which the search ends.
        free_share: Of the buildings or hosts, free at first.
        services_divisor: One service in so many is free at first.
    """

    kinds: int = 1  # drawn at random, with one size for all
    max_failures: float = 9
    time_share: float = 0.1
    stop_gap: float = 0.02
    free_share: float = 0.25
    services_divisor: float = 3


@dataclass(frozen=True)
class TimelineParameters(LargeNeighbourhoodParameters):
    """How a plan of all decided years is improved.

    Attributes:
        buildings_share: Of the buildings, free at first.
        services_share: Of the services, free at first.
        hosts_share: Of the candidate hosts, free at first.
    """

    growth: float = 1.2
    min_improvement: float = 0.0
    varies_seed: bool = True
    buildings_share: float = 0.2
    services_share: float = 0.3
    hosts_share: float = 0.2


class YearNeighbourhoods(LargeNeighbourhoodSearch):
    """The search from a plan of one year, guided by the relaxation."""

    def __init__(
        self,
        formulation: Formulation,
        relaxation: Result,
        settings: Settings,
        parameters: YearParameters | None = None,
    ) -> None:
        self.year = parameters or YearParameters()
        super().__init__(settings, self.year)
        assert relaxation.values is not None  # ``kernel_plan`` has seen to it
        self._problem, self._columns = formulation.problem, formulation.columns
        self._arrays, self._bound = formulation.model.arrays(), relaxation.bound
        self._relaxed = relaxation.values

    def arrays(self) -> Arrays:
        """The year's model."""
        return self._arrays

    def is_good_enough(self, plan: Plan) -> bool:
        """Whether the plan is near the relaxation."""
        gap = max(self.year.stop_gap, self.settings.gap)
        return plan.objective - self._bound <= gap * abs(plan.objective)

    def is_solved(self, result: Result) -> bool:
        """Whether the neighbourhood was solved to the gap asked for of the whole model."""
        return result.gap <= self.settings.gap

    def neighbourhood(
        self, plan: Plan, kind: int, size_factor: float, rng: np.random.Generator
    ) -> Neighbourhood:
        """The columns around a building, of some services, or where plan and relaxation differ."""
        x, size = self._columns, len(plan.values)
        count, services = len(self._problem.buildings.ids), len(self._problem.services.ids)
        structural = structural_columns((x,), size)
        kind = int(rng.integers(3))
        if kind == 0:
            most = max(2, int(self.year.free_share * size_factor * count))
            near = nearest_buildings(self._problem, int(rng.integers(count)), most)
            free = structural_columns((x,), size, near[x.hosts.building], near)
            return Neighbourhood(structural & ~free)
        if kind == 1:
            most = max(2, int(size_factor * services / self.year.services_divisor))
            host = np.isin(x.hosts.service, rng.permutation(services)[:most])
        else:
            most = int(self.year.free_share * size_factor * x.host.size)
            host = differing_most(plan.values[x.host.all], self._relaxed[x.host.all], most, rng)
        support = (self._relaxed > SUPPORT_TOLERANCE) | (plan.values > 0.5)
        free = structural & support
        free[x.host.all] = host
        return Neighbourhood(structural & ~free)


class TimelineNeighbourhoods(LargeNeighbourhoodSearch):
    """The search from a plan of all decided years.

    Attributes:
        columns: the columns of each decided year; of one year alone where one is searched.
        problem: arrays of one of the years: buildings and services are the same in all.
        guides: (H,) values from 0 to 1 of a year's host columns; hosts above 0 are candidates.
    """

    def __init__(
        self,
        columns: Sequence[Columns],
        problem: EstateProblem,
        arrays: Arrays,
        guides: Sequence[Floats],
        settings: Settings,
        is_good_enough: Callable[[float], bool],
        parameters: TimelineParameters | None = None,
    ) -> None:
        self.timeline = parameters or TimelineParameters()
        super().__init__(settings, self.timeline)
        self.columns, self.problem, self.guides = columns, problem, guides
        self._arrays, self._is_good_enough = arrays, is_good_enough

    def arrays(self) -> Arrays:
        """The model of all years."""
        return self._arrays

    def is_good_enough(self, plan: Plan) -> bool:
        """Whether the caller's test is true of the plan's objective."""
        return self._is_good_enough(plan.objective)

    def neighbourhood(
        self, plan: Plan, kind: int, size_factor: float, rng: np.random.Generator
    ) -> Neighbourhood:
        """The columns around a building, of some services, or where plan and a guide differ."""
        x, size = self.columns[0], len(plan.values)
        count, services = len(self.problem.buildings.ids), len(self.problem.services.ids)
        candidates = candidate_hosts(self.columns, plan.values, self.guides)
        building = np.zeros(count, bool)
        if kind == 0:
            most = max(2, round(self.timeline.buildings_share * size_factor * count))
            building = nearest_buildings(self.problem, int(rng.integers(count)), most)
            host = candidates & building[x.hosts.building]
        else:
            if kind == 1:
                most = max(1, round(self.timeline.services_share * size_factor * services))
                host = candidates & np.isin(x.hosts.service, rng.permutation(services)[:most])
            else:
                last = plan.values[self.columns[-1].host.all]
                guide = self.guides[int(rng.integers(len(self.guides)))] if self.guides else last
                most = max(2, round(self.timeline.hosts_share * size_factor * candidates.sum()))
                host = candidates & differing_most(last, guide, most, rng, candidates)
            building[x.hosts.building[host]] = True
        free = structural_columns(self.columns, size, host, building)
        return Neighbourhood(
            structural_columns(self.columns, size) & ~free, bool(host.sum() == candidates.sum())
        )


def nearest_buildings(problem: EstateProblem, centre: int, count: int) -> Bools:
    """Return (B,) the ``count`` buildings nearest to the one at ``centre``, itself included."""
    b = problem.buildings
    distance = np.hypot(b.x_m - b.x_m[centre], b.y_m - b.y_m[centre])
    near = np.zeros(len(b.ids), bool)
    near[np.argsort(distance)[:count]] = True
    return near


def differing_most(
    plan: Floats,
    guide: Floats,
    count: int,
    rng: np.random.Generator,
    candidates: Bools | bool = True,
) -> Bools:
    """Return (H,) the ``count`` hosts in which plan and guide differ most, with some chance."""
    priority = np.abs(plan - guide) + RANDOM_PRIORITY * rng.random(len(plan))
    chosen = np.zeros(len(plan), bool)
    chosen[np.argsort(-np.where(candidates, priority, -1.0))[:count]] = True
    return chosen


def candidate_hosts(columns: Sequence[Columns], values: Floats, guides: Sequence[Floats]) -> Bools:
    """Return (H,) hosts of today, of the plan or of a guide (H,), in any year."""
    x = columns[0]
    in_plan = np.max([values[of_year.host.all] for of_year in columns], axis=0) > 0.5
    in_guides = np.max([np.zeros(x.host.size), *guides], axis=0) > SUPPORT_TOLERANCE
    candidates: Bools = ~x.is_new | in_plan | in_guides
    return candidates
