"""Measure building a p-median of n zones and n buildings and passing it to a solver.

    python benchmarks/build_and_transfer.py --n 300 1000 --ways ours pulp-highs
    python benchmarks/build_and_transfer.py --n 300 --markdown

Each method runs in its own process, so that its peak memory is separate; the model is not solved.
The data (n x n random minutes) is made before the clock starts; imports are not counted.

ways   ours         placeopt.engine.Model -> sparse arrays -> HiGHS
       pulp-highs   PuLP, one expression a row -> PuLP's own transfer to HiGHS
       pulp-cbc     PuLP, the same -> the MPS file that CBC reads
       pulp-ours    PuLP, the same -> placeopt.engine.from_pulp -> HiGHS
       linopy       linopy -> HiGHS, where linopy is installed
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

P = 10


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--n", type=int, nargs="+", default=[300])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--markdown", action="store_true", help="print a table for the README")
    parser.add_argument("--one", help=argparse.SUPPRESS)  # run one way in this process
    options = parser.parse_args(arguments)
    if options.one:
        print(json.dumps(measured(options.one, options.n[0])))
        return
    cells = "| {:>5} | {:<10} | {:>7} | {:>10} | {:>9} | {:>9} | {:>7} |"
    if not options.markdown:
        cells = cells.replace("| ", "").replace(" |", "")
    print(cells.format("n", "way", "build s", "transfer s", "CPU s", "non-zeros", "peak MB"))
    if options.markdown:
        print("| ---: | --- | ---: | ---: | ---: | ---: | ---: |")
    for n in options.n:
        for way in options.ways:
            row = in_a_process_of_its_own(way, n)
            if row:
                print(
                    cells.format(
                        n,
                        way,
                        f"{row['build']:.2f}",
                        f"{row['transfer']:.2f}",
                        f"{row['cpu']:.2f}",
                        row["nonzeros"],
                        f"{row['peak_mb']:.0f}",
                    ),
                    flush=True,
                )


def in_a_process_of_its_own(way: str, n: int) -> dict[str, float] | None:
    if way == "linopy" and importlib.util.find_spec("linopy") is None:
        print("linopy is not installed: left out", file=sys.stderr)
        return None
    command = [sys.executable, "-W", "ignore", __file__, "--one", way, "--n", str(n)]
    ran = subprocess.run(command, capture_output=True, text=True)
    if ran.returncode:
        raise SystemExit(f"{way} with n = {n} broke:\n{ran.stderr}")
    row: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    return row


def measured(way: str, n: int) -> dict[str, float]:
    """Seconds to build and to transfer, CPU seconds of both, non-zeros and peak memory."""
    minutes = np.random.default_rng(1).random((n, n)) * 60
    build, transfer = WAYS[way]()
    began, cpu = time.perf_counter(), time.process_time()
    model = build(minutes)
    built = time.perf_counter()
    nonzeros = transfer(model)
    ended = time.perf_counter()
    spent = time.process_time() - cpu
    unit = 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kilobytes elsewhere
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    return {
        "build": built - began,
        "transfer": ended - built,
        "cpu": spent,
        "nonzeros": nonzeros,
        "peak_mb": peak,
    }


def ours() -> tuple[Callable, Callable]:
    import highspy  # noqa: F401  (so that importing is not counted)

    from placeopt.engine import Model, highs

    def build(minutes: np.ndarray):
        n = len(minutes)
        zone, building = np.divmod(np.arange(n * n), n)
        pairs = np.arange(n * n)
        model = Model("p-median")
        keep = model.add_columns("keep", size=n, upper=1, integer=True)
        go = model.add_columns("go", size=n * n, upper=1, cost=minutes.ravel())
        model.add_rows("goes", rule="2", size=n, lower=1, upper=1, terms=[(zone, go.all, 1)])
        kept = [(pairs, go.all, 1), (pairs, keep.at(building), -1)]
        model.add_rows("kept", rule="3", size=n * n, upper=0, terms=kept)
        model.add_rows("count", rule="4", size=1, lower=P, upper=P, terms=[(0, keep.all, 1)])
        return model.arrays()

    return build, lambda arrays: highs.load(arrays).getNumNz()


def with_pulp(transfer: Callable) -> tuple[Callable, Callable]:
    file = Path(__file__).resolve().parent.parent / "models" / "p_median.py"
    spec = importlib.util.spec_from_file_location("p_median", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    import highspy  # noqa: F401

    return lambda minutes: module.p_median(np.ones(len(minutes)), minutes, P), transfer


def pulp_highs() -> tuple[Callable, Callable]:
    import pulp

    def transfer(problem) -> int:
        solver = pulp.HiGHS(msg=False)
        solver.createAndConfigureSolver(problem)
        solver.buildSolverModel(problem)
        return problem.solverModel.getNumNz()

    return with_pulp(transfer)


def pulp_cbc() -> tuple[Callable, Callable]:
    def transfer(problem) -> int:
        with tempfile.TemporaryDirectory() as folder:
            problem.writeMPS(str(Path(folder) / "model.mps"))
        return sum(len(constraint) for constraint in problem.constraints())

    return with_pulp(transfer)


def pulp_ours() -> tuple[Callable, Callable]:
    from placeopt.engine import from_pulp, highs

    return with_pulp(lambda problem: highs.load(from_pulp(problem)).getNumNz())


def with_linopy() -> tuple[Callable, Callable]:
    import linopy
    import pandas as pd
    import xarray

    def build(minutes: np.ndarray):
        zones = pd.RangeIndex(len(minutes), name="zone")
        buildings = pd.RangeIndex(len(minutes), name="building")
        model = linopy.Model()
        keep = model.add_variables(binary=True, coords=[buildings], name="keep")
        go = model.add_variables(lower=0, upper=1, coords=[zones, buildings], name="go")
        model.add_constraints(go.sum("building") == 1, name="goes")
        model.add_constraints(go - keep <= 0, name="kept")
        model.add_constraints(keep.sum() == P, name="count")
        cost = xarray.DataArray(minutes, coords=[zones, buildings])
        model.add_objective((cost * go).sum())
        return model

    return build, lambda model: model.to_highspy().getNumNz()


WAYS: dict[str, Callable[[], tuple[Callable, Callable]]] = {
    "ours": ours,
    "pulp-highs": pulp_highs,
    "pulp-cbc": pulp_cbc,
    "pulp-ours": pulp_ours,
    "linopy": with_linopy,
}

if __name__ == "__main__":
    main()
