"""My area: for each zone and service, the hosts today and in the plan, with minutes by mode.

``areas_table`` is the workbook's sheet. ``area_data`` is the page's data, with which a reader finds
an area in the one file without a server. A zone has several hosts where its visits are split.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from placeopt.report.tables.closures import MODES, has_closures
from placeopt.report.tables.group_names import MODE_WORDS
from placeopt.report.tables.sheet import names_by_id

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.engine import Answer

MAX_PAIRS = 60_000  # zones times services on the page; with more it names the tables instead
MAX_HOSTS = 4  # of one zone and service on the page, the largest shares first
MIN_SHARE = 0.01
ASSIGNMENT_TABLES = {"before": "assignment_today", "after": "assignment"}


def has_areas(answer: Answer) -> bool:
    """Whether the plan states where visits go today and in the plan, and minutes are known."""
    if answer.plan is None or answer.times is None or not len(answer.times.zone_ids):
        return False
    return all(len(answer.plan.tables.get(name, ())) for name in ASSIGNMENT_TABLES.values())


def measured_modes(answer: Answer) -> list[str]:
    """Return the scenario's modes that were measured, in the order in which they are shown."""
    assert answer.times is not None
    asked = set(answer.times.modes) & set(answer.scenario.travel.modes)
    return [mode for mode in MODES if mode in asked] + sorted(asked - set(MODES))


def areas_table(answer: Answer) -> pd.DataFrame:
    """Return one row per zone and service with visits, today and in the plan.

    Columns: the building that takes most visits, its share, mean minutes by the fastest mode, and
    mean minutes by each mode.
    """
    assert answer.plan is not None
    journeys = {when: _journeys(answer, name) for when, name in ASSIGNMENT_TABLES.items()}
    modes = measured_modes(answer)
    parts = {}
    for when, table in journeys.items():
        first = table.drop_duplicates(["zone_id", "service_id"])
        means = _means(table, ["minutes", *modes])
        first = first.set_index(["zone_id", "service_id"])[["building_id", "share"]]
        parts[when] = first.join(means).rename(
            columns={"building_id": f"building_{when}", "share": f"share_{when}"}
            | {"minutes": f"minutes_{when}"}
            | {mode: f"{mode}_{when}_minutes" for mode in modes}
        )
    table = parts["before"].join(parts["after"], how="outer")
    for when in ASSIGNMENT_TABLES:
        table[f"building_{when}"] = table[f"building_{when}"].fillna("")
    table["change_minutes"] = table["minutes_after"] - table["minutes_before"]
    columns = [
        *("building_before", "share_before", "minutes_before"),
        *("building_after", "share_after", "minutes_after", "change_minutes"),
        *(f"{mode}_{when}_minutes" for mode in modes for when in ASSIGNMENT_TABLES),
    ]
    return table[columns].reset_index()


def _journeys(answer: Answer, name: str) -> pd.DataFrame:
    """Return an assignment with minutes by each mode, the largest share of each zone first."""
    assert answer.plan is not None
    assert answer.times is not None
    table = answer.plan.tables[name]
    zone = {z: number for number, z in enumerate(answer.times.zone_ids)}
    building = {b: number for number, b in enumerate(answer.times.building_ids)}
    rows, columns = table["zone_id"].map(zone), table["building_id"].map(building)
    by_mode = {mode: answer.times.matrix(mode)[rows, columns] for mode in measured_modes(answer)}
    table = table.assign(**by_mode)
    return table.sort_values(
        ["zone_id", "service_id", "share"], ascending=[True, True, False], kind="stable"
    )


