"""Live formulas of an estate's workbook: they match the plan's tables and follow the inputs."""

from __future__ import annotations

import openpyxl
import pandas as pd
import pytest

from placeopt.estate import solve
from placeopt.report import write_results
from placeopt.report.tables.cost_lines import cost_lines
from placeopt.report.tables.sheets import all_sheets
from placeopt.scenario.discount import discount_factors
from placeopt.scenario.rules.estate.services import Network, Pinned, Sequence, Together
from placeopt.scenario.scenario import Money
from tests.estate.places import random_place, scenario, with_money
from tests.estate.town import building, town
from tests.support.places import crow_minutes, minutes
from tests.support.workbooks import Workbook

PENNY = 0.005


def money_answer(seed, years):
    """A small random plan with every kind of cost: sales, leases, tiers, carbon."""
    place = with_money(random_place(seed, 3, 5, 3), seed)
    worth = [(2026 + n, 300.0 + 10 * n, "the test") for n in (0, 1, 5, 40)]
    columns = ["year", "gbp_per_tco2e", "source"]
    place.tables["carbon_values"] = pd.DataFrame(worth, columns=columns)
    asked = scenario(Sequence(double_running_years=0.5), Together(), decided=years)
    money = Money(appraisal_years=30, carbon_values=True)
    return solve(
        place, crow_minutes(place), asked.model_copy(update={"money": money, "year": 2026})
    )


@pytest.fixture(scope="module", params=[(103, 1), (112, 3), (33, 3)], ids=str)
def written(request, tmp_path_factory):
    """(answer, its workbook)."""
    answer = money_answer(*request.param)
    out = tmp_path_factory.mktemp("live")
    write_results(answer, out)
    return answer, openpyxl.load_workbook(out / "workbook.xlsx"), out


def column_of(sheet, name):
    """The cells of a column of a sheet, as addresses."""
    from xlsxwriter.utility import xl_rowcol_to_cell

    at = [heading.name for heading in sheet.headings].index(name)
    return [xl_rowcol_to_cell(3 + row, at) for row in range(len(sheet.frame))]


SUMS = ("do_nothing_gbp", "plan_gbp", "saving_gbp")
TIED = {
    "cash_flow": SUMS,
    "cash_outlook": SUMS,
    "money": ("before_gbp_per_year", "after_gbp_per_year", "one_off_gbp"),
    "running_split": ("before_gbp_per_year", "after_gbp_per_year", "saving_gbp_per_year"),
    "whole_life": ("do_nothing_present_gbp", "plan_present_gbp", "saving_present_gbp"),
    "buildings": (
        *("running_cost_before_gbp_per_year", "running_cost_after_gbp_per_year"),
        *("capital_gbp", "backlog_gbp", "receipt_net_gbp"),
    ),
}


def test_every_formula_ties_to_the_plans_tables(written):
    """To the penny, without Excel's stored values: each formula is evaluated from the inputs'
    cells."""
    answer, book, _ = written
    live, sheets = Workbook(book), all_sheets(answer)
    for name, columns in TIED.items():
        title = sheets[name].title
        for column in columns:
            cells = column_of(sheets[name], column)
            held = [book[title][cell].value for cell in cells]
            assert all(str(value).startswith("=") for value in held), (name, column)
            found = [live.number(title, cell) for cell in cells]
            stated = answer.plan.tables[name][column].tolist()
            assert found == pytest.approx(stated, abs=PENNY), (name, column)


def test_every_formula_is_its_stored_value(written):
    _, book, out = written
    live, stored = Workbook(book), openpyxl.load_workbook(out / "workbook.xlsx", data_only=True)
    formulas = 0
    for page in book:
        for row in page.iter_rows():
            for cell in row:
                if isinstance(cell.value, str) and cell.value.startswith("="):
                    formulas += 1
                    value = stored[page.title][cell.coordinate].value
                    found = live.value(page.title, cell.coordinate)
                    same = found == value or found == pytest.approx(value or 0, abs=PENNY)
                    assert same, (page.title, cell.coordinate, cell.value, value, found)
    assert formulas > 200


def test_no_formula_is_minus_nothing_and_desks_are_not_added_over_years(written):
    """A stock of 760 desks in each of five years is no 3,800 desks."""
    answer, book, _ = written
    assert not [cell for page in book for row in page for cell in row if cell.value == "=-0"]
    sheet = all_sheets(answer)["channels_by_year"]
    totalled = {heading.name for heading in sheet.headings if heading.total}
    assert "visits_served_per_year" in totalled
    assert not {name for name in totalled if name.startswith("desks")}


def test_every_cost_has_a_price(written):
    """Every row of these plans is explained by cells."""
    answer, _, _ = written
    assert {line.kind for line in cost_lines(answer)} <= {"price", "minus", "raised", "receipt"}


def summary_row(book, label):
    page = book["Summary"]
    return next(row[0].row for row in page.iter_rows() if str(row[0].value).startswith(label))


