"""Facilities with capacities whose customers may be split, with proof.

1. The Lagrangian bound with continuous knapsacks (``knapsack_bound``), and a plan from the sites
   it opens: a transport problem.
2. Every site whose forced bound passes the plan is fixed. Every pair is capped at the share that
   a plan within the gap could send along it. What remains is small.
3. Kernel search: the engine solves the most promising pairs (``solve_compact_model``), then more of
   them, and at last all that remain, which proves the plan.

Where serving costs nothing, the engine is given all pairs at once.

Sources: Beasley (1988, 1993), "Lagrangean heuristics for location problems", EJOR 65; Guastaroba
and Speranza (2012), "Kernel search for the capacitated facility location problem", Journal of
Heuristics 18. Single-source problems: ``single_source``.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from placeopt.engine import Result, Status
from placeopt.location.capacitated.arrays import (
    FORBIDDEN_COST,
    Bools,
    CapacitatedArrays,
    Floats,
    LagrangianBound,
    ascend_bound,
    capacitated_arrays,
    initial_multipliers,
    reason_for_no_plan,
)
from placeopt.location.capacitated.result_assembly import (
    assemble_solution,
    infeasible_solution,
    is_closed,
)
from placeopt.location.compile_ahead import compile_capacitated
from placeopt.location.formulations.capacitated import solve_compact_model
from placeopt.location.search_state import Report, SearchState
from placeopt.location.solution import Solution
from placeopt.location.statement import Problem

MAX_ASCENTS = 20  # ascents of the bound at the root
KERNEL_GAP_SHARES = (0.15, 0.4, 1.0)  # share of the gap within which a pair is in each kernel
MAX_KERNEL_PAIRS = 12_000  # pairs in every kernel but the last


def solve_splittable(
    problem: Problem,
    *,
    time_limit_seconds: float,
    gap: float,
    seed: int,
    report: Report | None = None,
) -> Solution:
    """Solve a problem with capacities whose customers may be split; see the module's text.

    Args:
        problem: A capacitated facility location problem.
        time_limit_seconds: Time limit.
        gap: Relative gap at which to stop.
        seed: Not used; the method has no random numbers.
        report: Called with (cost, bound) after every improvement.

    Returns:
        The solution with its bound.
    """
    state = SearchState(time_limit_seconds=time_limit_seconds, gap=gap, report=report)
    arrays = capacitated_arrays(problem)
    reason = reason_for_no_plan(arrays)
    if reason:
        return infeasible_solution(problem, state, reason)
    infeasible = False
    if not arrays.cost[
        arrays.cost < FORBIDDEN_COST
    ].any():  # a covering: no costs for multipliers to use
        infeasible = _solve_all_pairs(arrays, state)
    else:
        with state.clock_paused():
            compile_capacitated()
        lagrangian = _root_bound(arrays, state)
        if not is_closed(arrays, state):
            infeasible = _kernel_search(arrays, state, lagrangian)
    return assemble_solution(
        problem,
        arrays,
        state,
        infeasible=infeasible,
        method="Lagrangian with knapsacks, kernel search",
        counts={"kernels": state.nodes},
        flows=arrays.flows,
    )


def _root_bound(arrays: CapacitatedArrays, state: SearchState) -> LagrangianBound:
    """Raise the bound, at times making a plan from the sites it opens."""
    step = 0.6
    lagrangian = current = ascend_bound(
        arrays, initial_multipliers(arrays), _cost_estimate(arrays), 60, step, 12
    )
    for transpose in range(MAX_ASCENTS):
        state.raise_bound(lagrangian.value)
        _offer_plan_for_sites(arrays, state, _sites_for_demand(arrays, current))
        if is_closed(arrays, state) or state.is_past(0.3):
            break
        target = state.cost if np.isfinite(state.cost) else _cost_estimate(arrays)
        current = ascend_bound(
            arrays, lagrangian.multipliers, target, 60 if transpose < 2 else 150, step, 12
        )
        gained = current.value - lagrangian.value
        lagrangian = current if gained > 0 else lagrangian
        step = max(0.5 * step, 0.05) if transpose > 1 else step
        if transpose > 1 and gained < 1e-3 * (state.cost - lagrangian.value):
            break
    state.raise_bound(lagrangian.value)
    return lagrangian


def _cost_estimate(arrays: CapacitatedArrays) -> float:
    """A rough upper estimate of a plan's cost, as a target of the first ascent."""
    service = np.where(arrays.cost < FORBIDDEN_COST, arrays.cost, 0.0)[:, arrays.may_open]
    return float(
        service.mean(axis=1).sum() + np.abs(arrays.opening_cost[arrays.may_open]).sum() / 2 + 1
    )


def _sites_for_demand(arrays: CapacitatedArrays, lagrangian: LagrangianBound) -> Bools:
    """The sites that the bound opens most often, as many as hold all demand."""
    order = np.lexsort((lagrangian.rise_if_opened, -lagrangian.site_shares))
    is_open = arrays.must_open.copy()
    for j in order[arrays.may_open[order]]:
        if (
            lagrangian.site_shares[j] < 0.5
            and arrays.capacity[is_open].sum() >= arrays.demand.sum()
        ):
            break
        is_open[j] = True
    return is_open


