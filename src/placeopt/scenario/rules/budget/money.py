"""The rules of the budget problem about money, outcomes and evidence.

    B1 one budget   B2 streams    B3 statutory     B4 outcomes             B5 pace
    B6 prevention   B7 reinvestment   B8 through the place   B9 nobody worse off
    B10 commissioning   B11 capital   B12 uncertainty   B13 continuity

``years`` and ``partners`` define the others, which are also exported here. Money is in GBP of the
decided year, outcomes are in their own units. A parameter that may be a list has one number for
each decided year. Source: the budget problem's statement, rules B1 to B13.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from placeopt.scenario.ranges import Change, Gbp, Level, Seed, Year
from placeopt.scenario.rules.budget.base import BudgetRule, display_name, join_names, value_in_year
from placeopt.scenario.rules.budget.partners import (
    Capital,
    Commissioning,
    NobodyWorseOff,
    ThroughThePlace,
)
from placeopt.scenario.rules.budget.years import Continuity, Pace, Prevention, Reinvestment
from placeopt.scenario.rules.ids import OutcomeId, ProgrammeId, StreamId
from placeopt.scenario.section import Section
from placeopt.scenario.wording import pounds

__all__ = [
    "BudgetRule",
    "Capital",
    "Commissioning",
    "Continuity",
    "NobodyWorseOff",
    "OneBudget",
    "OutcomeTerms",
    "Outcomes",
    "Pace",
    "Prevention",
    "Reinvestment",
    "Statutory",
    "Streams",
    "Targets",
    "ThroughThePlace",
    "Uncertainty",
]

Targets = Literal["open", "hold", "priced"]


class OneBudget(BudgetRule):
    """(B1) A year's spending fits in the reduced total, reserves and rewards."""

    name: ClassVar[str] = "one_budget"
    number: ClassVar[str] = "B1"
    equation: ClassVar[str] = (
        "reserve[t] = reserve[t-1] + total[t] + reward[t] + refunds[t] (from providers, B10) - "
        "sum over programmes and streams of spend[p,f,t] - back[t-1] (in the last year also "
        "back[t]); reserve[t] >= 0, at the end at least opening_reserve_gbp; without carry_over: "
        "sum over programmes and streams of spend[p,f,t] + back[t-1] <= total[t] + reward[t] + "
        "refunds[t]"
    )

    total_gbp: Gbp | tuple[Gbp, ...] | None = Field(
        None,
        description="GBP: the most that all programmes may spend in a year; a list has one number "
        "for each decided year",
    )
    reduction_share: Change | tuple[Change, ...] | None = Field(
        None,
        description="share (0.1 is ten per cent) by which a year's total is below the base year's "
        "spending; negative for growth; a list has one number for each decided year",
    )
    opening_reserve_gbp: Gbp = Field(0.0, description="reserve before the first decided year (GBP)")
    carry_over: bool = Field(
        False,
        description="whether a year's unspent money goes into the reserve and the reserve may be "
        "drawn on; if not, unspent money is lost and the reserve is unchanged",
    )

    @model_validator(mode="after")
    def _check_one_given(self) -> OneBudget:
        if (self.total_gbp is None) == (self.reduction_share is None):
            raise ValueError("give either total_gbp or reduction_share, one of the two")
        return self

    @property
    def stated(self) -> float | tuple[float, ...]:
        """Whichever of the two parameters is given."""
        if self.total_gbp is not None:
            return self.total_gbp
        assert self.reduction_share is not None
        return self.reduction_share

    def total(self, base_spending_gbp: float, position: int = 0) -> float:
        """The total (GBP) of the decided year at ``position`` (from 0)."""
        if self.total_gbp is not None:
            return value_in_year(self.total_gbp, position)
        return base_spending_gbp * (1 - value_in_year(self.stated, position))

    def sentence(self, names: dict[str, str] | None = None) -> str:
        years = self.stated if isinstance(self.stated, tuple) else (self.stated,)
        if self.total_gbp is not None:
            amounts = ", then ".join(map(pounds, years))
            text = f"All programmes together spend at most {amounts}"
        elif years == (0,):
            text = "All programmes together spend at most what they spent in the base year"
        else:
            grows = max(years) < 0
            bound, than = ("most", "more") if grows else ("least", "less")
            share = ", then ".join(f"{-share if grows else share:.1%}" for share in years)
            text = f"All programmes together spend at {bound} {share} {than} than in the base year"
        if self.carry_over:
            text += ", counting what goes into and comes out of the reserve"
        return text + "."


