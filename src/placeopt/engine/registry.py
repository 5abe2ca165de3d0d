"""Every engine in one place: what it can do, under which licence, how to get it.

Asking an engine for what it cannot do raises ``EngineError`` that names one that can; nothing
asked for is ever ignored. ``threads`` is a number that an engine may use, not one it must.
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
    """One engine and its abilities.

    ``prices``: row prices and reduced costs of linear programs, in the sign of ``Result``; they
    are handed out only where strong duality has been checked. ``bound``: it says how far from
    optimal a plan is. ``progress``: it reports while it runs (the others once, at the end).
    """

    name: str
    module: str  # with a function solve(arrays, settings) -> Result
    what: str
    integers: bool = True
    continuous: bool = True
    prices: bool = False
    start: bool = False
    bound: bool = True
    progress: bool = False
    interrupt: bool = True  # Ctrl-C returns the best plan so far
    seed: bool = True
    licence: str = ""
    install: str = "installed with placeopt"

    def run(self, arrays: Arrays, settings: Settings) -> Result:
        solve: Callable[[Arrays, Settings], Result] = import_module(self.module).solve
        return solve(arrays, settings)


_ORTOOLS = "placeopt.engine.ortools_engines"
_PULP = "placeopt.engine.pulp_engines"


def _through_pulp(name: str, what: str, install: str, licence: str = "commercial") -> Engine:
    """A solver that only PuLP reaches: it passes on a plan, but no bound, prices or progress."""
    return Engine(
        name,
        _PULP,
        what,
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
            prices=True,
            start=True,
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
            start=True,
            licence="Apache 2.0",
        ),
        Engine(
            "scip",
            _ORTOOLS,
            "branch and cut, strong bounds on hub and covering models",
            start=True,
            licence="Apache 2.0",
        ),
        Engine(
            "glop",
            _ORTOOLS,
            "simplex for linear programs",
            integers=False,
            prices=True,
            licence="Apache 2.0",
        ),
        Engine(
            "pdlp",
            _ORTOOLS,
            "first-order method for very large linear programs",
            integers=False,
            prices=True,
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
    """The engine of that name; ``pulp:NAME`` is any solver that PuLP lists under NAME."""
    if name in ENGINES:
        return ENGINES[name]
    if name.startswith("pulp:"):
        what = f"{name.removeprefix('pulp:')} through PuLP"
        return _through_pulp(name, what, "see PuLP's documentation", licence="")
    close = get_close_matches(name, ENGINES, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(ENGINES)}"
    raise EngineError(f"there is no engine {name!r}; {hint}")


def require_able(chosen: Engine, arrays: Arrays, settings: Settings) -> None:
    """Raise ``EngineError`` where ``chosen`` cannot do what is asked of it."""
    integers, continuous = bool(arrays.integer.any()), not arrays.integer.all()
    if settings.prices and integers:
        raise EngineError("a model with integers has no prices; fix the integers and solve again")
    for asked, can, what in (
        (integers, "integers", "whole-number columns"),
        (continuous, "continuous", "continuous columns"),
        (settings.prices, "prices", "prices of rows"),
        (settings.start is not None, "start", "a plan to start from"),
    ):
        if asked and not getattr(chosen, can):
            others = [other.name for other in ENGINES.values() if getattr(other, can)]
            raise EngineError(f"{chosen.name} cannot take {what}; {others[0]} can")
