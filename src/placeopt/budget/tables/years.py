"""A solved budget year by year, as tables in the user's own rows and ids.

spending_by_year   a row a year and programme: what it would spend if nothing changed, what it
                   spends, one-off costs, what results make due less what is withheld for them
                   (B10) and capital besides, whole units run
outcomes_by_year   a row a year and outcome: level if nothing changed and in the plan, met or not
reserves           a row a year (B1): opening, what came in (total, rewards, what providers give
                   back), what was paid, what went back for results that were missed
result_payments    a row a year and outcome that is paid for by results (B4): level and target,
                   reward earned, the part of it that is deferred, money that goes back
provider_results   a row a year and terms of a provider paid by results (B10): price, of it
                   withheld, units paid for, earned, deferred, lost again, given back
positions          a row a year and agency (B9): alone and the range in which that lies, in the plan
                   before and after transfers, and the parts of which it is made
transfers          a row for each payment from one agency to another (B9)
alone_spending     a row for each agency with a position alone, year and programme of its own: what
                   it would spend on it alone (B9), whole units run
alone_payments     the same for each of its streams that would pay
alone_objectives   a row for each of them and objective that its plan was made by, in order: what
                   the plan comes to and the bound that is proven
cash_flow          a row a year, agency and line: if nothing changed, in the plan, saved

Lines of ``cash_flow``: the spending, one-off costs, ``results`` (what they make due less what is
withheld, less what is given back) and capital of the programmes that the agency runs, and
``benefits``, the cash that better outcomes save it (below 0: a cost avoided).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from placeopt import engine
from placeopt.base.deadline import past_deadline
from placeopt.budget.problem.agencies import (
    agency_positions,
    cash_savings,
    cross_agency_payments,
    freed_money,
    provider_refunds,
    stand_alone_problem,
    transferable_money,
    unspent,
)
from placeopt.budget.problem.arrays import BudgetProblem, Floats, sum_by_group
from placeopt.engine import Model

ROUNDING_GBP = 0.05  # GBP that rounding may leave over


def yearly_tables(problem: BudgetProblem, spend: Floats, pay: Floats) -> dict[str, pd.DataFrame]:
    """The tables above; those of a rule that is not in force are left out."""
    tables = {
        "spending_by_year": _spending(problem, spend),
        "outcomes_by_year": _outcomes(problem, spend),
    }
    if np.isfinite(problem.total).all():
        tables["reserves"] = _reserves(problem, spend, pay)
        if problem.reward.any() or problem.clawback.any():
            tables["result_payments"] = _results(problem, spend)
    if len(problem.provider_terms.programme):
        tables["provider_results"] = _providers(problem, spend)
    if problem.has_position_rule:
        tables["positions"], tables["transfers"] = _positions(problem, spend, pay)
        tables |= stand_alone_tables(problem)
    tables["cash_flow"] = _cash_flow(problem, spend)
    return tables


def standard_status(problem: BudgetProblem, after: Floats, level: Floats) -> list[str]:
    """yes, no, or empty where there is no level; a millionth of the level is rounding. (O,)"""
    near = 1e-6 * np.maximum(1e-6, np.maximum(np.abs(level), np.abs(problem.baseline)))
    good = problem.sign * (after - level) >= -near
    return ["" if np.isnan(x) else "yes" if ok else "no" for x, ok in zip(level, good, strict=True)]


def _spending(problem: BudgetProblem, spend: Floats) -> pd.DataFrame:
    units = np.full_like(spend, np.nan)
    units[:, problem.unit_programme] = problem.units_kept(spend)
    rows = _yearly_rows(problem, "programme_id", problem.programme_ids)
    rows["do_nothing_gbp"] = problem.do_nothing.ravel()
    rows["plan_gbp"] = spend.ravel()
    rows["change_gbp"] = rows["plan_gbp"] - rows["do_nothing_gbp"]
    rows["one_off_gbp"] = problem.one_off_costs(spend).ravel()
    if len(problem.provider_terms.programme):
        rows["by_results_gbp"] = problem.result_payments(spend).ravel()
    rows["capital_gbp"] = (problem.starts(spend) * problem.capital).ravel()
    rows["units"] = units.ravel()
    return rows


def _outcomes(problem: BudgetProblem, spend: Floats) -> pd.DataFrame:
    decided = len(problem.years)
    rows = _yearly_rows(problem, "outcome_id", problem.outcome_ids)
    drifted, level = problem.drifted_baseline[:decided], problem.outcome_levels(spend)[:decided]
    rows["do_nothing"], rows["plan"] = drifted.ravel(), level.ravel()
    minimum = drifted + problem.sign * problem.minimum_gain
    target = drifted + problem.sign * problem.target_gain
    rows["minimum_standard"], rows["target"] = minimum.ravel(), target.ravel()
    for name, wanted in (("standard_met", minimum), ("target_met", target)):
        rows[name] = [
            word
            for after, own in zip(level, wanted, strict=True)
            for word in standard_status(problem, after, own)
        ]
    return rows


def _reserves(problem: BudgetProblem, spend: Floats, pay: Floats) -> pd.DataFrame:
    paid = pay.sum(axis=1)
    held = np.round(problem.reserves(paid, spend), 2) + 0.0
    return pd.DataFrame(
        {
            "year": problem.years,
            "opening_gbp": held[:-1],
            "in_gbp": problem.total + problem.rewards(spend) + problem.refunds(spend).sum(axis=1),
            "out_gbp": paid,
            "clawback_gbp": problem.clawback_paid(spend),
            "closing_gbp": held[1:],
        }
    )


def _results(problem: BudgetProblem, spend: Floats) -> pd.DataFrame:
    """What the results of every year earn or cost, by outcome."""
    decided, earned = len(problem.years), problem.rewards_earned(spend)
    rows = _yearly_rows(problem, "outcome_id", problem.outcome_ids)
    rows["plan"] = problem.outcome_levels(spend)[:decided].ravel()
    rows["target"] = (
        problem.drifted_baseline[:decided] + problem.sign * problem.target_gain
    ).ravel()
    rows["reward_gbp"] = earned.ravel()
    rows["deferred_gbp"] = (problem.deferred_share * earned).ravel()
    rows["clawback_gbp"] = problem.clawback_due(spend).ravel()
    return rows[np.tile((problem.reward > 0) | (problem.clawback > 0), decided)].reset_index(
        drop=True
    )


def _providers(problem: BudgetProblem, spend: Floats) -> pd.DataFrame:
    """What the results of every year earn each provider, whenever it is due, and lose again."""
    terms, gain, decided = problem.provider_terms, problem.gain(spend), len(problem.years)
    p, o, bought = terms.programme, terms.outcome, problem.is_bought(spend)
    ids = {"programme_id": problem.programme_ids[p], "outcome_id": problem.outcome_ids[o]}
    rows = _yearly_rows(problem, "programme_id", ids["programme_id"])
    rows["outcome_id"] = np.tile(ids["outcome_id"], decided)
    start = problem.drifted_baseline[:decided, o] + problem.sign[o] * terms.start
    earned, lost = terms.earned_units(gain, bought), terms.lost_units(gain, bought)
    figures = {
        "plan": problem.outcome_levels(spend)[:decided, o],
        "paid_from": start,
        "paid_to": start + problem.sign[o] * terms.span,
        "units_paid": earned,
        "earned_gbp": terms.price * earned,
        "deferred_gbp": terms.deferred_share * terms.price * earned,
        "units_lost": lost,
        "not_paid_gbp": terms.deferred_share * terms.price * lost,
        "clawback_gbp": terms.clawback * lost,
    }
    return rows.assign(**{name: values.ravel() for name, values in figures.items()})


def _positions(
    problem: BudgetProblem, spend: Floats, pay: Floats
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Where each agency stands in the plan, and who pays whom."""
    own = np.maximum(0.0, transferable_money(problem, spend, pay))
    if problem.counterfactual == "most_it_could_keep":
        own = unspent(problem, pay)
    before, cash = agency_positions(problem, spend, pay), cash_savings(problem, spend)
    left = np.full(len(spend), np.inf)
    if problem.total_limits_transfers:
        left = problem.unallocated_total(pay.sum(axis=1), spend)
    moved = least_transfers(problem, before, own, cash, left)  # (T, from, to)
    net = moved.sum(axis=1) - moved.sum(axis=2)
    rows = stand_alone_positions(problem)
    got, given = cross_agency_payments(problem, pay)
    parts = {
        "cashable_gbp": cash,
        "freed_gbp": freed_money(problem, spend),
        "paid_by_others_gbp": got,
        "paid_for_others_gbp": given,
        "given_back_gbp": provider_refunds(problem, spend),
        "unspent_gbp": unspent(problem, pay),
        "plan_before_transfers_gbp": before,
        "transfers_gbp": net,
        "plan_gbp": before + net,
    }
    rows = rows.assign(**{name: values.ravel() + 0.0 for name, values in parts.items()})
    t, a, b = np.nonzero(moved > 0)
    columns = {
        "year": problem.years[t],
        "from_agency_id": problem.agency_ids[a],
        "to_agency_id": problem.agency_ids[b],
        "amount_gbp": moved[t, a, b],
    }
    return rows, pd.DataFrame(columns)


