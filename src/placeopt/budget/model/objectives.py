"""Objectives as expressions over a model's columns; always minimised.

weighted_outcomes   minus the sum over counted years of weight x improvement on today / range, for
                    one decided year; improvement beyond an outcome's saturation is left out
fairest             the worst outcome of the worst decided year, in ranges short of its target, or
                    of its saturation where that is worse; improvement beyond it is left out
least_money         payments, discounted to the first decided year
least_disruption    money moved up or down against the year before
weighted            the sum of those that the scenario weighs, in GBP
position            what an agency alone pays, less what it saves in cash, discounted (B9)
moved_from_today    money moved up or down against today, over the years (B9, ties)
programme_order     spending, where a pound of a later programme id counts more (B9, ties)
cash_least, _most   what an agency saves in cash, discounted; and minus that (B9, ranges)
"""

from __future__ import annotations

import numpy as np

from placeopt.budget.model.scale import Scale, objective_unit
from placeopt.budget.problem import objective_values
from placeopt.budget.problem.arrays import BudgetProblem
from placeopt.engine import Model

Expression = tuple[np.ndarray, np.ndarray, float]  # column numbers, values, constant


def expression(model: Model, problem: BudgetProblem, name: str, scale: Scale) -> Expression:
    """An objective over the model's columns, in the model's unit of it (``objective_unit``).

    Priced shortfalls belong to the first objective. Adds the columns it needs once.
    """
    columns, values, constant = _objective_terms(model, problem, name, scale)
    if name == problem.objectives.names[0] and "short" in model.columns:
        short, decided = model.columns["short"], len(problem.horizon.years)
        o = np.flatnonzero(problem.standards.shortfall_price > 0)
        price = (
            problem.standards.shortfall_price[o]
            * scale.outcome[o]
            / problem.outcomes.attainable_range[o]
        )
        year = {"least_money": problem.horizon.discount, "least_disruption": np.ones(decided)}.get(
            name, np.full(decided, 1 / decided)
        )
        columns = np.concatenate([columns, short.all])
        values = np.concatenate(
            [values, np.outer(year, price).ravel() / objective_unit(name, scale)]
        )
    return columns, values, constant


def _objective_terms(model: Model, problem: BudgetProblem, name: str, scale: Scale) -> Expression:
    pay, gain, decided = model.columns["pay"], model.columns["gain"], len(problem.horizon.years)
    discount = np.repeat(problem.horizon.discount, len(problem.pairs.stream))
    if name == "weighted_outcomes":
        o = np.flatnonzero(np.isfinite(problem.outcomes.attainable_range))
        counted = len(problem.outcomes.drifted_baseline)
        value = problem.outcomes.weight[o] / problem.outcomes.attainable_range[o] / decided
        drift = (
            problem.outcomes.sign * (problem.outcomes.drifted_baseline - problem.outcomes.baseline)
        )[:, o]
        at = np.arange(counted)[:, None] * len(problem.outcomes.ids) + o
        values = np.tile(-value * scale.outcome[o], counted)
        columns = _scored_columns(model, problem, scale)[at.ravel()]
        return columns, values, -float((value * drift).sum())
    if name == "fairest":
        return _worst_outcome(model, problem, scale), np.ones(1), 0.0
    if name == "least_money":
        return pay.all, discount, 0.0
    if name == "weighted":
        parts, constant = [], 0.0
        for part, weight in problem.objectives.weights.items():
            columns, values, start = _objective_terms(model, problem, part, scale)
            factor = weight * objective_unit(part, scale) / scale.weighted_gbp
            parts.append((columns, factor * values))
            constant += factor * start
        columns, values = (np.concatenate(side) for side in zip(*parts, strict=True))
        return columns, values, constant
    if name == "position":
        assert problem.pairs.fixed is not None
        free_pairs = np.flatnonzero(np.tile(np.isnan(problem.pairs.fixed), decided))
        value = np.einsum(
            "t,tbo->bo",
            problem.horizon.discount,
            problem.agencies.cashable[:, :, problem.agencies.position_agency],
        )
        savings = (value * scale.outcome / scale.money_gbp).ravel()
        b = np.flatnonzero(savings)
        is_own = np.isin(
            problem.pairs.programme, problem.pairs.programme[np.isnan(problem.pairs.fixed)]
        )
        refund_columns, refund_values = np.zeros(0, np.int64), np.zeros(0)
        if "refund" in model.columns:
            refund_columns = model.columns["refund"].all
            refund_values = -np.repeat(problem.horizon.discount, len(problem.programmes.ids))
        others_pay = float(np.nansum(problem.pairs.fixed[is_own])) / scale.money_gbp
        return (
            np.concatenate([pay.at(free_pairs), gain.at(b), refund_columns]),
            np.concatenate([discount[free_pairs], -savings[b], refund_values]),
            float(problem.horizon.discount.sum()) * others_pay,
        )
    if name == "programme_order":
        weights = np.tile(objective_values.programme_tie_weights(problem), decided)
        return model.columns["spend"].all, weights, 0.0
    if name in ("cash_least", "cash_most"):
        value = np.einsum(
            "t,tbo->bo",
            problem.horizon.discount,
            problem.agencies.cashable[:, :, problem.agencies.position_agency],
        )
        savings = (value * scale.outcome / scale.money_gbp).ravel()
        b, sign = np.flatnonzero(savings), 1.0 if name == "cash_least" else -1.0
        p = np.unique(problem.units.programme)  # money freed by closing units (B6)
        spend = np.arange(decided)[:, None] * len(problem.programmes.ids) + p
        do_nothing = float(
            problem.horizon.discount @ problem.programmes.do_nothing[:, p].sum(axis=1)
        )
        spend_values = -sign * np.repeat(problem.horizon.discount, len(p))
        return (
            np.concatenate([gain.at(b), model.columns["spend"].at(spend.ravel())]),
            np.concatenate([sign * savings[b], spend_values]),
            sign * do_nothing / scale.money_gbp,
        )
    if name == "moved_from_today":
        columns = _movement_from_today_columns(model, problem, scale)
        return columns, np.ones(len(columns)), 0.0
    columns = _movement_columns(model, problem, scale)
    return columns, np.ones(len(columns)), 0.0


