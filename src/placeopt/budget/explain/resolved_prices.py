"""Finite-difference prices for integer plans: each limit is moved by a step and solved again.

The dual prices of a plan with whole decisions (a ward, a provider, a programme bought or not) hold
for its last linear step only. Here each limit is moved by a step of its own and the budget solved
again, so a price includes what the step makes possible or impossible:

    change_in_objective = (objective after - objective before) / step

Both objectives are proven within their gaps, so the true price lies in ``lowest..highest``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from placeopt.base.errors import UsageError
from placeopt.budget.problem.build import names
from placeopt.budget.problem.checks import objectives
from placeopt.engine import Result, Status
from placeopt.place import Place
from placeopt.scenario import Rule, Scenario
from placeopt.scenario.objectives import OBJECTIVES
from placeopt.scenario.rules.budget.money import OneBudget, Outcomes, Statutory, Streams

COLUMNS = [
    *("rule", "what", "id", "name", "step", "per"),
    *("objective", "unit", "objective_before", "objective_after"),
    *("change_in_objective", "lowest", "highest"),
]
MovedLimit = tuple[str, str, str, float, str, Place, Scenario]


def resolved_prices(
    place: Place,
    scenario: Scenario,
    *,
    rules: tuple[str, ...] = ("one_budget", "streams", "statutory", "outcomes"),
    step_share: float = 0.01,
) -> pd.DataFrame:
    """Price each limit of some rules by solving again.

    Args:
        place: The place.
        scenario: The scenario.
        rules: The rules whose limits are priced.
        step_share: A step is this share of the year's total, of a stream's amounts, of a floor, or
            of the range from an outcome's baseline to its target (of its baseline where it has no
            target). It makes floors and standards stricter.

    Returns:
        One row a limit. ``objective`` is the scenario's first one, in ``unit``, and minimised, so
        below 0 is better; ``inf`` where no plan is left.

    Raises:
        UsageError: Where there is no plan to begin with.
    """
    from placeopt.budget import solve

    before = solve(place, scenario).result
    if before.objective is None:
        raise UsageError("there is no plan whose limits could be priced")
    rows, display = [], names(place)
    objective = objectives(scenario)[0]
    unit = OBJECTIVES["budget"][objective].unit
    for name in rules:
        for number, what, key, step, per, other, question in _moved_limits(
            place, scenario, name, step_share
        ):
            after = solve(other, question).result
            change, lowest, highest = _change(before, after, step)
            row = [number, what, key, display.get(key, key), step, per, objective, unit]
            row += [before.objective, after.objective]
            rows.append([*row, change, lowest, highest])
    return pd.DataFrame(rows, columns=COLUMNS)


def _change(before: Result, after: Result, step: float) -> tuple[float, float, float]:
    if after.status is Status.INFEASIBLE:
        return np.inf, np.inf, np.inf
    assert before.objective is not None
    if after.objective is None:
        return np.nan, np.nan, np.nan
    low = (after.bound - before.objective) / step
    high = (after.objective - before.bound) / step
    return (after.objective - before.objective) / step, low, high


def _moved_limits(
    place: Place, scenario: Scenario, name: str, share: float
) -> Iterator[MovedLimit]:
    """The questions with one limit of a rule moved; none where the rule is not in force."""
    for rule in scenario.rules:
        if rule.name != name:
            continue
        if isinstance(rule, OneBudget):
            yield from _totals(place, scenario, rule, share)
        elif isinstance(rule, Streams):
            yield from _streams(place, scenario, share)
        elif isinstance(rule, Statutory):
            yield from _floors(place, scenario, rule, share)
        elif isinstance(rule, Outcomes):
            yield from _standards(place, scenario, rule, share)
        else:
            raise UsageError(f"no limit of the rule {name} can be priced by solving again")


def _totals(
    place: Place, scenario: Scenario, rule: OneBudget, share: float
) -> Iterator[MovedLimit]:
    rows = place.spending[place.spending["year"] == place.spending["year"].max()]
    base = float(rows["amount_gbp"].sum())
    totals = [rule.total(base, at) for at in range(scenario.years)]
    for at, year in enumerate(_years(place, scenario)):
        more = [gbp * (1 + share) if t == at else gbp for t, gbp in enumerate(totals)]
        changed = rule.model_copy(update={"total_gbp": tuple(more), "reduction_share": None})
        question = _with_rule(scenario, changed)
        what = f"more in the total of {year}"
        yield rule.number, what, str(year), totals[at] * share, "GBP", place, question


def _streams(place: Place, scenario: Scenario, share: float) -> Iterator[MovedLimit]:
    rows = place.stream_amounts
    decided = rows["year"].isin(_years(place, scenario))
    for key in place.streams["stream_id"]:
        is_own = decided & (rows["stream_id"] == key)
        step = share * float(rows.loc[is_own, "amount_gbp"].sum())
        if step > 0:
            money = rows["amount_gbp"].where(~is_own, rows["amount_gbp"] * (1 + share))
            other = place.replace(stream_amounts=rows.assign(amount_gbp=money))
            yield "B2", "more in the stream", key, step, "GBP", other, scenario


def _floors(
    place: Place, scenario: Scenario, rule: Statutory, share: float
) -> Iterator[MovedLimit]:
    row: Any
    for row in place.programmes.itertuples():
        floor = rule.floors_gbp.get(row.programme_id, row.statutory_floor_gbp_per_year)
        if floor > 0:
            floors = {**rule.floors_gbp, row.programme_id: floor * (1 + share)}
            question = _with_rule(scenario, rule.model_copy(update={"floors_gbp": floors}))
            yield "B3", "a higher floor", row.programme_id, floor * share, "GBP", place, question


def _standards(
    place: Place, scenario: Scenario, rule: Outcomes, share: float
) -> Iterator[MovedLimit]:
    row: Any
    for row in place.outcomes.itertuples():
        terms = rule.terms(row.outcome_id)
        own_standard = terms.minimum_standard
        level = row.minimum_standard if own_standard is None else own_standard
        if not terms.minimum_holds or np.isnan(level):
            continue
        reach = abs(row.target - row.baseline)
        step = share * (reach if reach > 0 else abs(row.baseline))
        stricter = level + step * (-1 if row.direction == "lower" else 1)
        changed = terms.model_copy(update={"minimum_standard": stricter})
        all_terms = {**rule.outcome, row.outcome_id: changed}
        question = _with_rule(scenario, rule.model_copy(update={"outcome": all_terms}))
        what = "a stricter minimum standard"
        yield "B4", what, row.outcome_id, step, row.unit, place, question


def _with_rule(scenario: Scenario, rule: Rule) -> Scenario:
    """The same question with one rule replaced."""
    rules = tuple(rule if other.name == rule.name else other for other in scenario.rules)
    return scenario.model_copy(update={"rules": rules})


def _years(place: Place, scenario: Scenario) -> range:
    first = scenario.year
    first = int(place.spending["year"].max()) + 1 if first is None else first
    return range(first, first + scenario.years)
