"""The budget rules about partners: through the place (B8), nobody worse off (B9), commissioning
(B10), capital (B11)."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from placeopt.scenario.ranges import Gbp
from placeopt.scenario.rules.budget.base import BudgetRule, value_in_year
from placeopt.scenario.rules.ids import OutcomeId, ProgrammeId


class ThroughThePlace(BudgetRule):
    """(B8) A share of every agency's revenue goes to programmes of the place's own board."""

    name: ClassVar[str] = "through_the_place"
    number: ClassVar[str] = "B8"
    equation: ClassVar[str] = (
        "for every agency and each of the first years: sum over its revenue streams and pooled "
        "programmes of spend[p,f,t] >= share x sum over its revenue streams of amount[f,t]"
    )

    share: float = Field(
        0.05,
        ge=0,
        le=1,
        description="least share of an agency's revenue streams that goes to pooled programmes",
    )
    first_years: int = Field(
        3, ge=1, le=20, description="number of decided years in which it holds, from the first"
    )

    def sentence(self, names: dict[str, str] | None = None) -> str:
        years = "year" if self.first_years == 1 else f"{self.first_years} years"
        return (
            f"In the first {years} every agency puts at least {self.share:.1%} of its revenue into "
            "programmes that the place decides together."
        )


class NobodyWorseOff(BudgetRule):
    """(B9) No agency's net position, after transfers, is worse than its position alone.

    A position is the cash that better outcomes save the agency and that its closing units free
    (B6), plus what others pay for its programmes, less what it pays for others'. Unspent money is
    no gain; it may pay others within the total of the one budget (money that was cut may not). The
    position alone follows from `counterfactual`. It is that of the agency's best plan by the
    scenario's own objective and standards, with its own streams, ring-fences and share of the one
    budget, and all other programmes and payments as today (ties go to the least money moved, then
    to the order of programme ids); that of today; or the most money that it could keep and save, in
    which case positions are measured in this way too.
    """

    name: ClassVar[str] = "nobody_worse_off"
    number: ClassVar[str] = "B9"
    equation: ClassVar[str] = (
        "cashable[a,t] + freed[a,t] + sum over others' streams f and a's programmes p of "
        "pay[p,f,t] - sum over a's streams f and others' programmes p of pay[p,f,t] + sum over b "
        "of (transfer[b,a,t] - transfer[a,b,t]) >= alone[a,t]; sum over b of transfer[a,b,t] <= "
        "max(0, unspent[a,t] + cashable[a,t] + refunds[a,t]); sum over a of max(0, sum over b of "
        "transfer[a,b,t] - max(0, cashable[a,t])) <= total[t] of one_budget less spending (with "
        "carry_over: of the years up to t); when = horizon: the first inequality for discounted "
        "sums over the decided years; most_it_could_keep: sum over a's streams of (amount[f,t] - "
        "sum over p of pay[p,f,t]) + cashable[a,t] + refunds[a,t] + sum over b of "
        "(transfer[b,a,t] - transfer[a,b,t]) >= alone[a,t]"
    )

    when: Literal["every_year", "horizon"] = Field(
        "every_year", description="in every decided year, or over all of them, discounted"
    )
    counterfactual: Literal["alone_for_outcomes", "today", "most_it_could_keep"] = Field(
        "alone_for_outcomes",
        description="the position alone: of the agency's own best plan for the same objective and "
        "standards; of today; or the most money that it could keep and save by itself",
    )
    only_together: tuple[OutcomeId, ...] = Field(
        (),
        description="ids of outcomes whose standards are a condition of joint work (for example "
        "of a grant) and do not apply to stand-alone plans",
    )

    def sentence(self, names: dict[str, str] | None = None) -> str:
        when = "in any year" if self.when == "every_year" else "over the years together"
        counterfactual = COUNTERFACTUAL_LABELS[self.counterfactual]
        return f"After transfers no agency is worse off {when} than {counterfactual}."


COUNTERFACTUAL_LABELS = {  # what a position is compared with (B9)
    "alone_for_outcomes": "with its own best plan for the same outcomes, made alone",
    "today": "it is today",
    "most_it_could_keep": "if it kept the most money it could by itself",
}


class Commissioning(BudgetRule):
    """(B10) Programmes are bought at an efficient scale or not at all; at most one of several."""

    name: ClassVar[str] = "commissioning"
    number: ClassVar[str] = "B10"
    equation: ClassVar[str] = (
        "scale[p] on[p,t] <= spend[p,t] <= most[p] on[p,t]; sum over alternatives of on[p,t] <= "
        "1; on[p,t] equal within a coherent group; paid[p,t] = spend[p,t] + start[p] in the year "
        "it starts, + stop[p] in the year it stops; spend[p,t] >= before[p] up to "
        "contract_until_year; on[p,t+k] >= begins[p,t] for k < contract_years[p]; for a provider "
        "paid by results (table provider_terms): paid[p,t] = (1 - withheld_share) spend[p,t] + "
        "gbp_per_unit x ((1 - deferred_share) earned[t-1] + deferred_share (earned - "
        "lost)[t-1-n]), n = deferred_years; earned[t] = on[p,t] x (outcome[t] between paid_from "
        "and paid_to); lost[t] = the part of earned[t] that does not last until t+n; "
        "clawback_gbp_per_unit x lost is returned; payments due after the decided years are set "
        "aside in the last one; a provider that is no donor gets over the years at least what is "
        "withheld"
    )
    implied: ClassVar[bool] = True

    coherent: tuple[tuple[ProgrammeId, ...], ...] = Field(
        (), description="groups of programme ids that are bought together or not at all"
    )

    def sentence(self, names: dict[str, str] | None = None) -> str:
        text = (
            "A programme is bought at its efficient scale or not at all, at most one of several "
            "alternatives is bought, and starting or stopping has its stated cost"
        )
        if self.coherent:
            count = len(self.coherent)
            text += (
                f"; {count} group{'s are' if count > 1 else ' is'} bought together or not at all"
            )
        return text + "."


class Capital(BudgetRule):
    """(B11) Programmes that start need no more than the available capital.

    With this rule capital streams and receipts pay for capital only.
    """

    name: ClassVar[str] = "capital"
    number: ClassVar[str] = "B11"
    equation: ClassVar[str] = (
        "sum over pots k of from[k,p,t] = capital[p] of the programmes that start in t; kept[k,t] "
        "= kept[k,t-1] + money[k,t] - sum over programmes of from[k,p,t] >= 0, with kept[k,t-1] "
        "only for receipts and, if streams has unspent = carried, capital streams; one pot: every "
        "k pays for any programme; streams: each capital stream pays only for its programmes in "
        "stream_programmes, receipts for any"
    )

    pots: Literal["one", "streams"] = Field(
        "one", description="one pot of all capital, or every capital stream separately"
    )
    receipts_gbp: Gbp | tuple[Gbp, ...] = Field(
        0.0,
        description="capital receipts in each decided year (GBP); a list has one number for each; "
        "unused receipts are carried over",
    )

    def receipts(self, position: int = 0) -> float:
        """The receipts (GBP) in the decided year at ``position``."""
        return value_in_year(self.receipts_gbp, position)

    def sentence(self, names: dict[str, str] | None = None) -> str:
        pots = "one pot" if self.pots == "one" else "what each capital stream may pay for"
        return f"The capital of programmes that start fits {pots}; receipts pay only for capital."
