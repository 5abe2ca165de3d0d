"""The verifier on closures: the users of a point that closes, where they go, and the minutes added.

Recomputed from the arrangements: the users of a point in the year in which it closes are the visits
that doing nothing serves there. They go where the plan sends their zone's visits to the service, in
the same shares; the rest is unserved.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from placeopt.estate.verify.facts import Facts, Key
from placeopt.estate.verify.read import Tables, rows, served_of
from placeopt.estate.verify.residents import CAR_MODES
from placeopt.estate.verify.tables import SHARE_TOLERANCE, assignment_rows, compare_columns
from placeopt.estate.verify.years import Schedule

Flow = tuple[str, str, float]  # zone, building ("" for unserved), visits a year
Closed = dict[tuple[int, str, str], list[Flow]]  # (year, building, service) -> flows
Figures = dict[str, dict[tuple[Any, ...], float]]
MINUTES = ("minutes_before", "minutes_after", "added_minutes")


def wrong_closures(schedule: Schedule, nothing: Schedule, tables: Tables) -> Iterator[str]:
    """Yield every figure about closures and today's journeys that differs from the one
    recomputed."""
    closed = _closed_points(schedule, nothing)
    yield from _flows(schedule, closed, tables["closures"])
    yield from _groups(schedule.last.facts, closed, tables["closures_by_group"])
    yield from _assignment_today(nothing, tables["assignment_today"])


def _closed_points(schedule: Schedule, nothing: Schedule) -> Closed:
    """Return the flows of the users of every closed point."""
    closed: Closed = {}
    today = schedule.first.before.hosts
    for year, nothing_year in zip(schedule.years, nothing.years, strict=True):
        services, year_closed = year.facts.services, year.facts.year
        closing = {
            point
            for point in (today & year.before.hosts) - year.arrangement.hosts
            if not services[point[1]]["back_office"]
        }
        closed |= {(year_closed, *point): [] for point in closing}
        for (zone, s), shares in nothing_year.arrangement.served.items():
            for i in shares.keys() & {b for b, service in closing if service == s}:
                visits = shares[i] * year.facts.visits[zone, s]
                shares_after = year.arrangement.served.get((zone, s), {})
                flows = closed[year_closed, i, s]
                flows += [(zone, to, visits * share) for to, share in shares_after.items()]
                unserved = 1 - sum(shares_after.values())
                if unserved > SHARE_TOLERANCE:
                    flows.append((zone, "", visits * unserved))
    return closed


def _mean_minutes(flows: list[Flow], minutes: Mapping[Key, float], at: str = "") -> float:
    """Return minutes weighted by visits, to ``at`` or to where each flow goes."""
    total = sum(visits for _, _, visits in flows)
    spent = sum(v * minutes.get((zone, at or to), math.nan) for zone, to, v in flows)
    return spent / total if total else math.nan


def _flows(schedule: Schedule, closed: Closed, table: Any) -> Iterator[str]:
    """Yield differences in the rows of closed points and the buildings that take their users."""
    fastest = schedule.last.facts.fastest
    is_open = {year.facts.year: year.arrangement.open for year in schedule.years}
    columns: Figures = {name: {} for name in ("visits_per_year", *MINUTES)}
    for (when, i, s), flows in closed.items():
        taken: dict[str, list[Flow]] = defaultdict(list)
        for flow in flows:
            taken[flow[1]].append(flow)
        for to, part in taken.items() if taken else [("", [])]:
            before, after = _mean_minutes(part, fastest, i), _mean_minutes(part, fastest)
            visits = sum(v for _, _, v in part)
            figures = (visits, before, after, after - before)
            for name, figure in zip(columns, figures, strict=True):
                columns[name][when, i, s, to] = figure
    yield from _compare_rows(
        "closure", table, ("building_id", "service_id", "to_building_id"), columns
    )
    for when, i, word in rows(table, "year", "building_id", "what_closes"):
        found = "service" if i in is_open.get(when, ()) else "building"
        if word != found:
            yield f"closure {when} {i}: stated that the {word} closes, found the {found}"


def _groups(facts: Facts, closed: Closed, table: Any) -> Iterator[str]:
    """Yield differences in minutes by group of residents and mode open to it."""
    import numpy as np

    modes = [m for m in facts.scenario.travel.modes if m in facts.times.modes]
    groups = dict(_shares(facts))
    zone_at = {zone: n for n, zone in enumerate(facts.times.zone_ids)}
    place_at = {i: n for n, i in enumerate(facts.times.building_ids)}
    names = ("visits_per_year", "visits_compared_per_year", "visits_cut_off_per_year", *MINUTES)
    columns: Figures = {name: {} for name in names}
    for (when, i, s), flows in closed.items():
        if not flows:
            continue
        zone_rows = [zone_at[zone] for zone, _, _ in flows]
        building_columns = np.array([place_at.get(j, -1) for _, j, _ in flows])
        visits = np.array([v for _, _, v in flows])
        was = {m: facts.times.matrix(m)[zone_rows, place_at[i]] for m in modes}
        now = {
            m: np.where(
                building_columns < 0, np.nan, facts.times.matrix(m)[zone_rows, building_columns]
            )
            for m in modes
        }
        for who, share in groups.items():
            group_visits = visits * np.array([share[zone] for zone, _, _ in flows])
            modes_open = [m for m in modes if who != "without_car" or m not in CAR_MODES]
            if not group_visits.sum() > 0 or not modes_open:
                continue
            for mode in ("fastest", *modes_open):
                modes_used = modes_open if mode == "fastest" else [mode]
                before, after = (np.fmin.reduce([of[m] for m in modes_used]) for of in (was, now))
                reached_before, both = np.isfinite(before), np.isfinite(before) & np.isfinite(after)
                weight = group_visits[both].sum()
                means = [
                    (group_visits[both] * one[both]).sum() / weight if weight > 0 else math.nan
                    for one in (before, after)
                ]
                cut_off = group_visits[reached_before & ~both].sum()
                figures = (group_visits.sum(), weight, cut_off, *means, means[1] - means[0])
                for name, figure in zip(names, figures, strict=True):
                    columns[name][when, i, s, who, mode] = float(figure)
    keys = ("building_id", "service_id", "who", "mode")
    yield from _compare_rows("closure by group", table, keys, columns)


def _shares(facts: Facts) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield (group, zone -> its share of the zone's residents), of groups with residents."""
    zones = facts.zones
    yield "all", dict.fromkeys(zones, 1.0)
    for n in range(1, 6):
        found = {z: float(_is_quintile(row["deprivation_quintile"], n)) for z, row in zones.items()}
        yield from _group_with_members(f"quintile_{n}", found)
    for area in ("rural", "urban"):
        found = {z: float(row["area_type"] == area) for z, row in zones.items()}
        yield from _group_with_members(area, found)
    yield from _group_with_members(
        "without_car", {z: row["without_car_share"] for z, row in zones.items()}
    )
    for column in (name for name in facts.place.zones.columns if name.startswith("people_")):
        of_zone = {z: row[column] / (row["population"] or math.inf) for z, row in zones.items()}
        yield from _group_with_members(column, of_zone)


