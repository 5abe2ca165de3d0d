"""Who is served: customers of a service, each with the hosts in its reach.

The model may speak of every zone by itself (``customers_by_zone``, needed where minutes count), or of all
zones that have the same possible hosts in reach as one customer (``aggregate_by_reach``): where no minutes
count, such zones are interchangeable, and any plan for the joint customer is a plan for its zones
in the same shares. A back-office service is one customer that reaches every host.

Where even those are too many, ``aggregate_all`` speaks of all residents as one customer that reaches
what any of them does: a relaxation, whose bound holds for the place and whose plan is to be
checked zone by zone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placeopt.estate.problem.arrays import EstateProblem

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Hosts:
    """Possible pairs of building and service: (H,) positions of each."""

    building: Ints
    service: Ints

    @classmethod
    def of(cls, problem: EstateProblem) -> Hosts:
        service, building = np.nonzero(problem.hostable.T)
        return cls(building=building, service=service)

    def of_service(self, service: int) -> Ints:
        """Positions of the service's possible hosts."""
        return np.flatnonzero(self.service == service)


@dataclass(frozen=True)
class Customers:
    """Letters: C customers, N pairs of a customer and a possible host in its reach."""

    service: Ints  # (C,)
    zone: Ints  # (C,) position of the zone; -1 for a back office or several zones
    units: NDArray[np.float64]  # (C,) visits a year, or desks
    pair_customer: Ints  # (N,)
    pair_host: Ints  # (N,) position in Hosts
    pair_minutes: NDArray[np.float64]  # (N,) 0 where minutes do not count
    relaxed_minutes: NDArray[np.float64]  # (C,) to the nearest host left out; inf: none was


def customers_by_zone(
    problem: EstateProblem,
    hosts: Hosts,
    max_minutes: NDArray[np.float64] | None = None,
    serving_hosts: NDArray[np.bool_] | None = None,
    zonal_services: NDArray[np.bool_] | None = None,
) -> Customers:
    """One customer for every zone with visits to a service.

    ``max_minutes`` (Z, S): only hosts within so many minutes become pairs. The model may then send a
    customer "beyond", for the minutes to the nearest host left out and without taking floor
    anywhere: what it proves holds for all pairs, and a plan that sends nobody beyond is exact.
    ``serving_hosts`` (B, S): only these hosts become pairs, where it is known that no other will serve.
    ``zonal_services`` (S,): of the other services, zones with the same hosts in reach are one customer.
    """
    parts = []
    for service in range(len(problem.services.ids)):
        hosts_here = hosts.of_service(service)
        if serving_hosts is not None:
            hosts_here = hosts_here[serving_hosts[hosts.building[hosts_here], service]]
        if problem.services.back_office[service]:
            parts.append(_back_office_customer(problem, service, hosts_here))
            continue
        if zonal_services is not None and not zonal_services[service]:
            parts.append(_aggregate_service(problem, hosts, service, hosts_here))
            continue
        zone = np.flatnonzero(problem.visits[:, service] > 0)
        minutes = problem.minutes[np.ix_(zone, hosts.building[hosts_here])]
        limit = np.full(len(zone), np.inf) if max_minutes is None else max_minutes[zone, service]
        is_kept = np.isfinite(minutes) & (minutes <= limit[:, None])
        left_out = np.where(np.isfinite(minutes) & ~is_kept, minutes, np.inf)
        customer, host = np.nonzero(is_kept)
        parts.append(
            Customers(
                service=np.full(len(zone), service),
                zone=zone,
                units=problem.visits[zone, service],
                pair_customer=customer,
                pair_host=hosts_here[host],
                pair_minutes=minutes[customer, host],
                relaxed_minutes=left_out.min(axis=1, initial=np.inf),
            )
        )
    return _concatenated(parts)


def aggregate_by_reach(problem: EstateProblem, hosts: Hosts) -> Customers:
    """One customer for all zones whose possible hosts in reach are the same."""
    parts = []
    for service in range(len(problem.services.ids)):
        hosts_here = hosts.of_service(service)
        if problem.services.back_office[service]:
            parts.append(_back_office_customer(problem, service, hosts_here))
            continue
        parts.append(_aggregate_service(problem, hosts, service, hosts_here))
    return _concatenated(parts)


