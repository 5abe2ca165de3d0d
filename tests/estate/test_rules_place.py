"""Hand-worked rules about buildings: each in a town in which it binds, with the rejected plan in
the docstring. Money is for one year of appraisal unless stated."""

import pytest

from placeopt.scenario.rules.estate.services import Network, Opened, Pinned, Together
from tests.estate.town import building, cost_of, town


def test_a_service_moves_in_only_as_kind_and_tier_allow():
    """(E3) Moving into candidate B2 (5,000 a year) needs its kind to suit and, with tiers, a tier
    (set-up 2,000): 7,000 against 10,000 for staying in B1. A kiosk may not host S."""
    buildings = [
        building("B1", 10_000),
        building("B2", 5_000, status="candidate", kind="shop"),
    ]
    free = town(buildings)
    barred = town(buildings, suitability=[{"building_kind": "library", "service_id": "S"}])
    hub = {"tier_id": "hub", "setup_cost_gbp": 2_000.0}
    link = {"tier_id": "hub", "service_id": "S"}
    kiosk = [{"tier_id": "kiosk", "setup_cost_gbp": 0.0}]
    assert cost_of(free) == pytest.approx(5_000)
    assert cost_of(barred) == pytest.approx(10_000)
    tiered = town(buildings, tiers=[hub], tier_services=[link])
    assert cost_of(tiered) == pytest.approx(7_000)
    other = [{"service_id": "S"}, {"service_id": "T", "back_office": True, "desks": 0.0}]
    kiosk_link = [{"tier_id": "kiosk", "service_id": "T"}]
    hosting = [{"building_id": "B1", "service_id": "S"}]
    closed_to_s = town(buildings, other, hosting, tiers=kiosk, tier_services=kiosk_link)
    assert cost_of(closed_to_s) == pytest.approx(10_000)


def test_a_service_kept_to_a_kind_of_building_leaves_the_others():
    """(E3) S is in B1 (10,000) and B2, a shop (5,000). Kept to libraries it stays in B1 and leaves
    the shop: 10,000, where any kind would do 5,000."""
    here = town([building("B1", 10_000, kind="library"), building("B2", 5_000, kind="shop")])
    assert cost_of(here) == pytest.approx(5_000)
    kept = Opened(only_in={"S": ("library",)})
    assert cost_of(here, kept) == pytest.approx(10_000)
    assert cost_of(here, Opened(only_in={"S": ("library", "shop")})) == pytest.approx(5_000)
    assert kept.sentence().endswith("may host it; S only in a library.")


def test_compulsory_services_of_a_tier_are_there():
    """(E3) One hub is required; a hub must host T, which costs 3,000 of staff a year. A hub without
    T would cost 10,000; the plan costs 13,000."""
    services = [
        {"service_id": "S"},
        {"service_id": "T", "staffing_cost_gbp_per_point_per_year": 3_000.0},
    ]
    hosting = [{"building_id": "B1", "service_id": "S"}]
    links = [
        {"tier_id": "hub", "service_id": "S"},
        {"tier_id": "hub", "service_id": "T", "relation": "must"},
    ]
    demand = [{"zone_id": "Z1", "service_id": "S", "visits_per_year": 10.0}]
    here = town(
        [building("B1", 10_000)],
        services,
        hosting,
        tiers=[{"tier_id": "hub"}],
        tier_services=links,
        demand=demand,
    )
    assert cost_of(here, Network(tier="hub", at_least=1)) == pytest.approx(13_000)
    assert cost_of(here) == pytest.approx(10_000)


def test_floor_counts_the_shared_front_of_house_once():
    """(E4) S and T need 40 m2 each and a front of house of 20 m2: together 100 m2, which is just
    what B1 (10,000) has. Counted twice they would need 120 m2 and B2 (30,000) too. With 1 m2
    less, both buildings stay."""
    services = [
        {"service_id": s, "area_base_m2": 40.0, "front_of_house_m2": 20.0} for s in ("S", "T")
    ]
    roomy = town([building("B1", 10_000), building("B2", 30_000)], services)
    tight = town(
        [building("B1", 10_000, floor_area_m2=99.0), building("B2", 30_000, floor_area_m2=99.0)],
        services,
    )
    assert cost_of(roomy) == pytest.approx(10_000)
    assert cost_of(tight) == pytest.approx(40_000)
    assert cost_of(tight, drop=("floor",)) == pytest.approx(10_000)