def _offer_plan_for_sites(arrays: CapacitatedArrays, state: SearchState, is_open: Bools) -> None:
    """Offer the cheapest plan for these open sites: a transport problem."""
    sites = np.flatnonzero(is_open)
    rows, columns = np.nonzero(arrays.cost[:, sites] < FORBIDDEN_COST)
    result, flows = solve_compact_model(arrays, rows, sites[columns], fixed=is_open, seconds=30.0)
    if result.has_plan and state.offer(float(result.objective or 0.0), is_open):
        arrays.flows = flows


def _kernel_search(
    arrays: CapacitatedArrays, state: SearchState, lagrangian: LagrangianBound
) -> bool:
    """Kernel search; return whether there is proven to be no plan at all."""
    from placeopt.location.capacitated import knapsack_bound

    pair_rise = knapsack_bound.forced_pairs(
        arrays.cost,
        arrays.demand,
        arrays.capacity,
        arrays.may_open,
        lagrangian.multipliers,
        lagrangian.rise_if_opened,
    )
    for position, share in enumerate(KERNEL_GAP_SHARES):
        is_last = position == len(KERNEL_GAP_SHARES) - 1
        cutoff = state.cutoff(arrays.is_integral)
        has_plan = np.isfinite(cutoff)
        gap = (cutoff - lagrangian.value) * share if has_plan else np.inf
        gap += 1e-7 * abs(lagrangian.value)
        is_kept = np.isfinite(pair_rise) & (pair_rise <= gap)
        caps = np.ones_like(pair_rise)
        if is_last and has_plan:
            is_kept = np.isfinite(pair_rise) & (lagrangian.rise_if_opened <= gap)[None, :]
            caps = _share_caps(pair_rise, lagrangian.rise_if_opened, gap)
            is_kept &= caps > 0
        rows, columns = np.nonzero(is_kept)
        if not is_last and has_plan and len(rows) > MAX_KERNEL_PAIRS:
            nearest = np.argsort(pair_rise[rows, columns], kind="stable")[:MAX_KERNEL_PAIRS]
            rows, columns = rows[np.sort(nearest)], columns[np.sort(nearest)]
        seconds_left = state.time_limit_seconds - state.elapsed_seconds
        if seconds_left <= 0.5:
            return False
        must_stay_open = (
            lagrangian.rise_if_closed > gap
            if is_last and has_plan
            else np.zeros(len(arrays.may_open), bool)
        )
        result, flows = solve_compact_model(
            arrays, rows, columns, must=arrays.must_open | must_stay_open, caps=caps[rows, columns],
            seconds=seconds_left if is_last else 0.3 * seconds_left,
        )  # fmt: skip
        state.nodes += 1
        if result.has_plan:
            _offer_result(arrays, state, result, flows)
        if is_last or not has_plan:
            return _conclude(arrays, state, result, cutoff, lagrangian.value)
        if is_closed(arrays, state):
            break
    return False


def _solve_all_pairs(arrays: CapacitatedArrays, state: SearchState) -> bool:
    """Solve the model over all pairs; return whether there is proven to be no plan at all."""
    rows, columns = np.nonzero(arrays.cost < FORBIDDEN_COST)
    result, flows = solve_compact_model(
        arrays, rows, columns, seconds=max(state.time_limit_seconds - state.elapsed_seconds, 0.5)
    )
    state.nodes += 1
    if result.has_plan:
        _offer_result(arrays, state, result, flows)
    return _conclude(arrays, state, result, np.inf, -np.inf)


def _share_caps(pair_rise: Floats, site_rise: Floats, gap: float) -> Floats:
    """The largest share of each customer that a plan within ``gap`` can send to each site."""
    is_allowed = np.isfinite(pair_rise) & np.isfinite(site_rise)[None, :]
    rise_in_service = (
        np.where(is_allowed, pair_rise, 0.0)
        - np.where(np.isfinite(site_rise), site_rise, 0.0)[None, :]
    )
    gap_left = np.maximum(0.0, gap - np.where(np.isfinite(site_rise), site_rise, np.inf))[None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        caps = np.where(rise_in_service > 0, gap_left / rise_in_service, 1.0)
    return np.where(is_allowed, np.clip(caps, 0.0, 1.0), 0.0)


def _offer_result(
    arrays: CapacitatedArrays, state: SearchState, result: Result, flows: sparse.csr_array
) -> None:
    """Offer the plan of a result; keep its flows if it is better."""
    is_open = arrays.must_open | (np.asarray(flows.sum(axis=0)).ravel() > 1e-9)
    if state.offer(float(result.objective or 0.0), is_open):
        arrays.flows = flows


def _conclude(
    arrays: CapacitatedArrays, state: SearchState, result: Result, cutoff: float, dual_bound: float
) -> bool:
    """Record what the last kernel proves: every plan below the cutoff lies within it.

    Returns whether there is proven to be no plan at all.
    """
    if result.status in (Status.OPTIMAL, Status.INFEASIBLE):
        state.proven = np.isfinite(state.cost)
        if result.status is Status.OPTIMAL:  # the best plan, or no better than the cutoff
            state.raise_bound(min(float(result.objective or 0.0), cutoff))
        return not state.proven and result.status is Status.INFEASIBLE
    if np.isfinite(result.bound):
        state.raise_bound(max(dual_bound, min(result.bound, cutoff, state.cost)))
    return False
