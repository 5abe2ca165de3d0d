"""What closes and where its users go, as people read it: a row a point, popups, lines on a map.

closed_points  a row a closed service point: its users, where they go, minutes added by mode and
               for the groups that have least choice
flows          a row a closed building and building that takes its users, for lines on a map

Made from the plan's tables ``closures`` and ``closures_by_group``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from placeopt.report.tables.formats import count, missing, per_cent
from placeopt.report.tables.group_names import WAYS, WHO
from placeopt.report.tables.sheet import names_of

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from placeopt.engine import Answer

POINT = ["year", "building_id", "service_id"]
MODES = ("walk", "transit", "drive", "cycle")  # in the order in which they are shown
LEAST_CHOICE = ("without_car", "quintile_1", "people_85_plus")
IN_POPUPS = ("without_car", "quintile_1", "quintile_5", "rural", "urban", "people_85_plus")
MOST_NAMED = 6  # buildings named in a popup; the rest is counted
UNSERVED = "not served"


def has_closures(answer: Answer) -> bool:
    """Whether the plan says where users of closed points go, and something closes."""
    return answer.plan is not None and len(answer.plan.tables.get("closures", ())) > 0


def closed_points_table(answer: Answer) -> pd.DataFrame:
    """One row a closed service point, the year's first, the most visits first."""
    import pandas as pd

    assert answer.plan is not None
    flows, minutes = answer.plan.tables["closures"], _minutes(answer)
    names = names_of(answer.place, "buildings")
    rows = []
    for key, part in flows.groupby(POINT, sort=False):
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
            row[f"added_{mode}_minutes"] = _added(minutes, key, "all", mode)
        for who in LEAST_CHOICE:
            row[f"added_{who}_minutes"] = _added(minutes, key, who, "fastest")
        rows.append(row)
    table = pd.DataFrame(rows)
    order = table.sort_values(["year", "visits_per_year"], ascending=[True, False], kind="stable")
    return order.reset_index(drop=True)


def _modes(answer: Answer) -> list[str]:
    assert answer.plan is not None
    there = set(answer.plan.tables["closures_by_group"]["mode"])
    return [mode for mode in MODES if mode in there]


def _minutes(answer: Answer) -> dict[tuple[Any, ...], dict[str, Any]]:
    """(year, building, service, who, mode) -> its row."""
    assert answer.plan is not None
    table = answer.plan.tables["closures_by_group"]
    keys = [*POINT, "who", "mode"]
    rows = table.to_dict("records")
    return {tuple(row[key] for key in keys): row for row in rows}  # type: ignore[misc]


def _added(minutes: Any, key: Any, who: str, mode: str) -> float:
    return float(minutes.get((*key, who, mode), {}).get("added_minutes", float("nan")))


def _goes_to(part: pd.DataFrame, visits: float, names: dict[str, str]) -> str:
    """Which buildings take the users, with their share: "North Hub 62 %; Hill Library 38 %"."""
    if not visits > 0:
        return "nobody goes there today: another building is nearer"
    said = [
        f"{names.get(to, to) if to else UNSERVED} {per_cent(went / visits)}"
        for to, went in zip(part["to_building_id"], part["visits_per_year"], strict=True)
    ]
    return "; ".join(said)


def flows_table(answer: Answer) -> pd.DataFrame:
    """Visits by closed building and building that takes them, all services and years together."""
    assert answer.plan is not None
    table = answer.plan.tables["closures"]
    table = table[(table["to_building_id"] != "") & (table["visits_per_year"] > 0)]
    weighted = table.assign(
        spent_before=table["minutes_before"] * table["visits_per_year"],
        spent_after=table["minutes_after"] * table["visits_per_year"],
    )
    found = weighted.groupby(["building_id", "to_building_id"], sort=False, as_index=False).agg(
        year=("year", "min"),
        services=("service_id", lambda ids: "; ".join(dict.fromkeys(ids))),
        visits_per_year=("visits_per_year", "sum"),
        spent_before=("spent_before", "sum"),
        spent_after=("spent_after", "sum"),
    )
    for when in ("before", "after"):
        found[f"minutes_{when}"] = found.pop(f"spent_{when}") / found["visits_per_year"]
    found["added_minutes"] = found["minutes_after"] - found["minutes_before"]
    return found


