"""The totals of a budget plan, recomputed in plain Python from the tables."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from placeopt.budget.verify.outcomes import _sign, outcome_levels
from placeopt.budget.verify.timeline import (
    Timeline,
    discount_factors,
    one_off_costs,
    rows_of,
    rule_of,
)
from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.benefit_years import counted_years
from placeopt.scenario.rules.budget.money import Outcomes


def totals(place: Place, scenario: Scenario, timeline: Timeline) -> dict[str, float]:
    """Recompute every objective; the scenario's first one includes its priced shortfalls.

    Weighted outcomes are the sum over the counted years divided by the decided ones. Money is
    discounted, moves are summed.
    """
    years = range(len(timeline.years))
    counted = counted_years(place, scenario)
    levels = outcome_levels(place, timeline, counted)
    from placeopt.budget.verify.by_results import due_by_results

    cost, factor = one_off_costs(place, scenario, timeline), discount_factors(scenario, len(years))
    due = due_by_results(place, scenario, timeline)
    weighted, worst_shortfall, shortfall_prices = 0.0, -math.inf, [0.0 for _ in years]
    for at in range(counted):
        for row, target, reach, price in _counted(place, scenario):
            sign = _sign(row)
            level = levels[at][row.outcome_id]
            weight = 1.0 if math.isnan(row.weight) else row.weight
            counted_level = _counted_level(row, target, level)
            weighted += weight * sign * (counted_level - row.baseline) / reach / len(years)
            if at not in years:
                continue  # spending, targets and prices only count in decided years
            counted_target = _counted_level(row, target, target)
            worst_shortfall = max(worst_shortfall, sign * (counted_target - counted_level) / reach)
            shortfall_prices[at] += price * max(0.0, sign * (target - level) / reach)
    values = {
        "least_money": sum(
            factor[at] * sum(sum(part[at].values()) for part in (timeline.spend, cost, due))
            for at in years
        ),
        "least_disruption": sum(
            abs(timeline.spend[at][key] - timeline.previous_spend(at)[key])
            for at in years
            for key in cost[at]
        ),
    }
    if worst_shortfall > -math.inf:
        values |= {"weighted_outcomes": -weighted, "fairest": worst_shortfall}
    chosen = scenario.objective.minimise
    first = chosen[0] if "objective" in scenario.model_fields_set else "weighted_outcomes"
    if weights := scenario.objective.weights:
        values["weighted"] = sum(weight * values[name] for name, weight in weights.items())
    if first == "least_money":
        values[first] += sum(factor[at] * shortfall_prices[at] for at in years)
    elif first == "least_disruption":
        values[first] += sum(shortfall_prices)
    elif first in values:
        values[first] += sum(shortfall_prices) / len(years)
    return values


def _counted(place: Place, scenario: Scenario) -> Iterator[tuple[Any, float, float, float]]:
    """Outcomes that have a baseline-to-target range: row, target, range, price of a shortfall."""
    rule = rule_of(scenario, Outcomes)
    for row in rows_of(place.outcomes):
        terms = (rule or Outcomes(rule="outcomes")).terms(row.outcome_id)
        target = row.target if terms.target is None else terms.target
        attainable_range = abs(target - row.baseline)
        is_priced = rule is not None and terms.targets == "priced"
        if not (math.isnan(attainable_range) or attainable_range == 0):
            yield (
                row,
                target,
                attainable_range,
                (terms.shortfall_price or 0.0) if is_priced else 0.0,
            )


def _counted_level(row: Any, target: float, level: float) -> float:
    """The level, or the level at which the outcome saturates where that is worse."""
    if row.beyond == "counts":
        return level
    limit = next(one for one in (row.saturates_at, row.stretch, target) if not math.isnan(one))
    return min(level, limit) if _sign(row) > 0 else max(level, limit)
