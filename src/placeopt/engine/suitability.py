"""Whether the engine of a scenario is installed and suits the problem."""

from __future__ import annotations

from typing import TYPE_CHECKING

from placeopt.base.engines import ENGINES, PULP
from placeopt.base.errors import EngineError, Finding
from placeopt.engine.registry import engine

if TYPE_CHECKING:
    from placeopt.scenario import Scenario


def engine_finding(scenario: Scenario, file: str) -> Finding | None:
    """The fault of a scenario's engine: not installed, or unsuitable for its problem; or None.

    Args:
        scenario: The scenario of an estate or a budget.
        file: Name of its file in findings.

    Returns:
        The fault, if there is one.
    """
    name = scenario.solver.engine
    try:
        chosen = engine(name)
        if chosen.module == PULP:
            from placeopt.engine.pulp_engines import require_installed

            require_installed(name)
    except EngineError as fault:
        return Finding("error", file, None, "engine", name, str(fault), "choose an engine that is")
    unsupported = ["continuous columns"] if not chosen.continuous else []
    if scenario.problem == "estate" and not chosen.integers:
        unsupported.append("whole-number columns")
    if not unsupported:
        return None
    suitable = next(other.name for other in ENGINES.values() if other.integers and other.continuous)
    message = f"it cannot take {' and '.join(unsupported)}, which the problem has"
    return Finding("error", file, None, "engine", name, message, f"{suitable} can")
