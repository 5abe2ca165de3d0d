"""Street minutes: our default engine compared with other libraries.

  python benchmarks/travel.py matrix                 # 1,000 x 300 on a 100,000-edge network
  python benchmarks/travel.py matrix --rutland FILE  # the same on a real county's streets
  python benchmarks/travel.py transit                # a window of 180 departures
  python benchmarks/travel.py large                  # a tenth of 35,000 x 5,000, memory measured

Each engine is handed the same cleaned network, and timed from arrays in memory: "build" makes
the engine's own graph, "matrix" answers all pairs; CPU seconds are what to compare where others
use the machine too. Every answer is compared with that of scipy.
Engines that are not installed are named as such. Results go to ``benchmarks/results/``.
"""

from __future__ import annotations

import argparse
import csv
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from placeopt.travel.cache import MinutesCache
from placeopt.travel.engines import ENGINES
from placeopt.travel.fill_missing import Step, fill_missing
from placeopt.travel.origins import read_origins
from placeopt.travel.streets.arrays import BOTH, FORWARD, Streets
from placeopt.travel.streets.graph import Graph, make_graph
from placeopt.travel.streets.paths import Snapped, StreetSearch, minutes_between, snap

RESULTS = Path(__file__).parent / "results"


def made_up_streets(side: int, seed: int = 1) -> Streets:
    """A town and country of ``side`` x ``side`` junctions about 100 m apart.

    One street in seven is missing, one in twelve one-way; every tenth is a main road. Edges are
    crooked: 1 to 1.3 times as long as straight.
    """
    rng = np.random.default_rng(seed)
    i, j = np.divmod(np.arange(side * side), side)
    xy = 100.0 * np.column_stack([i, j]) + rng.uniform(-30, 30, (side * side, 2))
    east = np.flatnonzero(i < side - 1)
    north = np.flatnonzero(j < side - 1)
    tail = np.concatenate([east, north])
    head = np.concatenate([east + side, north + 1])
    main = np.concatenate([j[east] % 10 == 0, i[north] % 10 == 0])
    keep = main | (rng.random(len(tail)) > 1 / 7)
    tail, head, main = tail[keep], head[keep], main[keep]
    way = np.where(~main & (rng.random(len(tail)) < 1 / 12), FORWARD, BOTH).astype(np.int8)
    length = np.hypot(*(xy[tail] - xy[head]).T) * rng.uniform(1.0, 1.3, len(tail))
    both = np.full(len(tail), BOTH, np.int8)
    return Streets(
        node_ids=np.arange(len(xy)).astype(str).astype(object),
        xy=xy,
        tail=tail.astype(np.int32),
        head=head.astype(np.int32),
        length_m=length,
        road_class=np.where(main, "secondary", "residential").astype(object),
        direction={"drive": way, "walk": both},
        speed_kmh=np.full(len(tail), np.nan),
    )


def random_points(graph: Graph, count: int, seed: int) -> np.ndarray:
    """(count, 2) points where streets are."""
    rng = np.random.default_rng(seed)
    return graph.xy[rng.integers(0, len(graph.xy), count)] + rng.uniform(-40, 40, (count, 2))


Answer = tuple[np.ndarray, np.ndarray, np.ndarray]  # to build, to answer (wall, CPU s); minutes


def clock() -> np.ndarray:
    """(wall, CPU) seconds."""
    return np.array([time.perf_counter(), time.process_time()])


def by_ours(engine: str) -> Callable[[Graph, Snapped, Snapped], Answer]:
    def run(graph: Graph, a: Snapped, b: Snapped) -> Answer:
        began = clock()
        minutes_between(graph, one(a), one(b), np.inf, engine)  # builds what the engine keeps
        built = clock()
        minutes = minutes_between(graph, a, b, np.inf, engine)
        return built - began, clock() - built, minutes

    return run


def by_scipy_with_cutoff(graph: Graph, a: Snapped, b: Snapped) -> Answer:
    began = clock()
    minutes = minutes_between(graph, a, b, 15.0)
    return np.zeros(2), clock() - began, minutes


def by_networkx(graph: Graph, a: Snapped, b: Snapped) -> Answer:
    import networkx as nx

    began = clock()
    back = nx.from_scipy_sparse_array(graph.reversed, create_using=nx.DiGraph)
    built = clock()
    paths = np.empty((len(a.node), len(b.node)))
    for column, node in enumerate(b.node):
        reached = nx.single_source_dijkstra_path_length(back, node)
        paths[:, column] = [reached.get(other, np.inf) for other in a.node]
    return built - began, clock() - built, legs(a, b, paths)


