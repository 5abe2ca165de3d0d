"""A place of three years with its plan; every figure is worked by hand and no solver is used.

Today (2025): the hospital spends 100 on 4 wards for 40 bed days, community care 20, the hub 0.
Community care: one pound prevents half a bed day, felt a year later, and half of a year's effect
is still there a year on. The plan raises it by 40 (to 60) from 2026, so the curve moves by 20:

    bed days   2026: 40           (lag of one year)
               2027: 40 - 0.5 x 20              = 30 -> 3 wards: one closes (20 freed, closing 3)
               2028: 40 - (0.5 + 0.25) x 20     = 25 -> 3 wards
    hospital   100, 80, 80;  hub opens in 2028: 10 a year, 2 to start, 30 of capital
    paid       nhs      105 = 100 + 5;   100 = 83 + 17;   100 = 80 + 20          of 110 a year
               council   55;              43;              52 = 40 + 12           of 60 a year
    reserve    20 + 152 - 160 = 12;      12 + 152 - 143 = 21;   21 + 152 - 152 = 21
    cashable   bed days better x 2 GBP x (1 - 0.2 deadweight) x 0.5 = 0.8 each:  0; 8; 12 (nhs)
    position   nhs  110-105 = 5;    110-100+8 = 18;   110-100+12 = 22;    pays 5 in 2027
               council 60-55 = 5;   60-43 = 17;       60-52 = 8;          receives 5 in 2027
    alone      nhs  110-105 = 5, then 110-100 = 10 twice: a plan it could follow, four wards
               council: none
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from placeopt.engine import Plan
from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.rules.budget.money import (
    Capital,
    Continuity,
    NobodyWorseOff,
    OneBudget,
    Pace,
    Prevention,
    Reinvestment,
    ThroughThePlace,
)
from tests.budget.places import scenario_of
from tests.support.places import place_of

YEARS = (2026, 2027, 2028)
DF = (1.0, 1 / 1.035, 1 / 1.035**2)


def care_town() -> Place:
    amounts = {"nhs_money": (110,) * 3, "council_tax": (60,) * 3, "build": (0, 0, 30)}
    return place_of(
        agencies=[
            {"agency_id": "nhs", "name": "NHS"},
            {"agency_id": "council", "name": "Council"},
        ],
        programmes=[
            {
                "programme_id": "hospital",
                "name": "Hospital",
                "agency_id": "nhs",
                "notice_years": 1,
            },
            {
                "programme_id": "community",
                "name": "Community care",
                "agency_id": "council",
                "kind": "preventive",
                "pooled": True,
            },
            {
                "programme_id": "hub",
                "name": "Hub",
                "agency_id": "council",
                "kind": "enabling",
                "minimum_scale_gbp_per_year": 10,
                "start_cost_gbp": 2,
                "capital_gbp": 30,
            },
        ],
        streams=[
            {"stream_id": "nhs_money", "name": "NHS money", "agency_id": "nhs"},
            {"stream_id": "council_tax", "name": "Council tax", "agency_id": "council"},
            {"stream_id": "build", "name": "Building fund", "purpose": "capital"},
        ],
        stream_amounts=[
            {"stream_id": f, "year": year, "amount_gbp": gbp}
            for f, money in amounts.items()
            for year, gbp in zip(YEARS, money, strict=True)
        ],
        spending=[
            spent("hospital", "nhs_money", 100),
            spent("community", "council_tax", 20),
        ],
        commitments=[{"programme_id": "hospital", "year": 2028, "amount_gbp": 80}],
        provision=[
            {
                "programme_id": "hospital",
                "outcome_id": "bed_days",
                "unit": "ward",
                "unit_capacity": 10,
                "unit_cost_gbp_per_year": 20,
                "closing_cost_gbp": 3,
            }
        ],
        outcomes=[
            {
                "outcome_id": "bed_days",
                "name": "Bed days",
                "unit": "days",
                "direction": "lower",
                "baseline": 40,
                "minimum_standard": 40,
                "target": 20,
            }
        ],
        curves=[
            {
                "programme_id": "community",
                "outcome_id": "bed_days",
                "form": "points",
                "lag_years": 1,
                "persistence_share": 0.5,
            }
        ],
        curve_points=[
            {"programme_id": "community", "outcome_id": "bed_days", "spend_gbp": 100, "effect": 50}
        ],
        benefits=[
            {
                "benefit_id": "beds",
                "outcome_id": "bed_days",
                "agency_id": "nhs",
                "unit_value_gbp": 2,
                "deadweight_share": 0.2,
                "cashable_share": 0.5,
            }
        ],
    )


def spent(programme: str, stream: str, gbp: float) -> dict:
    return {"year": 2025, "programme_id": programme, "stream_id": stream, "amount_gbp": gbp}


RULES = {
    "one_budget": OneBudget(
        rule="one_budget", total_gbp=152, opening_reserve_gbp=20, carry_over=True
    ),
    "pace": Pace(rule="pace", largest_cut_share=0.2, largest_rise_share=2.0),
    "prevention": Prevention(rule="prevention"),
    "reinvestment": Reinvestment(rule="reinvestment", share=0.05),
    "through_the_place": ThroughThePlace(rule="through_the_place", share=0.04),
    "nobody_worse_off": NobodyWorseOff(
        rule="nobody_worse_off", counterfactual="most_it_could_keep"
    ),
    "capital": Capital(rule="capital"),
    "continuity": Continuity(rule="continuity"),
}


def asked(**changes) -> Scenario:
    """The scenario whose rules the plan meets, with changed rules."""
    rules = {**RULES, **changes}
    decided = {"benefit_years": 3}
    asked = tuple(rules.values())
    return scenario_of("weighted_outcomes", rules=asked, year=2026, years=3, money=decided)


def plan_by_hand() -> Plan:
    """The plan of the module's text, every figure typed in."""
    spend = {"hospital": (100, 80, 80), "community": (60, 60, 60), "hub": (0, 0, 10)}
    before = {"hospital": 100, "community": 20, "hub": 0}
    one_off = {"hospital": (0, 3, 0), "community": (0, 0, 0), "hub": (0, 0, 2)}
    paid = {
        ("hospital", "nhs_money"): (100, (100, 83, 80)),
        ("community", "nhs_money"): (0, (5, 17, 20)),
        ("community", "council_tax"): (20, (55, 43, 40)),
        ("hub", "council_tax"): (0, (0, 0, 12)),
    }
    t = range(3)
    tables = {
        "spending": pd.DataFrame(
            {
                "programme_id": list(spend),
                "name": ["Hospital", "Community care", "Hub"],
                "agency_id": ["nhs", "council", "council"],
                "kind": ["reactive", "preventive", "enabling"],
                "before_gbp": list(before.values()),
                "after_gbp": [gbp[2] for gbp in spend.values()],
                "one_off_gbp": [gbp[2] for gbp in one_off.values()],
                "change_gbp": [-20.0, 40.0, 10.0],
                "change_share": [-0.2, 2.0, np.nan],
                "statutory_floor_gbp": np.nan,
                "place_floor_gbp": np.nan,
                "why": "",
            }
        ),
        "payments": pd.DataFrame(
            [(p, f, YEARS[at], was, now[at]) for (p, f), (was, now) in paid.items() for at in t],
            columns=["programme_id", "stream_id", "year", "before_gbp", "after_gbp"],
        ),
        "streams": pd.DataFrame(
            {
                "stream_id": ["nhs_money", "council_tax", "build"],
                "name": ["NHS money", "Council tax", "Building fund"],
                "agency_id": ["nhs", "council", ""],
                "ring_fenced": False,
                "amount_gbp": [110.0, 60.0, 30.0],
                "spent_before_gbp": [100.0, 20.0, 0.0],
                "spent_after_gbp": [100.0, 52.0, 0.0],
                "returned_gbp": 0.0,
                "left_gbp": [10.0, 8.0, 30.0],
            }
        ),
        "outcomes": pd.DataFrame(
            {
                "outcome_id": ["bed_days"],
                "name": ["Bed days"],
                "unit": ["days"],
                "direction": ["lower"],
                "baseline": [40.0],
                "minimum_standard": [40.0],
                "target": [20.0],
                "after": [25.0],
                "change": [-15.0],
                "after_bad_evidence": np.nan,
                "standard_met": ["yes"],
                "target_met": ["no"],
            }
        ),
        "agencies": pd.DataFrame(
            {
                "agency_id": ["nhs", "council"],
                "name": ["NHS", "Council"],
                "before_gbp": [100.0, 20.0],
                "after_gbp": [80.0, 70.0],
                "change_gbp": [-20.0, 50.0],
            }
        ),
        "objectives": pd.DataFrame(
            {
                # ranges of 20: 0, 10/20 and 15/20, on average 1.25/3; the worst year is 1 short
                "objective": ["weighted_outcomes", "fairest", "least_money", "least_disruption"],
                "unit": ["ranges", "ranges", "GBP", "GBP"],
                "do_nothing": [0.0, 1.0, 120 * sum(DF), 0.0],
                "plan": [-1.25 / 3, 1.0, 160 + 143 * DF[1] + 152 * DF[2], 40.0 + 20.0 + 10.0],
            }
        ),
        "curves": pd.DataFrame(
            {
                "programme_id": ["community"],
                "outcome_id": ["bed_days"],
                "form": ["points"],
                "concave": ["yes"],
                "error_bound": [0.0],
            }
        ),
        "spending_by_year": pd.DataFrame(
            [
                (
                    *(YEARS[at], p, before[p], spend[p][at], spend[p][at] - before[p]),
                    *(one_off[p][at], 30.0 if (p, at) == ("hub", 2) else 0.0),
                    (4, 3, 3)[at] if p == "hospital" else np.nan,
                )
                for at in t
                for p in spend
            ],
            columns=[
                *("year", "programme_id", "do_nothing_gbp", "plan_gbp", "change_gbp"),
                *("one_off_gbp", "capital_gbp", "units"),
            ],
        ),
        "outcomes_by_year": pd.DataFrame(
            {
                "year": YEARS,
                "outcome_id": "bed_days",
                "do_nothing": 40.0,
                "plan": [40.0, 30.0, 25.0],
                "minimum_standard": 40.0,
                "target": 20.0,
                "standard_met": "yes",
                "target_met": "no",
            }
        ),
        "reserves": pd.DataFrame(
            {
                "year": YEARS,
                "opening_gbp": [20.0, 12.0, 21.0],
                "in_gbp": 152.0,
                "out_gbp": [160.0, 143.0, 152.0],
                "clawback_gbp": 0.0,
                "closing_gbp": [12.0, 21.0, 21.0],
            }
        ),
        "positions": pd.DataFrame(
            {
                "year": [year for year in YEARS for _ in range(2)],
                "agency_id": ["nhs", "council"] * 3,
                "alone_gbp": [5.0, np.nan, 10.0, np.nan, 10.0, np.nan],
                "alone_low_gbp": [5.0, np.nan, 10.0, np.nan, 10.0, np.nan],
                "alone_high_gbp": [5.0, np.nan, 10.0, np.nan, 10.0, np.nan],
                "cashable_gbp": [0.0, 0.0, 8.0, 0.0, 12.0, 0.0],
                "freed_gbp": [0.0, 0.0, 20.0, 0.0, 20.0, 0.0],
                "paid_by_others_gbp": [0.0, 5.0, 0.0, 17.0, 0.0, 20.0],
                "paid_for_others_gbp": [5.0, 0.0, 17.0, 0.0, 20.0, 0.0],
                "given_back_gbp": 0.0,
                "unspent_gbp": [5.0, 5.0, 10.0, 17.0, 10.0, 8.0],
                "plan_before_transfers_gbp": [5.0, 5.0, 18.0, 17.0, 22.0, 8.0],
                "transfers_gbp": [0.0, 0.0, -5.0, 5.0, 0.0, 0.0],
                "plan_gbp": [5.0, 5.0, 13.0, 22.0, 22.0, 8.0],
            }
        ),
        "transfers": pd.DataFrame(
            {
                "year": [2027],
                "from_agency_id": ["nhs"],
                "to_agency_id": ["council"],
                "amount_gbp": [5.0],
            }
        ),
        "alone_spending": pd.DataFrame(
            {
                "agency_id": "nhs",
                "year": YEARS,
                "programme_id": "hospital",
                "before_gbp": 100.0,
                "alone_gbp": [105.0, 100.0, 100.0],
                "units": 4.0,
            }
        ),
        "alone_payments": pd.DataFrame(
            {
                "agency_id": "nhs",
                "year": YEARS,
                "programme_id": "hospital",
                "stream_id": "nhs_money",
                "before_gbp": 100.0,
                "alone_gbp": [105.0, 100.0, 100.0],
            }
        ),
        "alone_objectives": pd.DataFrame(columns=["agency_id", "objective", "alone", "bound"]),
        "cash_flow": _cash_flow(),
        "benefits_chain": _chain(),
    }
    return Plan(tables, {"base_year": 2025, "decided_year": 2028, "total_gbp": 152.0})


