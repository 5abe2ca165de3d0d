"""Who gains and who loses minutes: residents by group, and the zones that lose most.

Made from the plan's zones and the place's: a zone's minutes are the mean of its visits where the
plan sends them, and the mean to the nearest building that offers what its residents need, weighted
by visits; a group's are weighted by its residents. Who loses and gains goes by where visits are
sent, and where the table lacks that, by the nearest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from placeopt.report.narrative.estate import NOTICEABLE_MINUTES
from placeopt.report.tables.as_sent import sent_first
from placeopt.report.tables.formats import in_words

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.engine import Answer

MOST_LOSERS = 10
QUINTILES = {1: "1, the most deprived", 5: "5, the least deprived"}
AGES = {
    "people_0_4": "0 to 4",
    "people_5_15": "5 to 15",
    "people_16_64": "16 to 64",
    "people_65_84": "65 to 84",
    "people_85_plus": "85 and over",
}
GROUPS = [
    *("by", "group", "residents"),
    *("sent_minutes_before", "sent_minutes_after", "sent_change_minutes"),
    *("minutes_before", "minutes_after", "change_minutes"),
    *("residents_longer", "residents_shorter", "residents_out_of_reach"),
]


def groups_table(answer: Answer) -> pd.DataFrame:
    """One row for all residents and for each group that the place tells apart."""
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
            inside = (values == value).fillna(False)
            name = QUINTILES.get(value, in_words(value))
            rows.append(_row(by, name, people.where(inside, 0.0), zones))
    for column, name in AGES.items():
        if column in zones and zones[column].notna().any():
            rows.append(_row("Age", name, zones[column].fillna(0.0).astype(float), zones))
    return pd.DataFrame([row for row in rows if row[2] > 0], columns=GROUPS)


def losers_table(answer: Answer) -> pd.DataFrame:
    """The zones whose mean minutes grow most, and the service that each is furthest from now."""
    assert answer.plan is not None
    zones = _zones(answer)
    change = sent_first(zones, "change")
    zones = zones[zones[change] > 0]
    zones = zones.sort_values(change, ascending=False, kind="stable").head(MOST_LOSERS)
    by_service = sent_first(answer.plan.access, "change")
    access = answer.plan.access.dropna(subset=[by_service])
    access = access.sort_values(by_service, ascending=False, kind="stable")
    worst = access.drop_duplicates("zone_id").set_index("zone_id")
    known = zones["zone_id"].isin(worst.index)
    zones = zones.assign(
        service_id=worst["service_id"].reindex(zones["zone_id"]).fillna("").to_numpy(),
        service_change_minutes=worst[by_service].reindex(zones["zone_id"]).to_numpy(),
    )[known]
    columns = [
        *("zone_id", "name", "district_name", "population", "deprivation_quintile", "area_type"),
        *("sent_minutes_before", "sent_minutes_after", "sent_change_minutes"),
        *("minutes_before", "minutes_after", "change_minutes"),
        *("service_id", "service_change_minutes"),
    ]
    return zones[[column for column in columns if column in zones]].reset_index(drop=True)


def _zones(answer: Answer) -> pd.DataFrame:
    """The plan's zones with what the place says of them."""
    assert answer.plan is not None
    of_the_place = answer.place.zones
    told = ["zone_id", "deprivation_quintile", "area_type", "district_id", *AGES]
    told = [column for column in told if column in of_the_place]
    zones = answer.plan.zones.merge(of_the_place[told], on="zone_id", how="left")
    districts = answer.place.tables.get("districts")
    if districts is not None and len(districts):
        names = dict(zip(districts["district_id"], districts["name"], strict=True))
        zones["district_name"] = [names.get(i) or i for i in zones["district_id"]]
    return zones


def _row(by: str, name: str, people: pd.Series, zones: pd.DataFrame) -> list[Any]:
    change = zones[sent_first(zones, "change")]

    def means(measure: str) -> list[float]:
        columns = [f"{measure}_{when}" for when in ("before", "after")]
        if columns[0] not in zones:
            return [float("nan")] * 3
        known = zones[columns].notna().all(axis=1)
        weight = float(people[known].sum())
        before, after = (
            float((people * zones[column])[known].sum()) / weight if weight else float("nan")
            for column in columns
        )
        return [before, after, after - before]

    lost = zones["minutes_before"].notna() & zones["minutes_after"].isna()
    return [
        *(by, name, float(people.sum()), *means("sent_minutes"), *means("minutes")),
        float(people[change > NOTICEABLE_MINUTES].sum()),
        float(people[change < -NOTICEABLE_MINUTES].sum()),
        float(people[lost].sum()),
    ]