def stand_alone_positions(problem: BudgetProblem) -> pd.DataFrame:
    """A row for each year and agency: its position alone and the range in which that lies."""
    low, high = problem.stand_alone.copy(), problem.stand_alone.copy()
    for one in problem.stand_alone_plans:
        low[:, one.agency], high[:, one.agency] = one.low, one.high
    rows = _yearly_rows(problem, "agency_id", problem.agency_ids)
    for name, values in (("alone", problem.stand_alone), ("alone_low", low), ("alone_high", high)):
        rows[f"{name}_gbp"] = values.ravel() + 0.0
    return rows


def stand_alone_tables(problem: BudgetProblem) -> dict[str, pd.DataFrame]:
    """The plans behind the positions alone: of every agency, only what it decides by itself."""
    years, decided = problem.years, len(problem.years)
    spending, payments, objectives = [], [], []
    for one in problem.stand_alone_plans:
        a, by_itself = one.agency, stand_alone_problem(problem, one.agency)
        p = np.flatnonzero(problem.programme_agency == a)
        units = np.full_like(one.spend, np.nan)
        units[:, by_itself.unit_programme] = by_itself.units_kept(one.spend)
        rows = {
            "agency_id": problem.agency_ids[a],
            "year": np.repeat(years, len(p)),
            "programme_id": np.tile(problem.programme_ids[p], decided),
            "before_gbp": np.tile(problem.base_spend[p], decided),
            "alone_gbp": one.spend[:, p].ravel(),
            "units": units[:, p].ravel(),
        }
        spending.append(pd.DataFrame(rows))
        assert by_itself.fixed_payments is not None
        n = np.flatnonzero(np.isnan(by_itself.fixed_payments))
        rows = {
            "agency_id": problem.agency_ids[a],
            "year": np.repeat(years, len(n)),
            "programme_id": np.tile(problem.programme_ids[problem.pair_programme[n]], decided),
            "stream_id": np.tile(problem.stream_ids[problem.pair_stream[n]], decided),
            "before_gbp": np.tile(problem.pair_base_spend[n], decided),
            "alone_gbp": one.pay[:, n].ravel(),
        }
        paid = pd.DataFrame(rows)
        payments.append(paid[(paid["before_gbp"] != 0) | (paid["alone_gbp"] != 0)])
        made = pd.DataFrame(one.objectives, columns=["objective", "alone", "bound"])
        made.insert(0, "agency_id", problem.agency_ids[a])
        objectives.append(made)
    columns = ["agency_id", "year", "programme_id"]
    money = ["before_gbp", "alone_gbp"]
    tables = {}
    for name, parts, headings in (
        ("alone_spending", spending, [*columns, *money, "units"]),
        ("alone_payments", payments, [*columns, "stream_id", *money]),
        ("alone_objectives", objectives, ["agency_id", "objective", "alone", "bound"]),
    ):
        none = pd.DataFrame(columns=headings)
        tables[name] = pd.concat(parts, ignore_index=True) if parts else none
    return tables


