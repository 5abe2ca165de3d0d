"""Flow refuelling against a simulation of every trip with every set of stations.

The oracle uses no windows: it drives there and back, mile by mile, with a tank. With capacities it
lists every set of stations on a path and lets scipy find the best convex combination.
"""

from __future__ import annotations

import json
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog
from typer.testing import CliRunner

from placeopt.base.errors import UsageError
from placeopt.cli import app
from placeopt.engine import Status
from placeopt.location import (
    FlowRefuelling,
    StationPlan,
    locate_file,
    locate_stations,
    locate_stations_file,
    verify_stations,
)

ROADS = [("a", "b", 4.0), ("b", "c", 6.0), ("c", "d", 5.0)]  # a 4 b 6 c 5 d


def instance(seed: int, **changes: Any) -> FlowRefuelling:
    """Up to seven nodes in a tree with some more roads, up to six trips, ties among lengths."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 8))
    ends = [(int(rng.integers(0, i)), i) for i in range(1, n)]
    ends += [
        tuple(rng.choice(n, 2, replace=False).tolist()) for _ in range(int(rng.integers(0, 3)))
    ]
    roads = [(f"n{a}", f"n{b}", float(rng.integers(1, 9))) for a, b in ends]
    pairs = {tuple(rng.choice(n, 2, replace=False).tolist()) for _ in range(6)}
    flows = {(f"n{a}", f"n{b}"): float(rng.integers(0, 20)) for a, b in sorted(pairs)}
    options: dict[str, Any] = {
        "p": int(rng.integers(1, n + 1)),
        "vehicle_range": float(rng.integers(4, 30)),
        "by_distance": bool(rng.random() < 0.3),
    }
    if rng.random() < 0.2:
        options["opened"] = (f"n{rng.integers(0, n)}",)
    if rng.random() < 0.2 and options.get("opened") != ("n0",):
        options["closed"] = ("n0",)
    return FlowRefuelling(roads, flows, **{**options, **changes})


def path_of(problem: FlowRefuelling, q: int) -> tuple[list[int], list[float]]:
    here = slice(problem.paths.start[q], problem.paths.start[q + 1])
    return problem.paths.node[here].tolist(), problem.paths.distance_along[here].tolist()


def gets_there(problem: FlowRefuelling, q: int, stations: set[int]) -> bool:
    """Drive there and back twice from a half full tank; the tank must not end emptier than at the
    start."""
    nodes, at = path_of(problem, q)
    there_and_back = [*range(len(nodes)), *range(len(nodes) - 2, -1, -1)]
    full = problem.vehicle_range
    tank = full if nodes[0] in stations else full / 2
    for _ in range(2):
        for one, other in pairwise(there_and_back):
            tank -= abs(at[other] - at[one])
            if tank < -1e-9:
                return False
            tank = full if nodes[other] in stations else tank
    return bool(stations & set(nodes)) and tank >= full / 2 - 1e-9


def worth(problem: FlowRefuelling, shares: list[float]) -> float:
    """The objective of given refuelled shares, by direct sums."""
    plain = total = 0.0
    for q, share in enumerate(shares):
        far = path_of(problem, q)[1][-1] if problem.by_distance else 1.0
        plain += share * problem.volume[q] * far
    if problem.threshold is None:
        return plain
    ends = [*problem.origin, *(problem.destination if problem.count_destinations else ())]
    volumes = [*problem.volume, *(problem.volume if problem.count_destinations else ())]
    for o in set(problem.origin.tolist()):
        out = [q for q in range(len(shares)) if problem.origin[q] == o]
        volume = sum(problem.volume[q] for q in out)
        done = sum(shares[q] * problem.volume[q] for q in out)
        if volume > 0 and done >= problem.threshold * volume - 1e-9:
            weight = sum(v for end, v in zip(ends, volumes, strict=True) if end == o)
            total += weight / sum(volumes)
    return problem.node_weight * total + (1 - problem.node_weight) * plain


def best_mix(problem: FlowRefuelling, stations: set[int]) -> float:
    """With capacities: every set of stations of every trip is a column; no threshold."""
    gains, columns = [], []
    for q in range(len(problem.volume)):
        nodes, at = path_of(problem, q)
        often = 1 / max(1, int(problem.vehicle_range / (2 * at[-1]) + 1e-9))
        here = sorted(stations & set(nodes))
        for size in range(1, len(here) + 1):
            for some in combinations(here, size):
                if gets_there(problem, q, set(some)):
                    column = np.zeros(problem.nodes + len(problem.volume))
                    for j in some:
                        ends = j in (nodes[0], nodes[-1])
                        column[j] = often * (1 if ends else 2) * problem.volume[q]
                    column[problem.nodes + q] = 1
                    columns.append(column)
                    gains.append(problem.volume[q] * (at[-1] if problem.by_distance else 1.0))
    if not columns:
        return 0.0
    room = np.minimum(problem.capacities, 1e6)  # no end: more than all can take
    sides = np.concatenate([room, np.ones(len(problem.volume))])
    return float(-linprog(-np.array(gains), np.array(columns).T, sides, bounds=(0, 1)).fun)


def by_driving(problem: FlowRefuelling) -> float | None:
    """The best objective over all sets of stations; None where there is none."""
    best = None
    for size in range(problem.p + 1):
        for some in combinations(range(problem.nodes), size):
            stations = set(some)
            if not set(problem.opened_positions) <= stations:
                continue
            if stations & set(problem.closed_positions):
                continue
            if problem.capacities is not None:
                value = best_mix(problem, stations)
            else:
                trips = range(len(problem.volume))
                value = worth(problem, [float(gets_there(problem, q, stations)) for q in trips])
            best = value if best is None else max(best, value)
    return best


def agrees(problem: FlowRefuelling, plan: StationPlan) -> None:
    best = by_driving(problem)
    if best is None:
        assert plan.status is Status.INFEASIBLE
        return
    assert plan.status is Status.OPTIMAL, problem
    assert plan.objective == pytest.approx(best, rel=1e-6, abs=1e-6), problem
    assert plan.bound == pytest.approx(best, rel=1e-5, abs=1e-5)


SEEDS = [range(25), pytest.param(range(25, 400), marks=pytest.mark.exhaustive)]


@pytest.mark.parametrize("seeds", SEEDS)
def test_stations_are_the_best_of_every_set(seeds: range) -> None:
    found = set()
    for seed in seeds:
        problem = instance(seed)
        plan = locate_stations(problem)
        agrees(problem, plan)
        refuelled = [gets_there(problem, q, set(plan.positions)) for q in range(len(plan.shares))]
        assert plan.shares.tolist() == [float(one) for one in refuelled]
        found |= set(refuelled)
    assert found == {True, False}


@pytest.mark.parametrize("seeds", SEEDS)
def test_stations_with_capacities_are_the_best_of_every_mix(seeds: range) -> None:
    """Capacities that sometimes bind, including 0 and infinity."""
    bound = 0
    for seed in seeds:
        problem = instance(1000 + seed)
        rng = np.random.default_rng(seed)
        room = rng.choice(
            [0.0, 5.0, 12.0, 30.0, np.inf], problem.nodes, p=[0.1, 0.3, 0.3, 0.2, 0.1]
        )
        problem = instance(1000 + seed, capacities=room)
        plan = locate_stations(problem)
        agrees(problem, plan)
        assert (plan.loads <= room * (1 + 1e-6)).all()
        bound += bool(((plan.shares > 1e-6) & (plan.shares < 1 - 1e-6)).any())
    assert bound > 0  # some trips were refuelled in part


@pytest.mark.parametrize("seeds", SEEDS)
def test_the_threshold_counts_nodes(seeds: range) -> None:
    for seed in seeds:
        rng = np.random.default_rng(seed)
        problem = instance(
            2000 + seed, threshold=float(rng.choice([0.3, 0.5, 1.0])),
            node_weight=float(rng.choice([0.0, 0.5, 0.9, 1.0])),
            count_destinations=bool(rng.random() < 0.5),
        )  # fmt: skip
        agrees(problem, locate_stations(problem))


def test_a_threshold_and_capacities_together_never_break_either() -> None:
    """A node counts only if its share is refuelled within the capacities."""
    for seed in range(10):
        loose = instance(3000 + seed, threshold=0.5, node_weight=0.9)
        tight = instance(3000 + seed, threshold=0.5, node_weight=0.9, capacities=10.0)
        held, free = locate_stations(tight), locate_stations(loose)
        assert held.status is free.status
        if held.objective is not None:
            assert held.objective <= free.objective + 1e-6
            assert worth(tight, held.shares.tolist()) == pytest.approx(held.objective, abs=1e-5)


@pytest.mark.parametrize("engine", ["cp-sat", "scip", "cbc"])
def test_other_engines_find_the_same(engine: str) -> None:
    from placeopt.base.errors import EngineMissing

    for seed in range(6):
        try:
            agrees(instance(seed), locate_stations(instance(seed), engine=engine))
        except EngineMissing as error:
            pytest.skip(str(error))


@pytest.mark.parametrize("size", [1e-9, 1e-4, 1e6, 1e11])
def test_any_size_of_volumes_and_lengths_is_proven(size: float) -> None:
    for seed in range(5):
        problem = instance(seed, by_distance=False)
        large = FlowRefuelling(
            [(a, b, length * size) for a, b, length in problem.roads],
            {pair: volume * size for pair, volume in problem.flows.items()},
            p=problem.p, vehicle_range=problem.vehicle_range * size,
            opened=problem.opened, closed=problem.closed,
        )  # fmt: skip
        best, plan = by_driving(problem), locate_stations(large)
        assert plan.objective == (None if best is None else pytest.approx(best * size, rel=1e-7))


def test_a_trip_worked_by_hand() -> None:
    """a to d is 15: with a range of 10 stations must be within 5 of both ends and 10 apart.

    b (4 from a) and c (5 from d), 6 apart, do; no single station does. b to d (11) needs c, which
    is 6 from b, too far to get back: so b and c as well.
    """
    flows = pd.DataFrame({"origin": ["a", "b"], "destination": ["d", "d"], "volume": [10, 3]})
    roads = pd.DataFrame(ROADS, columns=["from", "to", "length"])
    plan = locate_stations(FlowRefuelling(roads, flows, p=2, vehicle_range=10))
    assert plan.facilities == ("b", "c")
    assert (plan.objective, plan.refuelled_share) == (13, 1.0)
    assert locate_stations(FlowRefuelling(roads, flows, p=1, vehicle_range=10)).objective == 0
    # With a range of 30 a return trip needs one tank, so one station anywhere on both suffices.
    assert locate_stations(FlowRefuelling(roads, flows, p=1, vehicle_range=30)).objective == 13
    by_distance = FlowRefuelling(roads, flows, p=2, vehicle_range=10, by_distance=True)
    assert locate_stations(by_distance).objective == 10 * 15 + 3 * 11
    table = plan.table()
    assert table["length"].tolist() == [15, 11]
    assert table["stations"].tolist() == [("b", "c"), ("b", "c")]
    said = json.loads(json.dumps(plan.as_dict()))
    assert said["trips"][0]["stations"] == ["b", "c"]
    # 10 x 2 stop at b there and back, and 3 x 1 that begin there; 2 x 13 at c.
    assert said["loads"] == [["b", 23.0], ["c", 26.0]]


def test_a_station_that_is_full_leaves_trips_out() -> None:
    """c has capacity 13, half of the 26 that all trips need; b to d needs one stop less at b."""
    problem = FlowRefuelling(ROADS, {("a", "d"): 10, ("b", "d"): 3}, p=2, vehicle_range=10,
                             capacities={"a": 99, "b": 99, "c": 13, "d": 0})  # fmt: skip
    plan = locate_stations(problem)
    assert plan.objective == pytest.approx(6.5)
    assert plan.loads[2] == pytest.approx(13)


def test_a_given_path_is_used() -> None:
    """a to c by b is 10, the direct road is 7; only stations on the given path count."""
    roads = [*ROADS, ("a", "c", 7.0)]
    short = FlowRefuelling(roads, {("a", "c"): 5}, p=1, vehicle_range=14, opened=["b"])
    assert short.paths.lengths.tolist() == [7]
    assert locate_stations(short).objective == 0
    given = [("a", "c", 5, "a>b>c")]
    long = FlowRefuelling(roads, given, p=1, vehicle_range=14, opened=["b"])
    assert long.paths.lengths.tolist() == [10]
    assert locate_stations(long).objective == 5
    frame = pd.DataFrame(given, columns=["origin", "destination", "volume", "path"])
    frame["path"] = [["a", "b", "c"]]
    assert FlowRefuelling(roads, frame, p=1, vehicle_range=14).paths.lengths.tolist() == [10]


def test_the_verifier_drives_every_trip() -> None:
    problem = FlowRefuelling(ROADS, {("a", "d"): 10, ("b", "d"): 3}, p=2, vehicle_range=10)
    plan = locate_stations(problem)
    assert verify_stations(problem, plan).ok
    fields = dict(plan.__dict__)

    def broken(problem: FlowRefuelling, **changes: Any) -> set[str]:
        found = verify_stations(problem, StationPlan(**{**fields, **changes}))
        return {check.name for check in found.broken}

    assert broken(problem, objective=14.0) == {"objective", "bound"}
    assert broken(problem, bound=12.0) == {"bound"}
    assert broken(problem, positions=np.array([1])) == {"service"}
    assert broken(problem, positions=np.array([0, 1, 2])) == {"count"}
    shorter = FlowRefuelling(ROADS, problem.flows, p=2, vehicle_range=9)
    assert broken(shorter) == {"service"}
    tight = FlowRefuelling(ROADS, problem.flows, p=2, vehicle_range=10, capacities=25)
    assert broken(tight) == {"capacity"}
    shut = FlowRefuelling(ROADS, problem.flows, p=2, vehicle_range=10, closed=["b"])
    assert broken(shut) == {"decided"}


SENSELESS: list[tuple[dict[str, Any], str]] = [
    ({"p": 0}, "p is 0; give a whole number"),
    ({"vehicle_range": -1}, "vehicle_range is -1; give a distance above 0"),
    ({"threshold": 1.5}, "threshold is 1.5; give a share"),
    ({"node_weight": 0.5}, "node_weight: without a threshold there is none"),
    ({"threshold": 0.5, "node_weight": 2}, "node_weight is 2; give a share"),
    ({"by_distance": 1}, "by_distance is 1; give True or False"),
    ({"capacities": [1, 2]}, "capacities: 2 values for 4 nodes"),
    ({"capacities": -1}, "capacities must be 0 or more"),
    ({"opened": ["x"]}, "opened: there is no node 'x'"),
    ({"opened": ["a"], "closed": ["a"]}, "both opened and closed"),
    ({"roads": [("a", "b", 0)]}, "'a' to 'b' has the length 0; give lengths above 0"),
    ({"roads": [("a", "b")]}, "roads: give rows of from, to, length"),
    ({"roads": np.zeros((2, 3))}, "the matrix is not square"),
    ({"flows": {("a", "x"): 1}}, "destination 'x' is on no road"),
    ({"flows": {("a", "a"): 1}}, "'a' to itself is no trip"),
    ({"flows": {("a", "b"): -1}}, "volume must be finite and 0 or more"),
    ({"flows": {("a", "b"): "many"}}, "volume is not all numbers"),
    ({"flows": [("a", "d", 1, "a>d")]}, "a path goes between 'a' and 'd', where there is no road"),
    ({"flows": [("a", "c", 1, "a>b")]}, "does not begin and end there"),
    ({"flows": [("a", "b", 1, "a>b>a>b")]}, "comes twice to a node"),
    ({"roads": [*ROADS, ("x", "y", 1)], "flows": {("a", "x"): 1}}, "no road leads from 'a' to 'x'"),
    (
        {"flows": pd.DataFrame({"origin": [], "destination": [], "volume": []})},
        "flows: there is no trip",
    ),
    ({"flows": {}}, "flows: give rows of origin, destination, volume"),
    ({"flows": pd.DataFrame({"origin": ["a"]})}, "there is no column destination"),
]


@pytest.mark.parametrize("case", range(len(SENSELESS)))
def test_invalid_problems_are_refused(case: int) -> None:
    changes, said = SENSELESS[case]
    plain: dict[str, Any] = {"roads": ROADS, "flows": {("a", "d"): 1}, "p": 1, "vehicle_range": 9}
    with pytest.raises(UsageError) as caught:
        FlowRefuelling(**{**plain, **changes})
    assert said in str(caught.value)


def test_fewer_stations_than_fixed_ones_is_infeasible() -> None:
    problem = FlowRefuelling(ROADS, {("a", "d"): 1}, p=1, vehicle_range=9, opened=["a", "b"])
    plan = locate_stations(problem)
    assert plan.status is Status.INFEASIBLE
    assert "p is 1 and 2 stations are to be open" in plan.summary()


def test_roads_as_a_matrix_and_twice_the_same_road() -> None:
    """The shorter of two roads counts; nodes of a matrix are named by position."""
    table = np.array([[0, 4, 0], [4, 0, np.nan], [0, 6, 0]])
    flows = {(0, 2): 1.0}
    assert FlowRefuelling(table, flows, p=1, vehicle_range=9).paths.lengths.tolist() == [10]
    twice = [*ROADS, ("b", "a", 3.0)]
    problem = FlowRefuelling(twice, {("a", "b"): 1}, p=1, vehicle_range=9)
    assert problem.paths.lengths.tolist() == [3]


def tables(folder: Path, **texts: str) -> list[str]:
    """Tables in files, and their paths."""
    plain = {
        "roads": "from,to,length\n01,b,4\nb,c,6\nc,d,5\n",
        "flows": "origin,destination,volume,path\n01,d,10,01>b>c>d\nb,d,3,\n",
        "sites": "site_id,capacity\n01,99\nb,99\nc,13\nd,0\n",
    }
    for name, text in {**plain, **texts}.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return [str(folder / f"{name}.csv") for name in plain]


def test_the_command_line_reads_roads_and_trips(tmp_path: Path) -> None:
    """As worked by hand above; ids keep their zeros."""
    roads, flows, sites = tables(tmp_path)
    command = ["locate", "frlm", roads, "--flows", flows, "--vehicle-range", "10", "--p", "2"]
    for options, objective in (
        ([], 13), (["--sites", sites], 6.5), (["--capacity", "13"], 6.5),
        (["--by-distance"], 183), (["--threshold", "0.5"], 0.99 + 0.01 * 13),
    ):  # fmt: skip
        done = CliRunner().invoke(app, [*command, "--json", *options])
        assert done.exit_code == 0, done.output
        said = json.loads(done.output)
        assert said["objective"] == pytest.approx(objective)
        assert len(said["facilities"]) == 2
        assert said["trips"][0]["origin"] == "01"
    assert "13 (proven optimal), 2 stations" in CliRunner().invoke(app, command).output


def test_tables_of_roads_that_are_not_plain_are_refused(tmp_path: Path) -> None:
    roads, flows, sites = tables(tmp_path)
    given: dict[str, Any] = {"flows": flows, "vehicle_range": 10}
    for path, options, said in (
        (flows, given, "there is no column from; give from, to, length"),
        (roads, {"vehicle_range": 10}, "flows: it is missing"),
        (roads, {**given, "radius": 3}, "radius: flow-refuelling has none"),
        (roads, {**given, "sites": flows}, "needs the columns site_id and capacity"),
        (roads, {**given, "sites": sites, "capacity": 3}, "capacities are given twice"),
    ):
        with pytest.raises(UsageError, match=said):
            locate_stations_file(path, 2, **options)
    with pytest.raises(UsageError, match="p: it is missing"):
        locate_stations_file(roads, **given)
    with pytest.raises(UsageError, match="see FlowRefuelling, locate_stations"):
        locate_file("frlm", roads, p=2)
    with pytest.raises(UsageError, match="only flow-refuelling has trips"):
        locate_file("p-median", sites, p=1, flows=flows)
