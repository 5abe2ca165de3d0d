"""Whole spending paths of programmes that may change only so fast (B5), priced year after year.

A programme under a pace stands on a ladder of spends, today's times exp(h k). The step h is such
that the pace lets it move at most ``down`` rungs down and ``up`` rungs up in a year, rounded so
that no allowed move is lost. States of a year are the rungs and the open intervals between them,
so every allowed path is a path of states, and

    least[t,s] = cell[t,s] + least over the states s' that s can reach of least[t+1,s']

with cell[t,s] no more than the least reduced cost of any spend in s (``decompose`` says how) is
no more than the reduced cost of any allowed path. What the pace forces year after year from
today's spend lies on rungs, where nothing is lost; elsewhere a state is a rung wide.
Source: Bellman, Dynamic programming (1957); Lasdon and Terjung, An efficient algorithm for
multi-item scheduling, Operations Research 19 (1971), for paths as columns of a master program.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from placeopt.budget.problem.arrays import Bools, BudgetProblem, Floats, Ints

GEOMETRIC_GRID_SIZE = 600  # of a ladder, about
MAX_SPEND_RATIO = 500.0  # the most that may be spent is so many times the lowest rung above nothing
UNLIMITED = -1  # rungs that can be passed in a year where no pace holds them


@dataclass(frozen=True)
class GeometricGrid:
    """A programme's rungs: spends ``today * exp(step * (first + k))``, k = 0, 1, ..."""

    programme: int
    spend_today: float
    step: float
    first_exponent: int
    spends: Floats
    max_steps_down: int
    max_steps_up: int

    def interval_states(self, spend: Floats) -> Ints:
        """The state of each spend: 2k + 1 on rung k, 2k in the interval below it."""
        with np.errstate(divide="ignore"):
            at = np.log(np.maximum(spend, 0.0) / self.spend_today) / self.step - self.first_exponent
        at = np.clip(at, -0.5, len(self.spends) - 0.5)
        near = np.round(at)
        return np.where(np.abs(at - near) < 1e-7, 2 * near + 1, 2 * np.floor(at) + 2).astype(int)


def concave_programmes(problem: BudgetProblem) -> Bools:
    """(P,) whether all curves of a programme are concave over all that it may get."""
    low, high = problem.lower.min(axis=0), problem.upper.max(axis=0)
    found = np.ones(len(low), bool)
    for p, curve in zip(problem.curve_programme, problem.curves, strict=True):
        found[p] &= curve.is_concave(float(low[p]), float(high[p]))
    return found


def geometric_grids_of(problem: BudgetProblem) -> dict[int, GeometricGrid]:
    """The ladder of each programme with a pace and a curve that is not concave, by its position
    (where all are, years may be mixed apart: the pace of the hull is the hull of the pace)."""
    cut = np.where(problem.pace_cut < 1, problem.pace_cut, np.inf)
    paced = (
        ~concave_programmes(problem)
        & (problem.base_spend > 0)
        & (np.isfinite(cut) | np.isfinite(problem.pace_rise))
    )
    paced &= ~np.isfinite(problem.actual_spend).any(axis=0)  # what is past may have kept no pace
    if len(problem.years) == 1:
        paced[:] = False  # the year's limits say it all
    low, high = problem.lower.min(axis=0), problem.upper.max(axis=0)
    return {
        int(p): _geometric_grid(problem, int(p), float(low[p]), float(high[p]))
        for p in np.flatnonzero(paced & (high > 0))
    }


def _geometric_grid(problem: BudgetProblem, p: int, low: float, high: float) -> GeometricGrid:
    today, cut = float(problem.base_spend[p]), float(problem.pace_cut[p])
    fall = -np.log1p(-cut) if cut < 1 else np.inf
    rise = float(np.log1p(problem.pace_rise[p]))
    lowest = max(low, high / MAX_SPEND_RATIO)
    step, down, up = _choose_step(fall, rise, max(np.log(high / lowest), 0.1) / GEOMETRIC_GRID_SIZE)
    first = int(np.floor(np.log(lowest / today) / step + 1e-9))
    last = int(np.ceil(np.log(high / today) / step - 1e-9))
    rungs = today * np.exp(step * np.arange(first, last + 1))
    return GeometricGrid(p, today, step, first, rungs, down, up)


def _choose_step(fall: float, rise: float, wanted: float) -> tuple[float, int, int]:
    """A step of about the wanted size, and the rungs of a year's fall and rise, which are rounded
    up: of the steps in question the one where that matters least."""
    moves = [move for move in (fall, rise) if 0 < move < np.inf]
    tried = [wanted]
    for move in [move for move in moves if move >= wanted]:
        least = int(move / wanted)
        tried += [move / many for many in range(least, 2 * least + 1)]
    tried += [
        max(step, other / int(other / step)) for step in tried for other in moves if other >= step
    ]
    rungs = np.ceil(np.array(moves)[:, None] / np.array(tried) - 1e-9)
    lost = (rungs * np.array(tried) - np.array(moves)[:, None]).max(axis=0, initial=0.0)
    step = tried[int(np.argmin(np.round(lost, 9)))]
    down, up = (
        int(np.ceil(move / step - 1e-9)) if np.isfinite(move) else UNLIMITED
        for move in (fall, rise)
    )
    return step, down, up


