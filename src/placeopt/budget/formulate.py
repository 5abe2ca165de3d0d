"""The one-year budget problem as a model: one function per equation.

Money is counted in ``Scale.money_gbp`` and improvements in ``Scale.outcome``, so that numbers
stay near one. Curves enter as straight lines that lie wholly under them (a plan that the model
allows holds in truth) or wholly over them (the model's optimum bounds what any plan can reach).

Columns  pay[n] >= 0, spend[p], effect[c], gain[o]; short[o] where targets are priced;
         chosen[j] binary, part[j], part_effect[j] for each piece j of a curve that is not concave
(--)  paid           spend[p] + one-off costs[p] = sum over n of p of pay[n]
(B1)  one_budget     sum over n of pay[n] <= total
(B2)  streams        sum over n of f of pay[n] <= amount[f]
(B3)  statutory      spend[p] >= floor[p]
(B4)  minimum        gain[o] >= minimum_gain[o]
(B4)  target         gain[o] (+ short[o]) >= target_gain[o]
(--)  curve          effect[c] <= slope[i] spend[p] + intercept[i]          for every line i of c
(B5)  pace           pace_lower[p] <= spend[p] <= pace_upper[p]
(B10) commissioning  least[p] on[p] <= spend[p] <= upper[p] on[p];  sum over a choice of on <= 1
(B12) uncertainty    gain[o,s] >= minimum_gain[o] for every evidence scenario s, or
                     level[o] - sum over s of short[o,s] / (tail S) >= minimum_gain[o],
                     short[o,s] >= level[o] - gain[o,s],  short[o,s] >= 0
(--)  improvement    gain[o] = sum over c of o of (effect[c] - effect today)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from placeopt.budget.curves import Floats, Piece
from placeopt.budget.evidence import standards_hold_in_bad_evidence
from placeopt.budget.on_curves import Scale, effects_lie_on_their_curves
from placeopt.budget.problem import BudgetProblem
from placeopt.engine import Model

Expression = tuple[np.ndarray, np.ndarray, float]  # column numbers, values, constant


def scale_of(problem: BudgetProblem) -> Scale:
    """Units in which a year's money is about a thousand and an outcome's range about one."""
    money = max(1.0, float(problem.before.sum()), float(problem.upper.max(initial=0)))
    reach = np.where(np.isfinite(problem.reach), problem.reach, 0.0)
    for p, o, curve in zip(
        problem.curve_programme, problem.curve_outcome, problem.curves, strict=True
    ):
        if not np.isfinite(problem.reach[o]):
            reach[o] = max(reach[o], float(np.abs(curve.effect(problem.upper[p]))))
    return Scale(10.0 ** (np.floor(np.log10(money)) - 2), np.where(reach > 0, reach, 1.0))


def formulate(
    problem: BudgetProblem,
    approximation: Sequence[Sequence[Piece]],
    objective: str,
    *,
    limits: Mapping[str, float] | None = None,
) -> Model:
    """The model of one objective. ``approximation``: the pieces of each curve; ``limits``: what
    earlier objectives (by name, in their own units) may not exceed.

    With ``problem.relax`` the objective is the breach of that rule, in money or outcome units.
    """
    scale = scale_of(problem)
    model = Model("budget")
    programmes, streams = problem.programme_ids, problem.stream_ids
    pairs = {
        "programme_id": programmes[problem.pair_programme],
        "stream_id": streams[problem.pair_stream],
    }
    model.add_columns("pay", labels=pairs)
    most = problem.upper if problem.relax else problem.maximum  # money limits are rows, not bounds
    labels = {"programme_id": programmes}
    model.add_columns("spend", labels=labels, upper=most / scale.money_gbp)
    model.add_columns("gain", labels={"outcome_id": problem.outcome_ids}, lower=-np.inf)
    bought_at_scale_or_not_at_all(model, problem, scale)
    at_most_one_of_alternatives(model, problem)
    what_is_spent_is_paid(model, problem, scale)
    effects_lie_on_their_curves(model, problem, approximation, scale)
    improvements_add_up(model, problem, scale)
    within_one_budget(model, problem, scale)
    no_stream_is_overspent(model, problem, scale)
    statutory_floors_hold(model, problem, scale)
    nothing_changes_too_fast(model, problem, scale)
    minimum_standards_hold(model, problem, scale)
    standards_hold_in_bad_evidence(model, problem, scale)
    targets_hold_or_are_priced(model, problem, scale)
    if problem.relax:
        return model
    for name, limit in (limits or {}).items():
        earlier_objectives_are_kept(model, problem, scale, name, limit)
    columns, values, constant = expression(model, problem, objective, scale)
    model.add_cost(columns, values)
    model.offset += constant
    return model


def bought_at_scale_or_not_at_all(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B10) Nothing is spent on a programme, or at least its efficient scale."""
    p = np.flatnonzero(problem.must_choose)
    if len(p) == 0:
        return
    labels = {"programme_id": problem.programme_ids[p]}
    on = model.add_columns("on", labels=labels, upper=1.0, integer=True)
    k, spend = np.arange(len(p)), model.columns["spend"].at(p)
    least = problem.least[p] / scale.money_gbp
    most = np.maximum(problem.upper[p], problem.least[p]) / scale.money_gbp
    above: list[Any] = [(k, spend, 1.0), (k, on.all, -least)]
    below: list[Any] = [(k, spend, 1.0), (k, on.all, -most)]
    model.add_rows("scale", rule="B10", labels=labels, terms=above, lower=0.0)
    model.add_rows("not_bought", rule="B10", labels=labels, terms=below, upper=0.0)


