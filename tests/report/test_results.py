"""The files of an answer: their content, reconciled totals and size."""

from __future__ import annotations

import json
import sqlite3
import time

import answers
import geopandas as gpd
import openpyxl
import pandas as pd
import pyogrio

from placeopt.report import draw_picture, headline, write_results


def rows_of(folder, sheet):
    """A sheet as (totals by heading, records): title, totals, headings, rows."""
    book = openpyxl.load_workbook(folder / "workbook.xlsx", data_only=True)
    page = book[sheet]
    heads = [cell.value for cell in page[3]]
    totals = dict(zip(heads, [cell.value for cell in page[2]], strict=True))
    records = [
        dict(zip(heads, row, strict=True)) for row in page.iter_rows(min_row=4, values_only=True)
    ]
    return totals, records


def strict_json(path):
    def refuse(name):
        raise AssertionError(f"{name} is not valid JSON")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def test_every_file_of_an_estate_answer_is_there(estate):
    _, out = estate
    names = {path.name for path in out.iterdir()}
    assert names == {
        "summary.json",
        "workbook.xlsx",
        "plan.gpkg",
        "tables",
        "index.html",
        "provenance.json",
        "map.svg",
        ".placeopt-files",
    }


def test_summary_and_provenance_are_valid_json_without_nan(estate, budget, infeasible):
    for _, out in (estate, budget, infeasible):
        summary = strict_json(out / "summary.json")
        assert summary["schema"] == "placeopt-summary-1"
        assert summary["status_in_words"]
        assert summary["verified"] is summary["has_plan"]
        assert strict_json(out / "provenance.json")["missing"] is None


def test_running_costs_tie_between_summary_workbook_and_csv(estate):
    answer, out = estate
    expected = answer.plan.money["before_gbp_per_year"].sum()
    assert strict_json(out / "summary.json")["costs"]["before_gbp_per_year"] == expected
    totals, records = rows_of(out, "Money by agency")
    assert totals["Today (£ a year)"] == expected
    assert sum(row["Today (£ a year)"] or 0 for row in records) == expected
    assert pd.read_csv(out / "tables" / "money.csv")["before_gbp_per_year"].sum() == expected
    page = openpyxl.load_workbook(out / "workbook.xlsx", data_only=True)["Summary"]
    figures = {row[0]: row[1:3] for row in page.iter_rows(values_only=True) if row[0]}
    assert figures["Running cost a year"][0] == expected


def test_spending_ties_between_summary_workbook_and_csv(budget):
    answer, out = budget
    expected = answer.plan.spending["after_gbp"].sum()
    assert strict_json(out / "summary.json")["costs"]["after_gbp"] == expected
    for sheet in ("Spending", "Payments by stream", "Agencies"):
        assert rows_of(out, sheet)[0]["In the plan (£)"] == expected
    assert pd.read_csv(out / "tables" / "spending.csv")["after_gbp"].sum() == expected


def test_workbook_totals_follow_the_filter(estate):
    _, out = estate
    page = openpyxl.load_workbook(out / "workbook.xlsx")["Money by agency"]
    formulas = [cell.value for cell in page[2] if str(cell.value).startswith("=")]
    assert formulas
    assert all(formula.startswith("=SUBTOTAL(109,") for formula in formulas)
    assert page.auto_filter.ref
    assert page.freeze_panes
    assert page.page_setup.orientation == "landscape"
    assert page.page_setup.fitToHeight == 0


def test_ids_stay_text_and_numbers_stay_numbers(estate):
    _, out = estate
    _, records = rows_of(out, "Buildings")
    assert records[0]["Building id"] == answers.UPRN
    assert isinstance(records[0]["Running cost today (£ a year)"], int | float)
    layer = gpd.read_file(out / "plan.gpkg", layer="buildings")
    assert layer["building_id"][0] == answers.UPRN


def test_a_hostile_name_is_text_in_the_workbook_never_a_formula(estate, budget):
    for (_, out), sheet in ((estate, "Buildings"), (budget, "Spending")):
        page = openpyxl.load_workbook(out / "workbook.xlsx")[sheet]
        cells = [c for row in page.iter_rows(min_row=4) for c in row if c.value == answers.FORMULA]
        assert cells
        assert all(cell.data_type == "s" for cell in cells)
        assert not page._hyperlinks


def test_sheets_of_each_problem(estate, budget):
    def names(out):
        return openpyxl.load_workbook(out / "workbook.xlsx", read_only=True).sheetnames

    last = ["Rules", "Findings", "Assumptions", "Provenance"]
    people = ["Residents by group", "Zones that lose most", "Zones", "Access"]
    people += ["Residents by minutes", "Money by agency"]
    assert names(estate[1]) == ["Summary", "Buildings", "Services", *people, *last]
    money = ["Spending", "Payments by stream", "Streams", "Outcomes", "Agencies"]
    assert names(budget[1]) == ["Summary", "Inputs", *money, "Who gains", *last]


