"""Solve the objectives one after another and refine the curves until the requested gap is proven.

Each round solves two models. In one the curves are approximated from below: its plan is feasible
and at least as good as in the model. In the other they are approximated from above: its bound
holds for every plan. The gap is the plan's exact value against that bound. Where it is too
wide, the spends of both solutions become breakpoints, so the reported gap includes the error of
the approximation.

Piecewise linear curves have no error, and one model is enough. Ties are broken by least
disruption, and payments stay as close to today's as possible.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from placeopt import engine
from placeopt.base.deadline import Deadline, record_timeout, without_deadline
from placeopt.budget.curves.forms import (
    MIN_PIECE_SHARE,
    Floats,
    Piece,
    Side,
    breakpoints,
    error_bound,
    pieces,
)
from placeopt.budget.model import formulation
from placeopt.budget.model.constraints import payment_by_results
from placeopt.budget.model.constraints.cumulative_effects import CumulativeEffects
from placeopt.budget.model.constraints.remaining_potential import inverse_transforms
from placeopt.budget.problem.arrays import BudgetProblem, sum_by_group
from placeopt.budget.search import column_generation
from placeopt.budget.search.rounding import spend_from_result
from placeopt.engine import Model, Progress, Result, Status
from placeopt.engine.interrupts import until_interrupted
from placeopt.engine.settings import Settings
from placeopt.scenario.scenario import SolverSettings

logger = logging.getLogger("placeopt.budget")

MAX_ROUNDS = 12
LINEAR_GAP = 1e-6  # linear programs are refined to this gap at least
INITIAL_ERROR_SHARE = 2e-2  # of an outcome's range: error aimed at in the first round
BOUND_TOLERANCE = 1e-4  # share of its value by which rounding may take a plan past its bound


@dataclass(frozen=True)
class LexicographicStep:
    """One objective of the lexicographic order, solved.

    Attributes:
        objective: Its name.
        value: Its exact value at the plan, in its own unit.
        bound: The proven bound, in the same unit.
        model: The last model solved.
        result: The result of that model.
        rounds: Rounds of refinement.
    """

    objective: str
    value: float
    bound: float
    model: Model
    result: Result
    rounds: int

    @property
    def gap(self) -> float:
        """The relative gap between value and bound."""
        return max(0.0, self.value - self.bound) / max(1e-9, abs(self.value))


@dataclass(frozen=True)
class Solution:
    """The plan of all objectives; ``spend`` and ``pay`` are ``None`` where there is none.

    Attributes:
        result: The result of the first objective, with the time of all of them.
        spend: (T, P) GBP a year spent on each programme.
        pay: (T, N) GBP a year that each pair of programme and stream pays.
        steps: The objectives that were solved, in order.
        curve_error: (C,) the proven error of each curve's last approximation, in outcome units.
    """

    result: Result
    spend: Floats | None = None
    pay: Floats | None = None
    steps: tuple[LexicographicStep, ...] = ()
    curve_error: Floats = field(default_factory=lambda: np.zeros(0))


class Approximation:
    """The breakpoints of every curve, which only ever grow, and the pieces made from them."""

    def __init__(
        self, problem: BudgetProblem, first_error: float = INITIAL_ERROR_SHARE, max_breaks: int = 40
    ):
        scale = formulation.scale_of(problem)
        lower, upper = problem.lower.min(axis=0), problem.upper.max(axis=0)
        self.problem = problem
        self.exact_at: list[Floats] = []
        self.breakpoints: list[Floats] = []
        for p, o, curve in self._curves():
            today = np.clip(problem.base_spend[p], lower[p], upper[p])
            error = first_error * float(scale.outcome[o])
            self.exact_at.append(np.unique([lower[p], today, upper[p]]))
            self.breakpoints.append(
                breakpoints(curve, lower[p], upper[p], error, today, max_breaks)
            )
        self.inverse_curves = inverse_transforms(problem)
        self.inverse_breakpoints = [
            breakpoints(
                curve, low, top, first_error * float(scale.outcome[o]), max_breaks=max_breaks
            )
            for o, curve, low, top in self.inverse_curves
        ]
        self.cumulative = CumulativeEffects(problem, first_error * scale.outcome, max_breaks)
        self.paid_curves = payment_by_results.paid_curves(problem)

    def _curves(self):
        problem = self.problem
        return zip(problem.curve_programme, problem.curve_outcome, problem.curves, strict=True)

    def pieces(self, side: str) -> list[list[Piece]]:
        """Return the pieces of every curve on one side, in the order that ``formulate`` expects.

        Args:
            side: ``under`` for pieces below the curves, ``over`` for pieces above them.
        """
        curves = zip(self._curves(), self.breakpoints, self.exact_at, strict=True)
        approximated = [pieces(curve, breaks, side, at) for (_, _, curve), breaks, at in curves]  # type: ignore[arg-type]
        potential_pieces = zip(self.inverse_curves, self.inverse_breakpoints, strict=True)
        approximated += [pieces(curve, breaks, side) for (_, curve, *_), breaks in potential_pieces]  # type: ignore[arg-type]
        return approximated + self.cumulative.pieces(side) + self._intervals(side)  # type: ignore[arg-type]

    def _intervals(self, side: Side) -> list[list[Piece]]:
        """The intervals of spending by which providers are paid by results (B10)."""
        return [
            payment_by_results.intervals(
                self.problem.curves[c], self.breakpoints[c], self.exact_at[c], side
            )
            for c in self.paid_curves
        ]

    def errors(self) -> Floats:
        """Return the proven error of each curve, inverse transform and cumulative effect.

        Returns:
            (C + R + L,) errors in the outcome's unit.
        """
        curves = [curve for _, _, curve in self._curves()] + [
            curve for _, curve, *_ in self.inverse_curves
        ]
        pairs = zip(curves, [*self.breakpoints, *self.inverse_breakpoints], strict=True)
        errors = [error_bound(curve, breaks) for curve, breaks in pairs]
        return np.append(errors, self.cumulative.errors())

    def add(self, *spends: Floats) -> None:
        """Make the spends (T, P) breakpoints of every curve, so that it is exact there."""
        for spend in spends:
            self.cumulative.add(spend)
        for i, (o, *_) in enumerate(self.inverse_curves):
            for spend in spends:
                sums = self.problem.transform_sums(spend, o)
                cuts = self.inverse_breakpoints[i]
                sums = sums[(sums > cuts[0]) & (sums < cuts[-1])]
                is_new = [np.abs(cuts - value).min() > 1e-7 * cuts[-1] for value in sums]
                self.inverse_breakpoints[i] = np.unique(np.concatenate([cuts, sums[is_new]]))
        for c, p in enumerate(self.problem.curve_programme):
            cuts = self.breakpoints[c]
            new = np.unique([sums[:, p] for sums in spends]) if spends else np.zeros(0)
            at_start = len(new) > 0 and len(cuts) > 1 and new.min() <= cuts[0]
            if at_start and not np.isfinite(self.problem.curves[c].slope(cuts[0])):
                new = np.append(new, cuts[0] + (cuts[1] - cuts[0]) / 64)  # no tangent there
            new = new[(new > cuts[0]) & (new < cuts[-1])]
            min_distance = 1e-12 * max(1.0, float(cuts[-1]))
            if not self.problem.curves[c].is_concave(float(cuts[0]), float(cuts[-1])):
                min_distance = max(min_distance, MIN_PIECE_SHARE * float(cuts[-1] - cuts[0]))
                exact = self.exact_at[c]
                new = new[np.abs(new[:, None] - exact).min(axis=1, initial=np.inf) > min_distance]
            self.exact_at[c] = np.unique(np.concatenate([self.exact_at[c], new]))
            if len(cuts) > 1 and self.problem.curves[c].form != "points":
                next_index = np.clip(np.searchsorted(cuts, new), 1, len(cuts) - 1)
                new = np.concatenate(
                    [new, (new + cuts[next_index - 1]) / 2, (new + cuts[next_index]) / 2]
                )
            for spend in new:
                spacing = 1e-6 * abs(spend) + min_distance
                if np.abs(cuts - spend).min() > spacing:  # slopes between closer ones are noise
                    cuts = np.append(cuts, spend)
            self.breakpoints[c] = np.sort(cuts)


def solve_lexicographic(
    problem: BudgetProblem,
    settings: SolverSettings,
    progress: Callable[[Progress], None] | None = None,
) -> Solution:
    """Solve the scenario's objectives in order, each kept within its slack for those after it.

    Args:
        problem: The budget problem.
        settings: Time limit, gap, engine, threads and seed.
        progress: Called with the best value and bound of the current objective.

    Returns:
        The plan with its bounds; without ``spend`` where no plan was found.
    """
    started = time.perf_counter()
    approximation = Approximation(problem)
    solver = _TimedSolver(started, settings, progress)
    steps: list[LexicographicStep] = []
    limits: dict[str, float] = {}
    spend = None
    with until_interrupted() as interrupted:
        solver.interrupted = interrupted
        for position, name in enumerate(problem.objectives):
            step, step_spend, last_result = _solve_objective(
                problem, approximation, name, limits, solver
            )
            if step is None or step_spend is None:
                if spend is None:
                    return Solution(replace(last_result, seconds=solver.seconds()))
                break
            spend = step_spend
            steps.append(step)
            slack = problem.slack[position] if position < len(problem.slack) else 0.0
            limits[name] = _objective_limit(step, slack)
    assert spend is not None
    slacks = [*problem.slack, *(0.0 for _ in steps)]
    tie_limits = {
        s.objective: _objective_limit(s, k, 1e-9) for s, k in zip(steps, slacks, strict=False)
    }
    if not interrupted():
        spend = _break_ties_by_disruption(problem, approximation, tie_limits, solver, spend)
    pay, spend = closest_payments(problem, spend, solver)
    first_step = steps[0]
    value = problem.objective(first_step.objective, spend, first=True)
    status = Status.OPTIMAL if len(steps) == len(problem.objectives) else Status.FEASIBLE
    if any(step.result.status is not Status.OPTIMAL for step in steps):
        status = Status.FEASIBLE
    allowed_gap = settings.gap * abs(value) + (problem.slack[0] if problem.slack else 0) * abs(
        value
    )
    if value - first_step.bound > max(allowed_gap, 1e-7):
        status = Status.FEASIBLE
    if interrupted() and status is Status.FEASIBLE:
        status = Status.INTERRUPTED
    result = replace(
        first_step.result,
        status=status,
        objective=value,
        bound=min(first_step.bound, value),
        seconds=solver.seconds(),
        message="; ".join(f"{s.objective} {s.value:.6g}, bound {s.bound:.6g}" for s in steps),
    )
    return Solution(result, spend, pay, tuple(steps), approximation.errors()[: len(problem.curves)])


@dataclass
class _TimedSolver:
    """The engine within the remaining time limit, with the seconds spent by phase."""

    started: float
    settings: SolverSettings
    progress: Callable[[Progress], None] | None
    spent: dict[str, float] = field(default_factory=dict)
    interrupted: Callable[[], bool] = lambda: False

    def remaining_seconds(self) -> float:
        """Seconds until the time limit; 0 after Ctrl-C."""
        if self.interrupted():
            return 0.0
        remaining = self.settings.time_limit_seconds - (time.perf_counter() - self.started)
        return min(remaining, Deadline.enclosing().seconds_left())

    def seconds(self) -> dict[str, float]:
        """Seconds by phase, and in total."""
        return {**self.spent, "total": time.perf_counter() - self.started}

    def solve(self, model: Model, gap: float | None = None, share: float = 1.0) -> Result:
        """Solve a model within a ``share`` of the remaining time."""
        result = engine.solve(
            model,
            Settings(
                engine=self.settings.engine,
                time_limit_seconds=max(0.1, self.remaining_seconds() * share),
                gap=self.settings.gap / 4 if gap is None else gap,
                threads=self.settings.threads,
                seed=self.settings.seed,
            ),
        )
        for name, seconds in result.seconds.items():
            self.spent[name] = self.spent.get(name, 0.0) + seconds
        return result

    def report(self, value: float | None, bound: float) -> None:
        if self.progress:
            self.progress(Progress(time.perf_counter() - self.started, value, bound))


def _solve_objective(
    problem: BudgetProblem,
    approximation: Approximation,
    name: str,
    limits: dict[str, float],
    solver: _TimedSolver,
) -> tuple[LexicographicStep | None, Floats | None, Result]:
    """Solve one objective: return its step and spend (T, P), or ``None``, and the last result."""
    unit = formulation.objective_unit(name, formulation.scale_of(problem))
    first = name == problem.objectives[0]
    value, bound = np.inf, -np.inf
    spend: Floats | None = None
    model: Model | None = None
    plan_result: Result | None = None
    last_result = Result(Status.NO_PLAN, message="no plan within the limit")
    if column_generation.uses_column_generation(problem):
        decomposition = column_generation.decompose(
            problem, name, limits, solver.settings.gap, solver.solve
        )
        bound, model, plan_result = (
            decomposition.bound * unit,
            decomposition.model,
            decomposition.result,
        )
        if decomposition.spend is not None and model is not None and plan_result is not None:
            spend, value = (
                decomposition.spend,
                problem.objective(name, decomposition.spend, first=first),
            )
            bound = _trusted_bound(bound, value, unit)
            solver.report(value, bound)
            if value - bound <= solver.settings.gap * abs(value):
                return (
                    LexicographicStep(name, value, bound, model, plan_result, 1),
                    spend,
                    plan_result,
                )
            approximation.add(spend)
    outcomes_bring_no_money = not (
        len(problem.unit_programme) or problem.reward.any() or problem.clawback.any()
    )
    outcomes_bring_no_money = outcomes_bring_no_money and not (
        problem.cashable.any() or len(problem.provider_terms.programme)
    )
    rounds, is_close = 0, False
    while rounds < MAX_ROUNDS and not is_close:
        rounds += 1
        sides: tuple[Side, ...] = ("over", "under") if approximation.errors().any() else ("under",)
        candidates: list[Floats] = []
        for side in sides:  # a plan from above that holds in truth may save the other model
            candidate_model = formulation.formulate(
                problem, approximation.pieces(side), name, limits=limits
            )
            last_result = solver.solve(candidate_model, share=0.5 if side != sides[-1] else 1.0)
            if side == sides[0]:
                if (
                    last_result.status is Status.INFEASIBLE
                    or last_result.status is Status.UNBOUNDED
                ):
                    if spend is None:
                        return None, None, last_result
                    logger.warning(
                        "a model of %s is reported %s although a plan exists",
                        name,
                        last_result.status,
                    )
                    break
                bound = max(bound, last_result.bound * unit)
            if last_result.has_plan:
                candidate = spend_from_result(problem, candidate_model, last_result)
                candidates.append(candidate)
                candidate_value = problem.objective(name, candidate, first=first)
                is_plan = side == "under" or (
                    outcomes_bring_no_money and _is_feasible(problem, candidate, limits)
                )
                if is_plan and (candidate_value < value or model is None):
                    value, spend = candidate_value, candidate
                    if model is None or side == "under":
                        model, plan_result = candidate_model, last_result
            if spend is not None:
                bound = _trusted_bound(bound, value, unit)
            absolute_gap, target_gap = value - bound, solver.settings.gap / 2
            is_linear = last_result.row_duals is not None
            if is_linear:  # a linear program is cheap to refine further
                target_gap = min(target_gap, LINEAR_GAP)
            is_close = spend is not None and (
                absolute_gap <= target_gap * abs(value) or absolute_gap <= 1e-9
            )
            if is_close and not is_linear:
                break
        solver.report(None if spend is None else value, bound)
        if solver.remaining_seconds() <= 0:
            record_timeout("the refinement of curves")
            break
        if not is_close:
            approximation.add(*candidates)
    if spend is None or model is None or plan_result is None:
        if (
            last_result.status is Status.INFEASIBLE
        ):  # the curves from below only: this proves nothing
            last_result = replace(
                last_result, status=Status.NO_PLAN, message="no plan within the rounds"
            )
        return None, None, last_result
    approximation.add(spend)
    if plan_result.row_duals is not None:  # duals of the last approximation
        under_model = formulation.formulate(
            problem, approximation.pieces("under"), name, limits=limits
        )
        under_result = solver.solve(under_model)
        if under_result.row_duals is not None:
            model, plan_result = under_model, under_result
            candidate = spend_from_result(problem, under_model, under_result)
            candidate_value = problem.objective(name, candidate, first=first)
            if candidate_value <= value:
                value, spend = candidate_value, candidate
                approximation.add(spend)
    return LexicographicStep(name, value, bound, model, plan_result, rounds), spend, last_result


def _trusted_bound(bound: float, value: float, unit: float) -> float:
    """Return the bound, or -inf where a valid plan is better than it.

    In that case either the plan or the bound is wrong, so nothing is proven.
    """
    if bound <= value + BOUND_TOLERANCE * abs(value) + 1e-6 * unit:
        return bound
    logger.warning("a bound of %g lies above a plan of %g and is ignored", bound, value)
    return -np.inf


def _is_feasible(problem: BudgetProblem, spend: Floats, limits: dict[str, float]) -> bool:
    """Whether a spend from the model with curves from above also holds by the true curves.

    Only valid for problems in which outcomes neither bring in nor free money.
    """
    gain = problem.gain(spend)[: len(problem.years)]
    shortfall = np.fmax(problem.minimum_gain - gain, -np.inf)
    target = np.where(problem.target_holds, problem.target_gain - gain, -np.inf)
    if max(np.nanmax(shortfall, initial=-np.inf), target.max(initial=-np.inf)) > 0:
        return False
    if len(problem.evidence_factors):
        robust_shortfall = problem.minimum_gain - problem.robust_gain(spend)
        if np.nanmax(np.fmax(robust_shortfall, -np.inf), initial=-np.inf) > 0:
            return False
    first = problem.objectives[0]
    return all(
        problem.objective(name, spend, first=name == first) <= limit
        for name, limit in limits.items()
    )


def _objective_limit(step: LexicographicStep, slack: float, rounding: float = 1e-8) -> float:
    """The limit of an objective while later ones are minimised, in its own unit."""
    return step.value + slack * abs(step.value) + rounding * max(1.0, abs(step.value))


def _break_ties_by_disruption(
    problem: BudgetProblem,
    approximation: Approximation,
    limits: dict[str, float],
    solver: _TimedSolver,
    spend: Floats,
) -> Floats:
    """Among equally good plans, return the one that moves least money from today's spending."""
    has_choices = problem.is_optional.any() or column_generation.uses_column_generation(problem)
    has_choices = has_choices or len(problem.unit_programme) > 0 or len(problem.groups) > 0
    has_choices = has_choices or len(problem.provider_terms.programme) > 0
    if "least_disruption" in limits or has_choices:
        return spend
    pieces = approximation.pieces("under")
    if any(len(piece) > 1 for piece in pieces):
        return spend
    model = formulation.formulate(problem, pieces, "least_disruption", limits=limits)
    result = solver.solve(model)
    if not result.has_plan:
        return spend
    candidate = spend_from_result(problem, model, result)
    saving = money_moved(problem, spend) - money_moved(problem, candidate)
    return candidate if saving > 1e-6 * problem.base_spend.sum() else spend


