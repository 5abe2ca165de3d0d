"""The files of an answer: they tie to one another and open where they should."""

from __future__ import annotations

import json
import math
import sqlite3
from pathlib import Path

import openpyxl
import pandas as pd
import pyogrio
import pytest
from tests.report.conftest import FORMULA, Written

from placeopt.engine import Status
from placeopt.report.headings import TITLES, headings
from placeopt.report.money import gbp, gbp_exact


@pytest.mark.parametrize("problem", ["estate", "budget"])
def test_every_table_has_its_sheet_with_numbers_as_numbers(
    problem: str, request: pytest.FixtureRequest
) -> None:
    written: Written = request.getfixturevalue(problem)
    assert written.answer.plan is not None
    book = openpyxl.load_workbook(written.folder / "workbook.xlsx", data_only=True)
    known = headings(problem)
    for name, title in TITLES[problem].items():
        if name not in written.answer.plan.tables:
            continue
        sheet, table = book[title], written.answer.plan.tables[name]
        assert sheet.freeze_panes is not None
        assert sheet.auto_filter.ref or table.empty
        for j, column in enumerate(table.columns, start=1):
            heading = known.get(name, {}).get(column)
            if heading is None or heading.format in {"text", "wide", "yesno"}:
                continue
            for i in range(2, len(table) + 2):
                value = sheet.cell(i, j).value
                assert value is None or isinstance(value, int | float), (title, column, value)
            if heading.total:
                assert sheet.cell(len(table) + 2, j).value == pytest.approx(table[column].sum())


@pytest.mark.parametrize("problem", ["estate", "budget"])
def test_every_column_of_a_plan_has_its_heading(
    problem: str, request: pytest.FixtureRequest
) -> None:
    written: Written = request.getfixturevalue(problem)
    assert written.answer.plan is not None
    known = headings(problem)
    for name, table in written.answer.plan.tables.items():
        assert set(table.columns) <= set(known[name]), (name, set(table.columns) - set(known[name]))


def test_totals_of_workbook_csv_and_summary_tie(estate: Written) -> None:
    summary = json.loads((estate.folder / "summary.json").read_text(encoding="utf-8"))
    table = pd.read_csv(estate.folder / "tables" / "buildings.csv", dtype={"building_id": str})
    for moment in ("before", "after"):
        column = f"running_cost_{moment}_gbp_per_year"
        assert summary["figures"][column] == pytest.approx(table[column].sum(), abs=1)
    counts = table["decision"].value_counts().to_dict()
    assert summary["buildings_by_decision"] == counts
    people = table.shape[0] and pd.DataFrame(summary["residents_by_minutes"])
    totals = people.groupby("service_id")[["residents_before", "residents_after"]].sum()
    population = estate.answer.place.zones["population"].sum()
    assert totals.to_numpy().ravel() == pytest.approx(population)


def test_budget_totals_tie(budget: Written) -> None:
    tables = budget.folder / "tables"
    spending, agencies = pd.read_csv(tables / "spending.csv"), pd.read_csv(tables / "agencies.csv")
    for column in ("before_gbp", "after_gbp", "change_gbp"):
        assert spending[column].sum() == pytest.approx(agencies[column].sum(), abs=0.01)


def test_a_summary_is_strict_json(infeasible: Written, estate: Written) -> None:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    for written in (infeasible, estate):
        text = (written.folder / "summary.json").read_text(encoding="utf-8")
        json.loads(text, parse_constant=refuse)


def test_a_name_that_is_a_formula_stays_text(estate: Written) -> None:
    book = openpyxl.load_workbook(estate.folder / "workbook.xlsx")
    cells = [cell for row in book["Buildings"].iter_rows() for cell in row if cell.value == FORMULA]
    assert cells
    assert all(cell.data_type == "s" for cell in cells)


def test_the_geopackage_has_layers_and_default_styles(estate: Written) -> None:
    path = estate.folder / "plan.gpkg"
    layers = dict(pyogrio.list_layers(path))
    assert layers["buildings"] == "Point"
    assert "Polygon" in layers["zones"]
    assert pyogrio.read_info(path, layer="buildings")["crs"] == "EPSG:27700"
    with sqlite3.connect(path) as file:
        rows = file.execute("SELECT f_table_name, styleQML, useAsDefault FROM layer_styles")
        styles = {name: (qml, default) for name, qml, default in rows}
    assert set(styles) == {"buildings", "zones"}
    assert all(default == 1 for _, default in styles.values())
    for decision in ("keep", "close", "hub"):
        assert f'value="{decision}"' in styles["buildings"][0]


def test_an_infeasible_answer_names_the_rules_and_writes_no_plan(infeasible: Written) -> None:
    assert infeasible.answer.result.status is Status.INFEASIBLE
    summary = json.loads((infeasible.folder / "summary.json").read_text(encoding="utf-8"))
    assert "E11" in {clash["rule"] for clash in summary["clashes"]}
    assert summary["objective"] is None
    assert summary["verified"] is False
    assert not (infeasible.folder / "tables").exists()
    assert not (infeasible.folder / "plan.gpkg").exists()
    page = (infeasible.folder / "index.html").read_text(encoding="utf-8")
    assert "What would have to give" in page


def test_writing_again_over_an_older_answer_leaves_none_of_it(
    estate: Written, infeasible: Written, tmp_path: Path
) -> None:
    from placeopt.report import write_results

    write_results(estate.answer, tmp_path)
    write_results(infeasible.answer, tmp_path)
    assert not (tmp_path / "plan.gpkg").exists()
    assert not (tmp_path / "tables").exists()
    assert not (tmp_path / "map.svg").exists()


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "£0"), (1234, "£1,234"), (1_250_000, "£1.2 million"), (2.5e9, "£2.50 billion")],
)
def test_money_reads_as_people_say_it(amount: float, text: str) -> None:
    assert gbp(amount) == text


def test_money_below_nothing_keeps_its_sign_and_unknown_money_says_so() -> None:
    assert gbp(-1234).endswith("£1,234")
    assert gbp(-1234)[0] == "\N{MINUS SIGN}"
    assert gbp(math.nan) == "not known"
    assert gbp_exact(-0.2) == "£0"
