"""Find and check the scenario with which an answer is compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from placeopt.base.errors import Finding, ScenarioError, errors_among
from placeopt.base.findings import error
from placeopt.scenario.read import read_scenario
from placeopt.scenario.scenario import Scenario

KEY = "answer.compare_with"


def read_compared_scenario(scenario: Scenario) -> Scenario | None:
    """Read the scenario named by ``[answer] compare_with``, without its own comparison; None if
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


def comparison_findings(
    scenario: Scenario, check: Callable[[Scenario], list[Finding]]
) -> Iterator[Finding]:
    """Errors if the other scenario is faulty, or differs in problem, place or first objective.

    Args:
        scenario: The scenario that names the other one.
        check: Returns the findings on the other scenario for the same place.
    """
    name = scenario.answer.compare_with
    try:
        other = read_compared_scenario(scenario)
    except ScenarioError as refused:
        first = refused.findings[0]
        yield _fault(scenario, f"that scenario has faults: {first}", "mend it, or name another")
        return
    if other is None:
        return
    if other.problem != scenario.problem:
        yield _fault(
            scenario, f"it is of problem {other.problem}", f"name one of {scenario.problem}"
        )
        return
    own_place, other_place = scenario.place_path.resolve(), other.place_path.resolve()
    if own_place != other_place:
        remedy = f"name a scenario of {own_place.name}"
        yield _fault(scenario, f"it asks about another place, {other_place.name}", remedy)
    own_objective, other_objective = scenario.objective.minimise[0], other.objective.minimise[0]
    if own_objective != other_objective:
        message = f"{name} minimises {other_objective} first and this question {own_objective}"
        yield _fault(scenario, message, "compare questions with the same first objective")
    if own_place == other_place:
        yield from errors_among(check(other))


def _fault(scenario: Scenario, message: str, remedy: str) -> Finding:
    file = scenario.path.name if scenario.path is not None else "the scenario"
    return error(file, message, remedy, column=KEY, value=scenario.answer.compare_with)
