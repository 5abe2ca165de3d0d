"""Outcomes of a budget problem: what they are, what they must reach, what others pay for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from placeopt.base.arrays import Bools, Floats, Ints
from placeopt.budget.curves.combination import potentials, uses_levels
from placeopt.budget.problem import parts
from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.benefit_years import counted_years
from placeopt.scenario.rules.budget.money import NobodyWorseOff, Outcomes, OutcomeTerms, Uncertainty


@dataclass(frozen=True)
class _Stated:
    """What table and scenario state of outcomes, (O,) each; rule B4 is None where not in force."""

    rule: Outcomes | None
    terms: list[OutcomeTerms]
    rows: pd.DataFrame
    sign: Floats
    target: Floats

    @classmethod
    def of(cls, place: Place, scenario: Scenario) -> _Stated:
        rows, rule = place.outcomes, next(iter(scenario.of(Outcomes)), None)
        terms = [(rule or Outcomes(rule="outcomes")).terms(key) for key in rows["outcome_id"]]
        sign = np.where(rows["direction"] == "lower", -1.0, 1.0)
        return cls(rule, terms, rows, sign, targets(place, scenario))

    @property
    def has_target(self) -> Bools:
        return np.isfinite(self.target) & (self.rule is not None)


def outcomes(place: Place, scenario: Scenario, years: Ints, base_year: int) -> parts.Outcomes:
    """What spending is to improve, over all counted years.

    Args:
        place: The place.
        scenario: The scenario.
        years: (T,) the decided years.
        base_year: The last year of spending data.
    """
    stated, rows = _Stated.of(place, scenario), place.outcomes
    baseline = rows["baseline"].to_numpy(float)
    counted = counted_years(place, scenario)
    growth = rows["growth_share_per_year"].to_numpy(float)
    years_since_base = int(years[0]) - base_year + np.arange(counted)[:, None]
    drifted: Floats = baseline * (1 + growth) ** years_since_base
    attainable_range = ranges(place, scenario)
    return parts.Outcomes(
        ids=rows["outcome_id"].to_numpy(str),
        sign=stated.sign,
        baseline=baseline,
        drifted_baseline=drifted,
        attainable_range=attainable_range,
        weight=weights(rows["weight"], attainable_range),
        max_gain=stated.sign * (saturation(rows, stated.target) - drifted),
        potential=potentials(place),
        uses_levels=uses_levels(place, bool(scenario.of(Uncertainty))),
    )


def standards(
    place: Place, scenario: Scenario, horizon: parts.Horizon, drifted: Floats
) -> parts.Standards:
    """What outcomes must reach (B4), in years that are not past.

    Args:
        place: The place.
        scenario: The scenario.
        horizon: The decided years.
        drifted: (B, O) the baseline of each counted year if nothing changes.
    """
    stated, rows, years = _Stated.of(place, scenario), place.outcomes, horizon.years
    rule, terms = stated.rule, stated.terms
    minimum = _scenario_or_table(
        [term.minimum_standard for term in terms], rows["minimum_standard"]
    )
    minimum_holds = np.array([bool(term.minimum_holds) for term in terms], bool) & (
        rule is not None
    )
    must_hold, are_priced = (
        np.array([term.targets == mode for term in terms], bool) for mode in ("hold", "priced")
    )
    prices = np.array([term.shortfall_price or 0.0 for term in terms], float)
    has_begun = years[:, None] >= ((rule.from_year if rule else None) or years[0])
    holds = has_begun & ~horizon.is_past[:, None]
    decided = drifted[: len(years)]
    is_priced = are_priced & stated.has_target & (ranges(place, scenario) > 0)
    worse_off = next(iter(scenario.of(NobodyWorseOff)), None)
    only_together = rows["outcome_id"].isin(worse_off.only_together if worse_off else ())
    return parts.Standards(
        minimum_gain=np.where(minimum_holds & holds, stated.sign * (minimum - decided), np.nan),
        target_gain=stated.sign * (stated.target - decided),
        target_holds=must_hold & stated.has_target & holds,
        shortfall_price=np.where(is_priced, prices, 0.0),
        only_together=only_together.to_numpy(bool),
    )


def rewards(place: Place, scenario: Scenario) -> parts.Rewards:
    """What those who pay the place for an outcome give and take back (B4)."""
    stated, rows = _Stated.of(place, scenario), place.outcomes
    price = rows["reward_gbp_per_unit"].to_numpy(float) * (stated.rule is not None)
    clawback = rows["clawback_gbp_per_unit"].to_numpy(float)
    limit = rows["clawback_until"].astype(float)
    span = np.fmax(0.0, stated.sign * (rows["stretch"].to_numpy(float) - stated.target))
    clawback_span = np.fmax(0.0, stated.sign * (stated.target - limit))
    return parts.Rewards(
        price=np.where(span > 0, price, 0.0),
        span=span,
        deferred_share=stated.rule.deferred_share if stated.rule else 0.0,
        clawback=np.where(stated.has_target, clawback, 0.0),
        clawback_span=np.where(limit.notna(), clawback_span, np.inf),
    )


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
    distance = np.abs(targets(place, scenario) - place.outcomes["baseline"].to_numpy(float))
    return np.where(distance > 0, distance, np.nan)


def _scenario_or_table(stated: list[float | None], table: pd.Series) -> Floats:
    result = np.array([np.nan if value is None else value for value in stated], float)
    return np.where(np.isnan(result), table.to_numpy(float), result)
