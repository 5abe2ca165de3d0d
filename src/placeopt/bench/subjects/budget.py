"""Budgets as cases: one budget of synthetic counties, cut by a tenth; S-shaped services; and
many programmes over years, with and without a pace.

Engines: ``placeopt`` is ``placeopt.budget.solve`` (curves refined until the gap is proven);
``cbc``, ``scip`` and the others do the same rounds with that engine; ``pulp-highs`` and
``pulp-cbc`` solve the reference model ``models/budget.py``, which cuts every curve into 200
straight pieces. Every plan passes the budget's verifier; objectives are recomputed on the curves.
"""

from __future__ import annotations

import pickle
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from placeopt.bench.case import Case
from placeopt.bench.subjects.estate import objective_faults, record_of_result, record_trace
from placeopt.bench.subjects.subject import COMPACT_MODEL_ENGINES, PULP_ENGINES, SolveSettings

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.engine import Model, Plan
    from placeopt.place import Place
    from placeopt.scenario import Scenario

OBJECTIVE = "weighted_outcomes"
CUT_SHARE = 0.1  # share of today's money that is cut


@dataclass(frozen=True)
class Budget:
    """A place and the question about it.

    Attributes:
        place: The place.
        scenario: The question.
        total_gbp: The money available.
    """

    place: Place
    scenario: Scenario
    total_gbp: float


class BudgetCases:
    """See ``subjects.Subject``; an instance is a ``Budget``."""

    min_gap = 1e-4

    def engines(self, case: Case) -> tuple[str, ...]:
        continuous_engines = tuple(
            name for name in COMPACT_MODEL_ENGINES if name != "cp-sat"
        )  # it takes integers only
        is_one_year = case.options.get("years", 1) == 1  # the reference model has one year only
        return ("placeopt", *continuous_engines, *(PULP_ENGINES if is_one_year else ()))

    def make_instance(self, case: Case) -> Budget:
        if case.generator == "s-curves":
            return _s_curves(int(case.options["services"]), int(case.options["seed"]))
        if case.generator == "programmes":
            return _programmes(**case.options)
        return _counties(int(case.options["counties"]), int(case.options["seed"]))

    def warm_up_cases(self, case: Case) -> list[Case]:
        options = {"services": 3, "seed": 1}
        return [Case("warm", "warm", "budget", "s-curves", options=options)]

    def solve(self, instance: Budget, settings: SolveSettings) -> dict[str, Any]:
        question = self._with_settings(instance, settings)
        if settings.engine in PULP_ENGINES:
            record, plan = _solve_reference_model(question, settings)
        else:
            from placeopt import budget

            trace: list[list[float | None]] = []
            answer = budget.solve(question.place, question.scenario, progress=record_trace(trace))
            record = record_of_result(
                answer.result, f"placeopt.budget.solve, {settings.engine}", trace
            )
            plan = answer.plan
        if plan is not None:
            (settings.folder / "plan.pickle").write_bytes(pickle.dumps(plan))
        return record

    def check(self, instance: Budget, record: dict[str, Any], folder: Path) -> dict[str, Any]:
        """Check the plan's tables with the budget's verifier, and the objective they add up to."""
        from placeopt.budget.verify import verify

        file = folder / "plan.pickle"
        if not file.is_file():
            return {"verified": False, "fault": "there is no plan to check"}
        plan: Plan = pickle.loads(file.read_bytes())  # written by our own worker
        verification = verify(instance.place, instance.scenario, plan)
        faults = [f"{check.name}: {check.detail}" for check in verification.broken]
        faults += objective_faults(plan, OBJECTIVE, record["objective"])
        return {"verified": not faults, "fault": "; ".join(faults)}

    def model(self, instance: Budget) -> Model:
        """The first round's model, its curves approximated from below."""
        from placeopt.budget.model.formulation import formulate
        from placeopt.budget.problem.build import build_problem
        from placeopt.budget.search.approximation import Approximation

        problem = build_problem(instance.place, instance.scenario)
        return formulate(problem, Approximation(problem).pieces("under"), OBJECTIVE)

    def _with_settings(self, instance: Budget, settings: SolveSettings) -> Budget:
        engine = "highs" if settings.engine in ("placeopt", *PULP_ENGINES) else settings.engine
        solver_settings = {
            "time_limit_seconds": settings.seconds,
            "gap": settings.gap,
            "threads": 1,
            "seed": settings.seed,
            "engine": engine,
        }
        solver = instance.scenario.solver.model_copy(update=solver_settings)
        scenario = instance.scenario.model_copy(update={"solver": solver})
        return Budget(instance.place, scenario, instance.total_gbp)


def _s_curves(services: int, seed: int) -> Budget:
    """Hill curves as in ``benchmarks/s_curves.py``: exponent 2 to 5, ten pounds a service."""
    from placeopt.budget.published_cases import s_curve_place

    rng = np.random.default_rng([seed, services])
    slope, kappa = rng.uniform(2, 5, services), rng.uniform(10, 40, services)
    beta, money = rng.uniform(60, 150, services), 10.0 * services
    place, scenario = s_curve_place(slope.tolist(), kappa.tolist(), beta.tolist(), money)
    return Budget(place, scenario, money)


