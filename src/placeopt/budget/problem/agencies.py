"""Agencies in a budget problem: whose streams and programmes are whose, what is decided together,
and what each agency's position would be alone (B8, B9).

An agency's position in a year is what it saves in cash (by better outcomes, and by its units that
close because demand needs them no longer, B6), plus what others' streams pay for its programmes,
less what its streams pay for others' programmes. Alone (B9) is its position
in its own best plan by the scenario's own objective and standards, in which only its own programmes
change, paid by its own streams within its share of the one budget; what its streams pay others and
others' streams pay it stays as today. Of plans within a millionth of the best the one that moves
least money from today counts, then the one that spends on the programmes whose ids come first.
Where the solver leaves a wider gap, the range of positions that plans as good can have is worked
out from it. An agency that could not keep the outcome standards alone has no position alone.

Where rule B9 asks for ``most_it_could_keep``, a position is the money of the agency's streams that
is not spent, what better outcomes save it and what providers of its programmes give back, and alone
is the best of these; with ``today`` it is today's position.
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
from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.benefit_years import counted_years
from placeopt.scenario.rules.budget.money import NobodyWorseOff, Streams, ThroughThePlace
from placeopt.scenario.scenario import SolverSettings

if TYPE_CHECKING:
    from placeopt.budget.search.refinement import Solution

TIE_OBJECTIVES = ("moved_from_today", "programme_order")
OPTIMALITY_TOLERANCE = (
    1e-6  # share of its objective within which a plan counts as an agency's best alone
)
MAX_RANGE_SECONDS = 10.0  # for each end of a range in which a position alone lies


def agency_arrays(place: Place, scenario: Scenario, years: Ints) -> dict[str, Any]:
    """The agencies' arrays of a problem; positions alone are not known yet."""
    agencies = pd.Index(place.agencies["agency_id"])
    through = next(iter(scenario.of(ThroughThePlace)), None)
    worse_off = next(iter(scenario.of(NobodyWorseOff)), None)
    kept = worse_off.counterfactual if worse_off else "alone_for_outcomes"
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
        "counterfactual": kept,
        "may_fund_transfers": _may_give(place, scenario, kept),
        "only_together": place.outcomes["outcome_id"]
        .isin(worse_off.only_together if worse_off else ())
        .to_numpy(bool),
        "over_horizon": bool(worse_off and worse_off.when == "horizon"),
        "pooled_share": through.share if through else np.nan,
        "pooled_years": through.first_years if through else 0,
    }


def _cashable(place: Place, scenario: Scenario, decided: int, counted: int) -> Floats:
    """(T, B, A, O) GBP of year t to agency a for a unit of gain in counted year b."""
    found = cashable_per_gain(place, scenario.money, counted, counted)
    return found[:decided]


def _may_give(place: Place, scenario: Scenario, counterfactual: str) -> Bools:
    """(F,) whether what a stream does not spend is its agency's to give: neither capital nor, as
    long as ring-fences hold, ring-fenced; any where the most that it could keep is what counts."""
    streams = place.streams
    if counterfactual == "most_it_could_keep":
        return np.ones(len(streams), bool)
    fenced = np.zeros(len(streams), bool)
    for rule in scenario.of(Streams):
        released = streams["stream_id"].isin(rule.release).to_numpy()
        fenced = streams["ring_fenced"].to_numpy(bool) & ~released
    return ~fenced & (streams["purpose"] != "capital").to_numpy()


def unspent(problem: BudgetProblem, pay: Floats) -> Floats:
    """(T, A) GBP of each agency's streams that may give which ``pay`` (T, N) does not spend."""
    spent = sum_by_group(pay, problem.pair_stream, len(problem.stream_ids))
    f = np.flatnonzero((problem.stream_agency >= 0) & problem.may_fund_transfers)
    left = (np.nan_to_num(problem.stream_income) - spent)[:, f]
    return sum_by_group(left, problem.stream_agency[f], len(problem.agency_ids))


def cross_agency_payments(problem: BudgetProblem, pay: Floats) -> tuple[Floats, Floats]:
    """(T, A) GBP that others' streams pay for each agency's programmes, and that its streams pay
    for programmes that are not its own."""
    runs, pays = (
        problem.programme_agency[problem.pair_programme],
        problem.stream_agency[problem.pair_stream],
    )
    agencies = len(problem.agency_ids)
    got, given = (np.flatnonzero((one >= 0) & (runs != pays)) for one in (runs, pays))
    return sum_by_group(pay[:, got], runs[got], agencies), sum_by_group(
        pay[:, given], pays[given], agencies
    )


