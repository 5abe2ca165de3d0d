"""The estate problem of one year in PuLP, written to be read: the textbook and the oracle.

Which buildings stay open, which services each hosts, and where residents' visits are served.
It reads a place's tables by itself and shares nothing with the formulation in ``placeopt.estate``;
tests compare the two. For a county it is slow: use ``placeopt solve`` there.

    python models/estate.py PLACE SCENARIO.toml

Sets        z zones, b buildings, s services, k tiers
Decisions   open[b], ends[b] (sold, or its lease ended), tier[b,k], host[b,s]    0 or 1
            serve[z,s,b] share of a zone's visits, desks[b,s], area[b,s], front[b] m2
Minimise    net present cost, or visit-minutes, open buildings, carbon

(E1) sum_b serve[z,s,b] + unserved[z,s] = 1              all visits are served
(E2) serve[z,s,b] <= host[b,s]                           only where the service is hosted
(E3) host[b,s] <= open[b], and as the tier allows        only in an open building
(E4) sum_s area[b,s] + front[b] <= usable[b] open[b]     what is there fits
(E5) area[b,s] = base[s] host[b,s] + rate[s] visits      visits take floor
(E6) host[b,x] = host[b,y];  host[b,x] + host[b,y] <= 1  pairs that must, that may not
(E7) cover[z] <= sum of host in reach; residents covered >= share of residents
(E8) minutes used against today's, by zone and group; the worst off; Kolm-Pollak
(E9) counts of buildings within limits, and a distance between them
(E10) capital <= pot + recycled receipts    (E11) running cost <= ceiling    (E13) pinned
(E14) carbon of open buildings <= ceiling    (E16) nobody passes a host
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulp

from placeopt.place import Place, demand_of, digital_shares_of
from placeopt.scenario import Scenario
from placeopt.travel import TravelTimes

CAR = {"drive", "car"}


@dataclass
class Model:
    """The PuLP model and its variables, by id."""

    place: Place
    times: TravelTimes
    scenario: Scenario
    lp: pulp.LpProblem = field(default_factory=lambda: pulp.LpProblem("estate", pulp.LpMinimize))
    zones: dict[str, Any] = field(default_factory=dict)
    buildings: dict[str, Any] = field(default_factory=dict)
    services: dict[str, Any] = field(default_factory=dict)
    tiers: dict[str, Any] = field(default_factory=dict)
    today: dict[tuple[str, str], str] = field(default_factory=dict)  # hosted today -> offer
    visits: dict[tuple[str, str], float] = field(default_factory=dict)
    minutes: dict[tuple[str, str], float] = field(default_factory=dict)
    open: dict[str, Any] = field(default_factory=dict)
    ends: dict[str, Any] = field(default_factory=dict)
    tier: dict[tuple[str, str], Any] = field(default_factory=dict)
    host: dict[tuple[str, str], Any] = field(default_factory=dict)
    full: dict[tuple[str, str], Any] = field(default_factory=dict)
    serve: dict[tuple[str, str, str], Any] = field(default_factory=dict)
    unserved: dict[tuple[str, str], Any] = field(default_factory=dict)
    desks: dict[tuple[str, str], Any] = field(default_factory=dict)
    area: dict[tuple[str, str], Any] = field(default_factory=dict)
    front: dict[str, Any] = field(default_factory=dict)

    def rules(self, name: str) -> list[Any]:
        return [rule for rule in self.scenario.rules if rule.name == name]

    def subject_to(self, constraint: Any) -> None:
        self.lp.addConstraint(constraint)

    def binary(self, name: str) -> Any:
        return self.lp.add_variable(f"{name}_{self.lp.numVariables()}", 0, 1, pulp.LpBinary)

    def number(self, name: str, most: float | None = None) -> Any:
        return self.lp.add_variable(f"{name}_{self.lp.numVariables()}", 0, most)


def build(place: Place, times: TravelTimes, scenario: Scenario) -> Model:
    """The whole model, but for its objective."""
    m = Model(place, times, scenario)
    read_tables(m)
    decide(m)
    for equation in (
        all_visits_are_served,
        only_where_hosted,
        only_in_open_buildings,
        only_as_the_tier_allows,
        what_is_there_fits,
        pairs_share_or_do_not,
        residents_are_near,
        nobody_loses_too_much,
        residents_go_where_they_go,
        buildings_are_counted,
        capital_and_revenue_fit,
        carbon_fits,
        pinned_buildings,
    ):
        equation(m)
    return m


def read_tables(m: Model) -> None:
    def rows(table: str) -> list[dict[str, Any]]:
        return m.place.tables[table].to_dict("records")

    m.zones = {row["zone_id"]: row for row in rows("zones")}
    m.buildings = {row["building_id"]: row for row in rows("buildings")}
    m.services = {row["service_id"]: row for row in rows("services")}
    m.tiers = {row["tier_id"]: row for row in rows("tiers")}
    for row in rows("hosting"):
        if m.buildings[row["building_id"]]["status"] == "open":
            m.today[row["building_id"], row["service_id"]] = row["offer"]
    digital = digital_shares_of(m.place, year(m))
    for row in demand_of(m.place).to_dict("records"):
        service = m.services[row["service_id"]]
        net = row["visits_per_year"] * (1 - digital.at[row["zone_id"], row["service_id"]])
        if net > 0 and not service["back_office"]:
            m.visits[row["zone_id"], row["service_id"]] = net
    for mode in m.scenario.travel.modes:
        if mode in m.times.modes:
            m.minutes |= {
                pair: min(value, m.minutes.get(pair, math.inf))
                for pair, value in minutes_by(m, mode).items()
            }


def minutes_by(m: Model, mode: str) -> dict[tuple[str, str], float]:
    matrix = m.times.matrix(mode)
    return {
        (z, b): float(matrix[i, j])
        for i, z in enumerate(m.times.zone_ids)
        for j, b in enumerate(m.times.building_ids)
        if not math.isnan(matrix[i, j])
    }


def usable(m: Model, b: str) -> float:
    return m.buildings[b]["floor_area_m2"] * m.buildings[b]["usable_share"]


def unknown_use(m: Model, b: str) -> bool:
    return m.buildings[b]["status"] == "open" and not any(i == b for i, _ in m.today)


def may_host(m: Model, b: str, s: str) -> bool:
    """Hosted today, or suitable by kind, with room for a service point."""
    if (b, s) in m.today:
        return True
    listed = m.place.suitability
    suits = listed.empty or bool(
        ((listed["building_kind"] == m.buildings[b]["kind"]) & (listed["service_id"] == s)).any()
    )
    point = m.services[s]["area_base_m2"] + m.services[s]["front_of_house_m2"]
    return suits and not unknown_use(m, b) and usable(m, b) >= point


def decide(m: Model) -> None:
    """The decisions, and what follows from them by definition."""
    for b in m.buildings:
        m.open[b] = m.binary("open")
        m.ends[b] = m.binary("ends") if can_end(m, b) else 0
        m.front[b] = m.number("front")
        m.subject_to(m.open[b] + m.ends[b] <= 1)
        if unknown_use(m, b):
            m.subject_to(m.open[b] >= 1)
        for k in m.tiers:
            m.tier[b, k] = m.binary("tier")
        for s in m.services:
            if may_host(m, b, s):
                m.host[b, s] = m.binary("host")
                m.area[b, s] = m.number("area")
                m.subject_to(m.front[b] >= m.services[s]["front_of_house_m2"] * m.host[b, s])
    for b, s in m.host:
        if m.services[s]["back_office"]:
            m.desks[b, s] = m.number("desks")
    for z, s in m.visits:
        m.unserved[z, s] = m.number("unserved", 1)
        for b in m.buildings:
            if (b, s) in m.host and (z, b) in m.minutes:
                m.serve[z, s, b] = m.number("serve", 1)
    for b, s in m.host:  # (E5)
        service = m.services[s]
        units = m.desks.get((b, s), 0) + pulp.lpSum(
            m.visits[z, s] * m.serve[z, s, b] for z in m.zones if (z, s, b) in m.serve
        )
        rate = service["area_m2_per_1000_visits"] / 1000
        m.subject_to(m.area[b, s] == service["area_base_m2"] * m.host[b, s] + rate * units)


def year(m: Model) -> int:
    if m.scenario.year is not None:
        return m.scenario.year
    spent = m.place.spending
    return m.place.info.price_year if spent.empty else int(spent["year"].max())


def penalty(m: Model, b: str) -> float | None:
    """What ending a lease costs in the year; None where it cannot end."""
    row = m.buildings[b]
    break_year = row["lease_break_year"]
    stated = break_year is not None and break_year == break_year
    if row["tenure"] == "freehold" or (row["tenure"] == "licence" and not stated):
        return 0.0
    if stated and break_year <= year(m):
        return 0.0
    return None if math.isnan(row["lease_break_penalty_gbp"]) else row["lease_break_penalty_gbp"]


def sold_for(m: Model, b: str) -> float:
    """Net receipt when sold; 0 where the building cannot be sold."""
    row = m.buildings[b]
    never = row["pinned"] == "never_sell" and bool(m.rules("pinned"))
    never |= any(b in rule.never_sell for rule in m.rules("pinned"))
    if row["tenure"] != "freehold" or never or row["status"] == "candidate":
        return 0.0
    return row["capital_receipt_gbp"] * (1 - row["sale_cost_share"])


def can_end(m: Model, b: str) -> bool:
    row = m.buildings[b]
    if row["status"] == "candidate":
        return False
    if row["tenure"] == "freehold":
        never = m.rules("pinned") and row["pinned"] == "never_sell"
        never = never or any(b in rule.never_sell for rule in m.rules("pinned"))
        return row["capital_receipt_gbp"] > 0 and not never
    return penalty(m, b) is not None


def all_visits_are_served(m: Model) -> None:
    """(E1)"""
    for rule in m.rules("served"):
        for z, s in m.visits:
            m.subject_to(
                pulp.lpSum(m.serve[z, s, b] for b in m.buildings if (z, s, b) in m.serve)
                + m.unserved[z, s]
                == 1
            )
        for s, service in m.services.items():
            if service["back_office"]:
                housed = pulp.lpSum(m.desks[b, s] for b in m.buildings if (b, s) in m.desks)
                m.subject_to(housed <= service["desks"])
                m.subject_to(housed >= service["desks"] * (1 - rule.unserved_share))
            else:
                of_service = [(z, s) for z in m.zones if (z, s) in m.visits]
                total = sum(m.visits[zone] for zone in of_service)
                lost = pulp.lpSum(m.visits[zone] * m.unserved[zone] for zone in of_service)
                m.subject_to(lost <= rule.unserved_share * total)


def only_where_hosted(m: Model) -> None:
    """(E2)"""
    if m.rules("hosted"):
        for z, s, b in m.serve:
            m.subject_to(m.serve[z, s, b] <= m.host[b, s])
        for b, s in m.desks:
            m.subject_to(m.desks[b, s] <= m.services[s]["desks"] * m.host[b, s])


def only_in_open_buildings(m: Model) -> None:
    """(E3)"""
    if m.rules("opened"):
        for b, s in m.host:
            m.subject_to(m.host[b, s] <= m.open[b])


def only_as_the_tier_allows(m: Model) -> None:
    """(E3) A building without a tier keeps what it hosts and takes nothing in."""
    links = {
        (row["tier_id"], row["service_id"]): row for row in m.place.tier_services.to_dict("records")
    }
    for b, s in m.host:
        m.full[b, s] = m.number("full", 1)
        m.subject_to(m.full[b, s] <= m.host[b, s])
        none = 1 - pulp.lpSum(m.tier[b, k] for k in m.tiers)
        full_as_it_is = m.today.get((b, s), "full") == "full"
        m.subject_to(
            m.full[b, s]
            <= none * full_as_it_is
            + pulp.lpSum(
                m.tier[b, k] for k in m.tiers if (k, s) in links and links[k, s]["offer"] == "full"
            )
        )
        if m.tiers and m.rules("opened"):
            may = pulp.lpSum(m.tier[b, k] for k in m.tiers if (k, s) in links)
            m.subject_to(m.host[b, s] <= may + (none if (b, s) in m.today else 0))
    if not m.rules("opened"):
        return
    for b in m.buildings:
        m.subject_to(pulp.lpSum(m.tier[b, k] for k in m.tiers) <= m.open[b])
        here = [m.host[b, s] for s in m.services if (b, s) in m.host]
        for k, row in m.tiers.items():
            if usable(m, b) < row["min_usable_m2"] or unknown_use(m, b):
                m.subject_to(m.tier[b, k] <= 0)
            limit = row["max_services"]
            if limit is not None and limit == limit:
                most = len(m.services)
                m.subject_to(pulp.lpSum(here) <= most - (most - limit) * m.tier[b, k])
            for s in m.services:
                if (k, s) in links and links[k, s]["relation"] == "must":
                    m.subject_to(m.host.get((b, s), 0) >= m.tier[b, k])


def what_is_there_fits(m: Model) -> None:
    """(E4), with (E5) or, where that rule is dropped, with base areas only."""
    if m.rules("floor"):
        for b in m.buildings:
            used = pulp.lpSum(
                m.area[b, s]
                if m.rules("capacity")
                else m.services[s]["area_base_m2"] * m.host[b, s]
                for s in m.services
                if (b, s) in m.host
            )
            m.subject_to(used + m.front[b] <= usable(m, b) * m.open[b])


def pairs_share_or_do_not(m: Model) -> None:
    """(E6)"""
    for rule in m.rules("together"):
        table = m.place.compatibility
        pairs = list(zip(table["service_a"], table["service_b"], table["relation"], strict=True))
        pairs += [(x, y, "must") for x, y in rule.must]
        pairs += [(x, y, "never") for x, y in rule.never]
        for b in m.buildings:
            for x, y, relation in pairs:
                first, second = m.host.get((b, x), 0), m.host.get((b, y), 0)
                if relation == "must":
                    m.subject_to(pulp.lpSum([first, -1 * second]) == 0)
                elif relation == "never":
                    m.subject_to(pulp.lpSum([first, second]) <= 1)
            if rule.max_services is not None:
                here = [m.host[b, s] for s in m.services if (b, s) in m.host]
                m.subject_to(pulp.lpSum(here) <= rule.max_services)


def residents_are_near(m: Model) -> None:
    """(E7) Residents with a car and those without count apart: the latter do not drive."""
    for rule in m.rules("access"):
        services = rule.services
        if services == "all":
            services = [s for s, row in m.services.items() if not row["back_office"]]
        scopes = [rule.district]
        if rule.each_district:
            scopes = list(m.place.districts["district_id"])
        reach = {car: reach_of(m, rule, car) for car in (True, False)}
        for s in services:
            for scope in scopes:
                near_enough(m, rule, s, scope, reach)


def reach_of(m: Model, rule: Any, car: bool) -> dict[tuple[str, str], float]:
    reach: dict[tuple[str, str], float] = {}
    known = tuple(mode for mode in m.scenario.travel.modes if mode in m.times.modes)
    for mode in rule.modes_of(known):
        if car or mode not in CAR:
            for pair, value in minutes_by(m, mode).items():
                reach[pair] = min(value, reach.get(pair, math.inf))
    return reach


def near_enough(
    m: Model, rule: Any, s: str, scope: str | None, reach: dict[bool, dict[tuple[str, str], float]]
) -> None:
    counts = m.full if rule.offer == "full" else m.host
    covered, total = [], 0.0
    for z in m.zones:
        for car in (True, False):
            people = residents(m, rule, z, car, scope)
            if people <= 0:
                continue
            total += people

            def near(most: float | None, z: str = z, car: bool = car) -> Any:
                return pulp.lpSum(
                    counts[b, s]
                    for b in m.buildings
                    if (b, s) in counts
                    and most is not None
                    and reach[car].get((z, b), math.inf) <= most
                )

            if rule.ceiling_minutes is not None:
                m.subject_to(near(rule.ceiling_minutes) >= 1)
            if rule.minutes is not None:
                cover = m.number("cover", 1)
                m.subject_to(cover <= near(rule.minutes))
                covered.append(people * cover)
    if rule.minutes is not None and total > 0:
        m.subject_to(pulp.lpSum(covered) >= rule.share * total)


def residents(m: Model, rule: Any, z: str, car: bool, scope: str | None) -> float:
    """Residents of the zone, with or without a car, whom the rule counts."""
    row = m.zones[z]
    people = row["population"]
    quintile = row["deprivation_quintile"]
    quintile = int(quintile) if quintile is not None and quintile == quintile else None
    if scope is not None and row["district_id"] != scope:
        return 0.0
    if rule.quintiles and quintile not in rule.quintiles:
        return 0.0
    for group in rule.groups():
        if group == "most_deprived" and quintile != 1:
            return 0.0
        if group in ("rural", "urban") and row["area_type"] != group:
            return 0.0
        if group == "without_car" and car:
            return 0.0
        if group.startswith("people_") and people > 0:
            people *= (row[group] if row[group] == row[group] else 0) / row["population"]
    share = row["without_car_share"]
    return people * (1 - share if car else share)


def nobody_loses_too_much(m: Model) -> None:
    """(E8) Minutes to the hosts used, a zone and service at a time, against today's nearest."""
    for rule in m.rules("fairness"):
        counted = [(z, s) for z, s in m.visits if rule.services == "all" or s in rule.services]
        before = {pair: was for pair in counted if (was := minutes_today(m, *pair)) < math.inf}
        if rule.loses_at_most_minutes is not None:
            for pair, was in before.items():
                m.subject_to(minutes_used(m, *pair) <= was + rule.loses_at_most_minutes)
        for column in rule.no_group_worse:
            groups = {str(m.zones[z][column]) for z, _ in before} - {"", "<NA>", "nan", "None"}
            for group in sorted(groups):
                here = [pair for pair in before if str(m.zones[pair[0]][column]) == group]
                now = pulp.lpSum(m.visits[pair] * minutes_used(m, *pair) for pair in here)
                m.subject_to(now <= sum(m.visits[pair] * before[pair] for pair in here))
        if rule.worst_mean_minutes is not None:
            worst = worst_mean(m, counted, rule.worst_share)
            m.subject_to(worst <= rule.worst_mean_minutes)
        if rule.equal_minutes is not None:
            first = sum(m.visits[pair] * was for pair, was in before.items())
            second = sum(m.visits[pair] * was**2 for pair, was in before.items())
            kappa = rule.aversion * first / second if second > 0 else 0.0
            ill = pulp.lpSum(
                m.visits[z, s] * math.exp(kappa * (m.minutes[z, b] - rule.equal_minutes)) * share
                for (z, s, b), share in m.serve.items()
                if (z, s) in counted
            )
            if counted:
                m.subject_to(ill <= sum(m.visits[pair] for pair in counted))


