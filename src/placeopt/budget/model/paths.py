"""Spending paths of programmes with a pace limit (B5), and the grids on which they are found.

A programme with a pace has a geometric grid of spends: today's times exp(h k). The step h is such
that the pace allows at most ``max_steps_down`` steps down and ``max_steps_up`` steps up in a year,
rounded so that no allowed move is lost. What the pace forces year after year from today's spend
lies on grid points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from placeopt.base.arrays import Bools, Floats, Ints
from placeopt.budget.problem.arrays import BudgetProblem

GEOMETRIC_GRID_SIZE = 600  # points, about
MAX_SPEND_RATIO = 500.0  # largest spend over the lowest grid point above 0
UNLIMITED = -1  # steps in a year where no pace limits them


@dataclass(frozen=True)
class GeometricGrid:
    """A programme's spends ``spend_today * exp(step * (first_exponent + k))``, k = 0, 1, ...

    Attributes:
        programme: Its position.
        spend_today: GBP a year.
        step: The logarithm of the ratio of neighbouring spends.
        first_exponent: The exponent of the lowest spend, in steps from today's.
        spends: (K,) GBP a year.
        max_steps_down: Steps that a year may fall, ``UNLIMITED`` where no pace says so.
        max_steps_up: Steps that a year may rise.
    """

    programme: int
    spend_today: float
    step: float
    first_exponent: int
    spends: Floats
    max_steps_down: int
    max_steps_up: int

    def interval_states(self, spend: Floats) -> Ints:
        """The state of each spend: 2k + 1 on point k, 2k in the interval below it."""
        with np.errstate(divide="ignore"):
            position = (
                np.log(np.maximum(spend, 0.0) / self.spend_today) / self.step - self.first_exponent
            )
        position = np.clip(position, -0.5, len(self.spends) - 0.5)
        nearest = np.round(position)
        return np.where(
            np.abs(position - nearest) < 1e-7, 2 * nearest + 1, 2 * np.floor(position) + 2
        ).astype(int)


def concave_programmes(problem: BudgetProblem) -> Bools:
    """(P,) whether all curves of a programme are concave over its whole range of spends."""
    low, high = problem.lower.min(axis=0), problem.limits.upper.max(axis=0)
    concave = np.ones(len(low), bool)
    for p, curve in zip(problem.curves.programme, problem.curves.response, strict=True):
        concave[p] &= curve.is_concave(float(low[p]), float(high[p]))
    return concave


def geometric_grids_of(problem: BudgetProblem) -> dict[int, GeometricGrid]:
    """Return the geometric grid of each programme with a pace and a curve that is not concave.

    Where all curves are concave, years can be mixed separately, because the pace of the hull is
    then the hull of the pace.

    Returns:
        The grids by the programme's position.
    """
    cut = np.where(problem.limits.pace_cut < 1, problem.limits.pace_cut, np.inf)
    has_pace = (
        ~concave_programmes(problem)
        & (problem.programmes.base_spend > 0)
        & (np.isfinite(cut) | np.isfinite(problem.limits.pace_rise))
    )
    # past years need not have kept the pace
    has_pace &= ~np.isfinite(problem.limits.actual_spend).any(axis=0)
    if len(problem.horizon.years) == 1:
        has_pace[:] = False  # the limits of the year include the pace
    low, high = problem.lower.min(axis=0), problem.limits.upper.max(axis=0)
    return {
        int(p): _geometric_grid(problem, int(p), float(low[p]), float(high[p]))
        for p in np.flatnonzero(has_pace & (high > 0))
    }


def _geometric_grid(problem: BudgetProblem, p: int, low: float, high: float) -> GeometricGrid:
    today, cut = float(problem.programmes.base_spend[p]), float(problem.limits.pace_cut[p])
    fall = -np.log1p(-cut) if cut < 1 else np.inf
    rise = float(np.log1p(problem.limits.pace_rise[p]))
    lowest = max(low, high / MAX_SPEND_RATIO)
    step, down, up = _choose_step(fall, rise, max(np.log(high / lowest), 0.1) / GEOMETRIC_GRID_SIZE)
    first = int(np.floor(np.log(lowest / today) / step + 1e-9))
    last = int(np.ceil(np.log(high / today) / step - 1e-9))
    spends = today * np.exp(step * np.arange(first, last + 1))
    return GeometricGrid(p, today, step, first, spends, down, up)


def _choose_step(fall: float, rise: float, target_step: float) -> tuple[float, int, int]:
    """Return a step of about the size ``wanted``, and the steps of a year's fall and rise.

    The numbers of steps are rounded up; the step is the candidate for which that loses least.
    """
    moves = [move for move in (fall, rise) if 0 < move < np.inf]
    candidates = [target_step]
    for move in [move for move in moves if move >= target_step]:
        min_parts = int(move / target_step)
        candidates += [move / parts for parts in range(min_parts, 2 * min_parts + 1)]
    candidates += [
        max(step, multiple / int(multiple / step))
        for step in candidates
        for multiple in moves
        if multiple >= step
    ]
    points = np.ceil(np.array(moves)[:, None] / np.array(candidates) - 1e-9)
    overshoot = (points * np.array(candidates) - np.array(moves)[:, None]).max(axis=0, initial=0.0)
    step = candidates[int(np.argmin(np.round(overshoot, 9)))]
    down, up = (
        int(np.ceil(move / step - 1e-9)) if np.isfinite(move) else UNLIMITED
        for move in (fall, rise)
    )
    return step, down, up


@dataclass(frozen=True)
class Paths:
    """Spending paths that a model may mix.

    Attributes:
        programme: (n,) the programme of each path.
        spend: (n, T) GBP a year.
    """

    programme: Ints
    spend: Floats

    def union(self, other: Paths) -> Paths:
        """These paths and the other ones, without duplicates."""
        programme = np.concatenate([self.programme, other.programme])
        spend = np.concatenate([self.spend, other.spend])
        keys = np.column_stack([programme, np.round(spend, 6)])
        _, first = np.unique(keys, axis=0, return_index=True)
        return Paths(programme[first], spend[first])


def paths_within_pace(problem: BudgetProblem, programme: Ints, targets: Floats) -> Paths:
    """Return the paths closest to the targets that keep the pace and each year's limits.

    Args:
        problem: The budget problem.
        programme: (n,) the programme of each path.
        targets: (n, T) GBP a year.
    """
    cut, rise = problem.limits.pace_cut[programme], problem.limits.pace_rise[programme]
    min_ratio = np.where(cut < 1, 1 - np.minimum(cut, 1.0), 0.0)
    previous, spend = problem.programmes.base_spend[programme].astype(float), np.empty_like(targets)
    for t in range(targets.shape[1]):
        pace_limit = np.where(np.isfinite(rise), (1 + rise) * previous, np.inf)
        low = np.maximum(min_ratio * previous, problem.lower[t, programme])
        high = np.minimum(pace_limit, problem.limits.upper[t, programme])
        spend[:, t] = np.clip(targets[:, t], np.minimum(low, high), high)
        previous = spend[:, t]
    return Paths(programme, spend)
