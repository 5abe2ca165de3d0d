"""A solved budget as tables in the user's own rows and ids.

spending    a row a programme: before, after, change, its floor (and the place's own, where the
            scenario states another or drops the rule) and the reason;
            ``one_off_gbp`` is the cost of starting or stopping it, ``by_results_gbp`` what is due
            by results (B10) less what is withheld of its spending for them
payments    a row for each programme and stream that pays for it, before or after, one-off
            costs included
streams     a row a stream: amount of the decided year, spent before and after, returned
outcomes    a row an outcome: baseline, standard, target, after (by the true curves), met or not;
            ``after_bad_evidence`` is what rule B12 keeps to its standard, empty without the rule
agencies    a row an agency: before, after, change
objectives  a row an objective: its value if nothing changed, and in the plan
prices      what one more pound, or one unit of a standard, changes (see ``shadow_prices``)
reasons     a row a programme and outcome named: the reason for its spending as code and numbers
            (see ``reasons``), and as the sentence in the column ``why``
curves      a row a curve: form, concave or not, the proven error of its last approximation

``returned_gbp`` is the unspent money of a ring-fenced stream, which goes back to its funder;
money that is carried over or released, and the unspent money of other streams, is ``left_gbp``.
Money is GBP of the decided year.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from placeopt.base.arrays import Floats
from placeopt.budget.appraisal.benefits import benefits_chain_table
from placeopt.budget.explain.shadow_prices import prices
from placeopt.budget.problem import cash_flows, effects, objective_values
from placeopt.budget.problem.arrays import OBJECTIVES, WEIGHTED_UNIT, BudgetProblem, sum_by_group
from placeopt.budget.search.payments import payment_decimals
from placeopt.budget.search.ring_fences import use_returnable_money_first
from placeopt.budget.search.solution import Solution
from placeopt.budget.tables.reasons import reasons_table
from placeopt.budget.tables.years import standard_status, yearly_tables
from placeopt.engine import Plan
from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.rules.budget.money import Streams


def build_plan(place: Place, problem: BudgetProblem, solved: Solution, scenario: Scenario) -> Plan:
    """The plan's tables and summary. Money is in whole pence, and totals add up."""
    assert solved.pay is not None
    pay = use_returnable_money_first(problem, solved.pay, place, scenario)
    assert solved.spend is not None
    spend = np.round(solved.spend, payment_decimals(problem))
    tables = {
        "spending": _spending(place, problem, spend),
        "payments": _payments(place, problem, pay),
        "streams": _streams(place, problem, pay, scenario),
        "outcomes": _outcomes(place, problem, spend),
        "objectives": _objectives(problem, spend),
        "prices": prices(problem, solved.steps),
        "curves": _curves(problem, solved),
        "reasons": _reasons(place, problem, spend),
        **yearly_tables(problem, spend, pay),
    }
    if len(place.benefits):
        first, gain = int(problem.horizon.years[0]), effects.gain(problem, spend)
        tables["benefits_chain"] = benefits_chain_table(place, scenario.money, first, gain)
    tables["agencies"] = _agencies(place, tables["spending"])
    return Plan(tables, _summary(problem, tables, solved))


def _spending(place: Place, problem: BudgetProblem, spend: np.ndarray) -> pd.DataFrame:
    rows = place.programmes[["programme_id", "name", "agency_id", "kind"]].copy()
    before, last = problem.programmes.base_spend, spend[-1]
    rows["before_gbp"], rows["after_gbp"] = before, last
    rows["one_off_gbp"] = cash_flows.one_off_costs(problem, spend)[-1]
    if len(problem.provider_terms.programme):
        rows["by_results_gbp"] = cash_flows.result_payments(problem, spend)[-1]
    rows["change_gbp"] = rows["after_gbp"] - before
    with np.errstate(divide="ignore", invalid="ignore"):
        rows["change_share"] = np.where(before > 0, rows["change_gbp"] / before, np.nan)
    rows["statutory_floor_gbp"] = np.where(problem.limits.floor > 0, problem.limits.floor, np.nan)
    own = _place_floor(place)
    rows["place_floor_gbp"] = np.where((own > 0) & (own != problem.limits.floor), own, np.nan)
    reasons = _reasons(place, problem, spend).drop_duplicates("programme_id")
    rows["why"] = reasons["sentence"].to_numpy()
    return rows


def _reasons(place: Place, problem: BudgetProblem, spend: np.ndarray) -> pd.DataFrame:
    units = dict(zip(place.outcomes["outcome_id"], place.outcomes["unit"], strict=True))
    return reasons_table(problem, spend, _maximum(place), units, _place_floor(place))


