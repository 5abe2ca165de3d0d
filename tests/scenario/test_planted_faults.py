"""Every single fault planted in a shipped scenario is found by the check, with line and key."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from placeopt.base.errors import Finding, ScenarioError
from placeopt.place import Place, read_place
from placeopt.scenario import check_scenario, read_scenario
from tests.scenario import planted

SAMPLE = 40  # faults planted in the default run, by a seed


@pytest.fixture(scope="module")
def places(data: Path) -> dict[str, Place]:
    return {
        name: read_place(data / name)
        for name in ("marlshire", "families", "tiers", "whole-person", "worklessness")
    }


def found(fault: planted.Fault, places: dict[str, Place], folder: Path) -> list[Finding]:
    """The findings of ``placeopt check`` on the scenario, for a place without faults."""
    from placeopt.budget.problem.checks import check as check_budget

    path = folder / "asked.toml"
    path.write_text(fault.text, encoding="utf-8")
    place = places[Path(fault.scenario).parts[0]]
    try:
        asked = read_scenario(path)
    except ScenarioError as error:
        return error.findings
    findings = check_scenario(place, asked)
    if asked.problem == "budget" and not any(f.severity == "error" for f in findings):
        findings += check_budget(place, asked)
    return findings


def missed(
    faults: list[planted.Fault], places: dict[str, Place], folder: Path
) -> list[tuple[str, str]]:
    """Faults that no finding names with the file, its line and its key."""
    return [
        (fault.scenario, fault.what)
        for fault in faults
        if not any(
            one.file == "asked.toml" and one.row in fault.lines and fault.key in (one.column or "")
            for one in found(fault, places, folder)
        )
    ]


def all_faults(data: Path) -> list[planted.Fault]:
    shipped = sorted(data.glob("*/scenarios/*.toml"))
    typed = [
        fault
        for path in shipped
        for fault in planted.of_type(data, path.relative_to(data).as_posix())
    ]
    return planted.by_hand(data) + typed


def test_a_sample_of_planted_faults_is_found(
    data: Path, places: dict[str, Place], tmp_path: Path
) -> None:
    """All that were listed by hand are at least 120; a seeded sample of them and of the others."""
    faults = all_faults(data)
    assert len(planted.by_hand(data)) >= 120
    rng = np.random.default_rng(14)
    sample = [faults[i] for i in rng.choice(len(faults), SAMPLE, replace=False)]
    assert missed(sample, places, tmp_path) == []


@pytest.mark.exhaustive
def test_every_planted_fault_is_found(data: Path, places: dict[str, Place], tmp_path: Path) -> None:
    faults = all_faults(data)
    lost = missed(faults, places, tmp_path)
    print(f"\n{len(faults) - len(lost)} of {len(faults)} planted scenario faults found")
    assert lost == []


def test_the_shipped_scenarios_have_no_findings(
    data: Path, places: dict[str, Place], tmp_path: Path
) -> None:
    for path in sorted(data.glob("*/scenarios/*.toml")):
        asked = read_scenario(path)
        assert check_scenario(places[path.relative_to(data).parts[0]], asked) == [], path.name


def test_closing_a_building_of_unknown_use_is_reported(
    places: dict[str, Place], data: Path, tmp_path: Path
) -> None:
    """A pinned closure of a building of unknown services is found before the solve."""
    place = places["marlshire"]
    one = "B002"
    hosting = place.hosting[place.hosting["building_id"] != one].reset_index(drop=True)
    buildings = place.buildings.copy()
    buildings.loc[buildings["building_id"] == one, "pinned"] = "no"
    place = place.replace(hosting=hosting, buildings=buildings)
    fault = planted.with_rule(
        data, planted.MARLSHIRE + "estate.toml", {"rule": "pinned", "close": [one]}, "close"
    )
    said = [f for f in found(fault, {"marlshire": place}, tmp_path) if f.column == "pinned.close"]
    assert [(f.severity, f.row in fault.lines, f.value) for f in said] == [("error", True, one)]
    assert "hosting.csv states no service" in said[0].message

    buildings.loc[buildings["building_id"] == one, "pinned"] = "close"
    asked = read_scenario(data / planted.MARLSHIRE / "estate.toml")
    said = check_scenario(place.replace(buildings=buildings), asked)
    assert [(f.file, f.column, f.value) for f in said] == [("buildings.csv", "pinned", one)]
