"""The parameters of the searches of a budget, each with its default and where it comes from.

Where no source is named, the default was chosen on the shipped questions and the published cases
of ``docs/budget.md``: it changes how long a search takes, and no bound or plan beyond its gap.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Refinement:
    """How curves are refined until a gap is proven (``refinement``).

    Attributes:
        max_rounds: Rounds of an objective at most.
        linear_gap: Linear programs, cheap to solve again, are refined to this gap at least.
        first_error_share: Of an outcome's range: the error aimed at in the first round.
        max_breaks: Breakpoints of a curve that the first round may add.
        bound_tolerance: Share of its value by which rounding may take a plan past its bound.
    """

    max_rounds: int = 12
    linear_gap: float = 1e-6
    first_error_share: float = 2e-2
    max_breaks: int = 40
    bound_tolerance: float = 1e-4


@dataclass(frozen=True)
class ColumnGeneration:
    """When and how a large budget is solved by column generation (``column_generation``).

    Attributes:
        min_curve_years: Curves x years from which it is used.
        min_s_curve_years: The same for S-shaped curves alone.
        min_paced_curve_years: The same for S-shaped ones with a pace, which paths bound tightly.
        max_rounds: Rounds of pricing at most.
        smoothing_weights: Shares of the best duals in the smoothed ones (Wentges, International
            Transactions in Operational Research 4, 1997).
        neighbour_steps: Grid steps to the neighbours that join with a best point.
    """

    min_curve_years: int = 250
    min_s_curve_years: int = 60
    min_paced_curve_years: int = 36
    max_rounds: int = 40
    smoothing_weights: tuple[float, ...] = (0.3, 0.6)
    neighbour_steps: tuple[int, ...] = (-9, -3, -1, 0, 1, 3, 9)


@dataclass(frozen=True)
class Rounding:
    """How a convex combination is rounded to a plan (``rounding``).

    Attributes:
        max_improvement_solves: Models solved at most to improve a plan.
        max_repair_solves: Models solved at most to reach the standards.
        merge_distance: Grid points; closer ones share a neighbourhood.
        neighbour_distances: Grid points to each side that a plan may use.
    """

    max_improvement_solves: int = 5
    max_repair_solves: int = 8
    merge_distance: int = 9
    neighbour_distances: tuple[int, ...] = (0, 1, 2, 4, 8, 16, 32)


@dataclass(frozen=True)
class Parameters:
    """The parameters of all searches of a budget.

    Attributes:
        refinement: Of the refinement of curves.
        column_generation: Of column generation.
        rounding: Of rounding to a plan.
    """

    refinement: Refinement = field(default_factory=Refinement)
    column_generation: ColumnGeneration = field(default_factory=ColumnGeneration)
    rounding: Rounding = field(default_factory=Rounding)


DEFAULTS = Parameters()