def at_most_one_of_alternatives(model: Model, problem: BudgetProblem) -> None:
    """(B10) Of several providers or tiers of the same service at most one is bought."""
    p = np.flatnonzero(problem.must_choose)
    choices = np.unique(problem.choice[p][problem.choice[p] != ""])
    if len(choices) == 0:
        return
    k = np.flatnonzero(problem.choice[p] != "")
    row = np.searchsorted(choices, problem.choice[p][k])
    terms = [(row, model.columns["on"].at(k), 1.0)]
    model.add_rows("one_of", rule="B10", labels={"choice": choices}, terms=terms, upper=1.0)


def what_is_spent_is_paid(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """The streams pay for a programme's spending and for starting or stopping it."""
    spend, pay = model.columns["spend"], model.columns["pay"]
    p = np.arange(spend.size)
    terms: list[Any] = [(p, spend.all, 1.0), (problem.pair_programme, pay.all, -1.0)]
    right = np.zeros(spend.size)
    if "on" in model.columns:
        chosen = np.flatnonzero(problem.must_choose)
        start = problem.start_cost[chosen] / scale.money_gbp
        stop = problem.stop_cost[chosen] / scale.money_gbp
        terms.append((chosen, model.columns["on"].all, start - stop))
        right[chosen] = -stop
    model.add_rows(
        "paid", rule="", labels=dict(spend.labels), terms=terms, lower=right, upper=right
    )


def within_one_budget(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B1) A year's spending fits in the reduced total."""
    if not np.isfinite(problem.total):
        return
    terms: list[Any] = [(0, model.columns["pay"].all, 1.0)]
    if problem.relax == "B1":
        terms.append((0, model.add_columns("breach", size=1, cost=1.0).all, -1.0))
    limit = problem.total / scale.money_gbp
    model.add_rows("one_budget", rule="B1", size=1, terms=terms, upper=limit)


def no_stream_is_overspent(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B2) A stream is not overspent; what it may not pay for is not among the pairs."""
    if not np.isfinite(problem.amount).all():
        return
    pay, labels = model.columns["pay"], {"stream_id": problem.stream_ids}
    terms: list[Any] = [(problem.pair_stream, pay.all, 1.0)]
    if problem.relax == "B2":
        over = model.add_columns("breach", labels=labels, cost=1.0)
        terms.append((np.arange(over.size), over.all, -1.0))
        model.add_cost(pay.at(np.flatnonzero(~problem.pair_allowed)), 1.0)
    limit = problem.amount / scale.money_gbp
    model.add_rows("streams", rule="B2", labels=labels, terms=terms, upper=limit)


def statutory_floors_hold(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B3) No programme falls below its floor."""
    p = np.flatnonzero(problem.floor > 0)
    if len(p) == 0:
        return
    rows, labels = np.arange(len(p)), {"programme_id": problem.programme_ids[p]}
    terms: list[Any] = [(rows, model.columns["spend"].at(p), 1.0)]
    if problem.relax == "B3":
        below = model.add_columns("breach", labels=labels, cost=1.0)
        terms.append((rows, below.all, 1.0))
    lower = problem.floor[p] / scale.money_gbp
    model.add_rows("statutory", rule="B3", labels=labels, terms=terms, lower=lower)


def nothing_changes_too_fast(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B5) No programme falls or rises faster than stated."""
    for name, limit, sign in (("cut", problem.pace_lower, 1.0), ("rise", problem.pace_upper, -1.0)):
        p = np.flatnonzero(np.isfinite(limit) & (limit > 0))
        if len(p) == 0:
            continue
        rows, labels = np.arange(len(p)), {"programme_id": problem.programme_ids[p]}
        terms: list[Any] = [(rows, model.columns["spend"].at(p), sign)]
        if problem.relax == "B5":
            past = model.add_columns(f"breach_{name}", labels=labels, cost=1.0)
            terms.append((rows, past.all, 1.0))
        lower = sign * limit[p] / scale.money_gbp
        model.add_rows(f"pace_{name}", rule="B5", labels=labels, terms=terms, lower=lower)


def minimum_standards_hold(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B4) Every outcome is at least as good as its minimum standard."""
    _outcomes_reach(model, problem, scale, "minimum", problem.minimum_gain)


def targets_hold_or_are_priced(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B4) Targets that must hold are met; a priced target's shortfall is counted."""
    held = np.where(problem.target_holds, problem.target_gain, np.nan)
    _outcomes_reach(model, problem, scale, "target", held)
    o = np.flatnonzero(problem.shortfall_price > 0)
    if len(o) == 0 or problem.relax == "B4":
        return
    rows, labels = np.arange(len(o)), {"outcome_id": problem.outcome_ids[o]}
    short = model.add_columns("short", labels=labels)
    model.add_rows(
        "priced_target",
        rule="B4",
        labels=labels,
        terms=[(rows, model.columns["gain"].at(o), 1.0), (rows, short.all, 1.0)],
        lower=problem.target_gain[o] / scale.outcome[o],
    )


def _outcomes_reach(
    model: Model, problem: BudgetProblem, scale: Scale, name: str, least: Floats
) -> None:
    o = np.flatnonzero(np.isfinite(least))
    if len(o) == 0:
        return
    rows, labels = np.arange(len(o)), {"outcome_id": problem.outcome_ids[o]}
    terms: list[Any] = [(rows, model.columns["gain"].at(o), 1.0)]
    if problem.relax == "B4":
        below = model.add_columns(f"breach_{name}", labels=labels, cost=1.0)
        terms.append((rows, below.all, 1.0))
    lower = least[o] / scale.outcome[o]
    model.add_rows(name, rule="B4", labels=labels, terms=terms, lower=lower)


def improvements_add_up(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """An outcome improves by the sum of its curves' effects beyond today's."""
    gain, effect = model.columns["gain"], model.columns["effect"]
    o = problem.curve_outcome
    today = np.zeros(gain.size)
    for p, outcome, curve in zip(problem.curve_programme, o, problem.curves, strict=True):
        today[outcome] += float(curve.effect(problem.before[p]))
    model.add_rows(
        "improvement",
        rule="",
        labels=dict(gain.labels),
        terms=[(np.arange(gain.size), gain.all, 1.0), (o, effect.all, -1.0)],
        lower=-today / scale.outcome,
        upper=-today / scale.outcome,
    )


def expression(model: Model, problem: BudgetProblem, name: str, scale: Scale) -> Expression:
    """An objective over the model's columns, in its own unit but money in ``scale.money_gbp``.

    Priced shortfalls belong to the first objective. Adds the columns it needs once.
    """
    if name == "weighted_outcomes":
        o = np.flatnonzero(np.isfinite(problem.reach))
        values = -problem.weight[o] * scale.outcome[o] / problem.reach[o]
        columns, constant = model.columns["gain"].at(o), 0.0
    elif name == "fairest":
        columns, values, constant = _worst_outcome(model, problem, scale), np.ones(1), 0.0
    elif name == "least_money":
        columns, constant = model.columns["pay"].all, 0.0
        values = np.ones(len(columns))
    else:
        columns, constant = _moved(model, problem, scale), 0.0
        values = np.ones(len(columns))
    if name == problem.objectives[0] and "short" in model.columns:
        short = model.columns["short"]
        o = np.flatnonzero(problem.shortfall_price > 0)
        price = problem.shortfall_price[o] * scale.outcome[o] / problem.reach[o]
        columns = np.concatenate([columns, short.all])
        values = np.concatenate([values, price / unit_of(name, scale)])
    return columns, values, constant


def unit_of(objective: str, scale: Scale) -> float:
    """What one unit of the model's objective is in the objective's own unit."""
    return scale.money_gbp if objective in ("least_money", "least_disruption") else 1.0


def earlier_objectives_are_kept(
    model: Model, problem: BudgetProblem, scale: Scale, name: str, limit: float
) -> None:
    """An objective that matters more is no worse than its limit."""
    columns, values, constant = expression(model, problem, name, scale)
    upper = limit / unit_of(name, scale) - constant
    model.add_rows(f"kept_{name}", rule="", size=1, terms=[(0, columns, values)], upper=upper)


def _worst_outcome(model: Model, problem: BudgetProblem, scale: Scale) -> np.ndarray:
    """The most that any outcome is short of its target, in ranges."""
    if "worst" not in model.columns:
        o = np.flatnonzero(np.isfinite(problem.reach))
        worst = model.add_columns("worst", size=1, lower=-np.inf)
        rows = np.arange(len(o))
        share = scale.outcome[o] / problem.reach[o]
        model.add_rows(
            "worst_outcome",
            rule="",
            labels={"outcome_id": problem.outcome_ids[o]},
            terms=[(rows, worst.start, 1.0), (rows, model.columns["gain"].at(o), share)],
            lower=problem.target_gain[o] / problem.reach[o],
        )
    return model.columns["worst"].all


def _moved(model: Model, problem: BudgetProblem, scale: Scale) -> np.ndarray:
    """How far each programme moves from today's spend, up or down."""
    if "moved" not in model.columns:
        spend = model.columns["spend"]
        moved = model.add_columns("moved", labels=dict(spend.labels))
        p, before = np.arange(spend.size), problem.before / scale.money_gbp
        up = [(p, moved.all, 1.0), (p, spend.all, -1.0)]
        down = [(p, moved.all, 1.0), (p, spend.all, 1.0)]
        model.add_rows("moved_up", rule="", labels=dict(spend.labels), terms=up, lower=-before)
        model.add_rows("moved_down", rule="", labels=dict(spend.labels), terms=down, lower=before)
    return model.columns["moved"].all
