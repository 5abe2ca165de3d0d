"""What came of a solve: status, objective, bound, gap, values, prices, seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from placeopt.engine.model import Block


class Status(StrEnum):
    """How a solve ended. "Optimal" means: the bound proves it within the asked gap."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible at limit"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    INTERRUPTED = "interrupted"  # with a plan where ``values`` is not None
    NO_PLAN = "no plan at limit"
    FAILED = "failed"


@dataclass(frozen=True)
class Result:
    """What an engine answered, recomputed from the values it returned.

    ``objective`` is recomputed from ``values`` and the model's arrays, never taken from the
    engine; ``bound`` is the engine's proven lower bound (``-inf`` if none); ``values`` has one
    entry for each column, integers rounded; ``row_prices`` and ``reduced_costs`` are of a linear
    program only: objective units for one more unit of the row's binding side.
    """

    status: Status
    objective: float | None = None
    bound: float = -np.inf
    values: NDArray[np.float64] | None = None
    row_prices: NDArray[np.float64] | None = None
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
        return self.values is not None

    def value(self, block: Block) -> NDArray[np.float64]:
        """The values of one block of columns."""
        if self.values is None:
            raise ValueError(f"there is no plan to read {block.name!r} from: {self.status}")
        return self.values[block.start : block.start + block.size]
