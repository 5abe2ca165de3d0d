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
        The answer; where no plan exists, with an explanation instead of a plan.

    Raises:
        PlaceError: With all findings in the place.
        ScenarioError: With all findings in the scenario.
        NoPlanError: Where the time limit leaves no plan.
        VerificationError: Where a plan fails its verification.
    """
    from dataclasses import replace

    from placeopt.base.deadline import Deadline, recording_timeouts, repeatability_warnings
    from placeopt.base.errors import NoPlanError, VerificationError
    from placeopt.budget.explain.infeasibility import explain
    from placeopt.budget.problem import checks
    from placeopt.budget.problem.build import build_problem
    from placeopt.budget.search.refinement import solve_lexicographic
    from placeopt.budget.tables.plan import build_plan
    from placeopt.budget.verify import verify, verify_stand_alone_positions
    from placeopt.engine import Answer, Status
    from placeopt.place.order import restore_row_order, sort_rows

    checks.require(place, scenario)
    warnings = tuple(checks.check(place, scenario))
    ordered = sort_rows(place)
    why = None
    deadline = Deadline.of_answer(scenario.solver.time_limit_seconds)
    with recording_timeouts() as ended, deadline.enforced():
        problem = build_problem(ordered, scenario)
        solved = solve_lexicographic(problem, scenario.solver, progress)
        if solved.result.status is Status.INFEASIBLE:
            why = explain(ordered, scenario, problem)
    warnings += repeatability_warnings(ended)
    if why is not None:
        if why.tables:
            check = verify_stand_alone_positions(place, scenario, why.tables)
            if not check.holds:
                raise VerificationError(f"positions alone failed their check: {check.detail}")
        return Answer(place, scenario, solved.result, explanation=why, warnings=warnings)
    if solved.spend is None:
        raise NoPlanError(f"no budget was found: {solved.result.status} {solved.result.message}")
    plan = build_plan(ordered, problem, solved, scenario)
    plan = replace(plan, tables=restore_row_order(place, ordered, plan.tables))
    verification = verify(place, scenario, plan)
    verification.require()
    return Answer(
        place,
        scenario,
        solved.result,
        plan=plan,
        verification=verification,
        warnings=warnings,
        repeats=not ended,
    )
