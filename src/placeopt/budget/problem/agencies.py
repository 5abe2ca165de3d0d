"""Agencies in a budget problem: their streams and programmes, and their stand-alone positions (B8,
B9).

An agency's position in a year is what it saves in cash (by better outcomes, and by its units that
close because demand no longer needs them, B6), plus what others' streams pay for its programmes,
less what its streams pay for others' programmes. Its stand-alone position (B9) is that of its own
best plan by the scenario's own objective and standards. In that plan only its own programmes
change, paid by its own streams within its share of the one budget; payments between agencies stay
as today. Among plans within a millionth of the best, the one that moves least money from today
counts, then the one that spends on the programmes whose ids come first. Where the solver leaves a
wider gap, the range of positions of equally good plans is computed. An agency that cannot meet the
outcome standards alone has no stand-alone position.

Where rule B9 asks for ``most_it_could_keep``, a position is the unspent money of the agency's
streams, the cash that better outcomes save it and what providers of its programmes give back, and
the stand-alone position is the best of these. With ``today`` it is today's position.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from placeopt import engine
from placeopt.base.errors import NoPlanError
from placeopt.budget.appraisal.benefits import cashable_per_gain
from placeopt.budget.problem.arrays import (
    Bools,
    BudgetProblem,
    Floats,
    Ints,
    StandAlonePlan,
    sum_by_group,
)
from placeopt.engine import Status
from placeopt.engine.settings import Settings
from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.benefit_years import counted_years
from placeopt.scenario.rules.budget.money import NobodyWorseOff, Streams, ThroughThePlace
from placeopt.scenario.scenario import SolverSettings

if TYPE_CHECKING:
    from placeopt.budget.search.refinement import Solution

TIE_OBJECTIVES = ("moved_from_today", "programme_order")
OPTIMALITY_TOLERANCE = 1e-6  # of the objective: within it a plan is as good as the best
MAX_RANGE_SECONDS = 10.0  # for each end of a range of stand-alone positions


def agency_arrays(place: Place, scenario: Scenario, years: Ints) -> dict[str, Any]:
    """The agencies' fields of a problem; stand-alone positions are not known yet."""
    agencies = pd.Index(place.agencies["agency_id"])
    through_rule = next(iter(scenario.of(ThroughThePlace)), None)
    worse_off = next(iter(scenario.of(NobodyWorseOff)), None)
    counterfactual = worse_off.counterfactual if worse_off else "alone_for_outcomes"
    decided = len(years)
    counted = counted_years(place, scenario)
    return {
        "agency_ids": agencies.to_numpy(str),
        "programme_agency": agencies.get_indexer(place.programmes["agency_id"]).astype(np.int64),
        "stream_agency": agencies.get_indexer(place.streams["agency_id"]).astype(np.int64),
        "cashable": _cashable(place, scenario, decided, counted),
        "stand_alone": np.full((decided, len(agencies)), np.nan),
        "stand_alone_plans": (),
        "has_position_rule": worse_off is not None,
        "counterfactual": counterfactual,
        "may_fund_transfers": _may_give(place, scenario, counterfactual),
        "only_together": place.outcomes["outcome_id"]
        .isin(worse_off.only_together if worse_off else ())
        .to_numpy(bool),
        "over_horizon": bool(worse_off and worse_off.when == "horizon"),
        "pooled_share": through_rule.share if through_rule else np.nan,
        "pooled_years": through_rule.first_years if through_rule else 0,
    }


def _cashable(place: Place, scenario: Scenario, decided: int, counted: int) -> Floats:
    """(T, B, A, O) GBP of year t to agency a for a unit of gain in counted year b."""
    per_gain = cashable_per_gain(place, scenario.money, counted, counted)
    return per_gain[:decided]


def _may_give(place: Place, scenario: Scenario, counterfactual: str) -> Bools:
    """(F,) whether what a stream does not spend may fund transfers.

    Capital may not, nor ring-fenced money unless it is released; all may with
    ``most_it_could_keep``.
    """
    streams = place.streams
    if counterfactual == "most_it_could_keep":
        return np.ones(len(streams), bool)
    fenced = np.zeros(len(streams), bool)
    for rule in scenario.of(Streams):
        released = streams["stream_id"].isin(rule.release).to_numpy()
        fenced = streams["ring_fenced"].to_numpy(bool) & ~released
    return ~fenced & (streams["purpose"] != "capital").to_numpy()


def unspent_money(problem: BudgetProblem, pay: Floats) -> Floats:
    """(T, A) GBP of each agency's streams that may fund transfers and ``pay`` (T, N) leaves."""
    spent = sum_by_group(pay, problem.pair_stream, len(problem.stream_ids))
    f = np.flatnonzero((problem.stream_agency >= 0) & problem.may_fund_transfers)
    unspent_by_stream = (np.nan_to_num(problem.stream_income) - spent)[:, f]
    return sum_by_group(unspent_by_stream, problem.stream_agency[f], len(problem.agency_ids))


