"""A plan of several years: each building's decisions, and cash whose totals reconcile."""

import answers
import openpyxl
import pytest

from placeopt.report import write_results
from placeopt.report.charts.estate import building_timelines
from placeopt.report.narrative.narrative import describe
from placeopt.report.tables.sheets import all_sheets


@pytest.fixture(scope="module")
def answer():
    return answers.years_answer()


@pytest.fixture(scope="module")
def sheets(answer):
    return all_sheets(answer)


def test_a_building_is_repeated_only_where_it_changes(sheets):
    course = sheets["course"].frame
    assert course["building_name"][0] == "Building 2"
    assert list(course.loc[0, ["in_2026", "in_2027", "in_2028"]]) == [
        "Library",
        "Sold",
        "as the year before",
    ]
    assert [h.text for h in sheets["course"].headings][-3:] == ["2026", "2027", "2028"]


def test_cash_by_year_and_by_agency_ties_to_the_cash_flow(answer, sheets):
    flow = answer.plan.cash_flow
    for name in ("cash_years", "cash_agencies"):
        for column in ("do_nothing_gbp", "plan_gbp", "saving_gbp"):
            assert sheets[name].total(column) == pytest.approx(flow[column].sum())
    years, agencies = sheets["cash_years"].frame, sheets["cash_agencies"].frame
    parts = years[["running_gbp", "works_gbp", "maintenance_gbp", "receipts_gbp"]].sum(axis=1)
    assert parts.tolist() == pytest.approx(years["plan_gbp"].tolist())
    assert years["saved_so_far_gbp"].iloc[-1] == pytest.approx(flow["saving_gbp"].sum())
    by_year = [c for c in agencies if c.startswith("saving_2")]
    assert agencies[by_year].sum(axis=1).tolist() == pytest.approx(agencies["saving_gbp"].tolist())
    assert years.loc[years["year"] == 2030, "receipts_gbp"].item() == -80_000


def test_groups_cover_all_residents_and_losers_are_ordered(answer, sheets):
    groups, losers = sheets["groups"].frame, sheets["losers"].frame
    people = answer.plan.zones["population"].sum()
    assert groups["residents"][0] == people
    assert groups.loc[groups["by"] == "District", "residents"].sum() == people
    assert len(losers) <= 10
    assert losers["change_minutes"].is_monotonic_decreasing
    assert (losers["change_minutes"] > 0).all()


def test_page_and_workbook_show_the_years(answer, tmp_path):
    write_results(answer, tmp_path)
    html = (tmp_path / "index.html").read_text(encoding="utf-8")
    for words in (
        "Buildings year by year",
        "Cash by agency and year",
        "Running cost by year",
        "Cash saved by agency, 2026 to 2030",
        "Residents by group",
        "The ten zones that lose most",
    ):
        assert words in html
    names = openpyxl.load_workbook(tmp_path / "workbook.xlsx", read_only=True).sheetnames
    assert {
        "Buildings year by year",
        "Cash by year",
        "Cash flow by agency",
        "Service years",
    } <= set(names)


def test_receipts_are_stated_gross_and_net(answer):
    narrative = describe(answer)
    said = " ".join(narrative.sentences)
    assert "2026 to 2028" in said
    assert "£90,000 gross" in said
    assert "£80,000 net" in said


def test_priced_carbon_is_stated_shown_and_sourced(answer, tmp_path):
    said = " ".join(describe(answer).sentences)
    assert "5 tonnes of CO2e a year at the end, against 6 tonnes if nothing changes" in said
    assert "the carbon saved is worth £599, at the value of a tonne in each of 3 years" in said
    write_results(answer, tmp_path)
    html = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "Carbon and what saving it is worth" in html
    assert "Values of a tonne: the values of &lt;/script&gt;" in html
    book = openpyxl.load_workbook(tmp_path / "workbook.xlsx", read_only=True)
    rows = list(book["Carbon priced"].iter_rows(min_row=3, values_only=True))
    assert rows[0] == (
        *("Year", "Do nothing (tCO2e)", "Plan (tCO2e)", "Saved (tCO2e)", "Value (£ a tonne)"),
        *("Saving priced (£)", "Its present value (£)"),
    )
    assert rows[2] == (2027, 6, 5, 1, 310, 310, 300)


def test_states_of_buildings_are_not_labelled_as_decisions(sheets):
    """An open building was once described as one that "Opens", because both have the same code."""
    assert set(sheets["buildings"].frame["status_before"]) <= {"Open", "Empty", "Possible site"}
    states = set(sheets["buildings_by_year"].frame["state"])
    assert "Open" in states
    assert states <= {"Open", "Held empty", "Given up", "Not used"}
    assert list(sheets["buildings"].frame)[-1] == "why"


def test_time_lines_show_each_building_that_changes(sheets, answer, tmp_path):
    """B2 hosts the library until 2027, when it is sold; every building loses the clinic in 2026."""
    (years, lines), change = building_timelines(sheets)
    assert years == ["today", "2026", "2027", "2028"]
    assert len(lines) == change == len(answer.plan.buildings)
    states = {label: [stay.state for stay in stays] for label, stays in lines}
    assert states["Building 2"] == ["Open", "Open", "Sold", "Sold"]
    changed = {label: [stay.changed for stay in stays] for label, stays in lines}
    assert changed["Building 2"] == [False, True, False, False]
    write_results(answer, tmp_path)
    html = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "Each building that changes, today and year by year" in html
    assert "Building 2: today Open, 2026 Open, 2027 Sold, 2028 Sold" in html
