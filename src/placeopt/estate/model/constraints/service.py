"""Rules E1 to E6 as rows: services, their visits, and the buildings that host them.

A function states the rows of one equation of ``formulation.py``; structural rows have no rule.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from placeopt.engine import Model
from placeopt.engine.model import Terms
from placeopt.estate.model.constraints.registry import states
from placeopt.estate.model.variables import Columns
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.estate.problem.customers import minimal_rows, unique_rows
from placeopt.scenario.rules.estate.services import (
    Capacity,
    Floor,
    Hosted,
    Opened,
    Served,
    Together,
)

MAX_REACH_ROWS = 50  # zones of a service, at most, that have a row in a relaxation


def closed_or_disposed(model: Model, problem: EstateProblem, x: Columns) -> None:
    """Only a closed building is sold or its lease ended."""
    rows = np.arange(x.dispose.size)
    model.add_rows(
        "disposed_when_closed",
        rule="E3",
        labels=x.dispose.labels,
        terms=[(rows, x.dispose.all, 1), (rows, x.open.at(x.dispose_building), 1)],
        upper=1,
    )


def one_building(model: Model, problem: EstateProblem, x: Columns) -> None:
    """A building is open, disposed of, or in use as one of the candidates that replace it."""
    b = problem.buildings
    replaced = np.unique(b.replaces[b.replaces >= 0])
    row_of = np.full(len(b.ids), -1)
    row_of[replaced] = np.arange(len(replaced))
    candidate = np.flatnonzero(b.replaces >= 0)
    disposed = np.flatnonzero(row_of[x.dispose_building] >= 0)
    model.add_rows(
        "one_building",
        rule="E3",
        labels={"building_id": b.ids[replaced]},
        terms=[
            (np.arange(len(replaced)), x.open.at(replaced), 1),
            (row_of[b.replaces[candidate]], x.open.at(candidate), 1),
            (row_of[x.dispose_building[disposed]], x.dispose.at(disposed), 1),
        ],
        upper=1,
    )


def staff_let_go(
    model: Model, problem: EstateProblem, x: Columns, before: Columns | None = None
) -> None:
    """Redundancy for each reduction by one service point since the year before, or since today."""
    services = x.redundant_service
    if not len(services):
        return

    def points(year_columns: Columns, sign: float) -> list[Terms]:
        hosts = [year_columns.hosts.of_service(s) for s in services]
        rows = np.repeat(np.arange(len(services)), [len(here) for here in hosts])
        return [(rows, year_columns.host.at(np.concatenate(hosts)), sign)]

    rows = np.arange(len(services))
    today = problem.hosted.sum(axis=0)[services]
    points_before = [] if before is None else points(before, -1)
    model.add_rows(
        "let_go",
        rule="",
        labels=x.redundant.labels,
        terms=[(rows, x.redundant.all, 1), *points(x, 1), *points_before],
        lower=today if before is None else 0,
    )


def served_or_not(model: Model, problem: EstateProblem, x: Columns) -> None:
    """(E1) Every customer's visits are served, unserved or relaxed; the shares sum to 1."""
    c = x.customers
    model.add_rows(
        "served",
        rule="E1",
        labels={
            "service_id": problem.services.ids[c.service],
            "zone_id": np.where(c.zone >= 0, problem.zone_ids[c.zone], "several"),
        },
        terms=[
            (c.pair_customer, x.serve.all, 1),
            (np.arange(len(c.units)), x.unserved.all, 1),
            (np.arange(len(c.units)), x.relaxed_assignment.all, 1),
        ],
        lower=1,
        upper=1,
    )


@states(Served)
def all_served(model: Model, problem: EstateProblem, x: Columns, rules: list[Served]) -> None:
    """(E1) Unserved visits are at most the share allowed."""
    c = x.customers
    share = min(rule.unserved_share for rule in rules)
    if share > 0:
        total = np.bincount(c.service, c.units, len(problem.services.ids))
        model.add_rows(
            "unserved_at_most",
            rule="E1",
            labels={"service_id": problem.services.ids},
            terms=[(c.service, x.unserved.all, c.units)],
            upper=share * total,
        )


