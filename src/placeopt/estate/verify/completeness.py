"""The verifier on completeness: all tables are there with the place's own ids, columns copied from
the place agree with it, and statements on objectives are valid.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from placeopt.estate.verify.facts import Facts
from placeopt.estate.verify.read import Tables, rows
from placeopt.estate.verify.residents import TOLERANCE
from placeopt.estate.verify.years import Schedule
from placeopt.scenario.objectives import ESTATE_UNITS
from placeopt.scenario.reassignment import planner_assigns, uses_reassignment
from placeopt.scenario.rules.estate.services import FairRents

TABLES = (
    *("buildings", "services", "assignment", "access", "zones", "bands", "money", "objectives"),
    *("channels_by_year", "buildings_by_year", "services_by_year", "assignment_by_year"),
    *("cash_flow", "objectives_by_year", "running_split", "whole_life", "cash_outlook"),
    *("closures", "closures_by_group", "assignment_today"),
    *("reasons", "standards"),
)
COPIED_COLUMNS = {
    "buildings": ("building_id", "name", "kind", "agency_id", "district_id", "x_m", "y_m"),
    "zones": ("zone_id", "name", "x_m", "y_m"),
}
UNITS = ESTATE_UNITS | {"running_cost": "GBP/year", "weighted": "GBP, as weighted"}


def unreadable_tables(facts: Facts, tables: Tables) -> Iterator[str]:
    """Yield missing tables and unknown ids: why a plan cannot be read."""
    required = [*TABLES]
    if facts.scenario.of(FairRents):
        required += ["rents", "agencies"]
    if facts.scenario.money.carbon_values:
        required.append("carbon_by_year")
    if planner_assigns(facts.scenario):
        required.append("sent_past")
    yield from (f"the plan has no table {name}" for name in required if name not in tables)
    buildings, tiers = {*facts.buildings}, {*facts.tiers, ""}
    known = {
        "building_id": buildings,
        "building_before": buildings | {""},
        "building_after": buildings | {""},
        "to_building_id": buildings | {""},
        "service_id": {*facts.services},
        "zone_id": {*facts.zones},
        "tier_id": tiers,
        "objective": {*UNITS},
    }
    for name, table in tables.items():
        for column in known.keys() & set(table.columns):
            for identity in dict.fromkeys(table[column].tolist()):
                if identity not in known[column]:
                    yield f"{name}: the place has no {column} {identity!r}"


def wrong_statements(
    schedule: Schedule, tables: Tables, summary: Mapping[str, Any]
) -> Iterator[str]:
    """Yield copied columns, modes, units and statements on objectives that are wrong."""
    yield from _copied_columns(schedule.last.facts, tables)
    yield from _modes(schedule.last.facts, tables)
    yield from _units(schedule, tables)
    yield from _objective_claims(schedule, summary)


def _copied_columns(facts: Facts, tables: Tables) -> Iterator[str]:
    """Yield differences in names, kinds, owners and coordinates of buildings and zones."""
    for name, columns in COPIED_COLUMNS.items():
        place = facts.place.tables[name]
        stated = rows(tables[name], *columns)
        for stated_row, place_row in zip(stated, rows(place, *columns), strict=False):
            if stated_row != place_row:
                yield f"{name}: stated {stated_row}, in the place {place_row}"
        if len(stated) != len(place):
            yield f"{name}: {len(stated)} rows for {len(place)} of the place"


def _modes(facts: Facts, tables: Tables) -> Iterator[str]:
    """Yield rows of an assignment whose mode is not the fastest."""
    zone_position = {zone: number for number, zone in enumerate(facts.times.zone_ids)}
    building_position = {i: number for number, i in enumerate(facts.times.building_ids)}
    modes = set(facts.scenario.travel.modes) & set(facts.times.modes)
    minutes = {mode: facts.times.matrix(mode) for mode in modes}
    for name in ("assignment", "assignment_today"):
        for zone, i, mode in rows(tables[name], "zone_id", "building_id", "mode"):
            minutes_taken = (
                minutes[mode][zone_position[zone], building_position[i]]
                if mode in minutes
                else math.nan
            )
            if not minutes_taken <= facts.fastest.get((zone, i), math.inf):
                yield f"{name} {zone} {i}: {mode} is not the fastest mode"


def _units(schedule: Schedule, tables: Tables) -> Iterator[str]:
    """Yield objectives without a row, or in another unit."""
    yearly_names = schedule.last.sums.figures().keys()
    names = ["cost", *(name for name in yearly_names if name != "running_cost")]
    if schedule.first.facts.scenario.objective.weights:
        names.append("weighted")
    by_year = [(y.facts.year, name) for y in schedule.years for name in yearly_names]
    for name, keys, expected in (
        ("objectives", ("objective",), {(one,) for one in names}),
        ("objectives_by_year", ("year", "objective"), set(by_year)),
    ):
        for key in sorted(expected - set(rows(tables[name], *keys))):
            yield f"{name}: no row of {' '.join(map(str, key))}"
        for objective, unit in rows(tables[name], "objective", "unit"):
            if unit != UNITS[objective]:
                yield f"{name}: {objective} is in {UNITS[objective]}, not {unit}"


def _objective_claims(schedule: Schedule, summary: Mapping[str, Any]) -> Iterator[str]:
    """Yield objectives that are below their bound, whose gap is not that of plan and bound, or that
    exceed the slack which the scenario grants."""
    totals, objective = schedule.totals(), schedule.first.facts.scenario.objective
    for number, name in enumerate(objective.minimise):
        if f"{name}_best_found" not in summary:  # the search ended before this objective
            continue
        best, bound = (float(summary[f"{name}_{kind}"]) for kind in ("best_found", "proven_bound"))
        tolerance = max(1.0 if UNITS[name].startswith("GBP") else 0.01, TOLERANCE * abs(best))
        if bound > best + tolerance:
            yield f"{name}: the bound {bound:,.2f} is above the best found {best:,.2f}"
        gap = float(summary[f"{name}_gap_share"])
        if (
            math.isfinite(gap)
            and abs(gap * max(abs(best), 1e-9) - max(best - bound, 0)) > tolerance
        ):
            yield f"{name}: the gap {gap:.4f} is not that of {best:,.2f} to {bound:,.2f}"
        is_last = number == len(objective.minimise) - 1
        slack = objective.slack[number] if number < len(objective.slack) else 0.0
        limit = best if is_last else best + abs(best) * slack
        if uses_reassignment(
            schedule.first.facts.scenario
        ):  # the extra cost is checked in ``sent_past``
            limit = math.inf
        if totals[name] > limit + tolerance or (is_last and totals[name] < best - tolerance):
            yield f"{name}: {best:,.2f} found, the plan's is {totals[name]:,.2f}"