def cross_agency_payments(problem: BudgetProblem, pay: Floats) -> tuple[Floats, Floats]:
    """(T, A) GBP that others' streams pay for each agency's programmes, and the other way round."""
    runner, payer = (
        problem.programme_agency[problem.pair_programme],
        problem.stream_agency[problem.pair_stream],
    )
    agencies = len(problem.agency_ids)
    received, paid = (
        np.flatnonzero((agency >= 0) & (runner != payer)) for agency in (runner, payer)
    )
    return sum_by_group(pay[:, received], runner[received], agencies), sum_by_group(
        pay[:, paid], payer[paid], agencies
    )


def provider_refunds(problem: BudgetProblem, spend: Floats) -> Floats:
    """(T, A) GBP that providers of each agency's programmes give back for lost results."""
    p = np.flatnonzero(problem.programme_agency >= 0)
    refunds = problem.refunds(spend)[:, p]
    return sum_by_group(refunds, problem.programme_agency[p], len(problem.agency_ids))


def cash_savings(problem: BudgetProblem, spend: Floats) -> Floats:
    """(T, A) GBP that better outcomes save each agency in cash in the decided years."""
    return np.einsum("tbao,bo->ta", problem.cashable, problem.gain(spend))


def freed_money(problem: BudgetProblem, spend: Floats) -> Floats:
    """(T, A) GBP by which each agency's programmes with whole units (B6) cost less than doing
    nothing.

    This is money freed because demand needs fewer units.
    """
    p = np.unique(problem.unit_programme[problem.programme_agency[problem.unit_programme] >= 0])
    savings = (problem.do_nothing - spend)[:, p]
    return sum_by_group(savings, problem.programme_agency[p], len(problem.agency_ids))


def agency_positions(problem: BudgetProblem, spend: Floats, pay: Floats) -> Floats:
    """(T, A) GBP, each agency's position before transfers."""
    if problem.counterfactual == "most_it_could_keep":
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
    return np.cumsum(available, axis=0) if problem.streams_carry_over else available


def with_stand_alone_positions(problem: BudgetProblem, settings: SolverSettings) -> BudgetProblem:
    """Return the problem with every agency's stand-alone position, each solved for separately.

    Raises:
        NoPlanError: Where the time limit leaves one of them unknown.
    """
    from placeopt.budget.search.refinement import solve_lexicographic

    if problem.counterfactual == "today":
        received, paid = cross_agency_payments(problem, problem.pair_base_spend[None, :])
        return replace(problem, stand_alone=np.tile(received - paid, (len(problem.years), 1)))
    if problem.counterfactual == "alone_for_outcomes":
        settings = settings.model_copy(update={"gap": min(settings.gap, OPTIMALITY_TOLERANCE)})
    stand_alone = np.full_like(problem.stand_alone, np.nan)
    plans = []
    for a in range(len(problem.agency_ids)):
        own_problem = stand_alone_problem(problem, a)
        solution = solve_lexicographic(own_problem, settings)
        if solution.spend is None and solution.result.status is not Status.INFEASIBLE:
            agency, status = problem.agency_ids[a], solution.result.status
            raise NoPlanError(f"no plan of {agency} alone (B9) was found: {status}")
        if solution.spend is not None and solution.pay is not None:
            positions = agency_positions(own_problem, solution.spend, solution.pay)[:, a]
            stand_alone[:, a] = positions
            objectives = [
                (
                    step.objective,
                    own_problem.objective(step.objective, solution.spend, first=at == 0),
                    np.nan if step.objective in TIE_OBJECTIVES else float(step.bound),
                )
                for at, step in enumerate(solution.steps)
            ]
            low = high = positions
            if problem.counterfactual == "alone_for_outcomes":
                low, high = _stand_alone_range(own_problem, solution, positions, settings)
            plans.append(
                StandAlonePlan(a, solution.spend, solution.pay, low, high, tuple(objectives))
            )
    return replace(problem, stand_alone=stand_alone, stand_alone_plans=tuple(plans))


