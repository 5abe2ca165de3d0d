"""Lexicographic minimisation of a scenario's objectives, for one year's decision or a timeline.

Each objective, once minimised, becomes a ceiling for the next with the slack that the scenario
grants. Where a later search finds no plan, the plan so far is kept.
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

REASSIGNMENT_SHARE = 0.2  # of the time, reserved for sending visits nearer after the stages
OBJECTIVE_TOLERANCE = 1e-7  # relative slack of a ceiling, for rounding
COMPLETION_GAP = 1e-5  # a plan stays optimal within this gap, or the scenario's, after completion
Solution = TypeVar("Solution")  # a decision or a timeline


@dataclass(frozen=True)
class Stage:
    """One objective minimised.

    Attributes:
        objective: its name.
        result: plan and bound of the search.
        ceiling: the largest value that later stages may give the objective.
    """

    objective: str
    result: Result
    ceiling: float


@dataclass(frozen=True)
class Reassignment:
    """Visits sent nearer after the stages, with the buildings, tiers and hosts found.

    Attributes:
        status: optimal where the minutes are proven the fewest with these buildings and hosts;
            no plan where the time was too short for any reassignment.
        minutes_before: visit minutes of all decided years as the stages left them.
        minutes_after: the same after it.
        bound: no assignment to these buildings, tiers and hosts has fewer minutes.
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
    """The stages of a search and its solution.

    Attributes:
        stages: in the order of the objectives; one that had no plan is the last.
        solution: the decision or timeline; ``None`` where no plan was found.
        reassignment: record of the visits sent nearer afterwards, if that was done.
    """

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
    complete: Callable[[Solution, list[Stage]], Solution],
    value: Callable[[Solution, str], float],
) -> Outcome[Solution]:
    """Minimise the scenario's objectives one after another, within its time limit.

    Args:
        scenario: objectives, slacks and solver settings.
        minimise: called with (objective, ceilings, solution so far, seconds); returns a result and,
            where it has a plan, the solution.
        complete: called with (solution, stages); fixes the structure and solves for everything
            else.
        value: called with (solution, objective); returns the objective's value.

    Returns:
        The stages and the completed solution. Ctrl-C ends the search; objectives not reached are
        left out.

    Raises:
        EngineError: an engine broke.
    """
    objective, solver = scenario.objective, scenario.solver
    began = time.perf_counter()
    limit = solver.time_limit_seconds * (
        (1 - REASSIGNMENT_SHARE) if uses_reassignment(scenario) else 1
    )
    stages: list[Stage] = []
    solution: Solution | None = None
    for number, name in enumerate(objective.minimise):
        ceilings = [(stage.objective, stage.ceiling) for stage in stages]
        remaining = limit - (time.perf_counter() - began)
        seconds = max(remaining / (len(objective.minimise) - number), 1.0)
        with until_interrupted() as interrupted:
            result, new_solution = minimise(name, ceilings, solution, seconds)
        if result.status is Status.FAILED:
            raise EngineError(f"{solver.engine} broke while minimising {name}: {result.message}")
        if new_solution is not None:
            solution = new_solution
        elif solution is not None:
            result = replace(result, status=Status.FEASIBLE, objective=value(solution, name))
        if interrupted() and result.status is Status.FEASIBLE:
            result = replace(result, status=Status.INTERRUPTED)
        slack = objective.slack[number] if number < len(objective.slack) else 0.0
        reached = result.objective if result.objective is not None else np.inf
        stages.append(Stage(name, result, reached + abs(reached) * (slack + OBJECTIVE_TOLERANCE)))
        if solution is None:
            return Outcome((*stages[:-1], _timed(stages[-1], began)), None)
        if interrupted():
            break
    assert solution is not None  # every scenario has an objective
    solution = complete(solution, stages)
    last = stages[-1]
    final = replace(last.result, objective=value(solution, last.objective))
    if final.status is Status.OPTIMAL and final.gap > max(solver.gap, COMPLETION_GAP):
        final = replace(final, status=Status.FEASIBLE)  # completion found a worse plan
    return Outcome((*stages[:-1], _timed(replace(last, result=final), began)), solution)


def _timed(stage: Stage, began: float) -> Stage:
    """Return the stage with the seconds of the whole search, all objectives together."""
    seconds = {**stage.result.seconds, "search": time.perf_counter() - began}
    return replace(stage, result=replace(stage.result, seconds=seconds))
