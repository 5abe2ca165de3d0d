"""Residents within t minutes by group and by travel-time band, and what they can reach.

reach[g,t] = sum of residents[z,g] over zones z whose nearest building of the set is within t
A zone counts as a whole, from its population-weighted point.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placeopt.base.errors import UsageError
from placeopt.place import Place
from placeopt.travel.times import TravelTimes

if TYPE_CHECKING:
    import pandas as pd

AGES = ("people_0_4", "people_5_15", "people_16_64", "people_65_84", "people_85_plus")
GROUPINGS = ("all", "age", "deprivation", "area", "district", "car")
BANDS = (10.0, 20.0, 30.0, 45.0, 60.0)  # minutes
MAX_BLOCK_PAIRS = 1_000_000  # zones x buildings in one block


def residents_by(place: Place, by: str = "all") -> Mapping[str, NDArray[np.float64]]:
    """Residents of each zone by group.

    Args:
        place: The place.
        by: ``all``, ``age`` (the bands that the place states), ``deprivation``, ``area``,
            ``district`` or ``car`` (with and without, by the zone's share).

    Returns:
        Group -> (zones,) residents; zones whose group is missing are in "not known".
    """
    zones = place.zones
    people = zones["population"].to_numpy(float)
    if by == "all":
        return {"all": people}
    if by == "age":
        known = [age for age in AGES if zones[age].notna().any()]
        return {age.removeprefix("people_"): zones[age].fillna(0).to_numpy(float) for age in known}
    if by == "car":
        without = zones["without_car_share"].to_numpy(float)
        return {"with_car": people * (1 - without), "without_car": people * without}
    column = {"deprivation": "deprivation_quintile", "area": "area_type", "district": "district_id"}
    if by not in column:
        raise UsageError(f"no groups by {by!r}; there are {', '.join(GROUPINGS)}")
    group = zones[column[by]].astype(object)
    group = group.where(group.notna() & (group != ""), "not known").astype(str)
    return {name: np.where(group == name, people, 0.0) for name in sorted(group.unique())}


def nearest(
    times: TravelTimes, building_ids: Iterable[str] | None = None, modes: Sequence[str] = ("walk",)
) -> tuple[NDArray[np.float64], NDArray[np.object_]]:
    """The nearest building of each zone.

    Args:
        times: The travel times.
        building_ids: The buildings considered; by default all.
        modes: The modes considered; the fastest counts.

    Returns:
        (zones,) minutes to the nearest building, NaN if none; (zones,) its id, or "".
    """
    columns = _columns(times, building_ids)
    matrices = [times.matrix(mode) for mode in modes]
    zones = len(times.zone_ids)
    minutes, ids = np.full(zones, np.nan), np.full(zones, "", object)
    names = np.array(times.building_ids, object)[columns]
    step = max(1, MAX_BLOCK_PAIRS // max(1, len(times.building_ids)))
    for rows in (slice(first, first + step) for first in range(0, zones, step)):
        block = np.fmin.reduce([matrix[rows].take(columns, axis=1) for matrix in matrices])
        reached = ~np.isnan(block).all(axis=1)
        if reached.any():
            best = np.nanargmin(block[reached], axis=1)
            minutes[rows][reached] = block[reached, best]
            ids[rows][reached] = names[best]
    return minutes, ids


def residents_within(
    place: Place,
    times: TravelTimes,
    building_ids: Iterable[str] | None = None,
    *,
    minutes: float = 20.0,
    modes: Sequence[str] = ("walk",),
    by: str = "all",
) -> pd.DataFrame:
    """Residents within ``minutes`` of any of the buildings, by the fastest of ``modes``.

    Args:
        place: The place.
        times: The travel times.
        building_ids: The buildings considered; by default all.
        minutes: The limit.
        modes: The modes considered.
        by: The groups (see ``residents_by``).

    Returns:
        Columns group, residents, within, share (NaN for a group without residents).
    """
    import pandas as pd

    minutes_to_nearest, _ = nearest(times, building_ids, modes)
    reached = minutes_to_nearest <= minutes
    rows = [
        (group, people.sum(), people[reached].sum())
        for group, people in residents_by(place, by).items()
    ]
    table = pd.DataFrame(rows, columns=["group", "residents", "within"])
    table["share"] = table["within"] / table["residents"].where(table["residents"] > 0)
    return table


def bands(
    place: Place,
    times: TravelTimes,
    building_ids: Iterable[str] | None = None,
    *,
    edges: Sequence[float] = BANDS,
    modes: Sequence[str] = ("walk",),
    by: str = "all",
) -> pd.DataFrame:
    """Residents by minutes to the nearest of the buildings.

    Args:
        place: The place.
        times: The travel times.
        building_ids: The buildings considered; by default all.
        edges: Rising upper edges of the bands (minutes); a band includes its upper edge.
        modes: The modes considered; the fastest counts.
        by: The groups (see ``residents_by``).

    Returns:
        Columns group, band ("0 to 10", ..., "over 60", "not reached"), residents.
    """
    import pandas as pd

    band = zone_bands(times, building_ids, edges=edges, modes=modes)
    rows = [
        (group, name, people[band == name].sum())
        for group, people in residents_by(place, by).items()
        for name in [*band_names(edges), "not reached"]
    ]
    return pd.DataFrame(rows, columns=["group", "band", "residents"])


def zone_bands(
    times: TravelTimes,
    building_ids: Iterable[str] | None = None,
    *,
    edges: Sequence[float] = BANDS,
    modes: Sequence[str] = ("walk",),
) -> NDArray[np.object_]:
    """(zones,) the name of each zone's band, for maps."""
    minutes_to_nearest, _ = nearest(times, building_ids, modes)
    band_number = np.searchsorted(np.asarray(edges, float), minutes_to_nearest, side="left")
    band_number[np.isnan(minutes_to_nearest)] = len(edges) + 1
    return np.array([*band_names(edges), "not reached"], object)[band_number]


def band_names(edges: Sequence[float]) -> list[str]:
    """Names such as "0 to 10", ..., "over 60"; ``UsageError`` unless edges rise from above 0."""
    if not len(edges) or any(b <= a for a, b in zip([0.0, *edges], edges, strict=False)):
        raise UsageError(f"bands {list(edges)} must rise from above 0")
    inner = [f"{a:g} to {b:g}" for a, b in zip([0.0, *edges], edges, strict=False)]
    return [*inner, f"over {edges[-1]:g}"]


def opportunities(
    times: TravelTimes,
    weights: Mapping[str, float] | None = None,
    *,
    minutes: float = 20.0,
    modes: Sequence[str] = ("walk",),
) -> NDArray[np.float64]:
    """(zones,) the number of buildings within ``minutes``, or the sum of their ``weights``."""
    amount = np.array([1.0 if weights is None else weights.get(b, 0.0) for b in times.building_ids])
    reached: NDArray[np.float64] = (times.fastest(modes) <= minutes) @ amount
    return reached


def _columns(times: TravelTimes, building_ids: Iterable[str] | None) -> NDArray[np.intp]:
    if building_ids is None:
        return np.arange(len(times.building_ids))
    position = {key: b for b, key in enumerate(times.building_ids)}
    requested = list(building_ids)
    unknown = [key for key in requested if key not in position]
    if unknown:
        raise UsageError(f"no minutes to building {unknown[0]!r}")
    return np.array([position[key] for key in requested], dtype=np.intp)