def input_cell(book, block, key, column):
    """The address of an input by its block, its row's first cell and its column."""
    page = book["Inputs"]
    top = next(r[0].row for r in page.iter_rows() if str(r[0].value).startswith(f"{block}: "))
    at = [cell.value for cell in page[top + 1]].index(column) + 1
    row = next(n for n in range(top + 2, page.max_row + 1) if page.cell(n, 1).value == key)
    return page.cell(row, at).coordinate


def two_buildings(tmp_path):
    """A and B cost 100 and 60 a year; A closes at once, at a cost of 90."""
    place = town(
        [building("A", 100.0, closure_cost_gbp=90.0), building("B", 60.0)],
        agencies=[{"agency_id": "council", "name": "Council"}],
    )
    place = place.replace(buildings=place.buildings.assign(agency_id="council"))
    asked = scenario(Pinned(close=("A",)), Network(at_least=1), years=30)
    answer = solve(place, minutes(place, drive=[[1.0, 2.0]] * 2), asked)
    assert answer.verification.ok
    write_results(answer, tmp_path)
    return openpyxl.load_workbook(tmp_path / "workbook.xlsx")


def test_a_building_and_the_rate_change_the_workbook(tmp_path):
    """Ten years save 10 x 100 - 90 = 910; with A at 40 a year 310, and the closing cost is paid
    back in the third year: 40, 80, 120 against 90. At a rate of 0 thirty years of 40 less 90 are
    worth 1,110."""
    book = two_buildings(tmp_path)
    live, cash = Workbook(book), summary_row(book, "Cash of the first 10 years")
    whole = summary_row(book, "Whole life")
    stays = summary_row(book, "Savings so far stay ahead")
    first = 2025
    assert live.number("Summary", f"D{cash}") == 910.0
    assert live.number("Summary", f"D{stays}") == first
    annuity = float(discount_factors(30, 0.035).sum())
    assert live.number("Summary", f"D{whole}") == pytest.approx(100 * annuity - 90)
    live.change("Inputs", input_cell(book, "buildings", "A", "running_cost_fixed_gbp_per_year"), 40)
    assert live.number("Summary", f"D{cash}") == 310.0
    assert live.number("Summary", f"D{stays}") == first + 2
    assert live.number("Summary", f"D{whole}") == pytest.approx(40 * annuity - 90)
    page = book["Inputs"]
    rate = next(r[1].coordinate for r in page.iter_rows() if r[0].value == "money, discount_rate")
    live.change("Inputs", rate, 0.0)
    assert live.number("Summary", f"D{whole}") == pytest.approx(1110.0)
    live.change("Inputs", input_cell(book, "buildings", "A", "closure_cost_gbp"), 9000)
    assert live.value("Summary", f"D{stays}") == "not within the appraisal"


def test_the_first_sheets_money_follows_the_inputs(tmp_path):
    """Net present cost and works are sums of cost lines, as whole life is."""
    book = two_buildings(tmp_path)
    live = Workbook(book)
    whole, cost = (summary_row(book, label) for label in ("Whole life", "Net present cost"))
    works = summary_row(book, "One-off works and moves")
    assert live.number("Summary", f"C{works}") == 90.0
    page = book["Inputs"]
    rate = next(r[1].coordinate for r in page.iter_rows() if r[0].value == "money, discount_rate")
    live.change("Inputs", rate, 0.06)
    live.change("Inputs", input_cell(book, "buildings", "A", "closure_cost_gbp"), 500)
    assert live.number("Summary", f"C{works}") == 500.0
    for column in "BC":
        one, other = (live.number("Summary", f"{column}{row}") for row in (whole, cost))
        assert one == pytest.approx(other)
    assert live.number("Summary", f"D{cost}") == pytest.approx(-live.number("Summary", f"D{whole}"))


def test_money_of_the_first_sheet_that_does_not_follow_says_so(written):
    """Every amount is a formula, or says that it is a value."""
    _, book, _ = written
    page = book["Summary"]
    for label in ("One-off works", "Maintenance already due", "Receipts, net", "Net present cost"):
        row = summary_row(book, label)
        cells = [page.cell(row, column).value for column in (2, 3)]
        held = [cell for cell in cells if cell is not None]
        is_live = all(str(cell).startswith("=") for cell in held)
        assert is_live or "does not follow Inputs" in str(page.cell(row, 5).value), label


def test_a_cost_that_no_price_explains_is_shown(written):
    """The sheet matches the cash flow even where a plan has a payment without a price."""
    answer, _, _ = written
    cash = answer.plan.tables["cash_flow"].copy()
    cash.loc[0, "plan_gbp"] += 123.0
    answer.plan.tables["cash_flow"] = cash
    (row,) = (line for line in cost_lines(answer) if line.kind == "value")
    assert (row.do_nothing, row.plan) == (pytest.approx(0, abs=PENNY), pytest.approx(123.0))
    assert (row.year, row.agency_id) == (cash["year"][0], cash["agency_id"][0])
