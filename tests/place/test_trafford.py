"""Trafford, from real open data, through the shipped mapping."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from placeopt.place import Place, check_files, import_place, read_place
from placeopt.place.importer import ImportReport

MAPPING = Path(__file__).parents[2] / "data" / "mappings" / "trafford.toml"


@pytest.fixture(scope="module")
def imported(
    shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Place, ImportReport, Path]:
    out = tmp_path_factory.mktemp("trafford") / "place"
    report = import_place(MAPPING, out, shared / "places" / "trafford")
    return read_place(out), report, out


def test_trafford_checks_without_errors(imported: tuple[Place, ImportReport, Path]) -> None:
    assert [str(f) for f in check_files(imported[2]) if f.severity == "error"] == []


def test_all_531_assets_are_placed_or_left_out_with_a_reason(
    imported: tuple[Place, ImportReport, Path],
) -> None:
    place, report, _ = imported
    left = [x for x in report.left_out if x.table == "buildings"]
    assert len(place.buildings) + sum(x.rows for x in left) == 531
    assert all(x.reason for x in left)
    assert place.buildings["kind"].value_counts()["library"] == 13


def test_people_by_deprivation_decile_tie_to_the_source(
    imported: tuple[Place, ImportReport, Path], shared: Path
) -> None:
    zones = imported[0].zones
    source = pd.read_csv(shared / "places" / "trafford" / "lsoa.csv").set_index("LSOA21CD")
    assert len(zones) == 139
    assert zones["population"].sum() == source["pop_mid2022"].sum() == 236301
    decile = zones["zone_id"].map(source["IMD25_decile"])
    ours = zones.groupby(decile)["population"].sum().to_dict()
    assert ours == source.groupby("IMD25_decile")["pop_mid2022"].sum().to_dict()
    fifths = zones.groupby("deprivation_quintile")["population"].sum().to_dict()
    assert fifths == {f: ours[2.0 * f - 1] + ours[2.0 * f] for f in range(1, 6)}
