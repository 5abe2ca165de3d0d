"""Write an answer as files: page, workbook, map layers, tables, summary and provenance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from placeopt.base.files import atomic_folder
from placeopt.report.narrative.narrative import describe
from placeopt.report.summary import answer_summary, json_value, write_json
from placeopt.report.tables.sheets import all_sheets

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.engine import Answer

RESULT_FILES = (  # in the folder of an answer
    "summary.json", "provenance.json", "workbook.xlsx", "index.html", "plan.gpkg", "map.svg",
    "tables",
)  # fmt: skip


_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # in a CSV file opened in a spreadsheet


def write_results(answer: Answer, out: Path | str, *, plain_csv: bool = False) -> dict[str, Path]:
    """Write an answer into the folder ``out`` (made if absent).

    Always ``summary.json``, ``workbook.xlsx``, ``index.html`` and ``provenance.json``; with a
    plan, ``tables`` (a CSV a table, in the plan's own column names and codes); with an estate
    plan, ``plan.gpkg`` and ``map.svg``. The folder is written whole or not at all: an earlier
    answer in it stays until this one takes its place.

    Args:
        answer: The answer.
        out: The folder.
        plain_csv: Put an apostrophe before texts in ``tables`` that a spreadsheet would run as a
            formula (those that begin with = + - @, a tab or a return); numbers stay as they are.

    Returns:
        Name -> file.

    Raises:
        OutputError: ``out`` cannot be written, holds files of another origin, or the disk is full.
    """
    with atomic_folder(Path(out), RESULT_FILES) as made:
        files = _write_files(answer, made, plain_csv)
    return {name: Path(out) / path.relative_to(made) for name, path in files.items()}


def _write_files(answer: Answer, out: Path, plain_csv: bool) -> dict[str, Path]:
    """Write an answer into the empty folder ``out``; return name -> file."""
    from placeopt.report.page.page import write_page
    from placeopt.report.tables.budget_years import budget_year_sheets
    from placeopt.report.workbook.workbook import write_workbook

    narrative, sheets = describe(answer), {**all_sheets(answer), **budget_year_sheets(answer)}
    files = {
        "summary": write_json(answer_summary(answer, narrative), out / "summary.json"),
        "provenance": write_json(json_value(answer.provenance), out / "provenance.json"),
        "workbook": write_workbook(answer, narrative, sheets, out / "workbook.xlsx"),
    }
    if answer.plan is not None:
        files["tables"] = _write_tables(answer, out / "tables", plain_csv)
        if "buildings" in answer.plan.tables:
            from placeopt.report.charts.picture import write_picture
            from placeopt.report.geopackage.layers import write_geopackage

            files["geopackage"] = write_geopackage(answer, sheets, out / "plan.gpkg")
            files["map"] = write_picture(answer, out / "map.svg")
    other_files = [str(path.relative_to(out)) for path in files.values()]
    files["page"] = write_page(answer, narrative, sheets, out / "index.html", other_files)
    return files


def _write_tables(answer: Answer, folder: Path, plain_csv: bool) -> Path:
    assert answer.plan is not None
    folder.mkdir(exist_ok=True)
    for name, table in answer.plan.tables.items():
        write_table(table, folder / f"{name}.csv", plain_csv)
    return folder


def write_table(table: pd.DataFrame, file: Path, plain_csv: bool) -> None:
    """Write a table as CSV; ``plain_csv`` as in ``write_results``."""
    (without_formulas(table) if plain_csv else table).to_csv(file, index=False)


def without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with an apostrophe before texts that a spreadsheet would run as formulas."""
    plain = table.copy()
    for name in table.columns:
        if any(isinstance(v, str) and v.startswith(_FORMULA_STARTS) for v in table[name]):
            plain[name] = table[name].astype(object).map(_without_formula)
    return plain


def _without_formula(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value