def test_together_makes_pairs_share_or_not():
    """(E6) S is in B1 and T in B2 (10,000 each). Must: T moves in with S for 1,000 of moving and
    B2 closes: 11,000. Never, with both allowed in B1: both buildings stay, 20,000. A preferred
    pair earns 500 a year."""
    services = [
        {"service_id": "S", "moving_cost_gbp": 1_000.0},
        {"service_id": "T", "moving_cost_gbp": 1_000.0},
    ]
    hosting = [
        {"building_id": "B1", "service_id": "S"},
        {"building_id": "B2", "service_id": "T"},
    ]
    buildings = [building("B1", 10_000), building("B2", 10_000)]

    def with_pair(relation):
        pair = {"service_a": "S", "service_b": "T", "relation": relation}
        return town(
            buildings,
            services,
            hosting,
            compatibility=[{**pair, "benefit_gbp_per_year": 500.0}],
        )

    assert cost_of(town(buildings, services, hosting)) == pytest.approx(11_000)
    assert cost_of(with_pair("must")) == pytest.approx(11_000)
    assert cost_of(with_pair("never")) == pytest.approx(20_000)
    assert cost_of(with_pair("prefer")) == pytest.approx(10_500)
    assert cost_of(with_pair("never"), drop=("together",)) == pytest.approx(11_000)
    one_each = Together(max_services=1)
    assert cost_of(town(buildings, services, hosting), one_each) == pytest.approx(20_000)
    must = Together(must=(("S", "T"),))
    kept = Pinned(keep=("B1", "B2"))
    assert cost_of(town(buildings, services, hosting), must, kept) == pytest.approx(21_000)


def test_network_counts_and_spaces_buildings():
    """(E9) One building in each district: B1 (10,000) and the cheaper of D2's, 20,000 more."""
    here = town(
        [
            building("B1", 10_000),
            building("B2", 30_000, district_id="D2", x_m=900.0),
            building("B3", 20_000, district_id="D2", x_m=500.0),
        ]
    )
    each = Network(at_least=1, each_district=True)
    assert cost_of(here, each) == pytest.approx(30_000)
    assert cost_of(here) == pytest.approx(10_000)
    assert cost_of(here, each, Network(spacing_m=600)) == pytest.approx(40_000)
    assert cost_of(here, each, Network(spacing_m=500)) == pytest.approx(30_000)
    assert cost_of(here, Network(at_least=2), Network(at_most=1)) is None


def test_pinned_buildings_stay_close_or_are_not_sold():
    """(E13) The cheap B1 (10,000) alone would suffice, with B2 sold for 4,000. If B2 is kept, B1
    closes: 30,000, and the same if B1 must close. Not selling B2 loses the receipt and costs 500 a
    year to hold."""
    sold = {
        "capital_receipt_gbp": 4_000.0,
        "sale_lag_years": 0,
        "holding_cost_gbp_per_year": 500.0,
    }
    here = town([building("B1", 10_000), building("B2", 30_000, **sold)])
    assert cost_of(here) == pytest.approx(6_000)
    assert cost_of(here, Pinned(keep=("B2",))) == pytest.approx(30_000)
    assert cost_of(here, Pinned(close=("B1",))) == pytest.approx(30_000)
    assert cost_of(here, Pinned(never_sell=("B2",))) == pytest.approx(10_500)


def test_a_building_of_unknown_use_is_kept_as_it_is():
    """(E13) The services of B2 (1,000) are unknown: it stays, and S may not move in."""
    hosting = [{"building_id": "B1", "service_id": "S"}]
    here = town([building("B1", 10_000), building("B2", 1_000)], hosting=hosting)
    assert cost_of(here) == pytest.approx(11_000)
