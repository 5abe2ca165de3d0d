"""The verifier's check of every rule: one function for each, said of a year or of all years."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from placeopt.estate.verify.money import capital, carbon, fair_rents, revenue
from placeopt.estate.verify.residents import (
    TOLERANCE,
    RuleResult,
    behaviour,
    district_named,
    fairness,
    full_offer,
)
from placeopt.estate.verify.standards import access, only_by_nearest
from placeopt.estate.verify.years import (
    Schedule,
    Year,
    moves_before_fit_out,
    refilled_buildings,
    returned_services,
)
from placeopt.scenario.rules.estate.services import (
    Access,
    Capacity,
    EstateRule,
    Floor,
    Hosted,
    Network,
    Opened,
    Pinned,
    Sequence,
    Served,
    Together,
)
from placeopt.scenario.verification import Check

VISITS_TOLERANCE = 0.01  # of a visit: shares are rounded


def check_rules(schedule: Schedule) -> Iterator[Check]:
    """Every rule of the scenario, in its order; raises for a rule nobody checks."""
    facts = schedule.first.facts
    names = {
        row[key]: row["name"]
        for table, key in (
            ("services", "service_id"),
            ("tiers", "tier_id"),
            ("districts", "district_id"),
            ("buildings", "building_id"),
        )
        for row in facts.place.tables[table].to_dict("records")
        if row["name"]
    }
    for rule in facts.scenario.rules:
        if isinstance(rule, EstateRule):
            holds, detail = _check_rule(rule, schedule)
            only = only_by_nearest(rule, schedule) if holds and isinstance(rule, Access) else ""
            yield Check(rule.number, rule.name, rule.sentence(names), holds, detail, only)


def _check_rule(rule: EstateRule, schedule: Schedule) -> RuleResult:
    """A rule of a year holds in each year that it speaks of."""
    if rule.name in MULTI_YEAR:
        return MULTI_YEAR[rule.name](rule, schedule)
    holds, detail = True, "speaks of no decided year"
    for year in schedule.years:
        if rule.holds_in(year.facts.year):
            holds, detail = YEARLY[rule.name](rule, year)
            if year.facts.over_years:
                detail = f"{year.facts.year}: {detail}" if detail else ""
            if not holds:
                break
    return holds, detail


def sequence(rule: Sequence, schedule: Schedule) -> RuleResult:
    """(E12) Moves of a year are counted, what moves in finds its floor fitted out, and nothing
    comes back to what it left or is filled after it was emptied."""
    if len(schedule.years) == 1:
        return True, "one year is decided"
    breaches = [moves_before_fit_out(schedule)]
    if not rule.services_may_return:
        breaches.append(returned_services(schedule))
    if not rule.buildings_may_refill:
        breaches.append(refilled_buildings(schedule))
    for breach in chain(*breaches):
        return False, breach
    moves, when = max((count_moves_in(year), year.facts.year) for year in schedule.years)
    most = rule.moves_per_year
    return most is None or moves <= most, f"{moves} moves in {when}"


def count_moves_in(year: Year) -> int:
    """Service points of a year that were none the year before."""
    return len(year.arrangement.hosts - year.before.hosts)


def served(rule: Served, year: Year) -> RuleResult:
    """(E1)"""
    facts, a = year.facts, year.arrangement
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
        if abs(housed - needed) > max(1e-3, TOLERANCE * needed):
            return False, f"{housed:.1f} of {needed:.1f} desks of {service} are housed"
    lost_most = f"{100 * worst:.2f}% of the visits to {facts.named(which)} are unserved"
    detail = "every visit is served" if worst <= TOLERANCE else lost_most
    return worst <= rule.unserved_share + TOLERANCE, detail


def least_visits(year: Year, i: str, service: str) -> float:
    """Visits a year that a point has to serve; 0 where none are asked for."""
    facts = year.facts
    row = facts.services[service]
    wanted = any(visits > 0 for (_, s), visits in facts.visits.items() if s == service)
    if row["back_office"] or not wanted or facts.must_stay_open(i):
        return 0.0
    return (
        float(row["least_visits_per_year"])
        if full_offer(facts, year.arrangement, i, service)
        else 0.0
    )


def hosted(rule: Hosted, year: Year) -> RuleResult:
    """(E2)"""
    facts, a = year.facts, year.arrangement
    for (zone, service), shares in a.served.items():
        for i in shares:
            if (i, service) not in a.hosts:
                return False, f"zone {zone} is sent to {i}, which does not host {service}"
            if (zone, i) not in facts.fastest:
                return False, f"zone {zone} is sent to {i}, which is out of reach"
    for i, service in sorted(a.hosts) if year.sums is not year.today else ():
        least, visits = least_visits(year, i, service), year.sums.load[i, service]
        if visits < least * (1 - TOLERANCE) - VISITS_TOLERANCE:
            serves = f"{visits:,.0f} visits a year to {facts.named(service)}"
            return False, f"{facts.named(i)} serves {serves}, at least {least:,.0f} are asked for"
    for (i, service), desks in a.desks.items():
        if desks and (i, service) not in a.hosts:
            return False, f"desks are in {i}, which does not host {service}"
    return True, "every visit goes to a host in reach"


def opened(rule: Opened, year: Year) -> RuleResult:
    """(E3)"""
    facts, a = year.facts, year.arrangement
    for i, service in sorted(a.hosts):
        row, stays = facts.buildings[i], (i, service) in facts.hosted_today
        if i not in a.open:
            return False, f"{service} is hosted in {i}, which is not open"
        suits = not facts.suitable or (row["kind"], service) in facts.suitable
        if not rule.may_be_in(service, row["kind"]):
            return False, f"{service} is in {i}, which is of kind {row['kind']}"
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
        if facts.usable_m2(i) < row["min_usable_m2"] - TOLERANCE:
            return False, f"{i} is too small for tier {tier}"
        limit = row["max_services"]
        if limit is not None and limit == limit and len(here) > limit:
            return False, f"{i} of tier {tier} hosts {len(here)} services"
        for (k, service), link in facts.tier_services.items():
            if k == tier and link["relation"] == "must" and service not in here:
                return False, f"{i} of tier {tier} lacks {service}"
    return True, f"{len(a.hosts)} service points in {len(a.open)} open buildings"


def floor(rule: Floor, year: Year) -> RuleResult:
    """(E4)"""
    facts, a, sums = year.facts, year.arrangement, year.sums
    base_only = not facts.scenario.of(Capacity)
    worst, which = -math.inf, ""
    for i in sorted(a.open):
        usable = facts.usable_m2(i)
        used = sums.area_used(i)
        if base_only:
            used = sums.front.get(i, 0.0) + sum(
                facts.services[s]["area_base_m2"] for b, s in a.hosts if b == i
            )
        if used - usable > worst:
            worst = used - usable
            which = f"{facts.named(i)} uses {used:.1f} of {usable:.1f} m2"
    return worst <= max(0.01, TOLERANCE * 100), which


def capacity(rule: Capacity, year: Year) -> RuleResult:
    """(E5) Areas are recomputed from visits and desks; the arithmetic check compares them."""
    total = sum(year.sums.area.values())
    return True, f"{total:,.0f} m2 for all service points, as their visits and desks need"


def together(rule: Together, year: Year) -> RuleResult:
    """(E6)"""
    facts, a = year.facts, year.arrangement
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


def network(rule: Network, year: Year) -> RuleResult:
    """(E9)"""
    facts, a = year.facts, year.arrangement
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
        where = district_named(facts, scope) if scope else "the place"
        details.append(f"{where}: {len(inside)}")
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


def pinned(rule: Pinned, year: Year) -> RuleResult:
    """(E13)"""
    facts, a = year.facts, year.arrangement
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


YEARLY: dict[str, Callable[[Any, Year], RuleResult]] = {
    "served": served,
    "hosted": hosted,
    "opened": opened,
    "floor": floor,
    "capacity": capacity,
    "together": together,
    "access": access,
    "fairness": fairness,
    "behaviour": behaviour,
    "network": network,
    "revenue": revenue,
    "fair_rents": fair_rents,
    "carbon": carbon,
    "pinned": pinned,
}
MULTI_YEAR: dict[str, Callable[[Any, Schedule], RuleResult]] = {
    "capital": capital,
    "sequence": sequence,
}
