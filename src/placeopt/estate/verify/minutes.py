"""The verifier on tables about residents: access, zones and bands."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator

from placeopt.estate.verify.read import Tables, rows
from placeopt.estate.verify.residents import FastestMinutes, nearest_hosts
from placeopt.estate.verify.tables import compare_columns, compare_figure
from placeopt.estate.verify.years import Schedule, Year

Nearest = dict[tuple[str, str], float]  # (zone, service) -> minutes; nothing out of reach


def wrong_minutes(schedule: Schedule, nothing: Schedule, tables: Tables) -> Iterator[str]:
    """Yield every figure about residents that differs from the one recomputed."""
    was, now = _nearest_minutes(nothing.last), _nearest_minutes(schedule.last)
    yield from _access(schedule.last, was, now, tables)
    sent_was, sent_now = _sent_minutes(nothing.last), _sent_minutes(schedule.last)
    yield from _sent_access(schedule.last, sent_was, sent_now, tables)
    yield from _zones(schedule.last, was, now, tables)
    yield from _zones(schedule.last, sent_was, sent_now, tables, "sent_")
    for when, year in (("before", nothing.last), ("after", schedule.last)):
        yield from _bands(year, f"residents_{when}", tables)
        yield from _bands(year, f"residents_sent_{when}", tables, as_sent=True)


def _nearest_minutes(year: Year) -> Nearest:
    """Return minutes to the nearest host, whatever its offer, by the fastest of the modes."""
    minutes_by_zone: Nearest = {}
    for i, s in year.arrangement.hosts:
        if year.facts.services[s]["back_office"]:
            continue
        for zone in year.facts.zones:
            minutes = year.facts.fastest.get((zone, i), math.inf)
            if minutes < minutes_by_zone.get((zone, s), math.inf):
                minutes_by_zone[zone, s] = minutes
    return minutes_by_zone


def _sent_minutes(year: Year) -> Nearest:
    """Return mean minutes of the visits of a zone that are served; none where no visits are."""
    found: Nearest = {}
    for (zone, s), shares in year.arrangement.served.items():
        total = sum(shares.values())
        if total > 0:
            spent = sum(part * year.facts.fastest[zone, i] for i, part in shares.items() if part)
            found[zone, s] = spent / total
    return found


def _sent_access(year: Year, was: Nearest, now: Nearest, tables: Tables) -> Iterator[str]:
    """Yield differences in minutes of a zone's visits as sent."""
    facts = year.facts
    keys = [
        (z, s) for z in facts.zones for s, row in facts.services.items() if not row["back_office"]
    ]
    minutes = {"before": was, "after": now}
    columns = {
        f"sent_minutes_{when}": {key: of.get(key, math.nan) for key in keys}
        for when, of in minutes.items()
    }
    columns["sent_change_minutes"] = {
        key: now.get(key, math.nan) - was.get(key, math.nan) for key in keys
    }
    yield from compare_columns("access", tables["access"], ("zone_id", "service_id"), columns)


def _access(year: Year, was: Nearest, now: Nearest, tables: Tables) -> Iterator[str]:
    """Yield differences in minutes to the nearest host, and hosts that are not the nearest."""
    facts, table = year.facts, tables["access"]
    keys = [
        (z, s) for z in facts.zones for s, row in facts.services.items() if not row["back_office"]
    ]
    columns = {
        "minutes_before": {key: was.get(key, math.nan) for key in keys},
        "minutes_after": {key: now.get(key, math.nan) for key in keys},
        "change_minutes": {key: now.get(key, math.nan) - was.get(key, math.nan) for key in keys},
    }
    yield from compare_columns("access", table, ("zone_id", "service_id"), columns)
    points = {"before": year.facts.hosted_today, "after": year.arrangement.hosts}
    for when, minutes in (("before", was), ("after", now)):
        for zone, s, i in rows(table, "zone_id", "service_id", f"building_{when}"):
            there = facts.fastest.get((zone, i), math.nan)
            what = f"access {zone} {s}: building_{when} {i} minutes"
            yield from compare_figure(what, there, minutes.get((zone, s), math.nan))
            if bool(i) != ((zone, s) in minutes) or (i and (i, s) not in points[when]):
                yield f"access {zone} {s}: building_{when} {i} is not its nearest host"


