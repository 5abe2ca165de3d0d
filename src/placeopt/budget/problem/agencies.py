"""Agencies in a budget problem: their streams and programmes, and their positions (B8, B9).

An agency's position in a year is what it saves in cash (by better outcomes, and by its units that
close because demand no longer needs them, B6), plus what others' streams pay for its programmes,
less what its streams pay for others' programmes.

Where rule B9 asks for ``most_it_could_keep``, a position is the unspent money of the agency's
streams, the cash that better outcomes save it and what providers of its programmes give back.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from placeopt.base.arrays import Bools, Floats, Ints
from placeopt.budget.appraisal.benefits import cashable_per_gain
from placeopt.budget.problem import cash_flows, effects, parts
from placeopt.budget.problem.arrays import BudgetProblem, sum_by_group
from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.benefit_years import counted_years
from placeopt.scenario.rules.budget.money import NobodyWorseOff, Streams


def agencies(place: Place, scenario: Scenario, years: Ints) -> parts.Agencies:
    """Who owns streams and runs programmes; stand-alone positions are not known yet."""
    worse_off = next(iter(scenario.of(NobodyWorseOff)), None)
    ids, decided = place.agencies["agency_id"].to_numpy(str), len(years)
    return parts.Agencies(
        ids=ids,
        cashable=_cashable(place, scenario, decided, counted_years(place, scenario)),
        stand_alone=np.full((decided, len(ids)), np.nan),
        stand_alone_plans=(),
        has_position_rule=worse_off is not None,
        counterfactual=counterfactual(scenario),
        over_horizon=bool(worse_off and worse_off.when == "horizon"),
    )


def counterfactual(scenario: Scenario) -> str:
    """What rule B9 compares positions with; its default where it is not in force."""
    worse_off = next(iter(scenario.of(NobodyWorseOff)), None)
    return worse_off.counterfactual if worse_off else "alone_for_outcomes"


def agency_of(place: Place, table: pd.DataFrame) -> Ints:
    """The agency of each row of a ``table`` of the place, -1 where none."""
    at = pd.Index(place.agencies["agency_id"]).get_indexer(pd.Index(table["agency_id"]))
    return np.asarray(at, np.int64)


def _cashable(place: Place, scenario: Scenario, decided: int, counted: int) -> Floats:
    """(T, B, A, O) GBP of year t to agency a for a unit of gain in counted year b."""
    per_gain = cashable_per_gain(place, scenario.money, counted, counted)
    return per_gain[:decided]


def may_fund_transfers(place: Place, scenario: Scenario) -> Bools:
    """(F,) whether what a stream does not spend may fund transfers.

    Capital may not, nor ring-fenced money unless it is released; all may with
    ``most_it_could_keep``.
    """
    streams = place.streams
    if counterfactual(scenario) == "most_it_could_keep":
        return np.ones(len(streams), bool)
    fenced = np.zeros(len(streams), bool)
    for rule in scenario.of(Streams):
        released = streams["stream_id"].isin(rule.release).to_numpy()
        fenced = streams["ring_fenced"].to_numpy(bool) & ~released
    return ~fenced & (streams["purpose"] != "capital").to_numpy()


def unspent_money(problem: BudgetProblem, pay: Floats) -> Floats:
    """(T, A) GBP of each agency's streams that may fund transfers and ``pay`` (T, N) leaves."""
    spent = sum_by_group(pay, problem.pairs.stream, len(problem.streams.ids))
    f = np.flatnonzero((problem.streams.agency >= 0) & problem.streams.may_fund_transfers)
    unspent_by_stream = (np.nan_to_num(problem.streams.income) - spent)[:, f]
    return sum_by_group(unspent_by_stream, problem.streams.agency[f], len(problem.agencies.ids))


def cross_agency_payments(problem: BudgetProblem, pay: Floats) -> tuple[Floats, Floats]:
    """(T, A) GBP that others' streams pay for each agency's programmes, and the other way round."""
    runner, payer = (
        problem.programmes.agency[problem.pairs.programme],
        problem.streams.agency[problem.pairs.stream],
    )
    agencies = len(problem.agencies.ids)
    received, paid = (
        np.flatnonzero((agency >= 0) & (runner != payer)) for agency in (runner, payer)
    )
    return sum_by_group(pay[:, received], runner[received], agencies), sum_by_group(
        pay[:, paid], payer[paid], agencies
    )


def provider_refunds(problem: BudgetProblem, spend: Floats) -> Floats:
    """(T, A) GBP that providers of each agency's programmes give back for lost results."""
    p = np.flatnonzero(problem.programmes.agency >= 0)
    refunds = cash_flows.refunds(problem, spend)[:, p]
    return sum_by_group(refunds, problem.programmes.agency[p], len(problem.agencies.ids))


def cash_savings(problem: BudgetProblem, spend: Floats) -> Floats:
    """(T, A) GBP that better outcomes save each agency in cash in the decided years."""
    savings: Floats = np.einsum(
        "tbao,bo->ta", problem.agencies.cashable, effects.gain(problem, spend)
    )
    return savings


def freed_money(problem: BudgetProblem, spend: Floats) -> Floats:
    """(T, A) GBP by which each agency's programmes with whole units (B6) cost less than doing
    nothing.

    This is money freed because demand needs fewer units.
    """
    p = np.unique(problem.units.programme[problem.programmes.agency[problem.units.programme] >= 0])
    savings = (problem.programmes.do_nothing - spend)[:, p]
    return sum_by_group(savings, problem.programmes.agency[p], len(problem.agencies.ids))


def agency_positions(problem: BudgetProblem, spend: Floats, pay: Floats) -> Floats:
    """(T, A) GBP, each agency's position before transfers."""
    if problem.agencies.counterfactual == "most_it_could_keep":
        return (
            unspent_money(problem, pay)
            + cash_savings(problem, spend)
            + provider_refunds(problem, spend)
        )
    received, paid = cross_agency_payments(problem, pay)
    return cash_savings(problem, spend) + freed_money(problem, spend) + received - paid


def transferable_money(problem: BudgetProblem, spend: Floats, pay: Floats) -> Floats:
    """(T, A) GBP unspent, saved and given back that an agency may pay to others; may be below 0.

    Cumulative over the years where streams carry unspent money over.
    """
    available = (
        unspent_money(problem, pay)
        + cash_savings(problem, spend)
        + provider_refunds(problem, spend)
    )
    return np.cumsum(available, axis=0) if problem.streams.carry_over else available
