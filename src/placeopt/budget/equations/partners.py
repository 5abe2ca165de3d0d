"""Equations about partners and what they buy.

Columns  on[t,p] binary, begins[t,p], ends[t,p]; from_pot[t,k,p]; transfer[t,a,b]
(B8)  through        sum over n of a's revenue streams and pooled p of pay[t,n] >= share income[t,a]
(B9)  position       unspent[t,a] + saved[t,a] + refunds[t,a] + transfers in - transfers out
                     >= alone[t,a]
(B9)  given          transfers out <= unspent[t,a]    where a has no position alone
(B10) scale          least[p] on[t,p] <= spend[t,p] <= upper[t,p] on[t,p]
(B10) changes        begins[t,p] - ends[t,p] = on[t,p] - on[t-1,p],  on[-1] being today's
(B10) length         on[t+k,p] >= begins[t,p],  k < contract_years[p]
(B10) one_of         sum over a choice of on[t,p] <= 1;  coherent: on[t,p] = on[t,q]
(B11) capital        sum over k of from_pot[t,k,p] >= capital[p] begins[t,p]
(B11) pots           sum over p of from_pot[t,k,p] <= pot[t,k]
"""

from __future__ import annotations

from typing import Any

import numpy as np

from placeopt.budget.arrays import BudgetProblem, summed
from placeopt.budget.on_curves import Scale, by_year
from placeopt.engine import Model