class Streams(BudgetRule):
    """(B2) Streams pay only for what their ring-fence allows, and are not overspent."""

    name: ClassVar[str] = "streams"
    number: ClassVar[str] = "B2"
    equation: ClassVar[str] = (
        "sum over programmes of spend[p,f,t] <= amount[f,t], or if carried, of sums over the "
        "years up to t; spend[p,f,t] = 0 where f may not pay for p"
    )
    implied: ClassVar[bool] = True

    release: tuple[StreamId, ...] = Field(
        (),
        description="ids of streams whose ring-fence is released: they may pay for any programme",
    )

    unspent: Literal["returned", "carried"] = Field(
        "returned",
        description="use of a stream's unspent money: returned (or kept by the stream's agency), "
        "or carried into the next decided year",
    )

    def sentence(self, names: dict[str, str] | None = None) -> str:
        text = "No funding stream is overspent, and ring-fenced money pays only for what it is for"
        if self.release:
            text += f"; the ring-fence is released for {join_names(self.release, names)}"
        if self.unspent == "carried":
            text += "; what a year does not spend is carried into the next"
        return text + "."


class Statutory(BudgetRule):
    """(B3) Floors that the law or an entitlement sets."""

    name: ClassVar[str] = "statutory"
    number: ClassVar[str] = "B3"
    equation: ClassVar[str] = "sum over streams of spend[p,f,t] >= floor[p] in every year"
    implied: ClassVar[bool] = True

    floors_gbp: dict[ProgrammeId, Gbp] = Field(
        default_factory=dict,
        description="GBP a year by programme id, instead of the floor in the programmes table",
    )

    def sentence(self, names: dict[str, str] | None = None) -> str:
        if not self.floors_gbp:
            return "No programme falls below what the law or an entitlement requires."
        floors = ", ".join(
            f"{display_name(key, names)} {pounds(gbp)}" for key, gbp in self.floors_gbp.items()
        )
        return (
            "No programme falls below its floor in the place's tables, or below the one that this "
            f"question states in its stead: {floors}."
        )


class OutcomeTerms(Section):
    """The requirements of one outcome, where they differ from the rule for all."""

    section: ClassVar[str] = "outcome"

    minimum_standard: Level | None = Field(
        None, description="outcome unit: instead of the minimum standard in the outcomes table"
    )
    target: Level | None = Field(
        None, description="outcome unit: instead of the target in the outcomes table"
    )
    minimum_holds: bool | None = Field(None, description="whether the minimum standard must hold")
    targets: Targets | None = Field(None, description="open, hold or priced")
    shortfall_price: float | None = Field(None, ge=0, le=1e9, description="as in the rule itself")


