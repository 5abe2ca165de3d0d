"""Rule E16 as cuts: how many visits a host draws at least, in a model that speaks of no zones.

What a host b of a service draws depends on the other hosts, and is the less the more there are:

    nearest  drawn[b] >= sum over zones z of Z: visits[z] (host[b] - sum of host[b'] nearer to z)
    decay    drawn[b] >= drawn(y) host[b] - sum_b' slope[b'](y) (host[b'] - y[b'] host[b])
             drawn(y) = sum_z visits[z] pull[z,b] / (pull[z,b] + sum_b' y[b'] pull[z,b'])

hold in every plan, for any set Z of zones and, as drawn(y) is convex, for any y >= 0. With Z the
zones that reach b first and y the other hosts they are tight at the hosts they are taken at; all
that is drawn is all that is served, so a plan with these hosts has no choice left of who goes
where. Taken at a point of the relaxation they cut off what the rule's rows zone by zone would.
What is unserved is drawn by nobody. Where residents pass full buildings, the cuts do not hold.

Sources: Benders (1962); Magnanti and Wong (1981), Operations Research 29, 464-484, for such cuts
of locations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placeopt.engine import Block, Model
from placeopt.engine.model import Terms
from placeopt.estate.model.variables import Columns
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.estate.problem.choice import pull, uses_distance_decay
from placeopt.scenario.rules.estate.services import Served

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
NEIGHBOUR_FACTOR = 0.6  # of the others: who has one other host nearer counts, who has two does not
COEFFICIENT_TOLERANCE = 1e-9  # of all visits to a service: a smaller coefficient is none


@dataclass(frozen=True)
class DemandCuts:
    """One year's columns, and what a host may lack of what it draws."""

    problem: EstateProblem
    columns: Columns
    shortfall: Block  # (H,) share of all visits to the service, at a price
    services: Ints  # with visits


def add_demand_cuts(
    model: Model, problem: EstateProblem, x: Columns, gbp_per_m2: float, name: str = ""
) -> DemandCuts:
    """The columns that the cuts need. ``problem`` has the rule; the model may lack it.

    What a host serves less than it draws costs ``gbp_per_m2`` of the floor it would take: a plan
    whose residents go elsewhere than they would has a price, so that a search may start from it.
    """
    services = np.flatnonzero(~problem.services.back_office & problem.visits.any(axis=0))
    at = x.hosts.service
    floor = problem.services.area_m2_per_unit * problem.visits.sum(axis=0)
    shortfall = model.add_columns(
        f"lacking{name}",
        size=x.host.size,
        upper=np.isin(at, services).astype(float),
        cost=gbp_per_m2 * np.maximum(floor[at], 1.0),
    )
    return DemandCuts(problem, x, shortfall, services)


def host_values(drawing: DemandCuts, values: Floats) -> Floats:
    """(B, S) how far each building hosts each service, from 0 to 1."""
    x = drawing.columns
    host = np.zeros(drawing.problem.hosted.shape)
    host[x.hosts.building, x.hosts.service] = np.clip(values[x.host.all], 0.0, 1.0)
    return host


def add_violated_cuts(model: Model, drawing: DemandCuts, values: Floats, breach: float) -> int:
    """(E16) Add every cut at the hosts of ``values`` that these break by more than ``breach`` (of
    all visits to the service); the number of cuts added."""
    p, x = drawing.problem, drawing.columns
    c, host = x.customers, host_values(drawing, values)
    added = 0
    for s in drawing.services:
        at = np.flatnonzero(p.hostable[:, s])
        worth = demand_cut_coefficients(p, int(s), at, host[at, s])
        pair = np.flatnonzero(c.service[c.pair_customer] == s)
        share = c.units[c.pair_customer[pair]] / p.visits[:, s].sum()
        serves = np.bincount(c.pair_host[pair], share * values[x.serve.at(pair)], x.host.size)
        columns = x.host_position[at, s]
        drawn = serves[columns] + values[drawing.shortfall.at(columns)]
        rows = np.flatnonzero(worth @ host[at, s] - drawn > breach)
        _add_cuts(model, drawing, int(s), at, worth, rows)
        added += len(rows)
    return added