def bought_at_scale_or_not_at_all(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B10) Nothing is spent on a programme, or at least its efficient scale."""
    p, decided = np.flatnonzero(problem.must_choose), len(problem.years)
    if len(p) == 0:
        return
    labels = by_year(problem, {"programme_id": problem.programme_ids[p]})
    on = model.add_columns("on", labels=labels, upper=1.0, integer=True)
    begins = model.add_columns("begins", labels=labels, upper=1.0)
    ends = model.add_columns("ends", labels=labels, upper=1.0)
    k = np.arange(on.size)
    at = (np.arange(decided)[:, None] * len(problem.programme_ids) + p).ravel()
    past = np.repeat(problem.past, len(p))
    spend = model.columns["spend"].at(at)
    least = np.tile(problem.least[p], decided) / scale.money_gbp
    most = np.maximum(problem.upper[:, p].ravel() / scale.money_gbp, least)
    above: list[Any] = [(k, spend, 1.0), (k, on.all, -least)]
    below: list[Any] = [(k, spend, 1.0), (k, on.all, -most)]
    model.add_rows(
        "scale", rule="B10", labels=labels, terms=above, lower=np.where(past, -np.inf, 0.0)
    )
    model.add_rows("not_bought", rule="B10", labels=labels, terms=below, upper=0.0)
    if past.any():  # what was bought is known, at whatever scale
        was = problem.bought(np.nan_to_num(problem.actual))[:, p].ravel()[past].astype(float)
        terms: list[Any] = [(np.arange(past.sum()), on.at(k[past]), 1.0)]
        known = {name: ids[past] for name, ids in labels.items()}
        model.add_rows("was_bought", rule="B13", labels=known, terms=terms, lower=was, upper=was)
    later = k[len(p) :]
    today = np.where(k < len(p), np.tile(problem.before[p] > 0, decided), 0.0)
    terms = [(k, begins.all, 1.0), (k, ends.all, -1.0), (k, on.all, -1.0)]
    terms.append((later, on.at(later - len(p)), 1.0))
    model.add_rows("changes", rule="B10", labels=labels, terms=terms, lower=-today, upper=-today)
    length = problem.contract_years[p]
    for after in range(1, int(length.max())):  # a contract that has begun runs its length
        own = k[(k // len(p) + after < decided) & (length[k % len(p)] > after)]
        own = own[~past[own + after * len(p)]]
        terms = [(np.arange(len(own)), on.at(own + after * len(p)), 1.0)]
        terms.append((np.arange(len(own)), begins.at(own), -1.0))
        bound = {name: ids[own] for name, ids in labels.items()}
        model.add_rows(f"length_{after}", rule="B10", labels=bound, terms=terms, lower=0.0)


def at_most_one_of_alternatives(model: Model, problem: BudgetProblem) -> None:
    """(B10) Of several providers or tiers of the same service at most one is bought."""
    p = np.flatnonzero(problem.must_choose)
    choices = np.unique(problem.choice[p][problem.choice[p] != ""])
    if len(choices) == 0:
        return
    k = np.flatnonzero(problem.choice[p] != "")
    t = np.arange(len(problem.years))[:, None]
    row = t * len(choices) + np.searchsorted(choices, problem.choice[p][k])
    terms = [(row, model.columns["on"].at(t * len(p) + k), np.ones(1))]
    labels = by_year(problem, {"choice": choices})
    upper = np.where(np.repeat(problem.past, len(choices)), np.inf, 1.0)
    model.add_rows("one_of", rule="B10", labels=labels, terms=terms, upper=upper)


def groups_are_bought_together(model: Model, problem: BudgetProblem) -> None:
    """(B10) The programmes of a coherent group are bought together or not at all."""
    pairs = [(group[0], other) for group in problem.coherent for other in group[1:]]
    if not pairs:
        return
    p = np.flatnonzero(problem.must_choose)
    first, other = (np.searchsorted(p, [pair[side] for pair in pairs]) for side in (0, 1))
    t = np.arange(len(problem.years))[:, None]
    row = t * len(pairs) + np.arange(len(pairs))
    on = model.columns["on"]
    terms = [(row, on.at(t * len(p) + first), 1.0), (row, on.at(t * len(p) + other), -1.0)]
    labels = by_year(problem, {"programme_id": problem.programme_ids[p[other]]})
    any_ = np.where(np.repeat(problem.past, len(pairs)), np.inf, 0.0)
    model.add_rows("coherent", rule="B10", labels=labels, terms=terms, lower=-any_, upper=any_)


def enough_goes_through_the_place(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B8) Each agency puts a share of its revenue into programmes decided together."""
    years = min(problem.through_years, len(problem.years))
    of = np.where(problem.revenue, problem.stream_agency, -1)
    a = np.unique(of[of >= 0])
    if np.isnan(problem.through_share) or len(a) == 0:
        return
    t = np.arange(years)[:, None]
    agency = of[problem.pair_stream]
    n = np.flatnonzero((agency >= 0) & problem.pooled[problem.pair_programme])
    row = t * len(a) + np.searchsorted(a, agency[n])
    terms = [(row, model.columns["pay"].at(t * len(agency) + n), np.ones(1))]
    income = np.stack([np.nansum(problem.income[:years, of == one], axis=1) for one in a], axis=1)
    labels = {
        "agency_id": np.tile(problem.agency_ids[a], years),
        "year": np.repeat(problem.years[:years], len(a)),
    }
    lower = problem.through_share * income.ravel() / scale.money_gbp
    lower = np.where(np.repeat(problem.past[:years], len(a)), -np.inf, lower)
    model.add_rows("through", rule="B8", labels=labels, terms=terms, lower=lower)


