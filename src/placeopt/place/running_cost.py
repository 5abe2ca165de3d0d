"""The annual running cost of an estate, as defined for the count of a place and for every plan.

    area[b,s]  = area_base_m2[s] + area_m2_per_1000_visits[s] x load[b,s] / 1000   where b hosts s
    front[b]   = the largest front_of_house_m2 of the services there
    buildings  = fixed cost of the open ones + cost of a square metre x (area + front)
    held empty = holding cost of the empty ones; cost of capital is borne by open and empty alike
    staff[b,s] = cost of a service point + staff_gbp_per_1000_visits[s] x load[b,s] / 1000

``load`` are visits a year, or desks. Letters in the shapes: Z zones, B buildings, S services.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placeopt.base.arrays import Bools, Floats, Ints
from placeopt.place.demand import visits_of
from placeopt.place.tables import Place

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class RunningCostRates:
    """Prices of running an estate, by building (B,) or service (S,).

    Attributes:
        fixed_gbp: GBP a year of the open building, whatever area is used.
        use_gbp_per_m2: GBP a year of each square metre in use.
        holding_gbp: GBP a year of the empty building.
        capital_gbp: GBP a year of the capital tied up in it, open or empty.
        area_base_m2: m2 of a service point without visits.
        area_m2_per_unit: further m2 for each visit or desk.
        front_m2: reception that a building has once.
        staff_gbp: GBP a year of a service point.
        staff_gbp_per_unit: further GBP a year for each visit or desk.
    """

    fixed_gbp: Floats
    use_gbp_per_m2: Floats
    holding_gbp: Floats
    capital_gbp: Floats
    area_base_m2: Floats
    area_m2_per_unit: Floats
    front_m2: Floats
    staff_gbp: Floats
    staff_gbp_per_unit: Floats


@dataclass(frozen=True)
class RunningCost:
    """Running cost (GBP a year) by part, and the floor area used.

    Attributes:
        area_m2: (B, S) floor of each service point.
        front_m2: (B,) front of house.
        open_gbp: (B,) fixed cost of open buildings.
        floor_gbp: (B,) floor area in use.
        empty_gbp: (B,) holding cost of empty buildings.
        capital_gbp: (B,) cost of capital of open and empty buildings.
        staff_gbp: (B, S) staff of service points.
    """

    area_m2: Floats
    front_m2: Floats
    open_gbp: Floats
    floor_gbp: Floats
    empty_gbp: Floats
    capital_gbp: Floats
    staff_gbp: Floats

    @property
    def total_gbp(self) -> Floats:
        """(B,) GBP a year of each building, including the staff of its service points."""
        building_cost = self.open_gbp + self.floor_gbp + self.empty_gbp + self.capital_gbp
        total: Floats = building_cost + self.staff_gbp.sum(axis=1)
        return total


def running_cost(
    prices: RunningCostRates, opened: Bools, empty: Bools, host: Bools, load: Floats
) -> RunningCost:
    """The running cost of a year.

    Args:
        prices: prices of the place.
        opened: (B,) buildings that are open.
        empty: (B,) buildings that are held empty.
        host: (B, S) service points.
        load: (B, S) visits a year or desks served there.
    """
    area = prices.area_base_m2 * host + prices.area_m2_per_unit * load
    front = (prices.front_m2 * host).max(axis=1, initial=0.0)
    return RunningCost(
        area_m2=area,
        front_m2=front,
        open_gbp=prices.fixed_gbp * opened,
        floor_gbp=prices.use_gbp_per_m2 * (area.sum(axis=1) + front),
        empty_gbp=prices.holding_gbp * empty,
        capital_gbp=prices.capital_gbp * (opened | empty),
        staff_gbp=prices.staff_gbp * host + prices.staff_gbp_per_unit * load,
    )


def running_cost_rates(place: Place) -> RunningCostRates:
    """The rates that the place's tables state."""
    b, s = place.buildings, place.services
    return RunningCostRates(
        fixed_gbp=b["running_cost_fixed_gbp_per_year"].to_numpy(float),
        use_gbp_per_m2=b["running_cost_gbp_per_m2_per_year"].to_numpy(float),
        holding_gbp=b["holding_cost_gbp_per_year"].to_numpy(float),
        capital_gbp=b["cost_of_capital_gbp_per_year"].to_numpy(float),
        area_base_m2=s["area_base_m2"].to_numpy(float),
        area_m2_per_unit=s["area_m2_per_1000_visits"].to_numpy(float) / 1000,
        front_m2=s["front_of_house_m2"].to_numpy(float),
        staff_gbp=s["staffing_cost_gbp_per_point_per_year"].to_numpy(float),
        staff_gbp_per_unit=s["staff_gbp_per_1000_visits"].to_numpy(float) / 1000,
    )


