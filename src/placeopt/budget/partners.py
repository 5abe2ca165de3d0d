"""Agencies in a budget problem: whose streams and programmes are whose, what is decided together,
capital pots, and what each agency's position would be alone (B8, B9, B11).

An agency's position in a year is the money of its streams that is not spent, what better outcomes
save it in cash, and what providers of its programmes give back. Alone (B9) is the best position,
discounted, of a plan in which only the agency's own programmes change, paid by its own streams
within its share of the one budget; what its streams pay others and others' streams pay it stays as
today. An agency that could not keep the outcome standards alone has no position alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from placeopt.budget.arrays import BudgetProblem, Floats, Ints, summed
from placeopt.budget.benefits import cashable_per_gain
from placeopt.budget.money import amounts, may_pay
from placeopt.engine import Status
from placeopt.errors import NoPlanError
from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.budget_rules import Capital, NobodyWorseOff, ThroughThePlace
from placeopt.scenario.scenario import SolverSettings


def partners(place: Place, scenario: Scenario, years: Ints) -> dict[str, Any]:
    """The agencies' arrays of a problem; positions alone are not known yet."""
    agencies = pd.Index(place.agencies["agency_id"])
    through = next(iter(scenario.of(ThroughThePlace)), None)
    worse_off = next(iter(scenario.of(NobodyWorseOff)), None)
    money, pays = _pots(place, scenario, years)
    decided = len(years)
    counted = max(decided, scenario.money.benefit_years or 0)
    return {
        "agency_ids": agencies.to_numpy(str),
        "programme_agency": agencies.get_indexer(place.programmes["agency_id"]).astype(np.int64),
        "stream_agency": agencies.get_indexer(place.streams["agency_id"]).astype(np.int64),
        "cashable": _cashable(place, scenario, decided, counted),
        "alone": np.full((decided, len(agencies)), np.nan),
        "alone_plans": (),
        "nobody_worse": worse_off is not None,
        "only_together": place.outcomes["outcome_id"]
        .isin(worse_off.only_together if worse_off else ())
        .to_numpy(bool),
        "over_horizon": bool(worse_off and worse_off.when == "horizon"),
        "through_share": through.share if through else np.nan,
        "through_years": through.first_years if through else 0,
        "pot_money": money,
        "pot_pays": pays,
    }


def _cashable(place: Place, scenario: Scenario, decided: int, counted: int) -> Floats:
    """(T, B, A, O) GBP of year t to agency a for a unit of gain in counted year b."""
    found = cashable_per_gain(place, scenario.money, counted, counted)
    return found[:decided]


def _pots(place: Place, scenario: Scenario, years: Ints) -> tuple[Floats, Any]:
    """(T, K) what each capital pot holds and (K, P) what it may pay for."""
    programmes = len(place.programmes)
    rule = next(iter(scenario.of(Capital)), None)
    if rule is None:
        return np.zeros((len(years), 0)), np.zeros((0, programmes), bool)
    capital = (place.streams["purpose"] == "capital").to_numpy()
    held = np.stack([np.nan_to_num(amounts(place, int(year))[0])[capital] for year in years])
    receipts = np.array([[rule.receipts(t)] for t in range(len(years))])
    if rule.pots == "one":
        return held.sum(axis=1, keepdims=True) + receipts, np.ones((1, programmes), bool)
    pays = np.vstack([may_pay(place, None).T[capital], np.ones((1, programmes), bool)])
    return np.hstack([held, receipts]), pays


def unspent(problem: BudgetProblem, pay: Floats) -> Floats:
    """(T, A) GBP of each agency's streams that ``pay`` (T, N) does not spend."""
    spent = summed(pay, problem.pair_stream, len(problem.stream_ids))
    f = np.flatnonzero(problem.stream_agency >= 0)
    left = (np.nan_to_num(problem.income) - spent)[:, f]
    return summed(left, problem.stream_agency[f], len(problem.agency_ids))


