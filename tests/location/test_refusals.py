"""Unused or invalid fields are refused, with the field and the remedy."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from placeopt.base.errors import UsageError
from placeopt.engine import Status
from placeopt.location import KINDS, Points, Problem, locate
from placeopt.location.statement import KINDS_USING, NEEDS_CAPACITY, NEEDS_P, NEEDS_RADIUS
from tests.location.tiny import points

GIVEN: dict[str, Any] = {
    "p": 2, "radius": 5.0, "outer_radius": 9.0, "ceiling": 9.0, "share": 0.5, "backup": True,
    "weights": [1, 2, 3, 4, 5], "fixed_costs": [1, 2, 3, 4, 5], "demands": [1, 2, 3, 4, 5],
    "capacities": [9, 9, 9, 9, 9], "k_nearest": 2, "fill_opened": True,
}  # fmt: skip


def plain(kind: str, **changes: Any) -> Problem:
    """Five points, with the required fields of the kind."""
    needed: dict[str, Any] = {"p": 2} if kind in NEEDS_P else {}
    needed |= {"radius": 400.0} if kind in NEEDS_RADIUS else {}
    needed |= {"capacities": 9.0} if kind in NEEDS_CAPACITY else {}
    return Problem(**{"kind": kind, "distances": points(5, 1), **needed, **changes})


def refusal(kind: str, **changes: Any) -> str:
    with pytest.raises(UsageError) as caught:
        plain(kind, **changes)
    return str(caught.value)


@pytest.mark.parametrize("field", KINDS_USING)
@pytest.mark.parametrize("kind", KINDS)
def test_a_field_is_used_or_refused(kind: str, field: str) -> None:
    """Every field with every kind: used if the kind takes it, else refused by name."""
    given = {field: GIVEN[field]}
    if field == "fill_opened":
        given["opened"] = [0]
    if field == "outer_radius":
        given["outer_radius"] = 500.0
    if kind in KINDS_USING[field]:
        assert getattr(plain(kind, **given), field) is not None
    else:
        assert f"{field}: {kind} has none" in refusal(kind, **given)


def test_default_opening_costs_follow_the_kind() -> None:
    """A covering counts sites, a p-median of the same distances has no costs at all."""
    problem = plain("covering")
    assert problem.replace(kind="p-median", p=2, radius=None).fixed_costs.tolist() == [0.0] * 5
    with pytest.raises(UsageError, match="fixed_costs: p-median has none"):
        plain("covering", fixed_costs=3.0).replace(kind="p-median", p=2, radius=None)


SENSELESS: list[tuple[str, dict[str, Any], str]] = [
    ("p-median", {"p": 2.5}, "p is 2.5; give a whole number of 1 or more"),
    ("p-median", {"p": True}, "p is True"),
    ("p-median", {"p": "2"}, "p is '2'"),
    ("p-median", {"weights": "heavy"}, "weights: it is not all numbers"),
    ("p-median", {"weights": [1, 2]}, "weights: 2 values for 5 customers"),
    ("p-median", {"distances": [[1, 2], [3]]}, "distances are no table of numbers"),
    ("p-median", {"distances": [["a", "b"]]}, "distances are no table of numbers"),
    ("p-median", {"distances": [[1j]]}, "distances are no table of numbers"),
    ("p-median", {"distances": np.ones((2, 2), "timedelta64[m]")}, "are no table of numbers"),
    ("p-median", {"weights": pd.date_range("2026", periods=5)}, "weights: it is not all numbers"),
    ("p-median", {"weights": [1, 2, -3, -4, 5]}, "customer 2 is -3, and 1 more are wrong"),
    ("facility-location", {"fixed_costs": [1, np.inf, 1, 1, 1]}, "that of site 1 is inf"),
    ("p-median", {"distances": pd.DataFrame({"s": ["far"]})}, "distances are no table of numbers"),
    ("p-median", {"distances": [1.0, 2.0]}, "1 dimensions"),
    ("p-median", {"ceiling": -1.0}, "ceiling is -1.0"),
    ("p-median", {"ceiling": np.nan}, "ceiling is nan"),
    ("covering", {"radius": "near"}, "radius is 'near'"),
    ("covering", {"radius": None}, "radius is None"),
    ("covering", {"share": 1.5}, "share is 1.5"),
    ("covering", {"share": "half"}, "share is 'half'"),
    ("covering", {"backup": "yes"}, "backup is 'yes'"),
    ("p-median", {"k_nearest": 0}, "k_nearest is 0; give whole numbers of 1 or more"),
    ("p-median", {"k_nearest": [1, 2, 2.5, 1, 1]}, "k_nearest is 2.5; give whole numbers"),
    ("p-median", {"k_nearest": [1, 2]}, "k_nearest: 2 values for 5 customers"),
    ("single-source", {"fill_opened": True}, "no site is opened before; give opened"),
    ("single-source", {"fill_opened": 1, "opened": [0]}, "fill_opened is 1; give True or False"),
    (
        "single-source",
        {"fill_opened": True, "opened": [0], "capacities": np.inf},
        "site 0 has no end to its capacity",
    ),
    ("maximal-covering", {"outer_radius": 3.0}, "outer_radius is 3, below the radius"),
    ("single-source", {"capacities": [1, 2, np.nan, 4, 5]}, "capacities must be 0 or more"),
    ("single-source", {"capacities": [1, 2, 3]}, "capacities: 3 values for 5 sites"),
    ("p-medain", {}, "did you mean 'p-median'?"),
]


@pytest.mark.parametrize("case", range(len(SENSELESS)))
def test_invalid_values_are_refused_by_their_field(case: int) -> None:
    """The message has the field, its value and the remedy."""
    kind, changes, said = SENSELESS[case]
    assert said in refusal(kind, **changes)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"gap": 2}, "gap is 2; give a share from 0 to below 1"),
        ({"seed": "5"}, "seed is '5'; give a whole number"),
        ({"gap": -1}, "gap is -1; give a share from 0 to below 1"),
        ({"gap": np.nan}, "gap is nan"),
        ({"gap": "0.1"}, "gap is '0.1'"),
        ({"time_limit_seconds": 0}, "time_limit_seconds is 0"),
        ({"time_limit_seconds": np.nan}, "time_limit_seconds is nan"),
    ],
)
def test_settings_that_make_no_sense_are_refused(options: dict[str, Any], said: str) -> None:
    """Settings of the solve are checked before it starts."""
    with pytest.raises(UsageError, match=said):
        locate(plain("p-median"), **options)


def test_backup_is_refused_where_an_engine_would_ignore_it() -> None:
    """The compact models have no second cover."""
    with pytest.raises(UsageError, match="backup: only the engine placeopt covers twice"):
        locate(plain("covering", backup=True), engine="highs")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("p-center", "p-centre"), ("P_Center", "p-centre"), ("mclp", "maximal-covering"),
        ("LSCP", "covering"), ("set covering", "covering"), ("pmedian", "p-median"),
        ("ufl", "facility-location"), ("CPMP", "capacitated-p-median"),
    ],
)  # fmt: skip
def test_other_names_of_problems_are_understood(name: str, kind: str) -> None:
    """The kind of the problem is placeopt's own name."""
    assert plain(kind).replace(kind=name).kind == kind


