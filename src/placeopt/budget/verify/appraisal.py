"""The verifier's own arithmetic of an appraisal, in plain Python from the tables.

Each benefit and cost is added up person by year again; nothing is taken from the appraisal but the
figures that are checked.
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
    """The rows of the chain and of the costs, the agencies' totals and the summary, redone."""
    first, last = int(summary["first_year"]), int(summary["last_year"])
    span = range(first, last + 1)
    rate = discount_rates(money)
    benefit = {
        (row["benefit_id"], year): value
        for row in place.appraisal_benefits.to_dict("records")
        for year, value in _benefit(place, money, row, span).items()
    }
    cost = {
        (row["cost_id"], year): value
        for row in place.appraisal_costs.to_dict("records")
        for year, value in _cost(place, money, row, span).items()
    }
    health = {
        r["benefit_id"]: bool(r["health"]) for r in place.appraisal_benefits.to_dict("records")
    }
    worth = {
        (year, low): _factor(rate, year - first, low) for year in span for low in (False, True)
    }
    present_benefit = {key: v * worth[key[1], health[key[0]]] for key, v in benefit.items()}
    present_cost = {key: v * worth[key[1], False] for key, v in cost.items()}
    checks = [
        _rows("chain", tables["chain"], "benefit_id", "net_gbp", benefit),
        _rows("chain", tables["chain"], "benefit_id", "present_gbp", present_benefit),
        _rows("costs", tables["costs"], "cost_id", "cost_gbp", cost),
        _rows("costs", tables["costs"], "cost_id", "present_gbp", present_cost),
        _agencies(place, tables["agencies"], benefit, cost, present_benefit, present_cost),
        _years(tables["years"], benefit, cost, span),
    ]
    gained, paid = sum(present_benefit.values()), sum(present_cost.values())
    totals = {
        "cost_gbp": sum(cost.values()),
        "benefit_gbp": sum(benefit.values()),
        "cost_present_gbp": paid,
        "benefit_present_gbp": gained,
        "net_present_gbp": gained - paid,
    }
    if paid:
        totals["benefit_cost_ratio"] = gained / paid
    slips = [
        f"{name} is {summary[name]}, recomputed {value}"
        for name, value in totals.items()
        if not _is_close(float(summary[name]), value)
    ]
    sentence = "The summary's totals are the sums of the tables."
    checks.append(Check("", "summary", sentence, not slips, "; ".join(slips)))
    return checks


def _benefit(place: Place, money: Money, row: Mapping[Any, Any], span: range) -> dict[int, float]:
    """Net real GBP by year of one benefit."""
    begin = int(row["first_year"])
    end = begin if pd.isna(row["last_year"]) else int(row["last_year"])
    value = _value(place, row)
    net = value * row["attribution_share"] * (1 - correction_of(place, money, row, "benefit"))
    for name in ("deadweight", "displacement", "leakage", "substitution"):
        net *= 1 - row[f"{name}_share"]
    staying = row["population"] * row["engagement_share"] * row["retention_share"]
    found = dict.fromkeys(span, 0.0)
    for intake in span:
        people = staying * _share(place, row["benefit_id"], intake, begin, end)
        for since in range(int(row["duration_years"])):
            year = intake + int(row["lag_years"]) + since
            if year in found:
                found[year] += people * row["impact"] * (1 - row["decay_share"]) ** since * net
    return found


def _cost(place: Place, money: Money, row: Mapping[Any, Any], span: range) -> dict[int, float]:
    """Real GBP by year of one cost, corrected for optimism where that is asked."""
    begin = int(row["first_year"])
    end = begin if pd.isna(row["last_year"]) else int(row["last_year"])
    stated = place.info.price_year if pd.isna(row["price_year"]) else int(row["price_year"])
    raised = 1 + correction_of(place, money, row, "cost")
    found = {}
    for year in span:
        share = _share(place, row["cost_id"], year, begin, end)
        prices = year if row["nominal"] and share else stated
        found[year] = _real(place, row["amount_gbp"] * share, prices) * raised
    return found


def _share(place: Place, item: str, year: int, begin: int, end: int) -> float:
    stated = [r for r in place.appraisal_phasing.to_dict("records") if r["item_id"] == item]
    if not stated:
        return 1.0 if begin <= year <= end else 0.0
    return sum(float(row["share"]) for row in stated if int(row["year"]) == year)


def _value(place: Place, row: Mapping[Any, Any]) -> float:
    for cost in place.unit_costs.to_dict("records"):
        if row["unit_cost"] and cost["code"] == row["unit_cost"]:
            return _real(place, cost["amount_gbp"], int(cost["price_year"]))
    own = place.info.price_year if pd.isna(row["price_year"]) else int(row["price_year"])
    return _real(place, row["unit_value_gbp"], own)


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
    table: str, rows: pd.DataFrame, key: str, column: str, wanted: Mapping[tuple[str, int], float]
) -> Check:
    given = {(r[key], int(r["year"])): float(r[column]) for r in rows.to_dict("records")}
    slips = [
        f"{name} in {year}: {column} is {given.get((name, year))}, recomputed {value}"
        for (name, year), value in wanted.items()
        if not _is_close(given.get((name, year), math.nan), value)
    ]
    sentence = f"Every {column} of the table {table} is what its factors multiply to."
    holds = not slips and len(given) == len(wanted)
    return Check("", f"{table} {column}", sentence, holds, slips[0] if slips else "")


def _agencies(place: Place, rows: pd.DataFrame, *parts: Mapping[tuple[str, int], float]) -> Check:
    """Costs and benefits of each agency, as they stand and as present values."""
    gains = {r["benefit_id"]: r["agency_id"] for r in place.appraisal_benefits.to_dict("records")}
    pays = {r["cost_id"]: r["agency_id"] for r in place.appraisal_costs.to_dict("records")}
    names = ("benefit_gbp", "cost_gbp", "benefit_present_gbp", "cost_present_gbp")
    slips = []
    for name, part, owner in zip(names, parts, (gains, pays, gains, pays), strict=True):
        sums: dict[str, float] = defaultdict(float)
        for (item, _), value in part.items():
            sums[owner[item]] += value
        for row in rows.to_dict("records"):
            if not _is_close(float(row[name]), sums.pop(row["agency_id"], 0.0)):
                slips.append(f"{row['agency_id'] or 'society'}: {name} is {row[name]}")
        slips += [f"{agency}: {name} has no row" for agency, value in sums.items() if value]
    sentence = "What each agency pays and gains is the sum of its own rows."
    return Check("", "agencies", sentence, not slips, "; ".join(slips))


def _years(
    rows: pd.DataFrame,
    benefit: Mapping[tuple[str, int], float],
    cost: Mapping[tuple[str, int], float],
    span: range,
) -> Check:
    given = {int(row["year"]): row for row in rows.to_dict("records")}
    slips = []
    for year in span:
        for name, part in (("benefit_gbp", benefit), ("cost_gbp", cost)):
            wanted = sum(value for (_, at), value in part.items() if at == year)
            if year not in given or not _is_close(float(given[year][name]), wanted):
                slips.append(f"{year}: {name}, recomputed {wanted}")
    sentence = "Each year's costs and benefits are the sums of their rows."
    return Check("", "years", sentence, not slips, "; ".join(slips))


def _is_close(given: float, wanted: float) -> bool:
    return math.isclose(given, wanted, rel_tol=RELATIVE_TOLERANCE, abs_tol=MONEY_TOLERANCE_GBP)
