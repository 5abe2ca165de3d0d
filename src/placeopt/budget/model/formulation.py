"""The budget as a linear or integer program: one function for each equation.

With pieces under the curves every plan of the model is feasible for the true curves; with pieces
over them the model's optimum bounds every plan. Years t come first in every block; one decided year
is a special case.

Columns  pay[t,n] >= 0, spend[t,p], effect[t,c], gain[b,o]; short[t,o] where targets are priced;
         ``piecewise`` and the files of ``constraints`` add their own
(--)  paid           (1 - withheld[p]) spend[t,p] + one-off costs[t,p] + due by results[t,p] (B10)
                     = sum over n of p of pay[t,n]
(B1)  one_budget     reserve[t] + sum over n of pay[t,n] + back[t-1] <= reserve[t-1] + total[t]
                     + reward[t] + refunds[t]; in the last year back[t] as well; transfers between
                     agencies from unspent money (B9) count as paid
(B2)  streams        sum over n of f of pay[t,n] <= amount[t,f], or of the years up to t together
(B3)  statutory      spend[t,p] >= floor[p]
(B4)  minimum        gain[t,o] >= minimum_gain[t,o]
(B4)  target         gain[t,o] (+ short[t,o]) >= target_gain[t,o]
(B4)  reward         reward[t,o] <= price (gain[t,o] - target_gain[t,o]) where earned[t,o] = 1
(B4)  clawback       back[t,o] >= price (target_gain[t,o] - gain[t,o]), or all of it: lost[t,o] = 1
(B12) uncertainty    as (B4) in every evidence scenario, or on average over the worst tail
(--)  improvement    gain[b,o] = sum over c of o, t of share[b,t,c] (effect[t,c] - effect today);
                     programmes that do not add up: ``constraints.combination`` and others
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from placeopt.budget.curves.forms import Piece
from placeopt.budget.model.constraints import agencies, payment_by_results
from placeopt.budget.model.constraints import years as change
from placeopt.budget.model.constraints.capital import capital_fits_its_pots
from placeopt.budget.model.constraints.combination import best_ones_are_chosen
from placeopt.budget.model.constraints.cumulative_effects import levels_follow_effects
from placeopt.budget.model.constraints.remaining_potential import (
    programmes_share_the_remaining_potential,
)
from placeopt.budget.model.constraints.robust import standards_hold_in_bad_evidence
from placeopt.budget.model.convex_combination import ConvexCombination, effects_are_mixed
from placeopt.budget.model.objectives import (
    MONEY_OBJECTIVES,
    earlier_objectives_are_kept,
    expression,
    objective_unit,
)
from placeopt.budget.model.piecewise import Scale, by_year, effects_lie_on_their_curves
from placeopt.budget.problem.arrays import BudgetProblem, Floats
from placeopt.engine import Block, Model

__all__ = ["Scale", "expression", "formulate", "objective_unit", "scale_of"]


def scale_of(problem: BudgetProblem) -> Scale:
    """Return the model's units, because solvers' tolerances are absolute.

    A year's money is about a thousand, an outcome's range about one, and the largest part of the
    weighted sum as large as by itself.
    """
    money = max(1.0, float(problem.base_spend.sum()), float(problem.upper.max(initial=0)))
    ranges = np.where(np.isfinite(problem.attainable_range), problem.attainable_range, 0.0)
    for p, o, curve in zip(
        problem.curve_programme, problem.curve_outcome, problem.curves, strict=True
    ):
        if not np.isfinite(problem.attainable_range[o]):
            max_effect = float(np.abs(curve.effect(problem.upper[:, p].max())))
            ranges[o] = max(ranges[o], max_effect)
    unit = 10.0 ** (np.floor(np.log10(money)) - 2)
    weighted_units = [
        weight * (unit if name in MONEY_OBJECTIVES else 1)
        for name, weight in problem.weights.items()
    ]
    return Scale(unit, np.where(ranges > 0, ranges, 1.0), max(weighted_units, default=1.0))


def formulate(
    problem: BudgetProblem,
    approximation: Sequence[Sequence[Piece]] | ConvexCombination,
    objective: str,
    *,
    limits: Mapping[str, float] | None = None,
) -> Model:
    """Formulate the model of one objective.

    With ``problem.relaxed_rule`` the objective is the breach of that rule, in money or outcome
    units.

    Args:
        problem: The budget problem.
        approximation: A convex combination of grid points, or pieces: those of each curve, of each
            outcome with a remaining potential, of its levels (``cumulative_effects``), and the
            intervals of each curve by which providers are paid (``payment_by_results``).
        objective: The objective's name.
        limits: Limits of earlier objectives by name, in their own units.
    """
    scale = scale_of(problem)
    model = Model("budget")
    programmes, streams, decided = problem.programme_ids, problem.stream_ids, len(problem.years)
    pairs = {
        "programme_id": programmes[problem.pair_programme],
        "stream_id": streams[problem.pair_stream],
    }
    _add_payments(model, problem, pairs, scale)
    # money limits are rows, not bounds
    max_spend = problem.upper if problem.relaxed_rule else np.tile(problem.maximum, (decided, 1))
    max_spend = np.fmax(max_spend, problem.actual_spend)
    labels = by_year(problem, {"programme_id": programmes})
    model.add_columns("spend", labels=labels, upper=max_spend.ravel() / scale.money_gbp)
    gain_labels = by_year(
        problem, {"outcome_id": problem.outcome_ids}, len(problem.drifted_baseline)
    )
    model.add_columns("gain", labels=gain_labels, lower=-np.inf)
    agencies.bought_at_scale_or_not_at_all(model, problem, scale)
    agencies.at_most_one_of_alternatives(model, problem)
    agencies.groups_are_bought_together(model, problem)
    effect_labels = {
        "programme_id": problem.programme_ids[problem.curve_programme],
        "outcome_id": problem.outcome_ids[problem.curve_outcome],
    }
    model.add_columns("effect", labels=by_year(problem, effect_labels), lower=-np.inf)
    potential_pieces: Sequence[Sequence[Piece]] = ()
    levels: Sequence[Sequence[Piece]] = ()
    interval_pieces: Sequence[Sequence[Piece]] = ()
    if isinstance(approximation, ConvexCombination):
        effects_are_mixed(model, problem, approximation, scale)
    else:
        curves = len(problem.curves)
        effects_lie_on_their_curves(model, problem, approximation[:curves], scale)
        outcomes = int(np.isfinite(problem.potential).sum())
        potential_pieces, levels = (
            approximation[curves : curves + outcomes],
            approximation[curves + outcomes :],
        )
        end = len(levels) - len(payment_by_results.paid_curves(problem))
        levels, interval_pieces = levels[:end], levels[end:]
        levels_follow_effects(model, problem, levels, problem.effect_today, scale.outcome)
    improvements_add_up(model, problem, potential_pieces, scale)
    change.units_serve_demand(model, problem, scale)
    payment_by_results.providers_are_paid_by_results(model, problem, interval_pieces, scale)
    what_is_spent_is_paid(model, problem, scale)
    rewards_are_earned(model, problem, scale)
    advances_go_back(model, problem, scale)
    agencies.nobody_is_worse_off(model, problem, scale)
    within_one_budget(model, problem, scale)
    no_stream_is_overspent(model, problem, scale)
    statutory_floors_hold(model, problem, scale)
    change.nothing_changes_too_fast(model, problem, scale)
    change.notice_contracts_and_commitments_hold(model, problem, scale)
    change.savings_are_reinvested(model, problem, scale)
    agencies.enough_goes_through_the_place(model, problem, scale)
    capital_fits_its_pots(model, problem, scale)
    minimum_standards_hold(model, problem, scale)
    standards_hold_in_bad_evidence(model, problem, scale, potential_pieces, levels)
    targets_hold_or_are_priced(model, problem, scale)
    if problem.relaxed_rule:
        return model
    for name, limit in (limits or {}).items():
        earlier_objectives_are_kept(model, problem, scale, name, limit)
    columns, values, constant = expression(model, problem, objective, scale)
    model.add_cost(columns, values)
    model.offset += constant
    return model


def _add_payments(
    model: Model, problem: BudgetProblem, pairs: Mapping[str, np.ndarray], scale: Scale
) -> Block:
    """Add what each stream pays for each programme; payments that stay as today are fixed."""
    decided = len(problem.years)
    low, high = np.zeros(1), np.full(1, np.inf)
    if problem.fixed_payments is not None:
        low = np.tile(np.nan_to_num(problem.fixed_payments) / scale.money_gbp, decided)
        high = np.where(np.isnan(np.tile(problem.fixed_payments, decided)), np.inf, low)
    return model.add_columns("pay", labels=by_year(problem, pairs), lower=low, upper=high)


def what_is_spent_is_paid(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """Streams pay for spending, for starting and stopping programmes, and for closing units.

    A programme that is paid by results gets its fee and what is due by results.
    """
    spend, pay = model.columns["spend"], model.columns["pay"]
    decided, programmes = len(problem.years), len(problem.programme_ids)
    payer = by_position(problem.pair_programme, decided, programmes)
    fee = np.tile(1 - problem.provider_terms.withheld, decided)
    terms: list[Any] = [(np.arange(spend.size), spend.all, fee), (payer, pay.all, -1.0)]
    terms += payment_by_results.due_terms(model, problem, scale)
    if "begins" in model.columns:
        p = np.flatnonzero(problem.is_optional)
        rows = by_position(p, decided, programmes)
        for name, cost in (("begins", problem.start_cost), ("ends", problem.stop_cost)):
            gbp = np.tile(cost[p], decided) / scale.money_gbp
            terms.append((rows, model.columns[name].all, gbp))
    if "closed" in model.columns:
        rows = by_position(problem.unit_programme, decided, programmes)
        gbp = np.tile(problem.closing_cost, decided) / scale.money_gbp
        terms.append((rows, model.columns["closed"].all, gbp))
    model.add_rows("paid", rule="", labels=dict(spend.labels), terms=terms, lower=0.0, upper=0.0)


def within_one_budget(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B1) A year's payments fit in the reduced total, the reserve and rewards.

    Transfers between agencies from unspent money (B9) count as payments.
    """
    if not np.isfinite(problem.total).all():
        return
    decided, t = len(problem.years), np.arange(len(problem.years))
    pay = model.columns["pay"]
    labels = {"year": problem.years}
    terms: list[Any] = [(np.repeat(t, len(problem.pair_stream)), pay.all, 1.0)]
    limit = problem.total / scale.money_gbp
    if problem.carry_over:
        opening = problem.opening_reserve / scale.money_gbp
        least = np.where(problem.is_past, -np.inf, np.where(t == decided - 1, opening, 0.0))
        reserve = model.add_columns("reserve", labels=labels, lower=least)
        terms += [(t, reserve.all, 1.0), (t[1:], reserve.at(t[:-1]), -1.0)]
        limit = limit + np.where(t == 0, opening, 0.0)
    if problem.relaxed_rule == "B1":
        terms.append((t, model.add_columns("breach", labels=labels, cost=1.0).all, -1.0))
    if "reward" in model.columns:
        reward, deferred = model.columns["reward"], problem.deferred_share
        at = np.repeat(t, reward.size // decided)
        for years, share in ((1, 1 - deferred), (2, deferred)):
            arrives = np.flatnonzero(at + years < decided)
            terms.append((at[arrives] + years, reward.at(arrives), -share))
    if "back" in model.columns:
        back = model.columns["back"]
        at = np.repeat(t, back.size // decided)
        next_year = np.flatnonzero(at + 1 < decided)
        last = np.flatnonzero(at + 1 == decided)  # what falls due after the years is set aside
        terms += [(at[next_year] + 1, back.at(next_year), 1.0), (at[last], back.at(last), 1.0)]
    if "refund" in model.columns:
        refund = model.columns["refund"]
        terms.append((np.repeat(t, refund.size // decided), refund.all, -1.0))
    if "from_unspent" in model.columns:
        unspent = model.columns["from_unspent"]
        terms.append((np.repeat(t, unspent.size // decided), unspent.all, 1.0))
    if not problem.carry_over:
        limit = np.where(problem.is_past, np.inf, limit)
    model.add_rows("one_budget", rule="B1", labels=labels, terms=terms, upper=limit)


def rewards_are_earned(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B4) A reward is earned for each unit beyond the target, up to the stretch."""
    decided, o = len(problem.years), np.flatnonzero(problem.reward > 0)
    if len(o) == 0 or decided == 1 or not np.isfinite(problem.total).all():
        return
    labels = by_year(problem, {"outcome_id": problem.outcome_ids[o]})
    at = by_position(o, decided, len(problem.outcome_ids))
    price = np.tile(problem.reward[o] * scale.outcome[o], decided) / scale.money_gbp
    span = np.tile(problem.reward_span[o] / scale.outcome[o], decided)
    target = (problem.target_gain[:, o] / scale.outcome[o]).ravel()
    reward = model.add_columns("reward", labels=labels)
    earned = model.add_columns("earned", labels=labels, upper=1.0, integer=True)
    rows = np.arange(reward.size)
    gain = model.columns["gain"].at(at)
    terms: list[Any] = [(rows, reward.all, 1.0), (rows, earned.all, -price * span)]
    model.add_rows("stretch", rule="B4", labels=labels, terms=terms, upper=0.0)
    # where it is not earned the row is slack: no gain is below -big_m
    big_m = np.abs(target) + _max_loss(problem, scale, o, decided)
    terms = [(rows, reward.all, 1.0), (rows, gain, -price), (rows, earned.all, price * big_m)]
    model.add_rows("reward", rule="B4", labels=labels, terms=terms, upper=price * (big_m - target))


def advances_go_back(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B4) Money paid in advance is paid back for each unit short of the target, up to a limit."""
    decided, o = len(problem.years), np.flatnonzero(problem.clawback > 0)
    if len(o) == 0 or not np.isfinite(problem.total).all():
        return
    labels = by_year(problem, {"outcome_id": problem.outcome_ids[o]})
    gain = model.columns["gain"].at(by_position(o, decided, len(problem.outcome_ids)))
    price = np.tile(problem.clawback[o] * scale.outcome[o], decided) / scale.money_gbp
    target = (problem.target_gain[:, o] / scale.outcome[o]).ravel()
    big_m = np.maximum(0.0, target + _max_loss(problem, scale, o, decided))
    span = np.tile(problem.clawback_span[o] / scale.outcome[o], decided)
    back, k = model.add_columns("back", labels=labels), np.flatnonzero(span < big_m)
    rows, limited_labels = np.arange(back.size), {name: ids[k] for name, ids in labels.items()}
    terms: list[Any] = [(rows, back.all, 1.0), (rows, gain, price)]
    if len(k):  # up to its limit
        lost = model.add_columns("lost", labels=limited_labels, upper=1.0, integer=True)
        terms.append((k, lost.all, price[k] * big_m[k]))
        limit_terms: list[Any] = [(np.arange(len(k)), back.at(k), 1.0)]
        limit_terms.append((np.arange(len(k)), lost.all, -(price * span)[k]))
        model.add_rows("all_lost", rule="B4", labels=limited_labels, terms=limit_terms, lower=0.0)
    model.add_rows("clawback", rule="B4", labels=labels, terms=terms, lower=price * target)


def _max_loss(problem: BudgetProblem, scale: Scale, o: np.ndarray, decided: int) -> Floats:
    """(T x O,) the most that an outcome can get worse: all its effects of today lost."""
    loss = -problem.combine_effects(-problem.effect_today[None, :])[0]
    return np.tile(loss[o] / scale.outcome[o] + 1.0, decided)


def no_stream_is_overspent(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B2) A stream is not overspent; what it may not pay for is not among the pairs."""
    f = np.flatnonzero(np.isfinite(problem.stream_limit).all(axis=0))
    if len(f) == 0:
        return
    decided, pay = len(problem.years), model.columns["pay"]
    row = np.full(len(problem.stream_ids), -1)
    row[f] = np.arange(len(f))
    n = np.flatnonzero(row[problem.pair_stream] >= 0)
    labels = by_year(problem, {"stream_id": problem.stream_ids[f]})
    terms: list[Any] = []
    limit = problem.stream_limit[:, f]
    for delay in range(decided if problem.streams_carry_over else 1):
        t = np.arange(delay, decided)[:, None]
        at = t * len(f) + row[problem.pair_stream[n]]
        terms.append((at, pay.at((t - delay) * len(problem.pair_stream) + n), 1.0))
    if problem.streams_carry_over:
        limit = limit.cumsum(axis=0)
    if problem.relaxed_rule == "B2":
        breach = model.add_columns("breach", labels=labels, cost=1.0)
        terms.append((np.arange(breach.size), breach.all, -1.0))
        is_outside = np.tile(~problem.pair_allowed, decided)
        model.add_cost(pay.at(np.flatnonzero(is_outside)), 1.0)
    limit = np.where(problem.is_past[:, None], np.inf, limit).ravel() / scale.money_gbp
    model.add_rows("streams", rule="B2", labels=labels, terms=terms, upper=limit)


def statutory_floors_hold(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B3) No programme falls below its floor."""
    p = np.flatnonzero(problem.floor > 0)
    if len(p) == 0:
        return
    at = by_position(p, len(problem.years), len(problem.programme_ids))
    rows, labels = np.arange(len(at)), by_year(problem, {"programme_id": problem.programme_ids[p]})
    terms: list[Any] = [(rows, model.columns["spend"].at(at), 1.0)]
    if problem.relaxed_rule == "B3":
        breach = model.add_columns("breach", labels=labels, cost=1.0)
        terms.append((rows, breach.all, 1.0))
    lower = np.where(problem.is_past[:, None], 0.0, problem.floor[p] / scale.money_gbp).ravel()
    model.add_rows("statutory", rule="B3", labels=labels, terms=terms, lower=lower)


def minimum_standards_hold(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B4) Every outcome is at least as good as its minimum standard."""
    _require_gain(model, problem, scale, "minimum", problem.minimum_gain)


def targets_hold_or_are_priced(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B4) Targets that must hold are met; the shortfall of a priced target is counted."""
    required_gain = np.where(problem.target_holds, problem.target_gain, np.nan)
    _require_gain(model, problem, scale, "target", required_gain)
    o = np.flatnonzero(problem.shortfall_price > 0)
    if len(o) == 0 or problem.relaxed_rule == "B4":
        return
    labels = by_year(problem, {"outcome_id": problem.outcome_ids[o]})
    at = by_position(o, len(problem.years), len(problem.outcome_ids))
    rows = np.arange(len(at))
    short = model.add_columns("short", labels=labels)
    model.add_rows(
        "priced_target",
        rule="B4",
        labels=labels,
        terms=[(rows, model.columns["gain"].at(at), 1.0), (rows, short.all, 1.0)],
        lower=(problem.target_gain[:, o] / scale.outcome[o]).ravel(),
    )


def _require_gain(
    model: Model, problem: BudgetProblem, scale: Scale, name: str, least: Floats
) -> None:
    t, o = np.nonzero(np.isfinite(least))
    if len(o) == 0:
        return
    labels = {"outcome_id": problem.outcome_ids[o], "year": problem.years[t]}
    rows = np.arange(len(o))
    gain = model.columns["gain"].at(t * len(problem.outcome_ids) + o)
    terms: list[Any] = [(rows, gain, 1.0)]
    if problem.relaxed_rule == "B4":
        breach = model.add_columns(f"breach_{name}", labels=labels, cost=1.0)
        terms.append((rows, breach.all, 1.0))
    lower = least[t, o] / scale.outcome[o]
    model.add_rows(name, rule="B4", labels=labels, terms=terms, lower=lower)


def improvements_add_up(
    model: Model, problem: BudgetProblem, potential_pieces: Sequence[Sequence[Piece]], scale: Scale
) -> None:
    """An outcome improves by the combined effects of its curves, over those at today's spending."""
    gain, effect, today = model.columns["gain"], model.columns["effect"], problem.effect_today
    weight = np.ones(len(problem.curves))
    for group in problem.groups:
        weight[list(group.curves)] = group.share
    weight[np.isfinite(problem.potential[problem.curve_outcome])] = 0.0
    b, t, c = np.nonzero(problem.effect_share * weight)
    share, o = (problem.effect_share * weight)[b, t, c], problem.curve_outcome[c]
    rows = b * len(problem.outcome_ids) + o
    best_terms, constant = best_ones_are_chosen(model, problem, today, scale.outcome)
    potential_terms, potential_constant = programmes_share_the_remaining_potential(
        model, problem, potential_pieces, today, scale.outcome
    )
    constant_part = (
        -np.bincount(rows, share * today[c] / scale.outcome[o], gain.size)
        - constant
        - potential_constant
    )
    terms: list[Any] = [
        (np.arange(gain.size), gain.all, 1.0),
        (rows, effect.at(t * len(problem.curves) + c), -share),
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


def by_position(members: np.ndarray, decided: int, size: int) -> np.ndarray:
    """Positions in a block of (years, ``size``) of the same ``members`` in every year."""
    return (np.arange(decided)[:, None] * size + np.asarray(members)[None, :]).ravel()


def payments(
    problem: BudgetProblem,
    spend: Floats,
    paid: Floats,
    gain: Floats,
    refunds: Floats,
    unallocated: Floats,
) -> Model:
    """Formulate who pays what for spending that is fixed.

    A little slack is allowed at a high price, because a plan is rounded.

    Args:
        problem: The budget problem.
        spend: (T, P) spending, in the model's unit of money.
        paid: (T, P) payments for it, in the same unit.
        gain: (B, O) improvements in outcome units.
        refunds: (T, P) refunds of providers, in the model's unit of money.
        unallocated: (T,) what the one budget leaves for transfers from unspent money (B9), of each
            year or with ``carry_over`` of the years up to it.
    """
    scale, decided = scale_of(problem), len(problem.years)
    model = Model("payments")
    pairs = {"stream_id": problem.stream_ids[problem.pair_stream]}
    pay = _add_payments(model, problem, pairs, scale)
    shortfall = model.add_columns("slip", size=paid.size, cost=1e4)
    excess = model.add_columns("over", size=paid.size, cost=1e4)  # where what is paid is fixed
    fixed_spend = spend.ravel()
    model.add_columns("spend", size=spend.size, lower=fixed_spend, upper=fixed_spend)
    level = (gain / scale.outcome).ravel()
    model.add_columns("gain", size=gain.size, lower=level, upper=level)
    if refunds.any():
        fixed_refunds = refunds.ravel()
        model.add_columns(
            "refund", size=fixed_refunds.size, lower=fixed_refunds, upper=fixed_refunds
        )
    rows = by_position(problem.pair_programme, decided, paid.shape[1])
    all_rows = np.arange(paid.size)
    terms: list[Any] = [
        (rows, pay.all, 1.0),
        (all_rows, shortfall.all, 1.0),
        (all_rows, excess.all, -1.0),
    ]
    fixed_paid = paid.ravel()
    model.add_rows("paid", rule="", size=paid.size, terms=terms, lower=fixed_paid, upper=fixed_paid)
    no_stream_is_overspent(model, problem, scale)
    agencies.enough_goes_through_the_place(model, problem, scale)
    agencies.nobody_is_worse_off(model, problem, scale)
    if "from_unspent" in model.columns:
        unspent = model.columns["from_unspent"]
        linked = np.tril(np.ones((decided, decided))) if problem.carry_over else np.eye(decided)
        t, year = np.nonzero(linked)
        per_year = unspent.size // decided
        terms = [
            (
                t[:, None],
                unspent.at(year[:, None] * per_year + np.arange(per_year)),
                np.ones((1, 1)),
            )
        ]
        model.add_rows("left", rule="B1", size=decided, terms=terms, upper=unallocated + 1e-9)
    return model