def least_transfers(
    problem: BudgetProblem,
    before: Floats,
    own: Floats,
    cash: Floats | None = None,
    left: Floats | None = None,
) -> Floats:
    """(T, A, A) GBP from one agency to another so that nobody is worse off than alone.

    As little as can be: every agency that is short gets just what it lacks, paid by those that
    have something over and may give it, in proportion to that. ``own`` (T, A) is what each may
    give: of the year, or of the years up to it where streams carry; one without a position alone
    lacks nothing and has that over. ``cash`` (T, A) is what each saves in a year, and ``left`` (T,)
    what the one budget leaves for all that they give beyond it. Where the most that it could keep
    is what counts, an agency with a position alone gives whatever it has over. Over the horizon
    what is short is so over all years, and is paid in the years in which the payer may give. Where
    years are linked and proportions do not fit, any payments that do are taken, the least in all.
    """
    known = np.isfinite(problem.stand_alone).all(axis=0)
    over = np.where(known, before - problem.stand_alone, own)
    over = np.where(np.abs(over) < ROUNDING_GBP, 0.0, over)
    keeps = problem.counterfactual == "most_it_could_keep"
    cash = own if cash is None else cash
    left = np.full(len(own), np.inf) if left is None else left
    held = np.maximum(0.0, own)
    if problem.streams_carry_over:  # what can be given in a year and is not needed later
        held = np.minimum.accumulate(held[::-1])[::-1]
    if keeps or not problem.streams_carry_over or problem.over_horizon:
        moved = _in_proportion(problem, over, own, held, cash, left)
        if keeps or _fits_in_total(problem, moved, cash, left):
            return moved
    return _least_by_program(problem, np.where(known, over, np.inf), held, cash, left)


