"""Solve one objective after another, refining the curves until the asked gap is proven.

Each round solves two models: with the curves approximated from below (its plan holds in truth,
and is worth at least what the model says) and from above (its bound holds for every plan). The
plan's exact value against that bound is the gap; where it is too wide, the spends of both
solutions become breakpoints. So the reported gap contains the error of the approximation.

With curves of straight lines there is no error and one model does. Ties are broken by least
disruption, and the payments by staying as close as they can to today's.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from placeopt import engine
from placeopt.base.deadline import ended_by_clock, past_deadline, seconds_left
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
from placeopt.scenario.scenario import SolverSettings

logger = logging.getLogger("placeopt.budget")

MAX_ROUNDS = 12
LINEAR_GAP = 1e-6  # what linear programs are refined to, whatever gap is asked
INITIAL_ERROR_SHARE = 2e-2  # of an outcome's range: what the first round's breakpoints aim at
BOUND_TOLERANCE = 1e-4  # share of a plan's value by which rounding may take it beyond its bound


@dataclass(frozen=True)
class LexicographicStep:
    """One objective solved: its exact value at the plan, its proven bound, the last model."""

    objective: str
    value: float
    bound: float
    model: Model
    result: Result
    rounds: int

    @property
    def gap(self) -> float:
        return max(0.0, self.value - self.bound) / max(1e-9, abs(self.value))


@dataclass(frozen=True)
class Solution:
    """What came of all objectives. ``spend`` (T, P), ``pay`` (T, N) GBP; ``None`` without a plan.

    ``curve_error`` (C,) is the proven error of each curve's last approximation.
    """

    result: Result
    spend: Floats | None = None
    pay: Floats | None = None
    steps: tuple[LexicographicStep, ...] = ()
    curve_error: Floats = field(default_factory=lambda: np.zeros(0))


class Approximation:
    """The breakpoints of every curve, which only ever grow, and the pieces made from them."""

    def __init__(
        self, problem: BudgetProblem, first_error: float = INITIAL_ERROR_SHARE, most: int = 40
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
            self.breakpoints.append(breakpoints(curve, lower[p], upper[p], error, today, most))
        self.inverse_curves = inverse_transforms(problem)
        self.inverse_breakpoints = [
            breakpoints(curve, low, top, first_error * float(scale.outcome[o]), most=most)
            for o, curve, low, top in self.inverse_curves
        ]
        self.cumulative = CumulativeEffects(problem, first_error * scale.outcome, most)
        self.paid_curves = payment_by_results.paid_curves(problem)

    def _curves(self):
        problem = self.problem
        return zip(problem.curve_programme, problem.curve_outcome, problem.curves, strict=True)

    def pieces(self, side: str) -> list[list[Piece]]:
        made = zip(self._curves(), self.breakpoints, self.exact_at, strict=True)
        found = [pieces(curve, cuts, side, at) for (_, _, curve), cuts, at in made]  # type: ignore[arg-type]
        potential_pieces = zip(self.inverse_curves, self.inverse_breakpoints, strict=True)
        found += [pieces(curve, cuts, side) for (_, curve, *_), cuts in potential_pieces]  # type: ignore[arg-type]
        return found + self.cumulative.pieces(side) + self._intervals(side)  # type: ignore[arg-type]

    def _intervals(self, side: Side) -> list[list[Piece]]:
        """What the payments by results are counted on (B10)."""
        return [
            payment_by_results.intervals(
                self.problem.curves[c], self.breakpoints[c], self.exact_at[c], side
            )
            for c in self.paid_curves
        ]

    def errors(self) -> Floats:
        """(C + R + L,) proven error of each curve, each outer function and each level, in its
        outcome's unit."""
        made = [curve for _, _, curve in self._curves()] + [
            curve for _, curve, *_ in self.inverse_curves
        ]
        cuts = zip(made, [*self.breakpoints, *self.inverse_breakpoints], strict=True)
        own = [error_bound(curve, breaks) for curve, breaks in cuts]
        return np.append(own, self.cumulative.errors())

    def add(self, *spends: Floats) -> None:
        """Make these spends (T, P) breakpoints of every curve; it is approximated exactly there."""
        for spend in spends:
            self.cumulative.add(spend)
        for i, (o, *_) in enumerate(self.inverse_curves):
            for spend in spends:
                at = self.problem.transform_sums(spend, o)
                cuts = self.inverse_breakpoints[i]
                at = at[(at > cuts[0]) & (at < cuts[-1])]
                near = [np.abs(cuts - one).min() > 1e-7 * cuts[-1] for one in at]
                self.inverse_breakpoints[i] = np.unique(np.concatenate([cuts, at[near]]))
        for c, p in enumerate(self.problem.curve_programme):
            cuts = self.breakpoints[c]
            new = np.unique([at[:, p] for at in spends]) if spends else np.zeros(0)
            at_start = len(new) > 0 and len(cuts) > 1 and new.min() <= cuts[0]
            if at_start and not np.isfinite(self.problem.curves[c].slope(cuts[0])):
                new = np.append(new, cuts[0] + (cuts[1] - cuts[0]) / 64)  # no tangent there
            new = new[(new > cuts[0]) & (new < cuts[-1])]
            least = 1e-12 * max(1.0, float(cuts[-1]))
            if not self.problem.curves[c].is_concave(float(cuts[0]), float(cuts[-1])):
                least = max(least, MIN_PIECE_SHARE * float(cuts[-1] - cuts[0]))
                known = self.exact_at[c]
                new = new[np.abs(new[:, None] - known).min(axis=1, initial=np.inf) > least]
            self.exact_at[c] = np.unique(np.concatenate([self.exact_at[c], new]))
            if len(cuts) > 1 and self.problem.curves[c].form != "points":
                after = np.clip(np.searchsorted(cuts, new), 1, len(cuts) - 1)
                new = np.concatenate([new, (new + cuts[after - 1]) / 2, (new + cuts[after]) / 2])
            for spend in new:
                near = 1e-6 * abs(spend) + least
                if np.abs(cuts - spend).min() > near:  # slopes between closer ones are noise
                    cuts = np.append(cuts, spend)
            self.breakpoints[c] = np.sort(cuts)


