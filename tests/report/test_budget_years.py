"""A budget over years in the workbook: sheets that reconcile to the pound, and live formulas."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import openpyxl
import pandas as pd
import pytest

from placeopt.budget.appraisal.benefits import benefits_chain_table
from placeopt.budget.verify import verify
from placeopt.engine import Answer, Plan, Result, Status
from placeopt.report import write_results
from placeopt.report.narrative.budget import describe_budget
from tests.budget.care_town import asked, care_town, plan_by_hand
from tests.report.test_results import rows_of, strict_json
from tests.support.workbooks import worked_out


@pytest.fixture(scope="module")
def care(tmp_path_factory):
    """(answer, folder of its results) of the plan over three years worked by hand."""
    place, scenario, plan = care_town(), asked(), plan_by_hand()
    result = Result(Status.OPTIMAL, objective=-1.25 / 3, bound=-1.25 / 3, engine="highs")
    answer = Answer(place, scenario, result, plan=plan, verification=verify(place, scenario, plan))
    out = tmp_path_factory.mktemp("care")
    write_results(answer, out)
    return answer, out


def column(records, heading):
    return sum(row[heading] or 0 for row in records)


def test_every_input_cell_is_echoed_with_its_unit(care):
    answer, out = care
    page = openpyxl.load_workbook(out / "workbook.xlsx")["Inputs"]
    cells = [[cell.value for cell in row] for row in page.iter_rows()]
    at = {row[0].split(":")[0]: i for i, row in enumerate(cells) if row[0] and ": " in str(row[0])}
    for name in ("programmes", "stream_amounts", "outcomes", "curves", "benefits", "provision"):
        table, top = answer.place.tables[name], at[name]
        heads = [head for head in cells[top + 1] if head]
        assert heads == [*table.columns, "Read as"]
        for number, values in enumerate(table.to_dict("records")):
            echoed = dict(zip(heads, cells[top + 3 + number], strict=False))
            for key, value in values.items():
                if isinstance(value, bool):
                    value = "yes" if value else "no"
                is_missing = value == "" or value != value or str(value) == "<NA>"
                assert echoed[key] == (None if is_missing else value), (name, key)
    units = dict(zip(cells[at["provision"] + 1], cells[at["provision"] + 2], strict=True))
    assert units["unit_cost_gbp_per_year"] == "GBP/year"
    asked_for = {row[0]: row[1] for row in cells}
    assert asked_for["rule one_budget: total_gbp"] == 152
    assert asked_for["years"] == 3
    assert asked_for["money, discount_rate"] == 0.035


def test_rows_of_other_years_are_marked_as_not_read(care):
    answer, _ = care
    earlier = answer.place.spending.assign(year=2024)
    rows = type(earlier)(
        list(earlier.to_dict("records")) + answer.place.spending.to_dict("records")
    )
    place = answer.place.replace(spending=rows)
    from placeopt.report.workbook.inputs import row_uses

    uses = row_uses(replace(answer, place=place), "spending")
    assert uses == ["not read: before the base year"] * 2 + ["today"] * 2


def test_spending_by_year_ties_to_the_pound(care):
    _, out = care
    totals, records = rows_of(out, "Spending by year")
    assert [totals[f"{year} (£)"] for year in (2026, 2027, 2028)] == [160, 140, 150]
    assert [totals[f"One-off {year} (£)"] for year in (2026, 2027, 2028)] == [0, 3, 2]
    assert totals["Today (£)"] == column(records, "Today (£)") == 120
    summary = strict_json(out / "summary.json")
    assert summary["costs"]["after_gbp"] == column(records, "2028 (£)")
    # payments of a year are spending and one-off costs; reserves and payers agree
    _, reserves = rows_of(out, "Reserves")
    _, payers = rows_of(out, "Who gains")
    for row in reserves:
        year = row["Year"]
        paid = column(records, f"{year} (£)") + column(records, f"One-off {year} (£)")
        own = [payer for payer in payers if payer["Year"] == year]
        assert row["Spent (£)"] == paid == column(own, "Its streams pay (£)")
        assert paid == column(own, "It runs (£)")


def test_cash_flow_positions_and_gains_tie(care):
    _, out = care
    _, flow = rows_of(out, "Cash flow by agency")
    lines = {line: [r for r in flow if r["Line"] == line] for line in {r["Line"] for r in flow}}
    assert column(lines["Spending"], "In the plan (£)") == 160 + 140 + 150
    assert column(lines["One off"], "In the plan (£)") == 5
    _, benefits_chain_table = rows_of(out, "Benefits chain")
    cash = column(benefits_chain_table, "Cashable (£)")
    assert cash == -column(lines["Benefits"], "In the plan (£)") == 20
    _, gains = rows_of(out, "Who gains")
    assert column(gains, "Cashable benefits (£)") == cash
    assert column(gains, "Transfers received (£)") == 0
    council = next(r for r in gains if r["Year"] == 2027 and r["Agency"] == "Council")
    # the nhs pays 17 for its programmes, nothing today, and it receives 5; that its own streams
    # pay 43, or had they less to pay with, makes it neither better nor worse off
    assert council["Better off than today (£)"] == 17 + 5
    nhs = next(r for r in gains if r["Year"] == 2027 and r["Agency"] == "NHS")
    # 8 of cash, a ward's 20, less the 17 that it pays for others' and the 5 that it gives
    assert nhs["Better off than today (£)"] == 8 + 20 - 17 - 5
    assert council["Position in the plan (£)"] == 22
    _, stands = rows_of(out, "Positions")
    assert column(stands, "In the plan (£)") == column(gains, "Position in the plan (£)")


def test_formulas_of_the_benefits_chain_give_the_stored_values(care):
    _, out = care
    live = openpyxl.load_workbook(out / "workbook.xlsx")
    stored = openpyxl.load_workbook(out / "workbook.xlsx", data_only=True)
    page = live["Benefits chain"]
    formulas = 0
    for row in page.iter_rows(min_row=4):
        for cell in row:
            if isinstance(cell.value, str) and cell.value.startswith("="):
                formulas += 1
                value = stored[page.title][cell.coordinate].value
                assert worked_out(live, page.title, cell.coordinate) == pytest.approx(value)
    assert formulas >= 3 * 12  # three years, from improvement to present value


def test_changed_input_cells_change_the_benefits(care, tmp_path):
    """Grade 4, corrected by 0.15: 2 GBP a bed day, 0.8 net of deadweight, for 10 and 15 bed days,
    with discount factors 1 / 1.035 and 1 / 1.035^2."""
    answer, _ = care
    place = answer.place.replace(benefits=answer.place.benefits.assign(grade=4))
    money = answer.scenario.money.model_copy(update={"optimism_bias": True})
    made = benefits_chain_table(place, money, 2026, np.array([[0.0], [10.0], [15.0]]))
    answer = replace(
        answer,
        place=place,
        scenario=answer.scenario.model_copy(update={"money": money}),
        plan=Plan({**answer.plan.tables, "benefits_chain": made}, answer.plan.summary),
    )
    write_results(answer, tmp_path)
    book = openpyxl.load_workbook(tmp_path / "workbook.xlsx")
    inputs = book["Inputs"]

    def worth(share: float, rate: float) -> float:
        return 1.6 * (1 - share) * (10 / (1 + rate) + 15 / (1 + rate) ** 2)

    def total(heading: str = "Present value (£)") -> float:
        page = book["Benefits chain"]
        heads = [cell.value for cell in page[3]]
        own = [row[heads.index(heading)] for row in page.iter_rows(min_row=4, max_row=6)]
        return sum(worked_out(book, page.title, cell.coordinate) for cell in own)

    assert total() == pytest.approx(worth(0.15, 0.035))
    assert total() == pytest.approx(made["present_gbp"].sum())  # ties with the plan's own table
    assert total("Net (£)") == pytest.approx(1.6 * 0.85 * 25)
    grade_4 = _below(inputs, "Evidence grade", 4)
    inputs.cell(grade_4.row, 2).value = 0.5
    assert total() == pytest.approx(worth(0.5, 0.035))
    grade = _below(inputs, "grade", 4, table="benefits")
    grade.value = 6  # of which the correction is 0.4
    assert total() == pytest.approx(worth(0.4, 0.035))
    own = inputs.cell(grade.row, _heading(inputs, "correction_share", "benefits").column)
    own.value = 0.1  # a correction of its own goes before its grade's
    assert total() == pytest.approx(worth(0.1, 0.035))
    rate = next(row for row in inputs.iter_rows() if row[0].value == "money, discount_rate")[1]
    rate.value = 0.02
    assert total() == pytest.approx(worth(0.1, 0.02))
    step = inputs.cell(_below(inputs, "Years on", 1).row, 3)
    step.value = 0.07  # twice the schedule's first step, so 0.04 in that year and 0.02 after it
    assert total() == pytest.approx(1.6 * 0.9 * (10 / 1.04 + 15 / 1.04 / 1.02))
    asked_for = next(row for row in inputs.iter_rows() if row[0].value == "money, optimism_bias")[1]
    asked_for.value = "no"
    assert total() == pytest.approx(1.6 * (10 / 1.04 + 15 / 1.04 / 1.02))


def test_a_places_own_corrections_are_pointed_at(care, tmp_path):
    answer, _ = care
    own = [{"kind": "cost", "grade": 4, "correction_share": 0.9, "source": "x"}]
    own += [
        {"kind": "benefit", "grade": g, "correction_share": g / 20, "source": ""} for g in (2, 4)
    ]
    place = answer.place.replace(
        benefits=answer.place.benefits.assign(grade=4), optimism_bias=pd.DataFrame(own)
    )
    money = answer.scenario.money.model_copy(update={"optimism_bias": True})
    made = benefits_chain_table(place, money, 2026, np.array([[0.0], [10.0], [15.0]]))
    tables = {**answer.plan.tables, "benefits_chain": made}
    answer = replace(
        answer,
        place=place,
        scenario=answer.scenario.model_copy(update={"money": money}),
        plan=Plan(tables, answer.plan.summary),
    )
    write_results(answer, tmp_path)
    book = openpyxl.load_workbook(tmp_path / "workbook.xlsx")
    page = book["Benefits chain"]
    column = [cell.value for cell in page[3]].index("Correction (%)")
    assert worked_out(book, page.title, page[5][column].coordinate) == 0.2
    stated = _below(book["Inputs"], "correction_share", 0.2, table="optimism_bias")
    stated.value = 0.3  # the cell of the table itself
    assert worked_out(book, page.title, page[5][column].coordinate) == 0.3


def _heading(page, name: str, table: str = ""):
    """The heading of that name, in the block of a table if one is named."""
    inside = not table
    for row in page.iter_rows():
        inside = inside or str(row[0].value).startswith(f"{table}: ")
        for cell in row:
            if inside and cell.value == name:
                return cell
    raise AssertionError(f"no heading {name}")


def _below(page, heading: str, value, table: str = ""):
    """The first cell with this value below a heading."""
    top = _heading(page, heading, table)
    for row in range(top.row + 1, page.max_row + 1):
        if page.cell(row, top.column).value == value:
            return page.cell(row, top.column)
    raise AssertionError(f"no {value} below {heading}")


def test_an_empty_sheet_states_why_it_is_empty(care):
    _, out = care
    book = openpyxl.load_workbook(out / "workbook.xlsx")
    stated = "The place's tables name no assumption about what this question uses."
    assert book["Assumptions"]["A2"].value == stated
    details = [row["Where it is tightest"] for row in rows_of(out, "Rules")[1]]
    assert not [text for text in details if re.search(r"\de[+-]\d|\d{4}\.\d", text or "")]
    # the reserve is 12, 21 and at the end the 21 it began with: worked by hand in care_town
    assert any((text or "").endswith(": met exactly") for text in details)


def _texts(answer):
    return " ".join(statement.text for statement in describe_budget(answer)[1])


def test_unchanged_programmes_are_counted_only_if_any(care):
    answer, _ = care
    changed = answer.plan.spending["change_gbp"].abs() > 0.5
    said = _texts(answer)
    assert ("the same." in said) == (not changed.all())
    moved = answer.plan.spending[changed]
    fewer = replace(
        answer, plan=replace(answer.plan, tables=answer.plan.tables | {"spending": moved})
    )
    assert "the same." not in _texts(fewer)


def test_the_page_says_how_many_whole_units_close(care):
    """Forty bed days in wards of ten: four today; three in 2027 and 2028, as worked by hand."""
    answer, _ = care
    (said,) = [one.text for one in describe_budget(answer)[1] if one.kind == "units"]
    assert said.startswith("Whole units that close by 2028: 1 of 4 in ")
