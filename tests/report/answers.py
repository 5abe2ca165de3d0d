"""Hand-made answers for the tests of the report: every table, without a solver."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from placeopt.base.errors import Finding
from placeopt.engine import Answer, Clash, Explanation, Plan, Result, Status
from placeopt.place import Place
from placeopt.place.tables import PlaceInfo
from placeopt.scenario import Check, Scenario, Verification
from placeopt.travel import TravelTimes
from tests.support.places import place_of as place_from

HOSTILE = "</script><script>alert('x')</script><b>&\"'"
FORMULA = '=HYPERLINK("file:///etc/passwd")'
UPRN = "00012345678901"
SIDE = 1000.0  # metres


def place_of(zones: int = 16, buildings: int = 6, *, made_up: bool = True) -> Place:
    """Zones on a square grid, buildings spread over them."""
    across = int(np.ceil(np.sqrt(zones)))
    column, row = np.arange(zones) % across, np.arange(zones) // across
    ids = [f"Z{i:05d}" for i in range(zones)]
    place = place_from(
        zones={
            "zone_id": ids,
            "name": [f"Ward {i}" for i in range(zones)],
            "district_id": np.where(column < across / 2, "west", "east"),
            "x_m": 400_000.0 + SIDE * column,
            "y_m": 300_000.0 + SIDE * row,
            "population": 1000.0 + np.arange(zones) % 7,
        },
        buildings={
            "building_id": [UPRN, *[f"B{i}" for i in range(1, buildings)]],
            "name": [HOSTILE, FORMULA, *[f"Building {i}" for i in range(2, buildings)]],
            "x_m": [400_000.0] * buildings,
            "y_m": [300_000.0] * buildings,
        },
        districts={"district_id": ["west", "east"], "name": ["West", HOSTILE]},
        agencies={
            "agency_id": ["council", "health"],
            "name": ["The Council", "The Health Trust"],
        },
        services={"service_id": ["library", "clinic"], "name": ["Library", "Clinic"]},
    )
    centres = (place.zones[column].to_numpy() for column in ("x_m", "y_m"))
    left, low = (centre - SIDE / 2 for centre in centres)
    boundaries = gpd.GeoDataFrame(
        {"zone_id": ids},
        geometry=shapely.box(left, low, left + SIDE, low + SIDE),
        crs="EPSG:27700",
    )
    info = PlaceInfo("Testshire", price_year=2025, sources=("by hand",), made_up=made_up)
    return replace(place, info=info, boundaries=boundaries)


def estate_answer(zones: int = 16, buildings: int = 6, services: int = 2, **how) -> Answer:
    """The estate answer with straight-line minutes."""
    answer = _estate_answer(zones, buildings, services, **how)
    return replace(answer, times=_times(answer.place, answer.plan.buildings))


def _estate_answer(zones: int, buildings: int, services: int = 2, **how) -> Answer:
    """One building of each decision in turn; each zone's journey grows with its number."""
    place = place_of(zones, buildings, made_up=how.pop("made_up", True))
    table = place.zones
    b = np.arange(buildings)
    decision = np.array(["close", "hub", "keep", "open", "stay_vacant", "not_used"])[b % 6]
    status = np.array(["open", "open", "open", "vacant", "vacant", "candidate"])[b % 6]
    middle = len(table) // 2
    plan_buildings = pd.DataFrame(
        {
            "building_id": place.buildings["building_id"],
            "name": place.buildings["name"],
            "kind": "library",
            "agency_id": np.where(b % 2, "health", "council"),
            "district_id": "west",
            "x_m": table["x_m"].to_numpy()[b * 7 % zones],
            "y_m": table["y_m"].to_numpy()[b * 7 % zones],
            "status_before": status,
            "decision": decision,
            "tier_id": "",
            "services_before": "library; clinic",
            "services_after": np.where(decision == "close", "", "library"),
            "usable_m2": 100.0,
            "area_used_m2": 80.0,
            "visits_per_year": 1000.0,
            "running_cost_before_gbp_per_year": 1000.25 * (b + 1),
            "running_cost_after_gbp_per_year": np.where(decision == "close", 0.0, 1000.0),
            "capital_gbp": 500.0,
            "receipt_net_gbp": np.where(decision == "close", 9000.0, 0.0),
            "why": "because",
        }
    )
    point = ["library", "clinic"]
    points = pd.DataFrame(
        {
            "building_id": np.repeat(place.buildings["building_id"].to_numpy(), 2),
            "service_id": point * buildings,
            "before": True,
            "after": np.tile([True, False], buildings),
            "decision": np.tile(["stays", "moves_out"], buildings),
            "area_m2": 10.0,
            "visits_per_year": 100.0,
            "staffing_cost_gbp_per_year": 20.0,
            "capital_gbp": 0.0,
        }
    )
    before = np.full(zones, 5.0)
    after = before + (np.arange(zones) - middle) / 2
    after[0] = np.nan
    changed = pd.DataFrame(
        {
            "zone_id": table["zone_id"],
            "name": table["name"],
            "x_m": table["x_m"],
            "y_m": table["y_m"],
            "population": table["population"],
            "minutes_before": before,
            "minutes_after": after,
            "change_minutes": after - before,
        }
    )
    access = pd.DataFrame(
        {
            "zone_id": np.tile(table["zone_id"], services),
            "service_id": np.repeat([point[s % 2] for s in range(services)], zones),
            "building_before": UPRN,
            "minutes_before": 5.0,
            "building_after": "B1",
            "minutes_after": 6.0,
            "change_minutes": 1.0,
        }
    )
    assignment = access[["zone_id", "service_id"]].assign(
        building_id="B1", share=1.0, visits_per_year=10.0, minutes=6.0, mode="walk"
    )
    bands = pd.DataFrame(
        {
            "service_id": np.repeat(point, 3),
            "band": ["0 to 10 minutes", "over 10 minutes", "out of reach"] * 2,
            "residents_before": [900.0, 90.0, 10.0] * 2,
            "residents_after": [800.0, 150.0, 50.0] * 2,
        }
    )
    money = pd.DataFrame(
        {
            "agency_id": ["council", "health", "council"],
            "line": ["open buildings", "open buildings", "receipts, net"],
            "before_gbp_per_year": [60_000.5, 40_000.25, 0.0],
            "after_gbp_per_year": [45_000.5, 30_000.25, 0.0],
            "one_off_gbp": [5_000.0, 0.0, -9_000.0],
        }
    )
    objectives = pd.DataFrame(
        {
            "objective": ["cost", "visit_minutes"],
            "unit": ["GBP, net present", "minutes/year"],
            "do_nothing": [2e6, 1600.0],
            "plan": [1.5e6, 1900.0],
        }
    )
    tables = {
        "buildings": plan_buildings,
        "services": points,
        "assignment": assignment,
        "access": access,
        "zones": changed,
        "bands": bands,
        "money": money,
        "objectives": objectives,
    }
    return _answer(place, "estate", ("cost",), Plan(tables, {"year": 2026}), 1.5e6, **how)


