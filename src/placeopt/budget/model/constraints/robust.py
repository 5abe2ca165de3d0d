"""Standards that hold though the evidence may be wrong, as rows of a model.

gain[o,s] = sum over c of o of factor[s,c] (effect[c] - effect today), for evidence scenarios s
(B12) every  gain[o,s] >= minimum_gain[o]
             a group of which the best counts: (1 - share) (best[o,s] - best today) besides, the
             group's own factors times its share;  best[o,s] <= E[c,s] + M (1 - chosen[c,s])
(B12) tail   level[o] - sum over s of short[o,s] / (tail S) >= minimum_gain[o],
             short[o,s] >= level[o] - gain[o,s],  short[o,s] >= 0
Source: Rockafellar and Uryasev, Optimization of conditional value-at-risk, Journal of Risk 2
(2000).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from placeopt.budget.curves.forms import Piece
from placeopt.budget.curves.remaining_potential import MAX_TRANSFORM_SHARE, inverse_transform
from placeopt.budget.model.constraints.cumulative_effects import YearOutcome, evidence_terms
from placeopt.budget.model.constraints.remaining_potential import inverse_transform_rows
from placeopt.budget.model.piecewise import Scale
from placeopt.budget.problem.arrays import BudgetProblem
from placeopt.engine import Block, Model


def standards_hold_in_bad_evidence(
    model: Model,
    problem: BudgetProblem,
    scale: Scale,
    potential_pieces: Sequence[Sequence[Piece]] = (),
    levels: Sequence[Sequence[Piece]] = (),
) -> None:
    """(B12) Minimum standards hold in every evidence scenario, or over the worst tail."""
    years, held = np.nonzero(np.isfinite(problem.minimum_gain))
    size = len(problem.evidence_factors)
    if size == 0 or len(held) == 0:
        return
    today = problem.effect_today
    effect, s = model.columns["effect"], np.arange(size)
    weight = np.ones(len(problem.curves))
    for group in problem.groups:
        weight[list(group.curves)] = group.share
    for t, o in zip(years, held, strict=True):
        if problem.uses_levels[o]:
            _remaining_potential_standard(
                model, problem, potential_pieces, levels, (int(t), int(o), scale.outcome[o])
            )
            continue
        own = (problem.curve_outcome == o) & (problem.effect_share[t] != 0)
        spent, c = np.nonzero(own)
        factor = problem.evidence_factors[:, c] * problem.effect_share[t, spent, c] * weight[c]
        unit, key = float(scale.outcome[o]), f"{o}_{t}"
        labels = {"outcome_id": np.repeat(problem.outcome_ids[o], size), "scenario": s}
        columns = effect.at(spent * len(problem.curves) + c)
        terms: list[Any] = [(s[:, None], columns[None, :], factor)]
        if problem.relaxed_rule == "B12":
            past = model.add_columns(f"breach_{key}", size=1, cost=1.0)
            terms.append((s, past.start, 1.0))
        base = factor @ today[c] / unit
        for number, group in enumerate(problem.groups):
            if group.outcome == o and group.share < 1:
                best = _best_of_draws(model, problem, number, (int(t), int(o), unit))
                terms.append((s, best.all, 1 - group.share))
                base = base + (1 - group.share) * today[list(group.curves)].max() / unit
        least = float(problem.minimum_gain[t, o]) / unit
        if problem.tail_share == 0:
            lower = base + least
            model.add_rows(f"evidence_{key}", rule="B12", labels=labels, terms=terms, lower=lower)
            continue
        _tail(model, problem, (int(t), int(o), unit), terms, base, labels)


def _best_of_draws(model: Model, problem: BudgetProblem, number: int, at: YearOutcome) -> Block:
    """The best curve of a group in every draw: best[s] <= E[s,c] + M (1 - chosen[s,c]), one of
    which is chosen; E is today's effect and what the draw makes of what the plan adds to it."""
    t, o, unit = at
    c = np.array(problem.groups[number].curves)
    size, many, key = len(problem.evidence_factors), len(c), f"{number}_{o}_{t}"
    today, drawn = problem.effect_today[c], problem.evidence_factors[:, c]  # (C,), (S, C)
    labels = {"outcome_id": np.repeat(problem.outcome_ids[o], size), "scenario": np.arange(size)}
    best = model.add_columns(f"best_of_draw_{key}", labels=labels, lower=-np.inf)
    each = {name: np.repeat(values, many) for name, values in labels.items()}
    chosen = model.add_columns(f"counts_{key}", labels=each, upper=1.0, integer=True)
    rows = np.arange(size * many)
    share = problem.effect_share[t][:, c]  # (T, C)
    top = [problem.curves[k].effect(problem.upper[:, problem.curve_programme[k]]).max() for k in c]
    ends = today + drawn * (np.array([np.zeros(many), top])[:, None, :] - today)
    far = (ends.max() - ends.min()) / unit
    spent, own = np.nonzero(share)
    columns = model.columns["effect"].at(spent * len(problem.curves) + c[own])
    row = np.arange(size)[:, None] * many + own
    terms: list[Any] = [
        (rows, best.at(rows // many), 1.0),
        (rows, chosen.all, far),
        (row, columns[None, :], -drawn[:, own] * share[spent, own]),
    ]
    stays = (today - drawn * share.sum(axis=0) * today).ravel() / unit
    model.add_rows(f"best_of_draw_{key}", rule="B12", labels=each, terms=terms, upper=far + stays)
    one: list[Any] = [(rows // many, chosen.all, 1.0)]
    model.add_rows(f"counts_{key}", rule="B12", labels=labels, terms=one, lower=1.0, upper=1.0)
    return best


def _tail(
    model: Model, problem: BudgetProblem, at: YearOutcome, terms: list[Any], base: Any, labels: Any
) -> None:
    """The mean of the worst tail of gains is the standard; ``terms``, with a row for each draw,
    come to its gain beyond ``base``."""
    t, o, unit = at
    size, key = len(problem.evidence_factors), f"{o}_{t}"
    s = np.arange(size)
    level = model.add_columns(f"level_{key}", size=1, lower=-np.inf)
    short = model.add_columns(f"short_{key}", size=size)
    terms = [*terms, (s, short.all, 1.0), (s, level.start, -1.0)]
    model.add_rows(f"short_of_{key}", rule="B12", labels=labels, terms=terms, lower=base)
    model.add_rows(
        f"tail_{key}",
        rule="B12",
        labels={"outcome_id": problem.outcome_ids[[o]]},
        terms=[(0, level.start, 1.0), (0, short.all, -1.0 / (problem.tail_share * size))],
        lower=float(problem.minimum_gain[t, o]) / unit,
    )


def _remaining_potential_standard(
    model: Model,
    problem: BudgetProblem,
    potential_pieces: Sequence[Sequence[Piece]],
    levels: Sequence[Sequence[Piece]],
    at: YearOutcome,
) -> None:
    """The same for programmes that each work on what the others leave: a gain of at least g is a
    sum S of at least -W log(1 - (g + today's) / W)."""
    t, o, unit = at
    size, key, whole = len(problem.evidence_factors), f"{o}_{t}", float(problem.potential[o])
    labels = {"outcome_id": np.repeat(problem.outcome_ids[o], size), "scenario": np.arange(size)}
    s, terms = np.arange(size), evidence_terms(model, problem, levels, at)
    own = problem.curve_outcome == o
    today = float(
        inverse_transform(problem.transformed_effects(np.zeros((1, len(own))))[0, own].sum(), whole)
    )
    if problem.tail_share == 0 and problem.relaxed_rule != "B12":
        asked = (today + problem.minimum_gain[t, o]) / whole
        least = -whole * np.log1p(-min(asked, MAX_TRANSFORM_SHARE)) / unit
        name = f"evidence_{key}"
        model.add_rows(name, rule="B12", labels=labels, terms=terms, lower=least)
        return
    total = model.add_columns(f"drawn_{key}", size=size, lower=-np.inf)
    value = model.add_columns(f"of_drawn_{key}", size=size, lower=-np.inf)
    terms.append((s, total.all, -1.0))
    model.add_rows(f"drawn_{key}", rule="B12", labels=labels, terms=terms, lower=0.0)
    (piece,) = potential_pieces[np.flatnonzero(np.isfinite(problem.potential)).tolist().index(o)]
    inverse_transform_rows(
        model, f"of_drawn_{key}", piece, (value.all, total.all), unit, labels, rule="B12"
    )
    drawn: list[Any] = [(s, value.all, 1.0)]
    if problem.relaxed_rule == "B12":
        past = model.add_columns(f"breach_{key}", size=1, cost=1.0)
        drawn.append((s, past.start, 1.0))
    if problem.tail_share:
        _tail(model, problem, at, drawn, today / unit, labels)
        return
    least = (today + problem.minimum_gain[t, o]) / unit
    name = f"evidence_{key}"
    model.add_rows(name, rule="B12", labels=labels, terms=drawn, lower=least)
