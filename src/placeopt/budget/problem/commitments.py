"""Limits on programmes in a budget problem: pace, optional purchase, notice, contracts,
commitments and whole units.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from placeopt.base.arrays import Floats, Ints
from placeopt.budget.problem import parts
from placeopt.budget.problem.parts import Texts
from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.rules.budget.money import (
    Commissioning,
    Continuity,
    Pace,
    Prevention,
    Reinvestment,
    ThroughThePlace,
)


def pace(scenario: Scenario, programme_ids: Texts, before: Floats) -> tuple[Floats, Floats]:
    """(P,) the largest cut and the largest rise in a year (B5) as shares, inf where unlimited."""
    cut, rise = np.full(len(before), np.inf), np.full(len(before), np.inf)
    for rule in scenario.of(Pace):
        is_bound = (before > 0) & ~np.isin(programme_ids, rule.exempt)
        if rule.largest_cut_share is not None:
            cut = np.where(is_bound, rule.largest_cut_share, cut)
        if rule.largest_rise_share is not None:
            rise = np.where(is_bound, rule.largest_rise_share, rise)
    return cut, rise


def purchases(
    place: Place, scenario: Scenario, years: Ints, before: Floats, capital: Floats, relax: str
) -> parts.Purchases:
    """Which programmes are bought or not (B10).

    Args:
        place: The place.
        scenario: The scenario.
        years: (T,) the decided years.
        before: (P,) GBP spent in the base year.
        capital: (P,) GBP of capital when a programme starts.
        relax: The number of a rule that may be breached.
    """
    rows = place.programmes
    rule = next(iter(scenario.of(Commissioning)), None)
    scale = rows["minimum_scale_gbp_per_year"].to_numpy(float)
    start, stop = (
        rows[f"{name}_cost_gbp"].to_numpy(float) * (rule is not None) for name in ("start", "stop")
    )
    change_cost = np.where(before > 0, stop, start)  # what a single change from today would cost
    if len(years) > 1:
        change_cost = start + stop
    choice = rows["one_of"].to_numpy(str)
    position = {key: p for p, key in enumerate(rows["programme_id"])}
    groups = tuple(tuple(position[key] for key in group) for group in rule.coherent) if rule else ()
    grouped = np.isin(np.arange(len(rows)), [p for group in groups for p in group])
    length = rows["contract_years"].to_numpy(np.int64) * (rule is not None and relax != "B10")
    is_optional = (scale > 0) | (change_cost > 0) | (choice != "") | grouped | (length > 1)
    is_optional |= rows["programme_id"].isin(place.provider_terms["programme_id"]).to_numpy()
    is_optional &= rule is not None and relax != "B10"
    return parts.Purchases(
        is_optional=is_optional | (capital > 0),
        min_spend=np.maximum(np.maximum(scale, before / 1000), 1e-6 * before.sum()),
        contract_years=length,
        start_cost=start,
        stop_cost=stop,
        alternative_set=choice,
        groups=groups if relax != "B10" else (),
    )


def running_contracts(
    place: Place, scenario: Scenario, years: Ints, before: Floats, relax: str
) -> Floats:
    """(T, P) GBP a year that contracts of today (B10) hold, 0 where none runs."""
    in_force = bool(scenario.of(Commissioning)) and relax != "B10"
    last_year = place.programmes["contract_until_year"].astype("Float64")
    until = last_year.to_numpy(float, na_value=-np.inf)
    is_running = (years[:, None] <= until[None, :]) & in_force
    return np.where(is_running, before, 0.0)


def notice(place: Place, scenario: Scenario, years: Ints, before: Floats, relax: str) -> Floats:
    """(T, P) GBP a year that notice (B5) holds, 0 where none runs."""
    floor = np.zeros((len(years), len(before)))
    if any(rule.notice for rule in scenario.of(Pace)) and relax != "B5":
        notice_years = place.programmes["notice_years"].to_numpy(int)
        floor = np.where(np.arange(len(years))[:, None] < notice_years[None, :], before, 0.0)
    return floor


def commitments(place: Place, scenario: Scenario, years: Ints) -> tuple[Floats, Floats]:
    """(T, P) GBP contracted, 0 where none, and spent, NaN where the year is not past (B13)."""
    shape = len(years), len(place.programmes)
    contracted, actual = np.zeros(shape), np.full(shape, np.nan)
    if scenario.of(Continuity):
        rows = place.commitments
        p = pd.Index(place.programmes["programme_id"]).get_indexer(rows["programme_id"])
        t = pd.Index(years).get_indexer(pd.Index(rows["year"].to_numpy(np.int64)))
        gbp, is_actual = rows["amount_gbp"].to_numpy(float), (rows["kind"] == "actual").to_numpy()
        for is_chosen, table in ((~is_actual, contracted), (is_actual, actual)):
            is_chosen = is_chosen & (t >= 0)
            table[t[is_chosen], p[is_chosen]] = gbp[is_chosen]
    return contracted, actual


def do_nothing(place: Place, years: Ints, base_year: int, before: Floats) -> Floats:
    """(T, P) spending if nothing changed (B7): today's, grown with the demand it serves."""
    p, o = _provision(place)
    growth = place.outcomes["growth_share_per_year"].to_numpy(float)
    spending = np.tile(before, (len(years), 1))
    spending[:, p] *= (1 + growth[o]) ** (years - base_year)[:, None]
    return spending


def whole_units(place: Place, scenario: Scenario, relax: str) -> parts.WholeUnits:
    """Whole units (B6); no rows where the rule is not in force."""
    rows, (p, o) = place.provision, _provision(place)
    if not scenario.of(Prevention):
        rows, p, o = rows.iloc[:0], p[:0], o[:0]
    capacity = rows["unit_capacity"].to_numpy(float)
    today = place.outcomes["baseline"].to_numpy(float)[o]
    return parts.WholeUnits(
        programme=p,
        outcome=o,
        capacity=capacity,
        cost=rows["unit_cost_gbp_per_year"].to_numpy(float),
        closing_cost=rows["closing_cost_gbp"].to_numpy(float),
        today=np.ceil(today / capacity - 1e-6),
        double_running=max(
            (rule.double_running_years for rule in scenario.of(Pace) if relax != "B5"), default=0
        ),
    )


def _provision(place: Place) -> tuple[Ints, Ints]:
    """(U,) the programme and the outcome of each row of ``provision``."""
    rows = place.provision
    p = pd.Index(place.programmes["programme_id"]).get_indexer(rows["programme_id"])
    o = pd.Index(place.outcomes["outcome_id"]).get_indexer(rows["outcome_id"])
    return p.astype(np.int64), o.astype(np.int64)


def shares(scenario: Scenario) -> parts.Shares:
    """Shares of money that have a purpose (B7, B8)."""
    reinvest = next(iter(scenario.of(Reinvestment)), None)
    through = next(iter(scenario.of(ThroughThePlace)), None)
    return parts.Shares(
        reinvested=reinvest.share if reinvest else np.nan,
        pooled=through.share if through else np.nan,
        pooled_years=through.first_years if through else 0,
    )
