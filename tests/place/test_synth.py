"""A synthetic county is the same from the same seed, fits its own services and has its stated
sizes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
import pytest

from placeopt.base.errors import UsageError
from placeopt.place import Place, check, demand_of, read_place, synthesise

SEEDS = (1, 2, 3)
FORM = {
    "power": lambda s, m, scale, shape: m * (s / scale) ** shape,
    "exponential": lambda s, m, scale, shape: m * (1 - np.exp(-s / scale)),
    "hill": lambda s, m, scale, shape: m * s**shape / (scale**shape + s**shape),
}


@cache
def county(seed: int = 1) -> Place:
    return synthesise(150, 110, seed)


def errors(place: Place) -> list[str]:
    return [str(finding) for finding in check(place) if finding.severity == "error"]


def metres(place: Place) -> np.ndarray:
    """(zones, buildings) straight lines."""
    zones = place.zones[["x_m", "y_m"]].to_numpy(float)
    buildings = place.buildings[["x_m", "y_m"]].to_numpy(float)
    return np.linalg.norm(zones[:, None] - buildings[None], axis=2)


def assert_same(one: Place, other: Place) -> None:
    for name, table in one.tables.items():
        pd.testing.assert_frame_equal(table, other.tables[name])
    assert one.boundaries is not None
    assert other.boundaries is not None
    assert list(one.boundaries["zone_id"]) == list(other.boundaries["zone_id"])
    assert one.boundaries.geometry.geom_equals(other.boundaries.geometry).all()


def test_a_seed_determines_the_county():
    """The same seed makes the same county and another seed another."""
    assert_same(county(), synthesise(150, 110, 1))
    assert not synthesise(150, 110, 2).zones.equals(county().zones)


def test_the_shipped_place_is_what_the_generator_makes(data: Path):
    shipped = read_place(data / "marlshire")
    assert shipped.info == county().info
    assert shipped.info.made_up
    assert_same(shipped, county())


@pytest.mark.parametrize("seed", SEEDS)
def test_a_made_up_county_has_no_errors(seed: int):
    assert errors(county(seed)) == []


def test_the_county_has_its_stated_sizes():
    place = county()
    sizes = {name: len(table) for name, table in place.tables.items()}
    promised = {"zones": 150, "buildings": 110, "services": 10, "agencies": 6, "districts": 4}
    assert {name: sizes[name] for name in promised} == promised
    assert sizes["outcomes"] == 5
    assert place.buildings["kind"].nunique() >= 8
    assert place.spending["year"].nunique() == 2
    assert set(place.buildings["status"]) == {"open", "vacant", "candidate"}


@pytest.mark.parametrize("seed", SEEDS)
def test_people_of_all_ages_make_the_population(seed: int):
    zones = county(seed).zones
    ages = zones[[column for column in zones.columns if column.startswith("people_")]]
    assert (ages.sum(axis=1) == zones["population"]).all()
    assert (ages >= 0).all().all()


@pytest.mark.parametrize("seed", SEEDS)
def test_deprived_zones_have_fewer_cars_and_lie_together(seed: int):
    zones = county(seed).zones
    without = zones["without_car_share"].groupby(zones["deprivation_quintile"]).mean()
    assert without.is_monotonic_decreasing
    points = zones[["x_m", "y_m"]].to_numpy(float)
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    nearby = np.argsort(apart, axis=1)[:, :4]
    quintile = zones["deprivation_quintile"].to_numpy(float)
    assert np.corrcoef(quintile, quintile[nearby].mean(axis=1))[0, 1] > 0.4


@pytest.mark.parametrize("seed", SEEDS)
def test_most_people_live_in_towns(seed: int):
    zones = county(seed).zones
    urban = zones.loc[zones["area_type"] == "urban", "population"].sum()
    assert 0.5 < urban / zones["population"].sum() < 0.85


@pytest.mark.parametrize("seed", SEEDS)
def test_rents_receipts_and_running_costs_follow_the_towns(seed: int):
    place = county(seed)
    people = place.zones["population"].to_numpy(float)
    around = (people[:, None] * (metres(place) < 3000)).sum(axis=0)
    b = place.buildings
    gross = b["floor_area_m2"].to_numpy(float)
    library = ((b["kind"] == "library") & ~b["listed"]).to_numpy()
    freehold = (b["tenure"] == "freehold").to_numpy()
    receipt = b["capital_receipt_gbp"].to_numpy(float) / gross
    assert np.corrcoef(around[library & freehold], receipt[library & freehold])[0, 1] > 0.4
    rent = b["holding_cost_gbp_per_year"].to_numpy(float) / gross
    assert np.corrcoef(around[~freehold], rent[~freehold])[0, 1] > 0.3
    running = b["running_cost_fixed_gbp_per_year"].to_numpy(float) / gross
    assert np.corrcoef(around[library & freehold], running[library & freehold])[0, 1] > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_zones_tile_the_county_and_districts_are_of_one_piece(seed: int):
    import shapely

    place = county(seed)
    cells = place.boundaries
    assert cells is not None
    assert cells.crs == "EPSG:27700"
    assert cells.is_valid.all()
    assert cells.area.sum() == pytest.approx(cells.union_all().area, rel=1e-6)
    points = shapely.points(place.zones[["x_m", "y_m"]].to_numpy(float))
    assert list(cells["zone_id"]) == list(place.zones["zone_id"])
    assert shapely.covers(cells.geometry.to_numpy(), points).all()
    districts = cells.merge(place.zones, on="zone_id").dissolve("district_id").geometry
    assert all(shape.geom_type == "Polygon" for shape in districts)


@pytest.mark.parametrize("seed", SEEDS)
def test_todays_buildings_are_large_enough_for_what_they_host(seed: int):
    """Visits go to the nearest host; each service needs its area, the building its front."""
    place = county(seed)
    demand = demand_of(place).merge(place.services, on="service_id")
    demand["visits"] = demand["visits_per_year"] * (1 - demand["digital_share"])
    apart = pd.DataFrame(
        metres(place), index=place.zones["zone_id"], columns=place.buildings["building_id"]
    )
    hosting = place.hosting.merge(place.services, on="service_id")
    for service, hosts in hosting.groupby("service_id"):
        rate = hosts["area_m2_per_1000_visits"] / 1000
        room = (hosts["area_m2"] - hosts["area_base_m2"]) / rate  # visits, or desks
        if hosts["back_office"].any():
            assert room.sum() >= hosts["desks"].iloc[0]
            continue
        visits = demand[demand["service_id"] == service].set_index("zone_id")["visits"]
        nearest = apart.loc[visits.index, list(hosts["building_id"])].idxmin(axis=1)
        served = hosts["building_id"].map(visits.groupby(nearest).sum()).fillna(0.0)
        assert (room >= served - 1e-6).all(), service
    used = hosting.groupby("building_id")["area_m2"].sum()
    used += hosting.groupby("building_id")["front_of_house_m2"].max()
    b = place.buildings.set_index("building_id")
    assert (used <= (b["floor_area_m2"] * b["usable_share"]).loc[used.index] + 1e-6).all()


def test_open_buildings_host_services_and_services_have_hosts():
    """Every open building hosts a service and every service has a host."""
    place = county()
    opened = place.buildings.loc[place.buildings["status"] == "open", "building_id"]
    assert set(opened) == set(place.hosting["building_id"])
    assert set(place.hosting["service_id"]) == set(place.services["service_id"])


def test_compatibility_holds_today():
    """Pairs that must share a building do so today, and those that may not do not."""
    place = county()
    homes = place.hosting.groupby("service_id")["building_id"].agg(set)
    pairs = place.compatibility
    assert set(pairs["relation"]) == {"must", "never", "prefer"}
    for a, b in pairs.loc[pairs["relation"] == "must", ["service_a", "service_b"]].to_numpy():
        assert homes[a] == homes[b]
    for a, b in pairs.loc[pairs["relation"] == "never", ["service_a", "service_b"]].to_numpy():
        assert not homes[a] & homes[b]


def test_streams_match_past_spending_and_then_fall():
    """Streams received what was spent and receive less in later years."""
    place = county()
    spent = place.spending.groupby(["stream_id", "year"])["amount_gbp"].sum()
    amounts = place.stream_amounts.set_index(["stream_id", "year"])["amount_gbp"]
    assert (amounts[spent.index] == spent).all()
    by_year = place.stream_amounts.groupby("year")["amount_gbp"].sum()
    assert list(by_year.index) == [2024, 2025, 2026, 2027, 2028]
    assert 0.9 < by_year[2026] / by_year[2025] < 0.95
    assert by_year[2028] < by_year[2027] < by_year[2026]


def test_ring_fenced_streams_paid_only_for_what_they_may_pay_for():
    place = county()
    fenced = place.streams.loc[place.streams["ring_fenced"], "stream_id"]
    paid = place.spending[place.spending["stream_id"].isin(fenced)]
    allowed = set(map(tuple, place.stream_programmes.to_numpy()))
    assert set(map(tuple, paid[["stream_id", "programme_id"]].to_numpy())) <= allowed


def test_curves_are_concave_around_todays_spending():
    """Curves have falling slopes, and today's spending lies well inside them."""
    place = county()
    today = place.spending[place.spending["year"] == 2025]
    spend = today.groupby("programme_id")["amount_gbp"].sum()
    points = place.curve_points.set_index(["programme_id", "outcome_id"])
    for row in place.curves.itertuples():
        now = spend[row.programme_id]
        if row.form == "points":
            own = points.loc[(row.programme_id, row.outcome_id)]
            grid, effect = own["spend_gbp"].to_numpy(), own["effect"].to_numpy()
            assert grid[0] < now < grid[-1]
        else:
            grid = np.array([0.5, 0.9, 1.0, 1.1, 1.5]) * now
            effect = FORM[row.form](grid, row.maximum_effect, row.scale_gbp, row.shape)
        slope = np.diff(effect) / np.diff(grid)
        assert (slope > 0).all()
        assert (np.diff(slope) <= 1e-12).all()
    assert set(place.curves["programme_id"]) == set(place.programmes["programme_id"])
    floors = place.programmes.set_index("programme_id")["statutory_floor_gbp_per_year"]
    assert (floors <= spend[floors.index]).all()


def test_a_county_of_ten_thousand_zones_is_made_quickly():
    """Ten thousand zones and five thousand buildings are made within a minute."""
    began = perf_counter()
    place = synthesise(10_000, 5_000, seed=4)
    assert perf_counter() - began < 60
    assert len(place.zones) == 10_000
    assert len(place.buildings) == 5_000
    assert not place.zones.duplicated(["x_m", "y_m"]).any()
    assert errors(place) == []


def test_the_smallest_county_still_hosts_every_service():
    place = synthesise(12, 30, seed=5)
    assert set(place.hosting["service_id"]) == set(place.services["service_id"])
    assert errors(place) == []


def test_a_county_too_small_for_its_services_is_refused():
    with pytest.raises(UsageError, match="at least 12 zones"):
        synthesise(5)