def test_sparse_and_framed_distances_are_taken() -> None:
    """Entries that a sparse matrix does not store are no connections: 0 to a, 1 to b only."""
    stored = sparse.csr_matrix(np.array([[2.0, 0.0], [0.0, 3.0]]))
    assert locate(Problem("p-median", stored, p=2)).objective == 5
    assert locate(Problem("p-median", stored, p=1)).status is Status.INFEASIBLE
    frame = pd.DataFrame([[2.0, np.nan], [np.nan, 3.0]], columns=["a", "b"], index=["u", "v"])
    assert locate(Problem("p-median", frame, p=2)).assignment == ("a", "b")


@pytest.mark.parametrize("count", [30, 60])
def test_manhattan_measures_along_the_axes(count: int) -> None:
    """Points and a table of |dx| + |dy| give the same medians; so do the nearest of points."""
    where = points(count, 31).customers
    along = np.abs(where[:, None, :] - where[None, :, :]).sum(axis=2)
    here = Points(where, where, "manhattan")
    assert here.dense() == pytest.approx(along)
    assert here.nearest(3)[1] == pytest.approx(np.sort(along, axis=1)[:, :3])
    assert here.nearest_of(np.array([0, 5]))[1] == pytest.approx(along[:, [0, 5]].min(axis=1))
    assert here.within(100.0).nnz == (along <= 100).sum()
    best = min(
        along[:, pair].min(axis=1).sum() for pair in map(list, combinations(range(count), 2))
    )
    solution = locate(Problem("p-median", here, p=2))
    assert solution.objective == pytest.approx(best)
    with pytest.raises(UsageError, match="no metric 'taxi'"):
        Points(where, where, "taxi")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_no_site_left_is_an_answer(kind: str) -> None:
    """With every site closed no customers are covered, or there is no plan, with a message."""
    solution = locate(plain(kind, closed=[True] * 5))
    if kind == "maximal-covering":
        assert solution.objective == 0
    else:
        assert solution.status is Status.INFEASIBLE
        assert solution.message.startswith("every site is closed")


