"""The budget problem as frozen arrays with labels, and its exact arithmetic.

Sets: decided years t (T of them), counted years b (B >= T, the decided ones first), programmes p
(P), streams f (F), pairs n of a programme and a stream that may pay for it (N), outcomes o (O),
curves c (C), each from one programme to one outcome, rows u of whole units (U), agencies a (A),
capital pots k (K). The year comes first in every shape.

A curve passes through today's spend and outcome. The effect of year t is lagged and decays:
change[b,c] = sum over t of share[b,t,c] (curve(spend[t,p]) - curve(spend today)), and
gain[b,o] = sum over c of o of change[b,c] is the improvement over the drifted baseline of year b,
which is the level if nothing changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from placeopt.budget.curves.combination import CurveGroup, combine_effects
from placeopt.budget.curves.forms import Curve
from placeopt.budget.curves.remaining_potential import transform
from placeopt.budget.problem.payment_by_results import ProviderTerms
from placeopt.scenario.scenario import Money

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Texts = NDArray[np.str_]

OBJECTIVES = {
    "weighted_outcomes": "weighted baseline-to-target ranges (minus sign: a gain)",
    "least_money": "GBP/year",
    "fairest": "baseline-to-target ranges short of target, worst outcome",
    "least_disruption": "GBP/year moved up or down",
}
WEIGHTED_UNIT = "GBP, as weighted"  # unit of the sum of those that the scenario weighs


def sum_by_group(values: Floats, at: Ints, size: int) -> Floats:
    """(T, size) the columns of ``values`` (T, N) summed by the group ``at`` (N,) of each."""
    return np.stack([np.bincount(at, row, size).astype(float) for row in values])


@dataclass(frozen=True)
class StandAlonePlan:
    """The stand-alone plan of an agency (B9); money in GBP a year.

    Attributes:
        agency: Its position.
        spend: (T, P).
        pay: (T, N).
        low: (T,) the proven lower end of its position; the position itself where the plan is proven
            best to a millionth.
        high: (T,) the upper end, alike.
        objectives: Name, value and proven bound of each objective, in order.
    """

    agency: int
    spend: Floats
    pay: Floats
    low: Floats
    high: Floats
    objectives: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True)
class BudgetProblem:
    """The decided years' budget problem; money in GBP a year, outcomes in their own units.

    Attributes:
        years: (T,) calendar years decided.
        base_year: The last year of spending data.
        discount: (T,) value of a year's pound in the first decided year.
        programme_ids: (P,) ids.
        preventive: (P,).
        pooled: (P,) whether the place's board decides on it.
        base_spend: (P,) GBP spent in the base year.
        do_nothing: (T, P) today's spend, grown with the demand it serves.
        floor: (P,) 0 where none, or where the rule is not in force.
        maximum: (P,) inf where none is known.
        upper: (T, P) the largest spend, by its maximum, its pace and the available money.
        stream_ids: (F,) ids.
        stream_agency: (F,) -1 where none.
        revenue: (F,) whether it is not for capital.
        stream_limit: (T, F) inf where rule B2 is not in force.
        stream_income: (T, F) the stated amounts, NaN where none is stated.
        streams_carry_over: Whether streams keep what they do not spend.
        pair_programme: (N,) programme of each pair.
        pair_stream: (N,) stream of each pair.
        pair_base_spend: (N,) GBP paid in the base year.
        pair_allowed: (N,) False only where B2 is relaxed.
        outcome_ids: (O,) ids.
        sign: (O,) +1 where higher is better, -1 where lower is.
        baseline: (O,) today's.
        drifted_baseline: (B, O) the baseline of each counted year if nothing changes.
        minimum_gain: (T, O) improvement over the drifted baseline that the minimum standard
            needs, NaN where none holds.
        target_gain: (T, O) the same for the target, NaN where none is known.
        target_holds: (T, O) whether the target must be met.
        shortfall_price: (O,) 0 where targets are not priced.
        attainable_range: (O,) baseline-to-target range, NaN where there is none.
        weight: (O,) 0 where there is no range.
        max_gain: (B, O) improvement beyond which it counts no more, inf where all counts.
        reward: (O,) GBP for each unit beyond the target, 0 where none.
        reward_span: (O,) units between target and stretch.
        deferred_share: Share of a reward that comes a further year later.
        clawback: (O,) GBP to pay back for each unit short of the target, 0 where none.
        clawback_span: (O,) units short beyond which no more is paid back, inf where all is.
        curve_programme: (C,) programme of each curve.
        curve_outcome: (C,) outcome of each curve.
        curves: (C,) response curves.
        effect_share: (B, T, C) share of a year's effect that is felt in a counted year.
        pace_cut: (P,) the largest cut in a year as a share, inf where unlimited.
        pace_rise: (P,) the largest rise in a year as a share, inf where unlimited.
        notice_floor: (T, P) the least while notice runs (B5), 0 where none.
        contract_floor: (T, P) the least while a contract runs (B10), 0 where none.
        contracted_floor: (T, P) the least that is contracted for (B13), 0 where none.
        actual_spend: (T, P) what was spent (B13), NaN where the year is not past.
        is_past: (T,) years of which all spending is actual: no other rule holds in them.
        is_optional: (P,) whether the programme may be bought or not.
        min_purchase: (P,) the least spend if it is bought.
        contract_years: (P,) years for which it is bought once it starts, 0 where not stated.
        start_cost: (P,) paid in the year it starts.
        stop_cost: (P,) paid in the year it stops.
        alternative_set: (P,) alternatives carry the same text, "" where there are none.
        purchase_groups: Groups of programmes bought together or not at all.
        unit_programme: (U,) programme that runs the units.
        unit_outcome: (U,) outcome whose demand they serve.
        unit_capacity: (U,) outcome units.
        unit_cost: (U,) GBP/year.
        closing_cost: (U,) GBP.
        units_today: (U,) units that today's demand needs.
        double_running: Years that units run on after demand needs them.
        reinvest_share: NaN where rule B7 is not in force.
        pooled_share: NaN where rule B8 is not in force.
        pooled_years: Years in which rule B8 holds.
        capital: (P,) GBP when it starts; 0 where rule B11 is not in force.
        pot_money: (T, K) GBP that comes in.
        pot_pays: (K, P) whether a pot may pay for a programme.
        pot_carried: (K,) whether unused money carries over to the next year.
        agency_ids: (A,) ids.
        programme_agency: (P,) -1 where none.
        cashable: (T, B, A, O) GBP of year t to agency a for a unit of gain in year b.
        stand_alone: (T, A) positions alone (B9), NaN where there is none or no rule.
        stand_alone_plans: Plans behind the stand-alone positions.
        has_position_rule: Whether B9 is in force.
        counterfactual: What B9 compares positions with: alone_for_outcomes, today, ...
        may_fund_transfers: (F,) whether what a stream does not spend may pay transfers (B9).
        only_together: (O,) outcomes whose standards do not hold for an agency alone (B9).
        over_horizon: Whether B9 holds over the years together.
        evidence_factors: (S, C) factors of rule B12 on each curve; S is 0 where not in force.
        tail_share: Share of evidence scenarios over which standards hold on average; 0: in
            each.
        total: (T,) inf where rule B1 is not in force.
        opening_reserve: GBP in reserve at the start.
        carry_over: Whether the reserve carries over (B1).
        provider_terms: Terms of providers that are paid by results (B10).
        money: How benefits over years are counted.
        objectives: Names, in order.
        slack: Share by which each objective may be worse for later ones.
        weights: GBP for one unit of each objective in "weighted".
        groups: Curves that do not simply add up.
        potential: (O,) the potential W of ``remaining_potential``, else NaN.
        uses_levels: (O,) whether modelled by ``cumulative_effects``.
        relaxed_rule: Number of a rule that may be breached at a price, "" for none.
        position_agency: The agency whose position is the objective ``position`` (B9).
        fixed_payments: (N,) payments that stay as they are, NaN where free.
        display_names: What people call each id.
    """

    years: Ints
    base_year: int
    discount: Floats
    programme_ids: Texts
    preventive: Bools
    pooled: Bools
    base_spend: Floats
    do_nothing: Floats
    floor: Floats
    maximum: Floats
    upper: Floats
    stream_ids: Texts
    stream_agency: Ints
    revenue: Bools
    stream_limit: Floats
    stream_income: Floats
    streams_carry_over: bool
    pair_programme: Ints
    pair_stream: Ints
    pair_base_spend: Floats
    pair_allowed: Bools
    outcome_ids: Texts
    sign: Floats
    baseline: Floats
    drifted_baseline: Floats
    minimum_gain: Floats
    target_gain: Floats
    target_holds: Bools
    shortfall_price: Floats
    attainable_range: Floats
    weight: Floats
    max_gain: Floats
    reward: Floats
    reward_span: Floats
    deferred_share: float
    clawback: Floats
    clawback_span: Floats
    curve_programme: Ints
    curve_outcome: Ints
    curves: tuple[Curve, ...]
    effect_share: Floats
    pace_cut: Floats
    pace_rise: Floats
    notice_floor: Floats
    contract_floor: Floats
    contracted_floor: Floats
    actual_spend: Floats
    is_past: Bools
    is_optional: Bools
    min_purchase: Floats
    contract_years: Ints
    start_cost: Floats
    stop_cost: Floats
    alternative_set: Texts
    purchase_groups: tuple[tuple[int, ...], ...]
    unit_programme: Ints
    unit_outcome: Ints
    unit_capacity: Floats
    unit_cost: Floats
    closing_cost: Floats
    units_today: Floats
    double_running: int
    reinvest_share: float
    pooled_share: float
    pooled_years: int
    capital: Floats
    pot_money: Floats
    pot_pays: Bools
    pot_carried: Bools
    agency_ids: Texts
    programme_agency: Ints
    cashable: Floats
    stand_alone: Floats
    stand_alone_plans: tuple[StandAlonePlan, ...]
    has_position_rule: bool
    counterfactual: str
    may_fund_transfers: Bools
    only_together: Bools
    over_horizon: bool
    evidence_factors: Floats
    tail_share: float
    total: Floats
    opening_reserve: float
    carry_over: bool
    provider_terms: ProviderTerms
    money: Money
    objectives: tuple[str, ...]
    slack: tuple[float, ...]
    weights: Mapping[str, float]
    groups: tuple[CurveGroup, ...] = ()
    potential: Floats = field(default_factory=lambda: np.zeros(0))
    uses_levels: Bools = field(default_factory=lambda: np.zeros(0, bool))
    relaxed_rule: str = ""
    position_agency: int = -1
    fixed_payments: Floats | None = (
        None  # (N,) payments that stay as they are, NaN where they need not
    )
    display_names: dict[str, str] = field(default_factory=dict)

    @property
    def year(self) -> int:
        """The last decided year."""
        return int(self.years[-1])

    @property
    def lower(self) -> Floats:
        """(T, P) the least that may be spent."""
        if self.relaxed_rule:
            floor = np.zeros_like(self.floor) if self.relaxed_rule == "B3" else self.floor
            return np.minimum(floor, self.upper)
        kept_share, pace_floor = 1 - np.minimum(self.pace_cut, 1.0), np.empty_like(self.upper)
        previous = self.base_spend
        for t, actual in enumerate(self.actual_spend):  # restart after actual years
            pace_floor[t] = previous = np.where(np.isnan(actual), previous * kept_share, actual)
        least = np.maximum(
            np.maximum(self.floor, pace_floor), np.maximum(self.notice_floor, self.contract_floor)
        )
        least = np.maximum(least, self.contracted_floor)
        least = np.where(np.isnan(self.actual_spend), least, self.actual_spend)
        return np.minimum(least, self.upper)

    def is_bought(self, spend: Floats) -> Bools:
        """(T, P) whether a programme is bought at ``spend`` (T, P).

        It is where the spend is more than rounding leaves, whatever its efficient scale (today's
        spend may be below it); in past years for any spend.
        """
        token = np.maximum(self.base_spend / 1000, 1e-6 * self.base_spend.sum()) / 2
        return np.where(self.is_past[:, None], spend > 0, spend >= token)

    def one_off_costs(self, spend: Floats) -> Floats:
        """(T, P) GBP of starting and stopping programmes and closing units at ``spend`` (T, P)."""
        bought = self.is_bought(spend)
        earlier = np.vstack([self.base_spend > 0, bought[:-1]])
        cost = np.where(self.starts(spend), self.start_cost, 0.0)
        cost += np.where(~bought & earlier, self.stop_cost, 0.0)
        cost *= self.is_optional
        if len(self.unit_programme):
            units = np.vstack([self.units_today, self.units_kept(spend)])
            closed = np.maximum(0.0, -np.diff(units, axis=0)) * self.closing_cost
            cost += sum_by_group(closed, self.unit_programme, cost.shape[1])
        return cost

    def result_payments(self, spend: Floats) -> Floats:
        """(T, P) GBP due by results, less what is withheld of the price."""
        if len(self.provider_terms.programme) == 0:
            return np.zeros_like(spend)
        return (
            self.provider_terms.due_payments(self.gain(spend), self.is_bought(spend))
            - self.provider_terms.withheld * spend
        )

    def refunds(self, spend: Floats) -> Floats:
        """(T, P) GBP that providers give back for results that were lost."""
        if len(self.provider_terms.programme) == 0:
            return np.zeros_like(spend)
        return self.provider_terms.refunds(self.gain(spend), self.is_bought(spend))

    def starts(self, spend: Floats) -> Bools:
        """(T, P) whether a programme is bought that was not bought the year before."""
        bought = self.is_bought(spend)
        return bought & ~np.vstack([self.base_spend > 0, bought[:-1]])

    def units_kept(self, spend: Floats) -> Floats:
        """(T, U) whole units kept: those that demand needs and money allows, closed late."""
        needed = np.maximum(0.0, np.ceil(self.units_needed(spend) - 1e-6))
        affordable = (spend - self.base_spend)[:, self.unit_programme] / np.maximum(
            self.unit_cost, 1e-12
        )
        max_units = np.floor(self.units_today + affordable + 1e-6)
        kept, previous = np.zeros_like(needed), self.units_today
        for t in range(len(needed)):
            previous = np.maximum(np.minimum(previous, max_units[t]), needed[t])
            kept[t] = previous
        return kept

    def units_needed(self, spend: Floats) -> Floats:
        """(T, U) units, not rounded, that demand needs, double running included."""
        demand = self.outcome_levels(spend)[: len(self.years), self.unit_outcome]
        needed = demand / self.unit_capacity
        today = self.baseline[self.unit_outcome] / self.unit_capacity
        for delay in range(1, self.double_running + 1):
            earlier = np.vstack([np.tile(today, (delay, 1)), demand / self.unit_capacity])
            needed = np.maximum(needed, earlier[: len(needed)])
        return needed

    def effects(self, spend: Floats) -> Floats:
        """(T, C) each curve's effect of a year's ``spend`` (T, P), beyond today's."""
        change = np.zeros((len(spend), len(self.curves)))
        for c, (p, curve) in enumerate(zip(self.curve_programme, self.curves, strict=True)):
            level = curve.effect(np.append(spend[:, p], self.base_spend[p]))
            change[:, c] = level[:-1] - level[-1]
        return change

    def changes(self, spend: Floats) -> Floats:
        """(B, C) what each curve adds to its outcome in each counted year."""
        return np.einsum("btc,tc->bc", self.effect_share, self.effects(spend))

    def gain(self, spend: Floats) -> Floats:
        """(B, O) exact improvement over the year's baseline, by the true curves."""
        return self.combine_effects(self.changes(spend))

    def combine_effects(self, changes: Floats) -> Floats:
        """(B, O) improvement by outcome from the curves' ``changes`` (B, C) on today."""
        if not self.groups and not np.isfinite(self.potential).any():
            return sum_by_group(changes, self.curve_outcome, len(self.outcome_ids))
        arguments = (self.groups, self.curve_outcome, len(self.outcome_ids), self.potential)
        today = self.transformed_effects(np.zeros(changes.shape[-1:]))
        return combine_effects(self.transformed_effects(changes), *arguments) - combine_effects(
            today, *arguments
        )

    def transformed_effects(self, changes: Floats) -> Floats:
        """(..., C) each curve's term in its outcome's sum, at ``changes`` (..., C) on today's
        effects.

        The term is the effect, or its transform on a remaining potential.
        """
        level = self.effect_today + changes
        for c in np.flatnonzero(self.uses_levels[self.curve_outcome]):
            level[..., c] = transform(level[..., c], float(self.potential[self.curve_outcome[c]]))
        return level

    @property
    def transfer_periods(self) -> Floats:
        """(K, T) the weight of a year in each period over which an agency transfers no more than
        it has.

        A period is a year, or the years up to it where streams carry over, or the whole horizon
        with ``most_it_could_keep`` over the horizon.
        """
        decided = len(self.years)
        if self.over_horizon and self.counterfactual == "most_it_could_keep":
            return self.discount[None, :]
        return np.tril(np.ones((decided, decided))) if self.streams_carry_over else np.eye(decided)

    @property
    def effect_today(self) -> Floats:
        """(C,) each curve's effect at today's spending."""
        pairs = zip(self.curve_programme, self.curves, strict=True)
        return np.array([float(curve.effect(self.base_spend[p])) for p, curve in pairs])

    @property
    def gain_range(self) -> tuple[Floats, Floats]:
        """(B, O) the least and the largest improvement of each outcome, in its unit.

        Every curve is at its least or its largest over all possible spends, with a tenth to spare.
        """
        lowest, highest = np.zeros(len(self.curves)), np.zeros(len(self.curves))
        max_spend = np.maximum(self.upper.max(axis=0), self.base_spend)
        for c, (p, curve) in enumerate(zip(self.curve_programme, self.curves, strict=True)):
            effect = curve.effect(np.linspace(0.0, max_spend[p], 257))
            lowest[c], highest[c] = effect.min(), effect.max()
        # (B, C) of a year's effect that is there at most
        total_share = self.effect_share.sum(axis=1)
        extremes = [
            self.combine_effects(total_share * (level - self.effect_today))
            for level in (lowest, highest)
        ]
        margin = 0.1 * (extremes[1] - extremes[0]) + 1e-9
        return np.minimum(*extremes) - margin, np.maximum(*extremes) + margin

    def outcome_levels(self, spend: Floats) -> Floats:
        """(B, O) outcomes in their own unit."""
        return self.drifted_baseline + self.sign * self.gain(spend)

    def transform_sums(self, spend: Floats, o: int) -> Floats:
        """The sums S of an outcome on a remaining potential at ``spend`` (T, P).

        One for each counted year, and one for each draw of the evidence that counts in the decided
        years.
        """
        changes, is_own = self.changes(spend), self.curve_outcome == o
        sums = self.transformed_effects(changes)[:, is_own].sum(axis=1)
        if self.tail_share == 0:
            return sums
        decided = changes[: len(self.years)]
        draw_sums = [
            self.transformed_effects(decided * factor)[:, is_own].sum(axis=1)
            for factor in self.evidence_factors
        ]
        worst = np.sort(draw_sums, axis=0)[: int(np.ceil(self.tail_share * len(draw_sums)))]
        return np.append(sums, worst)

    def robust_gain(self, spend: Floats) -> Floats:
        """(T, O) improvement in bad evidence: the worst scenario, or the mean of the tail."""
        changes = self.changes(spend)[: len(self.years)]
        gains = np.stack(
            [self.combine_effects(changes * factor) for factor in self.evidence_factors]
        )
        gains = np.sort(gains, axis=0)  # (S, T, O) worst first
        tail_size = 1.0 if self.tail_share == 0 else self.tail_share * len(gains)
        weight = np.clip(tail_size - np.arange(len(gains)), 0, 1)
        return np.tensordot(weight, gains, axes=1) / tail_size

    def rewards_earned(self, spend: Floats) -> Floats:
        """(T, O) GBP of rewards earned by a year's outcomes, whenever they are paid."""
        beyond = self.gain(spend)[: len(self.years)] - self.target_gain
        return np.nan_to_num(self.reward * np.clip(beyond, 0, self.reward_span))

    def clawback_due(self, spend: Floats) -> Floats:
        """(T, O) GBP paid in advance that must be paid back for what a year's outcomes miss."""
        short = self.target_gain - self.gain(spend)[: len(self.years)]
        return np.nan_to_num(self.clawback * np.clip(short, 0, self.clawback_span))

    def rewards(self, spend: Floats) -> Floats:
        """(T,) GBP of rewards received in each decided year."""
        return self.reward_receipts(self.rewards_earned(spend).sum(axis=1))

    def clawback_paid(self, spend: Floats) -> Floats:
        """(T,) GBP paid back in each decided year for what the year before missed.

        The last year also pays for what it missed itself.
        """
        missed = self.clawback_due(spend).sum(axis=1)
        return np.append(0.0, missed[:-1]) + np.append(np.zeros(len(missed) - 1), missed[-1])

    def reward_receipts(self, earned: Floats) -> Floats:
        """(T,) GBP received from rewards ``earned`` (T,): a year later, the deferred part two years
        later."""
        receipts = np.zeros(len(earned))
        receipts[1:] += (1 - self.deferred_share) * earned[:-1]
        receipts[2:] += self.deferred_share * earned[:-2]
        return receipts

    @property
    def programme_tie_weights(self) -> Floats:
        """(P,) the weight of a pound of each programme where ties go to those whose ids come first.

        It is the rank of the id to the power of 1.5, as a share of the last one's (plain ranks
        would leave ties).
        """
        place = np.argsort(np.argsort(self.programme_ids)) + 1.0
        return (place / len(place)) ** 1.5

    def reserves(self, paid: Floats, spend: Floats) -> Floats:
        """(T + 1,) GBP in reserve at the start and at the end of each decided year.

        ``paid`` (T,) is paid for ``spend`` (T, P).
        """
        change = np.zeros(len(paid))
        if self.carry_over:
            change = self.total + self.rewards(spend) - paid - self.clawback_paid(spend)
            change = change + self.refunds(spend).sum(axis=1)
        return self.opening_reserve + np.concatenate([[0.0], np.cumsum(change)])

    @property
    def total_limits_transfers(self) -> bool:
        """Whether the one budget (B1) may leave less unspent than the streams (B2) do.

        If so, transfers (B9) have to fit in it.
        """
        if self.counterfactual == "most_it_could_keep" or not np.isfinite(self.total).all():
            return False
        stream_income = np.nansum(self.stream_income, axis=1)
        limits_hold = (
            np.isfinite(self.stream_limit).all()
            and self.relaxed_rule != "B2"
            and not self.is_past.any()
        )
        return not limits_hold or bool((self.total < stream_income).any() or self.clawback.any())

    def unallocated_total(self, paid: Floats, spend: Floats) -> Floats:
        """(T,) GBP of the one budget (B1) left for transfers (B9) when ``paid`` (T,) is paid for
        ``spend``.

        Of each year, or with ``carry_over`` of the years up to it.
        """
        if not np.isfinite(self.total).all():
            return np.full(len(paid), np.inf)
        if self.carry_over:
            reserve = self.reserves(paid, spend)[1:]
            reserve[-1] -= self.opening_reserve
            return np.where(self.is_past, np.inf, np.maximum(0.0, reserve))
        available = self.total + self.rewards(spend) + self.refunds(spend).sum(axis=1)
        return np.maximum(0.0, available - paid - self.clawback_paid(spend))

    @property
    def unallocated_past_total(self) -> Floats:
        """(T,) GBP of the one budget (B1) left for transfers (B9) in past years, in which B1 does
        not hold.

        It is inf in other years, and 0 where an earlier year is not past.
        """
        spend = np.where(np.isnan(self.actual_spend), self.base_spend, self.actual_spend)
        if self.carry_over or not self.is_past.any():
            return np.full(len(self.is_past), np.inf)
        paid = (spend + self.one_off_costs(spend) + self.result_payments(spend)).sum(axis=1)
        is_known_past = np.logical_and.accumulate(self.is_past)
        unallocated = np.where(is_known_past, self.unallocated_total(paid, spend), 0.0)
        return np.where(self.is_past, unallocated, np.inf)

    def objective(self, name: str, spend: Floats, *, first: bool) -> float:
        """The exact value of one objective; the first one includes the priced shortfalls."""
        decided = len(self.years)
        gain = self.gain(spend)
        # (T, O)
        missed_ranges = np.maximum(0, self.target_gain - gain[:decided]) / self.attainable_range
        priced = self.shortfall_price > 0
        priced_shortfall = (self.shortfall_price * missed_ranges)[:, priced].sum(axis=1)  # (T,)
        is_counted = np.isfinite(self.attainable_range)
        if name == "weighted_outcomes":
            improvement = np.minimum(gain, self.max_gain)
            improvement = improvement + self.sign * (self.drifted_baseline - self.baseline)
            value_by_year = (self.weight * improvement / self.attainable_range)[:, is_counted].sum(
                axis=1
            )
            value, shortfall = -float(value_by_year.sum()) / decided, float(priced_shortfall.mean())
        elif name == "fairest":
            max_gain = self.max_gain[:decided]
            shortfall_ranges = np.minimum(self.target_gain, max_gain) - np.minimum(
                gain[:decided], max_gain
            )
            shortfall_ranges = shortfall_ranges / self.attainable_range
            value, shortfall = (
                float(shortfall_ranges[:, is_counted].max()),
                float(priced_shortfall.mean()),
            )
        elif name == "least_money":
            money = (spend + self.one_off_costs(spend) + self.result_payments(spend)).sum(axis=1)
            value, shortfall = float(self.discount @ money), float(self.discount @ priced_shortfall)
        elif name == "position":  # what the agency pays, less what it saves
            is_own = np.zeros(len(self.programme_ids), bool)
            assert self.fixed_payments is not None
            is_own[self.pair_programme[np.isnan(self.fixed_payments)]] = True
            paid = (
                spend
                + self.one_off_costs(spend)
                + self.result_payments(spend)
                - self.refunds(spend)
            )
            money = paid[:, is_own].sum(axis=1)
            cash_saved = np.einsum("tbo,bo->t", self.cashable[:, :, self.position_agency], gain)
            value, shortfall = float(self.discount @ (money - cash_saved)), 0.0
        elif name in ("cash_least", "cash_most"):  # savings by better outcomes
            savings = np.einsum("tbo,bo->t", self.cashable[:, :, self.position_agency], gain)
            p = np.unique(self.unit_programme)
            savings = savings + (self.do_nothing - spend)[:, p].sum(axis=1)
            cash = float(self.discount @ savings)
            value, shortfall = cash if name == "cash_least" else -cash, 0.0
        elif name == "moved_from_today":
            value, shortfall = float(np.abs(spend - self.base_spend).sum()), 0.0
        elif name == "programme_order":
            value, shortfall = float((spend @ self.programme_tie_weights).sum()), 0.0
        elif name == "weighted":
            parts = self.weights.items()
            value = sum(w * self.objective(part, spend, first=False) for part, w in parts)
            shortfall = float(priced_shortfall.mean())
        else:
            movement = np.abs(np.diff(np.vstack([self.base_spend, spend]), axis=0))
            value, shortfall = float(movement.sum()), float(priced_shortfall.sum())
        return value + shortfall if first else value
