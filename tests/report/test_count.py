"""A count of the place: every breakdown reconciles to the total, and unstated rows are kept."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from typer.testing import CliRunner

from placeopt.base.errors import UsageError
from placeopt.cli import app
from placeopt.place import Place, read_place
from placeopt.place.count import count_place
from placeopt.report.count import write_count
from tests.place.small import small_place


@pytest.fixture(scope="module")
def marlshire(data: Path) -> Place:
    return read_place(data / "marlshire")


def test_every_breakdown_of_the_shipped_place_ties(marlshire: Place) -> None:
    tables = count_place(marlshire)
    rows = tables["reconciliation"]
    assert rows["ties"].all()
    assert set(rows["breakdown"]) >= {
        f"spending_by_{name}" for name in ("agency", "service", "stream", "district", "kind")
    }
    assert tables["estate_by_agency"]["buildings_count"].sum() == len(marlshire.buildings)
    last = marlshire.spending["year"].max()
    ledger = marlshire.spending.loc[marlshire.spending["year"] == last, "amount_gbp"].sum()
    assert tables["who_pays_whom"]["amount_gbp"].sum() == pytest.approx(ledger)


def test_unstated_values_have_a_separate_row() -> None:
    place = small_place()
    tables = count_place(place)
    owners = tables["estate_by_agency"].set_index("agency_id")
    assert owners.loc["not stated", "buildings_count"] == 1
    assert owners.loc["A1", "running_cost_gbp_per_year"] == 90000 + 40000.25
    assert tables["estate_by_district"]["district_id"].tolist() == ["not stated"]


def test_district_spending_follows_visits_or_residents() -> None:
    place = small_place()
    zones = place.zones.assign(district_id=["D1", "", "D1"])
    table = count_place(place.replace(zones=zones))["spending_by_district"].set_index("district_id")
    # P1 (900) pays for the library: 3000 of 4234.5 visits are from D1. P2 by residents.
    assert table.loc["D1", "by_visits_gbp"] == pytest.approx(900 * 3000 / 4234.5)
    assert table.loc["D1", "by_residents_gbp"] == pytest.approx(4000.1 * 2500 / 3400)
    assert table["amount_gbp"].sum() == pytest.approx(4900.1)


def test_a_ledger_that_does_not_reconcile_is_reported(tmp_path: Path) -> None:
    rows = write_count(small_place(), tmp_path, ledger_total_gbp=5000.0)
    assert not rows.loc[rows["breakdown"].str.startswith("spending"), "ties"].any()
    assert rows["difference_gbp"].min() == pytest.approx(-99.9)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "These do not tie: spending is −£100 off" in page


def test_the_command_writes_workbook_page_layer_and_tables(
    marlshire: Place, tmp_path: Path
) -> None:
    folder = str(marlshire.folder)
    done = CliRunner().invoke(app, ["place", "count", folder, "--out", str(tmp_path / "count")])
    assert done.exit_code == 0
    assert "breakdowns tie" in done.output
    out = tmp_path / "count"
    book = openpyxl.load_workbook(out / "count.xlsx", read_only=True)
    assert {"Summary", "Who owns what", "Who spends", "Reconciliation"} <= set(book.sheetnames)
    page = (out / "index.html").read_text(encoding="utf-8")
    assert page.count("<circle") >= len(marlshire.buildings)
    assert "http" not in page.replace("http://www.w3.org", "")
    table = pd.read_csv(out / "tables" / "buildings.csv", dtype={"building_id": str})
    assert len(table) == len(marlshire.buildings)
    assert (out / "count.gpkg").is_file()
    wrong = ["place", "count", folder, "--out", str(out), "--ledger-total", "1"]
    assert CliRunner().invoke(app, wrong).exit_code == 1


def test_a_place_with_nothing_to_count_is_reported(tmp_path: Path) -> None:
    place = small_place()
    empty = place.replace(buildings=place.buildings.iloc[:0], spending=place.spending.iloc[:0])
    with pytest.raises(UsageError, match="nothing to count"):
        write_count(empty, tmp_path)
