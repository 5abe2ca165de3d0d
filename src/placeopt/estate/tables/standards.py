"""The table of standards: each access rule's requirement, and how far both measures meet it.

    share within the minutes by the nearest host, and of residents as they are sent
    longest minutes to the nearest host, and of the longest trip of residents counted as sent

One row for each decided year, access rule, service and, if the rule is by district, district.
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
    times: TravelTimes, years: Years, timeline_today: Timeline, timeline: Timeline
) -> pd.DataFrame:
    """Return one row for each decided year, access rule, service and district named by the rule.

    Args:
        times: minutes by mode.
        years: the problem of every decided year.
        timeline_today: today's arrangement in every year.
        timeline: the plan.

    Returns:
        The columns of ``STANDARDS``; shares of residents from 0 to 1, minutes one way. A share is
        missing where the rule asks for none; longest minutes where some residents are out of reach,
        or none are sent.
    """
    import pandas as pd

    rules = years.scenario.of(Access)
    rows = []
    for problem, before, after in zip(
        years.problems, timeline_today.decisions, timeline.decisions, strict=True
    ):
        for standard in problem.standards:
            number = rules.index(standard.rule) + 1
            rows.append(_row(times, problem, before, after, standard, number))
    table = pd.DataFrame(rows, columns=STANDARDS)
    keys = ["access_rule", "year"]
    return table.sort_values(keys, kind="stable").reset_index(drop=True)


def _row(
    times: TravelTimes,
    problem: EstateProblem,
    decision_before: Decision,
    decision_after: Decision,
    standard: Standard,
    number: int,
) -> tuple[Any, ...]:
    """Return one row of the table."""
    rule = standard.rule
    before, after = (
        attainment(problem, decision_before, standard),
        attainment(problem, decision_after, standard),
    )
    has_minutes = rule.minutes is not None
    shares = (before.served, after.served, before.nearest, after.nearest)
    return (
        *(problem.year, number, standard.service_id, standard.scope),
        f"{rule.counted()}{rule.by_modes()}",
        *(float(standard.residents.sum()), rule.offer, rule.counts),
        *(rule.minutes if has_minutes else np.nan, rule.share if has_minutes else np.nan),
        *(share if has_minutes else np.nan for share in shares),
        np.nan if rule.ceiling_minutes is None else rule.ceiling_minutes,
        *_longest(times, problem, decision_after, standard),
        *(_holds(standard, attained) for attained in (before, after)),
    )


def _longest(
    times: TravelTimes, problem: EstateProblem, plan: Decision, standard: Standard
) -> tuple[float, float]:
    """Return the longest minutes of residents counted, as sent and to the nearest host."""
    minutes = minutes_of(times, problem.scenario, standard)
    offers = hosts_offering(problem, plan.host, plan.tier, standard)
    minutes_or_inf = np.where(np.isfinite(minutes), minutes, np.inf)
    longest_nearest = (
        np.where(offers, minutes_or_inf, np.inf).min(axis=1, initial=np.inf).max(initial=0.0)
    )
    share, _ = visit_shares_of_points(problem, plan, standard)
    minutes_used = minutes_or_inf[share > VISITS_TOLERANCE]
    longest_sent = minutes_used.max(initial=0.0) if len(minutes_used) else np.nan
    return tuple(
        float(one) if np.isfinite(one) else np.nan for one in (longest_sent, longest_nearest)
    )  # type: ignore[return-value]


def _holds(standard: Standard, attained: Attainment) -> str:
    """Return the measures by which the standard is met."""
    if attained.holds(standard, "served"):
        return "as_sent"
    return "by_nearest_only" if attained.holds(standard, "nearest") else "no"
