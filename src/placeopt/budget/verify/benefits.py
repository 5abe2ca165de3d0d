"""The verifier's own arithmetic of the benefits chain, in plain Python from the tables.

It is independent of the code that made the chain: every factor is read again from the place, every
year is added up again from the improvements, and the discount factors are multiplied rate by rate.
"""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

import pandas as pd

from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.scenario import Money
from placeopt.scenario.verification import Check

MONEY_TOLERANCE_GBP = 0.005
RELATIVE_TOLERANCE = 1e-7
DEDUCTIONS = ("deadweight_share", "displacement_share", "leakage_share", "substitution_share")
SHARES = ("attribution_share", *DEDUCTIONS, "cashable_share")

# (outcome id, year) -> units better than nothing done
Improvement = Mapping[tuple[str, int], float]


def check_chain(
    place: Place, scenario: Scenario, plan_chain: pd.DataFrame, improvement: Improvement
) -> Check:
    """Check the plan's table ``benefits_chain`` row by row."""
    expected = {
        (row["benefit_id"], row["year"]): row for row in benefit_rows(place, scenario, improvement)
    }
    reported_keys = set()
    fault = ""
    for row in plan_chain.to_dict("records"):
        key = (row["benefit_id"], int(row["year"]))
        reported_keys.add(key)
        if key not in expected:
            fault = fault or f"{key[0]} in {key[1]}: no such benefit and year"
            continue
        for name, value in expected[key].items():
            reported = row[name]
            if isinstance(value, str):
                is_same = value == reported
            else:
                is_same = math.isclose(
                    value, reported, rel_tol=RELATIVE_TOLERANCE, abs_tol=MONEY_TOLERANCE_GBP / 5
                )
            if not is_same:
                fault = fault or f"{key[0]} in {key[1]}: {name} is {reported}, recomputed {value}"
    for key in expected.keys() - reported_keys:
        fault = fault or f"{key[0]} in {key[1]}: no row"
    sentence = "Every step from improvement to net benefit, cash and present value is right."
    return Check("", "benefits_chain", sentence, not fault, fault)


def cashable(
    place: Place, scenario: Scenario, improvement: Improvement
) -> dict[tuple[str, int], float]:
    """(agency id, year) -> GBP of benefits that the agency saves in cash."""
    cash: dict[tuple[str, int], float] = defaultdict(float)
    for row in benefit_rows(place, scenario, improvement):
        if row["agency_id"]:
            cash[row["agency_id"], row["year"]] += row["cashable_gbp"]
    return dict(cash)


def benefit_rows(
    place: Place, scenario: Scenario, improvement: Improvement
) -> Iterator[dict[str, Any]]:
    """Each benefit in each year for which ``improvement`` has a number, step by step."""
    years = sorted({year for _, year in improvement})
    if not years:
        return
    rates = discount_rates(scenario.money)
    for benefit in place.benefits.to_dict("records"):
        correction = correction_of(place, scenario.money, benefit, "benefit")
        for year in years:
            counted = 0.0
            for since in range(int(benefit["duration_years"])):
                earlier = improvement.get(
                    (benefit["outcome_id"], year - int(benefit["lag_years"]) - since), 0.0
                )
                counted += earlier * (1 - benefit["decay_share"]) ** since
            gross = counted * _value(place, benefit)
            net = gross * benefit["attribution_share"] * (1 - correction)
            for name in DEDUCTIONS:
                net *= 1 - benefit[name]
            factor = 1.0
            for ahead in range(1, year - years[0] + 1):
                factor /= 1 + rates(ahead, bool(benefit["health"]))
            yield {
                "benefit_id": benefit["benefit_id"],
                "outcome_id": benefit["outcome_id"],
                "agency_id": benefit["agency_id"],
                "kind": benefit["kind"],
                "year": year,
                "unit_value_gbp": _value(place, benefit),
                **{name: benefit[name] for name in SHARES},
                "improvement": improvement.get((benefit["outcome_id"], year), 0.0),
                "counted": counted,
                "correction_share": correction,
                "gross_gbp": gross,
                "net_gbp": net,
                "cashable_gbp": net * benefit["cashable_share"],
                "discount_factor": factor,
                "present_gbp": net * factor,
            }


def _value(place: Place, benefit: Mapping[Any, Any]) -> float:
    if not benefit["unit_cost"]:
        return float(benefit["unit_value_gbp"])
    for cost in place.unit_costs.to_dict("records"):
        if cost["code"] == benefit["unit_cost"]:
            amount, year = float(cost["amount_gbp"]), int(cost["price_year"])
            if year == place.info.price_year:
                return amount
            level = {int(r["year"]): float(r["index"]) for r in place.deflators.to_dict("records")}
            return amount / level[year] * level[place.info.price_year]
    raise ValueError(f"unit_costs has no code {benefit['unit_cost']!r}")


def correction_of(place: Place, money: Money, row: Mapping[Any, Any], kind: str) -> float:
    """The correction for optimism bias of one number: its own, its grade's, or none."""
    if not money.optimism_bias:
        return 0.0
    if not math.isnan(row["correction_share"]):
        return float(row["correction_share"])
    if pd.isna(row["grade"]):
        return 0.0
    steps: list[Any] = [r for r in place.optimism_bias.to_dict("records") if r["kind"] == kind]
    if not steps:
        steps = [r for r in _file("budget.appraisal", "optimism_bias.csv") if r["kind"] == kind]
    grade = int(row["grade"])
    return next(float(r["correction_share"]) for r in steps if int(r["grade"]) == grade)


def discount_rates(money: Money) -> Any:
    """The discount rate of a year after the first, scaled to the scenario's own first rate."""
    steps = _file("scenario", "discount_rates.csv")
    scale = money.discount_rate / float(steps[0]["rate"])

    def rate(ahead: int, health: bool) -> float:
        step = next(s for s in steps if int(s["first_year"]) <= ahead <= int(s["last_year"]))
        return scale * float(step["health_rate" if health else "rate"])

    return rate


def _file(room: str, name: str) -> list[dict[str, str]]:
    text = (files(f"placeopt.{room}") / name).read_text(encoding="utf-8")
    return list(csv.DictReader([line for line in text.splitlines() if not line.startswith("#")]))
