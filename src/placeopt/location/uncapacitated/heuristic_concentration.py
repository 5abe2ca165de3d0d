"""Better plans from the sites that several good plans agree on.

Local search is started several times; the sites that any of its plans opens are few, and the best
plan within them is found by the integer-programming engine (radius formulation). Its answer joins
the pool, which is then drawn anew.

Source: Rosing and ReVelle (1997), "Heuristic concentration: two stage solution construction",
European Journal of Operational Research 97.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from placeopt.base.deadline import ended_by_clock
from placeopt.location.uncapacitated.candidate_lists import Lists

if TYPE_CHECKING:
    from placeopt.location.search_state import SearchState

PLANS = 8  # in one pool
SLACKS = (1e-4, 3e-4, 1e-3, 3e-3)


def concentrate(
    lists: Lists, arrays, by, state: SearchState, seed: int, share: float = 0.6
) -> None:
    """Better the run's plan for up to ``share`` of the time left, until two pools give nothing."""
    from placeopt.location.uncapacitated import swap_search

    until = state.elapsed_seconds + share * max(
        0.0, state.time_limit_seconds - state.elapsed_seconds
    )
    rng = np.random.default_rng(seed)
    barren = 0
    while barren < 3 and state.elapsed_seconds < until and state.plan is not None:
        before, union = state.cost, state.plan.copy()
        for t in range(PLANS):
            is_open = lists.must.copy()
            if t % 2:
                is_open[np.flatnonzero(state.plan)] = True
                away = rng.permutation(np.flatnonzero(is_open & ~lists.must))
                is_open[away[: len(away) // 4]] = False
            size = lists.p if lists.p >= 0 else int(state.plan.sum())
            draw = int(rng.integers(2**31))
            swap_search.greedy_fill(
                *by, lists.outside, lists.opening, lists.may, is_open, size, draw
            )
            slack = float(rng.choice(SLACKS)) * abs(state.cost)
            cost = swap_search.search(
                arrays, by, lists.outside, lists.opening, lists.must, lists.may, is_open,
                lists.p < 0, 3000, draw, 4, slack,
            )  # fmt: skip
            state.offer(cost, is_open)
            union |= is_open
            if state.elapsed_seconds > until:
                ended_by_clock("the search for sites")
                break
        _best_within(
            lists, arrays, state, union, min(10.0, max(1.0, until - state.elapsed_seconds))
        )
        barren = 0 if state.cost < before else barren + 1


def _best_within(lists: Lists, arrays, state: SearchState, union, seconds: float) -> None:
    from placeopt.engine import solve
    from placeopt.location.formulations.radius import radius_model
    from placeopt.location.uncapacitated import node, swap_search
    from placeopt.location.uncapacitated.transpose import turn

    decided = np.where(lists.must, 1, np.where(union & lists.may, 0, -1)).astype(np.int8)
    s, t, c, o, f, left, _, free = node.shrink(
        *arrays, lists.outside, lists.opening, lists.p, decided
    )
    if len(c) > 300_000:
        return
    model, y = radius_model(s, t, c, o, f, left, np.ones(len(o), bool))
    assert state.plan is not None
    result = solve(model, time_limit_seconds=seconds, gap=1e-6, threads=1)
    if not result.has_plan:
        return
    plan = decided == 1
    plan[free[result.value(y) > 0.5]] = True
    cost = swap_search.search(
        arrays, turn(*arrays, lists.sites), lists.outside, lists.opening, lists.must,
        lists.may, plan, lists.p < 0, 500, 1, 4, 0.0,
    )  # fmt: skip
    state.offer(cost, plan)