def gained(problem: BudgetProblem, spend: Floats) -> Floats:
    """(T, A) GBP that each agency gains besides: saved in cash, and given back by providers of its
    programmes that are paid by results (B10)."""
    p = np.flatnonzero(problem.programme_agency >= 0)
    back = problem.refunds(spend)[:, p]
    return saved(problem, spend) + summed(
        back, problem.programme_agency[p], len(problem.agency_ids)
    )


def saved(problem: BudgetProblem, spend: Floats) -> Floats:
    """(T, A) GBP that better outcomes save each agency in cash in the decided years."""
    return np.einsum("tbao,bo->ta", problem.cashable, problem.gain(spend))


def with_positions_alone(problem: BudgetProblem, settings: SolverSettings) -> BudgetProblem:
    """The same problem with every agency's position alone, each solved for by itself.

    Raises ``NoPlanError`` where the time limit leaves one of them unknown.
    """
    from placeopt.budget.refine import solve_all

    alone = np.full_like(problem.alone, np.nan)
    plans = []
    for a in range(len(problem.agency_ids)):
        by_itself = alone_problem(problem, a)
        solved = solve_all(by_itself, settings)
        if solved.spend is None and solved.result.status is not Status.INFEASIBLE:
            agency, status = problem.agency_ids[a], solved.result.status
            raise NoPlanError(f"what {agency} could do alone (B9) was not found: {status}")
        if solved.spend is not None and solved.pay is not None:
            position = unspent(by_itself, solved.pay) + gained(by_itself, solved.spend)
            alone[:, a] = position[:, a]
            plans.append((a, solved.spend, solved.pay))
    return replace(problem, alone=alone, alone_plans=tuple(plans))


def alone_problem(problem: BudgetProblem, agency: int) -> BudgetProblem:
    """What an agency decides by itself: everybody else's programmes and payments as today."""
    own = problem.programme_agency == agency
    payer = problem.stream_agency == agency
    decides = payer[problem.pair_stream] & own[problem.pair_programme]
    fixed = np.where(decides, np.nan, problem.pair_before)
    mine = payer[problem.pair_stream]
    today = float(problem.pair_before.sum())
    share = float(problem.pair_before[mine].sum()) / today if today else 0.0
    units = own[problem.unit_programme]
    limited = np.where(np.isfinite(problem.total), problem.total, 0.0)
    total = limited * share + float(problem.pair_before[~mine].sum())
    return replace(
        problem,
        objectives=("position",),
        slack=(),
        seen_by=agency,
        minimum_gain=np.where(problem.only_together, np.nan, problem.minimum_gain),
        target_holds=problem.target_holds & ~problem.only_together,
        pay_fixed=fixed,
        total=np.where(np.isfinite(problem.total), total, np.inf),
        opening_reserve=0.0,
        carry_over=False,
        amount=np.where(payer, problem.amount, np.inf),
        floor=np.where(own, problem.floor, np.minimum(problem.floor, problem.before)),
        maximum=np.where(own, problem.maximum, np.inf),
        upper=np.where(own, problem.upper, np.maximum(problem.upper, problem.before)),
        actual=np.where(own, problem.actual, problem.before),
        contracted=np.where(own, problem.contracted, 0.0),
        must_choose=problem.must_choose & own,
        choice=np.where(own, problem.choice, ""),
        capital=np.where(own, problem.capital, 0.0),
        coherent=(),
        terms=problem.terms.of(own),
        unit_programme=problem.unit_programme[units],
        unit_outcome=problem.unit_outcome[units],
        unit_capacity=problem.unit_capacity[units],
        unit_cost=problem.unit_cost[units],
        closing_cost=problem.closing_cost[units],
        units_today=problem.units_today[units],
        reward=np.zeros_like(problem.reward),
        clawback=np.zeros_like(problem.clawback),
        shortfall_price=np.zeros_like(problem.shortfall_price),
        reinvest_share=np.nan,
        through_share=np.nan,
        alone=np.full_like(problem.alone, np.nan),
        relax="",
    )
