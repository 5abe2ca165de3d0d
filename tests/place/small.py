"""A small valid place with every table in use, for tests to damage."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pandas as pd

from placeopt.place import Place, write_place

TABLES: dict[str, list[dict[str, object]]] = {
    "zones": [
        {"zone_id": "Z1", "name": "Mill", "district_id": "D1", "x_m": 450000, "y_m": 310000,
         "population": 1500, "deprivation_quintile": 1, "area_type": "urban",
         "without_car_share": 0.3, "people_0_4": 100, "people_5_15": 200, "people_16_64": 900,
         "people_65_84": 250, "people_85_plus": 50},
        {"zone_id": "Z2", "name": "Moor", "district_id": "D1", "x_m": 455000.5, "y_m": 312000,
         "population": 900, "area_type": "rural", "people_0_4": 50, "people_5_15": 100,
         "people_16_64": 500, "people_65_84": 200, "people_85_plus": 50},
        {"zone_id": "007", "name": "Bond, “Street”", "district_id": "D1", "x_m": 451000,
         "y_m": 311000, "population": 1000, "people_0_4": 0, "people_5_15": 200,
         "people_16_64": 600, "people_65_84": 150, "people_85_plus": 50},
    ],
    "buildings": [
        {"building_id": "B1", "name": "Town Hall", "kind": "council_office", "agency_id": "A1",
         "x_m": 450100, "y_m": 310100, "floor_area_m2": 900, "usable_share": 0.8,
         "running_cost_fixed_gbp_per_year": 90000, "listed": "yes",
         "sale_cost_share": 0.03},
        {"building_id": "B2", "name": "Library", "kind": "library", "agency_id": "A1",
         "x_m": 455100, "y_m": 312100, "floor_area_m2": 400, "tenure": "leasehold",
         "lease_break_year": 2028, "running_cost_fixed_gbp_per_year": 40000.25},
        {"building_id": "B3", "kind": "library", "status": "vacant", "x_m": 451100,
         "y_m": 311100, "floor_area_m2": 300, "running_cost_fixed_gbp_per_year": 0},
    ],
    "services": [
        {"service_id": "lib", "name": "Library", "agency_id": "A1", "area_base_m2": 50},
        {"service_id": "desk", "name": "Advice", "agency_id": "A2", "area_base_m2": 20},
        {"service_id": "team", "name": "Team", "back_office": "yes", "desks": 30},
    ],
    "digital_shares": [
        {"service_id": "lib", "who": "quintile_1", "year": 2027, "digital_share": 0.2},
        {"service_id": "lib", "who": "quintile_1", "year": 2029, "digital_share": 0.5},
        {"service_id": "desk", "who": "rural", "year": 2027, "digital_share": 0.3},
    ],
    "hosting": [
        {"building_id": "B1", "service_id": "desk", "area_m2": 60},
        {"building_id": "B2", "service_id": "lib"},
        {"building_id": "B1", "service_id": "team", "offer": "partial"},
    ],
    "demand": [
        {"zone_id": "Z1", "service_id": "lib", "visits_per_year": 3000},
        {"zone_id": "Z2", "service_id": "lib", "visits_per_year": 1234.5},
    ],
    "demand_rates": [
        {"service_id": "desk", "age_band": "16_64", "visits_per_person_per_year": 0.5},
        {"service_id": "desk", "age_band": "65_84", "visits_per_person_per_year": 1.5},
    ],
    "compatibility": [
        {"service_a": "lib", "service_b": "desk", "relation": "must"},
        {"service_a": "lib", "service_b": "team", "relation": "never"},
    ],
    "suitability": [{"building_kind": "library", "service_id": "desk"}],
    "tiers": [{"tier_id": "hub", "rank": 1, "max_services": 2}],
    "tier_services": [{"tier_id": "hub", "service_id": "lib", "relation": "must"}],
    "agencies": [{"agency_id": "A1", "name": "Council"}, {"agency_id": "A2"}],
    "districts": [{"district_id": "D1", "name": "West"}],
    "streams": [
        {"stream_id": "S1", "name": "Grant", "agency_id": "A1", "ring_fenced": "yes"},
        {"stream_id": "S2", "name": "Tax", "agency_id": "A1"},
    ],
    "stream_amounts": [
        {"stream_id": "S1", "year": 2025, "amount_gbp": 1000},
        {"stream_id": "S2", "year": 2025, "amount_gbp": 5000},
    ],
    "stream_programmes": [{"stream_id": "S1", "programme_id": "P1"}],
    "programmes": [
        {"programme_id": "P1", "agency_id": "A1", "service_id": "lib", "kind": "preventive",
         "statutory_floor_gbp_per_year": 100, "maximum_gbp_per_year": 9000},
        {"programme_id": "P2", "agency_id": "A2"},
    ],
    "spending": [
        {"year": 2025, "programme_id": "P1", "stream_id": "S1", "amount_gbp": 900},
        {"year": 2025, "programme_id": "P2", "stream_id": "S2", "amount_gbp": 4000.1},
    ],
    "outcomes": [
        {"outcome_id": "O1", "unit": "% ready", "direction": "higher", "baseline": 60,
         "minimum_standard": 55, "target": 70},
        {"outcome_id": "O2", "unit": "per 1000", "direction": "lower", "baseline": 9,
         "minimum_standard": 10, "target": 7},
    ],
    "curves": [
        {"programme_id": "P1", "outcome_id": "O1", "form": "points"},
        {"programme_id": "P2", "outcome_id": "O2", "form": "hill", "maximum_effect": 4,
         "scale_gbp": 2000, "shape": 2, "grade": 3},
    ],
    "curve_points": [
        {"programme_id": "P1", "outcome_id": "O1", "spend_gbp": 0, "effect": 0},
        {"programme_id": "P1", "outcome_id": "O1", "spend_gbp": 1000, "effect": 5},
    ],
    "assumptions": [
        {"assumption_id": "a", "table": "buildings", "column": "tenure", "rule": "freehold"},
    ],
}  # fmt: skip


@cache
def small_place() -> Place:
    place = Place.from_frames(TABLES, name="Smallshire", made_up=True)
    sources = ('made up "here"', "and\there")
    return replace(place, info=replace(place.info, sources=sources))


def small_folder(path: Path) -> Path:
    """The small place written to ``path``, for a test to damage a file."""
    return write_place(small_place(), path)


def change(folder: Path, table: str, row: int, column: str, value: str) -> None:
    """Put ``value`` into one cell; ``row`` as a person counts it, the heading being row 1."""
    path = folder / f"{table}.csv"
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    frame.loc[row - 2, column] = value
    frame.to_csv(path, index=False)
