"""The plan's table of standards: what each access rule asks, and how far it is met either way.

    share within the minutes by the nearest host, and of residents as they are sent
    longest minutes to the nearest host, and of the longest way that somebody counted is sent

One row for each decided year, access rule, service and, where the rule asks so, district.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from placeopt.estate.problem.access import hosts_offering, minutes_of
from placeopt.estate.problem.arrays import EstateProblem, Standard
from placeopt.estate.problem.horizon import Years
from placeopt.estate.solution.decision import Decision
from placeopt.estate.solution.standards_met import (
    VISITS_TOLERANCE,
    Attainment,
    attainment,
    visit_shares_of_points,
)
from placeopt.estate.solution.timeline import Timeline
from placeopt.scenario.rules.estate.services import Access

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.travel import TravelTimes

STANDARDS = [
    *("year", "access_rule", "service_id", "district_id", "counted", "residents", "offer"),
    *("counts", "minutes", "asked_share", "served_share_before", "served_share_after"),
    *("nearest_share_before", "nearest_share_after", "ceiling_minutes"),
    *("longest_served_minutes", "longest_nearest_minutes", "holds_before", "holds_after"),
]


def standards_table(
    times: TravelTimes, years: Years, nothing: Timeline, timeline: Timeline
) -> pd.DataFrame:
    """One row for each decided year, access rule, service and district asked for by itself.

    Args:
        times: minutes by mode.
        years: the problem of every decided year.
        nothing: today's arrangement in every year.
        course: the plan.

    Returns:
        The columns of ``STANDARDS``; shares of residents from 0 to 1, minutes one way. A share is
        missing where the rule asks for none; longest minutes where somebody is out of reach, or
        nobody is sent.
    """
    import pandas as pd

    rules = years.scenario.of(Access)
    rows = []
    for problem, was, now in zip(
        years.problems, nothing.decisions, timeline.decisions, strict=True
    ):
        for standard in problem.standards:
            number = rules.index(standard.rule) + 1
            rows.append(_row(times, problem, was, now, standard, number))
    table = pd.DataFrame(rows, columns=STANDARDS)
    keys = ["access_rule", "year"]
    return table.sort_values(keys, kind="stable").reset_index(drop=True)


def _row(
    times: TravelTimes,
    problem: EstateProblem,
    was: Decision,
    now: Decision,
    standard: Standard,
    number: int,
) -> tuple[Any, ...]:
    rule = standard.rule
    before, after = attainment(problem, was, standard), attainment(problem, now, standard)
    asked = rule.minutes is not None
    shares = (before.served, after.served, before.nearest, after.nearest)
    return (
        *(problem.year, number, standard.service_id, standard.scope, rule.counted()),
        *(float(standard.residents.sum()), rule.offer, rule.counts),
        *(rule.minutes if asked else np.nan, rule.share if asked else np.nan),
        *(share if asked else np.nan for share in shares),
        np.nan if rule.ceiling_minutes is None else rule.ceiling_minutes,
        *_longest(times, problem, now, standard),
        *(_holds(standard, one) for one in (before, after)),
    )


def _longest(
    times: TravelTimes, problem: EstateProblem, plan: Decision, standard: Standard
) -> tuple[float, float]:
    """Minutes of the longest way that somebody counted is sent, and to the nearest host."""
    minutes = minutes_of(times, problem.scenario, standard)
    offers = hosts_offering(problem, plan.host, plan.tier, standard)
    far = np.where(np.isfinite(minutes), minutes, np.inf)
    near = np.where(offers, far, np.inf).min(axis=1, initial=np.inf).max(initial=0.0)
    share, _ = visit_shares_of_points(problem, plan, standard)
    ways = far[share > VISITS_TOLERANCE]
    longest = ways.max(initial=0.0) if len(ways) else np.nan
    return tuple(float(one) if np.isfinite(one) else np.nan for one in (longest, near))  # type: ignore[return-value]


def _holds(standard: Standard, one: Attainment) -> str:
    """By which measures the standard is met."""
    if one.holds(standard, "served"):
        return "as_sent"
    return "by_nearest_only" if one.holds(standard, "nearest") else "no"
