"""Estates of made-up counties as cases: least net present cost under access and capital.

Engines: ``placeopt`` is ``placeopt.estate.solve``; ``highs``, ``cbc``, ``scip`` and the
others take the room's whole compact model at once, every zone its own customer; ``pulp-highs``
and ``pulp-cbc`` solve the reference model ``models/estate``. Every plan, whoever found it, is
drawn as tables and passes the same independent verifier; objectives are recomputed.
"""

from __future__ import annotations

import pickle
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from placeopt.bench.case import Case
from placeopt.bench.subjects.subject import COMPACT, TEXTBOOK, Run

if TYPE_CHECKING:
    from placeopt.engine import Model, Plan
    from placeopt.estate.problem.arrays import EstateProblem
    from placeopt.estate.solution.decision import Decision
    from placeopt.place import Place
    from placeopt.scenario import Scenario
    from placeopt.travel import TravelTimes

OBJECTIVE = "cost"
POT_GBP_PER_ZONE = 20_000
MINUTES, SHARE = 30.0, 0.9


@dataclass(frozen=True)
class Estate:
    """A place, its minutes and the question asked of it."""

    place: Place
    times: TravelTimes
    scenario: Scenario


class EstateCases:
    """See ``subjects.Subject``; an instance is an ``Estate``."""

    least_gap = 1e-3  # a cost is known no better

    def engines(self, case: Case) -> tuple[str, ...]:
        mixed = tuple(name for name in COMPACT if name != "cp-sat")  # it has whole numbers only
        return ("placeopt", *mixed, *TEXTBOOK)

    def make(self, case: Case) -> Estate:
        from placeopt.place import synthesise
        from placeopt.scenario import Scenario
        from placeopt.scenario.rules.estate.services import Access, Capital
        from placeopt.scenario.scenario import Objective
        from placeopt.travel import measure

        zones = int(case.options["zones"])
        place = synthesise(zones, int(case.options["buildings"]), int(case.options["seed"]))
        rules = [
            Access(services="all", minutes=MINUTES, share=SHARE, counts="nearest"),
            Capital(pot_gbp=float(POT_GBP_PER_ZONE * zones)),
        ]
        scenario = Scenario(
            question="Which buildings are kept at least cost?",
            problem="estate",
            objective=Objective(minimise=(OBJECTIVE,)),
            rules=tuple(rules),
        )
        return Estate(place, measure(place, **scenario.travel.model_dump()), scenario)

    def tiny(self, case: Case) -> list[Case]:
        options = {"zones": 12, "buildings": 30, "seed": 1}
        return [Case("warm", "warm", "estate", "synth", options=options)]

    def solve(self, instance: Estate, how: Run) -> dict[str, Any]:
        asked = self._asked(instance, how)
        if how.engine == "placeopt":
            from placeopt import estate

            trace: list[list[float | None]] = []
            answer = estate.solve(asked.place, asked.times, asked.scenario, progress=_to(trace))
            record = _record(answer.result, "placeopt.estate.solve", trace)
            plan = answer.plan
        elif how.engine in TEXTBOOK:
            record, plan = _textbook(asked, how)
        else:
            record, plan = _compact(asked, how)
        if plan is not None:
            (how.folder / "plan.pickle").write_bytes(pickle.dumps(plan))
        return record

    def check(self, instance: Estate, record: dict[str, Any], folder: Path) -> dict[str, Any]:
        """The estate's own verifier over the plan's tables, and the objective they add up to."""
        from placeopt.estate.verify import verify

        file = folder / "plan.pickle"
        if not file.is_file():
            return {"verified": False, "fault": "there is no plan to check"}
        plan: Plan = pickle.loads(file.read_bytes())  # written by our own worker a moment ago
        found = verify(instance.place, instance.times, instance.scenario, plan)
        broken = [f"{check.name}: {check.detail}" for check in found.broken]
        told = record["objective"]
        broken += costs_what_it_says(plan, OBJECTIVE, told)
        return {"verified": not broken, "fault": "; ".join(broken)}

    def model(self, instance: Estate) -> Model:
        from placeopt.estate.model.formulation import formulate
        from placeopt.estate.problem.build import state

        problem = state(instance.place, instance.times, instance.scenario)
        return formulate(problem, OBJECTIVE, zones=True).model

    def _asked(self, instance: Estate, how: Run) -> Estate:
        settings = {"time_limit_seconds": how.seconds, "gap": how.gap, "threads": 1,
                    "seed": how.seed}  # fmt: skip
        solver = instance.scenario.solver.model_copy(update=settings)
        scenario = instance.scenario.model_copy(update={"solver": solver})
        return Estate(instance.place, instance.times, scenario)


