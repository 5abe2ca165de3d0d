"""Every number of a place has a stated range; outside it is a finding, within it a solve works."""

from __future__ import annotations

import math
import random
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest

from placeopt import solve
from placeopt.base.errors import InputError, VerificationError
from placeopt.engine.result import Status
from placeopt.place import Column, Place, PlaceInfo, check, dictionary
from placeopt.place.check.all_checks import dictionary_findings
from placeopt.place.columns import unit_ranges
from placeopt.place.files.raw import RawTable
from placeopt.place.files.typed import empty_table, typed_table
from placeopt.scenario import Scenario

NUMBERS = [
    column
    for columns in dictionary().values()
    for column in columns
    if column.type in ("number", "integer")
]
EXTREMES = ("1e308", "-1e308", "1e-30", "-1e-30", "nan", "inf", "-inf", "1e999", "1e19")


def named(column: Column) -> str:
    return f"{column.table}.{column.name}"


def alone(table: str, frame: pd.DataFrame) -> Place:
    """A place with one table."""
    tables = {name: empty_table(name) for name in dictionary()}
    return Place(PlaceInfo("Smallshire"), {**tables, table: frame})


def test_every_number_of_the_dictionary_has_a_range() -> None:
    assert {column.unit for column in NUMBERS} == set(unit_ranges())
    for column in NUMBERS:
        low, high, least = column.minimum, column.maximum, column.smallest
        assert low is not None
        assert high is not None
        assert -1e15 < low < high < 1e15, named(column)
        assert (least is None) == (column.type == "integer" or column.unit == "m"), named(column)
        default = column.default_value()
        assert not default or least is None or abs(default) >= least


@pytest.mark.parametrize("table", dictionary())
def test_numbers_out_of_range_are_named_with_row_and_column(table: str) -> None:
    """In a file: the largest and smallest floats, NaN, and values beyond each limit."""
    columns = [column for column in NUMBERS if column.table == table]
    cells = {column.name: [*EXTREMES, *_beyond(column)] for column in columns}
    raw = RawTable(f"{table}.csv", cells)
    frame, faults = typed_table(table, raw)
    faults += dictionary_findings(alone(table, frame))
    for column in columns:
        for row, cell in enumerate(cells[column.name], start=2):
            if column.unit == "m" and abs(float(cell)) == 1e-30:
                continue  # looks like degrees: reported with the point
            told = [f for f in faults if (f.column, f.row) == (column.name, row) and f.value]
            assert told, f"{named(column)} lets {cell} through"
            assert all(f.severity == "error" and f.file == raw.file for f in told)
            assert all(f.remedy.startswith("give ") for f in told), told


@pytest.mark.parametrize("table", dictionary())
def test_numbers_out_of_range_are_named_in_memory(table: str) -> None:
    """A frame made by a program has the same ranges; missing values only where there is no
    default."""
    floats = [1e308, -1e308, 1e-30, -1e-30, math.inf, -math.inf, math.nan]
    whole = [2**62, -(2**62), 10**10, -(10**10), 10**12, -(10**12), pd.NA]
    columns = [column for column in NUMBERS if column.table == table]
    frame, _ = typed_table(
        table, RawTable("x.csv", {c.name: [""] * 7 for c in dictionary()[table]})
    )
    for column in columns:
        values, dtype = (floats, "float64") if column.type == "number" else (whole, "Int64")
        frame[column.name] = pd.Series(values, dtype=dtype)
    found = {(f.column, f.row) for f in dictionary_findings(alone(table, frame))}
    for column in columns:
        may_be_missing = not column.required and column.default == ""
        rows = {2, 3, 4, 5, 6, 7, 8} - ({8} if may_be_missing else set())
        rows -= {4, 5} if column.unit == "m" else set()
        assert {(column.name, row) for row in rows} <= found, named(column)


def _beyond(column: Column) -> tuple[str, str]:
    assert column.minimum is not None
    assert column.maximum is not None
    return repr(column.maximum * 1.01 + 1), repr(column.minimum - abs(column.minimum) / 9 - 1)