def add_neighbour_cuts(
    model: Model, drawing: DemandCuts, values: Floats, worth_a_look: Bools
) -> None:
    """(E16) Add cuts that say what would come of one host more or fewer than in ``values``: what a
    new one would draw, and what one draws of those who have one other nearer. ``worth_a_look``
    (H,): hosts that get one."""
    p, x = drawing.problem, drawing.columns
    host = host_values(drawing, values)
    for s in drawing.services:
        at = np.flatnonzero(p.hostable[:, s])
        there = host[at, s] > 0.5
        added = demand_cut_coefficients(p, int(s), at, host[at, s])
        fewer = demand_cut_coefficients(p, int(s), at, host[at, s], others=NEIGHBOUR_FACTOR)
        rows = np.flatnonzero(worth_a_look[x.host_position[at, s]])
        _add_cuts(model, drawing, int(s), at, np.where(there[:, None], fewer, added), rows)


def _add_cuts(
    model: Model, drawing: DemandCuts, service: int, at: Ints, worth: Floats, rows: Ints
) -> None:
    """drawn + lacking + unserved >= worth host, for ``rows`` of ``at``."""
    if not len(rows):
        return
    p, x = drawing.problem, drawing.columns
    c, columns = x.customers, x.host_position[at, service]
    total = float(p.visits[:, service].sum())
    row_of = np.full(x.host.size, -1)
    row_of[columns[rows]] = np.arange(len(rows))
    pair = np.flatnonzero(row_of[c.pair_host] >= 0)
    n, b = np.nonzero(worth[rows])
    every = np.arange(len(rows))
    terms: list[Terms] = [
        (row_of[c.pair_host[pair]], x.serve.at(pair), c.units[c.pair_customer[pair]] / total),
        (every, drawing.shortfall.at(columns[rows]), 1.0),
        (n, x.host.at(columns[b]), -worth[rows[n], b]),
    ]
    if any(rule.unserved_share > 0 for rule in p.scenario.of(Served)):
        customer = np.flatnonzero(c.service == service)
        terms += [(every, x.unserved.at(i), c.units[i] / total) for i in customer]
    labels = {"building_id": p.buildings.ids[at[rows]]}
    name = f"drawn_{p.services.ids[service]}_{p.year}_{len(model.rows)}"
    model.add_rows(name, rule="E16", labels=labels, terms=terms, lower=0.0)


def demand_cut_coefficients(
    problem: EstateProblem, service: int, at: Ints, host: Floats, others: float = 1.0
) -> Floats:
    """(N, N) for possible hosts ``at`` that host as far as ``host`` (N,) says: in every plan the
    share of all visits that the n-th draws is no less than the n-th row x hosts. ``others``: as
    if, beside each host, there were so much of the others; it holds for any number."""
    visits = problem.visits[:, service] / float(problem.visits[:, service].sum())
    if uses_distance_decay(problem):
        worth = _decay_coefficients(pull(problem)[:, at], visits, host, others)
    else:
        ids = problem.buildings.ids[at]
        worth = _nearest_coefficients(problem.minutes[:, at], ids, visits, host, others)
    worth[np.abs(worth) < COEFFICIENT_TOLERANCE] = 0.0
    return worth


def _nearest_coefficients(
    minutes: Floats, ids: NDArray[np.str_], visits: Floats, host: Floats, others: float
) -> Floats:
    """Z of each host: the zones in reach with less of nearer hosts than there is of itself."""
    reach = np.isfinite(minutes)
    far = np.where(reach, minutes, np.inf)
    by_id = np.broadcast_to(np.argsort(np.argsort(ids)), far.shape)
    order = np.lexsort((by_id, far), axis=1)
    rank = np.argsort(order, axis=1)
    there = np.take_along_axis(np.where(reach, host[None, :], 0.0), order, axis=1)
    nearer = np.take_along_axis(np.cumsum(there, axis=1) - there, rank, axis=1)
    counted = (
        reach & (others * nearer < np.maximum(host, COEFFICIENT_TOLERANCE)[None, :])
    ) * visits[:, None]
    worth = np.zeros((len(host), len(host)))
    for b in range(len(host)):
        worth[b] = -(counted[:, b] @ (reach & (rank < rank[:, b : b + 1])))
        worth[b, b] = counted[:, b].sum()
    return worth


def _decay_coefficients(drawing: Floats, visits: Floats, host: Floats, others: float) -> Floats:
    """The tangents of what each host draws; y of each: the others' share of what there is of it."""
    worth = np.zeros((len(host), len(host)))
    for b in range(len(host)):
        y = others * host / (host[b] if host[b] > COEFFICIENT_TOLERANCE else 1.0)
        y[b] = 1.0
        total = drawing @ y
        share = np.divide(drawing[:, b], total, out=np.zeros_like(total), where=total > 0)
        slope = np.divide(visits * share, total, out=np.zeros_like(total), where=total > 0)
        slope = slope @ drawing
        slope[b] = 0.0
        worth[b] = -slope
        worth[b, b] = visits @ share + slope @ y - slope[b]
    return worth