def _is_quintile(quintile: Any, number: int) -> bool:
    """Whether a quintile is known and has this number."""
    known = quintile is not None and str(quintile) not in ("<NA>", "nan")
    return known and int(quintile) == number


def _group_with_members(
    who: str, shares: dict[str, float]
) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield the group with unknown shares as 0; nothing where it has no members."""
    known_shares = {zone: share if share == share else 0.0 for zone, share in shares.items()}
    if any(known_shares.values()):
        yield who, known_shares


def _compare_rows(name: str, table: Any, keys: tuple[str, ...], columns: Figures) -> Iterator[str]:
    """Yield missing and surplus rows, and figures that differ."""
    stated, expected = rows(table, "year", *keys), columns["visits_per_year"]
    for key in sorted(expected.keys() - set(stated)):
        yield f"{name} {' '.join(map(str, key))}: no row"
    for key in sorted(set(stated) - expected.keys(), key=str):
        yield f"{name} {' '.join(map(str, key))}: nothing of the kind"
    yield from compare_columns(name, table, ("year", *keys), columns)


def _assignment_today(nothing: Schedule, table: Any) -> Iterator[str]:
    """Yield differences in today's assignment, at the last decided year's visits."""
    year = nothing.last
    stated = served_of(table)
    for key in sorted(stated.keys() | year.arrangement.served.keys()):
        shares, found = stated.get(key, {}), year.arrangement.served.get(key, {})
        for i in sorted(shares.keys() | found.keys()):
            if abs(shares.get(i, 0.0) - found.get(i, 0.0)) > SHARE_TOLERANCE:
                yield f"assignment_today {' '.join(key)} {i}: not the share of today"
    yield from assignment_rows(year, "assignment_today", table)