def payment_decimals(problem: BudgetProblem) -> int:
    """Decimals of payments: whole pence, or finer where the whole place has little money."""
    return max(2, 8 - int(np.log10(max(1.0, problem.base_spend.sum()))))


def money_moved(problem: BudgetProblem, spend: Floats) -> float:
    """GBP moved up or down against the year before, summed over the decided years."""
    return float(np.abs(np.diff(np.vstack([problem.base_spend, spend]), axis=0)).sum())


def closest_payments(
    problem: BudgetProblem, spend: Floats, solver: _TimedSolver
) -> tuple[Floats, Floats]:
    """Return the payments closest to today's that fund ``spend``.

    Args:
        problem: The budget problem.
        spend: (T, P) GBP a year.
        solver: The solver whose settings are used; it gets a separate time limit.

    Returns:
        (T, N) GBP, rounded, that each stream pays for each programme, and the (T, P) spending that
        these payments fund, which is ``spend`` but for rounding.
    """
    unit_gbp, decided = formulation.scale_of(problem).money_gbp, len(problem.years)
    one_off, pairs = problem.one_off_costs(spend), len(problem.pair_stream)
    result_payments = problem.result_payments(spend)
    refunds = problem.refunds(spend) / unit_gbp
    paid, gain = (spend + one_off + result_payments) / unit_gbp, problem.gain(spend)
    unallocated = problem.unallocated_total(paid.sum(axis=1) * unit_gbp, spend) / unit_gbp
    model = formulation.payments(problem, spend / unit_gbp, paid, gain, refunds, unallocated)
    pay = model.columns["pay"]
    moved = model.add_columns("moved", size=pay.size, cost=1.0)
    n, before = np.arange(pay.size), np.tile(problem.pair_base_spend / unit_gbp, decided)
    up, down = [(n, moved.all, 1.0), (n, pay.all, -1.0)], [(n, moved.all, 1.0), (n, pay.all, 1.0)]
    model.add_rows("up", rule="", size=pay.size, terms=up, lower=-before)
    model.add_rows("down", rule="", size=pay.size, terms=down, lower=before)
    if "transfer" in model.columns:
        model.add_cost(model.columns["transfer"].all, 1e-2)
    # a plan found at the deadline still needs payments
    fresh_solver = _TimedSolver(time.perf_counter(), solver.settings, None)
    with without_deadline():
        result = fresh_solver.solve(model, gap=0.0)
    if not result.has_plan:
        raise RuntimeError(f"no payments for a plan that was found: {result.status}")
    gbp = np.maximum(0.0, result.value(pay)) * unit_gbp
    gbp = np.round(gbp, payment_decimals(problem)).reshape(decided, pairs)
    paid = sum_by_group(gbp, problem.pair_programme, spend.shape[1])
    # a price, not paid
    is_price = np.isin(np.arange(spend.shape[1]), problem.provider_terms.programme)
    return gbp, np.where(is_price, spend, np.maximum(0.0, paid - one_off))
