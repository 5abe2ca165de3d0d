"""Rounding cuts cut off fractions but no plan; neighbourhood search gives feasible plans."""

from dataclasses import replace

import pytest

from placeopt.base.deadline import Deadline
from placeopt.engine import solve
from placeopt.engine.large_neighbourhood import Plan
from placeopt.engine.settings import Settings
from placeopt.estate.model.formulation import formulate
from placeopt.estate.problem.build import build_problem
from placeopt.estate.search.kernel_search import KernelSearchParameters, kernel_plan
from placeopt.estate.search.large_neighbourhood import YearNeighbourhoods
from placeopt.estate.search.rounding_cuts import add_count_cuts
from placeopt.place.synth import synthesise
from placeopt.scenario.rules.estate.services import Access
from tests.estate.places import random_place, random_rules, scenario
from tests.estate.town import building, town
from tests.support.places import crow_minutes, minutes


def test_count_cuts_round_one_and_a_half_hosts_up_to_two():
    """Half of each library reaches all residents in the relaxation (1.5 in all); as integers, two
    do."""
    here = town([building(f"B{i}", 10_000) for i in (1, 2, 3)])
    here.zones.loc[2] = {**here.zones.loc[1].to_dict(), "zone_id": "Z3"}
    here.demand.loc[2] = {**here.demand.loc[1].to_dict(), "zone_id": "Z3"}
    drive = [[5.0, 5.0, 50.0], [50.0, 5.0, 5.0], [5.0, 50.0, 5.0]]
    asked = scenario(Access(services="all", ceiling_minutes=10.0))
    formulation = formulate(build_problem(here, minutes(here, drive=drive), asked), "cost")
    assert add_count_cuts(formulation, formulation, Deadline(10.0)) == [2.0, 2.0]


def test_counting_rows_leave_the_least_objective_as_it_is():
    for seed in range(3000, 3025):
        place = random_place(seed, 4, 4, 2)
        asked = scenario(*random_rules(seed, place))
        plain, counted = (
            formulate(build_problem(place, crow_minutes(place), asked), "cost") for _ in range(2)
        )
        add_count_cuts(counted, counted, Deadline(10.0))
        one, other = solve(plain.model, Settings(gap=0.0)), solve(counted.model, Settings(gap=0.0))
        assert one.status is other.status, seed
        if one.objective is not None:
            assert abs(one.objective - other.objective) <= 1e-6 * abs(one.objective) + 1e-3, seed


def test_a_start_from_another_years_bases_counts_the_same():
    """With a fifth more visits, and with another number of buildings, for which no basis fits."""
    bases: list[object] = []
    for buildings, more in ((30, 1.0), (30, 1.2), (32, 1.0)):
        place = synthesise(zones=14, buildings=buildings, seed=5)
        here = build_problem(place, crow_minutes(place, cutoff=120), scenario(years=30))
        grown = replace(here, visits=more * here.visits)
        anew, after = (formulate(grown, "cost") for _ in range(2))
        known = add_count_cuts(anew, anew, Deadline(60.0))
        assert add_count_cuts(after, after, Deadline(60.0), bases=bases) == known
        assert len(bases) == len(known)


def test_neighbourhoods_keep_every_row_and_never_worsen():
    """Neighbourhoods never make a plan worse and keep every row."""
    place = synthesise(zones=14, buildings=30, seed=5)
    problem = build_problem(place, crow_minutes(place, cutoff=120), scenario(years=30))
    formulation = formulate(problem, "cost")
    arrays = formulation.model.arrays()
    start = kernel_plan(formulation, Deadline(10.0))
    plan = Plan(arrays.objective(start.values), start.values)
    search = YearNeighbourhoods(formulation, start.relaxation, Settings(gap=1e-3))
    better = search.improve(plan, Deadline(3.0))
    assert arrays.violation(better.values) < 1e-5
    assert arrays.objective(better.values) == pytest.approx(better.objective)
    assert better.objective <= plan.objective


def test_a_kernel_without_a_plan_is_widened_by_reduced_costs():
    """A kernel without a plan is widened by columns of small reduced cost."""
    place = synthesise(zones=14, buildings=30, seed=5)
    problem = build_problem(place, crow_minutes(place, cutoff=120), scenario(years=30))
    formulation = formulate(problem, "cost")
    used_by_nothing = KernelSearchParameters(support=2.0)  # as if the relaxation used nothing
    start = kernel_plan(formulation, Deadline(10.0), used_by_nothing)
    assert formulation.model.arrays().violation(start.values) < 1e-5
