"""The verifier on access (E7): how far a plan meets a standard, by the nearest host and as sent.

Nearest: residents whose nearest open host with the offer asked is within the minutes, by modes open
to them. As sent: residents of a zone count by the share of its visits that goes to such hosts, and
by the nearest host where the zone has no visits to the service. Every row of the table of
standards is found again, for the plan and for doing nothing.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from placeopt.estate.verify.facts import Facts
from placeopt.estate.verify.read import Tables, rows
from placeopt.estate.verify.residents import (
    TOLERANCE,
    FastestMinutes,
    RuleResult,
    district_named,
    full_offer,
    nearest_hosts,
    residents_counted,
)
from placeopt.estate.verify.tables import compare_columns
from placeopt.estate.verify.years import Schedule, Year
from placeopt.scenario.rules.estate.services import Access

VISITS_TOLERANCE = 1e-6  # of a zone's visits: less is rounding
SHARE_TOLERANCE = 1e-5  # shares of residents agree to this
ONLY_NEAREST = "by the nearest open place only"
Standard = tuple[str, str | None]  # a service, and a district where the rule asks by district


@dataclass(frozen=True)
class Attainment:
    """How far an arrangement meets one standard."""

    residents: float
    nearest: float  # share within the minutes
    served: float
    longest_nearest: float  # minutes of the resident furthest from the nearest host; inf: none
    longest_served: float  # minutes of the longest way that somebody counted is sent; 0: nobody is

    def holds(self, rule: Access, counts: str) -> bool:
        """Whether the rule is kept, counted so."""
        share, longest = self.nearest, self.longest_nearest
        if counts == "served":
            share, longest = self.served, max(self.longest_nearest, self.longest_served)
        if rule.ceiling_minutes is not None and not longest <= rule.ceiling_minutes:
            return False
        return rule.minutes is None or share >= rule.share - TOLERANCE


def access(rule: Access, year: Year) -> RuleResult:
    """(E7) The tightest standard of the rule, counted as it asks; the other measure beside it."""
    facts = year.facts
    found = standards_of(rule, year)
    for (service, scope), one in found.items():
        if rule.ceiling_minutes is not None and not one.longest_nearest <= rule.ceiling_minutes:
            return (
                False,
                f"{_standard_label(facts, service, scope)}: {_describe_minutes(one.longest_nearest)}",
            )
        far = rule.counts == "served" and not one.longest_served <= (
            rule.ceiling_minutes or math.inf
        )
        if far:
            return (
                False,
                f"{_standard_label(facts, service, scope)}: sent {_describe_minutes(one.longest_served)}",
            )
    if not found:
        return True, "counts nobody"
    if rule.minutes is None:
        return True, _ceiling_as_sent(rule, facts, found)
    by_served = min(found, key=lambda key: found[key].served)
    by_nearest = min(found, key=lambda key: found[key].nearest)
    within = f"within {rule.minutes:g} minutes"
    near = f"{100 * found[by_nearest].nearest:.2f}%"
    sent = f"{100 * found[by_served].served:.2f}%"
    if rule.counts == "served":
        text = f"{_standard_label(facts, *by_served)}: {sent} {within} as sent; by the nearest open place "
        return found[by_served].holds(rule, "served"), (
            f"{text}{100 * found[by_served].nearest:.2f}%"
        )
    text = f"{_standard_label(facts, *by_nearest)}: {near} {within} by the nearest open place; as sent "
    other = "" if by_served == by_nearest else f", {_standard_label(facts, *by_served)} {sent}"
    text += f"{100 * found[by_nearest].served:.2f}%{other}"
    return found[by_nearest].holds(rule, "nearest"), text


def only_by_nearest(rule: Access, schedule: Schedule) -> str:
    """What a plain "holds" would leave unsaid: that the rule is kept by the nearest open place, and
    not as residents are sent."""
    kept = all(
        one.holds(rule, "served")
        for year in schedule.years
        if rule.holds_in(year.facts.year)
        for one in standards_of(rule, year).values()
    )
    return "" if kept else ONLY_NEAREST


def standards_of(rule: Access, year: Year) -> dict[Standard, Attainment]:
    """Every service and scope of the rule that counts somebody."""
    facts, a = year.facts, year.arrangement
    services: Any = rule.services
    if services == "all":
        services = [s for s, row in facts.services.items() if not row["back_office"]]
    scopes: list[str | None] = [rule.district]
    if rule.each_district:
        scopes = list(facts.place.districts["district_id"])
    modes = rule.modes_of(tuple(m for m in facts.scenario.travel.modes if m in facts.times.modes))
    ways = {car: FastestMinutes(facts, modes, car) for car in (True, False)}
    people = {scope: list(residents_counted(rule, facts, scope)) for scope in scopes}
    found = {}
    for service in services:
        offers = [i for i, s in a.hosts if s == service and i in a.open]
        if rule.offer == "full":
            offers = [i for i in offers if full_offer(facts, a, i, service)]
        near = {car: nearest_hosts(facts, offers, modes, car) for car in (True, False)}
        for scope in scopes:
            if people[scope]:
                found[service, scope] = _attainment(
                    rule, year, service, people[scope], set(offers), near, ways
                )
    return found


def _attainment(
    rule: Access,
    year: Year,
    service: str,
    people: list[tuple[str, bool, float]],
    offers: set[str],
    near_to: dict[bool, dict[str, float]],
    ways: dict[bool, FastestMinutes],
) -> Attainment:
    facts, a = year.facts, year.arrangement
    most = math.inf if rule.minutes is None else rule.minutes
    total = near = served = longest_near = longest_sent = 0.0
    for zone, car, count in people:
        nearest = near_to[car].get(zone, math.inf)
        is_near = nearest <= most and nearest < math.inf
        total += count
        near += count * is_near
        longest_near = max(longest_near, nearest)
        if facts.visits.get((zone, service), 0.0) <= 0:
            served += count * is_near
            continue
        for i, share in a.served.get((zone, service), {}).items():
            way = ways[car].to(zone, i)
            served += count * share * (i in offers and way <= most and way < math.inf)
            if share > VISITS_TOLERANCE:
                longest_sent = max(longest_sent, way)
    return Attainment(total, near / total, served / total, longest_near, longest_sent)


def _standard_label(facts: Facts, service: str, scope: str | None) -> str:
    where = f" in {district_named(facts, scope)}" if scope else ""
    return f"{facts.named(service)}{where}"


def _describe_minutes(minutes: float) -> str:
    return "out of reach of somebody" if minutes == math.inf else f"as far as {minutes:.1f} minutes"


def _ceiling_as_sent(rule: Access, facts: Facts, found: dict[Standard, Attainment]) -> str:
    """The longest ways by both measures."""
    near = max(found, key=lambda key: found[key].longest_nearest)
    far = max(found, key=lambda key: found[key].longest_served)
    return (
        f"{_standard_label(facts, *near)}: {_describe_minutes(found[near].longest_nearest)} to the nearest open place; "
        f"{_standard_label(facts, *far)}: sent {_describe_minutes(found[far].longest_served)}"
    )


def wrong_standards(schedule: Schedule, nothing: Schedule, tables: Tables) -> Iterator[str]:
    """Every figure of the table of standards that is not the one found, in words."""
    columns: dict[str, dict[tuple[Any, ...], float]] = defaultdict(dict)
    shares: dict[str, dict[tuple[Any, ...], float]] = defaultdict(dict)
    words: dict[tuple[Any, ...], tuple[str, ...]] = {}
    for number, rule in enumerate(schedule.first.facts.scenario.of(Access), start=1):
        for year, was in zip(schedule.years, nothing.years, strict=True):
            if not rule.holds_in(year.facts.year):
                continue
            before = standards_of(rule, was)
            for (service, scope), one in standards_of(rule, year).items():
                key = (year.facts.year, number, service, scope or "")
                today = before[service, scope]
                columns["residents"][key] = one.residents
                for column, value in (
                    ("minutes", rule.minutes),
                    ("ceiling_minutes", rule.ceiling_minutes),
                    ("longest_nearest_minutes", one.longest_nearest),
                    ("longest_served_minutes", one.longest_served or math.nan),
                ):
                    finite = value is not None and value < math.inf
                    columns[column][key] = value if finite else math.nan  # type: ignore[assignment]
                asked = math.nan if rule.minutes is None else rule.share
                shares["asked_share"][key] = asked
                for column, of in (("before", today), ("after", one)):
                    known = rule.minutes is not None
                    shares[f"nearest_share_{column}"][key] = of.nearest if known else math.nan
                    shares[f"served_share_{column}"][key] = of.served if known else math.nan
                words[key] = (
                    rule.counted(), rule.offer, rule.counts, _measures_met(rule, today), _measures_met(rule, one)
                )  # fmt: skip
    keys = ("year", "access_rule", "service_id", "district_id")
    table = tables["standards"]
    yield from compare_columns("standard of", table, keys, columns)
    stated = rows(table, *keys)
    for column, figures in shares.items():
        for key, value in zip(stated, table[column].tolist(), strict=True):
            found = figures.get(key, math.nan)
            if abs(value - found) > SHARE_TOLERANCE or (value == value) != (found == found):
                yield f"standard of {_key_text(key)} {column}: stated {value:.5f}, found {found:.5f}"
    said = rows(table, "counted", "offer", "counts", "holds_before", "holds_after")
    for key, value in zip(stated, said, strict=True):
        if value != words.get(key):
            yield f"standard of {_key_text(key)}: stated {value}, found {words.get(key)}"
    for key in words.keys() - set(stated):
        yield f"standard of {_key_text(key)}: no row"


def _measures_met(rule: Access, one: Attainment) -> str:
    """By which measures a standard is met."""
    if one.holds(rule, "served"):
        return "as_sent"
    return "by_nearest_only" if one.holds(rule, "nearest") else "no"


def _key_text(key: tuple[Any, ...]) -> str:
    return " ".join(str(part) for part in key if part != "")