def provider_refunds(problem: BudgetProblem, spend: Floats) -> Floats:
    """(T, A) GBP that providers of each agency's programmes give back of what results earned."""
    p = np.flatnonzero(problem.programme_agency >= 0)
    back = problem.refunds(spend)[:, p]
    return sum_by_group(back, problem.programme_agency[p], len(problem.agency_ids))


def cash_savings(problem: BudgetProblem, spend: Floats) -> Floats:
    """(T, A) GBP that better outcomes save each agency in cash in the decided years."""
    return np.einsum("tbao,bo->ta", problem.cashable, problem.gain(spend))


def freed_money(problem: BudgetProblem, spend: Floats) -> Floats:
    """(T, A) GBP by which each agency's programmes that run whole units (B6) cost less than if
    nothing changed: money that is freed as demand needs fewer of them."""
    p = np.unique(problem.unit_programme[problem.programme_agency[problem.unit_programme] >= 0])
    less = (problem.do_nothing - spend)[:, p]
    return sum_by_group(less, problem.programme_agency[p], len(problem.agency_ids))


def agency_positions(problem: BudgetProblem, spend: Floats, pay: Floats) -> Floats:
    """(T, A) GBP, each agency's position before transfers."""
    if problem.counterfactual == "most_it_could_keep":
        return (
            unspent(problem, pay) + cash_savings(problem, spend) + provider_refunds(problem, spend)
        )
    got, given = cross_agency_payments(problem, pay)
    return cash_savings(problem, spend) + freed_money(problem, spend) + got - given


def transferable_money(problem: BudgetProblem, spend: Floats, pay: Floats) -> Floats:
    """(T, A) GBP unspent, saved and given back that an agency may pay others out of, before 0; of
    the years up to each where streams carry what they do not spend."""
    has = unspent(problem, pay) + cash_savings(problem, spend) + provider_refunds(problem, spend)
    return np.cumsum(has, axis=0) if problem.streams_carry_over else has


def with_stand_alone_positions(problem: BudgetProblem, settings: SolverSettings) -> BudgetProblem:
    """The same problem with every agency's position alone, each solved for by itself.

    Raises ``NoPlanError`` where the time limit leaves one of them unknown.
    """
    from placeopt.budget.search.refinement import solve_lexicographic

    if problem.counterfactual == "today":
        got, given = cross_agency_payments(problem, problem.pair_base_spend[None, :])
        return replace(problem, stand_alone=np.tile(got - given, (len(problem.years), 1)))
    if problem.counterfactual == "alone_for_outcomes":
        settings = settings.model_copy(update={"gap": min(settings.gap, OPTIMALITY_TOLERANCE)})
    alone = np.full_like(problem.stand_alone, np.nan)
    plans = []
    for a in range(len(problem.agency_ids)):
        by_itself = stand_alone_problem(problem, a)
        solved = solve_lexicographic(by_itself, settings)
        if solved.spend is None and solved.result.status is not Status.INFEASIBLE:
            agency, status = problem.agency_ids[a], solved.result.status
            raise NoPlanError(f"what {agency} could do alone (B9) was not found: {status}")
        if solved.spend is not None and solved.pay is not None:
            found = agency_positions(by_itself, solved.spend, solved.pay)[:, a]
            alone[:, a] = found
            made = [
                (
                    step.objective,
                    by_itself.objective(step.objective, solved.spend, first=at == 0),
                    np.nan if step.objective in TIE_OBJECTIVES else float(step.bound),
                )
                for at, step in enumerate(solved.steps)
            ]
            low = high = found
            if problem.counterfactual == "alone_for_outcomes":
                low, high = _stand_alone_range(by_itself, solved, found, settings)
            plans.append(StandAlonePlan(a, solved.spend, solved.pay, low, high, tuple(made)))
    return replace(problem, stand_alone=alone, stand_alone_plans=tuple(plans))


