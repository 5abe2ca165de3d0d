"""Revenue outturn and budget lines as published: read in pounds, or refused cell by cell."""

from pathlib import Path

import pytest

from placeopt.base.errors import PlaceError
from placeopt.place import import_place, read_place
from placeopt.place.files.raw import RawTable
from placeopt.place.importer.finance import financial_year_start, read_finance
from placeopt.place.importer.mapping import FinanceFile

FILES = Path(__file__).parent / "files"
HEAD = "ecode,year,Education services,Social care,Adult Social Care,TOTAL SERVICE EXPENDITURE"


def read(text: str, missing=(), **spec):
    head, *rows = [line.split(",") for line in text.splitlines()]
    cells = {name: [row[at] for row in rows] for at, name in enumerate(head)}
    return read_finance(RawTable("outturn.csv", cells), FinanceFile(**spec), missing)


@pytest.mark.parametrize(
    ("cell", "year"),
    [("2017-18", "2017"), ("2017/18", "2017"), ("201803", "2017"), ("2017", "2017"),
     ("2017-19", None), ("201812", None), ("last", None), ("", None)],
)  # fmt: skip
def test_a_financial_year_is_the_year_in_which_it_starts(cell, year):
    assert financial_year_start(cell) == year


def test_thousands_become_pounds_and_streams_are_summed():
    made = read(f"{HEAD}\nE1,2017-18,100,,50,150", streams={"asc": "levy"}).cells
    rows = list(zip(made["kind"], made["line"], made["stream"], made["amount_gbp"], strict=True))
    assert rows == [
        ("line", "edu", "general", "100000"),
        ("line", "asc", "levy", "50000"),
        ("stream", "", "general", "100000"),
        ("stream", "", "levy", "50000"),
    ]
    assert set(made["year"]) == {"2017"}


def test_a_cell_that_is_not_an_amount_is_an_error():
    with pytest.raises(PlaceError) as raised:
        read(f"{HEAD}\nE1,2017-18,Y,,50,150\nE1,sometime,1,,1,2")
    first, second = raised.value.findings
    assert (first.row, first.column, first.value) == (2, "Education services", "Y")
    assert "no amount" in first.message
    assert (second.row, second.column, second.value) == (3, "year", "sometime")


def test_lines_that_miss_the_total_of_the_file_are_an_error():
    """Lines that do not add up to the file's own total are an error."""
    with pytest.raises(PlaceError, match=r"add up to £150,000, −£50,000 off"):
        read(f"{HEAD}\nE1,2017-18,100,,50,200")
    said = read(f"{HEAD}\nE1,2017-18,100,,50,")
    assert any("no total of its own" in finding.message for finding in said.findings)


def test_a_line_stated_whole_and_in_parts_is_not_counted_twice():
    with pytest.raises(PlaceError, match="stated whole and in its parts"):
        read(f"{HEAD}\nE1,2017-18,100,50,50,200")


def test_income_above_spending_is_an_error_by_default():
    """Income above spending is an error unless the mapping leaves it out."""
    text = f"{HEAD}\nE1,2017-18,100,,-5,95"
    with pytest.raises(PlaceError, match="income is more than spending"):
        read(text)
    made = read(text, negative="leave_out")
    assert "asc" not in made.cells["line"]
    assert any("left out" in finding.message for finding in made.findings)


def test_an_unknown_numeric_column_is_reported():
    said = read("year,Education services,Trading\n2017-18,5,7").findings
    assert "columns of numbers are not read: Trading" in said[0].message
    made = read("year,Education services,Trading\n2017-18,5,7", lines={"Trading": "trade"})
    assert made.cells["line"] == ["edu", "trade", ""]


def test_a_line_the_file_lacks_is_named_with_the_nearest():
    with pytest.raises(PlaceError, match="no such line"):
        read(f"{HEAD}\nE1,2017-18,1,,1,2", lines={"Educational services": "edu"})
    with pytest.raises(PlaceError, match="none of its 2 columns is a line"):
        read("year,budget\n2017-18,5")


def test_coded_columns_are_chosen_by_form_and_measure(tmp_path):
    """Testshire 2017-18: 1,200 + 800 + 400 + 100 = 2,500 thousand. A year later adult social care
    is '..', which the mapping lists as missing, and there is no total to compare with."""
    mapping = tmp_path / "map.toml"
    mapping.write_text(MAPPING, encoding="utf-8")
    report = import_place(mapping, tmp_path / "place", FILES)
    place = read_place(tmp_path / "place")
    spending = place.spending.set_index(["year", "programme_id"])["amount_gbp"]
    assert spending[2017, "edu"] == 1_200_000
    assert spending[2017].sum() == 2_500_000
    assert spending[2018].to_dict() == {"edu": 1_250_000, "csc": 420_000, "ph": 110_000}
    amounts = place.stream_amounts.set_index(["stream_id", "year"])["amount_gbp"]
    assert amounts["grant", 2017] == 100_000
    assert any("2018 has no total" in finding.message for finding in report.findings)