def test_the_geopackage_has_layers_crs_and_default_styles(estate):
    answer, out = estate
    layers = {name for name, _ in pyogrio.list_layers(out / "plan.gpkg")}
    assert layers == {"buildings", "zones", "districts", "services", "access", "layer_styles"}
    for name in ("buildings", "zones", "districts"):
        assert gpd.read_file(out / "plan.gpkg", layer=name).crs.to_epsg() == 27700
    assert len(gpd.read_file(out / "plan.gpkg", layer="zones")) == len(answer.plan.zones)
    with sqlite3.connect(out / "plan.gpkg") as database:
        styles = {
            name: (geometry, qml, default)
            for name, geometry, qml, default in database.execute(
                "SELECT f_table_name, f_geometry_column, styleQML, useAsDefault FROM layer_styles"
            )
        }
        columns = dict(
            database.execute("SELECT table_name, column_name FROM gpkg_geometry_columns")
        )
    assert set(styles) == {"buildings", "zones", "districts"}
    for name, (geometry, qml, default) in styles.items():
        assert geometry == columns[name]
        assert default == 1
        _well_formed(qml)
    for decision in ("keep", "close", "hub", "open"):
        assert f'value="{decision}"' in styles["buildings"][1]


def _well_formed(xml):
    from xml.etree import ElementTree

    ElementTree.fromstring(xml.split("\n", 1)[1])


def test_a_place_without_boundaries_gets_points(tmp_path):
    from dataclasses import replace

    answer = answers.estate_answer()
    answer = replace(answer, place=replace(answer.place, boundaries=None))
    write_results(answer, tmp_path)
    assert set(gpd.read_file(tmp_path / "plan.gpkg", layer="zones").geom_type) == {"Point"}
    assert "<circle" in draw_picture(answer)


def test_an_infeasible_answer_leaves_nothing_of_an_earlier_plan(tmp_path):
    write_results(answers.estate_answer(), tmp_path)
    write_results(answers.infeasible_answer(), tmp_path)
    assert not (tmp_path / "plan.gpkg").exists()
    assert not (tmp_path / "tables").exists()
    summary = strict_json(tmp_path / "summary.json")
    assert summary["has_plan"] is False
    assert [clash["number"] for clash in summary["explanation"]["clashes"]] == ["E7", "E9"]
    book = openpyxl.load_workbook(tmp_path / "workbook.xlsx")
    assert book.sheetnames == ["Summary", "Rules", "Findings", "Assumptions", "Provenance"]


def test_the_headline_states_the_saving_and_its_certainty():
    said = headline(answers.estate_answer())
    assert "saves £25,000 a year (25%" in said
    assert "cost at most 0.40% less" in said
    assert "Verified" in said


def test_an_unknown_table_gets_headings_and_a_sheet(tmp_path):
    answer = answers.estate_answer()
    extra = pd.DataFrame({"building_id": ["B1"], "rent_paid_gbp_per_year": [12.5]})
    answer.plan.tables["rents"] = extra
    write_results(answer, tmp_path)
    _, records = rows_of(tmp_path, "Rents")
    assert (
        records
        == [{"Building": answers.FORMULA, "Building id": "B1", "Rent paid (£ a year)": 12.5}]
        or records[0]["Rent paid (£ a year)"] == 12.5
    )


def test_columns_csv_states_every_contract_column_of_the_plan():
    from placeopt.report.tables.sheet import headings

    known = headings()
    for answer in (answers.estate_answer(), answers.budget_answer()):
        for name, table in answer.plan.tables.items():
            for column in table.columns:
                assert (name, column) in known or ("*", column) in known, (name, column)
    assert all(heading.meaning for heading in known.values())


def test_a_place_of_150_zones_is_written_in_seconds(tmp_path):
    answer = answers.estate_answer(zones=150, buildings=110, services=10)
    began = time.process_time()
    write_results(answer, tmp_path)
    assert time.process_time() - began < 6  # measured 1.2; room for a busy machine
    assert (tmp_path / "index.html").stat().st_size < 2_000_000


def test_a_place_of_35_000_zones_makes_a_page_that_opens():
    from placeopt.report.narrative.narrative import describe
    from placeopt.report.page.page import render_page
    from placeopt.report.tables.sheets import all_sheets

    answer = answers.large_answer(zones=35_000, buildings=5_000)
    html = render_page(answer, describe(answer), all_sheets(answer), [])
    assert len(html) < 4_000_000
    assert "35,000 zones are drawn as" in html
    assert "The first 400 of 35,000 rows" in html
    assert "tables/zones.csv" in html


def test_the_documentation_names_every_field_of_the_summary(estate, budget, infeasible):
    from pathlib import Path

    text = (Path(__file__).parents[2] / "docs" / "results.md").read_text(encoding="utf-8")
    for _, out in (estate, budget, infeasible):
        summary = strict_json(out / "summary.json")
        for field in [*summary, *summary.get("costs", {})]:
            assert f"`{field}`" in text, field