def residents_go_where_they_go(m: Model) -> None:
    """(E16) Nearest: nobody passes a host on the way to another; ties by building id."""
    for rule in m.rules("behaviour"):
        if rule.residents != "nearest":
            continue
        for z, s, b in m.serve:
            nearer = pulp.lpSum(
                m.serve[z, s, c]
                for c in m.buildings
                if (z, s, c) in m.serve and (m.minutes[z, c], c) <= (m.minutes[z, b], b)
            )
            m.subject_to(nearer + m.unserved[z, s] >= m.host[b, s])


def minutes_today(m: Model, z: str, s: str) -> float:
    hosts = [b for b, of in m.today if of == s]
    return min((m.minutes.get((z, b), math.inf) for b in hosts), default=math.inf)


def minutes_used(m: Model, z: str, s: str) -> Any:
    return pulp.lpSum(
        m.minutes[z, b] * m.serve[z, s, b] for b in m.buildings if (z, s, b) in m.serve
    )


def worst_mean(m: Model, counted: list[tuple[str, str]], share: float) -> Any:
    """Mean minutes of the worst-off share of visits (Rockafellar and Uryasev)."""
    threshold, excess = m.number("threshold"), {pair: m.number("excess") for pair in counted}
    for pair in counted:
        m.subject_to(excess[pair] >= minutes_used(m, *pair) - threshold)
    most = max(share * sum(m.visits[pair] for pair in counted), 1e-9)
    return threshold + pulp.lpSum(m.visits[pair] / most * excess[pair] for pair in counted)


