"""The Lagrangian bound and kernel search for facilities whose customers may be split.

1. The Lagrangian bound with continuous knapsacks (``knapsack_bound``), and a plan from the sites
   it opens: a transport problem.
2. Every site whose forced bound passes the plan is fixed. Every pair is capped at the share that
   a plan within the gap could send along it. What remains is small.
3. Kernel search: the engine solves the most promising pairs (``solve_compact_model``), then more of
   them, and at last all that remain, which proves the plan.

Sources: Beasley (1988, 1993), "Lagrangean heuristics for location problems", EJOR 65; Guastaroba
and Speranza (2012), "Kernel search for the capacitated facility location problem", Journal of
Heuristics 18.
"""

from __future__ import annotations

import logging
from typing import NamedTuple

import numpy as np

from placeopt.base.arrays import Bools, Floats, Ints
from placeopt.location.capacitated.arrays import CapacitatedArrays
from placeopt.location.capacitated.knapsack_bound import forced_pairs
from placeopt.location.capacitated.lagrangian import (
    LagrangianBound,
    ascend_bound,
    initial_multipliers,
)
from placeopt.location.capacitated.params import SplittableParams
from placeopt.location.capacitated.result_assembly import conclude, is_closed, offer_flows
from placeopt.location.formulations.capacitated import solve_compact_model
from placeopt.location.search_state import SearchState

LOG = logging.getLogger("placeopt.location")
LEAST_SECONDS = 0.5  # left for a kernel, or it is not begun


def prove(arrays: CapacitatedArrays, state: SearchState, params: SplittableParams) -> bool:
    """Solve a problem; sets the plan, the bound and whether it is proven in ``state``.

    Args:
        arrays: The problem.
        state: The search.
        params: The parameters of the method.

    Returns:
        Whether there is proven to be no plan at all.
    """
    lagrangian = _root_bound(arrays, state, params)
    if is_closed(state, arrays.is_integral):
        return False
    return _search_kernels(arrays, state, lagrangian, params)


def _root_bound(
    arrays: CapacitatedArrays, state: SearchState, params: SplittableParams
) -> LagrangianBound:
    """Raise the bound, at times making a plan from the sites it opens."""
    step = params.first_rule.step
    lagrangian = current = ascend_bound(
        arrays, initial_multipliers(arrays), _cost_estimate(arrays), params.first_rule
    )
    for ascent in range(params.ascents):
        is_first = ascent < params.first_ascents
        state.raise_bound(lagrangian.value)
        _offer_plan_for_sites(arrays, state, _sites_for_demand(arrays, current), params)
        if is_closed(state, arrays.is_integral) or state.is_past(params.time_share):
            break
        target = state.cost if np.isfinite(state.cost) else _cost_estimate(arrays)
        rule = (params.first_rule if is_first else params.rule)._replace(step=step)
        current = ascend_bound(arrays, lagrangian.multipliers, target, rule)
        gained = current.value - lagrangian.value
        lagrangian = current if gained > 0 else lagrangian
        if is_first:
            continue
        step = max(0.5 * step, params.least_step)
        if gained < params.least_gain * (state.cost - lagrangian.value):
            break
    state.raise_bound(lagrangian.value)
    return lagrangian


def _cost_estimate(arrays: CapacitatedArrays) -> float:
    """A rough upper estimate of a plan's cost, as a target of the first ascent."""
    service = np.where(arrays.is_allowed, arrays.cost, 0.0)[:, arrays.may_open]
    opening = np.abs(arrays.opening_cost[arrays.may_open]).sum()
    return float(service.mean(axis=1).sum() + opening / 2 + 1)


def _sites_for_demand(arrays: CapacitatedArrays, lagrangian: LagrangianBound) -> Bools:
    """The sites that the bound opens most often, as many as hold all demand."""
    order = np.lexsort((lagrangian.rise_if_opened, -lagrangian.site_shares))
    is_open, demand = arrays.must_open.copy(), arrays.demand.sum()
    for j in order[arrays.may_open[order]]:
        is_rare = lagrangian.site_shares[j] < 0.5
        if is_rare and arrays.capacity[is_open].sum() >= demand:
            break
        is_open[j] = True
    return is_open


