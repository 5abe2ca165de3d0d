"""Renamed names are still read for one release, with a warning that names the new one."""

from __future__ import annotations

from pathlib import Path

import pytest

from placeopt.base import aliases
from placeopt.base.aliases import Alias
from placeopt.base.errors import ScenarioError
from placeopt.place import read_leniently, write_place
from placeopt.place.columns import dictionary
from placeopt.scenario import RULES, read_scenario
from placeopt.scenario.scenario import Scenario
from tests.estate.places import random_place

ONCE = (
    Alias("scenario", "asked", "question", "0.3"),
    Alias("scenario.solver", "gap_share", "gap", "0.3"),
    Alias("rules", "reach", "access", "0.3"),
    Alias("rules.access", "within_minutes", "minutes", "0.3"),
    Alias("tables", "areas", "zones", "0.3"),
    Alias("tables.zones", "people", "population", "0.3"),
)
OLD = """asked = "Which?"
place = "."
problem = "estate"

[solver]
gap_share = 0.02

[[rules]]
rule = "reach"
services = "all"
within_minutes = {minutes}
share = 0.5
"""


@pytest.fixture(autouse=True)
def renamed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aliases, "aliases", lambda: ONCE)


def test_earlier_names_of_a_scenario_are_read(tmp_path: Path) -> None:
    (tmp_path / "old.toml").write_text(OLD.format(minutes=15))
    with pytest.warns(FutureWarning) as said:
        scenario = read_scenario(tmp_path / "old.toml")
    assert (scenario.question, scenario.solver.gap) == ("Which?", 0.02)
    access = next(rule for rule in scenario.rules if rule.name == "access")
    assert access.minutes == 15
    assert [str(each.message).split(" is read")[0] for each in said] == [
        "old.toml row 1: 'asked' is called 'question' now and",
        "old.toml row 6: 'gap_share' is called 'gap' now and",
        "old.toml row 9: 'reach' is called 'access' now and",
        "old.toml row 11: 'within_minutes' is called 'minutes' now and",
    ]


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_fault_under_an_earlier_name_has_its_line(tmp_path: Path) -> None:
    (tmp_path / "old.toml").write_text(OLD.format(minutes=-1))
    with pytest.raises(ScenarioError) as refused:
        read_scenario(tmp_path / "old.toml")
    assert [finding.row for finding in refused.value.findings] == [11]


def test_earlier_names_of_tables_and_columns_are_read(tmp_path: Path) -> None:
    place = random_place(1)
    write_place(place, tmp_path)
    zones = (tmp_path / "zones.csv").read_text()
    (tmp_path / "areas.csv").write_text(zones.replace("population", "people", 1))
    (tmp_path / "zones.csv").unlink()
    found, findings = read_leniently(tmp_path)
    assert found is not None
    assert found.zones["population"].tolist() == place.zones["population"].tolist()
    told = {(each.severity, each.file, each.column) for each in findings if "now" in each.message}
    assert told == {("warning", "areas.csv", None), ("warning", "areas.csv", "people")}


def test_aliases_lead_to_names_that_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    for alias in aliases.aliases():
        kind, _, rest = alias.where.partition(".")
        if kind == "tables":
            names = {column.name for column in dictionary()[rest]} if rest else set(dictionary())
        elif kind == "rules":
            rules = {name: rule for (_, name), rule in RULES.items()}
            names = set(rules[rest].model_fields) if rest else set(rules)
        else:
            names = set(Scenario.model_fields) if not rest else {alias.new}
        assert alias.new in names
        assert alias.old not in names
