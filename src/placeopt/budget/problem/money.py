"""The money of a budget problem: payments, income, who may pay for what, and the largest spends."""

from __future__ import annotations

import numpy as np
import pandas as pd

from placeopt.base.arrays import Bools, Floats, Ints
from placeopt.base.errors import UsageError
from placeopt.budget.problem import parts
from placeopt.budget.problem.payment_by_results import ProviderTerms
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
    """(P,) GBP a year of statutory floors (B3), 0 where the rule is not in force."""
    rule = next(iter(scenario.of(Statutory)), None)
    if rule is None:
        return np.zeros(len(place.programmes))
    stated = place.programmes["programme_id"].map(rule.floors_gbp)
    return stated.fillna(place.programmes["statutory_floor_gbp_per_year"]).to_numpy(float)


def one_budget(scenario: Scenario, before: Floats, decided: int) -> parts.Money:
    """The one budget (B1) of ``decided`` years, today's spending being ``before`` (P,)."""
    rule = next(iter(scenario.of(OneBudget)), None)
    if rule is None:
        return parts.Money(np.full(decided, np.inf), 0.0, carry_over=False)
    total = np.array([rule.total(float(before.sum()), t) for t in range(decided)])
    return parts.Money(total, rule.opening_reserve_gbp, rule.carry_over)


def paced_spend(before: Floats, growth: Floats, actual: Floats) -> Floats:
    """(T, P) ``before`` (P,) multiplied by a factor (P,) a year, restarting after actual years."""
    result, previous = np.empty_like(actual), before
    for t, known in enumerate(actual):
        previous = np.where(np.isnan(known), previous * growth, known)
        result[t] = previous
    return result


def affordable_spend(
    pairs: Bools,
    streams: parts.Streams,
    money: parts.Money,
    rewards: parts.Rewards,
    terms: ProviderTerms,
    relax: str,
) -> Floats:
    """(T, P) the largest spend that the money of the place allows, GBP a year.

    Args:
        pairs: (P, F) whether a stream may pay for a programme.
        streams: Where money comes from.
        money: The one budget.
        rewards: What others pay for outcomes.
        terms: What providers give back.
        relax: The number of a rule that may be breached.
    """
    amount = streams.limit
    income: Floats = amount.cumsum(axis=0) if streams.carry_over else amount
    limit: Floats = income @ pairs.T.astype(float)
    if np.isinf(amount).any() or relax == "B2":
        limit = np.full((len(amount), len(pairs)), np.inf)
    bonus = np.nansum(rewards.price * rewards.span) + terms.max_refund
    total = money.total + bonus * (np.arange(len(amount)) > 0)
    if money.carry_over:
        total = money.opening_reserve + total.cumsum()
    if relax != "B1":
        limit = np.minimum(limit, total[:, None])
    with np.errstate(divide="ignore"):  # what is withheld of a price is not paid in the year
        limit = np.where(limit > 0, limit / (1 - terms.withheld), limit)
    return limit


def largest_spend(
    limit: Floats, before: Floats, maximum: Floats, pace_rise: Floats, actual: Floats, relax: str
) -> Floats:
    """(T, P) the largest spend of each programme: within ``limit`` (T, P), its maximum and pace.

    Args:
        limit: (T, P) what the money of the place allows.
        before: (P,) GBP spent in the base year.
        maximum: (P,) inf where none is known.
        pace_rise: (P,) the largest rise in a year as a share.
        actual: (T, P) what was spent, NaN where the year is not past.
        relax: The number of a rule that may be breached.

    Raises:
        UsageError: Where nothing limits the money.
    """
    if relax:
        limit = np.where(np.isfinite(limit), limit, 10 * before.sum())
    limit = np.fmin(maximum, limit)
    if not relax:  # the largest rise under the pace
        with np.errstate(over="ignore", invalid="ignore"):
            pace_limit = paced_spend(before, 1 + pace_rise, actual)
        limit = np.fmin(limit, np.where(np.isfinite(pace_rise), pace_limit, np.inf))
        limit = np.fmax(limit, actual)
    if not np.isfinite(limit).all():
        raise UsageError(
            "nothing limits the money: keep the rule streams (B2), or give one_budget (B1) a total"
        )
    return limit
