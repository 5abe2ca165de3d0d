"""Estates of synthetic counties as cases: least net present cost under access and capital.

Engines: ``placeopt`` is ``placeopt.estate.solve``; ``highs``, ``cbc``, ``scip`` and the
others take the whole compact model at once, with each zone a customer of its own; ``pulp-highs``
and ``pulp-cbc`` solve the reference model ``models/estate``. Every plan is turned into tables and
checked by the same independent verifier; objectives are recomputed.
"""

from __future__ import annotations

import pickle
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from placeopt.bench.case import Case
from placeopt.bench.subjects.subject import COMPACT_MODEL_ENGINES, PULP_ENGINES, SolveSettings
from placeopt.engine.settings import Settings

if TYPE_CHECKING:
    from placeopt.engine import Model, Plan
    from placeopt.estate.problem.arrays import EstateProblem
    from placeopt.estate.solution.decision import Decision
    from placeopt.place import Place
    from placeopt.scenario import Scenario
    from placeopt.travel import TravelTimes

OBJECTIVE = "cost"
POT_GBP_PER_ZONE = 20_000
ACCESS_MINUTES, ACCESS_SHARE = 30.0, 0.9


@dataclass(frozen=True)
class Estate:
    """A place, its minutes and a question."""

    place: Place
    times: TravelTimes
    scenario: Scenario


class EstateCases:
    """See ``subjects.Subject``; an instance is an ``Estate``."""

    min_gap = 1e-3  # costs are not known more precisely

    def engines(self, case: Case) -> tuple[str, ...]:
        mixed_integer_engines = tuple(
            name for name in COMPACT_MODEL_ENGINES if name != "cp-sat"
        )  # it takes integers only
        return ("placeopt", *mixed_integer_engines, *PULP_ENGINES)

    def make_instance(self, case: Case) -> Estate:
        from placeopt.place import synthesise
        from placeopt.scenario import Scenario
        from placeopt.scenario.rules.estate.services import Access, Capital
        from placeopt.scenario.scenario import Objective
        from placeopt.travel import measure

        zones = int(case.options["zones"])
        place = synthesise(zones, int(case.options["buildings"]), int(case.options["seed"]))
        rules = [
            Access(services="all", minutes=ACCESS_MINUTES, share=ACCESS_SHARE, counts="nearest"),
            Capital(pot_gbp=float(POT_GBP_PER_ZONE * zones)),
        ]
        scenario = Scenario(
            question="Which buildings are kept at least cost?",
            problem="estate",
            objective=Objective(minimise=(OBJECTIVE,)),
            rules=tuple(rules),
        )
        return Estate(place, measure(place, **scenario.travel.model_dump()), scenario)

    def warm_up_cases(self, case: Case) -> list[Case]:
        options = {"zones": 12, "buildings": 30, "seed": 1}
        return [Case("warm", "warm", "estate", "synth", options=options)]

    def solve(self, instance: Estate, settings: SolveSettings) -> dict[str, Any]:
        question = self._with_settings(instance, settings)
        if settings.engine == "placeopt":
            from placeopt import estate

            trace: list[list[float | None]] = []
            answer = estate.solve(
                question.place, question.times, question.scenario, progress=record_trace(trace)
            )
            record = record_of_result(answer.result, "placeopt.estate.solve", trace)
            plan = answer.plan
        elif settings.engine in PULP_ENGINES:
            record, plan = _solve_reference_model(question, settings)
        else:
            record, plan = _solve_compact_model(question, settings)
        if plan is not None:
            (settings.folder / "plan.pickle").write_bytes(pickle.dumps(plan))
        return record

    def check(self, instance: Estate, record: dict[str, Any], folder: Path) -> dict[str, Any]:
        """Check the plan's tables with the estate's verifier, and the objective they add up to."""
        from placeopt.estate.verify import verify

        file = folder / "plan.pickle"
        if not file.is_file():
            return {"verified": False, "fault": "there is no plan to check"}
        plan: Plan = pickle.loads(file.read_bytes())  # written by our own worker
        verification = verify(instance.place, instance.times, instance.scenario, plan)
        faults = [f"{check.name}: {check.detail}" for check in verification.broken]
        reported = record["objective"]
        faults += objective_faults(plan, OBJECTIVE, reported)
        return {"verified": not faults, "fault": "; ".join(faults)}

    def model(self, instance: Estate) -> Model:
        from placeopt.estate.model.formulation import formulate
        from placeopt.estate.problem.build import build_problem

        problem = build_problem(instance.place, instance.times, instance.scenario)
        return formulate(problem, OBJECTIVE, by_zone=True).model

    def _with_settings(self, instance: Estate, settings: SolveSettings) -> Estate:
        solver_settings = {
            "time_limit_seconds": settings.seconds,
            "gap": settings.gap,
            "threads": 1,
            "seed": settings.seed,
        }
        solver = instance.scenario.solver.model_copy(update=solver_settings)
        scenario = instance.scenario.model_copy(update={"solver": solver})
        return Estate(instance.place, instance.times, scenario)


def objective_faults(plan: Plan, objective: str, reported: float) -> list[str]:
    """A sentence if the plan's tables add up to another objective than the record's."""
    table = plan.tables["objectives"]
    adds = float(table.loc[table["objective"] == objective, "plan"].iloc[0])
    if abs(adds - reported) <= 1e-5 * max(1.0, abs(reported)):
        return []
    return [f"it says {reported:.10g}, its tables say {adds:.10g}"]


