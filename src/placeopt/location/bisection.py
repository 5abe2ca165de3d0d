"""The parameters of bisection over distances, for p-centre and p-dispersion.

Each step asks an engine for any plan within (or beyond) a distance, so that it may stop at the
first one.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BisectionParams:
    """The parameters of bisection; the values are ours.

    Attributes:
        starts: Farthest-first plans (Gonzalez (1985), "Clustering to minimize the maximum
            intercluster distance") of which the best is the start.
        least_seconds: Least time limit of an engine.
        any_plan_gap: Relative gap at which an engine stops at its first plan.
    """

    starts: int = 20
    least_seconds: float = 0.5
    any_plan_gap: float = 1e9


DEFAULT_BISECTION = BisectionParams()