def _zones(
    year: Year, was: Nearest, now: Nearest, tables: Tables, measure: str = ""
) -> Iterator[str]:
    """Yield differences in means by visits, over services in reach before and after."""
    total: dict[str, float] = defaultdict(float)
    means: dict[str, dict[str, float]] = {"before": defaultdict(float), "after": defaultdict(float)}
    for (zone, s), visits in year.facts.visits.items():
        if (zone, s) in was and (zone, s) in now and visits > 0:
            total[zone] += visits
            means["before"][zone] += visits * was[zone, s]
            means["after"][zone] += visits * now[zone, s]

    def mean(when: str, zone: str) -> float:
        return means[when][zone] / total[zone] if total[zone] else math.nan

    zones = year.facts.zones
    columns = {
        "population": {(z,): float(row["population"]) for z, row in zones.items()},
        f"{measure}minutes_before": {(z,): mean("before", z) for z in zones},
        f"{measure}minutes_after": {(z,): mean("after", z) for z in zones},
        f"{measure}change_minutes": {(z,): mean("after", z) - mean("before", z) for z in zones},
    }
    yield from compare_columns("zone", tables["zones"], ("zone_id",), columns)


def _bands(year: Year, column: str, tables: Tables, as_sent: bool = False) -> Iterator[str]:
    """Yield differences in residents by minutes to the nearest host, or as sent; those without a
    car do not drive."""
    facts = year.facts
    modes = tuple(mode for mode in facts.scenario.travel.modes if mode in facts.times.modes)
    stated: dict[str, dict[str, float]] = defaultdict(dict)
    for s, band, people in rows(tables["bands"], "service_id", "band", column):
        stated[s][band] = people
    if len(tables["bands"]) != sum(len(bands) for bands in stated.values()):
        yield "bands: a service's band stands twice"
    visited = [s for s, row in facts.services.items() if not row["back_office"]]
    if set(stated) != set(visited) or len({tuple(bands) for bands in stated.values()}) > 1:
        yield "bands: not the same bands for every service with visits, and for no other"
    fastest = {car: FastestMinutes(facts, modes, car) for car in (True, False)} if as_sent else {}
    for s in visited:
        hosts = [i for i, of in year.arrangement.hosts if of == s]
        found: dict[str, float] = dict.fromkeys(stated[s], 0.0)
        for car in (True, False):
            nearest = nearest_hosts(facts, hosts, modes, car)
            for zone, row in facts.zones.items():
                without_car = row["population"] * row["without_car_share"]
                people = row["population"] - without_car if car else without_car
                minutes_and_shares = [(nearest.get(zone, math.inf), 1.0)]
                if as_sent and facts.visits.get((zone, s), 0.0) > 0:
                    shares = year.arrangement.served.get((zone, s), {})
                    minutes_and_shares = [(fastest[car].to(zone, i), x) for i, x in shares.items()]
                    unserved = max(1.0 - sum(shares.values()), 0.0)
                    found["not served"] = found.get("not served", 0.0) + people * unserved
                for minutes, share in minutes_and_shares:
                    band = _band_of(minutes, stated[s])
                    found[band] = found.get(band, 0.0) + people * share
        for band, people in found.items():
            what = f"bands {s} {band} {column}"
            yield from compare_figure(what, stated[s].get(band, 0.0), people)


def _band_of(minutes: float, bands: dict[str, float]) -> str:
    """Return the band, of those stated, that contains so many minutes."""
    if minutes == math.inf:
        return "out of reach"
    for band in bands:
        numbers = [float(number) for number in re.findall(r"[\d.]+", band)]
        if len(numbers) == 2 and (numbers[0] < minutes <= numbers[1] or minutes == numbers[0] == 0):
            return band
        if band.startswith("over") and minutes > numbers[0]:
            return band
    return f"{minutes} minutes"