def test_numbers_too_near_to_zero_are_named_with_their_limit() -> None:
    raw = RawTable("tiers.csv", {"tier_id": ["hub"], "setup_cost_gbp": ["1e-30"]})
    frame, _ = typed_table("tiers", raw)
    (found,) = dictionary_findings(alone("tiers", frame))
    assert str(found) == (
        "tiers.csv row 2: setup_cost_gbp is '1e-30': this is not 0 and yet nearer to it than "
        "0.01; give 0, or a number of its own size in GBP"
    )


ESTATE: dict[str, list[dict[str, object]]] = {
    "districts": [{"district_id": "D"}],
    "agencies": [{"agency_id": "A"}],
    "zones": [
        {"zone_id": "Z1", "district_id": "D", "x_m": 450000, "y_m": 310000, "population": 500,
         "deprivation_quintile": 1, "area_type": "urban", "people_0_4": 50, "people_5_15": 50,
         "people_16_64": 300, "people_65_84": 80, "people_85_plus": 20, "without_car_share": 0.2},
        {"zone_id": "Z2", "district_id": "D", "x_m": 453000, "y_m": 310000, "population": 300,
         "deprivation_quintile": 3, "area_type": "rural", "people_0_4": 30, "people_5_15": 30,
         "people_16_64": 180, "people_65_84": 40, "people_85_plus": 20},
    ],
    "buildings": [
        {"building_id": "B1", "kind": "library", "agency_id": "A", "x_m": 450100, "y_m": 310100,
         "floor_area_m2": 500, "running_cost_fixed_gbp_per_year": 50000, "tenure": "leasehold",
         "lease_break_year": 2027, "lease_break_every_years": 2, "lease_break_penalty_gbp": 900,
         "running_cost_gbp_per_m2_per_year": 10, "holding_cost_gbp_per_year": 900,
         "backlog_gbp": 5000, "fit_out_gbp_per_m2": 200, "energy_kwh_per_year": 60000,
         "carbon_tco2e_per_year": 12, "closure_cost_gbp": 100},
        {"building_id": "B2", "kind": "library", "agency_id": "A", "x_m": 452900, "y_m": 310100,
         "floor_area_m2": 600, "running_cost_fixed_gbp_per_year": 40000, "backlog_gbp": 100,
         "capital_receipt_gbp": 300000, "sale_cost_share": 0.02, "receipt_clawback_share": 0.1,
         "cost_of_capital_gbp_per_year": 3000, "fit_out_gbp_per_m2": 300, "usable_share": 0.9,
         "energy_kwh_per_year": 50000, "carbon_tco2e_per_year": 9},
    ],
    "services": [
        {"service_id": "lib", "agency_id": "A", "area_base_m2": 50, "area_m2_per_1000_visits": 4,
         "front_of_house_m2": 10, "staffing_cost_gbp_per_point_per_year": 20000,
         "staff_gbp_per_1000_visits": 50, "redundancy_gbp_per_point": 500,
         "moving_cost_gbp": 300, "digital_share": 0.1},
        {"service_id": "team", "agency_id": "A", "back_office": "yes", "desks": 10,
         "area_m2_per_1000_visits": 8000},
    ],
    "hosting": [
        {"building_id": "B1", "service_id": "lib", "area_m2": 100},
        {"building_id": "B2", "service_id": "lib"},
        {"building_id": "B2", "service_id": "team", "area_m2": 90},
    ],
    "demand": [{"zone_id": "Z1", "service_id": "lib", "visits_per_year": 3000}],
    "demand_rates": [{"service_id": "lib", "age_band": "16_64", "growth_share_per_year": 0.01,
                      "visits_per_person_per_year": 2}],
    "digital_shares": [{"service_id": "lib", "who": "rural", "year": 2026, "digital_share": 0.2}],
    "compatibility": [{"service_a": "lib", "service_b": "team", "relation": "prefer",
                       "benefit_gbp_per_year": 500}],
    "tiers": [{"tier_id": "hub", "rank": 1, "max_services": 3, "setup_cost_gbp": 1000,
               "running_cost_gbp_per_year": 100, "min_usable_m2": 100}],
    "tier_services": [{"tier_id": "hub", "service_id": "lib"},
                      {"tier_id": "hub", "service_id": "team"}],
    "carbon_values": [{"year": 2025, "gbp_per_tco2e": 250}, {"year": 2026, "gbp_per_tco2e": 260}],
    "works_optimism_bias": [{"works_kind": "standard_building", "upper_bound_share": 0.24}],
}  # fmt: skip
BUDGET: dict[str, list[dict[str, object]]] = {
    "agencies": [{"agency_id": "A"}, {"agency_id": "N"}],
    "streams": [{"stream_id": "S", "agency_id": "A"},
                {"stream_id": "K", "agency_id": "A", "purpose": "capital"}],
    "stream_amounts": [{"stream_id": key, "year": year, "amount_gbp": amount}
                       for key, amount in (("S", 5000), ("K", 900)) for year in range(2025, 2028)],
    "programmes": [
        {"programme_id": "P", "agency_id": "A", "kind": "preventive", "start_cost_gbp": 5,
         "maximum_gbp_per_year": 9000, "statutory_floor_gbp_per_year": 100, "notice_years": 0,
         "minimum_scale_gbp_per_year": 50, "stop_cost_gbp": 5, "capital_gbp": 1,
         "contract_until_year": 2025},
        {"programme_id": "Q", "agency_id": "N"},
        {"programme_id": "W", "agency_id": "N"},
    ],
    "spending": [{"year": 2025, "programme_id": key, "stream_id": "S", "amount_gbp": amount}
                 for key, amount in (("P", 900), ("Q", 2000), ("W", 2000))],
    "commitments": [{"programme_id": "Q", "year": 2026, "amount_gbp": 300}],
    "outcomes": [
        {"outcome_id": "O1", "unit": "% ready", "direction": "higher", "baseline": 60,
         "minimum_standard": 40, "target": 70, "weight": 2, "stretch": 80,
         "reward_gbp_per_unit": 3, "clawback_gbp_per_unit": 2, "clawback_until": 50},
        {"outcome_id": "O2", "unit": "days", "direction": "lower", "baseline": 900,
         "minimum_standard": 1500, "target": 700, "saturates_at": 400,
         "growth_share_per_year": 0.01},
        {"outcome_id": "O3", "unit": "index", "direction": "higher", "baseline": 5, "target": 9,
         "combination": "remaining", "whole_effect": 8},
        {"outcome_id": "O4", "unit": "people", "direction": "higher", "baseline": 10, "target": 20},
    ],
    "curves": [
        {"programme_id": "P", "outcome_id": "O1", "form": "points"},
        {"programme_id": "Q", "outcome_id": "O2", "form": "hill", "maximum_effect": 400,
         "scale_gbp": 2000, "shape": 2, "grade": 3, "lag_years": 0, "persistence_share": 0.1},
        {"programme_id": "Q", "outcome_id": "O3", "form": "exponential", "maximum_effect": 4,
         "scale_gbp": 1500},
        *({"programme_id": key, "outcome_id": "O4", "form": "power", "maximum_effect": 4,
           "scale_gbp": 1500, "shape": 0.5} for key in "PQ"),
    ],
    "curve_points": [
        {"programme_id": "P", "outcome_id": "O1", "spend_gbp": 0, "effect": 0},
        {"programme_id": "P", "outcome_id": "O1", "spend_gbp": 1000, "effect": 5},
        {"programme_id": "P", "outcome_id": "O1", "spend_gbp": 3000, "effect": 9},
    ],
    "provision": [{"programme_id": "W", "outcome_id": "O2", "unit_capacity": 100,
                   "unit_cost_gbp_per_year": 150, "closing_cost_gbp": 10}],
    "provider_terms": [{"programme_id": "P", "outcome_id": "O1", "withheld_share": 0.1,
                        "paid_from": 60, "paid_to": 75, "gbp_per_unit": 10, "donor": "yes",
                        "deferred_share": 0.2, "deferred_years": 1, "clawback_gbp_per_unit": 1}],
    "benefits": [{"benefit_id": "N1", "outcome_id": "O1", "agency_id": "N", "unit_value_gbp": 50,
                  "cashable_share": 0.5, "deadweight_share": 0.1, "grade": 2,
                  "duration_years": 2, "decay_share": 0.1, "lag_years": 1}],
    "combinations": [{"outcome_id": "O4", "programme_a": "P", "programme_b": "Q",
                      "joint_effect_share": 0.5}],
    "optimism_bias": [{"kind": "benefit", "grade": 2, "correction_share": 0.1},
                      {"kind": "benefit", "grade": 3, "correction_share": 0.2}],
}  # fmt: skip