def _place_floor(place: Place) -> np.ndarray:
    """(P,) GBP a year: the statutory floor in the place's own table, 0 where none."""
    floor: Floats = np.nan_to_num(place.programmes["statutory_floor_gbp_per_year"].to_numpy(float))
    return floor


def _maximum(place: Place) -> np.ndarray:
    """(P,) GBP a year: the most that can usefully be spent on each programme, NaN unknown."""
    return place.programmes["maximum_gbp_per_year"].to_numpy(float)


def _payments(place: Place, problem: BudgetProblem, pay: np.ndarray) -> pd.DataFrame:
    """A row for each year, programme and stream that pays for it, before or after."""
    base = place.spending[place.spending["year"] == problem.horizon.base_year]
    keys = ["programme_id", "stream_id"]
    before = base.groupby(keys)["amount_gbp"].sum()
    pairs = [
        problem.programmes.ids[problem.pairs.programme],
        problem.streams.ids[problem.pairs.stream],
    ]
    index = pd.MultiIndex.from_arrays(pairs, names=keys)
    parts = []
    for year, gbp in zip(problem.horizon.years, pay, strict=True):
        after = pd.Series(gbp, index=index)
        rows = pd.DataFrame({"before_gbp": before, "after_gbp": after}).fillna(0.0)
        rows = rows[(rows["before_gbp"] > 0) | (rows["after_gbp"] > 0)].reset_index()
        rows.insert(2, "year", year)
        parts.append(rows)
    return pd.concat(parts, ignore_index=True)


def _streams(
    place: Place, problem: BudgetProblem, pay: np.ndarray, scenario: Scenario
) -> pd.DataFrame:
    """The last decided year: what a stream has (carried money included), spends and returns."""
    rows = place.streams[["stream_id", "name", "agency_id", "ring_fenced"]].copy()
    base = place.spending[place.spending["year"] == problem.horizon.base_year]
    before = base.groupby("stream_id")["amount_gbp"].sum()
    spent = sum_by_group(pay, problem.pairs.stream, len(problem.streams.ids))
    amount = np.where(np.isfinite(problem.streams.limit), problem.streams.limit, np.nan)
    available = amount[-1]
    if problem.streams.carry_over:
        available = available + (amount - spent)[:-1].sum(axis=0)
    rows["amount_gbp"] = available
    rows["spent_before_gbp"] = before.reindex(problem.streams.ids).fillna(0.0).to_numpy()
    rows["spent_after_gbp"] = np.round(spent[-1], payment_decimals(problem))
    unspent = np.maximum(0.0, rows["amount_gbp"] - spent[-1])
    released = {key for rule in scenario.of(Streams) for key in rule.release}
    is_returned = (
        rows["ring_fenced"] & ~rows["stream_id"].isin(released) & (not problem.streams.carry_over)
    )
    rows["returned_gbp"] = np.where(is_returned, unspent, 0.0)
    rows["left_gbp"] = np.where(is_returned, 0.0, unspent)
    return rows


def _outcomes(place: Place, problem: BudgetProblem, spend: np.ndarray) -> pd.DataFrame:
    rows = place.outcomes[["outcome_id", "name", "unit", "direction", "baseline"]].copy()
    last = len(problem.horizon.years) - 1
    after = effects.outcome_levels(problem, spend)[last]
    drifted = problem.outcomes.drifted_baseline[last]
    minimum = drifted + problem.outcomes.sign * problem.standards.minimum_gain[last]
    rows["minimum_standard"] = np.where(
        np.isfinite(minimum), minimum, place.outcomes["minimum_standard"].to_numpy(float)
    )
    rows["target"] = drifted + problem.outcomes.sign * problem.standards.target_gain[last]
    rows["after"] = after
    rows["change"] = after - problem.outcomes.baseline
    bad = (
        effects.robust_gain(problem, spend)[last]
        if len(problem.evidence.factors)
        else np.full(len(rows), np.nan)
    )
    rows["after_bad_evidence"] = drifted + problem.outcomes.sign * bad
    rows["standard_met"] = standard_status(problem, after, rows["minimum_standard"].to_numpy(float))
    rows["target_met"] = standard_status(problem, after, rows["target"].to_numpy(float))
    return rows


