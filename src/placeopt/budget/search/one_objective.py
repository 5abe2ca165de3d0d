"""Minimise one objective, refining the curves until the requested gap is proven.

Each round solves two models. In one the curves are approximated from below: its plan is feasible
and at least as good as in the model. In the other they are approximated from above: its bound
holds for every plan. The gap is the plan's exact value against that bound. Where it is too
wide, the spends of both solutions become breakpoints, so the reported gap includes the error of
the approximation. A large budget begins with column generation.

Piecewise linear curves have no error, and one model is enough.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from placeopt.base.arrays import Floats
from placeopt.base.deadline import record_timeout
from placeopt.budget.curves.piecewise import Side
from placeopt.budget.model import formulation
from placeopt.budget.model.scale import objective_unit, scale_of
from placeopt.budget.problem import effects
from placeopt.budget.problem.arrays import BudgetProblem
from placeopt.budget.problem.objective_values import objective_value
from placeopt.budget.search import column_generation
from placeopt.budget.search.approximation import Approximation
from placeopt.budget.search.parameters import Parameters
from placeopt.budget.search.rounding import spend_from_result
from placeopt.budget.search.solution import LexicographicStep
from placeopt.budget.search.timed_solver import TimedSolver
from placeopt.engine import Model, Result, Status

logger = logging.getLogger("placeopt.budget")

ABSOLUTE_GAP = 1e-9  # in an objective's unit: a plan this close to its bound is optimal


@dataclass(frozen=True)
class Minimised:
    """What became of one objective.

    Attributes:
        result: The last result of an engine.
        step: The solved objective, ``None`` where no plan was found.
        spend: (T, P) GBP a year, ``None`` where no plan was found.
    """

    result: Result
    step: LexicographicStep | None = None
    spend: Floats | None = None


def minimise_objective(
    problem: BudgetProblem,
    approximation: Approximation,
    name: str,
    limits: Mapping[str, float],
    solver: TimedSolver,
    parameters: Parameters,
) -> Minimised:
    """Minimise one objective with the earlier ones kept within their limits.

    Args:
        problem: The budget problem.
        approximation: The curves; breakpoints are added.
        name: The objective.
        limits: Limits of earlier objectives, in their own units.
        solver: The engine within the time limit.
        parameters: Of the searches.
    """
    search = _Search(problem, approximation, name, limits, solver, parameters)
    if column_generation.uses_column_generation(problem, parameters.column_generation):
        logger.info("%s by column generation", name)
        if search.by_column_generation():
            return search.minimised()
    if not search.by_refinement():
        return search.without_plan()
    search.close()
    return search.minimised()


@dataclass
class _Search:
    """The best plan and bound of one objective while its curves are refined."""

    problem: BudgetProblem
    approximation: Approximation
    name: str
    limits: Mapping[str, float]
    solver: TimedSolver
    parameters: Parameters
    value: float = np.inf
    bound: float = -np.inf
    spend: Floats | None = None
    model: Model | None = None
    result: Result | None = None  # of the model above
    last_result: Result = field(
        default_factory=lambda: Result(Status.NO_PLAN, message="no plan within the limit")
    )
    rounds: int = 0
    is_close: bool = False

    def __post_init__(self) -> None:
        self.unit = objective_unit(self.name, scale_of(self.problem))

    def by_column_generation(self) -> bool:
        """Take the plan and bound of column generation; return whether the gap is proven."""
        gap = self.solver.settings.gap
        found = column_generation.decompose(
            self.problem, self.name, self.limits, gap, self.solver.solve, self.parameters
        )
        self.bound, self.model, self.result = found.bound * self.unit, found.model, found.result
        if found.spend is None or found.model is None or found.result is None:
            return False
        self.spend, self.value = found.spend, self._value_of(found.spend)
        self._distrust_a_bound_above_the_plan()
        self.solver.report(self.value, self.bound)
        if self.value - self.bound <= gap * abs(self.value):
            self.rounds, self.last_result = 1, found.result
            return True
        self.approximation.add(found.spend)
        return False

    def by_refinement(self) -> bool:
        """Refine the curves round by round; return whether a plan was found."""
        while self.rounds < self.parameters.refinement.max_rounds and not self.is_close:
            self.rounds += 1
            spends = self._solve_round()
            if spends is None:
                return False
            self.solver.report(None if self.spend is None else self.value, self.bound)
            if self.solver.remaining_seconds() <= 0:
                record_timeout("the refinement of curves")
                break
            if not self.is_close:
                self.approximation.add(*spends)
        if self.spend is not None and self.model is not None and self.result is not None:
            return True
        if self.last_result.status is Status.INFEASIBLE:  # of the curves from below: proves nothing
            message = "no plan within the rounds"
            self.last_result = replace(self.last_result, status=Status.NO_PLAN, message=message)
        return False

    def _solve_round(self) -> list[Floats] | None:
        """Solve the models of a round; return their spends, ``None`` where there is no plan.

        A plan from above that holds in truth may save the model from below.
        """
        sides: tuple[Side, ...] = ("over", "under")
        if not self.approximation.errors().any():
            sides = ("under",)
        spends: list[Floats] = []
        for side in sides:
            model = self._formulate(side)
            self.last_result = self.solver.solve(model, share=0.5 if side != sides[-1] else 1.0)
            if side == sides[0]:
                if self.last_result.status in (Status.INFEASIBLE, Status.UNBOUNDED):
                    if self.spend is None:
                        return None
                    logger.warning("a model of %s is reported %s although a plan exists",
                                   self.name, self.last_result.status)  # fmt: skip
                    break
                self.bound = max(self.bound, self.last_result.bound * self.unit)
            if self.last_result.has_plan:
                spend = spend_from_result(self.problem, model, self.last_result)
                spends.append(spend)
                self._offer(spend, side, model, self.last_result)
            self._distrust_a_bound_above_the_plan()
            is_linear = self.last_result.row_duals is not None
            self.is_close = self._is_within_gap(is_linear)
            if self.is_close and not is_linear:
                break
        return spends

    def _formulate(self, side: Side) -> Model:
        pieces = self.approximation.pieces(side)
        return formulation.formulate(self.problem, pieces, self.name, limits=self.limits)

    def _offer(self, spend: Floats, side: Side, model: Model, result: Result) -> None:
        """Keep a spend that is a plan and better than the best one."""
        value = self._value_of(spend)
        is_plan = side == "under" or (
            _outcomes_bring_no_money(self.problem)
            and _is_feasible(self.problem, spend, self.limits)
        )
        if is_plan and (value < self.value or self.model is None):
            self.value, self.spend = value, spend
            if self.model is None or side == "under":
                self.model, self.result = model, result

    def _is_within_gap(self, is_linear: bool) -> bool:
        """Whether the gap is close enough; a linear program is cheap to refine further."""
        gap = self.solver.settings.gap / 2
        if is_linear:
            gap = min(gap, self.parameters.refinement.linear_gap)
        missing = self.value - self.bound
        return self.spend is not None and (
            missing <= gap * abs(self.value) or missing <= ABSOLUTE_GAP
        )

    def close(self) -> None:
        """Make the curves exact at the plan, and take the duals of the last approximation."""
        assert self.spend is not None
        assert self.result is not None
        self.approximation.add(self.spend)
        if self.result.row_duals is None:
            return
        model = self._formulate("under")
        result = self.solver.solve(model)
        if result.row_duals is None:
            return
        self.model, self.result = model, result
        spend = spend_from_result(self.problem, model, result)
        value = self._value_of(spend)
        if value <= self.value:
            self.value, self.spend = value, spend
            self.approximation.add(spend)

    def without_plan(self) -> Minimised:
        """What is known where no plan was found: that there is none, or the proven bound."""
        if self.last_result.status is Status.INFEASIBLE:
            return Minimised(self.last_result)
        logger.info("no plan of %s within the limit; bound %g", self.name, self.bound)
        return Minimised(replace(self.last_result, objective=None, bound=self.bound, values=None))

    def minimised(self) -> Minimised:
        """The objective with its plan."""
        assert self.model is not None
        assert self.result is not None
        step = LexicographicStep(
            self.name, self.value, self.bound, self.model, self.result, self.rounds
        )
        return Minimised(self.last_result, step, self.spend)

    def _value_of(self, spend: Floats) -> float:
        first = self.name == self.problem.objectives.names[0]
        return objective_value(self.problem, self.name, spend, first=first)

    def _distrust_a_bound_above_the_plan(self) -> None:
        """Drop a bound that a valid plan is better than: one of the two is wrong."""
        if self.spend is None:
            return
        tolerance = self.parameters.refinement.bound_tolerance * abs(self.value) + 1e-6 * self.unit
        if self.bound > self.value + tolerance:
            logger.warning("a bound of %g lies above a plan of %g and is ignored",
                           self.bound, self.value)  # fmt: skip
            self.bound = -np.inf


def _outcomes_bring_no_money(problem: BudgetProblem) -> bool:
    """Whether money does not depend on outcomes, so that a spend's rules are soon checked."""
    rewards, agencies = problem.rewards, problem.agencies
    return not (
        len(problem.units.programme)
        or rewards.price.any()
        or rewards.clawback.any()
        or agencies.cashable.any()
        or len(problem.provider_terms.programme)
    )


def _is_feasible(problem: BudgetProblem, spend: Floats, limits: Mapping[str, float]) -> bool:
    """Whether a spend from the model with curves from above also holds by the true curves.

    Only valid for problems in which outcomes neither bring in nor free money.
    """
    standards = problem.standards
    gain = effects.gain(problem, spend)[: len(problem.horizon.years)]
    shortfall = np.fmax(standards.minimum_gain - gain, -np.inf)
    target = np.where(standards.target_holds, standards.target_gain - gain, -np.inf)
    if max(np.nanmax(shortfall, initial=-np.inf), target.max(initial=-np.inf)) > 0:
        return False
    if len(problem.evidence.factors):
        robust_shortfall = standards.minimum_gain - effects.robust_gain(problem, spend)
        if np.nanmax(np.fmax(robust_shortfall, -np.inf), initial=-np.inf) > 0:
            return False
    first = problem.objectives.names[0]
    return all(
        objective_value(problem, name, spend, first=name == first) <= limit
        for name, limit in limits.items()
    )
