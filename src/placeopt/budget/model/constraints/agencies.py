"""Equations about agencies and purchases.

Columns  on[t,p] binary, begins[t,p], ends[t,p]; transfer[t,a,b]
(B8)  through        sum over n of a's revenue streams and pooled p of pay[t,n] >= share income[t,a]
(B9)  position       saved[t,a] + freed[t,a] + paid by others for its programmes - paid by it for
                     others' + transfers in - transfers out >= alone[t,a]
(B9)  given          transfers out <= unspent[t,a] + saved[t,a] + refunds[t,a], or 0
(B9)  gives          transfers out <= M gives[t,a] binary      where that could fall below 0
(B9)  given_from_saved   transfers out - from_unspent[t,a] <= saved[t,a], or 0: has_saved[t,a]
                     binary; from_unspent counts in (B1) as a payment
most_it_could_keep:
(B9)  position       unspent[t,a] + saved[t,a] + refunds[t,a] + transfers in - transfers out
                     >= alone[t,a]
(B9)  given          transfers out <= unspent[t,a]    where a has no position alone
(B10) scale          least[p] on[t,p] <= spend[t,p] <= upper[t,p] on[t,p]
(B10) changes        begins[t,p] - ends[t,p] = on[t,p] - on[t-1,p],  on[-1] being today's
(B10) length         on[t+k,p] >= begins[t,p],  k < contract_years[p]
(B10) one_of         sum over a choice of on[t,p] <= 1;  coherent: on[t,p] = on[t,q]
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from placeopt.base.arrays import Floats, Ints
from placeopt.budget.model.scale import Scale, by_year
from placeopt.budget.problem import cash_flows, effects
from placeopt.budget.problem.arrays import BudgetProblem, sum_by_group
from placeopt.engine import Model
from placeopt.engine.model import Terms


def bought_at_scale_or_not_at_all(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B10) Nothing is spent on a programme, or at least its efficient scale."""
    p, decided = np.flatnonzero(problem.purchases.is_optional), len(problem.horizon.years)
    if len(p) == 0:
        return
    labels = by_year(problem, {"programme_id": problem.programmes.ids[p]})
    on = model.add_columns("on", labels=labels, upper=1.0, integer=True)
    begins = model.add_columns("begins", labels=labels, upper=1.0)
    ends = model.add_columns("ends", labels=labels, upper=1.0)
    k = np.arange(on.size)
    at = (np.arange(decided)[:, None] * len(problem.programmes.ids) + p).ravel()
    is_past = np.repeat(problem.horizon.is_past, len(p))
    spend = model.columns["spend"].at(at)
    least = np.tile(problem.purchases.min_spend[p], decided) / scale.money_gbp
    max_spend = np.maximum(problem.limits.upper[:, p].ravel() / scale.money_gbp, least)
    above: list[Terms] = [(k, spend, 1.0), (k, on.all, -least)]
    below: list[Terms] = [(k, spend, 1.0), (k, on.all, -max_spend)]
    model.add_rows(
        "scale", rule="B10", labels=labels, terms=above, lower=np.where(is_past, -np.inf, 0.0)
    )
    model.add_rows("not_bought", rule="B10", labels=labels, terms=below, upper=0.0)
    if is_past.any():  # past purchases are known
        was_bought = (
            cash_flows.is_bought(problem, np.nan_to_num(problem.limits.actual_spend))[:, p]
            .ravel()[is_past]
            .astype(float)
        )
        terms: list[Terms] = [(np.arange(is_past.sum()), on.at(k[is_past]), 1.0)]
        past_labels = {name: ids[is_past] for name, ids in labels.items()}
        model.add_rows(
            "was_bought",
            rule="B13",
            labels=past_labels,
            terms=terms,
            lower=was_bought,
            upper=was_bought,
        )
    later = k[len(p) :]
    today = np.where(k < len(p), np.tile(problem.programmes.base_spend[p] > 0, decided), 0.0)
    terms = [(k, begins.all, 1.0), (k, ends.all, -1.0), (k, on.all, -1.0)]
    terms.append((later, on.at(later - len(p)), 1.0))
    model.add_rows("changes", rule="B10", labels=labels, terms=terms, lower=-today, upper=-today)
    length = problem.purchases.contract_years[p]
    for delay in range(1, int(length.max())):  # a contract runs its length
        begun = k[(k // len(p) + delay < decided) & (length[k % len(p)] > delay)]
        begun = begun[~is_past[begun + delay * len(p)]]
        terms = [(np.arange(len(begun)), on.at(begun + delay * len(p)), 1.0)]
        terms.append((np.arange(len(begun)), begins.at(begun), -1.0))
        contract_labels = {name: ids[begun] for name, ids in labels.items()}
        model.add_rows(
            f"length_{delay}", rule="B10", labels=contract_labels, terms=terms, lower=0.0
        )


def at_most_one_of_alternatives(model: Model, problem: BudgetProblem) -> None:
    """(B10) At most one of several providers or tiers of the same service is bought."""
    p = np.flatnonzero(problem.purchases.is_optional)
    choices = np.unique(
        problem.purchases.alternative_set[p][problem.purchases.alternative_set[p] != ""]
    )
    if len(choices) == 0:
        return
    k = np.flatnonzero(problem.purchases.alternative_set[p] != "")
    t = np.arange(len(problem.horizon.years))[:, None]
    row = t * len(choices) + np.searchsorted(choices, problem.purchases.alternative_set[p][k])
    terms = [(row, model.columns["on"].at(t * len(p) + k), np.ones(1))]
    labels = by_year(problem, {"choice": choices})
    upper = np.where(np.repeat(problem.horizon.is_past, len(choices)), np.inf, 1.0)
    model.add_rows("one_of", rule="B10", labels=labels, terms=terms, upper=upper)


def groups_are_bought_together(model: Model, problem: BudgetProblem) -> None:
    """(B10) The programmes of a coherent group are bought together or not at all."""
    pairs = [(group[0], other) for group in problem.purchases.groups for other in group[1:]]
    if not pairs:
        return
    p = np.flatnonzero(problem.purchases.is_optional)
    first, other = (np.searchsorted(p, [pair[side] for pair in pairs]) for side in (0, 1))
    t = np.arange(len(problem.horizon.years))[:, None]
    row = t * len(pairs) + np.arange(len(pairs))
    on = model.columns["on"]
    terms = [(row, on.at(t * len(p) + first), 1.0), (row, on.at(t * len(p) + other), -1.0)]
    labels = by_year(problem, {"programme_id": problem.programmes.ids[p[other]]})
    slack = np.where(np.repeat(problem.horizon.is_past, len(pairs)), np.inf, 0.0)
    model.add_rows("coherent", rule="B10", labels=labels, terms=terms, lower=-slack, upper=slack)


def enough_goes_through_the_place(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B8) Each agency puts a share of its revenue into pooled programmes."""
    years = min(problem.shares.pooled_years, len(problem.horizon.years))
    revenue_agency = np.where(problem.streams.revenue, problem.streams.agency, -1)
    a = np.unique(revenue_agency[revenue_agency >= 0])
    if np.isnan(problem.shares.pooled) or len(a) == 0:
        return
    t = np.arange(years)[:, None]
    agency = revenue_agency[problem.pairs.stream]
    n = np.flatnonzero((agency >= 0) & problem.programmes.pooled[problem.pairs.programme])
    row = t * len(a) + np.searchsorted(a, agency[n])
    terms = [(row, model.columns["pay"].at(t * len(agency) + n), np.ones(1))]
    income = np.stack(
        [
            np.nansum(problem.streams.income[:years, revenue_agency == agency_index], axis=1)
            for agency_index in a
        ],
        axis=1,
    )
    labels = {
        "agency_id": np.tile(problem.agencies.ids[a], years),
        "year": np.repeat(problem.horizon.years[:years], len(a)),
    }
    lower = problem.shares.pooled * income.ravel() / scale.money_gbp
    lower = np.where(np.repeat(problem.horizon.is_past[:years], len(a)), -np.inf, lower)
    model.add_rows("through", rule="B8", labels=labels, terms=terms, lower=lower)


def nobody_is_worse_off(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B9) After transfers no agency's position is worse than its stand-alone position."""
    has_position = np.isfinite(problem.agencies.stand_alone).all(axis=0)
    if not has_position.any():
        return
    agencies, decided = len(problem.agencies.ids), len(problem.horizon.years)
    giver, taker = np.nonzero(~np.eye(agencies, dtype=bool))
    labels = by_year(
        problem,
        {
            "from_agency_id": problem.agencies.ids[giver],
            "to_agency_id": problem.agencies.ids[taker],
        },
    )
    transfer = model.add_columns("transfer", labels=labels)
    year = np.arange(decided)[:, None]
    transfers = transfer.at(year * len(giver) + np.arange(len(giver)))
    row = np.full((decided, agencies), -1)
    weight = np.ones(decided)
    if problem.agencies.over_horizon:
        row[:, has_position] = np.arange(has_position.sum())
        weight = problem.horizon.discount
    else:
        row[:, has_position] = np.arange(decided * has_position.sum()).reshape(decided, -1)
    discounted, row_terms = weight[:, None], _RowTerms()
    row_terms.add(row[:, giver], transfers, -discounted)
    row_terms.add(row[:, taker], transfers, discounted)
    _add_savings(row_terms, model, problem, scale, row, weight)
    income = np.zeros((decided, agencies))
    if problem.agencies.counterfactual == "most_it_could_keep":
        income = _subtract_payments(row_terms, model, problem, row, weight)
        _add_refunds(row_terms, model, problem, row, weight)
    else:
        runs = problem.programmes.agency[problem.pairs.programme]
        pays = problem.streams.agency[problem.pairs.stream]
        for agency_of, sign in ((runs, 1.0), (pays, -1.0)):
            n = np.flatnonzero((agency_of >= 0) & (runs != pays))
            pay = model.columns["pay"].at(year * len(runs) + n)
            row_terms.add(row[:, agency_of[n]], pay, sign * discounted)
        units = np.unique(problem.units.programme)
        p = units[problem.programmes.agency[units] >= 0]  # money freed by closing units (B6)
        if len(p):
            spend = model.columns["spend"].at(year * len(problem.programmes.ids) + p)
            row_terms.add(row[:, problem.programmes.agency[p]], spend, -discounted)
            do_nothing = problem.programmes.do_nothing[:, p]
            income = income + sum_by_group(do_nothing, problem.programmes.agency[p], agencies)
    size = int(row.max()) + 1
    lower, agency_of = np.zeros(size), np.zeros(size, np.int64)
    min_terms = discounted * (problem.agencies.stand_alone - income) / scale.money_gbp
    np.add.at(lower, row[row >= 0], min_terms[row >= 0])
    t, a = np.nonzero(row >= 0)
    agency_of[row[t, a]] = a
    row_labels: dict[str, Any] = {"agency_id": problem.agencies.ids[agency_of]}
    if not problem.agencies.over_horizon:
        row_labels["year"] = problem.horizon.years[t]
    # payments are rounded
    rounding = min(0.1, 5e-9 * float(problem.programmes.base_spend.sum())) / scale.money_gbp
    model.add_rows(
        "position", rule="B9", labels=row_labels, terms=row_terms.terms, lower=lower - rounding
    )
    if problem.agencies.counterfactual == "most_it_could_keep":
        _agencies_without_position_give_unspent_money(model, problem, scale, giver, transfers)
    else:
        _transfers_come_from_unspent_or_saved_money(model, problem, scale, giver, transfers)


@dataclass
class _RowTerms:
    """Terms of a block of rows, by row number; terms with the row number -1 are left out."""

    terms: list[tuple[Ints, Ints, Floats]] = field(default_factory=list)

    def add(self, at: Ints, columns: Ints, values: ArrayLike) -> None:
        at, columns, values = (x.ravel() for x in np.broadcast_arrays(at, columns, values))
        self.terms.append((at[at >= 0], columns[at >= 0], values[at >= 0]))


def _add_savings(
    row_terms: _RowTerms,
    model: Model,
    problem: BudgetProblem,
    scale: Scale,
    row: np.ndarray,
    weight: np.ndarray,
) -> None:
    """Add what better outcomes save each agency to the rows (T, A), at ``weight`` (T,) a pound."""
    s, b, c, o = np.nonzero(problem.agencies.cashable)
    saves = problem.agencies.cashable[s, b, c, o] * scale.outcome[o] / scale.money_gbp * weight[s]
    row_terms.add(row[s, c], model.columns["gain"].at(b * len(problem.outcomes.ids) + o), saves)


def _subtract_payments(
    row_terms: _RowTerms, model: Model, problem: BudgetProblem, row: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """Subtract payments of the streams that may fund transfers from the rows (T, A).

    Returns:
        (T, A) GBP of these streams' income.
    """
    paying_agency = np.where(problem.streams.may_fund_transfers, problem.streams.agency, -1)
    agency, year = (
        paying_agency[problem.pairs.stream],
        np.arange(len(problem.horizon.years))[:, None],
    )
    n, f = np.flatnonzero(agency >= 0), np.flatnonzero(paying_agency >= 0)
    pay = model.columns["pay"].at(year * len(agency) + n)
    row_terms.add(row[:, agency[n]], pay, -weight[:, None])
    return sum_by_group(
        np.nan_to_num(problem.streams.income)[:, f], paying_agency[f], len(problem.agencies.ids)
    )


def _add_refunds(
    row_terms: _RowTerms, model: Model, problem: BudgetProblem, row: np.ndarray, weight: np.ndarray
) -> None:
    """Add what providers of each agency's programmes give back to the rows (T, A)."""
    if "refund" not in model.columns:
        return
    p = np.flatnonzero(problem.programmes.agency >= 0)
    year = np.arange(len(problem.horizon.years))[:, None]
    refunds = model.columns["refund"].at(year * len(problem.programmes.ids) + p)
    row_terms.add(row[:, problem.programmes.agency[p]], refunds, weight[:, None])


def _transfers_come_from_unspent_or_saved_money(
    model: Model, problem: BudgetProblem, scale: Scale, giver: np.ndarray, transfers: np.ndarray
) -> None:
    """(B9) Transfers of an agency come from money that it has not spent or has saved.

    Of a year, or of the years up to it where streams carry over. Where it has none, it pays
    nothing.
    """
    agencies, decided = len(problem.agencies.ids), len(problem.horizon.years)
    # an agency without money gives nothing
    can_give = (problem.streams.agency >= 0) & problem.streams.may_fund_transfers
    has_money = np.isin(np.arange(agencies), problem.streams.agency[can_give])
    has_money |= problem.agencies.cashable.any(axis=(0, 1, 3))
    has_money |= np.isin(
        np.arange(agencies), problem.programmes.agency[problem.provider_terms.programme]
    )
    available, paid, constant = _RowTerms(), _RowTerms(), np.zeros((decided, agencies))
    for k, share in enumerate(cash_flows.transfer_periods(problem)):
        at = _period_rows(k, share, agencies)
        income = _subtract_payments(available, model, problem, at, share)
        _add_savings(available, model, problem, scale, at, share)
        _add_refunds(available, model, problem, at, share)
        paid.add(at[:, giver], transfers, share[:, None])
        constant[k] = share @ income / scale.money_gbp
    low, high = _transferable_range(problem)
    low, high = (
        cash_flows.transfer_periods(problem) @ low / scale.money_gbp,
        cash_flows.transfer_periods(problem) @ high / scale.money_gbp,
    )
    low = np.where(has_money, low, 0.0)
    _at_most_or_nothing(model, problem, ("given", "gives"), paid, available, constant, (low, high))
    if cash_flows.total_limits_transfers(problem):
        _unspent_money_is_within_the_total(model, problem, scale, giver, transfers)


def _unspent_money_is_within_the_total(
    model: Model, problem: BudgetProblem, scale: Scale, giver: np.ndarray, transfers: np.ndarray
) -> None:
    """(B9) Transfers of an agency beyond its savings come from the one budget (B1).

    It is the column ``from_unspent``, which counts there as a payment, so that money taken by a cut
    cannot be transferred.
    """
    agencies, decided = len(problem.agencies.ids), len(problem.horizon.years)
    labels = by_year(problem, {"agency_id": problem.agencies.ids})
    upper = np.repeat(cash_flows.unallocated_past_total(problem), agencies) / scale.money_gbp
    unspent = model.add_columns("from_unspent", labels=labels, upper=upper)
    own_unspent = unspent.at(np.arange(decided)[:, None] * agencies + np.arange(agencies))
    saved_terms, paid = _RowTerms(), _RowTerms()
    for k, share in enumerate(cash_flows.transfer_periods(problem)):
        at = _period_rows(k, share, agencies)
        _add_savings(saved_terms, model, problem, scale, at, share)
        paid.add(at[:, giver], transfers, share[:, None])
        paid.add(at, own_unspent, -share[:, None])
    range_ends = [
        cash_flows.transfer_periods(problem) @ savings / scale.money_gbp
        for savings in _saved_range(problem)
    ]
    constant = np.zeros((decided, agencies))
    names = ("given_from_saved", "has_saved")
    _at_most_or_nothing(
        model, problem, names, paid, saved_terms, constant, (range_ends[0], range_ends[1])
    )


def _period_rows(k: int, share: np.ndarray, agencies: int) -> np.ndarray:
    """(T, A) the row of every agency in period ``k``, -1 in years outside the period."""
    row = np.tile(k * agencies + np.arange(agencies), (len(share), 1))
    return np.where(share[:, None] > 0, row, -1)


def _at_most_or_nothing(
    model: Model,
    problem: BudgetProblem,
    names: tuple[str, str],
    paid: _RowTerms,
    available: _RowTerms,
    constant: np.ndarray,
    range_ends: tuple[np.ndarray, np.ndarray],
) -> None:
    """Add rows (period, agency): what is paid is at most what is available, or 0 where that is
    negative.

    Args:
        model: The model.
        problem: The budget problem.
        names: Of the rows, and of the binaries for whether a transfer is paid.
        paid: Terms of the payments.
        available: Terms of the money available.
        constant: The constant part of it, (K, A).
        range_ends: The least and the most that is available, (K, A) each; binaries are added where
            the least is negative.
    """
    low, high = (end.ravel() for end in range_ends)
    labels, upper = by_year(problem, {"agency_id": problem.agencies.ids}), constant.ravel() + 1e-9
    terms: list[Terms] = [
        *paid.terms,
        *((at, columns, -values) for at, columns, values in available.terms),
    ]
    may_be_negative = np.flatnonzero(low < -1e-9)
    if len(may_be_negative):
        marked = {name: ids[may_be_negative] for name, ids in labels.items()}
        is_paying = model.add_columns(names[1], labels=marked, upper=1.0, integer=True)
        big_m = 1.01 * (1e-6 - low[may_be_negative])
        terms.append((may_be_negative, is_paying.all, big_m))
        upper[may_be_negative] += big_m
        big_m_paid = np.maximum(high[may_be_negative], 0.0) * 1.01 + 1e-6
        marked_row = np.full(len(low), -1)
        marked_row[may_be_negative] = np.arange(len(may_be_negative))
        only_if: list[Terms] = [(np.arange(len(may_be_negative)), is_paying.all, -big_m_paid)]
        for positions, columns, values in paid.terms:
            is_marked = marked_row[positions] >= 0
            only_if.append(
                (marked_row[positions[is_marked]], columns[is_marked], values[is_marked])
            )
        model.add_rows(names[1], rule="B9", labels=marked, terms=only_if, upper=0.0)
    model.add_rows(names[0], rule="B9", labels=labels, terms=terms, upper=upper)


def _saved_range(problem: BudgetProblem) -> tuple[np.ndarray, np.ndarray]:
    """(T, A) GBP, the least and the most that better outcomes can save each agency in a year."""
    ends = [
        problem.agencies.cashable * gain[None, :, None, :] for gain in effects.gain_range(problem)
    ]
    return np.minimum(*ends).sum(axis=(1, 3)), np.maximum(*ends).sum(axis=(1, 3))


def _transferable_range(problem: BudgetProblem) -> tuple[np.ndarray, np.ndarray]:
    """(T, A) GBP, the least and the most that an agency can have unspent, saved and given back in
    a year.

    Unspent money is negative only where a stream may be overspent.
    """
    decided, agencies = problem.streams.income.shape[0], len(problem.agencies.ids)
    f = np.flatnonzero((problem.streams.agency >= 0) & problem.streams.may_fund_transfers)
    income = sum_by_group(
        np.nan_to_num(problem.streams.income)[:, f], problem.streams.agency[f], agencies
    )
    limits_hold = np.isfinite(problem.streams.limit).all() and problem.relaxed_rule != "B2"
    one_off = problem.purchases.start_cost + problem.purchases.stop_cost
    closed = 2 * (problem.units.today * problem.units.closing_cost).sum()
    by_results = decided * (problem.provider_terms.price * problem.provider_terms.span).sum()
    most_paid = (
        2 * problem.limits.upper.sum(axis=1, keepdims=True) + one_off.sum() + closed + by_results
    )
    max_overspend = np.where(limits_hold & ~problem.horizon.is_past[:, None], 0.0, -most_paid)
    savings = _saved_range(problem)
    max_refund = problem.provider_terms.max_refund if len(problem.provider_terms.programme) else 0.0
    low = np.broadcast_to(max_overspend + savings[0], (decided, agencies))
    return low, income + savings[1] + max_refund


def _agencies_without_position_give_unspent_money(
    model: Model, problem: BudgetProblem, scale: Scale, giver: np.ndarray, transfers: np.ndarray
) -> None:
    """(B9) An agency without a stand-alone position pays others from unspent money of its streams.

    This holds with ``most_it_could_keep``.
    """
    without = np.flatnonzero(~np.isfinite(problem.agencies.stand_alone).all(axis=0))
    if len(without) == 0:
        return
    column = np.full(len(problem.agencies.ids), -1)
    column[without] = np.arange(len(without))
    decided, upper = len(problem.horizon.years), []
    row_terms = _RowTerms()
    for k, share in enumerate(cash_flows.transfer_periods(problem)):
        at = np.tile(np.where(column >= 0, k * len(without) + column, -1), (decided, 1))
        negative = _RowTerms()
        income = _subtract_payments(negative, model, problem, at, share)
        for positions, columns, values in negative.terms:
            row_terms.terms.append((positions, columns, -values))
        row_terms.add(at[:, giver], transfers, share[:, None])
        upper.append(share @ income[:, without] / scale.money_gbp)
    available = np.concatenate(upper)
    model.add_rows(
        "given", rule="B9", size=len(available), terms=row_terms.terms, upper=available + 1e-9
    )
