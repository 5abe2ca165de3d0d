"""Compare all engines on our suites, and write the tables of benchmarks/README.md again.

    python benchmarks/engines.py                          # half an hour on two quiet cores
    python benchmarks/engines.py --suites budget,stroke   # some of it
    python benchmarks/engines.py --folder FILES           # the standard files as well
    python benchmarks/engines.py --tables                 # only write the tables again

Runs go to ``benchmarks/out`` and resume if stopped. Parquet, CSV and pictures are
copied to ``benchmarks/results``; the tables between ``<!-- engines SUITE -->`` and ``<!-- end -->``
in the README are replaced. For one suite use ``placeopt bench run`` and ``report``.
"""

from __future__ import annotations

import argparse
import re
import shutil
from pathlib import Path

import pandas as pd

from placeopt.bench import report, run
from placeopt.bench.results.judge import judge, read_best_known
from placeopt.bench.results.records import read_records
from placeopt.bench.results.report import measured_on
from placeopt.bench.results.tables import family_table, ratio_table

HERE = Path(__file__).resolve().parent
KNOWN = HERE / "best_known.csv"
MIXED = ["placeopt", "highs", "cbc", "scip"]
# suite: engines, letters that a case's name must hold
GENERATED: dict[str, tuple[list[str], str]] = {
    "spopt": ([*MIXED, "cp-sat", "spopt"], ""),
    "estate": ([*MIXED, "pulp-highs", "pulp-cbc"], "-s1"),
    "budget": ([*MIXED, "pulp-highs", "pulp-cbc"], ""),
    "stroke": (["placeopt"], ""),
}
SECONDS = {"stroke": 60.0}  # where it is not --time-limit
FILES = ("pmed", "p-centre", "tsplib", "capacitated", "single-source", "capacitated-p-median")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--suites", help="by commas; by default all that can be run")
    parser.add_argument("--folder", type=Path, help="folder of the standard files")
    parser.add_argument("--time-limit", type=float, default=20.0)
    parser.add_argument("--jobs", type=int, default=2, help="runs at once, at most one a core")
    parser.add_argument("--out", type=Path, default=HERE / "out")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    parser.add_argument("--readme", type=Path, default=HERE / "README.md")
    parser.add_argument("--tables", action="store_true", help="measure nothing")
    options = parser.parse_args(arguments)
    names = [*GENERATED, *(FILES if options.folder else ())]
    if options.suites:
        names = [name.strip() for name in options.suites.split(",")]
    for name in names:
        engines, only = GENERATED.get(name, (["placeopt"], ""))
        out = options.out / name
        if not options.tables:
            seconds = SECONDS.get(name, options.time_limit)
            run(name, engines, out, folder=options.folder, only=only, time_limit=seconds,
                jobs=options.jobs, notify=lambda line: print(line, flush=True))  # fmt: skip
        if read_records(out):
            renew(name, out, options.results, options.readme)


def renew(name: str, out: Path, results: Path, readme: Path) -> None:
    """Copy the results of a suite and write its part of the README anew."""
    report(out, best_known=KNOWN)
    results.mkdir(parents=True, exist_ok=True)
    for source, ending in (("results.parquet", ".parquet"), ("results.csv", ".csv"),
                           ("profile.png", "_profile.png"), ("gaps.png", "_gaps.png")):  # fmt: skip
        if (out / source).is_file():
            shutil.copy(out / source, results / f"bench_{name}{ending}")
    frame = judge(pd.DataFrame(read_records(out)), read_best_known(KNOWN))
    several = frame["engine"].nunique() > 1
    parts = [measured_on(frame)]
    if several:
        parts.append(f"![Share proven](results/bench_{name}_profile.png)\n")
    for family, rows in frame.groupby("family", sort=True):
        parts.append(f"**{family}**\n\n{family_table(rows)}")
    if name == "spopt":
        parts.append(f"**CPU seconds as a multiple of placeopt's**\n\n{ratio_table(frame)}")
    text = readme.read_text(encoding="utf-8")
    part = "\n".join(parts).strip()
    pattern = rf"(<!-- engines {re.escape(name)} -->\n).*?(<!-- end -->)"
    fresh = re.sub(pattern, lambda found: f"{found[1]}{part}\n{found[2]}", text, flags=re.DOTALL)
    readme.write_text(fresh, encoding="utf-8")


if __name__ == "__main__":
    main()
