"""The verifier's own arithmetic of outcomes and objectives, in plain Python from the tables.

It knows nothing of the model that was solved, and reads the curves by itself.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pandas as pd

from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.budget_rules import Commissioning, Outcomes, Uncertainty

Money = dict[str, float]  # programme id -> GBP


def totals(place: Place, scenario: Scenario, spend: Money, today: Money) -> dict[str, float]:
    """Every objective recomputed; the scenario's first one carries its priced shortfalls."""
    level = outcome_levels(place, spend, today)
    rule = next((rule for rule in scenario.rules if isinstance(rule, Outcomes)), None)
    weighted, worst, priced = 0.0, -math.inf, 0.0
    for row in rows_of(place.outcomes):
        terms = (rule or Outcomes(rule="outcomes")).terms(row.outcome_id)
        sign = -1.0 if row.direction == "lower" else 1.0
        target = row.target if terms.target is None else terms.target
        reach = abs(target - row.baseline)
        if math.isnan(reach) or reach == 0:
            continue
        weighted += row.weight * sign * (level[row.outcome_id] - row.baseline) / reach
        short = sign * (target - level[row.outcome_id]) / reach
        worst = max(worst, short)
        if rule is not None and terms.targets == "priced":
            priced += (terms.shortfall_price or 0.0) * max(0.0, short)
    moved = sum(abs(spend[key] - today[key]) for key in today)
    paid = sum(spend.values()) + sum(one_offs(place, scenario, spend, today).values())
    found = {"least_money": paid, "least_disruption": moved}
    if worst > -math.inf:
        found |= {"weighted_outcomes": -weighted, "fairest": worst}
    chosen = scenario.objective.minimise
    first = chosen[0] if "objective" in scenario.model_fields_set else "weighted_outcomes"
    if first in found:
        found[first] += priced
    return found


def outcome_levels(place: Place, spend: Money, today: Money) -> dict[str, float]:
    """Outcome after = baseline, better by the sum of its curves' effects beyond today's."""
    gain: dict[str, float] = defaultdict(float)
    for outcome, change in curve_gains(place, spend, today):
        gain[outcome] += change
    return {
        row.outcome_id: row.baseline
        + (-1.0 if row.direction == "lower" else 1.0) * gain[row.outcome_id]
        for row in rows_of(place.outcomes)
    }


def bad_levels(place: Place, rule: Uncertainty, spend: Money, today: Money) -> dict[str, float]:
    """Outcome levels in bad evidence: the worst draw, or the mean of the worst tail of draws."""
    gains = curve_gains(place, spend, today)
    grades = ["" if pd.isna(grade) else str(int(grade)) for grade in place.curves["grade"]]
    draws = rule.factors(grades)
    levels = {}
    for row in rows_of(place.outcomes):
        own = sorted(
            sum(f * g for f, (key, g) in zip(draw, gains, strict=True) if key == row.outcome_id)
            for draw in draws
        )
        many = rule.tail_share * len(own) if rule.holds == "tail" else 1.0
        total = sum(min(1.0, max(0.0, many - rank)) * gain for rank, gain in enumerate(own))
        sign = -1.0 if row.direction == "lower" else 1.0
        levels[row.outcome_id] = row.baseline + sign * total / many
    return levels


def curve_gains(place: Place, spend: Money, today: Money) -> list[tuple[str, float]]:
    """For each row of ``curves``: its outcome, and its effect beyond today's."""
    points: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for row in rows_of(place.curve_points):
        points[row.programme_id, row.outcome_id].append((row.spend_gbp, row.effect))
    found = []
    for row in rows_of(place.curves):
        key = row.programme_id, row.outcome_id
        after, before = spend[row.programme_id], today[row.programme_id]
        if row.form == "points":
            change = between(points[key], after) - between(points[key], before)
        else:
            shape = (row.maximum_effect, row.scale_gbp, row.shape)
            change = effect(row.form, *shape, after) - effect(row.form, *shape, before)
        found.append((row.outcome_id, change))
    return found


def effect(form: str, most: float, scale: float, shape: float, spend: float) -> float:
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


def between(points: list[tuple[float, float]], spend: float) -> float:
    """Straight lines between points, from (0, 0) unless a point says otherwise, flat at the end."""
    line = sorted(points)
    if line[0][0] > 0:
        line = [(0.0, 0.0), *line]
    for (x0, y0), (x1, y1) in pairwise(line):
        if x0 <= spend <= x1:
            return y0 + (y1 - y0) * (spend - x0) / (x1 - x0)
    return line[-1][1]


def one_offs(place: Place, scenario: Scenario, spend: Money, today: Money) -> Money:
    """GBP of starting what was not bought and of stopping what was."""
    costs = dict.fromkeys(today, 0.0)
    if not any(isinstance(rule, Commissioning) for rule in scenario.rules):
        return costs
    for row in rows_of(place.programmes):
        key = row.programme_id
        if spend[key] > 0 and today[key] == 0:
            costs[key] = row.start_cost_gbp
        elif spend[key] == 0 and today[key] > 0:
            costs[key] = row.stop_cost_gbp
    return costs


def rows_of(table: pd.DataFrame) -> Iterator[Any]:
    """The rows of a table, each with its columns as attributes."""
    return iter(table.itertuples())
