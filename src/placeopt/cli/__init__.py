"""The command line: one command per verb, which parses, calls and prints.

Exit statuses: 0 a plan was found, 1 faults in the input, 2 wrong usage, 3 infeasible, 4 no plan
within the limit, 5 a plan failed verification.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from placeopt.base import errors
from placeopt.base.errors import errors_among
from placeopt.cli.bench import bench_app
from placeopt.cli.options import Out, PlainCsv
from placeopt.cli.place import place_app

if TYPE_CHECKING:
    from placeopt.engine import Answer

app = typer.Typer(
    name="placeopt",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(place_app, name="place")
app.add_typer(bench_app, name="bench")

T = TypeVar("T")
BudgetFile = Annotated[Path, typer.Argument(help="Budget scenario file (TOML).")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def _version(asked: bool) -> None:
    if asked:
        from placeopt import __version__

        typer.echo(__version__)
        raise typer.Exit()


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    """Decide with proof which public buildings a place keeps and how it splits one budget."""


@app.command()
def check(
    place: Annotated[Path, typer.Argument(help="Folder or GeoPackage of the place.")],
    scenario: Annotated[Path | None, typer.Argument(help="Scenario to check against it.")] = None,
    as_json: Json = False,
) -> None:
    """List every fault of a place (and of a scenario) at once."""
    from placeopt.run import check_files

    findings = check_files(place, scenario)
    faults = len(errors_among(findings))
    if as_json:
        typer.echo(json.dumps({"errors": faults, "findings": [f.as_dict() for f in findings]}))
    else:
        for severity, line in errors.finding_lines(findings):
            typer.echo(f"{severity}: {line}")
        warnings = len(findings) - faults
        numbers = ((faults, "error"), (warnings, "warning"))
        typer.echo(", ".join(f"{n} {word}{'' if n == 1 else 's'}" for n, word in numbers))
    raise typer.Exit(1 if faults else 0)


@app.command()
def solve(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (TOML).")],
    out: Out = Path("out"),
    plain_csv: PlainCsv = False,
    as_json: Json = False,
) -> None:
    """Solve a scenario: a verified plan with its bound, or the rules that clash."""
    from placeopt.run import solve_file

    answer = _with_progress(
        lambda watch: solve_file(scenario, out, watch, plain_csv=plain_csv), quiet=as_json
    )
    _print_answer(answer, out, as_json)
    raise typer.Exit(_exit_status(answer))


@app.command("least-money")
def least_money(
    scenario: BudgetFile,
    out: Out = Path("least-money"),
    plain_csv: PlainCsv = False,
) -> None:
    """Find the least money that meets every standard, and the order in which standards break."""
    from placeopt.run import least_money_file

    typer.echo("\n".join(least_money_file(scenario, out, plain_csv=plain_csv)))
    typer.echo(f"order_of_breaking.csv is in {out}")


@app.command()
def prices(
    scenario: BudgetFile,
    out: Out = Path("prices"),
    plain_csv: PlainCsv = False,
) -> None:
    """Find the change from a step of each limit of a budget, solved again for each."""
    from placeopt.run import prices_file

    typer.echo("\n".join(prices_file(scenario, out, plain_csv=plain_csv)))
    typer.echo(f"prices.csv is in {out}")


@app.command("year-on")
def year_on(
    scenario: BudgetFile,
    actual: Annotated[
        Path,
        typer.Option(help="CSV of programme_id,year,amount_gbp,kind; kind: actual or contracted."),
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder for the next year's question.")],
    plan: Annotated[
        Path | None, typer.Option(help="Folder of the plan in force; by default it is solved.")
    ] = None,
    contracted: Annotated[
        str, typer.Option(help="Programmes, by commas, whose planned money is bound.")
    ] = "",
    rolls: Annotated[bool, typer.Option("--rolls", help="Decide one year more.")] = False,
) -> None:
    """Roll a question forward a year with actual spending, and keep contracts."""
    from placeopt.run import year_on_file

    programmes = tuple(name.strip() for name in contracted.split(",") if name.strip())
    lines = _with_progress(
        lambda watch: year_on_file(
            scenario, actual, out, plan=plan, contracted=programmes, rolls=rolls, progress=watch
        )
    )
    typer.echo("\n".join(lines))


@app.command()
def travel(
    place: Annotated[Path, typer.Argument(help="Folder or GeoPackage of the place.")],
    modes: Annotated[str, typer.Option(help="walk, cycle, drive, transit; by commas.")] = (
        "walk,drive"
    ),
    streets: Annotated[
        Path | None, typer.Option(help=".osm.pbf, or layers of edges and nodes (GeoPackage).")
    ] = None,
    gtfs: Annotated[
        list[Path] | None, typer.Option(help="Timetables: a GTFS feed (zip); once for each feed.")
    ] = None,
    date: Annotated[str | None, typer.Option(help="Day of travel, for example 2026-06-09.")] = None,
    depart: Annotated[str, typer.Option(help="Departures from-before.")] = "07:00-10:00",
    cutoff: Annotated[float, typer.Option(help="Minutes beyond which pairs are not kept.")] = 120,
    points: Annotated[
        Path | None, typer.Option(help="Several points for each zone: zone_id,x_m,y_m,weight.")
    ] = None,
    engine: Annotated[str, typer.Option(help="scipy or pyroutingkit.")] = "scipy",
    out: Annotated[
        Path | None, typer.Option(help="File for the minutes; by default beside the place.")
    ] = None,
) -> None:
    """Measure minutes over streets and timetables; a call after Ctrl-C resumes."""
    from placeopt.travel.command import measure_place
    from placeopt.travel.progress import progress_bar

    names = tuple(name.strip() for name in modes.split(",") if name.strip())
    with progress_bar() as watch:
        measured = measure_place(
            place,
            modes=names,
            streets=streets,
            gtfs=gtfs,
            date=date,
            depart=depart,
            cutoff_minutes=cutoff,
            points=points,
            engine=engine,
            out=out,
            progress=watch,
        )
    typer.echo(str(measured))


@app.command()
def locate(
    problem: Annotated[str, typer.Argument(help="p-median, p-centre, covering, ...")],
    file: Annotated[Path, typer.Argument(help="Instance, matrix, points, place or scenario.")],
    p: Annotated[int | None, typer.Option("--p", help="Facilities; by default the file's.")] = None,
    radius: Annotated[float | None, typer.Option(help="Radius of coverings.")] = None,
    metric: Annotated[str | None, typer.Option(help="How points are measured.")] = None,
    k_nearest: Annotated[
        int | None, typer.Option(help="Customers go to one of their k nearest sites only.")
    ] = None,
    capacity: Annotated[
        float | None, typer.Option(help="Capacity of each site, where the file leaves it open.")
    ] = None,
    form: Annotated[str | None, typer.Option(help="Form of the file, where it is not plain.")] = (
        None
    ),
    sites: Annotated[
        Path | None, typer.Option(help="Table of sites: site_id, capacity, fixed_cost, x, y.")
    ] = None,
    flows: Annotated[
        Path | None, typer.Option(help="Of flow-refuelling: origin, destination, volume.")
    ] = None,
    vehicle_range: Annotated[
        float | None, typer.Option(help="Of flow-refuelling: how far a full tank goes.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Of flow-refuelling: share that makes a node covered.")
    ] = None,
    by_distance: Annotated[
        bool, typer.Option("--by-distance", help="Of flow-refuelling: count volume x length.")
    ] = False,
    service: Annotated[str | None, typer.Option(help="Service of a place or scenario.")] = None,
    modes: Annotated[str | None, typer.Option(help="Of a place, by commas: walk,drive.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Buildings with it today stay.")] = False,
    engine: Annotated[str, typer.Option(help="placeopt, or an engine for the compact model.")] = (
        "placeopt"
    ),
    time_limit: Annotated[float, typer.Option(help="Seconds.")] = 60.0,
    gap: Annotated[float, typer.Option(help="Relative gap at which to stop.")] = 0.0,
    as_json: Json = False,
) -> None:
    """Solve one classical location problem, with its bound."""
    from placeopt.location import is_flow_refuelling, locate_file, locate_stations_file

    file_options = {
        "radius": radius, "metric": metric, "capacity": capacity, "form": form, "sites": sites,
        "service": service, "keep": keep or None, "k_nearest": k_nearest,
        "modes": tuple(modes.split(",")) if modes else None, "flows": flows,
        "vehicle_range": vehicle_range, "threshold": threshold, "by_distance": by_distance or None,
    }  # fmt: skip
    options = {name: value for name, value in file_options.items() if value is not None}
    solve_options = {"engine": engine, "time_limit_seconds": time_limit, "gap": gap}
    if is_flow_refuelling(problem):
        solution: Any = locate_stations_file(file, p, **options, **solve_options)
    else:
        solution = locate_file(problem, file, p, **options, **solve_options)
    typer.echo(json.dumps(solution.as_dict()) if as_json else str(solution.summary()))
    raise typer.Exit({"infeasible": 3}.get(str(solution.status), 0 if solution.facilities else 4))


@app.command("compile")
def compile_ahead() -> None:
    """Compile the code of large problems and timetables ahead of later runs."""
    from placeopt.location.compile_ahead import compile_capacitated, compile_uncapacitated
    from placeopt.travel.transit.raptor import compile_raptor

    for compile_part in (compile_uncapacitated, compile_capacitated, compile_raptor):
        compile_part()
    typer.echo("all compiled code is ready")


@app.command()
def appraise(
    place: Annotated[Path, typer.Argument(help="Folder, GeoPackage or workbook of the place.")],
    payer: Annotated[str, typer.Option(help="Agency id; by default who pays most.")] = "",
    optimism_bias: Annotated[
        bool, typer.Option(help="Correct costs and benefits by their evidence grades.")
    ] = False,
    rate: Annotated[
        float, typer.Option(min=0, max=0.99, help="Real discount rate of the first years.")
    ] = 0.035,
    years: Annotated[
        int | None, typer.Option(min=1, help="Years counted; by default until the last benefit.")
    ] = None,
    out: Out = Path("appraisal"),
    plain_csv: PlainCsv = False,
    as_json: Json = False,
) -> None:
    """Appraise an investment: costs and benefits by agency and year, and the payback year."""
    from placeopt.budget.appraisal.appraisal import appraise as appraise_place
    from placeopt.budget.appraisal.optimism_bias import without_grade
    from placeopt.place import read_place
    from placeopt.report.appraisal import appraisal_in_words, write_appraisal
    from placeopt.scenario.scenario import Money

    place_read = read_place(place)
    money = Money(discount_rate=rate, optimism_bias=optimism_bias)
    appraisal = appraise_place(place_read, money, payer=payer, years=years)
    files = write_appraisal(appraisal, place_read, out, plain_csv=plain_csv)
    if as_json:
        typer.echo(files["summary"].read_text(encoding="utf-8"))
        return
    for line in appraisal_in_words(appraisal):
        typer.echo(line)
    for finding in without_grade(place_read) if optimism_bias else ():
        typer.echo(f"{finding.severity}: {finding}")
    typer.echo(f"Look at {files['workbook']}: every step is a formula. Tables in {out / 'tables'}.")


@app.command()
def demo(
    out: Out = Path("demo"),
) -> None:
    """Solve two scenarios of the shipped place."""
    from placeopt.run import demo_scenarios, solve_file

    statuses = []
    for problem, scenario in demo_scenarios().items():
        typer.echo(f"{problem}: {scenario}")
        folder = out / problem
        answer = _with_progress(lambda watch, s=scenario, f=folder: solve_file(s, f, watch))  # type: ignore[misc]
        _print_answer(answer, folder, as_json=False)
        statuses.append(_exit_status(answer))
    raise typer.Exit(max(statuses))


INTERRUPTED_STATUS = 130  # 128 and the number of SIGINT, as shells have it


def main() -> None:
    """Run the command line; every error ends in one message and its exit status."""
    try:
        app()
    except errors.InputError as error:
        _fail(error, 1)
    except errors.UsageError as error:
        _fail(error, 2)
    except errors.NoPlanError as error:
        _fail(error, 4)
    except errors.VerificationError as error:
        _fail(error, 5)
    except errors.PlaceoptError as error:
        _fail(error, 2)
    except SystemExit as ended:
        if ended.code == INTERRUPTED_STATUS:
            typer.echo("stopped by Ctrl-C: nothing was written, what was there stays", err=True)
        raise


def _fail(error: Exception, status: int) -> None:
    typer.echo(str(error), err=True)
    sys.exit(status)


def _with_progress(job: Callable[[Any], T], quiet: bool = False) -> T:
    """Return the result of a job, with a line of progress: seconds, best plan, bound, gap."""
    if quiet:
        return job(None)
    from placeopt.engine.progress import TerminalProgress

    with TerminalProgress() as watch:
        return job(watch)


def _exit_status(answer: Answer) -> int:
    if answer.plan is not None:
        return 0
    return 3 if answer.result.status == "infeasible" else 4


def _print_answer(answer: Answer, out: Path, as_json: bool) -> None:
    from placeopt.report import headline

    if as_json:
        typer.echo((out / "summary.json").read_text(encoding="utf-8"))
        return
    typer.echo(headline(answer))
    files = ["workbook.xlsx", "plan.gpkg", "map.svg", "summary.json"]
    existing = ", ".join(name for name in files if (out / name).exists())
    typer.echo(f"Look at {out / 'index.html'}; beside it: {existing}.")
