"""Rutland, from real open data, through the shipped mapping."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyogrio
import pytest

from placeopt.place import Place, check_files, demand_of, import_place, read_place
from placeopt.place.importer import ImportReport

MAPPING = Path(__file__).parents[2] / "data" / "mappings" / "rutland.toml"


@pytest.fixture(scope="module")
def imported(
    shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Place, ImportReport, Path]:
    out = tmp_path_factory.mktemp("rutland") / "place"
    report = import_place(MAPPING, out, shared / "places" / "rutland")
    return read_place(out), report, out


def test_rutland_checks_clean(imported: tuple[Place, ImportReport, Path]) -> None:
    assert check_files(imported[2]) == []


def test_its_people_tie_to_the_source(
    imported: tuple[Place, ImportReport, Path], shared: Path
) -> None:
    zones = imported[0].zones
    source = pd.read_csv(shared / "places" / "rutland" / "lsoa.csv")
    assert len(zones) == 26
    assert zones["population"].sum() == source["pop_mid2022"].sum() == 41151
    deciles = ((source["IMD25_decile"] + 1) // 2).astype(int)
    assert zones["deprivation_quintile"].tolist() == deciles.tolist()
    assert zones[["x_m", "y_m"]].to_numpy().tolist() == source[["PWC_E", "PWC_N"]].values.tolist()


def test_every_asset_is_placed_or_left_out_with_a_reason(
    imported: tuple[Place, ImportReport, Path],
) -> None:
    place, report, _ = imported
    left = [x.rows for x in report.left_out if x.table == "buildings"]
    assert len(place.buildings) + sum(left) == 123
    assert (place.buildings["kind"] == "library").sum() == 5


def test_values_missing_from_the_sources_are_listed_as_assumed(
    imported: tuple[Place, ImportReport, Path],
) -> None:
    place, _, out = imported
    assumed = {*zip(place.assumptions["table"], place.assumptions["column"], strict=True)}
    for column in ("running_cost_fixed_gbp_per_year", "tenure", "capital_receipt_gbp",
                   "floor_area_m2", "fit_out_gbp_per_m2"):  # fmt: skip
        assert ("buildings", column) in assumed
    assert ("demand_rates", "visits_per_person_per_year") in assumed
    assert ("zones", "without_car_share") in assumed
    page = (out / "import-report.md").read_text(encoding="utf-8")
    assert all(rule in page for rule in place.assumptions["rule"])


def test_outlines_streets_and_demand_are_there(
    imported: tuple[Place, ImportReport, Path],
) -> None:
    place, _, out = imported
    assert place.boundaries is not None
    assert place.boundaries["zone_id"].tolist() == place.zones["zone_id"].tolist()
    assert pyogrio.read_info(out / "streets.gpkg", layer="edges")["features"] == 11663
    assert pyogrio.read_info(out / "streets.gpkg", layer="nodes")["features"] == 9664
    visits = demand_of(place).groupby("service_id")["visits_per_year"].sum()
    assert visits["library"] == pytest.approx(41151 * 6.3)
