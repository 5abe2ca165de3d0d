"""The outcome of a search of one year or several: stages, solution, and visits sent nearer.

Each objective, once minimised, becomes a ceiling for the next with the slack that the scenario
grants (``engine.lexicographic``). Where a later search finds no plan, the plan so far is kept.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np

from placeopt.base.deadline import Deadline
from placeopt.base.errors import EngineError
from placeopt.engine import Result, Status
from placeopt.engine.interrupts import interrupted
from placeopt.engine.lexicographic import Stage, minimise_in_order
from placeopt.scenario.reassignment import TIME_SHARE, uses_reassignment
from placeopt.scenario.scenario import Scenario

log = logging.getLogger("placeopt.estate")
OBJECTIVE_TOLERANCE = 1e-7  # relative slack of a ceiling, for rounding
COMPLETION_GAP = 1e-5  # a plan stays optimal within this gap, or the scenario's, after completion
Solution = TypeVar("Solution")  # a decision or a timeline
Ceilings = list[tuple[str, float]]  # objectives and the most that each may come to


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


def ceilings_of(stages: Sequence[Stage]) -> Ceilings:
    """Return the objectives of ``stages`` with the most that each may come to."""
    return [(stage.objective, stage.ceiling) for stage in stages]


def minimise_objectives(
    scenario: Scenario,
    minimise: Callable[
        [str, Sequence[Stage], Solution | None, Deadline], tuple[Result, Solution | None]
    ],
    complete: Callable[[Solution, Sequence[Stage]], Solution],
    value: Callable[[Solution, str], float],
) -> Outcome[Solution]:
    """Minimise the scenario's objectives one after another, within its time limit.

    Args:
        scenario: objectives, slacks and solver settings.
        minimise: called with (objective, stages before it, solution so far, deadline); returns a
            result and, where it has a plan, the solution.
        complete: called with (solution, stages); fixes the structure and solves for everything
            else.
        value: called with (solution, objective); returns the objective's value.

    Returns:
        The stages and the completed solution. Ctrl-C ends the search; objectives not reached are
        left out. Where time or a failing engine left no plan, the last result has the bound and
        says why.
    """
    objective, solver = scenario.objective, scenario.solver

    def minimise_one(
        position: int, stages: Sequence[Stage], solution: Solution | None, part: Deadline
    ) -> tuple[Stage, Solution | None]:
        name = objective.minimise[position]
        result, found = minimise(name, stages, solution, part)
        if result.status is Status.FAILED:
            log.warning("%s failed while minimising %s: %s", solver.engine, name, result.message)
        if found is None and solution is not None:
            found = solution
            result = replace(result, status=Status.FEASIBLE, objective=value(solution, name))
        if result.status is Status.NO_PLAN and not result.message:
            result = replace(result, message=f"the time limit came before a plan ({name})")
        if interrupted() and result.status is Status.FEASIBLE:
            result = replace(result, status=Status.INTERRUPTED)
        slack = objective.slack[position] if position < len(objective.slack) else 0.0
        reached = result.objective if result.objective is not None else np.inf
        ceiling = reached + abs(reached) * (slack + OBJECTIVE_TOLERANCE)
        return Stage(name, result, ceiling), found

    share = 1 - TIME_SHARE if uses_reassignment(scenario) else 1
    deadline = Deadline(solver.time_limit_seconds * share)
    minimised = minimise_in_order(objective.minimise, minimise_one, deadline)
    stages, solution = minimised.stages, minimised.solution
    last = stages[-1]
    if solution is not None:
        try:
            solution = complete(solution, stages)
        except EngineError as error:  # the plan found is not one of the place
            result = Result(Status.NO_PLAN, bound=last.result.bound, message=str(error))
            solution = None
        else:
            result = replace(last.result, objective=value(solution, last.objective))
            if result.status is Status.OPTIMAL and result.gap > max(solver.gap, COMPLETION_GAP):
                result = replace(result, status=Status.FEASIBLE)  # completion found a worse plan
        last = replace(last, result=result)
    seconds = {**last.result.seconds, "search": deadline.elapsed_seconds}
    last = replace(last, result=replace(last.result, seconds=seconds))
    return Outcome((*stages[:-1], last), solution)
