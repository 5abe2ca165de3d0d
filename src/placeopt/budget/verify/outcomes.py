"""The verifier's own arithmetic of outcomes and objectives, in plain Python from the tables.

An outcome in year t is its baseline, drifted, and better by what its curves' effects come to:

    effect[c,t] = sum over k >= lag of (1-d) d^(k-lag) (curve(spend[t-k]) - curve(spend today))

with d the persistence; spending outside the decided years counts as today's. It knows nothing of
the model that was solved, and reads the curves by itself.
"""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import pairwise
from typing import Any

import pandas as pd

from placeopt.budget.verify.combine import combined_improvement
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
    rule = rule_of(scenario, "outcomes") or Outcomes(rule="outcomes")
    found = {}
    for row in rows_of(place.outcomes):
        terms = rule.terms(row.outcome_id)
        own = {"minimum_standard": terms.minimum_standard, "target": terms.target}
        found[row.outcome_id] = {
            name: float(getattr(row, name) if level is None else level)
            for name, level in own.items()
        }
    return found


def outcome_levels(place: Place, timeline: Timeline, counted: int = 0) -> tuple[OutcomeLevels, ...]:
    """By year, each outcome: its baseline of the year, better by what its curves come to; of the
    decided years, or of the first ``counted`` where more of them count."""
    many = max(len(timeline.years), counted)
    return timeline.cached(("levels", many), lambda: _levels(place, timeline, many))


def _levels(place: Place, timeline: Timeline, many: int) -> tuple[OutcomeLevels, ...]:
    base = int(place.spending["year"].max())
    found = []
    for at, gains in enumerate(_gains(place, timeline, many)):
        ahead = timeline.years[0] + at - base
        found.append(
            {
                row.outcome_id: row.baseline * (1 + row.growth_share_per_year) ** ahead
                + _sign(row) * gains[row.outcome_id]
                for row in rows_of(place.outcomes)
            }
        )
    return tuple(found)


def improvements(
    place: Place, scenario: Scenario, timeline: Timeline
) -> dict[tuple[str, int], float]:
    """(outcome id, year) -> units by which it is better than if nothing were done, in every year
    in which benefits are counted; spending after the decided years counts as today's."""
    counted = counted_years(place, scenario)
    return {
        (outcome, timeline.years[0] + at): gain
        for at, gains in enumerate(_gains(place, timeline, counted))
        for outcome, gain in gains.items()
    }


def _gains(place: Place, timeline: Timeline, many: int) -> list[OutcomeLevels]:
    """By year, outcome id -> the units that all its curves together make it better by."""
    return timeline.cached(("gains", many), lambda: _gains_of(place, timeline, many))


def _gains_of(place: Place, timeline: Timeline, many: int) -> list[OutcomeLevels]:
    gains, starts = curve_gains(place, timeline, many), effects_today(place, timeline)
    outcomes, found = list(rows_of(place.outcomes)), []
    for at in range(many):
        better = {}
        for row in outcomes:
            mine = [c for c, (outcome, _) in enumerate(gains) if outcome == row.outcome_id]
            effects = {c: (starts[c], gains[c][1][at]) for c in mine}
            better[row.outcome_id] = combined_improvement(place, row, effects)
        found.append(better)
    return found


def bad_levels(place: Place, rule: Uncertainty, timeline: Timeline) -> tuple[OutcomeLevels, ...]:
    """By year, levels in bad evidence: the worst draw, or the mean of the worst tail of draws."""
    gains, starts = curve_gains(place, timeline), effects_today(place, timeline)
    grades = ["" if pd.isna(grade) else str(int(grade)) for grade in place.curves["grade"]]
    draws, base = rule.factors(grades), int(place.spending["year"].max())
    found = []
    for at, year in enumerate(timeline.years):
        levels = {}
        for row in rows_of(place.outcomes):
            mine = [(c, g[at]) for c, (key, g) in enumerate(gains) if key == row.outcome_id]
            own = sorted(
                combined_improvement(
                    place, row, {c: (starts[c], draw[c] * gain) for c, gain in mine}
                )
                for draw in draws
            )
            many = rule.tail_share * len(own) if rule.holds == "tail" else 1.0
            total = sum(min(1.0, max(0.0, many - rank)) * gain for rank, gain in enumerate(own))
            start = row.baseline * (1 + row.growth_share_per_year) ** (year - base)
            levels[row.outcome_id] = start + _sign(row) * total / many
        found.append(levels)
    return tuple(found)


def earnings(place: Place, scenario: Scenario, timeline: Timeline) -> list[OutcomeLevels]:
    """(B4) By year, outcome id -> GBP that its level of the year earns, whenever it comes in."""
    found = []
    for level in outcome_levels(place, timeline)[: len(timeline.years)]:
        earned = {}
        for row, target in _targets(place, scenario):
            most = _sign(row) * (row.stretch - target)
            if row.reward_gbp_per_unit > 0 and most > 0:
                beyond = min(most, max(0.0, _sign(row) * (level[row.outcome_id] - target)))
                earned[row.outcome_id] = row.reward_gbp_per_unit * beyond
        found.append(earned)
    return found