def _offer_plan_for_sites(
    arrays: CapacitatedArrays, state: SearchState, is_open: Bools, params: SplittableParams
) -> None:
    """Offer the cheapest plan for these open sites: a transport problem."""
    sites = np.flatnonzero(is_open)
    rows, columns = np.nonzero(arrays.is_allowed[:, sites])
    result, flows = solve_compact_model(
        arrays, rows, sites[columns], fixed=is_open, seconds=params.transport_seconds
    )
    if result.has_plan:
        state.offer(float(result.objective or 0.0), is_open, flows=flows)


class Kernel(NamedTuple):
    """The pairs that the engine is given.

    Attributes:
        rows: Customer of each pair.
        columns: Site of each pair.
        caps: Largest share of each pair.
        must_open: Sites that must open, (sites,).
    """

    rows: Ints
    columns: Ints
    caps: Floats
    must_open: Bools


def _search_kernels(
    arrays: CapacitatedArrays,
    state: SearchState,
    lagrangian: LagrangianBound,
    params: SplittableParams,
) -> bool:
    """Kernel search; return whether there is proven to be no plan at all."""
    pair_rise = forced_pairs(arrays, lagrangian.multipliers, lagrangian.rise_if_opened)
    for share in params.kernel_gap_shares:
        is_last = share == params.kernel_gap_shares[-1]
        cutoff = state.cutoff(arrays.is_integral)
        has_plan = bool(np.isfinite(cutoff))
        gap = (cutoff - lagrangian.value) * share if has_plan else np.inf
        gap += 1e-7 * abs(lagrangian.value)
        if is_last and has_plan:
            kernel = _last_kernel(arrays, lagrangian, pair_rise, gap)
        else:
            kernel = _kernel_within(arrays, pair_rise, gap, params if has_plan else None)
        seconds_left = state.seconds_left()
        if seconds_left <= LEAST_SECONDS:
            return False
        result, flows = solve_compact_model(
            arrays,
            kernel.rows,
            kernel.columns,
            must=kernel.must_open,
            caps=kernel.caps,
            seconds=seconds_left if is_last else params.kernel_time_share * seconds_left,
        )
        state.nodes += 1
        offer_flows(arrays, state, result, flows)
        LOG.info("kernel of %d pairs: plan %g", len(kernel.rows), state.cost)
        if is_last or not has_plan:
            return conclude(state, result, cutoff, lagrangian.value)
        if is_closed(state, arrays.is_integral):
            break
    return False


def _kernel_within(
    arrays: CapacitatedArrays, pair_rise: Floats, gap: float, params: SplittableParams | None
) -> Kernel:
    """The pairs whose forced bound rises by at most ``gap``; with ``params``, not too many."""
    rows, columns = np.nonzero(np.isfinite(pair_rise) & (pair_rise <= gap))
    if params is not None and len(rows) > params.max_kernel_pairs:
        order = np.argsort(pair_rise[rows, columns], kind="stable")
        nearest = np.sort(order[: params.max_kernel_pairs])
        rows, columns = rows[nearest], columns[nearest]
    return Kernel(rows, columns, np.ones(len(rows)), arrays.must_open)


def _last_kernel(
    arrays: CapacitatedArrays, lagrangian: LagrangianBound, pair_rise: Floats, gap: float
) -> Kernel:
    """All pairs that a plan within ``gap`` may use, each up to its cap."""
    caps = _share_caps(pair_rise, lagrangian.rise_if_opened, gap)
    may_open = lagrangian.rise_if_opened <= gap
    is_kept = np.isfinite(pair_rise) & may_open[None, :] & (caps > 0)
    rows, columns = np.nonzero(is_kept)
    must_open = arrays.must_open | (lagrangian.rise_if_closed > gap)
    return Kernel(rows, columns, caps[rows, columns], must_open)


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