def small(tables: dict[str, list[dict[str, object]]]) -> Place:
    return Place.from_frames(tables, name="Smallshire")


def asked(problem: str) -> Scenario:
    """A question of two years that uses every table."""
    settings = {"gap": 0.01, "threads": 1, "time_limit_seconds": 5.0}
    money = {"optimism_bias": True} if problem == "budget" else {
        "works_optimism_bias": True, "appraisal_years": 10}  # fmt: skip
    return Scenario(question="What now?", problem=problem, years=2, solver=settings, money=money)


PLACES = {"estate": ESTATE, "budget": BUDGET}
CASES = [
    (problem, column, end)
    for problem, tables in PLACES.items()
    for column in NUMBERS
    if column.table in tables
    for end in ("minimum", "maximum", "smallest")
    if not (end == "smallest" and column.smallest is None)
]


@pytest.mark.parametrize("problem", PLACES)
def test_the_small_places_are_answered(problem: str) -> None:
    """The places used for the extremes have a plan themselves."""
    place = small(PLACES[problem])
    assert not [f for f in check(place) if f.severity == "error"]
    assert solve(place, asked(problem)).plan is not None


@pytest.mark.parametrize(("problem", "column", "end"), random.Random(14).sample(CASES, 24))
def test_the_ends_of_a_range_are_answered(problem: str, column: Column, end: str) -> None:
    """A number at the end of its range is refused by table and column, or solved without NaN."""
    answered_at_the_end(problem, column, end)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("problem", "column", "end"), CASES)
