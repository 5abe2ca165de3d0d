"""The tables by id, and the decisions with the expressions defined by them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pulp

from placeopt.place import Place, demand_of, digital_shares_of
from placeopt.scenario import Scenario
from placeopt.travel import TravelTimes

STAFF = "staffing_cost_gbp_per_point_per_year"
BY_VISITS = "staff_gbp_per_1000_visits"
TIED_UP = "cost_of_capital_gbp_per_year"


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
    units: dict[tuple[str, str], Any] = field(default_factory=dict)  # visits or desks there
    front: dict[str, Any] = field(default_factory=dict)
    count: Iterator[int] = field(default_factory=itertools.count)  # makes names of variables unique

    def rules(self, name: str) -> list[Any]:
        """The rules of that name that hold in the decided year."""
        rules = [rule for rule in self.scenario.rules if rule.name == name]
        return [rule for rule in rules if rule.holds_in(year(self))]

    def subject_to(self, constraint: Any) -> None:
        self.lp.addConstraint(constraint)

    def binary(self, name: str) -> Any:
        return self.lp.add_variable(f"{name}_{next(self.count)}", 0, 1, pulp.LpBinary)

    def number(self, name: str, most: float | None = None) -> Any:
        return self.lp.add_variable(f"{name}_{next(self.count)}", 0, most)


def read_tables(m: Model) -> None:
    def rows(table: str) -> list[dict[str, Any]]:
        return m.place.tables[table].to_dict("records")

    m.zones = {row["zone_id"]: row for row in rows("zones")}
    m.buildings = {row["building_id"]: row for row in rows("buildings")}
    share = {row["works_kind"]: row["upper_bound_share"] for row in rows("works_optimism_bias")}
    for row in m.buildings.values():  # estimates of works raised by the kind's share
        asked = m.scenario.money.works_optimism_bias
        row["raised"] = 1 + share[row["works_kind"]] if asked else 1.0
        row["fit_out_gbp_per_m2"] *= row["raised"]
        row["backlog_gbp"] *= row["raised"]
        for column in ("backlog_gbp", "carbon_tco2e_per_year"):  # what is not stated counts 0
            row[column] = 0.0 if math.isnan(row[column]) else row[column]
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


def exists(m: Model, b: str) -> bool:
    return m.buildings[b]["status"] != "candidate"


def usable(m: Model, b: str) -> float:
    return m.buildings[b]["floor_area_m2"] * m.buildings[b]["usable_share"]


def replaces(m: Model, b: str) -> str:
    """The building that a candidate replaces, or ""."""
    return str(m.buildings[b]["replaces_building_id"])


def unknown_use(m: Model, b: str) -> bool:
    return m.buildings[b]["status"] == "open" and not any(i == b for i, _ in m.today)


def may_host(m: Model, b: str, s: str) -> bool:
    """Whether hosted today, or of a suitable and allowed kind and large enough for a service
    point."""
    for rule in m.rules("opened"):
        if m.buildings[b]["kind"] not in rule.only_in.get(s, (m.buildings[b]["kind"],)):
            return False
    if (b, s) in m.today:
        return True
    listed = m.place.suitability
    suits = listed.empty or bool(
        ((listed["building_kind"] == m.buildings[b]["kind"]) & (listed["service_id"] == s)).any()
    )
    point = m.services[s]["area_base_m2"] + m.services[s]["front_of_house_m2"]
    return suits and not unknown_use(m, b) and usable(m, b) >= point


def decide(m: Model) -> None:
    """The decisions, and the expressions defined by them."""
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
    for b in m.buildings:  # one building is one building
        as_another = [m.open[c] for c in m.buildings if replaces(m, c) == b]
        m.subject_to(m.open[b] + m.ends[b] + pulp.lpSum(as_another) <= 1)
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
        m.units[b, s] = units
        rate = service["area_m2_per_1000_visits"] / 1000
        m.subject_to(m.area[b, s] == service["area_base_m2"] * m.host[b, s] + rate * units)


def year(m: Model) -> int:
    if m.scenario.year is not None:
        return m.scenario.year
    spent = m.place.spending
    return m.place.info.price_year if spent.empty else int(spent["year"].max())


def penalty(m: Model, b: str) -> float | None:
    """Cost of ending a lease in the year; None if it cannot end."""
    row = m.buildings[b]
    break_year = row["lease_break_year"]
    stated = break_year is not None and break_year == break_year
    if row["tenure"] == "freehold" or (row["tenure"] == "licence" and not stated):
        return 0.0
    if stated and breaks(break_year, row["lease_break_every_years"], year(m)):
        return 0.0
    return None if math.isnan(row["lease_break_penalty_gbp"]) else row["lease_break_penalty_gbp"]


def breaks(first: int, every: Any, now: int) -> bool:
    """Whether a lease ends free in a year: at its first break date, or a later one at the stated
    interval; in any year from the first on if no interval is stated."""
    if now <= first:
        return now == first
    rolling = every is None or every != every
    return rolling or (every > 0 and (now - first) % every == 0)


def never_sold(m: Model, b: str) -> bool:
    rules = m.rules("pinned")
    pinned = bool(rules) and m.buildings[b]["pinned"] == "never_sell"
    return pinned or any(b in rule.never_sell for rule in rules)


def can_end(m: Model, b: str) -> bool:
    """Whether the building can be sold, or its lease ended, in the year."""
    if m.buildings[b]["tenure"] == "freehold":
        return sellable(m, b)
    return exists(m, b) and penalty(m, b) is not None


def sellable(m: Model, b: str) -> bool:
    row = m.buildings[b]
    receipt = row["tenure"] == "freehold" and row["capital_receipt_gbp"] > 0
    return exists(m, b) and receipt and not never_sold(m, b)


def sold_for(m: Model, b: str) -> float:
    """Receipt when sold, net of sale costs and clawback; 0 where the building cannot be sold."""
    if not sellable(m, b):
        return 0.0
    row = m.buildings[b]
    return row["capital_receipt_gbp"] * (1 - row["sale_cost_share"] - row["receipt_clawback_share"])
