"""The verifier's facts and sums: plain dictionaries from the tables, arithmetic by definition."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from placeopt.estate.money import annuity, discount_factors
from placeopt.scenario.estate_rules import Pinned, Together

if TYPE_CHECKING:
    from placeopt.place import Place
    from placeopt.scenario import Scenario
    from placeopt.travel import TravelTimes

Row = dict[str, Any]


@dataclass
class Arrangement:
    """Who is open, hosts and serves whom: the plan's, or today's."""

    open: set[str]
    disposed: set[str]
    tier: dict[str, str]
    hosts: set[tuple[str, str]]  # (building, service)
    desks: dict[tuple[str, str], float]
    served: dict[tuple[str, str], dict[str, float]]  # (zone, service) -> building -> share
    rents: dict[str, float] = field(default_factory=dict)  # building -> GBP/m2/year
    transfers: dict[str, float] = field(default_factory=dict)  # agency -> GBP/year paid in


@dataclass
class Facts:
    """The place, its minutes and the scenario, looked up by id."""

    place: Place
    times: TravelTimes
    scenario: Scenario
    year: int
    buildings: dict[str, Row]
    services: dict[str, Row]
    zones: dict[str, Row]
    tiers: dict[str, Row]
    tier_services: dict[tuple[str, str], Row]
    hosted_today: dict[tuple[str, str], str]  # -> offer
    suitable: set[tuple[str, str]]
    visits: dict[tuple[str, str], float]  # net of the digital share
    desks: dict[str, float]
    fastest: dict[tuple[str, str], float]
    never_sell: set[str] = field(default_factory=set)

    def unknown_use(self, i: str) -> bool:
        return self.buildings[i]["status"] == "open" and not any(
            building == i for building, _ in self.hosted_today
        )

    def sellable(self, i: str) -> bool:
        row = self.buildings[i]
        gross = row["capital_receipt_gbp"]
        return row["tenure"] == "freehold" and gross > 0 and i not in self.never_sell

    def penalty(self, i: str) -> float | None:
        """What ending the tenure in the year costs; None where it cannot end."""
        row = self.buildings[i]
        break_year = row["lease_break_year"]
        unknown = break_year is None or break_year != break_year
        if row["tenure"] == "freehold" or (row["tenure"] == "licence" and unknown):
            return 0.0
        if not unknown and break_year <= self.year:
            return 0.0
        penalty = row["lease_break_penalty_gbp"]
        return None if math.isnan(penalty) else penalty


@dataclass
class Sums:
    """What an arrangement costs and uses, by building."""

    running: dict[str, float]
    capital: dict[str, float]
    receipts: dict[str, float]
    backlog: dict[str, float]
    area: dict[tuple[str, str], float]
    front: dict[str, float]
    present_once: float  # capital, backlog, and sales in present worth
    benefit: float
    annuity: float
    minutes: float
    open: int
    carbon: float
    unserved: float
    worst_off: float

    def area_used(self, i: str) -> float:
        return self.front.get(i, 0.0) + sum(m2 for (b, _), m2 in self.area.items() if b == i)

    def totals(self) -> dict[str, float]:
        """The plan's figures; the objectives under their names."""
        running = sum(self.running.values())
        return {
            "cost": self.annuity * (running - self.benefit) + self.present_once,
            "visit_minutes": self.minutes,
            "buildings": float(self.open),
            "carbon": self.carbon,
            "worst_off": self.worst_off,
            "running_cost": running,
            "capital": sum(self.capital.values()),
            "receipts_net": sum(self.receipts.values()),
            "backlog": sum(self.backlog.values()),
            "unserved_visits": self.unserved,
        }


def facts_of(place: Place, times: TravelTimes, scenario: Scenario) -> Facts:
    """Everything the verifier looks up, from the tables."""
    from placeopt.place import demand_of

    def by(table: str, *keys: str) -> Any:
        records = place.tables[table].to_dict("records")
        return {
            row[keys[0]] if len(keys) == 1 else tuple(row[k] for k in keys): row for row in records
        }

    services, buildings = by("services", "service_id"), by("buildings", "building_id")
    net = {i: 1 - row["digital_share"] for i, row in services.items()}
    visits: dict[tuple[str, str], float] = defaultdict(float)
    for row in demand_of(place).to_dict("records"):
        if not services[row["service_id"]]["back_office"]:
            key = row["zone_id"], row["service_id"]
            visits[key] += row["visits_per_year"] * net[row["service_id"]]
    fastest: dict[tuple[str, str], float] = {}
    for mode in scenario.travel.modes:
        if mode not in times.modes:
            continue
        matrix = times.matrix(mode).tolist()
        for zone, line in zip(times.zone_ids, matrix, strict=True):
            for i, minutes in zip(times.building_ids, line, strict=True):
                if minutes == minutes and minutes < fastest.get((zone, i), math.inf):
                    fastest[zone, i] = minutes
    open_today = {i for i, row in buildings.items() if row["status"] == "open"}
    pins = scenario.of(Pinned)
    never = {i for i, row in buildings.items() if row["pinned"] == "never_sell"} if pins else set()
    for rule in pins:
        never |= set(rule.never_sell)
    return Facts(
        place=place,
        times=times,
        scenario=scenario,
        year=_year(place, scenario),
        buildings=buildings,
        services=services,
        zones=by("zones", "zone_id"),
        tiers=by("tiers", "tier_id"),
        tier_services=by("tier_services", "tier_id", "service_id"),
        hosted_today={
            key: row["offer"]
            for key, row in by("hosting", "building_id", "service_id").items()
            if key[0] in open_today
        },
        suitable=set(by("suitability", "building_kind", "service_id")),
        visits=dict(visits),
        desks={i: row["desks"] for i, row in services.items() if row["back_office"]},
        fastest=fastest,
        never_sell=never,
    )


