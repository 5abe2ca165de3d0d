"""Hand-worked assignments, mean distances and covered shares."""

from __future__ import annotations

import json

import numpy as np
import pytest

from placeopt.location import Problem, locate

# u 1 from s, v 2 from s, w 3 from t; the rest is 9 off.
TABLE = np.array([[1.0, 9.0, 9.0], [2.0, 9.0, 9.0], [9.0, 3.0, 9.0]])
NAMES = {"customer_ids": ("u", "v", "w"), "site_ids": ("s", "t", "z")}


def test_each_site_lists_its_customers_and_the_mean_is_by_weight() -> None:
    """s and t open: (1 x 1 + 2 x 2 + 3 x 5) / 8 = 2.5."""
    solution = locate(Problem("p-median", TABLE, p=2, weights=[1, 2, 5], **NAMES))
    assert solution.customers_of == {"s": ("u", "v"), "t": ("w",)}
    assert solution.mean_distance == pytest.approx(20 / 8)
    assert solution.covered_share is None  # a p-median has no radius
    said = json.loads(json.dumps(solution.as_dict()))
    assert said["customers_of"] == [["s", ["u", "v"]], ["t", ["w"]]]


def test_the_share_covered_is_of_all_weight() -> None:
    """One site, radius 2: s covers u and v, 3 of 8; w is unserved and in no mean."""
    problem = Problem("maximal-covering", TABLE, p=1, radius=2.0, weights=[1, 2, 1], **NAMES)
    solution = locate(problem)
    assert solution.customers_of == {"s": ("u", "v")}
    assert solution.covered_share == pytest.approx(3 / 4)
    assert solution.mean_distance == pytest.approx((1 + 4) / 3)


def test_gradual_coverage_counts_in_part() -> None:
    """Radius 1, outer radius 3: u in full, v half, so (1 + 0.5 x 2) / 4."""
    problem = Problem(
        "maximal-covering", TABLE, p=1, radius=1.0, outer_radius=3.0, weights=[1, 2, 1], **NAMES
    )
    assert locate(problem).covered_share == pytest.approx(0.5)


def test_a_customer_who_is_split_is_listed_with_each_site() -> None:
    """s has capacity for u and two thirds of v."""
    table = np.array([[1.0, 5.0], [2.0, 4.0]])
    problem = Problem(
        "capacitated-facility-location", table, demands=[2, 3], capacities=[4, 3],
        customer_ids=("u", "v"), site_ids=("s", "t"),
    )  # fmt: skip
    solution = locate(problem)
    # s holds u (2) and 2 of v; 1 of v goes to t: 1 + 2 x 2/3 + 4 x 1/3 = 11 / 3.
    assert solution.objective == pytest.approx(11 / 3)
    assert solution.customers_of == {"s": ("u", "v"), "t": ("v",)}
    assert solution.mean_distance == pytest.approx(11 / 6)


def test_the_table_has_a_row_for_each_customer_and_site() -> None:
    """s serves u and two thirds of v, t the rest; an unserved customer has no row."""
    table = np.array([[1.0, 5.0], [2.0, 4.0]])
    split = Problem(
        "capacitated-facility-location", table, demands=[2, 3], capacities=[4, 3],
        customer_ids=("u", "v"), site_ids=("s", "t"), weights=[6, 1],
    )  # fmt: skip
    found = locate(split).table()
    assert found["customer_id"].tolist() == ["u", "v", "v"]
    assert found["site_id"].tolist() == ["s", "s", "t"]
    assert found["share"].tolist() == pytest.approx([1, 2 / 3, 1 / 3])
    assert found["distance"].tolist() == [1, 2, 4]
    assert found["weight"].tolist() == [6, 1, 1]
    part = locate(Problem("maximal-covering", TABLE, p=1, radius=2.0, weights=[1, 2, 1], **NAMES))
    assert part.table()["customer_id"].tolist() == ["u", "v"]


def test_a_customer_near_two_sites_is_covered_by_both() -> None:
    """v is 1 from s and 2 from t: s serves it, both cover it."""
    table = np.array([[1.0, 9.0], [1.0, 2.0], [9.0, 1.0]])
    problem = Problem("covering", table, radius=2.0, customer_ids=("u", "v", "w"),
                      site_ids=("s", "t"))  # fmt: skip
    solution = locate(problem)
    assert solution.customers_of == {"s": ("u", "v"), "t": ("w",)}
    assert solution.covers == {"s": ("u", "v"), "t": ("v", "w")}
    assert locate(problem.replace(kind="p-median", p=2, radius=None)).covers is None
