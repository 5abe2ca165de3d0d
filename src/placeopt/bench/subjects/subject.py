"""The interface of a subject: location problems, estates or budgets.

A subject makes its cases, solves them with an engine, checks the plans and states a case as a
model for other solvers.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from placeopt.bench.case import Case
    from placeopt.engine import Model

COMPACT_MODEL_ENGINES = ("highs", "cbc", "scip", "cp-sat", "gurobi", "cplex", "copt", "xpress")
PULP_ENGINES = ("pulp-highs", "pulp-cbc")  # the reference models under models/, as PuLP solves them
ENGINES = ("placeopt", *COMPACT_MODEL_ENGINES, "spopt", *PULP_ENGINES)


@dataclass(frozen=True)
class SolveSettings:
    """How to solve, with one thread.

    Attributes:
        engine: Name of the engine.
        seconds: Time limit.
        gap: Relative gap at which to stop.
        seed: Seed of the engine.
        folder: Folder for a plan that is not a plain value.
    """

    engine: str
    seconds: float
    gap: float
    seed: int
    folder: Path


class Subject(Protocol):
    """One kind of case.

    A record has at least status, objective, bound (None = none), seconds (dict), trace, method,
    message and, if an engine may claim more than it proves, ``claimed``.
    """

    @property
    def min_gap(self) -> float:
        """The relative gap that counts as proven, even if a smaller one was asked for."""
        ...  # a property of the class

    def engines(self, case: Case) -> tuple[str, ...]: ...
    def make_instance(self, case: Case) -> Any: ...
    def warm_up_cases(self, case: Case) -> list[Case]: ...
    def solve(self, instance: Any, settings: SolveSettings) -> dict[str, Any]: ...
    def check(self, instance: Any, record: dict[str, Any], folder: Path) -> dict[str, Any]: ...
    def model(self, instance: Any) -> Model: ...
