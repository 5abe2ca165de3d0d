"""Customers and sites are named by their ids, in inputs and results."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from placeopt.base.errors import UsageError
from placeopt.location import Matrix, Points, Problem, draw, locate, read_problem, verify

IDS = ("north", "east", "south", "west")
# Two pairs: north and east are 1 apart, south and west 2; the pairs are 10 from each other.
TABLE = np.array([[0, 1, 10, 10], [1, 0, 10, 10], [10, 10, 0, 2], [10, 10, 2, 0]], float)


def asked(**changes) -> Problem:
    fields = {"distances": TABLE, "p": 2, "site_ids": IDS, "customer_ids": IDS, **changes}
    return Problem("p-median", **fields)


def capacitated(**changes) -> Problem:
    fields = {"distances": TABLE, "site_ids": IDS, "customer_ids": IDS, **changes}
    return Problem("single-source", **fields)


def refusal(**changes) -> str:
    with pytest.raises(UsageError) as caught:
        asked(**changes)
    return str(caught.value)


def series(values, index=IDS) -> pd.Series:
    return pd.Series(values, index=list(index))


CHOICES = [
    ["east", "west"],
    ("west", "east"),
    {"east", "west"},
    pd.Index(["west", "east"]),
    np.array(["east", "west"]),
    pd.Series(["east", "west"]),
    np.array([False, True, False, True]),
    [False, True, False, True],
    series([False, True, False, True]),
    series([True, True, False, False], ["west", "east", "north", "south"]),
    pd.Series([False, True, False, True]),  # the default index holds no id, so it is by position
]


@pytest.mark.parametrize("choice", CHOICES, ids=[f"choice {i}" for i in range(len(CHOICES))])
def test_sites_decided_are_ids_or_true_and_false(choice):
    """East and west open: 1 for north, 2 for south. The best pair alone would be 3 as well."""
    problem = asked(opened=choice)
    assert problem.opened == ("east", "west")
    assert problem.opened_positions == (1, 3)
    solution = locate(problem)
    assert solution.facilities == ("east", "west")
    assert solution.assignment == ("east", "east", "west", "west")
    assert solution.as_dict()["assignment"] == list(solution.assignment)
    shut = locate(asked(closed=choice))
    assert shut.facilities == ("north", "south")


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ([0, 1], "there is no site 0, 1; ids are 'north', 'east', 'south' and 1 more"),
        (["nort"], "there is no site 'nort'; did you mean 'north'?"),
        ([True, False], "2 of True and False for 4 sites; give one for each, or ids"),
        (np.array([True] * 5), "5 of True and False for 4 sites"),
        ([True, "east"], "True or False stand among ids"),
        ([1, 0, 0, 1], "there is no site 1, 0"),
        (["east", "east"], "site 'east' stands twice"),
        ("east", "'east' is no list; give a list of site ids"),
        (3, "3 is no list"),
        ({"east": True}, "is no list"),
        (np.eye(4, dtype=bool), "2 dimensions"),
        (series([True] * 4, "abcd"), "its labels are not the site ids (lacks 'north', 'east', "
         "'south' and 1 more and has 'a', 'b', 'c' and 1 more)"),
        (series([True] * 3, IDS[:3]), "lacks 'west'"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("field", ["opened", "closed"])
def test_a_choice_that_could_mean_two_things_is_refused(field, choice, said):
    assert f"{field}: " in refusal(**{field: choice})
    assert said in refusal(**{field: choice})


def test_a_mask_of_numbers_is_refused():
    """[1, 0, 0, 1] with ids 0 to 3 names two sites twice; it is no mask."""
    text = refusal(site_ids=(), opened=[1, 0, 0, 1])
    assert "site 0, 1 stands twice" in text
    assert "True or False for each site" in text


VECTORS = [
    [1, 2, 3, 4],
    np.array([1, 2, 3, 4]),
    series([1, 2, 3, 4]),
    series([4, 3, 2, 1], ["west", "south", "east", "north"]),
    {"west": 4, "north": 1, "south": 3, "east": 2},
    pd.Series([1, 2, 3, 4]),
    pd.Series([4.0, 1.0, 3.0, 2.0], index=pd.Index(["west", "north", "south", "east"], name="id")),
]


@pytest.mark.parametrize("values", VECTORS, ids=[f"vector {i}" for i in range(len(VECTORS))])
@pytest.mark.parametrize("field", ["weights", "demands", "fixed_costs", "capacities"])
def test_a_series_goes_by_its_labels(field, values):
    given = {"capacities": 9, "demands": 1, field: values}
    assert getattr(capacitated(**given), field).tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([1, 2, 3], "3 values for 4 customers; give one number, or one for each"),
        ([5], "1 values for 4 customers"),
        (np.ones((4, 1)), "4 x 1 values for 4 customers"),
        (["a", "b", "c", "d"], "it is not all numbers"),
        (series([1, 2, 3, 4], "abcd"), "its labels are not the customer ids"),
        (series([1, 2, 3], IDS[:3]), "lacks 'west'"),
        (series([1, 2, 3, 4, 5], (*IDS, "centre")), "has 'centre'"),
        (series([1, 2, 3, 4], ("north", "north", "south", "west")), "labels are not"),
        ({"north": 1}, "lacks 'east', 'south', 'west'"),
        ([1, np.nan, 1, 1], "weights must be finite"),
    ],
)  # fmt: skip
def test_values_that_fit_no_customer_are_refused(values, said):
    assert "weights" in refusal(weights=values)
    assert said in refusal(weights=values)


def test_a_default_index_that_is_half_ids_is_refused():
    """Sites 1 to 4 and labels 0 to 3: matching by label or by position differs."""
    numbers = {"site_ids": (1, 2, 3, 4), "customer_ids": (1, 2, 3, 4)}
    assert "lacks 4 and has 0" in refusal(weights=pd.Series([1, 2, 3, 4]), **numbers)
    assert "lacks 4 and has 0" in refusal(opened=pd.Series([True] * 4), **numbers)


def test_a_data_frame_brings_its_ids():
    order = [2, 0, 3, 1]
    labels = [IDS[i] for i in order]
    frame = pd.DataFrame(TABLE[np.ix_(order, order)], index=labels, columns=labels)
    own = Problem("p-median", frame, p=2, weights=series([3, 1, 1, 1]))
    assert own.site_ids == own.customer_ids == tuple(labels)
    assert own.weights.tolist() == [1, 3, 1, 1]
    assert locate(own.replace(opened=["east"])).facilities[-1] == "east"
    sorted_as_ids = asked(distances=frame)
    assert sorted_as_ids.site_ids == IDS
    assert (sorted_as_ids.distances.dense() == TABLE).all()
    assert "distances: its labels are not" in refusal(distances=frame.rename(columns={"west": "w"}))


def test_ids_must_differ_and_be_enough():
    assert "site ids must differ: 'a' stand(s) twice" in refusal(site_ids=("a", "a", "b", "c"))
    assert "3 ids, 4 sites" in refusal(site_ids=("a", "b", "c"))


def test_without_ids_everything_counts_from_0():
    """Facilities, assignment, positions and ``opened`` use the same numbering."""
    problem = Problem("p-median", TABLE, p=2, opened=[3, 1])
    solution = locate(problem)
    assert solution.facilities == tuple(solution.positions) == (1, 3)
    assert solution.assignment == tuple(solution.assigned) == (1, 1, 3, 3)
    assert json.dumps(solution.as_dict())


def test_a_file_counts_as_it_is_written(tmp_path: Path):
    """OR-Library numbers nodes from 1: a path 1 - 2 - 3 - 4 - 5 has its median at 3."""
    path = tmp_path / "path.txt"
    path.write_text("5 4 1\n" + "".join(f"{i} {i + 1} 1\n" for i in range(1, 5)))
    problem = read_problem("p-median", path)
    assert problem.site_ids == (1, 2, 3, 4, 5)
    assert locate(problem).facilities == (3,)
    assert locate(read_problem("p-median", path, closed=[3])).facilities in [(2,), (4,)]
    with pytest.raises(UsageError, match="there is no site 0"):
        read_problem("p-median", path, opened=[0])


def test_several_faults_of_labels_come_at_once():
    text = refusal(opened=["nort"], weights=[1], p=2.5, capacities=-1.0)
    assert all(word in text for word in ("opened:", "weights:", "p is 2.5", "capacities must"))


@pytest.mark.parametrize("seed", range(5))
def test_shuffled_ids_name_the_same_sites(seed, tmp_path: Path):
    """The plan of a shuffled problem is the same by ids, is verified and can be plotted."""
    rng = np.random.default_rng(seed)
    where = rng.uniform(0, 100, (12, 2))
    ids = np.array([f"S{i}" for i in range(12)])
    weights = pd.Series(rng.uniform(1, 2, 12), index=ids)
    plans = []
    for order in (np.arange(12), rng.permutation(12)):
        points = Points(where[order], where[order])
        problem = Problem("p-median", points, p=3, weights=weights, opened=["S5"], closed=["S2"],
                          site_ids=ids[order], customer_ids=ids[order])  # fmt: skip
        solution = locate(problem)
        assert verify(problem, solution).ok
        draw(solution, tmp_path / "plan.svg")
        plans.append(dict(zip(problem.customer_ids, solution.assignment, strict=True)))
    assert plans[0] == plans[1]
    assert "S5" in plans[0].values()
    assert "S2" not in plans[0].values()


def test_a_problem_changed_keeps_its_ids():
    problem = asked(opened=["west"]).replace(p=1)
    assert problem.opened == ("west",)
    assert locate(problem).facilities == ("west",)
    other = problem.replace(distances=Matrix(TABLE[:2]), customer_ids=IDS[:2], weights=None,
                            demands=None)  # fmt: skip
    assert locate(other).assignment == ("west", "west")
