"""Answer one question: check, measure, solve, verify, and record where the answer comes from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from placeopt.base.errors import Finding, PlaceError, ScenarioError, UsageError, errors_among
from placeopt.engine import Answer
from placeopt.engine.settings import ProgressCallback
from placeopt.place import Place, check
from placeopt.scenario import Scenario, check_scenario, read_scenario
from placeopt.scenario.check.all_checks import add_lines
from placeopt.scenario.check.comparison import read_compared_scenario
from placeopt.store.provenance import provenance_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from placeopt.travel import TravelTimes


def solve(place: Place, scenario: Scenario, *, progress: ProgressCallback | None = None) -> Answer:
    """Answer one scenario for one place: check, measure, solve, verify.

    Args:
        place: The place.
        scenario: The question.
        progress: Called with reports from running solves.

    Returns:
        An answer with a verified plan, or with an explanation if the rules clash, or with neither
        if the time limit came first (``answer.result.status`` says which).

    Raises:
        PlaceError: With every fault of the place.
        ScenarioError: With every fault of the scenario.
        VerificationError: If the plan fails the independent verifier.
        UsageError: If ``place`` is no place or ``scenario`` no scenario.
    """
    findings = check(place)
    if not isinstance(scenario, Scenario):
        kind = type(scenario).__name__
        raise UsageError(f"this is of type {kind} and no scenario; use read_scenario")
    return answer_checked(place, findings, scenario, progress)


def load_today(place: Place, scenario: Path) -> NDArray[np.float64]:
    """Visits per year, or desks, at each service point today, (buildings, services).

    They follow the travel times and the behaviour of an estate's scenario.

    Args:
        place: The place.
        scenario: The scenario's file.

    Raises:
        UsageError: If the scenario is not an estate's.
        ScenarioError: With every fault of the scenario.
    """
    from placeopt.estate.problem.build import build_problem
    from placeopt.estate.solution.decision import decision_today
    from placeopt.travel import measure

    asked_scenario = read_scenario(scenario)
    if asked_scenario.problem != "estate":
        raise UsageError(
            f"{scenario} asks about a {asked_scenario.problem}; give an estate's scenario"
        )
    faults = errors_among(check_scenario(place, asked_scenario))
    if faults:
        raise ScenarioError(faults, "faults in the scenario")
    times = measure(place, **asked_scenario.travel.model_dump())
    return decision_today(build_problem(place, times, asked_scenario)).units


def answer_checked(
    place: Place | None,
    findings: list[Finding],
    scenario: Scenario,
    progress: ProgressCallback | None,
    times: TravelTimes | None = None,
) -> Answer:
    """The answer for a place that was checked already.

    Args:
        place: The place, if it could be read.
        findings: Findings of its check; every warning among them is kept in the answer.
        scenario: The question.
        progress: Called with reports from running solves.
        times: Minutes that were measured already with the scenario's travel settings.

    Raises:
        PlaceError: If there is an error among the findings.
        ScenarioError: With every fault of the scenario.
    """
    faults = errors_among(findings)
    if faults or place is None:
        raise PlaceError(faults, "faults in the place")
    scenario_findings = [*check_scenario(place, scenario), *engine_findings(scenario)]
    scenario_faults = errors_among(scenario_findings)
    if scenario_faults:
        raise ScenarioError(scenario_faults, "faults in the scenario")
    answer = _solve(place, scenario, progress, times)
    other, compared = read_compared_scenario(scenario), None
    if other is not None:
        measured = answer.times if other.travel == scenario.travel else None
        compared = answer_checked(place, findings, other, progress, measured)
    travel_findings = answer.times.findings if answer.times is not None else ()
    return replace(
        answer,
        warnings=tuple(
            dict.fromkeys((*findings, *scenario_findings, *travel_findings, *answer.warnings))
        ),
        provenance=provenance_of(place, scenario, answer),
        compared=compared,
    )


def _solve(
    place: Place,
    scenario: Scenario,
    progress: ProgressCallback | None,
    times: TravelTimes | None,
) -> Answer:
    """Solve by the scenario's problem; an estate's minutes are measured if they were not yet."""
    if scenario.problem == "estate":
        from placeopt import estate
        from placeopt.travel import measure

        if times is None:
            settings: dict[str, Any] = scenario.travel.model_dump()
            times = measure(place, **settings)
        return estate.solve(place, times, scenario, progress=progress)
    if scenario.problem == "budget":
        from placeopt import budget

        return budget.solve(place, scenario, progress=progress)
    raise UsageError(f"problem {scenario.problem!r} cannot be solved yet; use estate or budget")


def engine_findings(scenario: Scenario) -> list[Finding]:
    """The fault of the engine that the scenario asks for, with its line."""
    from placeopt.engine.suitability import engine_finding

    fault = engine_finding(scenario, scenario.path.name if scenario.path else "the scenario")
    return list(add_lines(scenario, [fault] if fault else []))
