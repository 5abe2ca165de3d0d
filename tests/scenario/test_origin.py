"""Rules know where they stand, and messages say so."""

from __future__ import annotations

from pathlib import Path

import pytest

from placeopt.base.errors import VerificationError
from placeopt.engine import Status
from placeopt.estate import solve
from placeopt.scenario import Check, Scenario, Verification, check_scenario, read_scenario
from placeopt.scenario.rules.estate.services import Access, Network, Pinned
from tests.support.places import crow_minutes, place_of

FILE = """question = "Which libraries stay?"
problem = "estate"
extends = "base.toml"

[[rules]]
rule = "network"
at_most = 1
"""
BASE = """[money]
appraisal_years = 5

[[rules]]
rule = "pinned"
keep = ["B0", "B1"]
"""


def read(folder: Path) -> Scenario:
    (folder / "asked.toml").write_text(FILE)
    (folder / "base.toml").write_text(BASE)
    return read_scenario(folder / "asked.toml")


def libraries() -> dict[str, list[dict[str, object]]]:
    """Two libraries beside two zones."""
    points = [{"x_m": 450_000.0 + 900 * i, "y_m": 310_000.0} for i in range(2)]
    return {
        "zones": [{**xy, "zone_id": f"Z{i}", "population": 9.0} for i, xy in enumerate(points)],
        "buildings": [
            {**xy, "building_id": f"B{i}", "floor_area_m2": 99.0} for i, xy in enumerate(points)
        ],
        "services": [{"service_id": "S"}],
        "hosting": [{"building_id": f"B{i}", "service_id": "S"} for i in range(2)],
        "demand": [{"zone_id": f"Z{i}", "service_id": "S", "visits_per_year": 9} for i in (0, 1)],
    }


def test_a_rule_of_a_file_keeps_its_line(tmp_path: Path) -> None:
    """Of the file that is extended too, and after a change."""
    asked = read(tmp_path)
    (network,), (pinned,) = asked.of(Network), asked.of(Pinned)
    assert str(network.origin) == "asked.toml row 5"
    assert str(pinned.origin) == "base.toml row 4"
    assert str(network.replace(at_most=2).origin) == "asked.toml row 5"
    changed = asked.replace(rules=[network])
    assert [str(rule.origin) for rule in changed.of(Network)] == ["asked.toml row 5"]
    assert str(changed.rules[0].origin) == "implied"


def test_a_rule_of_python_is_named_by_its_position() -> None:
    rules = [Network(at_least=1), Access(services=("post",), minutes=9)]
    asked = Scenario(question="Which stay?", problem="estate", rules=rules)
    assert [str(rule.origin) for rule in asked.rules if not rule.implied] == [
        "rules[0]",
        "rules[1]",
    ]
    found = check_scenario(place_of(**libraries()), asked)
    assert "rules[1].services" in {finding.column for finding in found}


def test_where_a_rule_stands_is_no_part_of_it(tmp_path: Path) -> None:
    (network,) = read(tmp_path).of(Network)
    assert network == Network(at_most=1)
    assert network.model_dump_json() == Network(at_most=1).model_dump_json()
    assert hash(network) == hash(Network(at_most=1))


def test_clashing_rules_are_named_by_file_and_line(tmp_path: Path) -> None:
    place = place_of(**libraries())
    answer = solve(place, crow_minutes(place), read(tmp_path))
    assert answer.result.status is Status.INFEASIBLE
    assert answer.explanation is not None
    where = {clash.name: clash.stated_at for clash in answer.explanation.clashes}
    assert where == {"network": "asked.toml row 5", "pinned": "base.toml row 4"}


def test_a_failed_verification_names_the_rule_and_its_line() -> None:
    checks = (
        Check("E9", "network", "At most one.", True, "one", stated_at="asked.toml row 5"),
        Check("E13", "pinned", "B0 stays.", False, "B0 is shut", stated_at="base.toml row 4"),
    )
    Verification(checks[:1]).require()
    with pytest.raises(VerificationError, match=r"pinned \(base\.toml row 4\): B0 stays\. B0 is"):
        Verification(checks).require()
