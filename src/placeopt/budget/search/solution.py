"""What a search of a budget returns: the plan, and what was solved for each objective."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from placeopt.base.arrays import Floats
from placeopt.engine import Model, Result


@dataclass(frozen=True)
class LexicographicStep:
    """One objective of the lexicographic order, solved.

    Attributes:
        objective: Its name.
        value: Its exact value at the plan, in its own unit.
        bound: The proven bound, in the same unit.
        model: The last model solved.
        result: The result of that model.
        rounds: Rounds of refinement.
    """

    objective: str
    value: float
    bound: float
    model: Model
    result: Result
    rounds: int

    @property
    def gap(self) -> float:
        """The relative gap between value and bound."""
        return max(0.0, self.value - self.bound) / max(1e-9, abs(self.value))


@dataclass(frozen=True)
class Solution:
    """The plan of all objectives; ``spend`` and ``pay`` are ``None`` where there is none.

    Attributes:
        result: The result of the first objective, with the time of all of them.
        spend: (T, P) GBP a year spent on each programme.
        pay: (T, N) GBP a year that each pair of programme and stream pays.
        steps: The objectives that were solved, in order.
        curve_error: (C,) the proven error of each curve's last approximation, in outcome units.
    """

    result: Result
    spend: Floats | None = None
    pay: Floats | None = None
    steps: tuple[LexicographicStep, ...] = ()
    curve_error: Floats = field(default_factory=lambda: np.zeros(0))