def hosts_in_reach(model: Model, problem: EstateProblem, x: Columns) -> None:
    """(E1) Every zone has a host in its reach: what remains of reach where all residents are one
    customer. Of each service, only the zones with the fewest possible hosts have rows."""
    rules = problem.scenario.of(Served)
    if not rules or any(rule.unserved_share > 0 for rule in rules):
        return
    for service in np.flatnonzero(~problem.services.back_office):
        hosts = x.hosts.of_service(int(service))
        zone = np.flatnonzero(problem.visits[:, service] > 0)
        reach = np.isfinite(problem.minutes[np.ix_(zone, x.hosts.building[hosts])])
        rows = minimal_rows(unique_rows(reach)[0])
        rows = rows[np.argsort(rows.sum(axis=1), kind="stable")[:MAX_REACH_ROWS]]
        row, host = np.nonzero(rows)
        model.add_rows(
            f"in_reach_{problem.services.ids[service]}",
            rule="E1",
            labels={"class": np.arange(len(rows))},
            terms=[(row, x.host.at(hosts[host]), 1)],
            lower=1,
        )


@states(Hosted)
def served_only_where_hosted(
    model: Model, problem: EstateProblem, x: Columns, rules: list[Hosted]
) -> None:
    """(E2) A visit is served only where the service is hosted, and no more than could fit."""
    c = x.customers
    units = c.units[c.pair_customer]
    largest_share = np.minimum(1, max_units(problem, x)[c.pair_host] / np.maximum(units, 1e-9))
    rows = np.arange(x.serve.size)
    model.add_rows(
        "hosted",
        rule="E2",
        labels=x.serve.labels,
        terms=[(rows, x.serve.all, 1), (rows, x.host.at(c.pair_host), -largest_share)],
        upper=0,
    )


@states(Hosted)
def hosted_for_least_visits(
    model: Model, problem: EstateProblem, x: Columns, rules: list[Hosted]
) -> None:
    """(E2) A point with the full offer serves at least its service's least number of visits.

    A building that must stay open and a partial offer are exempt. Relaxed assignments count, as
    they may have been assigned to this host.
    """
    c, least = x.customers, problem.services.least_visits[x.hosts.service]
    hosts = np.flatnonzero((least > 0) & ~problem.buildings.must_open[x.hosts.building])
    if not len(hosts):
        return
    row_of = np.full(x.host.size, -1)
    row_of[hosts] = np.arange(len(hosts))
    pair = np.flatnonzero(row_of[c.pair_host] >= 0)
    relaxed = np.flatnonzero(np.isfinite(c.relaxed_minutes))
    row, left_out = np.nonzero(x.hosts.service[hosts][:, None] == c.service[relaxed][None, :])
    # The offer is partial: today's is and no tier makes it full, or a tier has it so.
    service = x.hosts.service
    partial_today = problem.hosted & ~problem.full_today
    partial = partial_today[x.hosts.building, service]
    pair_host, pair_tier = _tier_pairs(x)
    full = problem.tiers.full[x.tier_tier[pair_tier], service[pair_host]]
    tiered = (row_of[pair_host] >= 0) & (full == partial[pair_host])
    sign = np.where(full[tiered], -1.0, 1.0) * least[pair_host[tiered]]
    model.add_rows(
        "least_visits",
        rule="E2",
        labels={key: ids[hosts] for key, ids in x.host.labels.items()},
        terms=[
            (row_of[c.pair_host[pair]], x.serve.at(pair), c.units[c.pair_customer[pair]]),
            (row, x.relaxed_assignment.at(relaxed[left_out]), c.units[relaxed[left_out]]),
            (np.arange(len(hosts)), x.host.at(hosts), -least[hosts]),
            (row_of[pair_host[tiered]], x.tier.at(pair_tier[tiered]), sign),
        ],
        lower=np.where(partial[hosts], -least[hosts], 0.0),
    )


def max_units(problem: EstateProblem, x: Columns) -> NDArray[np.float64]:
    """Return (H,) visits or desks that the building could take if the service had all its floor."""
    b, s = x.hosts.building, x.hosts.service
    services = problem.services
    if not (problem.scenario.of(Floor) and problem.scenario.of(Capacity)):
        return np.full(len(b), np.inf)
    spare_m2 = (
        problem.buildings.usable_m2[b] - services.area_base_m2[s] - services.front_of_house_m2[s]
    )
    rate = services.area_m2_per_unit[s]
    return np.where(rate > 0, np.maximum(spare_m2, 0) / np.where(rate > 0, rate, 1), np.inf)


