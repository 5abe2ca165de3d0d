"""Each agency's stand-alone position (B9): the position of its own best plan, solved separately.

With ``alone_for_outcomes`` a plan must be proven best to a millionth. Where the solver leaves a
wider gap, the range of positions of equally good plans is computed. An agency that cannot meet the
outcome standards alone has no stand-alone position. With ``today`` nothing is solved: the position
is today's.
"""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np

from placeopt import engine
from placeopt.base.arrays import Floats
from placeopt.budget.model import formulation
from placeopt.budget.model.objectives import earlier_objectives_are_kept
from placeopt.budget.model.scale import objective_unit, scale_of
from placeopt.budget.problem.agencies import (
    agency_positions,
    cash_savings,
    cross_agency_payments,
    freed_money,
)
from placeopt.budget.problem.arrays import BudgetProblem
from placeopt.budget.problem.objective_values import objective_value
from placeopt.budget.problem.parts import StandAlonePlan
from placeopt.budget.problem.stand_alone import (
    OPTIMALITY_TOLERANCE,
    TIE_OBJECTIVES,
    stand_alone_problem,
)
from placeopt.budget.search.approximation import Approximation
from placeopt.budget.search.refinement import solve_lexicographic
from placeopt.budget.search.solution import Solution
from placeopt.engine import Result, Status
from placeopt.engine.settings import Settings
from placeopt.scenario.scenario import SolverSettings

logger = logging.getLogger("placeopt.budget")

MAX_RANGE_SECONDS = 10.0  # for each end of a range of stand-alone positions
RANGE_GAP = 1e-4  # relative, of the models that bound a range


def with_stand_alone_positions(
    problem: BudgetProblem, settings: SolverSettings
) -> tuple[BudgetProblem, Result | None]:
    """Solve for every agency's stand-alone position, if rule B9 is in force.

    Args:
        problem: The budget problem.
        settings: Time limit, gap, engine, threads and seed, for each agency.

    Returns:
        The problem with the positions, and ``None``; or the problem as it was and the result of
        the agency of which the time limit left no plan.
    """
    agencies = problem.agencies
    if not agencies.has_position_rule:
        return problem, None
    if agencies.counterfactual == "today":
        received, paid = cross_agency_payments(problem, problem.pairs.base_spend[None, :])
        today = np.tile(received - paid, (len(problem.horizon.years), 1))
        return replace(problem, agencies=replace(agencies, stand_alone=today)), None
    if agencies.counterfactual == "alone_for_outcomes":
        settings = settings.model_copy(update={"gap": min(settings.gap, OPTIMALITY_TOLERANCE)})
    stand_alone = np.full_like(agencies.stand_alone, np.nan)
    plans = []
    for a, agency in enumerate(agencies.ids):
        logger.info("the best plan of %s by itself (B9)", agency)
        own_problem = stand_alone_problem(problem, a)
        solution = solve_lexicographic(own_problem, settings)
        if solution.spend is None or solution.pay is None:
            if solution.result.status is not Status.INFEASIBLE:
                message = f"no plan of {agency} alone (B9) was found: {solution.result.status}"
                return problem, replace(solution.result, bound=-np.inf, message=message)
            continue
        positions = agency_positions(own_problem, solution.spend, solution.pay)[:, a]
        stand_alone[:, a] = positions
        low = high = positions
        if agencies.counterfactual == "alone_for_outcomes":
            low, high = _stand_alone_range(own_problem, solution, positions, settings)
        objectives = _objectives_reached(own_problem, solution, solution.spend)
        plans.append(StandAlonePlan(a, solution.spend, solution.pay, low, high, objectives))
    solved = replace(agencies, stand_alone=stand_alone, stand_alone_plans=tuple(plans))
    return replace(problem, agencies=solved), None