class Outcomes(BudgetRule):
    """(B4) Minimum standards hold; targets must be met, are priced, or are reported only."""

    name: ClassVar[str] = "outcomes"
    number: ClassVar[str] = "B4"
    equation: ClassVar[str] = (
        "improvement[o,t] >= minimum[o]; targets = hold: improvement[o,t] >= target[o]; priced: "
        "improvement[o,t] + shortfall[o,t] >= target[o], with the shortfall in the objective; "
        "reward[o,t] = reward_gbp_per_unit x (improvement beyond the target, up to stretch), "
        "received a year later, deferred_share of it two years later; back[o,t] = "
        "clawback_gbp_per_unit x (shortfall from the target, down to clawback_until), returned a "
        "year later; the last decided year sets its own aside"
    )
    implied: ClassVar[bool] = True

    minimum_holds: bool = Field(True, description="whether minimum standards must hold")
    targets: Targets = Field(
        "open",
        description="open: targets are reported only; hold: they must be met; priced: a shortfall "
        "costs shortfall_price in the objective",
    )
    shortfall_price: float = Field(
        1.0,
        ge=0,
        le=1e9,
        description="price of a shortfall of a whole baseline-to-target range, in units of the "
        "first objective (GBP for least_money, least_disruption and weighted)",
    )
    from_year: Year | None = Field(
        None,
        description="calendar year from which standards and required targets hold; by default "
        "the first decided year",
    )
    deferred_share: float = Field(
        0.0, ge=0, le=1, description="share of a reward that is deferred by a further year"
    )
    outcome: dict[OutcomeId, OutcomeTerms] = Field(
        default_factory=dict, description="by outcome id: other values for that outcome"
    )

    def terms(self, outcome_id: str) -> OutcomeTerms:
        """The requirements of one outcome; ``None`` means the value in the tables."""
        own = self.outcome.get(outcome_id, OutcomeTerms())
        return OutcomeTerms(
            minimum_standard=own.minimum_standard,
            target=own.target,
            minimum_holds=self.minimum_holds if own.minimum_holds is None else own.minimum_holds,
            targets=own.targets or self.targets,
            shortfall_price=(
                self.shortfall_price if own.shortfall_price is None else own.shortfall_price
            ),
        )

    def sentence(self, names: dict[str, str] | None = None) -> str:
        minimum = "holds" if self.minimum_holds else "is reported only"
        target = {
            "open": "targets are reported only",
            "hold": "every target is met",
            "priced": "what is missing to a target is priced",
        }[self.targets]
        text = f"Every outcome's minimum standard {minimum}, and {target}"
        if self.from_year is not None:
            text += f", from {self.from_year} on"
        if self.outcome:
            text += f"; other terms hold for {join_names(tuple(self.outcome), names)}"
        return text + "."


class Uncertainty(BudgetRule):
    """(B12) Minimum standards hold even if the evidence is wrong by a stated spread."""

    name: ClassVar[str] = "uncertainty"
    number: ClassVar[str] = "B12"
    equation: ClassVar[str] = (
        "gain[o,s] = sum over curves of factor[c,s] (effect[c] - effect today); every: gain[o,s] "
        ">= minimum[o] for all s; tail: the mean of the worst tail_share of gain[o,s] >= minimum[o]"
    )

    spread_by_grade: dict[str, Annotated[float, Field(ge=0, le=10)]] = Field(
        description="standard deviation of a curve's true effect divided by its stated effect, by "
        "evidence grade (1 to 6); it must name every grade of the place's curves, and "
        "'' for curves without a grade",
    )
    scenarios: int = Field(50, ge=1, le=2000, description="number of evidence scenarios drawn")
    seed: Seed = Field(1, description="seed of the draws")
    holds: Literal["every", "tail"] = Field(
        "every", description="in every scenario, or on average over the worst tail (CVaR)"
    )
    tail_share: float = Field(0.1, gt=0, le=1, description="share of scenarios in the tail")

    def factors(self, grades: Sequence[str]) -> list[list[float]]:
        """(scenarios, curves) multipliers of the curves' effects: 1 + spread x a standard normal
        draw, at least 0."""
        import numpy as np

        spread = np.array([self.spread_by_grade[grade] for grade in grades], float)
        draws = np.random.default_rng(self.seed).standard_normal((self.scenarios, len(spread)))
        factors: list[list[float]] = np.maximum(0.0, 1 + spread * draws).tolist()
        return factors

    def sentence(self, names: dict[str, str] | None = None) -> str:
        text = f"Minimum standards hold in each of {self.scenarios} draws of the evidence"
        if self.holds == "tail":
            text = (
                f"Minimum standards hold on average over the worst {self.tail_share:.0%} of "
                f"{self.scenarios} draws of the evidence"
            )
        return text + "."
