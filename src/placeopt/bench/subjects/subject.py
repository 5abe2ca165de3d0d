"""What can be measured: location problems, estates, budgets. Each makes its cases, solves them
with an engine, checks what came back and states the case as a model for other people's solvers.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from placeopt.bench.case import Case
    from placeopt.engine import Model

COMPACT = ("highs", "cbc", "scip", "cp-sat", "gurobi", "cplex", "copt", "xpress")
TEXTBOOK = ("pulp-highs", "pulp-cbc")  # the reference models under models/, as PuLP solves them
ENGINES = ("placeopt", *COMPACT, "spopt", *TEXTBOOK)


@dataclass(frozen=True)
class Run:
    """How to solve: one thread, so many seconds; ``folder`` takes a plan that is no plain value."""

    engine: str
    seconds: float
    gap: float
    seed: int
    folder: Path


class Subject(Protocol):
    """One kind of case. A record has at least status, objective, bound (None = none), seconds
    (dict), trace, method, message and, where engines may say more than they prove, ``claimed``."""

    @property
    def least_gap(self) -> float:
        """The relative gap that counts as proven, whatever less was asked for."""
        ...  # a property of the class

    def engines(self, case: Case) -> tuple[str, ...]: ...
    def make(self, case: Case) -> Any: ...
    def tiny(self, case: Case) -> list[Case]: ...
    def solve(self, instance: Any, how: Run) -> dict[str, Any]: ...
    def check(self, instance: Any, record: dict[str, Any], folder: Path) -> dict[str, Any]: ...
    def model(self, instance: Any) -> Model: ...
