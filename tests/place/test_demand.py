"""Visits as given, or made from people by age."""

from __future__ import annotations

import pytest

from placeopt.place import demand_of
from tests.place.small import small_place


def test_given_visits_hold_and_zones_without_a_row_have_none() -> None:
    demand = demand_of(small_place()).set_index(["service_id", "zone_id"])["visits_per_year"]
    assert demand["lib"].to_dict() == {"Z1": 3000.0, "Z2": 1234.5, "007": 0.0}


def test_rates_by_age_make_visits() -> None:
    demand = demand_of(small_place()).set_index(["service_id", "zone_id"])["visits_per_year"]
    assert demand["desk", "Z1"] == 900 * 0.5 + 250 * 1.5
    assert "team" not in demand.index


def test_a_rate_without_people_is_refused() -> None:
    place = small_place()
    zones = place.zones.assign(people_16_64=float("nan"))
    with pytest.raises(ValueError, match="zone Z1 does not state people_16_64"):
        demand_of(place.replace(zones=zones))


def test_a_place_without_demand_has_an_empty_table() -> None:
    place = small_place()
    none = place.replace(demand=place.demand.iloc[:0], demand_rates=place.demand_rates.iloc[:0])
    assert list(demand_of(none)) == ["zone_id", "service_id", "visits_per_year"]
    assert demand_of(none).empty
