"""Facts of the verifier: place, minutes and scenario by id, year by year.

Letters: i building, s service, k tier, t decided year from 0.

Visits of a year are recomputed from the tables:

    visits[z,s,t] = people or given demand x (1 + growth)^t x (1 - digital share[z,s,t])

with no growth of given demand.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from placeopt.scenario.rules.estate.services import Pinned

if TYPE_CHECKING:
    from placeopt.place import Place
    from placeopt.scenario import Scenario
    from placeopt.travel import TravelTimes

MAY_BE_EMPTY = ("backlog_gbp", "energy_kwh_per_year", "carbon_tco2e_per_year")
Row = dict[str, Any]
Key = tuple[str, str]


@dataclass(frozen=True)
class Facts:
    """Everything that is known of one decided year, by id.

    Attributes:
        place: the place.
        times: minutes between its zones and buildings.
        scenario: the question.
        year: the decided year.
        buildings: id -> row; works raised by optimism bias, figures not stated as 0.
        services: id -> row.
        zones: id -> row.
        tiers: id -> row.
        tier_services: (tier, service) -> row.
        hosted_today: (building, service) -> offer.
        suitable: (kind, service) pairs.
        visits: (zone, service) -> visits a year, net of the digital share.
        desks: back office -> desks.
        fastest: (zone, building) -> minutes; none out of reach.
        never_sell: buildings that are never sold.
        keep: buildings pinned to stay open.
    """

    place: Place
    times: TravelTimes
    scenario: Scenario
    year: int
    buildings: dict[str, Row]
    services: dict[str, Row]
    zones: dict[str, Row]
    tiers: dict[str, Row]
    tier_services: dict[Key, Row]
    hosted_today: dict[Key, str]
    suitable: set[Key]
    visits: dict[Key, float]
    desks: dict[str, float]
    fastest: dict[Key, float]
    never_sell: set[str]
    keep: set[str]

    @property
    def over_years(self) -> bool:
        """Whether more than one year is decided."""
        return self.scenario.years > 1

    def named(self, i: str) -> str:
        """Return the name of a building, service or zone; the id where it has no name."""
        for rows in (self.buildings, self.services, self.zones):
            if i in rows:
                return str(rows[i].get("name") or i)
        return i

    def stated(self, i: str, column: str) -> float:
        """Return a figure of a building that the place may leave out; NaN where it does."""
        row = self.buildings[i]
        return math.nan if column in row["unknown"] else float(row[column])

    def number_stated(self, column: str) -> int:
        """Return the number of buildings that state a figure which the place may leave out."""
        return sum(column not in row["unknown"] for row in self.buildings.values())

    def replaced(self, i: str, opened: set[str]) -> bool:
        """Whether a building is in use as an open candidate that replaces it."""
        return any(self.buildings[c]["replaces_building_id"] == i for c in opened)

    def held_empty(self, i: str, opened: set[str], disposed: set[str]) -> bool:
        """Whether a building is kept empty: not open, disposed of, a candidate or replaced."""
        if i in opened or i in disposed or self.buildings[i]["status"] == "candidate":
            return False
        return not self.replaced(i, opened)

    def unknown_use(self, i: str) -> bool:
        """Whether a building is open today and none of its services is known."""
        return self.buildings[i]["status"] == "open" and not any(
            building == i for building, _ in self.hosted_today
        )

    def must_stay_open(self, i: str) -> bool:
        """Whether no plan may close the building."""
        return i in self.keep or self.unknown_use(i)

    def usable_m2(self, i: str) -> float:
        """Return the floor of a building that services can use."""
        row = self.buildings[i]
        return float(row["floor_area_m2"] * row["usable_share"])

    def sellable(self, i: str) -> bool:
        """Whether disposing of a building brings a receipt."""
        row = self.buildings[i]
        gross = row["capital_receipt_gbp"]
        return row["tenure"] == "freehold" and gross > 0 and i not in self.never_sell

    def carbon_value(self, year: int) -> float | None:
        """Return GBP of a tonne emitted in a year; ``None`` where it is not priced."""
        if not self.scenario.money.carbon_values:
            return None
        rows = _records(self.place, "carbon_values")
        return next((row["gbp_per_tco2e"] for row in rows if int(row["year"]) == year), None)

    def penalty(self, i: str) -> float | None:
        """Return the cost of ending the tenure in the year; ``None`` where it cannot end."""
        row = self.buildings[i]
        break_year = row["lease_break_year"]
        unknown = _missing(break_year)
        if row["tenure"] == "freehold" or (row["tenure"] == "licence" and unknown):
            return 0.0
        if not unknown and self.year in _break_dates(row, self.year):
            return 0.0
        penalty = row["lease_break_penalty_gbp"]
        return None if math.isnan(penalty) else float(penalty)


def facts_of(place: Place, times: TravelTimes, scenario: Scenario) -> list[Facts]:
    """Return everything that the verifier looks up, for each decided year."""

    def records_by(table: str, *keys: str) -> Any:
        records = _records(place, table)
        return {
            row[keys[0]] if len(keys) == 1 else tuple(row[k] for k in keys): row for row in records
        }

    services, buildings = (
        records_by("services", "service_id"),
        records_by("buildings", "building_id"),
    )
    bias = records_by("works_optimism_bias", "works_kind")
    for row in buildings.values():
        uses_bias = scenario.money.works_optimism_bias
        row["raised"] = 1 + bias[row["works_kind"]]["upper_bound_share"] if uses_bias else 1.0
        for column in ("fit_out_gbp_per_m2", "backlog_gbp"):
            row[column] *= row["raised"]
        row["unknown"] = {column for column in MAY_BE_EMPTY if _missing(row[column])}
        row.update(dict.fromkeys(row["unknown"], 0.0))  # sums leave out what is not stated
    open_today = {i for i, row in buildings.items() if row["status"] == "open"}
    pin_rules = scenario.of(Pinned)
    never_sell, keep = (
        {i for i, row in buildings.items() if pin_rules and row["pinned"] == word}
        for word in ("never_sell", "keep")
    )
    for rule in pin_rules:
        never_sell |= set(rule.never_sell)
        keep |= set(rule.keep)
    first = Facts(
        place=place,
        times=times,
        scenario=scenario,
        year=_first_year(place, scenario),
        buildings=buildings,
        services=services,
        zones=records_by("zones", "zone_id"),
        tiers=records_by("tiers", "tier_id"),
        tier_services=records_by("tier_services", "tier_id", "service_id"),
        hosted_today={
            key: row["offer"]
            for key, row in records_by("hosting", "building_id", "service_id").items()
            if key[0] in open_today
        },
        suitable=set(records_by("suitability", "building_kind", "service_id")),
        visits={},
        desks={i: row["desks"] for i, row in services.items() if row["back_office"]},
        fastest=_fastest(times, scenario),
        never_sell=never_sell,
        keep=keep,
    )
    return [
        replace(first, year=first.year + t, visits=_visits(first, t)) for t in range(scenario.years)
    ]


def _records(place: Place, table: str) -> list[Row]:
    if table not in place.tables:
        return []
    return [dict(row) for row in place.tables[table].to_dict("records")]  # type: ignore[arg-type]


def _missing(value: Any) -> bool:
    return value is None or value != value or str(value) == "<NA>"


def _break_dates(row: Row, until: int) -> range:
    """Return the years up to ``until`` in which a lease ends for nothing: every year after the
    first date where the interval is not stated."""
    first, every = int(row["lease_break_year"]), row["lease_break_every_years"]
    if _missing(every):
        return range(first, until + 1)
    return range(first, until + 1, int(every)) if every else range(first, first + 1)


def _first_year(place: Place, scenario: Scenario) -> int:
    if scenario.year is not None:
        return scenario.year
    years = place.spending["year"]
    return int(years.max()) if len(years) else place.info.price_year


def _fastest(times: TravelTimes, scenario: Scenario) -> dict[Key, float]:
    """Return (zone, building) -> minutes by the fastest of the scenario's modes; none out of
    reach."""
    fastest: dict[Key, float] = {}
    for mode in scenario.travel.modes:
        if mode not in times.modes:
            continue
        matrix = times.matrix(mode).tolist()
        for zone, line in zip(times.zone_ids, matrix, strict=True):
            for i, minutes in zip(times.building_ids, line, strict=True):
                if minutes == minutes and minutes < fastest.get((zone, i), math.inf):
                    fastest[zone, i] = minutes
    return fastest


def _visits(first: Facts, t: int) -> dict[Key, float]:
    """Return (zone, service) -> visits ``t`` years after the first."""
    shares_by_service: dict[str, list[Row]] = {}
    for row in _records(first.place, "digital_shares"):
        shares_by_service.setdefault(row["service_id"], []).append(row)
    visits: dict[Key, float] = {}
    for zone, s, number in _before_digital(first, t):
        if not first.services[s]["back_office"]:
            digital = _digital_share(first, shares_by_service.get(s, []), zone, s, first.year + t)
            visits[zone, s] = visits.get((zone, s), 0.0) + number * (1 - digital)
    return visits


def all_channels(first: Facts, t: int) -> dict[str, float]:
    """Return service -> visits ``t`` years after the first, with digital ones."""
    visits: dict[str, float] = {}
    for _, s, number in _before_digital(first, t):
        if not first.services[s]["back_office"]:
            visits[s] = visits.get(s, 0.0) + number
    return visits


def _before_digital(first: Facts, t: int) -> Iterator[tuple[str, str, float]]:
    """Yield (zone, service, visits by all channels): given demand, or people times grown rates."""
    with_demand = {row["service_id"] for row in _records(first.place, "demand")}
    for row in _records(first.place, "demand"):
        yield row["zone_id"], row["service_id"], row["visits_per_year"]
    for row in _records(first.place, "demand_rates"):
        if row["service_id"] in with_demand:
            continue
        band = row["age_band"]
        column = "population" if band == "all" else f"people_{band}"
        growth = row.get("growth_share_per_year", 0.0)
        rate = row["visits_per_person_per_year"] * (1 + growth) ** t
        for zone, people in first.zones.items():
            yield zone, row["service_id"], people[column] * rate


def _digital_share(first: Facts, stated: list[Row], zone: str, s: str, year: int) -> float:
    """Return the latest share stated for residents of the zone up to the year, else the
    service's own."""
    row = first.zones[zone]
    groups = {"all", row["area_type"]}
    if not _missing(row["deprivation_quintile"]):
        groups.add(f"quintile_{int(row['deprivation_quintile'])}")
    candidates = [x for x in stated if x["who"] in groups and x["year"] <= year]
    latest = max(candidates, key=lambda x: x["year"], default=None)
    service_share = first.services[s]["digital_share"]
    return float(latest["digital_share"] if latest is not None else service_share)
