"""The result of a solve: status, objective, bound, gap, values, duals, seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from placeopt.engine.model import Block


class Status(StrEnum):
    """How a solve ended. OPTIMAL means that the bound proves the plan within the requested gap."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible at limit"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    INTERRUPTED = "interrupted"  # with a plan where ``values`` is not None
    NO_PLAN = "no plan at limit"
    FAILED = "failed"


@dataclass(frozen=True)
class Result:
    """What an engine returned, with everything recomputed that can be.

    Attributes:
        status: How the solve ended.
        objective: Recomputed from ``values`` and the model's arrays, never the engine's own.
        bound: The engine's proven lower bound; -inf if there is none.
        values: Value of each column, (columns,), integers rounded.
        row_duals: Objective units for one more unit of a row's binding side, (rows,); of linear
            programs only.
        reduced_costs: Reduced cost of each column, (columns,); of linear programs only.
        seconds: Seconds by phase.
        engine: Name of the engine.
        version: Version of the engine.
        seed: Seed, if the engine has one.
        message: Further remarks.
    """

    status: Status
    objective: float | None = None
    bound: float = -np.inf
    values: NDArray[np.float64] | None = None
    row_duals: NDArray[np.float64] | None = None
    reduced_costs: NDArray[np.float64] | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    engine: str = ""
    version: str = ""
    seed: int | None = None
    message: str = ""

    @property
    def gap(self) -> float:
        """(objective - bound) / max(1e-9, |objective|); inf where there is no plan or bound."""
        if self.objective is None or not np.isfinite(self.bound):
            return np.inf
        return max(0.0, self.objective - self.bound) / max(1e-9, abs(self.objective))

    @property
    def has_plan(self) -> bool:
        """Whether there is a plan."""
        return self.values is not None

    def value(self, block: Block) -> NDArray[np.float64]:
        """The values of one block of columns."""
        if self.values is None:
            raise ValueError(f"there is no plan to read {block.name!r} from: {self.status}")
        return self.values[block.start : block.start + block.size]
