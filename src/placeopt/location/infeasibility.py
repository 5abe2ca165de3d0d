"""Why a location problem has no plan, and what else its answer should say in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placeopt.engine.result import Status
from placeopt.location.k_nearest import among_nearest
from placeopt.location.solution import Solution
from placeopt.location.statement import (
    CAPACITATED_P_MEDIAN,
    COVERING,
    MAXIMAL_COVERING,
    NEEDS_CAPACITY,
    P_CENTRE,
    P_DISPERSION,
    P_MEDIAN,
    SINGLE_SOURCE,
    Problem,
)

NAMED = 5  # ids that a sentence names


def plainly_infeasible(problem: Problem) -> str:
    """Why there is no plan where every site is closed; "" where that settles nothing."""
    if len(problem.free) or problem.kind in (MAXIMAL_COVERING, COVERING):
        return ""
    if problem.kind == P_CENTRE and not (problem.weights > 0).any():
        return ""
    return "every site is closed"


def in_words(problem: Problem, solution: Solution) -> Solution:
    """The solution with what a reader should know: why there is none, what is covered twice."""
    if solution.status is Status.INFEASIBLE:
        return replace(solution, message=_why(problem) or solution.message)
    if problem.backup and solution.objective is not None:
        near = problem.distances.of_sites(solution.positions) <= _reach(problem)
        twice = float(problem.weights[near.sum(axis=1) >= 2].sum())
        said = f"covered twice: {twice:g} of {problem.weights.sum():g}"
        message = f"{said} ({solution.message})" if solution.message else said
        return replace(solution, message=message, counts={**solution.counts, "twice": twice})
    return solution


def _why(problem: Problem) -> str:
    """The plain reasons for which there is no plan, "" where it takes a search to see that."""
    reasons = [_too_few(problem), _too_much_to_fill(problem)]
    if problem.kind not in (P_DISPERSION, MAXIMAL_COVERING):
        reasons.append(_unreached(problem))
    if problem.kind in NEEDS_CAPACITY:
        reasons.append(_too_little_room(problem))
    return "; ".join(reason for reason in reasons if reason)


def _too_few(problem: Problem) -> str:
    p, opened, free = problem.p, len(problem.opened), len(problem.free)
    if free == 0:
        return "every site is closed"
    if p is not None and p < opened:
        return f"p is {p} and {opened} sites are to be open"
    exact = problem.kind in (P_MEDIAN, P_DISPERSION, CAPACITATED_P_MEDIAN)
    if p is not None and exact and p > free:
        return f"p is {p} and only {free} sites may open"
    return ""


def _too_much_to_fill(problem: Problem) -> str:
    if not problem.fill_opened or problem.capacities is None:
        return ""
    room = float(problem.capacities[list(problem.opened_positions)].sum())
    total = float(problem.demands.sum())
    if room > total * (1 + 1e-12):
        return f"the opened sites are to be filled and hold {room:g}, and {total:g} is demanded"
    return ""


def _reach(problem: Problem) -> float:
    """How far a site may be to serve anybody."""
    ends = [problem.ceiling, problem.radius if problem.kind == COVERING else None]
    return min((float(end) for end in ends if end is not None), default=np.inf)


def _unreached(problem: Problem) -> str:
    """Who has no site within reach, alone or for want of room."""
    counted = np.ones(problem.customers, bool)
    if problem.kind == P_CENTRE:
        counted = problem.weights > 0
    if problem.kind == COVERING and problem.share < 1:
        counted[:] = False
    reach, free, distances = _reach(problem), problem.free, among_nearest(problem).distances
    within, room = np.zeros(problem.customers, bool), np.zeros(problem.customers)
    for start in range(0, len(free), 200):
        sites = free[start : start + 200]
        block = distances.of_sites(sites)
        close = np.isfinite(block) & (block <= reach)
        within |= close.any(axis=1)
        if problem.capacities is not None:
            most = np.where(close, problem.capacities[sites][None, :], 0.0).max(axis=1)
            room = np.maximum(room, most)
    alone = counted & ~within
    near = "within reach" if np.isinf(reach) else f"within {reach:g}"
    if problem.k_nearest is not None:
        near += " and among the nearest"
    reasons = []
    if alone.any():
        reasons.append(f"no site that may open is {near} of {_some(problem, alone)}")
    if problem.kind in (SINGLE_SOURCE, CAPACITATED_P_MEDIAN):
        large = counted & within & (problem.demands > room)
        if large.any():
            reasons.append(f"no site {near} has room for {_some(problem, large)}")
    return "; ".join(reasons)


def _too_little_room(problem: Problem) -> str:
    assert problem.capacities is not None
    room = np.sort(problem.capacities[problem.free])[::-1]
    if problem.kind == CAPACITATED_P_MEDIAN:
        room = room[: problem.p]
    total = float(problem.demands.sum())
    if room.sum() * (1 + 1e-12) < total:
        whose = f"the {len(room)} largest sites" if len(room) < problem.sites else "all sites"
        return f"{whose} together hold {room.sum():g}, and {total:g} is demanded"
    return ""


def _some(problem: Problem, chosen: NDArray[np.bool_]) -> str:
    ids: list[Any] = [problem.customer_ids[i] for i in np.flatnonzero(chosen)]
    named = ", ".join(str(one) for one in ids[:NAMED])
    more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
    return f"customer{'s' if len(ids) > 1 else ''} {named}{more}"
