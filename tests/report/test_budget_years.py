"""A budget over years as people read it: sheets that tie to the pound, formulas that live."""

from __future__ import annotations

import re
from dataclasses import replace

import openpyxl
import pytest

from placeopt.budget.verify import verify
from placeopt.engine import Answer, Result, Status
from placeopt.report import write_results
from placeopt.report.story_budget import tell_budget
from tests.budget.care_town import asked, care_town, plan_by_hand
from tests.report.test_results import rows_of, strict_json


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
                missing = value == "" or value != value or str(value) == "<NA>"
                assert echoed[key] == (None if missing else value), (name, key)
    units = dict(zip(cells[at["provision"] + 1], cells[at["provision"] + 2], strict=True))
    assert units["unit_cost_gbp_per_year"] == "GBP/year"
    asked_for = {row[0]: row[1] for row in cells}
    assert asked_for["rule one_budget: total_gbp"] == 152
    assert asked_for["years"] == 3
    assert asked_for["money, discount_rate"] == 0.035


def test_rows_of_other_years_say_that_they_were_not_read(care):
    answer, _ = care
    earlier = answer.place.spending.assign(year=2024)
    rows = type(earlier)(
        list(earlier.to_dict("records")) + answer.place.spending.to_dict("records")
    )
    place = answer.place.replace(spending=rows)
    from placeopt.report.inputs import uses_of

    uses = uses_of(replace(answer, place=place), "spending")
    assert uses == ["not read: before the base year"] * 2 + ["today"] * 2


def test_spending_by_year_ties_to_the_pound(care):
    _, out = care
    totals, records = rows_of(out, "Spending by year")
    assert [totals[f"{year} (£)"] for year in (2026, 2027, 2028)] == [160, 140, 150]
    assert [totals[f"One-off {year} (£)"] for year in (2026, 2027, 2028)] == [0, 3, 2]
    assert totals["Today (£)"] == column(records, "Today (£)") == 120
    summary = strict_json(out / "summary.json")
    assert summary["costs"]["after_gbp"] == column(records, "2028 (£)")
    # what is paid in a year is spending and one-off costs; the reserves and payers say the same
    _, reserves = rows_of(out, "Reserves")
    _, payers = rows_of(out, "Who gains")
    for row in reserves:
        year = row["Year"]
        paid = column(records, f"{year} (£)") + column(records, f"One-off {year} (£)")
        own = [payer for payer in payers if payer["Year"] == year]
        assert row["Money out (£)"] == paid == column(own, "Its streams pay (£)")
        assert paid == column(own, "It runs (£)")


def test_cash_flow_positions_and_gains_tie(care):
    _, out = care
    _, flow = rows_of(out, "Cash flow by agency")
    lines = {line: [r for r in flow if r["Line"] == line] for line in {r["Line"] for r in flow}}
    assert column(lines["Spending"], "In the plan (£)") == 160 + 140 + 150
    assert column(lines["One off"], "In the plan (£)") == 5
    _, chain = rows_of(out, "Benefits chain")
    cash = column(chain, "Cashable (£)")
    assert cash == -column(lines["Benefits"], "In the plan (£)") == 20
    _, gains = rows_of(out, "Who gains")
    assert column(gains, "Cashable benefits (£)") == cash
    assert column(gains, "Transfers received (£)") == 0
    council = next(r for r in gains if r["Year"] == 2027 and r["Agency"] == "council")
    # its streams pay 43, 23 more than today's 20, and it receives 5
    assert council["Better off than today (£)"] == -23 + 5
    assert council["Position in the plan (£)"] == 22
    _, stands = rows_of(out, "Positions")
    assert column(stands, "In the plan (£)") == column(gains, "Position in the plan (£)")


def test_the_benefits_chain_is_live_formulas_whose_results_are_the_stored_values(care):
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


def worked_out(book, sheet: str, cell: str) -> float:
    """A formula of + - * / ^ worked out from the cells it names, each worked out in turn."""
    value = book[sheet][cell].value
    if not (isinstance(value, str) and value.startswith("=")):
        return float(value or 0)

    def named(found) -> str:
        other = (found["quoted"] or found["plain"] or sheet).strip("'")
        return f"({worked_out(book, other, found['cell'].replace('$', ''))!r})"

    reference = r"(?:(?P<quoted>'[^']+')!|(?P<plain>[A-Za-z]+)!)?(?P<cell>\$?[A-Z]{1,3}\$?\d+)"
    return float(eval(re.sub(reference, named, value[1:]).replace("^", "**")))


def test_a_sheet_without_rows_says_why_and_the_tightest_spot_is_in_plain_figures(care):
    _, out = care
    book = openpyxl.load_workbook(out / "workbook.xlsx")
    assert book["Assumptions"]["A2"].value == "The place's tables name no assumption."
    details = [row["Where it is tightest"] for row in rows_of(out, "Rules")[1]]
    assert not [text for text in details if re.search(r"\de[+-]\d|\d{4}\.\d", text or "")]
    # the reserve is 12, 21 and at the end the 21 it began with: worked by hand in care_town
    assert any((text or "").endswith(": met exactly") for text in details)


def test_a_programme_that_stays_as_it_is_is_counted_only_where_there_is_one(care):
    answer, _ = care
    changed = answer.plan.spending["change_gbp"].abs() > 0.5
    said = " ".join(tell_budget(answer)[1])
    assert ("the same." in said) == (not changed.all())
    moved = answer.plan.spending[changed]
    fewer = replace(
        answer, plan=replace(answer.plan, tables=answer.plan.tables | {"spending": moved})
    )
    assert "the same." not in " ".join(tell_budget(fewer)[1])
