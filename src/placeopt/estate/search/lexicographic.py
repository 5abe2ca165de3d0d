"""Objectives minimised in order, whatever is decided: one year's decision or a course of years.

Each objective that is done becomes a ceiling for the next, with the slack the scenario grants.
What a later search does not find again the plan so far keeps: it stands until a better one comes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np

from placeopt.base.errors import EngineError
from placeopt.engine import Result, Status
from placeopt.engine.interrupts import until_interrupted
from placeopt.scenario.reassignment import uses_reassignment
from placeopt.scenario.scenario import Scenario

REASSIGNMENT_SHARE = 0.2  # of the time, kept for sending visits nearer after the stages
OBJECTIVE_TOLERANCE = 1e-7  # relative room left to an objective that is settled, for rounding
COMPLETION_GAP = 1e-5  # a plan called optimal stays within this, or the gap asked for, once settled
Solution = TypeVar("Solution")  # a decision, or a course


@dataclass(frozen=True)
class Stage:
    """One objective minimised: what was found and what is proven."""

    objective: str
    result: Result
    ceiling: float  # what the objective may be in the stages after


@dataclass(frozen=True)
class Reassignment:
    """Visits sent nearer after the stages, with the buildings, tiers and hosts found.

    Attributes:
        status: optimal where the minutes are proven the fewest with these buildings and hosts;
            no plan where the time was too short to send anybody nearer.
        minutes_before: visit minutes of all decided years as the stages left them.
        minutes_after: the same after it.
        bound: no way with these buildings, tiers and hosts has fewer minutes.
        cost_before: net present cost (GBP) as the stages left it.
        cost_after: the same after it.
        ceiling: what it might have cost at most (GBP).
        running_before: running cost (GBP/year) of the last decided year before it.
        running_after: the same after it.
    """

    status: Status
    minutes_before: float
    minutes_after: float
    bound: float
    cost_before: float
    cost_after: float
    ceiling: float
    running_before: float
    running_after: float


@dataclass(frozen=True)
class Outcome(Generic[Solution]):
    """Stages in order, and what was found, if anything was; ``reassignment`` where visits were
    sent nearer afterwards."""

    stages: tuple[Stage, ...]
    solution: Solution | None
    reassignment: Reassignment | None = None

    @property
    def result(self) -> Result:
        """The last stage's result: the plan is the best for it under the earlier ceilings."""
        return self.stages[-1].result


def minimise_in_order(
    scenario: Scenario,
    minimise: Callable[
        [str, list[tuple[str, float]], Solution | None, float], tuple[Result, Solution | None]
    ],
    settle: Callable[[Solution, list[Stage]], Solution],
    value: Callable[[Solution, str], float],
) -> Outcome[Solution]:
    """The scenario's objectives one after another, within its time limit.

    ``minimise(objective, ceilings, found so far, seconds)`` gives a result and, where it has a
    plan, what was found; ``settle(found, stages)`` decides what the stages left open, and
    ``value(found, objective)`` is what it comes to. Ctrl-C ends the search and leaves out the
    objectives that follow. Raises ``EngineError`` where an engine broke.
    """
    objective, solver = scenario.objective, scenario.solver
    began = time.perf_counter()
    limit = solver.time_limit_seconds * (
        (1 - REASSIGNMENT_SHARE) if uses_reassignment(scenario) else 1
    )
    stages: list[Stage] = []
    found: Solution | None = None
    for number, name in enumerate(objective.minimise):
        ceilings = [(stage.objective, stage.ceiling) for stage in stages]
        left = limit - (time.perf_counter() - began)
        seconds = max(left / (len(objective.minimise) - number), 1.0)
        with until_interrupted() as interrupted:
            result, better = minimise(name, ceilings, found, seconds)
        if result.status is Status.FAILED:
            raise EngineError(f"{solver.engine} broke while minimising {name}: {result.message}")
        if better is not None:
            found = better
        elif found is not None:
            result = replace(result, status=Status.FEASIBLE, objective=value(found, name))
        if interrupted() and result.status is Status.FEASIBLE:
            result = replace(result, status=Status.INTERRUPTED)
        slack = objective.slack[number] if number < len(objective.slack) else 0.0
        reached = result.objective if result.objective is not None else np.inf
        stages.append(Stage(name, result, reached + abs(reached) * (slack + OBJECTIVE_TOLERANCE)))
        if found is None:
            return Outcome((*stages[:-1], _timed(stages[-1], began)), None)
        if interrupted():
            break
    assert found is not None  # every scenario has an objective
    found = settle(found, stages)
    last = stages[-1]
    final = replace(last.result, objective=value(found, last.objective))
    if final.status is Status.OPTIMAL and final.gap > max(solver.gap, COMPLETION_GAP):
        final = replace(final, status=Status.FEASIBLE)  # settling found no plan as good
    return Outcome((*stages[:-1], _timed(replace(last, result=final), began)), found)


def _timed(stage: Stage, began: float) -> Stage:
    """The stage with the seconds of the whole search, all objectives together."""
    seconds = {**stage.result.seconds, "search": time.perf_counter() - began}
    return replace(stage, result=replace(stage.result, seconds=seconds))
