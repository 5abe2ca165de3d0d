"""The settings of a solve, and the progress that it reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placeopt.engine.result import Result, Status
from placeopt.scenario.scenario import SolverSettings


@dataclass(frozen=True)
class Progress:
    """One report from a running solve.

    Attributes:
        seconds: Seconds since the solve began.
        incumbent: Objective of the best plan; None if there is none.
        bound: The best bound.
    """

    seconds: float
    incumbent: float | None
    bound: float

    @property
    def gap(self) -> float:
        """As ``Result.gap``: inf where there is no plan or bound yet."""
        return Result(Status.FEASIBLE, objective=self.incumbent, bound=self.bound).gap


ProgressCallback = Callable[[Progress], None]  # called with each report of a running solve


@dataclass(frozen=True)
class Settings:
    """The settings of a solve; ``dataclasses.replace`` changes some for one solve of a search.

    Attributes:
        time_limit_seconds: Time limit.
        gap: Relative gap at which to stop.
        threads: Largest number of threads.
        seed: Seed of the engine.
        warm_start: A plan to start from, (columns,).
        progress: Called with reports.
        duals: Whether row duals are required.
        engine: Name of the engine.
    """

    time_limit_seconds: float = 300.0
    gap: float = 1e-4
    threads: int = 2
    seed: int = 1
    warm_start: NDArray[np.float64] | None = None
    progress: ProgressCallback | None = None
    duals: bool = False
    engine: str = "highs"

    @classmethod
    def of(cls, solver: SolverSettings) -> Settings:
        """The settings of a scenario."""
        return cls(
            time_limit_seconds=solver.time_limit_seconds,
            gap=solver.gap,
            threads=solver.threads,
            seed=solver.seed,
            engine=solver.engine,
        )