@states(Opened)
def hosted_only_where_opened(
    model: Model, problem: EstateProblem, x: Columns, rules: list[Opened]
) -> None:
    """(E3) A service is hosted only in an open building whose tier may host it."""
    b, s = x.hosts.building, x.hosts.service
    host_rows = np.arange(x.host.size)
    model.add_rows(
        "opened",
        rule="E3",
        labels=x.host.labels,
        terms=[(host_rows, x.host.all, 1), (host_rows, x.open.at(b), -1)],
        upper=0,
    )
    tiers = problem.tiers
    if not len(tiers.ids):
        return
    tb, tk = x.tier_building, x.tier_tier
    model.add_rows(
        "one_tier",
        rule="E3",
        labels=x.open.labels,
        terms=[(np.arange(x.open.size), x.open.all, -1), (tb, x.tier.all, 1)],
        upper=0,
    )
    # Hosted today: host + tiers that may not <= open. Moving in: host <= tiers that may.
    pair_host, pair_tier = _tier_pairs(x)
    may = tiers.may[tk[pair_tier], s[pair_host]]
    stays = ~x.is_new[pair_host]
    forbids, allows = stays & ~may, ~stays & may
    model.add_rows(
        "tier_may_host",
        rule="E3",
        labels=x.host.labels,
        terms=[
            (host_rows, x.host.all, 1),
            (host_rows[~x.is_new], x.open.at(b[~x.is_new]), -1),
            (pair_host[forbids], x.tier.at(pair_tier[forbids]), 1),
            (pair_host[allows], x.tier.at(pair_tier[allows]), -1),
        ],
        upper=0,
    )
    must = np.flatnonzero(tiers.must[tk[pair_tier], s[pair_host]])
    rows = np.arange(len(must))
    model.add_rows(
        "tier_must_host",
        rule="E3",
        labels={key: ids[pair_host[must]] for key, ids in x.host.labels.items()},
        terms=[
            (rows, x.tier.at(pair_tier[must]), 1),
            (rows, x.host.at(pair_host[must]), -1),
        ],
        upper=0,
    )
    limited = np.flatnonzero(np.isfinite(tiers.max_services[tk]))
    is_limited = np.isin(pair_tier, limited)
    row_of = np.full(x.tier.size, -1)
    row_of[limited] = np.arange(len(limited))
    pair_count = np.bincount(tb[pair_tier], minlength=x.open.size)  # hosts x tiers, at least hosts
    big_m = np.maximum(pair_count[tb[limited]], 1)
    rows = np.arange(len(limited))
    model.add_rows(
        "tier_max_services",
        rule="E3",
        labels={key: ids[limited] for key, ids in x.tier.labels.items()},
        terms=[
            (row_of[pair_tier[is_limited]], x.host.at(pair_host[is_limited]), 1),
            (rows, x.tier.at(limited), big_m - tiers.max_services[tk[limited]]),
        ],
        upper=big_m,
    )
    _full_offer(model, problem, x, pair_host, pair_tier)


def _tier_pairs(x: Columns) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return every (host position, tier position) of the same building."""
    same = x.hosts.building[:, None] == x.tier_building[None, :]
    pair_host, pair_tier = np.nonzero(same)
    return pair_host, pair_tier


def _full_offer(
    model: Model,
    problem: EstateProblem,
    x: Columns,
    pair_host: NDArray[np.int64],
    pair_tier: NDArray[np.int64],
) -> None:
    """(E3) The full offer is there only where the tier, or today's arrangement, makes it full."""
    f = x.full_host
    rows = np.arange(len(f))
    row_of = np.full(x.host.size, -1)
    row_of[f] = rows
    of_full = row_of[pair_host] >= 0
    service = x.hosts.service[pair_host]
    full = problem.tiers.full[x.tier_tier[pair_tier], service]
    full_today = problem.full_today[x.hosts.building, x.hosts.service]
    is_full_today = full_today[f]
    allows = of_full & full & ~full_today[pair_host]
    forbids = of_full & ~full & full_today[pair_host]
    labels = x.full.labels
    model.add_rows(
        "full_where_hosted",
        rule="E3",
        labels=labels,
        terms=[(rows, x.full.all, 1), (rows, x.host.at(f), -1)],
        upper=0,
    )
    model.add_rows(
        "full_by_tier",
        rule="E3",
        labels=labels,
        terms=[
            (rows, x.full.all, 1),
            (row_of[pair_host[forbids]], x.tier.at(pair_tier[forbids]), 1),
            (row_of[pair_host[allows]], x.tier.at(pair_tier[allows]), -1),
        ],
        upper=is_full_today.astype(float),
    )