def buildings_are_counted(m: Model) -> None:
    """(E9)"""
    for rule in m.rules("network"):
        if rule.tier is not None:
            counted = {b: m.tier[b, rule.tier] for b in m.buildings}
        elif rule.service is not None:
            counted = {b: x for (b, s), x in m.host.items() if s == rule.service}
        else:
            counted = dict(m.open)
        scopes = [rule.district]
        if rule.each_district:
            scopes = sorted({row["district_id"] for row in m.buildings.values()} - {""})
        for scope in scopes:
            number = pulp.lpSum(
                x for b, x in counted.items() if scope in (None, m.buildings[b]["district_id"])
            )
            if rule.at_least is not None:
                m.subject_to(number >= rule.at_least)
            if rule.at_most is not None:
                m.subject_to(number <= rule.at_most)
        for b, x in counted.items():
            for c, y in counted.items():
                one, other = m.buildings[b], m.buildings[c]
                apart = math.hypot(one["x_m"] - other["x_m"], one["y_m"] - other["y_m"])
                inside = rule.district is None or (
                    one["district_id"] == other["district_id"] == rule.district
                )
                if b < c and inside and rule.spacing_m is not None and apart < rule.spacing_m:
                    m.subject_to(x + y <= 1)


def capital_and_revenue_fit(m: Model) -> None:
    """(E10) and (E11)"""
    for rule in m.rules("capital"):
        receipts = pulp.lpSum(sold_for(m, b) * m.ends[b] for b in m.buildings)
        m.subject_to(capital(m, rule.pays_for) <= rule.pots()[0] + rule.recycled_share * receipts)
    for rule in m.rules("revenue"):
        ceiling = rule.ceiling_gbp_per_year
        if ceiling is None:
            ceiling = rule.share_of_today * running_today(m)
        m.subject_to(running(m) <= ceiling)


