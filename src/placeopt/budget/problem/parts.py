"""The parts of a budget problem: frozen arrays with labels, grouped as the rules speak of them.

Sets: decided years t (T of them), counted years b (B >= T, the decided ones first), programmes p
(P), streams f (F), pairs n of a programme and a stream that may pay for it (N), outcomes o (O),
curves c (C), each from one programme to one outcome, rows u of whole units (U), agencies a (A),
capital pots k (K). The year comes first in every shape. Money is GBP a year, outcomes are in
their own units, a share is of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placeopt.base.arrays import Bools, Floats, Ints
from placeopt.budget.curves.base import Curve, Form
from placeopt.budget.curves.combination import CurveGroup

Texts = NDArray[np.str_]


@dataclass(frozen=True)
class Horizon:
    """The decided years.

    Attributes:
        years: (T,) calendar years decided.
        base_year: The last year of spending data.
        discount: (T,) value of a year's pound in the first decided year.
        is_past: (T,) years of which all spending is actual: no other rule holds in them (B13).
    """

    years: Ints
    base_year: int
    discount: Floats
    is_past: Bools


@dataclass(frozen=True)
class Programmes:
    """What money is spent on.

    Attributes:
        ids: (P,) ids.
        agency: (P,) the agency that runs it, -1 where none.
        preventive: (P,).
        pooled: (P,) whether the place's board decides on it.
        base_spend: (P,) GBP spent in the base year.
        do_nothing: (T, P) today's spend, grown with the demand it serves.
    """

    ids: Texts
    agency: Ints
    preventive: Bools
    pooled: Bools
    base_spend: Floats
    do_nothing: Floats


@dataclass(frozen=True)
class SpendLimits:
    """Between what the spending on a programme may lie (B3, B5, B10, B13).

    Attributes:
        floor: (P,) 0 where none, or where the rule is not in force.
        maximum: (P,) inf where none is known.
        upper: (T, P) the largest spend, by its maximum, its pace and the available money.
        pace_cut: (P,) the largest cut in a year as a share, inf where unlimited.
        pace_rise: (P,) the largest rise in a year as a share, inf where unlimited.
        notice_floor: (T, P) the least while notice runs (B5), 0 where none.
        contract_floor: (T, P) the least while a contract runs (B10), 0 where none.
        contracted_floor: (T, P) the least that is contracted for (B13), 0 where none.
        actual_spend: (T, P) what was spent (B13), NaN where the year is not past.
    """

    floor: Floats
    maximum: Floats
    upper: Floats
    pace_cut: Floats
    pace_rise: Floats
    notice_floor: Floats
    contract_floor: Floats
    contracted_floor: Floats
    actual_spend: Floats


@dataclass(frozen=True)
class Purchases:
    """Programmes that are bought or not (B10).

    Attributes:
        is_optional: (P,) whether the programme may be bought or not.
        min_spend: (P,) the least spend if it is bought.
        contract_years: (P,) years for which it is bought once it starts, 0 where not stated.
        start_cost: (P,) paid in the year it starts.
        stop_cost: (P,) paid in the year it stops.
        alternative_set: (P,) alternatives carry the same text, "" where there are none.
        groups: Groups of programmes bought together or not at all.
    """

    is_optional: Bools
    min_spend: Floats
    contract_years: Ints
    start_cost: Floats
    stop_cost: Floats
    alternative_set: Texts
    groups: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Streams:
    """Where money comes from (B2).

    Attributes:
        ids: (F,) ids.
        agency: (F,) its owner, -1 where none.
        revenue: (F,) whether it is not for capital.
        limit: (T, F) inf where rule B2 is not in force.
        income: (T, F) the stated amounts, NaN where none is stated.
        carry_over: Whether streams keep what they do not spend.
        may_fund_transfers: (F,) whether what a stream does not spend may pay transfers (B9).
    """

    ids: Texts
    agency: Ints
    revenue: Bools
    limit: Floats
    income: Floats
    carry_over: bool
    may_fund_transfers: Bools


@dataclass(frozen=True)
class Pairs:
    """A programme with a stream that may pay for it.

    Attributes:
        programme: (N,).
        stream: (N,).
        base_spend: (N,) GBP paid in the base year.
        allowed: (N,) False only where B2 is relaxed.
        fixed: (N,) payments that stay as they are, NaN where free; None where all are free.
    """

    programme: Ints
    stream: Ints
    base_spend: Floats
    allowed: Bools
    fixed: Floats | None = None


@dataclass(frozen=True)
class Money:
    """The one budget (B1).

    Attributes:
        total: (T,) inf where the rule is not in force.
        opening_reserve: GBP in reserve at the start.
        carry_over: Whether the reserve carries over.
    """

    total: Floats
    opening_reserve: float
    carry_over: bool


@dataclass(frozen=True)
class Outcomes:
    """What spending is to improve.

    Attributes:
        ids: (O,) ids.
        sign: (O,) +1 where higher is better, -1 where lower is.
        baseline: (O,) today's.
        drifted_baseline: (B, O) the baseline of each counted year if nothing changes.
        attainable_range: (O,) baseline-to-target range, NaN where there is none.
        weight: (O,) 0 where there is no range.
        max_gain: (B, O) improvement beyond which it counts no more, inf where all counts.
        potential: (O,) the potential W of ``remaining_potential``, else NaN.
        uses_levels: (O,) whether modelled by ``cumulative_effects``.
    """

    ids: Texts
    sign: Floats
    baseline: Floats
    drifted_baseline: Floats
    attainable_range: Floats
    weight: Floats
    max_gain: Floats
    potential: Floats
    uses_levels: Bools


@dataclass(frozen=True)
class Standards:
    """What outcomes must reach (B4), as improvements over the drifted baseline.

    Attributes:
        minimum_gain: (T, O) what the minimum standard needs, NaN where none holds.
        target_gain: (T, O) the same for the target, NaN where none is known.
        target_holds: (T, O) whether the target must be met.
        shortfall_price: (O,) GBP for a whole range short, 0 where targets are not priced.
        only_together: (O,) outcomes whose standards do not hold for an agency alone (B9).
    """

    minimum_gain: Floats
    target_gain: Floats
    target_holds: Bools
    shortfall_price: Floats
    only_together: Bools


@dataclass(frozen=True)
class Rewards:
    """What those who pay the place for an outcome give and take back (B4).

    Attributes:
        price: (O,) GBP for each unit beyond the target, 0 where none.
        span: (O,) units between target and stretch.
        deferred_share: Share of a reward that comes a further year later.
        clawback: (O,) GBP to pay back for each unit short of the target, 0 where none.
        clawback_span: (O,) units short beyond which no more is paid back, inf where all is.
    """

    price: Floats
    span: Floats
    deferred_share: float
    clawback: Floats
    clawback_span: Floats

    def receipts(self, earned: Floats) -> Floats:
        """(T,) GBP received of rewards ``earned`` (T,): a year later, the deferred part two."""
        receipts = np.zeros(len(earned))
        receipts[1:] += (1 - self.deferred_share) * earned[:-1]
        receipts[2:] += self.deferred_share * earned[:-2]
        return receipts


@dataclass(frozen=True)
class Curves:
    """What spending does for outcomes.

    Attributes:
        programme: (C,) programme of each curve.
        outcome: (C,) outcome of each curve.
        stated: (C,) response curves of programmes alone, as the place states them.
        response: (C,) the curves that are modelled: the transforms on a remaining potential of
            programmes that share one, else those stated.
        effect_share: (B, T, C) share of a year's effect that is felt in a counted year.
        groups: Curves that do not simply add up.
    """

    programme: Ints
    outcome: Ints
    stated: tuple[Form, ...]
    response: tuple[Curve, ...]
    effect_share: Floats
    groups: tuple[CurveGroup, ...] = ()


@dataclass(frozen=True)
class WholeUnits:
    """Units that serve demand and are open or closed as a whole (B6).

    Attributes:
        programme: (U,) programme that runs the units.
        outcome: (U,) outcome whose demand they serve.
        capacity: (U,) outcome units.
        cost: (U,) GBP/year.
        closing_cost: (U,) GBP.
        today: (U,) units that today's demand needs.
        double_running: Years that units run on after demand needs them (B5).
    """

    programme: Ints
    outcome: Ints
    capacity: Floats
    cost: Floats
    closing_cost: Floats
    today: Floats
    double_running: int

    def only(self, which: Bools) -> WholeUnits:
        """The rows ``which`` (U,)."""
        return WholeUnits(
            self.programme[which],
            self.outcome[which],
            self.capacity[which],
            self.cost[which],
            self.closing_cost[which],
            self.today[which],
            self.double_running,
        )


@dataclass(frozen=True)
class Shares:
    """Shares of money that have a purpose.

    Attributes:
        reinvested: Of what is saved, to prevention; NaN where rule B7 is not in force.
        pooled: Of an agency's revenue, to pooled programmes; NaN where rule B8 is not in force.
        pooled_years: Years in which rule B8 holds.
    """

    reinvested: float
    pooled: float
    pooled_years: int


@dataclass(frozen=True)
class Capital:
    """What starting programmes costs in capital, and the pots that pay it (B11).

    Attributes:
        cost: (P,) GBP when it starts; 0 where the rule is not in force.
        pot_money: (T, K) GBP that comes in.
        pot_pays: (K, P) whether a pot may pay for a programme.
        pot_carried: (K,) whether unused money carries over to the next year.
    """

    cost: Floats
    pot_money: Floats
    pot_pays: Bools
    pot_carried: Bools


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
class Agencies:
    """Who owns streams and runs programmes, and what each could do alone (B9).

    Attributes:
        ids: (A,) ids.
        cashable: (T, B, A, O) GBP of year t to agency a for a unit of gain in year b.
        stand_alone: (T, A) positions alone, NaN where there is none or no rule.
        stand_alone_plans: Plans behind the stand-alone positions.
        has_position_rule: Whether B9 is in force.
        counterfactual: What positions are compared with: alone_for_outcomes, today, ...
        over_horizon: Whether B9 holds over the years together.
        position_agency: The agency whose position is the objective ``position``; -1: of none.
    """

    ids: Texts
    cashable: Floats
    stand_alone: Floats
    stand_alone_plans: tuple[StandAlonePlan, ...]
    has_position_rule: bool
    counterfactual: str
    over_horizon: bool
    position_agency: int = -1


@dataclass(frozen=True)
class Evidence:
    """How much of each curve's effect may be there (B12).

    Attributes:
        factors: (S, C) factors on each curve; S is 0 where the rule is not in force.
        tail_share: Share of evidence scenarios over which standards hold on average; 0: in each.
    """

    factors: Floats
    tail_share: float


@dataclass(frozen=True)
class Objectives:
    """What is minimised.

    Attributes:
        names: Names, in order.
        slack: Share by which each objective may be worse for later ones.
        weights: GBP for one unit of each objective in "weighted".
    """

    names: tuple[str, ...]
    slack: tuple[float, ...]
    weights: Mapping[str, float]
