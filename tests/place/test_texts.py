"""Ids and texts that cannot be shown or are too long are findings with file, row and column."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from placeopt.base.errors import ScenarioError
from placeopt.place import check, check_files
from placeopt.scenario import read_scenario
from tests.place.small import change, small_folder, small_place

UNSEEN = "there is a character in it that cannot be seen; delete character {}, U+{}, or type the"


@pytest.mark.parametrize(
    ("table", "row", "column", "value", "told"),
    [
        ("zones", 2, "name", "Mi\x00ll", UNSEEN.format(3, "0000")),
        ("buildings", 3, "name", "Lib\x07rary", UNSEEN.format(4, "0007")),
        ("buildings", 3, "name", "\x85Library", UNSEEN.format(1, "0085")),
        ("buildings", 3, "kind", "lib\x1brary", UNSEEN.format(4, "001B")),
        ("zones", 2, "name", "x" * 10_000, "this has 10,000 characters, more than 4,000; shorten"),
        ("agencies", 2, "agency_id", "A\n1", UNSEEN.format(2, "000A")),
        ("agencies", 2, "agency_id", "A\t1", UNSEEN.format(2, "0009")),
        ("zones", 3, "zone_id", "Z\u202e2", UNSEEN.format(2, "202E")),
        ("zones", 3, "zone_id", "Z2\u200b", UNSEEN.format(3, "200B")),
        ("zones", 3, "zone_id", "Z\u20282", UNSEEN.format(2, "2028")),
        ("buildings", 3, "uprn", "1\ufeff23", UNSEEN.format(2, "FEFF")),
        ("suitability", 2, "building_kind", "lib\u200brary", UNSEEN.format(4, "200B")),
        ("services", 2, "service_id", "s" * 201, "this has 201 characters, more than 200; shorten"),
    ],
)  # fmt: skip
def test_a_text_that_cannot_be_shown_is_a_finding(
    table: str, row: int, column: str, value: str, told: str, tmp_path: Path
) -> None:
    folder = small_folder(tmp_path / "small")
    change(folder, table, row, column, value)
    found = [f for f in check_files(folder) if (f.row, f.column) == (row, column)]
    assert any(f.severity == "error" and f.file == f"{table}.csv" and told in str(f) for f in found)
    assert all(len(str(f)) < 400 and str(f).isprintable() for f in found), found


@pytest.mark.parametrize("name", ["Moor\x00", "Mo\ror", "Moor\x7f"])
def test_a_text_that_cannot_be_shown_is_found_in_memory(name: str) -> None:
    """A return alone would end the row of a CSV file."""
    place = small_place()
    zones = place.zones.copy()
    zones.loc[1, "name"] = name
    (found,) = [f for f in check(place.replace(zones=zones)) if f.severity == "error"]
    assert (found.file, found.row, found.column) == ("zones.csv", 3, "name")


@pytest.mark.parametrize("name", ["Bâle–Ville", "القاهرة\u200f", "two\nlines", "tab\tbed", "名前"])
def test_names_in_any_script_are_let_through(name: str) -> None:
    place = small_place()
    zones = place.zones.copy()
    zones.loc[1, "name"] = name
    assert check(place.replace(zones=zones)) == []


@pytest.mark.parametrize(
    ("key", "line", "told"),
    [
        ("name", 'name = "Small\\u0000shire"', UNSEEN.format(6, "0000")),
        ("licence", f'licence = "{"x" * 5000}"', "this has 5,000 characters, more than 4,000"),
        ("sources", 'sources = ["a", "b\\u0007"]', UNSEEN.format(2, "0007")),
        ("price_year", "price_year = 99999", "above the years known; give a year from 1900"),
    ],
)
def test_info_of_a_place_is_checked(key: str, line: str, told: str, tmp_path: Path) -> None:
    folder = small_folder(tmp_path / "small")
    path = folder / "place.toml"
    lines = path.read_text(encoding="utf-8").splitlines()
    if key == "sources":
        start = lines.index("sources = [")
        del lines[start + 1 : lines.index("]") + 1]
        lines[start] = line
    else:
        start = next(at for at, text in enumerate(lines) if text.startswith(key))
        lines[start] = line
    path.write_text("\n".join(lines), encoding="utf-8")
    (found,) = [f for f in check_files(folder) if f.file == "place.toml"]
    assert (found.severity, found.column, found.row) == ("error", key, start + 1)
    assert told in str(found)


def test_info_of_a_place_is_checked_in_memory() -> None:
    place = small_place()
    spoilt = replace(place, info=replace(place.info, name="Small\x00shire", price_year=-5))
    assert {f.column for f in check(spoilt)} == {"name", "price_year"}


def test_a_question_that_cannot_be_shown_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "asked.toml"
    path.write_text('question = "What\\u0000?"\nproblem = "estate"\n', encoding="utf-8")
    with pytest.raises(ScenarioError) as refused:
        read_scenario(path)
    assert UNSEEN.format(5, "0000") in str(refused.value)
    path.write_text(f'question = "{"what " * 2000}"\nproblem = "estate"\n', encoding="utf-8")
    with pytest.raises(ScenarioError, match="more than 4,000"):
        read_scenario(path)