def carbon_fits(m: Model) -> None:
    """(E14)"""
    for rule in m.rules("carbon"):
        today = sum(
            row["carbon_tco2e_per_year"] for row in m.buildings.values() if row["status"] == "open"
        )
        ceiling = rule.ceiling_tco2e_per_year
        if ceiling is None:
            ceiling = rule.share_of_today * today
        m.subject_to(objective(m, "carbon") <= ceiling)


def pinned_buildings(m: Model) -> None:
    """(E13)"""
    for rule in m.rules("pinned"):
        for b, row in m.buildings.items():
            if row["pinned"] == "keep" or b in rule.keep:
                m.subject_to(m.open[b] >= 1)
            if row["pinned"] == "close" or b in rule.close:
                m.subject_to(m.open[b] <= 0)


def exists(m: Model, b: str) -> bool:
    return m.buildings[b]["status"] != "candidate"


def running(m: Model) -> Any:
    """GBP a year: open buildings, floor in use, staff, tiers, empty buildings held."""
    terms = []
    for b, row in m.buildings.items():
        areas = pulp.lpSum(m.area[b, s] for s in m.services if (b, s) in m.area)
        terms += [
            row["running_cost_fixed_gbp_per_year"] * m.open[b],
            row["running_cost_gbp_per_m2_per_year"] * (areas + m.front[b]),
        ]
        if exists(m, b):
            terms.append(row["holding_cost_gbp_per_year"] * (1 - m.open[b] - m.ends[b]))
        terms += [tier["running_cost_gbp_per_year"] * m.tier[b, k] for k, tier in m.tiers.items()]
    staff = "staffing_cost_gbp_per_point_per_year"
    terms += [m.services[s][staff] * host for (_, s), host in m.host.items()]
    return pulp.lpSum(terms)