def _targets(place: Place, scenario: Scenario) -> list[tuple[Any, float]]:
    """(B4) Each outcome's row with the target that is asked for; none where the rule is not."""
    rule = rule_of(scenario, "outcomes")
    if rule is None:
        return []
    asked = [(row, rule.terms(row.outcome_id).target) for row in rows_of(place.outcomes)]
    return [(row, row.target if own is None else own) for row, own in asked]


def rewards(place: Place, scenario: Scenario, timeline: Timeline) -> list[float]:
    """(B1) By year, GBP of rewards that come in: a year after they are earned, the deferred part
    two years after."""
    rule, many = rule_of(scenario, "outcomes"), len(timeline.years)
    brought = [0.0] * (many + 2)
    for at, earned in enumerate(earnings(place, scenario, timeline)):
        total = sum(earned.values())
        late = rule.deferred_share if rule else 0.0
        brought[at + 1] += total * (1 - late)
        brought[at + 2] += total * late
    return brought[:many]


def clawbacks(place: Place, scenario: Scenario, timeline: Timeline) -> list[OutcomeLevels]:
    """(B4) By year, outcome id -> GBP paid in advance that its level of the year gives back."""
    found = []
    for level in outcome_levels(place, timeline)[: len(timeline.years)]:
        back = {}
        for row, target in _targets(place, scenario):
            if row.clawback_gbp_per_unit > 0 and not math.isnan(target):
                short = max(0.0, _sign(row) * (target - level[row.outcome_id]))
                if not math.isnan(row.clawback_until):
                    short = min(short, max(0.0, _sign(row) * (target - row.clawback_until)))
                back[row.outcome_id] = row.clawback_gbp_per_unit * short
        found.append(back)
    return found


def paid_back(place: Place, scenario: Scenario, timeline: Timeline) -> list[float]:
    """(B1) By year, GBP that goes back for the year before; the last also sets its own aside."""
    missed = [sum(back.values()) for back in clawbacks(place, scenario, timeline)]
    due = [0.0, *missed[:-1]]
    due[-1] += missed[-1]
    return due


def curve_gains(
    place: Place, timeline: Timeline, counted: int = 0
) -> list[tuple[str, list[float]]]:
    """For each row of ``curves``: its outcome, and by year its effect beyond today's, over the
    decided years or the ``counted`` ones where those are more."""
    return timeline.cached(("gains", counted), lambda: _curve_gains(place, timeline, counted))


def _curve_gains(place: Place, timeline: Timeline, counted: int) -> list[tuple[str, list[float]]]:
    points = _points(place)
    found = []
    for row in rows_of(place.curves):
        key, own = row.programme_id, points[row.programme_id, row.outcome_id]
        before = response(row, own, timeline.spend_today[key])
        change = [response(row, own, spend[key]) - before for spend in timeline.spend]
        change += [0.0] * (counted - len(change))
        found.append((row.outcome_id, lagged_effects(change, row.lag_years, row.persistence_share)))
    return found


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
    """What each year feels of the years' changes, the first of them ``lag`` years after."""
    felt = []
    for year in range(len(change)):
        since = range(lag, year + 1)
        felt.append(
            sum((1 - persistence) * persistence ** (k - lag) * change[year - k] for k in since)
        )
    return felt


def response(row, points: list[tuple[float, float]], spend: float) -> float:
    """The effect that a row of ``curves`` states for a year's spending."""
    if row.form == "points":
        return interpolate(points, spend)
    return curve_effect(row.form, row.maximum_effect, row.scale_gbp, row.shape, spend)


def curve_effect(form: str, most: float, scale: float, shape: float, spend: float) -> float:
    """A response curve as the data dictionary writes it."""
    if spend <= 0:
        return 0.0
    if form == "power":
        return most * (spend / scale) ** shape
    if form == "exponential":
        return most * (1.0 - math.exp(-spend / scale))
    if form == "coverage":
        return most * (2.0 / (1.0 + math.exp(-2.0 * spend / scale)) - 1.0)
    if form == "hill":
        return most / (1.0 + math.exp(shape * (math.log(scale) - math.log(spend))))
    if form == "logistic":
        start, here = (0.5 * (1 + math.tanh(shape * (s / scale - 1) / 2)) for s in (0.0, spend))
        return most * (here - start) / (1.0 - start)
    raise ValueError(f"no curve form {form!r}")


def interpolate(points: list[tuple[float, float]], spend: float) -> float:
    """Straight lines between points, from (0, 0) unless a point says otherwise, flat at the end."""
    line = sorted(points)
    if line[0][0] > 0:
        line = [(0.0, 0.0), *line]
    for (x0, y0), (x1, y1) in pairwise(line):
        if x0 <= spend <= x1:
            return y0 + (y1 - y0) * (spend - x0) / (x1 - x0)
    return line[-1][1]


def _sign(row) -> float:
    return -1.0 if row.direction == "lower" else 1.0
