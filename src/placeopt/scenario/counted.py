"""The residents that an access rule counts, from the place's zones, and missing values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from placeopt.base.arrays import Bools, Floats
from placeopt.scenario.rules.estate.services import Access

if TYPE_CHECKING:
    from placeopt.place import Place


def residents_counted(place: Place, rule: Access) -> tuple[Floats, Floats]:
    """(Z,) residents that the rule counts in all districts: with a car, and without one."""
    people = place.zones["population"].to_numpy(float)
    counted = np.ones(len(people), bool)
    share: Floats = np.ones(len(people))
    for group in rule.groups():
        if group.startswith("people_"):
            band = np.nan_to_num(place.zones[group].to_numpy(float))
            share = share * np.divide(band, people, out=np.zeros_like(band), where=people > 0)
        elif group != "without_car":
            counted &= _in_group(place, group)
    if rule.quintiles:
        counted &= np.isin(_quintile(place), rule.quintiles)
    people = np.where(counted, people * share, 0.0)
    without = people * place.zones["without_car_share"].to_numpy(float)
    with_car = np.zeros_like(people) if "without_car" in rule.groups() else people - without
    return with_car, without


def total_residents_counted(place: Place, rule: Access) -> float:
    """The number of residents that the rule counts, over all of its districts."""
    people = np.sum(residents_counted(place, rule), axis=0)
    district = place.zones["district_id"].to_numpy(str)
    if rule.district is not None:
        return float(people[district == rule.district].sum())
    if rule.each_district:
        return float(people[np.isin(district, place.districts["district_id"].to_numpy(str))].sum())
    return float(people.sum())


def columns_read(rule: Access) -> Iterator[str]:
    """The columns of zones, other than population, that decide whom the rule counts."""
    for group in rule.groups():
        if group == "without_car":
            yield "without_car_share"
        elif group == "most_deprived":
            yield "deprivation_quintile"
        else:
            yield "area_type" if group in ("rural", "urban") else group
    if rule.quintiles:
        yield "deprivation_quintile"
    if rule.district is not None or rule.each_district:
        yield "district_id"


def missing_values(place: Place, column: str) -> Bools:
    """(Z,) whether zones have no value in ``column``.

    ``without_car_share`` is 0 by default, so it counts as missing only if it is 0 in every zone.
    """
    values = place.zones[column]
    if column == "without_car_share":
        return np.full(len(values), not (values > 0).any())
    return np.asarray(values.isna() | (values.astype("string").fillna("") == ""), bool)


def _quintile(place: Place) -> Floats:
    column = place.zones["deprivation_quintile"].astype("Float64")
    return np.asarray(column.to_numpy(float, na_value=np.nan), float)


def _in_group(place: Place, group: str) -> Bools:
    if group == "most_deprived":
        return np.asarray(_quintile(place) == 1, bool)
    return np.asarray(place.zones["area_type"] == group, bool)