def _in_proportion(
    problem: BudgetProblem, over: Floats, own: Floats, held: Floats, cash: Floats, left: Floats
) -> Floats:
    """(T, A, A) GBP, what is short, paid in proportion to what others have over and may give."""
    known = np.isfinite(problem.stand_alone).all(axis=0)
    keeps = problem.counterfactual == "most_it_could_keep"
    years = np.diff(held, axis=0, prepend=0.0) if problem.streams_carry_over and not keeps else own
    if problem.over_horizon:
        surplus = np.maximum(0.0, over) if keeps else np.maximum(0.0, years)
        if not keeps:
            surplus = np.stack(
                [_within_total(*one) for one in zip(surplus, cash, left, strict=True)]
            )
        total, most = problem.discount @ over, problem.discount @ surplus
        spare = np.minimum(np.where(known, np.maximum(0.0, total), most), most)
        given = _proportional_transfers(np.where(known, np.maximum(0.0, -total), 0.0), spare)
        when = surplus / np.maximum(most, 1e-300)  # (T, A)
        return when[:, :, None] * given[None]
    moved = np.zeros((*over.shape, over.shape[1]))
    rest = np.zeros(over.shape[1])
    for t in range(len(over)):
        rest = (rest if problem.streams_carry_over else 0.0) + years[t]
        may = np.where(known & keeps, np.inf, np.maximum(0.0, rest))
        spare = np.minimum(np.where(known, np.maximum(0.0, over[t]), np.inf), may)
        if not keeps:
            spare = _within_total(spare, cash[t], left[t])
        moved[t] = _proportional_transfers(np.where(known, np.maximum(0.0, -over[t]), 0.0), spare)
        rest = rest - moved[t].sum(axis=1)
    return moved


def _within_total(spare: Floats, cash: Floats, left: float) -> Floats:
    """(A,) what each has ``spare``, less of it where what is not saved is more than is ``left``."""
    of_saved = np.minimum(spare, np.maximum(0.0, cash))
    unspent = spare - of_saved
    return of_saved + unspent * min(1.0, left / max(unspent.sum(), 1e-300))


def _fits_in_total(problem: BudgetProblem, moved: Floats, cash: Floats, left: Floats) -> bool:
    """Whether what is paid beyond what is saved is ``left`` (T,) by the one budget (B1)."""
    out = moved.sum(axis=2)
    if problem.streams_carry_over:
        out, cash = np.cumsum(out, axis=0), np.cumsum(cash, axis=0)
    unspent = np.maximum(0.0, out - np.maximum(0.0, cash))
    if problem.streams_carry_over:
        unspent = np.maximum.accumulate(unspent, axis=0)
        left = left if problem.carry_over else np.cumsum(left)
    elif problem.carry_over:
        unspent = np.cumsum(unspent, axis=0)
    return bool((unspent.sum(axis=1) <= left + ROUNDING_GBP / 10).all())


