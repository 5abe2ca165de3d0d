"""The money of a budget problem: payments, income, who may pay for what, and the largest spends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from placeopt.base.errors import UsageError
from placeopt.budget.problem.arrays import Bools, Floats, Ints
from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.rules.budget.money import OneBudget, Statutory, Streams


def decided_years(place: Place, scenario: Scenario) -> Ints:
    """(T,) the calendar years decided: from the scenario's year, or the first after the data."""
    first = scenario.year if scenario.year is not None else int(place.spending["year"].max()) + 1
    return np.arange(first, first + scenario.years, dtype=np.int64)


def paid_in(place: Place, year: int) -> Floats:
    """(P, F) GBP that each stream paid for each programme, 0 where there is no row."""
    spending = place.spending[place.spending["year"] == year]
    paid = spending.pivot_table(
        index="programme_id", columns="stream_id", values="amount_gbp", aggfunc="sum"
    ).reindex(index=place.programmes["programme_id"], columns=place.streams["stream_id"])
    return paid.fillna(0.0).to_numpy(float)


def amounts(place: Place, year: int) -> tuple[Floats, Bools]:
    """(F,) GBP that each stream brings in that year, and whether the table states it."""
    rows = place.stream_amounts[place.stream_amounts["year"] == year]
    result = rows.set_index("stream_id")["amount_gbp"].reindex(place.streams["stream_id"])
    return result.to_numpy(float), result.notna().to_numpy()


def may_pay(place: Place, rule: Streams | None) -> Bools:
    """(P, F) whether a stream may pay for a programme."""
    programmes, streams = place.programmes["programme_id"], place.streams["stream_id"]
    is_fenced = place.streams["ring_fenced"].to_numpy(bool)
    if rule:
        is_fenced = is_fenced & ~streams.isin(rule.release).to_numpy()
    is_fenced = is_fenced | (place.streams["purpose"] == "capital").to_numpy()
    allowed = np.repeat(~is_fenced[None, :], len(programmes), axis=0)
    p = pd.Index(programmes).get_indexer(place.stream_programmes["programme_id"])
    f = pd.Index(streams).get_indexer(place.stream_programmes["stream_id"])
    allowed[p, f] = True
    return allowed


def floors(place: Place, scenario: Scenario) -> Floats:
    rule = next(iter(scenario.of(Statutory)), None)
    if rule is None:
        return np.zeros(len(place.programmes))
    stated = place.programmes["programme_id"].map(rule.floors_gbp)
    return stated.fillna(place.programmes["statutory_floor_gbp_per_year"]).to_numpy(float)


def total(scenario: Scenario, before: Floats, decided: int) -> dict[str, Any]:
    rule = next(iter(scenario.of(OneBudget)), None)
    if rule is None:
        total, opening, carry = np.full(decided, np.inf), 0.0, False
    else:
        total = np.array([rule.total(float(before.sum()), t) for t in range(decided)])
        opening, carry = rule.opening_reserve_gbp, rule.carry_over
    return {"total": total, "opening_reserve": opening, "carry_over": carry}


def paced_spend(before: Floats, growth: Floats, actual: Floats) -> Floats:
    """(T, P) ``before`` (P,) multiplied by a factor (P,) a year, restarting after actual years."""
    result, previous = np.empty_like(actual), before
    for t, known in enumerate(actual):
        previous = np.where(np.isnan(known), previous * growth, known)
        result[t] = previous
    return result


def upper(programmes: pd.DataFrame, pairs: Bools, money: dict[str, Any], relax: str) -> Floats:
    """(T, P) the largest spend of each programme, GBP a year."""
    amount, before = money["stream_limit"], money["base_spend"]
    limit = (amount.cumsum(axis=0) if money["streams_carry_over"] else amount) @ pairs.T.astype(
        float
    )
    if np.isinf(amount).any() or relax == "B2":
        limit = np.full((len(amount), len(programmes)), np.inf)
    rewards = np.nansum(money["reward"] * money["reward_span"]) + money["provider_terms"].max_refund
    total = money["total"] + rewards * (np.arange(len(amount)) > 0)
    if money["carry_over"]:
        total = money["opening_reserve"] + total.cumsum()
    if relax != "B1":
        limit = np.minimum(limit, total[:, None])
    with np.errstate(divide="ignore"):  # what is withheld of a price is not paid in the year
        limit = np.where(limit > 0, limit / (1 - money["provider_terms"].withheld), limit)
    if relax:
        limit = np.where(np.isfinite(limit), limit, 10 * before.sum())
    limit = np.fmin(programmes["maximum_gbp_per_year"].to_numpy(float), limit)
    if not relax:  # the largest rise under the pace
        with np.errstate(over="ignore", invalid="ignore"):
            pace_limit = paced_spend(before, 1 + money["pace_rise"], money["actual_spend"])
        limit = np.fmin(limit, np.where(np.isfinite(money["pace_rise"]), pace_limit, np.inf))
        limit = np.fmax(limit, money["actual_spend"])
    if not np.isfinite(limit).all():
        raise UsageError(
            "nothing limits the money: keep the rule streams (B2), or give one_budget (B1) a total"
        )
    return limit