def _aggregate_service(
    problem: EstateProblem, hosts: Hosts, service: int, hosts_here: Ints
) -> Customers:
    """One service's customers by reach."""
    zone = np.flatnonzero(problem.visits[:, service] > 0)
    reach = np.isfinite(problem.minutes[np.ix_(zone, hosts.building[hosts_here])])
    classes, member = unique_rows(reach)
    units = np.bincount(member, problem.visits[zone, service], len(classes)).astype(float)
    customer, host = np.nonzero(classes)
    return Customers(
        service=np.full(len(classes), service),
        zone=np.full(len(classes), -1),
        units=units,
        pair_customer=customer,
        pair_host=hosts_here[host],
        pair_minutes=np.zeros(len(customer)),
        relaxed_minutes=np.full(len(classes), np.inf),
    )


def aggregate_all(problem: EstateProblem, hosts: Hosts) -> Customers:
    """One customer of each service, with every host that is in anybody's reach: a relaxation."""
    parts = []
    for service in range(len(problem.services.ids)):
        hosts_here = hosts.of_service(service)
        visits = problem.visits[:, service]
        if problem.services.back_office[service] or not visits.any():
            parts.append(_back_office_customer(problem, service, hosts_here))
            continue
        minutes = problem.minutes[np.ix_(visits > 0, hosts.building[hosts_here])]
        hosts_here = hosts_here[np.isfinite(minutes).any(axis=0)]
        parts.append(_single_customer(service, float(visits.sum()), hosts_here))
    return _concatenated(parts)


def count_pairs_by_reach(problem: EstateProblem) -> int:
    """How many pairs of a customer and a host ``aggregate_by_reach`` has."""
    pairs = 0
    for service in np.flatnonzero(~problem.services.back_office):
        zone = problem.visits[:, service] > 0
        reach = np.isfinite(problem.minutes[np.ix_(zone, problem.hostable[:, service])])
        pairs += int(unique_rows(reach)[0].sum())
    return pairs


def unique_rows(
    matrix: NDArray[np.bool_],
) -> tuple[NDArray[np.bool_], Ints]:
    """The distinct rows of a boolean matrix, and for each row which of them it is."""
    packed = np.packbits(matrix, axis=1)
    if not len(packed) or not packed.shape[1]:
        return matrix[:1], np.zeros(len(matrix), np.int64)
    _, first, member = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    return matrix[first], member.ravel()


def minimal_rows(matrix: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of distinct rows those that do not contain another row: covering them covers all."""
    counts = matrix.astype(np.float32)
    shared = counts @ counts.T
    size = matrix.sum(axis=1)
    contains = (shared == size[None, :]) & (size[None, :] < size[:, None])
    return matrix[~contains.any(axis=1)]


def _back_office_customer(problem: EstateProblem, service: int, hosts_here: Ints) -> Customers:
    return _single_customer(service, float(problem.services.units[service]), hosts_here)


def _single_customer(service: int, units: float, hosts_here: Ints) -> Customers:
    """One customer with all hosts at these positions; none where there is nothing to serve."""
    count = int(units > 0)
    hosts_here = hosts_here if count else hosts_here[:0]
    return Customers(
        service=np.full(count, service),
        zone=np.full(count, -1),
        units=np.full(count, units),
        pair_customer=np.zeros(len(hosts_here), np.int64),
        pair_host=hosts_here,
        pair_minutes=np.zeros(len(hosts_here)),
        relaxed_minutes=np.full(count, np.inf),
    )


def _concatenated(parts: list[Customers]) -> Customers:
    starts = np.cumsum([0, *(len(part.service) for part in parts)])
    return Customers(
        service=np.concatenate([part.service for part in parts]),
        zone=np.concatenate([part.zone for part in parts]),
        units=np.concatenate([part.units for part in parts]),
        pair_customer=np.concatenate(
            [part.pair_customer + start for part, start in zip(parts, starts, strict=False)]
        ),
        pair_host=np.concatenate([part.pair_host for part in parts]),
        pair_minutes=np.concatenate([part.pair_minutes for part in parts]),
        relaxed_minutes=np.concatenate([part.relaxed_minutes for part in parts]),
    )