@dataclass(frozen=True)
class Paths:
    """Spending paths that a model may mix: the programme of each (n,), its spends (n, T)."""

    programme: Ints
    spend: Floats

    def union(self, other: Paths) -> Paths:
        """These and the other ones, each once."""
        programme = np.concatenate([self.programme, other.programme])
        spend = np.concatenate([self.spend, other.spend])
        keys = np.column_stack([programme, np.round(spend, 6)])
        _, first = np.unique(keys, axis=0, return_index=True)
        return Paths(programme[first], spend[first])


def paths_within_pace(problem: BudgetProblem, programme: Ints, wanted: Floats) -> Paths:
    """Paths (n, T) as near to the ``wanted`` ones as the pace and each year's limits let them."""
    cut, rise = problem.pace_cut[programme], problem.pace_rise[programme]
    least = np.where(cut < 1, 1 - np.minimum(cut, 1.0), 0.0)
    last, spend = problem.base_spend[programme].astype(float), np.empty_like(wanted)
    for t in range(wanted.shape[1]):
        most = np.where(np.isfinite(rise), (1 + rise) * last, np.inf)
        low = np.maximum(least * last, problem.lower[t, programme])
        high = np.minimum(most, problem.upper[t, programme])
        spend[:, t] = np.clip(wanted[:, t], np.minimum(low, high), high)
        last = spend[:, t]
    return Paths(programme, spend)


def least_cost_paths(
    geometric_grids: dict[int, GeometricGrid], spend: Floats, cost: Floats, step: Floats
) -> tuple[Floats, Floats]:
    """For each ladder: no more than the least cost of any allowed path, and a path near it (T,).

    ``spend`` (Q, K) rising grid of each ladder's programme; ``cost`` (T, Q, K) of its points and
    ``step`` (T, Q, K - 1) no more than any cost between two points; inf where not allowed.
    """
    owned = list(geometric_grids.values())
    years, _, size = cost.shape
    most = 2 * max(len(ladder.spends) for ladder in owned) + 1
    cell = np.full((years, len(owned), most), np.inf)
    at = np.zeros((len(owned), size), int)
    for q, ladder in enumerate(owned):
        at[q] = ladder.interval_states(spend[q])
        middle = ladder.interval_states((spend[q, 1:] + spend[q, :-1]) / 2)
        state = np.empty(2 * size - 1, int)
        state[::2], state[1::2] = at[q], middle
        value = np.empty((years, 2 * size - 1))
        value[:, ::2], value[:, 1::2] = cost[:, q], step[:, q]
        start = np.flatnonzero(np.diff(state, prepend=-1) > 0)
        cell[:, q, state[start]] = np.minimum.reduceat(value, start, axis=1)
    down = np.array([ladder.max_steps_down for ladder in owned])
    up = np.array([ladder.max_steps_up for ladder in owned])
    least = cell
    for t in range(years - 2, -1, -1):
        least[t] += _least_reachable_cost(least[t + 1], down, up)
    path = np.empty((len(owned), years))
    state = least[0].argmin(axis=1)
    position = np.arange(most)
    for t in range(years):
        if t > 0:
            away = position[None, :] - state[:, None]
            low = np.where(down == UNLIMITED, -most, -2 * down)[:, None]
            high = np.where(up == UNLIMITED, most, 2 * up)[:, None]
            state = np.where((away >= low) & (away <= high), least[t], np.inf).argmin(axis=1)
        near = np.where(np.abs(at - state[:, None]) <= 1 - state[:, None] % 2, cost[t], np.inf)
        path[:, t] = spend[np.arange(len(owned)), near.argmin(axis=1)]
    return least[0].min(axis=1), path


def _least_reachable_cost(after: Floats, down: Ints, up: Ints) -> Floats:
    """(Q, S) the least of ``after`` (Q, S) over the states that each state can reach."""
    from scipy.ndimage import minimum_filter1d

    found = np.empty_like(after)
    size, far = after.shape[1], after.shape[1] // 2 * 2 + 2
    for falls, rises in np.unique(np.stack([down, up]), axis=1).T:
        own = (down == falls) & (up == rises)
        back = far if falls == UNLIMITED else min(2 * int(falls), far)
        ahead = far if rises == UNLIMITED else min(2 * int(rises), far)
        half = max(back, ahead)
        padded = np.pad(after[own], ((0, 0), (half, half)), constant_values=np.inf)
        wide = minimum_filter1d(
            padded, back + ahead + 1, axis=1, origin=(back - ahead) // 2, mode="nearest"
        )
        found[own] = wide[:, half : half + size]
    return found
