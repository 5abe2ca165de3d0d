"""Limits on programmes in a budget problem: pace, optional purchase, notice, contracts,
commitments and whole units.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from placeopt.budget.problem.arrays import Floats, Ints, Texts
from placeopt.budget.problem.money import paid_in
from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.rules.budget.money import (
    Capital,
    Commissioning,
    Continuity,
    Pace,
    Prevention,
    Reinvestment,
)


def pace(scenario: Scenario, programme_ids: Texts, before: Floats) -> dict[str, Any]:
    cut, rise = np.full(len(before), np.inf), np.full(len(before), np.inf)
    for rule in scenario.of(Pace):
        is_bound = (before > 0) & ~np.isin(programme_ids, rule.exempt)
        if rule.largest_cut_share is not None:
            cut = np.where(is_bound, rule.largest_cut_share, cut)
        if rule.largest_rise_share is not None:
            rise = np.where(is_bound, rule.largest_rise_share, rise)
    return {"pace_cut": cut, "pace_rise": rise}


def commissioning(
    place: Place, scenario: Scenario, years: Ints, before: Floats, relax: str
) -> dict[str, Any]:
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
    capital = rows["capital_gbp"].to_numpy(float) * bool(scenario.of(Capital))
    until = rows["contract_until_year"].astype("Float64").to_numpy(float, na_value=-np.inf)
    is_running = (years[:, None] <= until[None, :]) & (rule is not None) & (relax != "B10")
    return {
        "is_optional": is_optional | (capital > 0),
        "min_purchase": np.maximum(np.maximum(scale, before / 1000), 1e-6 * before.sum()),
        "contract_years": length,
        "start_cost": start,
        "stop_cost": stop,
        "alternative_set": choice,
        "purchase_groups": groups if relax != "B10" else (),
        "contract_floor": np.where(is_running, before, 0.0),
        "capital": capital,
    }


def commitments(place: Place, scenario: Scenario, years: Ints, relax: str) -> dict[str, Any]:
    """Notice (B5), and contracted and actual spending (B13)."""
    before = paid_in(place, int(place.spending["year"].max())).sum(axis=1)
    notice = np.zeros((len(years), len(before)))
    if any(rule.notice for rule in scenario.of(Pace)) and relax != "B5":
        notice_years = place.programmes["notice_years"].to_numpy(int)
        notice = np.where(np.arange(len(years))[:, None] < notice_years[None, :], before, 0.0)
    contracted, actual = np.zeros_like(notice), np.full_like(notice, np.nan)
    if scenario.of(Continuity):
        rows = place.commitments
        p = pd.Index(place.programmes["programme_id"]).get_indexer(rows["programme_id"])
        t = pd.Index(years).get_indexer(pd.Index(rows["year"].to_numpy(np.int64)))
        gbp, is_actual = rows["amount_gbp"].to_numpy(float), (rows["kind"] == "actual").to_numpy()
        for is_chosen, table in ((~is_actual, contracted), (is_actual, actual)):
            is_chosen = is_chosen & (t >= 0)
            table[t[is_chosen], p[is_chosen]] = gbp[is_chosen]
    is_past = np.isfinite(actual).all(axis=1)  # no other rule holds in past years
    notice[is_past], contracted[is_past] = 0.0, 0.0
    return {
        "notice_floor": notice,
        "contracted_floor": contracted,
        "actual_spend": actual,
        "is_past": is_past,
    }


def units(
    place: Place, scenario: Scenario, years: Ints, base_year: int, before: Floats, relax: str
) -> dict[str, Any]:
    """Whole units (B6), and spending if nothing changed (B7)."""
    rows = place.provision
    p = pd.Index(place.programmes["programme_id"]).get_indexer(rows["programme_id"])
    o = pd.Index(place.outcomes["outcome_id"]).get_indexer(rows["outcome_id"])
    growth = place.outcomes["growth_share_per_year"].to_numpy(float)
    do_nothing = np.tile(before, (len(years), 1))
    do_nothing[:, p] *= (1 + growth[o]) ** (years - base_year)[:, None]
    if not scenario.of(Prevention):
        rows, p, o = rows.iloc[:0], p[:0], o[:0]
    capacity = rows["unit_capacity"].to_numpy(float)
    today = place.outcomes["baseline"].to_numpy(float)[o]
    reinvest = next(iter(scenario.of(Reinvestment)), None)
    return {
        "do_nothing": do_nothing,
        "unit_programme": p.astype(np.int64),
        "unit_outcome": o.astype(np.int64),
        "unit_capacity": capacity,
        "unit_cost": rows["unit_cost_gbp_per_year"].to_numpy(float),
        "closing_cost": rows["closing_cost_gbp"].to_numpy(float),
        "units_today": np.ceil(today / capacity - 1e-6),
        "double_running": max(
            (rule.double_running_years for rule in scenario.of(Pace) if relax != "B5"), default=0
        ),
        "reinvest_share": reinvest.share if reinvest else np.nan,
    }
