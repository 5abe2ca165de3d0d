"""The budget problem as frozen arrays with labels, and its exact arithmetic.

Sets: decided years t (T of them), counted years b (B >= T, the decided ones first), programmes p
(P), streams f (F), pairs n of a programme and a stream that may pay for it (N), outcomes o (O),
curves c (C), each from one programme to one outcome, rows u of whole units (U), agencies a (A),
capital pots k (K). The year comes first in every shape.

A curve passes through today's spend and outcome. Its effect of year t is lagged and decayed:
change[b,c] = sum over t of share[b,t,c] (curve(spend[t,p]) - curve(spend today)), and
gain[b,o] = sum over c of o of change[b,c] is the improvement over the drifted baseline of year b.
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
    """(T, size) the columns of ``values`` (T, N) added up where ``at`` (N,) says."""
    return np.stack([np.bincount(at, row, size).astype(float) for row in values])


@dataclass(frozen=True)
class StandAlonePlan:
    """What an agency would do by itself (B9); money in GBP a year.

    ``low`` and ``high`` are the range in which its position is proven to lie: its position, where
    the plan is proven best to a millionth. ``objectives``: name, value and proven bound of each
    that it was made by, in order.
    """

    agency: int
    spend: Floats  # (T, P)
    pay: Floats  # (T, N)
    low: Floats  # (T,)
    high: Floats  # (T,)
    objectives: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True)
class BudgetProblem:
    """The decided years' budget problem; money in GBP a year, outcomes in their own units.

    ``sign`` is +1 where higher is better and -1 where lower is; minimum and target are turned
    into improvements over the year's drifted baseline in the wanted direction (NaN where there is
    none). ``reach`` is the baseline-to-target range, NaN where it does not exist. ``relax`` is
    the number of a rule that may be breached at a price.
    """

    years: Ints  # (T,) calendar years decided
    base_year: int
    discount: Floats  # (T,) worth of a year's pound in the first decided year
    programme_ids: Texts
    preventive: Bools  # (P,)
    pooled: Bools  # (P,) decided by the place's board
    base_spend: Floats  # (P,) spend in the base year
    do_nothing: Floats  # (T, P) today's spend, grown with the demand that it provides for
    floor: Floats  # (P,) 0 where none, or where the rule is not in force
    maximum: Floats  # (P,) inf where none is known
    upper: Floats  # (T, P) the most that can be spent: its maximum, its pace, the money there is
    stream_ids: Texts
    stream_agency: Ints  # (F,) -1 where none
    revenue: Bools  # (F,) not for capital
    stream_limit: Floats  # (T, F) inf where rule B2 is not in force
    stream_income: Floats  # (T, F) the stated amounts, NaN where none is stated
    streams_carry_over: bool  # whether streams keep what they do not spend
    pair_programme: Ints  # (N,)
    pair_stream: Ints  # (N,)
    pair_base_spend: Floats  # (N,)
    pair_allowed: Bools  # (N,) False only where B2 is relaxed
    outcome_ids: Texts
    sign: Floats  # (O,)
    baseline: Floats  # (O,) today's
    drifted_baseline: Floats  # (B, O) the baseline of each counted year if nothing changes
    minimum_gain: Floats  # (T, O) NaN where no minimum standard holds
    target_gain: Floats  # (T, O) NaN where no target is known
    target_holds: Bools  # (T, O)
    shortfall_price: Floats  # (O,) 0 where targets are not priced
    attainable_range: Floats  # (O,)
    weight: Floats  # (O,) 0 where there is no range
    max_gain: Floats  # (B, O) improvement beyond which it counts no more, inf where all counts
    reward: Floats  # (O,) GBP for each unit beyond the target, 0 where none
    reward_span: Floats  # (O,) units between target and stretch
    deferred_share: float  # of a reward that comes in a further year later
    clawback: Floats  # (O,) GBP that goes back for each unit short of the target, 0 where none
    clawback_span: Floats  # (O,) units short beyond which no more goes back, inf where all does
    curve_programme: Ints  # (C,)
    curve_outcome: Ints  # (C,)
    curves: tuple[Curve, ...]
    effect_share: Floats  # (B, T, C) of a year's effect that is there in a counted year
    pace_cut: Floats  # (P,) the share that may go in a year, inf where any
    pace_rise: Floats  # (P,) the share that may come in a year, inf where any
    notice_floor: Floats  # (T, P) the least while notice runs (B5), 0 where none
    contract_floor: Floats  # (T, P) the least while a contract runs (B10), 0 where none
    contracted_floor: Floats  # (T, P) the least that is contracted for (B13), 0 where none
    actual_spend: Floats  # (T, P) what was spent (B13), NaN where the year is not past
    is_past: Bools  # (T,) years of which all spending is actual: no other rule holds in them
    is_optional: Bools  # (P,) whether it is a choice: bought or not
    min_purchase: Floats  # (P,) what is spent at least if it is bought
    contract_years: Ints  # (P,) for which it is bought once it starts, 0 where not stated
    start_cost: Floats  # (P,) paid in the year it starts
    stop_cost: Floats  # (P,) paid in the year it stops
    alternative_set: Texts  # (P,) alternatives carry the same text, "" where there are none
    purchase_groups: tuple[
        tuple[int, ...], ...
    ]  # groups of programmes bought together or not at all
    unit_programme: Ints  # (U,)
    unit_outcome: Ints  # (U,)
    unit_capacity: Floats  # (U,) outcome units
    unit_cost: Floats  # (U,) GBP/year
    closing_cost: Floats  # (U,) GBP
    units_today: Floats  # (U,)
    double_running: int  # years that units run on after demand needs them
    reinvest_share: float  # NaN where rule B7 is not in force
    pooled_share: float  # NaN where rule B8 is not in force
    pooled_years: int
    capital: Floats  # (P,) GBP when it starts; 0 where rule B11 is not in force
    pot_money: Floats  # (T, K)
    pot_pays: Bools  # (K, P)
    pot_carried: Bools  # (K,) whether what a year does not use is there in the next
    agency_ids: Texts
    programme_agency: Ints  # (P,) -1 where none
    cashable: Floats  # (T, B, A, O) GBP of year t to agency a for a unit of gain in year b
    stand_alone: Floats  # (T, A) positions alone (B9), NaN where there is none or no rule
    stand_alone_plans: tuple[StandAlonePlan, ...]
    has_position_rule: bool  # whether B9 is in force
    counterfactual: str  # what B9 compares positions with: alone_for_outcomes, today, ...
    may_fund_transfers: Bools  # (F,) whether what a stream does not spend may pay transfers (B9)
    only_together: Bools  # (O,) outcomes whose standards do not hold for an agency alone (B9)
    over_horizon: bool  # whether B9 holds over the years together
    evidence_factors: Floats  # (S, C) factors of rule B12 on each curve; S is 0 where not in force
    tail_share: (
        float  # share of evidence scenarios over which standards hold on average; 0: in each
    )
    total: Floats  # (T,) inf where rule B1 is not in force
    opening_reserve: float
    carry_over: bool
    provider_terms: ProviderTerms  # of providers that the place pays by results (B10)
    money: Money  # how benefits over years are counted
    objectives: tuple[str, ...]
    slack: tuple[float, ...]
    weights: Mapping[str, float]  # GBP for one unit of each objective in "weighted"
    groups: tuple[CurveGroup, ...] = ()  # curves that do not simply add up
    potential: Floats = field(default_factory=lambda: np.zeros(0))  # (O,) NaN but in ``rest``
    uses_levels: Bools = field(default_factory=lambda: np.zeros(0, bool))  # (O,) see ``levels``
    relaxed_rule: str = ""
    position_agency: int = -1  # the agency whose position the objective ``position`` is (B9, alone)
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
        """(T, P) the least that a curve is asked for."""
        if self.relaxed_rule:
            floor = np.zeros_like(self.floor) if self.relaxed_rule == "B3" else self.floor
            return np.minimum(floor, self.upper)
        kept, paced = 1 - np.minimum(self.pace_cut, 1.0), np.empty_like(self.upper)
        last = self.base_spend
        for t, known in enumerate(self.actual_spend):  # from actual years on anew
            paced[t] = last = np.where(np.isnan(known), last * kept, known)
        least = np.maximum(
            np.maximum(self.floor, paced), np.maximum(self.notice_floor, self.contract_floor)
        )
        least = np.maximum(least, self.contracted_floor)
        least = np.where(np.isnan(self.actual_spend), least, self.actual_spend)
        return np.minimum(least, self.upper)

    def is_bought(self, spend: Floats) -> Bools:
        """(T, P) whether a programme is bought at ``spend`` (T, P): for more than what rounding
        leaves, whatever its efficient scale (today's may be less); in the past for anything."""
        token = np.maximum(self.base_spend / 1000, 1e-6 * self.base_spend.sum()) / 2
        return np.where(self.is_past[:, None], spend > 0, spend >= token)

    def one_off_costs(self, spend: Floats) -> Floats:
        """(T, P) GBP of starting, stopping and closing units that ``spend`` brings about."""
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
        """(T, P) GBP that results make due, less what is withheld of the price for them."""
        if len(self.provider_terms.programme) == 0:
            return np.zeros_like(spend)
        return (
            self.provider_terms.due_payments(self.gain(spend), self.is_bought(spend))
            - self.provider_terms.withheld * spend
        )

    def refunds(self, spend: Floats) -> Floats:
        """(T, P) GBP that providers give back of what results earned them."""
        if len(self.provider_terms.programme) == 0:
            return np.zeros_like(spend)
        return self.provider_terms.refunds(self.gain(spend), self.is_bought(spend))

    def starts(self, spend: Floats) -> Bools:
        """(T, P) whether a programme is bought that was not the year before."""
        bought = self.is_bought(spend)
        return bought & ~np.vstack([self.base_spend > 0, bought[:-1]])

    def units_kept(self, spend: Floats) -> Floats:
        """(T, U) whole units kept: as many as demand needs and money allows, closed late."""
        need = np.maximum(0.0, np.ceil(self.units_needed(spend) - 1e-6))
        room = (spend - self.base_spend)[:, self.unit_programme] / np.maximum(self.unit_cost, 1e-12)
        most = np.floor(self.units_today + room + 1e-6)
        kept, last = np.zeros_like(need), self.units_today
        for t in range(len(need)):
            last = np.maximum(np.minimum(last, most[t]), need[t])
            kept[t] = last
        return kept

    def units_needed(self, spend: Floats) -> Floats:
        """(T, U) units, not rounded, that demand needs, those that run on beside it included."""
        demand = self.outcome_levels(spend)[: len(self.years), self.unit_outcome]
        need = demand / self.unit_capacity
        today = self.baseline[self.unit_outcome] / self.unit_capacity
        for back in range(1, self.double_running + 1):
            earlier = np.vstack([np.tile(today, (back, 1)), demand / self.unit_capacity])
            need = np.maximum(need, earlier[: len(need)])
        return need

    def effects(self, spend: Floats) -> Floats:
        """(T, C) each curve's effect of a year's ``spend`` (T, P), beyond today's."""
        found = np.zeros((len(spend), len(self.curves)))
        for c, (p, curve) in enumerate(zip(self.curve_programme, self.curves, strict=True)):
            level = curve.effect(np.append(spend[:, p], self.base_spend[p]))
            found[:, c] = level[:-1] - level[-1]
        return found

    def changes(self, spend: Floats) -> Floats:
        """(B, C) what each curve adds to its outcome in each counted year."""
        return np.einsum("btc,tc->bc", self.effect_share, self.effects(spend))

    def gain(self, spend: Floats) -> Floats:
        """(B, O) exact improvement over the year's baseline, by the true curves."""
        return self.combine_effects(self.changes(spend))

    def combine_effects(self, changes: Floats) -> Floats:
        """(B, O) what the curves' ``changes`` (B, C) on today come to, by outcome."""
        if not self.groups and not np.isfinite(self.potential).any():
            return sum_by_group(changes, self.curve_outcome, len(self.outcome_ids))
        of = (self.groups, self.curve_outcome, len(self.outcome_ids), self.potential)
        today = self.transformed_effects(np.zeros(changes.shape[-1:]))
        return combine_effects(self.transformed_effects(changes), *of) - combine_effects(today, *of)

    def transformed_effects(self, changes: Floats) -> Floats:
        """(..., C) what each curve brings to its outcome's sum at ``changes`` (..., C) on today's
        effects: the effect, or its part of what is left over (``rest``)."""
        level = self.effect_today + changes
        for c in np.flatnonzero(self.uses_levels[self.curve_outcome]):
            level[..., c] = transform(level[..., c], float(self.potential[self.curve_outcome[c]]))
        return level

    @property
    def transfer_periods(self) -> Floats:
        """(K, T) what a year counts in each span over which an agency gives no more than it has:
        every year, or the years up to it where streams carry; all of them over the horizon where
        the most that it could keep is what counts."""
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
        """(B, O) the least and the most that each outcome can improve, in its unit: every curve at
        its least and at its most of all that can be spent, with a tenth to spare."""
        least, most = np.zeros(len(self.curves)), np.zeros(len(self.curves))
        top = np.maximum(self.upper.max(axis=0), self.base_spend)
        for c, (p, curve) in enumerate(zip(self.curve_programme, self.curves, strict=True)):
            effect = curve.effect(np.linspace(0.0, top[p], 257))
            least[c], most[c] = effect.min(), effect.max()
        there = self.effect_share.sum(axis=1)  # (B, C) of a year's effect that is there at most
        ends = [
            self.combine_effects(there * (level - self.effect_today)) for level in (least, most)
        ]
        spare = 0.1 * (ends[1] - ends[0]) + 1e-9
        return np.minimum(*ends) - spare, np.maximum(*ends) + spare

    def outcome_levels(self, spend: Floats) -> Floats:
        """(B, O) outcomes in their own unit."""
        return self.drifted_baseline + self.sign * self.gain(spend)

    def transform_sums(self, spend: Floats, o: int) -> Floats:
        """The sums S of an outcome on what the others leave at ``spend`` (T, P): of every counted
        year, and of the draws of the evidence that count in the decided ones."""
        changes, own = self.changes(spend), self.curve_outcome == o
        found = self.transformed_effects(changes)[:, own].sum(axis=1)
        if self.tail_share == 0:
            return found
        decided = changes[: len(self.years)]
        drawn = [
            self.transformed_effects(decided * factor)[:, own].sum(axis=1)
            for factor in self.evidence_factors
        ]
        worst = np.sort(drawn, axis=0)[: int(np.ceil(self.tail_share * len(drawn)))]
        return np.append(found, worst)

    def robust_gain(self, spend: Floats) -> Floats:
        """(T, O) improvement in bad evidence: the worst scenario, or the mean of the tail."""
        changes = self.changes(spend)[: len(self.years)]
        gains = np.stack(
            [self.combine_effects(changes * factor) for factor in self.evidence_factors]
        )
        gains = np.sort(gains, axis=0)  # (S, T, O) worst first
        worst = 1.0 if self.tail_share == 0 else self.tail_share * len(gains)
        weight = np.clip(worst - np.arange(len(gains)), 0, 1)
        return np.tensordot(weight, gains, axes=1) / worst

    def rewards_earned(self, spend: Floats) -> Floats:
        """(T, O) GBP of rewards that a year's outcomes earn, whenever they come in."""
        beyond = self.gain(spend)[: len(self.years)] - self.target_gain
        return np.nan_to_num(self.reward * np.clip(beyond, 0, self.reward_span))

    def clawback_due(self, spend: Floats) -> Floats:
        """(T, O) GBP paid in advance that goes back for what a year's outcomes miss."""
        short = self.target_gain - self.gain(spend)[: len(self.years)]
        return np.nan_to_num(self.clawback * np.clip(short, 0, self.clawback_span))

    def rewards(self, spend: Floats) -> Floats:
        """(T,) GBP of rewards that come in each decided year."""
        return self.reward_receipts(self.rewards_earned(spend).sum(axis=1))

    def clawback_paid(self, spend: Floats) -> Floats:
        """(T,) GBP that goes back in each decided year for what the year before missed; in the
        last one also what it missed itself."""
        missed = self.clawback_due(spend).sum(axis=1)
        return np.append(0.0, missed[:-1]) + np.append(np.zeros(len(missed) - 1), missed[-1])

    def reward_receipts(self, earned: Floats) -> Floats:
        """(T,) GBP that comes in, of rewards ``earned`` (T,): a year on, some two years on."""
        came = np.zeros(len(earned))
        came[1:] += (1 - self.deferred_share) * earned[:-1]
        came[2:] += self.deferred_share * earned[:-2]
        return came

    @property
    def programme_tie_weights(self) -> Floats:
        """(P,) what a pound of each programme counts where ties go to those whose ids come first:
        the place of its id to the power of 1.5, as a share of the last one's (powers, since plain
        places would leave ties)."""
        place = np.argsort(np.argsort(self.programme_ids)) + 1.0
        return (place / len(place)) ** 1.5

    def reserves(self, paid: Floats, spend: Floats) -> Floats:
        """(T + 1,) GBP in reserve at the start and at the end of each decided year in which
        ``paid`` (T,) is paid for ``spend`` (T, P)."""
        moved = np.zeros(len(paid))
        if self.carry_over:
            moved = self.total + self.rewards(spend) - paid - self.clawback_paid(spend)
            moved = moved + self.refunds(spend).sum(axis=1)
        return self.opening_reserve + np.concatenate([[0.0], np.cumsum(moved)])

    @property
    def total_limits_transfers(self) -> bool:
        """Whether the one budget (B1) may leave less unspent than the streams (B2) do, so that
        transfers (B9) have to fit in it."""
        if self.counterfactual == "most_it_could_keep" or not np.isfinite(self.total).all():
            return False
        brings_in = np.nansum(self.stream_income, axis=1)
        held = (
            np.isfinite(self.stream_limit).all()
            and self.relaxed_rule != "B2"
            and not self.is_past.any()
        )
        return not held or bool((self.total < brings_in).any() or self.clawback.any())

    def unallocated_total(self, paid: Floats, spend: Floats) -> Floats:
        """(T,) GBP of the one budget (B1) that ``paid`` (T,) for ``spend`` (T, P) leaves for
        transfers (B9): of each year, or with ``carry_over`` of the years up to it."""
        if not np.isfinite(self.total).all():
            return np.full(len(paid), np.inf)
        if self.carry_over:
            held = self.reserves(paid, spend)[1:]
            held[-1] -= self.opening_reserve
            return np.where(self.is_past, np.inf, np.maximum(0.0, held))
        came = self.total + self.rewards(spend) + self.refunds(spend).sum(axis=1)
        return np.maximum(0.0, came - paid - self.clawback_paid(spend))

    @property
    def unallocated_past_total(self) -> Floats:
        """(T,) GBP of the one budget (B1) that is left for transfers (B9) of years that are past,
        in which B1 does not hold; inf in other years, 0 where a year before it is not past."""
        spend = np.where(np.isnan(self.actual_spend), self.base_spend, self.actual_spend)
        if self.carry_over or not self.is_past.any():
            return np.full(len(self.is_past), np.inf)
        paid = (spend + self.one_off_costs(spend) + self.result_payments(spend)).sum(axis=1)
        known = np.logical_and.accumulate(self.is_past)
        left = np.where(known, self.unallocated_total(paid, spend), 0.0)
        return np.where(self.is_past, left, np.inf)

    def objective(self, name: str, spend: Floats, *, first: bool) -> float:
        """The exact value of one objective; the first one carries the priced shortfalls."""
        decided = len(self.years)
        gain = self.gain(spend)
        missed = np.maximum(0, self.target_gain - gain[:decided]) / self.attainable_range  # (T, O)
        priced = self.shortfall_price > 0
        short = (self.shortfall_price * missed)[:, priced].sum(axis=1)  # (T,)
        counted = np.isfinite(self.attainable_range)
        if name == "weighted_outcomes":
            better = np.minimum(gain, self.max_gain)
            better = better + self.sign * (self.drifted_baseline - self.baseline)
            worth = (self.weight * better / self.attainable_range)[:, counted].sum(axis=1)
            value, shortfall = -float(worth.sum()) / decided, float(short.mean())
        elif name == "fairest":
            most = self.max_gain[:decided]
            behind = np.minimum(self.target_gain, most) - np.minimum(gain[:decided], most)
            behind = behind / self.attainable_range
            value, shortfall = float(behind[:, counted].max()), float(short.mean())
        elif name == "least_money":
            money = (spend + self.one_off_costs(spend) + self.result_payments(spend)).sum(axis=1)
            value, shortfall = float(self.discount @ money), float(self.discount @ short)
        elif name == "position":  # what the agency would rather not spend, less what it saves
            free = np.zeros(len(self.programme_ids), bool)
            assert self.fixed_payments is not None
            free[self.pair_programme[np.isnan(self.fixed_payments)]] = True
            paid = (
                spend
                + self.one_off_costs(spend)
                + self.result_payments(spend)
                - self.refunds(spend)
            )
            money = paid[:, free].sum(axis=1)
            gained = np.einsum("tbo,bo->t", self.cashable[:, :, self.position_agency], gain)
            value, shortfall = float(self.discount @ (money - gained)), 0.0
        elif name in ("cash_least", "cash_most"):  # what its better outcomes save it
            saves = np.einsum("tbo,bo->t", self.cashable[:, :, self.position_agency], gain)
            p = np.unique(self.unit_programme)
            saves = saves + (self.do_nothing - spend)[:, p].sum(axis=1)
            cash = float(self.discount @ saves)
            value, shortfall = cash if name == "cash_least" else -cash, 0.0
        elif name == "moved_from_today":
            value, shortfall = float(np.abs(spend - self.base_spend).sum()), 0.0
        elif name == "programme_order":
            value, shortfall = float((spend @ self.programme_tie_weights).sum()), 0.0
        elif name == "weighted":
            parts = self.weights.items()
            value = sum(w * self.objective(part, spend, first=False) for part, w in parts)
            shortfall = float(short.mean())
        else:
            moves = np.abs(np.diff(np.vstack([self.base_spend, spend]), axis=0))
            value, shortfall = float(moves.sum()), float(short.sum())
        return value + shortfall if first else value