def _agencies(place: Place, spending: pd.DataFrame) -> pd.DataFrame:
    rows = place.agencies[["agency_id", "name"]].copy()
    money = spending.groupby("agency_id")[["before_gbp", "after_gbp"]].sum()
    if "" in money.index:
        rows.loc[len(rows)] = ["", "no agency stated"]
    money = money.reindex(rows["agency_id"]).fillna(0.0)
    rows["before_gbp"] = money["before_gbp"].to_numpy()
    rows["after_gbp"] = money["after_gbp"].to_numpy()
    rows["change_gbp"] = rows["after_gbp"] - rows["before_gbp"]
    return rows


def _objectives(problem: BudgetProblem, spend: np.ndarray) -> pd.DataFrame:
    rows = []
    first = problem.objectives.names[0]
    counted = [
        *problem.objectives.names,
        *(name for name in OBJECTIVES if name not in problem.objectives.names),
    ]
    for name in counted:
        if (
            name in ("weighted_outcomes", "fairest")
            and not np.isfinite(problem.outcomes.attainable_range).any()
        ):
            continue
        today, after = (
            objective_values.objective_value(problem, name, money, first=name == first)
            for money in (
                np.tile(problem.programmes.base_spend, (len(problem.horizon.years), 1)),
                spend,
            )
        )
        rows.append([name, _unit(problem, name), today, after])
    return pd.DataFrame(rows, columns=["objective", "unit", "do_nothing", "plan"])


def _unit(problem: BudgetProblem, name: str) -> str:
    """The unit of an objective: money over several years says so, and whether it is discounted."""
    years = len(problem.horizon.years)
    if years > 1 and name == "least_money":
        discounted = (
            f", discounted to {problem.horizon.years[0]}"
            if problem.horizon.discount[-1] < 1
            else ""
        )
        return f"GBP over {years} years{discounted}"
    if years > 1 and name == "least_disruption":
        return f"GBP over {years} years, each year against the year before"
    return OBJECTIVES.get(name, WEIGHTED_UNIT)


def _curves(problem: BudgetProblem, solved: Solution) -> pd.DataFrame:
    lower, upper = problem.lower.min(axis=0), problem.limits.upper.max(axis=0)
    concave = [
        "yes" if curve.is_concave(lower[p], upper[p]) else "no"
        for p, curve in zip(problem.curves.programme, problem.curves.response, strict=True)
    ]
    return pd.DataFrame(
        {
            "programme_id": problem.programmes.ids[problem.curves.programme],
            "outcome_id": problem.outcomes.ids[problem.curves.outcome],
            "form": [curve.name for curve in problem.curves.stated],
            "concave": concave,
            "error_bound": solved.curve_error,
        }
    )


def _summary(
    problem: BudgetProblem, tables: dict[str, pd.DataFrame], solved: Solution
) -> dict[str, object]:
    spending, outcomes, streams = tables["spending"], tables["outcomes"], tables["streams"]
    first = tables["objectives"].iloc[0]
    figures: dict[str, Any] = {
        "base_year": problem.horizon.base_year,
        "decided_year": int(problem.horizon.years[-1]),
        "decided_years_count": len(problem.horizon.years),
        "total_gbp": float(problem.money.total[-1])
        if np.isfinite(problem.money.total).all()
        else np.nan,
        "spent_before_gbp": float(spending["before_gbp"].sum()),
        "spent_after_gbp": float(spending["after_gbp"].sum()),
        "one_off_gbp": float(spending["one_off_gbp"].sum()),
        "change_gbp": float(spending["change_gbp"].sum()),
        "moved_gbp": float(spending["change_gbp"].abs().sum()),
        "returned_gbp": float(np.nansum(streams["returned_gbp"])),
        "programmes_cut_count": int((spending["change_gbp"] < -0.5).sum()),
        "programmes_raised_count": int((spending["change_gbp"] > 0.5).sum()),
        "standards_count": int((outcomes["standard_met"] != "").sum()),
        "standards_met_count": int((outcomes["standard_met"] == "yes").sum()),
        "targets_count": int((outcomes["target_met"] != "").sum()),
        "targets_met_count": int((outcomes["target_met"] == "yes").sum()),
        "objective_name": first["objective"],
        "objective_unit": first["unit"],
        "objective_do_nothing": float(first["do_nothing"]),
        "objective_plan": float(first["plan"]),
        "objective_bound": float(solved.steps[0].bound),
        "curves_count": len(problem.curves.response),
        "curves_not_concave_count": int((tables["curves"]["concave"] == "no").sum()),
        "refinement_rounds": max(step.rounds for step in solved.steps),
    }
    if len(problem.provider_terms.programme):
        figures["by_results_gbp"] = float(spending["by_results_gbp"].sum())
    pounds = {key: round(value, 2) for key, value in figures.items() if key.endswith("_gbp")}
    return {**figures, **pounds}
