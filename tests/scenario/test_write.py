"""A written scenario is read back as the same question."""

from __future__ import annotations

from pathlib import Path

import pytest

from placeopt.scenario import read_scenario
from placeopt.scenario.reassignment import uses_reassignment
from placeopt.scenario.write import write_scenario

DATA = Path(__file__).parents[2] / "data"
SHIPPED = sorted(path.relative_to(DATA) for path in DATA.glob("*/scenarios/*.toml"))

WRITTEN = """
question = 'What of "Ann\\u00e9" \\ and tabs	here?'
place = "."
problem = "budget"
year = 2026
years = 2
drop = ["continuity"]
[objective]
minimise = ["weighted", "fairest"]
slack = [0.02]
weights = { weighted_outcomes = 4e7, least_money = 1 }
[[rules]]
rule = "outcomes"
[rules.outcome."falls at home"]
minimum_standard = 1e-9
targets = "hold"
[[rules]]
rule = "pace"
notice = true
[[rules]]
rule = "uncertainty"
spread_by_grade = { 1 = 0.1, "" = 0.3 }
"""


@pytest.mark.parametrize("path", SHIPPED, ids=str)
def test_every_shipped_scenario_survives_writing_and_reading(path: Path, tmp_path) -> None:
    """Every shipped scenario is read back as the same question."""
    scenario = read_scenario(DATA / path).model_copy(update={"place": "."})
    again = read_scenario(write_scenario(scenario, tmp_path / "again.toml", "of two\nlines"))
    assert again.model_dump() == scenario.model_dump()


def test_quotes_empty_keys_and_tables_inside_rules_are_read_back(tmp_path) -> None:
    (tmp_path / "own.toml").write_text(WRITTEN.replace("\\u00e9", "é"), encoding="utf-8")
    scenario = read_scenario(tmp_path / "own.toml")
    again = read_scenario(write_scenario(scenario, tmp_path / "again.toml"))
    assert again.model_dump() == scenario.model_dump()
    assert "continuity" not in {rule.name for rule in again.rules}


@pytest.mark.parametrize("written", [True, False])
def test_a_written_minimise_of_cost_is_not_the_default(written, tmp_path) -> None:
    """``minimise = ["cost"]`` is cost alone; without it, visits are then sent nearer."""
    lines = ['question = "Which?"', 'problem = "estate"']
    lines += ["[objective]", 'minimise = ["cost"]'] if written else []
    (tmp_path / "own.toml").write_text("\n".join(lines), encoding="utf-8")
    scenario = read_scenario(tmp_path / "own.toml")
    again = read_scenario(write_scenario(scenario, tmp_path / "again.toml"))
    assert uses_reassignment(scenario) is uses_reassignment(again) is not written