def by_igraph(graph: Graph, a: Snapped, b: Snapped) -> Answer:
    import igraph

    began = clock()
    arcs = graph.matrix.tocoo()
    network = igraph.Graph(n=len(graph.xy), edges=np.column_stack(arcs.coords), directed=True)
    weights = arcs.data.tolist()
    built = clock()
    unique, which = np.unique(a.node, return_inverse=True)
    goals, where = np.unique(b.node, return_inverse=True)
    found = network.distances(goals.tolist(), unique.tolist(), weights=weights, mode="in")
    paths = np.array(found).T[which][:, where]
    return built - began, clock() - built, legs(a, b, paths)


def by_pandana(graph: Graph, a: Snapped, b: Snapped) -> Answer:
    import pandana
    import pandas as pd

    began = clock()
    arcs = graph.matrix.tocoo()
    network = pandana.Network(
        pd.Series(graph.xy[:, 0]), pd.Series(graph.xy[:, 1]),
        pd.Series(arcs.coords[0]), pd.Series(arcs.coords[1]),
        pd.DataFrame({"minutes": arcs.data}), twoway=False,
    )  # fmt: skip
    built = clock()
    starts, ends = np.repeat(a.node, len(b.node)), np.tile(b.node, len(a.node))
    paths = np.array(network.shortest_path_lengths(starts, ends)).reshape(len(a.node), -1)
    return built - began, clock() - built, legs(a, b, paths)


RUNS: dict[str, Callable[[Graph, Snapped, Snapped], Answer]] = {
    **{engine: by_ours(engine) for engine in ENGINES},
    "scipy, cut-off 15 minutes": by_scipy_with_cutoff,
    "networkx": by_networkx,
    "igraph": by_igraph,
    "pandana": by_pandana,
}


def legs(a: Snapped, b: Snapped, paths: np.ndarray) -> np.ndarray:
    """Shortest paths with the access legs at both ends."""
    return a.minutes[:, None] + paths + b.minutes[None, :]


def one(points: Snapped) -> Snapped:
    return Snapped(points.node[:1], points.metres[:1], points.minutes[:1])


def matrix(args: argparse.Namespace) -> list[dict[str, Any]]:
    """1,000 x 300 by every engine in one run."""
    if args.rutland:
        from placeopt.travel.networks import read_streets

        graph, case = make_graph(read_streets(args.rutland, "EPSG:27700"), "drive"), "rutland"
    else:
        graph, case = make_graph(made_up_streets(242), "drive"), "made up"
    a, b = (snap(graph, random_points(graph, n, seed)) for n, seed in ((1000, 2), (300, 3)))
    graph.reversed  # noqa: B018  made once with the network, whatever the engine
    truth = minutes_between(graph, a, b, np.inf)
    rows = []
    for name, run in RUNS.items():
        if args.only and name not in args.only:
            continue
        try:
            build, seconds, minutes = run(graph, a, b)
        except (ImportError, Exception) as error:
            if not isinstance(error, ImportError) and type(error).__name__ != "EngineMissing":
                raise
            print(f"{name}: not installed")
            continue
        known = np.isfinite(minutes)
        rows.append(
            {
                "case": case, "engine": name, "version": version_of(name),
                "arcs": graph.matrix.nnz, "pairs": truth.size, "build_s": round(float(build[0]), 2),
                "matrix_s": round(float(seconds[0]), 2), "build_cpu_s": round(float(build[1]), 2),
                "matrix_cpu_s": round(float(seconds[1]), 2),
                "worst_difference": f"{np.abs(minutes - truth)[known].max():.1g}",
            }
        )  # fmt: skip
        print(rows[-1])
    return rows


def large(args: argparse.Namespace) -> list[dict[str, Any]]:
    """A tenth of 35,000 x 5,000 by 60 minutes' walk-free drive, kept in parts; peak memory."""
    import pandas as pd

    from placeopt.place import Place, PlaceInfo

    graph = make_graph(made_up_streets(args.side), "drive")
    zones, buildings = random_points(graph, 35_000, 4), random_points(graph, args.buildings, 5)
    tables = {
        name: pd.DataFrame({"x_m": xy[:, 0], "y_m": xy[:, 1]})
        for name, xy in (("zones", zones), ("buildings", buildings))
    }
    place = Place(PlaceInfo("large"), tables)
    before = peak_mb()
    with tempfile.TemporaryDirectory() as folder:
        parts = MinutesCache(Path(folder) / "parts", len(zones))
        search = StreetSearch(lambda: graph, args.engine)
        began = clock()
        fill_missing(parts, place, read_origins(place), "drive", {}, search, args.cutoff, show)
        seconds, cpu = (clock() - began).tolist()
        size = sum(f.stat().st_size for f in parts.folder.glob("*")) / 2**20
    row = {
        "case": f"35,000 x {args.buildings:,}, cut-off {args.cutoff:g} minutes",
        "engine": args.engine,
        "arcs": graph.matrix.nnz,
        "pairs": 35_000 * args.buildings,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu, 1),
        "pairs_per_cpu_second": round(35_000 * args.buildings / cpu),
        "cpu_seconds_for_35000_x_5000": round(cpu * 5_000 / args.buildings),
        "network_mb": round(before),
        "peak_mb": round(peak_mb()),
        "kept_mb": round(size, 1),
    }
    print(row)
    return [row]


