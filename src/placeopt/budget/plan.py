"""A solved budget as tables in the user's own rows and ids.

spending    a row a programme: before, after, change, its floor and why it is what it is;
            ``one_off_gbp`` is what starting or stopping it costs besides
payments    a row for each programme and stream that pays for it, before or after, one-off
            costs included
streams     a row a stream: amount of the decided year, spent before and after, returned
outcomes    a row an outcome: baseline, standard, target, after (by the true curves), met or not;
            ``after_bad_evidence`` is what rule B12 keeps to its standard, empty without the rule
agencies    a row an agency: before, after, change
objectives  a row an objective: its value if nothing changed, and in the plan
prices      what one more pound, or one unit of a standard, changes (see ``prices``)
curves      a row a curve: form, concave or not, the proven error of its last approximation

``returned_gbp`` is the unspent money of a ring-fenced stream, which goes back to who gave it;
the unspent money of other streams is ``left_gbp``. Money is GBP of the decided year.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from placeopt.budget.prices import prices
from placeopt.budget.problem import OBJECTIVES, BudgetProblem
from placeopt.budget.refine import Solved, decimals
from placeopt.engine import Plan
from placeopt.place import Place


def plan_of(place: Place, problem: BudgetProblem, solved: Solved) -> Plan:
    """The plan's tables and summary. Money is in whole pence, and totals add up."""
    assert solved.pay is not None
    pay = solved.pay
    assert solved.spend is not None
    spend = np.round(solved.spend, decimals(problem))
    tables = {
        "spending": _spending(place, problem, spend),
        "payments": _payments(place, problem, pay),
        "streams": _streams(place, problem, pay),
        "outcomes": _outcomes(place, problem, spend),
        "objectives": _objectives(problem, spend),
        "prices": prices(problem, solved.stages),
        "curves": _curves(problem, solved),
    }
    tables["agencies"] = _agencies(place, tables["spending"])
    return Plan(tables, _summary(problem, tables, solved))


def _spending(place: Place, problem: BudgetProblem, spend: np.ndarray) -> pd.DataFrame:
    rows = place.programmes[["programme_id", "name", "agency_id", "kind"]].copy()
    before = problem.before
    rows["before_gbp"], rows["after_gbp"] = before, spend
    rows["one_off_gbp"] = problem.one_off(spend)
    rows["change_gbp"] = rows["after_gbp"] - before
    with np.errstate(divide="ignore", invalid="ignore"):
        rows["change_share"] = np.where(before > 0, rows["change_gbp"] / before, np.nan)
    rows["statutory_floor_gbp"] = np.where(problem.floor > 0, problem.floor, np.nan)
    maximum = place.programmes["maximum_gbp_per_year"].to_numpy(float)
    rows["why"] = [_why(problem, p, spend[p], maximum[p]) for p in range(len(rows))]
    return rows


def _why(problem: BudgetProblem, p: int, spend: float, maximum: float) -> str:
    """Why a programme gets what it gets, in words."""
    near = max(1.0, 1e-6 * problem.before[p])
    own = np.flatnonzero(problem.curve_programme == p)
    if problem.floor[p] > 0 and spend <= problem.floor[p] + near:
        return "at its statutory floor"
    if problem.pace_lower[p] > 0 and spend <= problem.pace_lower[p] + near:
        return "cut as fast as the pace allows"
    if spend >= problem.pace_upper[p] - near:
        return "raised as fast as the pace allows"
    if spend >= maximum - near:
        return "at the most that can usefully be spent on it"
    if abs(spend - problem.before[p]) <= near:
        return "as today"
    if len(own) == 0:
        return "no curve: no outcome depends on it"
    if problem.must_choose[p] and problem.choice[p] and spend <= near:
        return "another of its alternatives is bought, or none"
    if problem.must_choose[p] and 0 < spend <= problem.least[p] + near:
        return "at its minimum efficient scale"
    if spend <= near:
        return "stopped: its money does more elsewhere"
    worth = []
    for c in own:
        o = problem.curve_outcome[c]
        slope = problem.curves[c].slope(spend)
        label = problem.names.get(problem.outcome_ids[o], problem.outcome_ids[o])
        worth.append(f"{slope * 1e6:.3g} on {label}")
    return f"one more million GBP would improve {'; '.join(worth)}"


def _payments(place: Place, problem: BudgetProblem, pay: np.ndarray) -> pd.DataFrame:
    base = place.spending[place.spending["year"] == problem.base_year]
    before = base.groupby(["programme_id", "stream_id"])["amount_gbp"].sum()
    after = pd.Series(
        pay,
        index=pd.MultiIndex.from_arrays(
            [
                problem.programme_ids[problem.pair_programme],
                problem.stream_ids[problem.pair_stream],
            ],
            names=["programme_id", "stream_id"],
        ),
    )
    rows = pd.DataFrame({"before_gbp": before, "after_gbp": after}).fillna(0.0)
    rows = rows[(rows["before_gbp"] > 0) | (rows["after_gbp"] > 0)].reset_index()
    rows.insert(2, "year", problem.year)
    return rows


