"""The engine within the time limit of a search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from placeopt import engine
from placeopt.base.deadline import Deadline
from placeopt.engine import Model, Progress, Result
from placeopt.engine.settings import Settings
from placeopt.scenario.scenario import SolverSettings


@dataclass
class TimedSolver:
    """The engine within the remaining time limit, with the seconds spent by phase.

    Attributes:
        deadline: When the search ends.
        settings: Gap, engine, threads and seed.
        progress: Called with the best value and bound.
        spent: Seconds by phase so far.
        interrupted: Whether Ctrl-C was pressed.
    """

    deadline: Deadline
    settings: SolverSettings
    progress: Callable[[Progress], None] | None
    spent: dict[str, float] = field(default_factory=dict)
    interrupted: Callable[[], bool] = lambda: False

    def remaining_seconds(self) -> float:
        """Seconds until the time limit; 0 after Ctrl-C."""
        if self.interrupted():
            return 0.0
        return min(self.deadline.seconds_left(), Deadline.enclosing().seconds_left())

    def seconds(self) -> dict[str, float]:
        """Seconds by phase, and in total."""
        return {**self.spent, "total": self.deadline.elapsed_seconds}

    def solve(self, model: Model, gap: float | None = None, share: float = 1.0) -> Result:
        """Solve a model within a ``share`` of the remaining time."""
        result = engine.solve(
            model,
            replace(
                Settings.of(self.settings),
                time_limit_seconds=max(0.1, self.remaining_seconds() * share),
                gap=self.settings.gap / 4 if gap is None else gap,
            ),
        )
        for name, seconds in result.seconds.items():
            self.spent[name] = self.spent.get(name, 0.0) + seconds
        return result

    def report(self, value: float | None, bound: float) -> None:
        """Report the best value and bound, if anybody asked for them."""
        if self.progress:
            self.progress(Progress(self.deadline.elapsed_seconds, value, bound))
