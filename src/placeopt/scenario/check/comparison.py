"""The question that an answer is compared with: it is there, and asks alike of the same place."""

from __future__ import annotations

from collections.abc import Iterator

from placeopt.base.errors import Finding, ScenarioError
from placeopt.scenario.read import read_scenario
from placeopt.scenario.scenario import Scenario

KEY = "answer.compare_with"


def other_question(scenario: Scenario) -> Scenario | None:
    """The scenario named by ``[answer] compare_with``, itself compared with nothing; None where
    none is named.

    Raises:
        ScenarioError: The file is missing or has faults.
    """
    name = scenario.answer.compare_with
    if not name:
        return None
    folder = scenario.path.parent if scenario.path is not None else None
    other = read_scenario(name if folder is None else folder / name)
    return other.replace(answer=other.answer.replace(compare_with=""))


def comparison_findings(scenario: Scenario) -> Iterator[Finding]:
    """Faults of the comparison that the scenario asks for."""
    name = scenario.answer.compare_with
    try:
        other = other_question(scenario)
    except ScenarioError as error:
        first = error.findings[0]
        yield _fault(scenario, f"that scenario has faults: {first}", "mend it, or name another")
        return
    if other is None:
        return
    if other.problem != scenario.problem:
        yield _fault(
            scenario, f"it is of problem {other.problem}", f"name one of {scenario.problem}"
        )
        return
    here, there = scenario.place_path.resolve(), other.place_path.resolve()
    if here != there:
        remedy = f"name a scenario of {here.name}"
        yield _fault(scenario, f"it asks about another place, {there.name}", remedy)
    mine, theirs = scenario.objective.minimise[0], other.objective.minimise[0]
    if mine != theirs:
        message = f"{name} minimises {theirs} first and this question {mine}"
        yield _fault(scenario, message, "compare questions with the same first objective")


def _fault(scenario: Scenario, message: str, remedy: str) -> Finding:
    file = scenario.path.name if scenario.path is not None else "the scenario"
    return Finding("error", file, None, KEY, scenario.answer.compare_with, message, remedy)