def _streams(place: Place, problem: BudgetProblem, pay: np.ndarray) -> pd.DataFrame:
    rows = place.streams[["stream_id", "name", "agency_id", "ring_fenced"]].copy()
    base = place.spending[place.spending["year"] == problem.base_year]
    before = base.groupby("stream_id")["amount_gbp"].sum()
    rows["amount_gbp"] = np.where(np.isfinite(problem.amount), problem.amount, np.nan)
    rows["spent_before_gbp"] = before.reindex(problem.stream_ids).fillna(0.0).to_numpy()
    spent = np.bincount(problem.pair_stream, pay, len(problem.stream_ids))
    rows["spent_after_gbp"] = np.round(spent, decimals(problem))
    left = np.maximum(0.0, rows["amount_gbp"] - spent)
    rows["returned_gbp"] = np.where(rows["ring_fenced"], left, 0.0)
    rows["left_gbp"] = np.where(rows["ring_fenced"], 0.0, left)
    return rows


def _outcomes(place: Place, problem: BudgetProblem, spend: np.ndarray) -> pd.DataFrame:
    rows = place.outcomes[["outcome_id", "name", "unit", "direction", "baseline"]].copy()
    gain = problem.gain(spend)
    after = problem.baseline + problem.sign * gain
    minimum = problem.baseline + problem.sign * problem.minimum_gain
    rows["minimum_standard"] = np.where(
        np.isfinite(minimum), minimum, place.outcomes["minimum_standard"].to_numpy(float)
    )
    rows["target"] = problem.baseline + problem.sign * problem.target_gain
    rows["after"] = after
    rows["change"] = after - problem.baseline
    bad = problem.bad_gain(spend) if len(problem.evidence) else np.full(len(rows), np.nan)
    rows["after_bad_evidence"] = problem.baseline + problem.sign * bad
    rows["standard_met"] = _met(problem, after, rows["minimum_standard"].to_numpy(float))
    rows["target_met"] = _met(problem, after, rows["target"].to_numpy(float))
    return rows


def _met(problem: BudgetProblem, after: np.ndarray, level: np.ndarray) -> list[str]:
    """yes, no, or empty where there is no level; a millionth of the level is rounding."""
    near = 1e-6 * np.maximum(1e-6, np.maximum(np.abs(level), np.abs(problem.baseline)))
    met = problem.sign * (after - level) >= -near
    return ["" if np.isnan(x) else "yes" if ok else "no" for x, ok in zip(level, met, strict=True)]


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
    first = problem.objectives[0]
    counted = [
        *problem.objectives,
        *(name for name in OBJECTIVES if name not in problem.objectives),
    ]
    for name in counted:
        if name in ("weighted_outcomes", "fairest") and not np.isfinite(problem.reach).any():
            continue
        today, after = (
            problem.objective(name, money, first=name == first) for money in (problem.before, spend)
        )
        rows.append([name, OBJECTIVES[name], today, after])
    return pd.DataFrame(rows, columns=["objective", "unit", "do_nothing", "plan"])


def _curves(problem: BudgetProblem, solved: Solved) -> pd.DataFrame:
    lower = problem.lower
    concave = [
        "yes" if curve.is_concave(lower[p], problem.upper[p]) else "no"
        for p, curve in zip(problem.curve_programme, problem.curves, strict=True)
    ]
    return pd.DataFrame(
        {
            "programme_id": problem.programme_ids[problem.curve_programme],
            "outcome_id": problem.outcome_ids[problem.curve_outcome],
            "form": [curve.form for curve in problem.curves],
            "concave": concave,
            "error_bound": solved.curve_error,
        }
    )


def _summary(
    problem: BudgetProblem, tables: dict[str, pd.DataFrame], solved: Solved
) -> dict[str, object]:
    spending, outcomes, streams = tables["spending"], tables["outcomes"], tables["streams"]
    first = tables["objectives"].iloc[0]
    figures: dict[str, Any] = {
        "base_year": problem.base_year,
        "decided_year": problem.year,
        "total_gbp": problem.total if np.isfinite(problem.total) else np.nan,
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
        "objective_bound": float(solved.stages[0].bound),
        "curves_count": len(problem.curves),
        "curves_not_concave_count": int((tables["curves"]["concave"] == "no").sum()),
        "refinement_rounds": max(stage.rounds for stage in solved.stages),
    }
    pounds = {key: round(value, 2) for key, value in figures.items() if key.endswith("_gbp")}
    return {**figures, **pounds}