def flow_lines(answer: Answer) -> gpd.GeoDataFrame | None:
    """Every row of ``closures`` that goes somewhere as a line from the closed building; None
    where no line can be drawn."""
    import geopandas as gpd
    import shapely

    from placeopt.travel.crs import points_of

    assert answer.plan is not None
    buildings, table = answer.plan.buildings, answer.plan.tables["closures"]
    known = buildings.dropna(subset=["x_m", "y_m"]).set_index("building_id")
    drawn = table["building_id"].isin(known.index) & table["to_building_id"].isin(known.index)
    table = table[drawn & (table["visits_per_year"] > 0)].reset_index(drop=True)
    if not len(table):
        return None
    ends = [known.loc[table[name], ["x_m", "y_m"]] for name in ("building_id", "to_building_id")]
    start, end = (list(zip(at["x_m"], at["y_m"], strict=True)) for at in ends)
    lines = [shapely.LineString(pair) for pair in zip(start, end, strict=True)]
    crs = points_of(known["x_m"], known["y_m"], answer.place.info.crs).crs
    for column, of in (("building_id", "buildings"), ("service_id", "services")):
        names = names_of(answer.place, of)
        said = [names.get(str(i), str(i)) for i in table[column]]
        table.insert(list(table.columns).index(column) + 1, column.replace("_id", "_name"), said)
    names = names_of(answer.place, "buildings")
    table["to_building_name"] = [names.get(str(i), str(i)) for i in table["to_building_id"]]
    return gpd.GeoDataFrame(table, geometry=lines, crs=crs)


def add_to_map(answer: Answer, buildings: list[dict[str, Any]]) -> list[list[Any]]:
    """Words for the popups of the map's buildings, and its lines: [from, to, visits, words]."""
    if not has_closures(answer):
        return []
    at = {building["id"]: number for number, building in enumerate(buildings)}
    flows = flows_table(answer)
    for building_id, words in _popups(answer, flows).items():
        if building_id in at:
            buildings[at[building_id]].update(words)
    return [
        [at[a], at[b], round(visits), f"{count(visits, 'visit')} a year, {more(added)}"]
        for a, b, visits, added in zip(
            *(flows[c] for c in ("building_id", "to_building_id", "visits_per_year")),
            flows["added_minutes"],
            strict=True,
        )
        if a in at and b in at
    ]


def _popups(answer: Answer, flows: pd.DataFrame) -> dict[str, dict[str, str]]:
    """Building -> what its popup says of users who leave it or come."""
    assert answer.plan is not None
    names, services = names_of(answer.place, "buildings"), names_of(answer.place, "services")
    said: dict[str, dict[str, str]] = {}
    for own, other, key in (
        ("building_id", "to_building_id", "go"),
        ("to_building_id", "building_id", "take"),
    ):
        for building, part in flows.groupby(own, sort=False):
            part = part.sort_values("visits_per_year", ascending=False, kind="stable")
            texts = [
                f"{names.get(i, i)}: {count(visits, 'visit')} a year, {more(added)}"
                for i, visits, added in zip(
                    part[other], part["visits_per_year"], part["added_minutes"], strict=True
                )
            ]
            left = len(texts) - MOST_NAMED
            texts = texts[:MOST_NAMED] + ([f"and {left} more"] if left > 0 else [])
            said.setdefault(str(building), {})[key] = "; ".join(texts)
    table = answer.plan.tables["closures"]
    lost = table[(table["to_building_id"] == "") & (table["visits_per_year"] > 0)]
    for lost_from, visits in lost.groupby("building_id")["visits_per_year"].sum().items():
        said.setdefault(str(lost_from), {})["lost"] = f"{count(visits, 'visit')} a year"
    by_group = _of_buildings(answer)
    for building, part in by_group.groupby("building_id", sort=False):
        added = part.set_index(["who", "mode"])["added_minutes"].to_dict()
        ways = [f"{WAYS[m]} {more(added['all', m])}" for m in MODES if known(added, "all", m)]
        who = [
            f"{WHO[w]} {more(added[w, 'fastest'])}" for w in IN_POPUPS if known(added, w, "fastest")
        ]
        said.setdefault(str(building), {}).update(ways="; ".join(ways), who="; ".join(who))
    for building, part in table.groupby("building_id", sort=False):
        points = [
            f"{services.get(s, s)} ({year})"
            for year, s in dict.fromkeys(zip(part["year"], part["service_id"], strict=True))
        ]
        said.setdefault(str(building), {})["ends"] = "; ".join(points)
    return said


def known(added: dict[Any, float], who: str, mode: str) -> bool:
    return not missing(added.get((who, mode), float("nan")))


def _of_buildings(answer: Answer) -> pd.DataFrame:
    """Minutes added by building, group and mode: means over its points that close, by visits."""
    assert answer.plan is not None
    table = answer.plan.tables["closures_by_group"]
    weight = table["visits_compared_per_year"]
    spent = table.assign(spent=(table["added_minutes"] * weight).where(weight > 0, 0.0))
    found = spent.groupby(["building_id", "who", "mode"], as_index=False, sort=False).agg(
        spent=("spent", "sum"), weight=("visits_compared_per_year", "sum")
    )
    found["added_minutes"] = found["spent"] / found["weight"].where(found["weight"] > 0)
    return found


def more(minutes: float) -> str:
    """Minutes more or fewer: "4.1 minutes more", "as long as today"."""
    if missing(minutes):
        return "not known"
    if abs(minutes) < 0.05:
        return "as long as today"
    return f"{abs(minutes):.1f} minutes {'more' if minutes > 0 else 'fewer'}"
