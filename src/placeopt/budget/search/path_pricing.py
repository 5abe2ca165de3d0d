"""Price whole spending paths of programmes with a pace limit (B5) by dynamic programming.

A programme with a pace has a geometric grid of spends: today's times exp(h k). The step h is such
that the pace allows at most ``max_steps_down`` steps down and ``max_steps_up`` steps up in a year,
rounded so that no allowed move is lost. The states of a year are the grid points and the open
intervals between them, so every allowed path is a path of states, and with

    least[t,s] = cell[t,s] + least over the states s' that s can reach of least[t+1,s']

where cell[t,s] is no more than the least reduced cost of any spend in s (see
``column_generation``), least[0,s] is no more than the reduced cost of any allowed path from s. What
the pace forces year after year from today's spend lies on grid points, where nothing is lost;
elsewhere a state is one step wide.

Source: Bellman, Dynamic programming (1957); Lasdon and Terjung, An efficient algorithm for
multi-item scheduling, Operations Research 19 (1971), for paths as columns of a master program.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from placeopt.budget.problem.arrays import Bools, BudgetProblem, Floats, Ints

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
    low, high = problem.lower.min(axis=0), problem.upper.max(axis=0)
    concave = np.ones(len(low), bool)
    for p, curve in zip(problem.curve_programme, problem.curves, strict=True):
        concave[p] &= curve.is_concave(float(low[p]), float(high[p]))
    return concave


def geometric_grids_of(problem: BudgetProblem) -> dict[int, GeometricGrid]:
    """Return the geometric grid of each programme with a pace and a curve that is not concave.

    Where all curves are concave, years can be mixed separately, because the pace of the hull is
    then the hull of the pace.

    Returns:
        The grids by the programme's position.
    """
    cut = np.where(problem.pace_cut < 1, problem.pace_cut, np.inf)
    has_pace = (
        ~concave_programmes(problem)
        & (problem.base_spend > 0)
        & (np.isfinite(cut) | np.isfinite(problem.pace_rise))
    )
    # past years need not have kept the pace
    has_pace &= ~np.isfinite(problem.actual_spend).any(axis=0)
    if len(problem.years) == 1:
        has_pace[:] = False  # the limits of the year include the pace
    low, high = problem.lower.min(axis=0), problem.upper.max(axis=0)
    return {
        int(p): _geometric_grid(problem, int(p), float(low[p]), float(high[p]))
        for p in np.flatnonzero(has_pace & (high > 0))
    }


def _geometric_grid(problem: BudgetProblem, p: int, low: float, high: float) -> GeometricGrid:
    today, cut = float(problem.base_spend[p]), float(problem.pace_cut[p])
    fall = -np.log1p(-cut) if cut < 1 else np.inf
    rise = float(np.log1p(problem.pace_rise[p]))
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
    cut, rise = problem.pace_cut[programme], problem.pace_rise[programme]
    min_ratio = np.where(cut < 1, 1 - np.minimum(cut, 1.0), 0.0)
    previous, spend = problem.base_spend[programme].astype(float), np.empty_like(targets)
    for t in range(targets.shape[1]):
        pace_limit = np.where(np.isfinite(rise), (1 + rise) * previous, np.inf)
        low = np.maximum(min_ratio * previous, problem.lower[t, programme])
        high = np.minimum(pace_limit, problem.upper[t, programme])
        spend[:, t] = np.clip(targets[:, t], np.minimum(low, high), high)
        previous = spend[:, t]
    return Paths(programme, spend)


def least_cost_paths(
    geometric_grids: dict[int, GeometricGrid], spend: Floats, cost: Floats, step: Floats
) -> tuple[Floats, Floats]:
    """Return a lower bound on the cost of any allowed path of each grid, and a path close to it.

    Args:
        geometric_grids: The grids (Q of them), by programme.
        spend: (Q, K) the rising grid of each programme, GBP a year.
        cost: (T, Q, K) the cost of its points, inf where not allowed.
        step: (T, Q, K - 1) no more than any cost between two points, inf where not allowed.

    Returns:
        (Q,) least costs and (Q, T) paths, GBP a year.
    """
    grids = list(geometric_grids.values())
    years, _, size = cost.shape
    state_count = 2 * max(len(grid.spends) for grid in grids) + 1
    state_cost = np.full((years, len(grids), state_count), np.inf)
    point_state = np.zeros((len(grids), size), int)
    for q, grid in enumerate(grids):
        point_state[q] = grid.interval_states(spend[q])
        between = grid.interval_states((spend[q, 1:] + spend[q, :-1]) / 2)
        state = np.empty(2 * size - 1, int)
        state[::2], state[1::2] = point_state[q], between
        value = np.empty((years, 2 * size - 1))
        value[:, ::2], value[:, 1::2] = cost[:, q], step[:, q]
        start = np.flatnonzero(np.diff(state, prepend=-1) > 0)
        state_cost[:, q, state[start]] = np.minimum.reduceat(value, start, axis=1)
    max_down = np.array([grid.max_steps_down for grid in grids])
    max_up = np.array([grid.max_steps_up for grid in grids])
    cost_to_go = state_cost
    for t in range(years - 2, -1, -1):
        cost_to_go[t] += _least_reachable_cost(cost_to_go[t + 1], max_down, max_up)
    path = np.empty((len(grids), years))
    state = cost_to_go[0].argmin(axis=1)
    states = np.arange(state_count)
    for t in range(years):
        if t > 0:
            distance = states[None, :] - state[:, None]
            low = np.where(max_down == UNLIMITED, -state_count, -2 * max_down)[:, None]
            high = np.where(max_up == UNLIMITED, state_count, 2 * max_up)[:, None]
            state = np.where((distance >= low) & (distance <= high), cost_to_go[t], np.inf).argmin(
                axis=1
            )
        nearby = np.where(
            np.abs(point_state - state[:, None]) <= 1 - state[:, None] % 2, cost[t], np.inf
        )
        path[:, t] = spend[np.arange(len(grids)), nearby.argmin(axis=1)]
    return cost_to_go[0].min(axis=1), path


def _least_reachable_cost(later_cost: Floats, down: Ints, up: Ints) -> Floats:
    """(Q, S) the least of ``later_cost`` (Q, S) over the states that each state can reach."""
    from scipy.ndimage import minimum_filter1d

    reachable = np.empty_like(later_cost)
    size, unlimited = later_cost.shape[1], later_cost.shape[1] // 2 * 2 + 2
    for fall, rise in np.unique(np.stack([down, up]), axis=1).T:
        same_pace = (down == fall) & (up == rise)
        behind = unlimited if fall == UNLIMITED else min(2 * int(fall), unlimited)
        forward = unlimited if rise == UNLIMITED else min(2 * int(rise), unlimited)
        half = max(behind, forward)
        padded = np.pad(later_cost[same_pace], ((0, 0), (half, half)), constant_values=np.inf)
        filtered = minimum_filter1d(
            padded, behind + forward + 1, axis=1, origin=(behind - forward) // 2, mode="nearest"
        )
        reachable[same_pace] = filtered[:, half : half + size]
    return reachable
