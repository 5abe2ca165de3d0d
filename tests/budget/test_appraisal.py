"""Appraisals: a hand-worked one, the shipped one, faults, and the workbook's formulas."""

import shutil
import subprocess

import pytest

from placeopt.base.errors import PlaceError, UsageError
from placeopt.budget.appraisal.appraisal import appraise
from placeopt.budget.verify.appraisal import verify_appraisal
from placeopt.place import read_place
from placeopt.place.check.all_checks import check
from placeopt.scenario.scenario import Money
from tests.support.places import place_of

COST = {"cost_id": "team", "agency_id": "council", "first_year": 2025, "last_year": 2026,
        "amount_gbp": 1000.0, "grade": 2}  # fmt: skip
BENEFIT = {"benefit_id": "saved", "agency_id": "council", "first_year": 2025, "last_year": 2025,
           "population": 100.0, "engagement_share": 0.5, "retention_share": 0.8, "impact": 0.25,
           "unit_value_gbp": 500.0, "cashable_share": 0.4, "deadweight_share": 0.2,
           "lag_years": 1, "duration_years": 2, "decay_share": 0.5, "grade": 3}  # fmt: skip


def small(cost=None, benefit=None, **tables):
    return place_of(
        agencies=[{"agency_id": "council"}, {"agency_id": "trust"}],
        appraisal_costs=[COST | (cost or {})],
        appraisal_benefits=[BENEFIT | (benefit or {})],
        **tables,
    )


def test_an_appraisal_of_a_hundred_people_by_hand():
    """100 x 0.5 x 0.8 = 40 stay; 40 x 0.25 = 10 better off, a year on and half as many after.
    2026: 10 x 500 x (1 - 0.2) = 4,000; 2027: 2,000. Cost 1,000 in 2025 and in 2026."""
    found = appraise(small())
    assert found.years["benefit_gbp"].tolist() == pytest.approx([0, 4000, 2000])
    assert found.years["cashable_gbp"].tolist() == pytest.approx([0, 1600, 800])
    assert found.years["cost_gbp"].tolist() == pytest.approx([1000, 1000, 0])
    present = 4000 / 1.035 + 2000 / 1.035**2 - 1000 - 1000 / 1.035
    assert found.summary["net_present_gbp"] == pytest.approx(present)
    assert found.summary["payback_year"] == 2026
    assert found.summary["payer"] == "council"
    assert found.summary["payer_benefit_share"] == pytest.approx(1)


def test_optimism_bias_corrects_benefits_and_costs():
    """Corrections lower benefits and raise costs, only on request."""
    found = appraise(small(), Money(optimism_bias=True, discount_rate=0))
    assert found.summary["benefit_gbp"] == pytest.approx(6000 * 0.90)  # grade 3
    assert found.summary["cost_gbp"] == pytest.approx(2000 * 1.05)  # grade 2


def test_a_benefit_that_never_covers_its_cost_has_no_payback_year():
    found = appraise(small(benefit={"impact": 0.01}))
    assert found.summary["payback_year"] != found.summary["payback_year"]


def test_phasing_states_each_year_and_leaves_none_out():
    shares = [{"item_id": "team", "year": year, "share": share}
              for year, share in ((2025, 0.5), (2026, 1.0))]  # fmt: skip
    found = appraise(small(appraisal_phasing=shares))
    assert found.years["cost_gbp"].tolist() == pytest.approx([500, 1000, 0])
    with pytest.raises(PlaceError, match="none for 2026"):
        appraise(small(appraisal_phasing=shares[:1]))


def test_nominal_amounts_are_converted_to_the_places_prices():
    prices = [{"year": year, "index": index} for year, index in
              ((2025, 100.0), (2026, 104.0), (2027, 110.0))]  # fmt: skip
    found = appraise(small(cost={"nominal": True}, deflators=prices), Money(discount_rate=0))
    assert found.years["cost_gbp"].tolist() == pytest.approx([1000, 1000 / 1.04, 0])
    assert found.years["benefit_nominal_gbp"].tolist() == pytest.approx([0, 4160, 2200])
    with pytest.raises(PlaceError, match="price level of 2026"):
        appraise(small(cost={"nominal": True}, deflators=prices[:1]))


def test_an_upper_case_y_in_a_yes_no_column_is_an_error(tmp_path, data):
    """A published tool ignored an upper-case Y in its own analysis: an error of 29 %."""
    place = tmp_path / "place"
    shutil.copytree(data / "early-years", place)
    file = place / "appraisal_benefits.csv"
    file.write_text(file.read_text().replace(",fiscal,no,", ",fiscal,Y,", 1))
    with pytest.raises(PlaceError, match=r"row 2: health is 'Y': .*neither yes nor no"):
        read_place(place)


