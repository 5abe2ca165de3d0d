"""How far can the budget fall before a standard breaks, and which one breaks first?

``order_of_breaking``: the least money that meets every standard, with its proven bound. Just below
that bound one standard must break; the plan that misses standards by least (in ranges, over all
years) shows which. That standard is dropped, and so on until none is left. It is proven to be the
first where every plan that meets it misses the others by more.

Over several years the least money is discounted, and below it every year has a little less.

``path_of_cuts``: the value of the best plan at every total, for problems that are linear programs.
The total is the same in every decided year and nothing carries over. It ranges from the least with
which every year meets the rules to today's money. (Over years that least may be below the most
expensive year of the least money, where one year pays more so that another pays less.) The value is
convex in the total and the dual of the total is its slope, so two solved totals bound it between
them: below by their slopes, above by the straight line. Totals are added where the slopes meet
until both are as close as asked; where they meet exactly, the path is exact.

Source: Eisner and Severance, Mathematical techniques for efficient record segmentation in large
shared databases, Journal of the ACM 23 (1976), for the parametric search.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from placeopt import engine
from placeopt.base.arrays import Floats
from placeopt.base.errors import UsageError
from placeopt.budget.explain.shadow_prices import strong_duality_holds
from placeopt.budget.model import formulation
from placeopt.budget.model.objectives import expression
from placeopt.budget.model.scale import objective_unit, scale_of
from placeopt.budget.problem.arrays import BudgetProblem
from placeopt.budget.problem.build import build_problem
from placeopt.budget.problem.checks import require
from placeopt.budget.search.approximation import Approximation
from placeopt.budget.search.parameters import DEFAULTS
from placeopt.budget.search.refinement import solve_lexicographic
from placeopt.budget.search.rounding import spend_from_result
from placeopt.budget.search.solution import Solution
from placeopt.budget.search.stand_alone import with_stand_alone_positions
from placeopt.engine import Model, Result, Status
from placeopt.engine.model import Terms
from placeopt.engine.settings import Settings
from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.rules.budget.money import OneBudget
from placeopt.scenario.scenario import Objective, SolverSettings

CUT_BELOW_LEAST = 1e-3  # share below the least money at which a standard must break

MAX_POINTS = 200
BREACHES = ("breach_minimum", "breach_target")


def order_of_breaking(place: Place, scenario: Scenario) -> pd.DataFrame:
    """The standards in the order in which they break as the budget falls.

    Args:
        place: The place.
        scenario: The scenario; its total is ignored.

    Returns:
        Columns: step, least_gbp (the least money with the remaining standards), bound_gbp (no
        budget below it meets them), gap_share (of the two), today_gbp (the base year's spending in
        every decided year, discounted alike), cut_share (how far below it), outcome_id, name (of
        the standard that breaks below it; "" in the last row, where only floors and terms are
        left), missed_ranges (how far it is missed just below), proven_first (whether every plan
        that misses standards by least breaks it).

    Raises:
        UsageError: Where the rules without any total allow no plan.
    """
    problem = _problem_without_total(place, scenario)
    cheapest = replace(problem.objectives, names=("least_money",), slack=())
    problem = replace(problem, objectives=cheapest)
    today, rows = float(problem.programmes.base_spend.sum() * problem.horizon.discount.sum()), []
    for step in range(1, len(problem.outcomes.ids) + 2):
        solved = solve_lexicographic(problem, scenario.solver)
        least = solved.result.objective
        if solved.spend is None or least is None:
            if solved.result.status is Status.INFEASIBLE:
                raise UsageError("no money meets the rules: there is no least budget")
            raise UsageError(f"no least budget was found: {solved.result.status}")
        o, missed_ranges, proven = first_to_break(problem, scenario.solver, solved)
        key = str(problem.outcomes.ids[o]) if o is not None else ""
        bound, cut = solved.result.bound, 1 - least / today if today else np.nan
        row = [step, least, bound, max(0.0, least - bound) / least if least else 0.0, today, cut]
        rows.append([*row, key, problem.display_names.get(key, key), missed_ranges, proven])
        if o is None:
            break
        problem = _without_standard(problem, o)
    columns = ["step", "least_gbp", "bound_gbp", "gap_share", "today_gbp", "cut_share"]
    columns += ["outcome_id", "name"]
    return pd.DataFrame(rows, columns=[*columns, "missed_ranges", "proven_first"])


def path_of_cuts(place: Place, scenario: Scenario, *, tolerance: float = 1e-5) -> pd.DataFrame:
    """The value of the best plan at every total, from the least feasible one to today's spending.

    Args:
        place: The place.
        scenario: The scenario; its total is ignored.
        tolerance: Between two rows the value lies on or below the straight line, by at most this
            share of the path's range.

    Returns:
        Columns: total_gbp, objective (of the scenario's first objective, minimised), change_per_gbp
        (what one more GBP changes; below zero is better), standards (ids of the binding standards).

    Raises:
        UsageError: Where a choice or an S-shaped curve makes the problem an integer one.
    """
    problem = _problem_without_total(place, scenario)
    problem = replace(problem, objectives=replace(problem.objectives, slack=()))
    approximation = Approximation(problem, 10 * tolerance, 120)
    lowest = _least_yearly_total(problem, approximation)
    for at in np.linspace(lowest * (1 + 1e-6), problem.programmes.base_spend.sum(), 5):
        total = _same_every_year(problem, at)
        solved = solve_lexicographic(_with_total(problem, total), scenario.solver)
        if solved.spend is not None:
            approximation.add(solved.spend)
    points = _refine_totals(problem, approximation, lowest, tolerance)
    columns = ["total_gbp", "objective", "change_per_gbp", "standards"]
    rows = [[p.total, p.value, p.slope, " ".join(p.standards)] for p in points]
    return pd.DataFrame(rows, columns=columns)


def _problem_without_total(place: Place, scenario: Scenario) -> BudgetProblem:
    """The scenario's problem without its total, with stand-alone positions (B9) where asked for."""
    question = _without_total(scenario)
    require(place, question)
    problem, unsolved = with_stand_alone_positions(build_problem(place, question), question.solver)
    if unsolved is not None:
        raise UsageError(unsolved.message)
    return problem


def _without_standard(problem: BudgetProblem, o: int) -> BudgetProblem:
    """The problem without the standards of one outcome."""
    minimum, target_holds = (
        problem.standards.minimum_gain.copy(),
        problem.standards.target_holds.copy(),
    )
    minimum[:, o], target_holds[:, o] = np.nan, False
    standards = replace(problem.standards, minimum_gain=minimum, target_holds=target_holds)
    return replace(problem, standards=standards)


def _with_total(problem: BudgetProblem, total: Floats) -> BudgetProblem:
    """The problem with another total (T,) of the one budget."""
    return replace(problem, money=replace(problem.money, total=total))


def _least_yearly_total(problem: BudgetProblem, approximation: Approximation) -> float:
    """GBP, the least total with which each decided year meets the rules; adds breakpoints."""
    scale, level = scale_of(problem), np.inf
    for _ in range(DEFAULTS.refinement.max_rounds):
        model = formulation.formulate(problem, approximation.pieces("under"), "least_money")
        columns, values, _ = expression(model, problem, "least_money", scale)
        model.add_cost(columns, -values)  # the most expensive year is minimised instead
        max_year, pay = model.add_columns("dearest", size=1, cost=1.0), model.columns["pay"]
        year = np.repeat(np.arange(len(problem.horizon.years)), len(problem.pairs.stream))
        terms: list[Terms] = [
            (year, pay.all, 1.0),
            (np.arange(len(problem.horizon.years)), max_year.start, -1.0),
        ]
        model.add_rows(
            "within", rule="", labels={"year": problem.horizon.years}, terms=terms, upper=0.0
        )
        if model.arrays().integer.any():
            raise UsageError("a path of cuts needs concave curves and no choices")
        result = engine.solve(model, Settings(gap=0.0))
        if not result.has_plan:
            raise UsageError("no money meets the rules: there is no path")
        approximation.add(spend_from_result(problem, model, result))
        previous, level = level, float(result.value(max_year)[0]) * scale.money_gbp
        if previous - level <= DEFAULTS.refinement.linear_gap * level:
            break
    return level


@dataclass(frozen=True)
class _Point:
    """One solved total: value, slope, and the standards with a dual there."""

    total: float
    value: float
    slope: float
    standards: tuple[str, ...]


def _refine_totals(
    problem: BudgetProblem, approximation: Approximation, least: float, tolerance: float
) -> list[_Point]:
    """Add totals where neighbours' slopes meet, at the widest gap first."""
    largest = max(
        min(
            float(problem.programmes.base_spend.sum()),
            float(problem.streams.limit.sum(axis=1).min()),
        ),
        least,
    )
    ends = [_solve_at(problem, approximation, total) for total in (least * (1 + 1e-6), largest)]
    points = [point for point in ends if point is not None]
    allowed = tolerance * max(1e-9, abs(points[0].value - points[-1].value))
    while len(points) < MAX_POINTS:
        pairs = list(itertools.pairwise(points))
        intersections = [_slope_intersection(left, right) for left, right in pairs]
        widest = int(np.argmax([gap for _, gap in intersections])) if intersections else -1
        if widest < 0 or intersections[widest][1] <= allowed:
            break
        found = _solve_at(problem, approximation, intersections[widest][0])
        if found is None:
            break
        points.insert(widest + 1, found)
    return points


def _slope_intersection(left: _Point, right: _Point) -> tuple[float, float]:
    """Where two neighbours' slopes meet, and how far below the straight line that is."""
    if right.slope - left.slope <= 1e-12 * max(abs(left.slope), abs(right.slope), 1e-300):
        return left.total, 0.0
    at = (left.value - left.slope * left.total) - (right.value - right.slope * right.total)
    at = float(np.clip(at / (right.slope - left.slope), left.total, right.total))
    share = (at - left.total) / (right.total - left.total)
    straight = left.value + share * (right.value - left.value)
    return at, straight - _tangent_value(left, at)


def _tangent_value(point: _Point, total: float) -> float:
    return point.value + point.slope * (total - point.total)


def _solve_at(problem: BudgetProblem, approximation: Approximation, total: float) -> _Point | None:
    """The linear program at one total, with its slope."""
    at = _with_total(problem, _same_every_year(problem, total))
    name, scale = problem.objectives.names[0], scale_of(problem)
    model = formulation.formulate(at, approximation.pieces("under"), name)
    result = engine.solve(model, Settings(gap=0.0))
    if not result.has_plan or not strong_duality_holds(model.arrays(), result):
        return None
    assert result.row_duals is not None
    assert result.objective is not None
    unit = objective_unit(name, scale)
    slope = float(result.row_duals[model.rows["one_budget"].all].sum()) * unit / scale.money_gbp
    standards: list[str] = []
    if "minimum" in model.rows:
        block = model.rows["minimum"]
        priced = result.row_duals[block.start : block.start + block.size] > 1e-9
        standards = [str(key) for key in np.unique(block.labels["outcome_id"][priced])]
    return _Point(total, result.objective * unit, slope, tuple(standards))


def first_to_break(
    problem: BudgetProblem, settings: SolverSettings, solved: Solution
) -> tuple[int | None, float, bool]:
    """Find the standard that breaks first just below the proven least money.

    Args:
        problem: The problem of the least money.
        settings: The scenario's solver settings.
        solved: Its solution.

    Returns:
        The outcome's position (``None`` where no standard breaks), how far it is missed in ranges,
        and whether it is proven to be the first.
    """
    assert solved.spend is not None
    assert solved.pay is not None
    if (
        not np.isfinite(problem.standards.minimum_gain).any()
        and not problem.standards.target_holds.any()
    ):
        return None, 0.0, True
    assert solved.result.objective is not None
    share = max(0.0, solved.result.bound) / max(solved.result.objective, 1e-9)
    total = solved.pay.sum(axis=1) * min(1.0, share) * (1 - CUT_BELOW_LEAST)
    relaxed = replace(_with_total(problem, total), relaxed_rule="B4")
    approximation = Approximation(relaxed)
    approximation.add(solved.spend)
    least, missed = np.inf, np.zeros(len(problem.outcomes.ids))
    for _ in range(DEFAULTS.refinement.max_rounds):
        model = formulation.formulate(relaxed, approximation.pieces("under"), "")
        result = engine.solve(model, Settings.of(settings))
        if not result.has_plan or result.objective is None or result.objective > 0.999 * least:
            break
        least, missed = result.objective, _missed_ranges(problem, model, result)
        approximation.add(spend_from_result(relaxed, model, result))
        if not approximation.errors().any():
            break
    if not np.isfinite(least) and result.status is Status.INFEASIBLE:
        return None, 0.0, True  # another rule breaks
    if not np.isfinite(least) or missed.max() <= 1e-9:
        raise UsageError("which standard breaks first was not found within the time limit")
    o = int(np.argmax(missed))
    model = formulation.formulate(relaxed, approximation.pieces("over"), "")
    for name in BREACHES:
        if name in model.columns:  # the standard holds
            block = model.columns[name]
            outcome_columns = block.at(
                np.flatnonzero(block.labels["outcome_id"] == problem.outcomes.ids[o])
            )
            terms = [(np.arange(len(outcome_columns)), outcome_columns, np.ones(1))]
            model.add_rows(f"no_{name}", rule="", size=len(outcome_columns), terms=terms, upper=0.0)
    other = engine.solve(model, Settings.of(settings))
    proven = other.status is Status.INFEASIBLE or other.bound > least * (1 + 1e-6)
    return o, float(missed[o]), bool(proven)


def _missed_ranges(problem: BudgetProblem, model: Model, result: Result) -> Floats:
    """(O,) the furthest that each standard is missed in any year, in ranges."""
    missed = np.zeros(len(problem.outcomes.ids))
    at = {key: position for position, key in enumerate(problem.outcomes.ids)}
    for name in BREACHES:
        if name in model.columns:
            block = model.columns[name]
            for key, value in zip(block.labels["outcome_id"], result.value(block), strict=True):
                missed[at[key]] = max(missed[at[key]], value)
    return missed


def _same_every_year(problem: BudgetProblem, total: float) -> Floats:
    return np.full(len(problem.horizon.years), float(total))


def _without_total(scenario: Scenario) -> Scenario:
    rules = tuple(rule for rule in scenario.rules if not isinstance(rule, OneBudget))
    return scenario.with_rules(rules).replace(objective=_objective(scenario))


def _objective(scenario: Scenario) -> Objective:
    if "objective" not in scenario.model_fields_set:
        return Objective(minimise=("weighted_outcomes",))
    return Objective(minimise=scenario.objective.minimise[:1])