def _stand_alone_range(
    problem: BudgetProblem, solution: Solution, positions: Floats, settings: SolverSettings
) -> tuple[Floats, Floats]:
    """Return the least and the most that the agency's stand-alone position can be, (T,) GBP each.

    Both are its position where every objective was optimised to a millionth. Otherwise they are
    what equally good plans can reach, from bounds of programs whose curves lie above the true
    ones: no equally good plan lies outside.
    """
    from placeopt.budget.model import formulation
    from placeopt.budget.search.refinement import Approximation

    cash = problem.cashable[:, :, problem.position_agency]
    objectives = [name for name in problem.objectives if name not in TIE_OBJECTIVES]
    is_proven = len(solution.steps) >= len(objectives)
    assert solution.spend is not None
    for step in solution.steps[: len(objectives)]:
        value = problem.objective(
            step.objective, solution.spend, first=step.objective == objectives[0]
        )
        gap = min(value, step.value) - step.bound
        is_proven &= bool(gap <= 1.5 * OPTIMALITY_TOLERANCE * max(0.01, abs(step.value)))
    if is_proven or not (cash.any() or len(problem.unit_programme)):
        return positions, positions
    limits = {
        step.objective: step.value + OPTIMALITY_TOLERANCE * max(1.0, abs(step.value))
        for step in solution.steps[: len(objectives)]
    }
    approximation = Approximation(problem)
    approximation.add(solution.spend)
    pieces = approximation.pieces("over")
    range_ends = {}
    current_cash = (cash_savings(problem, solution.spend) + freed_money(problem, solution.spend))[
        :, problem.position_agency
    ]
    for name, sign in (("cash_least", 1.0), ("cash_most", -1.0)):
        bounds = np.empty(len(positions))
        for t in range(len(positions)):
            in_year = np.arange(len(positions)) == t
            year_problem = replace(
                problem,
                objectives=(*problem.objectives, name),
                discount=in_year.astype(float),
                cashable=problem.cashable * in_year[:, None, None, None],
            )
            model = formulation.formulate(year_problem, pieces, name)
            for name_of_limit, limit in limits.items():  # with the years' own discount
                formulation.earlier_objectives_are_kept(
                    model, problem, formulation.scale_of(problem), name_of_limit, limit
                )
            result = engine.solve(
                model,
                Settings(
                    engine=settings.engine,
                    time_limit_seconds=min(MAX_RANGE_SECONDS, settings.time_limit_seconds),
                    gap=1e-4,
                    threads=settings.threads,
                    seed=settings.seed,
                ),
            )
            unit = formulation.objective_unit(name, formulation.scale_of(year_problem))
            bound = result.bound if np.isfinite(result.bound) else -np.inf
            bounds[t] = sign * bound * unit
        range_ends[name] = positions + bounds - current_cash
    return np.minimum(range_ends["cash_least"], positions), np.maximum(
        range_ends["cash_most"], positions
    )


def stand_alone_problem(problem: BudgetProblem, agency: int) -> BudgetProblem:
    """The stand-alone problem of one agency: all other programmes and payments as today."""
    is_own = problem.programme_agency == agency
    payer = problem.stream_agency == agency
    is_decided = payer[problem.pair_stream] & is_own[problem.pair_programme]
    fixed_payments = np.where(is_decided, np.nan, problem.pair_base_spend)
    paid_by_agency = payer[problem.pair_stream]
    today = float(problem.pair_base_spend.sum())
    share = float(problem.pair_base_spend[paid_by_agency].sum()) / today if today else 0.0
    units = is_own[problem.unit_programme]
    finite_total = np.where(np.isfinite(problem.total), problem.total, 0.0)
    total = finite_total * share + float(problem.pair_base_spend[~paid_by_agency].sum())
    objectives: tuple[str, ...] = ("position",)
    slack: tuple[float, ...] = ()
    shortfall_price = np.zeros_like(problem.shortfall_price)
    if problem.counterfactual == "alone_for_outcomes":
        earlier_count = len(problem.objectives) - 1  # objectives whose slack is the scenario's
        slacks = [*problem.slack, *(0.0 for _ in range(earlier_count))][:earlier_count]
        objectives, slack = (
            (*problem.objectives, *TIE_OBJECTIVES),
            (*slacks, OPTIMALITY_TOLERANCE / 2, 1e-5),
        )
        shortfall_price = np.where(problem.only_together, 0.0, problem.shortfall_price)
    return replace(
        problem,
        objectives=objectives,
        slack=slack,
        position_agency=agency,
        minimum_gain=np.where(problem.only_together, np.nan, problem.minimum_gain),
        target_holds=problem.target_holds & ~problem.only_together,
        fixed_payments=fixed_payments,
        total=np.where(np.isfinite(problem.total), total, np.inf),
        opening_reserve=0.0,
        carry_over=False,
        stream_limit=np.where(payer, problem.stream_limit, np.inf),
        floor=np.where(is_own, problem.floor, np.minimum(problem.floor, problem.base_spend)),
        maximum=np.where(is_own, problem.maximum, np.inf),
        upper=np.where(is_own, problem.upper, np.maximum(problem.upper, problem.base_spend)),
        actual_spend=np.where(is_own, problem.actual_spend, problem.base_spend),
        contracted_floor=np.where(is_own, problem.contracted_floor, 0.0),
        is_optional=problem.is_optional & is_own,
        alternative_set=np.where(is_own, problem.alternative_set, ""),
        capital=np.where(is_own, problem.capital, 0.0),
        purchase_groups=(),
        provider_terms=problem.provider_terms.for_programmes(is_own),
        unit_programme=problem.unit_programme[units],
        unit_outcome=problem.unit_outcome[units],
        unit_capacity=problem.unit_capacity[units],
        unit_cost=problem.unit_cost[units],
        closing_cost=problem.closing_cost[units],
        units_today=problem.units_today[units],
        reward=np.zeros_like(problem.reward),
        clawback=np.zeros_like(problem.clawback),
        shortfall_price=shortfall_price,
        reinvest_share=np.nan,
        pooled_share=np.nan,
        stand_alone=np.full_like(problem.stand_alone, np.nan),
        relaxed_rule="",
    )
