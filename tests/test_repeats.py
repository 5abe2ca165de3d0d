"""The same question gives the same tables, in any order of rows and with any number of threads."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module

import numpy as np
import pandas as pd
import pytest

from placeopt import budget, estate
from placeopt.base.deadline import record_timeout, recording_timeouts, repeatability_warnings
from placeopt.location import KINDS, locate
from placeopt.place import Place, synthesise
from placeopt.place.order import restore_row_order, sort_rows
from placeopt.report.narrative.narrative import describe
from placeopt.report.summary import answer_summary
from placeopt.scenario import Scenario
from placeopt.scenario.rules.budget.money import OneBudget
from tests.estate.places import random_place, random_rules, scenario
from tests.location.tiny import tiny
from tests.support.places import crow_minutes


def shuffled(place: Place, seed: int) -> Place:
    rng = np.random.default_rng(seed)
    tables = {
        name: table.iloc[rng.permutation(len(table))].reset_index(drop=True)
        for name, table in place.tables.items()
    }
    return replace(place, tables=tables)


def text_of(answer) -> str:
    """Every table of an answer as text, rows sorted; or the reason why there is none."""
    if answer.plan is None:
        return f"{answer.result.status} {answer.explanation}"
    parts = [f"{answer.result.objective!r} {answer.result.status}"]
    for name, table in sorted(answer.plan.tables.items()):
        rows = table.to_csv(index=False, float_format="%r").splitlines()
        parts += [name, rows[0], *sorted(rows[1:])]
    parts += [f"{key}: {value!r}" for key, value in sorted(answer.plan.summary.items())]
    return "\n".join(parts)


def on(scenario: Scenario, threads: int) -> Scenario:
    return scenario.replace(solver=scenario.solver.replace(threads=threads))


def an_estate_repeats(seed: int) -> None:
    place = random_place(seed, 4, 5, 2)
    asked = scenario(*random_rules(seed, place), decided=1 + seed % 2, gap=1e-3)
    first = estate.solve(place, crow_minutes(place), asked)
    assert first.repeats
    for number, threads in ((1, 1), (2, 2)):
        other = shuffled(place, 10 * seed + number)
        again = estate.solve(other, crow_minutes(other), on(asked, threads))
        assert text_of(again) == text_of(first), f"seed {seed}, {threads} threads"


@pytest.mark.parametrize("seed", [0, 5])
def test_an_estate_is_the_same_from_shuffled_rows(seed):
    an_estate_repeats(seed)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(100, 200))
def test_many_estates_are_the_same_from_shuffled_rows(seed):
    an_estate_repeats(seed)


def a_budget_repeats(seed: int) -> None:
    place = synthesise(12, 30, seed=seed)
    asked = Scenario(
        question="?",
        problem="budget",
        years=1 + seed % 2,
        rules=[OneBudget(reduction_share=0.1)],
        solver={"gap": 1e-3, "threads": 1, "time_limit_seconds": 120.0},
    )
    first = budget.solve(place, asked)
    assert first.plan is not None
    assert first.repeats
    for number, threads in ((1, 1), (2, 2)):
        again = budget.solve(shuffled(place, 10 * seed + number), on(asked, threads))
        assert text_of(again) == text_of(first), f"seed {seed}, {threads} threads"


@pytest.mark.parametrize("seed", [2])
def test_a_budget_is_the_same_from_shuffled_rows(seed):
    a_budget_repeats(seed)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(10, 40))
def test_many_budgets_are_the_same_from_shuffled_rows(seed):
    a_budget_repeats(seed)


@pytest.mark.parametrize("kind", KINDS)
def test_a_location_problem_is_the_same_from_shuffled_rows(kind):
    """Given ids identify customers, so that their order has no effect."""
    for seed in range(500, 507):
        problem = tiny(kind, seed)
        names = [f"C{i}" for i in range(problem.customers)]
        sites = names if kind == "p-dispersion" else [f"S{j}" for j in range(problem.sites)]
        frame = pd.DataFrame(problem.distances.dense(), index=names, columns=sites)
        given = {
            "weights": pd.Series(problem.weights, names),
            "demands": pd.Series(problem.demands, names),
            "fixed_costs": pd.Series(problem.fixed_costs, sites),
            "capacities": None
            if problem.capacities is None
            else pd.Series(problem.capacities, sites),
            "opened": [sites[j] for j in problem.opened_positions],
            "closed": [sites[j] for j in problem.closed_positions],
            "customer_ids": (),
            "site_ids": (),
        }
        rng = np.random.default_rng(seed)
        answers = []
        for rows, columns in ((names, sites), (rng.permutation(names), rng.permutation(sites))):
            if kind == "p-dispersion":
                rows = columns
            solution = locate(problem.replace(distances=frame.loc[rows, columns], **given))
            went: dict = {}
            if solution.assignment is not None:
                went = dict(zip(solution.problem.customer_ids, solution.assignment, strict=True))
            flows = solution.flows
            if flows is not None:
                shares = pd.DataFrame(flows.toarray(), index=rows, columns=columns)
                went = shares.loc[names, sites].to_dict()
            at = f"{solution.objective!r} {solution.bound!r} {solution.status}"
            answers.append((at, sorted(solution.facilities), went))
        assert answers[0] == answers[1], f"{kind} {seed}"


def test_a_plan_keeps_the_order_of_the_users_rows():
    place = random_place(3, 4, 5, 2)
    turned = replace(
        place,
        tables={name: t.iloc[::-1].reset_index(drop=True) for name, t in place.tables.items()},
    )
    answer = estate.solve(turned, crow_minutes(turned), scenario())
    assert answer.plan.tables["buildings"]["building_id"].tolist() == (
        turned.buildings["building_id"].tolist()
    )
    assert answer.plan.tables["zones"]["zone_id"].tolist() == turned.zones["zone_id"].tolist()


def test_tables_that_go_by_size_keep_their_order():
    place = random_place(3, 4, 5, 2)
    ordered = sort_rows(place)
    turned = replace(
        place,
        tables={name: t.iloc[::-1].reset_index(drop=True) for name, t in place.tables.items()},
    )
    ids = ordered.buildings["building_id"].tolist()
    by_id = pd.DataFrame({"building_id": ids, "m2": range(len(ids))})
    by_size = pd.DataFrame({"m2": [5, 4, 3], "building_id": ids[:3]})
    back = restore_row_order(turned, ordered, {"by_id": by_id, "by_size": by_size})
    assert back["by_id"]["building_id"].tolist() == ids[::-1]
    assert back["by_size"].equals(by_size)


def test_an_answer_names_searches_that_timed_out(monkeypatch):
    """An engine that stops at its limit makes the answer warn; the summary says it may differ."""
    module = import_module("placeopt.engine.solve")
    place = random_place(3, 4, 5, 2)
    monkeypatch.setattr(module, "TIMEOUT_SHARE", -1.0)
    original = module.recheck

    def stopped(arrays, result, gap):
        found = original(arrays, result, gap)
        return replace(found, status=module.Status.FEASIBLE) if found.values is not None else found

    monkeypatch.setattr(module, "recheck", stopped)
    answer = estate.solve(place, crow_minutes(place), scenario())
    assert not answer.repeats
    assert "another run may give another plan" in str(answer.warnings[0])
    assert answer_summary(answer, describe(answer))["repeats"] is False


def test_nested_contexts_both_record_timeouts():
    with recording_timeouts() as outer:
        with recording_timeouts() as inner:
            record_timeout("a search")
        assert inner == ["a search"]
    assert outer == ["a search"]
    record_timeout("nobody listens")
    assert not repeatability_warnings([])
    assert "a search" in repeatability_warnings(["a search", "a search"])[0].message