def _cash_flow() -> pd.DataFrame:
    lines = [
        *(
            (year, "nhs", "spending", 100, gbp)
            for year, gbp in zip(YEARS, (100, 80, 80), strict=True)
        ),
        *(
            (year, "council", "spending", 20, gbp)
            for year, gbp in zip(YEARS, (60, 60, 70), strict=True)
        ),
        (2027, "nhs", "one_off", 0, 3),
        (2028, "council", "one_off", 0, 2),
        (2028, "council", "capital", 0, 30),
        (2027, "nhs", "benefits", 0, -8),
        (2028, "nhs", "benefits", 0, -12),
    ]
    columns = ["year", "agency_id", "line", "do_nothing_gbp", "plan_gbp"]
    rows = pd.DataFrame(lines, columns=columns)
    return rows.assign(saving_gbp=rows["do_nothing_gbp"] - rows["plan_gbp"])


def _chain() -> pd.DataFrame:
    improvement = np.array([0.0, 10.0, 15.0])
    return pd.DataFrame(
        {
            "benefit_id": "beds",
            "outcome_id": "bed_days",
            "agency_id": "nhs",
            "kind": "fiscal",
            "year": YEARS,
            "improvement": improvement,
            "counted": improvement,
            "unit_value_gbp": 2.0,
            "attribution_share": 1.0,
            "deadweight_share": 0.2,
            "displacement_share": 0.0,
            "leakage_share": 0.0,
            "substitution_share": 0.0,
            "correction_share": 0.0,
            "gross_gbp": [0.0, 20.0, 30.0],
            "net_gbp": [0.0, 16.0, 24.0],
            "cashable_share": 0.5,
            "cashable_gbp": [0.0, 8.0, 12.0],
            "discount_factor": DF,
            "present_gbp": [0.0, 16.0 * DF[1], 24.0 * DF[2]],
        }
    )
