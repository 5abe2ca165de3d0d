"""Objectives in order: what each stage is told, and where the order ends."""

from __future__ import annotations

import signal
from collections.abc import Sequence

from placeopt.base.deadline import Deadline, reading_clock
from placeopt.engine import Result, Status
from placeopt.engine.interrupts import interrupted
from placeopt.engine.lexicographic import Stage, minimise_in_order

NAMES = ("cost", "minutes", "carbon")


class Script:
    """Answers each stage from a list; ``None`` is a stage without a plan."""

    def __init__(self, *values: float | None) -> None:
        self.values, self.told = values, []

    def __call__(
        self, position: int, stages: Sequence[Stage], plan: str | None, deadline: Deadline
    ) -> tuple[Stage, str | None]:
        value = self.values[position]
        ceilings = [stage.ceiling for stage in stages]
        self.told.append((NAMES[position], ceilings, plan, deadline.limit_seconds))
        result = Result(Status.NO_PLAN if value is None else Status.OPTIMAL, objective=value)
        stage = Stage(NAMES[position], result, 0.0 if value is None else value + 1)
        return stage, None if value is None else f"plan {position}"


def test_each_stage_gets_the_ceilings_the_plan_and_a_share_of_the_time() -> None:
    script = Script(3.0, 5.0, 7.0)
    with reading_clock(lambda: 100.0):
        minimised = minimise_in_order(NAMES, script, Deadline(12.0))
    assert script.told == [
        ("cost", [], None, 4.0),
        ("minutes", [4.0], "plan 0", 6.0),
        ("carbon", [4.0, 6.0], "plan 1", 12.0),
    ]
    assert [stage.objective for stage in minimised.stages] == list(NAMES)
    assert minimised.solution == "plan 2"


def test_a_first_stage_without_a_plan_ends_the_order_and_is_told() -> None:
    minimised = minimise_in_order(NAMES, Script(None), Deadline(12.0))
    assert minimised.solution is None
    assert [stage.result.status for stage in minimised.stages] == [Status.NO_PLAN]


def test_a_later_stage_without_a_plan_ends_the_order_with_the_plan_so_far() -> None:
    minimised = minimise_in_order(NAMES, Script(3.0, None), Deadline(12.0))
    assert minimised.solution == "plan 0"
    assert [stage.objective for stage in minimised.stages] == ["cost"]


def test_ctrl_c_between_the_solves_of_a_stage_keeps_its_plan() -> None:
    """A search works between its solves, too: it is told, and the order ends with its plan."""
    script = Script(3.0, 5.0, 7.0)

    def minimise(
        position: int, stages: Sequence[Stage], plan: str | None, deadline: Deadline
    ) -> tuple[Stage, str | None]:
        if position == 1:
            signal.raise_signal(signal.SIGINT)
            assert interrupted()
        return script(position, stages, plan, deadline)

    minimised = minimise_in_order(NAMES, minimise, Deadline(12.0))
    assert minimised.solution == "plan 1"
    assert minimised.was_interrupted
    assert len(script.told) == 2