def running_cost_today(place: Place, load: Floats | None = None) -> RunningCost:
    """The place's running cost today.

    Args:
        place: the place.
        load: (B, S) visits a year or desks at each service point today, as the estate's problem
            computes them from travel times; by default residents go to the nearest host in a
            straight line, in the place's base year.
    """
    status = place.buildings["status"].to_numpy(str)
    hosted = hosted_today(place)
    if load is None:
        load = load_by_distance(place, hosted)
    return running_cost(
        running_cost_rates(place), status == "open", status == "vacant", hosted, load
    )


def base_year(place: Place) -> int:
    """The default year of a decision: the last year of spending data, else the price year."""
    spent = place.spending["year"]
    return int(spent.max()) if len(spent) else place.info.price_year


def hosted_today(place: Place) -> Bools:
    """(B, S) today's service points in open buildings."""
    open_ids = place.buildings.loc[place.buildings["status"] == "open", "building_id"]
    return incidence_matrix(place, place.hosting[place.hosting["building_id"].isin(open_ids)])


def incidence_matrix(place: Place, table: pd.DataFrame) -> Bools:
    """(B, S) whether ``table`` has a row for the building and service."""
    row_of = {key: b for b, key in enumerate(place.buildings["building_id"])}
    column_of = {key: s for s, key in enumerate(place.services["service_id"])}
    matrix = np.zeros((len(row_of), len(column_of)), bool)
    rows = table["building_id"].map(row_of).to_numpy(int)
    matrix[rows, table["service_id"].map(column_of).to_numpy(int)] = True
    return matrix


MAX_PAIRS_IN_MEMORY = 4_000_000  # zones x hosts in one block of distances


def load_by_distance(place: Place, hosted: Bools) -> Floats:
    """(B, S) visits or desks if residents go to the nearest host in a straight line and desks are
    divided evenly over their hosts."""
    z, b = (table[["x_m", "y_m"]].to_numpy(float) for table in (place.zones, place.buildings))
    ids = place.buildings["building_id"].to_numpy(str)
    visits = visits_of(place, base_year(place))
    services = place.services
    desks = np.where(services["back_office"], services["desks"].fillna(0), 0.0)
    load = np.zeros(hosted.shape)
    for s in range(hosted.shape[1]):
        hosts = np.flatnonzero(hosted[:, s])
        if not len(hosts):
            continue
        if services["back_office"].iloc[s]:
            load[hosts, s] = desks[s] / len(hosts)
            continue
        block = max(1, MAX_PAIRS_IN_MEMORY // len(hosts))  # zones at once
        for first in range(0, len(z), block):
            metres = np.linalg.norm(z[first : first + block, None] - b[None, hosts], axis=2)
            zone, host = nearest_hosts(metres, ids, hosts)
            np.add.at(load[:, s], host, visits[first + zone, s])
    return load


def nearest_hosts(distance: Floats, ids: NDArray[np.str_], hosts: Ints) -> tuple[Ints, Ints]:
    """The nearest host of each zone; ties are broken by building id.

    Args:
        distance: (Z, N) minutes or metres to each of ``hosts``; NaN out of reach.
        ids: (B,) building ids.
        hosts: (N,) positions of the hosts.

    Returns:
        Positions of the zones that reach a host, and the position of each one's host.
    """
    order = np.argsort(ids[hosts])
    reach = np.where(np.isfinite(distance[:, order]), distance[:, order], np.inf)
    best = reach.argmin(axis=1)
    zone = np.flatnonzero(np.isfinite(reach[np.arange(len(reach)), best]))
    return zone, hosts[order][best[zone]]
