"""The rules of the place budget, each registered once: number, parameters, readable sentence.

(B1) one budget   sum of spend[p,f] <= total
(B2) streams      sum over p of spend[p,f] <= amount[f];  spend[p,f] = 0 outside f's ring-fence
(B3) statutory    spend[p] >= floor[p]
(B4) outcomes     outcome[o] at least as good as its minimum standard; targets as stated
(B5) pace         before[p] (1 - cut) <= spend[p] <= before[p] (1 + rise)
(B10) commissioning  scale[p] on[p] <= spend[p] <= most[p] on[p];  sum over a choice of on[p] <= 1
(B12) uncertainty  gain[o,s] >= minimum[o] in every evidence scenario s, or on average over the tail

Money is GBP of the decided year, outcomes are in their own units. Source: the budget problem's
statement, rules B1 to B5, B10 and B12.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from placeopt.scenario.rules import Problem, Rule

Targets = Literal["open", "hold", "priced"]


class BudgetRule(Rule):
    """A rule of the place budget."""

    problem: ClassVar[Problem] = "budget"


class OneBudget(BudgetRule):
    """(B1) A year's spending fits in the reduced total."""

    name: ClassVar[str] = "one_budget"
    number: ClassVar[str] = "B1"
    equation: ClassVar[str] = "sum over programmes and streams of spend[p,f] <= total"

    total_gbp: float | None = Field(
        None, ge=0, description="GBP: the most that all programmes may spend in the year"
    )
    reduction_share: float | None = Field(
        None,
        ge=-1,
        le=1,
        description="share (0.1 is ten per cent) by which the total is below the base year's "
        "spending; below 0 for growth",
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> OneBudget:
        if (self.total_gbp is None) == (self.reduction_share is None):
            raise ValueError("give either total_gbp or reduction_share, one of the two")
        return self

    def total(self, base_spending_gbp: float) -> float:
        """The total in GBP, given what was spent in the base year."""
        if self.total_gbp is not None:
            return self.total_gbp
        assert self.reduction_share is not None
        return base_spending_gbp * (1 - self.reduction_share)

    def sentence(self, names: dict[str, str] | None = None) -> str:
        if self.total_gbp is not None:
            return f"All programmes together spend at most {self.total_gbp:,.0f} GBP."
        assert self.reduction_share is not None
        if self.reduction_share == 0:
            return "All programmes together spend at most what they spent in the base year."
        bound, than = ("most", "more") if self.reduction_share < 0 else ("least", "less")
        share = f"{abs(self.reduction_share):.1%}"
        return f"All programmes together spend at {bound} {share} {than} than in the base year."


class Streams(BudgetRule):
    """(B2) A stream pays only for what its ring-fence allows, and is not overspent."""

    name: ClassVar[str] = "streams"
    number: ClassVar[str] = "B2"
    equation: ClassVar[str] = (
        "sum over programmes of spend[p,f] <= amount[f]; spend[p,f] = 0 where f may not pay for p"
    )
    implied: ClassVar[bool] = True

    release: tuple[str, ...] = Field(
        (),
        description="ids of streams whose ring-fence is given up: their whole amount may pay for "
        "any programme",
    )

    def sentence(self, names: dict[str, str] | None = None) -> str:
        text = "No funding stream is overspent, and ring-fenced money pays only for what it is for"
        if self.release:
            text += f"; the ring-fence is released for {_list(self.release, names)}"
        return text + "."


class Statutory(BudgetRule):
    """(B3) Floors that the law or an entitlement sets."""

    name: ClassVar[str] = "statutory"
    number: ClassVar[str] = "B3"
    equation: ClassVar[str] = "sum over streams of spend[p,f] >= floor[p]"
    implied: ClassVar[bool] = True

    floors_gbp: dict[str, float] = Field(
        default_factory=dict,
        description="GBP a year by programme id, in place of the floor in the programmes table",
    )

    def sentence(self, names: dict[str, str] | None = None) -> str:
        text = "No programme falls below what the law or an entitlement requires"
        if self.floors_gbp:
            floors = (f"{_name(key, names)} {gbp:,.0f} GBP" for key, gbp in self.floors_gbp.items())
            text += f" (here: {', '.join(floors)})"
        return text + "."


class OutcomeTerms(BaseModel):
    """What one outcome must meet, where it differs from the rule for all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    minimum_standard: float | None = Field(
        None, description="outcome unit: in place of the minimum standard in the outcomes table"
    )
    target: float | None = Field(
        None, description="outcome unit: in place of the target in the outcomes table"
    )
    minimum_holds: bool | None = Field(None, description="whether the minimum standard must hold")
    targets: Targets | None = Field(None, description="open, hold or priced")
    shortfall_price: float | None = Field(None, ge=0, description="see the rule's own")


class Outcomes(BudgetRule):
    """(B4) Minimum standards hold; targets hold, or their shortfall is priced, or they are open."""

    name: ClassVar[str] = "outcomes"
    number: ClassVar[str] = "B4"
    equation: ClassVar[str] = (
        "improvement[o] >= minimum[o]; targets hold: improvement[o] >= target[o]; "
        "priced: improvement[o] + shortfall[o] >= target[o], the shortfall in the objective"
    )
    implied: ClassVar[bool] = True

    minimum_holds: bool = Field(True, description="whether minimum standards must hold")
    targets: Targets = Field(
        "open",
        description="open: targets are reported only; hold: they must be met; priced: what is "
        "missing costs shortfall_price in the objective",
    )
    shortfall_price: float = Field(
        1.0,
        ge=0,
        description="unit of the first objective for each whole baseline-to-target range missed "
        "(GBP for least_money and least_disruption)",
    )
    outcome: dict[str, OutcomeTerms] = Field(
        default_factory=dict, description="by outcome id: what differs for that outcome"
    )

    def terms(self, outcome_id: str) -> OutcomeTerms:
        """What holds for one outcome; the tables' own values where a number is ``None``."""
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
        if self.outcome:
            text += f"; other terms hold for {_list(tuple(self.outcome), names)}"
        return text + "."


class Pace(BudgetRule):
    """(B5) No programme changes faster than stated."""

    name: ClassVar[str] = "pace"
    number: ClassVar[str] = "B5"
    equation: ClassVar[str] = "before[p] (1 - cut) <= spend[p] <= before[p] (1 + rise)"

    largest_cut_share: float | None = Field(
        None, ge=0, le=1, description="share of the base year's spending that may go in a year"
    )
    largest_rise_share: float | None = Field(
        None,
        ge=0,
        description="share of the base year's spending that may come in a year; a programme that "
        "had nothing may start at any size",
    )
    exempt: tuple[str, ...] = Field((), description="ids of programmes that may change faster")

    @model_validator(mode="after")
    def _something(self) -> Pace:
        if self.largest_cut_share is None and self.largest_rise_share is None:
            raise ValueError("give largest_cut_share, largest_rise_share or both")
        return self

    def sentence(self, names: dict[str, str] | None = None) -> str:
        parts = []
        if self.largest_cut_share is not None:
            parts.append(f"loses more than {self.largest_cut_share:.1%}")
        if self.largest_rise_share is not None:
            parts.append(f"gains more than {self.largest_rise_share:.1%}")
        text = f"No programme {' or '.join(parts)} of its spending in the year"
        if self.exempt:
            text += f", except {_list(self.exempt, names)}"
        return text + "."


class Commissioning(BudgetRule):
    """(B10) Programmes are bought at an efficient scale or not at all; one of alternatives."""

    name: ClassVar[str] = "commissioning"
    number: ClassVar[str] = "B10"
    equation: ClassVar[str] = (
        "scale[p] on[p] <= spend[p] <= most[p] on[p]; sum over alternatives of on[p] <= 1; "
        "paid[p] = spend[p] + start[p] on[p] where new, + stop[p] (1 - on[p]) where not"
    )
    implied: ClassVar[bool] = True

    def sentence(self, names: dict[str, str] | None = None) -> str:
        return (
            "A programme is bought at its efficient scale or not at all, at most one of several "
            "alternatives is bought, and starting or stopping costs what it costs."
        )


class Uncertainty(BudgetRule):
    """(B12) Minimum standards hold though the evidence may be wrong."""

    name: ClassVar[str] = "uncertainty"
    number: ClassVar[str] = "B12"
    equation: ClassVar[str] = (
        "gain[o,s] = sum over curves of factor[c,s] (effect[c] - effect today); every: gain[o,s] "
        ">= minimum[o] for all s; tail: the mean of the worst tail_share of gain[o,s] >= minimum[o]"
    )

    spread_by_grade: dict[str, float] = Field(
        description="standard deviation of a curve's true size over its stated size, as a share, "
        "by evidence grade (1 to 6); it must name every grade that the place's curves have, and "
        "'' for curves without a grade",
    )
    scenarios: int = Field(50, ge=1, le=2000, description="how many evidence scenarios are drawn")
    seed: int = Field(1, ge=0, description="seed of the draws")
    holds: Literal["every", "tail"] = Field(
        "every", description="in every scenario, or on average over the worst tail (CVaR)"
    )
    tail_share: float = Field(0.1, gt=0, le=1, description="share of scenarios in the tail")

    def factors(self, grades: Sequence[str]) -> list[list[float]]:
        """(scenarios, curves) what each curve's effects are multiplied by: 1 + spread x a draw
        from the standard normal distribution, never below 0."""
        import numpy as np

        spread = np.array([self.spread_by_grade[grade] for grade in grades], float)
        draws = np.random.default_rng(self.seed).standard_normal((self.scenarios, len(spread)))
        return np.maximum(0.0, 1 + spread * draws).tolist()

    def sentence(self, names: dict[str, str] | None = None) -> str:
        text = f"Minimum standards hold in each of {self.scenarios} draws of the evidence"
        if self.holds == "tail":
            text = (
                f"Minimum standards hold on average over the worst {self.tail_share:.0%} of "
                f"{self.scenarios} draws of the evidence"
            )
        return text + "."


def _name(key: str, names: dict[str, str] | None) -> str:
    return (names or {}).get(key) or key


def _list(keys: tuple[str, ...], names: dict[str, str] | None) -> str:
    return ", ".join(_name(key, names) for key in keys)
