"""Visits from table ``demand``, or from residents by age."""

from __future__ import annotations

import pytest

from placeopt.place import check, demand_of, digital_shares_of
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


def test_rates_grow_from_year_to_year_and_given_visits_do_not() -> None:
    place = small_place()
    rates = place.demand_rates.assign(growth_share_per_year=0.1)
    demand = demand_of(place.replace(demand_rates=rates), years_on=2)
    visits = demand.set_index(["service_id", "zone_id"])["visits_per_year"]
    assert visits["desk", "Z1"] == pytest.approx((900 * 0.5 + 250 * 1.5) * 1.1**2)
    assert visits["lib", "Z2"] == 1234.5


def test_the_latest_digital_share_of_a_group_counts() -> None:
    """The digital share is the latest one stated for a group of the zone."""
    place = small_place()
    shares = {year: digital_shares_of(place, year)["lib"].to_dict() for year in (2026, 2028, 2040)}
    stated = float(place.services["digital_share"].iloc[0])
    assert shares[2026] == {"Z1": stated, "Z2": stated, "007": stated}
    assert shares[2028] == {"Z1": 0.2, "Z2": stated, "007": stated}
    assert shares[2040] == {"Z1": 0.5, "Z2": stated, "007": stated}
    assert digital_shares_of(place, 2027).loc["Z2", "desk"] == 0.3


def test_digital_shares_by_two_groupings_are_an_error() -> None:
    place = small_place()
    shares = place.digital_shares
    assert not [f for f in check(place) if "digital_shares" in f.file]
    mixed = shares.assign(service_id="lib", year=2027, who=["quintile_1", "quintile_2", "rural"])
    found = [f for f in check(place.replace(digital_shares=mixed)) if "digital_shares" in f.file]
    assert [(f.row, f.column, f.severity) for f in found] == [(4, "who", "error")]
