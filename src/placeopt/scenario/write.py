"""Write a scenario: one TOML file that stands alone, whatever files it was read from.

What ``read_scenario`` reads back is the same question; what it adds by itself (implied rules with
their defaults, settings that are the defaults) is left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from placeopt.scenario.read import implied_rules
from placeopt.scenario.rules import Rule
from placeopt.scenario.scenario import Scenario

SECTIONS = ("objective", "travel", "money", "solver")


def write_scenario(scenario: Scenario, path: Path, note: str = "") -> Path:
    """Write ``scenario`` to ``path``, under ``note`` as a comment; returns ``path``."""
    given = scenario.model_dump(mode="json", exclude={"rules"}, exclude_defaults=True)
    given = {"place": scenario.place, **given}
    written, drop = _written(scenario)
    if drop:
        given["drop"] = drop
    lines = [f"# {line}" for line in note.splitlines()]
    lines += [f"{key} = {_toml(given[key])}" for key in Scenario.model_fields
              if key in given and key not in SECTIONS]  # fmt: skip
    for section in SECTIONS:
        if given.get(section):
            lines += ["", f"[{section}]", *_pairs(given[section])]
    for rule in written:
        values = rule.model_dump(mode="json", exclude_unset=True, exclude_none=True)
        lines += ["", "[[rules]]", *_pairs({"rule": rule.name, **values})]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    return path


def _written(scenario: Scenario) -> tuple[tuple[Rule, ...], list[str]]:
    """The rules to write, and the names of implied ones to drop: reading puts the implied ones
    that are neither written nor dropped before the others."""
    rules, implied = scenario.rules, implied_rules(scenario.problem)
    force = {rule.name for rule in rules}
    drop = [kind.name for kind in implied if kind.name not in force]
    for start in range(len(rules), 0, -1):
        named = {rule.name for rule in rules[start:]} | set(drop)
        added = [kind(rule=kind.name) for kind in implied if kind.name not in named]
        if list(rules[:start]) == added:
            return rules[start:], drop
    return rules, drop


def _pairs(values: Mapping[str, Any]) -> list[str]:
    return [f"{_key(key)} = {_toml(value)}" for key, value in values.items()]


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(_pairs(value)) + " }" if value else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    # A JSON string, number or boolean is a TOML one, but for the letter DEL.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    bare = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if bare else _toml(name)