def costs_what_it_says(plan: Plan, objective: str, told: float) -> list[str]:
    """A sentence where the plan's tables add up to another objective than the record's."""
    table = plan.tables["objectives"]
    adds = float(table.loc[table["objective"] == objective, "plan"].iloc[0])
    if abs(adds - told) <= 1e-5 * max(1.0, abs(told)):
        return []
    return [f"it says {told:.10g}, its tables say {adds:.10g}"]


def _to(trace: list[list[float | None]]) -> Any:
    """A watch that keeps every report."""

    def watch(at: Any) -> None:
        bound = float(at.bound) if np.isfinite(at.bound) else None
        trace.append([float(at.seconds), at.incumbent, bound])

    return watch


def _record(result: Any, method: str, trace: list[Any] | None = None) -> dict[str, Any]:
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


def _compact(asked: Estate, how: Run) -> tuple[dict[str, Any], Plan | None]:
    """The whole compact model by any engine of the engine room."""
    from placeopt.engine import solve
    from placeopt.estate.model.formulation import formulate
    from placeopt.estate.problem.build import state
    from placeopt.estate.search.completion import read

    problem = state(asked.place, asked.times, asked.scenario)
    formulation = formulate(problem, OBJECTIVE, zones=True)
    trace: list[list[float | None]] = []
    result = solve(
        formulation.model,
        engine=how.engine,
        time_limit_seconds=how.seconds,
        gap=how.gap,
        threads=1,
        seed=how.seed,
        progress=_to(trace),
    )
    record = _record(result, f"compact model, {how.engine}", trace)
    if not result.has_plan:
        return record, None
    return record, _drawn(asked, problem, read(formulation, result), record)


def _textbook(asked: Estate, how: Run) -> tuple[dict[str, Any], Plan | None]:
    """``models/estate`` by PuLP; PuLP passes on no bound, so a proof is the solver's word."""
    from dataclasses import replace

    from placeopt.bench.rivals.textbook import objective_of, reference_model, solve_with_pulp
    from placeopt.estate.problem.build import state

    textbook = reference_model("estate")
    began = time.perf_counter()
    model = textbook.build(asked.place, asked.times, asked.scenario)
    model.lp.setObjective(textbook.objective(model, OBJECTIVE))
    left = max(1.0, how.seconds - (time.perf_counter() - began))
    status = solve_with_pulp(model.lp, replace(how, seconds=left))
    record: dict[str, Any] = {
        "status": status, "objective": None, "bound": None, "seconds": {}, "trace": [],
        "method": f"models/estate, {how.engine}", "message": "PuLP passes on no bound",
    }  # fmt: skip
    if status not in ("optimal", "feasible at limit"):
        return record, None
    record["objective"] = objective_of(model.lp)
    problem = state(asked.place, asked.times, asked.scenario)
    return record, _drawn(asked, problem, _decision(problem, model), record)


def _decision(problem: EstateProblem, model: Any) -> Decision:
    """What the reference model's variables say, in the room's own terms."""
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


def _drawn(
    asked: Estate, problem: EstateProblem, decision: Decision, record: dict[str, Any]
) -> Plan:
    """The plan's tables; the record's objective becomes what the decision costs."""
    from placeopt.engine import Result, Status
    from placeopt.estate.problem.horizon import Years
    from placeopt.estate.search.lexicographic import Outcome, Stage
    from placeopt.estate.solution.decision import value
    from placeopt.estate.solution.timeline import Course
    from placeopt.estate.tables.plan import draw_plan

    cost = value(problem, decision, OBJECTIVE)
    record["objective"] = cost
    result = Result(Status.FEASIBLE, objective=cost)
    found = Outcome((Stage(OBJECTIVE, result, cost),), Course((decision,)))
    return draw_plan(asked.place, asked.times, Years(asked.scenario, (problem,)), found)
