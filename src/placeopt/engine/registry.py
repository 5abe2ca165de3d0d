"""All engines: what they support, their licence, and how to get them.

A request that an engine does not support raises ``EngineError`` with the name of one that
does; nothing is ever ignored. ``threads`` is a number that an engine may use.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING

from placeopt.base.errors import EngineError

if TYPE_CHECKING:
    from placeopt.engine.model import Arrays
    from placeopt.engine.result import Result
    from placeopt.engine.settings import Settings


@dataclass(frozen=True)
class Engine:
    """One engine and what it supports.

    Attributes:
        name: Name of the engine.
        module: Module with a function ``solve(arrays, settings) -> Result``.
        description: What it is.
        integers: Whether it takes integer columns.
        continuous: Whether it takes continuous columns.
        duals: Whether it returns row duals and reduced costs of linear programs, with the signs of
            ``Result``; they are returned only where strong duality has been checked.
        warm_start: Whether it starts from a given plan.
        bound: Whether it states how far from optimal a plan is.
        progress: Whether it reports while it runs; the others report once, at the end.
        interrupt: Whether Ctrl-C returns the best plan so far.
        seed: Whether the same seed gives the same run.
        licence: Its licence.
        install: How to install it.
    """

    name: str
    module: str

    description: str
    integers: bool = True
    continuous: bool = True
    duals: bool = False
    warm_start: bool = False
    bound: bool = True
    progress: bool = False
    interrupt: bool = True

    seed: bool = True
    licence: str = ""
    install: str = "installed with placeopt"

    def run(self, arrays: Arrays, settings: Settings) -> Result:
        """Solve ``arrays`` with this engine."""
        solve: Callable[[Arrays, Settings], Result] = import_module(self.module).solve
        return solve(arrays, settings)


_ORTOOLS = "placeopt.engine.ortools_engines"
_PULP = "placeopt.engine.pulp_engines"


def _through_pulp(name: str, description: str, install: str, licence: str = "commercial") -> Engine:
    """A solver reached through PuLP: it passes on a plan, but no bound, duals or progress."""
    return Engine(
        name,
        _PULP,
        description,
        bound=False,
        interrupt=False,
        seed=False,
        licence=licence,
        install=install,
    )


ENGINES: dict[str, Engine] = {
    engine.name: engine
    for engine in (
        Engine(
            "highs",
            "placeopt.engine.highs",
            "branch and cut, simplex, interior point: the default",
            duals=True,
            warm_start=True,
            progress=True,
            licence="MIT",
        ),
        Engine(
            "cbc",
            _PULP,
            "branch and cut, strong where the relaxation is tight",
            interrupt=False,
            licence="EPL 2.0",
        ),
        Engine(
            "cp-sat",
            _ORTOOLS,
            "constraint programming over whole numbers",
            continuous=False,
            warm_start=True,
            licence="Apache 2.0",
        ),
        Engine(
            "scip",
            _ORTOOLS,
            "branch and cut, strong bounds on hub and covering models",
            warm_start=True,
            licence="Apache 2.0",
        ),
        Engine(
            "glop",
            _ORTOOLS,
            "simplex for linear programs",
            integers=False,
            duals=True,
            licence="Apache 2.0",
        ),
        Engine(
            "pdlp",
            _ORTOOLS,
            "first-order method for very large linear programs",
            integers=False,
            duals=True,
            seed=False,
            licence="Apache 2.0",
        ),
        _through_pulp("gurobi", "Gurobi through PuLP", "pip install gurobipy"),
        _through_pulp("cplex", "CPLEX through PuLP", "pip install cplex"),
        _through_pulp("copt", "COPT through PuLP", "pip install coptpy"),
        _through_pulp("xpress", "Xpress through PuLP", "pip install xpress"),
    )
}


def engine(name: str) -> Engine:
    """The engine of that name; ``pulp:NAME`` is a solver that PuLP lists under NAME.

    Raises:
        EngineError: If there is no such engine.
    """
    if name in ENGINES:
        return ENGINES[name]
    if name.startswith("pulp:"):
        description = f"{name.removeprefix('pulp:')} through PuLP"
        return _through_pulp(name, description, "see PuLP's documentation", licence="")
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
