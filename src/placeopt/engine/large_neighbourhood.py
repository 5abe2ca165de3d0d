"""Large neighbourhood search: free some columns of a plan, solve for them, and keep what is better.

A problem says in a subclass which integer columns keep the plan's value, so that every result is a
plan of the whole model; nothing is proven.
A neighbourhood that was solved in its time is made larger for the next try, one that was not
smaller.

Source: Shaw (1998), Using constraint programming and local search methods to solve vehicle routing
problems; the adaptive size after Pisinger and Ropke (2010), Large neighborhood search.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from placeopt.base.arrays import Bools, Floats
from placeopt.base.deadline import Deadline
from placeopt.engine.model import Arrays
from placeopt.engine.result import Result, Status
from placeopt.engine.settings import Settings
from placeopt.engine.solve import solve

GAP_DIVISOR = 10  # a neighbourhood is solved to this part of the gap asked for
log = logging.getLogger("placeopt.engine")


class Plan(NamedTuple):
    """A plan of a model.

    Attributes:
        objective: Its objective.
        values: Value of each column, (columns,).
    """

    objective: float
    values: Floats


class Neighbourhood(NamedTuple):
    """What is solved for together.

    Attributes:
        is_fixed: Which integer columns keep the plan's value, (columns,).
        is_whole: Whether no better plan is looked for outside it: solved, it ends the search.
    """

    is_fixed: Bools
    is_whole: bool = False


@dataclass(frozen=True)
class LargeNeighbourhoodParameters:
    """How a search goes; the defaults were chosen on the made-up counties of ``place.synth``.

    Attributes:
        kinds: Kinds of neighbourhoods, by turns; each has a size of its own.
        max_failures: Neighbourhoods in a row without a better plan before the search ends.
        time_share: Of the time, at most, for one neighbourhood.
        growth: Factor on the size after a neighbourhood was solved.
        shrinkage: The same after one was not.
        max_size_factor: Largest factor on the first size.
        min_improvement: Relative; a smaller improvement does not count.
        varies_seed: Whether each neighbourhood is solved with a seed of its own.
    """

    kinds: int = 3
    max_failures: float = np.inf
    time_share: float = 0.15
    growth: float = 1.25
    shrinkage: float = 0.8
    max_size_factor: float = np.inf
    min_improvement: float = 1e-6
    varies_seed: bool = False


class LargeNeighbourhoodSearch(ABC):
    """A large neighbourhood search of one problem.

    Attributes:
        settings: Engine, gap, threads and seed.
        parameters: How the search goes.
    """

    def __init__(self, settings: Settings, parameters: LargeNeighbourhoodParameters) -> None:
        self.settings = replace(settings, engine="highs")
        self.parameters = parameters

    @abstractmethod
    def arrays(self) -> Arrays:
        """The model as it is now; a search may add rows as it goes."""

    @abstractmethod
    def neighbourhood(
        self, plan: Plan, kind: int, size_factor: float, rng: np.random.Generator
    ) -> Neighbourhood:
        """The next neighbourhood.

        Args:
            plan: The best plan so far.
            kind: Kind of neighbourhood, from 0.
            size_factor: Factor on the first size.
            rng: Source of random choices.
        """

    @abstractmethod
    def is_good_enough(self, plan: Plan) -> bool:
        """Whether the search may end with this plan."""

    def max_failures(self, plan: Plan) -> float:
        """Neighbourhoods in a row without a better plan before the search ends."""
        return self.parameters.max_failures

    def repaired(self, plan: Plan, seconds: float) -> Plan | None:
        """The plan with what a subclass has to mend in it; ``None`` where that fails."""
        return plan

    def is_solved(self, result: Result) -> bool:
        """Whether a neighbourhood was solved in its time."""
        return result.status is Status.OPTIMAL

    def report(self, plan: Plan, seconds: float) -> None:
        """Report a better plan, found so many seconds after the search began."""
        log.debug("objective %.6g after %.1f s", plan.objective, seconds)

    def improve(self, plan: Plan, deadline: Deadline) -> Plan:
        """A plan at least as good as ``plan``.

        Args:
            plan: The plan to improve.
            deadline: When the search ends, if it is not done before.
        """
        parameters = self.parameters
        rng = np.random.default_rng(self.settings.seed)
        size_factors = np.ones(parameters.kinds)
        started, attempts, failures = plan.objective, 0, 0
        while failures < self.max_failures(plan) and not self.is_good_enough(plan):
            if deadline.ends("the search for better plans"):
                break
            seconds_left = deadline.seconds_left()
            kind = attempts % parameters.kinds
            is_fixed, is_whole = self.neighbourhood(plan, kind, size_factors[kind], rng)
            most_seconds = parameters.time_share * deadline.limit_seconds
            settings = replace(
                self.settings,
                time_limit_seconds=min(seconds_left, most_seconds),
                gap=self.settings.gap / GAP_DIVISOR,
                seed=self.settings.seed + attempts * parameters.varies_seed,
                warm_start=plan.values,
            )
            result = solve(self.arrays().fix_integers(is_fixed, plan.values), settings)
            is_solved = self.is_solved(result)
            factor = parameters.growth if is_solved else parameters.shrinkage
            size_factors[kind] = min(factor * size_factors[kind], parameters.max_size_factor)
            attempts, failures = attempts + 1, failures + 1
            if result.values is not None and result.objective is not None:
                found = Plan(result.objective, result.values)
                better = self._repaired_if_better(found, plan, seconds_left)
                if better is not None:
                    plan, failures = better, 0
                    self.report(plan, deadline.elapsed_seconds)
            if result.status is Status.INTERRUPTED or (is_solved and is_whole):
                break
        log.info("%d neighbourhoods: objective %.6g to %.6g", attempts, started, plan.objective)
        return plan

    def _repaired_if_better(self, found: Plan, plan: Plan, seconds: float) -> Plan | None:
        limit = plan.objective - self.parameters.min_improvement * abs(plan.objective)
        better = self.repaired(found, seconds) if found.objective < limit else None
        return better if better is not None and better.objective < limit else None
