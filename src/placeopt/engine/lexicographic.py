"""Lexicographic minimisation: objectives in order, each kept within its slack for those after it.

What it is to minimise one objective is the problem's own; the order, the time of each and what
happens where one has no plan or Ctrl-C comes are here.

Source: Ehrgott (2005), Multicriteria optimization, ch. 5.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from placeopt.base.deadline import Deadline
from placeopt.engine.interrupts import catching_interrupts
from placeopt.engine.result import Result

LEAST_SECONDS = 1.0  # of an objective that begins late
log = logging.getLogger("placeopt.engine")


@dataclass(frozen=True)
class Stage:
    """One objective minimised.

    Attributes:
        objective: Its name.
        result: Plan and bound of the search.
        ceiling: The largest value that later stages may give the objective.
    """

    objective: str
    result: Result
    ceiling: float


class HasResult(Protocol):
    """What a stage must at least have; a problem may record more of it."""

    @property
    def result(self) -> Result: ...


SomeStage = TypeVar("SomeStage", bound=HasResult)
Solution = TypeVar("Solution")  # what the problem calls a plan: a decision, a timeline, spending
Minimise = Callable[
    [int, Sequence[SomeStage], Solution | None, Deadline], tuple[SomeStage, Solution | None]
]


@dataclass(frozen=True)
class Minimised(Generic[SomeStage, Solution]):
    """What a lexicographic minimisation came to.

    Attributes:
        stages: In the order of the objectives; those not reached are left out.
        solution: The last stage's plan; ``None`` where the first stage had none.
        was_interrupted: Whether Ctrl-C ended the order.
    """

    stages: tuple[SomeStage, ...]
    solution: Solution | None
    was_interrupted: bool


def minimise_in_order(
    objectives: Sequence[str], minimise: Minimise[SomeStage, Solution], deadline: Deadline
) -> Minimised[SomeStage, Solution]:
    """Minimise objectives one after another; each gets an equal share of the time left.

    Args:
        objectives: Their names, in order.
        minimise: Called with the position of an objective, the stages before it, the plan so far
            and its deadline. Returns its stage and a plan that keeps the ceilings of the stages;
            without a plan the order ends, with the plan so far if there is one.
        deadline: When the search ends.

    Returns:
        The stages and the plan. Ctrl-C ends the order.
    """
    stages: list[SomeStage] = []
    solution: Solution | None = None
    was_interrupted = False
    for position, name in enumerate(objectives):
        seconds = deadline.seconds_left() / (len(objectives) - position)
        part = Deadline(max(seconds, LEAST_SECONDS))
        with catching_interrupts() as interrupted:
            stage, found = minimise(position, stages, solution, part)
            was_interrupted = interrupted()
        log.info(
            "%s: %s, %s of at least %s in %.1f s",
            name,
            stage.result.status,
            stage.result.objective,
            stage.result.bound,
            part.elapsed_seconds,
        )
        if found is None and solution is not None:
            break
        stages.append(stage)
        solution = found
        if solution is None or was_interrupted:
            break
    return Minimised(tuple(stages), solution, was_interrupted)