def _objectives_reached(
    problem: BudgetProblem, solution: Solution, spend: Floats
) -> tuple[tuple[str, float, float], ...]:
    """Name, value and proven bound of each objective; those that decide ties have no bound."""
    return tuple(
        (
            step.objective,
            objective_value(problem, step.objective, spend, first=at == 0),
            np.nan if step.objective in TIE_OBJECTIVES else float(step.bound),
        )
        for at, step in enumerate(solution.steps)
    )


def _stand_alone_range(
    problem: BudgetProblem, solution: Solution, positions: Floats, settings: SolverSettings
) -> tuple[Floats, Floats]:
    """Return the least and the most that the agency's stand-alone position can be, (T,) GBP each.

    Both are its position where every objective was optimised to a millionth. Otherwise they are
    what equally good plans can reach, from bounds of programs whose curves lie above the true
    ones: no equally good plan lies outside.
    """
    agency = problem.agencies.position_agency
    may_differ = problem.agencies.cashable[:, :, agency].any() or len(problem.units.programme)
    if not may_differ or _is_proven(problem, solution):
        return positions, positions
    assert solution.spend is not None
    approximation = Approximation(problem)
    approximation.add(solution.spend)
    savings = cash_savings(problem, solution.spend) + freed_money(problem, solution.spend)
    ends = [
        positions + bound - savings[:, agency]
        for bound in _bounds_of_savings(problem, solution, approximation, settings)
    ]
    return np.minimum(ends[0], positions), np.maximum(ends[1], positions)


def _is_proven(problem: BudgetProblem, solution: Solution) -> bool:
    """Whether every objective but those that decide ties was optimised to a millionth."""
    objectives = [name for name in problem.objectives.names if name not in TIE_OBJECTIVES]
    assert solution.spend is not None
    is_proven = len(solution.steps) >= len(objectives)
    for step in solution.steps[: len(objectives)]:
        value = objective_value(
            problem, step.objective, solution.spend, first=step.objective == objectives[0]
        )
        gap = min(value, step.value) - step.bound
        is_proven &= bool(gap <= 1.5 * OPTIMALITY_TOLERANCE * max(0.01, abs(step.value)))
    return is_proven


def _bounds_of_savings(
    problem: BudgetProblem,
    solution: Solution,
    approximation: Approximation,
    settings: SolverSettings,
) -> list[Floats]:
    """(T,) GBP, the least and the most that plans as good can save the agency in each year."""
    steps = [step for step in solution.steps if step.objective not in TIE_OBJECTIVES]
    limits = {
        step.objective: step.value + OPTIMALITY_TOLERANCE * max(1.0, abs(step.value))
        for step in steps
    }
    pieces, decided = approximation.pieces("over"), len(problem.horizon.years)
    seconds = min(MAX_RANGE_SECONDS, settings.time_limit_seconds)
    limited_settings = replace(Settings.of(settings), time_limit_seconds=seconds, gap=RANGE_GAP)
    bounds = []
    for name, sign in (("cash_least", 1.0), ("cash_most", -1.0)):
        bound = np.empty(decided)
        for t in range(decided):
            year_problem = _savings_of_year(problem, name, t)
            scale = scale_of(year_problem)
            model = formulation.formulate(year_problem, pieces, name)
            for limited, limit in limits.items():  # with the years' own discount
                earlier_objectives_are_kept(model, problem, scale_of(problem), limited, limit)
            result = engine.solve(model, limited_settings)
            proven = result.bound if np.isfinite(result.bound) else -np.inf
            bound[t] = sign * proven * objective_unit(name, scale)
        bounds.append(bound)
    return bounds


def _savings_of_year(problem: BudgetProblem, name: str, t: int) -> BudgetProblem:
    """The problem with the savings of year ``t`` as a further objective."""
    in_year = np.arange(len(problem.horizon.years)) == t
    cashable = problem.agencies.cashable * in_year[:, None, None, None]
    return replace(
        problem,
        objectives=replace(problem.objectives, names=(*problem.objectives.names, name)),
        horizon=replace(problem.horizon, discount=in_year.astype(float)),
        agencies=replace(problem.agencies, cashable=cashable),
    )
