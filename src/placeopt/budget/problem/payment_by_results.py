"""Providers paid by results (B10): terms as arrays, and their exact arithmetic.

A programme's spending is its price. The place withholds a share of it and pays for results
instead. With gain[t,o] the improvement over the year's baseline and, for terms k
of programme p and outcome o,

    held[t,k]    = gain[t,o] between paid_from (0) and paid_to (span), in units
    earned[t,k]  = held[t,k] where p is bought in t, else 0
    lost[t,k]    = max(0, earned[t,k] - held[t+n,k])              n = deferred_years
    due[t,p]     = sum over k of gbp_per_unit ((1 - d) earned[t-1,k] + d earned[t-1-n,k])
                   - gbp_per_unit d lost[t-1-n,k]                 d = deferred_share
    refund[t,p]  = sum over k of clawback lost[t-1-n,k]
    paid[t,p]    = (1 - withheld[p]) spend[t,p] + one-off costs + due[t,p]

A provider that is not a donor is bought from only where results pay what is withheld:

    sum over t of due[t,p] - refund[t,p] >= withheld[p] x sum over t of spend[t,p]

Payments due after the decided years are set aside in the last one, as if all results lasted, and
no refunds are counted, so a plan cannot leave the bill to later years. What
years before the first decided one have earned is not known here (commitments may state it).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from placeopt.base.arrays import Bools, Floats, Ints

if TYPE_CHECKING:
    from placeopt.place import Place


@dataclass(frozen=True)
class ProviderTerms:
    """The terms k of all providers who are paid by results (K of them).

    Money is GBP, outcomes are units of improvement over the drifted baseline.

    Attributes:
        programme: (K,) the programme that the provider runs.
        outcome: (K,) the outcome it is paid for.
        withheld: (P,) share of a programme's spending that is not paid as a fee.
        start: (T, K) improvement from which results are paid.
        span: (K,) units that are paid at most.
        price: (K,) GBP a unit.
        deferred_share: (K,) share of the price that is paid later.
        deferral_years: (K,) years after which the result must still hold.
        clawback: (K,) GBP to give back for a unit that does not hold.
        consents: (P,) whether the provider is bought from only if results pay what is withheld.
    """

    programme: Ints
    outcome: Ints
    withheld: Floats
    start: Floats
    span: Floats
    price: Floats
    deferred_share: Floats
    deferral_years: Ints
    clawback: Floats
    consents: Bools

    def for_programmes(self, programmes: Bools) -> ProviderTerms:
        """The terms of these programmes (P,) only."""
        k = programmes[self.programme]
        return ProviderTerms(
            self.programme[k],
            self.outcome[k],
            np.where(programmes, self.withheld, 0.0),
            self.start[:, k],
            self.span[k],
            self.price[k],
            self.deferred_share[k],
            self.deferral_years[k],
            self.clawback[k],
            self.consents & programmes,
        )

    def paid_units(self, gain: Floats) -> Floats:
        """(T, K) units between paid_from and paid_to, of ``gain`` (T.., O)."""
        better = gain[: len(self.start), self.outcome] - self.start
        return np.clip(better, 0.0, self.span)

    def earned_units(self, gain: Floats, bought: Bools) -> Floats:
        """(T, K) units that the provider is paid for."""
        return self.paid_units(gain) * bought[:, self.programme]

    def lost_units(self, gain: Floats, bought: Bools) -> Floats:
        """(T, K) units earned in a year that have not lasted when the deferred part is due.

        0 where that is after the decided years.
        """
        earned, paid, lost = (
            self.earned_units(gain, bought),
            self.paid_units(gain),
            np.zeros_like(self.start),
        )
        for t, k in zip(*self.settled_within_horizon, strict=True):
            lost[t, k] = max(0.0, earned[t, k] - paid[t + self.deferral_years[k], k])
        return lost

    @property
    def settled_within_horizon(self) -> tuple[Ints, Ints]:
        """Years t and terms k whose result is checked within the decided years."""
        decided = len(self.start)
        due = np.arange(decided)[:, None] + 1 + self.deferral_years
        t, k = np.nonzero(due < decided)
        return t, k

    @property
    def at_stake(self) -> tuple[Ints, Ints]:
        """Those of ``settled_within_horizon`` for which money depends on whether the result
        holds."""
        t, k = self.settled_within_horizon
        money = (self.deferred_share * self.price + self.clawback > 0)[k]
        return t[money], k[money]

    @property
    def first_due(self) -> tuple[Ints, Floats]:
        """When the part that is not deferred is paid, and how much.

        Returns:
            (T,) position of the year of payment, and (K,) GBP a unit.
        """
        decided = len(self.start)
        return np.minimum(np.arange(decided) + 1, decided - 1), (
            1 - self.deferred_share
        ) * self.price

    @property
    def last_due(self) -> Ints:
        """(T, K) position of the year in which the deferred part of a year's result is paid."""
        decided = len(self.start)
        due: Ints = np.minimum(np.arange(decided)[:, None] + 1 + self.deferral_years, decided - 1)
        return due

    def due_payments(self, gain: Floats, bought: Bools) -> Floats:
        """(T, P) GBP due by results in each decided year."""
        earned, lost = self.earned_units(gain, bought), self.lost_units(gain, bought)
        due = np.zeros(bought.shape)
        first_due, first_payment = self.first_due
        programmes = np.broadcast_to(self.programme, earned.shape)
        np.add.at(
            due,
            (np.broadcast_to(first_due[:, None], earned.shape), programmes),
            first_payment * earned,
        )
        deferred_payment = self.deferred_share * self.price * (earned - lost)
        np.add.at(due, (self.last_due, programmes), deferred_payment)
        return due

    def refunds(self, gain: Floats, bought: Bools) -> Floats:
        """(T, P) GBP that providers give back in each decided year."""
        lost, refunded = self.lost_units(gain, bought), np.zeros(bought.shape)
        programmes = np.broadcast_to(self.programme, lost.shape)
        np.add.at(refunded, (self.last_due, programmes), self.clawback * lost)
        return refunded

    @property
    def max_refund(self) -> float:
        """The largest refund in a year, GBP."""
        return float((self.clawback * self.span).sum())


