"""Decide with proof which public buildings a place keeps and how it splits one budget.

    import placeopt

    place = placeopt.read_place("data/marlshire")
    scenario = placeopt.read_scenario("data/marlshire/scenarios/estate.toml")
    answer = placeopt.solve(place, scenario)
    answer.plan.buildings        # a table in your own rows and ids

Names are loaded when first used, so that ``import placeopt`` is fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from placeopt.engine import Answer, Plan, Result, Status
    from placeopt.place import Place, check, read_place, write_place
    from placeopt.report import write_results
    from placeopt.scenario import Scenario, read_scenario
    from placeopt.study import solve
    from placeopt.travel import TravelTimes, measure

__version__ = "0.1.0"

_ROOM_OF = {
    "Answer": "engine",
    "Plan": "engine",
    "Result": "engine",
    "Status": "engine",
    "Place": "place",
    "check": "place",
    "read_place": "place",
    "write_place": "place",
    "write_results": "report",
    "solve": "study",
    "Scenario": "scenario",
    "read_scenario": "scenario",
    "TravelTimes": "travel",
    "measure": "travel",
}

__all__ = [
    "Answer",
    "Place",
    "Plan",
    "Result",
    "Scenario",
    "Status",
    "TravelTimes",
    "check",
    "measure",
    "read_place",
    "read_scenario",
    "solve",
    "write_place",
    "write_results",
]


def __getattr__(name: str) -> Any:
    if name not in _ROOM_OF:
        raise AttributeError(f"module 'placeopt' has no attribute {name!r}")
    return getattr(import_module(f"placeopt.{_ROOM_OF[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
