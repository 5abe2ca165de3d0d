"""A plan that assigns each customer to one site, and how a search is offered one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from placeopt.base.arrays import Bools, Ints
from placeopt.location.capacitated.arrays import CapacitatedArrays
from placeopt.location.search_state import SearchState


@dataclass(frozen=True)
class AssignedPlan:
    """A plan.

    Attributes:
        cost: Its cost; inf if it exceeds a capacity.
        is_open: Open sites, (sites,).
        assignment: Site of each customer, (customers,).
    """

    cost: float
    is_open: Bools
    assignment: Ints


def offer(arrays: CapacitatedArrays, state: SearchState, plan: AssignedPlan) -> None:
    """Offer a plan to the search, if it keeps capacities and opens as many sites as asked."""
    has_right_size = not arrays.has_fixed_size or int(plan.is_open.sum()) == arrays.p
    if np.isfinite(plan.cost) and has_right_size:
        state.offer(plan.cost, plan.is_open, assignment=plan.assignment)
