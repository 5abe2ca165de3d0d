"""Why a location problem has no plan, and other messages of its solution."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placeopt.engine.result import Status
from placeopt.location.k_nearest import restrict_to_k_nearest
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

MAX_NAMED_IDS = 5  # ids that a message names
MAX_EXPLAINED_PAIRS = 1_000_000  # pairs up to which customers without a site in common are named


def obvious_infeasibility(problem: Problem) -> str:
    """Why there is no plan if every site is closed; "" otherwise."""
    if len(problem.free) or problem.kind in (MAXIMAL_COVERING, COVERING):
        return ""
    if problem.kind == P_CENTRE and not (problem.weights > 0).any():
        return ""
    return "every site is closed"


def add_messages(problem: Problem, solution: Solution) -> Solution:
    """The solution with its message: why there is no plan, or how much is covered twice."""
    if solution.status is Status.INFEASIBLE:
        return replace(solution, message=_explain(problem) or solution.message)
    if problem.backup and solution.objective is not None:
        is_within = problem.distances.of_sites(solution.positions) <= _service_distance(problem)
        twice_covered = float(problem.weights[is_within.sum(axis=1) >= 2].sum())
        text = f"covered twice: {twice_covered:g} of {problem.weights.sum():g}"
        message = f"{text} ({solution.message})" if solution.message else text
        return replace(
            solution, message=message, counts={**solution.counts, "twice": twice_covered}
        )
    return solution


def _explain(problem: Problem) -> str:
    """Why there is no plan: obvious reasons, else who needs more than p sites, else the rules."""
    reasons = [_explain_p(problem), _explain_fill(problem)]
    if problem.kind not in (P_DISPERSION, MAXIMAL_COVERING):
        reasons.append(_explain_unreachable(problem))
    if problem.kind in NEEDS_CAPACITY:
        reasons.append(_explain_capacity(problem))
    if not any(reasons):
        reasons = [_explain_too_few_sites(problem) or _explain_rest(problem)]
    return "; ".join(reason for reason in reasons if reason)


def _explain_p(problem: Problem) -> str:
    p, opened, free = problem.p, len(problem.opened), len(problem.free)
    if free == 0:
        return "every site is closed"
    if p is not None and p < opened:
        return f"p is {p} and {opened} sites are to be open"
    exact = problem.kind in (P_MEDIAN, P_DISPERSION, CAPACITATED_P_MEDIAN)
    if p is not None and exact and p > free:
        return f"p is {p} and only {free} sites may open"
    return ""


def _explain_fill(problem: Problem) -> str:
    if not problem.fill_opened or problem.capacities is None:
        return ""
    capacity = float(problem.capacities[list(problem.opened_positions)].sum())
    total = float(problem.demands.sum())
    if capacity > total * (1 + 1e-12):
        return f"the opened sites are to be filled and hold {capacity:g}, and {total:g} is demanded"
    return ""


def _service_distance(problem: Problem) -> float:
    """The largest distance at which a site may serve a customer."""
    ends = [problem.ceiling, problem.radius if problem.kind == COVERING else None]
    return min((float(end) for end in ends if end is not None), default=np.inf)


def _explain_unreachable(problem: Problem) -> str:
    """Which customers have no site within reach, or none with enough capacity."""
    is_counted = np.ones(problem.customers, bool)
    if problem.kind == P_CENTRE:
        is_counted = problem.weights > 0
    if problem.kind == COVERING and problem.share < 1:
        is_counted[:] = False
    max_distance, free, distances = (
        _service_distance(problem),
        problem.free,
        restrict_to_k_nearest(problem).distances,
    )
    is_within, capacity = np.zeros(problem.customers, bool), np.zeros(problem.customers)
    for start in range(0, len(free), 200):
        sites = free[start : start + 200]
        block = distances.of_sites(sites)
        is_close = np.isfinite(block) & (block <= max_distance)
        is_within |= is_close.any(axis=1)
        if problem.capacities is not None:
            largest = np.where(is_close, problem.capacities[sites][None, :], 0.0).max(axis=1)
            capacity = np.maximum(capacity, largest)
    is_unreachable = is_counted & ~is_within
    where = "within reach" if np.isinf(max_distance) else f"within {max_distance:g}"
    if problem.k_nearest is not None:
        where += " and among the nearest"
    reasons = []
    if is_unreachable.any():
        reasons.append(
            f"no site that may open is {where} of {_name_customers(problem, is_unreachable)}"
        )
    if problem.kind in (SINGLE_SOURCE, CAPACITATED_P_MEDIAN):
        is_too_large = is_counted & is_within & (problem.demands > capacity)
        if is_too_large.any():
            reasons.append(f"no site {where} has room for {_name_customers(problem, is_too_large)}")
    return "; ".join(reasons)


def _explain_capacity(problem: Problem) -> str:
    assert problem.capacities is not None
    capacity = np.sort(problem.capacities[problem.free])[::-1]
    if problem.kind == CAPACITATED_P_MEDIAN:
        capacity = capacity[: problem.p]
    total = float(problem.demands.sum())
    if capacity.sum() * (1 + 1e-12) < total:
        largest_sites = (
            f"the {len(capacity)} largest sites" if len(capacity) < problem.sites else "all sites"
        )
        return f"{largest_sites} together hold {capacity.sum():g}, and {total:g} is demanded"
    return ""


def _explain_too_few_sites(problem: Problem) -> str:
    """Customers of whom no two have a site in common, if they are more than p."""
    if problem.p is None or problem.kind not in (P_MEDIAN, P_CENTRE, CAPACITATED_P_MEDIAN):
        return ""
    if problem.customers * problem.sites > MAX_EXPLAINED_PAIRS:
        return ""
    distance = restrict_to_k_nearest(problem).distances.of_sites(problem.free)
    is_within = np.isfinite(distance) & (distance <= _service_distance(problem))
    left = problem.weights > 0 if problem.kind == P_CENTRE else np.ones(problem.customers, bool)
    chosen = np.zeros(problem.customers, bool)
    while (
        left.any() and chosen.sum() <= problem.p
    ):  # the customer with fewest sites, then those who share none with it
        fewest = np.flatnonzero(left)[np.argmin(is_within[left].sum(axis=1))]
        chosen[fewest] = True
        left &= ~(is_within & is_within[fewest]).any(axis=1)
        left[fewest] = False
    if chosen.sum() > problem.p:
        return (
            f"{_name_customers(problem, chosen)} have no site in common, so that each needs "
            f"one of its own, and p is {problem.p}"
        )
    if problem.kind == CAPACITATED_P_MEDIAN or problem.opened:
        return ""
    return f"p = {problem.p} is too few sites to reach every customer; ask for more"


def _explain_rest(problem: Problem) -> str:
    """The rules that no plan keeps together, where no single one of them is to blame."""
    if problem.kind == COVERING and problem.share < 1:
        return f"the sites that may open do not reach {problem.share:g} of all weight"
    rules = [
        words
        for is_asked, words in (
            (problem.kind in NEEDS_CAPACITY, "capacities"),
            (problem.p is not None, f"p = {problem.p}"),
            (problem.kind in (SINGLE_SOURCE, CAPACITATED_P_MEDIAN), "one site for each customer"),
            (problem.ceiling is not None, "the ceiling"),
            (problem.k_nearest is not None, "k_nearest"),
            (bool(problem.opened), "sites to be opened"),
            (bool(problem.closed), "sites to be closed"),
            (problem.fill_opened, "opened sites to be full"),
        )
        if is_asked
    ]
    return f"no plan keeps all of this together: {', '.join(rules)}" if rules else ""


def _name_customers(problem: Problem, chosen: NDArray[np.bool_]) -> str:
    ids: list[Any] = [problem.customer_ids[i] for i in np.flatnonzero(chosen)]
    text = ", ".join(str(each) for each in ids[:MAX_NAMED_IDS])
    more = f" and {len(ids) - MAX_NAMED_IDS} more" if len(ids) > MAX_NAMED_IDS else ""
    return f"customer{'s' if len(ids) > 1 else ''} {text}{more}"
