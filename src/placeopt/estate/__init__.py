"""Which public buildings to keep, close or turn into hubs, and which services go where."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from placeopt.engine import Answer, Progress
    from placeopt.place import Place
    from placeopt.scenario import Scenario
    from placeopt.travel import TravelTimes

__all__ = ["solve"]


def solve(
    place: Place,
    times: TravelTimes,
    scenario: Scenario,
    *,
    progress: Callable[[Progress], None] | None = None,
) -> Answer:
    """Answer an estate scenario of one year or several: the best plan within its gap and time,
    verified.

    Args:
        place: tables of the place.
        times: minutes between its zones and buildings.
        scenario: the question.
        progress: called with the best plan's objective and the bound as they improve.

    Returns:
        An answer with a plan, or with an explanation where the rules conflict, or with neither
        where the time limit came first (``result.status`` says which).

    Raises:
        VerificationError: the independent verifier rejects the plan.
        UsageError: the question cannot be stated, as ``problem.build`` says.
    """
    from dataclasses import replace

    from placeopt.base.deadline import Deadline, recording_timeouts, repeatability_warnings
    from placeopt.engine import Answer, Status
    from placeopt.estate.explain.conflicts import explain
    from placeopt.estate.problem.horizon import build_years
    from placeopt.estate.search.multi_year import solve_years
    from placeopt.estate.tables.plan import plan_tables
    from placeopt.estate.verify import verify
    from placeopt.place.order import restore_row_order, sort_rows

    ordered = sort_rows(place)
    sorted_times = times.reindex(
        ordered.zones["zone_id"].tolist(), ordered.buildings["building_id"].tolist()
    )
    years = build_years(ordered, sorted_times, scenario)
    explanation = None
    deadline = Deadline.of_answer(scenario.solver.time_limit_seconds)
    with recording_timeouts() as ended, deadline.enforced():
        outcome = solve_years(years, progress)
        if outcome.solution is None and outcome.result.status is Status.INFEASIBLE:
            explanation = explain(ordered, sorted_times, scenario)
    answer = Answer(place, scenario, outcome.result, times, repeats=not ended,
                    warnings=repeatability_warnings(ended))  # fmt: skip
    if outcome.solution is None:
        return replace(answer, explanation=explanation)
    plan = plan_tables(ordered, sorted_times, years, outcome)
    plan = replace(plan, tables=restore_row_order(place, ordered, plan.tables))
    verification = verify(place, times, scenario, plan)
    verification.require()
    return replace(answer, plan=plan, verification=verification)
