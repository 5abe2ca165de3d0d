"""The place budget: one smaller budget split over programmes and streams, outcomes kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from placeopt.engine import Answer, Progress
    from placeopt.place import Place
    from placeopt.scenario import Scenario

__all__ = ["solve"]


def solve(
    place: Place,
    scenario: Scenario,
    *,
    progress: Callable[[Progress], None] | None = None,
) -> Answer:
    """Solve a budget scenario for a place and verify the plan.

    Args:
        place: The place.
        scenario: The scenario.
        progress: Called with the best value and bound while solving.

    Returns:
        The answer with a verified plan; with an explanation where the rules clash; or with neither
        where the time limit left no plan (``result`` says why, and what is proven).

    Raises:
        PlaceError: With all findings in the place.
        ScenarioError: With all findings in the scenario.
        VerificationError: Where a plan fails its verification.
    """
    from dataclasses import replace

    from placeopt.base.deadline import Deadline, recording_timeouts, repeatability_warnings
    from placeopt.base.errors import VerificationError
    from placeopt.budget.explain.infeasibility import explain
    from placeopt.budget.problem import checks
    from placeopt.budget.problem.build import build_problem
    from placeopt.budget.search.refinement import solve_lexicographic
    from placeopt.budget.search.solution import Solution
    from placeopt.budget.search.stand_alone import with_stand_alone_positions
    from placeopt.budget.tables.plan import build_plan
    from placeopt.budget.verify import verify, verify_stand_alone_positions
    from placeopt.engine import Answer, Status
    from placeopt.place.order import restore_row_order, sort_rows

    warnings = checks.require(place, scenario)
    ordered = sort_rows(place)
    why = None
    deadline = Deadline.of_answer(scenario.solver.time_limit_seconds)
    with recording_timeouts() as ended, deadline.enforced():
        problem, unsolved = with_stand_alone_positions(
            build_problem(ordered, scenario), scenario.solver
        )
        solved = (
            solve_lexicographic(problem, scenario.solver, progress)
            if unsolved is None
            else Solution(unsolved)
        )
        if solved.result.status is Status.INFEASIBLE:
            why = explain(ordered, scenario, problem)
    warnings += repeatability_warnings(ended)
    answer = Answer(place, scenario, solved.result, warnings=warnings, repeats=not ended)
    if why is not None:
        if why.tables:
            check = verify_stand_alone_positions(place, scenario, why.tables)
            if not check.holds:
                raise VerificationError(f"positions alone failed their check: {check.detail}")
        return replace(answer, explanation=why)
    if solved.spend is None:
        return answer
    plan = build_plan(ordered, problem, solved, scenario)
    plan = replace(plan, tables=restore_row_order(place, ordered, plan.tables))
    verification = verify(place, scenario, plan)
    verification.require()
    return replace(answer, plan=plan, verification=verification)
