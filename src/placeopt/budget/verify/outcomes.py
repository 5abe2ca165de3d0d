"""The verifier's own arithmetic of outcomes and objectives, in plain Python from the tables.

An outcome in year t is its drifted baseline, improved by the effects of its curves:

    effect[c,t] = sum over k >= lag of (1-d) d^(k-lag) (curve(spend[t-k]) - curve(spend today))

with d the persistence; spending outside the decided years counts as today's. The model that was
solved is not used, and the curves are read again.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import pandas as pd

from placeopt.budget.verify.combine import combined_improvement
from placeopt.budget.verify.curves import response
from placeopt.budget.verify.timeline import (
    Timeline,
    rows_of,
    rule_of,
)
from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.benefit_years import counted_years
from placeopt.scenario.rules.budget.money import Outcomes, Uncertainty

OutcomeLevels = dict[str, float]  # outcome id -> its level


def levels_asked(place: Place, scenario: Scenario) -> dict[str, dict[str, float]]:
    """By outcome id, its minimum standard and target: the scenario's own, or the table's."""
    rule = rule_of(scenario, Outcomes) or Outcomes(rule="outcomes")
    levels = {}
    for row in rows_of(place.outcomes):
        terms = rule.terms(row.outcome_id)
        stated = {"minimum_standard": terms.minimum_standard, "target": terms.target}
        levels[row.outcome_id] = {
            name: float(getattr(row, name) if level is None else level)
            for name, level in stated.items()
        }
    return levels


def outcome_levels(place: Place, timeline: Timeline, counted: int = 0) -> tuple[OutcomeLevels, ...]:
    """By year, the level of each outcome.

    Of the decided years, or of the first ``counted`` years where those are more.
    """
    count = max(len(timeline.years), counted)
    return timeline.cached(("levels", count), lambda: _levels(place, timeline, count))


def _levels(place: Place, timeline: Timeline, count: int) -> tuple[OutcomeLevels, ...]:
    base = int(place.spending["year"].max())
    levels = []
    for at, gains in enumerate(_gains(place, timeline, count)):
        ahead = timeline.years[0] + at - base
        levels.append(
            {
                row.outcome_id: row.baseline * (1 + row.growth_share_per_year) ** ahead
                + _sign(row) * gains[row.outcome_id]
                for row in rows_of(place.outcomes)
            }
        )
    return tuple(levels)


def improvements(
    place: Place, scenario: Scenario, timeline: Timeline
) -> dict[tuple[str, int], float]:
    """(outcome id, year) -> units by which it is better than doing nothing.

    In every year in which benefits are counted; spending after the decided years counts as today's.
    """
    counted = counted_years(place, scenario)
    return {
        (outcome, timeline.years[0] + at): gain
        for at, gains in enumerate(_gains(place, timeline, counted))
        for outcome, gain in gains.items()
    }


def _gains(place: Place, timeline: Timeline, count: int) -> list[OutcomeLevels]:
    """By year, outcome id -> units of improvement by all its curves together."""
    return timeline.cached(("gains", count), lambda: _compute_gains(place, timeline, count))


def _compute_gains(place: Place, timeline: Timeline, count: int) -> list[OutcomeLevels]:
    gains, today_effects = curve_gains(place, timeline, count), effects_today(place, timeline)
    outcomes, improvements = list(rows_of(place.outcomes)), []
    for at in range(count):
        improvement = {}
        for row in outcomes:
            own_curves = [c for c, (outcome, _) in enumerate(gains) if outcome == row.outcome_id]
            effects = {c: (today_effects[c], gains[c][1][at]) for c in own_curves}
            improvement[row.outcome_id] = combined_improvement(place, row, effects)
        improvements.append(improvement)
    return improvements


def bad_levels(place: Place, rule: Uncertainty, timeline: Timeline) -> tuple[OutcomeLevels, ...]:
    """By year, levels in bad evidence: the worst draw, or the mean of the worst tail of draws."""
    gains, today_effects = curve_gains(place, timeline), effects_today(place, timeline)
    grades = ["" if pd.isna(grade) else str(int(grade)) for grade in place.curves["grade"]]
    draws, base = rule.factors(grades), int(place.spending["year"].max())
    by_year = []
    for at, year in enumerate(timeline.years):
        levels = {}
        for row in rows_of(place.outcomes):
            own_curves = [(c, g[at]) for c, (key, g) in enumerate(gains) if key == row.outcome_id]
            draw_gains = sorted(
                combined_improvement(
                    place, row, {c: (today_effects[c], draw[c] * gain) for c, gain in own_curves}
                )
                for draw in draws
            )
            tail_size = rule.tail_share * len(draw_gains) if rule.holds == "tail" else 1.0
            total = sum(
                min(1.0, max(0.0, tail_size - rank)) * gain for rank, gain in enumerate(draw_gains)
            )
            start = row.baseline * (1 + row.growth_share_per_year) ** (year - base)
            levels[row.outcome_id] = start + _sign(row) * total / tail_size
        by_year.append(levels)
    return tuple(by_year)


def earnings(place: Place, scenario: Scenario, timeline: Timeline) -> list[OutcomeLevels]:
    """(B4) By year, outcome id -> GBP that its level of the year earns, whenever it is paid."""
    by_year = []
    for level in outcome_levels(place, timeline)[: len(timeline.years)]:
        earned = {}
        for row, target in _targets(place, scenario):
            max_units = _sign(row) * (row.stretch - target)
            if row.reward_gbp_per_unit > 0 and max_units > 0:
                units = min(max_units, max(0.0, _sign(row) * (level[row.outcome_id] - target)))
                earned[row.outcome_id] = row.reward_gbp_per_unit * units
        by_year.append(earned)
    return by_year


def _targets(place: Place, scenario: Scenario) -> list[tuple[Any, float]]:
    """(B4) Each outcome's row with its target; none where the rule is not in force."""
    rule = rule_of(scenario, Outcomes)
    if rule is None:
        return []
    targets = [(row, rule.terms(row.outcome_id).target) for row in rows_of(place.outcomes)]
    return [(row, row.target if stated is None else stated) for row, stated in targets]


