"""Rules about visits and buildings: served to together (E1 to E6), network (E9), pinned (E13)."""

from __future__ import annotations

import math

import pulp
from models.estate.data import Model, unknown_use, usable


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
                m.subject_to(housed == service["desks"])
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
        for b, s in m.host:
            points_serve_their_least(m, b, s)


def points_serve_their_least(m: Model, b: str, s: str) -> None:
    """(E2) A host serves a least number of visits, unless its tier, or without tiers today's
    offer, makes its offer partial."""
    least = m.services[s]["least_visits_per_year"]
    wanted = any(of == s for _, of in m.visits)
    if m.services[s]["back_office"] or not wanted or unknown_use(m, b) or kept(m, b):
        return
    links = {
        row["tier_id"]: row["offer"]
        for row in m.place.tier_services.to_dict("records")
        if row["service_id"] == s
    }
    partial = pulp.lpSum(m.tier[b, k] for k in m.tiers if links.get(k) != "full")
    if m.today.get((b, s), "full") == "partial":
        partial += 1 - pulp.lpSum(m.tier[b, k] for k in m.tiers)
    visits = pulp.lpSum(m.visits[z, s] * m.serve[z, s, b] for z in m.zones if (z, s, b) in m.serve)
    m.subject_to(visits >= least * (m.host[b, s] - partial))


def kept(m: Model, b: str) -> bool:
    """Whether the building is pinned to stay open."""
    rules = m.rules("pinned")
    pinned = bool(rules) and m.buildings[b]["pinned"] == "keep"
    return pinned or any(b in rule.keep for rule in rules)


def only_in_open_buildings(m: Model) -> None:
    """(E3)"""
    if m.rules("opened"):
        for b, s in m.host:
            m.subject_to(m.host[b, s] <= m.open[b])


def only_as_the_tier_allows(m: Model) -> None:
    """(E3) A building without a tier keeps its services and takes in no others."""
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


def pinned_buildings(m: Model) -> None:
    """(E13)"""
    for rule in m.rules("pinned"):
        for b, row in m.buildings.items():
            if row["pinned"] == "keep" or b in rule.keep:
                m.subject_to(m.open[b] >= 1)
            if row["pinned"] == "close" or b in rule.close:
                m.subject_to(m.open[b] <= 0)
