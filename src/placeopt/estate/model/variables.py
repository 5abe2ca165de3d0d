"""The columns of the estate model: one block for each decision.

open[b] dispose[b] tier[b,k] host[b,s]  0 or 1     area[b,s] front[b]  m2
serve[c,b] unserved[c]  shares of customer c        pair[b,q]  between 0 and 1
cover[p]  residents within an access standard, 0 or 1, added by rule E7 (``constraints/access.py``)
redundant[s]  service points fewer than the year before, where that costs something
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from placeopt.base.arrays import Bools, Ints
from placeopt.engine import Block, Model
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.estate.problem.customers import Customers, Hosts
from placeopt.scenario.rules.estate.services import Served


@dataclass(frozen=True)
class Columns:
    """The blocks of columns of one year and the positions of their members.

    Letters: H possible hosts, D disposable buildings, T possible tiers, F offers that depend on the
    tier, Q preferred pairs in a building, R services with redundancy.

    Attributes:
        open: building is open.
        dispose: building is sold or its lease ended.
        tier: building has a tier.
        host: building hosts a service.
        full: host has the full offer, where that depends on the tier.
        area: m2 of a service in a building.
        front: m2 of front of house of a building.
        serve: share of a customer's visits that a host serves.
        unserved: share of a customer's visits that is unserved.
        relaxed_assignment: share assigned to hosts that the model leaves out; rows call it beyond.
        pair: preferred pair earns its benefit.
        redundant: service points fewer than the year before.
        hosts: (H,) possible hosts.
        customers: the customers and their pairs.
        dispose_building: (D,) building of ``dispose``.
        tier_building: (T,) building of ``tier``.
        tier_tier: (T,) tier of ``tier``.
        host_position: (B, S) position in ``host``; -1 where the building cannot host the service.
        is_new: (H,) not hosted there today.
        full_column: (H,) column that is 1 where the full offer is there; -1 where it never is.
        full_host: (F,) positions in ``host`` of the members of ``full``.
        pair_building: (Q,) building of ``pair``.
        pair_pair: (Q,) preferred pair of ``pair``.
        redundant_service: (R,) service of ``redundant``.
    """

    open: Block
    dispose: Block
    tier: Block
    host: Block
    full: Block
    area: Block
    front: Block
    serve: Block
    unserved: Block
    relaxed_assignment: Block
    pair: Block
    redundant: Block
    hosts: Hosts
    customers: Customers
    dispose_building: Ints
    tier_building: Ints
    tier_tier: Ints
    host_position: Ints
    is_new: Bools
    full_column: Ints
    full_host: Ints
    pair_building: Ints
    pair_pair: Ints
    redundant_service: Ints


def structural_columns(
    columns: Sequence[Columns],
    size: int,
    host: Bools | bool = True,
    building: Bools | bool = True,
) -> Bools:
    """Return (columns,) a mask of the structural columns of these hosts and buildings in each year:
    open, disposed, tier and host.

    Args:
        columns: the columns of each year.
        size: number of columns of the model.
        host: (H,) hosts; all by default.
        building: (B,) buildings; all by default.
    """
    mask = np.zeros(size, bool)
    for x in columns:
        chosen = np.broadcast_to(building, x.open.size)
        mask[x.host.all], mask[x.open.all] = host, chosen
        mask[x.tier.all] = chosen[x.tier_building]
        mask[x.dispose.all] = chosen[x.dispose_building]
    return mask


def add_columns(
    model: Model, problem: EstateProblem, hosts: Hosts, customers: Customers
) -> Columns:
    """Add every block of columns of one year to ``model``."""
    b, s = problem.buildings, problem.services
    is_new = ~problem.hosted[hosts.building, hosts.service]
    host_position = np.full(problem.hosted.shape, -1)
    host_position[hosts.building, hosts.service] = np.arange(len(hosts.building))
    host_labels = {"building_id": b.ids[hosts.building], "service_id": s.ids[hosts.service]}

    opened = model.add_columns(
        "open",
        labels={"building_id": b.ids},
        lower=b.unknown_use.astype(float),
        upper=1,
        integer=True,
    )
    disposable = np.flatnonzero(b.disposable)
    dispose = model.add_columns(
        "dispose",
        labels={"building_id": b.ids[disposable]},
        upper=1,
        integer=b.penalty_gbp[disposable] > 0,
    )
    tier_building, tier_tier = _possible_tiers(problem, host_position)
    tier = model.add_columns(
        "tier",
        labels={
            "building_id": b.ids[tier_building],
            "tier_id": problem.tiers.ids[tier_tier],
        },
        upper=1,
        integer=True,
    )
    host = model.add_columns("host", labels=host_labels, upper=1, integer=True)
    full_host, full_column = _full_offers(problem, hosts, host)
    full = model.add_columns(
        "full", labels={key: ids[full_host] for key, ids in host_labels.items()}, upper=1
    )
    full_column[full_host] = full.all
    area = model.add_columns("area", labels=host_labels)
    front = model.add_columns("front", labels={"building_id": b.ids})
    serve = model.add_columns(
        "serve",
        labels={
            "customer": customers.pair_customer,
            "building_id": b.ids[hosts.building[customers.pair_host]],
        },
        upper=1,
    )
    unserved_shares = [rule.unserved_share for rule in problem.scenario.of(Served)]
    is_served_office = s.back_office[customers.service] & bool(unserved_shares)
    unserved = model.add_columns(
        "unserved",
        labels={"customer": np.arange(len(customers.units))},
        upper=0.0
        if unserved_shares and max(unserved_shares) == 0
        else np.where(is_served_office, 0.0, 1.0),
    )
    relaxed_assignment = model.add_columns(
        "beyond",
        labels={"customer": np.arange(len(customers.units))},
        upper=np.where(np.isfinite(customers.relaxed_minutes), 1.0, 0.0),
    )
    pair_pair, pair_building = _preferred(problem)
    pair = model.add_columns(
        "pair", labels={"building_id": b.ids[pair_building], "pair": pair_pair}, upper=1
    )
    redundant_service = np.flatnonzero(s.redundancy_gbp > 0)
    redundant = model.add_columns(
        "redundant",
        labels={"service_id": s.ids[redundant_service]},
        upper=problem.buildings.ids.size,
    )
    return Columns(
        open=opened,
        dispose=dispose,
        tier=tier,
        host=host,
        full=full,
        area=area,
        front=front,
        serve=serve,
        unserved=unserved,
        relaxed_assignment=relaxed_assignment,
        pair=pair,
        redundant=redundant,
        hosts=hosts,
        customers=customers,
        dispose_building=disposable,
        tier_building=tier_building,
        tier_tier=tier_tier,
        host_position=host_position,
        is_new=is_new,
        full_column=full_column,
        full_host=full_host,
        pair_building=pair_building,
        pair_pair=pair_pair,
        redundant_service=redundant_service,
    )


def _possible_tiers(problem: EstateProblem, host_position: Ints) -> tuple[Ints, Ints]:
    """Return (building, tier) where the building is large enough and may host what the tier
    must."""
    b, tiers = problem.buildings, problem.tiers
    is_large = b.usable_m2[:, None] >= tiers.min_usable_m2[None, :]
    is_missing = (host_position < 0)[:, None, :] & tiers.must[None, :, :]
    is_possible = is_large & ~is_missing.any(axis=2) & ~b.unknown_use[:, None]
    building, tier = np.nonzero(is_possible)
    return building, tier


def _full_offers(problem: EstateProblem, hosts: Hosts, host: Block) -> tuple[Ints, Ints]:
    """Return hosts whose offer depends on the tier, and for the others the column that says full.

    Without a tier a service that stays keeps today's offer, and one that moves in (possible only in
    a place without tiers) has the full one. With a tier, the tier decides.
    """
    tiers = problem.tiers
    hosted = problem.hosted[hosts.building, hosts.service]
    untiered_full = problem.full_today[hosts.building, hosts.service] | ~hosted
    partial_tier = np.any(tiers.may & ~tiers.full, axis=0)[hosts.service]
    full_tier = np.any(tiers.may & tiers.full, axis=0)[hosts.service]
    depends = (untiered_full & partial_tier) | (~untiered_full & full_tier)
    column = np.where(untiered_full & ~partial_tier, host.all, -1)
    return np.flatnonzero(depends), column


def _preferred(problem: EstateProblem) -> tuple[Ints, Ints]:
    """Return (pair, building) where both services of a preferred pair could be."""
    prefer = problem.pairs.prefer
    if not prefer:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    may_share = np.stack([problem.hostable[:, x] & problem.hostable[:, y] for x, y in prefer])
    pair, building = np.nonzero(may_share)
    return pair, building
