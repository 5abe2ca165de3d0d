"""The verifier's check of every rule, from plain dictionaries: one function for each rule."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from placeopt.estate.verify_people import TOLERANCE, Found, access, behaviour, fairness
from placeopt.estate.verify_sums import Arrangement, Facts, Sums
from placeopt.scenario.checks import Check
from placeopt.scenario.estate_rules import (
    Access,
    Behaviour,
    Capacity,
    Capital,
    Carbon,
    Fairness,
    FairRents,
    Floor,
    Hosted,
    Network,
    Opened,
    Pinned,
    Revenue,
    Sequence,
    Served,
    Together,
)
from placeopt.scenario.rules import Rule


def check_rules(facts: Facts, a: Arrangement, sums: Sums, today: Sums) -> Iterator[Check]:
    """Every rule of the scenario, in its order; raises for a rule nobody checks."""
    names = {**_names(facts, "services", "service_id"), **_names(facts, "tiers", "tier_id")}
    names |= {
        **_names(facts, "districts", "district_id"),
        **_names(facts, "buildings", "building_id"),
    }
    for rule in facts.scenario.rules:
        if rule.problem != "estate":
            continue
        holds, detail = CHECKS[type(rule)](rule, facts, a, sums, today)
        yield Check(rule.number, rule.name, rule.sentence(names), holds, detail)


def _names(facts: Facts, table: str, key: str) -> dict[str, str]:
    rows = facts.place.tables[table]
    return {i: name for i, name in zip(rows[key], rows["name"], strict=True) if name}


def served(rule: Served, facts: Facts, a: Arrangement, sums: Sums, today: Sums) -> Found:
    """(E1)"""
    lost: dict[str, float] = {}
    total: dict[str, float] = {}
    for (zone, service), visits in facts.visits.items():
        share = sum(a.served.get((zone, service), {}).values())
        if share > 1 + TOLERANCE:
            return False, f"zone {zone} is served {share:.3f} times for {service}"
        total[service] = total.get(service, 0.0) + visits
        lost[service] = lost.get(service, 0.0) + visits * (1 - share)
    worst, which = 0.0, ""
    for service, visits in total.items():
        if visits > 0 and lost[service] / visits > worst:
            worst, which = lost[service] / visits, service
    for service, needed in facts.desks.items():
        housed = sum(desks for (_, s), desks in a.desks.items() if s == service)
        if abs(housed - needed) > max(1e-3, TOLERANCE * needed) and (
            housed > needed or 1 - housed / needed > rule.unserved_share + TOLERANCE
        ):
            return False, f"{housed:.1f} of {needed:.1f} desks of {service} are housed"
    detail = f"at most {100 * worst:.2f} % of a service's visits unserved {which}".strip()
    return worst <= rule.unserved_share + TOLERANCE, detail


def hosted(rule: Hosted, facts: Facts, a: Arrangement, sums: Sums, today: Sums) -> Found:
    """(E2)"""
    for (zone, service), shares in a.served.items():
        for i in shares:
            if (i, service) not in a.hosts:
                return False, f"zone {zone} is sent to {i}, which does not host {service}"
            if (zone, i) not in facts.fastest:
                return False, f"zone {zone} is sent to {i}, which is out of reach"
    for (i, service), desks in a.desks.items():
        if desks and (i, service) not in a.hosts:
            return False, f"desks are in {i}, which does not host {service}"
    return True, "every visit goes to a host in reach"


def opened(rule: Opened, facts: Facts, a: Arrangement, sums: Sums, today: Sums) -> Found:
    """(E3)"""
    for i, service in sorted(a.hosts):
        row, stays = facts.buildings[i], (i, service) in facts.hosted_today
        if i not in a.open:
            return False, f"{service} is hosted in {i}, which is not open"
        suits = not facts.suitable or (row["kind"], service) in facts.suitable
        if not stays and (not suits or facts.unknown_use(i)):
            return False, f"{i} is not suitable for {service}"
        if facts.tiers:
            tier = a.tier.get(i)
            if tier is None and not stays:
                return False, f"{service} moves into {i}, which has no tier"
            if tier is not None and (tier, service) not in facts.tier_services:
                return False, f"{service} may not be in {i}, which is of tier {tier}"
    for i, tier in a.tier.items():
        row = facts.tiers[tier]
        here = {s for b, s in a.hosts if b == i}
        if i not in a.open:
            return False, f"{i} has tier {tier} and is not open"
        usable = facts.buildings[i]["floor_area_m2"] * facts.buildings[i]["usable_share"]
        if usable < row["min_usable_m2"] - TOLERANCE:
            return False, f"{i} is too small for tier {tier}"
        limit = row["max_services"]
        if limit is not None and limit == limit and len(here) > limit:
            return False, f"{i} of tier {tier} hosts {len(here)} services"
        for (k, service), link in facts.tier_services.items():
            if k == tier and link["relation"] == "must" and service not in here:
                return False, f"{i} of tier {tier} lacks {service}"
    return True, f"{len(a.hosts)} service points in {len(a.open)} open buildings"


def floor(rule: Floor, facts: Facts, a: Arrangement, sums: Sums, today: Sums) -> Found:
    """(E4)"""
    base_only = not facts.scenario.of(Capacity)
    worst, which = -math.inf, ""
    for i in sorted(a.open):
        row = facts.buildings[i]
        usable = row["floor_area_m2"] * row["usable_share"]
        used = sums.area_used(i)
        if base_only:
            used = sums.front.get(i, 0.0) + sum(
                facts.services[s]["area_base_m2"] for b, s in a.hosts if b == i
            )
        if used - usable > worst:
            worst, which = used - usable, f"{i} uses {used:.1f} of {usable:.1f} m2"
    return worst <= max(0.01, TOLERANCE * 100), which


def capacity(rule: Capacity, facts: Facts, a: Arrangement, sums: Sums, today: Sums) -> Found:
    """(E5) Areas are recomputed from visits and desks; the arithmetic check compares them."""
    total = sum(sums.area.values())
    return True, f"{total:,.0f} m2 for all service points, as their visits and desks need"


def together(rule: Together, facts: Facts, a: Arrangement, sums: Sums, today: Sums) -> Found:
    """(E6)"""
    table = facts.place.compatibility
    pairs = list(zip(table["service_a"], table["service_b"], table["relation"], strict=True))
    pairs += [(x, y, "must") for x, y in rule.must] + [(x, y, "never") for x, y in rule.never]
    for i in facts.buildings:
        here = {s for b, s in a.hosts if b == i}
        for x, y, relation in pairs:
            if relation == "must" and (x in here) != (y in here):
                return False, f"{i} has only one of {x} and {y}"
            if relation == "never" and x in here and y in here:
                return False, f"{i} has both {x} and {y}"
        if rule.max_services is not None and len(here) > rule.max_services:
            return False, f"{i} hosts {len(here)} services"
    return True, ""


def network(rule: Network, facts: Facts, a: Arrangement, sums: Sums, today: Sums) -> Found:
    """(E9)"""
    counted = sorted(a.open)
    if rule.tier is not None:
        counted = [i for i in counted if a.tier.get(i) == rule.tier]
    elif rule.service is not None:
        counted = [i for i in counted if (i, rule.service) in a.hosts]
    scopes: list[str | None] = [rule.district]
    if rule.each_district:
        scopes = sorted({row["district_id"] for row in facts.buildings.values()} - {""})
    details = []
    for scope in scopes:
        inside = [i for i in counted if scope in (None, facts.buildings[i]["district_id"])]
        details.append(f"{scope or 'the place'}: {len(inside)}")
        if rule.at_least is not None and len(inside) < rule.at_least:
            return False, details[-1]
        if rule.at_most is not None and len(inside) > rule.at_most:
            return False, details[-1]
    if rule.spacing_m is not None:
        district = rule.district
        inside = [i for i in counted if district in (None, facts.buildings[i]["district_id"])]
        for n, i in enumerate(inside):
            for j in inside[:n]:
                one, other = facts.buildings[i], facts.buildings[j]
                apart = math.hypot(one["x_m"] - other["x_m"], one["y_m"] - other["y_m"])
                if apart < rule.spacing_m * (1 - TOLERANCE):
                    return False, f"{i} and {j} are {apart:,.0f} m apart"
    return True, ", ".join(details)


def capital(rule: Capital, facts: Facts, a: Arrangement, sums: Sums, today: Sums) -> Found:
    """(E10)"""
    spent = sum(works_of(facts, a, sums)[work] for work in rule.pays_for)
    there = rule.pots()[0] + rule.recycled_share * sum(sums.receipts.values())
    detail = f"GBP {spent:,.0f} of GBP {there:,.0f}"
    return spent <= there + max(1.0, TOLERANCE * max(spent, there)), detail


def works_of(facts: Facts, a: Arrangement, sums: Sums) -> dict[str, float]:
    """GBP by kind of work."""
    works = {"fit_out": 0.0, "moves": 0.0, "set_up": 0.0, "closing": 0.0}
    for i, s in a.hosts:
        if (i, s) not in facts.hosted_today:
            works["moves"] += facts.services[s]["moving_cost_gbp"]
            works["fit_out"] += facts.buildings[i]["fit_out_gbp_per_m2"] * sums.area[i, s]
    for tier in a.tier.values():
        works["set_up"] += facts.tiers[tier]["setup_cost_gbp"]
    for i, row in facts.buildings.items():
        if row["status"] == "open" and i not in a.open:
            works["closing"] += row["closure_cost_gbp"]
        if i in a.disposed:
            works["closing"] += facts.penalty(i) or 0.0
    return works


def fair_rents(rule: FairRents, facts: Facts, a: Arrangement, sums: Sums, today: Sums) -> Found:
    """(E15) Rents cover all buildings' costs; nobody pays more than its buildings cost today."""
    if not a.rents and a.hosts and not a.transfers:
        return True, "today there are no rents"
    staff = "staffing_cost_gbp_per_point_per_year"
    cost = sum(sums.running.values()) - sum(facts.services[s][staff] for _, s in a.hosts)
    paid: dict[str, float] = {}
    before: dict[str, float] = {}
    for (i, s), m2 in sums.area.items():
        agency = facts.services[s]["agency_id"]
        paid[agency] = paid.get(agency, 0.0) + m2 * a.rents.get(i, 0.0)
    for i, row in facts.buildings.items():
        own = today.running[i] - sum(
            facts.services[s][staff] for b, s in facts.hosted_today if b == i
        )
        before[row["agency_id"]] = before.get(row["agency_id"], 0.0) + own
    if abs(sum(paid.values()) - cost) > max(1.0, TOLERANCE * cost):
        return False, f"rents bring GBP {sum(paid.values()):,.0f}, buildings cost GBP {cost:,.0f}"
    if abs(sum(a.transfers.values())) > max(1.0, TOLERANCE * cost):
        return False, "transfers do not add up to nothing"
    if min(a.rents.values(), default=0.0) < -TOLERANCE:
        return False, "a rent is below 0"
    for agency in {*paid, *before}:
        net = paid.get(agency, 0.0) + a.transfers.get(agency, 0.0)
        if net > before.get(agency, 0.0) + max(1.0, TOLERANCE * cost):
            was = before.get(agency, 0.0)
            return False, f"{agency or 'no agency'} pays GBP {net:,.0f}, today GBP {was:,.0f}"
    moved = sum(max(0.0, gbp) for gbp in a.transfers.values())
    return True, f"GBP {cost:,.0f} a year covered, GBP {moved:,.0f} of it by transfers"