def large_answer(zones: int, buildings: int) -> Answer:
    """The estate answer of a large place; its minutes are one row for all zones, to save memory."""
    answer = _estate_answer(zones, buildings)
    row = np.linspace(1.0, 100.0, buildings)
    minutes = {mode: np.broadcast_to(row, (zones, buildings)) for mode in ("drive", "walk")}
    ids = tuple(answer.place.zones["zone_id"]), tuple(answer.plan.buildings["building_id"])
    return replace(answer, times=TravelTimes(*ids, minutes))


def years_answer() -> Answer:
    """The estate answer over three years: B2 closes in the second, its receipt comes after."""
    answer = estate_answer()
    ids, years = list(answer.plan.buildings["building_id"]), (2026, 2027, 2028)
    states = [
        (year, i, "disposed" if i == "B2" and year > 2026 else "held" if n > 3 else "open")
        for year in years
        for n, i in enumerate(ids)
    ]
    by_year = pd.DataFrame(states, columns=["year", "building_id", "state"]).assign(
        tier_id="", services="library", running_cost_gbp=1000.0, carbon_tco2e=1.0
    )
    services = by_year[["year", "building_id"]].assign(
        service_id="library",
        hosted=np.where(by_year["state"] == "open", "yes", "no"),
        staffing_cost_gbp=20.0,
    )
    lines = [("running", "council", 50_000.0, 40_000.0), ("staffing", "health", 9_000.0, 6_000.0)]
    cash = [(year, agency, line, was, now) for year in years for line, agency, was, now in lines]
    cash += [(2026, "council", "fit_out", 0.0, 30_000.0), (2026, "council", "backlog", 5e3, 1e3)]
    cash += [(2030, "council", "receipts", 0.0, -80_000.0)]
    columns = ["year", "agency_id", "line", "do_nothing_gbp", "plan_gbp"]
    flow = pd.DataFrame(cash, columns=columns)
    flow["saving_gbp"] = flow["do_nothing_gbp"] - flow["plan_gbp"]
    measures = pd.DataFrame(
        {"year": years, "objective": "buildings", "unit": "buildings", "do_nothing": 6, "plan": 3}
    )
    saved, worth = np.array([0.0, 1.0, 1.0]), np.array([300.0, 310.0, 320.0])
    carbon = pd.DataFrame(
        {
            "year": years,
            "do_nothing_tco2e": 6.0,
            "plan_tco2e": 6.0 - saved,
            "saving_tco2e": saved,
            "value_gbp_per_tco2e": worth,
            "saving_gbp": saved * worth,
            "saving_present_gbp": [0.0, 300.0, 299.0],
        }
    )
    emitted = {"objective": "carbon", "unit": "tCO2e/year", "do_nothing": 6.0, "plan": 5.0}
    objectives = pd.concat([answer.plan.objectives, pd.DataFrame([emitted])], ignore_index=True)
    buildings = answer.plan.buildings.assign(disposal="held", closes_year=pd.NA)
    buildings.loc[buildings["building_id"] == "B2", ["disposal", "closes_year"]] = "sold", 2027
    tables = {
        **answer.plan.tables,
        "buildings": buildings,
        "buildings_by_year": by_year,
        "services_by_year": services,
        "cash_flow": flow,
        "objectives": objectives,
        "objectives_by_year": measures,
        "carbon_by_year": carbon,
    }
    summary = {
        "first_year": 2026,
        "last_year": 2028,
        "receipts_gross_gbp": 90_000.0,
        "receipts_net_gbp": 80_000.0,
        "net_present_saving_gbp": 500_000.0,
        "appraisal_years": 30,
        "carbon_priced_years": 3,
        "carbon_present_before_gbp": 5_000.0,
        "carbon_present_after_gbp": 4_401.0,
        "carbon_present_saving_gbp": 599.0,
    }
    worths = {"year": years, "gbp_per_tco2e": worth, "source": "the values of " + HOSTILE}
    place = answer.place.replace(carbon_values=pd.DataFrame(worths))
    return replace(answer, place=place, plan=Plan(tables, summary))