def running_today(m: Model) -> float:
    """GBP a year of today's arrangement, everyone at the nearest host."""
    units = dict.fromkeys(m.today, 0.0)
    for (z, s), visits in m.visits.items():
        hosts = [b for b, of in m.today if of == s and (z, b) in m.minutes]
        if hosts:
            nearest = min(hosts, key=lambda b: (m.minutes[z, b], b))
            units[nearest, s] += visits
    for s, service in m.services.items():
        hosts = [b for b, of in m.today if of == s]
        for b in hosts if service["back_office"] else ():
            units[b, s] = service["desks"] / len(hosts)
    total = 0.0
    for b, row in m.buildings.items():
        here = {s: units[b, s] for i, s in m.today if i == b}
        area = max((m.services[s]["front_of_house_m2"] for s in here), default=0.0)
        for s, of in here.items():
            service = m.services[s]
            area += service["area_base_m2"] + service["area_m2_per_1000_visits"] * of / 1000
            total += service["staffing_cost_gbp_per_point_per_year"]
        total += row["running_cost_gbp_per_m2_per_year"] * area
        total += row["running_cost_fixed_gbp_per_year"] * (row["status"] == "open")
        total += row["holding_cost_gbp_per_year"] * (row["status"] == "vacant")
    return total


def capital(m: Model, works: tuple[str, ...] = ("fit_out", "moves", "set_up", "closing")) -> Any:
    """GBP once: fit-out and moves where a service is new, set-up, closing, ending leases."""
    terms = []
    fit_out, moves, set_up, closing = (
        float(work in works) for work in ("fit_out", "moves", "set_up", "closing")
    )
    for (b, s), host in m.host.items():
        if (b, s) not in m.today:
            terms.append(moves * m.services[s]["moving_cost_gbp"] * host)
            terms.append(fit_out * m.buildings[b]["fit_out_gbp_per_m2"] * m.area[b, s])
    for b, row in m.buildings.items():
        if row["status"] == "open":
            terms.append(closing * row["closure_cost_gbp"] * (1 - m.open[b]))
        terms.append(closing * (penalty(m, b) or 0.0) * m.ends[b])
        terms += [set_up * tier["setup_cost_gbp"] * m.tier[b, k] for k, tier in m.tiers.items()]
    return pulp.lpSum(terms)


