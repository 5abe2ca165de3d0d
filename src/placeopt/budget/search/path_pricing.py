"""Price whole spending paths of programmes with a pace limit (B5) by dynamic programming.

The states of a year are the points of a programme's geometric grid (``model.paths``) and the open
intervals between them, so every allowed path is a path of states, and with

    least[t,s] = cell[t,s] + least over the states s' that s can reach of least[t+1,s']

where cell[t,s] is no more than the least reduced cost of any spend in s (see
``column_generation``), least[0,s] is no more than the reduced cost of any allowed path from s. On
grid points nothing is lost; elsewhere a state is one step wide.

Source: Bellman, Dynamic programming (1957); Lasdon and Terjung, An efficient algorithm for
multi-item scheduling, Operations Research 19 (1971), for paths as columns of a master program.
"""

from __future__ import annotations

import numpy as np

from placeopt.base.arrays import Floats, Ints
from placeopt.budget.model.paths import UNLIMITED, GeometricGrid


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
