"""One deadline for all solves of an answer: each gets the remaining time, and work between them
stops.

Time is a counter that every solve advances; no test waits or reads the system clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from small_models import p_median

from placeopt import budget, engine, estate
from placeopt.base import deadline
from placeopt.base.deadline import (
    LEAST_SECONDS,
    Deadline,
    reading_clock,
    recording_timeouts,
    without_deadline,
)
from placeopt.engine import Status, highs
from placeopt.engine.model import Arrays
from placeopt.engine.settings import Settings
from placeopt.scenario.rules.budget.money import Outcomes
from placeopt.scenario.rules.estate.services import Access, Network, Revenue
from tests.budget.places import one_budget, scenario_of, two_programmes
from tests.estate.places import scenario
from tests.estate.town import building, town
from tests.support.places import minutes


@dataclass
class Clock:
    """Seconds that pass only in solves, ``each`` in every one; the limits that solves got."""

    each: float = 0.0
    now: float = 100.0
    limits: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    solve = highs.solve

    def watched(arrays: Arrays, settings: Settings) -> engine.Result:
        clock.limits.append(settings.time_limit_seconds)
        clock.now += clock.each
        return solve(arrays, replace(settings, time_limit_seconds=60.0))

    monkeypatch.setattr(highs, "solve", watched)
    with reading_clock(clock):
        yield clock


def test_a_solve_gets_what_is_left_until_the_deadline(clock: Clock) -> None:
    clock.each = 3.0
    with Deadline.of_answer(10.0).enforced():  # at most two seconds late, one of them for solves
        engine.solve(p_median(), Settings(time_limit_seconds=300.0))
        engine.solve(p_median(), Settings(time_limit_seconds=2.0))
        engine.solve(p_median(), Settings(time_limit_seconds=300.0))
        engine.solve(p_median(), Settings(time_limit_seconds=300.0))
        assert Deadline.enclosing().elapsed_seconds == 12.0
        assert Deadline.enclosing().has_passed
        engine.solve(p_median(), Settings(time_limit_seconds=300.0))
    assert clock.limits == [11.0, 2.0, 5.0, 2.0, LEAST_SECONDS]


def test_the_earlier_of_two_deadlines_holds(clock: Clock) -> None:
    with Deadline.of_answer(10.0).enforced(), Deadline.of_answer(100.0).enforced():
        assert Deadline.enclosing().seconds_left() == 11.0
        with Deadline(4.0).enforced():
            assert Deadline.enclosing().seconds_left() == 4.0
        assert Deadline.enclosing().seconds_left() == 11.0


def test_completion_of_a_found_plan_runs_past_the_deadline(clock: Clock) -> None:
    with Deadline.of_answer(1.0).enforced():
        clock.now += 50
        with without_deadline():
            engine.solve(p_median(), Settings(time_limit_seconds=300.0))
        engine.solve(p_median(), Settings(time_limit_seconds=300.0))
    assert clock.limits == [300.0, LEAST_SECONDS]


BUILDINGS = [building("B1", 10_000), building("B2", 30_000)]
RULES = (
    Access(services="all", minutes=20, share=0.9),
    Network(at_most=2),
    Revenue(ceiling_gbp_per_year=20_000),
)


def clashing(seconds: float) -> engine.Answer:
    """A place of two buildings that needs both and can pay for one."""
    here = town(BUILDINGS)
    asked = scenario(*RULES)
    solver = asked.solver.model_copy(update={"time_limit_seconds": seconds})
    asked = asked.model_copy(update={"solver": solver})
    return estate.solve(here, minutes(here, drive=[[10.0, 60.0], [60.0, 10.0]]), asked)


def test_an_estate_explanation_keeps_the_limit_and_names_skipped_rules(clock: Clock) -> None:
    whole = clashing(10.0)
    assert {clash.name for clash in whole.explanation.clashes} == {"access", "revenue"}
    assert "time limit" not in whole.explanation.sentence
    before = len(clock.limits)
    clock.each = 4.0
    short = clashing(10.0)
    assert short.result.status is Status.INFEASIBLE
    late = clock.limits[before:]
    assert max(late) <= 11.0
    assert sum(limit == LEAST_SECONDS for limit in late) <= 1  # none begins after the deadline
    assert "The time limit came before these were tried: " in short.explanation.sentence
    assert "pinned (E13)" in short.explanation.sentence
    assert [f.column for f in short.warnings] == ["solver.time_limit_seconds"]


def test_a_budget_explanation_keeps_the_limit_and_names_skipped_rules(clock: Clock) -> None:
    asked = scenario_of(rules=(one_budget(10), Outcomes(rule="outcomes")))
    whole = budget.solve(two_programmes(), asked)
    assert whole.result.status is Status.INFEASIBLE
    assert "time limit" not in whole.explanation.sentence
    solver = asked.solver.model_copy(update={"time_limit_seconds": 10.0})
    before, clock.each = len(clock.limits), 6.0
    short = budget.solve(two_programmes(), asked.model_copy(update={"solver": solver}))
    late = clock.limits[before:]
    assert late[:2] == [10.0, 5.0] or max(late) <= 11.0
    assert len(late) < before
    assert "The time limit came before it was known of these: " in short.explanation.sentence
    assert "no other single rule would do" not in short.explanation.sentence


def test_a_rule_whose_solve_ran_out_of_time_is_not_called_useless(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from placeopt.budget.explain import infeasibility
    from placeopt.budget.problem.build import build_problem

    def late(problem: object, scenario: object) -> str:
        deadline.record_timeout("highs")
        return ""

    monkeypatch.setattr(infeasibility, "minimal_relaxation", late)
    place, question = two_programmes(), scenario_of(rules=(one_budget(10),))
    with recording_timeouts() as ended:
        found = infeasibility.explain(place, question, build_problem(place, question))
    assert "at least two would have to give" not in found.sentence
    assert "one_budget (B1)" in found.sentence
    assert "the explanation" in ended
