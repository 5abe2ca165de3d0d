"""The engine, the reference model and enumeration agree on many small random places."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from pathlib import Path

import numpy as np
import pytest

from placeopt.budget import solve
from placeopt.budget.problem.build import build_problem
from placeopt.engine import Status
from placeopt.place import read_place
from placeopt.scenario.rules.budget.money import OneBudget
from tests.budget.places import random_place, scenario_of

pytestmark = pytest.mark.filterwarnings("ignore:PULP_CBC_CMD:DeprecationWarning")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def reference():
    """The reference model, loaded from its file."""
    spec = importlib.util.spec_from_file_location("budget_model", ROOT / "models" / "budget.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["budget_model"] = module
    spec.loader.exec_module(module)
    return module


def cut_of(share: float) -> OneBudget:
    return OneBudget(rule="one_budget", reduction_share=share)


@pytest.mark.parametrize("seed", range(140))
def test_engine_and_enumeration_agree_where_every_number_is_whole(seed):
    """Breakpoints of curves, floors, maxima and amounts are multiples of ten, and money flows in a
    network: an optimum lies on multiples of ten, and all of those are tried."""
    place = random_place(seed, whole=True)
    before = float(place.spending["amount_gbp"].sum())
    share = 1 - 10 * int(before * 0.85 / 10) / before  # a total in whole tens
    scenario = scenario_of(rules=[cut_of(share)], drop=("outcomes",))
    answer = solve(place, scenario)
    best = enumerate_tens(build_problem(place, scenario))
    if best is None:
        assert answer.result.status is Status.INFEASIBLE
    else:
        assert answer.result.objective == pytest.approx(best, abs=1e-6)
        assert answer.result.bound == pytest.approx(best, abs=1e-6)


def enumerate_tens(problem) -> float | None:
    """The best of all spends in multiples of ten that the streams can pay for, by Hall's condition:
    the streams that may pay for any set of programmes have enough for the set."""
    levels = [
        np.arange(low, high + 1e-9, 10)
        for low, high in zip(problem.limits.floor, problem.limits.upper[0], strict=True)
    ]
    grid = np.stack([g.ravel() for g in np.meshgrid(*levels, indexing="ij")], axis=1)
    if len(grid) == 0:
        return None
    fits = grid.sum(axis=1) <= problem.money.total[0] + 1e-6
    programmes = range(len(problem.programmes.ids))
    for size in range(1, len(programmes) + 1):
        for group in itertools.combinations(programmes, size):
            payers = np.unique(problem.pairs.stream[np.isin(problem.pairs.programme, group)])
            fits &= (
                grid[:, list(group)].sum(axis=1) <= problem.streams.limit[0][payers].sum() + 1e-6
            )
    grid = grid[fits]
    if len(grid) == 0:
        return None
    gain = np.zeros((len(grid), len(problem.outcomes.ids)))
    pairs = zip(
        problem.curves.programme, problem.curves.outcome, problem.curves.response, strict=True
    )
    for p, o, curve in pairs:
        gain[:, o] += curve.effect(grid[:, p]) - curve.effect(problem.programmes.base_spend[p])
    gain = np.minimum(gain, problem.outcomes.attainable_range)  # capped at the target
    return float(
        -(problem.outcomes.weight / problem.outcomes.attainable_range * gain).sum(axis=1).max()
    )


@pytest.mark.parametrize("objective", ["weighted_outcomes", "least_money", "fairest"])
@pytest.mark.parametrize("seed", range(20))
def test_engine_and_reference_model_agree_on_concave_curves(seed, objective, reference):
    place = random_place(seed)
    scenario = scenario_of(objective, rules=[cut_of(0.1)])
    answer = solve(place, scenario)
    total = float(place.spending["amount_gbp"].sum()) * 0.9
    expected = reference.solve(dict(place.tables), total=total, objective=objective)
    if expected is None:
        assert answer.result.status is Status.INFEASIBLE
        assert answer.explanation.sentence
        return
    # the reference cuts curves into 200 chords below them, so it is a little worse, never better
    near = 2e-3 * max(1.0, abs(expected))
    assert answer.result.bound <= expected + 1e-6 * max(1.0, abs(expected))
    assert expected - near <= answer.result.objective <= expected + 1e-6 * max(1, abs(expected))
    assert answer.verification.ok


@pytest.mark.parametrize("seed", [0, 1, 7, 8])
def test_engine_and_reference_model_agree_on_s_shaped_curves(seed, reference):
    place = random_place(seed, concave=False)
    answer = solve(place, scenario_of(rules=[cut_of(0.1)], solver={"gap": 1e-4}))
    total = float(place.spending["amount_gbp"].sum()) * 0.9
    expected = reference.solve(dict(place.tables), total=total, pieces=50)
    if expected is None:
        assert answer.result.status is not Status.OPTIMAL
        return
    assert answer.result.objective == pytest.approx(expected, abs=0.02 * max(1, abs(expected)))


def test_engine_and_reference_model_agree_on_the_shipped_place(data, reference):
    place = read_place(data / "marlshire")
    answer = solve(place, scenario_of(rules=[cut_of(0.08)]))
    total = 0.92 * answer.plan.summary["spent_before_gbp"]
    expected = reference.solve(reference.read(data / "marlshire"), total=total)
    assert answer.result.objective == pytest.approx(expected, abs=3e-4)
    assert answer.result.objective <= expected + 1e-7
    assert answer.result.gap < 1e-5
