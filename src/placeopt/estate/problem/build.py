"""Make the estate problem of one year from a place, its minutes and a scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from placeopt.base.arrays import Bools, Floats, Ints
from placeopt.base.errors import UsageError
from placeopt.estate.problem.access import build_standards
from placeopt.estate.problem.arrays import (
    Buildings,
    EstateProblem,
    Groups,
    Ids,
    Pairs,
    Services,
    Tiers,
    positions,
)
from placeopt.estate.problem.money import carbon_present_value, works_factor
from placeopt.place.demand import visits_of
from placeopt.place.running_cost import base_year
from placeopt.scenario.carbon_stated import missing_carbon
from placeopt.scenario.discount import annuity, discount_factors_at
from placeopt.scenario.rules.estate.services import Hosted, Opened, Pinned
from placeopt.scenario.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.place import Place
    from placeopt.travel import TravelTimes


def decision_year(place: Place, scenario: Scenario) -> int:
    """Return the decided year: the scenario's, or the last of the spending data, or the price
    year."""
    return base_year(place) if scenario.year is None else scenario.year


def build_problem(place: Place, times: TravelTimes, scenario: Scenario) -> EstateProblem:
    """Return the arrays of the question ``scenario`` for ``place``.

    Args:
        place: tables in canonical order.
        times: minutes between its zones and buildings.
        scenario: the question; with several years, its first.

    Raises:
        UsageError: the scenario drops a definition of a plan, a rule names a mode without minutes,
            or carbon is asked about and not stated.
    """
    for kind in (Hosted, Opened):
        if not scenario.of(kind):
            raise UsageError(
                f"{kind.name!r} says what a plan is and cannot be dropped; take it out of drop"
            )
    carbon_missing = missing_carbon(place, scenario)
    if carbon_missing is not None:
        raise UsageError(f"{carbon_missing.message}; {carbon_missing.remedy}")
    year = decision_year(place, scenario)
    zone_ids = place.zones["zone_id"].to_numpy(str)
    building_ids = place.buildings["building_id"].to_numpy(str)
    service_ids = place.services["service_id"].to_numpy(str)
    hosting_open = place.hosting[place.hosting["building_id"].isin(_open_building_ids(place))]
    hosted = incidence(hosting_open, building_ids, service_ids)
    full_today = incidence(
        hosting_open[hosting_open["offer"] != "partial"], building_ids, service_ids
    )
    visits = visits_of(place, year)
    services = services_of(place, visits)
    buildings = _buildings(place, scenario, year, hosted)
    carbon_gbp, carbon_years = carbon_present_value(place, scenario, year)
    return EstateProblem(
        scenario=scenario,
        year=year,
        annuity=annuity(scenario.money),
        carbon_present_gbp_per_tco2e=float(carbon_gbp[0]),
        carbon_priced_years=carbon_years,
        zone_ids=zone_ids,
        zone_district=place.zones["district_id"].to_numpy(str),
        population=place.zones["population"].to_numpy(float),
        visits=visits,
        minutes=times.fastest([m for m in scenario.travel.modes if m in times.modes]),
        buildings=buildings,
        services=services,
        tiers=_tiers(place, service_ids),
        pairs=_pairs(place, scenario, service_ids),
        hosted=hosted,
        full_today=full_today,
        hostable=(hosted | _suitable_hosts(place, buildings, services))
        & _allowed_by_scenario(place, scenario),
        standards=build_standards(place, times, scenario),
        groups={
            column: _groups(place, column)
            for column in ("deprivation_quintile", "area_type", "district_id")
        },
    )


def incidence(table: pd.DataFrame, building_ids: Ids, service_ids: Ids) -> Bools:
    """Return (B, S) True where ``table`` has a row for the building and service."""
    matrix = np.zeros((len(building_ids), len(service_ids)), bool)
    rows = table["building_id"].map(positions(building_ids)).to_numpy(int)
    matrix[rows, table["service_id"].map(positions(service_ids)).to_numpy(int)] = True
    return matrix


def _groups(place: Place, column: str) -> Groups:
    """Return the groups of zones by the values of a column."""
    values = place.zones[column].astype("string").fillna("").to_numpy(str)
    names = tuple(sorted(set(values) - {""}))
    member = values[:, None] == np.array(names, str)[None, :]
    return Groups(names, member.reshape(len(values), len(names)))


def _open_building_ids(place: Place) -> pd.Series:
    """Return the ids of buildings open today."""
    return place.buildings.loc[place.buildings["status"] == "open", "building_id"]


def services_of(place: Place, visits: Floats) -> Services:
    """Return the arrays of the services at these visits (Z, S)."""
    table = place.services
    back_office = table["back_office"].to_numpy(bool)
    return Services(
        ids=table["service_id"].to_numpy(str),
        back_office=back_office,
        units=np.where(back_office, table["desks"].fillna(0), visits.sum(axis=0)),
        area_base_m2=table["area_base_m2"].to_numpy(float),
        area_m2_per_unit=table["area_m2_per_1000_visits"].to_numpy(float) / 1000,
        front_of_house_m2=table["front_of_house_m2"].to_numpy(float),
        staffing_gbp_per_year=table["staffing_cost_gbp_per_point_per_year"].to_numpy(float),
        staffing_gbp_per_unit=table["staff_gbp_per_1000_visits"].to_numpy(float) / 1000,
        redundancy_gbp=table["redundancy_gbp_per_point"].to_numpy(float),
        moving_gbp=table["moving_cost_gbp"].to_numpy(float),
        least_visits=np.where(
            back_office | ~visits.any(axis=0), 0.0, table["least_visits_per_year"].to_numpy(float)
        ),
    )


def _buildings(place: Place, scenario: Scenario, year: int, hosted: Bools) -> Buildings:
    """Return the arrays of the buildings in a year."""
    table = place.buildings
    ids = table["building_id"].to_numpy(str)
    status = table["status"].to_numpy(str)
    pinned = {
        word: (table["pinned"] == word).to_numpy() for word in ("keep", "close", "never_sell")
    }
    for rule in scenario.of(Pinned):
        for word in pinned:
            pinned[word] = pinned[word] | np.isin(ids, getattr(rule, word))
    if not scenario.of(Pinned):
        pinned = {word: np.zeros(len(ids), bool) for word in pinned}
    unknown_use = (status == "open") & ~hosted.any(axis=1)
    freehold = (table["tenure"] == "freehold").to_numpy()
    receipt_gross = table["capital_receipt_gbp"].fillna(0).to_numpy(float)
    penalty = lease_penalties(table, year)
    sellable = freehold & (receipt_gross > 0) & ~pinned["never_sell"]
    lag = np.where(sellable, table["sale_lag_years"].to_numpy(int), 0)
    lost_share = table["sale_cost_share"] + table["receipt_clawback_share"]
    receipt_net = np.where(sellable, receipt_gross * (1 - lost_share.to_numpy(float)), 0.0)
    can_end = (status != "candidate") & (sellable | (~freehold & np.isfinite(penalty)))
    cost_of_capital = table["cost_of_capital_gbp_per_year"].to_numpy(float)
    holding = table["holding_cost_gbp_per_year"].to_numpy(float) + cost_of_capital
    annuity_until_receipt = np.array([annuity(scenario.money, years) for years in lag])
    works_factors = works_factor(place, scenario)
    return Buildings(
        ids=ids,
        district=table["district_id"].to_numpy(str),
        x_m=table["x_m"].to_numpy(float),
        y_m=table["y_m"].to_numpy(float),
        usable_m2=(table["floor_area_m2"] * table["usable_share"]).to_numpy(float),
        open_today=status == "open",
        vacant_today=status == "vacant",
        candidate=status == "candidate",
        replaces=_replaced_positions(table),
        unknown_use=unknown_use,
        must_open=pinned["keep"] | unknown_use,
        must_close=pinned["close"],
        can_end=can_end,
        disposable=can_end,
        fixed_gbp_per_year=table["running_cost_fixed_gbp_per_year"].to_numpy(float)
        + cost_of_capital,
        use_gbp_per_m2_per_year=table["running_cost_gbp_per_m2_per_year"].to_numpy(float),
        holding_gbp_per_year=holding,
        cost_of_capital_gbp_per_year=cost_of_capital,
        works_factor=works_factors,
        fit_out_gbp_per_m2=table["fit_out_gbp_per_m2"].to_numpy(float) * works_factors,
        closure_gbp=np.where(status == "open", table["closure_cost_gbp"].to_numpy(float), 0.0),
        penalty_gbp=np.where(np.isfinite(penalty), penalty, 0.0),
        sellable=sellable,
        receipt_net_gbp=receipt_net,
        sale_lag_years=lag,
        receipt_present_gbp=receipt_net * discount_factors_at(scenario.money, lag),
        sale_holding_present_gbp=holding * annuity_until_receipt,
        backlog_gbp=table["backlog_gbp"].fillna(0).to_numpy(float) * works_factors,
        backlog_stated=table["backlog_gbp"].notna().to_numpy(),
        energy_kwh_per_year=table["energy_kwh_per_year"].to_numpy(float),
        carbon_tco2e_per_year=table["carbon_tco2e_per_year"].fillna(0).to_numpy(float),
        carbon_stated=table["carbon_tco2e_per_year"].notna().to_numpy(),
        rows=table,
    )


def _replaced_positions(table: pd.DataFrame) -> Ints:
    """Return (B,) position of the building that a candidate replaces; -1 for none."""
    position_of = positions(table["building_id"].to_numpy(str))
    return np.array([position_of.get(str(i), -1) for i in table["replaces_building_id"]], np.int64)


def lease_penalties(table: pd.DataFrame, year: int) -> Floats:
    """Return (B,) the cost of ending the lease in ``year``; NaN where it cannot end.

    It ends for nothing at a break date: the first, and at each interval later, or in any later year
    where no interval is stated. A licence without a break year can end at any time.
    """
    first_break, interval = (
        table[name].astype("Float64").to_numpy(float, na_value=np.nan)
        for name in ("lease_break_year", "lease_break_every_years")
    )
    years_since = year - first_break
    is_interval = np.where(
        interval > 0, np.mod(years_since, np.where(interval > 0, interval, 1.0)) == 0, False
    )
    is_break = (years_since == 0) | ((years_since > 0) & (np.isnan(interval) | is_interval))
    is_free = (
        is_break | ((table["tenure"] == "licence") & table["lease_break_year"].isna()).to_numpy()
    )
    is_free |= (table["tenure"] == "freehold").to_numpy()
    return np.where(is_free, 0.0, table["lease_break_penalty_gbp"].to_numpy(float))


def _tiers(place: Place, service_ids: Ids) -> Tiers:
    """Return the arrays of the tiers."""
    table, links = place.tiers, place.tier_services
    ids = table["tier_id"].to_numpy(str)
    may, must, full = (np.zeros((len(ids), len(service_ids)), bool) for _ in range(3))
    if len(links):
        k = links["tier_id"].map(positions(ids)).to_numpy(int)
        s = links["service_id"].map(positions(service_ids)).to_numpy(int)
        may[k, s] = True
        must[k, s] = (links["relation"] == "must").to_numpy()
        full[k, s] = (links["offer"] != "partial").to_numpy()
    return Tiers(
        ids=ids,
        setup_gbp=table["setup_cost_gbp"].to_numpy(float),
        running_gbp_per_year=table["running_cost_gbp_per_year"].to_numpy(float),
        min_usable_m2=table["min_usable_m2"].to_numpy(float),
        max_services=np.nan_to_num(
            table["max_services"].astype("Float64").to_numpy(float, na_value=np.nan), nan=np.inf
        ),
        may=may,
        must=must,
        full=full,
    )


def _pairs(place: Place, scenario: Scenario, service_ids: Ids) -> Pairs:
    """Return the pairs of services of the place and the scenario; none where the rule is
    dropped."""
    from placeopt.scenario.rules.estate.services import Together

    position = positions(service_ids)
    rules = scenario.of(Together)
    pairs: dict[str, list[tuple[int, int]]] = {"must": [], "never": [], "prefer": []}
    benefit = []
    if rules:
        table = place.compatibility
        for a, b, relation, gbp in zip(
            table["service_a"],
            table["service_b"],
            table["relation"],
            table["benefit_gbp_per_year"],
            strict=True,
        ):
            pairs[relation].append((position[a], position[b]))
            if relation == "prefer":
                benefit.append(gbp)
    for rule in rules:
        pairs["must"] += [(position[a], position[b]) for a, b in rule.must]
        pairs["never"] += [(position[a], position[b]) for a, b in rule.never]
    return Pairs(
        must=tuple(pairs["must"]),
        never=tuple(pairs["never"]),
        prefer=tuple(pairs["prefer"]),
        benefit_gbp_per_year=np.array(benefit, float),
    )


def _allowed_by_scenario(place: Place, scenario: Scenario) -> Bools:
    """Return (B, S) where the scenario lets a kind of building host a service, today's hosts
    included."""
    rule = scenario.of(Opened)[0]
    kinds, services = place.buildings["kind"], place.services["service_id"]
    return np.array([[rule.may_be_in(s, kind) for s in services] for kind in kinds], bool).reshape(
        len(kinds), len(services)
    )


def _suitable_hosts(place: Place, buildings: Buildings, services: Services) -> Bools:
    """Return (B, S) True where the kind may host the service and a service point fits."""
    kinds = place.buildings["kind"].to_numpy(str)
    if len(place.suitability):
        allowed = set(
            zip(place.suitability["building_kind"], place.suitability["service_id"], strict=True)
        )
        is_suitable = np.array(
            [[(kind, s) in allowed for s in services.ids] for kind in kinds], bool
        )
    else:
        is_suitable = np.ones((len(kinds), len(services.ids)), bool)
    point_m2 = services.area_base_m2 + services.front_of_house_m2
    fits = buildings.usable_m2[:, None] >= point_m2[None, :]
    return is_suitable.reshape(fits.shape) & fits & ~buildings.unknown_use[:, None]
