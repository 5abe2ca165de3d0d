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

from placeopt.engine import Result, Status
from placeopt.engine.running import until_interrupted
from placeopt.errors import EngineError
from placeopt.scenario.scenario import Scenario

SETTLED = 1e-7  # relative room left to an objective that is settled, for rounding
Found = TypeVar("Found")  # a decision, or a course


@dataclass(frozen=True)
class Stage:
    """One objective minimised: what was found and what is proven."""

    objective: str
    result: Result
    ceiling: float  # what the objective may be in the stages after


@dataclass(frozen=True)
class Outcome(Generic[Found]):
    """Stages in order, and what was found, if anything was."""

    stages: tuple[Stage, ...]
    found: Found | None

    @property
    def result(self) -> Result:
        """The last stage's result: the plan is the best for it under the earlier ceilings."""
        return self.stages[-1].result


def in_order(
    scenario: Scenario,
    minimise: Callable[
        [str, list[tuple[str, float]], Found | None, float], tuple[Result, Found | None]
    ],
    settle: Callable[[Found, list[Stage]], Found],
    value: Callable[[Found, str], float],
) -> Outcome[Found]:
    """The scenario's objectives one after another, within its time limit.

    ``minimise(objective, ceilings, found so far, seconds)`` gives a result and, where it has a
    plan, what was found; ``settle(found, stages)`` decides what the stages left open, and
    ``value(found, objective)`` is what it comes to. Ctrl-C ends the search and leaves out the
    objectives that follow. Raises ``EngineError`` where an engine broke.
    """
    objective, solver = scenario.objective, scenario.solver
    began = time.perf_counter()
    stages: list[Stage] = []
    found: Found | None = None
    for number, name in enumerate(objective.minimise):
        ceilings = [(stage.objective, stage.ceiling) for stage in stages]
        left = solver.time_limit_seconds - (time.perf_counter() - began)
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
        stages.append(Stage(name, result, reached + abs(reached) * (slack + SETTLED)))
        if found is None:
            return Outcome(tuple(stages), None)
        if interrupted():
            break
    assert found is not None  # every scenario has an objective
    found = settle(found, stages)
    last = stages[-1]
    final = replace(last.result, objective=value(found, last.objective))
    return Outcome((*stages[:-1], replace(last, result=final)), found)
