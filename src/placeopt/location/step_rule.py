"""How far an ascent of a Lagrangian bound goes (``subgradient``)."""

from __future__ import annotations

from typing import NamedTuple


class StepRule(NamedTuple):
    """How far an ascent goes.

    Attributes:
        rounds: Largest number of rounds.
        step: Step length to begin with.
        patience: Rounds without gain after which the step is halved.
    """

    rounds: int
    step: float
    patience: int
