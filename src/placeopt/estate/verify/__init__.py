"""Verify an estate plan from the tables alone: place, minutes, scenario and the plan's own rows.

The problem's arrays, its formulation and the engine are not used: the arithmetic is done again, row
by row, by the definitions of the data dictionary, for every decided year. Every rule of the
scenario is checked, every figure is recomputed for the plan and for doing nothing, and the rules
that today's arrangement breaks are listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from placeopt.estate.verify.closures import wrong_closures
from placeopt.estate.verify.completeness import unreadable_tables, wrong_statements
from placeopt.estate.verify.facts import facts_of
from placeopt.estate.verify.minutes import wrong_minutes
from placeopt.estate.verify.read import arrangements
from placeopt.estate.verify.reasons import wrong_reasons
from placeopt.estate.verify.rules import check_rules
from placeopt.estate.verify.sent_past import wrong_sent_past
from placeopt.estate.verify.standards import wrong_standards
from placeopt.estate.verify.tables import wrong_figures
from placeopt.estate.verify.tables_years import wrong_years
from placeopt.estate.verify.whole_life import wrong_whole_life
from placeopt.estate.verify.without_car import wrong_without_car
from placeopt.estate.verify.years import do_nothing, impossible_states, schedule_of
from placeopt.scenario.verification import Check, Verification

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.place import Place
    from placeopt.scenario import Scenario
    from placeopt.travel import TravelTimes


class TablesOfAPlan(Protocol):
    """The parts of a plan that the verifier reads: its tables and its summary."""

    @property
    def tables(self) -> Mapping[str, pd.DataFrame]: ...

    @property
    def summary(self) -> Mapping[str, Any]: ...


def verify(
    place: Place, times: TravelTimes, scenario: Scenario, plan: TablesOfAPlan
) -> Verification:
    """Check every rule of ``scenario`` against ``plan`` and recompute every figure.

    Args:
        place: the place as the user states it.
        times: minutes between its zones and buildings.
        scenario: the question.
        plan: tables and summary.

    Returns:
        One check a rule and one of the arithmetic, with totals of the plan and of doing nothing.
    """
    years = facts_of(place, times, scenario)
    nothing = do_nothing(years)
    if unread := list(unreadable_tables(years[0], plan.tables)):
        sentence = "The plan has all its tables, and they speak of this place."
        return Verification(
            checks=(Check("", "tables", sentence, False, "; ".join(unread[:3])),),
            do_nothing=nothing.totals(),
        )
    schedule = schedule_of(nothing, arrangements(plan.tables, [facts.year for facts in years]))
    wrong = [
        *impossible_states(schedule),
        *wrong_figures(schedule, nothing, plan.tables, plan.summary),
        *wrong_years(schedule, nothing, plan.tables),
        *wrong_whole_life(schedule, nothing, plan.tables, plan.summary),
        *wrong_minutes(schedule, nothing, plan.tables),
        *wrong_without_car(schedule, nothing, plan.summary),
        *wrong_standards(schedule, nothing, plan.tables),
        *wrong_sent_past(schedule, nothing, plan.tables, plan.summary),
        *wrong_closures(schedule, nothing, plan.tables),
        *wrong_statements(schedule, plan.tables, plan.summary),
        *wrong_reasons(schedule, plan.tables),
    ]
    sentence = "The plan's figures are those recomputed from the tables."
    detail = "; ".join(wrong[:3]) if wrong else "every figure stated is the figure found"
    return Verification(
        checks=(*check_rules(schedule), Check("", "arithmetic", sentence, not wrong, detail)),
        totals=schedule.totals(),
        do_nothing=nothing.totals(),
        broken_today=tuple(check for check in check_rules(nothing) if not check.holds),
    )
