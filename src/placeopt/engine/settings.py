"""What is asked of an engine, and what a running solve reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placeopt.engine.result import Result, Status


@dataclass(frozen=True)
class Progress:
    """One report from a running solve."""

    seconds: float
    incumbent: float | None
    bound: float

    @property
    def gap(self) -> float:
        """As ``Result.gap``: inf where there is no plan or bound yet."""
        return Result(Status.FEASIBLE, objective=self.incumbent, bound=self.bound).gap


@dataclass(frozen=True)
class Settings:
    """What is asked of an engine."""

    time_limit_seconds: float = 300.0
    gap: float = 1e-4
    threads: int = 2
    seed: int = 1
    start: NDArray[np.float64] | None = None
    progress: Callable[[Progress], None] | None = None
    prices: bool = False
    engine: str = "highs"
