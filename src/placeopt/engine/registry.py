"""Find an engine by its name, check that it supports what is asked, and run it.

The engines are listed in ``base.engines``. A request that an engine does not support raises
``EngineError`` with the name of one that does; nothing is ever ignored. ``threads`` is a number
that an engine may use.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING

from placeopt.base.engines import ENGINES, Engine, through_pulp
from placeopt.base.errors import EngineError

if TYPE_CHECKING:
    from placeopt.engine.model import Arrays
    from placeopt.engine.result import Result
    from placeopt.engine.settings import Settings


def engine(name: str) -> Engine:
    """The engine of that name; ``pulp:NAME`` is a solver that PuLP lists under NAME.

    Raises:
        EngineError: If there is no such engine.
    """
    if name in ENGINES:
        return ENGINES[name]
    if name.startswith("pulp:"):
        solver = name.removeprefix("pulp:")
        description = f"{solver} through PuLP"
        return through_pulp(name, description, "see PuLP's documentation", solver, licence="")
    matches = get_close_matches(name, ENGINES, n=1)
    hint = f"did you mean {matches[0]!r}?" if matches else f"there are {', '.join(ENGINES)}"
    raise EngineError(f"there is no engine {name!r}; {hint}")


def require_supported(chosen: Engine, arrays: Arrays, settings: Settings) -> None:
    """Check that an engine supports a request.

    Raises:
        EngineError: If it does not; the message names an engine that does.
    """
    integers, continuous = bool(arrays.integer.any()), not arrays.integer.all()
    if settings.duals and integers:
        raise EngineError("a model with integers has no prices; fix the integers and solve again")
    for is_required, ability, description in (
        (integers, "integers", "whole-number columns"),
        (continuous, "continuous", "continuous columns"),
        (settings.duals, "duals", "prices of rows"),
        (settings.warm_start is not None, "warm_start", "a plan to start from"),
    ):
        if is_required and not getattr(chosen, ability):
            supporting = [other.name for other in ENGINES.values() if getattr(other, ability)]
            raise EngineError(f"{chosen.name} cannot take {description}; {supporting[0]} can")


def run(chosen: Engine, arrays: Arrays, settings: Settings) -> Result:
    """Solve ``arrays`` with an engine."""
    solve: Callable[[Arrays, Settings], Result] = import_module(chosen.module).solve
    return solve(arrays, settings)
