"""Customers of services, each with the hosts in its reach, at three levels of aggregation.

- ``customers_by_zone``: every zone, needed where minutes matter.
- ``aggregate_by_reach``: all zones with the same possible hosts in reach are one customer. Where
minutes do not matter this is exact: a plan for the joint customer is one for its zones in the same
shares.
- ``aggregate_all``: all residents are one customer with every host in reach of any of them. A
relaxation: its bound holds for the place, and its plan has to be checked zone by zone.

A back-office service is one customer that reaches every host.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placeopt.base.arrays import Ints
from placeopt.estate.problem.arrays import EstateProblem


@dataclass(frozen=True)
class Hosts:
    """Possible hosts: pairs of building and service.

    Attributes:
        building: (H,) positions.
        service: (H,) positions.
    """

    building: Ints
    service: Ints

    @classmethod
    def of(cls, problem: EstateProblem) -> Hosts:
        """Return the pairs that the problem allows, service by service."""
        service, building = np.nonzero(problem.hostable.T)
        return cls(building=building, service=service)

    def of_service(self, service: int) -> Ints:
        """Return positions of the service's possible hosts."""
        return np.flatnonzero(self.service == service)


@dataclass(frozen=True)
class Customers:
    """Customers (C,) and their pairs (N,) with the possible hosts in their reach.

    Attributes:
        service: (C,) position of the service.
        zone: (C,) position of the zone; -1 for a back office or several zones.
        units: (C,) visits a year, or desks.
        pair_customer: (N,) position of the customer.
        pair_host: (N,) position in ``Hosts``.
        pair_minutes: (N,) minutes; 0 where they do not matter.
        relaxed_minutes: (C,) minutes to the nearest host left out; inf where none was.
    """

    service: Ints
    zone: Ints
    units: NDArray[np.float64]
    pair_customer: Ints
    pair_host: Ints
    pair_minutes: NDArray[np.float64]
    relaxed_minutes: NDArray[np.float64]


def customers_by_zone(
    problem: EstateProblem,
    hosts: Hosts,
    max_minutes: NDArray[np.float64] | None = None,
    serving_hosts: NDArray[np.bool_] | None = None,
    zonal_services: NDArray[np.bool_] | None = None,
) -> Customers:
    """Return one customer for every zone with visits to a service.

    Args:
        problem: the year's arrays.
        hosts: the possible hosts.
        max_minutes: (Z, S) only hosts within so many minutes become pairs. The model may then relax
            a customer's assignment, at the minutes to the nearest host left out and without floor:
            its bound holds for all pairs, and a plan without relaxed assignments is exact.
        serving_hosts: (B, S) only these hosts become pairs, where no other will serve.
        zonal_services: (S,) zones of other services are aggregated by reach.
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
    """Return one customer for all zones whose possible hosts in reach are the same."""
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
    """Return one service's customers aggregated by reach."""
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
    """Return one customer of each service, with every host in reach of any zone: a relaxation."""
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
    """Return the number of pairs of ``aggregate_by_reach``."""
    pairs = 0
    for service in np.flatnonzero(~problem.services.back_office):
        zone = problem.visits[:, service] > 0
        reach = np.isfinite(problem.minutes[np.ix_(zone, problem.hostable[:, service])])
        pairs += int(unique_rows(reach)[0].sum())
    return pairs


def unique_rows(
    matrix: NDArray[np.bool_],
) -> tuple[NDArray[np.bool_], Ints]:
    """Return the distinct rows of a boolean matrix, and the position in them of each row."""
    packed = np.packbits(matrix, axis=1)
    if not len(packed) or not packed.shape[1]:
        return matrix[:1], np.zeros(len(matrix), np.int64)
    _, first, member = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    return matrix[first], member.ravel()


def minimal_rows(matrix: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return those of distinct rows that do not contain another row: covering them covers all."""
    counts = matrix.astype(np.float32)
    shared = counts @ counts.T
    size = matrix.sum(axis=1)
    contains = (shared == size[None, :]) & (size[None, :] < size[:, None])
    minimal: NDArray[np.bool_] = matrix[~contains.any(axis=1)]
    return minimal


def _back_office_customer(problem: EstateProblem, service: int, hosts_here: Ints) -> Customers:
    """Return the customer of a back office: its desks at any host."""
    return _single_customer(service, float(problem.services.units[service]), hosts_here)


def _single_customer(service: int, units: float, hosts_here: Ints) -> Customers:
    """Return one customer with all these hosts; none where there is nothing to serve."""
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
    """Return the customers of all services as one record."""
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