REACH = np.array([[1.0, 9.0], [9.0, 1.0], [np.inf, np.inf], [50.0, 60.0]])
WHO = {"customer_ids": ("ann", "ben", "cas", "dot"), "site_ids": ("s", "t")}
NOBODY: list[tuple[str, dict[str, Any], str]] = [
    ("p-median", {"p": 1}, "within reach of customer cas"),
    ("p-median", {"p": 1, "ceiling": 20.0}, "within 20 of customers cas, dot"),
    ("p-centre", {"p": 1, "ceiling": 20.0}, "within 20 of customers cas, dot"),
    ("covering", {"radius": 20.0}, "within 20 of customers cas, dot"),
    ("facility-location", {}, "within reach of customer cas"),
    ("single-source", {"capacities": 9.0}, "within reach of customer cas"),
    ("p-median", {"p": 3}, "p is 3 and only 2 sites may open"),
    ("p-median", {"p": 1, "opened": ["s", "t"]}, "p is 1 and 2 sites are to be open"),
    ("single-source", {"capacities": 1.5}, "all sites together hold 3, and 4 is demanded"),
    ("single-source", {"capacities": 3.0, "demands": [1, 1, 0, 4]}, "has room for customer dot"),
    ("p-median", {"p": 1, "closed": ["s"], "k_nearest": 1}, "among the nearest of customers ann"),
    (
        "single-source",
        {"capacities": 9.0, "opened": ["s"], "fill_opened": True},
        "the opened sites are to be filled and hold 9, and 4 is demanded",
    ),
]


@pytest.mark.parametrize("case", range(len(NOBODY)))
def test_an_infeasible_problem_names_who_cannot_be_served(case: int) -> None:
    """The message has the customers' ids and the reason."""
    kind, changes, said = NOBODY[case]
    solution = locate(Problem(kind, REACH, **WHO, **changes))
    assert solution.status is Status.INFEASIBLE
    assert said in solution.message
    assert said in solution.summary()


def test_points_of_a_data_frame_are_taken_by_the_names_of_its_columns() -> None:
    customers = pd.DataFrame({"y": [0.0, 1.0], "x": [5.0, 6.0]})
    sites = pd.DataFrame({"Easting": [5.0], "Northing": [0.0]})
    solution = locate(Problem("p-median", Points(customers, sites), p=1))
    assert solution.objective == pytest.approx(2**0.5)
    by_position = Points(pd.DataFrame(customers[["x", "y"]].to_numpy()), sites)
    assert (by_position.customers == Points(customers, sites).customers).all()
    north = pd.DataFrame({"longitude": [-1.5], "latitude": [53.0]})
    assert Points(north, north, "great_circle").customers.tolist() == [[53.0, -1.5]]


@pytest.mark.parametrize(
    ("columns", "metric", "words"),
    [
        (["a", "b"], "euclidean", "columns 'a', 'b'; give two columns named x and y"),
        (["id", "x", "y"], "euclidean", "give two columns named x and y"),
        (["lat", "lon"], "euclidean", "do not suit the metric euclidean"),
        (["x", "y"], "great_circle", "do not suit the metric great_circle"),
    ],
)
def test_points_of_unclear_columns_are_refused(columns: list[str], metric: Any, words: str) -> None:
    frame = pd.DataFrame([[1.0] * len(columns)], columns=columns)
    with pytest.raises(UsageError, match=words):
        Points(frame, frame, metric)


def test_degrees_that_are_no_place_are_refused() -> None:
    with pytest.raises(UsageError, match="number 1 is latitude 95, longitude 1, which is no place"):
        Points([[52.0, 0.0], [95.0, 1.0]], [[0.0, 0.0]], "great_circle")


@pytest.mark.parametrize("kind", ["Float64", "Int64", "object", "float64"])
def test_a_missing_distance_of_a_data_frame_is_no_way(kind: str) -> None:
    frame = pd.DataFrame([[0.0, 9.0], [5.0, 2.0]], columns=["A", "B"]).astype(kind)
    solution = locate(Problem("p-median", frame.mask(frame > 8), p=1))
    assert (solution.facilities, solution.objective) == (("A",), 5.0)


def test_a_table_of_arrow_is_a_table() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    frame = pd.DataFrame([[0.0, 9.0], [5.0, 2.0]], columns=["A", "B"])
    solution = locate(Problem("p-median", pyarrow.Table.from_pandas(frame), p=1))
    assert (solution.facilities, solution.objective) == (("A",), 5.0)


NO_WAY = np.inf


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (
            Problem("p-median", [[1, NO_WAY], [NO_WAY, 1]], p=1, customer_ids=["ann", "bob"]),
            "customers ann, bob have no site in common, so that each needs one of its own, and p",
        ),
        (
            Problem("p-centre", [[1, NO_WAY], [NO_WAY, 1]], p=1),
            "customers 0, 1 have no site in common",
        ),
        (
            Problem("p-median", [[1, 1, NO_WAY], [1, NO_WAY, 1], [NO_WAY, 1, 1]], p=1),
            "p = 1 is too few sites to reach every customer; ask for more",
        ),
        (
            Problem(
                "single-source", [[1, 1]] * 3, demands=[2, 2, 2], capacities=3, fixed_costs=1
            ),
            "no plan keeps all of this together: capacities, one site for each customer",
        ),
        (
            Problem(
                "capacitated-p-median", [[1, 1]] * 2, p=2, demands=[2, 5], capacities=[3, 9],
                opened=[0], fill_opened=True,
            ),
            "opened sites to be full",
        ),
    ],
)  # fmt: skip
def test_a_problem_without_a_plan_says_why(problem: Problem, words: str) -> None:
    solution = locate(problem)
    assert solution.status is Status.INFEASIBLE
    assert words in solution.message
