"""Assignment with overflow: residents pass full buildings on the way to the nearest host with floor
left.

    minimise sum_b over[b] + under[b] + COST_WEIGHT x cost of the floor that visits need
    sum_b share[z,s,b] = 1,  over the hosts up to the nearest whose building is not full
    fit-out <= that of the decision + more, at a penalty
    area used[b] - over[b] + under[b] <= usable[b], and = usable[b] where b is full   for each b

The set of full buildings is found by iteration: empty at first, then those over-full are added and
those that cannot be filled are removed. Each iteration is a small linear program.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from placeopt.base.arrays import Bools, Floats
from placeopt.base.deadline import without_deadline
from placeopt.engine import Model, solve
from placeopt.engine.model import Terms
from placeopt.engine.settings import Settings
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.estate.solution.decision import Decision

MAX_ITERATIONS = 20  # of the set of full buildings
SPARE_M2 = 1e-3  # m2 left in a full building; smaller deviations are rounding
EXTRA_FIT_OUT_PENALTY = 1e-3  # m2 for each GBP of fit-out above the decision's
COST_WEIGHT = 1e-6  # m2 for each GBP: cost breaks ties between assignments that fit


def assign_with_overflow(problem: EstateProblem, decision: Decision) -> Decision | None:
    """Return the decision with all residents at the nearest host, or past full ones.

    Args:
        problem: the year's arrays.
        decision: hosts, tiers and open buildings; its fit-out is not exceeded without a penalty.

    Returns:
        The decision with all residents served; ``None`` where no such assignment was found.
    """
    full = np.zeros(len(problem.buildings.ids), bool)
    for _ in range(MAX_ITERATIONS):
        assigned = _assign(problem, decision, full)
        if assigned is None:
            return None
        decision_found, over, under = assigned
        if over.sum() + under.sum() <= SPARE_M2:
            return decision_found
        next_full = (full | (over > SPARE_M2)) & ~(under > SPARE_M2)
        if (next_full == full).all():
            return None
        full = next_full
    return None


def _assign(
    problem: EstateProblem, decision: Decision, full: Bools
) -> tuple[Decision, Floats, Floats] | None:
    """Return the assignment with these buildings full, and by how many m2 each is over- or
    under-full."""
    s, count = problem.services, len(problem.buildings.ids)
    zone, service, building = _allowed_pairs(problem, decision, full)
    units = np.where(zone < 0, s.units[service], problem.visits[zone, service])
    b, is_new = problem.buildings, ~problem.hosted[building, service]
    gbp_per_m2 = problem.annuity * b.use_gbp_per_m2_per_year
    gbp_per_m2 = gbp_per_m2[building] + b.fit_out_gbp_per_m2[building] * is_new
    area = units * s.area_m2_per_unit[service]
    customers, customer = np.unique(np.stack([zone, service]), axis=1, return_inverse=True)
    model = Model("overflow")
    share = model.add_columns(
        "share", size=len(zone), upper=1, cost=COST_WEIGHT * gbp_per_m2 * area
    )
    over = model.add_columns("over", size=count, cost=1.0)
    under = model.add_columns("under", size=count, upper=full * 1e12, cost=1.0)
    served = [(customer.ravel(), share.all, 1)]
    model.add_rows("served", rule="E1", size=customers.shape[1], terms=served, lower=1, upper=1)
    extra_fit_out = model.add_columns("more", size=1, cost=EXTRA_FIT_OUT_PENALTY)
    works = b.fit_out_gbp_per_m2[building] * is_new * area
    planned = ~problem.hosted * b.fit_out_gbp_per_m2[:, None] * s.area_m2_per_unit
    model.add_rows(
        "fit_out",
        rule="E10",
        size=1,
        terms=[(0, share.all, works), (0, extra_fit_out.all, -1)],
        upper=float((planned * decision.units).sum()),
    )
    front_m2 = (s.front_of_house_m2 * decision.host).max(axis=1, initial=0.0)
    free_m2 = problem.buildings.usable_m2 - SPARE_M2 - front_m2 - decision.host @ s.area_base_m2
    all_buildings = np.arange(count)
    terms: list[Terms] = [
        (building, share.all, area),
        (all_buildings, over.all, -1),
        (all_buildings, under.all, 1),
    ]
    lower = np.where(full, free_m2, -np.inf)
    upper = np.where(decision.open, free_m2, np.inf)
    model.add_rows("floor", rule="E4", size=count, terms=terms, lower=lower, upper=upper)
    with without_deadline():
        result = solve(model, Settings(threads=problem.scenario.solver.threads))
    if result.values is None:
        return None
    shares = np.where(result.value(share) > 1e-7, result.value(share), 0.0)
    shares /= np.bincount(customer.ravel(), shares)[customer.ravel()]
    served_units = np.zeros(decision.units.shape)
    np.add.at(served_units, (building, service), shares * units)
    is_assigned = (shares > 0) & (zone >= 0)
    assigned = replace(
        decision,
        units=served_units,
        zone=zone[is_assigned],
        service=service[is_assigned],
        building=building[is_assigned],
        share=shares[is_assigned],
    )
    return assigned, result.value(over), result.value(under)


def _allowed_pairs(
    problem: EstateProblem, decision: Decision, full: Bools
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return (zone, service, building) of the pairs allowed; zone -1 for a back office, which may
    be in any host."""
    rank = np.argsort(np.argsort(problem.buildings.ids))
    parts = []
    for service in range(len(problem.services.ids)):
        hosts = np.flatnonzero(decision.host[:, service])
        if problem.services.back_office[service]:
            if problem.services.units[service] > 0:
                no_zone = np.full(len(hosts), -1)
                parts.append((no_zone, np.full(len(hosts), service), hosts))
            continue
        zones = np.flatnonzero(problem.visits[:, service] > 0)
        minutes = problem.minutes[np.ix_(zones, hosts)]
        minutes_or_inf = np.where(np.isfinite(minutes), minutes, np.inf)
        order = np.lexsort(
            (np.broadcast_to(rank[hosts], minutes_or_inf.shape), minutes_or_inf), axis=1
        )
        has_space = ~full[hosts][order]
        spaces_passed = np.cumsum(has_space, axis=1).astype(int) - has_space
        in_reach = np.isfinite(np.take_along_axis(minutes_or_inf, order, axis=1))
        row, k = np.nonzero((spaces_passed == 0) & in_reach)
        parts.append((zones[row], np.full(len(row), service), hosts[order[row, k]]))
    zone, service_of, building = (np.concatenate(list(part)) for part in zip(*parts, strict=True))
    return zone, service_of, building
