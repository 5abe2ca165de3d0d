"""A problem with capacities as arrays, as all its methods and their compiled code take it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from placeopt.base.arrays import Bools, Floats, Ints
from placeopt.location.statement import CAPACITATED, CAPACITATED_P_MEDIAN, Problem

FORBIDDEN_COST = 1e300
MAX_EXACT_CAPACITY = 20_000  # the largest whole capacity that a knapsack fills exactly
ROUNDED_CAPACITY_STEPS = 2_000  # steps of the largest capacity where demands are fractional
MAX_SURPLUS_STEPS = 20_000  # the largest whole surplus that is counted exactly


class CapacitatedArrays(NamedTuple):
    """A capacitated problem as arrays.

    Attributes:
        cost: Cost of serving a customer from a site, (customers, sites); FORBIDDEN_COST where
            the site may not serve the customer.
        demand: Demand, (customers,).
        capacity: Capacity, (sites,).
        opening_cost: Cost of opening a site, (sites,).
        p: Number of sites to open; -1 is any number.
        must_open: Sites that every plan opens, (sites,).
        may_open: Sites that a plan may open, (sites,).
        is_splittable: Whether several sites may share a customer.
        is_integral: Whether every plan's cost is a whole number.
        integer_demand: ``demand`` in whole numbers, rounded so that no customer that fits a site
            stops fitting it, (customers,).
        integer_capacity: ``capacity`` in the same unit, (sites,).
        scaled_capacity: ``capacity`` in whole numbers of another unit, (sites,), rounded so that
            no set of sites that may stay closed together stops being one.
        scaled_surplus: All capacity less all demand, in the unit of ``scaled_capacity``.
    """

    cost: Floats
    demand: Floats
    capacity: Floats
    opening_cost: Floats
    p: int
    must_open: Bools
    may_open: Bools
    is_splittable: bool
    is_integral: bool
    integer_demand: Ints
    integer_capacity: Ints
    scaled_capacity: Ints
    scaled_surplus: int

    @property
    def has_fixed_size(self) -> bool:
        """Whether exactly p sites are to open."""
        return self.p >= 0

    @property
    def is_allowed(self) -> Bools:
        """The pairs that may serve, (customers, sites)."""
        return self.cost < FORBIDDEN_COST


def capacitated_arrays(problem: Problem) -> CapacitatedArrays:
    """The arrays of a problem with capacities."""
    distance = problem.distances.dense()
    ceiling = np.inf if problem.ceiling is None else problem.ceiling
    allowed = np.isfinite(distance) & (distance <= ceiling)
    weighted = np.where(allowed, distance, 0.0) * problem.weights[:, None]
    may_open = np.ones(problem.sites, bool)
    may_open[list(problem.closed_positions)] = False
    must_open = np.zeros(problem.sites, bool)
    must_open[list(problem.opened_positions)] = True
    has_p = problem.kind == CAPACITATED_P_MEDIAN
    opening_cost = np.zeros(problem.sites) if has_p else np.array(problem.fixed_costs)
    assert problem.capacities is not None
    must_open |= may_open & (opening_cost < 0)  # opening these sites saves money by itself
    capacity = np.minimum(problem.capacities, problem.demands.sum())
    is_splittable = problem.kind == CAPACITATED
    if not is_splittable:
        allowed &= problem.demands[:, None] <= capacity[None, :]
    cost = np.ascontiguousarray(np.where(allowed, weighted, FORBIDDEN_COST))
    values = np.concatenate([weighted[allowed], opening_cost])
    is_integral = not is_splittable and bool((values == np.round(values)).all())
    demand = np.array(problem.demands)
    integer_demand, integer_capacity = _integer_demands_and_capacities(demand, capacity)
    scaled_capacity, scaled_surplus = _scaled_capacities_and_surplus(demand, capacity, may_open)
    return CapacitatedArrays(
        cost=cost,
        demand=demand,
        capacity=capacity,
        opening_cost=opening_cost,
        p=int(problem.p or 0) if has_p else -1,
        must_open=must_open,
        may_open=may_open,
        is_splittable=is_splittable,
        is_integral=is_integral,
        integer_demand=integer_demand,
        integer_capacity=integer_capacity,
        scaled_capacity=scaled_capacity,
        scaled_surplus=scaled_surplus,
    )


def _integer_demands_and_capacities(demand: Floats, capacity: Floats) -> tuple[Ints, Ints]:
    """Demands and capacities as whole numbers: exact where they are whole, else rounded down."""
    scale = 1.0
    if (demand != np.round(demand)).any():
        scale = ROUNDED_CAPACITY_STEPS / max(float(capacity.max()), 1e-9)
    elif capacity.max() > MAX_EXACT_CAPACITY:
        scale = MAX_EXACT_CAPACITY / float(capacity.max())
    integer_demand = np.floor(demand * scale + 1e-9).astype(np.int64)
    return integer_demand, np.floor(capacity * scale + 1e-9).astype(np.int64)


def _scaled_capacities_and_surplus(
    demand: Floats, capacity: Floats, may_open: Bools
) -> tuple[Ints, int]:
    """Capacities and surplus capacity, in the largest unit that keeps capacities apart."""
    surplus = float(capacity[may_open].sum() - demand.sum())
    scale = MAX_SURPLUS_STEPS / max(surplus, float(capacity.max()), 1e-9)
    if (capacity == np.round(capacity)).all():
        unit = np.gcd.reduce(capacity.astype(np.int64))
        scale = min(1.0 / max(int(unit), 1), max(scale, 0.0))
    return np.floor(capacity * scale + 1e-9).astype(np.int64), int(np.floor(surplus * scale + 1e-9))


def reason_for_no_plan(arrays: CapacitatedArrays) -> str:
    """Why there is plainly no plan; "" if there may be one."""
    capacity = np.sort(arrays.capacity[arrays.may_open])[::-1]
    total = capacity[: arrays.p].sum() if arrays.p >= 0 else capacity.sum()
    if arrays.p >= 0 and not arrays.must_open.sum() <= arrays.p <= arrays.may_open.sum():
        return "p does not fit the sites"
    if total < arrays.demand.sum() - 1e-9:
        return "all capacity together is below the demand"
    if (arrays.cost[:, arrays.may_open] >= FORBIDDEN_COST).all(axis=1).any():
        return "a customer has no site within reach"
    return ""


def open_up_to_p(arrays: CapacitatedArrays, is_open: Bools) -> Bools:
    """Open further sites, without customers, until p are open, where p is given; (sites,)."""
    is_open = is_open.copy()
    if arrays.has_fixed_size:
        unopened = np.flatnonzero(arrays.may_open & ~is_open)
        is_open[unopened[: max(0, arrays.p - int(is_open.sum()))]] = True
    return is_open
