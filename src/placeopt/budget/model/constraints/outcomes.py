"""Equations of outcomes: what they come to, what they must reach, what others pay for them.

Columns  gain[b,o]; short[t,o] where targets are priced; reward[t,o], earned[t,o] binary;
         back[t,o], lost[t,o] binary
(B4)  minimum        gain[t,o] >= minimum_gain[t,o]
(B4)  target         gain[t,o] (+ short[t,o]) >= target_gain[t,o]
(B4)  reward         reward[t,o] <= price (gain[t,o] - target_gain[t,o]) where earned[t,o] = 1
(B4)  clawback       back[t,o] >= price (target_gain[t,o] - gain[t,o]), or all of it: lost[t,o] = 1
(--)  improvement    gain[b,o] = sum over c of o, t of share[b,t,c] (effect[t,c] - effect today);
                     programmes that do not add up: ``combination`` and ``remaining_potential``
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from placeopt.base.arrays import Floats
from placeopt.budget.curves.piecewise import Piece
from placeopt.budget.model.constraints.combination import best_ones_are_chosen
from placeopt.budget.model.constraints.remaining_potential import (
    programmes_share_the_remaining_potential,
)
from placeopt.budget.model.scale import Scale, by_position, by_year
from placeopt.budget.problem import effects
from placeopt.budget.problem.arrays import BudgetProblem
from placeopt.engine import Model
from placeopt.engine.model import Terms


def minimum_standards_hold(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B4) Every outcome is at least as good as its minimum standard."""
    _require_gain(model, problem, scale, "minimum", problem.standards.minimum_gain)


def targets_hold_or_are_priced(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B4) Targets that must hold are met; the shortfall of a priced target is counted."""
    required_gain = np.where(problem.standards.target_holds, problem.standards.target_gain, np.nan)
    _require_gain(model, problem, scale, "target", required_gain)
    o = np.flatnonzero(problem.standards.shortfall_price > 0)
    if len(o) == 0 or problem.relaxed_rule == "B4":
        return
    labels = by_year(problem, {"outcome_id": problem.outcomes.ids[o]})
    at = by_position(o, len(problem.horizon.years), len(problem.outcomes.ids))
    rows = np.arange(len(at))
    short = model.add_columns("short", labels=labels)
    model.add_rows(
        "priced_target",
        rule="B4",
        labels=labels,
        terms=[(rows, model.columns["gain"].at(at), 1.0), (rows, short.all, 1.0)],
        lower=(problem.standards.target_gain[:, o] / scale.outcome[o]).ravel(),
    )


def _require_gain(
    model: Model, problem: BudgetProblem, scale: Scale, name: str, least: Floats
) -> None:
    t, o = np.nonzero(np.isfinite(least))
    if len(o) == 0:
        return
    labels = {"outcome_id": problem.outcomes.ids[o], "year": problem.horizon.years[t]}
    rows = np.arange(len(o))
    gain = model.columns["gain"].at(t * len(problem.outcomes.ids) + o)
    terms: list[Terms] = [(rows, gain, 1.0)]
    if problem.relaxed_rule == "B4":
        breach = model.add_columns(f"breach_{name}", labels=labels, cost=1.0)
        terms.append((rows, breach.all, 1.0))
    lower = least[t, o] / scale.outcome[o]
    model.add_rows(name, rule="B4", labels=labels, terms=terms, lower=lower)


def rewards_are_earned(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B4) A reward is earned for each unit beyond the target, up to the stretch."""
    decided, o = len(problem.horizon.years), np.flatnonzero(problem.rewards.price > 0)
    if len(o) == 0 or decided == 1 or not np.isfinite(problem.money.total).all():
        return
    labels = by_year(problem, {"outcome_id": problem.outcomes.ids[o]})
    at = by_position(o, decided, len(problem.outcomes.ids))
    price = np.tile(problem.rewards.price[o] * scale.outcome[o], decided) / scale.money_gbp
    span = np.tile(problem.rewards.span[o] / scale.outcome[o], decided)
    target = (problem.standards.target_gain[:, o] / scale.outcome[o]).ravel()
    reward = model.add_columns("reward", labels=labels)
    earned = model.add_columns("earned", labels=labels, upper=1.0, integer=True)
    rows = np.arange(reward.size)
    gain = model.columns["gain"].at(at)
    terms: list[Terms] = [(rows, reward.all, 1.0), (rows, earned.all, -price * span)]
    model.add_rows("stretch", rule="B4", labels=labels, terms=terms, upper=0.0)
    # where it is not earned the row is slack: no gain is below -big_m
    big_m = np.abs(target) + _max_loss(problem, scale, o, decided)
    terms = [(rows, reward.all, 1.0), (rows, gain, -price), (rows, earned.all, price * big_m)]
    model.add_rows("reward", rule="B4", labels=labels, terms=terms, upper=price * (big_m - target))


