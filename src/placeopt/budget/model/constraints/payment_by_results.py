"""Equations of providers paid by results (B10).

The arithmetic is in ``budget.problem.payment_by_results``.

Better outcomes cost more, so a model must not underestimate an outcome that is paid for. Its curves
are bounded from both sides: one straight line for each interval of spending (a choice), shifted by
the interval's proven error. A plan of the model with curves from below pays no less than it truly
has to, and gets no more back; for the model with curves from above it is the other way round.

Columns  at[t,j] binary, part[t,j]; paid_on[t,o], lost_on[t,o]: improvements that payments, and
         losses, are counted on; held[t,k], topped[t,k] binary, earned[t,k], lost[t,k], fell[t,k]
         binary; refund[t,p]
(B10) one_interval   sum over j of c of at[t,j] = 1,  spend[t,p] = sum over j of part[t,j],
                     start[j] at[t,j] <= part[t,j] <= end[j] at[t,j]
(B10) measured       paid_on[t,o] = sum of share (line of part - effect today); lost_on likewise
(B10) held           held[t,k] >= paid_on[t,o] - start[t,k] - M topped[t,k], >= span[k] topped[t,k]
(B10) earned         earned[t,k] >= held[t,k] - span[k] (1 - on[t,p])
(B10) lost           lost[t,k] <= lost_on[t,o] - start[t,k] - held[t+n,k] + M (1 - fell[t,k]),
                     <= span[k] - held[t+n,k], <= span[k] fell[t,k], <= span[k] on[t,p]
(B10) refunded       refund[t,p] = sum over k of clawback[k] lost[t-1-n,k]
(B10) consent        withheld[p] sum over t of spend[t,p] <= guaranteed payments: ``consent``
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from placeopt.base.arrays import Floats
from placeopt.budget.curves.base import Curve
from placeopt.budget.curves.piecewise import Piece, Side, error_bound
from placeopt.budget.model.constraints.consent import (
    guaranteed_results,
    providers_get_back_what_is_withheld,
)
from placeopt.budget.model.scale import Scale, by_year
from placeopt.budget.problem import effects
from placeopt.budget.problem.arrays import BudgetProblem
from placeopt.engine import Model
from placeopt.engine.model import Terms

Intervals = Sequence[Sequence[Piece]]  # of each measured curve; lines: for payments, for losses


def paid_curves(problem: BudgetProblem) -> np.ndarray:
    """The curves of outcomes by which providers are paid."""
    return np.flatnonzero(np.isin(problem.curves.outcome, problem.provider_terms.outcome))


def intervals(curve: Curve, breaks: Floats, exact_at: Floats, side: Side) -> list[Piece]:
    """One piece for each interval between ``breaks``, and for each spend in ``exact_at``.

    Each piece has two lines: one for payments, one for losses.
    """
    sign, result = (1.0 if side == "under" else -1.0), []
    for a, b in pairwise(breaks):
        low, high = (float(value) for value in curve.effect([a, b]))
        slope = (high - low) / (b - a)
        error = error_bound(curve, np.array([a, b]))
        line = low - slope * a
        slopes, shifted = np.full(2, slope), np.array([line + sign * error, line - sign * error])
        result.append(Piece(float(a), float(b), slopes, shifted))
    exact_spends = exact_at if side == "under" and error_bound(curve, breaks) > 0 else exact_at[:0]
    for spend in np.unique(breaks[:1] if len(breaks) == 1 else exact_spends):
        exact = np.full(2, float(curve.effect(spend)))
        result.append(Piece(float(spend), float(spend), np.zeros(2), exact))
    return result


def providers_are_paid_by_results(
    model: Model, problem: BudgetProblem, curve_intervals: Intervals, scale: Scale
) -> None:
    """(B10) Add what providers earn, lose and give back; ``due`` and ``refund`` are paid."""
    terms, decided = problem.provider_terms, len(problem.horizon.years)
    if not terms.price.any():
        providers_get_back_what_is_withheld(model, problem, scale, None, [])
        return
    low, high = _improvements_are_measured(model, problem, curve_intervals, scale)
    outcomes = np.unique(terms.outcome)
    term_count, unit = len(terms.programme), scale.outcome[terms.outcome]
    ids = {
        "programme_id": problem.programmes.ids[terms.programme],
        "outcome_id": problem.outcomes.ids[terms.outcome],
    }
    labels = by_year(problem, ids)
    span = np.tile(terms.span / unit, decided)
    start = (terms.start / unit).ravel()
    held = model.add_columns("held", labels=labels, upper=span)
    earned = model.add_columns("earned", labels=labels, upper=span)
    rows = np.arange(held.size)
    t, k = rows // term_count, rows % term_count
    at = t * len(outcomes) + np.searchsorted(outcomes, terms.outcome[k])
    paid_on = model.columns["paid_on"].at(at)
    overshoot = high[at] - start - span  # how far paid_to can be passed
    may_overshoot = np.flatnonzero(overshoot > 0)
    terms_of_held: list[Terms] = [(rows, held.all, 1.0), (rows, paid_on, -1.0)]
    if len(may_overshoot):
        top_labels = {name: values[may_overshoot] for name, values in labels.items()}
        topped = model.add_columns("topped", labels=top_labels, upper=1.0, integer=True)
        terms_of_held.append((may_overshoot, topped.all, overshoot[may_overshoot]))
        full_terms: list[Terms] = [(np.arange(len(may_overshoot)), held.at(may_overshoot), 1.0)]
        full_terms.append((np.arange(len(may_overshoot)), topped.all, -span[may_overshoot]))
        model.add_rows("held_in_full", rule="B10", labels=top_labels, terms=full_terms, lower=0.0)
    model.add_rows("held", rule="B10", labels=labels, terms=terms_of_held, lower=-start)
    bought_columns = _purchase_columns(model, problem, t, terms.programme[k])
    if bought_columns is None:
        earned_terms: list[Terms] = [(rows, earned.all, 1.0), (rows, held.all, -1.0)]
        model.add_rows("earned", rule="B10", labels=labels, terms=earned_terms, lower=0.0)
    else:
        earned_terms = [
            (rows, earned.all, 1.0),
            (rows, held.all, -1.0),
            (rows, bought_columns, -span),
        ]
        model.add_rows("earned", rule="B10", labels=labels, terms=earned_terms, lower=-span)
    _results_are_lost(model, problem, scale, low[at], bought_columns)
    guaranteed = guaranteed_results(model, problem, scale, low[at], bought_columns)
    providers_get_back_what_is_withheld(model, problem, scale, *guaranteed)


def _purchase_columns(model: Model, problem: BudgetProblem, t: np.ndarray, p: np.ndarray) -> Any:
    """Columns for whether a programme is bought; ``None`` where that is not decided."""
    chosen = np.flatnonzero(problem.purchases.is_optional)
    if "on" not in model.columns or not np.isin(p, chosen).all():
        return None
    return model.columns["on"].at(t * len(chosen) + np.searchsorted(chosen, p))


def _results_are_lost(
    model: Model, problem: BudgetProblem, scale: Scale, min_gain: Floats, bought_columns: Any
) -> None:
    """Add the part of earned results that no longer holds when the deferred part is due, and
    refunds."""
    terms = problem.provider_terms
    t, k = terms.at_stake
    if len(t) == 0:
        return
    term_count, outcomes = len(terms.programme), np.unique(terms.outcome)
    held, position = model.columns["held"], t * len(terms.programme) + k
    labels = {name: ids[position] for name, ids in held.labels.items()}
    unit = scale.outcome[terms.outcome[k]]
    span, start = terms.span[k] / unit, terms.start[t, k] / unit
    lost = model.add_columns("lost", labels=labels, upper=span)
    fell = model.add_columns("fell", labels=labels, upper=1.0, integer=True)
    rows = np.arange(lost.size)
    later = held.at((t + terms.deferral_years[k]) * term_count + k)
    at = t * len(outcomes) + np.searchsorted(outcomes, terms.outcome[k])
    big_m = np.maximum(0.0, start + span - min_gain[position])
    row_blocks: list[tuple[str, list[Terms], Any]] = [
        (
            "lost",
            [(rows, model.columns["lost_on"].at(at), -1.0), (rows, later, 1.0)],
            big_m - start,
        ),
        ("lost_of_all", [(rows, later, 1.0)], span),
        ("lost_at_all", [(rows, fell.all, -span)], 0.0),
    ]
    row_blocks[0][1].append((rows, fell.all, big_m))
    if bought_columns is not None:
        row_blocks.append(("lost_if_bought", [(rows, bought_columns[position], -span)], 0.0))
    for name, added, upper in row_blocks:
        lost_terms: list[Terms] = [(rows, lost.all, 1.0), *added]
        model.add_rows(name, rule="B10", labels=labels, terms=lost_terms, upper=upper)
    has_clawback = np.flatnonzero(terms.clawback[k] > 0)
    if len(has_clawback) == 0:
        return
    programmes = len(problem.programmes.ids)
    yearly_labels = by_year(problem, {"programme_id": problem.programmes.ids})
    refund = model.add_columns("refund", labels=yearly_labels)
    when = terms.last_due[t, k] * programmes + terms.programme[k]
    refund_price = terms.clawback[k] * unit / scale.money_gbp
    refund_terms: list[Terms] = [(np.arange(refund.size), refund.all, 1.0)]
    refund_terms.append((when[has_clawback], lost.at(has_clawback), -refund_price[has_clawback]))
    model.add_rows(
        "refunded", rule="B10", labels=yearly_labels, terms=refund_terms, lower=0.0, upper=0.0
    )


def due_terms(model: Model, problem: BudgetProblem, scale: Scale) -> list[Terms]:
    """Payments due by results, as terms of the rows of payments for a programme."""
    terms, programmes = problem.provider_terms, len(problem.programmes.ids)
    if "earned" not in model.columns or not terms.price.any():
        return []
    earned = model.columns["earned"]
    term_count = len(terms.programme)
    t, k = np.arange(earned.size) // term_count, np.arange(earned.size) % term_count
    unit = terms.price[k] * scale.outcome[terms.outcome[k]] / scale.money_gbp
    when, _ = terms.first_due
    p = terms.programme[k]
    due: list[Terms] = [
        (when[t] * programmes + p, earned.all, (1 - terms.deferred_share[k]) * unit),
        (terms.last_due[t, k] * programmes + p, earned.all, terms.deferred_share[k] * unit),
    ]
    if "lost" in model.columns:
        t, k = terms.at_stake
        unit = terms.price[k] * scale.outcome[terms.outcome[k]] / scale.money_gbp
        at = terms.last_due[t, k] * programmes + terms.programme[k]
        due.append((at, model.columns["lost"].all, -terms.deferred_share[k] * unit))
    return due


def _improvements_are_measured(
    model: Model, problem: BudgetProblem, curve_intervals: Intervals, scale: Scale
) -> tuple[Floats, Floats]:
    """Add ``paid_on`` and ``lost_on`` (T x outcomes paid for); return their least and largest
    values."""
    curves, decided = paid_curves(problem), len(problem.horizon.years)
    outcomes, programmes = np.unique(problem.provider_terms.outcome), len(problem.programmes.ids)
    pieces = [(i, piece) for i, outcome_at in enumerate(curve_intervals) for piece in outcome_at]
    i = np.tile(np.array([at for at, _ in pieces], int), decided)
    year = np.repeat(np.arange(decided), len(pieces))
    c, j = curves[i], np.arange(len(i))
    owner = by_year(
        problem,
        {
            "programme_id": problem.programmes.ids[problem.curves.programme[curves]],
            "outcome_id": problem.outcomes.ids[problem.curves.outcome[curves]],
        },
    )
    labels = {name: ids[year * len(curves) + i] for name, ids in owner.items()}
    at = model.add_columns("at", labels=labels, upper=1.0, integer=True)
    part = model.add_columns("at_spend", labels=labels)
    start, end = (
        np.tile([getattr(piece, side) for _, piece in pieces], decided) / scale.money_gbp
        for side in ("start", "end")
    )
    terms: list[Terms] = [(j, part.all, 1.0), (j, at.all, -start)]
    model.add_rows("interval_start", rule="B10", labels=labels, terms=terms, lower=0.0)
    terms = [(j, part.all, 1.0), (j, at.all, -end)]
    model.add_rows("interval_end", rule="B10", labels=labels, terms=terms, upper=0.0)
    row, curve_rows = year * len(curves) + i, np.arange(decided * len(curves))
    terms = [(row, at.all, 1.0)]
    model.add_rows("one_interval", rule="B10", labels=owner, terms=terms, lower=1.0, upper=1.0)
    spend = model.columns["spend"].at(
        curve_rows // len(curves) * programmes
        + problem.curves.programme[curves[curve_rows % len(curves)]]
    )
    terms = [(row, part.all, 1.0), (curve_rows, spend, -1.0)]
    model.add_rows("spend_in_one", rule="B10", labels=owner, terms=terms, lower=0.0, upper=0.0)

    unit, today = scale.outcome[problem.curves.outcome[c]], effects.effect_today(problem)
    ids = by_year(problem, {"outcome_id": problem.outcomes.ids[outcomes]})
    size = decided * len(outcomes)
    bounds = [np.full((len(curves), 2), np.inf), np.full((len(curves), 2), -np.inf)]
    shares = problem.curves.effect_share[:decided, :, curves]  # (T, T, measured)
    outcome_at = np.searchsorted(outcomes, problem.curves.outcome[curves])
    for line, name in enumerate(("paid_on", "lost_on")):
        improvement = model.add_columns(name, labels=ids, lower=-np.inf)
        slope = np.tile([piece.slope[line] for _, piece in pieces], decided)
        start_at = np.tile([piece.intercept[line] for _, piece in pieces], decided)
        terms = [(np.arange(size), improvement.all, 1.0)]
        for b in range(decided):
            effect_share = shares[b, year, i]
            row_at = b * len(outcomes) + outcome_at[i]
            terms.append((row_at, part.all, -effect_share * slope * scale.money_gbp / unit))
            terms.append((row_at, at.all, -effect_share * (start_at - today[c]) / unit))
        model.add_rows(
            f"measured_{name}", rule="B10", labels=ids, terms=terms, lower=0.0, upper=0.0
        )
        for at_piece, piece in pieces:
            ends = piece.slope[line] * np.array([piece.start, piece.end]) + piece.intercept[line]
            bounds[0][at_piece, line] = min(bounds[0][at_piece, line], ends.min())
            bounds[1][at_piece, line] = max(bounds[1][at_piece, line], ends.max())
    effect_share = shares.sum(axis=1)  # (T, measured)
    gain_ranges = []
    for bound, extreme in zip(bounds, (np.min, np.max), strict=True):
        span = (
            effect_share
            * (extreme(bound, axis=1) - today[curves])
            / scale.outcome[problem.curves.outcome[curves]]
        )
        by_outcome = [np.bincount(outcome_at, line, len(outcomes)).astype(float) for line in span]
        gain_ranges.append(np.concatenate(by_outcome))
    return gain_ranges[0], gain_ranges[1]
