"""The verifier's own arithmetic of an appraisal, in plain Python from the tables.

Each benefit and cost is added up again by person and year. Only the figures to be checked are taken
from the appraisal.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pandas as pd

from placeopt.budget.verify.benefits import RELATIVE_TOLERANCE, correction_of, discount_rates
from placeopt.place import Place
from placeopt.scenario.scenario import Money
from placeopt.scenario.verification import Check

MONEY_TOLERANCE_GBP = 0.01


def verify_appraisal(
    place: Place,
    money: Money,
    tables: Mapping[str, pd.DataFrame],
    summary: Mapping[str, float | str],
) -> list[Check]:
    """Recompute the rows of the chain and of the costs, the agencies' totals and the summary.

    Args:
        place: The place.
        money: Discounting and optimism bias.
        tables: The appraisal's tables.
        summary: Its summary.
    """
    first, last = int(summary["first_year"]), int(summary["last_year"])
    years = range(first, last + 1)
    rate = discount_rates(money)
    benefit = {
        (row["benefit_id"], year): value
        for row in place.appraisal_benefits.to_dict("records")
        for year, value in _benefit(place, money, row, years).items()
    }
    cost = {
        (row["cost_id"], year): value
        for row in place.appraisal_costs.to_dict("records")
        for year, value in _cost(place, money, row, years).items()
    }
    health = {
        r["benefit_id"]: bool(r["health"]) for r in place.appraisal_benefits.to_dict("records")
    }
    factors = {
        (year, low): _factor(rate, year - first, low) for year in years for low in (False, True)
    }
    present_benefit = {key: v * factors[key[1], health[key[0]]] for key, v in benefit.items()}
    present_cost = {key: v * factors[key[1], False] for key, v in cost.items()}
    checks = [
        _rows("chain", tables["chain"], "benefit_id", "net_gbp", benefit),
        _rows("chain", tables["chain"], "benefit_id", "present_gbp", present_benefit),
        _rows("costs", tables["costs"], "cost_id", "cost_gbp", cost),
        _rows("costs", tables["costs"], "cost_id", "present_gbp", present_cost),
        _agencies(place, tables["agencies"], benefit, cost, present_benefit, present_cost),
        _years(tables["years"], benefit, cost, years),
    ]
    present_benefits, present_costs = sum(present_benefit.values()), sum(present_cost.values())
    totals = {
        "cost_gbp": sum(cost.values()),
        "benefit_gbp": sum(benefit.values()),
        "cost_present_gbp": present_costs,
        "benefit_present_gbp": present_benefits,
        "net_present_gbp": present_benefits - present_costs,
    }
    if present_costs:
        totals["benefit_cost_ratio"] = present_benefits / present_costs
    faults = [
        f"{name} is {summary[name]}, recomputed {value}"
        for name, value in totals.items()
        if not _is_close(float(summary[name]), value)
    ]
    sentence = "The summary's totals are the sums of the tables."
    checks.append(Check("", "summary", sentence, not faults, "; ".join(faults)))
    return checks


def _benefit(place: Place, money: Money, row: Mapping[Any, Any], years: range) -> dict[int, float]:
    """Net real GBP by year of one benefit."""
    first = int(row["first_year"])
    last = first if pd.isna(row["last_year"]) else int(row["last_year"])
    value = _value(place, row)
    net = value * row["attribution_share"] * (1 - correction_of(place, money, row, "benefit"))
    for name in ("deadweight", "displacement", "leakage", "substitution"):
        net *= 1 - row[f"{name}_share"]
    people_per_share = row["population"] * row["engagement_share"] * row["retention_share"]
    by_year = dict.fromkeys(years, 0.0)
    for intake in years:
        people = people_per_share * _share(place, row["benefit_id"], intake, first, last)
        for since in range(int(row["duration_years"])):
            year = intake + int(row["lag_years"]) + since
            if year in by_year:
                by_year[year] += people * row["impact"] * (1 - row["decay_share"]) ** since * net
    return by_year


def _cost(place: Place, money: Money, row: Mapping[Any, Any], years: range) -> dict[int, float]:
    """Real GBP by year of one cost, corrected for optimism bias where asked for."""
    first = int(row["first_year"])
    last = first if pd.isna(row["last_year"]) else int(row["last_year"])
    stated = place.info.price_year if pd.isna(row["price_year"]) else int(row["price_year"])
    correction = 1 + correction_of(place, money, row, "cost")
    by_year = {}
    for year in years:
        share = _share(place, row["cost_id"], year, first, last)
        prices = year if row["nominal"] and share else stated
        by_year[year] = _real(place, row["amount_gbp"] * share, prices) * correction
    return by_year


def _share(place: Place, item: str, year: int, begin: int, end: int) -> float:
    stated = [r for r in place.appraisal_phasing.to_dict("records") if r["item_id"] == item]
    if not stated:
        return 1.0 if begin <= year <= end else 0.0
    return sum(float(row["share"]) for row in stated if int(row["year"]) == year)


def _value(place: Place, row: Mapping[Any, Any]) -> float:
    for cost in place.unit_costs.to_dict("records"):
        if row["unit_cost"] and cost["code"] == row["unit_cost"]:
            return _real(place, cost["amount_gbp"], int(cost["price_year"]))
    price_year = place.info.price_year if pd.isna(row["price_year"]) else int(row["price_year"])
    return _real(place, row["unit_value_gbp"], price_year)


def _real(place: Place, amount: float, year: int) -> float:
    if year == place.info.price_year:
        return float(amount)
    level = {int(row["year"]): float(row["index"]) for row in place.deflators.to_dict("records")}
    return amount / level[year] * level[place.info.price_year]


def _factor(rate: Any, ahead: int, health: bool) -> float:
    factor = 1.0
    for year in range(1, ahead + 1):
        factor /= 1 + rate(year, health)
    return factor


def _rows(
    table: str, rows: pd.DataFrame, key: str, column: str, expected: Mapping[tuple[str, int], float]
) -> Check:
    reported = {(r[key], int(r["year"])): float(r[column]) for r in rows.to_dict("records")}
    faults = [
        f"{name} in {year}: {column} is {reported.get((name, year))}, recomputed {value}"
        for (name, year), value in expected.items()
        if not _is_close(reported.get((name, year), math.nan), value)
    ]
    sentence = f"Every {column} of the table {table} is what its factors multiply to."
    holds = not faults and len(reported) == len(expected)
    return Check("", f"{table} {column}", sentence, holds, faults[0] if faults else "")


def _agencies(place: Place, rows: pd.DataFrame, *parts: Mapping[tuple[str, int], float]) -> Check:
    """Check the costs and benefits of each agency, undiscounted and as present values."""
    benefit_agency = {
        r["benefit_id"]: r["agency_id"] for r in place.appraisal_benefits.to_dict("records")
    }
    cost_agency = {r["cost_id"]: r["agency_id"] for r in place.appraisal_costs.to_dict("records")}
    names = ("benefit_gbp", "cost_gbp", "benefit_present_gbp", "cost_present_gbp")
    faults = []
    for name, part, owner in zip(
        names, parts, (benefit_agency, cost_agency, benefit_agency, cost_agency), strict=True
    ):
        sums: dict[str, float] = defaultdict(float)
        for (item, _), value in part.items():
            sums[owner[item]] += value
        for row in rows.to_dict("records"):
            if not _is_close(float(row[name]), sums.pop(row["agency_id"], 0.0)):
                faults.append(f"{row['agency_id'] or 'society'}: {name} is {row[name]}")
        faults += [f"{agency}: {name} has no row" for agency, value in sums.items() if value]
    sentence = "What each agency pays and gains is the sum of its own rows."
    return Check("", "agencies", sentence, not faults, "; ".join(faults))


def _years(
    rows: pd.DataFrame,
    benefit: Mapping[tuple[str, int], float],
    cost: Mapping[tuple[str, int], float],
    years: range,
) -> Check:
    reported = {int(row["year"]): row for row in rows.to_dict("records")}
    faults = []
    for year in years:
        for name, part in (("benefit_gbp", benefit), ("cost_gbp", cost)):
            expected = sum(value for (_, at), value in part.items() if at == year)
            if year not in reported or not _is_close(float(reported[year][name]), expected):
                faults.append(f"{year}: {name}, recomputed {expected}")
    sentence = "Each year's costs and benefits are the sums of their rows."
    return Check("", "years", sentence, not faults, "; ".join(faults))


def _is_close(given: float, wanted: float) -> bool:
    return math.isclose(given, wanted, rel_tol=RELATIVE_TOLERANCE, abs_tol=MONEY_TOLERANCE_GBP)