def _times(place: Place, buildings: pd.DataFrame) -> TravelTimes:
    """Straight-line minutes on foot at 80 metres a minute and by car at 500; the last zone reaches
    none."""
    zone, building = (t[["x_m", "y_m"]].to_numpy(float) for t in (place.zones, buildings))
    metres = np.hypot(*(zone[:, None] - building[None]).transpose(2, 0, 1))
    metres[-1] = np.nan
    return TravelTimes(
        tuple(place.zones["zone_id"]),
        tuple(buildings["building_id"]),
        {"drive": metres / 500, "walk": metres / 80, "transit": metres / 300},
        cutoff_minutes=120.0,
        provenance={"walk": {"method": "crow_fly"}},
    )


def budget_answer(**how) -> Answer:
    """Two programmes, one cut and one raised; one standard without a target."""
    place = place_of()
    place = place.replace(
        programmes=pd.DataFrame(
            {
                "programme_id": ["care", "youth"],
                "name": [HOSTILE, FORMULA],
                "agency_id": ["council", ""],
                "statutory_floor_gbp_per_year": [700_000.0, np.nan],
                "maximum_gbp_per_year": np.nan,
            }
        ),
        streams=pd.DataFrame(
            {"stream_id": ["grant"], "name": ["The grant"], "agency_id": ["council"]}
        ),
    )
    spending = pd.DataFrame(
        {
            "programme_id": ["care", "youth"],
            "name": [HOSTILE, FORMULA],
            "agency_id": ["council", ""],
            "kind": ["reactive", "preventive"],
            "before_gbp": [900_000.0, 0.0],
            "after_gbp": [700_000.0, 100_000.0],
            "change_gbp": [-200_000.0, 100_000.0],
            "change_share": [-200 / 900, np.nan],
            "statutory_floor_gbp": [700_000.0, np.nan],
            "why": ["at its floor", ""],
        }
    )
    payments = pd.DataFrame(
        {
            "programme_id": ["care", "youth"],
            "stream_id": "grant",
            "year": 2026,
            "before_gbp": [900_000.0, 0.0],
            "after_gbp": [700_000.0, 100_000.0],
        }
    )
    streams = pd.DataFrame(
        {
            "stream_id": ["grant"],
            "name": ["The grant"],
            "agency_id": ["council"],
            "ring_fenced": [True],
            "amount_gbp": [850_000.0],
            "spent_before_gbp": [900_000.0],
            "spent_after_gbp": [800_000.0],
            "returned_gbp": [50_000.0],
        }
    )
    outcomes = pd.DataFrame(
        {
            "outcome_id": ["school", "harm"],
            "name": ["Ready for school", "Harm"],
            "unit": ["%", "per 1000"],
            "direction": ["higher", "lower"],
            "baseline": [60.0, 30.0],
            "minimum_standard": [59.0, np.nan],
            "target": [np.nan, 28.0],
            "after": [61.0, 31.0],
            "change": [1.0, 1.0],
            "standard_met": ["yes", ""],
            "target_met": ["", "no"],
        }
    )
    agencies = pd.DataFrame(
        {
            "agency_id": ["council", ""],
            "name": ["The Council", "no agency stated"],
            "before_gbp": [900_000.0, 0.0],
            "after_gbp": [700_000.0, 100_000.0],
            "change_gbp": [-200_000.0, 100_000.0],
        }
    )
    objectives = pd.DataFrame(
        {"objective": ["least_money"], "unit": ["GBP/year"], "do_nothing": [9e5], "plan": [8e5]}
    )
    tables = {
        "spending": spending,
        "payments": payments,
        "streams": streams,
        "outcomes": outcomes,
        "agencies": agencies,
        "objectives": objectives,
    }
    plan = Plan(tables, {"decided_year": 2026, "total_gbp": np.nan})
    return _answer(place, "budget", ("least_money",), plan, 8e5, **how)