def _programmes(
    programmes: int, outcomes: int, years: int, *, concave: bool, pace: bool, seed: int
) -> Budget:
    from placeopt.bench.subjects.many_programmes import make_scenario, many_programmes

    place = many_programmes(programmes, outcomes, years, concave=concave, seed=seed)
    money = (1 - CUT_SHARE) * float(place.spending["amount_gbp"].sum())
    return Budget(place, make_scenario(years, 1e-3, 60.0, pace=pace), money)


def _counties(count: int, seed: int) -> Budget:
    """The budgets of ``count`` synthetic counties as one, with a tenth less money in all."""
    import pandas as pd

    from placeopt.place import PlaceInfo, synthesise
    from placeopt.place.tables import Place
    from placeopt.scenario import Scenario
    from placeopt.scenario.rules.budget.money import OneBudget

    counties = [synthesise(seed=1000 * seed + i) for i in range(count)]
    names = {name for name, table in counties[0].tables.items() if len(table)}
    money_tables = names & _MONEY_TABLES
    tables = {
        name: pd.concat(
            [_with_prefixed_ids(place.tables[name], i) for i, place in enumerate(counties)],
            ignore_index=True,
        )
        if name in money_tables
        else counties[0].tables[name].head(0)
        for name in counties[0].tables
    }
    place = Place(PlaceInfo(f"{count} counties", made_up=True), tables)
    scenario = Scenario(
        question="How is one smaller budget split?",
        problem="budget",
        rules=(OneBudget(reduction_share=CUT_SHARE),),
    )
    spent = place.spending[place.spending["year"] == place.spending["year"].max()]
    return Budget(place, scenario, (1 - CUT_SHARE) * float(spent["amount_gbp"].sum()))


_MONEY_TABLES = {
    "agencies", "programmes", "streams", "stream_amounts", "stream_programmes", "spending",
    "outcomes", "curves", "curve_points",
}  # fmt: skip


def _with_prefixed_ids(table: pd.DataFrame, number: int) -> pd.DataFrame:
    """A county's table with its number before every id."""
    ids = [str(name) for name in table if str(name).endswith("_id")]
    return table.assign(**{
        name: table[name].where(table[name] == "", f"{number}_" + table[name].astype(str))
        for name in ids
    })  # fmt: skip


def _solve_reference_model(
    question: Budget, settings: SolveSettings
) -> tuple[dict[str, Any], Plan | None]:
    """Solve ``models/budget.py`` by PuLP.

    Its optimum is that of piecewise-linear curves, a little below the true one. PuLP passes on no
    bound, so a proof is only a claim.
    """
    from dataclasses import replace

    from placeopt.bench.rivals.textbook import reference_model, solve_with_pulp
    from placeopt.budget.problem.build import build_problem
    from placeopt.budget.problem.objective_values import objective_value
    from placeopt.budget.search.solution import LexicographicStep, Solution
    from placeopt.budget.tables.plan import build_plan
    from placeopt.engine import Model, Result, Status

    started_at = time.perf_counter()
    reference = reference_model("budget")
    model, pay, unit = reference.build(dict(question.place.tables), total=question.total_gbp)
    seconds_left = max(1.0, settings.seconds - (time.perf_counter() - started_at))
    status = solve_with_pulp(model, replace(settings, seconds=seconds_left))
    method = f"models/budget.py, {settings.engine}"
    if status not in ("optimal", "feasible at limit"):
        return record_without_plan(status, method, "PuLP passes on no bound"), None
    problem = build_problem(question.place, question.scenario)
    programmes, streams = problem.programmes.ids, problem.streams.ids
    paid = np.array([
        max(0.0, (pay[programmes[p], streams[f]].value() or 0.0) * unit)
        if (programmes[p], streams[f]) in pay else 0.0
        for p, f in zip(problem.pairs.programme, problem.pairs.stream, strict=True)
    ])  # fmt: skip
    paid = np.floor(paid * 100) / 100  # whole pence, never more than available
    spend = np.bincount(problem.pairs.programme, paid, len(programmes)).astype(float)
    spend, paid = spend[None, :], paid[None, :]  # of the one year decided
    value = objective_value(problem, OBJECTIVE, spend, first=True)
    record = record_without_plan(status, method, "PuLP passes on no bound") | {"objective": value}
    result = Result(Status.FEASIBLE, objective=value)
    no_error = np.zeros(len(problem.curves.response))
    step = LexicographicStep(OBJECTIVE, value, -np.inf, Model("textbook"), result, rounds=1)
    solved = Solution(result, spend, paid, (step,), no_error)
    plan = build_plan(question.place, problem, solved, question.scenario)
    return record, plan


def record_without_plan(status: str, method: str, message: str) -> dict[str, Any]:
    return {
        "status": status, "objective": None, "bound": None, "seconds": {}, "trace": [],
        "method": method, "message": message,
    }  # fmt: skip
