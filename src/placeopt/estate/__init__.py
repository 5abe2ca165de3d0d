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
    """Answer an estate scenario of one year or several: the best plan within the gap and time
    asked for, verified.

    The answer has a plan, or an explanation where the rules clash, or neither where the time
    limit came first (``result.status`` says which). Raises ``VerificationError`` for a plan that
    the independent verifier does not bear out.
    """
    from placeopt.engine import Answer, Status
    from placeopt.errors import VerificationError
    from placeopt.estate.explain import explain
    from placeopt.estate.plan import draw_plan
    from placeopt.estate.scale_years import find_years
    from placeopt.estate.verify import verify
    from placeopt.estate.years import state_years

    years = state_years(place, times, scenario)
    outcome = find_years(years, progress)
    answer = Answer(place=place, scenario=scenario, result=outcome.result, times=times)
    if outcome.found is None:
        if outcome.result.status is Status.INFEASIBLE:
            return _with(answer, explanation=explain(place, times, scenario))
        return answer
    plan = draw_plan(place, times, years, outcome)
    verification = verify(place, times, scenario, plan)
    if not verification.ok:
        broken = "; ".join(f"{check.sentence} {check.detail}" for check in verification.broken)
        raise VerificationError(f"the plan failed its verification: {broken}")
    return _with(answer, plan=plan, verification=verification)


def _with(answer: Answer, **parts: object) -> Answer:
    from dataclasses import replace

    return replace(answer, **parts)  # type: ignore[arg-type]
