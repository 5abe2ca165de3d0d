"""The verbs of ``placeopt bench``: parse, call, print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from placeopt.cli.options import Out

bench_app = typer.Typer(
    help="Measure engines on location, estate and budget problems.", no_args_is_help=True
)

Suite = Annotated[str, typer.Argument(help="Name of the suite; see placeopt bench suites.")]
Folder = Annotated[Path | None, typer.Option(help="Folder of the standard files.")]
Only = Annotated[str, typer.Option(help="Only cases whose name holds these letters.")]


@bench_app.command("suites")
def bench_suites() -> None:
    """List the suites and the engines."""
    from placeopt.bench import ENGINES, SUITES

    for name, what in SUITES.items():
        typer.echo(f"{name:22}{what}")
    typer.echo(f"engines: {', '.join(ENGINES)}")


@bench_app.command("run")
def bench_run(
    suite: Suite,
    engines: Annotated[str, typer.Option(help="By commas, for example placeopt,highs.")],
    out: Out = Path("bench"),
    folder: Folder = None,
    only: Only = "",
    time_limit: Annotated[float, typer.Option(help="Seconds for each run.")] = 60.0,
    jobs: Annotated[int, typer.Option(help="Runs at once; one a core at most.", min=1)] = 1,
    repeats: Annotated[int, typer.Option(help="Runs of each case.", min=1)] = 1,
    memory_mb: Annotated[int, typer.Option(help="Memory for each run.", min=100)] = 8000,
    gap: Annotated[float, typer.Option(help="Relative gap that counts as proven.", min=0)] = 0.0,
    seed: Annotated[int, typer.Option(help="Shuffles the order; passed to engines.")] = 1,
) -> None:
    """Run a suite, each run in its own process; a stopped suite resumes."""
    from placeopt.bench import run

    names = [name.strip() for name in engines.split(",")]
    run(
        suite, names, out, folder=folder, only=only, time_limit=time_limit, repeats=repeats,
        memory_mb=memory_mb, gap=gap, seed=seed, jobs=jobs, notify=typer.echo,
    )  # fmt: skip
    typer.echo(f"results.parquet and results.csv are in {out}")


@bench_app.command("report")
def bench_report(
    out: Annotated[Path, typer.Argument(help="Folder that bench run wrote.")],
    best_known: Annotated[
        Path | None, typer.Option(help="Known values: family,case,value,bound,proven,source.")
    ] = None,
) -> None:
    """Write tables, performance profiles and gaps over time from a folder of results."""
    from placeopt.bench import report

    typer.echo(f"written to {report(out, best_known=best_known)}")


@bench_app.command("export")
def bench_export(
    suite: Suite,
    out: Annotated[Path, typer.Argument(help="Folder for the files; made if absent.")],
    folder: Folder = None,
    only: Only = "",
) -> None:
    """Write every case of a suite as an MPS file, for other solvers."""
    from placeopt.bench import export

    typer.echo(f"listed in {export(suite, out, folder=folder, only=only, notify=typer.echo)}")
