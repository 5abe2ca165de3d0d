"""The verifier on a plan's own figures: each is compared with the one found again."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from placeopt.estate.verify_read import Tables, arrangement_at_the_end, rows
from placeopt.estate.verify_sums import Sums
from placeopt.estate.verify_years import (
    Course,
    Year,
    backlog_of,
    cash_of,
    receipts_of,
)

Figures = Mapping[tuple[Any, ...], float]  # by the row's key
MONEY = 1.0  # GBP, visits: figures agree to this, or to a millionth
CLOSE = 0.01  # minutes, m2, tCO2e
LINES_OF_MONEY = {  # part of the sums -> line of the money table
    "fixed": "open buildings",
    "in_use": "floor area in use",
    "holding": "empty buildings",
    "tiers": "tiers",
    "staff": "staff of service points",
    "set_up": "tiers",
    "fit_out": "fit-out",
    "moves": "moves",
    "closing": "closing",
}


def wrong_figures(
    course: Course, nothing: Course, tables: Tables, summary: Mapping[str, Any]
) -> Iterator[str]:
    """Every figure of the plan that is not the one found, in words."""
    yield from _end_state(course, nothing, tables)
    yield from _objectives(course, nothing, tables)
    yield from _money(course, nothing, tables)
    yield from _summary(course, nothing, summary)
    if "buildings_by_year" in tables:
        yield from _by_year(course, tables)
        yield from _cash(course, nothing, tables)


def agree(
    name: str, table: Any, keys: tuple[str, ...], columns: Mapping[str, Figures]
) -> Iterator[str]:
    """Rows of a table against the figures found, column by column; absent rows are 0."""
    stated = rows(table, *keys)
    for key, times in Counter(stated).items():
        if times > 1:
            yield f"{name} {_words(key)} stands {times} times"
    for column, figures in columns.items():
        for key, value in zip(stated, table[column].tolist(), strict=True):
            yield from differs(f"{name} {_words(key)} {column}", value, figures.get(key, 0.0))
        for key in figures.keys() - set(stated):
            yield from differs(f"{name} {_words(key)} {column} (no row)", 0.0, figures[key])


def differs(what: str, stated: Any, found: float) -> Iterator[str]:
    """The difference in words, where there is one."""
    if stated is None or stated != stated:
        if found == found and abs(found) > CLOSE:
            yield f"{what}: nothing stated, found {found:,.2f}"
        return
    close = CLOSE if what.endswith(("minutes", "_m2", "tco2e", "after", "before")) else MONEY
    if not abs(stated - found) <= max(close, 1e-6 * abs(found)):
        yield f"{what}: stated {stated:,.2f}, found {found:,.2f}"


def _words(key: tuple[Any, ...]) -> str:
    return " ".join(str(part) for part in key)


def _by_building(course: Course, figure: Callable[[Year, str], float]) -> dict[str, float]:
    """A figure of a building, summed over the years."""
    found: dict[str, float] = defaultdict(float)
    for year in course.years:
        for i in year.facts.buildings:
            found[i] += figure(year, i)
    return found


def _end_state(course: Course, nothing: Course, tables: Tables) -> Iterator[str]:
    """Buildings, services and assignment are those of the last year."""
    last, was = course.last, nothing.last
    ids = list(last.facts.buildings)
    receipts: dict[str, float] = defaultdict(float)
    backlog: dict[str, float] = defaultdict(float)
    for _, i, net in receipts_of(course):
        receipts[i] += net
    for _, i, gbp in backlog_of(course):
        backlog[i] += gbp

    def each(figure: Callable[[str], float]) -> Figures:
        return {(i,): figure(i) for i in ids}

    works = _by_building(course, lambda year, i: year.sums.works_at(i))
    columns = {
        "running_cost_after_gbp_per_year": each(last.sums.running_of),
        "running_cost_before_gbp_per_year": each(was.sums.running_of),
        "capital_gbp": each(lambda i: works[i]),
        "receipt_net_gbp": each(lambda i: receipts[i]),
        "backlog_gbp": each(lambda i: backlog[i]),
        "area_used_m2": each(last.sums.area_used),
        "visits_per_year": each(lambda i: visits_at(last, i)),
    }
    yield from agree("building", tables["buildings"], ("building_id",), columns)
    stated = arrangement_at_the_end(tables)
    for what in ("open", "disposed", "hosts"):
        for one in sorted(getattr(stated, what) ^ getattr(last.a, what)):
            yield f"{one}: {what} in one table and not in the other in {last.facts.year}"
    for i, text in rows(tables["buildings"], "building_id", "services_after"):
        if set(filter(None, text.split("; "))) != {s for b, s in last.a.hosts if b == i}:
            yield f"building {i}: services_after does not say what services says"
    yield from _points(course, nothing, tables)
    yield from _assignment(last, "assignment", tables["assignment"])
    if "opens_year" in tables["buildings"]:
        yield from _years_of_buildings(course, tables["buildings"])


def visits_at(year: Year, i: str) -> float:
    """Visits a year to a building, desks left out."""
    return sum(
        units
        for (b, s), units in year.sums.load.items()
        if b == i and not year.facts.services[s]["back_office"]
    )


def _points(course: Course, nothing: Course, tables: Tables) -> Iterator[str]:
    last, was = course.last.sums, nothing.last.sums
    capital: dict[tuple[str, str], float] = defaultdict(float)
    for year in course.years:
        for kind in (year.sums.fit_out, year.sums.moves):
            for point, gbp in kind.items():
                capital[point] += gbp
    columns = {
        "area_m2": last.area,
        "area_before_m2": was.area,
        "visits_per_year": _visits(course.last),
        "visits_before_per_year": _visits(nothing.last),
        "staffing_cost_gbp_per_year": last.staff,
        "capital_gbp": capital,
    }
    yield from agree("service", tables["services"], ("building_id", "service_id"), columns)


def _visits(year: Year) -> Figures:
    services = year.facts.services
    return {k: units for k, units in year.sums.load.items() if not services[k[1]]["back_office"]}


def _assignment(year: Year, name: str, table: Any) -> Iterator[str]:
    """Visits and minutes of every row of an assignment."""
    facts = year.facts
    for zone, s, i, share, visits, minutes in rows(
        table, "zone_id", "service_id", "building_id", "share", "visits_per_year", "minutes"
    ):
        what = f"{name} {facts.year} {zone} {s} {i}"
        found = share * facts.visits.get((zone, s), 0.0)
        yield from differs(f"{what} visits_per_year", visits, found)
        yield from differs(f"{what} minutes", minutes, facts.fastest.get((zone, i), math.nan))


def _years_of_buildings(course: Course, table: Any) -> Iterator[str]:
    """When each building opens, closes, is disposed of and paid for; nothing where it is not."""
    found: dict[str, dict[str, int]] = {
        name: {} for name in ("opens_year", "closes_year", "disposal_year", "receipt_year")
    }
    for year in course.years:
        when = year.facts.year
        for name, ids in (
            ("opens_year", year.a.open - year.before.open),
            ("closes_year", year.before.open - year.a.open),
            ("disposal_year", year.a.disposed - year.before.disposed),
        ):
            found[name].update(dict.fromkeys(ids, when))
    found["receipt_year"].update({i: when for when, i, _ in receipts_of(course)})
    for name, years in found.items():
        for i, stated in rows(table, "building_id", name):
            said = (
                None if stated is None or stated != stated or str(stated) == "<NA>" else int(stated)
            )
            if said != years.get(i):
                yield f"building {i} {name}: stated {said}, found {years.get(i)}"


def _objectives(course: Course, nothing: Course, tables: Tables) -> Iterator[str]:
    for name, whole in (("plan", course), ("do_nothing", nothing)):
        totals = whole.totals()
        columns = {name: {(key,): totals[key] for key in tables["objectives"]["objective"]}}
        yield from agree("objective", tables["objectives"], ("objective",), columns)
    if "objectives_by_year" not in tables:
        return
    for name, whole in (("plan", course), ("do_nothing", nothing)):
        figures = {
            (year.facts.year, key): value
            for year in whole.years
            for key, value in year.sums.figures().items()
        }
        table = tables["objectives_by_year"]
        yield from agree("objective of", table, ("year", "objective"), {name: figures})


def _money(course: Course, nothing: Course, tables: Tables) -> Iterator[str]:
    """By agency and line: a year's cost at the end and today, and what is paid once."""
    facts = course.first.facts
    yearly = {"after": course.last.sums, "before": nothing.last.sums}
    columns: dict[str, dict[tuple[str, str], float]] = {}
    for name, sums in yearly.items():
        found: dict[tuple[str, str], float] = defaultdict(float)
        for part in ("fixed", "in_use", "holding", "tiers", "staff"):
            _add_line(found, course, part, sums)
        columns[f"{name}_gbp_per_year"] = found
    once: dict[tuple[str, str], float] = defaultdict(float)
    for year in course.years:
        for part in ("set_up", "fit_out", "moves", "closing"):
            _add_line(once, course, part, year.sums)
    for _, i, gbp in backlog_of(course):
        once[facts.buildings[i]["agency_id"], "required maintenance"] += gbp
    for _, i, net in receipts_of(course):
        once[facts.buildings[i]["agency_id"], "receipts, net"] -= net
    columns["one_off_gbp"] = once
    yield from agree("money", tables["money"], ("agency_id", "line"), columns)