def earlier_objectives_are_kept(
    model: Model, problem: BudgetProblem, scale: Scale, name: str, limit: float
) -> None:
    """An earlier objective is no worse than its limit."""
    columns, values, constant = expression(model, problem, name, scale)
    upper = limit / objective_unit(name, scale) - constant
    model.add_rows(f"kept_{name}", rule="", size=1, terms=[(0, columns, values)], upper=upper)


def _scored_columns(model: Model, problem: BudgetProblem, scale: Scale) -> np.ndarray:
    """(B x O,) columns of the improvement that counts: the gain, or the saturation where that is
    smaller.

    The column is maximised, so that it equals the smaller of the two.
    """
    gain = model.columns["gain"]
    saturation = (problem.outcomes.max_gain / scale.outcome).ravel()
    at = np.flatnonzero(
        np.isfinite(saturation)
        & np.tile(problem.outcomes.weight > 0, len(problem.outcomes.drifted_baseline))
    )
    columns = np.asarray(gain.all).copy()
    if len(at) == 0:
        return columns
    if "scored" not in model.columns:
        labels = {key: ids[at] for key, ids in gain.labels.items()}
        scored = model.add_columns("scored", labels=labels, lower=-np.inf, upper=saturation[at])
        rows = np.arange(len(at))
        terms = [(rows, scored.all, 1.0), (rows, gain.at(at), -1.0)]
        model.add_rows("scored", rule="", labels=labels, terms=terms, upper=0.0)
    columns[at] = model.columns["scored"].all
    return columns


def _worst_outcome(model: Model, problem: BudgetProblem, scale: Scale) -> np.ndarray:
    """The column of the largest shortfall of any outcome in any decided year, in ranges.

    It is measured from the target, or from the saturation where that is worse.
    """
    if "worst" not in model.columns:
        o = np.flatnonzero(np.isfinite(problem.outcomes.attainable_range))
        decided = len(problem.horizon.years)
        max_gain = problem.outcomes.max_gain[:decided]
        required = np.minimum(problem.standards.target_gain, max_gain)
        saturated = (required - max_gain)[:, o] / problem.outcomes.attainable_range[o]
        worst = model.add_columns("worst", size=1, lower=saturated.max())  # where all are saturated
        at = (np.arange(decided)[:, None] * len(problem.outcomes.ids) + o).ravel()
        rows = np.arange(len(at))
        share = np.tile(scale.outcome[o] / problem.outcomes.attainable_range[o], decided)
        model.add_rows(
            "worst_outcome",
            rule="",
            labels={key: ids[at] for key, ids in model.columns["gain"].labels.items()},
            terms=[(rows, worst.start, 1.0), (rows, model.columns["gain"].at(at), share)],
            lower=(required[:, o] / problem.outcomes.attainable_range[o]).ravel(),
        )
    return model.columns["worst"].all


def _movement_columns(model: Model, problem: BudgetProblem, scale: Scale) -> np.ndarray:
    """How far each programme moves from the year before's spend, up or down."""
    if "moved" not in model.columns:
        spend, programmes = model.columns["spend"], len(problem.programmes.ids)
        moved = model.add_columns("moved", labels=dict(spend.labels))
        rows = np.arange(spend.size)
        later = rows[programmes:]
        today = np.zeros(spend.size)
        today[:programmes] = problem.programmes.base_spend / scale.money_gbp
        for name, sign in (("moved_up", -1.0), ("moved_down", 1.0)):
            terms = [
                (rows, moved.all, 1.0),
                (rows, spend.all, sign),
                (later, spend.at(later - programmes), -sign),
            ]
            labels = dict(spend.labels)
            model.add_rows(name, rule="", labels=labels, terms=terms, lower=sign * today)
    return model.columns["moved"].all


def _movement_from_today_columns(model: Model, problem: BudgetProblem, scale: Scale) -> np.ndarray:
    """How far each programme is from today's spend, up or down."""
    if "from_today" not in model.columns:
        spend = model.columns["spend"]
        moved = model.add_columns("from_today", labels=dict(spend.labels))
        rows = np.arange(spend.size)
        today = np.tile(problem.programmes.base_spend, len(problem.horizon.years)) / scale.money_gbp
        for name, sign in (("above_today", -1.0), ("below_today", 1.0)):
            terms = [(rows, moved.all, 1.0), (rows, spend.all, sign)]
            labels = dict(spend.labels)
            model.add_rows(name, rule="", labels=labels, terms=terms, lower=sign * today)
    return model.columns["from_today"].all
