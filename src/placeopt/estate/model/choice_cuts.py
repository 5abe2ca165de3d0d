"""Rule E16 as demand cuts: lower bounds on what a host serves, in a model without zones.

What residents demand of host b falls as other hosts are added:

    nearest  drawn[b] >= sum over zones z of Z: visits[z] (host[b] - sum of host[b'] nearer to z)
    decay    drawn[b] >= drawn(y) host[b] - sum_b' slope[b'](y) (host[b'] - y[b'] host[b])
             drawn(y) = sum_z visits[z] pull[z,b] / (pull[z,b] + sum_b' y[b'] pull[z,b'])

hold in every plan, for any set Z of zones and, because drawn(y) is convex, for any y >= 0. With Z
the zones that have b nearest and y the other hosts, the cuts are tight at the hosts they are taken
at. All demand is served, so the cuts leave a plan with these hosts no choice of assignment. Taken
at a point of the relaxation they cut off what the rule's rows zone by zone would. Unserved visits
are no host's demand. The cuts do not hold where residents pass full buildings.

Sources: Benders (1962); Magnanti and Wong (1981), Operations Research 29, 464-484, for such cuts in
location problems.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placeopt.base.arrays import Bools, Floats, Ints
from placeopt.engine import Block, Model
from placeopt.engine.model import Terms
from placeopt.estate.model.variables import Columns
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.estate.problem.choice import pull, uses_distance_decay
from placeopt.scenario.rules.estate.services import Served

# Of the other hosts: a zone with one nearer host counts, a zone with two does not
NEIGHBOUR_FACTOR = 0.6
COEFFICIENT_TOLERANCE = 1e-9  # of all visits to a service: smaller coefficients are 0


@dataclass(frozen=True)
class DemandCuts:
    """One year's columns for demand cuts.

    Attributes:
        problem: the year, with rule E16.
        columns: the year's columns.
        shortfall: (H,) demand that a host does not serve, as a share of all visits to the service;
            its cost is a penalty.
        services: positions of the services with visits.
    """

    problem: EstateProblem
    columns: Columns
    shortfall: Block
    services: Ints


def add_demand_cuts(
    model: Model, problem: EstateProblem, x: Columns, gbp_per_m2: float, name: str = ""
) -> DemandCuts:
    """Add the shortfall columns that the cuts need and return them; no cuts are added yet.

    Args:
        model: one with all residents of a service as one customer, with or without the rule.
        problem: the year, with rule E16.
        x: the year's columns.
        gbp_per_m2: penalty for each m2 of floor that the shortfall would take.
        name: appended to the name of the block.
    """
    services = np.flatnonzero(~problem.services.back_office & problem.visits.any(axis=0))
    service_of_host = x.hosts.service
    floor_m2 = problem.services.area_m2_per_unit * problem.visits.sum(axis=0)
    shortfall = model.add_columns(
        f"lacking{name}",
        size=x.host.size,
        upper=np.isin(service_of_host, services).astype(float),
        cost=gbp_per_m2 * np.maximum(floor_m2[service_of_host], 1.0),
    )
    return DemandCuts(problem, x, shortfall, services)


def host_values(cuts: DemandCuts, values: Floats) -> Floats:
    """Return (B, S) how far each building hosts each service in ``values``, from 0 to 1."""
    x = cuts.columns
    host = np.zeros(cuts.problem.hosted.shape)
    host[x.hosts.building, x.hosts.service] = np.clip(values[x.host.all], 0.0, 1.0)
    return host


def add_violated_cuts(model: Model, cuts: DemandCuts, values: Floats, tolerance: float) -> int:
    """(E16) Add the cuts at the hosts of ``values`` that are violated; return their number.

    Args:
        model: gains the rows.
        cuts: the year's columns.
        values: (columns,) a point of the relaxation, or a plan.
        tolerance: violation allowed, as a share of all visits to the service.
    """
    p, x = cuts.problem, cuts.columns
    c, host = x.customers, host_values(cuts, values)
    added = 0
    for s in cuts.services:
        buildings = np.flatnonzero(p.hostable[:, s])
        coefficients = demand_cut_coefficients(p, int(s), buildings, host[buildings, s])
        pair = np.flatnonzero(c.service[c.pair_customer] == s)
        visit_share = c.units[c.pair_customer[pair]] / p.visits[:, s].sum()
        served = np.bincount(c.pair_host[pair], visit_share * values[x.serve.at(pair)], x.host.size)
        columns = x.host_position[buildings, s]
        provided = served[columns] + values[cuts.shortfall.at(columns)]
        rows = np.flatnonzero(coefficients @ host[buildings, s] - provided > tolerance)
        _add_cuts(model, cuts, int(s), buildings, coefficients, rows)
        added += len(rows)
    return added


def add_neighbour_cuts(model: Model, cuts: DemandCuts, values: Floats, candidates: Bools) -> None:
    """(E16) Add cuts that are tight with one host more or fewer than in ``values``.

    A host that is not there gets the demand it would have; a host that is there gets its demand
    with one nearer host added. Only ``candidates`` (H,) get cuts.
    """
    p, x = cuts.problem, cuts.columns
    host = host_values(cuts, values)
    for s in cuts.services:
        buildings = np.flatnonzero(p.hostable[:, s])
        is_host = host[buildings, s] > 0.5
        with_one_more = demand_cut_coefficients(p, int(s), buildings, host[buildings, s])
        with_one_less = demand_cut_coefficients(
            p, int(s), buildings, host[buildings, s], others_factor=NEIGHBOUR_FACTOR
        )
        rows = np.flatnonzero(candidates[x.host_position[buildings, s]])
        _add_cuts(
            model,
            cuts,
            int(s),
            buildings,
            np.where(is_host[:, None], with_one_less, with_one_more),
            rows,
        )


def _add_cuts(
    model: Model, cuts: DemandCuts, service: int, buildings: Ints, coefficients: Floats, rows: Ints
) -> None:
    """Add drawn + shortfall + unserved >= coefficients x host, for ``rows`` of ``buildings``."""
    if not len(rows):
        return
    p, x = cuts.problem, cuts.columns
    c, columns = x.customers, x.host_position[buildings, service]
    total = float(p.visits[:, service].sum())
    row_of = np.full(x.host.size, -1)
    row_of[columns[rows]] = np.arange(len(rows))
    pair = np.flatnonzero(row_of[c.pair_host] >= 0)
    n, b = np.nonzero(coefficients[rows])
    all_rows = np.arange(len(rows))
    terms: list[Terms] = [
        (row_of[c.pair_host[pair]], x.serve.at(pair), c.units[c.pair_customer[pair]] / total),
        (all_rows, cuts.shortfall.at(columns[rows]), 1.0),
        (n, x.host.at(columns[b]), -coefficients[rows[n], b]),
    ]
    if any(rule.unserved_share > 0 for rule in p.scenario.of(Served)):
        customer = np.flatnonzero(c.service == service)
        terms += [(all_rows, x.unserved.at(i), c.units[i] / total) for i in customer]
    labels = {"building_id": p.buildings.ids[buildings[rows]]}
    name = f"drawn_{p.services.ids[service]}_{p.year}_{len(model.rows)}"
    model.add_rows(name, rule="E16", labels=labels, terms=terms, lower=0.0)


def demand_cut_coefficients(
    problem: EstateProblem, service: int, buildings: Ints, host: Floats, others_factor: float = 1.0
) -> Floats:
    """Return (N, N) the coefficients of demand cuts for possible hosts of a service.

    Args:
        problem: the year, with rule E16.
        service: position of the service.
        buildings: (N,) positions of the possible hosts.
        host: (N,) how far each hosts, from 0 to 1, where the cuts are to be tight.
        others_factor: scales the other hosts seen by each host; any number gives valid cuts.

    Returns:
        In every plan the n-th host draws at least the n-th row x hosts, as a share of all visits.
    """
    visits = problem.visits[:, service] / float(problem.visits[:, service].sum())
    if uses_distance_decay(problem):
        coefficients = _decay_coefficients(pull(problem)[:, buildings], visits, host, others_factor)
    else:
        ids = problem.buildings.ids[buildings]
        coefficients = _nearest_coefficients(
            problem.minutes[:, buildings], ids, visits, host, others_factor
        )
    coefficients[np.abs(coefficients) < COEFFICIENT_TOLERANCE] = 0.0
    return coefficients


def _nearest_coefficients(
    minutes: Floats, ids: NDArray[np.str_], visits: Floats, host: Floats, others_factor: float
) -> Floats:
    """Return the coefficients with nearest assignment; Z of a host: the zones in reach where nearer
    hosts sum to less than the host itself."""
    reach = np.isfinite(minutes)
    minutes_or_inf = np.where(reach, minutes, np.inf)
    by_id = np.broadcast_to(np.argsort(np.argsort(ids)), minutes_or_inf.shape)
    order = np.lexsort((by_id, minutes_or_inf), axis=1)
    rank = np.argsort(order, axis=1)
    host_by_rank = np.take_along_axis(np.where(reach, host[None, :], 0.0), order, axis=1)
    nearer = np.take_along_axis(np.cumsum(host_by_rank, axis=1) - host_by_rank, rank, axis=1)
    counted_visits = (
        reach & (others_factor * nearer < np.maximum(host, COEFFICIENT_TOLERANCE)[None, :])
    ) * visits[:, None]
    coefficients = np.zeros((len(host), len(host)))
    for b in range(len(host)):
        coefficients[b] = -(counted_visits[:, b] @ (reach & (rank < rank[:, b : b + 1])))
        coefficients[b, b] = counted_visits[:, b].sum()
    return coefficients


def _decay_coefficients(
    attraction: Floats, visits: Floats, host: Floats, others_factor: float
) -> Floats:
    """Return the coefficients with distance decay: tangents of each host's demand at y, the other
    hosts relative to the host itself."""
    coefficients = np.zeros((len(host), len(host)))
    for b in range(len(host)):
        y = others_factor * host / (host[b] if host[b] > COEFFICIENT_TOLERANCE else 1.0)
        y[b] = 1.0
        total = attraction @ y
        share = np.divide(attraction[:, b], total, out=np.zeros_like(total), where=total > 0)
        slope = np.divide(visits * share, total, out=np.zeros_like(total), where=total > 0)
        slope = slope @ attraction
        slope[b] = 0.0
        coefficients[b] = -slope
        coefficients[b, b] = visits @ share + slope @ y - slope[b]
    return coefficients