def present_cost(m: Model) -> Any:
    """GBP: running costs over the appraisal, capital, maintenance due, less receipts."""
    money = m.scenario.money
    worth = [1.0]  # of a pound in year 0, 1, 2, ...: 3.5 % to year 30, 3.0 % to 75, 2.5 % after
    for t in range(1, max(money.appraisal_years, 12)):
        step = 0.035 if t <= 30 else 0.030 if t <= 75 else 0.025
        worth.append(worth[-1] / (1 + step * money.discount_rate / 0.035))
    years = sum(worth[: money.appraisal_years])
    terms = [years * running(m), capital(m)]
    for b, row in m.buildings.items():
        kept = 1 - m.ends[b] if exists(m, b) else m.open[b]
        terms.append(row["backlog_gbp"] * kept)
        if sold_for(m, b) > 0:
            lag = int(row["sale_lag_years"])
            waiting = sum(worth[: min(lag, money.appraisal_years)])
            terms.append(row["holding_cost_gbp_per_year"] * waiting * m.ends[b])
            terms.append(-1 * sold_for(m, b) * worth[lag] * m.ends[b])
    for row in m.place.compatibility.to_dict("records") if m.rules("together") else ():
        if row["relation"] == "prefer":
            for b in m.buildings:
                both = m.number("both", 1)
                for s in (row["service_a"], row["service_b"]):
                    m.subject_to(both <= m.host.get((b, s), 0))
                terms.append(-1 * years * row["benefit_gbp_per_year"] * both)
    return pulp.lpSum(terms)


