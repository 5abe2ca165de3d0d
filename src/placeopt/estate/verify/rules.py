"""The verifier on rules: one function for each, checked in a year or over all years."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain

from placeopt.estate.verify.registry import RuleResult, check_of, checks, checks_all_years
from placeopt.estate.verify.residents import (
    TOLERANCE,
    district_named,
    full_offer,
)
from placeopt.estate.verify.standards import only_by_nearest
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
from placeopt.scenario.wording import figure

VISITS_TOLERANCE = 0.01  # visits: shares are rounded


def check_rules(schedule: Schedule) -> Iterator[Check]:
    """Yield a check of every rule of the scenario, in its order.

    Raises:
        KeyError: the verifier has no check of a rule.
    """
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
            holds, detail = check_of(rule)(rule, schedule)
            qualifier = (
                only_by_nearest(rule, schedule) if holds and isinstance(rule, Access) else ""
            )
            yield Check(
                rule.number, rule.name, rule.sentence(names), holds, detail, qualifier,
                str(rule.origin),
            )  # fmt: skip


@checks_all_years(Sequence)
def sequence(rule: Sequence, schedule: Schedule) -> RuleResult:
    """(E12) Moves a year are at most the limit, new points are fitted out in time, services do not
    return and emptied buildings are not filled again, where the rule asks so."""
    if len(schedule.years) == 1:
        return True, "one year is decided"
    breaches = [moves_before_fit_out(schedule)]
    if not rule.services_may_return:
        breaches.append(returned_services(schedule))
    if not rule.buildings_may_refill:
        breaches.append(refilled_buildings(schedule))
    for breach in chain(*breaches):
        return False, breach
    moves, year_of_most = max((count_moves_in(year), year.facts.year) for year in schedule.years)
    limit = rule.moves_per_year
    return limit is None or moves <= limit, f"{moves} moves in {year_of_most}"


def count_moves_in(year: Year) -> int:
    """Return the number of service points of a year that were none the year before."""
    return len(year.arrangement.hosts - year.before.hosts)


@checks(Served)
def served(rule: Served, year: Year) -> RuleResult:
    """(E1) Visits are served at most once and unserved as far as allowed; all desks are placed."""
    facts, arrangement = year.facts, year.arrangement
    unserved: dict[str, float] = {}
    total: dict[str, float] = {}
    for (zone, service), visits in facts.visits.items():
        share = sum(arrangement.served.get((zone, service), {}).values())
        if share > 1 + TOLERANCE:
            return False, f"zone {zone} is served {share:.3f} times for {service}"
        total[service] = total.get(service, 0.0) + visits
        unserved[service] = unserved.get(service, 0.0) + visits * (1 - share)
    worst, worst_service = 0.0, ""
    for service, visits in total.items():
        if visits > 0 and unserved[service] / visits > worst:
            worst, worst_service = unserved[service] / visits, service
    for service, needed in facts.desks.items():
        placed = sum(desks for (_, s), desks in arrangement.desks.items() if s == service)
        if abs(placed - needed) > max(1e-3, TOLERANCE * needed):
            return False, f"{placed:.1f} of {needed:.1f} desks of {service} are housed"
    unserved_text = f"{100 * worst:.2f}% of the visits to {facts.named(worst_service)} are unserved"
    detail = "every visit is served" if worst <= TOLERANCE else unserved_text
    return worst <= rule.unserved_share + TOLERANCE, detail


def least_visits(year: Year, i: str, service: str) -> float:
    """Return the least visits a year of a point; 0 where there is no limit."""
    facts = year.facts
    row = facts.services[service]
    has_visits = any(visits > 0 for (_, s), visits in facts.visits.items() if s == service)
    if row["back_office"] or not has_visits or facts.must_stay_open(i):
        return 0.0
    return (
        float(row["least_visits_per_year"])
        if full_offer(facts, year.arrangement, i, service)
        else 0.0
    )


@checks(Hosted)
def hosted(rule: Hosted, year: Year) -> RuleResult:
    """(E2) Visits and desks are at hosts in reach, with the least visits."""
    facts, arrangement = year.facts, year.arrangement
    for (zone, service), shares in arrangement.served.items():
        for i in shares:
            if (i, service) not in arrangement.hosts:
                return False, f"zone {zone} is sent to {i}, which does not host {service}"
            if (zone, i) not in facts.fastest:
                return False, f"zone {zone} is sent to {i}, which is out of reach"
    for i, service in sorted(arrangement.hosts) if year.sums is not year.today else ():
        least, visits = least_visits(year, i, service), year.sums.load[i, service]
        if visits < least * (1 - TOLERANCE) - VISITS_TOLERANCE:
            serves = f"{visits:,.0f} visits a year to {facts.named(service)}"
            return False, f"{facts.named(i)} serves {serves}, at least {least:,.0f} are asked for"
    for (i, service), desks in arrangement.desks.items():
        if desks and (i, service) not in arrangement.hosts:
            return False, f"desks are in {i}, which does not host {service}"
    return True, "every visit goes to a host in reach"


@checks(Opened)
def opened(rule: Opened, year: Year) -> RuleResult:
    """(E3) Services are hosted in open and suitable buildings whose tier allows them."""
    facts, arrangement = year.facts, year.arrangement
    for i, service in sorted(arrangement.hosts):
        row, stays = facts.buildings[i], (i, service) in facts.hosted_today
        if i not in arrangement.open:
            return False, f"{service} is hosted in {i}, which is not open"
        is_suitable = not facts.suitable or (row["kind"], service) in facts.suitable
        if not rule.may_be_in(service, row["kind"]):
            return False, f"{service} is in {i}, which is of kind {row['kind']}"
        if not stays and (not is_suitable or facts.unknown_use(i)):
            return False, f"{i} is not suitable for {service}"
        if facts.tiers:
            tier = arrangement.tier.get(i)
            if tier is None and not stays:
                return False, f"{service} moves into {i}, which has no tier"
            if tier is not None and (tier, service) not in facts.tier_services:
                return False, f"{service} may not be in {i}, which is of tier {tier}"
    for i, tier in arrangement.tier.items():
        row = facts.tiers[tier]
        hosted_here = {s for b, s in arrangement.hosts if b == i}
        if i not in arrangement.open:
            return False, f"{i} has tier {tier} and is not open"
        if facts.usable_m2(i) < row["min_usable_m2"] - TOLERANCE:
            return False, f"{i} is too small for tier {tier}"
        max_services = row["max_services"]
        if (
            max_services is not None
            and max_services == max_services
            and len(hosted_here) > max_services
        ):
            return False, f"{i} of tier {tier} hosts {len(hosted_here)} services"
        for (k, service), link in facts.tier_services.items():
            if k == tier and link["relation"] == "must" and service not in hosted_here:
                return False, f"{i} of tier {tier} lacks {service}"
    return (
        True,
        f"{len(arrangement.hosts)} service points in {len(arrangement.open)} open buildings",
    )


@checks(Floor)
def floor(rule: Floor, year: Year) -> RuleResult:
    """(E4) Services and front of house fit in the usable area."""
    facts, arrangement, sums = year.facts, year.arrangement, year.sums
    base_only = not facts.scenario.of(Capacity)
    worst, worst_text = -math.inf, ""
    for i in sorted(arrangement.open):
        usable = facts.usable_m2(i)
        used = sums.area_used(i)
        if base_only:
            used = sums.front.get(i, 0.0) + sum(
                facts.services[s]["area_base_m2"] for b, s in arrangement.hosts if b == i
            )
        if used - usable > worst:
            worst = used - usable
            worst_text = f"{facts.named(i)} uses {figure(used, 6)} of {figure(usable, 6)} m²"
    return worst <= max(0.01, TOLERANCE * 100), worst_text


@checks(Capacity)
def capacity(rule: Capacity, year: Year) -> RuleResult:
    """(E5) Areas are recomputed from visits and desks; the check of the arithmetic compares
    them."""
    total = sum(year.sums.area.values())
    return True, f"{total:,.0f} m2 for all service points, as their visits and desks need"


@checks(Together)
def together(rule: Together, year: Year) -> RuleResult:
    """(E6) Pairs of services share every building or none, as asked; at most so many to a
    building."""
    facts, arrangement = year.facts, year.arrangement
    table = facts.place.compatibility
    pairs = list(zip(table["service_a"], table["service_b"], table["relation"], strict=True))
    pairs += [(x, y, "must") for x, y in rule.must] + [(x, y, "never") for x, y in rule.never]
    for i in facts.buildings:
        hosted_here = {s for b, s in arrangement.hosts if b == i}
        for x, y, relation in pairs:
            if relation == "must" and (x in hosted_here) != (y in hosted_here):
                return False, f"{i} has only one of {x} and {y}"
            if relation == "never" and x in hosted_here and y in hosted_here:
                return False, f"{i} has both {x} and {y}"
        if rule.max_services is not None and len(hosted_here) > rule.max_services:
            return False, f"{i} hosts {len(hosted_here)} services"
    return True, ""


@checks(Network)
def network(rule: Network, year: Year) -> RuleResult:
    """(E9) Numbers and distances of buildings are within the limits."""
    facts, arrangement = year.facts, year.arrangement
    buildings = sorted(arrangement.open)
    if rule.tier is not None:
        buildings = [i for i in buildings if arrangement.tier.get(i) == rule.tier]
    elif rule.service is not None:
        buildings = [i for i in buildings if (i, rule.service) in arrangement.hosts]
    scopes: list[str | None] = [rule.district]
    if rule.each_district:
        scopes = sorted({row["district_id"] for row in facts.buildings.values()} - {""})
    details = []
    for scope in scopes:
        in_scope = [i for i in buildings if scope in (None, facts.buildings[i]["district_id"])]
        where = district_named(facts, scope) if scope else "the place"
        details.append(f"{where}: {len(in_scope)}")
        if rule.at_least is not None and len(in_scope) < rule.at_least:
            return False, details[-1]
        if rule.at_most is not None and len(in_scope) > rule.at_most:
            return False, details[-1]
    if rule.spacing_m is not None:
        district = rule.district
        in_scope = [i for i in buildings if district in (None, facts.buildings[i]["district_id"])]
        for n, i in enumerate(in_scope):
            for j in in_scope[:n]:
                one, other = facts.buildings[i], facts.buildings[j]
                distance_m = math.hypot(one["x_m"] - other["x_m"], one["y_m"] - other["y_m"])
                if distance_m < rule.spacing_m * (1 - TOLERANCE):
                    return False, f"{i} and {j} are {distance_m:,.0f} m apart"
    return True, ", ".join(details)


@checks(Pinned)
def pinned(rule: Pinned, year: Year) -> RuleResult:
    """(E13) Pinned buildings stay open, close or are not sold."""
    facts, arrangement = year.facts, year.arrangement
    for i, row in facts.buildings.items():
        must_stay = row["pinned"] == "keep" or i in rule.keep or facts.unknown_use(i)
        if must_stay and i not in arrangement.open:
            return False, f"{i} is not open"
        if (row["pinned"] == "close" or i in rule.close) and i in arrangement.open:
            return False, f"{i} is open"
        never_sold = row["pinned"] == "never_sell" or i in rule.never_sell
        if never_sold and i in arrangement.disposed and row["tenure"] == "freehold":
            return False, f"{i} is sold"
    return True, ""