def solve_lexicographic(
    problem: BudgetProblem,
    settings: SolverSettings,
    progress: Callable[[Progress], None] | None = None,
) -> Solution:
    """The scenario's objectives in order, each kept within its slack for those after it."""
    began = time.perf_counter()
    approximation = Approximation(problem)
    clock = _TimedSolver(began, settings, progress)
    steps: list[LexicographicStep] = []
    limits: dict[str, float] = {}
    spend = None
    with until_interrupted() as interrupted:
        clock.interrupted = interrupted
        for position, name in enumerate(problem.objectives):
            step, found, answer = _solve_objective(problem, approximation, name, limits, clock)
            if step is None or found is None:
                if spend is None:
                    return Solution(replace(answer, seconds=clock.seconds()))
                break
            spend = found
            steps.append(step)
            slack = problem.slack[position] if position < len(problem.slack) else 0.0
            limits[name] = _objective_limit(step, slack)
    assert spend is not None
    slacks = [*problem.slack, *(0.0 for _ in steps)]
    ties = {s.objective: _objective_limit(s, k, 1e-9) for s, k in zip(steps, slacks, strict=False)}
    if not interrupted():
        spend = _break_ties_by_disruption(problem, approximation, ties, clock, spend)
    pay, spend = closest_payments(problem, spend, clock)
    first = steps[0]
    value = problem.objective(first.objective, spend, first=True)
    status = Status.OPTIMAL if len(steps) == len(problem.objectives) else Status.FEASIBLE
    if any(step.result.status is not Status.OPTIMAL for step in steps):
        status = Status.FEASIBLE
    allowed = settings.gap * abs(value) + (problem.slack[0] if problem.slack else 0) * abs(value)
    if value - first.bound > max(allowed, 1e-7):
        status = Status.FEASIBLE
    if interrupted() and status is Status.FEASIBLE:
        status = Status.INTERRUPTED
    result = replace(
        first.result,
        status=status,
        objective=value,
        bound=min(first.bound, value),
        seconds=clock.seconds(),
        message="; ".join(f"{s.objective} {s.value:.6g}, bound {s.bound:.6g}" for s in steps),
    )
    return Solution(result, spend, pay, tuple(steps), approximation.errors()[: len(problem.curves)])