def _stand_alone_range(
    problem: BudgetProblem, solved: Solution, found: Floats, settings: SolverSettings
) -> tuple[Floats, Floats]:
    """(T,) GBP, the least and the most that the agency's position alone can be: what was ``found``
    where every objective was made best to a millionth, else what plans as good can reach. The
    bounds of programs whose curves lie above the true ones: no plan that is as good lies outside.
    """
    from placeopt.budget.model import formulation
    from placeopt.budget.search.refinement import Approximation

    cash = problem.cashable[:, :, problem.position_agency]
    own = [name for name in problem.objectives if name not in TIE_OBJECTIVES]
    proven = len(solved.steps) >= len(own)
    assert solved.spend is not None
    for step in solved.steps[: len(own)]:
        value = problem.objective(step.objective, solved.spend, first=step.objective == own[0])
        gap = min(value, step.value) - step.bound
        proven &= bool(gap <= 1.5 * OPTIMALITY_TOLERANCE * max(0.01, abs(step.value)))
    if proven or not (cash.any() or len(problem.unit_programme)):
        return found, found
    limits = {
        step.objective: step.value + OPTIMALITY_TOLERANCE * max(1.0, abs(step.value))
        for step in solved.steps[: len(own)]
    }
    approximation = Approximation(problem)
    approximation.add(solved.spend)
    pieces = approximation.pieces("over")
    ends = {}
    now = (cash_savings(problem, solved.spend) + freed_money(problem, solved.spend))[
        :, problem.position_agency
    ]
    for name, sign in (("cash_least", 1.0), ("cash_most", -1.0)):
        reached = np.empty(len(found))
        for t in range(len(found)):
            only = np.arange(len(found)) == t
            of_year = replace(
                problem,
                objectives=(*problem.objectives, name),
                discount=only.astype(float),
                cashable=problem.cashable * only[:, None, None, None],
            )
            model = formulation.formulate(of_year, pieces, name)
            for kept, limit in limits.items():  # with the years' own discount
                formulation.earlier_objectives_are_kept(
                    model, problem, formulation.scale_of(problem), kept, limit
                )
            result = engine.solve(
                model,
                engine=settings.engine,
                time_limit_seconds=min(MAX_RANGE_SECONDS, settings.time_limit_seconds),
                gap=1e-4,
                threads=settings.threads,
                seed=settings.seed,
            )
            unit = formulation.objective_unit(name, formulation.scale_of(of_year))
            bound = result.bound if np.isfinite(result.bound) else -np.inf
            reached[t] = sign * bound * unit
        ends[name] = found + reached - now
    return np.minimum(ends["cash_least"], found), np.maximum(ends["cash_most"], found)


def stand_alone_problem(problem: BudgetProblem, agency: int) -> BudgetProblem:
    """What an agency decides by itself: everybody else's programmes and payments as today."""
    own = problem.programme_agency == agency
    payer = problem.stream_agency == agency
    decides = payer[problem.pair_stream] & own[problem.pair_programme]
    fixed = np.where(decides, np.nan, problem.pair_base_spend)
    mine = payer[problem.pair_stream]
    today = float(problem.pair_base_spend.sum())
    share = float(problem.pair_base_spend[mine].sum()) / today if today else 0.0
    units = own[problem.unit_programme]
    limited = np.where(np.isfinite(problem.total), problem.total, 0.0)
    total = limited * share + float(problem.pair_base_spend[~mine].sum())
    objectives: tuple[str, ...] = ("position",)
    slack: tuple[float, ...] = ()
    priced = np.zeros_like(problem.shortfall_price)
    if problem.counterfactual == "alone_for_outcomes":
        before = len(problem.objectives) - 1  # objectives whose slack is the scenario's
        kept = [*problem.slack, *(0.0 for _ in range(before))][:before]
        objectives, slack = (
            (*problem.objectives, *TIE_OBJECTIVES),
            (*kept, OPTIMALITY_TOLERANCE / 2, 1e-5),
        )
        priced = np.where(problem.only_together, 0.0, problem.shortfall_price)
    return replace(
        problem,
        objectives=objectives,
        slack=slack,
        position_agency=agency,
        minimum_gain=np.where(problem.only_together, np.nan, problem.minimum_gain),
        target_holds=problem.target_holds & ~problem.only_together,
        fixed_payments=fixed,
        total=np.where(np.isfinite(problem.total), total, np.inf),
        opening_reserve=0.0,
        carry_over=False,
        stream_limit=np.where(payer, problem.stream_limit, np.inf),
        floor=np.where(own, problem.floor, np.minimum(problem.floor, problem.base_spend)),
        maximum=np.where(own, problem.maximum, np.inf),
        upper=np.where(own, problem.upper, np.maximum(problem.upper, problem.base_spend)),
        actual_spend=np.where(own, problem.actual_spend, problem.base_spend),
        contracted_floor=np.where(own, problem.contracted_floor, 0.0),
        is_optional=problem.is_optional & own,
        alternative_set=np.where(own, problem.alternative_set, ""),
        capital=np.where(own, problem.capital, 0.0),
        purchase_groups=(),
        provider_terms=problem.provider_terms.for_programmes(own),
        unit_programme=problem.unit_programme[units],
        unit_outcome=problem.unit_outcome[units],
        unit_capacity=problem.unit_capacity[units],
        unit_cost=problem.unit_cost[units],
        closing_cost=problem.closing_cost[units],
        units_today=problem.units_today[units],
        reward=np.zeros_like(problem.reward),
        clawback=np.zeros_like(problem.clawback),
        shortfall_price=priced,
        reinvest_share=np.nan,
        pooled_share=np.nan,
        stand_alone=np.full_like(problem.stand_alone, np.nan),
        relaxed_rule="",
    )
