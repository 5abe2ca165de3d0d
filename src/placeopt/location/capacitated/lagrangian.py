"""The Lagrangian bound of a problem with capacities, and the multipliers that prove it.

``ascend_bound`` raises the bound (``knapsack_bound``), ``evaluate_bound`` gives it at multipliers
found otherwise. Both also say by how much it rises when a site is opened or closed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from placeopt.base.arrays import Bools, Floats
from placeopt.location.capacitated import knapsack_bound
from placeopt.location.capacitated.arrays import CapacitatedArrays
from placeopt.location.step_rule import StepRule


@dataclass(frozen=True)
class LagrangianBound:
    """A lower bound and the multipliers that prove it.

    Attributes:
        value: The bound.
        multipliers: Multiplier u of each customer, (customers,).
        rise_if_opened: By how much the bound rises when a site is opened, (sites,).
        rise_if_closed: By how much it rises when a site is closed, (sites,).
        rise_if_empty: By how much it rises when a site is opened and serves no customer, (sites,).
        site_shares: How often the relaxation opened each site on the way, (sites,).
        pair_shares: How often it served each customer from each site, (customers, sites).
        step: Step length from which to continue.
    """

    value: float
    multipliers: Floats
    rise_if_opened: Floats
    rise_if_closed: Floats
    rise_if_empty: Floats
    site_shares: Floats
    pair_shares: Floats
    step: float


def initial_multipliers(arrays: CapacitatedArrays) -> Floats:
    """Multipliers (customers,) to begin with: a little above the cheapest cost of serving."""
    reachable = np.where(arrays.is_allowed, arrays.cost, np.nan)[:, arrays.may_open]
    multipliers: Floats = np.nanmin(reachable, axis=1) + 0.3 * np.nanmean(reachable, axis=1)
    return multipliers


def ascend_bound(
    arrays: CapacitatedArrays, multipliers: Floats, target: float, rule: StepRule
) -> LagrangianBound:
    """Raise the bound by subgradients.

    Args:
        arrays: The problem.
        multipliers: Multipliers to begin with, (customers,).
        target: Bound at which to stop.
        rule: How far to go.

    Returns:
        The best bound found.
    """
    found = knapsack_bound.ascend(arrays, multipliers, target, rule)
    bound, _ = _bound_from_site_costs(arrays, found.multipliers, found.site_costs)
    return replace(
        bound, site_shares=found.site_shares, pair_shares=found.pair_shares, step=found.step
    )


def evaluate_bound(
    arrays: CapacitatedArrays, multipliers: Floats
) -> tuple[LagrangianBound, Floats, Bools]:
    """The bound at ``multipliers`` where no customer is split, and what attains it.

    Returns:
        The bound, the best fill of each site (sites, customers), and the best set of sites
        (sites,).
    """
    site_costs, fill = knapsack_bound.fill_all(arrays, np.ascontiguousarray(multipliers))
    bound, is_chosen = _bound_from_site_costs(arrays, multipliers, site_costs)
    return bound, fill, is_chosen


def _bound_from_site_costs(
    arrays: CapacitatedArrays, multipliers: Floats, site_costs: Floats
) -> tuple[LagrangianBound, Bools]:
    """The bound from the cost (sites,) of each site at its best fill, and its set of sites."""
    chosen_share = np.zeros(len(site_costs))
    chosen_cost = knapsack_bound.choose_sites(site_costs, arrays, chosen_share)
    opened, closed = knapsack_bound.forced_sites(site_costs, arrays)
    empty = np.where(
        arrays.may_open,
        opened + arrays.opening_cost - np.where(arrays.may_open, site_costs, 0.0),
        np.inf,
    )
    bound = LagrangianBound(
        value=float(multipliers.sum() + chosen_cost),
        multipliers=multipliers,
        rise_if_opened=opened,
        rise_if_closed=closed,
        rise_if_empty=empty,
        site_shares=np.zeros(len(site_costs)),
        pair_shares=np.zeros(arrays.cost.shape),
        step=0.0,
    )
    return bound, chosen_share > 0.5