def rewards(place: Place, scenario: Scenario, timeline: Timeline) -> list[float]:
    """(B1) By year, GBP of rewards received.

    A year after they are earned, the deferred part two years after.
    """
    rule, count = rule_of(scenario, Outcomes), len(timeline.years)
    received = [0.0] * (count + 2)
    for at, earned in enumerate(earnings(place, scenario, timeline)):
        total = sum(earned.values())
        deferred = rule.deferred_share if rule else 0.0
        received[at + 1] += total * (1 - deferred)
        received[at + 2] += total * deferred
    return received[:count]


def clawbacks(place: Place, scenario: Scenario, timeline: Timeline) -> list[OutcomeLevels]:
    """(B4) By year, outcome id -> GBP paid in advance that must be paid back for its level."""
    by_year = []
    for level in outcome_levels(place, timeline)[: len(timeline.years)]:
        due = {}
        for row, target in _targets(place, scenario):
            if row.clawback_gbp_per_unit > 0 and not math.isnan(target):
                shortfall = max(0.0, _sign(row) * (target - level[row.outcome_id]))
                if not math.isnan(row.clawback_until):
                    shortfall = min(shortfall, max(0.0, _sign(row) * (target - row.clawback_until)))
                due[row.outcome_id] = row.clawback_gbp_per_unit * shortfall
        by_year.append(due)
    return by_year


def paid_back(place: Place, scenario: Scenario, timeline: Timeline) -> list[float]:
    """(B1) By year, GBP paid back for the year before; the last year also pays its own."""
    missed = [sum(clawback.values()) for clawback in clawbacks(place, scenario, timeline)]
    due = [0.0, *missed[:-1]]
    due[-1] += missed[-1]
    return due


def curve_gains(
    place: Place, timeline: Timeline, counted: int = 0
) -> list[tuple[str, list[float]]]:
    """For each row of ``curves``: its outcome, and by year its effect beyond today's.

    Over the decided years, or the ``counted`` ones where those are more.
    """
    return timeline.cached(("curve_gains", counted), lambda: _curve_gains(place, timeline, counted))


def _curve_gains(place: Place, timeline: Timeline, counted: int) -> list[tuple[str, list[float]]]:
    points = _points(place)
    gains = []
    for row in rows_of(place.curves):
        key, curve_points = row.programme_id, points[row.programme_id, row.outcome_id]
        before = response(row, curve_points, timeline.spend_today[key])
        change = [response(row, curve_points, spend[key]) - before for spend in timeline.spend]
        change += [0.0] * (counted - len(change))
        gains.append((row.outcome_id, lagged_effects(change, row.lag_years, row.persistence_share)))
    return gains


def effects_today(place: Place, timeline: Timeline) -> list[float]:
    """For each row of ``curves``: its effect at today's spending."""
    points = _points(place)
    return [
        response(
            row, points[row.programme_id, row.outcome_id], timeline.spend_today[row.programme_id]
        )
        for row in rows_of(place.curves)
    ]


def _points(place: Place) -> dict[tuple[str, str], list[tuple[float, float]]]:
    points: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for row in rows_of(place.curve_points):
        points[row.programme_id, row.outcome_id].append((row.spend_gbp, row.effect))
    return points


def lagged_effects(change: list[float], lag: int, persistence: float) -> list[float]:
    """The effect felt in each year from the years' changes, the first ``lag`` years later."""
    effects = []
    for year in range(len(change)):
        since = range(lag, year + 1)
        effects.append(
            sum((1 - persistence) * persistence ** (k - lag) * change[year - k] for k in since)
        )
    return effects


def _sign(row: Any) -> float:
    return -1.0 if row.direction == "lower" else 1.0
