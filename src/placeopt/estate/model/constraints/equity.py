"""Rule E8 as rows: minutes of residents to the hosts they use.

Each function states one equation of ``formulation.py`` and is named after what it says.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from placeopt.base.errors import UsageError
from placeopt.engine import Model
from placeopt.estate.model.objectives import Expression
from placeopt.estate.model.variables import Columns
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.estate.problem.equity import WORST_SHARE, counted_services, kappa, minutes_today
from placeopt.scenario.check.solvable import MAX_DECAY_EXPONENT
from placeopt.scenario.rules.estate.services import Fairness


def nobody_loses_too_much(
    model: Model, problem: EstateProblem, x: Columns, rules: list[Fairness]
) -> None:
    """(E8) Zones, groups, the worst off and the Kolm-Pollak equivalent, as each rule asks."""
    for number, rule in enumerate(rules):
        c = x.customers
        some = (c.zone >= 0) & counted_services(problem, rule)[c.service]
        if rule.loses_at_most_minutes is not None:
            _no_zone_loses(model, problem, x, some, rule.loses_at_most_minutes, number)
        for column in rule.no_group_worse:
            _no_group_loses(model, problem, x, some, column, number)
        if rule.worst_mean_minutes is not None:
            total = worst_off(model, problem, x, some, rule.worst_share, f"worst_{number}")
            most = rule.worst_mean_minutes
            model.add_rows(
                f"worst_mean_{number}", rule="E8", size=1, terms=total.rows(), upper=most
            )
        if rule.equal_minutes is not None:
            _kolm_pollak(model, problem, x, some, rule, number)


def minutes_used(
    x: Columns, customers: NDArray[np.int64]
) -> list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]]:
    """Terms of one row for each of ``customers``: the minutes to the hosts it uses."""
    c = x.customers
    row_of = np.full(len(c.units), -1)
    row_of[customers] = np.arange(len(customers))
    pairs = np.flatnonzero(row_of[c.pair_customer] >= 0)
    further = customers[np.isfinite(c.relaxed_minutes[customers])]
    return [
        (row_of[c.pair_customer[pairs]], x.serve.at(pairs), c.pair_minutes[pairs]),
        (row_of[further], x.relaxed_assignment.at(further), c.relaxed_minutes[further]),
    ]


def _no_zone_loses(
    model: Model,
    problem: EstateProblem,
    x: Columns,
    some: NDArray[np.bool_],
    most: float,
    number: int,
) -> None:
    c = x.customers
    before = np.where(some, minutes_today(problem)[c.zone, c.service], np.nan)
    known = np.flatnonzero(np.isfinite(before))
    model.add_rows(
        f"no_zone_loses_{number}",
        rule="E8",
        labels={
            "zone_id": problem.zone_ids[c.zone[known]],
            "service_id": problem.services.ids[c.service[known]],
        },
        terms=minutes_used(x, known),
        upper=before[known] + most,
    )


def _no_group_loses(
    model: Model,
    problem: EstateProblem,
    x: Columns,
    some: NDArray[np.bool_],
    column: str,
    number: int,
) -> None:
    """Visit-weighted mean over zones and services in reach of a host today."""
    c, groups = x.customers, problem.groups[column]
    before = np.where(some, minutes_today(problem)[c.zone, c.service], np.nan)
    known = np.flatnonzero(np.isfinite(before))
    used = minutes_used(x, known)
    terms = []
    for g in range(len(groups.names)):
        inside = groups.member[c.zone[known], g]
        for row, columns, minutes in used:
            here = inside[row]
            weight = c.units[known[row[here]]]
            terms.append((np.full(int(here.sum()), g), columns[here], minutes[here] * weight))
    weight = groups.member[c.zone[known]].T * c.units[known]
    total = np.maximum(weight.sum(axis=1), 1e-9)
    model.add_rows(
        f"no_group_worse_{column}_{number}",
        rule="E8",
        labels={column: list(groups.names)},
        terms=[(row, columns, values / total[row]) for row, columns, values in terms],
        upper=(weight * before[known]).sum(axis=1) / total,
    )


def worst_off(
    model: Model,
    problem: EstateProblem,
    x: Columns,
    some: NDArray[np.bool_] | None = None,
    share: float = WORST_SHARE,
    name: str = "worst_off",
) -> Expression:
    """Mean minutes of the worst-off share of visits: threshold + excess, least when true."""
    c = x.customers
    some = c.zone >= 0 if some is None else some
    at = np.flatnonzero(some)
    rows = np.arange(len(at))
    threshold = model.add_columns(f"{name}_threshold", size=1)
    excess = model.add_columns(f"{name}_excess", size=len(at))
    model.add_rows(
        f"{name}_excess",
        rule="E8",
        size=len(at),
        terms=[
            *minutes_used(x, at),
            (rows, threshold.at(0), -1),
            (rows, excess.all, -1),
        ],
        upper=0,
    )
    total = Expression()
    total.add(threshold.all, np.ones(1))
    total.add(excess.all, c.units[at] / max(share * c.units[at].sum(), 1e-9))
    return total


def _kolm_pollak(
    model: Model,
    problem: EstateProblem,
    x: Columns,
    some: NDArray[np.bool_],
    rule: Fairness,
    number: int,
) -> None:
    """Nothing known of today's minutes leaves kappa at 0, and the equivalent is the mean."""
    equal = rule.equal_minutes
    assert equal is not None  # asked for
    c, k = x.customers, kappa(problem, rule)
    if k * np.nanmax(problem.minutes, initial=0.0) > MAX_DECAY_EXPONENT:
        raise UsageError("the aversion to inequality is so great that no number says it; ask less")
    customers = np.flatnonzero(some)
    weight = c.units / max(float(c.units[customers].sum()), 1e-9)
    terms = [
        (0, columns, weight[customers[row]] * (np.exp(k * (m - equal)) if k else m / equal))
        for row, columns, m in minutes_used(x, customers)
    ]
    model.add_rows(f"kolm_pollak_{number}", rule="E8", size=1, terms=terms, upper=1)