def transit(args: argparse.Namespace) -> list[dict[str, Any]]:
    """Every minute from 7 to 10 by 200 lines with 4,000 stops, for some zones and 300 buildings."""
    from placeopt.travel.transit.door_to_door import Transit, TransitSearch
    from placeopt.travel.transit.gtfs import Timetable

    graph = make_graph(made_up_streets(242), "walk")
    rng = np.random.default_rng(6)
    lines, calls, trips = 200, 40, 60
    start, bearing = rng.uniform(4_000, 20_000, (lines, 2)), rng.uniform(0, 2 * np.pi, lines)
    ahead = np.column_stack([np.cos(bearing), np.sin(bearing)])[:, None] * 400.0
    sites = np.round((start[:, None] + np.arange(calls)[None, :, None] * ahead) / 300.0) * 300.0
    stops, stop = np.unique(sites.reshape(-1, 2).clip(0, 24_000), axis=0, return_inverse=True)
    leaves = 360.0 + rng.uniform(0, 8, (lines, 1, 1)) + 8.0 * np.arange(trips)[None, :, None]
    times = (leaves + 1.2 * np.arange(calls)[None, None, :]).ravel()
    sizes = np.arange(lines + 1, dtype=np.int64)
    table = Timetable(
        stop_ids=np.arange(len(stops)).astype(str).astype(object), xy=stops,
        first_call=sizes * calls, calls=stop.astype(np.int64),
        board=np.ones(lines * calls, bool), alight=np.ones(lines * calls, bool),
        trips=np.full(lines, trips, np.int64), first_time=sizes[:-1] * calls * trips,
        departs=times, arrives=times,
    )  # fmt: skip
    search = TransitSearch(Transit("made up", "2026-06-09"), lambda: graph, lambda: table)
    zones, buildings = random_points(graph, args.zones, 7), random_points(graph, 300, 8)
    search(zones[:2], buildings, 90.0)  # compiles, and finds the walks between stops
    began = clock()
    minutes, _ = search(zones, buildings, 90.0)
    seconds, cpu = (clock() - began).tolist()
    row = {
        "case": f"{args.zones} x 300, {len(stops):,} stops, {lines * trips:,} trips",
        "engine": "RAPTOR over arrays",
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu, 1),
        "cpu_ms_per_zone_and_departure": round(1000 * cpu / args.zones / 180, 3),
        "reached_share": round(float(np.isfinite(minutes).mean()), 2),
    }
    print(row)
    return [row]


def show(step: Step) -> None:
    print(f"{step.done:,} of {step.total:,} pairs, {step.seconds:.0f} s", file=sys.stderr)


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def version_of(name: str) -> str:
    try:
        return version(name.split(",")[0])
    except PackageNotFoundError:
        return ""


def machine() -> str:
    import os

    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def write(name: str, rows: list[dict[str, Any]]) -> None:
    """Rows as CSV with the machine in every row."""
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / f"travel_{name}.csv").open("w", newline="", encoding="utf-8") as stream:
        out = csv.DictWriter(stream, [*rows[0], "machine"])
        out.writeheader()
        out.writerows({**row, "machine": machine()} for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(required=True)
    small = verbs.add_parser("matrix")
    small.add_argument("--rutland", type=Path)
    small.add_argument("--only", nargs="*")
    small.set_defaults(run=matrix, name="matrix")
    big = verbs.add_parser("large")
    big.add_argument("--buildings", type=int, default=500)
    big.add_argument("--side", type=int, default=640)
    big.add_argument("--cutoff", type=float, default=60.0)
    big.add_argument("--engine", default="scipy")
    big.set_defaults(run=large, name="large")
    bus = verbs.add_parser("transit")
    bus.add_argument("--zones", type=int, default=64)
    bus.set_defaults(run=transit, name="transit")
    args = parser.parse_args()
    rows = args.run(args)
    name = "matrix_rutland" if getattr(args, "rutland", None) else args.name
    if rows and not getattr(args, "only", None):
        write(name, rows)


if __name__ == "__main__":
    main()