def objective(m: Model, name: str) -> Any:
    """An objective of the estate as an expression."""
    if name == "cost":
        return present_cost(m)
    if name == "visit_minutes":
        return pulp.lpSum(
            m.visits[z, s] * m.minutes[z, b] * share for (z, s, b), share in m.serve.items()
        )
    if name == "worst_off":
        return worst_mean(m, list(m.visits), 0.1)
    if name == "carbon":
        rows = m.buildings
        return pulp.lpSum(rows[b]["carbon_tco2e_per_year"] * x for b, x in m.open.items())
    if name == "buildings":
        return pulp.lpSum(m.open.values())
    raise ValueError(f"no objective {name!r} in this model")


def solve(place: Place, times: TravelTimes, scenario: Scenario) -> tuple[Model, float | None]:
    """The model solved to proof for the scenario's first objective; None: nothing fits."""
    m = build(place, times, scenario)
    m.lp.setObjective(objective(m, scenario.objective.minimise[0]))
    status = m.lp.solve(pulp.HiGHS(msg=False, gapRel=0.0, threads=1))
    if pulp.LpStatus[status] != "Optimal":
        return m, None
    return m, float(pulp.value(m.lp.objective))


def main(place_path: str, scenario_path: str) -> None:
    """Solve a scenario file for a place and say what becomes of every building."""
    from placeopt.place import read_place
    from placeopt.scenario import read_scenario
    from placeopt.travel import measure

    place, scenario = read_place(Path(place_path)), read_scenario(Path(scenario_path))
    m, best = solve(place, measure(place, **scenario.travel.model_dump()), scenario)
    if best is None:
        print("No plan keeps all the rules.")
        return
    print(f"{scenario.objective.minimise[0]}: {best:,.2f}")
    for b, row in m.buildings.items():
        here = [s for s in m.services if (b, s) in m.host and pulp.value(m.host[b, s]) > 0.5]
        word = "open" if pulp.value(m.open[b]) > 0.5 else "closed"
        print(f"{b:10} {row['name']:30} {word:7} {', '.join(here)}")


if __name__ == "__main__":
    main(*sys.argv[1:3])