def _add_line(found: dict[tuple[str, str], float], course: Course, part: str, sums: Sums) -> None:
    facts = course.first.facts
    figures = sums.parts[part] if part in sums.parts else getattr(sums, part)
    for key, gbp in figures.items():
        if part in ("staff", "moves"):
            agency = facts.services[key[1]]["agency_id"]
        else:
            agency = facts.buildings[key[0] if isinstance(key, tuple) else key]["agency_id"]
        found[agency, LINES_OF_MONEY[part]] += gbp


def _summary(course: Course, nothing: Course, summary: Mapping[str, Any]) -> Iterator[str]:
    """The figures of the summary that this verifier finds, where they are stated."""
    totals, was = course.totals(), nothing.totals()
    found = {
        "running_cost_before_gbp_per_year": was["running_cost"],
        "running_cost_after_gbp_per_year": totals["running_cost"],
        "running_cost_saving_gbp_per_year": was["running_cost"] - totals["running_cost"],
        "capital_gbp": totals["capital"],
        "receipts_net_gbp": totals["receipts_net"],
        "backlog_before_gbp": was["backlog"],
        "backlog_after_gbp": totals["backlog"],
        "buildings_open_before": float(len(nothing.first.a.open)),
        "buildings_open_after": totals["buildings"],
        "net_present_cost_do_nothing_gbp": was["cost"],
        "net_present_cost_plan_gbp": totals["cost"],
        "net_present_saving_gbp": was["cost"] - totals["cost"],
        "first_year": float(course.first.facts.year),
        "last_year": float(course.last.facts.year),
    }
    for name, value in found.items():
        if name in summary:
            yield from differs(f"summary {name}", summary[name], value)