def infeasible_answer() -> Answer:
    """Two rules that cannot both hold."""
    clash = Clash("E7", "access", "Everybody is within 5 minutes.", f"Allow 12 minutes {HOSTILE}.")
    other = Clash("E9", "network", "At most 2 hubs.", "Allow 4 hubs.")
    answer = estate_answer()
    return replace(
        answer,
        plan=None,
        verification=None,
        result=Result(Status.INFEASIBLE, engine="highs", version="1"),
        explanation=Explanation("The access rule and the number of hubs clash.", (clash, other)),
    )


def _answer(
    place: Place,
    problem,
    minimise,
    plan: Plan,
    objective: float,
    *,
    status: Status = Status.OPTIMAL,
    gap: float = 0.004,
) -> Answer:
    scenario = Scenario(
        question=f"What should {HOSTILE} do?",
        problem=problem,
        year=2026,
        objective={"minimise": minimise},
    )
    checks = (
        Check("E7", "access", "Everybody is within 30 minutes.", True, "Ward 3: 29.9 minutes"),
        Check("", "arithmetic", "The plan's figures add up.", True),
    )
    return Answer(
        place=place,
        scenario=scenario,
        result=Result(
            status,
            objective=objective,
            bound=objective * (1 - gap),
            values=np.zeros(1),
            seconds={"solve": 1.5},
            engine="highs",
            version="1.13",
            seed=1,
        ),
        times=TravelTimes((), (), {}, provenance={"walk": {"method": "crow_fly"}}),
        plan=plan,
        verification=Verification(checks, {"cost": objective}, {"cost": 2e6}, checks[:1]),
        warnings=(Finding("warning", "zones.csv", 3, "name", HOSTILE, "is odd", "mend it"),),
        provenance={"versions": {"placeopt": "0.1.0"}, "seed": 1, "missing": float("nan")},
    )
