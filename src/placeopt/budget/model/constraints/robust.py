"""Standards that hold under uncertain evidence, as rows of a model.

gain[o,s] = sum over c of o of factor[s,c] (effect[c] - effect today), for evidence scenarios s
(B12) every  gain[o,s] >= minimum_gain[o]
             a group of which the best counts adds (1 - share) (best[o,s] - best today), and
             its own factors are multiplied by its share;  best[o,s] <= E[c,s] + M (1 - chosen[c,s])
(B12) tail   level[o] - sum over s of short[o,s] / (tail S) >= minimum_gain[o],
             short[o,s] >= level[o] - gain[o,s],  short[o,s] >= 0
Source: Rockafellar and Uryasev, Optimization of conditional value-at-risk, Journal of Risk 2
(2000).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from placeopt.budget.curves.piecewise import Piece
from placeopt.budget.curves.remaining_potential import MAX_TRANSFORM_SHARE, inverse_transform
from placeopt.budget.model.constraints.cumulative_effects import YearOutcome, evidence_terms
from placeopt.budget.model.constraints.remaining_potential import inverse_transform_rows
from placeopt.budget.model.scale import Scale
from placeopt.budget.problem import effects
from placeopt.budget.problem.arrays import BudgetProblem
from placeopt.engine import Block, Model
from placeopt.engine.model import Terms


def standards_hold_in_bad_evidence(
    model: Model,
    problem: BudgetProblem,
    scale: Scale,
    potential_pieces: Sequence[Sequence[Piece]] = (),
    levels: Sequence[Sequence[Piece]] = (),
) -> None:
    """(B12) Minimum standards hold in every evidence scenario, or over the worst tail."""
    years, outcomes = np.nonzero(np.isfinite(problem.standards.minimum_gain))
    size = len(problem.evidence.factors)
    if size == 0 or len(outcomes) == 0:
        return
    today = effects.effect_today(problem)
    effect, s = model.columns["effect"], np.arange(size)
    weight = np.ones(len(problem.curves.response))
    for group in problem.curves.groups:
        weight[list(group.curves)] = group.share
    for t, o in zip(years, outcomes, strict=True):
        if problem.outcomes.uses_levels[o]:
            _remaining_potential_standard(
                model, problem, potential_pieces, levels, (int(t), int(o), scale.outcome[o])
            )
            continue
        used = (problem.curves.outcome == o) & (problem.curves.effect_share[t] != 0)
        spent, c = np.nonzero(used)
        factor = (
            problem.evidence.factors[:, c] * problem.curves.effect_share[t, spent, c] * weight[c]
        )
        unit, key = float(scale.outcome[o]), f"{o}_{t}"
        labels = {"outcome_id": np.repeat(problem.outcomes.ids[o], size), "scenario": s}
        columns = effect.at(spent * len(problem.curves.response) + c)
        terms: list[Terms] = [(s[:, None], columns[None, :], factor)]
        if problem.relaxed_rule == "B12":
            breach = model.add_columns(f"breach_{key}", size=1, cost=1.0)
            terms.append((s, breach.start, 1.0))
        constant_part = factor @ today[c] / unit
        for number, group in enumerate(problem.curves.groups):
            if group.outcome == o and group.share < 1:
                best = _best_of_draws(model, problem, number, (int(t), int(o), unit))
                terms.append((s, best.all, 1 - group.share))
                constant_part = (
                    constant_part + (1 - group.share) * today[list(group.curves)].max() / unit
                )
        min_gain = float(problem.standards.minimum_gain[t, o]) / unit
        if problem.evidence.tail_share == 0:
            lower = constant_part + min_gain
            model.add_rows(f"evidence_{key}", rule="B12", labels=labels, terms=terms, lower=lower)
            continue
        _tail(model, problem, (int(t), int(o), unit), terms, constant_part, labels)


def _best_of_draws(
    model: Model, problem: BudgetProblem, number: int, year_outcome: YearOutcome
) -> Block:
    """Add the best curve of a group in every draw: best[s] <= E[s,c] + M (1 - chosen[s,c]).

    One curve is chosen; E is today's effect plus the draw's factor times what the plan adds to it.
    """
    t, o, unit = year_outcome
    c = np.array(problem.curves.groups[number].curves)
    size, members, key = len(problem.evidence.factors), len(c), f"{number}_{o}_{t}"
    today, factors = (
        effects.effect_today(problem)[c],
        problem.evidence.factors[:, c],
    )  # (C,), (S, C)
    labels = {"outcome_id": np.repeat(problem.outcomes.ids[o], size), "scenario": np.arange(size)}
    best = model.add_columns(f"best_of_draw_{key}", labels=labels, lower=-np.inf)
    member_labels = {name: np.repeat(values, members) for name, values in labels.items()}
    chosen = model.add_columns(f"counts_{key}", labels=member_labels, upper=1.0, integer=True)
    rows = np.arange(size * members)
    share = problem.curves.effect_share[t][:, c]  # (T, C)
    top = [
        problem.curves.response[k]
        .effect(problem.limits.upper[:, problem.curves.programme[k]])
        .max()
        for k in c
    ]
    ends = today + factors * (np.array([np.zeros(members), top])[:, None, :] - today)
    big_m = (ends.max() - ends.min()) / unit
    spent, member = np.nonzero(share)
    columns = model.columns["effect"].at(spent * len(problem.curves.response) + c[member])
    row = np.arange(size)[:, None] * members + member
    terms: list[Terms] = [
        (rows, best.at(rows // members), 1.0),
        (rows, chosen.all, big_m),
        (row, columns[None, :], -factors[:, member] * share[spent, member]),
    ]
    constant_part = (today - factors * share.sum(axis=0) * today).ravel() / unit
    model.add_rows(
        f"best_of_draw_{key}",
        rule="B12",
        labels=member_labels,
        terms=terms,
        upper=big_m + constant_part,
    )
    one_row: list[Terms] = [(rows // members, chosen.all, 1.0)]
    model.add_rows(f"counts_{key}", rule="B12", labels=labels, terms=one_row, lower=1.0, upper=1.0)
    return best


def _tail(
    model: Model,
    problem: BudgetProblem,
    year_outcome: YearOutcome,
    terms: list[Terms],
    constant_part: Any,
    labels: Any,
) -> None:
    """Require that the mean of the worst tail of gains meets the standard.

    ``terms`` have a row for each draw and add up to its gain above ``constant_part``.
    """
    t, o, unit = year_outcome
    size, key = len(problem.evidence.factors), f"{o}_{t}"
    s = np.arange(size)
    level = model.add_columns(f"level_{key}", size=1, lower=-np.inf)
    short = model.add_columns(f"short_{key}", size=size)
    terms = [*terms, (s, short.all, 1.0), (s, level.start, -1.0)]
    model.add_rows(f"short_of_{key}", rule="B12", labels=labels, terms=terms, lower=constant_part)
    model.add_rows(
        f"tail_{key}",
        rule="B12",
        labels={"outcome_id": problem.outcomes.ids[[o]]},
        terms=[(0, level.start, 1.0), (0, short.all, -1.0 / (problem.evidence.tail_share * size))],
        lower=float(problem.standards.minimum_gain[t, o]) / unit,
    )


def _remaining_potential_standard(
    model: Model,
    problem: BudgetProblem,
    potential_pieces: Sequence[Sequence[Piece]],
    levels: Sequence[Sequence[Piece]],
    year_outcome: YearOutcome,
) -> None:
    """The same for a remaining potential, where a gain of at least g is a large enough sum S:

    S >= -W log(1 - (g + today's improvement) / W).
    """
    t, o, unit = year_outcome
    size, key, potential = (
        len(problem.evidence.factors),
        f"{o}_{t}",
        float(problem.outcomes.potential[o]),
    )
    labels = {"outcome_id": np.repeat(problem.outcomes.ids[o], size), "scenario": np.arange(size)}
    s, terms = np.arange(size), evidence_terms(model, problem, levels, year_outcome)
    is_own = problem.curves.outcome == o
    today = float(
        inverse_transform(
            effects.transformed_effects(problem, np.zeros((1, len(is_own))))[0, is_own].sum(),
            potential,
        )
    )
    if problem.evidence.tail_share == 0 and problem.relaxed_rule != "B12":
        required_share = (today + problem.standards.minimum_gain[t, o]) / potential
        min_value = -potential * np.log1p(-min(required_share, MAX_TRANSFORM_SHARE)) / unit
        name = f"evidence_{key}"
        model.add_rows(name, rule="B12", labels=labels, terms=terms, lower=min_value)
        return
    total = model.add_columns(f"drawn_{key}", size=size, lower=-np.inf)
    value = model.add_columns(f"of_drawn_{key}", size=size, lower=-np.inf)
    terms.append((s, total.all, -1.0))
    model.add_rows(f"drawn_{key}", rule="B12", labels=labels, terms=terms, lower=0.0)
    (piece,) = potential_pieces[
        np.flatnonzero(np.isfinite(problem.outcomes.potential)).tolist().index(o)
    ]
    inverse_transform_rows(
        model, f"of_drawn_{key}", piece, (value.all, total.all), unit, labels, rule="B12"
    )
    value_terms: list[Terms] = [(s, value.all, 1.0)]
    if problem.relaxed_rule == "B12":
        breach = model.add_columns(f"breach_{key}", size=1, cost=1.0)
        value_terms.append((s, breach.start, 1.0))
    if problem.evidence.tail_share:
        _tail(model, problem, year_outcome, value_terms, today / unit, labels)
        return
    min_value = (today + problem.standards.minimum_gain[t, o]) / unit
    name = f"evidence_{key}"
    model.add_rows(name, rule="B12", labels=labels, terms=value_terms, lower=min_value)