def test_a_cell_the_mapping_does_not_call_missing_is_an_error(tmp_path):
    mapping = tmp_path / "map.toml"
    mapping.write_text(MAPPING.replace('missing = [".."]\n', ""), encoding="utf-8")
    with pytest.raises(PlaceError, match=r"row 3: RS_asc_net_exp is '\.\.': this is no amount"):
        import_place(mapping, tmp_path / "place", FILES)


def test_unit_costs_come_in_through_a_mapping(tmp_path):
    (tmp_path / "costs.csv").write_text(
        "Code,Detail,Unit,Agency,Cost,Price year\nHC1.0,Visit to A&E,visit,council,£165,2018/19\n"
    )
    mapping = tmp_path / "map.toml"
    mapping.write_text(MAPPING + UNIT_COSTS, encoding="utf-8")
    (tmp_path / "outturn.csv").write_text((FILES / "outturn.csv").read_text())
    import_place(mapping, tmp_path / "place", tmp_path)
    (row,) = read_place(tmp_path / "place").unit_costs.to_dict("records")
    assert (row["code"], row["amount_gbp"], row["price_year"]) == ("HC1.0", 165.0, 2018)


def test_seven_years_of_rutland_tie_to_the_total_of_each(shared, tmp_path):
    mapping = Path(__file__).parents[2] / "data" / "mappings" / "rutland-budget.toml"
    report = import_place(mapping, tmp_path / "rutland", shared / "places" / "rutland")
    place = read_place(tmp_path / "rutland")
    by_year = place.spending.groupby("year")["amount_gbp"].sum()
    assert by_year.to_dict() == {
        2010: 57_369_000, 2011: 45_759_000, 2012: 43_468_000, 2013: 43_931_000,
        2014: 42_197_000, 2016: 38_604_000, 2017: 42_826_000,
    }  # fmt: skip
    assert place.stream_amounts["amount_gbp"].sum() == place.spending["amount_gbp"].sum()
    assert any("2016 has no total of its own" in finding.message for finding in report.findings)


MAPPING = """
[place]
name = "Testshire"
price_year = 2018

[source.outturn]
file = "outturn.csv"
missing = [".."]

[source.outturn.finance]
year = "year_ending"
only = { ecode = "E9001" }
form = "RS"
measure = "net_exp"
streams = { ph = "grant" }

[[table]]
table = "agencies"
rows = [{ agency_id = "council" }]
assumption = { rule = "one authority" }

[[table]]
table = "streams"
rows = [
  { stream_id = "general", agency_id = "council" },
  { stream_id = "grant", agency_id = "council" },
]
assumption = { rule = "public health is paid by a grant" }

[[table]]
table = "programmes"
source = "outturn"
distinct = true
columns = { programme_id = "line", name = "line_name", agency_id = { value = "council" } }
where = [{ column = "kind", is = ["line"], reason = "sums" }]

[[table]]
table = "spending"
source = "outturn"
columns = { year = "year", programme_id = "line", stream_id = "stream", amount_gbp = "amount_gbp" }
where = [{ column = "kind", is = ["line"], reason = "sums" }]

[[table]]
table = "stream_amounts"
source = "outturn"
columns = { year = "year", stream_id = "stream", amount_gbp = "amount_gbp" }
where = [{ column = "kind", is = ["stream"], reason = "lines" }]
"""

UNIT_COSTS = """
[source.costs]
file = "costs.csv"

[[table]]
table = "unit_costs"
source = "costs"

[table.columns]
code = "Code"
detail = "Detail"
unit = "Unit"
agency_id = "Agency"
amount_gbp = "Cost"
price_year = "Price year"
"""


def test_the_report_lists_lines_and_assumptions(tmp_path):
    """2.5 and 1.25 thousand for education: 3,750 pounds in all; the grant is an assumption."""
    (tmp_path / "out.csv").write_text(
        "year,Education services,Public Health,TOTAL SERVICE EXPENDITURE\n"
        "2017-18,2.5,1,3.5\n2018-19,1.25,1,2.25\n"
    )
    text = (Path(__file__).parents[2] / "data" / "mappings" / "rutland-budget.toml").read_text()
    text = text.replace("budget_rs_nce_2010_2018.csv", "out.csv").replace(
        'keep = ["authority"]', ""
    )
    (tmp_path / "m.toml").write_text(text.replace('only = { ons_code = "E06000017" }', ""))
    report = import_place(tmp_path / "m.toml", tmp_path / "made")
    page = report.to_markdown()
    assert "| out.csv | Education services | edu | 2 | 1,000 | 3,750 |" in page
    assert "| programmes | agency_id | 2 | the council provides every line |" in page  # not four
    said = {f"{one.table}.{one.column}" for one in report.assumed}
    assert {"streams.ring_fenced", "stream_programmes.stream_id", "agencies.agency_id"} <= said
    assert "programme_id | the grant" not in page
    assert "source_column" not in page  # a column of ours is no column of theirs that was not used


def test_a_wrong_total_names_the_columns_not_read():
    with pytest.raises(PlaceError) as raised:
        read("year,edutot,culhrt,servicetot\n2019-20,100,7,107")
    (fault,) = [one for one in raised.value.findings if one.severity == "error"]
    assert fault.column == "servicetot"
    assert fault.remedy.endswith("; columns of numbers not read: culhrt")
