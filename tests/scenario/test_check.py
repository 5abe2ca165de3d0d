"""A scenario's rules name only ids of the place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from placeopt.place import Place, read_place
from placeopt.scenario import check_scenario, read_scenario


@pytest.fixture(scope="module")
def marlshire(data: Path) -> Place:
    return read_place(data / "marlshire")


def write(folder: Path, text: str, name: str = "asked.toml") -> Path:
    path = folder / name
    path.write_text(text.replace("PLACE", str(folder)), encoding="utf-8")
    return path


HEAD = 'question = "q"\nplace = "PLACE"\nproblem = "estate"\n'


def test_every_unknown_id_and_mode_is_named_with_its_line(marlshire: Place, tmp_path: Path) -> None:
    text = (
        HEAD
        + '[[rules]]\nrule = "access"\nminutes = 10\nmode = "cycle"\n'
        + 'services = ["library",\n "librry"]\n'
        + '[[rules]]\nrule = "network"\ntier = "primaryhub"\nat_most = 3\n'
        + '[[rules]]\nrule = "pinned"\nkeep = ["B9999"]\n'
    )
    found = check_scenario(marlshire, read_scenario(write(tmp_path, text)))
    assert {(f.row, f.column, f.value) for f in found} == {
        (8, "access.services", "librry"),
        (7, "access.mode", "cycle"),
        (12, "network.tier", "primaryhub"),
        (16, "pinned.keep", "B9999"),
    }
    assert all(f.file == "asked.toml" and f.row for f in found)
    remedies = {f.value: f.remedy for f in found}
    assert remedies["librry"] == "did you mean 'library'?"
    assert remedies["primaryhub"] == "did you mean 'primary_hub'?"


def test_a_fault_of_an_extended_file_is_named_there(marlshire: Place, tmp_path: Path) -> None:
    base = HEAD + '[[rules]]\nrule = "network"\nservice = "libary"\nat_least = 1\n'
    write(tmp_path, base, "base.toml")
    own = 'extends = "base.toml"\n[[rules]]\nrule = "network"\ndistrict = "X"\nat_most = 9\n'
    found = check_scenario(marlshire, read_scenario(write(tmp_path, own)))
    assert [(f.file, f.row, f.value) for f in found] == [
        ("base.toml", 6, "libary"),
        ("asked.toml", 4, "X"),
    ]


def test_a_rule_added_in_python_is_checked_too(marlshire: Place, tmp_path: Path) -> None:
    from placeopt.scenario.rules.estate.services import Network

    scenario = read_scenario(write(tmp_path, HEAD))
    rule = Network(rule="network", service="nowhere", at_most=3)
    found = check_scenario(marlshire, scenario.model_copy(update={"rules": (rule,)}))
    assert [(f.file, f.row, f.value) for f in found] == [("the scenario", None, "nowhere")]


def test_a_scenario_that_names_what_there_is_has_no_findings(
    marlshire: Place, tmp_path: Path
) -> None:
    text = HEAD + '[[rules]]\nrule = "access"\nservices = "all"\nminutes = 20\nmode = "drive"\n'
    assert check_scenario(marlshire, read_scenario(write(tmp_path, text))) == []


def test_rules_outside_the_years_and_contradictions_are_errors(
    marlshire: Place, tmp_path: Path
) -> None:
    """Otherwise a standard of 2050 would silently have no effect, and the others would fail
    late."""
    kept = marlshire.buildings[marlshire.buildings["pinned"] == "keep"]["building_id"].iloc[0]
    text = HEAD + (
        "year = 2026\nyears = 2\n"
        '[[rules]]\nrule = "access"\nservices = "all"\nminutes = 20\nfrom_year = 2050\n'
        f'[[rules]]\nrule = "pinned"\nkeep = ["B002"]\nclose = ["B002", "{kept}"]\n'
        '[[rules]]\nrule = "together"\n'
        'must = [["police_counter", "library"], ["library", "youth"]]\n'
        '[travel]\nmodes = ["walk", "bus"]\n'
    )
    found = check_scenario(marlshire, read_scenario(write(tmp_path, text)))
    assert [(f.row, f.column, f.value) for f in found] == [
        (19, "travel.modes", "bus"),
        (10, "access.from_year", "2050"),
        (14, "pinned.close", "B002"),
        (14, "pinned.close", kept),
        (17, "together.must", "police_counter, youth"),
    ]
    assert found[1].message == "the rule holds in no decided year (2026 to 2027)"
    assert found[3].message == "buildings.csv says to keep it"


def of_kind(found, severity):
    return [(f.column, f.message) for f in found if f.severity == severity]


def test_a_rule_that_counts_no_residents_is_an_error(marlshire: Place, tmp_path: Path) -> None:
    """Each column that empties a group is named, with the line of the rule."""
    zones = marlshire.zones.assign(without_car_share=0.0, area_type="", people_0_4=float("nan"))
    place = replace(marlshire, tables={**marlshire.tables, "zones": zones})
    rule = '[[rules]]\nrule = "access"\nservices = "all"\nminutes = 30\nwho = "{}"\n'
    groups = ("without_car", "rural", "people_0_4", "most_deprived")
    text = HEAD + "".join(rule.format(who) for who in groups)
    asked = read_scenario(write(tmp_path, text))
    errors = [f for f in check_scenario(place, asked) if f.severity == "error"]
    assert [(f.row, f.value) for f in errors] == [(8, groups[0]), (13, groups[1]), (18, groups[2])]
    for finding, column in zip(
        errors, ("without_car_share", "area_type", "people_0_4"), strict=True
    ):
        assert "counts nobody" in finding.message
        assert f"no zone states {column}" in finding.message
        assert column in finding.remedy


def test_a_default_that_fills_or_empties_a_group_is_named(marlshire: Place, tmp_path: Path) -> None:
    """All residents are taken to drive, and zones without a fifth are not counted: both are
    reported."""
    quintile = marlshire.zones["deprivation_quintile"].copy()
    quintile.iloc[0] = None
    zones = marlshire.zones.assign(without_car_share=0.0, deprivation_quintile=quintile)
    place = replace(marlshire, tables={**marlshire.tables, "zones": zones})
    rule = '[[rules]]\nrule = "access"\nservices = "all"\nminutes = 30\n'
    modes = '[travel]\nmodes = ["walk", "drive"]\n'
    asked = read_scenario(write(tmp_path, HEAD + modes + rule + 'who = "most_deprived"\n'))
    found = check_scenario(place, asked)
    assert not of_kind(found, "error")
    said = dict(of_kind(found, "warning"))
    assert "1 zone with" in said["access.who"]
    assert "state no deprivation_quintile" in said["access.who"]
    assert "every resident counted is taken to drive" in said["access.modes"]
    assert not check_scenario(marlshire, asked)


def test_compulsory_points_without_enough_visits_are_an_error(
    marlshire: Place, tmp_path: Path
) -> None:
    """One hub in each district, with a compulsory service whose least number of visits exceeds
    those of every district."""
    must = marlshire.tier_services
    service = must[(must["tier_id"] == "primary_hub") & (must["relation"] == "must")]
    name = service["service_id"].iloc[0]
    services = marlshire.services.copy()
    services.loc[services["service_id"] == name, "least_visits_per_year"] = 1e7
    buildings = marlshire.buildings.assign(pinned="no")  # those that must stay open are exempt
    tables = {**marlshire.tables, "services": services, "buildings": buildings}
    place = replace(marlshire, tables=tables)
    rule = '[[rules]]\nrule = "network"\ntier = "primary_hub"\neach_district = true\nat_least = 1\n'
    asked = read_scenario(write(tmp_path, HEAD + rule))
    assert not check_scenario(marlshire, asked)
    found = check_scenario(place, asked)
    assert len(found) == len(marlshire.districts)
    assert all(f.column == "network.at_least" and f.severity == "error" for f in found)
    assert all("10,000,000" in f.message and name in f.message for f in found)
