"""Closures and where their users go: a table of service points, popups and lines on a map.

closed_points  one row per closed service point: its users, where they go, minutes added by mode and
               for the groups that have least choice
flows          one row per closed building and building that takes its users, for lines on a map

Made from the plan's tables ``closures`` and ``closures_by_group``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from placeopt.report.tables.formats import count, is_missing, per_cent
from placeopt.report.tables.group_names import GROUP_WORDS, MODE_WORDS
from placeopt.report.tables.sheet import names_by_id

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from placeopt.engine import Answer

POINT_KEYS = ["year", "building_id", "service_id"]
MODES = ("walk", "transit", "drive", "cycle")  # in the order in which they are shown
LEAST_CHOICE_GROUPS = ("without_car", "quintile_1", "people_85_plus")
POPUP_GROUPS = ("without_car", "quintile_1", "quintile_5", "rural", "urban", "people_85_plus")
MAX_NAMED = 6  # buildings named in a popup; the others are counted
UNSERVED = "not served"


def has_closures(answer: Answer) -> bool:
    """Whether the plan closes something and states where the users go."""
    return answer.plan is not None and len(answer.plan.tables.get("closures", ())) > 0


def closed_points_table(answer: Answer) -> pd.DataFrame:
    """Return one row per closed service point, by year and then by visits, the most first."""
    import pandas as pd

    assert answer.plan is not None
    flows, minutes = answer.plan.tables["closures"], _minutes_by_group(answer)
    names = names_by_id(answer.place, "buildings")
    rows = []
    for key, part in flows.groupby(POINT_KEYS, sort=False):
        year, building, service = key
        visits = float(part["visits_per_year"].sum())
        row: dict[str, Any] = {
            "building_id": building,
            "service_id": service,
            "year": year,
            "what_closes": part["what_closes"].iloc[0],
            "visits_per_year": visits,
            "goes_to": _goes_to(part, visits, names),
            "minutes_before": minutes.get((*key, "all", "fastest"), {}).get("minutes_before"),
        }
        for mode in ("fastest", *_modes(answer)):
            row[f"added_{mode}_minutes"] = _added_minutes(minutes, key, "all", mode)
            if mode in ("walk", "transit"):
                row[f"cut_off_{mode}_visits_per_year"] = _cut_off(minutes, key, "all", mode)
        for group in LEAST_CHOICE_GROUPS:
            row[f"added_{group}_minutes"] = _added_minutes(minutes, key, group, "fastest")
        row["cut_off_without_car_visits_per_year"] = _cut_off(
            minutes, key, "without_car", "fastest"
        )
        rows.append(row)
    table = pd.DataFrame(rows)
    order = table.sort_values(["year", "visits_per_year"], ascending=[True, False], kind="stable")
    return order.reset_index(drop=True)


def _modes(answer: Answer) -> list[str]:
    assert answer.plan is not None
    measured = set(answer.plan.tables["closures_by_group"]["mode"])
    return [mode for mode in MODES if mode in measured]


def _minutes_by_group(answer: Answer) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Return (year, building, service, group, mode) -> row of ``closures_by_group``."""
    assert answer.plan is not None
    table = answer.plan.tables["closures_by_group"]
    keys = [*POINT_KEYS, "who", "mode"]
    rows = table.to_dict("records")
    return {tuple(row[key] for key in keys): row for row in rows}  # type: ignore[misc]


def _added_minutes(minutes: Any, key: Any, group: str, mode: str) -> float:
    return float(minutes.get((*key, group, mode), {}).get("added_minutes", float("nan")))


def _cut_off(minutes: Any, key: Any, group: str, mode: str) -> float:
    """Return the visits of a group that reach the closed point by a mode, and not the new place."""
    row = minutes.get((*key, group, mode), {})
    return float(row.get("visits_cut_off_per_year", float("nan")))


def _goes_to(part: pd.DataFrame, visits: float, names: dict[str, str]) -> str:
    """Return the buildings that take the users: "North Hub 62 %; Hill Library 38 %"."""
    if not visits > 0:
        return "nobody goes there today: another building is nearer"
    shares = [
        f"{names.get(to, to) if to else UNSERVED} {per_cent(moved / visits)}"
        for to, moved in zip(part["to_building_id"], part["visits_per_year"], strict=True)
    ]
    return "; ".join(shares)


def flows_table(answer: Answer) -> pd.DataFrame:
    """Return visits by closed building and the building that takes them, over all years."""
    assert answer.plan is not None
    table = answer.plan.tables["closures"]
    table = table[(table["to_building_id"] != "") & (table["visits_per_year"] > 0)]
    with_minutes = table.assign(
        spent_before=table["minutes_before"] * table["visits_per_year"],
        spent_after=table["minutes_after"] * table["visits_per_year"],
    )
    flows = with_minutes.groupby(["building_id", "to_building_id"], sort=False, as_index=False).agg(
        year=("year", "min"),
        services=("service_id", lambda ids: "; ".join(dict.fromkeys(ids))),
        visits_per_year=("visits_per_year", "sum"),
        spent_before=("spent_before", "sum"),
        spent_after=("spent_after", "sum"),
    )
    for when in ("before", "after"):
        flows[f"minutes_{when}"] = flows.pop(f"spent_{when}") / flows["visits_per_year"]
    flows["added_minutes"] = flows["minutes_after"] - flows["minutes_before"]
    return flows


