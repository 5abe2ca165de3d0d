"""Answer one question: check, measure, solve, verify, and stamp where the answer comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from placeopt.base.errors import Finding, PlaceError, ScenarioError, UsageError
from placeopt.engine import Answer, Progress
from placeopt.place import Place, check
from placeopt.scenario import Scenario, check_scenario, read_scenario
from placeopt.scenario.check.all_checks import with_lines
from placeopt.scenario.check.comparison import other_question
from placeopt.store.provenance import provenance_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


Watch = Callable[[Progress], None]


def solve(place: Place, scenario: Scenario, *, progress: Watch | None = None) -> Answer:
    """Answer one scenario for one place: checked, measured, solved, verified.

    Returns an ``Answer``: with a verified plan, or without one and with an explanation where the
    rules clash, or with neither where the limit came first (``answer.result.status`` says which).
    Raises ``PlaceError`` or ``ScenarioError`` with every fault at once and ``VerificationError``
    for a plan that does not stand up to the independent verifier.
    """
    return answer_checked(place, check(place), scenario, progress)


def load_today(place: Place, scenario: Path) -> NDArray[np.float64]:
    """(buildings, services) visits a year or desks at each service point today, by the travel times
    and the behaviour of an estate's scenario."""
    from placeopt.estate.problem.build import state
    from placeopt.estate.solution.decision import today
    from placeopt.travel import measure

    asked = read_scenario(scenario)
    if asked.problem != "estate":
        raise UsageError(f"{scenario} asks about a {asked.problem}; give an estate's scenario")
    faults = [one for one in check_scenario(place, asked) if one.severity == "error"]
    if faults:
        raise ScenarioError(faults, "faults in the scenario")
    times = measure(place, **asked.travel.model_dump())
    return today(state(place, times, asked)).units


def answer_checked(
    place: Place | None, findings: list[Finding], scenario: Scenario, progress: Watch | None
) -> Answer:
    """The answer for a place that was checked: no fault is let through, no warning is lost."""
    faults = [finding for finding in findings if finding.severity == "error"]
    if faults or place is None:
        raise PlaceError(faults, "faults in the place")
    asked = [*check_scenario(place, scenario), *engine_findings(scenario)]
    clashes = [finding for finding in asked if finding.severity == "error"]
    if clashes:
        raise ScenarioError(clashes, "faults in the scenario")
    answer = _solver_of(scenario)(place, scenario, progress)
    other = other_question(scenario)
    compared = None if other is None else answer_checked(place, findings, other, progress)
    measured = answer.times.findings if answer.times is not None else ()
    return replace(
        answer,
        warnings=tuple(dict.fromkeys((*findings, *asked, *measured, *answer.warnings))),
        provenance=provenance_of(place, scenario, answer),
        compared=compared,
    )


def _solver_of(scenario: Scenario) -> Callable[[Place, Scenario, Watch | None], Answer]:
    if scenario.problem == "estate":
        return _solve_estate
    if scenario.problem == "budget":
        return _solve_budget
    raise UsageError(f"problem {scenario.problem!r} cannot be solved yet; use estate or budget")


def _solve_estate(place: Place, scenario: Scenario, progress: Watch | None) -> Answer:
    from placeopt import estate
    from placeopt.travel import measure

    settings: dict[str, Any] = scenario.travel.model_dump()
    times = measure(place, **settings)
    return estate.solve(place, times, scenario, progress=progress)


def _solve_budget(place: Place, scenario: Scenario, progress: Watch | None) -> Answer:
    from placeopt import budget

    return budget.solve(place, scenario, progress=progress)


def engine_findings(scenario: Scenario) -> list[Finding]:
    """The fault of the engine that the scenario asks for, at its line."""
    from placeopt.engine.suitability import engine_finding

    found = engine_finding(scenario, scenario.path.name if scenario.path else "the scenario")
    return list(with_lines(scenario, [found] if found else []))