@dataclass
class _TimedSolver:
    """What is left of the time limit, and where the time went."""

    started: float
    settings: SolverSettings
    progress: Callable[[Progress], None] | None
    spent: dict[str, float] = field(default_factory=dict)
    interrupted: Callable[[], bool] = lambda: False

    def remaining_seconds(self) -> float:
        """Seconds; none after Ctrl-C."""
        if self.interrupted():
            return 0.0
        left = self.settings.time_limit_seconds - (time.perf_counter() - self.started)
        return min(left, seconds_left())

    def seconds(self) -> dict[str, float]:
        return {**self.spent, "total": time.perf_counter() - self.started}

    def solve(self, model: Model, gap: float | None = None, share: float = 1.0) -> Result:
        """Solve within ``share`` of the time that is left."""
        result = engine.solve(
            model,
            engine=self.settings.engine,
            time_limit_seconds=max(0.1, self.remaining_seconds() * share),
            gap=self.settings.gap / 4 if gap is None else gap,
            threads=self.settings.threads,
            seed=self.settings.seed,
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
    clock: _TimedSolver,
) -> tuple[LexicographicStep | None, Floats | None, Result]:
    """One objective: the stage and its spend (T, P) where there is a plan, and the last answer."""
    unit = formulation.objective_unit(name, formulation.scale_of(problem))
    first = name == problem.objectives[0]
    value, bound = np.inf, -np.inf
    spend: Floats | None = None
    model: Model | None = None
    plan: Result | None = None
    answer = Result(Status.NO_PLAN, message="no plan within the limit")
    if column_generation.uses_column_generation(problem):
        found = column_generation.decompose(problem, name, limits, clock.settings.gap, clock.solve)
        bound, model, plan = found.bound * unit, found.model, found.result
        if found.spend is not None and model is not None and plan is not None:
            spend, value = found.spend, problem.objective(name, found.spend, first=first)
            bound = _trusted_bound(bound, value, unit)
            clock.report(value, bound)
            if value - bound <= clock.settings.gap * abs(value):
                return LexicographicStep(name, value, bound, model, plan, 1), spend, plan
            approximation.add(spend)
    plain = not (len(problem.unit_programme) or problem.reward.any() or problem.clawback.any())
    plain = plain and not (problem.cashable.any() or len(problem.provider_terms.programme))
    rounds, close = 0, False
    while rounds < MAX_ROUNDS and not close:
        rounds += 1
        sides: tuple[Side, ...] = ("over", "under") if approximation.errors().any() else ("under",)
        tried: list[Floats] = []
        for side in sides:  # a plan from above that holds in truth may make the other needless
            solved = formulation.formulate(problem, approximation.pieces(side), name, limits=limits)
            answer = clock.solve(solved, share=0.5 if side != sides[-1] else 1.0)
            if side == sides[0]:
                if answer.status is Status.INFEASIBLE or answer.status is Status.UNBOUNDED:
                    if spend is None:
                        return None, None, answer
                    logger.warning("a model of %s is called %s beside a plan", name, answer.status)
                    break
                bound = max(bound, answer.bound * unit)
            if answer.has_plan:
                candidate = spend_from_result(problem, solved, answer)
                tried.append(candidate)
                reached = problem.objective(name, candidate, first=first)
                truly = side == "under" or (plain and _is_feasible(problem, candidate, limits))
                if truly and (reached < value or model is None):
                    value, spend = reached, candidate
                    if model is None or side == "under":
                        model, plan = solved, answer
            if spend is not None:
                bound = _trusted_bound(bound, value, unit)
            slip, aim = value - bound, clock.settings.gap / 2
            linear = answer.row_prices is not None
            if linear:  # going further costs next to nothing
                aim = min(aim, LINEAR_GAP)
            close = spend is not None and (slip <= aim * abs(value) or slip <= 1e-9)
            if close and not linear:
                break
        clock.report(None if spend is None else value, bound)
        if clock.remaining_seconds() <= 0:
            ended_by_clock("the refinement of curves")
            break
        if not close:
            approximation.add(*tried)
    if spend is None or model is None or plan is None:
        if answer.status is Status.INFEASIBLE:  # of the curves from below only: proves nothing
            answer = replace(answer, status=Status.NO_PLAN, message="no plan within the rounds")
        return None, None, answer
    approximation.add(spend)
    if plan.row_prices is not None:  # prices and limits of the last approximation
        under_model = formulation.formulate(
            problem, approximation.pieces("under"), name, limits=limits
        )
        under = clock.solve(under_model)
        if under.row_prices is not None:
            model, plan = under_model, under
            candidate = spend_from_result(problem, under_model, under)
            reached = problem.objective(name, candidate, first=first)
            if reached <= value:
                value, spend = reached, candidate
                approximation.add(spend)
    return LexicographicStep(name, value, bound, model, plan, rounds), spend, answer


def _trusted_bound(bound: float, value: float, unit: float) -> float:
    """The bound, but where a plan that holds is worth more than it: then one of the two is false,
    and nothing is proven."""
    if bound <= value + BOUND_TOLERANCE * abs(value) + 1e-6 * unit:
        return bound
    logger.warning("a bound of %g lies above a plan of %g and is not believed", bound, value)
    return -np.inf