def _least_by_program(
    problem: BudgetProblem, over: Floats, held: Floats, cash: Floats, left: Floats
) -> Floats:
    """(T, A, A) GBP, the least that can be paid so that nobody whose ``over`` (T, A) is below 0 is
    short, in a year or over the horizon, nobody pays more than it has over, than ``held`` (T, A)
    and, with all others, than it saves and is ``left`` (T,) by the one budget (B1)."""
    decided, agencies = over.shape
    giver, taker = np.nonzero(~np.eye(agencies, dtype=bool))
    model, year = Model("transfers"), np.arange(decided)[:, None]
    unit = max(1.0, float(np.abs(over[np.isfinite(over)]).max(initial=0.0)))
    horizon = problem.over_horizon
    rows = agencies if horizon else decided * agencies
    moved = model.add_columns("transfer", size=decided * len(giver), cost=1.0)
    slip = model.add_columns("slip", size=rows, cost=1e3)  # for rounding
    unspent = model.add_columns("from_unspent", size=decided * agencies)
    at = moved.at(year * len(giver) + np.arange(len(giver)))
    first = 0 * year if horizon else year * agencies
    worth = problem.discount[:, None] if horizon else np.ones((1, 1))
    terms: list[Any] = [(first + taker, at, worth), (first + giver, at, -worth)]
    terms.append((np.arange(rows), slip.all, np.ones(1)))
    short = -(problem.discount @ over) if horizon else -over.ravel()
    need = np.where(np.isfinite(short), short, -np.inf) / unit
    model.add_rows("position", rule="B9", size=rows, terms=terms, lower=need)
    one, of_saved = np.ones(1), np.arange(agencies)
    given: list[Any] = []
    taken: list[Any] = []
    for k, s in zip(*np.nonzero(problem.transfer_periods), strict=True):
        given.append((k * agencies + giver, at[s], one))
        taken.append((k * agencies + of_saved, unspent.at(s * agencies + of_saved), -one))
    size = decided * agencies
    most = held.ravel() / unit
    model.add_rows("given", rule="B9", size=size, terms=given, upper=most)
    most = np.maximum(0.0, problem.transfer_periods @ cash).ravel() / unit
    model.add_rows("given_from_saved", rule="B9", size=size, terms=[*given, *taken], upper=most)
    if problem.total_limits_transfers:
        linked = np.tril(np.ones((decided, decided))) if problem.carry_over else np.eye(decided)
        t, s = np.nonzero(linked)
        terms = [(t[:, None], unspent.at(s[:, None] * agencies + of_saved), np.ones((1, 1)))]
        model.add_rows("left", rule="B1", size=decided, terms=terms, upper=left / unit)
    with past_deadline():
        result = engine.solve(model, time_limit_seconds=60.0)
    found = np.zeros((decided, agencies, agencies))
    found[:, giver, taker] = result.value(moved).reshape(decided, -1) * unit
    return np.where(found < ROUNDING_GBP / 10, 0.0, found)


def _proportional_transfers(lacks: Floats, spare: Floats) -> Floats:
    """(A, A) what each gives to each: all that is lacking, in proportion to what is spare."""
    return np.outer(spare / max(spare.sum(), 1e-300), lacks)


def _cash_flow(problem: BudgetProblem, spend: Floats) -> pd.DataFrame:
    agencies = len(problem.agency_ids)
    owner = np.where(problem.programme_agency < 0, agencies, problem.programme_agency)

    def by_agency(gbp: Floats) -> Floats:
        return sum_by_group(gbp, owner, agencies + 1)

    none = np.zeros((len(spend), agencies + 1))
    gained = none.copy()
    gained[:, :agencies] = -cash_savings(problem, spend)
    lines = {
        "spending": (by_agency(problem.do_nothing), by_agency(spend)),
        "one_off": (none, by_agency(problem.one_off_costs(spend))),
        "results": (
            none,
            by_agency(problem.result_payments(spend) - problem.refunds(spend)),
        ),
        "capital": (none, by_agency(problem.starts(spend) * problem.capital)),
        "benefits": (none, gained),
    }
    parts = []
    for line, (nothing, plan) in lines.items():
        rows = _yearly_rows(problem, "agency_id", np.append(problem.agency_ids, ""))
        rows["line"] = line
        rows["do_nothing_gbp"], rows["plan_gbp"] = nothing.ravel(), plan.ravel()
        rows["saving_gbp"] = rows["do_nothing_gbp"] - rows["plan_gbp"]
        parts.append(rows[(rows["do_nothing_gbp"] != 0) | (rows["plan_gbp"] != 0)])
    return pd.concat(parts, ignore_index=True)


def _yearly_rows(problem: BudgetProblem, key: str, ids: np.ndarray) -> pd.DataFrame:
    """A row for each decided year and id."""
    decided = len(problem.years)
    columns = {"year": np.repeat(problem.years, len(ids)), key: np.tile(ids, decided)}
    return pd.DataFrame(columns)
