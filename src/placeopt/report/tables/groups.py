"""Whose journeys change: residents by group, and the zones that lose most.

Both tables are made from the zones of the plan and of the place. A zone's minutes are means over
its visits: where the plan sends them, and to the nearest building that offers what its residents
need. A group's minutes are means over its residents. Gains and losses are counted where visits are
sent, or to the nearest building where the plan's table lacks that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from placeopt.report.narrative.estate_totals import NOTICEABLE_MINUTES
from placeopt.report.tables.as_sent import minutes_column
from placeopt.report.tables.formats import in_words

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.engine import Answer

MAX_LOSERS = 10
QUINTILE_WORDS = {1: "1, the most deprived", 5: "5, the least deprived"}
AGE_WORDS = {
    "people_0_4": "0 to 4",
    "people_5_15": "5 to 15",
    "people_16_64": "16 to 64",
    "people_65_84": "65 to 84",
    "people_85_plus": "85 and over",
}
GROUP_COLUMNS = [
    *("by", "group", "residents"),
    *("sent_minutes_before", "sent_minutes_after", "sent_change_minutes"),
    *("minutes_before", "minutes_after", "change_minutes"),
    *("residents_longer", "residents_shorter", "residents_out_of_reach"),
]


def groups_table(answer: Answer) -> pd.DataFrame:
    """Return one row for all residents and one for each group that the place distinguishes."""
    import pandas as pd

    assert answer.plan is not None
    zones = _zones(answer)
    people = zones["population"].fillna(0.0)
    rows = [_row("Everybody", "all residents", people, zones)]
    for by, column in (
        ("Deprivation fifth", "deprivation_quintile"),
        ("Rural or urban", "area_type"),
        ("District", "district_name"),
    ):
        if column not in zones:
            continue
        values = zones[column]
        for value in sorted({x for x in values.dropna() if x != ""}):
            is_member = (values == value).fillna(False)
            name = QUINTILE_WORDS.get(value, in_words(value))
            rows.append(_row(by, name, people.where(is_member, 0.0), zones))
    for column, name in AGE_WORDS.items():
        if column in zones and zones[column].notna().any():
            rows.append(_row("Age", name, zones[column].fillna(0.0).astype(float), zones))
    return pd.DataFrame([row for row in rows if row[2] > 0], columns=GROUP_COLUMNS)


def losers_table(answer: Answer) -> pd.DataFrame:
    """Return the zones whose mean minutes grow most, each with the service that adds most."""
    assert answer.plan is not None
    zones = _zones(answer)
    column = minutes_column(zones, "change")
    zones = zones[zones[column] > 0]
    zones = zones.sort_values(column, ascending=False, kind="stable").head(MAX_LOSERS)
    service_column = minutes_column(answer.plan.access, "change")
    access = answer.plan.access.dropna(subset=[service_column])
    access = access.sort_values(service_column, ascending=False, kind="stable")
    worst = access.drop_duplicates("zone_id").set_index("zone_id")
    has_service = zones["zone_id"].isin(worst.index)
    zones = zones.assign(
        service_id=worst["service_id"].reindex(zones["zone_id"]).fillna("").to_numpy(),
        service_change_minutes=worst[service_column].reindex(zones["zone_id"]).to_numpy(),
    )[has_service]
    columns = [
        *("zone_id", "name", "district_name", "population", "deprivation_quintile", "area_type"),
        *("sent_minutes_before", "sent_minutes_after", "sent_change_minutes"),
        *("minutes_before", "minutes_after", "change_minutes"),
        *("service_id", "service_change_minutes"),
    ]
    return zones[[column for column in columns if column in zones]].reset_index(drop=True)


def _zones(answer: Answer) -> pd.DataFrame:
    """Return the plan's zones with their groups and districts."""
    assert answer.plan is not None
    place_zones = answer.place.zones
    columns = ["zone_id", "deprivation_quintile", "area_type", "district_id", *AGE_WORDS]
    columns = [column for column in columns if column in place_zones]
    zones = answer.plan.zones.merge(place_zones[columns], on="zone_id", how="left")
    districts = answer.place.tables.get("districts")
    if districts is not None and len(districts):
        names = dict(zip(districts["district_id"], districts["name"], strict=True))
        zones["district_name"] = [names.get(i) or i for i in zones["district_id"]]
    return zones


def _row(by: str, name: str, people: pd.Series, zones: pd.DataFrame) -> list[Any]:
    """Return the row of a group with ``people`` residents in each of ``zones``."""
    change = zones[minutes_column(zones, "change")]

    def means(measure: str) -> list[float]:
        columns = [f"{measure}_{when}" for when in ("before", "after")]
        if columns[0] not in zones:
            return [float("nan")] * 3
        is_known = zones[columns].notna().all(axis=1)
        weight = float(people[is_known].sum())
        before, after = (
            float((people * zones[column])[is_known].sum()) / weight if weight else float("nan")
            for column in columns
        )
        return [before, after, after - before]

    is_out_of_reach = zones["minutes_before"].notna() & zones["minutes_after"].isna()
    return [
        *(by, name, float(people.sum()), *means("sent_minutes"), *means("minutes")),
        float(people[change > NOTICEABLE_MINUTES].sum()),
        float(people[change < -NOTICEABLE_MINUTES].sum()),
        float(people[is_out_of_reach].sum()),
    ]