def _by_year(course: Course, tables: Tables) -> Iterator[str]:
    """Buildings, service points and assignments of every year."""
    backlog = {(when, i): gbp for when, i, gbp in backlog_of(course)}
    receipts = {(when, i): net for when, i, net in receipts_of(course)}
    last = course.last.facts.year
    columns: dict[str, dict[tuple[Any, ...], float]] = defaultdict(dict)
    points: dict[str, dict[tuple[Any, ...], float]] = defaultdict(dict)
    for year in course.years:
        for i in year.facts.buildings:
            for column, value in _of_building(year, i).items():
                columns[column][year.facts.year, i] = value
        for column, figures in _of_points(year).items():
            points[column].update({(year.facts.year, *k): v for k, v in figures.items()})
        table = tables["assignment_by_year"]
        here = table[table["year"] == year.facts.year]
        yield from _assignment(year, "assignment", here)
    columns["backlog_gbp"] = backlog
    columns["receipt_net_gbp"] = {key: net for key, net in receipts.items() if key[0] <= last}
    keys = ("year", "building_id")
    yield from agree("building of", tables["buildings_by_year"], keys, columns)
    yield from agree("service of", tables["services_by_year"], (*keys, "service_id"), points)
    for name in ("buildings_by_year", "services_by_year", "assignment_by_year"):
        for when in sorted(set(tables[name]["year"]) - {y.facts.year for y in course.years}):
            yield f"{name}: {when} is not a decided year"
    yield from _states(course, tables)


def _of_building(year: Year, i: str) -> dict[str, float]:
    sums, emitted = year.sums, year.facts.buildings[i]["carbon_tco2e_per_year"]

    def here(points: Mapping[tuple[str, str], float]) -> float:
        return sum(gbp for (b, _), gbp in points.items() if b == i)

    return {
        "area_used_m2": sums.area_used(i),
        "visits_per_year": visits_at(year, i),
        "running_cost_gbp": sums.running_of(i),
        "double_running_gbp": here(sums.double),
        "fit_out_gbp": here(sums.fit_out),
        "moving_gbp": here(sums.moves),
        "setup_gbp": sums.set_up.get(i, 0.0),
        "closing_gbp": sums.closing.get(i, 0.0),
        "carbon_tco2e": emitted if i in year.a.open else 0.0,
    }


def _of_points(year: Year) -> dict[str, Figures]:
    return {
        "area_m2": year.sums.area,
        "visits_per_year": _visits(year),
        "staffing_cost_gbp": year.sums.staff,
        "fit_out_gbp": year.sums.fit_out,
        "moving_gbp": year.sums.moves,
        "double_running_gbp": year.sums.double,
    }


def _states(course: Course, tables: Tables) -> Iterator[str]:
    """Every building has one row a year, whose words say what its figures say."""
    table = tables["buildings_by_year"]
    stated = {
        (year, i): (state, text)
        for year, i, state, text in rows(table, "year", "building_id", "state", "services")
    }
    for year in course.years:
        for i, row in year.facts.buildings.items():
            closed = "not_used" if row["status"] == "candidate" else "held"
            is_open, left = i in year.a.open, i in year.a.disposed
            state = "open" if is_open else "disposed" if left else closed
            said, text = stated.get((year.facts.year, i), ("nothing", ""))
            if said != state:
                yield f"building {i} in {year.facts.year}: stated {said}, found {state}"
            if set(filter(None, text.split("; "))) != {s for b, s in year.a.hosts if b == i}:
                yield f"building {i} in {year.facts.year}: services are not those it hosts"


def _cash(course: Course, nothing: Course, tables: Tables) -> Iterator[str]:
    """What each agency pays by year and line, and what it saves."""
    plan, was = cash_of(course), cash_of(nothing)
    saving = {key: was.get(key, 0.0) - plan.get(key, 0.0) for key in {*plan, *was}}
    columns = {"plan_gbp": plan, "do_nothing_gbp": was, "saving_gbp": saving}
    yield from agree("cash", tables["cash_flow"], ("year", "agency_id", "line"), columns)