def capital_fits_its_pots(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B11) The capital of programmes that start is paid by pots that may pay for them."""
    p = np.flatnonzero(problem.capital > 0)
    pots, decided = problem.pot_pays.shape[0], len(problem.years)
    if len(p) == 0 or pots == 0:
        return
    chosen = np.searchsorted(np.flatnonzero(problem.must_choose), p)
    many = int(problem.must_choose.sum())
    labels = by_year(problem, {"programme_id": problem.programme_ids[p]})
    rows = np.arange(decided * len(p))
    t, j = rows // len(p), rows % len(p)
    begins = model.columns["begins"].at(t * many + chosen[j])
    k, q = np.nonzero(problem.pot_pays[:, p])
    year = np.arange(decided)[:, None]
    each = model.add_columns("from_pot", size=decided * len(k))
    at = each.at(year * len(k) + np.arange(len(k)))
    money = problem.capital[p] / scale.money_gbp
    terms: list[Any] = [(rows, begins, -money[j]), (year * len(p) + q, at, np.ones(1))]
    lower = np.where(problem.past[t], -np.inf, 0.0)
    model.add_rows("capital", rule="B11", labels=labels, terms=terms, lower=lower)
    held = problem.pot_money / scale.money_gbp
    terms = [(year * pots + k, at, np.ones(1))]
    labels = {"pot": np.tile(np.arange(pots), decided), "year": np.repeat(problem.years, pots)}
    model.add_rows("pots", rule="B11", labels=labels, terms=terms, upper=held.ravel())


def nobody_is_worse_off(model: Model, problem: BudgetProblem, scale: Scale) -> None:
    """(B9) After transfers no agency's position is worse than it would be alone."""
    t, a = np.nonzero(np.isfinite(problem.alone))
    if len(t) == 0:
        return
    agencies, decided = len(problem.agency_ids), len(problem.years)
    giver, taker = np.nonzero(~np.eye(agencies, dtype=bool))
    labels = by_year(
        problem,
        {"from_agency_id": problem.agency_ids[giver], "to_agency_id": problem.agency_ids[taker]},
    )
    transfer = model.add_columns("transfer", labels=labels)
    year = np.arange(decided)[:, None]
    every = transfer.at(year * len(giver) + np.arange(len(giver)))
    of = problem.stream_agency
    agency = of[problem.pair_stream]
    n = np.flatnonzero(agency >= 0)
    row = np.full((decided, agencies), -1)
    worth = np.ones(decided)
    if problem.over_horizon:
        known = np.isfinite(problem.alone).all(axis=0)
        row[:, known] = np.arange(known.sum())
        worth = problem.discount
    else:
        row[t, a] = np.arange(len(t))
    size = int(row.max()) + 1
    if size == 0:
        return
    terms: list[Any] = []

    def add(at: np.ndarray, columns: np.ndarray, values: np.ndarray) -> None:
        at, columns, values = (x.ravel() for x in np.broadcast_arrays(at, columns, values))
        terms.append((at[at >= 0], columns[at >= 0], values[at >= 0]))

    discounted = worth[:, None]
    pay = model.columns["pay"].at(year * len(agency) + n)
    add(row[:, agency[n]], pay, -discounted)
    add(row[:, giver], every, -discounted)
    add(row[:, taker], every, discounted)
    s, b, c, o = np.nonzero(problem.cashable)
    saves = problem.cashable[s, b, c, o] * scale.outcome[o] / scale.money_gbp * worth[s]
    add(row[s, c], model.columns["gain"].at(b * len(problem.outcome_ids) + o), saves)
    if "refund" in model.columns:
        p = np.flatnonzero(problem.programme_agency >= 0)
        back = model.columns["refund"].at(year * len(problem.programme_ids) + p)
        add(row[:, problem.programme_agency[p]], back, discounted)
    f = np.flatnonzero(of >= 0)
    income = summed(np.nan_to_num(problem.income)[:, f], of[f], agencies)
    need = discounted * (problem.alone - income) / scale.money_gbp
    lower = np.zeros(size)
    np.add.at(lower, row[row >= 0], need[row >= 0])
    whose = np.zeros(size, np.int64)
    whose[row[t, a]] = a
    of_row: dict[str, Any] = {"agency_id": problem.agency_ids[whose]}
    if not problem.over_horizon:
        of_row["year"] = problem.years[t]
    near = min(0.1, 5e-9 * float(problem.before.sum())) / scale.money_gbp  # payments are rounded
    model.add_rows("position", rule="B9", labels=of_row, terms=terms, lower=lower - near)
    without = np.flatnonzero(~np.isfinite(problem.alone).all(axis=0))
    if len(without) == 0:
        return
    terms = []
    spans = problem.spans  # of those without a position alone: what they pay is theirs to give
    own = np.searchsorted(without, agency[n])
    mine = np.isin(agency[n], without)
    paying = np.isin(giver, without)
    for k, share in enumerate(spans):
        rows = k * len(without)
        add(rows + own[None, mine], pay[:, mine], share[:, None])
        at = np.searchsorted(without, giver[paying])
        add(rows + at[None, :], every[:, paying], share[:, None])
    has = (spans @ income[:, without]).ravel() / scale.money_gbp
    model.add_rows("given", rule="B9", size=len(has), terms=terms, upper=has + 1e-9)
