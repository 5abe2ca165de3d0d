"""Names of a place are never run as formulas in the workbook, nor on request in CSV files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import answers
import numpy as np
import openpyxl
import pandas as pd
import pytest

from placeopt.report import write_results
from placeopt.report.count import write_count
from placeopt.report.write import without_formulas
from placeopt.run import _write_tables
from tests.place.small import small_place

HOSTILE = ['=HYPERLINK("http://example.org","x")', "+1", "-1", "@SUM(A1)", "\t=1"]


def hostile_answer():
    """An estate answer whose buildings have names that a spreadsheet would run."""
    answer = answers.estate_answer()
    names = np.array(HOSTILE, dtype=object)
    table = answer.plan.tables["buildings"].copy()
    table["name"] = names[np.arange(len(table)) % len(names)]
    place = answer.place.replace(
        buildings=answer.place.buildings.assign(name=table["name"].to_numpy())
    )
    plan = replace(answer.plan, tables={**answer.plan.tables, "buildings": table})
    return replace(answer, place=place, plan=plan)


def test_plain_csv_escapes_texts_that_are_formulas(tmp_path: Path) -> None:
    answer = hostile_answer()
    write_results(answer, tmp_path / "as_given")
    write_results(answer, tmp_path / "plain", plain_csv=True)
    file = Path("tables") / "buildings.csv"
    given = pd.read_csv(tmp_path / "as_given" / file, keep_default_na=False)
    plain = pd.read_csv(tmp_path / "plain" / file, keep_default_na=False)
    assert given["name"].tolist() == answer.plan.tables["buildings"]["name"].tolist()
    assert plain["name"].tolist() == [f"'{name}" for name in given["name"]]
    others = [column for column in given if column != "name"]
    pd.testing.assert_frame_equal(given[others], plain[others])


def test_every_verb_that_writes_csv_files_has_the_option(tmp_path: Path) -> None:
    place = small_place()
    names = np.resize(np.array(HOSTILE, dtype=object), len(place.buildings))
    place = place.replace(buildings=place.buildings.assign(name=names))
    for name, plain in (("as_given", False), ("plain", True)):
        write_count(place, tmp_path / name, plain_csv=plain)
    file = Path("tables") / "buildings.csv"
    given = pd.read_csv(tmp_path / "as_given" / file, keep_default_na=False)["name"]
    made = pd.read_csv(tmp_path / "plain" / file, keep_default_na=False)["name"]
    assert set(given) == set(names)
    assert made.tolist() == [f"'{name}" for name in given]
    order = pd.DataFrame({"standard": ["=1+1", "safe"], "gbp": [-1.0, 2.0]})
    _write_tables({"prices.csv": order}, tmp_path / "prices", True)
    read = pd.read_csv(tmp_path / "prices" / "prices.csv")
    assert read.to_dict("list") == {"standard": ["'=1+1", "safe"], "gbp": [-1.0, 2.0]}
    from typer.main import get_command

    from placeopt.cli import app

    commands = get_command(app).commands
    verbs = [commands[n] for n in ("solve", "least-money", "prices", "appraise")]
    for verb in (*verbs, commands["place"].commands["count"]):
        assert "--plain-csv" in [option for p in verb.params for option in p.opts], verb.name


def test_the_workbook_writes_names_as_texts(tmp_path: Path) -> None:
    write_results(hostile_answer(), tmp_path / "out")
    book = openpyxl.load_workbook(tmp_path / "out" / "workbook.xlsx")
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    named = [cell for cell in cells if cell.value in HOSTILE[:4]]
    assert {cell.value for cell in named} == set(HOSTILE[:4])
    assert {cell.data_type for cell in named} == {"s"}
    formulas = [str(cell.value) for cell in cells if cell.data_type == "f"]
    assert not [formula for formula in formulas if "example.org" in formula]


@pytest.mark.parametrize("values", [[-1.5, 2.0], [-1, 2], [True, False]])
def test_numbers_are_never_made_texts(values: list[object]) -> None:
    table = pd.DataFrame({"n": values, "mixed": pd.Series(values, dtype=object)})
    pd.testing.assert_frame_equal(without_formulas(table), table)


def test_each_beginning_of_a_formula_is_made_plain() -> None:
    table = pd.DataFrame({"name": ["=1", "+1", "-1", "@A", "\t=1", "\r=1", "a=1", "", "1-2"]})
    expected = ["'=1", "'+1", "'-1", "'@A", "'\t=1", "'\r=1", "a=1", "", "1-2"]
    assert without_formulas(table)["name"].tolist() == expected
