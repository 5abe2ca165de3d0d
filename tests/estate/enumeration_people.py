"""The oracle's rules on residents: choice of hosts, access and fairness (E16, E7, E8), as rows of
its linear program.

Today's minutes and the residents' choice are the verifier's. Where residents may pass full
buildings, every set of full buildings is tried.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations, product
from typing import TYPE_CHECKING

import numpy as np

from placeopt.estate.verify.behaviour import visit_shares
from placeopt.estate.verify.facts import Facts
from placeopt.estate.verify.residents import full_offer
from placeopt.scenario.rules.estate.services import Access, Behaviour, Fairness

if TYPE_CHECKING:
    from placeopt.estate.verify.years import Schedule
    from tests.estate.enumeration import Served


def full_sets(schedule: Schedule) -> Iterator[tuple[frozenset[str], ...]]:
    """For each year a set of full buildings; empty without overflow."""
    if not any(rule.overflow for rule in schedule.first.facts.scenario.of(Behaviour)):
        yield (frozenset(),) * len(schedule.years)
        return
    each = []
    for year in schedule.years:
        hosts = sorted({i for i, _ in year.arrangement.hosts})
        each.append(
            [frozenset(some) for n in range(len(hosts) + 1) for some in combinations(hosts, n)]
        )
    yield from product(*each)


def behaviour_rows(lp: Served) -> None:
    """(E16) Residents' choice: each host's share of served residents, or none past a host that is
    not full."""
    for rule in lp.scenario.of(Behaviour):
        if rule.residents == "planner":
            continue
        for t, year in enumerate(lp.schedule.years):
            for zone, service in sorted({(z, s) for u, z, s, _ in lp.columns if u == t and z}):
                hosts = [i for i, s in year.arrangement.hosts if s == service]
                if rule.overflow:
                    _none_past(lp, t, zone, service, hosts)
                else:
                    _in_proportion(lp, t, zone, service, visit_shares(year.facts, zone, hosts))
            _are_full(lp, t)


def _in_proportion(lp: Served, t: int, zone: str, service: str, going: dict[str, float]) -> None:
    for i in {b for u, z, s, b in lp.columns if (u, z, s) == (t, zone, service)}:
        share = going.get(i, 0.0)
        lp.equal.append(
            lp.served(
                lambda u, z, s, b, i=i, share=share: (
                    ((u, z, s) == (t, zone, service)) * ((b == i) - share)
                )
            )
        )
        lp.exact.append(0.0)


def _none_past(lp: Served, t: int, zone: str, service: str, hosts: list[str]) -> None:
    near = lp.facts(t).fastest
    room = [(near[zone, i], i) for i in hosts if (zone, i) in near and i not in lp.full[t]]
    if room:
        first = min(room)
        lp.at_most(
            lp.served(
                lambda u, z, s, b: (u, z, s) == (t, zone, service) and (near[zone, b], b) > first
            ),
            0.0,
        )


def _are_full(lp: Served, t: int) -> None:
    """No floor area is left in the buildings that are taken to be full."""
    year = lp.schedule.years[t]
    for i in lp.full[t]:
        left = year.facts.usable_m2(i) - year.sums.area_used(i)
        used = lp.served(lambda u, z, s, b, i=i: (u == t and b == i) * lp.m2(u, z, s, b))
        lp.at_most(-used, -left + 1e-6)


def access_rows(lp: Served) -> None:
    """(E7) Standards as served: residents of a zone count by where its visits are sent."""
    for rule in lp.scenario.of(Access):
        if rule.counts == "nearest":
            continue
        services = rule.services
        if services == "all":
            services = [s for s, r in lp.facts(0).services.items() if not r["back_office"]]
        for t, year in enumerate(lp.schedule.years):
            if not rule.holds_in(year.facts.year):
                continue
            districts = [rule.district]
            if rule.each_district:
                districts = list(year.facts.place.districts["district_id"])
            for service, district in product(services, districts):
                _served_near(lp, rule, t, service, list(_counted(rule, year.facts, district)))


def _counted(rule, facts: Facts, district: str | None) -> Iterator[tuple[str, bool, float]]:
    """(zone, whether by car, residents) of the rules that ``random_rules`` draws."""
    for zone, row in facts.zones.items():
        away = district is not None and row["district_id"] != district
        deprived = "most_deprived" in rule.groups() and row["deprivation_quintile"] != 1
        other = {"rural", "urban"} & set(rule.groups()) - {row["area_type"]}
        if not (away or deprived or other):
            without = row["population"] * row["without_car_share"]
            yield zone, False, without
            if "without_car" not in rule.groups():
                yield zone, True, row["population"] - without


def _served_near(lp: Served, rule, t: int, service: str, people: list) -> None:
    year, total = lp.schedule.years[t], sum(count for *_, count in people)
    facts = year.facts
    modes = rule.modes_of(facts.scenario.travel.modes)
    at = {b: n for n, b in enumerate(facts.times.building_ids)}
    zones = {z: n for n, z in enumerate(facts.times.zone_ids)}

    def way(zone: str, b: str, car: bool) -> float:
        by = [facts.times.matrix(m)[zones[zone], at[b]] for m in modes if car or m != "drive"]
        return min((one for one in by if one == one), default=math.inf)

    counted = {
        b for b, s in year.arrangement.hosts
        if s == service and (rule.offer == "any" or full_offer(facts, year.arrangement, b, s))
    }  # fmt: skip
    weight: dict[tuple[str, str], float] = {}
    far, still = set(), 0.0
    for zone, car, count in people:
        if count <= 0:
            continue
        near = {b for b in counted if way(zone, b, car) <= (rule.minutes or 0.0)}
        if facts.visits.get((zone, service), 0.0) <= 0:
            still += count * bool(near)
            continue
        for b in near:
            weight[zone, b] = weight.get((zone, b), 0.0) + count
        if rule.ceiling_minutes is not None:
            far |= {(zone, b) for b in at if way(zone, b, car) > rule.ceiling_minutes}
    if total > 0 and rule.minutes is not None:
        lp.at_most(
            lp.served(
                lambda u, z, s, b: -weight.get((z, b), 0.0) * (u == t and s == service) / total
            ),
            still / total - rule.share + 1e-9,
        )
    if far:
        lp.at_most(lp.served(lambda u, z, s, b: u == t and s == service and (z, b) in far), 0.0)


def fairness_rows(lp: Served) -> None:
    """(E8) Zones, groups, the worst-off share and the Kolm-Pollak equivalent, in every year."""
    for rule in lp.scenario.of(Fairness):
        for t, year in enumerate(lp.schedule.years):
            if rule.holds_in(year.facts.year):
                _fair_in(lp, rule, t, year.facts)


def _fair_in(lp: Served, rule: Fairness, t: int, facts: Facts) -> None:
    services = [s for s, row in facts.services.items() if not row["back_office"]]
    if rule.services != "all":
        services = [s for s in services if s in rule.services]
    visits = {key: v for key, v in facts.visits.items() if key[1] in services}
    before = {key: was for key in visits if (was := _today(facts, *key)) is not None}
    if rule.loses_at_most_minutes is not None:
        for key, was in before.items():
            if visits[key] > 0:
                lp.at_most(_minutes(lp, t, {key: 1.0}), was + rule.loses_at_most_minutes + 1e-6)
    for column in rule.no_group_worse:
        for group in {str(row[column]) for row in facts.zones.values()} - {"", "nan", "<NA>"}:
            weight = {key: v for key, v in visits.items()
                      if key in before and str(facts.zones[key[0]][column]) == group}  # fmt: skip
            was = sum(v * before[key] for key, v in weight.items())
            lp.at_most(_minutes(lp, t, weight), was + 1e-6)
    if rule.worst_mean_minutes is not None:
        keys = [key for key, v in visits.items() if v > 0]
        lp.at_most(worst_mean(lp, t, keys, rule.worst_share), rule.worst_mean_minutes + 1e-6)
    if rule.equal_minutes is not None:
        _equal(lp, rule, t, visits, before)


def _today(facts: Facts, zone: str, service: str) -> float | None:
    """Minutes to today's hosts, by the residents' choice."""
    going = visit_shares(facts, zone, [i for i, s in facts.hosted_today if s == service])
    if not going:
        return None
    return sum(share * facts.fastest[zone, i] for i, share in going.items())


def _minutes(lp: Served, t: int, weight: dict[tuple[str, str], float]) -> np.ndarray:
    """A row of minutes to the hosts used, weighted by (zone, service)."""
    return lp.served(
        lambda u, z, s, b: (
            weight[z, s] * lp.facts(t).fastest[z, b] if u == t and (z, s) in weight else 0.0
        )
    )


def worst_mean(lp: Served, t: int, keys: list[tuple[str, str]], share: float) -> np.ndarray:
    """A row that, when minimised, is the mean minutes of the worst-off share of visits."""
    visits = lp.facts(t).visits
    most = share * sum(visits[key] for key in keys)
    threshold = lp.column()
    total = [(threshold, 1.0)]
    for key in keys:
        excess = lp.column()
        row = np.pad(_minutes(lp, t, {key: 1.0}), (0, lp.further))
        row[[threshold, excess]] = -1.0
        lp.at_most(row, 0.0)
        total.append((excess, visits[key] / most))
    row = np.zeros(len(lp.columns) + len(lp.fits) + lp.further)
    for at, value in total:
        row[at] = value
    return row


def _equal(
    lp: Served,
    rule: Fairness,
    t: int,
    visits: dict[tuple[str, str], float],
    before: dict[tuple[str, str], float],
) -> None:
    first = sum(visits[key] * was for key, was in before.items())
    second = sum(visits[key] * was**2 for key, was in before.items())
    kappa = rule.aversion * first / second if second > 0 else 0.0
    felt = (lambda m: math.exp(kappa * m)) if kappa else (lambda m: m)
    row = lp.served(
        lambda u, z, s, b: (
            visits[z, s] * felt(lp.facts(t).fastest[z, b]) if u == t and (z, s) in visits else 0.0
        )
    )
    lp.at_most(row, sum(visits.values()) * felt(rule.equal_minutes) * (1 + 1e-9) + 1e-9)