def _means(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Return means by zone and service, weighted by share, over hosts within reach."""
    import pandas as pd

    keys = [table["zone_id"], table["service_id"]]
    means = {}
    for column in columns:
        in_reach = table[column].notna()
        spent = (table[column] * table["share"]).where(in_reach, 0.0).groupby(keys).sum()
        weight = table["share"].where(in_reach, 0.0).groupby(keys).sum()
        means[column] = spent / weight.where(weight > 0)
    return pd.DataFrame(means)


def area_data(answer: Answer) -> dict[str, Any] | None:
    """Return the data that the page embeds.

    None where there are no areas; ``data`` is None where there are too many for one file.
    """
    if not has_areas(answer):
        return None
    assert answer.plan is not None
    pairs = len(answer.plan.tables["assignment_today"][["zone_id", "service_id"]].drop_duplicates())
    if pairs > MAX_PAIRS:
        return {"data": None, "zones": len(answer.place.zones)}
    return {"data": _data(answer), "zones": len(answer.place.zones)}


def _data(answer: Answer) -> dict[str, Any]:
    assert answer.plan is not None
    journeys = {when: _journeys(answer, name) for when, name in ASSIGNMENT_TABLES.items()}
    modes = measured_modes(answer)
    services = list(dict.fromkeys(journeys["before"]["service_id"]))
    services += [s for s in dict.fromkeys(journeys["after"]["service_id"]) if s not in services]
    order = {s: n for n, s in enumerate(answer.place.services["service_id"])}
    services.sort(key=lambda s: order.get(s, len(order)))
    shown = {b for table in journeys.values() for b in table["building_id"]} | _closing_buildings(
        answer
    )
    buildings = [b for b in answer.plan.buildings["building_id"] if b in shown]
    zones = list(answer.place.zones["zone_id"])
    rows: list[list[Any]] = [[] for _ in zones]
    position = {z: n for n, z in enumerate(zones)}
    hosts = {
        when: _hosts_by_zone(table, {b: n for n, b in enumerate(buildings)}, modes)
        for when, table in journeys.items()
    }
    for key in dict.fromkeys([*hosts["before"], *hosts["after"]]):
        zone, service = key
        entry = [
            services.index(service),
            hosts["before"].get(key, []),
            hosts["after"].get(key, []),
        ]
        rows[position[zone]].append(entry)
    names = names_by_id(answer.place, "services")
    return {
        "modes": [MODE_WORDS.get(mode, mode) for mode in modes],
        "services": [names.get(s, s) for s in services],
        "buildings": _buildings(answer, buildings, services),
        "zones": _zones(answer),
        "rows": [sorted(entries, key=lambda entry: entry[0]) for entries in rows],
    }


def _hosts_by_zone(
    table: pd.DataFrame, position: dict[str, int], modes: list[str]
) -> dict[Any, list[Any]]:
    """Return (zone, service) -> [building, per cent of visits, minutes by mode ...] per host."""
    hosts: dict[Any, list[Any]] = {}
    minutes = np.round(table[modes].to_numpy(float), 1)
    for zone, service, building, share, by_mode in zip(
        *(table[c] for c in ("zone_id", "service_id", "building_id", "share")), minutes, strict=True
    ):
        entries = hosts.setdefault((zone, service), [])
        if len(entries) < MAX_HOSTS and (share >= MIN_SHARE or not entries):
            minutes_or_none = [float(m) if np.isfinite(m) else None for m in by_mode]
            entries.append([position[building], max(1, round(100 * share)), *minutes_or_none])
    return hosts


def _closing_buildings(answer: Answer) -> set[str]:
    assert answer.plan is not None
    return set(answer.plan.tables["closures"]["building_id"]) if has_closures(answer) else set()


def _buildings(answer: Answer, ids: list[str], services: list[str]) -> list[list[Any]]:
    """Return of each building: name, easting, northing (m), services that leave, whether it closes.

    Services that leave are pairs of service and year.
    """
    assert answer.plan is not None
    table = answer.plan.buildings.set_index("building_id")
    leaves: dict[str, list[list[int]]] = {}
    closes = set()
    if has_closures(answer):
        rows = answer.plan.tables["closures"]
        rows = rows.drop_duplicates(["year", "building_id", "service_id"])
        for year, building, service, what_closes in zip(
            *(rows[c] for c in ("year", "building_id", "service_id", "what_closes")), strict=True
        ):
            if service in services:
                leaves.setdefault(building, []).append([services.index(service), int(year)])
            if what_closes == "building":
                closes.add(building)
    return [
        [
            str(table.at[b, "name"] or b),
            _metres(table.at[b, "x_m"]),
            _metres(table.at[b, "y_m"]),
            leaves.get(b, []),
            int(b in closes),
        ]
        for b in ids
    ]


def _zones(answer: Answer) -> list[list[Any]]:
    """Return id, name, district, easting, northing (m) and residents of each zone."""
    zones = answer.place.zones
    districts = names_by_id(answer.place, "districts")
    return [
        [
            str(i),
            str(name or i),
            str(districts.get(str(district), district or "")),
            _metres(x),
            _metres(y),
            round(people) if np.isfinite(people) else 0,
        ]
        for i, name, district, x, y, people in zip(
            *(zones[c] for c in ("zone_id", "name", "district_id", "x_m", "y_m", "population")),
            strict=True,
        )
    ]


def _metres(value: Any) -> int | None:
    return round(float(value)) if np.isfinite(float(value)) else None