def test_every_end_of_a_range_is_answered(problem: str, column: Column, end: str) -> None:
    answered_at_the_end(problem, column, end)


def answered_at_the_end(problem: str, column: Column, end: str) -> None:
    place = small(PLACES[problem])
    value = getattr(column, end)
    given = [at for at, row in enumerate(PLACES[problem][column.table]) if column.name in row]
    frame = place.tables[column.table].copy()
    frame.loc[given[0] if given else 0, column.name] = value
    assert_answered(place.replace(**{column.table: frame}), problem)


def assert_answered(place: Place, problem: str) -> None:
    """Check that a question is refused by name, runs out of time or, with far smaller amounts,
    fails verification, but never gives NaN or a model that the engine refuses."""
    with suppress(InputError, VerificationError):
        answer = solve(place, asked(problem))
        assert answer.result.status in (
            Status.OPTIMAL, Status.FEASIBLE, Status.INFEASIBLE, Status.NO_PLAN,
        )  # fmt: skip
        if answer.plan is None:
            return
        assert answer.result.objective is not None
        assert math.isfinite(answer.result.objective)
        for name, table in answer.plan.tables.items():
            numbers = table.select_dtypes("number").to_numpy(dtype=float, na_value=np.nan)
            assert not np.isinf(numbers).any(), name


def test_a_grade_without_correction_is_named() -> None:
    """A place's own corrections replace the shipped ones, for all grades in use."""
    place = small(BUDGET)
    benefits = place.benefits.assign(grade=pd.array([5], dtype="Int64"))
    (found,) = [f for f in check(place.replace(benefits=benefits)) if f.severity == "error"]
    assert (found.file, found.row, found.column, found.value) == ("benefits.csv", 2, "grade", "5")
    benefits["correction_share"] = 0.3
    assert not [f for f in check(place.replace(benefits=benefits)) if f.severity == "error"]


@pytest.mark.parametrize("shape", [0.2, 2.0, 8.0, 12.0, 20.0])
def test_a_power_curve_that_is_too_large_is_named(shape: float) -> None:
    """4 (5900 / 1500)^shape people at all the money of a year is at most a thousand million."""
    place = small(BUDGET)
    curves = place.curves.copy()
    curves.loc[4, "shape"] = shape  # of Q, which has no maximum of its own
    place = place.replace(curves=curves)
    found = [f for f in check(place) if f.severity == "error"]
    if 4 * (5900 / 1500) ** shape > 1e9:
        assert [(f.file, f.row, f.column) for f in found] == [("curves.csv", 6, "shape")]
        assert "at £5,900.00 a year the effect would have 1" in found[0].message
    else:
        assert found == []
    assert_answered(place, "budget")
