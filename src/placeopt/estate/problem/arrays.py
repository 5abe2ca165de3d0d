"""The estate problem of one year as frozen arrays with labels.

Letters in the shapes: Z zones, B buildings, S services, K tiers, P points, G groups. Order is that
of the place's tables. ``build.py`` makes the arrays from a place, its minutes and a scenario.

Conventions (more in ``docs/estate.md``):

- Visits are net of the digital share. A desk of a back-office service counts as a visit without a
zone.
- Money is GBP in prices of the place's price year. ``*_present_gbp`` are sums over the appraisal
years discounted to the decided year; all other money is a year's or one-off, undiscounted.
- A building in use today that closes, or stands vacant, is held (at its holding cost) or disposed
of: a freehold with a receipt is sold, another tenure is ended. Required maintenance (backlog) is
due unless the building is disposed of. A candidate has no cost unless opened.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placeopt.base.arrays import Bools, Floats, Ints
from placeopt.scenario.rules.estate.services import Access
from placeopt.scenario.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

Ids = NDArray[np.str_]


@dataclass(frozen=True)
class Buildings:
    """(B,) arrays of the buildings.

    Attributes:
        ids: building ids.
        district: district ids; "" for none.
        x_m: easting.
        y_m: northing.
        usable_m2: floor that services can use.
        open_today: in use today.
        vacant_today: empty today.
        candidate: not in the estate unless opened.
        replaces: position of the building that a candidate is under another use; -1 for none.
        unknown_use: open today, but its services are not known.
        must_open: pinned to stay open, or of unknown use.
        must_close: pinned to close.
        can_end: can be sold or its lease ended in the year, once it is closed.
        disposable: ``can_end`` in the year or in a decided one before it.
        fixed_gbp_per_year: of the open building, with cost of capital.
        use_gbp_per_m2_per_year: of floor in use.
        holding_gbp_per_year: of the empty building, with cost of capital.
        cost_of_capital_gbp_per_year: while it is not disposed of.
        works_factor: 1, or 1 + the optimism bias of the building's kind of works.
        fit_out_gbp_per_m2: with ``works_factor``.
        closure_gbp: due when a building open today closes.
        penalty_gbp: due when the lease is ended.
        sellable: brings a receipt when disposed of, even if its net is 0.
        receipt_net_gbp: received after the sale, less sale costs and clawback.
        receipt_present_gbp: the same discounted.
        sale_lag_years: from the sale to the receipt; 0 where nothing is sold.
        sale_holding_present_gbp: holding cost between vacation and receipt.
        backlog_gbp: required maintenance, with ``works_factor``; 0 where it is not stated.
        backlog_stated: whether it is stated.
        energy_kwh_per_year: NaN where it is not stated.
        carbon_tco2e_per_year: 0 where it is not stated.
        carbon_stated: whether it is stated.
        rows: the place's table of buildings, for rules on columns without an array here.
    """

    ids: Ids
    district: Ids
    x_m: Floats
    y_m: Floats
    usable_m2: Floats
    open_today: Bools
    vacant_today: Bools
    candidate: Bools
    replaces: Ints
    unknown_use: Bools
    must_open: Bools
    must_close: Bools
    can_end: Bools
    disposable: Bools
    fixed_gbp_per_year: Floats
    use_gbp_per_m2_per_year: Floats
    holding_gbp_per_year: Floats
    cost_of_capital_gbp_per_year: Floats
    works_factor: Floats
    fit_out_gbp_per_m2: Floats
    closure_gbp: Floats
    penalty_gbp: Floats
    sellable: Bools
    receipt_net_gbp: Floats
    receipt_present_gbp: Floats
    sale_lag_years: Ints
    sale_holding_present_gbp: Floats
    backlog_gbp: Floats
    backlog_stated: Bools
    energy_kwh_per_year: Floats
    carbon_tco2e_per_year: Floats
    carbon_stated: Bools
    rows: pd.DataFrame


@dataclass(frozen=True)
class Services:
    """(S,) arrays of the services.

    Attributes:
        ids: service ids.
        back_office: has desks and no visits.
        units: visits a year, or desks of a back office.
        area_base_m2: of a service point.
        area_m2_per_unit: for each visit a year, or desk.
        front_of_house_m2: shared by the services of a building; the largest counts.
        staffing_gbp_per_year: of a service point.
        staffing_gbp_per_unit: of a visit or desk a year.
        redundancy_gbp: for each service point fewer than the year before.
        moving_gbp: of a service point that moves in.
        least_visits: a year at a point with the full offer; 0 for no limit.
    """

    ids: Ids
    back_office: Bools
    units: Floats
    area_base_m2: Floats
    area_m2_per_unit: Floats
    front_of_house_m2: Floats
    staffing_gbp_per_year: Floats
    staffing_gbp_per_unit: Floats
    redundancy_gbp: Floats
    moving_gbp: Floats
    least_visits: Floats


@dataclass(frozen=True)
class Tiers:
    """(K,) arrays of the tiers.

    Attributes:
        ids: tier ids.
        setup_gbp: as estimated, before the building's ``works_factor``.
        running_gbp_per_year: of a building of the tier.
        min_usable_m2: of a building of the tier.
        max_services: inf where there is no limit.
        may: (K, S) services that the tier may host.
        must: (K, S) services that it must host.
        full: (K, S) services whose offer is full there.
    """

    ids: Ids
    setup_gbp: Floats
    running_gbp_per_year: Floats
    min_usable_m2: Floats
    max_services: Floats
    may: Bools
    must: Bools
    full: Bools


@dataclass(frozen=True)
class Pairs:
    """Pairs of services, as positions.

    Attributes:
        must: pairs that share every building.
        never: pairs that share none.
        prefer: pairs with a benefit where they share one.
        benefit_gbp_per_year: (prefer,) of each pair and building.
    """

    must: tuple[tuple[int, int], ...]
    never: tuple[tuple[int, int], ...]
    prefer: tuple[tuple[int, int], ...]
    benefit_gbp_per_year: Floats


@dataclass(frozen=True)
class EstateProblem:
    """All arrays of the problem of one year.

    Attributes:
        scenario: with the rules that hold in the year.
        year: the decided year.
        annuity: present value of one pound in each year of the appraisal.
        carbon_present_gbp_per_tco2e: present value of a tonne in each priced year of the appraisal.
        carbon_priced_years: number of priced years.
        zone_ids: (Z,) zone ids.
        zone_district: (Z,) district ids.
        population: (Z,) residents.
        visits: (Z, S) a year, net of the digital share; 0 for back offices.
        minutes: (Z, B) by the fastest of the scenario's modes; NaN out of reach.
        buildings: (B,) arrays.
        services: (S,) arrays.
        tiers: (K,) arrays.
        pairs: of services.
        hosted: (B, S) hosted today.
        full_today: (B, S) hosted today with the full offer.
        hostable: (B, S) hosted today, or suitable and large enough.
        standards: the access rules, one for each service and district.
        groups: groups of zones by the column that defines them.
    """

    scenario: Scenario
    year: int
    annuity: float
    carbon_present_gbp_per_tco2e: float
    carbon_priced_years: int
    zone_ids: Ids
    zone_district: Ids
    population: Floats
    visits: Floats
    minutes: Floats
    buildings: Buildings
    services: Services
    tiers: Tiers
    pairs: Pairs
    hosted: Bools
    full_today: Bools
    hostable: Bools
    standards: tuple[Standard, ...]
    groups: dict[str, Groups]


def positions(ids: Ids) -> dict[str, int]:
    """Return id -> position."""
    return {identity: position for position, identity in enumerate(ids)}


CAR_MODES = frozenset({"drive", "car"})


@dataclass(frozen=True)
class Standard:
    """One access rule for one service and scope.

    Attributes:
        rule: the rule.
        service_id: id of the service.
        service: position of the service.
        scope: district id; "" for the place.
        zone: (P,) positions of the points' zones.
        car: (P,) whether these residents may drive.
        residents: (P,) all above 0.
        within: (P, B) within the rule's minutes.
        under_ceiling: (P, B) within the rule's ceiling.
    """

    rule: Access
    service_id: str
    service: int
    scope: str
    zone: NDArray[np.int64]
    car: NDArray[np.bool_]
    residents: NDArray[np.float64]
    within: NDArray[np.bool_]
    under_ceiling: NDArray[np.bool_]

    @property
    def has_share(self) -> bool:
        """Whether the rule has a share within minutes."""
        return self.rule.minutes is not None and self.rule.share > 0

    @property
    def is_counted_as_served(self) -> bool:
        """Whether the assignment decides if the standard is met."""
        asks = self.has_share or self.rule.ceiling_minutes is not None
        return asks and self.rule.counts == "served"


def counted_by_nearest(standard: Standard) -> Standard:
    """Return the standard counted by the nearest host: a relaxation of it as served."""
    return replace(standard, rule=standard.rule.model_copy(update={"counts": "nearest"}))


@dataclass(frozen=True)
class Groups:
    """Groups of zones.

    Attributes:
        names: (G,) of the groups.
        member: (Z, G) whether the zone is in the group.
    """

    names: tuple[str, ...]
    member: NDArray[np.bool_]
