"""Where time or a failing engine leaves no plan, the answer says so; it is never an exception."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from placeopt.base.errors import EngineError
from placeopt.engine import Answer, Result, Status, highs
from placeopt.engine.model import Arrays
from placeopt.engine.settings import Settings
from placeopt.estate import solve
from placeopt.estate.search import strategy
from tests.estate.places import scenario
from tests.estate.town import building, town
from tests.support.places import minutes

# B1 and B2 serve both zones: B1 alone costs 10,000 a year (the best), B2 alone 30,000.
BUILDINGS = [building("B1", 10_000), building("B2", 30_000)]


def answered(**settings: object) -> Answer:
    here = town(BUILDINGS)
    times = minutes(here, drive=[[5.0, 5.0]] * 2)
    return solve(here, times, scenario(**settings))


def engine_with(monkeypatch: pytest.MonkeyPatch, status: Status, after: int = 0) -> None:
    """HiGHS that finds nothing from some integer model on."""
    real, solved = highs.solve, []

    def found(arrays: Arrays, settings: Settings) -> Result:
        solved.extend([arrays] if arrays.integer.any() else [])
        nothing = Result(status, message="as told")
        return nothing if arrays.integer.any() and len(solved) > after else real(arrays, settings)

    monkeypatch.setattr(highs, "solve", found)


@pytest.mark.parametrize("status", [Status.NO_PLAN, Status.FAILED])
@pytest.mark.parametrize("decided", [1, 2])
def test_a_search_without_a_plan_is_an_answer_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, status: Status, decided: int
) -> None:
    engine_with(monkeypatch, status)
    years = {"decided": decided, "year": 2026} if decided > 1 else {}
    answer = answered(**years)
    assert answer.plan is None
    assert answer.explanation is None
    assert (answer.result.status, answer.result.message) == (status, "as told")


def test_a_plan_that_cannot_be_completed_is_none_and_keeps_the_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*_: object) -> None:
        raise EngineError("completing failed, as told")

    monkeypatch.setattr(strategy, "fix_and_complete", fails)
    answer = answered()
    assert answer.plan is None
    assert answer.result.status is Status.NO_PLAN
    assert answer.result.message == "completing failed, as told"
    assert answer.result.bound == pytest.approx(10_000)


def test_a_later_objective_that_fails_leaves_the_plan_of_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = strategy.minimise_objective

    def fails_for_minutes(search: strategy.ObjectiveSearch, decision: object) -> strategy.Found:
        result, plan = real(search, decision)
        failed = replace(result, status=Status.FAILED, values=None, objective=None, bound=-np.inf)
        return (failed, None) if search.objective == "visit_minutes" else (result, plan)

    monkeypatch.setattr(strategy, "minimise_objective", fails_for_minutes)
    answer = answered(minimise=("cost", "visit_minutes"))
    assert answer.verification is not None
    assert answer.verification.ok
    assert answer.result.status is Status.FEASIBLE
    assert answer.plan.summary["net_present_cost_plan_gbp"] == pytest.approx(10_000)