def flow_lines(answer: Answer) -> gpd.GeoDataFrame | None:
    """Return a line from the closed building for each row of ``closures`` with a destination.

    None where no line can be drawn.
    """
    import geopandas as gpd
    import shapely

    from placeopt.travel.crs import make_points

    assert answer.plan is not None
    buildings, table = answer.plan.buildings, answer.plan.tables["closures"]
    located = buildings.dropna(subset=["x_m", "y_m"]).set_index("building_id")
    has_line = table["building_id"].isin(located.index) & table["to_building_id"].isin(
        located.index
    )
    table = table[has_line & (table["visits_per_year"] > 0)].reset_index(drop=True)
    if not len(table):
        return None
    ends = [located.loc[table[name], ["x_m", "y_m"]] for name in ("building_id", "to_building_id")]
    start, end = (list(zip(at["x_m"], at["y_m"], strict=True)) for at in ends)
    lines = [shapely.LineString(pair) for pair in zip(start, end, strict=True)]
    crs = make_points(located["x_m"], located["y_m"], answer.place.info.crs).crs
    for column, naming_table in (("building_id", "buildings"), ("service_id", "services")):
        names = names_by_id(answer.place, naming_table)
        labels = [names.get(str(i), str(i)) for i in table[column]]
        table.insert(list(table.columns).index(column) + 1, column.replace("_id", "_name"), labels)
    names = names_by_id(answer.place, "buildings")
    table["to_building_name"] = [names.get(str(i), str(i)) for i in table["to_building_id"]]
    return gpd.GeoDataFrame(table, geometry=lines, crs=crs)


def add_closures_to_map(answer: Answer, buildings: list[dict[str, Any]]) -> list[list[Any]]:
    """Add closures to the popups of the map's ``buildings``; return its lines.

    Returns:
        [position of the closed building, of the other, visits a year, text] for each line.
    """
    if not has_closures(answer):
        return []
    position = {building["id"]: number for number, building in enumerate(buildings)}
    flows = flows_table(answer)
    for building_id, words in _popups(answer, flows).items():
        if building_id in position:
            buildings[position[building_id]].update(words)
    return [
        [
            position[a],
            position[b],
            round(visits),
            f"{count(visits, 'visit')} a year, {added_in_words(added)}",
        ]
        for a, b, visits, added in zip(
            *(flows[c] for c in ("building_id", "to_building_id", "visits_per_year")),
            flows["added_minutes"],
            strict=True,
        )
        if a in position and b in position
    ]


def _popups(answer: Answer, flows: pd.DataFrame) -> dict[str, dict[str, str]]:
    """Return building -> texts of its popup on users who leave it or come to it."""
    assert answer.plan is not None
    names, services = names_by_id(answer.place, "buildings"), names_by_id(answer.place, "services")
    popups: dict[str, dict[str, str]] = {}
    for own, other, key in (
        ("building_id", "to_building_id", "go"),
        ("to_building_id", "building_id", "take"),
    ):
        for building, part in flows.groupby(own, sort=False):
            part = part.sort_values("visits_per_year", ascending=False, kind="stable")
            texts = [
                f"{names.get(i, i)}: {count(visits, 'visit')} a year, {added_in_words(added)}"
                for i, visits, added in zip(
                    part[other], part["visits_per_year"], part["added_minutes"], strict=True
                )
            ]
            unnamed = len(texts) - MAX_NAMED
            texts = texts[:MAX_NAMED] + ([f"and {unnamed} more"] if unnamed > 0 else [])
            popups.setdefault(str(building), {})[key] = "; ".join(texts)
    table = answer.plan.tables["closures"]
    unserved = table[(table["to_building_id"] == "") & (table["visits_per_year"] > 0)]
    for closed, visits in unserved.groupby("building_id")["visits_per_year"].sum().items():
        popups.setdefault(str(closed), {})["lost"] = f"{count(visits, 'visit')} a year"
    by_group = _added_by_building(answer)
    for building, part in by_group.groupby("building_id", sort=False):
        added = part.set_index(["who", "mode"])["added_minutes"].to_dict()
        ways = [
            f"{MODE_WORDS[m]} {added_in_words(added['all', m])}"
            for m in MODES
            if is_known(added, "all", m)
        ]
        groups = [
            f"{GROUP_WORDS[g]} {added_in_words(added[g, 'fastest'])}"
            for g in POPUP_GROUPS
            if is_known(added, g, "fastest")
        ]
        popups.setdefault(str(building), {}).update(ways="; ".join(ways), who="; ".join(groups))
    for building, part in table.groupby("building_id", sort=False):
        points = [
            f"{services.get(s, s)} ({year})"
            for year, s in dict.fromkeys(zip(part["year"], part["service_id"], strict=True))
        ]
        popups.setdefault(str(building), {})["ends"] = "; ".join(points)
    return popups


def is_known(added: dict[Any, float], group: str, mode: str) -> bool:
    """Whether minutes added are known for a group and a mode."""
    return not is_missing(added.get((group, mode), float("nan")))


def _added_by_building(answer: Answer) -> pd.DataFrame:
    """Return minutes added by building, group and mode: means over its closed points, by visits."""
    assert answer.plan is not None
    table = answer.plan.tables["closures_by_group"]
    weight = table["visits_compared_per_year"]
    spent = table.assign(spent=(table["added_minutes"] * weight).where(weight > 0, 0.0))
    means = spent.groupby(["building_id", "who", "mode"], as_index=False, sort=False).agg(
        spent=("spent", "sum"), weight=("visits_compared_per_year", "sum")
    )
    means["added_minutes"] = means["spent"] / means["weight"].where(means["weight"] > 0)
    return means


def added_in_words(minutes: float) -> str:
    """Return minutes added in words: "4.1 minutes more", "as long as today"."""
    if is_missing(minutes):
        return "not known"
    if abs(minutes) < 0.05:
        return "as long as today"
    return f"{abs(minutes):.1f} minutes {'more' if minutes > 0 else 'fewer'}"