def _year(place: Place, scenario: Scenario) -> int:
    if scenario.year is not None:
        return scenario.year
    years = place.spending["year"]
    return int(years.max()) if len(years) else place.info.price_year


def sums_of(facts: Facts, a: Arrangement) -> Sums:
    """The arithmetic of an arrangement, one building after another."""
    load: dict[tuple[str, str], float] = defaultdict(float, a.desks)
    minutes = served = 0.0
    for (zone, service), shares in a.served.items():
        visits = facts.visits.get((zone, service), 0.0)
        for i, share in shares.items():
            load[i, service] += visits * share
            minutes += visits * share * facts.fastest.get((zone, i), math.inf)
            served += visits * share
    area = {
        (i, s): facts.services[s]["area_base_m2"]
        + facts.services[s]["area_m2_per_1000_visits"] * load[i, s] / 1000
        for i, s in sorted(a.hosts)
    }
    front: dict[str, float] = {}
    for i, s in a.hosts:
        front[i] = max(front.get(i, 0.0), facts.services[s]["front_of_house_m2"])
    sums = Sums(
        running={},
        capital={},
        receipts={},
        backlog={},
        area=area,
        front=front,
        present_once=0.0,
        benefit=_benefit(facts, a),
        annuity=annuity(facts.scenario.money),
        minutes=minutes,
        open=len(a.open),
        carbon=sum(facts.buildings[i]["carbon_tco2e_per_year"] for i in a.open),
        unserved=sum(facts.visits.values()) - served,
        worst_off=mean_of_worst(minutes_used(facts, a, set(facts.services)), 0.1),
    )
    for i in facts.buildings:
        _add_building(facts, a, sums, i)
    return sums


def _add_building(facts: Facts, a: Arrangement, sums: Sums, i: str) -> None:
    row = facts.buildings[i]
    existing = row["status"] != "candidate"
    is_open = i in a.open
    held = existing and not is_open and i not in a.disposed
    running = capital = 0.0
    if is_open:
        running += row["running_cost_fixed_gbp_per_year"]
        running += row["running_cost_gbp_per_m2_per_year"] * sums.area_used(i)
    if held:
        running += row["holding_cost_gbp_per_year"]
    if i in a.tier:
        running += facts.tiers[a.tier[i]]["running_cost_gbp_per_year"]
        capital += facts.tiers[a.tier[i]]["setup_cost_gbp"]
    for b, s in a.hosts:
        if b != i:
            continue
        running += facts.services[s]["staffing_cost_gbp_per_point_per_year"]
        if (b, s) not in facts.hosted_today:
            capital += facts.services[s]["moving_cost_gbp"]
            capital += row["fit_out_gbp_per_m2"] * sums.area[b, s]
    if row["status"] == "open" and not is_open:
        capital += row["closure_cost_gbp"]
    receipt = worth = 0.0
    if i in a.disposed:
        capital += facts.penalty(i) or 0.0
        if facts.sellable(i):
            lag = int(row["sale_lag_years"])
            receipt = row["capital_receipt_gbp"] * (1 - row["sale_cost_share"])
            factors = discount_factors(lag + 1, facts.scenario.money.discount_rate)
            waiting = row["holding_cost_gbp_per_year"] * annuity(facts.scenario.money, lag)
            worth = waiting - receipt * float(factors[lag])
    sums.running[i], sums.capital[i], sums.receipts[i] = running, capital, receipt
    sums.backlog[i] = row["backlog_gbp"] if is_open or held else 0.0
    sums.present_once += capital + sums.backlog[i] + worth


def _benefit(facts: Facts, a: Arrangement) -> float:
    """GBP a year of preferred pairs under one roof."""
    if not facts.scenario.of(Together):
        return 0.0
    total = 0.0
    for row in facts.place.compatibility.to_dict("records"):
        if row["relation"] == "prefer":
            both = sum(
                (i, row["service_a"]) in a.hosts and (i, row["service_b"]) in a.hosts
                for i in facts.buildings
            )
            total += both * row["benefit_gbp_per_year"]
    return total


def minutes_used(
    facts: Facts, a: Arrangement, services: set[str]
) -> dict[tuple[str, str], tuple[float, float]]:
    """(zone, service) -> minutes to the hosts used by share, and visits; unserved counts 0."""
    return {
        (zone, service): (
            sum(
                share * facts.fastest.get((zone, i), math.inf)
                for i, share in a.served.get((zone, service), {}).items()
            ),
            visits,
        )
        for (zone, service), visits in facts.visits.items()
        if service in services and visits > 0
    }


def mean_of_worst(used: dict[tuple[str, str], tuple[float, float]], share: float) -> float:
    """Mean minutes of the worst-off share of the visits."""
    left = most = share * sum(visits for _, visits in used.values())
    total = 0.0
    for minutes, visits in sorted(used.values(), reverse=True):
        taken = min(visits, left)
        total += taken * minutes if taken else 0.0
        left -= taken
    return total / most if most > 0 else 0.0