def record_trace(trace: list[list[float | None]]) -> Any:
    """A progress callback that keeps every report."""

    def watch(at: Any) -> None:
        bound = float(at.bound) if np.isfinite(at.bound) else None
        trace.append([float(at.seconds), at.incumbent, bound])

    return watch


def record_of_result(result: Any, method: str, trace: list[Any] | None = None) -> dict[str, Any]:
    bound = float(result.bound) if np.isfinite(result.bound) else None
    return {
        "status": str(result.status),
        "objective": result.objective,
        "bound": bound,
        "seconds": {},
        "trace": trace or [],
        "method": method,
        "message": result.message,
    }


def _solve_compact_model(
    question: Estate, settings: SolveSettings
) -> tuple[dict[str, Any], Plan | None]:
    """Solve the whole compact model with any engine."""
    from placeopt.engine import solve
    from placeopt.estate.model.formulation import formulate
    from placeopt.estate.problem.build import build_problem
    from placeopt.estate.search.completion import read_decision

    problem = build_problem(question.place, question.times, question.scenario)
    formulation = formulate(problem, OBJECTIVE, by_zone=True)
    trace: list[list[float | None]] = []
    result = solve(
        formulation.model,
        Settings(
            engine=settings.engine,
            time_limit_seconds=settings.seconds,
            gap=settings.gap,
            threads=1,
            seed=settings.seed,
            progress=record_trace(trace),
        ),
    )
    record = record_of_result(result, f"compact model, {settings.engine}", trace)
    if not result.has_plan:
        return record, None
    return record, _plan_tables(question, problem, read_decision(formulation, result), record)


def _solve_reference_model(
    question: Estate, settings: SolveSettings
) -> tuple[dict[str, Any], Plan | None]:
    """Solve ``models/estate`` by PuLP. PuLP passes on no bound, so a proof is only a claim."""
    from dataclasses import replace

    from placeopt.bench.rivals.textbook import objective_of, reference_model, solve_with_pulp
    from placeopt.estate.problem.build import build_problem

    reference = reference_model("estate")
    started_at = time.perf_counter()
    model = reference.build(question.place, question.times, question.scenario)
    model.lp.setObjective(reference.objective(model, OBJECTIVE))
    seconds_left = max(1.0, settings.seconds - (time.perf_counter() - started_at))
    status = solve_with_pulp(model.lp, replace(settings, seconds=seconds_left))
    record: dict[str, Any] = {
        "status": status, "objective": None, "bound": None, "seconds": {}, "trace": [],
        "method": f"models/estate, {settings.engine}", "message": "PuLP passes on no bound",
    }  # fmt: skip
    if status not in ("optimal", "feasible at limit"):
        return record, None
    record["objective"] = objective_of(model.lp)
    problem = build_problem(question.place, question.times, question.scenario)
    return record, _plan_tables(question, problem, _decision(problem, model), record)


def _decision(problem: EstateProblem, model: Any) -> Decision:
    """The decision in the reference model's variables, as arrays."""
    from placeopt.estate.solution.decision import Decision

    building = {b: i for i, b in enumerate(problem.buildings.ids.tolist())}
    service = {s: i for i, s in enumerate(problem.services.ids.tolist())}
    zone = {z: i for i, z in enumerate(problem.zone_ids.tolist())}
    tier = {k: i for i, k in enumerate(problem.tiers.ids.tolist())}
    on = {key: _value(x) > 0.5 for key, x in model.host.items()}
    host = np.zeros((len(building), len(service)), bool)
    for (b, s), here in on.items():
        host[building[b], service[s]] = here
    tiers = np.full(len(building), -1)
    for (b, k), x in model.tier.items():
        if _value(x) > 0.5:
            tiers[building[b]] = tier[k]
    units = np.zeros(host.shape)
    for (b, s), x in model.desks.items():
        units[building[b], service[s]] = max(0.0, _value(x))
    used = {key: x for key, x in model.serve.items() if on[key[2], key[1]] and _value(x) > 1e-6}
    zones = np.array([zone[z] for z, _, _ in used], np.int64)
    services = np.array([service[s] for _, s, _ in used], np.int64)
    buildings = np.array([building[b] for _, _, b in used], np.int64)
    share = np.array([_value(x) for x in used.values()])
    visits = np.array([model.visits[z, s] for z, s, _ in used])
    np.add.at(units, (buildings, services), share * visits)
    return Decision(
        open=np.array([_value(model.open[b]) > 0.5 for b in building]),
        disposed=np.array([_value(model.ends[b]) > 0.5 for b in building]),
        tier=tiers,
        host=host,
        units=units,
        zone=zones,
        service=services,
        building=buildings,
        share=share,
    )


def _value(x: Any) -> float:
    return float(x if isinstance(x, int | float) else x.value() or 0.0)


def _plan_tables(
    question: Estate, problem: EstateProblem, decision: Decision, record: dict[str, Any]
) -> Plan:
    """The plan's tables; the record's objective becomes the cost of the decision."""
    from placeopt.engine import Result, Status
    from placeopt.engine.lexicographic import Stage
    from placeopt.estate.problem.horizon import Years
    from placeopt.estate.search.outcome import Outcome
    from placeopt.estate.solution.decision import objective_value
    from placeopt.estate.solution.timeline import Timeline
    from placeopt.estate.tables.plan import plan_tables

    cost = objective_value(problem, decision, OBJECTIVE)
    record["objective"] = cost
    result = Result(Status.FEASIBLE, objective=cost)
    verification = Outcome((Stage(OBJECTIVE, result, cost),), Timeline((decision,)))
    return plan_tables(
        question.place, question.times, Years(question.scenario, (problem,)), verification
    )