def revenue(rule: Revenue, facts: Facts, a: Arrangement, sums: Sums, today: Sums) -> Found:
    """(E11)"""
    spent = sum(sums.running.values())
    ceiling = rule.ceiling_gbp_per_year
    if ceiling is None:
        ceiling = (rule.share_of_today or 0.0) * sum(today.running.values())
    detail = f"GBP {spent:,.0f} of GBP {ceiling:,.0f} a year"
    return spent <= ceiling + max(1.0, TOLERANCE * ceiling), detail


def carbon(rule: Carbon, facts: Facts, a: Arrangement, sums: Sums, today: Sums) -> Found:
    """(E14)"""
    ceiling = rule.ceiling_tco2e_per_year
    if ceiling is None:
        ceiling = (rule.share_of_today or 0.0) * today.carbon
    detail = f"{sums.carbon:,.1f} of {ceiling:,.1f} tCO2e a year"
    return sums.carbon <= ceiling + TOLERANCE * max(ceiling, 1.0), detail


def sequence(rule: Sequence, facts: Facts, a: Arrangement, sums: Sums, today: Sums) -> Found:
    """(E12) Of one year it says nothing."""
    return True, "one year is decided"


def pinned(rule: Pinned, facts: Facts, a: Arrangement, sums: Sums, today: Sums) -> Found:
    """(E13)"""
    for i, row in facts.buildings.items():
        keep = row["pinned"] == "keep" or i in rule.keep or facts.unknown_use(i)
        if keep and i not in a.open:
            return False, f"{i} is not open"
        if (row["pinned"] == "close" or i in rule.close) and i in a.open:
            return False, f"{i} is open"
        never = row["pinned"] == "never_sell" or i in rule.never_sell
        if never and i in a.disposed and row["tenure"] == "freehold":
            return False, f"{i} is sold"
    return True, ""


CHECKS: dict[type[Rule], Callable[..., Found]] = {
    Served: served,
    Hosted: hosted,
    Opened: opened,
    Floor: floor,
    Capacity: capacity,
    Together: together,
    Access: access,
    Fairness: fairness,
    Behaviour: behaviour,
    Network: network,
    Capital: capital,
    Revenue: revenue,
    FairRents: fair_rents,
    Carbon: carbon,
    Sequence: sequence,
    Pinned: pinned,
}