def provider_terms_of(
    place: Place,
    sign: Floats,
    drifted: Floats,
    decided: int,
    *,
    in_force: bool,
    paid: bool = True,
    has_begun: Bools | None = None,
) -> ProviderTerms:
    """Read a place's terms.

    Args:
        place: The place.
        sign: (O,) +1 where higher is better, else -1.
        drifted: (B, O) baselines if nothing changes.
        decided: How many years are decided.
        in_force: Whether rule B10 is in force; without it there are no terms.
        paid: Whether results are paid; otherwise nothing is earned.
        has_begun: (P,) programmes bought in past years, whose providers have consented.
    """
    rows = place.provider_terms if in_force else place.provider_terms.iloc[:0]
    p = pd.Index(place.programmes["programme_id"]).get_indexer(rows["programme_id"])
    o = pd.Index(place.outcomes["outcome_id"]).get_indexer(rows["outcome_id"])
    withheld = np.zeros(len(place.programmes))
    np.add.at(withheld, p, rows["withheld_share"].to_numpy(float))
    donor = np.isin(np.arange(len(withheld)), p[rows["donor"].to_numpy(bool)])
    consents = (withheld > 0) & ~donor & paid
    start, end = (rows[f"paid_{name}"].to_numpy(float) for name in ("from", "to"))
    return ProviderTerms(
        programme=p.astype(np.int64),
        outcome=o.astype(np.int64),
        withheld=np.minimum(withheld, 1.0),
        start=sign[o] * (start - drifted[:decided][:, o]),
        span=sign[o] * (end - start),
        price=rows["gbp_per_unit"].to_numpy(float) * paid,
        deferred_share=rows["deferred_share"].to_numpy(float),
        deferral_years=rows["deferred_years"].to_numpy(np.int64),
        clawback=rows["clawback_gbp_per_unit"].to_numpy(float) * paid,
        consents=consents if has_begun is None else consents & ~has_begun,
    )
