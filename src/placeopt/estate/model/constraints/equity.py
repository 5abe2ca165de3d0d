"""Rule E8 as rows: minutes of residents to the hosts they use.

Each function states one equation of ``formulation.py`` and is named after it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from placeopt.base.errors import UsageError
from placeopt.engine import Model
from placeopt.estate.model.constraints.registry import states
from placeopt.estate.model.objectives import Expression
from placeopt.estate.model.variables import Columns
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.estate.problem.equity import WORST_SHARE, counted_services, kappa, minutes_today
from placeopt.scenario.check.solvable import MAX_DECAY_EXPONENT
from placeopt.scenario.rules.estate.services import Fairness


@states(Fairness)
def nobody_loses_too_much(
    model: Model, problem: EstateProblem, x: Columns, rules: list[Fairness]
) -> None:
    """(E8) Limits on minutes of zones, groups and the worst off, and on the Kolm-Pollak
    equivalent."""
    for number, rule in enumerate(rules):
        c = x.customers
        is_counted = (c.zone >= 0) & counted_services(problem, rule)[c.service]
        if rule.loses_at_most_minutes is not None:
            _no_zone_loses(model, problem, x, is_counted, rule.loses_at_most_minutes, number)
        for column in rule.no_group_worse:
            _no_group_loses(model, problem, x, is_counted, column, number)
        if rule.worst_mean_minutes is not None:
            total = worst_off(model, problem, x, is_counted, rule.worst_share, f"worst_{number}")
            limit = rule.worst_mean_minutes
            model.add_rows(
                f"worst_mean_{number}", rule="E8", size=1, terms=total.rows(), upper=limit
            )
        if rule.equal_minutes is not None:
            _kolm_pollak(model, problem, x, is_counted, rule, number)


def minutes_used(
    x: Columns, customers: NDArray[np.int64]
) -> list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]]:
    """Return the terms of one row for each of ``customers``: the minutes to the hosts it uses."""
    c = x.customers
    row_of = np.full(len(c.units), -1)
    row_of[customers] = np.arange(len(customers))
    pairs = np.flatnonzero(row_of[c.pair_customer] >= 0)
    relaxed = customers[np.isfinite(c.relaxed_minutes[customers])]
    return [
        (row_of[c.pair_customer[pairs]], x.serve.at(pairs), c.pair_minutes[pairs]),
        (row_of[relaxed], x.relaxed_assignment.at(relaxed), c.relaxed_minutes[relaxed]),
    ]


def _no_zone_loses(
    model: Model,
    problem: EstateProblem,
    x: Columns,
    is_counted: NDArray[np.bool_],
    allowed_minutes: float,
    number: int,
) -> None:
    """(E8) No zone's minutes to a service rise by more than the limit."""
    c = x.customers
    minutes_before = np.where(is_counted, minutes_today(problem)[c.zone, c.service], np.nan)
    known = np.flatnonzero(np.isfinite(minutes_before))
    model.add_rows(
        f"no_zone_loses_{number}",
        rule="E8",
        labels={
            "zone_id": problem.zone_ids[c.zone[known]],
            "service_id": problem.services.ids[c.service[known]],
        },
        terms=minutes_used(x, known),
        upper=minutes_before[known] + allowed_minutes,
    )


def _no_group_loses(
    model: Model,
    problem: EstateProblem,
    x: Columns,
    is_counted: NDArray[np.bool_],
    column: str,
    number: int,
) -> None:
    """(E8) No group's visit-weighted mean rises, over zones and services in reach of a host
    today."""
    c, groups = x.customers, problem.groups[column]
    minutes_before = np.where(is_counted, minutes_today(problem)[c.zone, c.service], np.nan)
    known = np.flatnonzero(np.isfinite(minutes_before))
    minutes_terms = minutes_used(x, known)
    terms = []
    for g in range(len(groups.names)):
        is_member = groups.member[c.zone[known], g]
        for row, columns, minutes in minutes_terms:
            in_group = is_member[row]
            weight = c.units[known[row[in_group]]]
            terms.append(
                (np.full(int(in_group.sum()), g), columns[in_group], minutes[in_group] * weight)
            )
    weight = groups.member[c.zone[known]].T * c.units[known]
    total = np.maximum(weight.sum(axis=1), 1e-9)
    model.add_rows(
        f"no_group_worse_{column}_{number}",
        rule="E8",
        labels={column: list(groups.names)},
        terms=[(row, columns, values / total[row]) for row, columns, values in terms],
        upper=(weight * minutes_before[known]).sum(axis=1) / total,
    )


def worst_off(
    model: Model,
    problem: EstateProblem,
    x: Columns,
    is_counted: NDArray[np.bool_] | None = None,
    share: float = WORST_SHARE,
    name: str = "worst_off",
) -> Expression:
    """Return the mean minutes of the worst-off share of visits: threshold + excess / share, exact
    at its minimum."""
    c = x.customers
    is_counted = c.zone >= 0 if is_counted is None else is_counted
    customers = np.flatnonzero(is_counted)
    rows = np.arange(len(customers))
    threshold = model.add_columns(f"{name}_threshold", size=1)
    excess = model.add_columns(f"{name}_excess", size=len(customers))
    model.add_rows(
        f"{name}_excess",
        rule="E8",
        size=len(customers),
        terms=[
            *minutes_used(x, customers),
            (rows, threshold.at(0), -1),
            (rows, excess.all, -1),
        ],
        upper=0,
    )
    total = Expression()
    total.add(threshold.all, np.ones(1))
    total.add(excess.all, c.units[customers] / max(share * c.units[customers].sum(), 1e-9))
    return total


def _kolm_pollak(
    model: Model,
    problem: EstateProblem,
    x: Columns,
    is_counted: NDArray[np.bool_],
    rule: Fairness,
    number: int,
) -> None:
    """(E8) The Kolm-Pollak equivalent is at most its limit. Without minutes of today kappa is 0,
    and the equivalent is the mean."""
    equal_minutes = rule.equal_minutes
    assert equal_minutes is not None  # asked for
    c, k = x.customers, kappa(problem, rule)
    exponent = k * np.nanmax(problem.minutes, initial=0.0)
    if exponent > MAX_DECAY_EXPONENT:
        largest = np.floor(10 * rule.aversion * MAX_DECAY_EXPONENT / exponent) / 10
        raise UsageError(
            f"rules: fairness.aversion is {rule.aversion:g}: with this place's minutes no number "
            f"holds so great an aversion to inequality; give at most {largest:g}"
        )
    customers = np.flatnonzero(is_counted)
    weight = c.units / max(float(c.units[customers].sum()), 1e-9)
    terms = [
        (
            0,
            columns,
            weight[customers[row]] * (np.exp(k * (m - equal_minutes)) if k else m / equal_minutes),
        )
        for row, columns, m in minutes_used(x, customers)
    ]
    model.add_rows(f"kolm_pollak_{number}", rule="E8", size=1, terms=terms, upper=1)
