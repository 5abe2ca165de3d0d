"""Planted slips of unit cause warnings; correct places cause hardly any."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from placeopt.base.errors import Finding
from placeopt.place import Place, check, check_files, import_place, read_place, synthesise
from placeopt.place.check.quantities import columns_of, logarithms, quantities
from placeopt.place.columns import dictionary
from placeopt.place.files.toml import info_text, parse_info
from placeopt.place.tables import PlaceInfo
from tests.place import slips

SHIPPED = ("marlshire", "families", "tiers", "early-years", "whole-person", "worklessness")
SAMPLE = 24  # slips planted in the default run, by a seed
FOUND_OF_SAMPLE = 0.75  # of them; the exhaustive run prints the whole table
MOST_FALSE = 2  # warnings of slips on a place that is right


@pytest.fixture(scope="module")
def made() -> Place:
    return synthesise(40, 40, seed=7)


def suspicions(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if "under [plausible]" in finding.remedy]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_place_is_hardly_suspected(data: Path, name: str) -> None:
    assert len(suspicions(check(read_place(data / name)))) <= MOST_FALSE


@pytest.mark.parametrize("name", ["rutland", "trafford", "rutland-budget"])
def test_a_real_place_is_hardly_suspected(
    shared: Path, data: Path, tmp_path: Path, name: str
) -> None:
    sources = shared / "places" / name.removesuffix("-budget")
    import_place(data / "mappings" / f"{name}.toml", tmp_path / name, sources)
    assert len(suspicions(check_files(tmp_path / name))) <= MOST_FALSE


def test_a_sample_of_planted_slips_is_found(data: Path, made: Place) -> None:
    """All kinds, including the held-out third, in a generated and a shipped place."""
    places = {"made": made, "worklessness": read_place(data / "worklessness")}
    before = {name: check(place) for name, place in places.items()}
    rng = np.random.default_rng(14)
    kinds = [*slips.KINDS, *slips.HELD_BACK]
    found = []
    for _ in range(SAMPLE):
        name = str(rng.choice(list(places)))
        kind = kinds[int(rng.integers(len(kinds)))]
        planted = list(slips.plant(places[name], kind, rng))
        if planted:
            slip = planted[int(rng.integers(len(planted)))]
            found.append(any(slips.find_warnings(before[name], slip)))
    assert len(found) >= SAMPLE / 2
    assert np.mean(found) >= FOUND_OF_SAMPLE


@pytest.mark.exhaustive
def test_all_planted_slips_by_kind(data: Path, made: Place) -> None:
    """Every kind in every column where it can happen, in all shipped places; prints the table."""
    places = {name: read_place(data / name) for name in SHIPPED} | {"made": made}
    before = {name: check(place) for name, place in places.items()}
    planted, named, told = Counter[str](), Counter[str](), Counter[str]()
    for kind in (*slips.KINDS, *slips.HELD_BACK):
        for name, place in places.items():
            for slip in slips.plant(place, kind, np.random.default_rng(1)):
                by_column, at_all = slips.find_warnings(before[name], slip)
                planted[kind.name] += 1
                named[kind.name] += by_column
                told[kind.name] += at_all
    print("\n| kind | planted | column named | warned of |\n| --- | --- | --- | --- |")
    for kind_name, count in planted.items():
        print(f"| {kind_name} | {count} | {named[kind_name]} | {told[kind_name]} |")
    total = planted.total()
    print(f"| all | {total} | {named.total()} | {told.total()} |")
    assert total >= 400
    assert told.total() >= 0.9 * total


def scaled(place: Place, table: str, column: str, factor: float, row: int | None = None) -> Place:
    frame = place.tables[table].copy()
    at = slice(None) if row is None else [row]
    values = frame[column].to_numpy(float).copy()
    values[at] *= factor
    frame[column] = values
    return place.replace(**{table: frame})


@pytest.mark.parametrize(
    ("table", "column", "factor", "words"),
    [
        ("buildings", "running_cost_fixed_gbp_per_year", 1e-3, "thousands of pounds"),
        ("buildings", "floor_area_m2", 10.764, "square feet"),
        ("buildings", "capital_receipt_gbp", 1e3, "pounds times 1,000"),
        ("zones", "x_m", 1e-3, "kilometres"),
        ("zones", "population", 1e3, "people times 1,000"),
        ("spending", "amount_gbp", 1e-3, "thousands of pounds"),
    ],
)
def test_a_column_in_another_unit_is_named(
    made: Place, table: str, column: str, factor: float, words: str
) -> None:
    said = suspicions(check(scaled(made, table, column, factor)))
    assert [(f.file, f.column, f.row) for f in said if words in f.message] == [
        (f"{table}.csv", column, None)
    ]


def test_a_point_short_of_a_digit_is_named_with_its_row(made: Place) -> None:
    said = suspicions(check(scaled(made, "buildings", "x_m", 0.1, row=3)))
    assert [(f.file, f.column, f.row) for f in said] == [("buildings.csv", "x_m", 5)]


@pytest.mark.parametrize("column", ["setup_cost_gbp", "running_cost_gbp_per_year", "min_usable_m2"])
def test_a_lower_tier_above_a_higher_one_is_named(made: Place, column: str) -> None:
    assert not [f for f in suspicions(check(made)) if f.file == "tiers.csv"]
    lowest = int(made.tiers["rank"].argmax())
    said = suspicions(check(scaled(made, "tiers", column, 10, row=lowest)))
    assert ("tiers.csv", column, lowest + 2) in [(f.file, f.column, f.row) for f in said]


def test_a_note_silences_a_warning(made: Place) -> None:
    """A note that silences nothing is reported."""
    from dataclasses import replace

    place = scaled(made, "buildings", "floor_area_m2", 1000, row=3)
    key = place.buildings["building_id"].iloc[3]
    (said,) = suspicions(check(place))
    name = f"buildings.floor_area_m2.{key}"
    assert f'"{name}"' in said.remedy

    noted = replace(place.info, plausible={name: "an aircraft hangar"})
    assert suspicions(check(replace(place, info=noted))) == []
    noted = replace(made.info, plausible={name: "an aircraft hangar"})
    (idle,) = check(replace(made, info=noted))
    assert (idle.file, idle.column) == ("place.toml", f"plausible.{name}")
    assert "silences no warning" in idle.message


def test_notes_are_written_and_read_back() -> None:
    info = PlaceInfo("Here", plausible={"zones.x_m.Z 1": 'an "island"', "minutes.minutes": "boats"})
    assert parse_info(info_text(info)) == (info, [])
    dotted = 'name = "Here"\n[plausible]\nzones.x_m.Z1 = "an island"\n'
    assert parse_info(dotted)[0].plausible == {"zones.x_m.Z1": "an island"}
    assert "plausible" not in info_text(PlaceInfo("Here"))
    _, (fault,) = parse_info('name = "Here"\nplausible = { "zones.x_m" = 3 }\n')
    assert fault.column == "plausible"


def test_hours_for_minutes_are_reported(made: Place, tmp_path: Path) -> None:
    from dataclasses import replace

    from placeopt.place.check.minutes import minutes_findings
    from placeopt.place.check.plausible import PlausibleNotes

    zones, buildings = made.zones[["zone_id", "x_m", "y_m"]], made.buildings
    pairs = zones.merge(buildings[["building_id", "x_m", "y_m"]], how="cross")
    metres = np.hypot(pairs["x_m_x"] - pairs["x_m_y"], pairs["y_m_x"] - pairs["y_m_y"])
    minutes = metres / 500 + 2
    for factor, words in ((1.0, ""), (1 / 60, "hours"), (60.0, "seconds")):
        frame = pairs[["zone_id", "building_id"]].assign(minutes=minutes * factor)
        frame.to_csv(tmp_path / "minutes.csv", index=False)
        place = replace(made, folder=tmp_path)
        said = [f.message for f in suspicions(list(minutes_findings(place, PlausibleNotes(place))))]
        assert [words in message for message in said] == ([True] if words else [])


def test_every_usual_size_is_of_a_column_and_has_a_reason(made: Place) -> None:
    for quantity in quantities():
        names = {column.name for column in dictionary()[quantity.table]}
        assert quantity.column in names
        assert 0 < quantity.low < quantity.high
        assert quantity.why
        for table, column in columns_of(quantity):
            assert column in {one.name for one in dictionary()[table]}
        assert len(logarithms(made, quantity)) == len(made.tables[quantity.table])
