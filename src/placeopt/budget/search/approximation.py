"""The curves of a budget problem as pieces under and over them, refined around plans."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from placeopt.base.arrays import Floats
from placeopt.budget.curves.base import Curve
from placeopt.budget.curves.piecewise import (
    MIN_PIECE_SHARE,
    Piece,
    Side,
    breakpoints,
    error_bound,
    pieces,
)
from placeopt.budget.model.constraints import payment_by_results
from placeopt.budget.model.constraints.cumulative_effects import CumulativeEffects
from placeopt.budget.model.constraints.remaining_potential import inverse_transforms
from placeopt.budget.model.piecewise import ApproximatedCurves
from placeopt.budget.model.scale import scale_of
from placeopt.budget.problem import effects
from placeopt.budget.problem.arrays import BudgetProblem
from placeopt.budget.search.parameters import DEFAULTS


class Approximation:
    """The breakpoints of every curve, which only ever grow, and the pieces made from them."""

    def __init__(
        self,
        problem: BudgetProblem,
        first_error: float = DEFAULTS.refinement.first_error_share,
        max_breaks: int = DEFAULTS.refinement.max_breaks,
    ):
        """Make the first breakpoints.

        Args:
            problem: The budget problem.
            first_error: The error aimed at, as a share of an outcome's range.
            max_breaks: Breakpoints of a curve that may be added for it.
        """
        scale = scale_of(problem)
        lower, upper = problem.lower.min(axis=0), problem.limits.upper.max(axis=0)
        self.problem = problem
        self.exact_at: list[Floats] = []
        self.breakpoints: list[Floats] = []
        for p, o, curve in self._curves():
            today = np.clip(problem.programmes.base_spend[p], lower[p], upper[p])
            error = first_error * float(scale.outcome[o])
            self.exact_at.append(np.unique([lower[p], today, upper[p]]))
            self.breakpoints.append(
                breakpoints(curve, lower[p], upper[p], error, today, max_breaks)
            )
        self.inverse_curves = inverse_transforms(problem)
        self.inverse_breakpoints = [
            breakpoints(
                curve, low, top, first_error * float(scale.outcome[o]), max_breaks=max_breaks
            )
            for o, curve, low, top in self.inverse_curves
        ]
        self.cumulative = CumulativeEffects(problem, first_error * scale.outcome, max_breaks)
        self.paid_curves = payment_by_results.paid_curves(problem)

    def _curves(self) -> Iterator[tuple[int, int, Curve]]:
        """Programme, outcome and curve."""
        curves = self.problem.curves
        return zip(curves.programme, curves.outcome, curves.response, strict=True)

    def pieces(self, side: Side) -> ApproximatedCurves:
        """Approximate every curve from one side.

        Args:
            side: ``under`` for pieces below the curves, ``over`` for pieces above them.
        """
        curves = zip(self._curves(), self.breakpoints, self.exact_at, strict=True)
        inverse = zip(self.inverse_curves, self.inverse_breakpoints, strict=True)
        return ApproximatedCurves(
            effects=[pieces(curve, breaks, side, at) for (_, _, curve), breaks, at in curves],
            improvements=[pieces(curve, breaks, side) for (_, curve, *_), breaks in inverse],
            levels=self.cumulative.pieces(side),
            payment_intervals=self._intervals(side),
        )

    def _intervals(self, side: Side) -> list[list[Piece]]:
        """The intervals of spending by which providers are paid by results (B10)."""
        return [
            payment_by_results.intervals(
                self.problem.curves.response[c], self.breakpoints[c], self.exact_at[c], side
            )
            for c in self.paid_curves
        ]

    def errors(self) -> Floats:
        """Return the proven error of each curve, inverse transform and cumulative effect.

        Returns:
            (C + R + L,) errors in the outcome's unit.
        """
        curves = [curve for _, _, curve in self._curves()] + [
            curve for _, curve, *_ in self.inverse_curves
        ]
        pairs = zip(curves, [*self.breakpoints, *self.inverse_breakpoints], strict=True)
        errors = [error_bound(curve, breaks) for curve, breaks in pairs]
        return np.append(errors, self.cumulative.errors())

    def curve_errors(self) -> Floats:
        """(C,) the proven error of each response curve, in the outcome's unit."""
        return self.errors()[: len(self.problem.curves.response)]

    def add(self, *spends: Floats) -> None:
        """Make the spends (T, P) breakpoints of every curve, so that it is exact there."""
        for spend in spends:
            self.cumulative.add(spend)
        for i, (o, *_) in enumerate(self.inverse_curves):
            for spend in spends:
                sums = effects.transform_sums(self.problem, spend, o)
                cuts = self.inverse_breakpoints[i]
                sums = sums[(sums > cuts[0]) & (sums < cuts[-1])]
                is_new = [np.abs(cuts - value).min() > 1e-7 * cuts[-1] for value in sums]
                self.inverse_breakpoints[i] = np.unique(np.concatenate([cuts, sums[is_new]]))
        for c, p in enumerate(self.problem.curves.programme):
            spends_of_curve = [spend[:, p] for spend in spends]
            self._add_to_curve(c, np.unique(spends_of_curve) if spends else np.zeros(0))

    def _add_to_curve(self, c: int, new: Floats) -> None:
        """Make the spends ``new``, and some beside them, breakpoints of a curve."""
        curve, cuts = self.problem.curves.response[c], self.breakpoints[c]
        at_start = len(new) > 0 and len(cuts) > 1 and new.min() <= cuts[0]
        if at_start and not np.isfinite(curve.slope(cuts[0])):
            new = np.append(new, cuts[0] + (cuts[1] - cuts[0]) / 64)  # no tangent there
        new = new[(new > cuts[0]) & (new < cuts[-1])]
        min_distance = 1e-12 * max(1.0, float(cuts[-1]))
        if not curve.is_concave(float(cuts[0]), float(cuts[-1])):
            min_distance = max(min_distance, MIN_PIECE_SHARE * float(cuts[-1] - cuts[0]))
            exact = self.exact_at[c]
            new = new[np.abs(new[:, None] - exact).min(axis=1, initial=np.inf) > min_distance]
        self.exact_at[c] = np.unique(np.concatenate([self.exact_at[c], new]))
        if len(cuts) > 1 and not curve.is_piecewise_linear:
            after = np.clip(np.searchsorted(cuts, new), 1, len(cuts) - 1)
            new = np.concatenate([new, (new + cuts[after - 1]) / 2, (new + cuts[after]) / 2])
        for spend in new:
            spacing = 1e-6 * abs(spend) + min_distance
            if np.abs(cuts - spend).min() > spacing:  # slopes between closer ones are noise
                cuts = np.append(cuts, spend)
        self.breakpoints[c] = np.sort(cuts)