def advances_go_back(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B4) Money paid in advance is paid back for each unit short of the target, up to a limit."""
    decided, o = len(problem.horizon.years), np.flatnonzero(problem.rewards.clawback > 0)
    if len(o) == 0 or not np.isfinite(problem.money.total).all():
        return
    labels = by_year(problem, {"outcome_id": problem.outcomes.ids[o]})
    gain = model.columns["gain"].at(by_position(o, decided, len(problem.outcomes.ids)))
    price = np.tile(problem.rewards.clawback[o] * scale.outcome[o], decided) / scale.money_gbp
    target = (problem.standards.target_gain[:, o] / scale.outcome[o]).ravel()
    big_m = np.maximum(0.0, target + _max_loss(problem, scale, o, decided))
    span = np.tile(problem.rewards.clawback_span[o] / scale.outcome[o], decided)
    back, k = model.add_columns("back", labels=labels), np.flatnonzero(span < big_m)
    rows, limited_labels = np.arange(back.size), {name: ids[k] for name, ids in labels.items()}
    terms: list[Terms] = [(rows, back.all, 1.0), (rows, gain, price)]
    if len(k):  # up to its limit
        lost = model.add_columns("lost", labels=limited_labels, upper=1.0, integer=True)
        terms.append((k, lost.all, price[k] * big_m[k]))
        limit_terms: list[Terms] = [(np.arange(len(k)), back.at(k), 1.0)]
        limit_terms.append((np.arange(len(k)), lost.all, -(price * span)[k]))
        model.add_rows("all_lost", rule="B4", labels=limited_labels, terms=limit_terms, lower=0.0)
    model.add_rows("clawback", rule="B4", labels=labels, terms=terms, lower=price * target)


def _max_loss(problem: BudgetProblem, scale: Scale, o: np.ndarray, decided: int) -> Floats:
    """(T x O,) the most that an outcome can get worse: all its effects of today lost."""
    loss = -effects.combine_effects(problem, -effects.effect_today(problem)[None, :])[0]
    return np.tile(loss[o] / scale.outcome[o] + 1.0, decided)


def improvements_add_up(
    model: Model, problem: BudgetProblem, potential_pieces: Sequence[Sequence[Piece]], scale: Scale
) -> None:
    """An outcome improves by the combined effects of its curves, over those at today's spending."""
    gain, effect, today = (
        model.columns["gain"],
        model.columns["effect"],
        effects.effect_today(problem),
    )
    weight = np.ones(len(problem.curves.response))
    for group in problem.curves.groups:
        weight[list(group.curves)] = group.share
    weight[np.isfinite(problem.outcomes.potential[problem.curves.outcome])] = 0.0
    b, t, c = np.nonzero(problem.curves.effect_share * weight)
    share, o = (problem.curves.effect_share * weight)[b, t, c], problem.curves.outcome[c]
    rows = b * len(problem.outcomes.ids) + o
    best_terms, constant = best_ones_are_chosen(model, problem, today, scale.outcome)
    potential_terms, potential_constant = programmes_share_the_remaining_potential(
        model, problem, potential_pieces, today, scale.outcome
    )
    constant_part = (
        -np.bincount(rows, share * today[c] / scale.outcome[o], gain.size)
        - constant
        - potential_constant
    )
    terms: list[Terms] = [
        (np.arange(gain.size), gain.all, 1.0),
        (rows, effect.at(t * len(problem.curves.response) + c), -share),
        *best_terms,
        *potential_terms,
    ]
    model.add_rows(
        "improvement",
        rule="",
        labels=dict(gain.labels),
        terms=terms,
        lower=constant_part,
        upper=constant_part,
    )
