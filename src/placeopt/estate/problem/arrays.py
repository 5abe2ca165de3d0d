"""The estate problem of one year as frozen arrays with labels.

Letters in the shapes: Z zones, B buildings, S services, K tiers. Order is that of the place's
tables. ``state`` makes the arrays from a place, its minutes and a scenario; nothing is solved.

Conventions (more in ``docs/estate.md``)
- Visits are net of the digital share. A desk of a back-office service counts as a visit that
  comes from nowhere in particular.
- Money: GBP in prices of the place's price year; ``*_present_gbp`` are sums over the appraisal
  years discounted to the year decided for; all else is for one year or one-off, undiscounted.
- A building in use today that closes, or stands vacant, is either held (at its holding cost) or
  disposed of: a freehold with a receipt is sold, another tenure is ended. Required maintenance
  (backlog) is due unless the building is disposed of. A candidate costs nothing unless opened.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placeopt.scenario.rules.estate.services import Access
from placeopt.scenario.scenario import Scenario

if TYPE_CHECKING:
    pass
    from placeopt.scenario.scenario import Scenario

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Ids = NDArray[np.str_]


@dataclass(frozen=True)
class Buildings:
    """(B,) arrays of the buildings."""

    ids: Ids
    district: Ids
    x_m: Floats
    y_m: Floats
    usable_m2: Floats
    open_today: Bools
    vacant_today: Bools
    candidate: Bools
    replaces: Ints  # position of the building that a candidate is under another use; -1: none
    unknown_use: Bools  # open today, but nothing is known of its services
    must_open: Bools
    must_close: Bools
    can_end: Bools  # can be sold or its lease ended in the year, once it is closed
    disposable: Bools  # can be so by then: in the year, or in a decided one before it
    fixed_gbp_per_year: Floats  # of the open building, cost of capital included
    use_gbp_per_m2_per_year: Floats
    holding_gbp_per_year: Floats  # of the empty one, cost of capital included
    cost_of_capital_gbp_per_year: Floats
    works_factor: Floats  # 1, or 1 + the optimism bias of the building's kind of works
    fit_out_gbp_per_m2: Floats  # raised by it, as required maintenance is
    closure_gbp: Floats  # due when a building open today closes
    penalty_gbp: Floats  # due when the lease is ended
    sellable: Bools  # brings a receipt when disposed of, be it nothing net
    receipt_net_gbp: Floats  # comes in when the building is sold, less sale costs and clawback
    receipt_present_gbp: Floats
    sale_lag_years: Ints  # from the sale to the receipt; 0 where nothing is sold
    sale_holding_present_gbp: Floats  # holding cost between vacation and sale
    backlog_gbp: Floats  # 0 where it is not stated
    backlog_stated: Bools
    energy_kwh_per_year: Floats  # NaN where it is not stated
    carbon_tco2e_per_year: Floats  # 0 where it is not stated
    carbon_stated: Bools


@dataclass(frozen=True)
class Services:
    """(S,) arrays of the services; ``units`` are visits a year, or desks of a back office."""

    ids: Ids
    back_office: Bools
    units: Floats
    area_base_m2: Floats
    area_m2_per_unit: Floats
    front_of_house_m2: Floats
    staffing_gbp_per_year: Floats  # of a service point
    staffing_gbp_per_unit: Floats  # of a visit or desk a year
    redundancy_gbp: Floats  # for each service point fewer than the year before
    moving_gbp: Floats
    least_visits: Floats  # a year at a point with the full offer; 0 where none are asked for


@dataclass(frozen=True)
class Tiers:
    """(K,) arrays of the tiers; ``may``, ``must`` and ``full`` have shape (K, S)."""

    ids: Ids
    setup_gbp: Floats  # as estimated: times the building's works_factor
    running_gbp_per_year: Floats
    min_usable_m2: Floats
    max_services: Floats  # inf where there is no limit
    may: Bools
    must: Bools
    full: Bools


@dataclass(frozen=True)
class Pairs:
    """Pairs of services that must, may not or preferably share a roof: service positions."""

    must: tuple[tuple[int, int], ...]
    never: tuple[tuple[int, int], ...]
    prefer: tuple[tuple[int, int], ...]
    benefit_gbp_per_year: Floats  # of each preferred pair and building


@dataclass(frozen=True)
class EstateProblem:
    """Everything a formulation of the single-year problem reads."""

    scenario: Scenario
    year: int
    annuity: float  # worth today of one pound in each year of the appraisal
    carbon_present_gbp_per_tco2e: float  # of a tonne in each year of it that is priced; or 0
    carbon_priced_years: int
    zone_ids: Ids
    zone_district: Ids
    population: Floats  # (Z,)
    visits: Floats  # (Z, S) a year, net of the digital share; 0 for back offices
    minutes: Floats  # (Z, B) by the fastest of the scenario's modes; NaN = out of reach
    buildings: Buildings
    services: Services
    tiers: Tiers
    pairs: Pairs
    hosted: Bools  # (B, S) today
    full_today: Bools  # (B, S) hosted today with the full offer
    hostable: Bools  # (B, S) hosted today, or suitable and large enough
    standards: tuple[Standard, ...]  # the access rules, one for each service and district
    groups: dict[str, Groups]  # of zones, by the column that tells them apart


def positions(ids: Ids) -> dict[str, int]:
    """id -> position."""
    return {identity: position for position, identity in enumerate(ids)}


CAR_MODES = frozenset({"drive", "car"})


@dataclass(frozen=True)
class Standard:
    """One access rule for one service and scope. Letters: P points, B buildings."""

    rule: Access
    service_id: str
    service: int  # position of the service
    scope: str  # a district's id, or "" for the place
    zone: NDArray[np.int64]  # (P,) positions of the zones
    car: NDArray[np.bool_]  # (P,) whether these residents may drive
    residents: NDArray[np.float64]  # (P,) all above 0
    within: NDArray[np.bool_]  # (P, B) within the rule's minutes
    under_ceiling: NDArray[np.bool_]  # (P, B) within the rule's ceiling

    @property
    def has_share(self) -> bool:
        """Whether the rule asks for a share within its minutes."""
        return self.rule.minutes is not None and self.rule.share > 0

    @property
    def is_counted_as_served(self) -> bool:
        """Whether where visits are sent decides if the standard is met."""
        asks = self.has_share or self.rule.ceiling_minutes is not None
        return asks and self.rule.counts == "served"


def counted_by_nearest(standard: Standard) -> Standard:
    """The standard counted by the nearest host: each plan that keeps it as served keeps this."""
    return replace(standard, rule=standard.rule.model_copy(update={"counts": "nearest"}))


@dataclass(frozen=True)
class Groups:
    """Zones (Z, G) True where the zone is of the group, with the groups' names."""

    names: tuple[str, ...]
    member: NDArray[np.bool_]
