"""Small places built by hand or at random, with minutes, for the tests of the estate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from placeopt.place import Place
from placeopt.scenario import Rule, Scenario
from placeopt.scenario.counted import total_residents_counted
from placeopt.scenario.rules.estate.services import (
    Access,
    Behaviour,
    Capital,
    Carbon,
    Fairness,
    FairRents,
    Network,
    Revenue,
    Served,
    Together,
)
from placeopt.scenario.scenario import Money, Objective, SolverSettings
from tests.support.places import place_of, table


def scenario(
    *rules: Rule,
    minimise: tuple[str, ...] = ("cost",),
    slack: tuple[float, ...] = (),
    weights: dict[str, float] | None = None,
    drop: tuple[str, ...] = (),
    years: int = 1,
    decided: int = 1,
    rate: float = 0.035,
    gap: float = 0.0,
    seconds: float = 60.0,
    **settings: Any,
) -> Scenario:
    """A scenario with the implied rules in force; by default one year decided and appraised."""
    return Scenario(
        question="Which buildings?",
        problem="estate",
        objective=Objective(minimise=minimise, slack=slack, weights=weights or {}),
        rules=rules,
        drop=drop,
        years=decided,
        money=Money(appraisal_years=max(years, decided), discount_rate=rate),
        solver=SolverSettings(gap=gap, time_limit_seconds=seconds, threads=1),
        **settings,
    )


def random_place(seed: int, zones: int = 3, buildings: int = 3, services: int = 2) -> Place:
    """A small random place that uses every feature, from ``seed``."""
    rng = np.random.default_rng(seed)

    def pick(options: list[Any], p: list[float] | None = None) -> Any:
        return options[rng.choice(len(options), p=p)]

    service_ids = [f"S{i}" for i in range(services)]
    building_ids = [f"B{i}" for i in range(buildings)]
    status = [pick(["open", "vacant", "candidate"], [0.7, 0.15, 0.15]) for _ in building_ids]
    status[0] = "open"
    with_tiers = rng.random() < 0.5
    back_office = services > 2 and rng.random() < 0.5
    districts = [{"district_id": d} for d in ("D1", "D2")]
    tables: dict[str, list[dict[str, Any]]] = {"districts": districts}
    tables["zones"] = [
        {
            "zone_id": f"Z{i}",
            "district_id": pick(["D1", "D2"]),
            "x_m": float(rng.integers(0, 10000)),
            "y_m": float(rng.integers(0, 10000)),
            "population": float(rng.integers(1, 20) * 100),
            "deprivation_quintile": int(rng.integers(1, 4)),
            "area_type": pick(["rural", "urban"]),
            "without_car_share": pick([0.0, 0.25, 0.5]),
        }
        for i in range(zones)
    ]
    tables["services"] = [
        {
            "service_id": s,
            "area_base_m2": float(rng.integers(0, 4) * 10),
            "area_m2_per_1000_visits": float(rng.integers(0, 5) * 10),
            "front_of_house_m2": float(rng.integers(0, 3) * 10),
            "staffing_cost_gbp_per_point_per_year": float(rng.integers(0, 50) * 1000),
            "moving_cost_gbp": float(rng.integers(0, 10) * 1000),
            "digital_share": pick([0.0, 0.2]),
            "back_office": back_office and s == service_ids[-1],
            "desks": 2000.0 if back_office and s == service_ids[-1] else 0.0,
        }
        for s in service_ids
    ]
    tables["buildings"] = [
        {
            "building_id": b,
            "name": f"Building {b}",
            "kind": pick(["library", "office"]),
            "district_id": pick(["D1", "D2"]),
            "agency_id": pick(["A1", "A2"]),
            "status": status[i],
            "x_m": float(rng.integers(0, 10000)),
            "y_m": float(rng.integers(0, 10000)),
            "floor_area_m2": float(rng.integers(8, 30) * 20),
            "usable_share": pick([0.5, 1.0]),
            "tenure": (tenure := pick(["freehold", "leasehold", "licence"], [0.6, 0.3, 0.1])),
            "lease_break_year": pick([2024, 2030, pd.NA]) if tenure != "freehold" else pd.NA,
            "lease_break_penalty_gbp": pick([np.nan, 30000.0]),
            "running_cost_fixed_gbp_per_year": float(rng.integers(10, 80) * 1000),
            "running_cost_gbp_per_m2_per_year": float(rng.integers(0, 100)),
            "holding_cost_gbp_per_year": float(rng.integers(0, 10) * 1000),
            "capital_receipt_gbp": pick([0.0, 100000.0]),
            "sale_cost_share": 0.1,
            "sale_lag_years": int(rng.integers(0, 3)),
            "closure_cost_gbp": float(rng.integers(0, 5) * 1000),
            "backlog_gbp": float(rng.integers(0, 5) * 1000),
            "fit_out_gbp_per_m2": float(rng.integers(0, 5) * 50),
            "carbon_tco2e_per_year": float(rng.integers(1, 50)),
            "pinned": pick(["no", "keep", "close", "never_sell"], [0.8, 0.05, 0.05, 0.1]),
        }
        for i, b in enumerate(building_ids)
    ]
    hosts = [
        (b, s)
        for i, b in enumerate(building_ids)
        for s in service_ids
        if status[i] == "open" and rng.random() < 0.6
    ]
    tables["hosting"] = [
        {"building_id": b, "service_id": s, "offer": pick(["full", "partial"], [0.8, 0.2])}
        for b, s in hosts
    ]
    tables["demand"] = [
        {"zone_id": f"Z{i}", "service_id": s["service_id"], "visits_per_year": float(visits)}
        for i in range(zones)
        for s in tables["services"]
        if not s["back_office"] and (visits := rng.integers(0, 5) * 1000) > 0
    ]
    tables["suitability"] = [
        {"building_kind": kind, "service_id": s}
        for kind in ("library", "office")
        for s in service_ids
        if rng.random() < 0.8
    ]
    if services > 1 and rng.random() < 0.4:
        relation = pick(["must", "never", "prefer"])
        tables["compatibility"] = [
            {
                "service_a": "S0",
                "service_b": "S1",
                "relation": relation,
                "benefit_gbp_per_year": 20000.0,
            }
        ]
    if with_tiers:
        tables["tiers"] = [
            {
                "tier_id": k,
                "setup_cost_gbp": float(rng.integers(0, 20) * 1000),
                "running_cost_gbp_per_year": float(rng.integers(0, 5) * 1000),
                "min_usable_m2": pick([0.0, 200.0]),
                "max_services": pick([pd.NA, 1, 2]),
            }
            for k in ("hub", "kiosk")
        ]
        tables["tier_services"] = [
            {
                "tier_id": k,
                "service_id": s,
                "relation": "must" if k == "hub" and rng.random() < 0.3 else "may",
                "offer": "full" if k == "hub" else pick(["full", "partial"]),
            }
            for k in ("hub", "kiosk")
            for s in service_ids
            if k == "hub" or rng.random() < 0.7
        ]
    return place_of(**tables)


def with_least_visits(place: Place, seed: int) -> Place:
    """The place with a least number of visits for each service, from none to most of them."""
    rng = np.random.default_rng(30_000 + seed)
    least = rng.choice([0.0, 1.0, 1000.0, 3000.0], len(place.services))
    services = place.services.assign(least_visits_per_year=least)
    return replace(place, tables={**place.tables, "services": services})


def without_some_visits(place: Place, seed: int) -> Place:
    """The place in which some zones, by ``seed``, have no visits to a service; its demand is stated
    by zone."""
    rng = np.random.default_rng(45_000 + seed)
    pairs = [(z, s) for z in place.zones["zone_id"] for s in place.services["service_id"]]
    office = dict(zip(place.services["service_id"], place.services["back_office"], strict=True))
    rows = [
        {"zone_id": z, "service_id": s, "visits_per_year": float(rng.integers(0, 3) * 1000)}
        for z, s in pairs
        if not office[s]
    ]
    nothing = table("demand_rates", [])
    return place.replace(demand=table("demand", rows), demand_rates=nothing)


def with_money(place: Place, seed: int) -> Place:
    """The same place with the money columns that few places state, from ``seed``."""
    rng = np.random.default_rng(30_000 + seed)
    buildings = place.buildings.copy()
    n = len(buildings)
    buildings["receipt_clawback_share"] = rng.choice([0.0, 0.3, 0.9], n)
    buildings["lease_break_every_years"] = pd.array(rng.choice([0, 2, 3, 5], n), "Int64")
    buildings["cost_of_capital_gbp_per_year"] = rng.choice([0.0, 2_000.0, 30_000.0], n)
    services = place.services.copy()
    services["redundancy_gbp_per_point"] = rng.choice([0.0, 8_000.0, 90_000.0], len(services))
    services["staff_gbp_per_1000_visits"] = rng.choice([0.0, 3_000.0, 20_000.0], len(services))
    return place.replace(buildings=buildings, services=services)


BEHAVIOURS = (
    Behaviour(residents="nearest"),
    Behaviour(residents="decay", decay_per_minute=0.1),
    Behaviour(residents="nearest", overflow=True),
    Behaviour(residents="decay", exponent=1.5, attractiveness="usable_m2"),
)


def random_rules(seed: int, place: Place) -> list[Rule]:
    """Rules that sometimes bind, sometimes clash."""
    rng = np.random.default_rng(10_000 + seed)
    rules: list[Rule] = []
    if rng.random() < 0.6:
        rules.append(
            Access(
                services="all",
                minutes=float(rng.integers(5, 25)),
                share=float(rng.choice([0.3, 0.6, 0.9])),
                who=str(rng.choice(["all", "most_deprived", "rural", "without_car"])),
                modes=[("walk",), ("walk", "drive"), ("drive",)][rng.integers(3)],
                each_district=bool(rng.random() < 0.2),
                offer=str(rng.choice(["full", "any"])),
                ceiling_minutes=float(rng.choice([40.0, 100.0])) if rng.random() < 0.2 else None,
                counts=("served", "nearest")[seed % 2],
            )
        )
    rules = [
        rule for rule in rules if total_residents_counted(place, rule) > 0
    ]  # of nobody it is refused
    if rng.random() < 0.4:
        tier = "hub" if len(place.tiers) and rng.random() < 0.7 else None
        rules.append(
            Network(
                tier=tier,
                at_least=int(rng.integers(0, 2)),
                at_most=int(rng.integers(1, 4)),
                spacing_m=float(rng.choice([1000, 4000])) if rng.random() < 0.3 else None,
                each_district=bool(tier is None and rng.random() < 0.2),
            )
        )
    if rng.random() < 0.4:
        rules.append(
            Capital(
                pot_gbp=float(rng.integers(0, 60) * 1000),
                recycled_share=float(rng.choice([0.0, 0.5])),
            )
        )
    if rng.random() < 0.3:
        rules.append(Revenue(share_of_today=float(rng.choice([0.7, 0.9, 1.1]))))
    if rng.random() < 0.2:
        rules.append(Carbon(share_of_today=float(rng.choice([0.5, 0.8]))))
    if rng.random() < 0.3:
        asked = [
            {"loses_at_most_minutes": float(rng.integers(0, 10))},
            {"no_group_worse": ("area_type",)},
            {"worst_mean_minutes": float(rng.integers(5, 25)), "worst_share": 0.3},
            {"equal_minutes": float(rng.integers(5, 20))},
        ]
        rules.append(Fairness(**asked[rng.integers(len(asked))]))
    if rng.random() < 0.3:
        rules.append(BEHAVIOURS[seed % len(BEHAVIOURS)])
    if rng.random() < 0.2:
        rules.append(Together(max_services=1))
    if rng.random() < 0.2:
        rules.append(Served(unserved_share=0.3))
    if rng.random() < 0.1:
        rules.append(FairRents())
    return rules
