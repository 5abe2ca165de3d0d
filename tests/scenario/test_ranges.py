"""Every number of a scenario has a range; outside it is a finding with key and remedy."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from placeopt.base.errors import ScenarioError
from placeopt.scenario import Scenario, read_scenario
from placeopt.scenario.rules.budget.money import OutcomeTerms
from placeopt.scenario.rules.estate.services import Access
from placeopt.scenario.rules.rule import RULES
from placeopt.scenario.scenario import Money, Objective, SolverSettings, TravelSettings
from placeopt.scenario.section import Section

PARTS: tuple[type[Section], ...] = (
    Objective, TravelSettings, SolverSettings, Money, OutcomeTerms, Scenario,
    *(kind for (problem, _), kind in RULES.items() if problem != "joint"),
)  # fmt: skip
EXTREMES = (1e308, -1e308, 1e-30, -1e-30, math.nan, math.inf, -math.inf, 10**18, -(10**18))


def _holds_numbers(schema: dict[str, Any]) -> str:
    """How a field holds numbers: "number", "integer", "list" or "table" of them, or "" for none."""
    for part in (schema, *schema.get("anyOf", ())):
        if part.get("type") in ("number", "integer"):
            return str(part["type"])
        for key, name in (("items", "list"), ("additionalProperties", "table")):
            inner = part.get(key)
            if isinstance(inner, dict) and inner.get("type") in ("number", "integer"):
                return name
    return ""


NUMBERS = [
    (kind, name, held)
    for kind in PARTS
    for name, schema in kind.model_json_schema()["properties"].items()
    if (held := _holds_numbers(schema))
]


def test_the_numbers_of_all_parts_are_found() -> None:
    assert len(NUMBERS) > 50
    assert {held for _, _, held in NUMBERS} == {"number", "integer", "list", "table"}


@pytest.mark.parametrize(
    ("kind", "name", "held"), NUMBERS, ids=[f"{k.__name__}.{n}" for k, n, _ in NUMBERS]
)
def test_a_number_out_of_its_range_is_refused(kind: type[Section], name: str, held: str) -> None:
    """In Python the fault is of this field, even if other fields are missing."""
    for value in EXTREMES:
        given = {"list": (value,), "table": {"x": value}}.get(held, value)
        with pytest.raises(ScenarioError) as refused:
            kind(**{name: given})
        told = [f for f in refused.value.findings if (f.column or "").split("[")[0].endswith(name)]
        told += [f for f in refused.value.findings if name in (f.column or "").split(".")]
        assert told, f"{value} passes: {refused.value}"
        assert all(f.remedy for f in told)


FILE = """question = "What now?"
problem = "estate"
year = {year}
[solver]
threads = {threads}
time_limit_seconds = {seconds}
seed = {seed}
[[rules]]
rule = "revenue"
ceiling_gbp_per_year = {ceiling}
"""
GOOD = {"year": 2025, "threads": 2, "seconds": 10, "seed": 1, "ceiling": 100}


@pytest.mark.parametrize(
    ("key", "value", "row", "told"),
    [
        ("threads", "100000", 5, "solver.threads is '100000': not valid here; give 256 or less"),
        ("seconds", "1e9", 6, "give 31,536,000 or less"),
        ("seed", "4294967296", 7, "give 2,147,483,647 or less"),
        ("year", "99999", 3, "year is '99999': not valid here; give 2200 or less"),
        ("ceiling", "1e308", 10, "give 1,000,000,000,000 or less"),
        ("ceiling", "1e-30", 10, "is '1e-30': nearer to 0 than 0.000000001; give 0 or more"),
        ("ceiling", "inf", 10, "give a number"),
    ],
)
def test_a_file_is_refused_with_line_and_key(
    key: str, value: str, row: int, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "asked.toml"
    path.write_text(FILE.format(**{**GOOD, key: value}), encoding="utf-8")
    with pytest.raises(ScenarioError) as refused:
        read_scenario(path)
    found = [f for f in refused.value.findings if f.row == row]
    assert any(told in str(f) for f in found), found


def test_an_out_of_range_number_set_in_python_is_refused() -> None:
    rule = Access(services=("lib",), minutes=20.0)
    with pytest.raises(ScenarioError, match="100,000"):
        rule.replace(minutes=1e300)
    with pytest.raises(ScenarioError, match="nearer to 0"):
        rule.model_copy(update={"minutes": 1e-30})


def test_the_json_schema_has_the_ranges() -> None:
    solver = json.loads(json.dumps(SolverSettings.model_json_schema()))["properties"]
    assert solver["threads"]["maximum"] == 256
    assert solver["seed"]["maximum"] == 2**31 - 1
