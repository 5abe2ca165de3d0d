"""Write an answer as files: page, workbook, map layers, tables, summary and provenance.

Each file or folder has a writer, registered by name; ``write_results`` calls all that apply to an
answer. A writer of your own needs only to be registered (docs/extending.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from placeopt.base.files import atomic_folder
from placeopt.report.narrative.narrative import Narrative, describe
from placeopt.report.summary import answer_summary, json_value, write_json
from placeopt.report.tables.budget_years import budget_year_sheets
from placeopt.report.tables.sheet import Sheet
from placeopt.report.tables.sheets import all_sheets

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.engine import Answer

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # in a CSV file opened in a spreadsheet


@dataclass(frozen=True)
class Results:
    """What writers write from.

    Attributes:
        answer: The answer.
        narrative: The answer in words.
        sheets: Table name -> the table as people read it.
        plain_csv: As in ``write_results``.
        files: The names of all files and folders of this answer.
    """

    answer: Answer
    narrative: Narrative
    sheets: dict[str, Sheet]
    plain_csv: bool
    files: tuple[str, ...]


@dataclass(frozen=True)
class ResultWriter:
    """One file or folder of results.

    Attributes:
        file: Its name in the folder of an answer.
        write: Writes it at a path.
        applies: Whether an answer has it.
    """

    file: str
    write: Callable[[Results, Path], None]
    applies: Callable[[Answer], bool]


WRITERS: dict[str, ResultWriter] = {}  # by name, in the order in which they write


def always(answer: Answer) -> bool:
    """Whether there is an answer: there always is."""
    return True


def has_plan(answer: Answer) -> bool:
    """Whether the answer has a plan."""
    return answer.plan is not None


def has_estate_plan(answer: Answer) -> bool:
    """Whether the answer has a plan with buildings."""
    return answer.plan is not None and "buildings" in answer.plan.tables


def register(
    name: str, file: str, applies: Callable[[Answer], bool] = always
) -> Callable[[Callable[[Results, Path], None]], Callable[[Results, Path], None]]:
    """Register a function that writes one file or folder of results.

    Args:
        name: The name by which ``write_results`` returns it.
        file: The name of the file or folder.
        applies: Whether an answer has it.
    """

    def registered(write: Callable[[Results, Path], None]) -> Callable[[Results, Path], None]:
        WRITERS[name] = ResultWriter(file, write, applies)
        return write

    return registered


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
    writers = {name: one for name, one in WRITERS.items() if one.applies(answer)}
    files = tuple(one.file for one in writers.values())
    sheets = {**all_sheets(answer), **budget_year_sheets(answer)}
    results = Results(answer, describe(answer), sheets, plain_csv, files)
    with atomic_folder(Path(out)) as made:
        for one in writers.values():
            one.write(results, made / one.file)
    return {name: Path(out) / one.file for name, one in writers.items()}


@register("summary", "summary.json")
def _write_summary(results: Results, path: Path) -> None:
    write_json(answer_summary(results.answer, results.narrative), path)


@register("provenance", "provenance.json")
def _write_provenance(results: Results, path: Path) -> None:
    write_json(json_value(results.answer.provenance), path)


@register("workbook", "workbook.xlsx")
def _write_workbook(results: Results, path: Path) -> None:
    from placeopt.report.workbook.workbook import write_workbook

    write_workbook(results.answer, results.narrative, results.sheets, path)


@register("tables", "tables", has_plan)
def _write_tables(results: Results, folder: Path) -> None:
    assert results.answer.plan is not None
    folder.mkdir(exist_ok=True)
    for name, table in results.answer.plan.tables.items():
        write_table(table, folder / f"{name}.csv", results.plain_csv)


@register("geopackage", "plan.gpkg", has_estate_plan)
def _write_geopackage(results: Results, path: Path) -> None:
    from placeopt.report.geopackage.layers import write_geopackage

    write_geopackage(results.answer, results.sheets, path)


@register("map", "map.svg", has_estate_plan)
def _write_map(results: Results, path: Path) -> None:
    from placeopt.report.charts.picture import write_picture

    write_picture(results.answer, path)


@register("page", "index.html")
def _write_page(results: Results, path: Path) -> None:
    from placeopt.report.page.page import write_page

    others = [file for file in results.files if file != path.name]
    write_page(results.answer, results.narrative, results.sheets, path, others)


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
