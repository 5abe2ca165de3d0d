"""The verifier on figures year by year: buildings, services, cash and objectives."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from placeopt.estate.verify.facts import all_channels
from placeopt.estate.verify.read import Tables, rows
from placeopt.estate.verify.tables import (
    Figures,
    assignment_rows,
    carbon_of,
    compare_columns,
    energy_of,
    visits_at,
    visits_of,
)
from placeopt.estate.verify.years import (
    Schedule,
    Year,
    backlog_of,
    carbon_priced,
    cash_of,
    receipts_of,
)


def wrong_years(schedule: Schedule, nothing: Schedule, tables: Tables) -> Iterator[str]:
    """Yield every figure of a year that differs from the one recomputed."""
    yield from _by_year(schedule, tables)
    yield from _cash(schedule, nothing, tables)
    yield from _objectives(schedule, nothing, tables)
    yield from _carbon(schedule, nothing, tables)
    yield from _channels(schedule, tables)


def _by_year(schedule: Schedule, tables: Tables) -> Iterator[str]:
    """Yield differences in buildings, service points and assignments of every year."""
    stated = schedule.first.facts.stated
    backlog = {(when, i): stated(i, "backlog_gbp") for when, i, _ in backlog_of(schedule)}
    receipts = {(when, i): net for when, i, net in receipts_of(schedule)}
    last = schedule.last.facts.year
    columns: dict[str, dict[tuple[Any, ...], float]] = defaultdict(dict)
    points: dict[str, dict[tuple[Any, ...], float]] = defaultdict(dict)
    for year in schedule.years:
        for i in year.facts.buildings:
            for column, value in _of_building(year, i).items():
                columns[column][year.facts.year, i] = value
        for column, figures in _of_points(year).items():
            points[column].update({(year.facts.year, *k): v for k, v in figures.items()})
        table = tables["assignment_by_year"]
        here = table[table["year"] == year.facts.year]
        yield from assignment_rows(year, "assignment", here)
    columns["backlog_gbp"] = backlog
    columns["receipt_net_gbp"] = {key: net for key, net in receipts.items() if key[0] <= last}
    keys = ("year", "building_id")
    yield from compare_columns("building of", tables["buildings_by_year"], keys, columns)
    yield from compare_columns(
        "service of", tables["services_by_year"], (*keys, "service_id"), points
    )
    for name in ("buildings_by_year", "services_by_year", "assignment_by_year"):
        for when in sorted(set(tables[name]["year"]) - {y.facts.year for y in schedule.years}):
            yield f"{name}: {when} is not a decided year"
    yield from _states(schedule, tables)


def _of_building(year: Year, i: str) -> dict[str, float]:
    """Return the figures of a building in a year."""
    sums = year.sums

    def at_building(points: Mapping[tuple[str, str], float]) -> float:
        return sum(gbp for (b, _), gbp in points.items() if b == i)

    return {
        "area_used_m2": sums.area_used(i),
        "visits_per_year": visits_at(year, i),
        "running_cost_gbp": sums.running_of(i),
        "double_running_gbp": at_building(sums.double_running),
        "fit_out_gbp": at_building(sums.fit_out),
        "moving_gbp": at_building(sums.moves),
        "setup_gbp": sums.set_up.get(i, 0.0),
        "closing_gbp": sums.closing.get(i, 0.0),
        "energy_kwh": energy_of(year, i),
        "carbon_tco2e": carbon_of(year, i),
    }


def _of_points(year: Year) -> dict[str, Figures]:
    """Return the figures of all service points in a year."""
    return {
        "area_m2": year.sums.area,
        "fitted_m2": year.sums.fitted,
        "visits_per_year": visits_of(year),
        "staffing_cost_gbp": year.sums.staff,
        "fit_out_gbp": year.sums.fit_out,
        "moving_gbp": year.sums.moves,
        "double_running_gbp": year.sums.double_running,
    }


def _states(schedule: Schedule, tables: Tables) -> Iterator[str]:
    """Yield buildings whose state or services in a year differ from the arrangement."""
    table = tables["buildings_by_year"]
    stated = {
        (year, i): (state, text)
        for year, i, state, text in rows(table, "year", "building_id", "state", "services")
    }
    for year in schedule.years:
        for i, row in year.facts.buildings.items():
            state_if_closed = (
                "replaced" if year.facts.replaced(i, year.arrangement.open) else "held"
            )
            state_if_closed = "not_used" if row["status"] == "candidate" else state_if_closed
            is_open, is_disposed = i in year.arrangement.open, i in year.arrangement.disposed
            state = "open" if is_open else "disposed" if is_disposed else state_if_closed
            stated_state, text = stated.get((year.facts.year, i), ("nothing", ""))
            if stated_state != state:
                yield f"building {i} in {year.facts.year}: stated {stated_state}, found {state}"
            if set(filter(None, text.split("; "))) != {
                s for b, s in year.arrangement.hosts if b == i
            }:
                yield f"building {i} in {year.facts.year}: services are not those it hosts"


def _cash(schedule: Schedule, nothing: Schedule, tables: Tables) -> Iterator[str]:
    """Yield differences in what each agency pays by year and line, and what it saves."""
    plan, was = cash_of(schedule), cash_of(nothing)
    saving = {key: was.get(key, 0.0) - plan.get(key, 0.0) for key in {*plan, *was}}
    columns = {"plan_gbp": plan, "do_nothing_gbp": was, "saving_gbp": saving}
    yield from compare_columns("cash", tables["cash_flow"], ("year", "agency_id", "line"), columns)


def _objectives(schedule: Schedule, nothing: Schedule, tables: Tables) -> Iterator[str]:
    """Yield differences in the objectives of each year."""
    for name, schedule_named in (("plan", schedule), ("do_nothing", nothing)):
        figures = {
            (year.facts.year, key): value
            for year in schedule_named.years
            for key, value in year.sums.figures().items()
        }
        table = tables["objectives_by_year"]
        yield from compare_columns("objective of", table, ("year", "objective"), {name: figures})


def _carbon(schedule: Schedule, nothing: Schedule, tables: Tables) -> Iterator[str]:
    """Yield differences in priced carbon by year: tonnes, their value and the saving."""
    columns: dict[str, dict[tuple[Any, ...], float]] = defaultdict(dict)
    for (year, tonnes, value, present_factor), (_, tonnes_today, _, _) in zip(
        carbon_priced(schedule), carbon_priced(nothing), strict=True
    ):
        figures = {
            "do_nothing_tco2e": tonnes_today,
            "plan_tco2e": tonnes,
            "saving_tco2e": tonnes_today - tonnes,
            "value_gbp_per_tco2e": value,
            "saving_gbp": (tonnes_today - tonnes) * value,
            "saving_present_gbp": (tonnes_today - tonnes) * value * present_factor,
        }
        for column, figure in figures.items():
            columns[column][(year,)] = figure
    if columns or "carbon_by_year" in tables:
        yield from compare_columns("carbon of", tables["carbon_by_year"], ("year",), columns)


def _channels(schedule: Schedule, tables: Tables) -> Iterator[str]:
    """Yield differences in visits online, served and unserved, and in desks."""
    columns: dict[str, dict[tuple[Any, ...], float]] = defaultdict(dict)
    for t, year in enumerate(schedule.years):
        facts, today = year.facts, schedule.first.before.hosts
        all_visits = all_channels(facts, t)
        for s, row in facts.services.items():
            in_person = sum(visits for (_, of), visits in facts.visits.items() if of == s)
            units_by_building = {i: units for (i, of), units in year.sums.load.items() if of == s}
            elsewhere = sum(units for i, units in units_by_building.items() if (i, s) not in today)
            is_office, total = row["back_office"], sum(units_by_building.values())
            figures = {
                "visits_all_channels_per_year": all_visits.get(s, 0.0),
                "visits_online_per_year": all_visits.get(s, 0.0) - in_person,
                "visits_served_per_year": 0.0 if is_office else total,
                "visits_unserved_per_year": 0.0 if is_office else in_person - total,
                "desks_needed": facts.desks[s] if is_office else 0.0,
                "desks_placed": total if is_office else 0.0,
                "desks_in_other_buildings": elsewhere if is_office else 0.0,
            }
            for column, figure in figures.items():
                columns[column][facts.year, s] = figure
    yield from compare_columns(
        "channels of", tables["channels_by_year"], ("year", "service_id"), columns
    )
