"""Matrices in files: dense, sparse and long tables give the same answer."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from typer.testing import CliRunner

from placeopt.base.errors import UsageError
from placeopt.cli import app
from placeopt.location import locate, locate_file, read_problem

TABLE = np.array([[1.0, 9.0, 9.0], [9.0, 1.0, 9.0], [9.0, 2.0, 3.0]])  # sites 1 and 2: 1 + 1 + 2


def test_dense_sparse_and_long_matrices_give_the_same_plan(tmp_path: Path) -> None:
    np.save(tmp_path / "dense.npy", TABLE)
    sparse.save_npz(tmp_path / "sparse.npz", sparse.csr_array(np.where(TABLE < 9, TABLE, 0.0)))
    i, j = np.nonzero(TABLE < 9)
    pairs = pd.DataFrame({"customer_id": i, "site_id": j, "minutes": TABLE[i, j]})
    pairs.to_csv(tmp_path / "long.csv", index=False)
    pd.DataFrame(TABLE, columns=["a", "b", "c"]).to_csv(tmp_path / "wide.csv", index=False)
    for name in ("dense.npy", "sparse.npz", "long.csv", "wide.csv"):
        solution = locate_file("p-median", tmp_path / name, p=2)
        assert (solution.objective, list(solution.positions)) == (4.0, [0, 1]), name


def test_a_file_that_is_not_a_matrix_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.npz").write_bytes(b"no matrix")
    with pytest.raises(UsageError, match=r"broken\.npz does not read"):
        locate_file("p-median", tmp_path / "broken.npz", p=2)


def test_a_matrix_of_complex_numbers_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "complex.npy", np.ones((2, 2), complex))
    with pytest.raises(UsageError, match=r"complex\.npy: distances are no table of numbers"):
        locate_file("p-median", tmp_path / "complex.npy", p=1)


def text(folder: Path, content: str, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def test_a_data_frames_own_index_holds_ids_of_customers(tmp_path: Path) -> None:
    """``to_csv`` writes the index as a first column without a name; so does Parquet."""
    frame = pd.DataFrame(TABLE, columns=["a", "b", "c"], index=[7, 8, 9])
    frame.to_csv(tmp_path / "own.csv")
    frame.to_parquet(tmp_path / "own.parquet")
    for name in ("own.csv", "own.parquet"):
        problem = read_problem("p-median", tmp_path / name, p=2)
        assert problem.site_ids == ("a", "b", "c"), name
        assert problem.customer_ids == ("7", "8", "9"), name


@pytest.mark.parametrize("word", ["zone", "Zone_ID", "customer", "id", "name"])
def test_a_numeric_column_of_ids_is_not_a_site(tmp_path: Path, word: str) -> None:
    """``zone`` 011, 012 are ids, kept unchanged."""
    path = text(tmp_path, f"{word},a,b,weight\n011,1,9,5\n012,9,1,6\n")
    problem = read_problem("p-median", path, p=1)
    assert (problem.customer_ids, problem.site_ids) == (("011", "012"), ("a", "b"))
    assert problem.weights.tolist() == [5, 6]


def test_a_long_table_has_weights_capacities_and_costs(tmp_path: Path) -> None:
    """Site s has capacity for u or for v. Both open: 10 + 20, u 3 x 1 at s, v 4 x 1 at t, is 37."""
    path = text(
        tmp_path,
        "customer,site,distance,weight,demand,capacity,fixed_cost\n"
        "u,s,1,3,3,4,10\nu,t,5,3,3,9,20\nv,s,2,4,4,4,10\nv,t,1,4,4,9,20\n",
    )
    problem = read_problem("single-source", path)
    assert problem.weights.tolist() == [3, 4]
    assert problem.demands.tolist() == [3, 4]
    assert problem.capacities.tolist() == [4, 9]
    assert problem.fixed_costs.tolist() == [10, 20]
    assert locate(problem).objective == 30 + 3 * 1 + 4 * 1  # t alone: 20 + 15 + 4 = 39


POINTS = "id,x,y,weight\np,0,0,1\nq,3,4,1\nr,10,0,5\n"


def test_points_are_measured_by_the_metric(tmp_path: Path) -> None:
    """r has the weight: p is 10 away, q 7 + 4 along the axes, sqrt(49 + 16) in a straight line."""
    path = text(tmp_path, POINTS)
    problem = read_problem("p-median", path, p=1)
    assert problem.site_ids == ("p", "q", "r")
    assert locate(problem).facilities == ("r",)
    assert locate(problem).objective == pytest.approx(10 + np.sqrt(65))
    assert locate_file("p-median", path, p=1, metric="manhattan").objective == 10 + 11


def test_points_in_degrees_are_measured_as_great_circles(tmp_path: Path) -> None:
    """A degree of longitude on the equator: 2 pi x 6,378,137 m / 360 = 111,319.49 m."""
    path = text(tmp_path, "id,longitude,latitude\na,0,0\nb,1,0\n")
    assert locate_file("p-median", path, p=1).objective == pytest.approx(111_319.49, abs=0.01)
    with pytest.raises(UsageError, match="does not suit degrees"):
        locate_file("p-median", path, p=1, metric="manhattan")


def test_sites_have_a_table_of_their_own(tmp_path: Path) -> None:
    """Sites in another order, with capacities and costs, beside points and beside a wide table."""
    where = text(tmp_path, "id,x,y,demand\nu,0,0,1\nv,10,0,2\n")
    sites = "site_id,x,y,capacity,fixed_cost\nt,10,0,3,7\ns,0,0,2,5\n"
    problem = read_problem("single-source", where, sites=text(tmp_path, sites, "sites.csv"))
    assert problem.site_ids == ("t", "s")
    assert locate(problem).objective == 12  # both open; t alone costs 7 + 10
    wide = text(tmp_path, "customer,s,t,demand\nu,0,10,1\nv,10,0,2\n", "wide.csv")
    own = text(tmp_path, "site,capacity,opening_cost\nt,3,7\ns,2,5\n", "own.csv")
    problem = read_problem("single-source", wide, sites=own)
    assert (problem.capacities.tolist(), problem.fixed_costs.tolist()) == ([2, 3], [5, 7])
    with pytest.raises(UsageError, match="site 's' is in one table only"):
        read_problem("single-source", wide, sites=text(tmp_path, "site,capacity\nt,3\n", "one.csv"))


REFUSED = {
    "semicolons": ("a;b\n1;2\n", "columns are parted by ';'"),
    "empty": ("", "no names of columns"),
    "header": ("a,b\n", "names of columns and no rows"),
    "ids twice": ("id,a\nu,1\nv,2\nu,3\n", "rows 2, 4, column id: 'u' stands more than once"),
    "sites twice": ("id,a,A\nu,1,2\n", "column 'a' stands twice"),
    "text": ("id,a,b\nu,1,2\nv,far,3\n", "row 3, column a: 'far' is no number"),
    "negative": ("id,a,b\nu,1,2\nv,3,-4\n", "row 3, column b: -4 is negative"),
    "no id": ("id,a\nu,1\n,2\n", "row 3, column id: an id is missing"),
    "counts": ("key,a\n1,5\n2,6\n3,7\n", "column 'key' counts up: is it a site, or ids"),
    "no weight": ("id,a,weight\nu,1,2\nv,1,\n", "row 3, column weight: it is empty"),
    "capacity": ("id,a,capacity\nu,1,2\n", "it belongs to sites"),
    "unnamed": ("id,a,\nu,1,2\n", "a column has no name"),
    "cells": ("id,a\nu,1,2\n", "cells"),
    "odd": ("id,x,y,height\nu,1,2,3\n", "columns 'height' are not known here"),
    "long odd": ("customer,site,cost,mode\nu,s,1,2\n", "columns 'mode' are not known here"),
    "two lengths": ("customer,site,cost,minutes\nu,s,1,2\n", "minutes, cost could all be it"),
    "pair twice": ("customer,site,cost\nu,s,1\nu,s,2\n", "the pair is listed twice"),
    "two weights": ("customer,site,cost,weight\nu,s,1,2\nu,t,1,3\n", "two different weights"),
    "demand": ("id,a,b,demand\nu,1,2,3\n", "demands: p-median has none"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_table_that_is_not_plain_is_refused(tmp_path: Path, name: str) -> None:
    """The message has file, row, column, value and remedy."""
    content, said = REFUSED[name]
    with pytest.raises(UsageError) as caught:
        read_problem("p-median", text(tmp_path, content), p=1)
    assert said in str(caught.value)
    assert "table" in str(caught.value)


def test_options_that_a_file_cannot_use_are_refused(tmp_path: Path) -> None:
    """A metric with given distances, a capacity of a table, a p for covering."""
    path = text(tmp_path, "id,a,b\nu,1,2\nv,3,4\n")
    for kind, options, said in (
        ("p-median", {"p": 1, "metric": "manhattan"}, "metric is for points"),
        ("p-median", {"p": 1, "capacity": 3.0}, "capacity: only cap files"),
        ("p-median", {"p": 1, "metric": "mannhatten"}, "there is no 'mannhatten'"),
        ("covering", {"p": 1, "radius": 2.0}, "p: covering has none"),
        ("p-median", {"p": 1, "form": "xyz"}, "no format 'xyz'"),
    ):
        with pytest.raises(UsageError, match=said):
            read_problem(kind, path, **options)


PMED = {
    "whole": ("3 2 1\n1 2 5\n2 3 4\n", ""),
    "truncated": ("3 3 1\n1 2 5\n2 3 4\n", "it ends before 3 edges of three numbers"),
    "negative": ("3 2 1\n1 2 5\n2 3 -4\n", "edge 2, .2, 3, -4., has a negative length"),
    "outside": ("3 2 1\n1 2 5\n2 9 4\n", "names no vertex from 1 to 3"),
    "words": ("3 2 1\n1 2 five\n", "does not read as a pmed file"),
}


@pytest.mark.parametrize("name", PMED)
def test_a_broken_pmed_file_is_refused(tmp_path: Path, name: str) -> None:
    """A path 1 - 2 - 3: vertex 2 is the median, 5 + 4."""
    content, said = PMED[name]
    path = text(tmp_path, content, "pmed.txt")
    if not said:
        assert locate_file("p-median", path).objective == 9
        return
    with pytest.raises(UsageError, match=said):
        locate_file("p-median", path, form="pmed")


def test_the_command_line_takes_sites_and_a_metric(tmp_path: Path) -> None:
    """u at (0, 0), v at (3, 4), one site at (0, 4): 4 + 3 along the axes, and 2 to open it."""
    where = text(tmp_path, "id,x,y\nu,0,0\nv,3,4\n")
    sites = text(tmp_path, "site_id,x,y,fixed_cost\ns,0,4,2\n", "sites.csv")
    command = ["locate", "uflp", str(where), "--sites", str(sites), "--metric", "manhattan"]
    done = CliRunner().invoke(app, [*command, "--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.output)
    assert said["objective"] == 4 + 3 + 2
    assert said["customers_of"] == [["s", ["u", "v"]]]


def test_the_command_line_takes_the_nearest_only(tmp_path: Path) -> None:
    """Only v may use t: s and t are open, though s alone would suffice without the limit."""
    where = text(tmp_path, "customer,s,t\nu,1,5\nv,4,3\n")
    for options, objective in (([], 1 + 4), (["--k-nearest", "1"], None)):
        command = ["locate", "p-median", str(where), "--p", "1", "--json", *options]
        said = json.loads(CliRunner().invoke(app, command).output)
        assert said["objective"] == objective
    command = ["locate", "p-median", str(where), "--p", "2", "--k-nearest", "1", "--json"]
    assert json.loads(CliRunner().invoke(app, command).output)["objective"] == 1 + 3


WIDE = "id,A,B\na,1,2\nb,3,1\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("id,easting,B\na,1,2\n", "column easting: is it a coordinate"),
        ("id,lat,B\na,1,2\n", "column lat: is it a coordinate"),
        (WIDE.replace("B", "population"), "column population: is it a site"),
        (WIDE + "Total,4,3\n", "row 4: is 'Total' a customer"),
        (WIDE + "c,4\n", "line 4 has 2 cells under 3 names"),
        (
            WIDE.replace("id,", "id,weight,").replace("a,", "a,-2,").replace("b,", "b,1,"),
            "'a' is -2",
        ),
    ],
)
def test_a_wide_table_that_may_mean_something_else_is_refused(
    tmp_path: Path, content: str, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        read_problem("p-median", text(tmp_path, content), p=1)


@pytest.mark.parametrize("pair", ["easting,northing", "Eastings,Northings", "x_m,y_m", "X,Y"])
def test_points_by_their_usual_british_names(tmp_path: Path, pair: str) -> None:
    problem = read_problem("p-median", text(tmp_path, f"id,{pair}\na,0,0\nb,3,4\n"), p=1)
    assert problem.distances.dense().tolist() == [[0.0, 5.0], [5.0, 0.0]]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("100000000 1 2\n1 2 3\n", "line 1 says 100000000 vertices"),
        ("3 2 1\n1 2 3\n2 3 4\n9 9 9\n", "line 1 says 2 edges, and 3 numbers follow"),
    ],
)
def test_a_pmed_file_whose_first_line_is_wrong(tmp_path: Path, content: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_problem("p-median", text(tmp_path, content, "pmed1.txt"))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("a,-1.2,52\nb,-1.3,53.5\n", "look like longitude, latitude in degrees"),
        ("a,52,-1.2\nb,53.5,-1.3\n", "look like latitude, longitude in degrees"),
    ],
)
def test_degrees_under_x_and_y_are_refused_unless_said_to_be_lengths(
    tmp_path: Path, rows: str, words: str
) -> None:
    path = text(tmp_path, f"id,x,y\n{rows}")
    with pytest.raises(UsageError, match=words):
        read_problem("p-median", path, p=1)
    assert read_problem("p-median", path, p=1, metric="euclidean").customers == 2
