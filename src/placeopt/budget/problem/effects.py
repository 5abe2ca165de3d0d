"""What spending does for outcomes, by the true curves.

A curve passes through today's spend and outcome. The effect of year t is lagged and decays:
change[b,c] = sum over t of share[b,t,c] (curve(spend[t,p]) - curve(spend today)), and
gain[b,o] = sum over c of o of change[b,c] is the improvement over the drifted baseline of year b,
which is the level if nothing changes.
"""

from __future__ import annotations

import numpy as np

from placeopt.base.arrays import Floats
from placeopt.budget.curves import combination
from placeopt.budget.curves.remaining_potential import transform
from placeopt.budget.problem.arrays import BudgetProblem, sum_by_group


def gain(problem: BudgetProblem, spend: Floats) -> Floats:
    """(B, O) exact improvement over the year's baseline, by the true curves."""
    return combine_effects(problem, changes(problem, spend))


def changes(problem: BudgetProblem, spend: Floats) -> Floats:
    """(B, C) what each curve adds to its outcome in each counted year."""
    changed: Floats = np.einsum("btc,tc->bc", problem.curves.effect_share, effects(problem, spend))
    return changed


def effects(problem: BudgetProblem, spend: Floats) -> Floats:
    """(T, C) each curve's effect of a year's ``spend`` (T, P), beyond today's."""
    change = np.zeros((len(spend), len(problem.curves.response)))
    for c, (p, curve) in enumerate(
        zip(problem.curves.programme, problem.curves.response, strict=True)
    ):
        level = curve.effect(np.append(spend[:, p], problem.programmes.base_spend[p]))
        change[:, c] = level[:-1] - level[-1]
    return change


def combine_effects(problem: BudgetProblem, changes: Floats) -> Floats:
    """(B, O) improvement by outcome from the curves' ``changes`` (B, C) on today."""
    if not problem.curves.groups and not np.isfinite(problem.outcomes.potential).any():
        return sum_by_group(changes, problem.curves.outcome, len(problem.outcomes.ids))
    arguments = (
        problem.curves.groups,
        problem.curves.outcome,
        len(problem.outcomes.ids),
        problem.outcomes.potential,
    )
    today = transformed_effects(problem, np.zeros(changes.shape[-1:]))
    return combination.combine_effects(
        transformed_effects(problem, changes), *arguments
    ) - combination.combine_effects(today, *arguments)


def transformed_effects(problem: BudgetProblem, changes: Floats) -> Floats:
    """(..., C) each curve's term in its outcome's sum, at ``changes`` (..., C) on today's
    effects.

    The term is the effect, or its transform on a remaining potential.
    """
    level = effect_today(problem) + changes
    for c in np.flatnonzero(problem.outcomes.uses_levels[problem.curves.outcome]):
        level[..., c] = transform(
            level[..., c], float(problem.outcomes.potential[problem.curves.outcome[c]])
        )
    return level


def effect_today(problem: BudgetProblem) -> Floats:
    """(C,) each curve's effect at today's spending."""
    pairs = zip(problem.curves.programme, problem.curves.response, strict=True)
    return np.array([float(curve.effect(problem.programmes.base_spend[p])) for p, curve in pairs])


def gain_range(problem: BudgetProblem) -> tuple[Floats, Floats]:
    """(B, O) the least and the largest improvement of each outcome, in its unit.

    Every curve is at its least or its largest over all possible spends, with a tenth to spare.
    """
    lowest, highest = np.zeros(len(problem.curves.response)), np.zeros(len(problem.curves.response))
    max_spend = np.maximum(problem.limits.upper.max(axis=0), problem.programmes.base_spend)
    for c, (p, curve) in enumerate(
        zip(problem.curves.programme, problem.curves.response, strict=True)
    ):
        effect = curve.effect(np.linspace(0.0, max_spend[p], 257))
        lowest[c], highest[c] = effect.min(), effect.max()
    # (B, C) of a year's effect that is there at most
    total_share = problem.curves.effect_share.sum(axis=1)
    extremes = [
        combine_effects(problem, total_share * (level - effect_today(problem)))
        for level in (lowest, highest)
    ]
    margin = 0.1 * (extremes[1] - extremes[0]) + 1e-9
    return np.minimum(*extremes) - margin, np.maximum(*extremes) + margin


def outcome_levels(problem: BudgetProblem, spend: Floats) -> Floats:
    """(B, O) outcomes in their own unit."""
    return problem.outcomes.drifted_baseline + problem.outcomes.sign * gain(problem, spend)


def transform_sums(problem: BudgetProblem, spend: Floats, o: int) -> Floats:
    """The sums S of an outcome on a remaining potential at ``spend`` (T, P).

    One for each counted year, and one for each draw of the evidence that counts in the decided
    years.
    """
    change, is_own = changes(problem, spend), problem.curves.outcome == o
    sums: Floats = transformed_effects(problem, change)[:, is_own].sum(axis=1)
    if problem.evidence.tail_share == 0:
        return sums
    decided = change[: len(problem.horizon.years)]
    draw_sums = [
        transformed_effects(problem, decided * factor)[:, is_own].sum(axis=1)
        for factor in problem.evidence.factors
    ]
    worst = np.sort(draw_sums, axis=0)[: int(np.ceil(problem.evidence.tail_share * len(draw_sums)))]
    return np.append(sums, worst)


def robust_gain(problem: BudgetProblem, spend: Floats) -> Floats:
    """(T, O) improvement in bad evidence: the worst scenario, or the mean of the tail."""
    change = changes(problem, spend)[: len(problem.horizon.years)]
    gains = np.stack(
        [combine_effects(problem, change * factor) for factor in problem.evidence.factors]
    )
    gains = np.sort(gains, axis=0)  # (S, T, O) worst first
    tail_size = (
        1.0 if problem.evidence.tail_share == 0 else problem.evidence.tail_share * len(gains)
    )
    weight = np.clip(tail_size - np.arange(len(gains)), 0, 1)
    return np.tensordot(weight, gains, axes=1) / tail_size
