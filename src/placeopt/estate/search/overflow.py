"""Who goes past full buildings, once it is known what is hosted where.

    minimise sum_b over[b] + under[b] + little x money of the floor that all who are served need
    sum_b share[z,s,b] = 1,  over the hosts up to the nearest whose building is not full
    fit-out <= that of the decision + more, at a price
    area used[b] - over[b] + under[b] <= usable[b], and = usable[b] where b is full   for each b

Which buildings are full is found by trying: none at first, then those that are over-full, less
those that cannot be filled. A small linear program each time.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from placeopt.base.deadline import without_deadline
from placeopt.engine import Model, solve
from placeopt.engine.model import Terms
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.estate.solution.decision import Decision

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
MAX_ITERATIONS = 20
SPARE_M2 = 1e-3  # of floor left in a full building; less too much or too little is rounding
EXTRA_FIT_OUT_PENALTY = (
    1e-3  # m2 for each pound of fit-out more than the decision has, which may be all there is
)
COST_WEIGHT = 1e-6  # m2 for each pound: money decides between ways that all fit


def assign_with_overflow(problem: EstateProblem, decision: Decision) -> Decision | None:
    """The decision with all residents at the nearest host, or past those that are full; ``None``
    where no such way was found. Everybody is served."""
    full = np.zeros(len(problem.buildings.ids), bool)
    for _ in range(MAX_ITERATIONS):
        found = _assign(problem, decision, full)
        if found is None:
            return None
        sent, over, under = found
        if over.sum() + under.sum() <= SPARE_M2:
            return sent
        becomes = (full | (over > SPARE_M2)) & ~(under > SPARE_M2)
        if (becomes == full).all():
            return None
        full = becomes
    return None


def _assign(
    problem: EstateProblem, decision: Decision, full: Bools
) -> tuple[Decision, Floats, Floats] | None:
    """Who goes where with these buildings full, and by how much each is over- or under-full."""
    s, count = problem.services, len(problem.buildings.ids)
    zone, service, building = _allowed_pairs(problem, decision, full)
    units = np.where(zone < 0, s.units[service], problem.visits[zone, service])
    b, new = problem.buildings, ~problem.hosted[building, service]
    gbp_per_m2 = problem.annuity * b.use_gbp_per_m2_per_year
    gbp_per_m2 = gbp_per_m2[building] + b.fit_out_gbp_per_m2[building] * new
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
    more = model.add_columns("more", size=1, cost=EXTRA_FIT_OUT_PENALTY)
    works = b.fit_out_gbp_per_m2[building] * new * area
    planned = ~problem.hosted * b.fit_out_gbp_per_m2[:, None] * s.area_m2_per_unit
    model.add_rows(
        "fit_out",
        rule="E10",
        size=1,
        terms=[(0, share.all, works), (0, more.all, -1)],
        upper=float((planned * decision.units).sum()),
    )
    front = (s.front_of_house_m2 * decision.host).max(axis=1, initial=0.0)
    left = problem.buildings.usable_m2 - SPARE_M2 - front - decision.host @ s.area_base_m2
    every = np.arange(count)
    terms: list[Terms] = [
        (building, share.all, area),
        (every, over.all, -1),
        (every, under.all, 1),
    ]
    least = np.where(full, left, -np.inf)
    most = np.where(decision.open, left, np.inf)
    model.add_rows("floor", rule="E4", size=count, terms=terms, lower=least, upper=most)
    with without_deadline():
        result = solve(model, threads=problem.scenario.solver.threads)
    if result.values is None:
        return None
    shares = np.where(result.value(share) > 1e-7, result.value(share), 0.0)
    shares /= np.bincount(customer.ravel(), shares)[customer.ravel()]
    served_units = np.zeros(decision.units.shape)
    np.add.at(served_units, (building, service), shares * units)
    used = (shares > 0) & (zone >= 0)
    sent = replace(
        decision,
        units=served_units,
        zone=zone[used],
        service=service[used],
        building=building[used],
        share=shares[used],
    )
    return sent, result.value(over), result.value(under)


def _allowed_pairs(
    problem: EstateProblem, decision: Decision, full: Bools
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """(zone, service, building) that may be; zone -1 for a back office, which may be anywhere."""
    rank = np.argsort(np.argsort(problem.buildings.ids))
    parts = []
    for service in range(len(problem.services.ids)):
        hosts = np.flatnonzero(decision.host[:, service])
        if problem.services.back_office[service]:
            if problem.services.units[service] > 0:
                away = np.full(len(hosts), -1)
                parts.append((away, np.full(len(hosts), service), hosts))
            continue
        zones = np.flatnonzero(problem.visits[:, service] > 0)
        minutes = problem.minutes[np.ix_(zones, hosts)]
        far = np.where(np.isfinite(minutes), minutes, np.inf)
        order = np.lexsort((np.broadcast_to(rank[hosts], far.shape), far), axis=1)
        room = ~full[hosts][order]
        passed = np.cumsum(room, axis=1).astype(int) - room
        reached = np.isfinite(np.take_along_axis(far, order, axis=1))
        row, k = np.nonzero((passed == 0) & reached)
        parts.append((zones[row], np.full(len(row), service), hosts[order[row, k]]))
    zone, service_of, building = (np.concatenate(list(part)) for part in zip(*parts, strict=True))
    return zone, service_of, building
