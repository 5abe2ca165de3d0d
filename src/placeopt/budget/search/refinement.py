"""Solve the objectives of a budget one after another, each kept within its slack for later ones.

``one_objective`` refines the curves until the requested gap of an objective is proven. Ties are
broken by least disruption, and payments stay as close to today's as possible (``payments``).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from placeopt.base.arrays import Floats
from placeopt.base.deadline import Deadline
from placeopt.budget.model import formulation
from placeopt.budget.problem import objective_values
from placeopt.budget.problem.arrays import BudgetProblem
from placeopt.budget.search import column_generation
from placeopt.budget.search.approximation import Approximation
from placeopt.budget.search.one_objective import Minimised, minimise_objective
from placeopt.budget.search.parameters import DEFAULTS, ColumnGeneration, Parameters
from placeopt.budget.search.payments import closest_payments
from placeopt.budget.search.rounding import spend_from_result
from placeopt.budget.search.solution import LexicographicStep, Solution
from placeopt.budget.search.timed_solver import TimedSolver
from placeopt.engine import Result, Status
from placeopt.engine.interrupts import interrupted
from placeopt.engine.lexicographic import minimise_in_order
from placeopt.engine.settings import ProgressCallback
from placeopt.scenario.scenario import SolverSettings

logger = logging.getLogger("placeopt.budget")


def solve_lexicographic(
    problem: BudgetProblem,
    settings: SolverSettings,
    progress: ProgressCallback | None = None,
    parameters: Parameters | None = None,
) -> Solution:
    """Solve the scenario's objectives in order, each kept within its slack for those after it.

    Args:
        problem: The budget problem.
        settings: Time limit, gap, engine, threads and seed.
        progress: Called with the best value and bound of the current objective.
        parameters: Of the searches; their defaults where not given.

    Returns:
        The plan with its bounds; without ``spend`` where no plan was found.
    """
    parameters = parameters or DEFAULTS
    approximation = Approximation(
        problem, parameters.refinement.first_error_share, parameters.refinement.max_breaks
    )
    solver = TimedSolver(Deadline(settings.time_limit_seconds), settings, progress)
    objectives = problem.objectives
    slacks = [*objectives.slack, *(0.0 for _ in objectives.names)]
    solver.interrupted = interrupted

    def minimise_one(
        position: int, before: Sequence[Minimised], spend: Floats | None, deadline: Deadline
    ) -> tuple[Minimised, Floats | None]:
        steps = [found.step for found in before if found.step is not None]
        limits = {
            step.objective: _objective_limit(step, slack)
            for step, slack in zip(steps, slacks, strict=False)
        }
        name = objectives.names[position]
        found = minimise_objective(problem, approximation, name, limits, solver, parameters)
        return found, None if found.step is None else found.spend

    minimised = minimise_in_order(objectives.names, minimise_one, solver.deadline)
    spend, was_interrupted = minimised.solution, minimised.was_interrupted
    if spend is None:
        return Solution(replace(minimised.stages[-1].result, seconds=solver.seconds()))
    steps = [found.step for found in minimised.stages if found.step is not None]
    tie_limits = {
        s.objective: _objective_limit(s, k, 1e-9) for s, k in zip(steps, slacks, strict=False)
    }
    if not was_interrupted:
        spend = _break_ties_by_disruption(
            problem, approximation, tie_limits, solver, spend, parameters.column_generation
        )
    pay, spend = closest_payments(problem, spend, solver)
    result = _result_of_all(problem, settings, steps, spend, was_interrupted)
    result = replace(result, seconds=solver.seconds())
    return Solution(result, spend, pay, tuple(steps), approximation.curve_errors())


def _result_of_all(
    problem: BudgetProblem,
    settings: SolverSettings,
    steps: list[LexicographicStep],
    spend: Floats,
    is_interrupted: bool,
) -> Result:
    """The result of the first objective at the plan of all of them."""
    first_step, slack = steps[0], problem.objectives.slack
    value = objective_values.objective_value(problem, first_step.objective, spend, first=True)
    status = Status.OPTIMAL if len(steps) == len(problem.objectives.names) else Status.FEASIBLE
    if any(step.result.status is not Status.OPTIMAL for step in steps):
        status = Status.FEASIBLE
    allowed_gap = settings.gap * abs(value) + (slack[0] if slack else 0) * abs(value)
    if value - first_step.bound > max(allowed_gap, 1e-7):
        status = Status.FEASIBLE
    if is_interrupted and status is Status.FEASIBLE:
        status = Status.INTERRUPTED
    return replace(
        first_step.result,
        status=status,
        objective=value,
        bound=min(first_step.bound, value),
        message="; ".join(f"{s.objective} {s.value:.6g}, bound {s.bound:.6g}" for s in steps),
    )


def _objective_limit(step: LexicographicStep, slack: float, rounding: float = 1e-8) -> float:
    """The limit of an objective while later ones are minimised, in its own unit."""
    return step.value + slack * abs(step.value) + rounding * max(1.0, abs(step.value))


def _break_ties_by_disruption(
    problem: BudgetProblem,
    approximation: Approximation,
    limits: dict[str, float],
    solver: TimedSolver,
    spend: Floats,
    parameters: ColumnGeneration,
) -> Floats:
    """Among equally good plans, return the one that moves least money from today's spending."""
    has_choices = problem.purchases.is_optional.any() or column_generation.uses_column_generation(
        problem, parameters
    )
    has_choices = has_choices or len(problem.units.programme) > 0 or len(problem.curves.groups) > 0
    has_choices = has_choices or len(problem.provider_terms.programme) > 0
    if "least_disruption" in limits or has_choices:
        return spend
    pieces = approximation.pieces("under")
    if pieces.need_choice:
        return spend
    model = formulation.formulate(problem, pieces, "least_disruption", limits=limits)
    result = solver.solve(model)
    if not result.has_plan:
        return spend
    candidate = spend_from_result(problem, model, result)
    saving = objective_values.money_moved(problem, spend) - objective_values.money_moved(
        problem, candidate
    )
    return candidate if saving > 1e-6 * problem.programmes.base_spend.sum() else spend