def _is_feasible(problem: BudgetProblem, spend: Floats, limits: dict[str, float]) -> bool:
    """Whether a spend that the looser model allows also holds by the true curves (of problems
    in which outcomes bring or free no money)."""
    gain = problem.gain(spend)[: len(problem.years)]
    short = np.fmax(problem.minimum_gain - gain, -np.inf)
    target = np.where(problem.target_holds, problem.target_gain - gain, -np.inf)
    if max(np.nanmax(short, initial=-np.inf), target.max(initial=-np.inf)) > 0:
        return False
    if len(problem.evidence_factors):
        bad = problem.minimum_gain - problem.robust_gain(spend)
        if np.nanmax(np.fmax(bad, -np.inf), initial=-np.inf) > 0:
            return False
    first = problem.objectives[0]
    return all(
        problem.objective(name, spend, first=name == first) <= limit
        for name, limit in limits.items()
    )


def _objective_limit(step: LexicographicStep, slack: float, rounding: float = 1e-8) -> float:
    """What an objective may not exceed while later ones are made small, in its own unit."""
    return step.value + slack * abs(step.value) + rounding * max(1.0, abs(step.value))


def _break_ties_by_disruption(
    problem: BudgetProblem,
    approximation: Approximation,
    limits: dict[str, float],
    clock: _TimedSolver,
    spend: Floats,
) -> Floats:
    """Among plans as good, the one that moves least money from today's spending."""
    choices = problem.is_optional.any() or column_generation.uses_column_generation(problem)
    choices = choices or len(problem.unit_programme) > 0 or len(problem.groups) > 0
    choices = choices or len(problem.provider_terms.programme) > 0
    if "least_disruption" in limits or choices:
        return spend
    under = approximation.pieces("under")
    if any(len(piece) > 1 for piece in under):
        return spend
    model = formulation.formulate(problem, under, "least_disruption", limits=limits)
    result = clock.solve(model)
    if not result.has_plan:
        return spend
    found = spend_from_result(problem, model, result)
    saved = money_moved(problem, spend) - money_moved(problem, found)
    return found if saved > 1e-6 * problem.base_spend.sum() else spend


def payment_decimals(problem: BudgetProblem) -> int:
    """Payments are in whole pence; in finer parts where the whole place has little money."""
    return max(2, 8 - int(np.log10(max(1.0, problem.base_spend.sum()))))


def money_moved(problem: BudgetProblem, spend: Floats) -> float:
    """GBP moved up or down against the year before, over the decided years."""
    return float(np.abs(np.diff(np.vstack([problem.base_spend, spend]), axis=0)).sum())


def closest_payments(
    problem: BudgetProblem, spend: Floats, clock: _TimedSolver
) -> tuple[Floats, Floats]:
    """(T, N) GBP, rounded, that each stream pays for each programme, closest to today; and the
    (T, P) spending that these payments make, which is ``spend`` but for rounding."""
    money, decided = formulation.scale_of(problem).money_gbp, len(problem.years)
    one_off, pairs = problem.one_off_costs(spend), len(problem.pair_stream)
    due = problem.result_payments(spend)
    back = problem.refunds(spend) / money
    paid, gain = (spend + one_off + due) / money, problem.gain(spend)
    left = problem.unallocated_total(paid.sum(axis=1) * money, spend) / money
    model = formulation.payments(problem, spend / money, paid, gain, back, left)
    pay = model.columns["pay"]
    moved = model.add_columns("moved", size=pay.size, cost=1.0)
    n, before = np.arange(pay.size), np.tile(problem.pair_base_spend / money, decided)
    up, down = [(n, moved.all, 1.0), (n, pay.all, -1.0)], [(n, moved.all, 1.0), (n, pay.all, 1.0)]
    model.add_rows("up", rule="", size=pay.size, terms=up, lower=-before)
    model.add_rows("down", rule="", size=pay.size, terms=down, lower=before)
    if "transfer" in model.columns:
        model.add_cost(model.columns["transfer"].all, 1e-2)
    late = _TimedSolver(
        time.perf_counter(), clock.settings, None
    )  # a plan found late is still paid
    with past_deadline():
        result = late.solve(model, gap=0.0)
    if not result.has_plan:
        raise RuntimeError(f"no payments for a plan that was found: {result.status}")
    gbp = np.maximum(0.0, result.value(pay)) * money
    gbp = np.round(gbp, payment_decimals(problem)).reshape(decided, pairs)
    paid = sum_by_group(gbp, problem.pair_programme, spend.shape[1])
    by_results = np.isin(
        np.arange(spend.shape[1]), problem.provider_terms.programme
    )  # a price, not paid
    return gbp, np.where(by_results, spend, np.maximum(0.0, paid - one_off))
