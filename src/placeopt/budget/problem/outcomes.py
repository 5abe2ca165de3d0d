"""Outcomes of a budget problem: standards, targets, response curves, timing and evidence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from placeopt.budget.curves.combination import potentials, uses_levels
from placeopt.budget.curves.forms import Curve
from placeopt.budget.curves.remaining_potential import TransformedCurve
from placeopt.budget.problem.arrays import Floats, Ints
from placeopt.budget.problem.money import decided_years
from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.benefit_years import counted_years
from placeopt.scenario.rules.budget.money import Outcomes, Uncertainty


def outcomes(place: Place, scenario: Scenario, years: Ints, base_year: int) -> dict[str, Any]:
    rows = place.outcomes
    rule = next(iter(scenario.of(Outcomes)), None)
    terms = [(rule or Outcomes(rule="outcomes")).terms(key) for key in rows["outcome_id"]]
    sign = np.where(rows["direction"] == "lower", -1.0, 1.0)
    baseline = rows["baseline"].to_numpy(float)
    counted = counted_years(place, scenario)
    growth = rows["growth_share_per_year"].to_numpy(float)
    years_since_base = int(years[0]) - base_year + np.arange(counted)[:, None]
    drifted = baseline * (1 + growth) ** years_since_base
    minimum = _scenario_or_table(
        [term.minimum_standard for term in terms], rows["minimum_standard"]
    )
    target = targets(place, scenario)
    attainable_range = np.abs(target - baseline)
    attainable_range = np.where(attainable_range > 0, attainable_range, np.nan)
    minimum_holds = np.array([bool(term.minimum_holds) for term in terms], bool) & (
        rule is not None
    )
    target_modes = np.array([term.targets for term in terms] or [""])[: len(terms)]
    has_target = np.isfinite(target) & (rule is not None)
    prices = np.array([term.shortfall_price or 0.0 for term in terms], float)
    has_begun = years[:, None] >= ((rule.from_year if rule else None) or years[0])
    decided = drifted[: len(years)]
    reward = rows["reward_gbp_per_unit"].to_numpy(float) * (rule is not None)
    clawback_limit = rows["clawback_until"].astype(float)
    reward_span = np.fmax(0.0, sign * (rows["stretch"].to_numpy(float) - target))
    return {
        "outcome_ids": rows["outcome_id"].to_numpy(str),
        "sign": sign,
        "baseline": baseline,
        "drifted_baseline": drifted,
        "minimum_gain": np.where(minimum_holds & has_begun, sign * (minimum - decided), np.nan),
        "target_gain": sign * (target - decided),
        "target_holds": (target_modes == "hold") & has_target & has_begun,
        "shortfall_price": np.where(
            (target_modes == "priced") & has_target & (attainable_range > 0), prices, 0.0
        ),
        "attainable_range": attainable_range,
        "weight": weights(rows["weight"], attainable_range),
        "max_gain": sign * (saturation(rows, target) - drifted),
        "reward": np.where(reward_span > 0, reward, 0.0),
        "reward_span": reward_span,
        "deferred_share": rule.deferred_share if rule else 0.0,
        "clawback": np.where(has_target, rows["clawback_gbp_per_unit"].to_numpy(float), 0.0),
        "clawback_span": np.where(
            clawback_limit.notna(), np.fmax(0.0, sign * (target - clawback_limit)), np.inf
        ),
    }


def targets(place: Place, scenario: Scenario) -> Floats:
    """(O,) targets: the scenario's own (B4), else the table's; NaN where there is none."""
    rule = next(iter(scenario.of(Outcomes)), None) or Outcomes(rule="outcomes")
    keys = place.outcomes["outcome_id"]
    return _scenario_or_table([rule.terms(key).target for key in keys], place.outcomes["target"])


def weights(stated: pd.Series, reach: Floats) -> Floats:
    """(O,) the weight of a range: 1 unless stated, 0 where there is no range."""
    return np.where(np.isfinite(reach), stated.astype(float).fillna(1.0), 0.0)


def saturation(rows: pd.DataFrame, target: Floats) -> Floats:
    """(O,) the level beyond which an outcome counts no more in an objective.

    Infinitely good where all of it counts.
    """
    stated, stretch = (rows[name].to_numpy(float) for name in ("saturates_at", "stretch"))
    level = np.where(np.isnan(stated), np.where(np.isnan(stretch), target, stretch), stated)
    is_unlimited = (rows["beyond"] == "counts").to_numpy() | np.isnan(level)
    return np.where(is_unlimited, np.where(rows["direction"] == "lower", -np.inf, np.inf), level)


def ranges(place: Place, scenario: Scenario) -> Floats:
    """(O,) baseline-to-target ranges, NaN where there is none."""
    years, base = decided_years(place, scenario), int(place.spending["year"].max())
    return np.asarray(outcomes(place, scenario, years, base)["attainable_range"], float)


def _scenario_or_table(stated: list[float | None], table: pd.Series) -> Floats:
    result = np.array([np.nan if value is None else value for value in stated], float)
    return np.where(np.isnan(result), table.to_numpy(float), result)


def curves(place: Place, uncertain: bool) -> dict[str, Any]:
    rows, points = place.curves, place.curve_points
    grouped = points.groupby(["programme_id", "outcome_id"])
    by_curve = {(str(p), str(o)): group for (p, o), group in grouped}  # type: ignore[misc]
    curves = []
    row: Any
    for row in rows.itertuples():
        if row.form == "points":
            group = by_curve[row.programme_id, row.outcome_id]
            spend, effect = tuple(group["spend_gbp"]), tuple(group["effect"])
            curves.append(Curve("points", spend=spend, effect_at=effect))
        else:
            m, k, n = float(row.maximum_effect), float(row.scale_gbp), float(row.shape)
            curves.append(Curve(str(row.form), m, k, n))
    programmes = pd.Index(place.programmes["programme_id"])
    outcomes = pd.Index(place.outcomes["outcome_id"])
    outcome = outcomes.get_indexer(rows["outcome_id"]).astype(np.int64)
    uses_levels_mask = uses_levels(place, uncertain)
    potential = np.where(uses_levels_mask, np.nan, potentials(place))[outcome]
    return {
        "curve_programme": programmes.get_indexer(rows["programme_id"]).astype(np.int64),
        "curve_outcome": outcome,
        "uses_levels": uses_levels_mask,
        "curves": tuple(
            curve
            if np.isnan(w)
            else TransformedCurve("rest", stand_alone=curve, potential=float(w))
            for curve, w in zip(curves, potential, strict=True)
        ),
    }


def share(place: Place, counted: int, decided: int) -> Floats:
    """(B, T, C) the share of the effect of a year's spending that is felt in each counted year."""
    lag = place.curves["lag_years"].to_numpy(float)
    decay = place.curves["persistence_share"].to_numpy(float)
    since = (np.arange(counted)[:, None] - np.arange(decided)[None, :])[:, :, None] - lag
    return np.where(since >= 0, (1 - decay) * decay ** np.maximum(since, 0.0), 0.0)


def grades(place: Place) -> list[str]:
    """(C,) the evidence grade of each curve as a text, "" where there is none."""
    return ["" if pd.isna(grade) else str(int(grade)) for grade in place.curves["grade"]]


def evidence(place: Place, scenario: Scenario) -> dict[str, Any]:
    rule = next(iter(scenario.of(Uncertainty)), None)
    if rule is None:
        return {"evidence_factors": np.zeros((0, len(place.curves))), "tail_share": 0.0}
    factors = np.array(rule.factors(grades(place)), float)
    return {
        "evidence_factors": factors,
        "tail_share": rule.tail_share if rule.holds == "tail" else 0.0,
    }
