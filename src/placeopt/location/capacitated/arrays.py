"""A problem with capacities as arrays, and its Lagrangian bound with the multipliers that prove it.

The methods for capacities share ``CapacitatedArrays``. ``ascend_bound`` gives a
``LagrangianBound`` (``knapsack_bound``), which also says by how much it rises when a site is
opened or closed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from placeopt.location.statement import CAPACITATED, CAPACITATED_P_MEDIAN, Problem

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
FORBIDDEN_COST = 1e300
MAX_EXACT_CAPACITY = 20_000  # the largest whole capacity that a knapsack fills exactly
ROUNDED_CAPACITY_STEPS = 2_000  # steps of the largest capacity where demands are fractional
MAX_SURPLUS_STEPS = 20_000  # the largest whole surplus that is counted exactly


@dataclass
class CapacitatedArrays:
    """A capacitated problem as arrays, and the assignment or flows of the best plan.

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
        assignment: Site of each customer in the best plan, (customers,).
        flows: Share of each customer served from each site, (customers, sites).
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
    assignment: Ints | None = None
    flows: sparse.csr_array | None = None

    def replace(self, **changes) -> CapacitatedArrays:
        """A copy with some fields changed."""
        return replace(self, **changes)


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
    p = int(problem.p or 0) if has_p else -1
    demand = np.array(problem.demands)
    integers = (
        *_integer_demands_and_capacities(demand, capacity),
        *_scaled_capacities_and_surplus(demand, capacity, may_open),
    )
    return CapacitatedArrays(
        cost, demand, capacity, opening_cost, p, must_open, may_open, is_splittable, is_integral,
        *integers,
    )  # fmt: skip


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


def initial_multipliers(arrays: CapacitatedArrays) -> Floats:
    """Multipliers (customers,) to begin with: a little above the cheapest cost of serving."""
    reachable = np.where(arrays.cost < FORBIDDEN_COST, arrays.cost, np.nan)[:, arrays.may_open]
    multipliers: Floats = np.nanmin(reachable, axis=1) + 0.3 * np.nanmean(reachable, axis=1)
    return multipliers


def ascend_bound(
    arrays: CapacitatedArrays,
    u: Floats,
    target: float,
    max_rounds: int,
    step: float,
    patience: int = 10,
) -> LagrangianBound:
    """Raise the bound by subgradients from multipliers ``u`` towards ``target``.

    Args:
        arrays: The problem.
        u: Multipliers to begin with, (customers,).
        target: Bound at which to stop.
        max_rounds: Largest number of rounds.
        step: Step length to begin with.
        patience: Rounds without gain after which the step is halved.

    Returns:
        The best bound found.
    """
    from placeopt.location.capacitated import knapsack_bound

    _, u, rho, _, site_shares, pair_shares, step = knapsack_bound.ascend(
        arrays.cost, arrays.demand, arrays.capacity, arrays.integer_demand,
        arrays.integer_capacity, arrays.scaled_capacity, arrays.scaled_surplus,
        arrays.opening_cost, arrays.p, arrays.must_open, arrays.may_open, u, target, max_rounds,
        not arrays.is_splittable, step, patience,
    )  # fmt: skip
    return _bound_from_site_costs(arrays, u, rho, site_shares, pair_shares, step)[0]


def evaluate_bound(arrays: CapacitatedArrays, u: Floats) -> tuple[LagrangianBound, Floats, Bools]:
    """The bound at multipliers ``u`` where no customer is split, and what attains it.

    Returns:
        The bound, the best fill of each site (sites, customers), and the best set of sites
        (sites,).
    """
    from placeopt.location.capacitated import knapsack_bound

    rho, fill = knapsack_bound.fill_all(
        arrays.cost, arrays.integer_demand, arrays.integer_capacity, arrays.opening_cost,
        arrays.may_open, np.ascontiguousarray(u),
    )  # fmt: skip
    n, m = arrays.cost.shape
    bound, chosen = _bound_from_site_costs(arrays, u, rho, np.zeros(m), np.zeros((n, m)), 0.0)
    return bound, fill, chosen


def _bound_from_site_costs(
    arrays: CapacitatedArrays, u, rho, site_shares, pair_shares, step: float
) -> tuple[LagrangianBound, Bools]:
    """The bound at ``u`` from the cost ``rho`` (sites,) of each site at its best, and its sites."""
    from placeopt.location.capacitated import knapsack_bound

    common = (
        rho, arrays.scaled_capacity, arrays.scaled_surplus, arrays.p, arrays.must_open,
        arrays.may_open,
    )  # fmt: skip
    chosen = np.zeros(len(rho))
    value = float(u.sum() + knapsack_bound.choose_sites(*common, chosen))
    opened, closed = knapsack_bound.forced_sites(*common)
    empty = np.where(
        arrays.may_open,
        opened + arrays.opening_cost - np.where(arrays.may_open, rho, 0.0),
        np.inf,
    )
    bound = LagrangianBound(value, u, opened, closed, empty, site_shares, pair_shares, step)
    return bound, chosen > 0.5
