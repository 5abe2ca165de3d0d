"""A search that is stopped at any point returns a plan with a valid bound, or no plan, without
error.

The tests stop rounds, time and Ctrl-C at the k-th reading of a clock that counts its readings, so
that every k can be tried on any machine.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator

import numpy as np
import pytest

from placeopt.base.deadline import reading_clock
from placeopt.engine import Status
from placeopt.location import Problem, Solution, compile_ahead, locate
from placeopt.location.capacitated.params import ColumnGenerationParams
from placeopt.location.statement import NEEDS_CAPACITY
from tests.location.conftest import Tuning
from tests.location.tiny import by_enumeration, tiny

NAMES = sorted(NEEDS_CAPACITY)


class Clock:
    """A clock that advances by a second with each reading, and presses Ctrl-C at one of them."""

    looks = 0
    press_at = -1

    def __call__(self) -> float:
        self.looks += 1
        if self.looks == self.press_at:
            signal.raise_signal(signal.SIGINT)
        return float(self.looks)


@pytest.fixture
def clock(tuning: Tuning) -> Iterator[Clock]:
    """The clock of the searches, whose small problems are not given to an engine."""
    compile_ahead.compile_uncapacitated()
    compile_ahead.compile_capacitated()
    tuning.engine_first(False)
    made = Clock()
    with reading_clock(made):
        yield made


def looser(kind: str, seed: int) -> Problem:
    """A tiny problem loose enough that its tree is not closed at once."""
    problem = tiny(kind, seed)
    rng = np.random.default_rng(seed)
    return problem.replace(
        distances=rng.random(problem.distances.shape) * 50,
        demands=rng.integers(1, 6, problem.customers) + rng.random(problem.customers),
    )


def holds(problem: Problem, solution: Solution, best: float | None) -> None:
    """The plan (which ``locate`` has verified) is no better than the best, its bound no worse."""
    if solution.objective is None:
        assert solution.status in (Status.NO_PLAN, Status.INFEASIBLE), solution
        assert solution.status is Status.NO_PLAN or best is None, solution
    else:
        assert best is not None, solution
        assert solution.objective >= best - 1e-6 * abs(best), solution
    if best is not None:
        assert solution.bound <= best + 1e-6 * max(1.0, abs(best)), solution
    if solution.proven:
        assert solution.objective == pytest.approx(best), solution


def end_everywhere(kind: str, seeds: range, ends: range, clock: Clock, tuning: Tuning) -> None:
    for seed in seeds:
        problem = looser(kind, seed)
        best = by_enumeration(problem)
        for k in ends:
            clock.press_at = -1
            tuning.single_source(max_mip_pairs=0)
            ended = locate(problem, time_limit_seconds=k)
            holds(problem, ended, best)
            assert ended.proven or ended.status is Status.INFEASIBLE or not ended.repeats
            clock.looks, clock.press_at = 0, k
            holds(problem, locate(problem, time_limit_seconds=1e6), best)
            clock.press_at = -1
            tuning.single_source(
                max_mip_pairs=0, column_generation=ColumnGenerationParams(max_rounds=k)
            )
            holds(problem, locate(problem, time_limit_seconds=1e6), best)


@pytest.mark.parametrize("kind", NAMES)
def test_a_search_may_end_anywhere(kind: str, clock: Clock, tuning: Tuning) -> None:
    """A sample: one problem, stopped at the first reading and at some later ones."""
    end_everywhere(kind, range(3000, 3001), range(1, 32, 6), clock, tuning)


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", NAMES)
def test_many_searches_may_end_anywhere(kind: str, clock: Clock, tuning: Tuning) -> None:
    """Forty problems, each stopped at each of sixty readings in three ways."""
    end_everywhere(kind, range(3100, 3140), range(1, 61), clock, tuning)


@pytest.mark.parametrize("kind", ["p-median", "facility-location", "p-centre", "p-dispersion"])
def test_ctrl_c_ends_every_search_with_its_best_plan(kind: str, clock: Clock) -> None:
    """Pressed at the k-th reading; afterwards the program handles Ctrl-C again."""
    problem = tiny(kind, 3003)
    best = by_enumeration(problem)
    for k in (1, 3, 7, 20):
        clock.looks, clock.press_at = 0, k
        solution = locate(problem, time_limit_seconds=1e6)
        if solution.objective is not None and best is not None:
            low, high = sorted((solution.bound, solution.objective))
            assert low - 1e-6 <= best <= high + 1e-6
        assert solution.proven or "ended by Ctrl-C" in solution.message
        assert solution.proven or not solution.repeats
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("kind", NAMES)
def test_a_search_that_time_did_not_end_repeats(kind: str) -> None:
    solution = locate(tiny(kind, 3003))
    assert solution.as_dict()["repeats"] is True
    assert "may differ" not in solution.summary()