def test_invalid_appraisal_tables_are_found_first():
    said = [str(finding) for finding in check(small(
        cost={"last_year": 2020}, benefit={"agency_id": ""},
        appraisal_phasing=[{"item_id": "nothing", "year": 2025, "share": 1.0}],
    ))]  # fmt: skip
    assert any("before the first year" in message for message in said)
    assert any("nobody's budget" in message for message in said)
    assert any("no cost or benefit has this id" in message for message in said)
    with pytest.raises(UsageError, match="no agency 'city'"):
        appraise(small(), payer="city")


def test_a_place_without_an_investment_has_nothing_to_appraise(data):
    with pytest.raises(UsageError, match="nothing to appraise"):
        appraise(read_place(data / "marlshire"))


@pytest.mark.parametrize(
    ("table", "column"),
    [("chain", "net_gbp"), ("costs", "present_gbp"), ("agencies", "benefit_gbp"),
     ("years", "cost_gbp")],
)  # fmt: skip
def test_the_verifier_catches_one_wrong_cell(table, column):
    place, money = small(), Money()
    found = appraise(place, money)
    slipped = found.tables | {table: found.tables[table].copy()}
    row = slipped[table][column].abs().argmax()
    slipped[table].loc[row, column] += 1
    assert not all(one.holds for one in verify_appraisal(place, money, slipped, found.summary))


def test_numbers_without_a_grade_are_listed(tmp_path):
    """If corrections are requested, numbers without a grade are listed."""
    from typer.testing import CliRunner

    from placeopt.cli import app
    from placeopt.place import write_place

    write_place(small(cost={"grade": None}), tmp_path / "place")
    asked = ["appraise", str(tmp_path / "place"), "--out", str(tmp_path / "out")]
    ran = CliRunner().invoke(app, [*asked, "--optimism-bias"])
    assert ran.exit_code == 0, ran.output
    assert "appraisal_costs.csv row 2" in ran.output
    assert "team has no evidence grade" in ran.output
    assert "evidence grade" not in CliRunner().invoke(app, asked).output


def test_early_years_gives_the_published_totals(data):
    """42 million over 15 years brings 101 million to the council and over 400 million to all: a
    quarter of the benefit goes to the payer. Benefits are corrected by their grades."""
    found = appraise(read_place(data / "early-years"), Money(optimism_bias=True), payer="county")
    said = found.summary
    assert said["cost_gbp"] == pytest.approx(42e6)
    assert said["payer_benefit_gbp"] == pytest.approx(101e6, rel=0.005)
    assert 400e6 < said["benefit_gbp"] < 410e6
    assert said["payer_benefit_share"] == pytest.approx(0.25, abs=0.005)
    paid = found.costs[found.costs["cost_gbp"] > 0]["year"]
    assert (paid.min(), paid.max()) == (2025, 2039)


def test_the_workbook_computes_what_the_tables_say(data, tmp_path):
    """Every formula is recalculated by LibreOffice, from the inputs on."""
    from openpyxl import load_workbook

    from placeopt.report.appraisal import write_appraisal

    place = read_place(data / "early-years")
    found = appraise(place, Money(optimism_bias=True), payer="county")
    file = write_appraisal(found, place, tmp_path / "out")["workbook"]
    soffice = shutil.which("soffice")
    if soffice is None:
        pytest.skip("needs LibreOffice to recalculate a workbook")
    bare = load_workbook(file)  # formulas without the values they were written with
    count = found.chain.columns.get_loc("counted") + 1
    assert str(bare["Chain"].cell(3, count).value).startswith("=SUMPRODUCT")
    bare.save(tmp_path / "bare.xlsx")
    subprocess.run(
        [soffice, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless",
         "--convert-to", "xlsx", "--outdir", tmp_path / "again", tmp_path / "bare.xlsx"],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    book = load_workbook(tmp_path / "again" / "bare.xlsx", data_only=True)
    for title, table in (("Chain", found.chain), ("Costs", found.costs),
                         ("Agencies", found.agencies), ("Years", found.years)):  # fmt: skip
        for at, name in enumerate(table.columns, start=1):
            if not str(name).endswith("_gbp") and name not in ("reached", "counted"):
                continue
            for row, value in enumerate(table[name], start=3):
                given = book[title].cell(row, at).value
                if value == value:
                    assert given == pytest.approx(value, abs=0.01), (title, name, row)