@states(Floor)
def services_fit(model: Model, problem: EstateProblem, x: Columns, rules: list[Floor]) -> None:
    """(E4) The services and the shared front of house fit in the usable area. Where a scenario
    drops the capacity rule, a service needs its base area only."""
    b, s = x.hosts.building, x.hosts.service
    buildings = np.arange(x.open.size)
    area: Terms = (b, x.area.all, 1)
    if not problem.scenario.of(Capacity):
        area = (b, x.host.all, problem.services.area_base_m2[s])
    model.add_rows(
        "floor",
        rule="E4",
        labels=x.open.labels,
        terms=[
            area,
            (buildings, x.front.all, 1),
            (buildings, x.open.all, -problem.buildings.usable_m2),
        ],
        upper=0,
    )


def front_of_house(model: Model, problem: EstateProblem, x: Columns) -> None:
    """(E4) Front of house is as large as the largest of the services there needs."""
    b, s = x.hosts.building, x.hosts.service
    need = problem.services.front_of_house_m2[s]
    with_front = np.flatnonzero(need > 0)
    rows = np.arange(len(with_front))
    model.add_rows(
        "front_of_house",
        rule="E4",
        labels={key: ids[with_front] for key, ids in x.host.labels.items()},
        terms=[
            (rows, x.host.at(with_front), need[with_front]),
            (rows, x.front.at(b[with_front]), -1),
        ],
        upper=0,
    )


def area_follows_visits(model: Model, problem: EstateProblem, x: Columns) -> None:
    """(E5) Each service has the area its visits or desks need."""
    c, s = x.customers, x.hosts.service
    rows = np.arange(x.host.size)
    rate = problem.services.area_m2_per_unit[s]
    model.add_rows(
        "capacity",
        rule="E5",
        labels=x.host.labels,
        terms=[
            (rows, x.area.all, 1),
            (rows, x.host.all, -problem.services.area_base_m2[s]),
            (c.pair_host, x.serve.all, -rate[c.pair_host] * c.units[c.pair_customer]),
        ],
        lower=0,
        upper=0,
    )


@states(Together)
def sharing_roofs(model: Model, problem: EstateProblem, x: Columns, rules: list[Together]) -> None:
    """(E6) Pairs of services share every building, or none; at most so many services to a
    building."""
    pairs = problem.pairs
    for name, pairs_listed, sign in (("together", pairs.must, -1), ("apart", pairs.never, 1)):
        q, b, first, second = _hosts_of_pairs(x, pairs_listed)
        has_first, has_second = first >= 0, second >= 0
        rows = np.arange(len(b))
        model.add_rows(
            name,
            rule="E6",
            labels={"building_id": problem.buildings.ids[b], "pair": q},
            terms=[
                (rows[has_first], x.host.at(first[has_first]), 1),
                (rows[has_second], x.host.at(second[has_second]), sign),
            ],
            lower=0 if sign < 0 else -np.inf,
            upper=0 if sign < 0 else 1,
        )
    limits = [rule.max_services for rule in rules if rule.max_services is not None]
    if limits:
        model.add_rows(
            "services_at_most",
            rule="E6",
            labels=x.open.labels,
            terms=[
                (x.hosts.building, x.host.all, 1),
                (np.arange(x.open.size), x.open.all, -min(limits)),
            ],
            upper=0,
        )


def preferred_pairs(model: Model, problem: EstateProblem, x: Columns) -> None:
    """(E6) The benefit of a preferred pair is earned where both services are."""
    if not x.pair.size:
        return
    prefer = np.array(problem.pairs.prefer)
    rows = np.arange(x.pair.size)
    for i, name in enumerate(("pair_first", "pair_second")):
        host = x.host_position[x.pair_building, prefer[x.pair_pair, i]]
        model.add_rows(
            name,
            rule="E6",
            labels=x.pair.labels,
            terms=[(rows, x.pair.all, 1), (rows, x.host.at(host), -1)],
            upper=0,
        )


def _hosts_of_pairs(
    x: Columns, pairs_listed: tuple[tuple[int, int], ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return (pair, building, host of the first, host of the second) where either is possible; -1
    where a host is not."""
    if not pairs_listed:
        empty = np.zeros(0, np.int64)
        return empty, empty, empty, empty
    pairs = np.array(pairs_listed)
    first, second = x.host_position[:, pairs[:, 0]].T, x.host_position[:, pairs[:, 1]].T
    q, b = np.nonzero((first >= 0) | (second >= 0))
    return q, b, first[q, b], second[q, b]
