"""The verifier on access (E7): how far a plan meets a standard, by the nearest host and as sent.

Nearest: residents whose nearest open host with the offer asked is within the minutes, by modes open
to them. As sent: residents of a zone count by the share of its visits that goes to such hosts, and
by the nearest host where the zone has no visits to the service. Every row of the table of standards
is recomputed, for the plan and for doing nothing.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from placeopt.estate.verify.facts import Facts
from placeopt.estate.verify.read import Tables, rows
from placeopt.estate.verify.registry import RuleResult, checks
from placeopt.estate.verify.residents import (
    TOLERANCE,
    FastestMinutes,
    district_named,
    full_offer,
    nearest_hosts,
    residents_counted,
)
from placeopt.estate.verify.tables import compare_columns
from placeopt.estate.verify.years import Schedule, Year
from placeopt.scenario.rules.estate.services import Access

VISITS_TOLERANCE = 1e-6  # of a zone's visits: smaller shares are rounding
SHARE_TOLERANCE = 1e-5  # of residents
ONLY_NEAREST = "by the nearest open place only"
Standard = tuple[str, str | None]  # a service, and a district where the rule asks by district


@dataclass(frozen=True)
class Attainment:
    """How far an arrangement meets one standard.

    Attributes:
        residents: counted.
        nearest: share of them within the minutes of the nearest host.
        served: share of them served within the minutes.
        longest_nearest: most minutes of any of them to the nearest host; inf out of reach.
        longest_served: most minutes that any of them is sent; 0 where none is.
    """

    residents: float
    nearest: float
    served: float
    longest_nearest: float
    longest_served: float

    def holds(self, rule: Access, counts: str) -> bool:
        """Whether the rule is kept, counted by ``counts`` ("served" or "nearest")."""
        share, longest = self.nearest, self.longest_nearest
        if counts == "served":
            share, longest = self.served, max(self.longest_nearest, self.longest_served)
        if rule.ceiling_minutes is not None and not longest <= rule.ceiling_minutes:
            return False
        return rule.minutes is None or share >= rule.share - TOLERANCE


@checks(Access)
def access(rule: Access, year: Year) -> RuleResult:
    """(E7) The tightest standard of the rule, by the rule's own measure; the detail states the
    other measure."""
    facts = year.facts
    found = standards_of(rule, year)
    for (service, scope), reached in found.items():
        if rule.ceiling_minutes is not None and not reached.longest_nearest <= rule.ceiling_minutes:
            return False, f"{_label(facts, service, scope)}: {_distance(reached.longest_nearest)}"
        is_past_ceiling = rule.counts == "served" and not reached.longest_served <= (
            rule.ceiling_minutes or math.inf
        )
        if is_past_ceiling:
            return (
                False,
                f"{_label(facts, service, scope)}: sent {_distance(reached.longest_served)}",
            )
    if not found:
        return True, "counts nobody"
    if rule.minutes is None:
        return True, _ceiling_as_sent(rule, facts, found)
    by_served = min(found, key=lambda key: found[key].served)
    by_nearest = min(found, key=lambda key: found[key].nearest)
    within = f"within {rule.minutes:g} minutes"
    nearest = f"{100 * found[by_nearest].nearest:.2f}%"
    served = f"{100 * found[by_served].served:.2f}%"
    if rule.counts == "served":
        text = f"{_label(facts, *by_served)}: {served} {within} as sent, "
        return found[by_served].holds(rule, "served"), (
            f"{text}{100 * found[by_served].nearest:.2f}% by the nearest open place"
        )
    text = f"{_label(facts, *by_nearest)}: {nearest} {within} by the nearest open place, "
    text += f"{100 * found[by_nearest].served:.2f}% as sent"
    if by_served != by_nearest:
        text += f". As sent {_label(facts, *by_served)} has the lowest share, {served}"
    return found[by_nearest].holds(rule, "nearest"), text


def only_by_nearest(rule: Access, schedule: Schedule) -> str:
    """Return a qualifier for rules that hold by the nearest host and not as residents are sent; ""
    otherwise."""
    is_met_as_served = all(
        one.holds(rule, "served")
        for year in schedule.years
        if rule.holds_in(year.facts.year)
        for one in standards_of(rule, year).values()
    )
    return "" if is_met_as_served else ONLY_NEAREST


def standards_of(rule: Access, year: Year) -> dict[Standard, Attainment]:
    """Return the attainment of every service and scope of the rule that counts residents."""
    facts, arrangement = year.facts, year.arrangement
    services: Any = rule.services
    if services == "all":
        services = [s for s, row in facts.services.items() if not row["back_office"]]
    scopes: list[str | None] = [rule.district]
    if rule.each_district:
        scopes = list(facts.place.districts["district_id"])
    modes = rule.modes_of(tuple(m for m in facts.scenario.travel.modes if m in facts.times.modes))
    minutes = {car: FastestMinutes(facts, modes, car) for car in (True, False)}
    people_in = {scope: list(residents_counted(rule, facts, scope)) for scope in scopes}
    found = {}
    for service in services:
        offers = [i for i, s in arrangement.hosts if s == service and i in arrangement.open]
        if rule.offer == "full":
            offers = [i for i in offers if full_offer(facts, arrangement, i, service)]
        nearest = {car: nearest_hosts(facts, offers, modes, car) for car in (True, False)}
        for scope in scopes:
            if people_in[scope]:
                found[service, scope] = _attainment(
                    rule, year, service, people_in[scope], set(offers), nearest, minutes
                )
    return found


def _attainment(
    rule: Access,
    year: Year,
    service: str,
    people: list[tuple[str, bool, float]],
    offers: set[str],
    nearest_by_car: dict[bool, dict[str, float]],
    minutes_by_car: dict[bool, FastestMinutes],
) -> Attainment:
    """Return the attainment of one standard."""
    facts, arrangement = year.facts, year.arrangement
    limit = math.inf if rule.minutes is None else rule.minutes
    total = count_near = served = longest_nearest = longest_served = 0.0
    for zone, car, count in people:
        nearest = nearest_by_car[car].get(zone, math.inf)
        is_near = nearest <= limit and nearest < math.inf
        total += count
        count_near += count * is_near
        longest_nearest = max(longest_nearest, nearest)
        if facts.visits.get((zone, service), 0.0) <= 0:
            served += count * is_near
            continue
        for i, share in arrangement.served.get((zone, service), {}).items():
            minutes = minutes_by_car[car].to(zone, i)
            served += count * share * (i in offers and minutes <= limit and minutes < math.inf)
            if share > VISITS_TOLERANCE:
                longest_served = max(longest_served, minutes)
    return Attainment(total, count_near / total, served / total, longest_nearest, longest_served)


def _label(facts: Facts, service: str, scope: str | None) -> str:
    """Return service and district by name."""
    where = f" in {district_named(facts, scope)}" if scope else ""
    return f"{facts.named(service)}{where}"


def _distance(minutes: float) -> str:
    """Return minutes in words."""
    return "out of reach of somebody" if minutes == math.inf else f"as far as {minutes:.1f} minutes"


def _ceiling_as_sent(rule: Access, facts: Facts, found: dict[Standard, Attainment]) -> str:
    """Return the longest minutes by both measures, in words."""
    nearest = max(found, key=lambda key: found[key].longest_nearest)
    served = max(found, key=lambda key: found[key].longest_served)
    return (
        f"{_label(facts, *nearest)}: {_distance(found[nearest].longest_nearest)} to the nearest "
        f"open place; {_label(facts, *served)}: sent {_distance(found[served].longest_served)}"
    )


def wrong_standards(schedule: Schedule, nothing: Schedule, tables: Tables) -> Iterator[str]:
    """Yield every figure of the table of standards that differs from the one recomputed."""
    columns: dict[str, dict[tuple[Any, ...], float]] = defaultdict(dict)
    shares: dict[str, dict[tuple[Any, ...], float]] = defaultdict(dict)
    words: dict[tuple[Any, ...], tuple[str, ...]] = {}
    for number, rule in enumerate(schedule.first.facts.scenario.of(Access), start=1):
        for year, was in zip(schedule.years, nothing.years, strict=True):
            if not rule.holds_in(year.facts.year):
                continue
            before = standards_of(rule, was)
            for (service, scope), after in standards_of(rule, year).items():
                key = (year.facts.year, number, service, scope or "")
                today = before[service, scope]
                columns["residents"][key] = after.residents
                for column, value in (
                    ("minutes", rule.minutes),
                    ("ceiling_minutes", rule.ceiling_minutes),
                    ("longest_nearest_minutes", after.longest_nearest),
                    ("longest_served_minutes", after.longest_served or math.nan),
                ):
                    finite = value is not None and value < math.inf
                    columns[column][key] = value if finite else math.nan
                asked = math.nan if rule.minutes is None else rule.share
                shares["asked_share"][key] = asked
                for column, of in (("before", today), ("after", after)):
                    known = rule.minutes is not None
                    shares[f"nearest_share_{column}"][key] = of.nearest if known else math.nan
                    shares[f"served_share_{column}"][key] = of.served if known else math.nan
                met = _measures(rule, today), _measures(rule, after)
                counted = f"{rule.counted()}{rule.by_modes()}"
                words[key] = (counted, rule.offer, rule.counts, *met)
    keys = ("year", "access_rule", "service_id", "district_id")
    table = tables["standards"]
    yield from compare_columns("standard of", table, keys, columns)
    stated = rows(table, *keys)
    for column, figures in shares.items():
        for key, value in zip(stated, table[column].tolist(), strict=True):
            found = figures.get(key, math.nan)
            if abs(value - found) > SHARE_TOLERANCE or (value == value) != (found == found):
                yield f"standard of {_text(key)} {column}: stated {value:.5f}, found {found:.5f}"
    stated_words = rows(table, "counted", "offer", "counts", "holds_before", "holds_after")
    for key, value in zip(stated, stated_words, strict=True):
        if value != words.get(key):
            yield f"standard of {_text(key)}: stated {value}, found {words.get(key)}"
    for key in words.keys() - set(stated):
        yield f"standard of {_text(key)}: no row"


def _measures(rule: Access, one: Attainment) -> str:
    """Return the measures by which a standard is met."""
    if one.holds(rule, "served"):
        return "as_sent"
    return "by_nearest_only" if one.holds(rule, "nearest") else "no"


def _text(key: tuple[Any, ...]) -> str:
    return " ".join(str(part) for part in key if part != "")
